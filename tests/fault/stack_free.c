/* SPDX-License-Identifier: MIT */
/* Frees a variable of a function. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    char *p = gallery_start(&g, argc, argv);
    char local[64] = {0};
    (void)p;
    gallery_free(&g, local + 16);
    return gallery_end(&g);
}
