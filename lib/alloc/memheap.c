/* SPDX-License-Identifier: MIT */
/*
 * alloc/memheap.c - a heap of the mem domain for every thread, and what becomes of it.
 *
 *   none --first slow path--> live --thread ends--> orphan --first slow path of a thread--> live
 *
 * A heap is never freed: its pools may hold blocks that other threads still use, and they find it
 * through pool->owner. When its thread ends, magazines are flushed, messages sent, empty pools
 * given back, and the heap waits for the next thread. So there are never more heaps than there were
 * threads at one time.
 *
 * The end of a thread is seen by a pthread key's destructor. Other destructors run after ours and
 * still allocate and free, so ours asks to be called again and lets go of the heap in round
 * EXITS_MAX; pthread promises four. What the thread does after that (glibc frees its own per-thread
 * blocks last) borrows an orphan for each call, since nobody would take a kept one back.
 *
 * Lock: heaps_lock for the lists; a live heap needs none, only its thread touches it.
 */
#include "alloc/memheap.h"

#include "alloc/arenahost.h"
#include "alloc/backend.h"
#include "alloc/decay.h"
#include "alloc/os.h"
#include "alloc/rtheap.h"
#include "base/options.h"
#include "base/status.h"
#include "base/tls.h"

#include <pthread.h>

#define EXITS_MAX 3u

struct mpyi_usage mpyi_mem_usage = {.limit = UINT64_MAX, .soft = UINT64_MAX};

static pthread_mutex_t heaps_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mpyi_heap *all_heaps;
static struct mpyi_heap *orphans;
static _Atomic uint32_t live_heaps;

static pthread_once_t start_once = PTHREAD_ONCE_INIT;
static pthread_key_t exit_key;
static int start_result = -1;

void
mpyi_heaps_lock(void)
{
    if (!mpyi_tls.forking) {
        (void)pthread_mutex_lock(&heaps_lock);
    }
}

void
mpyi_heaps_unlock(void)
{
    if (!mpyi_tls.forking) {
        (void)pthread_mutex_unlock(&heaps_lock);
    }
}

/* Heaps that are neither orphans nor dead. The lock is held. */
static void
count_live(int delta)
{
    atomic_store_explicit(
        &live_heaps,
        (uint32_t)((int)atomic_load_explicit(&live_heaps, memory_order_relaxed) + delta),
        memory_order_relaxed);
}

uint32_t
mpyi_heaps_live(void)
{
    return atomic_load_explicit(&live_heaps, memory_order_relaxed);
}

struct mpyi_heap *
mpyi_heaps_first(void)
{
    return all_heaps;
}

/* Flushes a heap without a thread and makes it wait for the next one. */
static void
orphan(struct mpyi_heap *heap)
{
    mpyi_heap_release_empties(heap);
    mpyi_heap_drop_spares(heap);
    (void)mpyi_large_cache_clear(&heap->large);
    mpyi_heap_park(heap);
    mpyi_large_settle(&heap->large);
    mpyi_heaps_lock();
    heap->orphan = 1;
    heap->next_orphan = orphans;
    orphans = heap;
    count_live(-1);
    mpyi_heaps_unlock();
}

static void
thread_ends(void *data)
{
    struct mpyi_heap *heap = data;
    mpyi_tls.exits++;
    if (mpyi_tls.exits < EXITS_MAX && pthread_setspecific(exit_key, heap) == 0) {
        return;
    }
    mpy_priv_tls.mem = &mpyi_null_heap;
    atomic_store_explicit(&heap->busy, 1, memory_order_relaxed);
    orphan(heap);
    atomic_store_explicit(&heap->busy, 0, memory_order_relaxed);
}

static void
start(void)
{
    const struct mpyi_options *options = mpyi_options_get();
    if (options->closed == 1) {
        mpyi_modes_set(MPYI_MODE_CLOSED, 1);
    }
    mpyi_checks_start();
    mpy_arena_allocator host;
    int hosted = mpyi_arena_host_freeze(&host);
    const struct mpyi_space_config config = {
        .span = options->reserve_bytes,
        .span_min = options->reserve_bytes < (UINT64_C(4) << 30) ? options->reserve_bytes
                                                                 : UINT64_C(4) << 30,
        .map_allowed = 1,
        .map_forced = options->no_reserve != 0,
        .shared = 1,
        .usage = &mpyi_mem_usage,
        .host = hosted ? &host : NULL,
    };
    if (pthread_key_create(&exit_key, thread_ends) != 0) {
        return;
    }
    mpyi_backend_start();
    start_result = mpyi_space_init(&mpyi_mem_space, &config);
}

/* Here and not in fork.c: of a static library only files that somebody refers to are linked. */
__attribute__((constructor)) static void
loaded(void)
{
    mpyi_fork_install();
    mpyi_decay_thread_start();
}

int
mpyi_mem_start(void)
{
    (void)pthread_once(&start_once, start);
    return start_result;
}

static struct mpyi_heap *
adopt(void)
{
    mpyi_heaps_lock();
    struct mpyi_heap *heap = orphans;
    if (heap != NULL) {
        orphans = heap->next_orphan;
        heap->orphan = 0;
        count_live(1);
    }
    mpyi_heaps_unlock();
    return heap;
}

static struct mpyi_heap *
new_heap(void)
{
    struct mpyi_heap *heap = mpyi_os_map(sizeof *heap, MPY_POOL_SIZE);
    if (heap == NULL) {
        return NULL;
    }
    mpyi_heap_init(heap, &mpyi_mem_space, MPY_KIND_MEM);
    mpyi_large_cache_init(&heap->large, 0, &mpyi_mem_usage);
    heap->kept_large = &heap->large;
    mpyi_large_cache_set_closed(&heap->large, heap->closed);
    mpyi_heaps_lock();
    heap->next_heap = all_heaps;
    all_heaps = heap;
    count_live(1);
    mpyi_heaps_unlock();
    return heap;
}

struct mpyi_heap *
mpyi_mem_first_use(void)
{
    if (mpyi_mem_start() < 0) {
        mpyi_status_set(MPY_E_NOMEM);
        return NULL;
    }
    struct mpyi_heap *heap = adopt();
    if (heap == NULL) {
        heap = new_heap();
        if (heap == NULL) {
            mpyi_status_set(MPY_E_NOMEM);
            return NULL;
        }
    }
    atomic_store_explicit(&heap->busy, 1, memory_order_relaxed);
    mpyi_heap_sync(heap, 0);
    mpyi_large_cache_set_limit(&heap->large, mpyi_large_share());
    if (mpyi_tls.exits >= EXITS_MAX) {
        return heap; /* borrowed for one call */
    }
    /* Set before pthread_setspecific(): in the preload library that may allocate. */
    mpy_priv_tls.mem = &heap->pub;
    if (pthread_setspecific(exit_key, heap) != 0) {
        mpy_priv_tls.mem = &mpyi_null_heap; /* borrowed, too: nobody would see the thread end */
    }
    atomic_store_explicit(&heap->busy, 1, memory_order_relaxed); /* an inner call has cleared it */
    return heap;
}

void
mpyi_mem_give_back(struct mpyi_heap *heap)
{
    orphan(heap);
    atomic_store_explicit(&heap->busy, 0, memory_order_relaxed);
}

void
mpyi_mem_trim_orphans(void)
{
    mpyi_heaps_lock();
    struct mpyi_heap *list = orphans;
    orphans = NULL;
    for (struct mpyi_heap *heap = list; heap != NULL; heap = heap->next_orphan) {
        count_live(1);
    }
    mpyi_heaps_unlock();
    while (list != NULL) {
        struct mpyi_heap *heap = list;
        list = heap->next_orphan;
        atomic_store_explicit(&heap->busy, 1, memory_order_relaxed);
        orphan(heap);
        atomic_store_explicit(&heap->busy, 0, memory_order_relaxed);
    }
}

void
mpyi_heaps_after_fork(void)
{
    for (struct mpyi_heap *heap = all_heaps; heap != NULL; heap = heap->next_heap) {
        if (&heap->pub == mpy_priv_tls.mem || heap->orphan || heap->dead) {
            continue;
        }
        int busy = atomic_load_explicit(&heap->busy, memory_order_relaxed) != 0;
        mpyi_heap_abandon(heap);
        if (busy) {
            heap->dead = 1;
            count_live(-1);
            continue;
        }
        heap->orphan = 1;
        heap->next_orphan = orphans;
        orphans = heap;
        count_live(-1);
    }
}
