/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_dict_iter.c - walks, lists of parts, repr and comparison of dicts.
 */
#include "support/api_world.h"
#include "support/host_key.h"

#include "minipy/debug.h"

#include <stdlib.h>

#include "types/dict_table.h"

static mpy_object *
ints(int n)
{
    mpy_object *d = api_good(mpy_dict_new(0));
    for (int i = 0; i < n; i++) {
        api_done(mpy_dict_set(d, mpy_int_from_i64(i), mpy_int_from_i64(10 * i)));
    }
    return d;
}

static void
expect_repr(mpy_object *o, const char *text)
{
    char *got = api_repr(o);
    assert_string_equal(got, text);
    free(got);
}

static void
expect_repr_of_new(mpy_object *o, const char *text)
{
    expect_repr(api_good(o), text);
    mpy_decref(o);
}

static void
test_walk_skips_deleted(void **state)
{
    mpy_object *d = ints(20);
    size_t position = 0;
    const struct mpyi_dict_entry *e;
    int expected = 1;
    (void)state;
    for (int i = 0; i < 20; i += 2) {
        assert_int_equal(mpy_dict_pop(d, mpy_int_from_i64(i), NULL), 1);
    }
    while ((e = mpyi_dict_walk(d, &position)) != NULL) {
        assert_ptr_equal(e->key, mpy_int_from_i64(expected));
        assert_ptr_equal(e->value, mpy_int_from_i64(10 * expected));
        expected += 2;
    }
    assert_int_equal(expected, 21);
    assert_null(mpyi_dict_walk(d, &position));
    mpy_decref(d);
}

static void
test_parts(void **state)
{
    mpy_object *d = ints(3);
    (void)state;
    expect_repr_of_new(mpy_dict_keys(d), "[0, 1, 2]");
    expect_repr_of_new(mpy_dict_values(d), "[0, 10, 20]");
    expect_repr_of_new(mpy_dict_items(d), "[(0, 0), (1, 10), (2, 20)]");
    api_done(mpy_dict_del(d, mpy_int_from_i64(1)));
    api_done(mpy_dict_set(d, mpy_int_from_i64(1), MPY_NONE));
    expect_repr_of_new(mpy_dict_items(d), "[(0, 0), (2, 20), (1, None)]");
    api_done(mpy_dict_clear(d));
    expect_repr_of_new(mpy_dict_keys(d), "[]");
    mpy_decref(d);
}

static void
test_parts_no_memory(void **state)
{
    struct api_world *world = *state;
    mpy_object *d = ints(5);
    mpy_object *list = NULL;
    for (uint64_t n = 1; list == NULL; n++) {
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_NTH, n), 0);
        list = mpy_dict_items(d);
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
        if (list == NULL) {
            api_expect_error(MPY_EXC_MEMORY_ERROR);
        } else {
            assert_true(n > 6);
        }
    }
    mpy_decref(list);
    mpy_decref(d);
}

static void
test_repr(void **state)
{
    mpy_object *d = api_good(mpy_dict_new(0));
    mpy_object *list = api_good(mpy_list_new(0));
    (void)state;
    expect_repr(d, "{}");
    api_done(mpy_dict_set_utf8(d, "a", mpy_int_from_i64(1)));
    api_done(mpy_dict_set_utf8(d, "self", d));
    api_done(mpy_list_append(list, d));
    api_done(mpy_list_append(list, list));
    api_done(mpy_dict_set_utf8(d, "list", list));
    expect_repr(d, "{'a': 1, 'self': {...}, 'list': [{...}, [...]]}");
    api_done(mpy_dict_clear(d));
    mpy_decref(d);
    api_done(mpy_list_clear(list));
    mpy_decref(list);
}

static void
expect_equal(mpy_object *a, mpy_object *b, int equal)
{
    assert_int_equal(api_done(mpy_object_compare_bool(a, b, MPY_EQ)), equal);
    assert_int_equal(api_done(mpy_object_compare_bool(a, b, MPY_NE)), !equal);
    assert_int_equal(api_done(mpy_object_compare_bool(b, a, MPY_EQ)), equal);
}

static void
test_compare(void **state)
{
    mpy_object *a = ints(10);
    mpy_object *b = ints(10);
    mpy_object *list = api_good(mpy_list_new(0));
    (void)state;
    expect_equal(a, b, 1);
    api_done(mpy_dict_del(b, mpy_int_from_i64(0)));
    expect_equal(a, b, 0);
    api_done(mpy_dict_set(b, mpy_int_from_i64(0), mpy_int_from_i64(0)));
    expect_equal(a, b, 1);
    api_done(mpy_dict_set(b, mpy_int_from_i64(3), mpy_int_from_i64(31)));
    expect_equal(a, b, 0);
    api_done(mpy_dict_set(b, mpy_int_from_i64(3), mpy_int_from_i64(30)));
    api_done(mpy_dict_del(b, mpy_int_from_i64(9)));
    api_done(mpy_dict_set_utf8(b, "9", mpy_int_from_i64(90)));
    expect_equal(a, b, 0);
    expect_equal(a, list, 0);
    assert_int_equal(mpy_object_compare_bool(a, b, MPY_LT), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(a);
    mpy_decref(b);
    mpy_decref(list);
}

static void
clear_dict(void *data)
{
    api_done(mpy_dict_clear(data));
}

/* Values whose equality empties the dict, or fails. */
static void
test_compare_with_user_code(void **state)
{
    mpy_object *a = ints(3);
    mpy_object *b = ints(3);
    mpy_object *x, *y;
    (void)state;
    host_keys_open();
    x = host_key(1, 1);
    y = host_key(1, 1);
    api_done(mpy_dict_set(a, mpy_int_from_i64(1), x));
    api_done(mpy_dict_set(b, mpy_int_from_i64(1), y));
    expect_equal(a, b, 1);
    host_keys.fail_compare = 1;
    assert_int_equal(mpy_object_compare_bool(a, b, MPY_EQ), -1);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    host_keys.fail_compare = 0;
    host_keys.data = a;
    host_keys.on_compare = clear_dict;
    assert_int_equal(mpy_object_compare_bool(a, b, MPY_EQ), 1);
    assert_int_equal(mpy_dict_length(a), 0);
    mpy_decref(a);
    mpy_decref(b);
    mpy_decref(x);
    mpy_decref(y);
    host_keys_close();
}

/* Nesting ends in RecursionError, for repr and comparison, whatever the depth. */
static void
test_deep(void **state)
{
    mpy_object *chains[2];
    (void)state;
    for (int c = 0; c < 2; c++) {
        chains[c] = api_good(mpy_dict_new(0));
        for (int i = 0; i < 50000; i++) {
            mpy_object *outer = api_good(mpy_dict_new(0));
            api_done(mpy_dict_set(outer, MPY_NONE, chains[c]));
            mpy_decref(chains[c]);
            chains[c] = outer;
        }
    }
    assert_null(mpy_object_repr(chains[0]));
    api_expect_error(MPY_EXC_RECURSION_ERROR);
    assert_int_equal(mpy_object_compare_bool(chains[0], chains[1], MPY_EQ), -1);
    api_expect_error(MPY_EXC_RECURSION_ERROR);
    assert_null(mpyi_current()->repr_stack);
    assert_int_equal(mpyi_current()->depth, 0);
    mpy_decref(chains[0]);
    mpy_decref(chains[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_walk_skips_deleted, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_parts, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_parts_no_memory, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_repr, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_compare, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_compare_with_user_code, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_deep, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
