/* SPDX-License-Identifier: MIT */
/*
 * alloc/large.h - blocks above 512 bytes: a bounded cache in front of the system's malloc.
 *
 * glibc takes 118 ns for a pair of 513 B..64 KiB, and growing lists and tables ask for such blocks
 * all the time. Freed ones of up to 64 KiB wait in bins by size, eight bins to each power of two;
 * requests of that range are rounded up to the size of a bin, so that what was freed fits what is
 * asked for next. At most MINIPY_LARGE_CACHE_BYTES wait in a cache; then the oldest of another
 * bin go back to malloc.
 *
 *   bin b   blocks of usable size in [size(b), size(b + 1)), size(b) = (8 + b % 8) << (6 + b / 8)
 *   bytes   == sum of the sizes of all entries, <= limit
 *
 * Lock: that of the heap the cache belongs to.
 */
#ifndef MPY_ALLOC_LARGE_H
#define MPY_ALLOC_LARGE_H

#include "alloc/size.h"
#include "base/bits.h"

#include "minipy/mem.h"

#define MPYI_LARGE_BINS       57 /* 512 bytes to 64 KiB */
#define MPYI_LARGE_ENTRIES    16
#define MPYI_LARGE_CACHED_MAX 65536u

struct mpyi_large_entry {
    void *block;
    size_t size;
};

struct mpyi_large_cache {
    uint64_t filled; /* bit b: bin b has entries */
    size_t bytes;    /* waiting in bins */
    size_t limit;    /* 0: nothing is kept */
    uint32_t blocks;
    uint32_t evict;                  /* bin that gave room last */
    int64_t held_bytes, held_blocks; /* taken from malloc minus given back, not yet in usage */
    struct mpyi_usage *usage;
    uint8_t count[64];
    struct mpyi_large_entry entries[MPYI_LARGE_BINS][MPYI_LARGE_ENTRIES];
};

/* Bytes of the blocks in bin b, at least. */
static inline size_t
mpyi_large_bin_size(unsigned bin)
{
    return (size_t)(8 + (bin & 7)) << (6 + (bin >> 3));
}

/* The bin for a block of n usable bytes, 512..65536: the last b with size(b) <= n. */
static inline unsigned
mpyi_large_bin_floor(size_t n)
{
    unsigned log = mpyi_log2(n);
    return ((log - 9) << 3) + (unsigned)((n >> (log - 3)) & 7);
}

/* n rounded up to the size of a bin, when it is one the cache holds; n > 512. */
static inline size_t
mpyi_large_good_size(size_t n)
{
    if (n > MPYI_LARGE_CACHED_MAX) {
        return n;
    }
    unsigned log = mpyi_log2(n - 1);
    return mpyi_round_up(n, (size_t)1 << (log - 3));
}

/* A cached block of at least n bytes, *size its usable bytes; NULL when there is none. */
void *
mpyi_large_cache_pop(struct mpyi_large_cache *cache, size_t n, size_t *size);

/* Keeps a block; 0 when it is not for this cache and the caller must free it. */
int
mpyi_large_cache_push(struct mpyi_large_cache *cache, void *block, size_t size);

/* Frees everything that waits; bytes freed. */
size_t
mpyi_large_cache_clear(struct mpyi_large_cache *cache);

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
