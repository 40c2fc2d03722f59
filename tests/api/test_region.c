/* SPDX-License-Identifier: MIT */
/*
 * test_region.c - regions through the public API: of the process, of a runtime, and against its
 * limit.
 */
#include "support/cm.h"

#include "minipy.h"

#include <string.h>

static void
a_million_blocks(void **state)
{
    (void)state;
    mpy_region *region = mpy_region_new(NULL);
    assert_non_null(region);
    uint64_t used = mpy_mem_used();
    char **chain = NULL;
    for (size_t i = 0; i < 1000000; i++) {
        char **p = mpy_region_malloc(region, 16 + i % 48);
        assert_non_null(p);
        *p = (char *)chain;
        chain = p;
    }
    mpy_region_stats stats = {.size = sizeof stats, .version = 1};
    assert_int_equal(mpy_region_stats_get(region, &stats), 0);
    assert_int_equal(stats.blocks + stats.large_blocks, 1000000);
    mpy_region_destroy(region);
    assert_true(mpy_mem_used() <= used);
}

static void
blocks_one_by_one(void **state)
{
    (void)state;
    mpy_region *a = mpy_region_new(NULL);
    mpy_region *b = mpy_region_new(NULL);
    char *text = mpy_region_calloc(a, 1, 100);
    assert_non_null(text);
    (void)strcpy(text, "kept");
    for (size_t n = 100; n < 100000; n *= 3) {
        text = mpy_region_realloc(a, text, n);
        assert_string_equal(text, "kept");
        assert_true(mpy_region_usable_size(a, text) >= n);
        void *p = mpy_region_malloc(b, n);
        assert_non_null(p);
        mpy_region_free(b, p);
    }
    mpy_region_destroy(b);
    assert_string_equal(text, "kept");
    assert_int_equal(mpy_region_check(a), 0);
    mpy_region_free(a, text);
    mpy_region_clear(a);
    mpy_region_clear(NULL);
    mpy_region_destroy(a);
}

static int
free_a_region(void *data, const mpy_pressure *pressure)
{
    mpy_region **spare = data;
    assert_ptr_equal(pressure->rt, mpy_runtime_current());
    if (*spare == NULL || pressure->requested == 0) {
        return 0;
    }
    mpy_region_destroy(*spare);
    *spare = NULL;
    return 1;
}

static void
of_a_runtime(void **state)
{
    (void)state;
    mpy_runtime *rt = NULL;
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    mpy_region *spare = mpy_region_new(rt);
    mpy_region *region = mpy_region_new(rt);
    assert_true(spare != NULL && region != NULL);
    mpy_mem_stats stats = {.size = sizeof stats, .version = 1};
    for (int i = 0; i < 100; i++) {
        assert_non_null(mpy_region_malloc(spare, 10000));
    }
    assert_int_equal(mpy_mem_trim(rt, 0, NULL), 0);
    assert_int_equal(mpy_mem_stats_get(rt, &stats), 0);
    assert_true(stats.large_bytes >= 1000000);
    int64_t limit = (int64_t)(stats.large_bytes + stats.arena_bytes);
    assert_int_equal(mpy_runtime_set_limit(rt, MPY_LIMIT_BYTES, limit), 0);
    assert_int_equal(mpy_mem_on_pressure(rt, 0, free_a_region, &spare), 0);
    void *p = mpy_region_malloc(region, 900000);
    assert_non_null(p);
    assert_null(spare);
    assert_null(mpy_region_malloc(region, 1000000));
    assert_true(mpy_err_matches_code(MPY_EXC_MEMORY_ERROR));
    mpy_err_clear();
    mpy_object *text = mpy_str_from_utf8("objects still fit");
    assert_non_null(text);
    mpy_decref(text);
    assert_int_equal(mpy_region_check(region), 0);
    assert_int_equal(mpy_debug_check_heap(rt), 0);
    assert_null(mpy_region_new((mpy_runtime *)(void *)region)); /* no runtime of ours */
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    assert_int_equal(mpy_runtime_free(rt, &report), MPY_OK); /* ends the region */
    assert_int_equal(report.objects + report.blocks, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_blocks),
        cmocka_unit_test(blocks_one_by_one),
        cmocka_unit_test(of_a_runtime),
    };
    return cmocka_run_group_tests_name("regions", tests, NULL, NULL);
}
