/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_function.c - function and bound method objects apart from calling them.
 */
#include "types/function.h"

#include "unit/types/sweep.h"

#include <stdlib.h>
#include <string.h>

static mpy_object *
nothing(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self;
    (void)argv;
    (void)nargs;
    (void)kwnames;
    return MPY_NONE;
}

static const mpy_func_spec spec = {.name = "f", .fn = nothing, .min_args = 1, .max_args = 3};

static void
test_fields(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    mpy_object *list = api_make(*state, API_LIST);
    mpy_object *o = api_good(mpyi_function_new(t, &spec, list, 7));
    mpy_func_spec any = spec;
    assert_int_equal(mpyi_function(o)->min, 1);
    assert_int_equal(mpyi_function(o)->span, 2);
    assert_int_equal(mpyi_function(o)->owner, 7);
    assert_ptr_equal(mpyi_function(o)->self, list);
    assert_int_equal(mpy_refcount(list), 2);
    mpy_decref(o);
    assert_int_equal(mpy_refcount(list), 1);
    any.max_args = MPY_ARGS_ANY;
    o = api_good(mpyi_function_new(t, &any, NULL, 0));
    assert_true(mpyi_function(o)->span == SIZE_MAX - 1);
    mpy_decref(o);
    mpy_decref(list);
}

static void
test_bad_specs(void **state)
{
    mpy_func_spec bad[5] = {spec, spec, spec, spec, spec};
    (void)state;
    bad[0].name = NULL;
    bad[1].fn = NULL;
    bad[2].min_args = -1;
    bad[3].max_args = 0;
    bad[4].flags = 8;
    for (int i = 0; i < 5; i++) {
        assert_null(mpy_func_new(&bad[i], NULL));
        assert_non_null(strstr(mpyi_current()->error.text, "mpy_func_new()"));
        api_expect_error(MPY_EXC_VALUE_ERROR);
    }
    assert_null(mpy_func_new(NULL, NULL));
    api_expect_error(MPY_EXC_API);
}

static void
test_methods(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    mpy_object *list = api_make(*state, API_LIST);
    mpy_object *f = api_good(mpyi_function_new(t, &spec, NULL, 0));
    mpy_object *a = api_good(mpyi_method_new(t, f, list));
    mpy_object *b = api_good(mpyi_method_new(t, f, list));
    mpy_object *c = api_good(mpyi_method_new(t, f, MPY_TRUE));
    int64_t ha, hb;
    char *repr;
    assert_int_equal(mpy_object_compare_bool(a, b, MPY_EQ), 1);
    assert_int_equal(mpy_object_compare_bool(a, b, MPY_NE), 0);
    assert_int_equal(mpy_object_compare_bool(a, c, MPY_EQ), 0);
    assert_int_equal(mpy_object_compare_bool(a, f, MPY_EQ), 0);
    assert_int_equal(mpy_object_compare_bool(a, b, MPY_LT), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    api_done(mpy_object_hash(a, &ha));
    api_done(mpy_object_hash(b, &hb));
    assert_true(ha == hb);
    repr = api_repr(c);
    assert_non_null(strstr(repr, "<bound method f of 'bool' object at "));
    free(repr);
    repr = api_repr(f);
    assert_string_equal(repr, "<function f>");
    free(repr);
    mpy_decref(a);
    mpy_decref(b);
    mpy_decref(c);
    mpy_decref(f);
    mpy_decref(list);
}

/* A function in a cycle through its self. */
static void
test_cycle(void **state)
{
    mpy_object *list = api_make(*state, API_LIST);
    mpy_object *f = api_good(mpy_func_new(&spec, list));
    mpy_object *m = api_good(mpyi_method_new(mpyi_current(), f, list));
    mpy_gc_result r = {.size = sizeof r, .version = 1};
    api_done(mpy_list_append(list, f));
    api_done(mpy_list_append(list, m));
    mpy_decref(list);
    mpy_decref(f);
    mpy_decref(m);
    api_done(mpy_gc_collect(2, &r));
    assert_int_equal(r.collected, 3);
}

static int
make(struct api_world *world, void *data)
{
    mpy_object *f = mpy_func_new(&spec, data);
    mpy_object *m = f != NULL ? mpyi_method_new(mpyi_current(), f, data) : NULL;
    (void)world;
    mpy_xdecref(f);
    mpy_xdecref(m);
    return m != NULL;
}

static void
test_no_memory(void **state)
{
    mpy_object *list = api_make(*state, API_LIST);
    assert_int_equal(sweep(*state, make, list), 2);
    assert_int_equal(mpy_refcount(list), 1);
    mpy_decref(list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fields, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_bad_specs, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_methods, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_cycle, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
