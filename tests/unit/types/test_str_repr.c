/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_str_repr.c - quotes and escapes; CPython's are in api/data/str.txt.
 */
#include "support/api_world.h"

#include "types/str.h"

static void
expect(const char *text, size_t n, const char *repr)
{
    mpy_object *s = api_good(mpy_str_from_utf8_n(text, n)), *r = api_good(mpyi_str_repr(s));
    assert_string_equal(mpyi_str_data(mpyi_str_of(r)), repr);
    mpy_decref(s);
    mpy_decref(r);
}

static void
test_quotes(void **state)
{
    (void)state;
    expect("", 0, "''");
    expect("plain", 5, "'plain'");
    expect("it's", 4, "\"it's\"");
    expect("\"", 1, "'\"'");
    expect("'\"", 2, "'\\'\"'");
}

static void
test_escapes(void **state)
{
    (void)state;
    expect("a\\b", 3, "'a\\\\b'");
    expect("\t\n\r", 3, "'\\t\\n\\r'");
    expect("\0\x1F\x7F", 3, "'\\x00\\x1f\\x7f'");
    expect("\xC2\xA0", 2, "'\\xa0'");
    expect("\xE2\x80\xA8x", 4, "'\\u2028x'");
    expect("\xF3\xA0\x80\x81", 4, "'\\U000e0001'");
    expect("x\xE2\x82\xACy", 5, "'x\xE2\x82\xACy'");
}

/* What comes out is valid and counted right. */
static void
test_counts_characters(void **state)
{
    mpy_object *s = api_good(mpy_str_from_utf8("\xE2\x82\xAC\n\xE2\x82\xAC")), *r;
    (void)state;
    r = api_good(mpyi_str_repr(s));
    assert_int_equal(mpy_str_length(r), 6);
    mpy_decref(s);
    mpy_decref(r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_quotes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_escapes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_counts_characters, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
