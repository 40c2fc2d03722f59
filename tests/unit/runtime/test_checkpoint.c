/* SPDX-License-Identifier: MIT */
/*
 * Checkpoints: each reason in the breaker, alone and together, and pending calls in a runtime.
 */
#include "support/cm.h"
#include "support/workers.h"

#include "runtime/runtime.h"

static mpy_runtime *rt;
static mpy_view *view;
static int ran;

static int
setup(void **state)
{
    (void)state;
    ran = 0;
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

static int
counts(void *arg)
{
    (void)arg;
    ran++;
    return 0;
}

static int
fails(void *arg)
{
    (void)arg;
    ran++;
    mpy_err_set_code(MPY_EXC_TIMEOUT_ERROR, "pending");
    return -1;
}

static int
fails_silently(void *arg)
{
    (void)arg;
    return -1;
}

static int
adds_itself(void *arg)
{
    ran++;
    return mpy_pending_add(arg, adds_itself, arg);
}

static int
enters_checkpoint(void *arg)
{
    ran++;
    (void)arg;
    return mpy_checkpoint();
}

static void
test_nothing(void **state)
{
    (void)state;
    rt->breaker = 0;
    assert_int_equal(mpy_checkpoint(), 0);
}

static void
test_pending(void **state)
{
    (void)state;
    assert_int_equal(mpy_pending_add(rt, counts, NULL), 0);
    assert_int_equal(mpy_pending_add(rt, counts, NULL), 0);
    assert_true(rt->breaker & MPYI_BREAK_PENDING);
    assert_int_equal(ran, 0);
    assert_int_equal(mpy_checkpoint(), 0);
    assert_int_equal(ran, 2);
    assert_false(rt->breaker & MPYI_BREAK_PENDING);
}

/* What comes after a failure waits for the next checkpoint. */
static void
test_pending_failure(void **state)
{
    (void)state;
    assert_int_equal(mpy_pending_add(rt, fails, NULL), 0);
    assert_int_equal(mpy_pending_add(rt, counts, NULL), 0);
    assert_int_equal(mpy_checkpoint(), -1);
    assert_int_equal(mpy_err_code(), MPY_EXC_TIMEOUT_ERROR);
    mpy_err_clear();
    assert_int_equal(ran, 1);
    assert_int_equal(mpy_checkpoint(), 0);
    assert_int_equal(ran, 2);
    assert_int_equal(mpy_pending_add(rt, fails_silently, NULL), 0);
    assert_int_equal(mpy_checkpoint(), -1);
    assert_int_equal(mpy_err_code(), MPY_EXC_SYSTEM_ERROR);
    mpy_err_clear();
}

/* A call that asks for itself again runs once at each checkpoint. */
static void
test_pending_that_adds(void **state)
{
    (void)state;
    assert_int_equal(mpy_pending_add(rt, adds_itself, rt), 0);
    assert_int_equal(mpy_checkpoint(), 0);
    assert_int_equal(ran, 1);
    assert_int_equal(mpy_checkpoint(), 0);
    assert_int_equal(ran, 2);
    assert_int_equal(mpy_pending_add(rt, enters_checkpoint, NULL), 0);
    assert_int_equal(mpy_checkpoint(), 0);
    assert_int_equal(ran, 4); /* the one inside found a call running, and left */
    /* And ending the runtime does not run it for ever. */
}

static void
test_pending_full(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MPYI_PENDING_MAX; i++) {
        assert_int_equal(mpy_pending_add(rt, counts, NULL), 0);
    }
    assert_int_equal(mpy_pending_add(rt, counts, NULL), -1);
    assert_int_equal(mpy_status_last(), MPY_E_BUSY);
    assert_int_equal(mpy_checkpoint(), 0);
    assert_int_equal(ran, MPYI_PENDING_MAX);
    assert_int_equal(mpy_pending_add(NULL, counts, NULL), -1);
    assert_int_equal(mpy_pending_add(rt, NULL, NULL), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
}

static uint32_t was_in;

static void *
looks_in(void *arg)
{
    mpy_thread_token *token;
    (void)arg;
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
    __atomic_store_n(&was_in, 1, __ATOMIC_RELEASE);
    mpy_thread_detach(token);
    return NULL;
}

static void
test_lets_others_in(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    workers_add(&w, looks_in, NULL);
    assert_true(worker_wait_for(&rt->breaker, MPYI_BREAK_LOCK, 10000));
    assert_int_equal(__atomic_load_n(&was_in, __ATOMIC_ACQUIRE), 0);
    assert_int_equal(mpy_checkpoint(), 0);
    assert_int_equal(__atomic_load_n(&was_in, __ATOMIC_ACQUIRE), 1);
    assert_int_equal(mpy_gil_held(), 1);
    assert_ptr_equal(mpy_priv_tls.obj, &rt->heap->raw.pub);
    workers_join(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pending, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pending_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pending_that_adds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pending_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lets_others_in, setup, teardown),
    };
    return cmocka_run_group_tests_name("checkpoint", tests, NULL, NULL);
}
