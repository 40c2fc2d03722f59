/* SPDX-License-Identifier: MIT */
/* test: labels=+threads */
/*
 * test_memheap.c - heaps of threads: made, orphaned, adopted; those that wait as they were left;
 * frees across threads and after the end.
 */
#include "alloc_test.h"

#include "alloc/pressure.h"

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

/* Nothing waits in it. */
static void
assert_empty(const struct mpyi_heap *heap)
{
    assert_true(heap->orphan && heap->closed && !heap->busy);
    assert_int_equal(mpyi_heap_cached_blocks(heap), 0);
    assert_int_equal(heap->empty_count + mpyi_large_cache_blocks(&heap->large) + heap->spare_count,
                     0);
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
    assert_int_equal(heap->large.held_blocks + (int64_t)heap->large.credit, 0);
    (void)mpyi_mem_cool_orphans(UINT32_MAX);
    assert_empty(heap);
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

/* ---- heaps that wait as they were left -------------------------------------------------------
 */

/* Warm orphans. */
static size_t
warm_count(void)
{
    size_t n = 0;
    mpyi_heaps_lock();
    for (struct mpyi_heap *heap = mpyi_heaps_first(); heap != NULL; heap = heap->next_heap) {
        n += heap->orphan && !heap->closed;
    }
    mpyi_heaps_unlock();
    return n;
}

/* A heap that waits with blocks of two kinds in it. */
static struct mpyi_heap *
leave_one(void)
{
    void *out[3];
    run(allocate, out);
    mpy_mem_free(out[0]);
    mpy_mem_free(out[1]);
    return mpyi_heap_of(out[2]);
}

static void *
take_three(void *data)
{
    void **out = data;
    out[0] = mpy_mem_malloc(128);
    out[1] = mpy_mem_malloc(2000);
    out[2] = mpy_priv_tls.mem;
    mpy_mem_free(out[0]);
    mpy_mem_free(out[1]);
    return NULL;
}

static void
the_next_thread_finds_what_was_left(void **state)
{
    (void)state;
    test_need_open_magazines();
    void *own = mpy_mem_malloc(32);
    size_t open = atomic_load(&mpyi_open_heaps);
    void *first[3];
    void *second[3];
    run(take_three, first);
    struct mpyi_heap *heap = mpyi_heap_of(first[2]);
    assert_true(heap->orphan && !heap->closed && !heap->busy);
    assert_true(mpyi_heap_cached_blocks(heap) > 0);
    assert_int_equal(mpyi_large_cache_blocks(&heap->large), 1);
    assert_int_equal(atomic_load(&mpyi_open_heaps), open);
    size_t waiting = mpyi_heap_cached_blocks(heap);
    run(take_three, second);
    assert_ptr_equal(second[1], first[1]);
    assert_ptr_equal(second[2], first[2]);
    assert_int_equal(mpyi_heap_cached_blocks(heap), waiting); /* no refill */
    assert_int_equal(atomic_load(&mpyi_open_heaps), open);
    mpy_mem_free(own);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

static void
what_waits_is_not_allocated(void **state)
{
    (void)state;
    mpy_mem_stats before = {.size = sizeof before};
    mpy_mem_stats after = {.size = sizeof after};
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    assert_int_equal(mpy_mem_stats_get(NULL, &before), 0);
    uint64_t used = mpy_mem_used();
    void *out[3];
    run(take_three, out);
    assert_int_equal(mpy_mem_stats_get(NULL, &after), 0);
    assert_int_equal(after.blocks_allocated, before.blocks_allocated);
    assert_int_equal(after.bytes_allocated, before.bytes_allocated);
    assert_int_equal(after.large_blocks, before.large_blocks);
    assert_int_equal(after.large_bytes, before.large_bytes);
    assert_int_equal(after.heaps, before.heaps);
    assert_int_equal(mpy_mem_used(), used);
    assert_int_equal(warm_count(), 0);
}

struct crowd {
    pthread_barrier_t barrier;
    void *out[3];
};

static void *
be_one_of_many(void *data)
{
    struct crowd *crowd = data;
    void *out[3];
    (void)take_three(out);
    (void)pthread_barrier_wait(&crowd->barrier); /* each has a heap of its own */
    return NULL;
}

static void
few_of_many_wait_so(void **state)
{
    (void)state;
    test_need_open_magazines();
    struct crowd crowd;
    pthread_t threads[8];
    (void)mpyi_mem_cool_orphans(UINT32_MAX);
    assert_int_equal(pthread_barrier_init(&crowd.barrier, NULL, 8), 0);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, be_one_of_many, &crowd), 0);
    }
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    (void)pthread_barrier_destroy(&crowd.barrier);
    assert_int_equal(warm_count(), 3);
    assert_int_equal(mpyi_heaps_live(), 3 + (mpy_priv_tls.mem != &mpyi_null_heap));
    (void)mpyi_mem_cool_orphans(1);
    assert_int_equal(warm_count(), 2);
    mpyi_mem_trim_orphans();
    assert_int_equal(warm_count(), 0);
    assert_int_equal(mpyi_heaps_live(), mpy_priv_tls.mem != &mpyi_null_heap);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

static int
see_arena(void *data, const mpy_arena_info *arena)
{
    (void)data;
    (void)arena;
    return 0;
}

static int
ignore_pressure(void *data, const mpy_pressure *info)
{
    (void)data;
    (void)info;
    return 0;
}

/* Whoever wants to know what is used, or to have little of it, finds nothing that waits. */
static void
who_asks_finds_them_empty(void **state)
{
    (void)state;
    void *own = mpy_mem_malloc(32);
    size_t released;
    for (int i = 0; i < 7; i++) {
        struct mpyi_heap *heap = leave_one();
        assert_true(heap->closed == (mpyi_modes_get() != 0));
        switch (i) {
        case 0:
            assert_int_equal(mpy_mem_trim(NULL, 0, &released), 0);
            assert_true(heap->closed != 0);
            break;
        case 1:
            assert_int_equal(mpy_mem_visit_arenas(NULL, see_arena, NULL), 0);
            break;
        case 2:
            assert_true(mpy_mem_used() > 0);
            break;
        case 3:
            assert_int_equal(mpy_mem_on_pressure(NULL, UINT64_MAX - 1, ignore_pressure, NULL), 0);
            assert_int_equal(mpy_mem_on_pressure(NULL, 0, NULL, NULL), 0);
            break;
        case 4:
            mpy_mem_set_limit(UINT64_MAX - 1);
            mpy_mem_set_limit(0);
            break;
        case 5:
            assert_int_equal(mpy_mem_set_keep(NULL, SIZE_MAX), 0);
            break;
        default:
            assert_true(mpyi_pressure_relieve(&(int){0}, 1) >= 0);
            break;
        }
        assert_empty(heap);
    }
    mpy_mem_free(own);
}

static void
none_waits_so_under_a_limit(void **state)
{
    (void)state;
    mpy_mem_set_limit(UINT64_MAX - 1);
    assert_empty(leave_one());
    mpy_mem_set_limit(0);
    assert_int_equal(mpy_mem_on_pressure(NULL, UINT64_MAX - 1, ignore_pressure, NULL), 0);
    assert_empty(leave_one());
    assert_int_equal(mpy_mem_on_pressure(NULL, 0, NULL, NULL), 0);
}

/* Modes that came on while a heap waited are in force for its next thread's first request. */
static void
modes_are_followed(void **state)
{
    (void)state;
    test_need_open_magazines();
    void *own = mpy_mem_malloc(32);
    const uint32_t modes[] = {MPYI_MODE_TRACE, MPYI_MODE_CHECK};
    for (size_t i = 0; i < 2; i++) {
        size_t open = atomic_load(&mpyi_open_heaps);
        struct mpyi_heap *heap = leave_one();
        mpyi_modes_set(modes[i], 1);
        assert_int_equal(atomic_load(&mpyi_open_heaps), open - 1);
        assert_true(!heap->closed);
        assert_ptr_equal(leave_one(), heap);
        assert_empty(heap);
        assert_int_equal(atomic_load(&mpyi_open_heaps), open - 1);
        mpyi_modes_set(modes[i], 0);
        assert_int_equal(atomic_load(&mpyi_open_heaps), open);
        assert_ptr_equal(leave_one(), heap);
        assert_true(!heap->closed);
    }
    mpy_mem_free(own);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

/* ---- frees across threads --------------------------------------------------------------------
 */

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

static void *
free_those_of_another(void *data)
{
    void **blocks = data;
    for (int i = 0; i < 300; i++) {
        mpy_mem_free(blocks[i]);
    }
    return NULL;
}

/* A message that is not full is sent when its thread ends, also of a heap that waits as it was
 * left. */
static void
open_messages_are_sent(void **state)
{
    (void)state;
    test_need_open_magazines();
    void *blocks[300];
    for (int i = 0; i < 300; i++) {
        blocks[i] = mpy_mem_malloc(64);
        assert_non_null(blocks[i]);
    }
    run(free_those_of_another, blocks);
    mpyi_heaps_lock();
    for (const struct mpyi_heap *heap = mpyi_heaps_first(); heap != NULL; heap = heap->next_heap) {
        for (unsigned i = 0; heap->orphan && i < MPYI_OUTBOXES; i++) {
            assert_null(heap->out[i].message);
        }
    }
    mpyi_heaps_unlock();
    assert_true(mpyi_heap_of(mpy_priv_tls.mem)->remote != 0);
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
        cmocka_unit_test(the_next_thread_finds_what_was_left),
        cmocka_unit_test(what_waits_is_not_allocated),
        cmocka_unit_test(few_of_many_wait_so),
        cmocka_unit_test(who_asks_finds_them_empty),
        cmocka_unit_test(none_waits_so_under_a_limit),
        cmocka_unit_test(modes_are_followed),
        cmocka_unit_test(blocks_come_home),
        cmocka_unit_test(open_messages_are_sent),
        cmocka_unit_test(a_thread_may_begin_with_a_free),
        cmocka_unit_test(destructors_may_allocate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
