/* SPDX-License-Identifier: MIT */
/*
 * support/api_deep.c - see support/api_deep.h.
 */
#include "support/api_deep.h"

#include "support/cm.h"

#include <pthread.h>

#define STACK ((size_t)64 << 10)

mpy_object *deep_plain_type;

mpy_object *
deep_wrap_list(mpy_object *inner)
{
    return mpy_list_from_array(&inner, 1);
}

mpy_object *
deep_wrap_tuple(mpy_object *inner)
{
    return mpy_tuple_from_array(&inner, 1);
}

mpy_object *
deep_wrap_plain(mpy_object *inner)
{
    mpy_object *o = mpy_type_new_instance(deep_plain_type);
    if (o != NULL && mpy_object_set_attr_utf8(o, "inner", inner) < 0) {
        mpy_clear(&o);
    }
    return o;
}

mpy_object *
deep_build(deep_wrap_fn wrap, unsigned long depth, mpy_object *innermost)
{
    mpy_object *o = mpy_newref(innermost);
    for (unsigned long i = 0; i < depth && o != NULL; i++) {
        mpy_object *outer = wrap(o);
        mpy_decref(o);
        o = outer;
    }
    return o;
}

const char *
deep_die(deep_wrap_fn wrap, unsigned long depth)
{
    mpy_object *innermost = mpy_list_new(0);
    mpy_object *o = deep_build(wrap, depth, innermost);
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

/* ---- the thread with the small stack ----------------------------------------------------------
 */

struct task {
    const char *(*run)(void *data);
    void *data;
    mpy_view *view;
    const char *fault;
};

static void *
thread_main(void *arg)
{
    struct task *task = arg;
    mpy_thread_token *token;
    if (mpy_thread_attach(task->view, &token) != MPY_OK) {
        task->fault = "cannot attach";
        return NULL;
    }
    task->fault = task->run(task->data);
    if (task->fault == NULL && mpy_err_occurred()) {
        task->fault = "an error was left set";
    }
    mpy_thread_detach(token);
    return NULL;
}

const char *
deep_on_small_stack(mpy_runtime *rt, const char *(*run)(void *data), void *data)
{
    struct task task = {.run = run, .data = data, .view = mpy_view_of(rt)};
    size_t stack = mpy_feature("asan") || mpy_feature("tsan") ? 16 * STACK : STACK;
    pthread_attr_t attr;
    pthread_t thread;
    mpy_thread_token *saved;

    assert_non_null(task.view);
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, stack), 0);
    assert_int_equal(pthread_create(&thread, &attr, thread_main, &task), 0);
    saved = mpy_gil_release();
    assert_int_equal(pthread_join(thread, NULL), 0);
    mpy_gil_acquire(saved);
    assert_int_equal(pthread_attr_destroy(&attr), 0);
    mpy_view_close(task.view);
    return task.fault;
}
