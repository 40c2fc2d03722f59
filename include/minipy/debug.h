/* SPDX-License-Identifier: MIT */
/*
 * minipy/debug.h - checks that can be switched on at run time, and failures on demand.
 *
 * Switching a check on closes the magazines of the calling thread and of the runtime, so that
 * inlined callers, too, go through the checked path. Other threads' heaps close at their next
 * refill or flush.
 *
 * Threads: rt NULL: any thread (process-wide state). Otherwise the runtime's lock must be held.
 */
#ifndef MPY_DEBUG_H
#define MPY_DEBUG_H

#include "minipy/mem.h"

MPY_EXTERN_C_BEGIN

/* Checks of mpy_debug_set_checks(), and of MINIPY_CHECKS in the environment. */
#define MPY_CHECK_RED_ZONES    1u  /* bytes around every block, looked at when it is freed */
#define MPY_CHECK_POISON_FREED 2u  /* fresh and dead blocks are filled with patterns */
#define MPY_CHECK_QUARANTINE   4u  /* freed blocks wait before they are used again */
#define MPY_CHECK_LOCK_HELD    8u  /* a call that needs the lock, made without it, is fatal */
#define MPY_CHECK_ERROR_SET    16u /* so is a call that may fail, made while an error is set */
#define MPY_CHECK_OWNER        32u /* so is a call with an object of another runtime */
#define MPY_CHECK_ALL          63u

/* Switches checks on and others off: those of the whole process (rt NULL), or of one runtime in
   addition to the process's; MPY_CHECK_LOCK_HELD is the process's alone. Any check makes every free
   look for the block, and names double frees, pointers into blocks, to stacks, static and foreign
   memory. A fault is fatal: the handler of mpy_debug_set_fatal_handler() gets its name, the block,
   where it was allocated and freed, and what to do next. Blocks that exist already have no red
   zones and are checked less closely. Switched on while several threads allocate, it marks blocks
   of mpy_mem_* once each of these threads has taken a slow path; with MINIPY_CHECKS=15 every block
   from the first one on. 0, or -1 with MPY_E_INVAL on unknown bits or a runtime that is not the
   caller's, or MPY_E_NOMEM; then nothing changes. Threads attached to other runtimes mind
   MPY_CHECK_ERROR_SET and MPY_CHECK_OWNER from their next attachment on. May not be called while
   other threads call it. */
MPY_NODISCARD MPY_API int
mpy_debug_set_checks(mpy_runtime *rt, uint32_t mask);

/* Modes of mpy_debug_fail_alloc(). An allocation is any request of the raw, mem and obj domains,
   of objects and of the library's own tables, counted from 1 since the mode was set. */
#define MPY_FAIL_OFF        0
#define MPY_FAIL_NTH        1 /* only the n-th fails */
#define MPY_FAIL_AFTER      2 /* the n-th and all later ones */
#define MPY_FAIL_EVERY      3 /* each n-th */
#define MPY_FAIL_SIZE_ABOVE 4 /* requests of more than n bytes */
#define MPY_FAIL_RANDOM     5 /* about one in 16; n is the seed */

/* Makes allocations fail. rt NULL: those of the whole process (raw, mem and every runtime); else
   those of that runtime. 0, or -1 on a bad mode. */
MPY_NODISCARD MPY_API int
mpy_debug_fail_alloc(mpy_runtime *rt, int mode, uint64_t n);

/* Allocations counted since the last call of mpy_debug_fail_alloc(); *failed, unless NULL, gets
   how many of them failed. */
MPY_API ptrdiff_t
mpy_debug_fail_count(mpy_runtime *rt, uint64_t *failed);

/* Walks every structure of the process's heaps that the calling thread may look at (rt NULL), or of
   a runtime, there with the collector's and the table of interned strs, and checks every invariant.
   0, or -1 with MPY_E_CORRUPT; the first violation is reported to the fatal handler's text without
   aborting. Linear in the size of the heap. */
MPY_NODISCARD MPY_API int
mpy_debug_check_heap(mpy_runtime *rt);

/* Called with a text when memory is proven corrupt or an assertion fails; if it returns, or none
   is set, the process aborts. The handler must not allocate from this library. */
typedef void (*mpy_fatal_fn)(void *data, const char *text);

MPY_API void
mpy_debug_set_fatal_handler(mpy_fatal_fn fn, void *data);

MPY_EXTERN_C_END

#endif /* MPY_DEBUG_H */
