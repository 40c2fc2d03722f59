/* SPDX-License-Identifier: MIT */
/*
 * unit/gc/test_mark.c - the second pass: roots, reachability through every layout, overflow of ring
 * and stack.
 */
#include "support/internal/fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
random_granules(uint32_t *x, uint8_t *low, uint8_t *count, uint64_t *white)
{
    for (unsigned i = 0; i < 64; i++) {
        *x = *x * 1664525u + 1013904223u;
        count[i] = (uint8_t)(*x >> 24);
        /* Equal, off by one, off by the top bit, or anything. */
        low[i] = (uint8_t)((*x >> 8 & 3) == 0   ? count[i]
                           : (*x >> 8 & 3) == 1 ? count[i] + 1u
                           : (*x >> 8 & 3) == 2 ? count[i] ^ 0x80u
                                                : *x >> 16);
        *white = *white << 1 | (*x >> 29 & 1);
    }
}

static void
test_states_begin(void **state)
{
    _Alignas(64) uint8_t low[64], portable[64], count[64];
    uint8_t before[64];
    uint64_t white = 0;
    uint32_t x = 1;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        uint64_t found, portably;
        random_granules(&x, low, count, &white);
        memcpy(before, low, sizeof low);
        memcpy(portable, low, sizeof low);
        found = mpyi_gc_states_begin(low, count, white);
        portably = mpyi_gc_states_begin_portable(portable, count, white);
        for (unsigned i = 0; i < 64; i++) {
            uint8_t expected = (white >> i & 1) == 0   ? MPYI_GC_STATE_DONE
                               : before[i] == count[i] ? MPYI_GC_STATE_WHITE
                                                       : MPYI_GC_STATE_PENDING;
            assert_int_equal(low[i], expected);
            assert_int_equal(portable[i], expected);
            assert_int_equal(found >> i & 1, expected == MPYI_GC_STATE_WHITE);
            assert_int_equal(portably >> i & 1, expected == MPYI_GC_STATE_WHITE);
        }
    }
}

static void
test_states_find(void **state)
{
    _Alignas(64) uint8_t states[64];
    uint32_t x = 1;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        uint64_t expected[3] = {0, 0, 0};
        for (unsigned i = 0; i < 64; i++) {
            x = x * 1664525u + 1013904223u;
            states[i] = (uint8_t)((x >> 24) % 3);
            expected[states[i]] |= UINT64_C(1) << i;
        }
        for (uint8_t wanted = 0; wanted < 3; wanted++) {
            assert_true(mpyi_gc_states_find(states, wanted) == expected[wanted]);
            assert_true(mpyi_gc_states_find_portable(states, wanted) == expected[wanted]);
        }
    }
}

/* A chain of n objects through one layout, closed to a ring. */
static mpy_object *
ring(const struct mpyi_type *type, uint32_t n, size_t width)
{
    mpy_object *first = fake_new(type, 1, width);
    mpy_object *last = first;
    mpy_incref(last);
    for (uint32_t i = 1; i < n; i++) {
        mpy_object *o = fake_new(type, 1, width);
        fake_set(last, width / 2, o);
        mpy_decref(last);
        last = o;
    }
    fake_set(last, width / 2, first);
    mpy_decref(last);
    return first;
}

static void
test_rings_of_every_layout(void **state)
{
    static const struct mpyi_type *const types[] = {&fake_node,   &fake_tuple,      &fake_list,
                                                    &fake_shaped, &fake_shaped_far, &fake_custom,
                                                    &fake_list};
    static const size_t widths[] = {3, 8, 5, 2, 2, 2, 200};
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        mpy_object *first = ring(types[k], 500, widths[k]);
        assert_int_equal(fake_collect(2), 0);
        mpy_decref(first);
        assert_int_equal(fake_collect(2), 500);
        assert_int_equal(mpyi_gc_tracked(fake->rt.gc), 0);
    }
    fake_runtime_free(fake);
}

/* Wide, so that ring and stack overflow into the bitmap, forwards and backwards. */
static void
wide(uint32_t fan, uint32_t leaves, int backwards)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *root = fake_new(&fake_tuple, 1, fan);
    mpy_object **all = malloc(sizeof *all * fan);
    assert_non_null(all);
    fake->rt.gc->enabled = 0;
    for (uint32_t i = 0; i < fan; i++) {
        all[i] = fake_new(&fake_tuple, 2, 60);
        for (uint32_t j = 0; j < 60; j++) {
            mpy_object *leaf = j < leaves ? fake_new(&fake_node, 3, 0) : NULL;
            fake_set(all[i], j, leaf);
            if (leaf != NULL) {
                fake_set(leaf, 1, backwards ? root : all[i]);
                mpy_decref(leaf);
            }
        }
    }
    for (uint32_t i = 0; i < fan; i++) {
        fake_set(root, backwards ? fan - 1 - i : i, all[i]);
        mpy_decref(all[i]);
    }
    free(all);
    assert_int_equal(fake_collect(2), 0);
    mpy_decref(root);
    /* Forwards the root is in no cycle. */
    assert_int_equal(fake_collect(2), (uint64_t)(backwards != 0) + fan + (uint64_t)fan * leaves);
    fake_runtime_free(fake);
}

static void
test_overflow(void **state)
{
    (void)state;
    wide(60, 60, 0);
    wide(400, 50, 1);
    wide(60, 60, 1);
}

/* A chain of wide objects whose next link is found last: what is found before piles up on the
   stack, until that is full. */
static void
test_stack_overflow(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *first = fake_new(&fake_tuple, 1, 60);
    mpy_object *last = first;
    (void)state;
    for (uint32_t level = 0; level < 600; level++) {
        mpy_object *next = fake_new(&fake_tuple, 1, 60);
        for (uint32_t i = 0; i < 59; i++) {
            mpy_object *leaf = fake_new(&fake_node, 2, 0);
            mpy_object *below = fake_new(&fake_node, 2, 0);
            fake_set(leaf, 0, below);
            fake_set(last, i, leaf);
            mpy_decref(below);
            mpy_decref(leaf);
        }
        fake_set(last, 59, next);
        mpy_decref(next);
        last = next;
    }
    fake_set(last, 0, first);
    assert_int_equal(fake_collect(2), 0);
    mpy_decref(first);
    assert_int_equal(fake_collect(2), 601 + 600 * 59 * 2);
    fake_runtime_free(fake);
}

/* 60-ary tree of depth 3: more children at once than ring and stack hold. Some of its leaves refer
   to one object more. Backwards children have lower addresses than their parents. */
static mpy_object *
tree(int depth, int backwards, uint64_t *n)
{
    mpy_object *o = backwards ? NULL : fake_new(&fake_tuple, 1, 60);
    mpy_object *children[60];
    ++*n;
    for (uint32_t i = 0; depth > 0 && i < 60; i++) {
        if (depth > 1) {
            children[i] = tree(depth - 1, backwards, n);
            continue;
        }
        mpy_object *below = i % 4 == 0 ? fake_new(&fake_node, 2, 0) : NULL;
        children[i] = fake_new(&fake_node, 2, 0);
        fake_set(children[i], 1, below);
        mpy_xdecref(below);
        *n += 1 + (below != NULL);
    }
    o = backwards ? fake_new(&fake_tuple, 1, 60) : o;
    for (uint32_t i = 0; depth > 0 && i < 60; i++) {
        fake_set(o, i, children[i]);
        mpy_decref(children[i]);
    }
    return o;
}

static void
test_tree(void **state)
{
    (void)state;
    for (int backwards = 0; backwards < 2; backwards++) {
        struct fake_runtime *fake = fake_runtime_new();
        uint64_t n = 0;
        fake->rt.gc->enabled = 0;
        mpy_object *root = tree(3, backwards, &n);
        mpy_object *leaf = fake_get(fake_get(fake_get(root, 59), 59), 59);
        assert_int_equal(fake_collect(2), 0);
        assert_int_equal(mpyi_gc_tracked(fake->rt.gc), n);
        fake_set(leaf, 0, root);
        mpy_decref(root);
        assert_int_equal(fake_collect(2), n);
        fake_runtime_free(fake);
    }
}

static void
test_immortal_objects_are_roots(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o = fake_new(&fake_node, 1, 0);
    mpy_object *child = fake_new(&fake_node, 2, 0);
    (void)state;
    fake_set(o, 0, child);
    fake_set(child, 0, o);
    mpy_decref(child);
    mpyi_head(o)->refcnt = 0xFFFFFFFFu;
    assert_int_equal(fake_collect(0), 0);
    assert_int_equal(fake_collect(1), 0);
    assert_int_equal(fake_collect(2), 0);
    mpyi_head(o)->refcnt = 1;
    mpyi_gc_candidate(o);
    assert_int_equal(fake_collect(2), 2);
    fake_runtime_free(fake);
}

static unsigned visits;

static void
note_visit(void)
{
    visits++;
}

/* Calls of traverse callbacks while everything is marked, after which so many are garbage. */
static unsigned
visits_of_marking(struct fake_runtime *fake, uint64_t garbage)
{
    struct mpyi_gc_pass pass;
    assert_int_equal(mpyi_gc_side_acquire(fake->rt.gc->state), 0);
    mpyi_heap_flush(&fake->rt.heap->gc);
    mpyi_gc_pass_begin(&pass, &fake->thread);
    mpyi_gc_count_all(&pass);
    fake_on_traverse = note_visit;
    visits = 0;
    mpyi_gc_mark(&pass);
    fake_on_traverse = NULL;
    assert_int_equal(mpyi_gc_count_white(&pass), garbage);
    mpyi_gc_side_release(fake->rt.gc->state);
    fake->rt.gc->state->look_at_all = 1;
    return visits;
}

/* A list holds the whole heap: when it has been read nothing is white, and marking is over. */
static void
test_over_when_nothing_is_white(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *list = fake_new(&fake_tuple, 1, 400);
    mpy_object *lone = fake_new(&fake_node, 2, 0);
    (void)state;
    for (uint32_t i = 0; i < 400; i++) {
        mpy_object *o = fake_new(i % 2 ? &fake_custom : &fake_node, 3 + i, 0);
        fake_set(list, i, o);
        fake_set(o, 1, fake_get(list, i / 2));
        mpy_decref(o);
    }
    assert_int_equal(visits_of_marking(fake, 0), 0);
    /* Its low byte says that nobody else refers to the list. */
    for (uint32_t i = 0; i < 255; i++) {
        mpy_incref(list);
    }
    assert_int_equal(visits_of_marking(fake, 0), 0);
    for (uint32_t i = 0; i < 255; i++) {
        mpy_decref(list);
    }
    fake_set(lone, 0, lone);
    mpy_decref(lone);
    assert_int_equal(visits_of_marking(fake, 1), 200); /* one is white to the end */
    assert_int_equal(fake_collect(2), 1);
    mpy_decref(list);
    fake_runtime_free(fake);
}

/* A tree in the order of its addresses: the sweep need not scan the leaves. */
static void
test_over_before_the_leaves(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *nodes[1000];
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        nodes[i] = fake_new(i < 500 ? &fake_node : &fake_custom, i, 0);
        if (i > 0) {
            fake_set(nodes[(i - 1) / 2], (i - 1) % 2, nodes[i]);
            mpy_decref(nodes[i]);
        }
    }
    assert_in_range(visits_of_marking(fake, 0), 0, 200); /* the order is not perfect */
    mpy_decref(nodes[0]);
    fake_runtime_free(fake);
}

/* The last white objects are found by callbacks and by way of the ring. */
static void
test_over_but_not_too_early(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *holder = fake_new(&fake_custom, 1, 0);
    mpy_object *last = holder;
    (void)state;
    mpy_incref(last);
    for (uint32_t i = 0; i < 300; i++) {
        mpy_object *o = fake_new(i % 3 ? &fake_custom : &fake_node, 2 + i, 0);
        fake_set(last, 1, o);
        mpy_decref(last);
        last = o;
    }
    mpy_decref(last);
    assert_int_equal(visits_of_marking(fake, 0), 200); /* the last one is not scanned */
    fake_set(last, 1, holder);
    mpy_decref(holder);
    assert_int_equal(fake_collect(2), 301);
    fake_runtime_free(fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_begin),
        cmocka_unit_test(test_states_find),
        cmocka_unit_test(test_rings_of_every_layout),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_stack_overflow),
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_immortal_objects_are_roots),
        cmocka_unit_test(test_over_when_nothing_is_white),
        cmocka_unit_test(test_over_before_the_leaves),
        cmocka_unit_test(test_over_but_not_too_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
