/* SPDX-License-Identifier: MIT */
/*
 * types/dict_type.c - the dict's life, and its type.
 *
 * A dict is tracked from the beginning: nobody can tell what it will hold. It gets a table with its
 * first entry.
 *
 * Where references are dropped the dict has no table any more: what runs then finds it empty.
 *
 * Lock: the runtime's.
 */
#include "types/dict_table.h"

#include "minipy/err.h"

#include "types/iter.h"
#include "types/list.h"
#include "types/protocol.h"

/* ---- life ----------------------------------------------------------------------------------- */

MPYI_HOT mpy_object *
mpyi_dict_new(struct mpyi_thread *t, size_t reserve)
{
    struct mpyi_dict *d =
        (struct mpyi_dict *)mpyi_gc_new(t, &mpyi_dict_type, sizeof(struct mpyi_dict));
    if (MPY_UNLIKELY(d == NULL)) {
        return NULL;
    }
    mpyi_dict_reset(d, 0);
    if (MPY_UNLIKELY(reserve != 0) && mpyi_dict_reserve(t, d, reserve) < 0) {
        mpyi_gc_free(t, (mpy_object *)d, sizeof *d);
        return NULL;
    }
    mpyi_gc_track(t, (mpy_object *)d);
    return (mpy_object *)d;
}

MPYI_HOT mpy_object *
mpy_dict_new(size_t reserve)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    if (t == NULL) {
        return NULL;
    }
    mpyi_safe_point(t);
    return mpyi_dict_new(t, reserve);
}

/* dict_dealloc() when only the first n of the references are left. */
static MPYI_HOT MPYI_LONG_WAY void
dealloc_the_long_way(struct mpyi_thread *t, mpy_object *o, size_t n)
{
    struct mpyi_dict *d = mpyi_dict(o);
    mpy_object *const *refs = (mpy_object *const *)d->entries;
    size_t i;
    for (i = 0; i < n; i++) {
        mpyi_xdrop(t, refs[i]);
    }
    mpyi_dict_free_table(t, d->entries, d->state);
    mpyi_gc_free(t, o, sizeof *d);
}

/* Gives the table back without a call; 0 when that cannot be done. */
static inline int
free_table_short(struct mpyi_thread *t, const struct mpyi_dict *d)
{
    return (d->state & 0xFF) == MPYI_DICT_TOP ||
           (MPY_LIKELY((d->state & 0x2FF) == MPYI_DICT_TOP - 3) &&
            MPY_LIKELY(mpy_priv_bin_push_near(&t->heap->raw.pub.bins[MPYI_DICT_FIRST_BYTES >> 3],
                                              (char *)d->entries - MPYI_GROUP)));
}

static MPYI_HOT void
dict_dealloc(struct mpyi_thread *t, mpy_object *o)
{
    struct mpyi_dict *d = mpyi_dict(o);
    size_t left = d->refs;
    if (MPY_LIKELY(left == 2 * (size_t)d->live)) { /* none is NULL */
        left = mpyi_items_drop_short((mpy_object *const *)d->entries, left);
    }
    if (MPY_LIKELY(left == 0) && MPY_LIKELY(free_table_short(t, d))) {
        mpyi_gc_free(t, o, sizeof *d);
    } else {
        dealloc_the_long_way(t, o, left);
    }
}

static void
dict_empty(struct mpyi_thread *t, mpy_object *o)
{
    struct mpyi_dict *d = mpyi_dict(o);
    struct mpyi_dict old = *d;
    size_t i;
    mpyi_dict_reset(d, mpyi_dict_version(d) + 1);
    for (i = 0; i < mpyi_dict_used(&old); i++) {
        mpyi_xdrop(t, old.entries[i].key);
        mpyi_xdrop(t, old.entries[i].value);
    }
    mpyi_dict_free_table(t, old.entries, old.state);
}

static void
dict_free_extra(struct mpyi_thread *t, mpy_object *o)
{
    mpyi_dict_free_table(t, mpyi_dict(o)->entries, mpyi_dict(o)->state);
}

static size_t
dict_extra_size(const mpy_object *o)
{
    return mpyi_dict_table_bytes(mpyi_dict(o));
}

void
mpyi_dict_clear(struct mpyi_thread *t, struct mpyi_dict *d)
{
    struct mpyi_dict_entry *entries = d->entries;
    uint64_t state = d->state;
    size_t used = mpyi_dict_used(d);
    size_t i;
    if ((state & MPYI_DICT_VISITED) != 0) {
        mpyi_dict_secure(d);
    }
    mpyi_dict_reset(d, mpyi_dict_version(d) + 1);
    for (i = 0; i < used; i++) {
        mpy_xdecref(entries[i].key);
        mpy_xdecref(entries[i].value);
    }
    mpyi_dict_free_table(t, entries, state);
}

/* ---- the type ------------------------------------------------------------------------------- */

void
mpyi_dict_key_error(mpy_object *key)
{
    mpy_object *type = mpy_exc_type(MPY_EXC_KEY_ERROR);
    if (type == NULL) {
        return;
    }
    if (mpy_priv_has_flag(key, MPY_TF_EXCEPTION | MPY_TF_TUPLE)) {
        /* As a value it would be taken for the exception, or for the arguments of one. */
        mpy_object *exc = mpy_call(type, &key, 1, NULL);
        if (exc != NULL) {
            mpy_err_restore(exc);
            mpy_decref(exc);
        }
    } else {
        mpy_err_set_object(type, key);
    }
    mpy_decref(type);
}

static ptrdiff_t
slot_length(mpy_object *o)
{
    return (ptrdiff_t)mpyi_dict_length(o);
}

static int
slot_is_true(mpy_object *o)
{
    return mpyi_dict_length(o) != 0;
}

static mpy_object *
slot_get_item(mpy_object *o, mpy_object *key)
{
    mpy_object *value;
    if (mpyi_dict_get(mpyi_current(), o, key, &value) == 0) {
        mpyi_dict_key_error(key);
    }
    return value;
}

static int
slot_set_item(mpy_object *o, mpy_object *key, mpy_object *value)
{
    int found;
    if (value != NULL) {
        return mpyi_dict_set(mpyi_current(), o, key, value);
    }
    found = mpyi_dict_pop(mpyi_current(), o, key, NULL);
    if (found == 0) {
        mpyi_dict_key_error(key);
    }
    return found > 0 ? 0 : -1;
}

static int
slot_contains(mpy_object *o, mpy_object *key)
{
    return mpyi_dict_contains(mpyi_current(), o, key);
}

const struct mpyi_type mpyi_dict_type = {
    .head = MPYI_STATIC_HEAD(MPY_TF_DICT),
    .layout = MPYI_LAYOUT_INDIRECT,
    .id = MPY_TYPE_ID_DICT,
    .ref_offset = offsetof(struct mpyi_dict, entries),
    .count_offset = offsetof(struct mpyi_dict, refs),
    .instance_size = sizeof(struct mpyi_dict),
    .name = "dict",
    .qualname = "dict",
    .base = &mpyi_object_type,
    .dealloc = dict_dealloc,
    .empty = dict_empty,
    .extra_size = dict_extra_size,
    .free_extra = dict_free_extra,
    .slots =
        {
            .repr = mpyi_dict_slot_repr,
            .hash = mpyi_hash_unhashable,
            .compare = mpyi_dict_slot_compare,
            .is_true = slot_is_true,
            .length = slot_length,
            .get_item = slot_get_item,
            .set_item = slot_set_item,
            .contains = slot_contains,
            .iter = mpyi_iter_of_dict,
        },
};
