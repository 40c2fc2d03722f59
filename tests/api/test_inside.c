/* SPDX-License-Identifier: MIT */
/* test: labels=+threads */
/*
 * api/test_inside.c - callbacks that try to take the runtime away from the call that made them.
 *
 * Each calls mpy_runtime_free() and mpy_thread_detach(): the one answers MPY_E_BUSY, the other does
 * nothing, and the call goes on as if nothing had happened.
 */
#include "support/api_world.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>

static unsigned attempts;

/* What every callback does; its own result stays as it is. */
static void
attack(void)
{
    mpy_runtime *rt = mpy_runtime_current();
    mpy_thread_token *token = mpy_thread_current();
    attempts++;
    assert_int_equal(mpy_runtime_free(rt, NULL), MPY_E_BUSY);
    mpy_thread_detach(token);
    assert_int_equal(mpy_status_last(), MPY_E_BUSY);
    assert_int_equal(mpy_gil_held(), 1);
    assert_ptr_equal(mpy_thread_current(), token);
    assert_ptr_equal(mpy_runtime_current(), rt);
}

static mpy_object *
binary(mpy_object *a, mpy_object *b)
{
    (void)a;
    (void)b;
    attack();
    return MPY_NONE;
}

static mpy_object *
unary(mpy_object *a)
{
    (void)a;
    attack();
    return MPY_NONE;
}

static void
finalize(mpy_object *self)
{
    (void)self;
    attack();
}

static int
traverse(void *data, mpy_visit_fn visit, void *arg)
{
    (void)data;
    (void)visit;
    (void)arg;
    attack();
    return 0;
}

static void
clear(void *data)
{
    (void)data;
}

static mpy_object *
native(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self;
    (void)argv;
    (void)nargs;
    (void)kwnames;
    attack();
    return MPY_NONE;
}

static int
visit_object(void *data, mpy_object *o)
{
    (void)data;
    (void)o;
    attack();
    return 1;
}

static int
pending(void *arg)
{
    (void)arg;
    attack();
    return 0;
}

static int
receive(void *data, const char *bytes, size_t n)
{
    (void)data;
    (void)bytes;
    (void)n;
    attack();
    return 0;
}

static const mpy_type_spec spec = {
    .size = sizeof(mpy_type_spec),
    .version = 1,
    .name = "inside.Attacker",
    .ref_count = 1,
    .data_size = 16,
    .finalize = finalize,
    .repr = unary, /* the error for its result is the call's own business */
    .add = binary,
    .negative = unary,
};

static const mpy_type_spec hidden_spec = {
    .size = sizeof(mpy_type_spec),
    .version = 1,
    .name = "inside.Hidden",
    .data_size = 8,
    .traverse = traverse,
    .clear = clear,
};

static mpy_object *type;

static int
setup(void **state)
{
    int result = api_setup(state);
    attempts = 0;
    type = api_good(mpy_type_from_spec(&spec, NULL));
    return result;
}

static int
teardown(void **state)
{
    mpy_clear(&type);
    return api_teardown(state);
}

static void
test_slots(void **state)
{
    mpy_object *o = api_good(mpy_type_new_instance(type));
    mpy_func_spec function = {.name = "native", .fn = native};
    (void)state;
    mpy_decref(api_good(mpy_number_add(o, o)));
    mpy_decref(api_good(mpy_number_negative(o)));
    assert_null(mpy_object_repr(o));
    mpy_err_clear();
    assert_int_equal(attempts, 3);
    mpy_decref(o); /* its finalizer */
    assert_int_equal(attempts, 4);
    o = api_good(mpy_func_new(&function, NULL));
    mpy_decref(api_good(mpy_call_noargs(o)));
    mpy_decref(o);
    assert_int_equal(attempts, 5);
    o = api_good(mpy_list_new(0));
    api_done(mpy_list_append(o, o));
    assert_int_equal(mpy_iter_each(o, visit_object, NULL), 1);
    assert_int_equal(attempts, 6);
    api_done(mpy_list_clear(o));
    mpy_decref(o);
}

static void
test_collector(void **state)
{
    mpy_object *hidden = api_good(mpy_type_from_spec(&hidden_spec, NULL));
    mpy_object *o = api_good(mpy_type_new_instance(hidden)), *cycle, *list;
    void *data;
    (void)state;
    assert_int_equal(mpy_gc_visit_objects(2, visit_object, NULL), 1);
    assert_int_equal(attempts, 1);
    list = api_good(mpy_gc_get_referents(o));
    mpy_decref(list);
    assert_true(attempts > 1);
    list = api_good(mpy_gc_get_referrers(o));
    mpy_decref(list);
    mpy_decref(o);
    mpy_decref(hidden);

    cycle = api_good(mpy_type_new_instance(type));
    api_done(mpy_type_data(cycle, type, &data));
    mpy_assign(data, cycle);
    mpy_decref(cycle);
    attempts = 0;
    api_done(mpy_gc_collect(2, NULL));
    assert_int_equal(attempts, 1);
}

static void
test_pending_call(void **state)
{
    (void)state;
    api_done(mpy_pending_add(mpy_runtime_current(), pending, NULL));
    api_done(mpy_checkpoint());
    assert_int_equal(attempts, 1);
}

static void
test_texts(void **state)
{
    mpy_object *exc;
    (void)state;
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "text");
    exc = api_good(mpy_err_take());
    api_done(mpy_err_display(exc, receive, NULL));
    assert_true(attempts > 0);
    mpy_decref(exc);
}

/* The runtime's error function; and callbacks that run while the runtime ends. */
static void
test_ending(void **state)
{
    mpy_config *config = mpy_config_new();
    mpy_runtime *rt;
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    mpy_object *own, *o;
    void *data;
    (void)state;
    assert_non_null(config);
    mpy_config_set_error_fn(config, receive, NULL);
    assert_int_equal(mpy_runtime_new(config, &rt), MPY_OK);
    mpy_config_free(config);
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "text");
    mpy_err_unraisable("here");
    assert_int_equal(attempts, 1);

    own = api_good(mpy_type_from_spec(&spec, NULL));
    o = api_good(mpy_type_new_instance(own));
    api_done(mpy_type_data(o, own, &data));
    mpy_assign(data, o);
    mpy_decref(o);
    mpy_decref(own);
    api_done(mpy_pending_add(rt, pending, NULL));
    assert_int_equal(mpy_runtime_free(rt, &report), MPY_OK);
    assert_int_equal(attempts, 3);
    assert_int_equal(report.objects, 0);
}

/* A thread that let go of the lock ends its attachment while another one is in such a callback. */
static mpy_view *shared_view;
static int worker_ready, worker_go, worker_gone;

static void *
leaves_meanwhile(void *arg)
{
    mpy_thread_token *token;
    (void)arg;
    if (mpy_thread_attach(shared_view, &token) == MPY_OK) {
        (void)!mpy_gil_release();
        __atomic_store_n(&worker_ready, 1, __ATOMIC_RELEASE);
        while (!__atomic_load_n(&worker_go, __ATOMIC_ACQUIRE)) {
            (void)sched_yield();
        }
        mpy_thread_detach(token); /* waits for the lock */
        __atomic_store_n(&worker_gone, mpy_thread_current() == NULL, __ATOMIC_RELEASE);
    }
    return NULL;
}

static int
visit_and_wait(void *data, mpy_object *o)
{
    struct timespec some = {.tv_nsec = 20000000};
    (void)data;
    (void)o;
    __atomic_store_n(&worker_go, 1, __ATOMIC_RELEASE);
    (void)nanosleep(&some, NULL);
    return 1;
}

static void
test_other_thread(void **state)
{
    pthread_t worker;
    mpy_thread_token *saved;
    (void)state;
    shared_view = mpy_view_of(mpy_runtime_current());
    assert_non_null(shared_view);
    saved = mpy_gil_release();
    assert_int_equal(pthread_create(&worker, NULL, leaves_meanwhile, NULL), 0);
    while (!__atomic_load_n(&worker_ready, __ATOMIC_ACQUIRE)) {
        (void)sched_yield();
    }
    mpy_gil_acquire(saved);
    assert_int_equal(mpy_gc_visit_objects(2, visit_and_wait, NULL), 1);
    saved = mpy_gil_release();
    assert_int_equal(pthread_join(worker, NULL), 0);
    mpy_gil_acquire(saved);
    assert_int_equal(worker_gone, 1);
    mpy_view_close(shared_view);
}

/* What is not taken away: attachments that callbacks make and end themselves. */
static mpy_object *
attaches(mpy_object *a)
{
    mpy_view *own = mpy_view_of(mpy_runtime_current());
    mpy_runtime *outer = mpy_runtime_current(), *other;
    mpy_thread_token *nested, *over;
    (void)a;
    assert_int_equal(mpy_thread_attach(own, &nested), MPY_OK);
    assert_int_equal(mpy_runtime_new(NULL, &other), MPY_OK);
    assert_int_equal(mpy_thread_attach(own, &over), MPY_OK); /* as deep in calls as the outer one */
    assert_ptr_equal(mpy_runtime_current(), outer);
    mpy_thread_detach(over);
    assert_ptr_equal(mpy_runtime_current(), other);
    assert_int_equal(mpy_runtime_free(other, NULL), MPY_OK);
    mpy_thread_detach(nested);
    assert_ptr_equal(mpy_runtime_current(), outer);
    mpy_view_close(own);
    return MPY_NONE;
}

static void
test_own_attachments(void **state)
{
    mpy_type_spec other = {.size = sizeof other, .version = 1, .name = "inside.Other"};
    mpy_object *o, *t;
    (void)state;
    other.negative = attaches;
    t = api_good(mpy_type_from_spec(&other, NULL));
    o = api_good(mpy_type_new_instance(t));
    mpy_decref(api_good(mpy_number_negative(o)));
    mpy_decref(o);
    mpy_decref(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_slots, setup, teardown),
        cmocka_unit_test_setup_teardown(test_collector, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pending_call, setup, teardown),
        cmocka_unit_test_setup_teardown(test_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ending, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_thread, setup, teardown),
        cmocka_unit_test_setup_teardown(test_own_attachments, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
