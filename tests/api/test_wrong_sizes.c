/* SPDX-License-Identifier: MIT */
/*
 * api/test_wrong_sizes.c - sizes, indices, texts and numbers outside what a function takes.
 *
 * Tables of single calls, each with the errors its header allows. As in test_wrong_calls.c the text
 * has to name the function, and no memory may be left over. Where a header says that a value is
 * clamped, the call has to succeed: the last test looks at the results.
 */
#include "support/api_bad.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An int / a value that fn looks at and drops. */
static int
with(struct api_world *w, int kind, ptrdiff_t (*fn)(mpy_object *o, int64_t n), int64_t n)
{
    mpy_object *o = api_make(w, kind);
    char *repr = api_repr(o), *after;
    ptrdiff_t r = fn(o, n);
    struct {
        int code;
        char text[MPY_ERR_TEXT_MAX + 1];
    } error;

    /* repr must not run with an error set. */
    error.code = api_take_error(error.text, sizeof error.text);
    after = api_repr(o);
    assert_string_equal(repr, after);
    free(repr);
    free(after);
    mpy_decref(o);
    if (error.code != 0) {
        mpy_err_set_code(error.code, error.text);
    }
    return api_int_result(r);
}

/* ---- lists and tuples ----------------------------------------------------------------------- */

/* 0 and dropped, or -1. */
static ptrdiff_t
gone(mpy_object *o)
{
    mpy_xdecref(o);
    return o != NULL ? 0 : -1;
}

static ptrdiff_t
list_get(mpy_object *o, int64_t n)
{
    return gone(mpy_list_get(o, (ptrdiff_t)n));
}

static ptrdiff_t
list_set(mpy_object *o, int64_t n)
{
    return mpy_list_set(o, (ptrdiff_t)n, o);
}

static ptrdiff_t
list_pop(mpy_object *o, int64_t n)
{
    return gone(mpy_list_pop(o, (ptrdiff_t)n));
}

static ptrdiff_t
list_copy_out(mpy_object *o, int64_t n)
{
    mpy_object *out[3];
    return mpy_list_copy_out(o, (ptrdiff_t)n, 3, out);
}

static ptrdiff_t
tuple_get(mpy_object *o, int64_t n)
{
    return gone(mpy_tuple_get(o, (ptrdiff_t)n));
}

static ptrdiff_t
item_get(mpy_object *o, int64_t n)
{
    return gone(mpy_object_get_item(o, mpy_int_from_i64(n)));
}

static ptrdiff_t
item_set(mpy_object *o, int64_t n)
{
    return mpy_object_set_item(o, mpy_int_from_i64(n), o);
}

static ptrdiff_t
item_del(mpy_object *o, int64_t n)
{
    return mpy_object_del_item(o, mpy_int_from_i64(n));
}

/* Every index that is not there, for every function that takes one. */
static void
test_indices(void **state)
{
    static const int64_t outside[] = {-4, 3, 4, 1000, MPY_INT_MAX, MPY_INT_MIN};
    static const int64_t more[] = {INT64_MAX, INT64_MIN, -1, -2, -3};
    static const struct {
        const char *function;
        ptrdiff_t (*fn)(mpy_object *o, int64_t n);
        int kind, takes_negative;
    } cases[] = {{"mpy_list_get", list_get, API_LIST, 0},
                 {"mpy_list_set", list_set, API_LIST, 0},
                 {"mpy_list_pop", list_pop, API_LIST, 1},
                 {"mpy_tuple_get", tuple_get, API_TUPLE, 0},
                 {"mpy_object_get_item", item_get, API_LIST, 2},
                 {"mpy_object_get_item", item_get, API_TUPLE, 2},
                 {"mpy_object_get_item", item_get, API_RANGE, 2},
                 {"mpy_object_get_item", item_get, API_STR, 2},
                 {"mpy_object_get_item", item_get, API_BYTES, 2},
                 {"mpy_object_set_item", item_set, API_LIST, 2},
                 {"mpy_object_del_item", item_del, API_LIST, 2}};
    char text[MPY_ERR_TEXT_MAX + 1];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t k = 0; k < 11; k++) {
            int64_t n = k < 6 ? outside[k] : more[k - 6];
            if (k >= 6 && (cases[i].takes_negative == 2 || (cases[i].takes_negative && k == 8))) {
                continue;
            }
            assert_int_equal(with(*state, cases[i].kind, cases[i].fn, n), API_FAILED);
            assert_int_equal(api_take_error(text, sizeof text), MPY_EXC_INDEX_ERROR);
            if (strncmp(text, cases[i].function, strlen(cases[i].function)) != 0) {
                fail_msg("%s(%lld): the text does not name the function: %s", cases[i].function,
                         (long long)n, text);
            }
        }
    }
    for (int64_t n = -3; n < 0; n++) {
        assert_int_equal(with(*state, API_LIST, list_copy_out, n), API_FAILED);
        api_expect_error(MPY_EXC_INDEX_ERROR);
    }
}

static mpy_object *
list_of_array(size_t n, int has_null)
{
    mpy_object *items[3] = {MPY_NONE, has_null ? NULL : MPY_NONE, MPY_NONE};
    return mpy_list_from_array(items, n);
}

static mpy_object *
tuple_of_array(size_t n, int has_null)
{
    mpy_object *items[3] = {MPY_NONE, has_null ? NULL : MPY_NONE, MPY_NONE};
    return mpy_tuple_from_array(items, n);
}

static int
pop_empty(struct api_world *w)
{
    mpy_object *list = api_good(mpy_list_new(4));
    int result = api_object_result(mpy_list_pop(list, -1));
    (void)w;
    mpy_decref(list);
    return result;
}

OBJECT_CASE(list_new_1, mpy_list_new(SIZE_MAX))
OBJECT_CASE(list_new_2, mpy_list_new(SIZE_MAX / 8))
OBJECT_CASE(list_new_3, mpy_list_new((size_t)PTRDIFF_MAX / 8 + 1))
OBJECT_CASE(list_new_4, mpy_list_new((size_t)1 << 61))
OBJECT_CASE(list_array_1, mpy_list_from_array(NULL, 2))
OBJECT_CASE(list_array_2, list_of_array(3, 1))
OBJECT_CASE(list_array_3, list_of_array(SIZE_MAX, 0))
OBJECT_CASE(list_array_4, list_of_array(SIZE_MAX / 8 + 1, 0))
OBJECT_CASE(tuple_array_1, mpy_tuple_from_array(NULL, 2))
OBJECT_CASE(tuple_array_2, tuple_of_array(3, 1))
OBJECT_CASE(tuple_array_3, tuple_of_array(SIZE_MAX, 0))
OBJECT_CASE(tuple_array_4, tuple_of_array(SIZE_MAX / 8 + 1, 0))
OBJECT_CASE(dict_new_1, mpy_dict_new(SIZE_MAX))
OBJECT_CASE(dict_new_2, mpy_dict_new(SIZE_MAX / 16))
OBJECT_CASE(dict_new_3, mpy_dict_new((size_t)PTRDIFF_MAX / 16 + 1))

static const struct api_bad container_cases[] = {
    {"mpy_list_pop", "[], -1", pop_empty, MPY_EXC_INDEX_ERROR, 0},
    {"mpy_list_new", "SIZE_MAX", list_new_1, MEMORY, OVERFLOW},
    {"mpy_list_new", "SIZE_MAX / 8", list_new_2, MEMORY, OVERFLOW},
    {"mpy_list_new", "PTRDIFF_MAX / 8 + 1", list_new_3, MEMORY, OVERFLOW},
    {"mpy_list_new", "1 << 61", list_new_4, MEMORY, OVERFLOW},
    {"mpy_list_from_array", "NULL, 2", list_array_1, NULLS, 0},
    {"mpy_list_from_array", "{x, NULL, x}", list_array_2, NULLS, 0},
    {"mpy_list_from_array", "SIZE_MAX", list_array_3, MEMORY, OVERFLOW},
    {"mpy_list_from_array", "SIZE_MAX / 8 + 1", list_array_4, MEMORY, OVERFLOW},
    {"mpy_tuple_from_array", "NULL, 2", tuple_array_1, NULLS, 0},
    {"mpy_tuple_from_array", "{x, NULL, x}", tuple_array_2, NULLS, 0},
    {"mpy_tuple_from_array", "SIZE_MAX", tuple_array_3, MEMORY, OVERFLOW},
    {"mpy_tuple_from_array", "SIZE_MAX / 8 + 1", tuple_array_4, MEMORY, OVERFLOW},
    {"mpy_dict_new", "SIZE_MAX", dict_new_1, MEMORY, OVERFLOW},
    {"mpy_dict_new", "SIZE_MAX / 16", dict_new_2, MEMORY, OVERFLOW},
    {"mpy_dict_new", "PTRDIFF_MAX / 16 + 1", dict_new_3, MEMORY, OVERFLOW},
    {NULL, NULL, NULL, 0, 0}};

static void
test_containers(void **state)
{
    api_check_bad(*state, container_cases);
}

/* ---- text ----------------------------------------------------------------------------------- */

static int
in_dict(int (*fn)(mpy_object *dict))
{
    mpy_object *dict = api_good(mpy_dict_new(0));
    int result = fn(dict);
    assert_int_equal(mpy_dict_length(dict), 0);
    mpy_decref(dict);
    return result;
}

static int
dict_set_null(mpy_object *dict)
{
    return mpy_dict_set_utf8(dict, NULL, MPY_NONE);
}

static int
dict_get_null(mpy_object *dict)
{
    mpy_object *out;
    return mpy_dict_get_utf8(dict, NULL, &out);
}

static int
dict_set_invalid(mpy_object *dict)
{
    return mpy_dict_set_utf8(dict, "\xff", MPY_NONE);
}

static int
dict_del_missing(mpy_object *dict)
{
    return mpy_dict_del(dict, MPY_NONE);
}

/* A format the compiler must not look at. */
static mpy_object *
format(const char *fmt, ...)
{
    mpy_object *o;
    va_list args;
    va_start(args, fmt);
    o = mpy_str_vformat(fmt, args);
    va_end(args);
    return o;
}

static int
write_piece(int (*piece)(mpy_strwriter *writer))
{
    mpy_strwriter *writer = mpy_strwriter_new(0);
    int result;
    assert_non_null(writer);
    result = piece(writer);
    mpy_strwriter_discard(writer);
    return result;
}

static int
piece_surrogate(mpy_strwriter *writer)
{
    return mpy_strwriter_char(writer, 0xD800);
}

static int
piece_beyond(mpy_strwriter *writer)
{
    return mpy_strwriter_char(writer, 0x110000);
}

static int
piece_max(mpy_strwriter *writer)
{
    return mpy_strwriter_char(writer, UINT32_MAX);
}

static int
piece_null(mpy_strwriter *writer)
{
    return mpy_strwriter_utf8(writer, NULL, 1);
}

static int
piece_invalid(mpy_strwriter *writer)
{
    return mpy_strwriter_utf8(writer, "\xc0\x80", 2);
}

static int
piece_format(mpy_strwriter *writer)
{
    return mpy_strwriter_format(writer, "%y", 1);
}

static int
writer_new(struct api_world *w)
{
    mpy_strwriter *writer = mpy_strwriter_new(SIZE_MAX);
    (void)w;
    if (writer == NULL) {
        return API_FAILED;
    }
    mpy_strwriter_discard(writer);
    return API_OK;
}

INT_CASE(text_dict_1, in_dict(dict_set_null))
INT_CASE(text_dict_2, in_dict(dict_get_null))
INT_CASE(text_dict_3, in_dict(dict_set_invalid))
INT_CASE(text_dict_4, in_dict(dict_del_missing))
OBJECT_CASE(utf8_null, mpy_str_from_utf8(NULL))
OBJECT_CASE(utf8_n_null, mpy_str_from_utf8_n(NULL, 1))
OBJECT_CASE(utf8_n_huge, mpy_str_from_utf8_n("x", SIZE_MAX))
OBJECT_CASE(utf8_byte, mpy_str_from_utf8("a\xff"))
OBJECT_CASE(utf8_long, mpy_str_from_utf8("\xc0\x80"))
OBJECT_CASE(utf8_surrogate, mpy_str_from_utf8("\xed\xa0\x80"))
OBJECT_CASE(utf8_beyond, mpy_str_from_utf8("\xf4\x90\x80\x80"))
OBJECT_CASE(utf8_cut, mpy_str_from_utf8("abc\xe2\x82"))
OBJECT_CASE(utf8_cut_n, mpy_str_from_utf8_n("\xe2\x82\xac", 2))
OBJECT_CASE(intern_null, mpy_str_intern(NULL))
OBJECT_CASE(intern_bad, mpy_str_intern("\x80"))
OBJECT_CASE(format_null, format(NULL))
OBJECT_CASE(format_q, format("%q", 1))
OBJECT_CASE(format_end, format("abc%"))
OBJECT_CASE(format_object, format("%O", (mpy_object *)NULL))
INT_CASE(writer_surrogate, write_piece(piece_surrogate))
INT_CASE(writer_beyond, write_piece(piece_beyond))
INT_CASE(writer_max, write_piece(piece_max))
INT_CASE(writer_null, write_piece(piece_null))
INT_CASE(writer_invalid, write_piece(piece_invalid))
INT_CASE(writer_format, write_piece(piece_format))
OBJECT_CASE(bytes_null, mpy_bytes_from_data(NULL, 1))
OBJECT_CASE(bytes_huge, mpy_bytes_from_data("x", SIZE_MAX))
OBJECT_CASE(bytes_half, mpy_bytes_from_data("x", (size_t)PTRDIFF_MAX + 1))
OBJECT_CASE(attr_null, mpy_object_get_attr_utf8(MPY_NONE, NULL))
INT_CASE(attr_set_null, mpy_object_set_attr_utf8(MPY_NONE, NULL, MPY_NONE))
OBJECT_CASE(method_null, mpy_call_method_utf8(MPY_NONE, NULL, NULL, 0))

static const struct api_bad text_cases[] = {
    {"mpy_dict_set_utf8", "NULL", text_dict_1, NULLS, 0},
    {"mpy_dict_get_utf8", "NULL", text_dict_2, NULLS, 0},
    {"mpy_dict_set_utf8", "invalid", text_dict_3, VALUE, MPY_EXC_UNICODE_ERROR},
    {"mpy_str_from_utf8", "NULL", utf8_null, NULLS, 0},
    {"mpy_str_from_utf8_n", "NULL, 1", utf8_n_null, NULLS, 0},
    {"mpy_str_from_utf8_n", "SIZE_MAX", utf8_n_huge, MEMORY, OVERFLOW},
    {"mpy_str_from_utf8", "ff", utf8_byte, VALUE, MPY_EXC_UNICODE_ERROR},
    {"mpy_str_from_utf8", "c0 80", utf8_long, VALUE, MPY_EXC_UNICODE_ERROR},
    {"mpy_str_from_utf8", "surrogate", utf8_surrogate, VALUE, MPY_EXC_UNICODE_ERROR},
    {"mpy_str_from_utf8", "beyond 10ffff", utf8_beyond, VALUE, MPY_EXC_UNICODE_ERROR},
    {"mpy_str_from_utf8", "cut", utf8_cut, VALUE, MPY_EXC_UNICODE_ERROR},
    {"mpy_str_from_utf8_n", "cut", utf8_cut_n, VALUE, MPY_EXC_UNICODE_ERROR},
    {"mpy_str_intern", "NULL", intern_null, NULLS, 0},
    {"mpy_str_intern", "80", intern_bad, VALUE, MPY_EXC_UNICODE_ERROR},
    {"mpy_str_vformat", "NULL", format_null, NULLS, 0},
    {"mpy_str_vformat", "%q", format_q, VALUE, 0},
    {"mpy_str_vformat", "% at the end", format_end, VALUE, 0},
    {"mpy_str_vformat", "%O of NULL", format_object, NULLS, 0},
    {"mpy_strwriter_new", "SIZE_MAX", writer_new, MEMORY, OVERFLOW},
    {"mpy_strwriter_char", "d800", writer_surrogate, VALUE, 0},
    {"mpy_strwriter_char", "110000", writer_beyond, VALUE, 0},
    {"mpy_strwriter_char", "ffffffff", writer_max, VALUE, 0},
    {"mpy_strwriter_utf8", "NULL", writer_null, NULLS, 0},
    {"mpy_strwriter_utf8", "c0 80", writer_invalid, VALUE, MPY_EXC_UNICODE_ERROR},
    {"mpy_strwriter_format", "%y", writer_format, VALUE, 0},
    {"mpy_bytes_from_data", "NULL, 1", bytes_null, NULLS, 0},
    {"mpy_bytes_from_data", "SIZE_MAX", bytes_huge, MEMORY, OVERFLOW},
    {"mpy_bytes_from_data", "PTRDIFF_MAX + 1", bytes_half, MEMORY, OVERFLOW},
    {"mpy_object_get_attr_utf8", "NULL", attr_null, NULLS, 0},
    {"mpy_object_set_attr_utf8", "NULL", attr_set_null, NULLS, 0},
    {"mpy_call_method_utf8", "NULL", method_null, NULLS, 0},
    {NULL, NULL, NULL, 0, 0}};

static void
test_text(void **state)
{
    api_check_bad(*state, text_cases);
    /* The text of a KeyError is the key: it cannot name the function. */
    assert_int_equal(text_dict_4(*state), API_FAILED);
    api_expect_error(MPY_EXC_KEY_ERROR);
}

/* ---- numbers -------------------------------------------------------------------------------- */

static mpy_object *
repeat(struct api_world *w, int kind, int64_t n)
{
    mpy_object *o = api_make(w, kind);
    mpy_object *r = mpy_number_multiply(o, mpy_int_from_i64(n));
    mpy_decref(o);
    return r;
}

static int
as_u64_negative(struct api_world *w)
{
    uint64_t out;
    (void)w;
    return api_int_result(mpy_int_as_u64(mpy_int_from_i64(-1), &out));
}

static mpy_object *
int_of_double(double d)
{
    mpy_object *f = api_good(mpy_float_from_double(d));
    mpy_object *r = mpy_number_to_int(f);
    mpy_decref(f);
    return r;
}

OBJECT_CASE(i64_1, mpy_int_from_i64(INT64_MAX))
OBJECT_CASE(i64_2, mpy_int_from_i64(INT64_MIN))
OBJECT_CASE(i64_3, mpy_int_from_i64(MPY_INT_MAX + 1))
OBJECT_CASE(i64_4, mpy_int_from_i64(MPY_INT_MIN - 1))
OBJECT_CASE(u64_1, mpy_int_from_u64(UINT64_MAX))
OBJECT_CASE(u64_2, mpy_int_from_u64((uint64_t)1 << 62))
OBJECT_CASE(parse_1, mpy_int_from_str("99999999999999999999", 10))
OBJECT_CASE(parse_2, mpy_int_from_str("4611686018427387904", 10))
OBJECT_CASE(parse_3, mpy_int_from_str("", 10))
OBJECT_CASE(parse_4, mpy_int_from_str("12", 2))
OBJECT_CASE(parse_5, mpy_int_from_str("1", 1))
OBJECT_CASE(parse_6, mpy_int_from_str("1", -1))
OBJECT_CASE(parse_7, mpy_int_from_str("1", 37))
OBJECT_CASE(parse_8, mpy_int_from_str(NULL, 10))
OBJECT_CASE(parse_9, mpy_int_from_str("-4611686018427387905", 10))
OBJECT_CASE(repeat_1, repeat(w, API_STR, MPY_INT_MAX))
OBJECT_CASE(repeat_2, repeat(w, API_LIST, MPY_INT_MAX))
OBJECT_CASE(repeat_3, repeat(w, API_TUPLE, (int64_t)1 << 61))
OBJECT_CASE(repeat_4, repeat(w, API_LIST, (int64_t)1 << 59))
OBJECT_CASE(add_over, mpy_number_add(mpy_int_from_i64(MPY_INT_MAX), mpy_int_from_i64(1)))
OBJECT_CASE(sub_over, mpy_number_subtract(mpy_int_from_i64(MPY_INT_MIN), mpy_int_from_i64(1)))
OBJECT_CASE(mul_over, mpy_number_multiply(mpy_int_from_i64(MPY_INT_MAX), mpy_int_from_i64(2)))
OBJECT_CASE(neg_over, mpy_number_negative(mpy_int_from_i64(MPY_INT_MIN)))
OBJECT_CASE(abs_over, mpy_number_absolute(mpy_int_from_i64(MPY_INT_MIN)))
OBJECT_CASE(div_over, mpy_number_floor_divide(mpy_int_from_i64(MPY_INT_MIN), mpy_int_from_i64(-1)))
OBJECT_CASE(div_zero, mpy_number_true_divide(mpy_int_from_i64(1), mpy_int_from_i64(0)))
OBJECT_CASE(floor_zero, mpy_number_floor_divide(mpy_int_from_i64(1), mpy_int_from_i64(0)))
OBJECT_CASE(mod_zero, mpy_number_remainder(mpy_int_from_i64(1), mpy_int_from_i64(0)))
OBJECT_CASE(to_int_inf, int_of_double(INFINITY))
OBJECT_CASE(to_int_nan, int_of_double(NAN))
OBJECT_CASE(to_int_big, int_of_double(1e300))
OBJECT_CASE(to_int_edge, int_of_double(4611686018427387904.0))

static const struct api_bad number_cases[] = {
    {"mpy_int_from_i64", "INT64_MAX", i64_1, OVERFLOW, 0},
    {"mpy_int_from_i64", "INT64_MIN", i64_2, OVERFLOW, 0},
    {"mpy_int_from_i64", "MPY_INT_MAX + 1", i64_3, OVERFLOW, 0},
    {"mpy_int_from_i64", "MPY_INT_MIN - 1", i64_4, OVERFLOW, 0},
    {"mpy_int_from_u64", "UINT64_MAX", u64_1, OVERFLOW, 0},
    {"mpy_int_from_u64", "1 << 62", u64_2, OVERFLOW, 0},
    {"mpy_int_from_str", "20 digits", parse_1, OVERFLOW, 0},
    {"mpy_int_from_str", "2^62", parse_2, OVERFLOW, 0},
    {"mpy_int_from_str", "empty", parse_3, VALUE, 0},
    {"mpy_int_from_str", "12 in base 2", parse_4, VALUE, 0},
    {"mpy_int_from_str", "base 1", parse_5, VALUE, 0},
    {"mpy_int_from_str", "base -1", parse_6, VALUE, 0},
    {"mpy_int_from_str", "base 37", parse_7, VALUE, 0},
    {"mpy_int_from_str", "NULL", parse_8, NULLS, 0},
    {"mpy_int_from_str", "-2^62 - 1", parse_9, OVERFLOW, 0},
    {"mpy_number_multiply", "str, 2^62 - 1", repeat_1, MEMORY, OVERFLOW},
    {"mpy_number_multiply", "list, 2^62 - 1", repeat_2, MEMORY, OVERFLOW},
    {"mpy_number_multiply", "tuple, 2^61", repeat_3, MEMORY, OVERFLOW},
    {"mpy_number_multiply", "list, 2^59", repeat_4, MEMORY, OVERFLOW},
    {"mpy_number_add", "max, 1", add_over, OVERFLOW, 0},
    {"mpy_number_subtract", "min, 1", sub_over, OVERFLOW, 0},
    {"mpy_number_multiply", "max, 2", mul_over, OVERFLOW, 0},
    {"mpy_number_negative", "min", neg_over, OVERFLOW, 0},
    {"mpy_number_absolute", "min", abs_over, OVERFLOW, 0},
    {"mpy_number_floor_divide", "min, -1", div_over, OVERFLOW, 0},
    {"mpy_number_true_divide", "1, 0", div_zero, MPY_EXC_ZERO_DIVISION_ERROR, 0},
    {"mpy_number_floor_divide", "1, 0", floor_zero, MPY_EXC_ZERO_DIVISION_ERROR, 0},
    {"mpy_number_remainder", "1, 0", mod_zero, MPY_EXC_ZERO_DIVISION_ERROR, 0},
    {"mpy_int_as_u64", "-1", as_u64_negative, OVERFLOW, 0},
    {"mpy_number_to_int", "inf", to_int_inf, OVERFLOW, 0},
    {"mpy_number_to_int", "nan", to_int_nan, VALUE, 0},
    {"mpy_number_to_int", "1e300", to_int_big, OVERFLOW, 0},
    {"mpy_number_to_int", "2^62", to_int_edge, OVERFLOW, 0},
    {NULL, NULL, NULL, 0, 0}};

static void
test_numbers(void **state)
{
    api_check_bad(*state, number_cases);
}

/* ---- what is clamped ------------------------------------------------------------------------ */

static void
expect_repr(mpy_object *o, const char *wanted)
{
    char *repr = api_repr(api_good(o));
    assert_string_equal(repr, wanted);
    free(repr);
    mpy_decref(o);
}

static void
test_clamped(void **state)
{
    mpy_object *list = api_make(*state, API_LIST), *s = api_good(mpy_str_from_utf8("h\xc3\xa9y"));
    mpy_object *out[5];
    int64_t index;

    assert_int_equal(mpy_list_insert(list, -7, mpy_int_from_i64(0)), 0);
    assert_int_equal(mpy_list_insert(list, PTRDIFF_MAX, mpy_int_from_i64(4)), 0);
    assert_int_equal(mpy_list_insert(list, PTRDIFF_MIN, mpy_int_from_i64(-1)), 0);
    expect_repr(mpy_newref(list), "[-1, 0, 1, 2, 3, 4]");
    expect_repr(mpy_list_get_slice(list, PTRDIFF_MIN, PTRDIFF_MAX), "[-1, 0, 1, 2, 3, 4]");
    expect_repr(mpy_list_get_slice(list, 4, 2), "[]");
    expect_repr(mpy_list_get_slice(list, -2, 1), "[-1]");
    assert_int_equal(mpy_list_copy_out(list, 4, SIZE_MAX, out), 2);
    assert_int_equal(mpy_list_copy_out(list, 6, 5, out), 0);
    assert_int_equal(mpy_list_copy_out(list, 0, 0, NULL), 0);
    expect_repr(mpy_str_substring(s, PTRDIFF_MIN, PTRDIFF_MAX), "'h\xc3\xa9y'");
    expect_repr(mpy_str_substring(s, 2, 1), "''");
    expect_repr(mpy_str_substring(s, -3, 2), "'h\xc3\xa9'");
    assert_int_equal(mpy_str_find(s, s, PTRDIFF_MIN, PTRDIFF_MAX, 1, &index), 1);
    assert_int_equal(index, 0);
    assert_int_equal(mpy_str_find(s, s, 1, PTRDIFF_MAX, -1, &index), 0);
    mpy_decref(list);
    mpy_decref(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_indices, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_containers, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_text, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_numbers, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_clamped, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
