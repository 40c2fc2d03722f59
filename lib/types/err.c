/* SPDX-License-Identifier: MIT */
/*
 * types/err.c - the public functions of the error indicator.
 *
 * The indicator itself is state/error.c's: a code and a text. What this layer adds are the objects
 * an error can carry:
 *
 *   type    a host's own exception type, while the code is that of its nearest built-in base
 *   value   an exception object (the error is that object), or any other object: the argument the
 *           exception will have
 *
 * mpy_err_take() makes the exception of what is there. When memory for it is out, the runtime's
 * MemoryError, made in advance, takes its place.
 *
 * None of these functions may fail, so wrong arguments become the error that is set.
 *
 * Lock: the runtime's. Dropping what the old error held may run code of the host.
 */
#include "types/exc.h"

#include "types/format.h"
#include "types/str.h"
#include "types/tuple.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* How state/error.c gives back what an error owns. */
static void
drop(mpy_object *o)
{
    mpy_decref(o);
}

/* A reference for the error's `type`: host types only, built-in ones are their code. */
static mpy_object *
type_to_keep(const struct mpyi_type *type)
{
    return (type->traits & MPYI_TRAIT_HEAP) != 0 ? mpy_newref(mpyi_type_object(type)) : NULL;
}

/* The type of the error that is set. */
static const struct mpyi_type *
type_of_error(const struct mpyi_thread *t)
{
    return t->error.type != NULL ? (const struct mpyi_type *)t->error.type
                                 : &mpyi_exc_types[t->error.code];
}

static void
put(struct mpyi_thread *t, const struct mpyi_type *type, const char *text, size_t n)
{
    mpyi_err_put(t, type->exc_code, type_to_keep(type), NULL, drop, text, n);
}

/* The exception type in `type`, or NULL after setting what is wrong with it. */
static const struct mpyi_type *
exception_type(const char *function, const mpy_object *type)
{
    if (MPY_UNLIKELY(!mpyi_is_exc_type(type))) {
        return mpyi_err_argument(function, "type", "exception type", type);
    }
    return (const struct mpyi_type *)(const void *)type;
}

/* ---- asking
 * ---------------------------------------------------------------------------------------- */

int
mpy_err_occurred(void)
{
    const struct mpyi_thread *t = mpyi_current();
    return t != NULL && mpyi_err_occurred(t);
}

int
mpy_err_code(void)
{
    const struct mpyi_thread *t = mpyi_current();
    return t != NULL ? t->error.code : 0;
}

/* type is `given`, a base of it, or a tuple with one of these. */
static int
matches(const struct mpyi_type *given, const mpy_object *type)
{
    if (mpy_type_check(type)) {
        return mpyi_type_is_subtype(given, (const struct mpyi_type *)(const void *)type);
    }
    if (mpy_priv_has_flag(type, MPY_TF_TUPLE)) {
        for (size_t i = 0; i < mpyi_tuple_count(type); i++) {
            const mpy_object *one = mpyi_tuple_items(type)[i];
            if (mpy_type_check(one) &&
                mpyi_type_is_subtype(given, (const struct mpyi_type *)(const void *)one)) {
                return 1;
            }
        }
    }
    return 0;
}

int
mpy_err_matches(mpy_object *type)
{
    const struct mpyi_thread *t = mpyi_current();
    return t != NULL && mpyi_err_occurred(t) && matches(type_of_error(t), type);
}

int
mpy_err_matches_code(int code)
{
    const struct mpyi_thread *t = mpyi_current();
    return t != NULL && mpyi_err_occurred(t) && code > 0 && code < MPY_EXC_COUNT &&
           mpyi_type_is_subtype(type_of_error(t), &mpyi_exc_types[code]);
}

int
mpy_err_given_matches(mpy_object *exc, mpy_object *type)
{
    if (exc == NULL) {
        return 0;
    }
    return matches(mpy_type_check(exc) ? (const struct mpyi_type *)exc : mpyi_type_of(exc), type);
}

/* ---- setting
 * ---------------------------------------------------------------------------------------- */

void
mpy_err_set(mpy_object *type, const char *utf8)
{
    struct mpyi_thread *t = mpyi_enter_any2(__func__, type, NULL);
    const struct mpyi_type *exc = t != NULL ? exception_type(__func__, type) : NULL;
    if (MPY_LIKELY(exc != NULL)) {
        put(t, exc, utf8 != NULL ? utf8 : "", utf8 != NULL ? strlen(utf8) : 0);
    }
}

void
mpy_err_set_code(int code, const char *utf8)
{
    struct mpyi_thread *t = mpyi_enter_any(__func__);
    if (MPY_UNLIKELY(t == NULL)) {
        return;
    }
    if (MPY_UNLIKELY(code <= 0 || code >= MPY_EXC_COUNT)) {
        code = MPY_EXC_SYSTEM_ERROR;
    }
    put(t, &mpyi_exc_types[code], utf8 != NULL ? utf8 : "", utf8 != NULL ? strlen(utf8) : 0);
}

void
mpyi_err_restore(struct mpyi_thread *t, mpy_object *exc)
{
    const struct mpyi_type *type = mpyi_type_of(exc);
    mpyi_err_put(t, type->exc_code, type_to_keep(type), mpy_newref(exc), drop, "", 0);
}

void
mpy_err_restore(mpy_object *exc)
{
    struct mpyi_thread *t = mpyi_enter_any2(__func__, exc, NULL);
    if (t == NULL) {
        return;
    }
    if (exc == NULL) {
        mpyi_err_clear(t);
    } else if (!mpyi_is_exc(exc)) {
        (void)mpyi_err_argument(__func__, "exc", "exception", exc);
    } else {
        mpyi_err_restore(t, exc);
    }
}

void *
mpyi_err_set_value(struct mpyi_thread *t, int code, mpy_object *value)
{
    mpyi_err_put(t, code, NULL, mpy_newref(value), drop, "", 0);
    return NULL;
}

void
mpy_err_set_object(mpy_object *type, mpy_object *value)
{
    struct mpyi_thread *t = mpyi_enter_any2(__func__, type, value);
    const struct mpyi_type *exc;
    if (t == NULL) {
        return;
    }
    if (value == NULL) {
        (void)mpyi_err_argument(__func__, "value", "object", NULL);
        return;
    }
    if (mpyi_is_exc(value)) {
        mpyi_err_restore(t, value);
        return;
    }
    exc = exception_type(__func__, type);
    if (exc != NULL) {
        mpyi_err_put(t, exc->exc_code, type_to_keep(exc), mpy_newref(value), drop, "", 0);
    }
}

void *
mpy_err_format(mpy_object *type, const char *fmt, ...)
{
    struct mpyi_thread *t = mpyi_enter_any2(__func__, type, NULL);
    const struct mpyi_type *exc = t != NULL ? exception_type(__func__, type) : NULL;
    char text[MPY_ERR_TEXT_MAX + 1];
    va_list args;
    if (exc == NULL) {
        return NULL;
    }
    if (fmt == NULL) {
        return mpyi_err_argument(__func__, "fmt", "text", NULL);
    }
    va_start(args, fmt);
    put(t, exc, text, mpyi_format_buffer(text, sizeof text, fmt, args));
    va_end(args);
    return NULL;
}

void *
mpy_err_format_code(int code, const char *fmt, ...)
{
    struct mpyi_thread *t = mpyi_enter_any(__func__);
    char text[MPY_ERR_TEXT_MAX + 1];
    va_list args;
    if (t == NULL) {
        return NULL;
    }
    if (fmt == NULL) {
        return mpyi_err_argument(__func__, "fmt", "text", NULL);
    }
    if (code <= 0 || code >= MPY_EXC_COUNT) {
        code = MPY_EXC_SYSTEM_ERROR;
    }
    va_start(args, fmt);
    put(t, &mpyi_exc_types[code], text, mpyi_format_buffer(text, sizeof text, fmt, args));
    va_end(args);
    return NULL;
}

void *
mpy_err_no_memory(void)
{
    return mpyi_err_no_memory();
}

/* strerror_r() is one of two functions: one returns the text, the other fills it in. */
static const char *
text_returned(const char *text, const char *buffer)
{
    (void)buffer;
    return text;
}

static const char *
text_filled_in(int failed, const char *buffer)
{
    return failed == 0 ? buffer : "unknown error";
}

void *
mpy_err_from_errno(mpy_object *type, const char *filename)
{
    int number = errno;
    struct mpyi_thread *t = mpyi_enter_any2(__func__, type, NULL);
    const struct mpyi_type *exc = &mpyi_exc_types[MPY_EXC_OS_ERROR];
    char buffer[128] = "unknown error";
    char text[MPY_ERR_TEXT_MAX + 1];
    const char *reason;
    int n;

    if (t == NULL || (type != NULL && (exc = exception_type(__func__, type)) == NULL)) {
        return NULL;
    }
    reason = _Generic(strerror_r(number, buffer, sizeof buffer), char *
                      : text_returned, int
                      : text_filled_in)(strerror_r(number, buffer, sizeof buffer), buffer);
    n = filename != NULL
            ? snprintf(text, sizeof text, "[Errno %d] %s: '%s'", number, reason, filename)
            : snprintf(text, sizeof text, "[Errno %d] %s", number, reason);
    put(t, exc, text, n < 0 ? 0 : strlen(text));
    return NULL;
}

void
mpy_err_clear(void)
{
    struct mpyi_thread *t = mpyi_enter_any(__func__);
    if (MPY_LIKELY(t != NULL)) {
        mpyi_err_clear(t);
    }
}

/* ---- taking
 * ----------------------------------------------------------------------------------------- */

/* The text of an error as a str; bytes that are not UTF-8 become '?'. */
static mpy_object *
text_object(struct mpyi_thread *t, struct mpyi_error *e)
{
    mpy_object *text = mpyi_str_new(t, "mpy_err_take", e->text, e->length);
    if (text == NULL && t->error.code != MPY_EXC_MEMORY_ERROR) {
        mpyi_err_clear(t);
        for (uint32_t i = 0; i < e->length; i++) {
            e->text[i] = (unsigned char)e->text[i] < 0x80 ? e->text[i] : '?';
        }
        text = mpyi_str_new(t, "mpy_err_take", e->text, e->length);
    }
    return text;
}

/* An exception object of what an error says; NULL when memory is out. */
static mpy_object *
make_exception(struct mpyi_thread *t, struct mpyi_error *e)
{
    const struct mpyi_type *type =
        e->type != NULL ? (const struct mpyi_type *)e->type : &mpyi_exc_types[e->code];
    mpy_object *argument = e->value;
    mpy_object *args = NULL;
    mpy_object *exc;

    if (argument != NULL) {
        mpy_incref(argument);
    } else if (e->length != 0) {
        argument = text_object(t, e);
        if (argument == NULL) {
            return NULL;
        }
    }
    if (argument != NULL) {
        args = mpyi_tuple_from(t, &argument, 1);
        mpy_decref(argument);
        if (args == NULL) {
            return NULL;
        }
    }
    exc = mpyi_exc_new(t, type, args);
    mpy_xdecref(args);
    return exc;
}

mpy_object *
mpyi_err_take(struct mpyi_thread *t)
{
    struct mpyi_error e;
    mpy_object *exc;
    if (!mpyi_err_occurred(t)) {
        return NULL;
    }
    mpyi_err_save(t, &e);
    if (e.value != NULL && mpyi_is_exc(e.value)) {
        exc = e.value;
        e.value = NULL;
    } else {
        exc = make_exception(t, &e);
        if (exc == NULL) {
            mpyi_err_clear(t);
            exc = mpy_xnewref(t->rt->memory_error);
        }
    }
    mpy_xdecref(e.type);
    mpy_xdecref(e.value);
    return exc;
}

mpy_object *
mpy_err_take(void)
{
    struct mpyi_thread *t = mpyi_enter_any(__func__);
    return t != NULL ? mpyi_err_take(t) : NULL;
}
