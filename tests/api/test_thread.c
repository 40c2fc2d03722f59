/* SPDX-License-Identifier: MIT */
/* test: labels=+threads */
/*
 * minipy/thread.h as a host sees it: threads that share objects, single calls that are atomic,
 * errors per thread, and what a runtime that ends does to its views.
 */
#include "support/cm.h"
#include "support/workers.h"

#include "minipy.h"

#define EACH 3000

static mpy_runtime *rt;
static mpy_view *view;
static mpy_object *shared;

static int
setup(void **state)
{
    (void)state;
    if (mpy_runtime_new(NULL, &rt) != MPY_OK) {
        return -1;
    }
    view = mpy_view_of(rt);
    return view != NULL ? mpy_gil_set_switch_interval(rt, 20000) : -1;
}

static int
teardown(void **state)
{
    (void)state;
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    mpy_view_close(view);
    if (mpy_runtime_free(rt, &report) != MPY_OK || report.objects + report.blocks != 0) {
        print_error("left over: %s\n", report.text);
        return -1;
    }
    return 0;
}

static void *
appends(void *arg)
{
    mpy_thread_token *token;
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
    for (int64_t i = 0; i < EACH; i++) {
        mpy_object *value = mpy_int_from_i64((int64_t)(uintptr_t)arg * EACH + i);
        WORKER_CHECK(value != NULL && mpy_list_append(shared, value) == 0);
        mpy_decref(value);
        WORKER_CHECK(mpy_checkpoint() == 0);
    }
    mpy_thread_detach(token);
    return NULL;
}

/* Appends of several threads to one list: none is lost. */
static void
test_shared_list(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    char seen[4 * EACH] = {0};
    shared = mpy_list_new(0);
    assert_non_null(shared);
    for (uintptr_t i = 0; i < 4; i++) {
        workers_add(&w, appends, (void *)i);
    }
    mpy_thread_token *saved = mpy_gil_release();
    workers_join(&w);
    mpy_gil_acquire(saved);
    assert_int_equal(mpy_list_length(shared), 4 * EACH);
    for (ptrdiff_t i = 0; i < 4 * EACH; i++) {
        int64_t value;
        mpy_object *item = mpy_list_get(shared, i);
        assert_int_equal(mpy_int_as_i64(item, &value), 0);
        assert_in_range(value, 0, 4 * EACH - 1);
        seen[value]++;
        mpy_decref(item);
    }
    for (int i = 0; i < 4 * EACH; i++) {
        assert_int_equal(seen[i], 1);
    }
    mpy_decref(shared);
}

static void *
fails_alone(void *arg)
{
    mpy_thread_token *token;
    int code = (int)(uintptr_t)arg;
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
    for (int i = 0; i < 200; i++) {
        mpy_err_set_code(code, "mine");
        mpy_gil_acquire(mpy_gil_release()); /* another one sets its error now */
        WORKER_CHECK(mpy_err_code() == code);
        mpy_err_clear();
    }
    mpy_err_set_code(code, "left behind");
    mpy_thread_detach(token);
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
    WORKER_CHECK(mpy_err_code() == 0);
    mpy_thread_detach(token);
    return NULL;
}

static void
test_errors_per_thread(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    mpy_thread_token *saved = mpy_gil_release();
    workers_add(&w, fails_alone, (void *)(uintptr_t)MPY_EXC_VALUE_ERROR);
    workers_add(&w, fails_alone, (void *)(uintptr_t)MPY_EXC_KEY_ERROR);
    workers_join(&w);
    mpy_gil_acquire(saved);
    assert_int_equal(mpy_err_code(), 0);
}

static mpy_object *
takes_long(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self, (void)argv, (void)nargs, (void)kwnames;
    return MPY_NONE;
}

static uint32_t reached;

static void *
gets_in(void *arg)
{
    mpy_thread_token *token;
    (void)arg;
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
    __atomic_store_n(&reached, 1, __ATOMIC_RELEASE);
    mpy_thread_detach(token);
    return NULL;
}

/* Every call of a function object is a checkpoint. */
static void
test_calls_are_checkpoints(void **state)
{
    (void)state;
    static const mpy_func_spec spec = {.name = "long", .fn = takes_long};
    struct workers w = {.count = 0};
    mpy_object *fn = mpy_func_new(&spec, NULL);
    assert_non_null(fn);
    reached = 0;
    workers_add(&w, gets_in, NULL);
    int64_t end = worker_now() + INT64_C(10000000000);
    while (!__atomic_load_n(&reached, __ATOMIC_ACQUIRE)) {
        assert_true(worker_now() < end);
        mpy_object *result = mpy_call_noargs(fn);
        assert_true(result == MPY_NONE);
    }
    workers_join(&w);
    mpy_decref(fn);
}

static int
sets_error(void *arg)
{
    (void)arg;
    mpy_err_set_code(MPY_EXC_KEYBOARD_INTERRUPT, "stop");
    return -1;
}

/* That is how a host interrupts a computation. */
static void
test_pending_interrupts_a_call(void **state)
{
    (void)state;
    static const mpy_func_spec spec = {.name = "long", .fn = takes_long};
    mpy_object *fn = mpy_func_new(&spec, NULL);
    assert_int_equal(mpy_pending_add(rt, sets_error, NULL), 0);
    assert_null(mpy_call_noargs(fn));
    assert_int_equal(mpy_err_code(), MPY_EXC_KEYBOARD_INTERRUPT);
    mpy_err_clear();
    mpy_object *result = mpy_call_noargs(fn);
    assert_true(result == MPY_NONE);
    mpy_decref(fn);
}

static void
test_views_after_the_end(void **state)
{
    (void)state;
    mpy_runtime *other;
    mpy_thread_token *token;
    assert_int_equal(mpy_runtime_new(NULL, &other), MPY_OK);
    mpy_view *first = mpy_view_of(other);
    mpy_view *second = mpy_view_of(other);
    assert_int_equal(mpy_runtime_free(other, NULL), MPY_OK);
    assert_int_equal(mpy_thread_attach(first, &token), MPY_E_FINALIZING);
    mpy_view_close(first);
    assert_int_equal(mpy_thread_attach(second, &token), MPY_E_FINALIZING);
    mpy_view_close(second);
    assert_ptr_equal(mpy_runtime_current(), rt);
}

static void
test_stats_of_other_sizes(void **state)
{
    (void)state;
    struct {
        mpy_gil_stats stats;
        uint64_t later;
    } newer = {.stats = {.size = sizeof newer}, .later = 99};
    assert_int_equal(mpy_gil_get_stats(rt, &newer.stats), 0);
    assert_int_equal(newer.stats.size, sizeof newer.stats);
    assert_int_equal(newer.later, 0);
    newer.stats.size = 0xdeadbeef; /* was not set */
    assert_int_equal(mpy_gil_get_stats(rt, &newer.stats), -1);
    mpy_err_clear();
    newer.stats.size = 8;
    assert_int_equal(mpy_gil_get_stats(rt, &newer.stats), -1);
    assert_int_equal(mpy_err_code(), MPY_EXC_VALUE_ERROR);
    mpy_err_clear();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_shared_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors_per_thread, setup, teardown),
        cmocka_unit_test_setup_teardown(test_calls_are_checkpoints, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pending_interrupts_a_call, setup, teardown),
        cmocka_unit_test_setup_teardown(test_views_after_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stats_of_other_sizes, setup, teardown),
    };
    return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
