/* SPDX-License-Identifier: MIT */
/*
 * alloc/fork.c - a child of fork() can allocate and free.
 *
 * Before the fork the locks of the back end are taken, in their order: list of regions, list of
 * heaps, mem space, messages, records of checked blocks, pressure, domains. So no shared structure
 * is in the middle of a change. Heaps of other threads have no lock: in the child
 *   busy      the heap was being changed: it is given up, and what it holds is lost to the child
 *   not busy  it is consistent; its magazines are dropped (inlined code may have been popping or
 *             pushing), and it waits for adoption
 * Regions are looked at in the same way; one that was busy is lost to the child. The forking thread
 * keeps its heap. Memory of given-up heaps stays readable: only freeing it does nothing useful.
 *
 * Handlers of others may run between ours, and may allocate: the flag `forking` tells the locking
 * functions that this thread holds their locks already.
 *
 * The handlers are installed when the library is loaded, and by the preload library at its first
 * slow path: pthread_atfork() may allocate, so it must not run before the thread has a heap.
 */
#include "alloc/checked.h"
#include "alloc/domain.h"
#include "alloc/memheap.h"
#include "alloc/region.h"

#include <stdatomic.h>

#include <pthread.h>

/* A handler of another may be the first to allocate: then the space begins between the two below,
   and its lock is not held. Written by the forking thread, which holds the locks before it. */
static int space_is_locked;

static void
before_fork(void)
{
    mpyi_regions_lock();
    mpyi_heaps_lock();
    space_is_locked = mpyi_mem_space.shared;
    if (space_is_locked) {
        mpyi_space_lock(&mpyi_mem_space);
    }
    mpyi_remote_lock();
    mpyi_marks_lock(&mpyi_mem_marks);
    mpyi_pressure_lock();
    mpyi_domain_lock();
    mpyi_tls.forking = 1;
}

static void
unlock_all(void)
{
    mpyi_tls.forking = 0;
    mpyi_domain_unlock();
    mpyi_pressure_unlock();
    mpyi_marks_unlock(&mpyi_mem_marks);
    mpyi_remote_unlock();
    if (space_is_locked) {
        mpyi_space_unlock(&mpyi_mem_space);
    }
    mpyi_heaps_unlock();
    mpyi_regions_unlock();
}

static void
in_child(void)
{
    mpyi_heaps_after_fork();
    mpyi_regions_after_fork();
    unlock_all();
}

void
mpyi_fork_install(void)
{
    static _Atomic int installed;
    if (!atomic_exchange_explicit(&installed, 1, memory_order_relaxed)) {
        (void)pthread_atfork(before_fork, unlock_all, in_child);
    }
}
