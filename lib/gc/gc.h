/* SPDX-License-Identifier: MIT */
/*
 * gc/gc.h - what containers need of the collector: cells, tracking, safe points.
 *
 *     o = mpyi_gc_new(t, type, size)     refcnt 1, untracked: the collector does not see it
 *     ... store its references ...
 *     mpyi_gc_track(t, o)                cannot fail
 *     ...
 *     mpyi_gc_free(t, o, size)           last act of its dealloc
 *
 * A public function that creates a container calls mpyi_safe_point(t) first, before it has changed
 * anything: the only place (with checkpoints and mpy_gc_collect) where an automatic collection
 * runs. Tracking itself only counts and raises a flag.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_GC_GC_H
#define MPY_GC_GC_H

#include "minipy/gc.h"

#include "object/object.h"

/* Young objects: a vector of pointers; the index of each is in its gcword. Freed ones that are not
   the last leave a hole (NULL). */
struct mpyi_young {
    mpy_object **items;
    uint32_t count, capacity, holes;
};

/* Bytes of the two maps below. A page of 4 KiB of address space has the byte `address >> 12` modulo
   this: heaps above 4 GiB share bytes, which costs a look at a page too many, nothing else. */
#define MPYI_GC_MAP_BYTES ((size_t)1 << 20)

/* The part that tracking looks at; its first cache line holds all that mpyi_gc_track() needs. */
struct mpyi_gc {
    struct mpyi_young young[2];  /* generations 0 and 1; capacity <= MPYI_GC_INDEX_MASK */
    uint32_t young_limit;        /* young[0].count that makes a collection due; <= capacity */
    uint32_t enabled;            /* automatic collections */
    uint8_t *young_map;          /* by page: 1 where a young object may be */
    uint8_t *cards;              /* by page: 1 where a candidate of generation 2 may be */
    uint64_t old_count;          /* tracked objects of generation 2 */
    struct mpyi_gc_state *state; /* everything else; gc/internal.h */
};

static inline size_t
mpyi_gc_page(const void *p)
{
    return ((uintptr_t)p >> 12) & (MPYI_GC_MAP_BYTES - 1);
}

/* Creates and frees the collector of a runtime. NULL: out of memory. */
struct mpyi_gc *
mpyi_gc_create(mpy_runtime *rt, struct mpyi_rtheap *heap);
void
mpyi_gc_destroy(struct mpyi_gc *gc);

/* What mpy_gc_set_threshold() does, without an error indicator: 0; -1: no such generation, or n out
   of range; -2: out of memory. For the runtime's configuration. */
int
mpyi_gc_set_threshold(struct mpyi_gc *gc, int generation, int64_t n);

/* young[0] reached its limit: makes room, asks for a collection. Cannot fail. */
void
mpyi_gc_young_full(struct mpyi_gc *gc) __attribute__((cold));

/* Out of line half of mpyi_gc_untrack(): o was in generation 1. */
void
mpyi_gc_untrack_slow(struct mpyi_gc *gc, mpy_object *o, uint32_t word);

/* Runs the collections that are due. User code may run: finalizers, callbacks. The thread's error
   is kept. */
void
mpyi_gc_run_due(struct mpyi_thread *t) __attribute__((cold));

/* A collection of everything without finalizers or callbacks, for memory pressure inside an
   allocation: garbage that needs them stays. Returns the number of objects freed. */
size_t
mpyi_gc_collect_quietly(struct mpyi_thread *t);

/* The header of an object in a fresh cell. */
static inline mpy_object *
mpyi_gc_begin(void *cell, const struct mpyi_type *type)
{
    struct mpy_priv_header *head = (struct mpy_priv_header *)cell;
    uint64_t fresh = 1;
    /* One store for both halves: a reused cell must never look tracked. */
    __builtin_memcpy(head, &fresh, sizeof fresh);
    head->type = &type->head;
    return (mpy_object *)head;
}

/* A new cell for an object of `size` bytes (32..496), refcnt 1, untracked; the rest of it is
   indeterminate. NULL with MemoryError. */
static inline mpy_object *
mpyi_gc_new(struct mpyi_thread *t, const struct mpyi_type *type, size_t size)
{
    void *cell;
    MPY_ASSERT(size >= 32 && size <= 496);
    cell = mpyi_cell_alloc(t->heap, size);
    if (MPY_UNLIKELY(cell == NULL)) {
        return (mpy_object *)mpyi_err_no_memory();
    }
    return mpyi_gc_begin(cell, type);
}

/* The same if it takes no call; NULL, without an error, if it does. */
static inline mpy_object *
mpyi_gc_new_short(struct mpyi_thread *t, const struct mpyi_type *type, size_t size)
{
    void *cell = mpy_priv_bin_pop(&t->heap->gc.pub.bins[(size + 7) >> 3]);
    return MPY_LIKELY(cell != NULL) ? mpyi_gc_begin(cell, type) : NULL;
}

/* Makes o known to the collector, if that takes no call: 1, else 0. */
static inline int
mpyi_gc_track_short(struct mpyi_thread *t, mpy_object *o)
{
    struct mpyi_gc *gc = t->gc;
    uint32_t n = gc->young[0].count;
    MPY_ASSERT((mpyi_head(o)->gcword & MPY_PRIV_GC_TRACKED) == 0);
    if (MPY_UNLIKELY(n >= gc->young_limit)) {
        return 0;
    }
    gc->young[0].items[n] = o;
    gc->young[0].count = n + 1;
    gc->young_map[mpyi_gc_page(o)] = 1;
    mpyi_head(o)->gcword = (mpyi_head(o)->gcword & MPYI_GC_STICKY) | MPY_PRIV_GC_TRACKED | n;
    return 1;
}

/* Makes o known to the collector. o is born a candidate. MPYI_GC_STICKY of its gcword stays. */
static inline void
mpyi_gc_track(struct mpyi_thread *t, mpy_object *o)
{
    if (MPY_UNLIKELY(!mpyi_gc_track_short(t, o))) {
        mpyi_gc_young_full(t->gc);
        (void)mpyi_gc_track_short(t, o);
    }
}

/* The collector forgets o. Nothing happens when it did not know it. */
static inline void
mpyi_gc_untrack(struct mpyi_thread *t, mpy_object *o)
{
    struct mpyi_gc *gc = t->gc;
    uint32_t word = mpyi_head(o)->gcword;
    uint32_t generation = word & MPYI_GC_GEN_MASK;
    if ((word & MPY_PRIV_GC_TRACKED) == 0) {
        return;
    }
    mpyi_head(o)->gcword = word & MPYI_GC_STICKY;
    if (MPY_LIKELY(generation == 0)) {
        uint32_t index = word & MPYI_GC_INDEX_MASK;
        uint32_t last = gc->young[0].count - 1;
        if (index == last) {
            gc->young[0].count = last;
        } else {
            gc->young[0].items[index] = NULL;
            gc->young[0].holes++;
        }
    } else if (generation == (2u << MPYI_GC_GEN_SHIFT)) {
        gc->old_count--;
    } else {
        mpyi_gc_untrack_slow(gc, o, word);
    }
}

/* Frees the cell of an untracked object of `size` bytes. */
static inline void
mpyi_gc_free(struct mpyi_thread *t, mpy_object *o, size_t size)
{
    mpyi_cell_free(t->heap, o, size);
}

/* A reference to `child` that the caller owned was moved into a container (no decref followed). */
static inline void
mpyi_gc_stored(mpy_object *child)
{
    if (mpy_priv_is_heap(child) && (mpyi_head(child)->gcword & MPY_PRIV_GC_IDLE) != 0) {
        mpyi_gc_candidate(child);
    }
}

static inline int
mpyi_gc_is_due(const struct mpyi_thread *t)
{
    return (mpyi_breaker(t->rt) & MPYI_BREAK_GC) != 0;
}

/* Entry of public functions that create containers. */
static inline void
mpyi_safe_point(struct mpyi_thread *t)
{
    if (MPY_UNLIKELY(mpyi_gc_is_due(t))) {
        mpyi_gc_run_due(t);
    }
}

#endif /* MPY_GC_GC_H */
