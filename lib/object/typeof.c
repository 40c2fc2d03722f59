/* SPDX-License-Identifier: MIT */
/*
 * object/typeof.c - from a value to its type, and the error text every argument check shares.
 *
 * Immediates carry their type in the low three bits; what they stand for is looked up here. All of
 * this reads constant data and the header of the object: no allocation, no code of the host.
 *
 * Lock: the runtime's, for heap objects; none for immediates.
 */
#include "object/object.h"

const struct mpyi_type *
mpyi_type_of_immediate(const mpy_object *o)
{
    static const struct mpyi_type *const constants[] = {
        [MPY_CONST_NONE] = &mpyi_none_type,
        [MPY_CONST_FALSE] = &mpyi_bool_type,
        [MPY_CONST_TRUE] = &mpyi_bool_type,
        [MPY_CONST_NOT_IMPLEMENTED] = &mpyi_not_implemented_type,
        [MPY_CONST_ELLIPSIS] = &mpyi_ellipsis_type,
    };
    uintptr_t word = (uintptr_t)o;

    if ((word & MPY_PRIV_TAG_INT) != 0) {
        return &mpyi_int_type;
    }
    if ((word & MPY_PRIV_TAG_MASK) == MPY_PRIV_TAG_DOUBLE) {
        return &mpyi_float_type;
    }
    if ((word & MPY_PRIV_TAG_MASK) == MPY_PRIV_TAG_CONST &&
        word >> 3 < sizeof constants / sizeof constants[0]) {
        return constants[word >> 3];
    }
    mpyi_fatal("%p is no object: its tag is reserved", (const void *)o);
}

int
mpyi_type_is_subtype(const struct mpyi_type *a, const struct mpyi_type *b)
{
    for (; a != NULL; a = a->base) {
        if (a == b) {
            return 1;
        }
    }
    return 0;
}

const char *
mpyi_type_name_of(const mpy_object *o)
{
    return o != NULL ? mpyi_type_of(o)->name : "NULL";
}

void *
mpyi_err_argument(const char *function, const char *argument, const char *expected,
                  const mpy_object *o)
{
    return mpyi_err_format(o != NULL ? MPY_EXC_TYPE_ERROR : MPY_EXC_API,
                           "%s(): argument '%s': expected %s, got %s", function, argument, expected,
                           mpyi_type_name_of(o));
}
