/* SPDX-License-Identifier: MIT */
/*
 * test_rtlarge.c - large blocks of a runtime: prefix, ring, books, cache, sizes at the edge.
 */
#include "alloc_test.h"

#include <malloc.h>

static struct mpyi_rtheap *heap;

static int
setup(void **state)
{
    (void)state;
    heap = mpyi_rtheap_new(NULL);
    return heap == NULL;
}

static int
teardown(void **state)
{
    (void)state;
    int result = mpyi_rtheap_check(heap);
    mpyi_rtheap_free(heap);
    return result;
}

static void
the_prefix_says_what_it_is(void **state)
{
    (void)state;
    for (size_t n = 513; n < 300000; n = n * 5 / 4) {
        char *p = mpyi_rtlarge_alloc(heap, n, MPYI_LARGE_ATOM);
        struct mpyi_large *prefix = (struct mpyi_large *)(void *)p - 1;
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_int_equal(prefix->size & MPYI_LARGE_ATOM, MPYI_LARGE_ATOM);
        assert_ptr_equal(prefix->heap, heap);
        assert_true(mpyi_rtlarge_size(p) >= n);
        assert_int_equal(mpyi_rtlarge_size(p) % 16, 0);
        memset(p, 1, mpyi_rtlarge_size(p));
        assert_int_equal(heap->usage.large_blocks, 1);
        assert_int_equal(heap->usage.large_bytes, mpyi_rtlarge_size(p));
        mpyi_rtlarge_free(heap, p);
        assert_int_equal(heap->usage.large_blocks, 0);
        assert_int_equal(heap->usage.large_bytes, 0);
    }
}

static void
random_work_keeps_the_ring(void **state)
{
    (void)state;
    enum { LIVE = 100 };
    unsigned char *live[LIVE] = {NULL};
    uint64_t random = 9;
    for (int i = 0; i < 20000; i++) {
        size_t slot = test_random(&random) % LIVE;
        size_t n = 513 + test_random(&random) % (i % 50 == 0 ? 200000 : 5000);
        if (live[slot] != NULL && i % 3 == 0) {
            size_t old = mpyi_rtlarge_size(live[slot]);
            live[slot] = mpyi_rtlarge_realloc(heap, live[slot], n);
            assert_non_null(live[slot]);
            size_t kept = old < n ? old : n;
            assert_int_equal(live[slot][kept - 1], slot);
        } else {
            if (live[slot] != NULL) {
                mpyi_rtlarge_free(heap, live[slot]);
            }
            live[slot] = mpyi_rtlarge_alloc(heap, n, i & 1 ? MPYI_LARGE_ATOM : 0);
        }
        memset(live[slot], (int)slot, mpyi_rtlarge_size(live[slot]));
        if (i % 1000 == 0) {
            assert_int_equal(mpyi_rtlarge_check(heap), 0);
        }
    }
}

static void
sizes_at_the_edge(void **state)
{
    (void)state;
    static const size_t sizes[] = {PTRDIFF_MAX - 48,        PTRDIFF_MAX - 1, PTRDIFF_MAX,
                                   (size_t)PTRDIFF_MAX + 1, SIZE_MAX - 31,   SIZE_MAX};
    void *p = mpyi_rtlarge_alloc(heap, 1000, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        volatile size_t n = sizes[i];
        assert_null(mpyi_rtlarge_alloc(heap, n, 0));
        assert_null(mpyi_rtlarge_realloc(heap, p, n));
    }
    assert_int_equal(heap->usage.large_blocks, 1);
}

static void
freed_blocks_wait_in_a_bounded_cache(void **state)
{
    (void)state;
    if (heap->raw.closed) {
        return; /* this build has nothing of the kind */
    }
    void *p = mpyi_rtlarge_alloc(heap, 4000, 0);
    mpyi_rtlarge_free(heap, p);
    assert_int_equal(mpyi_large_cache_blocks(&heap->cache), 1);
    assert_null(((const struct mpyi_large *)p - 1)->heap); /* by which a second free is known */
    assert_ptr_equal(mpyi_rtlarge_alloc(heap, 4000, MPYI_LARGE_ATOM), p);
    void *blocks[500];
    for (int i = 0; i < 500; i++) {
        blocks[i] = mpyi_rtlarge_alloc(heap, 600 + (size_t)i * 100, 0);
    }
    for (int i = 0; i < 500; i++) {
        mpyi_rtlarge_free(heap, blocks[i]);
    }
    assert_true(heap->cache.bytes <= heap->cache.limit);
    assert_true(mpyi_large_cache_blocks(&heap->cache) > 10);
}

static void
a_cached_block_beyond_the_limit_is_not_given(void **state)
{
    (void)state;
    void *p = mpyi_rtlarge_alloc(heap, 5000, 0);
    mpyi_rtlarge_free(heap, p);
    mpyi_rtheap_set_limit(heap, 4500);
    assert_null(mpyi_rtlarge_alloc(heap, 4600, 0));
    assert_non_null(mpyi_rtlarge_alloc(heap, 1000, 0));
    assert_null(mpyi_rtlarge_alloc(heap, 4000, 0));
}

/* Allocated from glibc's malloc, where that is it. */
static size_t
system_bytes(void)
{
#ifdef __GLIBC__
    return mallinfo2().uordblks;
#else
    return 0;
#endif
}

/* A block of the same bin may be larger than what is wanted: the limit counts what is given. */
static void
a_cached_block_is_counted_as_it_is(void **state)
{
    (void)state;
    if (heap->raw.closed) {
        return;
    }
    size_t in_use = system_bytes();
    mpyi_rtheap_modes_set(heap, MPYI_MODE_TRACE, 1); /* sizes are not rounded to those of bins */
    size_t odd = mpyi_large_good_size(4000) + 16;
    void *p = mpyi_rtlarge_alloc(heap, odd, 0);
    assert_int_equal(mpyi_rtlarge_size(p), odd);
    mpyi_rtheap_modes_set(heap, MPYI_MODE_TRACE, 0);
    mpyi_rtlarge_free(heap, p);
    assert_int_equal(mpyi_large_cache_blocks(&heap->cache), 1);
    p = mpyi_rtlarge_alloc(heap, 4000, 0);
    assert_int_equal(mpyi_rtlarge_size(p), odd);
    assert_int_equal(mpyi_rtheap_bytes(heap), odd);
    mpyi_rtlarge_free(heap, p);
    mpyi_rtheap_set_limit(heap, mpyi_rtheap_bytes(heap) + odd - 16);
    p = mpyi_rtlarge_alloc(heap, 4000, 0);
    assert_non_null(p);
    assert_true(mpyi_rtheap_bytes(heap) <= heap->usage.limit);
    mpyi_rtheap_set_limit(heap, 0);
    mpyi_rtlarge_free(heap, p);
    assert_int_equal(mpyi_large_cache_clear(&heap->cache), mpyi_large_good_size(4000));
    assert_int_equal(system_bytes(), in_use);
}

/* With closed magazines a block is moved for each size, so that what it says is what was asked for.
 */
static void
closed_blocks_have_their_size(void **state)
{
    (void)state;
    mpyi_rtheap_modes_set(heap, MPYI_MODE_TRACE, 1);
    void *p = mpyi_rtlarge_alloc(heap, 4000, 0);
    assert_int_equal(mpyi_rtlarge_size(p), 4000);
    p = mpyi_rtlarge_realloc(heap, p, 3008);
    assert_int_equal(mpyi_rtlarge_size(p), 3008);
    mpyi_rtlarge_free(heap, p);
    mpyi_rtheap_modes_set(heap, MPYI_MODE_TRACE, 0);
}

/* Where the system has no more, what waits is given back to it, and asked for again. */
static void
the_cache_makes_room(void)
{
    enum { BLOCKS = 12, SIZE = 900000 };
    heap = mpyi_rtheap_new(NULL);
    void *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = mpyi_rtlarge_alloc(heap, SIZE, 0);
        CHILD_CHECK(blocks[i] != NULL);
    }
    for (int i = 0; i < BLOCKS; i++) {
        mpyi_rtlarge_free(heap, blocks[i]);
    }
    CHILD_CHECK(mpyi_large_cache_blocks(&heap->cache) == BLOCKS);
    const rlim_t most = (rlim_t)1 << 46;
    struct rlimit limit = {most, RLIM_INFINITY};
    CHILD_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = most - mpyi_os_address_left() + SIZE;
    CHILD_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    CHILD_CHECK(mpyi_rtlarge_alloc(heap, (size_t)BLOCKS / 2 * SIZE, 0) != NULL);
    CHILD_CHECK(heap->cache.bytes == 0);
}

static void
the_system_is_short(void **state)
{
    (void)state;
    if (MPYI_ASAN || MPYI_TSAN || MPY_LARGE_JEMALLOC || heap->raw.closed) {
        return; /* they need more address space than the limit; jemalloc keeps what it had */
    }
    test_child_succeeds(the_cache_makes_room);
}

/* A block that waits in the next bin serves a request, one that waits further up does not. */
static void
the_next_bin_helps_out(void **state)
{
    (void)state;
    if (heap->raw.closed) {
        return;
    }
    for (unsigned b = 8; b < MPYI_LARGE_BINS - 2 * MPYI_LARGE_NEIGHBOURS; b += 8) {
        size_t n = mpyi_large_bin_size(b);
        void *p = mpyi_rtlarge_alloc(heap, n, 0);
        void *next = mpyi_rtlarge_alloc(heap, mpyi_large_bin_size(b + MPYI_LARGE_NEIGHBOURS), 0);
        void *far = mpyi_rtlarge_alloc(heap, mpyi_large_bin_size(b + 2 * MPYI_LARGE_NEIGHBOURS), 0);
        assert_non_null(p);
        mpyi_rtlarge_free(heap, next);
        mpyi_rtlarge_free(heap, far);
        assert_ptr_equal(mpyi_rtlarge_alloc(heap, n, 0), next);
        size_t waiting = mpyi_large_cache_blocks(&heap->cache);
        assert_ptr_not_equal(mpyi_rtlarge_alloc(heap, n, 0), far);
        assert_int_equal(mpyi_large_cache_blocks(&heap->cache), waiting);
        (void)mpyi_large_cache_clear(&heap->cache);
    }
}

static size_t
flag_of(const void *p)
{
    return ((const struct mpyi_large *)p - 1)->size & MPYI_LARGE_FLAGS;
}

/* Sizes that the system resizes: whose block it is stays, also when there is no memory. */
static void
resizing_keeps_the_kind(void **state)
{
    (void)state;
    static const size_t flags[] = {0, MPYI_LARGE_ATOM, MPYI_LARGE_REGION};
    for (size_t i = 0; i < 3; i++) {
        void *p = mpyi_rtlarge_alloc(heap, 200000, flags[i]);
        assert_int_equal(flag_of(p), flags[i]);
        p = mpyi_rtlarge_realloc(heap, p, 1000000 * (i + 1));
        assert_non_null(p);
        assert_int_equal(flag_of(p), flags[i]);
        assert_true(heap->usage.peak >= 1000000 * (i + 1));
        assert_null(mpyi_rtlarge_realloc(heap, p, (size_t)PTRDIFF_MAX - 100000));
        assert_int_equal(flag_of(p), flags[i]);
        assert_int_equal(mpyi_rtlarge_check(heap), 0);
        mpyi_rtlarge_free(heap, p);
    }
}

static void
what_shrinks_gives_memory_back(void **state)
{
    (void)state;
    for (size_t n = 5000; n <= 5000000; n *= 10) {
        void *p = mpyi_rtlarge_alloc(heap, n, 0);
        p = mpyi_rtlarge_realloc(heap, p, n / 4);
        assert_non_null(p);
        assert_in_range(mpyi_rtlarge_size(p), n / 4, n / 2);
        assert_int_equal(mpyi_rtheap_bytes(heap), mpyi_rtlarge_size(p));
        mpyi_rtlarge_free(heap, p);
    }
}

/* Both blocks at once do not fit, one does: a table shrinks, and grows by what is left. */
static void
near_the_limit_a_block_changes_its_size(void **state)
{
    (void)state;
    mpyi_rtheap_set_limit(heap, 110000);
    unsigned char *p = mpyi_rtlarge_alloc(heap, 60000, MPYI_LARGE_ATOM);
    unsigned char *q = mpyi_rtlarge_alloc(heap, 30000, 0);
    assert_non_null(q);
    memset(p, 7, 60000);
    assert_null(mpyi_rtlarge_realloc(heap, q, 60000));
    q = mpyi_rtlarge_realloc(heap, q, 34000);
    assert_non_null(q);
    p = mpyi_rtlarge_realloc(heap, p, 20000);
    assert_non_null(p);
    assert_true(p[0] == 7 && p[19999] == 7);
    assert_int_equal(flag_of(p), MPYI_LARGE_ATOM);
    assert_int_equal(mpyi_rtheap_bytes(heap), mpyi_rtlarge_size(p) + mpyi_rtlarge_size(q));
    assert_int_equal(mpyi_rtlarge_check(heap), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_prefix_says_what_it_is),
        CASE(random_work_keeps_the_ring),
        CASE(sizes_at_the_edge),
        CASE(freed_blocks_wait_in_a_bounded_cache),
        CASE(a_cached_block_beyond_the_limit_is_not_given),
        CASE(a_cached_block_is_counted_as_it_is),
        CASE(closed_blocks_have_their_size),
        CASE(the_system_is_short),
        CASE(the_next_bin_helps_out),
        CASE(resizing_keeps_the_kind),
        CASE(what_shrinks_gives_memory_back),
        CASE(near_the_limit_a_block_changes_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
