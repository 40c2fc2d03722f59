/* SPDX-License-Identifier: MIT */
/*
 * support/api_calls_object.c - the calls of object.h, type.h and gc.h.
 */
#include "support/api_calls.h"

static int
call_hash(mpy_object *const *v)
{
    int64_t hash = 1;
    int result = mpy_object_hash(v[0], &hash);
    return result == -1 && hash != 0 ? API_UNCLEAR : api_int_result(result);
}

static int
call_type_data(mpy_object *const *v)
{
    void *data = API_POISON;
    int result = mpy_type_data(v[0], v[1], &data);
    return result == -1 && data != NULL ? API_UNCLEAR : api_int_result(result);
}

API_CALL_OBJECT(constant, mpy_constant(MPY_CONST_NONE))
API_CALL_OBJECT(type, mpy_object_type(v[0]))
API_CALL_OBJECT(repr, mpy_object_repr(v[0]))
API_CALL_OBJECT(str, mpy_object_str(v[0]))
API_CALL_INT(is_true, mpy_object_is_true(v[0]))
API_CALL_OBJECT(compare, mpy_object_compare(v[0], v[1], MPY_LT))
API_CALL_OBJECT(compare_eq, mpy_object_compare(v[0], v[1], MPY_EQ))
API_CALL_INT(compare_bool, mpy_object_compare_bool(v[0], v[1], MPY_GE))
API_CALL_INT(is_instance, mpy_object_is_instance(v[0], v[1]))
API_CALL_INT(is_subclass, mpy_object_is_subclass(v[0], v[1]))
API_CALL_OBJECT(get_attr, mpy_object_get_attr(v[0], v[1]))
API_CALL_OBJECT(get_attr_utf8, mpy_object_get_attr_utf8(v[0], "attr"))
API_CALL_FOUND(find_attr, mpy_object_find_attr(v[0], v[1], &out))
API_CALL_FOUND(find_attr_utf8, mpy_object_find_attr_utf8(v[0], "nothing", &out))
API_CALL_INT(set_attr, mpy_object_set_attr(v[0], v[1], v[2]))
API_CALL_INT(set_attr_utf8, mpy_object_set_attr_utf8(v[0], "attr", v[1]))
API_CALL_INT(del_attr, mpy_object_del_attr(v[0], v[1]))
API_CALL_INT(has_attr, mpy_object_has_attr(v[0], v[1]))
API_CALL_OBJECT(generic_get_attr, mpy_object_generic_get_attr(v[0], v[1]))
API_CALL_INT(generic_set_attr, mpy_object_generic_set_attr(v[0], v[1], v[2]))
API_CALL_OBJECT(get_item, mpy_object_get_item(v[0], v[1]))
API_CALL_INT(set_item, mpy_object_set_item(v[0], v[1], v[2]))
API_CALL_INT(del_item, mpy_object_del_item(v[0], v[1]))
API_CALL_INT(contains, mpy_object_contains(v[0], v[1]))
API_CALL_INT(length, mpy_object_length(v[0]))
API_CALL_INT(sizeof, mpy_object_sizeof(v[0]))

#define NUMBERS   (API_BIT(API_TRUE) | API_BIT(API_INT) | API_BIT(API_FLOAT) | API_BIT(API_BOXED))
#define TYPES     (API_BIT(API_HOST_TYPE) | API_BIT(API_TYPE) | API_BIT(API_EXC_TYPE))
#define SEQUENCES (API_BIT(API_LIST) | API_BIT(API_TUPLE) | API_BIT(API_RANGE))
#define SIZED     (SEQUENCES | API_BIT(API_STR) | API_BIT(API_BYTES) | API_BIT(API_DICT))
#define HASHABLE  (API_ALL & ~(API_BIT(API_LIST) | API_BIT(API_DICT)))

/* What takes attributes, or answers AttributeError rather than TypeError. */
#define ATTRIBUTES API_ALL

const struct api_call api_object_calls[] = {
    {"mpy_constant", call_constant, {{0}}, API_ANYWHERE},
    {"mpy_object_type", call_type, {API_ANY("o", API_LIST)}, 0},
    {"mpy_object_repr", call_repr, {API_ANY("o", API_LIST)}, 0},
    {"mpy_object_str", call_str, {API_ANY("o", API_LIST)}, 0},
    {"mpy_object_hash", call_hash, {API_ARG("o", NULL, API_TUPLE, HASHABLE)}, 0},
    {"mpy_object_is_true", call_is_true, {API_ANY("o", API_LIST)}, 0},
    {"mpy_object_compare",
     call_compare,
     {API_ARG("a", NULL, API_INT, NUMBERS), API_ARG("b", NULL, API_INT, NUMBERS)},
     0},
    {"mpy_object_compare",
     call_compare,
     {API_ARG("a", NULL, API_LIST, API_BIT(API_LIST)),
      API_ARG("b", NULL, API_LIST, API_BIT(API_LIST))},
     0},
    {"mpy_object_compare", call_compare_eq, {API_ANY("a", API_DICT), API_ANY("b", API_DICT)}, 0},
    {"mpy_object_compare_bool",
     call_compare_bool,
     {API_ARG("a", NULL, API_STR, API_BIT(API_STR)), API_ARG("b", NULL, API_STR, API_BIT(API_STR))},
     0},
    {"mpy_object_is_instance",
     call_is_instance,
     {API_ANY("o", API_LIST), API_ARG("type", NULL, API_TYPE, TYPES)},
     0},
    {"mpy_object_is_subclass",
     call_is_subclass,
     {API_ARG("a", NULL, API_HOST_TYPE, TYPES), API_ARG("b", NULL, API_TYPE, TYPES)},
     0},
    {"mpy_object_get_attr",
     call_get_attr,
     {API_ANY("o", API_PLAIN), API_ARG("name", "str", API_ATTR, API_BIT(API_STR))},
     0},
    {"mpy_object_get_attr_utf8", call_get_attr_utf8, {API_ANY("o", API_PLAIN)}, 0},
    {"mpy_object_find_attr",
     call_find_attr,
     {API_ANY("o", API_PLAIN), API_ARG("name", "str", API_ATTR, API_BIT(API_STR))},
     0},
    {"mpy_object_find_attr_utf8", call_find_attr_utf8, {API_ANY("o", API_LIST)}, 0},
    {"mpy_object_set_attr",
     call_set_attr,
     {API_ARG("o", NULL, API_PLAIN, ATTRIBUTES), API_ARG("name", "str", API_ATTR, API_BIT(API_STR)),
      API_ANY("value", API_LIST)},
     API_CHANGES},
    {"mpy_object_set_attr_utf8",
     call_set_attr_utf8,
     {API_ARG("o", NULL, API_PLAIN, ATTRIBUTES), API_ANY("value", API_LIST)},
     API_CHANGES},
    {"mpy_object_del_attr",
     call_del_attr,
     {API_ARG("o", NULL, API_PLAIN, ATTRIBUTES),
      API_ARG("name", "str", API_ATTR, API_BIT(API_STR))},
     API_CHANGES},
    {"mpy_object_has_attr",
     call_has_attr,
     {API_ANY("o", API_PLAIN), API_ARG("name", "str", API_ATTR, API_BIT(API_STR))},
     0},
    {"mpy_object_generic_get_attr",
     call_generic_get_attr,
     {API_ANY("o", API_PLAIN), API_ARG("name", "str", API_ATTR, API_BIT(API_STR))},
     0},
    {"mpy_object_generic_set_attr",
     call_generic_set_attr,
     {API_ARG("o", NULL, API_PLAIN, ATTRIBUTES), API_ARG("name", "str", API_ATTR, API_BIT(API_STR)),
      API_OPT("value", NULL, API_LIST, API_ALL)},
     API_CHANGES},
    {"mpy_object_get_item",
     call_get_item,
     {API_ARG("o", NULL, API_LIST, SIZED),
      API_ARG("key", NULL, API_INT, API_BIT(API_INT) | API_BIT(API_TRUE))},
     0},
    {"mpy_object_get_item",
     call_get_item,
     {API_ANY("o", API_DICT), API_ARG("key", NULL, API_KEY, HASHABLE)},
     0},
    {"mpy_object_set_item",
     call_set_item,
     {API_ARG("o", NULL, API_LIST, API_BIT(API_LIST) | API_BIT(API_DICT)),
      API_ARG("key", NULL, API_INT, API_BIT(API_INT) | API_BIT(API_TRUE)),
      API_ANY("value", API_TUPLE)},
     API_CHANGES},
    {"mpy_object_set_item",
     call_set_item,
     {API_ANY("o", API_DICT), API_ARG("key", NULL, API_KEY, HASHABLE), API_ANY("value", API_TUPLE)},
     API_CHANGES},
    {"mpy_object_del_item",
     call_del_item,
     {API_ARG("o", NULL, API_LIST, API_BIT(API_LIST) | API_BIT(API_DICT)),
      API_ARG("key", NULL, API_INT, API_BIT(API_INT) | API_BIT(API_TRUE))},
     API_CHANGES},
    {"mpy_object_contains",
     call_contains,
     {API_ARG("o", NULL, API_LIST, SIZED | API_BIT(API_ITERATOR)), API_ANY("value", API_INT)},
     0},
    {"mpy_object_contains",
     call_contains,
     {API_ANY("o", API_STR), API_ARG("value", NULL, API_STR, API_BIT(API_STR))},
     0},
    {"mpy_object_length", call_length, {API_ARG("o", NULL, API_LIST, SIZED)}, 0},
    {"mpy_object_sizeof", call_sizeof, {API_ANY("o", API_LIST)}, 0},
    {NULL, NULL, {{0}}, 0},
};

static mpy_object *
new_type(mpy_object *base)
{
    static const mpy_type_spec spec = {.size = sizeof(mpy_type_spec),
                                       .version = 1,
                                       .name = "t.Made",
                                       .flags = MPY_TYPE_BASE | MPY_TYPE_ATTRS};
    return mpy_type_from_spec(&spec, base);
}

API_CALL_OBJECT(from_spec, new_type(v[0]))
API_CALL_OBJECT(builtin, mpy_type_builtin(MPY_TYPE_ID_INT))
API_CALL_OBJECT(type_name, mpy_type_name(v[0]))
API_CALL_OBJECT(type_qualname, mpy_type_qualname(v[0]))
API_CALL_INT(is_subtype, mpy_type_is_subtype(v[0], v[1]))
API_CALL_OBJECT(new_instance, mpy_type_new_instance(v[0]))

const struct api_call api_type_calls[] = {
    {"mpy_type_from_spec",
     call_from_spec,
     {API_OPT("base", NULL, API_HOST_TYPE, API_BIT(API_HOST_TYPE) | API_BIT(API_EXC_TYPE))},
     0},
    {"mpy_type_builtin", call_builtin, {{0}}, API_ANYWHERE},
    {"mpy_type_name", call_type_name, {API_ARG("type", "type", API_TYPE, TYPES)}, 0},
    {"mpy_type_qualname", call_type_qualname, {API_ARG("type", "type", API_TYPE, TYPES)}, 0},
    {"mpy_type_is_subtype",
     call_is_subtype,
     {API_ARG("a", "type", API_TYPE, TYPES), API_ARG("b", "type", API_TYPE, TYPES)},
     0},
    {"mpy_type_new_instance",
     call_new_instance,
     {API_ARG("type", NULL, API_HOST_TYPE, API_BIT(API_HOST_TYPE) | API_BIT(API_EXC_TYPE))},
     0},
    {"mpy_type_data",
     call_type_data,
     {API_ARG("o", NULL, API_DATA, API_BIT(API_DATA)), API_ARG("type", NULL, API_DATA_TYPE, 0)},
     0},
    {NULL, NULL, {{0}}, 0},
};

static int
visit_nothing(void *data, mpy_object *o)
{
    (void)data;
    return o == NULL;
}

static int
call_get_threshold(mpy_object *const *v)
{
    int64_t n;
    (void)v;
    return api_int_result(mpy_gc_get_threshold(1, &n));
}

static int
call_get_stats(mpy_object *const *v)
{
    mpy_gc_stats stats = {.size = sizeof stats, .version = 1};
    (void)v;
    return api_int_result(mpy_gc_get_stats(2, &stats));
}

API_CALL_INT(collect, mpy_gc_collect(2, NULL))
API_CALL_INT(enable, mpy_gc_enable())
API_CALL_INT(is_enabled, mpy_gc_is_enabled())
API_CALL_INT(set_threshold, mpy_gc_set_threshold(1, 10))
API_CALL_INT(is_tracked, mpy_gc_is_tracked(v[0]))
API_CALL_INT(is_finalized, mpy_gc_is_finalized(v[0]))
API_CALL_INT(visit_objects, mpy_gc_visit_objects(2, visit_nothing, NULL))
API_CALL_OBJECT(get_referrers, mpy_gc_get_referrers(v[0]))
API_CALL_OBJECT(get_referents, mpy_gc_get_referents(v[0]))

/* Off, and on again, so that a walk leaves the collector as it was. */
static int
call_disable(mpy_object *const *v)
{
    int result = api_int_result(mpy_gc_disable());
    (void)v;
    return mpy_gc_enable() == -1 && result == API_OK ? API_UNCLEAR : result;
}

const struct api_call api_gc_calls[] = {
    {"mpy_gc_collect", call_collect, {{0}}, 0},
    {"mpy_gc_enable", call_enable, {{0}}, 0},
    {"mpy_gc_disable", call_disable, {{0}}, 0},
    {"mpy_gc_is_enabled", call_is_enabled, {{0}}, 0},
    {"mpy_gc_set_threshold", call_set_threshold, {{0}}, 0},
    {"mpy_gc_get_threshold", call_get_threshold, {{0}}, 0},
    {"mpy_gc_get_stats", call_get_stats, {{0}}, 0},
    {"mpy_gc_is_tracked", call_is_tracked, {API_ANY("o", API_LIST)}, 0},
    {"mpy_gc_is_finalized", call_is_finalized, {API_ANY("o", API_LIST)}, 0},
    {"mpy_gc_visit_objects", call_visit_objects, {{0}}, 0},
    {"mpy_gc_get_referrers", call_get_referrers, {API_ANY("o", API_LIST)}, 0},
    {"mpy_gc_get_referents", call_get_referents, {API_ANY("o", API_LIST)}, 0},
    {NULL, NULL, {{0}}, 0},
};
