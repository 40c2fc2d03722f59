/* SPDX-License-Identifier: MIT */
/*
 * catalog.h - what can be measured: subjects, peers, the programs that measure, the targets.
 *
 * These tables are the only place that names them; the rest of the driver works on any catalog.
 */
#ifndef BENCH_CATALOG_H
#define BENCH_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

enum peer {
    PEER_MINIPY,
    PEER_GLIBC,
    PEER_JEMALLOC,
    PEER_MIMALLOC,
    PEER_TCMALLOC,
    PEER_CPYTHON,
    PEER_COUNT
};

/* A run of a worker program: all programs of a subject and peer together give the peer's rows. */
struct program {
    const char *subject;
    enum peer peer;
    const char *worker;  /* file name, next to the driver */
    const char *part;    /* argument of the worker, or "" */
    const char *preload; /* shared library to preload; NULL: none; "": it was not found */
};

/* minipy's value is compared with `bound`, or with a peer's value. */
enum target_kind {
    TARGET_AT_MOST,     /* minipy <= bound, in the row's unit */
    TARGET_TIMES_PEER,  /* peer / minipy >= bound */
    TARGET_TIMES_BEST,  /* best peer / minipy >= bound */
    TARGET_WITHIN_PEER, /* minipy / peer <= bound */
    TARGET_WITHIN_BEST  /* minipy / best peer <= bound */
};

struct target {
    const char *subject;
    const char *row;
    enum target_kind kind;
    double bound;
    enum peer peer; /* of the kinds that name one */
};

struct subject {
    const char *name;
    const char *title;
    size_t rounds_quick; /* of a quick run: memory figures do not vary, times do */
    bool when_named;     /* not part of a run without subjects */
};

extern const struct subject catalog_subjects[];
extern const size_t catalog_subject_count;
extern const struct program catalog_programs[];
extern const size_t catalog_program_count;
extern const struct target catalog_targets[];
extern const size_t catalog_target_count;

const char *
catalog_peer_name(enum peer peer);

/* PEER_COUNT when there is no such peer. */
enum peer
catalog_find_peer(const char *name);

/* NULL when there is no such subject. */
const struct subject *
catalog_find_subject(const char *name);

/* Row of the peers that a row of minipy alone is compared with; NULL: none. */
const char *
catalog_reference_row(const char *subject, const char *row);

/* True for the 15 single-threaded allocator rows whose geometric mean is taken. */
bool
catalog_in_geometric_mean(const char *row);
#define CATALOG_GEOMETRIC_MEAN_ROWS 15
#define CATALOG_GEOMETRIC_MEAN      "geomean15"

#endif /* BENCH_CATALOG_H */
