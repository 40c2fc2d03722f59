/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_str_ops.c - searching against a naive search, and linear time backwards; the rest
 * of the operations repeat CPython in api/test_str.c.
 */
#include "support/api_world.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Index of the first or last occurrence, the slow way. */
static int64_t
naive(const char *text, size_t n, const char *sub, size_t m, int dir)
{
    int64_t found = -1;
    size_t at;
    for (at = 0; at + m <= n; at++) {
        if (memcmp(text + at, sub, m) == 0) {
            found = (int64_t)at;
            if (dir > 0) {
                return found;
            }
        }
    }
    return found;
}

static void
test_find_is_naive_find(void **state)
{
    char text[40], sub[6];
    unsigned seed = 9;
    int round;
    (void)state;
    for (round = 0; round < 5000; round++) {
        size_t n, m, i;
        int64_t index;
        int dir = round % 2 != 0 ? 1 : -1, found;
        mpy_object *s, *t;
        seed = seed * 1103515245u + 12345u;
        n = (seed >> 16) % sizeof text;
        m = 1 + (seed >> 22) % 5;
        for (i = 0; i < n + m; i++) {
            seed = seed * 1103515245u + 12345u;
            *(i < n ? &text[i] : &sub[i - n]) = (char)('a' + (seed >> 16) % 2);
        }
        s = api_good(mpy_str_from_utf8_n(text, n));
        t = api_good(mpy_str_from_utf8_n(sub, m));
        found = mpy_str_find(s, t, 0, PTRDIFF_MAX, dir, &index);
        assert_true(index == naive(text, n, sub, m, dir));
        assert_int_equal(found, index >= 0);
        assert_int_equal(mpy_str_contains(s, t), found);
        mpy_decref(s);
        mpy_decref(t);
    }
}

/* Seconds that a search backwards takes in n bytes that all look like the text sought. */
static double
worst_case(size_t n)
{
    char *text = malloc(n);
    mpy_object *s, *sub;
    int64_t index;
    clock_t begin;
    memset(text, 'a', n);
    s = api_good(mpy_str_from_utf8_n(text, n));
    text[n / 2 - 1] = 'b';
    sub = api_good(mpy_str_from_utf8_n(text, n / 2));
    begin = clock();
    assert_int_equal(mpy_str_find(s, sub, 0, PTRDIFF_MAX, -1, &index), 0);
    mpy_decref(s);
    mpy_decref(sub);
    free(text);
    return (double)(clock() - begin) / CLOCKS_PER_SEC;
}

/* A quadratic search would need minutes. */
static void
test_find_last_is_linear(void **state)
{
    (void)state;
    assert_true(worst_case(2000000) < 2.0);
}

static void
test_window(void **state)
{
    mpy_object *s = api_good(mpy_str_from_utf8("abcabc")),
               *sub = api_good(mpy_str_from_utf8("abc"));
    mpy_object *none = api_good(mpy_str_from_utf8(""));
    int64_t index;
    (void)state;
    assert_int_equal(mpy_str_find(s, sub, -5, 3, 1, &index), 1);
    assert_int_equal(index, 0);
    assert_int_equal(mpy_str_find(s, sub, 1, 5, 1, &index), 0);
    assert_int_equal(index, -1);
    assert_int_equal(mpy_str_find(s, none, 6, 99, 1, &index), 1);
    assert_int_equal(index, 6);
    assert_int_equal(mpy_str_find(s, none, 7, 99, 1, &index), 0);
    assert_int_equal(mpy_str_find(s, none, 4, 2, 1, &index), 0);
    assert_int_equal(mpy_str_find(s, MPY_NONE, 0, 9, 1, &index), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(s);
    mpy_decref(sub);
}

/* Results that are the argument are not copied. */
static void
test_nothing_to_do(void **state)
{
    mpy_object *s = api_good(mpy_str_from_utf8("abc")), *x = api_good(mpy_str_from_utf8("xy")), *o;
    (void)state;
    o = api_good(mpy_str_replace(s, x, s, -1));
    assert_ptr_equal(o, s);
    mpy_decref(o);
    o = api_good(mpy_str_split(s, x, -1));
    assert_int_equal(mpy_list_length(o), 1);
    mpy_decref(o);
    assert_null(mpy_str_split(s, mpy_str_intern(""), -1));
    api_expect_error(MPY_EXC_VALUE_ERROR);
    mpy_decref(s);
    mpy_decref(x);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_find_is_naive_find, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_find_last_is_linear, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_window, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_nothing_to_do, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
