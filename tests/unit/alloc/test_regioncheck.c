/* SPDX-License-Identifier: MIT */
/*
 * test_regioncheck.c - checked mode in regions: right programs are left alone, records come and go
 * with the blocks, and what is damaged is found when the blocks end.
 */
#include "alloc_test.h"

#include "alloc/checked.h"
#include "alloc/region.h"

#include "minipy/memstat.h"

static mpy_region *region;
static struct mpyi_rtheap *runtime;

static struct mpyi_rtheap *
the_heap(mpy_runtime *rt)
{
    return (void *)rt == (void *)runtime ? runtime : NULL;
}

static int
open_all(void **state)
{
    (void)state;
    runtime = mpyi_rtheap_new(NULL);
    MPYI_HOOK_SET(runtime_heap, the_heap);
    mpyi_rtheap_enter(runtime);
    region = mpy_region_new(NULL);
    return runtime != NULL && region != NULL ? mpy_debug_set_checks(NULL, MPY_CHECK_ALL) : -1;
}

static int
close_all(void **state)
{
    (void)state;
    mpy_region_destroy(region);
    mpyi_rtheap_free(runtime);
    return mpy_debug_set_checks(NULL, 0);
}

static mpy_region *
of_the_runtime(void)
{
    return mpy_region_new((mpy_runtime *)(void *)runtime);
}

/* ---- right programs ---------------------------------------------------------------------------
 */

static void
use(mpy_region *r)
{
    for (size_t n = 0; n < 1500; n += n < 600 ? 7 : 300) {
        char *p = mpy_region_malloc(r, n);
        char *zeroed = mpy_region_calloc(r, n, 1);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_int_equal(mpy_region_usable_size(r, p), n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(zeroed[i], 0);
        }
        memset(p, 'x', n);
        p = mpy_region_realloc(r, p, n + 700);
        assert_true(n == 0 || (p[0] == 'x' && p[n - 1] == 'x'));
        p = mpy_region_realloc(r, p, n);
        assert_true(n == 0 || (p[0] == 'x' && p[n - 1] == 'x'));
        mpy_region_free_sized(r, p, n);
        if (n % 2) {
            mpy_region_free(r, zeroed);
        }
    }
    assert_int_equal(mpy_region_check(r), 0);
}

static void
right_programs_are_left_alone(void **state)
{
    (void)state;
    mpy_region *other = of_the_runtime();
    for (int round = 0; round < 3; round++) {
        use(region);
        use(other);
        assert_true(region->marks.count > 0 && other->marks.count > 0);
        mpy_region_clear(region);
        assert_int_equal(region->marks.count, 0);
    }
    mpy_region_destroy(other);
    assert_int_equal(mpy_region_check(region), 0);
}

static void
freed_blocks_wait(void **state)
{
    (void)state;
    ptrdiff_t before = mpy_mem_allocated_blocks(NULL);
    void *p = mpy_region_malloc(region, 100);
    mpy_region_free(region, p);
    for (int i = 0; i < 20; i++) {
        void *q = mpy_region_malloc(region, 100);
        assert_ptr_not_equal(p, q);
        mpy_region_free(region, q);
    }
    assert_int_equal(mpyi_regions_queued(NULL), 21);
    assert_int_equal(mpy_mem_allocated_blocks(NULL), before);
    /* not while memory is short */
    mpy_mem_set_limit(mpy_mem_used() + 1);
    for (size_t n = 0; n < 1000; n++) {
        if (mpy_region_malloc(region, 100) == NULL) {
            break;
        }
    }
    assert_int_equal(mpyi_regions_queued(NULL), 0);
    mpy_mem_set_limit(0);
    mpy_region_clear(region);
}

static void
regions_of_a_runtime_are_looked_at(void **state)
{
    (void)state;
    mpy_region *regions[2] = {of_the_runtime(), of_the_runtime()};
    size_t of_process = mpyi_regions_queued(NULL);
    struct mpyi_mark mark;
    for (int i = 0; i < 2; i++) {
        char *p = mpy_region_malloc(regions[i], 100);
        assert_int_equal(mpyi_regions_around(runtime, p + 50, &mark), 1);
        assert_ptr_equal(mark.p, p);
        assert_int_equal(mark.serial, 1); /* also in a struct that was another's */
        assert_int_equal(mpyi_regions_around(runtime, p - mark.front + mark.total, &mark), 0);
        assert_int_equal(mpyi_regions_around(NULL, p, &mark), 0);
        mpy_region_free(regions[i], p);
        mpy_region_free(regions[i], mpy_region_malloc(regions[i], 30));
    }
    assert_int_equal(mpyi_regions_queued(runtime), 4);
    assert_int_equal(mpyi_regions_queued(NULL), of_process);
    mpy_region_destroy(regions[0]);
    assert_int_equal(mpyi_regions_queued(runtime), 2);
    mpy_region_destroy(regions[1]);
}

static void
records_keep_it_closed(void **state)
{
    (void)state;
    mpy_region_free(region, mpy_region_malloc(region, 1)); /* it has seen that checks are on */
    void *p = mpy_region_malloc(region, 40);
    assert_int_equal(mpy_debug_set_checks(NULL, 0), 0);
    void *unmarked = mpy_region_malloc(region, 40);
    assert_int_equal(region->heap.closed, 1);
    assert_true(mpy_region_usable_size(region, unmarked) >= 40);
    mpy_region_free_sized(region, unmarked, 40);
    mpy_region_free(region, p);
    assert_int_equal(region->marks.count, 0);
    mpy_region_free(region, mpy_region_malloc(region, 40));
    assert_int_equal(region->heap.closed, mpyi_modes_get() != 0);
    assert_int_equal(mpy_debug_set_checks(NULL, MPY_CHECK_ALL), 0);
}

static void
blocks_say_who_allocated_them(void **state)
{
    (void)state;
    mpy_region *other = of_the_runtime();
    mpy_block_info info = {.size = sizeof info};
    for (int i = 0; i < 2 && !MPYI_BYPASS; i++) {
        mpy_region *r = i ? other : region;
        void *p = mpy_region_malloc(r, 24);
        assert_int_equal(mpy_mem_block_info(p, &info), 1);
        assert_int_equal(info.kind, MPY_KIND_REGION);
        assert_int_equal(info.requested, 24);
        assert_int_equal(info.serial, r->marks.serial);
        assert_non_null(info.site);
        mpy_region_free(r, p);
        assert_int_equal(mpy_mem_block_info(p, &info), 1);
        assert_int_equal(info.serial, 0); /* in quarantine */
    }
    mpy_region_destroy(other);
    mpy_region_clear(region);
}

/* ---- tracing ----------------------------------------------------------------------------------
 */

static uintptr_t traced;
static int tracing;

static void
sum_events(int event, int kind, void *p, size_t n)
{
    (void)n;
    if (tracing && kind == MPY_KIND_REGION) {
        traced += event == MPYI_TRACE_ALLOC ? (uintptr_t)p : 0 - (uintptr_t)p;
    }
}

/* Every address once as made and once as gone: those the caller knows. */
static void
traced_as_the_caller_knows_them(void **state)
{
    (void)state;
    MPYI_HOOK_SET(trace, sum_events);
    mpyi_modes_set(MPYI_MODE_TRACE, 1);
    tracing = 1;
    void *kept = NULL;
    for (size_t n = 1; n < 2000; n += 100) {
        kept = mpy_region_malloc(region, n);
        mpy_region_free(region, mpy_region_malloc(region, n));
        kept = mpy_region_realloc(region, kept, n + 1);
    }
    assert_int_equal(mpy_debug_set_checks(NULL, 0), 0);
    assert_non_null(mpy_region_malloc(region, 70));
    assert_non_null(mpy_region_malloc(region, 7000));
    assert_true(traced != 0);
    mpy_region_clear(region);
    assert_int_equal(traced, 0);
    tracing = 0;
    mpyi_modes_set(MPYI_MODE_TRACE, 0);
    MPYI_HOOK_SET(trace, NULL);
    assert_int_equal(mpy_debug_set_checks(NULL, MPY_CHECK_ALL), 0);
}

/* ---- damage -----------------------------------------------------------------------------------
 */

static char *
damage(mpy_region *r, size_t n)
{
    char *p = mpy_region_malloc(r, n);
    mpyi_unpoison(p + n, 1);
    p[n]++;
    return p;
}

static void
repair(char *p, size_t n)
{
    p[n]--;
    mpyi_poison(p + n, 1);
}

static int reports;

static void
count_report(void *data, const char *text)
{
    (void)data;
    reports += strstr(text, "overflow: the byte 1 past its end was written") != NULL;
}

static void
checks_find_it(void **state)
{
    (void)state;
    mpy_debug_set_fatal_handler(count_report, NULL);
    char *p = damage(region, 24);
    assert_int_equal(mpy_region_check(region), -1);
    assert_int_equal(mpy_status_last(), MPY_E_CORRUPT);
    assert_int_equal(mpyi_regions_verify(), -1);
    assert_int_equal(reports, 2);
    mpyi_unpoison(p + 24, 1);
    repair(p, 24);
    assert_int_equal(mpy_region_check(region), 0);
    assert_int_equal(mpyi_regions_verify(), 0);
    mpy_debug_set_fatal_handler(NULL, NULL);
    mpy_region_clear(region);
}

static size_t wrong_size;
static int wrong_end;

static void
damage_and_end(void)
{
    mpy_region *r = wrong_end == 3 ? of_the_runtime() : region;
    (void)damage(r, wrong_size);
    switch (wrong_end) {
    case 0:
        mpy_region_clear(r);
        break;
    case 1:
        mpy_region_destroy(r);
        break;
    case 2:
        exit(0); /* looks last */
    default:
        mpyi_rtheap_free(runtime);
        break;
    }
}

static void
every_end_finds_it(void **state)
{
    (void)state;
    for (wrong_size = 1; wrong_size < 2000; wrong_size += 333) {
        for (wrong_end = 0; wrong_end < 4; wrong_end++) {
            test_dies(damage_and_end);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_programs_are_left_alone),
        cmocka_unit_test(freed_blocks_wait),
        cmocka_unit_test(regions_of_a_runtime_are_looked_at),
        cmocka_unit_test(records_keep_it_closed),
        cmocka_unit_test(blocks_say_who_allocated_them),
        cmocka_unit_test(traced_as_the_caller_knows_them),
        cmocka_unit_test(checks_find_it),
        cmocka_unit_test(every_end_finds_it),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
