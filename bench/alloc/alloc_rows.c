/* SPDX-License-Identifier: MIT */
/*
 * alloc_rows.c - the allocator's rows on one thread, in ns per malloc+free pair.
 *
 *   pairN          allocate N bytes, free them at once: the fast path alone
 *   lifo16         16 blocks of 64 bytes, freed in reverse: a stack of temporaries
 *   batch_*        10,000 blocks, freed in order, in reverse, or at random
 *   mix100k        100,000 live blocks of 8..512 bytes; each step replaces a random one
 *   hist100k, 5k   the same with the sizes of a dynamic language's objects
 *   walk           a stack that grows and shrinks at random, as a tree walk does
 *   swingN         N blocks of 64 bytes, freed in reverse, again and again: over the edges of a
 *                  magazine (80), of the caches of empty pools (2,500), of empty arenas (400,000)
 *   free_null      two frees of NULL: the price of two calls
 *   batch_large1k  10,000 blocks of 1,000 bytes, freed at random
 *   request1000    1,000 blocks with the sizes of objects, all freed: a request and its end
 *   large513_64k   2,000 live blocks of 513 bytes..64 KiB, log-uniform
 *   follow         a million objects of mixed sizes, made in turn and linked; ns per object to
 *                  follow the links
 *   text500k       a text that grows to 500 KB by 4 KB, each time in a new block; ns per step
 */
#include "alloc/alloc_peer.h"
#include "worker.h"

#include <string.h>

#define STEPS      ((size_t)1 << 20) /* length of the prepared sequences */
#define BATCH      ((size_t)10000)
#define WALK_DEPTH ((size_t)60000)
#define TEXT_STEP  ((size_t)4000)

enum size_kind { SIZES_UNIFORM, SIZES_HISTOGRAM, SIZES_LARGE };
enum free_order { ORDER_FIFO, ORDER_LIFO, ORDER_RANDOM };

struct row {
    const char *name;
    double (*run)(const struct row *row); /* ns per pair, one repetition after `setup` */
    void (*setup)(const struct row *row);
    void (*teardown)(const struct row *row);
    size_t size; /* bytes a block; or live blocks */
    size_t operations;
    enum size_kind sizes;
    enum free_order order;
};

static void **slots;    /* live blocks */
static uint32_t *picks; /* which slot the i-th step replaces */
static uint16_t *sizes; /* size of the i-th block */

static size_t
pick_size(enum size_kind kind, uint64_t random)
{
    if (kind == SIZES_UNIFORM) {
        return 8 + (size_t)(random % 505);
    }
    if (kind == SIZES_HISTOGRAM) {
        return alloc_histogram_size(random);
    }
    double octaves = (double)(random & 0xfffff) / 1048576.0 * 7;
    unsigned octave = (unsigned)octaves;
    double size = 513.0 * (double)(1u << octave) * (1 + (octaves - octave));
    return size > 65000 ? 65000 : (size_t)size;
}

static void
prepare_steps(size_t live, enum size_kind kind)
{
    struct worker_random random = WORKER_RANDOM_INIT;
    for (size_t i = 0; i < STEPS; i++) {
        picks[i] = (uint32_t)worker_random_below(&random, live);
        sizes[i] = (uint16_t)pick_size(kind, worker_random_next(&random) >> 11);
    }
}

static double
run_pair(const struct row *row)
{
    size_t size = row->size;
    size_t operations = worker_count(row->operations, 1000);
    double start = worker_now_ns();
    for (size_t i = 0; i < operations; i++) {
        void *p = alloc_take(size);
        alloc_touch(p);
        alloc_give(p);
    }
    return (worker_now_ns() - start) / (double)operations;
}

static double
run_lifo(const struct row *row)
{
    void *stack[16];
    size_t groups = worker_count(row->operations, 1000) / 16;
    double start = worker_now_ns();
    for (size_t i = 0; i < groups; i++) {
        for (size_t j = 0; j < 16; j++) {
            stack[j] = alloc_take(row->size);
            alloc_touch(stack[j]);
        }
        for (size_t j = 16; j > 0; j--) {
            alloc_give(stack[j - 1]);
        }
    }
    return (worker_now_ns() - start) / (double)(groups * 16);
}

static void
setup_batch(const struct row *row)
{
    struct worker_random random = WORKER_RANDOM_INIT;
    (void)row;
    worker_permutation(&random, picks, BATCH);
}

static void
free_batch(enum free_order order)
{
    if (order == ORDER_FIFO) {
        for (size_t i = 0; i < BATCH; i++) {
            alloc_give(slots[i]);
        }
    } else if (order == ORDER_LIFO) {
        for (size_t i = BATCH; i > 0; i--) {
            alloc_give(slots[i - 1]);
        }
    } else {
        for (size_t i = 0; i < BATCH; i++) {
            alloc_give(slots[picks[i]]);
        }
    }
}

static double
run_batch(const struct row *row)
{
    size_t size = row->size;
    size_t batches = worker_count(row->operations, BATCH) / BATCH;
    double start = worker_now_ns();
    for (size_t k = 0; k < batches; k++) {
        for (size_t i = 0; i < BATCH; i++) {
            slots[i] = alloc_take(size);
            alloc_touch(slots[i]);
        }
        free_batch(row->order);
    }
    return (worker_now_ns() - start) / (double)(batches * BATCH);
}

static void
setup_churn(const struct row *row)
{
    prepare_steps(row->size, row->sizes);
    for (size_t i = 0; i < row->size; i++) {
        slots[i] = alloc_take(sizes[i % STEPS]);
        alloc_touch(slots[i]);
    }
}

static double
run_churn(const struct row *row)
{
    size_t operations = worker_count(row->operations, 10000);
    double start = worker_now_ns();
    for (size_t i = 0; i < operations; i++) {
        void **slot = &slots[picks[i]];
        alloc_give(*slot);
        *slot = alloc_take(sizes[i]);
        alloc_touch(*slot);
    }
    return (worker_now_ns() - start) / (double)operations;
}

static void
teardown_churn(const struct row *row)
{
    for (size_t i = 0; i < row->size; i++) {
        alloc_give(slots[i]);
    }
}

static void
setup_request(const struct row *row)
{
    prepare_steps(5000, row->sizes);
}

static double
run_request(const struct row *row)
{
    size_t rounds = worker_count(row->operations, ALLOC_REQUEST) / ALLOC_REQUEST;
    double start = worker_now_ns();
    for (size_t k = 0; k < rounds; k++) {
        for (size_t i = 0; i < ALLOC_REQUEST; i++) {
            slots[i] = alloc_take(sizes[i]);
            alloc_touch(slots[i]);
        }
        for (size_t i = 0; i < ALLOC_REQUEST; i++) {
            alloc_give(slots[i]);
        }
    }
    return (worker_now_ns() - start) / (double)(rounds * ALLOC_REQUEST);
}

static void
setup_walk(const struct row *row)
{
    prepare_steps(5000, row->sizes);
}

/* Half of the steps push 1..4 blocks, the others pop 1..4: the depth drifts as a random walk. */
static double
run_walk(const struct row *row)
{
    size_t steps = worker_count(row->operations, 10000);
    size_t depth = 0;
    size_t pairs = 0;
    double start = worker_now_ns();
    for (size_t i = 0; i < steps; i++) {
        unsigned turn = picks[i] & 7;
        if (turn < 4 || depth == 0) {
            for (size_t j = 0; j <= turn && depth < WALK_DEPTH; j++) {
                slots[depth] = alloc_take(sizes[(i + j) % STEPS]);
                alloc_touch(slots[depth]);
                depth++;
                pairs++;
            }
        } else {
            for (unsigned j = 4; j <= turn && depth > 0; j++) {
                alloc_give(slots[--depth]);
            }
        }
    }
    while (depth > 0) {
        alloc_give(slots[--depth]);
    }
    return (worker_now_ns() - start) / (double)pairs;
}

/* row->size blocks of 64 bytes, freed again: a program that goes back and forth over an edge. */
static double
run_swing(const struct row *row)
{
    size_t live = row->size;
    size_t swings = worker_count(row->operations, live) / live;
    double start = worker_now_ns();
    for (size_t k = 0; k < swings; k++) {
        for (size_t i = 0; i < live; i++) {
            slots[i] = alloc_take(64);
            alloc_touch(slots[i]);
        }
        for (size_t i = live; i > 0; i--) {
            alloc_give(slots[i - 1]);
        }
    }
    return (worker_now_ns() - start) / (double)(swings * live);
}

static size_t
follow_count(const struct row *row)
{
    return worker_count(row->size, 100000);
}

static void
setup_follow(const struct row *row)
{
    size_t n = follow_count(row);
    prepare_steps(n, row->sizes);
    for (size_t i = 0; i < n; i++) {
        slots[i] = alloc_take(sizes[i]);
    }
    for (size_t i = 0; i < n; i++) {
        void *next = i + 1 < n ? slots[i + 1] : NULL;
        memcpy(slots[i], &next, sizeof next);
    }
}

/* What a collector, an interpreter or a list's owner does all day: where the blocks lie decides. */
static double
run_follow(const struct row *row)
{
    size_t n = 0;
    double start = worker_now_ns();
    for (void *p = slots[0]; p != NULL; n++) {
        memcpy(&p, p, sizeof p);
    }
    WORKER_KEEP(n);
    (void)row;
    return (worker_now_ns() - start) / (double)n;
}

static void
teardown_follow(const struct row *row)
{
    size_t n = follow_count(row);
    for (size_t i = 0; i < n; i++) {
        alloc_give(slots[i]);
    }
}

/* How programs without realloc grow a text: a new block, a copy, and the old one freed. */
static double
run_text(const struct row *row)
{
    size_t steps = row->size / TEXT_STEP;
    size_t texts = worker_count(row->operations, steps) / steps;
    double start = worker_now_ns();
    for (size_t k = 0; k < texts; k++) {
        char *text = NULL;
        for (size_t n = TEXT_STEP; n <= row->size; n += TEXT_STEP) {
            char *longer = alloc_take(n);
            if (text != NULL) {
                memcpy(longer, text, n - TEXT_STEP);
            }
            memset(longer + n - TEXT_STEP, 'x', TEXT_STEP);
            alloc_give(text);
            text = longer;
        }
        alloc_give(text);
    }
    return (worker_now_ns() - start) / (double)(texts * steps);
}

/* The price of two calls, whatever they do: no pair can be below it. */
static double
run_free_null(const struct row *row)
{
    size_t operations = worker_count(row->operations, 1000);
    double start = worker_now_ns();
    for (size_t i = 0; i < operations; i++) {
        alloc_give(NULL);
        alloc_give(NULL);
    }
    return (worker_now_ns() - start) / (double)operations;
}

/* clang-format off */
static const struct row rows[] = {
    {"pair16",  run_pair, NULL, NULL, 16,  ALLOC_PAIRS, SIZES_UNIFORM, ORDER_FIFO},
    {"pair32",  run_pair, NULL, NULL, 32,  ALLOC_PAIRS, SIZES_UNIFORM, ORDER_FIFO},
    {"pair64",  run_pair, NULL, NULL, 64,  ALLOC_PAIRS, SIZES_UNIFORM, ORDER_FIFO},
    {"pair256", run_pair, NULL, NULL, 256, ALLOC_PAIRS, SIZES_UNIFORM, ORDER_FIFO},
    {"pair512", run_pair, NULL, NULL, 512, ALLOC_PAIRS, SIZES_UNIFORM, ORDER_FIFO},
    {"lifo16",  run_lifo, NULL, NULL, 64,  ALLOC_PAIRS, SIZES_UNIFORM, ORDER_LIFO},
    {"batch_fifo64",  run_batch, setup_batch, NULL, 64,  600000, SIZES_UNIFORM, ORDER_FIFO},
    {"batch_lifo64",  run_batch, setup_batch, NULL, 64,  600000, SIZES_UNIFORM, ORDER_LIFO},
    {"batch_rand64",  run_batch, setup_batch, NULL, 64,  600000, SIZES_UNIFORM, ORDER_RANDOM},
    {"batch_rand32",  run_batch, setup_batch, NULL, 32,  600000, SIZES_UNIFORM, ORDER_RANDOM},
    {"batch_rand512", run_batch, setup_batch, NULL, 512, 600000, SIZES_UNIFORM, ORDER_RANDOM},
    {"mix100k",  run_churn, setup_churn, teardown_churn, 100000, 500000, SIZES_UNIFORM, ORDER_RANDOM},
    {"hist100k", run_churn, setup_churn, teardown_churn, 100000, 500000, SIZES_HISTOGRAM, ORDER_RANDOM},
    {"hist5k",   run_churn, setup_churn, teardown_churn, 5000,   500000, SIZES_HISTOGRAM, ORDER_RANDOM},
    {"walk", run_walk, setup_walk, NULL, 0, STEPS, SIZES_HISTOGRAM, ORDER_LIFO},
    {"swing40",   run_swing, NULL, NULL, 40,     ALLOC_PAIRS, SIZES_UNIFORM, ORDER_LIFO},
    {"swing80",   run_swing, NULL, NULL, 80,     ALLOC_PAIRS, SIZES_UNIFORM, ORDER_LIFO},
    {"swing2500", run_swing, NULL, NULL, 2500,   ALLOC_PAIRS, SIZES_UNIFORM, ORDER_LIFO},
    {"swing400k", run_swing, NULL, NULL, 400000, ALLOC_PAIRS, SIZES_UNIFORM, ORDER_LIFO},
    {"free_null", run_free_null, NULL, NULL, 0,  ALLOC_PAIRS, SIZES_UNIFORM, ORDER_FIFO},
    {"batch_large1k", run_batch, setup_batch, NULL, 1000, 200000, SIZES_LARGE, ORDER_RANDOM},
    {"request1000", run_request, setup_request, NULL, 0, 600000, SIZES_HISTOGRAM, ORDER_FIFO},
    {"large513_64k", run_churn, setup_churn, teardown_churn, 2000, 100000, SIZES_LARGE, ORDER_RANDOM},
    {"follow", run_follow, setup_follow, teardown_follow, 1000000, 1000000, SIZES_HISTOGRAM, ORDER_FIFO},
    {"text500k", run_text, NULL, NULL, 500000,   5000, SIZES_UNIFORM, ORDER_FIFO},
};
/* clang-format on */

static void
run_row(const struct row *row)
{
    double samples[WORKER_REPEATS];
    if (row->setup != NULL) {
        row->setup(row);
    }
    (void)row->run(row);
    for (size_t i = 0; i < WORKER_REPEATS; i++) {
        samples[i] = row->run(row);
    }
    if (row->teardown != NULL) {
        row->teardown(row);
    }
    worker_emit(row->name, worker_median(samples, WORKER_REPEATS), "ns");
}

void
alloc_rows_run(void)
{
    slots = worker_map(STEPS * sizeof slots[0]);
    picks = worker_map(STEPS * sizeof picks[0]);
    sizes = worker_map(STEPS * sizeof sizes[0]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (worker_wants(rows[i].name)) {
            run_row(&rows[i]);
        }
    }
}
