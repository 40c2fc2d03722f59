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

/* A pool ready for blocks of this class, first in heap->partial[size_class]; MPYI_NO_POOL when
   out of memory. */
uint32_t
mpyi_heap_new_pool(struct mpyi_heap *heap, unsigned size_class);

/* Takes a USED pool without blocks from the partial list and the heap. */
void
mpyi_heap_pool_release(struct mpyi_heap *heap, struct mpyi_pool *pool);

/* A pool that gained blocks was FULL, or has none handed out now: puts it where it belongs. */
void
mpyi_heap_pool_edge(struct mpyi_heap *heap, struct mpyi_pool *pool);

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

/* Puts k blocks, whose bits the caller has set, back on the books. */
static inline void
mpyi_pool_gained(struct mpyi_heap *heap, struct mpyi_pool *pool, unsigned k)
{
    MPY_ASSERT(pool->used >= k);
    pool->used = (uint16_t)(pool->used - k);
    if (MPY_UNLIKELY(pool->used == 0 || pool->state == MPY_POOL_FULL)) {
        mpyi_heap_pool_edge(heap, pool);
    }
}

/* The last free block was taken: the pool, first in its partial list or not, leaves it. */
static inline void
mpyi_pool_full(struct mpyi_heap *heap, struct mpyi_pool *pool)
{
    mpyi_partial_remove(heap, pool);
    pool->state = MPY_POOL_FULL;
    if (MPY_UNLIKELY(heap->kind == MPY_KIND_REGION)) {
        mpyi_full_push(heap, pool);
    }
}

#endif /* MPY_ALLOC_POOL_H */
