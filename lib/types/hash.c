/* SPDX-License-Identifier: MIT */
/*
 * types/hash.c - XXH3 with a secret of the process, and the numeric hash.
 *
 * XXH3 because short keys decide: 8 bytes take about 1 ns, long text is limited by memory. It is
 * compiled in from xxHash's header, so that a hash is one call into this file.
 *
 * The numeric hash of m * 2^e is m rotated left by e within 61 bits: modulo 2^61 - 1 the factor
 * 2^61 is 1. This gives the same numbers as CPython's loop over 28 bits at a time (_Py_HashDouble).
 *
 * Invariant: the secret never changes once the library is loaded: a constructor makes it.
 * Lock: none.
 */
#include "types/hash.h"

#include "base/options.h"

#include <pthread.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(MPYI_HASH_SECRET_SIZE >= XXH3_SECRET_SIZE_MIN, "XXH3 wants a longer secret");

uint8_t mpyi_hash_secret[MPYI_HASH_SECRET_SIZE] __attribute__((aligned(64)));

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* splitmix64: one step of a counter, well mixed. */
static uint64_t
splitmix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

void
mpyi_hash_secret_from_seed(uint8_t secret[MPYI_HASH_SECRET_SIZE], uint64_t seed)
{
    size_t at;
    for (at = 0; at < MPYI_HASH_SECRET_SIZE; at += sizeof seed) {
        uint64_t word = splitmix(&seed);
        memcpy(secret + at, &word, sizeof word);
    }
}

/* Where getrandom() is refused (seccomp): the 16 random bytes the kernel gave the process, the
   clock, and addresses. */
static uint64_t
seed_without_getrandom(void)
{
    uint64_t seed = 0;
    const void *at_random = (const void *)(uintptr_t)getauxval(AT_RANDOM);
    struct timespec now = {0, 0};
    if (at_random != NULL) {
        memcpy(&seed, at_random, sizeof seed);
    }
    if (clock_gettime(CLOCK_MONOTONIC, &now) == 0) {
        seed ^= (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec;
    }
    return seed ^ (uint64_t)(uintptr_t)&now;
}

static void
make_secret(void)
{
    uint64_t seed = mpyi_options_get()->hashseed;
    if (seed != MPYI_HASHSEED_RANDOM) {
        mpyi_hash_secret_from_seed(mpyi_hash_secret, seed);
    } else if (getrandom(mpyi_hash_secret, sizeof mpyi_hash_secret, GRND_NONBLOCK) !=
               (ssize_t)sizeof mpyi_hash_secret) {
        mpyi_hash_secret_from_seed(mpyi_hash_secret, seed_without_getrandom());
    }
}

/* When the library is loaded, before other constructors: mpy_hash_bytes() need not check. */
__attribute__((constructor(101))) void
mpyi_hash_init(void)
{
    (void)pthread_once(&once, make_secret);
}

/* 0 means "not computed". */
static inline uint64_t
not_zero(uint64_t hash)
{
    return hash + (hash == 0);
}

static __attribute__((noinline)) uint64_t
hash_long(const void *bytes, size_t n)
{
    return not_zero(XXH3_64bits_withSecret(bytes, n, mpyi_hash_secret, sizeof mpyi_hash_secret));
}

/* XXH3_64bits_withSecret() with its short cases in line: no frame, no call. */
static inline uint64_t
hash_bytes(const void *bytes, size_t n)
{
    if (MPY_LIKELY(n <= 16)) {
        return not_zero(XXH3_len_0to16_64b(bytes, n, mpyi_hash_secret, 0));
    }
    if (n <= 128) {
        return not_zero(
            XXH3_len_17to128_64b(bytes, n, mpyi_hash_secret, sizeof mpyi_hash_secret, 0));
    }
    return hash_long(bytes, n);
}

uint64_t
mpyi_hash_bytes(const void *bytes, size_t n)
{
    return hash_bytes(bytes, n);
}

uint64_t
mpy_hash_bytes(const void *bytes, size_t n)
{
    return hash_bytes(bytes, n);
}

int64_t
mpyi_hash_double(double value)
{
    uint64_t bits, mantissa, rotated;
    unsigned exponent, shift;
    int64_t hash;
    memcpy(&bits, &value, sizeof bits);
    exponent = (unsigned)(bits >> 52) & 0x7FF;
    mantissa = bits & ((UINT64_C(1) << 52) - 1);
    if (exponent == 0x7FF) {
        return (int64_t)bits < 0 ? -MPYI_HASH_INF : MPYI_HASH_INF;
    }
    if (exponent != 0) {
        mantissa |= UINT64_C(1) << 52;
    } else {
        exponent = 1;
    }
    /* value is mantissa * 2^(exponent - 1075); 1075 is 38 modulo 61. */
    shift = (exponent + 61 - 38) % 61;
    rotated = (mantissa << shift & MPYI_HASH_PRIME) | mantissa >> (61 - shift);
    hash = (int64_t)bits < 0 ? -(int64_t)rotated : (int64_t)rotated;
    return hash == -1 ? -2 : hash;
}
