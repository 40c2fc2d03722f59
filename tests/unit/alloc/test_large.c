/* SPDX-License-Identifier: MIT */
/*
 * test_large.c - the cache of large blocks: bins, bounds, eviction; sizes and books of the mem
 * domain. What is left unsorted: test_large_unsorted.c.
 */
#include "alloc_test.h"

#include "alloc/decay.h"
#include "alloc/sys.h"

#include <sys/mman.h>

static struct mpyi_large_entry entries[MPYI_LARGE_SLOTS]; /* of the one cache in use */

static void
bins_cover_every_size(void **state)
{
    (void)state;
    assert_int_equal(mpyi_large_bin_size(0), 512);
    assert_int_equal(mpyi_large_bin_size(MPYI_LARGE_BINS - 1), MPYI_LARGE_CACHED_MAX);
    for (size_t n = 513; n <= MPYI_LARGE_CACHED_MAX; n++) {
        unsigned bin = mpyi_large_bin_floor(n);
        assert_true(bin < MPYI_LARGE_BINS);
        assert_true(mpyi_large_bin_size(bin) <= n);
        assert_true(bin + 1 == MPYI_LARGE_BINS || mpyi_large_bin_size(bin + 1) > n);
        size_t good = mpyi_large_good_size(n);
        assert_true(good >= n && good <= n + (n >> MPYI_BACKEND_STEP_LOG) + 8);
        assert_int_equal(mpyi_large_bin_size(mpyi_large_bin_floor(good)), good);
        assert_int_equal(mpyi_large_bin_ceil(n), mpyi_large_bin_floor(good));
    }
    assert_int_equal(mpyi_large_good_size(MPYI_LARGE_CACHED_MAX + 1), MPYI_LARGE_CACHED_MAX + 1);
}

static size_t
cache_sum(const struct mpyi_large_cache *cache)
{
    size_t bytes = 0;
    uint32_t blocks = 0;
    for (unsigned b = 0; b < MPYI_LARGE_BINS; b++) {
        const struct mpyi_large_bin *bin = &cache->bins[b];
        assert_true(bin->lo <= bin->top && bin->top <= bin->hi);
        for (const struct mpyi_large_entry *entry = bin->lo; entry < bin->top; entry++) {
            bytes += entry->size;
            blocks++;
            assert_int_equal(mpyi_large_bin_floor(entry->size), b);
        }
    }
    assert_int_equal(blocks, mpyi_large_cache_blocks(cache));
    return bytes;
}

/* The validator's view, after one word of a cache with two blocks has been changed. */
static void
unsound_caches_are_told(void **state)
{
    (void)state;
    static struct mpyi_large_cache cache;
    struct mpyi_usage usage = {.limit = UINT64_MAX};
    static char block[2][4096];
    for (int damage = 0; damage <= 8; damage++) {
        memset(&cache, 0, sizeof cache);
        mpyi_large_cache_init(&cache, entries, 100000, &usage);
        assert_true(mpyi_large_cache_is_sound(&cache));
        assert_int_equal(mpyi_large_cache_push(&cache, block[0], 1024), 1);
        assert_int_equal(mpyi_large_cache_push(&cache, block[1], 2048), 1);
        assert_true(mpyi_large_cache_is_sound(&cache));
        unsigned b = mpyi_large_bin_floor(1024);
        struct mpyi_large_bin *bin = &cache.bins[b];
        switch (damage) {
        case 0:
            continue;
        case 1:
            cache.bytes++;
            break;
        case 2:
            cache.limit = 3071;
            break;
        case 3:
            bin->top = bin->lo - 1;
            break;
        case 4:
            bin->hi = bin->lo;
            break;
        case 5:
            bin->hi = bin->lo + mpyi_large_bin_depth(b) + 1;
            break;
        case 6:
            bin->lo->block = NULL;
            break;
        case 7:
            bin->lo->size = 2048;
            cache.bytes += 1024;
            break;
        default:
            bin->hi = NULL;
        }
        assert_false(mpyi_large_cache_is_sound(&cache));
    }
}

static void
the_cache_is_bounded_and_gives_what_fits(void **state)
{
    (void)state;
    static struct mpyi_large_cache cache;
    struct mpyi_usage usage = {.limit = UINT64_MAX};
    mpyi_large_cache_init(&cache, entries, 100000, &usage);
    uint64_t random = 11;
    for (int i = 0; i < 50000; i++) {
        size_t n = 513 + test_random(&random) % (i % 2 ? 60000 : 3000);
        size_t size = 0;
        void *p = mpyi_large_cache_pop(&cache, n, &size);
        if (p == NULL) {
            p = mpyi_sys_malloc(mpyi_large_good_size(n));
            size = mpyi_large_good_size(n);
        }
        assert_true(size >= n);
        memset(p, 1, n);
        if (test_random(&random) % 8 == 0 || !mpyi_large_cache_push(&cache, p, size)) {
            mpyi_sys_free(p);
        }
        assert_true(cache.bytes <= cache.limit);
    }
    assert_int_equal(cache_sum(&cache), cache.bytes);
    assert_true(mpyi_large_cache_blocks(&cache) > 0);
    assert_true(mpyi_large_cache_clear(&cache) > 0);
    assert_int_equal(mpyi_large_cache_blocks(&cache) + cache.bytes, 0);
}

/* OS pages of it that are in memory. */
static size_t
resident(void *p, size_t n)
{
    static unsigned char pages[MPYI_LARGE_ENTRY_BYTES / 4096 + 2];
    size_t page = mpyi_os_page_size();
    char *from = (char *)p - (uintptr_t)p % page;
    size_t bytes = (size_t)((char *)p + n - from);
    assert_int_equal(mincore(from, bytes, pages), 0);
    size_t count = 0;
    for (size_t i = 0; i < (bytes + page - 1) / page; i++) {
        count += pages[i] & 1;
    }
    return count;
}

static void
one_size_may_fill_the_cache(void **state)
{
    (void)state;
    static struct mpyi_large_cache cache;
    struct mpyi_usage usage = {.limit = UINT64_MAX};
    const size_t limit = (size_t)4 << 20;
    size_t depths = 0;
    for (unsigned b = 0; b < MPYI_LARGE_BINS; b++) {
        depths += mpyi_large_bin_depth(b);
        assert_true(mpyi_large_bin_shallow(b) <= mpyi_large_bin_depth(b));
    }
    assert_true(depths <= MPYI_LARGE_SLOTS);
    mpyi_large_cache_init(&cache, entries, limit, &usage);
    for (int i = 0; i < 5000; i++) { /* what is asked for in vain makes room */
        size_t none;
        assert_null(mpyi_large_cache_pop(&cache, 1024, &none));
    }
    for (int i = 0; i < 5000; i++) {
        void *p = mpyi_sys_malloc(1024);
        assert_non_null(p);
        assert_int_equal(mpyi_large_cache_push(&cache, p, 1024), 1);
        assert_true(cache.bytes <= limit);
        /* What is above goes in portions, so that no free takes long. */
        assert_true(i < 4096 || cache.bytes >= limit - 257 * 1024);
    }
    assert_int_equal(cache_sum(&cache), cache.bytes);
    size_t bytes = cache.bytes;
    size_t pages = resident(entries, sizeof entries);
    assert_int_equal(mpyi_large_cache_clear(&cache), bytes);
    assert_true(MPYI_TSAN || resident(entries, sizeof entries) + 10 < pages); /* purged, too */
    void *last = mpyi_sys_malloc(1024);
    size_t size;
    assert_int_equal(mpyi_large_cache_push(&cache, last, 1024), 1);
    assert_ptr_equal(mpyi_large_cache_pop(&cache, 1000, &size), last);
    mpyi_sys_free(last);
}

/* Each request in vain makes room for one block more, up to the bin's depth; a closed cache has
 * none.
 */
static void
bins_end_where_the_next_begins(void **state)
{
    (void)state;
    static struct mpyi_large_cache cache;
    struct mpyi_usage usage = {.limit = UINT64_MAX};
    mpyi_large_cache_init(&cache, entries, (size_t)64 << 20, &usage);
    for (unsigned b = 0; b < MPYI_LARGE_BINS; b += 8) {
        const struct mpyi_large_bin *bin = &cache.bins[b];
        for (size_t i = 0; i < mpyi_large_bin_depth(b) + 10; i++) {
            size_t none;
            assert_null(mpyi_large_cache_pop(&cache, mpyi_large_bin_size(b) + (b == 0), &none));
        }
        assert_true(bin->hi - bin->lo <= (ptrdiff_t)mpyi_large_bin_depth(b));
        assert_true(b == 0 || bin->hi - bin->lo == (ptrdiff_t)mpyi_large_bin_depth(b));
    }
    mpyi_large_cache_set_closed(&cache, 1);
    size_t word;
    assert_null(mpyi_large_cache_pop(&cache, 1000, &word));
    assert_int_equal(mpyi_large_cache_push(&cache, &word, 1024), 0);
    mpyi_large_cache_set_closed(&cache, 0);
    assert_int_equal(mpyi_large_cache_blocks(&cache), 0);
}

/* Blocks of others, which nobody here asks for, do not pile up. */
static void
blocks_nobody_asks_for_are_few(void **state)
{
    (void)state;
    static struct mpyi_large_cache cache;
    struct mpyi_usage usage = {.limit = UINT64_MAX};
    mpyi_large_cache_init(&cache, entries, (size_t)4 << 20, &usage);
    for (int i = 0; i < 1000; i++) {
        void *p = mpyi_sys_malloc(1024);
        assert_non_null(p);
        assert_int_equal(mpyi_large_cache_push(&cache, p, 1024), 1);
        assert_true(mpyi_large_cache_blocks(&cache) <= 128);
    }
    (void)mpyi_large_cache_clear(&cache);
}

static void
unfit_blocks_are_not_kept(void **state)
{
    (void)state;
    static struct mpyi_large_cache cache;
    struct mpyi_usage usage = {.limit = UINT64_MAX};
    int word;
    mpyi_large_cache_init(&cache, entries, 0, &usage);
    assert_int_equal(mpyi_large_cache_push(&cache, &word, 1000), 0); /* limit 0 */
    cache.limit = 1 << 20;
    assert_int_equal(mpyi_large_cache_push(&cache, &word, 0), 0);
    assert_int_equal(mpyi_large_cache_push(&cache, &word, 511), 0);
    assert_int_equal(mpyi_large_cache_push(&cache, &word, MPYI_LARGE_CACHED_MAX + 4097), 0);
    assert_int_equal(mpyi_large_cache_push(&cache, &word, SIZE_MAX), 0);
    size_t size;
    assert_null(mpyi_large_cache_pop(&cache, 1000, &size));
    assert_null(mpyi_large_cache_pop(&cache, SIZE_MAX, &size));
}

static void
freed_blocks_come_back(void **state)
{
    (void)state;
    test_need_open_magazines();
    void *p = mpy_mem_malloc(3000);
    mpy_mem_free(p);
    assert_ptr_equal(mpy_mem_malloc(2900), p);
    memset(p, 0xff, 3000);
    mpy_mem_free(p);
    void *q = mpy_mem_calloc(1, 3000);
    assert_ptr_equal(q, p);
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(((char *)q)[i], 0);
    }
    mpy_mem_free(q);
}

/* glibc maps the larger ones of these by themselves, at first. */
static void
blocks_of_up_to_a_mebibyte_come_back(void **state)
{
    (void)state;
    test_need_open_magazines();
    const size_t sizes[] = {65537, 70000, 131073, 300000, 524289, MPYI_LARGE_CACHED_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t n = sizes[i];
        assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
        void *p = mpy_mem_malloc(n);
        assert_non_null(p);
        memset(p, 1, n);
        mpy_mem_free(p);
        assert_ptr_equal(mpy_mem_malloc(n - 100), p);
        mpy_mem_free(p);
        mpy_mem_stats stats = {.size = sizeof stats}; /* sorts what the free has left */
        assert_int_equal(mpy_mem_stats_get(NULL, &stats), 0);
        assert_in_range(mpyi_heap_of(mpy_priv_tls.mem)->large.bytes, n,
                        n + (n >> MPYI_BACKEND_STEP_LOG) + 4096);
    }
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    void *p = mpy_mem_malloc(MPYI_LARGE_CACHED_MAX + 8192);
    assert_non_null(p);
    mpy_mem_free(p);
    assert_int_equal(mpyi_heap_of(mpy_priv_tls.mem)->large.bytes, 0);
}

/* Above 64 KiB the system may extend a block, or move its pages: nothing is copied to one that
   waits. */
static void
realloc_of_large_blocks_leaves_the_waiting_ones(void **state)
{
    (void)state;
    test_need_open_magazines();
    const struct mpyi_large_cache *cache = &mpyi_heap_of(mpy_priv_tls.mem)->large;
    void *waiting = mpy_mem_malloc(300000);
    char *p = mpy_mem_malloc(200000);
    assert_true(waiting != NULL && p != NULL);
    memset(p, 7, 200000);
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    mpy_mem_free(waiting);
    mpy_mem_stats stats = {.size = sizeof stats};
    assert_int_equal(mpy_mem_stats_get(NULL, &stats), 0);
    size_t bytes = cache->bytes;
    assert_true(bytes >= 300000);
    char *longer = mpy_mem_realloc(p, 300000);
    assert_non_null(longer);
    assert_true(longer[0] == 7 && longer[199999] == 7);
    assert_ptr_not_equal(longer, waiting);
    assert_int_equal(cache->bytes, bytes);
    mpy_mem_free(longer);
}

/* What realloc has grown is not kept where malloc has asked for nothing of the kind. */
static void
grown_blocks_go_back(void **state)
{
    (void)state;
    test_need_open_magazines();
    struct mpyi_large_cache *cache = &mpyi_heap_of(mpy_priv_tls.mem)->large;
    for (int i = 0; i < 20; i++) {
        mpyi_large_cache_halve(cache); /* takes back what other tests have made room for */
    }
    uint64_t used = mpy_mem_used();
    char *p = mpy_mem_malloc(1000);
    for (size_t n = 2000; n < 900000; n += n / 8) {
        char *longer = mpy_mem_realloc(p, n);
        assert_non_null(longer);
        p = longer;
    }
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    mpy_mem_free(p);
    mpy_mem_stats stats = {.size = sizeof stats};
    assert_int_equal(mpy_mem_stats_get(NULL, &stats), 0);
    assert_int_equal(cache->bytes, 0);
    assert_int_equal(mpy_mem_used(), used); /* to the byte, however often it was resized */
}

/* A block that waits in the next bin serves a request; one that waits further up does not. */
static void
the_next_bin_helps_out(void **state)
{
    (void)state;
    test_need_open_magazines();
    const size_t sizes[] = {1024, 8192, 32768};
    for (size_t i = 0; i < 3; i++) {
        size_t n = sizes[i];
        assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
        void *p = mpy_mem_malloc(n + (n >> MPYI_BACKEND_STEP_LOG));
        mpy_mem_free(p);
        void *q = mpy_mem_malloc(n);
        assert_ptr_equal(q, p);
        assert_true(mpy_mem_usable_size(q) > n);
        mpy_mem_free(q);
    }
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    mpy_mem_free(mpy_mem_malloc(1024 + 2 * MPYI_LARGE_NEIGHBOURS * 128));
    struct mpyi_heap *heap = mpyi_heap_of(mpy_priv_tls.mem);
    void *q = mpy_mem_malloc(1024);
    void *last = mpy_mem_malloc(MPYI_LARGE_CACHED_MAX);
    assert_int_equal(mpyi_large_cache_blocks(&heap->large), 1);
    mpy_mem_free(last);
    mpy_mem_free(q);
}

/* 48 MiB of one size, then of all, asked for twice: what waits is bounded, with any default. */
static void
what_waits_is_bounded(void **state)
{
    (void)state;
    test_need_open_magazines();
    enum { BLOCKS = 48 << 10 };
    static void *blocks[BLOCKS];
    struct mpyi_heap *heap = NULL;
    uint64_t random = 5;
    for (int round = 0; round < 4; round++) {
        size_t total = 0;
        size_t count = 0;
        while (count < BLOCKS && total < (size_t)48 << 20) {
            size_t n = round < 2 ? 1000 : 513 + test_random(&random) % 65000;
            blocks[count++] = mpy_mem_malloc(n);
            total += n;
        }
        heap = mpyi_heap_of(mpy_priv_tls.mem);
        for (size_t i = 0; i < count; i++) {
            mpy_mem_free(blocks[i]);
            assert_true(heap->large.bytes <= heap->large.limit);
        }
        /* One size has the bin's depth, all together the limit, short of what an eviction took. */
        size_t most = round < 2 ? MPYI_LARGE_BIN_BYTES : heap->large.limit;
        most = most < heap->large.limit ? most : heap->large.limit;
        assert_true(heap->large.bytes >= most / 2);
        assert_true(round >= 2 || heap->large.bytes <= most + most / 8);
    }
    assert_true(heap->large.limit <= (size_t)24 << 20);
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    assert_int_equal(heap->large.bytes, 0);
}

static void
closing_empties_the_cache(void **state)
{
    (void)state;
    test_need_open_magazines();
    mpy_mem_free(mpy_mem_malloc(3000));
    struct mpyi_heap *heap = mpyi_heap_of(mpy_priv_tls.mem);
    assert_true(mpyi_large_cache_blocks(&heap->large) > 0);
    mpyi_modes_set(MPYI_MODE_CHECK, 1);
    assert_int_equal(mpyi_large_cache_blocks(&heap->large), 0);
    mpy_mem_free(mpy_mem_malloc(3000));
    assert_int_equal(mpyi_large_cache_blocks(&heap->large), 0);
    mpyi_modes_set(MPYI_MODE_CHECK, 0);
}

static void
realloc_keeps_the_bytes(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (int round = 0; round < 300; round++) {
        size_t n = 513 + test_random(&random) % 100000;
        unsigned char *p = mpy_mem_malloc(n);
        size_t old = mpy_mem_usable_size(p);
        assert_true(old >= n);
        memset(p, round & 255, old);
        size_t next = 513 + test_random(&random) % 200000;
        p = mpy_mem_realloc(p, next);
        size_t kept = old < next ? old : next;
        assert_int_equal(p[0], round & 255);
        assert_int_equal(p[kept - 1], round & 255);
        assert_int_equal(p[kept / 2], round & 255);
        mpy_mem_free(p);
    }
}

/* Down to half of its size a block stays where it is; below, or above, it moves. */
static void
realloc_stays_where_it_can(void **state)
{
    (void)state;
    test_need_open_magazines();
    char *p = mpy_mem_malloc(8000);
    size_t size = mpy_mem_usable_size(p);
    assert_ptr_equal(mpy_mem_realloc(p, size), p);
    assert_ptr_equal(mpy_mem_realloc(p, size / 2), p);
    assert_int_equal(mpy_mem_usable_size(p), size);
    memset(p, 7, size);
    p = mpy_mem_realloc(p, 600);
    assert_true(mpy_mem_usable_size(p) < size / 2);
    p = mpy_mem_realloc(p, 20);
    assert_int_equal(p[0] + p[19], 14);
    p = mpy_mem_realloc(p, 600);
    assert_int_equal(p[0] + p[19], 14);
    assert_null(mpy_mem_realloc(p, SIZE_MAX));
    assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
    mpy_mem_free(p);
}

static void
the_process_limit_is_kept(void **state)
{
    (void)state;
    void *p = mpy_mem_malloc(1000);
    mpy_mem_stats stats = {.size = sizeof stats};
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    assert_int_equal(mpy_mem_stats_get(NULL, &stats), 0);
    assert_true(stats.large_bytes >= 1000);
    mpy_mem_set_limit(mpy_mem_used() + 200000);
    void *q = mpy_mem_malloc(150000);
    assert_non_null(q);
    assert_null(mpy_mem_malloc(150000));
    assert_null(mpy_mem_realloc(q, 450000));
    assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
    mpy_mem_free(q);
    q = mpy_mem_malloc(150000);
    assert_non_null(q);
    mpy_mem_set_limit(0);
    mpy_mem_free(q);
    mpy_mem_free(p);
}

/* What is counted in advance, and what goes back, stays within bounds, whoever empties the cache.
 */
static void
credit_is_bounded(void **state)
{
    (void)state;
    static void *blocks[400];
    void *p = mpy_mem_malloc(1000);
    struct mpyi_large_cache *cache = &mpyi_heap_of(mpy_priv_tls.mem)->large;
    size_t limit = cache->limit;
    uint64_t before = mpy_mem_used();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 400; i++) {
            blocks[i] = mpy_mem_malloc(20000);
            assert_true(cache->credit <= 131072);
        }
        for (int i = 0; i < 400; i++) {
            mpy_mem_free(blocks[i]);
            assert_true(cache->credit <= 131072);
        }
        if (round == 0) {
            mpyi_large_cache_halve(cache);
        } else if (round == 1) {
            mpyi_large_cache_set_limit(cache, 100000);
        } else {
            (void)mpyi_large_cache_clear(cache);
        }
        assert_true(cache->credit <= 131072);
    }
    mpyi_large_cache_set_limit(cache, limit);
    mpy_mem_free(p);
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    assert_true(mpy_mem_used() < before);
    assert_int_equal(cache->credit, 0);
}

/* An aligned block among the newest that wait is found; below many others none is looked for, since
   each request would look at all of them. */
static void
aligned_blocks_are_not_searched_for_long(void **state)
{
    (void)state;
    test_need_open_magazines();
    static char *blocks[1000];
    for (size_t above = 100; above <= 900; above += 800) {
        assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
        for (size_t i = 0; i < 1000; i++) {
            blocks[i] = mpy_mem_malloc(1024); /* each makes room for one more */
        }
        char *aligned = mpy_mem_aligned_alloc(4096, 1024);
        int same_bin = mpy_mem_usable_size(aligned) < 1152; /* jemalloc gives a page */
        mpy_mem_free(aligned);
        for (size_t i = 0, n = 0; i < 1000; i++) {
            if ((uintptr_t)blocks[i] % 4096 != 0 && n < above) {
                mpy_mem_free(blocks[i]);
                blocks[i] = NULL;
                n++;
            }
        }
        char *again = mpy_mem_aligned_alloc(4096, 1024);
        assert_int_equal((uintptr_t)again % 4096, 0);
        assert_int_equal(again == aligned, same_bin && above == 100);
        mpy_mem_free(again);
        for (size_t i = 0; i < 1000; i++) {
            mpy_mem_free(blocks[i]);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bins_cover_every_size),
        cmocka_unit_test(the_cache_is_bounded_and_gives_what_fits),
        cmocka_unit_test(one_size_may_fill_the_cache),
        cmocka_unit_test(bins_end_where_the_next_begins),
        cmocka_unit_test(blocks_nobody_asks_for_are_few),
        cmocka_unit_test(unfit_blocks_are_not_kept),
        cmocka_unit_test(freed_blocks_come_back),
        cmocka_unit_test(blocks_of_up_to_a_mebibyte_come_back),
        cmocka_unit_test(realloc_of_large_blocks_leaves_the_waiting_ones),
        cmocka_unit_test(grown_blocks_go_back),
        cmocka_unit_test(the_next_bin_helps_out),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(closing_empties_the_cache),
        cmocka_unit_test(realloc_keeps_the_bytes),
        cmocka_unit_test(realloc_stays_where_it_can),
        cmocka_unit_test(the_process_limit_is_kept),
        cmocka_unit_test(credit_is_bounded),
        cmocka_unit_test(aligned_blocks_are_not_searched_for_long),
        cmocka_unit_test(unsound_caches_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
