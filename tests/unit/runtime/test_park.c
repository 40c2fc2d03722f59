/* SPDX-License-Identifier: MIT */
/*
 * The portable futex: words that share a bucket do not disturb each other.
 */
#include "support/cm.h"
#include "support/workers.h"

#include "runtime/park.h"

#define WORDS 128 /* two for each bucket, on average */

static uint32_t words[WORDS];
static uint32_t awake;

static void *
sleeper(void *arg)
{
    uint32_t *word = arg;
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == 0) {
        WORKER_CHECK(mpyi_park_wait(word, 0, -1));
    }
    __atomic_fetch_add(&awake, 1, __ATOMIC_ACQ_REL);
    return NULL;
}

/* With more sleepers than buckets, two of them share one for certain. */
static void
test_strangers_sleep_on(void **state)
{
    (void)state;
    struct workers w[3] = {{.count = 0}, {.count = 0}, {.count = 0}};
    for (int i = 0; i < WORDS; i++) {
        workers_add(&w[i / 60], sleeper, &words[i]);
    }
    for (uint32_t i = 0; i < WORDS; i++) {
        __atomic_store_n(&words[i], 1, __ATOMIC_RELEASE);
        mpyi_park_wake(&words[i]);
        assert_true(worker_wait_for(&awake, i + 1, 10000));
    }
    for (int i = 0; i < 3; i++) {
        workers_join(&w[i]);
    }
}

static void
test_timeout(void **state)
{
    (void)state;
    uint32_t word = 0;
    int64_t start = worker_now();
    assert_false(mpyi_park_wait(&word, 0, 2000000));
    assert_true(worker_now() - start >= 1900000);
    assert_false(mpyi_park_wait(&word, 0, 999999999)); /* carries into the seconds */
    assert_true(mpyi_park_wait(&word, 1, 2000000));
}

static void
test_after_fork(void **state)
{
    (void)state;
    uint32_t word = 0;
    mpyi_park_after_fork();
    assert_false(mpyi_park_wait(&word, 0, 1000));
    mpyi_park_wake(&word);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strangers_sleep_on),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_after_fork),
    };
    return cmocka_run_group_tests_name("park", tests, NULL, NULL);
}
