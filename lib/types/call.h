/* SPDX-License-Identifier: MIT */
/*
 * types/call.h - calling, for the library itself.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_CALL_H
#define MPY_TYPES_CALL_H

#include "types/function.h"

/* The checkpoint of the runtime layer, which sits above and fills it in: called when something in
   the breaker is set. int0. Unset: due collections only. */
extern int (*mpyi_checkpoint_hook)(struct mpyi_thread *t);

/* mpy_call() for attached threads; `function` names the caller in errors. (U) */
MPY_NODISCARD mpy_object *
mpyi_call(struct mpyi_thread *t, const char *function, mpy_object *callable,
          mpy_object *const *argv, size_t nargs, mpy_object *kwnames);

/* Slots of the types `function` and `method`. */
mpy_object *
mpyi_function_slot_call(mpy_object *self, mpy_object *const *argv, size_t nargs,
                        mpy_object *kwnames);
mpy_object *
mpyi_method_slot_call(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames);

#endif /* MPY_TYPES_CALL_H */
