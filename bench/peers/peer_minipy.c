/* SPDX-License-Identifier: MIT */
/*
 * peer_minipy.c - starting a runtime of libminipy, its fixtures, and the collectable node.
 */
#include "peers/peer.h"

#include <stdio.h>

struct peer_fixtures peer;
peer_obj peer_value_error;
peer_obj peer_node_type;
mpy_view *peer_view;

static mpy_object *
native0(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self;
    (void)argv;
    (void)nargs;
    (void)kwnames;
    return mpy_newref(peer.one);
}

static mpy_object *
native1(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self;
    (void)nargs;
    (void)kwnames;
    return mpy_newref(argv[0]);
}

static mpy_object *
native2(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self;
    (void)nargs;
    (void)kwnames;
    return mpy_newref(argv[1]);
}

static const mpy_func_spec function_specs[3] = {
    {.name = "native0", .fn = native0, .min_args = 0, .max_args = 0},
    {.name = "native1", .fn = native1, .min_args = 1, .max_args = 1},
    {.name = "native2", .fn = native2, .min_args = 2, .max_args = 2},
};

/* ---- the element of containers: host data with one reference and a native method ---- */

static const mpy_func_spec element_methods[] = {
    {.name = "method", .fn = native0, .min_args = 0, .max_args = 0},
    {.name = NULL},
};

static const mpy_member_spec element_members[] = {{"x", 0, 0}, {NULL, 0, 0}};

static const mpy_type_spec element_spec = {
    .size = sizeof element_spec,
    .version = 1,
    .name = "bench.Element",
    .flags = MPY_TYPE_BASE | MPY_TYPE_ACYCLIC,
    .ref_count = 1,
    .data_size = sizeof(mpy_object *),
    .members = element_members,
    .methods = element_methods,
};

/* ---- the collectable node, and the class whose instances take any attribute ---- */

static const mpy_type_spec node_spec = {
    .size = sizeof node_spec,
    .version = 1,
    .name = "bench.Node",
    .ref_count = PEER_NODE_REFS,
    .data_size = PEER_NODE_REFS * sizeof(mpy_object *),
};

static const mpy_type_spec instance_spec = {
    .size = sizeof instance_spec,
    .version = 1,
    .name = "bench.Instance",
    .flags = MPY_TYPE_ATTRS | MPY_TYPE_BASE,
};

/* ---- start ---- */

static int
write_error(void *data, const char *bytes, size_t n)
{
    return fwrite(bytes, 1, n, data) == n ? 0 : -1;
}

static peer_obj
check(peer_obj o)
{
    if (o == NULL) {
        peer_obj error = mpy_err_take();
        if (error != NULL) {
            (void)!mpy_err_display(error, write_error, stderr);
        }
        worker_fail("cannot start libminipy");
    }
    return o;
}

void
peer_start(void)
{
    static const char *const names[PEER_NAMES] = {"alpha",   "beta", "gamma", "delta",
                                                  "epsilon", "zeta", "eta",   "theta"};
    mpy_runtime *runtime;
    if (mpy_runtime_new(NULL, &runtime) != MPY_OK) {
        worker_fail("cannot make a runtime");
    }
    peer_view = mpy_view_of(runtime);
    if (peer_view == NULL) {
        worker_fail("cannot make a view");
    }
    peer_value_error = check(mpy_exc_type(MPY_EXC_VALUE_ERROR));
    peer_node_type = check(mpy_type_from_spec(&node_spec, NULL));
    peer.instance_type = check(mpy_type_from_spec(&instance_spec, NULL));

    peer_obj element_type = check(mpy_type_from_spec(&element_spec, NULL));
    peer_obj x = check(mpy_str_intern("x"));
    peer.one = check(peer_int(1));
    peer.shared = check(mpy_call_noargs(element_type));
    peer_attr_set(peer.shared, x, peer.one);
    mpy_decref(x);
    for (size_t i = 0; i < PEER_NAMES; i++) {
        peer.names[i] = check(peer_intern(names[i]));
    }
    peer.missing = check(peer_intern("nosuch"));
    peer.method = check(peer_intern("method"));
    for (size_t i = 0; i < 3; i++) {
        peer.functions[i] = check(mpy_func_new(&function_specs[i], NULL));
    }
}

/* Every call of a function object is a checkpoint. */
double
peer_compute(double seconds)
{
    double end = worker_now_ns() + seconds * 1e9;
    double units = 0;
    while (worker_now_ns() < end) {
        for (int i = 0; i < 1000; i++) {
            peer_decref(peer_call(peer.functions[0], NULL, 0));
        }
        units++;
    }
    return units;
}

/* struct peer_runtime is an mpy_runtime. */
struct peer_runtime *
peer_runtime_begin(void)
{
    mpy_runtime *runtime;
    if (mpy_runtime_new(NULL, &runtime) != MPY_OK) {
        worker_fail("cannot make a second runtime");
    }
    return (struct peer_runtime *)runtime;
}

void
peer_runtime_end(struct peer_runtime *runtime)
{
    if (mpy_runtime_free((mpy_runtime *)runtime, NULL) != MPY_OK) {
        worker_fail("cannot end a runtime");
    }
}
