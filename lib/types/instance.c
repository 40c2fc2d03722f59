/* SPDX-License-Identifier: MIT */
/*
 * types/instance.c - memory, references and death of instances (see types/instance.h).
 *
 * Death of a data instance, in this order: the host's clear callbacks drop what only they know, the
 * references of the data go, the release callbacks get the data, the memory goes, the type's count
 * of instances falls. Callbacks run from the type itself up to its bases, each with its own part of
 * the data.
 *
 * A shaped instance that outgrows its cell moves all its values to an array; the cell stays, its
 * first word points to the array. Nothing moves back.
 *
 * Invariants: an instance is tracked from its creation on, unless its type is acyclic; `live` of
 * its type counts it until its memory is gone; every step that may fail comes before any change.
 *
 * Lock: the runtime's. clear, release and drops run code of the host.
 */
#include "types/instance.h"

#include "types/dict.h"
#include "types/type.h"

#include <string.h>

MPYI_HOT void
mpyi_object_untrack(struct mpyi_thread *t, mpy_object *o)
{
    mpyi_gc_untrack(t, o);
}

void
mpyi_object_retrack(struct mpyi_thread *t, mpy_object *o)
{
    mpyi_gc_track(t, o);
}

size_t
mpyi_instance_block_size(const struct mpyi_type *type)
{
    const struct mpyi_heap_type *heap = mpyi_heap_type(type);
    size_t size = type->data_offset + heap->data_size;
    return size != 0 ? size : 1;
}

/* ---- birth -------------------------------------------------------------------------------------
 */

static mpy_object *
new_shaped(struct mpyi_thread *t, const struct mpyi_type *type)
{
    struct mpyi_heap_type *heap = mpyi_heap_type(type);
    struct mpyi_shape *root;
    struct mpyi_shaped *s;

    if (MPY_UNLIKELY(heap->shapes == NULL) && (heap->shapes = mpyi_shapes_new(t)) == NULL) {
        return NULL;
    }
    root = heap->shapes->root;
    if (MPY_UNLIKELY(root == NULL) && (root = mpyi_shapes_root(t, heap->shapes)) == NULL) {
        return NULL;
    }
    s = (struct mpyi_shaped *)mpyi_gc_new(t, type, mpyi_shaped_size(root->slots));
    if (MPY_UNLIKELY(s == NULL)) {
        return NULL;
    }
    s->shape = &root->head;
    return (mpy_object *)s;
}

static mpy_object *
new_large(struct mpyi_thread *t, const struct mpyi_type *type)
{
    size_t size = mpyi_instance_block_size(type);
    char *block = mpyi_array_alloc(t->heap, size);
    char *cell;
    if (block == NULL) {
        return mpyi_err_no_memory();
    }
    cell = (char *)(void *)mpyi_gc_new(t, type, MPYI_LARGE_CELL);
    if (cell == NULL) {
        mpyi_array_free(t->heap, block, size);
        return NULL;
    }
    memset(block, 0, size);
    *(size_t *)(void *)(cell + MPYI_LARGE_COUNT) = type->ref_count;
    *(char **)(void *)(cell + MPYI_LARGE_POINTER) = block;
    return (mpy_object *)(void *)cell;
}

mpy_object *
mpyi_instance_new(struct mpyi_thread *t, const struct mpyi_type *type)
{
    mpy_object *o;
    if (type->layout == MPYI_LAYOUT_SHAPED) {
        o = new_shaped(t, type);
    } else if ((type->traits & MPYI_TRAIT_LARGE) != 0) {
        o = new_large(t, type);
    } else {
        o = mpyi_gc_new(t, type, type->instance_size);
        if (MPY_LIKELY(o != NULL)) {
            memset((char *)o + sizeof(struct mpy_priv_header), 0,
                   type->instance_size - sizeof(struct mpy_priv_header));
        }
    }
    if (MPY_UNLIKELY(o == NULL)) {
        return NULL;
    }
    if (MPY_LIKELY((type->traits & MPYI_TRAIT_HEAP) != 0)) {
        mpyi_heap_type(type)->live++;
    }
    if (MPY_LIKELY((type->traits & MPYI_TRAIT_ACYCLIC) == 0)) {
        mpyi_gc_track(t, o);
    } else {
        mpyi_head(o)->gcword = 0;
    }
    return o;
}

/* ---- callbacks of the host ----------------------------------------------------------------------
 */

static inline void *
part_of(const mpy_object *o, const struct mpyi_type *type, const struct mpyi_type *part)
{
    return (char *)mpyi_instance_data(o, type) + mpyi_heap_type(part)->part_offset;
}

int
mpyi_custom_traverse(mpy_object *o, const struct mpyi_type *type, mpy_visit_fn visit, void *arg)
{
    const struct mpyi_type *part = type;
    for (; part != NULL && (part->traits & MPYI_TRAIT_HEAP) != 0; part = part->base) {
        int (*traverse)(void *, mpy_visit_fn, void *) = mpyi_heap_type(part)->spec->traverse;
        int result = traverse != NULL ? traverse(part_of(o, type, part), visit, arg) : 0;
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

static void
call_clear(mpy_object *o, const struct mpyi_type *type)
{
    const struct mpyi_type *part = type;
    for (; part != NULL && (part->traits & MPYI_TRAIT_HEAP) != 0; part = part->base) {
        void (*clear)(void *) = mpyi_heap_type(part)->spec->clear;
        if (clear != NULL) {
            clear(part_of(o, type, part));
        }
    }
}

static void
call_release(mpy_object *o, const struct mpyi_type *type)
{
    const struct mpyi_type *part = type;
    for (; part != NULL && (part->traits & MPYI_TRAIT_HEAP) != 0; part = part->base) {
        void (*release)(void *) = mpyi_heap_type(part)->spec->release;
        if (release != NULL) {
            release(part_of(o, type, part));
        }
    }
}

/* ---- death --------------------------------------------------------------------------------------
 */

/* The array of a shaped instance, NULL while its values are inline; *size gets its bytes. */
static void *
shaped_array(const mpy_object *o, size_t *size)
{
    const struct mpyi_shape *shape = mpyi_shape_of(o);
    if (shape->head.inline_max != 0) {
        *size = 0;
        return NULL;
    }
    *size = sizeof(mpy_object *) * mpyi_shape_capacity(shape->head.count);
    return ((const struct mpyi_shaped *)(const void *)o)->values[0];
}

static void
dealloc_shaped(struct mpyi_thread *t, mpy_object *o)
{
    struct mpyi_shape *shape = mpyi_shape_of(o);
    mpy_object **values = mpyi_instance_values(o);
    for (uint32_t i = 0; i < shape->head.count; i++) {
        mpyi_xdrop(t, values[i]);
    }
    if (MPY_UNLIKELY(shape->head.inline_max == 0)) {
        mpyi_array_free(t->heap, values, sizeof *values * mpyi_shape_capacity(shape->head.count));
    }
    mpyi_gc_free(t, o, mpyi_shaped_size(shape->slots));
}

static void
dealloc_data(struct mpyi_thread *t, mpy_object *o, const struct mpyi_type *type)
{
    struct mpyi_refs refs = mpyi_refs_of(o, type);
    if (type->slots.clear != NULL) {
        call_clear(o, type);
    }
    for (size_t i = 0; i < refs.count; i++) {
        mpyi_xdrop(t, refs.items[i]);
    }
    if (type->slots.release != NULL) {
        call_release(o, type);
    }
    if ((type->traits & MPYI_TRAIT_LARGE) != 0) {
        mpyi_array_free(t->heap, mpyi_instance_base(o, type), mpyi_instance_block_size(type));
        mpyi_gc_free(t, o, MPYI_LARGE_CELL);
    } else {
        mpyi_gc_free(t, o, type->instance_size);
    }
}

void
mpyi_instance_dealloc(struct mpyi_thread *t, mpy_object *o)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    if (type->layout == MPYI_LAYOUT_SHAPED) {
        dealloc_shaped(t, o);
    } else {
        dealloc_data(t, o, type);
    }
    if ((type->traits & MPYI_TRAIT_HEAP) != 0) {
        mpyi_type_instance_gone(t, mpyi_heap_type(type));
    }
}

void
mpyi_instance_empty(struct mpyi_thread *t, mpy_object *o)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    struct mpyi_refs refs = mpyi_refs_of(o, type);
    if (type->slots.clear != NULL) {
        call_clear(o, type);
    }
    for (size_t i = 0; i < refs.count; i++) {
        mpy_object *old = refs.items[i];
        refs.items[i] = NULL;
        mpyi_xdrop(t, old);
    }
}

size_t
mpyi_instance_extra_size(const mpy_object *o)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    size_t size;
    if (type->layout == MPYI_LAYOUT_SHAPED) {
        (void)shaped_array(o, &size);
        return size;
    }
    return (type->traits & MPYI_TRAIT_LARGE) != 0 ? mpyi_instance_block_size(type) : 0;
}

void
mpyi_instance_free_extra(struct mpyi_thread *t, mpy_object *o)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    size_t size;
    if (type->layout == MPYI_LAYOUT_SHAPED) {
        void *array = shaped_array(o, &size);
        mpyi_array_free(t->heap, array, size);
    } else {
        if (type->slots.release != NULL) {
            call_release(o, type);
        }
        if ((type->traits & MPYI_TRAIT_LARGE) != 0) {
            mpyi_array_free(t->heap, mpyi_instance_base(o, type), mpyi_instance_block_size(type));
        }
    }
    if ((type->traits & MPYI_TRAIT_HEAP) != 0) {
        mpyi_heap_type(type)->live--;
    }
}

/* ---- attributes of shaped instances
 * --------------------------------------------------------------- */

/* Learns that instances of o's type reach `count` values. */
static void
learn(const mpy_object *o, uint32_t count)
{
    struct mpyi_heap_type *type = mpyi_heap_type(mpyi_type_of(o));
    mpyi_shapes_learn(type->shapes, count, type->live);
}

int
mpyi_instance_add(struct mpyi_thread *t, mpy_object *o, struct mpyi_shape *child, mpy_object *value)
{
    struct mpyi_shaped *s = (struct mpyi_shaped *)o;
    uint32_t count = s->shape->count;
    uint32_t capacity = mpyi_shape_capacity(child->head.count);
    mpy_object **values;

    if (child->head.inline_max != 0) {
        s->values[count] = mpy_newref(value);
        s->shape = &child->head;
        return 0;
    }
    if (s->shape->inline_max != 0) {
        values = mpyi_array_alloc(t->heap, sizeof *values * capacity);
        if (values != NULL) {
            memcpy(values, s->values, sizeof *values * count);
        }
    } else {
        uint32_t old = mpyi_shape_capacity(count);
        values = (mpy_object **)(void *)s->values[0];
        if (old != capacity) {
            values = mpyi_array_realloc(t->heap, values, sizeof *values * old,
                                        sizeof *values * capacity);
        }
    }
    if (values == NULL) {
        (void)mpyi_err_no_memory();
        return -1;
    }
    values[count] = mpy_newref(value);
    s->values[0] = (mpy_object *)(void *)values;
    s->shape = &child->head;
    learn(o, child->head.count);
    return 0;
}

int
mpyi_instance_use_dict(struct mpyi_thread *t, mpy_object *o)
{
    struct mpyi_shaped *s = (struct mpyi_shaped *)o;
    struct mpyi_shape *shape = mpyi_shape_of(o);
    struct mpyi_shape *target = mpyi_shape_dict(t, shape->family, shape->slots);
    mpy_object *dict = target != NULL ? mpyi_dict_new(t, shape->head.count + 1) : NULL;
    mpy_object **values = mpyi_instance_values(o);
    size_t array_size;
    void *array;

    if (dict == NULL) {
        return -1;
    }
    for (uint32_t i = 0; i < shape->head.count; i++) {
        if (values[i] != NULL && mpyi_dict_set(t, dict, mpyi_shape_name(shape, i), values[i]) < 0) {
            mpy_decref(dict);
            return -1;
        }
    }
    /* Every value has a reference in the dict now, so giving back the instance's kills nothing. */
    for (uint32_t i = 0; i < shape->head.count; i++) {
        mpy_xdecref(values[i]);
    }
    array = shaped_array(o, &array_size);
    s->shape = &target->head;
    s->values[0] = dict;
    mpyi_array_free(t->heap, array, array_size);
    return 0;
}
