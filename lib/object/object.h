/* SPDX-License-Identifier: MIT */
/*
 * object/object.h - what the library knows of an object: header, type, layout, life and death.
 *
 * Layouts. The collector, teardown and statistics find the references of an object through the
 * layout its type declares, without calling code of the type:
 *
 *   ATOM      none; the object lives in the atom heap and is never tracked
 *   FIXED     type->ref_count words at type->ref_offset, each a reference or NULL
 *   VAR       n = the size_t at count_offset; the items begin at ref_offset while n <= inline_max,
 *             else the word at ref_offset points to them
 *   INDIRECT  n = the size_t at count_offset; the word at ref_offset points to them
 *   SHAPED    instances with attributes: the shape at offset 16 says how many values there are and
 *             whether they are inline or behind a pointer (struct mpyi_shape_head)
 *   CUSTOM    FIXED, and then mpyi_custom_traverse() for the rest
 *
 * Instances of host types with more than 496 bytes (MPYI_TRAIT_LARGE) keep their data in an array:
 * the word at ref_offset points to it. Their layout is INDIRECT, or CUSTOM with the fixed
 * references in that array.
 *
 * Every type whose layout is not ATOM allocates with gc/gc.h and dies through mpyi_gc_free().
 *
 * Life: an object under construction has refcnt 1 and gcword 0 (untracked: invisible to the
 * collector, what it refers to is a root). When its references are in place it is tracked. When its
 * count falls to 0: finalizer (once), untrack, queue, then type->dealloc drops what it holds and
 * frees it. Teardown never recurses. A host's type is counted by nobody for its instances: when its
 * own count is 0 while `live` is not, it stays, tracked and whole, until the last instance dies.
 *
 * Lock: the runtime's, for everything here.
 */
#ifndef MPY_OBJECT_OBJECT_H
#define MPY_OBJECT_OBJECT_H

#include "minipy/type.h"

#include "alloc/rtheap.h"
#include "base/assert.h"
#include "state/state.h"

#define MPYI_LAYOUT_ATOM     0
#define MPYI_LAYOUT_FIXED    1
#define MPYI_LAYOUT_VAR      2
#define MPYI_LAYOUT_INDIRECT 3
#define MPYI_LAYOUT_SHAPED   4
#define MPYI_LAYOUT_CUSTOM   5

/* Traits of a type. */
#define MPYI_TRAIT_HEAP      1u  /* made from a spec: a tracked object, counts its live instances */
#define MPYI_TRAIT_BASE      2u  /* may be subclassed */
#define MPYI_TRAIT_ATTRS     4u  /* instances take attributes */
#define MPYI_TRAIT_FINALIZE  8u  /* slots.finalize is set here or in a base */
#define MPYI_TRAIT_ACYCLIC   16u /* instances are never tracked */
#define MPYI_TRAIT_EXCEPTION 32u
#define MPYI_TRAIT_LARGE     64u /* instances keep their data in an array of their own */
#define MPYI_TRAIT_METATYPE                                                                        \
    128u /* instances are types, which live on while they have instances                           \
          */

/* gcword bits the library alone looks at; the others are in minipy/object.h. */
#define MPYI_GC_WEAKREF    0x08000000u
#define MPYI_GC_FINALIZED  0x04000000u
#define MPYI_GC_INNER      0x02000000u /* a part of another object: hosts never get to see it */
#define MPYI_GC_GEN_SHIFT  28
#define MPYI_GC_GEN_MASK   (3u << MPYI_GC_GEN_SHIFT)
#define MPYI_GC_INDEX_MASK 0x00FFFFFFu
#define MPYI_GC_STICKY     (MPYI_GC_WEAKREF | MPYI_GC_FINALIZED | MPYI_GC_INNER) /* stay for life */

/* What objects of a type do. NULL: the default. Signatures are those of mpy_type_spec. */
struct mpyi_slots {
    int (*init)(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames);
    void (*finalize)(mpy_object *self);
    void (*release)(void *data);
    int (*traverse)(void *data, mpy_visit_fn visit, void *arg);
    void (*clear)(void *data);
    mpy_object *(*repr)(mpy_object *self);
    mpy_object *(*str)(mpy_object *self);
    int (*hash)(mpy_object *self, int64_t *out);
    mpy_object *(*compare)(mpy_object *a, mpy_object *b, int op);
    int (*is_true)(mpy_object *self);
    mpy_object *(*get_attr)(mpy_object *self, mpy_object *name);
    int (*set_attr)(mpy_object *self, mpy_object *name, mpy_object *value);
    ptrdiff_t (*length)(mpy_object *self);
    mpy_object *(*get_item)(mpy_object *self, mpy_object *key);
    int (*set_item)(mpy_object *self, mpy_object *key, mpy_object *value);
    int (*contains)(mpy_object *self, mpy_object *value);
    mpy_object *(*iter)(mpy_object *self);
    int (*next)(mpy_object *self, mpy_object **out);
    mpy_object *(*call)(mpy_object *self, mpy_object *const *argv, size_t nargs,
                        mpy_object *kwnames);
    mpy_object *(*add)(mpy_object *a, mpy_object *b);
    mpy_object *(*subtract)(mpy_object *a, mpy_object *b);
    mpy_object *(*multiply)(mpy_object *a, mpy_object *b);
    mpy_object *(*true_divide)(mpy_object *a, mpy_object *b);
    mpy_object *(*floor_divide)(mpy_object *a, mpy_object *b);
    mpy_object *(*remainder)(mpy_object *a, mpy_object *b);
    mpy_object *(*negative)(mpy_object *a);
};

/* A type object. Built-in ones are static, constant and immortal; those of hosts are GC cells. */
struct mpyi_type {
    struct mpy_priv_type_head head;
    uint32_t traits;   /* MPYI_TRAIT_* */
    uint8_t layout;    /* MPYI_LAYOUT_* */
    uint8_t id;        /* MPY_TYPE_ID_*, or 255 */
    uint16_t exc_code; /* exception types: MPY_EXC_* of it or of its nearest built-in base */
    uint32_t ref_offset, ref_count;
    uint32_t count_offset, inline_max;
    uint32_t instance_size; /* bytes of a fixed-size instance; 0: varies */
    uint32_t data_offset;   /* host types: where the host's data begins */
    const char *name;       /* without the module */
    const char *qualname;
    const struct mpyi_type *base; /* NULL for object */

    /* Drops what o holds (mpyi_drop) and frees its memory. refcnt is gone, o is untracked. */
    void (*dealloc)(struct mpyi_thread *t, mpy_object *o);
    /* Drops the references only: the collector's way to break a cycle that holds host types with
       a traverse callback. o stays valid and empty. NULL: cannot be emptied (tuples). */
    void (*empty)(struct mpyi_thread *t, mpy_object *o);
    /* Bytes outside the cell: arrays that belong to o alone. NULL: none. */
    size_t (*extra_size)(const mpy_object *o);
    /* All that is left to do for garbage whose cell is freed in bulk, without touching references:
       frees these arrays; of a host type's instance it also calls the release hook and takes it
       off `live`. NULL: nothing. */
    void (*free_extra)(struct mpyi_thread *t, mpy_object *o);

    /* What a type object refers to (FIXED); [0] the base if it is a host type, [1] a dict of class
       attributes and methods. Built-in types: NULL. */
    mpy_object *refs[2];

    struct mpyi_slots slots;
};

/* A host's type: struct mpyi_type and what only they have. One GC cell. */
struct mpyi_heap_type {
    struct mpyi_type type;
    uint64_t live;              /* instances, which do not count the type in its refcnt */
    const mpy_type_spec *spec;  /* a copy, owned; flags include those of the bases */
    struct mpyi_shapes *shapes; /* owned; the shapes of instances, types/shape.c; NULL: none yet */
    char *names;                /* owned text behind name and qualname */
    mpy_object **member_names;  /* owned: interned strs, one for each of spec->members */
    size_t member_count;
    size_t names_size;    /* bytes of it */
    uint32_t part_offset; /* of the spec's own data within the data of an instance */
    uint32_t data_refs;   /* references at the start of the data, bases included */
    uint64_t serial;      /* no other type of this process ever had it */
    size_t data_size;     /* bytes of data of an instance, bases included */
};

MPY_STATIC_ASSERT(sizeof(struct mpyi_heap_type) <= 496, "a host type is one cell");

/* First words of an instance with attributes and of its shape. */
struct mpyi_shape_head {
    uint32_t count;      /* values an instance of this shape has */
    uint32_t inline_max; /* values that fit into the instance; 0: they are behind a pointer */
};

/* The values begin at offset 24: an instance with 3 attributes takes 48 bytes. */
struct mpyi_shaped {
    struct mpy_priv_header head;
    struct mpyi_shape_head *shape;
    mpy_object *values[]; /* or values[0] is the pointer to them */
};

/* Built-in types: constant data, defined in lib/types, one file each. */
extern const struct mpyi_type mpyi_object_type, mpyi_type_type, mpyi_none_type, mpyi_bool_type,
    mpyi_int_type, mpyi_float_type, mpyi_str_type, mpyi_bytes_type, mpyi_list_type, mpyi_tuple_type,
    mpyi_dict_type, mpyi_range_type, mpyi_iterator_type, mpyi_function_type, mpyi_method_type,
    mpyi_not_implemented_type, mpyi_ellipsis_type;

/* What a static type object begins with. */
#define MPYI_STATIC_HEAD(type_flags)                                                               \
    {                                                                                              \
        {0xFFFFFFFFu, 0, &mpyi_type_type.head}, (type_flags)                                       \
    }

static inline struct mpy_priv_header *
mpyi_head(const mpy_object *o)
{
    return mpy_priv_head(o);
}

/* Type of an immediate. */
const struct mpyi_type *
mpyi_type_of_immediate(const mpy_object *o);

/* Type of any object but NULL. */
static inline const struct mpyi_type *
mpyi_type_of(const mpy_object *o)
{
    return MPY_LIKELY(mpy_priv_is_heap(o)) ? (const struct mpyi_type *)mpyi_head(o)->type
                                           : mpyi_type_of_immediate(o);
}

static inline mpy_object *
mpyi_type_object(const struct mpyi_type *type)
{
    return (mpy_object *)(uintptr_t)type;
}

/* a is b or below it. */
int
mpyi_type_is_subtype(const struct mpyi_type *a, const struct mpyi_type *b);

/* Name of the type of o for messages; "NULL" for NULL. */
const char *
mpyi_type_name_of(const mpy_object *o);

/* `function(): argument 'x': expected T, got U` as TypeError, or SystemError when o is NULL.
   Always NULL. Use the checks below at the entry of public functions. */
void *
mpyi_err_argument(const char *function, const char *argument, const char *expected,
                  const mpy_object *o) __attribute__((cold));

/* ---- death (object/dealloc.c)
 * -------------------------------------------------------------------- */

/* The count of o fell to 0: finalizer, untrack, queue. What is queued is torn down by the loop that
   is running, or, when none is, before this returns. */
void
mpyi_dying(struct mpyi_thread *t, mpy_object *o);

/* Takes an object that dies from the collector's lists / gives a resurrected one back to them. The
   collector sits above this layer: types/instance.c implements both on gc/gc.h. */
void
mpyi_object_untrack(struct mpyi_thread *t, mpy_object *o);
void
mpyi_object_retrack(struct mpyi_thread *t, mpy_object *o);

/* o lives but lost a reference: it is idle no more, the next full collection looks at it
   (gc/track.c). */
void
mpyi_gc_candidate(mpy_object *o);

/* Gives back a reference from inside a dealloc or empty function. o may not be NULL. */
static inline void
mpyi_drop(struct mpyi_thread *t, mpy_object *o)
{
    if (mpy_priv_is_heap(o)) {
        struct mpy_priv_header *head = mpyi_head(o);
        uint32_t count = head->refcnt;
        if ((int32_t)((count - 2) | head->gcword) >= 0) {
            head->refcnt = count - 1;
        } else if (MPY_LIKELY(count == 1)) {
            head->refcnt = 0;
            mpyi_dying(t, o);
        } else if (count < MPY_PRIV_REFCNT_IMMORTAL) {
            mpy_priv_decref_special(o);
        }
    }
}

static inline void
mpyi_xdrop(struct mpyi_thread *t, mpy_object *o)
{
    if (o != NULL) {
        mpyi_drop(t, o);
    }
}

/* Calls the finalizer of o, whose type has MPYI_TRAIT_FINALIZE, unless that has happened; an error
   it leaves is reported. Holds a reference of its own meanwhile. 1: o has references afterwards. */
int
mpyi_finalize(struct mpyi_thread *t, mpy_object *o);

/* Reports the error that is set as unraisable and clears it; types/err.c. `o` may be NULL. */
void
mpyi_err_unraisable(struct mpyi_thread *t, const char *where, const mpy_object *o);

/* A new atom of n bytes with refcnt 1; NULL with MemoryError. Atoms die through their type's
   dealloc, which calls mpyi_atom_free(t->heap, o, n). */
static inline mpy_object *
mpyi_atom_new(struct mpyi_thread *t, const struct mpyi_type *type, size_t n)
{
    struct mpy_priv_header *head = (struct mpy_priv_header *)mpyi_atom_alloc(t->heap, n);
    if (MPY_UNLIKELY(head == NULL)) {
        return (mpy_object *)mpyi_err_no_memory();
    }
    head->refcnt = 1;
    head->gcword = 0;
    head->type = &type->head;
    return (mpy_object *)head;
}

/* ---- what an object refers to -------------------------------------------------------------------
 */

/* For types with layout CUSTOM: visits what is not among the fixed references, through the traverse
   callbacks of the type and its bases (types/instance.c). Non-zero: a visit stopped. */
int
mpyi_custom_traverse(mpy_object *o, const struct mpyi_type *type, mpy_visit_fn visit, void *arg);

/* The references of o by its layout; for CUSTOM only the fixed ones. */
struct mpyi_refs {
    mpy_object **items;
    size_t count;
};

static inline struct mpyi_refs
mpyi_refs_of(mpy_object *o, const struct mpyi_type *type)
{
    char *at = (char *)(uintptr_t)o;
    struct mpyi_refs refs = {(mpy_object **)(void *)(at + type->ref_offset), type->ref_count};
    if (type->layout == MPYI_LAYOUT_VAR || type->layout == MPYI_LAYOUT_INDIRECT) {
        refs.count = *(size_t *)(void *)(at + type->count_offset);
        if (type->layout == MPYI_LAYOUT_INDIRECT || refs.count > type->inline_max) {
            refs.items = *(mpy_object ***)(void *)refs.items;
        }
    } else if (type->layout == MPYI_LAYOUT_SHAPED) {
        struct mpyi_shaped *s = (struct mpyi_shaped *)(void *)at;
        refs.count = s->shape->count;
        refs.items = s->shape->inline_max != 0 ? s->values : (mpy_object **)(void *)s->values[0];
    } else if (type->layout == MPYI_LAYOUT_CUSTOM && (type->traits & MPYI_TRAIT_LARGE) != 0) {
        refs.items = *(mpy_object ***)(void *)refs.items;
    }
    return refs;
}

#endif /* MPY_OBJECT_OBJECT_H */
