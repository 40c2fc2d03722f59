/* SPDX-License-Identifier: MIT */
/*
 * alloc/pool.h - the books of a heap's pools: what refill and flush do on every pool they touch.
 *
 * Inline, because random frees touch a pool a block. States and lists are explained in alloc/heap.h
 * and alloc/pool.c.
 *
 * Lock: the heap's.
 */
#ifndef MPY_ALLOC_POOL_H
#define MPY_ALLOC_POOL_H

#include "alloc/heap.h"

/* A pool ready for blocks of this class, in no list yet; NULL when out of memory. */
struct mpyi_pool *
mpyi_heap_claim_pool(struct mpyi_heap *heap, unsigned size_class);

/* The same with all its blocks taken: it is FULL. */
struct mpyi_pool *
mpyi_heap_claim_whole(struct mpyi_heap *heap, unsigned size_class);

/* As mpyi_heap_claim_pool(), first in heap->partial[size_class]; its index, or MPYI_NO_POOL. */
uint32_t
mpyi_heap_new_pool(struct mpyi_heap *heap, unsigned size_class);

/* Takes a USED pool without blocks from the partial list and the heap. */
void
mpyi_heap_pool_release(struct mpyi_heap *heap, struct mpyi_pool *pool);

/* A FULL pool has gained blocks: it is USED now, first in its partial list. */
void
mpyi_heap_pool_reopen(struct mpyi_heap *heap, struct mpyi_pool *pool);

/* Files the pools of heap->changed: FULL ones that have free blocks become USED, those without
   blocks are noted in heap->idle, and released when enough are. */
void
mpyi_heap_file_changed(struct mpyi_heap *heap);

/* The same, and releases every pool that is idle still, but for the last partial one of a class. */
void
mpyi_heap_settle(struct mpyi_heap *heap);

/* The FULL pools of a region's heap are listed, too, in partial[0]: it has to find all of its pools
   when it ends. */
void
mpyi_full_push(struct mpyi_heap *heap, struct mpyi_pool *pool);

/* Gives every pool of the heap back to its space, whatever is allocated in them, but for up to
   `keep` that stay in the cache of empty ones. Region heaps only. Magazines have to be empty. */
void
mpyi_heap_drop_pools(struct mpyi_heap *heap, uint32_t keep);

static inline uint32_t
mpyi_pool_index(const struct mpyi_heap *heap, const struct mpyi_pool *pool)
{
    return (uint32_t)(pool - heap->space->pools);
}

static inline void
mpyi_partial_push(struct mpyi_heap *heap, struct mpyi_pool *pool)
{
    uint32_t index = mpyi_pool_index(heap, pool);
    uint32_t head = heap->partial[pool->size_class];
    pool->state = MPY_POOL_USED;
    pool->prev = MPYI_NO_POOL;
    pool->next = head;
    if (head != MPYI_NO_POOL) {
        heap->space->pools[head].prev = index;
    }
    heap->partial[pool->size_class] = index;
}

static inline void
mpyi_partial_remove(struct mpyi_heap *heap, struct mpyi_pool *pool)
{
    struct mpyi_pool *pools = heap->space->pools;
    if (pool->prev != MPYI_NO_POOL) {
        pools[pool->prev].next = pool->next;
    } else {
        heap->partial[pool->size_class] = pool->next;
    }
    if (pool->next != MPYI_NO_POOL) {
        pools[pool->next].prev = pool->prev;
    }
}

/* Puts k blocks, whose bits the caller has set, back on the books of a pool, which is USED
   afterwards. Whether any are left in use is for the caller to see. */
static inline void
mpyi_pool_gained(struct mpyi_heap *heap, struct mpyi_pool *pool, unsigned k)
{
    MPY_ASSERT(mpyi_pool_used(pool) >= k);
    pool->due = (uint16_t)(pool->due - k);
    if (MPY_UNLIKELY(pool->state == MPY_POOL_FULL)) {
        mpyi_heap_pool_reopen(heap, pool);
    }
}

/* Its last free block was taken from a pool that is in no list. */
static inline void
mpyi_pool_full(struct mpyi_heap *heap, struct mpyi_pool *pool)
{
    pool->state = MPY_POOL_FULL;
    pool->due = 1;
    if (MPY_UNLIKELY(heap->kind == MPY_KIND_REGION)) {
        mpyi_full_push(heap, pool);
    }
}

#endif /* MPY_ALLOC_POOL_H */
