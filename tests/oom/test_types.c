/* SPDX-License-Identifier: MIT */
/*
 * Out of memory in programs over host types, instances, attributes, functions and calls.
 */
#include "support/internal/oom.h"

#include <stdio.h>

static mpy_object *
echo(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self;
    size_t n = nargs + (kwnames != NULL ? (size_t)mpy_tuple_length(kwnames) : 0);
    return mpy_list_from_array(argv, n);
}

/* A method that keeps its argument under a name made at run time. */
static mpy_object *
keep(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)kwnames;
    (void)nargs;
    mpy_object *name = mpy_str_format("kept by %T", self);
    int rc = name != NULL ? mpy_object_set_attr(self, name, argv[0]) : -1;
    mpy_xdecref(name);
    return rc == 0 ? MPY_NONE : NULL;
}

static int
init(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)kwnames;
    mpy_object *list = mpy_list_from_array(argv, nargs);
    int rc = list != NULL ? mpy_object_set_attr_utf8(self, "arguments", list) : -1;
    mpy_xdecref(list);
    return rc;
}

static const mpy_func_spec methods[] = {
    {.name = "echo", .fn = echo, .max_args = MPY_ARGS_ANY, .flags = MPY_FUNC_KEYWORDS},
    {.name = "keep", .fn = keep, .min_args = 1, .max_args = 1},
    {.name = NULL}};

static const mpy_member_spec members[] = {{"left", 0, 0}, {"right", 1, 0}, {NULL, 0, 0}};

struct data {
    mpy_object *left, *right;
    uint64_t number;
};

static const mpy_type_spec plain_spec = {.size = sizeof plain_spec,
                                         .version = 1,
                                         .name = "t.Plain",
                                         .flags = MPY_TYPE_ATTRS | MPY_TYPE_BASE,
                                         .methods = methods,
                                         .init = init};
static const mpy_type_spec derived_spec = {
    .size = sizeof derived_spec, .version = 1, .name = "t.Derived", .flags = MPY_TYPE_ATTRS};
static const mpy_type_spec data_spec = {.size = sizeof data_spec,
                                        .version = 1,
                                        .name = "t.Data",
                                        .flags = MPY_TYPE_ATTRS,
                                        .ref_count = 2,
                                        .data_size = sizeof(struct data),
                                        .members = members,
                                        .methods = methods};
static const mpy_type_spec large_spec = {.size = sizeof large_spec,
                                         .version = 1,
                                         .name = "t.Large",
                                         .ref_count = 2,
                                         .data_size = 3000,
                                         .members = members};

/* Attributes one after the other: shapes, values that move out of the cell, at last a dict. */
static int
attributes(void *unused)
{
    int result = OOM_FAILED;
    mpy_object *type = mpy_type_from_spec(&plain_spec, NULL), *o = NULL, *other = NULL, *v = NULL;
    (void)unused;
    OOM_NEED(type != NULL);
    o = mpy_call_noargs(type);
    other = o != NULL ? mpy_call_noargs(type) : NULL;
    OOM_NEED(other != NULL);
    for (int i = 0; i < 150; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "attribute%d", i);
        mpy_object *value = mpy_int_from_i64(i);
        if (mpy_object_set_attr_utf8(o, name, value) < 0) {
            mpy_object *missing;
            if (mpy_object_find_attr_utf8(o, name, &missing) == 1) {
                mpy_decref(missing);
                OOM_CHECK(!"an attribute that could not be set is there");
            }
            goto out;
        }
        OOM_NEED(i % 10 != 0 || mpy_object_set_attr_utf8(other, name, value) == 0);
        mpy_clear(&v);
        v = mpy_object_get_attr_utf8(o, name);
        OOM_NEED(v != NULL);
        OOM_CHECK(mpy_is(v, value));
    }
    mpy_clear(&v);
    v = mpy_str_from_utf8("attribute7");
    OOM_NEED(v != NULL);
    int has = mpy_object_has_attr(o, v);
    OOM_NEED(has >= 0);
    OOM_CHECK(has == 1);
    OOM_NEED(mpy_object_del_attr(o, v) == 0);
    OOM_NEED(mpy_object_set_attr(o, v, MPY_NONE) == 0);
    mpy_object *found = NULL;
    OOM_NEED(mpy_object_find_attr(other, v, &found) == 0);
    result = OOM_OK;
out:
    mpy_xdecref(type);
    mpy_xdecref(o);
    mpy_xdecref(other);
    mpy_xdecref(v);
    return result;
}

static int
types(void *unused)
{
    int result = OOM_FAILED;
    mpy_object *base = mpy_type_from_spec(&plain_spec, NULL), *derived = NULL, *data = NULL;
    mpy_object *large = NULL, *o = NULL, *name = NULL, *builtin = NULL;
    void *p;
    (void)unused;
    OOM_NEED(base != NULL);
    derived = mpy_type_from_spec(&derived_spec, base);
    OOM_NEED(derived != NULL);
    data = mpy_type_from_spec(&data_spec, NULL);
    OOM_NEED(data != NULL);
    large = mpy_type_from_spec(&large_spec, NULL);
    OOM_NEED(large != NULL);
    OOM_CHECK(mpy_type_check(derived) && mpy_type_is_subtype(derived, base) == 1);
    o = mpy_call(derived, &base, 1, NULL);
    OOM_NEED(o != NULL);
    name = mpy_str_from_utf8("arguments");
    OOM_NEED(name != NULL);
    OOM_NEED(mpy_object_generic_set_attr(o, name, MPY_NONE) == 0);
    mpy_clear(&o);
    o = mpy_type_new_instance(derived);
    OOM_NEED(o != NULL);
    OOM_NEED(mpy_object_generic_set_attr(o, name, MPY_TRUE) == 0);
    mpy_object *value = mpy_object_generic_get_attr(o, name);
    OOM_NEED(value != NULL);
    OOM_CHECK(value == MPY_TRUE);
    mpy_clear(&o);
    o = mpy_call_noargs(data);
    OOM_NEED(o != NULL);
    OOM_CHECK(mpy_type_data(o, data, &p) == 0);
    mpy_assign(&((struct data *)p)->left, derived);
    OOM_NEED(mpy_object_set_attr_utf8(o, "right", o) == 0); /* a cycle */
    OOM_NEED(mpy_object_set_attr_utf8(o, "anything", base) == 0);
    mpy_clear(&o);
    o = mpy_call_noargs(large);
    OOM_NEED(o != NULL);
    OOM_NEED(mpy_object_set_attr_utf8(o, "left", o) == 0);
    mpy_clear(&name);
    name = mpy_type_name(derived);
    OOM_NEED(name != NULL);
    mpy_clear(&name);
    name = mpy_type_qualname(derived);
    OOM_NEED(name != NULL);
    builtin = mpy_type_builtin(MPY_TYPE_ID_LIST);
    OOM_CHECK(builtin != NULL);
    mpy_clear(&o);
    o = mpy_object_repr(derived);
    OOM_NEED(o != NULL);
    result = OOM_OK;
out:
    mpy_xdecref(base);
    mpy_xdecref(derived);
    mpy_xdecref(data);
    mpy_xdecref(large);
    mpy_xdecref(o);
    mpy_xdecref(name);
    mpy_xdecref(builtin);
    return result;
}

static int
calls(void *unused)
{
    static const mpy_func_spec spec = {
        .name = "echo", .fn = echo, .max_args = MPY_ARGS_ANY, .flags = MPY_FUNC_KEYWORDS};
    int result = OOM_FAILED;
    mpy_object *fn = mpy_func_new(&spec, NULL), *type = NULL, *o = NULL, *r = NULL, *args = NULL;
    mpy_object *kwargs = NULL, *name = NULL, *bound = NULL;
    (void)unused;
    OOM_NEED(fn != NULL);
    OOM_CHECK(mpy_call_check(fn) == 1);
    type = mpy_type_from_spec(&plain_spec, NULL);
    OOM_NEED(type != NULL);
    o = mpy_call(type, &fn, 1, NULL);
    OOM_NEED(o != NULL);
    r = mpy_call_method_utf8(o, "keep", &fn, 1);
    OOM_NEED(r != NULL);
    name = mpy_str_from_utf8("echo");
    OOM_NEED(name != NULL);
    mpy_object *argv[2] = {o, fn};
    r = mpy_call_method(name, argv, 2, NULL);
    OOM_NEED(r != NULL);
    OOM_CHECK(mpy_list_length(r) == 1);
    mpy_clear(&r);
    bound = mpy_object_get_attr(o, name);
    OOM_NEED(bound != NULL);
    args = mpy_tuple_pack(2, fn, o);
    kwargs = args != NULL ? mpy_dict_new(0) : NULL;
    OOM_NEED(kwargs != NULL);
    OOM_NEED(mpy_dict_set_utf8(kwargs, "keyword", fn) == 0);
    r = mpy_call_tuple(bound, args, kwargs);
    OOM_NEED(r != NULL);
    OOM_CHECK(mpy_list_length(r) == 3);
    OOM_NEED(mpy_recursion_enter("a test") == 0);
    mpy_recursion_leave();
    mpy_clear(&r);
    r = mpy_object_repr(bound);
    OOM_NEED(r != NULL);
    result = OOM_OK;
out:
    mpy_xdecref(fn);
    mpy_xdecref(type);
    mpy_xdecref(o);
    mpy_xdecref(r);
    mpy_xdecref(args);
    mpy_xdecref(kwargs);
    mpy_xdecref(name);
    mpy_xdecref(bound);
    return result;
}

static const struct oom_scenario scenarios[] = {
    {.name = "attributes",
     .reaches = "mpy_type_from_spec mpy_call_noargs mpy_object_set_attr_utf8 "
                "mpy_object_find_attr_utf8 mpy_object_get_attr_utf8 mpy_object_has_attr "
                "mpy_object_del_attr mpy_object_set_attr mpy_object_find_attr",
     .run = attributes},
    {.name = "types",
     .reaches = "mpy_type_check mpy_type_is_subtype mpy_call mpy_object_generic_set_attr "
                "mpy_type_new_instance mpy_object_generic_get_attr mpy_type_data mpy_type_name "
                "mpy_type_qualname mpy_type_builtin",
     .run = types},
    {.name = "calls",
     .reaches = "mpy_func_new mpy_call_check mpy_call_method_utf8 mpy_call_method "
                "mpy_object_get_attr mpy_call_tuple mpy_recursion_enter mpy_recursion_leave",
     .run = calls},
    {.name = NULL},
};

int
main(void)
{
    return oom_main("out of memory: types and calls", scenarios);
}
