/* SPDX-License-Identifier: MIT */
/*
 * programs.h - what the rows of real programs share: running one, timing it, a folder to work in.
 *
 * The allocator comes with the worker's own environment (LD_PRELOAD), which every program inherits.
 */
#ifndef BENCH_PROGRAMS_H
#define BENCH_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PROGRAMS_ARGUMENTS 24

/* What a program took. */
struct programs_cost {
    double ms;         /* of processors, for it and its children, in user and system mode */
    double peak_bytes; /* most resident memory, of the largest process */
};

/* Makes an empty folder and goes there, once for each row; programs_leave() removes it with
 * everything in it. */
void
programs_enter(void);
void
programs_leave(void);

/* True when /usr/bin has the program; says on stderr when not, so that a lacking row is explained.
 */
bool
programs_have(const char *name);

/* Creates a file; ends the worker when it cannot. */
void
programs_write(const char *name, const char *text);

/* Starts /usr/bin/<arguments[0]>, output to /dev/null, standard input from a file unless NULL. */
pid_t
programs_start(const char *const *arguments, const char *input);

/* Waits for a program; ends the worker when it failed. */
struct programs_cost
programs_wait(pid_t pid, const char *name);

/* Both of them. */
struct programs_cost
programs_run(const char *const *arguments, const char *input);

/* Prints the two rows of a program: its name in ms, <name>_rss in MiB. */
void
programs_emit(const char *name, struct programs_cost cost);

/* programs_scripts.c */
extern const char programs_python[];
extern const char programs_perl[];
extern const char programs_lua[];
extern const char programs_node[];
extern const char programs_sqlite[];
extern const char programs_cmake[];
extern const char programs_jq[];

/* programs_redis.c: redis-server, measured by redis-benchmark. */
void
programs_redis(void);

#endif /* BENCH_PROGRAMS_H */
