/* SPDX-License-Identifier: MIT */
/*
 * alloc/check.h - the whole-heap validator behind mpy_debug_check_heap().
 *
 * Each function walks one structure, reports the first violated invariant (base/assert.h) and
 * returns -1; 0 when all hold. Nothing is changed.
 *
 * Lock: that of what is checked. Of the shared mem space only what its lock guards is looked at,
 * and of heaps only the caller's own.
 */
#ifndef MPY_ALLOC_CHECK_H
#define MPY_ALLOC_CHECK_H

#include "alloc/heap.h"

/* Arenas: masks, buckets, counts, and that unused pools are marked so. */
int
mpyi_space_check(struct mpyi_space *space);

/* Pools: bitmaps, lists, states, classes; and magazines against bitmaps. */
int
mpyi_heap_check(struct mpyi_heap *heap);

#endif /* MPY_ALLOC_CHECK_H */
