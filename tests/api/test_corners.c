/* SPDX-License-Identifier: MIT */
/*
 * api/test_corners.c - cases that random testing has found, made small.
 */
#include "support/api_node.h"
#include "support/api_world.h"

#include <stdlib.h>
#include <string.h>

static struct api_log log_now;

static void
fresh_log(void)
{
    memset(&log_now, 0, sizeof log_now);
}

static void
collect(void)
{
    api_done(mpy_gc_collect(2, NULL));
}

/* A type and its instance die together. The instance's finalizer asks for the type, which instances
   do not count: it must be whole, whichever of the two was dropped first. */
static void
test_type_dies_with_its_instance(void **state)
{
    static const unsigned kinds[] = {API_NODE_FINALIZE, API_NODE_FINALIZE | API_NODE_TRAVERSE,
                                     API_NODE_FINALIZE | API_NODE_BIG};
    (void)state;
    for (int order = 0; order < 24; order++) {
        unsigned kind = kinds[order % 3];
        mpy_object *items[4], *list;
        fresh_log();
        items[order / 3 % 4] = api_good(api_node_type(kind));
        for (int i = 0, at = order / 3 % 4; i < 4; i++) {
            if (i != at) {
                items[i] = api_good(api_node_new(items[at], kind, &log_now, i));
            }
        }
        list =
            api_good(order < 12 ? mpy_list_from_array(items, 4) : mpy_tuple_from_array(items, 4));
        mpy_decref_many(items, 4);
        mpy_decref(list);
        assert_int_equal(log_now.releases, 3);
        assert_int_equal(log_now.finalizers, 3);
        assert_int_equal(log_now.faults, 0);
    }
}

/* The same with the instance kept alive by its finalizer: the type has to stay. */
static void
test_type_outlives_its_count(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        mpy_object *type = api_good(api_node_type(API_NODE_FINALIZE)), *o, *pair[2], *list, *saved;
        fresh_log();
        log_now.rescued = saved = api_good(mpy_list_new(0));
        o = api_good(api_node_new(type, API_NODE_FINALIZE, &log_now, 0));
        pair[order] = type;
        pair[1 - order] = o;
        list = api_good(mpy_list_from_array(pair, 2));
        mpy_decref(type);
        mpy_decref(o);
        mpy_decref(list);
        assert_int_equal(mpy_list_length(saved), 1);
        collect();
        assert_non_null(api_node_data(o, type));
        assert_int_equal(log_now.releases, 0);
        mpy_decref(saved);
        assert_int_equal(log_now.releases, 1);
        assert_int_equal(log_now.faults, 0);
    }
}

/* A type in a cycle of its own whose last reference from outside is an instance, old and known to
   be alive: its death makes the type garbage, and a full collection has to see that. */
static void
test_type_loses_its_last_instance(void **state)
{
    struct api_world *w = *state;
    ptrdiff_t blocks = 0;
    for (int round = 0; round < 12; round++) {
        int in_a_cycle = round % 2, collections = round / 2 % 3;
        unsigned kind = round < 6 ? API_NODE_PLAIN : API_NODE_TRAVERSE;
        mpy_object *type = api_good(api_node_type(kind)), *o;
        fresh_log();
        o = api_good(api_node_new(type, kind, &log_now, 0));
        api_done(mpy_object_set_attr_utf8(type, "self", type));
        if (in_a_cycle) {
            mpy_assign(&api_node_data(o, type)->refs[0], o);
        }
        mpy_decref(type);
        for (int i = 0; i < collections; i++) {
            collect();
        }
        mpy_decref(o);
        collect();
        collect();
        assert_int_equal(log_now.releases, 1);
        if (round == 5) {
            blocks = mpy_mem_allocated_blocks(w->rt);
        } else if (round > 5) {
            assert_int_equal(mpy_mem_allocated_blocks(w->rt), blocks);
        }
    }
}

/* A missing key that is an exception object is what a KeyError is about, not what is raised. */
static void
test_missing_key_is_an_exception(void **state)
{
    mpy_object *dict = api_make(*state, API_DICT), *key = api_make(*state, API_EXCEPTION), *exc,
               *args;

    assert_int_equal(mpy_dict_del(dict, key), -1);
    assert_int_equal(mpy_err_code(), MPY_EXC_KEY_ERROR);
    exc = mpy_err_take();
    assert_ptr_not_equal(exc, key);
    args = api_good(mpy_exc_get_args(exc));
    assert_int_equal(mpy_object_contains(args, key), 1);
    mpy_decref(args);
    mpy_decref(exc);
    assert_null(mpy_object_get_item(dict, key));
    api_expect_error(MPY_EXC_KEY_ERROR);
    assert_int_equal(mpy_object_del_item(dict, key), -1);
    api_expect_error(MPY_EXC_KEY_ERROR);
    mpy_decref(dict);
    mpy_decref(key);
}

/* So is a tuple: it is one argument, not the list of them. */
static void
test_missing_key_is_a_tuple(void **state)
{
    mpy_object *dict = api_make(*state, API_DICT), *key = api_make(*state, API_TUPLE), *exc, *args;

    assert_null(mpy_object_get_item(dict, key));
    assert_int_equal(mpy_err_code(), MPY_EXC_KEY_ERROR);
    exc = mpy_err_take();
    args = api_good(mpy_exc_get_args(exc));
    assert_int_equal(mpy_tuple_length(args), 1);
    mpy_decref(args);
    mpy_decref(exc);
    mpy_decref(dict);
    mpy_decref(key);
}

static mpy_object *
return_self(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)argv;
    (void)nargs;
    (void)kwnames;
    return mpy_newref(self);
}

static void
expect_text(const char *text)
{
    mpy_object *exc = api_good(mpy_err_take()), *message = api_good(mpy_err_message(exc));
    const char *got;
    api_done(mpy_str_as_utf8(message, &got, NULL));
    assert_string_equal(got, text);
    mpy_decref(message);
    mpy_decref(exc);
}

/* Names are interned on the way: the text names the function that was called, all the same. */
static void
test_text_names_the_call(void **state)
{
    mpy_object *list = api_good(mpy_type_builtin(MPY_TYPE_ID_LIST)), *out;
    mpy_object *type = api_good(mpy_type_builtin(MPY_TYPE_ID_TYPE));
    mpy_func_spec methods[] = {{.name = "\xff", .fn = NULL}, {.name = NULL}};
    mpy_type_spec spec = {
        .size = sizeof spec, .version = 1, .name = "corner.Method", .methods = methods};
    assert_int_equal(mpy_object_find_attr_utf8(list, "\xff", &out), -1);
    expect_text("mpy_object_find_attr_utf8(): invalid UTF-8: byte 0xff at 0");
    assert_null(mpy_object_get_attr_utf8(list, "\xff"));
    expect_text("mpy_object_get_attr_utf8(): invalid UTF-8: byte 0xff at 0");
    assert_int_equal(mpy_object_set_attr_utf8(list, "\xff", list), -1);
    expect_text("mpy_object_set_attr_utf8(): invalid UTF-8: byte 0xff at 0");
    mpy_object *plain = api_good(mpy_type_new_instance(((struct api_world *)*state)->plain_type));
    assert_int_equal(mpy_object_find_attr_utf8(plain, "a\xff", &out), -1);
    assert_null(out);
    expect_text("mpy_object_find_attr_utf8(): invalid UTF-8: byte 0xff at 1");
    assert_null(mpy_object_get_attr_utf8(plain, "\xed\xa0\x80"));
    expect_text("mpy_object_get_attr_utf8(): invalid UTF-8: byte 0xed at 0");
    assert_int_equal(mpy_object_find_attr_utf8(MPY_NONE, "\xff", &out), -1);
    expect_text("mpy_object_find_attr_utf8(): invalid UTF-8: byte 0xff at 0");
    assert_int_equal(mpy_object_find_attr_utf8(plain, "caf\xC3\xA9", &out), 0);
    mpy_decref(plain);
    methods[0].fn = return_self;
    assert_null(mpy_type_from_spec(&spec, NULL));
    expect_text("mpy_type_from_spec(): invalid UTF-8: byte 0xff at 0");
    assert_null(mpy_call_noargs(type));
    expect_text("type() takes 1 argument but got 0");
    mpy_decref(type);
    mpy_decref(list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_type_dies_with_its_instance, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_type_outlives_its_count, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_type_loses_its_last_instance, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_missing_key_is_an_exception, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_missing_key_is_a_tuple, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_text_names_the_call, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
