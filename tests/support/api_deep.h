/* SPDX-License-Identifier: MIT */
/*
 * support/api_deep.h - long chains of objects, and a thread with a small stack that they must not
 * overrun.
 */
#ifndef MPY_TEST_SUPPORT_API_DEEP_H
#define MPY_TEST_SUPPORT_API_DEEP_H

#include "minipy.h"

/* An object around another one; NULL with an error. */
typedef mpy_object *(*deep_wrap_fn)(mpy_object *inner);

mpy_object *
deep_wrap_list(mpy_object *inner);
mpy_object *
deep_wrap_tuple(mpy_object *inner);

/* An instance of deep_plain_type, which the test sets and drops, with an attribute. */
mpy_object *
deep_wrap_plain(mpy_object *inner);
extern mpy_object *deep_plain_type;

/* `depth` objects around each other, the first one around innermost; NULL with an error. */
mpy_object *
deep_build(deep_wrap_fn wrap, unsigned long depth, mpy_object *innermost);

/* Builds such a chain and drops it: NULL, or what went wrong. */
const char *
deep_die(deep_wrap_fn wrap, unsigned long depth);

/* Calls run(data) in a thread with a stack of 64 KiB (more where sanitizers make frames large),
   which is attached to the runtime, the caller's. Its result, NULL or what went wrong; an error
   that is left set is wrong, too. */
const char *
deep_on_small_stack(mpy_runtime *rt, const char *(*run)(void *data), void *data);

#endif /* MPY_TEST_SUPPORT_API_DEEP_H */
