/* SPDX-License-Identifier: MIT */
/*
 * test_map.c - addresses to arenas: every entry found, nothing else.
 */
#include "alloc_test.h"

static const void *
address(uint64_t unit)
{
    return (const void *)(uintptr_t)(unit << MPYI_ARENA_SHIFT);
}

static void
entries_are_found_at_their_bounds(void **state)
{
    (void)state;
    static const uint64_t units[] = {
        1,
        2,
        32767,
        32768,
        32769,
        UINT64_C(1) << 20,
        (UINT64_C(1) << 29) + 12345,
        (UINT64_C(1) << 30) - 1,
    };
    enum { COUNT = sizeof units / sizeof units[0] };
    struct mpyi_map *map = mpyi_map_new();
    assert_non_null(map);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(mpyi_map_get(map, address(units[i])), MPYI_NO_ARENA);
        assert_int_equal(mpyi_map_set(map, address(units[i]), i), 0);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        const char *first = address(units[i]);
        assert_int_equal(mpyi_map_get(map, first), i);
        assert_int_equal(mpyi_map_get(map, first + MPY_ARENA_SIZE - 1), i);
    }
    assert_int_equal(mpyi_map_get(map, address(3)), MPYI_NO_ARENA);
    assert_int_equal(mpyi_map_get(map, address(32770)), MPYI_NO_ARENA);
    assert_int_equal(mpyi_map_get(map, NULL), MPYI_NO_ARENA);
    mpyi_map_free(map);
}

static void
addresses_beyond_48_bits_are_refused(void **state)
{
    (void)state;
    struct mpyi_map *map = mpyi_map_new();
    assert_non_null(map);
    assert_int_equal(mpyi_map_set(map, address(UINT64_C(1) << 30), 1), -1);
    assert_int_equal(mpyi_map_get(map, address(UINT64_C(1) << 30)), MPYI_NO_ARENA);
    assert_int_equal(mpyi_map_get(map, (const void *)UINTPTR_MAX), MPYI_NO_ARENA);
    assert_int_equal(mpyi_map_get(NULL, address(1)), MPYI_NO_ARENA);
    mpyi_map_free(map);
}

static void
failures_leave_the_map_usable(void **state)
{
    (void)state;
    mpyi_os_fail_after(1);
    assert_null(mpyi_map_new());
    mpyi_os_fail_after(0);
    struct mpyi_map *map = mpyi_map_new();
    assert_non_null(map);
    mpyi_os_fail_after(1);
    assert_int_equal(mpyi_map_set(map, address(5), 9), -1);
    mpyi_os_fail_after(0);
    assert_int_equal(mpyi_map_get(map, address(5)), MPYI_NO_ARENA);
    assert_int_equal(mpyi_map_set(map, address(5), 9), 0);
    assert_int_equal(mpyi_map_get(map, address(5)), 9);
    mpyi_map_free(map);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found_at_their_bounds),
        cmocka_unit_test(addresses_beyond_48_bits_are_refused),
        cmocka_unit_test(failures_leave_the_map_usable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
