/* SPDX-License-Identifier: MIT */
/* Writes into a block that was freed and waits in quarantine: its region is cleared. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    char *p = gallery_start(&g, argc, argv);
    gallery_free(&g, p);
    *(volatile char *)(p + g.n / 2) = 1;
    mpy_region_clear(g.region);
    return gallery_end(&g);
}
