/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_format.c - numbers against the C library's printf, text, and the buffer that
 * cannot fail.
 */
#include "support/api_world.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "types/format.h"

#define EURO "\xE2\x82\xAC"

/* What the buffer gets; the static buffer is overwritten by the next call. */
static const char *
formatted(size_t size, const char *fmt, ...)
{
    static char buffer[300];
    va_list args;
    size_t n;
    memset(buffer, '#', sizeof buffer);
    va_start(args, fmt);
    n = mpyi_format_buffer(buffer, size, fmt, args);
    va_end(args);
    assert_true(n < size && buffer[n] == 0 && strlen(buffer) == n);
    assert_int_equal(buffer[size], '#');
    return buffer;
}

/* Every combination of flags, width, precision and conversion, as printf does it. */
static void
test_like_printf(void **state)
{
    static const char *const flags[] = {"", "-", "+", " ", "0", "#", "-0", "+0", " -", "#0", "+-"};
    static const char *const amounts[] = {"", "1", "9", "12.0", ".0", ".5", "7.3", "3.7"};
    static const char conversions[] = "diuxXo";
    static const int values[] = {0, 1, -1, 42, INT_MAX, INT_MIN};
    char fmt[32], expected[100];
    size_t f, a, c, v;
    (void)state;
    for (f = 0; f < sizeof flags / sizeof flags[0]; f++) {
        for (a = 0; a < sizeof amounts / sizeof amounts[0]; a++) {
            for (c = 0; conversions[c] != 0; c++) {
                snprintf(fmt, sizeof fmt, "[%%%s%s%c]", flags[f], amounts[a], conversions[c]);
                for (v = 0; v < sizeof values / sizeof values[0]; v++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                    snprintf(expected, sizeof expected, fmt, values[v]);
#pragma GCC diagnostic pop
                    if (strcmp(formatted(200, fmt, values[v]), expected) != 0) {
                        fail_msg("%s of %d: expected %s, got %s", fmt, values[v], expected,
                                 formatted(200, fmt, values[v]));
                    }
                }
            }
        }
    }
}

static void
test_sizes(void **state)
{
    (void)state;
    assert_string_equal(formatted(200, "%hhd %hd %ld %lld", 257, 65537, LONG_MIN, LLONG_MAX),
                        "1 1 -9223372036854775808 9223372036854775807");
    assert_string_equal(formatted(200, "%hhu %hx %lu %llX", 257, 65537, ULONG_MAX, ULLONG_MAX),
                        "1 1 18446744073709551615 FFFFFFFFFFFFFFFF");
    assert_string_equal(formatted(200, "%zd %zu %jd %ju %td", (ptrdiff_t)-1, SIZE_MAX, INTMAX_MIN,
                                  UINTMAX_MAX, (ptrdiff_t)5),
                        "-1 18446744073709551615 -9223372036854775808 18446744073709551615 5");
    assert_string_equal(formatted(200, "%*d|%-*d|%.*d", 4, 7, 4, 7, 3, 7), "   7|7   |007");
    assert_string_equal(formatted(200, "%*d|%.*d", -4, 7, -1, 7), "7   |7");
    assert_string_equal(formatted(200, "%p %5p", (void *)0x1f, NULL), "0x1f   0x0");
}

static void
test_text(void **state)
{
    (void)state;
    assert_string_equal(formatted(200, "%s|%5s|%-5s|%.2s", "abc", "abc", "abc", "abc"),
                        "abc|  abc|abc  |ab");
    assert_string_equal(formatted(200, "%3s|%.3s|%.2s|%s", EURO, EURO, EURO, (char *)NULL),
                        "  " EURO "|" EURO "||(null)");
    assert_string_equal(formatted(200, "%c%c%3c%%", 'a', 0x20AC, 'b'), "a" EURO "  b%");
    assert_string_equal(formatted(200, "%T %6T|%.2T", MPY_NONE, mpy_int_from_i64(1), MPY_TRUE),
                        "NoneType    int|bo");
    assert_string_equal(formatted(200, ""), "");
}

static void
test_buffer_takes_everything(void **state)
{
    (void)state;
    assert_string_equal(formatted(5, "%s", "abcdefgh"), "abcd");
    assert_string_equal(formatted(5, "ab%s", EURO), "ab");
    assert_string_equal(formatted(6, "ab%sx", EURO), "ab" EURO);
    assert_string_equal(formatted(5, "ab%scd", EURO), "ab"); /* nothing follows a cut */
    assert_string_equal(formatted(1, "abc"), "");
    assert_string_equal(formatted(4, "%9999d", 1), "   ");
    assert_string_equal(formatted(50, "a\xFF%s", "b\xC3z"), "a?b?z");
    assert_string_equal(formatted(50, "%c", 0xD800), "?");
    assert_string_equal(formatted(50, "%d %y %d", 1, 2), "1 %y %d");
    assert_string_equal(formatted(50, "%R", NULL), "%R");
    assert_string_equal(formatted(50, "%d %9999999d", 1, 2), "1 %9999999d");
    assert_string_equal(formatted(50, "%d%", 1), "1%");
}

static void
expect_error(int code, const char *message, const char *fmt, ...)
{
    char text[200];
    struct mpy_strwriter w;
    va_list args;
    va_start(args, fmt);
    mpyi_writer_init(&w, mpyi_current());
    assert_int_equal(mpyi_format_write(&w, "test", MPYI_FORMAT_OBJECTS, fmt, args), -1);
    mpyi_writer_discard(&w);
    va_end(args);
    assert_int_equal(api_take_error(text, sizeof text), code);
    assert_string_equal(text, message);
}

static void
test_writer_raises(void **state)
{
    (void)state;
    expect_error(MPY_EXC_VALUE_ERROR, "test(): unknown conversion in format '%y" EURO "'",
                 "x %y" EURO);
    expect_error(MPY_EXC_VALUE_ERROR, "test(): unknown conversion in format '%f'", "%f", 1.0);
    expect_error(MPY_EXC_VALUE_ERROR, "test(): unknown conversion in format '%'", "%");
    expect_error(MPY_EXC_VALUE_ERROR, "test(): unknown conversion in format '%ll'", "%ll");
    expect_error(MPY_EXC_VALUE_ERROR,
                 "test(): width or precision out of range in format '%1000001d'", "%1000001d", 1);
    expect_error(MPY_EXC_VALUE_ERROR, "test(): %c: -1 is no valid code point", "%c", -1);
    expect_error(MPY_EXC_VALUE_ERROR, "test(): invalid UTF-8: byte 0xff at 1", "%s", "a\xFF");
    expect_error(MPY_EXC_API, "test(): argument '%T': expected object, got NULL", "%T", NULL);
    expect_error(MPY_EXC_API, "test(): argument '%O': expected object, got NULL", "%O", NULL);
}

static void
test_objects(void **state)
{
    mpy_object *s = api_good(mpy_str_from_utf8("a" EURO "b")), *o;
    (void)state;
    o = api_good(mpyi_str_format(mpyi_current(), "test", "%O %R %5O|%-7R|%.2O", s, s, s, s, s));
    assert_string_equal(mpyi_str_data(mpyi_str_of(o)),
                        "a" EURO "b 'a" EURO "b'   a" EURO "b|'a" EURO "b'  |a" EURO);
    assert_int_equal(mpy_str_length(o), 26);
    mpy_decref(o);
    mpy_decref(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_like_printf, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_sizes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_text, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_buffer_takes_everything, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_writer_raises, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_objects, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
