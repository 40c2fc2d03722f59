/* SPDX-License-Identifier: MIT */
/* Frees an address that no block can start at. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    char *p = gallery_start(&g, argc, argv);
    gallery_free(&g, p + 3);
    return gallery_end(&g);
}
