/* SPDX-License-Identifier: MIT */
/*
 * Releasing and taking the lock: the thread's words, misuse, settings, statistics.
 */
#include "support/cm.h"
#include "support/workers.h"

#include "base/tls.h"
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
test_words(void **state)
{
    (void)state;
    assert_ptr_equal(mpy_priv_tls.obj, &rt->heap->raw.pub);
    mpy_thread_token *saved = mpy_gil_release();
    assert_non_null(saved);
    assert_null(mpy_priv_tls.thread);
    assert_ptr_equal(mpy_priv_tls.obj, &mpyi_null_heap);
    assert_int_equal(mpyi_rt_of(rt)->view->lock.word, 0);
    assert_null(mpy_obj_malloc(16));
    assert_int_equal(mpy_checkpoint(), -1);
    assert_int_equal(mpy_status_last(), MPY_E_NOT_ATTACHED);
    assert_null(mpy_gil_release()); /* nothing to release */
    assert_int_equal(mpy_gil_held(), 0);
    mpy_gil_acquire(saved);
    assert_ptr_equal(mpy_priv_tls.thread, saved);
    assert_ptr_equal(mpy_priv_tls.obj, &rt->heap->raw.pub);
    assert_int_equal(mpy_gil_held(), 1);
}

static void
test_misuse(void **state)
{
    (void)state;
    mpy_thread_token *saved = mpy_gil_release();
    mpy_gil_acquire(NULL);
    assert_int_equal(mpy_gil_held(), 0);
    mpy_gil_acquire(saved);
    mpy_gil_acquire(saved); /* twice: would wait for itself */
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    assert_int_equal(mpy_gil_held(), 1);
    assert_int_equal(mpyi_rt_of(rt)->view->lock.word, MPYI_LOCK_HELD);
}

static void
test_interval(void **state)
{
    (void)state;
    assert_int_equal(mpy_gil_set_switch_interval(rt, 1000), 0);
    assert_int_equal(mpyi_rt_of(rt)->view->lock.interval, 1000);
    assert_int_equal(mpy_gil_set_switch_interval(rt, INT64_C(10000000000)), 0);
    assert_int_equal(mpy_gil_set_switch_interval(rt, 999), -1);
    assert_int_equal(mpy_err_code(), MPY_EXC_VALUE_ERROR);
    mpy_err_clear();
    assert_int_equal(mpy_gil_set_switch_interval(NULL, 5000), -1);
    assert_int_equal(mpy_err_code(), MPY_EXC_VALUE_ERROR);
    mpy_err_clear();
    mpy_thread_token *saved = mpy_gil_release();
    assert_int_equal(mpy_gil_set_switch_interval(rt, 5000), 0); /* any thread */
    assert_int_equal(mpy_gil_set_switch_interval(rt, 0), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    mpy_gil_acquire(saved);
    assert_int_equal(mpyi_rt_of(rt)->view->lock.interval, 5000);
}

static void
test_stats(void **state)
{
    (void)state;
    mpy_gil_stats stats = {.size = sizeof stats, .version = 1};
    assert_int_equal(mpy_gil_get_stats(rt, &stats), 0);
    assert_int_equal(stats.size, sizeof stats);
    assert_int_equal(stats.version, 1);
    assert_int_equal(stats.attached, 1);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.hand_offs, 0);
    assert_int_equal(mpy_gil_get_stats(rt, NULL), -1);
    mpy_err_clear();
    assert_int_equal(mpy_gil_get_stats(NULL, &stats), -1);
    mpy_err_clear();
}

/* Memory that the heap keeps is looked after when the lock is released. */
static void
test_decay(void **state)
{
    (void)state;
    struct mpyi_attachment *a = mpyi_rt_tls.inner;
    size_t kept = rt->heap->obj_space.kept;
    rt->heap->obj_space.kept = kept + 1;
    for (int i = 0; i < 3; i++) {
        mpy_gil_acquire(mpy_gil_release());
    }
    rt->heap->obj_space.kept = kept;
    assert_int_equal(a->releases, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_words, setup, teardown),
        cmocka_unit_test_setup_teardown(test_misuse, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interval, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decay, setup, teardown),
    };
    return cmocka_run_group_tests_name("gil", tests, NULL, NULL);
}
