/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_err_report.c - display and unraisable errors, with messages that cannot be built.
 */
#include "types/exc.h"
#include "unit/types/sweep.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char written[3000];
static size_t stop_after;

static int
collect(void *data, const char *bytes, size_t n)
{
    size_t at = strlen(written);
    (void)data;
    if (stop_after != 0 && --stop_after == 0) {
        return 1;
    }
    assert_true(at + n < sizeof written);
    memcpy(written + at, bytes, n);
    written[at + n] = '\0';
    return 0;
}

static mpy_object *
exception(int code, const char *text)
{
    mpy_err_set_code(code, text);
    return api_good(mpy_err_take());
}

static void
test_display(void **state)
{
    mpy_object *outer = exception(MPY_EXC_RUNTIME_ERROR, "outer");
    mpy_object *inner = exception(MPY_EXC_KEY_ERROR, "key");
    mpy_object *none = exception(MPY_EXC_OS_ERROR, "");
    (void)state;
    api_done(mpy_exc_set_cause(outer, inner));
    api_done(mpy_exc_set_cause(inner, none));
    written[0] = '\0';
    api_done(mpy_err_display(outer, collect, NULL));
    assert_string_equal(written, "OSError\nKeyError: 'key'\nRuntimeError: outer\n");
    api_done(mpy_exc_set_cause(none, outer)); /* a ring is shown once */
    written[0] = '\0';
    api_done(mpy_err_display(inner, collect, NULL));
    assert_string_equal(written, "RuntimeError: outer\nOSError\nKeyError: 'key'\n");
    for (size_t n = 1; n <= 4; n++) {
        stop_after = n;
        assert_int_equal(mpy_err_display(inner, collect, NULL), -1);
        api_expect_error(MPY_EXC_RUNTIME_ERROR);
        stop_after = 0;
    }
    api_done(mpy_exc_set_cause(none, NULL));
    mpy_decref(outer);
    mpy_decref(inner);
    mpy_decref(none);
    assert_int_equal(mpy_err_display(MPY_NONE, collect, NULL), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
}

static mpy_object *
no_str(mpy_object *self)
{
    (void)self;
    return mpy_err_format_code(MPY_EXC_VALUE_ERROR, "no text for you");
}

static void
test_message_fails(void **state)
{
    const mpy_type_spec spec = {.size = sizeof spec, .version = 1, .name = "t.Mute", .str = no_str};
    mpy_object *base = api_good(mpy_exc_type(MPY_EXC_EXCEPTION));
    mpy_object *type = api_good(mpy_type_from_spec(&spec, base));
    mpy_object *exc = api_good(mpy_call_noargs(type));
    (void)state;
    written[0] = '\0';
    api_done(mpy_err_display(exc, collect, NULL));
    assert_string_equal(written, "t.Mute: <no message>\n");
    mpy_decref(exc);
    mpy_decref(type);
}

static void
test_unraisable(void **state)
{
    struct api_world *world = *state;
    char text[500], expected[600];
    world->rt->error_fn = collect;
    written[0] = '\0';
    mpy_err_unraisable("nothing is set");
    assert_string_equal(written, "");
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "lost");
    mpy_err_unraisable("the callback");
    assert_int_equal(mpy_err_occurred(), 0);
    assert_string_equal(written, "Error ignored in the callback: ValueError: lost\n");
    written[0] = '\0';
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "");
    mpyi_err_unraisable(mpyi_current(), "finalizer", MPY_NONE);
    assert_string_equal(written, "Error ignored in finalizer of 'NoneType' object: ValueError\n");
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    written[0] = '\0';
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, text);
    mpy_err_unraisable(NULL);
    (void)snprintf(expected, sizeof expected, "Error ignored in (unknown place): ValueError: %s\n",
                   text);
    assert_string_equal(written, expected);
    world->rt->error_fn = NULL;
}

/* Without a function the report goes to file descriptor 2. */
static void
test_stderr(void **state)
{
    int pipe_ends[2], kept = dup(STDERR_FILENO);
    ssize_t n;
    (void)state;
    assert_int_equal(pipe(pipe_ends), 0);
    assert_true(dup2(pipe_ends[1], STDERR_FILENO) >= 0);
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "lost");
    mpy_err_unraisable("a test");
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    (void)close(kept);
    (void)close(pipe_ends[1]);
    n = read(pipe_ends[0], written, sizeof written - 1);
    (void)close(pipe_ends[0]);
    assert_true(n > 0);
    written[n] = '\0';
    assert_string_equal(written, "Error ignored in a test: ValueError: lost\n");
}

static void
test_no_memory(void **state)
{
    struct api_world *world = *state;
    world->rt->error_fn = collect;
    for (uint64_t n = 1; n < 8; n++) {
        written[0] = '\0';
        mpy_err_set_code(MPY_EXC_VALUE_ERROR, "lost");
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_AFTER, n), 0);
        mpy_err_unraisable("a test");
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
        assert_int_equal(mpy_err_occurred(), 0);
        assert_int_equal(strncmp(written, "Error ignored in a test: ", 25), 0);
    }
    world->rt->error_fn = NULL;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_display, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_message_fails, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_unraisable, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_stderr, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
