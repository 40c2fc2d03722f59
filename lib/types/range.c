/* SPDX-License-Identifier: MIT */
/*
 * types/range.c - the range start, start + step, ... before stop: constant, an atom of 48 bytes.
 *
 * Bounds are 64 bits, elements are ints of 63: an element that is no int raises OverflowError when
 * it is asked for. The number of elements is computed once, without overflow, as an unsigned
 * difference; it fits 64 bits because |step| >= 1.
 *
 * Two ranges are equal when their elements are: same count and, as far as there are any, same first
 * element and same step. The hash is that of the tuple (count, first, step), with None for what
 * makes no difference, as in CPython.
 *
 * Lock: the runtime's.
 */
#include "types/iter.h"

#include "types/list.h"
#include "types/number.h"
#include "types/protocol.h"
#include "types/strwriter.h"
#include "types/tuple.h"

/* Elements from start to stop, stop excluded. step is not 0. */
static uint64_t
count_of(int64_t start, int64_t stop, int64_t step)
{
    uint64_t distance, stride;
    if (step > 0 ? start >= stop : start <= stop) {
        return 0;
    }
    distance = step > 0 ? (uint64_t)stop - (uint64_t)start : (uint64_t)start - (uint64_t)stop;
    stride = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
    return (distance - 1) / stride + 1;
}

mpy_object *
mpy_iter_range(int64_t start, int64_t stop, int64_t step)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    struct mpyi_range *r;
    if (t == NULL) {
        return NULL;
    }
    if (step == 0) {
        return (mpy_object *)mpyi_err_format(
            MPY_EXC_VALUE_ERROR, "%s(): argument 'step': expected not 0, got 0", __func__);
    }
    r = (struct mpyi_range *)mpyi_atom_new(t, &mpyi_range_type, sizeof *r);
    if (r != NULL) {
        r->start = start;
        r->stop = stop;
        r->step = step;
        r->count = count_of(start, stop, step);
    }
    return (mpy_object *)r;
}

static void
range_dealloc(struct mpyi_thread *t, mpy_object *o)
{
    mpyi_atom_free(t->heap, o, sizeof(struct mpyi_range));
}

/* ---- slots ---------------------------------------------------------------------------------- */

static int
write_int(struct mpy_strwriter *w, int64_t value)
{
    char text[MPYI_INT_TEXT];
    size_t n = mpyi_int_text(value, text);
    return mpyi_writer_ascii(w, text, n);
}

static mpy_object *
slot_repr(mpy_object *o)
{
    const struct mpyi_range *r = mpyi_range(o);
    struct mpy_strwriter w;
    mpyi_writer_init(&w, mpyi_current());
    if (mpyi_writer_text(&w, "range(") < 0 || write_int(&w, r->start) < 0 ||
        mpyi_writer_text(&w, ", ") < 0 || write_int(&w, r->stop) < 0 ||
        (r->step != 1 && (mpyi_writer_text(&w, ", ") < 0 || write_int(&w, r->step) < 0)) ||
        mpyi_writer_text(&w, ")") < 0) {
        mpyi_writer_discard(&w);
        return NULL;
    }
    return mpyi_writer_finish(&w);
}

/* What makes the elements: start counts only if there is one, step only if there are two. */
static int
same_elements(const struct mpyi_range *a, const struct mpyi_range *b)
{
    return a->count == b->count && (a->count < 1 || a->start == b->start) &&
           (a->count < 2 || a->step == b->step);
}

static mpy_object *
slot_compare(mpy_object *a, mpy_object *b, int op)
{
    if (!mpy_priv_has_flag(a, MPY_TF_RANGE) || !mpy_priv_has_flag(b, MPY_TF_RANGE) ||
        (op != MPY_EQ && op != MPY_NE)) {
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
    return mpyi_bool_object(same_elements(mpyi_range(a), mpyi_range(b)) == (op == MPY_EQ));
}

static int
slot_hash(mpy_object *o, int64_t *out)
{
    const struct mpyi_range *r = mpyi_range(o);
    int64_t none = mpyi_hash_identity(MPY_NONE);
    int64_t lanes[3];
    lanes[0] = mpyi_hash_i64((int64_t)(r->count & (uint64_t)INT64_MAX));
    lanes[1] = r->count >= 1 ? mpyi_hash_i64(r->start) : none;
    lanes[2] = r->count >= 2 ? mpyi_hash_i64(r->step) : none;
    *out = mpyi_tuple_hash_lanes(lanes, 3);
    return 0;
}

static int
slot_is_true(mpy_object *o)
{
    return mpyi_range(o)->count != 0;
}

static ptrdiff_t
slot_length(mpy_object *o)
{
    if (mpyi_range(o)->count > (uint64_t)PTRDIFF_MAX) {
        (void)mpyi_err_set(MPY_EXC_OVERFLOW_ERROR,
                           "mpy_object_length(): length of the range does not fit ptrdiff_t");
        return -1;
    }
    return (ptrdiff_t)mpyi_range(o)->count;
}

static mpy_object *
slot_get_item(mpy_object *o, mpy_object *key)
{
    const struct mpyi_range *r = mpyi_range(o);
    size_t i;
    if (mpyi_index_of_key("mpy_object_get_item", "range", key, r->count, &i) < 0) {
        return NULL;
    }
    return mpyi_int_new("mpy_object_get_item", mpyi_range_at(r, i));
}

/* The int is an element: a position that divides without rest. */
static int
contains_int(const struct mpyi_range *r, int64_t value)
{
    uint64_t distance, stride;
    if (r->step > 0 ? value < r->start || value >= r->stop : value > r->start || value <= r->stop) {
        return 0;
    }
    distance =
        r->step > 0 ? (uint64_t)value - (uint64_t)r->start : (uint64_t)r->start - (uint64_t)value;
    stride = r->step > 0 ? (uint64_t)r->step : 0 - (uint64_t)r->step;
    return distance % stride == 0;
}

static int
slot_contains(mpy_object *o, mpy_object *value)
{
    const struct mpyi_range *r = mpyi_range(o);
    struct mpyi_thread *t = mpyi_current();
    int64_t wanted;
    uint64_t i;
    if (mpyi_int_get(value, &wanted)) {
        return contains_int(r, wanted);
    }
    for (i = 0; i < r->count; i++) {
        mpy_object *item = mpyi_int_new("mpy_object_contains", mpyi_range_at(r, i));
        int equal = item != NULL ? mpyi_compare_bool(t, item, value, MPY_EQ) : -1;
        if (equal != 0) {
            return equal;
        }
    }
    return 0;
}

const struct mpyi_type mpyi_range_type = {
    .head = MPYI_STATIC_HEAD(MPY_TF_RANGE),
    .traits = MPYI_TRAIT_ACYCLIC,
    .layout = MPYI_LAYOUT_ATOM,
    .id = MPY_TYPE_ID_RANGE,
    .instance_size = sizeof(struct mpyi_range),
    .name = "range",
    .qualname = "range",
    .base = &mpyi_object_type,
    .dealloc = range_dealloc,
    .slots =
        {
            .repr = slot_repr,
            .hash = slot_hash,
            .compare = slot_compare,
            .is_true = slot_is_true,
            .length = slot_length,
            .get_item = slot_get_item,
            .contains = slot_contains,
            .iter = mpyi_iter_of_range,
        },
};
