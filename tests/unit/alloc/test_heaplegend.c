/* SPDX-License-Identifier: MIT */
/*
 * test_heaplegend.c - every colour a picture may use is declared and explained; bars are as long as
 * they should be.
 */
#include "svg_test.h"

#include "alloc/heapmap.h"

/* A legend alone on a page. */
static char *
legend(int detail, unsigned kinds)
{
    struct report_sink sink = {NULL, 0, 0, 0};
    struct mpyi_writer out;
    mpyi_writer_begin(&out, report_take, &sink);
    mpyi_writer_print(&out,
                      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1160\" height=\"200\">");
    mpyi_map_style(&out);
    mpyi_map_legend(&out, detail, kinds, 10);
    mpyi_writer_print(&out, "</svg>\n");
    assert_int_equal(mpyi_writer_end(&out), 0);
    assert_int_equal(svg_check(sink.text, ""), 0);
    return sink.text;
}

static void
colours_are_explained(void **state)
{
    (void)state;
    static const struct {
        int detail;
        unsigned kinds;
        const char *css[9];
    } cases[] = {
        {MPYI_MAP_BLOCKS, 1, {"k0", "f", "u", "e", "n", "o"}},
        {MPYI_MAP_BLOCKS, 14, {"k1", "k2", "k3", "f", "u", "e", "n", "o"}},
        {MPYI_MAP_POOLS, 1, {"r0", "r7", "e", "n", "o"}},
        {MPYI_MAP_ARENAS, 14, {"r0", "r7", "n", "o"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *svg = legend(cases[i].detail, cases[i].kinds);
        for (size_t k = 0; cases[i].css[k] != NULL; k++) {
            char wanted[32];
            (void)snprintf(wanted, sizeof wanted, "class=\"%s\"", cases[i].css[k]);
            assert_int_equal(svg_count(svg, wanted), 1);
        }
        free(svg);
    }
}

static void
bars_show_what_classes_hold(void **state)
{
    (void)state;
    static struct mpyi_census census;
    struct report_sink sink = {NULL, 0, 0, 0};
    struct mpyi_writer out;
    /* Class 8: 64 a pool; of 6400 blocks half are allocated, a quarter is free. Class 64: a block.
     */
    census.classes[8] = (struct mpyi_class_sums){100, 3200, 1600, 0, {0, 0, 0, 0}};
    census.classes[64] = (struct mpyi_class_sums){1, 1, 0, 0, {0, 0, 0, 0}};
    mpyi_writer_begin(&out, report_take, &sink);
    mpyi_map_chart(&out, &census, 0);
    assert_int_equal(mpyi_writer_end(&out), 0);
    /* 96 pixels are 100 pools. */
    assert_non_null(
        strstr(sink.text, "class=\"k0\" x=\"174\" y=\"88\" width=\"12\" height=\"48\""));
    assert_non_null(strstr(sink.text, "class=\"f\" x=\"174\" y=\"64\" width=\"12\" height=\"24\""));
    assert_non_null(strstr(sink.text, "class=\"u\" x=\"174\" y=\"40\" width=\"12\" height=\"24\""));
    assert_non_null(strstr(sink.text, "x=\"1070\" y=\"135\" width=\"12\" height=\"1\""));
    assert_non_null(strstr(sink.text, "100 pools, 50.0 % in use, 50 would do"));
    assert_non_null(strstr(sink.text, ">400 KiB<"));
    free(sink.text);
}

static void
nothing_makes_an_empty_chart(void **state)
{
    (void)state;
    static struct mpyi_census census;
    struct report_sink sink = {NULL, 0, 0, 0};
    struct mpyi_writer out;
    mpyi_writer_begin(&out, report_take, &sink);
    mpyi_map_chart(&out, &census, 0);
    assert_int_equal(mpyi_writer_end(&out), 0);
    assert_int_equal(svg_count(sink.text, "<rect"), 0);
    free(sink.text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_are_explained),
        cmocka_unit_test(bars_show_what_classes_hold),
        cmocka_unit_test(nothing_makes_an_empty_chart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
