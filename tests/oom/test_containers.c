/* SPDX-License-Identifier: MIT */
/*
 * Out of memory in programs over lists, tuples, dicts and iterators.
 */
#include "support/internal/oom.h"

#include <stdio.h>

static int
lists(void *unused)
{
    int result = OOM_FAILED;
    mpy_object *list = mpy_list_new(0), *other = NULL, *tuple = NULL, *o = NULL;
    mpy_object *items[3] = {MPY_NONE, MPY_TRUE, MPY_FALSE};
    mpy_object *copy[8];
    (void)unused;
    OOM_NEED(list != NULL);
    for (int64_t i = 0; i < 300; i++) {
        mpy_object *value = mpy_int_from_i64(i);
        int rc = i % 3 == 0 ? mpy_list_insert(list, i / 2, value) : mpy_list_append(list, value);
        if (rc < 0) {
            OOM_CHECK(mpy_list_length(list) == i); /* as before */
            goto out;
        }
    }
    OOM_CHECK(mpy_list_check(list) && mpy_list_length(list) == 300);
    other = mpy_list_from_array(items, 3);
    OOM_NEED(other != NULL);
    if (mpy_list_extend(list, other) < 0) {
        OOM_CHECK(mpy_list_length(list) == 300);
        goto out;
    }
    mpy_clear(&other);
    other = mpy_list_get_slice(list, 10, 290);
    OOM_NEED(other != NULL);
    OOM_NEED(mpy_list_extend(other, other) == 0);
    OOM_CHECK(mpy_list_length(other) == 560);
    tuple = mpy_list_as_tuple(other);
    OOM_NEED(tuple != NULL);
    OOM_NEED(mpy_list_extend(list, tuple) == 0);
    OOM_CHECK(mpy_list_set(list, 0, tuple) == 0);
    OOM_CHECK(mpy_list_reverse(list) == 0);
    o = mpy_list_pop(list, -1);
    OOM_CHECK(o == tuple);
    OOM_CHECK(mpy_list_copy_out(list, 0, 8, copy) == 8);
    mpy_decref_many(copy, 8);
    mpy_clear(&o);
    o = mpy_list_get(list, 5);
    OOM_CHECK(o != NULL);
    mpy_clear(&o);
    o = mpy_number_add(list, other);
    OOM_NEED(o != NULL);
    mpy_clear(&o);
    o = mpy_object_repr(list);
    OOM_NEED(o != NULL);
    OOM_CHECK(mpy_list_clear(list) == 0 && mpy_list_length(list) == 0);
    result = OOM_OK;
out:
    mpy_xdecref(list);
    mpy_xdecref(other);
    mpy_xdecref(tuple);
    mpy_xdecref(o);
    return result;
}

static int
tuples(void *unused)
{
    int result = OOM_FAILED;
    mpy_object *inner = NULL, *tuple = NULL, *o = NULL;
    mpy_object *many[80];
    int64_t hash;
    (void)unused;
    for (int i = 0; i < 80; i++) {
        many[i] = mpy_int_from_i64(i);
    }
    inner = mpy_tuple_pack(3, MPY_NONE, many[5], MPY_TRUE);
    OOM_NEED(inner != NULL);
    many[0] = inner;
    tuple = mpy_tuple_from_array(many, 80); /* too long for a cell */
    OOM_NEED(tuple != NULL);
    OOM_CHECK(mpy_tuple_check(tuple) && mpy_tuple_length(tuple) == 80);
    o = mpy_tuple_get(tuple, 0);
    OOM_CHECK(o == inner);
    mpy_clear(&o);
    OOM_CHECK(mpy_object_hash(tuple, &hash) == 0);
    o = mpy_number_add(tuple, inner);
    OOM_NEED(o != NULL);
    mpy_clear(&o);
    o = mpy_object_repr(tuple);
    OOM_NEED(o != NULL);
    result = OOM_OK;
out:
    mpy_xdecref(inner);
    mpy_xdecref(tuple);
    mpy_xdecref(o);
    return result;
}

static int
count_entry(void *data, mpy_object *key, mpy_object *value)
{
    (void)key, (void)value;
    ++*(ptrdiff_t *)data;
    return 0;
}

/* Every table size up to a thousand entries, with str, int and tuple keys; deletions between. */
static int
dicts(void *unused)
{
    int result = OOM_FAILED;
    mpy_object *dict = mpy_dict_new(0), *key = NULL, *o = NULL, *copy = NULL;
    (void)unused;
    OOM_NEED(dict != NULL);
    ptrdiff_t expected = 0;
    for (int i = 0; i < 300; i++) {
        mpy_clear(&key);
        key = i % 3 == 0   ? mpy_str_format("key %d", i)
              : i % 3 == 1 ? mpy_int_from_i64(i)
                           : mpy_tuple_pack(2, MPY_NONE, MPY_TRUE);
        OOM_NEED(key != NULL);
        int was_there = mpy_dict_contains(dict, key);
        OOM_NEED(was_there >= 0);
        if (mpy_dict_set(dict, key, MPY_TRUE) < 0) {
            OOM_CHECK(mpy_dict_length(dict) == expected);
            goto out;
        }
        expected += !was_there;
        OOM_CHECK(mpy_dict_length(dict) == expected);
        if (i % 7 == 0) {
            OOM_NEED(mpy_dict_del(dict, key) == 0);
            expected--;
        }
    }
    OOM_NEED(mpy_dict_set_utf8(dict, "by name", MPY_FALSE) == 0);
    OOM_CHECK(mpy_dict_get_utf8(dict, "by name", &o) == 1 && o == MPY_FALSE);
    o = NULL;
    copy = mpy_dict_copy(dict);
    OOM_NEED(copy != NULL);
    OOM_CHECK(mpy_object_compare_bool(copy, dict, MPY_EQ) == 1 || mpy_err_occurred());
    OOM_NEED(!mpy_err_occurred());
    OOM_NEED(mpy_dict_update(copy, dict) == 0);
    int found = mpy_dict_set_default(copy, key, MPY_NONE, &o);
    OOM_NEED(found >= 0);
    mpy_clear(&o);
    OOM_NEED(mpy_dict_pop(copy, key, &o) >= 0);
    mpy_clear(&o);
    OOM_NEED(mpy_dict_get(dict, key, &o) >= 0);
    mpy_clear(&o);
    o = mpy_dict_keys(dict);
    OOM_NEED(o != NULL);
    OOM_CHECK(mpy_list_length(o) == mpy_dict_length(dict));
    mpy_clear(&o);
    o = mpy_dict_values(dict);
    OOM_NEED(o != NULL);
    mpy_clear(&o);
    o = mpy_dict_items(dict);
    OOM_NEED(o != NULL);
    mpy_clear(&o);
    o = mpy_object_repr(dict);
    OOM_NEED(o != NULL);
    mpy_clear(&o);
    mpy_dict_cursor cursor = MPY_DICT_START;
    ptrdiff_t seen = 0;
    while (mpy_dict_next(dict, &cursor, NULL, NULL) == 1) {
        seen++;
    }
    OOM_CHECK(mpy_dict_check(dict) && seen == mpy_dict_length(dict));
    OOM_CHECK(mpy_dict_each(dict, count_entry, &seen) == 0 && seen == 2 * mpy_dict_length(dict));
    OOM_CHECK(mpy_dict_clear(dict) == 0);
    result = OOM_OK;
out:
    mpy_xdecref(dict);
    mpy_xdecref(copy);
    mpy_xdecref(key);
    mpy_xdecref(o);
    return result;
}

static int
count(void *data, mpy_object *item)
{
    (void)item;
    ++*(int *)data;
    return 0;
}

static int
iterators(void *unused)
{
    int result = OOM_FAILED;
    mpy_object *range = mpy_iter_range(0, 500, 7), *it = NULL, *item = NULL, *list = NULL;
    mpy_object *text = mpy_str_from_utf8("\xc3\xa4 text of characters");
    int n = 0, rc;
    (void)unused;
    OOM_NEED(range != NULL && text != NULL);
    it = mpy_iter_get(range);
    OOM_NEED(it != NULL);
    OOM_CHECK(mpy_iter_check(it) == 1);
    while ((rc = mpy_iter_next(it, &item)) == 1) {
        mpy_clear(&item);
        n++;
    }
    OOM_NEED(rc == 0);
    OOM_CHECK(n == 72);
    mpy_clear(&it);
    it = mpy_iter_get(text);
    OOM_NEED(it != NULL);
    while ((rc = mpy_iter_next(it, &item)) == 1) {
        mpy_clear(&item);
    }
    OOM_NEED(rc == 0);
    n = 0;
    OOM_NEED(mpy_iter_each(range, count, &n) == 0);
    list = mpy_list_new(0);
    OOM_NEED(list != NULL);
    OOM_NEED(mpy_list_extend(list, range) == 0);
    OOM_CHECK(mpy_list_length(list) == 72);
    OOM_NEED(mpy_object_contains(range, MPY_NONE) >= 0);
    result = OOM_OK;
out:
    mpy_xdecref(range);
    mpy_xdecref(text);
    mpy_xdecref(it);
    mpy_xdecref(item);
    mpy_xdecref(list);
    return result;
}

/* The object protocol over containers, by key and by index. */
static int
protocol(void *unused)
{
    int result = OOM_FAILED;
    mpy_object *list = mpy_list_new(0), *dict = mpy_dict_new(50), *o = NULL, *key = NULL;
    (void)unused;
    OOM_NEED(list != NULL && dict != NULL);
    OOM_NEED(mpy_list_append(list, MPY_NONE) == 0);
    OOM_CHECK(mpy_object_set_item(list, mpy_int_from_i64(-1), dict) == 0);
    key = mpy_str_from_utf8("a key");
    OOM_NEED(key != NULL);
    OOM_NEED(mpy_object_set_item(dict, key, key) == 0);
    o = mpy_object_get_item(dict, key);
    OOM_NEED(o != NULL);
    OOM_CHECK(mpy_is(o, key) && !mpy_is_none(o));
    mpy_clear(&o);
    o = mpy_object_str(list);
    OOM_NEED(o != NULL);
    mpy_clear(&o);
    o = mpy_object_compare(list, list, MPY_LE);
    OOM_NEED(o != NULL);
    mpy_clear(&o);
    OOM_CHECK(mpy_object_is_true(list) == 1 && mpy_object_length(dict) == 1);
    OOM_NEED(mpy_object_del_item(dict, key) == 0);
    o = mpy_object_type(dict);
    OOM_NEED(o != NULL);
    OOM_CHECK(mpy_object_is_instance(dict, o) == 1 && mpy_object_is_subclass(o, o) == 1);
    mpy_clear(&o);
    o = mpy_constant(MPY_CONST_ELLIPSIS);
    OOM_CHECK(o != NULL && mpy_object_id(list) != mpy_object_id(dict) && mpy_refcount(list) == 1);
    mpy_object *pair[2] = {list, dict};
    mpy_incref_many(pair, 2);
    mpy_decref_many(pair, 2);
    mpy_incref(list);
    mpy_decref(list);
    mpy_xincref(NULL);
    mpy_decref(mpy_newref(list));
    mpy_xdecref(mpy_xnewref(NULL));
    mpy_assign(&o, list);
    mpy_clear(&o);
    result = OOM_OK;
out:
    mpy_xdecref(list);
    mpy_xdecref(dict);
    mpy_xdecref(key);
    mpy_xdecref(o);
    return result;
}

static const struct oom_scenario scenarios[] = {
    {.name = "lists",
     .reaches = "mpy_list_new mpy_list_insert mpy_list_append mpy_list_length mpy_list_check "
                "mpy_list_from_array mpy_list_extend mpy_list_get_slice mpy_list_as_tuple "
                "mpy_list_set mpy_list_reverse mpy_list_pop mpy_list_copy_out mpy_list_get "
                "mpy_list_clear mpy_number_add mpy_object_repr",
     .run = lists},
    {.name = "tuples",
     .reaches = "mpy_tuple_pack mpy_tuple_from_array mpy_tuple_check mpy_tuple_length "
                "mpy_tuple_get mpy_object_hash",
     .run = tuples},
    {.name = "dicts",
     .reaches = "mpy_dict_new mpy_dict_contains mpy_dict_set mpy_dict_length mpy_dict_del "
                "mpy_dict_set_utf8 mpy_dict_get_utf8 mpy_dict_copy mpy_dict_update "
                "mpy_dict_set_default mpy_dict_pop mpy_dict_get mpy_dict_keys mpy_dict_values "
                "mpy_dict_items mpy_dict_next mpy_dict_each mpy_dict_check mpy_dict_clear",
     .run = dicts},
    {.name = "iterators",
     .reaches = "mpy_iter_range mpy_iter_get mpy_iter_check mpy_iter_next mpy_iter_each "
                "mpy_object_contains",
     .run = iterators},
    {.name = "object protocol",
     .reaches = "mpy_object_set_item mpy_object_get_item mpy_is mpy_is_none mpy_object_str "
                "mpy_object_compare mpy_object_is_true mpy_object_length mpy_object_del_item "
                "mpy_object_type mpy_object_is_instance mpy_object_is_subclass mpy_constant "
                "mpy_object_id mpy_refcount mpy_incref_many mpy_decref_many mpy_incref mpy_decref "
                "mpy_xincref mpy_newref mpy_xdecref mpy_xnewref mpy_assign mpy_clear",
     .run = protocol},
    {.name = NULL},
};

int
main(void)
{
    return oom_main("out of memory: containers", scenarios);
}
