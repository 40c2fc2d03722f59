/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_attr.c - where an attribute is found first, and what is cached on the way.
 */
#include "types/attr.h"

#include "types/function.h"
#include "types/instance.h"
#include "types/type.h"
#include "unit/types/sweep.h"

#include <string.h>

static mpy_object *
return_self(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)argv;
    (void)nargs;
    (void)kwnames;
    return mpy_xnewref(self);
}

static const mpy_func_spec methods[] = {{.name = "me", .fn = return_self}, {.name = NULL}};
static const mpy_member_spec members[] = {{"ref", 0, 0}, {NULL, 0, 0}};

static const mpy_type_spec plain_spec = {.size = sizeof plain_spec,
                                         .version = 1,
                                         .name = "t.P",
                                         .flags = MPY_TYPE_ATTRS | MPY_TYPE_BASE,
                                         .methods = methods};
static const mpy_type_spec data_spec = {.size = sizeof data_spec,
                                        .version = 1,
                                        .name = "t.D",
                                        .flags = MPY_TYPE_ATTRS | MPY_TYPE_BASE,
                                        .ref_count = 1,
                                        .data_size = 8,
                                        .members = members,
                                        .methods = methods};

/* Borrowed result of looking for text on o: NULL when it is not there. */
static mpy_object *
look(mpy_object *o, const char *text)
{
    mpy_object *name = api_good(mpy_str_from_utf8(text)); /* not the interned one */
    mpy_object *value;
    mpy_object *same;
    int found = (int)api_done(mpy_object_find_attr(o, name, &value));
    assert_int_equal(found, value != NULL);
    assert_int_equal(mpy_object_has_attr(o, name), found);
    assert_int_equal(api_done(mpy_object_find_attr_utf8(o, text, &same)), found);
    if (!found || mpyi_type_of(value) != &mpyi_method_type) {
        assert_ptr_equal(same, value);
    }
    mpy_xdecref(same);
    mpy_decref(name);
    mpy_xdecref(value);
    return value;
}

static void
test_order_in_plain(void **state)
{
    mpy_object *base = api_good(mpy_type_from_spec(&plain_spec, NULL));
    const mpy_type_spec spec = {.size = sizeof spec, .version = 1, .name = "t.Q"};
    mpy_object *type = api_good(mpy_type_from_spec(&spec, base));
    mpy_object *o = api_good(mpy_call_noargs(type));
    mpy_object *name = api_good(mpy_str_intern("x"));
    (void)state;
    assert_null(look(o, "x"));
    api_done(mpy_object_set_attr(base, name, mpy_int_from_i64(1)));
    assert_ptr_equal(look(o, "x"), mpy_int_from_i64(1));
    api_done(mpy_object_set_attr(type, name, mpy_int_from_i64(2)));
    assert_ptr_equal(look(o, "x"), mpy_int_from_i64(2));
    api_done(mpy_object_set_attr(o, name, mpy_int_from_i64(3)));
    assert_ptr_equal(look(o, "x"), mpy_int_from_i64(3));
    api_done(mpy_object_del_attr(o, name));
    assert_ptr_equal(look(o, "x"), mpy_int_from_i64(2));
    api_done(mpy_object_set_attr(o, name, mpy_int_from_i64(4)));
    assert_ptr_equal(look(o, "x"), mpy_int_from_i64(4));
    api_done(mpy_object_del_attr(o, name));
    api_done(mpy_object_del_attr(type, name));
    assert_ptr_equal(look(o, "x"), mpy_int_from_i64(1));
    api_done(mpy_object_del_attr(base, name));
    assert_null(look(o, "x"));
    mpy_decref(o);
    mpy_decref(type);
    mpy_decref(base);
    mpy_decref(name);
}

static void
test_order_in_data(void **state)
{
    mpy_object *type = api_good(mpy_type_from_spec(&data_spec, NULL));
    mpy_object *o = api_good(mpy_call_noargs(type));
    mpy_object *name = api_good(mpy_str_intern("x"));
    mpy_object *ref = api_good(mpy_str_intern("ref"));
    (void)state;
    assert_null(look(o, "x"));
    assert_null(look(o, "ref"));
    api_done(mpy_object_set_attr(type, name, mpy_int_from_i64(1)));
    api_done(mpy_object_set_attr(type, ref, mpy_int_from_i64(9)));
    assert_ptr_equal(look(o, "x"), mpy_int_from_i64(1));
    assert_null(look(o, "ref")); /* the member wins, set or not */
    api_done(mpy_object_set_attr(o, name, mpy_int_from_i64(2)));
    api_done(mpy_object_set_attr(o, ref, mpy_int_from_i64(3)));
    assert_ptr_equal(look(o, "x"), mpy_int_from_i64(2));
    assert_ptr_equal(look(o, "ref"), mpy_int_from_i64(3));
    assert_ptr_equal(*(mpy_object **)mpyi_instance_data(o, mpyi_type_of(o)), mpy_int_from_i64(3));
    api_done(mpy_object_del_attr(o, name));
    api_done(mpy_object_del_attr(o, ref));
    assert_ptr_equal(look(o, "x"), mpy_int_from_i64(1));
    assert_null(look(o, "ref"));
    mpy_decref(o);
    mpy_decref(type);
    mpy_decref(name);
    mpy_decref(ref);
}

/* A member is found by a name that nothing else has interned. */
static void
test_member_by_c_string(void **state)
{
    const mpy_member_spec rare[] = {{"a member no test names elsewhere", 0, 0}, {NULL, 0, 0}};
    mpy_type_spec spec = data_spec;
    mpy_object *type, *o;
    void *data;
    (void)state;
    spec.members = rare;
    type = api_good(mpy_type_from_spec(&spec, NULL));
    o = api_good(mpy_call_noargs(type));
    (void)mpyi_intern_purge(mpyi_current());
    api_done(mpy_type_data(o, type, &data));
    *(mpy_object **)data = MPY_TRUE;
    assert_ptr_equal(api_good(mpy_object_get_attr_utf8(o, rare[0].name)), MPY_TRUE);
    mpy_decref(o);
    mpy_decref(type);
}

static void
test_methods(void **state)
{
    mpy_object *type = api_good(mpy_type_from_spec(&plain_spec, NULL));
    mpy_object *o = api_good(mpy_call_noargs(type));
    mpy_object *name = api_good(mpy_str_from_utf8("me"));
    struct mpyi_thread *t = mpyi_current();
    mpy_object *bound = api_good(mpy_object_get_attr(o, name));
    mpy_object *alone, *self;
    (void)state;
    assert_ptr_equal(mpyi_type_of(bound), &mpyi_method_type);
    self = api_good(mpy_call_noargs(bound));
    assert_ptr_equal(self, o);
    mpy_decref(self);
    assert_int_equal(mpyi_attr_find_method(t, o, name, &alone), 2);
    assert_ptr_equal(alone, mpyi_method(bound)->function);
    mpy_decref(alone);
    mpy_decref(bound);

    /* A value of the instance is called as it is. */
    api_done(mpy_object_set_attr(o, name, MPY_TRUE));
    assert_int_equal(mpyi_attr_find_method(t, o, name, &alone), 1);
    assert_ptr_equal(alone, MPY_TRUE);
    mpy_decref(name);

    name = api_good(mpy_str_from_utf8("nobody interned this"));
    assert_int_equal(mpyi_attr_find_method(t, o, name, &alone), 0);
    assert_null(alone);
    mpy_decref(name);
    mpy_decref(o);
    mpy_decref(type);
}

/* Asking for what nobody has, by C string, takes no memory and interns nothing. */
static void
test_missing_takes_no_memory(void **state)
{
    struct api_world *world = *state;
    mpy_object *o = api_make(world, API_PLAIN);
    mpy_object *value;
    uint64_t failed;
    assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_AFTER, 1), 0);
    assert_int_equal(mpy_object_find_attr_utf8(o, "an attribute nobody has", &value), 0);
    assert_null(mpy_object_get_attr_utf8(o, "an attribute nobody has"));
    (void)mpy_debug_fail_count(world->rt, &failed);
    assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
    assert_int_equal(failed, 0);
    assert_string_equal(
        mpyi_current()->error.text,
        "mpy_object_get_attr_utf8(): 'Plain' object has no attribute 'an attribute nobody has'");
    mpy_err_clear();
    mpy_decref(o);
}

/* ---- get_attr slots
 * -------------------------------------------------------------------------------- */

static int slot_mode;

static mpy_object *
get_attr_slot(mpy_object *self, mpy_object *name)
{
    const char *text;
    api_done(mpy_str_as_utf8(name, &text, NULL));
    if (strcmp(text, "magic") == 0) {
        return mpy_int_from_i64(42);
    }
    if (slot_mode == 1) {
        mpy_err_set_code(MPY_EXC_VALUE_ERROR, "not today");
        return NULL;
    }
    return mpy_object_generic_get_attr(self, name);
}

static void
test_slot(void **state)
{
    mpy_type_spec spec = plain_spec;
    mpy_object *type, *o, *value, *name;
    (void)state;
    spec.get_attr = get_attr_slot;
    slot_mode = 0;
    type = api_good(mpy_type_from_spec(&spec, NULL));
    o = api_good(mpy_call_noargs(type));
    assert_ptr_equal(look(o, "magic"), mpy_int_from_i64(42));
    api_done(mpy_object_set_attr_utf8(o, "magic", MPY_TRUE));
    api_done(mpy_object_set_attr_utf8(o, "plain", MPY_TRUE));
    for (int i = 0; i < 2; i++) {
        assert_ptr_equal(look(o, "magic"), mpy_int_from_i64(42));
        assert_ptr_equal(look(o, "plain"), MPY_TRUE);
        assert_null(look(o, "missing"));
    }
    slot_mode = 1;
    name = api_good(mpy_str_from_utf8("plain"));
    assert_int_equal(mpy_object_find_attr(o, name, &value), -1);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_null(mpy_object_get_attr(o, name));
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_null(mpy_object_get_attr_utf8(o, "plain"));
    api_expect_error(MPY_EXC_VALUE_ERROR);
    mpy_decref(name);
    mpy_decref(o);
    mpy_decref(type);
}

static int
bind_method(struct api_world *world, void *o)
{
    mpy_object *bound = mpy_object_get_attr_utf8(o, "me");
    (void)world;
    mpy_xdecref(bound);
    return bound != NULL;
}

static void
test_no_memory(void **state)
{
    mpy_object *type = api_good(mpy_type_from_spec(&plain_spec, NULL));
    mpy_object *o = api_good(mpy_call_noargs(type));
    assert_int_equal(sweep(*state, bind_method, o), 1);
    mpy_decref(o);
    mpy_decref(type);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order_in_plain, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_order_in_data, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_member_by_c_string, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_methods, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_missing_takes_no_memory, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_slot, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
