/* SPDX-License-Identifier: MIT */
/*
 * gc/internal.h - what the files of the collector share.
 *
 * A full collection is a pass: a few bytes for each granule of 32 bytes of the GC space, held in
 * side tables while it runs. An object is named by its granule; cells are at least 32 bytes, so no
 * two begin in the same one.
 *
 *   count.c       candidates.c          white = the objects looked at, count = references to each
 *        \         /                            from inside them, low = its own reference count
 *          mark.c                       white = those that nothing outside refers to: garbage
 *            |
 *   garbage.c  quiet.c                  finalizers, resurrection; what may not be freed
 *            |
 *          bulk.c                       frees what is white
 *
 * Phases: RESTING, then CRITICAL (tables in use, vectors and objects are what the pass has seen; no
 * user code but traverse callbacks), and between two critical stretches FINALIZING (tables given
 * back, user code runs, another explicit collection may run inside).
 *
 * Lock: the runtime's.
 */
#ifndef MPY_GC_INTERNAL_H
#define MPY_GC_INTERNAL_H

#include "gc/gc.h"

#define MPYI_GC_GRANULE_SHIFT 5
#define MPYI_GC_POOL_GRANULES 128u
#define MPYI_GC_POOL_WORDS    2u /* words of a bitmap that describe a pool */

#define MPYI_GC_GEN(n)  ((uint32_t)(n) << MPYI_GC_GEN_SHIFT)
#define MPYI_GC_GARBAGE MPYI_GC_GEN(3) /* of young garbage, until it is freed */

/* ---- state ------------------------------------------------------------------------------------
 */

/* Side tables (side.c), indexed by granule. All zero between passes; white and pending are bitmaps,
   notes has a byte a pool. */
struct mpyi_gc_side {
    uint8_t *count;    /* references counted, modulo 256 */
    uint8_t *low;      /* low byte of the object's own count where white is set; then its state */
    uint64_t *white;   /* objects not known to be reachable */
    uint64_t *pending; /* objects set aside: with many references (count.c), spared (quiet.c) */
    uint8_t *notes;    /* of pools: MPYI_GC_NOTE_* */
    uint32_t *high;    /* references counted, divided by 256: committed when first needed */
    mpy_object **list; /* room for list_max objects: what candidates.c looks at */
    size_t list_max;

    char *block; /* the reservation behind all of them */
    size_t block_bytes;
    size_t capacity;  /* granules that it can describe */
    size_t committed; /* granules that are usable; 0: none */
    size_t high_committed;
    size_t in_use; /* granules of the pass that is running; 0: none */
};

/* Notes on a pool: it has objects that cannot simply be freed in bulk; and, when all of its objects
   are instances of one type without arrays, how far its references lead: SPAN is 1 + k when none
   leads out of the 2^k pools around it (aligned), 0 when that is not known. */
#define MPYI_GC_NOTE_SPECIAL 0x80u
#define MPYI_GC_NOTE_SPAN    0x1Fu

/* Room for the trial deletion of young objects, one entry an object. */
struct mpyi_gc_scratch {
    uint32_t *refs;
    uint32_t *stack;
    uint32_t capacity;
};

#define MPYI_GC_MARK_STACK 4096u

#define MPYI_GC_RESTING    0u
#define MPYI_GC_CRITICAL   1u
#define MPYI_GC_FINALIZING 2u

#define MPYI_GC_DUE_YOUNG 1u
#define MPYI_GC_DUE_FULL  2u

/* When to collect what (schedule.c). */
struct mpyi_gc_schedule {
    uint32_t threshold[3]; /* as set: objects, collections, percent */
    uint32_t due;          /* MPYI_GC_DUE_*, asked for and not yet run */
    uint32_t base_limit;   /* young_limit after a collection: threshold[0] scaled to the heap */
    uint32_t young_runs;   /* collections of generation 0 since the last of generation 1 */
    uint32_t fruitless;    /* young collections in a row that freed next to nothing */
    uint32_t skip;         /* so many times full young vectors are promoted without a look */
    uint32_t backoff;      /* skip after the next fruitless row */
    uint32_t stress;       /* MINIPY_GC_STRESS: collect at every k-th safe point; 0: off */
    uint32_t stress_count; /* safe points since */
    uint64_t live;         /* objects that the last full collection left */
};

struct mpyi_gc_total {
    uint64_t collections, collected, examined, total_ns, longest_ns;
};

struct mpyi_gc_state {
    mpy_runtime *rt;
    struct mpyi_rtheap *heap;
    uint32_t phase;          /* MPYI_GC_RESTING, CRITICAL, FINALIZING */
    uint32_t nested;         /* collections that have begun and not ended */
    uint32_t look_at_all;    /* candidates are not enough for the next full collection */
    uint32_t expect_garbage; /* the last count of everything found much of it: spans are noted */
    mpy_object *postponed;   /* dead objects whose finalizers wait for a safe point, see bulk.c */
    struct mpyi_gc_schedule schedule;
    struct mpyi_gc_side side;
    struct mpyi_gc_scratch scratch;
    struct mpyi_gc_total total[3];
    mpy_object *mark_stack[MPYI_GC_MARK_STACK];
};

/* ---- what one collection does -----------------------------------------------------------------
 */

/* Figures of a run, and why it ended early. */
struct mpyi_gc_run {
    uint64_t collected, examined, finalized, resurrected;
    uint64_t duration_ns;
    int no_memory; /* something was left for later because memory was short */
};

/* What the passes pass on. */
struct mpyi_gc_pass {
    struct mpyi_thread *t;
    struct mpyi_gc *gc;
    struct mpyi_gc_state *state;
    const struct mpyi_space *space;
    uintptr_t base; /* of the GC space */
    uint64_t limit; /* its bytes in use >> 3, what rotated differences are compared with */
    uint8_t *count; /* side tables */
    uint8_t *low;
    uint64_t *white;
    uint64_t *pending;
    size_t from, to;   /* words of white that may be other than 0: from <= i < to */
    uint64_t examined; /* objects that were white */
    uint32_t held;     /* references that the collector itself holds to each white object */
    int any_special;   /* a note of special objects may be set */
    int any_span;      /* a note of spans may be set */
    int any_big;       /* pending has bits for objects with 256 or more references */
    int any_high;      /* side.high may have entries */
};

/* ---- granules and references ------------------------------------------------------------------
 */

/*
 * Where a word that may be a reference points, in units of 8 bytes from the base; at least
 * pass->limit when it points at no object of this runtime that could be tracked. The rotation moves
 * the tag bits to the top, so the one compare of the caller rejects immediates, NULL, static
 * objects and other runtimes' objects. (Without it an int whose bits look like an address of a cell
 * would count as a reference, and live objects would be freed.)
 */
static inline uint64_t
mpyi_gc_rotated(uintptr_t base, const mpy_object *o)
{
    uint64_t distance = (uintptr_t)o - base;
    return distance >> 3 | distance << 61;
}

static inline size_t
mpyi_gc_granule(const struct mpyi_gc_pass *pass, const mpy_object *o)
{
    return ((uintptr_t)o - pass->base) >> MPYI_GC_GRANULE_SHIFT;
}

/* The object that begins in a granule: the last block that begins before the granule ends. */
static inline mpy_object *
mpyi_gc_object_in(uintptr_t base, const uint8_t *classes, size_t granule)
{
    size_t pool = granule / MPYI_GC_POOL_GRANULES;
    unsigned size_class = classes[pool];
    unsigned end = (unsigned)(granule % MPYI_GC_POOL_GRANULES) * 32 + 31;
    size_t block = mpyi_block_index(size_class, end);
    return (mpy_object *)(base + (pool << MPYI_POOL_SHIFT) + block * mpyi_class_size(size_class));
}

static inline mpy_object *
mpyi_gc_object_at(const struct mpyi_gc_pass *pass, size_t granule)
{
    return mpyi_gc_object_in(pass->base, pass->space->classes, granule);
}

static inline const struct mpyi_type *
mpyi_gc_type(const mpy_object *o)
{
    return (const struct mpyi_type *)mpyi_head(o)->type;
}

/* mpyi_refs_of() with the most frequent layout first. */
static inline __attribute__((always_inline)) struct mpyi_refs
mpyi_gc_refs(mpy_object *o, const struct mpyi_type *type)
{
    if (MPY_LIKELY(type->layout == MPYI_LAYOUT_FIXED)) {
        char *at = (char *)(uintptr_t)o;
        struct mpyi_refs refs = {(mpy_object **)(void *)(at + type->ref_offset), type->ref_count};
        return refs;
    }
    return mpyi_refs_of(o, type);
}

static inline int
mpyi_gc_is_type(const struct mpyi_type *type)
{
    return (type->traits & MPYI_TRAIT_METATYPE) != 0;
}

/* References to o that a pass has to find before o can be garbage: its count, and of a type its
   instances, which do not count it but are counted as references to it. */
static inline uint64_t
mpyi_gc_expected(mpy_object *o, const struct mpyi_type *type)
{
    uint64_t n = mpyi_head(o)->refcnt;
    if (MPY_UNLIKELY(mpyi_gc_is_type(type))) {
        n += ((const struct mpyi_heap_type *)(const void *)o)->live;
    }
    return n;
}

/* Objects of such types are looked at one by one before garbage is freed. */
static inline int
mpyi_gc_is_special(const struct mpyi_type *type)
{
    return (type->traits & MPYI_TRAIT_FINALIZE) != 0 || type->layout == MPYI_LAYOUT_CUSTOM ||
           mpyi_gc_is_type(type);
}

/* Garbage that contains one of these is not freed in bulk: references that only a callback knows,
   or a type, whose death is more than freeing memory. */
static inline int
mpyi_gc_is_slow(const struct mpyi_type *type)
{
    return type->layout == MPYI_LAYOUT_CUSTOM || mpyi_gc_is_type(type);
}

static inline int
mpyi_gc_needs_finalizer(mpy_object *o, const struct mpyi_type *type)
{
    return (type->traits & MPYI_TRAIT_FINALIZE) != 0 &&
           (mpyi_head(o)->gcword & MPYI_GC_FINALIZED) == 0;
}

#define MPYI_GC_HAS_FINALIZER 1u
#define MPYI_GC_HAS_SLOW      2u

/* The care that o needs when it is garbage: MPYI_GC_HAS_*. */
static inline uint32_t
mpyi_gc_kinds(mpy_object *o, const struct mpyi_type *type)
{
    return (mpyi_gc_needs_finalizer(o, type) ? MPYI_GC_HAS_FINALIZER : 0) |
           (mpyi_gc_is_slow(type) ? MPYI_GC_HAS_SLOW : 0);
}

static inline int
mpyi_gc_is_white(const struct mpyi_gc_pass *pass, size_t granule)
{
    return (pass->white[granule >> 6] >> (granule & 63) & 1) != 0;
}

/* o has to be looked at by the next full collection, wherever it is found. */
static inline void
mpyi_gc_make_candidate(struct mpyi_gc *gc, mpy_object *o)
{
    mpyi_head(o)->gcword &= ~MPY_PRIV_GC_IDLE;
    gc->cards[mpyi_gc_page(o)] = 1;
}

/* ---- track.c ----------------------------------------------------------------------------------
 */

/* Closes the holes of a young vector. */
void
mpyi_gc_compact(struct mpyi_young *young);

/* Makes room for n objects in all in a young vector. 0, or -1: too many, or out of memory. */
int
mpyi_gc_young_reserve(struct mpyi_gc *gc, int generation, size_t n);

/* Moves all young objects to generation 2: idle (MPY_PRIV_GC_IDLE), or candidates (0). */
void
mpyi_gc_promote(struct mpyi_gc *gc, uint32_t idle);

/* As realloc() of the raw domain; subject to the runtime's injected failures, too. */
void *
mpyi_gc_realloc(struct mpyi_gc_state *state, void *p, size_t n);

/* ---- young.c ----------------------------------------------------------------------------------
 */

/* Collects generation 0, or 0 and 1, by trial deletion among them. When memory for that is short
   they are promoted instead. */
void
mpyi_gc_collect_young(struct mpyi_thread *t, int generation, struct mpyi_gc_run *run);

/* ---- side.c -----------------------------------------------------------------------------------
 */

/* Tables for the GC space as it is now. 0, or -1 when out of memory: nothing changed. */
int
mpyi_gc_side_acquire(struct mpyi_gc_state *state);

/* Zeroes all tables. Of the memory behind them a few MiB are kept: faults would cost a small heap's
   next collection as much as its marking. */
void
mpyi_gc_side_release(struct mpyi_gc_state *state);

/* Ends a pass whose caller has zeroed what it wrote. */
void
mpyi_gc_side_keep(struct mpyi_gc_state *state);

/* Gives back what release() kept, when no pass is running. */
void
mpyi_gc_side_trim(struct mpyi_gc_state *state);

/* Ends the reservation. */
void
mpyi_gc_side_destroy(struct mpyi_gc_side *side);

/* side->count wrapped at this granule: notes 256 references. Where that is impossible for want of
   memory, the object's count never adds up and it passes for reachable, until the next full
   collection, which then looks at everything. */
void
mpyi_gc_side_carry(struct mpyi_gc_pass *pass, size_t granule) __attribute__((cold));

/* References counted at a granule. */
uint64_t
mpyi_gc_side_counted(const struct mpyi_gc_pass *pass, size_t granule);

/* A pass over acquired tables. */
void
mpyi_gc_pass_begin(struct mpyi_gc_pass *pass, struct mpyi_thread *t);

static inline void
mpyi_gc_count_ref(struct mpyi_gc_pass *pass, const mpy_object *child)
{
    uint64_t r = mpyi_gc_rotated(pass->base, child);
    if (r < pass->limit && MPY_UNLIKELY(++pass->count[r >> 2] == 0)) {
        mpyi_gc_side_carry(pass, r >> 2);
    }
}

/* ---- count.c ----------------------------------------------------------------------------------
 */

/* Makes o white, with its expected count less what the collector holds. */
void
mpyi_gc_whiten(struct mpyi_gc_pass *pass, mpy_object *o, const struct mpyi_type *type);

/* Whitens and counts everything that is tracked; nothing is a candidate afterwards. */
void
mpyi_gc_count_all(struct mpyi_gc_pass *pass);

/* No page of the GC space has a candidate any more. */
void
mpyi_gc_clear_cards(struct mpyi_gc_pass *pass);

/* Whitens and counts the tracked ones of n objects. */
void
mpyi_gc_count_list(struct mpyi_gc_pass *pass, mpy_object *const *items, size_t n);

/* ---- candidates.c ------------------------------------------------------------------------------
 */

/* Whitens and counts what can be reached from candidates; their number. -1 when that is too much:
   the tables are as before, but some candidates have lost their bit. */
int64_t
mpyi_gc_count_candidates(struct mpyi_gc_pass *pass);

/* Zeroes the tables after count_candidates() found n objects. */
void
mpyi_gc_candidates_clean(struct mpyi_gc_pass *pass, size_t n);

/* ---- mark.c ------------------------------------------------------------------------------------
 */

/* Everything that can be reached from an object whose references were not all counted stops being
   white. */
void
mpyi_gc_mark(struct mpyi_gc_pass *pass);

/* States of granules while marking, in the table `low`. */
#define MPYI_GC_STATE_DONE    0u
#define MPYI_GC_STATE_WHITE   1u
#define MPYI_GC_STATE_PENDING 2u

/* Turns the expected counts of 64 granules into states; 64-byte aligned. white: which of them are
   objects of the pass. Which of them are WHITE now. */
uint64_t
mpyi_gc_states_begin(uint8_t *low, const uint8_t *count, uint64_t white);
uint64_t
mpyi_gc_states_begin_portable(uint8_t *low, const uint8_t *count, uint64_t white);

/* Which of 64 granules are in that state; 64-byte aligned. */
uint64_t
mpyi_gc_states_find(const uint8_t *states, uint8_t wanted);
uint64_t
mpyi_gc_states_find_portable(const uint8_t *states, uint8_t wanted);

/* Objects that are white. */
uint64_t
mpyi_gc_count_white(const struct mpyi_gc_pass *pass);

/* ---- garbage.c ---------------------------------------------------------------------------------
 */

/* Which kinds of objects that need care are white: MPYI_GC_HAS_*. */
uint32_t
mpyi_gc_inspect(struct mpyi_gc_pass *pass);

/* All white objects, in address order, in a block that the caller frees; NULL when out of memory.
 */
mpy_object **
mpyi_gc_white_list(struct mpyi_gc_pass *pass, uint64_t n);

/* Disposes of n >= 1 tracked objects of generation 2 that are garbage, as their kinds ask for it;
   takes over the list. Called without tables; user code runs. */
void
mpyi_gc_dispose(struct mpyi_thread *t, mpy_object **items, size_t n, uint32_t kinds,
                struct mpyi_gc_run *run);

/* ---- bulk.c ------------------------------------------------------------------------------------
 */

/* Frees all white objects (tracked, generation 2); what they refer to outside loses a reference.
   The number freed. */
uint64_t
mpyi_gc_free_white(struct mpyi_gc_pass *pass);

/* The same for young garbage: n objects in generation MPYI_GC_GARBAGE. */
void
mpyi_gc_free_young(struct mpyi_gc_pass *pass, mpy_object *const *items, size_t n);

/* Lets the objects go that died in the calls above and whose death runs user code. */
void
mpyi_gc_bury(struct mpyi_thread *t);

/* ---- quiet.c -----------------------------------------------------------------------------------
 */

/* Takes out of white every object that is connected, through references among white objects in
   either direction, with one that needs care. They become candidates again. */
void
mpyi_gc_spare_special(struct mpyi_gc_pass *pass);

/* ---- collect.c ---------------------------------------------------------------------------------
 */

/* Collects a generation and notes it in the totals. The thread's error is kept. 0, or -1 when
   memory was too short for a look at the heap. */
int
mpyi_gc_collect(struct mpyi_thread *t, int generation, struct mpyi_gc_run *run);

/* Tracked objects of all generations. */
static inline uint64_t
mpyi_gc_tracked(const struct mpyi_gc *gc)
{
    return gc->old_count + (gc->young[0].count - gc->young[0].holes) +
           (gc->young[1].count - gc->young[1].holes);
}

/* Calls fn for every tracked object, in address order. Non-zero from fn ends the walk and is
   returned. fn may not create or drop objects. */
int
mpyi_gc_each(struct mpyi_gc *gc, int (*fn)(void *data, mpy_object *o), void *data);

/* ---- schedule.c --------------------------------------------------------------------------------
 */

/* Defaults and the environment. */
void
mpyi_gc_schedule_init(struct mpyi_gc *gc);

/* young[0] is full of live objects: asks for a collection or promotes. */
void
mpyi_gc_schedule_full(struct mpyi_gc *gc);

/* A collection of this generation has ended. */
void
mpyi_gc_schedule_done(struct mpyi_gc *gc, int generation, const struct mpyi_gc_run *run);

/* The generation that is due, -1 when none is. What was asked for is forgotten. */
int
mpyi_gc_schedule_take(struct mpyi_gc *gc);

/* ---- gc_check.c --------------------------------------------------------------------------------
 */

/* Moments at which the collector's structures can be checked. */
#define MPYI_GC_CHECK_RESTING 0 /* no pass is running; pass may be NULL */
#define MPYI_GC_CHECK_COUNTED 1 /* after counting, before marking */
#define MPYI_GC_CHECK_MARKED  2 /* after marking */

/* Checks everything that must hold at that moment. 0, or -1 after a report of the first violation.
   Linear in the heap. */
int
mpyi_gc_check(struct mpyi_gc *gc, const struct mpyi_gc_pass *pass, int moment);

#endif /* MPY_GC_INTERNAL_H */
