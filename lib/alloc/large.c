/* SPDX-License-Identifier: MIT */
/*
 * alloc/large.c - the bounded cache of large blocks, and the mem domain's large requests.
 *
 * A block of the mem domain above 512 bytes is a plain block of malloc, so mpy_mem_free() needs no
 * prefix and mpy_mem_usable_size() asks malloc. On a free, malloc_usable_size() says which bin it
 * waits in. A request takes from the first bin that fits, or from one of the next three: up to
 * 1.4 times the size, on condition that the block would otherwise lie idle.
 *
 * Books: held_bytes and held_blocks are what this heap took from malloc minus what it gave back,
 * since they were last added to usage; alive = usage + held - waiting, over all heaps. They are
 * added when they pass 64 KiB, or always while there is a limit.
 *
 * Invariants: lo <= top <= hi in every bin; bytes == sum over entries.
 *
 * Lock: the heap's.
 */
#include "alloc/large.h"

#include "alloc/backend.h"
#include "alloc/heap.h"
#include "alloc/os.h"

#include <string.h>

#define NEIGHBOURS  3u /* bins above the right one that may serve a request */
#define EVICT_MAX   256u
#define PURGE_BYTES ((size_t)1 << 20) /* when so much has waited, its entries are worth a call */
#define BOOK_BYTES  65536

/* ---- the cache ------------------------------------------------------------------------------- */

static void
open_bins(struct mpyi_large_cache *cache)
{
    struct mpyi_large_entry *entries = cache->entries;
    for (unsigned b = 0; b < MPYI_LARGE_BINS; b++) {
        struct mpyi_large_entry *lo = entries;
        entries += mpyi_large_bin_depth(b);
        cache->bins[b] = (struct mpyi_large_bin){lo, lo, lo + mpyi_large_bin_shallow(b)};
    }
    MPY_ASSERT(entries <= cache->entries + MPYI_LARGE_SLOTS);
}

void
mpyi_large_cache_init(struct mpyi_large_cache *cache, size_t limit, struct mpyi_usage *usage)
{
    cache->limit = limit;
    cache->usage = usage;
    open_bins(cache);
}

void
mpyi_large_cache_set_closed(struct mpyi_large_cache *cache, int closed)
{
    if (closed) {
        (void)mpyi_large_cache_clear(cache);
        memset(cache->bins, 0, sizeof cache->bins);
    } else {
        open_bins(cache);
    }
}

static size_t
bin_count(const struct mpyi_large_bin *bin)
{
    return (size_t)(bin->top - bin->lo);
}

/* Statistics read other threads' caches while these change; any value they had is good. */
MPYI_NO_TSAN size_t
mpyi_large_cache_blocks(const struct mpyi_large_cache *cache)
{
    size_t blocks = 0;
    for (unsigned b = 0; b < MPYI_LARGE_BINS; b++) {
        blocks += (size_t)(cache->bins[b].top - cache->bins[b].lo);
    }
    return blocks;
}

void
mpyi_large_cache_forget(struct mpyi_large_cache *cache)
{
    for (unsigned b = 0; b < MPYI_LARGE_BINS; b++) {
        cache->bins[b].top = cache->bins[b].lo;
    }
    cache->bytes = 0;
}

/* A request found nothing: one block more may wait for the next. */
static void
deepen(struct mpyi_large_cache *cache, unsigned b)
{
    struct mpyi_large_bin *bin = &cache->bins[b];
    if (bin->hi != NULL && bin->hi < bin->lo + mpyi_large_bin_depth(b)) {
        bin->hi++;
    }
}

void *
mpyi_large_cache_pop(struct mpyi_large_cache *cache, size_t n, size_t *size)
{
    if (!mpyi_large_is_served(n)) {
        return NULL;
    }
    unsigned first = mpyi_large_bin_ceil(n);
    for (unsigned b = first; b <= first + NEIGHBOURS && b < MPYI_LARGE_BINS; b++) {
        struct mpyi_large_bin *bin = &cache->bins[b];
        if (bin->top != bin->lo) {
            struct mpyi_large_entry *entry = --bin->top;
            cache->bytes -= entry->size;
            *size = entry->size;
            return entry->block;
        }
    }
    deepen(cache, first);
    return NULL;
}

/* How many to evict from a full bin: few at a time, as each takes malloc's time. */
static size_t
portion(const struct mpyi_large_bin *bin)
{
    size_t half = (bin_count(bin) + 1) / 2;
    return half < EVICT_MAX ? half : EVICT_MAX;
}

/* Frees the oldest `n` entries of a bin. */
static size_t
evict(struct mpyi_large_cache *cache, struct mpyi_large_bin *bin, size_t n)
{
    struct mpyi_large_entry *entries = bin->lo;
    size_t bytes = 0;
    if (n == 0) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        bytes += entries[i].size;
        mpyi_backend_free(entries[i].block);
    }
    memmove(entries, entries + n, (bin_count(bin) - n) * sizeof *entries);
    bin->top -= n;
    cache->bytes -= bytes;
    cache->held_bytes -= (int64_t)bytes;
    cache->held_blocks -= (int64_t)n;
    return bytes;
}

/* The bin with the most bytes: giving from it makes the most room at the fewest later misses. */
static struct mpyi_large_bin *
fattest(struct mpyi_large_cache *cache)
{
    unsigned best = 0;
    size_t most = 0;
    for (unsigned b = 0; b < MPYI_LARGE_BINS; b++) {
        size_t bytes = bin_count(&cache->bins[b]) * mpyi_large_bin_size(b);
        if (bytes > most) {
            most = bytes;
            best = b;
        }
    }
    return &cache->bins[best];
}

static void
shrink_to(struct mpyi_large_cache *cache, size_t bytes)
{
    while (cache->bytes > bytes) {
        struct mpyi_large_bin *victim = fattest(cache);
        (void)evict(cache, victim, portion(victim));
    }
}

void
mpyi_large_cache_set_limit(struct mpyi_large_cache *cache, size_t limit)
{
    cache->limit = limit;
    shrink_to(cache, limit);
}

void
mpyi_large_cache_halve(struct mpyi_large_cache *cache)
{
    for (unsigned b = 0; b < MPYI_LARGE_BINS; b++) {
        struct mpyi_large_bin *bin = &cache->bins[b];
        size_t depth = (size_t)(bin->hi - bin->lo) / 2;
        (void)evict(cache, bin, (bin_count(bin) + 1) / 2);
        if (depth > mpyi_large_bin_shallow(b)) {
            bin->hi = bin->lo + depth;
        }
    }
}

int
mpyi_large_cache_push(struct mpyi_large_cache *cache, void *block, size_t size)
{
    if (!mpyi_large_is_kept(size) || size > cache->limit) {
        return 0;
    }
    struct mpyi_large_bin *bin = &cache->bins[mpyi_large_bin_floor(size)];
    if (bin->hi == NULL) {
        return 0;
    }
    if (bin->top == bin->hi) {
        (void)evict(cache, bin, portion(bin));
    }
    shrink_to(cache, cache->limit - size);
    *bin->top++ = (struct mpyi_large_entry){block, size};
    cache->bytes += size;
    return 1;
}

size_t
mpyi_large_cache_clear(struct mpyi_large_cache *cache)
{
    size_t bytes = 0;
    for (unsigned b = 0; b < MPYI_LARGE_BINS; b++) {
        bytes += evict(cache, &cache->bins[b], bin_count(&cache->bins[b]));
    }
    if (bytes > PURGE_BYTES) {
        (void)mpyi_os_purge(cache->entries, sizeof cache->entries);
    }
    return bytes;
}

/* ---- the mem domain -------------------------------------------------------------------------- */

void
mpyi_large_settle(struct mpyi_large_cache *cache)
{
    struct mpyi_usage *usage = cache->usage;
    atomic_fetch_add_explicit(&usage->large_bytes, (uint64_t)cache->held_bytes,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&usage->large_blocks, (uint64_t)cache->held_blocks,
                              memory_order_relaxed);
    cache->held_bytes = 0;
    cache->held_blocks = 0;
    mpyi_usage_peak(usage);
}

/* There is a limit, so that usage has to be up to date. */
static int
is_counted(struct mpyi_usage *usage)
{
    return (atomic_load_explicit(&usage->limit, memory_order_relaxed) &
            atomic_load_explicit(&usage->soft, memory_order_relaxed)) != UINT64_MAX;
}

/* Notes a block taken from malloc (sign 1) or given back (-1). */
static void
book(struct mpyi_large_cache *cache, size_t size, int sign)
{
    cache->held_bytes += sign * (int64_t)size;
    cache->held_blocks += sign;
    if (cache->held_bytes > BOOK_BYTES || cache->held_bytes < -BOOK_BYTES ||
        is_counted(cache->usage)) {
        mpyi_large_settle(cache);
    }
}

static void *
booked(struct mpyi_large_cache *cache, void *p)
{
    if (p != NULL) {
        book(cache, mpyi_backend_usable(p), 1);
    }
    return p;
}

static int
refused(const struct mpyi_heap *heap, size_t n)
{
    return n > MPYI_SIZE_LIMIT || !mpyi_usage_fits(heap->large.usage, n);
}

/* What to ask malloc for: a bin's size, where freed blocks are going to wait in bins. */
static size_t
request_size(const struct mpyi_heap *heap, size_t n)
{
    return heap->closed || heap->large.limit == 0 || n <= MPY_SMALL_MAX ? n
                                                                        : mpyi_large_good_size(n);
}

/* The newest block of the right bin that happens to be aligned: after a while, those of a program
   that wants aligned blocks are. */
static void *
pop_aligned(struct mpyi_large_cache *cache, size_t alignment, size_t n)
{
    if (!mpyi_large_is_served(n)) {
        return NULL;
    }
    struct mpyi_large_bin *bin = &cache->bins[mpyi_large_bin_ceil(n)];
    for (struct mpyi_large_entry *entry = bin->top; entry != bin->lo;) {
        entry--;
        if (((uintptr_t)entry->block & (alignment - 1)) == 0) {
            struct mpyi_large_entry found = *entry;
            bin->top--;
            memmove(entry, entry + 1, (size_t)(bin->top - entry) * sizeof *entry);
            cache->bytes -= found.size;
            return found.block;
        }
    }
    return NULL;
}

void *
mpyi_large_malloc(struct mpyi_heap *heap, size_t n)
{
    size_t size;
    void *p = mpyi_large_cache_pop(&heap->large, n, &size);
    if (MPY_LIKELY(p != NULL)) {
        return p;
    }
    if (refused(heap, n)) {
        return NULL;
    }
    return booked(&heap->large, mpyi_backend_malloc(request_size(heap, n)));
}

void *
mpyi_large_calloc(struct mpyi_heap *heap, size_t n)
{
    size_t size;
    void *p = mpyi_large_cache_pop(&heap->large, n, &size);
    if (p != NULL) {
        return memset(p, 0, n);
    }
    if (refused(heap, n)) {
        return NULL;
    }
    return booked(&heap->large, mpyi_backend_calloc(request_size(heap, n)));
}

void *
mpyi_large_aligned(struct mpyi_heap *heap, size_t alignment, size_t n)
{
    void *p = pop_aligned(&heap->large, alignment, n);
    if (p != NULL) {
        return p;
    }
    if (refused(heap, n)) {
        return NULL;
    }
    return booked(&heap->large, mpyi_backend_aligned(alignment, request_size(heap, n)));
}

void
mpyi_large_free(struct mpyi_heap *heap, void *p)
{
    size_t size = mpyi_backend_usable(p);
    if (!heap->closed && mpyi_large_cache_push(&heap->large, p, size)) {
        return;
    }
    mpyi_backend_free(p);
    book(&heap->large, size, -1);
}

void *
mpyi_large_realloc(struct mpyi_heap *heap, void *p, size_t n)
{
    size_t old = mpyi_backend_usable(p);
    if (n <= old && n >= old / 2 && !heap->closed) {
        return p;
    }
    if (n > MPYI_SIZE_LIMIT || (n > old && refused(heap, n - old))) {
        return NULL;
    }
    size_t size;
    void *fresh = mpyi_large_cache_pop(&heap->large, n, &size);
    if (fresh != NULL) {
        memcpy(fresh, p, old < n ? old : n);
        mpyi_large_free(heap, p);
        return fresh;
    }
    fresh = mpyi_backend_realloc(p, request_size(heap, n));
    if (fresh != NULL) {
        book(&heap->large, old, -1);
        book(&heap->large, mpyi_backend_usable(fresh), 1);
    }
    return fresh;
}
