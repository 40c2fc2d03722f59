/* SPDX-License-Identifier: MIT */
/*
 * lock.h - the parts of the lock worker.
 */
#ifndef BENCH_LOCK_H
#define BENCH_LOCK_H

#include <pthread.h>

#include "peers/peer.h"

/* Starts a thread or ends the worker. */
pthread_t
lock_thread(void *(*body)(void *data), void *data);

/* Waits for a thread with the lock released. */
void
lock_join(pthread_t thread);

/* Groups of rows, each in its file; peer_start() has been called. */
void
lock_basic_run(void);
void
lock_fairness_run(void);
void
lock_runtimes_run(void);

#endif /* BENCH_LOCK_H */
