/* SPDX-License-Identifier: MIT */
/*
 * alloc_inline_minipy.c - pair64 as a host sees it that compiles against the header:
 *
 *   pair64_inline         mpy_mem_malloc inlined, mpy_mem_free called
 *   pair64_inline_sized   both inlined: the size is known when freeing
 *
 * No other peer has an inlined form, so these rows are compared with the peers' pair64.
 */
#include "alloc/alloc_inline_minipy.h"

#include <minipy/mem.h>

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

static double
run_inline_sized(void)
{
    size_t operations = worker_count(ALLOC_PAIRS, 1000);
    double start = worker_now_ns();
    for (size_t i = 0; i < operations; i++) {
        void *p = mpy_mem_malloc(64);
        alloc_touch(p);
        mpy_mem_free_sized(p, 64);
    }
    return (worker_now_ns() - start) / (double)operations;
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
}
