/* SPDX-License-Identifier: MIT */
/*
 * Attachments: nested, again, over another runtime; spares; ids; exits; failing allocation.
 */
#include "support/cm.h"
#include "support/workers.h"

#include "minipy/debug.h"

#include "runtime/runtime.h"

static mpy_runtime *rt;
static mpy_view *view;

static int
setup(void **state)
{
    (void)state;
    if (mpy_runtime_new(NULL, &rt) != MPY_OK) {
        return -1;
    }
    view = mpy_view_of(rt);
    return view != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
    (void)state;
    mpy_view_close(view);
    return mpy_runtime_free(rt, NULL) == MPY_OK ? 0 : -1;
}

static void
test_nested_is_a_counter(void **state)
{
    (void)state;
    struct mpyi_attachment *first = mpyi_rt_tls.inner;
    mpy_thread_token *a, *b;
    assert_int_equal(mpy_thread_attach(view, &a), MPY_OK);
    assert_int_equal(mpy_thread_attach(view, &b), MPY_OK);
    assert_ptr_equal(a, first);
    assert_ptr_equal(b, first);
    assert_int_equal(first->nested, 2);
    assert_int_equal(mpyi_rt_of(rt)->attached, 1);
    mpy_thread_detach(b);
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "left behind");
    mpy_thread_detach(a);
    assert_int_equal(mpy_err_code(), 0);
    assert_int_equal(first->nested, 0);
    assert_int_equal(mpy_gil_held(), 1);
}

/* A callback from a blocking call, on the same thread, while the lock is released. */
static void
test_attach_while_released(void **state)
{
    (void)state;
    struct mpyi_attachment *first = mpyi_rt_tls.inner;
    mpy_thread_token *inner;
    first->thread.depth = 5;
    mpy_thread_token *saved = mpy_gil_release();
    assert_int_equal(mpy_gil_held(), 0);
    assert_null(mpy_runtime_current());
    assert_ptr_equal(mpy_thread_current(), saved);
    assert_int_equal(mpy_thread_attach(view, &inner), MPY_OK);
    assert_ptr_not_equal(inner, saved);
    assert_ptr_equal(mpy_thread_current(), inner);
    assert_int_equal(mpy_thread_id(inner), mpy_thread_id(saved)); /* one thread */
    assert_int_equal(mpyi_rt_tls.inner->thread.depth, 5);         /* on one stack */
    assert_int_equal(mpyi_rt_of(rt)->attached, 2);
    assert_int_equal(mpy_runtime_free(rt, NULL), MPY_E_BUSY);
    mpy_thread_detach(inner);
    assert_int_equal(mpy_gil_held(), 0); /* as before */
    mpy_gil_acquire(saved);
    assert_int_equal(mpy_gil_held(), 1);
    first->thread.depth = 0;
}

static void
test_over_another_runtime(void **state)
{
    (void)state;
    mpy_runtime *other;
    mpy_thread_token *third;
    mpy_thread_token *first = mpy_thread_current();
    assert_int_equal(mpy_runtime_new(NULL, &other), MPY_OK);
    assert_ptr_equal(mpy_runtime_current(), other);
    assert_int_equal(mpyi_rt_of(rt)->view->lock.word, 0); /* was let go */
    assert_int_equal(mpy_thread_attach(view, &third), MPY_OK);
    assert_ptr_equal(mpy_runtime_current(), rt);
    assert_ptr_not_equal(third, first);
    assert_int_equal(mpyi_rt_of(other)->view->lock.word, 0);
    mpy_thread_detach(third);
    assert_ptr_equal(mpy_runtime_current(), other);
    assert_int_equal(mpy_runtime_free(other, NULL), MPY_OK);
    assert_ptr_equal(mpy_runtime_current(), rt);
    assert_ptr_equal(mpy_thread_current(), first);
}

static void *
comes_and_goes(void *arg)
{
    mpy_thread_token *token;
    uint64_t id = 0;
    const struct mpyi_attachment *kept = NULL;
    for (int i = 0; i < 3; i++) {
        WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
        WORKER_CHECK(id == 0 || (id == mpy_thread_id(token) && kept == (void *)token));
        id = mpy_thread_id(token);
        kept = (void *)token;
        WORKER_CHECK(mpyi_rt_tls.spare == NULL);
        mpy_thread_detach(token);
        WORKER_CHECK(mpyi_rt_tls.spare == kept && mpyi_rt_tls.inner == NULL);
    }
    *(uint64_t *)arg = id;
    return NULL;
}

static void
test_spare(void **state)
{
    (void)state;
    uint64_t ids[2];
    mpy_thread_token *saved = mpy_gil_release();
    for (int i = 0; i < 2; i++) {
        struct workers w = {.count = 0};
        workers_add(&w, comes_and_goes, &ids[i]);
        workers_join(&w);
    }
    mpy_gil_acquire(saved);
    assert_int_not_equal(ids[0], ids[1]);
    assert_int_not_equal(ids[0], mpy_thread_id(saved));
    assert_int_equal(mpyi_rt_of(rt)->attached, 1);
}

/* A spare of a runtime that is gone is not mistaken for one of a new runtime at its address. */
static void
test_spare_of_a_dead_runtime(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        mpy_runtime *other;
        mpy_thread_token *token;
        assert_int_equal(mpy_runtime_new(NULL, &other), MPY_OK);
        mpy_view *of_other = mpy_view_of(other);
        mpy_thread_token *saved = mpy_gil_release();
        assert_int_equal(mpy_thread_attach(of_other, &token), MPY_OK);
        assert_ptr_equal(mpy_runtime_current(), other);
        assert_true(mpyi_rt_tls.inner->thread.heap == other->heap);
        assert_int_equal(mpyi_rt_tls.inner->id, mpy_runtime_id(other));
        mpy_thread_detach(token);
        mpy_gil_acquire(saved);
        mpy_view_close(of_other);
        assert_int_equal(mpy_runtime_free(other, NULL), MPY_OK);
    }
}

/* The same, with certainty: what the spare belonged to had the view's address and another id. */
static void
make_stale_spare(void)
{
    struct mpyi_attachment *spare = mpyi_rt_tls.spare;
    WORKER_CHECK(spare != NULL && spare->view == view);
    spare->id = view->id + 1000;
    spare->thread.heap = NULL;
    spare->thread.rt = NULL;
}

static void
attach_past_it(void)
{
    mpy_thread_token *token;
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
    WORKER_CHECK(mpyi_rt_tls.inner->id == view->id && mpy_runtime_current() == rt);
    WORKER_CHECK(mpyi_rt_tls.inner->thread.heap == rt->heap);
    mpy_thread_detach(token);
}

static void *
has_a_stale_spare(void *arg)
{
    (void)arg;
    attach_past_it();
    make_stale_spare();
    attach_past_it();
    return NULL;
}

static void
test_stale_spare(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    mpy_thread_token *saved = mpy_gil_release();
    workers_add(&w, has_a_stale_spare, NULL);
    workers_join(&w);
    attach_past_it(); /* on top of an attachment that has released the lock */
    make_stale_spare();
    attach_past_it();
    mpy_gil_acquire(saved);
}

static void *
forgets_to_detach(void *arg)
{
    mpy_thread_token *token;
    (void)arg;
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
    return NULL;
}

static void *
forgets_to_acquire(void *arg)
{
    mpy_thread_token *token;
    (void)arg;
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
    token = mpy_gil_release();
    WORKER_CHECK(token != NULL);
    return NULL;
}

static void
test_exit_while_attached(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    mpy_thread_token *saved = mpy_gil_release();
    workers_add(&w, forgets_to_detach, NULL);
    workers_add(&w, forgets_to_acquire, NULL);
    workers_join(&w);
    mpy_gil_acquire(saved); /* would wait for ever */
    assert_int_equal(mpyi_rt_of(rt)->attached, 1);
}

static void
test_misuse(void **state)
{
    (void)state;
    mpy_runtime *other;
    mpy_thread_token *first = mpy_thread_current();
    mpy_thread_token *token = first;
    assert_int_equal(mpy_thread_attach(NULL, &token), MPY_E_INVAL);
    assert_null(token);
    assert_int_equal(mpy_thread_attach(view, NULL), MPY_E_INVAL);
    assert_int_equal(mpy_runtime_new(NULL, &other), MPY_OK);
    mpy_thread_detach(first); /* not the innermost */
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    assert_ptr_equal(mpy_runtime_current(), other);
    mpy_thread_detach(NULL);
    assert_ptr_equal(mpy_runtime_current(), other);
    assert_int_equal(mpy_runtime_free(other, NULL), MPY_OK);
    assert_int_equal(mpy_thread_id(NULL), 0);
}

static void
test_out_of_memory(void **state)
{
    (void)state;
    mpy_thread_token *token = mpy_thread_current();
    mpy_thread_token *saved = mpy_gil_release();
    mpy_raw_free(mpyi_rt_tls.spare);
    mpyi_rt_tls.spare = NULL;
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_NTH, 1), 0);
    assert_int_equal(mpy_thread_attach(view, &token), MPY_E_NOMEM);
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0), 0);
    assert_null(token);
    assert_ptr_equal(mpy_thread_current(), saved);
    mpy_gil_acquire(saved);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nested_is_a_counter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attach_while_released, setup, teardown),
        cmocka_unit_test_setup_teardown(test_over_another_runtime, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spare, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spare_of_a_dead_runtime, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stale_spare, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exit_while_attached, setup, teardown),
        cmocka_unit_test_setup_teardown(test_misuse, setup, teardown),
        cmocka_unit_test_setup_teardown(test_out_of_memory, setup, teardown),
    };
    return cmocka_run_group_tests_name("attach", tests, NULL, NULL);
}
