/* SPDX-License-Identifier: MIT */
/*
 * unit/gc/test_bulk.c - freeing without deallocators: what leaves the garbage, who dies of it, and
 * when.
 */
#include "support/internal/fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static mpy_object *
self_cycle(const struct mpyi_type *type, uint32_t id, size_t n)
{
    mpy_object *o = fake_new(type, id, n);
    fake_set(o, 0, o);
    return o;
}

/* Whole pools, parts of pools, arrays. */
static void
test_pools_are_given_back(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *kept[300];
    (void)state;
    for (uint32_t i = 0; i < 6000; i++) {
        mpy_object *o = self_cycle(i % 3 ? &fake_node : &fake_list, i, 5);
        if (i % 20 == 0) {
            kept[i / 20] = o;
        } else {
            mpy_decref(o);
        }
    }
    assert_int_equal(fake_collect(2), 5700);
    assert_int_equal(mpyi_rtheap_check(fake->rt.heap), 0);
    for (uint32_t i = 0; i < 6000; i++) {
        assert_int_equal(fake_dead[i], i % 20 != 0);
    }
    for (uint32_t i = 0; i < 300; i++) {
        mpy_decref(kept[i]);
    }
    assert_int_equal(fake_collect(2), 300);
    assert_int_equal(mpyi_rtheap_check(fake->rt.heap), 0);
    mpyi_heap_flush(&fake->rt.heap->raw);
    fake_runtime_free(fake);
}

/* Instances without a release hook are only taken off their types' numbers, a row at a time. */
static void
test_plain_instances(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *types[3] = {fake_type(1), fake_type(2), fake_type(3)};
    mpy_object *kept = NULL;
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        ((struct mpyi_heap_type *)(void *)types[k])->type.slots.release = NULL;
    }
    for (uint32_t i = 0; i < 3000; i++) {
        mpy_object *o = fake_instance(types[i < 1000 ? 0 : i % 3], i);
        fake_set(o, 0, o);
        fake_set(o, 1, kept);
        if (i == 1500) {
            kept = o;
        } else {
            mpy_decref(o);
        }
    }
    assert_int_equal(((struct mpyi_heap_type *)(void *)types[0])->live, 1000 + 666);
    assert_int_equal(fake_collect(2), 2999);
    for (size_t k = 0; k < 3; k++) {
        const struct mpyi_heap_type *type = (const struct mpyi_heap_type *)(void *)types[k];
        assert_int_equal(type->live, mpyi_type_object(mpyi_type_of(kept)) == types[k]);
    }
    mpy_decref(kept);
    assert_int_equal(fake_collect(2), 1);
    assert_int_equal(mpyi_rtheap_check(fake->rt.heap), 0);
    for (size_t k = 0; k < 3; k++) {
        mpy_decref(types[k]);
    }
    fake_runtime_free(fake);
}

/* n instances of which each refers to its neighbours; one of every pool in `leaving` or so also
   to each of three other objects. 0: none does. */
static void
make_instances(mpy_object *type, uint32_t n, mpy_object *const others[3], uint32_t leaving)
{
    mpy_object *last = NULL;
    for (uint32_t i = 0; i < n; i++) {
        mpy_object *o = fake_instance(type, i);
        fake_set(o, 0, o);
        fake_set(o, 1, last);
        if (leaving != 0 && i % (leaving * 85) < 3) {
            fake_set(o, 2, others[i % (leaving * 85)]);
        } else if (last != NULL) {
            fake_set(last, 2, o);
        }
        mpy_xdecref(last);
        last = o;
    }
    mpy_decref(last);
}

/* Pools of garbage alone, seen and unseen: nothing outside loses more or less than it should. */
static void
test_pools_of_garbage_alone(void **state)
{
    static const uint32_t leaving[] = {0, 1, 2, 7, 20};
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    fake->rt.gc->enabled = 0;
    for (size_t k = 0; k < 2 * sizeof leaving / sizeof *leaving; k++) {
        mpy_object *type = fake_type(1);
        struct mpyi_heap_type *heap_type = (struct mpyi_heap_type *)(void *)type;
        mpy_object *others[3];
        int hook = k % 2;
        if (!hook) {
            heap_type->type.slots.release = NULL;
        }
        make_instances(type, 5000, others, 0);
        /* Two in the same pool as garbage, one in another space. */
        others[0] = fake_instance(type, 4);
        others[1] = fake_new_untracked(&fake_node, 3, 0);
        others[2] = fake_new(&fake_atom, 2, 0);
        make_instances(type, 15000, others, leaving[k / 2]);
        memset(fake_dead, 0, sizeof fake_dead);
        fake->rt.gc->state->expect_garbage = 1;
        fake->rt.gc->state->look_at_all = 1;
        assert_int_equal(fake_collect(2), 20000);
        assert_int_equal(fake->rt.gc->state->expect_garbage, 1);
        assert_int_equal(heap_type->live, 1);
        for (uint32_t i = 0; i < 15000; i++) {
            assert_int_equal(fake_dead[i], !hook ? 0 : i < 5000 ? 2 : 1);
        }
        assert_int_equal(mpyi_gc_check(fake->rt.gc, NULL, MPYI_GC_CHECK_RESTING), 0);
        assert_int_equal(mpyi_rtheap_check(fake->rt.heap), 0);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(mpy_refcount(others[i]), 1);
            mpy_decref(others[i]);
        }
        mpy_decref(type);
        fake->rt.gc->state->look_at_all = 1;
        assert_int_equal(fake_collect(2), 0);
        assert_int_equal(fake->rt.gc->state->expect_garbage, 0);
    }
    fake_runtime_free(fake);
}

#define MODEL 8000u
#define BLOCK 200u /* of the model; most references stay inside */
#define ATOM  MODEL
#define NONE  UINT32_MAX

static struct {
    mpy_object *o;
    uint32_t to[2]; /* index, ATOM or NONE */
    uint32_t expected;
    uint8_t held, alive;
} model[MODEL];

static uint32_t
next_random(uint32_t *x, uint32_t n)
{
    *x = *x * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)*x * n >> 32);
}

/* Instances that refer to themselves and two more, one in held_part of them held by the host. */
static void
make_model(mpy_object *type, mpy_object *atom, uint32_t *x, uint32_t held_part)
{
    for (uint32_t i = 0; i < MODEL; i++) {
        model[i].o = fake_instance(type, i);
        fake_set(model[i].o, 0, model[i].o);
        model[i].held = held_part != 0 && next_random(x, held_part) == 0;
        model[i].alive = 0;
    }
    for (uint32_t i = 0; i < 2 * MODEL; i++) {
        uint32_t kind = next_random(x, 4000);
        uint32_t near = i / 2 / BLOCK * BLOCK + next_random(x, BLOCK);
        uint32_t to = kind == 0  ? next_random(x, MODEL)
                      : kind < 9 ? ATOM
                                 : (kind < 1000 ? NONE : near);
        model[i / 2].to[i % 2] = to;
        fake_set(model[i / 2].o, 1 + i % 2, to == NONE ? NULL : to == ATOM ? atom : model[to].o);
    }
}

/* Marks what is reachable and counts who refers to it; the number of the others. */
static uint32_t
solve_model(uint32_t *atom_count)
{
    uint32_t dead = 0;
    for (int changed = 1; changed;) {
        changed = 0;
        for (uint32_t i = 0; i < MODEL; i++) {
            changed |= model[i].held && !model[i].alive;
            model[i].alive |= model[i].held;
            for (int j = 0; j < 2 && model[i].alive; j++) {
                if (model[i].to[j] < MODEL && !model[model[i].to[j]].alive) {
                    model[model[i].to[j]].alive = 1;
                    changed = 1;
                }
            }
        }
    }
    *atom_count = 1;
    for (uint32_t i = 0; i < MODEL; i++) {
        model[i].expected = 1u + model[i].held;
    }
    for (uint32_t i = 0; i < MODEL; i++) {
        dead += !model[i].alive;
        for (int j = 0; j < 2 && model[i].alive; j++) {
            *atom_count += model[i].to[j] == ATOM;
            if (model[i].to[j] < MODEL) {
                model[model[i].to[j]].expected++;
            }
        }
    }
    return dead;
}

/* Garbage beside living objects, some of it in pools that need not be read: every count that is
   left is right. */
static void
test_pools_of_a_model(void **state)
{
    static const uint32_t held_parts[] = {0, 4000, 1000, 400, 100};
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *type = fake_type(1);
    mpy_object *atom = fake_new(&fake_atom, 2, 0);
    uint32_t x = 1;
    (void)state;
    fake->rt.gc->enabled = 0;
    ((struct mpyi_heap_type *)(void *)type)->type.slots.release = NULL;
    for (size_t k = 0; k < 25; k++) {
        uint32_t atom_count, dead;
        make_model(type, atom, &x, held_parts[k % 5]);
        dead = solve_model(&atom_count);
        for (uint32_t i = 0; i < MODEL; i++) {
            if (!model[i].held) {
                mpy_decref(model[i].o);
            }
        }
        fake->rt.gc->state->expect_garbage = 1;
        fake->rt.gc->state->look_at_all = 1;
        assert_int_equal(fake_collect(2), dead);
        assert_int_equal(((struct mpyi_heap_type *)(void *)type)->live, MODEL - dead);
        assert_int_equal(mpy_refcount(atom), atom_count);
        for (uint32_t i = 0; i < MODEL; i++) {
            if (model[i].alive) {
                assert_int_equal(mpy_refcount(model[i].o), model[i].expected);
            }
        }
        for (uint32_t i = 0; i < MODEL; i++) {
            if (model[i].held) {
                mpy_decref(model[i].o);
            }
        }
        assert_int_equal(fake_collect(2), MODEL - dead);
        assert_int_equal(mpy_refcount(atom), 1);
    }
    mpy_decref(atom);
    mpy_decref(type);
    fake_runtime_free(fake);
}

static int finalizer_calls;
static uint64_t tracked_in_finalizer;

static void
note_finalizer(mpy_object *o)
{
    (void)o;
    finalizer_calls++;
    tracked_in_finalizer = mpyi_gc_tracked(fake_thread()->gc);
    /* Nothing is half gone: the structures stand up to a check, and to another collection. */
    assert_int_equal(mpyi_gc_check(fake_thread()->gc, NULL, MPYI_GC_CHECK_RESTING), 0);
    (void)fake_collect(2);
}

/* An object with a finalizer that is not garbage itself dies after everything else. */
static void
test_finalizers_of_what_dies_wait(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    for (int generation = 0; generation < 3; generation++) {
        mpy_object *acyclic = fake_new(&fake_acyclic, 1, 0);
        mpy_object *o;
        memset(fake_dead, 0, 8);
        finalizer_calls = 0;
        fake_on_finalize = note_finalizer;
        o = self_cycle(&fake_tuple, 2, 3);
        fake_set(o, 1, acyclic);
        mpy_decref(acyclic);
        mpy_decref(o);
        assert_int_equal(fake_collect(generation), 1);
        assert_int_equal(finalizer_calls, 1);
        assert_int_equal(tracked_in_finalizer, 0);
        assert_int_equal(fake_dead[1] + fake_dead[2], 2);
        assert_null(fake->thread.dying);
        assert_null(fake->rt.gc->state->postponed);
    }
    fake_runtime_free(fake);
}

/* The same for a tracked one in an old generation, which is tracked again when its finalizer runs.
 */
static void
look_tracked(mpy_object *o)
{
    finalizer_calls++;
    assert_int_not_equal(mpyi_head(o)->gcword & MPY_PRIV_GC_TRACKED, 0);
    assert_int_not_equal(mpyi_head(o)->gcword & MPYI_GC_WEAKREF, 0);
    mpy_incref(o);
}

static uint32_t phase_in_finalizer;

static void
note_phase(mpy_object *o)
{
    (void)o;
    finalizer_calls++;
    phase_in_finalizer = fake_thread()->gc->state->phase;
}

/* A container that no pass counts dies of the garbage, and what it refers to of that. */
static void
test_containers_that_die_wait(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    fake_on_finalize = note_phase;
    for (int generation = 0; generation < 3; generation++) {
        mpy_object *last = fake_new(&fake_final, 1, 0);
        mpy_object *between = fake_new_untracked(&fake_node, 2, 0);
        mpy_object *o = self_cycle(&fake_node, 3, 0);
        memset(fake_dead, 0, 8);
        finalizer_calls = 0;
        fake_set(between, 0, last);
        fake_set(o, 1, between);
        mpy_decref(last);
        mpy_decref(between);
        mpy_decref(o);
        assert_int_equal(fake_collect(generation), 1);
        assert_int_equal(finalizer_calls, 1);
        assert_int_equal(phase_in_finalizer, MPYI_GC_FINALIZING);
        assert_int_equal(fake_dead[1] + fake_dead[2] + fake_dead[3], 3);
    }
    fake_runtime_free(fake);
}

static void
test_old_object_dies_of_young_garbage(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *old = fake_new(&fake_final, 1, 0);
    mpy_object *o;
    (void)state;
    finalizer_calls = 0;
    assert_int_equal(fake_collect(2), 0);
    mpyi_head(old)->gcword |= MPYI_GC_WEAKREF;
    fake_on_finalize = look_tracked;
    o = self_cycle(&fake_node, 2, 0);
    fake_set(o, 1, old);
    mpy_decref(old);
    mpy_decref(o);
    assert_int_equal(fake_collect(0), 1);
    assert_int_equal(finalizer_calls, 1);
    assert_int_equal(fake_dead[1], 0);
    assert_int_equal(mpyi_head(old)->refcnt, 1);
    mpy_decref(old);
    assert_int_equal(fake_dead[1], 1);
    assert_int_equal(finalizer_calls, 1);
    fake_runtime_free(fake);
}

/* What lives on after it lost a reference to garbage is a candidate. */
static void
test_losers_are_candidates(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *old = self_cycle(&fake_node, 1, 0);
    mpy_object *o;
    (void)state;
    assert_int_equal(fake_collect(2), 0);
    o = self_cycle(&fake_node, 2, 0);
    fake_set(o, 1, old);
    mpy_decref(old);
    assert_int_equal(fake_collect(2), 0);
    assert_int_not_equal(mpyi_head(old)->gcword & MPY_PRIV_GC_IDLE, 0);
    mpy_decref(o);
    assert_int_equal(fake_collect(2), 2);
    fake_runtime_free(fake);
}

/* Also where what else refers to it keeps it alive for now; a count that overflowed stays. */
static void
test_losers_that_live(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *old = self_cycle(&fake_node, 1, 0);
    mpy_object *saturated = self_cycle(&fake_node, 2, 0);
    (void)state;
    assert_int_equal(fake_collect(2), 0);
    for (int generation = 0; generation < 3; generation++) {
        mpy_object *o = self_cycle(&fake_node, 3, 0);
        mpyi_head(old)->gcword |= MPY_PRIV_GC_IDLE;
        fake_set(o, 1, old);
        fake_set(o, 2, saturated);
        mpyi_head(saturated)->refcnt = MPY_PRIV_REFCNT_SPECIAL + 2;
        mpy_decref(o);
        assert_int_equal(fake_collect(generation), 1);
        assert_int_equal(mpyi_head(old)->gcword & MPY_PRIV_GC_IDLE, 0);
        assert_int_equal(mpyi_head(saturated)->refcnt, UINT32_MAX);
        mpyi_head(saturated)->refcnt = 2;
    }
    fake_runtime_free(fake);
}

static void
test_bury_leaves_a_running_teardown_alone(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    fake->thread.tearing_down = 1;
    mpyi_gc_bury(&fake->thread);
    assert_int_equal(fake->thread.tearing_down, 1);
    fake->thread.tearing_down = 0;
    mpyi_gc_bury(&fake->thread);
    fake_runtime_free(fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pools_are_given_back),
        cmocka_unit_test(test_plain_instances),
        cmocka_unit_test(test_pools_of_garbage_alone),
        cmocka_unit_test(test_pools_of_a_model),
        cmocka_unit_test(test_finalizers_of_what_dies_wait),
        cmocka_unit_test(test_containers_that_die_wait),
        cmocka_unit_test(test_old_object_dies_of_young_garbage),
        cmocka_unit_test(test_losers_are_candidates),
        cmocka_unit_test(test_losers_that_live),
        cmocka_unit_test(test_bury_leaves_a_running_teardown_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
