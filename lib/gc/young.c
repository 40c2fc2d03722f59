/* SPDX-License-Identifier: MIT */
/*
 * gc/young.c - collecting the young generations by trial deletion, without a look at old objects.
 *
 * The references that young objects make to each other are counted. Where an object's own count is
 * higher, something outside refers to it, be it a C variable, an object under construction or an
 * old container; what can be reached from there lives, the rest is garbage. Where that is every
 * object, nothing has to be followed. (CPython's algorithm, with counts in a vector instead of a
 * header.)
 *
 *   generation 0: young[0] alone; survivors go to young[1]
 *   generation 1: young[0] is appended to young[1]; survivors go to generation 2, as candidates
 *
 * Is a child young, and which one? Three tests, cheapest first: the address lies among those of
 * young objects; its page has a byte in young_map, so pages of old objects are not touched; its
 * gcword names the generation, and the index. So the time depends on the young objects alone.
 *
 *   refs[i]  references to items[i] from young objects (instances of a young type count as
 *            references to it), then those from elsewhere; REACHED: known to live
 *
 * Lock: the runtime's.
 */
#include "gc/internal.h"

#include <string.h>

#define REACHED   UINT32_MAX
#define NOT_YOUNG UINT32_MAX

#define FETCH_AHEAD 8u

struct trial {
    const struct mpyi_gc *gc;
    uintptr_t base; /* the lowest address of a young object, and the distance to the highest .. */
    uint64_t limit; /* .. and one more, >> 3 */
    uint32_t key;   /* gcword bits of the generation */
    uint32_t depth;
    uint32_t *refs;
    uint32_t *stack;
};

/* The index of a child in the vector, or NOT_YOUNG. */
static inline uint32_t
young_index(const struct trial *trial, const mpy_object *child)
{
    uint32_t word;
    if (mpyi_gc_rotated(trial->base, child) >= trial->limit ||
        trial->gc->young_map[mpyi_gc_page(child)] == 0) {
        return NOT_YOUNG;
    }
    word = mpyi_head(child)->gcword;
    return (word & (MPY_PRIV_GC_TRACKED | MPYI_GC_GEN_MASK)) == trial->key
               ? word & MPYI_GC_INDEX_MASK
               : NOT_YOUNG;
}

static inline void
count(const struct trial *trial, const mpy_object *child)
{
    uint32_t i = young_index(trial, child);
    if (i != NOT_YOUNG) {
        trial->refs[i]++;
    }
}

static inline void
reach(struct trial *trial, const mpy_object *child)
{
    uint32_t i = young_index(trial, child);
    if (i != NOT_YOUNG && trial->refs[i] != REACHED) {
        trial->refs[i] = REACHED;
        trial->stack[trial->depth++] = i;
    }
}

static int
count_visited(mpy_object *child, void *data)
{
    if (child != NULL) {
        count(data, child);
    }
    return 0;
}

static int
reach_visited(mpy_object *child, void *data)
{
    if (child != NULL) {
        reach(data, child);
    }
    return 0;
}

/* Counts what o refers to. The trial comes by value: stores into its arrays could change it as far
   as the compiler knows. */
static inline __attribute__((always_inline)) void
count_refs(struct trial trial, struct trial *visited, mpy_object *o, const struct mpyi_type *type)
{
    struct mpyi_refs refs = mpyi_gc_refs(o, type);
    for (size_t i = 0; i < refs.count; i++) {
        count(&trial, refs.items[i]);
    }
    if (MPY_UNLIKELY(type->layout == MPYI_LAYOUT_CUSTOM)) {
        (void)mpyi_custom_traverse(o, type, count_visited, visited);
    }
    if ((type->traits & MPYI_TRAIT_HEAP) != 0) {
        count(&trial, mpyi_type_object(type));
    }
}

static inline void
reach_refs(struct trial *trial, mpy_object *o)
{
    const struct mpyi_type *type = mpyi_gc_type(o);
    struct mpyi_refs refs = mpyi_gc_refs(o, type);
    for (size_t i = 0; i < refs.count; i++) {
        reach(trial, refs.items[i]);
    }
    if (MPY_UNLIKELY(type->layout == MPYI_LAYOUT_CUSTOM)) {
        (void)mpyi_custom_traverse(o, type, reach_visited, trial);
    }
    if ((type->traits & MPYI_TRAIT_HEAP) != 0) {
        reach(trial, mpyi_type_object(type));
    }
}

/* refs[i] becomes the number of references to items[i] from elsewhere; the number of those that
   have none. */
static uint32_t
count_all(struct trial *trial, mpy_object *const *items, uint32_t n)
{
    struct trial copy = *trial;
    uint32_t *expected = trial->stack; /* not in use as a stack yet */
    uint32_t without = 0;
    memset(copy.refs, 0, n * sizeof *copy.refs);
    for (uint32_t i = 0; i < n; i++) {
        const struct mpyi_type *type = mpyi_gc_type(items[i]);
        uint64_t all = mpyi_gc_expected(items[i], type);
        if (i + FETCH_AHEAD < n) {
            __builtin_prefetch(items[i + FETCH_AHEAD]);
        }
        /* An overflowing sum is as good as any that young objects alone cannot use up. */
        expected[i] = all < REACHED ? (uint32_t)all : REACHED - 1;
        count_refs(copy, trial, items[i], type);
    }
    for (uint32_t i = 0; i < n; i++) {
        copy.refs[i] = expected[i] - copy.refs[i];
        without += copy.refs[i] == 0;
    }
    return without;
}

/* Where the young objects are: often close together, new ones, or cells used again. */
static void
set_range(struct trial *trial, mpy_object *const *items, uint32_t n)
{
    uintptr_t low = UINTPTR_MAX;
    uintptr_t high = 0;
    for (uint32_t i = 0; i < n; i++) {
        uintptr_t at = (uintptr_t)items[i];
        low = at < low ? at : low;
        high = at > high ? at : high;
    }
    trial->base = low;
    trial->limit = ((high - low) >> 3) + 1;
}

/* Afterwards refs[i] == REACHED exactly for what lives. */
static void
run_trial(struct trial *trial, mpy_object *const *items, uint32_t n)
{
    if (n == 0) {
        return; /* there may be no arrays at all */
    }
    set_range(trial, items, n);
    if (count_all(trial, items, n) == 0) {
        memset(trial->refs, 0xFF, n * sizeof *trial->refs);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (trial->refs[i] == 0 || trial->refs[i] == REACHED) {
            continue;
        }
        trial->refs[i] = REACHED;
        reach_refs(trial, items[i]);
        while (trial->depth > 0) {
            reach_refs(trial, items[trial->stack[--trial->depth]]);
        }
    }
}

/* Moves survivors on and garbage, marked so, to the front of the vector; its number. */
static uint32_t
split(struct mpyi_gc *gc, int generation, const uint32_t *refs)
{
    struct mpyi_young *from = &gc->young[generation];
    uint32_t next = gc->young[1].count;
    uint32_t garbage = 0;
    uint32_t n = from->count;
    for (uint32_t i = 0; i < n; i++) {
        mpy_object *o = from->items[i];
        struct mpy_priv_header *head = mpyi_head(o);
        uint32_t sticky = head->gcword & MPYI_GC_STICKY;
        if (refs[i] != REACHED) {
            head->gcword = sticky | MPY_PRIV_GC_TRACKED | MPYI_GC_GARBAGE;
            from->items[garbage++] = o;
            continue;
        }
        sticky |= MPY_PRIV_GC_TRACKED;
        if (generation == 0) {
            head->gcword = sticky | MPYI_GC_GEN(1) | next;
            gc->young[1].items[next++] = o;
        } else {
            size_t page = mpyi_gc_page(o);
            head->gcword = sticky | MPYI_GC_GEN(2);
            gc->cards[page] = 1;
            gc->young_map[page] = 0;
        }
    }
    if (generation == 0) {
        gc->young[1].count = next;
    } else {
        gc->old_count += n - garbage;
    }
    from->count = 0;
    from->holes = 0;
    return garbage;
}

/* Appends generation 0 to generation 1. */
static void
merge(struct mpyi_gc *gc)
{
    struct mpyi_young *a = &gc->young[0];
    struct mpyi_young *b = &gc->young[1];
    for (uint32_t i = 0; i < a->count; i++) {
        struct mpy_priv_header *head = mpyi_head(a->items[i]);
        head->gcword =
            (head->gcword & ~(MPYI_GC_GEN_MASK | MPYI_GC_INDEX_MASK)) | MPYI_GC_GEN(1) | b->count;
        b->items[b->count++] = a->items[i];
    }
    a->count = 0;
}

static int
reserve_scratch(struct mpyi_gc_state *state, uint32_t n)
{
    struct mpyi_gc_scratch *scratch = &state->scratch;
    uint32_t capacity = n + n / 2;
    uint32_t *refs;
    uint32_t *stack;
    if (n <= scratch->capacity) {
        return 0;
    }
    refs = mpyi_gc_realloc(state, scratch->refs, (size_t)capacity * sizeof *refs);
    if (refs == NULL) {
        return -1;
    }
    scratch->refs = refs;
    stack = mpyi_gc_realloc(state, scratch->stack, (size_t)capacity * sizeof *stack);
    if (stack == NULL) {
        return -1;
    }
    scratch->stack = stack;
    scratch->capacity = capacity;
    return 0;
}

/* Garbage of one generation, n objects at the start of its vector, without a hole in between. */
static void
dispose(struct mpyi_thread *t, mpy_object **items, uint32_t n, struct mpyi_gc_run *run)
{
    struct mpyi_gc *gc = t->gc;
    struct mpyi_gc_pass pass;
    uint32_t kinds = 0;
    mpy_object **list;
    for (uint32_t i = 0; i < n; i++) {
        const struct mpyi_type *type = mpyi_gc_type(items[i]);
        if (MPY_UNLIKELY(mpyi_gc_is_special(type))) {
            kinds |= mpyi_gc_kinds(items[i], type);
        }
    }
    if (kinds == 0) {
        mpyi_gc_pass_begin(&pass, t);
        mpyi_gc_free_young(&pass, items, n);
        run->collected += n;
        return;
    }
    list = mpyi_gc_realloc(gc->state, NULL, n * sizeof *list);
    for (uint32_t i = 0; i < n; i++) {
        struct mpy_priv_header *head = mpyi_head(items[i]);
        head->gcword = (head->gcword & MPYI_GC_STICKY) | MPY_PRIV_GC_TRACKED | MPYI_GC_GEN(2);
        mpyi_gc_make_candidate(gc, items[i]);
        if (list != NULL) {
            list[i] = items[i];
        }
    }
    gc->old_count += n;
    if (list == NULL) {
        run->no_memory = 1;
        return;
    }
    mpyi_gc_dispose(t, list, n, kinds, run);
}

void
mpyi_gc_collect_young(struct mpyi_thread *t, int generation, struct mpyi_gc_run *run)
{
    struct mpyi_gc *gc = t->gc;
    struct mpyi_gc_state *state = gc->state;
    struct mpyi_young *young = &gc->young[generation];
    struct trial trial = {
        .gc = gc,
        .key = MPY_PRIV_GC_TRACKED | MPYI_GC_GEN(generation),
    };
    size_t all;
    uint32_t garbage;
    mpyi_gc_compact(&gc->young[0]);
    mpyi_gc_compact(&gc->young[1]);
    all = (size_t)gc->young[0].count + gc->young[1].count;
    if (mpyi_gc_young_reserve(gc, 1, all) < 0 || reserve_scratch(state, (uint32_t)all) < 0) {
        mpyi_gc_promote(gc, 0);
        run->no_memory = 1;
        return;
    }
    state->phase = MPYI_GC_CRITICAL;
    if (generation == 1) {
        merge(gc);
    }
    run->examined += young->count;
    trial.refs = state->scratch.refs;
    trial.stack = state->scratch.stack;
    run_trial(&trial, young->items, young->count);
    garbage = split(gc, generation, trial.refs);
    if (garbage > 0) {
        dispose(t, young->items, garbage, run);
    }
}
