/* SPDX-License-Identifier: MIT */
/*
 * support/api_own.h - cases of who owns what, for api/test_ownership.c.
 *
 * A case makes objects of its own, whose counts of references are therefore known exactly, calls
 * the functions it names, and states every count after every step. It leaves nothing behind.
 */
#ifndef MPY_TEST_SUPPORT_API_OWN_H
#define MPY_TEST_SUPPORT_API_OWN_H

#include "support/api_world.h"

struct own_case {
    void (*run)(struct api_world *w);
    const char *functions; /* separated by blanks */
};

/* Each up to a case without a function. */
extern const struct own_case api_own_values[], api_own_containers[], api_own_calls[];

/* o has n references. */
#define REFS(o, n) assert_int_equal(mpy_refcount(o), (n))

/* A list of its own: one reference, a container the collector knows. */
static inline mpy_object *
fresh(void)
{
    return api_good(mpy_list_new(0));
}

/* A str nobody else has, long enough not to be shared. */
static inline mpy_object *
fresh_str(void)
{
    return api_good(mpy_str_from_utf8("a text of its own, which nobody shares"));
}

/* A result nobody else has: drops it. */
static inline void
drop_new(mpy_object *o)
{
    REFS(api_good(o), 1);
    mpy_decref(o);
}

#endif /* MPY_TEST_SUPPORT_API_OWN_H */
