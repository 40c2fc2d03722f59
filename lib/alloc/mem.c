/* SPDX-License-Identifier: MIT */
/*
 * alloc/mem.c - the mem domain: any thread allocates, any thread frees.
 *
 * The fast paths are the ones inlined hosts have: a pop or push on the calling thread's magazine.
 * When malloc finds nothing to pop, its magazine turns (alloc/bin.h), still without a slow path.
 * A free without a size finds the class with one range compare and one byte. Everything else is
 * out of line, between mpyi_mem_enter() and mpyi_mem_leave().
 *
 *   mpy_mem_free(p)   p - base < span ? push(bins[classes[(p - base) >> 12]]) : NULL, large, or map
 *
 * Closed magazines bring every request to the slow path with its true size and its call site; what
 * happens there is said in alloc/closed.h.
 *
 * Lock: none; a heap is touched by its thread only.
 */
#define MPY_NO_INLINE /* this file defines the exported forms of the inline functions */

#include "alloc/backend.h"
#include "alloc/closed.h"
#include "alloc/decay.h"
#include "alloc/domain.h"
#include "alloc/memheap.h"
#include "alloc/memsite.h"
#include "alloc/pressure.h"
#include "base/status.h"
#include "base/tls.h"

#include <string.h>

#define NOINLINE __attribute__((noinline))

/* Of the public function, also where it stands in a part that is always inlined. */
#define CALLER __builtin_return_address(0)

/* A call site is asked for where it is needed: its load would stay in the fast path otherwise.
   `site` NULL: that of the exported function this is part of. */
#define SITE(site) ((site) != NULL ? (site) : CALLER)

/* ---- allocation -------------------------------------------------------------------------------
 */

static void *
malloc_open(struct mpyi_heap *heap, size_t n)
{
    n += n == 0;
    return n <= MPY_SMALL_MAX ? mpyi_heap_malloc(heap, mpy_priv_mem_class(n))
                              : mpyi_large_malloc(heap, n);
}

static void *
malloc_once(size_t n, const void *site)
{
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap == NULL) {
        return NULL;
    }
    void *p =
        MPY_LIKELY(!heap->closed) ? malloc_open(heap, n) : mpyi_mem_closed_malloc(heap, n, site);
    mpyi_mem_leave(heap);
    return p;
}

static void *
no_memory(void)
{
    mpyi_status_set(MPY_E_NOMEM);
    return NULL;
}

/* At the beginning of every allocation that takes a slow path. */
static void
begin(void)
{
    mpyi_domain_mark_used(MPY_DOMAIN_MEM);
    mpyi_pressure_begin();
}

static NOINLINE void *
malloc_slow(size_t n, const void *site)
{
    int step = 0;
    void *p;
    begin();
    do {
        p = malloc_once(n, site);
    } while (MPY_UNLIKELY(p == NULL) && mpyi_pressure_relieve(&step, n));
    return MPY_LIKELY(p != NULL) ? p : no_memory();
}

/* Where the right bin is empty: the block freed last, or one of the next bin. */
static MPYI_HOT NOINLINE void *
cached_large_near(struct mpyi_large_cache *cache, size_t n)
{
    void *p = mpyi_large_cache_take_unsorted(cache, 1, n);
    return MPY_LIKELY(p != NULL) ? p : mpyi_large_cache_pop_near(cache, n);
}

/* A large block that waits in the thread's cache: of the right bin, or of the next; NULL: none, or
   not a size that is kept. */
static inline __attribute__((always_inline)) void *
cached_large(size_t n)
{
    struct mpy_priv_heap *pub = mpy_priv_tls.mem;
    if (MPY_UNLIKELY(!mpyi_large_is_served(n) || pub == &mpyi_null_heap)) {
        return NULL;
    }
    struct mpyi_large_cache *cache = &mpyi_heap_of(pub)->large;
    void *p = mpyi_large_cache_pop_fast(cache, n);
    return MPY_LIKELY(p != NULL) ? p : cached_large_near(cache, n);
}

/* What the fast path below has no block for; `bin` is that of the class. */
static MPYI_HOT NOINLINE void *
malloc_turned(size_t n, const void *site, struct mpy_priv_bin *bin)
{
    void *p = mpyi_bin_turn_pop(bin, (unsigned)((n + 15) >> 4) * 2, MPYI_TURN_LEAST);
    return MPY_LIKELY(p != NULL) ? p : malloc_slow(n, site);
}

/* Requests of up to 8 bytes, those that round up to a small size, cached large ones. */
static MPYI_HOT NOINLINE void *
malloc_other(size_t n, const void *site)
{
    void *p;
    if (n - 1 < MPY_SMALL_MAX) {
        unsigned size_class = mpy_priv_mem_class(n);
        p = mpyi_bin_take(&mpy_priv_tls.mem->bins[size_class], size_class);
    } else {
        p = cached_large(n);
    }
    return MPY_LIKELY(p != NULL) ? p : malloc_slow(n, site);
}

static inline __attribute__((always_inline)) void *
malloc_from(size_t n, const void *site)
{
    if (MPY_LIKELY(n - 9 < MPY_SMALL_MAX - 8)) {
        struct mpy_priv_bin *bin = &mpy_priv_tls.mem->bins[((n + 15) >> 4) * 2];
        void *p = mpy_priv_bin_pop(bin);
        return MPY_LIKELY(p != NULL) ? p : malloc_turned(n, SITE(site), bin);
    }
    return malloc_other(n, SITE(site));
}

MPYI_HOT void *
mpy_priv_mem_malloc(size_t n)
{
    return malloc_from(n, NULL);
}

void *
mpy_mem_malloc(size_t n) MPYI_HOT __attribute__((alias("mpy_priv_mem_malloc")));

static void *
special_once(size_t alignment, size_t n, const void *site)
{
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap == NULL) {
        return NULL;
    }
    void *p;
    if (MPY_LIKELY(!heap->closed)) {
        n += n == 0;
        p = alignment != 0 ? mpyi_mem_own_aligned(heap, alignment, n)
                           : mpyi_mem_own_calloc(heap, n);
    } else {
        p = alignment != 0 ? mpyi_mem_closed_aligned(heap, alignment, n, site)
                           : mpyi_mem_closed_calloc(heap, n, site);
    }
    mpyi_mem_leave(heap);
    return p;
}

/* A block that magazines do not have: zeroed, or aligned; alignment 0: malloc's. */
static NOINLINE void *
special_slow(size_t alignment, size_t n, const void *site)
{
    int step = 0;
    void *p;
    begin();
    do {
        p = special_once(alignment, n, site);
    } while (MPY_UNLIKELY(p == NULL) && mpyi_pressure_relieve(&step, n));
    return MPY_LIKELY(p != NULL) ? p : no_memory();
}

static inline __attribute__((always_inline)) void *
calloc_from(size_t nelem, size_t elsize, const void *site)
{
    size_t n;
    if (!mpyi_mul_size(nelem, elsize, &n)) {
        mpyi_status_set(MPY_E_NOMEM);
        return NULL;
    }
    if (MPY_UNLIKELY(mpyi_modes_get() != 0)) {
        return special_slow(0, n, SITE(site));
    }
    void *p;
    if (n > MPY_SMALL_MAX) {
        p = cached_large(n);
        if (p == NULL) {
            return special_slow(0, n, SITE(site));
        }
    } else {
        p = malloc_from(n, site);
    }
    return p != NULL ? memset(p, 0, n) : NULL;
}

void *
mpy_mem_calloc(size_t nelem, size_t elsize)
{
    return calloc_from(nelem, elsize, NULL);
}

/* What magazines and the newest large block of the right size cannot serve, and wrong calls. */
static NOINLINE void *
aligned_other(size_t alignment, size_t n, const void *site)
{
    if (!mpyi_is_pow2(alignment)) {
        mpyi_status_set(MPY_E_INVAL);
        return NULL;
    }
    if (n > MPYI_SIZE_LIMIT || alignment > MPYI_SIZE_LIMIT) {
        mpyi_status_set(MPY_E_NOMEM);
        return NULL;
    }
    if (mpyi_modes_get() != 0) {
        return special_slow(alignment, n, site);
    }
    size_t rounded = mpyi_round_up(n + (n == 0), alignment < 16 ? 1 : alignment);
    if (alignment <= 8) {
        return malloc_other(n, site);
    }
    if (alignment <= 16 || rounded <= MPY_SMALL_MAX) {
        return malloc_other(rounded, site);
    }
    return special_slow(alignment, n, site);
}

/* As cached_large(), for a block at a multiple of a power of two. */
static inline __attribute__((always_inline)) void *
cached_aligned(struct mpyi_large_cache *cache, size_t alignment, size_t n)
{
    void *p = mpyi_large_cache_pop_aligned_fast(cache, alignment, n);
    return MPY_LIKELY(p != NULL) ? p : mpyi_large_cache_take_unsorted(cache, alignment, n);
}

/* Blocks whose size is a multiple of a power of two up to 4096 are aligned to it. Without a test of
   the modes: where any is on, magazines and the cache of large blocks are closed. */
static inline __attribute__((always_inline)) void *
aligned_from(size_t alignment, size_t n, const void *site)
{
    size_t mask = alignment - 1;
    if (MPY_UNLIKELY((alignment & mask) != 0 || mask >= MPY_SMALL_MAX)) {
        return aligned_other(alignment, n, SITE(site));
    }
    struct mpy_priv_heap *pub = mpy_priv_tls.mem;
    size_t rounded = (n + mask) & ~mask;
    if (MPY_LIKELY(n <= MPY_SMALL_MAX && rounded - 9 < MPY_SMALL_MAX - 8)) {
        void *p = mpy_priv_bin_pop(&pub->bins[((rounded + 15) >> 4) * 2]);
        if (MPY_LIKELY(p != NULL)) {
            return p;
        }
    } else if (MPY_LIKELY(mpyi_large_is_served(n) && pub != &mpyi_null_heap)) {
        void *p = cached_aligned(&mpyi_heap_of(pub)->large, alignment, n);
        if (MPY_LIKELY(p != NULL)) {
            return p;
        }
    }
    return aligned_other(alignment, n, SITE(site));
}

MPYI_HOT void *
mpy_mem_aligned_alloc(size_t alignment, size_t n)
{
    return aligned_from(alignment, n, NULL);
}

char *
mpy_mem_strndup(const char *s, size_t n)
{
    size_t length = strnlen(s, n);
    char *copy = malloc_from(length + 1, NULL);
    if (copy == NULL) {
        return NULL;
    }
    memcpy(copy, s, length);
    copy[length] = '\0';
    return copy;
}

/* ---- free -------------------------------------------------------------------------------------
 */

/* A closed heap's free: of any address, NULL excepted. 0: the heap is open. */
static int
free_closed(struct mpyi_heap *heap, void *p, size_t n, const void *site)
{
    if (MPY_LIKELY(!heap->closed)) {
        return 0;
    }
    mpyi_mem_closed_free(heap, p, n, site);
    mpyi_mem_leave(heap);
    return 1;
}

/* A thread that has no memory for a heap cannot check what it frees: then the block leaks. */
static int
is_checked(void)
{
    return (mpyi_modes_get() & MPYI_MODE_CHECK) != 0;
}

/* The class of the block's pool says where it goes; 0: nothing is allocated there. */
static NOINLINE void
free_slow(void *p, unsigned size_class, const void *site)
{
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (MPY_UNLIKELY(heap == NULL)) {
        if (!is_checked()) {
            mpyi_mem_lone_free(p);
        }
        return;
    }
    if (free_closed(heap, p, MPYI_SIZE_UNKNOWN, site)) {
        return;
    }
    if (MPY_UNLIKELY(size_class == 0)) {
        mpyi_fatal("free of %p: no block is allocated there (freed twice?)", p);
    }
    mpyi_heap_free(heap, size_class, p);
    mpyi_mem_leave(heap);
}

/* A large block that its bin has no room for, or any block in map mode. */
static NOINLINE void
free_outside_slow(void *p, const void *site)
{
    uint32_t index = mpyi_space_find(&mpyi_mem_space, p);
    if (index != MPYI_NO_POOL) {
        unsigned size_class = mpyi_mem_space.classes[index];
        if (!mpy_priv_bin_push(&mpy_priv_tls.mem->bins[size_class], p)) {
            free_slow(p, size_class, site);
        }
        return;
    }
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap == NULL) {
        if (!is_checked()) {
            mpyi_mem_lone_free(p);
        }
        return;
    }
    if (!free_closed(heap, p, MPYI_SIZE_UNKNOWN, site)) {
        mpyi_heap_tick(heap);
        mpyi_large_free(heap, p);
        mpyi_mem_leave(heap);
    }
}

/* Where malloc has to be asked for the size; apart, as the call makes a frame necessary. */
static NOINLINE void
free_asked(void *p, const void *site)
{
    size_t size = mpyi_backend_usable(p);
    if (MPY_LIKELY(mpyi_large_is_kept(size)) &&
        MPY_LIKELY(mpyi_large_cache_push_fast(&mpyi_heap_of(mpy_priv_tls.mem)->large, p, size))) {
        return;
    }
    free_outside_slow(p, site);
}

/* Nobody has said to the byte what may be taken or kept. */
static int
may_leave_unsorted(const struct mpyi_large_cache *cache)
{
    return cache->limit != 0 && !mpyi_usage_is_watched(cache->usage) &&
           atomic_load_explicit(&mpyi_keep_cap, memory_order_relaxed) == SIZE_MAX;
}

/* A large block, or, in map mode, any block. */
static NOINLINE void
free_outside_now(void *p, const void *site)
{
    /* A closed heap is for the slow path: p may be no block at all, and that has to be said. */
    struct mpy_priv_heap *pub = mpy_priv_tls.mem;
    if (MPY_UNLIKELY(mpyi_mem_space.map != NULL || pub == &mpyi_null_heap) ||
        MPY_UNLIKELY(mpyi_heap_of(pub)->closed)) {
        free_outside_slow(p, site);
        return;
    }
    if (!mpyi_backend_has_headers()) {
        free_asked(p, site);
        return;
    }
    struct mpyi_large_cache *cache = &mpyi_heap_of(pub)->large;
    if (!cache->leaves && mpyi_large_may_wait(p) && may_leave_unsorted(cache)) {
        cache->leaves = 1;
        (void)mpyi_large_cache_exchange(cache, p); /* for nothing: the last sorting left none */
        return;
    }
    size_t size = mpyi_backend_header_size(p);
    if (MPY_UNLIKELY(!mpyi_large_is_kept(size)) ||
        MPY_UNLIKELY(!mpyi_large_cache_push_fast(cache, p, size))) {
        free_outside_slow(p, site);
    }
}

/* NULL, or the usual large block: it takes the place of the one freed before. `leaves` says that
   the heap is open and that the words in front of blocks may be read. */
static MPYI_HOT NOINLINE void
free_outside(void *p, const void *site)
{
    if (MPY_UNLIKELY(p == NULL)) {
        return;
    }
    struct mpy_priv_heap *pub = mpy_priv_tls.mem;
    if (MPY_UNLIKELY(!mpyi_large_may_wait(p)) || MPY_UNLIKELY(pub == &mpyi_null_heap) ||
        MPY_UNLIKELY(mpyi_mem_space.map != NULL) ||
        MPY_UNLIKELY(!mpyi_heap_of(pub)->large.leaves)) {
        free_outside_now(p, site);
        return;
    }
    struct mpyi_large_cache *cache = &mpyi_heap_of(pub)->large;
    void *before = mpyi_large_cache_exchange(cache, p);
    if (before == NULL) {
        return;
    }
    size_t size = mpyi_backend_header_size(before);
    if (MPY_UNLIKELY(!mpyi_large_is_kept(size)) ||
        MPY_UNLIKELY(!mpyi_large_cache_push_fast(cache, before, size))) {
        free_outside_slow(before, site);
    }
}

static inline __attribute__((always_inline)) void
free_from(void *p, const void *site)
{
    size_t span = __atomic_load_n(&mpyi_mem_space.span, __ATOMIC_ACQUIRE);
    char *base = __atomic_load_n(&mpyi_mem_space.base, __ATOMIC_RELAXED);
    size_t offset = (uintptr_t)p - (uintptr_t)base;
    if (MPY_UNLIKELY(offset >= span)) {
        free_outside(p, SITE(site));
        return;
    }
    size_t size_class = mpyi_mem_space.classes[offset >> MPYI_POOL_SHIFT];
    if (MPY_UNLIKELY(!mpy_priv_bin_push(&mpy_priv_tls.mem->bins[size_class], p))) {
        free_slow(p, (unsigned)size_class, SITE(site));
    }
}

MPYI_HOT void
mpy_mem_free(void *p)
{
    free_from(p, NULL);
}

static NOINLINE void
free_sized_slow(void *p, size_t n, const void *site)
{
    if (MPY_UNLIKELY(mpyi_modes_get() != 0) && p != NULL) {
        struct mpyi_heap *heap = mpyi_mem_enter();
        if (heap != NULL) {
            if (free_closed(heap, p, n, site)) {
                return;
            }
            mpyi_mem_leave(heap);
        }
    }
    free_from(p, site);
}

MPYI_HOT void
mpy_priv_mem_free_sized(void *p, size_t n)
{
    if (MPY_LIKELY(n - 1 < MPY_SMALL_MAX) && MPY_LIKELY(p != NULL) &&
        MPY_LIKELY(mpy_priv_bin_push(&mpy_priv_tls.mem->bins[mpy_priv_mem_class(n)], p))) {
        return;
    }
    free_sized_slow(p, n, CALLER);
}

void
mpy_mem_free_sized(void *p, size_t n) MPYI_HOT __attribute__((alias("mpy_priv_mem_free_sized")));

/* ---- size -------------------------------------------------------------------------------------
 */

static NOINLINE unsigned
class_of_slow(const void *p)
{
    uint32_t index = mpyi_space_find(&mpyi_mem_space, p);
    return index == MPYI_NO_POOL ? 0 : mpyi_mem_space.classes[index];
}

/* Class of a pooled block; 0 for a large one. */
static inline unsigned
class_of(const void *p)
{
    size_t span = __atomic_load_n(&mpyi_mem_space.span, __ATOMIC_ACQUIRE);
    size_t offset =
        (uintptr_t)p - (uintptr_t)__atomic_load_n(&mpyi_mem_space.base, __ATOMIC_RELAXED);
    if (MPY_LIKELY(offset < span)) {
        return mpyi_mem_space.classes[offset >> MPYI_POOL_SHIFT];
    }
    return MPY_UNLIKELY(mpyi_mem_space.map != NULL) ? class_of_slow(p) : 0;
}

/* Usable bytes of a block of that class. */
static inline size_t
usable_of(const void *p, unsigned size_class)
{
    return size_class != 0 ? mpyi_class_size(size_class)
                           : mpyi_backend_usable((void *)(uintptr_t)p);
}

static NOINLINE size_t
usable_slow(const void *p, const void *site)
{
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap == NULL) {
        return mpyi_mem_plain_usable(p);
    }
    size_t n = mpyi_mem_closed_usable(heap, p, site);
    mpyi_mem_leave(heap);
    return n;
}

static inline __attribute__((always_inline)) size_t
usable_from(const void *p, const void *site)
{
    if (p == NULL) {
        return 0;
    }
    if (MPY_UNLIKELY(mpyi_modes_get() != 0)) {
        return usable_slow(p, SITE(site));
    }
    return usable_of(p, class_of(p));
}

size_t
mpy_mem_usable_size(const void *p)
{
    return usable_from(p, NULL);
}

static void *
realloc_once(void *p, size_t n, const void *site)
{
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap == NULL) {
        return NULL;
    }
    void *fresh = MPY_LIKELY(!heap->closed) ? mpyi_large_realloc(heap, p, n)
                                            : mpyi_mem_closed_realloc(heap, p, n, site);
    mpyi_mem_leave(heap);
    return fresh;
}

/* Both sizes are large, or magazines are closed. */
static NOINLINE void *
realloc_slow(void *p, size_t n, const void *site)
{
    int step = 0;
    void *fresh;
    begin();
    do {
        fresh = realloc_once(p, n, site);
    } while (MPY_UNLIKELY(fresh == NULL) && mpyi_pressure_relieve(&step, n));
    return MPY_LIKELY(fresh != NULL) ? fresh : no_memory();
}

static inline __attribute__((always_inline)) void *
realloc_from(void *p, size_t n, const void *site)
{
    if (p == NULL) {
        return malloc_from(n, site);
    }
    if (MPY_UNLIKELY(mpyi_modes_get() != 0)) {
        return realloc_slow(p, n, SITE(site));
    }
    unsigned size_class = class_of(p);
    size_t old = usable_of(p, size_class);
    if (size_class == 0 && n > MPY_SMALL_MAX) {
        return n <= old && n >= old / 2 ? p : realloc_slow(p, n, SITE(site));
    }
    n += n == 0;
    /* Only within its class: a sized free has to find the class by the last size. */
    if (size_class != 0 && n <= old && mpy_priv_mem_class(n) == size_class) {
        return p;
    }
    void *fresh = malloc_from(n, site);
    if (fresh == NULL) {
        return NULL;
    }
    memcpy(fresh, p, old < n ? old : n);
    free_from(p, site);
    return fresh;
}

void *
mpy_mem_realloc(void *p, size_t n)
{
    return realloc_from(p, n, NULL);
}

/* ---- for the preload library ------------------------------------------------------------------
 */

#if MPY_PRELOAD

void *
mpyi_mem_malloc_at(size_t n, const void *site)
{
    return malloc_from(n, site);
}

void *
mpyi_mem_calloc_at(size_t nelem, size_t elsize, const void *site)
{
    return calloc_from(nelem, elsize, site);
}

void *
mpyi_mem_aligned_at(size_t alignment, size_t n, const void *site)
{
    return aligned_from(alignment, n, site);
}

void *
mpyi_mem_realloc_at(void *p, size_t n, const void *site)
{
    return realloc_from(p, n, site);
}

void
mpyi_mem_free_at(void *p, const void *site)
{
    free_from(p, site);
}

size_t
mpyi_mem_usable_at(const void *p, const void *site)
{
    return usable_from(p, site);
}

#endif
