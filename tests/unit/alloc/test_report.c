/* SPDX-License-Identifier: MIT */
/* test: libs=jansson */
/*
 * test_report.c - the statistics as text and as JSON, against the figures themselves.
 */
#include "report_test.h"

#include <jansson.h>
#include <locale.h>

static void
the_text_is_a_table(void **state)
{
    (void)state;
    void *p = mpy_mem_malloc(64);
    char *text = report_of(mpy_mem_dump_stats, NULL);
    assert_non_null(strstr(text, "blocks allocated"));
    assert_non_null(strstr(text, "\nclass  size"));
    if (!MPYI_BYPASS) {
        assert_non_null(strstr(text, "\n    8    64 "));
    }
    free(text);
    report_check_failures(mpy_mem_dump_stats);
    mpy_mem_free(p);
}

static uint64_t
number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_integer(value)) {
        fail_msg("'%s' is no whole number", name);
    }
    return (uint64_t)json_integer_value(value);
}

static json_t *
parse(mpy_runtime *rt)
{
    json_error_t error;
    char *text = report_of(mpy_mem_dump_json, rt);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        fail_msg("line %d: %s in %s", error.line, error.text, text);
    }
    free(text);
    return root;
}

static void
compare_totals(const json_t *root, const mpy_mem_stats *stats)
{
    assert_int_equal(number(root, "version"), 1);
    assert_int_equal(number(root, "arenas"), stats->arenas);
    assert_int_equal(number(root, "arena_bytes"), stats->arena_bytes);
    assert_int_equal(number(root, "arenas_created"), stats->arenas_created);
    assert_int_equal(number(root, "arenas_released"), stats->arenas_released);
    assert_int_equal(number(root, "pools_unused"), stats->pools_unused);
    assert_int_equal(number(root, "pools_empty"), stats->pools_empty);
    assert_int_equal(number(root, "pools_used"), stats->pools_used);
    assert_int_equal(number(root, "pools_full"), stats->pools_full);
    assert_int_equal(number(root, "blocks_allocated"), stats->blocks_allocated);
    assert_int_equal(number(root, "bytes_allocated"), stats->bytes_allocated);
    assert_int_equal(number(root, "large_blocks"), stats->large_blocks);
    assert_int_equal(number(root, "large_bytes"), stats->large_bytes);
    assert_int_equal(number(root, "heaps"), stats->heaps);
    assert_int_equal(number(root, "reserved_bytes"), stats->reserved_bytes);
    assert_int_equal(number(root, "peak_bytes"), stats->peak_bytes);
}

static void
compare_class(const json_t *object, mpy_runtime *rt)
{
    mpy_class_stats stats = {.size = sizeof stats};
    assert_int_equal(mpy_mem_class_stats(rt, (int)number(object, "class"), &stats), 0);
    assert_int_equal(number(object, "block_size"), stats.block_size);
    assert_int_equal(number(object, "blocks_per_pool"), stats.blocks_per_pool);
    assert_int_equal(number(object, "pools"), stats.pools);
    assert_int_equal(number(object, "blocks_allocated"), stats.blocks_allocated);
    assert_int_equal(number(object, "blocks_free"), stats.blocks_free);
    assert_int_equal(number(object, "blocks_untouched"), stats.blocks_untouched);
    assert_int_equal(number(object, "pools_needed"), stats.pools_needed);
    const json_t *by_fill = json_object_get(object, "pools_by_fill");
    assert_int_equal(json_array_size(by_fill), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(json_integer_value(json_array_get(by_fill, i)), stats.pools_by_fill[i]);
    }
    double in_use = json_real_value(json_object_get(object, "in_use"));
    double expected =
        (double)stats.blocks_allocated / (double)(stats.pools * stats.blocks_per_pool);
    assert_true(in_use <= expected && in_use > expected - 0.0011);
}

static void
the_json_says_what_the_structs_say(void **state)
{
    (void)state;
    void *blocks[500];
    for (size_t i = 0; i < 500; i++) {
        blocks[i] = mpy_mem_malloc(i * 3);
    }
    for (size_t i = 0; i < 500; i += 3) {
        mpy_mem_free(blocks[i]);
    }
    mpy_mem_stats stats = {.size = sizeof stats, .version = 1};
    assert_int_equal(mpy_mem_stats_get(NULL, &stats), 0);
    json_t *root = parse(NULL);
    assert_string_equal(json_string_value(json_object_get(root, "scope")), "process");
    compare_totals(root, &stats);
    const json_t *classes = json_object_get(root, "classes");
    assert_true(json_is_array(classes));
    assert_true(MPYI_BYPASS || json_array_size(classes) >= 30);
    for (size_t i = 0; i < json_array_size(classes); i++) {
        compare_class(json_array_get(classes, i), NULL);
    }
    json_decref(root);
    for (size_t i = 0; i < 500; i++) {
        if (i % 3 != 0) {
            mpy_mem_free(blocks[i]);
        }
    }
    report_check_failures(mpy_mem_dump_json);
}

static void
a_runtime_reports_too(void **state)
{
    (void)state;
    mpy_runtime *rt = report_runtime_open();
    void *p = mpyi_cell_alloc(report_heap, 48);
    json_t *root = parse(rt);
    assert_string_equal(json_string_value(json_object_get(root, "scope")), "runtime");
    assert_int_equal(number(root, "blocks_allocated"), 1);
    assert_int_equal(number(json_array_get(json_object_get(root, "classes"), 0), "class"), 6);
    json_decref(root);
    mpyi_cell_free(report_heap, p, 48);
    report_runtime_close();
}

/* Where a locale with a decimal comma is installed, it must not reach the report. */
static void
numbers_do_not_follow_the_locale(void **state)
{
    (void)state;
    void *p = mpy_mem_malloc(64);
    (void)setlocale(LC_ALL, "de_DE.UTF-8");
    char *text = report_of(mpy_mem_dump_json, NULL);
    (void)setlocale(LC_ALL, "C");
    if (!MPYI_BYPASS) {
        assert_non_null(strstr(text, "\"in_use\":0."));
    }
    free(text);
    mpy_mem_free(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_a_table),
        cmocka_unit_test(the_json_says_what_the_structs_say),
        cmocka_unit_test(a_runtime_reports_too),
        cmocka_unit_test(numbers_do_not_follow_the_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
