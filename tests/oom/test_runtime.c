/* SPDX-License-Identifier: MIT */
/*
 * Out of memory in runtime.h and thread.h.
 */
#include "support/internal/oom.h"

#include "support/workers.h"

static int
swallow(void *data, const char *bytes, size_t n)
{
    (void)data, (void)bytes, (void)n;
    return 0;
}

/* A whole life, from a config to the report. */
static int
life(void *unused)
{
    int result = OOM_FAILED;
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    mpy_runtime *rt = NULL;
    mpy_thread_token *token = NULL;
    mpy_view *view = NULL;
    int64_t value;
    mpy_config *config = mpy_config_new();
    (void)unused;
    OOM_NEED(config != NULL);
    OOM_CHECK(mpy_config_has(config, "limit.depth") == 1);
    OOM_CHECK(mpy_config_set_int(config, "limit.depth", 50) == 0);
    OOM_CHECK(mpy_config_get_int(config, "limit.depth", &value) == 0 && value == 50);
    mpy_config_set_error_fn(config, swallow, NULL);
    mpy_status status = mpy_runtime_new(config, &rt);
    OOM_CHECK(status == MPY_OK || (status == MPY_E_NOMEM && rt == NULL));
    OOM_NEED(status == MPY_OK);
    OOM_CHECK(mpy_runtime_current() == rt && mpy_runtime_id(rt) > 0);
    OOM_CHECK(mpy_runtime_is_finalizing(rt) == 0);
    mpy_runtime_set_user_data(rt, &value);
    OOM_CHECK(mpy_runtime_get_user_data(rt) == &value);
    OOM_CHECK(mpy_runtime_set_limit(rt, MPY_LIMIT_STACK_DEPTH, 60) == 0);
    OOM_CHECK(mpy_runtime_get_limit(rt, MPY_LIMIT_STACK_DEPTH, &value) == 0 && value == 60);
    view = mpy_view_of(rt);
    OOM_CHECK(view != NULL); /* counts, and allocates nothing */
    mpy_thread_token *saved = mpy_gil_release();
    OOM_CHECK(saved != NULL && !mpy_gil_held());
    status = mpy_thread_attach(view, &token);
    if (status == MPY_OK) {
        OOM_CHECK(mpy_thread_current() == token && mpy_thread_id(token) > 0);
        mpy_thread_detach(token);
    } else {
        OOM_CHECK(status == MPY_E_NOMEM && token == NULL);
    }
    mpy_gil_acquire(saved);
    OOM_CHECK(mpy_gil_held());
    result = status == MPY_OK ? OOM_OK : OOM_FAILED;
out:
    mpy_view_close(view);
    mpy_config_free(config);
    if (rt != NULL && mpy_runtime_free(rt, &report) != MPY_OK) {
        result = oom_complain(__FILE__, __LINE__, "mpy_runtime_free");
    }
    if (report.objects + report.blocks != 0) {
        result = oom_complain(__FILE__, __LINE__, "left over");
    }
    return result;
}

static int
nothing(void *arg)
{
    ++*(int *)arg;
    return 0;
}

/* What needs no memory works without any. */
static int
needs_none(void *unused)
{
    int result = OOM_FAILED;
    int ran = 0;
    mpy_runtime *rt = mpy_runtime_current();
    mpy_gil_stats stats = {.size = sizeof stats, .version = 1};
    mpy_mutex mutex = {0};
    (void)unused;
    mpy_view *view = mpy_view_of(rt);
    OOM_CHECK(view != NULL);
    mpy_thread_token *token;
    OOM_CHECK(mpy_thread_attach(view, &token) == MPY_OK); /* nested */
    mpy_thread_detach(token);
    OOM_CHECK(mpy_pending_add(rt, nothing, &ran) == 0);
    OOM_CHECK(mpy_checkpoint() == 0 && ran == 1);
    OOM_CHECK(mpy_gil_get_stats(rt, &stats) == 0 && stats.attached == 1);
    OOM_CHECK(mpy_gil_set_switch_interval(rt, 5000000) == 0);
    mpy_mutex_lock(&mutex);
    mpy_mutex_unlock(&mutex);
    mpy_gil_acquire(mpy_gil_release());
    result = OOM_OK;
out:
    mpy_view_close(view);
    return result;
}

struct visit {
    mpy_view *view;
    mpy_status status;
};

static void *
visits(void *arg)
{
    struct visit *visit = arg;
    mpy_thread_token *token;
    visit->status = mpy_thread_attach(visit->view, &token);
    if (visit->status == MPY_OK) {
        mpy_object *list = mpy_list_new(0);
        visit->status = list != NULL ? MPY_OK : MPY_E_NOMEM;
        WORKER_CHECK(list != NULL || mpy_err_code() == MPY_EXC_MEMORY_ERROR);
        mpy_xdecref(list);
        mpy_thread_detach(token); /* drops the error */
    } else {
        WORKER_CHECK(visit->status == MPY_E_NOMEM && token == NULL);
        WORKER_CHECK(mpy_status_last() == MPY_E_NOMEM);
    }
    return NULL;
}

static int
new_thread(void *unused)
{
    struct workers w = {.count = 0};
    struct visit visit = {mpy_view_of(mpy_runtime_current()), MPY_OK};
    (void)unused;
    mpy_thread_token *saved = mpy_gil_release();
    workers_add(&w, visits, &visit);
    workers_join(&w);
    mpy_gil_acquire(saved);
    mpy_view_close(visit.view);
    if (visit.status != MPY_OK) {
        mpy_err_no_memory();
        return OOM_FAILED;
    }
    return OOM_OK;
}

static const struct oom_scenario scenarios[] = {
    {.name = "life of a runtime",
     .reaches = "mpy_config_new mpy_config_has mpy_config_set_int mpy_config_get_int "
                "mpy_config_set_error_fn mpy_config_free mpy_runtime_new mpy_runtime_current "
                "mpy_runtime_id mpy_runtime_is_finalizing mpy_runtime_set_user_data "
                "mpy_runtime_get_user_data mpy_runtime_set_limit mpy_runtime_get_limit mpy_view_of "
                "mpy_gil_release mpy_gil_held mpy_thread_attach mpy_thread_current mpy_thread_id "
                "mpy_thread_detach mpy_gil_acquire mpy_view_close mpy_runtime_free",
     .run = life,
     .flags = OOM_NO_RUNTIME},
    {.name = "without memory",
     .reaches = "mpy_pending_add mpy_checkpoint mpy_gil_get_stats mpy_gil_set_switch_interval "
                "mpy_mutex_lock mpy_mutex_unlock",
     .run = needs_none},
    {.name = "a new thread", .reaches = "mpy_thread_attach", .run = new_thread},
    {.name = NULL},
};

int
main(void)
{
    return oom_main("out of memory: runtimes and threads", scenarios);
}
