/* SPDX-License-Identifier: MIT */
/*
 * results.h - samples of one subject: rows x peers x rounds, and what is computed from them.
 */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include "driver/catalog.h"

#define RESULTS_MAX_ROUNDS 64
#define RESULTS_NAME_MAX   48

struct sample_set {
    double values[RESULTS_MAX_ROUNDS];
    size_t count;
};

struct row {
    char name[RESULTS_NAME_MAX];
    char unit[16];
    struct sample_set samples[PEER_COUNT];
};

struct results {
    const struct subject *subject;
    struct row *rows; /* in the order in which workers first printed them */
    size_t count;
    size_t capacity;
};

/* Median, median distance from it, smallest and largest of the rounds; rounds == 0: not measured.
 */
struct summary {
    double median;
    double deviation;
    double least;
    double most;
    size_t rounds;
};

void
results_init(struct results *results, const struct subject *subject);
void
results_free(struct results *results);

/* Adds the value of one round. Returns 0, or -1 when out of memory. */
int
results_add(struct results *results, enum peer peer, const char *row, double value,
            const char *unit);

/* Adds the row CATALOG_GEOMETRIC_MEAN, round by round, for every peer that has all its rows. */
int
results_add_geometric_mean(struct results *results);

/* The peer's own samples of the row. */
struct summary
results_own(const struct row *row, enum peer peer);

/* The same; for a row that only minipy has, the row of the peers it is compared with. */
struct summary
results_compared(const struct results *results, const struct row *row, enum peer peer);

/* peer / minipy; 0 when either is missing or not positive. Above 1: minipy is better. */
double
results_ratio(const struct results *results, const struct row *row, enum peer peer);

/* The smallest ratio over the peers, and whose; 0 and PEER_COUNT when no peer has the row. */
double
results_best_ratio(const struct results *results, const struct row *row, enum peer *peer);

enum verdict { VERDICT_UNKNOWN, VERDICT_MET, VERDICT_MISSED };

/* Judges one target on its row; *measured gets the figure to hold against the bound. */
enum verdict
results_judge(const struct results *results, const struct row *row, const struct target *target,
              double *measured);

#endif /* BENCH_RESULTS_H */
