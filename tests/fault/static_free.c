/* SPDX-License-Identifier: MIT */
/* Frees a variable of the program. */
#include "fault/gallery.h"

static char variable[64];

int
main(int argc, char **argv)
{
    struct gallery g;
    char *p = gallery_start(&g, argc, argv);
    (void)p;
    gallery_free(&g, variable + 16);
    return gallery_end(&g);
}
