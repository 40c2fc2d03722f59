/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_attr_set.c - setting and deleting: replaced values, refusals, code that runs on a
 * drop, a model in a dict.
 */
#include "types/attr.h"

#include "types/instance.h"
#include "unit/types/sweep.h"

#include "support/scale.h"

#include <stdio.h>
#include <string.h>

static const mpy_member_spec members[] = {
    {"ref", 0, 0}, {"fixed", 1, MPY_MEMBER_READONLY}, {NULL, 0, 0}};

static mpy_object *
make(uint32_t flags, uint32_t refs)
{
    const mpy_type_spec spec = {.size = sizeof spec,
                                .version = 1,
                                .name = "t.S",
                                .flags = flags,
                                .ref_count = refs,
                                .data_size = 8 * (size_t)refs,
                                .members = refs != 0 ? members : NULL};
    mpy_object *type = api_good(mpy_type_from_spec(&spec, NULL));
    mpy_object *o = api_good(mpy_call_noargs(type));
    mpy_decref(type);
    return o;
}

static void
expect_text(const char *text)
{
    char got[MPY_ERR_TEXT_MAX + 1];
    (void)api_take_error(got, sizeof got);
    assert_string_equal(got, text);
}

static void
test_refusals(void **state)
{
    mpy_object *bare = make(0, 0);
    mpy_object *data = make(0, 2);
    mpy_object *name = api_good(mpy_str_intern("fixed"));
    mpy_object *ref = api_good(mpy_str_intern("ref"));
    (void)state;
    assert_int_equal(mpy_object_set_attr_utf8(bare, "x", MPY_NONE), -1);
    expect_text("mpy_object_set_attr_utf8(): 'S' object has no attribute 'x'");
    assert_int_equal(mpy_object_set_attr(data, name, MPY_NONE), -1);
    expect_text("mpy_object_set_attr(): attribute 'fixed' of 'S' is read-only");
    assert_int_equal(mpy_object_del_attr(data, name), -1);
    expect_text("mpy_object_del_attr(): attribute 'fixed' of 'S' is read-only");
    assert_int_equal(mpy_object_del_attr(data, ref), -1);
    expect_text("mpy_object_del_attr(): 'S' object has no attribute 'ref'");
    assert_int_equal(mpy_object_set_attr_utf8(MPY_NONE, "x", MPY_NONE), -1);
    expect_text("mpy_object_set_attr_utf8(): 'NoneType' object has no attribute 'x'");
    api_done(mpy_object_set_attr_utf8(mpyi_type_object(mpyi_type_of(bare)), "x", MPY_TRUE));
    assert_int_equal(mpy_object_set_attr_utf8(bare, "x", MPY_NONE), -1);
    expect_text("mpy_object_set_attr_utf8(): attribute 'x' of 'S' is the class's and cannot be set "
                "here");
    mpy_decref(bare);
    mpy_decref(data);
    mpy_decref(name);
    mpy_decref(ref);
}

/* ---- code that runs on a drop
 * ------------------------------------------------------------------------ */

static mpy_object *watched;
static int seen;

static void
watch(mpy_object *self)
{
    mpy_object *value;
    (void)self;
    seen = (int)api_done(mpy_object_find_attr_utf8(watched, "x", &value));
    assert_true(value == NULL || value == MPY_TRUE);
    api_done(mpy_object_set_attr_utf8(watched, "y", MPY_NONE));
}

static void
check_watched(mpy_object *o, mpy_object *watcher_type)
{
    mpy_object *name = api_good(mpy_str_intern("x"));
    mpy_object *w;
    watched = o;
    for (int i = 0; i < 2; i++) {
        w = api_good(mpy_call_noargs(watcher_type));
        api_done(mpy_object_set_attr(o, name, w));
        mpy_decref(w);
        seen = -1;
        api_done(i == 0 ? mpy_object_set_attr(o, name, MPY_TRUE) : mpy_object_del_attr(o, name));
        assert_int_equal(seen, i == 0);
    }
    mpy_decref(name);
}

/* The finalizer of what is replaced sees the new state, in every place a value can be. */
static void
test_drop_sees_new_state(void **state)
{
    const mpy_type_spec spec = {
        .size = sizeof spec, .version = 1, .name = "t.Watch", .finalize = watch};
    mpy_object *type = api_good(mpy_type_from_spec(&spec, NULL));
    mpy_object *inlined = make(MPY_TYPE_ATTRS, 0);
    mpy_object *array = make(MPY_TYPE_ATTRS, 0);
    mpy_object *dict = make(MPY_TYPE_ATTRS, 0);
    mpy_object *data = make(MPY_TYPE_ATTRS, 2);
    (void)state;
    check_watched(inlined, type);
    for (int i = 0; i < 10; i++) {
        char text[8];
        (void)snprintf(text, sizeof text, "a%d", i);
        api_done(mpy_object_set_attr_utf8(array, text, MPY_NONE));
    }
    assert_int_equal(mpyi_shape_of(array)->head.inline_max, 0);
    check_watched(array, type);
    assert_int_equal(mpyi_instance_use_dict(mpyi_current(), dict), 0);
    check_watched(dict, type);
    check_watched(data, type);
    mpy_decref(inlined);
    mpy_decref(array);
    mpy_decref(dict);
    mpy_decref(data);
    mpy_decref(type);
}

/* ---- against a model
 * ----------------------------------------------------------------------------------- */

static unsigned rng = 1;

static unsigned
next_random(unsigned below)
{
    rng = rng * 1664525u + 1013904223u;
    return (rng >> 8) % below;
}

/* Instances of one type share shapes and entries of the cache; each has its model. */
static void
test_model(void **state)
{
    enum { OBJECTS = 8, NAMES = 150 };
    struct api_world *world = *state;
    mpy_object *objects[OBJECTS], *names[NAMES];
    int model[OBJECTS][NAMES]; /* 0: not there */
    memset(model, 0, sizeof model);
    for (int i = 0; i < NAMES; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "m%d", i);
        names[i] = api_good(mpy_str_intern(text));
    }
    for (int i = 0; i < OBJECTS; i++) {
        objects[i] = api_good(mpy_call_noargs(world->plain_type));
    }
    for (unsigned long n = test_scaled(20000); n > 0; n--) {
        unsigned o = next_random(OBJECTS);
        unsigned a = next_random(o < 4 ? 6 : NAMES); /* few attributes, or many */
        unsigned what = next_random(10);
        mpy_object *got;
        int found = (int)api_done(mpy_object_find_attr(objects[o], names[a], &got));
        assert_int_equal(found, model[o][a] != 0);
        if (found) {
            assert_ptr_equal(got, mpy_int_from_i64(model[o][a]));
        }
        if (what < 5) {
            model[o][a] = (int)(n & 0xFFFF) + 1;
            api_done(mpy_object_set_attr(objects[o], names[a], mpy_int_from_i64(model[o][a])));
        } else if (what < 6) {
            int result = mpy_object_del_attr(objects[o], names[a]);
            assert_int_equal(result, model[o][a] != 0 ? 0 : -1);
            if (result < 0) {
                api_expect_error(MPY_EXC_ATTRIBUTE_ERROR);
            }
            model[o][a] = 0;
        } else if (what == 6 && next_random(500) == 0) {
            mpy_decref(objects[o]);
            objects[o] = api_good(mpy_call_noargs(world->plain_type));
            memset(model[o], 0, sizeof model[o]);
        }
    }
    mpy_decref_many(objects, OBJECTS);
    mpy_decref_many(names, NAMES);
}

static int
set_on_data(struct api_world *world, void *data)
{
    int result;
    (void)world;
    result = mpy_object_set_attr_utf8(data, "x", MPY_TRUE);
    if (result == 0) { /* as before: what was made for it goes */
        mpy_clear(mpyi_instance_dict(data, mpyi_type_of(data)));
    }
    return result == 0;
}

static void
test_no_memory(void **state)
{
    mpy_object *o = make(MPY_TYPE_ATTRS, 2);
    mpy_object *keep = api_good(mpy_str_intern("x"));
    unsigned n = 0;
    for (int done = 0; !done;) {
        struct api_world *world = *state;
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_NTH, ++n), 0);
        done = set_on_data(world, o);
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
        if (!done) {
            api_expect_error(MPY_EXC_MEMORY_ERROR);
            assert_int_equal(mpy_object_has_attr(o, keep), 0);
        }
    }
    assert_in_range(n, 2, 10);
    mpy_decref(o);
    mpy_decref(keep);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refusals, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_drop_sees_new_state, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_model, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
