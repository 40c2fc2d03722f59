/* SPDX-License-Identifier: MIT */
/*
 * alloc/arena.c - handing out pools from arenas, and giving memory back.
 *
 * Arenas with free pools are in buckets by their number of free pools; a pool comes from the
 * fullest arena, so that others run empty. An arena whose last pool came back is
 *   kept    (bucket 64): at most keep_max of them, newest first; reused before fresh ones
 *   clean   (MPYI_BUCKET_CLEAN): purged; its address space stays. A host's went back to it
 * Kept arenas go to clean when there are too many, when they have been idle for the decay time and
 * a slow path happens to look, or by mpyi_space_trim(). Purging at once measured 15 times slower.
 *
 * Pools of one size class that a heap takes one after the other continue a run where they can: what
 * a program allocates in turn then lies in turn for more than a page, which processors fetch ahead.
 * Where other pools follow, a run begins anew at 64 KiB that are free, in a new arena if need be,
 * as long as memory that was touched does not lie idle meanwhile, nor too much address space.
 *
 * Decay also purges free pools of arenas that are in use, once no pool has come back to the arena
 * for the decay time. It looks at a bounded number of arenas at a time and purges fewer still, so
 * that the slow path which happens to run it is not held up; what is left comes soon after.
 *
 *   bucket 1..63 --last pool back--> 64 --too many, decay, trim--> CLEAN
 *        ^  |                         |                              |
 *        |  +--last pool taken--> NONE|                              |
 *        +-----------<--- pool taken -+------------------------------+
 *
 * Invariants: bucket_mask bit n-1 iff heads[n] is a list; kept == length of bucket 64; a clean
 * arena has dirty == 0; usage.arena_bytes counts arenas that are not clean; dirty_free == sum of
 * population(free & dirty).
 *
 * Lock: the space's; get, put, trim and decay take it.
 */
#include "alloc/os.h"
#include "alloc/poison.h"
#include "alloc/space.h"
#include "base/assert.h"

#define FULL_BUCKET  MPYI_ARENA_POOLS
#define CHAINED      MPYI_BUCKETS /* in no list for a moment */
#define DECAY_LOOKS  1024         /* arenas that one decay looks at */
#define DECAY_PURGES 128          /* and purges pools of */
#define DECAY_SOON   5            /* ms until the next, when that was not enough */
#define RUN_POOLS    16u          /* free pools, at a multiple, where a run may begin */
#define RUN_LOOKS    4            /* arenas that are looked at for them */

/* ---- accounting ------------------------------------------------------------------------------ */

static void
usage_arenas(struct mpyi_space *space, int delta)
{
    uint64_t bytes = (uint64_t)((int64_t)delta * (int64_t)MPY_ARENA_SIZE);
    atomic_fetch_add_explicit(&space->usage->arena_bytes, bytes, memory_order_relaxed);
    if (delta > 0) {
        mpyi_usage_peak(space->usage);
    }
}

static void
add_dirty(struct mpyi_space *space, uint64_t delta)
{
    __atomic_store_n(&space->dirty_free, space->dirty_free + delta, __ATOMIC_RELAXED);
}

static void
set_next(struct mpyi_space *space, uint64_t next_ms)
{
    __atomic_store_n(&space->decay_next_ms, next_ms, __ATOMIC_RELAXED);
}

/* ---- buckets --------------------------------------------------------------------------------- */

static void
bucket_add(struct mpyi_space *space, uint32_t number, uint32_t bucket)
{
    struct mpyi_arena *arena = &space->arenas[number];
    uint32_t head = space->heads[bucket];
    arena->bucket = bucket;
    arena->prev = MPYI_NO_ARENA;
    arena->next = head;
    if (head != MPYI_NO_ARENA) {
        space->arenas[head].prev = number;
    } else if (bucket == FULL_BUCKET) {
        space->oldest_kept = number;
    }
    space->heads[bucket] = number;
    if (bucket <= FULL_BUCKET) {
        space->bucket_mask |= UINT64_C(1) << (bucket - 1);
    }
    space->kept += bucket == FULL_BUCKET;
}

static void
bucket_remove(struct mpyi_space *space, uint32_t number)
{
    struct mpyi_arena *arena = &space->arenas[number];
    uint32_t bucket = arena->bucket;
    if (bucket == MPYI_BUCKET_NONE) {
        return;
    }
    if (arena->next != MPYI_NO_ARENA) {
        space->arenas[arena->next].prev = arena->prev;
    } else if (bucket == FULL_BUCKET) {
        space->oldest_kept = arena->prev;
    }
    if (arena->prev != MPYI_NO_ARENA) {
        space->arenas[arena->prev].next = arena->next;
    } else {
        space->heads[bucket] = arena->next;
        if (arena->next == MPYI_NO_ARENA && bucket <= FULL_BUCKET) {
            space->bucket_mask &= ~(UINT64_C(1) << (bucket - 1));
        }
    }
    space->kept -= bucket == FULL_BUCKET;
    arena->bucket = MPYI_BUCKET_NONE;
}

/* ---- purging --------------------------------------------------------------------------------- */

/* Takes a kept arena's memory away and moves it to the clean ones. */
static size_t
purge_kept(struct mpyi_space *space, uint32_t number)
{
    struct mpyi_arena *arena = &space->arenas[number];
    bucket_remove(space, number);
    size_t bytes = mpyi_space_empty_arena(space, number);
    add_dirty(space, 0 - (uint64_t)mpyi_popcount64(arena->dirty));
    arena->dirty = 0;
    space->arenas_released++;
    usage_arenas(space, -1);
    bucket_add(space, number, MPYI_BUCKET_CLEAN);
    return bytes;
}

/* The pools of a run that lie in whole OS pages, as a mask. */
static uint64_t
whole_pages(unsigned first, unsigned length)
{
    unsigned step = (unsigned)(mpyi_os_page_size() >> MPYI_POOL_SHIFT);
    unsigned from = (first + step - 1) / step * step;
    unsigned to = (first + length) / step * step;
    return from < to ? mpyi_low_bits(to - from) << from : 0;
}

/* Purges runs of free dirty pools of an arena in use, in whole OS pages. */
static size_t
purge_free_pools(struct mpyi_space *space, struct mpyi_arena *arena)
{
    /* What a host's pages are, nobody here knows: it gets whole arenas back. */
    uint64_t left = space->host.alloc == NULL ? arena->free & arena->dirty : 0;
    size_t bytes = 0;
    while (left != 0) {
        unsigned first = mpyi_ctz64(left);
        uint64_t inverted = ~(left >> first);
        unsigned length = inverted == 0 ? 64 : mpyi_ctz64(inverted);
        bytes += mpyi_os_purge(arena->address + (size_t)first * MPY_POOL_SIZE,
                               (size_t)length * MPY_POOL_SIZE);
        left &= ~(mpyi_low_bits(length) << first);
        uint64_t purged = whole_pages(first, length);
        arena->dirty &= ~purged;
        add_dirty(space, 0 - (uint64_t)mpyi_popcount64(purged));
    }
    return bytes;
}

static int
has_idle_pools(const struct mpyi_space *space, const struct mpyi_arena *arena, uint64_t now)
{
    return (arena->free & arena->dirty) != 0 && space->host.alloc == NULL &&
           arena->bucket != MPYI_BUCKET_NONE && arena->bucket < FULL_BUCKET &&
           now - arena->touched_ms >= space->decay_ms;
}

/* Goes on with the search for idle pools; 1 when it stopped early. */
static int
decay_pools(struct mpyi_space *space, uint64_t now)
{
    uint32_t looks = space->arena_count < DECAY_LOOKS ? space->arena_count : DECAY_LOOKS;
    unsigned purges = 0;
    for (uint32_t i = 0; i < looks && purges < DECAY_PURGES; i++) {
        if (space->decay_cursor >= space->arena_count) {
            space->decay_cursor = 0;
        }
        struct mpyi_arena *arena = &space->arenas[space->decay_cursor++];
        if (has_idle_pools(space, arena, now)) {
            (void)purge_free_pools(space, arena);
            purges++;
        }
    }
    return purges == DECAY_PURGES;
}

static void
decay_locked(struct mpyi_space *space, uint64_t now)
{
    unsigned purges = 0;
    set_next(space, now + space->decay_ms / 4 + 1);
    while (space->kept > 0 && purges < DECAY_PURGES) {
        uint32_t number = space->oldest_kept;
        if (now - space->arenas[number].touched_ms < space->decay_ms) {
            break;
        }
        (void)purge_kept(space, number);
        purges++;
    }
    if (purges == DECAY_PURGES || (space->dirty_free > 0 && decay_pools(space, now))) {
        set_next(space, now + DECAY_SOON);
    }
}

void
mpyi_space_decay(struct mpyi_space *space)
{
    if (__atomic_load_n(&space->dirty_free, __ATOMIC_RELAXED) == 0) {
        return;
    }
    uint64_t now = mpyi_os_now_ms();
    if (now < __atomic_load_n(&space->decay_next_ms, __ATOMIC_RELAXED)) {
        return;
    }
    mpyi_space_lock(space);
    if (now >= space->decay_next_ms) {
        decay_locked(space, now);
    }
    mpyi_space_unlock(space);
}

static size_t
purge_down_to(struct mpyi_space *space, size_t arenas)
{
    size_t bytes = 0;
    while (space->kept > arenas) {
        bytes += purge_kept(space, space->oldest_kept);
    }
    return bytes;
}

void
mpyi_space_set_keep(struct mpyi_space *space, size_t keep_bytes)
{
    size_t arenas = keep_bytes >> MPYI_ARENA_SHIFT;
    mpyi_space_lock(space);
    space->keep_max = arenas < UINT32_MAX ? (uint32_t)arenas : UINT32_MAX;
    (void)purge_down_to(space, arenas);
    mpyi_space_unlock(space);
}

size_t
mpyi_space_trim(struct mpyi_space *space, size_t keep_bytes)
{
    mpyi_space_lock(space);
    size_t bytes = purge_down_to(space, keep_bytes >> MPYI_ARENA_SHIFT);
    for (uint32_t i = 0; i < space->arena_count; i++) {
        struct mpyi_arena *arena = &space->arenas[i];
        if (arena->bucket != MPYI_BUCKET_NONE && arena->bucket < FULL_BUCKET) {
            bytes += purge_free_pools(space, arena);
        }
    }
    mpyi_space_unlock(space);
    return bytes;
}

/* ---- pools ----------------------------------------------------------------------------------- */

/* An arena that gets memory now, in no list; MPYI_NO_ARENA when it is refused. */
static uint32_t
open_arena(struct mpyi_space *space)
{
    uint32_t number = space->heads[MPYI_BUCKET_CLEAN];
    if (number == MPYI_NO_ARENA) {
        number = mpyi_space_commit_arena(space);
        if (number == MPYI_NO_ARENA) {
            return number;
        }
    } else if (mpyi_space_renew_arena(space, number) < 0) {
        return MPYI_NO_ARENA;
    }
    bucket_remove(space, number);
    space->arenas_created++;
    usage_arenas(space, 1);
    return number;
}

/* The arena to take a pool from, in no list; MPYI_NO_ARENA when there is none. */
static uint32_t
choose_arena(struct mpyi_space *space)
{
    if (space->bucket_mask == 0) {
        return open_arena(space);
    }
    uint32_t number = space->heads[mpyi_ctz64(space->bucket_mask) + 1];
    bucket_remove(space, number);
    return number;
}

/* First of n free pools at a multiple of n, a power of two; MPYI_ARENA_POOLS: there are none. */
static unsigned
free_group(uint64_t free, unsigned n)
{
    for (unsigned step = 1; step < n; step *= 2) {
        free &= free >> step;
    }
    free &= UINT64_MAX / mpyi_low_bits(n);
    return free != 0 ? mpyi_ctz64(free) : MPYI_ARENA_POOLS;
}

/* Whether a run may take memory that was never touched: little that was touched waits to be used
   again, and little address space is left over between runs. */
static int
may_stretch(const struct mpyi_space *space)
{
    uint64_t pools = (space->arenas_created - space->arenas_released) * MPYI_ARENA_POOLS;
    uint64_t clean = pools - space->pools_out - space->dirty_free;
    return space->dirty_free <= space->pools_out / 16 + MPYI_ARENA_POOLS &&
           clean <= space->pools_out / 8 + 16 * MPYI_ARENA_POOLS;
}

/* Whether n pools from `first` on are free and may be taken for a run. */
static inline int
continues(const struct mpyi_space *space, const struct mpyi_arena *arena, unsigned first, size_t n)
{
    uint64_t wanted = mpyi_low_bits((unsigned)n);
    return (arena->free >> first & wanted) == wanted && arena->bucket != MPYI_BUCKET_CLEAN &&
           ((arena->dirty >> first & 1) != 0 || may_stretch(space));
}

/* The arena where a run of n pools goes on at `near`, or begins anew, in no list, and its first
   pool; MPYI_NO_ARENA: nowhere. */
static uint32_t
choose_run(struct mpyi_space *space, uint32_t near, size_t n, unsigned *first)
{
    uint32_t number = near / MPYI_ARENA_POOLS;
    *first = near % MPYI_ARENA_POOLS;
    if (number < space->arena_count && continues(space, &space->arenas[number], *first, n)) {
        bucket_remove(space, number);
        return number;
    }
    if (!may_stretch(space)) {
        return MPYI_NO_ARENA;
    }
    uint64_t buckets = space->bucket_mask & ~mpyi_low_bits(RUN_POOLS - 1);
    for (unsigned looks = 0; buckets != 0 && looks < RUN_LOOKS; looks++) {
        number = space->heads[mpyi_ctz64(buckets) + 1];
        *first = free_group(space->arenas[number].free, RUN_POOLS);
        if (*first < MPYI_ARENA_POOLS) {
            bucket_remove(space, number);
            return number;
        }
        buckets &= buckets - 1;
    }
    *first = 0;
    return open_arena(space);
}

/* Takes up to n free pools, from `first` on, of an arena that is in no list. */
static size_t
take_pools(struct mpyi_space *space, uint32_t number, unsigned first, uint32_t *indices, size_t n)
{
    struct mpyi_arena *arena = &space->arenas[number];
    uint64_t left = arena->free >> first << first;
    uint64_t before = left;
    size_t taken = 0;
    for (; taken < n && left != 0; taken++) {
        uint32_t index = number * MPYI_ARENA_POOLS + mpyi_ctz64(left);
        left &= left - 1;
        space->pools[index].address =
            arena->address + (size_t)(index % MPYI_ARENA_POOLS) * MPY_POOL_SIZE;
        indices[taken] = index;
    }
    uint64_t mask = before ^ left;
    add_dirty(space, 0 - (uint64_t)mpyi_popcount64(arena->dirty & mask));
    arena->free ^= mask;
    arena->dirty |= mask;
    arena->free_count -= (uint32_t)taken;
    space->pools_out += taken;
    return taken;
}

/* The same with the lock held, and whatever arena is best. */
static size_t
get_pools_locked(struct mpyi_space *space, uint32_t *indices, size_t n, uint32_t near)
{
    unsigned first = 0;
    uint32_t number = near != MPYI_NO_POOL ? choose_run(space, near, n, &first) : MPYI_NO_ARENA;
    if (number == MPYI_NO_ARENA) {
        first = 0;
        number = choose_arena(space);
        if (number == MPYI_NO_ARENA) {
            return 0;
        }
    }
    size_t taken = take_pools(space, number, first, indices, n);
    if (space->arenas[number].free_count > 0) {
        bucket_add(space, number, space->arenas[number].free_count);
    }
    return taken;
}

size_t
mpyi_space_get_pools(struct mpyi_space *space, uint32_t *indices, size_t n, uint32_t near)
{
    while (!mpyi_usage_take(space->usage, n * (uint64_t)MPY_POOL_SIZE)) {
        if (--n == 0) {
            return 0;
        }
    }
    mpyi_space_lock(space);
    size_t taken = get_pools_locked(space, indices, n, near);
    mpyi_space_unlock(space);
    if (taken < n) {
        mpyi_usage_give(space->usage, (n - taken) * (uint64_t)MPY_POOL_SIZE);
    }
    if (taken > 0) {
        atomic_fetch_add_explicit(&space->usage->pool_bytes, taken * (uint64_t)MPY_POOL_SIZE,
                                  memory_order_relaxed);
    }
    return taken;
}

/* Marks the pool free. Its arena leaves its list, and is put on the chain, with the first pool. */
static void
put_pool(struct mpyi_space *space, uint32_t index, uint32_t *chain)
{
    uint32_t number = index / MPYI_ARENA_POOLS;
    struct mpyi_arena *arena = &space->arenas[number];
    uint64_t bit = UINT64_C(1) << (index % MPYI_ARENA_POOLS);
    MPY_ASSERT((arena->free & bit) == 0);
    if (arena->bucket != CHAINED) {
        bucket_remove(space, number);
        arena->bucket = CHAINED;
        arena->next = *chain;
        *chain = number;
    }
    arena->free |= bit;
    arena->free_count++;
}

/* Puts the arenas of the chain into the lists they belong to now. */
static void
put_arenas(struct mpyi_space *space, uint32_t chain, uint64_t now)
{
    while (chain != MPYI_NO_ARENA) {
        uint32_t number = chain;
        struct mpyi_arena *arena = &space->arenas[number];
        chain = arena->next;
        arena->touched_ms = now;
        bucket_add(space, number, arena->free_count);
        if (arena->free_count == FULL_BUCKET && space->kept > space->keep_max) {
            (void)purge_kept(space, number);
        }
    }
}

void
mpyi_space_put_pools(struct mpyi_space *space, const uint32_t *indices, size_t n)
{
    uint64_t now = mpyi_os_now_ms();
    mpyi_space_lock(space);
    uint32_t chain = MPYI_NO_ARENA;
    for (size_t i = 0; i < n; i++) {
        put_pool(space, indices[i], &chain);
    }
    space->pools_out -= n;
    add_dirty(space, n);
    put_arenas(space, chain, now);
    if (now >= space->decay_next_ms) {
        decay_locked(space, now);
    }
    mpyi_space_unlock(space);
    atomic_fetch_sub_explicit(&space->usage->pool_bytes, n * (uint64_t)MPY_POOL_SIZE,
                              memory_order_relaxed);
    mpyi_usage_give(space->usage, n * (uint64_t)MPY_POOL_SIZE);
}
