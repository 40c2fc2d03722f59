/* SPDX-License-Identifier: MIT */
/*
 * gc/track.c - the young generations: vectors that grow, lose holes and move into generation 2.
 *
 * A young object's index is in its gcword, so leaving a vector costs one store: the last one is
 * popped, any other becomes a hole. A vector that is half holes is closed up, which costs as much
 * as was freed and makes the threshold one of net allocation: a program whose containers die by
 * themselves never collects. Generation 2 is no list at all; its objects are found in the heap.
 *
 *   items[i] == NULL, or gcword(items[i]) == TRACKED | GEN(generation) | i | other bits
 *   holes    == number of NULL entries
 *   count    <= capacity <= MPYI_GC_INDEX_MASK, so an index always fits its 24 bits
 *   young_map has a 1 for the page of every young object; 1s without one cost only time
 *   cards     has a 1 for the page of every candidate of generation 2
 *
 * Growing needs memory, promotion does not: whoever cannot grow promotes.
 *
 * Lock: the runtime's.
 */
#include "gc/internal.h"

#define FIRST_CAPACITY 4096u

void *
mpyi_gc_realloc(struct mpyi_gc_state *state, void *p, size_t n)
{
    if (mpyi_fault_hit(&state->heap->fault, n)) {
        return NULL;
    }
    return mpy_raw_realloc(p, n);
}

void
mpyi_gc_compact(struct mpyi_young *young)
{
    uint32_t kept = 0;
    if (young->holes == 0) {
        return;
    }
    for (uint32_t i = 0; i < young->count; i++) {
        mpy_object *o = young->items[i];
        if (o == NULL) {
            continue;
        }
        if (i != kept) {
            struct mpy_priv_header *head = mpyi_head(o);
            young->items[kept] = o;
            head->gcword = (head->gcword & ~MPYI_GC_INDEX_MASK) | kept;
        }
        kept++;
    }
    young->count = kept;
    young->holes = 0;
}

int
mpyi_gc_young_reserve(struct mpyi_gc *gc, int generation, size_t n)
{
    struct mpyi_young *young = &gc->young[generation];
    size_t capacity = young->capacity != 0 ? young->capacity : FIRST_CAPACITY;
    mpy_object **items;
    if (n <= young->capacity) {
        return 0;
    }
    if (n > MPYI_GC_INDEX_MASK) {
        return -1;
    }
    while (capacity < n) {
        capacity *= 2;
    }
    if (capacity > MPYI_GC_INDEX_MASK) {
        capacity = MPYI_GC_INDEX_MASK;
    }
    items = mpyi_gc_realloc(gc->state, young->items, capacity * sizeof *items);
    if (items == NULL) {
        return -1;
    }
    young->items = items;
    young->capacity = (uint32_t)capacity;
    return 0;
}

void
mpyi_gc_promote(struct mpyi_gc *gc, uint32_t idle)
{
    for (int generation = 0; generation < 2; generation++) {
        struct mpyi_young *young = &gc->young[generation];
        for (uint32_t i = 0; i < young->count; i++) {
            mpy_object *o = young->items[i];
            size_t page = mpyi_gc_page(o);
            if (o == NULL) {
                continue;
            }
            mpyi_head(o)->gcword = (mpyi_head(o)->gcword & MPYI_GC_STICKY) | MPY_PRIV_GC_TRACKED |
                                   MPYI_GC_GEN(2) | idle;
            gc->young_map[page] = 0;
            if (idle == 0) {
                gc->cards[page] = 1;
            }
        }
        gc->old_count += young->count - young->holes;
        young->count = 0;
        young->holes = 0;
    }
}

void
mpyi_gc_young_full(struct mpyi_gc *gc)
{
    struct mpyi_young *young = &gc->young[0];
    if (young->holes >= young->count / 2 && young->holes != 0) {
        mpyi_gc_compact(young);
    } else {
        mpyi_gc_schedule_full(gc);
    }
    if (young->count >= gc->young_limit) {
        /* Nothing above made room: a limit of 1, or a vector that cannot grow. */
        mpyi_gc_promote(gc, 0);
    }
    MPY_ASSERT(young->count < gc->young_limit && gc->young_limit <= young->capacity);
}

void
mpyi_gc_untrack_slow(struct mpyi_gc *gc, mpy_object *o, uint32_t word)
{
    struct mpyi_young *young = &gc->young[1];
    uint32_t index = word & MPYI_GC_INDEX_MASK;
    MPY_ASSERT((word & MPYI_GC_GEN_MASK) == MPYI_GC_GEN(1) && young->items[index] == o);
    if (index == young->count - 1) {
        young->count--;
    } else {
        young->items[index] = NULL;
        young->holes++;
    }
    (void)o;
}

void
mpyi_gc_candidate(mpy_object *o)
{
    struct mpy_priv_header *head = mpyi_head(o);
    struct mpyi_thread *t = mpyi_current();
    head->gcword &= ~MPY_PRIV_GC_IDLE;
    if (MPY_LIKELY(t != NULL)) {
        t->gc->cards[mpyi_gc_page(o)] = 1;
    }
}
