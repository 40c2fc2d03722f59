/* SPDX-License-Identifier: MIT */
/*
 * alloc/backend.c - which malloc this process has.
 *
 * glibc's malloc and its internal name __libc_malloc are one address, unless somebody stands in
 * front of malloc: another allocator, a sanitizer, glibc's own checking library. Valgrind leaves
 * the addresses alone and replaces the code behind them; it is known by what it preloads. In doubt
 * the answer is no, which costs a few nanoseconds and nothing else.
 *
 * Invariant: mpyi_backend_headers does not change after the first large request.
 *
 * Lock: none; called under the once of the mem domain's start.
 */
#include "alloc/backend.h"

#include <stdlib.h>
#include <string.h>

int mpyi_backend_headers;

#if defined(__x86_64__) && defined(__GLIBC__) && !MPY_PRELOAD && !MPY_LARGE_JEMALLOC &&            \
    !MPYI_ASAN && !MPYI_TSAN

extern void *
__libc_malloc(size_t n) __attribute__((weak));
extern void
__libc_free(void *p) __attribute__((weak));

static int
has_headers(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    if (preloaded != NULL && strstr(preloaded, "vgpreload") != NULL) {
        return 0;
    }
    return malloc == __libc_malloc && free == __libc_free;
}

#else

static int
has_headers(void)
{
    return 0;
}

#endif

void
mpyi_backend_start(void)
{
    mpyi_backend_headers = has_headers();
}
