/* SPDX-License-Identifier: MIT */
/*
 * alloc/os.h - pages of the operating system: the only place that calls mmap and its family.
 *
 * A reservation is address space without memory (PROT_NONE); committing makes a part of it usable;
 * purging gives the memory behind it back and keeps it usable (it reads as zero afterwards).
 *
 * Lock: none, every function may be called from any thread.
 */
#ifndef MPY_ALLOC_OS_H
#define MPY_ALLOC_OS_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a page of the operating system: 4096, 16384 or 65536. */
size_t
mpyi_os_page_size(void);

/* Address space of n bytes, a multiple of the page size, at a multiple of `align`; NULL when
   refused. */
void *
mpyi_os_reserve(size_t n, size_t align);

/* Makes [p, p + n) of a reservation readable and writable. 0, or -1. Whole pages. */
int
mpyi_os_commit(void *p, size_t n);

/* Asks for huge pages behind [p, p + n); whether there are any is for the system to say. */
void
mpyi_os_prefer_huge(void *p, size_t n);

/* n bytes of zeroed memory at a multiple of `align`; NULL when refused. */
void *
mpyi_os_map(size_t n, size_t align);

/* Gives the memory behind [p, p + n) back, rounded inwards to whole pages; bytes given back. */
size_t
mpyi_os_purge(void *p, size_t n);

/* Ends a reservation or mapping. */
void
mpyi_os_release(void *p, size_t n);

/* Milliseconds since an arbitrary start; coarse (about 4 ms) and cheap. */
uint64_t
mpyi_os_now_ms(void);

/* The process's limit on address space (RLIMIT_AS); SIZE_MAX when there is none. */
size_t
mpyi_os_address_limit(void);

/* What is left of it; of all when the system does not tell what is in use. */
size_t
mpyi_os_address_left(void);

/* For tests: the n-th call from now on that asks the system for address space or memory fails, and
   all later ones; 0 switches it off. */
void
mpyi_os_fail_after(uint64_t n);

#endif /* MPY_ALLOC_OS_H */
