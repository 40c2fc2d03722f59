/* SPDX-License-Identifier: MIT */
/*
 * api/test_wrong_specs.c - codes, specs of types and functions, settings of the collector, and
 * depths outside what a function takes.
 *
 * Tables as in test_wrong_sizes.c. Settings that were refused are what they were before.
 */
#include "support/api_bad.h"

#include <string.h>

/* ---- types, calls, codes -------------------------------------------------------------------- */

static mpy_object *
no_fn(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self;
    (void)argv;
    (void)nargs;
    (void)kwnames;
    return MPY_NONE;
}

static const mpy_func_spec one_arg = {.name = "one", .fn = no_fn, .min_args = 1, .max_args = 1};
static const mpy_func_spec no_name = {.fn = no_fn};
static const mpy_func_spec no_code = {.name = "none"};
static const mpy_func_spec crossed = {.name = "x", .fn = no_fn, .min_args = 2, .max_args = 1};

static mpy_object *
call_one(size_t nargs, int kw)
{
    mpy_object *argv[3] = {MPY_NONE, MPY_NONE, MPY_NONE};
    mpy_object *f = api_good(mpy_func_new(&one_arg, NULL));
    mpy_object *name = api_good(mpy_str_from_utf8("k"));
    mpy_object *names =
        kw == 0 ? NULL : api_good(mpy_tuple_pack(1, kw == 1 ? name : mpy_int_from_i64(1)));
    mpy_object *r = mpy_call(f, argv, nargs, names);
    mpy_xdecref(names);
    mpy_decref(name);
    mpy_decref(f);
    return r;
}

static mpy_object *
method_of_nothing(void)
{
    mpy_object *name = api_good(mpy_str_from_utf8("k"));
    mpy_object *r = mpy_call_method(name, NULL, 0, NULL);
    mpy_decref(name);
    return r;
}

static const mpy_member_spec stray[] = {{"x", 1, 0}, {NULL, 0, 0}};

#define SPEC .size = sizeof(mpy_type_spec), .version = 1
static const mpy_type_spec spec_no_size = {.version = 1, .name = "t.T"};
static const mpy_type_spec spec_no_name = {SPEC};
static const mpy_type_spec spec_dot = {SPEC, .name = "x."};
static const mpy_type_spec spec_small = {SPEC, .name = "t.T", .ref_count = 2, .data_size = 8};
static const mpy_type_spec spec_member = {SPEC, .name = "t.T", .ref_count = 1, .data_size = 8,
                                          .members = stray};
static const mpy_type_spec spec_huge = {SPEC, .name = "t.T", .data_size = SIZE_MAX};
static const mpy_type_spec spec_half = {SPEC, .name = "t.T", .data_size = (size_t)PTRDIFF_MAX};
static const mpy_type_spec spec_flags = {SPEC, .name = "t.T", .flags = 0x80000000u};
static const mpy_type_spec spec_plain = {SPEC, .name = "t.T"};

static mpy_object *
below(const mpy_type_spec *spec, mpy_object *base)
{
    mpy_object *r = mpy_type_from_spec(spec, base);
    mpy_xdecref(base);
    if (r != NULL) {
        /* Sizes may be refused only when an instance is made. */
        mpy_object *o = mpy_type_new_instance(r);
        mpy_decref(r);
        r = o;
    }
    return r;
}

OBJECT_CASE(constant_1, mpy_constant(-1))
OBJECT_CASE(constant_2, mpy_constant(5))
OBJECT_CASE(exc_1, mpy_exc_type(0))
OBJECT_CASE(exc_2, mpy_exc_type(MPY_EXC_COUNT))
OBJECT_CASE(exc_3, mpy_exc_type(-1))
OBJECT_CASE(builtin_1, mpy_type_builtin(-1))
OBJECT_CASE(builtin_2, mpy_type_builtin(MPY_TYPE_ID_COUNT))
OBJECT_CASE(op_1, mpy_object_compare(MPY_NONE, MPY_NONE, -1))
OBJECT_CASE(op_2, mpy_object_compare(MPY_NONE, MPY_NONE, 6))
INT_CASE(op_3, mpy_object_compare_bool(MPY_NONE, MPY_NONE, 6))
INT_CASE(op_4, mpy_object_compare_bool(MPY_NONE, MPY_TRUE, -1))
OBJECT_CASE(step_0, mpy_iter_range(0, 3, 0))
OBJECT_CASE(func_1, mpy_func_new(NULL, NULL))
OBJECT_CASE(func_2, mpy_func_new(&no_name, NULL))
OBJECT_CASE(func_3, mpy_func_new(&no_code, NULL))
OBJECT_CASE(func_4, mpy_func_new(&crossed, NULL))
OBJECT_CASE(nargs_0, call_one(0, 0))
OBJECT_CASE(nargs_2, call_one(2, 0))
OBJECT_CASE(kw_1, call_one(1, 1))
OBJECT_CASE(kw_2, call_one(1, 2))
OBJECT_CASE(method_0, method_of_nothing())
OBJECT_CASE(spec_1, mpy_type_from_spec(NULL, NULL))
OBJECT_CASE(spec_2, mpy_type_from_spec(&spec_no_size, NULL))
OBJECT_CASE(spec_3, mpy_type_from_spec(&spec_no_name, NULL))
OBJECT_CASE(spec_4, mpy_type_from_spec(&spec_small, NULL))
OBJECT_CASE(spec_5, mpy_type_from_spec(&spec_member, NULL))
OBJECT_CASE(spec_6, below(&spec_huge, NULL))
OBJECT_CASE(spec_7, below(&spec_half, NULL))
OBJECT_CASE(spec_8, mpy_type_from_spec(&spec_flags, NULL))
OBJECT_CASE(base_final, below(&spec_plain, mpy_type_from_spec(&spec_plain, NULL)))
OBJECT_CASE(base_int, below(&spec_plain, mpy_type_builtin(MPY_TYPE_ID_INT)))
OBJECT_CASE(spec_9, mpy_type_from_spec(&spec_dot, NULL))
OBJECT_CASE(new_error, mpy_err_new_type(NULL, NULL, NULL))
OBJECT_CASE(new_error_2, mpy_err_new_type("", NULL, NULL))
OBJECT_CASE(new_error_3, mpy_err_new_type("x.", NULL, NULL))
OBJECT_CASE(new_error_4, mpy_err_new_type("x.\xff", NULL, NULL))

static const struct api_bad code_cases[] = {
    {"mpy_constant", "-1", constant_1, VALUE, 0},
    {"mpy_constant", "5", constant_2, VALUE, 0},
    {"mpy_exc_type", "0", exc_1, VALUE, 0},
    {"mpy_exc_type", "27", exc_2, VALUE, 0},
    {"mpy_exc_type", "-1", exc_3, VALUE, 0},
    {"mpy_type_builtin", "-1", builtin_1, VALUE, 0},
    {"mpy_type_builtin", "17", builtin_2, VALUE, 0},
    {"mpy_object_compare", "op -1", op_1, VALUE, NULLS},
    {"mpy_object_compare", "op 6", op_2, VALUE, NULLS},
    {"mpy_object_compare_bool", "op 6", op_3, VALUE, NULLS},
    {"mpy_object_compare_bool", "op -1", op_4, VALUE, NULLS},
    {"mpy_iter_range", "step 0", step_0, VALUE, 0},
    {"mpy_func_new", "NULL", func_1, NULLS, 0},
    {"mpy_func_new", "no name", func_2, VALUE, NULLS},
    {"mpy_func_new", "no function", func_3, VALUE, NULLS},
    {"mpy_func_new", "max < min", func_4, VALUE, NULLS},
    {"one", "0 arguments", nargs_0, TYPE, 0},
    {"one", "2 arguments", nargs_2, TYPE, 0},
    {"one", "keyword", kw_1, TYPE, 0},
    {"mpy_call", "keyword 1", kw_2, TYPE, 0},
    {"mpy_call_method", "no arguments", method_0, NULLS, TYPE},
    {"mpy_type_from_spec", "NULL", spec_1, NULLS, 0},
    {"mpy_type_from_spec", "size 0", spec_2, VALUE, 0},
    {"mpy_type_from_spec", "no name", spec_3, VALUE, NULLS},
    {"mpy_type_from_spec", "data_size < 8 * ref_count", spec_4, VALUE, 0},
    {"mpy_type_from_spec", "member of nothing", spec_5, VALUE, 0},
    {"mpy_type_from_spec", "SIZE_MAX bytes", spec_6, VALUE, MEMORY},
    {"mpy_type_from_spec", "PTRDIFF_MAX bytes", spec_7, VALUE, MEMORY},
    {"mpy_type_from_spec", "unknown flag", spec_8, VALUE, 0},
    {"mpy_type_from_spec", "final base", base_final, TYPE, 0},
    {"mpy_type_from_spec", "base int", base_int, TYPE, 0},
    {"mpy_type_from_spec", "name with nothing behind its dot", spec_9, VALUE, 0},
    {"mpy_err_new_type", "no name", new_error, NULLS, VALUE},
    {"mpy_err_new_type", "empty name", new_error_2, VALUE, 0},
    {"mpy_err_new_type", "nothing behind the dot", new_error_3, VALUE, 0},
    {"mpy_err_new_type", "name is no UTF-8", new_error_4, VALUE, 0},
    {NULL, NULL, NULL, 0, 0}};

static void
test_codes(void **state)
{
    api_check_bad(*state, code_cases);
}

INT_CASE(collect_1, mpy_gc_collect(-1, NULL))
INT_CASE(collect_2, mpy_gc_collect(3, NULL))
INT_CASE(threshold_1, mpy_gc_set_threshold(0, 15))
INT_CASE(threshold_2, mpy_gc_set_threshold(0, 1000001))
INT_CASE(threshold_3, mpy_gc_set_threshold(2, 9))
INT_CASE(threshold_4, mpy_gc_set_threshold(2, 1001))
INT_CASE(threshold_5, mpy_gc_set_threshold(3, 100))
INT_CASE(threshold_6, mpy_gc_set_threshold(-1, 100))
INT_CASE(threshold_7, mpy_gc_set_threshold(1, 0))
INT_CASE(threshold_8, mpy_gc_set_threshold(0, INT64_MIN))

static int
get_threshold_3(struct api_world *w)
{
    int64_t n;
    (void)w;
    return api_int_result(mpy_gc_get_threshold(3, &n));
}

static int
get_stats_3(struct api_world *w)
{
    mpy_gc_stats stats = {.size = sizeof stats, .version = 1};
    (void)w;
    return api_int_result(mpy_gc_get_stats(-1, &stats));
}

static int
visit_none(void *data, mpy_object *o)
{
    (void)data;
    return o == NULL;
}

INT_CASE(visit_3, mpy_gc_visit_objects(3, visit_none, NULL))
INT_CASE(visit_minus, mpy_gc_visit_objects(-1, visit_none, NULL))

static const struct api_bad gc_cases[] = {
    {"mpy_gc_collect", "-1", collect_1, VALUE, 0},
    {"mpy_gc_collect", "3", collect_2, VALUE, 0},
    {"mpy_gc_set_threshold", "0, 15", threshold_1, VALUE, 0},
    {"mpy_gc_set_threshold", "0, 1000001", threshold_2, VALUE, 0},
    {"mpy_gc_set_threshold", "2, 9", threshold_3, VALUE, 0},
    {"mpy_gc_set_threshold", "2, 1001", threshold_4, VALUE, 0},
    {"mpy_gc_set_threshold", "3, 100", threshold_5, VALUE, 0},
    {"mpy_gc_set_threshold", "-1, 100", threshold_6, VALUE, 0},
    {"mpy_gc_set_threshold", "1, 0", threshold_7, VALUE, 0},
    {"mpy_gc_set_threshold", "0, INT64_MIN", threshold_8, VALUE, 0},
    {"mpy_gc_get_threshold", "3", get_threshold_3, VALUE, 0},
    {"mpy_gc_get_stats", "-1", get_stats_3, VALUE, 0},
    {"mpy_gc_visit_objects", "3", visit_3, VALUE, 0},
    {"mpy_gc_visit_objects", "-1", visit_minus, VALUE, 0},
    {NULL, NULL, NULL, 0, 0}};

static void
test_gc(void **state)
{
    int64_t before[3], after;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mpy_gc_get_threshold(i, &before[i]), 0);
    }
    api_check_bad(*state, gc_cases);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mpy_gc_get_threshold(i, &after), 0);
        assert_int_equal(after, before[i]);
    }
    assert_int_equal(before[0], 2000);
    assert_int_equal(before[1], 10);
    assert_int_equal(before[2], 75);
}

/* Nested deeper than the limit; every success is left again. */
static void
test_recursion(void **state)
{
    struct api_world *w = *state;
    int64_t limit;
    int depth = 0;
    char text[MPY_ERR_TEXT_MAX + 1];

    assert_int_equal(mpy_runtime_get_limit(w->rt, MPY_LIMIT_STACK_DEPTH, &limit), 0);
    assert_int_equal(limit, 1000);
    while (depth < 2000 && mpy_recursion_enter("the test") == 0) {
        depth++;
    }
    assert_int_equal(depth, limit);
    assert_int_equal(api_take_error(text, sizeof text), MPY_EXC_RECURSION_ERROR);
    assert_non_null(strstr(text, "the test"));
    while (depth-- > 0) {
        mpy_recursion_leave();
    }
    assert_int_equal(mpy_recursion_enter("again"), 0);
    mpy_recursion_leave();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_codes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_gc, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_recursion, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
