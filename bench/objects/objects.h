/* SPDX-License-Identifier: MIT */
/*
 * objects.h - the parts of the objects worker.
 */
#ifndef BENCH_OBJECTS_H
#define BENCH_OBJECTS_H

/* Groups of rows, each in its file; peer_start() has been called. */
void
objects_values_run(void);
void
objects_lists_run(void);
void
objects_dicts_run(void);
void
objects_calls_run(void);
void
objects_trees_run(void);

/* Bytes per object. The peer has not been started: every row starts it in a process of its own. */
void
objects_memory_run(void);

#endif /* BENCH_OBJECTS_H */
