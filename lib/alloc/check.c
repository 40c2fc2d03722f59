/* SPDX-License-Identifier: MIT */
/*
 * alloc/check.c - the whole-heap validator.
 *
 * Checked of a space
 *   popcount(free) == free_count; bucket fits free_count; every arena is in the list of its bucket
 *   exactly once; bucket_mask and kept follow; pools_out is what is not free; a free pool has no
 *   owner, no class and the state UNUSED
 * Checked of a heap, for each pool it owns
 *   USED or FULL: used + free bits == capacity; no bit beyond the capacity; the class byte; the
 *   kind; virgin above the last allocated block; without free blocks: FULL; FULL with free blocks:
 *   noted in heap->changed
 *   EMPTY: no class, and cached; partial lists hold exactly the USED pools, links both ways
 *   magazines: lo <= top <= hi; every entry starts a block of its class that is not free in its
 *   bitmap; no entry twice
 *
 * Lock: see alloc/check.h.
 */
#include "alloc/check.h"

#include "alloc/checked.h"

#include "alloc/memheap.h"
#include "alloc/rtheap.h"
#include "base/hooks.h"
#include "base/status.h"

#define EXPECT(cond, what, where)                                                                  \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            mpyi_report("heap check: %s at %p: " #cond, what, (const void *)(where));              \
            return -1;                                                                             \
        }                                                                                          \
    } while (0)

/* ---- space ------------------------------------------------------------------------------------
 */

static int
check_bucket(const struct mpyi_space *space, uint32_t bucket, uint32_t *members)
{
    uint32_t previous = MPYI_NO_ARENA;
    uint32_t length = 0;
    for (uint32_t i = space->heads[bucket]; i != MPYI_NO_ARENA; i = space->arenas[i].next) {
        EXPECT(i < space->arena_count, "bucket", space);
        const struct mpyi_arena *arena = &space->arenas[i];
        EXPECT(arena->bucket == bucket, "arena", arena->address);
        EXPECT(arena->prev == previous, "arena", arena->address);
        EXPECT(length <= space->arena_count, "bucket", space);
        previous = i;
        length++;
    }
    if (bucket <= MPYI_ARENA_POOLS) {
        EXPECT((space->bucket_mask >> (bucket - 1) & 1) == (length > 0), "bucket mask", space);
    }
    if (bucket == MPYI_ARENA_POOLS) {
        EXPECT(space->kept == length, "kept arenas", space);
        EXPECT(length == 0 || space->oldest_kept == previous, "kept arenas", space);
    }
    *members += length;
    return 0;
}

static int
check_unused_pools(const struct mpyi_space *space, uint32_t number)
{
    const struct mpyi_arena *arena = &space->arenas[number];
    for (uint64_t bits = arena->free; bits != 0; bits &= bits - 1) {
        uint32_t index = number * MPYI_ARENA_POOLS + mpyi_ctz64(bits);
        const struct mpyi_pool *pool = &space->pools[index];
        EXPECT(pool->owner == NULL, "unused pool", pool);
        EXPECT(pool->state == MPY_POOL_UNUSED, "unused pool", pool);
        EXPECT(pool->size_class == 0 && space->classes[index] == 0, "unused pool", pool);
    }
    return 0;
}

static int
check_arena(const struct mpyi_space *space, uint32_t number)
{
    const struct mpyi_arena *arena = &space->arenas[number];
    uint32_t free_count = mpyi_popcount64(arena->free);
    EXPECT(free_count == arena->free_count, "arena", arena->address);
    if (free_count == MPYI_ARENA_POOLS) {
        EXPECT(arena->bucket == MPYI_ARENA_POOLS || arena->bucket == MPYI_BUCKET_CLEAN, "arena",
               arena->address);
    } else {
        EXPECT(arena->bucket == free_count, "arena", arena->address);
    }
    EXPECT(arena->bucket != MPYI_BUCKET_CLEAN || arena->dirty == 0, "arena", arena->address);
    EXPECT((~arena->free & ~arena->dirty) == 0, "arena", arena->address);
    return check_unused_pools(space, number);
}

static int
check_space_locked(const struct mpyi_space *space)
{
    uint32_t listed = 0;
    uint32_t expected = 0;
    uint64_t out = 0;
    uint64_t dirty_free = 0;
    for (uint32_t bucket = 1; bucket < MPYI_BUCKETS; bucket++) {
        if (check_bucket(space, bucket, &listed) < 0) {
            return -1;
        }
    }
    for (uint32_t i = 0; i < space->arena_count; i++) {
        if (check_arena(space, i) < 0) {
            return -1;
        }
        expected += space->arenas[i].bucket != MPYI_BUCKET_NONE;
        out += MPYI_ARENA_POOLS - space->arenas[i].free_count;
        dirty_free += mpyi_popcount64(space->arenas[i].free & space->arenas[i].dirty);
    }
    EXPECT(listed == expected, "buckets", space);
    EXPECT(out == space->pools_out, "pools", space);
    EXPECT(dirty_free == space->dirty_free, "pools with memory", space);
    EXPECT(space->used == (size_t)space->arena_count << MPYI_ARENA_SHIFT, "arenas", space);
    return 0;
}

int
mpyi_space_check(struct mpyi_space *space)
{
    mpyi_space_lock(space);
    int result = check_space_locked(space);
    mpyi_space_unlock(space);
    return result;
}

/* ---- heap -------------------------------------------------------------------------------------
 */

/* 1 when the pool waits for being filed anew. */
static int
is_noted(const struct mpyi_heap *heap, const struct mpyi_pool *pool)
{
    for (uint32_t i = 0; i < heap->changed_count; i++) {
        if (heap->changed[i] == pool) {
            return 1;
        }
    }
    return 0;
}

/* A pool that holds blocks. */
static int
check_blocks(struct mpyi_heap *heap, struct mpyi_pool *pool)
{
    unsigned size_class = pool->size_class;
    unsigned free_blocks = 0;
    unsigned last_allocated = 0;
    for (unsigned w = 0; w < mpyi_pool_words(size_class); w++) {
        uint64_t mask = mpyi_pool_word_mask(size_class, w);
        uint64_t bits = *mpyi_pool_word(heap->space, pool, w);
        EXPECT((bits & ~mask) == 0, "bitmap of pool", pool);
        free_blocks += mpyi_popcount64(bits);
        if ((~bits & mask) != 0) {
            last_allocated = w * 64 + mpyi_log2(~bits & mask) + 1;
        }
    }
    EXPECT(free_blocks + mpyi_pool_used(pool) == mpyi_class_capacity[size_class], "pool", pool);
    EXPECT(pool->virgin >= last_allocated, "pool", pool);
    EXPECT(pool->virgin <= mpyi_class_capacity[size_class], "pool", pool);
    EXPECT(pool->state == MPY_POOL_FULL || free_blocks != 0, "pool", pool);
    if (pool->state == MPY_POOL_FULL && pool->due != 1) {
        EXPECT(is_noted(heap, pool), "pool with free blocks", pool);
    }
    EXPECT(pool->kind == heap->kind, "pool", pool);
    return 0;
}

struct census {
    uint32_t pools, used, empty;
};

static int
check_pools(struct mpyi_heap *heap, struct census *census)
{
    struct mpyi_space *space = heap->space;
    uint32_t count = mpyi_space_pool_count(space);
    for (uint32_t i = 0; i < count; i++) {
        struct mpyi_pool *pool = &space->pools[i];
        if (__atomic_load_n(&pool->owner, __ATOMIC_RELAXED) != heap) {
            continue;
        }
        census->pools++;
        EXPECT(pool->size_class == space->classes[i], "class of pool", pool);
        EXPECT(mpyi_space_find(space, pool->address) == i, "address of pool", pool);
        if (pool->state == MPY_POOL_EMPTY) {
            EXPECT(pool->size_class == 0, "empty pool", pool);
            census->empty++;
            continue;
        }
        EXPECT(pool->state == MPY_POOL_USED || pool->state == MPY_POOL_FULL, "pool", pool);
        EXPECT(pool->size_class >= 1 && pool->size_class <= MPY_CLASS_COUNT, "pool", pool);
        if (check_blocks(heap, pool) < 0) {
            return -1;
        }
        census->used += pool->state == MPY_POOL_USED;
    }
    return 0;
}

static int
check_partial(const struct mpyi_heap *heap, unsigned size_class, uint32_t limit, uint32_t *length)
{
    const struct mpyi_pool *pools = heap->space->pools;
    uint32_t previous = MPYI_NO_POOL;
    for (uint32_t i = heap->partial[size_class]; i != MPYI_NO_POOL; i = pools[i].next) {
        EXPECT(i < mpyi_space_pool_count(heap->space), "partial list", heap);
        EXPECT(pools[i].owner == heap, "partial pool", &pools[i]);
        EXPECT(pools[i].size_class == size_class, "partial pool", &pools[i]);
        EXPECT(pools[i].state == MPY_POOL_USED, "partial pool", &pools[i]);
        EXPECT(pools[i].prev == previous, "partial pool", &pools[i]);
        EXPECT(*length < limit, "partial list", heap);
        previous = i;
        ++*length;
    }
    return 0;
}

/* What is noted may be filed already, but is the heap's. */
static int
check_notes(const struct mpyi_heap *heap, struct mpyi_pool *const *noted, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        EXPECT(__atomic_load_n(&noted[i]->owner, __ATOMIC_RELAXED) == heap, "noted pool", noted[i]);
    }
    return 0;
}

static int
check_empties(const struct mpyi_heap *heap)
{
    EXPECT(heap->empty_count <= MPYI_EMPTIES, "heap", heap);
    EXPECT(heap->changed_count < MPYI_CHANGED && heap->idle_count < MPYI_IDLE, "heap", heap);
    for (uint32_t i = 0; i < heap->empty_count; i++) {
        const struct mpyi_pool *pool = &heap->space->pools[heap->empties[i]];
        EXPECT(pool->owner == heap && pool->state == MPY_POOL_EMPTY, "empty pool", pool);
        EXPECT(heap->meant[i] <= MPY_CLASS_COUNT, "empty pool", pool);
        for (uint32_t j = 0; j < i; j++) {
            EXPECT(heap->empties[j] != heap->empties[i], "empty pool", pool);
        }
    }
    return 0;
}

/* 1: the block is in the array. */
static int
contains(void *const *array, void *const *end, const void *block)
{
    for (; array < end; array++) {
        if (*array == block) {
            return 1;
        }
    }
    return 0;
}

/* One array of a bin; `other` is the other one. */
static int
check_array(const struct mpyi_heap *heap, unsigned size_class, void *const *array, void *const *end,
            void *const *other, void *const *other_end)
{
    for (void *const *slot = array; slot < end; slot++) {
        uint32_t index = mpyi_space_find(heap->space, *slot);
        EXPECT(index != MPYI_NO_POOL, "block in magazine", *slot);
        EXPECT(heap->space->classes[index] == size_class, "block in magazine", *slot);
        EXPECT(mpyi_heap_is_allocated(heap, *slot), "block in magazine", *slot);
        EXPECT(!contains(array, slot, *slot), "block in magazine", *slot);
        EXPECT(!contains(other, other_end, *slot), "block in magazine", *slot);
    }
    return 0;
}

static int
check_bin(const struct mpyi_heap *heap, unsigned size_class)
{
    const struct mpy_priv_bin *bin = &heap->pub.bins[size_class];
    if (heap->closed) {
        EXPECT(bin->lo == NULL && bin->top == NULL && bin->put == NULL && bin->hi == NULL,
               "magazine", bin);
        return 0;
    }
    unsigned limit = mpyi_class_magazine[size_class];
    void **freed = mpyi_bin_freed(bin, size_class);
    EXPECT(bin->lo <= bin->top && bin->top <= bin->lo + limit, "magazine", bin);
    EXPECT(freed <= bin->put && bin->put <= bin->hi, "magazine", bin);
    EXPECT(freed == bin->lo + limit || bin->lo == freed + limit, "magazine", bin);
    return check_array(heap, size_class, bin->lo, bin->top, NULL, NULL) < 0 ||
                   check_array(heap, size_class, freed, bin->put, bin->lo, bin->top) < 0
               ? -1
               : 0;
}

int
mpyi_heap_check(struct mpyi_heap *heap)
{
    struct census census = {0, 0, 0};
    uint32_t partial = 0;
    if (check_pools(heap, &census) < 0) {
        return -1;
    }
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        if (check_partial(heap, c, census.used, &partial) < 0 || check_bin(heap, c) < 0) {
            return -1;
        }
    }
    EXPECT(partial == census.used, "partial lists", heap);
    EXPECT(heap->empty_count == census.empty, "empty pools", heap);
    EXPECT(heap->pool_count == census.pools, "pools", heap);
    EXPECT(heap->kept_large == NULL || mpyi_large_cache_is_sound(heap->kept_large),
           "cache of large blocks", heap->kept_large);
    if (check_empties(heap) < 0 || check_notes(heap, heap->changed, heap->changed_count) < 0) {
        return -1;
    }
    return check_notes(heap, heap->idle, heap->idle_count);
}

/* ---- public -----------------------------------------------------------------------------------
 */

static int
check_process(void)
{
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap == NULL) {
        return 0;
    }
    int result = mpyi_space_check(&mpyi_mem_space) < 0 || mpyi_heap_check(heap) < 0 ||
                         mpyi_checked_verify(NULL) < 0
                     ? -1
                     : 0;
    mpyi_mem_leave(heap);
    return result;
}

int
mpy_debug_check_heap(mpy_runtime *rt)
{
    struct mpyi_rtheap *heap = rt != NULL ? mpyi_hook_runtime_heap(rt) : NULL;
    if (rt != NULL && heap == NULL) {
        mpyi_status_set(MPY_E_INVAL);
        return -1;
    }
    int result = rt == NULL ? check_process() : mpyi_rtheap_check(heap);
    if (result == 0 && rt != NULL) {
        result = mpyi_hook_check_runtime(rt);
    }
    if (result < 0) {
        mpyi_status_set(MPY_E_CORRUPT);
    }
    return result;
}
