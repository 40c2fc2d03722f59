/* SPDX-License-Identifier: MIT */
/*
 * fault/gallery.h - what the programs of the gallery share.
 *
 *   PROGRAM DOMAIN SIZE      DOMAIN is mem, obj, atom, cell or region
 *
 * Each makes one mistake with a block of SIZE bytes and returns 0 if nobody noticed. Neighbours are
 * allocated around the block, so that a pool has others than free ones. Before, it tells on stderr
 * what the message has to name: the block, and the address that the mistake is about.
 */
#ifndef MPY_TEST_FAULT_GALLERY_H
#define MPY_TEST_FAULT_GALLERY_H

#include "alloc/rtheap.h"

#include "minipy/region.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct gallery {
    char domain; /* its first letter */
    size_t n;
    struct mpyi_rtheap *heap;
    mpy_region *region;
};

static inline char *
gallery_alloc(const struct gallery *g)
{
    switch (g->domain) {
    case 'm':
        return mpy_mem_malloc(g->n);
    case 'o':
        return mpy_obj_malloc(g->n);
    case 'a':
        return mpyi_atom_alloc(g->heap, g->n);
    case 'r':
        return mpy_region_malloc(g->region, g->n);
    default:
        return mpyi_cell_alloc(g->heap, g->n);
    }
}

/* The last line with the same `what` counts. */
static inline void
gallery_tell(const char *what, const void *p)
{
    char line[64];
    int n = snprintf(line, sizeof line, "gallery: %s %p\n", what, p);
    if (write(STDERR_FILENO, line, (size_t)n) != n) {
        exit(2);
    }
}

/* Two frees have to have two sites: a message does not name the same one twice. So what is inline
   is not called, which would be one site in builds that inline nothing, but what it calls. */
static inline __attribute__((always_inline)) void
gallery_free(const struct gallery *g, void *p)
{
    gallery_tell("fault at", p);
    switch (g->domain) {
    case 'm':
        mpy_mem_free(p);
        break;
    case 'o':
        mpy_obj_free(p);
        break;
    case 'a':
        mpyi_atom_free_slow(g->heap, p, g->n);
        break;
    case 'r':
        mpy_region_free(g->region, p);
        break;
    default:
        mpyi_cell_free_slow(g->heap, p, g->n);
    }
}

/* Sets up what the arguments say and returns the block the mistake is made with. */
static inline char *
gallery_start(struct gallery *g, int argc, char **argv)
{
    const struct rlimit no_core = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    if (argc != 3) {
        exit(2);
    }
    g->domain = argv[1][0];
    g->n = strtoul(argv[2], NULL, 10);
    g->heap = mpyi_rtheap_new(NULL);
    g->region = mpy_region_new(NULL);
    if (g->heap == NULL || g->region == NULL) {
        exit(2);
    }
    mpyi_rtheap_enter(g->heap);
    char *before = gallery_alloc(g);
    char *p = gallery_alloc(g);
    char *after = gallery_alloc(g);
    if (before == NULL || p == NULL || after == NULL) {
        exit(2);
    }
    memset(p, 1, g->n);
    gallery_tell("block", p);
    gallery_tell("fault at", p);
    return p;
}

/* For mistakes that show when the heap or the region goes away. */
static inline int
gallery_end(struct gallery *g)
{
    mpy_region_destroy(g->region);
    mpyi_rtheap_free(g->heap);
    return 0;
}

#endif /* MPY_TEST_FAULT_GALLERY_H */
