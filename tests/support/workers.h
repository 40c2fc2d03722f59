/* SPDX-License-Identifier: MIT */
/*
 * support/workers.h - threads for tests: start some, let them go at once, join them.
 *
 * An assertion of cmocka jumps back into the test, which only its own thread may do. Workers use
 * WORKER_CHECK instead: it ends the program with the place that failed.
 */
#ifndef MPY_TEST_SUPPORT_WORKERS_H
#define MPY_TEST_SUPPORT_WORKERS_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WORKERS_MAX 64

#define WORKER_CHECK(cond)                                                                         \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            (void)fprintf(stderr, "%s:%d: worker: %s\n", __FILE__, __LINE__, #cond);               \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Nanoseconds of the monotonic clock. */
static inline int64_t
worker_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static inline void
worker_sleep_us(long us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000};
    (void)nanosleep(&t, NULL);
}

/* True within `ms` milliseconds: *word is `value`. */
static inline int
worker_wait_for(const uint32_t *word, uint32_t value, int ms)
{
    int64_t end = worker_now() + ms * INT64_C(1000000);
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value) {
        if (worker_now() > end) {
            return 0;
        }
        worker_sleep_us(100);
    }
    return 1;
}

struct workers {
    pthread_t threads[WORKERS_MAX];
    size_t count;
};

static inline void
workers_add(struct workers *workers, void *(*fn)(void *), void *arg)
{
    WORKER_CHECK(workers->count < WORKERS_MAX);
    WORKER_CHECK(pthread_create(&workers->threads[workers->count], NULL, fn, arg) == 0);
    workers->count++;
}

static inline void
workers_join(struct workers *workers)
{
    while (workers->count > 0) {
        WORKER_CHECK(pthread_join(workers->threads[--workers->count], NULL) == 0);
    }
}

#endif /* MPY_TEST_SUPPORT_WORKERS_H */
