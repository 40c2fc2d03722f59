/* SPDX-License-Identifier: MIT */
/* test: link=shared */
/*
 * unit/types/test_twins_number.c - a host without inlining gets the same answers from the twins.
 */
#define MPY_NO_INLINE
#include "support/api_world.h"

#include <dlfcn.h>
#include <string.h>

static void
test_numbers(void **state)
{
    mpy_object *o = api_good(mpy_int_from_i64(-7)), *f;
    int64_t value;
    double real;
    (void)state;
    assert_int_equal(mpy_int_as_i64(o, &value), 0);
    assert_int_equal(value, -7);
    assert_true(mpy_int_check(o) && !mpy_float_check(o) && !mpy_bool_check(o));
    assert_true(mpy_int_check(MPY_TRUE) && mpy_bool_check(MPY_TRUE) && !mpy_int_check(NULL));
    assert_null(mpy_int_from_i64(INT64_MAX));
    api_expect_error(MPY_EXC_OVERFLOW_ERROR);
    f = api_good(mpy_float_from_double(1e300));
    assert_true(mpy_float_check(f) && !mpy_int_check(f));
    assert_int_equal(mpy_float_as_double(f, &real), 0);
    assert_true(real == 1e300);
    assert_int_equal(mpy_float_as_double(mpy_float_from_double(0.5), &real), 0);
    assert_true(real == 0.5);
    assert_int_equal(mpy_int_as_i64(f, &value), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(f);
}

typedef int (*check_fn)(const mpy_object *);

static check_fn
twin(const char *name)
{
    void *symbol = dlsym(RTLD_DEFAULT, name);
    check_fn fn;
    assert_non_null(symbol);
    memcpy(&fn, &symbol, sizeof fn);
    return fn;
}

static void
test_checks_are_exported(void **state)
{
    struct api_world *world = *state;
    mpy_object *text = api_make(world, API_STR), *bytes = api_make(world, API_BYTES);
    assert_int_equal(twin("mpy_str_check")(text), 1);
    assert_int_equal(twin("mpy_str_check")(bytes), 0);
    assert_int_equal(twin("mpy_bytes_check")(bytes), 1);
    assert_int_equal(twin("mpy_bytes_check")(NULL), 0);
    mpy_decref(text);
    mpy_decref(bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_numbers, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_checks_are_exported, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
