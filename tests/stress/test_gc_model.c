/* SPDX-License-Identifier: MIT */
/* test: labels=quick,ci,stress timeout=300 long */
/*
 * stress/test_gc_model.c - random object graphs against a model of what must die.
 *
 * A graph is a few objects of all layouts with random references between them, some held from
 * outside, some under construction, some placed into older generations by collections on the way.
 * The model keeps the same edges as plain numbers. At the end of a round an object lives exactly
 * when the model can reach it from what is held; its reference count is the number of edges to it
 * and of holders; every dead object died once, and every finalizer ran once.
 *
 * Finalizers do what they should not be trusted with: resurrect their object, hang it below a live
 * one, drop references, create garbage, collect. References are mixed with integers, doubles and
 * constants whose bits are those of addresses of cells.
 */
#include "support/internal/fake_runtime.h"
#include "support/scale.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MAX_OBJECTS 4096
#define MAX_WIDTH   8

static struct {
    uint32_t n;
    mpy_object *object[MAX_OBJECTS];
    int32_t edge[MAX_OBJECTS][MAX_WIDTH]; /* -1: no object */
    uint8_t width[MAX_OBJECTS];
    int32_t type[MAX_OBJECTS]; /* of instances: the type's index; else -1 */
    uint8_t held[MAX_OBJECTS];
    uint8_t untracked[MAX_OBJECTS];
    uint8_t finalized[MAX_OBJECTS];
    uint8_t reached[MAX_OBJECTS];
    uint32_t pending[MAX_OBJECTS];
} model;

static uint64_t seed;
static uint32_t spare_id;
static int finalizer_depth;

static uint32_t
rnd(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)((seed >> 20) % n);
}

/* ---- the model ------------------------------------------------------------------------------ */

static void
push(uint32_t *depth, int32_t i)
{
    if (i >= 0 && !model.reached[i]) {
        model.reached[i] = 1;
        model.pending[(*depth)++] = (uint32_t)i;
    }
}

/* Sets reached[] from what is held and what is under construction. */
static void
reach_all(void)
{
    uint32_t depth = 0;
    memset(model.reached, 0, model.n);
    for (uint32_t i = 0; i < model.n; i++) {
        if (model.held[i]) {
            push(&depth, (int32_t)i);
        }
    }
    while (depth > 0) {
        uint32_t i = model.pending[--depth];
        push(&depth, model.type[i]);
        for (uint32_t j = 0; j < model.width[i]; j++) {
            push(&depth, model.edge[i][j]);
        }
    }
}

static uint32_t
references_to(uint32_t target)
{
    uint32_t n = model.held[target];
    for (uint32_t i = 0; i < model.n; i++) {
        for (uint32_t j = 0; j < model.width[i] && !fake_dead[i]; j++) {
            n += model.edge[i][j] == (int32_t)target;
        }
    }
    return n;
}

/* ---- changing graph and model together ------------------------------------------------------ */

/* A value that is no reference, with the bits of the address of a living cell. */
static mpy_object *
lookalike(uint32_t like)
{
    static const uintptr_t tags[] = {1, 3, 5, 7, 2, 6};
    return (mpy_object *)((uintptr_t)model.object[like] | tags[rnd(6)]);
}

static void
set_edge(uint32_t i, uint32_t j, int32_t target)
{
    model.edge[i][j] = target;
    if (target >= 0) {
        fake_set(model.object[i], j, model.object[target]);
    } else {
        fake_set(model.object[i], j, rnd(2) ? lookalike(i) : NULL);
    }
}

static void
let_go(uint32_t i)
{
    if (model.held[i]) {
        model.held[i] = 0;
        mpy_decref(model.object[i]);
    }
}

static int
anything_held(void)
{
    for (uint32_t i = 0; i < model.n; i++) {
        if (model.held[i]) {
            return 1;
        }
    }
    return 0;
}

static int
can_refer(uint32_t i)
{
    return mpyi_type_of(model.object[i]) != &fake_atom &&
           mpyi_type_of(model.object[i]) != &fake_acyclic;
}

static void
random_edges(uint32_t percent)
{
    for (uint32_t i = 0; i < model.n; i++) {
        for (uint32_t j = 0; j < model.width[i]; j++) {
            int32_t target = rnd(100) < percent ? (int32_t)rnd(model.n) : -1;
            /* Acyclic objects refer to atoms only. */
            if (target >= 0 && !can_refer(i) && mpyi_type_of(model.object[target]) != &fake_atom) {
                target = -1;
            }
            if (target >= 0 && fake_dead[target]) {
                target = -1;
            }
            set_edge(i, j, target);
        }
    }
}

static void
add_object(uint32_t types)
{
    static const struct mpyi_type *const kinds[] = {
        &fake_node, &fake_tuple, &fake_list,   &fake_shaped, &fake_shaped_far,
        &fake_node, &fake_final, &fake_custom, &fake_atom,   &fake_acyclic,
    };
    uint32_t i = model.n;
    uint32_t kind = rnd(types);
    model.type[i] = -1;
    model.untracked[i] = 0;
    model.finalized[i] = 0;
    fake_dead[i] = 0;
    if (kind >= 10) {
        int32_t type = -1;
        for (uint32_t k = 0; k < i; k++) {
            if (mpyi_gc_is_type(mpyi_type_of(model.object[k])) && rnd(2)) {
                type = (int32_t)k;
            }
        }
        model.object[i] = type < 0 ? fake_type(i) : fake_instance(model.object[type], i);
        model.type[i] = type;
    } else if (rnd(12) == 0) {
        model.object[i] = fake_new_untracked(kinds[kind], i, rnd(MAX_WIDTH + 1));
        model.untracked[i] = kinds[kind] != &fake_acyclic && kinds[kind] != &fake_atom;
    } else {
        model.object[i] = fake_new(kinds[kind], i, rnd(MAX_WIDTH + 1));
    }
    model.width[i] =
        mpyi_type_of(model.object[i]) == &fake_atom ? 0 : (uint8_t)fake_width(model.object[i]);
    for (uint32_t j = 0; j < MAX_WIDTH; j++) {
        model.edge[i][j] = -1;
    }
    model.held[i] = 1;
    model.n++;
}

/* ---- finalizers ----------------------------------------------------------------------------- */

static void
make_garbage(void)
{
    mpy_object *a = fake_new(&fake_node, spare_id, 0);
    mpy_object *b = fake_new(&fake_list, spare_id, 1);
    fake_set(a, 0, b);
    fake_set(b, 0, a);
    mpy_decref(a);
    mpy_decref(b);
}

static void
misbehave(mpy_object *o)
{
    uint32_t i = fake_id(o);
    uint32_t other = rnd(model.n);
    assert_true(i < model.n && model.object[i] == o);
    assert_int_equal(fake_dead[i], 0);
    assert_int_equal(model.finalized[i], 0);
    model.finalized[i] = 1;
    switch (rnd(8)) {
    case 0: /* resurrected by hand */
        mpy_incref(o);
        model.held[i] = 1;
        break;
    case 1: /* resurrected below something that lives */
        if (model.held[other] && !fake_dead[other] && can_refer(other) && model.width[other] > 0) {
            set_edge(other, 0, mpyi_type_of(o) == &fake_acyclic ? -1 : (int32_t)i);
        }
        break;
    case 2: /* cuts what it refers to */
        if (model.width[i] > 0) {
            set_edge(i, 0, -1);
        }
        break;
    case 3:
        if (finalizer_depth == 0) {
            finalizer_depth++;
            (void)fake_collect((int)rnd(3));
            finalizer_depth--;
        }
        break;
    case 4:
        make_garbage();
        break;
    default:
        break;
    }
}

/* ---- rounds --------------------------------------------------------------------------------- */

static void
check_living(void)
{
    reach_all();
    for (uint32_t i = 0; i < model.n; i++) {
        if (model.reached[i]) {
            assert_int_equal(fake_dead[i], 0);
        }
    }
}

static void
check_all(int finalizers)
{
    check_living();
    for (uint32_t i = 0; i < model.n; i++) {
        if (model.reached[i]) {
            if (model.n <= 64) {
                assert_int_equal(mpyi_head(model.object[i])->refcnt, references_to(i));
            }
            continue;
        }
        assert_int_equal(fake_dead[i], 1);
        if (finalizers && mpyi_head(model.object[i]) == NULL) {
            fail();
        }
    }
}

static void
settle(void)
{
    /* Resurrection, emptied tuples and garbage of finalizers each may take another one. */
    for (int i = 0; i < 6; i++) {
        (void)fake_collect(2);
    }
}

/* types: 8 plain ones, 10 with atoms and acyclic ones, 13 with hosts' types. */
static void
one_graph(uint32_t n, uint32_t types, uint32_t percent)
{
    model.n = 0;
    spare_id = FAKE_IDS - 1;
    for (uint32_t i = 0; i < n; i++) {
        add_object(types);
        if (rnd(n) == 0) {
            (void)fake_collect((int)rnd(2));
        }
    }
    random_edges(percent);
    if (rnd(2)) {
        (void)fake_collect((int)rnd(3));
        check_living();
    }
    if (rnd(2)) {
        random_edges(percent);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (rnd(100) < 75 && !model.untracked[i]) {
            let_go(i);
        }
    }
    (void)fake_collect((int)rnd(3));
    check_living();
    if (rnd(4) == 0) {
        (void)mpyi_gc_collect_quietly(fake_thread());
        check_living();
    }
    settle();
    check_all(types);
    for (uint32_t i = 0; i < n; i++) {
        if (model.untracked[i]) {
            mpyi_gc_track(fake_thread(), model.object[i]);
        }
    }
    /* Each finalizer may hold its object once more. */
    for (uint32_t again = 0; again <= n && anything_held(); again++) {
        for (uint32_t i = 0; i < n; i++) {
            let_go(i);
        }
        settle();
    }
    check_all(types);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(fake_dead[i], 1);
    }
}

static void
graphs(uint64_t first_seed, unsigned long count, uint32_t size, uint32_t types)
{
    struct fake_runtime *fake = fake_runtime_new();
    for (unsigned long k = 0; k < count; k++) {
        seed = (first_seed + k) * UINT64_C(0x9E3779B97F4A7C15) + 1;
        one_graph(2 + rnd(size), types, 20 + rnd(75));
        assert_int_equal(mpyi_gc_tracked(fake->rt.gc), 0);
    }
    assert_int_equal(fake_unraisable, 0);
    fake_runtime_free(fake);
}

static void
test_small_graphs_in_bulk(void **state)
{
    (void)state;
    graphs(1, test_scaled(6000), 12, 6);
}

static void
test_small_graphs_of_all_layouts(void **state)
{
    (void)state;
    graphs(1000000, test_scaled(6000), 14, 10);
}

static void
finalizing_graphs(uint64_t first_seed, unsigned long count, uint32_t size, uint32_t types)
{
    struct fake_runtime *fake = fake_runtime_new();
    fake_on_finalize = misbehave;
    for (unsigned long k = 0; k < count; k++) {
        seed = (first_seed + k) * UINT64_C(0x9E3779B97F4A7C15) + 1;
        one_graph(2 + rnd(size), types, 20 + rnd(75));
        assert_int_equal(mpyi_gc_tracked(fake->rt.gc), 0);
    }
    fake_runtime_free(fake);
}

static void
test_small_graphs_with_finalizers(void **state)
{
    (void)state;
    finalizing_graphs(2000000, test_scaled(6000), 14, 10);
}

static void
test_small_graphs_with_hosts_types(void **state)
{
    (void)state;
    finalizing_graphs(3000000, test_scaled(6000), 14, 13);
}

static void
test_large_graphs(void **state)
{
    (void)state;
    graphs(4000000, test_scaled(10), 3000, 10);
    finalizing_graphs(5000000, test_scaled(10), 3000, 13);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_graphs_in_bulk),
        cmocka_unit_test(test_small_graphs_of_all_layouts),
        cmocka_unit_test(test_small_graphs_with_finalizers),
        cmocka_unit_test(test_small_graphs_with_hosts_types),
        cmocka_unit_test(test_large_graphs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
