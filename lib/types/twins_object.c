/* SPDX-License-Identifier: MIT */
/*
 * types/twins_object.c - exported functions for the inlined ones of minipy/object.h and
 * minipy/type.h.
 *
 * Hosts in C compile the inlined functions into themselves. Bindings of other languages, and hosts
 * that define MPY_NO_INLINE, need real symbols of the same names: here they are. In this file the
 * names mean the inlined functions, so each twin has another name for the compiler and the public
 * one for the linker.
 *
 * Lock: the runtime's, as the functions themselves.
 */
#include "minipy/type.h"

#define TWIN(result, name, parameters)                                                             \
    MPY_API result twin_##name parameters __asm__("mpy_" #name);                                   \
    result twin_##name parameters

TWIN(void, incref, (mpy_object * o))
{
    mpy_incref(o);
}

TWIN(void, decref, (mpy_object * o))
{
    mpy_decref(o);
}

TWIN(void, xincref, (mpy_object * o))
{
    mpy_xincref(o);
}

TWIN(void, xdecref, (mpy_object * o))
{
    mpy_xdecref(o);
}

TWIN(mpy_object *, newref, (mpy_object * o))
{
    return mpy_newref(o);
}

TWIN(mpy_object *, xnewref, (mpy_object * o))
{
    return mpy_xnewref(o);
}

TWIN(void, clear, (mpy_object * *slot))
{
    mpy_clear(slot);
}

TWIN(void, assign, (mpy_object * *slot, mpy_object *value))
{
    mpy_assign(slot, value);
}

TWIN(int, is, (const mpy_object *a, const mpy_object *b))
{
    return mpy_is(a, b);
}

TWIN(int, is_none, (const mpy_object *o))
{
    return mpy_is_none(o);
}

TWIN(int, type_check, (const mpy_object *o))
{
    return mpy_type_check(o);
}
