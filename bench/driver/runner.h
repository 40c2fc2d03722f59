/* SPDX-License-Identifier: MIT */
/*
 * runner.h - runs one worker program and hands its rows to a callback.
 */
#ifndef BENCH_RUNNER_H
#define BENCH_RUNNER_H

#include "driver/catalog.h"

struct runner_options {
    const char *directory; /* where the workers are */
    const char *filter;    /* NULL: all rows */
    bool quick;
    int timeout_seconds;
    size_t round; /* from 1: on which core the workers of one thread run */
};

/* Receives one row of a worker; returns 0 to go on. */
typedef int (*runner_row_fn)(void *data, const char *row, double value, const char *unit);

/* Why a program cannot run here (static text, or `buffer` filled), or NULL when it can. */
const char *
runner_absent(const struct runner_options *options, const struct program *program, char *buffer,
              size_t size);

/* Runs the program to its end. 0, or -1 after a message on stderr: it failed, or took too long, or
   printed a line that is not a row. */
int
runner_run(const struct runner_options *options, const struct program *program, runner_row_fn row,
           void *data);

#endif /* BENCH_RUNNER_H */
