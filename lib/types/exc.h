/* SPDX-License-Identifier: MIT */
/*
 * types/exc.h - exception objects and their types.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_EXC_H
#define MPY_TYPES_EXC_H

#include "minipy/err.h"

#include "types/instance.h"

/* An exception is a data instance whose first data are these references, so host types below an
   exception are laid out like any others; a built-in one is 32 bytes. */
#define MPYI_EXC_ARGS  0u /* a tuple; NULL: none were given */
#define MPYI_EXC_CAUSE 1u /* the exception that led to this one, or NULL */
#define MPYI_EXC_REFS  2u

/* The built-in exception types by code; [0] is unused. */
extern const struct mpyi_type mpyi_exc_types[MPY_EXC_COUNT];

static inline int
mpyi_is_exc(const mpy_object *o)
{
    return mpy_priv_has_flag(o, MPY_TF_EXCEPTION);
}

static inline int
mpyi_is_exc_type(const mpy_object *o)
{
    return mpy_type_check(o) &&
           (((const struct mpyi_type *)(const void *)o)->traits & MPYI_TRAIT_EXCEPTION) != 0;
}

/* The references of an exception, by MPYI_EXC_*. */
static inline mpy_object **
mpyi_exc_refs(const mpy_object *o)
{
    return (mpy_object **)mpyi_instance_data(o, mpyi_type_of(o));
}

/* The arguments, borrowed; the empty tuple when there are none. */
mpy_object *
mpyi_exc_args(const mpy_object *exc);

/* An exception with these arguments (a tuple, which gets a new reference; NULL: none), without
   calling init. NULL with MemoryError. */
MPY_NODISCARD mpy_object *
mpyi_exc_new(struct mpyi_thread *t, const struct mpyi_type *type, mpy_object *args);

/* int0: keeps the arguments an exception is made with, before init sees them. */
int
mpyi_exc_keep_args(struct mpyi_thread *t, mpy_object *exc, mpy_object *const *argv, size_t nargs);

/* The MemoryError a runtime makes in advance. NULL when even that fails. */
MPY_NODISCARD mpy_object *
mpyi_exc_new_memory_error(struct mpyi_thread *t);

/* The str of built-in exceptions: nothing, the argument, or the tuple of arguments. (U) */
MPY_NODISCARD mpy_object *
mpyi_exc_message(struct mpyi_thread *t, mpy_object *exc);

/* str(exc). Counts no depth of its own, so a RecursionError can be shown where it was raised. (U)
 */
MPY_NODISCARD mpy_object *
mpyi_exc_text(struct mpyi_thread *t, mpy_object *exc);

/* Sets an error with an object: KeyError(key), StopIteration(value). Always NULL. */
void *
mpyi_err_set_value(struct mpyi_thread *t, int code, mpy_object *value);

/* The error that is set as an exception object, cleared; NULL when none is. */
MPY_NODISCARD mpy_object *
mpyi_err_take(struct mpyi_thread *t);

/* Sets an exception object, which gets a new reference. */
void
mpyi_err_restore(struct mpyi_thread *t, mpy_object *exc);

#endif /* MPY_TYPES_EXC_H */
