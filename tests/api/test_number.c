/* SPDX-License-Identifier: MIT */
/*
 * api/test_number.c - numbers through the public interface: a transcript of CPython, and what the
 * transcript cannot say (C integers, bool, host types, texts of errors).
 */
#include "support/api_world.h"
#include "support/transcript.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the transcript -------------------------------------------------------------------------- */

/* The number in a field: an int unless it looks like a float. */
static mpy_object *
number_of(const char *field)
{
    mpy_object *text, *number;
    if (strpbrk(field, ".ein") == NULL) {
        return api_good(mpy_int_from_str(field, 10));
    }
    text = api_good(mpy_str_from_utf8(field));
    number = api_good(mpy_number_to_float(text));
    mpy_decref(text);
    return number;
}

/* The answers of the six comparisons as bits, or -1. */
static mpy_object *
compare_all(mpy_object *a, mpy_object *b)
{
    static const int ops[] = {MPY_LT, MPY_LE, MPY_EQ, MPY_NE, MPY_GT, MPY_GE};
    int64_t bits = 0;
    size_t i;
    for (i = 0; i < 6; i++) {
        mpy_object *answer = api_good(mpy_object_compare(a, b, ops[i]));
        bits = bits << 1 | (answer == MPY_TRUE);
    }
    return mpy_int_from_i64(bits);
}

static mpy_object *
hash_of(mpy_object *o)
{
    int64_t hash = 0;
    return mpy_object_hash(o, &hash) < 0 ? NULL : mpy_int_from_i64(hash);
}

static mpy_object *
compute(const struct transcript_line *line)
{
    static const struct {
        const char *name;
        mpy_object *(*binary)(mpy_object *, mpy_object *);
        mpy_object *(*unary)(mpy_object *);
    } operations[] = {{"add", mpy_number_add, NULL},
                      {"sub", mpy_number_subtract, NULL},
                      {"mul", mpy_number_multiply, NULL},
                      {"div", mpy_number_true_divide, NULL},
                      {"fdiv", mpy_number_floor_divide, NULL},
                      {"mod", mpy_number_remainder, NULL},
                      {"cmp", compare_all, NULL},
                      {"neg", NULL, mpy_number_negative},
                      {"abs", NULL, mpy_number_absolute},
                      {"hash", NULL, hash_of},
                      {"int", NULL, mpy_number_to_int},
                      {"float", NULL, mpy_number_to_float},
                      {"repr", NULL, mpy_object_repr}};
    mpy_object *a = number_of(line->fields[1]), *b = MPY_NONE, *result = NULL;
    size_t i;
    for (i = 0; strcmp(operations[i].name, line->fields[0]) != 0; i++) {
    }
    if (operations[i].binary != NULL) {
        b = number_of(line->fields[2]);
        result = operations[i].binary(a, b);
    } else {
        result = operations[i].unary(a);
    }
    mpy_decref(a);
    mpy_decref(b);
    return result;
}

static mpy_object *
read_text(const struct transcript_line *line)
{
    mpy_object *text = transcript_str(line->fields[1]), *result;
    const char *utf8;
    if (strcmp(line->fields[0], "float_text") == 0) {
        result = mpy_number_to_float(text);
    } else {
        api_done(mpy_str_as_utf8(text, &utf8, NULL));
        result = mpy_int_from_str(utf8, atoi(line->fields[2]));
    }
    mpy_decref(text);
    return result;
}

static void
check_line(void *data, const struct transcript_line *line)
{
    const char *expected = line->fields[line->count - 1];
    int is_text = strcmp(line->fields[0], "repr") == 0;
    mpy_object *result = strstr(line->fields[0], "_text") != NULL ? read_text(line) : compute(line);
    char *got;
    (void)data;
    if (result == NULL) {
        char text[200];
        int code = api_take_error(text, sizeof text);
        if (code != transcript_error(expected)) {
            transcript_wrong(line, text);
        }
        return;
    }
    if (is_text) {
        mpy_object *text = transcript_str(expected);
        assert_int_equal(mpy_object_compare_bool(result, text, MPY_EQ), 1);
        mpy_decref(text);
    } else {
        got = api_repr(result);
        if (strcmp(got, expected) != 0) {
            transcript_wrong(line, got);
        }
        free(got);
    }
    mpy_decref(result);
}

static void
test_transcript(void **state)
{
    (void)state;
    assert_true(transcript_each("number.txt", check_line, NULL) > 2000);
}

/* ---- beyond it ------------------------------------------------------------------------------- */

/* The value of an immediate is in the reference: no lock is needed to read it. */
static void
test_values_without_lock(void **state)
{
    struct api_world *world = *state;
    mpy_object *text = api_make(world, API_STR), *boxed = api_make(world, API_BOXED);
    mpy_thread_token *saved = mpy_gil_release();
    int64_t value = 7;
    double real = 7;
    assert_int_equal(mpy_int_as_i64(mpy_int_from_i64(-3), &value), 0);
    assert_true(value == -3);
    assert_int_equal(mpy_int_as_i64(text, &value), -1);
    assert_true(value == 0);
    assert_int_equal(mpy_status_last(), MPY_E_NOT_ATTACHED);
    assert_int_equal(mpy_float_as_double(mpy_float_from_double(-2.5), &real), 0);
    assert_true(real == -2.5);
    assert_int_equal(mpy_float_as_double(boxed, &real), -1);
    assert_true(real == 0);
    mpy_gil_acquire(saved);
    assert_false(mpy_err_occurred());
    mpy_decref(text);
    mpy_decref(boxed);
}

static void
test_c_integers(void **state)
{
    static const int64_t values[] = {0, 1, -1, MPY_INT_MAX, MPY_INT_MIN};
    int64_t back;
    uint64_t positive;
    double real;
    size_t i;
    (void)state;
    for (i = 0; i < sizeof values / sizeof values[0]; i++) {
        mpy_object *o = api_good(mpy_int_from_i64(values[i]));
        assert_true(mpy_int_check(o) && !mpy_float_check(o) && !mpy_bool_check(o));
        assert_int_equal(mpy_int_as_i64(o, &back), 0);
        assert_true(back == values[i]);
        assert_int_equal(mpy_int_as_double(o, &real), 0);
        assert_true(real == (double)values[i]);
        if (values[i] < 0) {
            assert_int_equal(mpy_int_as_u64(o, &positive), -1);
            assert_true(positive == 0);
            api_expect_error(MPY_EXC_OVERFLOW_ERROR);
        } else {
            assert_int_equal(mpy_int_as_u64(o, &positive), 0);
            assert_true(positive == (uint64_t)values[i]);
        }
    }
    assert_null(mpy_int_from_i64(MPY_INT_MAX + 1));
    api_expect_error(MPY_EXC_OVERFLOW_ERROR);
    assert_null(mpy_int_from_i64(INT64_MIN));
    api_expect_error(MPY_EXC_OVERFLOW_ERROR);
    assert_null(mpy_int_from_u64((uint64_t)MPY_INT_MAX + 1));
    api_expect_error(MPY_EXC_OVERFLOW_ERROR);
    assert_null(mpy_int_from_u64(UINT64_MAX));
    api_expect_error(MPY_EXC_OVERFLOW_ERROR);
    assert_ptr_equal(mpy_int_from_u64((uint64_t)MPY_INT_MAX), mpy_int_from_i64(MPY_INT_MAX));
}

static void
test_bool_is_int(void **state)
{
    int64_t value;
    (void)state;
    assert_ptr_equal(mpy_bool_from_int(7), MPY_TRUE);
    assert_ptr_equal(mpy_bool_from_int(0), MPY_FALSE);
    assert_true(mpy_bool_check(MPY_TRUE) && mpy_int_check(MPY_TRUE) && !mpy_int_check(MPY_NONE));
    assert_int_equal(mpy_int_as_i64(MPY_TRUE, &value), 0);
    assert_int_equal(value, 1);
    assert_ptr_equal(mpy_number_add(MPY_TRUE, MPY_TRUE), mpy_int_from_i64(2));
    assert_ptr_equal(mpy_number_multiply(MPY_TRUE, mpy_int_from_i64(5)), mpy_int_from_i64(5));
    assert_ptr_equal(mpy_number_negative(MPY_TRUE), mpy_int_from_i64(-1));
    assert_ptr_equal(mpy_number_absolute(MPY_FALSE), mpy_int_from_i64(0));
    assert_ptr_equal(mpy_number_to_int(MPY_TRUE), mpy_int_from_i64(1));
    assert_int_equal(mpy_object_compare_bool(MPY_TRUE, mpy_int_from_i64(1), MPY_EQ), 1);
    assert_int_equal(mpy_object_compare_bool(MPY_FALSE, mpy_int_from_i64(1), MPY_LT), 1);
}

/* Every float comes back bit for bit, whether it is an immediate or not. */
static void
test_floats_come_back(void **state)
{
    uint64_t bits = 1, back_bits;
    double value, back;
    int i;
    (void)state;
    for (i = 0; i < 20000; i++) {
        mpy_object *o;
        bits = bits * UINT64_C(6364136223846793005) + 1442695040888963407u;
        if (i % 4 == 0) {
            bits = bits >> 63 << 63 | (uint64_t)(i / 4 % 2048) << 52; /* powers of two */
        }
        memcpy(&value, &bits, sizeof value);
        o = api_good(mpy_float_from_double(value));
        assert_true(mpy_float_check(o) && !mpy_int_check(o));
        assert_int_equal(mpy_float_as_double(o, &back), 0);
        memcpy(&back_bits, &back, sizeof back);
        assert_true(bits == back_bits);
        mpy_decref(o);
    }
}

/* A host's number: add gives 42, subtract does not know. */
static mpy_object *
host_add(mpy_object *a, mpy_object *b)
{
    (void)a;
    (void)b;
    return mpy_int_from_i64(42);
}

static mpy_object *
host_subtract(mpy_object *a, mpy_object *b)
{
    (void)a;
    (void)b;
    return mpy_constant(MPY_CONST_NOT_IMPLEMENTED);
}

static mpy_object *
host_negative(mpy_object *a)
{
    (void)a;
    return mpy_int_from_i64(-42);
}

static void
test_host_slots(void **state)
{
    static const mpy_type_spec spec = {.size = sizeof(mpy_type_spec),
                                       .version = 1,
                                       .name = "t.Number",
                                       .flags = MPY_TYPE_ATTRS,
                                       .add = host_add,
                                       .subtract = host_subtract,
                                       .negative = host_negative};
    mpy_object *type = api_good(mpy_type_from_spec(&spec, NULL));
    mpy_object *o = api_good(mpy_call_noargs(type)), *one = mpy_int_from_i64(1);
    char text[200];
    (void)state;
    assert_ptr_equal(mpy_number_add(o, one), mpy_int_from_i64(42));
    assert_ptr_equal(mpy_number_add(one, o), mpy_int_from_i64(42));
    assert_ptr_equal(mpy_number_add(o, o), mpy_int_from_i64(42));
    assert_ptr_equal(mpy_number_negative(o), mpy_int_from_i64(-42));
    assert_null(mpy_number_subtract(o, one));
    assert_int_equal(api_take_error(text, sizeof text), MPY_EXC_TYPE_ERROR);
    assert_string_equal(text, "mpy_number_subtract(): unsupported operands for -: Number and int");
    assert_null(mpy_number_multiply(one, o));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_null(mpy_number_absolute(o));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(o);
    mpy_decref(type);
}

static void
test_sequences(void **state)
{
    struct api_world *world = *state;
    mpy_object *text = api_good(mpy_str_from_utf8("ab")), *two = mpy_int_from_i64(2), *o;
    mpy_object *list = api_make(world, API_LIST);
    o = api_good(mpy_number_add(text, text));
    assert_int_equal(mpy_str_equal_utf8(o, "abab", 4), 1);
    mpy_decref(o);
    o = api_good(mpy_number_multiply(two, text));
    assert_int_equal(mpy_str_equal_utf8(o, "abab", 4), 1);
    mpy_decref(o);
    o = api_good(mpy_number_multiply(list, two));
    assert_int_equal(mpy_list_length(o), 6);
    mpy_decref(o);
    o = api_good(mpy_number_add(list, list));
    assert_int_equal(mpy_list_length(o), 6);
    mpy_decref(o);
    assert_null(mpy_number_add(text, two));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_null(mpy_number_multiply(text, text));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(text);
    mpy_decref(list);
}

static void
test_error_texts(void **state)
{
    static const struct {
        mpy_object *(*fn)(mpy_object *, mpy_object *);
        const char *text;
    } divisions[] = {{mpy_number_true_divide, "mpy_number_true_divide(): division by zero"},
                     {mpy_number_floor_divide, "mpy_number_floor_divide(): division by zero"},
                     {mpy_number_remainder, "mpy_number_remainder(): division by zero"}};
    mpy_object *zero = mpy_int_from_i64(0), *most = mpy_int_from_i64(MPY_INT_MAX);
    mpy_object *least = mpy_int_from_i64(MPY_INT_MIN), *minus = mpy_int_from_i64(-1);
    char text[200];
    size_t i;
    (void)state;
    for (i = 0; i < 3; i++) {
        assert_null(divisions[i].fn(most, zero));
        assert_int_equal(api_take_error(text, sizeof text), MPY_EXC_ZERO_DIVISION_ERROR);
        assert_string_equal(text, divisions[i].text);
        assert_null(divisions[i].fn(most, MPY_FALSE));
        api_expect_error(MPY_EXC_ZERO_DIVISION_ERROR);
    }
    assert_null(mpy_number_add(most, MPY_TRUE));
    assert_int_equal(api_take_error(text, sizeof text), MPY_EXC_OVERFLOW_ERROR);
    assert_string_equal(text, "mpy_number_add(): the result does not fit an int of 63 bits");
    assert_null(mpy_number_floor_divide(least, minus));
    api_expect_error(MPY_EXC_OVERFLOW_ERROR);
    assert_null(mpy_number_negative(least));
    api_expect_error(MPY_EXC_OVERFLOW_ERROR);
    assert_null(mpy_number_absolute(least));
    api_expect_error(MPY_EXC_OVERFLOW_ERROR);
    assert_null(mpy_int_from_str("12q", 10));
    assert_int_equal(api_take_error(text, sizeof text), MPY_EXC_VALUE_ERROR);
    assert_string_equal(text, "mpy_int_from_str(): invalid literal for an int of base 10: '12q'");
}

static int
make_boxed(void *data)
{
    mpy_object *o = mpy_float_from_double(-0.0);
    (void)data;
    mpy_xdecref(o);
    return o != NULL ? 0 : -1;
}

static void
test_out_of_memory(void **state)
{
    struct api_world *world = *state;
    assert_int_equal(inject_each(world->rt, make_boxed, NULL), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_transcript, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_values_without_lock, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_c_integers, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_bool_is_int, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_floats_come_back, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_host_slots, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_sequences, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_error_texts, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_out_of_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
