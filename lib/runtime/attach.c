/* SPDX-License-Identifier: MIT */
/*
 * runtime/attach.c - how threads come into a runtime and leave it.
 *
 * Four ways in, from the cheapest
 *   nested   the innermost attachment is to this runtime and holds its lock: a counter
 *   spare    the thread was in this runtime before: its old attachment is used again
 *   new      memory for an attachment, then the lock
 *   over another runtime: as spare or new, after that one's lock was let go
 * An attachment that ends is kept as the thread's spare: the lock is then all that a thread pays
 * that comes and goes. It is freed when another takes its place or the thread exits.
 *
 * A runtime that ends while a thread waits here closes its lock, which lives in the view; the
 * waiter fails with MPY_E_FINALIZING. Whoever got the lock finds the runtime alive, for only the
 * holder can end it.
 *
 * A thread that exits without detaching is detached by its exit handler: a lock that nobody holds
 * any more would stop everybody else for ever.
 *
 * Lock: attach takes the runtime's, detach gives it back.
 */
#include "runtime/runtime.h"

#include "alloc/checked.h"

#include "gc/internal.h"
#include "runtime/futex.h"

#include <pthread.h>
#include <string.h>

__thread struct mpyi_rt_tls mpyi_rt_tls;

static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
static pthread_key_t exit_key;
static bool exit_key_made; /* by exit_once */

static void
end_attachment(struct mpyi_attachment *a);

/* ---- thread exit
 * --------------------------------------------------------------------------------- */

static void
thread_exits(void *unused)
{
    (void)unused;
    while (mpyi_rt_tls.inner != NULL) {
        struct mpyi_attachment *a = mpyi_rt_tls.inner;
        mpyi_misuse(MPY_E_BUSY, "pthread_exit", "the thread is still attached to a runtime");
        if (mpyi_attach_current() == NULL && mpyi_attach_retake(a) != MPY_OK) {
            mpyi_rt_tls.inner = mpyi_attachment_of(a->thread.outer);
            mpy_raw_free(a);
            continue;
        }
        a->nested = 0;
        end_attachment(a);
    }
    mpy_raw_free(mpyi_rt_tls.spare);
    mpyi_rt_tls.spare = NULL;
}

static void
make_exit_key(void)
{
    exit_key_made = pthread_key_create(&exit_key, thread_exits) == 0;
}

/* The library may be unloaded before its threads end. */
__attribute__((destructor)) static void
delete_exit_key(void)
{
    if (exit_key_made) {
        (void)pthread_key_delete(exit_key);
    }
    mpy_raw_free(mpyi_rt_tls.spare);
    mpyi_rt_tls.spare = NULL;
}

/* thread_exits() will run for this thread. */
static mpy_status
watch_thread(void)
{
    (void)pthread_once(&exit_once, make_exit_key);
    if (!exit_key_made) {
        return MPY_E_SYSTEM;
    }
    return pthread_setspecific(exit_key, &mpyi_rt_tls) == 0 ? MPY_OK : MPY_E_NOMEM;
}

/* ---- making and linking
 * ---------------------------------------------------------------------------- */

void
mpyi_misuse(mpy_status status, const char *function, const char *what)
{
    mpyi_status_set(status);
    if (MPY_DEBUG >= 2) {
        mpyi_report("%s(): %s", function, what);
    }
}

/* An attachment to what the view shows, in no list; NULL with *why. */
static struct mpyi_attachment *
attachment_new(struct mpy_view *view, mpy_status *why)
{
    *why = watch_thread();
    if (*why != MPY_OK) {
        return NULL;
    }
    struct mpyi_attachment *a = mpy_raw_calloc(1, sizeof *a);
    if (a == NULL) {
        *why = MPY_E_NOMEM;
        return NULL;
    }
    a->view = view;
    a->id = view->id;
    return a;
}

/* Keeps it for the next time, in place of the one before. */
static inline void
make_spare(struct mpyi_attachment *a)
{
    struct mpyi_attachment *old = mpyi_rt_tls.spare;
    mpyi_rt_tls.spare = a;
    if (MPY_UNLIKELY(old != NULL)) {
        mpy_raw_free(old);
    }
}

/* The lock is held: makes `a` a member of the runtime and the innermost of the thread. */
static inline void
enter(struct mpyi_attachment *a, struct mpyi_rt *rt)
{
    struct mpyi_thread *t = &a->thread;
    t->outer = mpyi_rt_tls.inner != NULL ? &mpyi_rt_tls.inner->thread : NULL;
    t->depth = a->base_depth = 0;
    t->depth_limit = rt->pub.depth_limit;
    t->entry = t;
    if (MPY_UNLIKELY(mpyi_checks_get(t->heap) != 0)) {
        mpyi_entry_update(t);
    }
    t->prev = NULL;
    t->next = rt->pub.threads;
    if (t->next != NULL) {
        t->next->prev = t;
    }
    rt->pub.threads = t;
    __atomic_store_n(&rt->attached, rt->attached + 1, __ATOMIC_RELAXED);
    mpyi_rt_tls.inner = a;
    mpyi_tls_enter(a);
}

/* The opposite; the lock stays held. */
static inline void
leave(struct mpyi_attachment *a, struct mpyi_rt *rt)
{
    struct mpyi_thread *t = &a->thread;
    if (t->next != NULL) {
        t->next->prev = t->prev;
    }
    if (t->prev != NULL) {
        t->prev->next = t->next;
    } else {
        rt->pub.threads = t->next;
    }
    __atomic_store_n(&rt->attached, rt->attached - 1, __ATOMIC_RELAXED);
    mpyi_rt_tls.inner = mpyi_attachment_of(t->outer);
    mpyi_tls_leave();
}

/* The first time a thread's attachment meets its runtime. One stack of nested calls and one number
   for all attachments of a thread to the same runtime. */
static void
introduce(struct mpyi_attachment *a, struct mpyi_rt *rt)
{
    struct mpyi_thread *t = &a->thread;
    t->rt = &rt->pub;
    t->heap = rt->pub.heap;
    t->gc = rt->pub.gc;
    t->lock_data = &a->view->lock;
    t->id = 0;
    for (struct mpyi_thread *outer = t->outer; outer != NULL; outer = outer->outer) {
        if (outer->rt == t->rt) {
            t->id = outer->id;
            t->depth = a->base_depth = outer->depth;
            return;
        }
    }
    t->id = ++rt->last_thread_id;
}

struct mpyi_attachment *
mpyi_attach_first(struct mpyi_rt *rt)
{
    mpy_status why;
    struct mpyi_attachment *a = attachment_new(rt->view, &why);
    if (a == NULL) {
        mpyi_status_set(why);
        return NULL;
    }
    a->thread.heap = rt->pub.heap;
    enter(a, rt);
    introduce(a, rt);
    return a;
}

void
mpyi_attach_empty(struct mpyi_thread *t)
{
    if (MPY_UNLIKELY(t->error.code != 0)) {
        mpyi_err_clear(t);
    }
    if (MPY_UNLIKELY(t->repr_stack != NULL)) {
        mpy_clear(&t->repr_stack);
    }
}

/* The collector's phase is that of who holds the lock: a thread that let go of it may end its
   attachment while another one collects. */
bool
mpyi_attach_in_call(const struct mpyi_attachment *a)
{
    const struct mpyi_thread *t = &a->thread;
    return t->depth != a->base_depth || t->tearing_down || t->finalizers || t->rt->finalizing ||
           (mpyi_attach_current() == a && t->gc->state->phase == MPYI_GC_CRITICAL);
}

void
mpyi_attach_end(struct mpyi_attachment *a)
{
    leave(a, mpyi_rt_of(a->thread.rt));
    mpy_raw_free(a);
}

/* ---- letting go for an inner attachment
 * -------------------------------------------------------------- */

mpy_status
mpyi_attach_retake(struct mpyi_attachment *a)
{
    mpy_status status = mpyi_lock_acquire(&a->view->lock);
    /* The lock of a runtime that is ending is closed for all but the thread that ends it, and that
       is the only one still attached. */
    if (MPY_UNLIKELY(status == MPY_E_FINALIZING)) {
        status = MPY_OK;
    }
    if (MPY_LIKELY(status == MPY_OK)) {
        mpyi_tls_enter(a);
    }
    return status;
}

void
mpyi_attach_suspend(struct mpyi_attachment *a)
{
    if (a != NULL && mpyi_attach_current() == a) {
        a->suspended = 1;
        mpyi_tls_leave();
        mpyi_lock_release(&a->view->lock);
    }
}

void
mpyi_attach_resume(struct mpyi_attachment *a)
{
    if (a != NULL && a->suspended) {
        a->suspended = 0;
        mpy_status status = mpyi_attach_retake(a);
        if (status != MPY_OK) {
            mpyi_status_set(status);
        }
    }
}

/* ---- the public functions
 * ----------------------------------------------------------------------------- */

/* Everything but the two cheapest ways in. */
static mpy_status
attach_slow(mpy_view *view, mpy_thread_token **out)
{
    struct mpyi_attachment *outer = mpyi_rt_tls.inner;
    struct mpyi_attachment *a = mpyi_rt_tls.spare;
    mpy_status status = MPY_OK;
    /* Nested after all: checks that want to see every call hid the attachment. */
    if (outer != NULL && outer->view == view && mpyi_attach_current() == outer) {
        outer->nested++;
        *out = (mpy_thread_token *)outer;
        return MPY_OK;
    }
    bool known = a != NULL && a->view == view && a->id == view->id;
    if (known) {
        mpyi_rt_tls.spare = NULL;
    } else {
        a = attachment_new(view, &status);
        if (a == NULL) {
            return status;
        }
    }
    mpyi_attach_suspend(outer);
    status = mpyi_lock_acquire(&view->lock);
    if (status != MPY_OK) {
        mpyi_attach_resume(outer);
        mpy_raw_free(a);
        return status;
    }
    struct mpyi_rt *rt = mpyi_rt_of(view->rt);
    a->thread.heap = rt->pub.heap;
    enter(a, rt);
    introduce(a, rt);
    *out = (mpy_thread_token *)a;
    return MPY_OK;
}

/* Every way in but the nested one. */
static __attribute__((noinline)) mpy_status
attach_outermost(mpy_view *view, mpy_thread_token **out)
{
    struct mpyi_attachment *spare = mpyi_rt_tls.spare;
    mpy_status status = MPY_E_INVAL;
    if (MPY_UNLIKELY(out == NULL)) {
        goto fail;
    }
    *out = NULL;
    if (MPY_UNLIKELY(view == NULL)) {
        goto fail;
    }
    if (mpyi_rt_tls.inner == NULL && spare != NULL && spare->view == view &&
        spare->id == view->id) {
        status = mpyi_lock_acquire(&view->lock);
        if (MPY_LIKELY(status == MPY_OK)) {
            mpyi_rt_tls.spare = NULL;
            enter(spare, mpyi_rt_of(spare->thread.rt));
            *out = (mpy_thread_token *)spare;
            return MPY_OK;
        }
        goto fail;
    }
    status = attach_slow(view, out);
    if (MPY_LIKELY(status == MPY_OK)) {
        return MPY_OK;
    }
fail:
    mpyi_status_set(status);
    return status;
}

mpy_status
mpy_thread_attach(mpy_view *view, mpy_thread_token **out)
{
    struct mpyi_attachment *inner = mpyi_attachment_of(mpyi_entry()); /* with the lock, or NULL */
    if (inner != NULL && MPY_LIKELY(inner->view == view) && MPY_LIKELY(out != NULL)) {
        inner->nested++;
        *out = (mpy_thread_token *)inner;
        return MPY_OK;
    }
    return attach_outermost(view, out);
}

/* Every way out but that of a nested attachment without an error. */
static void
end_attachment(struct mpyi_attachment *a)
{
    if (MPY_UNLIKELY(mpyi_attach_current() != a) && mpyi_attach_retake(a) != MPY_OK) {
        mpyi_rt_tls.inner = mpyi_attachment_of(a->thread.outer);
        mpy_raw_free(a); /* of a runtime that a fork left behind */
    } else if (a->nested > 0) {
        mpyi_attach_empty(&a->thread);
        a->nested--;
        return;
    } else {
        struct mpyi_lock *lock = &a->view->lock;
        mpyi_attach_empty(&a->thread);
        leave(a, mpyi_rt_of(a->thread.rt));
        mpyi_lock_release(lock);
        make_spare(a);
    }
    if (MPY_UNLIKELY(mpyi_rt_tls.inner != NULL)) {
        mpyi_attach_resume(mpyi_rt_tls.inner);
    }
}

static __attribute__((noinline)) void
detach_outermost(struct mpyi_attachment *a)
{
    if (MPY_UNLIKELY(a == NULL || a != mpyi_rt_tls.inner)) {
        mpyi_misuse(MPY_E_INVAL, "mpy_thread_detach",
                    "argument 'token': not the innermost attachment of this thread");
        return;
    }
    if (MPY_UNLIKELY(a->nested == 0 && mpyi_attach_in_call(a))) {
        mpyi_misuse(MPY_E_BUSY, "mpy_thread_detach",
                    "called from inside of a call that needs the attachment");
        return;
    }
    end_attachment(a);
}

void
mpy_thread_detach(mpy_thread_token *token)
{
    struct mpyi_attachment *a = (struct mpyi_attachment *)(void *)token;
    if (a != NULL && MPY_LIKELY(mpyi_attach_current() == a) && a->nested > 0 &&
        MPY_LIKELY(a->thread.error.code == 0)) {
        a->nested--;
        return;
    }
    detach_outermost(a);
}

mpy_thread_token *
mpy_thread_current(void)
{
    return (mpy_thread_token *)mpyi_rt_tls.inner;
}

uint64_t
mpy_thread_id(const mpy_thread_token *token)
{
    if (token == NULL) {
        mpyi_status_set(MPY_E_INVAL);
        return 0;
    }
    return ((const struct mpyi_attachment *)(const void *)token)->thread.id;
}

/* ---- fork
 * ---------------------------------------------------------------------------------------------- */

static bool
is_mine(const struct mpyi_thread *t)
{
    const struct mpyi_thread *own = mpyi_rt_tls.inner != NULL ? &mpyi_rt_tls.inner->thread : NULL;
    while (own != NULL && own != t) {
        own = own->outer;
    }
    return own != NULL;
}

void
mpyi_attach_after_fork(struct mpyi_rt *rt)
{
    struct mpyi_thread *t = rt->pub.threads;
    struct mpyi_thread *kept = NULL;
    rt->attached = 0;
    while (t != NULL) {
        struct mpyi_thread *next = t->next;
        struct mpyi_thread **list = is_mine(t) ? &kept : &rt->lost;
        rt->attached += list == &kept;
        t->prev = NULL;
        t->next = *list;
        if (t->next != NULL) {
            t->next->prev = t;
        }
        *list = t;
        t = next;
    }
    rt->pub.threads = kept;
}

void
mpyi_attach_drop_lost(struct mpyi_rt *rt)
{
    while (rt->lost != NULL) {
        struct mpyi_thread *t = rt->lost;
        rt->lost = t->next;
        mpyi_attach_empty(t);
        mpy_raw_free(mpyi_attachment_of(t));
    }
}
