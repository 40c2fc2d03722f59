/* SPDX-License-Identifier: MIT */
/*
 * Sleeping and waking on a word, with futex(2) and with the portable version, and the guard.
 */
#include "support/cm.h"
#include "support/workers.h"

#include "runtime/futex.h"

#include <errno.h>

static uint32_t word;
static uint32_t awake;

static int
with_futex(void **state)
{
    (void)state;
    mpyi_futex_use_park(false);
    word = 0;
    awake = 0;
    return 0;
}

static int
with_park(void **state)
{
    with_futex(state);
    mpyi_futex_use_park(true);
    return 0;
}

static void *
sleeper(void *arg)
{
    (void)arg;
    while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) == 0) {
        WORKER_CHECK(mpyi_futex_wait(&word, 0, -1));
    }
    __atomic_fetch_add(&awake, 1, __ATOMIC_ACQ_REL);
    return NULL;
}

static void
test_wake_all(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    for (int i = 0; i < 4; i++) {
        workers_add(&w, sleeper, NULL);
    }
    worker_sleep_us(20000);
    assert_int_equal(__atomic_load_n(&awake, __ATOMIC_ACQUIRE), 0);
    __atomic_store_n(&word, 1, __ATOMIC_RELEASE);
    mpyi_futex_wake(&word, 4);
    workers_join(&w);
    assert_int_equal(awake, 4);
}

static void
test_timeout(void **state)
{
    (void)state;
    errno = 0;
    int64_t start = worker_now();
    bool timed_out = false;
    while (!timed_out) { /* a wake-up for no reason is allowed */
        timed_out = !mpyi_futex_wait(&word, 0, 3000000);
    }
    assert_true(worker_now() - start >= 2900000);
    assert_int_equal(errno, 0);
}

static void
test_other_value(void **state)
{
    (void)state;
    word = 7;
    assert_true(mpyi_futex_wait(&word, 0, -1)); /* returns at once */
    assert_true(mpyi_futex_wait(&word, 0, INT64_C(10000000000)));
}

/* The sleeper's word may be gone when the waker gets to the wake. */
static void
test_wake_of_unmapped_word(void **state)
{
    (void)state;
    errno = 0;
    mpyi_futex_wake((uint32_t *)(uintptr_t)64, 1);
    assert_int_equal(errno, 0);
}

static uint32_t guard;
static uint64_t counter;

static void *
counts(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20000; i++) {
        mpyi_guard_lock(&guard);
        counter++;
        mpyi_guard_unlock(&guard);
    }
    return NULL;
}

static void *
holds_it_long(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++) {
        mpyi_guard_lock(&guard);
        worker_sleep_us(200); /* longer than anybody spins */
        counter++;
        mpyi_guard_unlock(&guard);
    }
    return NULL;
}

/* The others sleep, and every one of them is woken in the end. */
static void
test_guard_sleepers(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    counter = 0;
    for (int i = 0; i < 5; i++) {
        workers_add(&w, holds_it_long, NULL);
    }
    workers_join(&w);
    assert_int_equal(counter, 100);
}

static void
test_guard(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    counter = 0;
    for (int i = 0; i < 4; i++) {
        workers_add(&w, counts, NULL);
    }
    workers_join(&w);
    assert_int_equal(counter, 80000);
    assert_int_equal(guard, 0);
}

static void
test_clock(void **state)
{
    (void)state;
    int64_t before = mpyi_now_ns();
    worker_sleep_us(1000);
    assert_true(mpyi_now_ns() - before >= 900000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_wake_all, with_futex),
        cmocka_unit_test_setup(test_wake_all, with_park),
        cmocka_unit_test_setup(test_timeout, with_futex),
        cmocka_unit_test_setup(test_timeout, with_park),
        cmocka_unit_test_setup(test_other_value, with_futex),
        cmocka_unit_test_setup(test_other_value, with_park),
        cmocka_unit_test_setup(test_wake_of_unmapped_word, with_futex),
        cmocka_unit_test_setup(test_wake_of_unmapped_word, with_park),
        cmocka_unit_test_setup(test_guard, with_futex),
        cmocka_unit_test_setup(test_guard, with_park),
        cmocka_unit_test_setup(test_guard_sleepers, with_futex),
        cmocka_unit_test_setup(test_guard_sleepers, with_park),
        cmocka_unit_test_setup(test_clock, with_futex),
    };
    return cmocka_run_group_tests_name("futex", tests, NULL, NULL);
}
