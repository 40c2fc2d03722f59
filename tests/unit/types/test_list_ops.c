/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_list_ops.c - whole lists: comparison, membership, repr, +, *, extend, reverse,
 * and elements whose equality changes the list.
 */
#include "support/api_world.h"
#include "support/host_key.h"

#include <stdlib.h>

#include "types/list.h"

static mpy_object *
ints(int from, int to)
{
    mpy_object *list = api_good(mpy_list_new(0));
    for (int i = from; i < to; i++) {
        api_done(mpy_list_append(list, mpy_int_from_i64(i)));
    }
    return list;
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
test_compare(void **state)
{
    /* a, b, then the answers of < <= == != > >= */
    static const struct {
        int a_to, b_to;
        int last_a, last_b;
        int answers[6];
    } rows[] = {
        {0, 0, -1, -1, {0, 1, 1, 0, 0, 1}}, {3, 3, -1, -1, {0, 1, 1, 0, 0, 1}},
        {2, 3, -1, -1, {1, 1, 0, 1, 0, 0}}, {3, 2, -1, -1, {0, 0, 0, 1, 1, 1}},
        {3, 3, 7, 9, {1, 1, 0, 1, 0, 0}},   {3, 3, 9, 7, {0, 0, 0, 1, 1, 1}},
        {2, 5, 9, 1, {0, 0, 0, 1, 1, 1}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mpy_object *a = ints(0, rows[i].a_to);
        mpy_object *b = ints(0, rows[i].b_to);
        if (rows[i].last_a >= 0) {
            api_done(mpy_list_append(a, mpy_int_from_i64(rows[i].last_a)));
            api_done(mpy_list_append(b, mpy_int_from_i64(rows[i].last_b)));
        }
        for (int op = MPY_LT; op <= MPY_GE; op++) {
            assert_int_equal(api_done(mpy_object_compare_bool(a, b, op)), rows[i].answers[op]);
        }
        mpy_decref(a);
        mpy_decref(b);
    }
}

static void
test_compare_other_types(void **state)
{
    mpy_object *list = ints(0, 2);
    mpy_object *tuple = api_good(mpy_list_as_tuple(list));
    (void)state;
    assert_int_equal(mpy_object_compare_bool(list, tuple, MPY_EQ), 0);
    assert_int_equal(mpy_object_compare_bool(list, tuple, MPY_NE), 1);
    assert_int_equal(mpy_object_compare_bool(list, tuple, MPY_LT), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(list);
    mpy_decref(tuple);
}

static void
clear_list(void *data)
{
    api_done(mpy_list_clear(data));
}

static void
append_one(void *data)
{
    api_done(mpy_list_append(data, mpy_int_from_i64(1)));
}

/* Equality that empties or grows a list in the middle of comparing, searching, or asking. */
static void
test_user_code(void **state)
{
    mpy_object *a, *b, *x, *y;
    (void)state;
    host_keys_open();
    for (int round = 0; round < 4; round++) {
        a = ints(0, 2);
        b = ints(0, 2);
        x = host_key(1, 1);
        y = host_key(1, 1);
        api_done(mpy_list_set(a, 0, x));
        api_done(mpy_list_set(b, 0, y));
        mpy_decref(x);
        mpy_decref(y);
        host_keys.data = a;
        host_keys.on_compare = round % 2 == 0 ? clear_list : append_one;
        if (round < 2) {
            assert_int_equal(mpy_object_compare_bool(a, b, MPY_EQ), 0);
        } else {
            x = host_key(2, 2);
            assert_int_equal(mpy_object_contains(a, x), 0);
            mpy_decref(x);
        }
        assert_int_equal(mpy_list_length(a), round % 2 == 0 ? 0 : 3);
        mpy_decref(a);
        mpy_decref(b);
    }
    a = ints(0, 2);
    x = host_key(1, 1);
    api_done(mpy_list_set(a, 0, x));
    host_keys.fail_compare = 1;
    y = host_key(1, 1);
    assert_int_equal(mpy_object_contains(a, y), -1);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_object_contains(a, x), 1); /* identity comes first */
    mpy_decref(a);
    mpy_decref(x);
    mpy_decref(y);
    host_keys_close();
}

static void
test_repr(void **state)
{
    mpy_object *list = ints(0, 0);
    (void)state;
    expect_repr(list, "[]");
    api_done(mpy_list_append(list, mpy_int_from_i64(1)));
    expect_repr(list, "[1]");
    api_done(mpy_list_append(list, list));
    expect_repr(list, "[1, [...]]");
    api_done(mpy_list_clear(list));
    mpy_decref(list);
}

static void
test_add_and_multiply(void **state)
{
    mpy_object *a = ints(0, 2);
    mpy_object *b = ints(2, 4);
    mpy_object *none = ints(0, 0);
    (void)state;
    expect_repr_of_new(mpy_number_add(a, b), "[0, 1, 2, 3]");
    expect_repr_of_new(mpy_number_add(none, none), "[]");
    expect_repr_of_new(mpy_number_add(a, a), "[0, 1, 0, 1]");
    expect_repr_of_new(mpy_number_multiply(a, mpy_int_from_i64(3)), "[0, 1, 0, 1, 0, 1]");
    expect_repr_of_new(mpy_number_multiply(MPY_TRUE, a), "[0, 1]");
    expect_repr_of_new(mpy_number_multiply(a, mpy_int_from_i64(-1)), "[]");
    expect_repr_of_new(mpy_number_multiply(none, mpy_int_from_i64(1000000)), "[]");
    assert_null(mpy_number_add(a, mpy_int_from_i64(1)));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_null(mpy_number_multiply(a, b));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_null(mpy_number_multiply(a, mpy_int_from_i64(MPY_INT_MAX)));
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_null(mpy_number_multiply(a, mpy_int_from_i64((int64_t)1 << 60)));
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    mpy_decref(a);
    mpy_decref(b);
    mpy_decref(none);
}

static int
next_then_fail(mpy_object *self, mpy_object **out)
{
    void *data;
    int64_t *left;
    mpy_object *type = api_good(mpy_object_type(self));
    api_done(mpy_type_data(self, type, &data));
    mpy_decref(type);
    left = data;
    if (*left == 0) {
        mpy_err_set_code(MPY_EXC_VALUE_ERROR, "the iterator failed");
        return -1;
    }
    --*left;
    *out = mpy_int_from_i64(*left);
    return 1;
}

static const mpy_type_spec failing_spec = {.size = sizeof(mpy_type_spec),
                                           .version = 1,
                                           .name = "t.Failing",
                                           .data_size = 8,
                                           .next = next_then_fail};

static void
test_extend(void **state)
{
    mpy_object *list = ints(0, 2);
    mpy_object *tuple = api_good(mpy_tuple_pack(1, MPY_NONE));
    mpy_object *range = api_good(mpy_iter_range(5, 8, 1));
    mpy_object *text = api_good(mpy_str_from_utf8("ab"));
    mpy_object *type = api_good(mpy_type_from_spec(&failing_spec, NULL));
    mpy_object *failing = api_good(mpy_type_new_instance(type));
    void *left;
    (void)state;
    api_done(mpy_list_extend(list, tuple));
    api_done(mpy_list_extend(list, range));
    api_done(mpy_list_extend(list, text));
    expect_repr(list, "[0, 1, None, 5, 6, 7, 'a', 'b']");
    api_done(mpy_list_clear(list));
    api_done(mpy_list_append(list, MPY_TRUE));
    for (int i = 0; i < 3; i++) {
        api_done(mpy_list_extend(list, list));
    }
    assert_int_equal(mpy_list_length(list), 8);
    assert_int_equal(mpy_list_extend(list, MPY_NONE), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    api_done(mpy_list_clear(list));
    api_done(mpy_type_data(failing, type, &left));
    *(int64_t *)left = 2;
    assert_int_equal(mpy_list_extend(list, failing), -1);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    expect_repr(list, "[1, 0]");
    mpy_decref(list);
    mpy_decref(tuple);
    mpy_decref(range);
    mpy_decref(text);
    mpy_decref(failing);
    mpy_decref(type);
}

static void
test_reverse(void **state)
{
    (void)state;
    for (int n = 0; n < 5; n++) {
        static const char *const texts[] = {"[]", "[0]", "[1, 0]", "[2, 1, 0]", "[3, 2, 1, 0]"};
        mpy_object *list = ints(0, n);
        api_done(mpy_list_reverse(list));
        expect_repr(list, texts[n]);
        mpy_decref(list);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_compare, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_compare_other_types, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_user_code, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_repr, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_add_and_multiply, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_extend, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_reverse, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
