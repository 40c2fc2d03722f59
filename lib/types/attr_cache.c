/* SPDX-License-Identifier: MIT */
/*
 * types/attr_cache.c - the table behind attribute look-ups (see types/attr.h) and what fills it.
 *
 * The slow answer comes from the shape of the instance, then from the type and its bases in order:
 * members of the spec first (they win over everything in an instance, as data descriptors do in
 * Python), then the dict of class attributes. The answer, "missing" included, goes into the entry
 * that key and name select; whatever was there before is forgotten.
 *
 * Cost: a hit is two comparisons. Invalidating is one increment; entries die lazily, so the names
 * they own are given back only when an entry is reused, at mpyi_attr_cache_clear(), or at the end.
 *
 * Invariants: see types/attr.h. generation runs from 1; when it would wrap, everything is cleared.
 * Lock: the runtime's. Nothing here runs code of the host: names are atoms.
 */
#include "types/attr_cache.h"

#include "types/dict.h"
#include "types/function.h"
#include "types/type.h"

#include <string.h>

int
mpyi_attr_cache_create(struct mpyi_thread *t)
{
    struct mpyi_attr_cache *cache = mpyi_array_alloc(t->heap, sizeof *cache);
    if (cache == NULL) {
        (void)mpyi_err_no_memory();
        return -1;
    }
    memset(cache, 0, sizeof *cache);
    cache->generation = 1;
    t->rt->attr_cache = cache;
    return 0;
}

void
mpyi_attr_cache_clear(struct mpyi_thread *t)
{
    struct mpyi_attr_cache *cache = t->rt->attr_cache;
    for (size_t i = 0; cache != NULL && i < MPYI_ATTR_CACHE_SIZE; i++) {
        mpy_xdecref(cache->entries[i].name);
        memset(&cache->entries[i], 0, sizeof cache->entries[i]);
    }
}

void
mpyi_attr_cache_destroy(struct mpyi_thread *t)
{
    if (t->rt->attr_cache != NULL) {
        mpyi_attr_cache_clear(t);
        mpyi_array_free(t->heap, t->rt->attr_cache, sizeof *t->rt->attr_cache);
        t->rt->attr_cache = NULL;
    }
}

void
mpyi_attr_cache_invalidate(struct mpyi_thread *t)
{
    struct mpyi_attr_cache *cache = t->rt->attr_cache;
    if (cache == NULL) {
        return; /* the runtime is ending */
    }
    if (++cache->generation == 0) {
        mpyi_attr_cache_clear(t);
        cache->generation = 1;
    }
}

void
mpyi_attr_cache_store(struct mpyi_thread *t, const void *key, mpy_object *name,
                      struct mpyi_attr_entry entry)
{
    struct mpyi_attr_cache *cache = t->rt->attr_cache;
    struct mpyi_attr_entry *e = mpyi_attr_cache_at(cache, key, name);
    mpy_object *old = e->name;

    entry.key = key;
    entry.name = mpy_newref(name);
    entry.generation = cache->generation;
    *e = entry;
    mpy_xdecref(old);
}

/* ---- the slow answers
 * ---------------------------------------------------------------------------- */

/* A member of that name in the spec of one type: 1 and *e, or 0. */
static int
find_member(const struct mpyi_heap_type *type, const mpy_object *name, struct mpyi_attr_entry *e)
{
    for (size_t i = 0; i < type->member_count; i++) {
        if (type->member_names[i] == name) {
            const mpy_member_spec *m = &type->spec->members[i];
            e->kind = MPYI_ATTR_REF;
            e->payload = (void *)(type->part_offset / sizeof(mpy_object *) + m->index);
            e->flags |= (m->flags & MPY_MEMBER_READONLY) != 0 ? MPYI_ATTR_READONLY : 0;
            return 1;
        }
    }
    return 0;
}

/* What the classes say, uncached. */
static struct mpyi_attr_entry
search_classes(const struct mpyi_type *type, mpy_object *name)
{
    struct mpyi_attr_entry e = {.kind = MPYI_ATTR_MISSING};

    if (type->layout != MPYI_LAYOUT_SHAPED && (type->traits & MPYI_TRAIT_ATTRS) != 0) {
        e.flags = MPYI_ATTR_HAS_DICT;
    }
    for (; type != NULL && (type->traits & MPYI_TRAIT_HEAP) != 0; type = type->base) {
        mpy_object *value;
        if (find_member(mpyi_heap_type(type), name, &e)) {
            return e;
        }
        value = type->refs[1] != NULL ? mpyi_dict_find_str(type->refs[1], name) : NULL;
        if (value != NULL) {
            int binds = mpyi_is_function(value) && mpyi_function(value)->self == NULL;
            e.kind = binds ? MPYI_ATTR_METHOD : MPYI_ATTR_CLASS;
            e.payload = value;
            return e;
        }
    }
    return e;
}

struct mpyi_attr_entry
mpyi_attr_lookup_class(struct mpyi_thread *t, const struct mpyi_type *type, mpy_object *name)
{
    const struct mpyi_attr_entry *hit = mpyi_attr_cache_hit(t->rt->attr_cache, type, name);
    struct mpyi_attr_entry e;
    if (hit != NULL) {
        return *hit;
    }
    e = search_classes(type, name);
    if (type->slots.get_attr == NULL) {
        mpyi_attr_cache_store(t, type, name, e);
    }
    return e;
}

struct mpyi_attr_entry
mpyi_attr_lookup(struct mpyi_thread *t, const mpy_object *o, const struct mpyi_type *type,
                 mpy_object *name)
{
    const struct mpyi_attr_entry *hit;
    struct mpyi_shape *shape;
    struct mpyi_attr_entry e;
    uint32_t slot;

    if (type->layout != MPYI_LAYOUT_SHAPED) {
        return mpyi_attr_lookup_class(t, type, name);
    }
    shape = mpyi_shape_of(o);
    hit = mpyi_attr_cache_hit(t->rt->attr_cache, shape, name);
    if (hit != NULL) {
        return *hit;
    }
    slot = shape->is_dict ? MPYI_SHAPE_NONE : mpyi_shape_find(t, shape, name);
    if (slot != MPYI_SHAPE_NONE) {
        e = (struct mpyi_attr_entry){.slot = (uint16_t)slot};
        e.kind = shape->head.inline_max != 0 ? MPYI_ATTR_INLINE : MPYI_ATTR_ARRAY;
    } else {
        e = mpyi_attr_lookup_class(t, type, name);
        e.flags = shape->is_dict ? MPYI_ATTR_HAS_DICT : 0;
    }
    if (type->slots.get_attr == NULL) {
        mpyi_attr_cache_store(t, shape, name, e);
    }
    return e;
}
