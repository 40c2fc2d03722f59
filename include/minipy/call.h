/* SPDX-License-Identifier: MIT */
/*
 * minipy/call.h - calling, native functions, and one calling convention for all of them.
 *
 * Arguments travel as one array: nargs positional ones, then, if kwnames (a tuple of str) is not
 * NULL, one value for each of its names. Every reference in the array is borrowed; the result is a
 * new one. Every call made through this header is a checkpoint (see minipy/thread.h).
 *
 * Results, ownership and threads: see minipy/object.h. Everything here is (U).
 */
#ifndef MPY_CALL_H
#define MPY_CALL_H

#include "minipy/object.h"

MPY_EXTERN_C_BEGIN

/* A native function. `self` is what mpy_func_new() bound, or the instance for methods; NULL when
   there is none. Returns a new reference, or NULL with an error set. */
typedef mpy_object *(*mpy_native_fn)(mpy_object *self, mpy_object *const *argv, size_t nargs,
                                     mpy_object *kwnames);

/* MPY_FUNC_KEYWORDS: fn wants keyword arguments; without it they raise TypeError. */
#define MPY_FUNC_KEYWORDS 1u

/* Any number of positional arguments from min_args on. */
#define MPY_ARGS_ANY (-1)

/* How a function is called and named. Specs of methods are arrays that end with a NULL name. The
   strings must live as long as the function: they are not copied. */
typedef struct mpy_func_spec {
    const char *name;
    mpy_native_fn fn;
    int32_t min_args;
    int32_t max_args; /* MPY_ARGS_ANY, or >= min_args */
    uint32_t flags;   /* MPY_FUNC_* */
    uint32_t reserved;
    const char *doc; /* may be NULL */
} mpy_func_spec;

/* A function object; self may be NULL. */
MPY_NODISCARD MPY_API mpy_object *
mpy_func_new(const mpy_func_spec *spec, mpy_object *self);

/* callable(*argv, **kw). kwnames may be NULL, argv too where it would be empty. TypeError: not
   callable, wrong number of arguments; RecursionError: nested too deep. */
MPY_NODISCARD MPY_API mpy_object *
mpy_call(mpy_object *callable, mpy_object *const *argv, size_t nargs, mpy_object *kwnames);

MPY_NODISCARD MPY_API mpy_object *
mpy_call_noargs(mpy_object *callable);

/* args: a tuple; kwargs: a dict of str keys, or NULL. */
MPY_NODISCARD MPY_API mpy_object *
mpy_call_tuple(mpy_object *callable, mpy_object *args, mpy_object *kwargs);

/* argv[0].name(*argv[1..]): finds the method without creating a bound object. nargs counts
   argv[0]. */
MPY_NODISCARD MPY_API mpy_object *
mpy_call_method(mpy_object *name, mpy_object *const *argv, size_t nargs, mpy_object *kwnames);

/* o.name(*argv). */
MPY_NODISCARD MPY_API mpy_object *
mpy_call_method_utf8(mpy_object *o, const char *name, mpy_object *const *argv, size_t nargs);

/* bool. */
MPY_NODISCARD MPY_API int
mpy_call_check(mpy_object *o);

/* int0: brackets C recursion on the host's side; RecursionError beyond the runtime's limit, naming
   `where`. Each success needs one leave. */
MPY_NODISCARD MPY_API int
mpy_recursion_enter(const char *where);
MPY_API void
mpy_recursion_leave(void);

MPY_EXTERN_C_END

#endif /* MPY_CALL_H */
