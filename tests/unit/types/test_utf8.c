/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_utf8.c - every code point there and back, every kind of mistake, and walking.
 */
#include "support/cm.h"

#include "types/utf8.h"

#include <stdio.h>

static void
test_every_code_point(void **state)
{
    uint32_t code;
    size_t n, width;
    char utf8[4];
    (void)state;
    for (code = 0; code <= MPYI_CODE_MAX; code++) {
        n = mpyi_utf8_encode(code, utf8);
        if (mpyi_code_is_valid(code)) {
            assert_int_equal(mpyi_utf8_check(utf8, n, NULL), 1);
            assert_int_equal(mpyi_utf8_decode(utf8, &width), code);
            assert_int_equal(width, n);
            assert_int_equal(mpyi_utf8_width(utf8[0]), n);
        } else {
            assert_true(mpyi_utf8_check(utf8, n, NULL) == SIZE_MAX);
        }
    }
    assert_false(mpyi_code_is_valid(MPYI_CODE_MAX + 1));
}

/* All sequences of two bytes, and of three and four with the interesting second bytes: valid are
   exactly those that decode to a code point encoded the same way. */
static void
test_every_sequence(void **state)
{
    static const unsigned char seconds[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0};
    unsigned first, i, third;
    (void)state;
    for (first = 0x80; first < 0x100; first++) {
        for (i = 0; i < sizeof seconds; i++) {
            for (third = 0x70; third < 0xD0; third += 0x10) {
                char bytes[4] = {(char)first, (char)seconds[i], (char)third, (char)0xBF};
                size_t n;
                for (n = 1; n <= 4; n++) {
                    char again[4];
                    size_t width = 0;
                    int valid = n == (first < 0xE0   ? 2u
                                      : first < 0xF0 ? 3u
                                                     : 4u) &&
                                (seconds[i] & 0xC0) == 0x80 && (n < 3 || (third & 0xC0) == 0x80);
                    if (valid) {
                        uint32_t code = mpyi_utf8_decode(bytes, &width);
                        valid = first >= 0xC0 && mpyi_code_is_valid(code) &&
                                mpyi_utf8_encode(code, again) == n && memcmp(bytes, again, n) == 0;
                    }
                    if ((mpyi_utf8_check(bytes, n, NULL) == 1) != valid) {
                        fail_msg("%02x %02x %02x bf, %zu bytes: valid is %d", first, seconds[i],
                                 third, n, valid);
                    }
                }
            }
        }
    }
}

static void
test_position_of_mistakes(void **state)
{
    char text[64];
    size_t at, bad;
    (void)state;
    for (at = 0; at < 60; at++) {
        memset(text, 'x', sizeof text);
        text[at] = '\xFF';
        bad = 99;
        assert_true(mpyi_utf8_check(text, sizeof text, &bad) == SIZE_MAX);
        assert_int_equal(bad, at);
        assert_false(mpyi_utf8_is_ascii(text, at + 1));
        assert_true(mpyi_utf8_is_ascii(text, at));
    }
    assert_true(mpyi_utf8_check("ab\xE2\x82", 4, &bad) == SIZE_MAX);
    assert_int_equal(bad, 2);
}

/* Offsets, counts and cuts against a walk by characters. */
static void
test_walking(void **state)
{
    static const char *const parts[] = {"a", "bcdefghijklmnop", "\xC3\xA9", "\xE2\x82\xAC",
                                        "\xF0\x9F\x98\x80"};
    char text[256];
    size_t begins[256], n = 0, chars = 0, i, cut;
    unsigned seed = 5;
    (void)state;
    while (n < 200) {
        const char *part;
        size_t width;
        seed = seed * 1103515245u + 12345u;
        part = parts[(seed >> 16) % 5];
        for (i = 0; part[i] != 0; i += width) {
            width = mpyi_utf8_width(part[i]);
            begins[chars++] = n + i;
        }
        memcpy(text + n, part, strlen(part));
        n += strlen(part);
    }
    begins[chars] = n;
    assert_int_equal(mpyi_utf8_check(text, n, NULL), chars);
    for (i = 0; i <= chars; i++) {
        assert_int_equal(mpyi_utf8_offset(text, n, i), begins[i]);
        assert_int_equal(mpyi_utf8_count(text, begins[i]), i);
    }
    assert_int_equal(mpyi_utf8_offset(text, n, chars + 5), n);
    for (cut = 0, i = 0; cut <= n; cut++) {
        i += begins[i + 1] <= cut && i < chars;
        assert_int_equal(mpyi_utf8_cut(text, cut), begins[i]);
    }
}

static void
test_classes(void **state)
{
    static const uint32_t plain[] = {' ', 'a', '~', 0xA1, 0xE9, 0x20AC, 0x1F600};
    static const uint32_t odd[] = {0, 0x1F, 0x7F, 0x80, 0xA0, 0xAD, 0x2028, 0x3000, 0xE000, 0xFFFF};
    static const uint32_t blanks[] = {' ', '\t', '\n', 0x1C, 0x85, 0xA0, 0x2003, 0x3000};
    size_t i;
    (void)state;
    for (i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        assert_true(mpyi_code_is_printable(plain[i]));
    }
    for (i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        assert_false(mpyi_code_is_printable(odd[i]));
    }
    for (i = 0; i < sizeof blanks / sizeof blanks[0]; i++) {
        assert_true(mpyi_code_is_blank(blanks[i]));
    }
    assert_false(mpyi_code_is_blank('x'));
    assert_false(mpyi_code_is_blank(0x200B));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_every_sequence),
        cmocka_unit_test(test_position_of_mistakes),
        cmocka_unit_test(test_walking),
        cmocka_unit_test(test_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
