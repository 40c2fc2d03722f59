/* SPDX-License-Identifier: MIT */
/*
 * types/type_object.c - what type objects themselves do: repr and attributes.
 *
 * The attributes of a type are those of its own dict and of its bases'. They are looked up through
 * the attribute cache under the type's own key, as its instances do, and are given back unbound.
 * Members are no attributes of the type: they need an instance.
 *
 * Changing one makes every cached answer invalid before the dict changes: cached payloads are
 * borrowed from the dicts, and dropping the old value may run code that looks attributes up.
 * Built-in types are shared by all runtimes and cannot be changed.
 *
 * Lock: the runtime's. Drops run code of the host.
 */
#include "types/attr.h"
#include "types/dict.h"
#include "types/format.h"
#include "types/type.h"

mpy_object *
mpyi_type_slot_repr(mpy_object *self)
{
    return mpyi_str_format(mpyi_current(), "mpy_object_repr", "<class '%s'>",
                           mpyi_type(self)->qualname);
}

mpy_object *
mpyi_type_slot_get_attr(mpy_object *self, mpy_object *name)
{
    struct mpyi_thread *t = mpyi_current();
    mpy_object *interned = mpyi_attr_name(t, name);
    mpy_object *value = NULL;

    if (interned != NULL) {
        struct mpyi_attr_entry e;
        mpy_incref(interned);
        e = mpyi_attr_lookup_class(t, mpyi_type(self), interned);
        if (e.kind == MPYI_ATTR_CLASS || e.kind == MPYI_ATTR_METHOD) {
            value = mpy_newref((mpy_object *)e.payload);
        }
        mpy_decref(interned);
    }
    if (value == NULL) {
        mpyi_attr_missing("mpy_object_get_attr", self, mpyi_str_data(mpyi_str_of(name)));
    }
    return value;
}

static int
delete_from(struct mpyi_thread *t, mpy_object *self, mpy_object *dict, mpy_object *name)
{
    mpy_object *old = NULL;
    int found = mpyi_dict_pop(t, dict, name, &old);
    mpy_xdecref(old);
    if (found == 0) {
        mpyi_attr_missing("mpy_object_del_attr", self, mpyi_str_data(mpyi_str_of(name)));
        return -1;
    }
    return found < 0 ? -1 : 0;
}

int
mpyi_type_slot_set_attr(mpy_object *self, mpy_object *name, mpy_object *value)
{
    struct mpyi_thread *t = mpyi_current();
    const struct mpyi_type *type = mpyi_type(self);
    mpy_object *interned;
    mpy_object *dict;
    int result;

    if ((type->traits & MPYI_TRAIT_HEAP) == 0 || type->refs[1] == NULL) {
        (void)mpyi_err_format(MPY_EXC_TYPE_ERROR,
                              "mpy_object_set_attr(): type '%s' cannot be changed", type->name);
        return -1;
    }
    interned = mpyi_intern_str(t, mpyi_str_of(name));
    if (interned == NULL) {
        return -1;
    }
    dict = mpy_newref(type->refs[1]);
    mpyi_attr_cache_invalidate(t);
    result = value != NULL ? mpyi_dict_set(t, dict, interned, value)
                           : delete_from(t, self, dict, interned);
    mpy_decref(dict);
    mpy_decref(interned);
    return result;
}
