/* SPDX-License-Identifier: MIT */
/*
 * Out of memory in programs over numbers, strs, bytes and errors.
 */
#include "support/internal/oom.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PIECES 40

static int
drop_and_fail(mpy_object *o)
{
    mpy_xdecref(o);
    return o == NULL;
}

static int
numbers(void *unused)
{
    int result = OOM_FAILED;
    mpy_object *big = NULL, *sum = NULL, *text = NULL, *f = NULL;
    double d;
    (void)unused;
    big = mpy_float_from_double(1e300); /* no immediate */
    OOM_NEED(big != NULL);
    sum = mpy_number_add(big, big);
    OOM_NEED(sum != NULL);
    OOM_CHECK(mpy_float_check(sum) && mpy_float_as_double(sum, &d) == 0 && d == 2e300);
    OOM_NEED(!drop_and_fail(mpy_number_multiply(sum, MPY_TRUE)));
    OOM_NEED(!drop_and_fail(mpy_number_subtract(sum, big)));
    OOM_NEED(!drop_and_fail(mpy_number_true_divide(sum, MPY_TRUE)));
    OOM_NEED(!drop_and_fail(mpy_number_floor_divide(sum, MPY_TRUE)));
    OOM_NEED(!drop_and_fail(mpy_number_remainder(big, sum)));
    OOM_NEED(!drop_and_fail(mpy_number_negative(big)));
    OOM_NEED(!drop_and_fail(mpy_number_absolute(big)));
    text = mpy_object_repr(sum);
    OOM_NEED(text != NULL);
    f = mpy_number_to_float(text);
    OOM_NEED(f != NULL);
    OOM_CHECK(mpy_object_compare_bool(f, sum, MPY_EQ) == 1);
    mpy_decref(text);
    text = mpy_str_from_utf8("123456789012345");
    OOM_NEED(text != NULL);
    mpy_decref(f);
    f = mpy_number_to_int(text);
    OOM_NEED(f != NULL);
    OOM_CHECK(mpy_int_check(f) && !mpy_bool_check(f));
    int64_t value;
    OOM_CHECK(mpy_int_as_i64(f, &value) == 0 && value == INT64_C(123456789012345));
    uint64_t uvalue;
    OOM_CHECK(mpy_int_as_u64(f, &uvalue) == 0 && mpy_int_as_double(f, &d) == 0);
    OOM_NEED(!drop_and_fail(mpy_int_from_i64(5)));
    OOM_NEED(!drop_and_fail(mpy_int_from_u64(5)));
    OOM_NEED(!drop_and_fail(mpy_int_from_str("0x7f", 0)));
    OOM_NEED(!drop_and_fail(mpy_bool_from_int(2)));
    result = OOM_OK;
out:
    mpy_xdecref(big);
    mpy_xdecref(sum);
    mpy_xdecref(text);
    mpy_xdecref(f);
    return result;
}

/* Pieces of growing length, joined, cut, replaced and put together again. */
static int
strs(void *unused)
{
    int result = OOM_FAILED;
    mpy_object *list = mpy_list_new(0);
    mpy_object *sep = mpy_str_from_utf8(", ");
    mpy_object *whole = NULL, *parts = NULL, *again = NULL, *other = NULL;
    (void)unused;
    OOM_NEED(list != NULL && sep != NULL);
    for (int i = 0; i < PIECES; i++) {
        mpy_object *s = mpy_str_format("%d: %R of %T \xc3\xa4\xe2\x82\xac", i, list, sep);
        int rc = s != NULL ? mpy_list_append(list, i < 5 ? s : sep) : -1;
        mpy_xdecref(s);
        OOM_NEED(rc == 0);
    }
    whole = mpy_str_join(sep, list);
    OOM_NEED(whole != NULL);
    parts = mpy_str_split(whole, sep, -1);
    OOM_NEED(parts != NULL);
    again = mpy_str_join(sep, parts);
    OOM_NEED(again != NULL);
    OOM_CHECK(mpy_object_compare_bool(whole, again, MPY_EQ) == 1);
    other = mpy_str_replace(again, sep, whole, 3);
    OOM_NEED(other != NULL);
    OOM_CHECK(mpy_str_contains(other, whole) == 1);
    int64_t at;
    OOM_CHECK(mpy_str_find(other, sep, 0, PTRDIFF_MAX, 1, &at) == 1 && at > 0);
    mpy_decref(again);
    again = mpy_str_concat(whole, other);
    OOM_NEED(again != NULL);
    ptrdiff_t length = mpy_str_length(again); /* may need an index */
    OOM_NEED(length >= 0);
    OOM_NEED(!drop_and_fail(mpy_str_substring(again, length / 2, length - 3)));
    OOM_NEED(!drop_and_fail(mpy_object_repr(again)));
    const char *utf8;
    size_t n;
    OOM_CHECK(mpy_str_as_utf8(whole, &utf8, &n) == 0 && strlen(utf8) == n);
    OOM_CHECK(mpy_str_check(whole) && mpy_str_equal_utf8(whole, utf8, n) == 1);
    OOM_NEED(!drop_and_fail(mpy_str_from_utf8_n(utf8, n)));
    OOM_CHECK(mpy_hash_bytes(utf8, n) != 0);
    result = OOM_OK;
out:
    mpy_xdecref(list);
    mpy_xdecref(sep);
    mpy_xdecref(whole);
    mpy_xdecref(parts);
    mpy_xdecref(again);
    mpy_xdecref(other);
    return result;
}

/* Enough names for the table of interned strs to grow. */
static int
interning(void *unused)
{
    int result = OOM_FAILED;
    mpy_object *kept = mpy_list_new(0);
    (void)unused;
    OOM_NEED(kept != NULL);
    for (int i = 0; i < 400; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "name number %d", i);
        mpy_object *s = mpy_str_intern(name);
        int rc = s != NULL && i % 3 != 0 ? mpy_list_append(kept, s) : 0;
        mpy_object *twin = s != NULL && rc == 0 ? mpy_str_intern(name) : NULL;
        int same = twin == s;
        mpy_xdecref(twin);
        mpy_xdecref(s);
        OOM_NEED(s != NULL && rc == 0 && twin != NULL);
        OOM_CHECK(same);
    }
    result = OOM_OK;
out:
    mpy_xdecref(kept);
    return result;
}

static int
writer(void *unused)
{
    int result = OOM_FAILED;
    mpy_object *s = NULL, *list = mpy_list_new(0);
    mpy_strwriter *w = mpy_strwriter_new(8), *other = NULL;
    (void)unused;
    OOM_NEED(list != NULL && w != NULL);
    for (int i = 0; i < PIECES; i++) {
        OOM_NEED(mpy_list_append(list, MPY_NONE) == 0);
        OOM_NEED(mpy_strwriter_utf8(w, "some bytes", 10) == 0);
        OOM_NEED(mpy_strwriter_char(w, 0x20AC) == 0);
        OOM_NEED(mpy_strwriter_repr(w, list) == 0);
        OOM_NEED(mpy_strwriter_format(w, "%d %R", i, list) == 0);
    }
    s = mpy_strwriter_finish(w);
    w = NULL;
    OOM_NEED(s != NULL);
    other = mpy_strwriter_new(0);
    OOM_NEED(other != NULL);
    OOM_NEED(mpy_strwriter_str(other, s) == 0);
    result = OOM_OK;
out:
    mpy_strwriter_discard(w);
    mpy_strwriter_discard(other);
    mpy_xdecref(s);
    mpy_xdecref(list);
    return result;
}

static mpy_object *
forward(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    mpy_object *s = mpy_str_vformat(fmt, args);
    va_end(args);
    return s;
}

static int
bytes(void *unused)
{
    int result = OOM_FAILED;
    mpy_object *b = mpy_bytes_from_data("0123456789", 10), *c = NULL, *s = NULL;
    const uint8_t *data;
    size_t n;
    (void)unused;
    OOM_NEED(b != NULL);
    for (int i = 0; i < 9; i++) {
        c = mpy_bytes_concat(b, b);
        OOM_NEED(c != NULL);
        mpy_decref(b);
        b = c;
        c = NULL;
    }
    OOM_CHECK(mpy_bytes_check(b) && mpy_bytes_view(b, &data, &n) == 0 && n == 5120);
    OOM_NEED(!drop_and_fail(mpy_object_repr(b)));
    s = forward("%-20s|%5d", "text", 7);
    OOM_NEED(s != NULL);
    OOM_CHECK(mpy_object_sizeof(s) > 0);
    result = OOM_OK;
out:
    mpy_xdecref(b);
    mpy_xdecref(c);
    mpy_xdecref(s);
    return result;
}

static int
keep_text(void *data, const char *text, size_t n)
{
    (void)text;
    *(size_t *)data += n;
    return 0;
}

/* Errors are raised, taken, chained, shown. With no memory each becomes a MemoryError, and nothing
   but that. */
static int
errors(void *unused)
{
    int result = OOM_FAILED;
    mpy_object *type = NULL, *exc = NULL, *cause = NULL, *o = NULL;
    size_t written = 0;
    (void)unused;
    type = mpy_err_new_type("test.Failure", "A failure.", NULL);
    OOM_NEED(type != NULL);
    mpy_err_set(type, "something went wrong");
    OOM_CHECK(mpy_err_occurred() == 1);
    if (mpy_err_matches(type) != 1) {
        OOM_CHECK(mpy_err_code() == MPY_EXC_MEMORY_ERROR);
        goto out;
    }
    exc = mpy_err_take();
    OOM_CHECK(exc != NULL && mpy_err_occurred() == 0);
    if (mpy_err_given_matches(exc, type) != 1) {
        mpy_err_restore(exc);
        OOM_CHECK(mpy_err_matches_code(MPY_EXC_MEMORY_ERROR));
        goto out;
    }
    mpy_err_format_code(MPY_EXC_VALUE_ERROR, "value %d of %s", 7, "many");
    cause = mpy_err_take();
    OOM_CHECK(cause != NULL);
    OOM_NEED(mpy_exc_set_cause(exc, cause) == 0);
    o = mpy_exc_get_cause(exc);
    OOM_CHECK(o == cause);
    mpy_clear(&o);
    o = mpy_exc_get_args(exc);
    OOM_NEED(o != NULL);
    mpy_clear(&o);
    o = mpy_err_message(exc);
    OOM_NEED(o != NULL);
    mpy_clear(&o);
    OOM_NEED(mpy_err_display(exc, keep_text, &written) == 0);
    OOM_CHECK(written > 20);
    mpy_err_restore(exc);
    OOM_CHECK(mpy_err_code() != 0);
    mpy_err_unraisable("a test");
    OOM_CHECK(mpy_err_occurred() == 0);
    o = mpy_exc_type(MPY_EXC_KEY_ERROR);
    OOM_NEED(o != NULL);
    mpy_err_set_object(o, exc);
    OOM_CHECK(mpy_err_occurred() == 1);
    mpy_err_clear();
    mpy_err_format(o, "%R", exc);
    OOM_CHECK(mpy_err_code() == MPY_EXC_KEY_ERROR || mpy_err_code() == MPY_EXC_MEMORY_ERROR);
    OOM_NEED(mpy_err_code() == MPY_EXC_KEY_ERROR);
    mpy_err_clear();
    errno = ENOENT;
    mpy_err_from_errno(NULL, "no such file");
    OOM_CHECK(mpy_err_occurred() == 1);
    OOM_NEED(mpy_err_code() == MPY_EXC_OS_ERROR);
    mpy_err_clear();
    mpy_err_no_memory();
    OOM_CHECK(mpy_err_code() == MPY_EXC_MEMORY_ERROR);
    mpy_clear(&o);
    o = mpy_err_take();
    OOM_CHECK(o != NULL);
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "by code");
    mpy_err_clear();
    result = OOM_OK;
out:
    mpy_xdecref(type);
    mpy_xdecref(exc);
    mpy_xdecref(cause);
    mpy_xdecref(o);
    return result;
}

static const struct oom_scenario scenarios[] = {
    {.name = "numbers",
     .reaches = "mpy_float_from_double mpy_number_add mpy_float_check mpy_float_as_double "
                "mpy_number_multiply mpy_number_subtract mpy_number_true_divide "
                "mpy_number_floor_divide mpy_number_remainder mpy_number_negative "
                "mpy_number_absolute mpy_number_to_float mpy_number_to_int mpy_int_check "
                "mpy_bool_check mpy_int_as_i64 mpy_int_as_u64 mpy_int_as_double mpy_int_from_i64 "
                "mpy_int_from_u64 mpy_int_from_str mpy_bool_from_int mpy_object_compare_bool",
     .run = numbers},
    {.name = "strs",
     .reaches = "mpy_str_format mpy_str_join mpy_str_split mpy_str_replace mpy_str_contains "
                "mpy_str_find mpy_str_concat mpy_str_length mpy_str_substring mpy_str_as_utf8 "
                "mpy_str_check mpy_str_equal_utf8 mpy_str_from_utf8 mpy_str_from_utf8_n "
                "mpy_hash_bytes mpy_object_repr",
     .run = strs},
    {.name = "interning", .reaches = "mpy_str_intern", .run = interning},
    {.name = "strwriter",
     .reaches = "mpy_strwriter_new mpy_strwriter_utf8 mpy_strwriter_char mpy_strwriter_repr "
                "mpy_strwriter_format mpy_strwriter_finish mpy_strwriter_str "
                "mpy_strwriter_discard",
     .run = writer},
    {.name = "bytes",
     .reaches = "mpy_bytes_from_data mpy_bytes_concat mpy_bytes_check mpy_bytes_view "
                "mpy_str_vformat mpy_object_sizeof",
     .run = bytes},
    {.name = "errors",
     .reaches = "mpy_err_new_type mpy_err_set mpy_err_occurred mpy_err_matches mpy_err_code "
                "mpy_err_take mpy_err_given_matches mpy_err_restore mpy_err_matches_code "
                "mpy_err_format_code mpy_exc_set_cause mpy_exc_get_cause mpy_exc_get_args "
                "mpy_err_message mpy_err_display mpy_err_unraisable mpy_exc_type "
                "mpy_err_set_object mpy_err_clear mpy_err_format mpy_err_from_errno "
                "mpy_err_no_memory mpy_err_set_code",
     .run = errors},
    {.name = NULL},
};

int
main(void)
{
    return oom_main("out of memory: values", scenarios);
}
