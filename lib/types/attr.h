/* SPDX-License-Identifier: MIT */
/*
 * types/attr.h - the attribute cache of a runtime.
 *
 * A direct-mapped table answers "what is `name` on this?". The key is the shape of an instance with
 * inline attributes, or the type of anything else; names are interned, so both are compared as
 * addresses. An entry holds for as long as the cache's generation does: it changes when a type gets
 * or loses an attribute and when a type dies (its shapes' addresses may be used again).
 *
 * Invariants: an entry owns its name, so a name's address means one text while it is cached; the
 * payload is borrowed from the class dict or the tree of shapes and dies only after a change of
 * generation; no key belongs to a type with a get_attr slot of its own.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_ATTR_H
#define MPY_TYPES_ATTR_H

#include "types/intern.h"
#include "types/shape.h"

/* What a name is. INLINE and ARRAY: attribute of a shaped instance, number `slot`. REF: a member,
   the reference with the number in `payload` (mpyi_attr_ref()). CLASS: found in a class, the value
   is the payload. METHOD: a function in a class that binds, the payload. MISSING. ADD, under the
   key of the shape plus 1: setting it leads to the shape `payload`. */
#define MPYI_ATTR_EMPTY   0
#define MPYI_ATTR_INLINE  1
#define MPYI_ATTR_ARRAY   2
#define MPYI_ATTR_REF     3
#define MPYI_ATTR_CLASS   4
#define MPYI_ATTR_METHOD  5
#define MPYI_ATTR_MISSING 6
#define MPYI_ATTR_ADD     7

struct mpyi_attr_entry {
    const void *key;
    mpy_object *name; /* owned */
    void *payload;
    uint32_t generation;
    uint8_t kind;  /* MPYI_ATTR_* */
    uint8_t flags; /* MPYI_ATTR_HAS_DICT, MPYI_ATTR_READONLY */
    uint16_t slot;
};
MPY_STATIC_ASSERT(sizeof(struct mpyi_attr_entry) == 32, "two entries a cache line");
MPY_STATIC_ASSERT(MPYI_SHAPE_COUNT_MAX <= UINT16_MAX, "slots of shapes fit");

#define MPYI_ATTR_HAS_DICT                                                                         \
    1u /* objects with this key have a dict of their own to look into first */
#define MPYI_ATTR_READONLY 2u

static inline size_t
mpyi_attr_ref(const struct mpyi_attr_entry *e)
{
    return (size_t)(uintptr_t)e->payload;
}

#define MPYI_ATTR_CACHE_SIZE 1024u

struct mpyi_attr_cache {
    uint32_t generation; /* never 0, which no entry has while it is valid */
    uint32_t reserved;
    struct mpyi_attr_entry entries[MPYI_ATTR_CACHE_SIZE];
};

/* Makes t->rt->attr_cache. int0: MemoryError. */
MPY_NODISCARD int
mpyi_attr_cache_create(struct mpyi_thread *t);

/* Gives back the names and the table; t->rt->attr_cache is NULL then, and attributes may no longer
   be asked for. */
void
mpyi_attr_cache_destroy(struct mpyi_thread *t);

/* Forgets everything and gives back the names. */
void
mpyi_attr_cache_clear(struct mpyi_thread *t);

/* Makes every entry invalid: a class changed or died. */
void
mpyi_attr_cache_invalidate(struct mpyi_thread *t);

/* What `name` (interned) is on an instance of `type` or, for types, in its classes. */
struct mpyi_attr_entry
mpyi_attr_lookup_class(struct mpyi_thread *t, const struct mpyi_type *type, mpy_object *name);

/* found; *out is a new reference. name: interned, or NULL for one that no object has. (U) */
MPY_NODISCARD int
mpyi_attr_find(struct mpyi_thread *t, mpy_object *o, mpy_object *name, mpy_object **out);

/* For calls o.name(...): as mpyi_attr_find(), but 2 when *out is a function that wants o as its
   self. name is any str. */
MPY_NODISCARD int
mpyi_attr_find_method(struct mpyi_thread *t, mpy_object *o, mpy_object *name, mpy_object **out);

/* AttributeError `function(): 'T' object has no attribute 'name'`. */
void
mpyi_attr_missing(const char *function, const mpy_object *o, const char *name)
    __attribute__((cold));

/* The interned str with the text of `name`, borrowed; NULL when there is none (no object has such
   an attribute then). */
static inline mpy_object *
mpyi_attr_name(struct mpyi_thread *t, mpy_object *name)
{
    struct mpyi_str *s = mpyi_str_of(name);
    if (MPY_LIKELY(mpyi_str_is_interned(s))) {
        return name;
    }
    return mpyi_str_object(mpyi_intern_find_hashed(t->rt->intern, mpyi_str_data(s),
                                                   mpyi_str_size(s), mpyi_str_hash(s)));
}

#endif /* MPY_TYPES_ATTR_H */
