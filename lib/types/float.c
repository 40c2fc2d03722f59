/* SPDX-License-Identifier: MIT */
/*
 * types/float.c - the type float: text in both directions, and division as Python defines it.
 *
 * Writing. The shortest decimal that reads back as the same double. Any decimal of up to 15 digits
 * that reads back as v is v printed with 15 digits (for normal v), so: print 15 and drop zeros; if
 * that reads back, it is the answer; else 16; else 17, which always do. Two cases want more care:
 *   - subnormals carry fewer digits: every length from 1 is tried;
 *   - at a power of two the doubles below are twice as dense as those above, so the nearest decimal
 *     of 16 digits may fail while the next one above reads back: that one is tried, too.
 * printf and strtod of the C library are exact; a locale's decimal point is stepped over by taking
 * digits only, and reading is done in the C locale.
 *
 * Reading. The grammar is checked by hand (no hexadecimal, underscores between digits), then strtod
 * gets the text without underscores.
 *
 * fmod is computed by long division of the mantissas, exactly, 10 bits at a time.
 *
 * Lock: the runtime's.
 */
#include "types/number.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "types/str.h"
#include "types/utf8.h"

#define DOUBLE_INF __builtin_inf()
#define DIGITS_MAX 17

mpy_object *
mpyi_float_box(struct mpyi_thread *t, double value)
{
    mpy_object *o = mpyi_atom_new(t, &mpyi_float_type, sizeof(struct mpyi_float));
    if (o != NULL) {
        ((struct mpyi_float *)(void *)o)->value = value;
    }
    return o;
}

mpy_object *
mpy_priv_float_from_double(double value)
{
    struct mpyi_thread *t = mpyi_enter("mpy_float_from_double");
    return t != NULL ? mpyi_float_new(t, value) : NULL;
}

static locale_t
c_locale(void)
{
    static locale_t made;
    locale_t locale = __atomic_load_n(&made, __ATOMIC_ACQUIRE);
    if (locale == (locale_t)0) {
        locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        __atomic_store_n(&made, locale, __ATOMIC_RELEASE);
    }
    return locale;
}

static double
read_double(const char *text)
{
    locale_t locale = c_locale();
    return locale != (locale_t)0 ? strtod_l(text, NULL, locale) : strtod(text, NULL);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* A decimal: 0.d1 d2 ... * 10^point. */
struct decimal {
    char digits[DIGITS_MAX + 1];
    int count, point;
};

/* The decimal of `count` digits nearest to value > 0. */
static void
nearest_decimal(double value, int count, struct decimal *out)
{
    char text[40];
    const char *at = text;
    int n = 0;
    (void)snprintf(text, sizeof text, "%.*e", count - 1, value);
    for (; *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9') {
            out->digits[n++] = *at;
        }
    }
    out->count = count;
    out->point = atoi(at + 1) + 1;
}

/* One unit of the last digit more. */
static void
increment(struct decimal *d)
{
    int i = d->count - 1;
    for (; i >= 0 && d->digits[i] == '9'; i--) {
        d->digits[i] = '0';
    }
    if (i >= 0) {
        d->digits[i]++;
        return;
    }
    d->digits[0] = '1';
    d->point++;
}

static int
reads_back(const struct decimal *d, double value)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.*se%d", d->count, d->digits, d->point - d->count);
    return read_double(text) == value;
}

static void
drop_zeros(struct decimal *d)
{
    while (d->count > 1 && d->digits[d->count - 1] == '0') {
        d->count--;
    }
}

/* value > 0 and finite. */
static void
shortest_decimal(double value, struct decimal *out)
{
    uint64_t bits;
    int count;
    memcpy(&bits, &value, sizeof bits);
    for (count = bits >> 52 != 0 ? 15 : 1; count < DIGITS_MAX; count++) {
        nearest_decimal(value, count, out);
        if (reads_back(out, value)) {
            break;
        }
        if (bits << 12 == 0 && count == 16) {
            increment(out);
            if (reads_back(out, value)) {
                break;
            }
        }
    }
    if (count == DIGITS_MAX) {
        nearest_decimal(value, count, out);
    }
    drop_zeros(out);
}

static size_t
put_bytes(char *out, size_t at, const char *bytes, size_t n)
{
    memcpy(out + at, bytes, n);
    return at + n;
}

/* Digits with the point among them, or behind zeros: 0.001, 12.5, 1200.0. */
static size_t
put_fixed(char *out, size_t at, const struct decimal *d)
{
    size_t count = (size_t)d->count, whole;
    if (d->point <= 0) {
        at = put_bytes(out, at, "0.", 2);
        memset(out + at, '0', (size_t)-d->point);
        return put_bytes(out, at + (size_t)-d->point, d->digits, count);
    }
    whole = (size_t)d->point;
    if (whole >= count) {
        at = put_bytes(out, at, d->digits, count);
        memset(out + at, '0', whole - count);
        return put_bytes(out, at + whole - count, ".0", 2);
    }
    at = put_bytes(out, at, d->digits, whole);
    out[at++] = '.';
    return put_bytes(out, at, d->digits + whole, count - whole);
}

/* d.ddde+XX, at least two digits of exponent. */
static size_t
put_scientific(char *out, size_t at, const struct decimal *d)
{
    int exponent = d->point - 1;
    unsigned magnitude = (unsigned)(exponent < 0 ? -exponent : exponent);
    out[at++] = d->digits[0];
    if (d->count > 1) {
        out[at++] = '.';
        at = put_bytes(out, at, d->digits + 1, (size_t)d->count - 1);
    }
    out[at++] = 'e';
    out[at++] = exponent < 0 ? '-' : '+';
    if (magnitude >= 100) {
        out[at++] = (char)('0' + magnitude / 100);
    }
    out[at++] = (char)('0' + magnitude / 10 % 10);
    out[at++] = (char)('0' + magnitude % 10);
    return at;
}

size_t
mpyi_float_text(double value, char *out)
{
    struct decimal d;
    size_t at = 0;
    double magnitude = __builtin_fabs(value);
    if (value != value) {
        return put_bytes(out, 0, "nan", 3);
    }
    if (__builtin_signbit(value)) {
        out[at++] = '-';
    }
    if (magnitude == DOUBLE_INF) {
        return put_bytes(out, at, "inf", 3);
    }
    if (magnitude < 1e15 && magnitude == (double)(int64_t)magnitude) {
        at += mpyi_int_text((int64_t)magnitude, out + at);
        return put_bytes(out, at, ".0", 2);
    }
    shortest_decimal(magnitude, &d);
    return d.point > -4 && d.point <= 16 ? put_fixed(out, at, &d) : put_scientific(out, at, &d);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Copies digits with single underscores between them, without these. Their number; SIZE_MAX: an
   underscore stands where none may. *at is moved behind them. */
static size_t
copy_digits(const char **at, const char *end, char **to)
{
    size_t n = 0;
    const char *p = *at;
    for (; p < end; p++) {
        if (*p >= '0' && *p <= '9') {
            *(*to)++ = *p;
            n++;
        } else if (*p != '_') {
            break;
        } else if (n == 0 || p[-1] == '_') {
            return SIZE_MAX;
        }
    }
    if (n != 0 && p[-1] == '_') {
        return SIZE_MAX;
    }
    *at = p;
    return n;
}

/* Checks [digits][.digits][e[sign]digits] and copies it without underscores, NUL-terminated. The
   sign is gone. 1: it is a number. */
static int
copy_number(const char *at, const char *end, char *to)
{
    size_t whole = copy_digits(&at, end, &to), fraction = 0, exponent;
    if (whole == SIZE_MAX) {
        return 0;
    }
    if (at < end && *at == '.') {
        *to++ = *at++;
        fraction = copy_digits(&at, end, &to);
        if (fraction == SIZE_MAX) {
            return 0;
        }
    }
    if (whole + fraction == 0) {
        return 0;
    }
    if (at < end && (*at | 0x20) == 'e') {
        *to++ = *at++;
        if (at < end && (*at == '+' || *at == '-')) {
            *to++ = *at++;
        }
        exponent = copy_digits(&at, end, &to);
        if (exponent == 0 || exponent == SIZE_MAX) {
            return 0;
        }
    }
    *to = 0;
    return at == end;
}

static int
is_word(const char *text, size_t n, const char *word)
{
    size_t i;
    if (n != strlen(word)) {
        return 0;
    }
    for (i = 0; i < n; i++) {
        if ((text[i] | 0x20) != word[i]) {
            return 0;
        }
    }
    return 1;
}

/* The value of a text without blanks and sign: 1 *out is set, 0 it is no number, -1 MemoryError. */
static int
parse_magnitude(struct mpyi_thread *t, const char *text, size_t n, double *out)
{
    char room[128];
    char *copy = room;
    int result;
    if (is_word(text, n, "inf") || is_word(text, n, "infinity")) {
        *out = DOUBLE_INF;
        return 1;
    }
    if (is_word(text, n, "nan")) {
        *out = __builtin_nan("");
        return 1;
    }
    if (n >= sizeof room) {
        copy = mpyi_array_alloc(t->heap, n + 1);
        if (copy == NULL) {
            (void)mpyi_err_no_memory();
            return -1;
        }
    }
    result = copy_number(text, text + n, copy);
    if (result) {
        *out = read_double(copy);
    }
    if (copy != room) {
        mpyi_array_free(t->heap, copy, n + 1);
    }
    return result;
}

int
mpyi_float_parse(struct mpyi_thread *t, const char *function, const char *text, size_t n,
                 double *out)
{
    const char *all = text;
    size_t shown = mpyi_utf8_cut(text, n > 60 ? 60 : n);
    int negative = 0, result;
    *out = 0;
    mpyi_strip_blanks(&text, &n);
    if (n > 0 && (*text == '-' || *text == '+')) {
        negative = *text == '-';
        text++;
        n--;
    }
    result = parse_magnitude(t, text, n, out);
    if (result == 0) {
        (void)mpyi_err_format(MPY_EXC_VALUE_ERROR, "%s(): could not convert text to float: '%.*s'",
                              function, (int)shown, all);
    }
    if (result <= 0) {
        return -1;
    }
    *out = negative ? -*out : *out;
    return 0;
}

/* ---- division -------------------------------------------------------------------------------- */

/* Mantissa and exponent of a finite value > 0: value = mantissa * 2^exponent. */
static uint64_t
take_apart(double value, int *exponent)
{
    uint64_t bits, mantissa;
    memcpy(&bits, &value, sizeof bits);
    mantissa = bits & ((UINT64_C(1) << 52) - 1);
    *exponent = (int)(bits >> 52);
    if (*exponent != 0) {
        mantissa |= UINT64_C(1) << 52;
    } else {
        *exponent = 1;
    }
    *exponent -= 1075;
    return mantissa;
}

/* mantissa * 2^exponent, which is exact; the mantissa has at most 53 bits. */
static double
put_together(uint64_t mantissa, int exponent)
{
    uint64_t bits;
    double value;
    if (mantissa == 0) {
        return 0.0;
    }
    while (mantissa >> 52 == 0 && exponent > -1074) {
        mantissa <<= 1;
        exponent--;
    }
    bits = mantissa >> 52 == 0
               ? mantissa
               : (mantissa & ((UINT64_C(1) << 52) - 1)) | (uint64_t)(exponent + 1075) << 52;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* fmod of C for b != 0: exact, with the sign of a. */
static double
double_fmod(double a, double b)
{
    double x = __builtin_fabs(a), y = __builtin_fabs(b), rest;
    uint64_t m, divisor;
    int exponent, exponent_y;
    if (a != a || b != b || x == DOUBLE_INF) {
        return __builtin_nan("");
    }
    if (x < y) {
        return a;
    }
    m = take_apart(x, &exponent);
    divisor = take_apart(y, &exponent_y);
    m %= divisor;
    while (exponent > exponent_y && m != 0) {
        int step = exponent - exponent_y < 10 ? exponent - exponent_y : 10;
        m = (m << step) % divisor;
        exponent -= step;
    }
    rest = put_together(m, exponent_y);
    return __builtin_copysign(rest, a);
}

/* Largest integral double <= value. */
static double
double_floor(double value)
{
    double whole;
    if (!(__builtin_fabs(value) < 4503599627370496.0)) {
        return value;
    }
    whole = (double)(int64_t)value;
    whole -= whole > value;
    return __builtin_copysign(whole, value);
}

double
mpyi_double_remainder(double a, double b)
{
    double rest = double_fmod(a, b);
    if (rest == 0) {
        return __builtin_copysign(0.0, b);
    }
    return (b < 0) != (rest < 0) ? rest + b : rest;
}

double
mpyi_double_floor_divide(double a, double b)
{
    double rest = double_fmod(a, b);
    double quotient = (a - rest) / b, whole;
    if (rest != 0 && (b < 0) != (rest < 0)) {
        quotient -= 1.0;
    }
    if (quotient == 0) {
        return __builtin_copysign(0.0, a / b);
    }
    whole = double_floor(quotient);
    return quotient - whole > 0.5 ? whole + 1.0 : whole;
}

/* ---- the type -------------------------------------------------------------------------------- */

int
mpy_priv_float_as_double(mpy_object *o, double *out)
{
    int64_t value;
    *out = 0;
    if (mpyi_enter1("mpy_float_as_double", o) == NULL) {
        return -1;
    }
    if (mpyi_float_get(o, out)) {
        return 0;
    }
    if (mpyi_int_get(o, &value)) {
        *out = (double)value;
        return 0;
    }
    (void)mpyi_err_argument("mpy_float_as_double", "o", "float or int", o);
    return -1;
}

static void
float_dealloc(struct mpyi_thread *t, mpy_object *o)
{
    mpyi_atom_free(t->heap, o, sizeof(struct mpyi_float));
}

static mpy_object *
float_repr(mpy_object *self)
{
    char text[MPYI_FLOAT_TEXT];
    size_t n = mpyi_float_text(mpyi_float_value(self), text);
    return mpyi_str_new_valid(mpyi_current(), text, n, n);
}

static int
float_hash(mpy_object *self, int64_t *out)
{
    double value = mpyi_float_value(self);
    /* NaN is equal to nothing: its address keeps NaNs apart. */
    *out = value == value ? mpyi_hash_double(value) : (int64_t)((uintptr_t)self >> 3);
    return 0;
}

static int
float_is_true(mpy_object *self)
{
    return mpyi_float_value(self) != 0;
}

const struct mpyi_type mpyi_float_type = {
    .head = MPYI_STATIC_HEAD(MPY_TF_FLOAT),
    .traits = MPYI_TRAIT_ACYCLIC,
    .layout = MPYI_LAYOUT_ATOM,
    .id = MPY_TYPE_ID_FLOAT,
    .instance_size = sizeof(struct mpyi_float),
    .name = "float",
    .qualname = "float",
    .base = &mpyi_object_type,
    .dealloc = float_dealloc,
    .slots = {.repr = float_repr, .hash = float_hash, .is_true = float_is_true, MPYI_NUMBER_SLOTS},
};
