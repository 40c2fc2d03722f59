/* SPDX-License-Identifier: MIT */
/*
 * api/test_bytes.c - bytes through the public interface: a transcript of CPython, and what it
 * cannot say.
 */
#include "support/api_world.h"
#include "support/transcript.h"

#include <stdlib.h>
#include <string.h>

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
truth(int answer)
{
    return answer < 0 ? NULL : mpy_int_from_i64(answer);
}

static mpy_object *
compute(const struct transcript_line *line, mpy_object *a)
{
    const char *name = line->fields[0] + strlen("bytes_");
    mpy_object *b, *result;
    if (strcmp(name, "repr") == 0) {
        return mpy_object_repr(a);
    }
    if (strcmp(name, "item") == 0) {
        return mpy_object_get_item(a, mpy_int_from_i64(atol(line->fields[2])));
    }
    if (strcmp(name, "contains_int") == 0) {
        return truth(mpy_object_contains(a, mpy_int_from_i64(atol(line->fields[2]))));
    }
    if (strcmp(name, "repeat") == 0) {
        return mpy_number_multiply(a, mpy_int_from_i64(atol(line->fields[2])));
    }
    b = transcript_bytes(line->fields[2]);
    if (strcmp(name, "contains") == 0) {
        result = truth(mpy_object_contains(a, b));
    } else if (strcmp(name, "concat") == 0) {
        result = mpy_bytes_concat(a, b);
    } else {
        assert_string_equal(name, "compare");
        result = compare_all(a, b);
    }
    mpy_decref(b);
    return result;
}

static mpy_object *
expected_of(const char *field, const mpy_object *result)
{
    if (mpy_int_check(result)) {
        return mpy_int_from_i64(atol(field));
    }
    return mpy_bytes_check(result) ? transcript_bytes(field) : transcript_str(field);
}

static void
check_line(void *data, const struct transcript_line *line)
{
    size_t *count = data;
    const char *field = line->fields[line->count - 1];
    mpy_object *a, *result, *expected;
    if (strncmp(line->fields[0], "bytes_", 6) != 0) {
        return;
    }
    ++*count;
    a = transcript_bytes(line->fields[1]);
    result = compute(line, a);
    if (result == NULL) {
        char text[200];
        if (api_take_error(text, sizeof text) != transcript_error(field)) {
            transcript_wrong(line, text);
        }
    } else {
        expected = expected_of(field, result);
        if (api_done(mpy_object_compare_bool(result, expected, MPY_EQ)) != 1) {
            transcript_wrong(line, api_repr(result));
        }
        mpy_decref(expected);
        mpy_decref(result);
    }
    mpy_decref(a);
}

static void
test_transcript(void **state)
{
    size_t count = 0;
    (void)state;
    transcript_each("str.txt", check_line, &count);
    assert_true(count > 200);
}

static void
test_view(void **state)
{
    mpy_object *b = api_good(mpy_bytes_from_data("a\0b", 3)), *none;
    const uint8_t *data;
    size_t n;
    (void)state;
    assert_int_equal(mpy_bytes_view(b, &data, &n), 0);
    assert_int_equal(n, 3);
    assert_memory_equal(data, "a\0b", 4);
    none = api_good(mpy_bytes_from_data(NULL, 0));
    assert_int_equal(mpy_bytes_view(none, &data, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(data[0], 0);
    assert_int_equal(mpy_bytes_view(MPY_NONE, &data, &n), -1);
    assert_null(data);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_null(mpy_bytes_from_data(NULL, 1));
    api_expect_error(MPY_EXC_API);
    mpy_decref(b);
    mpy_decref(none);
}

static void
test_hash_and_truth(void **state)
{
    mpy_object *a = api_good(mpy_bytes_from_data("abc", 3));
    mpy_object *b = api_good(mpy_bytes_from_data("abc", 3));
    mpy_object *none = api_good(mpy_bytes_from_data("", 0)),
               *text = api_good(mpy_str_intern("abc"));
    int64_t hash_a, hash_b;
    (void)state;
    assert_int_equal(mpy_object_hash(a, &hash_a), 0);
    assert_int_equal(mpy_object_hash(b, &hash_b), 0);
    assert_true(hash_a == hash_b && (uint64_t)hash_a == mpy_hash_bytes("abc", 3));
    assert_int_equal(mpy_object_hash(none, &hash_b), 0);
    assert_true(hash_a != hash_b);
    assert_int_equal(mpy_object_is_true(a), 1);
    assert_int_equal(mpy_object_is_true(none), 0);
    assert_int_equal(mpy_object_compare_bool(a, text, MPY_EQ), 0);
    assert_null(mpy_object_compare(a, text, MPY_LT));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_null(mpy_number_add(a, text));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_int_equal(mpy_object_contains(a, text), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(a);
    mpy_decref(b);
    mpy_decref(text);
}

static int
scenario(void *data)
{
    mpy_object *a = mpy_bytes_from_data("some bytes", 10), *b, *c = NULL;
    (void)data;
    if (a == NULL) {
        return -1;
    }
    b = mpy_number_multiply(a, mpy_int_from_i64(100));
    if (b != NULL) {
        c = mpy_bytes_concat(a, b);
        mpy_decref(b);
    }
    mpy_xdecref(c);
    mpy_decref(a);
    return c != NULL ? 0 : -1;
}

static void
test_out_of_memory(void **state)
{
    struct api_world *world = *state;
    assert_int_equal(inject_each(world->rt, scenario, NULL), 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_transcript, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_view, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_hash_and_truth, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_out_of_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
