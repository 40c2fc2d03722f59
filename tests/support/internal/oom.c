/* SPDX-License-Identifier: MIT */
/*
 * support/internal/oom.c - see support/internal/oom.h.
 *
 * Failures are switched on for the whole process: raw and mem requests, every runtime's objects and
 * the library's own tables count alike. A second, coarser sweep switches them on for the runtime
 * alone, which counts in another place. A sweep is quadratic in the allocations of its scenario, so
 * long ones are swept with a stride, which the scale of the test makes finer.
 */
#include "support/internal/oom.h"

#include "gc/internal.h"
#include "state/state.h"
#include "support/scale.h"
#include "types/intern.h"

#include <stdio.h>
#include <stdlib.h>

/* Places of a sweep at scale 1. */
#define PLACES         1500
#define PLACES_RUNTIME 100

struct attempt {
    const struct oom_scenario *scenario;
    int mode;
    uint64_t n;
    int warm;
    int runtime_only; /* failures of the current runtime instead of the process */
};

static uint64_t points;
static unsigned faults;
static const struct attempt *current;

uint64_t
oom_points(void)
{
    return points;
}

int
oom_complain(const char *file, int line, const char *what)
{
    faults++;
    print_error("%s:%d: %s: %s (mode %d, allocation %llu%s%s)\n", file, line,
                current != NULL ? current->scenario->name : "?", what,
                current != NULL ? current->mode : 0,
                (unsigned long long)(current != NULL ? current->n : 0),
                current != NULL && current->warm ? ", warm" : "",
                current != NULL && current->runtime_only ? ", runtime alone" : "");
    return OOM_BROKEN;
}

#define COMPLAIN_UNLESS(cond)                                                                      \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            (void)oom_complain(__FILE__, __LINE__, #cond);                                         \
        }                                                                                          \
    } while (0)

/* Reports of errors that nobody can handle are expected: they need no memory either. */
static int
swallow(void *data, const char *bytes, size_t n)
{
    (void)data, (void)bytes, (void)n;
    return 0;
}

static mpy_runtime *
open_runtime(void)
{
    mpy_runtime *rt = NULL;
    mpy_config *config = mpy_config_new();
    COMPLAIN_UNLESS(config != NULL);
    mpy_config_set_error_fn(config, swallow, NULL);
    COMPLAIN_UNLESS(mpy_runtime_new(config, &rt) == MPY_OK);
    mpy_config_free(config);
    return rt;
}

static void
close_runtime(mpy_runtime *rt)
{
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    COMPLAIN_UNLESS(mpy_runtime_free(rt, &report) == MPY_OK);
    if (report.objects + report.blocks != 0) {
        char text[1200];
        (void)snprintf(text, sizeof text, "left over: %llu blocks, %s",
                       (unsigned long long)report.blocks, report.text);
        (void)oom_complain(__FILE__, __LINE__, text);
    }
}

/* Everything that must hold between two calls. */
static void
check_runtime(mpy_runtime *rt)
{
    struct mpyi_thread *t = mpyi_current();
    COMPLAIN_UNLESS(t != NULL && t->rt == rt);
    if (t == NULL) {
        return;
    }
    COMPLAIN_UNLESS(t->depth == 0 && t->tearing_down == 0 && t->dying == NULL);
    COMPLAIN_UNLESS(mpy_debug_check_heap(rt) == 0);
    COMPLAIN_UNLESS(mpyi_gc_check(t->gc, NULL, MPYI_GC_CHECK_RESTING) == 0);
    COMPLAIN_UNLESS(mpyi_intern_check(rt->intern) == 0);
}

/* The error of a failed run is the right one; it is cleared. */
static void
check_error(const struct oom_scenario *s, int result)
{
    int code = mpy_err_code();
    if ((s->flags & OOM_NO_RUNTIME) != 0) {
        COMPLAIN_UNLESS(result != OOM_FAILED || mpy_status_last() == MPY_E_NOMEM);
        return;
    }
    if (result == OOM_FAILED && code != MPY_EXC_MEMORY_ERROR && (s->flags & OOM_ANY_ERROR) == 0) {
        char text[700];
        struct mpyi_thread *t = mpyi_current();
        (void)snprintf(text, sizeof text, "failed with error %d instead of MemoryError: %s", code,
                       t != NULL && code != 0 ? t->error.text : "");
        (void)oom_complain(__FILE__, __LINE__, text);
    }
    COMPLAIN_UNLESS(result != OOM_FAILED || code != 0);
    COMPLAIN_UNLESS(result != OOM_OK || code == 0);
    mpy_err_clear();
}

/* One run with failures; how many there were. *counted: allocations. */
static uint64_t
run_with_failures(const struct attempt *a, void *state, uint64_t *counted, int *result)
{
    uint64_t failed = 0;
    mpy_runtime *target = a->runtime_only ? mpy_runtime_current() : NULL;
    COMPLAIN_UNLESS(mpy_debug_fail_alloc(target, a->mode, a->n) == 0);
    *result = a->scenario->run(state);
    *counted = (uint64_t)mpy_debug_fail_count(target, &failed);
    COMPLAIN_UNLESS(mpy_debug_fail_alloc(target, MPY_FAIL_OFF, 0) == 0);
    COMPLAIN_UNLESS(*result != OOM_FAILED || failed > 0);
    check_error(a->scenario, *result);
    if (a->scenario->verify != NULL) {
        COMPLAIN_UNLESS(a->scenario->verify(state, *result) == 0);
    }
    return failed;
}

static void
run_with_memory(const struct oom_scenario *s, void *state)
{
    int result = s->run(state);
    COMPLAIN_UNLESS(result == OOM_OK);
    check_error(s, result);
    if (s->verify != NULL) {
        COMPLAIN_UNLESS(s->verify(state, result) == 0);
    }
}

/* A whole attempt: failures that happened. */
static uint64_t
attempt(const struct attempt *a, uint64_t *counted)
{
    const struct oom_scenario *s = a->scenario;
    int has_runtime = (s->flags & OOM_NO_RUNTIME) == 0;
    int own = (s->flags & OOM_OWN_RUNTIME) != 0;
    ptrdiff_t mem_before = mpy_mem_allocated_blocks(NULL);
    void *state = s->state;
    int result;
    current = a;
    mpy_runtime *rt = has_runtime && !own ? open_runtime() : NULL;
    if (s->prepare != NULL) {
        COMPLAIN_UNLESS(s->prepare(&state) == 0);
    }
    rt = own ? mpy_runtime_current() : rt;
    if (a->warm) {
        run_with_memory(s, state);
    }
    uint64_t failed = run_with_failures(a, state, counted, &result);
    points += failed > 0;
    COMPLAIN_UNLESS(mpy_debug_check_heap(NULL) == 0);
    if (rt != NULL) {
        check_runtime(rt);
    }
    if (result == OOM_FAILED || (s->flags & OOM_ONCE) == 0) {
        run_with_memory(s, state);
    }
    if (rt != NULL) {
        COMPLAIN_UNLESS(mpy_gc_collect(2, NULL) == 0);
        check_runtime(rt);
    }
    if (s->finish != NULL) {
        COMPLAIN_UNLESS(s->finish(state) == 0);
    }
    if (rt != NULL && !own) {
        close_runtime(rt);
    }
    COMPLAIN_UNLESS(mpy_mem_allocated_blocks(NULL) == mem_before);
    current = NULL;
    return failed;
}

/* Allocation number n, n + stride, ... until the scenario gets through. */
static void
sweep_mode(const struct oom_scenario *s, int mode, int warm, int runtime_only)
{
    struct attempt a = {s, MPY_FAIL_OFF, 0, warm, runtime_only};
    uint64_t counted = 0;
    uint64_t places = (runtime_only ? PLACES_RUNTIME : PLACES) * test_scale();
    unsigned before = faults;
    (void)attempt(&a, &counted); /* counts nothing: failures are off */
    a.mode = MPY_FAIL_NTH;
    a.n = UINT64_MAX;
    (void)attempt(&a, &counted);
    uint64_t stride = counted / places + 1;
    a.mode = mode;
    for (a.n = 1; faults == before; a.n += stride) {
        if (attempt(&a, &counted) == 0) {
            break;
        }
    }
}

static void
sweep_patterns(const struct oom_scenario *s)
{
    struct attempt a = {s, MPY_FAIL_EVERY, 0, 0, 0};
    uint64_t counted;
    unsigned before = faults;
    for (a.n = 2; a.n < 12 && faults == before; a.n += 3) {
        (void)attempt(&a, &counted);
    }
    a.mode = MPY_FAIL_RANDOM;
    for (a.n = 1; a.n <= test_scaled(5) && faults == before; a.n++) {
        (void)attempt(&a, &counted);
    }
}

static void
sweep(const struct oom_scenario *s)
{
    for (int warm = 0; warm < ((s->flags & OOM_ONCE) != 0 ? 1 : 2); warm++) {
        sweep_mode(s, MPY_FAIL_NTH, warm, 0);
        sweep_mode(s, MPY_FAIL_AFTER, warm, 0);
    }
    if ((s->flags & OOM_NO_RUNTIME) == 0) {
        sweep_mode(s, MPY_FAIL_NTH, 0, 1);
        sweep_mode(s, MPY_FAIL_AFTER, 0, 1);
    }
    sweep_patterns(s);
}

int
oom_try(const struct oom_scenario *scenario)
{
    unsigned before = faults;
    sweep(scenario);
    return faults == before ? 0 : -1;
}

static const struct oom_scenario *all;

static void
test_all(void **state)
{
    (void)state;
    for (const struct oom_scenario *s = all; s->name != NULL; s++) {
        uint64_t before = points;
        sweep(s);
        print_message("%-32s %6llu points\n", s->name, (unsigned long long)(points - before));
    }
    print_message("%-32s %6llu points\n", "all", (unsigned long long)points);
    assert_int_equal(faults, 0);
}

int
oom_main(const char *name, const struct oom_scenario *scenarios)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
    all = scenarios;
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
