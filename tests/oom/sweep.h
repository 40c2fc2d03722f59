/* SPDX-License-Identifier: MIT */
/*
 * oom/sweep.h - scenarios that run while allocations fail.
 *
 * A scenario is a function over the public interface. It makes what it needs, uses it, drops it, and
 * says whether all of that worked. The sweep runs it in a fresh runtime while allocation 1 fails,
 * then 2, 3, ..., until it passes without a failure; once so that only this allocation fails, once
 * so that all later ones fail, too; for the allocations of the runtime and for those of the process.
 *
 * After each run
 *   failed:  MemoryError is set (OOM_STATUS: or MPY_E_NOMEM is the status)
 *   passed:  no error is set
 *   both:    the heaps are valid, and no block is left that the first run did not leave, either
 * and in the end the runtime has nothing to report as leaked.
 */
#ifndef MPY_TEST_OOM_SWEEP_H
#define MPY_TEST_OOM_SWEEP_H

#include "support/api_world.h"

#define OOM_FIXED   1u /* does not depend on the size: one round */
#define OOM_PROCESS 2u /* runs without a runtime; process-wide failures only */
#define OOM_STATUS  4u /* failures are reported as a status, not by the error indicator */
#define OOM_THREAD  8u /* has threads of its own: process-wide failures only */

/* world is NULL for OOM_PROCESS. size: 1, 1 + step, 1 + 2 * step, ... 0 worked, -1 failed. */
typedef int (*oom_scenario_fn)(struct api_world *world, size_t size);

struct oom_scenario {
    const char *name;
    oom_scenario_fn run;
    size_t step;
    unsigned flags;
    const char *functions; /* exported functions it reaches, separated by blanks */
};

/* Up to a scenario without a name. */
extern const struct oom_scenario oom_memory_scenarios[], oom_container_scenarios[],
    oom_text_scenarios[], oom_object_scenarios[], oom_error_scenarios[], oom_runtime_scenarios[];

/* cmocka test: *state is a const struct oom_scenario. */
void
oom_sweep(void **state);

/* The same for a valid call of support/api_calls.h: *state is a const struct api_call. Its arguments are
   made beforehand, and a call that fails may not change them. */
void
oom_sweep_call(void **state);

/* Points of injection so far. */
unsigned long
oom_points(void);

/* Fails the test, saying which allocation of which scenario failed. */
_Noreturn void
oom_fail(const char *file, int line, const char *text);

/* 0 when `code` is set, which is cleared; else -1. For calls that have to fail. */
int
oom_expect(int code);

/* "key-<i>", a new str. */
mpy_object *
oom_key(size_t i);

/* Within scenarios. */
#define OOM_CHECK(condition)                                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            oom_fail(__FILE__, __LINE__, #condition);                                              \
        }                                                                                          \
    } while (0)

/* A variable that owns what the expression gives; the scenario fails when that is NULL. */
#define OOM_NEW(variable, expression)                                                              \
    MPY_AUTO mpy_object *variable = (expression);                                                  \
    if (variable == NULL) {                                                                        \
        return -1;                                                                                 \
    }

/* The same with a result that is dropped at once. */
#define OOM_DROP(expression)                                                                       \
    do {                                                                                           \
        mpy_object *result_ = (expression);                                                        \
        if (result_ == NULL) {                                                                     \
            return -1;                                                                             \
        }                                                                                          \
        mpy_decref(result_);                                                                       \
    } while (0)

/* The scenario fails when the expression is negative. */
#define OOM_DO(expression)                                                                         \
    do {                                                                                           \
        if ((expression) < 0) {                                                                    \
            return -1;                                                                             \
        }                                                                                          \
    } while (0)

/* A call that has to raise `code`: the scenario fails when it raised something else. */
#define OOM_RAISES(condition, code)                                                                \
    do {                                                                                           \
        OOM_CHECK(condition);                                                                      \
        OOM_DO(oom_expect(code));                                                                  \
    } while (0)

#endif /* MPY_TEST_OOM_SWEEP_H */
