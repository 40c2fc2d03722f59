/* SPDX-License-Identifier: MIT */
/* Writes the byte before a block that is never freed: its region is cleared. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    char *p = gallery_start(&g, argc, argv);
    *(volatile char *)(p - 1) = 1;
    mpy_region_clear(g.region);
    return gallery_end(&g);
}
