/* SPDX-License-Identifier: MIT */
/*
 * alloc/decay.h - giving memory back without being asked.
 *
 * Lock: the heap's; that of the mem space where its arenas are looked at.
 */
#ifndef MPY_ALLOC_DECAY_H
#define MPY_ALLOC_DECAY_H

#include "alloc/heap.h"

#define MPYI_DECAY_TICKS 64 /* slow paths between two looks at the clock */

/* Looks at the clock, and gives back what has been idle if it is time. */
void
mpyi_heap_decay(struct mpyi_heap *heap);

/* To be called on every slow path. */
static inline void
mpyi_heap_tick(struct mpyi_heap *heap)
{
    if (MPY_UNLIKELY(++heap->ticks >= MPYI_DECAY_TICKS)) {
        mpyi_heap_decay(heap);
    }
}

/* Most bytes of large blocks that a heap of the mem domain may keep, given how many heaps there
   are. */
size_t
mpyi_large_share(void);

/* What mpy_mem_set_keep() said for the process; SIZE_MAX: nothing yet. */
extern _Atomic size_t mpyi_keep_cap;

/* Bytes that the process may keep for reuse: MINIPY_KEEP_BYTES, or what mpy_mem_set_keep() said. */
size_t
mpyi_keep_bytes(void);

/* Starts the thread of MINIPY_DECAY_THREAD, if that is wanted. Not inside a slow path. */
void
mpyi_decay_thread_start(void);

#endif /* MPY_ALLOC_DECAY_H */
