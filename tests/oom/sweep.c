/* SPDX-License-Identifier: MIT */
/*
 * oom/sweep.c - see oom/sweep.h.
 *
 * Between the runs failures stay switched on for an allocation that is never reached: magazines are
 * closed while a failure is armed, and with closed magazines the count of blocks is exact.
 *
 * The first run of a round fails nowhere. It fills what the runtime keeps (names, shapes, caches);
 * what is allocated after it, and after a full collection, is the baseline.
 */
#include "sweep.h"

#include "support/api_calls.h"
#include "support/scale.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NEVER UINT64_MAX

/* What is running, for messages. */
static struct {
    const char *name;
    size_t size;
    int process, mode;
    uint64_t nth;
} now;

static unsigned long points;

unsigned long
oom_points(void)
{
    return points;
}

_Noreturn void
oom_fail(const char *file, int line, const char *text)
{
    (void)mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0);
    print_error("%s, size %zu: allocation %" PRIu64 "%s fails (%s)\n", now.name, now.size, now.nth,
                now.mode == MPY_FAIL_NTH ? "" : " and later", now.process ? "process" : "runtime");
    _fail(file, line == 0 ? __LINE__ : line);
    (void)text;
    abort();
}

static void
require(int condition, const char *text)
{
    if (!condition) {
        char message[MPY_ERR_TEXT_MAX + 1] = "";
        int code = mpy_err_code();
        (void)mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0);
        if (now.process == 0) {
            (void)mpy_debug_fail_alloc(mpy_runtime_current(), MPY_FAIL_OFF, 0);
        }
        (void)api_take_error(message, sizeof message);
        print_error("%s; error %d: %s\n", text, code, message);
        oom_fail(__FILE__, __LINE__, text);
    }
}

int
oom_expect(int code)
{
    if (mpy_err_code() != code) {
        OOM_CHECK(mpy_err_occurred());
        return -1;
    }
    mpy_err_clear();
    return 0;
}

mpy_object *
oom_key(size_t i)
{
    return mpy_str_format("key-%zu", i);
}

/* ---- one run ----------------------------------------------------------------------------------
 */

/* Something to run: a scenario, or a call of the tables. */
struct job {
    const struct oom_scenario *scenario;
    const struct api_call *call;
    struct api_world *world; /* NULL: without a runtime */
    int process;
};

static void
arm(const struct job *job, int mode, uint64_t nth)
{
    mpy_runtime *rt = job->process || job->world == NULL ? NULL : job->world->rt;
    require(mpy_debug_fail_alloc(rt, mode, nth) == 0, "mpy_debug_fail_alloc() failed");
}

static uint64_t
failures(const struct job *job)
{
    mpy_runtime *rt = job->process || job->world == NULL ? NULL : job->world->rt;
    uint64_t failed = 0;
    require(mpy_debug_fail_count(rt, &failed) >= 0, "mpy_debug_fail_count() failed");
    return failed;
}

/* Blocks of the runtime, or of the process without one. */
static ptrdiff_t
blocks(const struct job *job)
{
    if (job->world == NULL) {
        return mpy_mem_allocated_blocks(NULL);
    }
    require(mpy_gc_collect(2, NULL) == 0, "mpy_gc_collect() failed");
    return mpy_mem_allocated_blocks(job->world->rt);
}

/* The arguments of a call as text, to see that a failing one changed none of them. */
static void
print_args(const struct job *job, mpy_object **v, char **text)
{
    for (size_t i = 0; i < api_arg_count(job->call); i++) {
        text[i] = api_repr(v[i]);
    }
}

static void
compare_args(const struct job *job, mpy_object **v, char **text, int failed)
{
    char message[MPY_ERR_TEXT_MAX + 1];
    int code = failed ? api_take_error(message, sizeof message) : 0;

    for (size_t i = 0; i < api_arg_count(job->call); i++) {
        char *after = api_repr(v[i]);
        if (failed) {
            require(strcmp(after, text[i]) == 0, "a failing call changed an argument");
        }
        free(after);
        free(text[i]);
    }
    if (failed) {
        mpy_err_set_code(code, message);
    }
}

/* Runs it with that failure; *failed gets the number of allocations that did fail. */
static int
run_job(const struct job *job, int mode, uint64_t nth, uint64_t *failed)
{
    mpy_object *v[4] = {NULL, NULL, NULL, NULL};
    char *text[4];
    int result;

    now.mode = mode;
    now.nth = nth;
    if (job->call == NULL) {
        arm(job, mode, nth);
        result = job->scenario->run(job->world, now.size);
        *failed = failures(job);
        arm(job, MPY_FAIL_NTH, NEVER);
        return result;
    }
    api_make_args(job->world, job->call, v);
    print_args(job, v, text);
    arm(job, mode, nth);
    result = job->call->call(v);
    *failed = failures(job);
    arm(job, MPY_FAIL_NTH, NEVER);
    require(result != API_UNCLEAR, "failed, but left something in `out`");
    compare_args(job, v, text, result != API_OK);
    api_drop_args(job->call, v);
    return result == API_OK ? 0 : -1;
}

static void
check_result(const struct job *job, int result, uint64_t failed)
{
    unsigned flags = job->scenario != NULL ? job->scenario->flags : 0;

    require(result == 0 || result == -1, "a result is neither 0 nor -1");
    if (result == 0) {
        require(!mpy_err_occurred(), "passed, but an error is set");
        return;
    }
    require(failed > 0, "failed, although no allocation did");
    if ((flags & OOM_STATUS) != 0 && !mpy_err_occurred()) {
        require(mpy_status_last() == MPY_E_NOMEM, "failed without MPY_E_NOMEM");
        return;
    }
    require(mpy_err_code() == MPY_EXC_MEMORY_ERROR, "failed without MemoryError");
    mpy_err_clear();
}

static void
check_heaps(const struct job *job, ptrdiff_t baseline)
{
    ptrdiff_t left = blocks(job);

    if (left != baseline) {
        print_error("%td blocks, %td before\n", left, baseline);
    }
    require(left == baseline, "blocks were left over");
    require(mpy_debug_check_heap(NULL) == 0, "the heap of the process is corrupt");
    if (job->world != NULL) {
        require(mpy_debug_check_heap(job->world->rt) == 0, "the heap of the runtime is corrupt");
    }
}

/* Fails allocation 1, 2, ... until none fails any more. */
static void
sweep_mode(const struct job *job, int mode)
{
    uint64_t failed, nth = 0;
    ptrdiff_t baseline;

    arm(job, MPY_FAIL_NTH, NEVER);
    check_result(job, run_job(job, MPY_FAIL_NTH, NEVER, &failed), 0);
    baseline = blocks(job);
    do {
        int result = run_job(job, mode, ++nth, &failed);
        check_result(job, result, failed);
        check_heaps(job, baseline);
        points += failed != 0;
    } while (failed != 0);
    arm(job, MPY_FAIL_OFF, 0);
}

static void
sweep_job(struct job *job)
{
    static const int modes[] = {MPY_FAIL_NTH, MPY_FAIL_AFTER};
    struct api_world world;

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (job->scenario != NULL && (job->scenario->flags & OOM_PROCESS) != 0) {
            job->world = NULL;
            sweep_mode(job, modes[i]);
            continue;
        }
        api_world_open(&world);
        job->world = &world;
        sweep_mode(job, modes[i]);
        require(api_world_close(&world) == 0, "the runtime reports a leak");
    }
}

/* ---- tests ------------------------------------------------------------------------------------
 */

/* Sizes to try: 2 in the quick run, 10 in continuous integration, 60 at most. */
static size_t
rounds(const struct oom_scenario *scenario)
{
    unsigned long n = test_scaled(1);

    if ((scenario->flags & OOM_FIXED) != 0 || scenario->step == 0) {
        return 1;
    }
    return n < 2 ? 2 : n > 60 ? 60 : n;
}

void
oom_sweep(void **state)
{
    const struct oom_scenario *scenario = *state;
    int process_only = (scenario->flags & (OOM_PROCESS | OOM_THREAD)) != 0;
    struct job job = {.scenario = scenario};

    now.name = scenario->name;
    for (size_t i = 0; i < rounds(scenario); i++) {
        now.size = 1 + i * scenario->step;
        for (job.process = process_only; job.process <= 1; job.process++) {
            now.process = job.process;
            sweep_job(&job);
        }
    }
}

void
oom_sweep_call(void **state)
{
    struct job job = {.call = *state};

    now.name = job.call->name;
    now.size = 1;
    for (job.process = 0; job.process <= 1; job.process++) {
        now.process = job.process;
        sweep_job(&job);
    }
}
