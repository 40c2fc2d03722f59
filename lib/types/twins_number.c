/* SPDX-License-Identifier: MIT */
/*
 * types/twins_number.c - exported twins of the inline functions of minipy/number.h, str.h and
 * bytes.h.
 *
 * Bindings of other languages, and hosts that define MPY_NO_INLINE, call these. In C the inline
 * function and its twin cannot share a name within one file, so the twin has one of its own here
 * and takes the public one as its symbol.
 *
 * Lock: as the inline functions.
 */
#include "minipy/bytes.h"
#include "minipy/number.h"
#include "minipy/str.h"

MPY_API mpy_object *
twin_int_from_i64(int64_t value) __asm__("mpy_int_from_i64");
MPY_API mpy_object *
twin_float_from_double(double value) __asm__("mpy_float_from_double");
MPY_API int
twin_int_check(const mpy_object *o) __asm__("mpy_int_check");
MPY_API int
twin_float_check(const mpy_object *o) __asm__("mpy_float_check");
MPY_API int
twin_bool_check(const mpy_object *o) __asm__("mpy_bool_check");
MPY_API int
twin_str_check(const mpy_object *o) __asm__("mpy_str_check");
MPY_API int
twin_bytes_check(const mpy_object *o) __asm__("mpy_bytes_check");

mpy_object *
twin_int_from_i64(int64_t value)
{
    return mpy_int_from_i64(value);
}

mpy_object *
twin_float_from_double(double value)
{
    return mpy_float_from_double(value);
}

int
twin_int_check(const mpy_object *o)
{
    return mpy_int_check(o);
}

int
twin_float_check(const mpy_object *o)
{
    return mpy_float_check(o);
}

int
twin_bool_check(const mpy_object *o)
{
    return mpy_bool_check(o);
}

int
twin_str_check(const mpy_object *o)
{
    return mpy_str_check(o);
}

int
twin_bytes_check(const mpy_object *o)
{
    return mpy_bytes_check(o);
}
