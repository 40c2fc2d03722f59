/* SPDX-License-Identifier: MIT */
/*
 * alloc/flush.c - from magazines into bitmaps.
 *
 * A full magazine gives up its older half: the newer blocks are the ones whose lines are still in
 * the cache. Blocks are walked in the order they were freed; as long as consecutive ones lie in the
 * same pool, descriptor, owner and books are looked at once for the whole run. A run that belongs
 * to another thread's heap goes into an open message for that heap (alloc/remote.c).
 *
 * Wrong frees that reach this point are named: a block of a pool nobody owns, and, in debug
 * builds, a block whose bit says that it is free already.
 *
 * Lock: the heap's. Reading another heap's pool->owner and size_class is safe: they cannot change
 * while a block of the pool is out, and this block is.
 */
#include "alloc/decay.h"
#include "alloc/pool.h"

#include <string.h>

/* Index of the pool; hot, so base and span are passed in registers. */
static inline uint32_t
pool_index(const struct mpyi_space *space, uintptr_t base, size_t span, const void *p)
{
    size_t offset = (uintptr_t)p - base;
    if (MPY_LIKELY(offset < span)) {
        return (uint32_t)(offset >> MPYI_POOL_SHIFT);
    }
    return mpyi_space_index(space, p);
}

/* A block of a pool that is not this heap's. */
static __attribute__((noinline)) void
put_foreign(struct mpyi_heap *heap, struct mpyi_heap *owner, void *p)
{
    if (owner == NULL) {
        mpyi_fatal("free of %p: no block is allocated there (freed twice?)", p);
    }
    if (owner->kind == MPY_KIND_REGION || heap->kind == MPY_KIND_REGION) {
        mpyi_fatal("free of %p: %s", p,
                   owner->kind == MPY_KIND_REGION
                       ? "the block is a region's; only mpy_region_free() with it may free it"
                       : "the block is none of this region");
    }
    if (heap->kind == MPY_KIND_MEM) {
        mpyi_heap_send(heap, owner, p);
    } else {
        /* Two heaps of one runtime: its lock covers both. */
        mpyi_heap_put(owner, &p, 1);
    }
}

/* Sets the bit of a block. */
static inline void
set_free(struct mpyi_space *space, struct mpyi_pool *pool, unsigned size_class, uint32_t inverse,
         void *p)
{
    unsigned block = mpyi_block_index_by(inverse, mpyi_pool_offset(p));
    uint64_t *word =
        size_class == 1 ? mpyi_pool_word(space, pool, block >> 6) : &pool->bits[block >> 6];
    uint64_t bit = UINT64_C(1) << (block & 63);
    if ((MPY_DEBUG >= 1 || MPYI_SECURE) && (*word & bit) != 0) {
        mpyi_fatal("free of %p: the block is free already", p);
    }
    *word |= bit;
}

/* size_class 0: the blocks may be of any. */
static inline __attribute__((always_inline)) void
put(struct mpyi_heap *heap, unsigned size_class, void *const *blocks, size_t n)
{
    struct mpyi_space *space = heap->space;
    const uintptr_t base = (uintptr_t)space->base;
    const size_t span = space->span;
    struct mpyi_pool *const pools = space->pools;
    struct mpyi_pool *pool = NULL;
    struct mpyi_heap *owner = NULL;
    unsigned class_now = size_class;
    uint32_t inverse = mpyi_class_inverse[size_class];
    unsigned gained = 0;
    for (size_t i = 0; i < n; i++) {
        void *p = blocks[i];
        struct mpyi_pool *next = &pools[pool_index(space, base, span, p)];
        if (next != pool) {
            if (gained > 0) {
                mpyi_pool_gained(heap, pool, gained);
                gained = 0;
            }
            pool = next;
            owner = pool->owner;
            if (size_class == 0) {
                class_now = pool->size_class;
                inverse = mpyi_class_inverse[class_now];
            }
        }
        if (MPY_UNLIKELY(owner != heap)) {
            put_foreign(heap, owner, p);
            continue;
        }
        set_free(space, pool, class_now, inverse, p);
        gained++;
    }
    if (gained > 0) {
        mpyi_pool_gained(heap, pool, gained);
    }
}

void
mpyi_heap_put(struct mpyi_heap *heap, void *const *blocks, size_t n)
{
    put(heap, 0, blocks, n);
}

void
mpyi_heap_put_class(struct mpyi_heap *heap, unsigned size_class, void *const *blocks, size_t n)
{
    if (MPY_UNLIKELY(size_class <= 1)) {
        put(heap, 0, blocks, n);
    } else {
        put(heap, size_class, blocks, n);
    }
}

void
mpyi_heap_flush_bin(struct mpyi_heap *heap, unsigned size_class, size_t n)
{
    struct mpy_priv_bin *bin = &heap->pub.bins[size_class];
    mpyi_heap_put_class(heap, size_class, bin->lo, n);
    size_t rest = (size_t)(bin->top - bin->lo) - n;
    memmove(bin->lo, bin->lo + n, rest * sizeof *bin->lo);
    bin->top = bin->lo + rest;
}

void
mpyi_heap_flush_push(struct mpyi_heap *heap, unsigned size_class, void *p)
{
    struct mpy_priv_bin *bin = &heap->pub.bins[size_class];
    mpyi_heap_tick(heap);
    if (bin->top == bin->hi) {
        mpyi_heap_flush_bin(heap, size_class, (size_t)(bin->hi - bin->lo + 1) / 2);
    }
    *bin->top++ = p;
}

int
mpyi_heap_is_allocated(const struct mpyi_heap *heap, const void *p)
{
    struct mpyi_space *space = heap->space;
    uint32_t index = mpyi_space_find(space, p);
    if (index == MPYI_NO_POOL || space->classes[index] == 0) {
        return 0;
    }
    struct mpyi_pool *pool = &space->pools[index];
    unsigned size_class = pool->size_class;
    unsigned block = mpyi_block_index(size_class, mpyi_pool_offset(p));
    if (block >= mpyi_class_capacity[size_class] ||
        block * mpyi_class_size(size_class) != mpyi_pool_offset(p)) {
        return 0;
    }
    if (pool->owner != heap && heap->kind == MPY_KIND_MEM) {
        return 1;
    }
    return (*mpyi_pool_word(space, pool, block >> 6) >> (block & 63) & 1) == 0;
}
