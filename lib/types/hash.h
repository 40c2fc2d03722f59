/* SPDX-License-Identifier: MIT */
/*
 * types/hash.h - hashes of bytes and of numbers.
 *
 * Bytes: XXH3 over a secret of 192 random bytes, drawn once per process with getrandom(), or
 * expanded from MINIPY_HASHSEED. The whole secret is random, not only a seed: seeded XXH3 adds the
 * seed to a secret everybody knows, and collisions that hold for every seed have been published.
 * The result is never 0, so that 0 can mean "not computed yet".
 *
 * Numbers: the value modulo the prime 2^61 - 1, as CPython does, so that 1, 1.0 and True hash
 * equal. It is not keyed: tables mix it with mpyi_hash_mix() before they use its bits.
 *
 * Lock: none. The secret is made once, by a constructor when the library is loaded, and only read
 * afterwards.
 */
#ifndef MPY_TYPES_HASH_H
#define MPY_TYPES_HASH_H

#include "minipy/str.h"

#define MPYI_HASH_SECRET_SIZE 192
#define MPYI_HASH_PRIME       ((UINT64_C(1) << 61) - 1)
#define MPYI_HASH_INF         314159

/* The secret. */
extern uint8_t mpyi_hash_secret[MPYI_HASH_SECRET_SIZE];

/* Makes the secret unless it exists. Any thread, any number of times. */
void
mpyi_hash_init(void);

/* Fills `secret` from a seed: the same for the same seed. Exposed for tests. */
void
mpyi_hash_secret_from_seed(uint8_t secret[MPYI_HASH_SECRET_SIZE], uint64_t seed);

/* mpy_hash_bytes() by a name that other files of the library call without the PLT. Never 0. */
uint64_t
mpyi_hash_bytes(const void *bytes, size_t n);

/* Spreads a hash that is not keyed (a number's) over all bits, depending on the secret: two
   multiplications. For tables whose keys are not strs. */
static inline uint64_t
mpyi_hash_mix(uint64_t hash)
{
    uint64_t k0, k1;
    __builtin_memcpy(&k0, mpyi_hash_secret + 64, sizeof k0);
    __builtin_memcpy(&k1, mpyi_hash_secret + 72, sizeof k1);
    hash = (hash ^ k0) * (k1 | 1);
    return (hash ^ hash >> 32) * UINT64_C(0x9E3779B97F4A7C15);
}

/* Hash of an int: CPython's; never -1. */
static inline int64_t
mpyi_hash_i64(int64_t value)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    int64_t hash;
    magnitude = (magnitude & MPYI_HASH_PRIME) + (magnitude >> 61);
    magnitude = magnitude >= MPYI_HASH_PRIME ? magnitude - MPYI_HASH_PRIME : magnitude;
    hash = value < 0 ? -(int64_t)magnitude : (int64_t)magnitude;
    return hash == -1 ? -2 : hash;
}

/* Hash of a double that is no NaN: CPython's; equal to mpyi_hash_i64() for integral values. */
int64_t
mpyi_hash_double(double value);

#endif /* MPY_TYPES_HASH_H */
