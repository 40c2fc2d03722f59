/* SPDX-License-Identifier: MIT */
/*
 * unit/gc/test_track.c - the young vectors: tracking, holes, compaction, promotion, candidates.
 */
#include "support/internal/fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
test_track_and_untrack(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc *gc = fake->rt.gc;
    mpy_object *o = fake_new_untracked(&fake_node, 1, 0);
    (void)state;
    assert_int_equal(mpyi_head(o)->gcword, 0);
    mpyi_gc_track(&fake->thread, o);
    assert_int_equal(mpyi_head(o)->gcword, MPY_PRIV_GC_TRACKED);
    assert_ptr_equal(gc->young[0].items[0], o);
    assert_int_equal(gc->young_map[mpyi_gc_page(o)], 1);
    mpyi_gc_untrack(&fake->thread, o);
    assert_int_equal(gc->young[0].count, 0);
    assert_int_equal(mpyi_head(o)->gcword, 0);
    mpyi_gc_untrack(&fake->thread, o);
    assert_int_equal(gc->young[0].count, 0);
    mpy_decref(o);
    assert_int_equal(fake_dead[1], 1);
    fake_runtime_free(fake);
}

static void
test_finalized_and_weakly_referenced_survive_tracking(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o = fake_new(&fake_node, 1, 0);
    (void)state;
    mpyi_head(o)->gcword |= MPYI_GC_STICKY;
    mpyi_gc_untrack(&fake->thread, o);
    mpyi_gc_track(&fake->thread, o);
    assert_int_equal(mpyi_head(o)->gcword & MPYI_GC_STICKY, MPYI_GC_STICKY);
    for (int generation = 0; generation < 3; generation++) {
        assert_int_equal(fake_collect(generation), 0);
        assert_int_equal(mpyi_head(o)->gcword & MPYI_GC_STICKY, MPYI_GC_STICKY);
    }
    mpy_decref(o);
    fake_runtime_free(fake);
}

static void
test_holes_and_compaction(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc *gc = fake->rt.gc;
    mpy_object *o[100];
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        o[i] = fake_new(&fake_node, i, 0);
    }
    for (uint32_t i = 0; i < 100; i += 2) {
        mpy_decref(o[i]);
    }
    assert_int_equal(gc->young[0].count, 100);
    assert_int_equal(gc->young[0].holes, 50);
    mpyi_gc_compact(&gc->young[0]);
    assert_int_equal(gc->young[0].count, 50);
    assert_int_equal(gc->young[0].holes, 0);
    for (uint32_t i = 1; i < 100; i += 2) {
        assert_int_equal(mpyi_head(o[i])->gcword & MPYI_GC_INDEX_MASK, i / 2);
        assert_ptr_equal(gc->young[0].items[i / 2], o[i]);
        mpy_decref(o[i]);
    }
    fake_runtime_free(fake);
}

static void
test_untrack_from_each_generation(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc *gc = fake->rt.gc;
    (void)state;
    for (int generation = 0; generation < 3; generation++) {
        mpy_object *a = fake_new(&fake_node, 1, 0);
        mpy_object *b = fake_new(&fake_node, 2, 0);
        if (generation > 0) {
            (void)fake_collect(generation - 1);
        }
        assert_int_equal((mpyi_head(a)->gcword & MPYI_GC_GEN_MASK) >> MPYI_GC_GEN_SHIFT,
                         generation);
        assert_int_equal(mpyi_gc_tracked(gc), 2);
        mpy_decref(a);
        assert_int_equal(mpyi_gc_tracked(gc), 1);
        assert_int_equal(mpyi_gc_check(gc, NULL, MPYI_GC_CHECK_RESTING), 0);
        mpy_decref(b);
        assert_int_equal(mpyi_gc_tracked(gc), 0);
    }
    fake_runtime_free(fake);
}

/* Disabled, or without a safe point, a full vector is promoted: the index never overflows. */
static void
test_full_vector_is_promoted(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc *gc = fake->rt.gc;
    mpy_object *list = fake_new(&fake_list, 1, 20000);
    (void)state;
    gc->enabled = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        mpy_object *o = fake_new(&fake_node, 2, 0);
        fake_set(list, i, o);
        mpy_decref(o);
        assert_true(gc->young[0].count <= gc->young[0].capacity);
    }
    assert_true(gc->old_count > 10000);
    assert_int_equal(mpyi_breaker(&fake->rt), 0);
    assert_int_equal(mpyi_gc_check(gc, NULL, MPYI_GC_CHECK_RESTING), 0);
    mpy_decref(list);
    assert_int_equal(mpyi_gc_tracked(gc), 0);
    fake_runtime_free(fake);
}

static void
test_capacity_is_bounded_by_the_index(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc *gc = fake->rt.gc;
    (void)state;
    assert_int_equal(mpyi_gc_young_reserve(gc, 1, (size_t)MPYI_GC_INDEX_MASK + 1), -1);
    assert_int_equal(mpyi_gc_young_reserve(gc, 1, MPYI_GC_INDEX_MASK), 0);
    assert_int_equal(gc->young[1].capacity, MPYI_GC_INDEX_MASK);
    fake_runtime_free(fake);
}

static void
test_reserve_fails_cleanly(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc *gc = fake->rt.gc;
    uint32_t capacity = gc->young[0].capacity;
    (void)state;
    assert_int_equal(mpyi_fault_set(&fake->rt.heap->fault, MPY_FAIL_AFTER, 1), 0);
    assert_int_equal(mpyi_gc_young_reserve(gc, 0, capacity + 1), -1);
    assert_int_equal(mpyi_fault_set(&fake->rt.heap->fault, MPY_FAIL_OFF, 0), 0);
    assert_int_equal(gc->young[0].capacity, capacity);
    assert_int_equal(mpyi_gc_young_reserve(gc, 0, capacity + 1), 0);
    fake_runtime_free(fake);
}

/* A decref of an old object makes it a candidate, and its page gets a card. */
static void
test_candidate_bit_and_card(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc *gc = fake->rt.gc;
    mpy_object *o = fake_new(&fake_node, 1, 0);
    (void)state;
    assert_int_equal(fake_collect(2), 0);
    assert_int_not_equal(mpyi_head(o)->gcword & MPY_PRIV_GC_IDLE, 0);
    assert_int_equal(gc->cards[mpyi_gc_page(o)], 0);
    mpy_incref(o);
    mpy_decref(o);
    assert_int_equal(mpyi_head(o)->gcword, MPY_PRIV_GC_TRACKED | MPYI_GC_GEN(2));
    assert_int_equal(gc->cards[mpyi_gc_page(o)], 1);
    assert_int_equal(fake_collect(2), 0);
    assert_int_equal(gc->cards[mpyi_gc_page(o)], 0);
    mpyi_gc_stored(o);
    assert_int_equal(gc->cards[mpyi_gc_page(o)], 1);
    mpyi_gc_stored((mpy_object *)(uintptr_t)0x11);
    mpy_decref(o);
    fake_runtime_free(fake);
}

/* Without a runtime the bit is set all the same. */
static void
test_candidate_without_a_thread(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o = fake_new(&fake_node, 1, 0);
    (void)state;
    assert_int_equal(fake_collect(2), 0);
    mpy_priv_tls.thread = NULL;
    mpyi_gc_candidate(o);
    mpy_priv_tls.thread = &fake->thread;
    assert_int_equal(mpyi_head(o)->gcword & MPY_PRIV_GC_IDLE, 0);
    mpyi_gc_candidate(o);
    mpy_decref(o);
    fake_runtime_free(fake);
}

/* An old object that its finalizer brings back is seen by the next collection of candidates. */
static void
bring_back(mpy_object *o)
{
    mpy_incref(o);
}

static void
test_resurrection_by_counting_leaves_a_candidate(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o = fake_new(&fake_final, 1, 0);
    (void)state;
    assert_int_equal(fake_collect(2), 0);
    fake_on_finalize = bring_back;
    mpy_decref(o);
    assert_int_equal(fake_dead[1], 0);
    assert_int_equal(mpyi_gc_check(fake->rt.gc, NULL, MPYI_GC_CHECK_RESTING), 0);
    fake_set(o, 0, o);
    mpy_decref(o);
    assert_int_equal(fake_collect(2), 1);
    assert_int_equal(fake_dead[1], 1);
    fake_runtime_free(fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_track_and_untrack),
        cmocka_unit_test(test_finalized_and_weakly_referenced_survive_tracking),
        cmocka_unit_test(test_holes_and_compaction),
        cmocka_unit_test(test_untrack_from_each_generation),
        cmocka_unit_test(test_full_vector_is_promoted),
        cmocka_unit_test(test_capacity_is_bounded_by_the_index),
        cmocka_unit_test(test_reserve_fails_cleanly),
        cmocka_unit_test(test_candidate_bit_and_card),
        cmocka_unit_test(test_candidate_without_a_thread),
        cmocka_unit_test(test_resurrection_by_counting_leaves_a_candidate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
