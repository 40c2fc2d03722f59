/* SPDX-License-Identifier: MIT */
/*
 * api/test_dict.c - every function of minipy/dict.h as a host uses it.
 */
#include "support/api_world.h"
#include "support/host_key.h"

#include <stdlib.h>
#include <string.h>

static void
expect(mpy_object *o, const char *text)
{
    char *got = api_repr(o);
    assert_string_equal(got, text);
    free(got);
}

static mpy_object *
abc(void)
{
    mpy_object *d = api_good(mpy_dict_new(0));
    api_done(mpy_dict_set_utf8(d, "a", mpy_int_from_i64(1)));
    api_done(mpy_dict_set_utf8(d, "b", mpy_int_from_i64(2)));
    api_done(mpy_dict_set_utf8(d, "c", mpy_int_from_i64(3)));
    return d;
}

static void
test_by_text(void **state)
{
    mpy_object *d = abc();
    mpy_object *value = NULL;
    mpy_object *key = api_good(mpy_str_from_utf8("b"));
    (void)state;
    assert_int_equal(mpy_dict_check(d), 1);
    assert_int_equal(mpy_dict_check(key), 0);
    assert_int_equal(mpy_dict_length(d), 3);
    assert_int_equal(mpy_dict_get_utf8(d, "b", &value), 1);
    assert_ptr_equal(value, mpy_int_from_i64(2));
    assert_int_equal(mpy_dict_get(d, key, &value), 1);
    assert_ptr_equal(value, mpy_int_from_i64(2));
    assert_int_equal(mpy_dict_get_utf8(d, "x", &value), 0);
    assert_null(value);
    assert_int_equal(mpy_err_occurred(), 0);
    api_done(mpy_dict_set_utf8(d, "a", MPY_NONE));
    expect(d, "{'a': None, 'b': 2, 'c': 3}");
    assert_int_equal(mpy_dict_set_utf8(d, "\xff", MPY_NONE), -1);
    assert_int_equal(api_take_error(NULL, 0), MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_dict_get_utf8(d, "\xff", &value), -1);
    assert_null(value);
    assert_int_equal(api_take_error(NULL, 0), MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_dict_get_utf8(d, NULL, &value), -1);
    assert_null(value);
    api_expect_error(MPY_EXC_API);
    mpy_decref(key);
    mpy_decref(d);
}

static void
test_numbers_are_one_key(void **state)
{
    mpy_object *d = api_good(mpy_dict_new(0));
    mpy_object *value;
    mpy_object *nan = api_good(mpy_float_from_double(__builtin_nan("")));
    mpy_object *minus_zero = api_good(mpy_float_from_double(-0.0));
    (void)state;
    api_done(mpy_dict_set(d, mpy_int_from_i64(1), mpy_int_from_i64(10)));
    assert_int_equal(mpy_dict_get(d, MPY_TRUE, &value), 1);
    assert_int_equal(mpy_dict_get(d, mpy_float_from_double(1.0), &value), 1);
    api_done(mpy_dict_set(d, mpy_float_from_double(1.0), mpy_int_from_i64(11)));
    expect(d, "{1: 11}");
    api_done(mpy_dict_set(d, mpy_int_from_i64(0), MPY_NONE));
    assert_int_equal(mpy_dict_contains(d, minus_zero), 1);
    assert_int_equal(mpy_dict_contains(d, MPY_FALSE), 1);
    assert_int_equal(mpy_dict_contains(d, MPY_NONE), 0);
    api_done(mpy_dict_set(d, nan, MPY_TRUE));
    assert_int_equal(mpy_dict_contains(d, nan), 1);
    api_done(mpy_dict_set(d, mpy_int_from_i64(-1), MPY_NONE));
    api_done(mpy_dict_set(d, mpy_int_from_i64(-2), MPY_NONE));
    assert_int_equal(mpy_dict_length(d), 5);
    mpy_decref(nan);
    mpy_decref(minus_zero);
    mpy_decref(d);
}

static void
test_set_default(void **state)
{
    mpy_object *d = abc();
    mpy_object *key = api_good(mpy_str_from_utf8("d"));
    mpy_object *list = api_good(mpy_list_new(0));
    mpy_object *out;
    (void)state;
    assert_int_equal(mpy_dict_set_default(d, key, list, &out), 0);
    assert_ptr_equal(out, list);
    assert_int_equal(mpy_refcount(list), 3);
    mpy_decref(out);
    assert_int_equal(mpy_dict_set_default(d, key, MPY_NONE, &out), 1);
    assert_ptr_equal(out, list);
    mpy_decref(out);
    assert_int_equal(mpy_dict_set_default(d, key, MPY_NONE, NULL), 1);
    assert_int_equal(mpy_dict_set_default(d, list, MPY_NONE, &out), -1);
    assert_null(out);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(key);
    mpy_decref(list);
    mpy_decref(d);
}

static void
test_remove(void **state)
{
    mpy_object *d = abc();
    mpy_object *key = api_good(mpy_str_from_utf8("b"));
    mpy_object *value = MPY_NONE;
    mpy_object *list = api_good(mpy_list_new(0));
    (void)state;
    api_done(mpy_dict_del(d, key));
    expect(d, "{'a': 1, 'c': 3}");
    assert_int_equal(mpy_dict_del(d, key), -1);
    api_expect_error(MPY_EXC_KEY_ERROR);
    assert_int_equal(mpy_dict_pop(d, key, &value), 0);
    assert_null(value);
    assert_int_equal(mpy_err_occurred(), 0);
    api_done(mpy_dict_set(d, key, list));
    assert_int_equal(mpy_dict_pop(d, key, &value), 1);
    assert_ptr_equal(value, list);
    mpy_decref(value);
    assert_int_equal(mpy_refcount(list), 1);
    assert_int_equal(mpy_object_del_item(d, key), -1);
    api_expect_error(MPY_EXC_KEY_ERROR);
    assert_null(mpy_object_get_item(d, key));
    api_expect_error(MPY_EXC_KEY_ERROR);
    api_done(mpy_object_set_item(d, key, MPY_TRUE));
    assert_ptr_equal(mpy_object_get_item(d, key), MPY_TRUE);
    api_done(mpy_dict_clear(d));
    api_done(mpy_dict_clear(d));
    assert_int_equal(mpy_object_is_true(d), 0);
    mpy_decref(list);
    mpy_decref(key);
    mpy_decref(d);
}

/* The exception carries the key. */
static void
test_key_error(void **state)
{
    mpy_object *d = abc();
    mpy_object *key = api_good(mpy_tuple_pack(2, mpy_int_from_i64(1), MPY_NONE));
    mpy_object *exc, *args, *argument;
    (void)state;
    assert_null(mpy_object_get_item(d, key));
    exc = api_good(mpy_err_take());
    args = api_good(mpy_exc_get_args(exc));
    assert_int_equal(mpy_tuple_length(args), 1);
    argument = api_good(mpy_tuple_get(args, 0));
    assert_ptr_equal(argument, key);
    mpy_decref(argument);
    mpy_decref(args);
    mpy_decref(exc);
    mpy_decref(key);
    mpy_decref(d);
}

static void
test_next(void **state)
{
    mpy_object *d = abc();
    mpy_dict_cursor cursor = MPY_DICT_START;
    mpy_object *key, *value;
    int n = 0;
    (void)state;
    while (api_done(mpy_dict_next(d, &cursor, &key, &value)) > 0) {
        api_done(mpy_dict_set(d, key, MPY_NONE)); /* values may be replaced */
        mpy_decref(key);
        mpy_decref(value);
        n++;
    }
    assert_null(key);
    assert_null(value);
    assert_int_equal(n, 3);
    expect(d, "{'a': None, 'b': None, 'c': None}");
    cursor = (mpy_dict_cursor)MPY_DICT_START;
    assert_int_equal(mpy_dict_next(d, &cursor, NULL, NULL), 1);
    api_done(mpy_dict_set_utf8(d, "d", MPY_NONE));
    assert_int_equal(mpy_dict_next(d, &cursor, &key, NULL), -1);
    assert_null(key);
    api_expect_error(MPY_EXC_RUNTIME_ERROR);
    api_done(mpy_dict_clear(d));
    cursor = (mpy_dict_cursor)MPY_DICT_START;
    assert_int_equal(mpy_dict_next(d, &cursor, &key, &value), 0);
    mpy_decref(d);
}

static void
test_copy_and_update(void **state)
{
    mpy_object *d = abc();
    mpy_object *copy = api_good(mpy_dict_copy(d));
    mpy_object *other = api_good(mpy_dict_new(0));
    (void)state;
    assert_int_equal(mpy_object_compare_bool(d, copy, MPY_EQ), 1);
    api_done(mpy_dict_set_utf8(copy, "a", MPY_NONE));
    expect(d, "{'a': 1, 'b': 2, 'c': 3}");
    api_done(mpy_dict_set_utf8(copy, "z", MPY_NONE));
    api_done(mpy_dict_update(d, copy));
    expect(d, "{'a': None, 'b': 2, 'c': 3, 'z': None}");
    api_done(mpy_dict_update(d, d));
    api_done(mpy_dict_update(d, other));
    api_done(mpy_dict_update(other, d));
    expect(other, "{'a': None, 'b': 2, 'c': 3, 'z': None}");
    assert_int_equal(mpy_dict_update(d, MPY_NONE), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(d);
    mpy_decref(copy);
    mpy_decref(other);
}

static mpy_object *mutated;

static void
mutate(void *data)
{
    (void)data;
    api_done(mpy_dict_set_utf8(mutated, "new", MPY_NONE));
}

/* Keys whose equality changes the source of an update. */
static void
test_update_and_user_code(void **state)
{
    mpy_object *d = api_good(mpy_dict_new(0));
    mpy_object *a, *b;
    (void)state;
    host_keys_open();
    mutated = api_good(mpy_dict_new(0));
    a = host_key(1, 5);
    b = host_key(2, 5);
    api_done(mpy_dict_set(d, a, MPY_NONE));
    api_done(mpy_dict_set(mutated, b, MPY_NONE));
    host_keys.on_compare = mutate;
    assert_int_equal(mpy_dict_update(d, mutated), -1);
    api_expect_error(MPY_EXC_RUNTIME_ERROR);
    assert_int_equal(mpy_dict_length(d), 2);
    mpy_decref(a);
    mpy_decref(b);
    mpy_decref(d);
    mpy_decref(mutated);
    host_keys_close();
}

static void
test_reserve(void **state)
{
    mpy_object *d = api_good(mpy_dict_new(1000));
    ptrdiff_t size = mpy_object_sizeof(d);
    (void)state;
    for (int i = 0; i < 1000; i++) {
        api_done(mpy_dict_set(d, mpy_int_from_i64(i), MPY_NONE));
    }
    assert_int_equal(mpy_object_sizeof(d), size);
    mpy_decref(d);
    assert_null(mpy_dict_new(SIZE_MAX));
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_null(mpy_dict_new((size_t)1 << 33));
    api_expect_error(MPY_EXC_MEMORY_ERROR);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_by_text, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_numbers_are_one_key, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_set_default, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_remove, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_key_error, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_next, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_copy_and_update, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_update_and_user_code, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_reserve, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
