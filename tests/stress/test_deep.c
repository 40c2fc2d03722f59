/* SPDX-License-Identifier: MIT */
/* test: timeout=600 long */
/*
 * stress/test_deep.c - chains as long as memory allows, on a stack of 64 KiB.
 *
 * 10,000,000 levels in the long run: lists, tuples, instances with attributes, instances with data.
 * A chain dies from its end when its last reference goes, and is found by a collection when it is
 * closed to a ring, which passes through the collector's bounded stack more often than fits it.
 * Nothing may recurse, and the frames of the library have to fit what is left of the stack.
 */
#include "support/cm.h"
#include "support/scale.h"

#include "minipy.h"

#include <pthread.h>
#include <string.h>

#define DEPTH 20000u /* 10,000,000 in the long run */
#define STACK ((size_t)64 << 10)

static mpy_object *plain_type, *data_type;

static mpy_object *
wrap_list(mpy_object *inner)
{
    return mpy_list_from_array(&inner, 1);
}

static mpy_object *
wrap_tuple(mpy_object *inner)
{
    return mpy_tuple_from_array(&inner, 1);
}

static mpy_object *
wrap_plain(mpy_object *inner)
{
    mpy_object *o = mpy_type_new_instance(plain_type);
    if (o != NULL && mpy_object_set_attr_utf8(o, "inner", inner) < 0) {
        mpy_clear(&o);
    }
    return o;
}

static mpy_object *
wrap_data(mpy_object *inner)
{
    mpy_object *o = mpy_type_new_instance(data_type);
    void *data;
    if (o != NULL && mpy_type_data(o, data_type, &data) == 0) {
        mpy_assign((mpy_object **)data, inner);
    }
    return o;
}

struct task {
    mpy_object *(*wrap)(mpy_object *inner);
    mpy_view *view;
    const char *fault;
};

static mpy_object *
build(const struct task *task, mpy_object *innermost)
{
    mpy_object *o = mpy_newref(innermost);
    for (unsigned long i = 0; i < test_scaled(DEPTH) && o != NULL; i++) {
        mpy_object *outer = task->wrap(o);
        mpy_decref(o);
        o = outer;
    }
    return o;
}

static const char *
die(const struct task *task)
{
    mpy_object *innermost = mpy_list_new(0);
    mpy_object *o = build(task, innermost);
    if (o == NULL || mpy_refcount(innermost) != 2) {
        return "not built";
    }
    mpy_decref(o);
    if (mpy_refcount(innermost) != 1) {
        return "not all of it died";
    }
    mpy_decref(innermost);
    return NULL;
}

static const char *
collect(const struct task *task)
{
    mpy_gc_result result = {.size = sizeof result, .version = 1};
    mpy_object *innermost = mpy_list_new(0);
    mpy_object *o = build(task, innermost);
    if (o == NULL || mpy_list_append(innermost, o) < 0) {
        return "not built";
    }
    mpy_decref(innermost);
    if (mpy_gc_collect(2, &result) < 0 || result.collected != 0) {
        return "collected while it was alive";
    }
    mpy_decref(o);
    if (mpy_gc_collect(2, &result) < 0 || result.collected != test_scaled(DEPTH) + 1) {
        return "not collected as a whole";
    }
    return NULL;
}

static void *
thread_main(void *arg)
{
    struct task *task = arg;
    mpy_thread_token *token;
    if (mpy_thread_attach(task->view, &token) != MPY_OK) {
        task->fault = "cannot attach";
        return NULL;
    }
    task->fault = die(task);
    if (task->fault == NULL) {
        task->fault = collect(task);
    }
    if (task->fault == NULL && mpy_err_occurred()) {
        task->fault = "an error was left set";
    }
    mpy_thread_detach(token);
    return NULL;
}

static void
run(mpy_object *(*wrap)(mpy_object *inner))
{
    static const mpy_type_spec plain = {
        .size = sizeof plain, .version = 1, .name = "deep.Plain", .flags = MPY_TYPE_ATTRS};
    static const mpy_type_spec data = {.size = sizeof data,
                                       .version = 1,
                                       .name = "deep.Data",
                                       .ref_count = 3,
                                       .data_size = 3 * sizeof(mpy_object *)};
    /* Frames of sanitized builds are larger. */
    size_t stack = mpy_feature("asan") || mpy_feature("tsan") ? 16 * STACK : STACK;
    struct task task = {.wrap = wrap};
    mpy_thread_token *saved;
    pthread_attr_t attr;
    pthread_t thread;
    mpy_runtime *rt;
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    plain_type = mpy_type_from_spec(&plain, NULL);
    data_type = mpy_type_from_spec(&data, NULL);
    task.view = mpy_view_of(rt);
    assert_true(plain_type != NULL && data_type != NULL && task.view != NULL);
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, stack), 0);
    assert_int_equal(pthread_create(&thread, &attr, thread_main, &task), 0);
    saved = mpy_gil_release();
    assert_int_equal(pthread_join(thread, NULL), 0);
    mpy_gil_acquire(saved);
    assert_int_equal(pthread_attr_destroy(&attr), 0);
    mpy_view_close(task.view);
    if (task.fault != NULL) {
        fail_msg("%s", task.fault);
    }
    mpy_clear(&plain_type);
    mpy_clear(&data_type);
    assert_int_equal(mpy_runtime_free(rt, NULL), MPY_OK);
}

static void
test_lists(void **state)
{
    (void)state;
    run(wrap_list);
}

static void
test_tuples(void **state)
{
    (void)state;
    run(wrap_tuple);
}

static void
test_instances(void **state)
{
    (void)state;
    run(wrap_plain);
}

static void
test_data(void **state)
{
    (void)state;
    run(wrap_data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_tuples),
        cmocka_unit_test(test_instances),
        cmocka_unit_test(test_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
