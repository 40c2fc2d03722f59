/* SPDX-License-Identifier: MIT */
/*
 * mpy_mutex by itself: states of the word, exclusion, misuse. tests/threads/test_mutex.c has the
 * runtime's lock in it.
 */
#include "support/cm.h"
#include "support/workers.h"

#include "minipy/thread.h"

#include "runtime/futex.h"

static mpy_mutex mutex;
static uint64_t counter;

static int
setup(void **state)
{
    (void)state;
    mpyi_futex_use_park(false);
    mutex.word = 0;
    counter = 0;
    return 0;
}

static int
setup_park(void **state)
{
    setup(state);
    mpyi_futex_use_park(true);
    return 0;
}

static void
test_states(void **state)
{
    (void)state;
    mpy_mutex_lock(&mutex);
    assert_int_equal(mutex.word, 1);
    mpy_mutex_unlock(&mutex);
    assert_int_equal(mutex.word, 0);
}

static void *
counts(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20000; i++) {
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
    for (int i = 0; i < 4; i++) {
        workers_add(&w, counts, NULL);
    }
    workers_join(&w);
    assert_int_equal(counter, 80000);
    assert_int_equal(mutex.word, 0);
}

static void
test_misuse(void **state)
{
    (void)state;
    mpy_mutex_unlock(&mutex); /* not locked */
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    assert_int_equal(mutex.word, 0);
    mpy_mutex_lock(NULL);
    mpy_mutex_unlock(NULL);
    mpy_mutex_lock(&mutex);
    assert_int_equal(mutex.word, 1);
    mpy_mutex_unlock(&mutex);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_states, setup),
        cmocka_unit_test_setup(test_exclusion, setup),
        cmocka_unit_test_setup(test_exclusion, setup_park),
        cmocka_unit_test_setup(test_misuse, setup),
    };
    return cmocka_run_group_tests_name("mutex", tests, NULL, NULL);
}
