/* SPDX-License-Identifier: MIT */
/* Frees a block of one domain with the function of another. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    char *p = gallery_start(&g, argc, argv);
    if (g.domain == 'm') {
        mpy_obj_free(p);
    } else {
        mpy_mem_free(p);
    }
    return gallery_end(&g);
}
