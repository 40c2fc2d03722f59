/* SPDX-License-Identifier: MIT */
/*
 * test_pool.c - taking and releasing pools, the states they pass through.
 */
#include "alloc_test.h"

static void
a_pool_passes_through_its_states(void **state)
{
    (void)state;
    test_need_ordered_blocks();
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    struct mpyi_heap *heap = test.heap;
    uint32_t index = mpyi_heap_new_pool(heap, 8);
    struct mpyi_pool *pool = &heap->space->pools[index];
    assert_int_equal(pool->state, MPY_POOL_USED);
    assert_int_equal(heap->space->classes[index], 8);
    assert_int_equal(heap->partial[8], index);
    test_heap_valid(&test);

    void *blocks[64];
    for (int i = 0; i < 64; i++) {
        assert_int_not_equal(pool->state, MPY_POOL_FULL);
        blocks[i] = mpyi_heap_take(heap, 8);
        assert_ptr_equal(blocks[i], pool->address + (size_t)i * 64);
    }
    assert_int_equal(pool->state, MPY_POOL_FULL);
    assert_int_equal(heap->partial[8], MPYI_NO_POOL);
    test_heap_valid(&test);

    mpyi_heap_put(heap, &blocks[5], 1);
    assert_int_equal(pool->state, MPY_POOL_FULL); /* filed so still, and noted */
    assert_int_equal(mpyi_state_of(pool->state, pool->due), MPY_POOL_USED);
    assert_int_equal(mpyi_pool_used(pool), 63);
    assert_int_equal(heap->changed_count, 1);
    test_heap_valid(&test);
    mpyi_heap_file_changed(heap);
    assert_int_equal(pool->state, MPY_POOL_USED);
    assert_int_equal(mpyi_pool_used(pool), 63);
    assert_int_equal(heap->partial[8], index);
    assert_int_equal(heap->changed_count, 0);
    test_heap_valid(&test);

    blocks[5] = blocks[63];
    mpyi_heap_put(heap, blocks, 63);
    assert_int_equal(mpyi_pool_used(pool), 0);
    assert_int_equal(heap->changed_count, 1); /* noted with the last one */
    mpyi_heap_settle(heap);
    assert_int_equal(pool->state, MPY_POOL_USED); /* the only one of its class stays */
    mpyi_heap_pool_release(heap, pool);
    assert_int_equal(pool->state, MPY_POOL_EMPTY);
    assert_int_equal(heap->space->classes[index], 0);
    test_heap_valid(&test);

    assert_int_equal(mpyi_heap_new_pool(heap, 64), index); /* for any class */
    assert_int_equal(pool->virgin, 0);
    mpyi_heap_release_empties(heap);
    assert_int_equal(pool->state, MPY_POOL_UNUSED);
    assert_null(pool->owner);
    test_heap_valid(&test);
    test_heap_close(&test);
}

static void
a_second_empty_pool_is_released(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    void *blocks[128];
    for (int i = 0; i < 128; i++) {
        blocks[i] = mpyi_heap_take(test.heap, 8);
    }
    uint32_t empty = test.heap->empty_count;
    mpyi_heap_put(test.heap, blocks, 128);
    assert_int_equal(test.heap->empty_count, empty); /* not before others are */
    test_heap_valid(&test);
    mpyi_heap_settle(test.heap);
    assert_int_equal(test.heap->empty_count, empty + 1);
    test_heap_valid(&test);
    test_heap_close(&test);
}

/* Takes n pools full of blocks of 512 bytes and puts all back. */
static void
fill_and_drop(struct mpyi_heap *heap, size_t n)
{
    static void *blocks[8 * 64];
    for (size_t i = 0; i < 8 * n; i++) {
        blocks[i] = mpyi_heap_take(heap, 64);
    }
    mpyi_heap_put(heap, blocks, 8 * n);
}

static void
idle_pools_serve_their_class_first(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    fill_and_drop(test.heap, 6);
    uint32_t empty = test.heap->empty_count;
    for (int i = 0; i < 100; i++) {
        fill_and_drop(test.heap, 6);
        assert_int_equal(test.heap->empty_count, empty);
        test_heap_valid(&test);
    }
    test_heap_close(&test);
}

/* Before pools are asked of the space, other classes' idle ones are used. */
static void
idle_pools_serve_other_classes(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    fill_and_drop(test.heap, 12);
    uint64_t out = test.in.space.pools_out;
    for (uint64_t i = 0; i + 1 < out; i++) {
        assert_int_not_equal(mpyi_heap_new_pool(test.heap, 8), MPYI_NO_POOL);
        test_heap_valid(&test);
    }
    assert_int_equal(test.in.space.pools_out, out);
    assert_int_not_equal(mpyi_heap_new_pool(test.heap, 8), MPYI_NO_POOL);
    assert_true(test.in.space.pools_out > out);
    test_heap_valid(&test);
    test_heap_close(&test);
}

static void
enough_idle_pools_are_released(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    for (size_t n = 1; n <= 64; n++) {
        fill_and_drop(test.heap, n);
        assert_true(test.heap->changed_count < MPYI_CHANGED);
        assert_true(test.heap->idle_count < MPYI_IDLE);
        assert_true(test.in.space.pools_out <= MPYI_EMPTIES + MPYI_CHANGED + MPYI_IDLE);
        test_heap_valid(&test);
    }
    test_heap_close(&test);
}

/* Pools that are noted, idle or changed, may be released by others before the notes are read, and
   go to another heap: by then nothing names them. */
static void
notes_of_pools_that_are_gone(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    struct mpyi_heap *heap = test.heap;
    struct mpyi_heap *sister = mpyi_os_map(sizeof *sister, MPY_POOL_SIZE);
    mpyi_heap_init(sister, &test.in.space, MPY_KIND_RAW);
    enum { N = MPYI_EMPTIES + 8 };
    void *blocks[8 * N];
    struct mpyi_pool *pools[N];
    for (int i = 0; i < 8 * N; i++) {
        blocks[i] = mpyi_heap_take(heap, 64);
        pools[i / 8] = &test.in.space.pools[mpyi_space_index(&test.in.space, blocks[i])];
    }
    mpyi_heap_put(heap, blocks, 8);
    mpyi_heap_file_changed(heap);
    mpyi_heap_put(heap, blocks + 8, 8);
    assert_ptr_equal(heap->idle[0], pools[0]);
    assert_ptr_equal(heap->changed[0], pools[1]);
    mpyi_heap_pool_reopen(heap, pools[1]);
    for (int i = 0; i < N; i++) {
        if (i >= 2) { /* as the collector does it, which looks at a pool as a whole */
            pools[i]->bits[0] = mpyi_class_bits[64][0];
            mpyi_pool_gained(heap, pools[i], 8);
        }
        mpyi_heap_pool_release(heap, pools[i]);
        test_heap_valid(&test);
    }
    assert_ptr_not_equal(pools[0]->owner, heap);
    assert_ptr_not_equal(pools[1]->owner, heap);
    assert_int_equal(heap->idle_count + heap->changed_count, 0);
    do {
        assert_non_null(mpyi_heap_take(sister, 64));
    } while (pools[0]->owner != sister || pools[1]->owner != sister);
    mpyi_heap_settle(heap);
    assert_int_equal(mpyi_heap_check(sister), 0);
    test_heap_valid(&test);
    mpyi_os_release(sister, sizeof *sister);
    test_heap_close(&test);
}

static void
many_empty_pools_go_back_to_the_space(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    enum { N = 8 * 100 };
    static void *blocks[N];
    for (int i = 0; i < N; i++) {
        blocks[i] = mpyi_heap_take(test.heap, 64);
    }
    assert_int_equal(test.in.space.pools_out - test.heap->empty_count, 100);
    mpyi_heap_put(test.heap, blocks, N);
    mpyi_heap_settle(test.heap);
    assert_true(test.heap->empty_count <= MPYI_EMPTIES);
    assert_true(test.in.space.pools_out <= MPYI_EMPTIES + 1);
    test_heap_valid(&test);
    mpyi_heap_release_empties(test.heap);
    assert_int_equal(test.in.space.pools_out, 0);
    test_heap_valid(&test);
    test_heap_close(&test);
}

/* Classes that grow in turn: but for the first few, most pools follow the one before of their
   class. */
static void
pools_of_a_class_lie_side_by_side(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    enum { CLASSES = 8, ROUNDS = 64, FIRST = 16 };
    uint32_t last[CLASSES] = {0};
    unsigned followers = 0;
    for (unsigned i = 0; i < ROUNDS * CLASSES; i++) {
        unsigned c = i % CLASSES;
        struct mpyi_pool *pool = mpyi_heap_claim_pool(test.heap, 8 * (c + 1));
        assert_non_null(pool);
        mpyi_partial_push(test.heap, pool);
        uint32_t index = mpyi_pool_index(test.heap, pool);
        followers += i >= FIRST * CLASSES && index == last[c] + 1;
        last[c] = index;
    }
    assert_true(followers >= (ROUNDS - FIRST) * CLASSES * 9 / 10);
    test_heap_valid(&test);
    test_heap_close(&test);
}

/* With more classes than the cache has room for, what is meant for others is taken; no pool is lost
   or handed out twice. */
static void
more_classes_than_runs(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    for (unsigned i = 0; i < 40 * MPY_CLASS_COUNT; i++) {
        struct mpyi_pool *pool =
            mpyi_heap_claim_pool(test.heap, 1 + i * 7 % (unsigned)MPY_CLASS_COUNT);
        assert_non_null(pool);
        mpyi_partial_push(test.heap, pool);
        assert_true(test.heap->empty_count <= MPYI_EMPTIES);
    }
    test_heap_valid(&test);
    assert_int_equal(test.in.space.pools_out - test.heap->empty_count, 40 * MPY_CLASS_COUNT);
    test_heap_close(&test);
}

/* A heap with many pools fetches many at once, but few for a class that is new, and of a run none
   beyond the next 64 KiB. */
static void
fetches_are_bounded(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    struct mpyi_heap *heap = test.heap;
    while (heap->pool_count < 200 || heap->empty_count > 0) {
        struct mpyi_pool *pool = mpyi_heap_claim_pool(heap, 8);
        assert_non_null(pool);
        mpyi_partial_push(heap, pool);
    }
    static const struct {
        unsigned size_class;
        uint32_t run, fetched;
    } cases[] = {{16, MPYI_NO_POOL, 4}, {20, 64 + 13, 3}, {24, 64, 16}};
    for (size_t i = 0; i < 3; i++) {
        uint32_t before = heap->pool_count;
        heap->runs[cases[i].size_class] = cases[i].run;
        do { /* to the last, so that the next class finds none that is for any */
            struct mpyi_pool *pool = mpyi_heap_claim_pool(heap, cases[i].size_class);
            assert_non_null(pool);
            mpyi_partial_push(heap, pool);
        } while (heap->empty_count > 0);
        assert_int_equal(heap->pool_count - before, cases[i].fetched);
    }
    test_heap_valid(&test);
    test_heap_close(&test);
}

/* A pool that ran empty, was filled, and got room again before anybody looked, is noted twice. */
static void
noted_twice_filed_once(void **state)
{
    (void)state;
    enum { C = 64, N = MPY_POOL_SIZE / 512 };
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    struct mpyi_heap *heap = test.heap;
    void *blocks[N];
    for (int i = 0; i < N; i++) {
        blocks[i] = mpyi_heap_take(heap, C);
    }
    mpyi_heap_put(heap, blocks, 1);
    mpyi_heap_file_changed(heap);
    mpyi_heap_put(heap, blocks + 1, N - 1);
    assert_int_equal(heap->changed_count, 1);
    for (int i = 0; i < N; i++) {
        blocks[i] = mpyi_heap_take(heap, C);
    }
    mpyi_heap_put(heap, blocks, 1);
    assert_int_equal(heap->changed_count, 2);
    assert_ptr_equal(heap->changed[0], heap->changed[1]);
    mpyi_heap_file_changed(heap);
    test_heap_valid(&test);
    mpyi_heap_put(heap, blocks + 1, N - 1);
    mpyi_heap_release_empties(heap);
    assert_int_equal(test.in.space.pools_out, 0);
    test_heap_valid(&test);
    test_heap_close(&test);
}

/* Fetches pools for more and more classes until n empty ones wait, most of them for some class. */
static unsigned
fill_cache(struct mpyi_heap *heap, uint32_t n)
{
    unsigned c = 1;
    for (; heap->empty_count < n && c < MPY_CLASS_COUNT; c++) {
        for (int i = 0; i < 5; i++) {
            struct mpyi_pool *pool = mpyi_heap_claim_pool(heap, c);
            assert_non_null(pool);
            mpyi_partial_push(heap, pool);
        }
    }
    assert_true(heap->empty_count >= n);
    return c;
}

/* Where there is no room for more, a class gets what has waited longest. */
static void
the_oldest_pool_is_for_all(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    unsigned next = fill_cache(test.heap, MPYI_EMPTIES - 3);
    uint32_t oldest = test.heap->empties[0];
    assert_true(test.heap->meant[0] != 0);
    struct mpyi_pool *pool = mpyi_heap_claim_pool(test.heap, next);
    assert_non_null(pool);
    mpyi_partial_push(test.heap, pool);
    assert_int_equal(mpyi_pool_index(test.heap, pool), oldest);
    test_heap_valid(&test);
    test_heap_close(&test);
}

/* Pools that stay in the cache stay meant for whom they were, until the heap begins anew. */
static void
what_pools_are_meant_for(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_REGION, 0);
    struct mpyi_heap *heap = test.heap;
    (void)fill_cache(heap, 20);
    uint32_t count = heap->empty_count;
    uint32_t empties[MPYI_EMPTIES];
    uint8_t meant[MPYI_EMPTIES];
    memcpy(empties, heap->empties, sizeof empties);
    memcpy(meant, heap->meant, sizeof meant);
    assert_int_not_equal(meant[0], meant[count - 1]);
    mpyi_heap_halve_empties(heap);
    uint32_t gone = count - heap->empty_count;
    assert_in_range(gone, 1, count / 2 + 1);
    for (uint32_t i = 0; i < heap->empty_count; i++) {
        assert_int_equal(heap->empties[i], empties[gone + i]);
        assert_int_equal(heap->meant[i], meant[gone + i]);
    }
    mpyi_heap_drop_pools(heap, MPYI_EMPTIES);
    assert_true(heap->empty_count > 0);
    for (uint32_t i = 0; i < heap->empty_count; i++) {
        assert_int_equal(heap->meant[i], 0);
    }
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        assert_true(heap->runs[c] == MPYI_NO_POOL);
    }
    mpyi_heap_drop_pools(heap, 0);
    assert_int_equal(test.in.space.pools_out, 0);
    test_heap_valid(&test);
    test_heap_close(&test);
}

/* Where there is no memory for more, a class gets what is meant for another. */
static void
the_last_pools_are_for_all(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    for (int i = 0; i < 5; i++) { /* the fifth is the first of a run, three more are meant for it */
        assert_non_null(mpyi_heap_claim_pool(test.heap, 8));
    }
    assert_int_equal(test.heap->empty_count, 3);
    test.in.usage.limit = test.in.usage.taken;
    for (int i = 0; i < 3; i++) {
        assert_non_null(mpyi_heap_claim_pool(test.heap, 16));
    }
    assert_null(mpyi_heap_claim_pool(test.heap, 16));
    test.in.usage.limit = UINT64_MAX;
    assert_non_null(mpyi_heap_claim_pool(test.heap, 16));
    test_heap_close(&test);
}

static void
eight_byte_pools_have_upper_bits(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, 0);
    static void *blocks[1024];
    for (int i = 0; i < 1024; i++) {
        blocks[i] = mpyi_heap_take(test.heap, 1);
        assert_non_null(blocks[i]);
        for (int j = 0; j < i; j++) {
            assert_ptr_not_equal(blocks[i], blocks[j]);
        }
    }
    assert_int_equal(test.in.space.pools_out - test.heap->empty_count, 2);
    test_heap_valid(&test);
    for (int i = 0; i < 1024; i++) {
        mpyi_heap_put(test.heap, &blocks[i * 389 % 1024], 1);
    }
    test_heap_valid(&test);
    test_heap_close(&test);
}

static void
no_memory_for_a_pool(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 8; n++) {
        struct test_heap test;
        test_heap_open(&test, MPY_KIND_RAW, 0);
        mpyi_os_fail_after(n);
        uint32_t index = mpyi_heap_new_pool(test.heap, 1);
        mpyi_os_fail_after(0);
        test_heap_valid(&test);
        if (index == MPYI_NO_POOL) {
            assert_int_not_equal(mpyi_heap_new_pool(test.heap, 1), MPYI_NO_POOL);
        }
        test_heap_close(&test);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pool_passes_through_its_states),
        cmocka_unit_test(a_second_empty_pool_is_released),
        cmocka_unit_test(idle_pools_serve_their_class_first),
        cmocka_unit_test(idle_pools_serve_other_classes),
        cmocka_unit_test(enough_idle_pools_are_released),
        cmocka_unit_test(notes_of_pools_that_are_gone),
        cmocka_unit_test(many_empty_pools_go_back_to_the_space),
        cmocka_unit_test(pools_of_a_class_lie_side_by_side),
        cmocka_unit_test(more_classes_than_runs),
        cmocka_unit_test(fetches_are_bounded),
        cmocka_unit_test(noted_twice_filed_once),
        cmocka_unit_test(the_oldest_pool_is_for_all),
        cmocka_unit_test(what_pools_are_meant_for),
        cmocka_unit_test(the_last_pools_are_for_all),
        cmocka_unit_test(eight_byte_pools_have_upper_bits),
        cmocka_unit_test(no_memory_for_a_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
