/* SPDX-License-Identifier: MIT */
/*
 * types/exc.c - the exception types and exception objects.
 *
 * The built-in types are one constant table, indexed by code, so "the type of this code" is an
 * address and "is this error below that one" a walk along `base`. An exception holds a tuple of
 * arguments and the exception that caused it. It exists only once somebody takes an error: raising
 * makes none.
 *
 * str() of an exception is that of its one argument, nothing without arguments, or the tuple; a
 * KeyError shows the repr of its key, because the str of a key may well be empty.
 *
 * Lock: the runtime's.
 */
#include "types/exc.h"

#include "types/format.h"
#include "types/protocol.h"
#include "types/str.h"
#include "types/tuple.h"
#include "types/type.h"

/* ---- objects
 * -------------------------------------------------------------------------------------- */

mpy_object *
mpyi_exc_args(const mpy_object *exc)
{
    mpy_object *args = mpyi_exc_refs(exc)[MPYI_EXC_ARGS];
    return args != NULL ? args : mpyi_tuple_new_empty();
}

mpy_object *
mpyi_exc_new(struct mpyi_thread *t, const struct mpyi_type *type, mpy_object *args)
{
    mpy_object *exc = mpyi_instance_new(t, type);
    if (exc != NULL) {
        mpyi_exc_refs(exc)[MPYI_EXC_ARGS] = mpy_xnewref(args);
    }
    return exc;
}

mpy_object *
mpyi_exc_new_memory_error(struct mpyi_thread *t)
{
    static const char text[] = "out of memory";
    mpy_object *message = mpyi_str_new(t, "mpy_runtime_new", text, sizeof text - 1);
    mpy_object *args = message != NULL ? mpyi_tuple_from(t, &message, 1) : NULL;
    mpy_object *exc =
        args != NULL ? mpyi_exc_new(t, &mpyi_exc_types[MPY_EXC_MEMORY_ERROR], args) : NULL;
    mpy_xdecref(message);
    mpy_xdecref(args);
    return exc;
}

int
mpyi_exc_keep_args(struct mpyi_thread *t, mpy_object *exc, mpy_object *const *argv, size_t nargs)
{
    mpy_object *args = mpyi_tuple_from(t, argv, nargs);
    if (args == NULL) {
        return -1;
    }
    mpy_assign(&mpyi_exc_refs(exc)[MPYI_EXC_ARGS], args);
    mpy_decref(args);
    return 0;
}

/* Exceptions take any positional arguments; they have them already. */
static int
exc_init(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)argv;
    (void)nargs;
    if (kwnames != NULL && mpyi_tuple_count(kwnames) != 0) {
        (void)mpyi_err_format(MPY_EXC_TYPE_ERROR, "%s() takes no keyword arguments",
                              mpyi_type_name_of(self));
        return -1;
    }
    return 0;
}

mpy_object *
mpyi_exc_message(struct mpyi_thread *t, mpy_object *exc)
{
    mpy_object *args = mpyi_exc_args(exc);
    mpy_object *text;
    if (mpyi_tuple_count(args) == 0) {
        return mpyi_str_object(mpyi_str_empty());
    }
    mpy_incref(args); /* code of the host may set others */
    if (mpyi_tuple_count(args) > 1) {
        text = mpyi_repr(t, args);
    } else if (mpyi_type_of(exc)->exc_code == MPY_EXC_KEY_ERROR) {
        text = mpyi_repr(t, mpyi_tuple_items(args)[0]);
    } else {
        text = mpyi_str(t, mpyi_tuple_items(args)[0]);
    }
    mpy_decref(args);
    return text;
}

static mpy_object *
exc_str(mpy_object *self)
{
    return mpyi_exc_message(mpyi_current(), self);
}

mpy_object *
mpyi_exc_text(struct mpyi_thread *t, mpy_object *exc)
{
    return mpyi_type_of(exc)->slots.str == exc_str ? mpyi_exc_message(t, exc) : mpyi_str(t, exc);
}

/* Name(), Name('text'), Name(1, 2). */
static mpy_object *
exc_repr(mpy_object *self)
{
    struct mpyi_thread *t = mpyi_current();
    mpy_object *args = mpyi_exc_args(self);
    const char *name = mpyi_type_name_of(self);
    if (mpyi_tuple_count(args) == 1) {
        return mpyi_str_format(t, "mpy_object_repr", "%s(%R)", name, mpyi_tuple_items(args)[0]);
    }
    return mpyi_str_format(t, "mpy_object_repr", "%s%R", name, args);
}

/* ---- types
 * ---------------------------------------------------------------------------------------- */

#define EXC_OF(code_, name_, base_)                                                                \
    [code_] = {                                                                                    \
        .head = MPYI_STATIC_HEAD(MPY_TF_EXCEPTION),                                                \
        .traits = MPYI_TRAIT_BASE | MPYI_TRAIT_EXCEPTION,                                          \
        .layout = MPYI_LAYOUT_FIXED,                                                               \
        .id = 255,                                                                                 \
        .exc_code = (code_),                                                                       \
        .ref_offset = sizeof(struct mpy_priv_header),                                              \
        .ref_count = MPYI_EXC_REFS,                                                                \
        .instance_size = sizeof(struct mpy_priv_header) + 8 * MPYI_EXC_REFS,                       \
        .data_offset = sizeof(struct mpy_priv_header),                                             \
        .name = (name_),                                                                           \
        .qualname = (name_),                                                                       \
        .base = (base_),                                                                           \
        .dealloc = mpyi_instance_dealloc,                                                          \
        .empty = mpyi_instance_empty,                                                              \
        .slots = {.init = exc_init, .repr = exc_repr, .str = exc_str},                             \
    }

#define EXC(code_, name_, base_code) EXC_OF(MPY_EXC_##code_, name_, &mpyi_exc_types[base_code])

const struct mpyi_type mpyi_exc_types[MPY_EXC_COUNT] = {
    EXC_OF(MPY_EXC_BASE_EXCEPTION, "BaseException", &mpyi_object_type),
    EXC(EXCEPTION, "Exception", MPY_EXC_BASE_EXCEPTION),
    EXC(ARITHMETIC_ERROR, "ArithmeticError", MPY_EXC_EXCEPTION),
    EXC(OVERFLOW_ERROR, "OverflowError", MPY_EXC_ARITHMETIC_ERROR),
    EXC(ZERO_DIVISION_ERROR, "ZeroDivisionError", MPY_EXC_ARITHMETIC_ERROR),
    EXC(ATTRIBUTE_ERROR, "AttributeError", MPY_EXC_EXCEPTION),
    EXC(LOOKUP_ERROR, "LookupError", MPY_EXC_EXCEPTION),
    EXC(INDEX_ERROR, "IndexError", MPY_EXC_LOOKUP_ERROR),
    EXC(KEY_ERROR, "KeyError", MPY_EXC_LOOKUP_ERROR),
    EXC(MEMORY_ERROR, "MemoryError", MPY_EXC_EXCEPTION),
    EXC(NAME_ERROR, "NameError", MPY_EXC_EXCEPTION),
    EXC(OS_ERROR, "OSError", MPY_EXC_EXCEPTION),
    EXC(TIMEOUT_ERROR, "TimeoutError", MPY_EXC_OS_ERROR),
    EXC(RUNTIME_ERROR, "RuntimeError", MPY_EXC_EXCEPTION),
    EXC(NOT_IMPLEMENTED_ERROR, "NotImplementedError", MPY_EXC_RUNTIME_ERROR),
    EXC(RECURSION_ERROR, "RecursionError", MPY_EXC_RUNTIME_ERROR),
    EXC(STOP_ITERATION, "StopIteration", MPY_EXC_EXCEPTION),
    EXC(SYSTEM_ERROR, "SystemError", MPY_EXC_EXCEPTION),
    EXC(TYPE_ERROR, "TypeError", MPY_EXC_EXCEPTION),
    EXC(VALUE_ERROR, "ValueError", MPY_EXC_EXCEPTION),
    EXC(UNICODE_ERROR, "UnicodeError", MPY_EXC_VALUE_ERROR),
    EXC(KEYBOARD_INTERRUPT, "KeyboardInterrupt", MPY_EXC_BASE_EXCEPTION),
    EXC(ASSERTION_ERROR, "AssertionError", MPY_EXC_EXCEPTION),
    EXC(BUFFER_ERROR, "BufferError", MPY_EXC_EXCEPTION),
    EXC(EOF_ERROR, "EOFError", MPY_EXC_EXCEPTION),
    EXC(IMPORT_ERROR, "ImportError", MPY_EXC_EXCEPTION),
};

mpy_object *
mpy_exc_type(int code)
{
    if (mpyi_enter_any(__func__) == NULL) {
        return NULL;
    }
    if (code < MPY_EXC_BASE_EXCEPTION || code >= MPY_EXC_COUNT) {
        return mpyi_err_format(MPY_EXC_VALUE_ERROR,
                               "%s(): argument 'code': expected MPY_EXC_*, got %d", __func__, code);
    }
    return mpyi_type_object(&mpyi_exc_types[code]);
}

mpy_object *
mpy_err_new_type(const char *name, const char *doc, mpy_object *base)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, base);
    mpy_type_spec spec = {.size = sizeof spec,
                          .version = 1,
                          .name = name,
                          .doc = doc,
                          .flags = MPY_TYPE_BASE | MPY_TYPE_ATTRS};
    if (t == NULL) {
        return NULL;
    }
    if (name == NULL) {
        return mpyi_err_argument(__func__, "name", "text", NULL);
    }
    if (!mpyi_type_name_ok(name)) {
        return mpyi_err_format(MPY_EXC_VALUE_ERROR,
                               "%s(): argument 'name': expected 'name' or 'module.name', got '%s'",
                               __func__, name);
    }
    if (base != NULL && !mpyi_is_exc_type(base)) {
        return mpyi_err_argument(__func__, "base", "exception type", base);
    }
    mpyi_safe_point(t);
    return mpyi_type_make(t, __func__, &spec,
                          base != NULL ? mpyi_type(base) : &mpyi_exc_types[MPY_EXC_EXCEPTION]);
}

/* ---- what an exception holds
 * ----------------------------------------------------------------------- */

/* The thread, or NULL with an error when exc is no exception object. */
static struct mpyi_thread *
enter_with_exc(const char *function, const mpy_object *exc)
{
    struct mpyi_thread *t = mpyi_enter1(function, exc);
    if (t != NULL && !mpyi_is_exc(exc)) {
        return mpyi_err_argument(function, "exc", "exception", exc);
    }
    return t;
}

mpy_object *
mpy_err_message(mpy_object *exc)
{
    struct mpyi_thread *t = enter_with_exc(__func__, exc);
    return t != NULL ? mpyi_exc_text(t, exc) : NULL;
}

mpy_object *
mpy_exc_get_args(mpy_object *exc)
{
    return enter_with_exc(__func__, exc) != NULL ? mpy_newref(mpyi_exc_args(exc)) : NULL;
}

mpy_object *
mpy_exc_get_cause(mpy_object *exc)
{
    return enter_with_exc(__func__, exc) != NULL ? mpy_xnewref(mpyi_exc_refs(exc)[MPYI_EXC_CAUSE])
                                                 : NULL;
}

int
mpy_exc_set_cause(mpy_object *exc, mpy_object *cause)
{
    if (enter_with_exc(__func__, exc) == NULL) {
        return -1;
    }
    if (cause != NULL && !mpyi_is_exc(cause)) {
        (void)mpyi_err_argument(__func__, "cause", "exception", cause);
        return -1;
    }
    mpy_assign(&mpyi_exc_refs(exc)[MPYI_EXC_CAUSE], cause);
    return 0;
}
