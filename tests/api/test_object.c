/* SPDX-License-Identifier: MIT */
/*
 * api/test_object.c - the object protocol as a host uses it: references, attributes, items, text,
 * hashes, comparisons across the built-in types.
 */
#include "support/api_world.h"

#include <stdlib.h>
#include <string.h>

static void
test_references(void **state)
{
    mpy_object *a = api_make(*state, API_LIST);
    mpy_object *slot = NULL;
    {
        MPY_AUTO mpy_object *scoped = mpy_newref(a);
        assert_int_equal(mpy_refcount(scoped), 2);
    }
    assert_int_equal(mpy_refcount(a), 1);
    mpy_assign(&slot, a);
    mpy_assign(&slot, MPY_NONE);
    assert_int_equal(mpy_refcount(a), 1);
    mpy_clear(&slot);
    assert_null(mpy_xnewref(NULL));
    mpy_xdecref(NULL);
    assert_true(mpy_is(a, a));
    assert_true(mpy_is(mpy_int_from_i64(12345), mpy_int_from_i64(12345)));
    assert_false(mpy_is_none(a));
    mpy_decref(a);
}

/* Numbers that are equal hash equal, whatever their type. */
static void
test_numeric_hash(void **state)
{
    const struct {
        mpy_object *a, *b;
    } equal[] = {
        {mpy_int_from_i64(1), mpy_float_from_double(1.0)},
        {mpy_int_from_i64(1), MPY_TRUE},
        {mpy_int_from_i64(0), MPY_FALSE},
        {mpy_int_from_i64(0), mpy_float_from_double(0.0)},
        {mpy_int_from_i64((int64_t)1 << 40), mpy_float_from_double(1099511627776.0)},
        {mpy_int_from_i64(-7), mpy_float_from_double(-7.0)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof equal / sizeof equal[0]; i++) {
        int64_t ha, hb;
        assert_int_equal(mpy_object_compare_bool(equal[i].a, equal[i].b, MPY_EQ), 1);
        api_done(mpy_object_hash(equal[i].a, &ha));
        api_done(mpy_object_hash(equal[i].b, &hb));
        assert_true(ha == hb);
    }
}

static void
test_compare_mixed(void **state)
{
    mpy_object *str = api_make(*state, API_STR);
    mpy_object *list = api_make(*state, API_LIST);
    mpy_object *tuple = api_make(*state, API_TUPLE);
    assert_int_equal(mpy_object_compare_bool(str, list, MPY_EQ), 0);
    assert_int_equal(mpy_object_compare_bool(str, list, MPY_NE), 1);
    assert_int_equal(mpy_object_compare_bool(list, tuple, MPY_EQ), 0);
    assert_int_equal(mpy_object_compare_bool(list, tuple, MPY_LT), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_int_equal(mpy_object_compare_bool(MPY_NONE, MPY_NONE, MPY_EQ), 1);
    assert_int_equal(
        mpy_object_compare_bool(mpy_int_from_i64(1), mpy_float_from_double(1.5), MPY_LT), 1);
    mpy_decref(str);
    mpy_decref(list);
    mpy_decref(tuple);
}

static void
test_attributes(void **state)
{
    mpy_object *o = api_make(*state, API_PLAIN);
    mpy_object *name = api_good(mpy_str_from_utf8("caf\xC3\xA9"));
    mpy_object *value;
    assert_int_equal(mpy_object_has_attr(o, name), 0);
    assert_int_equal(mpy_object_find_attr(o, name, &value), 0);
    assert_null(value);
    assert_null(mpy_object_get_attr(o, name));
    api_expect_error(MPY_EXC_ATTRIBUTE_ERROR);
    api_done(mpy_object_set_attr(o, name, o)); /* a cycle */
    value = api_good(mpy_object_get_attr_utf8(o, "caf\xC3\xA9"));
    assert_ptr_equal(value, o);
    mpy_decref(value);
    api_done(mpy_object_del_attr(o, name));
    assert_int_equal(mpy_object_del_attr(o, name), -1);
    api_expect_error(MPY_EXC_ATTRIBUTE_ERROR);
    api_done(mpy_object_set_attr_utf8(o, "caf\xC3\xA9", MPY_TRUE));
    assert_ptr_equal(api_good(mpy_object_generic_get_attr(o, name)), MPY_TRUE);
    api_done(mpy_object_generic_set_attr(o, name, MPY_FALSE));
    assert_ptr_equal(api_good(mpy_object_get_attr(o, name)), MPY_FALSE);
    api_done(mpy_object_generic_set_attr(o, name, NULL));
    assert_int_equal(mpy_object_has_attr(o, name), 0);
    mpy_decref(name);
    mpy_decref(o);
}

static void
test_items(void **state)
{
    mpy_object *list = api_make(*state, API_LIST);
    mpy_object *dict = api_make(*state, API_DICT);
    mpy_object *key = api_make(*state, API_KEY);
    assert_ptr_equal(api_good(mpy_object_get_item(list, mpy_int_from_i64(-1))),
                     mpy_int_from_i64(3));
    api_done(mpy_object_set_item(list, mpy_int_from_i64(-3), MPY_NONE));
    assert_ptr_equal(api_good(mpy_object_get_item(list, mpy_int_from_i64(0))), MPY_NONE);
    assert_null(mpy_object_get_item(list, mpy_int_from_i64(3)));
    api_expect_error(MPY_EXC_INDEX_ERROR);
    api_done(mpy_object_del_item(list, mpy_int_from_i64(0)));
    assert_int_equal(mpy_object_length(list), 2);
    assert_int_equal(mpy_object_contains(list, mpy_float_from_double(2.0)), 1);
    assert_ptr_equal(api_good(mpy_object_get_item(dict, key)), mpy_int_from_i64(1));
    assert_int_equal(mpy_object_contains(dict, key), 1);
    api_done(mpy_object_del_item(dict, key));
    assert_null(mpy_object_get_item(dict, key));
    api_expect_error(MPY_EXC_KEY_ERROR);
    assert_int_equal(mpy_object_length(dict), 0);
    mpy_decref(list);
    mpy_decref(dict);
    mpy_decref(key);
}

static void
expect_repr(mpy_object *o, const char *text)
{
    char *got = api_repr(o);
    assert_string_equal(got, text);
    free(got);
}

/* Containers inside themselves, directly and through others. */
static void
test_repr_of_cycles(void **state)
{
    mpy_object *list = api_make(*state, API_LIST);
    mpy_object *dict = api_make(*state, API_NO_DICT);
    mpy_object *tuple;
    api_done(mpy_list_append(list, list));
    expect_repr(list, "[1, 2, 3, [...]]");
    api_done(mpy_dict_set_utf8(dict, "self", dict));
    expect_repr(dict, "{'self': {...}}");
    tuple = api_good(mpy_tuple_pack(2, list, dict));
    expect_repr(tuple, "([1, 2, 3, [...]], {'self': {...}})");
    api_done(mpy_list_append(list, tuple));
    expect_repr(tuple, "([1, 2, 3, [...], (...)], {'self': {...}})");
    mpy_decref(tuple);
    mpy_decref(list);
    mpy_decref(dict);
}

/* Every kind of value: type, repr, str and truth work, hash works or says that it cannot. */
static void
test_every_kind(void **state)
{
    for (int kind = 0; kind < API_BASIC; kind++) {
        mpy_object *o = api_make(*state, kind);
        mpy_object *type = api_good(mpy_object_type(o));
        mpy_object *str = api_good(mpy_object_str(o));
        int64_t hash;
        assert_int_equal(mpy_object_is_instance(o, type), 1);
        assert_true(mpy_object_is_true(o) >= 0);
        assert_true(mpy_object_sizeof(o) >= 0);
        if (mpy_object_hash(o, &hash) < 0) {
            assert_true(kind == API_LIST || kind == API_DICT);
            api_expect_error(MPY_EXC_TYPE_ERROR);
        }
        assert_int_equal(mpy_object_compare_bool(o, o, MPY_EQ), 1);
        assert_int_equal(mpy_err_occurred(), 0);
        mpy_decref(str);
        mpy_decref(type);
        mpy_decref(o);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_references, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_numeric_hash, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_compare_mixed, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_attributes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_items, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_repr_of_cycles, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_every_kind, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
