/* SPDX-License-Identifier: MIT */
/*
 * alloc/rtsmall.c - slow paths of a runtime's heaps: atoms, GC cells, arrays.
 *
 * One function allocates for all three: try; when that fails for want of memory, ask
 * mpyi_pressure_relieve_runtime() and try again, as long as it knows another way. Injected failures
 * do not ask: they have to fail.
 *
 * With pools bypassed, raw and atom requests of any size become large blocks; GC cells stay
 * pooled, because the collector finds them through their pools.
 *
 * Lock: the runtime's.
 */
#include "alloc/rtsmall.h"

#include "alloc/checked.h"
#include "alloc/poison.h"
#include "alloc/pool.h"
#include "alloc/rtheap.h"
#include "alloc/rtlarge.h"
#include "base/callsite.h"
#include "base/hooks.h"

#include <string.h>

#define CALLER   __builtin_return_address(0)
#define NOINLINE __attribute__((noinline))

/* ---- allocation -------------------------------------------------------------------------------
 */

static void *
try_alloc(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, size_t n, const void *site)
{
    if (MPY_UNLIKELY(heap->closed)) {
        return mpyi_obj_closed_malloc(runtime, heap, n, site); /* records also say 0 */
    }
    if (n > MPY_SMALL_MAX) {
        return mpyi_rtlarge_alloc(runtime, n, heap->kind == MPY_KIND_ATOM ? MPYI_LARGE_ATOM : 0);
    }
    return mpyi_heap_malloc(heap, mpy_priv_obj_class(n));
}

void *
mpyi_rtheap_alloc_slow(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, size_t n,
                       const void *site)
{
    size_t bytes = n + (n == 0);
    mpyi_heap_sync(heap, runtime->modes);
    if (MPY_UNLIKELY(heap->closed) && mpyi_fault_hit(&runtime->fault, bytes)) {
        return NULL;
    }
    if (n > MPYI_SIZE_LIMIT) {
        return NULL;
    }
    mpyi_pressure_notice_runtime(runtime);
    void *p = try_alloc(runtime, heap, n, site);
    int step = 0;
    while (MPY_UNLIKELY(p == NULL) && mpyi_pressure_relieve_runtime(runtime, &step, bytes)) {
        p = try_alloc(runtime, heap, n, site);
    }
    return p;
}

/* ---- free -------------------------------------------------------------------------------------
 */

void
mpyi_rtheap_free_slow(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, void *p, size_t n,
                      const void *site)
{
    mpyi_heap_sync(heap, runtime->modes);
    if (MPY_UNLIKELY(heap->closed)) {
        mpyi_obj_closed_free(runtime, heap, p, n, site);
        return;
    }
    if (n == MPYI_SIZE_UNKNOWN) {
        uint32_t index = mpyi_space_find(heap->space, p);
        n = index != MPYI_NO_POOL ? mpyi_class_size(heap->space->classes[index]) : n;
    }
    if (n > MPY_SMALL_MAX) {
        mpyi_rtlarge_free(runtime, p);
        return;
    }
    mpyi_heap_free(heap, mpy_priv_obj_class(n), p);
}

/* ---- atoms and cells --------------------------------------------------------------------------
 */

void *
mpyi_atom_alloc_slow(struct mpyi_rtheap *heap, size_t n)
{
    return mpyi_rtheap_alloc_slow(heap, &heap->atom, n, CALLER);
}

void
mpyi_atom_free_slow(struct mpyi_rtheap *heap, void *p, size_t n)
{
    mpyi_rtheap_free_slow(heap, &heap->atom, p, n, CALLER);
}

void *
mpyi_cell_alloc_slow(struct mpyi_rtheap *heap, size_t n)
{
    return n <= MPYI_CELL_MAX ? mpyi_rtheap_alloc_slow(heap, &heap->gc, n, CALLER) : NULL;
}

void
mpyi_cell_free_slow(struct mpyi_rtheap *heap, void *p, size_t n)
{
    mpyi_rtheap_free_slow(heap, &heap->gc, p, n, CALLER);
}

static void
poison_dead(const struct mpyi_space *space, const struct mpyi_pool *pool, const uint64_t dead[2])
{
    size_t size = mpyi_class_size(pool->size_class);
    for (unsigned w = 0; w < 2; w++) {
        for (uint64_t bits = dead[w]; bits != 0; bits &= bits - 1) {
            mpyi_block_put(space, pool->address + (w * 64 + mpyi_ctz64(bits)) * size, size);
        }
    }
}

static void
trace_dead(struct mpyi_rtheap *heap, const struct mpyi_pool *pool, const uint64_t dead[2])
{
    size_t size = mpyi_class_size(pool->size_class);
    for (unsigned w = 0; w < 2; w++) {
        for (uint64_t bits = dead[w]; bits != 0; bits &= bits - 1) {
            mpyi_hook_trace(MPYI_TRACE_FREE, heap->gc.kind,
                            pool->address + (w * 64 + mpyi_ctz64(bits)) * size, size);
        }
    }
}

/* Frees the blocks that the checked layer knows, and leaves the others in `dead`. */
static NOINLINE void
free_marked(struct mpyi_rtheap *heap, const struct mpyi_pool *pool, uint64_t dead[2])
{
    const struct mpyi_asker asker = {heap, &heap->gc, mpyi_host_site(CALLER), 0};
    mpyi_checked_free_bulk(&asker, pool, dead);
}

void
mpyi_cell_free_bulk(struct mpyi_rtheap *heap, uint32_t pool_index, const uint64_t dead[2])
{
    struct mpyi_pool *pool = &heap->gc_space.pools[pool_index];
    uint64_t plain[2] = {dead[0], dead[1]};
    if (MPY_UNLIKELY(heap->marks.count != 0)) {
        free_marked(heap, pool, plain);
        dead = plain;
    }
    unsigned count = mpyi_popcount64(dead[0]) + mpyi_popcount64(dead[1]);
    MPY_ASSERT((pool->bits[0] & dead[0]) == 0 && (pool->bits[1] & dead[1]) == 0);
    MPY_ASSERT(pool->owner == &heap->gc && count <= mpyi_pool_used(pool));
    if (count == 0) {
        return;
    }
    if (MPY_UNLIKELY((heap->gc.modes & MPYI_MODE_TRACE) != 0)) {
        trace_dead(heap, pool, dead);
    }
    if (MPYI_ASAN || (MPYI_VALGRIND && heap->gc.closed)) {
        poison_dead(&heap->gc_space, pool, dead);
    }
    pool->bits[0] |= dead[0];
    pool->bits[1] |= dead[1];
    mpyi_pool_gained(&heap->gc, pool, count);
    if (pool->due == 0 && pool->state == MPY_POOL_USED) {
        mpyi_heap_pool_release(&heap->gc, pool);
    }
}

/* ---- arrays -----------------------------------------------------------------------------------
 */

static inline __attribute__((always_inline)) void *
array_alloc(struct mpyi_rtheap *heap, size_t n, const void *site)
{
    if (MPY_LIKELY(n - 1 < MPY_SMALL_MAX)) {
        void *p = mpy_priv_bin_pop(&heap->raw.pub.bins[(n + 7) >> 3]);
        if (MPY_LIKELY(p != NULL)) {
            return p;
        }
    }
    return mpyi_rtheap_alloc_slow(heap, &heap->raw, n, site);
}

static inline __attribute__((always_inline)) void
array_free(struct mpyi_rtheap *heap, void *p, size_t n, const void *site)
{
    if (MPY_UNLIKELY(p == NULL)) {
        return;
    }
    if (MPY_LIKELY(n - 1 < MPY_SMALL_MAX) &&
        MPY_LIKELY(mpy_priv_bin_push_near(&heap->raw.pub.bins[(n + 7) >> 3], p))) {
        return;
    }
    mpyi_rtheap_free_slow(heap, &heap->raw, p, n, site);
}

MPYI_HOT void *
mpyi_array_alloc(struct mpyi_rtheap *heap, size_t n)
{
    return array_alloc(heap, n, CALLER);
}

MPYI_HOT void
mpyi_array_free(struct mpyi_rtheap *heap, void *p, size_t n)
{
    array_free(heap, p, n, CALLER);
}

/* Both sizes need a large block. */
static void *
realloc_large(struct mpyi_rtheap *heap, void *p, size_t n)
{
    void *fresh = mpyi_rtlarge_realloc(heap, p, n);
    int step = 0;
    while (MPY_UNLIKELY(fresh == NULL) && mpyi_pressure_relieve_runtime(heap, &step, n)) {
        fresh = mpyi_rtlarge_realloc(heap, p, n);
    }
    return fresh;
}

void *
mpyi_array_realloc_from(struct mpyi_rtheap *heap, void *p, size_t old_n, size_t n, const void *site)
{
    if (p == NULL) {
        return array_alloc(heap, n, site);
    }
    mpyi_heap_sync(&heap->raw, heap->modes);
    if (MPY_LIKELY(!heap->raw.closed)) {
        if (old_n > MPY_SMALL_MAX && n > MPY_SMALL_MAX) {
            return realloc_large(heap, p, n);
        }
        if (old_n <= MPY_SMALL_MAX && n <= MPY_SMALL_MAX &&
            mpy_priv_obj_class(n) == mpy_priv_obj_class(old_n)) {
            return p;
        }
    }
    void *fresh = array_alloc(heap, n, site);
    if (fresh == NULL) {
        return NULL;
    }
    memcpy(fresh, p, old_n < n ? old_n : n);
    array_free(heap, p, old_n, site);
    return fresh;
}

void *
mpyi_array_realloc(struct mpyi_rtheap *heap, void *p, size_t old_n, size_t n)
{
    return mpyi_array_realloc_from(heap, p, old_n, n, CALLER);
}
