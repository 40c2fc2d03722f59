/* SPDX-License-Identifier: MIT */
/*
 * minipy/gc.h - the collector of reference cycles.
 *
 * Reference counting frees what nothing refers to. The collector finds the rest: objects that only
 * refer to each other. A host keeps references in C variables, so no roots are known; an object is
 * garbage when every reference to it comes from inside the garbage.
 *
 * Three generations: 0 and 1 are young objects, collected often and by themselves; 2 is everything.
 * Collections start at safe points only: the entry of functions that create containers, calls,
 * mpy_checkpoint(), mpy_gc_collect().
 *
 * Results, ownership and threads: see minipy/object.h.
 */
#ifndef MPY_GC_H
#define MPY_GC_H

#include "minipy/object.h"

MPY_EXTERN_C_BEGIN

typedef struct mpy_gc_result {
    uint32_t size, version; /* sizeof(mpy_gc_result), 1 */
    uint64_t collected;     /* objects freed */
    uint64_t examined;      /* objects looked at */
    uint64_t finalized;     /* finalizers called */
    uint64_t resurrected;   /* garbage that finalizers brought back */
    uint64_t duration_ns;
} mpy_gc_result;

/* Totals of one generation since the runtime began. */
typedef struct mpy_gc_stats {
    uint32_t size, version; /* sizeof(mpy_gc_stats), 1 */
    uint64_t collections;
    uint64_t collected;
    uint64_t examined;
    uint64_t tracked; /* objects in this generation now */
    uint64_t total_ns;
    uint64_t longest_ns;
} mpy_gc_stats;

/* int0: collects generation 0, 1 (0 too) or 2 (everything), enabled or not. result may be NULL; set
   its `size` before (0: version 1). A finalizer may call it: a collection runs inside the one that
   called the finalizer. ValueError: no such generation, or `size` too small; RuntimeError: called
   from a visit or a traverse callback; RecursionError: finalizers nested too deep; MemoryError:
   part of the work is left for the next collection. Linear in the objects examined; generation 2
   examines what can be reached from objects that lost a reference, unless that is much. (U) */
MPY_NODISCARD MPY_API int
mpy_gc_collect(int generation, mpy_gc_result *result);

/* Automatic collections on or off; returns what it was before. -1 when not attached. */
MPY_API int
mpy_gc_enable(void);
MPY_API int
mpy_gc_disable(void);
MPY_API int
mpy_gc_is_enabled(void);

/* int0. Generation 0: net new containers between young collections (16..1,000,000; default 2000);
   1: young collections between collections of generation 1 (default 10); 2: growth of the heap, in
   percent, that starts a full collection (10..1000; default 75). ValueError otherwise. */
MPY_NODISCARD MPY_API int
mpy_gc_set_threshold(int generation, int64_t n);
MPY_NODISCARD MPY_API int
mpy_gc_get_threshold(int generation, int64_t *n);

/* int0. Set out->size before (0: version 1). ValueError: no such generation, or `size` too small.
 */
MPY_NODISCARD MPY_API int
mpy_gc_get_stats(int generation, mpy_gc_stats *out);

/* bool: the collector knows o / has called its finalizer. 0 for immediates. */
MPY_NODISCARD MPY_API int
mpy_gc_is_tracked(mpy_object *o);
MPY_NODISCARD MPY_API int
mpy_gc_is_finalized(mpy_object *o);

/* Called with each tracked object of a generation (2: of all), borrowed; 0 to go on. fn must not
   create or drop objects. int0, or 1 when fn stopped. */
typedef int (*mpy_gc_object_fn)(void *data, mpy_object *o);
MPY_NODISCARD MPY_API int
mpy_gc_visit_objects(int generation, mpy_gc_object_fn fn, void *data);

/* Lists of the objects that refer to o, and of those o refers to. The first is linear in the heap.
   What a type of a host keeps in its dict counts as referred to by the type; neither these calls
   nor mpy_gc_visit_objects() show the dict itself. */
MPY_NODISCARD MPY_API mpy_object *
mpy_gc_get_referrers(mpy_object *o);
MPY_NODISCARD MPY_API mpy_object *
mpy_gc_get_referents(mpy_object *o);

MPY_EXTERN_C_END

#endif /* MPY_GC_H */
