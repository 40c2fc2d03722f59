/* SPDX-License-Identifier: MIT */
/*
 * unit/state/test_thread.c - calls without a runtime; the two limits on nesting.
 */
#include "support/api_world.h"

#include "minipy/debug.h"

#include "base/assert.h"
#include "state/state.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static char reported[200];

static void
note_report(void *data, const char *text)
{
    (void)data;
    strncpy(reported, text, sizeof reported - 1);
}

static void
test_not_attached(void **state)
{
    mpy_thread_token *token = mpy_gil_release();
    (void)state;
    reported[0] = '\0';
    mpy_debug_set_fatal_handler(note_report, NULL);
    assert_null(mpyi_enter("some_call"));
    mpy_debug_set_fatal_handler(NULL, NULL);
    assert_int_equal(mpy_status_last(), MPY_E_NOT_ATTACHED);
    assert_int_equal(strstr(reported, "some_call") != NULL, MPY_DEBUG >= 2);
    mpy_gil_acquire(token);
    assert_non_null(mpyi_enter("some_call"));
}

static void
test_depth_number(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    uint32_t limit = t->depth_limit;
    (void)state;
    t->depth_limit = 3;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mpyi_depth_enter(t, "here"), 0);
    }
    assert_int_equal(mpyi_depth_enter(t, "here"), -1);
    assert_int_equal(t->error.code, MPY_EXC_RECURSION_ERROR);
    assert_string_equal(t->error.text, "here(): nested deeper than 3");
    assert_int_equal(t->depth, 3);
    mpyi_err_clear(t);
    for (int i = 0; i < 3; i++) {
        mpyi_depth_leave(t);
    }
    t->depth_limit = limit;
}

/* Uses up the stack until that is refused. */
static unsigned
dive(struct mpyi_thread *t)
{
    volatile char frame[2000];
    unsigned below;
    frame[0] = 0;
    if (mpyi_depth_enter(t, "dive") < 0) {
        return 0;
    }
    below = dive(t);
    frame[sizeof frame - 1] = 0;
    mpyi_depth_leave(t);
    return below + 1;
}

struct diver {
    mpy_view *view;
    unsigned depth;
    int code;
    char text[100];
};

static void *
dive_in_thread(void *arg)
{
    struct diver *d = arg;
    mpy_thread_token *token;
    struct mpyi_thread *t;
    if (mpy_thread_attach(d->view, &token) != MPY_OK) {
        return NULL;
    }
    t = mpyi_current();
    d->depth = dive(t);
    d->code = mpy_err_code();
    (void)snprintf(d->text, sizeof d->text, "%.90s", t->error.text);
    mpy_err_clear();
    mpy_thread_detach(token);
    return NULL;
}

static void
test_depth_stack(void **state)
{
    struct api_world *world = *state;
    struct diver d = {.view = mpy_view_of(world->rt)};
    pthread_attr_t attr;
    pthread_t thread;
    mpy_thread_token *token;
    api_done(mpy_runtime_set_limit(world->rt, MPY_LIMIT_STACK_DEPTH, 1000000));
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, 256 * 1024), 0);
    assert_int_equal(pthread_create(&thread, &attr, dive_in_thread, &d), 0);
    token = mpy_gil_release();
    assert_int_equal(pthread_join(thread, NULL), 0);
    mpy_gil_acquire(token);
    (void)pthread_attr_destroy(&attr);
    mpy_view_close(d.view);
    assert_int_equal(d.code, MPY_EXC_RECURSION_ERROR);
    assert_string_equal(d.text, "dive(): nested too deep for the thread's stack");
    assert_in_range(d.depth, 10, 256 * 1024 / 16); /* a frame of dive() is no smaller */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_not_attached, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_depth_number, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_depth_stack, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
