/* SPDX-License-Identifier: MIT */
/*
 * types/item.c - o[key], len(o) and `value in o` for any object.
 *
 * The slots of the type decide; a missing slot is TypeError. `in` falls back on iterating. Slots
 * may be the host's: they can nest (an object that forwards to another), so they count their depth.
 *
 * Lock: the runtime's. Slots of host types run user code.
 */
#include "types/iter.h"
#include "types/protocol.h"

/* int0: o and key are there and o supports the operation. */
static int
check_item(const char *function, const mpy_object *o, const mpy_object *key)
{
    if (o == NULL || key == NULL) {
        (void)mpyi_err_argument(function, o == NULL ? "o" : "key", "object", NULL);
        return -1;
    }
    return 0;
}

static int
unsupported(const char *function, const mpy_object *o, const char *what)
{
    (void)mpyi_err_format(MPY_EXC_TYPE_ERROR, "%s(): '%s' object %s", function,
                          mpyi_type_name_of(o), what);
    return -1;
}

mpy_object *
mpy_object_get_item(mpy_object *o, mpy_object *key)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, o, key);
    const struct mpyi_type *type;
    mpy_object *value;
    if (t == NULL || check_item(__func__, o, key) < 0) {
        return NULL;
    }
    type = mpyi_type_of(o);
    if (type->slots.get_item == NULL) {
        (void)unsupported(__func__, o, "is not subscriptable");
        return NULL;
    }
    if (mpyi_depth_enter(t, __func__) < 0) {
        return NULL;
    }
    value = type->slots.get_item(o, key);
    mpyi_depth_leave(t);
    if (MPY_UNLIKELY(value == NULL)) {
        (void)mpyi_err_slot(t, __func__, "get_item", o);
        if (type == &mpyi_dict_type) {
            (void)mpyi_err_unhashable_key(__func__, key);
        }
    }
    return value;
}

/* value NULL: delete. int0. */
static int
set_item(struct mpyi_thread *t, const char *function, mpy_object *o, mpy_object *key,
         mpy_object *value)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    int result;
    if (type->slots.set_item == NULL) {
        return unsupported(function, o,
                           value != NULL ? "does not support item assignment"
                                         : "does not support item deletion");
    }
    if (mpyi_depth_enter(t, function) < 0) {
        return -1;
    }
    result = type->slots.set_item(o, key, value);
    mpyi_depth_leave(t);
    if (MPY_UNLIKELY(result < 0) && type == &mpyi_dict_type) {
        return mpyi_err_unhashable_key(function, key);
    }
    return result < 0 ? mpyi_err_slot(t, function, "set_item", o) : 0;
}

int
mpy_object_set_item(mpy_object *o, mpy_object *key, mpy_object *value)
{
    struct mpyi_thread *t = mpyi_enter3(__func__, o, key, value);
    if (t == NULL || check_item(__func__, o, key) < 0) {
        return -1;
    }
    if (value == NULL) {
        (void)mpyi_err_argument(__func__, "value", "object", NULL);
        return -1;
    }
    return set_item(t, __func__, o, key, value);
}

int
mpy_object_del_item(mpy_object *o, mpy_object *key)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, o, key);
    if (t == NULL || check_item(__func__, o, key) < 0) {
        return -1;
    }
    return set_item(t, __func__, o, key, NULL);
}

/* bool: looks at one element after the other. */
static int
contains_by_iteration(struct mpyi_thread *t, const char *function, mpy_object *o, mpy_object *value)
{
    const struct mpyi_slots *slots = &mpyi_type_of(o)->slots;
    mpy_object *it;
    int result;
    if (slots->iter == NULL && slots->next == NULL && slots->get_item == NULL) {
        return unsupported(function, o, "is no container");
    }
    it = mpyi_iter_get(t, o);
    if (it == NULL) {
        return -1;
    }
    for (;;) {
        mpy_object *item;
        result = mpyi_iter_next(t, it, &item);
        if (result <= 0) {
            break;
        }
        result = mpyi_compare_bool(t, item, value, MPY_EQ);
        mpy_decref(item);
        if (result != 0) {
            break;
        }
    }
    mpy_decref(it);
    return result;
}

int
mpy_object_contains(mpy_object *o, mpy_object *value)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, o, value);
    const struct mpyi_type *type;
    int result;
    if (t == NULL) {
        return -1;
    }
    if (o == NULL || value == NULL) {
        (void)mpyi_err_argument(__func__, o == NULL ? "o" : "value", "object", NULL);
        return -1;
    }
    type = mpyi_type_of(o);
    if (mpyi_depth_enter(t, __func__) < 0) {
        return -1;
    }
    result = type->slots.contains != NULL ? type->slots.contains(o, value)
                                          : contains_by_iteration(t, __func__, o, value);
    mpyi_depth_leave(t);
    return result < 0 ? mpyi_err_slot(t, __func__, "contains", o) : result != 0;
}

ptrdiff_t
mpy_object_length(mpy_object *o)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, o);
    const struct mpyi_type *type;
    ptrdiff_t n;
    if (t == NULL) {
        return -1;
    }
    if (o == NULL) {
        (void)mpyi_err_argument(__func__, "o", "object", NULL);
        return -1;
    }
    type = mpyi_type_of(o);
    if (type->slots.length == NULL) {
        return unsupported(__func__, o, "has no length");
    }
    if (mpyi_depth_enter(t, __func__) < 0) {
        return -1;
    }
    n = type->slots.length(o);
    mpyi_depth_leave(t);
    return n < 0 ? mpyi_err_slot(t, __func__, "length", o) : n;
}
