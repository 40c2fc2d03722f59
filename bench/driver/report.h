/* SPDX-License-Identifier: MIT */
/*
 * report.h - the forms in which results leave the driver: a table, JSON, a plot.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdio.h>

#include "driver/results.h"

/* Prints rows x peers with ratios and targets, then where minipy loses and what it misses.
   Returns the number of targets that were missed. */
size_t
report_table(FILE *out, const struct results *results);

/* True for a point of a curve: a row named NAME@X. */
bool
report_is_curve(const struct row *row);

/* Prints the curves of a subject, a line a peer. */
void
report_curve_tables(FILE *out, const struct results *results);

/* Draws DIRECTORY/bench-SUBJECT-CURVE.svg and .png for each. 0, or -1 after a message. */
int
report_curve_plots(const char *directory, const struct results *results);

/* Runs a gnuplot script with a format as its argument; 0, or -1. */
int
report_run_gnuplot(const char *script, const char *format);

/* How gnuplot draws a peer's line. */
const char *
report_peer_style(enum peer peer);

/* Writes all subjects to a file in Google Benchmark's JSON schema. 0, or -1 after a message. */
int
report_json(const char *path, const struct results *results, size_t count);

/* Draws DIRECTORY/bench-SUBJECT.svg and .png with gnuplot, from bench-SUBJECT.dat written beside
   them. 0, or -1 after a message. A subject without a peer to compare with has no plot. */
int
report_plot(const char *directory, const struct results *results);

#endif /* BENCH_REPORT_H */
