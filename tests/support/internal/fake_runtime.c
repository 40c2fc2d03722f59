/* SPDX-License-Identifier: MIT */
/*
 * support/internal/fake_runtime.c - see support/internal/fake_runtime.h.
 */
#include "minipy/list.h"

#include "support/internal/fake_runtime.h"

#include <stdlib.h>
#include <string.h>

#define WEAK         __attribute__((weak))
#define TUPLE_INLINE 4u

struct fixed {
    struct mpy_priv_header head;
    uint64_t id;
    mpy_object *refs[3];
};

struct var {
    struct mpy_priv_header head;
    uint64_t id;
    size_t count;
    union {
        mpy_object *items[TUPLE_INLINE];
        mpy_object **far;
    } at;
};

struct shaped {
    struct mpy_priv_header head;
    struct mpyi_shape_head *shape;
    union {
        mpy_object *values[3];
        mpy_object **far;
    } at;
};

uint8_t fake_dead[FAKE_IDS];
void (*fake_on_finalize)(mpy_object *o);
void (*fake_on_traverse)(void);
int fake_unraisable;

static struct mpyi_shape_head shape_near = {3, 3};
static struct mpyi_shape_head shape_far = {3, 0};

static const struct mpyi_type fake_type_type;

/* ---- what the layers above provide
 * --------------------------------------------------------------- */

WEAK const struct mpyi_type mpyi_type_type, mpyi_int_type, mpyi_float_type, mpyi_bool_type,
    mpyi_none_type, mpyi_ellipsis_type, mpyi_not_implemented_type;

WEAK void
mpyi_object_untrack(struct mpyi_thread *t, mpy_object *o)
{
    mpyi_gc_untrack(t, o);
}

WEAK void
mpyi_object_retrack(struct mpyi_thread *t, mpy_object *o)
{
    mpyi_gc_track(t, o);
}

WEAK void
mpyi_err_unraisable(struct mpyi_thread *t, const char *where, const mpy_object *o)
{
    (void)where;
    (void)o;
    fake_unraisable++;
    mpyi_err_clear(t);
}

WEAK int
mpyi_custom_traverse(mpy_object *o, const struct mpyi_type *type, mpy_visit_fn visit, void *arg)
{
    (void)type;
    if (fake_on_traverse != NULL) {
        fake_on_traverse();
    }
    return visit(((struct fixed *)(void *)o)->refs[1], arg);
}

WEAK mpy_object *
mpy_list_from_array(mpy_object *const *items, size_t n)
{
    mpy_object *list = fake_new(&fake_list, 0, n);
    for (size_t i = 0; i < n; i++) {
        fake_set(list, i, items[i]);
    }
    return list;
}

/* ---- references
 * ---------------------------------------------------------------------------------- */

static mpy_object *
id_value(uint32_t id)
{
    return (mpy_object *)((uintptr_t)id << 1 | MPY_PRIV_TAG_INT);
}

static mpy_object **
places(mpy_object *o, size_t *n)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    struct mpyi_refs refs = mpyi_refs_of(o, type);
    *n = refs.count;
    if (type->layout == MPYI_LAYOUT_CUSTOM) {
        *n = 2; /* the hidden one follows */
    } else if (type->layout == MPYI_LAYOUT_SHAPED) {
        refs.items++; /* the id */
        *n = 2;
    }
    return refs.items;
}

size_t
fake_width(mpy_object *o)
{
    size_t n;
    (void)places(o, &n);
    return n;
}

mpy_object *
fake_get(mpy_object *o, size_t i)
{
    size_t n;
    mpy_object **at = places(o, &n);
    return i < n ? at[i] : NULL;
}

void
fake_set(mpy_object *o, size_t i, mpy_object *child)
{
    size_t n;
    mpy_object **at = places(o, &n);
    mpy_object *old;
    if (i >= n) {
        abort();
    }
    old = at[i];
    if (child != NULL) {
        mpy_incref(child);
    }
    at[i] = child;
    if (old != NULL) {
        mpy_decref(old);
    }
}

uint32_t
fake_id(mpy_object *o)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    if (type == &fake_type_type) {
        return (uint32_t)((struct mpyi_heap_type *)(void *)o)->serial;
    }
    if (type->layout == MPYI_LAYOUT_SHAPED) {
        return (uint32_t)((uintptr_t)mpyi_refs_of(o, type).items[0] >> 1);
    }
    return (uint32_t)((struct fixed *)(void *)o)->id;
}

/* ---- life
 * ---------------------------------------------------------------------------------------- */

static void
note_death(mpy_object *o)
{
    uint32_t id = fake_id(o);
    if (fake_dead[id] < UINT8_MAX) {
        fake_dead[id]++;
    }
}

static void
drop_places(struct mpyi_thread *t, mpy_object *o)
{
    size_t n;
    mpy_object **at = places(o, &n);
    for (size_t i = 0; i < n; i++) {
        mpy_object *old = at[i];
        at[i] = NULL;
        mpyi_xdrop(t, old);
    }
}

static size_t
cell_size(const struct mpyi_type *type)
{
    return type->instance_size;
}

/* Frees arrays: all that bulk free wants. */
static void
bulk_extra(struct mpyi_thread *t, mpy_object *o)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    struct mpyi_refs refs = mpyi_refs_of(o, type);
    note_death(o);
    if ((char *)refs.items != (char *)o + type->ref_offset && type->layout != MPYI_LAYOUT_SHAPED) {
        mpyi_array_free(t->heap, refs.items, refs.count * sizeof *refs.items);
    } else if (type->layout == MPYI_LAYOUT_SHAPED &&
               refs.items != ((struct shaped *)(void *)o)->at.values) {
        mpyi_array_free(t->heap, refs.items, refs.count * sizeof *refs.items);
    }
}

static void
dealloc(struct mpyi_thread *t, mpy_object *o)
{
    size_t size = cell_size(mpyi_type_of(o));
    drop_places(t, o);
    bulk_extra(t, o);
    mpyi_gc_free(t, o, size);
}

static void
dealloc_atom(struct mpyi_thread *t, mpy_object *o)
{
    note_death(o);
    mpyi_atom_free(t->heap, o, sizeof(struct fixed));
}

static void
empty(struct mpyi_thread *t, mpy_object *o)
{
    drop_places(t, o);
}

static void
finalize(mpy_object *o)
{
    if (fake_on_finalize != NULL) {
        fake_on_finalize(o);
    }
}

#define HEAD(flags)                                                                                \
    {                                                                                              \
        {0xFFFFFFFFu, 0, &mpyi_type_type.head}, flags                                              \
    }

#define FIXED_TYPE(type_name, more_traits, type_layout, n)                                         \
    {                                                                                              \
        .head = HEAD(0), .traits = (more_traits), .layout = (type_layout), .id = 255,              \
        .ref_offset = offsetof(struct fixed, refs), .ref_count = (n),                              \
        .instance_size = sizeof(struct fixed), .name = (type_name), .dealloc = dealloc,            \
        .empty = empty, .free_extra = bulk_extra, .slots = {                                       \
            .finalize = finalize                                                                   \
        }                                                                                          \
    }

const struct mpyi_type fake_node = FIXED_TYPE("node", 0, MPYI_LAYOUT_FIXED, 3);
const struct mpyi_type fake_final = FIXED_TYPE("final", MPYI_TRAIT_FINALIZE, MPYI_LAYOUT_FIXED, 3);
const struct mpyi_type fake_acyclic =
    FIXED_TYPE("acyclic", MPYI_TRAIT_FINALIZE | MPYI_TRAIT_ACYCLIC, MPYI_LAYOUT_FIXED, 3);
const struct mpyi_type fake_custom = FIXED_TYPE("custom", 0, MPYI_LAYOUT_CUSTOM, 1);

const struct mpyi_type fake_tuple = {
    .head = HEAD(0),
    .layout = MPYI_LAYOUT_VAR,
    .id = 255,
    .ref_offset = offsetof(struct var, at),
    .count_offset = offsetof(struct var, count),
    .inline_max = TUPLE_INLINE,
    .instance_size = sizeof(struct var),
    .name = "tuple",
    .dealloc = dealloc,
    .free_extra = bulk_extra,
};

const struct mpyi_type fake_list = {
    .head = HEAD(0),
    .layout = MPYI_LAYOUT_INDIRECT,
    .id = 255,
    .ref_offset = offsetof(struct var, at),
    .count_offset = offsetof(struct var, count),
    .instance_size = sizeof(struct var),
    .name = "list",
    .dealloc = dealloc,
    .empty = empty,
    .free_extra = bulk_extra,
};

#define SHAPED_TYPE                                                                                \
    {                                                                                              \
        .head = HEAD(0), .layout = MPYI_LAYOUT_SHAPED, .id = 255,                                  \
        .instance_size = sizeof(struct shaped), .name = "shaped", .dealloc = dealloc,              \
        .empty = empty, .free_extra = bulk_extra                                                   \
    }

const struct mpyi_type fake_shaped = SHAPED_TYPE;
const struct mpyi_type fake_shaped_far = SHAPED_TYPE;

const struct mpyi_type fake_atom = {
    .head = HEAD(0),
    .layout = MPYI_LAYOUT_ATOM,
    .id = 255,
    .name = "atom",
    .dealloc = dealloc_atom,
};

/* ---- hosts' types
 * ---------------------------------------------------------------------------------- */

static void
type_dealloc(struct mpyi_thread *t, mpy_object *o)
{
    struct mpyi_heap_type *type = (struct mpyi_heap_type *)(void *)o;
    if (type->live > 0) {
        mpyi_head(o)->refcnt = 0;
        mpyi_head(o)->gcword = 0;
        mpyi_gc_track(t, o);
        return;
    }
    note_death(o);
    mpyi_xdrop(t, type->type.refs[0]);
    mpyi_xdrop(t, type->type.refs[1]);
    mpyi_gc_free(t, o, sizeof *type);
}

static const struct mpyi_type fake_type_type = {
    .head = HEAD(MPY_TF_TYPE),
    .traits = MPYI_TRAIT_METATYPE,
    .layout = MPYI_LAYOUT_FIXED,
    .id = 255,
    .ref_offset = offsetof(struct mpyi_type, refs),
    .ref_count = 2,
    .name = "type",
    .dealloc = type_dealloc,
    .empty = empty,
};

static void
instance_extra(struct mpyi_thread *t, mpy_object *o)
{
    mpy_object *type = mpyi_type_object(mpyi_type_of(o));
    struct mpyi_heap_type *heap_type = (struct mpyi_heap_type *)(void *)type;
    note_death(o);
    heap_type->live--;
    if ((mpyi_head(type)->gcword & MPY_PRIV_GC_TRACKED) == 0) {
        /* It waits in t->dying already, its first word a link. */
        return;
    }
    if (heap_type->live == 0 && mpyi_head(type)->refcnt == 0) {
        mpyi_dying(t, type);
    } else {
        /* As if it had lost a reference. */
        mpyi_gc_candidate(type);
    }
}

static void
instance_dealloc(struct mpyi_thread *t, mpy_object *o)
{
    drop_places(t, o);
    instance_extra(t, o);
    mpyi_gc_free(t, o, sizeof(struct fixed));
}

/* Never called: instances with it are freed through their free_extra, which notes their death. */
static void
release(void *data)
{
    (void)data;
}

mpy_object *
fake_type(uint32_t id)
{
    static const struct mpyi_type instance =
        FIXED_TYPE("instance", MPYI_TRAIT_HEAP, MPYI_LAYOUT_FIXED, 3);
    struct mpyi_thread *t = fake_thread();
    mpy_object *o = mpyi_gc_new(t, &fake_type_type, sizeof(struct mpyi_heap_type));
    struct mpyi_heap_type *type = (struct mpyi_heap_type *)(void *)o;
    struct mpy_priv_header head = type->type.head.head;
    memset(type, 0, sizeof *type);
    type->type = instance;
    type->type.head.head = head;
    type->type.dealloc = instance_dealloc;
    type->type.free_extra = instance_extra;
    type->type.slots.release = release;
    type->serial = id;
    mpyi_gc_track(t, o);
    return o;
}

mpy_object *
fake_instance(mpy_object *type, uint32_t id)
{
    ((struct mpyi_heap_type *)(void *)type)->live++;
    return fake_new((const struct mpyi_type *)(void *)type, id, 3);
}

/* ---- making
 * ----------------------------------------------------------------------------------------- */

struct mpyi_thread *
fake_thread(void)
{
    return mpyi_current();
}

static mpy_object **
new_array(struct mpyi_thread *t, size_t n)
{
    mpy_object **items = mpyi_array_alloc(t->heap, n * sizeof *items);
    if (items == NULL) {
        abort();
    }
    memset(items, 0, n * sizeof *items);
    return items;
}

mpy_object *
fake_new_untracked(const struct mpyi_type *type, uint32_t id, size_t n)
{
    struct mpyi_thread *t = fake_thread();
    mpy_object *o;
    if (type->layout == MPYI_LAYOUT_ATOM) {
        o = mpyi_atom_new(t, type, sizeof(struct fixed));
        ((struct fixed *)(void *)o)->id = id;
        return o;
    }
    o = mpyi_gc_new(t, type, cell_size(type));
    if (o == NULL) {
        abort();
    }
    memset((char *)(void *)o + sizeof(struct mpy_priv_header), 0,
           cell_size(type) - sizeof(struct mpy_priv_header));
    if (type->layout == MPYI_LAYOUT_SHAPED) {
        struct shaped *s = (struct shaped *)(void *)o;
        s->shape = type == &fake_shaped ? &shape_near : &shape_far;
        if (type == &fake_shaped_far) {
            s->at.far = new_array(t, 3);
        }
        mpyi_refs_of(o, type).items[0] = id_value(id);
        return o;
    }
    ((struct fixed *)(void *)o)->id = id;
    if (type == &fake_tuple || type == &fake_list) {
        struct var *v = (struct var *)(void *)o;
        v->count = n;
        if (type == &fake_list || n > TUPLE_INLINE) {
            v->at.far = new_array(t, n);
        }
    }
    return o;
}

mpy_object *
fake_new(const struct mpyi_type *type, uint32_t id, size_t n)
{
    mpy_object *o = fake_new_untracked(type, id, n);
    if (type->layout != MPYI_LAYOUT_ATOM && (type->traits & MPYI_TRAIT_ACYCLIC) == 0) {
        mpyi_gc_track(fake_thread(), o);
    }
    return o;
}

/* ---- the runtime
 * -------------------------------------------------------------------------------------- */

struct fake_runtime *
fake_runtime_new(void)
{
    struct fake_runtime *fake = calloc(1, sizeof *fake);
    if (fake == NULL || (fake->rt.heap = mpyi_rtheap_new(NULL)) == NULL) {
        abort();
    }
    fake->rt.gc = mpyi_gc_create(&fake->rt, fake->rt.heap);
    if (fake->rt.gc == NULL) {
        abort();
    }
    fake->thread.rt = &fake->rt;
    fake->thread.heap = fake->rt.heap;
    fake->thread.gc = fake->rt.gc;
    fake->thread.depth_limit = 1000;
    mpy_priv_tls.thread = &fake->thread;
    mpyi_rtheap_enter(fake->rt.heap);
    memset(fake_dead, 0, sizeof fake_dead);
    fake_on_finalize = NULL;
    fake_on_traverse = NULL;
    fake_unraisable = 0;
    return fake;
}

void
fake_runtime_free(struct fake_runtime *fake)
{
    if (mpyi_gc_check(fake->rt.gc, NULL, MPYI_GC_CHECK_RESTING) != 0 ||
        mpyi_rtheap_check(fake->rt.heap) != 0) {
        abort();
    }
    mpyi_gc_destroy(fake->rt.gc);
    mpy_priv_tls.thread = NULL;
    mpyi_rtheap_free(fake->rt.heap);
    free(fake);
}

uint64_t
fake_collect(int generation)
{
    struct mpyi_gc_run run = {0};
    if (mpyi_gc_collect(fake_thread(), generation, &run) < 0 || run.no_memory ||
        mpyi_gc_check(fake_thread()->gc, NULL, MPYI_GC_CHECK_RESTING) != 0) {
        abort();
    }
    return run.collected;
}
