/* SPDX-License-Identifier: MIT */
/* Writes one byte past the end of a block that was freed. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    char *p = gallery_start(&g, argc, argv);
    gallery_free(&g, p);
    *(volatile char *)(p + g.n) = 1;
    return gallery_end(&g);
}
