/* SPDX-License-Identifier: MIT */
/*
 * minipy/err.h - the error indicator and the exceptions.
 *
 * Each attached thread has one indicator. A function that fails sets it; the caller handles the
 * error and clears it, or fails in turn. An error is kept as type and message; an exception object
 * is made only when somebody takes it. Messages longer than MPY_ERR_TEXT_MAX bytes are cut at a
 * character. A wrong argument sets the error that it would raise elsewhere, in place of
 * the one asked for.
 *
 * Results, ownership and threads: see minipy/object.h.
 */
#ifndef MPY_ERR_H
#define MPY_ERR_H

#include "minipy/object.h"

MPY_EXTERN_C_BEGIN

#define MPY_ERR_TEXT_MAX 511

/* The exceptions; indented below their base. Codes are stable. */
#define MPY_EXC_BASE_EXCEPTION        1
#define MPY_EXC_EXCEPTION             2
#define MPY_EXC_ARITHMETIC_ERROR      3
#define MPY_EXC_OVERFLOW_ERROR        4 /* ArithmeticError */
#define MPY_EXC_ZERO_DIVISION_ERROR   5 /* ArithmeticError */
#define MPY_EXC_ATTRIBUTE_ERROR       6
#define MPY_EXC_LOOKUP_ERROR          7
#define MPY_EXC_INDEX_ERROR           8 /* LookupError */
#define MPY_EXC_KEY_ERROR             9 /* LookupError */
#define MPY_EXC_MEMORY_ERROR          10
#define MPY_EXC_NAME_ERROR            11
#define MPY_EXC_OS_ERROR              12
#define MPY_EXC_TIMEOUT_ERROR         13 /* OSError */
#define MPY_EXC_RUNTIME_ERROR         14
#define MPY_EXC_NOT_IMPLEMENTED_ERROR 15 /* RuntimeError */
#define MPY_EXC_RECURSION_ERROR       16 /* RuntimeError */
#define MPY_EXC_STOP_ITERATION        17
#define MPY_EXC_SYSTEM_ERROR          18
#define MPY_EXC_API                   18 /* misuse of this API is a SystemError */
#define MPY_EXC_TYPE_ERROR            19
#define MPY_EXC_VALUE_ERROR           20
#define MPY_EXC_UNICODE_ERROR         21 /* ValueError */
#define MPY_EXC_KEYBOARD_INTERRUPT    22 /* BaseException */
#define MPY_EXC_ASSERTION_ERROR       23
#define MPY_EXC_BUFFER_ERROR          24
#define MPY_EXC_EOF_ERROR             25
#define MPY_EXC_IMPORT_ERROR          26
#define MPY_EXC_COUNT                 27

/* The exception type with that code: a new reference. ValueError for another code. */
MPY_NODISCARD MPY_API mpy_object *
mpy_exc_type(int code);

/* 1 when an error is set, else 0 (also when the thread is not attached). */
MPY_API int
mpy_err_occurred(void);

/* Code of the built-in exception that is set, or of the nearest built-in base of a host's own;
   0 when none. Touches no object. */
MPY_API int
mpy_err_code(void);

/* Sets an error. type: an exception type. Replaces what was set. */
MPY_API void
mpy_err_set(mpy_object *type, const char *utf8);

/* Sets an error by code, without an object in hand. An unknown code sets SystemError. */
MPY_API void
mpy_err_set_code(int code, const char *utf8);

/* Sets an error whose exception has `value` as its argument; an exception object sets itself. */
MPY_API void
mpy_err_set_object(mpy_object *type, mpy_object *value);

/* printf-like, with the conversions of mpy_str_format() except %O and %R. Always NULL, for
   `return mpy_err_format(...);`. */
MPY_API void *
mpy_err_format(mpy_object *type, const char *fmt, ...);
MPY_API void *
mpy_err_format_code(int code, const char *fmt, ...) MPY_PRINTF(2, 3);

/* Sets MemoryError; allocates nothing. Always NULL. */
MPY_API void *
mpy_err_no_memory(void);

/* Sets `type` (OSError when NULL) with the text of errno and filename (may be NULL). Always NULL.
 */
MPY_API void *
mpy_err_from_errno(mpy_object *type, const char *filename);

MPY_API void
mpy_err_clear(void);

/* 1 when the error set is of that exception type or below it, else 0. type: a type or a tuple. */
MPY_API int
mpy_err_matches(mpy_object *type);
MPY_API int
mpy_err_matches_code(int code);

/* The same for an exception object or type in hand. */
MPY_API int
mpy_err_given_matches(mpy_object *exc, mpy_object *type);

/* Takes the error as an exception object and clears the indicator; NULL when none is set. When
   memory is out, the object is the runtime's MemoryError. */
MPY_NODISCARD MPY_API mpy_object *
mpy_err_take(void);

/* Sets an exception object; NULL clears. */
MPY_API void
mpy_err_restore(mpy_object *exc);

/* Message of an exception object: str(exc). (U) */
MPY_NODISCARD MPY_API mpy_object *
mpy_err_message(mpy_object *exc);

/* A new exception type `name` ("module.Name", or "Name") below base (NULL: Exception). Its
   instances keep the arguments they are made with; those of a type below it, too, whose spec has an
   init. */
MPY_NODISCARD MPY_API mpy_object *
mpy_err_new_type(const char *name, const char *doc, mpy_object *base);

/* Reports the error set, which nobody can handle (finalizers, callbacks), and clears it. The text
   goes to the runtime's error function, or to stderr. `where` names the place. (U) */
MPY_API void
mpy_err_unraisable(const char *where);

/* int0: writes "Type: message\n", causes first. (U) */
MPY_NODISCARD MPY_API int
mpy_err_display(mpy_object *exc, mpy_write_fn write, void *data);

/* The exception that led to this one: NULL without an error when there is none. */
MPY_NODISCARD MPY_API mpy_object *
mpy_exc_get_cause(mpy_object *exc);
MPY_NODISCARD MPY_API int
mpy_exc_set_cause(mpy_object *exc, mpy_object *cause); /* NULL removes it */

/* The arguments, a tuple. */
MPY_NODISCARD MPY_API mpy_object *
mpy_exc_get_args(mpy_object *exc);

MPY_EXTERN_C_END

#endif /* MPY_ERR_H */
