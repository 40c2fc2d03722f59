/* SPDX-License-Identifier: MIT */
/*
 * gc.h - the parts of the collector worker, and the graphs they work on.
 */
#ifndef BENCH_GC_H
#define BENCH_GC_H

#include "peers/peer.h"

/* A graph of nodes. `nodes` are borrowed: what keeps them alive is `root`. */
struct graph {
    peer_obj root;
    peer_obj *nodes;
    size_t count;
};

enum graph_kind {
    GRAPH_RANDOM,        /* 3 references to random nodes; a list holds all */
    GRAPH_RANDOM_NOLIST, /* 2 random references, and a path through all from the root */
    GRAPH_TREE,          /* a binary tree in order of its levels */
    GRAPH_SEQUENCE       /* each node refers to the one before; a list holds all */
};

struct graph
gc_graph_build(enum graph_kind kind, size_t count);

/* One more reference to some nodes, and back: what a host does that reads them. */
void
gc_graph_read_all(const struct graph *graph);
void
gc_graph_read_some(const struct graph *graph, struct worker_random *random, size_t count);

/* A random node, borrowed. */
peer_obj
gc_graph_pick(const struct graph *graph, struct worker_random *random);

/* ms of one collection of everything. */
double
gc_collect_ms(void);

/* Groups of rows, each in its file; every row starts the peer in a process of its own. */
void
gc_full_run(void);
void
gc_young_run(void);
void
gc_growth_run(void);

#endif /* BENCH_GC_H */
