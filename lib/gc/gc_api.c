/* SPDX-License-Identifier: MIT */
/*
 * gc/gc_api.c - minipy/gc.h: the collector as hosts see it.
 *
 * Structs that a host passes say in `size` how much of them it knows: that much is filled, what the
 * library does not know of it is zeroed. 0 means the struct of version 1.
 *
 * Visits of objects count as a critical stretch: a collection asked for from inside fails, and one
 * that falls due waits.
 *
 * Lock: the runtime's.
 */
#include "gc/internal.h"

#include <string.h>

/* Copies a filled struct to the host's. int0. */
static int
hand_out(void *out, size_t out_size, const void *filled, size_t filled_size, const char *function)
{
    size_t n = out_size == 0 ? filled_size : out_size;
    if (n < filled_size) {
        mpyi_err_format(MPY_EXC_VALUE_ERROR,
                        "%s(): argument 'result': size %zu is smaller than version 1 of the struct",
                        function, out_size);
        return -1;
    }
    memset(out, 0, n);
    memcpy(out, filled, filled_size);
    return 0;
}

static int
no_generation(const char *function, int generation)
{
    mpyi_err_format(MPY_EXC_VALUE_ERROR, "%s(): there is no generation %d", function, generation);
    return -1;
}

static int
is_generation(int generation)
{
    return generation >= 0 && generation <= 2;
}

static int
in_critical_phase(const struct mpyi_thread *t, const char *function)
{
    if (t->gc->state->phase != MPYI_GC_CRITICAL) {
        return 0;
    }
    mpyi_err_format(MPY_EXC_RUNTIME_ERROR,
                    "%s(): called from within a visit or a traverse callback", function);
    return 1;
}

/* ---- collecting --------------------------------------------------------------------------------
 */

static int
collect(struct mpyi_thread *t, int generation, struct mpyi_gc_run *run)
{
    int nested = t->gc->state->nested > 0;
    int result;
    if (nested && mpyi_depth_enter(t, "mpy_gc_collect") < 0) {
        return -1;
    }
    result = mpyi_gc_collect(t, generation, run);
    if (nested) {
        mpyi_depth_leave(t);
    }
    if (result < 0 || run->no_memory) {
        (void)mpyi_err_no_memory();
        return -1;
    }
    return 0;
}

int
mpy_gc_collect(int generation, mpy_gc_result *result)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    struct mpyi_gc_run run = {0};
    mpy_gc_result filled = {.size = sizeof filled, .version = 1};
    size_t result_size;
    if (t == NULL) {
        return -1;
    }
    if (!is_generation(generation)) {
        return no_generation(__func__, generation);
    }
    result_size = result != NULL ? result->size : 0;
    if ((result != NULL && hand_out(result, result_size, &filled, sizeof filled, __func__) < 0) ||
        in_critical_phase(t, __func__) || collect(t, generation, &run) < 0) {
        return -1;
    }
    filled.collected = run.collected;
    filled.examined = run.examined;
    filled.finalized = run.finalized;
    filled.resurrected = run.resurrected;
    filled.duration_ns = run.duration_ns;
    return result == NULL ? 0 : hand_out(result, result_size, &filled, sizeof filled, __func__);
}

static int
set_enabled(struct mpyi_thread *t, uint32_t enabled)
{
    int before;
    if (t == NULL) {
        return -1;
    }
    before = (int)t->gc->enabled;
    t->gc->enabled = enabled;
    return before;
}

int
mpy_gc_enable(void)
{
    return set_enabled(mpyi_enter_any(__func__), 1);
}

int
mpy_gc_disable(void)
{
    return set_enabled(mpyi_enter_any(__func__), 0);
}

int
mpy_gc_is_enabled(void)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    return t == NULL ? -1 : (int)t->gc->enabled;
}

int
mpy_gc_set_threshold(int generation, int64_t n)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    int result;
    if (t == NULL) {
        return -1;
    }
    if (!is_generation(generation)) {
        return no_generation(__func__, generation);
    }
    result = mpyi_gc_set_threshold(t->gc, generation, n);
    if (result == -1) {
        mpyi_err_format(MPY_EXC_VALUE_ERROR,
                        "mpy_gc_set_threshold(): %lld is out of range for generation %d",
                        (long long)n, generation);
    } else if (result < 0) {
        (void)mpyi_err_no_memory();
    }
    return result < 0 ? -1 : 0;
}

int
mpy_gc_get_threshold(int generation, int64_t *n)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    if (t == NULL) {
        return -1;
    }
    if (n == NULL) {
        (void)mpyi_err_set(MPY_EXC_API, "mpy_gc_get_threshold(): argument 'n' is NULL");
        return -1;
    }
    *n = 0;
    if (!is_generation(generation)) {
        return no_generation(__func__, generation);
    }
    *n = t->gc->state->schedule.threshold[generation];
    return 0;
}

/* ---- looking -----------------------------------------------------------------------------------
 */

int
mpy_gc_get_stats(int generation, mpy_gc_stats *out)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    mpy_gc_stats filled = {.size = sizeof filled, .version = 1};
    const struct mpyi_gc_total *total;
    if (t == NULL) {
        return -1;
    }
    if (out == NULL) {
        (void)mpyi_err_set(MPY_EXC_API, "mpy_gc_get_stats(): argument 'out' is NULL");
        return -1;
    }
    if (!is_generation(generation)) {
        return no_generation(__func__, generation);
    }
    total = &t->gc->state->total[generation];
    filled.collections = total->collections;
    filled.collected = total->collected;
    filled.examined = total->examined;
    filled.total_ns = total->total_ns;
    filled.longest_ns = total->longest_ns;
    filled.tracked = generation == 2
                         ? t->gc->old_count
                         : t->gc->young[generation].count - t->gc->young[generation].holes;
    return hand_out(out, out->size, &filled, sizeof filled, __func__);
}

static int
has_bits(mpy_object *o, uint32_t bits, const char *function)
{
    struct mpyi_thread *t = mpyi_enter1(function, o);
    if (t == NULL) {
        return -1;
    }
    if (o == NULL) {
        (void)mpyi_err_argument(function, "o", "object", o);
        return -1;
    }
    return mpy_priv_is_heap(o) && (mpyi_head(o)->gcword & bits) != 0;
}

int
mpy_gc_is_tracked(mpy_object *o)
{
    return has_bits(o, MPY_PRIV_GC_TRACKED, __func__);
}

int
mpy_gc_is_finalized(mpy_object *o)
{
    return has_bits(o, MPYI_GC_FINALIZED, __func__);
}

struct visit {
    mpy_gc_object_fn fn;
    void *data;
};

static int
visit_one(void *data, mpy_object *o)
{
    const struct visit *visit = data;
    return (mpyi_head(o)->gcword & MPYI_GC_INNER) != 0 ? 0 : visit->fn(visit->data, o);
}

static int
visit_young(const struct mpyi_young *young, struct visit *visit)
{
    for (uint32_t i = 0; i < young->count; i++) {
        int result = young->items[i] != NULL ? visit_one(visit, young->items[i]) : 0;
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

int
mpy_gc_visit_objects(int generation, mpy_gc_object_fn fn, void *data)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    struct visit visit = {fn, data};
    uint32_t phase;
    int result;
    if (t == NULL) {
        return -1;
    }
    if (!is_generation(generation)) {
        return no_generation(__func__, generation);
    }
    if (fn == NULL) {
        (void)mpyi_err_set(MPY_EXC_API, "mpy_gc_visit_objects(): argument 'fn' is NULL");
        return -1;
    }
    if (in_critical_phase(t, __func__)) {
        return -1;
    }
    phase = t->gc->state->phase;
    t->gc->state->phase = MPYI_GC_CRITICAL;
    result = generation == 2 ? mpyi_gc_each(t->gc, visit_one, &visit)
                             : visit_young(&t->gc->young[generation], &visit);
    t->gc->state->phase = phase;
    return result != 0;
}
