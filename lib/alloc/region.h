/* SPDX-License-Identifier: MIT */
/*
 * alloc/region.h - first-class heaps: what alloc/region.c and alloc/regionblock.c share.
 *
 * A region is a heap (alloc/heap.h) of the kind MPY_KIND_REGION over the mem space or a runtime's
 * obj_space, plus a ring of large blocks. It differs from a thread's heap in three ways:
 *   - its FULL pools are listed (partial[0]), so that all of its pools are found when it ends
 *   - it takes no messages: who frees a block has the region
 *   - a free looks at the pool's owner first, so a wrong block never gets into its magazines
 *
 *   large block:  | region | size | next | prev | bytes of the caller |
 *
 * in front of which a runtime's region has that runtime's own prefix (alloc/rtlarge.c).
 *
 * A region of the process is in one list of all of them, for fork() and statistics; one of a
 * runtime is in that runtime's, and ends with it.
 *
 * Lock: whoever uses the region, see minipy/region.h; the list of the process has its own.
 */
#ifndef MPY_ALLOC_REGION_H
#define MPY_ALLOC_REGION_H

#include "alloc/rtheap.h"

#include "minipy/region.h"

struct mpyi_region_large {
    mpy_region *region;
    size_t size; /* usable bytes */
    struct mpyi_region_large *next, *prev;
};
_Static_assert(sizeof(struct mpyi_region_large) == 32, "keeps malloc's alignment");

struct mpy_region {
    struct mpyi_heap heap;
    struct mpyi_rtheap *runtime;    /* NULL: of the process */
    struct mpyi_region_large large; /* head of the ring */
    uint64_t large_blocks, large_bytes;
    mpy_region *next, *prev; /* in its list; `next` also in that of unused structs */
    uint32_t live;           /* 0: destroyed */
};

/* ---- region.c -------------------------------------------------------------------------------- */

/* Frees all blocks; up to `keep` pools stay. */
void
mpyi_region_drop(mpy_region *region, uint32_t keep);

/* Ends the regions of a runtime whose memory is about to go as a whole. */
void
mpyi_region_drop_runtime(struct mpyi_rtheap *runtime);

/* Blocks of each class that wait in magazines of the process's regions are added to cached[]. */
void
mpyi_regions_cached(uint64_t cached[MPYI_CLASS_SLOTS]);

/* The list's lock, around fork(), and what the child does with it. */
void
mpyi_regions_lock(void);

void
mpyi_regions_unlock(void);

void
mpyi_regions_after_fork(void);

/* ---- regionblock.c --------------------------------------------------------------------------- */

/* Gives a large block back, which is in no ring any more. */
void
mpyi_region_large_give(mpy_region *region, struct mpyi_region_large *block);

/* ---- inline ---------------------------------------------------------------------------------- */

/* Slow paths stand between these: a fork in another thread has to know, and two threads in one
   region are found here. */
static inline void
mpyi_region_enter(mpy_region *region)
{
    if (MPY_UNLIKELY(atomic_load_explicit(&region->heap.busy, memory_order_relaxed) != 0)) {
        mpyi_fatal("region %p: used by two threads at once", (void *)region);
    }
    atomic_store_explicit(&region->heap.busy, 1, memory_order_relaxed);
    mpyi_heap_sync(&region->heap, region->runtime != NULL ? region->runtime->modes : 0);
}

static inline void
mpyi_region_leave(mpy_region *region)
{
    atomic_store_explicit(&region->heap.busy, 0, memory_order_relaxed);
}

/* 0 when the caller may use the region; else -1 with the reason in mpy_status_last(). */
int
mpyi_region_usable(const mpy_region *region);

#endif /* MPY_ALLOC_REGION_H */
