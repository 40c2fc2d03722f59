/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_tuple.c - sizes, tracking, hash, and the slots of the tuple.
 */
#include "support/api_world.h"
#include "support/host_key.h"

#include "minipy/debug.h"

#include <stdlib.h>

#include "types/tuple.h"

static mpy_object *
ints(size_t n)
{
    mpy_object **items = calloc(n + 1, sizeof *items);
    mpy_object *tuple;
    assert_non_null(items);
    for (size_t i = 0; i < n; i++) {
        items[i] = mpy_int_from_i64((int64_t)i);
    }
    tuple = api_good(mpy_tuple_from_array(items, n));
    free(items);
    return tuple;
}

static void
expect_repr_of_new(mpy_object *o, const char *text)
{
    char *got = api_repr(api_good(o));
    assert_string_equal(got, text);
    free(got);
    mpy_decref(o);
}

static void
test_sizes(void **state)
{
    static const struct {
        size_t n;
        ptrdiff_t bytes;
    } rows[] = {{1, 32}, {2, 40}, {10, 104}, {59, 496}, {60, 32 + 480}, {1000, 32 + 8000}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mpy_object *tuple = ints(rows[i].n);
        assert_int_equal(mpy_object_sizeof(tuple), rows[i].bytes);
        assert_int_equal(mpy_tuple_length(tuple), rows[i].n);
        for (size_t k = 0; k < rows[i].n; k++) {
            assert_ptr_equal(mpyi_tuple_items(tuple)[k], mpy_int_from_i64((int64_t)k));
        }
        mpy_decref(tuple);
    }
}

static void
test_empty(void **state)
{
    mpy_object *a = ints(0);
    mpy_object *b = api_good(mpy_tuple_pack(0));
    (void)state;
    assert_ptr_equal(a, b);
    assert_true(mpy_refcount(a) >= MPY_PRIV_REFCNT_IMMORTAL);
    assert_int_equal(mpy_gc_is_tracked(a), 0);
    mpy_decref(a);
    mpy_decref(b);
}

/* What a tuple holds decides whether the collector knows it. */
static void
test_tracking(void **state)
{
    struct api_world *world = *state;
    struct {
        int kind;
        int tracked;
    } rows[] = {{API_INT, 0},      {API_BOXED, 0},    {API_STR, 0},   {API_BYTES, 0},
                {API_LIST, 1},     {API_DICT, 1},     {API_TUPLE, 0}, {API_RANGE, 0},
                {API_ITERATOR, 1}, {API_NO_TUPLE, 0}, {API_PLAIN, 1}, {API_TYPE, 0},
                {API_HOST_TYPE, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mpy_object *item = api_make(world, rows[i].kind);
        mpy_object *items[3] = {MPY_NONE, item, MPY_TRUE};
        mpy_object *tuple = api_good(mpy_tuple_from_array(items, 3));
        mpy_object *outer = api_good(mpy_tuple_pack(1, tuple));
        assert_int_equal(mpy_gc_is_tracked(tuple), rows[i].tracked);
        assert_int_equal(mpy_gc_is_tracked(outer), rows[i].tracked);
        mpy_decref(outer);
        mpy_decref(tuple);
        mpy_decref(item);
    }
}

/* A cycle through tuples, small and large, is found by the collector. */
static void
test_cycles(void **state)
{
    struct api_world *world = *state;
    ptrdiff_t before = api_blocks(world);
    for (int large = 0; large < 2; large++) {
        mpy_object *items[100];
        mpy_object *list = api_good(mpy_list_new(0));
        mpy_object *tuple;
        for (int i = 0; i < 100; i++) {
            items[i] = i == 7 ? list : MPY_NONE;
        }
        tuple = api_good(mpy_tuple_from_array(items, large ? 100 : 10));
        api_done(mpy_list_append(list, tuple));
        mpy_decref(tuple);
        mpy_decref(list);
    }
    assert_int_equal(api_blocks(world), before);
}

static void
test_pack(void **state)
{
    mpy_object *list = api_good(mpy_list_new(0));
    mpy_object *tuple = api_good(mpy_tuple_pack(3, list, MPY_NONE, list));
    (void)state;
    assert_int_equal(mpy_refcount(list), 3);
    mpy_decref(tuple);
    assert_int_equal(mpy_refcount(list), 1);
    assert_null(mpy_tuple_pack(2, list, (mpy_object *)NULL));
    api_expect_error(MPY_EXC_API);
    assert_int_equal(mpy_refcount(list), 1);
    assert_null(mpy_tuple_pack(SIZE_MAX / 2, list));
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    mpy_decref(list);
}

static void
test_internal_makers(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    struct api_world *world = *state;
    mpy_object *list = api_good(mpy_list_new(0));
    mpy_object *items[2] = {list, list};
    mpy_object *tuple;
    mpy_incref(list);
    mpy_incref(list);
    tuple = api_good(mpyi_tuple_from_owned(t, items, 2));
    assert_int_equal(mpy_refcount(list), 3);
    assert_ptr_equal(api_good(mpyi_tuple_slice(t, tuple, 0, 2)), tuple);
    mpy_decref(tuple);
    mpy_decref(tuple);
    assert_int_equal(mpy_refcount(list), 1);
    mpy_incref(list);
    mpy_incref(list);
    assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_AFTER, 1), 0);
    assert_null(mpyi_tuple_from_owned(t, items, 2));
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_null(mpyi_tuple_alloc(t, 60));
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
    assert_int_equal(mpy_refcount(list), 1);
    tuple = api_good(mpyi_tuple_alloc(t, 60));
    mpyi_tuple_discard(t, tuple);
    tuple = api_good(mpyi_tuple_pair(t, list, MPY_NONE));
    expect_repr_of_new(mpyi_tuple_slice(t, tuple, 1, 2), "(None,)");
    expect_repr_of_new(mpyi_tuple_slice(t, tuple, 1, 1), "()");
    mpy_decref(tuple);
    mpy_decref(list);
}

/* The values of CPython 3.8 and later. */
static void
test_hash(void **state)
{
    mpy_object *tuple = ints(0);
    mpy_object *list, *holder;
    int64_t hash, again;
    (void)state;
    api_done(mpy_object_hash(tuple, &hash));
    assert_true(hash == INT64_C(5740354900026072187));
    mpy_decref(tuple);
    tuple = ints(1);
    api_done(mpy_object_hash(tuple, &hash));
    assert_true(hash == INT64_C(-8753497827991233192));
    mpy_decref(tuple);
    tuple =
        api_good(mpy_tuple_pack(3, mpy_int_from_i64(1), mpy_int_from_i64(2), mpy_int_from_i64(3)));
    api_done(mpy_object_hash(tuple, &hash));
    assert_true(hash == INT64_C(529344067295497451));
    mpy_decref(tuple);
    tuple = api_good(mpy_tuple_pack(3, MPY_TRUE, mpy_float_from_double(2), mpy_int_from_i64(3)));
    api_done(mpy_object_hash(tuple, &again));
    assert_true(hash == again);
    mpy_decref(tuple);
    list = api_good(mpy_list_new(0));
    holder = api_good(mpy_tuple_pack(1, list));
    assert_int_equal(mpy_object_hash(holder, &hash), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(holder);
    mpy_decref(list);
}

static void
test_slots(void **state)
{
    mpy_object *one = ints(1);
    mpy_object *two = ints(2);
    mpy_object *none = ints(0);
    (void)state;
    expect_repr_of_new(mpy_newref(none), "()");
    expect_repr_of_new(mpy_newref(one), "(0,)");
    expect_repr_of_new(mpy_number_add(one, two), "(0, 0, 1)");
    expect_repr_of_new(mpy_number_multiply(two, mpy_int_from_i64(2)), "(0, 1, 0, 1)");
    expect_repr_of_new(mpy_number_multiply(two, mpy_int_from_i64(0)), "()");
    assert_ptr_equal(api_good(mpy_number_add(one, none)), one);
    mpy_decref(one);
    assert_ptr_equal(api_good(mpy_number_multiply(one, mpy_int_from_i64(1))), one);
    mpy_decref(one);
    assert_null(mpy_number_add(one, MPY_NONE));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_null(mpy_number_multiply(two, mpy_int_from_i64(MPY_INT_MAX)));
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_int_equal(mpy_object_compare_bool(one, two, MPY_LT), 1);
    assert_int_equal(mpy_object_is_true(none), 0);
    assert_int_equal(mpy_object_is_true(one), 1);
    assert_int_equal(mpy_object_contains(two, mpy_float_from_double(1.0)), 1);
    assert_int_equal(mpy_object_contains(two, MPY_NONE), 0);
    assert_ptr_equal(api_good(mpy_object_get_item(two, mpy_int_from_i64(-1))), mpy_int_from_i64(1));
    assert_null(mpy_object_get_item(two, mpy_int_from_i64(2)));
    api_expect_error(MPY_EXC_INDEX_ERROR);
    assert_int_equal(mpy_object_set_item(two, mpy_int_from_i64(0), MPY_NONE), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(one);
    mpy_decref(two);
    mpy_decref(none);
}

/* A chain of tuples dies, hashes and compares without running out of stack. */
static void
test_deep(void **state)
{
    mpy_object *a = api_good(mpy_tuple_pack(1, MPY_NONE));
    mpy_object *b = api_good(mpy_tuple_pack(1, MPY_NONE));
    int64_t hash;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        mpy_object *outer = api_good(mpy_tuple_pack(1, a));
        mpy_decref(a);
        a = outer;
        outer = api_good(mpy_tuple_pack(1, b));
        mpy_decref(b);
        b = outer;
    }
    assert_int_equal(mpy_object_hash(a, &hash), -1);
    api_expect_error(MPY_EXC_RECURSION_ERROR);
    assert_int_equal(mpy_object_compare_bool(a, b, MPY_EQ), -1);
    api_expect_error(MPY_EXC_RECURSION_ERROR);
    assert_null(mpy_object_repr(a));
    api_expect_error(MPY_EXC_RECURSION_ERROR);
    mpy_decref(a);
    mpy_decref(b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sizes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_empty, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_tracking, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_cycles, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_pack, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_internal_makers, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_hash, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_slots, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_deep, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
