/* SPDX-License-Identifier: MIT */
/*
 * alloc/memheap.c - a heap of the mem domain for every thread, and what becomes of it.
 *
 *   none --first slow path--> live --thread ends--> orphan --first slow path of a thread--> live
 *
 * A heap is never freed: its pools may hold blocks that other threads still use, and they find it
 * through pool->owner. When its thread ends, it waits for the next one. So there are never more
 * heaps than there were threads at one time. Of those that wait, up to WARM_MAX are
 *   warm   as their threads left them, but for messages, which were sent, and the books of large
 *          blocks, which were closed: threads that come and go find magazines filled
 *   cold   magazines flushed and closed, empty pools, large blocks and messages given back
 * One of the warm becomes cold at each decay of a heap, all of them at a trim, when memory is
 * short, and for whoever wants to see memory as it is (mpyi_mem_cool_orphans). While usage is
 * watched, none is warm: what it keeps counts.
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
#define WARM_MAX  3u /* with one thread that goes on, as many as may have a full large cache */

struct mpyi_usage mpyi_mem_usage = {.limit = UINT64_MAX, .soft = UINT64_MAX};

static pthread_mutex_t heaps_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mpyi_heap *all_heaps;
static struct mpyi_heap *orphans; /* the cold ones */
static struct mpyi_heap *warm;    /* the others */
static uint32_t warm_count;
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

/* Heaps that are neither cold nor dead. The lock is held. */
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

/* From here on the heap may be another thread's. */
static void
push_orphan(struct mpyi_heap **list, struct mpyi_heap *heap)
{
    atomic_store_explicit(&heap->busy, 0, memory_order_relaxed);
    heap->orphan = 1;
    heap->next_orphan = *list;
    *list = heap;
}

/* Takes the first heap out of a list that is not empty; to be marked busy before it changes. */
static struct mpyi_heap *
pop_orphan(struct mpyi_heap **list)
{
    struct mpyi_heap *heap = *list;
    *list = heap->next_orphan;
    heap->orphan = 0;
    if (list == &warm) {
        warm_count--;
        mpyi_heap_resume(heap);
    } else {
        count_live(1);
    }
    return heap;
}

/* 1 when the heap waits as it is. */
static int
leave_warm(struct mpyi_heap *heap)
{
    mpyi_heap_send_open(heap);
    mpyi_large_settle(&heap->large);
    mpyi_heaps_lock();
    int stays = !heap->closed && warm_count < WARM_MAX && !mpyi_usage_is_watched(&mpyi_mem_usage);
    if (stays) {
        mpyi_heap_rest(heap);
        push_orphan(&warm, heap);
        warm_count++;
    }
    mpyi_heaps_unlock();
    return stays;
}

/* Empties a heap without a thread, and makes it wait for the next one; bytes of large blocks that
   went back. */
static size_t
leave_cold(struct mpyi_heap *heap)
{
    mpyi_heap_release_empties(heap);
    mpyi_heap_drop_spares(heap);
    size_t bytes = mpyi_large_cache_clear(&heap->large);
    mpyi_heap_park(heap);
    mpyi_large_settle(&heap->large);
    mpyi_heaps_lock();
    push_orphan(&orphans, heap);
    count_live(-1);
    mpyi_heaps_unlock();
    return bytes;
}

static void
orphan(struct mpyi_heap *heap)
{
    if (!leave_warm(heap)) {
        (void)leave_cold(heap);
    }
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
        .huge = options->huge_pages != 0,
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
    struct mpyi_heap *heap = NULL;
    mpyi_heaps_lock();
    if (warm != NULL || orphans != NULL) {
        heap = pop_orphan(warm != NULL ? &warm : &orphans);
    }
    mpyi_heaps_unlock();
    return heap;
}

static struct mpyi_heap *
new_heap(void)
{
    struct mpyi_heap *heap = mpyi_os_map(sizeof *heap + MPYI_LARGE_ENTRY_BYTES, MPY_POOL_SIZE);
    if (heap == NULL) {
        return NULL;
    }
    mpyi_heap_init(heap, &mpyi_mem_space, MPY_KIND_MEM);
    mpyi_large_cache_init(&heap->large, heap + 1, 0, &mpyi_mem_usage);
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
}

/* Takes up to n heaps of a list, empties them and leaves them cold. */
static size_t
cool(struct mpyi_heap **list, uint32_t n)
{
    struct mpyi_heap *taken = NULL;
    size_t bytes = 0;
    mpyi_heaps_lock();
    for (; *list != NULL && n > 0; n--) {
        struct mpyi_heap *heap = pop_orphan(list);
        heap->next_orphan = taken;
        taken = heap;
    }
    mpyi_heaps_unlock();
    while (taken != NULL) {
        struct mpyi_heap *heap = taken;
        taken = heap->next_orphan;
        atomic_store_explicit(&heap->busy, 1, memory_order_relaxed);
        bytes += leave_cold(heap);
    }
    return bytes;
}

size_t
mpyi_mem_cool_orphans(uint32_t n)
{
    return cool(&warm, n);
}

void
mpyi_mem_trim_orphans(void)
{
    (void)cool(&warm, UINT32_MAX);
    (void)cool(&orphans, UINT32_MAX);
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
        push_orphan(&orphans, heap);
        count_live(-1);
    }
}
