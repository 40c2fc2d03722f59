/* SPDX-License-Identifier: MIT */
/*
 * gc/gc_check.c - the validator of the collector, by moment.
 *
 *   RESTING   every entry of a young vector is tracked, knows its generation and index, and its
 * page is in young_map; holes and old_count are what a count gives; every candidate of generation 2
 * has a card; nothing is left marked as garbage COUNTED   RESTING, but for the candidates; and no
 * object has more references from objects than references at all (a host dropped one that it did
 * not have) MARKED    nothing is pending; nothing that can be reached from a black object is white
 *
 * Reports the first violation with the type of the object and returns -1; never aborts by itself.
 * At MPY_DEBUG 3 every full collection runs it at each of these moments.
 *
 * Lock: the runtime's.
 */
#include "gc/internal.h"

struct check {
    struct mpyi_gc *gc;
    const struct mpyi_gc_pass *pass;
    int moment;
    uint64_t old;       /* objects of generation 2 seen */
    mpy_object *object; /* being looked at */
};

static int
violated(mpy_object *o, const char *text)
{
    mpyi_report("collector: object %p of type '%s': %s", (void *)o, mpyi_type_name_of(o), text);
    return -1;
}

static int
check_vector(const struct mpyi_gc *gc, int generation)
{
    const struct mpyi_young *young = &gc->young[generation];
    uint32_t holes = 0;
    if (young->count > young->capacity || young->capacity > MPYI_GC_INDEX_MASK) {
        mpyi_report("collector: generation %d has %u entries of %u", generation, young->count,
                    young->capacity);
        return -1;
    }
    for (uint32_t i = 0; i < young->count; i++) {
        mpy_object *o = young->items[i];
        uint32_t word;
        if (o == NULL) {
            holes++;
            continue;
        }
        word = mpyi_head(o)->gcword;
        if ((word & MPY_PRIV_GC_TRACKED) == 0 ||
            (word & MPYI_GC_GEN_MASK) != MPYI_GC_GEN(generation) ||
            (word & MPYI_GC_INDEX_MASK) != i) {
            return violated(o, "its gcword names another place than its young vector");
        }
        if (gc->young_map[mpyi_gc_page(o)] == 0) {
            return violated(o, "it is young, but its page is not in the map");
        }
    }
    if (holes != young->holes) {
        mpyi_report("collector: generation %d has %u holes, not %u", generation, holes,
                    young->holes);
        return -1;
    }
    return 0;
}

static int
check_word(void *data, mpy_object *o)
{
    struct check *check = data;
    uint32_t word = mpyi_head(o)->gcword;
    uint32_t generation = word & MPYI_GC_GEN_MASK;
    if (generation == MPYI_GC_GARBAGE) {
        return violated(o, "it is marked as garbage outside of a young collection");
    }
    if (generation != MPYI_GC_GEN(2)) {
        uint32_t index = word & MPYI_GC_INDEX_MASK;
        const struct mpyi_young *young = &check->gc->young[generation >> MPYI_GC_GEN_SHIFT];
        return index < young->count && young->items[index] == o
                   ? 0
                   : violated(o, "it is young and not in its vector");
    }
    check->old++;
    if ((word & MPY_PRIV_GC_IDLE) == 0 && check->gc->cards[mpyi_gc_page(o)] == 0) {
        return violated(o, "it is a candidate on a page without a card");
    }
    return 0;
}

static int
check_counted(void *data, mpy_object *o)
{
    const struct check *check = data;
    const struct mpyi_gc_pass *pass = check->pass;
    size_t granule = mpyi_gc_granule(pass, o);
    if (mpyi_gc_is_white(pass, granule) &&
        mpyi_gc_side_counted(pass, granule) > mpyi_gc_expected(o, mpyi_gc_type(o)) - pass->held) {
        return violated(o, "objects refer to it more often than its reference count says");
    }
    return 0;
}

static int
check_black_ref(mpy_object *child, void *data)
{
    const struct check *check = data;
    uint64_t r;
    if (child == NULL) {
        return 0;
    }
    r = mpyi_gc_rotated(check->pass->base, child);
    if (r < check->pass->limit && mpyi_gc_is_white(check->pass, r >> 2)) {
        return violated(check->object, "it is marked, but refers to an object that is not");
    }
    return 0;
}

static int
check_marked(void *data, mpy_object *o)
{
    struct check *check = data;
    const struct mpyi_type *type = mpyi_gc_type(o);
    struct mpyi_refs refs = mpyi_gc_refs(o, type);
    int result = 0;
    if (mpyi_gc_is_white(check->pass, mpyi_gc_granule(check->pass, o))) {
        return 0;
    }
    check->object = o;
    for (size_t i = 0; i < refs.count && result == 0; i++) {
        result = check_black_ref(refs.items[i], check);
    }
    if (result == 0 && type->layout == MPYI_LAYOUT_CUSTOM) {
        result = mpyi_custom_traverse(o, type, check_black_ref, check);
    }
    return result;
}

static int
check_pending(const struct mpyi_gc_pass *pass)
{
    for (size_t i = pass->from; i < pass->to; i++) {
        if (pass->pending[i] != 0) {
            mpyi_report("collector: objects are still to be scanned after marking");
            return -1;
        }
    }
    return 0;
}

int
mpyi_gc_check(struct mpyi_gc *gc, const struct mpyi_gc_pass *pass, int moment)
{
    struct check check = {.gc = gc, .pass = pass, .moment = moment};
    if (check_vector(gc, 0) < 0 || check_vector(gc, 1) < 0) {
        return -1;
    }
    if (moment == MPYI_GC_CHECK_COUNTED) {
        return mpyi_gc_each(gc, check_counted, &check);
    }
    if (moment == MPYI_GC_CHECK_MARKED) {
        return check_pending(pass) < 0 ? -1 : mpyi_gc_each(gc, check_marked, &check);
    }
    if (mpyi_gc_each(gc, check_word, &check) != 0) {
        return -1;
    }
    if (check.old != gc->old_count) {
        mpyi_report("collector: %llu objects of generation 2, not %llu",
                    (unsigned long long)check.old, (unsigned long long)gc->old_count);
        return -1;
    }
    return 0;
}
