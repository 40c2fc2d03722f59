/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_float.c - text of floats: shortest, and read back; locales; exact remainders.
 * What Python computes is in api/data/number.txt.
 */
#include "support/api_world.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types/number.h"

static const char *
text_of(double value)
{
    static char text[MPYI_FLOAT_TEXT + 1];
    text[mpyi_float_text(value, text)] = 0;
    return text;
}

static void
test_forms(void **state)
{
    (void)state;
    assert_string_equal(text_of(0.0), "0.0");
    assert_string_equal(text_of(-0.0), "-0.0");
    assert_string_equal(text_of(1.0), "1.0");
    assert_string_equal(text_of(-1.5), "-1.5");
    assert_string_equal(text_of(0.1), "0.1");
    assert_string_equal(text_of(1e15), "1000000000000000.0");
    assert_string_equal(text_of(1e16), "1e+16");
    assert_string_equal(text_of(123456789012345680.0), "1.2345678901234568e+17");
    assert_string_equal(text_of(0.0001), "0.0001");
    assert_string_equal(text_of(0.00001), "1e-05");
    assert_string_equal(text_of(5e-324), "5e-324");
    assert_string_equal(text_of(1.7976931348623157e308), "1.7976931348623157e+308");
    assert_string_equal(text_of(HUGE_VAL), "inf");
    assert_string_equal(text_of(-HUGE_VAL), "-inf");
    assert_string_equal(text_of(NAN), "nan");
}

/* At powers of two the shortest text may not be the nearest one of its length. */
static void
test_powers_of_two(void **state)
{
    int exponent;
    (void)state;
    for (exponent = -1074; exponent < 1024; exponent++) {
        double value = ldexp(1.0, exponent);
        assert_true(strtod(text_of(value), NULL) == value);
    }
    assert_string_equal(text_of(ldexp(1.0, -44)), "5.684341886080802e-14");
    assert_string_equal(text_of(ldexp(1.0, 89)), "6.189700196426902e+26");
    assert_string_equal(text_of(ldexp(1.0, -1022)), "2.2250738585072014e-308");
}

static int
reads_back(const char *text, double value)
{
    return strtod(text, NULL) == value;
}

/* Digits without zeros at either end. */
static int
significant_digits(const char *text)
{
    int digits = 0, zeros = 0;
    for (; *text != 0 && *text != 'e'; text++) {
        if (*text == '0') {
            zeros++;
        } else if (*text >= '1' && *text <= '9') {
            digits += digits == 0 ? 1 : zeros + 1;
            zeros = 0;
        }
    }
    return digits;
}

/* No text of fewer digits reads back. */
static void
test_shortest(void **state)
{
    uint64_t bits = 3;
    double value;
    int i;
    (void)state;
    for (i = 0; i < 3000; i++) {
        const char *text;
        char shorter[40];
        int digits;
        bits = bits * UINT64_C(6364136223846793005) + 1442695040888963407u;
        memcpy(&value, &bits, sizeof value);
        if (value != value || fabs(value) > 1e308) {
            continue;
        }
        text = text_of(value);
        assert_true(reads_back(text, value));
        digits = significant_digits(text);
        snprintf(shorter, sizeof shorter, "%.*e", digits - 2, value);
        assert_true(digits == 1 || !reads_back(shorter, value));
    }
}

static int
parse(const char *text, double *out)
{
    return mpyi_float_parse(mpyi_current(), "test", text, strlen(text), out);
}

/* A decimal comma of the program's locale changes nothing. */
static void
test_locale(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "C.UTF-8"};
    double value;
    size_t i;
    (void)state;
    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (setlocale(LC_ALL, names[i]) != NULL) {
            assert_string_equal(text_of(0.25), "0.25");
            assert_string_equal(text_of(1e100 / 3), "3.333333333333333e+99");
            assert_int_equal(parse("12.5", &value), 0);
            assert_true(value == 12.5);
            assert_int_equal(parse("12,5", &value), -1);
            api_expect_error(MPY_EXC_VALUE_ERROR);
        }
    }
    setlocale(LC_ALL, "C");
}

static void
test_long_text(void **state)
{
    struct api_world *world = *state;
    char text[2000];
    double value;
    memset(text, '1', sizeof text - 1);
    text[sizeof text - 1] = 0;
    text[1] = '.';
    assert_int_equal(parse(text, &value), 0);
    assert_true(fabs(value - 1.1111111111111112) < 1e-15);
    text[sizeof text - 2] = 'x';
    assert_int_equal(parse(text, &value), -1);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_AFTER, 1), 0);
    assert_int_equal(parse(text, &value), -1);
    assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
    api_expect_error(MPY_EXC_MEMORY_ERROR);
}

/* The library's own long division against the C library's. */
static void
test_remainder(void **state)
{
    uint64_t bits = 11;
    int i;
    (void)state;
    for (i = 0; i < 20000; i++) {
        double v[2], expected, got;
        int k;
        for (k = 0; k < 2; k++) {
            bits = bits * UINT64_C(6364136223846793005) + 1442695040888963407u;
            memcpy(&v[k], &bits, sizeof v[k]);
            if (i % 2 != 0) {
                v[k] = (double)((int64_t)bits >> 40) / 64;
            }
        }
        if (v[1] == 0) {
            continue;
        }
        expected = fmod(v[0], v[1]);
        if (expected != 0 && (expected < 0) != (v[1] < 0)) {
            expected += v[1];
        } else if (expected == 0) {
            expected = copysign(0.0, v[1]);
        }
        got = mpyi_double_remainder(v[0], v[1]);
        assert_true((expected != expected && got != got) ||
                    (expected == got && signbit(expected) == signbit(got)));
    }
}

/* Which floats are boxed, and that equal ones hash equal. */
static void
test_boxes(void **state)
{
    static const double boxed[] = {-0.0,    HUGE_VAL, -HUGE_VAL, 5e-324,       0x1p-1022,
                                   0x1p129, 0x1p-128, 1e300,     -0x1.8p-1000, 1e-39};
    static const double plain[] = {0.0, 1.0, -1.0, 0x1p128, 0x1.fffffffffffffp128, 1e-30, 3.14};
    size_t i;
    int64_t hash, again;
    (void)state;
    for (i = 0; i < sizeof boxed / sizeof boxed[0]; i++) {
        mpy_object *a = api_good(mpy_float_from_double(boxed[i]));
        mpy_object *b = api_good(mpy_float_from_double(boxed[i]));
        assert_true(mpy_priv_is_heap(a) && a != b);
        assert_int_equal(mpy_object_sizeof(a), 24);
        assert_int_equal(mpy_object_compare_bool(a, b, MPY_EQ), 1);
        assert_int_equal(mpy_object_hash(a, &hash), 0);
        assert_int_equal(mpy_object_hash(b, &again), 0);
        assert_true(hash == again);
        mpy_decref(a);
        mpy_decref(b);
    }
    for (i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        mpy_object *a = api_good(mpy_float_from_double(plain[i]));
        assert_true(mpyi_is_float_immediate(a) && mpyi_float_value(a) == plain[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_forms, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_powers_of_two, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_shortest, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_locale, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_long_text, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_remainder, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_boxes, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
