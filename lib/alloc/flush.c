/* SPDX-License-Identifier: MIT */
/*
 * alloc/flush.c - from magazines into bitmaps.
 *
 * A magazine that has no room for a free gives up what malloc has not taken, in mem mostly older
 * than what was freed since, whose lines are still in the cache. Two loops do it, for blocks that
 * lie beside each other (what shares a word of a bitmap is put back at once; what follows at equal
 * steps is only counted) and for scattered ones; what the first few look like decides. A block of
 * another thread's heap goes into an open message for that heap (alloc/remote.c).
 *
 * The loops have no branch that depends on the state of a pool, since with few blocks a pool that
 * cannot be predicted. They count a pool's `due` down, and note the pool in heap->changed when that
 * reaches 0: a FULL pool with its first block, a USED one with its last. alloc/pool.c files what
 * was noted.
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

/* A block of a pool that is not this heap's. */
static __attribute__((noinline)) void
put_foreign(struct mpyi_heap *heap, void *p, struct mpyi_heap *owner)
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

static inline void
expect_allocated(uint64_t free_bits, uint64_t bit, uintptr_t p)
{
    if ((MPY_DEBUG >= 1 || MPYI_SECURE) && (free_bits & bit) != 0) {
        mpyi_fatal("free of %p: the block is free already", (void *)p);
    }
}

/* The same of several in one word; `twice`: those whose bits say so. */
static inline void
expect_all_allocated(const struct mpyi_pool *pool, uint64_t twice, unsigned word)
{
    if ((MPY_DEBUG >= 1 || MPYI_SECURE) && twice != 0) {
        unsigned block = word * 64 + mpyi_ctz64(twice);
        mpyi_fatal("free of %p: the block is free already",
                   (void *)(pool->address + block * mpyi_class_size(pool->size_class)));
    }
}

/* A block in map mode, or of the class with more bits than fit a descriptor. */
static __attribute__((noinline)) struct mpyi_pool **
put_one(struct mpyi_heap *heap, void *p, struct mpyi_pool **changed)
{
    struct mpyi_space *space = heap->space;
    struct mpyi_pool *pool = &space->pools[mpyi_space_index(space, p)];
    if (MPY_UNLIKELY(pool->owner != heap)) {
        put_foreign(heap, p, pool->owner);
        return changed;
    }
    unsigned block = mpyi_block_index(pool->size_class, mpyi_pool_offset(p));
    uint64_t *word = mpyi_pool_word(space, pool, block >> 6);
    uint64_t bit = UINT64_C(1) << (block & 63);
    expect_allocated(*word, bit, (uintptr_t)p);
    *word |= bit;
    *changed = pool;
    return changed + (--pool->due == 0);
}

/* What the loops below know of a range: where a pool's descriptor is follows from an address by a
   shift and a mask. */
struct range {
    uintptr_t table; /* of descriptors, less the base's share */
    uint32_t inverse;
};

static inline struct range
range_of(const struct mpyi_space *space, unsigned size_class)
{
    _Static_assert(sizeof(struct mpyi_pool) == 64, "an address / 4096 * 64");
    return (struct range){(uintptr_t)space->pools - ((uintptr_t)space->base >> 6),
                          mpyi_class_inverse[size_class]};
}

static inline struct mpyi_pool *
pool_of(const struct range *range, uintptr_t p)
{
    return (struct mpyi_pool *)(range->table + ((p >> 6) & ~(uintptr_t)63));
}

static inline unsigned
block_of(const struct range *range, uintptr_t p)
{
    return mpyi_block_index_by(range->inverse, (unsigned)p & (MPY_POOL_SIZE - 1));
}

/* Each of the blocks for itself; `one_word`: their pools' bits fit one. Pools that are due are
   noted without a branch: where pools have few blocks it could not be predicted. */
static inline __attribute__((always_inline)) struct mpyi_pool **
put_scattered(struct mpyi_heap *heap, struct range range, int one_word, void *const *blocks,
              void *const *end, struct mpyi_pool **changed)
{
    do {
        uintptr_t p = (uintptr_t)*blocks++;
        struct mpyi_pool *pool = pool_of(&range, p);
        if (MPY_UNLIKELY(pool->owner != heap)) {
            put_foreign(heap, (void *)p, pool->owner);
            continue;
        }
        unsigned block = block_of(&range, p);
        uint64_t *word = one_word ? pool->bits : &pool->bits[block >> 6];
        uint64_t bit = UINT64_C(1) << (block & 63);
        expect_allocated(*word, bit, p);
        *word |= bit;
        *changed = pool;
        changed += --pool->due == 0;
    } while (blocks != end);
    return changed;
}

/* How many blocks follow p at equal steps. */
static inline size_t
count_steps(uintptr_t p, uintptr_t step, void *const *blocks, void *const *end)
{
    void *const *block = blocks;
    while (block != end && (uintptr_t)*block == p + step) {
        p += step;
        block++;
    }
    return (size_t)(block - blocks);
}

/* Collects what follows p, which is block number `block`, and shares its word of the bitmap, as
   bits; their number is *count. Mostly that lies side by side, upwards or downwards, and nothing
   has to be known of each. */
static inline __attribute__((always_inline)) uint64_t
collect_word(const struct range *range, unsigned size_class, uintptr_t p, unsigned block,
             void *const *blocks, void *const *end, size_t *count)
{
    unsigned bit = block & 63;
    uintptr_t step = blocks != end ? (uintptr_t)*blocks - p : 0;
    size_t left = (size_t)(end - blocks);
    if (step == mpyi_class_size(size_class)) {
        unsigned above = mpyi_class_capacity[size_class] - 1u - block;
        size_t room = above < 63 - bit ? above : 63 - bit;
        *count = count_steps(p, step, blocks, left < room ? end : blocks + room);
        return mpyi_low_bits((unsigned)*count + 1) << bit;
    }
    if (step == 0 - mpyi_class_size(size_class)) {
        *count = count_steps(p, step, blocks, left < bit ? end : blocks + bit);
        return mpyi_low_bits((unsigned)*count + 1) << (bit - *count);
    }
    uint64_t bits = UINT64_C(1) << bit;
    void *const *next = blocks;
    for (; next != end; next++) {
        uintptr_t q = (uintptr_t)*next;
        unsigned other = block_of(range, q);
        if ((p ^ q) >= MPY_POOL_SIZE || other >> 6 != block >> 6) {
            break;
        }
        expect_allocated(bits, UINT64_C(1) << (other & 63), q);
        bits |= UINT64_C(1) << (other & 63);
    }
    *count = (size_t)(next - blocks);
    return bits;
}

/* Blocks that mostly lie beside the one before: what shares a word of a bitmap is put back at once;
   size_class 0: they are of any. */
static inline __attribute__((always_inline)) struct mpyi_pool **
put_runs(struct mpyi_heap *heap, struct range range, unsigned size_class, void *const *blocks,
         void *const *end, struct mpyi_pool **changed)
{
    int any_class = size_class == 0;
    do {
        uintptr_t p = (uintptr_t)*blocks++;
        struct mpyi_pool *pool = pool_of(&range, p);
        if (MPY_UNLIKELY(pool->owner != heap)) {
            put_foreign(heap, (void *)p, pool->owner);
            continue;
        }
        if (any_class) {
            size_class = pool->size_class;
            if (MPY_UNLIKELY(size_class == 1)) {
                changed = put_one(heap, (void *)p, changed);
                continue;
            }
            range.inverse = mpyi_class_inverse[size_class];
        }
        unsigned block = block_of(&range, p);
        size_t more;
        uint64_t bits = collect_word(&range, size_class, p, block, blocks, end, &more);
        uint64_t *word = &pool->bits[block >> 6];
        expect_all_allocated(pool, *word & bits, block >> 6);
        blocks += more;
        *word |= bits;
        unsigned due = pool->due - (unsigned)more - 1;
        *changed = pool;
        changed += (due == 0) | (pool->due == 1); /* the last one out, or a FULL pool's first */
        pool->due = (uint16_t)due;
    } while (blocks != end);
    return changed;
}

static inline void
end_put(struct mpyi_heap *heap, struct mpyi_pool **changed)
{
    heap->changed_count = (uint32_t)(changed - heap->changed);
    if (MPY_UNLIKELY(heap->changed_count >= MPYI_CHANGED)) {
        mpyi_heap_file_changed(heap);
    }
}

/* Blocks of any classes, at most MPYI_PUT_MOST. */
static void
put_some(struct mpyi_heap *heap, void *const *blocks, size_t n)
{
    struct mpyi_pool **changed = heap->changed + heap->changed_count;
    if (MPY_LIKELY(heap->space->span != 0)) {
        changed = put_runs(heap, range_of(heap->space, 0), 0, blocks, blocks + n, changed);
    } else {
        for (size_t i = 0; i < n; i++) {
            changed = put_one(heap, blocks[i], changed);
        }
    }
    end_put(heap, changed);
}

void
mpyi_heap_put(struct mpyi_heap *heap, void *const *blocks, size_t n)
{
    while (n > 0) {
        size_t some = n < MPYI_PUT_MOST ? n : MPYI_PUT_MOST;
        put_some(heap, blocks, some);
        blocks += some;
        n -= some;
    }
}

static int
are_neighbours(const void *p, const void *q)
{
    return ((uintptr_t)p ^ (uintptr_t)q) < MPY_POOL_SIZE;
}

void
mpyi_heap_put_class(struct mpyi_heap *heap, unsigned size_class, void *const *blocks, size_t n)
{
    if (MPY_UNLIKELY(size_class <= 1 || n < 2 || n > MPYI_PUT_MOST || heap->space->span == 0)) {
        mpyi_heap_put(heap, blocks, n);
        return;
    }
    struct mpyi_pool **changed = heap->changed + heap->changed_count;
    struct range range = range_of(heap->space, size_class);
    if (are_neighbours(blocks[0], blocks[1]) || are_neighbours(blocks[n / 2 - 1], blocks[n / 2])) {
        changed = put_runs(heap, range, size_class, blocks, blocks + n, changed);
    } else if (size_class >= 8) {
        changed = put_scattered(heap, range, 1, blocks, blocks + n, changed);
    } else {
        changed = put_scattered(heap, range, 0, blocks, blocks + n, changed);
    }
    end_put(heap, changed);
}

/* Up to n blocks from the beginning of an array, which ends at *end; how many. */
static size_t
flush_array(struct mpyi_heap *heap, unsigned size_class, void **array, void ***end, size_t n)
{
    size_t all = (size_t)(*end - array);
    size_t some = n < all ? n : all;
    if (some > 0) {
        mpyi_heap_put_class(heap, size_class, array, some);
        memmove(array, array + some, (all - some) * sizeof *array);
        *end -= some;
    }
    return some;
}

void
mpyi_heap_flush_bin(struct mpyi_heap *heap, unsigned size_class, size_t n)
{
    struct mpy_priv_bin *bin = &heap->pub.bins[size_class];
    if (n > 0) {
        n -= flush_array(heap, size_class, bin->lo, &bin->top, n);
        (void)flush_array(heap, size_class, mpyi_bin_freed(bin, size_class), &bin->put, n);
    }
}

void
mpyi_heap_free(struct mpyi_heap *heap, unsigned size_class, void *p)
{
    struct mpy_priv_bin *bin = &heap->pub.bins[size_class];
    if (bin->put == bin->hi) {
        if (bin->top != bin->lo) {
            mpyi_heap_tick(heap);
            mpyi_heap_put_class(heap, size_class, bin->lo, (size_t)(bin->top - bin->lo));
            bin->top = bin->lo;
        }
        mpyi_bin_turn(bin, size_class);
    }
    *bin->put++ = p;
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
