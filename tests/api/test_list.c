/* SPDX-License-Identifier: MIT */
/*
 * api/test_list.c - every function of minipy/list.h as a host uses it.
 */
#include "support/api_world.h"

#include <stdlib.h>

static mpy_object *
ints(int n)
{
    mpy_object *list = api_good(mpy_list_new(0));
    for (int i = 0; i < n; i++) {
        api_done(mpy_list_append(list, mpy_int_from_i64(i)));
    }
    return list;
}

static void
expect(mpy_object *o, const char *text)
{
    char *got = api_repr(o);
    assert_string_equal(got, text);
    free(got);
}

static void
expect_new(mpy_object *o, const char *text)
{
    expect(api_good(o), text);
    mpy_decref(o);
}

static void
expect_error_text(int code, const char *text)
{
    char got[MPY_ERR_TEXT_MAX + 1];
    assert_int_equal(api_take_error(got, sizeof got), code);
    assert_string_equal(got, text);
}

static void
test_make(void **state)
{
    mpy_object *items[3] = {MPY_NONE, MPY_TRUE, mpy_int_from_i64(7)};
    mpy_object *holes[2] = {MPY_NONE, NULL};
    (void)state;
    expect_new(mpy_list_new(0), "[]");
    expect_new(mpy_list_new(100), "[]");
    expect_new(mpy_list_from_array(items, 3), "[None, True, 7]");
    expect_new(mpy_list_from_array(NULL, 0), "[]");
    assert_null(mpy_list_from_array(holes, 2));
    api_expect_error(MPY_EXC_API);
    assert_null(mpy_list_from_array(NULL, 1));
    api_expect_error(MPY_EXC_API);
    assert_int_equal(mpy_list_check(NULL), 0);
    assert_int_equal(mpy_list_check(MPY_NONE), 0);
}

static void
test_get_and_set(void **state)
{
    mpy_object *list = ints(3);
    mpy_object *inner = api_good(mpy_list_new(0));
    (void)state;
    assert_int_equal(mpy_list_check(list), 1);
    assert_int_equal(mpy_list_length(list), 3);
    assert_ptr_equal(api_good(mpy_list_get(list, 2)), mpy_int_from_i64(2));
    assert_null(mpy_list_get(list, 3));
    expect_error_text(MPY_EXC_INDEX_ERROR, "mpy_list_get(): list index out of range: 3 of 3");
    assert_null(mpy_list_get(list, -1));
    api_expect_error(MPY_EXC_INDEX_ERROR);
    api_done(mpy_list_set(list, 0, inner));
    assert_int_equal(mpy_refcount(inner), 2);
    assert_ptr_equal(api_good(mpy_list_get(list, 0)), inner);
    assert_int_equal(mpy_refcount(inner), 3);
    mpy_decref(inner);
    api_done(mpy_list_set(list, 0, MPY_NONE));
    assert_int_equal(mpy_refcount(inner), 1);
    assert_int_equal(mpy_list_set(list, 3, MPY_NONE), -1);
    api_expect_error(MPY_EXC_INDEX_ERROR);
    assert_int_equal(mpy_list_set(list, PTRDIFF_MIN, MPY_NONE), -1);
    api_expect_error(MPY_EXC_INDEX_ERROR);
    assert_null(mpy_list_get(inner, 0));
    api_expect_error(MPY_EXC_INDEX_ERROR);
    assert_null(mpy_list_get(MPY_NONE, 0));
    expect_error_text(MPY_EXC_TYPE_ERROR,
                      "mpy_list_get(): argument 'list': expected list, got NoneType");
    mpy_decref(inner);
    mpy_decref(list);
}

static void
test_copy_out(void **state)
{
    mpy_object *list = ints(5);
    mpy_object *out[5];
    (void)state;
    assert_int_equal(mpy_list_copy_out(list, 0, 5, out), 5);
    assert_ptr_equal(out[4], mpy_int_from_i64(4));
    assert_int_equal(mpy_list_copy_out(list, 3, 5, out), 2);
    assert_ptr_equal(out[0], mpy_int_from_i64(3));
    assert_int_equal(mpy_list_copy_out(list, 5, 5, out), 0);
    assert_int_equal(mpy_list_copy_out(list, 50, SIZE_MAX, out), 0);
    assert_int_equal(mpy_list_copy_out(list, 0, 0, NULL), 0);
    assert_int_equal(mpy_list_copy_out(list, -1, 1, out), -1);
    api_expect_error(MPY_EXC_INDEX_ERROR);
    mpy_decref(list);
}

static void
test_insert_and_pop(void **state)
{
    mpy_object *list = ints(0);
    (void)state;
    api_done(mpy_list_insert(list, 0, mpy_int_from_i64(1)));
    api_done(mpy_list_insert(list, 99, mpy_int_from_i64(3)));
    api_done(mpy_list_insert(list, 1, mpy_int_from_i64(2)));
    api_done(mpy_list_insert(list, -5, mpy_int_from_i64(0)));
    expect(list, "[0, 1, 2, 3]");
    assert_ptr_equal(api_good(mpy_list_pop(list, 1)), mpy_int_from_i64(1));
    assert_ptr_equal(api_good(mpy_list_pop(list, -1)), mpy_int_from_i64(3));
    assert_ptr_equal(api_good(mpy_list_pop(list, 0)), mpy_int_from_i64(0));
    expect(list, "[2]");
    assert_null(mpy_list_pop(list, 1));
    api_expect_error(MPY_EXC_INDEX_ERROR);
    assert_null(mpy_list_pop(list, -2));
    api_expect_error(MPY_EXC_INDEX_ERROR);
    assert_ptr_equal(api_good(mpy_list_pop(list, 0)), mpy_int_from_i64(2));
    assert_null(mpy_list_pop(list, -1));
    api_expect_error(MPY_EXC_INDEX_ERROR);
    mpy_decref(list);
}

static void
test_slices(void **state)
{
    mpy_object *list = ints(5);
    (void)state;
    expect_new(mpy_list_get_slice(list, 1, 3), "[1, 2]");
    expect_new(mpy_list_get_slice(list, -3, 2), "[0, 1]");
    expect_new(mpy_list_get_slice(list, 3, 99), "[3, 4]");
    expect_new(mpy_list_get_slice(list, 4, 2), "[]");
    expect_new(mpy_list_get_slice(list, PTRDIFF_MIN, PTRDIFF_MAX), "[0, 1, 2, 3, 4]");
    expect_new(mpy_list_as_tuple(list), "(0, 1, 2, 3, 4)");
    api_done(mpy_list_reverse(list));
    expect(list, "[4, 3, 2, 1, 0]");
    api_done(mpy_list_clear(list));
    expect_new(mpy_list_as_tuple(list), "()");
    expect_new(mpy_list_get_slice(list, 0, 1), "[]");
    api_done(mpy_list_clear(list));
    mpy_decref(list);
}

static void
test_protocol(void **state)
{
    mpy_object *list = ints(4);
    int64_t hash;
    (void)state;
    assert_ptr_equal(api_good(mpy_object_get_item(list, mpy_int_from_i64(-1))),
                     mpy_int_from_i64(3));
    api_done(mpy_object_set_item(list, mpy_int_from_i64(-4), MPY_NONE));
    api_done(mpy_object_del_item(list, mpy_int_from_i64(1)));
    expect(list, "[None, 2, 3]");
    assert_null(mpy_object_get_item(list, mpy_int_from_i64(3)));
    expect_error_text(MPY_EXC_INDEX_ERROR, "mpy_object_get_item(): list index out of range");
    assert_int_equal(mpy_object_del_item(list, mpy_int_from_i64(-4)), -1);
    expect_error_text(MPY_EXC_INDEX_ERROR, "mpy_object_del_item(): list index out of range");
    assert_null(mpy_object_get_item(list, MPY_NONE));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_int_equal(mpy_object_length(list), 3);
    assert_int_equal(mpy_object_is_true(list), 1);
    assert_int_equal(mpy_object_contains(list, mpy_float_from_double(3.0)), 1);
    assert_int_equal(mpy_object_contains(list, MPY_TRUE), 0);
    assert_int_equal(mpy_object_hash(list, &hash), -1);
    expect_error_text(MPY_EXC_TYPE_ERROR, "mpy_object_hash(): unhashable type: 'list'");
    api_done(mpy_list_clear(list));
    assert_int_equal(mpy_object_is_true(list), 0);
    mpy_decref(list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_make, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_get_and_set, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_copy_out, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_insert_and_pop, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_slices, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_protocol, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
