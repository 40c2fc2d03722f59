/* SPDX-License-Identifier: MIT */
/*
 * alloc/size.c - the tables of alloc/size.h, constant so that every thread may read them at any
 * time. Each row is written as the formula it follows; the compiler evaluates it.
 *
 * The product offset * inverse stays below 2^32: 4095 * 2^22 / 8 < 2^31.
 */
#include "alloc/size.h"

#define INVERSE(c)    (((1u << 22) + 8u * (c)-1u) / (8u * (c)))
#define CAPACITY(c)   (uint16_t)(MPY_POOL_SIZE / (8u * (c)))
#define CLAMP(n)      (uint8_t)((n) > 64 ? 64 : (n) < 32 ? 32 : (n))
#define MAGAZINE(c)   CLAMP(MPY_POOL_SIZE / (8u * (c)))
#define WORD(n)       ((n) >= 64 ? ~UINT64_C(0) : (n) <= 0 ? 0 : (UINT64_C(1) << ((n)&63)) - 1)
#define WORD_OF(c, w) WORD((int)(MPY_POOL_SIZE / (8u * (c))) - 64 * (w))
#define BITS(c)                                                                                    \
    {                                                                                              \
        WORD_OF(c, 0), WORD_OF(c, 1), WORD_OF(c, 2), WORD_OF(c, 3)                                 \
    }

#define EIGHT(X, c)                                                                                \
    X((c) + 1), X((c) + 2), X((c) + 3), X((c) + 4), X((c) + 5), X((c) + 6), X((c) + 7), X((c) + 8)
#define ALL_CLASSES(X)                                                                             \
    EIGHT(X, 0), EIGHT(X, 8), EIGHT(X, 16), EIGHT(X, 24), EIGHT(X, 32), EIGHT(X, 40),              \
        EIGHT(X, 48), EIGHT(X, 56)

const uint32_t mpyi_class_inverse[MPYI_CLASS_SLOTS] = {0, ALL_CLASSES(INVERSE)};

const uint16_t mpyi_class_capacity[MPYI_CLASS_SLOTS] = {0, ALL_CLASSES(CAPACITY)};

const uint8_t mpyi_class_magazine[MPYI_CLASS_SLOTS] = {0, ALL_CLASSES(MAGAZINE)};

const uint64_t mpyi_class_bits[MPYI_CLASS_SLOTS][4] = {{0, 0, 0, 0}, ALL_CLASSES(BITS)};
