/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_range.c - counting without overflow, elements, equality, hash and repr of ranges.
 */
#include "support/api_world.h"

#include <stdlib.h>

#include "types/iter.h"

static mpy_object *
range(int64_t start, int64_t stop, int64_t step)
{
    return api_good(mpy_iter_range(start, stop, step));
}

static void
test_counts(void **state)
{
    static const struct {
        int64_t start, stop, step;
        uint64_t count;
    } rows[] = {
        {0, 0, 1, 0},
        {0, 3, 1, 3},
        {0, 10, 3, 4},
        {0, 9, 3, 3},
        {3, 0, 1, 0},
        {3, 0, -1, 3},
        {10, 0, -3, 4},
        {0, 3, -1, 0},
        {INT64_MIN, INT64_MAX, 1, UINT64_MAX},
        {INT64_MAX, INT64_MIN, -1, UINT64_MAX},
        {INT64_MIN, INT64_MAX, INT64_MAX, 3},
        {INT64_MAX, INT64_MIN, INT64_MIN, 2},
        {0, INT64_MAX, INT64_MAX, 1},
        {0, 1, INT64_MAX, 1},
        {0, -1, INT64_MIN, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mpy_object *r = range(rows[i].start, rows[i].stop, rows[i].step);
        assert_true(mpyi_range(r)->count == rows[i].count);
        if (rows[i].count <= (uint64_t)PTRDIFF_MAX) {
            assert_true((uint64_t)mpy_object_length(r) == rows[i].count);
        } else {
            assert_int_equal(mpy_object_length(r), -1);
            api_expect_error(MPY_EXC_OVERFLOW_ERROR);
        }
        assert_int_equal(mpy_object_is_true(r), rows[i].count != 0);
        assert_int_equal(mpy_object_sizeof(r), 48);
        assert_int_equal(mpy_gc_is_tracked(r), 0);
        mpy_decref(r);
    }
    assert_null(mpy_iter_range(0, 1, 0));
    api_expect_error(MPY_EXC_VALUE_ERROR);
}

/* Ranges against loops. */
static void
test_elements(void **state)
{
    (void)state;
    for (int64_t start = -4; start <= 4; start++) {
        for (int64_t stop = -4; stop <= 4; stop++) {
            for (int64_t step = -3; step <= 3; step++) {
                mpy_object *r, *it, *item;
                int64_t value = start;
                uint32_t members = 0;
                if (step == 0) {
                    continue;
                }
                r = range(start, stop, step);
                it = api_good(mpy_iter_get(r));
                while (api_done(mpy_iter_next(it, &item)) > 0) {
                    assert_true(step > 0 ? value < stop : value > stop);
                    assert_ptr_equal(item, mpy_int_from_i64(value));
                    members |= 1u << (value + 16);
                    value += step;
                }
                assert_false(step > 0 ? value < stop : value > stop);
                for (int64_t v = -10; v <= 10; v++) {
                    assert_int_equal(mpy_object_contains(r, mpy_int_from_i64(v)),
                                     members >> (v + 16) & 1);
                    assert_int_equal(mpy_object_contains(r, mpy_float_from_double((double)v)),
                                     members >> (v + 16) & 1);
                }
                mpy_decref(it);
                mpy_decref(r);
            }
        }
    }
}

static void
test_items(void **state)
{
    mpy_object *r = range(10, 20, 3);
    mpy_object *huge = range(INT64_MIN, INT64_MAX, 1);
    (void)state;
    assert_ptr_equal(mpy_object_get_item(r, mpy_int_from_i64(0)), mpy_int_from_i64(10));
    assert_ptr_equal(mpy_object_get_item(r, mpy_int_from_i64(3)), mpy_int_from_i64(19));
    assert_ptr_equal(mpy_object_get_item(r, mpy_int_from_i64(-1)), mpy_int_from_i64(19));
    assert_null(mpy_object_get_item(r, mpy_int_from_i64(4)));
    api_expect_error(MPY_EXC_INDEX_ERROR);
    assert_null(mpy_object_get_item(r, mpy_int_from_i64(-5)));
    api_expect_error(MPY_EXC_INDEX_ERROR);
    assert_null(mpy_object_get_item(r, MPY_NONE));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_int_equal(mpy_object_set_item(r, mpy_int_from_i64(0), MPY_NONE), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_int_equal(mpy_object_contains(huge, mpy_int_from_i64(MPY_INT_MIN)), 1);
    assert_int_equal(mpy_object_contains(huge, mpy_int_from_i64(MPY_INT_MAX)), 1);
    assert_int_equal(mpy_object_contains(r, MPY_NONE), 0);
    mpy_decref(r);
    mpy_decref(huge);
}

static void
test_equality(void **state)
{
    static const struct {
        int64_t a[3], b[3];
        int equal;
    } rows[] = {
        {{0, 3, 1}, {0, 3, 1}, 1},  {{0, 3, 2}, {0, 4, 2}, 1}, {{0, 0, 1}, {5, 5, -1}, 1},
        {{7, 8, 1}, {7, 10, 5}, 1}, {{0, 3, 1}, {0, 4, 1}, 0}, {{0, 3, 1}, {1, 4, 1}, 0},
        {{0, 4, 1}, {0, 8, 2}, 0},  {{0, 0, 1}, {0, 1, 1}, 0},
    };
    mpy_object *r = range(0, 3, 1);
    mpy_object *list = api_good(mpy_list_new(0));
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mpy_object *a = range(rows[i].a[0], rows[i].a[1], rows[i].a[2]);
        mpy_object *b = range(rows[i].b[0], rows[i].b[1], rows[i].b[2]);
        int64_t ha, hb;
        assert_int_equal(mpy_object_compare_bool(a, b, MPY_EQ), rows[i].equal);
        assert_int_equal(mpy_object_compare_bool(a, b, MPY_NE), !rows[i].equal);
        api_done(mpy_object_hash(a, &ha));
        api_done(mpy_object_hash(b, &hb));
        assert_int_equal(ha == hb, rows[i].equal);
        mpy_decref(a);
        mpy_decref(b);
    }
    assert_int_equal(mpy_object_compare_bool(r, list, MPY_EQ), 0);
    assert_int_equal(mpy_object_compare_bool(r, r, MPY_LT), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(r);
    mpy_decref(list);
}

static void
test_repr(void **state)
{
    static const struct {
        int64_t start, stop, step;
        const char *text;
    } rows[] = {
        {0, 3, 1, "range(0, 3)"},
        {-5, 5, 2, "range(-5, 5, 2)"},
        {INT64_MIN, INT64_MAX, -1, "range(-9223372036854775808, 9223372036854775807, -1)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mpy_object *r = range(rows[i].start, rows[i].stop, rows[i].step);
        char *text = api_repr(r);
        assert_string_equal(text, rows[i].text);
        free(text);
        mpy_decref(r);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counts, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_elements, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_items, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_equality, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_repr, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
