/* SPDX-License-Identifier: MIT */
/*
 * lock_basic.c - the lock without and with somebody waiting.
 *
 *   release_acquire         giving the lock up and taking it back, nobody else there, in ns
 *   attach_held             attach and detach in a thread that is attached and holds the lock
 *   attach_own              the same in a thread that is attached but has released the lock
 *   attach_new              the same in a thread that is not attached otherwise
 *   handoff_p50, _p99       from the moment one thread releases the lock to the moment the thread
 *                           that was blocked on it runs with it, in us
 */
#include <semaphore.h>

#include "lock/lock.h"

#define HANDOFFS 400

static double
body_release_acquire(size_t n)
{
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        peer_lock_acquire(peer_lock_release());
    }
    return worker_now_ns() - start;
}

static double
body_attach(size_t n)
{
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        peer_detach(peer_attach());
    }
    return worker_now_ns() - start;
}

static double
body_attach_own(size_t n)
{
    peer_saved saved = peer_lock_release();
    double elapsed = body_attach(n);
    peer_lock_acquire(saved);
    return elapsed;
}

struct attach_job {
    size_t n;
    double elapsed;
};

static void *
attach_thread(void *data)
{
    struct attach_job *job = data;
    job->elapsed = body_attach(job->n);
    return NULL;
}

static double
body_attach_new(size_t n)
{
    struct attach_job job = {n, 0};
    lock_join(lock_thread(attach_thread, &job));
    return job.elapsed;
}

/* The two sides of the hand-off. `released` is written by one thread before it gives up the lock
   and read by the other one when it has it. */
static struct {
    sem_t go;
    sem_t done;
    double released;
    double waits[HANDOFFS];
    size_t count;
} handoff;

static void *
handoff_thread(void *data)
{
    peer_token token = peer_attach();
    (void)data;
    for (size_t i = 0; i < handoff.count; i++) {
        peer_saved saved = peer_lock_release();
        (void)sem_wait(&handoff.go);
        peer_lock_acquire(saved);
        handoff.waits[i] = (worker_now_ns() - handoff.released) / 1e3;
        saved = peer_lock_release();
        (void)sem_post(&handoff.done);
        peer_lock_acquire(saved);
    }
    peer_detach(token);
    return NULL;
}

/* Each time: let the other thread block on the lock, then give the lock up and go to sleep. */
static void
measure_handoff(void)
{
    handoff.count = worker_count(HANDOFFS, HANDOFFS);
    (void)sem_init(&handoff.go, 0, 0);
    (void)sem_init(&handoff.done, 0, 0);
    pthread_t thread = lock_thread(handoff_thread, NULL);
    for (size_t i = 0; i < handoff.count; i++) {
        (void)sem_post(&handoff.go);
        worker_sleep_us(300);
        handoff.released = worker_now_ns();
        peer_saved saved = peer_lock_release();
        (void)sem_wait(&handoff.done);
        peer_lock_acquire(saved);
    }
    lock_join(thread);
    worker_emit("handoff_p50", worker_quantile(handoff.waits, handoff.count, .5), "us");
    worker_emit("handoff_p99", worker_quantile(handoff.waits, handoff.count, .99), "us");
}

void
lock_basic_run(void)
{
    static const struct worker_row rows[] = {
        {"release_acquire", 3000000, body_release_acquire, NULL, NULL},
        {"attach_held", 3000000, body_attach, NULL, NULL},
        {"attach_own", 2000000, body_attach_own, NULL, NULL},
        {"attach_new", 200000, body_attach_new, NULL, NULL},
    };
    worker_run_rows(rows, sizeof rows / sizeof rows[0]);
    if (worker_wants("handoff_p50") || worker_wants("handoff_p99")) {
        measure_handoff();
    }
}
