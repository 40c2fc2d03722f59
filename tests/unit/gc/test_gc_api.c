/* SPDX-License-Identifier: MIT */
/*
 * unit/gc/test_gc_api.c - the public functions against a runtime without types: arguments, results,
 * phases.
 */
#include "support/internal/fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
assert_error(int code)
{
    struct mpyi_thread *t = fake_thread();
    assert_int_equal(t->error.code, code);
    mpyi_err_clear(t);
}

static mpy_object *
self_cycle(const struct mpyi_type *type, uint32_t id)
{
    mpy_object *o = fake_new(type, id, 4);
    fake_set(o, 1, o);
    return o;
}

static void
test_collect(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct {
        mpy_gc_result result;
        uint64_t more;
    } big;
    mpy_gc_result result = {.size = sizeof result};
    (void)state;
    mpy_decref(self_cycle(&fake_final, 1));
    assert_int_equal(mpy_gc_collect(2, &result), 0);
    assert_int_equal(result.size, sizeof result);
    assert_int_equal(result.version, 1);
    assert_int_equal(result.collected, 1);
    assert_int_equal(result.examined, 1);
    assert_int_equal(result.finalized, 1);
    assert_int_equal(result.resurrected, 0);
    assert_true(result.duration_ns > 0);
    assert_int_equal(mpy_gc_collect(1, NULL), 0);
    assert_int_equal(mpy_gc_collect(-1, NULL), -1);
    assert_error(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_gc_collect(3, &result), -1);
    assert_error(MPY_EXC_VALUE_ERROR);
    result.size = 8;
    assert_int_equal(mpy_gc_collect(0, &result), -1);
    assert_error(MPY_EXC_VALUE_ERROR);
    result.size = 0;
    assert_int_equal(mpy_gc_collect(0, &result), 0);
    memset(&big, 0xAB, sizeof big);
    big.result.size = sizeof big;
    assert_int_equal(mpy_gc_collect(0, &big.result), 0);
    assert_int_equal(big.more, 0);
    fake_runtime_free(fake);
}

static void
test_out_of_memory(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    for (int generation = 0; generation < 3; generation++) {
        mpy_decref(self_cycle(&fake_node, 1));
        assert_int_equal(mpyi_fault_set(&fake->rt.heap->fault, MPY_FAIL_AFTER, 1), 0);
        assert_int_equal(mpy_gc_collect(generation, NULL), -1);
        assert_int_equal(mpyi_fault_set(&fake->rt.heap->fault, MPY_FAIL_OFF, 0), 0);
        assert_error(MPY_EXC_MEMORY_ERROR);
        assert_int_equal(fake_dead[1], 0);
    }
    assert_int_equal(fake_collect(2), 3);
    fake_runtime_free(fake);
}

static void
test_switches(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    int64_t n = -1;
    (void)state;
    assert_int_equal(mpy_gc_is_enabled(), 1);
    assert_int_equal(mpy_gc_disable(), 1);
    assert_int_equal(mpy_gc_disable(), 0);
    assert_int_equal(mpy_gc_is_enabled(), 0);
    assert_int_equal(mpy_gc_enable(), 0);
    assert_int_equal(mpy_gc_enable(), 1);
    assert_int_equal(mpy_gc_get_threshold(0, &n), 0);
    assert_int_equal(n, 2000);
    assert_int_equal(mpy_gc_get_threshold(1, &n), 0);
    assert_int_equal(n, 10);
    assert_int_equal(mpy_gc_get_threshold(2, &n), 0);
    assert_int_equal(n, 75);
    assert_int_equal(mpy_gc_set_threshold(2, 100), 0);
    assert_int_equal(mpy_gc_get_threshold(2, &n), 0);
    assert_int_equal(n, 100);
    assert_int_equal(mpy_gc_set_threshold(0, 3), -1);
    assert_error(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_gc_set_threshold(4, 100), -1);
    assert_error(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_gc_get_threshold(4, &n), -1);
    assert_int_equal(n, 0);
    assert_error(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_gc_get_threshold(0, NULL), -1);
    assert_error(MPY_EXC_API);
    assert_int_equal(mpyi_fault_set(&fake->rt.heap->fault, MPY_FAIL_AFTER, 1), 0);
    assert_int_equal(mpy_gc_set_threshold(0, 900000), -1);
    assert_int_equal(mpyi_fault_set(&fake->rt.heap->fault, MPY_FAIL_OFF, 0), 0);
    assert_error(MPY_EXC_MEMORY_ERROR);
    fake_runtime_free(fake);
}

static void
test_stats(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o = fake_new(&fake_node, 1, 0);
    mpy_gc_stats stats = {.size = sizeof stats};
    (void)state;
    for (int generation = 0; generation < 3; generation++) {
        assert_int_equal(mpy_gc_get_stats(generation, &stats), 0);
        assert_int_equal(stats.tracked, 1);
        assert_int_equal(stats.collections, 0);
        assert_int_equal(mpy_gc_collect(generation, NULL), 0);
        assert_int_equal(mpy_gc_get_stats(generation, &stats), 0);
        assert_int_equal(stats.collections, 1);
        assert_int_equal(stats.examined, 1);
        assert_int_equal(stats.tracked, generation == 2);
        if (generation == 1) {
            assert_int_equal(mpy_gc_get_stats(2, &stats), 0);
            assert_int_equal(stats.tracked, 1);
        }
    }
    assert_int_equal(mpy_gc_get_stats(3, &stats), -1);
    assert_error(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_gc_get_stats(0, NULL), -1);
    assert_error(MPY_EXC_API);
    stats.size = 4;
    assert_int_equal(mpy_gc_get_stats(0, &stats), -1);
    assert_error(MPY_EXC_VALUE_ERROR);
    mpy_decref(o);
    fake_runtime_free(fake);
}

static void
test_questions(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o = self_cycle(&fake_final, 1);
    mpy_object *atom = fake_new(&fake_atom, 2, 0);
    (void)state;
    assert_int_equal(mpy_gc_is_tracked(o), 1);
    assert_int_equal(mpy_gc_is_finalized(o), 0);
    assert_int_equal(mpy_gc_is_tracked(atom), 0);
    assert_int_equal(mpy_gc_is_tracked(MPY_NONE), 0);
    assert_int_equal(mpy_gc_is_finalized((mpy_object *)(uintptr_t)~UINT64_C(0)), 0);
    mpyi_head(o)->gcword |= MPYI_GC_FINALIZED;
    assert_int_equal(mpy_gc_is_finalized(o), 1);
    assert_int_equal(mpy_gc_is_tracked(NULL), -1);
    assert_error(MPY_EXC_API);
    assert_int_equal(mpy_gc_is_finalized(NULL), -1);
    assert_error(MPY_EXC_API);
    mpy_decref(atom);
    mpy_decref(o);
    (void)fake_collect(2);
    fake_runtime_free(fake);
}

static int visited;

static int
visit(void *data, mpy_object *o)
{
    int *stop_at = data;
    (void)o;
    visited++;
    if (visited == 1) {
        assert_int_equal(mpy_gc_collect(2, NULL), -1);
        assert_error(MPY_EXC_RUNTIME_ERROR);
        assert_int_equal(mpy_gc_visit_objects(0, visit, data), -1);
        assert_error(MPY_EXC_RUNTIME_ERROR);
    }
    return visited == *stop_at;
}

static void
test_visit(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o[6];
    int never = -1;
    int stop = 3;
    (void)state;
    for (uint32_t i = 0; i < 6; i++) {
        o[i] = fake_new(&fake_node, i, 0);
        if (i == 0) {
            (void)fake_collect(2);
        } else if (i == 2) {
            (void)fake_collect(0);
        }
    }
    mpy_decref(o[4]); /* a hole */
    visited = 0;
    assert_int_equal(mpy_gc_visit_objects(0, visit, &never), 0);
    assert_int_equal(visited, 2);
    visited = 0;
    assert_int_equal(mpy_gc_visit_objects(1, visit, &never), 0);
    assert_int_equal(visited, 2);
    visited = 0;
    assert_int_equal(mpy_gc_visit_objects(2, visit, &never), 0);
    assert_int_equal(visited, 5);
    visited = 0;
    assert_int_equal(mpy_gc_visit_objects(2, visit, &stop), 1);
    assert_int_equal(visited, 3);
    assert_int_equal(mpy_gc_visit_objects(2, NULL, NULL), -1);
    assert_error(MPY_EXC_API);
    assert_int_equal(mpy_gc_visit_objects(9, visit, NULL), -1);
    assert_error(MPY_EXC_VALUE_ERROR);
    for (uint32_t i = 0; i < 6; i++) {
        if (i != 4) {
            mpy_decref(o[i]);
        }
    }
    fake_runtime_free(fake);
}

static int codes[3];

static void
collect_in_traverse(void)
{
    codes[0] = mpy_gc_collect(0, NULL);
    codes[1] = fake_thread()->error.code;
    mpyi_err_clear(fake_thread());
}

static void
collect_deeper(mpy_object *o)
{
    (void)o;
    codes[2]++;
    fake_thread()->depth_limit = fake_thread()->depth;
    assert_int_equal(mpy_gc_collect(2, NULL), -1);
    assert_error(MPY_EXC_RECURSION_ERROR);
    fake_thread()->depth_limit = 1000;
    assert_int_equal(mpy_gc_collect(2, NULL), 0);
}

static void
test_nesting(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o = self_cycle(&fake_custom, 1);
    (void)state;
    fake_on_traverse = collect_in_traverse;
    assert_int_equal(mpy_gc_collect(2, NULL), 0);
    fake_on_traverse = NULL;
    assert_int_equal(codes[0], -1);
    assert_int_equal(codes[1], MPY_EXC_RUNTIME_ERROR);
    mpy_decref(o);
    fake_on_finalize = collect_deeper;
    mpy_decref(self_cycle(&fake_final, 2));
    assert_int_equal(mpy_gc_collect(2, NULL), 0);
    assert_int_equal(codes[2], 1);
    assert_int_equal(fake->thread.depth, 0);
    fake_runtime_free(fake);
}

static void
test_not_attached(void **state)
{
    int64_t n;
    mpy_gc_stats stats = {.size = sizeof stats};
    (void)state;
    assert_null(mpyi_current());
    assert_int_equal(mpy_gc_collect(2, NULL), -1);
    assert_int_equal(mpy_status_last(), MPY_E_NOT_ATTACHED);
    assert_int_equal(mpy_gc_enable(), -1);
    assert_int_equal(mpy_gc_disable(), -1);
    assert_int_equal(mpy_gc_is_enabled(), -1);
    assert_int_equal(mpy_gc_set_threshold(0, 100), -1);
    assert_int_equal(mpy_gc_get_threshold(0, &n), -1);
    assert_int_equal(mpy_gc_get_stats(0, &stats), -1);
    assert_int_equal(mpy_gc_is_tracked(MPY_NONE), -1);
    assert_int_equal(mpy_gc_is_finalized(MPY_NONE), -1);
    assert_int_equal(mpy_gc_visit_objects(0, visit, NULL), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collect),   cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_switches),  cmocka_unit_test(test_stats),
        cmocka_unit_test(test_questions), cmocka_unit_test(test_visit),
        cmocka_unit_test(test_nesting),   cmocka_unit_test(test_not_attached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
