/* SPDX-License-Identifier: MIT */
/*
 * gc/referrers.c - who refers to an object, and to whom an object refers, as lists.
 *
 * Making a list allocates, and allocation may collect. So the objects are gathered into a plain
 * array first, with a reference to each, and the list is made from that. Two walks, one to count
 * and one to gather: nothing changes between them.
 *
 * Inner objects (MPYI_GC_INNER: the dict of a host's type) belong to one object, which trusts in
 * nobody else changing them. They are never shown: what they refer to counts as referred to by
 * their owner.
 *
 * Only this file of the collector needs the list type; it reaches it through the public header.
 *
 * Lock: the runtime's.
 */
#include "minipy/list.h"

#include "gc/internal.h"

struct gathering {
    const mpy_object *target; /* referrers: to whom; NULL: everything */
    mpy_object **items;       /* NULL: only count */
    size_t n;
};

static void
gather(struct gathering *g, mpy_object *o)
{
    if (g->items != NULL) {
        mpy_incref(o);
        g->items[g->n] = o;
    }
    g->n++;
}

static int
gather_array(mpy_object *const *items, size_t n, struct gathering *g);

static int
gather_ref(mpy_object *child, void *data)
{
    struct gathering *g = data;
    if (child == NULL) {
        return 0;
    }
    if (mpy_priv_is_heap(child) && (mpyi_head(child)->gcword & MPYI_GC_INNER) != 0) {
        struct mpyi_refs refs = mpyi_refs_of(child, mpyi_gc_type(child));
        return gather_array(refs.items, refs.count, g);
    }
    if (g->target == NULL) {
        gather(g, child);
        return 0;
    }
    return child == g->target;
}

static int
gather_array(mpy_object *const *items, size_t n, struct gathering *g)
{
    for (size_t i = 0; i < n; i++) {
        if (gather_ref(items[i], g)) {
            return 1;
        }
    }
    return 0;
}

/* Passes every reference of o to gather_ref(); what that returned. */
static int
each_ref(struct gathering *g, mpy_object *o, const struct mpyi_type *type)
{
    struct mpyi_refs refs = mpyi_gc_refs(o, type);
    if (gather_array(refs.items, refs.count, g)) {
        return 1;
    }
    if (type->layout == MPYI_LAYOUT_CUSTOM && mpyi_custom_traverse(o, type, gather_ref, g) != 0) {
        return 1;
    }
    return (type->traits & MPYI_TRAIT_HEAP) != 0 && gather_ref(mpyi_type_object(type), g);
}

static int
gather_if_referrer(void *data, mpy_object *o)
{
    struct gathering *g = data;
    if ((mpyi_head(o)->gcword & MPYI_GC_INNER) == 0 && each_ref(g, o, mpyi_gc_type(o))) {
        gather(g, o);
    }
    return 0;
}

static void
walk(struct mpyi_gc *gc, struct gathering *g, mpy_object *o)
{
    uint32_t phase = gc->state->phase;
    gc->state->phase = MPYI_GC_CRITICAL;
    g->n = 0;
    if (g->target != NULL) {
        (void)mpyi_gc_each(gc, gather_if_referrer, g);
    } else if (mpy_priv_is_heap(o) && mpyi_gc_type(o)->layout != MPYI_LAYOUT_ATOM) {
        (void)each_ref(g, o, mpyi_gc_type(o));
    }
    gc->state->phase = phase;
}

static mpy_object *
list_of(struct mpyi_thread *t, struct gathering *g, mpy_object *o)
{
    mpy_object *list = NULL;
    size_t n;
    walk(t->gc, g, o);
    n = g->n;
    g->items = mpyi_gc_realloc(t->gc->state, NULL, (n + 1) * sizeof(mpy_object *));
    if (g->items == NULL) {
        return mpyi_err_no_memory();
    }
    walk(t->gc, g, o);
    list = mpy_list_from_array(g->items, n);
    mpy_decref_many(g->items, n);
    mpy_raw_free(g->items);
    return list;
}

static int
is_usable(struct mpyi_thread *t, mpy_object *o, const char *function)
{
    if (o == NULL) {
        (void)mpyi_err_argument(function, "o", "object", o);
        return 0;
    }
    if (t->gc->state->phase == MPYI_GC_CRITICAL) {
        mpyi_err_format(MPY_EXC_RUNTIME_ERROR,
                        "%s(): called from within a visit or a traverse callback", function);
        return 0;
    }
    return 1;
}

mpy_object *
mpy_gc_get_referrers(mpy_object *o)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, o);
    struct gathering g = {.target = o};
    if (t == NULL || !is_usable(t, o, __func__)) {
        return NULL;
    }
    return list_of(t, &g, o);
}

mpy_object *
mpy_gc_get_referents(mpy_object *o)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, o);
    struct gathering g = {.target = NULL};
    if (t == NULL || !is_usable(t, o, __func__)) {
        return NULL;
    }
    return list_of(t, &g, o);
}
