/* SPDX-License-Identifier: MIT */
/* test: long */
/*
 * A mutex and the runtime's lock together: its owner goes on while others wait, and attached and
 * foreign threads exclude each other.
 */
#include "support/cm.h"
#include "support/scale.h"
#include "support/workers.h"

#include "minipy/thread.h"

static mpy_runtime *rt;
static mpy_view *view;
static mpy_mutex mutex;
static uint64_t counter; /* protected by the mutex alone */
static uint32_t phase;

static int
setup(void **state)
{
    (void)state;
    counter = 0;
    phase = 0;
    if (mpy_runtime_new(NULL, &rt) != MPY_OK) {
        return -1;
    }
    view = mpy_view_of(rt);
    return view != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
    (void)state;
    mpy_view_close(view);
    return mpy_runtime_free(rt, NULL) == MPY_OK ? 0 : -1;
}

/* Has the mutex and then needs the runtime's lock. */
static void *
owner(void *arg)
{
    mpy_thread_token *token;
    (void)arg;
    mpy_mutex_lock(&mutex);
    __atomic_store_n(&phase, 1, __ATOMIC_RELEASE);
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK); /* hangs if a waiter keeps the lock */
    counter++;
    mpy_mutex_unlock(&mutex);
    mpy_thread_detach(token);
    return NULL;
}

static void
test_waiting_releases_the_runtime(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    workers_add(&w, owner, NULL);
    assert_true(worker_wait_for(&phase, 1, 10000));
    mpy_mutex_lock(&mutex);
    assert_int_equal(mpy_gil_held(), 1);
    assert_int_equal(counter, 1);
    mpy_mutex_unlock(&mutex);
    mpy_thread_token *saved = mpy_gil_release();
    workers_join(&w);
    mpy_gil_acquire(saved);
}

static unsigned long each;

static void *
attached(void *arg)
{
    mpy_thread_token *token;
    (void)arg;
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
    for (unsigned long i = 0; i < each; i++) {
        mpy_mutex_lock(&mutex);
        uint64_t seen = counter;
        WORKER_CHECK(mpy_checkpoint() == 0); /* others may run, but not in here */
        counter = seen + 1;
        mpy_mutex_unlock(&mutex);
    }
    mpy_thread_detach(token);
    return NULL;
}

static void *
foreign(void *arg)
{
    (void)arg;
    for (unsigned long i = 0; i < each; i++) {
        mpy_mutex_lock(&mutex);
        counter++;
        mpy_mutex_unlock(&mutex);
    }
    return NULL;
}

static void
test_exclusion(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    each = test_scaled(2000);
    for (int i = 0; i < 3; i++) {
        workers_add(&w, attached, NULL);
    }
    workers_add(&w, foreign, NULL);
    mpy_thread_token *saved = mpy_gil_release();
    workers_join(&w);
    mpy_gil_acquire(saved);
    assert_int_equal(counter, 4 * each);
    assert_int_equal(mutex.word, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_waiting_releases_the_runtime, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exclusion, setup, teardown),
    };
    return cmocka_run_group_tests_name("mutex", tests, NULL, NULL);
}
