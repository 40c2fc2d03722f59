/* SPDX-License-Identifier: MIT */
/*
 * cliff/patterns.c - allocation patterns around the edges of the allocator's structures, for
 * check_cliffs.py, which runs this under callgrind and compares the instructions of each.
 *
 * Every measurement repeats a round: allocate `up` blocks, then free them, the last first. Before,
 * `base` blocks are allocated, so that the round begins at a chosen fill of magazine, pool or
 * arena. One untimed pass of rounds brings every structure into the state it then keeps. Printed
 * to stdout is one line a measurement: its label and the number of calls; callgrind's dumps carry
 * the same labels.
 */
#include "minipy/memstat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/callgrind.h>

enum { MOST = 1 << 16, CALLS = 4096 };

static void *held[MOST];
static void *blocks[MOST];

static void
rounds(size_t n, size_t up, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < up; k++) {
            blocks[k] = mpy_mem_malloc(n);
        }
        for (size_t k = up; k-- > 0;) {
            mpy_mem_free(blocks[k]);
        }
    }
}

/* Oldest first: the blocks come back in the order in which they lie. */
static void
rounds_fifo(size_t n, size_t up, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < up; k++) {
            blocks[k] = mpy_mem_malloc(n);
        }
        for (size_t k = 0; k < up; k++) {
            mpy_mem_free(blocks[k]);
        }
    }
}

static void
measure(const char *group, void (*run)(size_t, size_t, size_t), size_t n, size_t base, size_t up)
{
    char label[96];
    size_t count = (CALLS / 2 + up - 1) / up;
    count = count < 4 ? 4 : count;
    for (size_t i = 0; i < base; i++) {
        held[i] = mpy_mem_malloc(n);
    }
    run(n, up, 2);
    (void)snprintf(label, sizeof label, "%s/%zu/%zu/%zu", group, n, base, up);
    CALLGRIND_ZERO_STATS;
    run(n, up, count);
    CALLGRIND_DUMP_STATS_AT(label);
    printf("%s %zu\n", label, 2 * up * count);
    for (size_t i = base; i-- > 0;) {
        mpy_mem_free(held[i]);
    }
}

/* Blocks in a pool, and the most a magazine keeps. */
static void
geometry(size_t n, size_t *pool, size_t *magazine)
{
    mpy_class_stats stats = {.size = sizeof stats};
    if (mpy_mem_class_stats(NULL, (int)((n + 15) / 16 * 2), &stats) < 0) {
        exit(EXIT_FAILURE);
    }
    *pool = stats.blocks_per_pool;
    *magazine = *pool < 32 ? 32 : *pool > 64 ? 64 : *pool;
}

static void
measure_size(size_t n)
{
    size_t pool, magazine;
    geometry(n, &pool, &magazine);
    size_t arena = pool * 64;
    measure("ordinary", rounds, n, magazine / 4, 1);
    measure("batch", rounds, n, 0, 4096);
    measure("batch_fifo", rounds_fifo, n, 0, 4096);
    /* One and two calls up and down, at every fill of two magazines. */
    for (size_t base = 0; base < 2 * magazine + 2; base++) {
        measure("step", rounds, n, base, 1);
        measure("step", rounds, n, base, 2);
    }
    /* Swings of a magazine, a pool, the heap's cache of empty pools, an arena, and a little more.
     */
    const size_t swings[] = {magazine / 2, magazine, pool, 32 * pool, 33 * pool, arena};
    for (size_t i = 0; i < sizeof swings / sizeof swings[0]; i++) {
        for (size_t more = 0; more <= 2; more++) {
            measure("swing", rounds, n, 0, swings[i] + more);
            measure("swing_fifo", rounds_fifo, n, 0, swings[i] + more);
            measure("swing", rounds, n, arena - pool / 2, swings[i] + more);
        }
    }
}

/* Blocks that wait in a bin of large ones: around the edge of its first places, which more follow
   when a request was not served. Closed, the requests are malloc's, whose edges are not ours. */
static void
measure_large(size_t n)
{
    const size_t places = 128;
    measure("ordinary", rounds, n, places / 4, 1);
    for (size_t base = places - 4; base < places + 4; base++) {
        measure("step", rounds, n, base, 1);
        measure("step", rounds, n, base, 2);
    }
    for (size_t more = 0; more <= 2; more++) {
        measure("step", rounds, n, 0, places + more);
        measure("step", rounds, n, places, 4 * places + more);
    }
}

int
main(void)
{
    CALLGRIND_START_INSTRUMENTATION;
    measure_size(16);
    measure_size(64);
    measure_size(128);
    measure_size(512);
    const char *closed = getenv("MINIPY_CLOSED");
    if (closed == NULL || strcmp(closed, "0") == 0) {
        measure_large(1000);
    }
    return EXIT_SUCCESS;
}
