/* SPDX-License-Identifier: MIT */
/*
 * minipy/list.h - a growing array of references.
 *
 * Indices are >= 0: IndexError otherwise (mpy_object_get_item() takes negative ones). Results,
 * ownership and threads: see minipy/object.h. Functions that drop elements may run user code (U),
 * after the list is in its new state.
 */
#ifndef MPY_LIST_H
#define MPY_LIST_H

#include "minipy/object.h"

MPY_EXTERN_C_BEGIN

/* 1 for a list, else 0; NULL is not one. Cannot fail. */
MPY_INLINE int
mpy_list_check(const mpy_object *o)
{
    return mpy_priv_has_flag(o, MPY_TF_LIST);
}

/* An empty list with room for `reserve` elements. */
MPY_NODISCARD MPY_API mpy_object *
mpy_list_new(size_t reserve);

/* A list of n elements, none of them NULL. O(n). */
MPY_NODISCARD MPY_API mpy_object *
mpy_list_from_array(mpy_object *const *items, size_t n);

/* size. O(1). */
MPY_NODISCARD MPY_API ptrdiff_t
mpy_list_length(mpy_object *list);

/* The element at i. O(1). */
MPY_NODISCARD MPY_API mpy_object *
mpy_list_get(mpy_object *list, ptrdiff_t i);

/* size: copies new references to elements from..from+n-1, as far as there are, to out. */
MPY_NODISCARD MPY_API ptrdiff_t
mpy_list_copy_out(mpy_object *list, ptrdiff_t from, size_t n, mpy_object **out);

/* Replaces the element at i. O(1). (U) */
MPY_NODISCARD MPY_API int
mpy_list_set(mpy_object *list, ptrdiff_t i, mpy_object *value);

/* Inserts before i, clamped to 0..length. O(length). */
MPY_NODISCARD MPY_API int
mpy_list_insert(mpy_object *list, ptrdiff_t i, mpy_object *value);

/* Amortised O(1). */
MPY_NODISCARD MPY_API int
mpy_list_append(mpy_object *list, mpy_object *value);

/* Appends the elements of an iterable. When its iterator fails, those got so far stay. (U) */
MPY_NODISCARD MPY_API int
mpy_list_extend(mpy_object *list, mpy_object *iterable);

/* Removes and returns the element at i; -1 is the last one. O(length - i). */
MPY_NODISCARD MPY_API mpy_object *
mpy_list_pop(mpy_object *list, ptrdiff_t i);

/* Elements from..to (exclusive), both clamped. */
MPY_NODISCARD MPY_API mpy_object *
mpy_list_get_slice(mpy_object *list, ptrdiff_t from, ptrdiff_t to);

MPY_NODISCARD MPY_API int
mpy_list_reverse(mpy_object *list);

/* Removes all elements. (U) */
MPY_NODISCARD MPY_API int
mpy_list_clear(mpy_object *list);

MPY_NODISCARD MPY_API mpy_object *
mpy_list_as_tuple(mpy_object *list);

MPY_EXTERN_C_END

#endif /* MPY_LIST_H */
