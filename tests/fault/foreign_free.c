/* SPDX-License-Identifier: MIT */
/* Frees a block of malloc. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    char *p = gallery_start(&g, argc, argv);
    (void)p;
    gallery_free(&g, malloc(g.n));
    return gallery_end(&g);
}
