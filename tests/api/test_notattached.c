/* SPDX-License-Identifier: MIT */
/*
 * Every function that needs the lock, called without it: by a thread that released it, by one that
 * detached, and by one that never was in a runtime. Each fails, leaves MPY_E_NOT_ATTACHED and
 * changes nothing. Functions that need no runtime work.
 *
 * Those of the headers of objects come from the tables of support/api_calls.h; the others are here.
 */
#include "support/api_calls.h"
#include "support/workers.h"

#include <string.h>

static unsigned faults;

static void
fault(const char *name, const char *what)
{
    faults++;
    print_error("%s: %s\n", name, what);
}

static int
nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int
write_nothing(void *data, const char *bytes, size_t n)
{
    (void)data, (void)bytes, (void)n;
    return 0;
}

/* ---- minipy/runtime.h, thread.h, mem.h, memstat.h, debug.h
 * ------------------------------------------ */

static mpy_runtime *rt;

static int
call_view_of(void)
{
    return mpy_view_of(rt) == NULL;
}

static int
call_runtime_free(void)
{
    return mpy_runtime_free(rt, NULL) == MPY_E_NOT_ATTACHED;
}

static int
call_set_limit(void)
{
    return mpy_runtime_set_limit(rt, MPY_LIMIT_STACK_DEPTH, 5) == -1;
}

static int
call_get_limit(void)
{
    int64_t value;
    return mpy_runtime_get_limit(rt, MPY_LIMIT_STACK_DEPTH, &value) == -1;
}

static int
call_set_user_data(void)
{
    mpy_runtime_set_user_data(rt, &faults); /* checked by the caller */
    return 1;
}

static int
call_get_user_data(void)
{
    return mpy_runtime_get_user_data(rt) == NULL;
}

static int
call_checkpoint(void)
{
    return mpy_checkpoint() == -1;
}

static int
call_obj_malloc(void)
{
    return mpy_obj_malloc(16) == NULL;
}

static int
call_obj_malloc_large(void)
{
    volatile size_t n = 5000;
    return mpy_obj_malloc(n) == NULL;
}

static int
call_obj_calloc(void)
{
    return mpy_obj_calloc(2, 8) == NULL;
}

static int
call_obj_realloc(void)
{
    return mpy_obj_realloc(NULL, 16) == NULL;
}

static const struct {
    const char *name;
    int (*call)(void); /* 1: failed as it should */
} others[] = {
    {"mpy_view_of", call_view_of},
    {"mpy_runtime_free", call_runtime_free},
    {"mpy_runtime_set_limit", call_set_limit},
    {"mpy_runtime_get_limit", call_get_limit},
    {"mpy_runtime_set_user_data", call_set_user_data},
    {"mpy_runtime_get_user_data", call_get_user_data},
    {"mpy_checkpoint", call_checkpoint},
    {"mpy_obj_malloc", call_obj_malloc},
    {"mpy_obj_malloc, large", call_obj_malloc_large},
    {"mpy_obj_calloc", call_obj_calloc},
    {"mpy_obj_realloc", call_obj_realloc},
};

/* A runtime that is not the caller's: refused, whatever the status. */
static void
call_with_foreign_runtime(void)
{
    mpy_mem_stats stats = {.size = sizeof stats, .version = 1};
    mpy_class_stats class_stats = {.size = sizeof class_stats, .version = 1};
    if (mpy_mem_stats_get(rt, &stats) != -1) {
        fault("mpy_mem_stats_get", "did not fail");
    }
    if (mpy_mem_class_stats(rt, 2, &class_stats) != -1) {
        fault("mpy_mem_class_stats", "did not fail");
    }
    if (mpy_mem_allocated_blocks(rt) != -1) {
        fault("mpy_mem_allocated_blocks", "did not fail");
    }
    if (mpy_mem_dump_stats(rt, write_nothing, NULL) != -1) {
        fault("mpy_mem_dump_stats", "did not fail");
    }
    if (mpy_mem_dump_json(rt, write_nothing, NULL) != -1) {
        fault("mpy_mem_dump_json", "did not fail");
    }
    if (mpy_mem_dump_map(rt, write_nothing, NULL) != -1) {
        fault("mpy_mem_dump_map", "did not fail");
    }
    if (mpy_mem_peak(rt, 0) != -1) {
        fault("mpy_mem_peak", "did not fail");
    }
    if (mpy_mem_trim(rt, 0, NULL) != -1) {
        fault("mpy_mem_trim", "did not fail");
    }
    if (mpy_mem_set_keep(rt, 0) != -1) {
        fault("mpy_mem_set_keep", "did not fail");
    }
    if (mpy_debug_check_heap(rt) != -1) {
        fault("mpy_debug_check_heap", "did not fail");
    }
    if (mpy_debug_fail_alloc(rt, MPY_FAIL_NTH, 1) != -1) {
        fault("mpy_debug_fail_alloc", "did not fail");
    }
}

/* Works without a runtime, or does nothing. */
static void
call_harmless(void)
{
    mpy_mutex mutex = {0};
    mpy_gil_stats stats = {.size = sizeof stats, .version = 1};
    mpy_gil_acquire(NULL);
    mpy_obj_free(NULL);
    mpy_obj_free_sized(NULL, 16);
    mpy_mutex_lock(&mutex);
    mpy_mutex_unlock(&mutex);
    if (mpy_gil_release() != NULL || mpy_gil_held() || mpy_runtime_current() != NULL) {
        fault("mpy_gil_release", "found a lock");
    }
    if (mpy_gil_get_stats(rt, &stats) != 0 || mpy_pending_add(rt, nothing, NULL) != 0 ||
        mpy_gil_set_switch_interval(rt, 5000000) != 0 || mpy_runtime_id(rt) <= 0 ||
        mpy_runtime_is_finalizing(rt)) {
        fault("a function for any thread", "failed");
    }
    void *p = mpy_mem_malloc(100);
    void *q = mpy_raw_malloc(100);
    if (p == NULL || q == NULL) {
        fault("mpy_mem_malloc", "failed");
    }
    mpy_mem_free(p);
    mpy_raw_free(q);
}

static void
call_others(void)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        mpy_mutex_unlock(NULL); /* sets another status */
        if (mpy_status_last() != MPY_E_INVAL) {
            fault("mpy_mutex_unlock", "no status");
        }
        if (!others[i].call()) {
            fault(others[i].name, "did not fail");
        }
        if (mpy_status_last() != MPY_E_NOT_ATTACHED) {
            fault(others[i].name, mpy_status_text(mpy_status_last()));
        }
    }
    call_with_foreign_runtime();
    call_harmless();
}

/* ---- the tables
 * ------------------------------------------------------------------------------------------ */

static void
call_table_entry(const struct api_call *call, mpy_object *const *v)
{
    int result = call->call(v);
    if (result == API_UNCLEAR) {
        fault(call->name, "left something in an out");
    } else if (result == API_OK && (call->flags & API_ANYWHERE) == 0) {
        fault(call->name, "did not fail");
    } else if (result == API_FAILED && mpy_status_last() != MPY_E_NOT_ATTACHED) {
        fault(call->name, mpy_status_text(mpy_status_last()));
    }
}

struct table_call {
    const struct api_call *call;
    mpy_object **v;
};

static void *
as_a_stranger(void *arg)
{
    const struct table_call *c = arg;
    call_table_entry(c->call, c->v);
    return NULL;
}

static mpy_view *view;

static void *
after_detaching(void *arg)
{
    const struct table_call *c = arg;
    mpy_thread_token *token;
    WORKER_CHECK(mpy_thread_attach(view, &token) == MPY_OK);
    mpy_thread_detach(token);
    call_table_entry(c->call, c->v);
    return NULL;
}

static void
each_entry(struct api_world *world, void *(*way)(void *))
{
    faults = 0;
    for (size_t i = 0; api_tables[i] != NULL; i++) {
        for (const struct api_call *call = api_tables[i]; call->name != NULL; call++) {
            mpy_object *v[4];
            struct table_call c = {call, v};
            api_make_args(world, call, v);
            mpy_thread_token *saved = mpy_gil_release();
            if (way == NULL) {
                call_table_entry(call, v);
            } else {
                struct workers w = {.count = 0};
                workers_add(&w, way, &c);
                workers_join(&w);
            }
            mpy_gil_acquire(saved);
            if (mpy_err_occurred()) {
                fault(call->name, "an error in the other thread");
                mpy_err_clear();
            }
            api_drop_args(call, v);
        }
    }
    assert_int_equal(faults, 0);
}

static void
test_tables_released(void **state)
{
    each_entry(*state, NULL);
}

static void
test_tables_detached(void **state)
{
    view = mpy_view_of(mpy_runtime_current());
    each_entry(*state, after_detaching);
    mpy_view_close(view);
}

static void
test_tables_stranger(void **state)
{
    each_entry(*state, as_a_stranger);
}

static void *
others_as_a_stranger(void *arg)
{
    (void)arg;
    if (mpy_thread_current() != NULL) {
        fault("mpy_thread_current", "of a stranger");
    }
    call_others();
    return NULL;
}

static void
test_others(void **state)
{
    (void)state;
    struct workers w = {.count = 0};
    int64_t depth;
    faults = 0;
    rt = mpy_runtime_current();
    mpy_thread_token *saved = mpy_gil_release();
    call_others();
    workers_add(&w, others_as_a_stranger, NULL);
    workers_join(&w);
    mpy_gil_acquire(saved);
    assert_int_equal(faults, 0);
    assert_null(mpy_runtime_get_user_data(rt));
    assert_int_equal(mpy_runtime_get_limit(rt, MPY_LIMIT_STACK_DEPTH, &depth), 0);
    assert_int_equal(depth, 1000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tables_released, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_tables_detached, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_tables_stranger, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_others, api_setup, api_teardown),
    };
    return cmocka_run_group_tests_name("not attached", tests, NULL, NULL);
}
