/* SPDX-License-Identifier: MIT */
/*
 * alloc/heapmap.c - the page of a heap's picture; see alloc/heapmap.h.
 *
 *   title, totals, colours        HEAD pixels
 *   a section for each space      heading, then its arenas in rows
 *   chart of the size classes     MPYI_MAP_CHART_HEIGHT
 *
 * The number of arenas, and of the rows of each, is read once, at the start: what other threads add
 * meanwhile is not drawn. Nothing is allocated.
 *
 * Lock: as alloc/visit.c.
 */
#include "alloc/heapmap.h"

#include <inttypes.h>
#include <stdio.h>

#define HEAD    124u
#define HEADING 30u

struct page {
    struct mpyi_writer out;
    const struct mpyi_spaces *spaces;
    uint32_t arenas[2]; /* of each space */
    int detail;
    uint32_t span;
    unsigned y;
    unsigned char rows[2][MPYI_MAP_PANELS_MAX]; /* of each panel */
};

int
mpyi_map_detail(uint32_t arenas, uint64_t pools, uint32_t *span)
{
    *span = 1;
    if (arenas <= MPYI_MAP_PANELS_MAX && pools <= MPYI_MAP_BLOCKS_MAX) {
        return MPYI_MAP_BLOCKS;
    }
    if (arenas <= MPYI_MAP_POOLS_MAX) {
        return MPYI_MAP_POOLS;
    }
    while (arenas > MPYI_MAP_TILES_MAX * *span) {
        *span *= 2;
    }
    return MPYI_MAP_ARENAS;
}

const char *
mpyi_map_size(char text[MPYI_MAP_TEXT], uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    uint64_t tenths = bytes * 10;
    unsigned unit = 0;
    while (tenths >= UINT64_C(10240) && unit < 4) {
        tenths /= 1024;
        unit++;
    }
    if (unit == 0) {
        (void)snprintf(text, MPYI_MAP_TEXT, "%" PRIu64 " bytes", bytes);
    } else if (tenths % 10 == 0) {
        (void)snprintf(text, MPYI_MAP_TEXT, "%" PRIu64 " %s", tenths / 10, units[unit]);
    } else {
        (void)snprintf(text, MPYI_MAP_TEXT, "%" PRIu64 ".%u %s", tenths / 10,
                       (unsigned)(tenths % 10), units[unit]);
    }
    return text;
}

static uint32_t
tiles(const struct page *page, unsigned section)
{
    return (page->arenas[section] + page->span - 1) / page->span;
}

/* Height of the panel i and of the one beside it. */
static unsigned
pair_height(const struct page *page, unsigned section, uint32_t i)
{
    unsigned rows = page->rows[section][i];
    unsigned beside = i + 1 < page->arenas[section] ? page->rows[section][i + 1] : 0;
    return mpyi_map_panel_height(rows > beside ? rows : beside);
}

static unsigned
section_height(const struct page *page, unsigned section)
{
    struct mpyi_map_grid grid = mpyi_map_grid(page->detail);
    if (page->detail == MPYI_MAP_BLOCKS) {
        unsigned height = HEADING + 14;
        for (uint32_t i = 0; i < page->arenas[section]; i += grid.columns) {
            height += pair_height(page, section, i);
        }
        return height;
    }
    uint32_t rows = (tiles(page, section) + grid.columns - 1) / grid.columns;
    return HEADING + (unsigned)rows * grid.height + 14;
}

static void
draw_head(struct page *page, const mpy_mem_stats *stats)
{
    char text[MPYI_MAP_TEXT];
    struct mpyi_writer *out = &page->out;
    unsigned height = HEAD + MPYI_MAP_CHART_HEIGHT;
    for (unsigned i = 0; i < page->spaces->count; i++) {
        height += section_height(page, i);
    }
    mpyi_writer_print(out,
                      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
                      "viewBox=\"0 0 %u %u\">\n",
                      MPYI_MAP_WIDTH, height, MPYI_MAP_WIDTH, height);
    mpyi_map_style(out);
    mpyi_writer_print(out, "<rect class=\"page\" width=\"%u\" height=\"%u\"/>\n", MPYI_MAP_WIDTH,
                      height);
    mpyi_writer_print(out, "<text class=\"h1\" x=\"%u\" y=\"42\">Heap map of %s</text>\n",
                      MPYI_MAP_LEFT, page->spaces->heap == NULL ? "the process" : "a runtime");
    mpyi_writer_print(out, "<text x=\"%u\" y=\"66\">%" PRIu64 " arenas with memory, %s",
                      MPYI_MAP_LEFT, stats->arenas, mpyi_map_size(text, stats->arena_bytes));
    mpyi_writer_print(out, "; %" PRIu64 " blocks allocated, %s", stats->blocks_allocated,
                      mpyi_map_size(text, stats->bytes_allocated));
    if (stats->arena_bytes > 0) {
        uint64_t permille = stats->bytes_allocated * 1000 / stats->arena_bytes;
        mpyi_writer_print(out, " (%" PRIu64 ".%" PRIu64 " %%)", permille / 10, permille % 10);
    }
    if (stats->large_blocks > 0) {
        mpyi_writer_print(out, "; outside of the arenas %" PRIu64 " large blocks, %s",
                          stats->large_blocks, mpyi_map_size(text, stats->large_bytes));
    }
    mpyi_writer_print(out, "</text>\n");
}

static void
draw_heading(struct page *page, unsigned section)
{
    static const char *const of_detail[] = {
        "panels are arenas, rows pools of 4 KiB (two for idle neighbours), each rectangle a block",
        "each tile is an arena of 256 KiB, each cell a pool of 4 KiB",
        "each tile is",
    };
    static const char *const of_runtime[] = {"Arrays and objects that form no cycles",
                                             "Objects the collector knows"};
    char text[MPYI_MAP_TEXT];
    mpyi_writer_print(&page->out, "<text class=\"h2\" x=\"%u\" y=\"%u\">%s</text>\n", MPYI_MAP_LEFT,
                      page->y + 16,
                      page->spaces->heap == NULL ? "Blocks of mem" : of_runtime[section]);
    mpyi_writer_print(&page->out, "<text class=\"end\" x=\"%u\" y=\"%u\">%s", MPYI_MAP_WIDTH - 32,
                      page->y + 16, of_detail[page->detail]);
    if (page->detail == MPYI_MAP_ARENAS) {
        mpyi_writer_print(&page->out, " %" PRIu32 " arena%s, %s", page->span,
                          page->span == 1 ? "" : "s",
                          mpyi_map_size(text, (uint64_t)page->span * MPY_ARENA_SIZE));
    }
    mpyi_writer_print(&page->out, "</text>\n");
}

/* In front of a row of tiles: where it starts, counted from the first arena. */
static void
draw_row_label(struct page *page, uint32_t arena, unsigned y)
{
    char text[MPYI_MAP_TEXT];
    mpyi_writer_print(&page->out, "<text class=\"tick\" x=\"%u\" y=\"%u\">%s</text>\n",
                      MPYI_MAP_LEFT - 6, y + 9,
                      mpyi_map_size(text, (uint64_t)arena * MPY_ARENA_SIZE));
}

static void
draw_panels(struct page *page, unsigned section)
{
    struct mpyi_map_grid grid = mpyi_map_grid(page->detail);
    unsigned y = page->y + HEADING;
    for (uint32_t i = 0; i < page->arenas[section]; i++) {
        unsigned column = i % grid.columns;
        mpyi_map_panel(&page->out, page->spaces->space[section], i, page->rows[section][i],
                       MPYI_MAP_LEFT + column * grid.width, y);
        y += column + 1 == grid.columns ? pair_height(page, section, i + 1 - grid.columns) : 0;
    }
}

static void
draw_tiles(struct page *page, unsigned section)
{
    struct mpyi_map_grid grid = mpyi_map_grid(page->detail);
    uint32_t count = tiles(page, section);
    unsigned every = page->detail == MPYI_MAP_ARENAS ? 4 : 1;
    for (uint32_t i = 0; i < count; i++) {
        unsigned column = i % grid.columns;
        unsigned row = i / grid.columns;
        unsigned y = page->y + HEADING + row * grid.height;
        uint32_t first = i * page->span;
        uint32_t left = page->arenas[section] - first;
        if (column == 0 && row % every == 0) {
            draw_row_label(page, first, y);
        }
        mpyi_map_arena(&page->out, page->spaces->space[section], page->detail, first,
                       left < page->span ? left : page->span, MPYI_MAP_LEFT + column * grid.width,
                       y);
    }
}

static void
draw_section(struct page *page, unsigned section)
{
    draw_heading(page, section);
    if (page->detail == MPYI_MAP_BLOCKS) {
        draw_panels(page, section);
    } else {
        draw_tiles(page, section);
    }
    page->y += section_height(page, section);
}

/* How much there is to draw, at this moment. */
static void
measure(struct page *page, uint64_t pools)
{
    uint32_t arenas = 0;
    for (unsigned i = 0; i < page->spaces->count; i++) {
        page->arenas[i] = __atomic_load_n(&page->spaces->space[i]->arena_count, __ATOMIC_ACQUIRE);
        arenas += page->arenas[i];
    }
    page->detail = mpyi_map_detail(arenas, pools, &page->span);
    for (unsigned i = 0; i < page->spaces->count && page->detail == MPYI_MAP_BLOCKS; i++) {
        for (uint32_t k = 0; k < page->arenas[i]; k++) {
            page->rows[i][k] = (unsigned char)mpyi_map_panel_rows(page->spaces->space[i], k);
        }
    }
}

int
mpy_mem_dump_map(mpy_runtime *rt, mpy_write_fn write, void *data)
{
    struct mpyi_spaces spaces;
    struct mpyi_census census;
    mpy_mem_stats stats;
    struct page page = {.spaces = &spaces, .y = HEAD};
    if (write == NULL) {
        return mpyi_invalid();
    }
    if (mpyi_spaces_of(rt, &spaces) < 0) {
        return -1;
    }
    mpyi_spaces_flush(&spaces);
    if (mpyi_census_take(rt, &census, &stats) < 0) {
        return -1;
    }
    measure(&page, stats.pools_used + stats.pools_full);
    mpyi_writer_begin(&page.out, write, data);
    draw_head(&page, &stats);
    mpyi_map_legend(&page.out, page.detail,
                    1u << MPY_KIND_REGION |
                        (rt == NULL ? 1u << MPY_KIND_MEM
                                    : 1u << MPY_KIND_RAW | 1u << MPY_KIND_ATOM | 1u << MPY_KIND_GC),
                    82);
    for (unsigned i = 0; i < spaces.count; i++) {
        draw_section(&page, i);
    }
    mpyi_map_chart(&page.out, &census, page.y);
    mpyi_writer_print(&page.out, "</svg>\n");
    return mpyi_writer_end(&page.out);
}
