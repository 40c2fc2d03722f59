/* SPDX-License-Identifier: MIT */
/*
 * alloc/large.c - the bounded cache of large blocks, and the mem domain's large requests.
 *
 * A block of the mem domain above 512 bytes is a plain block of malloc, so mpy_mem_free() needs no
 * prefix and mpy_mem_usable_size() asks malloc. On a free, malloc_usable_size() says which bin it
 * waits in. A request takes from the first bin that fits, or from the next: up to 1.3 times the
 * size, on condition that the block would otherwise lie idle. From more bins, blocks wander up:
 * their own bins miss them later, and the memory that it saves is a few percent.
 *
 * Books: held_bytes and held_blocks are what this heap took from malloc minus what it gave back,
 * since they were last added to usage; alive = usage + held - waiting, over all heaps. They are
 * added when they pass 64 KiB, or always while there is a limit.
 *
 * Limit: a block is counted before it is taken from malloc, out of the heap's credit, which grows
 * by 64 KiB more than was needed while nobody watches (alloc/usage.h). So one atomic step serves
 * many blocks, and the count is never too low, also for a limit that is set later. What comes from
 * the cache was counted when it was taken.
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

#define EVICT_MAX   256u
#define PURGE_BYTES ((size_t)1 << 20) /* when so much has waited, its entries are worth a call */
#define BOOK_BYTES  65536
#define LOOKS_MAX   128 /* entries that are looked at for an aligned block */

/* ---- the cache ------------------------------------------------------------------------------- */

static void
open_bins(struct mpyi_large_cache *cache)
{
    struct mpyi_large_entry *entries = cache->entries;
    if (entries == NULL) {
        return;
    }
    for (unsigned b = 0; b < MPYI_LARGE_BINS; b++) {
        struct mpyi_large_entry *lo = entries;
        entries += mpyi_large_bin_depth(b);
        cache->bins[b] = (struct mpyi_large_bin){lo, lo, lo + mpyi_large_bin_shallow(b)};
    }
    MPY_ASSERT(entries <= cache->entries + MPYI_LARGE_SLOTS);
}

void
mpyi_large_cache_init(struct mpyi_large_cache *cache, void *entries, size_t limit,
                      struct mpyi_usage *usage)
{
    cache->entries = entries;
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
    return blocks + (cache->unsorted != NULL);
}

/* 1 when bin b has its place and blocks of its sizes, which are added to *bytes. */
static int
is_bin_sound(const struct mpyi_large_cache *cache, unsigned b, size_t *bytes)
{
    const struct mpyi_large_bin *bin = &cache->bins[b];
    if (bin->hi == NULL) {
        return bin->lo == NULL && bin->top == NULL;
    }
    if (bin->lo > bin->top || bin->top > bin->hi ||
        (size_t)(bin->hi - bin->lo) > mpyi_large_bin_depth(b)) {
        return 0;
    }
    for (const struct mpyi_large_entry *entry = bin->lo; entry < bin->top; entry++) {
        if (entry->block == NULL || !mpyi_large_is_kept(entry->size) ||
            mpyi_large_bin_floor(entry->size) != b) {
            return 0;
        }
        *bytes += entry->size;
    }
    return 1;
}

int
mpyi_large_cache_is_sound(const struct mpyi_large_cache *cache)
{
    size_t bytes = 0;
    for (unsigned b = 0; b < MPYI_LARGE_BINS; b++) {
        if (!is_bin_sound(cache, b, &bytes)) {
            return 0;
        }
    }
    return bytes == cache->bytes && bytes <= cache->limit;
}

void
mpyi_large_cache_forget(struct mpyi_large_cache *cache)
{
    for (unsigned b = 0; b < MPYI_LARGE_BINS; b++) {
        cache->bins[b].top = cache->bins[b].lo;
    }
    cache->bytes = 0;
    cache->unsorted = NULL;
    cache->leaves = 0;
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
    mpyi_large_cache_sort(cache);
    if (!mpyi_large_is_served(n)) {
        return NULL;
    }
    unsigned first = mpyi_large_bin_ceil(n);
    for (unsigned b = first; b <= first + MPYI_LARGE_NEIGHBOURS; b++) {
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

/* Gives back credit that is more than a few requests need, or all of it while somebody watches. */
static void
trim_credit(struct mpyi_large_cache *cache)
{
    size_t keep = mpyi_usage_is_watched(cache->usage) ? 0 : BOOK_BYTES;
    if (cache->credit > 2 * keep) {
        mpyi_usage_give(cache->usage, cache->credit - keep);
        cache->credit = keep;
    }
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
    if (cache->usage != NULL) {
        cache->credit += bytes;
        trim_credit(cache);
    }
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
    mpyi_large_cache_sort(cache);
    cache->limit = limit;
    shrink_to(cache, limit);
}

void
mpyi_large_cache_halve(struct mpyi_large_cache *cache)
{
    mpyi_large_cache_sort(cache);
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
    if (bin->hi == bin->lo) { /* no room, or closed */
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
    mpyi_large_cache_sort(cache);
    for (unsigned b = 0; b < MPYI_LARGE_BINS; b++) {
        bytes += evict(cache, &cache->bins[b], bin_count(&cache->bins[b]));
    }
    if (bytes > PURGE_BYTES) {
        (void)mpyi_os_purge(cache->entries, MPYI_LARGE_ENTRY_BYTES);
    }
    return bytes;
}

/* ---- the mem domain -------------------------------------------------------------------------- */

/* Tells the statistics. */
static void
publish(struct mpyi_large_cache *cache)
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

void
mpyi_large_settle(struct mpyi_large_cache *cache)
{
    mpyi_large_cache_sort(cache);
    publish(cache);
    mpyi_usage_give(cache->usage, cache->credit);
    cache->credit = 0;
}

/* Notes a block taken from malloc (sign 1) or given back (-1). */
static void
book(struct mpyi_large_cache *cache, size_t size, int sign)
{
    cache->held_bytes += sign * (int64_t)size;
    cache->held_blocks += sign;
    if (cache->held_bytes > BOOK_BYTES || cache->held_bytes < -BOOK_BYTES ||
        mpyi_usage_is_watched(cache->usage)) {
        publish(cache);
    }
}

/* Counts n bytes that are about to be taken; 0 when they do not fit the limit. */
static int
reserve(struct mpyi_large_cache *cache, size_t n)
{
    if (n > cache->credit) {
        size_t ahead = mpyi_usage_is_watched(cache->usage) ? 0 : BOOK_BYTES;
        size_t missing = n - cache->credit + ahead;
        if (!mpyi_usage_take(cache->usage, missing)) {
            return 0;
        }
        cache->credit += missing;
    }
    cache->credit -= n;
    return 1;
}

static void
unreserve(struct mpyi_large_cache *cache, size_t n)
{
    cache->credit += n;
    trim_credit(cache);
}

/* Corrects the count for a block that was given `reserved` bytes of it; 0 when it has more, and
   these do not fit. */
static int
correct(struct mpyi_large_cache *cache, size_t size, size_t reserved)
{
    if (size > reserved) {
        return reserve(cache, size - reserved);
    }
    unreserve(cache, reserved - size);
    return 1;
}

/* What to ask malloc for: a bin's size, where freed blocks are going to wait in bins. */
static size_t
request_size(const struct mpyi_heap *heap, size_t n)
{
    return heap->closed || heap->large.limit == 0 || n <= MPY_SMALL_MAX ? n
                                                                        : mpyi_large_good_size(n);
}

enum how { PLAIN, ZEROED, ALIGNED };

/* A block of malloc's for a request that the cache cannot serve. */
static void *
from_backend(struct mpyi_heap *heap, enum how how, size_t alignment, size_t n)
{
    struct mpyi_large_cache *cache = &heap->large;
    size_t want = request_size(heap, n);
    size_t reserved = mpyi_backend_good(want);
    if (n > MPYI_SIZE_LIMIT || !reserve(cache, reserved)) {
        return NULL;
    }
    void *p = how == PLAIN    ? mpyi_backend_malloc(want)
              : how == ZEROED ? mpyi_backend_calloc(want)
                              : mpyi_backend_aligned(alignment, want);
    size_t size = p != NULL ? mpyi_backend_usable(p) : 0;
    if (p == NULL || !correct(cache, size, reserved)) {
        if (p != NULL) {
            mpyi_backend_free(p);
        }
        unreserve(cache, reserved);
        return NULL;
    }
    book(cache, size, 1);
    return p;
}

/* The newest block of the right bin that happens to be aligned: after a while, those of a program
   that wants aligned blocks are. Only the first few are looked at: a bin may hold 16384, and none
   of them aligned. */
static void *
pop_aligned(struct mpyi_large_cache *cache, size_t alignment, size_t n)
{
    mpyi_large_cache_sort(cache);
    if (!mpyi_large_is_served(n)) {
        return NULL;
    }
    struct mpyi_large_bin *bin = &cache->bins[mpyi_large_bin_ceil(n)];
    struct mpyi_large_entry *last = bin_count(bin) > LOOKS_MAX ? bin->top - LOOKS_MAX : bin->lo;
    for (struct mpyi_large_entry *entry = bin->top; entry != last;) {
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
    return MPY_LIKELY(p != NULL) ? p : from_backend(heap, PLAIN, 0, n);
}

void *
mpyi_large_calloc(struct mpyi_heap *heap, size_t n)
{
    size_t size;
    void *p = mpyi_large_cache_pop(&heap->large, n, &size);
    return p != NULL ? memset(p, 0, n) : from_backend(heap, ZEROED, 0, n);
}

void *
mpyi_large_aligned(struct mpyi_heap *heap, size_t alignment, size_t n)
{
    void *p = pop_aligned(&heap->large, alignment, n);
    return p != NULL ? p : from_backend(heap, ALIGNED, alignment, n);
}

static void
give_back(struct mpyi_large_cache *cache, void *p, size_t size)
{
    mpyi_backend_free(p);
    book(cache, size, -1);
    unreserve(cache, size);
}

void
mpyi_large_cache_sort(struct mpyi_large_cache *cache)
{
    void *p = cache->unsorted;
    cache->leaves = 0;
    if (p != NULL) {
        cache->unsorted = NULL;
        size_t size = mpyi_backend_usable(p);
        if (!mpyi_large_cache_push(cache, p, size)) {
            give_back(cache, p, size);
        }
    }
}

void
mpyi_large_free(struct mpyi_heap *heap, void *p)
{
    size_t size = mpyi_backend_usable(p);
    if (heap->closed || !mpyi_large_cache_push(&heap->large, p, size)) {
        give_back(&heap->large, p, size);
    }
}

void
mpyi_large_free_lone(struct mpyi_usage *usage, void *p)
{
    size_t size = mpyi_backend_usable(p);
    mpyi_backend_free(p);
    atomic_fetch_sub_explicit(&usage->large_bytes, size, memory_order_relaxed);
    atomic_fetch_sub_explicit(&usage->large_blocks, 1, memory_order_relaxed);
    mpyi_usage_give(usage, size);
}

/* ---- another size ---------------------------------------------------------------------------- */

static void
book_change(struct mpyi_large_cache *cache, size_t old, size_t size)
{
    book(cache, old, -1);
    book(cache, size, 1);
}

/* Near the limit, where there is room for the growth but not for all that realloc() might give: the
   fresh block can still be given back when it turns out to be too large. */
static void *
move(struct mpyi_large_cache *cache, void *p, size_t old, size_t want)
{
    size_t good = mpyi_backend_good(want);
    size_t more = good > old ? good - old : 0;
    if (!reserve(cache, more)) {
        return NULL;
    }
    void *fresh = mpyi_backend_malloc(want);
    size_t size = fresh != NULL ? mpyi_backend_usable(fresh) : 0;
    if (fresh == NULL || !correct(cache, size, old + more)) {
        if (fresh != NULL) {
            mpyi_backend_free(fresh);
        }
        unreserve(cache, more);
        return NULL;
    }
    memcpy(fresh, p, old < want ? old : want);
    mpyi_backend_free(p);
    book_change(cache, old, size);
    return fresh;
}

static void *
resize(struct mpyi_large_cache *cache, void *p, size_t old, size_t want)
{
    size_t most = mpyi_backend_most(want);
    size_t more = most > old ? most - old : 0;
    if (!reserve(cache, more)) {
        return move(cache, p, old, want);
    }
    void *fresh = mpyi_backend_realloc(p, want);
    if (fresh == NULL) {
        unreserve(cache, more);
        return NULL;
    }
    size_t size = mpyi_backend_usable(fresh);
    if (MPY_UNLIKELY(!correct(cache, size, old + more))) { /* more than any malloc known gives */
        mpyi_usage_give(cache->usage, (uint64_t)(old + more) - size);
    }
    book_change(cache, old, size);
    return fresh;
}

void *
mpyi_large_realloc(struct mpyi_heap *heap, void *p, size_t n)
{
    size_t old = mpyi_backend_usable(p);
    if (n <= old && n >= old / 2 && !heap->closed) {
        return p;
    }
    if (n > MPYI_SIZE_LIMIT) {
        return NULL;
    }
    size_t size;
    void *fresh = n <= MPYI_LARGE_COPIED_MAX ? mpyi_large_cache_pop(&heap->large, n, &size) : NULL;
    if (fresh != NULL) {
        memcpy(fresh, p, old < n ? old : n);
        mpyi_large_free(heap, p);
        return fresh;
    }
    return resize(&heap->large, p, old, request_size(heap, n));
}
