/* SPDX-License-Identifier: MIT */
/* Writes one byte past the end of a block that is never freed: its region, its runtime or the
   program ends. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    char *p = gallery_start(&g, argc, argv);
    *(volatile char *)(p + g.n) = 1;
    return gallery_end(&g);
}
