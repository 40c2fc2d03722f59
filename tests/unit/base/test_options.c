/* SPDX-License-Identifier: MIT */
/*
 * test_options.c - values of MINIPY_* variables: what parses, what is ignored.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/options.h"

#include <stdlib.h>
#include <string.h>

struct row {
    const char *text;
    int result;
    uint64_t value;
};

static void
numbers_and_suffixes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"0", 0, 0},
        {"1", 0, 1},
        {"0x1F", 0, 31},
        {"4k", 0, 4096},
        {"3M", 0, UINT64_C(3) << 20},
        {"2g", 0, UINT64_C(2) << 30},
        {"0x10k", 0, 16384},
        {"18446744073709551615", 0, UINT64_MAX},
        {"18446744073709551616", -1, 0},
        {"18014398509481984k", -1, 0},
        {"", -1, 0},
        {"k", -1, 0},
        {"0x", -1, 0},
        {"-1", -1, 0},
        {"+1", -1, 0},
        {" 1", -1, 0},
        {"1 ", -1, 0},
        {"1kb", -1, 0},
        {"ten", -1, 0},
        {"1.5m", -1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t value = 0;
        int result = mpyi_option_parse(rows[i].text, 0, UINT64_MAX, &value);
        if (result != rows[i].result || value != rows[i].value) {
            fail_msg("%s: %d, %llu", rows[i].text, result, (unsigned long long)value);
        }
    }
}

static void
range_is_enforced(void **state)
{
    (void)state;
    uint64_t value = 77;
    assert_int_equal(mpyi_option_parse("9", 10, 20, &value), -1);
    assert_int_equal(mpyi_option_parse("21", 10, 20, &value), -1);
    assert_int_equal(value, 77);
    assert_int_equal(mpyi_option_parse("10", 10, 20, &value), 0);
    assert_int_equal(mpyi_option_parse("20", 10, 20, &value), 0);
    assert_int_equal(value, 20);
}

/* Set by main() before anything read the environment. */
static void
environment_is_read_once(void **state)
{
    (void)state;
    const struct mpyi_options *options = mpyi_options_get();
    assert_int_equal(options->keep_bytes, 123 * 1024);
    assert_int_equal(options->decay_ms, 1000);
    setenv("MINIPY_KEEP_BYTES", "7", 1);
    assert_ptr_equal(mpyi_options_get(), options);
    assert_int_equal(options->keep_bytes, 123 * 1024);
}

static void
every_option_is_documented(void **state)
{
    (void)state;
    struct mpyi_option_doc doc;
    size_t count = 0;
    for (; mpyi_option_doc(count, &doc) == 0; count++) {
        assert_memory_equal(doc.name, "MINIPY_", 7);
        assert_true(strlen(doc.text) > 10);
        assert_true(doc.low <= doc.high);
    }
    assert_int_equal(count * sizeof(uint64_t), sizeof(struct mpyi_options));
    assert_int_equal(mpyi_option_doc(SIZE_MAX, &doc), -1);
}

int
main(void)
{
    setenv("MINIPY_KEEP_BYTES", "123k", 1);
    setenv("MINIPY_DECAY_MS", "soon", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_suffixes),
        cmocka_unit_test(range_is_enforced),
        cmocka_unit_test(environment_is_read_once),
        cmocka_unit_test(every_option_is_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
