/* SPDX-License-Identifier: MIT */
/* test: long */
/*
 * A storm of short threads, and threads that try to attach to a runtime that is ending.
 */
#include "support/cm.h"
#include "support/scale.h"
#include "support/workers.h"

#include "minipy/err.h"
#include "minipy/thread.h"

#define BATCH   20
#define BATCHES 50

static mpy_view *view;
static uint64_t ids[BATCH * BATCHES];
static uint32_t id_count;

static void *
short_life(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        mpy_thread_token *token;
        WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
        if (i == 0 && id_count < BATCH * BATCHES) {
            ids[id_count++] = mpy_thread_id(token); /* under the lock */
        }
        void *p = mpy_obj_malloc(64);
        WORKER_CHECK(p != NULL);
        mpy_obj_free(p);
        mpy_err_set_code(MPY_EXC_VALUE_ERROR, "left behind");
        mpy_thread_detach(token);
    }
    return NULL;
}

static int
compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void
test_storm(void **state)
{
    (void)state;
    mpy_runtime *rt;
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    mpy_gil_stats stats = {.size = sizeof stats, .version = 1};
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    view = mpy_view_of(rt);
    id_count = 0;
    mpy_thread_token *saved = mpy_gil_release();
    for (unsigned long batch = 0; batch < test_scaled(BATCHES); batch++) {
        struct workers w = {.count = 0};
        for (int i = 0; i < BATCH; i++) {
            workers_add(&w, short_life, NULL);
        }
        workers_join(&w);
    }
    mpy_gil_acquire(saved);
    assert_int_equal(mpy_gil_get_stats(rt, &stats), 0);
    assert_int_equal(stats.attached, 1);
    assert_int_equal(id_count, BATCH * BATCHES);
    qsort(ids, id_count, sizeof ids[0], compare_ids);
    for (uint32_t i = 1; i < id_count; i++) {
        assert_true(ids[i] != ids[i - 1]);
    }
    mpy_view_close(view);
    assert_int_equal(mpy_runtime_free(rt, &report), MPY_OK);
    assert_int_equal(report.objects, 0);
    assert_int_equal(report.blocks, 0);
}

static uint32_t refused;

static void *
attaches_until_refused(void *arg)
{
    mpy_view *own = arg;
    mpy_thread_token *token;
    mpy_status status;
    /* Seldom a checkpoint: a thread that stands at one is attached, and the runtime busy. */
    for (unsigned i = 0; (status = mpy_thread_attach(own, &token)) == MPY_OK; i++) {
        WORKER_CHECK(i % 64 != 0 || mpy_checkpoint() == 0);
        mpy_thread_detach(token);
    }
    WORKER_CHECK(status == MPY_E_FINALIZING && token == NULL);
    WORKER_CHECK(mpy_status_last() == MPY_E_FINALIZING);
    __atomic_fetch_add(&refused, 1, __ATOMIC_ACQ_REL);
    mpy_view_close(own); /* perhaps the last, long after the runtime */
    return NULL;
}

/* Nobody hangs and nobody gets into a runtime that is ending, however the two meet. */
static void
test_end_under_attachers(void **state)
{
    (void)state;
    for (unsigned long round = 0; round < test_scaled(20); round++) {
        struct workers w = {.count = 0};
        mpy_runtime *rt;
        mpy_status status;
        refused = 0;
        assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
        for (int i = 0; i < 4; i++) {
            workers_add(&w, attaches_until_refused, mpy_view_of(rt));
        }
        mpy_thread_token *saved = mpy_gil_release();
        worker_sleep_us(500);
        mpy_gil_acquire(saved);
        while ((status = mpy_runtime_free(rt, NULL)) == MPY_E_BUSY) {
            saved = mpy_gil_release(); /* somebody stands at a checkpoint inside */
            mpy_gil_acquire(saved);
        }
        assert_int_equal(status, MPY_OK);
        workers_join(&w);
        assert_int_equal(refused, 4);
    }
}

/* Crosswise: each thread goes from one runtime into the other. With both locks held at once the
   two would wait for each other for ever. */
static mpy_view *views[2];

static void *
crosses(void *arg)
{
    uintptr_t first = (uintptr_t)arg;
    for (int i = 0; i < 500; i++) {
        mpy_thread_token *outer, *inner;
        WORKER_CHECK(mpy_thread_attach(views[first], &outer) == MPY_OK);
        WORKER_CHECK(mpy_thread_attach(views[1 - first], &inner) == MPY_OK);
        WORKER_CHECK(mpy_checkpoint() == 0);
        mpy_thread_detach(inner);
        WORKER_CHECK(mpy_thread_current() == outer && mpy_gil_held());
        mpy_thread_detach(outer);
    }
    return NULL;
}

static void
test_crosswise(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    mpy_runtime *rts[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mpy_runtime_new(NULL, &rts[i]), MPY_OK);
        views[i] = mpy_view_of(rts[i]);
    }
    mpy_thread_token *saved = mpy_gil_release();
    for (uintptr_t i = 0; i < 4; i++) {
        workers_add(&w, crosses, (void *)(i % 2));
    }
    workers_join(&w);
    mpy_gil_acquire(saved);
    for (int i = 1; i >= 0; i--) {
        mpy_view_close(views[i]);
        assert_int_equal(mpy_runtime_free(rts[i], NULL), MPY_OK);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_storm),
        cmocka_unit_test(test_end_under_attachers),
        cmocka_unit_test(test_crosswise),
    };
    return cmocka_run_group_tests_name("attach", tests, NULL, NULL);
}
