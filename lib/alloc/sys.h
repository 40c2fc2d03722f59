/* SPDX-License-Identifier: MIT */
/*
 * alloc/sys.h - the system's malloc under one name.
 *
 * In the preload library (MPY_PRELOAD) malloc is this library itself, so glibc's own names are
 * used, and where there is no glibc (MPY_PRELOAD_MMAP) a mapping for each block; everywhere else
 * the plain names, which may be those of another allocator that was preloaded.
 *
 * Lock: none; the system's allocator has its own.
 */
#ifndef MPY_ALLOC_SYS_H
#define MPY_ALLOC_SYS_H

#include <features.h>
#include <stddef.h>

#ifndef MPY_PRELOAD
#define MPY_PRELOAD 0
#endif
#ifndef MPY_PRELOAD_MMAP
#define MPY_PRELOAD_MMAP 0
#endif

#if MPY_PRELOAD && (MPY_PRELOAD_MMAP || !defined(__GLIBC__))

/* lib/preload/sys_mmap.c */
void *
mpyi_sys_malloc(size_t n);
void *
mpyi_sys_calloc(size_t n);
void *
mpyi_sys_realloc(void *p, size_t n);
void *
mpyi_sys_aligned(size_t alignment, size_t n);
void
mpyi_sys_free(void *p);
size_t
mpyi_sys_usable(void *p);

#elif MPY_PRELOAD

void *
__libc_malloc(size_t n);
void *
__libc_calloc(size_t nelem, size_t elsize);
void *
__libc_realloc(void *p, size_t n);
void *
__libc_memalign(size_t alignment, size_t n);
void
__libc_free(void *p);

static inline void *
mpyi_sys_malloc(size_t n)
{
    return __libc_malloc(n);
}

static inline void *
mpyi_sys_calloc(size_t n)
{
    return __libc_calloc(1, n);
}

static inline void *
mpyi_sys_realloc(void *p, size_t n)
{
    return __libc_realloc(p, n);
}

static inline void *
mpyi_sys_aligned(size_t alignment, size_t n)
{
    return __libc_memalign(alignment, n);
}

static inline void
mpyi_sys_free(void *p)
{
    __libc_free(p);
}

/* malloc_usable_size() would be the library's own; glibc keeps the size of a chunk, and in bit 1
   whether it was mapped by itself, in the word before the block. */
static inline size_t
mpyi_sys_usable(void *p)
{
    size_t word = ((const size_t *)p)[-1];
    return (word & ~(size_t)7) - ((word & 2) != 0 ? 2 : 1) * sizeof(size_t);
}

#else

#include <malloc.h>
#include <stdlib.h>

static inline void *
mpyi_sys_malloc(size_t n)
{
    return malloc(n);
}

static inline void *
mpyi_sys_calloc(size_t n)
{
    return calloc(1, n);
}

static inline void *
mpyi_sys_realloc(void *p, size_t n)
{
    return realloc(p, n);
}

static inline void *
mpyi_sys_aligned(size_t alignment, size_t n)
{
    void *p = NULL;
    return posix_memalign(&p, alignment, n) == 0 ? p : NULL;
}

static inline void
mpyi_sys_free(void *p)
{
    free(p);
}

static inline size_t
mpyi_sys_usable(void *p)
{
    return malloc_usable_size(p);
}

#endif /* MPY_PRELOAD */

/* Usable bytes of a block of n bytes: glibc's, nearly always; n <= PTRDIFF_MAX. */
static inline size_t
mpyi_sys_good(size_t n)
{
    return n <= 24 ? 24 : ((n + 23) & ~(size_t)15) - 8;
}

#endif /* MPY_ALLOC_SYS_H */
