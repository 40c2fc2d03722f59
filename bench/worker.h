/* SPDX-License-Identifier: MIT */
/*
 * worker.h - what every benchmark worker shares.
 *
 * A worker is a program that runs one subject for one peer, once, in a process of its own, and
 * prints one line per row on stdout:
 *
 *     row <TAB> value <TAB> unit
 *
 * Every figure is lower-is-better. The driver (driver/) starts the workers of all peers in turn,
 * several rounds, and takes medians over the rounds; a worker itself takes the median of
 * WORKER_REPEATS timings where a row is short, after a warm-up.
 *
 * Command line of every worker: [--quick] [--filter TEXT] [PART]. PART is the worker's own.
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define WORKER_REPEATS 3

/* Keeps the compiler from knowing anything about `value`, without an instruction. */
#define WORKER_KEEP(value) __asm__ volatile("" : "+r"(value) : : "memory")

/* Parses the command line; ends the process with a message when it is wrong. Returns PART or "". */
const char *
worker_start(int argc, char **argv);

/* True when the row's name contains the text of --filter; ask before an expensive set-up. */
bool
worker_wants(const char *row);

/* `full` operations, or fewer (but at least `least`) in a quick run. */
size_t
worker_count(size_t full, size_t least);

/* True in a quick run. */
bool
worker_is_quick(void);

/* Prints one row. */
void
worker_emit(const char *row, double value, const char *unit);

/* A row that is timed by calling body: it does n operations and returns the ns they took. Work
   around the operations (making keys, dropping the result) may stay outside that time. */
struct worker_row {
    const char *name;
    size_t operations; /* of a full run */
    double (*body)(size_t n);
    void (*setup)(void);    /* before the row; NULL: nothing */
    void (*teardown)(void); /* after it; NULL: nothing */
};

/* Runs the rows that are wanted: a warm-up of a quarter of the operations, then the median of
   WORKER_REPEATS timings, in ns per operation. */
void
worker_run_rows(const struct worker_row *rows, size_t n);

/* The n-th of the cores that this process may use, counted round about; -1 if it may use fewer than
   `wanted`. */
int
worker_core(size_t n, unsigned wanted);

/* The calling thread stays on a core, and so do the threads it starts; -1: on any again. */
void
worker_stay_on(int core);

/* The same on the core of this round: that of all peers, and another one in the next round, since a
   neighbour on the other half of a core makes rows 1.2 to 1.5 times as slow for seconds. Started
   without a round: anywhere. */
void
worker_stay_on_round(void);

/* Runs body in a process of its own and waits for it; ends this one when that failed. For rows that
   must not find memory which another row has left behind. */
void
worker_in_child(void (*body)(const void *data), const void *data);

/* Ends the process with a message on stderr: a worker that cannot measure says so. */
_Noreturn void
worker_fail(const char *what);

/* Median of n values; sorts them. n > 0. */
double
worker_median(double *values, size_t n);

/* The value below which `share` (0..1) of the n values lie; sorts them. n > 0. */
double
worker_quantile(double *values, size_t n, double share);

/* Zeroed memory whose pages are already there; taken from the system, never from a peer. */
void *
worker_map(size_t bytes);
void
worker_unmap(void *p, size_t bytes);

/* The same, shared with processes that are forked later. */
void *
worker_map_shared(size_t bytes);

/* Resident bytes of this process, exact (smaps_rollup). */
double
worker_resident_bytes(void);

/* Bytes of this process's private dirty pages. */
double
worker_dirty_bytes(void);

static inline double
worker_now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

void
worker_sleep_us(long us);

/* xorshift64: the same sequence for every peer. */
struct worker_random {
    uint64_t state;
};

#define WORKER_RANDOM_INIT ((struct worker_random){UINT64_C(88172645463325252)})

static inline uint64_t
worker_random_next(struct worker_random *random)
{
    uint64_t x = random->state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    random->state = x;
    return x;
}

/* A number in 0..n-1. */
static inline size_t
worker_random_below(struct worker_random *random, size_t n)
{
    return (size_t)((worker_random_next(random) >> 16) % n);
}

/* Fisher-Yates over 32-bit indices: order becomes a random permutation of 0..n-1. */
void
worker_permutation(struct worker_random *random, uint32_t *order, size_t n);

void
worker_shuffle(struct worker_random *random, void **items, size_t n);

#endif /* BENCH_WORKER_H */
