/* SPDX-License-Identifier: MIT */
/*
 * api/test_items.c - lists and tuples among whose items is one that takes more than counting: NULL,
 * a count at its limit, the last reference. It is found at any place, before and behind others.
 */
#include "support/api_world.h"

#include "minipy/debug.h"

#include <string.h>

#define MOST 5

typedef mpy_object *(*make_fn)(mpy_object *const *items, size_t n);

static const make_fn makers[] = {mpy_list_from_array, mpy_tuple_from_array};

static mpy_object *
item_of(mpy_object *o, size_t i)
{
    return mpy_list_check(o) ? mpy_list_get(o, (ptrdiff_t)i) : mpy_tuple_get(o, (ptrdiff_t)i);
}

/* n items: lists, which the collector knows, or strs, which it does not, and an int. */
static void
fill(mpy_object **items, size_t n, int tracked)
{
    for (size_t i = 0; i < n; i++) {
        items[i] = i == 3    ? mpy_int_from_i64(3)
                   : tracked ? api_good(mpy_list_new(0))
                             : api_good(mpy_str_from_utf8("some text"));
    }
}

static void
expect_counts(mpy_object *const *items, size_t n, size_t except, size_t count)
{
    for (size_t i = 0; i < n; i++) {
        if (i != except && i != 3) {
            assert_int_equal(mpy_refcount(items[i]), count);
        }
    }
}

static void
expect_items(mpy_object *o, mpy_object *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mpy_object *item = api_good(item_of(o, i));
        assert_ptr_equal(item, items[i]);
        mpy_decref(item);
    }
}

static void
with_null(make_fn make, size_t n, size_t at, int tracked)
{
    mpy_object *items[MOST], *item;
    fill(items, n, tracked);
    item = items[at];
    items[at] = NULL;
    assert_null(make(items, n));
    api_expect_error(MPY_EXC_API);
    expect_counts(items, n, at, 1);
    items[at] = item;
    mpy_decref_many(items, n);
}

static char last_text[256];

static void
handler(void *data, const char *text)
{
    (void)data;
    (void)strncpy(last_text, text, sizeof last_text - 1);
}

/* The item has more references than can be counted: it becomes immortal. */
static void
with_full_count(make_fn make, size_t n, size_t at, int tracked)
{
    mpy_object *items[MOST], *o;
    fill(items, n, tracked);
    if (at != 3) {
        mpy_priv_head(items[at])->refcnt = 0x80000000u;
        last_text[0] = '\0';
        mpy_debug_set_fatal_handler(handler, NULL);
    }
    o = api_good(make(items, n));
    mpy_debug_set_fatal_handler(NULL, NULL);
    expect_items(o, items, n);
    expect_counts(items, n, at, 2);
    if (at != 3) {
        assert_non_null(strstr(last_text, "overflowed"));
        assert_true(mpy_refcount(items[at]) >= MPY_PRIV_REFCNT_IMMORTAL);
    }
    mpy_decref(o);
    expect_counts(items, n, at, 1);
    if (at != 3) {
        assert_true(mpy_refcount(items[at]) >= MPY_PRIV_REFCNT_IMMORTAL);
        mpy_priv_head(items[at])->refcnt = 1;
    }
    mpy_decref_many(items, n);
}

/* The container has the last reference to the item, and to another. */
static void
with_last_reference(make_fn make, size_t n, size_t at, int tracked)
{
    mpy_object *items[MOST], *o;
    fill(items, n, tracked);
    o = api_good(make(items, n));
    expect_items(o, items, n);
    mpy_decref(items[at]);
    if (at != 0) {
        mpy_decref(items[0]);
    }
    mpy_decref(o);
    for (size_t i = 1; i < n; i++) {
        if (i != at) {
            expect_counts(items + i, i == 3 ? 0 : 1, 3, 1);
            mpy_decref(items[i]);
        }
    }
}

static void
test_every_place(void **state)
{
    ptrdiff_t before = api_blocks(*state);
    for (size_t maker = 0; maker < sizeof makers / sizeof *makers; maker++) {
        for (size_t n = 1; n <= MOST; n++) {
            for (size_t at = 0; at < n; at++) {
                for (int tracked = 0; tracked < 2; tracked++) {
                    with_null(makers[maker], n, at, tracked);
                    with_full_count(makers[maker], n, at, tracked);
                    with_last_reference(makers[maker], n, at, tracked);
                }
            }
        }
    }
    assert_int_equal(api_blocks(*state), before);
}

/* However many there are already, the collector knows each: its list of young objects grows, or is
   given to the next generation. */
static void
test_all_tracked(void **state)
{
    mpy_object *all = api_good(mpy_list_new(0));
    (void)state;
    for (int i = 0; i < 20000; i++) {
        mpy_object *made[3];
        made[0] = api_good(mpy_list_new(i % 3 == 0));
        made[1] = api_good(mpy_list_from_array(made, 1));
        made[2] = api_good(mpy_tuple_from_array(made, 2));
        for (int k = 0; k < 3; k++) {
            assert_int_equal(mpy_gc_is_tracked(made[k]), 1);
            api_done(mpy_list_append(all, made[k]));
            mpy_decref(made[k]);
        }
    }
    mpy_decref(all);
}

/* mpy_dict_next() gives a reference to a value that has more than can be counted. */
static void
test_full_count_in_dict(void **state)
{
    mpy_object *dict = api_good(mpy_dict_new(0));
    mpy_object *list = api_good(mpy_list_new(0));
    mpy_dict_cursor cursor = MPY_DICT_START;
    mpy_object *key, *value;
    (void)state;
    for (int i = 0; i < 3; i++) {
        api_done(mpy_dict_set(dict, mpy_int_from_i64(i), i == 1 ? list : MPY_NONE));
    }
    assert_int_equal(mpy_dict_next(dict, &cursor, &key, NULL), 1);
    assert_ptr_equal(key, mpy_int_from_i64(0));
    mpy_priv_head(list)->refcnt = 0x80000000u;
    last_text[0] = '\0';
    mpy_debug_set_fatal_handler(handler, NULL);
    assert_int_equal(mpy_dict_next(dict, &cursor, &key, &value), 1);
    mpy_debug_set_fatal_handler(NULL, NULL);
    assert_ptr_equal(key, mpy_int_from_i64(1));
    assert_ptr_equal(value, list);
    assert_non_null(strstr(last_text, "overflowed"));
    assert_true(mpy_refcount(list) >= MPY_PRIV_REFCNT_IMMORTAL);
    assert_int_equal(mpy_dict_next(dict, &cursor, NULL, &value), 1);
    assert_ptr_equal(value, MPY_NONE);
    assert_int_equal(mpy_dict_next(dict, &cursor, &key, &value), 0);
    mpy_priv_head(list)->refcnt = 2;
    mpy_decref(list);
    mpy_decref(dict);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_place, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_all_tracked, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_full_count_in_dict, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
