/* SPDX-License-Identifier: MIT */
/* test: timeout=120 */
/*
 * api/test_rules_deep.c - a million levels deep, on a stack of 64 KiB.
 *
 * Nothing the library does to an object may recurse over what it refers to: dying, being collected,
 * being looked at, being left over at the end of a runtime. What does recurse by nature (repr,
 * comparison, hash) has to end in a clean RecursionError, by the limit on depth or by what is left
 * of the stack, whichever is met first. All of it runs in a thread with a small stack; sanitized
 * builds, whose frames are larger, get more.
 */
#include "support/api_deep.h"
#include "support/api_node.h"
#include "support/api_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH  1000000
#define SHORT  100000 /* where a level costs more */
#define MEDIUM 900    /* within the limit of 1,000 */
#define LITTLE 20     /* within a stack of 64 KiB */

/* ---- building ------------------------------------------------------------------------------- */

struct builder {
    const char *name;
    int depth;
    deep_wrap_fn wrap; /* one level more */
    int recursive;     /* bits: repr 1, compare 2, hash 4 recurse */
};

static mpy_object *node_type, *traverse_type, *big_type;
static struct api_log log_now;

static mpy_object *
wrap_dict(mpy_object *inner)
{
    mpy_object *dict = mpy_dict_new(0);
    if (dict != NULL && mpy_dict_set_utf8(dict, "k", inner) < 0) {
        mpy_clear(&dict);
    }
    return dict;
}

static mpy_object *
wrap_mixed(mpy_object *inner)
{
    return mpy_list_check(inner)    ? deep_wrap_tuple(inner)
           : mpy_tuple_check(inner) ? wrap_dict(inner)
                                    : deep_wrap_list(inner);
}

static mpy_object *
wrap_node(mpy_object *inner)
{
    mpy_object *o = api_node_new(node_type, API_NODE_FINALIZE, &log_now, 1);
    if (o != NULL) {
        api_node_data(o, node_type)->refs[2] = mpy_newref(inner);
    }
    return o;
}

static mpy_object *
wrap_traverse(mpy_object *inner)
{
    mpy_object *o = api_node_new(traverse_type, API_NODE_TRAVERSE, NULL, 2);
    if (o != NULL && api_node_add_extra(api_node_data(o, traverse_type), inner) < 0) {
        mpy_clear(&o);
    }
    return o;
}

static mpy_object *
wrap_big(mpy_object *inner)
{
    mpy_object *o = api_node_new(big_type, API_NODE_BIG, NULL, 3);
    if (o != NULL) {
        api_big_data(o, big_type)->refs[99] = mpy_newref(inner);
    }
    return o;
}

static mpy_object *
give_none(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self;
    (void)argv;
    (void)nargs;
    (void)kwnames;
    return MPY_NONE;
}

static mpy_object *
wrap_function(mpy_object *inner)
{
    static const mpy_func_spec spec = {.name = "f", .fn = give_none};
    return mpy_func_new(&spec, inner);
}

static mpy_object *
wrap_iterator(mpy_object *inner)
{
    mpy_object *list = deep_wrap_list(inner);
    mpy_object *it = list != NULL ? mpy_iter_get(list) : NULL;
    mpy_xdecref(list);
    return it;
}

static mpy_object *
wrap_exception(mpy_object *inner)
{
    mpy_object *type = mpy_exc_type(MPY_EXC_VALUE_ERROR), *exc;
    mpy_err_set_object(type, inner);
    exc = mpy_err_take();
    if (mpy_object_is_instance(inner, type) == 1) {
        /* Raising an exception object gives that object: chain another one to it. */
        mpy_decref(exc);
        mpy_err_set(type, "outer");
        exc = mpy_err_take();
        if (mpy_exc_set_cause(exc, inner) < 0) {
            mpy_clear(&exc);
        }
    }
    mpy_decref(type);
    return exc;
}

static const struct builder builders[] = {
    {"lists", DEPTH, deep_wrap_list, 3},
    {"tuples", DEPTH, deep_wrap_tuple, 7},
    {"dicts", DEPTH / 2, wrap_dict, 3},
    {"all three", DEPTH, wrap_mixed, 3},
    {"instances", DEPTH, deep_wrap_plain, 0},
    {"data", DEPTH, wrap_node, 0},
    {"data with traverse", SHORT, wrap_traverse, 0},
    {"large data", SHORT / 10, wrap_big, 0},
    {"functions", DEPTH, wrap_function, 0},
    {"iterators", DEPTH / 2, wrap_iterator, 0},
    {"exceptions", DEPTH / 2, wrap_exception, 0},
};
#define BUILDERS (sizeof builders / sizeof builders[0])

static mpy_object *
build(const struct builder *b, int depth, mpy_object *innermost)
{
    return deep_build(b->wrap, (unsigned long)depth, innermost);
}

struct task {
    const char *(*run)(struct api_world *w, const struct builder *b); /* NULL, or what went wrong */
    struct api_world *world;
    const struct builder *builder;
};

static const char *
run_task(void *data)
{
    const struct task *task = data;
    return task->run(task->world, task->builder);
}

static void
on_small_stack(struct api_world *w,
               const char *(*run)(struct api_world *w, const struct builder *b),
               const struct builder *b)
{
    struct task task = {run, w, b};
    const char *fault = deep_on_small_stack(w->rt, run_task, &task);
    if (fault != NULL) {
        fail_msg("%s: %s", b != NULL ? b->name : "-", fault);
    }
}

static void
each_builder(void **state, const char *(*run)(struct api_world *w, const struct builder *b))
{
    struct api_world *w = *state;
    memset(&log_now, 0, sizeof log_now);
    log_now.one_id = 1;
    deep_plain_type = mpy_newref(w->plain_type);
    node_type = api_good(api_node_type(API_NODE_FINALIZE));
    traverse_type = api_good(api_node_type(API_NODE_TRAVERSE));
    big_type = api_good(api_node_type(API_NODE_BIG));
    for (size_t i = 0; i < BUILDERS; i++) {
        on_small_stack(w, run, &builders[i]);
    }
    mpy_clear(&deep_plain_type);
    mpy_clear(&node_type);
    mpy_clear(&traverse_type);
    mpy_clear(&big_type);
    assert_int_equal(log_now.faults, 0);
}

/* ---- dying ---------------------------------------------------------------------------------- */

static const char *
run_die(struct api_world *w, const struct builder *b)
{
    (void)w;
    return deep_die(b->wrap, (unsigned long)b->depth);
}

static void
test_dying(void **state)
{
    each_builder(state, run_die);
    assert_int_equal(log_now.releases, DEPTH);
}

/* The same objects in a cycle, found by a collection. */
static const char *
run_collect(struct api_world *w, const struct builder *b)
{
    mpy_gc_result result = {.size = sizeof result, .version = 1};
    mpy_object *innermost = mpy_list_new(0), *other = mpy_list_new(0), *o;
    (void)w;
    o = build(b, b->depth, innermost);
    if (o == NULL || mpy_list_append(innermost, o) < 0 || mpy_list_append(innermost, other) < 0) {
        return "not built";
    }
    mpy_decref(innermost);
    if (mpy_gc_collect(2, NULL) < 0 || mpy_refcount(other) != 2) {
        return "collected while it was alive";
    }
    mpy_decref(o);
    if (mpy_gc_collect(2, &result) < 0 || mpy_refcount(other) != 1) {
        return "not collected";
    }
    mpy_decref(other);
    return result.collected > (uint64_t)b->depth ? NULL : "not all of it was counted";
}

static void
test_collected(void **state)
{
    each_builder(state, run_collect);
    assert_int_equal(log_now.releases, DEPTH);
}

/* A runtime that ends while all of it is there: once as leak, once as garbage. */
static const char *
run_end(struct api_world *w, const struct builder *b)
{
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    mpy_runtime *rt;
    (void)w;
    for (int leak = 0; leak < 2; leak++) {
        mpy_object *innermost, *o;
        if (mpy_runtime_new(NULL, &rt) != MPY_OK) {
            return "no runtime";
        }
        innermost = mpy_list_new(0);
        o = build(b, b->depth / 2, innermost);
        if (o == NULL || (!leak && mpy_list_append(innermost, o) < 0)) {
            return "not built";
        }
        mpy_decref(innermost);
        if (!leak) {
            mpy_decref(o);
        }
        if (mpy_runtime_free(rt, &report) != MPY_OK || (report.objects != 0) != leak) {
            return "wrong report";
        }
    }
    return NULL;
}

static void
test_end_of_runtime(void **state)
{
    struct api_world *w = *state;
    for (size_t i = 0; i < 4; i++) {
        on_small_stack(w, run_end, &builders[i]);
    }
    on_small_stack(w, run_end, &builders[8]);
}

/* ---- what recurses by nature ---------------------------------------------------------------- */

/* 1: raised RecursionError, which is cleared. */
static int
refused(mpy_object *result)
{
    int good = result == NULL && mpy_err_code() == MPY_EXC_RECURSION_ERROR;
    mpy_xdecref(result);
    mpy_err_clear();
    return good;
}

static int
refused_int(int result)
{
    int good = result == -1 && mpy_err_code() == MPY_EXC_RECURSION_ERROR;
    mpy_err_clear();
    return good;
}

static const char *
recurse_hash(mpy_object *o)
{
    mpy_object *dict = mpy_dict_new(0);
    int64_t hash;
    if (!refused_int(mpy_object_hash(o, &hash))) {
        return "hash: no RecursionError";
    }
    if (!refused_int(mpy_dict_set(dict, o, MPY_NONE)) || mpy_dict_length(dict) != 0) {
        return "as a key: no RecursionError";
    }
    mpy_decref(dict);
    return NULL;
}

static const char *
recurse_all(const struct builder *b, mpy_object *o, mpy_object *same)
{
    size_t refs = mpy_refcount(o);
    if ((b->recursive & 1) != 0 && (!refused(mpy_object_repr(o)) || !refused(mpy_object_str(o)) ||
                                    !refused(mpy_str_format("%R", o)))) {
        return "repr: no RecursionError";
    }
    if ((b->recursive & 2) != 0) {
        mpy_object *list = mpy_list_from_array(&same, 1);
        if (!refused(mpy_object_compare(o, same, MPY_EQ)) ||
            !refused_int(mpy_object_compare_bool(o, same, MPY_NE)) ||
            !refused_int(mpy_object_contains(list, o))) {
            return "comparison: no RecursionError";
        }
        mpy_decref(list);
    }
    if (mpy_refcount(o) != refs) {
        return "the count is not what it was";
    }
    return (b->recursive & 4) != 0 ? recurse_hash(o) : NULL;
}

static const char *
run_recurse(struct api_world *w, const struct builder *b)
{
    mpy_object *o, *same;
    const char *fault;
    int64_t limit;
    if (b->recursive == 0) {
        return NULL;
    }
    o = build(b, b->depth, MPY_NONE);
    same = build(b, b->depth, MPY_NONE);
    fault = recurse_all(b, o, same);
    /* Without that limit the stack is one. */
    if (fault == NULL) {
        if (mpy_runtime_get_limit(w->rt, MPY_LIMIT_STACK_DEPTH, &limit) < 0 ||
            mpy_runtime_set_limit(w->rt, MPY_LIMIT_STACK_DEPTH, DEPTH) < 0) {
            return "the limit cannot be set";
        }
        fault = recurse_all(b, o, same);
        if (mpy_runtime_set_limit(w->rt, MPY_LIMIT_STACK_DEPTH, limit) < 0) {
            return "the limit cannot be reset";
        }
    }
    mpy_decref(o);
    mpy_decref(same);
    return fault;
}

static void
test_recursion(void **state)
{
    each_builder(state, run_recurse);
}

/* Within the limits it works. */
static const char *
shallow(const struct builder *b, int depth)
{
    static char fault[MPY_ERR_TEXT_MAX + 1];
    mpy_object *o, *same, *text;
    int64_t hash;
    if (b->recursive == 0) {
        return NULL;
    }
    o = build(b, depth, MPY_NONE);
    same = build(b, depth, MPY_NONE);
    text = mpy_object_repr(o);
    if (text == NULL || mpy_str_length(text) < 2 * depth ||
        mpy_object_compare_bool(o, same, MPY_EQ) != 1 ||
        ((b->recursive & 4) != 0 && mpy_object_hash(o, &hash) < 0)) {
        api_take_error(fault, sizeof fault);
        return fault;
    }
    mpy_decref(text);
    mpy_decref(o);
    mpy_decref(same);
    return NULL;
}

static const char *
run_shallow(struct api_world *w, const struct builder *b)
{
    (void)w;
    return shallow(b, LITTLE);
}

static void
test_shallow(void **state)
{
    each_builder(state, run_shallow);
    for (size_t i = 0; i < BUILDERS; i++) {
        const char *fault = shallow(&builders[i], MEDIUM);
        if (fault != NULL) {
            fail_msg("%s: %s", builders[i].name, fault);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_dying, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_collected, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_end_of_runtime, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_recursion, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_shallow, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
