/* SPDX-License-Identifier: MIT */
/*
 * minipy/number.h - int, float, bool and arithmetic.
 *
 * An int of 63 bits (-2^62 .. 2^62-1) and most floats are immediates: creating one costs no
 * allocation. Ints beyond 63 bits do not exist yet: a result that does not fit raises
 * OverflowError. Semantics are Python's: floor division and modulo round towards minus infinity,
 * int / int gives a float, bool is an int.
 *
 * Results, ownership and threads: see minipy/object.h. Arithmetic on host types is (U).
 */
#ifndef MPY_NUMBER_H
#define MPY_NUMBER_H

#include "minipy/object.h"

#include <string.h>

MPY_EXTERN_C_BEGIN

#define MPY_INT_MAX (((int64_t)1 << 62) - 1)
#define MPY_INT_MIN (-((int64_t)1 << 62))

/* Out-of-line halves: values that are not immediate. */
MPY_NODISCARD MPY_API mpy_object *
mpy_priv_int_from_i64(int64_t value);
MPY_NODISCARD MPY_API mpy_object *
mpy_priv_float_from_double(double value);
MPY_NODISCARD MPY_API int
mpy_priv_int_as_i64(mpy_object *o, int64_t *out);
MPY_NODISCARD MPY_API int
mpy_priv_float_as_double(mpy_object *o, double *out);

/* A float on the 61 bits of an immediate: the exponent moves to the top, so one subtraction and
   one compare tell whether it fits. The code 0 stands for +0.0. */
#define MPY_PRIV_DOUBLE_BIAS ((uint64_t)896 << 53)

MPY_INLINE mpy_object *
mpy_priv_double_encode(double value)
{
    uint64_t bits, turned;
    memcpy(&bits, &value, sizeof bits);
    turned = (bits << 1 | bits >> 63) - MPY_PRIV_DOUBLE_BIAS;
    if (MPY_LIKELY(turned - 1 < ((uint64_t)1 << 61) - 1)) {
        return (mpy_object *)(uintptr_t)(turned << 3 | MPY_PRIV_TAG_DOUBLE);
    }
    return bits == 0 ? (mpy_object *)(uintptr_t)MPY_PRIV_TAG_DOUBLE : NULL;
}

MPY_INLINE double
mpy_priv_double_decode(const mpy_object *o)
{
    uint64_t turned = (uint64_t)(uintptr_t)o >> 3;
    uint64_t bits;
    double value;
    turned += turned != 0 ? MPY_PRIV_DOUBLE_BIAS : 0;
    bits = turned >> 1 | turned << 63;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#ifdef MPY_NO_INLINE

MPY_NODISCARD MPY_API mpy_object *
mpy_int_from_i64(int64_t value);
MPY_NODISCARD MPY_API mpy_object *
mpy_float_from_double(double value);
MPY_NODISCARD MPY_API int
mpy_int_as_i64(mpy_object *o, int64_t *out);
MPY_NODISCARD MPY_API int
mpy_float_as_double(mpy_object *o, double *out);
MPY_API int
mpy_int_check(const mpy_object *o);
MPY_API int
mpy_float_check(const mpy_object *o);
MPY_API int
mpy_bool_check(const mpy_object *o);

#else

/* The int. OverflowError beyond 63 bits. */
MPY_NODISCARD MPY_INLINE mpy_object *
mpy_int_from_i64(int64_t value)
{
    int64_t doubled;
    if (MPY_UNLIKELY(__builtin_add_overflow(value, value, &doubled))) {
        return mpy_priv_int_from_i64(value);
    }
    return (mpy_object *)(uintptr_t)((uint64_t)doubled | MPY_PRIV_TAG_INT);
}

MPY_NODISCARD MPY_INLINE mpy_object *
mpy_float_from_double(double value)
{
    mpy_object *o = mpy_priv_double_encode(value);
    return MPY_LIKELY(o != NULL) ? o : mpy_priv_float_from_double(value);
}

/* int0. TypeError: not an int; OverflowError: does not fit. *out is 0 on failure. The value of an
   immediate is in the reference itself: reading it needs no lock. */
MPY_NODISCARD MPY_INLINE int
mpy_int_as_i64(mpy_object *o, int64_t *out)
{
    if (MPY_LIKELY(((uintptr_t)o & MPY_PRIV_TAG_INT) != 0)) {
        *out = (int64_t)(uintptr_t)o >> 1;
        return 0;
    }
    return mpy_priv_int_as_i64(o, out);
}

/* int0: the value of a float, or of an int. TypeError; *out is 0 on failure. As above, an immediate
   float needs no lock. */
MPY_NODISCARD MPY_INLINE int
mpy_float_as_double(mpy_object *o, double *out)
{
    if (MPY_LIKELY(((uintptr_t)o & MPY_PRIV_TAG_MASK) == MPY_PRIV_TAG_DOUBLE)) {
        *out = mpy_priv_double_decode(o);
        return 0;
    }
    return mpy_priv_float_as_double(o, out);
}

/* 1 for an int (True and False are ints), else 0; NULL is not one. Cannot fail. */
MPY_INLINE int
mpy_int_check(const mpy_object *o)
{
    return ((uintptr_t)o & MPY_PRIV_TAG_INT) != 0 || o == MPY_TRUE || o == MPY_FALSE ||
           mpy_priv_has_flag(o, MPY_TF_INT);
}

MPY_INLINE int
mpy_float_check(const mpy_object *o)
{
    return ((uintptr_t)o & MPY_PRIV_TAG_MASK) == MPY_PRIV_TAG_DOUBLE ||
           mpy_priv_has_flag(o, MPY_TF_FLOAT);
}

MPY_INLINE int
mpy_bool_check(const mpy_object *o)
{
    return o == MPY_TRUE || o == MPY_FALSE;
}

#endif /* MPY_NO_INLINE */

/* OverflowError beyond 63 bits. */
MPY_NODISCARD MPY_API mpy_object *
mpy_int_from_u64(uint64_t value);

/* Digits in base 2..36 or 0 (prefix decides), underscores and surrounding blanks as in Python.
   ValueError: not a number; OverflowError: beyond 63 bits. */
MPY_NODISCARD MPY_API mpy_object *
mpy_int_from_str(const char *utf8, int base);

/* As mpy_int_as_i64(). */
MPY_NODISCARD MPY_API int
mpy_int_as_u64(mpy_object *o, uint64_t *out);
MPY_NODISCARD MPY_API int
mpy_int_as_double(mpy_object *o, double *out);

/* True for anything but 0. */
MPY_NODISCARD MPY_API mpy_object *
mpy_bool_from_int(int value);

/* a + b, and so on. TypeError: operands do not fit; ZeroDivisionError; OverflowError. Strings,
   lists and tuples add and multiply as in Python. */
MPY_NODISCARD MPY_API mpy_object *
mpy_number_add(mpy_object *a, mpy_object *b);
MPY_NODISCARD MPY_API mpy_object *
mpy_number_subtract(mpy_object *a, mpy_object *b);
MPY_NODISCARD MPY_API mpy_object *
mpy_number_multiply(mpy_object *a, mpy_object *b);
MPY_NODISCARD MPY_API mpy_object *
mpy_number_true_divide(mpy_object *a, mpy_object *b);
MPY_NODISCARD MPY_API mpy_object *
mpy_number_floor_divide(mpy_object *a, mpy_object *b);
MPY_NODISCARD MPY_API mpy_object *
mpy_number_remainder(mpy_object *a, mpy_object *b);
MPY_NODISCARD MPY_API mpy_object *
mpy_number_negative(mpy_object *a);
MPY_NODISCARD MPY_API mpy_object *
mpy_number_absolute(mpy_object *a);

/* int(a) and float(a) of a number or a str. */
MPY_NODISCARD MPY_API mpy_object *
mpy_number_to_int(mpy_object *a);
MPY_NODISCARD MPY_API mpy_object *
mpy_number_to_float(mpy_object *a);

MPY_EXTERN_C_END

#endif /* MPY_NUMBER_H */
