/* SPDX-License-Identifier: MIT */
/*
 * alloc/refill.c - from bitmaps into magazines.
 *
 * A refill wants to fill malloc's array. It scans the bitmaps of several partial pools until at
 * least half of that is there (one pool at a time measured twice as slow when pools have few free
 * blocks), and takes a pool without blocks only when the partial pools gave nothing at all; then,
 * where a pool has fewer blocks than are wanted, as many as fit whole. The blocks lie so that the
 * lowest address of the first pool is handed out first: fresh memory is walked upwards.
 *
 *   lo                 lo + got          lo + limit
 *   | last ... second first |            |
 *                      top -^
 *
 * Closed heaps take one block at a time; in secure builds not the lowest, but a random one, so that
 * neither neighbours nor what was freed last can be foretold.
 *
 * Lock: the heap's.
 */
#include "alloc/decay.h"
#include "alloc/os.h"
#include "alloc/pool.h"

#include <string.h>
#include <sys/random.h>

/* Writes n addresses `size` apart, downwards from out; the place of the last. */
static inline void **
write_run(void **out, char *p, size_t size, unsigned n)
{
    for (; n >= 4; n -= 4) {
        out -= 4;
        out[3] = p;
        out[2] = p + size;
        out[1] = p + 2 * size;
        out[0] = p + 3 * size;
        p += 4 * size;
    }
    for (; n > 0; n--) {
        *--out = p;
        p += size;
    }
    return out;
}

/* Takes the lowest `want` blocks of a word that has some, or all, writing downwards from *top;
   their number. *end: number of the last one in the word, plus 1. */
static inline unsigned
take_word(uint64_t *word, char *base, size_t size, void ***top, unsigned want, unsigned *end)
{
    uint64_t bits = *word;
    void **out = *top;
    unsigned low = mpyi_ctz64(bits);
    uint64_t run = bits >> low;
    if ((run & (run + 1)) == 0) { /* side by side: no need to look at each */
        unsigned length = run == UINT64_MAX ? 64 : mpyi_ctz64(~run);
        unsigned n = length < want ? length : want;
        *word = bits & ~(mpyi_low_bits(n) << low);
        *top = write_run(out, base + low * size, size, n);
        *end = low + n;
        return n;
    }
    unsigned bit;
    void **stop = out - want;
    do {
        bit = mpyi_ctz64(bits);
        bits &= bits - 1;
        *--out = base + bit * size;
    } while (bits != 0 && out != stop);
    unsigned n = (unsigned)(*top - out);
    *word = bits;
    *top = out;
    *end = bit + 1;
    return n;
}

/* Takes up to `want` blocks, at least one, of a pool that has `left`. */
static inline unsigned
take_blocks(struct mpyi_space *space, struct mpyi_pool *pool, unsigned left, void **top,
            unsigned want)
{
    size_t size = mpyi_class_size(pool->size_class);
    unsigned goal = left < want ? left : want;
    unsigned taken = 0;
    unsigned virgin = pool->virgin;
    for (unsigned w = 0; taken < goal; w++) {
        uint64_t *word = mpyi_pool_word(space, pool, w);
        if (*word != 0) {
            unsigned end;
            taken += take_word(word, pool->address + w * 64 * size, size, &top, goal - taken, &end);
            end += w * 64;
            virgin = end > virgin ? end : virgin;
        }
    }
    pool->due = (uint16_t)(pool->due + taken);
    pool->virgin = (uint16_t)virgin;
    return taken;
}

/* The first pool of the class that has free blocks, or MPYI_NO_POOL. */
static inline uint32_t
first_partial(struct mpyi_heap *heap, unsigned size_class)
{
    if (heap->partial[size_class] == MPYI_NO_POOL && heap->changed_count > 0) {
        mpyi_heap_file_changed(heap);
    }
    return heap->partial[size_class];
}

/* Up to `want` blocks of the first partial pool of the class, which leaves the list if it has no
   more. */
static unsigned
take_partial(struct mpyi_heap *heap, unsigned size_class, uint32_t index, void **top, unsigned want)
{
    struct mpyi_pool *pool = &heap->space->pools[index];
    unsigned left = (unsigned)mpyi_class_capacity[size_class] - pool->due;
    unsigned taken = take_blocks(heap->space, pool, left, top, want);
    if (taken == left) {
        mpyi_partial_remove(heap, pool);
        mpyi_pool_full(heap, pool);
    }
    return taken;
}

/* Up to `want` blocks of pools that had none: whole pools, or a part of one; 0 when out of memory.
 */
static unsigned
take_fresh(struct mpyi_heap *heap, unsigned size_class, void **top, unsigned want)
{
    unsigned capacity = mpyi_class_capacity[size_class];
    unsigned taken = 0;
    do {
        int whole = capacity <= want - taken;
        struct mpyi_pool *pool = whole ? mpyi_heap_claim_whole(heap, size_class)
                                       : mpyi_heap_claim_pool(heap, size_class);
        if (MPY_UNLIKELY(pool == NULL)) {
            break;
        }
        if (whole) {
            (void)write_run(top - taken, pool->address, mpyi_class_size(size_class), capacity);
            taken += capacity;
        } else {
            taken += take_blocks(heap->space, pool, capacity, top - taken, want - taken);
            mpyi_partial_push(heap, pool);
        }
    } while (capacity <= want - taken);
    return taken;
}

static inline void
drain_if_any(struct mpyi_heap *heap)
{
    if (atomic_load_explicit(&heap->remote, memory_order_relaxed) != 0) {
        mpyi_heap_drain(heap);
    }
}

void *
mpyi_heap_refill(struct mpyi_heap *heap, unsigned size_class)
{
    mpyi_heap_tick(heap);
    drain_if_any(heap);
    struct mpy_priv_bin *bin = &heap->pub.bins[size_class];
    MPY_ASSERT(bin->top == bin->lo && bin->hi != NULL);
    unsigned want = mpyi_class_magazine[size_class];
    unsigned need = want;
    void **top = bin->lo + want;
    do {
        uint32_t index = first_partial(heap, size_class);
        unsigned taken;
        if (index != MPYI_NO_POOL) {
            taken = take_partial(heap, size_class, index, top, need);
        } else if (need == want) {
            taken = take_fresh(heap, size_class, top, need);
            if (MPY_UNLIKELY(taken == 0)) {
                return mpyi_bin_turn_pop(bin, size_class, 1); /* what free's array still has */
            }
        } else {
            break;
        }
        top -= taken;
        need -= taken;
    } while (need > want / 2);
    unsigned got = want - need;
    if (need > 0) {
        memmove(bin->lo, top, got * sizeof *top);
    }
    bin->top = bin->lo + got - 1;
    return *bin->top;
}

/* ---- closed heaps ---------------------------------------------------------------------------- */

/* Not for cryptography: an attacker who sees addresses sees the order anyway. xorshift64*. */
static uint64_t
next_random(struct mpyi_heap *heap)
{
    uint64_t x = heap->random;
    if (x == 0 && getrandom(&x, sizeof x, GRND_NONBLOCK) != (ssize_t)sizeof x) {
        x = (uintptr_t)heap ^ mpyi_os_now_ms();
    }
    x += x == 0;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    heap->random = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

/* The first free block of a partial pool from a random one on, round about. */
static void *
take_random(struct mpyi_heap *heap, struct mpyi_pool *pool)
{
    unsigned size_class = pool->size_class;
    unsigned capacity = mpyi_class_capacity[size_class];
    unsigned block = (unsigned)(next_random(heap) % capacity);
    uint64_t *word = mpyi_pool_word(heap->space, pool, block >> 6);
    while ((*word >> (block & 63) & 1) == 0) {
        block = block + 1 < capacity ? block + 1 : 0;
        word = mpyi_pool_word(heap->space, pool, block >> 6);
    }
    *word &= ~(UINT64_C(1) << (block & 63));
    if (block >= pool->virgin) {
        pool->virgin = (uint16_t)(block + 1);
    }
    if (++pool->due == capacity) {
        mpyi_partial_remove(heap, pool);
        mpyi_pool_full(heap, pool);
    }
    return pool->address + block * mpyi_class_size(size_class);
}

void *
mpyi_heap_take(struct mpyi_heap *heap, unsigned size_class)
{
    drain_if_any(heap);
    uint32_t index = first_partial(heap, size_class);
    if (index == MPYI_NO_POOL) {
        index = mpyi_heap_new_pool(heap, size_class);
        if (index == MPYI_NO_POOL) {
            return NULL;
        }
    }
    if (MPYI_SECURE) {
        return take_random(heap, &heap->space->pools[index]);
    }
    void *block;
    (void)take_partial(heap, size_class, index, &block + 1, 1);
    return block;
}
