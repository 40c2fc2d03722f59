/* SPDX-License-Identifier: MIT */
/*
 * alloc/pool.c - a heap's pools: taking them, giving them back, and the lists between.
 *
 * Every pool a heap owns is in one of three places:
 *   USED    in heap->partial[class], a doubly linked list of pool indices
 *   FULL    in no list; found again through the address of a block that is freed. The heap of a
 *           region lists them in heap->partial[0]
 *   EMPTY   in heap->empties[], of no class, ready for any, or meant for one (heap->meant[])
 * A pool that gained blocks (alloc/flush.c) is filed anew later, together with others: it is noted
 * in heap->changed, and MPYI_CHANGED of them are looked at in one go, or all as soon as a refill
 * finds no partial pool. Until then a FULL pool with free blocks is filed as FULL still.
 * One without blocks becomes EMPTY even later: it waits in its partial list, where the next refill
 * of its class finds it, and in heap->idle, until MPYI_IDLE are there or an EMPTY pool is wanted.
 * So a program that goes back and forth over the edge of a pool does not take and give it each
 * time. The last partial pool of a class stays, idle or not. Both are lists of suspects, which may
 * name a pool twice, one that is in use again, or one that is EMPTY already; but none that left the
 * heap, since both are read before any does.
 *
 * Invariants: classes[i] == pool.size_class; classes[i] == 0 unless USED or FULL; the first pool of
 * a partial list has prev == MPYI_NO_POOL.
 *
 * Lock: the heap's; the space takes its own.
 */
#include "alloc/pool.h"

#include "alloc/poison.h"

#include <string.h>

/* Pools taken from the space at once: one lock, one change of lists. */
#define FETCH_LEAST 4
#define FETCH_MOST  16

/* Validators in other threads look whose pool it is. */
static void
set_owner(struct mpyi_pool *pool, struct mpyi_heap *owner)
{
    __atomic_store_n(&pool->owner, owner, __ATOMIC_RELAXED);
}

/* Notes an empty pool, for a class whose run it continues, or for any (0). */
static void
push_empty(struct mpyi_heap *heap, uint32_t index, unsigned meant_for)
{
    heap->meant[heap->empty_count] = (uint8_t)meant_for;
    heap->empties[heap->empty_count++] = index;
}

static inline void
disown(struct mpyi_pool *pool)
{
    set_owner(pool, NULL);
    pool->state = MPY_POOL_UNUSED;
}

/* Gives pools back to the space that are the heap's no more. */
static void
put_pools(struct mpyi_heap *heap, const uint32_t *indices, uint32_t n)
{
    heap->pool_count -= n;
    mpyi_space_put_pools(heap->space, indices, n);
}

/* Gives the first n cached empty pools back to the space. */
static void
spill_empties(struct mpyi_heap *heap, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        disown(&heap->space->pools[heap->empties[i]]);
    }
    put_pools(heap, heap->empties, n);
    heap->empty_count -= n;
    memmove(heap->empties, heap->empties + n, heap->empty_count * sizeof heap->empties[0]);
    memmove(heap->meant, heap->meant + n, heap->empty_count * sizeof heap->meant[0]);
}

void
mpyi_heap_halve_empties(struct mpyi_heap *heap)
{
    mpyi_heap_settle(heap);
    uint32_t n = (heap->empty_count + 1) / 2;
    if (n > 0) {
        spill_empties(heap, n);
    }
}

/* Marks every block of the pool free. 0, or -1 when the bits have no memory. */
static int
init_bits(struct mpyi_heap *heap, struct mpyi_pool *pool, unsigned size_class)
{
    memcpy(pool->bits, mpyi_class_bits[size_class], sizeof pool->bits);
    if (MPY_UNLIKELY(size_class == 1)) {
        uint32_t index = mpyi_pool_index(heap, pool);
        if (mpyi_space_need_upper(heap->space, index) < 0) {
            return -1;
        }
        memset(heap->space->upper[index], 0xff, sizeof heap->space->upper[index]);
    }
    return 0;
}

/* An eighth of what the heap has, at least 4, at most half the room in the cache; but a run is
   continued to the next 64 KiB and no further. */
static uint32_t
pools_to_fetch(const struct mpyi_heap *heap, uint32_t near)
{
    uint32_t n = heap->pool_count / 8;
    uint32_t most = (MPYI_EMPTIES - heap->empty_count) / 2;
    n = n < most ? n : most;
    n = n > FETCH_LEAST ? n : FETCH_LEAST;
    most = near != MPYI_NO_POOL ? FETCH_MOST - near % FETCH_MOST : FETCH_LEAST;
    return n < most ? n : most;
}

/* Takes pools from the space into the cache, which has room for FETCH_LEAST. Those that are fetched
   for a class for the first time are for any; from then on they continue its run, and are meant for
   it. 0, or -1. */
static int
fetch_empties(struct mpyi_heap *heap, unsigned size_class)
{
    uint32_t fetched[FETCH_MOST];
    uint32_t near = heap->runs[size_class];
    size_t n = mpyi_space_get_pools(heap->space, fetched, pools_to_fetch(heap, near), near);
    if (n == 0) {
        return -1;
    }
    for (size_t i = n; i-- > 0;) { /* the lowest address comes first */
        struct mpyi_pool *pool = &heap->space->pools[fetched[i]];
        set_owner(pool, heap);
        pool->state = MPY_POOL_EMPTY;
        pool->kind = heap->kind;
        push_empty(heap, fetched[i], near != MPYI_NO_POOL ? size_class : 0);
    }
    heap->runs[size_class] = fetched[n - 1] + 1;
    heap->pool_count += (uint32_t)n;
    return 0;
}

static inline int
fits(const struct mpyi_heap *heap, uint32_t at, unsigned size_class)
{
    return heap->meant[at] == 0 || heap->meant[at] == size_class;
}

/* The newest empty pool that is meant for the class or for any; MPYI_EMPTIES: there is none. */
static uint32_t
fitting_empty(const struct mpyi_heap *heap, unsigned size_class)
{
    for (uint32_t i = heap->empty_count; i-- > 0;) {
        if (fits(heap, i, size_class)) {
            return i;
        }
    }
    return MPYI_EMPTIES;
}

/* Where in the cache the pool for a class is; MPYI_EMPTIES: out of memory. What is meant for others
   is taken where there is no room, or no memory, for more. */
static uint32_t
choose_empty(struct mpyi_heap *heap, unsigned size_class)
{
    uint32_t at = fitting_empty(heap, size_class);
    if (at != MPYI_EMPTIES) {
        return at;
    }
    mpyi_heap_settle(heap);
    at = fitting_empty(heap, size_class);
    if (at != MPYI_EMPTIES) {
        return at;
    }
    if (heap->empty_count > MPYI_EMPTIES - FETCH_LEAST) {
        return 0; /* the oldest: its class has not gone on for long */
    }
    return fetch_empties(heap, size_class) == 0 || heap->empty_count > 0 ? heap->empty_count - 1
                                                                         : MPYI_EMPTIES;
}

/* Makes the pool for a class the newest of the cache; the order of the others stays. 0, or -1. */
static __attribute__((noinline)) int
offer_empty(struct mpyi_heap *heap, unsigned size_class)
{
    uint32_t at = choose_empty(heap, size_class);
    if (at == MPYI_EMPTIES) {
        return -1;
    }
    uint32_t index = heap->empties[at];
    uint32_t above = heap->empty_count - at - 1;
    if (above > 0) {
        memmove(heap->empties + at, heap->empties + at + 1, above * sizeof heap->empties[0]);
        memmove(heap->meant + at, heap->meant + at + 1, above * sizeof heap->meant[0]);
        heap->empty_count--;
        push_empty(heap, index, size_class);
    }
    return 0;
}

/* A pool for blocks of this class, in no list yet, whose bits are to be set; NULL: out of memory.
 */
static inline struct mpyi_pool *
next_empty(struct mpyi_heap *heap, unsigned size_class)
{
    if ((heap->empty_count == 0 || !fits(heap, heap->empty_count - 1, size_class)) &&
        offer_empty(heap, size_class) < 0) {
        return NULL;
    }
    return &heap->space->pools[heap->empties[heap->empty_count - 1]];
}

static inline void
take_empty(struct mpyi_heap *heap, struct mpyi_pool *pool, unsigned size_class)
{
    heap->empty_count--;
    heap->space->classes[mpyi_pool_index(heap, pool)] = (uint8_t)size_class;
    pool->size_class = (uint8_t)size_class;
}

struct mpyi_pool *
mpyi_heap_claim_whole(struct mpyi_heap *heap, unsigned size_class)
{
    struct mpyi_pool *pool = next_empty(heap, size_class);
    if (pool != NULL) {
        take_empty(heap, pool, size_class);
        memset(pool->bits, 0, sizeof pool->bits);
        pool->virgin = mpyi_class_capacity[size_class];
        mpyi_pool_full(heap, pool);
    }
    return pool;
}

struct mpyi_pool *
mpyi_heap_claim_pool(struct mpyi_heap *heap, unsigned size_class)
{
    struct mpyi_pool *pool = next_empty(heap, size_class);
    if (pool == NULL || init_bits(heap, pool, size_class) < 0) {
        return NULL;
    }
    take_empty(heap, pool, size_class);
    pool->due = 0;
    pool->virgin = 0;
    return pool;
}

uint32_t
mpyi_heap_new_pool(struct mpyi_heap *heap, unsigned size_class)
{
    struct mpyi_pool *pool = mpyi_heap_claim_pool(heap, size_class);
    if (pool == NULL) {
        return MPYI_NO_POOL;
    }
    mpyi_partial_push(heap, pool);
    return mpyi_pool_index(heap, pool);
}

/* ---- full pools of a region -------------------------------------------------------------------
 */

void
mpyi_full_push(struct mpyi_heap *heap, struct mpyi_pool *pool)
{
    uint32_t head = heap->partial[0];
    pool->prev = MPYI_NO_POOL;
    pool->next = head;
    if (head != MPYI_NO_POOL) {
        heap->space->pools[head].prev = mpyi_pool_index(heap, pool);
    }
    heap->partial[0] = mpyi_pool_index(heap, pool);
}

static void
full_remove(struct mpyi_heap *heap, struct mpyi_pool *pool)
{
    struct mpyi_pool *pools = heap->space->pools;
    if (pool->prev != MPYI_NO_POOL) {
        pools[pool->prev].next = pool->next;
    } else {
        heap->partial[0] = pool->next;
    }
    if (pool->next != MPYI_NO_POOL) {
        pools[pool->next].prev = pool->prev;
    }
}

#define DROP_BATCH 64u /* pools given back under one lock */

void
mpyi_heap_drop_pools(struct mpyi_heap *heap, uint32_t keep)
{
    struct mpyi_pool *pools = heap->space->pools;
    uint32_t batch[DROP_BATCH];
    uint32_t n = 0;
    MPY_ASSERT(heap->kind == MPY_KIND_REGION && keep <= MPYI_EMPTIES);
    for (unsigned c = 0; c <= MPY_CLASS_COUNT; c++) {
        uint32_t next;
        for (uint32_t index = heap->partial[c]; index != MPYI_NO_POOL; index = next) {
            struct mpyi_pool *pool = &pools[index];
            next = pool->next;
            heap->space->classes[index] = 0;
            pool->size_class = 0;
            mpyi_poison(pool->address, MPY_POOL_SIZE);
            if (heap->empty_count < keep) {
                pool->state = MPY_POOL_EMPTY;
                push_empty(heap, index, 0);
                continue;
            }
            disown(pool);
            batch[n++] = index;
            if (n == DROP_BATCH) {
                put_pools(heap, batch, n);
                n = 0;
            }
        }
        heap->partial[c] = MPYI_NO_POOL;
    }
    heap->changed_count = 0;
    heap->idle_count = 0;
    memset(heap->meant, 0, sizeof heap->meant);
    memset(heap->runs, 0xff, sizeof heap->runs);
    if (n > 0) {
        put_pools(heap, batch, n);
    }
    if (heap->empty_count > keep) {
        spill_empties(heap, heap->empty_count - keep);
    }
}

/* ---- pools that run empty ---------------------------------------------------------------------
 */

/* Takes a USED pool without blocks from its list. */
static void
retire(struct mpyi_heap *heap, struct mpyi_pool *pool)
{
    MPY_ASSERT(pool->due == 0 && pool->state == MPY_POOL_USED);
    mpyi_partial_remove(heap, pool);
    heap->space->classes[mpyi_pool_index(heap, pool)] = 0;
    pool->size_class = 0;
    pool->state = MPY_POOL_EMPTY;
    mpyi_poison(pool->address, MPY_POOL_SIZE);
}

void
mpyi_heap_pool_release(struct mpyi_heap *heap, struct mpyi_pool *pool)
{
    retire(heap, pool);
    if (heap->empty_count == MPYI_EMPTIES) {
        mpyi_heap_settle(heap);
        spill_empties(heap, MPYI_EMPTIES / 2);
    }
    push_empty(heap, mpyi_pool_index(heap, pool), 0);
}

void
mpyi_heap_pool_reopen(struct mpyi_heap *heap, struct mpyi_pool *pool)
{
    if (MPY_UNLIKELY(heap->kind == MPY_KIND_REGION)) {
        full_remove(heap, pool);
    }
    pool->due = (uint16_t)(mpyi_class_capacity[pool->size_class] - 1u + pool->due);
    mpyi_partial_push(heap, pool);
}

/* The neighbours of a pool in its list are written to when it leaves: asked for beforehand. */
static inline void
prefetch_neighbours(const struct mpyi_heap *heap, const struct mpyi_pool *pool)
{
    const struct mpyi_pool *pools = heap->space->pools;
    __builtin_prefetch(&pools[pool->next != MPYI_NO_POOL ? pool->next : 0], 1);
    __builtin_prefetch(&pools[pool->prev != MPYI_NO_POOL ? pool->prev : 0], 1);
}

/* Releases the idle pools: into the cache of empty ones, the rest to the space at once. */
static void
release_suspects(struct mpyi_heap *heap)
{
    uint32_t rest[MPYI_IDLE + MPYI_CHANGED + MPYI_PUT_MOST];
    uint32_t n = 0;
    for (uint32_t i = 0; i < heap->idle_count; i++) {
        prefetch_neighbours(heap, heap->idle[i]);
    }
    for (uint32_t i = 0; i < heap->idle_count; i++) {
        struct mpyi_pool *pool = heap->idle[i];
        if (pool->state != MPY_POOL_USED || pool->due != 0 ||
            (pool->next == MPYI_NO_POOL && pool->prev == MPYI_NO_POOL)) {
            continue;
        }
        retire(heap, pool);
        uint32_t index = mpyi_pool_index(heap, pool);
        if (heap->empty_count < MPYI_EMPTIES) {
            push_empty(heap, index, 0);
        } else {
            disown(pool);
            rest[n++] = index;
        }
    }
    heap->idle_count = 0;
    if (n > 0) {
        put_pools(heap, rest, n);
    }
}

/* Which pool is what cannot be predicted, so they are sorted without a branch. */
static void
sort_changed(struct mpyi_heap *heap)
{
    struct mpyi_pool *full[MPYI_CHANGED + MPYI_PUT_MOST];
    uint32_t full_count = 0;
    struct mpyi_pool **idle = heap->idle + heap->idle_count;
    uint32_t n = heap->changed_count;
    for (uint32_t i = 0; i < n; i++) {
        struct mpyi_pool *pool = heap->changed[i];
        full[full_count] = pool;
        full_count += (unsigned)((pool->state == MPY_POOL_FULL) & (pool->due != 1));
        *idle = pool;
        idle += (pool->state == MPY_POOL_USED) & (pool->due == 0);
    }
    for (uint32_t i = 0; i < full_count; i++) {
        if (MPY_LIKELY(full[i]->state == MPY_POOL_FULL)) { /* it may be there twice */
            mpyi_heap_pool_reopen(heap, full[i]);
            *idle = full[i];
            idle += full[i]->due == 0;
        }
    }
    heap->changed_count = 0;
    heap->idle_count = (uint32_t)(idle - heap->idle);
}

void
mpyi_heap_file_changed(struct mpyi_heap *heap)
{
    sort_changed(heap);
    if (heap->idle_count >= MPYI_IDLE) {
        release_suspects(heap);
    }
}

void
mpyi_heap_settle(struct mpyi_heap *heap)
{
    sort_changed(heap);
    release_suspects(heap);
}

/* Releases the pools that stayed in a partial list without a block. */
static void
release_idle(struct mpyi_heap *heap, unsigned size_class)
{
    uint32_t index = heap->partial[size_class];
    while (index != MPYI_NO_POOL) {
        struct mpyi_pool *pool = &heap->space->pools[index];
        index = pool->next;
        if (pool->due == 0) {
            mpyi_heap_pool_release(heap, pool);
        }
    }
}

void
mpyi_heap_release_empties(struct mpyi_heap *heap)
{
    mpyi_heap_flush(heap);
    mpyi_heap_settle(heap);
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        release_idle(heap, c);
    }
    spill_empties(heap, heap->empty_count);
}
