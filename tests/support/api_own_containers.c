/* SPDX-License-Identifier: MIT */
/*
 * support/api_own_containers.c - who owns what: list.h, tuple.h, dict.h and iter.h.
 */
#include "support/api_own.h"

/* ---- list.h, tuple.h, dict.h, iter.h -------------------------------------------------------- */

static void
own_list(struct api_world *w)
{
    mpy_object *x = fresh(), *y = fresh(), *pair[2] = {x, y}, *list, *r, *out[3];

    (void)w;
    list = api_good(mpy_list_from_array(pair, 2));
    REFS(list, 1);
    REFS(x, 2);
    r = api_good(mpy_list_get(list, 0));
    assert_ptr_equal(r, x);
    REFS(x, 3);
    mpy_decref(r);
    assert_int_equal(mpy_list_copy_out(list, 0, 3, out), 2);
    REFS(x, 3);
    REFS(y, 3);
    mpy_decref_many(out, 2);
    api_done(mpy_list_set(list, 0, y));
    REFS(x, 1);
    REFS(y, 3);
    api_done(mpy_list_set(list, 0, y));
    REFS(y, 3);
    api_done(mpy_list_insert(list, 1, x));
    api_done(mpy_list_append(list, x));
    REFS(x, 3);
    api_done(mpy_list_reverse(list));
    REFS(x, 3);
    REFS(y, 3);
    r = api_good(mpy_list_get_slice(list, 1, 4));
    REFS(r, 1);
    REFS(x, 4);
    REFS(y, 5);
    mpy_decref(r);
    r = api_good(mpy_list_as_tuple(list));
    REFS(r, 1);
    REFS(x, 5);
    mpy_decref(r);
    api_done(mpy_list_extend(list, list));
    REFS(list, 1);
    REFS(x, 5);
    REFS(y, 5);
    r = api_good(mpy_list_pop(list, -1));
    assert_ptr_equal(r, y);
    REFS(y, 5);
    mpy_decref(r);
    r = api_good(mpy_list_pop(list, 0));
    assert_ptr_equal(r, x);
    REFS(x, 5);
    mpy_decref(r);
    api_done(mpy_list_clear(list));
    REFS(x, 1);
    REFS(y, 1);
    api_done(mpy_list_length(list));
    api_done(mpy_list_append(list, x));
    mpy_decref(list);
    REFS(x, 1);
    mpy_decref(x);
    mpy_decref(y);
}

static void
own_tuple(struct api_world *w)
{
    mpy_object *x = fresh(), *y = fresh(), *pair[2] = {x, y}, *tuple, *r;

    (void)w;
    tuple = api_good(mpy_tuple_from_array(pair, 2));
    REFS(tuple, 1);
    REFS(x, 2);
    r = api_good(mpy_tuple_get(tuple, 1));
    assert_ptr_equal(r, y);
    REFS(y, 3);
    mpy_decref(r);
    r = api_good(mpy_tuple_pack(3, x, x, y));
    REFS(r, 1);
    REFS(x, 4);
    mpy_decref(r);
    api_done(mpy_tuple_length(tuple));
    mpy_decref(tuple);
    REFS(x, 1);
    REFS(y, 1);
    r = api_good(mpy_tuple_from_array(NULL, 0));
    REFS(r, MPY_PRIV_REFCNT_IMMORTAL);
    assert_ptr_equal(r, mpy_tuple_pack(0));
    mpy_decref(x);
    mpy_decref(y);
}

static void
own_dict(struct api_world *w)
{
    mpy_object *dict = api_make(w, API_NO_DICT), *key = fresh_str(), *same = fresh_str();
    mpy_object *x = fresh(), *y = fresh(), *out;

    api_done(mpy_dict_set(dict, key, x));
    REFS(key, 2);
    REFS(x, 2);
    assert_int_equal(mpy_dict_get(dict, same, &out), 1);
    assert_ptr_equal(out, x);
    REFS(x, 3);
    REFS(same, 1);
    mpy_decref(out);
    api_done(mpy_dict_set(dict, same, y));
    REFS(same, 1);
    REFS(key, 2);
    REFS(x, 1);
    REFS(y, 2);
    assert_int_equal(mpy_dict_contains(dict, same), 1);
    assert_int_equal(mpy_dict_set_default(dict, same, x, &out), 1);
    assert_ptr_equal(out, y);
    REFS(y, 3);
    REFS(x, 1);
    mpy_decref(out);
    assert_int_equal(mpy_dict_set_default(dict, same, x, NULL), 1);
    REFS(y, 2);
    api_done(mpy_dict_del(dict, same));
    REFS(key, 1);
    REFS(y, 1);
    assert_int_equal(mpy_dict_set_default(dict, key, x, &out), 0);
    assert_ptr_equal(out, x);
    REFS(x, 3);
    REFS(key, 2);
    mpy_decref(out);
    assert_int_equal(mpy_dict_pop(dict, same, &out), 1);
    assert_ptr_equal(out, x);
    REFS(x, 2);
    REFS(key, 1);
    mpy_decref(out);
    assert_int_equal(mpy_dict_set_default(dict, key, y, NULL), 0);
    REFS(y, 2);
    assert_int_equal(mpy_dict_pop(dict, same, NULL), 1);
    REFS(y, 1);
    REFS(key, 1);
    assert_int_equal(mpy_dict_pop(dict, same, &out), 0);
    assert_null(out);
    assert_int_equal(mpy_dict_get(dict, same, &out), 0);
    assert_null(out);
    REFS(dict, 1);
    mpy_decref(dict);
    mpy_decref(key);
    mpy_decref(same);
    mpy_decref(x);
    mpy_decref(y);
}

struct entry {
    mpy_object *key, *value;
};

/* Nothing is counted for the callback. */
static int
see_entry(void *data, mpy_object *key, mpy_object *value)
{
    struct entry *e = data;
    assert_ptr_equal(key, e->key);
    assert_ptr_equal(value, e->value);
    REFS(key, 2);
    REFS(value, 2);
    return 1;
}

static void
own_dict_views(struct api_world *w)
{
    mpy_object *dict = api_make(w, API_NO_DICT), *key = fresh_str(), *x = fresh();
    mpy_object *k, *v, *r, *item, *copy;
    mpy_dict_cursor cursor = MPY_DICT_START;

    api_done(mpy_dict_set(dict, key, x));
    assert_int_equal(mpy_dict_next(dict, &cursor, &k, &v), 1);
    assert_ptr_equal(k, key);
    assert_ptr_equal(v, x);
    REFS(key, 3);
    REFS(x, 3);
    mpy_decref(k);
    mpy_decref(v);
    assert_int_equal(mpy_dict_next(dict, &cursor, &k, &v), 0);
    cursor = (mpy_dict_cursor)MPY_DICT_START;
    assert_int_equal(mpy_dict_next(dict, &cursor, NULL, NULL), 1);
    REFS(key, 2);
    REFS(x, 2);
    struct entry only = {key, x};
    assert_int_equal(mpy_dict_each(dict, see_entry, &only), 1);
    REFS(key, 2);
    REFS(x, 2);
    r = api_good(mpy_dict_keys(dict));
    REFS(r, 1);
    REFS(key, 3);
    mpy_decref(r);
    r = api_good(mpy_dict_values(dict));
    REFS(r, 1);
    REFS(x, 3);
    mpy_decref(r);
    r = api_good(mpy_dict_items(dict));
    item = api_good(mpy_list_get(r, 0));
    REFS(item, 2);
    mpy_decref(r);
    REFS(item, 1);
    REFS(key, 3);
    REFS(x, 3);
    mpy_decref(item);
    copy = api_good(mpy_dict_copy(dict));
    REFS(copy, 1);
    REFS(key, 3);
    REFS(x, 3);
    api_done(mpy_dict_update(copy, dict));
    REFS(key, 3);
    REFS(x, 3);
    api_done(mpy_dict_clear(copy));
    REFS(key, 2);
    REFS(x, 2);
    api_done(mpy_dict_update(copy, dict));
    REFS(x, 3);
    mpy_decref(copy);
    api_done(mpy_dict_set_utf8(dict, "k", x));
    REFS(x, 3);
    assert_int_equal(mpy_dict_get_utf8(dict, "k", &v), 1);
    REFS(x, 4);
    mpy_decref(v);
    mpy_decref(dict);
    REFS(key, 1);
    REFS(x, 1);
    mpy_decref(key);
    mpy_decref(x);
}

static int
see_borrowed(void *data, mpy_object *item)
{
    size_t *seen = data;
    *seen = mpy_refcount(item);
    return 0;
}

static void
own_iter(struct api_world *w)
{
    mpy_object *x = fresh(), *list = api_good(mpy_list_from_array(&x, 1)), *it, *same, *out;
    size_t seen = 0;

    (void)w;
    it = api_good(mpy_iter_get(list));
    REFS(it, 1);
    REFS(list, 2);
    same = api_good(mpy_iter_get(it));
    assert_ptr_equal(same, it);
    REFS(it, 2);
    mpy_decref(same);
    assert_int_equal(mpy_iter_check(it), 1);
    assert_int_equal(mpy_iter_next(it, &out), 1);
    assert_ptr_equal(out, x);
    REFS(x, 3);
    mpy_decref(out);
    assert_int_equal(mpy_iter_next(it, &out), 0);
    assert_null(out);
    mpy_decref(it);
    REFS(list, 1);
    assert_int_equal(mpy_iter_each(list, see_borrowed, &seen), 0);
    assert_in_range(seen, 2, 3);
    REFS(list, 1);
    REFS(x, 2);
    drop_new(mpy_iter_range(0, 1000, 7));
    mpy_decref(list);
    REFS(x, 1);
    mpy_decref(x);
}

/* An iterator dropped half way, over every kind of container. */
static void
own_iter_dropped(struct api_world *w)
{
    static const int kinds[] = {API_LIST, API_TUPLE, API_DICT, API_STR, API_BYTES, API_RANGE};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        mpy_object *o = api_make(w, kinds[i]), *it = api_good(mpy_iter_get(o)), *out;
        size_t refs = mpy_refcount(o);
        assert_int_equal(mpy_iter_next(it, &out), 1);
        mpy_decref(out);
        REFS(o, refs);
        mpy_decref(it);
        REFS(o, 1);
        mpy_decref(o);
    }
}

const struct own_case api_own_containers[] = {
    {own_list, "mpy_list_new mpy_list_from_array mpy_list_length mpy_list_get mpy_list_copy_out "
               "mpy_list_set mpy_list_insert mpy_list_append mpy_list_extend mpy_list_pop "
               "mpy_list_get_slice mpy_list_reverse mpy_list_clear mpy_list_as_tuple"},
    {own_tuple, "mpy_tuple_from_array mpy_tuple_pack mpy_tuple_length mpy_tuple_get"},
    {own_dict,
     "mpy_dict_new mpy_dict_length mpy_dict_get mpy_dict_set mpy_dict_set_default mpy_dict_del "
     "mpy_dict_pop mpy_dict_contains"},
    {own_dict_views,
     "mpy_dict_next mpy_dict_each mpy_dict_keys mpy_dict_values mpy_dict_items mpy_dict_copy "
     "mpy_dict_update mpy_dict_clear mpy_dict_get_utf8 mpy_dict_set_utf8"},
    {own_iter, "mpy_iter_get mpy_iter_next mpy_iter_check mpy_iter_each mpy_iter_range"},
    {own_iter_dropped, "mpy_iter_get mpy_iter_next"},
    {NULL, NULL}};
