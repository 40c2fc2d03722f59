/* SPDX-License-Identifier: MIT */
/*
 * types/call_tuple.c - calls with arguments in a tuple and a dict, and C recursion of the host.
 *
 * The elements of the tuple and the values of the dict become one array, the keys a tuple of names:
 * the calling convention of minipy/call.h. The callee may change the dict, so its values are held
 * meanwhile; a tuple never changes, and the caller holds it.
 *
 * Lock: the runtime's.
 */
#include "types/call.h"
#include "types/dict.h"
#include "types/str.h"
#include "types/tuple.h"

/* The names of a dict as a tuple; its values go to `values`, each a new reference. */
static mpy_object *
split_keywords(struct mpyi_thread *t, const char *function, mpy_object *kwargs, mpy_object **values,
               size_t n)
{
    const struct mpyi_dict_entry *entry;
    mpy_object *names = mpyi_tuple_alloc(t, n);
    size_t position = 0;
    size_t i;

    if (names == NULL) {
        return NULL;
    }
    for (i = 0; (entry = mpyi_dict_walk(kwargs, &position)) != NULL; i++) {
        if (!mpyi_is_str(entry->key)) {
            (void)mpyi_err_argument(function, "kwargs", "dict with str keys", entry->key);
            break;
        }
        mpyi_tuple_items(names)[i] = mpy_newref(entry->key);
        values[i] = mpy_newref(entry->value);
    }
    if (entry != NULL) {
        mpy_decref_many(mpyi_tuple_items(names), i);
        mpy_decref_many(values, i);
        mpyi_tuple_discard(t, names);
        return NULL;
    }
    mpyi_tuple_finish(t, names);
    return names;
}

static mpy_object *
call_with_keywords(struct mpyi_thread *t, const char *function, mpy_object *callable,
                   mpy_object *args, mpy_object *kwargs)
{
    size_t nargs = mpyi_tuple_count(args);
    size_t nkw = mpyi_dict_length(kwargs);
    size_t bytes = sizeof(mpy_object *) * (nargs + nkw); /* both fit: the objects exist */
    mpy_object **all = mpyi_array_alloc(t->heap, bytes);
    mpy_object *names;
    mpy_object *result = NULL;

    if (all == NULL) {
        return mpyi_err_no_memory();
    }
    names = split_keywords(t, function, kwargs, all + nargs, nkw);
    if (names != NULL) {
        memcpy(all, mpyi_tuple_items(args), sizeof *all * nargs);
        result = mpyi_call(t, function, callable, all, nargs, names);
        mpy_decref_many(all + nargs, nkw);
        mpy_decref(names);
    }
    mpyi_array_free(t->heap, all, bytes);
    return result;
}

mpy_object *
mpy_call_tuple(mpy_object *callable, mpy_object *args, mpy_object *kwargs)
{
    struct mpyi_thread *t = mpyi_enter3(__func__, callable, args, kwargs);
    if (t == NULL) {
        return NULL;
    }
    if (callable == NULL) {
        return mpyi_err_argument(__func__, "callable", "object", NULL);
    }
    if (!mpy_tuple_check(args)) {
        return mpyi_err_argument(__func__, "args", "tuple", args);
    }
    if (kwargs != NULL && !mpy_dict_check(kwargs)) {
        return mpyi_err_argument(__func__, "kwargs", "dict", kwargs);
    }
    if (kwargs != NULL && mpyi_dict_length(kwargs) != 0) {
        return call_with_keywords(t, __func__, callable, args, kwargs);
    }
    return mpyi_call(t, __func__, callable, mpyi_tuple_items(args), mpyi_tuple_count(args), NULL);
}

/* ---- recursion of the host
 * ------------------------------------------------------------------------ */

int
mpy_recursion_enter(const char *where)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    if (t == NULL) {
        return -1;
    }
    return mpyi_depth_enter(t, where != NULL ? where : __func__);
}

void
mpy_recursion_leave(void)
{
    struct mpyi_thread *t = mpyi_enter_any(__func__);
    if (t != NULL && t->depth != 0) {
        mpyi_depth_leave(t);
    }
}
