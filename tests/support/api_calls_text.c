/* SPDX-License-Identifier: MIT */
/*
 * support/api_calls_text.c - the calls of number.h, str.h and bytes.h.
 */
#include "support/api_calls.h"

#define INTS    (API_BIT(API_TRUE) | API_BIT(API_INT))
#define NUMBERS (INTS | API_BIT(API_FLOAT) | API_BIT(API_BOXED))
#define STR     API_BIT(API_STR)
#define BYTES   API_BIT(API_BYTES)

/* ---- number.h ------------------------------------------------------------------------------- */

static int
call_as_i64(mpy_object *const *v)
{
    int64_t out = 77;
    int result = mpy_int_as_i64(v[0], &out);
    return result == -1 && out != 0 ? API_UNCLEAR : api_int_result(result);
}

static int
call_as_u64(mpy_object *const *v)
{
    uint64_t out = 77;
    int result = mpy_int_as_u64(v[0], &out);
    return result == -1 && out != 0 ? API_UNCLEAR : api_int_result(result);
}

static int
call_as_double(mpy_object *const *v)
{
    double out = 77;
    int result = mpy_int_as_double(v[0], &out);
    return result == -1 && out != 0 ? API_UNCLEAR : api_int_result(result);
}

static int
call_float_as_double(mpy_object *const *v)
{
    double out = 77;
    int result = mpy_float_as_double(v[0], &out);
    return result == -1 && out != 0 ? API_UNCLEAR : api_int_result(result);
}

API_CALL_OBJECT(from_i64, mpy_int_from_i64(7))
API_CALL_OBJECT(from_u64, mpy_int_from_u64(7))
API_CALL_OBJECT(from_double, mpy_float_from_double(1e300))
API_CALL_OBJECT(int_from_str, mpy_int_from_str("7", 10))
API_CALL_OBJECT(bool_from_int, mpy_bool_from_int(3))
API_CALL_OBJECT(add, mpy_number_add(v[0], v[1]))
API_CALL_OBJECT(subtract, mpy_number_subtract(v[0], v[1]))
API_CALL_OBJECT(multiply, mpy_number_multiply(v[0], v[1]))
API_CALL_OBJECT(true_divide, mpy_number_true_divide(v[0], v[1]))
API_CALL_OBJECT(floor_divide, mpy_number_floor_divide(v[0], v[1]))
API_CALL_OBJECT(remainder, mpy_number_remainder(v[0], v[1]))
API_CALL_OBJECT(negative, mpy_number_negative(v[0]))
API_CALL_OBJECT(absolute, mpy_number_absolute(v[0]))
API_CALL_OBJECT(to_int, mpy_number_to_int(v[0]))
API_CALL_OBJECT(to_float, mpy_number_to_float(v[0]))

#define BINARY(kind, accepts)                                                                      \
    {                                                                                              \
        API_ARG("a", NULL, kind, accepts), API_ARG("b", NULL, kind, accepts)                       \
    }

const struct api_call api_number_calls[] = {
    {"mpy_int_from_i64", call_from_i64, {{0}}, API_ANYWHERE},
    {"mpy_int_from_u64", call_from_u64, {{0}}, API_ANYWHERE},
    {"mpy_float_from_double", call_from_double, {{0}}, 0},
    {"mpy_int_from_str", call_int_from_str, {{0}}, 0},
    {"mpy_int_as_i64", call_as_i64, {API_ARG("o", "int", API_INT, INTS)}, API_ANYWHERE},
    {"mpy_int_as_u64", call_as_u64, {API_ARG("o", "int", API_INT, INTS)}, 0},
    {"mpy_int_as_double", call_as_double, {API_ARG("o", "int", API_INT, INTS)}, 0},
    {"mpy_float_as_double", call_float_as_double, {API_ARG("o", NULL, API_BOXED, NUMBERS)}, 0},
    {"mpy_bool_from_int", call_bool_from_int, {{0}}, API_ANYWHERE},
    {"mpy_number_add", call_add, BINARY(API_BOXED, NUMBERS), 0},
    {"mpy_number_add", call_add, BINARY(API_STR, STR), 0},
    {"mpy_number_add", call_add, BINARY(API_LIST, API_BIT(API_LIST)), 0},
    {"mpy_number_add", call_add, BINARY(API_TUPLE, API_BIT(API_TUPLE)), 0},
    {"mpy_number_add", call_add, BINARY(API_BYTES, BYTES), 0},
    {"mpy_number_subtract", call_subtract, BINARY(API_BOXED, NUMBERS), 0},
    {"mpy_number_multiply", call_multiply, BINARY(API_FLOAT, NUMBERS), 0},
    {"mpy_number_multiply",
     call_multiply,
     {API_ANY("a", API_LIST), API_ARG("b", NULL, API_INT, INTS)},
     0},
    {"mpy_number_multiply",
     call_multiply,
     {API_ARG("a", NULL, API_INT, INTS), API_ANY("b", API_STR)},
     0},
    {"mpy_number_true_divide", call_true_divide, BINARY(API_BOXED, NUMBERS), 0},
    {"mpy_number_floor_divide", call_floor_divide, BINARY(API_BOXED, NUMBERS), 0},
    {"mpy_number_remainder", call_remainder, BINARY(API_BOXED, NUMBERS), 0},
    {"mpy_number_negative", call_negative, {API_ARG("a", NULL, API_BOXED, NUMBERS)}, 0},
    {"mpy_number_absolute", call_absolute, {API_ARG("a", NULL, API_BOXED, NUMBERS)}, 0},
    {"mpy_number_to_int", call_to_int, {API_ARG("a", NULL, API_STR, NUMBERS | STR)}, 0},
    {"mpy_number_to_float", call_to_float, {API_ARG("a", NULL, API_STR, NUMBERS | STR)}, 0},
    {NULL, NULL, {{0}}, 0},
};

/* ---- str.h ---------------------------------------------------------------------------------- */

static int
call_as_utf8(mpy_object *const *v)
{
    const char *out = "unchanged";
    size_t n = 77;
    int result = mpy_str_as_utf8(v[0], &out, &n);
    return result == -1 && (out != NULL || n != 0) ? API_UNCLEAR : api_int_result(result);
}

static int
call_str_find(mpy_object *const *v)
{
    int64_t out = 77;
    return api_int_result(mpy_str_find(v[0], v[1], 0, 2, 1, &out));
}

static mpy_object *
call_vformat_with(const char *fmt, ...)
{
    mpy_object *o;
    va_list args;
    va_start(args, fmt);
    o = mpy_str_vformat(fmt, args);
    va_end(args);
    return o;
}

API_CALL_OBJECT(from_utf8, mpy_str_from_utf8("text"))
API_CALL_OBJECT(from_utf8_n, mpy_str_from_utf8_n("text", 3))
API_CALL_OBJECT(format, mpy_str_format("%d %O %R %T", 7, v[0], v[1], v[2]))
API_CALL_OBJECT(vformat, call_vformat_with("%s %O", "text", v[0]))
API_CALL_OBJECT(intern, mpy_str_intern("attr"))
API_CALL_INT(str_length, mpy_str_length(v[0]))
API_CALL_OBJECT(substring, mpy_str_substring(v[0], 0, 1))
API_CALL_OBJECT(str_concat, mpy_str_concat(v[0], v[1]))
API_CALL_OBJECT(join, mpy_str_join(v[0], v[1]))
API_CALL_OBJECT(split, mpy_str_split(v[0], v[1], -1))
API_CALL_OBJECT(replace, mpy_str_replace(v[0], v[1], v[2], -1))
API_CALL_INT(str_contains, mpy_str_contains(v[0], v[1]))
API_CALL_INT(equal_utf8, mpy_str_equal_utf8(v[0], "12", 2))

/* The writer's: the whole life of one, so that nothing is left over when a step fails. */
static int
write_with(int (*step)(mpy_strwriter *w, mpy_object *o), mpy_object *o)
{
    mpy_strwriter *w = mpy_strwriter_new(0);
    int result;
    if (w == NULL) {
        return API_FAILED;
    }
    result = step(w, o);
    if (result < 0) {
        mpy_strwriter_discard(w);
        return API_FAILED;
    }
    return api_object_result(mpy_strwriter_finish(w));
}

static int
write_plain(mpy_strwriter *w, mpy_object *o)
{
    (void)o;
    return mpy_strwriter_utf8(w, "abc", 3) < 0 || mpy_strwriter_char(w, 0x20AC) < 0 ? -1 : 0;
}

static int
write_format(mpy_strwriter *w, mpy_object *o)
{
    return mpy_strwriter_format(w, "%d %O", 7, o);
}

static int
call_writer_str(mpy_object *const *v)
{
    return write_with(mpy_strwriter_str, v[0]);
}

static int
call_writer_repr(mpy_object *const *v)
{
    return write_with(mpy_strwriter_repr, v[0]);
}

static int
call_writer_plain(mpy_object *const *v)
{
    (void)v;
    return write_with(write_plain, NULL);
}

static int
call_writer_format(mpy_object *const *v)
{
    return write_with(write_format, v[0]);
}

static int
call_writer_discard(mpy_object *const *v)
{
    mpy_strwriter *w = mpy_strwriter_new(100);
    (void)v;
    if (w == NULL) {
        return API_FAILED;
    }
    mpy_strwriter_discard(w);
    return API_OK;
}

static int
call_hash_bytes(mpy_object *const *v)
{
    (void)v;
    return mpy_hash_bytes("abc", 3) == 0 ? API_UNCLEAR : API_OK;
}

const struct api_call api_str_calls[] = {
    {"mpy_str_from_utf8", call_from_utf8, {{0}}, 0},
    {"mpy_str_from_utf8_n", call_from_utf8_n, {{0}}, 0},
    {"mpy_str_format",
     call_format,
     {API_ANY("%O", API_LIST), API_ANY("%R", API_STR), API_ANY("%T", API_PLAIN)},
     0},
    {"mpy_str_vformat", call_vformat, {API_ANY("%O", API_LIST)}, 0},
    {"mpy_str_intern", call_intern, {{0}}, 0},
    {"mpy_str_as_utf8", call_as_utf8, {API_ARG("s", "str", API_STR, STR)}, 0},
    {"mpy_str_length", call_str_length, {API_ARG("s", "str", API_STR, STR)}, 0},
    {"mpy_str_substring", call_substring, {API_ARG("s", "str", API_STR, STR)}, 0},
    {"mpy_str_concat",
     call_str_concat,
     {API_ARG("a", "str", API_STR, STR), API_ARG("b", "str", API_STR, STR)},
     0},
    {"mpy_str_join",
     call_join,
     {API_OPT("sep", "str", API_STR, STR),
      API_ARG("iterable", NULL, API_STR_LIST,
              STR | API_BIT(API_DICT) | API_BIT(API_LIST) | API_BIT(API_TUPLE))},
     0},
    {"mpy_str_split",
     call_split,
     {API_ARG("s", "str", API_STR, STR), API_OPT("sep", "str", API_STR, STR)},
     0},
    {"mpy_str_replace",
     call_replace,
     {API_ARG("s", "str", API_STR, STR), API_ARG("from", "str", API_STR, STR),
      API_ARG("to", "str", API_STR, STR)},
     0},
    {"mpy_str_find",
     call_str_find,
     {API_ARG("s", "str", API_STR, STR), API_ARG("sub", "str", API_STR, STR)},
     0},
    {"mpy_str_contains",
     call_str_contains,
     {API_ARG("s", "str", API_STR, STR), API_ARG("sub", "str", API_STR, STR)},
     0},
    {"mpy_str_equal_utf8", call_equal_utf8, {API_ARG("s", "str", API_STR, STR)}, 0},
    {"mpy_strwriter_new", call_writer_discard, {{0}}, 0},
    {"mpy_strwriter_discard", call_writer_discard, {{0}}, 0},
    {"mpy_strwriter_utf8", call_writer_plain, {{0}}, 0},
    {"mpy_strwriter_char", call_writer_plain, {{0}}, 0},
    {"mpy_strwriter_finish", call_writer_plain, {{0}}, 0},
    {"mpy_strwriter_str", call_writer_str, {API_ANY("s", API_LIST)}, 0},
    {"mpy_strwriter_repr", call_writer_repr, {API_ANY("o", API_LIST)}, 0},
    {"mpy_strwriter_format", call_writer_format, {API_ANY("%O", API_LIST)}, 0},
    {"mpy_hash_bytes", call_hash_bytes, {{0}}, API_ANYWHERE},
    {NULL, NULL, {{0}}, 0},
};

/* ---- bytes.h -------------------------------------------------------------------------------- */

static int
call_bytes_view(mpy_object *const *v)
{
    const uint8_t *out = (const uint8_t *)"unchanged";
    size_t n = 77;
    int result = mpy_bytes_view(v[0], &out, &n);
    return result == -1 && (out != NULL || n != 0) ? API_UNCLEAR : api_int_result(result);
}

API_CALL_OBJECT(from_data, mpy_bytes_from_data("abc", 3))
API_CALL_OBJECT(bytes_concat, mpy_bytes_concat(v[0], v[1]))

const struct api_call api_bytes_calls[] = {
    {"mpy_bytes_from_data", call_from_data, {{0}}, 0},
    {"mpy_bytes_view", call_bytes_view, {API_ARG("o", "bytes", API_BYTES, BYTES)}, 0},
    {"mpy_bytes_concat",
     call_bytes_concat,
     {API_ARG("a", "bytes", API_BYTES, BYTES), API_ARG("b", "bytes", API_BYTES, BYTES)},
     0},
    {NULL, NULL, {{0}}, 0},
};
