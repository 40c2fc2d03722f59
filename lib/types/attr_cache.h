/* SPDX-License-Identifier: MIT */
/*
 * types/attr_cache.h - inside of the attribute cache, for the fast paths that look into it.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_ATTR_CACHE_H
#define MPY_TYPES_ATTR_CACHE_H

#include "types/attr.h"

/* The entry that key and name share with nobody or with others. */
static inline struct mpyi_attr_entry *
mpyi_attr_cache_at(struct mpyi_attr_cache *cache, const void *key, const mpy_object *name)
{
    uintptr_t k = (uintptr_t)key >> 3;
    uintptr_t n = (uintptr_t)name >> 3;
    uintptr_t mix = k + n * 5;
    return &cache->entries[(mix ^ mix >> 10) & (MPYI_ATTR_CACHE_SIZE - 1)];
}

/* The entry of key and name, or NULL. */
static inline struct mpyi_attr_entry *
mpyi_attr_cache_hit(struct mpyi_attr_cache *cache, const void *key, const mpy_object *name)
{
    struct mpyi_attr_entry *e = mpyi_attr_cache_at(cache, key, name);
    return e->key == key && e->name == name && e->generation == cache->generation ? e : NULL;
}

/* The key under which setting a new attribute is remembered. */
static inline const void *
mpyi_attr_add_key(const struct mpyi_shape *shape)
{
    return (const char *)shape + 1;
}

void
mpyi_attr_cache_store(struct mpyi_thread *t, const void *key, mpy_object *name,
                      struct mpyi_attr_entry entry);

/* What `name` is on o, apart from what a dict of its own says. */
struct mpyi_attr_entry
mpyi_attr_lookup(struct mpyi_thread *t, const mpy_object *o, const struct mpyi_type *type,
                 mpy_object *name);

#endif /* MPY_TYPES_ATTR_CACHE_H */
