/* SPDX-License-Identifier: MIT */
/*
 * alloc/heaptile.c - one arena of a heap's picture, as blocks, as pools or as one tile.
 *
 * A pool's descriptor is copied before it is drawn, since other threads go on: a drawing may show a
 * pool as it was, never half of one state and half of another with a block outside its row. Shapes
 * of one colour become one path, which is a third of the bytes that rectangles take.
 *
 *   blocks   8 bytes a pixel: a block of class c is c pixels wide; below 32 bytes neighbours of
 *            the same state are drawn as one, else a pixel of paper separates them
 *
 * Lock: as alloc/visit.c.
 */
#include "alloc/heapmap.h"

#include <inttypes.h>

#define ROW        7u /* pixels from one pool to the next, and one less for its blocks */
#define CELL       6u
#define TILE       16u
#define PANEL_HEAD 16u
#define IDLE_ROWS  2u /* pools without blocks, as many as lie side by side */
#define SEPARATED  4u /* classes from here on have a gap between blocks */

/* A pool as it was at one moment. */
struct shot {
    uint64_t bits[8];
    const char *address;
    unsigned state, kind, size_class, capacity, used, virgin;
    int dirty;
};

struct mpyi_map_grid
mpyi_map_grid(int detail)
{
    switch (detail) {
    case MPYI_MAP_BLOCKS:
        return (struct mpyi_map_grid){558, 0, 2};
    case MPYI_MAP_POOLS:
        return (struct mpyi_map_grid){CELL * 8 + 6, CELL * 8 + 6, 20};
    default:
        return (struct mpyi_map_grid){TILE, TILE, 64};
    }
}

static MPYI_NO_TSAN struct shot
look(struct mpyi_space *space, uint32_t arena, unsigned n)
{
    struct mpyi_pool *pool = &space->pools[arena * MPYI_ARENA_POOLS + n];
    const struct mpyi_arena *of = &space->arenas[arena];
    struct shot shot = {
        .address = of->address != NULL ? of->address + (size_t)n * MPY_POOL_SIZE : NULL,
        .state = mpyi_state_of(pool->state, pool->due),
        .dirty = (of->dirty >> n & 1) != 0,
    };
    if (shot.state < MPY_POOL_USED) {
        return shot;
    }
    shot.size_class = pool->size_class;
    if (shot.size_class - 1u >= MPY_CLASS_COUNT) {
        shot.state = MPY_POOL_UNUSED;
        return shot;
    }
    shot.kind = pool->kind <= MPY_KIND_REGION ? pool->kind : MPY_KIND_MEM;
    shot.capacity = mpyi_class_capacity[shot.size_class];
    shot.virgin = pool->virgin;
    shot.used = mpyi_used_of(pool->state, pool->due, shot.size_class);
    for (unsigned w = 0; w < mpyi_pool_words(shot.size_class); w++) {
        shot.bits[w] = *mpyi_pool_word(space, pool, w);
    }
    return shot;
}

static unsigned
state_of(const struct shot *shot, unsigned block)
{
    if (block >= shot->virgin) {
        return MPY_BLOCK_UNTOUCHED;
    }
    return (shot->bits[block >> 6] >> (block & 63) & 1) != 0 ? MPY_BLOCK_FREE : MPY_BLOCK_ALLOCATED;
}

/* CSS class of a pool without blocks. */
static const char *
idle_class(const struct shot *shot)
{
    return shot->state == MPY_POOL_EMPTY ? "e" : shot->dirty ? "n" : "o";
}

/* ---- every block ------------------------------------------------------------------------------
 */

static void
draw_state(struct mpyi_writer *out, const struct shot *shot, unsigned state, const char *css,
           unsigned x, unsigned y)
{
    unsigned width = shot->size_class;
    int open = 0;
    for (unsigned i = 0; i < shot->capacity; i++) {
        unsigned n = 0;
        while (i + n < shot->capacity && state_of(shot, i + n) == state) {
            n++;
            if (width >= SEPARATED) {
                break;
            }
        }
        if (n == 0) {
            continue;
        }
        if (!open) {
            mpyi_writer_print(out, "<path class=\"%s\" d=\"", css);
            open = 1;
        }
        unsigned pixels = n * width - (width >= SEPARATED);
        mpyi_writer_print(out, "M%u %uh%uv%uh-%uz", x + i * width, y, pixels, ROW - 1, pixels);
        i += n - 1;
    }
    if (open) {
        mpyi_writer_print(out, "\"/>");
    }
}

static void
draw_blocks(struct mpyi_writer *out, const struct shot *shot, unsigned n, unsigned x, unsigned y)
{
    static const char *const css[] = {"k0", "k1", "k2", "k3", "k4"};
    unsigned counts[3] = {0, 0, 0};
    for (unsigned i = 0; i < shot->capacity; i++) {
        counts[state_of(shot, i)]++;
    }
    mpyi_writer_print(out,
                      "<g><title>pool %u at %p: blocks of %u bytes; %u allocated, %u free, "
                      "%u untouched</title>",
                      n, (const void *)shot->address, shot->size_class * 8,
                      counts[MPY_BLOCK_ALLOCATED], counts[MPY_BLOCK_FREE],
                      counts[MPY_BLOCK_UNTOUCHED]);
    draw_state(out, shot, MPY_BLOCK_UNTOUCHED, "u", x, y);
    draw_state(out, shot, MPY_BLOCK_FREE, "f", x, y);
    draw_state(out, shot, MPY_BLOCK_ALLOCATED, css[shot->kind], x, y);
    mpyi_writer_print(out, "</g>\n");
}

/* Pools first..last have no blocks and are in the same state. */
static void
draw_idle_rows(struct mpyi_writer *out, const struct shot *shot, unsigned first, unsigned last,
               unsigned rows, unsigned x, unsigned y)
{
    mpyi_writer_print(out,
                      "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"512\" height=\"%u\"><title>"
                      "pools %u to %u: %s</title></rect>\n",
                      idle_class(shot), x, y, rows * ROW - 1, first, last,
                      shot->state == MPY_POOL_EMPTY ? "empty, kept by their heap"
                      : shot->dirty                 ? "unused, with memory"
                                                    : "unused, without memory");
}

static void
draw_label(struct mpyi_writer *out, unsigned block_size, unsigned x, unsigned y)
{
    mpyi_writer_print(out, "<text class=\"tick\" x=\"%u\" y=\"%u\">%u</text>\n", x - 4, y + 7,
                      block_size);
}

/* Number of the last pool from n on that is without blocks in the same state as n is. */
static unsigned
last_idle(struct mpyi_space *space, uint32_t arena, unsigned n, const struct shot *shot)
{
    while (n + 1 < MPYI_ARENA_POOLS) {
        struct shot next = look(space, arena, n + 1);
        if (next.state != shot->state || next.dirty != shot->dirty) {
            break;
        }
        n++;
    }
    return n;
}

static unsigned
idle_rows(unsigned first, unsigned last)
{
    unsigned pools = last - first + 1;
    return pools < IDLE_ROWS ? pools : IDLE_ROWS;
}

unsigned
mpyi_map_panel_rows(struct mpyi_space *space, uint32_t arena)
{
    unsigned rows = 0;
    for (unsigned n = 0; n < MPYI_ARENA_POOLS; n++) {
        struct shot shot = look(space, arena, n);
        unsigned last = shot.state >= MPY_POOL_USED ? n : last_idle(space, arena, n, &shot);
        rows += idle_rows(n, last);
        n = last;
    }
    return rows;
}

unsigned
mpyi_map_panel_height(unsigned rows)
{
    return PANEL_HEAD + ROW * rows + 16;
}

void
mpyi_map_panel(struct mpyi_writer *out, struct mpyi_space *space, uint32_t arena, unsigned rows,
               unsigned x, unsigned y)
{
    unsigned labelled_class = 0;
    unsigned free_row = 0; /* first row whose label would not touch the one above */
    unsigned row = 0;
    mpyi_writer_print(out,
                      "<text class=\"tile\" x=\"%u\" y=\"%u\">arena %" PRIu32 " at %p</text>\n", x,
                      y + 10, arena, (const void *)space->arenas[arena].address);
    y += PANEL_HEAD;
    for (unsigned n = 0; n < MPYI_ARENA_POOLS && row < rows; n++) {
        struct shot shot = look(space, arena, n);
        if (shot.state >= MPY_POOL_USED) {
            if (shot.size_class != labelled_class && row >= free_row) {
                draw_label(out, shot.size_class * 8, x, y + row * ROW);
                labelled_class = shot.size_class;
                free_row = row + 2;
            }
            draw_blocks(out, &shot, n, x, y + row * ROW);
            row++;
            continue;
        }
        unsigned last = last_idle(space, arena, n, &shot);
        unsigned taken = idle_rows(n, last);
        taken = taken <= rows - row ? taken : rows - row;
        draw_idle_rows(out, &shot, n, last, taken, x, y + row * ROW);
        row += taken;
        n = last;
        labelled_class = 0;
    }
}

/* ---- every pool -------------------------------------------------------------------------------
 */

/* Step of the ramp for a share. */
static unsigned
step_of(uint64_t part, uint64_t whole)
{
    return part >= whole ? MPYI_MAP_STEPS - 1 : (unsigned)(part * MPYI_MAP_STEPS / whole);
}

/* CSS classes a cell may have: the ramp, and idle ones. */
static const char *const cell_css[] = {"r0", "r1", "r2", "r3", "r4", "r5",
                                       "r6", "r7", "e",  "n",  "o"};

#define CELL_CSS (sizeof cell_css / sizeof cell_css[0])

static unsigned
cell_of(const struct shot *shot)
{
    if (shot->state >= MPY_POOL_USED) {
        return step_of(shot->used, shot->capacity);
    }
    return MPYI_MAP_STEPS + (shot->state == MPY_POOL_EMPTY ? 0u : shot->dirty ? 1u : 2u);
}

struct sums {
    unsigned owned; /* pools that belong to heaps */
    int dirty;      /* some memory stands behind it */
    uint64_t bytes; /* allocated */
};

static void
add(struct sums *sums, const struct shot *shot)
{
    sums->owned += shot->state != MPY_POOL_UNUSED;
    sums->dirty |= shot->dirty;
    sums->bytes += (uint64_t)shot->used * shot->size_class * 8;
}

static void
draw_title(struct mpyi_writer *out, const struct mpyi_space *space, uint32_t arena, uint32_t span,
           const struct sums *sums)
{
    uint64_t permille = sums->bytes * 1000 / ((uint64_t)span * MPY_ARENA_SIZE);
    mpyi_writer_print(out, "<title>arena %" PRIu32, arena);
    if (span > 1) {
        mpyi_writer_print(out, " to %" PRIu32, arena + span - 1);
    }
    mpyi_writer_print(out, " at %p: %u of %" PRIu32 " pools in use, %u.%u %% allocated</title>",
                      (const void *)space->arenas[arena].address, sums->owned,
                      span * MPYI_ARENA_POOLS, (unsigned)permille / 10, (unsigned)permille % 10);
}

static void
draw_cells(struct mpyi_writer *out, struct mpyi_space *space, uint32_t arena, unsigned x,
           unsigned y)
{
    unsigned char cells[MPYI_ARENA_POOLS];
    struct sums sums = {0, 0, 0};
    for (unsigned n = 0; n < MPYI_ARENA_POOLS; n++) {
        struct shot shot = look(space, arena, n);
        cells[n] = (unsigned char)cell_of(&shot);
        add(&sums, &shot);
    }
    mpyi_writer_print(out, "<g>");
    draw_title(out, space, arena, 1, &sums);
    mpyi_writer_print(out, "<rect class=\"frame\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>",
                      x, y, CELL * 8 + 1, CELL * 8 + 1);
    for (unsigned css = 0; css < CELL_CSS; css++) {
        int open = 0;
        for (unsigned n = 0; n < MPYI_ARENA_POOLS; n++) {
            if (cells[n] != css) {
                continue;
            }
            if (!open) {
                mpyi_writer_print(out, "<path class=\"%s\" d=\"", cell_css[css]);
                open = 1;
            }
            mpyi_writer_print(out, "M%u %uh%uv%uh-%uz", x + 1 + n % 8 * CELL, y + 1 + n / 8 * CELL,
                              CELL - 1, CELL - 1, CELL - 1);
        }
        if (open) {
            mpyi_writer_print(out, "\"/>");
        }
    }
    mpyi_writer_print(out, "</g>\n");
}

/* ---- every arena ------------------------------------------------------------------------------
 */

static void
draw_tile(struct mpyi_writer *out, struct mpyi_space *space, uint32_t arena, uint32_t span,
          unsigned x, unsigned y)
{
    struct sums sums = {0, 0, 0};
    for (uint32_t i = 0; i < span; i++) {
        for (unsigned n = 0; n < MPYI_ARENA_POOLS; n++) {
            struct shot shot = look(space, arena + i, n);
            add(&sums, &shot);
        }
    }
    unsigned css = sums.owned > 0 ? step_of(sums.bytes, (uint64_t)span * MPY_ARENA_SIZE)
                                  : MPYI_MAP_STEPS + (sums.dirty ? 1u : 2u);
    mpyi_writer_print(out, "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\">",
                      cell_css[css], x, y, TILE - 1, TILE - 1);
    draw_title(out, space, arena, span, &sums);
    mpyi_writer_print(out, "</rect>\n");
}

void
mpyi_map_arena(struct mpyi_writer *out, struct mpyi_space *space, int detail, uint32_t arena,
               uint32_t span, unsigned x, unsigned y)
{
    if (detail == MPYI_MAP_POOLS) {
        draw_cells(out, space, arena, x, y);
    } else {
        draw_tile(out, space, arena, span, x, y);
    }
}
