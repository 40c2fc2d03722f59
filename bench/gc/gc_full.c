/* SPDX-License-Identifier: MIT */
/*
 * gc_full.c - one collection of everything, in ms, over a million containers.
 *
 *   live_rand, _rand_nolist, _tree, _seq   a live graph (gc.h says which); every node has been read
 *                                          since the last collection, so none can be skipped
 *   again                     a second collection, nothing touched in between
 *   again_read1, again_read10 the same after 1 % and 10 % of the nodes have been read
 *   garbage_cyc2              a million pairs of nodes that refer to each other, all garbage
 *   garbage_ring              one ring of a million nodes, all garbage
 *   fork_dirtied              memory a collection in a forked child writes to, in % of the
 *                             resident; the parent has collected, and touched nothing since
 *   fork_dirtied_read         the same when the parent has read every node since
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gc/gc.h"

#define NODES   ((size_t)1000000)
#define REPEATS 5

struct full_row {
    const char *name;
    enum graph_kind kind;
    size_t read; /* thousandths of the nodes to read before each collection */
};

static size_t
node_count(void)
{
    return worker_count(NODES, 20000);
}

static struct graph
start_with_graph(enum graph_kind kind)
{
    peer_start();
    peer_gc_disable();
    return gc_graph_build(kind, node_count());
}

static void
measure_full(const void *data)
{
    const struct full_row *row = data;
    double samples[REPEATS];
    struct worker_random random = WORKER_RANDOM_INIT;
    struct graph graph = start_with_graph(row->kind);
    (void)gc_collect_ms();
    for (size_t i = 0; i < REPEATS; i++) {
        if (row->read == 1000) {
            gc_graph_read_all(&graph);
        } else {
            gc_graph_read_some(&graph, &random, graph.count * row->read / 1000);
        }
        samples[i] = gc_collect_ms();
    }
    worker_emit(row->name, worker_median(samples, REPEATS), "ms");
}

static void
make_pairs(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        peer_obj a = peer_node();
        peer_obj b = peer_node();
        peer_node_set(a, 0, b);
        peer_node_set(b, 0, a);
        peer_decref(a);
        peer_decref(b);
    }
}

static void
make_ring(size_t count)
{
    peer_obj first = peer_node();
    peer_obj last = first;
    peer_incref(last);
    for (size_t i = 1; i < count; i++) {
        peer_obj next = peer_node();
        peer_node_set(last, 0, next);
        peer_decref(last);
        last = next;
    }
    peer_node_set(last, 0, first);
    peer_decref(last);
    peer_decref(first);
}

struct garbage_row {
    const char *name;
    void (*make)(size_t count);
    size_t nodes_each;
};

static void
measure_garbage(const void *data)
{
    const struct garbage_row *row = data;
    double samples[REPEATS];
    size_t count = node_count();
    peer_start();
    peer_gc_disable();
    (void)peer_gc_collect(2);
    for (size_t i = 0; i < REPEATS; i++) {
        row->make(count);
        double start = worker_now_ns();
        size_t collected = peer_gc_collect(2);
        samples[i] = (worker_now_ns() - start) / 1e6;
        if (collected < count * row->nodes_each) {
            worker_fail("the collector did not find the garbage");
        }
    }
    worker_emit(row->name, worker_median(samples, REPEATS), "ms");
}

struct fork_row {
    const char *name;
    bool read;
};

static void
measure_fork(const void *data)
{
    const struct fork_row *row = data;
    int status = 0;
    struct graph graph = start_with_graph(GRAPH_RANDOM);
    (void)gc_collect_ms();
    (void)gc_collect_ms();
    if (row->read) {
        gc_graph_read_all(&graph);
    }
    double resident = worker_resident_bytes();
    pid_t child = fork();
    if (child == 0) {
        double before = worker_dirty_bytes();
        (void)peer_gc_collect(2);
        double after = worker_dirty_bytes();
        worker_emit(row->name, (after - before) / resident * 100, "%");
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
        worker_fail("collecting in a forked child failed");
    }
}

void
gc_full_run(void)
{
    static const struct full_row full[] = {
        {"live_rand", GRAPH_RANDOM, 1000},   {"live_rand_nolist", GRAPH_RANDOM_NOLIST, 1000},
        {"live_tree", GRAPH_TREE, 1000},     {"live_seq", GRAPH_SEQUENCE, 1000},
        {"again", GRAPH_RANDOM, 0},          {"again_read1", GRAPH_RANDOM, 10},
        {"again_read10", GRAPH_RANDOM, 100},
    };
    static const struct garbage_row garbage[] = {
        {"garbage_cyc2", make_pairs, 2},
        {"garbage_ring", make_ring, 1},
    };
    static const struct fork_row forks[] = {
        {"fork_dirtied", false},
        {"fork_dirtied_read", true},
    };
    for (size_t i = 0; i < sizeof full / sizeof full[0]; i++) {
        if (worker_wants(full[i].name)) {
            worker_in_child(measure_full, &full[i]);
        }
    }
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        if (worker_wants(garbage[i].name)) {
            worker_in_child(measure_garbage, &garbage[i]);
        }
    }
    for (size_t i = 0; i < sizeof forks / sizeof forks[0]; i++) {
        if (worker_wants(forks[i].name)) {
            worker_in_child(measure_fork, &forks[i]);
        }
    }
}
