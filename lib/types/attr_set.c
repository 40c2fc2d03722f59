/* SPDX-License-Identifier: MIT */
/*
 * types/attr_set.c - setting and deleting attributes.
 *
 * Setting what an instance has already replaces a value in its place; setting something new moves a
 * shaped instance to a child of its shape. Both are remembered in the attribute cache, the second
 * under a key of its own, so building an instance is one look-up an attribute. Instances with a
 * dict set it there; instances without a place for attributes, and members that are read-only,
 * raise AttributeError.
 *
 * Invariant: the new state is complete before the old value is dropped.
 *
 * Lock: the runtime's. Slots of host types and finalizers run user code.
 */
#include "types/attr_cache.h"

#include "types/dict.h"
#include "types/instance.h"
#include "types/protocol.h"
#include "types/type.h"

/* Stores a new reference to value (NULL: nothing) and drops what was there. */
static inline void
replace(mpy_object **place, mpy_object *value)
{
    mpy_object *old = *place;
    mpy_xincref(value);
    *place = value;
    mpy_xdecref(old);
}

static int
missing(const char *function, const mpy_object *o, const mpy_object *name)
{
    mpyi_attr_missing(function, o, mpyi_str_data(mpyi_str_of(name)));
    return -1;
}

static int
set_member(const char *function, mpy_object *o, const struct mpyi_type *type, mpy_object *name,
           const struct mpyi_attr_entry *e, mpy_object *value)
{
    mpy_object **place = (mpy_object **)mpyi_instance_data(o, type) + mpyi_attr_ref(e);
    if ((e->flags & MPYI_ATTR_READONLY) != 0) {
        (void)mpyi_err_format(MPY_EXC_ATTRIBUTE_ERROR, "%s(): attribute '%s' of '%s' is read-only",
                              function, mpyi_str_data(mpyi_str_of(name)), type->name);
        return -1;
    }
    if (value == NULL && *place == NULL) {
        return missing(function, o, name);
    }
    replace(place, value);
    return 0;
}

/* In the dict of an instance, which is made when it is first needed. */
static int
set_in_dict(struct mpyi_thread *t, const char *function, mpy_object *o, mpy_object *name,
            mpy_object *value)
{
    mpy_object **place = mpyi_instance_dict(o, mpyi_type_of(o));
    mpy_object *dict;
    int result;

    if (value != NULL) {
        if (*place == NULL) {
            dict = mpyi_dict_new(t, 1);
            if (dict == NULL) {
                return -1;
            }
            *place = dict;
        }
        dict = mpy_newref(*place); /* what is replaced may have a finalizer that drops o */
        result = mpyi_dict_set(t, dict, name, value);
    } else {
        mpy_object *old = NULL;
        if (*place == NULL) {
            return missing(function, o, name);
        }
        dict = mpy_newref(*place);
        result = mpyi_dict_pop(t, dict, name, &old);
        if (result == 0) {
            result = missing(function, o, name);
        } else if (result > 0) {
            result = 0;
        }
        mpy_xdecref(old);
    }
    mpy_decref(dict);
    return result;
}

/* A new attribute of a shaped instance. */
static int
add_value(struct mpyi_thread *t, const char *function, mpy_object *o, mpy_object *name,
          mpy_object *value)
{
    struct mpyi_shape *shape = mpyi_shape_of(o);
    struct mpyi_shape *child;
    int result;

    result = mpyi_shape_add(t, shape, name, &child);
    if (result < 0) {
        return -1;
    }
    if (result == 0) {
        return mpyi_instance_use_dict(t, o) < 0 ? -1 : set_in_dict(t, function, o, name, value);
    }
    if (mpyi_type_of(o)->slots.set_attr == NULL) {
        struct mpyi_attr_entry e = {.kind = MPYI_ATTR_ADD, .payload = child};
        mpyi_attr_cache_store(t, mpyi_attr_add_key(shape), name, e);
    }
    return mpyi_instance_add(t, o, child, value);
}

/* name: interned. value NULL: delete. int0. */
static int
set_generic(struct mpyi_thread *t, const char *function, mpy_object *o, mpy_object *name,
            mpy_object *value)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    struct mpyi_attr_entry e = mpyi_attr_lookup(t, o, type, name);

    if (e.kind == MPYI_ATTR_REF) {
        return set_member(function, o, type, name, &e, value);
    }
    if (e.kind == MPYI_ATTR_INLINE || e.kind == MPYI_ATTR_ARRAY) {
        mpy_object **place = &mpyi_instance_values(o)[e.slot];
        if (value == NULL && *place == NULL) {
            return missing(function, o, name);
        }
        replace(place, value);
        return 0;
    }
    if ((e.flags & MPYI_ATTR_HAS_DICT) != 0) {
        return set_in_dict(t, function, o, name, value);
    }
    if (type->layout == MPYI_LAYOUT_SHAPED && value != NULL) {
        return add_value(t, function, o, name, value);
    }
    if (value != NULL && (e.kind == MPYI_ATTR_CLASS || e.kind == MPYI_ATTR_METHOD)) {
        (void)mpyi_err_format(MPY_EXC_ATTRIBUTE_ERROR,
                              "%s(): attribute '%s' of '%s' is the class's and cannot be set here",
                              function, mpyi_str_data(mpyi_str_of(name)), type->name);
        return -1;
    }
    return missing(function, o, name);
}

/* Through the type's slot if it has one. name: any str. */
static int
set_any(struct mpyi_thread *t, const char *function, mpy_object *o, mpy_object *name,
        mpy_object *value)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    mpy_object *interned;
    int result;

    if (type->slots.set_attr != NULL) {
        if (mpyi_depth_enter(t, function) < 0) {
            return -1;
        }
        result = type->slots.set_attr(o, name, value);
        mpyi_depth_leave(t);
        return result < 0 ? mpyi_err_slot(t, function, "set_attr", o) : 0;
    }
    interned = mpyi_intern_str(t, mpyi_str_of(name));
    if (interned == NULL) {
        return -1;
    }
    result = set_generic(t, function, o, interned, value);
    mpy_decref(interned);
    return result;
}

/* The frequent cases of setting: 1 done, 0 it takes more. */
static inline int
set_fast(struct mpyi_thread *t, mpy_object *o, mpy_object *name, mpy_object *value)
{
    const struct mpyi_attr_entry *e;
    const struct mpyi_type *type;
    struct mpyi_shape *shape;

    if (MPY_UNLIKELY(!mpy_priv_is_heap(o) || o == NULL || value == NULL)) {
        return 0;
    }
    type = (const struct mpyi_type *)mpyi_head(o)->type;
    if (MPY_UNLIKELY(type->slots.set_attr != NULL)) {
        return 0;
    }
    if (type->layout != MPYI_LAYOUT_SHAPED) {
        e = mpyi_attr_cache_hit(t->rt->attr_cache, type, name);
        if (e != NULL && e->kind == MPYI_ATTR_REF && (e->flags & MPYI_ATTR_READONLY) == 0) {
            replace((mpy_object **)mpyi_instance_data(o, type) + mpyi_attr_ref(e), value);
            return 1;
        }
        return 0;
    }
    shape = mpyi_shape_of(o);
    e = mpyi_attr_cache_hit(t->rt->attr_cache, shape, name);
    if (e != NULL && e->kind == MPYI_ATTR_INLINE) {
        replace(&((struct mpyi_shaped *)o)->values[e->slot], value);
        return 1;
    }
    e = mpyi_attr_cache_hit(t->rt->attr_cache, mpyi_attr_add_key(shape), name);
    if (e != NULL) {
        struct mpyi_shape *child = e->payload;
        if (MPY_LIKELY(child->head.inline_max != 0)) {
            mpy_incref(value);
            ((struct mpyi_shaped *)o)->values[shape->head.count] = value;
            ((struct mpyi_shaped *)o)->shape = &child->head;
            return 1;
        }
    }
    return 0;
}

/* int0: the arguments of the public functions. */
static int
check_set(const char *function, const mpy_object *o, const mpy_object *name)
{
    if (o == NULL) {
        (void)mpyi_err_argument(function, "o", "object", NULL);
        return -1;
    }
    if (!mpyi_is_str(name)) {
        (void)mpyi_err_argument(function, "name", "str", name);
        return -1;
    }
    return 0;
}

static __attribute__((noinline)) int
set_slow(struct mpyi_thread *t, const char *function, mpy_object *o, mpy_object *name,
         mpy_object *value)
{
    if (check_set(function, o, name) < 0) {
        return -1;
    }
    if (value == NULL) {
        (void)mpyi_err_argument(function, "value", "object", NULL);
        return -1;
    }
    return set_any(t, function, o, name, value);
}

int
mpy_object_set_attr(mpy_object *o, mpy_object *name, mpy_object *value)
{
    struct mpyi_thread *t = mpyi_enter3(__func__, o, name, value);
    if (MPY_UNLIKELY(t == NULL)) {
        return -1;
    }
    if (MPY_LIKELY(set_fast(t, o, name, value))) {
        return 0;
    }
    return set_slow(t, __func__, o, name, value);
}

int
mpy_object_set_attr_utf8(mpy_object *o, const char *name, mpy_object *value)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, o, value);
    mpy_object *str;
    int result;
    if (t == NULL) {
        return -1;
    }
    if (o == NULL || name == NULL || value == NULL) {
        (void)mpyi_err_argument(__func__,
                                o == NULL      ? "o"
                                : name == NULL ? "name"
                                               : "value",
                                o != NULL && name == NULL ? "text" : "object", NULL);
        return -1;
    }
    str = mpyi_intern_text(t, __func__, name, strlen(name));
    if (str == NULL) {
        return -1;
    }
    result = set_fast(t, o, str, value) ? 0 : set_any(t, __func__, o, str, value);
    mpy_decref(str);
    return result;
}

int
mpy_object_del_attr(mpy_object *o, mpy_object *name)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, o, name);
    if (t == NULL || check_set(__func__, o, name) < 0) {
        return -1;
    }
    return set_any(t, __func__, o, name, NULL);
}

int
mpy_object_generic_set_attr(mpy_object *o, mpy_object *name, mpy_object *value)
{
    struct mpyi_thread *t = mpyi_enter3(__func__, o, name, value);
    mpy_object *interned;
    int result;
    if (t == NULL || check_set(__func__, o, name) < 0) {
        return -1;
    }
    if (mpy_type_check(o)) {
        return mpyi_type_slot_set_attr(o, name, value);
    }
    interned = mpyi_intern_str(t, mpyi_str_of(name));
    if (interned == NULL) {
        return -1;
    }
    result = set_generic(t, __func__, o, interned, value);
    mpy_decref(interned);
    return result;
}
