/* SPDX-License-Identifier: MIT */
/*
 * gc/garbage.c - garbage that cannot simply be freed: finalizers, resurrection, callbacks.
 *
 *   inspect --> nothing special -------------------------------------------------> bulk.c
 *          \--> list, hold all --> finalizers --> recheck --> still garbage --> empty the slow ones
 *                                                        |        --> recheck --> bulk.c, and the
 *                                                        |            slow ones one by one
 *                                                        \--> resurrected: they stay
 *
 * Finalizers run with everything intact, each object's once (PEP 442). They may do anything: store
 * their object somewhere, drop references, create objects, collect. So while they run, the garbage
 * is a plain list of objects that the collector holds a reference to; no table is in use. Then
 * everything on the list is counted anew, by itself and on its fields as they are now: what is
 * referred to from elsewhere, and what that reaches, has been resurrected and stays.
 *
 * Slow objects, those with references that only callbacks know and types, are emptied by their
 * types and die by counting; a type with instances waits for the last of them by itself. Between
 * the two the rest of the garbage is freed in bulk; emptied objects refer to none of it. Where a
 * slow object cannot be emptied (a traverse callback without a clear), what it reaches is left
 * alone, and everything else is emptied as well, which may break its cycles.
 *
 * Invariant: every object of the list is tracked in generation 2 and held once from hold() on.
 * Lock: the runtime's.
 */
#include "gc/internal.h"

uint32_t
mpyi_gc_inspect(struct mpyi_gc_pass *pass)
{
    const uint8_t *notes = pass->state->side.notes;
    uint32_t kinds = 0;
    for (size_t i = pass->from; i < pass->to; i++) {
        if (pass->white[i] == 0 || (notes[i / MPYI_GC_POOL_WORDS] & MPYI_GC_NOTE_SPECIAL) == 0) {
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

static void
empty(struct mpyi_thread *t, mpy_object *o, const struct mpyi_type *type)
{
    type->empty(t, o);
    if (mpyi_err_occurred(t)) {
        mpyi_err_unraisable(t, "clear", o);
    }
}

/* Empties the slow objects, and all others when one of these cannot be emptied. The number of
   others. */
static size_t
empty_slow(struct mpyi_thread *t, mpy_object *const *items, size_t n)
{
    size_t others = 0;
    int all = 0;
    for (size_t i = 0; i < n; i++) {
        const struct mpyi_type *type = mpyi_gc_type(items[i]);
        int slow = mpyi_gc_is_slow(type);
        others += !slow;
        all |= slow && type->empty == NULL;
    }
    for (size_t i = 0; i < n; i++) {
        const struct mpyi_type *type = mpyi_gc_type(items[i]);
        if (type->empty != NULL && (all || mpyi_gc_is_slow(type))) {
            empty(t, items[i], type);
        }
    }
    return others;
}

/* A slow object that cannot be emptied keeps what it refers to: it becomes a root. */
static void
make_roots(const struct mpyi_gc_pass *pass, mpy_object *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct mpyi_type *type = mpyi_gc_type(items[i]);
        if (mpyi_gc_is_slow(type) && type->empty == NULL) {
            size_t granule = mpyi_gc_granule(pass, items[i]);
            pass->low[granule] = (uint8_t)(pass->count[granule] + 1);
            pass->pending[granule >> 6] &= ~(UINT64_C(1) << (granule & 63));
        }
    }
}

/* Takes slow objects out of white. */
static void
keep_slow(const struct mpyi_gc_pass *pass, mpy_object *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (mpyi_gc_is_slow(mpyi_gc_type(items[i]))) {
            size_t granule = mpyi_gc_granule(pass, items[i]);
            pass->white[granule >> 6] &= ~(UINT64_C(1) << (granule & 63));
        }
    }
}

/* Counts the list anew and brings what is garbage still to its front; its number. The tables stay
   in use; -1: out of memory. slow_emptied: see empty_slow(); slow objects never count as garbage
   then. */
static ptrdiff_t
recheck(struct mpyi_gc_pass *pass, struct mpyi_thread *t, mpy_object **items, size_t n,
        int slow_emptied)
{
    if (mpyi_gc_side_acquire(t->gc->state) < 0) {
        return -1;
    }
    t->gc->state->phase = MPYI_GC_CRITICAL;
    mpyi_gc_pass_begin(pass, t);
    pass->held = 1;
    mpyi_gc_count_list(pass, items, n);
    if (slow_emptied) {
        make_roots(pass, items, n);
    }
    mpyi_gc_mark(pass);
    if (slow_emptied) {
        keep_slow(pass, items, n);
    }
    return (ptrdiff_t)partition(pass, items, n);
}

static void
end_recheck(struct mpyi_gc_state *state)
{
    mpyi_gc_side_release(state);
    state->phase = MPYI_GC_FINALIZING;
}

/* Frees garbage with slow objects in it. */
static void
free_slowly(struct mpyi_thread *t, mpy_object **items, size_t n, struct mpyi_gc_run *run)
{
    struct mpyi_gc_pass pass;
    ptrdiff_t freed = 0;
    if (empty_slow(t, items, n) > 0) {
        freed = recheck(&pass, t, items, n, 1);
        if (freed >= 0) {
            (void)mpyi_gc_free_white(&pass);
            end_recheck(t->gc->state);
        } else {
            run->no_memory = 1;
            freed = 0;
        }
    }
    let_go(items + freed, n - (size_t)freed);
}

/* Finalizers, and what is garbage after them; the number of these, at the front of the list. */
static size_t
finalize(struct mpyi_thread *t, mpy_object **items, size_t n, uint32_t kinds,
         struct mpyi_gc_run *run)
{
    struct mpyi_gc_pass pass;
    ptrdiff_t garbage;
    run_finalizers(t, items, n, run);
    garbage = recheck(&pass, t, items, n, 0);
    if (garbage < 0) {
        run->no_memory = 1;
        garbage = 0;
    } else {
        run->resurrected += n - (size_t)garbage;
        if ((kinds & MPYI_GC_HAS_SLOW) == 0) {
            (void)mpyi_gc_free_white(&pass);
        }
        end_recheck(t->gc->state);
    }
    return (size_t)garbage;
}

void
mpyi_gc_dispose(struct mpyi_thread *t, mpy_object **items, size_t n, uint32_t kinds,
                struct mpyi_gc_run *run)
{
    size_t garbage = n;
    hold(items, n);
    t->gc->state->phase = MPYI_GC_FINALIZING;
    if ((kinds & MPYI_GC_HAS_FINALIZER) != 0) {
        garbage = finalize(t, items, n, kinds, run);
    }
    run->collected += garbage;
    if ((kinds & MPYI_GC_HAS_SLOW) != 0 && garbage > 0) {
        free_slowly(t, items, garbage, run);
    }
    let_go(items + garbage, n - garbage); /* those that live are candidates by that */
    mpy_raw_free(items);
}
