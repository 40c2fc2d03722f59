/* SPDX-License-Identifier: MIT */
/*
 * lock_fairness.c - a thread that sleeps and wakes, beside a thread that computes all the time.
 *
 * The I/O thread releases the lock, sleeps 1 ms (as a read would) and asks for the lock again; the
 * other thread computes: calls of native functions on libminipy, byte code on CPython, whose lock
 * is given up between byte codes only.
 *
 *   io_wait_p50, _p99   how long the I/O thread waits for the lock, in us
 *   io_wakeup_period    time per wake-up of the I/O thread, in ms: 1.06 is what the sleep allows
 *   io_cpu_slowdown     work of the computing thread in a second alone, divided by its work in a
 *                       second beside the I/O thread: 1 says that it lost nothing
 */
#include <stdatomic.h>

#include "lock/lock.h"

#define MOST_WAKEUPS 8192

static struct {
    atomic_bool stop;
    size_t wakeups;
    double waits[MOST_WAKEUPS];
} io;

static void *
io_thread(void *data)
{
    peer_token token = peer_attach();
    (void)data;
    while (!atomic_load(&io.stop) && io.wakeups < MOST_WAKEUPS) {
        peer_saved saved = peer_lock_release();
        worker_sleep_us(1000);
        double asked = worker_now_ns();
        peer_lock_acquire(saved);
        io.waits[io.wakeups++] = (worker_now_ns() - asked) / 1e3;
    }
    peer_detach(token);
    return NULL;
}

void
lock_fairness_run(void)
{
    double seconds = worker_is_quick() ? .5 : 3;
    if (!worker_wants("io_wait_p50") && !worker_wants("io_wait_p99") &&
        !worker_wants("io_wakeup_period") && !worker_wants("io_cpu_slowdown")) {
        return;
    }
    double alone = peer_compute(seconds) / seconds;
    pthread_t thread = lock_thread(io_thread, NULL);
    double beside = peer_compute(seconds) / seconds;
    atomic_store(&io.stop, true);
    size_t wakeups = io.wakeups;
    lock_join(thread);
    if (wakeups == 0) {
        worker_fail("the I/O thread never ran");
    }
    worker_emit("io_wait_p50", worker_quantile(io.waits, wakeups, .5), "us");
    worker_emit("io_wait_p99", worker_quantile(io.waits, wakeups, .99), "us");
    worker_emit("io_wakeup_period", seconds * 1e3 / (double)wakeups, "ms");
    worker_emit("io_cpu_slowdown", alone / beside, "ratio");
}
