/* SPDX-License-Identifier: MIT */
/*
 * unit/gc/test_count.c - the first pass: what counts as a reference, and what as an object.
 */
#include "support/internal/fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
begin(struct fake_runtime *fake, struct mpyi_gc_pass *pass)
{
    assert_int_equal(mpyi_gc_side_acquire(fake->rt.gc->state), 0);
    mpyi_heap_flush(&fake->rt.heap->gc);
    mpyi_gc_pass_begin(pass, &fake->thread);
}

static uint64_t
counted(const struct mpyi_gc_pass *pass, mpy_object *o)
{
    return mpyi_gc_side_counted(pass, mpyi_gc_granule(pass, o));
}

static int
white(const struct mpyi_gc_pass *pass, mpy_object *o)
{
    return mpyi_gc_is_white(pass, mpyi_gc_granule(pass, o));
}

/* The one compare rejects everything that is no reference to a cell of this runtime. */
static void
test_what_is_no_reference(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o = fake_new(&fake_node, 1, 0);
    mpy_object *atom = fake_new(&fake_atom, 2, 0);
    struct mpyi_gc_pass pass;
    (void)state;
    begin(fake, &pass);
    assert_true(mpyi_gc_rotated(pass.base, o) < pass.limit);
    for (uintptr_t tag = 1; tag < 8; tag++) {
        const mpy_object *like = (const mpy_object *)((uintptr_t)o | tag);
        assert_true(mpyi_gc_rotated(pass.base, like) >= pass.limit);
    }
    assert_true(mpyi_gc_rotated(pass.base, NULL) >= pass.limit);
    assert_true(mpyi_gc_rotated(pass.base, atom) >= pass.limit);
    assert_true(mpyi_gc_rotated(pass.base, mpyi_type_object(&fake_node)) >= pass.limit);
    assert_true(mpyi_gc_rotated(pass.base, (const mpy_object *)(pass.base - 8)) >= pass.limit);
    assert_true(mpyi_gc_rotated(pass.base, (const mpy_object *)(pass.base + (pass.limit << 3))) >=
                pass.limit);
    assert_true(mpyi_gc_rotated(pass.base, (const mpy_object *)UINTPTR_MAX) >= pass.limit);
    mpyi_gc_side_release(fake->rt.gc->state);
    mpy_decref(o);
    mpy_decref(atom);
    fake_runtime_free(fake);
}

static void
test_every_layout_counts(void **state)
{
    static const struct mpyi_type *const types[] = {&fake_node,      &fake_tuple,  &fake_tuple,
                                                    &fake_list,      &fake_shaped, &fake_custom,
                                                    &fake_shaped_far};
    static const size_t widths[] = {3, 3, 9, 100, 2, 2, 2};
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        mpy_object *target = fake_new(&fake_node, 1, 0);
        mpy_object *o = fake_new(types[k], 2, widths[k]);
        struct mpyi_gc_pass pass;
        for (size_t i = 0; i < widths[k]; i++) {
            fake_set(o, i, i == 0 ? (mpy_object *)((uintptr_t)target | 1) : target);
        }
        begin(fake, &pass);
        mpyi_gc_count_all(&pass);
        assert_int_equal(pass.examined, 2);
        assert_true(white(&pass, o) && white(&pass, target));
        assert_int_equal(counted(&pass, target), widths[k] - 1);
        assert_int_equal(counted(&pass, o), 0);
        assert_int_equal(pass.low[mpyi_gc_granule(&pass, target)], widths[k]);
        assert_int_equal(pass.any_special, types[k] == &fake_custom);
        assert_int_equal(mpyi_gc_check(fake->rt.gc, &pass, MPYI_GC_CHECK_COUNTED), 0);
        mpyi_gc_side_release(fake->rt.gc->state);
        mpy_decref(o);
        mpy_decref(target);
    }
    fake_runtime_free(fake);
}

/* What a pass notes of the pool of an object. */
static uint8_t
note_of(struct fake_runtime *fake, const mpy_object *o, int expect_garbage)
{
    struct mpyi_gc_pass pass;
    uint8_t note;
    fake->rt.gc->state->expect_garbage = (uint32_t)expect_garbage;
    begin(fake, &pass);
    mpyi_gc_count_all(&pass);
    note = pass.state->side.notes[mpyi_gc_granule(&pass, o) / MPYI_GC_POOL_GRANULES];
    assert_true(pass.any_span || (note & MPYI_GC_NOTE_SPAN) == 0);
    mpyi_gc_side_release(fake->rt.gc->state);
    return note;
}

static size_t
pool_of(const struct fake_runtime *fake, const mpy_object *o)
{
    return (size_t)((uintptr_t)o - (uintptr_t)fake->rt.heap->gc_space.base) >> MPYI_POOL_SHIFT;
}

/* Makes an instance one of another type, where it is. */
static void
retype(mpy_object *o, mpy_object *type)
{
    ((struct mpyi_heap_type *)(void *)mpyi_type_object(mpyi_type_of(o)))->live--;
    ((struct mpyi_heap_type *)(void *)type)->live++;
    mpyi_head(o)->type = &((struct mpyi_heap_type *)(void *)type)->type.head;
}

#define INSTANCES 3000u

/* Instances that refer to themselves alone. */
static void
make_instances(mpy_object *type, mpy_object **o)
{
    for (uint32_t i = 0; i < INSTANCES; i++) {
        o[i] = fake_instance(type, i);
        fake_set(o[i], 0, o[i]);
        fake_set(o[i], 1, (mpy_object *)((uintptr_t)o[i] | 1));
    }
}

static void
drop_instances(mpy_object **o)
{
    for (uint32_t i = 0; i < INSTANCES; i++) {
        fake_set(o[i], 0, NULL);
        mpy_decref(o[i]);
    }
}

/* How far the references of a pool of instances lead. */
static void
test_spans_of_references(void **state)
{
    static mpy_object *o[INSTANCES];
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *type = fake_type(1);
    mpy_object *atom = fake_new(&fake_atom, 3, 0);
    (void)state;
    make_instances(type, o);
    assert_int_equal(note_of(fake, o[1500], 0), 0);
    assert_int_equal(note_of(fake, o[1500], 1), 1);
    for (uint32_t i = 0; i < INSTANCES; i += 100) {
        size_t differ = pool_of(fake, o[1500]) ^ pool_of(fake, o[i]);
        uint8_t k = 0;
        for (; differ != 0; differ /= 2) {
            k++;
        }
        fake_set(o[1500], 2, o[i]);
        assert_int_equal(note_of(fake, o[1500], 1), k + 1);
    }
    fake_set(o[1500], 2, atom); /* leads out of the space */
    assert_int_equal(note_of(fake, o[1500], 1), 0);
    fake_set(o[1500], 2, NULL);
    assert_int_equal(note_of(fake, o[1500], 1), 1);
    for (uint32_t i = 0; i < 256; i++) {
        mpy_incref(o[1500]);
    }
    assert_int_equal(note_of(fake, o[1500], 1), 0); /* looked at apart */
    for (uint32_t i = 0; i < 256; i++) {
        mpy_decref(o[1500]);
    }
    drop_instances(o);
    mpy_decref(atom);
    mpy_decref(type);
    fake_runtime_free(fake);
}

/* They are noted of pools of instances of one type. */
static void
test_spans_of_types(void **state)
{
    static mpy_object *o[INSTANCES];
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *types[2] = {fake_type(1), fake_type(2)};
    mpy_object *node = fake_new(&fake_node, 3, 0);
    uint32_t *traits = &((struct mpyi_heap_type *)(void *)types[1])->type.traits;
    (void)state;
    make_instances(types[0], o);
    retype(o[1500], types[1]);
    assert_int_equal(note_of(fake, o[1500], 1), 0);
    retype(o[1500], types[0]);
    assert_int_equal(note_of(fake, o[1500], 1), 1);
    for (size_t half = 0; half < 2; half++) { /* the second word of the bitmap, then the first */
        for (size_t i = 0; i < INSTANCES; i++) {
            if (pool_of(fake, o[i]) == pool_of(fake, o[1500]) &&
                (mpyi_pool_offset(o[i]) < 64 * mpyi_class_size(6)) == half) {
                retype(o[i], types[1]);
            }
        }
        assert_int_equal(note_of(fake, o[1500], 1), half);
    }
    assert_int_equal(note_of(fake, o[1800], 1), 1);
    *traits |= MPYI_TRAIT_FINALIZE;
    assert_int_equal(note_of(fake, o[1500], 1), MPYI_GC_NOTE_SPECIAL);
    *traits &= ~MPYI_TRAIT_FINALIZE;
    assert_int_equal(note_of(fake, node, 1), 0); /* of no host's type */
    drop_instances(o);
    mpy_decref(node);
    mpy_decref(types[0]);
    mpy_decref(types[1]);
    fake_runtime_free(fake);
}

static void
test_untracked_and_freed_are_no_objects(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *building = fake_new_untracked(&fake_node, 1, 0);
    mpy_object *target = fake_new(&fake_node, 2, 0);
    mpy_object *gone = fake_new(&fake_node, 3, 0);
    struct mpyi_gc_pass pass;
    (void)state;
    fake_set(building, 0, target);
    mpy_decref(gone);
    begin(fake, &pass);
    mpyi_gc_count_all(&pass);
    assert_int_equal(pass.examined, 1);
    assert_false(white(&pass, building));
    assert_int_equal(counted(&pass, target), 0);
    assert_int_not_equal(mpyi_head(target)->gcword & MPY_PRIV_GC_IDLE, 0);
    mpyi_gc_side_release(fake->rt.gc->state);
    mpy_decref(building);
    mpy_decref(target);
    fake_runtime_free(fake);
}

/* A freed cell that looks tracked waits in a magazine: the flush makes it free. */
static void
test_stale_cells_in_magazines(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o[40];
    (void)state;
    for (uint32_t i = 0; i < 40; i++) {
        o[i] = fake_new(&fake_node, i, 0);
    }
    for (uint32_t i = 0; i < 40; i++) {
        mpy_decref(o[i]);
        if (!fake->rt.heap->gc.closed) {
            mpyi_head(o[i])->gcword = MPY_PRIV_GC_TRACKED | MPYI_GC_GEN(2);
        }
    }
    assert_int_equal(fake_collect(2), 0);
    assert_int_equal(mpyi_gc_tracked(fake->rt.gc), 0);
    fake_runtime_free(fake);
}

static void
test_instances_count_as_references_to_their_type(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *type = fake_type(1);
    mpy_object *a = fake_instance(type, 2);
    mpy_object *b = fake_instance(type, 3);
    struct mpyi_gc_pass pass;
    (void)state;
    begin(fake, &pass);
    mpyi_gc_count_all(&pass);
    assert_int_equal(counted(&pass, type), 2);
    assert_int_equal(pass.low[mpyi_gc_granule(&pass, type)], 3);
    mpyi_gc_side_release(fake->rt.gc->state);
    mpy_decref(type);
    assert_int_equal(fake_dead[1], 0);
    assert_int_equal(fake_collect(2), 0);
    mpy_decref(a);
    assert_int_equal(fake_dead[1], 0);
    mpy_decref(b);
    assert_int_equal(fake_dead[1], 1);
    fake_runtime_free(fake);
}

/* They are counted in rows of the same type, more than a byte holds. */
static void
test_many_instances_of_a_type(void **state)
{
    enum { N = 700 };
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *types[2] = {fake_type(1), fake_type(2)};
    mpy_object *instances[N];
    struct mpyi_gc_pass pass;
    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        instances[i] = fake_instance(types[i == 300 || i == 301], 3 + i);
    }
    begin(fake, &pass);
    mpyi_gc_count_all(&pass);
    assert_int_equal(counted(&pass, types[0]), N - 2);
    assert_int_equal(counted(&pass, types[1]), 2);
    mpyi_gc_side_release(fake->rt.gc->state);
    mpy_decref_many(instances, N);
    mpy_decref_many(types, 2);
    fake_runtime_free(fake);
}

static void
test_lists(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *a = fake_new(&fake_node, 1, 0);
    mpy_object *b = fake_new(&fake_node, 2, 0);
    mpy_object *outside = fake_new(&fake_node, 3, 0);
    mpy_object *untracked = fake_new_untracked(&fake_node, 4, 0);
    mpy_object *list[] = {a, b, untracked};
    struct mpyi_gc_pass pass;
    (void)state;
    fake_set(a, 0, b);
    fake_set(outside, 0, a);
    begin(fake, &pass);
    pass.held = 1;
    mpyi_gc_count_list(&pass, list, 3);
    assert_int_equal(pass.examined, 2);
    assert_int_equal(counted(&pass, a), 0);
    assert_int_equal(counted(&pass, b), 1);
    assert_int_equal(pass.low[mpyi_gc_granule(&pass, b)], 1);
    assert_false(white(&pass, outside));
    assert_int_equal(mpyi_gc_count_white(&pass), 2);
    mpyi_gc_side_release(fake->rt.gc->state);
    begin(fake, &pass);
    mpyi_gc_count_list(&pass, list + 2, 1);
    assert_int_equal(mpyi_gc_count_white(&pass), 0);
    mpyi_gc_side_release(fake->rt.gc->state);
    mpy_decref(outside);
    mpy_decref(untracked);
    mpy_decref(a);
    mpy_decref(b);
    fake_runtime_free(fake);
}

/* The byte of a page lies anywhere in the map; clearing wraps around its end. */
static void
test_cards_are_cleared_for_the_heap_only(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o = fake_new(&fake_node, 1, 0);
    struct mpyi_gc_pass pass;
    size_t pools = mpyi_gc_pool_count(fake->rt.heap);
    (void)state;
    assert_true(pools > 2);
    begin(fake, &pass);
    const size_t firsts[] = {mpyi_gc_page((const void *)pass.base), 0, MPYI_GC_MAP_BYTES - pools,
                             MPYI_GC_MAP_BYTES - pools + 1, MPYI_GC_MAP_BYTES - 1};
    for (size_t k = 0; k < sizeof firsts / sizeof *firsts; k++) {
        pass.base = firsts[k] << MPYI_POOL_SHIFT;
        memset(fake->rt.gc->cards, 1, MPYI_GC_MAP_BYTES);
        mpyi_gc_clear_cards(&pass);
        for (size_t i = 0; i < MPYI_GC_MAP_BYTES; i++) {
            size_t page = (firsts[k] + i) % MPYI_GC_MAP_BYTES;
            assert_int_equal(fake->rt.gc->cards[page], i >= pools);
        }
    }
    mpyi_gc_side_release(fake->rt.gc->state);
    mpy_decref(o);
    fake_runtime_free(fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_reference),
        cmocka_unit_test(test_every_layout_counts),
        cmocka_unit_test(test_spans_of_references),
        cmocka_unit_test(test_spans_of_types),
        cmocka_unit_test(test_untracked_and_freed_are_no_objects),
        cmocka_unit_test(test_stale_cells_in_magazines),
        cmocka_unit_test(test_instances_count_as_references_to_their_type),
        cmocka_unit_test(test_many_instances_of_a_type),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_cards_are_cleared_for_the_heap_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
