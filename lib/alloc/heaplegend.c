/* SPDX-License-Identifier: MIT */
/*
 * alloc/heaplegend.c - colours of a heap's picture, what they mean, and the chart of the classes.
 *
 * CSS classes
 *   k0..k4   allocated blocks, by MPY_KIND_*        u, f    untouched and free blocks
 *   r0..r7   share allocated, from none to all      e n o   pools: empty, unused, without memory
 *
 * Lock: none; the chart reads a census.
 */
#include "alloc/heapmap.h"

#include <inttypes.h>

#define SWATCH  12u
#define PLOT    96u /* height of the chart's longest bar */
#define COLUMN  16u
#define CHART_X MPYI_MAP_LEFT

void
mpyi_map_style(struct mpyi_writer *out)
{
    static const char *const rules[] = {
        ".page{fill:#fdfcf9}",
        "text{font:12px system-ui,'DejaVu Sans',sans-serif;fill:#333}",
        ".h1{font-size:22px;font-weight:600;fill:#111}",
        ".h2{font-size:14px;font-weight:600;fill:#111}",
        ".tile{font-size:10px;fill:#555}",
        ".tick{font-size:9px;fill:#555;text-anchor:end}",
        ".mid{text-anchor:middle;font-size:9px;fill:#555}",
        ".end{text-anchor:end;fill:#555}",
        ".line{stroke:#cfcabd;fill:none}",
        ".frame{fill:none;stroke:#cfcabd}",
        ".k0,.k1{fill:#355f8d}.k2{fill:#1f8f7f}.k3{fill:#7b3f8c}.k4{fill:#b3692e}",
        ".f{fill:#f2c531}.u{fill:#fbf1c9}",
        ".e{fill:#bfbab0}.n{fill:#e6e2d9}.o{fill:#fff;stroke:#e0dcd2}",
        ".r0{fill:#fde725}.r1{fill:#b8de29}.r2{fill:#6ccd5a}.r3{fill:#35b779}",
        ".r4{fill:#1f9e89}.r5{fill:#2a768e}.r6{fill:#3b518b}.r7{fill:#3b1c6b}",
    };
    mpyi_writer_print(out, "<style>\n");
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        mpyi_writer_print(out, "%s\n", rules[i]);
    }
    mpyi_writer_print(out, "</style>\n");
}

/* A square and its meaning; returns where the next one stands. `width` is the text's. */
static unsigned
swatch(struct mpyi_writer *out, const char *css, const char *text, unsigned width, unsigned x,
       unsigned y)
{
    mpyi_writer_print(out, "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>", css,
                      x, y, SWATCH, SWATCH);
    mpyi_writer_print(out, "<text x=\"%u\" y=\"%u\">%s</text>\n", x + SWATCH + 6, y + 10, text);
    return x + SWATCH + 6 + width + 18;
}

static unsigned
ramp(struct mpyi_writer *out, unsigned x, unsigned y)
{
    mpyi_writer_print(out, "<text x=\"%u\" y=\"%u\">0 %%</text>", x, y + 10);
    x += 28;
    for (unsigned i = 0; i < MPYI_MAP_STEPS; i++) {
        mpyi_writer_print(out, "<rect class=\"r%u\" x=\"%u\" y=\"%u\" width=\"22\" height=\"%u\"/>",
                          i, x + i * 22, y, SWATCH);
    }
    x += MPYI_MAP_STEPS * 22 + 6;
    mpyi_writer_print(out, "<text x=\"%u\" y=\"%u\">100 %% allocated</text>\n", x, y + 10);
    return x + 120;
}

void
mpyi_map_legend(struct mpyi_writer *out, int detail, unsigned kinds, unsigned y)
{
    static const struct {
        const char *css, *text;
        unsigned width;
    } kind[] = {
        [MPY_KIND_MEM] = {"k0", "allocated", 56},
        [MPY_KIND_RAW] = {"k1", "arrays", 42},
        [MPY_KIND_ATOM] = {"k2", "atoms", 38},
        [MPY_KIND_GC] = {"k3", "collected objects", 108},
        [MPY_KIND_REGION] = {"k4", "of regions", 62},
    };
    unsigned x = MPYI_MAP_LEFT;
    if (detail == MPYI_MAP_BLOCKS) {
        for (unsigned i = MPY_KIND_MEM; i <= MPY_KIND_REGION; i++) {
            if ((kinds >> i & 1) != 0) {
                x = swatch(out, kind[i].css, kind[i].text, kind[i].width, x, y);
            }
        }
        x = swatch(out, "f", "free again", 66, x, y);
        x = swatch(out, "u", "never handed out", 108, x, y);
    } else {
        x = ramp(out, x, y);
    }
    if (detail != MPYI_MAP_ARENAS) {
        x = swatch(out, "e", "empty pool of a heap", 130, x, y);
    }
    x = swatch(out, "n", "unused", 44, x, y);
    (void)swatch(out, "o", "unused, no memory", 116, x, y);
}

/* ---- classes ----------------------------------------------------------------------------------
 */

static uint64_t
bytes_held(const mpy_class_stats *stats)
{
    return stats->pools * MPY_POOL_SIZE;
}

/* A part of a bar above `from` pixels; where it ends. Nothing is invisible: at least a pixel. */
static unsigned
stack(struct mpyi_writer *out, const char *css, uint64_t bytes, uint64_t most, unsigned x,
      unsigned base, unsigned from)
{
    unsigned height = (unsigned)(bytes * PLOT / most);
    if (bytes == 0) {
        return from;
    }
    height += height == 0;
    mpyi_writer_print(out, "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>", css,
                      x, base - from - height, COLUMN - 4, height);
    return from + height;
}

static void
draw_class(struct mpyi_writer *out, const mpy_class_stats *stats, uint64_t most, unsigned x,
           unsigned base)
{
    uint64_t size = stats->block_size;
    uint64_t blocks = stats->pools * stats->blocks_per_pool;
    uint64_t permille = blocks == 0 ? 0 : stats->blocks_allocated * 1000 / blocks;
    mpyi_writer_print(out,
                      "<g><title>blocks of %" PRIu32 " bytes: %" PRIu64 " allocated, %" PRIu64
                      " free, %" PRIu64 " untouched; ",
                      stats->block_size, stats->blocks_allocated, stats->blocks_free,
                      stats->blocks_untouched);
    mpyi_writer_print(
        out, "%" PRIu64 " pools, %" PRIu64 ".%" PRIu64 " %% in use, %" PRIu64 " would do</title>",
        stats->pools, permille / 10, permille % 10, stats->pools_needed);
    unsigned top = stack(out, "k0", stats->blocks_allocated * size, most, x, base, 0);
    top = stack(out, "f", stats->blocks_free * size, most, x, base, top);
    (void)stack(out, "u", stats->blocks_untouched * size, most, x, base, top);
    mpyi_writer_print(out, "</g>\n");
}

void
mpyi_map_chart(struct mpyi_writer *out, const struct mpyi_census *census, unsigned y)
{
    mpy_class_stats stats;
    char text[MPYI_MAP_TEXT];
    uint64_t most = 1;
    unsigned base = y + 40 + PLOT;
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        mpyi_census_class(census, c, &stats);
        most = bytes_held(&stats) > most ? bytes_held(&stats) : most;
    }
    mpyi_writer_print(out, "<text class=\"h2\" x=\"%u\" y=\"%u\">Size classes</text>\n", CHART_X,
                      y + 16);
    mpyi_writer_print(out,
                      "<text class=\"end\" x=\"%u\" y=\"%u\">what the pools of each block size "
                      "hold: allocated, free, never handed out</text>\n",
                      MPYI_MAP_WIDTH - 32, y + 16);
    mpyi_writer_print(out, "<path class=\"line\" d=\"M%u %uh%uM%u %uh%u\"/>\n", CHART_X,
                      base - PLOT, COLUMN * MPY_CLASS_COUNT, CHART_X, base,
                      COLUMN * MPY_CLASS_COUNT);
    mpyi_writer_print(out, "<text class=\"tick\" x=\"%u\" y=\"%u\">%s</text>\n", CHART_X - 6,
                      base - PLOT + 4, most > 1 ? mpyi_map_size(text, most) : "");
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        unsigned x = CHART_X + (c - 1) * COLUMN + 2;
        mpyi_census_class(census, c, &stats);
        if (stats.pools > 0) {
            draw_class(out, &stats, most, x, base);
        }
        if (c % 4 == 0 || c == 1) {
            mpyi_writer_print(out, "<text class=\"mid\" x=\"%u\" y=\"%u\">%u</text>\n", x + 6,
                              base + 14, c * 8);
        }
    }
    mpyi_writer_print(out, "<text class=\"mid\" x=\"%u\" y=\"%u\">bytes</text>\n",
                      CHART_X + COLUMN * MPY_CLASS_COUNT + 16, base + 14);
}
