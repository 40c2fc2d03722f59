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
 * Invariants: bit b of `filled` iff count[b] > 0; bytes == sum over entries; blocks == sum of
 * count[].
 *
 * Lock: the heap's.
 */
#include "alloc/large.h"

#include "alloc/heap.h"
#include "alloc/sys.h"

#include <string.h>

#define NEIGHBOURS 3u /* bins above the right one that may serve a request */
#define BOOK_BYTES 65536

/* ---- the cache ------------------------------------------------------------------------------- */

void *
mpyi_large_cache_pop(struct mpyi_large_cache *cache, size_t n, size_t *size)
{
    if (n > MPYI_LARGE_CACHED_MAX || cache->filled == 0) {
        return NULL;
    }
    unsigned bin = mpyi_large_bin_floor(mpyi_large_good_size(n));
    uint64_t candidates = cache->filled >> bin;
    if (candidates == 0) {
        return NULL;
    }
    unsigned above = mpyi_ctz64(candidates);
    if (above > NEIGHBOURS) {
        return NULL;
    }
    bin += above;
    unsigned last = --cache->count[bin];
    if (last == 0) {
        cache->filled &= ~(UINT64_C(1) << bin);
    }
    struct mpyi_large_entry *entry = &cache->entries[bin][last];
    cache->bytes -= entry->size;
    cache->blocks--;
    *size = entry->size;
    return entry->block;
}

/* Frees the oldest `n` entries of a bin. */
static size_t
evict(struct mpyi_large_cache *cache, unsigned bin, unsigned n)
{
    struct mpyi_large_entry *entries = cache->entries[bin];
    size_t bytes = 0;
    for (unsigned i = 0; i < n; i++) {
        bytes += entries[i].size;
        mpyi_sys_free(entries[i].block);
    }
    cache->count[bin] = (uint8_t)(cache->count[bin] - n);
    memmove(entries, entries + n, cache->count[bin] * sizeof *entries);
    if (cache->count[bin] == 0) {
        cache->filled &= ~(UINT64_C(1) << bin);
    }
    cache->bytes -= bytes;
    cache->blocks -= n;
    cache->held_bytes -= (int64_t)bytes;
    cache->held_blocks -= (int64_t)n;
    return bytes;
}

/* The next bin, in turn, that has an entry. */
static unsigned
next_victim(struct mpyi_large_cache *cache)
{
    uint64_t after = cache->filled & ~mpyi_low_bits(cache->evict + 1);
    cache->evict = mpyi_ctz64(after != 0 ? after : cache->filled);
    return cache->evict;
}

int
mpyi_large_cache_push(struct mpyi_large_cache *cache, void *block, size_t size)
{
    if (size - 512 > MPYI_LARGE_CACHED_MAX - 512 + 64 || size > cache->limit) {
        return 0;
    }
    unsigned bin = mpyi_large_bin_floor(size);
    if (bin >= MPYI_LARGE_BINS) {
        bin = MPYI_LARGE_BINS - 1;
    }
    if (cache->count[bin] == MPYI_LARGE_ENTRIES) {
        (void)evict(cache, bin, MPYI_LARGE_ENTRIES / 2);
    }
    while (cache->bytes + size > cache->limit) {
        unsigned victim = next_victim(cache);
        (void)evict(cache, victim, (cache->count[victim] + 1u) / 2);
    }
    cache->entries[bin][cache->count[bin]++] = (struct mpyi_large_entry){block, size};
    cache->filled |= UINT64_C(1) << bin;
    cache->bytes += size;
    cache->blocks++;
    return 1;
}

size_t
mpyi_large_cache_clear(struct mpyi_large_cache *cache)
{
    size_t bytes = 0;
    while (cache->filled != 0) {
        unsigned bin = mpyi_ctz64(cache->filled);
        bytes += evict(cache, bin, cache->count[bin]);
    }
    return bytes;
}

/* ---- the mem domain -------------------------------------------------------------------------- */

static void
settle(struct mpyi_large_cache *cache)
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

/* Notes a block taken from malloc (sign 1) or given back (-1). */
static void
book(struct mpyi_large_cache *cache, size_t size, int sign)
{
    cache->held_bytes += sign * (int64_t)size;
    cache->held_blocks += sign;
    if (cache->held_bytes > BOOK_BYTES || cache->held_bytes < -BOOK_BYTES ||
        atomic_load_explicit(&cache->usage->limit, memory_order_relaxed) != UINT64_MAX) {
        settle(cache);
    }
}

static void *
booked(struct mpyi_large_cache *cache, void *p)
{
    if (p != NULL) {
        book(cache, mpyi_sys_usable(p), 1);
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
    return booked(&heap->large, mpyi_sys_malloc(request_size(heap, n)));
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
    return booked(&heap->large, mpyi_sys_calloc(request_size(heap, n)));
}

void *
mpyi_large_aligned(struct mpyi_heap *heap, size_t alignment, size_t n)
{
    if (refused(heap, n)) {
        return NULL;
    }
    return booked(&heap->large, mpyi_sys_aligned(alignment, n));
}

void
mpyi_large_free(struct mpyi_heap *heap, void *p)
{
    size_t size = mpyi_sys_usable(p);
    if (!heap->closed && mpyi_large_cache_push(&heap->large, p, size)) {
        return;
    }
    mpyi_sys_free(p);
    book(&heap->large, size, -1);
}

void *
mpyi_large_realloc(struct mpyi_heap *heap, void *p, size_t n)
{
    size_t old = mpyi_sys_usable(p);
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
    fresh = mpyi_sys_realloc(p, request_size(heap, n));
    if (fresh != NULL) {
        book(&heap->large, old, -1);
        book(&heap->large, mpyi_sys_usable(fresh), 1);
    }
    return fresh;
}
