/* SPDX-License-Identifier: MIT */
/*
 * types/short.h - for functions with a short way.
 *
 * The functions programs spend their time in (mpy_list_get, mpy_dict_get, mpy_iter_next, ...) begin
 * with the case that nearly always applies: right arguments, the lock held, no reference count out
 * of the ordinary. This part calls nothing, or ends in a call, so the compiler gives it no stack
 * frame and saves no registers, which is a quarter of what such a function costs. Everything else,
 * wrong arguments too, goes the long way: a function of its own that starts over.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_SHORT_H
#define MPY_TYPES_SHORT_H

#include "object/object.h"

#define MPYI_LONG_WAY __attribute__((noinline))

/* Takes a reference; 0 when that needs a call, and nothing was done. */
static inline int
mpyi_take_reference(mpy_object *o)
{
    if (mpy_priv_is_heap(o)) {
        uint32_t count = mpyi_head(o)->refcnt;
        if (MPY_UNLIKELY((int32_t)count < 0)) {
            return count >= MPY_PRIV_REFCNT_IMMORTAL;
        }
        mpyi_head(o)->refcnt = count + 1;
    }
    return 1;
}

#endif /* MPY_TYPES_SHORT_H */
