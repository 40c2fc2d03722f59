/* SPDX-License-Identifier: MIT */
/*
 * runtime/leaks.c - what is still alive when a runtime ends, and whose fault it is.
 *
 * After the last collection the library itself holds nothing, so every object left is held, in the
 * end, by a reference that the host never gave back. Most survivors only hang on others: a leaked
 * list of a million strs is one mistake. Therefore references among the survivors are subtracted
 * from the counts, and only objects that are left with some are reported: the primary leaks.
 *
 *     held(o) = refcnt(o) - number of references to o from other survivors > 0
 *
 * The table of survivors is sorted by address as the walk meets them nearly in order, and searched
 * by bisection. When there is no memory for it, every survivor is reported.
 *
 * Blocks are counted after the survivors have given up their arrays, so what is left of the raw
 * kind was allocated with mpy_obj_* by the host. Then the heap is dropped by the caller.
 *
 * Invariant: no code of the host runs but release hooks, which may not call back.
 *
 * Lock: the runtime's; nobody else is attached.
 */
#include "runtime/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPES_MAX 64u

struct survivor {
    mpy_object *object;
    size_t size;   /* of its cell or atom */
    uint64_t held; /* its count, less the references from other survivors */
};

struct tally {
    const struct mpyi_type *type;
    uint64_t objects, bytes;
};

struct leaks {
    struct survivor *all;
    size_t count, capacity;
    struct tally types[TYPES_MAX];
    size_t type_count;
    uint64_t objects, bytes, blocks;
};

/* ---- finding the survivors
 * ------------------------------------------------------------------------ */

static bool
is_immortal(const mpy_object *o)
{
    return mpyi_head(o)->refcnt >= MPY_PRIV_REFCNT_IMMORTAL;
}

static int
count_object(void *data, void *block, size_t size)
{
    (void)size;
    struct leaks *leaks = data;
    leaks->capacity += !is_immortal(block);
    return 0;
}

static int
note_object(void *data, void *block, size_t size)
{
    struct leaks *leaks = data;
    mpy_object *o = block;
    if (!is_immortal(o)) {
        struct survivor *s = &leaks->all[leaks->count++];
        s->object = o;
        s->size = size;
        s->held = mpyi_head(o)->refcnt;
    }
    return 0;
}

static void
each_object(struct mpyi_rtheap *heap, mpyi_block_fn fn, struct leaks *leaks)
{
    (void)mpyi_rtheap_each_block(heap, MPY_KIND_ATOM, fn, leaks);
    (void)mpyi_rtheap_each_block(heap, MPY_KIND_GC, fn, leaks);
}

static int
by_address(const void *a, const void *b)
{
    const struct survivor *x = a;
    const struct survivor *y = b;
    return ((uintptr_t)x->object > (uintptr_t)y->object) -
           ((uintptr_t)x->object < (uintptr_t)y->object);
}

/* ---- references among them
 * -------------------------------------------------------------------------- */

static int
subtract(mpy_object *ref, void *arg)
{
    struct leaks *leaks = arg;
    if (ref != NULL && mpy_priv_is_heap(ref)) {
        struct survivor key = {ref, 0, 0};
        struct survivor *found = bsearch(&key, leaks->all, leaks->count, sizeof key, by_address);
        if (found != NULL && found->held > 0) {
            found->held--;
        }
    }
    return 0;
}

/* What o refers to, and what the shapes of a host type do: they own the names of attributes. */
static void
subtract_references_of(struct leaks *leaks, mpy_object *o)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    struct mpyi_refs refs = mpyi_refs_of(o, type);
    for (size_t i = 0; i < refs.count; i++) {
        (void)subtract(refs.items[i], leaks);
    }
    if (type->layout == MPYI_LAYOUT_CUSTOM) {
        (void)mpyi_custom_traverse(o, type, subtract, leaks);
    }
}

static void
subtract_references(struct leaks *leaks)
{
    for (size_t i = 0; i < leaks->count; i++) {
        subtract_references_of(leaks, leaks->all[i].object);
    }
}

/* ---- the report
 * ---------------------------------------------------------------------------------------- */

static void
tally_object(struct leaks *leaks, mpy_object *o, size_t size)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    size_t bytes = size + (type->extra_size != NULL ? type->extra_size(o) : 0);
    leaks->objects++;
    leaks->bytes += bytes;
    size_t i = 0;
    while (i < leaks->type_count && leaks->types[i].type != type) {
        i++;
    }
    if (i == TYPES_MAX) {
        return; /* counted in the sums */
    }
    if (i == leaks->type_count) {
        leaks->types[leaks->type_count++] = (struct tally){type, 0, 0};
    }
    leaks->types[i].objects++;
    leaks->types[i].bytes += bytes;
}

static int
tally_block(void *data, void *block, size_t size)
{
    if (!is_immortal(block)) {
        tally_object(data, block, size);
    }
    return 0;
}

static int
count_block(void *data, void *block, size_t size)
{
    (void)block;
    (void)size;
    struct leaks *leaks = data;
    leaks->blocks++;
    return 0;
}

static int
by_number(const void *a, const void *b)
{
    const struct tally *x = a;
    const struct tally *y = b;
    return (x->objects < y->objects) - (x->objects > y->objects);
}

static void
write_text(struct leaks *leaks, char *text, size_t room)
{
    size_t used = 0;
    qsort(leaks->types, leaks->type_count, sizeof leaks->types[0], by_number);
    for (size_t i = 0; i < leaks->type_count; i++) {
        const struct tally *tally = &leaks->types[i];
        char line[256];
        int n = snprintf(line, sizeof line, "%.160s: %llu object%s, %llu bytes\n",
                         tally->type->qualname, (unsigned long long)tally->objects,
                         tally->objects == 1 ? "" : "s", (unsigned long long)tally->bytes);
        if (n < 0 || (size_t)n >= room - used) {
            break;
        }
        memcpy(text + used, line, (size_t)n);
        used += (size_t)n;
    }
    text[used] = '\0';
}

/* ---- the end of the survivors
 * -------------------------------------------------------------------------- */

static int
release_instance(void *data, void *block, size_t size)
{
    (void)size;
    mpy_object *o = block;
    const struct mpyi_type *type = mpyi_type_of(o);
    if (!is_immortal(o) && type->free_extra != NULL && !mpy_type_check(o)) {
        type->free_extra(data, o);
    }
    return 0;
}

/* Types after their instances, which are read through them. */
static int
release_type(void *data, void *block, size_t size)
{
    (void)size;
    mpy_object *o = block;
    if (mpy_type_check(o) && mpyi_type_of(o)->free_extra != NULL) {
        mpyi_type_of(o)->free_extra(data, o);
    }
    return 0;
}

static void
release_survivors(struct mpyi_thread *t)
{
    (void)mpyi_rtheap_each_block(t->heap, MPY_KIND_ATOM, release_instance, t);
    (void)mpyi_rtheap_each_block(t->heap, MPY_KIND_GC, release_instance, t);
    (void)mpyi_rtheap_each_block(t->heap, MPY_KIND_GC, release_type, t);
}

/* Which objects to blame: into the tallies. */
static void
find_primary(struct mpyi_thread *t, struct leaks *leaks)
{
    each_object(t->heap, count_object, leaks);
    if (leaks->capacity == 0) {
        return;
    }
    leaks->all = mpy_raw_calloc(leaks->capacity, sizeof *leaks->all);
    if (leaks->all == NULL) {
        each_object(t->heap, tally_block, leaks);
        return;
    }
    each_object(t->heap, note_object, leaks);
    qsort(leaks->all, leaks->count, sizeof *leaks->all, by_address);
    subtract_references(leaks);
    for (size_t i = 0; i < leaks->count; i++) {
        if (leaks->all[i].held > 0) {
            tally_object(leaks, leaks->all[i].object, leaks->all[i].size);
        }
    }
    mpy_raw_free(leaks->all);
    leaks->all = NULL;
}

void
mpyi_leaks_report(struct mpyi_thread *t, mpy_leak_report *report)
{
    struct leaks leaks;
    memset(&leaks, 0, sizeof leaks);
    if (report == NULL) {
        release_survivors(t);
        return;
    }
    mpy_leak_report filled = {.size = (uint32_t)sizeof filled, .version = 1};
    find_primary(t, &leaks);
    write_text(&leaks, filled.text, sizeof filled.text);
    release_survivors(t);
    (void)mpyi_rtheap_each_block(t->heap, MPY_KIND_RAW, count_block, &leaks);
    filled.objects = leaks.objects;
    filled.bytes = leaks.bytes;
    filled.blocks = leaks.blocks;
    mpyi_hand_out(report, report->size, &filled, sizeof filled);
}
