/* SPDX-License-Identifier: MIT */
/*
 * alloc/heapmap.h - the picture of a heap: what its three files tell each other.
 *
 *   heapmap.c     the page: how detailed it is, where its sections stand
 *   heaptile.c    one arena, in one of three degrees of detail
 *   heaplegend.c  what the colours mean, and what the size classes hold
 *
 * Degrees of detail, by the number of pools in use and of arenas:
 *   blocks   up to 512 pools (2 MiB)      a panel an arena, a row a pool, a rectangle a block
 *   pools    up to 512 arenas (128 MiB)   a tile an arena, a cell a pool
 *   arenas   more                         a tile one arena, or 2, 4, 8.. so that 4096 tiles suffice
 *
 * Size classes that grow begin runs of their own, so a small heap may have many arenas of which it
 * uses little: where blocks are drawn, pools without blocks that lie side by side take two rows.
 *
 * Colours: light where memory is idle, dark where it is allocated, in this order also in grey and
 * for eyes that confuse red and green (the ramp follows viridis). All coordinates are whole pixels.
 *
 * Lock: as alloc/visit.c.
 */
#ifndef MPY_ALLOC_HEAPMAP_H
#define MPY_ALLOC_HEAPMAP_H

#include "alloc/census.h"
#include "alloc/writer.h"

#define MPYI_MAP_BLOCKS 0
#define MPYI_MAP_POOLS  1
#define MPYI_MAP_ARENAS 2

#define MPYI_MAP_BLOCKS_MAX 512u  /* pools in use */
#define MPYI_MAP_PANELS_MAX 64u   /* arenas */
#define MPYI_MAP_POOLS_MAX  512u  /* arenas */
#define MPYI_MAP_TILES_MAX  4096u /* tiles */

#define MPYI_MAP_WIDTH 1160u
#define MPYI_MAP_LEFT  60u
#define MPYI_MAP_STEPS 8u /* of the ramp: CSS classes r0..r7 */

/* Size of one arena's drawing, the room between included, and how many stand side by side; panels
   have a height each. */
struct mpyi_map_grid {
    unsigned width, height, columns;
};

struct mpyi_map_grid
mpyi_map_grid(int detail);

/* The degree of detail for that many arenas and pools with blocks; *span gets the arenas a tile
   stands for. */
int
mpyi_map_detail(uint32_t arenas, uint64_t pools, uint32_t *span);

/* Rows of an arena's panel, and the height of so many, the room between panels included. */
unsigned
mpyi_map_panel_rows(struct mpyi_space *space, uint32_t arena);

unsigned
mpyi_map_panel_height(unsigned rows);

/* Draws an arena block by block, upper left corner at (x, y), and no more rows than that: what
   other threads have added since they were counted is left out. */
void
mpyi_map_panel(struct mpyi_writer *out, struct mpyi_space *space, uint32_t arena, unsigned rows,
               unsigned x, unsigned y);

/* Draws `span` arenas from number `arena` on as a tile, with its pools or without. */
void
mpyi_map_arena(struct mpyi_writer *out, struct mpyi_space *space, int detail, uint32_t arena,
               uint32_t span, unsigned x, unsigned y);

/* The colours, one line of 24 pixels; kinds: 1 << MPY_KIND_* of what the heap may contain. */
void
mpyi_map_legend(struct mpyi_writer *out, int detail, unsigned kinds, unsigned y);

/* Style sheet. */
void
mpyi_map_style(struct mpyi_writer *out);

/* Height of the chart of classes, and the chart. */
#define MPYI_MAP_CHART_HEIGHT 180u

void
mpyi_map_chart(struct mpyi_writer *out, const struct mpyi_census *census, unsigned y);

/* "1.5 MiB" into text; returns text. */
#define MPYI_MAP_TEXT 32u

const char *
mpyi_map_size(char text[MPYI_MAP_TEXT], uint64_t bytes);

#endif /* MPY_ALLOC_HEAPMAP_H */
