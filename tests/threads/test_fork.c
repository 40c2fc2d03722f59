/* SPDX-License-Identifier: MIT */
/* test: long */
/*
 * Forks of a process with busy threads: the child goes on in the runtime of the thread that forked,
 * and in runtimes whose lock was free; one whose lock another thread held is dead, and says so.
 */
#include "support/cm.h"
#include "support/scale.h"
#include "support/workers.h"

#include "minipy/err.h"
#include "minipy/list.h"
#include "minipy/thread.h"

#include <sys/wait.h>
#include <unistd.h>

#define BUSY 4

static mpy_runtime *rt;
static mpy_view *view;
static uint32_t stop;

/* Runs `child` in a fork, with an alarm against hanging; its exit status must be 0. */
static void
in_child(int (*child)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(60);
        _exit(child());
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void *
busy(void *arg)
{
    void *window[16] = {NULL};
    unsigned i = (unsigned)(uintptr_t)arg;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        mpy_thread_token *token;
        WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
        for (int k = 0; k < 50; k++, i++) {
            void **slot = &window[i % 16];
            mpy_obj_free(*slot);
            *slot = mpy_obj_malloc(8 + i * 7919u % 600);
            WORKER_CHECK(*slot != NULL && mpy_checkpoint() == 0);
        }
        for (int k = 0; k < 16; k++) {
            mpy_obj_free(window[k]);
            window[k] = NULL;
        }
        mpy_thread_detach(token);
    }
    return NULL;
}

#define CHILD_CHECK(n, cond)                                                                       \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            return n;                                                                              \
        }                                                                                          \
    } while (0)

/* The lock is this thread's: everything works, and the runtime can be ended. */
static int
child_goes_on(void)
{
    mpy_thread_token *token, *saved;
    mpy_gil_stats stats = {.size = sizeof stats, .version = 1};
    CHILD_CHECK(1, mpy_runtime_current() == rt && mpy_gil_held());
    for (int i = 0; i < 100; i++) {
        void *p = mpy_obj_malloc((size_t)(8 + i * 37 % 700));
        CHILD_CHECK(2, p != NULL && mpy_checkpoint() == 0);
        mpy_obj_free(p);
    }
    CHILD_CHECK(3, mpy_gil_get_stats(rt, &stats) == 0);
    CHILD_CHECK(4, stats.attached == 1 && stats.waiting == 0);
    saved = mpy_gil_release();
    CHILD_CHECK(5, mpy_thread_attach(view, &token) == MPY_OK);
    mpy_thread_detach(token);
    mpy_gil_acquire(saved);
    CHILD_CHECK(6, mpy_gil_held());
    mpy_view_close(view);
    CHILD_CHECK(7, mpy_runtime_free(rt, NULL) == MPY_OK);
    CHILD_CHECK(8, mpy_runtime_new(NULL, &rt) == MPY_OK);
    CHILD_CHECK(9, mpy_runtime_free(rt, NULL) == MPY_OK);
    return 0;
}

static void
test_under_load(void **state)
{
    if (mpy_feature("asan") && mpy_feature("bypass-pools")) {
        return; /* AddressSanitizer's malloc may stay locked in the child of a threaded process */
    }
    (void)state;
    struct workers w = {.count = 0};
    stop = 0;
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    view = mpy_view_of(rt);
    assert_int_equal(mpy_gil_set_switch_interval(rt, 20000), 0);
    for (uintptr_t i = 0; i < BUSY; i++) {
        workers_add(&w, busy, (void *)i);
    }
    for (unsigned long i = 0; i < test_scaled(20); i++) {
        for (int k = 0; k < 20; k++) {
            assert_int_equal(mpy_checkpoint(), 0);
        }
        in_child(child_goes_on);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    mpy_thread_token *saved = mpy_gil_release();
    workers_join(&w);
    mpy_gil_acquire(saved);
    mpy_view_close(view);
    assert_int_equal(mpy_runtime_free(rt, NULL), MPY_OK);
}

static uint32_t phase;

static void *
holds_the_lock(void *arg)
{
    mpy_thread_token *token;
    (void)arg;
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
    __atomic_store_n(&phase, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        worker_sleep_us(100);
    }
    mpy_thread_detach(token);
    return NULL;
}

static mpy_thread_token *released;

static int
child_finds_it_dead(void)
{
    mpy_thread_token *token = released;
    mpy_runtime *other;
    CHILD_CHECK(1, mpy_thread_attach(view, &token) == MPY_E_FORKED && token == NULL);
    CHILD_CHECK(2, mpy_status_last() == MPY_E_FORKED);
    mpy_gil_acquire(released); /* cannot be had: no hang */
    CHILD_CHECK(3, !mpy_gil_held() && mpy_status_last() == MPY_E_FORKED);
    CHILD_CHECK(4, mpy_runtime_free(rt, NULL) == MPY_E_NOT_ATTACHED);
    CHILD_CHECK(5, mpy_runtime_new(NULL, &other) == MPY_OK); /* nested in the dead one */
    CHILD_CHECK(6, mpy_checkpoint() == 0);
    CHILD_CHECK(7, mpy_runtime_free(other, NULL) == MPY_OK);
    mpy_thread_detach(released);
    CHILD_CHECK(8, mpy_thread_current() == NULL);
    mpy_view_close(view);
    pid_t pid = fork(); /* again, from the child */
    if (pid == 0) {
        CHILD_CHECK(9, mpy_runtime_new(NULL, &other) == MPY_OK);
        return mpy_runtime_free(other, NULL) == MPY_OK ? 0 : 10;
    }
    int status = -1;
    CHILD_CHECK(11, waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 12;
}

static void
test_held_by_another(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    stop = 0;
    phase = 0;
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    view = mpy_view_of(rt);
    workers_add(&w, holds_the_lock, NULL);
    released = mpy_gil_release();
    assert_true(worker_wait_for(&phase, 1, 10000));
    in_child(child_finds_it_dead);
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    workers_join(&w);
    mpy_gil_acquire(released);
    mpy_view_close(view);
    assert_int_equal(mpy_runtime_free(rt, NULL), MPY_OK);
}

/* Nobody held the lock: the runtime lives on, without the attachments of threads that are gone. */
static void *
attached_but_blocked(void *arg)
{
    mpy_thread_token *token;
    (void)arg;
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
    mpy_object *type = mpy_exc_type(MPY_EXC_VALUE_ERROR);
    mpy_object *value = mpy_list_new(0);
    mpy_err_set_object(type, value);
    mpy_decref(type);
    mpy_decref(value);
    token = mpy_gil_release();
    __atomic_store_n(&phase, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        worker_sleep_us(100);
    }
    mpy_gil_acquire(token);
    mpy_thread_detach(token);
    return NULL;
}

static int
child_ends_it(void)
{
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    mpy_gil_stats stats = {.size = sizeof stats, .version = 1};
    mpy_gil_acquire(released);
    CHILD_CHECK(1, mpy_gil_held());
    CHILD_CHECK(2, mpy_gil_get_stats(rt, &stats) == 0 && stats.attached == 1);
    mpy_view_close(view);
    CHILD_CHECK(3, mpy_runtime_free(rt, &report) == MPY_OK);
    CHILD_CHECK(4, report.objects == 0 && report.blocks == 0);
    return 0;
}

static void
test_lock_was_free(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    stop = 0;
    phase = 0;
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    view = mpy_view_of(rt);
    workers_add(&w, attached_but_blocked, NULL);
    released = mpy_gil_release();
    assert_true(worker_wait_for(&phase, 1, 10000));
    in_child(child_ends_it);
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    workers_join(&w);
    mpy_gil_acquire(released);
    mpy_view_close(view);
    assert_int_equal(mpy_runtime_free(rt, NULL), MPY_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_under_load),
        cmocka_unit_test(test_held_by_another),
        cmocka_unit_test(test_lock_was_free),
    };
    return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
