/* SPDX-License-Identifier: MIT */
/*
 * test_regionblock.c - blocks of a region: sizes, realloc, wrong frees, failures on demand, limits.
 */
#include "alloc_test.h"

#include "alloc/region.h"

static mpy_region *region;
static mpy_region *second;
static int wrong_kind;
static int wrong_closed;

static int
open_region(void **state)
{
    (void)state;
    region = mpy_region_new(NULL);
    return region != NULL ? 0 : -1;
}

static int
close_region(void **state)
{
    (void)state;
    int result = mpy_region_check(region);
    mpy_region_destroy(region);
    return result;
}

static void
every_size(void **state)
{
    (void)state;
    unsigned char *blocks[700];
    for (int round = 0; round < 2; round++) {
        for (size_t n = 0; n < 700; n++) {
            unsigned char *p = mpy_region_malloc(region, n);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % (n >= 16 ? 16 : 8), 0);
            size_t usable = mpy_region_usable_size(region, p);
            assert_true(usable >= n && usable > 0);
            memset(p, (int)n & 255, usable);
            blocks[n] = p;
        }
        for (size_t n = 0; n < 700; n++) {
            size_t usable = mpy_region_usable_size(region, blocks[n]);
            for (size_t i = 0; i < usable; i++) {
                assert_int_equal(blocks[n][i], n & 255);
            }
            if (n % 2) {
                mpy_region_free(region, blocks[n]);
            } else {
                mpy_region_free_sized(region, blocks[n], n);
            }
        }
        assert_int_equal(mpy_region_check(region), 0);
    }
}

static void
calloc_is_zero(void **state)
{
    (void)state;
    for (size_t n = 1; n < 3000; n += 41) {
        void *dirty = mpy_region_malloc(region, n);
        memset(dirty, 0xee, n);
        mpy_region_free(region, dirty);
        unsigned char *p = mpy_region_calloc(region, n, 1);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(p[i], 0);
        }
        mpy_region_free(region, p);
    }
    assert_non_null(mpy_region_calloc(region, 0, 0));
}

static void
realloc_between_all_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 8, 9, 16, 17, 100, 511, 512, 513, 1000, 5000, 70000};
    enum { N = sizeof sizes / sizeof sizes[0] };
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++) {
            unsigned char *p = mpy_region_realloc(region, NULL, sizes[i]);
            size_t old = mpy_region_usable_size(region, p);
            for (size_t k = 0; k < old; k++) {
                p[k] = (unsigned char)(k * 7 + i);
            }
            p = mpy_region_realloc(region, p, sizes[j]);
            assert_non_null(p);
            size_t kept = old < sizes[j] ? old : sizes[j];
            for (size_t k = 0; k < kept; k++) {
                assert_int_equal(p[k], (unsigned char)(k * 7 + i));
            }
            mpy_region_free_sized(region, p, sizes[j]);
        }
    }
}

static void
sizes_at_the_edge(void **state)
{
    (void)state;
    static const size_t sizes[] = {PTRDIFF_MAX - 40, PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1,
                                   SIZE_MAX - 31, SIZE_MAX};
    void *small = mpy_region_malloc(region, 30);
    void *big = mpy_region_malloc(region, 3000);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        volatile size_t n = sizes[i];
        mpyi_status_set(MPY_OK);
        assert_null(mpy_region_malloc(region, n));
        assert_null(mpy_region_calloc(region, n, 1));
        assert_null(mpy_region_calloc(region, n, 3));
        assert_null(mpy_region_realloc(region, small, n));
        assert_null(mpy_region_realloc(region, big, n));
        assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
    }
    mpy_region_free(region, small);
    mpy_region_free(region, big);
}

static void
without_a_region(void **state)
{
    (void)state;
    char byte;
    mpyi_status_set(MPY_OK);
    assert_null(mpy_region_malloc(NULL, 8));
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    assert_null(mpy_region_malloc(NULL, 8000));
    assert_null(mpy_region_calloc(NULL, 1, 8));
    assert_null(mpy_region_realloc(NULL, NULL, 8));
    assert_null(mpy_region_realloc(NULL, &byte, 8));
    assert_int_equal(mpy_region_usable_size(NULL, &byte), 0);
    mpy_region_free(NULL, &byte);
    mpy_region_free(NULL, NULL);
    mpy_region_free_sized(NULL, &byte, 1);
    mpy_region_free(region, NULL);
    mpy_region_free_sized(region, NULL, 10);
    assert_int_equal(mpy_region_usable_size(region, NULL), 0);
}

/* ---- wrong frees ------------------------------------------------------------------------------
 */

static void
trim(void)
{
    CHILD_CHECK(mpy_mem_trim(NULL, 0, NULL) == 0);
}

/* mem's block, by its size, and then more frees than a magazine has room for. */
static void
free_sized_wrongly(void)
{
    void *blocks[300];
    for (int i = 0; i < 300; i++) {
        blocks[i] = mpy_region_malloc(region, 64);
    }
    mpy_region_free_sized(region, mpy_mem_malloc(64), 64);
    for (int i = 0; i < 300; i++) {
        mpy_region_free(region, blocks[i]);
    }
}

static void
free_wrongly(void)
{
    if (wrong_closed) {
        mpyi_modes_set(MPYI_MODE_CHECK, 1);
    }
    char *p = mpy_region_malloc(region, 64);
    switch (wrong_kind) {
    case 0: /* mem's block */
        mpy_region_free(region, mpy_mem_malloc(64));
        break;
    case 1: /* another region's */
        mpy_region_free(region, mpy_region_malloc(second, 64));
        break;
    case 2: /* another region's large block */
        mpy_region_free(region, mpy_region_malloc(second, 6400));
        break;
    case 3: /* wrong size, of a block that is not in a magazine's way */
        mpy_region_free_sized(region, p, 6400);
        break;
    case 4:
        mpy_mem_free(p);
        trim(); /* at the latest */
        break;
    case 5:
        mpy_mem_free_sized(p, 64);
        trim();
        break;
    case 6: { /* destroyed under its blocks */
        void *gone = mpy_region_malloc(second, 64);
        mpy_region_destroy(second);
        mpy_region_free(region, gone);
        break;
    }
    case 7: /* seen when the magazine runs over */
        free_sized_wrongly();
        break;
    /* from here on only closed magazines see it */
    case 8:
        mpy_region_free(region, p);
        mpy_region_free(region, p);
        break;
    case 9:
        mpy_region_free(region, p + 16);
        break;
    default:
        mpy_region_free_sized(region, p, 65);
        break;
    }
}

static void
wrong_frees_are_named(void **state)
{
    (void)state;
    if (MPYI_BYPASS) {
        return; /* this build has no pools; its tools see it */
    }
    second = mpy_region_new(NULL);
    for (wrong_closed = 0; wrong_closed < 2; wrong_closed++) {
        for (wrong_kind = 0; wrong_kind < (wrong_closed ? 11 : 8); wrong_kind++) {
            test_dies(free_wrongly);
        }
    }
    mpy_region_destroy(second);
}

/* ---- tracing ---------------------------------------------------------------------------------
 */

static struct {
    int event;
    void *block;
    size_t n;
} events[4];
static size_t event_count;

static void
note(int event, int kind, void *block, size_t n)
{
    if (kind == MPY_KIND_REGION && event_count < 4) {
        events[event_count].event = event;
        events[event_count].block = block;
        events[event_count++].n = n;
    }
}

static void
a_large_block_that_moves_is_traced(void **state)
{
    (void)state;
    mpyi_modes_set(MPYI_MODE_TRACE, 1);
    MPYI_HOOK_SET(trace, note);
    event_count = 0;
    void *p = mpy_region_malloc(region, 4000);
    void *q = mpy_region_realloc(region, p, 400000);
    assert_non_null(q);
    assert_null(mpy_region_realloc(region, q, PTRDIFF_MAX)); /* nothing to tell */
    mpy_region_free(region, q);
    MPYI_HOOK_SET(trace, NULL);
    mpyi_modes_set(MPYI_MODE_TRACE, 0);
    assert_int_equal(event_count, 4);
    assert_int_equal(events[1].event, MPYI_TRACE_FREE);
    assert_ptr_equal(events[1].block, events[0].block);
    assert_int_equal(events[2].event, MPYI_TRACE_ALLOC);
    assert_ptr_equal(events[2].block, q);
    assert_int_equal(events[2].n, 400000);
    assert_int_equal(events[3].event, MPYI_TRACE_FREE);
    assert_ptr_equal(events[3].block, q);
}

/* ---- failures ---------------------------------------------------------------------------------
 */

static void
failures_on_demand(void **state)
{
    (void)state;
    char *small = mpy_region_malloc(region, 20);
    char *big = mpy_region_malloc(region, 2000);
    memset(small, 1, 20);
    memset(big, 2, 2000);
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_AFTER, 1), 0);
    assert_null(mpy_region_new(NULL));
    if (mpy_region_malloc(region, 0) == NULL) { /* follows the mode at the latest here */
        assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
    }
    mpyi_status_set(MPY_OK);
    assert_null(mpy_region_malloc(region, 20));
    assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
    assert_null(mpy_region_malloc(region, 2000));
    assert_null(mpy_region_calloc(region, 20, 1));
    assert_null(mpy_region_calloc(region, 2000, 1));
    assert_null(mpy_region_realloc(region, small, 200));
    assert_null(mpy_region_realloc(region, big, 20000));
    assert_null(mpy_region_realloc(region, big, 20));
    uint64_t failed;
    assert_true(mpy_debug_fail_count(NULL, &failed) >= 8);
    assert_true(failed >= 8);
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0), 0);
    assert_int_equal(small[19], 1);
    assert_int_equal(big[1999], 2);
    assert_non_null(mpy_region_malloc(region, 20));
}

static void
the_system_refuses(void **state)
{
    (void)state;
    if (MPYI_BYPASS) {
        return; /* asks malloc only */
    }
    size_t count = 0;
    mpyi_os_fail_after(1);
    while (mpy_region_malloc(region, 512) != NULL) {
        count++;
    }
    assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
    mpyi_os_fail_after(0);
    assert_non_null(mpy_region_malloc(region, 512));
    assert_true(count < 100000);
    assert_int_equal(mpy_region_check(region), 0);
}

static void
the_limit_of_the_process(void **state)
{
    (void)state;
    mpy_mem_set_limit(mpy_mem_used() + 400000);
    size_t small = 0, big = 0;
    while (mpy_region_malloc(region, 100) != NULL) {
        small++;
    }
    assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
    assert_in_range(small, 2000, 4000);
    assert_null(mpy_region_malloc(region, 10000));
    mpy_region_clear(region);
    while (mpy_region_malloc(region, 10000) != NULL) {
        big++;
    }
    assert_in_range(big, 20, 45);
    assert_true(mpy_mem_used() <= mpy_mem_get_limit());
    mpy_mem_set_limit(0);
    assert_non_null(mpy_region_malloc(region, 10000));
}

static int
frees_all_of_it(void *data, const mpy_pressure *pressure)
{
    (void)pressure;
    void **blocks = data;
    int freed = 0;
    for (; *blocks != NULL; blocks++) {
        mpy_region_free(region, *blocks);
        *blocks = NULL;
        freed = 1;
    }
    return freed;
}

/* Pools that wait in the region itself make room for its large blocks, also those whose blocks the
   pressure callback frees. */
static void
what_it_keeps_counts_for_nothing(void **state)
{
    (void)state;
    enum { BLOCKS = 1000 };
    static void *blocks[BLOCKS + 1];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            blocks[i] = mpy_region_malloc(region, 128);
        }
        if (round < 2) {
            mpy_region_clear(region);
            blocks[0] = NULL;
        }
        assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
        assert_int_equal(mpy_mem_on_pressure(NULL, 0, frees_all_of_it, blocks), 0);
        mpy_mem_set_limit(mpy_mem_used());
        void *p =
            round == 1 ? mpy_region_calloc(region, 3, 20000) : mpy_region_malloc(region, 50000);
        assert_non_null(p);
        p = mpy_region_realloc(region, p, 100000);
        assert_non_null(p);
        assert_int_equal(mpy_region_check(region), 0);
        mpy_region_free(region, p);
        mpy_mem_set_limit(0);
    }
    assert_int_equal(mpy_mem_on_pressure(NULL, 0, NULL, NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_size, open_region, close_region),
        cmocka_unit_test_setup_teardown(calloc_is_zero, open_region, close_region),
        cmocka_unit_test_setup_teardown(realloc_between_all_sizes, open_region, close_region),
        cmocka_unit_test_setup_teardown(sizes_at_the_edge, open_region, close_region),
        cmocka_unit_test_setup_teardown(without_a_region, open_region, close_region),
        cmocka_unit_test_setup_teardown(wrong_frees_are_named, open_region, close_region),
        cmocka_unit_test_setup_teardown(a_large_block_that_moves_is_traced, open_region,
                                        close_region),
        cmocka_unit_test_setup_teardown(failures_on_demand, open_region, close_region),
        cmocka_unit_test_setup_teardown(the_system_refuses, open_region, close_region),
        cmocka_unit_test_setup_teardown(the_limit_of_the_process, open_region, close_region),
        cmocka_unit_test_setup_teardown(what_it_keeps_counts_for_nothing, open_region,
                                        close_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
