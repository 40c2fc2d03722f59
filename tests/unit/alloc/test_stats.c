/* SPDX-License-Identifier: MIT */
/*
 * test_stats.c - statistics: exact against what was done, for the process and a runtime.
 */
#include "alloc_test.h"

#include "minipy/memstat.h"

static struct mpyi_rtheap *runtime_heap;

static struct mpyi_rtheap *
find_heap(mpy_runtime *rt)
{
    return (void *)rt == (void *)&runtime_heap ? runtime_heap : NULL;
}

static mpy_runtime *
the_runtime(void)
{
    return (mpy_runtime *)(void *)&runtime_heap;
}

static mpy_mem_stats
stats_of(mpy_runtime *rt)
{
    mpy_mem_stats stats = {.size = sizeof stats, .version = 1};
    assert_int_equal(mpy_mem_stats_get(rt, &stats), 0);
    return stats;
}

static void
the_process_adds_up(void **state)
{
    (void)state;
    if (MPYI_BYPASS) {
        return; /* this build has nothing of the kind */
    }
    mpy_mem_stats before = stats_of(NULL);
    enum { N = 1000 };
    void *blocks[N];
    for (int i = 0; i < N; i++) {
        blocks[i] = mpy_mem_malloc(100); /* 112 bytes */
    }
    void *large = mpy_mem_malloc(10000);
    mpy_mem_stats during = stats_of(NULL);
    assert_int_equal(during.blocks_allocated - before.blocks_allocated, N);
    assert_int_equal(during.bytes_allocated - before.bytes_allocated, N * 112);
    assert_int_equal(during.large_blocks - before.large_blocks, 1);
    assert_true(during.large_bytes - before.large_bytes >= 10000);
    assert_int_equal(during.arena_bytes, during.arenas * MPY_ARENA_SIZE);
    assert_int_equal(during.pools_unused + during.pools_empty + during.pools_used +
                         during.pools_full,
                     during.arenas * 64);
    assert_true(during.peak_bytes >= during.arena_bytes);
    assert_true(during.heaps >= 1);
    assert_int_equal(mpy_mem_allocated_blocks(NULL), during.blocks_allocated + during.large_blocks);

    mpy_class_stats sizes = {.size = sizeof sizes};
    assert_int_equal(mpy_mem_class_stats(NULL, 14, &sizes), 0);
    assert_int_equal(sizes.block_size, 112);
    assert_int_equal(sizes.blocks_per_pool, 36);
    assert_int_equal(sizes.blocks_allocated, N);
    assert_int_equal(sizes.pools * 36,
                     sizes.blocks_allocated + sizes.blocks_free + sizes.blocks_untouched);
    for (int i = 0; i < N; i++) {
        mpy_mem_free(blocks[i]);
    }
    mpy_mem_free(large);
    mpy_mem_stats after = stats_of(NULL);
    assert_int_equal(after.blocks_allocated, before.blocks_allocated);
    assert_int_equal(after.bytes_allocated, before.bytes_allocated);
    assert_int_equal(after.large_blocks, before.large_blocks);
    assert_int_equal(after.large_bytes, before.large_bytes);
}

static void
a_runtime_adds_up(void **state)
{
    (void)state;
    if (MPYI_BYPASS) {
        return; /* this build has nothing of the kind */
    }
    MPYI_HOOK_SET(runtime_heap, find_heap);
    runtime_heap = mpyi_rtheap_new(NULL);
    mpy_mem_stats empty = stats_of(the_runtime());
    assert_int_equal(empty.blocks_allocated + empty.arenas + empty.large_blocks, 0);
    assert_int_equal(empty.heaps, 3);
    void *a = mpyi_atom_alloc(runtime_heap, 24);
    void *b = mpyi_cell_alloc(runtime_heap, 40);
    void *c = mpyi_array_alloc(runtime_heap, 56);
    void *d = mpyi_array_alloc(runtime_heap, 1000);
    mpy_mem_stats stats = stats_of(the_runtime());
    assert_int_equal(stats.blocks_allocated, 3);
    assert_int_equal(stats.bytes_allocated, 24 + 40 + 56);
    assert_int_equal(stats.large_blocks, 1);
    assert_true(stats.large_bytes >= 1000 && stats.large_bytes < 1200);
    assert_int_equal(stats.arenas, 2);
    assert_int_equal(mpy_mem_allocated_blocks(the_runtime()), 4);
    mpyi_atom_free(runtime_heap, a, 24);
    mpyi_cell_free(runtime_heap, b, 40);
    mpyi_array_free(runtime_heap, c, 56);
    mpyi_array_free(runtime_heap, d, 1000);
    stats = stats_of(the_runtime());
    assert_int_equal(stats.blocks_allocated + stats.large_blocks + stats.large_bytes, 0);
    mpyi_rtheap_free(runtime_heap);
    MPYI_HOOK_SET(runtime_heap, NULL);
}

static void
bad_arguments_are_refused(void **state)
{
    (void)state;
    int word;
    mpy_runtime *unknown = (mpy_runtime *)(void *)&word;
    mpy_mem_stats stats = {.size = sizeof stats};
    mpy_class_stats sizes = {.size = sizeof sizes};
    assert_int_equal(mpy_mem_stats_get(unknown, &stats), -1);
    assert_int_equal(mpy_mem_class_stats(NULL, 0, &sizes), -1);
    assert_int_equal(mpy_mem_class_stats(NULL, MPY_CLASS_COUNT + 1, &sizes), -1);
    assert_int_equal(mpy_mem_class_stats(NULL, -5, &sizes), -1);
    assert_int_equal(mpy_mem_class_stats(unknown, 1, &sizes), -1);
    assert_int_equal(mpy_mem_allocated_blocks(unknown), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    stats.size = 4;
    assert_int_equal(mpy_mem_stats_get(NULL, &stats), -1);
    assert_int_equal(mpy_mem_stats_get(NULL, NULL), -1);
    mpyi_status_set(MPY_OK);
    assert_int_equal(mpy_mem_class_stats(NULL, 1, NULL), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
}

static void
size_0_is_version_1(void **state)
{
    (void)state;
    void *p = mpy_mem_malloc(100);
    mpy_mem_stats stats = {.size = 0};
    mpy_class_stats sizes = {.size = 0};
    assert_int_equal(mpy_mem_stats_get(NULL, &stats), 0);
    assert_true(stats.size == sizeof stats && stats.version == 1 && stats.heaps >= 1);
    assert_int_equal(mpy_mem_class_stats(NULL, 14, &sizes), 0);
    assert_true(sizes.size == sizeof sizes && sizes.version == 1 && sizes.block_size == 112);
    mpy_mem_free(p);
}

static void
pools_are_told_apart_by_how_full_they_are(void **state)
{
    (void)state;
    test_need_ordered_blocks();
    if (MPYI_BYPASS) {
        return; /* this build has nothing of the kind */
    }
    enum { N = 40 * 9 }; /* 40 pools of 9 blocks of 448 bytes */
    void *blocks[N];
    for (int i = 0; i < N; i++) {
        blocks[i] = mpy_mem_malloc(448);
    }
    for (int i = 0; i < N; i++) {
        if (i % 9 != 0) {
            mpy_mem_free(blocks[i]);
        }
    }
    mpy_block_info info = {.size = sizeof info};
    assert_int_equal(mpy_mem_block_info(blocks[0], &info), 1); /* flushes the magazines */
    mpy_class_stats sizes = {.size = sizeof sizes};
    assert_int_equal(mpy_mem_class_stats(NULL, 56, &sizes), 0);
    assert_int_equal(sizes.blocks_allocated, 40);
    assert_int_equal(sizes.pools_needed, 5); /* of 9 blocks */
    assert_true(sizes.pools >= 40);
    assert_true(sizes.pools_by_fill[0] >= 38);
    assert_int_equal(sizes.pools_by_fill[0] + sizes.pools_by_fill[1] + sizes.pools_by_fill[2] +
                         sizes.pools_by_fill[3],
                     sizes.pools);
    for (int i = 0; i < N; i += 9) {
        mpy_mem_free(blocks[i]);
    }
    assert_int_equal(mpy_mem_trim(NULL, SIZE_MAX, NULL), 0); /* no block waits in a magazine */
    /* Four pools of each quarter. */
    void *kept[16 * 9];
    static const int used_of_9[4] = {2, 4, 6, 9};
    for (int i = 0; i < 16 * 9; i++) {
        kept[i] = mpy_mem_malloc(448);
    }
    assert_int_equal(mpy_mem_block_info(kept[0], &info), 1);
    const char *first = kept[0];
    for (int i = 0; i < 16 * 9; i++) {
        size_t offset = mpyi_pool_offset(kept[i]) / 448u;
        size_t pool = (size_t)((const char *)kept[i] - first) / MPY_POOL_SIZE;
        if ((int)offset >= used_of_9[pool % 4]) {
            mpy_mem_free(kept[i]);
            kept[i] = NULL;
        }
    }
    assert_int_equal(mpy_mem_block_info(first, &info), 1);
    assert_int_equal(mpy_mem_class_stats(NULL, 56, &sizes), 0);
    for (int i = 0; i < 4; i++) {
        assert_true(sizes.pools_by_fill[i] >= 3);
    }
    for (int i = 0; i < 16 * 9; i++) {
        mpy_mem_free(kept[i]);
    }
}

static void
the_peak_can_be_reset(void **state)
{
    (void)state;
    mpy_runtime *unknown = (mpy_runtime *)(void *)state;
    assert_int_equal(mpy_mem_peak(unknown, 1), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    void *p = mpy_mem_malloc(10000000);
    int64_t high = mpy_mem_peak(NULL, 0);
    assert_true(high >= 10000000);
    mpy_mem_free(p);
    assert_int_equal(mpy_mem_peak(NULL, 1), high);
    assert_true(mpy_mem_peak(NULL, 0) <= high - 10000000);
    mpy_mem_stats stats = stats_of(NULL);
    assert_int_equal(stats.peak_bytes, mpy_mem_peak(NULL, 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_process_adds_up),
        cmocka_unit_test(a_runtime_adds_up),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(size_0_is_version_1),
        cmocka_unit_test(pools_are_told_apart_by_how_full_they_are),
        cmocka_unit_test(the_peak_can_be_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
