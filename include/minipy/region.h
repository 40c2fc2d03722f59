/* SPDX-License-Identifier: MIT */
/*
 * minipy/region.h - first-class heaps: blocks that are allocated one by one and freed all at once.
 *
 * For what lives as long as a request, a frame or a plugin. A region has pools of its own, so its
 * blocks lie together, and destroying it costs as much as it has pools (4 KiB each), however many
 * blocks are in them.
 *
 *     mpy_region *request = mpy_region_new(NULL);
 *     char *text = mpy_region_malloc(request, 100);
 *     ...
 *     mpy_region_destroy(request);
 *
 * Rules
 *   Sizes, 0 bytes, NULL and alignment (16 bytes for requests of 16 and more) are as in
 *   mpy_mem_*. A block is freed by its region only, never by mpy_mem_free() or another region:
 *   the mistake is named and ends the process, at once where magazines are closed.
 *   With checks on (minipy/debug.h) blocks have red zones, and end in a quarantine; clearing or
 *   destroying the region looks at every one of them, and a fault ends the process.
 *   On failure a function returns NULL, changes nothing and leaves MPY_E_NOMEM in
 *   mpy_status_last(). Limits, pressure callbacks and mpy_debug_fail_alloc() apply as to mem.
 *
 * Threads
 *   A region is used by one thread at a time, by any; there is no lock in it. A region of a runtime
 *   needs that runtime's lock in every call (MPY_E_NOT_ATTACHED otherwise).
 *
 * Fork
 *   The child has every region that no other thread was changing at that moment. One that was
 *   is lost to it: allocation fails with MPY_E_FORKED, and frees do nothing.
 */
#ifndef MPY_REGION_H
#define MPY_REGION_H

#include "minipy/mem.h"

MPY_EXTERN_C_BEGIN

typedef struct mpy_region mpy_region;

typedef struct mpy_region_stats {
    uint32_t size, version; /* sizeof(mpy_region_stats), 1 */
    uint64_t blocks;        /* of up to MPY_SMALL_MAX bytes, allocated */
    uint64_t bytes;         /* their sizes, rounded to their classes */
    uint64_t pools;         /* MPY_POOL_SIZE each; empty ones that wait for reuse included */
    uint64_t large_blocks;
    uint64_t large_bytes;
} mpy_region_stats;

/* An empty region; NULL when out of memory. rt NULL: it belongs to the process, and its memory
   counts against mpy_mem_set_limit(). Otherwise rt is the current runtime (MPY_E_INVAL if not):
   memory counts against that runtime's limit, failures raise MemoryError, and the region ends
   with the runtime at the latest. O(1); about 10 KiB of memory, reused between regions. */
MPY_NODISCARD MPY_API mpy_region *
mpy_region_new(mpy_runtime *rt);

/* Frees every block and the region. NULL is allowed. O(pools + large blocks). */
MPY_API void
mpy_region_destroy(mpy_region *region);

/* Frees every block and keeps the region, with up to 128 KiB of its pools, for the next round: a
   frame, say. The same cost. */
MPY_API void
mpy_region_clear(mpy_region *region);

/* A block of at least n bytes, contents indeterminate. O(1). MPY_E_INVAL: region is NULL. */
MPY_NODISCARD MPY_API void *
mpy_region_malloc(mpy_region *region, size_t n);

/* Zeroed memory for nelem * elsize bytes; NULL when the product overflows. */
MPY_NODISCARD MPY_API void *
mpy_region_calloc(mpy_region *region, size_t nelem, size_t elsize);

/* Changes the size to n, keeping the smaller of mpy_region_usable_size() and n bytes. p NULL:
   malloc; n 0: a block of size 0, never a free. On failure p is unchanged. */
MPY_NODISCARD MPY_API void *
mpy_region_realloc(mpy_region *region, void *p, size_t n);

/* Frees one block of this region. p may be NULL. O(1). */
MPY_API void
mpy_region_free(mpy_region *region, void *p);

/* The same for a block whose last requested size was n: saves the look-up. O(1). */
MPY_API void
mpy_region_free_sized(mpy_region *region, void *p, size_t n);

/* Bytes that may be used in the block: at least what was requested. 0 for NULL. O(1). */
MPY_API size_t
mpy_region_usable_size(mpy_region *region, const void *p);

/* What is in the region. Set out->size before (0: version 1; then it is filled, too). 0, or -1 with
   MPY_E_INVAL when the region or `out` is NULL or out->size too small. O(pools). */
MPY_NODISCARD MPY_API int
mpy_region_stats_get(mpy_region *region, mpy_region_stats *out);

/* Checks every invariant of the region's pools and blocks, as mpy_debug_check_heap() does for
   others: 0, or -1 with MPY_E_CORRUPT after a report of the first violation; MPY_E_INVAL. Linear
   in the number of blocks. */
MPY_NODISCARD MPY_API int
mpy_region_check(mpy_region *region);

MPY_EXTERN_C_END

#endif /* MPY_REGION_H */
