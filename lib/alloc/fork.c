/* SPDX-License-Identifier: MIT */
/*
 * alloc/fork.c - a child of fork() can allocate and free.
 *
 * Before the fork the locks of the back end are taken, in their order: list of heaps, mem space,
 * messages. So no shared structure is in the middle of a change. Heaps of other threads have no
 * lock: in the child
 *   busy      the heap was being changed: it is given up, and what it holds is lost to the child
 *   not busy  it is consistent; its magazines are dropped (inlined code may have been popping or
 *             pushing), and it waits for adoption
 * The forking thread keeps its heap. Memory of given-up heaps stays readable: only freeing it does
 * nothing useful.
 *
 * The handlers are installed when the library is loaded: pthread_atfork() allocates, so it must not
 * run inside the first allocation.
 */
#include "alloc/memheap.h"

#include <pthread.h>

static void
before_fork(void)
{
    mpyi_heaps_lock();
    mpyi_space_lock(&mpyi_mem_space);
    mpyi_remote_lock();
}

static void
unlock_all(void)
{
    mpyi_remote_unlock();
    mpyi_space_unlock(&mpyi_mem_space);
    mpyi_heaps_unlock();
}

static void
in_child(void)
{
    mpyi_heaps_after_fork();
    unlock_all();
}

void
mpyi_fork_install(void)
{
    (void)pthread_atfork(before_fork, unlock_all, in_child);
}
