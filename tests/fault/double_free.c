/* SPDX-License-Identifier: MIT */
/* Frees a block twice. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    char *p = gallery_start(&g, argc, argv);
    gallery_free(&g, p);
    gallery_free(&g, p);
    return gallery_end(&g);
}
