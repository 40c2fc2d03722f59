/* SPDX-License-Identifier: MIT */
/*
 * gc/quiet.c - collecting without running code of the host, for when memory is short.
 *
 * An allocation that fails asks for memory in the middle of some change, where no finalizer and no
 * callback may run. Garbage without them can still be freed. But not beside garbage that needs
 * them: a finalizer may look at all that its object reaches, and what refers to the object keeps
 * it from dying. So whole connected parts of the garbage are spared: objects that need care,
 * everything they reach, and everything that reaches one of those.
 *
 * The parts grow by sweeps over the garbage, forwards and backwards along references, until one
 * changes nothing. SWEEPS bounds that; garbage so entangled stays as a whole. Spared objects are
 * candidates, the next ordinary collection takes them.
 *
 *   pending   the spared objects, while this file is at work; subset of white
 *
 * Lock: the runtime's.
 */
#include "gc/internal.h"

#include <string.h>

#define SWEEPS 32

struct part {
    struct mpyi_gc_pass *pass;
    int spared; /* the object looked at is spared */
    int joins;  /* it refers to a spared one */
    int changed;
};

static inline int
is_spared(const struct mpyi_gc_pass *pass, size_t granule)
{
    return (pass->pending[granule >> 6] >> (granule & 63) & 1) != 0;
}

static inline void
spare(struct part *part, size_t granule)
{
    part->pass->pending[granule >> 6] |= UINT64_C(1) << (granule & 63);
    part->changed = 1;
}

static void
look_at_ref(struct part *part, const mpy_object *child)
{
    uint64_t r = mpyi_gc_rotated(part->pass->base, child);
    size_t granule = (size_t)(r >> 2);
    if (r >= part->pass->limit || !mpyi_gc_is_white(part->pass, granule)) {
        return;
    }
    if (is_spared(part->pass, granule)) {
        part->joins = 1;
    } else if (part->spared) {
        spare(part, granule);
    }
}

static int
look_at_visited(mpy_object *child, void *data)
{
    if (child != NULL) {
        look_at_ref(data, child);
    }
    return 0;
}

static void
look_at_refs(struct part *part, mpy_object *o, const struct mpyi_type *type)
{
    struct mpyi_refs refs = mpyi_gc_refs(o, type);
    for (size_t i = 0; i < refs.count; i++) {
        look_at_ref(part, refs.items[i]);
    }
    if (type->layout == MPYI_LAYOUT_CUSTOM) {
        (void)mpyi_custom_traverse(o, type, look_at_visited, part);
    }
    if ((type->traits & MPYI_TRAIT_HEAP) != 0) {
        look_at_ref(part, mpyi_type_object(type));
    }
}

/* One white object: it may join the spared ones, and then what it refers to does. */
static void
look_at(struct part *part, size_t granule)
{
    mpy_object *o = mpyi_gc_object_at(part->pass, granule);
    const struct mpyi_type *type = mpyi_gc_type(o);
    if (!is_spared(part->pass, granule) && mpyi_gc_kinds(o, type) != 0) {
        spare(part, granule);
    }
    part->spared = is_spared(part->pass, granule);
    part->joins = 0;
    look_at_refs(part, o, type);
    if (part->joins && !part->spared) {
        spare(part, granule);
        part->spared = 1;
        look_at_refs(part, o, type);
    }
}

/* Takes what is spared out of white. */
static void
keep_spared(struct mpyi_gc_pass *pass, int everything)
{
    for (size_t i = pass->from; i < pass->to; i++) {
        uint64_t kept = everything ? pass->white[i] : pass->pending[i];
        for (uint64_t left = kept; left != 0; left &= left - 1) {
            mpyi_gc_make_candidate(pass->gc, mpyi_gc_object_at(pass, i * 64 + mpyi_ctz64(left)));
        }
        pass->white[i] &= ~kept;
        pass->pending[i] = 0;
    }
}

void
mpyi_gc_spare_special(struct mpyi_gc_pass *pass)
{
    struct part part = {.pass = pass, .changed = 1};
    int sweep = 0;
    for (; part.changed && sweep < SWEEPS; sweep++) {
        part.changed = 0;
        for (size_t i = pass->from; i < pass->to; i++) {
            for (uint64_t left = pass->white[i]; left != 0; left &= left - 1) {
                look_at(&part, i * 64 + mpyi_ctz64(left));
            }
        }
    }
    keep_spared(pass, part.changed);
}
