/* SPDX-License-Identifier: MIT */
/*
 * api/test_iter.c - every function of minipy/iter.h as a host uses it.
 */
#include "support/api_world.h"

#include <stdlib.h>

/* The elements of an iterable as the text of a list. */
static void
expect_elements(struct api_world *world, int kind, const char *text)
{
    mpy_object *source = api_make(world, kind);
    mpy_object *it = api_good(mpy_iter_get(source));
    mpy_object *list = api_good(mpy_list_new(0));
    mpy_object *item;
    char *got;
    while (api_done(mpy_iter_next(it, &item)) > 0) {
        api_done(mpy_list_append(list, item));
        mpy_decref(item);
    }
    assert_null(item);
    got = api_repr(list);
    assert_string_equal(got, text);
    free(got);
    mpy_decref(list);
    mpy_decref(it);
    mpy_decref(source);
}

static void
test_sources(void **state)
{
    expect_elements(*state, API_LIST, "[1, 2, 3]");
    expect_elements(*state, API_TUPLE, "[1, 2, 3]");
    expect_elements(*state, API_NO_TUPLE, "[]");
    expect_elements(*state, API_DICT, "['a']");
    expect_elements(*state, API_STR, "['1', '2']");
    expect_elements(*state, API_BYTES, "[49, 50]");
    expect_elements(*state, API_RANGE, "[0, 1, 2]");
    expect_elements(*state, API_ITERATOR, "[1, 2, 3]");
}

static int
count(void *data, mpy_object *item)
{
    int64_t *n = data;
    assert_non_null(item);
    return ++*n == 1000 ? 1 : 0;
}

static void
test_each(void **state)
{
    mpy_object *range = api_good(mpy_iter_range(0, INT64_MAX, 1));
    mpy_object *list = api_make(*state, API_LIST);
    int64_t n = 0;
    assert_int_equal(mpy_iter_each(list, count, &n), 0);
    assert_int_equal(n, 3);
    assert_int_equal(mpy_iter_each(range, count, &n), 1);
    assert_int_equal(n, 1000);
    assert_int_equal(mpy_iter_each(MPY_NONE, count, &n), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_int_equal(mpy_iter_each(list, NULL, &n), -1);
    api_expect_error(MPY_EXC_API);
    mpy_decref(list);
    mpy_decref(range);
}

static void
test_range_again_and_again(void **state)
{
    mpy_object *range = api_good(mpy_iter_range(3, 0, -1));
    (void)state;
    for (int round = 0; round < 3; round++) {
        mpy_object *it = api_good(mpy_iter_get(range));
        mpy_object *item;
        int64_t expected = 3;
        while (api_done(mpy_iter_next(it, &item)) > 0) {
            assert_ptr_equal(item, mpy_int_from_i64(expected--));
        }
        assert_int_equal(expected, 0);
        mpy_decref(it);
    }
    assert_int_equal(mpy_iter_check(range), 0);
    mpy_decref(range);
}

static void
test_wrong_arguments(void **state)
{
    mpy_object *list = api_make(*state, API_LIST);
    mpy_object *item = list;
    assert_int_equal(mpy_iter_next(list, &item), -1);
    assert_null(item);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_int_equal(mpy_iter_next(NULL, &item), -1);
    api_expect_error(MPY_EXC_API);
    assert_int_equal(mpy_iter_check(NULL), -1);
    api_expect_error(MPY_EXC_API);
    assert_null(mpy_iter_get(NULL));
    api_expect_error(MPY_EXC_API);
    mpy_decref(list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sources, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_each, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_range_again_and_again, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_wrong_arguments, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
