/* SPDX-License-Identifier: MIT */
/*
 * minipy/iter.h - iteration.
 *
 * Results, ownership and threads: see minipy/object.h. Host iterators run user code (U).
 */
#ifndef MPY_ITER_H
#define MPY_ITER_H

#include "minipy/object.h"

MPY_EXTERN_C_BEGIN

/* An iterator over list, tuple, dict (keys), str (characters), bytes (ints), range, or any object
   with an `iter` slot; an iterator gives itself. An object with a `get_item` slot only is asked for
   0, 1, 2, ... until it raises IndexError. TypeError: not iterable. */
MPY_NODISCARD MPY_API mpy_object *
mpy_iter_get(mpy_object *o);

/* found: the next element; 0 at the end, without an error. RuntimeError when a dict changed its
   keys meanwhile. */
MPY_NODISCARD MPY_API int
mpy_iter_next(mpy_object *it, mpy_object **out);

/* bool: o is an iterator. */
MPY_NODISCARD MPY_API int
mpy_iter_check(mpy_object *o);

/* Called with a borrowed element; 0 to go on, 1 to stop, -1 with an error set. */
typedef int (*mpy_iter_visit_fn)(void *data, mpy_object *item);

/* int0: calls fn for every element. 1 when fn stopped. */
MPY_NODISCARD MPY_API int
mpy_iter_each(mpy_object *o, mpy_iter_visit_fn fn, void *data);

/* The range start, start + step, ... before stop: an object that can be iterated again and again.
   ValueError: step is 0. */
MPY_NODISCARD MPY_API mpy_object *
mpy_iter_range(int64_t start, int64_t stop, int64_t step);

MPY_EXTERN_C_END

#endif /* MPY_ITER_H */
