/* SPDX-License-Identifier: MIT */
/*
 * preload/aligned_family.c - blocks at chosen alignments: five old and new ways to ask for one.
 *
 *   posix_memalign   a power of two and a multiple of sizeof(void *), else EINVAL; errno unchanged
 *   aligned_alloc    a power of two, else EINVAL; the size need not be a multiple
 *   memalign         rounds the alignment up to a power of two, as glibc's does
 *   valloc, pvalloc  pages of the system; pvalloc rounds the size up to whole ones
 *
 * Lock: none.
 */
#include "preload/preload.h"

#include "alloc/os.h"
#include "base/bits.h"

#include <errno.h>

void *
mpyi_aligned(size_t alignment, size_t n, const void *site)
{
    if (!mpyi_is_pow2(alignment)) {
        errno = EINVAL;
        return NULL;
    }
    int kept = errno;
    void *p = mpyi_mem_aligned_at(alignment, n, site);
    mpyi_preload_start();
    return mpyi_errno_done(p, kept);
}

int
mpyi_export_posix_memalign(void **out, size_t alignment, size_t n) MPYI_EXPORT("posix_memalign");
void *
mpyi_export_aligned_alloc(size_t alignment, size_t n) MPYI_EXPORT("aligned_alloc");
void *
mpyi_export_memalign(size_t alignment, size_t n) MPYI_EXPORT("memalign");
void *
mpyi_export_valloc(size_t n) MPYI_EXPORT("valloc");
void *
mpyi_export_pvalloc(size_t n) MPYI_EXPORT("pvalloc");

int
mpyi_export_posix_memalign(void **out, size_t alignment, size_t n)
{
    if (!mpyi_is_pow2(alignment) || alignment % sizeof(void *) != 0) {
        return EINVAL;
    }
    int kept = errno;
    void *p = mpyi_aligned(alignment, n, MPYI_CALLER);
    errno = kept;
    if (p == NULL) {
        return ENOMEM;
    }
    *out = p;
    return 0;
}

void *
mpyi_export_aligned_alloc(size_t alignment, size_t n)
{
    return mpyi_aligned(alignment, n, MPYI_CALLER);
}

void *
mpyi_export_memalign(size_t alignment, size_t n)
{
    size_t rounded = 1;
    while (rounded < alignment && rounded != 0) {
        rounded <<= 1;
    }
    /* 0, which no power of two is: nothing that large exists. */
    return mpyi_aligned(rounded, n, MPYI_CALLER);
}

void *
mpyi_export_valloc(size_t n)
{
    return mpyi_aligned(mpyi_os_page_size(), n, MPYI_CALLER);
}

void *
mpyi_export_pvalloc(size_t n)
{
    size_t page = mpyi_os_page_size();
    size_t padded;
    if (!mpyi_add_size(n, page - 1, &padded)) {
        errno = ENOMEM;
        return NULL;
    }
    size_t whole = padded & ~(page - 1);
    return mpyi_aligned(page, whole != 0 ? whole : page, MPYI_CALLER);
}
