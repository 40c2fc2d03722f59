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

/* Writes all subjects to a file in Google Benchmark's JSON schema. 0, or -1 after a message. */
int
report_json(const char *path, const struct results *results, size_t count);

/* Draws DIRECTORY/bench-SUBJECT.svg and .png with gnuplot, from bench-SUBJECT.dat written beside
   them. 0, or -1 after a message. A subject without a peer to compare with has no plot. */
int
report_plot(const char *directory, const struct results *results);

#endif /* BENCH_REPORT_H */
