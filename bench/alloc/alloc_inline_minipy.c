/* SPDX-License-Identifier: MIT */
/*
 * alloc_inline_minipy.c - rows with what only libminipy has. pair64 as a host sees it that compiles
 * against the header, and a request with a heap of its own:
 *
 *   pair64_inline         mpy_mem_malloc inlined, mpy_mem_free called
 *   pair64_inline_sized   both inlined: the size is known when freeing
 *   pair512_inline_sized  the same with 512 bytes
 *
 *   request1000_region    a region made, 1,000 blocks from it, the region destroyed
 *
 * They are compared with the peers' pair64, pair512 and request1000.
 */
#include "alloc/alloc_inline_minipy.h"

#include <minipy/region.h>

#include "alloc/alloc_peer.h"
#include "worker.h"

static double
run_inline(void)
{
    size_t operations = worker_count(ALLOC_PAIRS, 1000);
    double start = worker_now_ns();
    for (size_t i = 0; i < operations; i++) {
        void *p = mpy_mem_malloc(64);
        alloc_touch(p);
        mpy_mem_free(p);
    }
    return (worker_now_ns() - start) / (double)operations;
}

/* n is a constant once this is inlined, as the header's fast paths want it. */
static inline __attribute__((always_inline)) double
run_sized(size_t n)
{
    size_t operations = worker_count(ALLOC_PAIRS, 1000);
    double start = worker_now_ns();
    for (size_t i = 0; i < operations; i++) {
        void *p = mpy_mem_malloc(n);
        alloc_touch(p);
        mpy_mem_free_sized(p, n);
    }
    return (worker_now_ns() - start) / (double)operations;
}

static double
run_inline_sized(void)
{
    return run_sized(64);
}

static double
run_inline_sized512(void)
{
    return run_sized(512);
}

static double
run_region(void)
{
    static size_t sizes[ALLOC_REQUEST];
    struct worker_random random = WORKER_RANDOM_INIT;
    for (size_t i = 0; i < ALLOC_REQUEST; i++) {
        sizes[i] = alloc_histogram_size(worker_random_next(&random) >> 11);
    }
    size_t rounds = worker_count(600000, ALLOC_REQUEST) / ALLOC_REQUEST;
    double start = worker_now_ns();
    for (size_t k = 0; k < rounds; k++) {
        mpy_region *region = mpy_region_new(NULL);
        for (size_t i = 0; i < ALLOC_REQUEST; i++) {
            alloc_touch(mpy_region_malloc(region, sizes[i]));
        }
        mpy_region_destroy(region);
    }
    return (worker_now_ns() - start) / (double)(rounds * ALLOC_REQUEST);
}

static void
measure(const char *row, double (*run)(void))
{
    double samples[WORKER_REPEATS];
    if (worker_wants(row)) {
        (void)run();
        for (size_t i = 0; i < WORKER_REPEATS; i++) {
            samples[i] = run();
        }
        worker_emit(row, worker_median(samples, WORKER_REPEATS), "ns");
    }
}

void
alloc_inline_rows(void)
{
    measure("pair64_inline", run_inline);
    measure("pair64_inline_sized", run_inline_sized);
    measure("pair512_inline_sized", run_inline_sized512);
    measure("request1000_region", run_region);
}
