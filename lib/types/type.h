/* SPDX-License-Identifier: MIT */
/*
 * types/type.h - type objects, for the library itself.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_TYPE_H
#define MPY_TYPES_TYPE_H

#include "gc/gc.h"

static inline struct mpyi_heap_type *
mpyi_heap_type(const struct mpyi_type *type)
{
    MPY_ASSERT((type->traits & MPYI_TRAIT_HEAP) != 0);
    return (struct mpyi_heap_type *)(uintptr_t)type;
}

static inline const struct mpyi_type *
mpyi_type(const mpy_object *o)
{
    MPY_ASSERT(mpy_type_check(o));
    return (const struct mpyi_type *)(const void *)o;
}

static inline struct mpyi_heap_type *
mpyi_heap_type_of(mpy_object *o)
{
    return mpyi_heap_type(mpyi_type(o));
}

/* 1 when a type may be called so: there is something behind the last dot. */
int
mpyi_type_name_ok(const char *name);

/* mpy_type_from_spec() on behalf of `function`; base may be an exception type. */
MPY_NODISCARD mpy_object *
mpyi_type_make(struct mpyi_thread *t, const char *function, const mpy_type_spec *spec,
               const struct mpyi_type *base);

/* An instance of a host's type is gone; the type goes too if it is the last and nobody else holds
   it. */
void
mpyi_type_instance_gone(struct mpyi_thread *t, struct mpyi_heap_type *type);

/* Members and slots of mpyi_type_type. */
void
mpyi_type_dealloc(struct mpyi_thread *t, mpy_object *o);
void
mpyi_type_empty(struct mpyi_thread *t, mpy_object *o);
size_t
mpyi_type_extra_size(const mpy_object *o);
void
mpyi_type_free_extra(struct mpyi_thread *t, mpy_object *o);
mpy_object *
mpyi_type_slot_repr(mpy_object *self);
mpy_object *
mpyi_type_slot_get_attr(mpy_object *self, mpy_object *name);
int
mpyi_type_slot_set_attr(mpy_object *self, mpy_object *name, mpy_object *value);

/* Calling a type creates an instance; types/construct.c. */
mpy_object *
mpyi_type_slot_call(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames);

#endif /* MPY_TYPES_TYPE_H */
