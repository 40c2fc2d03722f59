/* SPDX-License-Identifier: MIT */
/* Frees the address where the red zone in front of a block begins: there a block starts indeed. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    char *p = gallery_start(&g, argc, argv);
    gallery_free(&g, p - 16);
    return gallery_end(&g);
}
