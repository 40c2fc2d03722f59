/* SPDX-License-Identifier: MIT */
/*
 * support/api_calls_call.c - the calls of call.h and err.h.
 *
 * Functions of err.h that set an error are calls that succeed: the call takes the error away again.
 * The others that touch the indicator are covered by tests of their own.
 */
#include "support/api_calls.h"

#include <errno.h>

#define CALLABLE                                                                                   \
    (API_BIT(API_FUNCTION) | API_BIT(API_METHOD) | API_BIT(API_HOST_TYPE) | API_BIT(API_TYPE) |    \
     API_BIT(API_EXC_TYPE))

static mpy_object *
give_none(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self;
    (void)argv;
    (void)nargs;
    (void)kwnames;
    return MPY_NONE;
}

static const mpy_func_spec none_spec = {.name = "none", .fn = give_none, .max_args = 3};

static int
call_recursion(mpy_object *const *v)
{
    int result = mpy_recursion_enter("test");
    (void)v;
    if (result == 0) {
        mpy_recursion_leave();
    }
    return api_int_result(result);
}

API_CALL_OBJECT(func_new, mpy_func_new(&none_spec, v[0]))
API_CALL_OBJECT(call, mpy_call(v[0], v + 1, 1, NULL))
API_CALL_OBJECT(kwnames, mpy_call(v[0], NULL, 0, v[1]))
API_CALL_OBJECT(noargs, mpy_call_noargs(v[0]))
API_CALL_OBJECT(call_tuple, mpy_call_tuple(v[0], v[1], v[2]))
API_CALL_OBJECT(method, mpy_call_method(v[0], v + 1, 2, NULL))
API_CALL_OBJECT(method_utf8, mpy_call_method_utf8(v[0], "poke", v + 1, 1))
API_CALL_INT(call_check, mpy_call_check(v[0]))

const struct api_call api_call_calls[] = {
    {"mpy_func_new", call_func_new, {API_OPT("self", NULL, API_LIST, API_ALL)}, 0},
    {"mpy_call",
     call_call,
     {API_ARG("callable", NULL, API_FUNCTION, CALLABLE), API_OPT("argv", NULL, API_LIST, API_ALL)},
     0},
    {"mpy_call",
     call_kwnames,
     {API_ANY("callable", API_FUNCTION),
      API_OPT("kwnames", "tuple", API_NO_TUPLE, API_BIT(API_TUPLE))},
     0},
    {"mpy_call_noargs", call_noargs, {API_ARG("callable", NULL, API_FUNCTION, CALLABLE)}, 0},
    {"mpy_call_tuple",
     call_call_tuple,
     {API_ARG("callable", NULL, API_FUNCTION, CALLABLE),
      API_ARG("args", "tuple", API_TUPLE, API_BIT(API_TUPLE)),
      API_OPT("kwargs", "dict", API_NO_DICT, API_BIT(API_DICT))},
     0},
    {"mpy_call_method",
     call_method,
     {API_ARG("name", "str", API_POKE, API_BIT(API_STR)), API_ANY("argv", API_DATA),
      API_OPT("argv", NULL, API_LIST, API_ALL)},
     0},
    {"mpy_call_method_utf8",
     call_method_utf8,
     {API_ANY("o", API_DATA), API_OPT("argv", NULL, API_LIST, API_ALL)},
     0},
    {"mpy_call_check", call_call_check, {API_ANY("o", API_FUNCTION)}, 0},
    {"mpy_recursion_enter", call_recursion, {{0}}, 0},
    {"mpy_recursion_leave", call_recursion, {{0}}, 0},
    {NULL, NULL, {{0}}, 0},
};

/* ---- err.h ---------------------------------------------------------------------------------- */

/* The error that a call has set is what it was asked for: the call went well. */
static int
was_set(int code)
{
    mpy_object *exc;
    if (!mpy_err_matches_code(code)) {
        return API_FAILED;
    }
    exc = mpy_err_take();
    mpy_xdecref(exc);
    return exc != NULL && !mpy_err_occurred() ? API_OK : API_UNCLEAR;
}

static int
call_err_set(mpy_object *const *v)
{
    mpy_err_set(v[0], "text");
    return was_set(MPY_EXC_VALUE_ERROR);
}

static int
call_err_set_object(mpy_object *const *v)
{
    mpy_err_set_object(v[0], v[1]);
    return was_set(MPY_EXC_VALUE_ERROR);
}

static int
call_err_format(mpy_object *const *v)
{
    return mpy_err_format(v[0], "%d", 7) != NULL ? API_UNCLEAR : was_set(MPY_EXC_VALUE_ERROR);
}

static int
call_err_from_errno(mpy_object *const *v)
{
    errno = ENOENT;
    if (mpy_err_from_errno(v[0], "file") != NULL) {
        return API_UNCLEAR;
    }
    return was_set(v[0] == NULL ? MPY_EXC_OS_ERROR : MPY_EXC_VALUE_ERROR);
}

static int
call_err_restore(mpy_object *const *v)
{
    mpy_err_restore(v[0]);
    return was_set(MPY_EXC_VALUE_ERROR);
}

static int
write_nothing(void *data, const char *bytes, size_t n)
{
    (void)data;
    return n != 0 && bytes == NULL;
}

API_CALL_OBJECT(exc_type, mpy_exc_type(MPY_EXC_KEY_ERROR))
API_CALL_OBJECT(err_message, mpy_err_message(v[0]))
API_CALL_OBJECT(err_new_type, mpy_err_new_type("t.Error", NULL, v[0]))
API_CALL_INT(err_display, mpy_err_display(v[0], write_nothing, NULL))
API_CALL_INT(exc_set_cause, mpy_exc_set_cause(v[0], v[1]))
API_CALL_OBJECT(exc_get_args, mpy_exc_get_args(v[0]))

/* NULL without an error says that there is none. */
static int
call_exc_get_cause(mpy_object *const *v)
{
    mpy_object *cause = mpy_exc_get_cause(v[0]);
    if (cause == NULL && !mpy_err_occurred() && mpy_runtime_current() != NULL) {
        return API_OK;
    }
    return api_object_result(cause);
}

#define EXC_TYPE  API_BIT(API_EXC_TYPE)
#define EXCEPTION API_BIT(API_EXCEPTION)

const struct api_call api_err_calls[] = {
    {"mpy_exc_type", call_exc_type, {{0}}, API_ANYWHERE},
    {"mpy_err_set", call_err_set, {API_ARG("type", NULL, API_EXC_TYPE, EXC_TYPE)}, 0},
    {"mpy_err_set_object",
     call_err_set_object,
     {API_ARG("type", NULL, API_EXC_TYPE, EXC_TYPE), API_ANY("value", API_TUPLE)},
     0},
    {"mpy_err_format", call_err_format, {API_ARG("type", NULL, API_EXC_TYPE, EXC_TYPE)}, 0},
    {"mpy_err_from_errno", call_err_from_errno, {API_OPT("type", NULL, API_EXC_TYPE, EXC_TYPE)}, 0},
    {"mpy_err_restore", call_err_restore, {API_OPT("exc", NULL, API_EXCEPTION, EXCEPTION)}, 0},
    {"mpy_err_message", call_err_message, {API_ARG("exc", NULL, API_EXCEPTION, EXCEPTION)}, 0},
    {"mpy_err_new_type", call_err_new_type, {API_OPT("base", NULL, API_EXC_TYPE, EXC_TYPE)}, 0},
    {"mpy_err_display", call_err_display, {API_ARG("exc", NULL, API_EXCEPTION, EXCEPTION)}, 0},
    {"mpy_exc_get_cause", call_exc_get_cause, {API_ARG("exc", NULL, API_EXCEPTION, EXCEPTION)}, 0},
    {"mpy_exc_set_cause",
     call_exc_set_cause,
     {API_ARG("exc", NULL, API_EXCEPTION, EXCEPTION),
      API_OPT("cause", NULL, API_EXCEPTION, EXCEPTION)},
     API_CHANGES},
    {"mpy_exc_get_args", call_exc_get_args, {API_ARG("exc", NULL, API_EXCEPTION, EXCEPTION)}, 0},
    {NULL, NULL, {{0}}, 0},
};
