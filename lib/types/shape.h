/* SPDX-License-Identifier: MIT */
/*
 * types/shape.h - the names of an instance's attributes, shared by all that have the same.
 *
 *     type->shapes --> root (slots 3) --"x"--> shape {x} --"y"--> shape {x, y} --> ...
 *                                          \--"z"--> shape {x, z}
 *
 * A shape says which names an instance has, in which order, and where their values are:
 *
 *     inline_max != 0   in the instance: values[0 .. count)
 *     inline_max == 0   values[0] points to an array of mpyi_shape_capacity(count) words
 *     is_dict           values[0] is a dict with everything (count is 1)
 *
 * Setting a new attribute moves the instance to a child of its shape. There is one tree for every
 * size of cell, because an instance never changes its cell: `slots` words fit into it. How many a
 * new instance gets is learnt from those before it (struct mpyi_shapes.preferred).
 *
 * Invariants: a child has one name more than its parent; names are interned, kept alive by their
 * shape; shapes live as long as their type.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_SHAPE_H
#define MPY_TYPES_SHAPE_H

#include "gc/gc.h"

#define MPYI_SHAPE_SLOTS_MAX 59u        /* value words in the largest cell */
#define MPYI_SHAPE_COUNT_MAX 128u       /* attributes; instances with more keep a dict */
#define MPYI_SHAPES_MAX      4096u      /* shapes of a type; then new combinations keep a dict */
#define MPYI_SHAPE_NONE      UINT32_MAX /* no such name */

struct mpyi_shape {
    struct mpyi_shape_head head;
    uint32_t slots;   /* value words in the cell, at least 1 */
    uint32_t is_dict; /* values[0] is a dict */
    struct mpyi_shape *parent, *child, *sibling;
    mpy_object *name; /* owned, interned: of the value count - 1; NULL: root */
    struct mpyi_shapes *family;
    uint16_t *table; /* owned: slot + 1 by hash of the name; NULL: few names, or not wanted yet */
    mpy_object **names; /* owned with `table`: borrowed names by slot */
};

struct mpyi_shapes {
    struct mpyi_shape *roots; /* siblings, one for each `slots` in use */
    struct mpyi_shape *dicts; /* siblings: the is_dict shapes */
    struct mpyi_shape *root;  /* of new instances; NULL: none yet */
    uint32_t preferred;       /* slots of new instances */
    uint32_t overflows;       /* instances that outgrew their cell since `preferred` rose */
    uint32_t count;           /* shapes */
};

static inline struct mpyi_shape *
mpyi_shape_of(const mpy_object *o)
{
    return (struct mpyi_shape *)(void *)((const struct mpyi_shaped *)(const void *)o)->shape;
}

/* Bytes of an instance with that many value words. */
static inline size_t
mpyi_shaped_size(uint32_t slots)
{
    return sizeof(struct mpyi_shaped) + sizeof(mpy_object *) * slots;
}

/* Words of the array of an instance with `count` values behind a pointer. */
static inline uint32_t
mpyi_shape_capacity(uint32_t count)
{
    uint32_t capacity = 4;
    while (capacity < count) {
        capacity *= 2;
    }
    return capacity;
}

/* An empty family; NULL with MemoryError. */
struct mpyi_shapes *
mpyi_shapes_new(struct mpyi_thread *t);

/* Frees all shapes; gives back their names. NULL is allowed. */
void
mpyi_shapes_free(struct mpyi_thread *t, struct mpyi_shapes *family);

/* The shape of a new instance. NULL with MemoryError. */
struct mpyi_shape *
mpyi_shapes_root(struct mpyi_thread *t, struct mpyi_shapes *family);

/* The is_dict shape with that many slots. NULL with MemoryError. */
struct mpyi_shape *
mpyi_shape_dict(struct mpyi_thread *t, struct mpyi_shapes *family, uint32_t slots);

/* Slot of an interned name, or MPYI_SHAPE_NONE. */
uint32_t
mpyi_shape_find(struct mpyi_thread *t, struct mpyi_shape *shape, const mpy_object *name);

/* The child with one more name. 1 and *out; 0: too many names or shapes, use a dict; -1:
   MemoryError. */
MPY_NODISCARD int
mpyi_shape_add(struct mpyi_thread *t, struct mpyi_shape *shape, mpy_object *name,
               struct mpyi_shape **out);

/* Interned name of a slot, borrowed. */
mpy_object *
mpyi_shape_name(const struct mpyi_shape *shape, uint32_t slot);

/* An instance with `count` values no longer fits its cell: learns from it. live: instances. */
void
mpyi_shapes_learn(struct mpyi_shapes *family, uint32_t count, uint64_t live);

#endif /* MPY_TYPES_SHAPE_H */
