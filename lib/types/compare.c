/* SPDX-License-Identifier: MIT */
/*
 * types/compare.c - `a op b` for any two objects.
 *
 * Either operand may know the answer; NotImplemented passes the question on:
 *
 *   1. b's slot, mirrored, when b's type is below a's and has a slot of its own
 *   2. a's slot
 *   3. b's slot, mirrored, unless it was asked
 *   4. == and != fall back on identity; the rest is TypeError
 *
 * which is Python's order. Comparisons nest through containers, so they count their depth; two
 * immediates of the same kind are answered at once.
 *
 * Lock: the runtime's. Slots of host types run user code.
 */
#include "types/protocol.h"

#include "types/number.h"

static const int mirrored[6] = {
    [MPY_LT] = MPY_GT, [MPY_LE] = MPY_GE, [MPY_EQ] = MPY_EQ,
    [MPY_NE] = MPY_NE, [MPY_GT] = MPY_LT, [MPY_GE] = MPY_LE,
};

static const char *const signs[6] = {
    [MPY_LT] = "<",  [MPY_LE] = "<=", [MPY_EQ] = "==",
    [MPY_NE] = "!=", [MPY_GT] = ">",  [MPY_GE] = ">=",
};

#define NOT_IMPLEMENTED mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED)

/* The slot of a's type. */
static mpy_object *
ask(struct mpyi_thread *t, const char *function, mpy_object *a, mpy_object *b, int op)
{
    mpy_object *answer = mpyi_type_of(a)->slots.compare(a, b, op);
    if (MPY_UNLIKELY(answer == NULL)) {
        (void)mpyi_err_slot(t, function, "compare", a);
    }
    return answer;
}

/* Steps 1 to 3; NotImplemented when nobody knows. */
static mpy_object *
ask_slots(struct mpyi_thread *t, const char *function, mpy_object *a, mpy_object *b, int op)
{
    const struct mpyi_type *ta = mpyi_type_of(a);
    const struct mpyi_type *tb = mpyi_type_of(b);
    int asked_b = 0;

    if (ta != tb && tb->slots.compare != NULL && tb->slots.compare != ta->slots.compare &&
        mpyi_type_is_subtype(tb, ta)) {
        mpy_object *answer = ask(t, function, b, a, mirrored[op]);
        if (answer != NOT_IMPLEMENTED) {
            return answer;
        }
        asked_b = 1;
    }
    if (ta->slots.compare != NULL) {
        mpy_object *answer = ask(t, function, a, b, op);
        if (answer != NOT_IMPLEMENTED) {
            return answer;
        }
    }
    if (!asked_b && tb->slots.compare != NULL) {
        return ask(t, function, b, a, mirrored[op]);
    }
    return NOT_IMPLEMENTED;
}

/* Anything but two ints, on behalf of `function`. */
static __attribute__((noinline)) mpy_object *
compare_objects(struct mpyi_thread *t, const char *function, mpy_object *a, mpy_object *b, int op)
{
    mpy_object *answer;
    if (mpyi_depth_enter(t, function) < 0) {
        return NULL;
    }
    answer = ask_slots(t, function, a, b, op);
    mpyi_depth_leave(t);
    if (answer != NOT_IMPLEMENTED) {
        return answer;
    }
    if (op == MPY_EQ || op == MPY_NE) {
        return mpyi_bool_object((a == b) == (op == MPY_EQ));
    }
    return mpyi_err_format(MPY_EXC_TYPE_ERROR,
                           "%s(): '%s' not supported between instances of '%s' and '%s'", function,
                           signs[op], mpyi_type_name_of(a), mpyi_type_name_of(b));
}

static inline mpy_object *
compare(struct mpyi_thread *t, const char *function, mpy_object *a, mpy_object *b, int op)
{
    if (((uintptr_t)a & (uintptr_t)b & MPY_PRIV_TAG_INT) != 0) {
        int64_t x = (int64_t)(uintptr_t)a; /* twice the value and 1: the same order */
        int64_t y = (int64_t)(uintptr_t)b;
        return mpyi_bool_object(mpyi_order_answers(x < y ? -1 : x > y, op));
    }
    return compare_objects(t, function, a, b, op);
}

mpy_object *
mpyi_compare(struct mpyi_thread *t, mpy_object *a, mpy_object *b, int op)
{
    return compare(t, "mpy_object_compare", a, b, op);
}

/* The truth of an answer, whose reference is taken over. bool. */
static int
truth_of(struct mpyi_thread *t, mpy_object *answer)
{
    int result;
    if (MPY_LIKELY(answer == MPY_TRUE || answer == MPY_FALSE)) {
        return answer == MPY_TRUE;
    }
    if (answer == NULL) {
        return -1;
    }
    result = mpyi_is_true(t, answer);
    mpy_decref(answer);
    return result;
}

int
mpyi_compare_bool(struct mpyi_thread *t, mpy_object *a, mpy_object *b, int op)
{
    if (a == b && (op == MPY_EQ || op == MPY_NE)) {
        return op == MPY_EQ;
    }
    return truth_of(t, compare(t, "mpy_object_compare", a, b, op));
}

/* int0: the arguments of a public comparison. */
static inline int
check_arguments(const char *function, const mpy_object *a, const mpy_object *b, int op)
{
    if (MPY_UNLIKELY(a == NULL || b == NULL)) {
        (void)mpyi_err_argument(function, a == NULL ? "a" : "b", "object", NULL);
        return -1;
    }
    if (MPY_UNLIKELY((unsigned)op > MPY_GE)) {
        (void)mpyi_err_format(MPY_EXC_VALUE_ERROR,
                              "%s(): argument 'op': expected MPY_LT..MPY_GE, got %d", function, op);
        return -1;
    }
    return 0;
}

mpy_object *
mpy_object_compare(mpy_object *a, mpy_object *b, int op)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, a, b);
    if (t == NULL || check_arguments(__func__, a, b, op) < 0) {
        return NULL;
    }
    return compare(t, __func__, a, b, op);
}

int
mpy_object_compare_bool(mpy_object *a, mpy_object *b, int op)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, a, b);
    if (MPY_UNLIKELY(t == NULL || check_arguments(__func__, a, b, op) < 0)) {
        return -1;
    }
    if (a == b && (op == MPY_EQ || op == MPY_NE)) {
        return op == MPY_EQ;
    }
    return truth_of(t, compare(t, __func__, a, b, op));
}
