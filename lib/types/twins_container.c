/* SPDX-License-Identifier: MIT */
/*
 * types/twins_container.c - exported twins of the inline functions of minipy/list.h, tuple.h and
 * dict.h, for other languages' bindings.
 *
 * Each twin is a function of another C name whose symbol is that of the inline function, so the
 * inline body stays the only one.
 *
 * Lock: none; they only read.
 */
#include "minipy/dict.h"
#include "minipy/list.h"
#include "minipy/tuple.h"

MPY_API int
twin_list_check(const mpy_object *o) __asm__("mpy_list_check");
MPY_API int
twin_tuple_check(const mpy_object *o) __asm__("mpy_tuple_check");
MPY_API int
twin_dict_check(const mpy_object *o) __asm__("mpy_dict_check");

int
twin_list_check(const mpy_object *o)
{
    return mpy_list_check(o);
}

int
twin_tuple_check(const mpy_object *o)
{
    return mpy_tuple_check(o);
}

int
twin_dict_check(const mpy_object *o)
{
    return mpy_dict_check(o);
}
