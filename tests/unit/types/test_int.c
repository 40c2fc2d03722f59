/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_int.c - text of ints, limits of parsing, exact division; what Python computes is
 * in api/data/number.txt.
 */
#include "support/api_world.h"

#include <stdio.h>
#include <string.h>

#include "types/number.h"

static const int64_t edges[] = {0,
                                1,
                                -1,
                                9,
                                10,
                                -10,
                                99999,
                                100000,
                                INT64_MAX,
                                INT64_MIN,
                                MPY_INT_MAX,
                                MPY_INT_MIN,
                                INT64_C(1000000000000000000)};

static void
test_text(void **state)
{
    char expected[40], text[MPYI_INT_TEXT];
    size_t i, n;
    (void)state;
    for (i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        n = (size_t)snprintf(expected, sizeof expected, "%lld", (long long)edges[i]);
        assert_int_equal(mpyi_int_text(edges[i], text), n);
        assert_memory_equal(text, expected, n);
    }
}

static mpy_object *
parse(const char *text, int base)
{
    return mpyi_int_parse(mpyi_current(), "test", text, strlen(text), base);
}

/* Every base reads back what it wrote, up to the limits and not beyond. */
static void
test_every_base(void **state)
{
    int base;
    (void)state;
    for (base = 2; base <= 36; base++) {
        uint64_t rest = (uint64_t)MPY_INT_MAX + 1;
        char text[80];
        size_t at = sizeof text - 1;
        text[at] = 0;
        for (; rest != 0; rest /= (unsigned)base) {
            text[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[rest % (unsigned)base];
        }
        assert_null(parse(text + at, base));
        api_expect_error(MPY_EXC_OVERFLOW_ERROR);
        text[--at] = '-';
        assert_ptr_equal(parse(text + at, base), mpy_int_from_i64(MPY_INT_MIN));
        text[--at] = '-';
        assert_null(parse(text + at, base));
        api_expect_error(MPY_EXC_VALUE_ERROR);
    }
}

static void
test_text_with_nul(void **state)
{
    (void)state;
    assert_null(mpyi_int_parse(mpyi_current(), "test", "1\0", 2, 10));
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_null(mpyi_int_parse(mpyi_current(), "test", "", 0, 0));
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_null(mpy_int_from_str("12\xFF", 10));
    api_expect_error(MPY_EXC_VALUE_ERROR);
}

static void
test_strip_blanks(void **state)
{
    static const char *const texts[] = {"x", "  x", "x  ", "\xE2\x80\x83x\xE3\x80\x80",
                                        "\x1Fx\xC2\xA0 "};
    const char *none = " \t\xC2\xA0";
    size_t i, n;
    (void)state;
    for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *at = texts[i];
        n = strlen(at);
        mpyi_strip_blanks(&at, &n);
        assert_int_equal(n, 1);
        assert_int_equal(*at, 'x');
    }
    n = strlen(none);
    mpyi_strip_blanks(&none, &n);
    assert_int_equal(n, 0);
}

static void
test_floor_division(void **state)
{
    int64_t a, b;
    (void)state;
    for (a = -20; a <= 20; a++) {
        for (b = -7; b <= 7; b++) {
            if (b != 0) {
                int64_t q = mpyi_i64_floor_divide(a, b), r = mpyi_i64_remainder(a, b);
                assert_true(q * b + r == a);
                assert_true(b > 0 ? r >= 0 && r < b : r <= 0 && r > b);
            }
        }
    }
}

/* Quotients that two roundings get wrong; from CPython. */
static void
test_exact_division(void **state)
{
    static const struct {
        int64_t a, b;
        double quotient;
    } cases[] = {{INT64_C(2305843009213693951), INT64_C(9007199254740993), 0x1.fffffffffffffp+7},
                 {INT64_C(4611686018427387903), 3, 0x1.5555555555555p+60},
                 {INT64_C(-4611686018427387904), INT64_C(4611686018427387903), -1.0},
                 {INT64_C(9007199254740993), 1, 0x1p+53},
                 {INT64_C(2971424567229136322), INT64_C(3595665646576013648), 0x1.a71cadc52bdcbp-1},
                 {INT64_C(3583145524838535455), INT64_C(4043301330976426929), 0x1.c5bb1852380c5p-1},
                 {INT64_C(9007199254740995), 1, 9007199254740996.0},
                 {0, INT64_C(4611686018427387903), 0.0}};
    size_t i;
    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(mpyi_i64_divide(cases[i].a, cases[i].b) == cases[i].quotient);
        assert_true(mpyi_i64_divide(-cases[i].a, cases[i].b) == -cases[i].quotient);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_text, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_every_base, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_text_with_nul, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_strip_blanks, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_floor_division, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_exact_division, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
