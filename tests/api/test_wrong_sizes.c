/* SPDX-License-Identifier: MIT */
/*
 * api/test_wrong_sizes.c - sizes, indices, texts and numbers outside what a function takes.
 *
 * A table of single calls, each with the errors its header allows. As in test_wrong_calls.c the
 * text has to name the function, and no memory may be left over. Where a header says that a value
 * is clamped, the call has to succeed: the last tests look at the result.
 */
#include "support/api_calls.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bad {
    const char *function;
    const char *how;
    int (*call)(struct api_world *w);
    int code, other; /* MPY_EXC_* allowed; 0: none */
};

/* Rows of the tables. BAD_O: the expression gives an object; BAD_I: an int. */
#define OBJECT_CASE(id, expr)                                                                      \
    static int id(struct api_world *w)                                                             \
    {                                                                                              \
        (void)w;                                                                                   \
        return api_object_result(expr);                                                            \
    }
#define INT_CASE(id, expr)                                                                         \
    static int id(struct api_world *w)                                                             \
    {                                                                                              \
        (void)w;                                                                                   \
        return api_int_result(expr);                                                               \
    }

static unsigned faults;

static void
check(struct api_world *w, const struct bad *b)
{
    char text[MPY_ERR_TEXT_MAX + 1];
    for (int turn = 0; turn < 2; turn++) {
        ptrdiff_t blocks = mpy_mem_allocated_blocks(w->rt);
        ptrdiff_t mem = mpy_mem_allocated_blocks(NULL);
        int result = b->call(w);
        int code = api_take_error(text, sizeof text);
        const char *name = strstr(text, b->function);
        if (result != API_FAILED || (code != b->code && (code != b->other || code == 0))) {
            faults++;
            print_error("%s(%s): result %d, error %d instead of %d: %s\n", b->function, b->how,
                        result, code, b->code, text);
        } else if (code != MPY_EXC_MEMORY_ERROR && (name == NULL || name != text)) {
            faults++;
            print_error("%s(%s): the text does not name the function: %s\n", b->function, b->how,
                        text);
        }
        if (turn == 1 &&
            (mpy_mem_allocated_blocks(w->rt) != blocks || mpy_mem_allocated_blocks(NULL) != mem)) {
            faults++;
            print_error("%s(%s): blocks changed by %td and %td\n", b->function, b->how,
                        mpy_mem_allocated_blocks(w->rt) - blocks,
                        mpy_mem_allocated_blocks(NULL) - mem);
        }
    }
}

static void
check_all(void **state, const struct bad *table)
{
    faults = 0;
    for (; table->function != NULL; table++) {
        check(*state, table);
    }
    assert_int_equal(faults, 0);
}

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

#define MEMORY   MPY_EXC_MEMORY_ERROR
#define OVERFLOW MPY_EXC_OVERFLOW_ERROR
#define NULLS    MPY_EXC_SYSTEM_ERROR
#define VALUE    MPY_EXC_VALUE_ERROR
#define TYPE     MPY_EXC_TYPE_ERROR

static const struct bad container_cases[] = {
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
    check_all(state, container_cases);
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

static const struct bad text_cases[] = {
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
    check_all(state, text_cases);
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

static const struct bad number_cases[] = {
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
    check_all(state, number_cases);
}

/* ---- types, calls, codes -------------------------------------------------------------------- */

static mpy_object *
no_fn(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self;
    (void)argv;
    (void)nargs;
    (void)kwnames;
    return MPY_NONE;
}

static const mpy_func_spec one_arg = {.name = "one", .fn = no_fn, .min_args = 1, .max_args = 1};
static const mpy_func_spec no_name = {.fn = no_fn};
static const mpy_func_spec no_code = {.name = "none"};
static const mpy_func_spec crossed = {.name = "x", .fn = no_fn, .min_args = 2, .max_args = 1};

static mpy_object *
call_one(size_t nargs, int kw)
{
    mpy_object *argv[3] = {MPY_NONE, MPY_NONE, MPY_NONE};
    mpy_object *f = api_good(mpy_func_new(&one_arg, NULL));
    mpy_object *name = api_good(mpy_str_from_utf8("k"));
    mpy_object *names =
        kw == 0 ? NULL : api_good(mpy_tuple_pack(1, kw == 1 ? name : mpy_int_from_i64(1)));
    mpy_object *r = mpy_call(f, argv, nargs, names);
    mpy_xdecref(names);
    mpy_decref(name);
    mpy_decref(f);
    return r;
}

static mpy_object *
method_of_nothing(void)
{
    mpy_object *name = api_good(mpy_str_from_utf8("k"));
    mpy_object *r = mpy_call_method(name, NULL, 0, NULL);
    mpy_decref(name);
    return r;
}

static const mpy_member_spec stray[] = {{"x", 1, 0}, {NULL, 0, 0}};

#define SPEC .size = sizeof(mpy_type_spec), .version = 1
static const mpy_type_spec spec_no_size = {.version = 1, .name = "t.T"};
static const mpy_type_spec spec_no_name = {SPEC};
static const mpy_type_spec spec_small = {SPEC, .name = "t.T", .ref_count = 2, .data_size = 8};
static const mpy_type_spec spec_member = {SPEC, .name = "t.T", .ref_count = 1, .data_size = 8,
                                          .members = stray};
static const mpy_type_spec spec_huge = {SPEC, .name = "t.T", .data_size = SIZE_MAX};
static const mpy_type_spec spec_half = {SPEC, .name = "t.T", .data_size = (size_t)PTRDIFF_MAX};
static const mpy_type_spec spec_flags = {SPEC, .name = "t.T", .flags = 0x80000000u};
static const mpy_type_spec spec_plain = {SPEC, .name = "t.T"};

static mpy_object *
below(const mpy_type_spec *spec, mpy_object *base)
{
    mpy_object *r = mpy_type_from_spec(spec, base);
    mpy_xdecref(base);
    if (r != NULL) {
        /* Sizes may be refused only when an instance is made. */
        mpy_object *o = mpy_type_new_instance(r);
        mpy_decref(r);
        r = o;
    }
    return r;
}

OBJECT_CASE(constant_1, mpy_constant(-1))
OBJECT_CASE(constant_2, mpy_constant(5))
OBJECT_CASE(exc_1, mpy_exc_type(0))
OBJECT_CASE(exc_2, mpy_exc_type(MPY_EXC_COUNT))
OBJECT_CASE(exc_3, mpy_exc_type(-1))
OBJECT_CASE(builtin_1, mpy_type_builtin(-1))
OBJECT_CASE(builtin_2, mpy_type_builtin(MPY_TYPE_ID_COUNT))
OBJECT_CASE(op_1, mpy_object_compare(MPY_NONE, MPY_NONE, -1))
OBJECT_CASE(op_2, mpy_object_compare(MPY_NONE, MPY_NONE, 6))
INT_CASE(op_3, mpy_object_compare_bool(MPY_NONE, MPY_NONE, 6))
INT_CASE(op_4, mpy_object_compare_bool(MPY_NONE, MPY_TRUE, -1))
OBJECT_CASE(step_0, mpy_iter_range(0, 3, 0))
OBJECT_CASE(func_1, mpy_func_new(NULL, NULL))
OBJECT_CASE(func_2, mpy_func_new(&no_name, NULL))
OBJECT_CASE(func_3, mpy_func_new(&no_code, NULL))
OBJECT_CASE(func_4, mpy_func_new(&crossed, NULL))
OBJECT_CASE(nargs_0, call_one(0, 0))
OBJECT_CASE(nargs_2, call_one(2, 0))
OBJECT_CASE(kw_1, call_one(1, 1))
OBJECT_CASE(kw_2, call_one(1, 2))
OBJECT_CASE(method_0, method_of_nothing())
OBJECT_CASE(spec_1, mpy_type_from_spec(NULL, NULL))
OBJECT_CASE(spec_2, mpy_type_from_spec(&spec_no_size, NULL))
OBJECT_CASE(spec_3, mpy_type_from_spec(&spec_no_name, NULL))
OBJECT_CASE(spec_4, mpy_type_from_spec(&spec_small, NULL))
OBJECT_CASE(spec_5, mpy_type_from_spec(&spec_member, NULL))
OBJECT_CASE(spec_6, below(&spec_huge, NULL))
OBJECT_CASE(spec_7, below(&spec_half, NULL))
OBJECT_CASE(spec_8, mpy_type_from_spec(&spec_flags, NULL))
OBJECT_CASE(base_final, below(&spec_plain, mpy_type_from_spec(&spec_plain, NULL)))
OBJECT_CASE(base_int, below(&spec_plain, mpy_type_builtin(MPY_TYPE_ID_INT)))
OBJECT_CASE(new_error, mpy_err_new_type(NULL, NULL, NULL))

static const struct bad code_cases[] = {
    {"mpy_constant", "-1", constant_1, VALUE, 0},
    {"mpy_constant", "5", constant_2, VALUE, 0},
    {"mpy_exc_type", "0", exc_1, VALUE, 0},
    {"mpy_exc_type", "27", exc_2, VALUE, 0},
    {"mpy_exc_type", "-1", exc_3, VALUE, 0},
    {"mpy_type_builtin", "-1", builtin_1, VALUE, 0},
    {"mpy_type_builtin", "17", builtin_2, VALUE, 0},
    {"mpy_object_compare", "op -1", op_1, VALUE, NULLS},
    {"mpy_object_compare", "op 6", op_2, VALUE, NULLS},
    {"mpy_object_compare_bool", "op 6", op_3, VALUE, NULLS},
    {"mpy_object_compare_bool", "op -1", op_4, VALUE, NULLS},
    {"mpy_iter_range", "step 0", step_0, VALUE, 0},
    {"mpy_func_new", "NULL", func_1, NULLS, 0},
    {"mpy_func_new", "no name", func_2, VALUE, NULLS},
    {"mpy_func_new", "no function", func_3, VALUE, NULLS},
    {"mpy_func_new", "max < min", func_4, VALUE, NULLS},
    {"one", "0 arguments", nargs_0, TYPE, 0},
    {"one", "2 arguments", nargs_2, TYPE, 0},
    {"one", "keyword", kw_1, TYPE, 0},
    {"mpy_call", "keyword 1", kw_2, TYPE, 0},
    {"mpy_call_method", "no arguments", method_0, NULLS, TYPE},
    {"mpy_type_from_spec", "NULL", spec_1, NULLS, 0},
    {"mpy_type_from_spec", "size 0", spec_2, VALUE, 0},
    {"mpy_type_from_spec", "no name", spec_3, VALUE, NULLS},
    {"mpy_type_from_spec", "data_size < 8 * ref_count", spec_4, VALUE, 0},
    {"mpy_type_from_spec", "member of nothing", spec_5, VALUE, 0},
    {"mpy_type_from_spec", "SIZE_MAX bytes", spec_6, VALUE, MEMORY},
    {"mpy_type_from_spec", "PTRDIFF_MAX bytes", spec_7, VALUE, MEMORY},
    {"mpy_type_from_spec", "unknown flag", spec_8, VALUE, 0},
    {"mpy_type_from_spec", "final base", base_final, TYPE, 0},
    {"mpy_type_from_spec", "base int", base_int, TYPE, 0},
    {"mpy_err_new_type", "no name", new_error, NULLS, VALUE},
    {NULL, NULL, NULL, 0, 0}};

static void
test_codes(void **state)
{
    check_all(state, code_cases);
}

INT_CASE(collect_1, mpy_gc_collect(-1, NULL))
INT_CASE(collect_2, mpy_gc_collect(3, NULL))
INT_CASE(threshold_1, mpy_gc_set_threshold(0, 15))
INT_CASE(threshold_2, mpy_gc_set_threshold(0, 1000001))
INT_CASE(threshold_3, mpy_gc_set_threshold(2, 9))
INT_CASE(threshold_4, mpy_gc_set_threshold(2, 1001))
INT_CASE(threshold_5, mpy_gc_set_threshold(3, 100))
INT_CASE(threshold_6, mpy_gc_set_threshold(-1, 100))
INT_CASE(threshold_7, mpy_gc_set_threshold(1, 0))
INT_CASE(threshold_8, mpy_gc_set_threshold(0, INT64_MIN))

static int
get_threshold_3(struct api_world *w)
{
    int64_t n;
    (void)w;
    return api_int_result(mpy_gc_get_threshold(3, &n));
}

static int
get_stats_3(struct api_world *w)
{
    mpy_gc_stats stats = {.size = sizeof stats, .version = 1};
    (void)w;
    return api_int_result(mpy_gc_get_stats(-1, &stats));
}

static int
visit_none(void *data, mpy_object *o)
{
    (void)data;
    return o == NULL;
}

INT_CASE(visit_3, mpy_gc_visit_objects(3, visit_none, NULL))
INT_CASE(visit_minus, mpy_gc_visit_objects(-1, visit_none, NULL))

static const struct bad gc_cases[] = {
    {"mpy_gc_collect", "-1", collect_1, VALUE, 0},
    {"mpy_gc_collect", "3", collect_2, VALUE, 0},
    {"mpy_gc_set_threshold", "0, 15", threshold_1, VALUE, 0},
    {"mpy_gc_set_threshold", "0, 1000001", threshold_2, VALUE, 0},
    {"mpy_gc_set_threshold", "2, 9", threshold_3, VALUE, 0},
    {"mpy_gc_set_threshold", "2, 1001", threshold_4, VALUE, 0},
    {"mpy_gc_set_threshold", "3, 100", threshold_5, VALUE, 0},
    {"mpy_gc_set_threshold", "-1, 100", threshold_6, VALUE, 0},
    {"mpy_gc_set_threshold", "1, 0", threshold_7, VALUE, 0},
    {"mpy_gc_set_threshold", "0, INT64_MIN", threshold_8, VALUE, 0},
    {"mpy_gc_get_threshold", "3", get_threshold_3, VALUE, 0},
    {"mpy_gc_get_stats", "-1", get_stats_3, VALUE, 0},
    {"mpy_gc_visit_objects", "3", visit_3, VALUE, 0},
    {"mpy_gc_visit_objects", "-1", visit_minus, VALUE, 0},
    {NULL, NULL, NULL, 0, 0}};

static void
test_gc(void **state)
{
    int64_t before[3], after;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mpy_gc_get_threshold(i, &before[i]), 0);
    }
    check_all(state, gc_cases);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mpy_gc_get_threshold(i, &after), 0);
        assert_int_equal(after, before[i]);
    }
    assert_int_equal(before[0], 2000);
    assert_int_equal(before[1], 10);
    assert_int_equal(before[2], 75);
}

/* Nested deeper than the limit; every success is left again. */
static void
test_recursion(void **state)
{
    struct api_world *w = *state;
    int64_t limit;
    int depth = 0;
    char text[MPY_ERR_TEXT_MAX + 1];

    assert_int_equal(mpy_runtime_get_limit(w->rt, MPY_LIMIT_STACK_DEPTH, &limit), 0);
    assert_int_equal(limit, 1000);
    while (depth < 2000 && mpy_recursion_enter("the test") == 0) {
        depth++;
    }
    assert_int_equal(depth, limit);
    assert_int_equal(api_take_error(text, sizeof text), MPY_EXC_RECURSION_ERROR);
    assert_non_null(strstr(text, "the test"));
    while (depth-- > 0) {
        mpy_recursion_leave();
    }
    assert_int_equal(mpy_recursion_enter("again"), 0);
    mpy_recursion_leave();
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
        cmocka_unit_test_setup_teardown(test_codes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_gc, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_recursion, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_clamped, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
