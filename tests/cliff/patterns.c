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
#include "minipy/region.h"
#include "minipy/runtime.h"

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

/* ---- as hosts call, with a constant size ------------------------------------------------------
 */

enum { CONSTANT = 64 };

static mpy_region *region;

#define ROUNDS(name, take, give)                                                                   \
    static void name(size_t n, size_t up, size_t count)                                            \
    {                                                                                              \
        (void)n;                                                                                   \
        for (size_t i = 0; i < count; i++) {                                                       \
            for (size_t k = 0; k < up; k++) {                                                      \
                blocks[k] = take;                                                                  \
            }                                                                                      \
            for (size_t k = up; k-- > 0;) {                                                        \
                give;                                                                              \
            }                                                                                      \
        }                                                                                          \
    }

ROUNDS(rounds_inlined, mpy_mem_malloc(CONSTANT), mpy_mem_free_sized(blocks[k], CONSTANT))
ROUNDS(rounds_half, mpy_mem_malloc(CONSTANT), mpy_mem_free(blocks[k]))
ROUNDS(rounds_obj, mpy_obj_malloc(CONSTANT), mpy_obj_free_sized(blocks[k], CONSTANT))
ROUNDS(rounds_region, mpy_region_malloc(region, CONSTANT), mpy_region_free(region, blocks[k]))

/* What holds the blocks that are allocated before a round. */
static void *
take_mem(size_t n)
{
    return mpy_mem_malloc(n);
}

static void *
take_obj(size_t n)
{
    return mpy_obj_malloc(n);
}

static void *
take_region(size_t n)
{
    return mpy_region_malloc(region, n);
}

static void
give_region(void *p)
{
    mpy_region_free(region, p);
}

static void *(*take)(size_t n) = take_mem;
static void (*give)(void *p) = mpy_mem_free;

/* ---- measuring --------------------------------------------------------------------------------
 */

static void
measure(const char *group, void (*run)(size_t, size_t, size_t), size_t n, size_t base, size_t up)
{
    char label[96];
    size_t count = (CALLS / 2 + up - 1) / up;
    count = count < 4 ? 4 : count;
    for (size_t i = 0; i < base; i++) {
        held[i] = take(n);
    }
    run(n, up, 2);
    (void)snprintf(label, sizeof label, "%s/%zu/%zu/%zu", group, n, base, up);
    CALLGRIND_ZERO_STATS;
    run(n, up, count);
    CALLGRIND_DUMP_STATS_AT(label);
    printf("%s %zu\n", label, 2 * up * count);
    for (size_t i = base; i-- > 0;) {
        give(held[i]);
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

/* The same edges for what is inlined into hosts, for a runtime's blocks and for a region's. */
static void
measure_face(const char *face, void (*run)(size_t, size_t, size_t))
{
    char ordinary[32], step[32], batch[32], swing[32];
    size_t pool, magazine;
    geometry(CONSTANT, &pool, &magazine);
    (void)snprintf(ordinary, sizeof ordinary, "ordinary.%s", face);
    (void)snprintf(step, sizeof step, "step.%s", face);
    (void)snprintf(batch, sizeof batch, "batch.%s", face);
    (void)snprintf(swing, sizeof swing, "swing.%s", face);
    measure(ordinary, run, CONSTANT, magazine / 4, 1);
    measure(batch, run, CONSTANT, 0, 4096);
    for (size_t base = 0; base < 2 * magazine + 2; base++) {
        measure(step, run, CONSTANT, base, 1);
        measure(step, run, CONSTANT, base, 2);
    }
    for (size_t more = 0; more <= 2; more++) {
        measure(swing, run, CONSTANT, 0, magazine + more);
        measure(swing, run, CONSTANT, pool * 64 - pool / 2, 33 * pool + more);
    }
}

static int
measure_faces(void)
{
    mpy_runtime *rt = NULL;
    region = mpy_region_new(NULL);
    if (region == NULL || mpy_runtime_new(NULL, &rt) != MPY_OK) {
        return EXIT_FAILURE;
    }
    measure_face("inlined", rounds_inlined);
    measure_face("half", rounds_half);
    take = take_region;
    give = give_region;
    measure_face("region", rounds_region);
    take = take_obj;
    give = mpy_obj_free;
    measure_face("obj", rounds_obj);
    mpy_region_destroy(region);
    return mpy_runtime_free(rt, NULL) == MPY_OK ? EXIT_SUCCESS : EXIT_FAILURE;
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
    return measure_faces();
}
