/* SPDX-License-Identifier: MIT */
/*
 * alloc_memory.c - what a heap of 10 million blocks costs in resident memory.
 *
 *   hist_rss_over_live     resident bytes divided by the bytes asked for
 *   hist_free90_over_peak  resident after freeing a random 90 %, divided by the peak
 *   hist_free_all_mb       resident MB after freeing everything
 *
 * Sizes follow the histogram of alloc_main.c; every byte is written. After freeing, each peer gets
 * the time its decay wants (1.2 s, with some traffic in between), and its own call to give memory
 * back, where it has one.
 */
#include "alloc/alloc_peer.h"
#include "worker.h"

#include <stdio.h>
#include <string.h>

#define BLOCKS ((size_t)10000000)

/* Some traffic, so that a peer which works on its slow paths gets to run them. */
static void
poke(void)
{
    for (int i = 0; i < 2000; i++) {
        void *p = alloc_take(64);
        alloc_touch(p);
        alloc_give(p);
    }
}

static double
settle(const struct alloc_peer *peer)
{
    worker_sleep_us(300000);
    poke();
    worker_sleep_us(900000);
    poke();
    if (peer->trim != NULL) {
        peer->trim();
    }
    return worker_resident_bytes();
}

static const char over_live[] = "hist_rss_over_live";
static const char free90[] = "hist_free90_over_peak";
static const char free_all[] = "hist_free_all_mb";

static void
emit(const struct alloc_peer *peer, const char *row, double value, const char *unit)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s%s", row, peer->suffix);
    worker_emit(name, value, unit);
}

/* The three rows come from one heap: any of them costs all of it. */
static bool
wants_any(const struct alloc_peer *peer)
{
    static const char *const rows[] = {over_live, free90, free_all};
    char name[64];
    bool wanted = false;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", rows[i], peer->suffix);
        wanted = wanted || worker_wants(name);
    }
    return wanted;
}

void
alloc_memory_run(const struct alloc_peer *peer)
{
    if (!wants_any(peer)) {
        return;
    }
    size_t count = worker_count(BLOCKS, 100000);
    size_t most = count / 10 * 9;
    void **blocks = worker_map(count * sizeof blocks[0]);
    uint32_t *order = worker_map(count * sizeof order[0]);
    struct worker_random random = WORKER_RANDOM_INIT;
    double live = 0;

    worker_permutation(&random, order, count);
    poke();
    double before = worker_resident_bytes();
    for (size_t i = 0; i < count; i++) {
        size_t size = alloc_histogram_size(worker_random_next(&random) >> 20);
        blocks[i] = alloc_take(size);
        memset(blocks[i], 1, size);
        live += (double)size;
    }
    double peak = worker_resident_bytes() - before;
    emit(peer, over_live, peak / live, "ratio");

    for (size_t i = 0; i < most; i++) {
        alloc_give(blocks[order[i]]);
    }
    emit(peer, free90, (settle(peer) - before) / peak, "ratio");

    for (size_t i = most; i < count; i++) {
        alloc_give(blocks[order[i]]);
    }
    emit(peer, free_all, (settle(peer) - before) / 1048576.0, "MB");
    worker_unmap(order, count * sizeof order[0]);
    worker_unmap(blocks, count * sizeof blocks[0]);
}
