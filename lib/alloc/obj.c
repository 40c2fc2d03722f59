/* SPDX-License-Identifier: MIT */
/*
 * alloc/obj.c - the obj domain: mpy_obj_* over the current runtime's raw heap.
 *
 * A thread that is not attached has the closed null heap, so every call of it ends up out of line
 * without a test on the fast path. There allocation fails with MPY_E_NOT_ATTACHED, and a free is
 * reported in debug builds and otherwise leaks: the runtime's lock is not ours to assume.
 *
 * Failures of an attached thread raise MemoryError through the raise_no_memory hook.
 *
 * Lock: the runtime's.
 */
#define MPY_NO_INLINE /* this file defines the exported forms of the inline functions */

#include "alloc/checked.h"
#include "alloc/rtheap.h"
#include "alloc/rtsmall.h"
#include "base/hooks.h"
#include "base/status.h"

#include <string.h>

#define NOINLINE __attribute__((noinline))
#define CALLER   __builtin_return_address(0)

/* `site` is the return address of the function that is called so. */
static NOINLINE void *
no_memory(const char *function, const void *site)
{
    if (mpyi_rtheap_current() == NULL) {
        mpyi_status_set(MPY_E_NOT_ATTACHED);
        mpyi_check_lock_held(function, site);
    } else {
        mpyi_status_set(MPY_E_NOMEM);
        mpyi_hook_raise_no_memory();
    }
    return NULL;
}

static NOINLINE void *
malloc_slow(const char *function, size_t n, const void *site)
{
    struct mpyi_rtheap *heap = mpyi_rtheap_current();
    void *p = heap != NULL ? mpyi_rtheap_alloc_slow(heap, &heap->raw, n, site) : NULL;
    return p != NULL ? p : no_memory(function, site);
}

static inline __attribute__((always_inline)) void *
malloc_from(const char *function, size_t n, const void *site)
{
    if (MPY_LIKELY(n - 1 < MPY_SMALL_MAX)) {
        void *p = mpy_priv_bin_pop(&mpy_priv_tls.obj->bins[(n + 7) >> 3]);
        if (MPY_LIKELY(p != NULL)) {
            return p;
        }
    }
    return malloc_slow(function, n, site);
}

MPYI_HOT void *
mpy_priv_obj_malloc(size_t n)
{
    return malloc_from("mpy_obj_malloc", n, CALLER);
}

void *
mpy_obj_malloc(size_t n) MPYI_HOT __attribute__((alias("mpy_priv_obj_malloc")));

void *
mpy_obj_calloc(size_t nelem, size_t elsize)
{
    size_t n;
    if (!mpyi_mul_size(nelem, elsize, &n)) {
        return no_memory(__func__, CALLER);
    }
    void *p = malloc_from(__func__, n, CALLER);
    return p != NULL ? memset(p, 0, n) : NULL;
}

void *
mpy_obj_realloc(void *p, size_t n)
{
    struct mpyi_rtheap *heap = mpyi_rtheap_current();
    if (p == NULL) {
        return malloc_from(__func__, n, CALLER);
    }
    if (heap == NULL) {
        return no_memory(__func__, CALLER);
    }
    /* All bytes of the block are kept. */
    size_t old = mpyi_obj_closed_usable(heap, p, CALLER);
    void *fresh = mpyi_array_realloc_from(heap, p, old, n, CALLER);
    return fresh != NULL ? fresh : no_memory(__func__, CALLER);
}

/* A free by a thread that holds no lock. */
static NOINLINE void
not_attached(const char *function, const void *p, const void *site)
{
    mpyi_status_set(MPY_E_NOT_ATTACHED);
    mpyi_check_lock_held(function, site);
    if (MPY_DEBUG >= 1) {
        mpyi_fatal("%s(%p): the thread is not attached to a runtime", function, p);
    }
}

static NOINLINE void
free_slow(void *p, size_t n, const void *site)
{
    struct mpyi_rtheap *heap = mpyi_rtheap_current();
    if (heap == NULL) {
        not_attached("mpy_obj_free_sized", p, site);
        return;
    }
    mpyi_rtheap_free_slow(heap, &heap->raw, p, n, site);
}

MPYI_HOT void
mpy_obj_free(void *p)
{
    if (p == NULL) {
        return;
    }
    struct mpyi_rtheap *heap = mpyi_rtheap_current();
    if (MPY_UNLIKELY(heap == NULL)) {
        not_attached(__func__, p, CALLER);
        return;
    }
    uint32_t index = mpyi_space_find(&heap->obj_space, p);
    if (MPY_LIKELY(index != MPYI_NO_POOL)) {
        unsigned size_class = heap->obj_space.classes[index];
        if (MPY_LIKELY(mpy_priv_bin_push_near(&heap->raw.pub.bins[size_class], p))) {
            return;
        }
        if (size_class == 0 && !heap->raw.closed) {
            mpyi_fatal("free of %p: no block is allocated there (freed twice?)", p);
        }
    }
    mpyi_rtheap_free_slow(heap, &heap->raw, p, MPYI_SIZE_UNKNOWN, CALLER);
}

MPYI_HOT void
mpy_priv_obj_free_sized(void *p, size_t n)
{
    if (p == NULL ||
        (MPY_LIKELY(n - 1 < MPY_SMALL_MAX) &&
         MPY_LIKELY(mpy_priv_bin_push_near(&mpy_priv_tls.obj->bins[(n + 7) >> 3], p)))) {
        return;
    }
    free_slow(p, n, CALLER);
}

void
mpy_obj_free_sized(void *p, size_t n) MPYI_HOT __attribute__((alias("mpy_priv_obj_free_sized")));
