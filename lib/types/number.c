/* SPDX-License-Identifier: MIT */
/*
 * types/number.c - arithmetic: which code runs for `a op b`.
 *
 *   1. both immediate ints, or both floats: computed here, without looking at types
 *   2. any two of int, float, bool: computed here (the slots of these types do the same)
 *   3. the slot of a's type, then that of b's; b's first when b's type is below a's. A slot that
 *      does not know the other operand answers NotImplemented.
 *
 * Tagged ints are 2n + 1, so that sums, differences and products of the words overflow 64 bits
 * exactly when the result overflows 63: one compare checks the range.
 *
 * Comparing an int with a float is exact: the float is split into an integral part, which is
 * compared as an integer, and a fraction. Converting the int would lose its low bits.
 *
 * Lock: the runtime's.
 */
#include "types/number.h"

#include "types/protocol.h"
#include "types/str.h"

enum operation { ADD, SUBTRACT, MULTIPLY, TRUE_DIVIDE, FLOOR_DIVIDE, REMAINDER };

typedef mpy_object *(*binary_slot)(mpy_object *, mpy_object *);

static const struct {
    const char *function, *sign;
    size_t slot; /* offset in struct mpyi_slots */
} operations[] = {
    [ADD] = {"mpy_number_add", "+", offsetof(struct mpyi_slots, add)},
    [SUBTRACT] = {"mpy_number_subtract", "-", offsetof(struct mpyi_slots, subtract)},
    [MULTIPLY] = {"mpy_number_multiply", "*", offsetof(struct mpyi_slots, multiply)},
    [TRUE_DIVIDE] = {"mpy_number_true_divide", "/", offsetof(struct mpyi_slots, true_divide)},
    [FLOOR_DIVIDE] = {"mpy_number_floor_divide", "//", offsetof(struct mpyi_slots, floor_divide)},
    [REMAINDER] = {"mpy_number_remainder", "%", offsetof(struct mpyi_slots, remainder)},
};

/* ---- values ---------------------------------------------------------------------------------- */

static void *
zero_division(enum operation op)
{
    return mpyi_err_format(MPY_EXC_ZERO_DIVISION_ERROR, "%s(): division by zero",
                           operations[op].function);
}

static inline mpy_object *
ints(struct mpyi_thread *t, enum operation op, int64_t a, int64_t b)
{
    const char *function = operations[op].function;
    int64_t product;
    if (op >= TRUE_DIVIDE && MPY_UNLIKELY(b == 0)) {
        return zero_division(op);
    }
    switch (op) {
    case ADD:
        return mpyi_int_new(function, a + b);
    case SUBTRACT:
        return mpyi_int_new(function, a - b);
    case MULTIPLY:
        return __builtin_mul_overflow(a, b, &product) ? mpyi_int_overflow(function)
                                                      : mpyi_int_new(function, product);
    case TRUE_DIVIDE:
        return mpyi_float_new(t, mpyi_i64_divide(a, b));
    case FLOOR_DIVIDE:
        return mpyi_int_new(function, mpyi_i64_floor_divide(a, b));
    case REMAINDER:
    default:
        return mpyi_int_new(function, mpyi_i64_remainder(a, b));
    }
}

static inline mpy_object *
floats(struct mpyi_thread *t, enum operation op, double a, double b)
{
    if (op >= TRUE_DIVIDE && MPY_UNLIKELY(b == 0)) {
        return zero_division(op);
    }
    switch (op) {
    case ADD:
        return mpyi_float_new(t, a + b);
    case SUBTRACT:
        return mpyi_float_new(t, a - b);
    case MULTIPLY:
        return mpyi_float_new(t, a * b);
    case TRUE_DIVIDE:
        return mpyi_float_new(t, a / b);
    case FLOOR_DIVIDE:
        return mpyi_float_new(t, mpyi_double_floor_divide(a, b));
    case REMAINDER:
    default:
        return mpyi_float_new(t, mpyi_double_remainder(a, b));
    }
}

/* 1: an int or bool, in *i and *d; 2: a float, in *d; 0: no number. */
static int
read_number(const mpy_object *o, int64_t *i, double *d)
{
    if (mpyi_int_get(o, i)) {
        *d = (double)*i;
        return 1;
    }
    return mpyi_float_get(o, d) ? 2 : 0;
}

/* a op b for two numbers, else NotImplemented. */
static mpy_object *
numbers(struct mpyi_thread *t, enum operation op, const mpy_object *a, const mpy_object *b)
{
    int64_t ia = 0, ib = 0;
    double da = 0, db = 0;
    int kind_a = read_number(a, &ia, &da), kind_b = read_number(b, &ib, &db);
    if (kind_a == 0 || kind_b == 0) {
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
    return kind_a == 1 && kind_b == 1 ? ints(t, op, ia, ib) : floats(t, op, da, db);
}

/* ---- dispatch -------------------------------------------------------------------------------- */

static binary_slot
slot_of(const struct mpyi_type *type, enum operation op)
{
    binary_slot slot;
    memcpy(&slot, (const char *)&type->slots + operations[op].slot, sizeof slot);
    return slot;
}

static mpy_object *
unsupported(enum operation op, const mpy_object *a, const mpy_object *b)
{
    return mpyi_err_format(MPY_EXC_TYPE_ERROR, "%s(): unsupported operands for %s: %s and %s",
                           operations[op].function, operations[op].sign, mpyi_type_name_of(a),
                           mpyi_type_name_of(b));
}

/* One slot; NotImplemented when there is none. */
static mpy_object *
ask(struct mpyi_thread *t, enum operation op, binary_slot slot, mpy_object *a, mpy_object *b)
{
    mpy_object *result;
    if (slot == NULL) {
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
    if (mpyi_depth_enter(t, operations[op].function) < 0) {
        return NULL;
    }
    result = slot(a, b);
    mpyi_depth_leave(t);
    if (MPY_UNLIKELY(result == NULL)) {
        (void)mpyi_err_slot(t, operations[op].function,
                            operations[op].function + sizeof "mpy_number_" - 1,
                            slot == slot_of(mpyi_type_of(a), op) ? a : b);
    }
    return result;
}

/* Asks the slots of both types. */
static mpy_object *
by_slots(struct mpyi_thread *t, enum operation op, mpy_object *a, mpy_object *b)
{
    const mpy_object *not_implemented = mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    const struct mpyi_type *type_a = mpyi_type_of(a), *type_b = mpyi_type_of(b);
    binary_slot first = slot_of(type_a, op), second = slot_of(type_b, op), other;
    mpy_object *result;
    if (first == second) {
        second = NULL;
    } else if (second != NULL && type_a != type_b && mpyi_type_is_subtype(type_b, type_a)) {
        other = first;
        first = second;
        second = other;
    }
    result = ask(t, op, first, a, b);
    if (result == not_implemented) {
        result = ask(t, op, second, a, b);
    }
    return result != not_implemented ? result : unsupported(op, a, b);
}

static inline int
both_ints(const mpy_object *a, const mpy_object *b)
{
    return ((uintptr_t)a & (uintptr_t)b & MPY_PRIV_TAG_INT) != 0;
}

static inline int
both_floats(const mpy_object *a, const mpy_object *b)
{
    return mpyi_is_float_immediate(a) && mpyi_is_float_immediate(b);
}

static __attribute__((noinline)) mpy_object *
binary_slow(struct mpyi_thread *t, enum operation op, mpy_object *a, mpy_object *b)
{
    mpy_object *result;
    if (a == NULL || b == NULL) {
        return mpyi_err_argument(operations[op].function, a == NULL ? "a" : "b", "object", NULL);
    }
    result = numbers(t, op, a, b);
    return result != mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED) ? result : by_slots(t, op, a, b);
}

/* An entry that finds no thread: a function of its own, so that the others save no registers. */
static __attribute__((cold, noinline)) mpy_object *
binary_unseen(const char *function, enum operation op, mpy_object *a, mpy_object *b)
{
    struct mpyi_thread *t = mpyi_enter2(function, a, b);
    return t != NULL ? binary_slow(t, op, a, b) : NULL;
}

mpy_object *
mpy_number_add(mpy_object *a, mpy_object *b)
{
    struct mpyi_thread *t = mpyi_entry();
    int64_t word;
    if (MPY_UNLIKELY(t == NULL)) {
        return binary_unseen(__func__, ADD, a, b);
    }
    if (both_ints(a, b) &&
        !__builtin_add_overflow((int64_t)(uintptr_t)a - 1, (int64_t)(uintptr_t)b, &word)) {
        return (mpy_object *)(uintptr_t)word;
    }
    if (both_floats(a, b)) {
        return mpyi_float_new(t, mpy_priv_double_decode(a) + mpy_priv_double_decode(b));
    }
    return binary_slow(t, ADD, a, b);
}

mpy_object *
mpy_number_subtract(mpy_object *a, mpy_object *b)
{
    struct mpyi_thread *t = mpyi_entry();
    int64_t word;
    if (MPY_UNLIKELY(t == NULL)) {
        return binary_unseen(__func__, SUBTRACT, a, b);
    }
    if (both_ints(a, b) &&
        !__builtin_sub_overflow((int64_t)(uintptr_t)a, (int64_t)(uintptr_t)b - 1, &word)) {
        return (mpy_object *)(uintptr_t)word;
    }
    if (both_floats(a, b)) {
        return mpyi_float_new(t, mpy_priv_double_decode(a) - mpy_priv_double_decode(b));
    }
    return binary_slow(t, SUBTRACT, a, b);
}

mpy_object *
mpy_number_multiply(mpy_object *a, mpy_object *b)
{
    struct mpyi_thread *t = mpyi_entry();
    int64_t word;
    if (MPY_UNLIKELY(t == NULL)) {
        return binary_unseen(__func__, MULTIPLY, a, b);
    }
    if (both_ints(a, b) &&
        !__builtin_mul_overflow((int64_t)(uintptr_t)a - 1, mpyi_int_value(b), &word)) {
        return (mpy_object *)(uintptr_t)(word + 1);
    }
    if (both_floats(a, b)) {
        return mpyi_float_new(t, mpy_priv_double_decode(a) * mpy_priv_double_decode(b));
    }
    return binary_slow(t, MULTIPLY, a, b);
}

/* The operations that divide: a call for what is not immediate costs little beside them. */
static inline mpy_object *
divide(const char *function, enum operation op, mpy_object *a, mpy_object *b)
{
    struct mpyi_thread *t = mpyi_entry();
    if (MPY_UNLIKELY(t == NULL)) {
        return binary_unseen(function, op, a, b);
    }
    if (both_ints(a, b)) {
        return ints(t, op, mpyi_int_value(a), mpyi_int_value(b));
    }
    if (both_floats(a, b)) {
        return floats(t, op, mpy_priv_double_decode(a), mpy_priv_double_decode(b));
    }
    return binary_slow(t, op, a, b);
}

mpy_object *
mpy_number_true_divide(mpy_object *a, mpy_object *b)
{
    return divide(__func__, TRUE_DIVIDE, a, b);
}

mpy_object *
mpy_number_floor_divide(mpy_object *a, mpy_object *b)
{
    return divide(__func__, FLOOR_DIVIDE, a, b);
}

mpy_object *
mpy_number_remainder(mpy_object *a, mpy_object *b)
{
    return divide(__func__, REMAINDER, a, b);
}

/* -a for a number, else NotImplemented. */
static mpy_object *
negated(struct mpyi_thread *t, const char *function, const mpy_object *a)
{
    int64_t value = 0;
    double real = 0;
    switch (read_number(a, &value, &real)) {
    case 1:
        return mpyi_int_new(function, -value);
    case 2:
        return mpyi_float_new(t, -real);
    default:
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
}

mpy_object *
mpy_number_negative(mpy_object *a)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, a);
    const struct mpyi_type *type;
    mpy_object *result;
    if (t == NULL) {
        return NULL;
    }
    if (a == NULL) {
        return mpyi_err_argument(__func__, "a", "object", NULL);
    }
    result = negated(t, __func__, a);
    if (result != mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED)) {
        return result;
    }
    type = mpyi_type_of(a);
    if (type->slots.negative != NULL) {
        if (mpyi_depth_enter(t, __func__) < 0) {
            return NULL;
        }
        result = type->slots.negative(a);
        mpyi_depth_leave(t);
        if (result == NULL) {
            (void)mpyi_err_slot(t, __func__, "negative", a);
        }
    }
    return result != mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED)
               ? result
               : mpyi_err_argument(__func__, "a", "number", a);
}

mpy_object *
mpy_number_absolute(mpy_object *a)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, a);
    int64_t value = 0;
    double real = 0;
    if (t == NULL) {
        return NULL;
    }
    switch (read_number(a, &value, &real)) {
    case 1:
        return mpyi_int_new(__func__, value < 0 ? -value : value);
    case 2:
        return mpyi_float_new(t, __builtin_fabs(real));
    default:
        return mpyi_err_argument(__func__, "a", "number", a);
    }
}

/* ---- conversion ------------------------------------------------------------------------------ */

static mpy_object *
truncated(const char *function, double value)
{
    if (value != value) {
        return mpyi_err_format(MPY_EXC_VALUE_ERROR, "%s(): cannot convert NaN to int", function);
    }
    if (!(value >= -0x1p62 && value < 0x1p62)) {
        return mpyi_int_overflow(function);
    }
    return mpyi_int_new(function, (int64_t)value);
}

mpy_object *
mpy_number_to_int(mpy_object *a)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, a);
    int64_t value = 0;
    double real = 0;
    if (t == NULL) {
        return NULL;
    }
    switch (read_number(a, &value, &real)) {
    case 1:
        return mpyi_int_new(__func__, value);
    case 2:
        return truncated(__func__, real);
    default:
        break;
    }
    if (!mpy_str_check(a)) {
        return mpyi_err_argument(__func__, "a", "number or str", a);
    }
    return mpyi_int_parse(t, __func__, mpyi_str_data(mpyi_str_of(a)), mpyi_str_size(mpyi_str_of(a)),
                          10);
}

mpy_object *
mpy_number_to_float(mpy_object *a)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, a);
    int64_t value = 0;
    double real = 0;
    if (t == NULL) {
        return NULL;
    }
    switch (read_number(a, &value, &real)) {
    case 1:
        return mpyi_float_new(t, real);
    case 2:
        return mpy_newref(a);
    default:
        break;
    }
    if (!mpy_str_check(a)) {
        return mpyi_err_argument(__func__, "a", "number or str", a);
    }
    if (mpyi_float_parse(t, __func__, mpyi_str_data(mpyi_str_of(a)), mpyi_str_size(mpyi_str_of(a)),
                         &real) < 0) {
        return NULL;
    }
    return mpyi_float_new(t, real);
}

/* ---- comparison ------------------------------------------------------------------------------ */

int
mpyi_compare_i64_double(int64_t a, double b)
{
    int64_t whole;
    double rest;
    if (b != b) {
        return 2;
    }
    if (b >= 0x1p63) {
        return -1;
    }
    if (b < -0x1p63) {
        return 1;
    }
    whole = (int64_t)b;
    if (a != whole) {
        return a < whole ? -1 : 1;
    }
    rest = b - (double)whole;
    return (rest < 0) - (rest > 0);
}

int
mpyi_number_compare(const mpy_object *a, const mpy_object *b, int op)
{
    int64_t ia = 0, ib = 0;
    double da = 0, db = 0;
    int kind_a = read_number(a, &ia, &da), kind_b = read_number(b, &ib, &db), order;
    if (kind_a == 0 || kind_b == 0) {
        return -1;
    }
    if (kind_a == 1 && kind_b == 1) {
        order = (ia > ib) - (ia < ib);
    } else if (kind_a == 1) {
        order = mpyi_compare_i64_double(ia, db);
    } else if (kind_b == 1) {
        order = mpyi_compare_i64_double(ib, da);
        order = order == 2 ? 2 : -order;
    } else {
        order = da != da || db != db ? 2 : (da > db) - (da < db);
    }
    return order == 2 ? op == MPY_NE : mpyi_order_answers(order, op);
}

/* ---- slots ----------------------------------------------------------------------------------- */

mpy_object *
mpyi_number_compare_slot(mpy_object *a, mpy_object *b, int op)
{
    int answer = mpyi_number_compare(a, b, op);
    return answer < 0 ? mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED) : mpyi_bool_object(answer);
}

mpy_object *
mpyi_int_add(mpy_object *a, mpy_object *b)
{
    return numbers(mpyi_current(), ADD, a, b);
}

mpy_object *
mpyi_int_subtract(mpy_object *a, mpy_object *b)
{
    return numbers(mpyi_current(), SUBTRACT, a, b);
}

mpy_object *
mpyi_int_multiply(mpy_object *a, mpy_object *b)
{
    return numbers(mpyi_current(), MULTIPLY, a, b);
}

mpy_object *
mpyi_int_true_divide(mpy_object *a, mpy_object *b)
{
    return numbers(mpyi_current(), TRUE_DIVIDE, a, b);
}

mpy_object *
mpyi_int_floor_divide(mpy_object *a, mpy_object *b)
{
    return numbers(mpyi_current(), FLOOR_DIVIDE, a, b);
}

mpy_object *
mpyi_int_remainder(mpy_object *a, mpy_object *b)
{
    return numbers(mpyi_current(), REMAINDER, a, b);
}

mpy_object *
mpyi_int_negative(mpy_object *a)
{
    return negated(mpyi_current(), "mpy_number_negative", a);
}
