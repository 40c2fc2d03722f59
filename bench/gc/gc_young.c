/* SPDX-License-Identifier: MIT */
/*
 * gc_young.c - young collections, and what the collector adds to allocation.
 *
 *   young_1m, young_5m   a collection of 2,000 young nodes beside a million / five million old
 *                        ones, each young one referring to an old one, in us
 *   young_5m_over_1m     the second divided by the first: 1 says that old objects cost nothing
 *   short_lived_on       a node made and dropped, the collector on, in ns
 *   fifo512_on           a node made, the one made 512 before it dropped
 *   build_on             a node of a tree of 32,767 that is dropped when it is complete
 *   *_cost               the same with the collector on minus off: what its runs cost
 */
#include <string.h>

#include "gc/gc.h"

#define YOUNG         ((size_t)2000)
#define YOUNG_REPEATS 101
#define OLD           ((size_t)1000000)
#define FIFO          ((size_t)512)
#define TREE          ((size_t)32768)
#define REPEATS       5

static void
make_young(const struct graph *graph, struct worker_random *random, peer_obj *young)
{
    for (size_t i = 0; i < YOUNG; i++) {
        young[i] = peer_node();
        peer_node_set(young[i], 0, gc_graph_pick(graph, random));
        if (i > 0) {
            peer_node_set(young[i], 1, young[i - 1]);
        }
    }
}

/* us of one young collection beside `old` nodes. */
static double
time_young(size_t old)
{
    static peer_obj young[YOUNG];
    double samples[YOUNG_REPEATS];
    struct worker_random random = WORKER_RANDOM_INIT;
    peer_start();
    peer_gc_disable();
    struct graph graph = gc_graph_build(GRAPH_RANDOM, old);
    (void)peer_gc_collect(2);
    for (size_t r = 0; r < YOUNG_REPEATS; r++) {
        make_young(&graph, &random, young);
        double start = worker_now_ns();
        (void)peer_gc_collect(0);
        samples[r] = (worker_now_ns() - start) / 1e3;
        for (size_t i = YOUNG; i > 0; i--) {
            peer_decref(young[i - 1]);
        }
    }
    return worker_median(samples, YOUNG_REPEATS);
}

/* Where the two processes leave their figures for the ratio. */
static double *young_times;

static void
measure_young(const void *data)
{
    size_t millions = *(const size_t *)data;
    double us = time_young(worker_count(millions * OLD, 20000));
    young_times[millions == 1 ? 0 : 1] = us;
    worker_emit(millions == 1 ? "young_1m" : "young_5m", us, "us");
}

static double
body_short_lived(size_t n)
{
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        peer_obj node = peer_node();
        peer_node_set(node, 0, peer.shared);
        WORKER_KEEP(node);
        peer_decref(node);
    }
    return worker_now_ns() - start;
}

static double
body_fifo(size_t n)
{
    peer_obj window[FIFO];
    memset(window, 0, sizeof window);
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        peer_obj old = window[i % FIFO];
        peer_obj node = peer_node();
        peer_node_set(node, 0, peer.shared);
        window[i % FIFO] = node;
        if (old != NULL) {
            peer_decref(old);
        }
    }
    double elapsed = worker_now_ns() - start;
    for (size_t i = 0; i < FIFO; i++) {
        if (window[i] != NULL) {
            peer_decref(window[i]);
        }
    }
    return elapsed;
}

/* Trees bottom up, until n nodes have been made; each lives until its root is dropped. */
static double
body_build(size_t n)
{
    static peer_obj nodes[TREE];
    size_t made = 0;
    double start = worker_now_ns();
    while (made < n) {
        for (size_t k = TREE - 1; k >= 1; k--) {
            peer_obj node = peer_node();
            for (size_t j = 0; j < 2 && 2 * k + j < TREE; j++) {
                peer_node_set(node, (int)j, nodes[2 * k + j]);
                peer_decref(nodes[2 * k + j]);
            }
            nodes[k] = node;
        }
        peer_decref(nodes[1]);
        made += TREE - 1;
    }
    return (worker_now_ns() - start) * (double)n / (double)made;
}

struct cost_row {
    const char *on_name;
    const char *cost_name;
    double (*body)(size_t n);
};

static void
measure_cost(const void *data)
{
    const struct cost_row *row = data;
    double on[REPEATS];
    double off[REPEATS];
    size_t n = worker_count(3000000, 100000);
    peer_start();
    (void)row->body(n / 4);
    for (size_t i = 0; i < REPEATS; i++) {
        peer_gc_disable();
        off[i] = row->body(n) / (double)n;
        peer_gc_enable();
        on[i] = row->body(n) / (double)n;
    }
    double with = worker_median(on, REPEATS);
    worker_emit(row->on_name, with, "ns");
    worker_emit(row->cost_name, with - worker_median(off, REPEATS), "ns");
}

void
gc_young_run(void)
{
    static const size_t millions[] = {1, 5};
    static const struct cost_row costs[] = {
        {"short_lived_on", "short_lived_cost", body_short_lived},
        {"fifo512_on", "fifo512_cost", body_fifo},
        {"build_on", "build_cost", body_build},
    };
    if (worker_wants("young_1m") || worker_wants("young_5m") || worker_wants("young_5m_over_1m")) {
        young_times = worker_map_shared(2 * sizeof young_times[0]);
        worker_in_child(measure_young, &millions[0]);
        worker_in_child(measure_young, &millions[1]);
        worker_emit("young_5m_over_1m", young_times[1] / young_times[0], "ratio");
    }
    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
        if (worker_wants(costs[i].on_name) || worker_wants(costs[i].cost_name)) {
            worker_in_child(measure_cost, &costs[i]);
        }
    }
}
