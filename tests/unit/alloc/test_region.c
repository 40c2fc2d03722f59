/* SPDX-License-Identifier: MIT */
/* test: labels=+threads */
/*
 * test_region.c - the life of a region: all pools come back, structs are reused, fork, the end of a
 * runtime, statistics, the validator.
 */
#include "alloc_test.h"

#include "alloc/region.h"

#include <pthread.h>
#include <sys/mman.h>

static uint64_t
pool_bytes(void)
{
    return atomic_load(&mpyi_mem_usage.pool_bytes);
}

static uint64_t
large_now(void)
{
    mpy_mem_stats stats = {.size = sizeof stats};
    assert_int_equal(mpy_mem_stats_get(NULL, &stats), 0);
    return stats.large_blocks;
}

/* Fills a region with blocks of all sizes, some freed again: pools of every state. */
static void
fill(mpy_region *region, size_t blocks)
{
    uint64_t random = 99;
    for (size_t i = 0; i < blocks; i++) {
        size_t n = test_random(&random) % 560;
        char *p = mpy_region_malloc(region, n);
        assert_non_null(p);
        memset(p, 7, n);
        if (test_random(&random) % 4 == 0) {
            mpy_region_free(region, p);
        }
    }
}

static void
everything_comes_back(void **state)
{
    (void)state;
    mpy_mem_free(mpy_mem_malloc(1));
    uint64_t pools = pool_bytes();
    uint64_t large = large_now();
    for (int round = 0; round < 3; round++) {
        mpy_region *region = mpy_region_new(NULL);
        assert_non_null(region);
        fill(region, 20000);
        assert_true(MPYI_BYPASS || pool_bytes() > pools);
        assert_int_equal(mpy_region_check(region), 0);
        mpy_region_destroy(region);
        assert_int_equal(pool_bytes(), pools);
        assert_int_equal(large_now(), large);
        assert_int_equal(mpy_debug_check_heap(NULL), 0);
    }
    mpy_region_destroy(NULL);
}

static void
clear_keeps_some_pools(void **state)
{
    (void)state;
    mpy_region *region = mpy_region_new(NULL);
    for (int frame = 0; frame < 5; frame++) {
        fill(region, 5000);
        mpy_region_clear(region);
        mpy_region_stats stats = {.size = sizeof stats};
        assert_int_equal(mpy_region_stats_get(region, &stats), 0);
        assert_int_equal(stats.blocks + stats.bytes + stats.large_blocks + stats.large_bytes, 0);
        assert_true(stats.pools <= MPYI_EMPTIES);
        assert_true(MPYI_BYPASS || stats.pools > 0);
        assert_int_equal(mpy_region_check(region), 0);
    }
    mpy_region_destroy(region);
}

/* Pools leave the list of full ones at its head, at its end, and in between. */
static void
full_pools_get_room(void **state)
{
    (void)state;
    if (MPYI_BYPASS) {
        return;
    }
    for (int first = 0; first < 4; first++) {
        mpy_region *region = mpy_region_new(NULL);
        struct mpyi_heap *heap = &region->heap;
        void *blocks[4 * 8];
        for (int i = 0; i < 4 * 8; i++) {
            blocks[i] = mpyi_heap_take(heap, 64);
        }
        for (int i = 0; i < 4; i++) {
            mpyi_heap_put(heap, &blocks[(first + i) % 4 * 8], 1);
            mpyi_heap_file_changed(heap);
            assert_int_equal(mpy_region_check(region), 0);
        }
        mpy_region_destroy(region);
    }
}

/* Its struct may go to a region of another space, whose pools the notes do not name. */
static void
notes_end_with_the_pools(void **state)
{
    (void)state;
    if (MPYI_BYPASS) {
        return;
    }
    mpy_region *region = mpy_region_new(NULL);
    struct mpyi_heap *heap = &region->heap;
    void *blocks[3 * 8];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3 * 8; i++) {
            blocks[i] = mpyi_heap_take(heap, 64);
        }
        mpyi_heap_put(heap, blocks, 3 * 8);
        assert_int_not_equal(heap->changed_count, 0);
        if (round == 1) {
            mpyi_heap_file_changed(heap);
            assert_int_not_equal(heap->idle_count, 0);
        }
        mpy_region_clear(region);
        assert_int_equal(heap->changed_count, 0);
        assert_int_equal(heap->idle_count, 0);
    }
    mpy_region_destroy(region);
}

static int
is_mapped(const void *p)
{
    uintptr_t page = (uintptr_t)p & ~(uintptr_t)(mpyi_os_page_size() - 1);
    return msync((void *)page, 1, MS_ASYNC) == 0;
}

static void
structs_are_reused(void **state)
{
    (void)state;
    mpy_region *first = mpy_region_new(NULL);
    mpy_region_destroy(first);
    mpy_region *second = mpy_region_new(NULL);
    assert_ptr_equal(first, second);
    mpy_region_destroy(second);
    enum { MANY = 100 }; /* more than are kept */
    mpy_region *regions[MANY];
    for (int i = 0; i < MANY; i++) {
        regions[i] = mpy_region_new(NULL);
        assert_non_null(regions[i]);
        assert_non_null(mpy_region_malloc(regions[i], 40));
    }
    for (int i = 0; i < MANY; i += 2) {
        mpy_region_destroy(regions[i]);
    }
    for (int i = 1; i < MANY; i += 2) {
        assert_int_equal(mpy_region_check(regions[i]), 0);
        mpy_region_destroy(regions[i]);
    }
    int mapped = 0;
    for (int i = 0; i < MANY; i++) {
        mapped += is_mapped(regions[i]);
    }
    assert_in_range(mapped, 1, MANY / 2);
}

static void
no_memory_for_a_struct(void **state)
{
    (void)state;
    mpy_region *held[200];
    int n = 0;
    mpyi_os_fail_after(1);
    while (n < 200 && (held[n] = mpy_region_new(NULL)) != NULL) {
        n++;
    }
    mpyi_os_fail_after(0);
    assert_in_range(n, 0, 64);
    assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
    while (n > 0) {
        mpy_region_destroy(held[--n]);
    }
}

static void
figures(void **state)
{
    (void)state;
    mpy_region *region = mpy_region_new(NULL);
    mpy_region_stats stats = {.size = sizeof stats};
    mpy_mem_stats before = {.size = sizeof before}, after = {.size = sizeof after};
    assert_int_equal(mpy_mem_stats_get(NULL, &before), 0);
    for (int i = 0; i < 1000; i++) {
        assert_non_null(mpy_region_malloc(region, 48));
    }
    void *big = mpy_region_malloc(region, 5000);
    assert_int_equal(mpy_region_stats_get(region, &stats), 0);
    if (!MPYI_BYPASS) {
        assert_int_equal(stats.blocks, 1000);
        assert_int_equal(stats.bytes, 48000);
        assert_true(stats.pools >= 12 && stats.pools <= 16);
        assert_int_equal(stats.large_blocks, 1);
        assert_true(stats.large_bytes >= 5000);
        assert_int_equal(mpy_mem_stats_get(NULL, &after), 0);
        assert_int_equal(after.blocks_allocated, before.blocks_allocated + 1000);
        assert_int_equal(after.large_blocks, before.large_blocks + 1);
    }
    mpy_region_free(region, big);
    mpy_region_stats small = {.size = 8};
    assert_int_equal(mpy_region_stats_get(region, &small), -1);
    assert_int_equal(mpy_region_stats_get(region, NULL), -1);
    assert_int_equal(mpy_region_stats_get(NULL, &stats), -1);
    assert_int_equal(mpy_region_check(NULL), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    mpy_region_destroy(region);
}

/* The validator finds what it is for. */
static void
the_validator_sees_damage(void **state)
{
    (void)state;
    mpy_region *region = mpy_region_new(NULL);
    for (int i = 0; i < 200; i++) {
        assert_non_null(mpy_region_malloc(region, 512));
    }
    void *big = mpy_region_malloc(region, 4000);
    assert_int_equal(mpy_region_check(region), 0);
    struct mpyi_region_large *block = (struct mpyi_region_large *)big - 1;
    block->size++;
    assert_int_equal(mpy_region_check(region), -1);
    assert_int_equal(mpy_status_last(), MPY_E_CORRUPT);
    block->size--;
    if (!MPYI_BYPASS) {
        uint32_t head = region->heap.partial[0];
        assert_int_not_equal(head, MPYI_NO_POOL);
        region->heap.partial[0] = MPYI_NO_POOL;
        assert_int_equal(mpy_region_check(region), -1);
        region->heap.partial[0] = head;
    }
    assert_int_equal(mpy_region_check(region), 0);
    mpy_region_destroy(region);
}

/* ---- fork, threads ----------------------------------------------------------------------------
 */

static mpy_region *forked;

static void
in_child(void)
{
    CHILD_CHECK(mpy_region_malloc(forked, 100) != NULL);
    CHILD_CHECK(mpy_region_check(forked) == 0);
    mpy_region_destroy(forked);
    mpy_region *fresh = mpy_region_new(NULL);
    CHILD_CHECK(fresh != NULL && mpy_region_malloc(fresh, 600) != NULL);
    mpy_region_destroy(fresh);
}

static void
in_child_of_a_busy_region(void)
{
    CHILD_CHECK(forked->heap.dead);
    CHILD_CHECK(mpy_region_malloc(forked, 0) == NULL);
    CHILD_CHECK(mpy_status_last() == MPY_E_FORKED);
    mpy_region_destroy(forked); /* does nothing */
    CHILD_CHECK(forked->live);
    CHILD_CHECK(mpy_region_new(NULL) != NULL);
}

static void
forks(void **state)
{
    (void)state;
    forked = mpy_region_new(NULL);
    fill(forked, 1000);
    test_child_succeeds(in_child);
    atomic_store(&forked->heap.busy, 1); /* as if another thread were in a slow path */
    test_child_succeeds(in_child_of_a_busy_region);
    atomic_store(&forked->heap.busy, 0);
    assert_int_equal(mpy_region_check(forked), 0);
    mpy_region_destroy(forked);
}

static void
use_twice(void)
{
    atomic_store(&forked->heap.busy, 1);
    mpy_region_clear(forked);
}

static void
use_after_the_end(void)
{
    mpy_region_destroy(forked);
    mpy_region_free(forked, forked);
}

static void
wrong_uses_are_named(void **state)
{
    (void)state;
    forked = mpy_region_new(NULL);
    test_dies(use_twice);
    test_dies(use_after_the_end);
    mpy_region_destroy(forked);
}

static void *
one_thread_after_the_other(void *data)
{
    fill(data, 3000);
    return NULL;
}

static void
any_thread_in_turn(void **state)
{
    (void)state;
    mpy_region *region = mpy_region_new(NULL);
    for (int i = 0; i < 4; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, one_thread_after_the_other, region), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        fill(region, 500);
    }
    assert_int_equal(mpy_region_check(region), 0);
    mpy_region_destroy(region);
}

/* ---- tracing ----------------------------------------------------------------------------------
 */

static long traced_blocks;

static void
count_events(int event, int kind, void *block, size_t n)
{
    (void)block, (void)n;
    if (kind == MPY_KIND_REGION) {
        traced_blocks += event == MPYI_TRACE_ALLOC ? 1 : -1;
    }
}

static void
the_end_is_traced(void **state)
{
    (void)state;
    MPYI_HOOK_SET(trace, count_events);
    mpyi_modes_set(MPYI_MODE_TRACE, 1);
    mpy_region *region = mpy_region_new(NULL);
    fill(region, 3000);
    assert_true(traced_blocks > 1000);
    mpy_region_destroy(region);
    assert_int_equal(traced_blocks, 0);
    mpyi_modes_set(MPYI_MODE_TRACE, 0);
    MPYI_HOOK_SET(trace, NULL);
}

/* ---- runtimes ---------------------------------------------------------------------------------
 */

static struct mpyi_rtheap *rt_heap;

static struct mpyi_rtheap *
heap_of(mpy_runtime *rt)
{
    return (void *)rt == (void *)rt_heap ? rt_heap : NULL;
}

static void
a_runtime_ends_its_regions(void **state)
{
    (void)state;
    uint64_t large = large_now();
    rt_heap = mpyi_rtheap_new(NULL);
    assert_non_null(rt_heap);
    MPYI_HOOK_SET(runtime_heap, heap_of);
    mpyi_rtheap_enter(rt_heap);
    mpy_runtime *rt = (mpy_runtime *)(void *)rt_heap;
    mpy_region *a = mpy_region_new(rt);
    mpy_region *b = mpy_region_new(rt);
    assert_true(a != NULL && b != NULL);
    fill(a, 2000);
    fill(b, 2000);
    assert_int_equal(mpy_region_check(a), 0);
    assert_int_equal(mpyi_rtheap_check(rt_heap), 0);
    uint64_t with_both = mpyi_rtheap_bytes(rt_heap);
    mpy_region_destroy(a);
    assert_true(mpyi_rtheap_bytes(rt_heap) < with_both);
    assert_int_equal(large_now(), large);
    assert_int_equal(mpyi_rtheap_check(rt_heap), 0);

    mpyi_rtheap_leave();
    assert_null(mpy_region_malloc(b, 16));
    assert_int_equal(mpy_status_last(), MPY_E_NOT_ATTACHED);
    mpyi_rtheap_enter(rt_heap);
    mpyi_rtheap_free(rt_heap); /* b goes with it */
    rt_heap = NULL;
    MPYI_HOOK_SET(runtime_heap, NULL);
    mpy_region *c = mpy_region_new(NULL); /* one of the structs */
    fill(c, 100);
    assert_int_equal(mpy_region_check(c), 0);
    mpy_region_destroy(c);
}

/* Thousands of them, where private memory is limited: a region has no cache of large blocks. */
static void
with_little_data(void)
{
    const struct rlimit limit = {(rlim_t)1 << 29, (rlim_t)1 << 29};
    CHILD_CHECK(setrlimit(RLIMIT_DATA, &limit) == 0);
    for (int i = 0; i < 2000; i++) {
        mpy_region *region = mpy_region_new(NULL);
        CHILD_CHECK(region != NULL && mpy_region_malloc(region, 100) != NULL);
    }
}

static void
many_take_little_address_space(void **state)
{
    (void)state;
    if (MPYI_ASAN || MPYI_TSAN) {
        return; /* they need more than the limit */
    }
    test_child_succeeds(with_little_data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),
        cmocka_unit_test(no_memory_for_a_struct),
        cmocka_unit_test(clear_keeps_some_pools),
        cmocka_unit_test(full_pools_get_room),
        cmocka_unit_test(notes_end_with_the_pools),
        cmocka_unit_test(structs_are_reused),
        cmocka_unit_test(figures),
        cmocka_unit_test(the_validator_sees_damage),
        cmocka_unit_test(forks),
        cmocka_unit_test(wrong_uses_are_named),
        cmocka_unit_test(any_thread_in_turn),
        cmocka_unit_test(the_end_is_traced),
        cmocka_unit_test(a_runtime_ends_its_regions),
        cmocka_unit_test(many_take_little_address_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
