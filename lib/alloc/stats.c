/* SPDX-License-Identifier: MIT */
/*
 * alloc/stats.c - counting what is where: the statistics of minipy/memstat.h. alloc/report.c turns
 * them into text and JSON.
 *
 * Nothing is counted while allocating; a request walks the pool descriptors, 64 bytes each (one
 * million blocks of 64 bytes: 1 MB to read). Blocks in magazines are subtracted, class by class.
 *
 *   allocated(class) = sum of pool.used - blocks of the class in magazines
 *
 * Lock: a runtime's lock for its figures. For the process other threads go on meanwhile: their
 * descriptors and magazines are read as they are, each word valid by itself; sums that would
 * become negative by that are cut at 0.
 */
#include "alloc/census.h"
#include "alloc/checked.h"
#include "alloc/memheap.h"
#include "alloc/region.h"
#include "base/hooks.h"

#include <string.h>

/* The quarter of its capacity up to which a pool is used. */
static unsigned
quarter(unsigned used, unsigned capacity)
{
    return used == 0 ? 0 : (4 * used - 1) / capacity & 3;
}

static MPYI_NO_TSAN void
count_pools(const struct mpyi_space *space, struct mpyi_census *census)
{
    uint32_t count = mpyi_space_pool_count(space);
    for (uint32_t i = 0; i < count; i++) {
        const struct mpyi_pool *pool = &space->pools[i];
        unsigned due = pool->due;
        unsigned filed = pool->state;
        unsigned state = mpyi_state_of(filed, due);
        unsigned size_class = pool->size_class;
        census->states[state <= MPY_POOL_FULL ? state : 0]++;
        if (size_class == 0 || size_class > MPY_CLASS_COUNT || state < MPY_POOL_USED) {
            continue;
        }
        struct mpyi_class_sums *sums = &census->classes[size_class];
        sums->pools++;
        unsigned blocks = mpyi_used_of(filed, due, size_class);
        sums->used += blocks;
        sums->untouched += (uint64_t)mpyi_class_capacity[size_class] - pool->virgin;
        sums->by_fill[quarter(blocks, mpyi_class_capacity[size_class])]++;
    }
}

static MPYI_NO_TSAN void
count_magazines(const struct mpyi_heap *heap, struct mpyi_census *census)
{
    census->heaps += !heap->orphan;
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        census->classes[c].cached += mpyi_bin_count(&heap->pub.bins[c], c);
    }
    census->large_bytes += heap->large.held_bytes - (int64_t)heap->large.bytes;
    census->large_blocks +=
        heap->large.held_blocks - (int64_t)mpyi_large_cache_blocks(&heap->large);
}

static void
take_census(const struct mpyi_spaces *spaces, struct mpyi_census *census)
{
    memset(census, 0, sizeof *census);
    for (unsigned i = 0; i < spaces->count; i++) {
        count_pools(spaces->space[i], census);
    }
    if (spaces->heap != NULL) {
        count_magazines(&spaces->heap->raw, census);
        count_magazines(&spaces->heap->atom, census);
        count_magazines(&spaces->heap->gc, census);
        return;
    }
    mpyi_heaps_lock();
    for (struct mpyi_heap *heap = mpyi_heaps_first(); heap != NULL; heap = heap->next_heap) {
        count_magazines(heap, census);
    }
    mpyi_heaps_unlock();
    uint64_t cached[MPYI_CLASS_SLOTS] = {0};
    mpyi_regions_cached(cached);
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        census->classes[c].cached += cached[c];
    }
}

static uint64_t
minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static uint64_t
load(_Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static uint64_t
plus_signed(uint64_t a, int64_t b)
{
    int64_t sum = (int64_t)a + b;
    return sum > 0 ? (uint64_t)sum : 0;
}

static void
fill_stats(const struct mpyi_spaces *spaces, const struct mpyi_census *census, mpy_mem_stats *stats)
{
    uint64_t out = 0;
    for (unsigned i = 0; i < spaces->count; i++) {
        struct mpyi_space *space = spaces->space[i];
        mpyi_space_lock(space);
        stats->arenas_created += space->arenas_created;
        stats->arenas_released += space->arenas_released;
        stats->reserved_bytes += space->span;
        out += space->pools_out;
        mpyi_space_unlock(space);
    }
    stats->arena_bytes = load(&spaces->usage->arena_bytes);
    stats->arenas = stats->arena_bytes / MPY_ARENA_SIZE;
    stats->pools_unused = minus(stats->arenas * MPYI_ARENA_POOLS, out);
    stats->pools_empty = census->states[MPY_POOL_EMPTY];
    stats->pools_used = census->states[MPY_POOL_USED];
    stats->pools_full = census->states[MPY_POOL_FULL];
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        uint64_t blocks = minus(census->classes[c].used, census->classes[c].cached);
        stats->blocks_allocated += blocks;
        stats->bytes_allocated += blocks * mpyi_class_size(c);
    }
    stats->large_blocks = plus_signed(load(&spaces->usage->large_blocks), census->large_blocks);
    stats->large_bytes = plus_signed(load(&spaces->usage->large_bytes), census->large_bytes);
    stats->heaps = census->heaps;
    stats->peak_bytes = load(&spaces->usage->peak);
}

/* The large cache of a runtime is outside its books; nothing to add. */
int
mpyi_census_take(mpy_runtime *rt, struct mpyi_census *census, mpy_mem_stats *stats)
{
    struct mpyi_spaces spaces;
    memset(stats, 0, sizeof *stats);
    if (mpyi_spaces_of(rt, &spaces) < 0) {
        return -1;
    }
    take_census(&spaces, census);
    fill_stats(&spaces, census, stats);
    return 0;
}

int
mpy_mem_stats_get(mpy_runtime *rt, mpy_mem_stats *out)
{
    struct mpyi_census census;
    mpy_mem_stats stats;
    if (out == NULL) {
        return mpyi_invalid();
    }
    if (mpyi_census_take(rt, &census, &stats) < 0) {
        return -1;
    }
    return mpyi_struct_out(out, &stats, sizeof stats);
}

void
mpyi_census_class(const struct mpyi_census *census, unsigned size_class, mpy_class_stats *stats)
{
    const struct mpyi_class_sums *sums = &census->classes[size_class];
    memset(stats, 0, sizeof *stats);
    stats->block_size = (uint32_t)mpyi_class_size(size_class);
    stats->blocks_per_pool = mpyi_class_capacity[size_class];
    stats->pools = sums->pools;
    stats->blocks_allocated = minus(sums->used, sums->cached);
    stats->blocks_untouched = sums->untouched;
    stats->blocks_free = minus(sums->pools * stats->blocks_per_pool,
                               stats->blocks_allocated + stats->blocks_untouched);
    stats->pools_needed =
        (stats->blocks_allocated + stats->blocks_per_pool - 1) / stats->blocks_per_pool;
    memcpy(stats->pools_by_fill, sums->by_fill, sizeof stats->pools_by_fill);
}

int
mpy_mem_class_stats(mpy_runtime *rt, int size_class, mpy_class_stats *out)
{
    struct mpyi_census census;
    mpy_mem_stats all;
    mpy_class_stats stats;
    if (size_class < 1 || size_class > MPY_CLASS_COUNT || out == NULL) {
        return mpyi_invalid();
    }
    if (mpyi_census_take(rt, &census, &all) < 0) {
        return -1;
    }
    mpyi_census_class(&census, (unsigned)size_class, &stats);
    return mpyi_struct_out(out, &stats, sizeof stats);
}

ptrdiff_t
mpy_mem_allocated_blocks(mpy_runtime *rt)
{
    struct mpyi_census census;
    mpy_mem_stats stats;
    if (mpyi_census_take(rt, &census, &stats) < 0) {
        return -1;
    }
    struct mpyi_rtheap *runtime = rt != NULL ? mpyi_hook_runtime_heap(rt) : NULL;
    struct mpyi_marks *marks = mpyi_marks_of(runtime);
    mpyi_marks_lock(marks);
    size_t queued = marks->queued_count;
    mpyi_marks_unlock(marks);
    queued += mpyi_regions_queued(runtime);
    return (ptrdiff_t)(stats.blocks_allocated + stats.large_blocks - queued);
}

int64_t
mpy_mem_peak(mpy_runtime *rt, int reset)
{
    struct mpyi_spaces spaces;
    if (mpyi_spaces_of(rt, &spaces) < 0) {
        return -1;
    }
    mpyi_usage_peak(spaces.usage);
    uint64_t peak = load(&spaces.usage->peak);
    if (reset) {
        atomic_store_explicit(&spaces.usage->peak, 0, memory_order_relaxed);
        mpyi_usage_peak(spaces.usage);
    }
    return (int64_t)peak;
}
