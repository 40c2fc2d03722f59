/* SPDX-License-Identifier: MIT */
/*
 * support/api_rules.c - see support/api_rules.h.
 */
#include "support/api_rules.h"

#include <string.h>

struct api_log rules_log;

struct api_log *
rules_fresh_log(void)
{
    memset(&rules_log, 0, sizeof rules_log);
    return &rules_log;
}

mpy_gc_result
rules_collect(void)
{
    mpy_gc_result result = {.size = sizeof result, .version = 1};
    api_done(mpy_gc_collect(2, &result));
    return result;
}

mpy_object *
rules_node(mpy_object *type, unsigned kind, int id)
{
    return api_good(api_node_new(type, kind, &rules_log, id));
}

void
rules_set_ref(mpy_object *node, mpy_object *type, int at, mpy_object *value)
{
    struct api_node *data = api_node_data(node, type);
    assert_non_null(data);
    mpy_assign(&data->refs[at], value);
}
