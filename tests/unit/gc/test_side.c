/* SPDX-License-Identifier: MIT */
/*
 * unit/gc/test_side.c - side tables: reservation, growth, zeroes afterwards, failures, counts above
 * 255.
 */
#include "support/internal/fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "alloc/os.h"

static int
is_zero(const void *p, size_t n)
{
    const unsigned char *bytes = p;
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != 0) {
            return 0;
        }
    }
    return 1;
}

static void
assert_clean(const struct mpyi_gc_side *side)
{
    assert_int_equal(side->in_use, 0);
    assert_true(is_zero(side->count, side->committed));
    assert_true(is_zero(side->low, side->committed));
    assert_true(is_zero(side->white, side->committed / 8));
    assert_true(is_zero(side->pending, side->committed / 8));
    assert_true(is_zero(side->notes, side->committed / MPYI_GC_POOL_GRANULES));
    assert_true(is_zero(side->high, side->high_committed * 4));
}

/* Pages of the reservation that have memory behind them. */
static size_t
resident(const struct mpyi_gc_side *side)
{
    size_t page = mpyi_os_page_size();
    size_t pages = side->block_bytes / page;
    unsigned char *present = malloc(pages);
    size_t n = 0;
    assert_non_null(present);
    assert_int_equal(mincore(side->block, side->block_bytes, present), 0);
    for (size_t i = 0; i < pages; i++) {
        n += present[i] & 1;
    }
    free(present);
    return n;
}

/* A large heap's tables: what is kept is bounded. */
static void
test_what_is_kept(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc_state *gc = fake->rt.gc->state;
    size_t used = gc->heap->gc_space.used;
    (void)state;
    mpyi_gc_side_trim(gc); /* no tables yet */
    gc->heap->gc_space.used = (size_t)256 << 20;
    assert_int_equal(mpyi_gc_side_acquire(gc), 0);
    memset(gc->side.count, 1, gc->side.in_use);
    memset(gc->side.low, 2, gc->side.in_use);
    memset(gc->side.white, 3, gc->side.in_use / 8);
    memset(gc->side.pending, 4, gc->side.in_use / 8);
    memset(gc->side.notes, 5, gc->side.in_use / MPYI_GC_POOL_GRANULES);
    assert_in_range(resident(&gc->side) * mpyi_os_page_size(), 16 << 20, 24 << 20);
    mpyi_gc_side_release(gc);
    assert_true(resident(&gc->side) * mpyi_os_page_size() <= (17 << 18) + (16 << 10));
    assert_clean(&gc->side);
    gc->heap->gc_space.used = used;
    fake_runtime_free(fake);
}

static void
test_acquire_and_release(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc_state *gc = fake->rt.gc->state;
    mpy_object *o = fake_new(&fake_node, 1, 0);
    (void)state;
    assert_null(gc->side.block);
    assert_int_equal(mpyi_gc_side_acquire(gc), 0);
    assert_true(gc->side.in_use * 32 >= gc->heap->gc_space.used);
    assert_int_equal((uintptr_t)gc->side.count % 64, 0);
    assert_int_equal((uintptr_t)gc->side.low % 64, 0);
    memset(gc->side.count, 1, gc->side.in_use);
    memset(gc->side.low, 2, gc->side.in_use);
    memset(gc->side.white, 3, gc->side.in_use / 8);
    memset(gc->side.pending, 4, gc->side.in_use / 8);
    memset(gc->side.notes, 5, gc->side.in_use / MPYI_GC_POOL_GRANULES);
    memset(gc->side.list, 6, gc->side.list_max * sizeof *gc->side.list);
    mpyi_gc_side_release(gc);
    assert_clean(&gc->side);
    mpyi_gc_side_trim(gc);
    assert_int_equal(resident(&gc->side), 0);
    assert_clean(&gc->side);
    mpyi_gc_side_trim(gc);
    mpy_decref(o);
    fake_runtime_free(fake);
}

/* The GC space outgrows the first reservation (64 arenas). */
static void
test_growth(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc_state *gc = fake->rt.gc->state;
    mpy_object *list = fake_new(&fake_list, 1, 4000);
    size_t capacity;
    (void)state;
    assert_int_equal(mpyi_gc_side_acquire(gc), 0);
    mpyi_gc_side_release(gc);
    capacity = gc->side.capacity;
    for (uint32_t round = 0; gc->heap->gc_space.used / 32 <= capacity; round++) {
        for (uint32_t i = 0; i < 4000; i++) {
            mpy_object *o = fake_new(&fake_node, 2, 0);
            fake_set(o, 0, fake_get(list, i));
            fake_set(list, i, o);
            mpy_decref(o);
        }
        if (round % 8 == 0) {
            assert_int_equal(fake_collect(2), 0);
            assert_clean(&gc->side);
        }
    }
    assert_int_equal(fake_collect(2), 0);
    assert_true(gc->side.capacity > capacity);
    assert_clean(&gc->side);
    mpy_decref(list);
    fake_runtime_free(fake);
}

/* Nothing is lost when a reservation or a commit is refused. */
static void
test_failures(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc_state *gc = fake->rt.gc->state;
    mpy_object *o = fake_new(&fake_node, 1, 0);
    struct mpyi_gc_run run = {0};
    (void)state;
    fake_set(o, 0, o);
    mpy_decref(o);
    for (uint64_t n = 1;; n++) {
        int result;
        mpyi_os_fail_after(n);
        result = mpyi_gc_side_acquire(gc);
        mpyi_os_fail_after(0);
        if (result == 0) {
            assert_true(n > 3);
            break;
        }
        assert_int_equal(gc->side.in_use, 0);
        assert_int_equal(mpyi_gc_check(fake->rt.gc, NULL, MPYI_GC_CHECK_RESTING), 0);
    }
    mpyi_gc_side_release(gc);
    mpyi_gc_side_destroy(&gc->side);
    assert_int_equal(mpyi_fault_set(&gc->heap->fault, MPY_FAIL_AFTER, 1), 0);
    assert_int_equal(mpyi_gc_collect(&fake->thread, 2, &run), -1);
    assert_int_equal(run.no_memory, 1);
    assert_int_equal(mpyi_fault_set(&gc->heap->fault, MPY_FAIL_OFF, 0), 0);
    assert_int_equal(gc->phase, MPYI_GC_RESTING);
    assert_int_equal(fake_collect(2), 1);
    fake_runtime_free(fake);
}

/* A cycle whose object has n references from inside. */
static mpy_object *
make_hub(uint32_t n, int held)
{
    mpy_object *hub = fake_new(&fake_node, 1, 0);
    mpy_object *list = fake_new(&fake_list, 2, n);
    for (uint32_t i = 0; i < n; i++) {
        fake_set(list, i, hub);
    }
    fake_set(hub, 0, list);
    mpy_decref(list);
    if (!held) {
        mpy_decref(hub);
    }
    return hub;
}

static void
test_counts_above_255(void **state)
{
    static const uint32_t counts[] = {255, 256, 257, 511, 512, 513, 65535, 65536, 70000};
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        mpy_object *hub;
        (void)make_hub(counts[i], 0);
        assert_int_equal(fake_collect(2), 2);
        hub = make_hub(counts[i], 1);
        assert_int_equal(fake_collect(2), 0);
        assert_clean(&fake->rt.gc->state->side);
        mpy_decref(hub);
        assert_int_equal(fake_collect(2), 2);
    }
    fake_runtime_free(fake);
}

/* Without memory for the upper halves of counts, such objects pass for reachable. */
static void
test_no_memory_for_carries(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc_run run = {0};
    mpy_object *hub;
    (void)state;
    hub = make_hub(600, 1);
    assert_int_equal(mpyi_gc_side_acquire(fake->rt.gc->state), 0);
    mpyi_gc_side_release(fake->rt.gc->state);
    mpy_decref(hub);
    mpyi_os_fail_after(1);
    assert_int_equal(mpyi_gc_collect(&fake->thread, 2, &run), 0);
    mpyi_os_fail_after(0);
    assert_int_equal(run.collected, 0);
    assert_clean(&fake->rt.gc->state->side);
    /* They are no candidates any more, but the next collection looks at everything. */
    assert_int_equal(fake_collect(2), 2);
    fake_runtime_free(fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_acquire_and_release),
        cmocka_unit_test(test_what_is_kept),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_counts_above_255),
        cmocka_unit_test(test_no_memory_for_carries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
