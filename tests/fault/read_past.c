/* SPDX-License-Identifier: MIT */
/* Reads the byte past the end of a block. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    const volatile char *p = gallery_start(&g, argc, argv);
    (void)p[g.n];
    gallery_free(&g, (char *)(uintptr_t)p);
    return gallery_end(&g);
}
