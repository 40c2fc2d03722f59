/* SPDX-License-Identifier: MIT */
/*
 * support/api_calls_container.c - the calls of list.h, tuple.h, dict.h and iter.h.
 */
#include "support/api_calls.h"

#define LIST     API_BIT(API_LIST)
#define TUPLE    API_BIT(API_TUPLE)
#define DICT     API_BIT(API_DICT)
#define HASHABLE (API_ALL & ~(LIST | DICT))
#define ITERABLE                                                                                   \
    (LIST | TUPLE | DICT | API_BIT(API_STR) | API_BIT(API_BYTES) | API_BIT(API_RANGE) |            \
     API_BIT(API_ITERATOR))

/* ---- list.h --------------------------------------------------------------------------------- */

static int
call_copy_out(mpy_object *const *v)
{
    mpy_object *out[2] = {NULL, NULL};
    ptrdiff_t n = mpy_list_copy_out(v[0], 1, 2, out);
    if (n < 0) {
        return out[0] != NULL || out[1] != NULL ? API_UNCLEAR : api_int_result(n);
    }
    mpy_decref_many(out, (size_t)n);
    return API_OK;
}

API_CALL_OBJECT(list_new, mpy_list_new(10))
API_CALL_OBJECT(list_from_array, mpy_list_from_array(v, 2))
API_CALL_INT(list_length, mpy_list_length(v[0]))
API_CALL_OBJECT(list_get, mpy_list_get(v[0], 2))
API_CALL_INT(list_set, mpy_list_set(v[0], 1, v[1]))
API_CALL_INT(list_insert, mpy_list_insert(v[0], 1, v[1]))
API_CALL_INT(list_append, mpy_list_append(v[0], v[1]))
API_CALL_INT(list_extend, mpy_list_extend(v[0], v[1]))
API_CALL_OBJECT(list_pop, mpy_list_pop(v[0], -1))
API_CALL_OBJECT(get_slice, mpy_list_get_slice(v[0], 1, 3))
API_CALL_INT(reverse, mpy_list_reverse(v[0]))
API_CALL_INT(list_clear, mpy_list_clear(v[0]))
API_CALL_OBJECT(as_tuple, mpy_list_as_tuple(v[0]))

const struct api_call api_list_calls[] = {
    {"mpy_list_new", call_list_new, {{0}}, 0},
    {"mpy_list_from_array",
     call_list_from_array,
     {API_ANY("items", API_STR), API_ANY("items", API_LIST)},
     0},
    {"mpy_list_length", call_list_length, {API_ARG("list", "list", API_LIST, LIST)}, 0},
    {"mpy_list_get", call_list_get, {API_ARG("list", "list", API_LIST, LIST)}, 0},
    {"mpy_list_copy_out", call_copy_out, {API_ARG("list", "list", API_LIST, LIST)}, 0},
    {"mpy_list_set",
     call_list_set,
     {API_ARG("list", "list", API_LIST, LIST), API_ANY("value", API_TUPLE)},
     API_CHANGES},
    {"mpy_list_insert",
     call_list_insert,
     {API_ARG("list", "list", API_LIST, LIST), API_ANY("value", API_TUPLE)},
     API_CHANGES},
    {"mpy_list_append",
     call_list_append,
     {API_ARG("list", "list", API_LIST, LIST), API_ANY("value", API_TUPLE)},
     API_CHANGES},
    {"mpy_list_extend",
     call_list_extend,
     {API_ARG("list", "list", API_LIST, LIST), API_ARG("iterable", NULL, API_TUPLE, ITERABLE)},
     API_CHANGES},
    {"mpy_list_pop", call_list_pop, {API_ARG("list", "list", API_LIST, LIST)}, API_CHANGES},
    {"mpy_list_get_slice", call_get_slice, {API_ARG("list", "list", API_LIST, LIST)}, 0},
    {"mpy_list_reverse", call_reverse, {API_ARG("list", "list", API_LIST, LIST)}, API_CHANGES},
    {"mpy_list_clear", call_list_clear, {API_ARG("list", "list", API_LIST, LIST)}, API_CHANGES},
    {"mpy_list_as_tuple", call_as_tuple, {API_ARG("list", "list", API_LIST, LIST)}, 0},
    {NULL, NULL, {{0}}, 0},
};

/* ---- tuple.h -------------------------------------------------------------------------------- */

API_CALL_OBJECT(tuple_from_array, mpy_tuple_from_array(v, 2))
API_CALL_OBJECT(pack, mpy_tuple_pack(2, v[0], v[1]))
API_CALL_INT(tuple_length, mpy_tuple_length(v[0]))
API_CALL_OBJECT(tuple_get, mpy_tuple_get(v[0], 2))

const struct api_call api_tuple_calls[] = {
    {"mpy_tuple_from_array",
     call_tuple_from_array,
     {API_ANY("items", API_STR), API_ANY("items", API_LIST)},
     0},
    {"mpy_tuple_pack", call_pack, {API_ANY("items", API_STR), API_ANY("items", API_LIST)}, 0},
    {"mpy_tuple_length", call_tuple_length, {API_ARG("tuple", "tuple", API_TUPLE, TUPLE)}, 0},
    {"mpy_tuple_get", call_tuple_get, {API_ARG("tuple", "tuple", API_TUPLE, TUPLE)}, 0},
    {NULL, NULL, {{0}}, 0},
};

/* ---- dict.h --------------------------------------------------------------------------------- */

static int
call_dict_next(mpy_object *const *v)
{
    mpy_dict_cursor cursor = MPY_DICT_START;
    mpy_object *key = API_POISON, *value = API_POISON;
    int result = mpy_dict_next(v[0], &cursor, &key, &value);
    if (result == 1) {
        mpy_decref(key);
        mpy_decref(value);
        return API_OK;
    }
    return key != NULL || value != NULL ? API_UNCLEAR : api_int_result(result);
}

static int
visit_entry(void *data, mpy_object *key, mpy_object *value)
{
    (void)data;
    return key == NULL || value == NULL;
}

API_CALL_INT(dict_each, mpy_dict_each(v[0], visit_entry, NULL))
API_CALL_OBJECT(dict_new, mpy_dict_new(10))
API_CALL_INT(dict_length, mpy_dict_length(v[0]))
API_CALL_FOUND(dict_get, mpy_dict_get(v[0], v[1], &out))
API_CALL_FOUND(dict_get_utf8, mpy_dict_get_utf8(v[0], "a", &out))
API_CALL_INT(dict_set, mpy_dict_set(v[0], v[1], v[2]))
API_CALL_INT(dict_set_utf8, mpy_dict_set_utf8(v[0], "k", v[1]))
API_CALL_INT(dict_del, mpy_dict_del(v[0], v[1]))
API_CALL_FOUND(dict_pop, mpy_dict_pop(v[0], v[1], &out))
API_CALL_INT(dict_contains, mpy_dict_contains(v[0], v[1]))
API_CALL_OBJECT(dict_keys, mpy_dict_keys(v[0]))
API_CALL_OBJECT(dict_values, mpy_dict_values(v[0]))
API_CALL_OBJECT(dict_items, mpy_dict_items(v[0]))
API_CALL_OBJECT(dict_copy, mpy_dict_copy(v[0]))
API_CALL_INT(dict_update, mpy_dict_update(v[0], v[1]))
API_CALL_INT(dict_clear, mpy_dict_clear(v[0]))

/* Here 0 says that the value was stored, and *out is set as well. */
static int
call_dict_set_default(mpy_object *const *v)
{
    mpy_object *out = API_POISON;
    int result = mpy_dict_set_default(v[0], v[1], v[2], &out);
    return api_found_result(result == 0 ? 1 : result, out);
}

#define DICT_ARG API_ARG("dict", "dict", API_DICT, DICT)
#define KEY_ARG  API_ARG("key", NULL, API_KEY, HASHABLE)

const struct api_call api_dict_calls[] = {
    {"mpy_dict_new", call_dict_new, {{0}}, 0},
    {"mpy_dict_length", call_dict_length, {DICT_ARG}, 0},
    {"mpy_dict_get", call_dict_get, {DICT_ARG, KEY_ARG}, 0},
    {"mpy_dict_get_utf8", call_dict_get_utf8, {DICT_ARG}, 0},
    {"mpy_dict_set", call_dict_set, {DICT_ARG, KEY_ARG, API_ANY("value", API_LIST)}, API_CHANGES},
    {"mpy_dict_set_utf8", call_dict_set_utf8, {DICT_ARG, API_ANY("value", API_LIST)}, API_CHANGES},
    {"mpy_dict_set_default",
     call_dict_set_default,
     {DICT_ARG, KEY_ARG, API_ANY("value", API_LIST)},
     API_CHANGES},
    {"mpy_dict_set_default",
     call_dict_set_default,
     {DICT_ARG, API_ARG("key", NULL, API_STR, HASHABLE), API_ANY("value", API_LIST)},
     API_CHANGES},
    {"mpy_dict_del", call_dict_del, {DICT_ARG, KEY_ARG}, API_CHANGES},
    {"mpy_dict_pop", call_dict_pop, {DICT_ARG, KEY_ARG}, API_CHANGES},
    {"mpy_dict_contains", call_dict_contains, {DICT_ARG, KEY_ARG}, 0},
    {"mpy_dict_next", call_dict_next, {DICT_ARG}, 0},
    {"mpy_dict_each", call_dict_each, {DICT_ARG}, 0},
    {"mpy_dict_keys", call_dict_keys, {DICT_ARG}, 0},
    {"mpy_dict_values", call_dict_values, {DICT_ARG}, 0},
    {"mpy_dict_items", call_dict_items, {DICT_ARG}, 0},
    {"mpy_dict_copy", call_dict_copy, {DICT_ARG}, 0},
    {"mpy_dict_update",
     call_dict_update,
     {DICT_ARG, API_ARG("other", "dict", API_DICT, DICT)},
     API_CHANGES},
    {"mpy_dict_clear", call_dict_clear, {DICT_ARG}, API_CHANGES},
    {NULL, NULL, {{0}}, 0},
};

/* ---- iter.h --------------------------------------------------------------------------------- */

static int
visit_item(void *data, mpy_object *item)
{
    (void)data;
    return item == NULL;
}

API_CALL_OBJECT(iter_get, mpy_iter_get(v[0]))
API_CALL_FOUND(iter_next, mpy_iter_next(v[0], &out))
API_CALL_INT(iter_check, mpy_iter_check(v[0]))
API_CALL_INT(iter_each, mpy_iter_each(v[0], visit_item, NULL))
API_CALL_OBJECT(iter_range, mpy_iter_range(0, 10, 3))

const struct api_call api_iter_calls[] = {
    {"mpy_iter_get", call_iter_get, {API_ARG("o", NULL, API_LIST, ITERABLE)}, 0},
    {"mpy_iter_next",
     call_iter_next,
     {API_ARG("it", NULL, API_ITERATOR, API_BIT(API_ITERATOR))},
     API_CHANGES},
    {"mpy_iter_check", call_iter_check, {API_ANY("o", API_ITERATOR)}, 0},
    {"mpy_iter_each", call_iter_each, {API_ARG("o", NULL, API_DICT, ITERABLE)}, 0},
    {"mpy_iter_range", call_iter_range, {{0}}, 0},
    {NULL, NULL, {{0}}, 0},
};
