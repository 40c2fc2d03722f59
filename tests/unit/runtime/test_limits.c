/* SPDX-License-Identifier: MIT */
/*
 * Limits: setting, reading, wrong values, and what happens when they are reached.
 */
#include "support/cm.h"

#include "minipy/call.h"
#include "minipy/err.h"
#include "minipy/list.h"
#include "minipy/thread.h"

static mpy_runtime *rt;

static int
setup(void **state)
{
    (void)state;
    return mpy_runtime_new(NULL, &rt) == MPY_OK ? 0 : -1;
}

static int
teardown(void **state)
{
    (void)state;
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    return mpy_runtime_free(rt, &report) == MPY_OK && report.objects == 0 ? 0 : -1;
}

static void
expect(int code)
{
    assert_int_equal(mpy_err_code(), code);
    mpy_err_clear();
}

static void
test_values(void **state)
{
    (void)state;
    int64_t value = -1;
    assert_int_equal(mpy_runtime_get_limit(rt, MPY_LIMIT_BYTES, &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(mpy_runtime_set_limit(rt, MPY_LIMIT_BYTES, 1 << 30), 0);
    assert_int_equal(mpy_runtime_get_limit(rt, MPY_LIMIT_BYTES, &value), 0);
    assert_int_equal(value, 1 << 30);
    assert_int_equal(mpy_runtime_set_limit(rt, MPY_LIMIT_BYTES, INT64_MAX), 0);
    assert_int_equal(mpy_runtime_set_limit(rt, MPY_LIMIT_BYTES, 0), 0);
    assert_int_equal(mpy_runtime_get_limit(rt, MPY_LIMIT_BYTES, &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(mpy_runtime_set_limit(rt, MPY_LIMIT_BYTES, -1), -1);
    expect(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_runtime_set_limit(rt, MPY_LIMIT_STACK_DEPTH, 0), -1);
    expect(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_runtime_set_limit(rt, MPY_LIMIT_STACK_DEPTH, 1000001), -1);
    expect(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_runtime_set_limit(rt, 99, 1), -1);
    expect(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_runtime_get_limit(rt, 99, &value), -1);
    expect(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_runtime_get_limit(rt, MPY_LIMIT_BYTES, NULL), -1);
    expect(MPY_EXC_SYSTEM_ERROR);
    assert_int_equal(mpy_runtime_get_limit(NULL, MPY_LIMIT_BYTES, &value), -1);
    expect(MPY_EXC_SYSTEM_ERROR);
}

static void
test_other_runtime(void **state)
{
    (void)state;
    mpy_runtime *inner;
    int64_t value;
    assert_int_equal(mpy_runtime_new(NULL, &inner), MPY_OK);
    assert_int_equal(mpy_runtime_set_limit(rt, MPY_LIMIT_BYTES, 0), -1);
    expect(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_runtime_get_limit(rt, MPY_LIMIT_BYTES, &value), -1);
    expect(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_runtime_free(inner, NULL), MPY_OK);
    mpy_thread_token *saved = mpy_gil_release();
    assert_int_equal(mpy_runtime_set_limit(rt, MPY_LIMIT_BYTES, 0), -1);
    assert_int_equal(mpy_status_last(), MPY_E_NOT_ATTACHED);
    mpy_gil_acquire(saved);
}

static void
test_depth_is_reached(void **state)
{
    (void)state;
    assert_int_equal(mpy_runtime_set_limit(rt, MPY_LIMIT_STACK_DEPTH, 3), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mpy_recursion_enter("test"), 0);
    }
    assert_int_equal(mpy_recursion_enter("test"), -1);
    expect(MPY_EXC_RECURSION_ERROR);
    for (int i = 0; i < 3; i++) {
        mpy_recursion_leave();
    }
}

/* Garbage is collected before the limit is an error; what is alive stays usable. */
static void
test_bytes_are_reached(void **state)
{
    (void)state;
    assert_int_equal(mpy_runtime_set_limit(rt, MPY_LIMIT_BYTES, 4 << 20), 0);
    mpy_object *keep = mpy_list_new(0);
    assert_non_null(keep);
    size_t n = 0;
    for (;; n++) {
        assert_in_range(n, 0, 1000000);
        mpy_object *item = mpy_list_new(0);
        int rc = item != NULL ? mpy_list_append(keep, item) : -1;
        mpy_xdecref(item);
        if (rc < 0) {
            break;
        }
    }
    expect(MPY_EXC_MEMORY_ERROR);
    assert_true(n > 1000);
    assert_int_equal(mpy_list_length(keep), n);
    mpy_decref(keep);

    /* Cycles, ten times what fits. */
    for (size_t i = 0; i < 10 * n; i++) {
        mpy_object *list = mpy_list_new(0);
        assert_non_null(list);
        assert_int_equal(mpy_list_append(list, list), 0);
        mpy_decref(list);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_runtime, setup, teardown),
        cmocka_unit_test_setup_teardown(test_depth_is_reached, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bytes_are_reached, setup, teardown),
    };
    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
