/* SPDX-License-Identifier: MIT */
/*
 * test_space.c - reserving spaces, finding pools by address, in range and map mode.
 */
#include "alloc_test.h"

#include <stdio.h>
#include <sys/mman.h>

static void
find_every_pool(int mode)
{
    struct test_space test;
    assert_int_equal(test_space_open(&test, TEST_GIB, mode), 0);
    struct mpyi_space *space = &test.space;
    int map = mode == TEST_MAP;
    assert_int_equal(space->map != NULL, map);
    for (uint32_t a = 0; a < 70; a++) { /* more than one step of the tables */
        assert_int_equal(mpyi_space_commit_arena(space), a);
    }
    assert_int_equal(space->used, (size_t)70 << MPYI_ARENA_SHIFT);
    for (uint32_t a = 0; a < 70; a++) {
        char *address = space->arenas[a].address;
        assert_int_equal((uintptr_t)address % MPY_ARENA_SIZE, 0);
        for (uint32_t n = 0; n < MPYI_ARENA_POOLS; n++) {
            char *p = address + (size_t)n * MPY_POOL_SIZE;
            assert_int_equal(mpyi_space_find(space, p), a * 64 + n);
            assert_int_equal(mpyi_space_find(space, p + MPY_POOL_SIZE - 1), a * 64 + n);
            assert_int_equal(mpyi_space_index(space, p + 77), a * 64 + n);
        }
    }
    int local;
    assert_int_equal(mpyi_space_find(space, &local), MPYI_NO_POOL);
    assert_int_equal(mpyi_space_find(space, NULL), MPYI_NO_POOL);
    assert_int_equal(mpyi_space_find(space, space->pools), MPYI_NO_POOL);
    if (!map) {
        assert_int_equal(mpyi_space_find(space, space->base + space->used), MPYI_NO_POOL);
        assert_int_equal(mpyi_space_find(space, space->base - 1), MPYI_NO_POOL);
    }
    mpyi_space_destroy(space);
    assert_int_equal(mpyi_space_find(space, &local), MPYI_NO_POOL);
}

static void
pools_are_found_in_a_range(void **state)
{
    (void)state;
    find_every_pool(TEST_RANGE);
    find_every_pool(TEST_HUGE);
}

static void
pools_are_found_through_the_map(void **state)
{
    (void)state;
    find_every_pool(TEST_MAP);
}

static void
a_full_space_ends(void **state)
{
    (void)state;
    struct test_space test;
    assert_int_equal(test_space_open(&test, (size_t)1 << 24, 0), 0);
    for (uint32_t a = 0; a < 64; a++) {
        assert_int_equal(mpyi_space_commit_arena(&test.space), a);
    }
    assert_int_equal(mpyi_space_commit_arena(&test.space), MPYI_NO_ARENA);
    assert_int_equal(test.space.arena_count, 64);
    mpyi_space_destroy(&test.space);
}

/* Refuses large reservations by failing the first n calls: the span is halved n times. */
static void
limited(void)
{
    const struct rlimit limit = {UINT64_C(3) << 30, UINT64_C(3) << 30};
    CHILD_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    struct test_space test;
    memset(&test, 0, sizeof test);
    test.usage.limit = UINT64_MAX;
    struct mpyi_space_config config = {
        .span = 64 * TEST_GIB, .span_min = TEST_GIB, .usage = &test.usage};
    CHILD_CHECK(mpyi_space_init(&test.space, &config) == 0);
    CHILD_CHECK(test.space.span == TEST_GIB); /* at most half of what is allowed */
    mpyi_space_destroy(&test.space);
    config.span_min = 4 * TEST_GIB;
    CHILD_CHECK(mpyi_space_init(&test.space, &config) == -1);
    config.map_allowed = 1;
    CHILD_CHECK(mpyi_space_init(&test.space, &config) == 0);
    CHILD_CHECK(test.space.map != NULL && test.space.span == 0);
    CHILD_CHECK(test.space.table_span == 3 * TEST_GIB);
    CHILD_CHECK(mpyi_space_commit_arena(&test.space) == 0);
    mpyi_space_destroy(&test.space);
}

static void
spans_are_halved_then_mapped(void **state)
{
    (void)state;
    if (MPYI_ASAN || MPYI_TSAN) {
        return; /* they need more address space than the limit */
    }
    test_child_succeeds(limited);
}

static void
failures_leave_nothing_behind(int mode)
{
    for (uint64_t n = 1; n < 12; n++) {
        struct test_space test;
        mpyi_os_fail_after(n);
        int opened = test_space_open(&test, TEST_GIB, mode);
        uint32_t first = opened == 0 ? mpyi_space_commit_arena(&test.space) : MPYI_NO_ARENA;
        mpyi_os_fail_after(0);
        if (opened < 0) {
            assert_null(test.space.reservation);
            continue;
        }
        if (first == MPYI_NO_ARENA) {
            assert_int_equal(test.space.arena_count, 0);
            assert_int_equal(mpyi_space_commit_arena(&test.space), 0);
        }
        test.space.pools[63].due = 1;
        test.space.classes[63] = 1;
        mpyi_space_destroy(&test.space);
    }
}

static void
every_failing_call_is_survived(void **state)
{
    (void)state;
    failures_leave_nothing_behind(TEST_RANGE);
    failures_leave_nothing_behind(TEST_MAP);
    failures_leave_nothing_behind(TEST_HUGE);
}

static void
upper_bits_are_committed_on_demand(void **state)
{
    (void)state;
    struct test_space test;
    assert_int_equal(test_space_open(&test, TEST_GIB, 0), 0);
    static const uint32_t pools[] = {0, 63, 64, 2047, 2048, 262143};
    for (size_t i = 0; i < sizeof pools / sizeof pools[0]; i++) {
        assert_int_equal(mpyi_space_need_upper(&test.space, pools[i]), 0);
        test.space.upper[pools[i]][3] = UINT64_MAX;
    }
    mpyi_os_fail_after(1);
    assert_int_equal(mpyi_space_need_upper(&test.space, 100000), -1);
    mpyi_os_fail_after(0);
    mpyi_space_destroy(&test.space);
}

#define HUGE_PAGE ((size_t)2 << 20)

/* Whether the kernel has the advice on huge pages on its books for this address: 1, 0, or -1 when
   it knows no such advice. */
static int
is_advised(const char *address)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[512];
    int found = -1, here = 0;
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            here = (uintptr_t)address >= from && (uintptr_t)address < to;
        } else if (here && strncmp(line, "VmFlags:", 8) == 0) {
            found = strstr(line, " hg") != NULL;
        }
    }
    (void)fclose(f);
    void *probe = mpyi_os_map(HUGE_PAGE, HUGE_PAGE);
    int known = madvise(probe, HUGE_PAGE, MADV_HUGEPAGE) == 0;
    mpyi_os_release(probe, HUGE_PAGE);
    return known ? found : -1;
}

/* A huge page is committed with its first arena and asks the system no more. */
static void
huge_pages_come_whole(void **state)
{
    (void)state;
    struct test_space test;
    enum { ARENAS = HUGE_PAGE / MPY_ARENA_SIZE };
    assert_int_equal(test_space_open(&test, TEST_GIB, TEST_HUGE), 0);
    struct mpyi_space *space = &test.space;
    assert_int_equal((uintptr_t)space->base % HUGE_PAGE, 0);
    assert_int_equal(mpyi_space_commit_arena(space), 0);
    mpyi_os_fail_after(1);
    for (uint32_t a = 1; a < ARENAS; a++) {
        assert_int_equal(mpyi_space_commit_arena(space), a);
    }
    assert_int_equal(mpyi_space_commit_arena(space), MPYI_NO_ARENA);
    mpyi_os_fail_after(0);
    assert_int_equal(space->dirty_free, ARENAS * MPYI_ARENA_POOLS);
    assert_int_equal(mpyi_space_commit_arena(space), ARENAS);
    if (is_advised(space->base) >= 0) {
        assert_int_equal(is_advised(space->base), 1);
        assert_int_equal(is_advised(space->arenas[ARENAS].address + MPY_ARENA_SIZE), 1);
    } else {
        print_message("this kernel has no huge pages to ask for\n");
    }
    assert_int_equal(is_advised((char *)space->pools) == 1, 0);
    mpyi_space_destroy(space);
}

static size_t
resident_pages(char *p, size_t n)
{
    size_t page = mpyi_os_page_size();
    unsigned char in_core[MPY_ARENA_SIZE / 4096];
    size_t count = 0;
    assert_int_equal(mincore(p, n, in_core), 0);
    for (size_t i = 0; i < n / page; i++) {
        count += in_core[i] & 1;
    }
    return count;
}

/* One pool is in use: the memory of all others of its arena can go, though none was ever used. */
static void
what_a_huge_page_brings_can_go(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_RAW, TEST_HUGE);
    char *block = mpyi_heap_take(test.heap, 64);
    assert_non_null(block);
    mpyi_unpoison(block, 1);
    *block = 1;
    struct mpyi_arena *arena = &test.in.space.arenas[0];
    test_heap_valid(&test);
    mpyi_heap_release_empties(test.heap);
    assert_int_equal(mpyi_space_trim(&test.in.space, 0), (MPYI_ARENA_POOLS - 1) * MPY_POOL_SIZE);
    assert_int_equal(resident_pages(arena->address, MPY_ARENA_SIZE), 1);
    test_heap_valid(&test);
    assert_int_equal(mpyi_space_trim(&test.in.space, 0), 0);
    void *gone = block;
    mpyi_heap_put(test.heap, &gone, 1);
    mpyi_heap_release_empties(test.heap);
    assert_int_equal(mpyi_space_trim(&test.in.space, 0), MPY_ARENA_SIZE);
    assert_int_equal(resident_pages(arena->address, MPY_ARENA_SIZE), 0);
    test_heap_valid(&test);
    test_heap_close(&test);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pools_are_found_in_a_range),
        cmocka_unit_test(pools_are_found_through_the_map),
        cmocka_unit_test(a_full_space_ends),
        cmocka_unit_test(spans_are_halved_then_mapped),
        cmocka_unit_test(every_failing_call_is_survived),
        cmocka_unit_test(upper_bits_are_committed_on_demand),
        cmocka_unit_test(huge_pages_come_whole),
        cmocka_unit_test(what_a_huge_page_brings_can_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
