/* SPDX-License-Identifier: MIT */
/* Frees a block with a size that was not requested. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    char *p = gallery_start(&g, argc, argv);
    if (g.domain == 'm') {
        mpy_mem_free_sized(p, g.n + 1);
    } else if (g.domain == 'r') {
        mpy_region_free_sized(g.region, p, g.n + 1);
    } else if (g.domain == 'a') {
        mpyi_atom_free(g.heap, p, g.n + 8);
    } else {
        mpy_obj_free_sized(p, 2 * g.n);
    }
    return gallery_end(&g);
}
