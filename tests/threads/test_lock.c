/* SPDX-License-Identifier: MIT */
/* test: long */
/*
 * The lock under stress: threads that compute, that come back from blocking, and that attach and
 * detach, all on one counter that only the lock protects.
 */
#include "support/cm.h"
#include "support/scale.h"
#include "support/workers.h"

#include "minipy/thread.h"

#include "runtime/futex.h"

#define EACH 3000

static mpy_runtime *rt;
static mpy_view *view;
static uint64_t counter; /* protected by the lock alone */
static uint32_t inside;

static int
setup(void **state)
{
    (void)state;
    mpyi_futex_use_park(false);
    counter = 0;
    if (mpy_runtime_new(NULL, &rt) != MPY_OK) {
        return -1;
    }
    view = mpy_view_of(rt);
    return view != NULL ? mpy_gil_set_switch_interval(rt, 50000) : -1;
}

static int
setup_park(void **state)
{
    int rc = setup(state);
    mpyi_futex_use_park(true);
    return rc;
}

static int
teardown(void **state)
{
    (void)state;
    mpyi_futex_use_park(false);
    mpy_view_close(view);
    return mpy_runtime_free(rt, NULL) == MPY_OK ? 0 : -1;
}

/* One step with the lock held. */
static void
step(void)
{
    WORKER_CHECK(__atomic_fetch_add(&inside, 1, __ATOMIC_RELAXED) == 0);
    counter++;
    void *p = mpy_obj_malloc(40); /* the heap has no lock of its own */
    WORKER_CHECK(p != NULL);
    mpy_obj_free_sized(p, 40);
    WORKER_CHECK(__atomic_fetch_sub(&inside, 1, __ATOMIC_RELAXED) == 1);
}

static void *
computes(void *arg)
{
    mpy_thread_token *token;
    unsigned long n = *(unsigned long *)arg;
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
    for (unsigned long i = 0; i < n; i++) {
        step();
        WORKER_CHECK(mpy_checkpoint() == 0);
    }
    mpy_thread_detach(token);
    return NULL;
}

static void *
blocks(void *arg)
{
    mpy_thread_token *token;
    unsigned long n = *(unsigned long *)arg;
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
    for (unsigned long i = 0; i < n; i++) {
        step();
        mpy_gil_acquire(mpy_gil_release());
    }
    mpy_thread_detach(token);
    return NULL;
}

static void *
comes_and_goes(void *arg)
{
    unsigned long n = *(unsigned long *)arg;
    for (unsigned long i = 0; i < n; i++) {
        mpy_thread_token *outer, *inner;
        WORKER_CHECK(mpy_thread_attach(view, &outer) == MPY_OK);
        WORKER_CHECK(mpy_thread_attach(view, &inner) == MPY_OK);
        step();
        mpy_thread_detach(inner);
        mpy_thread_detach(outer);
    }
    return NULL;
}

static void
test_mixed(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    unsigned long each = test_scaled(EACH);
    mpy_gil_stats stats = {.size = sizeof stats, .version = 1};
    for (int i = 0; i < 2; i++) {
        workers_add(&w, computes, &each);
        workers_add(&w, blocks, &each);
        workers_add(&w, comes_and_goes, &each);
    }
    do { /* all of them stand in line: from here on the lock has to be passed round */
        worker_sleep_us(100);
        assert_int_equal(mpy_gil_get_stats(rt, &stats), 0);
    } while (stats.waiting < 6);
    for (unsigned long i = 0; i < each; i++) {
        step();
        assert_int_equal(mpy_checkpoint(), 0);
    }
    mpy_thread_token *saved = mpy_gil_release();
    workers_join(&w);
    mpy_gil_acquire(saved);
    assert_int_equal(counter, 7 * each);
    assert_int_equal(mpy_gil_get_stats(rt, &stats), 0);
    assert_int_equal(stats.attached, 1);
    assert_int_equal(stats.waiting, 0);
    assert_true(stats.acquisitions >= 6);
    assert_true(stats.hand_offs > 0);
}

static uint32_t stop;

static void *
computes_until_stopped(void *arg)
{
    mpy_thread_token *token;
    uint64_t *steps = arg;
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        ++*steps;
        WORKER_CHECK(mpy_checkpoint() == 0);
    }
    mpy_thread_detach(token);
    return NULL;
}

/* Computing threads share the time evenly, within a factor that a busy machine does not reach. */
static void
test_fairness(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    uint64_t steps[4] = {0, 0, 0, 0};
    uint64_t all = 0;
    assert_int_equal(mpy_gil_set_switch_interval(rt, 1000000), 0);
    stop = 0;
    for (int i = 0; i < 4; i++) {
        workers_add(&w, computes_until_stopped, &steps[i]);
    }
    mpy_thread_token *saved = mpy_gil_release();
    worker_sleep_us(400000);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    workers_join(&w);
    mpy_gil_acquire(saved);
    for (int i = 0; i < 4; i++) {
        all += steps[i];
    }
    for (int i = 0; i < 4; i++) {
        assert_true(steps[i] > all / 20);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mixed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mixed, setup_park, teardown),
        cmocka_unit_test_setup_teardown(test_fairness, setup, teardown),
    };
    return cmocka_run_group_tests_name("lock stress", tests, NULL, NULL);
}
