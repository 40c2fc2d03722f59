/* SPDX-License-Identifier: MIT */
/* test: long */
/*
 * Pending calls from threads that are not attached and from a signal handler, against a thread that
 * runs checkpoints: every accepted call runs exactly once, with the lock held.
 */
#include "support/cm.h"
#include "support/scale.h"
#include "support/workers.h"

#include "minipy/err.h"
#include "minipy/thread.h"

#include <signal.h>
#include <sys/time.h>

#define PRODUCERS 3
#define EACH      5000

static mpy_runtime *rt;
static uint64_t ran; /* under the lock */
static uint32_t finished;
static unsigned long each;

static int
counts(void *arg)
{
    WORKER_CHECK(mpy_gil_held());
    WORKER_CHECK(arg == rt);
    ran++;
    return 0;
}

static void *
produces(void *arg)
{
    (void)arg;
    for (unsigned long i = 0; i < each; i++) {
        while (mpy_pending_add(rt, counts, rt) < 0) {
            WORKER_CHECK(mpy_status_last() == MPY_E_BUSY);
            worker_sleep_us(5);
        }
    }
    __atomic_fetch_add(&finished, 1, __ATOMIC_ACQ_REL);
    return NULL;
}

static void
test_from_threads(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    each = test_scaled(EACH);
    ran = 0;
    finished = 0;
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    for (int i = 0; i < PRODUCERS; i++) {
        workers_add(&w, produces, NULL);
    }
    while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) < PRODUCERS) {
        assert_int_equal(mpy_checkpoint(), 0);
    }
    workers_join(&w);
    assert_int_equal(mpy_checkpoint(), 0);
    assert_int_equal(ran, PRODUCERS * each);
    assert_int_equal(mpy_runtime_free(rt, NULL), MPY_OK);
}

static volatile sig_atomic_t accepted;
static volatile sig_atomic_t handled;

static void
on_signal(int signal_number)
{
    (void)signal_number;
    handled++;
    if (mpy_pending_add(rt, counts, rt) == 0) {
        accepted++;
    }
}

/* The handler interrupts the same thread inside its own calls of mpy_pending_add. */
static void
test_from_a_signal(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct itimerval every = {{0, 200}, {0, 200}};
    struct itimerval never = {{0, 0}, {0, 0}};
    uint64_t own = 0;
    ran = 0;
    accepted = 0;
    handled = 0;
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
    int64_t end = worker_now() + INT64_C(5000000000);
    while (handled < 500 && worker_now() < end) {
        own += mpy_pending_add(rt, counts, rt) == 0;
        assert_int_equal(mpy_checkpoint(), 0);
    }
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    signal(SIGALRM, SIG_DFL);
    assert_int_equal(mpy_checkpoint(), 0);
    assert_true(accepted > 0);
    assert_int_equal(ran, own + (uint64_t)accepted);
    assert_int_equal(mpy_runtime_free(rt, NULL), MPY_OK);
}

/* Calls that are waiting when the runtime ends still run; later ones are refused. */
static int
adds_one_more(void *arg)
{
    (void)arg;
    ran++;
    return mpy_pending_add(rt, counts, rt);
}

static int
refuses(void *arg)
{
    (void)arg;
    ran++;
    mpy_err_set_code(MPY_EXC_RUNTIME_ERROR, "nobody sees it");
    return -1;
}

static int
keep_text(void *data, const char *bytes, size_t n)
{
    (void)bytes;
    *(size_t *)data += n;
    return 0;
}

static void
test_at_the_end(void **state)
{
    (void)state;
    size_t written = 0;
    mpy_config *config = mpy_config_new();
    assert_non_null(config);
    mpy_config_set_error_fn(config, keep_text, &written);
    assert_int_equal(mpy_runtime_new(config, &rt), MPY_OK);
    mpy_config_free(config);
    ran = 0;
    assert_int_equal(mpy_pending_add(rt, refuses, NULL), 0);
    assert_int_equal(mpy_pending_add(rt, adds_one_more, NULL), 0);
    assert_int_equal(mpy_runtime_free(rt, NULL), MPY_OK);
    assert_int_equal(ran, 3);
    assert_true(written > 0); /* the failure was reported */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_threads),
        cmocka_unit_test(test_from_a_signal),
        cmocka_unit_test(test_at_the_end),
    };
    return cmocka_run_group_tests_name("pending calls", tests, NULL, NULL);
}
