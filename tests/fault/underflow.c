/* SPDX-License-Identifier: MIT */
/* Writes one byte before the start of a block. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    char *p = gallery_start(&g, argc, argv);
    *(volatile char *)(p - 1) = 1;
    gallery_free(&g, p);
    return gallery_end(&g);
}
