/* SPDX-License-Identifier: MIT */
/*
 * types/construct.c - calling a type: list(), int("3"), ValueError("text"), Point(1, 2).
 *
 * Host types and exceptions make an instance and hand the arguments to init; an instance whose init
 * fails is dropped. An exception keeps its arguments before init is called, as in Python: an init
 * of the host's need not do it. Built-in types convert their argument as in Python, as far as the
 * library has a conversion; the rest cannot be created by a call.
 *
 * Lock: the runtime's. init and conversions run code of the host.
 */
#include "minipy/dict.h"
#include "minipy/iter.h"
#include "minipy/list.h"
#include "minipy/number.h"
#include "minipy/str.h"

#include "types/call.h"
#include "types/exc.h"
#include "types/instance.h"
#include "types/number.h"
#include "types/protocol.h"
#include "types/str.h"
#include "types/tuple.h"
#include "types/type.h"

static mpy_object *
create_instance(struct mpyi_thread *t, const struct mpyi_type *type, mpy_object *const *argv,
                size_t nargs, mpy_object *kwnames)
{
    mpy_object *o;
    int is_exc = (type->traits & MPYI_TRAIT_EXCEPTION) != 0;
    if (type->slots.init == NULL &&
        (nargs != 0 || (kwnames != NULL && mpyi_tuple_count(kwnames) != 0))) {
        return mpyi_err_format(MPY_EXC_TYPE_ERROR, "%s() takes no arguments", type->name);
    }
    mpyi_safe_point(t);
    o = mpyi_instance_new(t, type);
    if (o != NULL && is_exc && mpyi_exc_keep_args(t, o, argv, nargs) < 0) {
        mpy_decref(o);
        return NULL;
    }
    if (o != NULL && type->slots.init != NULL && type->slots.init(o, argv, nargs, kwnames) < 0) {
        if (!mpyi_err_occurred(t)) {
            (void)mpyi_err_format(MPY_EXC_SYSTEM_ERROR, "%s(): init failed without an error",
                                  type->name);
        }
        mpy_decref(o);
        return NULL;
    }
    return o;
}

static mpy_object *
make_list(mpy_object *const *argv, size_t nargs)
{
    mpy_object *list = mpy_list_new(0);
    if (list != NULL && nargs == 1 && mpy_list_extend(list, argv[0]) < 0) {
        mpy_decref(list);
        return NULL;
    }
    return list;
}

static mpy_object *
make_tuple(mpy_object *const *argv, size_t nargs)
{
    mpy_object *list, *tuple;
    if (nargs == 0) {
        return mpyi_tuple_new_empty();
    }
    if (mpy_tuple_check(argv[0])) {
        return mpy_newref(argv[0]);
    }
    list = make_list(argv, nargs);
    if (list == NULL) {
        return NULL;
    }
    tuple = mpy_list_as_tuple(list);
    mpy_decref(list);
    return tuple;
}

static mpy_object *
make_range(mpy_object *const *argv, size_t nargs)
{
    int64_t n[3] = {0, 0, 1};
    for (size_t i = 0; i < nargs; i++) {
        if (mpy_int_as_i64(argv[i], nargs == 1 ? &n[1] : &n[i]) < 0) {
            return NULL;
        }
    }
    return mpy_iter_range(n[0], n[1], n[2]);
}

static mpy_object *
make_bool(struct mpyi_thread *t, mpy_object *const *argv, size_t nargs)
{
    int truth = nargs == 1 ? mpyi_is_true(t, argv[0]) : 0;
    return truth < 0 ? NULL : mpyi_bool_object(truth);
}

/* The least and most arguments of a built-in type; 0 when it cannot be created. */
static int
arity(int id, size_t *least, size_t *most)
{
    *least = id == MPY_TYPE_ID_TYPE || id == MPY_TYPE_ID_RANGE;
    *most = id == MPY_TYPE_ID_RANGE ? 3 : 1;
    return id == MPY_TYPE_ID_TYPE || id == MPY_TYPE_ID_BOOL || id == MPY_TYPE_ID_INT ||
           id == MPY_TYPE_ID_FLOAT || id == MPY_TYPE_ID_STR || id == MPY_TYPE_ID_LIST ||
           id == MPY_TYPE_ID_TUPLE || id == MPY_TYPE_ID_DICT || id == MPY_TYPE_ID_RANGE;
}

static mpy_object *
convert(struct mpyi_thread *t, int id, mpy_object *const *argv, size_t nargs)
{
    switch (id) {
    case MPY_TYPE_ID_TYPE:
        return mpy_object_type(argv[0]);
    case MPY_TYPE_ID_BOOL:
        return make_bool(t, argv, nargs);
    case MPY_TYPE_ID_INT:
        return nargs == 1 ? mpy_number_to_int(argv[0]) : mpy_int_from_i64(0);
    case MPY_TYPE_ID_FLOAT:
        return nargs == 1 ? mpy_number_to_float(argv[0]) : mpy_float_from_double(0.0);
    case MPY_TYPE_ID_STR:
        return nargs == 1 ? mpyi_str(t, argv[0]) : mpyi_str_object(mpyi_str_empty());
    case MPY_TYPE_ID_LIST:
        return make_list(argv, nargs);
    case MPY_TYPE_ID_TUPLE:
        return make_tuple(argv, nargs);
    case MPY_TYPE_ID_DICT:
        return nargs == 1 ? mpy_dict_copy(argv[0]) : mpy_dict_new(0);
    default:
        return make_range(argv, nargs);
    }
}

mpy_object *
mpyi_type_slot_call(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    struct mpyi_thread *t = mpyi_current();
    const struct mpyi_type *type = mpyi_type(self);
    size_t least, most;

    if ((type->traits & (MPYI_TRAIT_HEAP | MPYI_TRAIT_EXCEPTION)) != 0) {
        return create_instance(t, type, argv, nargs, kwnames);
    }
    if (!arity(type->id, &least, &most)) {
        return mpyi_err_format(MPY_EXC_TYPE_ERROR, "mpy_call(): cannot create '%s' instances",
                               type->name);
    }
    if (kwnames != NULL && mpyi_tuple_count(kwnames) != 0) {
        return mpyi_err_format(MPY_EXC_TYPE_ERROR, "%s() takes no keyword arguments", type->name);
    }
    if (nargs < least || nargs > most) {
        return least == most
                   ? mpyi_err_format(MPY_EXC_TYPE_ERROR, "%s() takes %zu argument%s but got %zu",
                                     type->name, least, least == 1 ? "" : "s", nargs)
                   : mpyi_err_format(MPY_EXC_TYPE_ERROR,
                                     "%s() takes %zu to %zu arguments but got %zu", type->name,
                                     least, most, nargs);
    }
    return convert(t, type->id, argv, nargs);
}
