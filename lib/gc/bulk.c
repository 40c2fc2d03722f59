/* SPDX-License-Identifier: MIT */
/*
 * gc/bulk.c - freeing garbage without its deallocators.
 *
 * References among garbage are as dead as the objects and need no counting down. So each object
 * gives back only the references that lead out of the garbage, then its arrays, and the cells of a
 * pool go back in one write to its bitmap; a pool of garbage alone is released whole. That is 3 to
 * 8 times faster than emptying containers one by one.
 *
 * A pool need not even be read when the first pass noted that its references stay among the 2^k
 * pools around it, and all of these are garbage alone.
 *
 * What such a reference led to may die of it: atoms at once; containers are queued in t->dying (the
 * teardown loop is kept from running meanwhile); objects with a finalizer are set aside in
 * state->postponed. So no code of the host runs while half of the garbage is gone. bury() then lets
 * them all go.
 *
 * Garbage with callbacks that know references (layout CUSTOM) or with types in it never gets here,
 * see garbage.c.
 *
 *   postponed: untracked, count 0, linked through the first word, whose low bits keep what has to
 *   survive: bit 0 weakly referenced, bit 1 was tracked (objects are at least 8-byte aligned).
 *
 * Lock: the runtime's.
 */
#include "gc/internal.h"

#define WAS_WEAKREF ((uintptr_t)1)
#define WAS_TRACKED ((uintptr_t)2)

/* Pools ahead whose first object is fetched. */
#define POOLS_AHEAD 4u

/* How a reference is told to lead to garbage. */
enum membership { BY_WHITE, BY_GCWORD };

/* ---- what dies on the way ---------------------------------------------------------------------
 */

static void
postpone(struct mpyi_thread *t, mpy_object *o)
{
    struct mpyi_gc_state *state = t->gc->state;
    uint32_t word = mpyi_head(o)->gcword;
    uintptr_t link = (uintptr_t)state->postponed;
    link |= (word & MPYI_GC_WEAKREF) != 0 ? WAS_WEAKREF : 0;
    link |= (word & MPY_PRIV_GC_TRACKED) != 0 ? WAS_TRACKED : 0;
    mpyi_gc_untrack(t, o);
    __builtin_memcpy(o, &link, sizeof link);
    state->postponed = o;
}

static void
die(struct mpyi_thread *t, mpy_object *o) __attribute__((noinline));

/* The count of o, which is no garbage, fell to 0. */
static void
die(struct mpyi_thread *t, mpy_object *o)
{
    const struct mpyi_type *type = mpyi_gc_type(o);
    if (mpyi_gc_needs_finalizer(o, type)) {
        postpone(t, o);
    } else {
        mpyi_dying(t, o);
    }
}

static void
bury_postponed(struct mpyi_thread *t)
{
    struct mpyi_gc_state *state = t->gc->state;
    while (state->postponed != NULL) {
        mpy_object *o = state->postponed;
        struct mpy_priv_header *head = mpyi_head(o);
        uintptr_t link;
        __builtin_memcpy(&link, o, sizeof link);
        state->postponed = (mpy_object *)(link & ~(WAS_WEAKREF | WAS_TRACKED));
        head->refcnt = 0;
        head->gcword = (link & WAS_WEAKREF) != 0 ? MPYI_GC_WEAKREF : 0;
        if ((link & WAS_TRACKED) != 0) {
            mpyi_gc_track(t, o);
        }
        mpyi_dying(t, o);
    }
}

void
mpyi_gc_bury(struct mpyi_thread *t)
{
    mpy_object *o = t->dying;
    if (t->tearing_down != 0) {
        return;
    }
    if (o != NULL) {
        /* Dying once more sets the loop going; its finalizer has run, or it has none. */
        t->dying = *(mpy_object **)(void *)o;
        mpyi_head(o)->refcnt = 0;
        mpyi_head(o)->gcword = MPYI_GC_FINALIZED;
        mpyi_dying(t, o);
    }
    bury_postponed(t);
}

/* ---- references that leave the garbage ---------------------------------------------------------
 */

static inline __attribute__((always_inline)) int
is_garbage(const struct mpyi_gc_pass *pass, mpy_object *child, enum membership how)
{
    uint64_t r = mpyi_gc_rotated(pass->base, child);
    if (r >= pass->limit) {
        return 0;
    }
    if (how == BY_WHITE) {
        return mpyi_gc_is_white(pass, r >> 2);
    }
    return (mpyi_head(child)->gcword & (MPY_PRIV_GC_TRACKED | MPYI_GC_GEN_MASK)) ==
           (MPY_PRIV_GC_TRACKED | MPYI_GC_GARBAGE);
}

/* A reference that leaves the garbage. */
static inline void
drop(struct mpyi_gc_pass *pass, mpy_object *child)
{
    struct mpy_priv_header *head = mpyi_head(child);
    uint32_t count = head->refcnt;
    if (MPY_LIKELY((int32_t)count > 0)) {
        head->refcnt = --count;
        if (count == 0) {
            die(pass->t, child);
        } else if ((head->gcword & MPY_PRIV_GC_IDLE) != 0) {
            mpyi_gc_make_candidate(pass->gc, child);
        }
    } else if (count < MPY_PRIV_REFCNT_IMMORTAL) {
        mpy_priv_decref_special(child);
    }
}

static inline __attribute__((always_inline)) void
drop_leaving(struct mpyi_gc_pass *pass, mpy_object *const *items, size_t n, enum membership how)
{
    for (; n != 0; n--, items++) {
        mpy_object *child = *items;
        if (!is_garbage(pass, child, how) && child != NULL && mpy_priv_is_heap(child)) {
            drop(pass, child);
        }
    }
}

/* All of o but its cell. */
static inline __attribute__((always_inline)) void
empty_out(struct mpyi_gc_pass *pass, mpy_object *o, enum membership how)
{
    const struct mpyi_type *type = mpyi_gc_type(o);
    struct mpyi_refs refs = mpyi_gc_refs(o, type);
    MPY_ASSERT(!mpyi_gc_is_slow(type));
    drop_leaving(pass, refs.items, refs.count, how);
    if (type->free_extra != NULL) {
        type->free_extra(pass->t, o);
    }
}

/* ---- freeing -----------------------------------------------------------------------------------
 */

/* An instance of a host's type that has nothing but its cell: its free_extra would only take it off
   the type's number of instances. */
static inline int
is_plain_instance(const struct mpyi_type *type)
{
    return type->layout == MPYI_LAYOUT_FIXED && (type->traits & MPYI_TRAIT_HEAP) != 0 &&
           type->slots.release == NULL;
}

static void
take_off(const struct mpyi_type *type, uint64_t instances)
{
    if (instances > 0) {
        ((struct mpyi_heap_type *)(void *)mpyi_type_object(type))->live -= instances;
    }
}

/* The white objects of a pool; their number. */
static unsigned
free_pool(struct mpyi_gc_pass *pass, size_t index)
{
    const uint64_t *white = pass->white + index * MPYI_GC_POOL_WORDS;
    unsigned size_class = pass->space->classes[index];
    uint32_t inverse = mpyi_class_inverse[size_class];
    char *first = (char *)pass->base + (index << MPYI_POOL_SHIFT);
    const struct mpyi_type *plain = NULL; /* type of the last plain instances */
    uint64_t instances = 0;
    uint64_t dead[2] = {0, 0};
    for (unsigned w = 0; w < MPYI_GC_POOL_WORDS; w++) {
        for (uint64_t left = white[w]; left != 0; left &= left - 1) {
            unsigned end = (w * 64 + mpyi_ctz64(left)) * 32 + 31;
            unsigned block = mpyi_block_index_by(inverse, end);
            char *at = first + block * mpyi_class_size(size_class);
            mpy_object *o = (mpy_object *)(void *)at;
            const struct mpyi_type *type = mpyi_gc_type(o);
            uint64_t second = -(uint64_t)(block >> 6);
            __builtin_prefetch(at + 1024);
            dead[0] |= UINT64_C(1) << (block & 63) & ~second;
            dead[1] |= UINT64_C(1) << (block & 63) & second;
            if (MPY_UNLIKELY(!is_plain_instance(type))) {
                empty_out(pass, o, BY_WHITE);
                continue;
            }
            drop_leaving(pass, (mpy_object **)(void *)(at + type->ref_offset), type->ref_count,
                         BY_WHITE);
            if (MPY_UNLIKELY(type != plain)) {
                take_off(plain, instances);
                instances = 0;
                plain = type;
            }
            instances++;
        }
    }
    take_off(plain, instances);
    mpyi_cell_free_bulk(pass->state->heap, (uint32_t)index, dead);
    return mpyi_popcount64(dead[0]) + mpyi_popcount64(dead[1]);
}

/* A row of pools without a living object. */
struct dead_row {
    size_t first, end;
};

/* Nothing in the pool is alive, known to the collector or not: a reference to it leads to garbage.
 */
static int
is_dead(const struct mpyi_gc_pass *pass, size_t index)
{
    const uint64_t *white = pass->white + index * MPYI_GC_POOL_WORDS;
    unsigned n = mpyi_popcount64(white[0]) + mpyi_popcount64(white[1]);
    if (n == 0) {
        return pass->space->classes[index] == 0;
    }
    return n == mpyi_pool_used(&pass->space->pools[index]);
}

/* The row that begins at a pool, none of which has been freed. */
static struct dead_row
dead_row(const struct mpyi_gc_pass *pass, size_t index)
{
    struct dead_row row = {index, index};
    while (row.end * MPYI_GC_POOL_WORDS < pass->to && is_dead(pass, row.end)) {
        row.end++;
    }
    return row;
}

/* All that the pool's objects refer to is in the row, that is, garbage. */
static int
leads_into(const struct mpyi_gc_pass *pass, size_t index, struct dead_row row)
{
    unsigned span = pass->state->side.notes[index] & MPYI_GC_NOTE_SPAN;
    size_t first, pools;
    if (span == 0) {
        return 0;
    }
    pools = (size_t)1 << (span - 1);
    first = index & ~(pools - 1);
    return first >= row.first &&
           (first + pools <= row.end || row.end * MPYI_GC_POOL_WORDS >= pass->to);
}

/* The same by reading it, for checks. */
static int
refers_to_garbage(const struct mpyi_gc_pass *pass, size_t index)
{
    const uint64_t *white = pass->white + index * MPYI_GC_POOL_WORDS;
    for (unsigned w = 0; w < MPYI_GC_POOL_WORDS; w++) {
        for (uint64_t left = white[w]; left != 0; left &= left - 1) {
            size_t granule = index * MPYI_GC_POOL_GRANULES + w * 64 + mpyi_ctz64(left);
            mpy_object *o = mpyi_gc_object_at(pass, granule);
            struct mpyi_refs refs = mpyi_gc_refs(o, mpyi_gc_type(o));
            for (size_t i = 0; i < refs.count; i++) {
                mpy_object *child = refs.items[i];
                if (child != NULL && mpy_priv_is_heap(child) &&
                    !is_garbage(pass, child, BY_WHITE)) {
                    return 0;
                }
            }
        }
    }
    return 1;
}

/* Frees a pool of garbage whose references lead to garbage, with a look at one object: all are
   instances of one type. 0 when that has a release hook, else their number. */
static unsigned
free_unseen(struct mpyi_gc_pass *pass, size_t index)
{
    uint64_t dead[2];
    unsigned n, block;
    const struct mpyi_type *type;
    char *first = (char *)pass->base + (index << MPYI_POOL_SHIFT);
    __builtin_prefetch(first + POOLS_AHEAD * MPY_POOL_SIZE);
    mpyi_pool_allocated_bits(&pass->space->pools[index], dead);
    block = dead[0] != 0 ? mpyi_ctz64(dead[0]) : 64 + mpyi_ctz64(dead[1]);
    first += block * mpyi_class_size(pass->space->classes[index]);
    type = mpyi_gc_type((const mpy_object *)(const void *)first);
    if (!is_plain_instance(type)) {
        return 0;
    }
    MPY_CHECK_HEAP(refers_to_garbage(pass, index));
    n = mpyi_popcount64(dead[0]) + mpyi_popcount64(dead[1]);
    take_off(type, n);
    mpyi_cell_free_bulk(pass->state->heap, (uint32_t)index, dead);
    return n;
}

uint64_t
mpyi_gc_free_white(struct mpyi_gc_pass *pass)
{
    struct mpyi_thread *t = pass->t;
    uint32_t tearing_down = t->tearing_down;
    uint64_t n = 0;
    struct dead_row row = {0, 0};
    t->tearing_down = 1;
    for (size_t i = pass->from / MPYI_GC_POOL_WORDS; i * MPYI_GC_POOL_WORDS < pass->to; i++) {
        const uint64_t *white = pass->white + i * MPYI_GC_POOL_WORDS;
        unsigned freed = 0;
        if (pass->any_span && i >= row.end) {
            row = dead_row(pass, i);
        }
        if ((white[0] | white[1]) == 0) {
            continue;
        }
        if (i < row.end && leads_into(pass, i, row)) {
            freed = free_unseen(pass, i);
        }
        n += freed != 0 ? freed : free_pool(pass, i);
    }
    t->tearing_down = tearing_down;
    pass->gc->old_count -= n;
    return n;
}

/* Frees the cells of a run of objects that lie in one pool; the number of them. */
static size_t
free_run(struct mpyi_gc_pass *pass, mpy_object *const *items, size_t n)
{
    size_t index = ((uintptr_t)items[0] - pass->base) >> MPYI_POOL_SHIFT;
    unsigned size_class = pass->space->classes[index];
    uint64_t dead[2] = {0, 0};
    size_t i = 0;
    while (i < n && ((uintptr_t)items[i] - pass->base) >> MPYI_POOL_SHIFT == index) {
        unsigned block = mpyi_block_index(size_class, mpyi_pool_offset(items[i]));
        dead[block >> 6] |= UINT64_C(1) << (block & 63);
        i++;
    }
    mpyi_cell_free_bulk(pass->state->heap, (uint32_t)index, dead);
    return i;
}

void
mpyi_gc_free_young(struct mpyi_gc_pass *pass, mpy_object *const *items, size_t n)
{
    struct mpyi_thread *t = pass->t;
    uint32_t tearing_down = t->tearing_down;
    t->tearing_down = 1;
    for (size_t i = 0; i < n; i++) {
        empty_out(pass, items[i], BY_GCWORD);
    }
    /* Not before all are emptied: the test for garbage reads the others' gcwords. */
    for (size_t i = 0; i < n;) {
        i += free_run(pass, items + i, n - i);
    }
    t->tearing_down = tearing_down;
}
