/* SPDX-License-Identifier: MIT */
/*
 * alloc/refill.c - from bitmaps into magazines.
 *
 * A refill wants half a magazine. It scans the bitmaps of several partial pools until at least half
 * of that is there (one pool at a time measured twice as slow when pools have few free blocks),
 * and takes a pool without blocks only when the partial pools gave nothing at all. The blocks lie
 * so that the lowest address of the first pool is handed out first: fresh memory is walked upwards.
 *
 *   lo                 lo + got          hi
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

/* Takes up to `want` blocks of the word, writing downwards from *top. */
static inline unsigned
take_word(uint64_t *word, char *base, size_t size, void ***top, unsigned want, unsigned *last)
{
    uint64_t bits = *word;
    void **out = *top;
    unsigned taken = 0;
    unsigned bit = 0;
    while (bits != 0 && taken < want) {
        bit = mpyi_ctz64(bits);
        bits &= bits - 1;
        *--out = base + bit * size;
        taken++;
    }
    if (taken > 0) {
        *word = bits;
        *top = out;
        *last = bit;
    }
    return taken;
}

/* Takes up to `want` blocks of a partial pool; at least one. */
static unsigned
take_blocks(struct mpyi_heap *heap, struct mpyi_pool *pool, void **top, unsigned want)
{
    unsigned size_class = pool->size_class;
    size_t size = mpyi_class_size(size_class);
    unsigned left = (unsigned)mpyi_class_capacity[size_class] - pool->used;
    unsigned goal = left < want ? left : want;
    unsigned taken = 0;
    unsigned virgin = 0;
    for (unsigned w = 0; taken < goal; w++) {
        unsigned last = 0;
        unsigned k = take_word(mpyi_pool_word(heap->space, pool, w), pool->address + w * 64 * size,
                               size, &top, goal - taken, &last);
        if (k > 0) {
            taken += k;
            virgin = w * 64 + last + 1;
        }
    }
    pool->used = (uint16_t)(pool->used + taken);
    if (virgin > pool->virgin) {
        pool->virgin = (uint16_t)virgin;
    }
    if (taken == left) {
        mpyi_pool_full(heap, pool);
    }
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
    MPY_ASSERT(bin->top == bin->lo && bin->hi > bin->lo);
    unsigned want = (unsigned)(bin->hi - bin->lo + 1) / 2;
    unsigned need = want;
    void **top = bin->lo + want;
    while (need > want / 2) {
        uint32_t index = heap->partial[size_class];
        if (index == MPYI_NO_POOL) {
            if (need < want) {
                break;
            }
            index = mpyi_heap_new_pool(heap, size_class);
            if (index == MPYI_NO_POOL) {
                return NULL;
            }
        }
        unsigned taken = take_blocks(heap, &heap->space->pools[index], top, need);
        top -= taken;
        need -= taken;
    }
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
    if (++pool->used == capacity) {
        mpyi_pool_full(heap, pool);
    }
    return pool->address + block * mpyi_class_size(size_class);
}

void *
mpyi_heap_take(struct mpyi_heap *heap, unsigned size_class)
{
    drain_if_any(heap);
    uint32_t index = heap->partial[size_class];
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
    (void)take_blocks(heap, &heap->space->pools[index], &block + 1, 1);
    return block;
}
