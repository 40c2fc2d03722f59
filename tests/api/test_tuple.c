/* SPDX-License-Identifier: MIT */
/*
 * api/test_tuple.c - every function of minipy/tuple.h as a host uses it.
 */
#include "support/api_world.h"

#include <stdlib.h>

static void
expect_new(mpy_object *o, const char *text)
{
    char *got = api_repr(api_good(o));
    assert_string_equal(got, text);
    free(got);
    mpy_decref(o);
}

static void
test_make(void **state)
{
    mpy_object *items[3] = {MPY_NONE, MPY_TRUE, mpy_int_from_i64(7)};
    mpy_object *holes[2] = {NULL, MPY_NONE};
    (void)state;
    expect_new(mpy_tuple_from_array(items, 3), "(None, True, 7)");
    expect_new(mpy_tuple_from_array(items, 1), "(None,)");
    expect_new(mpy_tuple_from_array(NULL, 0), "()");
    expect_new(mpy_tuple_pack(0), "()");
    expect_new(mpy_tuple_pack(2, MPY_TRUE, MPY_FALSE), "(True, False)");
    assert_null(mpy_tuple_from_array(holes, 2));
    api_expect_error(MPY_EXC_API);
    assert_null(mpy_tuple_from_array(NULL, 2));
    api_expect_error(MPY_EXC_API);
    assert_null(mpy_tuple_pack(1, (mpy_object *)NULL));
    api_expect_error(MPY_EXC_API);
}

static void
test_get(void **state)
{
    mpy_object *list = api_good(mpy_list_new(0));
    mpy_object *tuple = api_good(mpy_tuple_pack(2, list, MPY_NONE));
    (void)state;
    assert_int_equal(mpy_tuple_check(tuple), 1);
    assert_int_equal(mpy_tuple_check(list), 0);
    assert_int_equal(mpy_tuple_check(NULL), 0);
    assert_int_equal(mpy_tuple_length(tuple), 2);
    assert_ptr_equal(api_good(mpy_tuple_get(tuple, 0)), list);
    assert_int_equal(mpy_refcount(list), 3);
    mpy_decref(list);
    assert_null(mpy_tuple_get(tuple, 2));
    api_expect_error(MPY_EXC_INDEX_ERROR);
    assert_null(mpy_tuple_get(tuple, -1));
    api_expect_error(MPY_EXC_INDEX_ERROR);
    assert_null(mpy_tuple_get(list, 0));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_int_equal(mpy_tuple_length(list), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(tuple);
    assert_int_equal(mpy_refcount(list), 1);
    mpy_decref(list);
}

/* As keys of dicts, equal tuples find each other. */
static void
test_as_keys(void **state)
{
    mpy_object *dict = api_good(mpy_dict_new(0));
    (void)state;
    for (int i = 0; i < 1000; i++) {
        mpy_object *key = api_good(mpy_tuple_pack(2, mpy_int_from_i64(i), MPY_NONE));
        api_done(mpy_dict_set(dict, key, mpy_int_from_i64(i)));
        mpy_decref(key);
    }
    for (int i = 0; i < 1000; i++) {
        mpy_object *key = api_good(mpy_tuple_pack(2, mpy_float_from_double(i), MPY_NONE));
        mpy_object *value;
        assert_int_equal(mpy_dict_get(dict, key, &value), 1);
        assert_ptr_equal(value, mpy_int_from_i64(i));
        mpy_decref(key);
    }
    assert_int_equal(mpy_dict_length(dict), 1000);
    mpy_decref(dict);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_make, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_get, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_as_keys, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
