/* SPDX-License-Identifier: MIT */
/*
 * test_memheap.c - heaps of threads: made, orphaned, adopted; frees across threads and after the
 * end.
 */
#include "alloc_test.h"

#include <pthread.h>

static size_t
heap_count(void)
{
    size_t n = 0;
    mpyi_heaps_lock();
    for (struct mpyi_heap *heap = mpyi_heaps_first(); heap != NULL; heap = heap->next_heap) {
        n++;
    }
    mpyi_heaps_unlock();
    return n;
}

static void *
allocate(void *data)
{
    void **out = data;
    out[0] = mpy_mem_malloc(64);
    out[1] = mpy_mem_malloc(3000);
    out[2] = mpy_priv_tls.mem;
    mpy_mem_free(mpy_mem_malloc(128));
    mpy_mem_free(mpy_mem_malloc(2000));
    return NULL;
}

static void
run(void *(*fn)(void *), void *data)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fn, data), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void
heaps_are_adopted(void **state)
{
    (void)state;
    void *own = mpy_mem_malloc(32);
    void *first[3];
    run(allocate, first);
    struct mpyi_heap *heap = mpyi_heap_of(first[2]);
    assert_true(heap->orphan);
    assert_int_equal(mpyi_heap_cached_blocks(heap), 0);
    assert_int_equal(heap->empty_count + mpyi_large_cache_blocks(&heap->large) + heap->spare_count,
                     0);
    size_t count = heap_count();
    for (int i = 0; i < 200; i++) {
        void *next[3];
        run(allocate, next);
        assert_ptr_equal(next[2], first[2]);
        mpy_mem_free(next[0]);
        mpy_mem_free(next[1]);
    }
    assert_int_equal(heap_count(), count);
    mpy_mem_free(first[0]);
    mpy_mem_free(first[1]);
    mpy_mem_free(own);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

static void *
free_all(void *data)
{
    void **blocks = data;
    for (int i = 0; i < 1000; i++) {
        mpy_mem_free(blocks[i]);
    }
    return NULL;
}

static void
blocks_come_home(void **state)
{
    (void)state;
    mpy_mem_stats before = {.size = sizeof before};
    mpy_mem_stats after = {.size = sizeof after};
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0); /* nothing is on its way any more */
    assert_int_equal(mpy_mem_stats_get(NULL, &before), 0);
    void *blocks[1000];
    for (int i = 0; i < 1000; i++) {
        blocks[i] = mpy_mem_malloc(1 + (size_t)i % 600);
    }
    run(free_all, blocks);
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0); /* takes in what came home */
    assert_int_equal(mpy_mem_stats_get(NULL, &after), 0);
    assert_int_equal(after.blocks_allocated, before.blocks_allocated);
    assert_int_equal(after.large_blocks, before.large_blocks);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

static void *
only_free(void *data)
{
    mpy_mem_free(data); /* the thread's first call */
    return NULL;
}

static void
a_thread_may_begin_with_a_free(void **state)
{
    (void)state;
    run(only_free, mpy_mem_malloc(40));
    run(only_free, mpy_mem_malloc(4000));
    run(only_free, NULL);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

/* A destructor that runs after the library's, every time. */
static pthread_key_t late_key;
static int late_calls;

static void
late(void *data)
{
    late_calls++;
    for (int i = 0; i < 100; i++) {
        void *p = mpy_mem_malloc(64);
        void *q = mpy_mem_malloc(6400);
        assert_true(p != NULL && q != NULL);
        mpy_mem_free(p);
        mpy_mem_free(q);
    }
    assert_int_equal(pthread_setspecific(late_key, data), 0);
}

static void *
end_late(void *data)
{
    assert_int_equal(pthread_setspecific(late_key, data), 0);
    mpy_mem_free(mpy_mem_malloc(16));
    return NULL;
}

static void
destructors_may_allocate(void **state)
{
    (void)state;
    if (MPYI_TSAN) {
        return; /* it ends a thread in its last round of destructors, and cannot follow */
    }
    assert_int_equal(pthread_key_create(&late_key, late), 0);
    run(end_late, &late_calls);
    size_t count = heap_count();
    for (int i = 0; i < 50; i++) {
        run(end_late, &late_calls);
    }
    assert_true(late_calls > 100);
    assert_int_equal(heap_count(), count);
    mpy_mem_stats stats = {.size = sizeof stats};
    assert_int_equal(mpy_mem_stats_get(NULL, &stats), 0);
    assert_int_equal(stats.heaps, 1); /* none is left to a thread that is gone */
    (void)pthread_key_delete(late_key);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

static void *
wait_for_memory(void *data)
{
    mpyi_os_fail_after(1);
    void *p = mpy_mem_malloc(64);
    mpy_status status = mpy_status_last();
    mpy_mem_free(data); /* without a heap: still not lost */
    mpyi_os_fail_after(0);
    assert_true(p != NULL || status == MPY_E_NOMEM);
    mpy_mem_free(p);
    return NULL;
}

static void
a_thread_without_a_heap_can_free(void **state)
{
    (void)state;
    /* Orphans are taken by threads that stay, so that none is there to adopt. */
    run(wait_for_memory, mpy_mem_malloc(40));
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_without_a_heap_can_free),
        cmocka_unit_test(heaps_are_adopted),
        cmocka_unit_test(blocks_come_home),
        cmocka_unit_test(a_thread_may_begin_with_a_free),
        cmocka_unit_test(destructors_may_allocate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
