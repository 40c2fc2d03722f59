/* SPDX-License-Identifier: MIT */
/*
 * support/api_calls.h - one valid call of every public function that deals with objects.
 *
 * The tables say what each argument is called, which kinds of values it takes and which one a valid
 * call passes. Tests walk them: with NULL, with every wrong kind, from a thread that is not
 * attached, and again and again to see that nothing is left over.
 *
 * A call gets its object arguments as an array, drops what it gets back, and reports how it went.
 */
#ifndef MPY_TEST_SUPPORT_API_CALLS_H
#define MPY_TEST_SUPPORT_API_CALLS_H

#include "support/api_world.h"

/* What a call reports. */
#define API_OK     0
#define API_FAILED 1 /* NULL or -1 */
#define API_UNCLEAR                                                                                \
    2 /* failed, and left something in an `out` parameter; or a senseless result                   \
       */

/* Properties of a call. */
#define API_CHANGES  1u /* changes an argument: it is not as before afterwards */
#define API_ANYWHERE 2u /* works without a runtime */

struct api_arg {
    const char *name;     /* of the parameter */
    const char *expected; /* T of "expected T, got U"; NULL: the text is not fixed */
    int kind;             /* what a valid call passes */
    uint32_t accepts;     /* kinds that do not raise TypeError; of API_ALL */
    int null_ok;
};

struct api_call {
    const char *name;
    int (*call)(mpy_object *const *v);
    struct api_arg args[4]; /* up to the first without a name */
    uint32_t flags;
};

/* The tables, one a header, each up to a call without a name; NULL ends the list. */
extern const struct api_call *const api_tables[];

extern const struct api_call api_object_calls[], api_number_calls[], api_str_calls[],
    api_bytes_calls[], api_list_calls[], api_tuple_calls[], api_dict_calls[], api_iter_calls[],
    api_call_calls[], api_err_calls[], api_type_calls[], api_gc_calls[];

/* The first call in the tables with that name, or NULL. */
const struct api_call *
api_find_call(const char *name);

/* Number of object arguments. */
size_t
api_arg_count(const struct api_call *call);

/* Fresh arguments for a valid call / drops them. */
void
api_make_args(struct api_world *world, const struct api_call *call, mpy_object **v);
void
api_drop_args(const struct api_call *call, mpy_object **v);

/* For the tables: API_OK or API_FAILED of a result, which is dropped. */
int
api_object_result(mpy_object *result);
int
api_int_result(ptrdiff_t result);

/* Of a three-way look-up whose out was `poison` before the call. */
int
api_found_result(int result, mpy_object *out);

/* What an `out` parameter holds before a call. */
#define API_POISON ((mpy_object *)(uintptr_t)0x5a5a5a5a5a5a5a58u)

/* static int call_<name>(v), from an expression that gives an object / an int or a size / a
   three-way result with &out in it. `v` is the array of arguments. */
#define API_CALL_OBJECT(name, expr)                                                                \
    static int call_##name(mpy_object *const *v)                                                   \
    {                                                                                              \
        (void)v;                                                                                   \
        return api_object_result(expr);                                                            \
    }
#define API_CALL_INT(name, expr)                                                                   \
    static int call_##name(mpy_object *const *v)                                                   \
    {                                                                                              \
        (void)v;                                                                                   \
        return api_int_result(expr);                                                               \
    }
#define API_CALL_FOUND(name, expr)                                                                 \
    static int call_##name(mpy_object *const *v)                                                   \
    {                                                                                              \
        mpy_object *out = API_POISON;                                                              \
        int result = (expr);                                                                       \
        return api_found_result(result, out);                                                      \
    }

/* Arguments of the tables. ANY: takes everything but NULL. */
#define API_ARG(name, expected, kind, accepts)                                                     \
    {                                                                                              \
        name, expected, kind, accepts, 0                                                           \
    }
#define API_ANY(name, kind)                                                                        \
    {                                                                                              \
        name, NULL, kind, API_ALL, 0                                                               \
    }
/* An argument that may be NULL. */
#define API_OPT(name, expected, kind, accepts)                                                     \
    {                                                                                              \
        name, expected, kind, accepts, 1                                                           \
    }

#endif /* MPY_TEST_SUPPORT_API_CALLS_H */
