/* SPDX-License-Identifier: MIT */
/*
 * alloc/mem.c - the mem domain: any thread allocates, any thread frees.
 *
 * The fast paths are the ones inlined hosts have: a pop or push on the calling thread's magazine.
 * A free without a size finds the class with one range compare and one byte. Everything else is
 * out of line, between mpyi_mem_enter() and mpyi_mem_leave().
 *
 *   mpy_mem_free(p)   p - base < span ? push(bins[classes[(p - base) >> 12]]) : NULL, large, or map
 *
 * Closed magazines bring every request to the slow path with its true size: there are failure
 * injection, tracing and poisoning, and the checks of what is freed.
 *
 * Lock: none; a heap is touched by its thread only.
 */
#define MPY_NO_INLINE /* this file defines the exported forms of the inline functions */

#include "alloc/fault.h"
#include "alloc/memheap.h"
#include "alloc/poison.h"
#include "alloc/sys.h"
#include "base/hooks.h"
#include "base/status.h"
#include "base/tls.h"

#include <string.h>

#define NOINLINE __attribute__((noinline))

/* ---- closed paths -----------------------------------------------------------------------------
 */

static int
faults(const struct mpyi_heap *heap, size_t n)
{
    return MPY_UNLIKELY(heap->closed) && mpyi_fault_hit(NULL, n);
}

static void *
traced(const struct mpyi_heap *heap, void *p, size_t n)
{
    if (MPY_UNLIKELY((heap->modes & MPYI_MODE_TRACE) != 0) && p != NULL) {
        mpyi_hook_trace(MPYI_TRACE_ALLOC, MPY_KIND_MEM, p, n);
    }
    return p;
}

static void
trace_free(const struct mpyi_heap *heap, void *p)
{
    if (MPY_UNLIKELY((heap->modes & MPYI_MODE_TRACE) != 0)) {
        mpyi_hook_trace(MPYI_TRACE_FREE, MPY_KIND_MEM, p, 0);
    }
}

/* ---- allocation -------------------------------------------------------------------------------
 */

static void *
small_slow(struct mpyi_heap *heap, size_t n)
{
    unsigned size_class = mpy_priv_mem_class(n);
    if (MPY_LIKELY(!heap->closed)) {
        /* A request of 0 bytes comes here with blocks left in the bin. */
        void *p = mpy_priv_bin_pop(&heap->pub.bins[size_class]);
        return p != NULL ? p : mpyi_heap_refill(heap, size_class);
    }
    void *p = mpyi_heap_take(heap, size_class);
    if (p != NULL) {
        mpyi_unpoison(p, n);
    }
    return p;
}

static NOINLINE void *
malloc_slow(size_t n)
{
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap == NULL) {
        return NULL;
    }
    n += n == 0;
    void *p = NULL;
    if (!faults(heap, n)) {
        p = !MPYI_BYPASS && n <= MPY_SMALL_MAX ? small_slow(heap, n) : mpyi_large_malloc(heap, n);
    }
    if (MPY_UNLIKELY(p == NULL)) {
        mpyi_status_set(MPY_E_NOMEM);
    }
    (void)traced(heap, p, n);
    mpyi_mem_leave(heap);
    return p;
}

/* Requests of up to 8 bytes, and what the fast path below has no block for. */
static NOINLINE void *
malloc_other(size_t n)
{
    if (n - 1 < 8) {
        void *p = mpy_priv_bin_pop(&mpy_priv_tls.mem->bins[1]);
        if (MPY_LIKELY(p != NULL)) {
            return p;
        }
    }
    return malloc_slow(n);
}

MPYI_HOT void *
mpy_priv_mem_malloc(size_t n)
{
    if (MPY_LIKELY(n - 9 < MPY_SMALL_MAX - 8)) {
        void *p = mpy_priv_bin_pop(&mpy_priv_tls.mem->bins[((n + 15) >> 4) * 2]);
        if (MPY_LIKELY(p != NULL)) {
            return p;
        }
    }
    return malloc_other(n);
}

void *
mpy_mem_malloc(size_t n) MPYI_HOT __attribute__((alias("mpy_priv_mem_malloc")));

/* A large or zeroed or aligned block; alignment 0: malloc's. */
static void *
large(size_t alignment, size_t n, int zero)
{
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap == NULL) {
        return NULL;
    }
    void *p = NULL;
    if (faults(heap, n)) {
    } else if (alignment != 0) {
        p = mpyi_large_aligned(heap, alignment, n);
    } else {
        p = zero ? mpyi_large_calloc(heap, n) : mpyi_large_malloc(heap, n);
    }
    if (p == NULL) {
        mpyi_status_set(MPY_E_NOMEM);
    }
    (void)traced(heap, p, n);
    mpyi_mem_leave(heap);
    return p;
}

void *
mpy_mem_calloc(size_t nelem, size_t elsize)
{
    size_t n;
    if (!mpyi_mul_size(nelem, elsize, &n)) {
        mpyi_status_set(MPY_E_NOMEM);
        return NULL;
    }
    n += n == 0;
    if (MPYI_BYPASS || n > MPY_SMALL_MAX) {
        return large(0, n, 1);
    }
    void *p = mpy_priv_mem_malloc(n);
    return p != NULL ? memset(p, 0, n) : NULL;
}

void *
mpy_mem_aligned_alloc(size_t alignment, size_t n)
{
    if (!mpyi_is_pow2(alignment)) {
        mpyi_status_set(MPY_E_INVAL);
        return NULL;
    }
    if (n > MPYI_SIZE_LIMIT || alignment > MPYI_SIZE_LIMIT) {
        mpyi_status_set(MPY_E_NOMEM);
        return NULL;
    }
    /* Blocks whose size is a multiple of a power of two up to 4096 are aligned to it. */
    size_t rounded = mpyi_round_up(n + (n == 0), alignment < 16 ? 1 : alignment);
    if (alignment <= 8) {
        return mpy_priv_mem_malloc(n);
    }
    if (alignment <= 16 || (!MPYI_BYPASS && rounded <= MPY_SMALL_MAX)) {
        return mpy_priv_mem_malloc(rounded);
    }
    return large(alignment, n + (n == 0), 0);
}

char *
mpy_mem_strndup(const char *s, size_t n)
{
    size_t length = strnlen(s, n);
    char *copy = mpy_priv_mem_malloc(length + 1);
    if (copy == NULL) {
        return NULL;
    }
    memcpy(copy, s, length);
    copy[length] = '\0';
    return copy;
}

/* ---- free -------------------------------------------------------------------------------------
 */

/* Frees straight into the bitmap, after checking what can be checked. */
static void
free_closed(struct mpyi_heap *heap, unsigned size_class, void *p)
{
    if (!mpyi_heap_is_allocated(heap, p)) {
        mpyi_fatal("free of %p: no allocated block starts there (freed twice, or inside a block?)",
                   p);
    }
    mpyi_poison(p, mpyi_class_size(size_class));
    mpyi_heap_put(heap, &p, 1);
    mpyi_heap_send_open(heap);
}

/* The class of the block's pool says where it goes; 0: nothing is allocated there. */
static NOINLINE void
free_slow(void *p, unsigned size_class)
{
    if (MPY_UNLIKELY(size_class == 0)) {
        mpyi_fatal("free of %p: no block is allocated there (freed twice?)", p);
    }
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (MPY_UNLIKELY(heap == NULL)) {
        mpyi_heap_send_lone(&mpyi_mem_space, p);
        return;
    }
    trace_free(heap, p);
    if (MPY_LIKELY(!heap->closed)) {
        mpyi_heap_flush_push(heap, size_class, p);
    } else {
        free_closed(heap, size_class, p);
    }
    mpyi_mem_leave(heap);
}

/* NULL, a large block, or, in map mode, any block. */
static NOINLINE void
free_outside(void *p)
{
    if (p == NULL) {
        return;
    }
    uint32_t index = mpyi_space_find(&mpyi_mem_space, p);
    if (index != MPYI_NO_POOL) {
        unsigned size_class = mpyi_mem_space.classes[index];
        if (!mpy_priv_bin_push(&mpy_priv_tls.mem->bins[size_class], p)) {
            free_slow(p, size_class);
        }
        return;
    }
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap == NULL) {
        mpyi_sys_free(p);
        return;
    }
    trace_free(heap, p);
    mpyi_large_free(heap, p);
    mpyi_mem_leave(heap);
}

MPYI_HOT void
mpy_mem_free(void *p)
{
    size_t span = __atomic_load_n(&mpyi_mem_space.span, __ATOMIC_ACQUIRE);
    char *base = __atomic_load_n(&mpyi_mem_space.base, __ATOMIC_RELAXED);
    size_t offset = (uintptr_t)p - (uintptr_t)base;
    if (MPY_UNLIKELY(offset >= span)) {
        free_outside(p);
        return;
    }
    unsigned size_class = mpyi_mem_space.classes[offset >> MPYI_POOL_SHIFT];
    if (MPY_UNLIKELY(!mpy_priv_bin_push(&mpy_priv_tls.mem->bins[size_class], p))) {
        free_slow(p, size_class);
    }
}

/* Class of a pooled block; 0 for a large one. */
static unsigned
class_of(const void *p)
{
    uint32_t index = mpyi_space_find(&mpyi_mem_space, p);
    return index == MPYI_NO_POOL ? 0 : mpyi_mem_space.classes[index];
}

/* The size says another class than the block has: in open magazines that goes unseen. */
static void
check_size(const void *p, size_t n)
{
    n += n == 0;
    unsigned expected = n <= MPY_SMALL_MAX && !MPYI_BYPASS ? mpy_priv_mem_class(n) : 0;
    if (class_of(p) != expected) {
        mpyi_fatal("free of %p: its size is not %zu", p, n);
    }
}

static NOINLINE void
free_sized_slow(void *p, size_t n)
{
    if (MPY_UNLIKELY(mpyi_modes_get() != 0) && p != NULL && mpyi_mem_start() == 0) {
        check_size(p, n);
    }
    mpy_mem_free(p);
}

MPYI_HOT void
mpy_priv_mem_free_sized(void *p, size_t n)
{
    if (MPY_LIKELY(n - 1 < MPY_SMALL_MAX) && MPY_LIKELY(p != NULL) &&
        MPY_LIKELY(mpy_priv_bin_push(&mpy_priv_tls.mem->bins[mpy_priv_mem_class(n)], p))) {
        return;
    }
    free_sized_slow(p, n);
}

void
mpy_mem_free_sized(void *p, size_t n) MPYI_HOT __attribute__((alias("mpy_priv_mem_free_sized")));

/* ---- size -------------------------------------------------------------------------------------
 */

size_t
mpy_mem_usable_size(const void *p)
{
    if (p == NULL) {
        return 0;
    }
    unsigned size_class = class_of(p);
    if (size_class == 0) {
        return mpyi_sys_usable((void *)(uintptr_t)p);
    }
    /* The caller may use all of it now. */
    mpyi_unpoison(p, mpyi_class_size(size_class));
    return mpyi_class_size(size_class);
}

static void *
realloc_large(void *p, size_t n)
{
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap == NULL) {
        return NULL;
    }
    void *fresh = NULL;
    if (!faults(heap, n)) {
        trace_free(heap, p);
        fresh = mpyi_large_realloc(heap, p, n);
        (void)traced(heap, fresh != NULL ? fresh : p, n);
    }
    if (fresh == NULL) {
        mpyi_status_set(MPY_E_NOMEM);
    }
    mpyi_mem_leave(heap);
    return fresh;
}

void *
mpy_mem_realloc(void *p, size_t n)
{
    if (p == NULL) {
        return mpy_priv_mem_malloc(n);
    }
    n += n == 0;
    unsigned size_class = class_of(p);
    size_t old = size_class != 0 ? mpyi_class_size(size_class) : 0;
    if (size_class == 0 && (MPYI_BYPASS || n > MPY_SMALL_MAX)) {
        return realloc_large(p, n);
    }
    /* Only within its class: a sized free has to find the class by the last size. */
    if (size_class != 0 && n <= old && mpy_priv_mem_class(n) == size_class &&
        mpyi_modes_get() == 0) {
        return p;
    }
    void *fresh = mpy_priv_mem_malloc(n);
    if (fresh == NULL) {
        return NULL;
    }
    old = mpy_mem_usable_size(p);
    memcpy(fresh, p, old < n ? old : n);
    mpy_mem_free(p);
    return fresh;
}
