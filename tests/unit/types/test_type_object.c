/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_type_object.c - repr and attributes of type objects.
 */
#include "types/attr.h"
#include "types/function.h"
#include "types/type.h"
#include "unit/types/sweep.h"

#include <stdlib.h>

static void
expect_repr(mpy_object *o, const char *text)
{
    char *got = api_repr(o);
    assert_string_equal(got, text);
    free(got);
}

static void
test_repr(void **state)
{
    struct api_world *world = *state;
    expect_repr(world->plain_type, "<class 't.Plain'>");
    expect_repr(mpyi_type_object(&mpyi_list_type), "<class 'list'>");
    expect_repr(mpyi_type_object(&mpyi_type_type), "<class 'type'>");
}

static void
test_attributes(void **state)
{
    struct api_world *world = *state;
    mpy_object *poke = api_good(mpy_object_get_attr_utf8(world->data_type, "poke"));
    mpy_object *missing = api_good(mpy_str_intern("first")); /* a member, so not the type's */
    mpy_object *one = api_good(mpy_str_intern("one"));
    mpy_object *value;
    char text[200];
    assert_ptr_equal(mpyi_type_of(poke), &mpyi_function_type);
    mpy_decref(poke);
    assert_int_equal(mpy_object_find_attr(world->data_type, missing, &value), 0);
    assert_null(mpy_object_get_attr(world->data_type, missing));
    (void)api_take_error(text, sizeof text);
    assert_string_equal(text, "mpy_object_get_attr(): type object 'Data' has no attribute 'first'");
    api_done(mpy_object_set_attr(world->data_type, one, MPY_TRUE));
    assert_int_equal(mpy_object_has_attr(world->data_type, one), 1);
    api_done(mpy_object_del_attr(world->data_type, one));
    assert_int_equal(mpy_object_has_attr(world->data_type, one), 0);
    assert_int_equal(mpy_object_del_attr(world->data_type, one), -1);
    api_expect_error(MPY_EXC_ATTRIBUTE_ERROR);
    poke = api_good(mpy_str_intern("poke"));
    value = api_good(mpy_object_generic_get_attr(world->data_type, poke));
    mpy_decref(value);
    mpy_decref(poke);
    api_done(mpy_object_generic_set_attr(world->data_type, one, MPY_NONE));
    assert_int_equal(mpy_object_has_attr(world->data_type, one), 1);
    mpy_decref(missing);
    mpy_decref(one);
}

static void
test_builtin_types_are_constant(void **state)
{
    mpy_object *list = mpyi_type_object(&mpyi_list_type);
    (void)state;
    assert_int_equal(mpy_object_set_attr_utf8(list, "x", MPY_TRUE), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_null(mpy_object_get_attr_utf8(list, "x"));
    api_expect_error(MPY_EXC_ATTRIBUTE_ERROR);
}

/* The old value's finalizer looks the attribute up: it must find the new one, not what was cached.
 */
static mpy_object *watched;
static mpy_object *found;

static void
look_again(mpy_object *self)
{
    (void)self;
    api_done(mpy_object_find_attr_utf8(watched, "x", &found));
    mpy_xdecref(found);
}

static void
test_replace_runs_code(void **state)
{
    struct api_world *world = *state;
    const mpy_type_spec spec = {
        .size = sizeof spec, .version = 1, .name = "t.Look", .finalize = look_again};
    mpy_object *look = api_good(mpy_type_from_spec(&spec, NULL));
    mpy_object *o = api_make(world, API_PLAIN);
    mpy_object *value;
    watched = o;
    for (int i = 0; i < 2; i++) {
        mpy_object *name = api_good(mpy_str_intern("x"));
        value = api_good(mpy_call_noargs(look));
        api_done(mpy_object_set_attr(world->plain_type, name, value));
        mpy_decref(value);
        assert_int_equal(mpy_object_has_attr(o, name), 1);
        found = MPY_NONE;
        api_done(i == 0 ? mpy_object_set_attr(world->plain_type, name, MPY_TRUE)
                        : mpy_object_del_attr(world->plain_type, name));
        assert_ptr_equal(found, i == 0 ? MPY_TRUE : NULL);
        mpy_decref(name);
    }
    mpy_decref(o);
    mpy_decref(look);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_repr, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_attributes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_builtin_types_are_constant, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_replace_runs_code, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
