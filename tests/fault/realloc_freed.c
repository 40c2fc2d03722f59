/* SPDX-License-Identifier: MIT */
/* Changes the size of a block that was freed. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    char *p = gallery_start(&g, argc, argv);
    gallery_free(&g, p);
    p = g.domain == 'm'   ? mpy_mem_realloc(p, g.n + 1)
        : g.domain == 'o' ? mpy_obj_realloc(p, g.n + 1)
                          : mpy_region_realloc(g.region, p, g.n + 1);
    return gallery_end(&g);
}
