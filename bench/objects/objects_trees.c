/* SPDX-License-Identifier: MIT */
/*
 * objects_trees.c - structures of many containers, the collector on.
 *
 *   tree_tuple_build, _drop   a complete binary tree of 2-tuples, 2^19 - 1 of them, per node
 *   tree_inst_build, _drop    the same of instances with two attributes
 *   deep_drop                 dropping a chain of a million 1-tuples, per tuple
 */
#include "objects/objects.h"
#include "peers/peer.h"

#define DEPTH       18
#define DEPTH_QUICK 14
#define CHAIN       ((size_t)1000000)

static int
tree_depth(void)
{
    return worker_is_quick() ? DEPTH_QUICK : DEPTH;
}

static peer_obj
build_tuples(int depth)
{
    peer_obj children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = depth == 0 ? peer_none() : build_tuples(depth - 1);
    }
    peer_obj node = peer_tuple_of(children, 2);
    peer_decref(children[0]);
    peer_decref(children[1]);
    return node;
}

static peer_obj
build_instances(int depth)
{
    peer_obj node = peer_instance(peer.instance_type);
    for (size_t i = 0; i < 2; i++) {
        peer_obj child = depth == 0 ? peer_none() : build_instances(depth - 1);
        peer_attr_set(node, peer.names[i], child);
        peer_decref(child);
    }
    return node;
}

static void
measure_tree(const char *build_row, const char *drop_row, peer_obj (*build)(int depth))
{
    double built[WORKER_REPEATS];
    double dropped[WORKER_REPEATS];
    double nodes = (double)((2 << tree_depth()) - 1);
    if (!worker_wants(build_row) && !worker_wants(drop_row)) {
        return;
    }
    peer_decref(build(tree_depth()));
    for (size_t i = 0; i < WORKER_REPEATS; i++) {
        double start = worker_now_ns();
        peer_obj root = build(tree_depth());
        double middle = worker_now_ns();
        peer_decref(root);
        double end = worker_now_ns();
        built[i] = (middle - start) / nodes;
        dropped[i] = (end - middle) / nodes;
    }
    worker_emit(build_row, worker_median(built, WORKER_REPEATS), "ns");
    worker_emit(drop_row, worker_median(dropped, WORKER_REPEATS), "ns");
}

static double
body_deep(size_t n)
{
    peer_obj chain = peer_none();
    peer_gc_disable();
    for (size_t i = 0; i < n; i++) {
        peer_obj outer = peer_tuple_of(&chain, 1);
        peer_decref(chain);
        chain = outer;
    }
    peer_gc_enable();
    double start = worker_now_ns();
    peer_decref(chain);
    return worker_now_ns() - start;
}

void
objects_trees_run(void)
{
    static const struct worker_row rows[] = {{"deep_drop", CHAIN, body_deep, NULL, NULL}};
    measure_tree("tree_tuple_build", "tree_tuple_drop", build_tuples);
    measure_tree("tree_inst_build", "tree_inst_drop", build_instances);
    worker_run_rows(rows, 1);
}
