/* SPDX-License-Identifier: MIT */
/*
 * base/bits.h - bit tricks and arithmetic that cannot overflow unseen. Pure functions.
 */
#ifndef MPY_BASE_BITS_H
#define MPY_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Index of the lowest set bit; x must not be 0. */
static inline unsigned
mpyi_ctz64(uint64_t x)
{
    return (unsigned)__builtin_ctzll(x);
}

/* Index of the highest set bit; x must not be 0. */
static inline unsigned
mpyi_log2(uint64_t x)
{
    return 63u ^ (unsigned)__builtin_clzll(x); /* 63 - clz; as xor it is one instruction */
}

static inline unsigned
mpyi_popcount64(uint64_t x)
{
    return (unsigned)__builtin_popcountll(x);
}

/* The lowest n bits set; n is 0..64. */
static inline uint64_t
mpyi_low_bits(unsigned n)
{
    return n >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1;
}

static inline bool
mpyi_is_pow2(size_t x)
{
    return x != 0 && (x & (x - 1)) == 0;
}

/* x rounded up to a multiple of `unit`, a power of two; the caller knows that it fits. */
static inline size_t
mpyi_round_up(size_t x, size_t unit)
{
    return (x + unit - 1) & ~(unit - 1);
}

static inline size_t
mpyi_round_down(size_t x, size_t unit)
{
    return x & ~(unit - 1);
}

/* false when the result does not fit; *out is then unspecified. */
static inline bool
mpyi_mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool
mpyi_add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

#endif /* MPY_BASE_BITS_H */
