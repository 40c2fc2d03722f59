/* SPDX-License-Identifier: MIT */
/*
 * base/assert.h - three grades of checks, and the sinks failures go to.
 *
 *   MPY_ASSERT(c)       O(1)               active from MPY_DEBUG=1
 *   MPY_ASSERT_SLOW(c)  more than O(1)     active from MPY_DEBUG=2
 *   MPY_CHECK_HEAP(c)   walks a heap       active from MPY_DEBUG=3
 *
 * Checks are written as `if (MPY_DEBUG >= n)`, so that what they say is compiled in every build.
 * None of this allocates, and none of it needs a lock.
 */
#ifndef MPY_BASE_ASSERT_H
#define MPY_BASE_ASSERT_H

#include "minipy/base.h"

#ifndef MPY_DEBUG
#define MPY_DEBUG 0
#endif

/* Gives the text to the handler of mpy_debug_set_fatal_handler(), or to stderr when none is set,
   and aborts. */
_Noreturn void
mpyi_fatal(const char *format, ...) MPY_PRINTF(1, 2) __attribute__((cold));

/* The same without the abort: for findings of a validator that goes on. */
void
mpyi_report(const char *format, ...) MPY_PRINTF(1, 2) __attribute__((cold));

_Noreturn void
mpyi_assert_failed(const char *file, int line, const char *text) __attribute__((cold));

#define MPYI_CHECK_AT(level, cond)                                                                 \
    do {                                                                                           \
        if (MPY_DEBUG >= (level) && !(cond)) {                                                     \
            mpyi_assert_failed(__FILE__, __LINE__, #cond);                                         \
        }                                                                                          \
    } while (0)

#define MPY_ASSERT(cond)      MPYI_CHECK_AT(1, cond)
#define MPY_ASSERT_SLOW(cond) MPYI_CHECK_AT(2, cond)
#define MPY_CHECK_HEAP(cond)  MPYI_CHECK_AT(3, cond)

#endif /* MPY_BASE_ASSERT_H */
