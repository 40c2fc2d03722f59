/* SPDX-License-Identifier: MIT */
/*
 * types/number.h - values of ints, floats and bools inside the library, and the slots of the three.
 *
 * An int is always an immediate (63 bits); a float is one too unless its exponent is rare, and then
 * an atom of 24 bytes. The slots of int serve bool as well: they take True and False for 1 and 0.
 * Every arithmetic slot is called for either operand and answers NotImplemented when the other one
 * is no number.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_NUMBER_H
#define MPY_TYPES_NUMBER_H

#include "minipy/number.h"

#include "object/object.h"

/* A float that is no immediate: -0.0, NaN, infinities, subnormals, big and tiny exponents. */
struct mpyi_float {
    struct mpy_priv_header head;
    double value;
};
MPY_STATIC_ASSERT(sizeof(struct mpyi_float) == 24, "a boxed float takes 24 bytes");

static inline int
mpyi_is_int_immediate(const mpy_object *o)
{
    return ((uintptr_t)o & MPY_PRIV_TAG_INT) != 0;
}

static inline int
mpyi_is_float_immediate(const mpy_object *o)
{
    return ((uintptr_t)o & MPY_PRIV_TAG_MASK) == MPY_PRIV_TAG_DOUBLE;
}

/* The value of an immediate int. */
static inline int64_t
mpyi_int_value(const mpy_object *o)
{
    return (int64_t)(uintptr_t)o >> 1;
}

/* 1 and *out when o is an int or a bool, else 0. */
static inline int
mpyi_int_get(const mpy_object *o, int64_t *out)
{
    if (MPY_LIKELY(mpyi_is_int_immediate(o))) {
        *out = mpyi_int_value(o);
        return 1;
    }
    if (o == MPY_TRUE || o == MPY_FALSE) {
        *out = o == MPY_TRUE;
        return 1;
    }
    return 0;
}

/* The value of a float. */
static inline double
mpyi_float_value(const mpy_object *o)
{
    return MPY_LIKELY(mpyi_is_float_immediate(o))
               ? mpy_priv_double_decode(o)
               : ((const struct mpyi_float *)(uintptr_t)o)->value;
}

/* 1 and *out when o is a float, else 0. */
static inline int
mpyi_float_get(const mpy_object *o, double *out)
{
    if (mpy_float_check(o)) {
        *out = mpyi_float_value(o);
        return 1;
    }
    return 0;
}

/* OverflowError `function(): result does not fit 63 bits`. Always NULL. */
void *
mpyi_int_overflow(const char *function) __attribute__((cold));

static inline mpy_object *
mpyi_int_new(const char *function, int64_t value)
{
    return MPY_LIKELY(value >= MPY_INT_MIN && value <= MPY_INT_MAX)
               ? (mpy_object *)(uintptr_t)((uint64_t)value << 1 | MPY_PRIV_TAG_INT)
               : (mpy_object *)mpyi_int_overflow(function);
}

/* A float; MemoryError when it has to be boxed. */
mpy_object *
mpyi_float_box(struct mpyi_thread *t, double value);

static inline mpy_object *
mpyi_float_new(struct mpyi_thread *t, double value)
{
    mpy_object *o = mpy_priv_double_encode(value);
    return MPY_LIKELY(o != NULL) ? o : mpyi_float_box(t, value);
}

/* ---- text ---------------------------------------------------------------------------------- */

/* Decimal digits of value; out has room for MPYI_INT_TEXT bytes, not terminated. Their number. */
#define MPYI_INT_TEXT 24
size_t
mpyi_int_text(int64_t value, char *out);

/* The int in n bytes of text, as mpy_int_from_str(). */
mpy_object *
mpyi_int_parse(struct mpyi_thread *t, const char *function, const char *text, size_t n, int base);

/* Takes blanks off both ends of valid UTF-8. */
void
mpyi_strip_blanks(const char **text, size_t *n);

/* CPython's repr of a float; out has room for MPYI_FLOAT_TEXT bytes, not terminated. */
#define MPYI_FLOAT_TEXT 32
size_t
mpyi_float_text(double value, char *out);

/* The value of n bytes of text as float() reads it. int0: ValueError, MemoryError. */
MPY_NODISCARD int
mpyi_float_parse(struct mpyi_thread *t, const char *function, const char *text, size_t n,
                 double *out);

/* ---- comparison and hash ------------------------------------------------------------------- */

/* The answer of MPY_LT.. for an order < 0, 0, > 0. */
static inline int
mpyi_order_answers(int order, int op)
{
    static const unsigned char less = 1u << MPY_LT | 1u << MPY_LE | 1u << MPY_NE;
    static const unsigned char same = 1u << MPY_LE | 1u << MPY_EQ | 1u << MPY_GE;
    static const unsigned char more = 1u << MPY_GT | 1u << MPY_GE | 1u << MPY_NE;
    return ((order < 0 ? less : order == 0 ? same : more) >> op) & 1;
}

static inline mpy_object *
mpyi_bool_object(int value)
{
    return value ? MPY_TRUE : MPY_FALSE;
}

/* Exact order of two numbers: -1, 0, 1, or 2 when one is NaN. */
int
mpyi_compare_i64_double(int64_t a, double b);

/* 1 or 0 when both are numbers (int, float, bool): the answer of `a op b`; -1 when not. */
int
mpyi_number_compare(const mpy_object *a, const mpy_object *b, int op);

/* ---- slots --------------------------------------------------------------------------------- */

mpy_object *
mpyi_int_repr(mpy_object *self);
int
mpyi_int_hash(mpy_object *self, int64_t *out);
int
mpyi_int_is_true(mpy_object *self);

/* Any two of int, float and bool; NotImplemented for others. The slots of all three types. */
mpy_object *
mpyi_number_compare_slot(mpy_object *a, mpy_object *b, int op);
mpy_object *
mpyi_int_add(mpy_object *a, mpy_object *b);
mpy_object *
mpyi_int_subtract(mpy_object *a, mpy_object *b);
mpy_object *
mpyi_int_multiply(mpy_object *a, mpy_object *b);
mpy_object *
mpyi_int_true_divide(mpy_object *a, mpy_object *b);
mpy_object *
mpyi_int_floor_divide(mpy_object *a, mpy_object *b);
mpy_object *
mpyi_int_remainder(mpy_object *a, mpy_object *b);
mpy_object *
mpyi_int_negative(mpy_object *a);

/* What they have in common, as initialisers of struct mpyi_slots. */
#define MPYI_NUMBER_SLOTS                                                                          \
    .compare = mpyi_number_compare_slot, .add = mpyi_int_add, .subtract = mpyi_int_subtract,       \
    .multiply = mpyi_int_multiply, .true_divide = mpyi_int_true_divide,                            \
    .floor_divide = mpyi_int_floor_divide, .remainder = mpyi_int_remainder,                        \
    .negative = mpyi_int_negative

/* ---- arithmetic on values ------------------------------------------------------------------ */

/* a / b correctly rounded, also where a and b are not exact as doubles; b is not 0. */
double
mpyi_i64_divide(int64_t a, int64_t b);

/* Rounded towards minus infinity; b is not 0 and the pair is not (INT64_MIN, -1). */
static inline int64_t
mpyi_i64_floor_divide(int64_t a, int64_t b)
{
    int64_t quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

/* The remainder that belongs to it: has the sign of b. */
static inline int64_t
mpyi_i64_remainder(int64_t a, int64_t b)
{
    int64_t rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

/* The same for floats, as Python defines it; b is not 0. */
double
mpyi_double_floor_divide(double a, double b);
double
mpyi_double_remainder(double a, double b);

/* ---- dispatch ------------------------------------------------------------------------------ */

/* Repetition count of a sequence: 1 and *out (negative: 0) when o is an int or bool, else 0. */
static inline int
mpyi_repeat_count(const mpy_object *o, size_t *out)
{
    int64_t n;
    if (!mpyi_int_get(o, &n)) {
        return 0;
    }
    *out = n > 0 ? (size_t)n : 0;
    return 1;
}

#endif /* MPY_TYPES_NUMBER_H */
