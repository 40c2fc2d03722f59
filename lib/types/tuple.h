/* SPDX-License-Identifier: MIT */
/*
 * types/tuple.h - the tuple object, for the library itself.
 *
 *     count <= 59                              count > 59
 *     +--------+-------+----+----+-----+       +--------+-------+-------+    +----+----+-----+
 *     | header | count | 0  | 1  | ... |       | header | count | array +--->| 0  | 1  | ... |
 *     +--------+-------+----+----+-----+       +--------+-------+-------+    +----+----+-----+
 *     24 + 8 * count bytes, at least 32        32 bytes, and a raw block of 8 * count
 *
 * Invariants: the elements are strong references, never NULL, and never change once the tuple is
 * finished. There is one empty tuple, static and immortal. A finished tuple is untracked if and
 * only if none of its elements can ever be tracked: immediates, atoms, objects of no runtime, and
 * tuples of the same kind.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_TUPLE_H
#define MPY_TYPES_TUPLE_H

#include "minipy/tuple.h"

#include "gc/gc.h"

#define MPYI_TUPLE_INLINE_MAX 59u
#define MPYI_TUPLE_MAX        ((size_t)PTRDIFF_MAX / sizeof(mpy_object *))

struct mpyi_tuple {
    struct mpy_priv_header head;
    size_t count;
    union {
        mpy_object *inline_items[1]; /* count <= MPYI_TUPLE_INLINE_MAX of them */
        mpy_object **array;
    } u;
};

MPY_STATIC_ASSERT(sizeof(struct mpyi_tuple) == 32, "a 2-tuple is 40 bytes");
MPY_STATIC_ASSERT(24 + 8 * MPYI_TUPLE_INLINE_MAX == MPYI_CELL_MAX, "the largest inline tuple");

extern const struct mpyi_tuple mpyi_tuple_empty;

static inline struct mpyi_tuple *
mpyi_tuple(const mpy_object *o)
{
    MPY_ASSERT(mpy_tuple_check(o));
    return (struct mpyi_tuple *)(uintptr_t)o;
}

static inline size_t
mpyi_tuple_count(const mpy_object *o)
{
    return mpyi_tuple(o)->count;
}

/* The elements; they may be written until the tuple is finished. */
static inline mpy_object **
mpyi_tuple_items(const mpy_object *o)
{
    struct mpyi_tuple *tuple = mpyi_tuple(o);
    /* Through a char pointer: the array has as many elements as the cell has room for. */
    return MPY_LIKELY(tuple->count <= MPYI_TUPLE_INLINE_MAX)
               ? (mpy_object **)(void *)((char *)tuple + offsetof(struct mpyi_tuple, u))
               : tuple->u.array;
}

/* The empty tuple. */
static inline mpy_object *
mpyi_tuple_new_empty(void)
{
    return (mpy_object *)(uintptr_t)&mpyi_tuple_empty;
}

/* A tuple of n elements, each of which gets a new reference. NULL with MemoryError. */
MPY_NODISCARD mpy_object *
mpyi_tuple_from(struct mpyi_thread *t, mpy_object *const *items, size_t n);

/* The same, but takes over the caller's references, on failure too. */
MPY_NODISCARD mpy_object *
mpyi_tuple_from_owned(struct mpyi_thread *t, mpy_object *const *items, size_t n);

/* For filling in place: n elements, 1 <= n <= MPYI_TUPLE_MAX, uninitialised. The caller stores all
   of them and then calls finish(); until then the object may only be given to discard(). */
MPY_NODISCARD mpy_object *
mpyi_tuple_alloc(struct mpyi_thread *t, size_t n);

/* Tracks the tuple if it has to be. Cannot fail. */
void
mpyi_tuple_finish(struct mpyi_thread *t, mpy_object *o);

/* Frees the memory of an unfinished tuple; references stored so far stay with the caller. */
void
mpyi_tuple_discard(struct mpyi_thread *t, mpy_object *o);

/* The 2-tuple (a, b); both get new references. */
MPY_NODISCARD mpy_object *
mpyi_tuple_pair(struct mpyi_thread *t, mpy_object *a, mpy_object *b);

/* The elements from..to, 0 <= from <= to <= count. */
MPY_NODISCARD mpy_object *
mpyi_tuple_slice(struct mpyi_thread *t, mpy_object *o, size_t from, size_t to);

/* CPython's hash of a tuple whose elements have these hashes. Never -1. */
int64_t
mpyi_tuple_hash_lanes(const int64_t *lanes, size_t n);

/* 1 when o could ever be part of a cycle: the test behind "untracked". */
int
mpyi_object_may_be_tracked(struct mpyi_thread *t, const mpy_object *o);

#endif /* MPY_TYPES_TUPLE_H */
