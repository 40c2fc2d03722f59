/* SPDX-License-Identifier: MIT */
/*
 * types/iter.h - the iterator object and the range object, for the library itself.
 *
 * One iterator type serves every built-in source; `kind` says how the next element is found. An
 * iterator that came to its end has no source: it stays at its end, whatever happens to the source.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_ITER_H
#define MPY_TYPES_ITER_H

#include "minipy/iter.h"

#include "gc/gc.h"

#define MPYI_ITER_LIST     0
#define MPYI_ITER_TUPLE    1
#define MPYI_ITER_DICT     2 /* keys */
#define MPYI_ITER_STR      3 /* characters; position counts bytes */
#define MPYI_ITER_BYTES    4
#define MPYI_ITER_RANGE    5
#define MPYI_ITER_SEQUENCE 6 /* get_item(0), get_item(1), ... until IndexError */

struct mpyi_iter {
    struct mpy_priv_header head;
    mpy_object *source; /* NULL: at the end */
    size_t position;    /* of the next element */
    uint64_t version;   /* dict: the length it had at the start */
    uint32_t kind;      /* MPYI_ITER_* */
    uint32_t reserved;
};

MPY_STATIC_ASSERT(sizeof(struct mpyi_iter) == 48, "an iterator is 48 bytes");

/* start, start + step, ...: `count` elements. An atom. */
struct mpyi_range {
    struct mpy_priv_header head;
    int64_t start, stop, step;
    uint64_t count;
};

static inline struct mpyi_range *
mpyi_range(const mpy_object *o)
{
    MPY_ASSERT(mpy_priv_has_flag(o, MPY_TF_RANGE));
    return (struct mpyi_range *)(uintptr_t)o;
}

/* The element at `index` < count; does not overflow. */
static inline int64_t
mpyi_range_at(const struct mpyi_range *r, uint64_t index)
{
    return (int64_t)((uint64_t)r->start + index * (uint64_t)r->step);
}

/* A tracked iterator over a source of that kind. */
MPY_NODISCARD mpy_object *
mpyi_iter_new(struct mpyi_thread *t, mpy_object *source, uint32_t kind);

/* `iter` slots of the built-in types, one for each kind. */
mpy_object *
mpyi_iter_of_list(mpy_object *o);
mpy_object *
mpyi_iter_of_tuple(mpy_object *o);
mpy_object *
mpyi_iter_of_dict(mpy_object *o);
mpy_object *
mpyi_iter_of_str(mpy_object *o);
mpy_object *
mpyi_iter_of_bytes(mpy_object *o);
mpy_object *
mpyi_iter_of_range(mpy_object *o);

/* mpyi_iter_get() of o, which may be NULL, would not fail for want of a way to iterate. */
static inline int
mpyi_is_iterable(const mpy_object *o)
{
    const struct mpyi_slots *slots;
    if (o == NULL) {
        return 0;
    }
    slots = &mpyi_type_of(o)->slots;
    return slots->iter != NULL || slots->next != NULL || slots->get_item != NULL;
}

/* mpy_iter_get() and mpy_iter_next() for callers that are attached and have checked for NULL. */
MPY_NODISCARD mpy_object *
mpyi_iter_get(struct mpyi_thread *t, mpy_object *o);
MPY_NODISCARD int
mpyi_iter_next(struct mpyi_thread *t, mpy_object *it, mpy_object **out);

#endif /* MPY_TYPES_ITER_H */
