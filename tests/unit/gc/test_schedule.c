/* SPDX-License-Identifier: MIT */
/*
 * unit/gc/test_schedule.c - when collections fall due, and what young collections that free nothing
 * change.
 */
#include "support/internal/fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

/* n containers that stay, in a list; a safe point before each. */
static mpy_object *
grow(struct fake_runtime *fake, uint32_t n)
{
    mpy_object *list = fake_new(&fake_list, 1, n);
    for (uint32_t i = 0; i < n; i++) {
        mpy_object *o;
        mpyi_safe_point(&fake->thread);
        o = fake_new(&fake_node, 2, 0);
        fake_set(list, i, o);
        mpy_decref(o);
    }
    return list;
}

static void
churn(struct fake_runtime *fake, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        mpyi_safe_point(&fake->thread);
        mpy_decref(fake_new(&fake_node, 2, 0));
    }
}

static void
cycles(struct fake_runtime *fake, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        mpy_object *o;
        mpyi_safe_point(&fake->thread);
        o = fake_new(&fake_node, 2, 0);
        fake_set(o, 0, o);
        mpy_decref(o);
    }
}

static void
test_short_lived_objects_never_collect(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    churn(fake, 50000);
    for (int generation = 0; generation < 3; generation++) {
        assert_int_equal(fake->rt.gc->state->total[generation].collections, 0);
    }
    fake_runtime_free(fake);
}

static void
test_cycles_are_collected_young(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    const struct mpyi_gc_total *total = fake->rt.gc->state->total;
    (void)state;
    cycles(fake, 50000);
    assert_int_equal(total[0].collections + total[1].collections, 24);
    assert_int_equal(total[1].collections, 2);
    assert_int_equal(total[2].collections, 0);
    assert_true(total[0].collected + total[1].collected >= 46000);
    (void)fake_collect(2);
    fake_runtime_free(fake);
}

/* A heap that grows: a few fruitless looks, then promotion, and full collections in proportion. */
static void
test_growth_promotes(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    const struct mpyi_gc_total *total = fake->rt.gc->state->total;
    mpy_object *list = grow(fake, 190000);
    (void)state;
    assert_true(total[0].collections + total[1].collections < 40);
    assert_in_range(total[2].collections, 1, 5);
    assert_true(mpyi_gc_tracked(fake->rt.gc) == 190001);
    mpy_decref(list);
    fake_runtime_free(fake);
}

static void
test_disabled_collects_nothing(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    const struct mpyi_gc_total *total = fake->rt.gc->state->total;
    (void)state;
    fake->rt.gc->enabled = 0;
    cycles(fake, 100000);
    assert_int_equal(total[0].collections + total[1].collections + total[2].collections, 0);
    fake->rt.gc->enabled = 1;
    assert_int_equal(fake_collect(2), 100000);
    fake_runtime_free(fake);
}

/* Disabled after it fell due: the safe point must not collect. */
static void
test_disabled_while_due(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    const struct mpyi_gc_total *total = fake->rt.gc->state->total;
    (void)state;
    for (int i = 0; i < 2001; i++) {
        mpy_object *o = fake_new(&fake_node, 2, 0);
        fake_set(o, 0, o);
        mpy_decref(o);
    }
    assert_int_equal(mpyi_breaker(&fake->rt), MPYI_BREAK_GC);
    fake->rt.gc->enabled = 0;
    mpyi_safe_point(&fake->thread);
    assert_int_equal(total[0].collections, 0);
    assert_int_equal(mpyi_breaker(&fake->rt), 0);
    assert_int_equal(fake_collect(0), 2001);
    fake_runtime_free(fake);
}

static void
test_thresholds(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc *gc = fake->rt.gc;
    (void)state;
    assert_int_equal(mpyi_gc_set_threshold(gc, 0, 15), -1);
    assert_int_equal(mpyi_gc_set_threshold(gc, 0, 1000001), -1);
    assert_int_equal(mpyi_gc_set_threshold(gc, 1, 0), -1);
    assert_int_equal(mpyi_gc_set_threshold(gc, 2, 9), -1);
    assert_int_equal(mpyi_gc_set_threshold(gc, 2, 1001), -1);
    assert_int_equal(mpyi_gc_set_threshold(gc, 3, 100), -1);
    assert_int_equal(mpyi_gc_set_threshold(gc, -1, 100), -1);
    assert_int_equal(mpyi_gc_set_threshold(gc, 0, 1000000), 0);
    assert_int_equal(gc->young_limit, 1000000);
    assert_int_equal(mpyi_gc_set_threshold(gc, 0, 16), 0);
    assert_int_equal(gc->young_limit, 16);
    assert_int_equal(mpyi_gc_set_threshold(gc, 1, 1), 0);
    assert_int_equal(mpyi_gc_set_threshold(gc, 2, 10), 0);
    cycles(fake, 1000);
    assert_true(gc->state->total[1].collections >= 10);
    (void)fake_collect(2);
    fake_runtime_free(fake);
}

/* A smaller threshold than there are young objects already. */
static void
test_threshold_below_the_count(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *list = grow(fake, 1000);
    (void)state;
    assert_int_equal(mpyi_gc_set_threshold(fake->rt.gc, 0, 16), 0);
    mpy_decref(grow(fake, 100));
    assert_int_equal(mpyi_gc_check(fake->rt.gc, NULL, MPYI_GC_CHECK_RESTING), 0);
    mpy_decref(list);
    fake_runtime_free(fake);
}

static void
test_threshold_without_memory(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc *gc = fake->rt.gc;
    (void)state;
    assert_int_equal(mpyi_fault_set(&fake->rt.heap->fault, MPY_FAIL_AFTER, 1), 0);
    assert_int_equal(mpyi_gc_set_threshold(gc, 0, 500000), -2);
    assert_int_equal(mpyi_fault_set(&fake->rt.heap->fault, MPY_FAIL_OFF, 0), 0);
    assert_int_equal(gc->state->schedule.threshold[0], 2000);
    assert_int_equal(gc->young_limit, 2000);
    fake_runtime_free(fake);
}

/* What is promoted instead of collected leaves the limit as it was. */
static void
test_skipping_restores_the_limit(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc *gc = fake->rt.gc;
    (void)state;
    gc->young_limit = gc->young[0].capacity;
    gc->state->schedule.skip = 1;
    mpyi_gc_schedule_full(gc);
    assert_int_equal(gc->state->schedule.skip, 0);
    assert_int_equal(gc->young_limit, gc->state->schedule.base_limit);
    fake_runtime_free(fake);
}

/* 2, 4 .. 16 are skipped; after one that freed something it begins anew. */
static void
test_fruit_resets_the_number_skipped(void **state)
{
    static const uint32_t skipped[] = {2, 4, 8, 16, 16};
    const struct mpyi_gc_run fruitless = {.examined = 2000, .collected = 5};
    const struct mpyi_gc_run fruitful = {.examined = 2000, .collected = 500};
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc_schedule *s = &fake->rt.gc->state->schedule;
    (void)state;
    for (int round = 0; round < 2; round++) {
        mpyi_gc_schedule_done(fake->rt.gc, 0, &fruitless);
        mpyi_gc_schedule_done(fake->rt.gc, 0, &fruitless);
        assert_int_equal(s->skip, 0);
        for (size_t i = 0; i < 5; i++) {
            mpyi_gc_schedule_done(fake->rt.gc, 0, &fruitless);
            assert_int_equal(s->skip, skipped[i]);
            s->skip = 0;
        }
        mpyi_gc_schedule_done(fake->rt.gc, 0, &fruitful);
    }
    fake_runtime_free(fake);
}

static void
test_environment(void **state)
{
    struct fake_runtime *fake;
    (void)state;
    assert_int_equal(setenv("MINIPY_GC_THRESHOLD", "100", 1), 0);
    fake = fake_runtime_new();
    assert_int_equal(fake->rt.gc->young_limit, 100);
    fake_runtime_free(fake);
    assert_int_equal(setenv("MINIPY_GC_THRESHOLD", "7", 1), 0);
    fake = fake_runtime_new();
    assert_int_equal(fake->rt.gc->young_limit, 2000);
    fake_runtime_free(fake);
    assert_int_equal(unsetenv("MINIPY_GC_THRESHOLD"), 0);
}

static void
test_stress(void **state)
{
    struct fake_runtime *fake;
    (void)state;
    assert_int_equal(setenv("MINIPY_GC_STRESS", "1", 1), 0);
    fake = fake_runtime_new();
    churn(fake, 100);
    assert_int_equal(fake->rt.gc->state->total[2].collections, 100);
    fake_runtime_free(fake);
    assert_int_equal(setenv("MINIPY_GC_STRESS", "10", 1), 0);
    fake = fake_runtime_new();
    churn(fake, 100);
    assert_int_equal(fake->rt.gc->state->total[2].collections, 10);
    fake_runtime_free(fake);
    assert_int_equal(unsetenv("MINIPY_GC_STRESS"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_lived_objects_never_collect),
        cmocka_unit_test(test_cycles_are_collected_young),
        cmocka_unit_test(test_growth_promotes),
        cmocka_unit_test(test_disabled_collects_nothing),
        cmocka_unit_test(test_disabled_while_due),
        cmocka_unit_test(test_thresholds),
        cmocka_unit_test(test_threshold_below_the_count),
        cmocka_unit_test(test_threshold_without_memory),
        cmocka_unit_test(test_skipping_restores_the_limit),
        cmocka_unit_test(test_fruit_resets_the_number_skipped),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_stress),
    };
    /* The figures are those of the defaults. */
    (void)unsetenv("MINIPY_GC_STRESS");
    (void)unsetenv("MINIPY_GC_THRESHOLD");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
