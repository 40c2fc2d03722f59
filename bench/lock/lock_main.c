/* SPDX-License-Identifier: MIT */
/*
 * lock_main.c - the lock worker: what taking and giving the global lock costs, how long a thread
 * waits for it, and whether two runtimes run in parallel.
 */
#include "lock/lock.h"

pthread_t
lock_thread(void *(*body)(void *data), void *data)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, data) != 0) {
        worker_fail("cannot start a thread");
    }
    return thread;
}

void
lock_join(pthread_t thread)
{
    peer_saved saved = peer_lock_release();
    (void)pthread_join(thread, NULL);
    peer_lock_acquire(saved);
}

int
main(int argc, char **argv)
{
    (void)worker_start(argc, argv);
    peer_start();
    lock_basic_run();
    lock_fairness_run();
    lock_runtimes_run();
    return 0;
}
