/* SPDX-License-Identifier: MIT */
/*
 * support/api_random.h - random numbers that can be repeated: splitmix64.
 *
 * A stress test draws everything from one seed, prints it when it fails, and runs that seed alone
 * when the environment's MINIPY_TEST_SEED says so.
 */
#ifndef MPY_TEST_SUPPORT_API_RANDOM_H
#define MPY_TEST_SUPPORT_API_RANDOM_H

#include <stdint.h>
#include <stdlib.h>

struct api_random {
    uint64_t state;
};

static inline uint64_t
api_random_next(struct api_random *r)
{
    uint64_t x = r->state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* 0 .. n - 1; n > 0. */
static inline unsigned
api_random_below(struct api_random *r, unsigned n)
{
    return (unsigned)(api_random_next(r) >> 32) % n;
}

/* The seed the environment asks for, or 0. */
static inline uint64_t
api_random_asked(void)
{
    const char *text = getenv("MINIPY_TEST_SEED");
    return text != NULL ? strtoull(text, NULL, 0) : 0;
}

#endif /* MPY_TEST_SUPPORT_API_RANDOM_H */
