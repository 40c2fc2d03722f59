/* SPDX-License-Identifier: MIT */
/* test: long */
/*
 * stress/test_graph_model.c - random graphs of objects against plain reachability.
 *
 * A graph has nodes of every sort of container: lists, dicts, tuples, instances with attributes,
 * with data, with more data than a cell holds, with references only a callback knows of, with and
 * without finalizers. Each node has SLOTS edges; beside the objects the test keeps the same graph
 * in arrays. References of the test itself are the roots. Edges are set and removed, roots taken
 * and dropped, collections of all generations run, and after each step
 *
 *     an object that has died is not reachable from the roots              (always)
 *     an object that is not reachable has died, finalized and released
 *     exactly once, and counts of references are those of the arrays       (after full collections)
 *
 * Some finalizers put their object into a list: it is then a root, and what it reaches has to live.
 * Death is known from release callbacks: a node that is no instance holds a tag, an instance of its
 * own. Every graph has its seed; MINIPY_TEST_SEED runs one alone.
 */
#include "support/api_node.h"
#include "support/api_random.h"
#include "support/api_world.h"
#include "support/scale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRAPHS    2000u /* 1,000,000 in the long run */
#define SLOTS     4
#define MAX_NODES 3000

#define LIST  0
#define DICT  1
#define TUPLE 2
#define PLAIN 3
#define NODE  4 /* .. 4 + NODES - 1: instances of api_node_type() */
#define NODES 8
#define KINDS (NODE + NODES)

static const unsigned node_kinds[NODES] = {API_NODE_PLAIN,    API_NODE_FINALIZE,
                                           API_NODE_TRAVERSE, API_NODE_TRAVERSE | API_NODE_FINALIZE,
                                           API_NODE_ATTRS,    API_NODE_ATTRS | API_NODE_FINALIZE,
                                           API_NODE_BIG,      API_NODE_BIG | API_NODE_FINALIZE};

struct vertex {
    mpy_object *o; /* not counted: may be dead */
    int kind;
    int roots; /* references of the test to it */
    int edges[SLOTS];
    int extras[2]; /* references only the callback knows of; -1: none */
    int reachable;
};

struct graph {
    struct api_world *world;
    mpy_object *tag_type, *node_types[NODES];
    struct api_random random;
    struct api_log log;
    int n;
    ptrdiff_t rescued; /* how many of log.rescued are roots in the arrays */
    struct vertex v[MAX_NODES];
    int stack[MAX_NODES];
};

static struct graph g;

static unsigned
draw(unsigned n)
{
    return api_random_below(&g.random, n);
}

/* ---- the objects ---------------------------------------------------------------------------- */

static unsigned
kind_of(const struct vertex *v)
{
    return v->kind >= NODE ? node_kinds[v->kind - NODE] : API_NODE_PLAIN;
}

static int
is_big(const struct vertex *v)
{
    return v->kind >= NODE && (kind_of(v) & API_NODE_BIG) != 0;
}

static const char *
slot_name(int slot)
{
    static const char *const names[SLOTS] = {"zero", "one", "two", "three"};
    return names[slot];
}

/* The reference of a data instance that is this slot. */
static mpy_object **
data_slot(const struct vertex *v, int slot)
{
    mpy_object *type = g.node_types[v->kind - NODE];
    if (is_big(v)) {
        struct api_big_node *big = api_big_data(v->o, type);
        assert_non_null(big);
        return &big->refs[slot * 33];
    }
    return &api_node_data(v->o, type)->refs[slot];
}

static mpy_object *
new_tag(int id)
{
    return api_good(api_node_new(g.tag_type, API_NODE_PLAIN, &g.log, id));
}

static mpy_object *
new_sequence(int id, struct vertex *v)
{
    mpy_object *items[SLOTS + 1], *o;
    items[0] = new_tag(id);
    for (int slot = 0; slot < SLOTS; slot++) {
        int target = v->kind == TUPLE && id > 0 && draw(3) == 0 ? (int)draw((unsigned)id) : -1;
        /* Only what is alive for certain can be referred to. */
        if (target >= 0 && !g.v[target].reachable) {
            target = -1;
        }
        v->edges[slot] = target;
        items[slot + 1] = target >= 0 ? g.v[target].o : MPY_NONE;
    }
    o = api_good(v->kind == TUPLE ? mpy_tuple_from_array(items, SLOTS + 1)
                                  : mpy_list_from_array(items, SLOTS + 1));
    mpy_decref(items[0]);
    return o;
}

static mpy_object *
new_tagged(int id, const struct vertex *v)
{
    mpy_object *tag = new_tag(id), *o;
    if (v->kind == DICT) {
        o = api_good(mpy_dict_new(draw(20)));
        api_done(mpy_dict_set_utf8(o, "tag", tag));
    } else {
        o = api_good(mpy_type_new_instance(g.world->plain_type));
        api_done(mpy_object_set_attr_utf8(o, "tag", tag));
    }
    mpy_decref(tag);
    return o;
}

static void
new_vertex(int id)
{
    struct vertex *v = &g.v[id];
    v->kind = (int)draw(KINDS);
    v->roots = 1;
    v->reachable = 1;
    for (int slot = 0; slot < SLOTS; slot++) {
        v->edges[slot] = -1;
    }
    v->extras[0] = v->extras[1] = -1;
    v->o = v->kind == LIST || v->kind == TUPLE ? new_sequence(id, v)
           : v->kind == DICT || v->kind == PLAIN
               ? new_tagged(id, v)
               : api_good(api_node_new(g.node_types[v->kind - NODE], kind_of(v), &g.log, id));
}

/* v.slot = target, or nothing. Both are alive. */
static void
set_edge(int id, int slot, int target)
{
    struct vertex *v = &g.v[id];
    mpy_object *value = target >= 0 ? g.v[target].o : NULL;

    if (v->kind == TUPLE) {
        return;
    }
    if (v->kind == LIST) {
        api_done(mpy_list_set(v->o, slot + 1, value != NULL ? value : MPY_NONE));
    } else if (v->kind >= NODE) {
        mpy_assign(data_slot(v, slot), value);
    } else if (value != NULL && v->kind == DICT) {
        api_done(mpy_dict_set_utf8(v->o, slot_name(slot), value));
    } else if (value != NULL) {
        api_done(mpy_object_set_attr_utf8(v->o, slot_name(slot), value));
    } else if (v->edges[slot] >= 0) {
        mpy_object *name = api_good(mpy_str_from_utf8(slot_name(slot)));
        api_done(v->kind == DICT ? mpy_dict_del(v->o, name) : mpy_object_del_attr(v->o, name));
        mpy_decref(name);
    }
    v->edges[slot] = target;
}

/* A reference the library does not know of. */
static void
add_extra(int id, int target)
{
    struct vertex *v = &g.v[id];
    int at = v->extras[0] < 0 ? 0 : 1;
    if (v->kind < NODE || (kind_of(v) & API_NODE_TRAVERSE) == 0 || v->extras[at] >= 0) {
        return;
    }
    api_done(api_node_add_extra(api_node_data(v->o, g.node_types[v->kind - NODE]), g.v[target].o));
    v->extras[at] = target;
}

/* ---- the model ------------------------------------------------------------------------------ */

static void
reach(int id, int *top)
{
    if (id >= 0 && !g.v[id].reachable) {
        g.v[id].reachable = 1;
        g.stack[(*top)++] = id;
    }
}

static void
mark(void)
{
    int top = 0;
    for (int id = 0; id < g.n; id++) {
        g.v[id].reachable = 0;
    }
    for (int id = 0; id < g.n; id++) {
        if (g.v[id].roots > 0) {
            reach(id, &top);
        }
    }
    while (top > 0) {
        const struct vertex *v = &g.v[g.stack[--top]];
        for (int slot = 0; slot < SLOTS; slot++) {
            reach(v->edges[slot], &top);
        }
        reach(v->extras[0], &top);
        reach(v->extras[1], &top);
    }
}

/* What finalizers have put into the list are roots from now on; they were not reachable. */
static void
take_rescued(void)
{
    ptrdiff_t n = mpy_list_length(g.log.rescued);
    while (g.rescued < n) {
        mpy_object *o = api_good(mpy_list_get(g.log.rescued, g.rescued));
        int id = 0;
        /* The address of one that died may be in use again. */
        while (id < g.n && (g.v[id].o != o || g.log.released[id] != 0)) {
            id++;
        }
        assert_true(id < g.n);
        if (g.v[id].reachable) {
            fail_msg("node %d (kind %d) was finalized while it was reachable", id, g.v[id].kind);
        }
        g.v[id].roots++;
        g.rescued++;
        mpy_decref(o);
    }
}

static int
finalizes(const struct vertex *v)
{
    return (kind_of(v) & API_NODE_FINALIZE) != 0;
}

/* Compares deaths with the model. exactly: what is unreachable has died. */
static void
check_deaths(int exactly)
{
    mark();
    take_rescued();
    mark();
    assert_int_equal(g.log.faults, 0);
    for (int id = 0; id < g.n; id++) {
        const struct vertex *v = &g.v[id];
        int released = g.log.released[id], finalized = g.log.finalized[id];
        if (released != 0 && v->reachable) {
            fail_msg("node %d (kind %d) died while it was reachable", id, v->kind);
        }
        if (exactly && released == 0 && !v->reachable) {
            fail_msg("node %d (kind %d) is not reachable and did not die", id, v->kind);
        }
        if (released > 1 || finalized > 1 || (released == 1 && finalized != finalizes(v))) {
            fail_msg("node %d (kind %d): finalized %d times, released %d times", id, v->kind,
                     finalized, released);
        }
    }
}

/* Counts of references: ours, and one for each edge of a node that is alive. */
static void
check_counts(void)
{
    static size_t expected[MAX_NODES];
    memset(expected, 0, sizeof expected);
    for (int id = 0; id < g.n; id++) {
        const struct vertex *v = &g.v[id];
        expected[id] += (size_t)v->roots;
        for (int i = 0; i < SLOTS + 2 && v->reachable; i++) {
            int target = i < SLOTS ? v->edges[i] : v->extras[i - SLOTS];
            if (target >= 0) {
                expected[target]++;
            }
        }
    }
    for (int id = 0; id < g.n; id++) {
        if (g.v[id].reachable && mpy_refcount(g.v[id].o) != expected[id]) {
            fail_msg("node %d (kind %d): %zu references, not %zu", id, g.v[id].kind,
                     mpy_refcount(g.v[id].o), expected[id]);
        }
    }
}

static void
collect_fully(void)
{
    /* Twice: what only a resurrected object's garbage held dies in the second one. */
    api_done(mpy_gc_collect(2, NULL));
    mark();
    take_rescued();
    api_done(mpy_gc_collect(2, NULL));
    check_deaths(1);
    check_counts();
}

/* ---- one graph ------------------------------------------------------------------------------ */

/* A reachable node, or -1 when the one drawn is not. */
static int
draw_reachable(void)
{
    int id = (int)draw((unsigned)g.n);
    return g.v[id].reachable ? id : -1;
}

static void
take_root(int id)
{
    mpy_incref(g.v[id].o);
    g.v[id].roots++;
}

/* Roots beyond those in the list of the rescued are references of C. */
static void
drop_root(int id)
{
    mpy_object *o = g.v[id].o;
    for (ptrdiff_t i = 0; i < g.rescued; i++) {
        mpy_object *rescued = api_good(mpy_list_get(g.log.rescued, i));
        mpy_decref(rescued);
        if (rescued == o) {
            /* The model first: dying objects may be rescued while the list changes. */
            g.v[id].roots--;
            g.rescued--;
            mpy_decref(api_good(mpy_list_pop(g.log.rescued, i)));
            return;
        }
    }
    g.v[id].roots--;
    mpy_decref(o);
}

static void
step(void)
{
    int id = draw_reachable(), target = draw_reachable();
    switch (draw(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
        if (id >= 0 && target >= 0) {
            set_edge(id, (int)draw(SLOTS), target);
        }
        break;
    case 4:
        if (id >= 0) {
            set_edge(id, (int)draw(SLOTS), -1);
        }
        break;
    case 5:
        if (id >= 0 && target >= 0) {
            add_extra(id, target);
        }
        break;
    case 6:
        if (id >= 0 && draw(4) == 0) {
            take_root(id);
        }
        break;
    case 7:
        api_done(mpy_gc_collect((int)draw(2), NULL));
        break;
    case 8:
        if (draw(4) == 0) {
            collect_fully();
        }
        break;
    default:
        id = (int)draw((unsigned)g.n);
        if (g.v[id].roots > 0) {
            drop_root(id);
        }
        break;
    }
    check_deaths(0);
}

static void
drop_everything(void)
{
    g.log.rescue_from = API_LOG_IDS; /* no more */
    for (int id = 0; id < g.n; id++) {
        while (g.v[id].roots > 0) {
            drop_root(id);
        }
    }
    collect_fully();
    assert_int_equal(mpy_list_length(g.log.rescued), 0);
    mpy_clear(&g.log.rescued);
}

static void
run_graph(uint64_t seed, int n)
{
    int steps;
    g.random.state = seed;
    memset(&g.log, 0, sizeof g.log);
    g.log.rescued = api_good(mpy_list_new(0));
    g.log.rescue_from = draw(2) == 0 ? (int)draw((unsigned)n) : API_LOG_IDS;
    g.log.collect = draw(8) == 0;
    g.rescued = 0;
    g.n = 0;
    for (int id = 0; id < n; id++) {
        new_vertex(id);
        g.n = id + 1;
        if (draw(8) == 0) {
            step();
        }
    }
    steps = n > 200 ? 200 : 3 * n;
    for (int i = 0; i < n * 2; i++) {
        int id = draw_reachable(), target = draw_reachable(), slot = (int)draw(SLOTS);
        /* No edge is lost, so that what is reachable stays it. */
        if (id >= 0 && target >= 0 && g.v[id].edges[slot] < 0) {
            set_edge(id, slot, target);
        }
    }
    check_deaths(0);
    for (int i = 0; i < steps; i++) {
        step();
    }
    for (int id = 0; id < n && n > 200; id++) {
        if (g.v[id].roots > 0 && draw(20) != 0) {
            drop_root(id);
        }
    }
    collect_fully();
    drop_everything();
}

/* A few large ones among many small ones. */
static int
size_of_graph(uint64_t number)
{
    struct api_random r = {number};
    unsigned bound = number % 500 == 0 ? MAX_NODES - 1 : number % 50 == 0 ? 300 : 24;
    return 1 + (int)api_random_below(&r, bound);
}

static uint64_t seed_now;

static void
test_graphs(void **state)
{
    uint64_t asked = api_random_asked(), graphs = test_scaled(GRAPHS);
    ptrdiff_t blocks = 0;

    g.world = *state;
    g.tag_type = api_good(api_node_type(API_NODE_PLAIN));
    for (int i = 0; i < NODES; i++) {
        g.node_types[i] = api_good(api_node_type(node_kinds[i]));
    }
    for (uint64_t i = 1; i <= graphs; i++) {
        seed_now = asked != 0 ? asked : i;
        run_graph(seed_now, size_of_graph(seed_now));
        if (i % 64 == 0) {
            assert_int_equal(mpy_debug_check_heap(g.world->rt), 0);
        }
        if (i == graphs / 2) {
            blocks = api_blocks(g.world);
        } else if (i == graphs) {
            /* Shapes of instances stay: one for each order the attributes came in. */
            assert_in_range(api_blocks(g.world), 0, blocks + 100);
        }
        if (asked != 0) {
            break;
        }
    }
    seed_now = 0;
    mpy_decref(g.tag_type);
    mpy_decref_many(g.node_types, NODES);
}

/* Says which graph it was. */
static int
teardown(void **state)
{
    if (seed_now != 0) {
        print_error("the graph's seed: MINIPY_TEST_SEED=%llu\n", (unsigned long long)seed_now);
    }
    return api_teardown(state);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_graphs, api_setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
