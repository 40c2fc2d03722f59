/* SPDX-License-Identifier: MIT */
/* test: labels=+threads */
/*
 * test_usage.c - bytes are counted before they are taken, and never more than the limit.
 */
#include "alloc_test.h"

#include "alloc/usage.h"

#include <pthread.h>

static void
what_fits_is_counted(void **state)
{
    (void)state;
    struct mpyi_usage usage = {.limit = 1000};
    assert_int_equal(mpyi_usage_take(&usage, 600), 1);
    assert_int_equal(mpyi_usage_take(&usage, 401), 0);
    assert_int_equal(mpyi_usage_now(&usage), 600);
    assert_int_equal(mpyi_usage_fits(&usage, 401), 0);
    assert_int_equal(mpyi_usage_fits(&usage, 400), 1);
    assert_int_equal(mpyi_usage_take(&usage, 400), 1);
    assert_int_equal(mpyi_usage_take(&usage, 1), 0);
    assert_int_equal(mpyi_usage_take(&usage, 0), 1);
    assert_int_equal(mpyi_usage_take(&usage, UINT64_MAX), 0);
    assert_int_equal(usage.taken_peak, 1000);
    mpyi_usage_give(&usage, 700);
    assert_int_equal(mpyi_usage_now(&usage), 300);
    assert_int_equal(usage.taken_peak, 1000);
}

static void
a_limit_that_is_set_later(void **state)
{
    (void)state;
    struct mpyi_usage usage = {.limit = UINT64_MAX, .soft = UINT64_MAX};
    assert_int_equal(mpyi_usage_take(&usage, 5000), 1);
    assert_int_equal(mpyi_usage_is_watched(&usage), 0);
    mpyi_usage_give(&usage, 4000);
    mpyi_usage_set_limit(&usage, 900);
    assert_int_equal(mpyi_usage_is_watched(&usage), 1);
    assert_int_equal(usage.taken_peak, 1000); /* that of the time before is forgotten */
    assert_int_equal(mpyi_usage_take(&usage, 1), 0);
    assert_int_equal(mpyi_usage_take(&usage, 0), 1); /* nothing grows */
    assert_int_equal(mpyi_usage_fits(&usage, 0), 0);
    mpyi_usage_give(&usage, 200);
    assert_int_equal(mpyi_usage_take(&usage, 100), 1);
    usage.limit = UINT64_MAX;
    usage.soft = 1;
    assert_int_equal(mpyi_usage_is_watched(&usage), 1);
}

/* Frees of one thread may be told before another's allocations. */
static void
sums_below_zero_are_no_peak(void **state)
{
    (void)state;
    struct mpyi_usage usage = {.limit = 1000, .large_bytes = (uint64_t)-500, .peak = 7};
    mpyi_usage_peak(&usage);
    assert_int_equal(usage.peak, 7);
    usage.arena_bytes = 600;
    mpyi_usage_peak(&usage);
    assert_int_equal(usage.peak, 100);
}

/* ---- threads ----------------------------------------------------------------------------------
 */

enum { THREADS = 4, ROUNDS = 1000000, ROOM = 1000 };

static struct mpyi_usage shared = {.limit = ROOM, .soft = UINT64_MAX};
static _Atomic uint64_t refused;

static void *
take_and_give(void *seed)
{
    uint64_t random = (uintptr_t)seed * 2 + 1;
    uint64_t failed = 0;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t n = test_random(&random) % (ROOM / 2);
        if (mpyi_usage_take(&shared, n)) {
            mpyi_usage_give(&shared, n);
        } else {
            failed++;
        }
    }
    refused += failed;
    return NULL;
}

static void
several_threads_never_pass_it(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    assert_int_equal(mpyi_usage_take(&shared, ROOM * 3 / 4), 1);
    for (uintptr_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, (void *)(i + 1)), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(mpyi_usage_now(&shared), ROOM * 3 / 4);
    assert_in_range(shared.taken_peak, ROOM * 9 / 10, ROOM);
    assert_true(refused > ROUNDS / 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_counted),
        cmocka_unit_test(a_limit_that_is_set_later),
        cmocka_unit_test(sums_below_zero_are_no_peak),
        cmocka_unit_test(several_threads_never_pass_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
