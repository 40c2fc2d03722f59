/* SPDX-License-Identifier: MIT */
/*
 * alloc/rtsmall.h - what atoms, cells, arrays and the obj domain share.
 *
 * `site` is the return address of whoever asked, for messages.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_ALLOC_RTSMALL_H
#define MPY_ALLOC_RTSMALL_H

#include "alloc/rtheap.h"

/* n bytes from one of the runtime's heaps, any size the heap is for; never raises. */
void *
mpyi_rtheap_alloc_slow(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, size_t n,
                       const void *site);

/* Frees a block of that heap whose requested size was n, or MPYI_SIZE_UNKNOWN (alloc/closed.h). */
void
mpyi_rtheap_free_slow(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, void *p, size_t n,
                      const void *site);

/* mpyi_array_realloc() on behalf of somebody else. */
void *
mpyi_array_realloc_from(struct mpyi_rtheap *heap, void *p, size_t old_n, size_t n,
                        const void *site);

#endif /* MPY_ALLOC_RTSMALL_H */
