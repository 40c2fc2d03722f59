/* SPDX-License-Identifier: MIT */
/*
 * runtime/atfork.c - the list of all runtimes, and what becomes of them in the child of a fork.
 *
 * The child has one thread. A runtime whose lock another thread held is in the middle of some
 * change for ever: it is dead there, and attaching to it fails with MPY_E_FORKED. Every other
 * runtime goes on: its lock was free or is the forking thread's, so its objects are consistent.
 * Threads that waited for its lock are gone from the queues; attachments of threads that are gone
 * are put aside, and given up with the errors they held when the runtime ends.
 *
 * Before the fork the list and the guard of every lock are taken, so the queues are whole.
 *
 * Lock: the registry's mutex, taken before guards. Nothing else is called while it is held.
 */
#include "runtime/runtime.h"

#include "runtime/futex.h"
#include "runtime/park.h"

#include <pthread.h>

static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct mpyi_rt *registry;
static pthread_once_t registry_once = PTHREAD_ONCE_INIT;
static int registry_result;

static void
before_fork(void)
{
    (void)pthread_mutex_lock(&registry_mutex);
    for (struct mpyi_rt *rt = registry; rt != NULL; rt = rt->next) {
        mpyi_guard_lock(&rt->view->lock.guard);
    }
}

static void
in_parent(void)
{
    for (struct mpyi_rt *rt = registry; rt != NULL; rt = rt->next) {
        mpyi_guard_unlock(&rt->view->lock.guard);
    }
    (void)pthread_mutex_unlock(&registry_mutex);
}

static void
in_child(void)
{
    struct mpyi_thread *t = mpyi_current();
    mpyi_park_after_fork();
    for (struct mpyi_rt *rt = registry; rt != NULL; rt = rt->next) {
        bool mine = t != NULL && t->rt == &rt->pub;
        if (mpyi_lock_after_fork(&rt->view->lock, mine)) {
            mpyi_attach_after_fork(rt);
        }
    }
    (void)pthread_mutex_unlock(&registry_mutex);
}

static void
install(void)
{
    registry_result = pthread_atfork(before_fork, in_parent, in_child);
}

mpy_status
mpyi_registry_init(void)
{
    (void)pthread_once(&registry_once, install);
    return registry_result == 0 ? MPY_OK : MPY_E_SYSTEM;
}

void
mpyi_registry_add(struct mpyi_rt *rt)
{
    (void)pthread_mutex_lock(&registry_mutex);
    rt->prev = NULL;
    rt->next = registry;
    if (registry != NULL) {
        registry->prev = rt;
    }
    registry = rt;
    (void)pthread_mutex_unlock(&registry_mutex);
}

void
mpyi_registry_remove(struct mpyi_rt *rt)
{
    (void)pthread_mutex_lock(&registry_mutex);
    if (rt->next != NULL) {
        rt->next->prev = rt->prev;
    }
    if (rt->prev != NULL) {
        rt->prev->next = rt->next;
    } else {
        registry = rt->next;
    }
    (void)pthread_mutex_unlock(&registry_mutex);
}
