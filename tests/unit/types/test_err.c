/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_err.c - what the indicator owns through the public functions, and taking it when
 * memory is out.
 */
#include "types/exc.h"
#include "unit/types/sweep.h"

#include <errno.h>
#include <string.h>

static void
expect_taken(const char *type, const char *text)
{
    mpy_object *exc = mpy_err_take();
    mpy_object *message;
    assert_non_null(exc);
    assert_int_equal(mpy_err_occurred(), 0);
    assert_string_equal(mpyi_type_name_of(exc), type);
    message = api_good(mpy_err_message(exc));
    assert_int_equal(mpy_str_equal_utf8(message, text, strlen(text)), 1);
    mpy_decref(message);
    mpy_decref(exc);
}

static void
test_set(void **state)
{
    mpy_object *value = api_good(mpy_exc_type(MPY_EXC_VALUE_ERROR));
    mpy_object *own = api_good(mpy_err_new_type("t.Own", NULL, value));
    (void)state;
    mpy_err_set(value, "text");
    assert_int_equal(mpy_err_code(), MPY_EXC_VALUE_ERROR);
    assert_null(mpyi_current()->error.type);
    expect_taken("ValueError", "text");
    mpy_err_set(own, NULL);
    assert_int_equal(mpy_err_code(), MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_refcount(own), 2);
    expect_taken("Own", "");
    assert_int_equal(mpy_refcount(own), 1);
    mpy_err_set(own, "first");
    mpy_err_set(own, "second");
    assert_int_equal(mpy_refcount(own), 2);
    mpy_err_clear();
    assert_int_equal(mpy_refcount(own), 1);
    mpy_err_set_code(999, "wrong code");
    expect_taken("SystemError", "wrong code");
    mpy_err_set(MPY_NONE, "no type");
    expect_taken("TypeError",
                 "mpy_err_set(): argument 'type': expected exception type, got NoneType");
    (void)mpy_err_format(own, "%d %s %T", 3, "x", MPY_TRUE);
    expect_taken("Own", "3 x bool");
    (void)mpy_err_format_code(MPY_EXC_KEY_ERROR, "%zu", (size_t)4);
    expect_taken("KeyError", "'4'");
    mpy_decref(own);
    mpy_err_set(value, "cut \xC3");
    expect_taken("ValueError", "cut ?");
    assert_null(mpy_err_take());
}

static void
test_objects(void **state)
{
    mpy_object *list = api_make(*state, API_LIST);
    mpy_object *exc = api_make(*state, API_EXCEPTION);
    mpy_object *key = api_good(mpy_exc_type(MPY_EXC_KEY_ERROR));
    mpy_object *taken;
    mpy_err_set_object(key, list);
    assert_int_equal(mpy_refcount(list), 2);
    expect_taken("KeyError", "[1, 2, 3]");
    assert_int_equal(mpy_refcount(list), 1);
    mpy_err_set_object(key, exc); /* sets itself */
    assert_int_equal(mpy_err_code(), MPY_EXC_VALUE_ERROR);
    taken = mpy_err_take();
    assert_ptr_equal(taken, exc);
    mpy_err_restore(taken);
    mpy_decref(taken);
    assert_int_equal(mpy_refcount(exc), 2);
    mpy_err_restore(NULL);
    assert_int_equal(mpy_err_occurred(), 0);
    assert_int_equal(mpy_refcount(exc), 1);
    (void)mpyi_err_set_value(mpyi_current(), MPY_EXC_STOP_ITERATION, list);
    expect_taken("StopIteration", "[1, 2, 3]");
    mpy_err_restore(list);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(list);
    mpy_decref(exc);
}

static void
test_matches(void **state)
{
    mpy_object *lookup = api_good(mpy_exc_type(MPY_EXC_LOOKUP_ERROR));
    mpy_object *value = api_good(mpy_exc_type(MPY_EXC_VALUE_ERROR));
    mpy_object *own = api_good(mpy_err_new_type("t.Own", NULL, lookup));
    mpy_object *both = api_good(mpy_tuple_pack(2, value, own));
    mpy_object *exc = api_make(*state, API_EXCEPTION);
    assert_int_equal(mpy_err_matches(value), 0);
    assert_int_equal(mpy_err_matches_code(MPY_EXC_EXCEPTION), 0);
    mpy_err_set(own, "x");
    assert_int_equal(mpy_err_matches(own), 1);
    assert_int_equal(mpy_err_matches(lookup), 1);
    assert_int_equal(mpy_err_matches(both), 1);
    assert_int_equal(mpy_err_matches(value), 0);
    assert_int_equal(mpy_err_matches(MPY_NONE), 0);
    assert_int_equal(mpy_err_matches_code(MPY_EXC_LOOKUP_ERROR), 1);
    assert_int_equal(mpy_err_matches_code(MPY_EXC_KEY_ERROR), 0);
    assert_int_equal(mpy_err_matches_code(-1), 0);
    assert_int_equal(mpy_err_matches_code(MPY_EXC_COUNT), 0);
    mpy_err_clear();
    mpy_err_set(lookup, "x");
    assert_int_equal(mpy_err_matches(own), 0);
    mpy_err_clear();
    assert_int_equal(mpy_err_given_matches(exc, value), 1);
    assert_int_equal(mpy_err_given_matches(exc, both), 1);
    assert_int_equal(mpy_err_given_matches(own, lookup), 1);
    assert_int_equal(mpy_err_given_matches(lookup, own), 0);
    assert_int_equal(mpy_err_given_matches(NULL, own), 0);
    assert_int_equal(mpy_err_given_matches(MPY_TRUE, NULL), 0);
    mpy_decref(exc);
    mpy_decref(both);
    mpy_decref(own);
}

static void
test_errno(void **state)
{
    char text[200];
    (void)state;
    errno = ENOENT;
    assert_null(mpy_err_from_errno(NULL, "a file"));
    assert_int_equal(api_take_error(text, sizeof text), MPY_EXC_OS_ERROR);
    assert_string_equal(text, "[Errno 2] No such file or directory: 'a file'");
    errno = EACCES;
    assert_null(mpy_err_from_errno(mpyi_type_object(&mpyi_exc_types[MPY_EXC_TIMEOUT_ERROR]), NULL));
    assert_int_equal(api_take_error(text, sizeof text), MPY_EXC_TIMEOUT_ERROR);
    assert_string_equal(text, "[Errno 13] Permission denied");
}

/* Every allocation refused: the runtime's MemoryError comes instead. */
static void
test_take_without_memory(void **state)
{
    struct api_world *world = *state;
    mpy_object *exc;
    for (uint64_t n = 1; n < 10; n++) {
        mpy_err_set_code(MPY_EXC_VALUE_ERROR, "text");
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_NTH, n), 0);
        exc = mpy_err_take();
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
        assert_non_null(exc);
        assert_int_equal(mpy_err_occurred(), 0);
        if (n <= 3) { /* the text, the tuple, the exception */
            assert_ptr_equal(exc, world->rt->memory_error);
        } else {
            assert_string_equal(mpyi_type_name_of(exc), "ValueError");
        }
        mpy_decref(exc);
    }
}

/* A value whose finalizer raises while the error it is part of is replaced. */
static void
raise_again(mpy_object *self)
{
    (void)self;
    mpy_err_set_code(MPY_EXC_RUNTIME_ERROR, "in between");
}

static int
swallow(void *data, const char *bytes, size_t n)
{
    (void)bytes;
    (void)n;
    ++*(int *)data;
    return 0;
}

static void
test_replaced_value_runs_code(void **state)
{
    struct api_world *world = *state;
    const mpy_type_spec spec = {
        .size = sizeof spec, .version = 1, .name = "t.F", .finalize = raise_again};
    mpy_object *type = api_good(mpy_type_from_spec(&spec, NULL));
    mpy_object *key = api_good(mpy_exc_type(MPY_EXC_KEY_ERROR));
    mpy_object *o = api_good(mpy_call_noargs(type));
    int reports = 0;
    world->rt->error_fn = swallow;
    world->rt->error_data = &reports;
    mpy_err_set_object(key, o);
    mpy_decref(o);
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "the new one");
    assert_int_equal(reports, 1);
    expect_taken("ValueError", "the new one");
    world->rt->error_fn = NULL;
    mpy_decref(type);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_set, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_objects, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_matches, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_errno, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_take_without_memory, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_replaced_value_runs_code, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
