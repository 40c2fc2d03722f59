/* SPDX-License-Identifier: MIT */
/* Frees a block of one region with another. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    char *p = gallery_start(&g, argc, argv);
    mpy_region *other = mpy_region_new(NULL);
    mpy_region_free(other, p);
    mpy_region_destroy(other);
    return gallery_end(&g);
}
