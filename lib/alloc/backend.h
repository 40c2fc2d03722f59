/* SPDX-License-Identifier: MIT */
/*
 * alloc/backend.h - whom large requests go to: the system's malloc, or jemalloc.
 *
 * Chosen when the library is built (MINIPY_LARGE_BACKEND). jemalloc is called by the names only it
 * has, mallocx() and its family, so the process may have any other malloc beside it.
 *
 * The size of a block is asked for on each free. Where malloc is glibc's own, the word in front of
 * the block is read here: the call costs more than all else that a free of a cached block does.
 *
 * Lock: none; the back ends have their own.
 */
#ifndef MPY_ALLOC_BACKEND_H
#define MPY_ALLOC_BACKEND_H

#include "alloc/os.h"
#include "alloc/sys.h"
#include "base/features.h"

#include "minipy/base.h"

#ifndef MPY_LARGE_JEMALLOC
#define MPY_LARGE_JEMALLOC 0
#endif

/* Steps to each power of two that sizes are rounded to: what the back end would round to anyway. */
#define MPYI_BACKEND_STEP_LOG (MPY_LARGE_JEMALLOC ? 2 : 3)

/* 1 when malloc is glibc's own and blocks have its header; set once, before the first request. */
extern int mpyi_backend_headers;

/* Looks which malloc this process has. */
void
mpyi_backend_start(void);

/* The preload library calls glibc's malloc by names that nobody stands in front of. */
#if MPY_PRELOAD && !MPY_PRELOAD_MMAP && defined(__GLIBC__)
#define MPYI_BACKEND_IS_GLIBC 1
#else
#define MPYI_BACKEND_IS_GLIBC 0
#endif

/* Whether mpyi_backend_header_size() may be asked. */
static inline int
mpyi_backend_has_headers(void)
{
    return MPYI_BACKEND_IS_GLIBC ||
           (!MPY_PRELOAD && !MPY_LARGE_JEMALLOC && MPY_LIKELY(mpyi_backend_headers));
}

/* Usable bytes of a block of glibc's, which keeps the size of a chunk, and in bit 1 whether it was
   mapped by itself, in the word before the block. */
static inline size_t
mpyi_backend_header_size(void *p)
{
    const char *block = p;
    __asm__("" : "+r"(block)); /* compilers know that nothing of a malloc lies before it */
    size_t word = *(const size_t *)(const void *)(block - sizeof(size_t));
    return (word & ~(size_t)7) - sizeof(size_t) - (word & 2) * (sizeof(size_t) / 2);
}

/* No malloc gives more usable bytes for a request of n bytes. glibc rounds to its pages what it
   maps, and gives away a rest of 16 bytes; others round to a quarter of a power of two. */
static inline size_t
mpyi_malloc_most(size_t n)
{
    size_t most = mpyi_sys_good(n) + 16 + mpyi_os_page_size();
    return MPY_PRELOAD || mpyi_backend_headers ? most : most + n / 4;
}

#if MPY_LARGE_JEMALLOC

#include <jemalloc/jemalloc.h>

static inline void *
mpyi_backend_malloc(size_t n)
{
    return mallocx(n, 0);
}

static inline void *
mpyi_backend_calloc(size_t n)
{
    return mallocx(n, MALLOCX_ZERO);
}

static inline void *
mpyi_backend_realloc(void *p, size_t n)
{
    return rallocx(p, n, 0);
}

static inline void *
mpyi_backend_aligned(size_t alignment, size_t n)
{
    return mallocx(n, MALLOCX_LG_ALIGN(__builtin_ctzll(alignment)));
}

static inline void
mpyi_backend_free(void *p)
{
    dallocx(p, 0);
}

static inline size_t
mpyi_backend_usable(void *p)
{
    return sallocx(p, 0);
}

static inline size_t
mpyi_backend_good(size_t n)
{
    return nallocx(n, 0);
}

static inline size_t
mpyi_backend_most(size_t n)
{
    return nallocx(n, 0);
}

#else

static inline void *
mpyi_backend_malloc(size_t n)
{
    return mpyi_sys_malloc(n);
}

static inline void *
mpyi_backend_calloc(size_t n)
{
    return mpyi_sys_calloc(n);
}

static inline void *
mpyi_backend_realloc(void *p, size_t n)
{
    return mpyi_sys_realloc(p, n);
}

static inline void *
mpyi_backend_aligned(size_t alignment, size_t n)
{
    return mpyi_sys_aligned(alignment, n);
}

static inline void
mpyi_backend_free(void *p)
{
    mpyi_sys_free(p);
}

static inline size_t
mpyi_backend_usable(void *p)
{
    return mpyi_backend_has_headers() ? mpyi_backend_header_size(p) : mpyi_sys_usable(p);
}

/* Usable bytes of a block of n bytes, nearly always. */
static inline size_t
mpyi_backend_good(size_t n)
{
    return mpyi_sys_good(n);
}

static inline size_t
mpyi_backend_most(size_t n)
{
    return mpyi_malloc_most(n);
}

#endif /* MPY_LARGE_JEMALLOC */

#endif /* MPY_ALLOC_BACKEND_H */
