/* SPDX-License-Identifier: MIT */
/* Frees a block of mpy_mem_* with a region. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    (void)gallery_start(&g, argc, argv);
    void *p = mpy_mem_malloc(g.n);
    gallery_tell("block", p);
    gallery_tell("fault at", p);
    mpy_region_free(g.region, p);
    return gallery_end(&g);
}
