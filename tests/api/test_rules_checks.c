/* SPDX-License-Identifier: MIT */
/*
 * api/test_rules_checks.c - checks that are switched on while inlined callers exist.
 *
 * This program has the allocator's fast path compiled in: requests of a constant size pop a block
 * from a magazine without a call. Switching on failures on demand has to close the magazines, so
 * that every such request is seen, with its true size, from the next one on; and a thread without a
 * runtime's lock has to find a closed heap. The sizes below are constants for that reason.
 */
#include "support/api_world.h"

#include <pthread.h>
#include <string.h>

#define N     100
#define NEVER ((uint64_t)1 << 40) /* requests above this do not occur */

static void *blocks[5000];

/* Fills the magazines of some classes: the blocks that are freed last wait in them. */
static void
warm_up(int with_obj)
{
    for (int i = 0; i < N; i++) {
        blocks[i] = mpy_mem_malloc(64);
        assert_non_null(blocks[i]);
    }
    for (int i = 0; i < N; i++) {
        mpy_mem_free_sized(blocks[i], 64);
    }
    for (int i = 0; i < N && with_obj; i++) {
        blocks[i] = mpy_obj_malloc(64);
        assert_non_null(blocks[i]);
    }
    for (int i = 0; i < N && with_obj; i++) {
        mpy_obj_free_sized(blocks[i], 64);
    }
}

static ptrdiff_t
counted(mpy_runtime *rt)
{
    uint64_t failed;
    ptrdiff_t n = mpy_debug_fail_count(rt, &failed);
    assert_int_equal(failed, 0);
    return n;
}

/* N requests of one constant size are N allocations, and N blocks more. */
#define COUNT_CLASS(domain, rt_counted, rt_blocks, bytes)                                          \
    do {                                                                                           \
        ptrdiff_t before = counted(rt_counted);                                                    \
        ptrdiff_t had = mpy_mem_allocated_blocks(rt_blocks);                                       \
        for (int i = 0; i < N; i++) {                                                              \
            blocks[i] = mpy_##domain##_malloc(bytes);                                              \
            assert_non_null(blocks[i]);                                                            \
            memset(blocks[i], 0xA5, bytes);                                                        \
        }                                                                                          \
        assert_int_equal(counted(rt_counted) - before, N);                                         \
        assert_int_equal(mpy_mem_allocated_blocks(rt_blocks) - had, N);                            \
        for (int i = 0; i < N; i++) {                                                              \
            mpy_##domain##_free_sized(blocks[i], bytes);                                           \
        }                                                                                          \
        assert_int_equal(mpy_mem_allocated_blocks(rt_blocks), had);                                \
        assert_int_equal(counted(rt_counted) - before, N);                                         \
    } while (0)

static void
test_every_request_is_counted(void **state)
{
    struct api_world *w = *state;
    mpy_runtime *scopes[2] = {NULL, w->rt};

    for (int turn = 0; turn < 3; turn++) {
        warm_up(1);
        assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_SIZE_ABOVE, NEVER), 0);
        assert_int_equal(counted(NULL), 0);
        COUNT_CLASS(mem, NULL, NULL, 64);
        COUNT_CLASS(mem, NULL, NULL, 1);
        COUNT_CLASS(mem, NULL, NULL, 8);
        COUNT_CLASS(mem, NULL, NULL, 200);
        COUNT_CLASS(mem, NULL, NULL, 512);
        assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0), 0);
        warm_up(1);
        for (int s = 0; s < 2; s++) {
            assert_int_equal(mpy_debug_fail_alloc(scopes[s], MPY_FAIL_SIZE_ABOVE, NEVER), 0);
            COUNT_CLASS(obj, scopes[s], w->rt, 64);
            COUNT_CLASS(obj, scopes[s], w->rt, 1);
            COUNT_CLASS(obj, scopes[s], w->rt, 24);
            COUNT_CLASS(obj, scopes[s], w->rt, 512);
            assert_int_equal(mpy_debug_check_heap(scopes[s]), 0);
            assert_int_equal(mpy_debug_fail_alloc(scopes[s], MPY_FAIL_OFF, 0), 0);
            warm_up(1);
        }
    }
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
    assert_int_equal(mpy_debug_check_heap(w->rt), 0);
}

/* The true size arrives: 64 is above 63, 63 is not, though both are blocks of one class. */
static void
test_true_sizes(void **state)
{
    struct api_world *w = *state;
    uint64_t failed;

    warm_up(1);
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_SIZE_ABOVE, 63), 0);
    assert_null(mpy_mem_malloc(64));
    assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
    blocks[0] = mpy_mem_malloc(63);
    assert_non_null(blocks[0]);
    mpy_mem_free_sized(blocks[0], 63);
    assert_null(mpy_obj_malloc(64));
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    blocks[0] = mpy_obj_malloc(63);
    assert_non_null(blocks[0]);
    mpy_obj_free_sized(blocks[0], 63);
    assert_true(mpy_debug_fail_count(NULL, &failed) >= 4);
    assert_true(failed >= 2);
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0), 0);
    /* One runtime's failures leave the process alone. */
    assert_int_equal(mpy_debug_fail_alloc(w->rt, MPY_FAIL_SIZE_ABOVE, 0), 0);
    blocks[0] = mpy_mem_malloc(64);
    assert_non_null(blocks[0]);
    mpy_mem_free_sized(blocks[0], 64);
    assert_null(mpy_obj_malloc(64));
    assert_int_equal(mpy_debug_fail_alloc(w->rt, MPY_FAIL_OFF, 0), 0);
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    blocks[0] = mpy_obj_malloc(64);
    assert_non_null(blocks[0]);
    mpy_obj_free_sized(blocks[0], 64);
}

/* Exactly the third of five inlined requests fails. */
static void
test_the_third(void **state)
{
    struct api_world *w = *state;
    uint64_t failed;

    warm_up(1);
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_NTH, 3), 0);
    for (int i = 0; i < 5; i++) {
        blocks[i] = mpy_mem_malloc(64);
        assert_int_equal(blocks[i] == NULL, i == 2);
    }
    assert_int_equal(mpy_debug_fail_count(NULL, &failed), 5);
    assert_int_equal(failed, 1);
    assert_int_equal(mpy_debug_fail_alloc(w->rt, MPY_FAIL_NTH, 3), 0);
    for (int i = 5; i < 10; i++) {
        blocks[i] = mpy_obj_malloc(64);
        assert_int_equal(blocks[i] == NULL, i == 7);
        mpy_err_clear();
    }
    assert_int_equal(mpy_debug_fail_alloc(w->rt, MPY_FAIL_OFF, 0), 0);
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0), 0);
    for (int i = 0; i < 5; i++) {
        mpy_mem_free_sized(blocks[i], 64);
        mpy_obj_free_sized(blocks[i + 5], 64);
    }
    /* What is created through the interface is counted, too: objects and their arrays. */
    assert_int_equal(mpy_debug_fail_alloc(w->rt, MPY_FAIL_SIZE_ABOVE, NEVER), 0);
    {
        mpy_object *list = api_good(mpy_list_new(10));
        assert_true(counted(w->rt) >= 2);
        mpy_decref(list);
    }
    assert_int_equal(mpy_debug_fail_alloc(w->rt, MPY_FAIL_OFF, 0), 0);
    assert_int_equal(mpy_debug_fail_alloc(NULL, -1, 0), -1);
    assert_int_equal(mpy_debug_fail_alloc(NULL, 6, 0), -1);
}

/* ---- without the lock ----------------------------------------------------------------------- */

static int
refused(void)
{
    void *p = mpy_obj_malloc(64);
    return p == NULL && mpy_status_last() == MPY_E_NOT_ATTACHED && mpy_obj_calloc(2, 32) == NULL &&
           mpy_obj_realloc(NULL, 64) == NULL;
}

static void *
stranger(void *arg)
{
    int *good = arg;
    *good = refused();
    return NULL;
}

static void
test_closed_without_the_lock(void **state)
{
    struct api_world *w = *state;
    mpy_thread_token *saved;
    pthread_t thread;
    int good = 0, here;

    warm_up(1);
    assert_int_equal(pthread_create(&thread, NULL, stranger, &good), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(good, 1);
    blocks[0] = mpy_obj_malloc(64);
    assert_non_null(blocks[0]);
    saved = mpy_gil_release();
    here = refused();
    mpy_gil_acquire(saved);
    assert_int_equal(here, 1);
    mpy_obj_free_sized(blocks[0], 64);
    assert_int_equal(mpy_debug_check_heap(w->rt), 0);
}

/* ---- another thread's heap ------------------------------------------------------------------ */

struct other {
    pthread_barrier_t barrier;
    ptrdiff_t counts[2];
    int fault;
};

/* Its magazines are open when the main thread switches the check on: they close at the next refill.
 */
static void *
other_thread(void *arg)
{
    struct other *o = arg;
    for (int i = 0; i < N; i++) {
        blocks[i] = mpy_mem_malloc(64);
    }
    for (int i = 0; i < N; i++) {
        mpy_mem_free_sized(blocks[i], 64);
    }
    pthread_barrier_wait(&o->barrier);
    pthread_barrier_wait(&o->barrier); /* the check is on now */
    for (int i = 0; i < 4000; i++) {
        blocks[i] = mpy_mem_malloc(64);
        o->fault |= blocks[i] == NULL;
    }
    o->counts[0] = mpy_debug_fail_count(NULL, NULL);
    for (int i = 4000; i < 5000; i++) {
        blocks[i] = mpy_mem_malloc(64);
        o->fault |= blocks[i] == NULL;
    }
    o->counts[1] = mpy_debug_fail_count(NULL, NULL);
    for (int i = 0; i < 5000; i++) {
        mpy_mem_free_sized(blocks[i], 64);
    }
    return NULL;
}

static void
test_other_heaps_close(void **state)
{
    struct other other;
    pthread_t thread;
    ptrdiff_t before;

    (void)state;
    memset(&other, 0, sizeof other);
    before = mpy_mem_allocated_blocks(NULL);
    assert_int_equal(pthread_barrier_init(&other.barrier, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, other_thread, &other), 0);
    pthread_barrier_wait(&other.barrier);
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_SIZE_ABOVE, NEVER), 0);
    pthread_barrier_wait(&other.barrier);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0), 0);
    assert_int_equal(pthread_barrier_destroy(&other.barrier), 0);
    assert_int_equal(other.fault, 0);
    assert_int_equal(other.counts[1] - other.counts[0], 1000);
    assert_int_equal(mpy_mem_allocated_blocks(NULL), before);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_request_is_counted, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_true_sizes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_the_third, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_closed_without_the_lock, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_other_heaps_close, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
