/* SPDX-License-Identifier: MIT */
/*
 * catalog.c - subjects, peers and programs. The targets are in targets.c.
 */
#include "driver/catalog.h"

#include <string.h>

#include "bench_config.h"

const struct subject catalog_subjects[] = {
    {"alloc", "small-block allocator, per malloc+free pair", 3, false},
    {"objects", "objects through the public C API, per operation", 3, false},
    {"gc", "cycle collector", 3, false},
    {"lock", "global lock and threads", 3, false},
    {"memory", "resident memory", 1, false},
    {"programs", "real programs under a preloaded malloc", 3, true},
};
const size_t catalog_subject_count = sizeof catalog_subjects / sizeof catalog_subjects[0];

/* clang-format off */
const struct program catalog_programs[] = {
    {"alloc", PEER_MINIPY,   "bench-alloc-minipy",  "", NULL},
    {"alloc", PEER_GLIBC,    "bench-alloc",         "", NULL},
    {"alloc", PEER_JEMALLOC, "bench-alloc",         "", BENCH_JEMALLOC},
    {"alloc", PEER_MIMALLOC, "bench-alloc",         "", BENCH_MIMALLOC},
    {"alloc", PEER_TCMALLOC, "bench-alloc",         "", BENCH_TCMALLOC},
    {"alloc", PEER_CPYTHON,  "bench-alloc-cpython", "", NULL},
    {"alloc", PEER_MINIPY,   "bench-alloc-minipy",  "timeline", NULL},
    {"alloc", PEER_GLIBC,    "bench-alloc",         "timeline", NULL},
    {"alloc", PEER_JEMALLOC, "bench-alloc",         "timeline", BENCH_JEMALLOC},
    {"alloc", PEER_MIMALLOC, "bench-alloc",         "timeline", BENCH_MIMALLOC},
    {"alloc", PEER_TCMALLOC, "bench-alloc",         "timeline", BENCH_TCMALLOC},
    {"alloc", PEER_CPYTHON,  "bench-alloc-cpython", "timeline", NULL},

    {"objects", PEER_MINIPY,  "bench-objects-minipy",  "", NULL},
    {"objects", PEER_CPYTHON, "bench-objects-cpython", "", NULL},

    {"gc", PEER_MINIPY,  "bench-gc-minipy",  "", NULL},
    {"gc", PEER_CPYTHON, "bench-gc-cpython", "", NULL},

    {"lock", PEER_MINIPY,  "bench-lock-minipy",  "", NULL},
    {"lock", PEER_CPYTHON, "bench-lock-cpython", "", NULL},

    {"memory", PEER_MINIPY,   "bench-alloc-minipy",     "memory", NULL},
    {"memory", PEER_MINIPY,   "bench-alloc-minipy-obj", "memory", NULL},
    {"memory", PEER_MINIPY,   "bench-objects-minipy",   "memory", NULL},
    {"memory", PEER_GLIBC,    "bench-alloc",            "memory", NULL},
    {"memory", PEER_JEMALLOC, "bench-alloc",            "memory", BENCH_JEMALLOC},
    {"memory", PEER_MIMALLOC, "bench-alloc",            "memory", BENCH_MIMALLOC},
    {"memory", PEER_TCMALLOC, "bench-alloc",            "memory", BENCH_TCMALLOC},
    {"memory", PEER_CPYTHON,  "bench-alloc-cpython",    "memory", NULL},
    {"memory", PEER_CPYTHON,  "bench-objects-cpython",  "memory", NULL},

    {"programs", PEER_MINIPY,   "bench-programs", "", BENCH_MINIPY},
    {"programs", PEER_GLIBC,    "bench-programs", "", NULL},
    {"programs", PEER_JEMALLOC, "bench-programs", "", BENCH_JEMALLOC},
    {"programs", PEER_MIMALLOC, "bench-programs", "", BENCH_MIMALLOC},
    {"programs", PEER_TCMALLOC, "bench-programs", "", BENCH_TCMALLOC},
};
/* clang-format on */
const size_t catalog_program_count = sizeof catalog_programs / sizeof catalog_programs[0];

static const char *const peer_names[PEER_COUNT] = {
    [PEER_MINIPY] = "minipy",     [PEER_GLIBC] = "glibc",       [PEER_JEMALLOC] = "jemalloc",
    [PEER_MIMALLOC] = "mimalloc", [PEER_TCMALLOC] = "tcmalloc", [PEER_CPYTHON] = "cpython",
};

static const struct {
    const char *subject;
    const char *row;
    const char *reference;
} references[] = {
    {"alloc", "pair64_inline", "pair64"},
    {"alloc", "pair64_inline_sized", "pair64"},
    {"alloc", "pair512_inline_sized", "pair512"},
    {"alloc", "request1000_region", "request1000"},
    {"memory", "hist_rss_over_live_obj", "hist_rss_over_live"},
    {"memory", "hist_free90_over_peak_obj", "hist_free90_over_peak"},
    {"memory", "hist_free_all_mb_obj", "hist_free_all_mb"},
};

const char *
catalog_peer_name(enum peer peer)
{
    return peer_names[peer];
}

enum peer
catalog_find_peer(const char *name)
{
    unsigned peer = 0;
    while (peer < PEER_COUNT && strcmp(peer_names[peer], name) != 0) {
        peer++;
    }
    return (enum peer)peer;
}

const struct subject *
catalog_find_subject(const char *name)
{
    for (size_t i = 0; i < catalog_subject_count; i++) {
        if (strcmp(catalog_subjects[i].name, name) == 0) {
            return &catalog_subjects[i];
        }
    }
    return NULL;
}

const char *
catalog_reference_row(const char *subject, const char *row)
{
    for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
        if (strcmp(references[i].subject, subject) == 0 && strcmp(references[i].row, row) == 0) {
            return references[i].reference;
        }
    }
    return NULL;
}

bool
catalog_in_geometric_mean(const char *row)
{
    static const char *const rows[CATALOG_GEOMETRIC_MEAN_ROWS] = {
        "pair16",        "pair32",       "pair64",       "pair256",      "pair512",
        "lifo16",        "batch_fifo64", "batch_lifo64", "batch_rand64", "batch_rand32",
        "batch_rand512", "mix100k",      "hist100k",     "hist5k",       "walk",
    };
    for (size_t i = 0; i < CATALOG_GEOMETRIC_MEAN_ROWS; i++) {
        if (strcmp(rows[i], row) == 0) {
            return true;
        }
    }
    return false;
}
