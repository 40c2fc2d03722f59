/* SPDX-License-Identifier: MIT */
/*
 * report_table.c - the results for a reader at a terminal.
 *
 * Each cell is the median over the rounds, its spread (median distance from the median, in percent
 * of it), and for a peer its value divided by minipy's: 2.0x says that minipy needs half.
 */
#include <string.h>

#include "driver/report.h"

#define CELL 20

/* Three significant digits, without an exponent. */
static void
format_value(char *text, size_t size, double value)
{
    double magnitude = value < 0 ? -value : value;
    int digits = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : 3;
    for (; magnitude > 0 && magnitude < 0.1 && digits < 9; magnitude *= 10) {
        digits++;
    }
    (void)snprintf(text, size, "%.*f", digits, value);
}

static bool
peer_has_rows(const struct results *results, enum peer peer)
{
    for (size_t i = 0; i < results->count; i++) {
        if (results->rows[i].samples[peer].count > 0) {
            return true;
        }
    }
    return false;
}

static void
print_cell(FILE *out, const struct results *results, const struct row *row, enum peer peer)
{
    char value[32];
    char ratio_text[32] = "";
    char spread_text[32] = "";
    char cell[96];
    struct summary summary = results_own(row, peer);
    double ratio = peer == PEER_MINIPY ? 0 : results_ratio(results, row, peer);
    if (ratio > 0) {
        char digits[24];
        format_value(digits, sizeof digits, ratio);
        (void)snprintf(ratio_text, sizeof ratio_text, "%sx", digits);
    }
    if (summary.rounds == 0) {
        (void)snprintf(cell, sizeof cell, "%s%s", ratio > 0 ? "" : "-", ratio_text);
    } else {
        format_value(value, sizeof value, summary.median);
        if (summary.median > 0) {
            (void)snprintf(spread_text, sizeof spread_text, " ±%.0f%%",
                           summary.deviation / summary.median * 100);
        }
        (void)snprintf(cell, sizeof cell, "%s%s%s%s", value, spread_text, *ratio_text ? " " : "",
                       ratio_text);
    }
    /* The sign ± is two bytes and one column. */
    int extra = strstr(cell, "±") != NULL ? 1 : 0;
    (void)fprintf(out, " %*s", CELL + extra, cell);
}

static void
format_target(char *text, size_t size, const struct target *target)
{
    const char *peer = target->peer == PEER_COUNT ? "best" : catalog_peer_name(target->peer);
    char bound[32];
    format_value(bound, sizeof bound, target->bound);
    if (target->kind == TARGET_AT_MOST) {
        (void)snprintf(text, size, "<= %s", bound);
    } else if (target->kind == TARGET_TIMES_PEER || target->kind == TARGET_TIMES_BEST) {
        (void)snprintf(text, size, "%s/minipy >= %s", peer, bound);
    } else {
        (void)snprintf(text, size, "minipy/%s <= %s", peer, bound);
    }
}

static bool
target_is_for(const struct target *target, const struct results *results, const struct row *row)
{
    return strcmp(target->subject, results->subject->name) == 0 &&
           strcmp(target->row, row->name) == 0;
}

static void
print_targets(FILE *out, const struct results *results, const struct row *row)
{
    static const char *const words[] = {
        [VERDICT_UNKNOWN] = "?", [VERDICT_MET] = "ok", [VERDICT_MISSED] = "MISSED"};
    for (size_t i = 0; i < catalog_target_count; i++) {
        const struct target *target = &catalog_targets[i];
        if (target_is_for(target, results, row)) {
            char text[64];
            double measured;
            enum verdict verdict = results_judge(results, row, target, &measured);
            format_target(text, sizeof text, target);
            (void)fprintf(out, "  %s %s", text, words[verdict]);
        }
    }
}

static void
print_header(FILE *out, const struct results *results, const bool *shown)
{
    size_t rounds = 0;
    for (size_t i = 0; i < results->count; i++) {
        for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
            size_t count = results->rows[i].samples[peer].count;
            rounds = count > rounds ? count : rounds;
        }
    }
    (void)fprintf(out,
                  "\n%s: %s\n"
                  "lower is better; median of %zu rounds; 2.0x: the peer needs twice as much\n",
                  results->subject->name, results->subject->title, rounds);
    (void)fprintf(out, "%-26s %-6s", "row", "unit");
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        if (shown[peer]) {
            (void)fprintf(out, " %*s", CELL, catalog_peer_name((enum peer)peer));
        }
    }
    (void)fprintf(out, "  target\n");
}

/* A line per row in which a peer's median is below minipy's. */
static void
print_losses(FILE *out, const struct results *results)
{
    size_t rows = 0;
    for (size_t i = 0; i < results->count; i++) {
        const struct row *row = &results->rows[i];
        bool first = true;
        if (report_is_curve(row)) {
            continue;
        }
        for (unsigned peer = PEER_MINIPY + 1; peer < PEER_COUNT; peer++) {
            double ratio = results_ratio(results, row, (enum peer)peer);
            if (ratio <= 0 || ratio >= 1) {
                continue;
            }
            if (first) {
                (void)fprintf(out, "%s\n  %-26s", rows++ == 0 ? "minipy loses to" : "", row->name);
                first = false;
            }
            (void)fprintf(out, " %s %.2fx ", catalog_peer_name((enum peer)peer), ratio);
        }
    }
    (void)fprintf(out, "%s\n",
                  rows == 0 ? "minipy loses to no peer in any row of the table that both have."
                            : "");
}

static bool
target_has_row(const struct target *target, const struct results *results)
{
    for (size_t i = 0; i < results->count; i++) {
        if (target_is_for(target, results, &results->rows[i])) {
            return true;
        }
    }
    return false;
}

/* Targets whose row no worker printed, or that need a peer which was not measured. */
static size_t
count_unjudged(const struct results *results, size_t judged)
{
    size_t targets = 0;
    for (size_t i = 0; i < catalog_target_count; i++) {
        targets += strcmp(catalog_targets[i].subject, results->subject->name) == 0;
    }
    return targets - judged;
}

static void
print_missing_rows(FILE *out, const struct results *results)
{
    const char *separator = "no row measured for the targets of: ";
    const char *last = "";
    for (size_t i = 0; i < catalog_target_count; i++) {
        const struct target *target = &catalog_targets[i];
        if (strcmp(target->subject, results->subject->name) == 0 &&
            !target_has_row(target, results) && strcmp(last, target->row) != 0) {
            (void)fprintf(out, "%s%s", separator, target->row);
            separator = ", ";
            last = target->row;
        }
    }
    (void)fprintf(out, "%s", *last != '\0' ? "\n" : "");
}

static size_t
print_misses(FILE *out, const struct results *results)
{
    size_t misses = 0;
    size_t judged = 0;
    for (size_t i = 0; i < results->count; i++) {
        const struct row *row = &results->rows[i];
        for (size_t t = 0; t < catalog_target_count; t++) {
            const struct target *target = &catalog_targets[t];
            double measured = 0;
            if (!target_is_for(target, results, row)) {
                continue;
            }
            enum verdict verdict = results_judge(results, row, target, &measured);
            judged += verdict != VERDICT_UNKNOWN;
            if (verdict == VERDICT_MISSED) {
                char text[64];
                char value[32];
                format_target(text, sizeof text, target);
                (void)snprintf(value, sizeof value, "%.4g", measured);
                (void)fprintf(out, "%s  %s: wanted %s, measured %s\n",
                              misses == 0 ? "minipy misses:\n" : "", row->name, text, value);
                misses++;
            }
        }
    }
    (void)fprintf(out, "%zu of %zu targets met, %zu missed, %zu not measured.\n", judged - misses,
                  judged + count_unjudged(results, judged), misses,
                  count_unjudged(results, judged));
    print_missing_rows(out, results);
    return misses;
}

size_t
report_table(FILE *out, const struct results *results)
{
    bool shown[PEER_COUNT];
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        shown[peer] = peer_has_rows(results, (enum peer)peer);
    }
    print_header(out, results, shown);
    for (size_t i = 0; i < results->count; i++) {
        const struct row *row = &results->rows[i];
        if (report_is_curve(row)) {
            continue;
        }
        (void)fprintf(out, "%-26s %-6s", row->name, row->unit);
        for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
            if (shown[peer]) {
                print_cell(out, results, row, (enum peer)peer);
            }
        }
        print_targets(out, results, row);
        (void)fprintf(out, "\n");
    }
    report_curve_tables(out, results);
    if (!shown[PEER_MINIPY]) {
        (void)fprintf(out, "minipy itself was not measured: no ratios, no verdicts.\n");
        return 0;
    }
    print_losses(out, results);
    return print_misses(out, results);
}
