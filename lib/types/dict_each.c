/* SPDX-License-Identifier: MIT */
/*
 * types/dict_each.c - mpy_dict_each(): going through a dict without counting a reference.
 *
 * To count the keys of a large dict is to read and write every one of them, which takes longer than
 * the walk itself. So the callback is lent the dict's own references. They are good while the dict
 * keeps them; before anybody takes one out (a value replaced, a key deleted, the dict cleared) or
 * moves the entries, the visit gets references of its own:
 *
 *   rt->dict_visits --> visit --> visit ...    those that lend, of any thread; one a dict at most
 *   dict->state & VISITED                      the visit of this dict has lent an entry
 *
 * mpyi_dict_secure() counts what is lent and takes the bit away; the visit sets it again after the
 * callback. So the loop needs one compare of the dict's state with what it was, for "secured",
 * "keys came or went" and "the table moved"; whatever of that happened is sorted out on the slow
 * path. A dict that has such a visit is visited by others with references from the start: they must
 * not touch the bit.
 *
 * Invariant: VISITED is set when, and only when, a visit in the list has lent an entry; nobody else
 * runs while it is set and nothing is lent.
 *
 * Lock: the runtime's. A callback may let other threads have it: they secure like everybody else.
 */
#include "types/dict_table.h"

struct mpyi_dict_visit {
    struct mpyi_dict_visit *next;
    struct mpyi_dict *dict;
    const struct mpyi_dict_entry *lent; /* the callback has its key and value; NULL: secured */
    struct mpyi_dict_entry held;        /* the same as references of the visit, or NULL */
};

/* The visit of d that lends, or NULL. */
static struct mpyi_dict_visit *
lender_of(const struct mpyi_thread *t, const struct mpyi_dict *d)
{
    struct mpyi_dict_visit *v = t->rt->dict_visits;
    while (v != NULL && v->dict != d) {
        v = v->next;
    }
    return v;
}

void
mpyi_dict_secure(struct mpyi_dict *d)
{
    struct mpyi_dict_visit *v = lender_of(mpyi_current(), d);
    MPY_ASSERT(v != NULL && v->lent != NULL && v->held.key == NULL);
    v->held = *v->lent;
    v->lent = NULL;
    mpy_incref(v->held.key);
    mpy_incref(v->held.value);
    d->state &= ~MPYI_DICT_VISITED;
}

/* ---- the walk that lends -------------------------------------------------------------------- */

static void
begin(struct mpyi_thread *t, struct mpyi_dict_visit *v, struct mpyi_dict *d)
{
    v->dict = d;
    v->lent = NULL;
    v->held.key = NULL;
    v->held.value = NULL;
    v->next = t->rt->dict_visits;
    t->rt->dict_visits = v;
}

/* Visits of several threads need not end in the reverse order of their beginnings. */
static void
end(struct mpyi_thread *t, const struct mpyi_dict_visit *v)
{
    struct mpyi_dict_visit **link = &t->rt->dict_visits;
    while (*link != v) {
        link = &(*link)->next;
    }
    *link = v->next;
    v->dict->state &= ~MPYI_DICT_VISITED;
}

/* After a callback that returned 0: 0 when the dict has its keys still, or else an error. */
static int
check_version(const struct mpyi_dict *d, uint64_t version)
{
    if (MPY_LIKELY(mpyi_dict_version(d) == version)) {
        return 0;
    }
    (void)mpyi_err_set(MPY_EXC_RUNTIME_ERROR,
                       "mpy_dict_each(): dictionary changed size during iteration");
    return -1;
}

/* The callback had the dict changed, whose state it was. What the walk returns: 0 when it may go
   on, and then that is the state again. (U) */
static __attribute__((cold, noinline)) int
after_change(struct mpyi_dict_visit *v, uint64_t state, int result)
{
    v->lent = NULL;
    v->dict->state &= ~MPYI_DICT_VISITED;
    mpy_clear(&v->held.key);
    mpy_clear(&v->held.value);
    if (result == 0) {
        result = check_version(v->dict, state >> 16);
    }
    if (result == 0) {
        v->dict->state = state;
    }
    return result;
}

static MPYI_HOT __attribute__((noinline)) int
walk_lending(struct mpyi_dict_visit *v, mpy_dict_visit_fn fn, void *data)
{
    struct mpyi_dict *d = v->dict;
    const struct mpyi_dict_entry *e = d->entries + d->first;
    const struct mpyi_dict_entry *last = d->entries + mpyi_dict_used(d);
    uint64_t state = d->state | MPYI_DICT_VISITED;
    int result = 0;
    d->state = state;
    for (; e < last; e++) {
        if (MPY_UNLIKELY(e->key == NULL)) {
            continue;
        }
        v->lent = e;
        result = fn(data, e->key, e->value);
        if (MPY_UNLIKELY(d->state != state)) {
            result = after_change(v, state, result);
        }
        if (MPY_UNLIKELY(result != 0)) {
            break;
        }
    }
    return result;
}

/* ---- the walk that counts ------------------------------------------------------------------- */

static int
walk_counting(struct mpyi_dict *d, mpy_dict_visit_fn fn, void *data)
{
    uint64_t version = mpyi_dict_version(d);
    const struct mpyi_dict_entry *e;
    size_t position = 0;
    int result = 0;
    while (result == 0 && (e = mpyi_dict_walk((mpy_object *)d, &position)) != NULL) {
        struct mpyi_dict_entry held = *e;
        mpy_incref(held.key);
        mpy_incref(held.value);
        result = fn(data, held.key, held.value);
        mpy_decref(held.key);
        mpy_decref(held.value);
        if (result == 0) {
            result = check_version(d, version);
        }
    }
    return result;
}

int
mpy_dict_each(mpy_object *dict, mpy_dict_visit_fn fn, void *data)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, dict);
    struct mpyi_dict_visit v;
    int result;
    if (t == NULL) {
        return -1;
    }
    if (!mpy_dict_check(dict)) {
        (void)mpyi_err_argument(__func__, "dict", "dict", dict);
        return -1;
    }
    if (fn == NULL) {
        (void)mpyi_err_argument(__func__, "fn", "function", NULL);
        return -1;
    }
    if (mpyi_depth_enter(t, __func__) < 0) {
        return -1;
    }
    mpy_incref(dict);
    if (lender_of(t, mpyi_dict(dict)) == NULL) {
        begin(t, &v, mpyi_dict(dict));
        result = walk_lending(&v, fn, data);
        end(t, &v);
    } else {
        result = walk_counting(mpyi_dict(dict), fn, data);
    }
    mpy_decref(dict);
    mpyi_depth_leave(t);
    return result < 0 ? -1 : result != 0;
}
