/* SPDX-License-Identifier: MIT */
/*
 * test_refill.c - from bitmaps into magazines: order, amounts, no block twice, no memory.
 */
#include "alloc_test.h"

static void
fresh_memory_is_walked_upwards(void **state)
{
    (void)state;
    test_need_ordered_blocks();
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        struct test_heap test;
        test_heap_open(&test, MPY_KIND_RAW, 0);
        char *first = test_heap_alloc(test.heap, c);
        assert_int_equal((uintptr_t)first % MPY_POOL_SIZE, 0);
        for (size_t i = 1; i < mpyi_class_capacity[c]; i++) {
            assert_ptr_equal(test_heap_alloc(test.heap, c), first + i * mpyi_class_size(c));
        }
        test_heap_valid(&test);
        test_heap_close(&test);
    }
}

static void
a_refill_fills_mallocs_array(void **state)
{
    (void)state;
    test_need_open_magazines();
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    (void)test_heap_alloc(test.heap, 8);
    assert_int_equal(mpyi_heap_cached_blocks(test.heap), 63);
    assert_int_equal(mpyi_pool_used(&test.in.space.pools[0]), 64);
    (void)test_heap_alloc(test.heap, 2);
    assert_int_equal(mpyi_heap_cached_blocks(test.heap), 63 + 63);
    assert_int_equal(test.in.space.pools[1].virgin, 64);
    test_heap_close(&test);
}

/* Where pools have few blocks, several that had none are handed out whole. */
static void
whole_pools_serve_one_refill(void **state)
{
    (void)state;
    test_need_open_magazines();
    for (unsigned c = 17; c <= MPY_CLASS_COUNT; c++) {
        struct test_heap test;
        test_heap_open(&test, MPY_KIND_RAW, 0);
        unsigned capacity = mpyi_class_capacity[c];
        unsigned want = mpyi_class_magazine[c];
        unsigned whole = want < capacity ? want : want / capacity * capacity;
        char *first = test_heap_alloc(test.heap, c);
        assert_int_equal(mpyi_heap_cached_blocks(test.heap), whole - 1);
        for (unsigned i = 1; i < whole; i++) {
            size_t at = i / capacity * MPY_POOL_SIZE + i % capacity * mpyi_class_size(c);
            assert_ptr_equal(mpy_priv_bin_pop(&test.heap->pub.bins[c]), first + at);
        }
        assert_int_equal(test.heap->partial[c] == MPYI_NO_POOL, capacity <= want);
        test_heap_valid(&test);
        test_heap_close(&test);
    }
}

/* Free blocks side by side, with holes, and more than are wanted: always the lowest first. */
static void
every_pattern_of_bits_is_taken(void **state)
{
    (void)state;
    test_need_open_magazines();
    const uint64_t patterns[] = {1,
                                 UINT64_C(1) << 63,
                                 UINT64_C(0xff) << 20,
                                 UINT64_C(0x8000000000000001),
                                 UINT64_C(0x5555555555555555),
                                 UINT64_C(0xfffffffe00000000),
                                 UINT64_C(0x00ffff00ff00f0f7),
                                 UINT64_MAX};
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        struct test_heap test;
        test_heap_open(&test, MPY_KIND_RAW, 0);
        void *blocks[64];
        for (unsigned b = 0; b < 64; b++) {
            blocks[b] = mpyi_heap_take(test.heap, 8);
        }
        for (unsigned b = 0; b < 64; b++) {
            if ((patterns[i] >> b & 1) != 0) {
                mpyi_heap_put(test.heap, &blocks[b], 1);
            }
        }
        for (unsigned b = 0; b < 64; b++) {
            if ((patterns[i] >> b & 1) != 0) {
                assert_ptr_equal(test_heap_alloc(test.heap, 8), blocks[b]);
                test_heap_valid(&test);
            }
        }
        test_heap_close(&test);
    }
}

/* With one free block a pool, several pools are scanned at once. */
static void
several_pools_serve_one_refill(void **state)
{
    (void)state;
    test_need_open_magazines();
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    enum { POOLS = 40 };
    static void *blocks[POOLS * 64];
    for (int i = 0; i < POOLS * 64; i++) {
        blocks[i] = mpyi_heap_take(test.heap, 8);
    }
    for (int i = 0; i < POOLS; i++) {
        mpyi_heap_put(test.heap, &blocks[i * 64 + i], 1);
    }
    for (int i = 0; i < POOLS; i++) {
        char *p = test_heap_alloc(test.heap, 8);
        unsigned pool = mpyi_space_index(&test.in.space, p);
        assert_true(pool < POOLS);
        assert_ptr_equal(p, blocks[pool * 64 + pool]);
        if (i == 0) {
            assert_in_range(mpyi_heap_cached_blocks(test.heap), 31, 39);
        }
    }
    assert_int_equal(test.in.space.pools_out, POOLS);
    test_heap_valid(&test);
    test_heap_close(&test);
}

static void
no_block_is_handed_out_twice(void **state)
{
    (void)state;
    for (int map = 0; map <= 1; map++) {
        struct test_heap test;
        test_heap_open(&test, MPY_KIND_RAW, map);
        uint64_t random = 7;
        enum { LIVE = 3000 };
        static struct {
            unsigned size_class;
            uint32_t *p;
        } live[LIVE];
        memset(live, 0, sizeof live);
        for (uint32_t i = 0; i < 60000; i++) {
            size_t slot = test_random(&random) % LIVE;
            if (live[slot].p != NULL) {
                assert_int_equal(live[slot].p[0], slot);
                assert_int_equal(live[slot].p[live[slot].size_class * 2 - 1], slot);
                test_heap_free(test.heap, live[slot].size_class, live[slot].p);
            }
            unsigned c = 1 + (unsigned)(test_random(&random) % MPY_CLASS_COUNT);
            live[slot].size_class = c;
            live[slot].p = test_heap_alloc(test.heap, c);
            live[slot].p[0] = (uint32_t)slot;
            live[slot].p[c * 2 - 1] = (uint32_t)slot;
        }
        test_heap_valid(&test);
        test_heap_close(&test);
    }
}

static void
no_memory_gives_null(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    test.in.usage.limit = MPY_POOL_SIZE;
    for (int i = 0; i < 64; i++) {
        assert_non_null(test_heap_alloc(test.heap, 8));
    }
    assert_null(test_heap_alloc(test.heap, 8));
    assert_null(test_heap_alloc(test.heap, 9));
    assert_null(mpyi_heap_take(test.heap, 8));
    test_heap_valid(&test);
    test.in.usage.limit = UINT64_MAX;
    assert_non_null(test_heap_alloc(test.heap, 8));
    test_heap_close(&test);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_memory_is_walked_upwards),
        cmocka_unit_test(a_refill_fills_mallocs_array),
        cmocka_unit_test(whole_pools_serve_one_refill),
        cmocka_unit_test(every_pattern_of_bits_is_taken),
        cmocka_unit_test(several_pools_serve_one_refill),
        cmocka_unit_test(no_block_is_handed_out_twice),
        cmocka_unit_test(no_memory_gives_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
