/* SPDX-License-Identifier: MIT */
/*
 * types/bytes.h - what the library knows of bytes.
 *
 *      0        16       24       32
 *     +--------+--------+--------+------------------+---+
 *     | header | hash   | size   | the bytes        | 0 |
 *     +--------+--------+--------+------------------+---+
 *
 * One atom, immutable but for its hash (0: not computed yet). The empty one is static.
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_BYTES_H
#define MPY_TYPES_BYTES_H

#include "minipy/bytes.h"

#include "object/object.h"

struct mpyi_bytes {
    struct mpy_priv_header head;
    uint64_t hash;
    size_t size;
};

#define MPYI_BYTES_MAX (((size_t)PTRDIFF_MAX >> 4) - 64)

static inline struct mpyi_bytes *
mpyi_bytes_of(const mpy_object *o)
{
    return (struct mpyi_bytes *)(uintptr_t)o;
}

static inline mpy_object *
mpyi_bytes_object(const struct mpyi_bytes *b)
{
    return (mpy_object *)(uintptr_t)b;
}

static inline uint8_t *
mpyi_bytes_data(const struct mpyi_bytes *b)
{
    return (uint8_t *)(uintptr_t)(b + 1);
}

/* Bytes to be filled by the caller; n >= 1. NULL with MemoryError. */
struct mpyi_bytes *
mpyi_bytes_alloc(struct mpyi_thread *t, size_t n);

/* A copy of n bytes; data may be NULL if n is 0. */
mpy_object *
mpyi_bytes_new(struct mpyi_thread *t, const void *data, size_t n);

#endif /* MPY_TYPES_BYTES_H */
