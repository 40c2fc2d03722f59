/* SPDX-License-Identifier: MIT */
/*
 * alloc/memsite.h - the mem domain's functions for a caller that stands in for somebody else.
 *
 * malloc() of the preload library is a call of its program's, and messages about the block shall
 * name the place in that program. So it hands on its own return address as `site`. Otherwise each
 * function is the public one of the same name. Built for the preload library alone (alloc/mem.c).
 *
 * Lock: none; any thread.
 */
#ifndef MPY_ALLOC_MEMSITE_H
#define MPY_ALLOC_MEMSITE_H

#include <stddef.h>

void *
mpyi_mem_malloc_at(size_t n, const void *site);

void *
mpyi_mem_calloc_at(size_t nelem, size_t elsize, const void *site);

void *
mpyi_mem_aligned_at(size_t alignment, size_t n, const void *site);

void *
mpyi_mem_realloc_at(void *p, size_t n, const void *site);

void
mpyi_mem_free_at(void *p, const void *site);

size_t
mpyi_mem_usable_at(const void *p, const void *site);

#endif /* MPY_ALLOC_MEMSITE_H */
