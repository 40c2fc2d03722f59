/* SPDX-License-Identifier: MIT */
/*
 * types/dict_args.h - what the public functions of dicts do with their arguments and results.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_DICT_ARGS_H
#define MPY_TYPES_DICT_ARGS_H

#include "types/dict.h"
#include "types/protocol.h"

/* Checks `dict` and an object argument of a public function. int0. */
static inline int
mpyi_dict_check_args(const char *function, const mpy_object *dict, const mpy_object *o,
                     const char *name)
{
    if (MPY_UNLIKELY(!mpy_dict_check(dict))) {
        (void)mpyi_err_argument(function, "dict", "dict", dict);
        return -1;
    }
    if (MPY_UNLIKELY(o == NULL)) {
        (void)mpyi_err_argument(function, name, "object", NULL);
        return -1;
    }
    return 0;
}

/* No thread, or no place for the result. Always -1. */
static inline __attribute__((cold)) int
mpyi_dict_bad_out(const struct mpyi_thread *t, const char *function, mpy_object **out)
{
    if (out != NULL) {
        *out = NULL;
    } else if (t != NULL) {
        (void)mpyi_err_argument(function, "out", "pointer", NULL);
    }
    return -1;
}

/* The end of a look-up of any key: a failure names the function that was called. */
static inline int
mpyi_dict_result(int found, const char *function, const mpy_object *key)
{
    return MPY_LIKELY(found >= 0) ? found : mpyi_err_unhashable_key(function, key);
}

#endif /* MPY_TYPES_DICT_ARGS_H */
