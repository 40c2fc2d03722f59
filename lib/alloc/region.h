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
    struct mpyi_marks marks; /* of checked blocks; while there are any, magazines are closed */
};

static inline mpy_region *
mpyi_region_of(struct mpyi_heap *heap)
{
    return (mpy_region *)(void *)heap;
}

/* ---- region.c -------------------------------------------------------------------------------- */

/* Frees all blocks; up to `keep` pools stay. `site` is whose call that is, for messages. */
void
mpyi_region_drop(mpy_region *region, uint32_t keep, const void *site);

/* Gives the pools without blocks back that the region keeps, unless one of its slow paths is at
   work. */
void
mpyi_region_release(mpy_region *region);

/* Ends the regions of a runtime whose memory is about to go as a whole. */
void
mpyi_region_drop_runtime(struct mpyi_rtheap *runtime);

/* Blocks of each class that wait in magazines of the process's regions are added to cached[]. */
void
mpyi_regions_cached(uint64_t cached[MPYI_CLASS_SLOTS]);

/* The first region of the process, lock held; the others by `next`. */
mpy_region *
mpyi_regions_first(void);

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

/* The plain layer below the checked one (alloc/closed.h): the region of this heap is closed, and
   entered. n >= 1. */
void *
mpyi_region_plain_malloc(struct mpyi_heap *heap, size_t n, int zero);

/* n is the size that was requested, or MPYI_SIZE_UNKNOWN. */
void
mpyi_region_plain_free(struct mpyi_heap *heap, void *p, size_t n);

size_t
mpyi_region_plain_usable(struct mpyi_heap *heap, const void *p);

/* 1 when a large block of the region starts at p. Linear. */
int
mpyi_region_owns_large(struct mpyi_heap *heap, const void *p);

/* ---- regioncheck.c --------------------------------------------------------------------------- */

struct mpyi_origin;

void
mpyi_region_marks_init(mpy_region *region);

struct mpyi_marks *
mpyi_region_marks(struct mpyi_heap *heap);

/* Looks at the fences and dead bytes of all blocks, and forgets their records; a fault ends the
   process. */
void
mpyi_region_marks_end(mpy_region *region, const void *site);

/* The record around an address, of a region of the process, or of the runtime (unless NULL) whose
   lock is held: 1 with a copy of it. */
int
mpyi_regions_around(const struct mpyi_rtheap *runtime, const void *p, struct mpyi_mark *out);

/* Who allocated the block at `base` of a pool; as mpyi_checked_origin(). */
int
mpyi_region_origin(const struct mpyi_pool *pool, const void *base, struct mpyi_origin *out);

/* Blocks in quarantine, of the process's regions or of a runtime's. */
size_t
mpyi_regions_queued(const struct mpyi_rtheap *runtime);

/* Fences and dead bytes of the process's regions: 0, or -1 after a report of the first fault. */
int
mpyi_regions_verify(void);

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
    uint32_t own = region->marks.count != 0 ? MPYI_MODE_CHECK : 0;
    mpyi_heap_sync(&region->heap, own | (region->runtime != NULL ? region->runtime->modes : 0));
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
