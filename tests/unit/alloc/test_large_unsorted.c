/* SPDX-License-Identifier: MIT */
/*
 * test_large_unsorted.c - the large block that was freed last, which a cache leaves unsorted until
 * the next free: who may be left so, who sorts it, and that it is never forgotten.
 */
#include "alloc_test.h"

#include "alloc/decay.h"
#include "alloc/sys.h"

/* A block of n bytes that a free may leave unsorted. */
static void *
block_that_may_wait(size_t n)
{
    void *passed[64];
    size_t count = 0;
    void *p;
    while (!mpyi_large_may_wait(p = mpy_mem_malloc(n))) {
        assert_true(count < 64);
        passed[count++] = p;
    }
    while (count > 0) {
        mpy_mem_free(passed[--count]);
    }
    return p;
}

static struct mpyi_large_cache *
own_cache(void)
{
    return &mpyi_heap_of(mpy_priv_tls.mem)->large;
}

static void
huge_blocks_do_not_wait(void **state)
{
    (void)state;
    assert_false(mpyi_large_may_wait(NULL));
    for (uintptr_t at = 4096; at <= 8192; at += 16) {
        int huge = at == 4096 + 16; /* of a mapping of glibc's, as malloc and aligned_alloc give */
        for (uintptr_t alignment = 32; alignment <= 4096; alignment *= 2) {
            huge |= at == 4096 + alignment || at == 4096;
        }
        assert_int_equal(mpyi_large_may_wait((void *)at), !huge);
    }
    test_need_open_magazines();
    if (!mpyi_backend_has_headers()) {
        return;
    }
    for (size_t alignment = 16; alignment <= 8192; alignment *= 2) {
        void *p = mpy_mem_aligned_alloc(alignment, (size_t)64 << 20);
        uint64_t used = mpy_mem_used();
        mpy_mem_free(p);
        assert_null(own_cache()->unsorted);
        assert_true(mpyi_usage_now(&mpyi_mem_usage) <= used - ((uint64_t)64 << 20) + 131072);
    }
}

/* One free sorts what the one before it left; so do requests, figures and whatever empties. */
static void
the_last_free_is_sorted_by_the_next(void **state)
{
    (void)state;
    test_need_open_magazines();
    if (!mpyi_backend_has_headers()) {
        return;
    }
    void *p = block_that_may_wait(3000);
    void *q = block_that_may_wait(9000);
    struct mpyi_large_cache *cache = own_cache();
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    mpy_mem_free(p);
    assert_ptr_equal(cache->unsorted, p);
    assert_int_equal(cache->bytes, 0);
    assert_int_equal(mpyi_large_cache_blocks(cache), 1);
    mpy_mem_free(q);
    assert_ptr_equal(cache->unsorted, q);
    assert_true(cache->bytes >= 3000 && cache->bytes < 9000);
    assert_int_equal(mpyi_large_cache_blocks(cache), 2);
    assert_ptr_equal(mpy_mem_malloc(9000), q);
    assert_null(cache->unsorted);
    mpy_mem_free(q);
    mpy_mem_stats stats = {.size = sizeof stats};
    assert_int_equal(mpy_mem_stats_get(NULL, &stats), 0);
    assert_null(cache->unsorted);
    assert_true(cache->bytes >= 12000);
    assert_ptr_equal(mpy_mem_malloc(9000), q);
    mpy_mem_free(q);
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    assert_int_equal(mpyi_large_cache_blocks(cache) + cache->bytes, 0);
}

/* What is too large for the cache goes back to malloc with the next free, or request. */
static void
a_large_unsorted_block_goes_back(void **state)
{
    (void)state;
    test_need_open_magazines();
    if (!mpyi_backend_has_headers()) {
        return;
    }
    mpy_mem_free(mpy_mem_malloc((size_t)8 << 20)); /* from now on glibc maps only larger ones */
    void *small = block_that_may_wait(3000);
    for (int step = 0; step < 3; step++) {
        void *p = block_that_may_wait(2000000);
        assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
        uint64_t used = mpy_mem_used();
        mpy_mem_free(p);
        assert_ptr_equal(own_cache()->unsorted, p);
        if (step == 0) {
            mpy_mem_free(small);
        } else if (step == 1) {
            small = mpy_mem_malloc(20000);
        }
        assert_true(mpy_mem_used() <= used - 1900000); /* 20000 were asked for meanwhile */
        assert_true(own_cache()->bytes < 100000);
    }
    mpy_mem_free(small);
}

/* Where somebody has said to the byte what may be taken or kept, nothing waits uncounted. */
static void
nothing_is_unsorted_under_a_limit(void **state)
{
    (void)state;
    test_need_open_magazines();
    void *p = block_that_may_wait(3000);
    void *q = block_that_may_wait(3000);
    void *r = block_that_may_wait(3000);
    mpy_mem_free(p);
    mpy_mem_set_limit(mpy_mem_used() + 1000000);
    assert_null(own_cache()->unsorted);
    mpy_mem_free(q);
    assert_null(own_cache()->unsorted);
    mpy_mem_set_limit(0);
    mpy_mem_free(r);
    assert_ptr_equal(own_cache()->unsorted, mpyi_backend_has_headers() ? r : NULL);
    p = block_that_may_wait(3000);
    size_t cap = mpyi_keep_cap;
    assert_int_equal(mpy_mem_set_keep(NULL, (size_t)1 << 20), 0);
    assert_null(own_cache()->unsorted);
    mpy_mem_free(p);
    assert_null(own_cache()->unsorted);
    mpyi_keep_cap = cap;
    mpyi_large_cache_set_limit(own_cache(), mpyi_large_share());
}

static void *
free_one_and_end(void *p)
{
    mpy_mem_free(mpy_mem_malloc(20)); /* now it has a heap */
    mpy_mem_free(p);
    return mpyi_backend_has_headers() && own_cache()->unsorted != p ? p : NULL;
}

static void
a_thread_that_ends_leaves_nothing_unsorted(void **state)
{
    (void)state;
    test_need_open_magazines();
    pthread_t thread;
    void *wrong;
    mpy_mem_stats before = {.size = sizeof before};
    mpy_mem_stats after = {.size = sizeof after};
    assert_int_equal(mpy_mem_stats_get(NULL, &before), 0);
    void *p = block_that_may_wait(3000);
    assert_int_equal(pthread_create(&thread, NULL, free_one_and_end, p), 0);
    assert_int_equal(pthread_join(thread, &wrong), 0);
    assert_null(wrong);
    assert_int_equal(mpy_mem_stats_get(NULL, &after), 0);
    assert_int_equal(after.large_blocks, before.large_blocks);
    assert_int_equal(after.large_bytes, before.large_bytes);
}
int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(huge_blocks_do_not_wait),
        cmocka_unit_test(the_last_free_is_sorted_by_the_next),
        cmocka_unit_test(a_large_unsorted_block_goes_back),
        cmocka_unit_test(nothing_is_unsorted_under_a_limit),
        cmocka_unit_test(a_thread_that_ends_leaves_nothing_unsorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
