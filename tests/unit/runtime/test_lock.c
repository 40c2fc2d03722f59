/* SPDX-License-Identifier: MIT */
/*
 * The lock by itself: word, queues, breaker, order of service, closing, and the state after a fork.
 * The test's thread is the holder; it looks into the struct between the waiters' moves.
 */
#include "support/cm.h"
#include "support/workers.h"

#include "runtime/futex.h"
#include "runtime/lock.h"
#include "state/state.h"

#include <string.h>

#define LONG_TIME INT64_C(10000000000)

static struct mpyi_lock lock;
static uint32_t breaker;
static uint32_t order[32]; /* numbers of the waiters as they were served */
static uint32_t served;
static uint32_t refused;

static int
setup(void **state)
{
    (void)state;
    mpyi_futex_use_park(false);
    breaker = 0;
    served = 0;
    refused = 0;
    mpyi_lock_init(&lock, &breaker, LONG_TIME);
    return 0;
}

static int
setup_park(void **state)
{
    setup(state);
    mpyi_futex_use_park(true);
    return 0;
}

static uint32_t
waiting(void)
{
    return (uint32_t)__atomic_load_n(&lock.waiting, __ATOMIC_ACQUIRE);
}

static void
until_waiting(uint32_t n)
{
    int64_t end = worker_now() + LONG_TIME;
    while (waiting() != n) {
        assert_true(worker_now() < end);
        worker_sleep_us(100);
    }
}

static int
breaker_is_up(void)
{
    return (__atomic_load_n(&breaker, __ATOMIC_ACQUIRE) & MPYI_BREAK_LOCK) != 0;
}

static void
serve(const void *arg)
{
    order[served++] = (uint32_t)(uintptr_t)arg; /* the lock protects it */
}

static void *
urgent_once(void *arg)
{
    mpy_status status = mpyi_lock_acquire(&lock);
    if (status != MPY_OK) {
        WORKER_CHECK(status == MPY_E_FINALIZING);
        __atomic_fetch_add(&refused, 1, __ATOMIC_ACQ_REL);
        return NULL;
    }
    serve(arg);
    mpyi_lock_release(&lock);
    return NULL;
}

static void
test_uncontended(void **state)
{
    (void)state;
    assert_int_equal(lock.word, 0);
    assert_int_equal(mpyi_lock_acquire(&lock), MPY_OK);
    assert_int_equal(lock.word, MPYI_LOCK_HELD);
    assert_false(mpyi_lock_yield(&lock));
    mpyi_lock_release(&lock);
    assert_int_equal(lock.word, 0);
    assert_int_equal(lock.waits, 0);
}

static void
test_hand_off_in_order(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    assert_int_equal(mpyi_lock_acquire(&lock), MPY_OK);
    for (uint32_t i = 1; i <= 4; i++) {
        workers_add(&w, urgent_once, (void *)(uintptr_t)i);
        until_waiting(i);
        assert_true(breaker_is_up());
        assert_int_equal(lock.word, MPYI_LOCK_HELD | MPYI_LOCK_WAITERS);
    }
    mpyi_lock_release(&lock);
    workers_join(&w);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(order[i], i + 1);
    }
    assert_int_equal(lock.word, 0);
    assert_false(breaker_is_up());
    assert_int_equal(lock.waits, 4);
    assert_int_equal(waiting(), 0);
}

/* The releasing thread asks again at once and must not overtake the waiter. */
static void
test_no_stealing(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct workers w = {.count = 0};
        served = 0;
        assert_int_equal(mpyi_lock_acquire(&lock), MPY_OK);
        workers_add(&w, urgent_once, (void *)(uintptr_t)1);
        until_waiting(1);
        mpyi_lock_release(&lock);
        assert_int_equal(mpyi_lock_acquire(&lock), MPY_OK);
        serve((void *)(uintptr_t)2);
        assert_int_equal(order[0], 1);
        assert_int_equal(order[1], 2);
        mpyi_lock_release(&lock);
        workers_join(&w);
    }
}

static void
test_yield_to_urgent(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    assert_int_equal(mpyi_lock_acquire(&lock), MPY_OK);
    workers_add(&w, urgent_once, (void *)(uintptr_t)1);
    until_waiting(1);
    assert_true(mpyi_lock_yield(&lock));
    assert_int_equal(served, 1);
    assert_int_equal(lock.word, MPYI_LOCK_HELD);
    assert_false(breaker_is_up());
    assert_int_equal(lock.hand_offs, 1);
    assert_int_equal(lock.turns, 0); /* this thread's turn goes on */
    mpyi_lock_release(&lock);
    workers_join(&w);
}

/* Takes the lock, and then computes: yields whenever asked, until told to stop. */
static uint32_t stop;
static uint64_t rounds[3];

static void *
computes(void *arg)
{
    uintptr_t me = (uintptr_t)arg;
    WORKER_CHECK(mpyi_lock_acquire(&lock) == MPY_OK);
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        __atomic_store_n(&rounds[me], rounds[me] + 1, __ATOMIC_RELAXED);
        if (breaker_is_up()) {
            (void)mpyi_lock_yield(&lock);
        }
    }
    mpyi_lock_release(&lock);
    return NULL;
}

/* Threads that compute take turns of the interval, and each gets its share. */
static void
test_turns(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    stop = 0;
    memset(rounds, 0, sizeof rounds);
    lock.interval = 2000000;
    int64_t begin = worker_now();
    for (uintptr_t i = 0; i < 3; i++) {
        workers_add(&w, computes, (void *)i);
    }
    while (__atomic_load_n(&lock.hand_offs, __ATOMIC_RELAXED) < 60) {
        assert_true(worker_now() < begin + LONG_TIME);
        worker_sleep_us(1000);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    workers_join(&w);
    /* A turn lasts as long as the interval at least, but for those that end with the test. */
    assert_true((uint64_t)(worker_now() - begin) / 2000000 + 4 >= lock.turns);
    uint64_t all = rounds[0] + rounds[1] + rounds[2];
    for (int i = 0; i < 3; i++) {
        assert_true(rounds[i] > all / 10);
    }
    assert_int_equal(lock.word, 0);
    assert_int_equal(lock.expired, 0);
}

/* Has the lock, makes way for an urgent thread, and gets it back. */
static void *
makes_way(void *arg)
{
    WORKER_CHECK(mpyi_lock_acquire(&lock) == MPY_OK);
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    while (!breaker_is_up()) {
        worker_sleep_us(50);
    }
    WORKER_CHECK(mpyi_lock_yield(&lock));
    serve(arg);
    mpyi_lock_release(&lock);
    return NULL;
}

/* Who makes way goes on after the urgent thread, before others that wait for their turn. */
static void
test_making_way_keeps_the_turn(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    stop = 0;
    workers_add(&w, makes_way, (void *)(uintptr_t)100);
    assert_true(worker_wait_for(&stop, 1, 10000));
    assert_int_equal(mpyi_lock_acquire(&lock), MPY_OK);
    until_waiting(1);
    workers_add(&w, urgent_once, (void *)(uintptr_t)1);
    until_waiting(2);
    assert_true(mpyi_lock_yield(&lock));
    assert_int_equal(served, 1);
    assert_int_equal(order[0], 1);
    mpyi_lock_release(&lock);
    workers_join(&w);
    assert_int_equal(served, 2);
    assert_int_equal(order[1], 100);
}

/* A thread whose interval has passed is served after a few urgent ones, however many there are. */
static void
test_no_starvation(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    stop = 0;
    lock.interval = 1000000;
    workers_add(&w, makes_way, (void *)(uintptr_t)100);
    assert_true(worker_wait_for(&stop, 1, 10000));
    assert_int_equal(mpyi_lock_acquire(&lock), MPY_OK);
    until_waiting(1);
    int64_t end = worker_now() + LONG_TIME;
    while (!breaker_is_up()) { /* raised once more: it has expired */
        assert_true(worker_now() < end);
        worker_sleep_us(100);
    }
    for (uint32_t i = 1; i <= 20; i++) {
        workers_add(&w, urgent_once, (void *)(uintptr_t)i);
        until_waiting(i + 1);
    }
    mpyi_lock_release(&lock);
    workers_join(&w);
    uint32_t place = 0;
    while (order[place] != 100) {
        place++;
    }
    assert_in_range(place, 1, 8);
    assert_int_equal(served, 21);
    assert_int_equal(lock.word, 0);
    assert_int_equal(lock.expired, 0);
}

static void
test_close(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    assert_int_equal(mpyi_lock_acquire(&lock), MPY_OK);
    for (uint32_t i = 1; i <= 3; i++) {
        workers_add(&w, urgent_once, (void *)(uintptr_t)i);
        until_waiting(i);
    }
    mpyi_lock_close(&lock, MPY_E_FINALIZING);
    workers_join(&w);
    assert_int_equal(refused, 3);
    assert_false(breaker_is_up());
    assert_int_equal(mpyi_lock_acquire(&lock), MPY_E_FINALIZING);
    mpyi_lock_release(&lock); /* by its owner: stays closed */
    assert_int_equal(lock.word, MPYI_LOCK_HELD | MPYI_LOCK_CLOSED);
}

static void
test_after_fork(void **state)
{
    (void)state;
    mpyi_guard_lock(&lock.guard); /* free: usable */
    assert_true(mpyi_lock_after_fork(&lock, false));
    assert_int_equal(lock.word, 0);
    assert_int_equal(lock.guard, 0);

    assert_int_equal(mpyi_lock_acquire(&lock), MPY_OK);
    lock.word |= MPYI_LOCK_WAITERS; /* a waiter that the child does not have */
    lock.urgent.first = (void *)&lock;
    lock.expired = 1;
    breaker = MPYI_BREAK_LOCK | MPYI_BREAK_GC;
    mpyi_guard_lock(&lock.guard);
    assert_true(mpyi_lock_after_fork(&lock, true));
    assert_int_equal(lock.word, MPYI_LOCK_HELD);
    assert_int_equal(breaker, MPYI_BREAK_GC);
    assert_false(mpyi_lock_yield(&lock));

    mpyi_guard_lock(&lock.guard); /* held by a thread that is gone */
    assert_false(mpyi_lock_after_fork(&lock, false));
    assert_int_equal(mpyi_lock_acquire(&lock), MPY_E_FORKED);
    mpyi_guard_lock(&lock.guard); /* and forked once more */
    assert_false(mpyi_lock_after_fork(&lock, false));
    assert_int_equal(mpyi_lock_acquire(&lock), MPY_E_FORKED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_uncontended, setup),
        cmocka_unit_test_setup(test_hand_off_in_order, setup),
        cmocka_unit_test_setup(test_hand_off_in_order, setup_park),
        cmocka_unit_test_setup(test_no_stealing, setup),
        cmocka_unit_test_setup(test_no_stealing, setup_park),
        cmocka_unit_test_setup(test_yield_to_urgent, setup),
        cmocka_unit_test_setup(test_turns, setup),
        cmocka_unit_test_setup(test_turns, setup_park),
        cmocka_unit_test_setup(test_making_way_keeps_the_turn, setup),
        cmocka_unit_test_setup(test_no_starvation, setup),
        cmocka_unit_test_setup(test_no_starvation, setup_park),
        cmocka_unit_test_setup(test_close, setup),
        cmocka_unit_test_setup(test_close, setup_park),
        cmocka_unit_test_setup(test_after_fork, setup),
    };
    return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
