/* SPDX-License-Identifier: MIT */
/*
 * test_decay.c - memory that goes back without a call; the cap on what is kept.
 *
 * Times are short (the decay time is set to some milliseconds) and waited for with a long limit, so
 * that a machine which stands still for a second does not fail a case.
 */
#include "alloc_test.h"

#include "alloc/decay.h"

#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>

#define BLOCKS    200000
#define SHORT_MS  20
#define PATIENCE  2000 /* looks, 5 ms apart */
#define CHILD_ARG "child"

extern char **environ;

static void *blocks[BLOCKS];

static void
fill(size_t n, size_t size)
{
    for (size_t i = 0; i < n; i++) {
        blocks[i] = mpy_mem_malloc(size);
        assert_non_null(blocks[i]);
        *(char *)blocks[i] = 1;
    }
}

static void
drop(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mpy_mem_free(blocks[i]);
    }
}

/* Slow paths and nothing else: enough of them that the heap looks at the clock. */
static void
traffic(void)
{
    void *some[300];
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 300; i++) {
            some[i] = mpy_mem_malloc(48);
        }
        for (int i = 0; i < 300; i++) {
            mpy_mem_free(some[i]);
        }
    }
}

static uint64_t
arena_bytes(void)
{
    return atomic_load(&mpyi_mem_usage.arena_bytes);
}

static void
empty_arenas_go_while_others_work(void **state)
{
    (void)state;
    test_need_open_magazines();
    uint64_t before = mpyi_mem_space.decay_ms;
    mpyi_mem_space.decay_ms = SHORT_MS;
    fill(BLOCKS, 64);
    uint64_t peak = arena_bytes();
    drop(BLOCKS);
    for (int i = 0; i < PATIENCE && arena_bytes() > peak / 8; i++) {
        usleep(5000);
        traffic();
    }
    assert_true(arena_bytes() <= peak / 8);
    mpyi_mem_space.decay_ms = before;
}

static void
idle_pools_of_used_arenas_go(void **state)
{
    (void)state;
    struct test_space test;
    assert_int_equal(test_space_open(&test, TEST_GIB, 0), 0);
    struct mpyi_space *space = &test.space;
    space->decay_ms = SHORT_MS;
    uint32_t pools[64];
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(mpyi_space_get_pools(space, &pools[i], 1, MPYI_NO_POOL), 1);
        mpyi_unpoison(space->pools[pools[i]].address, 1);
        *space->pools[pools[i]].address = 1;
    }
    mpyi_space_put_pools(space, pools, 32);
    assert_int_equal(space->dirty_free, 32);
    assert_int_equal(mpyi_space_check(space), 0);
    for (int i = 0; i < PATIENCE && space->dirty_free > 0; i++) {
        usleep(5000);
        mpyi_space_decay(space);
    }
    assert_int_equal(space->dirty_free, 0);
    assert_int_equal(*space->pools[pools[0]].address, 0); /* its page is gone */
    assert_int_equal(*space->pools[pools[40]].address, 1);
    assert_int_equal(mpyi_space_check(space), 0);
    assert_int_equal(mpyi_space_get_pools(space, pools, 1, MPYI_NO_POOL), 1);
    assert_int_equal(space->dirty_free, 0);
    mpyi_space_put_pools(space, pools, 1);
    assert_int_equal(space->dirty_free, 1);
    mpyi_space_destroy(space);
}

static void
a_heap_gives_back_half_at_a_time(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    struct mpyi_heap *heap = test.heap;
    struct mpyi_large_cache *cache = mpyi_os_map(sizeof *cache + MPYI_LARGE_ENTRY_BYTES, 4096);
    mpyi_large_cache_init(cache, cache + 1, 1 << 20, &test.in.usage);
    heap->kept_large = cache;
    heap->space->decay_ms = SHORT_MS;
    for (int i = 0; i < 8; i++) {
        uint32_t index = mpyi_heap_new_pool(heap, 8);
        void *large = mpyi_backend_malloc(2048);
        assert_int_equal(mpyi_large_cache_push(cache, large, mpyi_backend_usable(large)), 1);
        mpyi_heap_pool_release(heap, &heap->space->pools[index]);
    }
    uint32_t empties = heap->empty_count;
    assert_true(empties >= 1);
    for (int i = 0; i < MPYI_DECAY_TICKS; i++) {
        mpyi_heap_tick(heap); /* the first look only starts the clock */
    }
    assert_int_equal(mpyi_large_cache_blocks(cache), 8);
    for (int i = 0; i < PATIENCE && mpyi_large_cache_blocks(cache) == 8; i++) {
        usleep(5000);
        for (int j = 0; j < MPYI_DECAY_TICKS; j++) {
            mpyi_heap_tick(heap);
        }
    }
    assert_int_equal(mpyi_large_cache_blocks(cache), 4);
    assert_int_equal(heap->empty_count, empties / 2);
    test_heap_valid(&test);
    for (int i = 0; i < 4; i++) { /* 2, 1, none */
        mpyi_large_cache_halve(cache);
    }
    assert_int_equal(mpyi_large_cache_blocks(cache) + cache->bytes, 0);
    for (unsigned b = 0; b < MPYI_LARGE_BINS; b++) { /* as much room as at the beginning stays */
        const struct mpyi_large_bin *bin = &cache->bins[b];
        assert_int_equal(bin->hi - bin->lo, mpyi_large_bin_shallow(b));
    }
    mpyi_os_release(cache, sizeof *cache + MPYI_LARGE_ENTRY_BYTES);
    test_heap_close(&test);
}

/* A heap that may keep nothing leaves no block unsorted either. */
static void
without_a_cache_nothing_waits(void **state)
{
    (void)state;
    test_need_open_magazines();
    fill(8, 3000);
    struct mpyi_large_cache *cache = &mpyi_heap_of(mpy_priv_tls.mem)->large;
    mpyi_large_cache_set_limit(cache, 0);
    for (int i = 0; i < 8; i++) {
        mpy_mem_free(blocks[i]);
        assert_null(cache->unsorted);
    }
    assert_int_equal(mpyi_large_cache_blocks(cache) + cache->bytes, 0);
    mpyi_large_cache_set_limit(cache, mpyi_large_share());
}

/* Half at a time, but the last one, too: a block in a magazine keeps a whole pool. */
static void
nothing_is_left_after_some_periods(void **state)
{
    (void)state;
    test_need_open_magazines();
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    void *first[100];
    for (int i = 0; i < 100; i++) {
        first[i] = test_heap_alloc(test.heap, 8);
    }
    for (int i = 0; i < 100; i++) {
        test_heap_free(test.heap, 8, first[i]);
    }
    assert_int_not_equal(mpyi_heap_cached_blocks(test.heap), 0);
    for (int i = 0; i < 20; i++) {
        test.heap->decay_next_ms = 1; /* long ago */
        mpyi_heap_decay(test.heap);
    }
    assert_int_equal(mpyi_heap_cached_blocks(test.heap), 0);
    assert_int_equal(test.heap->empty_count, 0);
    test_heap_valid(&test);
    test_heap_close(&test);
}

/* A thread that only allocates, or only frees, looks at the clock, too. */
static void
every_slow_path_looks_at_the_clock(void **state)
{
    (void)state;
    test_need_open_magazines();
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    const size_t n = (MPYI_DECAY_TICKS + 3) * mpyi_class_magazine[8];
    for (size_t i = 0; i < n; i++) {
        blocks[i] = test_heap_alloc(test.heap, 8);
        assert_non_null(blocks[i]);
    }
    assert_int_not_equal(test.heap->decay_next_ms, 0);
    test.heap->decay_next_ms = 0;
    for (size_t i = 0; i < n; i++) {
        test_heap_free(test.heap, 8, blocks[i]);
    }
    assert_int_not_equal(test.heap->decay_next_ms, 0);
    test_heap_close(&test);
}

static void
the_cap_holds(void **state)
{
    (void)state;
    test_need_open_magazines();
    struct mpyi_heap *heap = mpyi_heap_of(mpy_priv_tls.mem);
    uint64_t before = mpyi_mem_space.decay_ms;
    mpyi_mem_space.decay_ms = 1000000; /* nothing goes for another reason */
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    mpy_mem_free(mpy_mem_malloc(3000));
    mpyi_large_cache_sort(&heap->large);
    assert_true(heap->large.bytes >= 3000);
    assert_int_equal(mpy_mem_set_keep(NULL, 1 << 20), 0);
    assert_int_equal(mpyi_keep_bytes(), 1 << 20);
    fill(BLOCKS, 64);
    drop(BLOCKS);
    assert_true(mpyi_mem_space.kept <= 4);
    assert_true(heap->large.bytes <= 1 << 20);
    assert_int_equal(mpy_mem_set_keep(NULL, 0), 0);
    assert_int_equal(mpyi_mem_space.kept, 0);
    assert_int_equal(heap->large.bytes, 0);
    mpy_mem_free(mpy_mem_malloc(3000));
    assert_int_equal(heap->large.bytes, 0);
    assert_int_equal(mpyi_space_check(&mpyi_mem_space), 0);
    assert_int_equal(mpy_mem_set_keep(NULL, 64 << 20), 0);
    fill(BLOCKS, 64);
    drop(BLOCKS);
    assert_true(mpyi_mem_space.kept > 16);
    mpy_mem_free(mpy_mem_malloc(3000));
    mpyi_large_cache_sort(&heap->large);
    assert_true(heap->large.bytes >= 3000);
    assert_int_equal(mpy_mem_set_keep(NULL, 8 << 20), 0);
    assert_true(mpyi_mem_space.kept <= 32);
    assert_int_equal(mpy_mem_set_keep(NULL, 64 << 20), 0);
    mpyi_mem_space.decay_ms = before;
}

static struct mpyi_rtheap *runtime_heap;

static struct mpyi_rtheap *
find_heap(mpy_runtime *rt)
{
    return (void *)rt == (void *)&runtime_heap ? runtime_heap : NULL;
}

static void
a_runtime_has_a_cap_of_its_own(void **state)
{
    (void)state;
    mpy_runtime *rt = (mpy_runtime *)(void *)&runtime_heap;
    assert_int_equal(mpy_mem_set_keep(rt, 0), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    MPYI_HOOK_SET(runtime_heap, find_heap);
    runtime_heap = mpyi_rtheap_new(NULL);
    assert_int_equal(mpy_mem_set_keep(rt, 512 << 10), 0);
    assert_int_equal(runtime_heap->obj_space.keep_max, 2);
    assert_int_equal(runtime_heap->gc_space.keep_max, 2);
    assert_int_equal(runtime_heap->cache.limit, 512 << 10);
    assert_int_not_equal(mpyi_mem_space.keep_max, 2);
    mpyi_rtheap_free(runtime_heap);
    MPYI_HOOK_SET(runtime_heap, NULL);
}

static void
many_heaps_share_the_cache_of_large_blocks(void **state)
{
    (void)state;
    size_t alone = mpyi_large_share();
    struct mpyi_heap *heaps[12];
    for (size_t i = 0; i < 12; i++) {
        struct mpy_priv_heap *own = mpy_priv_tls.mem;
        mpy_priv_tls.mem = &mpyi_null_heap;
        mpyi_tls.exits = 100; /* borrow: nobody's for good */
        heaps[i] = mpyi_mem_first_use();
        mpyi_tls.exits = 0;
        mpy_priv_tls.mem = own;
        assert_non_null(heaps[i]);
    }
    assert_true(mpyi_heaps_live() >= 12);
    assert_true(mpyi_large_share() * mpyi_heaps_live() <= alone * 4 || alone == 0);
    heaps[0]->large.limit = alone;
    mpyi_heap_decay(heaps[0]); /* a heap that was there before takes less, too */
    assert_int_equal(heaps[0]->large.limit, mpyi_large_share());
    for (size_t i = 0; i < 12; i++) {
        mpyi_mem_give_back(heaps[i]);
    }
    assert_int_equal(mpyi_large_share(), alone);
}

static void *
live_and_end(void *data)
{
    void *p = mpy_mem_malloc(128);
    *(struct mpyi_heap **)data = mpyi_heap_of(mpy_priv_tls.mem);
    mpy_mem_free(p);
    return NULL;
}

static void
what_an_ended_thread_left_goes(void **state)
{
    (void)state;
    test_need_open_magazines();
    void *own = mpy_mem_malloc(32);
    pthread_t thread;
    struct mpyi_heap *left = NULL;
    assert_int_equal(pthread_create(&thread, NULL, live_and_end, &left), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    struct mpyi_heap *heap = mpyi_heap_of(mpy_priv_tls.mem);
    heap->decay_next_ms = mpyi_os_now_ms() + 1000000;
    mpyi_heap_decay(heap);
    assert_true(left->orphan && !left->closed);
    assert_true(mpyi_heap_cached_blocks(left) > 0);
    heap->decay_next_ms = 1;
    mpyi_heap_decay(heap);
    assert_true(left->orphan && left->closed);
    assert_int_equal(mpyi_heap_cached_blocks(left) + left->empty_count, 0);
    mpy_mem_free(own);
}

/* In a program started with MINIPY_DECAY_THREAD=1: it frees everything and does nothing more. */
static int
child(void)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = mpy_mem_malloc(64);
    }
    uint64_t peak = arena_bytes();
    drop(BLOCKS);
    for (int i = 0; i < PATIENCE && arena_bytes() > peak / 8; i++) {
        usleep(5000);
    }
    return arena_bytes() <= peak / 8 ? 0 : 1;
}

static int
run_child(const char *thread)
{
    char *argv[] = {(char *)(uintptr_t) "test_decay", (char *)(uintptr_t)CHILD_ARG, NULL};
    pid_t pid;
    int status;
    assert_int_equal(setenv("MINIPY_DECAY_THREAD", thread, 1), 0);
    assert_int_equal(setenv("MINIPY_DECAY_MS", "20", 1), 0);
    assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ), 0);
    while (waitpid(pid, &status, 0) < 0) {
        assert_int_equal(errno, EINTR);
    }
    assert_int_equal(unsetenv("MINIPY_DECAY_THREAD"), 0);
    assert_int_equal(unsetenv("MINIPY_DECAY_MS"), 0);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void
a_thread_looks_after_an_idle_program(void **state)
{
    (void)state;
    test_need_open_magazines();
    assert_int_equal(run_child("1"), 0);
}

int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], CHILD_ARG) == 0) {
        return child();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_arenas_go_while_others_work),
        cmocka_unit_test(idle_pools_of_used_arenas_go),
        cmocka_unit_test(a_heap_gives_back_half_at_a_time),
        cmocka_unit_test(without_a_cache_nothing_waits),
        cmocka_unit_test(nothing_is_left_after_some_periods),
        cmocka_unit_test(every_slow_path_looks_at_the_clock),
        cmocka_unit_test(the_cap_holds),
        cmocka_unit_test(a_runtime_has_a_cap_of_its_own),
        cmocka_unit_test(many_heaps_share_the_cache_of_large_blocks),
        cmocka_unit_test(what_an_ended_thread_left_goes),
        cmocka_unit_test(a_thread_looks_after_an_idle_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
