/* SPDX-License-Identifier: MIT */
/*
 * support/api_calls.c - the tables together, and what every walk of them needs.
 */
#include "support/api_calls.h"

#include <string.h>

const struct api_call *const api_tables[] = {api_object_calls,
                                             api_number_calls,
                                             api_str_calls,
                                             api_bytes_calls,
                                             api_list_calls,
                                             api_tuple_calls,
                                             api_dict_calls,
                                             api_iter_calls,
                                             api_call_calls,
                                             api_err_calls,
                                             api_type_calls,
                                             api_gc_calls,
                                             NULL};

const struct api_call *
api_find_call(const char *name)
{
    for (size_t i = 0; api_tables[i] != NULL; i++) {
        for (const struct api_call *call = api_tables[i]; call->name != NULL; call++) {
            if (strcmp(call->name, name) == 0) {
                return call;
            }
        }
    }
    return NULL;
}

size_t
api_arg_count(const struct api_call *call)
{
    size_t n = 0;
    while (n < sizeof call->args / sizeof call->args[0] && call->args[n].name != NULL) {
        n++;
    }
    return n;
}

void
api_make_args(struct api_world *world, const struct api_call *call, mpy_object **v)
{
    for (size_t i = 0; i < api_arg_count(call); i++) {
        v[i] = api_make(world, call->args[i].kind);
    }
}

void
api_drop_args(const struct api_call *call, mpy_object **v)
{
    mpy_decref_many(v, api_arg_count(call));
}

int
api_object_result(mpy_object *result)
{
    if (result == NULL) {
        return API_FAILED;
    }
    mpy_decref(result);
    return API_OK;
}

int
api_int_result(ptrdiff_t result)
{
    return result >= 0 ? API_OK : result == -1 ? API_FAILED : API_UNCLEAR;
}

int
api_found_result(int result, mpy_object *out)
{
    switch (result) {
    case 1:
        if (out == NULL || out == API_POISON) {
            return API_UNCLEAR;
        }
        mpy_decref(out);
        return API_OK;
    case 0:
        return out == NULL ? API_OK : API_UNCLEAR;
    case -1:
        return out == NULL ? API_FAILED : API_UNCLEAR;
    default:
        return API_UNCLEAR;
    }
}
