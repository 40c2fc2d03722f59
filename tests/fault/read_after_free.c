/* SPDX-License-Identifier: MIT */
/* Reads a block that was freed. */
#include "fault/gallery.h"

int
main(int argc, char **argv)
{
    struct gallery g;
    const volatile char *p = gallery_start(&g, argc, argv);
    gallery_free(&g, (char *)(uintptr_t)p);
    (void)p[g.n / 2];
    return gallery_end(&g);
}
