/* SPDX-License-Identifier: MIT */
/*
 * test_mode.c - switching modes: the caller's heaps follow at once, others at their next slow path.
 */
#include "alloc_test.h"

#include <pthread.h>

static void
the_callers_heap_follows_at_once(void **state)
{
    (void)state;
    test_need_open_magazines();
    void *p = mpy_mem_malloc(32);
    struct mpyi_heap *heap = mpyi_heap_of(mpy_priv_tls.mem);
    assert_false(heap->closed);
    mpyi_modes_set(MPYI_MODE_TRACE, 1);
    assert_true(heap->closed);
    mpyi_modes_set(MPYI_MODE_FAULT, 1);
    mpyi_modes_set(MPYI_MODE_TRACE, 0);
    assert_true(heap->closed);
    mpyi_modes_set(MPYI_MODE_FAULT, 0);
    assert_false(heap->closed);
    mpy_mem_free(p);
}

static int traced_allocs, traced_frees;
static size_t traced_size;

static void
on_trace(int event, int kind, void *block, size_t n)
{
    (void)block;
    assert_int_equal(kind, MPY_KIND_MEM);
    if (event == MPYI_TRACE_ALLOC) {
        traced_allocs++;
        traced_size = n;
    } else {
        traced_frees++;
    }
}

static void
tracing_sees_inlined_calls_with_their_size(void **state)
{
    (void)state;
    MPYI_HOOK_SET(trace, on_trace);
    void *before = mpy_mem_malloc(33);
    assert_int_equal(traced_allocs, 0);
    mpyi_modes_set(MPYI_MODE_TRACE, 1);
    void *p = mpy_mem_malloc(33);
    assert_int_equal(traced_allocs, 1);
    assert_int_equal(traced_size, 33);
    mpy_mem_free_sized(p, 33);
    mpy_mem_free(before);
    assert_int_equal(traced_frees, 2);
    p = mpy_mem_realloc(NULL, 5000);
    p = mpy_mem_realloc(p, 50000);
    mpy_mem_free(p);
    assert_int_equal(traced_allocs, 3);
    assert_int_equal(traced_frees, 4);
    mpyi_modes_set(MPYI_MODE_TRACE, 0);
    mpy_mem_free(mpy_mem_malloc(33));
    assert_int_equal(traced_allocs, 3);
    MPYI_HOOK_SET(trace, NULL);
}

struct turns {
    pthread_barrier_t barrier;
    int closed_before, closed_after;
};

static void *
other_thread(void *data)
{
    struct turns *turns = data;
    void *p = mpy_mem_malloc(64);
    struct mpyi_heap *heap = mpyi_heap_of(mpy_priv_tls.mem);
    (void)pthread_barrier_wait(&turns->barrier);
    (void)pthread_barrier_wait(&turns->barrier);
    turns->closed_before = heap->closed;
    void *q = mpy_mem_malloc(496); /* an empty bin: a slow path */
    turns->closed_after = heap->closed;
    mpy_mem_free(p);
    mpy_mem_free(q);
    return NULL;
}

static void
other_heaps_follow_at_their_next_slow_path(void **state)
{
    (void)state;
    test_need_open_magazines();
    struct turns turns;
    pthread_t thread;
    assert_int_equal(pthread_barrier_init(&turns.barrier, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, other_thread, &turns), 0);
    (void)pthread_barrier_wait(&turns.barrier);
    mpyi_modes_set(MPYI_MODE_CHECK, 1);
    (void)pthread_barrier_wait(&turns.barrier);
    assert_int_equal(pthread_join(thread, NULL), 0);
    mpyi_modes_set(MPYI_MODE_CHECK, 0);
    assert_false(turns.closed_before);
    assert_true(turns.closed_after);
    (void)pthread_barrier_destroy(&turns.barrier);
}

static void
a_runtime_has_modes_of_its_own(void **state)
{
    (void)state;
    test_need_open_magazines();
    struct mpyi_rtheap *heap = mpyi_rtheap_new(NULL);
    mpyi_rtheap_modes_set(heap, MPYI_MODE_FAULT, 1);
    assert_true(heap->raw.closed && heap->atom.closed && heap->gc.closed);
    mpyi_rtheap_enter(heap);
    mpyi_modes_set(MPYI_MODE_TRACE, 1);
    mpyi_rtheap_modes_set(heap, MPYI_MODE_FAULT, 0);
    assert_true(heap->raw.closed && heap->atom.closed && heap->gc.closed);
    mpyi_modes_set(MPYI_MODE_TRACE, 0);
    assert_false(heap->raw.closed || heap->atom.closed || heap->gc.closed);
    mpyi_rtheap_free(heap);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_callers_heap_follows_at_once),
        cmocka_unit_test(tracing_sees_inlined_calls_with_their_size),
        cmocka_unit_test(other_heaps_follow_at_their_next_slow_path),
        cmocka_unit_test(a_runtime_has_modes_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
