/* SPDX-License-Identifier: MIT */
/*
 * types/constant.c - None, True, False, NotImplemented, Ellipsis, and the types `object` and
 * `type`.
 *
 * The five constants are immediates: each is a number in a tagged word, so there is nothing to
 * allocate, count or free, and they are the same in every runtime. Bool is an int (its arithmetic,
 * comparison and hash are int's) with a repr of its own.
 *
 * `object` is at the end of every chain of bases. `type` is the type of all types, built-in ones
 * (static, constant) and those of hosts (GC cells), which is why its layout counts two references:
 * those of built-in types are NULL.
 *
 * Lock: none; everything here is constant.
 */
#include "types/format.h"
#include "types/number.h"
#include "types/protocol.h"
#include "types/str.h"
#include "types/type.h"

MPYI_STATIC_STR(text_none, "None");
MPYI_STATIC_STR(text_false, "False");
MPYI_STATIC_STR(text_true, "True");
MPYI_STATIC_STR(text_not_implemented, "NotImplemented");
MPYI_STATIC_STR(text_ellipsis, "Ellipsis");

mpy_object *
mpy_constant(int id)
{
    if (mpyi_enter(__func__) == NULL) {
        return NULL;
    }
    if (id < MPY_CONST_NONE || id > MPY_CONST_ELLIPSIS) {
        return mpyi_err_format(MPY_EXC_VALUE_ERROR,
                               "%s(): argument 'id': expected MPY_CONST_*, got %d", __func__, id);
    }
    return mpy_priv_const((unsigned)id);
}

static mpy_object *
constant_repr(mpy_object *self)
{
    const struct mpyi_str *const texts[] = {text_none, text_false, text_true, text_not_implemented,
                                            text_ellipsis};
    return mpyi_str_object(texts[(uintptr_t)self >> 3]);
}

static int
constant_hash(mpy_object *self, int64_t *out)
{
    *out = mpyi_hash_i64((int64_t)((uintptr_t)self >> 3) + 0xFCA86420);
    return 0;
}

/* Nothing to do: immediates do not die. */
static void
constant_dealloc(struct mpyi_thread *t, mpy_object *o)
{
    (void)t;
    (void)o;
}

const struct mpyi_type mpyi_none_type = {
    .head = MPYI_STATIC_HEAD(0),
    .layout = MPYI_LAYOUT_ATOM,
    .id = MPY_TYPE_ID_NONE,
    .name = "NoneType",
    .qualname = "NoneType",
    .base = &mpyi_object_type,
    .dealloc = constant_dealloc,
    .slots = {.repr = constant_repr, .hash = constant_hash},
};

const struct mpyi_type mpyi_bool_type = {
    .head = MPYI_STATIC_HEAD(MPY_TF_INT | MPY_TF_BOOL),
    .layout = MPYI_LAYOUT_ATOM,
    .id = MPY_TYPE_ID_BOOL,
    .name = "bool",
    .qualname = "bool",
    .base = &mpyi_int_type,
    .dealloc = constant_dealloc,
    .slots = {.repr = constant_repr,
              .hash = mpyi_int_hash,
              .is_true = mpyi_int_is_true,
              MPYI_NUMBER_SLOTS},
};

const struct mpyi_type mpyi_not_implemented_type = {
    .head = MPYI_STATIC_HEAD(0),
    .layout = MPYI_LAYOUT_ATOM,
    .id = MPY_TYPE_ID_NOT_IMPLEMENTED,
    .name = "NotImplementedType",
    .qualname = "NotImplementedType",
    .base = &mpyi_object_type,
    .dealloc = constant_dealloc,
    .slots = {.repr = constant_repr, .hash = constant_hash},
};

const struct mpyi_type mpyi_ellipsis_type = {
    .head = MPYI_STATIC_HEAD(0),
    .layout = MPYI_LAYOUT_ATOM,
    .id = MPY_TYPE_ID_ELLIPSIS,
    .name = "ellipsis",
    .qualname = "ellipsis",
    .base = &mpyi_object_type,
    .dealloc = constant_dealloc,
    .slots = {.repr = constant_repr, .hash = constant_hash},
};

const struct mpyi_type mpyi_object_type = {
    .head = MPYI_STATIC_HEAD(0),
    .traits = MPYI_TRAIT_BASE,
    .layout = MPYI_LAYOUT_ATOM,
    .id = MPY_TYPE_ID_OBJECT,
    .name = "object",
    .qualname = "object",
    .dealloc = constant_dealloc,
};

const struct mpyi_type mpyi_type_type = {
    .head = MPYI_STATIC_HEAD(MPY_TF_TYPE),
    .traits = MPYI_TRAIT_METATYPE,
    .layout = MPYI_LAYOUT_FIXED,
    .id = MPY_TYPE_ID_TYPE,
    .ref_offset = offsetof(struct mpyi_type, refs),
    .ref_count = 2,
    .instance_size = sizeof(struct mpyi_heap_type),
    .name = "type",
    .qualname = "type",
    .base = &mpyi_object_type,
    .dealloc = mpyi_type_dealloc,
    .empty = mpyi_type_empty,
    .extra_size = mpyi_type_extra_size,
    .free_extra = mpyi_type_free_extra,
    .slots = {.repr = mpyi_type_slot_repr,
              .get_attr = mpyi_type_slot_get_attr,
              .set_attr = mpyi_type_slot_set_attr,
              .call = mpyi_type_slot_call},
};

/* ---- by number
 * ----------------------------------------------------------------------------------- */

mpy_object *
mpy_type_builtin(int id)
{
    static const struct mpyi_type *const types[MPY_TYPE_ID_COUNT] = {
        [MPY_TYPE_ID_OBJECT] = &mpyi_object_type,
        [MPY_TYPE_ID_TYPE] = &mpyi_type_type,
        [MPY_TYPE_ID_NONE] = &mpyi_none_type,
        [MPY_TYPE_ID_BOOL] = &mpyi_bool_type,
        [MPY_TYPE_ID_INT] = &mpyi_int_type,
        [MPY_TYPE_ID_FLOAT] = &mpyi_float_type,
        [MPY_TYPE_ID_STR] = &mpyi_str_type,
        [MPY_TYPE_ID_BYTES] = &mpyi_bytes_type,
        [MPY_TYPE_ID_LIST] = &mpyi_list_type,
        [MPY_TYPE_ID_TUPLE] = &mpyi_tuple_type,
        [MPY_TYPE_ID_DICT] = &mpyi_dict_type,
        [MPY_TYPE_ID_RANGE] = &mpyi_range_type,
        [MPY_TYPE_ID_ITERATOR] = &mpyi_iterator_type,
        [MPY_TYPE_ID_FUNCTION] = &mpyi_function_type,
        [MPY_TYPE_ID_METHOD] = &mpyi_method_type,
        [MPY_TYPE_ID_NOT_IMPLEMENTED] = &mpyi_not_implemented_type,
        [MPY_TYPE_ID_ELLIPSIS] = &mpyi_ellipsis_type,
    };
    if (mpyi_enter(__func__) == NULL) {
        return NULL;
    }
    if (id < 0 || id >= MPY_TYPE_ID_COUNT) {
        return mpyi_err_format(MPY_EXC_VALUE_ERROR,
                               "%s(): argument 'id': expected MPY_TYPE_ID_*, got %d", __func__, id);
    }
    return mpyi_type_object(types[id]);
}
