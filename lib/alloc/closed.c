/* SPDX-License-Identifier: MIT */
/*
 * alloc/closed.c - closed requests of the mem domain and of a runtime's heaps, see alloc/closed.h.
 *
 * Order of events: failure injection decides first, so what it refuses leaves no trace; a block is
 * reported to the trace hook after it was made and before it is freed, with the address and size
 * the caller knows. Frees are checked against the pool's bitmap before they change anything.
 *
 * Lock: the heap's.
 */
#include "alloc/closed.h"

#include "alloc/backend.h"
#include "alloc/checked.h"
#include "alloc/fault.h"
#include "alloc/memheap.h"
#include "alloc/poison.h"
#include "alloc/rtlarge.h"
#include "base/hooks.h"

#include <string.h>

/* ---- tracing ---------------------------------------------------------------------------------
 */

static void *
traced(const struct mpyi_heap *heap, void *p, size_t n)
{
    if ((heap->modes & MPYI_MODE_TRACE) != 0 && p != NULL) {
        mpyi_hook_trace(MPYI_TRACE_ALLOC, heap->kind, p, n);
    }
    return p;
}

static void
trace_free(const struct mpyi_heap *heap, void *p, size_t n)
{
    if ((heap->modes & MPYI_MODE_TRACE) != 0) {
        mpyi_hook_trace(MPYI_TRACE_FREE, heap->kind, p, n);
    }
}

/* ---- mem: our own blocks ----------------------------------------------------------------------
 */

/* Class of a pooled block of the mem domain; 0 for any other address. */
static unsigned
mem_class_of(const void *p)
{
    uint32_t index = mpyi_space_find(&mpyi_mem_space, p);
    return index == MPYI_NO_POOL ? 0 : mpyi_mem_space.classes[index];
}

static int
mem_is_pooled(size_t n)
{
    return !MPYI_BYPASS && n <= MPY_SMALL_MAX;
}

void *
mpyi_mem_own_malloc(struct mpyi_heap *heap, size_t n)
{
    if (!mem_is_pooled(n)) {
        return mpyi_large_malloc(heap, n);
    }
    void *p = mpyi_heap_take(heap, mpy_priv_mem_class(n));
    if (p != NULL) {
        mpyi_block_taken(heap->space, p, n);
    }
    return p;
}

void *
mpyi_mem_own_calloc(struct mpyi_heap *heap, size_t n)
{
    if (!mem_is_pooled(n)) {
        return mpyi_large_calloc(heap, n);
    }
    void *p = mpyi_mem_own_malloc(heap, n);
    return p != NULL ? memset(p, 0, n) : NULL;
}

void *
mpyi_mem_own_aligned(struct mpyi_heap *heap, size_t alignment, size_t n)
{
    /* Blocks whose size is a multiple of a power of two up to 4096 are aligned to it. */
    size_t rounded = mpyi_round_up(n, alignment < 16 ? 1 : alignment);
    if (alignment <= 16 || mem_is_pooled(rounded)) {
        return mpyi_mem_own_malloc(heap, rounded);
    }
    return mpyi_large_aligned(heap, alignment, n);
}

void *
mpyi_mem_own_realloc(struct mpyi_heap *heap, void *p, size_t n)
{
    if (mem_class_of(p) == 0 && !mem_is_pooled(n)) {
        return mpyi_large_realloc(heap, p, n);
    }
    void *fresh = mpyi_mem_own_malloc(heap, n);
    if (fresh == NULL) {
        return NULL;
    }
    size_t old = mpyi_mem_own_usable(p);
    memcpy(fresh, p, old < n ? old : n);
    mpyi_mem_own_free(heap, p, MPYI_SIZE_UNKNOWN);
    return fresh;
}

void
mpyi_mem_own_free(struct mpyi_heap *heap, void *p, size_t n)
{
    int pooled = mpyi_space_find(&mpyi_mem_space, p) != MPYI_NO_POOL;
    unsigned size_class = pooled ? mem_class_of(p) : 0;
    if (pooled && !mpyi_heap_is_allocated(heap, p)) {
        mpyi_fatal("free of %p: no allocated block starts there (freed twice, or inside a block?)",
                   p);
    }
    /* The size says another class than the block has: in open magazines that goes unseen. */
    if (n != MPYI_SIZE_UNKNOWN &&
        size_class != (mem_is_pooled(n) ? mpy_priv_mem_class(n + (n == 0)) : 0)) {
        mpyi_fatal("free of %p: its size is not %zu", p, n);
    }
    if (!pooled) {
        mpyi_large_free(heap, p);
        return;
    }
    mpyi_block_put(heap->space, p, mpyi_class_size(size_class));
    mpyi_heap_put(heap, &p, 1);
    mpyi_heap_send_open(heap);
}

size_t
mpyi_mem_own_usable(const void *p)
{
    unsigned size_class = mem_class_of(p);
    if (size_class == 0) {
        return mpyi_backend_usable((void *)(uintptr_t)p);
    }
    mpyi_unpoison(p, mpyi_class_size(size_class));
    return mpyi_class_size(size_class);
}

/* ---- mem: closed ----------------------------------------------------------------------------- */

static struct mpyi_asker
mem_asker(struct mpyi_heap *heap, const void *site)
{
    return (struct mpyi_asker){NULL, heap, site, 0};
}

static int
checked(const struct mpyi_heap *heap)
{
    return (heap->modes & MPYI_MODE_CHECK) != 0;
}

void *
mpyi_mem_closed_malloc(struct mpyi_heap *heap, size_t n, const void *site)
{
    size_t bytes = n + (n == 0);
    if (mpyi_fault_hit(NULL, bytes)) {
        return NULL;
    }
    struct mpyi_asker asker = mem_asker(heap, site);
    void *p =
        checked(heap) ? mpyi_checked_malloc(&asker, 0, n, 0) : mpyi_mem_plain_malloc(heap, bytes);
    return traced(heap, p, bytes);
}

void *
mpyi_mem_closed_calloc(struct mpyi_heap *heap, size_t n, const void *site)
{
    size_t bytes = n + (n == 0);
    if (mpyi_fault_hit(NULL, bytes)) {
        return NULL;
    }
    struct mpyi_asker asker = mem_asker(heap, site);
    void *p =
        checked(heap) ? mpyi_checked_malloc(&asker, 0, n, 1) : mpyi_mem_plain_calloc(heap, bytes);
    return traced(heap, p, bytes);
}

void *
mpyi_mem_closed_aligned(struct mpyi_heap *heap, size_t alignment, size_t n, const void *site)
{
    size_t bytes = n + (n == 0);
    if (mpyi_fault_hit(NULL, bytes)) {
        return NULL;
    }
    struct mpyi_asker asker = mem_asker(heap, site);
    void *p = checked(heap) ? mpyi_checked_malloc(&asker, alignment, n, 0)
                            : mpyi_mem_plain_aligned(heap, alignment, bytes);
    return traced(heap, p, bytes);
}

static void *
checked_realloc(struct mpyi_heap *heap, void *p, size_t n, const void *site)
{
    struct mpyi_asker asker = mem_asker(heap, site);
    size_t old = mpyi_checked_usable(&asker, p);
    void *fresh = mpyi_checked_malloc(&asker, 0, n, 0);
    if (fresh != NULL) {
        memcpy(fresh, p, old < n ? old : n);
        mpyi_checked_free(&asker, p, MPYI_SIZE_UNKNOWN);
    }
    return fresh;
}

void *
mpyi_mem_closed_realloc(struct mpyi_heap *heap, void *p, size_t n, const void *site)
{
    size_t bytes = n + (n == 0);
    if (mpyi_fault_hit(NULL, bytes)) {
        return NULL;
    }
    size_t old = 0;
    if ((heap->modes & MPYI_MODE_TRACE) != 0) {
        old = mpyi_mem_closed_usable(heap, p, site);
        trace_free(heap, p, 0);
    }
    void *fresh =
        checked(heap) ? checked_realloc(heap, p, n, site) : mpyi_mem_plain_realloc(heap, p, bytes);
    if (fresh == NULL) {
        (void)traced(heap, p, old); /* it is there still */
        return NULL;
    }
    return traced(heap, fresh, bytes);
}

void
mpyi_mem_closed_free(struct mpyi_heap *heap, void *p, size_t n, const void *site)
{
    trace_free(heap, p, 0);
    if (checked(heap)) {
        struct mpyi_asker asker = mem_asker(heap, site);
        mpyi_checked_free(&asker, p, n);
    } else {
        mpyi_mem_plain_free(heap, p, n);
    }
}

size_t
mpyi_mem_closed_usable(struct mpyi_heap *heap, const void *p, const void *site)
{
    struct mpyi_asker asker = mem_asker(heap, site);
    return checked(heap) ? mpyi_checked_usable(&asker, p) : mpyi_mem_plain_usable(p);
}

/* ---- a runtime's heaps: plain ---------------------------------------------------------------- */

void *
mpyi_obj_plain_malloc(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, size_t n)
{
    if (!mpyi_obj_is_pooled(heap, n)) {
        return mpyi_rtlarge_alloc(runtime, n, heap->kind == MPY_KIND_ATOM ? MPYI_LARGE_ATOM : 0);
    }
    void *p = mpyi_heap_take(heap, mpy_priv_obj_class(n));
    if (p != NULL) {
        mpyi_block_taken(heap->space, p, n);
    }
    return p;
}

void
mpyi_obj_plain_free(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, void *p, size_t n)
{
    uint32_t index = mpyi_space_find(heap->space, p);
    int pooled = index != MPYI_NO_POOL;
    int small = n != MPYI_SIZE_UNKNOWN && mpyi_obj_is_pooled(heap, n);
    if (pooled ? !mpyi_heap_is_allocated(heap, p) : small) {
        mpyi_fatal("free of %p: no allocated block starts there (freed twice, or inside a block?)",
                   p);
    }
    if (!pooled) {
        mpyi_rtlarge_free(runtime, p);
        return;
    }
    unsigned size_class = heap->space->classes[index];
    if (n != MPYI_SIZE_UNKNOWN && size_class != (small ? mpy_priv_obj_class(n + (n == 0)) : 0)) {
        mpyi_fatal("free of %p: its size is not %zu", p, n);
    }
    mpyi_block_put(heap->space, p, mpyi_class_size(size_class));
    mpyi_heap_put(heap, &p, 1);
}

size_t
mpyi_obj_plain_usable(const struct mpyi_rtheap *runtime, const void *p)
{
    uint32_t index = mpyi_space_find(&runtime->obj_space, p);
    if (index == MPYI_NO_POOL) {
        return mpyi_rtlarge_size(p);
    }
    size_t size = mpyi_class_size(runtime->obj_space.classes[index]);
    mpyi_unpoison(p, size);
    return size;
}

/* ---- a runtime's heaps: closed --------------------------------------------------------------- */

void *
mpyi_obj_closed_malloc(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, size_t n,
                       const void *site)
{
    size_t bytes = n + (n == 0);
    struct mpyi_asker asker = {runtime, heap, site, 0};
    void *p = checked(heap) ? mpyi_checked_malloc(&asker, 0, n, 0)
                            : mpyi_obj_plain_malloc(runtime, heap, bytes);
    return traced(heap, p, bytes);
}

void
mpyi_obj_closed_free(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, void *p, size_t n,
                     const void *site)
{
    trace_free(heap, p, n != MPYI_SIZE_UNKNOWN ? n : 0);
    if (checked(heap)) {
        struct mpyi_asker asker = {runtime, heap, site, 0};
        mpyi_checked_free(&asker, p, n);
    } else {
        mpyi_obj_plain_free(runtime, heap, p, n);
    }
}

size_t
mpyi_obj_closed_usable(struct mpyi_rtheap *runtime, const void *p, const void *site)
{
    struct mpyi_asker asker = {runtime, &runtime->raw, site, 0};
    mpyi_heap_sync(&runtime->raw, runtime->modes);
    return checked(&runtime->raw) ? mpyi_checked_usable(&asker, p)
                                  : mpyi_obj_plain_usable(runtime, p);
}
