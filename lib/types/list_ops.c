/* SPDX-License-Identifier: MIT */
/*
 * types/list_ops.c - operations on whole lists, and what lists share with tuples: comparison,
 * membership, repr.
 *
 * Comparing elements may run user code that changes the very list. So the shared functions take
 * pointers to the count and to the items pointer, read both again for every element, and hold the
 * element they are at. The rest works on lists that nobody can change meanwhile.
 *
 * Lock: the runtime's.
 */
#include "types/list.h"

#include "base/bits.h"
#include "types/iter.h"
#include "types/number.h"
#include "types/protocol.h"
#include "types/strwriter.h"
#include "types/tuple.h"

/* ---- shared with tuples --------------------------------------------------------------------- */

/* a == b of two elements, held meanwhile: bool. */
static inline int
elements_equal(struct mpyi_thread *t, mpy_object *a, mpy_object *b)
{
    int equal;
    if (a == b) {
        return 1;
    }
    mpy_incref(a);
    mpy_incref(b);
    equal = mpyi_compare_bool(t, a, b, MPY_EQ);
    mpy_decref(a);
    mpy_decref(b);
    return equal;
}

mpy_object *
mpyi_sequence_compare(struct mpyi_thread *t, mpy_object **const *a, const size_t *na,
                      mpy_object **const *b, const size_t *nb, int op)
{
    mpy_object *x, *y, *answer;
    size_t i;
    if (*na != *nb && (op == MPY_EQ || op == MPY_NE)) {
        return mpyi_bool_object(op == MPY_NE);
    }
    for (i = 0; i < *na && i < *nb; i++) {
        int equal = elements_equal(t, (*a)[i], (*b)[i]);
        if (equal < 0) {
            return NULL;
        }
        if (!equal) {
            break;
        }
    }
    if (i >= *na || i >= *nb) {
        return mpyi_bool_object(mpyi_order_answers(*na < *nb ? -1 : *na > *nb, op));
    }
    if (op == MPY_EQ || op == MPY_NE) {
        return mpyi_bool_object(op == MPY_NE);
    }
    x = mpy_newref((*a)[i]);
    y = mpy_newref((*b)[i]);
    answer = mpyi_compare(t, x, y, op);
    mpy_decref(x);
    mpy_decref(y);
    return answer;
}

int
mpyi_sequence_contains(struct mpyi_thread *t, mpy_object **const *items, const size_t *n,
                       mpy_object *value)
{
    size_t i;
    for (i = 0; i < *n; i++) {
        int equal = elements_equal(t, (*items)[i], value);
        if (equal != 0) {
            return equal;
        }
    }
    return 0;
}

int
mpyi_sequence_write(struct mpy_strwriter *w, mpy_object **const *items, const size_t *n,
                    const char *open, const char *close)
{
    size_t i;
    if (mpyi_writer_text(w, open) < 0) {
        return -1;
    }
    for (i = 0; i < *n; i++) {
        mpy_object *o;
        int result;
        if (i != 0 && mpyi_writer_text(w, ", ") < 0) {
            return -1;
        }
        o = mpy_newref((*items)[i]);
        result = mpyi_writer_repr(w, o);
        mpy_decref(o);
        if (result < 0) {
            return -1;
        }
    }
    return mpyi_writer_text(w, close);
}

mpy_object *
mpyi_repr_container(mpy_object *o, const char *nested,
                    int (*write)(struct mpy_strwriter *w, mpy_object *o))
{
    struct mpyi_thread *t = mpyi_current();
    struct mpy_strwriter w;
    int inside = mpyi_repr_enter(t, o);
    int result;
    if (inside < 0) {
        return NULL;
    }
    mpyi_writer_init(&w, t);
    if (inside) {
        result = mpyi_writer_text(&w, nested);
    } else {
        result = write(&w, o);
        mpyi_repr_leave(t, o);
    }
    if (result < 0) {
        mpyi_writer_discard(&w);
        return NULL;
    }
    return mpyi_writer_finish(&w);
}

/* ---- slots of the list ---------------------------------------------------------------------- */

static int
write_list(struct mpy_strwriter *w, mpy_object *o)
{
    struct mpyi_list *list = mpyi_list(o);
    return mpyi_sequence_write(w, &list->items, &list->count, "[", "]");
}

mpy_object *
mpyi_list_slot_repr(mpy_object *o)
{
    return mpyi_repr_container(o, "[...]", write_list);
}

mpy_object *
mpyi_list_slot_compare(mpy_object *a, mpy_object *b, int op)
{
    struct mpyi_list *x, *y;
    if (!mpy_list_check(a) || !mpy_list_check(b)) {
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
    x = mpyi_list(a);
    y = mpyi_list(b);
    return mpyi_sequence_compare(mpyi_current(), &x->items, &x->count, &y->items, &y->count, op);
}

int
mpyi_list_slot_contains(mpy_object *o, mpy_object *value)
{
    struct mpyi_list *list = mpyi_list(o);
    return mpyi_sequence_contains(mpyi_current(), &list->items, &list->count, value);
}

mpy_object *
mpyi_list_slot_add(mpy_object *a, mpy_object *b)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_list *x, *y, *sum;
    if (!mpy_list_check(a) || !mpy_list_check(b)) {
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
    mpyi_safe_point(t);
    x = mpyi_list(a);
    y = mpyi_list(b);
    sum = (struct mpyi_list *)mpyi_list_new(t, x->count + y->count);
    if (sum == NULL) {
        return NULL;
    }
    if (x->count + y->count != 0) {
        mpyi_items_copy(sum->items, x->items, x->count);
        mpyi_items_copy(sum->items + x->count, y->items, y->count);
        sum->count = x->count + y->count;
    }
    return (mpy_object *)sum;
}

mpy_object *
mpyi_list_slot_multiply(mpy_object *a, mpy_object *b)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_list *list, *product;
    size_t times = 0;
    size_t count, i;
    if (!(mpy_list_check(a) && mpyi_repeat_count(b, &times)) &&
        !(mpy_list_check(b) && mpyi_repeat_count(a, &times))) {
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
    mpyi_safe_point(t);
    list = mpyi_list(mpy_list_check(a) ? a : b);
    if (!mpyi_mul_size(list->count, times, &count)) {
        return (mpy_object *)mpyi_err_no_memory();
    }
    product = (struct mpyi_list *)mpyi_list_new(t, count);
    if (product == NULL) {
        return NULL;
    }
    for (i = 0; i < count; i += list->count) {
        mpyi_items_copy(product->items + i, list->items, list->count);
    }
    product->count = count;
    return (mpy_object *)product;
}

/* ---- extend and reverse --------------------------------------------------------------------- */

/* Appends n elements of another list, of a tuple, or of the list itself. int0. */
static int
extend_by(struct mpyi_thread *t, struct mpyi_list *list, mpy_object *source)
{
    int is_list = mpy_list_check(source);
    size_t n = is_list ? mpyi_list(source)->count : mpyi_tuple_count(source);
    if (mpyi_list_grow(t, list, n) < 0) {
        return -1;
    }
    if (n != 0) {
        /* Only now: growing may have moved the items of the list itself. */
        mpy_object *const *items = is_list ? mpyi_list(source)->items : mpyi_tuple_items(source);
        mpyi_items_copy(list->items + list->count, items, n);
        list->count += n;
    }
    return 0;
}

int
mpyi_list_extend(struct mpyi_thread *t, mpy_object *o, mpy_object *iterable)
{
    mpy_object *it, *item;
    int result;
    if (mpy_list_check(iterable) || mpy_tuple_check(iterable)) {
        return extend_by(t, mpyi_list(o), iterable);
    }
    it = mpyi_iter_get(t, iterable);
    if (it == NULL) {
        return -1;
    }
    while ((result = mpyi_iter_next(t, it, &item)) > 0) {
        if (mpyi_list_push(t, o, item) < 0) {
            result = -1;
            break;
        }
    }
    mpy_decref(it);
    return result;
}

static int
check_list(const char *function, const mpy_object *o)
{
    if (MPY_LIKELY(mpy_list_check(o))) {
        return 0;
    }
    (void)mpyi_err_argument(function, "list", "list", o);
    return -1;
}

int
mpy_list_extend(mpy_object *list, mpy_object *iterable)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, list, iterable);
    if (t == NULL || check_list(__func__, list) < 0) {
        return -1;
    }
    if (!mpyi_is_iterable(iterable)) {
        (void)mpyi_err_argument(__func__, "iterable", "iterable", iterable);
        return -1;
    }
    return mpyi_list_extend(t, list, iterable);
}

int
mpy_list_reverse(mpy_object *o)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, o);
    mpy_object **low, **high;
    if (t == NULL || check_list(__func__, o) < 0) {
        return -1;
    }
    if (mpyi_list(o)->count < 2) {
        return 0;
    }
    low = mpyi_list(o)->items;
    for (high = low + mpyi_list(o)->count - 1; low < high; low++, high--) {
        mpy_object *swap = *low;
        *low = *high;
        *high = swap;
    }
    return 0;
}
