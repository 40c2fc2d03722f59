/* SPDX-License-Identifier: MIT */
/*
 * runtime/checkpoint.c - the safe point of computing threads.
 *
 * One word, rt->breaker, gathers every reason to stop: somebody wants the lock, a collection is
 * due, calls are pending. A checkpoint with nothing to do is a relaxed load and a test; a stale
 * zero only delays to the next checkpoint.
 *
 * Order: first the others (they wait for us), then the collection, then the calls. Each part lowers
 * its own bit before it looks, so a reason that comes up meanwhile raises it again.
 *
 * Lock: held; let go and taken back when others want it.
 */
#include "runtime/runtime.h"

int
mpyi_checkpoint_slow(struct mpyi_thread *t)
{
    mpy_runtime *rt = t->rt;
    uint32_t reasons = mpyi_breaker(rt);
    if ((reasons & MPYI_BREAK_LOCK) != 0) {
        struct mpyi_attachment *a = mpyi_attachment_of(t);
        mpyi_tls_leave();
        (void)mpyi_lock_yield(&a->view->lock);
        mpyi_tls_enter(a);
    }
    if ((mpyi_breaker(rt) & MPYI_BREAK_GC) != 0) {
        mpyi_gc_run_due(t);
    }
    if ((mpyi_breaker(rt) & MPYI_BREAK_PENDING) != 0) {
        return mpyi_pending_run(t);
    }
    return 0;
}

int
mpy_checkpoint(void)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    if (MPY_UNLIKELY(t == NULL)) {
        return -1;
    }
    if (MPY_LIKELY(mpyi_breaker(t->rt) == 0)) {
        return 0;
    }
    return mpyi_checkpoint_slow(t);
}
