/* SPDX-License-Identifier: MIT */
/*
 * types/twins_number.c - exported twins of the inline functions of minipy/number.h, str.h and
 * bytes.h.
 *
 * Bindings of other languages, and hosts that define MPY_NO_INLINE, call these. In C an inline
 * function and its twin cannot share a name within one file, so the headers are read with the
 * inline functions renamed. (Giving the twin the public symbol with an asm label does not do: clang
 * takes the two for one function, which then calls itself.)
 *
 * Lock: as the inline functions.
 */
#define mpy_int_from_i64      inline_int_from_i64
#define mpy_float_from_double inline_float_from_double
#define mpy_int_as_i64        inline_int_as_i64
#define mpy_float_as_double   inline_float_as_double
#define mpy_int_check         inline_int_check
#define mpy_float_check       inline_float_check
#define mpy_bool_check        inline_bool_check
#define mpy_str_check         inline_str_check
#define mpy_bytes_check       inline_bytes_check
#include "minipy/bytes.h"
#include "minipy/number.h"
#include "minipy/str.h"
#undef mpy_int_from_i64
#undef mpy_float_from_double
#undef mpy_int_as_i64
#undef mpy_float_as_double
#undef mpy_int_check
#undef mpy_float_check
#undef mpy_bool_check
#undef mpy_str_check
#undef mpy_bytes_check

MPY_API mpy_object *
mpy_int_from_i64(int64_t value);
MPY_API mpy_object *
mpy_float_from_double(double value);
MPY_API int
mpy_int_as_i64(mpy_object *o, int64_t *out);
MPY_API int
mpy_float_as_double(mpy_object *o, double *out);
MPY_API int
mpy_int_check(const mpy_object *o);
MPY_API int
mpy_float_check(const mpy_object *o);
MPY_API int
mpy_bool_check(const mpy_object *o);
MPY_API int
mpy_str_check(const mpy_object *o);
MPY_API int
mpy_bytes_check(const mpy_object *o);

mpy_object *
mpy_int_from_i64(int64_t value)
{
    return inline_int_from_i64(value);
}

mpy_object *
mpy_float_from_double(double value)
{
    return inline_float_from_double(value);
}

int
mpy_int_as_i64(mpy_object *o, int64_t *out)
{
    return inline_int_as_i64(o, out);
}

int
mpy_float_as_double(mpy_object *o, double *out)
{
    return inline_float_as_double(o, out);
}

int
mpy_int_check(const mpy_object *o)
{
    return inline_int_check(o);
}

int
mpy_float_check(const mpy_object *o)
{
    return inline_float_check(o);
}

int
mpy_bool_check(const mpy_object *o)
{
    return inline_bool_check(o);
}

int
mpy_str_check(const mpy_object *o)
{
    return inline_str_check(o);
}

int
mpy_bytes_check(const mpy_object *o)
{
    return inline_bytes_check(o);
}
