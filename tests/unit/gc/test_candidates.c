/* SPDX-License-Identifier: MIT */
/*
 * unit/gc/test_candidates.c - collections that look only at what lost a reference; their bound and
 * their tables.
 */
#include "support/internal/fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A list of n nodes, all of generation 2 and no candidates. */
static mpy_object *
idle_heap(uint32_t n)
{
    mpy_object *list = fake_new(&fake_list, 1, n);
    for (uint32_t i = 0; i < n; i++) {
        mpy_object *o = fake_new(&fake_node, 2, 0);
        fake_set(list, i, o);
        mpy_decref(o);
    }
    assert_int_equal(fake_collect(2), 0);
    return list;
}

static uint64_t
examined_by_full(void)
{
    struct mpyi_gc_run run = {0};
    assert_int_equal(mpyi_gc_collect(fake_thread(), 2, &run), 0);
    assert_int_equal(mpyi_gc_check(fake_thread()->gc, NULL, MPYI_GC_CHECK_RESTING), 0);
    return run.examined;
}

static void
test_idle_heap_is_not_looked_at(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *list = idle_heap(20000);
    (void)state;
    assert_int_equal(examined_by_full(), 0);
    for (uint32_t i = 0; i < 10; i++) {
        mpy_object *o = fake_get(list, i * 100);
        mpy_incref(o);
        mpy_decref(o);
    }
    assert_int_equal(examined_by_full(), 10);
    assert_int_equal(examined_by_full(), 0);
    mpy_decref(list);
    fake_runtime_free(fake);
}

/* Old objects that form a cycle and lose their last reference from outside. */
static void
test_old_cycle_is_found(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *list = idle_heap(20000);
    mpy_object *a = fake_get(list, 7);
    mpy_object *b = fake_get(list, 15000);
    (void)state;
    fake_set(a, 0, b);
    fake_set(b, 0, a);
    assert_int_equal(examined_by_full(), 0);
    fake_set(list, 7, NULL);
    fake_set(list, 15000, NULL);
    assert_int_equal(fake_collect(2), 2);
    assert_int_equal(mpyi_gc_tracked(fake->rt.gc), 19999);
    mpy_decref(list);
    fake_runtime_free(fake);
}

/* A reference that is moved into garbage without a decref: mpyi_gc_stored(). */
static void
test_moved_reference(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *list = idle_heap(5000);
    mpy_object *a = fake_new(&fake_node, 1, 0);
    mpyi_gc_stored(a);
    (void)state;
    assert_int_equal(fake_collect(2), 0);
    /* The caller's own reference goes into a itself. */
    mpyi_refs_of(a, &fake_node).items[0] = a;
    mpyi_gc_stored(a);
    assert_int_equal(fake_collect(2), 1);
    mpy_decref(list);
    fake_runtime_free(fake);
}

/* More candidates than the budget, or few candidates that lead to too much: everything is looked
   at, with the same result. */
static void
test_budget(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *list = idle_heap(20000);
    mpy_object *a = fake_get(list, 3);
    (void)state;
    fake_set(a, 0, a);
    for (uint32_t i = 0; i < 10000; i++) {
        mpy_object *o = fake_get(list, i);
        mpy_incref(o);
        mpy_decref(o);
    }
    fake_set(list, 3, NULL);
    assert_int_equal(fake_collect(2), 1);
    assert_int_equal(examined_by_full(), 0);
    /* One candidate, which reaches all. */
    a = fake_get(list, 4);
    fake_set(a, 0, a);
    fake_set(list, 4, NULL);
    mpy_incref(list);
    mpy_decref(list);
    assert_int_equal(fake_collect(2), 1);
    assert_int_equal(examined_by_full(), 0);
    mpy_decref(list);
    fake_runtime_free(fake);
}

static void
test_too_many_young(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *list;
    (void)state;
    fake->rt.gc->enabled = 0;
    list = fake_new(&fake_list, 1, 1500);
    for (uint32_t i = 0; i < 1500; i++) {
        mpy_object *o = fake_new(&fake_node, 2, 0);
        fake_set(list, i, o);
        fake_set(o, 1, o);
        mpy_decref(o);
    }
    mpy_decref(list);
    assert_int_equal(fake_collect(2), 1500);
    fake_runtime_free(fake);
}

/* Hubs with 256 references and more, and references to what is not tracked, leave nothing in the
   tables. */
static void
test_tables_are_clean_afterwards(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    const struct mpyi_gc_side *side = &fake->rt.gc->state->side;
    mpy_object *list = idle_heap(20000);
    mpy_object *building = fake_new_untracked(&fake_node, 1, 0);
    mpy_object *hub = fake_new(&fake_custom, 1, 0);
    mpy_object *many = fake_new(&fake_list, 1, 700);
    (void)state;
    for (uint32_t i = 0; i < 700; i++) {
        fake_set(many, i, i % 7 == 0 ? building : hub);
    }
    fake_set(hub, 0, many);
    mpy_decref(many);
    for (int round = 0; round < 2; round++) {
        mpy_object *garbage = fake_new(&fake_node, 1, 0);
        fake_set(garbage, 0, garbage);
        mpy_decref(garbage);
        assert_int_equal(fake_collect(2), 1);
        for (size_t i = 0; i < side->committed; i++) {
            assert_int_equal(side->count[i], 0);
            assert_int_equal(side->low[i], 0);
            assert_int_equal(side->white[i / 64], 0);
            assert_int_equal(side->notes[i / MPYI_GC_POOL_GRANULES], 0);
            assert_true(i >= side->high_committed || side->high[i] == 0);
        }
        mpy_incref(hub);
        mpy_decref(hub);
    }
    mpy_decref(hub);
    assert_int_equal(fake_collect(2), 2);
    mpy_decref(building);
    mpy_decref(list);
    fake_runtime_free(fake);
}

/* Freed objects whose cells wait in quarantine: full collections of both ways pass over them. */
static void
test_quarantine_is_passed_over(void **state)
{
    static const uint32_t masks[] = {MPY_CHECK_QUARANTINE, MPY_CHECK_ALL};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(mpy_debug_set_checks(NULL, masks[i]), 0);
        struct fake_runtime *fake = fake_runtime_new();
        mpy_object *list = idle_heap(100);
        for (uint32_t k = 0; k < 100; k += 2) {
            fake_set(list, k, NULL);
        }
        mpy_incref(fake_get(list, 1));
        mpy_decref(fake_get(list, 1));
        assert_int_equal(fake_collect(2), 0);
        mpy_object *a = fake_new(&fake_node, 1, 0);
        fake_set(a, 0, a);
        mpy_decref(a);
        assert_int_equal(fake_collect(2), 1);
        assert_int_equal(fake_collect(2), 0);
        assert_int_equal(mpyi_gc_tracked(fake->rt.gc), 51);
        mpy_decref(list);
        fake_runtime_free(fake);
        assert_int_equal(mpy_debug_set_checks(NULL, 0), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_heap_is_not_looked_at),
        cmocka_unit_test(test_old_cycle_is_found),
        cmocka_unit_test(test_moved_reference),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_too_many_young),
        cmocka_unit_test(test_tables_are_clean_afterwards),
        cmocka_unit_test(test_quarantine_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
