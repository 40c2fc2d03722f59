/* SPDX-License-Identifier: MIT */
/*
 * test_heapmap.c - the whole picture, for few, many and very many arenas; the process and a
 * runtime.
 */
#include "svg_test.h"

#include "alloc/heapmap.h"

static void
detail_follows_the_number_of_arenas(void **state)
{
    (void)state;
    uint32_t span;
    assert_int_equal(mpyi_map_detail(0, 0, &span), MPYI_MAP_BLOCKS);
    assert_int_equal(mpyi_map_detail(64, 512, &span), MPYI_MAP_BLOCKS);
    assert_int_equal(mpyi_map_detail(64, 513, &span), MPYI_MAP_POOLS);
    assert_int_equal(mpyi_map_detail(65, 512, &span), MPYI_MAP_POOLS);
    assert_int_equal(mpyi_map_detail(512, 600, &span), MPYI_MAP_POOLS);
    assert_int_equal(mpyi_map_detail(513, 600, &span), MPYI_MAP_ARENAS);
    assert_int_equal(span, 1);
    assert_int_equal(mpyi_map_detail(4096, 4096, &span), MPYI_MAP_ARENAS);
    assert_int_equal(span, 1);
    assert_int_equal(mpyi_map_detail(4097, 4096, &span), MPYI_MAP_ARENAS);
    assert_int_equal(span, 2);
    assert_int_equal(mpyi_map_detail(262144, 4096, &span), MPYI_MAP_ARENAS);
    assert_int_equal(span, 64);
}

static void
sizes_are_for_reading(void **state)
{
    (void)state;
    char text[MPYI_MAP_TEXT];
    assert_string_equal(mpyi_map_size(text, 0), "0 bytes");
    assert_string_equal(mpyi_map_size(text, 1023), "1023 bytes");
    assert_string_equal(mpyi_map_size(text, 1024), "1 KiB");
    assert_string_equal(mpyi_map_size(text, 1536), "1.5 KiB");
    assert_string_equal(mpyi_map_size(text, UINT64_C(3) << 30), "3 GiB");
    assert_string_equal(mpyi_map_size(text, UINT64_C(5000) << 40), "5000 TiB");
}

/* n blocks of 512 bytes, eight a pool, so that the number of arenas is known. */
static void **
blocks_of_arenas(size_t arenas, size_t *n)
{
    *n = arenas * MPYI_ARENA_POOLS * 8;
    void **blocks = malloc(*n * sizeof *blocks);
    assert_non_null(blocks);
    for (size_t i = 0; i < *n; i++) {
        blocks[i] = mpy_mem_malloc(512);
        assert_non_null(blocks[i]);
    }
    return blocks;
}

static void
drop_blocks(void **blocks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mpy_mem_free(blocks[i]);
    }
    free(blocks);
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
}

static void
check_picture(size_t arenas, const char *what, const char *shape)
{
    size_t n;
    void **blocks = blocks_of_arenas(arenas, &n);
    char *first = report_of(mpy_mem_dump_map, NULL);
    char *second = report_of(mpy_mem_dump_map, NULL);
    assert_string_equal(first, second); /* the same heap, the same bytes */
    assert_int_equal(svg_check(first, ""), 0);
    assert_true(MPYI_BYPASS || strstr(first, what) != NULL);
    assert_true(MPYI_BYPASS || svg_count(first, shape) >= arenas);
    assert_true(strlen(first) < 2000000);
    free(first);
    free(second);
    drop_blocks(blocks, n);
}

static void
from_a_page_of_blocks_to_a_page_of_arenas(void **state)
{
    (void)state;
    check_picture(4, "each rectangle a block", ">arena ");
    check_picture(100, "each cell a pool", "<title>arena ");
    check_picture(600, "each tile is 1 arena, 256 KiB", "<title>arena ");
}

/* However the size classes lie. */
static void
a_mebibyte_of_all_sizes_shows_its_blocks(void **state)
{
    (void)state;
    static void *blocks[4096];
    size_t n = 0;
    for (size_t bytes = 0; bytes < (size_t)1 << 20; n++) {
        size_t size = 1 + n * 7919 % MPY_SMALL_MAX;
        blocks[n] = mpy_mem_malloc(size);
        assert_non_null(blocks[n]);
        bytes += size;
    }
    char *svg = report_of(mpy_mem_dump_map, NULL);
    assert_int_equal(svg_check(svg, ""), 0);
    assert_true(MPYI_BYPASS || strstr(svg, "each rectangle a block") != NULL);
    free(svg);
    for (size_t i = 0; i < n; i++) {
        mpy_mem_free(blocks[i]);
    }
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
}

static void
large_blocks_are_mentioned(void **state)
{
    (void)state;
    void *large = mpy_mem_malloc((size_t)3 << 20); /* a size that every back end leaves alone */
    char *svg = report_of(mpy_mem_dump_map, NULL);
    assert_non_null(strstr(svg, " large blocks, 3 MiB"));
    free(svg);
    mpy_mem_free(large);
}

static void
a_runtime_has_two_sections(void **state)
{
    (void)state;
    mpy_runtime *rt = report_runtime_open();
    char *svg = report_of(mpy_mem_dump_map, rt);
    assert_int_equal(svg_check(svg, ""), 0);
    free(svg);
    void *cell = mpyi_cell_alloc(report_heap, 48);
    void *atom = mpyi_atom_alloc(report_heap, 24);
    void *array = mpyi_array_alloc(report_heap, 80);
    svg = report_of(mpy_mem_dump_map, rt);
    if (!MPYI_BYPASS) {
        /* 8 bytes a pixel, 6 pixels high; a pixel is left out between blocks from 32 bytes on. */
        assert_int_equal(svg_check(svg, "k3=30 k2=18 k1=54 k0=0"), 0);
    }
    assert_non_null(strstr(svg, "Objects the collector knows"));
    free(svg);
    mpyi_cell_free(report_heap, cell, 48);
    mpyi_atom_free(report_heap, atom, 24);
    mpyi_array_free(report_heap, array, 80);
    report_runtime_close();
}

static void
it_can_be_stopped(void **state)
{
    (void)state;
    void *p = mpy_mem_malloc(100);
    report_check_failures(mpy_mem_dump_map);
    mpy_mem_free(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detail_follows_the_number_of_arenas),
        cmocka_unit_test(sizes_are_for_reading),
        cmocka_unit_test(large_blocks_are_mentioned),
        cmocka_unit_test(it_can_be_stopped),
        cmocka_unit_test(a_mebibyte_of_all_sizes_shows_its_blocks),
        cmocka_unit_test(from_a_page_of_blocks_to_a_page_of_arenas),
        cmocka_unit_test(a_runtime_has_two_sections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
