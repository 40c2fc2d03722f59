/* SPDX-License-Identifier: MIT */
/*
 * types/int.c - the type int: conversion from and to text and C integers.
 *
 * An int is an immediate of 63 bits, so nothing here allocates but text. A value that does not fit
 * raises OverflowError.
 *
 * Text is read as Python reads it: blanks around, a sign, a prefix that fits the base, and single
 * underscores between digits or behind the prefix. Digits are ASCII. The whole text is looked at
 * even when the value is already too large, so that nonsense is a ValueError whatever its length.
 *
 * Division of two ints that are not exact as doubles is done in 128 bits with a sticky bit: one
 * rounding, the right one.
 *
 * Lock: the runtime's.
 */
#include "types/number.h"

#include "types/str.h"
#include "types/utf8.h"

__extension__ typedef unsigned __int128 wide;

void *
mpyi_int_overflow(const char *function)
{
    return mpyi_err_format(MPY_EXC_OVERFLOW_ERROR,
                           "%s(): the result does not fit an int of 63 bits", function);
}

mpy_object *
mpy_priv_int_from_i64(int64_t value)
{
    if (mpyi_enter("mpy_int_from_i64") == NULL) {
        return NULL;
    }
    return mpyi_int_new("mpy_int_from_i64", value);
}

mpy_object *
mpy_int_from_u64(uint64_t value)
{
    if (mpyi_enter(__func__) == NULL) {
        return NULL;
    }
    return value <= (uint64_t)MPY_INT_MAX ? mpyi_int_new(__func__, (int64_t)value)
                                          : mpyi_int_overflow(__func__);
}

/* ---- text ------------------------------------------------------------------------------------ */

size_t
mpyi_int_text(int64_t value, char *out)
{
    char digits[MPYI_INT_TEXT];
    size_t at = sizeof digits, n;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    n = sizeof digits - at;
    memcpy(out, digits + at, n);
    return n;
}

/* Value of a digit in any base, or 255. */
static unsigned
digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'z' ? (unsigned)(c - 'a') + 10 : 255;
}

/* Base that "0x", "0o" or "0b" asks for, else 0. */
static int
prefix_base(const char *text, size_t n)
{
    if (n < 2 || text[0] != '0') {
        return 0;
    }
    switch (text[1] | 0x20) {
    case 'x':
        return 16;
    case 'o':
        return 8;
    case 'b':
        return 2;
    default:
        return 0;
    }
}

/* Outcome of read_digits(). */
#define DIGITS_OK    0
#define DIGITS_BAD   (-1)
#define DIGITS_LARGE 1

/* Digits with single underscores between them. The magnitude is at most `largest`. */
static int
read_digits(const char *text, size_t n, unsigned base, uint64_t largest, uint64_t *out)
{
    uint64_t value = 0;
    size_t at;
    int large = 0, after_digit = 0;
    for (at = 0; at < n; at++) {
        unsigned digit = digit_value(text[at]);
        if (text[at] == '_' && after_digit) {
            after_digit = 0;
            continue;
        }
        if (digit >= base) {
            return DIGITS_BAD;
        }
        after_digit = 1;
        if (large || value > (largest - digit) / base) {
            large = 1;
        } else {
            value = value * base + digit;
        }
    }
    *out = value;
    return !after_digit ? DIGITS_BAD : large ? DIGITS_LARGE : DIGITS_OK;
}

static void *
bad_literal(const char *function, const char *text, size_t n, int base)
{
    size_t bad = 0;
    n = n > 60 ? 60 : n;
    if (mpyi_utf8_check(text, n, &bad) == SIZE_MAX) {
        n = bad;
    }
    return mpyi_err_format(MPY_EXC_VALUE_ERROR,
                           "%s(): invalid literal for an int of base %d: '%.*s'", function, base,
                           (int)n, text);
}

void
mpyi_strip_blanks(const char **text, size_t *n)
{
    const char *at = *text;
    size_t left = *n, width;
    while (left > 0 && mpyi_code_is_blank(mpyi_utf8_decode(at, &width))) {
        at += width;
        left -= width;
    }
    while (left > 0) {
        for (width = 1; width < left && (at[left - width] & 0xC0) == 0x80; width++) {
        }
        if (!mpyi_code_is_blank(mpyi_utf8_decode(at + left - width, &width))) {
            break;
        }
        left -= width;
    }
    *text = at;
    *n = left;
}

mpy_object *
mpyi_int_parse(struct mpyi_thread *t, const char *function, const char *text, size_t n, int base)
{
    const char *all = text;
    size_t all_n = n;
    int negative = 0, prefix, asked = base;
    uint64_t magnitude = 0;
    (void)t;
    if (base < 0 || base == 1 || base > 36) {
        return mpyi_err_format(MPY_EXC_VALUE_ERROR, "%s(): base %d is neither 0 nor 2..36",
                               function, base);
    }
    mpyi_strip_blanks(&text, &n);
    if (n > 0 && (*text == '-' || *text == '+')) {
        negative = *text == '-';
        text++;
        n--;
    }
    prefix = prefix_base(text, n);
    if (prefix != 0 && (base == 0 || base == prefix)) {
        base = prefix;
        text += 2;
        n -= 2;
        if (n > 0 && *text == '_') {
            text++;
            n--;
        }
    }
    base = base == 0 ? 10 : base;
    switch (read_digits(text, n, (unsigned)base, (uint64_t)MPY_INT_MAX + (uint64_t)negative,
                        &magnitude)) {
    case DIGITS_LARGE:
        return mpyi_int_overflow(function);
    case DIGITS_OK:
        /* As in Python source: 0123 is neither decimal nor octal. */
        if (asked != 0 || prefix != 0 || *text != '0' || magnitude == 0) {
            return mpyi_int_new(function, negative ? -(int64_t)magnitude : (int64_t)magnitude);
        }
        return bad_literal(function, all, all_n, asked);
    default:
        return bad_literal(function, all, all_n, asked);
    }
}

mpy_object *
mpy_int_from_str(const char *utf8, int base)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    size_t n;
    if (t == NULL) {
        return NULL;
    }
    if (utf8 == NULL) {
        return mpyi_err_argument(__func__, "utf8", "text", NULL);
    }
    n = strlen(utf8);
    if (mpyi_utf8_check(utf8, n, NULL) == SIZE_MAX) {
        return bad_literal(__func__, utf8, n, base);
    }
    return mpyi_int_parse(t, __func__, utf8, n, base);
}

/* ---- C integers ------------------------------------------------------------------------------ */

int
mpy_priv_int_as_i64(mpy_object *o, int64_t *out)
{
    *out = 0;
    if (mpyi_enter1("mpy_int_as_i64", o) == NULL) {
        return -1;
    }
    if (MPY_UNLIKELY(!mpyi_int_get(o, out))) {
        (void)mpyi_err_argument("mpy_int_as_i64", "o", "int", o);
        return -1;
    }
    return 0;
}

int
mpy_int_as_u64(mpy_object *o, uint64_t *out)
{
    int64_t value;
    *out = 0;
    if (mpyi_enter1(__func__, o) == NULL) {
        return -1;
    }
    if (!mpyi_int_get(o, &value)) {
        (void)mpyi_err_argument(__func__, "o", "int", o);
        return -1;
    }
    if (value < 0) {
        (void)mpyi_err_format(MPY_EXC_OVERFLOW_ERROR, "%s(): argument 'o': %lld is negative",
                              __func__, (long long)value);
        return -1;
    }
    *out = (uint64_t)value;
    return 0;
}

int
mpy_int_as_double(mpy_object *o, double *out)
{
    int64_t value;
    *out = 0;
    if (mpyi_enter1(__func__, o) == NULL) {
        return -1;
    }
    if (!mpyi_int_get(o, &value)) {
        (void)mpyi_err_argument(__func__, "o", "int", o);
        return -1;
    }
    *out = (double)value;
    return 0;
}

mpy_object *
mpy_bool_from_int(int value)
{
    return mpyi_enter(__func__) == NULL ? NULL : mpyi_bool_object(value);
}

/* ---- division -------------------------------------------------------------------------------- */

/* 2^exponent for a result that is no subnormal. */
static double
power_of_two(int exponent)
{
    uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double
mpyi_i64_divide(int64_t a, int64_t b)
{
    const uint64_t exact = UINT64_C(1) << 53;
    uint64_t x = a < 0 ? 0 - (uint64_t)a : (uint64_t)a;
    uint64_t y = b < 0 ? 0 - (uint64_t)b : (uint64_t)b;
    uint64_t quotient;
    wide scaled;
    int shift_x, shift_y;
    double value;
    if (x <= exact && y <= exact) {
        return (double)a / (double)b;
    }
    if (x == 0) {
        return b < 0 ? -0.0 : 0.0;
    }
    /* With both top bits set, (x << 63) / y has 63 or 64 bits. */
    shift_x = __builtin_clzll(x);
    shift_y = __builtin_clzll(y);
    x <<= shift_x;
    y <<= shift_y;
    scaled = (wide)x << 63;
    quotient = (uint64_t)(scaled / y);
    quotient |= scaled % y != 0;
    value = (double)quotient * power_of_two(shift_y - shift_x - 63);
    return (a < 0) != (b < 0) ? -value : value;
}

/* ---- the type -------------------------------------------------------------------------------- */

mpy_object *
mpyi_int_repr(mpy_object *self)
{
    char text[MPYI_INT_TEXT];
    int64_t value = 0;
    size_t n;
    (void)mpyi_int_get(self, &value);
    n = mpyi_int_text(value, text);
    return mpyi_str_new_valid(mpyi_current(), text, n, n);
}

int
mpyi_int_hash(mpy_object *self, int64_t *out)
{
    int64_t value = 0;
    (void)mpyi_int_get(self, &value);
    *out = mpyi_hash_i64(value);
    return 0;
}

int
mpyi_int_is_true(mpy_object *self)
{
    int64_t value = 0;
    (void)mpyi_int_get(self, &value);
    return value != 0;
}

const struct mpyi_type mpyi_int_type = {
    .head = MPYI_STATIC_HEAD(MPY_TF_INT),
    .traits = MPYI_TRAIT_ACYCLIC,
    .layout = MPYI_LAYOUT_ATOM,
    .id = MPY_TYPE_ID_INT,
    .name = "int",
    .qualname = "int",
    .base = &mpyi_object_type,
    .slots = {.repr = mpyi_int_repr,
              .hash = mpyi_int_hash,
              .is_true = mpyi_int_is_true,
              MPYI_NUMBER_SLOTS},
};
