/* SPDX-License-Identifier: MIT */
/*
 * types/twins_object.c - exported functions for the inlined ones of minipy/object.h and
 * minipy/type.h.
 *
 * Hosts in C compile the inlined functions into themselves. Bindings of other languages, and hosts
 * that define MPY_NO_INLINE, need real symbols of the same names: here they are. An inlined
 * function and its twin cannot share a name within one file, so the headers are read with the
 * inlined ones renamed. (Giving the twin its symbol with an asm label does not do: clang takes the
 * two for one function, which then calls itself.)
 *
 * Lock: the runtime's, as the functions themselves.
 */
#define mpy_incref     inline_incref
#define mpy_decref     inline_decref
#define mpy_xincref    inline_xincref
#define mpy_xdecref    inline_xdecref
#define mpy_newref     inline_newref
#define mpy_xnewref    inline_xnewref
#define mpy_clear      inline_clear
#define mpy_assign     inline_assign
#define mpy_is         inline_is
#define mpy_is_none    inline_is_none
#define mpy_type_check inline_type_check
#include "minipy/type.h"
#undef mpy_incref
#undef mpy_decref
#undef mpy_xincref
#undef mpy_xdecref
#undef mpy_newref
#undef mpy_xnewref
#undef mpy_clear
#undef mpy_assign
#undef mpy_is
#undef mpy_is_none
#undef mpy_type_check

MPY_API void
mpy_incref(mpy_object *o);
MPY_API void
mpy_decref(mpy_object *o);
MPY_API void
mpy_xincref(mpy_object *o);
MPY_API void
mpy_xdecref(mpy_object *o);
MPY_API mpy_object *
mpy_newref(mpy_object *o);
MPY_API mpy_object *
mpy_xnewref(mpy_object *o);
MPY_API void
mpy_clear(mpy_object **slot);
MPY_API void
mpy_assign(mpy_object **slot, mpy_object *value);
MPY_API int
mpy_is(const mpy_object *a, const mpy_object *b);
MPY_API int
mpy_is_none(const mpy_object *o);
MPY_API int
mpy_type_check(const mpy_object *o);

void
mpy_incref(mpy_object *o)
{
    inline_incref(o);
}

void
mpy_decref(mpy_object *o)
{
    inline_decref(o);
}

void
mpy_xincref(mpy_object *o)
{
    inline_xincref(o);
}

void
mpy_xdecref(mpy_object *o)
{
    inline_xdecref(o);
}

mpy_object *
mpy_newref(mpy_object *o)
{
    return inline_newref(o);
}

mpy_object *
mpy_xnewref(mpy_object *o)
{
    return inline_xnewref(o);
}

void
mpy_clear(mpy_object **slot)
{
    inline_clear(slot);
}

void
mpy_assign(mpy_object **slot, mpy_object *value)
{
    inline_assign(slot, value);
}

int
mpy_is(const mpy_object *a, const mpy_object *b)
{
    return inline_is(a, b);
}

int
mpy_is_none(const mpy_object *o)
{
    return inline_is_none(o);
}

int
mpy_type_check(const mpy_object *o)
{
    return inline_type_check(o);
}
