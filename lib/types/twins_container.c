/* SPDX-License-Identifier: MIT */
/*
 * types/twins_container.c - exported twins of the inline functions of minipy/list.h, tuple.h and
 * dict.h.
 *
 * Bindings of other languages, and hosts that define MPY_NO_INLINE, call these. In C an inline
 * function and its twin cannot share a name within one file, so the headers are read with the
 * inline functions renamed. (Giving the twin the public symbol with an asm label does not do: clang
 * takes the two for one function, which then calls itself.)
 *
 * Lock: none; they only read.
 */
#define mpy_list_check  inline_list_check
#define mpy_tuple_check inline_tuple_check
#define mpy_dict_check  inline_dict_check
#include "minipy/dict.h"
#include "minipy/list.h"
#include "minipy/tuple.h"
#undef mpy_list_check
#undef mpy_tuple_check
#undef mpy_dict_check

MPY_API int
mpy_list_check(const mpy_object *o);
MPY_API int
mpy_tuple_check(const mpy_object *o);
MPY_API int
mpy_dict_check(const mpy_object *o);

int
mpy_list_check(const mpy_object *o)
{
    return inline_list_check(o);
}

int
mpy_tuple_check(const mpy_object *o)
{
    return inline_tuple_check(o);
}

int
mpy_dict_check(const mpy_object *o)
{
    return inline_dict_check(o);
}
