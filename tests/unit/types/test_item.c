/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_item.c - o[key], len(o), `in`: slots of hosts, fall-backs, refusals.
 */
#include "types/protocol.h"
#include "unit/types/sweep.h"

static mpy_object *the_key, *the_value;
static int result = 0;

static mpy_object *
get_item(mpy_object *self, mpy_object *key)
{
    int64_t i;
    (void)self;
    the_key = key;
    if (mpy_int_as_i64(key, &i) < 0) {
        return NULL;
    }
    if (i >= 3) {
        return mpy_err_format_code(MPY_EXC_INDEX_ERROR, "no more");
    }
    return mpy_int_from_i64(i * 10);
}

static int
set_item(mpy_object *self, mpy_object *key, mpy_object *value)
{
    (void)self;
    the_key = key;
    the_value = value;
    return result;
}

static int
contains(mpy_object *self, mpy_object *value)
{
    (void)self;
    the_value = value;
    return result;
}

static ptrdiff_t
length(mpy_object *self)
{
    (void)self;
    return result;
}

static mpy_object *
make(int with_contains)
{
    const mpy_type_spec spec = {.size = sizeof spec,
                                .version = 1,
                                .name = "t.Seq",
                                .get_item = get_item,
                                .set_item = set_item,
                                .length = length,
                                .contains = with_contains ? contains : NULL};
    mpy_object *type = api_good(mpy_type_from_spec(&spec, NULL));
    mpy_object *o = api_good(mpy_call_noargs(type));
    mpy_decref(type);
    return o;
}

static void
test_slots(void **state)
{
    mpy_object *o = make(1);
    (void)state;
    assert_ptr_equal(mpy_object_get_item(o, mpy_int_from_i64(2)), mpy_int_from_i64(20));
    assert_null(mpy_object_get_item(o, mpy_int_from_i64(3)));
    api_expect_error(MPY_EXC_INDEX_ERROR);
    result = 0;
    assert_int_equal(mpy_object_set_item(o, MPY_TRUE, MPY_NONE), 0);
    assert_ptr_equal(the_value, MPY_NONE);
    assert_int_equal(mpy_object_del_item(o, MPY_FALSE), 0);
    assert_null(the_value);
    assert_ptr_equal(the_key, MPY_FALSE);
    result = 7;
    assert_int_equal(mpy_object_length(o), 7);
    assert_int_equal(mpy_object_is_true(o), 1);
    assert_int_equal(mpy_object_contains(o, MPY_TRUE), 1);
    assert_ptr_equal(the_value, MPY_TRUE);
    result = 0;
    assert_int_equal(mpy_object_is_true(o), 0);
    assert_int_equal(mpy_object_contains(o, MPY_TRUE), 0);
    mpy_decref(o);
}

static void
test_contains_by_iteration(void **state)
{
    mpy_object *o = make(0);
    mpy_object *range = api_make(*state, API_RANGE);
    assert_int_equal(mpy_object_contains(o, mpy_int_from_i64(20)), 1);
    assert_int_equal(mpy_object_contains(o, mpy_float_from_double(10.0)), 1);
    assert_int_equal(mpy_object_contains(o, mpy_int_from_i64(30)), 0);
    assert_int_equal(mpy_object_contains(range, mpy_int_from_i64(2)), 1);
    assert_int_equal(mpy_object_contains(MPY_NONE, MPY_NONE), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(range);
    mpy_decref(o);
}

static void
test_refusals(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    mpy_object *tuple = api_make(*state, API_TUPLE);
    assert_null(mpy_object_get_item(MPY_NONE, MPY_TRUE));
    assert_string_equal(t->error.text,
                        "mpy_object_get_item(): 'NoneType' object is not subscriptable");
    assert_int_equal(mpy_object_set_item(tuple, mpy_int_from_i64(0), MPY_TRUE), -1);
    assert_string_equal(t->error.text,
                        "mpy_object_set_item(): 'tuple' object does not support item assignment");
    assert_int_equal(mpy_object_del_item(tuple, mpy_int_from_i64(0)), -1);
    assert_string_equal(t->error.text,
                        "mpy_object_del_item(): 'tuple' object does not support item deletion");
    assert_int_equal(mpy_object_length(MPY_TRUE), -1);
    assert_string_equal(t->error.text, "mpy_object_length(): 'bool' object has no length");
    mpy_err_clear();
    mpy_decref(tuple);
}

/* An object whose get_item asks itself. */
static mpy_object *
ask_myself(mpy_object *self, mpy_object *key)
{
    return mpy_object_get_item(self, key);
}

static void
test_depth(void **state)
{
    const mpy_type_spec spec = {
        .size = sizeof spec, .version = 1, .name = "t.Mirror", .get_item = ask_myself};
    mpy_object *type = api_good(mpy_type_from_spec(&spec, NULL));
    mpy_object *o = api_good(mpy_call_noargs(type));
    (void)state;
    assert_null(mpy_object_get_item(o, MPY_TRUE));
    api_expect_error(MPY_EXC_RECURSION_ERROR);
    assert_int_equal(mpyi_current()->depth, 0);
    mpy_decref(o);
    mpy_decref(type);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_slots, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_contains_by_iteration, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_refusals, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_depth, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
