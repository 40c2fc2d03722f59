/* SPDX-License-Identifier: MIT */
/*
 * test_os.c - pages of the system: alignment, commit, purge, failures on demand.
 */
#include "alloc_test.h"

#include <errno.h>
#include <stdio.h>

static void
reservations_are_aligned_and_commit(void **state)
{
    (void)state;
    for (size_t align = 4096; align <= 1 << 22; align *= 4) {
        char *p = mpyi_os_reserve(1 << 22, align);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % align, 0);
        assert_int_equal(mpyi_os_commit(p + 65536, 65536), 0);
        memset(p + 65536, 7, 65536);
        mpyi_os_release(p, 1 << 22);
    }
}

/* Pages of address space. */
static size_t
address_space(void)
{
    char text[64] = "";
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    return strtoul(text, NULL, 10);
}

static void
the_ends_of_an_aligned_mapping_are_given_back(void **state)
{
    (void)state;
    enum { N = 20 };
    void *maps[N];
    size_t page = mpyi_os_page_size();
    size_t before = address_space();
    for (int i = 0; i < N; i++) {
        maps[i] = mpyi_os_map(page, 1 << 26); /* more than kernels align by themselves */
        assert_non_null(maps[i]);
    }
    assert_in_range(address_space() - before, N, N + 64);
    for (int i = 0; i < N; i++) {
        mpyi_os_release(maps[i], page);
    }
    assert_true(address_space() - before <= 64);
}

static void
purged_memory_reads_as_zero(void **state)
{
    (void)state;
    size_t page = mpyi_os_page_size();
    unsigned char *p = mpyi_os_map(8 * page, page);
    assert_non_null(p);
    memset(p, 7, 8 * page);
    assert_int_equal(mpyi_os_purge(p + page, 2 * page), 2 * page);
    assert_int_equal(p[page - 1], 7);
    assert_int_equal(p[page], 0);
    assert_int_equal(p[3 * page - 1], 0);
    assert_int_equal(p[3 * page], 7);
    /* Rounded inwards: parts of pages stay. */
    assert_int_equal(mpyi_os_purge(p + 4 * page + 1, 2 * page), page);
    assert_int_equal(p[4 * page], 7);
    assert_int_equal(p[5 * page], 0);
    assert_int_equal(p[6 * page], 7);
    assert_int_equal(mpyi_os_purge(p + 1, page), 0);
    mpyi_os_release(p, 8 * page);
}

static void
impossible_sizes_are_refused(void **state)
{
    (void)state;
    assert_null(mpyi_os_reserve(SIZE_MAX & ~(size_t)4095, 4096));
    assert_null(mpyi_os_reserve(SIZE_MAX & ~(size_t)4095, 1 << 20));
    assert_null(mpyi_os_map((size_t)1 << 62, 4096));
}

static uintptr_t
distance(const void *a, const void *b)
{
    return a < b ? (uintptr_t)b - (uintptr_t)a : (uintptr_t)a - (uintptr_t)b;
}

#define FARTHEST ((uintptr_t)41 << 40) /* below the library that places are sought */
#define LOWEST   ((uintptr_t)57 << 40) /* address of the library where they are */

/* What a program maps before and after it makes large reservations, its libraries among them, stays
   together. */
static void
large_reservations_keep_apart(void **state)
{
    (void)state;
    const size_t n = (size_t)64 << 30;
    static char here[1];
    char *ranges[3];
    void *first = mpyi_os_map(4096, 4096);
    for (int i = 0; i < 3; i++) {
        ranges[i] = mpyi_os_reserve(n, (size_t)256 << 10);
        assert_non_null(ranges[i]);
        assert_int_equal((uintptr_t)ranges[i] % ((size_t)256 << 10), 0);
    }
    const size_t library = (size_t)512 << 20; /* more than the gaps that aligning leaves */
    void *second = mpyi_os_reserve(library, 4096);
    assert_true(first != NULL && second != NULL);
    if (!MPYI_TSAN) { /* which says itself where things may lie */
        assert_true(distance(first, second) < n);
        for (int i = 0; i < 3; i++) {
            assert_true(distance(ranges[i], first) >= (uintptr_t)1 << 40);
            assert_true((uintptr_t)here < LOWEST ||
                        (ranges[i] < here && distance(ranges[i], here) <= FARTHEST));
        }
    }
    for (int i = 0; i < 3; i++) {
        mpyi_os_release(ranges[i], n);
    }
    mpyi_os_release(first, 4096);
    mpyi_os_release(second, library);
}

/* Places come round again, and what is taken is no obstacle. */
static void
reservations_may_come_and_go(void **state)
{
    (void)state;
    const size_t n = (size_t)64 << 30;
    static char here[1];
    void *kept = mpyi_os_reserve(n, 4096);
    assert_non_null(kept);
    for (int i = 0; i < 300; i++) {
        char *p = mpyi_os_reserve(n, 4096);
        assert_non_null(p);
        assert_true(p != kept && mpyi_os_commit(p, 4096) == 0);
        assert_true(p > here || distance(p, here) <= FARTHEST); /* above: the kernel chose */
        p[0] = 1;
        mpyi_os_release(p, n);
    }
    mpyi_os_release(kept, n);
}

static void
the_nth_request_fails(void **state)
{
    (void)state;
    mpyi_os_fail_after(3);
    void *a = mpyi_os_map(4096, 4096);
    void *b = mpyi_os_reserve(65536, 4096);
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal(mpyi_os_commit(b, 65536), -1);
    assert_null(mpyi_os_map(4096, 4096));
    assert_null(mpyi_os_reserve(4096, 4096));
    mpyi_os_fail_after(0);
    assert_int_equal(mpyi_os_commit(b, 65536), 0);
    mpyi_os_release(a, 4096);
    mpyi_os_release(b, 65536);
}

static void
limits_and_clock(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
    assert_true(mpyi_os_address_limit() ==
                (limit.rlim_cur == RLIM_INFINITY ? SIZE_MAX : (size_t)limit.rlim_cur));
    uint64_t start = mpyi_os_now_ms();
    usleep(30000);
    assert_in_range(mpyi_os_now_ms() - start, 10, 10000);
}

static void
under_a_large_limit(void)
{
    struct rlimit limit = {(rlim_t)1 << 46, RLIM_INFINITY};
    CHILD_CHECK(mpyi_os_address_left() == mpyi_os_address_limit());
    CHILD_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    const int file = dup(STDERR_FILENO);
    CHILD_CHECK(close(file) == 0);
    size_t left = mpyi_os_address_left();
    CHILD_CHECK(left < limit.rlim_cur && left > limit.rlim_cur / 2);
    void *p = mpyi_os_reserve((size_t)64 << 20, 4096);
    CHILD_CHECK(p != NULL && mpyi_os_address_left() == left - ((size_t)64 << 20));
    mpyi_os_release(p, (size_t)64 << 20);
    CHILD_CHECK(mpyi_os_address_left() == left);
    CHILD_CHECK(dup(STDERR_FILENO) == file); /* no file stays open */
    limit.rlim_cur = 4096;
    CHILD_CHECK(setrlimit(RLIMIT_AS, &limit) == 0 && mpyi_os_address_left() == 0);
    const struct rlimit no_files = {0, 0};
    CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &no_files) == 0);
    errno = 77;
    CHILD_CHECK(mpyi_os_address_left() == 4096 && errno == 77);
}

static void
what_is_left_of_the_address_space(void **state)
{
    (void)state;
    struct rlimit limit;
    if (MPYI_ASAN || MPYI_TSAN || getrlimit(RLIMIT_AS, &limit) != 0 ||
        limit.rlim_cur != RLIM_INFINITY) {
        return; /* they need more than the limit */
    }
    test_child_succeeds(under_a_large_limit);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reservations_are_aligned_and_commit),
        cmocka_unit_test(the_ends_of_an_aligned_mapping_are_given_back),
        cmocka_unit_test(purged_memory_reads_as_zero),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(large_reservations_keep_apart),
        cmocka_unit_test(reservations_may_come_and_go),
        cmocka_unit_test(the_nth_request_fails),
        cmocka_unit_test(limits_and_clock),
        cmocka_unit_test(what_is_left_of_the_address_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
