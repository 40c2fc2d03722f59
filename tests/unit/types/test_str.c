/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_str.c - the layout of a str: flags, tail, index, equality, order.
 */
#include "support/api_world.h"

#include <stdlib.h>

#include "types/str.h"

#define EURO "\xE2\x82\xAC"

static struct mpyi_str *
make(const char *utf8)
{
    return mpyi_str_of(api_good(mpyi_str_new(mpyi_current(), "test", utf8, strlen(utf8))));
}

static void
drop(struct mpyi_str *s)
{
    mpy_decref(mpyi_str_object(s));
}

static void
test_flags(void **state)
{
    struct mpyi_str *ascii = make("plain"), *wide = make("x" EURO);
    (void)state;
    assert_true(mpyi_str_is_ascii(ascii) && !mpyi_str_is_interned(ascii));
    assert_false(mpyi_str_is_ascii(wide));
    assert_int_equal(mpyi_str_size(wide), 4);
    assert_int_equal(mpyi_str_chars(wide), 2);
    assert_null(mpyi_str_tail(wide)->index);
    assert_true(ascii->hash == 0);
    assert_true(mpyi_str_hash(ascii) == mpyi_hash_bytes("plain", 5) && ascii->hash != 0);
    drop(ascii);
    drop(wide);
}

/* What is short is shared and costs nothing. */
static void
test_short_are_static(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    unsigned c;
    (void)state;
    for (c = 0; c < 128; c++) {
        char text[2] = {(char)c, 0};
        mpy_object *o = mpyi_str_new(t, "test", text, 1);
        assert_ptr_equal(o, mpyi_str_object(mpyi_str_ascii_char(c)));
        assert_ptr_equal(o, mpyi_str_from_code(t, c));
        assert_true(mpyi_head(o)->refcnt == 0xFFFFFFFFu);
        assert_true(mpyi_str_equal_bytes(mpyi_str_of(o), text, 1));
    }
    assert_ptr_equal(mpyi_str_new(t, "test", "", 0), mpyi_str_object(mpyi_str_empty()));
}

/* Equality with a difference at every place of every length around the word sizes. */
static void
test_equality(void **state)
{
    char text[41];
    size_t n, at;
    (void)state;
    for (n = 2; n < sizeof text; n++) {
        struct mpyi_str *a, *b;
        memset(text, 'q', n);
        text[n] = 0;
        a = make(text);
        b = make(text);
        assert_ptr_not_equal(a, b);
        assert_true(mpyi_str_equal(a, b) && mpyi_str_order(a, b) == 0);
        drop(b);
        for (at = 0; at < n; at++) {
            text[at] = 'r';
            b = make(text);
            assert_false(mpyi_str_equal(a, b));
            assert_false(mpyi_str_equal_bytes(a, text, n));
            assert_true(mpyi_str_order(a, b) < 0 && mpyi_str_order(b, a) > 0);
            drop(b);
            text[at] = 'q';
        }
        drop(a);
    }
}

static void
test_order_is_by_code_point(void **state)
{
    static const char *const ordered[] = {"",         "A",  "AA",           "B",
                                          "\xC3\xA9", EURO, "\xEF\xBF\xBF", "\xF0\x9F\x98\x80"};
    size_t i, k;
    (void)state;
    for (i = 0; i < 8; i++) {
        for (k = 0; k < 8; k++) {
            struct mpyi_str *a = make(ordered[i]), *b = make(ordered[k]);
            int order = mpyi_str_order(a, b);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
            drop(a);
            drop(b);
        }
    }
}

static char *
long_text(size_t chars)
{
    char *text = malloc(3 * chars + 1);
    size_t i;
    for (i = 0; i < chars; i++) {
        memcpy(text + 3 * i, EURO, 3);
    }
    text[3 * chars] = 0;
    return text;
}

static void
test_index(void **state)
{
    struct api_world *world = *state;
    struct mpyi_thread *t = mpyi_current();
    char *text = long_text(1000);
    struct mpyi_str *s = make(text);
    size_t i;
    ptrdiff_t before = mpy_object_sizeof(mpyi_str_object(s));
    free(text);
    /* Without memory for the index, the answers are the same. */
    assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_AFTER, 1), 0);
    assert_int_equal(mpyi_str_offset(t, s, 777), 3 * 777);
    assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
    assert_null(mpyi_str_tail(s)->index);
    assert_false(mpyi_err_occurred(t));
    for (i = 0; i <= 1000; i++) {
        assert_int_equal(mpyi_str_offset(t, s, i), 3 * i);
    }
    assert_non_null(mpyi_str_tail(s)->index);
    assert_int_equal(mpy_object_sizeof(mpyi_str_object(s)), before + 1000 / 64 * 8);
    drop(s);
}

static void
test_short_text_has_no_index(void **state)
{
    char *text = long_text(100);
    struct mpyi_str *s = make(text);
    (void)state;
    free(text);
    assert_int_equal(mpyi_str_offset(mpyi_current(), s, 99), 297);
    assert_null(mpyi_str_tail(s)->index);
    drop(s);
}

static void
test_too_long(void **state)
{
    struct mpyi_str *s = make("ab");
    (void)state;
    assert_null(mpyi_str_alloc(mpyi_current(), MPYI_STR_MAX + 1, MPYI_STR_MAX + 1));
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_null(mpy_number_multiply(mpyi_str_object(s), mpy_int_from_i64(MPY_INT_MAX)));
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_null(mpy_number_multiply(mpyi_str_object(s), mpy_int_from_i64(MPY_INT_MAX / 8)));
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    drop(s);
}

MPYI_STATIC_STR(first_static, "a static text of this test");

static void
test_static(void **state)
{
    mpy_object *o = mpyi_str_object(first_static);
    uint32_t count = mpyi_head(o)->refcnt;
    (void)state;
    assert_true(mpyi_str_is_interned(first_static) && mpyi_str_is_ascii(first_static));
    assert_true(first_static->hash == mpy_hash_bytes("a static text of this test", 26));
    mpy_incref(o);
    assert_true(mpyi_head(o)->refcnt == count);
    assert_int_equal(mpy_str_length(o), 26);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_flags, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_short_are_static, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_equality, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_order_is_by_code_point, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_index, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_short_text_has_no_index, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_too_long, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_static, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
