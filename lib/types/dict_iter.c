/* SPDX-License-Identifier: MIT */
/*
 * types/dict_iter.c - going through a dict: cursors, lists of its parts, repr and comparison.
 *
 * A walk is a scan of the dense entries, skipping deleted ones. It begins at d->first, so taking
 * the oldest entry again and again does not scan the entries deleted before it each time.
 *
 * What may run user code between two entries holds the entry it is at, and goes on by index: the
 * dict may change under it. Cursors and iterators notice that through the version.
 *
 * Lock: the runtime's.
 */
#include "types/dict_table.h"
#include "types/list.h"
#include "types/protocol.h"
#include "types/short.h"
#include "types/strwriter.h"
#include "types/tuple.h"

static int
check_dict(const char *function, const mpy_object *o)
{
    if (MPY_LIKELY(mpy_dict_check(o))) {
        return 0;
    }
    (void)mpyi_err_argument(function, "dict", "dict", o);
    return -1;
}

const struct mpyi_dict_entry *
mpyi_dict_walk(const mpy_object *o, size_t *position)
{
    const struct mpyi_dict *d = mpyi_dict(o);
    size_t used = mpyi_dict_used(d);
    size_t i = *position < d->first ? d->first : *position;
    for (; i < used; i++) {
        if (MPY_LIKELY(d->entries[i].key != NULL)) {
            *position = i + 1;
            return &d->entries[i];
        }
    }
    *position = used;
    return NULL;
}

/* bool: the cursor is at its start, or the dict has the keys it had then. Without it RuntimeError.
 */
static int
cursor_fits(const char *function, const struct mpyi_dict *d, mpy_dict_cursor *cursor)
{
    if (cursor->position == 0) {
        cursor->version = mpyi_dict_version(d);
    }
    if (MPY_LIKELY(cursor->version == mpyi_dict_version(d))) {
        return 1;
    }
    (void)mpyi_err_format(MPY_EXC_RUNTIME_ERROR, "%s(): dictionary changed size during iteration",
                          function);
    return 0;
}

/* bool: a dict and a cursor, and the lock is held. Without it an error. */
static int
check_walk(const char *function, const mpy_object *dict, const mpy_dict_cursor *cursor)
{
    if (mpyi_enter1(function, dict) == NULL) {
        return 0;
    }
    if (cursor == NULL) {
        (void)mpyi_err_argument(function, "cursor", "pointer", NULL);
        return 0;
    }
    return check_dict(function, dict) == 0;
}

static MPYI_LONG_WAY int
next_the_long_way(mpy_object *dict, mpy_dict_cursor *cursor, mpy_object **key, mpy_object **value)
{
    const struct mpyi_dict_entry *e = NULL;
    int found = -1;
    if (check_walk("mpy_dict_next", dict, cursor) &&
        cursor_fits("mpy_dict_next", mpyi_dict(dict), cursor)) {
        e = mpyi_dict_walk(dict, &cursor->position);
        found = e != NULL;
    }
    if (key != NULL) {
        *key = e != NULL ? mpy_newref(e->key) : NULL;
    }
    if (value != NULL) {
        *value = e != NULL ? mpy_newref(e->value) : NULL;
    }
    return found;
}

/* The rest of mpy_dict_next(), when counting its value takes a call. */
static MPYI_LONG_WAY int
count_the_long_way(mpy_object *value)
{
    mpy_incref(value);
    return 1;
}

/* The short way is for the entry right at the cursor. A cursor at its start has no version yet, but
   a dict with entries is past version 0. */
MPYI_HOT int
mpy_dict_next(mpy_object *dict, mpy_dict_cursor *cursor, mpy_object **key, mpy_object **value)
{
    if (MPY_LIKELY(mpyi_entry() != NULL) && MPY_LIKELY(mpy_dict_check(dict)) &&
        MPY_LIKELY(cursor != NULL)) {
        const struct mpyi_dict *d = mpyi_dict(dict);
        size_t i = cursor->position;
        if (MPY_LIKELY(cursor->version == mpyi_dict_version(d)) &&
            MPY_LIKELY(i < mpyi_dict_used(d)) && MPY_LIKELY(key != NULL)) {
            mpy_object *k = d->entries[i].key;
            mpy_object *v = d->entries[i].value;
            if (MPY_LIKELY(k != NULL) && MPY_LIKELY(mpyi_take_reference(k))) {
                *key = k;
                cursor->position = i + 1;
                if (MPY_UNLIKELY(value == NULL)) {
                    return 1;
                }
                *value = v;
                return MPY_LIKELY(mpyi_take_reference(v)) ? 1 : count_the_long_way(v);
            }
        }
    }
    return next_the_long_way(dict, cursor, key, value);
}

/* ---- lists of the parts --------------------------------------------------------------------- */

#define PART_KEY   0
#define PART_VALUE 1
#define PART_ITEM  2

static inline mpy_object *
part_of(struct mpyi_thread *t, const struct mpyi_dict_entry *e, int part)
{
    if (part == PART_ITEM) {
        return mpyi_tuple_pair(t, e->key, e->value);
    }
    return mpy_newref(part == PART_KEY ? e->key : e->value);
}

/* No user code runs between the safe point and the end: nobody can change the dict. */
static mpy_object *
list_of(const char *function, mpy_object *dict, int part)
{
    struct mpyi_thread *t = mpyi_enter1(function, dict);
    const struct mpyi_dict_entry *e;
    mpy_object *list;
    size_t position = 0;
    if (t == NULL || check_dict(function, dict) < 0) {
        return NULL;
    }
    mpyi_safe_point(t);
    list = mpyi_list_new(t, mpyi_dict_length(dict));
    if (list == NULL) {
        return NULL;
    }
    while ((e = mpyi_dict_walk(dict, &position)) != NULL) {
        mpy_object *item = part_of(t, e, part);
        if (item == NULL || mpyi_list_push(t, list, item) < 0) {
            mpy_decref(list);
            return NULL;
        }
    }
    return list;
}

mpy_object *
mpy_dict_keys(mpy_object *dict)
{
    return list_of(__func__, dict, PART_KEY);
}

mpy_object *
mpy_dict_values(mpy_object *dict)
{
    return list_of(__func__, dict, PART_VALUE);
}

mpy_object *
mpy_dict_items(mpy_object *dict)
{
    return list_of(__func__, dict, PART_ITEM);
}

/* ---- repr
 * ------------------------------------------------------------------------------------------------
 */

static int
write_entry(struct mpy_strwriter *w, const struct mpyi_dict_entry *e, int first)
{
    if ((!first && mpyi_writer_text(w, ", ") < 0) || mpyi_writer_repr(w, e->key) < 0 ||
        mpyi_writer_text(w, ": ") < 0) {
        return -1;
    }
    return mpyi_writer_repr(w, e->value);
}

static int
write_dict(struct mpy_strwriter *w, mpy_object *o)
{
    const struct mpyi_dict_entry *e;
    size_t position = 0;
    int first = 1;
    if (mpyi_writer_text(w, "{") < 0) {
        return -1;
    }
    while ((e = mpyi_dict_walk(o, &position)) != NULL) {
        struct mpyi_dict_entry held = *e;
        int result;
        mpy_incref(held.key);
        mpy_incref(held.value);
        result = write_entry(w, &held, first);
        mpy_decref(held.key);
        mpy_decref(held.value);
        if (result < 0) {
            return -1;
        }
        first = 0;
    }
    return mpyi_writer_text(w, "}");
}

mpy_object *
mpyi_dict_slot_repr(mpy_object *o)
{
    return mpyi_repr_container(o, "{...}", write_dict);
}

/* ---- comparison ----------------------------------------------------------------------------- */

/* b has an equal value under the key of this entry of a: bool. */
static int
entry_in(struct mpyi_thread *t, const struct mpyi_dict_entry *e, mpy_object *b)
{
    mpy_object *other;
    int equal = mpyi_dict_get(t, b, e->key, &other);
    if (equal > 0) {
        equal = mpyi_compare_bool(t, e->value, other, MPY_EQ);
        mpy_decref(other);
    }
    return equal;
}

/* bool. */
static int
dicts_equal(struct mpyi_thread *t, mpy_object *a, mpy_object *b)
{
    const struct mpyi_dict_entry *e;
    size_t position = 0;
    int equal = 1;
    if (mpyi_dict_length(a) != mpyi_dict_length(b)) {
        return 0;
    }
    while (equal > 0 && (e = mpyi_dict_walk(a, &position)) != NULL) {
        struct mpyi_dict_entry held = *e;
        mpy_incref(held.key);
        mpy_incref(held.value);
        equal = entry_in(t, &held, b);
        mpy_decref(held.key);
        mpy_decref(held.value);
    }
    return equal;
}

mpy_object *
mpyi_dict_slot_compare(mpy_object *a, mpy_object *b, int op)
{
    struct mpyi_thread *t = mpyi_current();
    int equal;
    if (!mpy_dict_check(a) || !mpy_dict_check(b) || (op != MPY_EQ && op != MPY_NE)) {
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
    equal = dicts_equal(t, a, b);
    return equal < 0 ? NULL : mpyi_bool_object(equal == (op == MPY_EQ));
}
