/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_list.c - the list object: sizes, growth, references, teardown, memory.
 */
#include "support/api_world.h"
#include "support/host_key.h"

#include "minipy/debug.h"

#include "types/list.h"

static mpy_object *
ints(size_t n)
{
    mpy_object *list = api_good(mpy_list_new(0));
    for (size_t i = 0; i < n; i++) {
        api_done(mpy_list_append(list, mpy_int_from_i64((int64_t)i)));
    }
    return list;
}

static void
test_sizes(void **state)
{
    mpy_object *list = ints(0);
    mpy_object *array[10];
    (void)state;
    assert_int_equal(mpy_object_sizeof(list), 40);
    assert_null(mpyi_list(list)->items);
    mpy_decref(list);
    for (int i = 0; i < 10; i++) {
        array[i] = MPY_NONE;
    }
    list = api_good(mpy_list_from_array(array, 10));
    assert_int_equal(mpy_object_sizeof(list), 120);
    mpy_decref(list);
    list = api_good(mpy_list_new(1000));
    assert_true(mpyi_list(list)->capacity >= 1000);
    assert_int_equal(mpy_list_length(list), 0);
    mpy_decref(list);
}

/* The number of times an array moves grows with the logarithm of the length, and the room that is
   not used is bounded. */
static void
test_growth(void **state)
{
    mpy_object *list = ints(0);
    size_t capacity = 0;
    unsigned moves = 0;
    (void)state;
    for (size_t i = 0; i < 300000; i++) {
        api_done(mpyi_list_append(mpyi_current(), list, MPY_NONE));
        if (mpyi_list(list)->capacity != capacity) {
            capacity = mpyi_list(list)->capacity;
            moves++;
            assert_true(capacity - i <= i / 2 + 8);
        }
    }
    assert_true(moves < 80);
    mpy_decref(list);
}

static void
test_shrink(void **state)
{
    mpy_object *list = ints(10000);
    (void)state;
    for (int64_t i = 9999; i >= 0; i--) {
        assert_ptr_equal(api_good(mpy_list_pop(list, -1)), mpy_int_from_i64(i));
        assert_true(mpyi_list(list)->capacity <= 33 + 4 * mpyi_list(list)->count);
    }
    assert_null(mpy_list_pop(list, -1));
    api_expect_error(MPY_EXC_INDEX_ERROR);
    mpy_decref(list);
}

static void
test_impossible_sizes(void **state)
{
    static const size_t sizes[] = {SIZE_MAX,
                                   SIZE_MAX / 8,
                                   SIZE_MAX / 8 + 1,
                                   (size_t)PTRDIFF_MAX,
                                   (size_t)PTRDIFF_MAX / 8,
                                   (size_t)PTRDIFF_MAX / 8 + 1};
    mpy_object *list = ints(3);
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_null(mpy_list_new(sizes[i]));
        api_expect_error(MPY_EXC_MEMORY_ERROR);
        assert_int_equal(mpyi_list_grow(mpyi_current(), mpyi_list(list), sizes[i]), -1);
        api_expect_error(MPY_EXC_MEMORY_ERROR);
        assert_int_equal(mpy_list_length(list), 3);
    }
    mpy_decref(list);
}

static void
test_push_and_pop_keep_count(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    struct api_world *world = *state;
    mpy_object *list = ints(0);
    mpy_object *value = api_good(mpy_list_new(0));
    mpy_object *popped;
    api_done(mpyi_list_append(t, list, value));
    assert_int_equal(mpy_refcount(value), 2);
    mpy_incref(value);
    api_done(mpyi_list_push(t, list, value));
    assert_int_equal(mpy_refcount(value), 3);
    popped = mpyi_list_pop_last(list);
    assert_int_equal(mpy_refcount(value), 3);
    mpy_decref(popped);
    assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_AFTER, 1), 0);
    while (mpyi_list_append(t, list, value) == 0) {
    }
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    mpy_incref(value);
    assert_int_equal(mpyi_list_push(t, list, value), -1);
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
    assert_int_equal(mpy_refcount(value), (size_t)mpy_list_length(list) + 1);
    mpyi_list_clear(t, mpyi_list(list));
    assert_int_equal(mpy_refcount(value), 1);
    assert_int_equal(mpyi_list(list)->capacity, 0);
    mpy_decref(value);
    mpy_decref(list);
}

static mpy_object *watched;
static size_t length_seen;

static void
look(mpy_object *self)
{
    (void)self;
    length_seen = (size_t)mpy_list_length(watched);
    api_done(mpy_list_append(watched, MPY_NONE));
}

static const mpy_type_spec witness_spec = {.size = sizeof(mpy_type_spec),
                                           .version = 1,
                                           .name = "t.Witness",
                                           .data_size = 8,
                                           .finalize = look};

/* What dies while a list changes finds it in its new state, and may change it. */
static void
test_new_state_before_drops(void **state)
{
    mpy_object *type = api_good(mpy_type_from_spec(&witness_spec, NULL));
    (void)state;
    for (int round = 0; round < 3; round++) {
        mpy_object *witness = api_good(mpy_type_new_instance(type));
        watched = ints(2);
        api_done(mpy_list_append(watched, witness));
        mpy_decref(witness);
        length_seen = 99;
        if (round == 0) {
            api_done(mpy_list_clear(watched));
            assert_int_equal(length_seen, 0);
        } else if (round == 1) {
            api_done(mpy_list_set(watched, 2, MPY_NONE));
            assert_int_equal(length_seen, 3);
        } else {
            api_done(mpy_object_del_item(watched, mpy_int_from_i64(-1)));
            assert_int_equal(length_seen, 2);
        }
        assert_int_equal(mpy_list_length(watched), length_seen + 1);
        mpy_decref(watched);
    }
    mpy_decref(type);
}

static void
test_teardown(void **state)
{
    mpy_object *chain = ints(1);
    mpy_object *self = ints(0);
    (void)state;
    for (int i = 0; i < 200000; i++) {
        mpy_object *outer = api_good(mpy_list_from_array(&chain, 1));
        mpy_decref(chain);
        chain = outer;
    }
    mpy_decref(chain);
    api_done(mpy_list_append(self, self));
    mpy_decref(self);
}

static void
test_index_of_key(void **state)
{
    size_t out = 77;
    (void)state;
    api_done(mpyi_index_of_key("f", "list", mpy_int_from_i64(-3), 3, &out));
    assert_int_equal(out, 0);
    api_done(mpyi_index_of_key("f", "list", MPY_TRUE, 3, &out));
    assert_int_equal(out, 1);
    assert_int_equal(mpyi_index_of_key("f", "list", mpy_int_from_i64(-4), 3, &out), -1);
    api_expect_error(MPY_EXC_INDEX_ERROR);
    assert_int_equal(mpyi_index_of_key("f", "list", mpy_int_from_i64(3), 3, &out), -1);
    api_expect_error(MPY_EXC_INDEX_ERROR);
    assert_int_equal(mpyi_index_of_key("f", "list", MPY_NONE, 3, &out), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_int_equal(
        mpyi_index_of_key("f", "range", mpy_int_from_i64(-1), (size_t)UINT64_MAX, &out), 0);
    assert_true(out == (size_t)UINT64_MAX - 1);
}

/* Each allocation fails once. */
static void
test_no_memory(void **state)
{
    struct api_world *world = *state;
    mpy_object *source = ints(30);
    for (uint64_t n = 1;; n++) {
        mpy_object *list, *slice = NULL, *tuple = NULL;
        uint64_t failed;
        int ok;
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_NTH, n), 0);
        list = mpy_list_new(2);
        ok = list != NULL && mpy_list_extend(list, source) == 0 &&
             mpy_list_insert(list, 0, MPY_NONE) == 0 &&
             (slice = mpy_list_get_slice(list, 1, 20)) != NULL &&
             (tuple = mpy_list_as_tuple(list)) != NULL;
        (void)mpy_debug_fail_count(world->rt, &failed);
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
        assert_int_equal(ok, failed == 0);
        if (!ok) {
            api_expect_error(MPY_EXC_MEMORY_ERROR);
        }
        mpy_xdecref(list);
        mpy_xdecref(slice);
        mpy_xdecref(tuple);
        if (failed == 0) {
            assert_true(n > 5);
            break;
        }
    }
    mpy_decref(source);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sizes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_growth, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_shrink, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_impossible_sizes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_push_and_pop_keep_count, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_new_state_before_drops, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_teardown, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_index_of_key, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
