/* SPDX-License-Identifier: MIT */
/*
 * gc/candidates.c - a full collection that looks only at what may have become garbage.
 *
 * An object that was reachable at the last full collection and is not any more lost a reference
 * somewhere on the way to it. What lost a reference and lives, and what is new, is not idle but a
 * candidate, and its page has a card. So all garbage is among the objects that can be reached from
 * candidates, and if those are few, counting them alone is enough: references from anywhere else
 * make an object a root, which is right, because anywhere else is alive.
 *
 * The attempt is bounded by BUDGET of the heap; beyond that the walk over everything is cheaper,
 * and it is the fallback. Where a sample of the pools says that the candidates alone are more,
 * there is no attempt. A heap that was idle costs a look at its cards.
 *
 * Invariant: side.list[0 .. n) are the white objects, each once; count is 0 everywhere else.
 * (Trial deletion from suspects: Bacon and Rajan 2001; there the suspects' whole subgraphs are
 * counted down in the objects themselves.)
 *
 * Lock: the runtime's.
 */
#include "gc/internal.h"

/* At most one object in so many, and so many more. */
#define BUDGET_PART  16u
#define BUDGET_LEAST 1000u

#define FETCH_AHEAD 8u

/* Pools to look at for an estimate, about. */
#define SAMPLE 32u

struct closure {
    struct mpyi_gc_pass *pass;
    mpy_object **list;
    size_t n, budget;
    size_t pools;   /* of the GC space */
    size_t sampled; /* candidates in the pools that is_hopeless() looked at */
    int over;       /* the budget is spent */
};

static void
add(struct closure *c, mpy_object *o)
{
    if (mpyi_gc_is_white(c->pass, mpyi_gc_granule(c->pass, o))) {
        return;
    }
    if (c->n == c->budget) {
        c->over = 1;
        return;
    }
    mpyi_gc_whiten(c->pass, o, mpyi_gc_type(o));
    c->list[c->n++] = o;
}

/* Counts a reference; its object belongs to the closure when it is tracked. Others are not counted,
   so that nothing is left behind where the list does not lead. */
static inline void
follow(struct closure *c, mpy_object *child)
{
    uint64_t r = mpyi_gc_rotated(c->pass->base, child);
    if (r >= c->pass->limit || (mpyi_head(child)->gcword & MPY_PRIV_GC_TRACKED) == 0) {
        return;
    }
    add(c, child);
    if (!c->over) {
        mpyi_gc_count_ref(c->pass, child);
    }
}

static int
follow_visited(mpy_object *child, void *data)
{
    struct closure *c = data;
    if (child != NULL) {
        follow(c, child);
    }
    return c->over;
}

static void
follow_all(struct closure *c, mpy_object *o)
{
    const struct mpyi_type *type = mpyi_gc_type(o);
    struct mpyi_refs refs = mpyi_gc_refs(o, type);
    for (size_t i = 0; i < refs.count && !c->over; i++) {
        follow(c, refs.items[i]);
    }
    if (type->layout == MPYI_LAYOUT_CUSTOM && !c->over) {
        (void)mpyi_custom_traverse(o, type, follow_visited, c);
    }
    if ((type->traits & MPYI_TRAIT_HEAP) != 0 && !c->over) {
        follow(c, mpyi_type_object(type));
    }
}

static void
add_young(struct closure *c, const struct mpyi_young *young)
{
    for (uint32_t i = 0; i < young->count && !c->over; i++) {
        if (young->items[i] != NULL) {
            add(c, young->items[i]);
        }
    }
}

/* Calls fn for the candidates of one pool until c is over. */
static inline __attribute__((always_inline)) void
each_candidate(struct closure *c, size_t index, void (*fn)(struct closure *c, mpy_object *o))
{
    const uint32_t both = MPY_PRIV_GC_TRACKED | MPY_PRIV_GC_IDLE;
    unsigned size_class = c->pass->space->classes[index];
    char *first = (char *)c->pass->base + (index << MPYI_POOL_SHIFT);
    uint64_t allocated[2];
    if (size_class == 0) {
        return;
    }
    mpyi_pool_allocated_bits(&c->pass->space->pools[index], allocated);
    for (unsigned w = 0; w < 2; w++) {
        for (uint64_t left = allocated[w]; left != 0 && !c->over; left &= left - 1) {
            size_t block = w * 64 + mpyi_ctz64(left);
            mpy_object *o = (mpy_object *)(void *)(first + block * mpyi_class_size(size_class));
            if ((mpyi_head(o)->gcword & both) == MPY_PRIV_GC_TRACKED) {
                fn(c, o);
            }
        }
    }
}

/* The first pool from i on that has a card, or the number of pools; 8 at a time where there is
   none. */
static size_t
next_carded(const struct closure *c, size_t i)
{
    const uint8_t *cards = c->pass->gc->cards;
    size_t first = mpyi_gc_page((const void *)c->pass->base);
    for (; i < c->pools; i++) {
        size_t page = (first + i) & (MPYI_GC_MAP_BYTES - 1);
        uint64_t eight;
        if (page % 8 == 0 && c->pools - i >= 8) {
            __builtin_memcpy(&eight, cards + page, sizeof eight);
            if (eight == 0) {
                i += 7;
                continue;
            }
        }
        if (cards[page] != 0) {
            break;
        }
    }
    return i;
}

static void
count_candidate(struct closure *c, mpy_object *o)
{
    (void)o;
    c->sampled++;
}

/* The candidates are more than the budget by far, judging by those of a few pools. */
static int
is_hopeless(struct closure *c)
{
    size_t carded = 0;
    size_t seen = 0;
    for (size_t i = next_carded(c, 0); i < c->pools; i = next_carded(c, i + 1)) {
        carded++;
    }
    if (carded < SAMPLE * 2) {
        return 0;
    }
    for (size_t i = next_carded(c, 0); i < c->pools; i = next_carded(c, i + 1)) {
        if (seen++ % (carded / SAMPLE) == 0) {
            each_candidate(c, i, count_candidate);
        }
    }
    return c->sampled * (carded / SAMPLE) > c->budget + c->budget / 4;
}

/* The candidate loses its bit. */
static void
take_candidate(struct closure *c, mpy_object *o)
{
    mpyi_head(o)->gcword |= MPY_PRIV_GC_IDLE;
    add(c, o);
}

static void
add_carded(struct closure *c)
{
    for (size_t i = next_carded(c, 0); i < c->pools && !c->over; i = next_carded(c, i + 1)) {
        each_candidate(c, i, take_candidate);
    }
}

void
mpyi_gc_candidates_clean(struct mpyi_gc_pass *pass, size_t n)
{
    struct mpyi_gc_side *side = &pass->state->side;
    for (size_t i = 0; i < n; i++) {
        /* The object may be gone; where it was is all that counts. */
        size_t granule = mpyi_gc_granule(pass, side->list[i]);
        pass->white[granule >> 6] = 0;
        pass->pending[granule >> 6] = 0;
        pass->count[granule] = 0;
        pass->low[granule] = 0;
        side->notes[granule / MPYI_GC_POOL_GRANULES] = 0;
        if (pass->any_high) {
            side->high[granule] = 0;
        }
    }
}

int64_t
mpyi_gc_count_candidates(struct mpyi_gc_pass *pass)
{
    struct mpyi_gc *gc = pass->gc;
    struct mpyi_gc_side *side = &pass->state->side;
    uint64_t tracked = mpyi_gc_tracked(gc);
    uint64_t budget = tracked / BUDGET_PART + BUDGET_LEAST;
    struct closure c = {.pass = pass, .list = side->list};
    c.budget = budget < side->list_max ? (size_t)budget : side->list_max;
    c.pools = mpyi_gc_pool_count(pass->state->heap);
    if (tracked - gc->old_count > c.budget || is_hopeless(&c)) {
        return -1;
    }
    pass->from = SIZE_MAX;
    add_young(&c, &gc->young[0]);
    add_young(&c, &gc->young[1]);
    add_carded(&c);
    for (size_t i = 0; i < c.n && !c.over; i++) {
        if (i + FETCH_AHEAD < c.n) {
            __builtin_prefetch(c.list[i + FETCH_AHEAD]);
        }
        follow_all(&c, c.list[i]);
    }
    if (c.over) {
        mpyi_gc_candidates_clean(pass, c.n);
        mpyi_gc_pass_begin(pass, pass->t);
        return -1;
    }
    if (c.n == 0) {
        pass->from = 0;
    }
    mpyi_gc_clear_cards(pass);
    return (int64_t)c.n;
}
