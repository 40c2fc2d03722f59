/* SPDX-License-Identifier: MIT */
/*
 * types/protocol.h - what can be done with any object, for the library itself.
 *
 * The public functions of minipy/object.h check their arguments and end in these, which take
 * attached threads and objects for granted.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_PROTOCOL_H
#define MPY_TYPES_PROTOCOL_H

#include "object/object.h"

/* repr(o), str(o): a new str. (U) */
MPY_NODISCARD mpy_object *
mpyi_repr(struct mpyi_thread *t, mpy_object *o);
MPY_NODISCARD mpy_object *
mpyi_str(struct mpyi_thread *t, mpy_object *o);

/* `<T object at 0x...>`: the repr of objects whose type has none. */
mpy_object *
mpyi_repr_default(struct mpyi_thread *t, mpy_object *o);

/* For reprs of containers. 1: the repr of o is being built further out, print "..."; 0: go on, and
   leave() when done; -1: MemoryError. */
MPY_NODISCARD int
mpyi_repr_enter(struct mpyi_thread *t, mpy_object *o);
void
mpyi_repr_leave(struct mpyi_thread *t, mpy_object *o);

/* int0. (U) */
MPY_NODISCARD int
mpyi_hash(struct mpyi_thread *t, mpy_object *o, int64_t *out);

/* After a slot of o's type reported a failure: a host's that set no error is a SystemError, so that
   who called `function` never sees a failure without a reason. Always -1. */
int
mpyi_err_slot(struct mpyi_thread *t, const char *function, const char *slot, const mpy_object *o)
    __attribute__((cold));

/* After a look-up failed: when that was because the key's type has no hash, the error names the
   function that the host called. Always -1. */
int
mpyi_err_unhashable_key(const char *function, const mpy_object *key) __attribute__((cold));

/* Hash of an object that is compared by identity. */
int64_t
mpyi_hash_identity(const mpy_object *o);

/* A hash slot: TypeError, unhashable type. */
int
mpyi_hash_unhashable(mpy_object *o, int64_t *out);

/* bool. (U) */
MPY_NODISCARD int
mpyi_is_true(struct mpyi_thread *t, mpy_object *o);

/* `a op b`. (U) */
MPY_NODISCARD mpy_object *
mpyi_compare(struct mpyi_thread *t, mpy_object *a, mpy_object *b, int op);

/* bool; identical objects are equal. (U) */
MPY_NODISCARD int
mpyi_compare_bool(struct mpyi_thread *t, mpy_object *a, mpy_object *b, int op);

/* Bytes of o itself: its cell or atom and the arrays that belong to it alone; 0 for immediates. */
size_t
mpyi_sizeof(mpy_object *o);

#endif /* MPY_TYPES_PROTOCOL_H */
