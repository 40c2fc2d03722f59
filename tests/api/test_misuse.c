/* SPDX-License-Identifier: MIT */
/* test: timeout=120 */
/*
 * api/test_misuse.c - what a host may not do, with every public function: checked mode names it.
 *
 *   MPY_CHECK_LOCK_HELD   a call by a thread that is not attached, or has released the lock
 *   MPY_CHECK_ERROR_SET   a call while an error is set, of a function that may set one
 *   MPY_CHECK_OWNER       a call with an object of another runtime
 *
 * Each call is made by a child process that is to die by the handler of fatal errors, with a text
 * that begins with the function's name. The calls are those of support/api_calls.h.
 */
#include "support/api_calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* How a child ends. */
#define NAMED    40
#define MISNAMED 41
#define SURVIVED 42

static char expected[128];
static const char *part;

static void
on_fatal(void *data, const char *text)
{
    (void)data;
    if (strncmp(text, expected, strlen(expected)) == 0 && strstr(text, part) != NULL &&
        strstr(text, "\n  found at 0x") != NULL && strstr(text, "\n  next: ") != NULL) {
        _exit(NAMED);
    }
    (void)fprintf(stderr, "%s", text);
    _exit(MISNAMED);
}

/* A call of the tables, or another one without arguments. */
struct wrong {
    const char *name;
    const struct api_call *call;
    void (*other)(void);
};

/* Runs it in a child after `before`; 1 when that died with the right words. */
static int
dies(const struct wrong *wrong, mpy_object *const *v, uint32_t check, void (*before)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        (void)snprintf(expected, sizeof expected, "%s(): ", wrong->name);
        mpy_debug_set_fatal_handler(on_fatal, NULL);
        if (mpy_debug_set_checks(NULL, check) < 0) {
            _exit(1);
        }
        before();
        if (wrong->call != NULL) {
            (void)wrong->call->call(v);
        } else {
            wrong->other();
        }
        _exit(SURVIVED);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
        status = -1;
    } else {
        status = WEXITSTATUS(status);
    }
    if (status != NAMED) {
        print_error("%s: %s\n", wrong->name,
                    status == SURVIVED ? "went unseen" : "died without its name");
    }
    return status == NAMED;
}

/* What some entries of the tables call first. Their own functions are among `others`. */
static const char *
first_call(const char *name)
{
    if (strncmp(name, "mpy_strwriter_", strlen("mpy_strwriter_")) == 0) {
        return "mpy_strwriter_new";
    }
    return strcmp(name, "mpy_recursion_leave") == 0 ? "mpy_recursion_enter" : name;
}

static int
has_own(const struct api_call *call, mpy_object *const *v);

/* Every call of the tables that needs a runtime, and that `wanted` is for; how many went wrong. */
static int
each_call(struct api_world *world, uint32_t check, void (*before)(void),
          int (*wanted)(const struct api_call *call, mpy_object *const *v))
{
    int faults = 0;
    for (size_t i = 0; api_tables[i] != NULL; i++) {
        for (const struct api_call *call = api_tables[i]; call->name != NULL; call++) {
            mpy_object *v[4];
            struct wrong wrong = {wanted == has_own ? call->name : first_call(call->name), call,
                                  NULL};
            if ((call->flags & API_ANYWHERE) != 0) {
                continue;
            }
            api_make_args(world, call, v);
            if (wanted == NULL || wanted(call, v)) {
                faults += !dies(&wrong, v, check, before);
            }
            api_drop_args(call, v);
        }
    }
    return faults;
}

/* ---- without the lock ----------------------------------------------------------------------- */

static mpy_object *victim;
static void *block;
static mpy_strwriter *writer;
static mpy_thread_token *saved;
static int result;

static void
release_lock(void)
{
    saved = mpy_gil_release();
}

static void
call_obj_malloc(void)
{
    block = mpy_obj_malloc(24);
}

static void
call_obj_malloc_large(void)
{
    block = mpy_obj_malloc(5000);
}

static void
call_obj_calloc(void)
{
    block = mpy_obj_calloc(2, 12);
}

static void
call_obj_realloc(void)
{
    block = mpy_obj_realloc(block, 48);
}

static void
call_obj_realloc_null(void)
{
    block = mpy_obj_realloc(NULL, 48);
}

static void
call_obj_free(void)
{
    mpy_obj_free(block);
}

static void
call_obj_free_sized(void)
{
    mpy_obj_free_sized(block, 24);
}

static void
call_last_decref(void)
{
    mpy_decref(victim);
}

static void
call_checkpoint(void)
{
    result = mpy_checkpoint();
}

static void
call_gc_collect(void)
{
    result = mpy_gc_collect(2, NULL);
}

static void
call_strwriter_utf8(void)
{
    result = mpy_strwriter_utf8(writer, "text", 4);
}

static void
call_strwriter_char(void)
{
    result = mpy_strwriter_char(writer, 'c');
}

static void
call_strwriter_str(void)
{
    result = mpy_strwriter_str(writer, victim);
}

static void
call_strwriter_repr(void)
{
    result = mpy_strwriter_repr(writer, victim);
}

static void
call_strwriter_format(void)
{
    result = mpy_strwriter_format(writer, "%d", 1);
}

static void
call_strwriter_finish(void)
{
    victim = mpy_strwriter_finish(writer);
}

static void
call_strwriter_discard(void)
{
    mpy_strwriter_discard(writer);
}

static void
call_recursion_leave(void)
{
    mpy_recursion_leave();
}

static void
call_strwriter_new(void)
{
    writer = mpy_strwriter_new(0);
}

static const struct wrong others[] = {
    {"mpy_obj_malloc", NULL, call_obj_malloc},
    {"mpy_obj_malloc", NULL, call_obj_malloc_large},
    {"mpy_obj_calloc", NULL, call_obj_calloc},
    {"mpy_obj_realloc", NULL, call_obj_realloc},
    {"mpy_obj_realloc", NULL, call_obj_realloc_null},
    {"mpy_obj_free", NULL, call_obj_free},
    {"mpy_obj_free_sized", NULL, call_obj_free_sized},
    {"mpy_decref", NULL, call_last_decref},
    {"mpy_checkpoint", NULL, call_checkpoint},
    {"mpy_gc_collect", NULL, call_gc_collect},
    {"mpy_strwriter_utf8", NULL, call_strwriter_utf8},
    {"mpy_strwriter_char", NULL, call_strwriter_char},
    {"mpy_strwriter_str", NULL, call_strwriter_str},
    {"mpy_strwriter_repr", NULL, call_strwriter_repr},
    {"mpy_strwriter_format", NULL, call_strwriter_format},
    {"mpy_strwriter_finish", NULL, call_strwriter_finish},
    {"mpy_strwriter_discard", NULL, call_strwriter_discard},
    {"mpy_recursion_leave", NULL, call_recursion_leave},
    {"mpy_strwriter_new", NULL, call_strwriter_new},
};

static void
test_without_the_lock(void **state)
{
    int faults;
    part = "the calling thread is not attached to a runtime, or has released its lock";
    faults = each_call(*state, MPY_CHECK_LOCK_HELD, release_lock, NULL);
    victim = api_good(mpy_list_new(0));
    block = mpy_obj_malloc(24);
    assert_non_null(block);
    writer = mpy_strwriter_new(0);
    assert_non_null(writer);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        faults += !dies(&others[i], NULL, MPY_CHECK_LOCK_HELD, release_lock);
    }
    mpy_strwriter_discard(writer);
    mpy_obj_free(block);
    mpy_decref(victim);
    assert_int_equal(faults, 0);
}

/* ---- with an error set ---------------------------------------------------------------------- */

static void
raise_error(void)
{
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "forgotten");
}

/* Those that deal with errors, or clean up, are for that moment. */
static int
minds_errors(const struct api_call *call, mpy_object *const *v)
{
    (void)v;
    return (strncmp(call->name, "mpy_err_", strlen("mpy_err_")) != 0 ||
            strcmp(call->name, "mpy_err_new_type") == 0) &&
           strcmp(call->name, "mpy_gc_enable") != 0 && strcmp(call->name, "mpy_gc_disable") != 0;
}

static void
test_error_set(void **state)
{
    static const struct wrong strict = {"mpy_gc_collect", NULL, call_gc_collect};
    int faults;
    part = "called while an error is set: forgotten\n  set at 0x";
    faults = each_call(*state, MPY_CHECK_ERROR_SET, raise_error, minds_errors);
    faults += !dies(&strict, NULL, MPY_CHECK_ERROR_SET, raise_error);
    assert_int_equal(faults, 0);
}

/* What has to work with an error set: looking at it, replacing it, dropping it, cleaning up. */
static void
test_error_allowed(void **state)
{
    struct api_world *w = *state;
    mpy_view *view = mpy_view_of(w->rt);
    mpy_thread_token *token;
    mpy_object *list = api_good(mpy_list_new(0)), *error;
    writer = mpy_strwriter_new(0);
    api_done(mpy_recursion_enter("here"));
    assert_int_equal(mpy_debug_set_checks(w->rt, MPY_CHECK_ERROR_SET), 0);
    raise_error();
    assert_true(mpy_err_occurred());
    assert_true(mpy_err_matches(mpy_exc_type(MPY_EXC_VALUE_ERROR)));
    mpy_err_set_code(MPY_EXC_KEY_ERROR, "another");
    mpy_decref(list);
    mpy_strwriter_discard(writer);
    mpy_recursion_leave();
    (void)mpy_gc_disable();
    (void)mpy_gc_enable();
    saved = mpy_gil_release();
    mpy_gil_acquire(saved);
    assert_true(mpy_gil_held());
    assert_int_equal(mpy_thread_attach(view, &token), MPY_OK);
    mpy_thread_detach(token); /* with it goes the error */
    mpy_view_close(view);
    assert_false(mpy_err_occurred());
    raise_error();
    error = mpy_err_take();
    assert_non_null(error);
    mpy_err_restore(error);
    mpy_decref(error);
    mpy_err_clear();
    assert_int_equal(mpy_debug_set_checks(w->rt, 0), 0);
}

/* ---- an object of another runtime ----------------------------------------------------------- */

static void
enter_another_runtime(void)
{
    mpy_runtime *rt;
    if (mpy_runtime_new(NULL, &rt) != MPY_OK) {
        _exit(1);
    }
}

/* Some argument belongs to its runtime alone. */
static int
has_own(const struct api_call *call, mpy_object *const *v)
{
    for (size_t i = 0; i < api_arg_count(call); i++) {
        size_t count = v[i] != NULL ? mpy_refcount(v[i]) : 0;
        if (count != 0 && count < MPY_PRIV_REFCNT_IMMORTAL) {
            return 1;
        }
    }
    return 0;
}

static void
test_other_runtime(void **state)
{
    part = "belongs to another runtime";
    assert_int_equal(each_call(*state, MPY_CHECK_OWNER, enter_another_runtime, has_own), 0);
    part = ", belongs to another runtime";
    assert_int_equal(each_call(*state, MPY_CHECK_ALL, enter_another_runtime, has_own), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_the_lock, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_error_set, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_error_allowed, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_other_runtime, api_setup, api_teardown),
    };
    return cmocka_run_group_tests_name("misuse", tests, NULL, NULL);
}
