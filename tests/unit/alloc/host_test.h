/* SPDX-License-Identifier: MIT */
/*
 * unit/alloc/host_test.h - a host's allocator and a host's arenas that count what they are asked
 * for.
 */
#ifndef MPY_TEST_UNIT_HOST_TEST_H
#define MPY_TEST_UNIT_HOST_TEST_H

#include "alloc_test.h"

#include <malloc.h>

/* ---- an allocator -----------------------------------------------------------------------------
 */

struct test_host {
    mpy_allocator previous; /* malloc NULL: blocks of the system's malloc */
    _Atomic long live;      /* blocks */
    _Atomic long calls;
    long sized;      /* frees that knew the size */
    long fail_after; /* > 0: the n-th request and all later ones fail */
};

static inline int
test_host_fails(struct test_host *host)
{
    host->calls++;
    return host->fail_after > 0 && host->calls >= host->fail_after;
}

static inline void *
test_host_malloc(void *ctx, size_t n)
{
    struct test_host *host = ctx;
    if (n == 0 || test_host_fails(host)) {
        return NULL;
    }
    void *p =
        host->previous.malloc != NULL ? host->previous.malloc(host->previous.ctx, n) : malloc(n);
    host->live += p != NULL;
    return p;
}

static inline void *
test_host_calloc(void *ctx, size_t nelem, size_t elsize)
{
    struct test_host *host = ctx;
    if (test_host_fails(host)) {
        return NULL;
    }
    void *p = host->previous.malloc != NULL
                  ? host->previous.calloc(host->previous.ctx, nelem, elsize)
                  : calloc(nelem, elsize);
    host->live += p != NULL;
    return p;
}

static inline void *
test_host_realloc(void *ctx, void *p, size_t n)
{
    struct test_host *host = ctx;
    if (p == NULL || n == 0 || test_host_fails(host)) {
        return NULL;
    }
    return host->previous.malloc != NULL ? host->previous.realloc(host->previous.ctx, p, n)
                                         : realloc(p, n);
}

static inline void
test_host_free(void *ctx, void *p)
{
    struct test_host *host = ctx;
    assert_non_null(p);
    host->calls++;
    host->live--;
    if (host->previous.malloc != NULL) {
        host->previous.free(host->previous.ctx, p);
    } else {
        free(p);
    }
}

static inline void
test_host_free_sized(void *ctx, void *p, size_t n)
{
    struct test_host *host = ctx;
    assert_true(n > 0);
    host->sized++;
    test_host_free(ctx, p);
}

static inline void *
test_host_aligned(void *ctx, size_t alignment, size_t n)
{
    struct test_host *host = ctx;
    void *p = NULL;
    if (host->previous.malloc != NULL) {
        p = host->previous.aligned_alloc(host->previous.ctx, alignment, n);
    } else if (posix_memalign(&p, alignment, n) != 0) {
        p = NULL;
    }
    host->calls++;
    host->live += p != NULL;
    return p;
}

static inline size_t
test_host_usable(void *ctx, const void *p)
{
    const struct test_host *host = ctx;
    return host->previous.malloc != NULL ? host->previous.usable_size(host->previous.ctx, p)
                                         : malloc_usable_size((void *)(uintptr_t)p);
}

static inline mpy_allocator
test_host_allocator(struct test_host *host, uint32_t flags)
{
    mpy_allocator a = {.size = sizeof a, .version = 1, .flags = flags, .ctx = host};
    a.malloc = test_host_malloc;
    a.calloc = test_host_calloc;
    a.realloc = test_host_realloc;
    a.free = test_host_free;
    a.free_sized = test_host_free_sized;
    a.aligned_alloc = test_host_aligned;
    a.usable_size = test_host_usable;
    return a;
}

/* ---- arenas -----------------------------------------------------------------------------------
 */

struct test_arenas {
    size_t bytes; /* given and not taken back */
    long allocs, frees;
    long left;   /* requests that are still granted; negative: all */
    int crooked; /* returns what is not aligned */
};

static inline void *
test_arena_alloc(void *ctx, size_t size, size_t alignment)
{
    struct test_arenas *arenas = ctx;
    void *p = NULL;
    assert_int_equal(alignment, MPY_ARENA_SIZE);
    assert_int_equal(size % MPY_ARENA_SIZE, 0);
    if (arenas->left == 0 || posix_memalign(&p, alignment, size + 64) != 0) {
        return NULL;
    }
    arenas->left -= arenas->left > 0;
    arenas->allocs++;
    arenas->bytes += size;
    return arenas->crooked ? (char *)p + 64 : p;
}

static inline void
test_arena_free(void *ctx, void *p, size_t size)
{
    struct test_arenas *arenas = ctx;
    arenas->frees++;
    arenas->bytes -= size;
    free(arenas->crooked ? (char *)p - 64 : (char *)p);
}

static inline mpy_arena_allocator
test_arena_allocator(struct test_arenas *arenas)
{
    mpy_arena_allocator a = {.size = sizeof a, .version = 1, .ctx = arenas};
    a.alloc = test_arena_alloc;
    a.free = test_arena_free;
    return a;
}

#endif /* MPY_TEST_UNIT_HOST_TEST_H */
