/* SPDX-License-Identifier: MIT */
/*
 * lock_runtimes.c - two runtimes in two threads.
 *
 *   two_runtimes_over_one   time of two runtimes that each do a piece of work at once, divided by
 *                           the time of one that does both pieces: 0.5 is a perfect speed-up
 *
 * CPython 3.11 has one lock in a process, whatever the number of interpreters: it has no such row.
 */
#include "lock/lock.h"

#if PEER_HAS_RUNTIMES

#define PIECES ((size_t)40)

static pthread_barrier_t ready;

/* One piece: strs, dicts, lists and tuples made, filled, read and dropped. */
static void
work(void)
{
    char text[16] = "key-";
    for (size_t round = 0; round < 20; round++) {
        peer_obj dict = peer_dict_new();
        peer_obj list = peer_list_new();
        for (size_t i = 0; i < 500; i++) {
            text[4] = (char)('a' + i % 26);
            text[5] = (char)('a' + i / 26);
            peer_obj key = peer_str(text, 6);
            peer_obj pair[2] = {key, list};
            peer_obj tuple = peer_tuple_of(pair, 1);
            peer_dict_set(dict, key, tuple);
            peer_list_append(list, tuple);
            peer_must(peer_dict_probe(dict, key));
            peer_decref(tuple);
            peer_decref(key);
        }
        peer_decref(dict);
        peer_decref(list);
    }
}

static void *
runtime_thread(void *data)
{
    double *elapsed = data;
    struct peer_runtime *runtime = peer_runtime_begin();
    size_t pieces = worker_count(PIECES * 10, 300);
    work();
    (void)pthread_barrier_wait(&ready);
    double start = worker_now_ns();
    for (size_t i = 0; i < pieces; i++) {
        work();
    }
    *elapsed = worker_now_ns() - start;
    peer_runtime_end(runtime);
    return NULL;
}

/* ns per runtime that its share took, the slowest of `count` runtimes at once. */
static double
time_runtimes(unsigned count)
{
    pthread_t threads[2];
    double elapsed[2] = {0, 0};
    (void)pthread_barrier_init(&ready, NULL, count);
    for (unsigned i = 0; i < count; i++) {
        threads[i] = lock_thread(runtime_thread, &elapsed[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        lock_join(threads[i]);
    }
    (void)pthread_barrier_destroy(&ready);
    return elapsed[0] > elapsed[1] ? elapsed[0] : elapsed[1];
}

void
lock_runtimes_run(void)
{
    double one[WORKER_REPEATS];
    double two[WORKER_REPEATS];
    if (!worker_wants("two_runtimes_over_one")) {
        return;
    }
    for (size_t i = 0; i < WORKER_REPEATS; i++) {
        one[i] = time_runtimes(1);
        two[i] = time_runtimes(2);
    }
    double ratio = worker_median(two, WORKER_REPEATS) / (2 * worker_median(one, WORKER_REPEATS));
    worker_emit("two_runtimes_over_one", ratio, "ratio");
}

#else

void
lock_runtimes_run(void)
{
}

#endif
