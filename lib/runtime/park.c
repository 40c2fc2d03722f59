/* SPDX-License-Identifier: MIT */
/*
 * runtime/park.c - sleeping on a word with POSIX means, see runtime/park.h.
 *
 * Why no wake-up is lost: a sleeper reads the word and goes to sleep under the bucket's mutex; a
 * waker changes the word first and then takes that mutex to signal. Either the sleeper sees the new
 * value, or it sleeps before the waker gets the mutex.
 *
 * Invariant: buckets live as long as the process, so a waker whose sleeper is gone touches nothing
 * but a bucket.
 *
 * Lock: the bucket's mutex, taken last; nothing is called while it is held.
 */
#include "runtime/park.h"

#include "base/assert.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#define BUCKETS  64u
#define NS_PER_S INT64_C(1000000000)

struct bucket {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

static struct bucket buckets[BUCKETS];
static pthread_once_t buckets_once = PTHREAD_ONCE_INIT;

static void
init_buckets(void)
{
    pthread_condattr_t attr;
    int rc = pthread_condattr_init(&attr);
    rc |= pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    for (unsigned i = 0; i < BUCKETS; i++) {
        rc |= pthread_mutex_init(&buckets[i].mutex, NULL);
        rc |= pthread_cond_init(&buckets[i].changed, &attr);
    }
    rc |= pthread_condattr_destroy(&attr);
    if (rc != 0) {
        mpyi_fatal("the system's condition variables have no monotonic clock");
    }
}

static struct bucket *
bucket_of(const uint32_t *word)
{
    pthread_once(&buckets_once, init_buckets);
    uint64_t hash = (uint64_t)(uintptr_t)word * UINT64_C(0x9E3779B97F4A7C15);
    return &buckets[hash >> 58];
}

static struct timespec
deadline_in(int64_t timeout_ns)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)(timeout_ns / NS_PER_S);
    at.tv_nsec += (long)(timeout_ns % NS_PER_S);
    if (at.tv_nsec >= NS_PER_S) {
        at.tv_nsec -= (long)NS_PER_S;
        at.tv_sec++;
    }
    return at;
}

bool
mpyi_park_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns)
{
    struct bucket *b = bucket_of(word);
    int rc = 0;
    pthread_mutex_lock(&b->mutex);
    if (__atomic_load_n(word, __ATOMIC_SEQ_CST) == expected) {
        if (timeout_ns < 0) {
            rc = pthread_cond_wait(&b->changed, &b->mutex);
        } else {
            struct timespec at = deadline_in(timeout_ns);
            rc = pthread_cond_timedwait(&b->changed, &b->mutex, &at);
        }
    }
    pthread_mutex_unlock(&b->mutex);
    return rc != ETIMEDOUT;
}

void
mpyi_park_wake(uint32_t *word)
{
    struct bucket *b = bucket_of(word);
    pthread_mutex_lock(&b->mutex);
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->mutex);
}

void
mpyi_park_after_fork(void)
{
    pthread_once(&buckets_once, init_buckets);
    init_buckets();
}
