/* SPDX-License-Identifier: MIT */
/*
 * api/test_str.c - str through the public interface: a transcript of CPython, then what the
 * transcript cannot say: invalid UTF-8, clamping, interning, writers, formatting, lack of memory.
 */
#include "support/api_world.h"
#include "support/transcript.h"

#include <stdlib.h>
#include <string.h>

#define EURO "\xE2\x82\xAC"

/* ---- the transcript -------------------------------------------------------------------------- */

static mpy_object *
compare_all(mpy_object *a, mpy_object *b)
{
    static const int ops[] = {MPY_LT, MPY_LE, MPY_EQ, MPY_NE, MPY_GT, MPY_GE};
    int64_t bits = 0;
    size_t i;
    for (i = 0; i < 6; i++) {
        bits = bits << 1 | api_done(mpy_object_compare_bool(a, b, ops[i]));
    }
    return mpy_int_from_i64(bits);
}

static mpy_object *
find_index(mpy_object *s, mpy_object *sub, const struct transcript_line *line)
{
    int64_t index = 77;
    int found = mpy_str_find(s, sub, atol(line->fields[3]), atol(line->fields[4]),
                             atoi(line->fields[5]), &index);
    assert_true(found == (index >= 0));
    return mpy_int_from_i64(index);
}

static mpy_object *
replaced(mpy_object *s, mpy_object *from, const struct transcript_line *line)
{
    mpy_object *to = transcript_str(line->fields[3]);
    mpy_object *result = mpy_str_replace(s, from, to, atol(line->fields[4]));
    mpy_decref(to);
    return result;
}

static mpy_object *
joined(mpy_object *sep, mpy_object *text)
{
    mpy_object *parts = api_good(mpy_str_split(text, NULL, -1));
    mpy_object *result = mpy_str_join(sep, parts);
    mpy_decref(parts);
    return result;
}

/* The operations whose second operand is a text. */
static mpy_object *
with_text(const struct transcript_line *line, mpy_object *a)
{
    const char *name = line->fields[0];
    mpy_object *b = strcmp(line->fields[2], "-") == 0 ? NULL : transcript_str(line->fields[2]);
    mpy_object *result = NULL;
    if (strcmp(name, "find") == 0) {
        result = find_index(a, b, line);
    } else if (strcmp(name, "contains") == 0) {
        result = mpy_int_from_i64(mpy_str_contains(a, b));
    } else if (strcmp(name, "split") == 0) {
        result = mpy_str_split(a, b, atol(line->fields[3]));
    } else if (strcmp(name, "replace") == 0) {
        result = replaced(a, b, line);
    } else if (strcmp(name, "join") == 0) {
        result = joined(a, b);
    } else if (strcmp(name, "concat") == 0) {
        result = mpy_str_concat(a, b);
    } else if (strcmp(name, "compare") == 0) {
        result = compare_all(a, b);
    } else {
        fail_msg("%s: unknown operation", name);
    }
    mpy_xdecref(b);
    return result;
}

static mpy_object *
compute(const struct transcript_line *line, mpy_object *s)
{
    const char *name = line->fields[0];
    if (strcmp(name, "repr") == 0) {
        return mpy_object_repr(s);
    }
    if (strcmp(name, "length") == 0) {
        assert_int_equal(mpy_object_length(s), mpy_str_length(s));
        return mpy_int_from_i64(mpy_str_length(s));
    }
    if (strcmp(name, "item") == 0) {
        return mpy_object_get_item(s, mpy_int_from_i64(atol(line->fields[2])));
    }
    if (strcmp(name, "substring") == 0) {
        return mpy_str_substring(s, atol(line->fields[2]), atol(line->fields[3]));
    }
    if (strcmp(name, "repeat") == 0) {
        return mpy_number_multiply(s, mpy_int_from_i64(atol(line->fields[2])));
    }
    return with_text(line, s);
}

/* The value a field stands for: a list, a text or an int. */
static mpy_object *
expected_of(const char *field, int is_number)
{
    mpy_object *list, *item;
    if (is_number) {
        return mpy_int_from_i64(atol(field));
    }
    if (field[0] != '|' && field[0] != 0) {
        return transcript_str(field);
    }
    list = api_good(mpy_list_new(0));
    while (*field == '|') {
        size_t n = strcspn(++field, "|");
        char *part = strndup(field, n);
        item = transcript_str(part);
        api_done(mpy_list_append(list, item));
        mpy_decref(item);
        free(part);
        field += n;
    }
    return list;
}

static void
check_line(void *data, const struct transcript_line *line)
{
    const char *field = line->fields[line->count - 1];
    mpy_object *s, *result, *expected;
    (void)data;
    if (strncmp(line->fields[0], "bytes", 5) == 0) {
        return;
    }
    s = transcript_str(line->fields[1]);
    result = compute(line, s);
    if (result == NULL) {
        char text[200];
        if (api_take_error(text, sizeof text) != transcript_error(field)) {
            transcript_wrong(line, text);
        }
    } else {
        expected = expected_of(field, mpy_int_check(result));
        if (api_done(mpy_object_compare_bool(result, expected, MPY_EQ)) != 1) {
            transcript_wrong(line, api_repr(result));
        }
        mpy_decref(expected);
        mpy_decref(result);
    }
    mpy_decref(s);
}

static void
test_transcript(void **state)
{
    (void)state;
    assert_true(transcript_each("str.txt", check_line, NULL) > 1000);
}

/* ---- beyond it ------------------------------------------------------------------------------- */

static void
test_creation(void **state)
{
    char buffer[700];
    const char *utf8;
    size_t n, got;
    (void)state;
    memset(buffer, 'x', sizeof buffer);
    for (n = 0; n < sizeof buffer; n++) {
        mpy_object *s = api_good(mpy_str_from_utf8_n(buffer, n)), *t;
        assert_int_equal(mpy_str_as_utf8(s, &utf8, &got), 0);
        assert_int_equal(got, n);
        assert_memory_equal(utf8, buffer, n);
        assert_int_equal(utf8[n], 0);
        assert_int_equal(mpy_str_length(s), n);
        if (n >= 3) {
            memcpy(buffer + n / 2, "\xC3\xA9", 2);
            t = api_good(mpy_str_from_utf8_n(buffer, n));
            memset(buffer, 'x', sizeof buffer);
            assert_int_equal(mpy_str_length(t), n - 1);
            assert_int_equal(mpy_object_compare_bool(s, t, MPY_LT), 1);
            mpy_decref(t);
        }
        mpy_decref(s);
    }
}

/* The object itself, as the table of sizes promises. */
static void
test_sizes(void **state)
{
    static const struct {
        size_t text, object;
    } sizes[] = {{8, 48}, {32, 72}, {200, 240}};
    char buffer[200];
    size_t i;
    (void)state;
    memset(buffer, 'y', sizeof buffer);
    for (i = 0; i < 3; i++) {
        mpy_object *s = api_good(mpy_str_from_utf8_n(buffer, sizes[i].text));
        assert_int_equal(mpy_object_sizeof(s), sizes[i].object);
        mpy_decref(s);
    }
}

static void
test_invalid_utf8(void **state)
{
    static const char *const bad[] = {
        "\x80",         "a\xC0\x80",        "\xC3",
        "\xED\xA0\x80", "\xF4\x90\x80\x80", "xxxxxxxxxxxxxxxxxxxx\xFF"};
    char text[200];
    size_t i;
    (void)state;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(mpy_str_from_utf8(bad[i]));
        api_expect_error(MPY_EXC_VALUE_ERROR);
        assert_null(mpy_str_intern(bad[i]));
        api_expect_error(MPY_EXC_VALUE_ERROR);
    }
    assert_null(mpy_str_from_utf8_n(text, SIZE_MAX));
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_null(mpy_str_from_utf8("ab\xFFz"));
    assert_int_equal(api_take_error(text, sizeof text), MPY_EXC_VALUE_ERROR);
    assert_string_equal(text, "mpy_str_from_utf8(): invalid UTF-8: byte 0xff at 2");
}

static void
test_equal_utf8(void **state)
{
    mpy_object *s = api_good(mpy_str_from_utf8_n("a\0b", 3));
    (void)state;
    assert_int_equal(mpy_str_equal_utf8(s, "a\0b", 3), 1);
    assert_int_equal(mpy_str_equal_utf8(s, "a\0c", 3), 0);
    assert_int_equal(mpy_str_equal_utf8(s, "a", 1), 0);
    assert_int_equal(mpy_str_equal_utf8(s, NULL, 0), 0);
    assert_int_equal(mpy_str_equal_utf8(MPY_NONE, "a", 1), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(s);
}

static void
test_interned_are_identical(void **state)
{
    mpy_object *a = api_good(mpy_str_intern("a name")), *b = api_good(mpy_str_intern("a name"));
    mpy_object *c = api_good(mpy_str_intern("another"));
    (void)state;
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    mpy_decref(a);
    mpy_decref(b);
    mpy_decref(c);
}

/* Indexing long text that is not ASCII, forwards, backwards and by slices. */
static void
test_long_text(void **state)
{
    enum { CHARS = 5000 };
    char *buffer = malloc(3 * CHARS);
    size_t n = 0, i;
    mpy_object *s, *c, *part;
    (void)state;
    for (i = 0; i < CHARS; i++) {
        if (i % 3 == 0) {
            memcpy(buffer + n, EURO, 3);
            n += 3;
        } else {
            buffer[n++] = (char)('a' + i % 26);
        }
    }
    s = api_good(mpy_str_from_utf8_n(buffer, n));
    assert_int_equal(mpy_str_length(s), CHARS);
    for (i = 0; i < CHARS; i++) {
        size_t at = i * 7 % CHARS;
        char one[2] = {(char)('a' + at % 26), 0};
        c = api_good(mpy_object_get_item(s, mpy_int_from_i64((int64_t)at)));
        assert_int_equal(mpy_str_equal_utf8(c, at % 3 == 0 ? EURO : one, at % 3 == 0 ? 3 : 1), 1);
        mpy_decref(c);
    }
    part = api_good(mpy_str_substring(s, 3, 6));
    assert_int_equal(mpy_str_equal_utf8(part, EURO "ef", 5), 1);
    mpy_decref(part);
    part = api_good(mpy_str_substring(s, 0, PTRDIFF_MAX));
    assert_ptr_equal(part, s);
    mpy_decref(part);
    part = api_good(mpy_str_substring(s, PTRDIFF_MIN, PTRDIFF_MIN));
    assert_int_equal(mpy_str_length(part), 0);
    mpy_decref(part);
    mpy_decref(s);
    free(buffer);
}

static void
test_join_wants_text(void **state)
{
    struct api_world *world = *state;
    mpy_object *list = api_make(world, API_LIST);
    char text[200];
    assert_null(mpy_str_join(NULL, list));
    assert_int_equal(api_take_error(text, sizeof text), MPY_EXC_TYPE_ERROR);
    assert_string_equal(text, "mpy_str_join(): argument 'iterable': item 0: expected str, got int");
    mpy_decref(list);
}

static void
test_writer(void **state)
{
    struct api_world *world = *state;
    mpy_strwriter *w = mpy_strwriter_new(0);
    mpy_object *list = api_make(world, API_LIST), *text;
    static const char expected[] = "x" EURO "\xF0\x9F\x98\x80"
                                   "12[1, 2, 3]<    5|[1, 2, 3]>";
    int i;
    assert_non_null(w);
    assert_int_equal(mpy_strwriter_utf8(w, "x" EURO, 4), 0);
    assert_int_equal(mpy_strwriter_char(w, 0x1F600), 0);
    assert_int_equal(mpy_strwriter_char(w, 0xD800), -1);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_strwriter_utf8(w, "ok\xFF", 3), -1);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_strwriter_str(w, mpy_int_from_i64(12)), 0);
    assert_int_equal(mpy_strwriter_repr(w, list), 0);
    assert_int_equal(mpy_strwriter_format(w, "<%d %y>", 5, 6), -1);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_strwriter_format(w, "<%5d|%R>", 5, list), 0);
    text = api_good(mpy_strwriter_finish(w));
    assert_int_equal(mpy_str_equal_utf8(text, expected, sizeof expected - 1), 1);
    mpy_decref(text);
    w = mpy_strwriter_new(1000);
    for (i = 0; i < 10000; i++) {
        assert_int_equal(mpy_strwriter_format(w, "%d,", i), 0);
    }
    text = api_good(mpy_strwriter_finish(w));
    assert_int_equal(mpy_str_length(text), 48890);
    mpy_decref(text);
    mpy_strwriter_discard(mpy_strwriter_new(5000));
    mpy_strwriter_discard(NULL);
    mpy_decref(list);
}

static void
test_format(void **state)
{
    struct api_world *world = *state;
    mpy_object *s = api_make(world, API_STR);
    mpy_object *text =
        api_good(mpy_str_format("%s %O %R %T %d %i %u %x %ld %lld %zd %zu %c %%", "t", s, s, s, -1,
                                2, 3u, 255u, -4L, -5LL, (ptrdiff_t)-6, (size_t)7, 0x20AC));
    static const char expected[] = "t 12 '12' str -1 2 3 ff -4 -5 -6 7 " EURO " %";
    assert_int_equal(mpy_str_equal_utf8(text, expected, sizeof expected - 1), 1);
    mpy_decref(text);
    assert_null(mpy_str_format("%y"));
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_null(mpy_str_format("%R", (mpy_object *)NULL));
    api_expect_error(MPY_EXC_API);
    mpy_decref(s);
}

/* ---- out of memory --------------------------------------------------------------------------- */

static mpy_object *scenario_text, *scenario_list;

static int
drop(mpy_object *o)
{
    mpy_xdecref(o);
    return o != NULL ? 0 : -1;
}

static int
scenario_create(void *data)
{
    (void)data;
    return drop(mpy_str_from_utf8("some text " EURO));
}

static int
scenario_intern(void *data)
{
    (void)data;
    return drop(mpy_str_intern("a text nobody has interned yet"));
}

static int
scenario_split(void *data)
{
    (void)data;
    return drop(mpy_str_split(scenario_text, NULL, -1));
}

static int
scenario_join(void *data)
{
    (void)data;
    return drop(mpy_str_join(scenario_text, scenario_list));
}

static int
scenario_replace(void *data)
{
    mpy_object *blank = mpy_str_intern(" ");
    (void)data;
    return drop(mpy_str_replace(scenario_text, blank, scenario_text, -1));
}

static int
scenario_concat(void *data)
{
    (void)data;
    return drop(mpy_str_concat(scenario_text, scenario_text));
}

static int
scenario_repr(void *data)
{
    (void)data;
    return drop(mpy_object_repr(scenario_text));
}

static int
scenario_format(void *data)
{
    (void)data;
    return drop(mpy_str_format("%300d %R", 1, scenario_text));
}

static int
scenario_writer(void *data)
{
    mpy_strwriter *w = mpy_strwriter_new(1000);
    (void)data;
    if (w == NULL) {
        return -1;
    }
    if (mpy_strwriter_format(w, "%1500d", 1) < 0) {
        mpy_strwriter_discard(w);
        return -1;
    }
    return drop(mpy_strwriter_finish(w));
}

static void
test_out_of_memory(void **state)
{
    struct api_world *world = *state;
    static int (*const scenarios[])(void *) = {scenario_create, scenario_intern,  scenario_split,
                                               scenario_join,   scenario_replace, scenario_concat,
                                               scenario_repr,   scenario_format,  scenario_writer};
    size_t i;
    scenario_text = api_good(mpy_str_from_utf8("three small " EURO " words"));
    scenario_list = api_make(world, API_STR_LIST);
    for (i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        assert_true(inject_each(world->rt, scenarios[i], NULL) >= 1);
    }
    mpy_decref(scenario_text);
    mpy_decref(scenario_list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_transcript, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_creation, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_sizes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_invalid_utf8, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_equal_utf8, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_interned_are_identical, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_long_text, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_join_wants_text, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_writer, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_format, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_out_of_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
