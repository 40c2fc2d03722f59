/* SPDX-License-Identifier: MIT */
/*
 * types/iter.c - iterators over the built-in sources, and the iteration protocol.
 *
 * An iterator is a source and a position; next_of() finds the element by the iterator's kind. The
 * source may change between two elements, as in Python:
 *
 *   list       the position is compared with the length each time: elements appended meanwhile are
 *              seen, a list that became shorter ends the iteration
 *   dict       RuntimeError when keys came or went since the start, each time it is asked
 *   sequence   get_item() of a host type until IndexError or StopIteration
 *   others     are constant
 *
 * At the end the iterator lets go of its source and stays at the end.
 *
 * A type can be iterated when it has an `iter` slot, or get_item and no iter. It is an iterator
 * when it has a `next` slot. mpyi_iter_get() checks that what a host's iter slot returns is one.
 *
 * mpy_iter_each() goes through lists, tuples and ranges without making an iterator.
 *
 * Lock: the runtime's.
 */
#include "types/iter.h"

#include "minipy/err.h"

#include "types/bytes.h"
#include "types/dict.h"
#include "types/list.h"
#include "types/number.h"
#include "types/protocol.h"
#include "types/short.h"
#include "types/str.h"
#include "types/tuple.h"
#include "types/utf8.h"

/* ---- life ----------------------------------------------------------------------------------- */

static inline struct mpyi_iter *
iter_of(const mpy_object *o)
{
    return (struct mpyi_iter *)(uintptr_t)o;
}

mpy_object *
mpyi_iter_new(struct mpyi_thread *t, mpy_object *source, uint32_t kind)
{
    struct mpyi_iter *it =
        (struct mpyi_iter *)mpyi_gc_new(t, &mpyi_iterator_type, sizeof(struct mpyi_iter));
    if (MPY_UNLIKELY(it == NULL)) {
        return NULL;
    }
    mpy_incref(source);
    it->source = source;
    it->position = 0;
    it->version = 0;
    it->kind = kind;
    it->reserved = 0;
    mpyi_gc_track(t, (mpy_object *)it);
    return (mpy_object *)it;
}

static void
iter_dealloc(struct mpyi_thread *t, mpy_object *o)
{
    mpyi_xdrop(t, iter_of(o)->source);
    mpyi_gc_free(t, o, sizeof(struct mpyi_iter));
}

static void
iter_empty(struct mpyi_thread *t, mpy_object *o)
{
    mpy_object *source = iter_of(o)->source;
    iter_of(o)->source = NULL;
    mpyi_xdrop(t, source);
}

/* ---- `iter` slots --------------------------------------------------------------------------- */

static mpy_object *
new_over(mpy_object *o, uint32_t kind)
{
    struct mpyi_thread *t = mpyi_current();
    mpyi_safe_point(t);
    return mpyi_iter_new(t, o, kind);
}

mpy_object *
mpyi_iter_of_list(mpy_object *o)
{
    return new_over(o, MPYI_ITER_LIST);
}

mpy_object *
mpyi_iter_of_tuple(mpy_object *o)
{
    return new_over(o, MPYI_ITER_TUPLE);
}

mpy_object *
mpyi_iter_of_dict(mpy_object *o)
{
    mpy_object *it = new_over(o, MPYI_ITER_DICT);
    if (it != NULL) {
        iter_of(it)->version = mpyi_dict_version(mpyi_dict(o));
    }
    return it;
}

mpy_object *
mpyi_iter_of_str(mpy_object *o)
{
    return new_over(o, MPYI_ITER_STR);
}

mpy_object *
mpyi_iter_of_bytes(mpy_object *o)
{
    return new_over(o, MPYI_ITER_BYTES);
}

mpy_object *
mpyi_iter_of_range(mpy_object *o)
{
    return new_over(o, MPYI_ITER_RANGE);
}

/* ---- the next element ----------------------------------------------------------------------- */

/* found, for all of these: 0 means the end. */

static int
next_of_dict(struct mpyi_iter *it, mpy_object **out)
{
    const struct mpyi_dict_entry *e;
    if (MPY_UNLIKELY(it->version != mpyi_dict_version(mpyi_dict(it->source)))) {
        (void)mpyi_err_set(MPY_EXC_RUNTIME_ERROR,
                           "mpy_iter_next(): dictionary changed size during iteration");
        return -1;
    }
    e = mpyi_dict_walk(it->source, &it->position);
    if (e == NULL) {
        return 0;
    }
    *out = mpy_newref(e->key);
    return 1;
}

static int
next_of_str(struct mpyi_thread *t, struct mpyi_iter *it, mpy_object **out)
{
    const struct mpyi_str *s = mpyi_str_of(it->source);
    const char *at = mpyi_str_data(s) + it->position;
    size_t width;
    if (it->position >= mpyi_str_size(s)) {
        return 0;
    }
    if ((unsigned char)*at < 0x80) {
        *out = mpyi_str_object(mpyi_str_ascii_char((unsigned char)*at));
        it->position++;
        return 1;
    }
    *out = mpyi_str_from_code(t, mpyi_utf8_decode(at, &width));
    if (*out == NULL) {
        return -1;
    }
    it->position += width;
    return 1;
}

static int
next_of_bytes(struct mpyi_iter *it, mpy_object **out)
{
    const struct mpyi_bytes *b = mpyi_bytes_of(it->source);
    if (it->position >= b->size) {
        return 0;
    }
    *out = mpy_int_from_i64(mpyi_bytes_data(b)[it->position]);
    it->position++;
    return 1;
}

static int
next_of_range(struct mpyi_iter *it, mpy_object **out)
{
    const struct mpyi_range *r = mpyi_range(it->source);
    if (it->position >= r->count) {
        return 0;
    }
    *out = mpyi_int_new("mpy_iter_next", mpyi_range_at(r, it->position));
    if (*out == NULL) {
        return -1;
    }
    it->position++;
    return 1;
}

static int
next_of_sequence(struct mpyi_iter *it, mpy_object **out)
{
    mpy_object *source = mpy_newref(it->source);
    mpy_object *index = mpyi_int_new("mpy_iter_next", (int64_t)it->position);
    int found = -1;
    if (index != NULL) {
        *out = mpy_object_get_item(source, index);
        if (*out != NULL) {
            it->position++;
            found = 1;
        } else if (mpy_err_matches_code(MPY_EXC_INDEX_ERROR) ||
                   mpy_err_matches_code(MPY_EXC_STOP_ITERATION)) {
            mpy_err_clear();
            found = 0;
        }
    }
    mpy_decref(source);
    return found;
}

/* The kinds that are neither list nor tuple. */
static __attribute__((noinline)) int
next_of_other(struct mpyi_thread *t, struct mpyi_iter *it, mpy_object **out)
{
    switch (it->kind) {
    case MPYI_ITER_DICT:
        return next_of_dict(it, out);
    case MPYI_ITER_STR:
        return next_of_str(t, it, out);
    case MPYI_ITER_BYTES:
        return next_of_bytes(it, out);
    case MPYI_ITER_RANGE:
        return next_of_range(it, out);
    default:
        return next_of_sequence(it, out);
    }
}

static inline int
next_of(struct mpyi_thread *t, struct mpyi_iter *it, mpy_object **out)
{
    int found = 0;
    *out = NULL;
    if (MPY_UNLIKELY(it->source == NULL)) {
        return 0;
    }
    if (MPY_LIKELY(it->kind <= MPYI_ITER_TUPLE)) {
        int is_list = it->kind == MPYI_ITER_LIST;
        size_t n = is_list ? mpyi_list(it->source)->count : mpyi_tuple_count(it->source);
        if (MPY_LIKELY(it->position < n)) {
            mpy_object *const *items =
                is_list ? mpyi_list(it->source)->items : mpyi_tuple_items(it->source);
            *out = mpy_newref(items[it->position]);
            it->position++;
            return 1;
        }
    } else {
        found = next_of_other(t, it, out);
    }
    if (found == 0) {
        mpy_clear(&it->source);
    }
    return found;
}

/* ---- the protocol --------------------------------------------------------------------------- */

mpy_object *
mpyi_iter_get(struct mpyi_thread *t, mpy_object *o)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    mpy_object *it;
    if (type->slots.iter == NULL) {
        if (type->slots.next != NULL) {
            return mpy_newref(o);
        }
        if (type->slots.get_item != NULL) {
            return new_over(o, MPYI_ITER_SEQUENCE);
        }
        return (mpy_object *)mpyi_err_argument("mpy_iter_get", "o", "iterable", o);
    }
    if (mpyi_depth_enter(t, "mpy_iter_get") < 0) {
        return NULL;
    }
    it = type->slots.iter(o);
    mpyi_depth_leave(t);
    if (MPY_UNLIKELY(it == NULL)) {
        (void)mpyi_err_slot(t, "mpy_iter_get", "iter", o);
        return NULL;
    }
    if (MPY_UNLIKELY(mpyi_type_of(it)->slots.next == NULL)) {
        (void)mpyi_err_format(MPY_EXC_TYPE_ERROR,
                              "mpy_iter_get(): iter of '%s' returned '%s', which is no iterator",
                              mpyi_type_name_of(o), mpyi_type_name_of(it));
        mpy_decref(it);
        return NULL;
    }
    return it;
}

int
mpyi_iter_next(struct mpyi_thread *t, mpy_object *it, mpy_object **out)
{
    const struct mpyi_type *type = mpyi_type_of(it);
    int found;
    if (MPY_LIKELY(type == &mpyi_iterator_type)) {
        return next_of(t, iter_of(it), out);
    }
    *out = NULL;
    if (type->slots.next == NULL) {
        (void)mpyi_err_argument("mpy_iter_next", "it", "iterator", it);
        return -1;
    }
    if (mpyi_depth_enter(t, "mpy_iter_next") < 0) {
        return -1;
    }
    found = type->slots.next(it, out);
    mpyi_depth_leave(t);
    if (MPY_UNLIKELY((found > 0) != (*out != NULL))) {
        mpy_clear(out); /* an element it did not tell of; or it found one and gave none */
        found = found == 0 ? 0 : -1;
    }
    return found < 0 ? mpyi_err_slot(t, "mpy_iter_next", "next", it) : found != 0;
}

mpy_object *
mpy_iter_get(mpy_object *o)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, o);
    if (t == NULL) {
        return NULL;
    }
    return o != NULL ? mpyi_iter_get(t, o)
                     : (mpy_object *)mpyi_err_argument(__func__, "o", "iterable", NULL);
}

static MPYI_LONG_WAY int
next_the_long_way(mpy_object *it, mpy_object **out)
{
    struct mpyi_thread *t = mpyi_enter1("mpy_iter_next", it);
    if (t == NULL || it == NULL || out == NULL) {
        if (out != NULL) {
            *out = NULL;
        }
        if (t != NULL) {
            (void)mpyi_err_argument("mpy_iter_next", out == NULL ? "out" : "it",
                                    out == NULL ? "pointer" : "iterator", NULL);
        }
        return -1;
    }
    return mpyi_iter_next(t, it, out);
}

/* The short way is for elements of lists. */
MPYI_HOT int
mpy_iter_next(mpy_object *o, mpy_object **out)
{
    if (MPY_LIKELY(mpyi_entry() != NULL) && MPY_LIKELY(o != NULL) && mpy_priv_is_heap(o) &&
        MPY_LIKELY(out != NULL) && mpyi_head(o)->type == &mpyi_iterator_type.head) {
        struct mpyi_iter *it = iter_of(o);
        mpy_object *source = it->source;
        size_t i = it->position;
        if (source != NULL && it->kind == MPYI_ITER_LIST && i < mpyi_list(source)->count) {
            mpy_object *item = mpyi_list(source)->items[i];
            if (MPY_LIKELY(mpyi_take_reference(item))) {
                *out = item;
                it->position = i + 1;
                return 1;
            }
        }
    }
    return next_the_long_way(o, out);
}

int
mpy_iter_check(mpy_object *o)
{
    if (mpyi_enter1(__func__, o) == NULL) {
        return -1;
    }
    if (o == NULL) {
        (void)mpyi_err_argument(__func__, "o", "object", NULL);
        return -1;
    }
    return mpyi_type_of(o)->slots.next != NULL;
}

/* ---- visiting each element ------------------------------------------------------------------ */

/* Calls fn with an element that is held meanwhile. 0: go on. */
static inline int
visit(mpy_iter_visit_fn fn, void *data, mpy_object *owned)
{
    int result = fn(data, owned);
    mpy_decref(owned);
    return result;
}

static int
each_of_range(const struct mpyi_range *r, mpy_iter_visit_fn fn, void *data)
{
    uint64_t i;
    int result = 0;
    for (i = 0; result == 0 && i < r->count; i++) {
        mpy_object *item = mpyi_int_new("mpy_iter_each", mpyi_range_at(r, i));
        result = item != NULL ? fn(data, item) : -1;
    }
    return result;
}

static int
each_of_sequence(mpy_object *o, mpy_iter_visit_fn fn, void *data)
{
    size_t i;
    int result = 0;
    if (mpy_list_check(o)) {
        const struct mpyi_list *list = mpyi_list(o);
        for (i = 0; result == 0 && i < list->count; i++) {
            result = visit(fn, data, mpy_newref(list->items[i]));
        }
    } else {
        mpy_object *const *items = mpyi_tuple_items(o);
        size_t n = mpyi_tuple_count(o);
        for (i = 0; result == 0 && i < n; i++) {
            result = fn(data, items[i]);
        }
    }
    return result;
}

static int
each_by_iterator(struct mpyi_thread *t, mpy_object *o, mpy_iter_visit_fn fn, void *data)
{
    mpy_object *it = mpyi_iter_get(t, o);
    mpy_object *item;
    int result;
    if (it == NULL) {
        return -1;
    }
    while ((result = mpyi_iter_next(t, it, &item)) > 0) {
        result = visit(fn, data, item);
        if (result != 0) {
            break;
        }
    }
    mpy_decref(it);
    return result;
}

int
mpy_iter_each(mpy_object *o, mpy_iter_visit_fn fn, void *data)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, o);
    int result;
    if (t == NULL) {
        return -1;
    }
    if (!mpyi_is_iterable(o)) {
        (void)mpyi_err_argument(__func__, "o", "iterable", o);
        return -1;
    }
    if (fn == NULL) {
        (void)mpyi_err_argument(__func__, "fn", "function", NULL);
        return -1;
    }
    if (mpyi_depth_enter(t, __func__) < 0) {
        return -1;
    }
    mpy_incref(o);
    if (mpy_list_check(o) || mpy_tuple_check(o)) {
        result = each_of_sequence(o, fn, data);
    } else if (mpy_priv_has_flag(o, MPY_TF_RANGE)) {
        result = each_of_range(mpyi_range(o), fn, data);
    } else {
        result = each_by_iterator(t, o, fn, data);
    }
    mpy_decref(o);
    mpyi_depth_leave(t);
    return result < 0 ? -1 : result != 0;
}

/* ---- the type
 * -----------------------------------------------------------------------------------------------
 */

static mpy_object *
slot_iter(mpy_object *o)
{
    return mpy_newref(o);
}

static int
slot_next(mpy_object *o, mpy_object **out)
{
    return next_of(mpyi_current(), iter_of(o), out);
}

const struct mpyi_type mpyi_iterator_type = {
    .head = MPYI_STATIC_HEAD(0),
    .layout = MPYI_LAYOUT_FIXED,
    .id = MPY_TYPE_ID_ITERATOR,
    .ref_offset = offsetof(struct mpyi_iter, source),
    .ref_count = 1,
    .instance_size = sizeof(struct mpyi_iter),
    .name = "iterator",
    .qualname = "iterator",
    .base = &mpyi_object_type,
    .dealloc = iter_dealloc,
    .empty = iter_empty,
    .slots =
        {
            .iter = slot_iter,
            .next = slot_next,
        },
};
