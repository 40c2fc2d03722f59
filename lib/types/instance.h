/* SPDX-License-Identifier: MIT */
/*
 * types/instance.h - instances of host types and of exceptions: memory, data, attributes.
 *
 *   shaped  header | shape | values ...                       plain types (types/shape.h)
 *   data    header | (attrs) | data ...                       up to 496 bytes
 *   large   header | n | pointer --> (attrs) | data ...       MPYI_TRAIT_LARGE
 *
 * `attrs` is a dict or NULL, there with MPYI_TRAIT_ATTRS. The data begin with those of the base;
 * the first words are references, and so is `attrs`, so all of them are one array. data_offset
 * counts from the object, or from the block of a large one.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_INSTANCE_H
#define MPY_TYPES_INSTANCE_H

#include "types/shape.h"

#define MPYI_LARGE_CELL    32u
#define MPYI_LARGE_COUNT   16u
#define MPYI_LARGE_POINTER 24u

/* A new instance, tracked, its data zeroed, without calling init. Host types and exceptions only.
   NULL with MemoryError. No safe point. */
MPY_NODISCARD mpy_object *
mpyi_instance_new(struct mpyi_thread *t, const struct mpyi_type *type);

/* Members of struct mpyi_type for them. */
void
mpyi_instance_dealloc(struct mpyi_thread *t, mpy_object *o);
void
mpyi_instance_empty(struct mpyi_thread *t, mpy_object *o);
size_t
mpyi_instance_extra_size(const mpy_object *o);
void
mpyi_instance_free_extra(struct mpyi_thread *t, mpy_object *o);

/* Bytes of the out-of-line block of a large type. */
size_t
mpyi_instance_block_size(const struct mpyi_type *type);

/* Where attrs and data of a data instance begin: data_offset counts from here. */
static inline char *
mpyi_instance_base(const mpy_object *o, const struct mpyi_type *type)
{
    char *at = (char *)(uintptr_t)o;
    return (type->traits & MPYI_TRAIT_LARGE) != 0 ? *(char **)(void *)(at + MPYI_LARGE_POINTER)
                                                  : at;
}

/* The data of a data instance, those of the bases first. */
static inline void *
mpyi_instance_data(const mpy_object *o, const struct mpyi_type *type)
{
    return mpyi_instance_base(o, type) + type->data_offset;
}

/* Where an instance keeps its dict of attributes, NULL when it has no place for one. */
static inline mpy_object **
mpyi_instance_dict(const mpy_object *o, const struct mpyi_type *type)
{
    if (type->layout == MPYI_LAYOUT_SHAPED) {
        return mpyi_shape_of(o)->is_dict ? ((struct mpyi_shaped *)(void *)(uintptr_t)o)->values
                                         : NULL;
    }
    if ((type->traits & MPYI_TRAIT_ATTRS) == 0) {
        return NULL;
    }
    return (mpy_object **)(void *)((char *)mpyi_instance_data(o, type) - sizeof(mpy_object *));
}

/* Where the values of a shaped instance are. */
static inline mpy_object **
mpyi_instance_values(mpy_object *o)
{
    struct mpyi_shaped *s = (struct mpyi_shaped *)o;
    return s->shape->inline_max != 0 ? s->values : (mpy_object **)(void *)s->values[0];
}

/* Moves a shaped instance to `child`, a child of its shape, with a new reference to `value`. int0:
   MemoryError, unchanged. */
MPY_NODISCARD int
mpyi_instance_add(struct mpyi_thread *t, mpy_object *o, struct mpyi_shape *child,
                  mpy_object *value);

/* Moves the attributes of a shaped instance to a dict. int0: MemoryError, unchanged. */
MPY_NODISCARD int
mpyi_instance_use_dict(struct mpyi_thread *t, mpy_object *o);

#endif /* MPY_TYPES_INSTANCE_H */
