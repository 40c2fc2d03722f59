/* SPDX-License-Identifier: MIT */
/*
 * alloc/size.h - size classes, and the arithmetic between addresses and block numbers.
 *
 *   class c      blocks of 8*c bytes, c = 1..64; class 0 means "no pool"
 *   capacity     4096 / (8*c) blocks in a pool; block i starts at offset 8*c*i
 *   inverse      offset -> block number without a division: (offset * inverse[c]) >> 22
 *   magazine     clamp(4096 / (8*c), 32, 64) entries in each of a magazine's two arrays
 *
 * inverse[c] = ceil(2^22 / (8*c)) exceeds the true quotient by less than 1, so the error at offset
 * 4095 is below 4096 * 512 / 2^22 < 1 block: exact for every offset. test_size.c tries them all.
 */
#ifndef MPY_ALLOC_SIZE_H
#define MPY_ALLOC_SIZE_H

#include "base/features.h"

#include "minipy/mem.h"

#define MPYI_POOL_SHIFT  12
#define MPYI_ARENA_SHIFT 18
#define MPYI_ARENA_POOLS 64u
#define MPYI_CLASS_SLOTS (MPY_CLASS_COUNT + 1)

/* Twice the sum of all magazine limits: slots a heap needs. */
#define MPYI_MAGAZINE_SLOTS 4768u

/* Requests above this many bytes fail: a difference of two pointers must fit ptrdiff_t. The
   sanitizers' malloc ends the program above 1 TiB, so their builds refuse earlier. */
#if MPYI_ASAN || MPYI_TSAN
#define MPYI_SIZE_LIMIT ((size_t)1 << 38)
#else
#define MPYI_SIZE_LIMIT ((size_t)PTRDIFF_MAX)
#endif

_Static_assert(1u << MPYI_POOL_SHIFT == MPY_POOL_SIZE, "pool size");
_Static_assert(1u << MPYI_ARENA_SHIFT == MPY_ARENA_SIZE, "arena size");
_Static_assert(MPY_POOL_SIZE *MPYI_ARENA_POOLS == MPY_ARENA_SIZE, "pools of an arena");
_Static_assert(MPY_CLASS_COUNT * 8 == MPY_SMALL_MAX, "classes");

extern const uint32_t mpyi_class_inverse[MPYI_CLASS_SLOTS];
extern const uint16_t mpyi_class_capacity[MPYI_CLASS_SLOTS];
extern const uint8_t mpyi_class_magazine[MPYI_CLASS_SLOTS];
extern const uint64_t mpyi_class_bits[MPYI_CLASS_SLOTS][4]; /* free bitmap of an empty pool */

static inline size_t
mpyi_class_size(unsigned size_class)
{
    return (size_t)size_class * 8;
}

/* Number of the block that contains `offset` (0..4095) of a pool of the class with this inverse; at
   least the capacity for the unused tail. */
static inline unsigned
mpyi_block_index_by(uint32_t inverse, unsigned offset)
{
    return (unsigned)((uint32_t)(offset * inverse) >> 22);
}

static inline unsigned
mpyi_block_index(unsigned size_class, unsigned offset)
{
    return mpyi_block_index_by(mpyi_class_inverse[size_class], offset);
}

static inline unsigned
mpyi_pool_offset(const void *p)
{
    return (unsigned)((uintptr_t)p & (MPY_POOL_SIZE - 1));
}

#endif /* MPY_ALLOC_SIZE_H */
