/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_protocol.c - repr, str, hash, truth, instance tests, sizes; slots of hosts that
 * misbehave; structures that are too deep or contain themselves.
 */
#include "types/protocol.h"

#include "types/list.h"
#include "unit/types/sweep.h"

#include <stdlib.h>
#include <string.h>

static mpy_object *
none_text(mpy_object *self)
{
    (void)self;
    return MPY_NONE;
}

static int
fail_truth(mpy_object *self)
{
    (void)self;
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "neither");
    return -1;
}

static void
test_bad_slots(void **state)
{
    const mpy_type_spec spec = {.size = sizeof spec,
                                .version = 1,
                                .name = "t.Bad",
                                .repr = none_text,
                                .str = none_text,
                                .is_true = fail_truth};
    mpy_object *type = api_good(mpy_type_from_spec(&spec, NULL));
    mpy_object *o = api_good(mpy_call_noargs(type));
    char text[200];
    (void)state;
    assert_null(mpy_object_repr(o));
    assert_int_equal(api_take_error(text, sizeof text), MPY_EXC_TYPE_ERROR);
    assert_string_equal(text, "mpy_object_repr(): slot of 'Bad' returned 'NoneType', not a str");
    assert_null(mpy_object_str(o));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_int_equal(mpy_object_is_true(o), -1);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    mpy_decref(o);
    mpy_decref(type);
}

static void
test_defaults(void **state)
{
    mpy_object *o = api_make(*state, API_PLAIN);
    int64_t a, b;
    char *repr = api_repr(o);
    mpy_object *str = api_good(mpy_object_str(o));
    assert_int_equal(strncmp(repr, "<t.Plain object at 0x", 21), 0);
    assert_int_equal(mpy_str_equal_utf8(str, repr, strlen(repr)), 1);
    mpy_decref(str);
    free(repr);
    api_done(mpy_object_hash(o, &a));
    b = mpyi_hash_identity(o);
    assert_true(a == b);
    assert_int_equal(mpy_object_is_true(o), 1);
    mpy_decref(o);
}

static void
test_unhashable(void **state)
{
    mpy_object *list = api_make(*state, API_LIST);
    mpy_object *dict = api_make(*state, API_DICT);
    int64_t hash = 7;
    char text[200];
    assert_int_equal(mpy_object_hash(list, &hash), -1);
    assert_int_equal(hash, 0);
    (void)api_take_error(text, sizeof text);
    assert_string_equal(text, "mpy_object_hash(): unhashable type: 'list'");
    assert_int_equal(mpy_object_hash(dict, &hash), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(list);
    mpy_decref(dict);
}

static void
test_truth(void **state)
{
    const int truth[API_BASIC] = {
        [API_TRUE] = 1,   [API_INT] = 1,      [API_FLOAT] = 1,    [API_BOXED] = 1,
        [API_STR] = 1,    [API_BYTES] = 1,    [API_LIST] = 1,     [API_TUPLE] = 1,
        [API_DICT] = 1,   [API_RANGE] = 1,    [API_ITERATOR] = 1, [API_FUNCTION] = 1,
        [API_METHOD] = 1, [API_PLAIN] = 1,    [API_DATA] = 1,     [API_HOST_TYPE] = 1,
        [API_TYPE] = 1,   [API_EXC_TYPE] = 1, [API_EXCEPTION] = 1};
    const int empty[] = {API_NO_TUPLE, API_NO_DICT};
    for (int kind = 0; kind < API_BASIC; kind++) {
        mpy_object *o = api_make(*state, kind);
        assert_int_equal(mpy_object_is_true(o), truth[kind]);
        mpy_decref(o);
    }
    for (int i = 0; i < 2; i++) {
        mpy_object *o = api_make(*state, empty[i]);
        assert_int_equal(mpy_object_is_true(o), 0);
        mpy_decref(o);
    }
    assert_int_equal(mpy_object_is_true(MPY_FALSE), 0);
    assert_int_equal(mpy_object_is_true(mpy_int_from_i64(0)), 0);
    assert_int_equal(mpy_object_is_true(mpy_float_from_double(0.0)), 0);
}

static void
test_instances(void **state)
{
    struct api_world *world = *state;
    mpy_object *plain = api_make(world, API_PLAIN);
    mpy_object *list = api_make(world, API_TYPE);
    mpy_object *types = api_good(mpy_tuple_pack(2, list, world->plain_type));
    mpy_object *mixed = api_good(mpy_tuple_pack(2, list, MPY_NONE));
    assert_int_equal(mpy_object_is_instance(plain, world->plain_type), 1);
    assert_int_equal(mpy_object_is_instance(plain, types), 1);
    assert_int_equal(mpy_object_is_instance(MPY_TRUE, types), 0);
    assert_int_equal(mpy_object_is_instance(MPY_TRUE, mpyi_type_object(&mpyi_int_type)), 1);
    assert_int_equal(mpy_object_is_instance(plain, mpyi_type_object(&mpyi_object_type)), 1);
    assert_int_equal(mpy_object_is_instance(plain, mixed), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_int_equal(mpy_object_is_subclass(world->plain_type, types), 1);
    assert_int_equal(mpy_object_is_subclass(list, world->plain_type), 0);
    assert_int_equal(mpy_object_is_subclass(plain, types), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(mixed);
    mpy_decref(types);
    mpy_decref(list);
    mpy_decref(plain);
}

static void
test_repr_stack(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    mpy_object *a = api_make(*state, API_LIST);
    mpy_object *b = api_make(*state, API_LIST);
    assert_int_equal(mpyi_repr_enter(t, a), 0);
    assert_int_equal(mpyi_repr_enter(t, b), 0);
    assert_int_equal(mpyi_repr_enter(t, a), 1);
    mpyi_repr_leave(t, b);
    assert_int_equal(mpyi_repr_enter(t, b), 0);
    mpyi_repr_leave(t, b);
    mpyi_repr_leave(t, a);
    assert_null(t->repr_stack);
    assert_int_equal(mpy_refcount(a), 1);
    mpy_decref(a);
    mpy_decref(b);
}

static void
test_deep(void **state)
{
    mpy_object *lists = api_make(*state, API_LIST);
    mpy_object *tuples = api_make(*state, API_TUPLE);
    int64_t hash;
    for (int i = 0; i < 100000; i++) {
        mpy_object *outer = api_good(mpy_list_from_array(&lists, 1));
        mpy_decref(lists);
        lists = outer;
        outer = api_good(mpy_tuple_pack(1, tuples));
        mpy_decref(tuples);
        tuples = outer;
    }
    assert_null(mpy_object_repr(lists));
    api_expect_error(MPY_EXC_RECURSION_ERROR);
    assert_null(mpy_object_str(tuples));
    api_expect_error(MPY_EXC_RECURSION_ERROR);
    assert_int_equal(mpy_object_hash(tuples, &hash), -1);
    api_expect_error(MPY_EXC_RECURSION_ERROR);
    assert_int_equal(mpyi_current()->depth, 0);
    assert_null(mpyi_current()->repr_stack);
    mpy_decref(lists);
    mpy_decref(tuples);
}

static void
test_sizes(void **state)
{
    const struct {
        int kind;
        ptrdiff_t size;
    } sizes[] = {{API_NONE, 0},      {API_INT, 0},       {API_FLOAT, 0}, {API_BOXED, 24},
                 {API_TUPLE, 48},    {API_NO_TUPLE, 32}, {API_DATA, 40}, {API_EXCEPTION, 32},
                 {API_ITERATOR, 48}, {API_METHOD, 32}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        mpy_object *o = api_make(*state, sizes[i].kind);
        assert_int_equal(mpy_object_sizeof(o), sizes[i].size);
        mpy_decref(o);
    }
}

static int
repr_of(struct api_world *world, void *data)
{
    mpy_object *text = mpy_object_repr(data);
    (void)world;
    mpy_xdecref(text);
    return text != NULL;
}

static void
test_no_memory(void **state)
{
    mpy_object *inner = api_make(*state, API_LIST);
    mpy_object *plain = api_make(*state, API_PLAIN);
    mpy_object *list = api_good(mpy_list_from_array(&inner, 1));
    api_done(mpy_list_append(list, plain));
    assert_true(sweep(*state, repr_of, list) >= 4);
    mpy_decref(list);
    mpy_decref(inner);
    mpy_decref(plain);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bad_slots, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_defaults, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_unhashable, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_truth, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_instances, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_repr_stack, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_deep, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_sizes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
