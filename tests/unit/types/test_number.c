/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_number.c - the fast paths agree with the slots, and comparison is exact.
 */
#include "support/api_world.h"

#include <math.h>

#include "types/number.h"

#define NOT_IMPLEMENTED mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED)

/* Sums, differences and products at the limits, against 128 bits. */
static void
test_int_limits(void **state)
{
    static const int64_t values[] = {0,
                                     1,
                                     -1,
                                     2,
                                     -2,
                                     3,
                                     MPY_INT_MAX,
                                     MPY_INT_MIN,
                                     MPY_INT_MAX - 1,
                                     MPY_INT_MIN + 1,
                                     INT64_C(1) << 31,
                                     -(INT64_C(1) << 31),
                                     INT64_C(1) << 61,
                                     -(INT64_C(1) << 61)};
    static mpy_object *(*const functions[])(mpy_object *, mpy_object *) = {
        mpy_number_add, mpy_number_subtract, mpy_number_multiply};
    size_t i, k, f, n = sizeof values / sizeof values[0];
    (void)state;
    for (i = 0; i < n; i++) {
        for (k = 0; k < n; k++) {
            mpy_object *a = mpy_int_from_i64(values[i]), *b = mpy_int_from_i64(values[k]);
            for (f = 0; f < 3; f++) {
                long double exact = f == 0   ? (long double)values[i] + (long double)values[k]
                                    : f == 1 ? (long double)values[i] - (long double)values[k]
                                             : (long double)values[i] * (long double)values[k];
                int fits = exact >= (long double)MPY_INT_MIN && exact <= (long double)MPY_INT_MAX;
                mpy_object *result = functions[f](a, b);
                if (fits) {
                    assert_ptr_equal(result, mpy_int_from_i64((int64_t)exact));
                } else {
                    assert_null(result);
                    api_expect_error(MPY_EXC_OVERFLOW_ERROR);
                }
            }
        }
    }
}

static void
test_exact_comparison(void **state)
{
    (void)state;
    assert_int_equal(mpyi_compare_i64_double(MPY_INT_MAX, 0x1p62), -1);
    assert_int_equal(mpyi_compare_i64_double(MPY_INT_MIN, -0x1p62), 0);
    assert_int_equal(mpyi_compare_i64_double((INT64_C(1) << 53) + 1, 0x1p53), 1);
    assert_int_equal(mpyi_compare_i64_double(0, 5e-324), -1);
    assert_int_equal(mpyi_compare_i64_double(0, -5e-324), 1);
    assert_int_equal(mpyi_compare_i64_double(0, -0.0), 0);
    assert_int_equal(mpyi_compare_i64_double(-3, -3.5), 1);
    assert_int_equal(mpyi_compare_i64_double(1, HUGE_VAL), -1);
    assert_int_equal(mpyi_compare_i64_double(1, -HUGE_VAL), 1);
    assert_int_equal(mpyi_compare_i64_double(1, NAN), 2);
    assert_int_equal(mpyi_compare_i64_double(INT64_MIN, -0x1p63), 0);
}

static void
test_nan_is_unordered(void **state)
{
    mpy_object *nan = api_good(mpy_float_from_double(NAN)), *one = mpy_int_from_i64(1);
    mpy_object *real = api_good(mpy_float_from_double(2.0));
    int op;
    (void)state;
    for (op = MPY_LT; op <= MPY_GE; op++) {
        assert_int_equal(mpyi_number_compare(nan, one, op), op == MPY_NE);
        assert_int_equal(mpyi_number_compare(one, nan, op), op == MPY_NE);
        assert_int_equal(mpyi_number_compare(real, nan, op), op == MPY_NE);
        assert_int_equal(mpyi_number_compare(nan, nan, op), op == MPY_NE);
        assert_int_equal(mpyi_number_compare(one, MPY_NONE, op), -1);
    }
    mpy_decref(nan);
}

static void
test_slots(void **state)
{
    mpy_object *one = mpy_int_from_i64(1), *half = api_good(mpy_float_from_double(0.5));
    mpy_object *text = api_good(mpy_str_from_utf8("text"));
    (void)state;
    assert_ptr_equal(mpyi_int_add(one, text), NOT_IMPLEMENTED);
    assert_ptr_equal(mpyi_int_subtract(text, one), NOT_IMPLEMENTED);
    assert_ptr_equal(mpyi_number_compare_slot(one, text, MPY_EQ), NOT_IMPLEMENTED);
    assert_ptr_equal(mpyi_int_add(one, half), mpy_float_from_double(1.5));
    assert_ptr_equal(mpyi_int_multiply(MPY_TRUE, one), one);
    assert_ptr_equal(mpyi_int_true_divide(one, half), mpy_float_from_double(2.0));
    assert_ptr_equal(mpyi_int_floor_divide(one, half), mpy_float_from_double(2.0));
    assert_ptr_equal(mpyi_int_remainder(one, half), mpy_float_from_double(0.0));
    assert_ptr_equal(mpyi_int_negative(MPY_TRUE), mpy_int_from_i64(-1));
    assert_ptr_equal(mpyi_int_negative(text), NOT_IMPLEMENTED);
    mpy_decref(text);
}

static void
test_repeat_count(void **state)
{
    size_t n = 9;
    (void)state;
    assert_int_equal(mpyi_repeat_count(mpy_int_from_i64(-5), &n), 1);
    assert_int_equal(n, 0);
    assert_int_equal(mpyi_repeat_count(MPY_TRUE, &n), 1);
    assert_int_equal(n, 1);
    assert_int_equal(mpyi_repeat_count(MPY_NONE, &n), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_int_limits, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_exact_comparison, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_nan_is_unordered, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_slots, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_repeat_count, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
