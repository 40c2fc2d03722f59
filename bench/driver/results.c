/* SPDX-License-Identifier: MIT */
/*
 * results.c - collecting samples, medians, ratios, verdicts.
 *
 * A ratio is always peer / minipy of medians taken in the same run, so that drift of the machine
 * (rounds are interleaved) falls on both. Every figure is lower-is-better.
 */
#include "driver/results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void
results_init(struct results *results, const struct subject *subject)
{
    *results = (struct results){.subject = subject};
}

void
results_free(struct results *results)
{
    free(results->rows);
    *results = (struct results){0};
}

static struct row *
find_row(const struct results *results, const char *name)
{
    for (size_t i = 0; i < results->count; i++) {
        if (strcmp(results->rows[i].name, name) == 0) {
            return &results->rows[i];
        }
    }
    return NULL;
}

static struct row *
new_row(struct results *results, const char *name, const char *unit)
{
    if (results->count == results->capacity) {
        size_t capacity = results->capacity == 0 ? 64 : results->capacity * 2;
        struct row *rows = realloc(results->rows, capacity * sizeof rows[0]);
        if (rows == NULL) {
            return NULL;
        }
        results->rows = rows;
        results->capacity = capacity;
    }
    struct row *row = &results->rows[results->count++];
    memset(row, 0, sizeof *row);
    strncpy(row->name, name, sizeof row->name - 1);
    strncpy(row->unit, unit, sizeof row->unit - 1);
    return row;
}

int
results_add(struct results *results, enum peer peer, const char *name, double value,
            const char *unit)
{
    struct row *row = find_row(results, name);
    if (row == NULL) {
        row = new_row(results, name, unit);
    }
    if (row == NULL) {
        return -1;
    }
    struct sample_set *set = &row->samples[peer];
    if (set->count < RESULTS_MAX_ROUNDS) {
        set->values[set->count++] = value;
    }
    return 0;
}

/* Geometric mean of the peer's rows in one round; 0 when a row is missing. */
static double
geometric_mean(const struct results *results, enum peer peer, size_t round)
{
    double logs = 0;
    size_t found = 0;
    for (size_t i = 0; i < results->count; i++) {
        const struct sample_set *set = &results->rows[i].samples[peer];
        if (catalog_in_geometric_mean(results->rows[i].name) && round < set->count &&
            set->values[round] > 0) {
            logs += log(set->values[round]);
            found++;
        }
    }
    return found == CATALOG_GEOMETRIC_MEAN_ROWS ? exp(logs / CATALOG_GEOMETRIC_MEAN_ROWS) : 0;
}

int
results_add_geometric_mean(struct results *results)
{
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        for (size_t round = 0; round < RESULTS_MAX_ROUNDS; round++) {
            double mean = geometric_mean(results, (enum peer)peer, round);
            if (mean > 0 &&
                results_add(results, (enum peer)peer, CATALOG_GEOMETRIC_MEAN, mean, "ns") != 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int
compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the values. n > 0. */
static double
median(double *values, size_t n)
{
    qsort(values, n, sizeof values[0], compare_doubles);
    return n % 2 != 0 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

struct summary
results_own(const struct row *row, enum peer peer)
{
    struct sample_set set = row->samples[peer];
    struct summary summary = {.rounds = set.count};
    if (set.count > 0) {
        summary.median = median(set.values, set.count);
        summary.least = set.values[0];
        summary.most = set.values[set.count - 1];
        for (size_t i = 0; i < set.count; i++) {
            set.values[i] = fabs(set.values[i] - summary.median);
        }
        summary.deviation = median(set.values, set.count);
    }
    return summary;
}

struct summary
results_compared(const struct results *results, const struct row *row, enum peer peer)
{
    struct summary own = results_own(row, peer);
    const char *reference = catalog_reference_row(results->subject->name, row->name);
    const struct row *other = reference == NULL ? NULL : find_row(results, reference);
    if (own.rounds == 0 && peer != PEER_MINIPY && other != NULL) {
        return results_own(other, peer);
    }
    return own;
}

double
results_ratio(const struct results *results, const struct row *row, enum peer peer)
{
    struct summary ours = results_own(row, PEER_MINIPY);
    struct summary theirs = results_compared(results, row, peer);
    if (ours.rounds == 0 || theirs.rounds == 0 || ours.median <= 0 || theirs.median <= 0) {
        return 0;
    }
    return theirs.median / ours.median;
}

double
results_best_ratio(const struct results *results, const struct row *row, enum peer *peer)
{
    double best = 0;
    *peer = PEER_COUNT;
    for (unsigned i = PEER_MINIPY + 1; i < PEER_COUNT; i++) {
        double ratio = results_ratio(results, row, (enum peer)i);
        if (ratio > 0 && (best == 0 || ratio < best)) {
            best = ratio;
            *peer = (enum peer)i;
        }
    }
    return best;
}

enum verdict
results_judge(const struct results *results, const struct row *row, const struct target *target,
              double *measured)
{
    enum peer best_peer;
    *measured = 0;
    if (target->kind == TARGET_AT_MOST) {
        struct summary ours = results_own(row, PEER_MINIPY);
        if (ours.rounds == 0) {
            return VERDICT_UNKNOWN;
        }
        *measured = ours.median;
        return ours.median <= target->bound ? VERDICT_MET : VERDICT_MISSED;
    }
    bool best = target->kind == TARGET_TIMES_BEST || target->kind == TARGET_WITHIN_BEST;
    bool within = target->kind == TARGET_WITHIN_PEER || target->kind == TARGET_WITHIN_BEST;
    double ratio = best ? results_best_ratio(results, row, &best_peer)
                        : results_ratio(results, row, target->peer);
    if (ratio <= 0) {
        return VERDICT_UNKNOWN;
    }
    *measured = within ? 1 / ratio : ratio;
    if (within) {
        return *measured <= target->bound ? VERDICT_MET : VERDICT_MISSED;
    }
    return *measured >= target->bound ? VERDICT_MET : VERDICT_MISSED;
}
