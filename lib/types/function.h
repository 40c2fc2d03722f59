/* SPDX-License-Identifier: MIT */
/*
 * types/function.h - native functions and bound methods.
 *
 * A function is called in one of three ways:
 *
 *   self != NULL   mpy_func_new() bound it: fn(self, argv)
 *   owner != 0     a method of the host type with that serial, not bound: fn(argv[0], argv + 1)
 *   else           fn(NULL, argv)
 *
 * Functions with self == NULL found in a class bind to the instance they are asked of. `owner` is a
 * number, not a reference: a type and its methods are no cycle.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_FUNCTION_H
#define MPY_TYPES_FUNCTION_H

#include "minipy/call.h"

#include "gc/gc.h"

struct mpyi_function {
    struct mpy_priv_header head;
    mpy_object *self;
    mpy_native_fn fn;
    size_t min;  /* positional arguments, without self */
    size_t span; /* how many more than min there may be */
    const char *name;
    const char *doc;
    uint64_t owner; /* serial of a host type, or 0 */
    uint32_t flags; /* MPY_FUNC_* */
    int32_t max;    /* as in the spec */
};

struct mpyi_method {
    struct mpy_priv_header head;
    mpy_object *function; /* a function whose self is NULL */
    mpy_object *self;
};
MPY_STATIC_ASSERT(sizeof(struct mpyi_method) == 32, "a bound method is the smallest cell");

static inline struct mpyi_function *
mpyi_function(const mpy_object *o)
{
    return (struct mpyi_function *)(uintptr_t)o;
}

static inline struct mpyi_method *
mpyi_method(const mpy_object *o)
{
    return (struct mpyi_method *)(uintptr_t)o;
}

static inline int
mpyi_is_function(const mpy_object *o)
{
    return mpy_priv_has_flag(o, MPY_TF_FUNCTION);
}

/* int0: the spec makes sense; ValueError on behalf of `function`. */
MPY_NODISCARD int
mpyi_function_check_spec(const char *function, const mpy_func_spec *spec);

/* A function; self may be NULL. No safe point. NULL with MemoryError. */
MPY_NODISCARD mpy_object *
mpyi_function_new(struct mpyi_thread *t, const mpy_func_spec *spec, mpy_object *self,
                  uint64_t owner);

/* `function` bound to `self`. */
MPY_NODISCARD mpy_object *
mpyi_method_new(struct mpyi_thread *t, mpy_object *function, mpy_object *self);

#endif /* MPY_TYPES_FUNCTION_H */
