/* SPDX-License-Identifier: MIT */
/*
 * Views: counting, and what is left of them when the runtime is gone.
 */
#include "support/cm.h"

#include "runtime/runtime.h"

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
    return mpy_runtime_free(rt, NULL) == MPY_OK ? 0 : -1;
}

static void
test_counting(void **state)
{
    (void)state;
    struct mpy_view *view = mpyi_rt_of(rt)->view;
    assert_int_equal(view->refs, 1);
    mpy_view *a = mpy_view_of(rt);
    mpy_view *b = mpy_view_of(rt);
    assert_ptr_equal(a, view);
    assert_int_equal(view->refs, 3);
    assert_ptr_equal(view->rt, rt);
    mpy_view_close(a);
    mpy_view_close(b);
    assert_int_equal(view->refs, 1);
    mpy_view_close(NULL);
}

static void
test_wrong_arguments(void **state)
{
    (void)state;
    assert_null(mpy_view_of(NULL));
    assert_int_not_equal(mpy_err_code(), 0);
    mpy_err_clear();
    mpy_runtime *inner;
    assert_int_equal(mpy_runtime_new(NULL, &inner), MPY_OK);
    assert_null(mpy_view_of(rt)); /* not the current one */
    assert_int_equal(mpy_err_code(), MPY_EXC_VALUE_ERROR);
    mpy_err_clear();
    assert_int_equal(mpy_runtime_free(inner, NULL), MPY_OK);
    mpy_thread_token *saved = mpy_gil_release();
    assert_null(mpy_view_of(rt));
    assert_int_equal(mpy_status_last(), MPY_E_NOT_ATTACHED);
    mpy_gil_acquire(saved);
}

static void
test_outlives_the_runtime(void **state)
{
    (void)state;
    mpy_runtime *inner;
    mpy_thread_token *token;
    assert_int_equal(mpy_runtime_new(NULL, &inner), MPY_OK);
    mpy_view *view = mpy_view_of(inner);
    assert_non_null(view);
    assert_int_equal(mpy_runtime_free(inner, NULL), MPY_OK);
    assert_null(view->rt);
    assert_int_equal(view->refs, 1);
    assert_int_equal(mpy_thread_attach(view, &token), MPY_E_FINALIZING);
    assert_null(token);
    assert_ptr_equal(mpy_runtime_current(), rt); /* and has its lock back */
    uint64_t used = mpy_mem_used();
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(mpy_thread_attach(view, &token), MPY_E_FINALIZING);
    }
    assert_true(mpy_mem_used() < used + 50000); /* nothing of the attempts is left */
    mpy_view_close(view);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_arguments, setup, teardown),
        cmocka_unit_test_setup_teardown(test_outlives_the_runtime, setup, teardown),
    };
    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
