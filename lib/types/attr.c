/* SPDX-License-Identifier: MIT */
/*
 * types/attr.c - getting, setting and deleting attributes.
 *
 * Python's order, for instances of types without a get_attr slot of their own:
 *
 *   1. a member of the type (reads or writes a reference of the data)
 *   2. the instance's own attributes: inline values, an array of them, or a dict
 *   3. the dicts of the type and its bases; functions there come back bound to the instance
 *
 * The paths at the top of each public function take the frequent cases in one look into the cache
 * (types/attr_cache.c); everything else goes through the functions before them. Names that are not
 * interned are looked up in the intern table: when it has no such text, no object has such an
 * attribute, so asking for one by C string allocates nothing.
 *
 * A deleted attribute of a shaped instance leaves its place behind, holding NULL; setting it again
 * fills the place. So a value of NULL means "go on with step 3".
 *
 * Invariant: instances are changed before anything is dropped, so code of the host that runs
 * because of a drop sees the new state.
 *
 * Lock: the runtime's. Slots of host types and finalizers run user code.
 */
#include "types/attr_cache.h"

#include "types/dict.h"
#include "types/function.h"
#include "types/instance.h"
#include "types/protocol.h"
#include "types/type.h"

void
mpyi_attr_missing(const char *function, const mpy_object *o, const char *name)
{
    if (mpy_type_check(o)) {
        (void)mpyi_err_format(MPY_EXC_ATTRIBUTE_ERROR,
                              "%s(): type object '%s' has no attribute '%s'", function,
                              mpyi_type(o)->name, name);
        return;
    }
    (void)mpyi_err_format(MPY_EXC_ATTRIBUTE_ERROR, "%s(): '%s' object has no attribute '%s'",
                          function, mpyi_type_name_of(o), name);
}

static const char *
text_of(const mpy_object *name)
{
    return mpyi_str_data(mpyi_str_of(name));
}

/* ---- getting
 * -------------------------------------------------------------------------------------- */

/* The place of a member or a value, as the entry says. */
static inline mpy_object **
place_of(mpy_object *o, const struct mpyi_type *type, const struct mpyi_attr_entry *e)
{
    if (e->kind == MPYI_ATTR_INLINE) {
        return &((struct mpyi_shaped *)o)->values[e->slot];
    }
    if (e->kind == MPYI_ATTR_ARRAY) {
        return &((mpy_object **)(void *)((struct mpyi_shaped *)o)->values[0])[e->slot];
    }
    return (mpy_object **)mpyi_instance_data(o, type) + mpyi_attr_ref(e);
}

/* As mpyi_attr_find(), but a function that binds comes back alone, with 2. */
static int
find_unbound(struct mpyi_thread *t, mpy_object *o, mpy_object *name, mpy_object **out)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    struct mpyi_attr_entry e = mpyi_attr_lookup(t, o, type, name);
    mpy_object *value = NULL;

    if (e.kind == MPYI_ATTR_REF) {
        *out = mpy_xnewref(*place_of(o, type, &e));
        return *out != NULL;
    }
    if (e.kind == MPYI_ATTR_INLINE || e.kind == MPYI_ATTR_ARRAY) {
        value = *place_of(o, type, &e);
        if (value == NULL) { /* deleted */
            e = mpyi_attr_lookup_class(t, type, name);
        }
    } else if ((e.flags & MPYI_ATTR_HAS_DICT) != 0) {
        mpy_object *dict = *mpyi_instance_dict(o, type);
        value = dict != NULL ? mpyi_dict_find_str(dict, name) : NULL;
    }
    if (value != NULL) {
        *out = mpy_newref(value);
        return 1;
    }
    if (e.kind == MPYI_ATTR_CLASS || e.kind == MPYI_ATTR_METHOD) {
        *out = mpy_newref((mpy_object *)e.payload);
        return e.kind == MPYI_ATTR_METHOD ? 2 : 1;
    }
    *out = NULL;
    return 0;
}

/* Makes an unbound function at *out a bound one. found. */
static int
bind(struct mpyi_thread *t, mpy_object *o, mpy_object **out, int found)
{
    if (found == 2) {
        mpy_object *function = *out;
        *out = mpyi_method_new(t, function, o);
        mpy_decref(function);
        return *out != NULL ? 1 : -1;
    }
    return found;
}

static int
find_generic(struct mpyi_thread *t, mpy_object *o, mpy_object *name, mpy_object **out)
{
    int found;
    *out = NULL;
    if (name == NULL) {
        return 0;
    }
    mpy_incref(name); /* perhaps only the intern table has it, which may be purged on the way */
    found = bind(t, o, out, find_unbound(t, o, name, out));
    mpy_decref(name);
    return found;
}

/* Through the get_attr slot of the type: its AttributeError means "not there". name: any str. */
static int
find_by_slot(struct mpyi_thread *t, mpy_object *o, mpy_object *name, mpy_object **out)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    if (mpyi_depth_enter(t, "mpy_object_get_attr") < 0) {
        *out = NULL;
        return -1;
    }
    *out = type->slots.get_attr(o, name);
    mpyi_depth_leave(t);
    if (*out != NULL) {
        return 1;
    }
    if (t->error.code != MPY_EXC_ATTRIBUTE_ERROR) {
        return mpyi_err_slot(t, "mpy_object_get_attr", "get_attr", o);
    }
    mpyi_err_clear(t);
    return 0;
}

int
mpyi_attr_find(struct mpyi_thread *t, mpy_object *o, mpy_object *name, mpy_object **out)
{
    if (name != NULL && mpyi_type_of(o)->slots.get_attr != NULL) {
        return find_by_slot(t, o, name, out);
    }
    return find_generic(t, o, name, out);
}

int
mpyi_attr_find_method(struct mpyi_thread *t, mpy_object *o, mpy_object *name, mpy_object **out)
{
    int found;
    if (mpyi_type_of(o)->slots.get_attr != NULL) {
        return find_by_slot(t, o, name, out);
    }
    *out = NULL;
    name = mpyi_attr_name(t, name);
    if (name == NULL) {
        return 0;
    }
    mpy_incref(name);
    found = find_unbound(t, o, name, out);
    mpy_decref(name);
    return found;
}

/* The frequent answers: a value in the instance or in a class, borrowed; NULL when it takes more.
   name may be any word, even no str: then no entry has it. */
static inline mpy_object *
find_fast(struct mpyi_thread *t, mpy_object *o, const mpy_object *name)
{
    const struct mpyi_attr_entry *e;
    const void *key;
    if (MPY_UNLIKELY(!mpy_priv_is_heap(o) || o == NULL)) {
        return NULL;
    }
    key = mpyi_head(o)->type;
    if (MPY_LIKELY(((const struct mpyi_type *)key)->layout == MPYI_LAYOUT_SHAPED)) {
        key = ((struct mpyi_shaped *)o)->shape;
    }
    e = mpyi_attr_cache_hit(t->rt->attr_cache, key, name);
    if (MPY_LIKELY(e != NULL)) {
        if (MPY_LIKELY(e->kind == MPYI_ATTR_INLINE)) {
            return ((struct mpyi_shaped *)o)->values[e->slot];
        }
        if (e->kind == MPYI_ATTR_ARRAY) {
            return ((mpy_object **)(void *)((struct mpyi_shaped *)o)->values[0])[e->slot];
        }
        if (e->kind == MPYI_ATTR_REF) {
            const struct mpyi_type *type = (const struct mpyi_type *)mpyi_head(o)->type;
            return ((mpy_object **)mpyi_instance_data(o, type))[mpyi_attr_ref(e)];
        }
    }
    return NULL;
}

/* int0: o and name are what they should be. */
static int
check_get(const char *function, const mpy_object *o, const mpy_object *name)
{
    if (MPY_UNLIKELY(o == NULL)) {
        (void)mpyi_err_argument(function, "o", "object", NULL);
        return -1;
    }
    if (MPY_UNLIKELY(!mpyi_is_str(name))) {
        (void)mpyi_err_argument(function, "name", "str", name);
        return -1;
    }
    return 0;
}

/* What comes after the fast path. found. */
static __attribute__((noinline)) int
find_slow(struct mpyi_thread *t, const char *function, mpy_object *o, mpy_object *name,
          mpy_object **out)
{
    *out = NULL;
    if (check_get(function, o, name) < 0) {
        return -1;
    }
    if (mpyi_type_of(o)->slots.get_attr != NULL) {
        return find_by_slot(t, o, name, out);
    }
    return find_generic(t, o, mpyi_attr_name(t, name), out);
}

static __attribute__((noinline)) mpy_object *
get_slow(struct mpyi_thread *t, const char *function, mpy_object *o, mpy_object *name)
{
    mpy_object *value;
    const struct mpyi_type *type;
    int found;
    if (check_get(function, o, name) < 0) {
        return NULL;
    }
    type = mpyi_type_of(o);
    if (type->slots.get_attr != NULL) {
        if (mpyi_depth_enter(t, function) < 0) {
            return NULL;
        }
        value = type->slots.get_attr(o, name);
        mpyi_depth_leave(t);
        if (MPY_UNLIKELY(value == NULL)) {
            (void)mpyi_err_slot(t, function, "get_attr", o);
        }
        return value;
    }
    found = find_generic(t, o, mpyi_attr_name(t, name), &value);
    if (found == 0) {
        mpyi_attr_missing(function, o, text_of(name));
    }
    return value;
}

mpy_object *
mpy_object_get_attr(mpy_object *o, mpy_object *name)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, o, name);
    mpy_object *value;
    if (MPY_UNLIKELY(t == NULL)) {
        return NULL;
    }
    value = find_fast(t, o, name);
    return MPY_LIKELY(value != NULL) ? mpy_newref(value) : get_slow(t, __func__, o, name);
}

int
mpy_object_find_attr(mpy_object *o, mpy_object *name, mpy_object **out)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, o, name);
    mpy_object *value;
    if (MPY_UNLIKELY(out == NULL)) {
        if (t != NULL) {
            (void)mpyi_err_argument(__func__, "out", "pointer", NULL);
        }
        return -1;
    }
    if (MPY_UNLIKELY(t == NULL)) {
        *out = NULL;
        return -1;
    }
    value = find_fast(t, o, name);
    if (MPY_LIKELY(value != NULL)) {
        *out = mpy_newref(value);
        return 1;
    }
    return find_slow(t, __func__, o, name, out);
}

int
mpy_object_has_attr(mpy_object *o, mpy_object *name)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, o, name);
    mpy_object *value;
    int found;
    if (t == NULL) {
        return -1;
    }
    found = find_slow(t, __func__, o, name, &value);
    mpy_xdecref(value);
    return found;
}

/* ---- getting by C string
 * --------------------------------------------------------------------------- */

/* found. Allocates nothing unless the type has a get_attr slot or a method is bound. */
static int
find_utf8(struct mpyi_thread *t, const char *function, mpy_object *o, const char *name,
          mpy_object **out)
{
    struct mpyi_str *s;
    mpy_object *value;
    *out = NULL;
    if (o == NULL || name == NULL) {
        (void)mpyi_err_argument(function, o == NULL ? "o" : "name", o == NULL ? "object" : "text",
                                NULL);
        return -1;
    }
    s = mpyi_intern_find(t, name, strlen(name));
    if (MPY_LIKELY(s != NULL)) {
        value = find_fast(t, o, mpyi_str_object(s));
        if (MPY_LIKELY(value != NULL)) {
            *out = mpy_newref(value);
            return 1;
        }
    }
    if (mpyi_type_of(o)->slots.get_attr != NULL) {
        mpy_object *str = mpyi_intern_text(t, function, name, strlen(name));
        int found = str != NULL ? find_by_slot(t, o, str, out) : -1;
        mpy_xdecref(str);
        return found;
    }
    if (s == NULL) { /* no object has such an attribute */
        return mpyi_str_check_utf8(function, name, strlen(name));
    }
    return find_generic(t, o, mpyi_str_object(s), out);
}

mpy_object *
mpy_object_get_attr_utf8(mpy_object *o, const char *name)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, o);
    mpy_object *value;
    if (MPY_UNLIKELY(t == NULL)) {
        return NULL;
    }
    if (find_utf8(t, __func__, o, name, &value) == 0) {
        mpyi_attr_missing(__func__, o, name);
    }
    return value;
}

int
mpy_object_find_attr_utf8(mpy_object *o, const char *name, mpy_object **out)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, o);
    if (MPY_UNLIKELY(out == NULL)) {
        if (t != NULL) {
            (void)mpyi_err_argument(__func__, "out", "pointer", NULL);
        }
        return -1;
    }
    if (MPY_UNLIKELY(t == NULL)) {
        *out = NULL;
        return -1;
    }
    return find_utf8(t, __func__, o, name, out);
}

mpy_object *
mpy_object_generic_get_attr(mpy_object *o, mpy_object *name)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, o, name);
    mpy_object *value;
    if (t == NULL || check_get(__func__, o, name) < 0) {
        return NULL;
    }
    if (mpy_type_check(o)) {
        return mpyi_type_slot_get_attr(o, name);
    }
    if (find_generic(t, o, mpyi_attr_name(t, name), &value) == 0) {
        mpyi_attr_missing(__func__, o, text_of(name));
    }
    return value;
}
