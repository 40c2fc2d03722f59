/* SPDX-License-Identifier: MIT */
/*
 * alloc/large.h - blocks above 512 bytes: a bounded cache in front of the system's malloc.
 *
 * glibc takes 118 ns for a pair of 513 B..64 KiB, and growing lists and tables ask for such blocks
 * all the time; above 128 KiB it gives their pages back to the system and faults them in again.
 * Freed ones of up to 1 MiB wait in bins by size, eight bins to each power of two; requests of that
 * range are rounded up to the size of a bin, so that what was freed fits what is asked for next.
 * At most MINIPY_LARGE_CACHE_BYTES wait in a cache; then the oldest of the bin with the most bytes
 * go back to malloc.
 *
 * A bin can have room for nearly all that the default lets wait, since programs use one size at a
 * time as often as all. It gets a place for each request that it could not serve, so blocks that
 * other threads made and this one only frees do not pile up. Its entries are 5 MiB of address space
 * a cache; what was never used of them costs no memory, and what was goes back with the blocks.
 *
 * A free does not look at its block: the word before it, with the size, is in a line that the
 * program may have left long ago, and all that comes after would wait for it. It asks the processor
 * for that line and leaves the block unsorted; the next free, for which the size has come by then,
 * puts it into its bin. The first is left so where the word may be read, the block cannot be huge,
 * and nobody has set a limit or a cap.
 *
 *   bin b   blocks of usable size in [size(b), size(b + 1)), size(b) = (8 + b % 8) << (6 + b / 8)
 *   bytes   == sum of the sizes of all entries, <= limit; the unsorted block is not among them
 *   closed  lo == top == hi == NULL: nothing comes or goes (as the magazines of small blocks)
 *
 * Lock: that of the heap the cache belongs to.
 */
#ifndef MPY_ALLOC_LARGE_H
#define MPY_ALLOC_LARGE_H

#include "alloc/backend.h"
#include "alloc/size.h"
#include "alloc/usage.h"
#include "base/bits.h"

#include "minipy/mem.h"

#define MPYI_LARGE_BINS      89 /* 512 bytes to 1 MiB */
#define MPYI_LARGE_BIN_BYTES (16u << 20)
#define MPYI_LARGE_DEPTH_MAX 16384u
/* Bins above the right one that may serve a request: as far as the next that is in use. */
#define MPYI_LARGE_NEIGHBOURS (1u << (3 - MPYI_BACKEND_STEP_LOG))
#define MPYI_LARGE_CACHED_MAX (1u << 20)
/* Up to this size a realloc moves to a block that waits; larger ones the system can often extend
   where they are, or move by their page tables. */
#define MPYI_LARGE_COPIED_MAX 65536u

/* Entries of all bins: the first nine 16384 each, then 16 MiB each, halved with every power of
   two. */
#define MPYI_LARGE_SLOTS ((size_t)(8 * 16384 + 4 * 47640))

struct mpyi_large_entry {
    void *block;
    size_t size;
};

/* They stand apart: a heap that keeps no large blocks, as a region's, has no use for so much
   address space. */
#define MPYI_LARGE_ENTRY_BYTES (MPYI_LARGE_SLOTS * sizeof(struct mpyi_large_entry))

struct mpyi_large_bin {
    struct mpyi_large_entry *top, *lo, *hi;
};

struct mpyi_large_cache {
    size_t bytes;                    /* waiting in bins */
    void *unsorted;                  /* the block freed last, or NULL; not in bytes */
    int leaves;                      /* frees may leave a block unsorted */
    size_t limit;                    /* 0: nothing is kept */
    int64_t held_bytes, held_blocks; /* taken from malloc minus given back, not yet in usage */
    size_t credit;                   /* counted in usage.taken for blocks that are not taken yet */
    struct mpyi_usage *usage;        /* NULL: what waits is not counted (a runtime's) */
    struct mpyi_large_bin bins[MPYI_LARGE_BINS + MPYI_LARGE_NEIGHBOURS]; /* the last: closed */
    struct mpyi_large_entry *entries; /* MPYI_LARGE_SLOTS; NULL: none, so all bins stay closed */
};

/* Bytes of the blocks in bin b, at least. */
static inline size_t
mpyi_large_bin_size(unsigned bin)
{
    return (size_t)(8 + (bin & 7)) << (6 + (bin >> 3));
}

/* Blocks that bin b has room for, at first and at most. Above 64 KiB none at first: what nobody
   asked malloc for was grown by realloc, and the next block that grows needs that memory beside it.
 */
static inline size_t
mpyi_large_bin_shallow(unsigned bin)
{
    size_t size = mpyi_large_bin_size(bin);
    return size < 4096 ? 128 : size <= MPYI_LARGE_COPIED_MAX ? 32 : 0;
}

static inline size_t
mpyi_large_bin_depth(unsigned bin)
{
    size_t depth = MPYI_LARGE_BIN_BYTES / mpyi_large_bin_size(bin);
    return depth < MPYI_LARGE_DEPTH_MAX ? depth : MPYI_LARGE_DEPTH_MAX;
}

/* The bin for a block of n usable bytes, from 512 to a page above 1 MiB: the last b with size(b) <=
   n. */
static inline unsigned
mpyi_large_bin_floor(size_t n)
{
    unsigned log = mpyi_log2(n);
    return log * 8 + (unsigned)(n >> (log - 3)) - 80;
}

/* True for requests that the cache serves. */
static inline int
mpyi_large_is_served(size_t n)
{
    return n - (MPY_SMALL_MAX + 1) < MPYI_LARGE_CACHED_MAX - MPY_SMALL_MAX;
}

/* True for blocks of that many usable bytes which the cache may keep: what malloc gives for 1 MiB
   is up to a page more. */
static inline int
mpyi_large_is_kept(size_t size)
{
    return size - MPY_SMALL_MAX <= MPYI_LARGE_CACHED_MAX - MPY_SMALL_MAX + 4096;
}

/* n rounded up to the size of a bin, when it is one the cache holds; n > 512. */
static inline size_t
mpyi_large_good_size(size_t n)
{
    if (n > MPYI_LARGE_CACHED_MAX) {
        return n;
    }
    unsigned log = mpyi_log2(n - 1);
    return mpyi_round_up(n, (size_t)1 << (log - MPYI_BACKEND_STEP_LOG));
}

/* The bin for a request of n bytes, 513 to 1 MiB: the first b with size(b) >= n that is in use. */
static inline unsigned
mpyi_large_bin_ceil(size_t n)
{
    if (MPYI_BACKEND_STEP_LOG == 3) {
        return mpyi_large_bin_floor(n - 1) + 1;
    }
    return mpyi_large_bin_floor(mpyi_large_good_size(n));
}

/* Makes a cache out of zeroed memory, with room for its entries, MPYI_LARGE_ENTRY_BYTES, and opens
   it; usage may be NULL. */
void
mpyi_large_cache_init(struct mpyi_large_cache *cache, void *entries, size_t limit,
                      struct mpyi_usage *usage);

/* Opens the bins, or closes them after freeing what is in them. */
void
mpyi_large_cache_set_closed(struct mpyi_large_cache *cache, int closed);

/* The usual case of mpyi_large_cache_pop() and _push(): the right bin has a block, or room. */
static inline void *
mpyi_large_cache_pop_fast(struct mpyi_large_cache *cache, size_t n)
{
    struct mpyi_large_bin *bin = &cache->bins[mpyi_large_bin_ceil(n)];
    struct mpyi_large_entry *entry = bin->top;
    if (MPY_UNLIKELY(entry == bin->lo)) {
        return NULL;
    }
    bin->top = --entry;
    cache->bytes -= entry->size;
    return entry->block;
}

/* A block of the next bin: up to 1.3 times the size, and it would lie idle. */
static inline void *
mpyi_large_cache_pop_near(struct mpyi_large_cache *cache, size_t n)
{
    struct mpyi_large_bin *bin = &cache->bins[mpyi_large_bin_ceil(n)];
    struct mpyi_large_bin *last = bin + MPYI_LARGE_NEIGHBOURS;
    while (bin++ != last) {
        struct mpyi_large_entry *entry = bin->top;
        if (entry != bin->lo) {
            bin->top = --entry;
            cache->bytes -= entry->size;
            return entry->block;
        }
    }
    return NULL;
}

/* As mpyi_large_cache_pop_fast() for a block whose address is a multiple of a power of two. */
static inline void *
mpyi_large_cache_pop_aligned_fast(struct mpyi_large_cache *cache, size_t alignment, size_t n)
{
    struct mpyi_large_bin *bin = &cache->bins[mpyi_large_bin_ceil(n)];
    struct mpyi_large_entry *entry = bin->top;
    if (MPY_UNLIKELY(entry == bin->lo) ||
        MPY_UNLIKELY(((uintptr_t)entry[-1].block & (alignment - 1)) != 0)) {
        return NULL;
    }
    bin->top = --entry;
    cache->bytes -= entry->size;
    return entry->block;
}

static inline int
mpyi_large_cache_push_fast(struct mpyi_large_cache *cache, void *block, size_t size)
{
    struct mpyi_large_bin *bin = &cache->bins[mpyi_large_bin_floor(size)];
    struct mpyi_large_entry *entry = bin->top;
    if (MPY_UNLIKELY(entry == bin->hi) || MPY_UNLIKELY(cache->bytes + size > cache->limit)) {
        return 0;
    }
    entry->block = block;
    entry->size = size;
    bin->top = entry + 1;
    cache->bytes += size;
    return 1;
}

/* Whether a block may be left unsorted, NULL not. What glibc maps by itself, as it does from 32 MiB
   on and often from 128 KiB, starts 16 bytes into a page, or at the power of two asked for. */
static inline int
mpyi_large_may_wait(const void *block)
{
    uintptr_t in_page = (uintptr_t)block & 4095;
    return (in_page & (in_page - 1)) != 0;
}

/* Leaves a block unsorted in place of the one that is. */
static inline void *
mpyi_large_cache_exchange(struct mpyi_large_cache *cache, void *block)
{
    void *before = cache->unsorted;
    cache->unsorted = block;
    __builtin_prefetch((const char *)block - sizeof(size_t));
    return before;
}

/* The unsorted block, where it is of the right bin for n bytes or of the next, and aligned. */
static inline void *
mpyi_large_cache_take_unsorted(struct mpyi_large_cache *cache, size_t alignment, size_t n)
{
    void *block = cache->unsorted;
    if (block == NULL || ((uintptr_t)block & (alignment - 1)) != 0) {
        return NULL;
    }
    size_t size = mpyi_backend_header_size(block);
    if (!mpyi_large_is_kept(size) ||
        mpyi_large_bin_floor(size) - mpyi_large_bin_ceil(n) > MPYI_LARGE_NEIGHBOURS) {
        return NULL;
    }
    cache->unsorted = NULL;
    return block;
}

/* Puts the unsorted block into its bin, or gives it back to malloc; the next free decides anew
   whether any is left so. */
void
mpyi_large_cache_sort(struct mpyi_large_cache *cache);

/* A cached block of at least n bytes, *size its usable bytes; NULL when there is none. */
void *
mpyi_large_cache_pop(struct mpyi_large_cache *cache, size_t n, size_t *size);

/* Keeps a block; 0 when it is not for this cache and the caller must free it. */
int
mpyi_large_cache_push(struct mpyi_large_cache *cache, void *block, size_t size);

/* Blocks that wait. */
size_t
mpyi_large_cache_blocks(const struct mpyi_large_cache *cache);

/* 1 when every bin keeps its bounds and blocks of its sizes, and bytes is their sum. */
int
mpyi_large_cache_is_sound(const struct mpyi_large_cache *cache);

/* Forgets what waits; the blocks stay allocated. */
void
mpyi_large_cache_forget(struct mpyi_large_cache *cache);

/* Changes how much may wait, and frees what is above that. */
void
mpyi_large_cache_set_limit(struct mpyi_large_cache *cache, size_t limit);

/* Frees the older half of every bin. */
void
mpyi_large_cache_halve(struct mpyi_large_cache *cache);

/* Frees everything that waits; bytes freed. */
size_t
mpyi_large_cache_clear(struct mpyi_large_cache *cache);

/* Brings usage up to date with what this cache's heap took, gave and has counted in advance. */
void
mpyi_large_settle(struct mpyi_large_cache *cache);

/* Frees a block on behalf of a thread that has no heap. */
void
mpyi_large_free_lone(struct mpyi_usage *usage, void *p);

/* ---- plain blocks of the mem domain; no failure injection here ------------------------------- */

struct mpyi_heap;

void *
mpyi_large_malloc(struct mpyi_heap *heap, size_t n);

void *
mpyi_large_calloc(struct mpyi_heap *heap, size_t n);

void *
mpyi_large_realloc(struct mpyi_heap *heap, void *p, size_t n);

void *
mpyi_large_aligned(struct mpyi_heap *heap, size_t alignment, size_t n);

void
mpyi_large_free(struct mpyi_heap *heap, void *p);

#endif /* MPY_ALLOC_LARGE_H */
