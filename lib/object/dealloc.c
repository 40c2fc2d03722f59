/* SPDX-License-Identifier: MIT */
/*
 * object/dealloc.c - how objects die: without recursion and without memory.
 *
 *   count 0 --> atom:      type->dealloc at once (it refers to nothing)
 *           --> container: finalizer --> untrack --> t->dying --> [loop] --> type->dealloc
 *                          (lives on if       |                                 |
 *                           it has got        linked through                    drops what it
 * holds: references)       its first word                    more come to t->dying
 *
 * The first object to die runs the loop (t->tearing_down); those that die because of it are queued,
 * so a chain of any length needs one frame. The queue is a stack: what was dropped last goes first,
 * which is what is still in the cache.
 *
 * Finalizers are code of the host. They run at once, with the object whole and tracked, under a
 * queue of their own: what a finalizer drops is gone when its drop returns. Where finalizers nest
 * deeper than MAX_NESTED (a chain whose finalizers each drop the next), the object waits,
 * unfinalized and whole, in t->late, and the outermost loop finalizes it. Its first word is then
 * the link, so what has to survive of its gcword is kept in the low bits of that link.
 *
 * Invariants: t->dying holds untracked objects whose first word is the link; t->late the same, with
 * tag bits. Both are empty when no teardown and no finalizer is running.
 *
 * Lock: the runtime's. An object whose count falls to 0 on a thread without the lock is left alone:
 * leaked rather than raced for.
 */
#include "object/object.h"

#include "alloc/checked.h"

#define MAX_NESTED 32u

#define LATE_WEAKREF ((uintptr_t)1)

static void
tear_down(struct mpyi_thread *t);

static inline mpy_object **
first_word(mpy_object *o)
{
    return (mpy_object **)(void *)o;
}

/* Drops everything and frees the memory. */
static inline void
bury(struct mpyi_thread *t, mpy_object *o, const struct mpyi_type *type)
{
    if (MPY_DEBUG >= 1) {
        mpyi_head(o)->refcnt = MPY_PRIV_REFCNT_DEAD;
    }
    type->dealloc(t, o);
}

int
mpyi_finalize(struct mpyi_thread *t, mpy_object *o)
{
    struct mpy_priv_header *head = mpyi_head(o);
    const struct mpyi_type *type = mpyi_type_of(o);
    struct mpyi_error saved;
    mpy_object *dying = t->dying;
    uint32_t tearing_down = t->tearing_down;

    if ((head->gcword & MPYI_GC_FINALIZED) != 0) {
        return head->refcnt != 0;
    }
    head->gcword |= MPYI_GC_FINALIZED;
    head->refcnt++;
    t->dying = NULL;
    t->tearing_down = 0;
    t->finalizers++;
    mpyi_err_save(t, &saved);

    type->slots.finalize(o);
    if (mpyi_err_occurred(t)) {
        mpyi_err_unraisable(t, "finalizer", o);
    }

    mpyi_err_load(t, &saved);
    t->finalizers--;
    t->dying = dying;
    t->tearing_down = tearing_down;
    if (head->refcnt < MPY_PRIV_REFCNT_SPECIAL) {
        head->refcnt--;
    }
    if (head->refcnt != 0 && (head->gcword & MPY_PRIV_GC_IDLE) != 0) {
        mpyi_gc_candidate(o); /* it lost the reference held here */
    }
    if (t->late != NULL && t->finalizers == 0 && t->tearing_down == 0) {
        tear_down(t);
    }
    return head->refcnt != 0;
}

/* Untracks o and links it into t->dying. */
static inline void
queue(struct mpyi_thread *t, mpy_object *o)
{
    if ((mpyi_head(o)->gcword & MPY_PRIV_GC_TRACKED) != 0) {
        mpyi_object_untrack(t, o);
    }
    *first_word(o) = t->dying;
    t->dying = o;
}

/* Finalizers are nested too deep: o waits for the outermost loop. */
static void
queue_late(struct mpyi_thread *t, mpy_object *o)
{
    uintptr_t tag = (mpyi_head(o)->gcword & MPYI_GC_WEAKREF) != 0 ? LATE_WEAKREF : 0;
    if ((mpyi_head(o)->gcword & MPY_PRIV_GC_TRACKED) != 0) {
        mpyi_object_untrack(t, o);
    }
    *first_word(o) = (mpy_object *)((uintptr_t)t->late | tag);
    t->late = o;
}

/* 1: o lives on, or waits in t->late. */
static int
finalize_dying(struct mpyi_thread *t, mpy_object *o)
{
    if ((mpyi_head(o)->gcword & MPYI_GC_FINALIZED) != 0) {
        return 0;
    }
    if (t->finalizers >= MAX_NESTED) {
        queue_late(t, o);
        return 1;
    }
    return mpyi_finalize(t, o);
}

#define DIES_LATER (MPYI_TRAIT_FINALIZE | MPYI_TRAIT_METATYPE)

/* 1: o lives on. A type with instances stays as it is, tracked and with a count of 0: code that the
   instances' finalizers run may count it, so its first word must not become a link before the last
   instance is gone (mpyi_type_instance_gone). */
static int
dies_later(struct mpyi_thread *t, mpy_object *o, const struct mpyi_type *type)
{
    if ((type->traits & MPYI_TRAIT_METATYPE) != 0) {
        if (((const struct mpyi_heap_type *)(const void *)o)->live == 0) {
            return 0;
        }
        if ((mpyi_head(o)->gcword & MPY_PRIV_GC_IDLE) != 0) {
            mpyi_gc_candidate(o);
        }
        return 1;
    }
    return finalize_dying(t, o);
}

/* Takes one object out of t->late, as it was but untracked, and finalizes it. */
static void
finalize_late(struct mpyi_thread *t)
{
    mpy_object *o = t->late;
    uintptr_t link = (uintptr_t)*first_word(o);
    struct mpy_priv_header *head = mpyi_head(o);

    t->late = (mpy_object *)(link & ~LATE_WEAKREF);
    head->refcnt = 0;
    head->gcword = (link & LATE_WEAKREF) != 0 ? MPYI_GC_WEAKREF : 0;
    if (mpyi_finalize(t, o)) {
        mpyi_object_retrack(t, o);
    } else {
        queue(t, o);
    }
}

/* The loop: until nothing is queued. */
static void
tear_down(struct mpyi_thread *t)
{
    t->tearing_down = 1;
    for (;;) {
        mpy_object *o = t->dying;
        if (o != NULL) {
            const struct mpyi_type *type = mpyi_type_of(o);
            t->dying = *first_word(o);
            /* Refcount 0 and a candidate, as it was before the link took the place of both. */
            mpyi_head(o)->refcnt = 0;
            mpyi_head(o)->gcword = 0;
            bury(t, o, type);
        } else if (t->late != NULL && t->finalizers == 0) {
            finalize_late(t);
        } else {
            break;
        }
    }
    t->tearing_down = 0;
}

void
mpyi_dying(struct mpyi_thread *t, mpy_object *o)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    if (type->layout == MPYI_LAYOUT_ATOM) {
        bury(t, o, type);
        return;
    }
    if (MPY_UNLIKELY((type->traits & DIES_LATER) != 0) && dies_later(t, o, type)) {
        return;
    }
    queue(t, o);
    if (t->tearing_down == 0) {
        tear_down(t);
    }
}

/* Containers: the first one is buried without going through the queue. */
static void
dealloc_container(struct mpyi_thread *t, mpy_object *o, const struct mpyi_type *type)
{
    if (MPY_UNLIKELY((type->traits & DIES_LATER) != 0) && dies_later(t, o, type)) {
        return;
    }
    if (MPY_UNLIKELY(t->tearing_down != 0)) {
        queue(t, o);
        return;
    }
    if ((mpyi_head(o)->gcword & MPY_PRIV_GC_TRACKED) != 0) {
        mpyi_object_untrack(t, o);
    }
    t->tearing_down = 1;
    bury(t, o, type);
    if (MPY_UNLIKELY(t->dying != NULL || t->late != NULL)) {
        tear_down(t);
    }
    t->tearing_down = 0;
}

/* The last reference to an object was dropped by a thread that does not hold the lock. */
static __attribute__((cold, noinline)) void
lock_missing(const struct mpyi_type *type)
{
    mpyi_check_lock_held("mpy_decref", __builtin_return_address(0));
    if (MPY_DEBUG >= 1) {
        mpyi_report("mpy_decref: the last reference to an object of type '%s' was dropped by a "
                    "thread that does not hold its runtime's lock: it leaks",
                    type->name);
    }
}

MPYI_HOT void
mpy_priv_dealloc(mpy_object *o)
{
    struct mpyi_thread *t = mpyi_current();
    const struct mpyi_type *type = (const struct mpyi_type *)mpyi_head(o)->type;
    if (MPY_UNLIKELY(t == NULL)) {
        lock_missing(type);
        return;
    }
    if (type->layout == MPYI_LAYOUT_ATOM) {
        bury(t, o, type);
        return;
    }
    dealloc_container(t, o, type);
}
