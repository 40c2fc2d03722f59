/* SPDX-License-Identifier: MIT */
/*
 * support/internal/oom.h - what happens when memory runs out, at every place where it can.
 *
 * A scenario is a piece of a host program. It runs again and again, each time with another
 * allocation failing, once or from there on, in a new runtime and in one that is warm, until it
 * gets through without a failure. After each run
 *   - it has either succeeded without an error set, or failed with MemoryError (MPY_E_NOMEM in
 *     mpy_status_last() when it has no runtime)
 *   - the heaps, the collector and the intern table are valid, the lock is held, nothing is nested
 *   - the same scenario succeeds in the same runtime with memory
 *   - the runtime ends without a leak, and the mem domain holds what it held before
 *
 *     static int
 *     run_list(void *unused)
 *     {
 *         int result = OOM_FAILED;
 *         mpy_object *list = mpy_list_new(0);
 *         OOM_NEED(list != NULL);
 *         OOM_NEED(mpy_list_append(list, MPY_NONE) == 0);
 *         OOM_CHECK(mpy_list_length(list) == 1);
 *         result = OOM_OK;
 *     out:
 *         mpy_xdecref(list);
 *         return result;
 *     }
 *
 * `reaches` names the public functions a scenario calls; tests/oom/test_coverage.c fails when one
 * of the library's is in none of them.
 */
#ifndef MPY_TEST_SUPPORT_OOM_H
#define MPY_TEST_SUPPORT_OOM_H

#include "support/cm.h"

#include "minipy.h"

#define OOM_OK     0
#define OOM_FAILED 1 /* for want of memory */
#define OOM_BROKEN 2 /* something that may never be; oom_complain() has said what */

/* The scenario has no runtime: none is made, and it tells its failure through mpy_status_last(). */
#define OOM_NO_RUNTIME 1u
/* prepare() makes the runtime, finish() ends it. */
#define OOM_OWN_RUNTIME 2u
/* A success changes what prepare() made: there is no second run after it, and no warm one. */
#define OOM_ONCE 4u
/* An error that is not MemoryError may come out of a failure. */
#define OOM_ANY_ERROR 8u

struct oom_scenario {
    const char *name;
    const char *reaches; /* functions, separated by blanks */
    int (*run)(void *state);
    int (*prepare)(void **state);           /* with memory; 0 */
    int (*verify)(void *state, int result); /* with memory, after a run; 0 */
    int (*finish)(void *state);             /* with memory; 0 */
    uint32_t flags;
    void *state; /* for run() when there is no prepare() */
};

/* Sweeps every scenario up to one without a name; a cmocka test each would hide the sums. Returns
   what main() returns. */
int
oom_main(const char *name, const struct oom_scenario *scenarios);

/* Sweeps one: 0, or -1 when a fault was found, which it prints. */
int
oom_try(const struct oom_scenario *scenario);

/* Points of failure so far. */
uint64_t
oom_points(void);

/* Prints and counts as a fault. Returns OOM_BROKEN. */
int
oom_complain(const char *file, int line, const char *what);

#define OOM_NEED(cond)                                                                             \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

#define OOM_CHECK(cond)                                                                            \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            result = oom_complain(__FILE__, __LINE__, #cond);                                      \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

#endif /* MPY_TEST_SUPPORT_OOM_H */
