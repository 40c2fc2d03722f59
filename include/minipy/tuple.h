/* SPDX-License-Identifier: MIT */
/*
 * minipy/tuple.h - an immutable array of references, created complete.
 *
 * Results, ownership and threads: see minipy/object.h. Nothing here runs user code.
 */
#ifndef MPY_TUPLE_H
#define MPY_TUPLE_H

#include "minipy/object.h"

MPY_EXTERN_C_BEGIN

/* 1 for a tuple, else 0; NULL is not one. Cannot fail. */
MPY_INLINE int
mpy_tuple_check(const mpy_object *o)
{
    return mpy_priv_has_flag(o, MPY_TF_TUPLE);
}

/* A tuple of n elements, none of them NULL. The empty tuple is one immortal object. O(n). */
MPY_NODISCARD MPY_API mpy_object *
mpy_tuple_from_array(mpy_object *const *items, size_t n);

/* mpy_tuple_pack(2, a, b). */
MPY_NODISCARD MPY_API mpy_object *
mpy_tuple_pack(size_t n, ...);

/* size. O(1). */
MPY_NODISCARD MPY_API ptrdiff_t
mpy_tuple_length(mpy_object *tuple);

/* The element at i, 0 <= i < length: IndexError otherwise. O(1). */
MPY_NODISCARD MPY_API mpy_object *
mpy_tuple_get(mpy_object *tuple, ptrdiff_t i);

MPY_EXTERN_C_END

#endif /* MPY_TUPLE_H */
