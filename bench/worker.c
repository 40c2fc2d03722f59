/* SPDX-License-Identifier: MIT */
/*
 * worker.c - command line, output, statistics and memory figures of the benchmark workers.
 *
 * Nothing here allocates through malloc while a row runs: arrays of a workload come from mmap, so
 * that the allocator under test sees the workload's own requests only.
 */
#include "worker.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    bool quick;
    const char *filter;
    size_t round; /* 0: none */
} options;

static cpu_set_t cores; /* that the process may use */

const char *
worker_start(int argc, char **argv)
{
    const char *part = "";
    if (sched_getaffinity(0, sizeof cores, &cores) != 0) {
        CPU_ZERO(&cores);
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            options.quick = true;
        } else if (strcmp(argv[i], "--filter") == 0 && i + 1 < argc) {
            options.filter = argv[++i];
        } else if (strcmp(argv[i], "--round") == 0 && i + 1 < argc) {
            options.round = strtoul(argv[++i], NULL, 10);
        } else if (argv[i][0] != '-' && *part == '\0') {
            part = argv[i];
        } else {
            worker_fail("usage: [--quick] [--filter TEXT] [--round N] [PART]");
        }
    }
    return part;
}

bool
worker_wants(const char *row)
{
    return options.filter == NULL || strstr(row, options.filter) != NULL;
}

size_t
worker_count(size_t full, size_t least)
{
    size_t reduced = full / 10;
    if (!options.quick) {
        return full;
    }
    return reduced < least ? least : reduced;
}

bool
worker_is_quick(void)
{
    return options.quick;
}

void
worker_emit(const char *row, double value, const char *unit)
{
    if (worker_wants(row)) {
        printf("%s\t%.6g\t%s\n", row, value, unit);
        (void)fflush(stdout);
    }
}

static void
run_row(const struct worker_row *row)
{
    double samples[WORKER_REPEATS];
    size_t operations = worker_count(row->operations, 1000);
    if (row->setup != NULL) {
        row->setup();
    }
    (void)row->body(operations / 4);
    for (size_t i = 0; i < WORKER_REPEATS; i++) {
        samples[i] = row->body(operations) / (double)operations;
    }
    if (row->teardown != NULL) {
        row->teardown();
    }
    worker_emit(row->name, worker_median(samples, WORKER_REPEATS), "ns");
}

void
worker_run_rows(const struct worker_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (worker_wants(rows[i].name)) {
            run_row(&rows[i]);
        }
    }
}

int
worker_core(size_t n, unsigned wanted)
{
    if (CPU_COUNT(&cores) < (int)wanted) {
        return -1;
    }
    size_t left = n % (size_t)CPU_COUNT(&cores);
    size_t core = 0;
    while (!CPU_ISSET(core, &cores) || left-- > 0) {
        core++;
    }
    return (int)core;
}

void
worker_stay_on(int core)
{
    cpu_set_t set = cores;
    if (core >= 0) {
        CPU_ZERO(&set);
        CPU_SET((size_t)core, &set);
    }
    if (CPU_COUNT(&set) > 0 && pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0) {
        worker_fail("cannot stay on a core");
    }
}

void
worker_stay_on_round(void)
{
    if (options.round != 0) {
        worker_stay_on(worker_core(options.round, 1));
    }
}

void
worker_in_child(void (*body)(const void *data), const void *data)
{
    int status = 0;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        body(data);
        (void)fflush(stdout);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
        worker_fail("a row's process failed");
    }
}

_Noreturn void
worker_fail(const char *what)
{
    (void)fprintf(stderr, "bench worker: %s\n", what);
    exit(1);
}

static int
compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double
worker_median(double *values, size_t n)
{
    qsort(values, n, sizeof values[0], compare_doubles);
    return n % 2 != 0 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double
worker_quantile(double *values, size_t n, double share)
{
    size_t at = (size_t)((double)n * share);
    qsort(values, n, sizeof values[0], compare_doubles);
    return values[at < n ? at : n - 1];
}

static void *
map(size_t bytes, int sharing)
{
    int flags = sharing | MAP_ANONYMOUS | MAP_POPULATE;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (p == MAP_FAILED) {
        worker_fail("out of memory");
    }
    return p;
}

void *
worker_map(size_t bytes)
{
    return map(bytes, MAP_PRIVATE);
}

void *
worker_map_shared(size_t bytes)
{
    return map(bytes, MAP_SHARED);
}

void
worker_unmap(void *p, size_t bytes)
{
    (void)munmap(p, bytes);
}

/* Value in bytes of one line of /proc/self/smaps_rollup, which counts page by page. */
static double
rollup_bytes(const char *format)
{
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    if (file == NULL) {
        worker_fail("cannot read /proc/self/smaps_rollup");
    }
    while (kib < 0 && fgets(line, sizeof line, file) != NULL) {
        size_t prefix = strlen(format);
        if (strncmp(line, format, prefix) == 0) {
            kib = strtol(line + prefix, NULL, 10);
        }
    }
    (void)fclose(file);
    if (kib < 0) {
        worker_fail("no such line in /proc/self/smaps_rollup");
    }
    return (double)kib * 1024.0;
}

double
worker_resident_bytes(void)
{
    return rollup_bytes("Rss:");
}

double
worker_dirty_bytes(void)
{
    return rollup_bytes("Private_Dirty:");
}

void
worker_sleep_us(long us)
{
    struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    (void)nanosleep(&t, NULL);
}

void
worker_permutation(struct worker_random *random, uint32_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        order[i] = (uint32_t)i;
    }
    for (size_t i = n; i > 1; i--) {
        size_t j = worker_random_below(random, i);
        uint32_t swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}

void
worker_shuffle(struct worker_random *random, void **items, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = worker_random_below(random, i);
        void *swap = items[i - 1];
        items[i - 1] = items[j];
        items[j] = swap;
    }
}
