/* SPDX-License-Identifier: MIT */
/*
 * support/api_literal.c - see support/api_literal.h.
 *
 * Each function parses one construct at *at, moves *at behind it, and returns NULL when it is not
 * there.
 */
#include "support/api_literal.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ITEMS 64
#define MAX_BYTES 4096

static mpy_object *
parse(const char **at);

/* 1 and behind it, when *at begins with the word. */
static int
skip(const char **at, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(*at, word, n) != 0) {
        return 0;
    }
    *at += n;
    return 1;
}

static size_t
put_utf8(char *out, unsigned long c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/* The number of the n hexadecimal digits at *at. */
static unsigned long
hex(const char **at, size_t n)
{
    char digits[9] = "";
    memcpy(digits, *at, n);
    *at += n;
    return strtoul(digits, NULL, 16);
}

/* One character behind a backslash. Returns the number of bytes written. */
static size_t
parse_escape(const char **at, char *out, int is_bytes)
{
    char c = *(*at)++;
    unsigned long code;
    switch (c) {
    case 'n':
        *out = '\n';
        return 1;
    case 't':
        *out = '\t';
        return 1;
    case 'r':
        *out = '\r';
        return 1;
    case 'x':
    case 'u':
    case 'U':
        code = hex(at, c == 'x' ? 2 : c == 'u' ? 4 : 8);
        if (is_bytes) {
            *out = (char)code;
            return 1;
        }
        return put_utf8(out, code);
    default:
        *out = c;
        return 1;
    }
}

static mpy_object *
parse_text(const char **at, int is_bytes)
{
    char text[MAX_BYTES], quote = *(*at)++;
    size_t n = 0;
    while (**at != quote) {
        if (**at == '\0' || n > sizeof text - 8) {
            return NULL;
        }
        if (**at == '\\') {
            ++*at;
            n += parse_escape(at, text + n, is_bytes);
        } else {
            text[n++] = *(*at)++;
        }
    }
    ++*at;
    return is_bytes ? mpy_bytes_from_data(text, n) : mpy_str_from_utf8_n(text, n);
}

static mpy_object *
parse_number(const char **at)
{
    size_t n = strspn(*at, "+-0123456789.eEinfa");
    char text[400], *end;
    mpy_object *o;

    if (n == 0 || n >= sizeof text) {
        return NULL;
    }
    memcpy(text, *at, n);
    text[n] = '\0';
    o = strpbrk(text, ".einf") != NULL ? mpy_float_from_double(strtod(text, &end))
                                       : mpy_int_from_i64(strtoll(text, &end, 10));
    *at += n;
    if (*end != '\0') {
        mpy_xdecref(o);
        return NULL;
    }
    return o;
}

/* Items up to `close`, at most MAX_ITEMS; the number of them, or -1. */
static ptrdiff_t
parse_items(const char **at, char close, mpy_object **items)
{
    size_t n = 0;
    while (**at != close) {
        if (n > 0 && !skip(at, ", ") && !(skip(at, ",") && **at == close)) {
            break;
        }
        if (**at == close) {
            break;
        }
        if (n == MAX_ITEMS || (items[n] = parse(at)) == NULL) {
            break;
        }
        n++;
    }
    if (**at != close) {
        mpy_decref_many(items, n);
        return -1;
    }
    ++*at;
    return (ptrdiff_t)n;
}

static mpy_object *
parse_sequence(const char **at, char close)
{
    mpy_object *items[MAX_ITEMS], *o;
    ptrdiff_t n = parse_items(at, close, items);
    if (n < 0) {
        return NULL;
    }
    o = close == ']' ? mpy_list_from_array(items, (size_t)n)
                     : mpy_tuple_from_array(items, (size_t)n);
    mpy_decref_many(items, (size_t)n);
    return o;
}

static mpy_object *
parse_dict(const char **at)
{
    mpy_object *dict = mpy_dict_new(0), *key = NULL, *value = NULL;
    int first = 1;

    while (dict != NULL && **at != '}') {
        int done = (first || skip(at, ", ")) && (key = parse(at)) != NULL && skip(at, ": ") &&
                   (value = parse(at)) != NULL && mpy_dict_set(dict, key, value) == 0;
        mpy_clear(&key);
        mpy_clear(&value);
        first = 0;
        if (!done) {
            mpy_clear(&dict);
        }
    }
    ++*at;
    return dict;
}

static mpy_object *
parse_range(const char **at)
{
    mpy_object *items[MAX_ITEMS], *o = NULL;
    ptrdiff_t n = parse_items(at, ')', items);
    int64_t v[3];
    if (n < 0) {
        return NULL;
    }
    if (n == 3 && mpy_int_as_i64(items[0], &v[0]) == 0 && mpy_int_as_i64(items[1], &v[1]) == 0 &&
        mpy_int_as_i64(items[2], &v[2]) == 0) {
        o = mpy_iter_range(v[0], v[1], v[2]);
    }
    mpy_decref_many(items, (size_t)n);
    return o;
}

static mpy_object *
parse(const char **at)
{
    if (skip(at, "None")) {
        return MPY_NONE;
    }
    if (skip(at, "True")) {
        return MPY_TRUE;
    }
    if (skip(at, "False")) {
        return MPY_FALSE;
    }
    if (skip(at, "range(")) {
        return parse_range(at);
    }
    if (**at == 'b' && ((*at)[1] == '\'' || (*at)[1] == '"')) {
        ++*at;
        return parse_text(at, 1);
    }
    if (**at == '\'' || **at == '"') {
        return parse_text(at, 0);
    }
    if (skip(at, "[")) {
        return parse_sequence(at, ']');
    }
    if (skip(at, "(")) {
        return parse_sequence(at, ')');
    }
    if (skip(at, "{")) {
        return parse_dict(at);
    }
    return parse_number(at);
}

mpy_object *
api_literal(const char *text)
{
    mpy_object *o = parse(&text);
    if (o != NULL && *text != '\0') {
        mpy_clear(&o);
    }
    return o;
}
