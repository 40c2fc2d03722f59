/* SPDX-License-Identifier: MIT */
/*
 * gc_graphs.c - live graphs. The same seed for every peer: they all get the same graph.
 */
#include "gc/gc.h"

static void
make_nodes(struct graph *graph)
{
    graph->nodes = worker_map(graph->count * sizeof graph->nodes[0]);
    for (size_t i = 0; i < graph->count; i++) {
        graph->nodes[i] = peer_node();
    }
}

/* The list takes over as the owner of the nodes. */
static void
hold_in_list(struct graph *graph)
{
    graph->root = peer_list_new();
    for (size_t i = 0; i < graph->count; i++) {
        peer_list_append(graph->root, graph->nodes[i]);
    }
    for (size_t i = 0; i < graph->count; i++) {
        peer_decref(graph->nodes[i]);
    }
}

/* Node 0 stays in the host's hands; all others must be referred to by now. */
static void
hold_by_first(struct graph *graph)
{
    graph->root = graph->nodes[0];
    for (size_t i = 1; i < graph->count; i++) {
        peer_decref(graph->nodes[i]);
    }
}

static void
connect_random(struct graph *graph, int first)
{
    struct worker_random random = WORKER_RANDOM_INIT;
    for (size_t i = 0; i < graph->count; i++) {
        for (int j = first; j < PEER_NODE_REFS; j++) {
            peer_node_set(graph->nodes[i], j, gc_graph_pick(graph, &random));
        }
    }
}

/* A path from node 0 through all nodes, in random order. */
static void
connect_path(struct graph *graph)
{
    struct worker_random random = WORKER_RANDOM_INIT;
    uint32_t *order = worker_map(graph->count * sizeof order[0]);
    worker_permutation(&random, order, graph->count);
    for (size_t i = 0; i < graph->count; i++) {
        if (order[i] == 0) {
            order[i] = order[0];
            order[0] = 0;
        }
    }
    for (size_t i = 0; i + 1 < graph->count; i++) {
        peer_node_set(graph->nodes[order[i]], 0, graph->nodes[order[i + 1]]);
    }
    worker_unmap(order, graph->count * sizeof order[0]);
}

static void
connect_tree(struct graph *graph)
{
    for (size_t i = 0; i < graph->count; i++) {
        for (size_t j = 0; j < 2; j++) {
            size_t child = 2 * i + 1 + j;
            if (child < graph->count) {
                peer_node_set(graph->nodes[i], (int)j, graph->nodes[child]);
            }
        }
        peer_node_set(graph->nodes[i], 2, peer.shared);
    }
}

static void
connect_sequence(struct graph *graph)
{
    for (size_t i = 0; i < graph->count; i++) {
        if (i > 0) {
            peer_node_set(graph->nodes[i], 0, graph->nodes[i - 1]);
        }
        peer_node_set(graph->nodes[i], 1, peer.shared);
        peer_node_set(graph->nodes[i], 2, peer.shared);
    }
}

struct graph
gc_graph_build(enum graph_kind kind, size_t count)
{
    struct graph graph = {.count = count};
    make_nodes(&graph);
    switch (kind) {
    case GRAPH_RANDOM:
        connect_random(&graph, 0);
        hold_in_list(&graph);
        break;
    case GRAPH_RANDOM_NOLIST:
        connect_path(&graph);
        connect_random(&graph, 1);
        hold_by_first(&graph);
        break;
    case GRAPH_TREE:
        connect_tree(&graph);
        hold_by_first(&graph);
        break;
    case GRAPH_SEQUENCE:
        connect_sequence(&graph);
        hold_in_list(&graph);
        break;
    }
    return graph;
}

peer_obj
gc_graph_pick(const struct graph *graph, struct worker_random *random)
{
    return graph->nodes[worker_random_below(random, graph->count)];
}

static void
read_node(peer_obj node)
{
    peer_incref(node);
    WORKER_KEEP(node);
    peer_decref(node);
}

void
gc_graph_read_all(const struct graph *graph)
{
    for (size_t i = 0; i < graph->count; i++) {
        read_node(graph->nodes[i]);
    }
}

void
gc_graph_read_some(const struct graph *graph, struct worker_random *random, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        read_node(gc_graph_pick(graph, random));
    }
}

double
gc_collect_ms(void)
{
    double start = worker_now_ns();
    (void)peer_gc_collect(2);
    return (worker_now_ns() - start) / 1e6;
}
