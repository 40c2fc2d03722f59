/* SPDX-License-Identifier: MIT */
/*
 * runtime/gil.c - releasing the lock around blocking calls, its settings and its statistics.
 *
 * Between mpy_gil_release() and mpy_gil_acquire() a thread stays attached, but both of its
 * thread-local words are blank: it has no current runtime, and its object heap is the closed null
 * heap, so every call that needs the lock fails by itself.
 *
 * Lock: released and taken here.
 */
#include "runtime/runtime.h"

/* Every so many releases a heap that keeps empty arenas looks whether they have become too old. */
#define DECAY_EVERY 16u

static __attribute__((cold)) void
decay(struct mpyi_attachment *a)
{
    if (++a->releases % DECAY_EVERY == 0) {
        mpyi_rtheap_decay(a->thread.heap);
    }
}

mpy_thread_token *
mpy_gil_release(void)
{
    struct mpyi_thread *t = mpyi_current();
    if (MPY_UNLIKELY(t == NULL)) {
        return NULL;
    }
    struct mpyi_attachment *a = mpyi_attachment_of(t);
    if (MPY_UNLIKELY((t->heap->obj_space.kept | t->heap->gc_space.kept) != 0)) {
        decay(a);
    }
    mpyi_tls_leave();
    mpyi_lock_release(&a->view->lock);
    return (mpy_thread_token *)a;
}

void
mpy_gil_acquire(mpy_thread_token *saved)
{
    struct mpyi_attachment *a = (struct mpyi_attachment *)(void *)saved;
    if (a == NULL) {
        return;
    }
    if (MPY_UNLIKELY(a != mpyi_rt_tls.inner || mpy_priv_tls.obj != &mpyi_null_heap)) {
        mpyi_misuse(MPY_E_INVAL, __func__, "argument 'saved': not what this thread released");
        return;
    }
    mpy_status status = mpyi_attach_retake(a);
    if (MPY_UNLIKELY(status != MPY_OK)) {
        mpyi_misuse(status, __func__, mpy_status_text(status));
    }
}

int
mpy_gil_held(void)
{
    return mpyi_rtheap_current() != NULL;
}

/* For functions that any thread may call: ValueError where there is an indicator. */
static int
refuse(const char *text)
{
    if (mpyi_attach_current() != NULL) {
        mpyi_err_set(MPY_EXC_VALUE_ERROR, text);
    } else {
        mpyi_status_set(MPY_E_INVAL);
    }
    return -1;
}

int
mpy_gil_set_switch_interval(mpy_runtime *rt, int64_t ns)
{
    if (rt == NULL) {
        return refuse("mpy_gil_set_switch_interval(): argument 'rt': expected runtime, got NULL");
    }
    if (ns < MPYI_SWITCH_INTERVAL_MIN || ns > MPYI_SWITCH_INTERVAL_MAX) {
        return refuse("mpy_gil_set_switch_interval(): argument 'ns': not in 1,000..10^10");
    }
    __atomic_store_n(&mpyi_rt_of(rt)->view->lock.interval, ns, __ATOMIC_RELAXED);
    return 0;
}

int
mpy_gil_get_stats(mpy_runtime *rt, mpy_gil_stats *out)
{
    if (rt == NULL || out == NULL) {
        return refuse(rt == NULL
                          ? "mpy_gil_get_stats(): argument 'rt': expected runtime, got NULL"
                          : "mpy_gil_get_stats(): argument 'out': expected pointer, got NULL");
    }
    const struct mpyi_rt *full = mpyi_rt_of(rt);
    const struct mpyi_lock *lock = &full->view->lock;
    mpy_gil_stats stats = {
        .size = (uint32_t)sizeof stats,
        .version = 1,
        .acquisitions = __atomic_load_n(&lock->waits, __ATOMIC_RELAXED),
        .hand_offs = __atomic_load_n(&lock->hand_offs, __ATOMIC_RELAXED),
        .waiting = __atomic_load_n(&lock->waiting, __ATOMIC_RELAXED),
        .attached = __atomic_load_n(&full->attached, __ATOMIC_RELAXED),
    };
    if (!mpyi_size_fits(out->size, sizeof stats)) {
        return refuse("mpy_gil_get_stats(): argument 'out': its size is that of no version");
    }
    mpyi_hand_out(out, out->size, &stats, sizeof stats);
    return 0;
}
