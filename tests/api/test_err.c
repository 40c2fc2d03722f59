/* SPDX-License-Identifier: MIT */
/*
 * api/test_err.c - the indicator as a host uses it: set, ask, take, restore, report; without a
 * runtime; long texts.
 */
#include "support/api_world.h"

#include <stdio.h>
#include <string.h>

static void
test_set_ask_clear(void **state)
{
    mpy_object *value = api_good(mpy_exc_type(MPY_EXC_VALUE_ERROR));
    (void)state;
    assert_int_equal(mpy_err_occurred(), 0);
    assert_int_equal(mpy_err_code(), 0);
    mpy_err_set(value, "bad");
    assert_int_equal(mpy_err_occurred(), 1);
    assert_int_equal(mpy_err_code(), MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_err_matches(value), 1);
    assert_int_equal(mpy_err_matches_code(MPY_EXC_EXCEPTION), 1);
    mpy_err_set_code(MPY_EXC_KEY_ERROR, "replaces it");
    assert_int_equal(mpy_err_code(), MPY_EXC_KEY_ERROR);
    mpy_err_clear();
    assert_int_equal(mpy_err_occurred(), 0);
    mpy_err_clear();
    assert_null(mpy_err_no_memory());
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    mpy_decref(value);
}

static void
test_take_and_restore(void **state)
{
    mpy_object *exc, *again, *args, *cause;
    (void)state;
    assert_null(mpy_err_take());
    mpy_err_format_code(MPY_EXC_INDEX_ERROR, "%d beyond %s", 5, "the end");
    exc = api_good(mpy_err_take());
    assert_int_equal(mpy_err_occurred(), 0);
    args = api_good(mpy_exc_get_args(exc));
    assert_int_equal(mpy_tuple_length(args), 1);
    mpy_decref(args);
    mpy_err_restore(exc);
    assert_int_equal(mpy_err_code(), MPY_EXC_INDEX_ERROR);
    again = mpy_err_take();
    assert_ptr_equal(again, exc);
    mpy_decref(again);
    mpy_err_set_code(MPY_EXC_OS_ERROR, "");
    cause = api_good(mpy_err_take());
    api_done(mpy_exc_set_cause(exc, cause));
    mpy_decref(cause);
    cause = mpy_exc_get_cause(exc);
    assert_int_equal(mpy_err_given_matches(cause, api_good(mpy_exc_type(MPY_EXC_OS_ERROR))), 1);
    mpy_decref(cause);
    mpy_decref(exc);
}

static void
test_long_text(void **state)
{
    char text[2000], got[1000];
    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text + MPY_ERR_TEXT_MAX - 2, "\xE2\x82\xAC", 3); /* would be cut in two */
    text[sizeof text - 1] = '\0';
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, text);
    assert_int_equal(api_take_error(got, sizeof got), MPY_EXC_VALUE_ERROR);
    assert_int_equal(strlen(got), MPY_ERR_TEXT_MAX - 2);
    mpy_err_format_code(MPY_EXC_VALUE_ERROR, "%s", text);
    assert_int_equal(api_take_error(got, sizeof got), MPY_EXC_VALUE_ERROR);
    assert_int_equal(strlen(got), MPY_ERR_TEXT_MAX - 2);
}

static void
test_own_types(void **state)
{
    mpy_object *base = api_good(mpy_exc_type(MPY_EXC_LOOKUP_ERROR));
    mpy_object *own = api_good(mpy_err_new_type("host.NoSuchRule", "A rule is missing.", base));
    mpy_object *exc;
    (void)state;
    mpy_err_format(own, "rule %T", own);
    assert_int_equal(mpy_err_code(), MPY_EXC_LOOKUP_ERROR);
    assert_int_equal(mpy_err_matches(base), 1);
    mpy_decref(own); /* the error keeps it */
    exc = api_good(mpy_err_take());
    own = api_good(mpy_object_type(exc));
    assert_int_equal(mpy_err_given_matches(exc, own), 1);
    mpy_decref(own);
    mpy_decref(exc);
}

/* The texts name the function that was called, and its own argument. */
static void
test_names_of_types(void **state)
{
    static const char *const names[] = {"", "x.", "."};
    char text[200], expected[200];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const mpy_type_spec spec = {.size = sizeof spec, .version = 1, .name = names[i]};
        assert_null(mpy_err_new_type(names[i], NULL, NULL));
        assert_int_equal(api_take_error(text, sizeof text), MPY_EXC_VALUE_ERROR);
        (void)snprintf(expected, sizeof expected,
                       "mpy_err_new_type(): argument 'name': expected 'name' or 'module.name', got "
                       "'%s'",
                       names[i]);
        assert_string_equal(text, expected);
        assert_null(mpy_type_from_spec(&spec, NULL));
        assert_int_equal(api_take_error(text, sizeof text), MPY_EXC_VALUE_ERROR);
        assert_string_equal(text,
                            i == 0 ? "mpy_type_from_spec(): argument 'spec': the type has no name"
                                   : "mpy_type_from_spec(): argument 'spec': the type's name ends "
                                     "in a dot");
    }
}

/* An init of the host's that looks at what is kept, and refuses a first argument that is None. */
static int
own_init(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    mpy_object *args = api_good(mpy_exc_get_args(self));
    assert_int_equal(mpy_tuple_length(args), nargs);
    for (size_t i = 0; i < nargs; i++) {
        mpy_object *arg = api_good(mpy_tuple_get(args, (ptrdiff_t)i));
        assert_ptr_equal(arg, argv[i]);
        mpy_decref(arg);
    }
    mpy_decref(args);
    if (nargs > 0 && argv[0] == MPY_NONE) {
        mpy_err_set_code(MPY_EXC_TYPE_ERROR, "not None");
        return -1;
    }
    return kwnames != NULL ? mpy_object_set_attr_utf8(self, "code", argv[nargs]) : 0;
}

static void
test_own_init_keeps_args(void **state)
{
    static const mpy_type_spec spec = {.size = sizeof spec,
                                       .version = 1,
                                       .name = "host.RuleError",
                                       .flags = MPY_TYPE_ATTRS,
                                       .init = own_init};
    mpy_object *base = api_good(mpy_exc_type(MPY_EXC_VALUE_ERROR));
    mpy_object *own = api_good(mpy_type_from_spec(&spec, base));
    mpy_object *argv[3] = {api_good(mpy_str_from_utf8("rule")), mpy_int_from_i64(7), MPY_TRUE};
    mpy_object *code = api_good(mpy_str_from_utf8("code"));
    mpy_object *kwnames = api_good(mpy_tuple_from_array(&code, 1));
    mpy_object *exc = api_good(mpy_call(own, argv, 2, kwnames));
    mpy_object *text = api_good(mpy_object_repr(exc)), *args, *none = MPY_NONE;
    const char *got;
    (void)state;
    api_done(mpy_str_as_utf8(text, &got, NULL));
    assert_string_equal(got, "RuleError('rule', 7)");
    mpy_decref(text);
    mpy_decref(exc);
    exc = api_good(mpy_call_noargs(own));
    args = api_good(mpy_exc_get_args(exc));
    assert_int_equal(mpy_tuple_length(args), 0);
    mpy_decref(args);
    mpy_decref(exc);
    assert_null(mpy_call(own, &none, 1, NULL));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(kwnames);
    mpy_decref(code);
    mpy_decref(argv[0]);
    mpy_decref(own);
    mpy_decref(base);
}

static char written[300];

static int
collect(void *data, const char *bytes, size_t n)
{
    (void)data;
    strncat(written, bytes,
            n < sizeof written - strlen(written) - 1 ? n : sizeof written - strlen(written) - 1);
    return 0;
}

static void
test_reports(void **state)
{
    mpy_config *config = mpy_config_new();
    mpy_runtime *rt;
    mpy_object *exc;
    (void)state;
    assert_non_null(config);
    mpy_config_set_error_fn(config, collect, NULL);
    assert_int_equal(mpy_runtime_new(config, &rt), MPY_OK);
    mpy_config_free(config);
    written[0] = '\0';
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "lost");
    mpy_err_unraisable("a callback");
    assert_string_equal(written, "Error ignored in a callback: ValueError: lost\n");
    assert_int_equal(mpy_err_occurred(), 0);
    written[0] = '\0';
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "shown");
    exc = api_good(mpy_err_take());
    api_done(mpy_err_display(exc, collect, NULL));
    assert_string_equal(written, "ValueError: shown\n");
    mpy_decref(exc);
    assert_int_equal(mpy_runtime_free(rt, NULL), MPY_OK);
}

/* Nothing to set an error in: every function is harmless. */
static void
test_not_attached(void **state)
{
    mpy_thread_token *token = mpy_gil_release();
    (void)state;
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "nowhere");
    mpy_err_set(MPY_NONE, "nowhere");
    mpy_err_clear();
    mpy_err_restore(NULL);
    mpy_err_unraisable("nowhere");
    assert_null(mpy_err_take());
    assert_int_equal(mpy_err_occurred(), 0);
    assert_int_equal(mpy_err_code(), 0);
    assert_int_equal(mpy_err_matches(MPY_NONE), 0);
    assert_int_equal(mpy_err_matches_code(MPY_EXC_EXCEPTION), 0);
    assert_null(mpy_exc_type(MPY_EXC_VALUE_ERROR));
    assert_int_equal(mpy_status_last(), MPY_E_NOT_ATTACHED);
    mpy_gil_acquire(token);
    assert_int_equal(mpy_err_occurred(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_set_ask_clear, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_take_and_restore, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_long_text, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_own_types, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_names_of_types, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_own_init_keeps_args, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_reports, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_not_attached, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
