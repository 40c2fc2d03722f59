/* SPDX-License-Identifier: MIT */
/*
 * support/api_bad.h - tables of single calls that have to fail, for api/test_wrong_sizes.c and
 * api/test_wrong_specs.c.
 */
#ifndef MPY_TEST_SUPPORT_API_BAD_H
#define MPY_TEST_SUPPORT_API_BAD_H

#include "support/api_calls.h"

struct api_bad {
    const char *function; /* what the text of the error begins with */
    const char *how;
    int (*call)(struct api_world *w); /* API_OK, API_FAILED */
    int code, other;                  /* MPY_EXC_* allowed; 0: none */
};

/* Makes every call of a table, up to a row without a function, twice. Prints each that does not
   fail as it says, or leaves memory behind, and then fails the test. */
void
api_check_bad(struct api_world *world, const struct api_bad *table);

/* Errors, shorter. */
#define MEMORY   MPY_EXC_MEMORY_ERROR
#define OVERFLOW MPY_EXC_OVERFLOW_ERROR
#define NULLS    MPY_EXC_SYSTEM_ERROR
#define VALUE    MPY_EXC_VALUE_ERROR
#define TYPE     MPY_EXC_TYPE_ERROR

/* static int id(w), from an expression that gives an object / an int. */
#define OBJECT_CASE(id, expr)                                                                      \
    static int id(struct api_world *w)                                                             \
    {                                                                                              \
        (void)w;                                                                                   \
        return api_object_result(expr);                                                            \
    }
#define INT_CASE(id, expr)                                                                         \
    static int id(struct api_world *w)                                                             \
    {                                                                                              \
        (void)w;                                                                                   \
        return api_int_result(expr);                                                               \
    }

#endif /* MPY_TEST_SUPPORT_API_BAD_H */
