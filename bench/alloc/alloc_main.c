/* SPDX-License-Identifier: MIT */
/*
 * alloc_main.c - the program around the allocator workloads, and the histogram of sizes.
 *
 * PART "" runs the rows that measure time, PART "memory" those that measure resident memory,
 * PART "timeline" the curve of it, in a process that has done nothing else.
 */
#include "alloc/alloc_peer.h"
#include "worker.h"

#include <string.h>

void *(*alloc_take)(size_t n);
void (*alloc_give)(void *p);

/* Size in bytes and its share in thousandths, as counted in programs of a dynamic language:
   most blocks are objects of 2..8 words, a tail is tables and strings. */
static const struct {
    uint16_t size;
    uint16_t share;
} histogram[] = {
    {16, 110}, {24, 120}, {32, 170}, {40, 50},  {48, 150}, {56, 110}, {64, 110},
    {72, 30},  {80, 25},  {96, 30},  {104, 15}, {112, 10}, {128, 20}, {160, 10},
    {192, 8},  {232, 12}, {256, 6},  {360, 4},  {440, 4},  {512, 6},
};

#define PICKS 1024

static uint16_t sizes[PICKS];

void
alloc_histogram_init(void)
{
    size_t filled = 0;
    for (size_t i = 0; i < sizeof histogram / sizeof histogram[0]; i++) {
        size_t picks = (size_t)histogram[i].share * PICKS / 1000;
        for (size_t j = 0; j < picks && filled < PICKS; j++) {
            sizes[filled++] = histogram[i].size;
        }
    }
    while (filled < PICKS) {
        sizes[filled++] = 32;
    }
}

size_t
alloc_histogram_size(uint64_t pick)
{
    return sizes[pick % PICKS];
}

int
main(int argc, char **argv)
{
    const char *part = worker_start(argc, argv);
    struct alloc_peer peer = alloc_peer_start();
    alloc_take = peer.take;
    alloc_give = peer.give;
    alloc_histogram_init();
    if (strcmp(part, "memory") == 0) {
        alloc_memory_run(&peer);
        return 0;
    }
    if (strcmp(part, "timeline") == 0) {
        alloc_timeline_run();
        return 0;
    }
    worker_stay_on_round();
    alloc_rows_run();
    if (peer.extra_rows != NULL) {
        peer.extra_rows();
    }
    alloc_aligned_run(&peer);
    worker_stay_on(-1);
    if (peer.threads) {
        alloc_threads_run();
        alloc_server_run();
    }
    return 0;
}
