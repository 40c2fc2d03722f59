/* SPDX-License-Identifier: MIT */
/*
 * types/format.c - printf-like formatting with objects.
 *
 * One loop copies literal text and hands each conversion to the function of its kind. What comes
 * out goes through a sink: either a writer, where errors are raised and text is checked, or a
 * buffer of fixed size, where nothing can fail.
 *
 *     % [-+ 0#]* [width|*] [.precision|.*] [hh|h|l|ll|z|j|t] [d i u x X o c s p O R T %]
 *
 * Numbers are written by hand: the C library would need the FILE machinery, and a locale.
 *
 * Invariant: a conversion that is not understood ends the formatting, because the arguments that
 * follow cannot be found without its type.
 * Lock: the runtime's.
 */
#include "types/format.h"

#include "types/protocol.h"
#include "types/utf8.h"

#define WIDTH_MAX 1000000

struct sink {
    struct mpy_strwriter *w; /* NULL: the buffer */
    const char *function;
    unsigned flags;
    char *buffer;
    size_t room, length; /* room: bytes that may still be written, without the NUL */
};

/* va_list may be an array type; in a struct it can be passed on by address. */
struct arguments {
    va_list list;
};

struct spec {
    int minus, plus, space, zero, alternate;
    int width, precision; /* -1: not given */
    char size;            /* 0, 'h', 'H' (hh), 'l', 'L' (ll), 'z', 'j', 't' */
    char conversion;
};

/* ---- sinks ----------------------------------------------------------------------------------- */

/* Valid UTF-8. */
static int
put(struct sink *s, const char *utf8, size_t n, size_t chars)
{
    size_t fits;
    if (s->w != NULL) {
        return mpyi_writer_valid(s->w, utf8, n, chars);
    }
    fits = n <= s->room ? n : mpyi_utf8_cut(utf8, s->room);
    memcpy(s->buffer + s->length, utf8, fits);
    s->length += fits;
    s->room = fits == n ? s->room - n : 0;
    return 0;
}

/* Any bytes. A writer raises for invalid ones, a buffer gets '?' for each. */
static int
put_unchecked(struct sink *s, const char *utf8, size_t n)
{
    size_t bad, chars;
    if (s->w != NULL) {
        return mpyi_writer_utf8(s->w, s->function, utf8, n);
    }
    while ((chars = mpyi_utf8_check(utf8, n, &bad)) == SIZE_MAX) {
        (void)put(s, utf8, bad, bad);
        (void)put(s, "?", 1, 1);
        utf8 += bad + 1;
        n -= bad + 1;
    }
    return put(s, utf8, n, chars);
}

static int
put_padding(struct sink *s, char c, size_t n)
{
    char run[64];
    memset(run, c, sizeof run);
    while (n > 0) {
        size_t piece = n < sizeof run ? n : sizeof run;
        if (put(s, run, piece, piece) < 0) {
            return -1;
        }
        n -= piece;
    }
    return 0;
}

static size_t
missing(const struct spec *spec, size_t chars)
{
    return spec->width > 0 && (size_t)spec->width > chars ? (size_t)spec->width - chars : 0;
}

/* Valid text of `chars` characters, padded to the width. */
static int
put_field(struct sink *s, const struct spec *spec, const char *utf8, size_t n, size_t chars)
{
    size_t padding = missing(spec, chars);
    if (!spec->minus && put_padding(s, ' ', padding) < 0) {
        return -1;
    }
    if (put(s, utf8, n, chars) < 0) {
        return -1;
    }
    return spec->minus ? put_padding(s, ' ', padding) : 0;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static int64_t
next_signed(struct arguments *args, char size)
{
    switch (size) {
    case 'H':
        return (signed char)va_arg(args->list, int);
    case 'h':
        return (short)va_arg(args->list, int);
    case 'l':
        return va_arg(args->list, long);
    case 'L':
        return va_arg(args->list, long long);
    case 'z':
    case 't':
        return va_arg(args->list, ptrdiff_t);
    case 'j':
        return va_arg(args->list, intmax_t);
    default:
        return va_arg(args->list, int);
    }
}

static uint64_t
next_unsigned(struct arguments *args, char size)
{
    switch (size) {
    case 'H':
        return (unsigned char)va_arg(args->list, unsigned);
    case 'h':
        return (unsigned short)va_arg(args->list, unsigned);
    case 'l':
        return va_arg(args->list, unsigned long);
    case 'L':
        return va_arg(args->list, unsigned long long);
    case 'z':
    case 't':
        return va_arg(args->list, size_t);
    case 'j':
        return va_arg(args->list, uintmax_t);
    default:
        return va_arg(args->list, unsigned);
    }
}

/* Digits of `value`, right-aligned in `out`; their number. */
static size_t
digits_of(uint64_t value, unsigned base, int upper, char out[24])
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    size_t n = 0;
    for (; value != 0; value /= base) {
        out[24 - ++n] = digits[value % base];
    }
    return n;
}

/* prefix: sign or 0x. */
static int
put_number(struct sink *s, const struct spec *spec, const char *prefix, uint64_t value,
           unsigned base)
{
    char text[24];
    size_t n = digits_of(value, base, spec->conversion == 'X', text);
    size_t prefix_n = strlen(prefix), padding;
    size_t zeros = spec->precision < 0           ? n == 0
                   : (size_t)spec->precision > n ? (size_t)spec->precision - n
                                                 : 0;
    if (base == 8 && spec->alternate && zeros == 0) {
        zeros = 1;
    }
    padding = missing(spec, prefix_n + zeros + n);
    if (spec->zero && !spec->minus && spec->precision < 0) {
        zeros += padding;
        padding = 0;
    }
    if ((!spec->minus && put_padding(s, ' ', padding) < 0) ||
        put(s, prefix, prefix_n, prefix_n) < 0 || put_padding(s, '0', zeros) < 0 ||
        put(s, text + 24 - n, n, n) < 0) {
        return -1;
    }
    return spec->minus ? put_padding(s, ' ', padding) : 0;
}

static int
put_signed(struct sink *s, const struct spec *spec, int64_t value)
{
    const char *sign = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";
    return put_number(s, spec, sign, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10);
}

static int
put_unsigned(struct sink *s, const struct spec *spec, uint64_t value)
{
    unsigned base = spec->conversion == 'u' ? 10 : spec->conversion == 'o' ? 8 : 16;
    int marked = base == 16 && spec->alternate && value != 0;
    return put_number(s, spec, !marked ? "" : spec->conversion == 'X' ? "0X" : "0x", value, base);
}

/* ---- text ------------------------------------------------------------------------------------ */

static int
put_char(struct sink *s, const struct spec *spec, int code)
{
    char utf8[4] = "?";
    size_t n = 1;
    if (code >= 0 && mpyi_code_is_valid((uint32_t)code)) {
        n = mpyi_utf8_encode((uint32_t)code, utf8);
    } else if (s->w != NULL) {
        (void)mpyi_err_format(MPY_EXC_VALUE_ERROR, "%s(): %%c: %d is no valid code point",
                              s->function, code);
        return -1;
    }
    return put_field(s, spec, utf8, n, 1);
}

/* A C string. The precision bounds the bytes that are read. */
static int
put_c_string(struct sink *s, const struct spec *spec, const char *text)
{
    size_t n, chars, padding;
    if (text == NULL) {
        text = "(null)";
    }
    n = spec->precision >= 0 ? strnlen(text, (size_t)spec->precision) : strlen(text);
    if (spec->precision >= 0 && n == (size_t)spec->precision) {
        n = mpyi_utf8_cut(text, n);
    }
    chars = spec->width > 0 ? mpyi_utf8_count(text, n) : 0;
    padding = missing(spec, chars);
    if ((!spec->minus && put_padding(s, ' ', padding) < 0) || put_unchecked(s, text, n) < 0) {
        return -1;
    }
    return spec->minus ? put_padding(s, ' ', padding) : 0;
}

/* Valid text, cut to the precision in characters. */
static int
put_valid(struct sink *s, const struct spec *spec, const char *utf8, size_t n, size_t chars)
{
    if (spec->precision >= 0 && (size_t)spec->precision < chars) {
        chars = (size_t)spec->precision;
        n = mpyi_utf8_offset(utf8, n, chars);
    }
    return put_field(s, spec, utf8, n, chars);
}

/* str or repr of an object. */
static int
put_object(struct sink *s, const struct spec *spec, mpy_object *o)
{
    const char *what = spec->conversion == 'O' ? "%O" : "%R";
    struct mpyi_thread *t;
    mpy_object *text;
    const struct mpyi_str *str;
    int result;
    if (o == NULL) {
        (void)mpyi_err_argument(s->function, what, "object", NULL);
        return -1;
    }
    t = mpyi_enter1(s->function, o);
    if (t == NULL) {
        return -1;
    }
    text = spec->conversion == 'O' ? mpyi_str(t, o) : mpyi_repr(t, o);
    if (text == NULL) {
        return -1;
    }
    str = mpyi_str_of(text);
    result = put_valid(s, spec, mpyi_str_data(str), mpyi_str_size(str), mpyi_str_chars(str));
    mpy_decref(text);
    return result;
}

static int
put_type_name(struct sink *s, const struct spec *spec, const mpy_object *o)
{
    const char *name = mpyi_type_name_of(o);
    size_t n = strlen(name);
    if (o == NULL && s->w != NULL) {
        (void)mpyi_err_argument(s->function, "%T", "object", NULL);
        return -1;
    }
    return put_valid(s, spec, name, n, mpyi_utf8_count(name, n));
}

/* ---- the parser ------------------------------------------------------------------------------ */

/* Digits or '*'. Behind them; NULL: out of range. */
static const char *
read_amount(const char *at, struct arguments *args, int *out)
{
    int amount = 0;
    if (*at == '*') {
        *out = va_arg(args->list, int);
        return *out > WIDTH_MAX || *out < -WIDTH_MAX ? NULL : at + 1;
    }
    for (; *at >= '0' && *at <= '9'; at++) {
        amount = amount * 10 + (*at - '0');
        if (amount > WIDTH_MAX) {
            return NULL;
        }
    }
    *out = amount;
    return at;
}

static const char *
read_flags(const char *at, struct spec *spec)
{
    for (;; at++) {
        switch (*at) {
        case '-':
            spec->minus = 1;
            break;
        case '+':
            spec->plus = 1;
            break;
        case ' ':
            spec->space = 1;
            break;
        case '0':
            spec->zero = 1;
            break;
        case '#':
            spec->alternate = 1;
            break;
        default:
            return at;
        }
    }
}

/* `at` is behind the '%'. Behind the conversion; NULL: a width or precision is out of range. */
static const char *
read_spec(const char *at, struct arguments *args, struct spec *spec)
{
    memset(spec, 0, sizeof *spec);
    spec->precision = -1;
    at = read_amount(read_flags(at, spec), args, &spec->width);
    if (at == NULL) {
        return NULL;
    }
    if (spec->width < 0) {
        spec->minus = 1;
        spec->width = -spec->width;
    }
    if (*at == '.') {
        at = read_amount(at + 1, args, &spec->precision);
        if (at == NULL) {
            return NULL;
        }
        spec->precision = spec->precision < 0 ? -1 : spec->precision;
    }
    if ((*at == 'h' || *at == 'l') && at[1] == *at) {
        spec->size = *at == 'h' ? 'H' : 'L';
        at += 2;
    } else if (*at == 'h' || *at == 'l' || *at == 'z' || *at == 'j' || *at == 't') {
        spec->size = *at++;
    }
    spec->conversion = *at;
    return *at != 0 ? at + 1 : at;
}

/* int0; 1: the conversion is not known. */
static int
convert(struct sink *s, const struct spec *spec, struct arguments *args)
{
    struct spec hex = *spec;
    switch (spec->conversion) {
    case '%':
        return put(s, "%", 1, 1);
    case 'd':
    case 'i':
        return put_signed(s, spec, next_signed(args, spec->size));
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        return put_unsigned(s, spec, next_unsigned(args, spec->size));
    case 'p':
        hex.conversion = 'x';
        return put_number(s, &hex, "0x", (uintptr_t)va_arg(args->list, void *), 16);
    case 'c':
        return put_char(s, spec, va_arg(args->list, int));
    case 's':
        return put_c_string(s, spec, va_arg(args->list, const char *));
    case 'T':
        return put_type_name(s, spec, va_arg(args->list, const mpy_object *));
    case 'O':
    case 'R':
        return (s->flags & MPYI_FORMAT_OBJECTS) != 0
                   ? put_object(s, spec, va_arg(args->list, mpy_object *))
                   : 1;
    default:
        return 1;
    }
}

/* A conversion at `from` that cannot be done: ends the text. */
static int
give_up(struct sink *s, const char *from, const char *what)
{
    size_t n, bad;
    if (s->w == NULL) {
        return put_unchecked(s, from, strlen(from));
    }
    n = strnlen(from, 20);
    if (mpyi_utf8_check(from, n, &bad) == SIZE_MAX) {
        n = bad;
    }
    (void)mpyi_err_format(MPY_EXC_VALUE_ERROR, "%s(): %s in format '%.*s'", s->function, what,
                          (int)n, from);
    return -1;
}

static int
format(struct sink *s, const char *fmt, va_list list)
{
    struct arguments args;
    struct spec spec;
    int result = 0;
    va_copy(args.list, list);
    while (result == 0 && *fmt != 0) {
        size_t literal = (size_t)(strchrnul(fmt, '%') - fmt);
        const char *begin = fmt + literal;
        if (literal != 0) {
            result = put_unchecked(s, fmt, literal);
            fmt = begin;
            continue;
        }
        fmt = read_spec(begin + 1, &args, &spec);
        if (fmt == NULL) {
            result = give_up(s, begin, "width or precision out of range");
            break;
        }
        result = convert(s, &spec, &args);
        if (result == 1) {
            result = give_up(s, begin, "unknown conversion");
            break;
        }
    }
    va_end(args.list);
    return result;
}

int
mpyi_format_write(struct mpy_strwriter *w, const char *function, unsigned flags, const char *fmt,
                  va_list args)
{
    struct sink s = {w, function, flags, NULL, 0, 0};
    return format(&s, fmt, args);
}

size_t
mpyi_format_buffer(char *buffer, size_t size, const char *fmt, va_list args)
{
    struct sink s = {NULL, "", 0, buffer, size - 1, 0};
    (void)format(&s, fmt, args);
    buffer[s.length] = 0;
    return s.length;
}

static mpy_object *
format_str(struct mpyi_thread *t, const char *function, const char *fmt, va_list args)
{
    struct mpy_strwriter w;
    mpyi_writer_init(&w, t);
    if (mpyi_format_write(&w, function, MPYI_FORMAT_OBJECTS, fmt, args) < 0) {
        mpyi_writer_discard(&w);
        return NULL;
    }
    return mpyi_writer_finish(&w);
}

mpy_object *
mpyi_str_format(struct mpyi_thread *t, const char *function, const char *fmt, ...)
{
    va_list args;
    mpy_object *text;
    va_start(args, fmt);
    text = format_str(t, function, fmt, args);
    va_end(args);
    return text;
}

mpy_object *
mpy_str_vformat(const char *fmt, va_list args)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    if (t == NULL) {
        return NULL;
    }
    if (fmt == NULL) {
        return mpyi_err_argument(__func__, "fmt", "text", NULL);
    }
    return format_str(t, __func__, fmt, args);
}

mpy_object *
mpy_str_format(const char *fmt, ...)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    va_list args;
    mpy_object *text;
    if (t == NULL) {
        return NULL;
    }
    if (fmt == NULL) {
        return mpyi_err_argument(__func__, "fmt", "text", NULL);
    }
    va_start(args, fmt);
    text = format_str(t, __func__, fmt, args);
    va_end(args);
    return text;
}
