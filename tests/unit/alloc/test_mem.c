/* SPDX-License-Identifier: MIT */
/*
 * test_mem.c - the mem domain: every size, alignment, realloc, wrong frees, map mode, small limits.
 */
#include "alloc_test.h"

#include "base/options.h"

#include <pthread.h>

static size_t wrong_size; /* of the block that a child frees wrongly */

static void
every_small_size(void **state)
{
    (void)state;
    unsigned char *blocks[600];
    for (size_t n = 0; n < 600; n++) {
        unsigned char *p = mpy_mem_malloc(n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % (n >= 16 ? 16 : 8), 0);
        size_t usable = mpy_mem_usable_size(p);
        assert_true(usable >= n && usable > 0);
        if (!MPYI_BYPASS && n >= 1 && n <= MPY_SMALL_MAX) {
            assert_int_equal(usable, mpyi_class_size(mpy_priv_mem_class(n)));
        }
        memset(p, (int)n & 255, usable);
        blocks[n] = p;
    }
    for (size_t n = 0; n < 600; n++) {
        size_t usable = mpy_mem_usable_size(blocks[n]);
        for (size_t i = 0; i < usable; i++) {
            assert_int_equal(blocks[n][i], n & 255);
        }
        if (n % 2) {
            mpy_mem_free(blocks[n]);
        } else {
            mpy_mem_free_sized(blocks[n], n);
        }
    }
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

static void
inlined_constants_meet_the_functions(void **state)
{
    (void)state;
    void *p = mpy_mem_malloc(48);
    mpy_mem_free(p);
    p = mpy_priv_mem_malloc(48);
    mpy_mem_free_sized(p, 48);
    p = mpy_mem_malloc(700);
    mpy_mem_free_sized(p, 700);
    p = mpy_mem_malloc(8);
    mpy_priv_mem_free_sized(p, 8);
    p = mpy_mem_malloc(0); /* has no class of its own: not for the inlined part */
    assert_non_null(p);
    mpy_mem_free_sized(p, 0);
    mpy_mem_free_sized(NULL, 0);
    mpy_mem_free_sized(NULL, 16);
    mpy_mem_free_sized(NULL, 1600);
    mpy_mem_free(NULL);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

/* Both inlined, a malloc and a free stay with one block, and never come to a slow path. */
static void
a_sized_free_is_the_next_malloc(void **state)
{
    (void)state;
    test_need_open_magazines();
    test_need_ordered_blocks();
    void *last[2] = {NULL, NULL};
    for (unsigned i = 0; i < 300; i++) {
        void *p = mpy_mem_malloc(64);
        assert_true(i < 64 || p == last[0]);
        mpy_mem_free_sized(p, 64);
        last[0] = p;
        p = mpy_mem_malloc(512);
        assert_true(i < 64 || p == last[1]);
        mpy_mem_free_sized(p, 512);
        last[1] = p;
    }
}

static void
calloc_is_zero_after_dirt(void **state)
{
    (void)state;
    for (size_t n = 1; n < 3000; n += 37) {
        void *p = mpy_mem_malloc(n);
        memset(p, 0xee, n);
        mpy_mem_free(p);
        unsigned char *q = mpy_mem_calloc(n, 1);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(q[i], 0);
        }
        mpy_mem_free(q);
    }
}

static void
sizes_at_the_edge(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,
                                   1,
                                   PTRDIFF_MAX - 1,
                                   PTRDIFF_MAX,
                                   (size_t)PTRDIFF_MAX + 1,
                                   SIZE_MAX - 15,
                                   SIZE_MAX - 1,
                                   SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        volatile size_t n = sizes[i];
        void *keep = mpy_mem_malloc(100);
        void *big = mpy_mem_malloc(10000);
        mpyi_status_set(MPY_OK);
        void *results[] = {
            mpy_mem_malloc(n),
            mpy_mem_calloc(n, 1),
            mpy_mem_calloc(1, n),
            mpy_mem_calloc(n, n > 1 ? 2 : n),
            mpy_mem_realloc(NULL, n),
            mpy_mem_aligned_alloc(8, n),
            mpy_mem_aligned_alloc(64, n),
            mpy_mem_aligned_alloc(8192, n),
        };
        for (size_t j = 0; j < sizeof results / sizeof results[0]; j++) {
            assert_true((results[j] != NULL) == (n <= 1));
            mpy_mem_free(results[j]);
        }
        if (n > 1) {
            assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
            assert_null(mpy_mem_realloc(keep, n));
            assert_null(mpy_mem_realloc(big, n));
            assert_null(mpy_mem_calloc(SIZE_MAX, n));
        }
        mpy_mem_free(keep);
        mpy_mem_free(big);
    }
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

static void
every_alignment(void **state)
{
    (void)state;
    for (size_t alignment = 1; alignment <= 65536; alignment *= 2) {
        for (size_t n = 0; n < 2000; n = n * 2 + 1) {
            char *p = mpy_mem_aligned_alloc(alignment, n);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % alignment, 0);
            assert_true(mpy_mem_usable_size(p) >= n);
            memset(p, 1, n);
            mpy_mem_free(p);
        }
    }
    static const size_t bad[] = {0, 3, 24, SIZE_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(mpy_mem_aligned_alloc(bad[i], 8));
        assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    }
    assert_null(mpy_mem_aligned_alloc((size_t)1 << 63, 8));
    assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
}

/* Between all pairs of sizes, keeping everything up to the usable size. */
static void
realloc_keeps_the_usable_bytes(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,   1,   8,   9,   16,  17,   40,   100,
                                   496, 511, 512, 513, 600, 1000, 70000};
    enum { N = sizeof sizes / sizeof sizes[0] };
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++) {
            unsigned char *p = mpy_mem_malloc(sizes[i]);
            size_t old = mpy_mem_usable_size(p);
            for (size_t k = 0; k < old; k++) {
                p[k] = (unsigned char)(k * 7 + i);
            }
            p = mpy_mem_realloc(p, sizes[j]);
            assert_non_null(p);
            size_t kept = old < sizes[j] ? old : sizes[j];
            for (size_t k = 0; k < kept; k++) {
                assert_int_equal(p[k], (unsigned char)(k * 7 + i));
            }
            assert_true(mpy_mem_usable_size(p) >= sizes[j]);
            mpy_mem_free(p);
        }
    }
}

/* The last requested size finds the class again, wherever the block came from. */
static void
sized_frees_after_realloc(void **state)
{
    (void)state;
    for (size_t from = 1; from <= 600; from += 7) {
        for (size_t to = 0; to <= 600; to += 11) {
            void *p = mpy_mem_realloc(mpy_mem_malloc(from), to);
            mpy_mem_free_sized(p, to);
        }
    }
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

static void
free_with_a_wrong_size(void)
{
    mpyi_modes_set(MPYI_MODE_CHECK, 1);
    void *p = mpy_mem_malloc(wrong_size);
    mpy_mem_free_sized(p, wrong_size + 100);
}

static void
wrong_sizes_are_named(void **state)
{
    (void)state;
    if (MPYI_BYPASS) {
        return; /* this build has nothing of the kind */
    }
    static const size_t sizes[] = {1, 8, 40, 412, 413, 500};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        wrong_size = sizes[i];
        test_dies(free_with_a_wrong_size);
    }
}

static void
strndup_stops_at_nul_and_n(void **state)
{
    (void)state;
    char *p = mpy_mem_strndup("hello", 100);
    assert_string_equal(p, "hello");
    mpy_mem_free(p);
    p = mpy_mem_strndup("hello", 3);
    assert_string_equal(p, "hel");
    mpy_mem_free(p);
    p = mpy_mem_strndup("", 0);
    assert_string_equal(p, "");
    mpy_mem_free(p);
    const char unterminated[2] = {'a', 'b'};
    p = mpy_mem_strndup(unterminated, 2);
    assert_string_equal(p, "ab");
    mpy_mem_free(p);
}

/* ---- wrong frees, in closed mode ----------------------------------------------------------------
 */

static int wrong_kind;

static void
free_wrongly(void)
{
    mpyi_modes_set(MPYI_MODE_CHECK, 1);
    char *p = mpy_mem_malloc(wrong_size);
    char *keep = mpy_mem_malloc(wrong_size);
    switch (wrong_kind) {
    case 0:
        mpy_mem_free(p);
        mpy_mem_free(p);
        break;
    case 1:
        mpy_mem_free(p + 1);
        break;
    case 2:
        mpy_mem_free(p + 4);
        break;
    default: { /* two blocks on, or three where blocks are handed out in random order */
        char *other = p + mpy_mem_usable_size(p) * 2;
        mpy_mem_free(other != keep ? other : other + mpy_mem_usable_size(p));
        break;
    }
    }
}

static void
wrong_frees_are_named_in_every_class(void **state)
{
    (void)state;
    if (MPYI_BYPASS) {
        return; /* this build has nothing of the kind */
    }
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c += c < 4 ? 1 : 12) {
        for (wrong_kind = 0; wrong_kind < 4; wrong_kind++) {
            wrong_size = 8 * c;
            test_dies(free_wrongly);
        }
    }
}

static void
free_in_an_empty_pool(void)
{
    void *p = mpy_mem_malloc(64);
    mpy_mem_free(p);
    if (mpy_mem_trim(NULL, 0, NULL) < 0) {
        _exit(1);
    }
    mpy_mem_free(p);
}

static void
a_free_into_an_empty_pool_is_named_always(void **state)
{
    (void)state;
    if (!MPYI_BYPASS) {
        test_dies(free_in_an_empty_pool);
    }
}

/* ---- other ways of finding memory
 * ---------------------------------------------------------------- */

static void
exercise(void)
{
    enum { N = 4000 };
    static unsigned char *blocks[N];
    uint64_t random = 5;
    for (int round = 0; round < 20000; round++) {
        size_t i = test_random(&random) % N;
        if (blocks[i] != NULL) {
            CHILD_CHECK(blocks[i][0] == (i & 255));
            mpy_mem_free(blocks[i]);
        }
        size_t n = 1 + test_random(&random) % 800;
        blocks[i] = mpy_mem_malloc(n);
        CHILD_CHECK(blocks[i] != NULL);
        memset(blocks[i], (int)(i & 255), n);
        if (round % 7 == 0) {
            blocks[i] = mpy_mem_realloc(blocks[i], n * 2);
            CHILD_CHECK(blocks[i] != NULL);
        }
    }
    CHILD_CHECK(mpy_debug_check_heap(NULL) == 0);
    for (size_t i = 0; i < N; i++) {
        mpy_mem_free(blocks[i]);
        blocks[i] = NULL;
    }
    CHILD_CHECK(mpy_mem_trim(NULL, 0, NULL) == 0);
    CHILD_CHECK(mpy_debug_check_heap(NULL) == 0);
}

static void *
exercise_thread(void *data)
{
    (void)data;
    void *p = mpy_mem_malloc(64);
    void *q = mpy_mem_malloc(6400);
    mpy_mem_free(q);
    return p;
}

static void
in_huge_pages(void)
{
    CHILD_CHECK(setenv("MINIPY_HUGE_PAGES", "1", 1) == 0);
    exercise();
    CHILD_CHECK(mpyi_mem_space.huge);
    struct mpyi_rtheap *heap = mpyi_rtheap_new(NULL);
    CHILD_CHECK(heap != NULL && heap->obj_space.huge && heap->gc_space.huge);
    mpyi_rtheap_free(heap);
    CHILD_CHECK(mpy_debug_check_heap(NULL) == 0);
}

static void
in_map_mode(void)
{
    CHILD_CHECK(setenv("MINIPY_NO_RESERVE", "1", 1) == 0);
    exercise();
    CHILD_CHECK(mpyi_mem_space.map != NULL && mpyi_mem_space.span == 0);
    pthread_t thread;
    void *p;
    CHILD_CHECK(pthread_create(&thread, NULL, exercise_thread, NULL) == 0);
    CHILD_CHECK(pthread_join(thread, &p) == 0);
    mpy_mem_free(p);
    mpy_block_info info = {.size = sizeof info};
    p = mpy_mem_malloc(64);
    CHILD_CHECK(MPYI_BYPASS || mpy_mem_block_info(p, &info) == 1);
    CHILD_CHECK(MPYI_BYPASS || info.block == p);
    mpy_mem_free(p);
    CHILD_CHECK(mpy_debug_check_heap(NULL) == 0);
}

static void
under_a_small_limit(void)
{
    const struct rlimit limit = {(rlim_t)1 << 28, (rlim_t)1 << 28};
    CHILD_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    exercise();
    CHILD_CHECK(mpyi_mem_space.span < (size_t)1 << 28);
    /* All there is, and back. */
    void **chain = NULL;
    size_t count = 0;
    void **p;
    while ((p = mpy_mem_malloc(512)) != NULL) {
        *p = chain;
        chain = p;
        count++;
    }
    CHILD_CHECK(mpy_status_last() == MPY_E_NOMEM);
    CHILD_CHECK(count > 100000);
    while (chain != NULL) {
        p = *chain;
        mpy_mem_free(chain);
        chain = p;
    }
    CHILD_CHECK(mpy_debug_check_heap(NULL) == 0);
    CHILD_CHECK(mpy_mem_malloc(512) != NULL);
}

static void
no_memory_for_the_first_heap(void)
{
    mpyi_os_fail_after(3);
    void *p = NULL;
    for (int i = 0; i < 3 && p == NULL; i++) {
        p = mpy_mem_malloc(64);
    }
    CHILD_CHECK(MPYI_BYPASS || p == NULL);
    CHILD_CHECK(MPYI_BYPASS || mpy_status_last() == MPY_E_NOMEM);
    mpy_mem_free(p);
    mpyi_os_fail_after(0);
}

static void
with_closed_magazines(void)
{
    CHILD_CHECK(setenv("MINIPY_CLOSED", "1", 1) == 0);
    exercise();
    CHILD_CHECK(mpyi_heap_of(mpy_priv_tls.mem)->closed);
    CHILD_CHECK(mpyi_heap_cached_blocks(mpyi_heap_of(mpy_priv_tls.mem)) == 0);
}

/* First: the children must not inherit a started mem domain. */
static void
other_ways_of_finding_memory(void **state)
{
    (void)state;
    assert_null(mpyi_mem_space.reservation);
    test_child_succeeds(in_map_mode);
    test_child_succeeds(in_huge_pages);
    test_child_succeeds(with_closed_magazines);
    test_child_succeeds(no_memory_for_the_first_heap);
    if (!MPYI_ASAN && !MPYI_TSAN) {
        test_child_succeeds(under_a_small_limit);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_ways_of_finding_memory),
        cmocka_unit_test(every_small_size),
        cmocka_unit_test(inlined_constants_meet_the_functions),
        cmocka_unit_test(a_sized_free_is_the_next_malloc),
        cmocka_unit_test(calloc_is_zero_after_dirt),
        cmocka_unit_test(sizes_at_the_edge),
        cmocka_unit_test(every_alignment),
        cmocka_unit_test(realloc_keeps_the_usable_bytes),
        cmocka_unit_test(sized_frees_after_realloc),
        cmocka_unit_test(wrong_sizes_are_named),
        cmocka_unit_test(strndup_stops_at_nul_and_n),
        cmocka_unit_test(wrong_frees_are_named_in_every_class),
        cmocka_unit_test(a_free_into_an_empty_pool_is_named_always),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
