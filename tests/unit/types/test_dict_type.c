/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_dict_type.c - how dicts begin and end, what is seen while they lose their
 * entries, and the slots of the type.
 */
#include "support/api_world.h"

#include "minipy/debug.h"

#include <stdlib.h>

#include "types/dict_table.h"

static void
test_new(void **state)
{
    struct api_world *world = *state;
    mpy_object *d = api_good(mpy_dict_new(0));
    mpy_object *reserved = api_good(mpy_dict_new(20));
    assert_int_equal(mpy_gc_is_tracked(d), 1);
    assert_int_equal(mpy_object_sizeof(d), 48);
    assert_true(mpy_object_sizeof(reserved) > 48 + 20 * 16);
    assert_int_equal(mpyi_dict_length(reserved), 0);
    mpy_decref(d);
    mpy_decref(reserved);
    assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_NTH, 2), 0);
    assert_null(mpy_dict_new(20));
    assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
    api_expect_error(MPY_EXC_MEMORY_ERROR);
}

/* A dict that holds itself, and a long chain of dicts, go without recursion. */
static void
test_teardown(void **state)
{
    struct api_world *world = *state;
    ptrdiff_t before = api_blocks(world);
    mpy_object *d = api_good(mpy_dict_new(0));
    mpy_object *chain = api_good(mpy_dict_new(0));
    api_done(mpy_dict_set_utf8(d, "self", d));
    mpy_decref(d);
    for (int i = 0; i < 100000; i++) {
        mpy_object *outer = api_good(mpy_dict_new(0));
        api_done(mpy_dict_set(outer, MPY_NONE, chain));
        mpy_decref(chain);
        chain = outer;
    }
    mpy_decref(chain);
    assert_int_equal(api_blocks(world), before);
}

/* The collector empties a dict in a cycle; this is what it calls. */
static void
test_empty(void **state)
{
    mpy_object *d = api_good(mpy_dict_new(0));
    mpy_object *list = api_good(mpy_list_new(0));
    (void)state;
    for (int i = 0; i < 100; i++) {
        api_done(mpy_dict_set(d, mpy_int_from_i64(i), list));
    }
    assert_int_equal(mpy_refcount(list), 101);
    mpyi_dict_type.empty(mpyi_current(), d);
    assert_int_equal(mpy_refcount(list), 1);
    assert_int_equal(mpyi_dict_length(d), 0);
    assert_int_equal(mpyi_dict_check(mpyi_dict(d)), 0);
    api_done(mpy_dict_set(d, MPY_NONE, MPY_NONE));
    assert_int_equal(mpyi_dict_length(d), 1);
    mpy_decref(d);
    mpy_decref(list);
}

static mpy_object *watched;
static ptrdiff_t length_seen;

static void
look(mpy_object *self)
{
    (void)self;
    length_seen = mpy_dict_length(watched);
    api_done(mpy_dict_set_utf8(watched, "late", MPY_NONE));
}

static const mpy_type_spec witness_spec = {.size = sizeof(mpy_type_spec),
                                           .version = 1,
                                           .name = "t.Witness",
                                           .data_size = 8,
                                           .finalize = look};

/* What dies while a dict changes finds it in its new state, and may change it. */
static void
test_new_state_before_drops(void **state)
{
    mpy_object *type = api_good(mpy_type_from_spec(&witness_spec, NULL));
    mpy_object *key = api_good(mpy_str_from_utf8("key"));
    (void)state;
    for (int round = 0; round < 5; round++) {
        mpy_object *witness = api_good(mpy_type_new_instance(type));
        watched = api_good(mpy_dict_new(0));
        api_done(mpy_dict_set(watched, MPY_TRUE, MPY_TRUE));
        api_done(mpy_dict_set(watched, key, witness));
        mpy_decref(witness);
        length_seen = 99;
        switch (round) {
        case 0:
            api_done(mpy_dict_clear(watched));
            break;
        case 1:
            api_done(mpy_dict_del(watched, key));
            break;
        case 2:
            assert_int_equal(mpy_dict_pop(watched, key, NULL), 1);
            break;
        case 3:
            api_done(mpy_dict_set(watched, key, MPY_NONE));
            break;
        default:
            api_done(mpy_dict_set_utf8(watched, "key", MPY_NONE));
            break;
        }
        assert_int_equal(length_seen, round == 0 ? 0 : round < 3 ? 1 : 2);
        assert_int_equal(mpy_dict_length(watched), length_seen + 1);
        assert_int_equal(mpyi_dict_check(mpyi_dict(watched)), 0);
        mpy_decref(watched);
    }
    mpy_decref(key);
    mpy_decref(type);
}

static void
test_slots(void **state)
{
    mpy_object *d = api_good(mpy_dict_new(0));
    mpy_object *key = mpy_int_from_i64(1);
    int64_t hash;
    (void)state;
    assert_int_equal(mpy_object_is_true(d), 0);
    api_done(mpy_object_set_item(d, key, MPY_TRUE));
    assert_int_equal(mpy_object_is_true(d), 1);
    assert_int_equal(mpy_object_length(d), 1);
    assert_int_equal(mpy_object_contains(d, key), 1);
    assert_int_equal(mpy_object_contains(d, MPY_NONE), 0);
    assert_ptr_equal(mpy_object_get_item(d, key), MPY_TRUE);
    api_done(mpy_object_del_item(d, key));
    assert_int_equal(mpy_object_del_item(d, key), -1);
    api_expect_error(MPY_EXC_KEY_ERROR);
    assert_null(mpy_object_get_item(d, key));
    api_expect_error(MPY_EXC_KEY_ERROR);
    assert_int_equal(mpy_object_hash(d, &hash), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_null(mpy_number_add(d, d));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_teardown, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_empty, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_new_state_before_drops, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_slots, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
