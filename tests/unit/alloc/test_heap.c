/* SPDX-License-Identifier: MIT */
/*
 * test_heap.c - magazines: opening, closing, flushing, dropping.
 */
#include "alloc_test.h"

static void
bins_have_their_limits(void **state)
{
    (void)state;
    test_need_open_magazines();
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        struct mpy_priv_bin *bin = &test.heap->pub.bins[c];
        assert_ptr_equal(bin->lo, bin->top);
        assert_ptr_equal(bin->put, bin->lo + mpyi_class_magazine[c]);
        assert_ptr_equal(bin->hi, bin->put + mpyi_class_magazine[c]);
        assert_true(bin->lo >= test.heap->slots);
        assert_true(bin->hi <= test.heap->slots + MPYI_MAGAZINE_SLOTS);
        if (c > 1) {
            assert_ptr_equal(bin->lo, test.heap->pub.bins[c - 1].hi);
        }
    }
    assert_null(test.heap->pub.bins[0].hi);
    test_heap_close(&test);
}

static void
closing_flushes(void **state)
{
    (void)state;
    test_need_open_magazines();
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    struct mpyi_heap *heap = test.heap;
    void *p = test_heap_alloc(heap, 4);
    assert_true(mpyi_heap_cached_blocks(heap) > 0);
    mpyi_heap_set_closed(heap, 1);
    assert_int_equal(mpyi_heap_cached_blocks(heap), 0);
    assert_null(mpy_priv_bin_pop(&heap->pub.bins[4]));
    assert_int_equal(mpy_priv_bin_push(&heap->pub.bins[4], p), 0);
    assert_int_equal(mpyi_pool_used(&heap->space->pools[0]), 1);
    test_heap_valid(&test);
    mpyi_heap_set_closed(heap, 1);
    mpyi_heap_set_closed(heap, 0);
    test_heap_free(heap, 4, p);
    assert_int_equal(mpyi_heap_cached_blocks(heap), 1);
    test_heap_valid(&test);
    test_heap_close(&test);
}

static void
flush_empties_every_bin(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        test_heap_free(test.heap, c, test_heap_alloc(test.heap, c));
    }
    mpyi_heap_flush(test.heap);
    assert_int_equal(mpyi_heap_cached_blocks(test.heap), 0);
    test_heap_valid(&test);
    uint32_t count = (uint32_t)(test.in.space.used >> MPYI_POOL_SHIFT);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(mpyi_pool_used(&test.in.space.pools[i]), 0);
    }
    mpyi_heap_release_empties(test.heap);
    assert_int_equal(test.in.space.pools_out, 0);
    test_heap_close(&test);
}

static void
modes_close_and_open(void **state)
{
    (void)state;
    test_need_open_magazines();
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    mpyi_heap_sync(test.heap, MPYI_MODE_TRACE);
    assert_true(test.heap->closed);
    mpyi_heap_sync(test.heap, MPYI_MODE_TRACE | MPYI_MODE_FAULT);
    assert_true(test.heap->closed);
    mpyi_heap_sync(test.heap, 0);
    assert_false(test.heap->closed);
    test_heap_close(&test);
}

/* Checks are switched on between the look at the modes and the opening: it must not happen, since
   whoever makes records may have found no open heap. */
static void
checks_that_come_between_keep_it_closed(void **state)
{
    (void)state;
    test_need_open_magazines();
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_MEM, 0);
    mpyi_heap_set_closed(test.heap, 1);
    mpyi_modes_set(MPYI_MODE_CHECK, 1);
    size_t open = atomic_load(&mpyi_open_heaps);
    mpyi_heap_apply_modes(test.heap, 0);
    assert_true(test.heap->closed);
    assert_int_equal(test.heap->modes, MPYI_MODE_STALE);
    assert_int_equal(atomic_load(&mpyi_open_heaps), open);
    mpyi_modes_set(MPYI_MODE_CHECK, 0);
    mpyi_heap_sync(test.heap, 0);
    assert_false(test.heap->closed);
    mpyi_heap_set_closed(test.heap, 1);
    test_heap_close(&test);
}

static void
dropped_blocks_stay_allocated(void **state)
{
    (void)state;
    test_need_open_magazines();
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    (void)test_heap_alloc(test.heap, 4);
    unsigned used = mpyi_pool_used(&test.in.space.pools[0]);
    mpyi_heap_drop_magazines(test.heap);
    assert_int_equal(mpyi_heap_cached_blocks(test.heap), 0);
    assert_int_equal(mpyi_pool_used(&test.in.space.pools[0]), used);
    test_heap_valid(&test);
    test_heap_close(&test);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bins_have_their_limits),
        cmocka_unit_test(closing_flushes),
        cmocka_unit_test(flush_empties_every_bin),
        cmocka_unit_test(modes_close_and_open),
        cmocka_unit_test(checks_that_come_between_keep_it_closed),
        cmocka_unit_test(dropped_blocks_stay_allocated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
