/* SPDX-License-Identifier: MIT */
/*
 * The ring of pending calls by itself: order, fullness, laps, holes, many producers.
 */
#include "support/cm.h"
#include "support/workers.h"

#include "runtime/pending.h"

#include <stdlib.h>

static struct mpyi_pending_ring ring;

static int
setup(void **state)
{
    (void)state;
    mpyi_pending_init(&ring);
    return 0;
}

static int
nothing(void *arg)
{
    (void)arg;
    return 0;
}

static void
expect_pop(uintptr_t value)
{
    mpy_pending_fn fn;
    void *arg;
    assert_true(mpyi_pending_pop(&ring, &fn, &arg));
    assert_true(fn == nothing);
    assert_int_equal((uintptr_t)arg, value);
}

static void
expect_empty(void)
{
    mpy_pending_fn fn;
    void *arg;
    assert_false(mpyi_pending_pop(&ring, &fn, &arg));
    assert_true(mpyi_pending_is_empty(&ring));
}

static void
test_order_and_fullness(void **state)
{
    (void)state;
    expect_empty();
    for (uintptr_t i = 0; i < MPYI_PENDING_MAX; i++) {
        assert_true(mpyi_pending_push(&ring, nothing, (void *)i));
    }
    assert_false(mpyi_pending_push(&ring, nothing, NULL));
    expect_pop(0);
    assert_true(mpyi_pending_push(&ring, nothing, (void *)(uintptr_t)1000));
    assert_false(mpyi_pending_push(&ring, nothing, NULL));
    for (uintptr_t i = 1; i < MPYI_PENDING_MAX; i++) {
        expect_pop(i);
    }
    expect_pop(1000);
    expect_empty();
}

static void
test_many_laps(void **state)
{
    (void)state;
    uintptr_t in = 0, out = 0;
    for (int i = 0; i < 5000; i++) {
        for (int k = 0; k < i % 7; k++) {
            assert_true(mpyi_pending_push(&ring, nothing, (void *)in++));
        }
        while (out < in) {
            expect_pop(out++);
        }
    }
    expect_empty();
}

/* A producer was interrupted between taking its ticket and publishing; a later one has finished. */
static void
test_hole(void **state)
{
    (void)state;
    ring.tail = 1; /* ticket 0 is taken */
    assert_true(mpyi_pending_push(&ring, nothing, (void *)(uintptr_t)2));
    mpy_pending_fn fn;
    void *arg;
    assert_false(mpyi_pending_pop(&ring, &fn, &arg));
    assert_false(mpyi_pending_is_empty(&ring));
    ring.slots[0].fn = nothing;
    ring.slots[0].arg = (void *)(uintptr_t)1;
    __atomic_store_n(&ring.slots[0].seq, 1, __ATOMIC_RELEASE);
    expect_pop(1);
    expect_pop(2);
    expect_empty();
}

#define PRODUCERS 4
#define EACH      20000

static void *
produces(void *arg)
{
    for (uintptr_t i = 0; i < EACH; i++) {
        while (!mpyi_pending_push(&ring, nothing, (void *)((uintptr_t)arg << 32 | i))) {
            worker_sleep_us(1);
        }
    }
    return NULL;
}

static void
test_producers(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    uint32_t next[PRODUCERS] = {0};
    for (uintptr_t i = 0; i < PRODUCERS; i++) {
        workers_add(&w, produces, (void *)i);
    }
    for (int seen = 0; seen < PRODUCERS * EACH;) {
        mpy_pending_fn fn;
        void *arg;
        if (mpyi_pending_pop(&ring, &fn, &arg)) {
            uintptr_t who = (uintptr_t)arg >> 32;
            assert_true(who < PRODUCERS);
            assert_int_equal((uint32_t)(uintptr_t)arg, next[who]++); /* in each one's order */
            seen++;
        }
    }
    workers_join(&w);
    expect_empty();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_order_and_fullness, setup),
        cmocka_unit_test_setup(test_many_laps, setup),
        cmocka_unit_test_setup(test_hole, setup),
        cmocka_unit_test_setup(test_producers, setup),
    };
    return cmocka_run_group_tests_name("pending", tests, NULL, NULL);
}
