/* SPDX-License-Identifier: MIT */
/*
 * types/protocol.c - repr, str, hash, truth, instance tests and sizes of any object.
 *
 * Each operation looks at the slot of the object's type; a NULL slot is the default behaviour.
 * Slots are inherited when a type is made, so one look is enough.
 *
 * Nesting: whatever can call itself through a container (repr, str, hash) counts its depth and ends
 * in RecursionError; atoms and immediates skip that. A container that contains itself is found on
 * t->repr_stack, a list that is as long as reprs are nested.
 *
 * What host slots return is checked here, so that the rest of the library can rely on it: repr and
 * str give a str, a failed slot has an error set.
 *
 * Lock: the runtime's. Slots of host types run user code.
 */
#include "types/protocol.h"

#include "types/format.h"
#include "types/list.h"
#include "types/number.h"
#include "types/shape.h"
#include "types/str.h"
#include "types/tuple.h"

#include <string.h>

int
mpyi_err_slot(struct mpyi_thread *t, const char *function, const char *slot, const mpy_object *o)
{
    if (!mpyi_err_occurred(t)) {
        (void)mpyi_err_format(MPY_EXC_SYSTEM_ERROR, "%s(): %s of '%s' failed without an error",
                              function, slot, mpyi_type_name_of(o));
    }
    return -1;
}

/* ---- type -------------------------------------------------------------------------------------
 */

mpy_object *
mpy_object_type(mpy_object *o)
{
    if (mpyi_enter1(__func__, o) == NULL) {
        return NULL;
    }
    if (o == NULL) {
        return mpyi_err_argument(__func__, "o", "object", o);
    }
    return mpy_newref(mpyi_type_object(mpyi_type_of(o)));
}

/* type: a type or a tuple of types. bool. */
static int
below(const char *function, const struct mpyi_type *type, mpy_object *class_or_tuple)
{
    mpy_object *one[1] = {class_or_tuple};
    mpy_object **items = one;
    size_t n = 1;

    if (mpy_priv_has_flag(class_or_tuple, MPY_TF_TUPLE)) {
        items = mpyi_tuple_items(class_or_tuple);
        n = mpyi_tuple_count(class_or_tuple);
    }
    for (size_t i = 0; i < n; i++) {
        if (!mpy_type_check(items[i])) {
            (void)mpyi_err_argument(function, "type", "type or tuple of types", items[i]);
            return -1;
        }
        if (mpyi_type_is_subtype(type, (const struct mpyi_type *)items[i])) {
            return 1;
        }
    }
    return 0;
}

int
mpy_object_is_instance(mpy_object *o, mpy_object *type)
{
    if (mpyi_enter2(__func__, o, type) == NULL) {
        return -1;
    }
    if (o == NULL) {
        (void)mpyi_err_argument(__func__, "o", "object", o);
        return -1;
    }
    return below(__func__, mpyi_type_of(o), type);
}

int
mpy_object_is_subclass(mpy_object *a, mpy_object *b)
{
    if (mpyi_enter2(__func__, a, b) == NULL) {
        return -1;
    }
    if (!mpy_type_check(a)) {
        (void)mpyi_err_argument(__func__, "a", "type", a);
        return -1;
    }
    return below(__func__, (const struct mpyi_type *)a, b);
}

/* ---- repr and str -------------------------------------------------------------------------------
 */

mpy_object *
mpyi_repr_default(struct mpyi_thread *t, mpy_object *o)
{
    return mpyi_str_format(t, "mpy_object_repr", "<%s object at %p>", mpyi_type_of(o)->qualname,
                           (void *)o);
}

int
mpyi_repr_enter(struct mpyi_thread *t, mpy_object *o)
{
    struct mpyi_list *stack;
    if (t->repr_stack == NULL && (t->repr_stack = mpyi_list_new(t, 8)) == NULL) {
        return -1;
    }
    stack = mpyi_list(t->repr_stack);
    for (size_t i = stack->count; i-- > 0;) {
        if (stack->items[i] == o) {
            return 1;
        }
    }
    return mpyi_list_append(t, t->repr_stack, o);
}

void
mpyi_repr_leave(struct mpyi_thread *t, mpy_object *o)
{
    mpy_object *stack = t->repr_stack;
    MPY_ASSERT(stack != NULL && mpyi_list(stack)->count != 0);
    MPY_ASSERT(mpyi_list(stack)->items[mpyi_list(stack)->count - 1] == o);
    (void)o;
    if (mpyi_list(stack)->count == 1) {
        t->repr_stack = NULL;
        mpy_decref(stack);
    } else {
        mpy_decref(mpyi_list_pop_last(stack));
    }
}

/* What a repr or str slot returned, if it is a str; the reference is passed on. */
static mpy_object *
checked_text(struct mpyi_thread *t, mpy_object *text, const char *function, const mpy_object *o)
{
    if (MPY_LIKELY(text != NULL && mpyi_is_str(text))) {
        return text;
    }
    if (text == NULL) {
        (void)mpyi_err_slot(t, function, strrchr(function, '_') + 1, o);
        return NULL;
    }
    (void)mpyi_err_format(MPY_EXC_TYPE_ERROR, "%s(): slot of '%s' returned '%s', not a str",
                          function, mpyi_type_name_of(o), mpyi_type_name_of(text));
    mpy_decref(text);
    return NULL;
}

mpy_object *
mpyi_repr(struct mpyi_thread *t, mpy_object *o)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    mpy_object *text;
    if (type->slots.repr == NULL) {
        return mpyi_repr_default(t, o);
    }
    if (mpyi_depth_enter(t, "mpy_object_repr") < 0) {
        return NULL;
    }
    text = checked_text(t, type->slots.repr(o), "mpy_object_repr", o);
    mpyi_depth_leave(t);
    return text;
}

mpy_object *
mpyi_str(struct mpyi_thread *t, mpy_object *o)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    mpy_object *text;
    if (type == &mpyi_str_type) {
        return mpy_newref(o);
    }
    if (type->slots.str == NULL) {
        return mpyi_repr(t, o);
    }
    if (mpyi_depth_enter(t, "mpy_object_str") < 0) {
        return NULL;
    }
    text = checked_text(t, type->slots.str(o), "mpy_object_str", o);
    mpyi_depth_leave(t);
    return text;
}

mpy_object *
mpy_object_repr(mpy_object *o)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, o);
    if (t == NULL) {
        return NULL;
    }
    return o != NULL ? mpyi_repr(t, o) : mpyi_err_argument(__func__, "o", "object", o);
}

mpy_object *
mpy_object_str(mpy_object *o)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, o);
    if (t == NULL) {
        return NULL;
    }
    return o != NULL ? mpyi_str(t, o) : mpyi_err_argument(__func__, "o", "object", o);
}

/* ---- hash
 * ---------------------------------------------------------------------------------------- */

int64_t
mpyi_hash_identity(const mpy_object *o)
{
    uint64_t word = (uint64_t)(uintptr_t)o;
    return (int64_t)(word >> 4 | word << 60); /* addresses are multiples of 8 or 16 */
}

int
mpyi_hash_unhashable(mpy_object *o, int64_t *out)
{
    *out = 0;
    (void)mpyi_err_format(MPY_EXC_TYPE_ERROR, "mpy_object_hash(): unhashable type: '%s'",
                          mpyi_type_name_of(o));
    return -1;
}

int
mpyi_err_unhashable_key(const char *function, const mpy_object *key)
{
    const struct mpyi_type *type = mpyi_type_of(key);
    if (type->slots.hash == mpyi_hash_unhashable ||
        (type->slots.hash == NULL && (type->head.flags & (MPY_TF_LIST | MPY_TF_DICT)) != 0)) {
        (void)mpyi_err_argument(function, "key", "hashable object", key);
    }
    return -1;
}

int
mpyi_hash(struct mpyi_thread *t, mpy_object *o, int64_t *out)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    int result;
    if (type->slots.hash == NULL) {
        if ((type->head.flags & (MPY_TF_LIST | MPY_TF_DICT)) != 0) {
            return mpyi_hash_unhashable(o, out);
        }
        *out = mpyi_hash_identity(o);
        return 0;
    }
    if (type->layout == MPYI_LAYOUT_ATOM) {
        return type->slots.hash(o, out);
    }
    *out = 0;
    if (mpyi_depth_enter(t, "mpy_object_hash") < 0) {
        return -1;
    }
    result = type->slots.hash(o, out);
    mpyi_depth_leave(t);
    return MPY_LIKELY(result >= 0) ? 0 : mpyi_err_slot(t, "mpy_object_hash", "hash", o);
}

static inline __attribute__((always_inline)) int
hash_of(struct mpyi_thread *t, mpy_object *o, int64_t *out)
{
    if (MPY_UNLIKELY(out == NULL)) {
        (void)mpyi_err_argument("mpy_object_hash", "out", "pointer", NULL);
        return -1;
    }
    if (MPY_UNLIKELY(o == NULL)) {
        *out = 0;
        (void)mpyi_err_argument("mpy_object_hash", "o", "object", o);
        return -1;
    }
    if (MPY_LIKELY(mpyi_is_str(o))) {
        *out = (int64_t)mpyi_str_hash(mpyi_str_of(o));
        return 0;
    }
    if (mpyi_is_int_immediate(o)) {
        *out = mpyi_hash_i64(mpyi_int_value(o));
        return 0;
    }
    return mpyi_hash(t, o, out);
}

/* An entry that finds no thread. */
static __attribute__((cold, noinline)) int
hash_unseen(mpy_object *o, int64_t *out)
{
    struct mpyi_thread *t = mpyi_enter1("mpy_object_hash", o);
    if (t != NULL) {
        return hash_of(t, o, out);
    }
    if (out != NULL) {
        *out = 0;
    }
    return -1;
}

int
mpy_object_hash(mpy_object *o, int64_t *out)
{
    struct mpyi_thread *t = mpyi_entry();
    return MPY_LIKELY(t != NULL) ? hash_of(t, o, out) : hash_unseen(o, out);
}

/* ---- truth
 * ---------------------------------------------------------------------------------------- */

int
mpyi_is_true(struct mpyi_thread *t, mpy_object *o)
{
    const struct mpyi_type *type;
    int result = 1;
    if (!mpy_priv_is_heap(o)) {
        return o != MPY_FALSE && o != MPY_NONE && o != mpy_int_from_i64(0) &&
               !(mpyi_is_float_immediate(o) && mpy_priv_double_decode(o) == 0.0);
    }
    type = mpyi_type_of(o);
    if (type->slots.is_true == NULL && type->slots.length == NULL) {
        return 1;
    }
    if (mpyi_depth_enter(t, "mpy_object_is_true") < 0) {
        return -1;
    }
    if (type->slots.is_true != NULL) {
        result = type->slots.is_true(o);
    } else {
        ptrdiff_t length = type->slots.length(o);
        result = length < 0 ? -1 : length != 0;
    }
    mpyi_depth_leave(t);
    if (MPY_UNLIKELY(result < 0)) {
        return mpyi_err_slot(t, "mpy_object_is_true",
                             type->slots.is_true != NULL ? "is_true" : "length", o);
    }
    return result != 0;
}

int
mpy_object_is_true(mpy_object *o)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, o);
    if (t == NULL) {
        return -1;
    }
    if (o == NULL) {
        (void)mpyi_err_argument(__func__, "o", "object", o);
        return -1;
    }
    return mpyi_is_true(t, o);
}

/* ---- size
 * ----------------------------------------------------------------------------------------- */

/* Bytes of the cell or atom of an object whose type has no fixed size. */
static size_t
varying_size(mpy_object *o, const struct mpyi_type *type)
{
    size_t count;
    if (type->layout == MPYI_LAYOUT_SHAPED) {
        return mpyi_shaped_size(mpyi_shape_of(o)->slots);
    }
    if (type->layout == MPYI_LAYOUT_VAR) {
        count = *(size_t *)(void *)((char *)(uintptr_t)o + type->count_offset);
        count = count > type->inline_max ? 1 : count;
        return MPYI_CELL_MIN < type->ref_offset + 8 * count ? type->ref_offset + 8 * count
                                                            : MPYI_CELL_MIN;
    }
    return 0; /* atoms of varying size count themselves as extra */
}

size_t
mpyi_sizeof(mpy_object *o)
{
    const struct mpyi_type *type = mpyi_type_of(o);
    size_t size;
    if (!mpy_priv_is_heap(o)) {
        return 0;
    }
    size = type->instance_size != 0 ? type->instance_size : varying_size(o, type);
    return size + (type->extra_size != NULL ? type->extra_size(o) : 0);
}

ptrdiff_t
mpy_object_sizeof(mpy_object *o)
{
    if (mpyi_enter1(__func__, o) == NULL) {
        return -1;
    }
    if (o == NULL) {
        (void)mpyi_err_argument(__func__, "o", "object", o);
        return -1;
    }
    return (ptrdiff_t)mpyi_sizeof(o);
}
