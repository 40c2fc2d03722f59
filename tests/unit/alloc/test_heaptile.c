/* SPDX-License-Identifier: MIT */
/*
 * test_heaptile.c - one arena, drawn three ways: how many pixels of which colour.
 */
#include "svg_test.h"

#include "alloc/heapmap.h"

/* The arena alone on a page. */
static char *
draw(struct mpyi_space *space, int detail, uint32_t span)
{
    struct report_sink sink = {NULL, 0, 0, 0};
    struct mpyi_writer out;
    mpyi_writer_begin(&out, report_take, &sink);
    mpyi_writer_print(&out,
                      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"700\" height=\"900\">");
    mpyi_map_style(&out);
    if (detail == MPYI_MAP_BLOCKS) {
        mpyi_map_panel(&out, space, 0, mpyi_map_panel_rows(space, 0), 60, 120);
    } else {
        mpyi_map_arena(&out, space, detail, 0, span, 60, 120);
    }
    mpyi_writer_print(&out, "</svg>\n");
    assert_int_equal(mpyi_writer_end(&out), 0);
    return sink.text;
}

static void
expect(struct mpyi_space *space, int detail, uint32_t span, const char *expected)
{
    char *svg = draw(space, detail, span);
    assert_int_equal(svg_check(svg, expected), 0);
    free(svg);
}

static void
every_block_has_its_colour(void **state)
{
    (void)state;
    test_need_ordered_blocks();
    struct test_heap test;
    void *p[70], *q[5];
    test_heap_open(&test, MPY_KIND_MEM, 0);
    for (size_t i = 0; i < 70; i++) {
        p[i] = mpyi_heap_take(test.heap, 8); /* 64 a pool: the second has 58 untouched */
    }
    for (size_t i = 0; i < 5; i++) {
        q[i] = mpyi_heap_take(test.heap, 1); /* runs of one colour are one shape */
    }
    mpyi_heap_put(test.heap, p, 10);
    mpyi_heap_put(test.heap, &q[1], 1);
    mpyi_heap_put(test.heap, &q[3], 1);
    /* 7 x 6 pixels a block of 64 bytes, 1 x 6 of 8. Four pools were taken at once: one is empty.
       The 60 that are not used take two rows. */
    assert_int_equal(mpyi_map_panel_rows(&test.in.space, 0), 3 + 1 + 2);
    expect(&test.in.space, MPYI_MAP_BLOCKS, 1, "k0=2538 f=432 u=5478 e=3072 o=6656");
    char *svg = draw(&test.in.space, MPYI_MAP_BLOCKS, 1);
    assert_non_null(strstr(svg, "blocks of 64 bytes; 54 allocated, 10 free, 0 untouched"));
    assert_non_null(strstr(svg, "pools 4 to 63: unused, without memory"));
    assert_non_null(strstr(svg, ">arena 0 at 0x"));
    free(svg);
    mpyi_heap_put(test.heap, &p[10], 60);
    mpyi_space_destroy(&test.in.space);
}

static void
every_pool_has_its_share(void **state)
{
    (void)state;
    struct test_heap test;
    void *p[8 * 8];
    test_heap_open(&test, MPY_KIND_MEM, 0);
    for (size_t i = 0; i < 64; i++) {
        p[i] = mpyi_heap_take(test.heap, 64); /* 8 pools of 8 blocks */
    }
    for (size_t pool = 1; pool < 8; pool++) {
        mpyi_heap_put(test.heap, &p[8 * pool], pool); /* 8, 7, .. 1 blocks are left */
    }
    expect(&test.in.space, MPYI_MAP_POOLS, 1,
           "r7=50 r6=25 r5=25 r4=25 r3=25 r2=25 r1=25 r0=0 e=0 o=1400");
    for (size_t pool = 1; pool < 8; pool++) {
        mpyi_heap_put(test.heap, &p[8 * pool + pool], 8 - pool);
    }
    mpyi_heap_settle(test.heap);
    /* The last pool of its class that runs empty may stay with it. */
    expect(&test.in.space, MPYI_MAP_POOLS, 1, "r7=25 r0=25 e=150 n=0 o=1400");
    mpyi_heap_put(test.heap, p, 8);
    mpyi_heap_release_empties(test.heap);
    expect(&test.in.space, MPYI_MAP_POOLS, 1, "r7=0 r0=0 e=0 n=200 o=1400");
    expect(&test.in.space, MPYI_MAP_ARENAS, 1, "n=225");
    mpyi_space_destroy(&test.in.space);
}

static void
arenas_can_share_a_tile(void **state)
{
    (void)state;
    struct test_heap test;
    test_heap_open(&test, MPY_KIND_MEM, 0);
    enum { N = 64 * 8 };
    static void *p[2 * N];
    for (size_t i = 0; i < 2 * N; i++) {
        p[i] = mpyi_heap_take(test.heap, 64);
    }
    expect(&test.in.space, MPYI_MAP_ARENAS, 1, "r7=225");
    mpyi_heap_put(test.heap, &p[N], N);
    expect(&test.in.space, MPYI_MAP_ARENAS, 2, "r4=225"); /* half of both */
    char *svg = draw(&test.in.space, MPYI_MAP_ARENAS, 2);
    assert_non_null(strstr(svg, "arena 0 to 1 at "));
    assert_non_null(strstr(svg, "50.0 % allocated"));
    free(svg);
    mpyi_heap_put(test.heap, p, N);
    mpyi_heap_release_empties(test.heap);
    (void)mpyi_space_trim(&test.in.space, 0);
    expect(&test.in.space, MPYI_MAP_ARENAS, 2, "o=225 n=0");
    mpyi_space_destroy(&test.in.space);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_block_has_its_colour),
        cmocka_unit_test(every_pool_has_its_share),
        cmocka_unit_test(arenas_can_share_a_tile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
