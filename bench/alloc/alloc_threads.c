/* SPDX-License-Identifier: MIT */
/*
 * alloc_threads.c - the allocator's rows on several threads.
 *
 *   prodcons64, 256    one thread allocates, the other frees, over a ring of 1,024: ns per block
 *   churn_1thread      10,000 live blocks, a random one replaced: ns per pair
 *   churn_2threads     the same on two threads at once, each with its own blocks: elapsed ns
 *                      divided by the pairs of both
 *   churn_2_over_1     the second divided by the first: 0.5 is a perfect speed-up
 *   churn_threads@N    the same on 1..4 threads: a curve that falls as long as cores are free
 *
 * In the churn rows each thread stays on a core of its own while there are enough, another one in
 * the next repetition. Left to itself, the system wakes two threads on one core and moves one of
 * them 1 to 5 ms later, of the 9 ms that a repetition takes: the ratio of any allocator was 0.50 to
 * 0.92. Elapsed is from the first start to the last end, so threads that take turns do not count as
 * threads at once.
 */
#include "alloc/alloc_peer.h"
#include "worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define RING        ((uint64_t)1024)
#define RING_BURST  32
#define LIVE        ((size_t)10000)
#define MAX_THREADS 4

static struct {
    _Alignas(128) _Atomic uint64_t head; /* blocks produced */
    _Alignas(128) _Atomic uint64_t tail; /* blocks consumed */
    _Alignas(128) void *blocks[RING];
} ring;

static void
spin(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void *
consume(void *argument)
{
    uint64_t total = *(const uint64_t *)argument;
    uint64_t tail = 0;
    while (tail < total) {
        uint64_t head = atomic_load_explicit(&ring.head, memory_order_acquire);
        if (head == tail) {
            spin();
            continue;
        }
        while (tail < head) {
            alloc_give(ring.blocks[tail % RING]);
            tail++;
        }
        atomic_store_explicit(&ring.tail, tail, memory_order_release);
    }
    return NULL;
}

static void
produce(uint64_t total, size_t size)
{
    uint64_t head = 0;
    while (head < total) {
        while (head - atomic_load_explicit(&ring.tail, memory_order_acquire) > RING - 64) {
            spin();
        }
        for (int i = 0; i < RING_BURST && head < total; i++) {
            void *p = alloc_take(size);
            alloc_touch(p);
            ring.blocks[head % RING] = p;
            head++;
        }
        atomic_store_explicit(&ring.head, head, memory_order_release);
    }
}

static void
run_producer_consumer(const char *row, size_t size)
{
    double samples[WORKER_REPEATS];
    uint64_t total = worker_count(1500000, 10000);
    for (size_t i = 0; i < WORKER_REPEATS; i++) {
        pthread_t thread;
        atomic_store(&ring.head, 0);
        atomic_store(&ring.tail, 0);
        double start = worker_now_ns();
        if (pthread_create(&thread, NULL, consume, &total) != 0) {
            worker_fail("cannot start a thread");
        }
        produce(total, size);
        (void)pthread_join(thread, NULL);
        samples[i] = (worker_now_ns() - start) / (double)total;
    }
    worker_emit(row, worker_median(samples, WORKER_REPEATS), "ns");
}

struct churn {
    pthread_barrier_t *ready;
    uint64_t seed;
    size_t operations;
    int core; /* -1: any */
    double start, end;
};

static void *
churn(void *argument)
{
    struct churn *job = argument;
    struct worker_random random = {job->seed};
    void **blocks = worker_map(LIVE * sizeof blocks[0]);
    if (job->core >= 0) {
        worker_stay_on(job->core);
    }
    for (size_t i = 0; i < LIVE; i++) {
        blocks[i] = alloc_take(alloc_histogram_size(i * 7));
        alloc_touch(blocks[i]);
    }
    (void)pthread_barrier_wait(job->ready);
    job->start = worker_now_ns();
    for (size_t i = 0; i < job->operations; i++) {
        uint64_t r = worker_random_next(&random);
        void **block = &blocks[(uint32_t)(r >> 20) % LIVE];
        alloc_give(*block);
        *block = alloc_take(alloc_histogram_size(r >> 40));
        alloc_touch(*block);
    }
    job->end = worker_now_ns();
    for (size_t i = 0; i < LIVE; i++) {
        alloc_give(blocks[i]);
    }
    worker_unmap(blocks, LIVE * sizeof blocks[0]);
    return NULL;
}

/* ns per pair of `threads` threads together. */
static double
time_churn(unsigned threads, size_t repetition)
{
    pthread_t ids[MAX_THREADS];
    struct churn jobs[MAX_THREADS];
    pthread_barrier_t ready;
    size_t operations = worker_count(1500000, 10000);
    (void)pthread_barrier_init(&ready, NULL, threads);
    for (unsigned i = 0; i < threads; i++) {
        jobs[i] = (struct churn){
            &ready, 99991 + i * 7919, operations, worker_core(i + repetition, threads), 0, 0};
        if (pthread_create(&ids[i], NULL, churn, &jobs[i]) != 0) {
            worker_fail("cannot start a thread");
        }
    }
    double start = 0;
    double end = 0;
    for (unsigned i = 0; i < threads; i++) {
        (void)pthread_join(ids[i], NULL);
        start = i == 0 || jobs[i].start < start ? jobs[i].start : start;
        end = jobs[i].end > end ? jobs[i].end : end;
    }
    (void)pthread_barrier_destroy(&ready);
    return (end - start) / (double)operations / threads;
}

/* By turns, so that a core that is slow for a while is slow for both. */
static void
run_churn(void)
{
    double one[WORKER_REPEATS];
    double two[WORKER_REPEATS];
    for (size_t r = 0; r < WORKER_REPEATS; r++) {
        one[r] = time_churn(1, r);
        two[r] = time_churn(2, r);
    }
    double alone = worker_median(one, WORKER_REPEATS);
    double both = worker_median(two, WORKER_REPEATS);
    worker_emit("churn_1thread", alone, "ns");
    worker_emit("churn_2threads", both, "ns");
    worker_emit("churn_2_over_1", both / alone, "ratio");
}

static double
measure_churn(unsigned threads)
{
    double samples[WORKER_REPEATS];
    for (size_t r = 0; r < WORKER_REPEATS; r++) {
        samples[r] = time_churn(threads, r);
    }
    return worker_median(samples, WORKER_REPEATS);
}

void
alloc_threads_run(void)
{
    if (worker_wants("prodcons64")) {
        run_producer_consumer("prodcons64", 64);
    }
    if (worker_wants("prodcons256")) {
        run_producer_consumer("prodcons256", 256);
    }
    if (worker_wants("churn_1thread") || worker_wants("churn_2threads") ||
        worker_wants("churn_2_over_1")) {
        run_churn();
    }
    for (unsigned threads = 1; threads <= MAX_THREADS; threads++) {
        char row[32];
        (void)snprintf(row, sizeof row, "churn_threads@%u", threads);
        if (worker_wants(row)) {
            worker_emit(row, measure_churn(threads), "ns");
        }
    }
}
