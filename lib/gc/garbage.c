/* SPDX-License-Identifier: MIT */
/*
 * gc/garbage.c - garbage that cannot simply be freed: finalizers, resurrection, callbacks.
 *
 *   inspect --> nothing special --------------------------------------------> bulk.c
 *          \--> list, hold all --> finalizers --> recheck --> still garbage --> bulk.c, or one by
 *                                                        \--> resurrected      one when callbacks
 *                                                                              know references
 *
 * Finalizers run with everything intact, each object's once (PEP 442). They may do anything: store
 * their object somewhere, drop references, create objects, collect. So while they run, the garbage
 * is a plain list of objects that the collector holds a reference to; no table is in use. Then
 * everything on the list is counted anew, by itself and on its fields as they are now: what is
 * referred to from elsewhere, and what that reaches, has been resurrected and stays.
 *
 * Garbage with a type or a traverse callback in it is freed through its types: each object is
 * emptied, which breaks all cycles that can be broken so, then the references of the list are
 * dropped, and counting does the rest. A cycle of tuples alone survives that; it has lost a
 * reference, so it is a candidate, and the next collection frees it in bulk.
 *
 * Invariant: every object of the list is tracked in generation 2 and held once from hold() on.
 * Lock: the runtime's.
 */
#include "gc/internal.h"

uint32_t
mpyi_gc_inspect(struct mpyi_gc_pass *pass)
{
    const uint8_t *special = pass->state->side.special;
    uint32_t kinds = 0;
    for (size_t i = pass->from; i < pass->to; i++) {
        if (pass->white[i] == 0 || special[i / MPYI_GC_POOL_WORDS] == 0) {
            continue;
        }
        for (uint64_t left = pass->white[i]; left != 0; left &= left - 1) {
            mpy_object *o = mpyi_gc_object_at(pass, i * 64 + mpyi_ctz64(left));
            kinds |= mpyi_gc_kinds(o, mpyi_gc_type(o));
        }
    }
    return kinds;
}

mpy_object **
mpyi_gc_white_list(struct mpyi_gc_pass *pass, uint64_t n)
{
    mpy_object **list = mpyi_gc_realloc(pass->state, NULL, n * sizeof *list);
    size_t at = 0;
    for (size_t i = pass->from; i < pass->to && list != NULL; i++) {
        for (uint64_t left = pass->white[i]; left != 0; left &= left - 1) {
            list[at++] = mpyi_gc_object_at(pass, i * 64 + mpyi_ctz64(left));
        }
    }
    MPY_ASSERT(list == NULL || at == n);
    return list;
}

static void
hold(mpy_object *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mpy_incref(items[i]);
    }
}

static void
let_go(mpy_object *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mpy_decref(items[i]);
    }
}

static void
run_finalizers(struct mpyi_thread *t, mpy_object *const *items, size_t n, struct mpyi_gc_run *run)
{
    for (size_t i = 0; i < n; i++) {
        if (mpyi_gc_needs_finalizer(items[i], mpyi_gc_type(items[i]))) {
            run->finalized++;
            (void)mpyi_finalize(t, items[i]);
        }
    }
}

/* Moves what is white to the front of the list; its number. */
static size_t
partition(const struct mpyi_gc_pass *pass, mpy_object **items, size_t n)
{
    size_t white = 0;
    for (size_t i = 0; i < n; i++) {
        mpy_object *o = items[i];
        if (mpyi_gc_is_white(pass, mpyi_gc_granule(pass, o))) {
            items[i] = items[white];
            items[white++] = o;
        }
    }
    return white;
}

/* Empties objects and drops the references of the list: their types' way to free them. */
static void
free_by_types(struct mpyi_thread *t, mpy_object *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct mpyi_type *type = mpyi_gc_type(items[i]);
        if (type->empty != NULL) {
            type->empty(t, items[i]);
            if (mpyi_err_occurred(t)) {
                mpyi_err_unraisable(t, "clear", items[i]);
            }
        }
    }
    let_go(items, n);
}

/* Counts the list anew; what is still garbage comes to its front, and is freed at once where that
   can be done in bulk. The number of these. */
static size_t
recheck(struct mpyi_thread *t, mpy_object **items, size_t n, uint32_t kinds,
        struct mpyi_gc_run *run)
{
    struct mpyi_gc_state *state = t->gc->state;
    struct mpyi_gc_pass pass;
    size_t garbage;
    if (mpyi_gc_side_acquire(state) < 0) {
        run->no_memory = 1;
        return 0;
    }
    state->phase = MPYI_GC_CRITICAL;
    mpyi_gc_pass_begin(&pass, t);
    pass.held = 1;
    mpyi_gc_count_list(&pass, items, n);
    mpyi_gc_mark(&pass);
    garbage = partition(&pass, items, n);
    run->resurrected += n - garbage;
    if ((kinds & MPYI_GC_HAS_SLOW) == 0) {
        (void)mpyi_gc_free_white(&pass);
    }
    mpyi_gc_side_release(state);
    state->phase = MPYI_GC_FINALIZING;
    return garbage;
}

void
mpyi_gc_dispose(struct mpyi_thread *t, mpy_object **items, size_t n, uint32_t kinds,
                struct mpyi_gc_run *run)
{
    struct mpyi_gc_state *state = t->gc->state;
    size_t garbage = n;
    hold(items, n);
    state->phase = MPYI_GC_FINALIZING;
    if ((kinds & MPYI_GC_HAS_FINALIZER) != 0) {
        run_finalizers(t, items, n, run);
        garbage = recheck(t, items, n, kinds, run);
    }
    if ((kinds & MPYI_GC_HAS_SLOW) != 0) {
        free_by_types(t, items, garbage);
    }
    run->collected += garbage;
    let_go(items + garbage, n - garbage);
    mpy_raw_free(items);
}
