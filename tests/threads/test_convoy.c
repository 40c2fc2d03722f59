/* SPDX-License-Identifier: MIT */
/*
 * The convoy effect: a thread that wakes every millisecond beside one that computes. The bounds
 * leave room for a busy machine; what the lock does on an idle one is the benchmarks' business.
 */
#include "support/cm.h"
#include "support/workers.h"

#include "minipy/thread.h"

#define MS      INT64_C(1000000)
#define RUN_MS  600
#define SAMPLES 2000

static mpy_runtime *rt;
static mpy_view *view;
static uint32_t stop;
static int64_t waits[SAMPLES];
static size_t count;

static void *
wakes_every_ms(void *arg)
{
    mpy_thread_token *token;
    (void)arg;
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
    while (count < SAMPLES && !__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        mpy_thread_token *saved = mpy_gil_release();
        worker_sleep_us(1000);
        int64_t start = worker_now();
        mpy_gil_acquire(saved);
        waits[count++] = worker_now() - start;
    }
    mpy_thread_detach(token);
    return NULL;
}

static int
compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Computes for some milliseconds, with a checkpoint about every microsecond; steps done. */
static uint64_t
compute(int ms)
{
    uint64_t steps = 0;
    int64_t end = worker_now() + ms * MS;
    while (worker_now() < end) {
        for (int i = 0; i < 20; i++) {
            for (volatile int k = 0; k < 500; k++) {
            }
            assert_int_equal(mpy_checkpoint(), 0);
        }
        steps++;
    }
    return steps;
}

static void
test_no_convoy(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    mpy_gil_stats stats = {.size = sizeof stats, .version = 1};
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    view = mpy_view_of(rt);
    uint64_t alone = compute(RUN_MS / 2) * 2;
    workers_add(&w, wakes_every_ms, NULL);
    uint64_t beside = compute(RUN_MS);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    mpy_thread_token *saved = mpy_gil_release();
    workers_join(&w);
    mpy_gil_acquire(saved);

    assert_true(count > 100);
    qsort(waits, count, sizeof waits[0], compare);
    print_message("%zu wake-ups, wait p50 %.1f us, p99 %.1f us, throughput kept %.2f\n", count,
                  (double)waits[count / 2] / 1e3, (double)waits[count * 99 / 100] / 1e3,
                  (double)beside / (double)alone);
    assert_true(waits[count / 2] <= 2 * MS);
    assert_true(beside * 2 > alone);
    assert_int_equal(mpy_gil_get_stats(rt, &stats), 0);
    assert_true(stats.hand_offs >= count / 2);
    mpy_view_close(view);
    assert_int_equal(mpy_runtime_free(rt, NULL), MPY_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_convoy)};
    return cmocka_run_group_tests_name("convoy", tests, NULL, NULL);
}
