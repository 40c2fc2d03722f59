/* SPDX-License-Identifier: MIT */
/* Frees a block of mpy_mem_* with a region. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    (void)gallery_start(&g, argc, argv);
    mpy_region_free(g.region, mpy_mem_malloc(g.n));
    return gallery_end(&g);
}
