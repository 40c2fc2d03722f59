/* SPDX-License-Identifier: MIT */
/*
 * unit/gc/test_collect.c - the course of a collection: totals, nesting, safe points, errors, walks.
 */
#include "support/internal/fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static mpy_object *
self_cycle(const struct mpyi_type *type, uint32_t id)
{
    mpy_object *o = fake_new(type, id, 4);
    fake_set(o, 1, o);
    return o;
}

static void
test_totals(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    const struct mpyi_gc_total *total = fake->rt.gc->state->total;
    (void)state;
    for (int generation = 0; generation < 3; generation++) {
        mpy_object *held = fake_new(&fake_node, 1, 0);
        mpy_decref(self_cycle(&fake_node, 2));
        (void)fake_collect(generation);
        assert_int_equal(total[generation].collections, 1);
        assert_int_equal(total[generation].collected, 1);
        assert_int_equal(total[generation].examined, 2);
        assert_true(total[generation].total_ns > 0);
        assert_int_equal(total[generation].longest_ns, total[generation].total_ns);
        mpy_decref(held);
    }
    fake_runtime_free(fake);
}

/* A pass without memory for high counts asks for a look at everything, once. */
static void
test_everything_is_looked_at_once(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *idle = fake_new(&fake_node, 1, 0);
    struct mpyi_gc_run run[3] = {{0}, {0}, {0}};
    (void)state;
    for (int i = 0; i < 3; i++) {
        fake->rt.gc->state->look_at_all |= i == 1;
        assert_int_equal(mpyi_gc_collect(&fake->thread, 2, &run[i]), 0);
    }
    assert_int_equal(run[0].examined, 1);
    assert_int_equal(run[1].examined, 1);
    assert_int_equal(run[2].examined, 0);
    mpy_decref(idle);
    fake_runtime_free(fake);
}

static void
test_no_user_error_is_lost(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    mpy_decref(self_cycle(&fake_final, 1));
    (void)mpyi_err_set(MPY_EXC_KEY_ERROR, "kept");
    (void)fake_collect(2);
    assert_string_equal(fake->thread.error.text, "kept");
    mpyi_err_clear(&fake->thread);
    (void)fake_collect(2);
    assert_false(mpyi_err_occurred(&fake->thread));
    fake_runtime_free(fake);
}

static int calls;

static void
ask_for_more(mpy_object *o)
{
    (void)o;
    calls++;
    /* Due inside a finalizer: it waits until the collection that runs has ended. */
    fake_thread()->gc->state->schedule.due = MPYI_GC_DUE_FULL;
    mpyi_breaker_set(fake_thread()->rt, MPYI_BREAK_GC);
    mpyi_safe_point(fake_thread());
    assert_int_equal(fake_thread()->gc->state->total[2].collections, 0);
    assert_int_equal(mpyi_breaker(fake_thread()->rt), 0);
}

static void
test_automatic_collections_do_not_nest(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    calls = 0;
    fake_on_finalize = ask_for_more;
    mpy_decref(self_cycle(&fake_final, 1));
    (void)fake_collect(2);
    assert_int_equal(calls, 1);
    assert_int_equal(mpyi_breaker(&fake->rt), MPYI_BREAK_GC);
    mpyi_safe_point(&fake->thread);
    assert_int_equal(fake->rt.gc->state->total[2].collections, 2);
    fake_runtime_free(fake);
}

static size_t quietly;

static void
collect_in_traverse(void)
{
    calls++;
    quietly += mpyi_gc_collect_quietly(fake_thread());
}

/* A traverse callback in the middle of a count: memory pressure there must not collect. */
static void
test_quiet_collection_inside_a_critical_phase(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o = self_cycle(&fake_custom, 1);
    (void)state;
    calls = 0;
    quietly = 0;
    mpy_decref(self_cycle(&fake_node, 2));
    fake_on_traverse = collect_in_traverse;
    assert_int_equal(fake_collect(2), 1);
    fake_on_traverse = NULL;
    assert_true(calls > 0);
    assert_int_equal(fake->rt.gc->state->total[2].collections, 1);
    assert_int_equal(quietly, 0);
    mpy_decref(o);
    assert_int_equal(fake_collect(2), 1);
    fake_runtime_free(fake);
}

static int
count_objects(void *data, mpy_object *o)
{
    uint64_t *left = data;
    assert_int_not_equal(mpyi_head(o)->gcword & MPY_PRIV_GC_TRACKED, 0);
    return --*left == 0 ? 42 : 0;
}

static void
test_walk(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o[500];
    uint64_t left = 1000;
    (void)state;
    for (uint32_t i = 0; i < 500; i++) {
        o[i] = fake_new(i % 2 ? &fake_list : &fake_node, 1, 2);
        if (i % 100 == 99) {
            (void)fake_collect((int)(i / 100) % 3);
        }
    }
    assert_int_equal(mpyi_gc_each(fake->rt.gc, count_objects, &left), 0);
    assert_int_equal(left, 500);
    left = 10;
    assert_int_equal(mpyi_gc_each(fake->rt.gc, count_objects, &left), 42);
    for (uint32_t i = 0; i < 500; i++) {
        mpy_decref(o[i]);
    }
    fake_runtime_free(fake);
}

/* Two runtimes: objects of the other are no references to anything. */
static void
test_two_runtimes(void **state)
{
    struct fake_runtime *a = fake_runtime_new();
    mpy_object *in_a = self_cycle(&fake_node, 1);
    struct fake_runtime *b = fake_runtime_new();
    mpy_object *in_b = self_cycle(&fake_node, 2);
    (void)state;
    assert_true(mpyi_gc_rotated((uintptr_t)a->rt.heap->gc_space.base, in_b) >=
                a->rt.heap->gc_space.used >> 3);
    mpy_decref(in_b);
    assert_int_equal(fake_collect(2), 1);
    fake_runtime_free(b);
    mpy_priv_tls.thread = &a->thread;
    mpyi_rtheap_enter(a->rt.heap);
    assert_int_equal(fake_collect(2), 0);
    mpy_decref(in_a);
    assert_int_equal(fake_collect(2), 1);
    fake_runtime_free(a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_everything_is_looked_at_once),
        cmocka_unit_test(test_no_user_error_is_lost),
        cmocka_unit_test(test_automatic_collections_do_not_nest),
        cmocka_unit_test(test_quiet_collection_inside_a_critical_phase),
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_two_runtimes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
