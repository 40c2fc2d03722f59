/* SPDX-License-Identifier: MIT */
/*
 * alloc/memheap.h - the mem domain's heaps: one per thread, found through thread-local storage.
 *
 * Every slow path of the mem domain stands between mpyi_mem_enter() and mpyi_mem_leave(): they
 * find the calling thread's heap, making or adopting one at first, and mark it busy, so that a
 * fork() in another thread knows which heaps were in the middle of a change.
 *
 * Lock: `mpyi_heaps_lock` guards the two lists of heaps; ranks before a space's lock, which ranks
 * before that of the messages.
 */
#ifndef MPY_ALLOC_MEMHEAP_H
#define MPY_ALLOC_MEMHEAP_H

#include "alloc/heap.h"
#include "base/tls.h"

/* What the mem domain of the process uses, and its limit. */
extern struct mpyi_usage mpyi_mem_usage;

/* The parts of the two functions below for threads that have no heap of their own. */
struct mpyi_heap *
mpyi_mem_first_use(void);

void
mpyi_mem_give_back(struct mpyi_heap *heap);

/* The calling thread's heap, marked busy; NULL when there is no memory for one. */
static inline struct mpyi_heap *
mpyi_mem_enter(void)
{
    struct mpy_priv_heap *pub = mpy_priv_tls.mem;
    if (MPY_UNLIKELY(pub == &mpyi_null_heap)) {
        return mpyi_mem_first_use();
    }
    struct mpyi_heap *heap = mpyi_heap_of(pub);
    atomic_store_explicit(&heap->busy, 1, memory_order_relaxed);
    mpyi_heap_sync(heap, 0);
    return heap;
}

static inline void
mpyi_mem_leave(struct mpyi_heap *heap)
{
    if (MPY_UNLIKELY(&heap->pub != mpy_priv_tls.mem)) {
        mpyi_mem_give_back(heap);
        return;
    }
    atomic_store_explicit(&heap->busy, 0, memory_order_relaxed);
}

/* Lets the large block that the calling thread freed last wait where it belongs, so that figures
   have its size. */
static inline void
mpyi_mem_sort(void)
{
    if (mpy_priv_tls.mem != &mpyi_null_heap) {
        mpyi_large_cache_sort(&mpyi_heap_of(mpy_priv_tls.mem)->large);
    }
}

/* All heaps of the mem domain, linked by next_heap; never shrinks. Call with the lock held. */
struct mpyi_heap *
mpyi_heaps_first(void);

/* Heaps that threads use now, or may have left something in. Any thread, no lock. */
uint32_t
mpyi_heaps_live(void);

void
mpyi_heaps_lock(void);

void
mpyi_heaps_unlock(void);

/* Makes the mem domain usable: 0, or -1 when no address space can be had. */
int
mpyi_mem_start(void);

/* Empties up to n of the heaps of ended threads that wait as they were left; bytes of large blocks
   that went back. What they had of the caller's comes home to it: to be called before a flush. */
size_t
mpyi_mem_cool_orphans(uint32_t n);

/* Empties all heaps of ended threads, also of what came home for them meanwhile. */
void
mpyi_mem_trim_orphans(void);

/* Installs the handlers of alloc/fork.c, unless they are. The caller has a heap, or malloc is not
   this library. */
void
mpyi_fork_install(void);

/* In the child of a fork(): every heap but the caller's has lost its thread. Lists are locked. */
void
mpyi_heaps_after_fork(void);

#endif /* MPY_ALLOC_MEMHEAP_H */
