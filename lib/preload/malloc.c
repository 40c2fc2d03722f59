/* SPDX-License-Identifier: MIT */
/*
 * preload/malloc.c - malloc, calloc, realloc, free and the size of a block.
 *
 * The common case is the mem domain's: a pop from or a push on the calling thread's magazine, here
 * once more in line, so that a malloc() is one call. Everything else goes through functions that
 * keep errno: free() never changes it, an allocation only sets ENOMEM when it fails.
 *
 * Where programs know glibc's answer to what standards leave open, it is the answer here, too:
 *   malloc(0)       a unique pointer
 *   realloc(p, 0)   frees p and returns NULL, errno unchanged
 *   free_sized()    the size is not looked at: a wrong one must not break a program
 *
 * Lock: none.
 */
#include "preload/preload.h"

#include "base/bits.h"

#include <errno.h>

void *
mpyi_errno_done(void *p, int kept)
{
    errno = p != NULL ? kept : ENOMEM;
    return p;
}

/* ---- malloc, free ---------------------------------------------------------------------------- */

static MPYI_SLOW void *
malloc_slow(size_t n, const void *site)
{
    int kept = errno;
    void *p = mpyi_mem_malloc_at(n, site);
    mpyi_preload_start();
    return mpyi_errno_done(p, kept);
}

/* Requests of up to 8 bytes, which have a class of their own, and magazines that turn. */
void *
mpyi_malloc_other(size_t n, const void *site)
{
    if (n - 1 < MPY_SMALL_MAX) {
        unsigned size_class = mpy_priv_mem_class(n);
        void *p = mpyi_bin_take(&mpy_priv_tls.mem->bins[size_class], size_class);
        if (MPY_LIKELY(p != NULL)) {
            return p;
        }
    }
    return malloc_slow(n, site);
}

MPYI_SLOW void
mpyi_free_other(void *p, const void *site)
{
    int kept = errno;
    mpyi_mem_free_at(p, site);
    errno = kept;
}

/* ---- the exported names ---------------------------------------------------------------------- */

void *
mpyi_export_malloc(size_t n) MPYI_EXPORT("malloc");
void
mpyi_export_free(void *p) MPYI_EXPORT("free");
void
mpyi_export_cfree(void *p) MPYI_EXPORT("cfree");
void
mpyi_export_free_sized(void *p, size_t n) MPYI_EXPORT("free_sized");
void
mpyi_export_free_aligned_sized(void *p, size_t alignment, size_t n)
    MPYI_EXPORT("free_aligned_sized");
void *
mpyi_export_calloc(size_t nelem, size_t elsize) MPYI_EXPORT("calloc");
void *
mpyi_export_realloc(void *p, size_t n) MPYI_EXPORT("realloc");
void *
mpyi_export_reallocarray(void *p, size_t nelem, size_t elsize) MPYI_EXPORT("reallocarray");
size_t
mpyi_export_usable_size(void *p) MPYI_EXPORT("malloc_usable_size");

MPYI_HOT void *
mpyi_export_malloc(size_t n)
{
    return mpyi_malloc(n);
}

MPYI_HOT static void
own_free(void *p)
{
    mpyi_free(p);
}

void
mpyi_export_free(void *p) MPYI_HOT __attribute__((alias("own_free")));

/* glibc dropped it for new programs in 2.26; old ones still ask for it. */
void
mpyi_export_cfree(void *p) MPYI_HOT __attribute__((alias("own_free")));

void
mpyi_export_free_sized(void *p, size_t n)
{
    (void)n;
    mpyi_free(p);
}

void
mpyi_export_free_aligned_sized(void *p, size_t alignment, size_t n)
{
    (void)alignment;
    (void)n;
    mpyi_free(p);
}

void *
mpyi_export_calloc(size_t nelem, size_t elsize)
{
    int kept = errno;
    void *p = mpyi_mem_calloc_at(nelem, elsize, MPYI_CALLER);
    mpyi_preload_start();
    return mpyi_errno_done(p, kept);
}

static inline __attribute__((always_inline)) void *
resize(void *p, size_t n)
{
    if (p == NULL) {
        return mpyi_malloc(n);
    }
    if (n == 0) {
        mpyi_free(p);
        return NULL;
    }
    int kept = errno;
    return mpyi_errno_done(mpyi_mem_realloc_at(p, n, MPYI_CALLER), kept);
}

void *
mpyi_export_realloc(void *p, size_t n)
{
    return resize(p, n);
}

void *
mpyi_export_reallocarray(void *p, size_t nelem, size_t elsize)
{
    size_t n;
    if (!mpyi_mul_size(nelem, elsize, &n)) {
        errno = ENOMEM;
        return NULL;
    }
    return resize(p, n);
}

size_t
mpyi_export_usable_size(void *p)
{
    return mpyi_mem_usable_at(p, MPYI_CALLER);
}
