/* SPDX-License-Identifier: MIT */
/*
 * test_flush.c - from magazines into bitmaps: what malloc has left, runs, wrong frees.
 */
#include "alloc_test.h"

static void
what_malloc_has_left_leaves(void **state)
{
    (void)state;
    test_need_open_magazines();
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    struct mpy_priv_bin *bin = &test.heap->pub.bins[8];
    void *blocks[3 * 64];
    for (int i = 0; i < 3 * 64; i++) {
        blocks[i] = mpyi_heap_take(test.heap, 8);
    }
    for (int i = 0; i < 2 * 64; i += 64) {
        for (int k = 0; k < 64; k++) {
            assert_int_equal(mpy_priv_bin_push(bin, blocks[i + k]), 1);
        }
        assert_int_equal(mpy_priv_bin_push(bin, blocks[i + 64]), 0);
        mpyi_heap_free(test.heap, 8, blocks[i + 64]);
        bin->put--; /* again with the others */
        assert_int_equal(mpyi_heap_cached_blocks(test.heap), 64);
        for (int k = 0; k < 64; k++) {
            assert_ptr_equal(bin->lo[k], blocks[i + k]);
        }
    }
    assert_int_equal(mpyi_pool_used(&test.in.space.pools[0]), 0);
    assert_int_equal(mpyi_pool_used(&test.in.space.pools[1]), 64);
    test_heap_valid(&test);
    test_heap_close(&test);
}

/* 20 blocks wait for malloc, 30 are freed; the oldest leave, and no others. */
static void
as_many_leave_as_are_asked_for(void **state)
{
    (void)state;
    test_need_open_magazines();
    for (size_t n = 0; n <= 50; n += 5) {
        struct test_heap test;
        test_heap_open(&test, MPY_KIND_RAW, 0);
        struct mpy_priv_bin *bin = &test.heap->pub.bins[8];
        void *blocks[50];
        for (int i = 0; i < 50; i++) {
            blocks[i] = mpyi_heap_take(test.heap, 8);
            if (i < 20) {
                *bin->top++ = blocks[i];
            } else {
                *bin->put++ = blocks[i];
            }
        }
        mpyi_heap_flush_bin(test.heap, 8, n);
        assert_int_equal(mpyi_heap_cached_blocks(test.heap), 50 - n);
        for (size_t i = 0; i < 50; i++) {
            assert_int_equal(mpyi_heap_is_allocated(test.heap, blocks[i]), i >= n);
        }
        for (size_t i = 50; i-- > (n > 20 ? n : 20);) {
            assert_ptr_equal(*--bin->put, blocks[i]);
        }
        for (size_t i = 20; i-- > n;) {
            assert_ptr_equal(*--bin->top, blocks[i]);
        }
        test_heap_close(&test);
    }
}

static void
blocks_of_mixed_classes_are_put_back(void **state)
{
    (void)state;
    for (int map = 0; map <= 1; map++) {
        struct test_heap test;
        test_heap_open(&test, MPY_KIND_RAW, map);
        void *blocks[MPY_CLASS_COUNT * 3];
        for (unsigned i = 0; i < MPY_CLASS_COUNT * 3; i++) {
            blocks[i] = mpyi_heap_take(test.heap, 1 + i % MPY_CLASS_COUNT);
        }
        mpyi_heap_put(test.heap, blocks, MPY_CLASS_COUNT * 3);
        test_heap_valid(&test);
        for (uint32_t i = 0; i < MPY_CLASS_COUNT; i++) {
            assert_int_equal(mpyi_pool_used(&test.in.space.pools[i]), 0);
        }
        test_heap_close(&test);
    }
}

static void
put_class_does_the_same(void **state)
{
    (void)state;
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        struct test_heap test;
        test_heap_open(&test, MPY_KIND_RAW, 0);
        void *blocks[700];
        size_t n = mpyi_class_capacity[c] + 3u;
        for (size_t i = 0; i < n; i++) {
            blocks[i] = mpyi_heap_take(test.heap, c);
        }
        mpyi_heap_put_class(test.heap, c, blocks, n);
        test_heap_valid(&test);
        mpyi_heap_release_empties(test.heap);
        assert_int_equal(test.in.space.pools_out, 0);
        test_heap_close(&test);
    }
}

/* The order of blocks decides how they are put back: runs of neighbours, or each for itself. */
static void
order_blocks(void **blocks, size_t n, int order)
{
    uint64_t random = 11;
    for (size_t i = n; i-- > 1;) {
        size_t j = order == 1 ? n - 1 - i : test_random(&random) % (i + 1);
        if (order == 0 || (order == 1 && j >= i)) {
            continue;
        }
        void *p = blocks[i];
        blocks[i] = blocks[j];
        blocks[j] = p;
    }
}

enum { N = 512 };

/* Those that were put back are free, and no others. */
static void
expect_freed(struct test_heap *test, void *const *blocks, size_t freed)
{
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(mpyi_heap_is_allocated(test->heap, blocks[i]), i >= freed);
    }
    test_heap_valid(test);
}

static void
put_back_in(size_t step, unsigned size_class, int order, int map)
{
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, map);
    void *blocks[N];
    for (size_t i = 0; i < N; i++) {
        blocks[i] = mpyi_heap_take(test.heap, size_class);
    }
    order_blocks(blocks, N, order);
    for (size_t i = 0; i < N; i += step) {
        size_t n = step < N - i ? step : N - i;
        mpyi_heap_put_class(test.heap, size_class, blocks + i, n);
        expect_freed(&test, blocks, i + n);
    }
    mpyi_heap_release_empties(test.heap);
    assert_int_equal(test.in.space.pools_out, 0);
    test_heap_valid(&test);
    test_heap_close(&test);
}

static void
any_order_is_put_back(void **state)
{
    (void)state;
    static const size_t steps[] = {20, 61, 64};
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        for (int order = 0; order <= 2; order++) {
            for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
                put_back_in(steps[i], c, order, 0);
            }
            put_back_in(20, c, order, 1);
        }
    }
}

/* Runs of a few blocks, upwards and downwards, with gaps between. */
static void
broken_runs_are_put_back(void **state)
{
    (void)state;
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        struct test_heap test;
        test_heap_open(&test, MPY_KIND_RAW, 0);
        void *taken[N], *blocks[N];
        for (size_t i = 0; i < N; i++) {
            taken[i] = mpyi_heap_take(test.heap, c);
        }
        size_t n = 0;
        for (size_t i = 0; i + 8 <= N; i += 8) { /* 0 1 2, 5 4 3, 7; 6 later */
            static const unsigned order[] = {0, 1, 2, 5, 4, 3, 7};
            for (size_t k = 0; k < 7; k++) {
                blocks[n++] = taken[i + order[k]];
            }
        }
        for (size_t i = 6; i < N; i += 8) {
            blocks[n++] = taken[i];
        }
        for (size_t i = 0; i < N; i += 32) {
            mpyi_heap_put_class(test.heap, c, blocks + i, 32);
            expect_freed(&test, blocks, i + 32);
        }
        test_heap_close(&test);
    }
}

static void
allocated_starts_are_told_from_others(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    char *p = mpyi_heap_take(test.heap, 3); /* 24 bytes, 170 a pool, 16 bytes of tail */
    char *q = mpyi_heap_take(test.heap, 3);
    assert_true(mpyi_heap_is_allocated(test.heap, p));
    assert_true(mpyi_heap_is_allocated(test.heap, q));
    for (int i = 1; i < 24; i++) {
        assert_false(mpyi_heap_is_allocated(test.heap, p + i));
    }
    assert_false(mpyi_heap_is_allocated(test.heap, p + 48));
    assert_false(mpyi_heap_is_allocated(test.heap, p + 170 * 24));
    assert_false(mpyi_heap_is_allocated(test.heap, p + MPY_POOL_SIZE));
    assert_false(mpyi_heap_is_allocated(test.heap, &test));
    void *gone = p;
    mpyi_heap_put(test.heap, &gone, 1);
    assert_false(mpyi_heap_is_allocated(test.heap, p));
    test_heap_close(&test);
}

static void
free_into_a_pool_nobody_owns(void)
{
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    void *p = mpyi_heap_take(test.heap, 4);
    void *again = p;
    mpyi_heap_put(test.heap, &p, 1);
    mpyi_heap_release_empties(test.heap);
    mpyi_heap_put(test.heap, &again, 1);
}

/* The third of five that lie side by side is free already. */
static void
free_twice_in_a_run(int up)
{
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    void *blocks[64];
    char *least = NULL;
    for (int i = 0; i < 64; i++) {
        char *p = mpyi_heap_take(test.heap, 8);
        least = least == NULL || p < least ? p : least;
    }
    for (int i = 0; i < 5; i++) {
        blocks[i] = least + 64 * (up ? i : 4 - i);
    }
    mpyi_heap_put_class(test.heap, 8, blocks + 2, 1);
    mpyi_heap_put_class(test.heap, 8, blocks, 5);
}

static void
free_twice_upwards(void)
{
    free_twice_in_a_run(1);
}

static void
free_twice_downwards(void)
{
    free_twice_in_a_run(0);
}

static void
wrong_frees_are_named(void **state)
{
    (void)state;
    test_dies(free_into_a_pool_nobody_owns);
    if (MPY_DEBUG >= 1 || MPYI_SECURE) {
        test_dies(free_twice_upwards);
        test_dies(free_twice_downwards);
    }
}

static void
blocks_of_a_sister_heap_go_to_it(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    struct mpyi_heap *sister = mpyi_os_map(sizeof *sister, MPY_POOL_SIZE);
    mpyi_heap_init(sister, &test.in.space, MPY_KIND_ATOM);
    void *p = mpyi_heap_take(sister, 4);
    mpyi_heap_put(test.heap, &p, 1);
    assert_int_equal(mpyi_pool_used(&test.in.space.pools[mpyi_space_index(&test.in.space, p)]), 0);
    assert_int_equal(mpyi_heap_check(sister), 0);
    test_heap_valid(&test);
    mpyi_os_release(sister, sizeof *sister);
    test_heap_close(&test);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_malloc_has_left_leaves),
        cmocka_unit_test(as_many_leave_as_are_asked_for),
        cmocka_unit_test(blocks_of_mixed_classes_are_put_back),
        cmocka_unit_test(put_class_does_the_same),
        cmocka_unit_test(any_order_is_put_back),
        cmocka_unit_test(broken_runs_are_put_back),
        cmocka_unit_test(allocated_starts_are_told_from_others),
        cmocka_unit_test(wrong_frees_are_named),
        cmocka_unit_test(blocks_of_a_sister_heap_go_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
