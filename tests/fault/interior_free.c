/* SPDX-License-Identifier: MIT */
/* Frees an address inside a block. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    char *p = gallery_start(&g, argc, argv);
    gallery_free(&g, p + 8);
    return gallery_end(&g);
}
