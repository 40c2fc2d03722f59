/* SPDX-License-Identifier: MIT */
/*
 * gc_growth.c - a heap that grows: three million nodes are added to a million, and all stay.
 *
 *   grow_seq_on, _off     ns per node with the collector on and off; each node refers to the one
 *                         before it
 *   grow_seq_on_over_off  the first divided by the second
 *   grow_seq_pause        the longest time that 64 nodes in a row took, in ms
 *   grow_rand_on, _pause  the same where each node refers to a random one of the first million
 */
#include "gc/gc.h"

#define BASE   ((size_t)1000000)
#define ADDED  ((size_t)3000000)
#define STRIDE 64

struct growth {
    double ns_each;
    double pause_ms;
};

struct growth_case {
    bool random;
    bool collector;
};

/* Where the processes leave their figures. */
static struct growth *measured;

static struct growth
grow(const struct graph *base, bool random_targets)
{
    struct worker_random random = WORKER_RANDOM_INIT;
    struct growth growth = {0, 0};
    size_t count = worker_count(ADDED, 60000);
    peer_obj list = peer_list_new();
    peer_obj previous = base->nodes[0];
    double start = worker_now_ns();
    double last = start;
    for (size_t i = 0; i < count; i++) {
        peer_obj node = peer_node();
        peer_node_set(node, 0, random_targets ? gc_graph_pick(base, &random) : previous);
        peer_list_append(list, node);
        peer_decref(node);
        previous = node;
        if (i % STRIDE == 0) {
            double now = worker_now_ns();
            growth.pause_ms = now - last > growth.pause_ms ? now - last : growth.pause_ms;
            last = now;
        }
    }
    growth.ns_each = (worker_now_ns() - start) / (double)count;
    growth.pause_ms /= 1e6;
    return growth;
}

static void
measure_growth(const void *data)
{
    const struct growth_case *which = data;
    peer_start();
    peer_gc_disable();
    struct graph base =
        gc_graph_build(which->random ? GRAPH_RANDOM : GRAPH_SEQUENCE, worker_count(BASE, 20000));
    (void)peer_gc_collect(2);
    if (which->collector) {
        peer_gc_enable();
    }
    *measured = grow(&base, which->random);
}

static struct growth
measure_case(bool random, bool collector)
{
    struct growth_case which = {random, collector};
    worker_in_child(measure_growth, &which);
    return *measured;
}

void
gc_growth_run(void)
{
    measured = worker_map_shared(sizeof *measured);
    if (worker_wants("grow_seq_on") || worker_wants("grow_seq_off") ||
        worker_wants("grow_seq_on_over_off") || worker_wants("grow_seq_pause")) {
        struct growth off = measure_case(false, false);
        struct growth on = measure_case(false, true);
        worker_emit("grow_seq_on", on.ns_each, "ns");
        worker_emit("grow_seq_off", off.ns_each, "ns");
        worker_emit("grow_seq_on_over_off", on.ns_each / off.ns_each, "ratio");
        worker_emit("grow_seq_pause", on.pause_ms, "ms");
    }
    if (worker_wants("grow_rand_on") || worker_wants("grow_rand_pause")) {
        struct growth on = measure_case(true, true);
        worker_emit("grow_rand_on", on.ns_each, "ns");
        worker_emit("grow_rand_pause", on.pause_ms, "ms");
    }
}
