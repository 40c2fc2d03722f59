/* SPDX-License-Identifier: MIT */
/* test: labels=+threads */
/*
 * api/test_sites.c - who allocated this object? mpy_mem_block_info() names the host's code.
 *
 * A list is the probe: its handle is the address of a block that is always in a pool. Asked at bad
 * moments, too: while another thread holds the dynamic loader's lock, in a fork's child, as a
 * thread's first call, inside of callbacks that the library calls.
 */
#include "support/api_world.h"

#include <link.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* A sanitizer wants that lock when a thread starts; elsewhere than glibc the unwinder does. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LOADER_LOCK_FREE 0
#elif defined(__clang__)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LOADER_LOCK_FREE 0
#endif
#endif
#if !defined(LOADER_LOCK_FREE)
#if defined(__GLIBC__)
#define LOADER_LOCK_FREE __GLIBC_PREREQ(2, 35)
#else
#define LOADER_LOCK_FREE 0
#endif
#endif

#define NOINLINE __attribute__((noinline))

/* What the compiler needs at most for one of the functions below. */
#define FUNCTION_SIZE 1024u

static NOINLINE mpy_object *
make_list(void)
{
    mpy_object *volatile list = mpy_list_new(3);
    return list;
}

/* 1 when the record of o says that this function asked for it. */
static int
made_in(mpy_object *o, uintptr_t function)
{
    mpy_block_info info = {.size = sizeof info, .version = 1};
    return o != NULL && mpy_mem_block_info(o, &info) == 1 && info.serial != 0 &&
           (uintptr_t)info.site - function < FUNCTION_SIZE;
}

static int
list_is_known(void)
{
    mpy_object *list = make_list();
    int known = made_in(list, (uintptr_t)make_list);
    mpy_xdecref(list);
    return known;
}

static int
checked_setup(void **state)
{
    return mpy_debug_set_checks(NULL, MPY_CHECK_RED_ZONES) == 0 ? api_setup(state) : -1;
}

static int
checked_teardown(void **state)
{
    int result = api_teardown(state);
    return mpy_debug_set_checks(NULL, 0) == 0 ? result : -1;
}

static void
test_plain(void **state)
{
    (void)state;
    assert_int_equal(list_is_known(), 1);
}

/* ---- callbacks ------------------------------------------------------------------------------ */

static NOINLINE mpy_object *
callback(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self, (void)argv, (void)nargs, (void)kwnames;
    mpy_object *volatile list = mpy_list_new(0);
    return list;
}

/* The innermost of the host's functions, not the one that called the library first. */
static void
test_in_a_callback(void **state)
{
    static const mpy_func_spec spec = {.name = "callback", .fn = callback};
    mpy_object *function = api_good(mpy_func_new(&spec, NULL)), *list;
    (void)state;
    list = api_good(mpy_call_noargs(function));
    assert_int_equal(made_in(list, (uintptr_t)callback), 1);
    mpy_decref(list);
    mpy_decref(function);
}

/* ---- threads -------------------------------------------------------------------------------- */

static mpy_view *view;

static void *
first_call(void *arg)
{
    mpy_thread_token *token;
    int *known = arg;
    if (mpy_thread_attach(view, &token) == MPY_OK) {
        *known = list_is_known();
        mpy_thread_detach(token);
    }
    return NULL;
}

static void
in_another_thread(void)
{
    pthread_t thread;
    int known = 0;
    mpy_thread_token *saved = mpy_gil_release();
    int started = pthread_create(&thread, NULL, first_call, &known);
    int joined = started == 0 ? pthread_join(thread, NULL) : -1;
    mpy_gil_acquire(saved);
    assert_int_equal(joined, 0);
    assert_int_equal(known, 1);
}

/* Runs with the loader's lock held: unwinding in another thread must not want it. */
static int
while_loading(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)info, (void)size, (void)data;
    in_another_thread();
    return 1;
}

static void
test_in_threads(void **state)
{
    (void)state;
    view = mpy_view_of(mpy_runtime_current());
    in_another_thread();
    if (LOADER_LOCK_FREE) {
        (void)dl_iterate_phdr(while_loading, NULL);
    }
    mpy_view_close(view);
}

static void
test_after_fork(void **state)
{
    int status;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(list_is_known() ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain, checked_setup, checked_teardown),
        cmocka_unit_test_setup_teardown(test_in_a_callback, checked_setup, checked_teardown),
        cmocka_unit_test_setup_teardown(test_in_threads, checked_setup, checked_teardown),
        cmocka_unit_test_setup_teardown(test_after_fork, checked_setup, checked_teardown),
    };
    return cmocka_run_group_tests_name("sites", tests, NULL, NULL);
}
