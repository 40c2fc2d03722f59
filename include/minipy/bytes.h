/* SPDX-License-Identifier: MIT */
/*
 * minipy/bytes.h - immutable bytes.
 *
 * Results, ownership and threads: see minipy/object.h. Nothing here runs user code.
 */
#ifndef MPY_BYTES_H
#define MPY_BYTES_H

#include "minipy/object.h"

MPY_EXTERN_C_BEGIN

/* 1 for bytes, else 0; NULL is not one. Cannot fail. */
MPY_INLINE int
mpy_bytes_check(const mpy_object *o)
{
    return mpy_priv_has_flag(o, MPY_TF_BYTES);
}

/* A copy of n bytes. data may be NULL only if n is 0. O(n). */
MPY_NODISCARD MPY_API mpy_object *
mpy_bytes_from_data(const void *data, size_t n);

/* int0: the bytes and their number; a NUL follows the last one. */
MPY_NODISCARD MPY_API int
mpy_bytes_view(mpy_object *o, const uint8_t **out, size_t *n);

MPY_NODISCARD MPY_API mpy_object *
mpy_bytes_concat(mpy_object *a, mpy_object *b);

MPY_EXTERN_C_END

#endif /* MPY_BYTES_H */
