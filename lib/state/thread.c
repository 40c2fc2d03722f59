/* SPDX-License-Identifier: MIT */
/*
 * state/thread.c - calls without a runtime, and calls nested too deep.
 *
 * A thread that is not attached (or has released the lock) has no error indicator to set, so the
 * reason goes to the thread's status, where mpy_status_last() finds it. Which call it was is lost
 * there; MPY_CHECK_LOCK_HELD makes it fatal with the call's name, and builds with MPY_DEBUG >= 2
 * say it through the report sink, because a call without the lock is always a mistake of the host.
 *
 * Nesting is limited twice: by a number the host sets (the same structure fails alike everywhere)
 * and by the thread's own stack, which may be small: the frames that are fine are those from
 * stack_low on for stack_size bytes, MARGIN above the end of the stack. The bounds are asked for
 * once a thread. A frame outside the whole stack (a coroutine's) is judged by the number alone.
 *
 * Lock: none; the calling thread's own data.
 */
#include "state/state.h"

#include "alloc/checked.h"
#include "base/assert.h"

#include <pthread.h>

/* Left for the error path and for the host's own frames. */
#define MARGIN ((size_t)16 * 1024)

/* The stack of the calling thread; size 0: not asked yet. */
static __thread struct {
    uintptr_t low;
    size_t size;
} stack __attribute__((tls_model("initial-exec")));

struct mpyi_thread *
mpyi_not_attached(const char *function)
{
    mpyi_status_set(MPY_E_NOT_ATTACHED);
    mpyi_check_lock_held(function, __builtin_return_address(0));
    if (MPY_DEBUG >= 2) {
        mpyi_report("%s(): the calling thread is not attached to a runtime, or has released its "
                    "lock",
                    function);
    }
    return NULL;
}

/* Unknown bounds are those of the whole address space. */
static void
find_stack(void)
{
    pthread_attr_t attr;
    void *low = NULL;
    size_t size = 0;

    stack.low = 0;
    stack.size = SIZE_MAX;
    if (pthread_getattr_np(pthread_self(), &attr) != 0) {
        return;
    }
    if (pthread_attr_getstack(&attr, &low, &size) == 0 && size > 2 * MARGIN) {
        stack.low = (uintptr_t)low;
        stack.size = size;
    }
    (void)pthread_attr_destroy(&attr);
}

int
mpyi_depth_enter_slow(struct mpyi_thread *t, const char *where, uintptr_t frame)
{
    if (stack.size == 0) {
        find_stack();
    }
    t->stack_low = stack.low == 0 ? 0 : stack.low + MARGIN;
    t->stack_size = stack.low == 0 ? stack.size : stack.size - MARGIN;
    if (t->depth >= t->depth_limit) {
        mpyi_err_format(MPY_EXC_RECURSION_ERROR, "%s(): nested deeper than %u", where,
                        t->depth_limit);
        return -1;
    }
    if (frame - stack.low < MARGIN && stack.low != 0) {
        mpyi_err_format(MPY_EXC_RECURSION_ERROR, "%s(): nested too deep for the thread's stack",
                        where);
        return -1;
    }
    t->depth++;
    return 0;
}
