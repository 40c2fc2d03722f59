/* SPDX-License-Identifier: MIT */
/*
 * alloc_server.c - rows of programs whose threads come and go, and of aligned blocks.
 *
 *   server       two chains of threads; each thread replaces random ones of 1,000 live blocks of
 *                8..1,000 bytes, half of them above 512, then starts its successor, hands the
 *                blocks over and ends (after the benchmark "larson"): elapsed ns divided by the
 *                pairs of both
 *   thread_life  a thread is started, takes 200 blocks and gives 100 of them back, and ends; its
 *                parent gives the others back: us per thread, all on one core (on two, where the
 *                system puts the thread makes twice the time or half of it)
 *   aligned64    2,000 live blocks of 64..1,024 bytes at multiples of 64, a random one replaced: ns
 *                per pair
 */
#include "alloc/alloc_peer.h"
#include "worker.h"

#include <pthread.h>
#include <stdatomic.h>

#define LIVE   ((size_t)1000)
#define CHAINS 2
#define LIVES  ((size_t)200)

struct chain {
    void *blocks[LIVE];
    struct worker_random random;
    size_t generations; /* threads still to come */
    size_t steps;       /* replacements of each */
    pthread_mutex_t *lock;
    pthread_cond_t *ended;
    unsigned *running;
};

static size_t
server_size(uint64_t random)
{
    return 8 + (size_t)(random % 993);
}

static void
start_thread(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) != 0 ||
        pthread_create(&thread, &attributes, body, argument) != 0) {
        worker_fail("cannot start a thread");
    }
    (void)pthread_attr_destroy(&attributes);
}

static void *
serve(void *argument)
{
    struct chain *chain = argument;
    for (size_t i = 0; i < chain->steps; i++) {
        uint64_t r = worker_random_next(&chain->random);
        void **block = &chain->blocks[(uint32_t)(r >> 20) % LIVE];
        alloc_give(*block);
        *block = alloc_take(server_size(r >> 40));
        alloc_touch(*block);
    }
    if (--chain->generations > 0) {
        start_thread(serve, chain);
        return NULL;
    }
    (void)pthread_mutex_lock(chain->lock);
    --*chain->running;
    (void)pthread_cond_signal(chain->ended);
    (void)pthread_mutex_unlock(chain->lock);
    return NULL;
}

static void
run_server(void)
{
    static struct chain chains[CHAINS];
    double samples[WORKER_REPEATS];
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
    size_t generations = worker_count(200, 20);
    size_t steps = 5000;
    for (unsigned c = 0; c < CHAINS; c++) {
        chains[c].random.state = 99991 + c * 7919;
        for (size_t i = 0; i < LIVE; i++) {
            chains[c].blocks[i] = alloc_take(server_size(worker_random_next(&chains[c].random)));
        }
    }
    for (size_t r = 0; r < WORKER_REPEATS; r++) {
        unsigned running = CHAINS;
        double start = worker_now_ns();
        for (unsigned c = 0; c < CHAINS; c++) {
            chains[c].generations = generations;
            chains[c].steps = steps;
            chains[c].lock = &lock;
            chains[c].ended = &ended;
            chains[c].running = &running;
            start_thread(serve, &chains[c]);
        }
        (void)pthread_mutex_lock(&lock);
        while (running > 0) {
            (void)pthread_cond_wait(&ended, &lock);
        }
        (void)pthread_mutex_unlock(&lock);
        samples[r] = (worker_now_ns() - start) / (double)(generations * steps * CHAINS);
    }
    for (unsigned c = 0; c < CHAINS; c++) {
        for (size_t i = 0; i < LIVE; i++) {
            alloc_give(chains[c].blocks[i]);
        }
    }
    worker_emit("server", worker_median(samples, WORKER_REPEATS), "ns");
}

static void *
live(void *argument)
{
    void **blocks = argument;
    for (size_t i = 0; i < LIVES; i++) {
        blocks[i] = alloc_take(alloc_histogram_size(i * 7));
        alloc_touch(blocks[i]);
    }
    for (size_t i = 0; i < LIVES / 2; i++) {
        alloc_give(blocks[i]);
    }
    return NULL;
}

static double
time_lives(size_t threads)
{
    void *blocks[LIVES];
    double start = worker_now_ns();
    for (size_t t = 0; t < threads; t++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, live, blocks) != 0) {
            worker_fail("cannot start a thread");
        }
        (void)pthread_join(thread, NULL);
        for (size_t i = LIVES / 2; i < LIVES; i++) {
            alloc_give(blocks[i]);
        }
    }
    return (worker_now_ns() - start) / (double)threads / 1000;
}

static void
run_thread_life(void)
{
    double samples[WORKER_REPEATS];
    size_t threads = worker_count(3000, 300);
    (void)time_lives(50);
    for (size_t r = 0; r < WORKER_REPEATS; r++) {
        worker_stay_on(worker_core(r, 1));
        samples[r] = time_lives(threads);
    }
    worker_stay_on(-1);
    worker_emit("thread_life", worker_median(samples, WORKER_REPEATS), "us");
}

static double
time_aligned(const struct alloc_peer *peer, void **blocks, size_t live_blocks, size_t operations)
{
    struct worker_random random = WORKER_RANDOM_INIT;
    double start = worker_now_ns();
    for (size_t i = 0; i < operations; i++) {
        uint64_t r = worker_random_next(&random);
        void **block = &blocks[(uint32_t)(r >> 20) % live_blocks];
        alloc_give(*block);
        *block = peer->take_aligned(64, 64 + ((r >> 40) % 16) * 64);
        alloc_touch(*block);
    }
    return (worker_now_ns() - start) / (double)operations;
}

static void
run_aligned(const struct alloc_peer *peer)
{
    static void *blocks[2 * LIVE];
    double samples[WORKER_REPEATS];
    size_t operations = worker_count(500000, 10000);
    for (size_t i = 0; i < 2 * LIVE; i++) {
        blocks[i] = peer->take_aligned(64, 64 + (i % 16) * 64);
    }
    (void)time_aligned(peer, blocks, 2 * LIVE, operations);
    for (size_t r = 0; r < WORKER_REPEATS; r++) {
        samples[r] = time_aligned(peer, blocks, 2 * LIVE, operations);
    }
    for (size_t i = 0; i < 2 * LIVE; i++) {
        alloc_give(blocks[i]);
    }
    worker_emit("aligned64", worker_median(samples, WORKER_REPEATS), "ns");
}

void
alloc_aligned_run(const struct alloc_peer *peer)
{
    if (peer->take_aligned != NULL && worker_wants("aligned64")) {
        run_aligned(peer);
    }
}

void
alloc_server_run(void)
{
    if (worker_wants("server")) {
        run_server();
    }
    if (worker_wants("thread_life")) {
        run_thread_life();
    }
}
