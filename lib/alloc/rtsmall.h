/* SPDX-License-Identifier: MIT */
/*
 * alloc/rtsmall.h - what atoms, cells, arrays and the obj domain share.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_ALLOC_RTSMALL_H
#define MPY_ALLOC_RTSMALL_H

#include "alloc/rtheap.h"

/* n bytes from one of the runtime's heaps, any size the heap is for; never raises. */
void *
mpyi_rtheap_alloc_slow(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, size_t n);

/* Frees a block of that heap whose requested size was n. */
void
mpyi_rtheap_free_slow(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, void *p, size_t n);

#endif /* MPY_ALLOC_RTSMALL_H */
