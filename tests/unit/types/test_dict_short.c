/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_dict_short.c - the short ways of get, set, del and contains, and what leaves
 * them: texts of each length, counts out of the ordinary, the first table and its growth, ints.
 */
#include "support/api_world.h"

#include "minipy/debug.h"

#include "types/dict_table.h"
#include "types/intern.h"

#define COUNT(o) (mpyi_head(o)->refcnt)

/* A str of n bytes, with its hash known; `at` < n: that byte differs. */
static mpy_object *
text(size_t n, size_t at)
{
    char bytes[64];
    int64_t hash;
    mpy_object *s;
    memset(bytes, 'a', sizeof bytes);
    if (at < n) {
        bytes[at] = 'b';
    }
    s = api_good(mpy_str_from_utf8_n(bytes, n));
    api_done(mpy_object_hash(s, &hash));
    return s;
}

/* get() says `expected` (NULL: not there), and so does contains(). */
static void
expect(mpy_object *d, mpy_object *key, mpy_object *expected)
{
    mpy_object *value = MPY_TRUE;
    assert_int_equal(mpy_dict_get(d, key, &value), expected != NULL);
    assert_ptr_equal(value, expected);
    mpy_xdecref(value);
    assert_int_equal(mpy_dict_contains(d, key), expected != NULL);
}

/* Texts that are equal, and ones that differ in one byte, of each length. */
static void
test_texts(void **state)
{
    (void)state;
    for (size_t n = 2; n <= 40; n++) {
        mpy_object *d = api_good(mpy_dict_new(0));
        mpy_object *key = text(n, n);
        mpy_object *same = text(n, n);
        mpy_object *value = api_good(mpy_list_new(0));
        api_done(mpy_dict_set(d, key, value));
        expect(d, key, value);
        expect(d, same, value);
        for (size_t at = 0; at < n; at++) {
            mpy_object *other = text(n, at);
            /* The hash of the key: only the text tells them apart. */
            mpyi_str_of(other)->hash = mpyi_str_of(key)->hash;
            expect(d, other, NULL);
            mpy_decref(other);
        }
        assert_int_equal(COUNT(value), 2);
        api_done(mpy_dict_set(d, same, MPY_NONE));
        assert_int_equal(COUNT(value), 1);
        assert_int_equal(COUNT(key), 2);
        assert_int_equal(COUNT(same), 1);
        api_done(mpy_dict_del(d, same));
        assert_int_equal(COUNT(key), 1);
        mpy_decref(value);
        mpy_decref(same);
        mpy_decref(key);
        mpy_decref(d);
    }
}

/* An interned key is found by a text that is not interned, and the other way round. */
static void
test_interned(void **state)
{
    mpy_object *interned = api_good(mpy_str_intern("ten bytes."));
    mpy_object *plain = api_good(mpy_str_from_utf8("ten bytes."));
    mpy_object *other = api_good(mpy_str_intern("ten more.."));
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        mpy_object *d = api_good(mpy_dict_new(0));
        api_done(mpy_dict_set(d, turn == 0 ? interned : plain, MPY_TRUE));
        expect(d, interned, MPY_TRUE);
        expect(d, plain, MPY_TRUE);
        expect(d, other, NULL);
        mpyi_str_of(other)->hash = mpyi_str_of(plain)->hash;
        expect(d, other, NULL);
        mpyi_str_of(other)->hash = 0;
        expect(d, other, NULL);
        mpy_decref(d);
    }
    mpy_decref(interned);
    mpy_decref(plain);
    mpy_decref(other);
}

/* Counts that need a call: a key that is its own value, immortal objects, ones that become it. */
static void
test_counts(void **state)
{
    mpy_object *d = api_good(mpy_dict_new(0));
    mpy_object *key = text(10, 10);
    mpy_object *empty = api_good(mpy_str_from_utf8(""));
    int64_t hash;
    (void)state;
    api_done(mpy_object_hash(empty, &hash));
    api_done(mpy_dict_set(d, key, key));
    assert_int_equal(COUNT(key), 3);
    api_done(mpy_dict_clear(d));
    assert_int_equal(COUNT(key), 1);
    api_done(mpy_dict_set(d, empty, empty));
    expect(d, empty, empty);
    for (uint32_t below = 0; below < 4; below++) {
        mpy_object *saturated = text(12, below);
        COUNT(saturated) = MPY_PRIV_REFCNT_SPECIAL - below;
        api_done(mpy_dict_set(d, saturated, saturated));
        assert_int_equal(COUNT(saturated) >= MPY_PRIV_REFCNT_IMMORTAL, below <= 2);
        api_done(mpy_dict_set(d, key, saturated));
        expect(d, saturated, saturated);
        expect(d, key, saturated);
        assert_true(COUNT(saturated) >= MPY_PRIV_REFCNT_SPECIAL - 2);
        api_done(mpy_dict_set(d, key, MPY_NONE));
        api_done(mpy_dict_del(d, saturated));
        COUNT(saturated) = 1;
        mpy_decref(saturated);
    }
    assert_int_equal(COUNT(key), 2);
    mpy_decref(d);
    mpy_decref(empty);
    mpy_decref(key);
}

/* Every size from the first table on, with strs and with ints, after adding and after clearing. */
static void
test_growth(void **state)
{
    mpy_object *keys[80];
    mpy_object *value = api_good(mpy_list_new(0));
    mpy_object *d = api_good(mpy_dict_new(0));
    (void)state;
    for (size_t i = 0; i < 80; i++) {
        keys[i] = i < 40 ? text(40, i) : mpy_int_from_i64(7 * (int64_t)i);
    }
    for (int turn = 0; turn < 3; turn++) {
        size_t from = turn == 1 ? 40 : 0; /* strs and ints; ints; strs */
        size_t to = turn == 2 ? 40 : 80;
        for (size_t i = from; i < to; i++) {
            api_done(mpy_dict_set(d, keys[i], value));
            assert_int_equal(mpyi_dict_check(mpyi_dict(d)), 0);
            assert_int_equal(mpy_dict_length(d), (ptrdiff_t)(i - from + 1));
            assert_int_equal(COUNT(value), i - from + 2);
            for (size_t k = from; k < to; k++) {
                expect(d, keys[k], k <= i ? value : NULL);
            }
        }
        for (size_t i = from; i < to; i += 3) {
            api_done(mpy_dict_del(d, keys[i]));
            expect(d, keys[i], NULL);
            api_done(mpy_dict_set(d, keys[i], value));
        }
        assert_int_equal(mpyi_dict_check(mpyi_dict(d)), 0);
        api_done(mpy_dict_clear(d));
        assert_int_equal(COUNT(value), 1);
    }
    for (size_t i = 0; i < 80; i++) {
        mpy_decref(keys[i]);
    }
    mpy_decref(value);
    mpy_decref(d);
}

/* Ints meet what equals them, in tables of each kind. */
static void
test_ints(void **state)
{
    mpy_object *d = api_good(mpy_dict_new(0));
    mpy_object *tuple = api_good(mpy_tuple_pack(0));
    mpy_object *str = text(3, 3);
    mpy_object *one = mpy_int_from_i64(1);
    mpy_object *whole = api_good(mpy_float_from_double(1.0));
    (void)state;
    expect(d, one, NULL);
    api_done(mpy_dict_set(d, str, MPY_NONE));
    expect(d, one, NULL);
    api_done(mpy_dict_set(d, whole, MPY_FALSE));
    expect(d, one, MPY_FALSE);
    api_done(mpy_dict_set(d, one, MPY_NONE));
    assert_int_equal(mpy_dict_length(d), 2);
    expect(d, whole, MPY_NONE);
    expect(d, MPY_TRUE, MPY_NONE);
    api_done(mpy_dict_set(d, mpy_int_from_i64(-5), str));
    api_done(mpy_dict_set(d, mpy_int_from_i64(-5), one));
    expect(d, mpy_int_from_i64(-5), one);
    assert_int_equal(COUNT(str), 2);
    api_done(mpy_dict_set(d, tuple, MPY_NONE));
    expect(d, one, MPY_NONE);
    api_done(mpy_dict_set(d, mpy_int_from_i64(9), one));
    expect(d, mpy_int_from_i64(9), one);
    expect(d, mpy_int_from_i64(10), NULL);
    assert_int_equal(mpyi_dict_check(mpyi_dict(d)), 0);
    mpy_decref(whole);
    mpy_decref(str);
    mpy_decref(tuple);
    mpy_decref(d);
}

/* The first table cannot be had. */
static void
test_no_memory(void **state)
{
    struct api_world *world = *state;
    mpy_object *keys[2] = {text(10, 10), mpy_int_from_i64(3)};
    for (int i = 0; i < 2; i++) {
        mpy_object *d = api_good(mpy_dict_new(0));
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_NTH, 1), 0);
        assert_int_equal(mpy_dict_set(d, keys[i], MPY_NONE), -1);
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
        api_expect_error(MPY_EXC_MEMORY_ERROR);
        assert_int_equal(mpy_dict_length(d), 0);
        expect(d, keys[i], NULL);
        api_done(mpy_dict_set(d, keys[i], MPY_TRUE));
        expect(d, keys[i], MPY_TRUE);
        mpy_decref(d);
        mpy_decref(keys[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_texts, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_interned, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_counts, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_growth, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_ints, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
