/* SPDX-License-Identifier: MIT */
/*
 * runtime/view.c - views: what another thread needs in order to attach.
 *
 * All views of a runtime are one counted block, which holds the runtime's lock and outlives the
 * runtime while somebody has it open. So attaching needs nothing but the lock: either it is had,
 * and view->rt is alive, or it is closed, and the runtime is ending or gone.
 *
 * The idea, and attaching that fails where it would hang, are PEP 788's.
 *
 * Invariants: refs == open views + (rt != NULL); rt becomes NULL once, under the closed lock.
 *
 * Lock: opening needs the runtime's; closing none.
 */
#include "runtime/runtime.h"

struct mpy_view *
mpyi_view_new(mpy_runtime *rt, int64_t switch_interval)
{
    struct mpy_view *view = mpy_raw_calloc(1, sizeof *view);
    if (view == NULL) {
        return NULL;
    }
    view->refs = 1;
    view->rt = rt;
    view->id = rt->id;
    mpyi_lock_init(&view->lock, &rt->breaker, switch_interval);
    return view;
}

mpy_view *
mpy_view_of(mpy_runtime *rt)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    if (t == NULL) {
        return NULL;
    }
    if (rt == NULL) {
        return mpyi_err_argument(__func__, "rt", "a runtime", NULL);
    }
    if (rt != t->rt) {
        return mpyi_err_format(MPY_EXC_VALUE_ERROR, "%s(): argument 'rt': not the current runtime",
                               __func__);
    }
    mpy_view *view = mpyi_rt_of(rt)->view;
    __atomic_fetch_add(&view->refs, 1, __ATOMIC_RELAXED);
    return view;
}

void
mpy_view_close(mpy_view *view)
{
    if (view != NULL && __atomic_fetch_sub(&view->refs, 1, __ATOMIC_ACQ_REL) == 1) {
        mpy_raw_free(view);
    }
}
