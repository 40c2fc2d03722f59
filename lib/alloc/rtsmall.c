/* SPDX-License-Identifier: MIT */
/*
 * alloc/rtsmall.c - slow paths of a runtime's heaps: atoms, GC cells, arrays.
 *
 * One function allocates for all three: try; when that fails for want of memory, empty the caches
 * of all three heaps (magazines, empty pools, large blocks) and try again; then ask the
 * memory_pressure hook to free something and try a last time. The hook runs where the heap is
 * consistent, and not inside itself. Injected failures do not ask: they have to fail.
 *
 * With pools bypassed, raw and atom requests of any size become large blocks; GC cells stay
 * pooled, because the collector finds them through their pools.
 *
 * Lock: the runtime's.
 */
#include "alloc/rtsmall.h"
#include "alloc/poison.h"
#include "alloc/pool.h"
#include "alloc/rtheap.h"
#include "alloc/rtlarge.h"
#include "base/hooks.h"

#include <string.h>

/* ---- allocation -------------------------------------------------------------------------------
 */

static int
is_pooled(const struct mpyi_heap *heap, size_t n)
{
    return n <= MPY_SMALL_MAX && !(MPYI_BYPASS && heap->kind != MPY_KIND_GC);
}

static void *
try_alloc(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, size_t n)
{
    if (!is_pooled(heap, n)) {
        return mpyi_rtlarge_alloc(runtime, n, heap->kind == MPY_KIND_ATOM ? MPYI_LARGE_ATOM : 0);
    }
    unsigned size_class = mpy_priv_obj_class(n);
    if (MPY_LIKELY(!heap->closed)) {
        struct mpy_priv_bin *bin = &heap->pub.bins[size_class];
        /* A memory_pressure hook may have filled the bin. */
        void *p = mpy_priv_bin_pop(bin);
        return p != NULL ? p : mpyi_heap_refill(heap, size_class);
    }
    void *p = mpyi_heap_take(heap, size_class);
    if (p != NULL) {
        mpyi_unpoison(p, n);
    }
    return p;
}

/* Gives back what waits in caches; 1 when that was anything. */
static int
release_caches(struct mpyi_rtheap *runtime)
{
    uint64_t before = mpyi_rtheap_bytes(runtime);
    mpyi_heap_release_empties(&runtime->raw);
    mpyi_heap_release_empties(&runtime->atom);
    mpyi_heap_release_empties(&runtime->gc);
    size_t cached = mpyi_large_cache_clear(&runtime->cache);
    return cached > 0 || mpyi_rtheap_bytes(runtime) < before;
}

/* Frees something for a request of n bytes that failed: caches first, then, in round 1, whatever
   the layers above can spare. 1: try again. */
static int
relieve(struct mpyi_rtheap *runtime, size_t n, int round)
{
    if (round == 0) {
        return release_caches(runtime);
    }
    if (runtime->under_pressure) {
        return 0;
    }
    runtime->under_pressure = 1;
    int freed = mpyi_hook_memory_pressure(runtime, n) != 0;
    freed |= release_caches(runtime);
    runtime->under_pressure = 0;
    return freed;
}

void *
mpyi_rtheap_alloc_slow(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, size_t n)
{
    n += n == 0;
    mpyi_heap_sync(heap, runtime->modes);
    if (MPY_UNLIKELY(heap->closed) && mpyi_fault_hit(&runtime->fault, n)) {
        return NULL;
    }
    if (n > MPYI_SIZE_LIMIT) {
        return NULL;
    }
    void *p = try_alloc(runtime, heap, n);
    for (int round = 0; MPY_UNLIKELY(p == NULL) && round < 2; round++) {
        if (relieve(runtime, n, round)) {
            p = try_alloc(runtime, heap, n);
        }
    }
    if (MPY_UNLIKELY((heap->modes & MPYI_MODE_TRACE) != 0) && p != NULL) {
        mpyi_hook_trace(MPYI_TRACE_ALLOC, heap->kind, p, n);
    }
    return p;
}

/* ---- free -------------------------------------------------------------------------------------
 */

void
mpyi_rtheap_free_slow(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, void *p, size_t n)
{
    mpyi_heap_sync(heap, runtime->modes);
    if (MPY_UNLIKELY((heap->modes & MPYI_MODE_TRACE) != 0)) {
        mpyi_hook_trace(MPYI_TRACE_FREE, heap->kind, p, n);
    }
    n += n == 0;
    if (!is_pooled(heap, n)) {
        mpyi_rtlarge_free(runtime, p);
        return;
    }
    unsigned size_class = mpy_priv_obj_class(n);
    if (MPY_LIKELY(!heap->closed)) {
        mpyi_heap_flush_push(heap, size_class, p);
        return;
    }
    if (!mpyi_heap_is_allocated(heap, p) ||
        heap->space->classes[mpyi_space_index(heap->space, p)] != size_class) {
        mpyi_fatal("free of %p: no allocated block of %zu bytes starts there", p, n);
    }
    mpyi_poison(p, mpyi_class_size(size_class));
    mpyi_heap_put(heap, &p, 1);
}

/* ---- atoms and cells --------------------------------------------------------------------------
 */

void *
mpyi_atom_alloc_slow(struct mpyi_rtheap *heap, size_t n)
{
    return mpyi_rtheap_alloc_slow(heap, &heap->atom, n);
}

void
mpyi_atom_free_slow(struct mpyi_rtheap *heap, void *p, size_t n)
{
    mpyi_rtheap_free_slow(heap, &heap->atom, p, n);
}

void *
mpyi_cell_alloc_slow(struct mpyi_rtheap *heap, size_t n)
{
    return n <= MPYI_CELL_MAX ? mpyi_rtheap_alloc_slow(heap, &heap->gc, n) : NULL;
}

void
mpyi_cell_free_slow(struct mpyi_rtheap *heap, void *p, size_t n)
{
    mpyi_rtheap_free_slow(heap, &heap->gc, p, n);
}

static void
poison_dead(const struct mpyi_pool *pool, const uint64_t dead[2])
{
    size_t size = mpyi_class_size(pool->size_class);
    for (unsigned w = 0; w < 2; w++) {
        for (uint64_t bits = dead[w]; bits != 0; bits &= bits - 1) {
            mpyi_poison(pool->address + (w * 64 + mpyi_ctz64(bits)) * size, size);
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

void
mpyi_cell_free_bulk(struct mpyi_rtheap *heap, uint32_t pool_index, const uint64_t dead[2])
{
    struct mpyi_pool *pool = &heap->gc_space.pools[pool_index];
    unsigned count = mpyi_popcount64(dead[0]) + mpyi_popcount64(dead[1]);
    MPY_ASSERT((pool->bits[0] & dead[0]) == 0 && (pool->bits[1] & dead[1]) == 0);
    MPY_ASSERT(pool->owner == &heap->gc && count <= pool->used);
    if (count == 0) {
        return;
    }
    if (MPY_UNLIKELY((heap->gc.modes & MPYI_MODE_TRACE) != 0)) {
        trace_dead(heap, pool, dead);
    }
    if (MPYI_ASAN) {
        poison_dead(pool, dead);
    }
    pool->bits[0] |= dead[0];
    pool->bits[1] |= dead[1];
    mpyi_pool_gained(&heap->gc, pool, count);
    if (pool->used == 0 && pool->state == MPY_POOL_USED) {
        mpyi_heap_pool_release(&heap->gc, pool);
    }
}

/* ---- arrays -----------------------------------------------------------------------------------
 */

MPYI_HOT void *
mpyi_array_alloc(struct mpyi_rtheap *heap, size_t n)
{
    if (MPY_LIKELY(n - 1 < MPY_SMALL_MAX)) {
        void *p = mpy_priv_bin_pop(&heap->raw.pub.bins[(n + 7) >> 3]);
        if (MPY_LIKELY(p != NULL)) {
            return p;
        }
    }
    return mpyi_rtheap_alloc_slow(heap, &heap->raw, n);
}

MPYI_HOT void
mpyi_array_free(struct mpyi_rtheap *heap, void *p, size_t n)
{
    if (MPY_UNLIKELY(p == NULL)) {
        return;
    }
    if (MPY_LIKELY(n - 1 < MPY_SMALL_MAX) &&
        MPY_LIKELY(mpy_priv_bin_push(&heap->raw.pub.bins[(n + 7) >> 3], p))) {
        return;
    }
    mpyi_rtheap_free_slow(heap, &heap->raw, p, n);
}

/* Both sizes need a large block. */
static void *
realloc_large(struct mpyi_rtheap *heap, void *p, size_t n)
{
    mpyi_heap_sync(&heap->raw, heap->modes);
    if (MPY_UNLIKELY(heap->raw.closed) && mpyi_fault_hit(&heap->fault, n)) {
        return NULL;
    }
    void *fresh = mpyi_rtlarge_realloc(heap, p, n);
    for (int round = 0; fresh == NULL && n <= MPYI_SIZE_LIMIT && round < 2; round++) {
        if (relieve(heap, n, round)) {
            fresh = mpyi_rtlarge_realloc(heap, p, n);
        }
    }
    if (MPY_UNLIKELY((heap->raw.modes & MPYI_MODE_TRACE) != 0) && fresh != NULL) {
        mpyi_hook_trace(MPYI_TRACE_FREE, MPY_KIND_RAW, p, 0);
        mpyi_hook_trace(MPYI_TRACE_ALLOC, MPY_KIND_RAW, fresh, n);
    }
    return fresh;
}

void *
mpyi_array_realloc(struct mpyi_rtheap *heap, void *p, size_t old_n, size_t n)
{
    if (p == NULL) {
        return mpyi_array_alloc(heap, n);
    }
    int old_pooled = is_pooled(&heap->raw, old_n);
    int pooled = is_pooled(&heap->raw, n);
    if (!old_pooled && !pooled) {
        return realloc_large(heap, p, n + (n == 0));
    }
    if (old_pooled && pooled && !heap->raw.closed && mpyi_modes_get() == 0 &&
        mpy_priv_obj_class(n) == mpy_priv_obj_class(old_n)) {
        return p;
    }
    void *fresh = mpyi_array_alloc(heap, n);
    if (fresh == NULL) {
        return NULL;
    }
    memcpy(fresh, p, old_n < n ? old_n : n);
    mpyi_array_free(heap, p, old_n);
    return fresh;
}
