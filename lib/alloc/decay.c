/* SPDX-License-Identifier: MIT */
/*
 * alloc/decay.c - giving memory back without being asked, and the cap on what is kept.
 *
 * Memory that is free waits in four places, each with a bound and a way back:
 *
 *   magazines                      at most one a class; the older half every MINIPY_DECAY_MS: a
 *                                  block that waits keeps its whole pool
 *   empty pools of a heap          32; half of them every MINIPY_DECAY_MS
 *   large blocks of a heap         MINIPY_LARGE_CACHE_BYTES, in all heaps together four times that;
 *                                  the older half of each bin every MINIPY_DECAY_MS
 *   free pools of the space        empty arenas up to MINIPY_KEEP_BYTES; idle for MINIPY_DECAY_MS:
 *                                  back to the system (alloc/arena.c)
 *
 * Half at a time: a cache in use costs a few requests a second to fill again, an idle one is gone
 * after some periods. A heap looks at the clock on every 64th slow path. A program that does
 * nothing has no slow paths; MINIPY_DECAY_THREAD=1 starts a thread that looks after the space for
 * it, and after the heaps whose threads have ended.
 *
 * Lock: the heap's for what a heap keeps; the spaces take their own.
 */
#include "alloc/decay.h"

#include "alloc/memheap.h"
#include "alloc/os.h"
#include "alloc/pool.h"
#include "alloc/spaces.h"
#include "base/options.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define HEAPS_WITH_FULL_CACHE 4u /* up to so many heaps keep MINIPY_LARGE_CACHE_BYTES each */

_Atomic size_t mpyi_keep_cap = SIZE_MAX;

size_t
mpyi_keep_bytes(void)
{
    size_t cap = atomic_load_explicit(&mpyi_keep_cap, memory_order_relaxed);
    return cap != SIZE_MAX ? cap : (size_t)mpyi_options_get()->keep_bytes;
}

size_t
mpyi_large_share(void)
{
    size_t limit = (size_t)mpyi_options_get()->large_cache_bytes;
    uint32_t heaps = mpyi_heaps_live();
    if (heaps > HEAPS_WITH_FULL_CACHE) {
        limit = limit * HEAPS_WITH_FULL_CACHE / heaps;
    }
    size_t cap = atomic_load_explicit(&mpyi_keep_cap, memory_order_relaxed);
    return limit < cap ? limit : cap;
}

static void
halve_magazines(struct mpyi_heap *heap)
{
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        size_t n = mpyi_bin_count(&heap->pub.bins[c], c);
        mpyi_heap_flush_bin(heap, c, (n + 1) / 2);
    }
    mpyi_heap_send_open(heap);
}

void
mpyi_heap_decay(struct mpyi_heap *heap)
{
    heap->ticks = 0;
    uint64_t now = mpyi_os_now_ms();
    if (now >= heap->decay_next_ms) {
        int first = heap->decay_next_ms == 0;
        heap->decay_next_ms = now + heap->space->decay_ms + 1;
        if (heap->kind == MPY_KIND_MEM) {
            mpyi_large_cache_set_limit(&heap->large, mpyi_large_share());
        }
        if (!first) {
            if (heap->kept_large != NULL) {
                mpyi_large_cache_halve(heap->kept_large);
            }
            halve_magazines(heap);
            mpyi_heap_halve_empties(heap);
            (void)mpyi_mem_cool_orphans(1);
        }
    }
    mpyi_space_decay(heap->space);
}

static void
set_keep_process(size_t keep_bytes)
{
    atomic_store_explicit(&mpyi_keep_cap, keep_bytes, memory_order_relaxed);
    mpyi_space_set_keep(&mpyi_mem_space, keep_bytes);
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap != NULL) {
        mpyi_large_cache_set_limit(&heap->large, mpyi_large_share());
        mpyi_mem_leave(heap);
    }
    (void)mpyi_mem_cool_orphans(UINT32_MAX);
}

static void
set_keep_runtime(struct mpyi_rtheap *heap, size_t keep_bytes)
{
    size_t limit = (size_t)mpyi_options_get()->large_cache_bytes;
    mpyi_space_set_keep(&heap->obj_space, keep_bytes);
    mpyi_space_set_keep(&heap->gc_space, keep_bytes);
    mpyi_large_cache_set_limit(&heap->cache, limit < keep_bytes ? limit : keep_bytes);
}

int
mpy_mem_set_keep(mpy_runtime *rt, size_t keep_bytes)
{
    struct mpyi_spaces spaces;
    if (mpyi_spaces_of(rt, &spaces) < 0) {
        return -1;
    }
    if (spaces.heap != NULL) {
        set_keep_runtime(spaces.heap, keep_bytes);
    } else {
        set_keep_process(keep_bytes);
    }
    return 0;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void *
look_after(void *data)
{
    uint64_t ms = mpyi_options_get()->decay_ms / 2 + 1;
    struct timespec period = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    (void)data;
    for (;;) {
        (void)nanosleep(&period, NULL);
        mpyi_mem_trim_orphans();
        mpyi_space_decay(&mpyi_mem_space);
    }
    return NULL;
}

/* Called when the library is loaded, and reads the options only if this one is set: a program may
   still set others. Signals are the program's: none is delivered to this thread. */
void
mpyi_decay_thread_start(void)
{
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    if (secure_getenv("MINIPY_DECAY_THREAD") == NULL || mpyi_options_get()->decay_thread == 0 ||
        mpyi_mem_start() < 0) {
        return;
    }
    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) == 0) {
        if (pthread_create(&thread, NULL, look_after, NULL) == 0) {
            (void)pthread_detach(thread);
        }
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
}
