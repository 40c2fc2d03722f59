/* SPDX-License-Identifier: MIT */
/*
 * unit/gc/test_young.c - trial deletion among the young: what dies, what moves on, and shortage of
 * memory.
 */
#include "support/internal/fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static unsigned
generation_of(mpy_object *o)
{
    return (mpyi_head(o)->gcword & MPYI_GC_GEN_MASK) >> MPYI_GC_GEN_SHIFT;
}

static mpy_object *
self_cycle(const struct mpyi_type *type, uint32_t id)
{
    mpy_object *o = fake_new(type, id, 4);
    fake_set(o, 1, o);
    return o;
}

static void
test_cycles_of_every_layout(void **state)
{
    static const struct mpyi_type *const types[] = {&fake_node,   &fake_tuple,      &fake_list,
                                                    &fake_shaped, &fake_shaped_far, &fake_custom,
                                                    &fake_final};
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    for (int generation = 0; generation < 2; generation++) {
        for (uint32_t k = 0; k < sizeof types / sizeof *types; k++) {
            fake_dead[k] = 0;
            mpy_decref(self_cycle(types[k], k));
            assert_int_equal(fake_collect(generation), 1);
            assert_int_equal(fake_dead[k], 1);
            assert_int_equal(mpyi_gc_tracked(fake->rt.gc), 0);
        }
    }
    fake_runtime_free(fake);
}

static void
test_survivors_move_on(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o = self_cycle(&fake_node, 1);
    (void)state;
    assert_int_equal(generation_of(o), 0);
    assert_int_equal(fake_collect(0), 0);
    assert_int_equal(generation_of(o), 1);
    assert_int_equal(fake_collect(0), 0);
    assert_int_equal(generation_of(o), 1);
    assert_int_equal(fake_collect(1), 0);
    assert_int_equal(generation_of(o), 2);
    assert_int_equal(fake->rt.gc->young_map[mpyi_gc_page(o)], 0);
    assert_int_equal(fake->rt.gc->cards[mpyi_gc_page(o)], 1);
    mpy_decref(o);
    assert_int_equal(fake_collect(1), 0);
    assert_int_equal(fake_collect(2), 1);
    fake_runtime_free(fake);
}

/* References from outside: a C variable, an old container, one of the other young generation, an
   object under construction. */
static void
test_what_is_outside(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *outside[4];
    (void)state;
    outside[0] = fake_new(&fake_node, 10, 0);
    assert_int_equal(fake_collect(2), 0);
    outside[1] = fake_new(&fake_node, 11, 0);
    assert_int_equal(fake_collect(0), 0);
    outside[2] = fake_new_untracked(&fake_node, 12, 0);
    outside[3] = fake_new(&fake_node, 13, 0);
    for (uint32_t k = 0; k < 4; k++) {
        mpy_object *o = self_cycle(&fake_node, k);
        mpy_object *child = self_cycle(&fake_node, 20 + k);
        fake_set(o, 0, child);
        mpy_decref(child);
        fake_set(outside[k], 0, o);
        mpy_decref(o);
    }
    assert_int_equal(fake_collect(0), 0);
    for (uint32_t k = 0; k < 4; k++) {
        assert_int_equal(fake_dead[k] + fake_dead[20 + k], 0);
        mpy_decref(outside[k]);
    }
    assert_int_equal(fake_collect(1), 8);
    fake_runtime_free(fake);
}

/* Values with the bits of addresses are no references. */
/* An immortal object has the highest count there is: it lives, and what it refers to. */
static void
test_the_highest_count(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    for (int generation = 0; generation < 2; generation++) {
        mpy_object *o = fake_new(&fake_node, 1, 0);
        mpy_object *child = fake_new(&fake_node, 2, 0);
        memset(fake_dead, 0, 8);
        fake_set(o, 0, child);
        mpy_decref(child);
        mpyi_head(o)->refcnt = UINT32_MAX;
        mpy_decref(self_cycle(&fake_node, 3));
        assert_int_equal(fake_collect(generation), 1);
        assert_int_equal(fake_dead[2], 0);
        mpyi_head(o)->refcnt = 1;
        mpy_decref(o);
        assert_int_equal(fake_dead[2], 1);
    }
    fake_runtime_free(fake);
}

static void
test_lookalikes(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o = fake_new(&fake_node, 1, 0);
    mpy_object *liar = fake_new(&fake_node, 2, 0);
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        fake_set(liar, i, (mpy_object *)((uintptr_t)o | (2 * i + 1)));
    }
    fake_set(o, 0, liar);
    for (int generation = 0; generation < 3; generation++) {
        assert_int_equal(fake_collect(generation), 0);
    }
    mpy_decref(liar);
    mpy_decref(o);
    assert_int_equal(fake_dead[1] + fake_dead[2], 2);
    fake_runtime_free(fake);
}

static void
test_garbage_gives_back_what_it_refers_to(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *old = fake_new(&fake_node, 1, 0);
    mpy_object *held = fake_new(&fake_node, 2, 0);
    mpy_object *atom = fake_new(&fake_atom, 3, 0);
    mpy_object *o;
    (void)state;
    assert_int_equal(fake_collect(2), 0);
    o = fake_new(&fake_tuple, 4, 10);
    fake_set(o, 0, o);
    fake_set(o, 1, old);
    fake_set(o, 2, held);
    fake_set(o, 3, held);
    fake_set(o, 4, atom);
    mpy_decref(old);
    mpy_decref(atom);
    mpy_decref(o);
    assert_int_equal(fake_collect(0), 1);
    assert_int_equal(mpyi_head(held)->refcnt, 1);
    assert_int_equal(fake_dead[1] + fake_dead[3] + fake_dead[4], 3);
    mpy_decref(held);
    fake_runtime_free(fake);
}

/* A type and its last instance, both young; then the type is old, and held. */
static void
test_types(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *type = fake_type(1);
    mpy_object *o = fake_instance(type, 2);
    (void)state;
    fake_set(o, 0, o);
    mpy_decref(type);
    assert_int_equal(fake_collect(0), 0);
    mpy_decref(o);
    assert_int_equal(fake_collect(1), 2);
    assert_int_equal(fake_dead[1] + fake_dead[2], 2);

    memset(fake_dead, 0, 8);
    type = fake_type(1);
    assert_int_equal(fake_collect(2), 0);
    o = fake_instance(type, 2);
    fake_set(o, 0, o);
    mpy_decref(o);
    assert_int_equal(fake_collect(0), 1);
    assert_int_equal(fake_dead[1], 0);
    assert_int_equal(((struct mpyi_heap_type *)(void *)type)->live, 0);
    mpy_decref(type);
    assert_int_equal(fake_dead[1] + fake_dead[2], 2);
    fake_runtime_free(fake);
}

/* Short of memory: promoted instead, nothing lost. */
static void
test_no_memory(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    for (int generation = 0; generation < 2; generation++) {
        for (uint64_t n = 1; n <= 4; n++) {
            struct mpyi_gc_run run = {0};
            mpy_decref(self_cycle(n % 2 == 0 ? &fake_node : &fake_final, 1));
            assert_int_equal(mpyi_fault_set(&fake->rt.heap->fault, MPY_FAIL_NTH, n), 0);
            assert_int_equal(mpyi_gc_collect(&fake->thread, generation, &run), 0);
            assert_int_equal(mpyi_fault_set(&fake->rt.heap->fault, MPY_FAIL_OFF, 0), 0);
            assert_int_equal(run.no_memory, run.collected == 0);
            assert_int_equal(fake_collect(2), 1 - run.collected);
            assert_int_equal(mpyi_gc_tracked(fake->rt.gc), 0);
        }
    }
    fake_runtime_free(fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cycles_of_every_layout),
        cmocka_unit_test(test_survivors_move_on),
        cmocka_unit_test(test_what_is_outside),
        cmocka_unit_test(test_the_highest_count),
        cmocka_unit_test(test_lookalikes),
        cmocka_unit_test(test_garbage_gives_back_what_it_refers_to),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
