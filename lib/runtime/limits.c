/* SPDX-License-Identifier: MIT */
/*
 * runtime/limits.c - what a runtime may use: memory and depth.
 *
 * MPY_LIMIT_BYTES is enforced by the runtime's heap on its slow paths, MPY_LIMIT_STACK_DEPTH by
 * every attachment's own counter: the limit is copied into each of them.
 *
 * Lock: the runtime's; it has to be the current one.
 */
#include "runtime/config.h"
#include "runtime/runtime.h"

/* rt is the current runtime: its thread; NULL with an error. */
static struct mpyi_thread *
enter_runtime(const mpy_runtime *rt, const char *function)
{
    struct mpyi_thread *t = mpyi_enter(function);
    if (t == NULL) {
        return NULL;
    }
    if (rt == NULL) {
        return mpyi_err_argument(function, "rt", "a runtime", NULL);
    }
    if (rt != t->rt) {
        return mpyi_err_format(MPY_EXC_VALUE_ERROR, "%s(): argument 'rt': not the current runtime",
                               function);
    }
    return t;
}

static int
bad_value(const char *function, const char *argument, const char *range, int64_t value)
{
    mpyi_err_format(MPY_EXC_VALUE_ERROR, "%s(): argument '%s': expected %s, got %lld", function,
                    argument, range, (long long)value);
    return -1;
}

static void
set_depth(mpy_runtime *rt, uint32_t depth)
{
    rt->depth_limit = depth;
    for (struct mpyi_thread *t = rt->threads; t != NULL; t = t->next) {
        t->depth_limit = depth;
    }
}

int
mpy_runtime_set_limit(mpy_runtime *rt, int which, int64_t value)
{
    struct mpyi_thread *t = enter_runtime(rt, __func__);
    if (t == NULL) {
        return -1;
    }
    switch (which) {
    case MPY_LIMIT_BYTES:
        if (value < 0) {
            return bad_value(__func__, "value", "0 or more", value);
        }
        mpyi_rtheap_set_limit(rt->heap, (uint64_t)value);
        return 0;
    case MPY_LIMIT_STACK_DEPTH:
        if (value < 1 || value > MPYI_DEPTH_LIMIT_MAX) {
            return bad_value(__func__, "value", "1..1000000", value);
        }
        set_depth(rt, (uint32_t)value);
        return 0;
    default:
        return bad_value(__func__, "which", "MPY_LIMIT_BYTES or MPY_LIMIT_STACK_DEPTH", which);
    }
}

int
mpy_runtime_get_limit(mpy_runtime *rt, int which, int64_t *value)
{
    struct mpyi_thread *t = enter_runtime(rt, __func__);
    if (value != NULL) {
        *value = 0;
    }
    if (t == NULL) {
        return -1;
    }
    if (value == NULL) {
        mpyi_err_argument(__func__, "value", "pointer", NULL);
        return -1;
    }
    uint64_t limit;
    switch (which) {
    case MPY_LIMIT_BYTES:
        limit = atomic_load_explicit(&rt->heap->usage.limit, memory_order_relaxed);
        *value = limit > INT64_MAX ? 0 : (int64_t)limit;
        return 0;
    case MPY_LIMIT_STACK_DEPTH:
        *value = rt->depth_limit;
        return 0;
    default:
        return bad_value(__func__, "which", "MPY_LIMIT_BYTES or MPY_LIMIT_STACK_DEPTH", which);
    }
}
