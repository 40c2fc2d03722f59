/* SPDX-License-Identifier: MIT */
/*
 * alloc_timeline.c - resident memory over the life of a program, as a curve: rss_mb@STEP.
 *
 *   steps  0.. 4  grow by 20 MB of small blocks each
 *          5.. 8  free a random 90 % of them, block by block
 *          9..13  a little traffic only: 300 ms each, for a peer that gives memory back later
 *         14..17  grow again by 20 MB each, in sizes that are twice as large
 *         18..19  free everything
 *         20..24  a little traffic again
 *
 * Nobody calls trim: the curve shows what a peer does by itself.
 */
#include "alloc/alloc_peer.h"
#include "worker.h"

#include <stdio.h>
#include <string.h>

#define STEP_BYTES  ((double)20 * 1048576)
#define BLOCKS      ((size_t)2000000)
#define IDLE_US     300000u
#define IDLE_ROUNDS 20000

struct heap {
    void **blocks;
    uint16_t *sizes;
    size_t count;
    double live;
    double base;
    unsigned step;
};

static void
sample(struct heap *heap)
{
    char name[32];
    (void)snprintf(name, sizeof name, "rss_mb@%02u", heap->step++);
    double resident = (worker_resident_bytes() - heap->base) / 1048576.0;
    worker_emit(name, resident > .1 ? resident : .1, "MB");
}

static void
grow(struct heap *heap, struct worker_random *random, size_t factor)
{
    double goal = heap->live + STEP_BYTES / (worker_is_quick() ? 10 : 1);
    while (heap->live < goal && heap->count < BLOCKS) {
        size_t size = alloc_histogram_size(worker_random_next(random) >> 20) * factor;
        heap->blocks[heap->count] = alloc_take(size);
        memset(heap->blocks[heap->count], 1, size);
        heap->sizes[heap->count++] = (uint16_t)size;
        heap->live += (double)size;
    }
    sample(heap);
}

static void
shrink(struct heap *heap, struct worker_random *random, size_t keep)
{
    while (heap->count > keep) {
        size_t i = worker_random_below(random, heap->count);
        heap->live -= heap->sizes[i];
        alloc_give(heap->blocks[i]);
        heap->blocks[i] = heap->blocks[--heap->count];
        heap->sizes[i] = heap->sizes[heap->count];
    }
    sample(heap);
}

static void
idle(struct heap *heap)
{
    worker_sleep_us(worker_is_quick() ? IDLE_US / 10 : IDLE_US);
    void *window[128] = {0};
    for (int i = 0; i < IDLE_ROUNDS; i++) {
        void **block = &window[i % 128];
        if (*block != NULL) {
            alloc_give(*block);
        }
        *block = alloc_take(alloc_histogram_size((uint64_t)i));
        alloc_touch(*block);
    }
    for (int i = 0; i < 128; i++) {
        alloc_give(window[i]);
    }
    sample(heap);
}

void
alloc_timeline_run(void)
{
    struct worker_random random = WORKER_RANDOM_INIT;
    if (!worker_wants("rss_mb@")) {
        return;
    }
    struct heap heap = {.blocks = worker_map(BLOCKS * sizeof(void *)),
                        .sizes = worker_map(BLOCKS * sizeof(uint16_t))};
    heap.base = worker_resident_bytes();
    for (int i = 0; i < 5; i++) {
        grow(&heap, &random, 1);
    }
    size_t full = heap.count;
    for (size_t i = 1; i <= 4; i++) {
        shrink(&heap, &random, full - full * 9 * i / 40);
    }
    for (int i = 0; i < 5; i++) {
        idle(&heap);
    }
    for (int i = 0; i < 4; i++) {
        grow(&heap, &random, 2);
    }
    full = heap.count;
    shrink(&heap, &random, full / 2);
    shrink(&heap, &random, 0);
    for (int i = 0; i < 5; i++) {
        idle(&heap);
    }
    worker_unmap(heap.sizes, BLOCKS * sizeof(uint16_t));
    worker_unmap(heap.blocks, BLOCKS * sizeof(void *));
}
