/* SPDX-License-Identifier: MIT */
/*
 * runtime/runtime.c - the life of a runtime.
 *
 * Birth: view (with the lock), heap, collector, first attachment; from there on there is a current
 * thread, and what consists of objects can be made: intern table, attribute cache, the MemoryError
 * that is raised when there is no memory for one. Any step may fail; everything before it is undone
 * by the same function that ends a runtime, which takes half-made ones.
 *
 * End, in this order, because each step may run code of the host that needs the later parts
 *   1. the lock is closed: those who wait fail, nobody attaches any more
 *   2. pending calls run; then no more are taken
 *   3. full collections, until they find nothing: finalizers may leave garbage
 *   4. the MemoryError goes; collections again; then caches and interned strs, which hold only strs
 *   5. what is alive now was leaked: reported, its release hooks run
 *   6. the heap is dropped whole, however much of it was leaked
 *
 * Lock: the runtime's, held from birth to end by the thread that does either.
 */
#include "minipy/runtime.h"

#include "base/hooks.h"
#include "gc/internal.h"
#include "runtime/config.h"
#include "runtime/runtime.h"
#include "types/attr.h"
#include "types/call.h"
#include "types/exc.h"
#include "types/intern.h"

#include <pthread.h>
#include <string.h>

/* Finalizers and pending calls that make new ones for ever are not followed for ever. */
#define END_ROUNDS 8

static int64_t last_runtime_id; /* atomic */

/* ---- what lower layers ask
 * ------------------------------------------------------------------------ */

static struct mpyi_rtheap *
heap_to_look_at(mpy_runtime *rt)
{
    struct mpyi_thread *t = mpyi_current();
    return t != NULL && t->rt == rt ? rt->heap : NULL;
}

static void
flush_caches(mpy_runtime *rt)
{
    struct mpyi_thread *t = mpyi_current();
    if (t != NULL && t->rt == rt && rt->intern != NULL) {
        (void)mpyi_intern_purge(t);
        mpyi_gc_side_trim(rt->gc->state);
    }
}

/* In the middle of a collection the collector's structures are in motion. */
static int
check_runtime(mpy_runtime *rt)
{
    if (rt->gc != NULL && rt->gc->state->phase != MPYI_GC_CRITICAL &&
        mpyi_gc_check(rt->gc, NULL, MPYI_GC_CHECK_RESTING) < 0) {
        return -1;
    }
    return rt->intern != NULL ? mpyi_intern_check(rt->intern) : 0;
}

static void
raise_no_memory(void)
{
    (void)mpyi_err_no_memory();
}

/* Garbage that can go without running code of the host. */
static int
relieve_pressure(struct mpyi_rtheap *heap, size_t bytes)
{
    struct mpyi_thread *t = mpyi_current();
    (void)bytes;
    return t != NULL && t->heap == heap && mpyi_gc_collect_quietly(t) > 0;
}

static struct mpyi_thread *
innermost(void)
{
    return mpyi_rt_tls.inner != NULL ? &mpyi_rt_tls.inner->thread : NULL;
}

/* Attachments of other runtimes learn it when they are made. */
static void
checks_changed(void)
{
    struct mpyi_thread *t = mpyi_current();
    if (t == NULL) {
        return;
    }
    for (struct mpyi_thread *each = t->rt->threads; each != NULL; each = each->next) {
        mpyi_entry_update(each);
    }
    mpy_priv_tls.thread = t->entry;
}

static void
install_hooks(void)
{
    MPYI_HOOK_SET(raise_no_memory, raise_no_memory);
    MPYI_HOOK_SET(memory_pressure, relieve_pressure);
    MPYI_HOOK_SET(runtime_heap, heap_to_look_at);
    MPYI_HOOK_SET(flush_runtime, flush_caches);
    MPYI_HOOK_SET(check_runtime, check_runtime);
    MPYI_HOOK_SET(checks_changed, checks_changed);
    MPYI_HOOK_SET(innermost, innermost);
    mpyi_checkpoint_hook = mpyi_checkpoint_slow;
}

static mpy_status
init_process(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, install_hooks);
    mpyi_strings_init();
    return mpyi_registry_init();
}

/* ---- end
 * -------------------------------------------------------------------------------------------- */

static void
run_pending(struct mpyi_thread *t)
{
    if (mpyi_pending_run(t) < 0) {
        mpy_err_unraisable("mpy_runtime_free(): a pending call");
    }
}

/* Runs what is pending and what that adds, within reason, and takes no more. (U) */
static void
finish_pending(struct mpyi_rt *rt, struct mpyi_thread *t)
{
    for (int round = 0; round < END_ROUNDS && !mpyi_pending_is_empty(&rt->pending); round++) {
        run_pending(t);
    }
    __atomic_store_n(&rt->pending.closed, 1, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < MPYI_PENDING_MAX && !mpyi_pending_is_empty(&rt->pending); i++) {
        run_pending(t);
    }
}

/* Until there is nothing left to collect: finalizers may leave new garbage. (U) */
static void
collect_everything(void)
{
    mpy_gc_result result;
    for (int round = 0; round < END_ROUNDS; round++) {
        memset(&result, 0, sizeof result);
        if (mpy_gc_collect(2, &result) < 0) {
            mpy_err_unraisable("mpy_runtime_free(): the last collection");
        }
        if (result.collected == 0 && result.finalized == 0) {
            break;
        }
    }
}

/* Drops the objects of the library itself, made or not. */
static void
drop_internals(struct mpyi_rt *rt, struct mpyi_thread *t)
{
    if (rt->pub.attr_cache != NULL) {
        mpyi_attr_cache_destroy(t);
    }
    if (rt->pub.intern != NULL) {
        mpyi_intern_destroy(t);
    }
}

/* Frees what is no object. No thread is attached. */
static void
free_runtime(struct mpyi_rt *rt)
{
    if (rt->pub.gc != NULL) {
        mpyi_gc_destroy(rt->pub.gc);
    }
    if (rt->pub.heap != NULL) {
        mpyi_rtheap_free(rt->pub.heap);
    }
    if (rt->view != NULL) {
        rt->view->rt = NULL;
        mpy_view_close(rt->view);
    }
    mpy_raw_free(rt);
}

static bool
is_in_use(const struct mpyi_rt *rt, const struct mpyi_attachment *a)
{
    return rt->attached != 1 || a->nested > 0 || mpyi_attach_in_call(a) ||
           a->thread.gc->state->nested > 0;
}

mpy_status
mpy_runtime_free(mpy_runtime *rt, mpy_leak_report *report)
{
    struct mpyi_thread *t = mpyi_current();
    mpy_status status = MPY_OK;
    if (rt == NULL || (report != NULL && !mpyi_size_fits(report->size, sizeof *report))) {
        status = MPY_E_INVAL;
    } else if (t == NULL || t->rt != rt) {
        status = MPY_E_NOT_ATTACHED;
    } else if (is_in_use(mpyi_rt_of(rt), mpyi_attachment_of(t))) {
        status = MPY_E_BUSY;
    }
    if (status != MPY_OK) {
        mpyi_status_set(status);
        return status;
    }
    struct mpyi_rt *full = mpyi_rt_of(rt);
    struct mpyi_attachment *a = mpyi_attachment_of(t);
    struct mpyi_attachment *outer = mpyi_attachment_of(t->outer);
    __atomic_store_n(&rt->finalizing, 1, __ATOMIC_RELEASE);
    mpyi_lock_close(&full->view->lock, MPY_E_FINALIZING);
    mpyi_attach_empty(t);
    mpyi_attach_drop_lost(full);
    finish_pending(full, t);
    mpyi_attach_empty(t);
    collect_everything();
    mpy_clear(&rt->memory_error);
    collect_everything();
    drop_internals(full, t);
    mpyi_leaks_report(t, report);
    mpyi_registry_remove(full);
    mpyi_attach_end(a);
    free_runtime(full);
    mpyi_attach_resume(outer);
    return MPY_OK;
}

/* ---- birth
 * ------------------------------------------------------------------------------------------ */

/* View, heap, collector: what can be had without a current thread. */
static mpy_status
make_frame(struct mpyi_rt *rt, const struct mpy_config *config)
{
    struct mpyi_rtheap_options options;
    memset(&options, 0, sizeof options);
    options.runtime = &rt->pub;
    options.limit = (uint64_t)config->limit_bytes;
    options.gc_reserve = (size_t)config->gc_range_bytes;
    options.host = config->host.malloc != NULL ? &config->host : NULL;
    options.arenas = config->arenas.alloc != NULL ? &config->arenas : NULL;
    rt->pub.id = __atomic_add_fetch(&last_runtime_id, 1, __ATOMIC_RELAXED);
    rt->pub.depth_limit = (uint32_t)config->limit_depth;
    rt->pub.error_fn = config->error_fn;
    rt->pub.error_data = config->error_data;
    mpyi_pending_init(&rt->pending);
    rt->view = mpyi_view_new(&rt->pub, config->switch_interval);
    if (rt->view == NULL) {
        return MPY_E_NOMEM;
    }
    rt->pub.lock = &rt->view->lock;
    rt->pub.heap = mpyi_rtheap_new(&options);
    if (rt->pub.heap == NULL) {
        return MPY_E_NOMEM;
    }
    rt->pub.gc = mpyi_gc_create(&rt->pub, rt->pub.heap);
    return rt->pub.gc != NULL ? MPY_OK : MPY_E_NOMEM;
}

/* What consists of objects, and settings that belong to layers below. */
static mpy_status
make_internals(struct mpyi_rt *rt, struct mpyi_thread *t, const struct mpy_config *config)
{
    int rc = mpyi_intern_create(t);
    if (rc == 0) {
        rc = mpyi_attr_cache_create(t);
    }
    if (rc == 0) {
        rt->pub.memory_error = mpyi_exc_new_memory_error(t);
        rc = rt->pub.memory_error != NULL ? 0 : -1;
    }
    if (rc == 0) {
        rc = mpy_gc_set_threshold(0, config->gc_threshold0) |
             mpy_gc_set_threshold(1, config->gc_threshold1) |
             mpy_gc_set_threshold(2, config->gc_threshold2);
    }
    if (rc == 0 && !config->gc_enabled) {
        (void)mpy_gc_disable();
    }
    if (rc != 0) {
        mpy_status status = t->error.code == MPY_EXC_MEMORY_ERROR ? MPY_E_NOMEM : MPY_E_INVAL;
        mpyi_err_clear(t);
        return status;
    }
    return MPY_OK;
}

static mpy_status
runtime_make(const struct mpy_config *config, struct mpyi_rt **out)
{
    struct mpyi_attachment *a = NULL;
    struct mpyi_rt *rt = mpy_raw_calloc(1, sizeof *rt);
    if (rt == NULL) {
        return MPY_E_NOMEM;
    }
    mpy_status status = make_frame(rt, config);
    if (status != MPY_OK) {
        goto fail;
    }
    status = mpyi_lock_acquire(&rt->view->lock);
    if (status != MPY_OK) {
        goto fail;
    }
    a = mpyi_attach_first(rt);
    if (a == NULL) {
        status = mpy_status_last();
        goto fail;
    }
    status = make_internals(rt, &a->thread, config);
    if (status != MPY_OK) {
        goto fail;
    }
    mpyi_registry_add(rt);
    *out = rt;
    return MPY_OK;

fail:
    if (a != NULL) {
        mpy_clear(&rt->pub.memory_error);
        drop_internals(rt, &a->thread);
        mpyi_attach_end(a);
    }
    free_runtime(rt);
    return status;
}

mpy_status
mpy_runtime_new(const mpy_config *config, mpy_runtime **out)
{
    struct mpy_config defaults;
    struct mpyi_rt *rt = NULL;
    struct mpyi_attachment *outer = mpyi_rt_tls.inner;
    mpy_status status = MPY_E_INVAL;
    if (out == NULL) {
        goto fail;
    }
    *out = NULL;
    if (config == NULL) {
        mpyi_config_defaults(&defaults);
        config = &defaults;
    }
    status = init_process();
    if (status != MPY_OK) {
        goto fail;
    }
    mpyi_attach_suspend(outer);
    status = runtime_make(config, &rt);
    if (status != MPY_OK) {
        mpyi_attach_resume(outer);
        goto fail;
    }
    *out = &rt->pub;
    return MPY_OK;

fail:
    mpyi_status_set(status);
    return status;
}

/* ---- properties
 * --------------------------------------------------------------------------------------- */

mpy_runtime *
mpy_runtime_current(void)
{
    struct mpyi_thread *t = mpyi_current();
    return t != NULL ? t->rt : NULL;
}

int64_t
mpy_runtime_id(const mpy_runtime *rt)
{
    return rt != NULL ? rt->id : 0;
}

int
mpy_runtime_is_finalizing(const mpy_runtime *rt)
{
    return rt != NULL && __atomic_load_n(&rt->finalizing, __ATOMIC_ACQUIRE) != 0;
}

void
mpy_runtime_set_user_data(mpy_runtime *rt, void *data)
{
    struct mpyi_thread *t = mpyi_enter_any(__func__);
    if (t != NULL && rt != NULL) {
        rt->user_data = data;
    }
}

void *
mpy_runtime_get_user_data(const mpy_runtime *rt)
{
    struct mpyi_thread *t = mpyi_enter_any(__func__);
    return t != NULL && rt != NULL ? rt->user_data : NULL;
}
