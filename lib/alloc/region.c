/* SPDX-License-Identifier: MIT */
/*
 * alloc/region.c - the life of a region: made, cleared, destroyed, forked; its figures.
 *
 *   unused struct --new--> live --destroy, end of its runtime--> unused struct, or unmapped
 *                           |
 *                           +--fork while another thread changes it--> lost (heap.dead)
 *
 * The struct is 44 KiB of address space, of which a region touches about 10 KiB: one that ended
 * waits for the next, up to CACHED of them, with its magazines laid out.
 *
 * Ending drops magazines (their blocks are the region's own), gives pools back 64 under one lock,
 * and walks the ring of large blocks. No block's memory is touched.
 *
 * Lock: list_lock for the list and the unused structs; it is held for a few instructions only and
 * ranks before every other.
 */
#include "alloc/region.h"

#include "alloc/check.h"
#include "alloc/checked.h"
#include "alloc/memheap.h"
#include "alloc/os.h"
#include "alloc/poison.h"
#include "alloc/pool.h"
#include "alloc/spaces.h"
#include "base/hooks.h"
#include "base/status.h"

#define CACHED 32u

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static mpy_region *all;    /* live ones of the process */
static mpy_region *unused; /* structs */
static uint32_t unused_count;

void
mpyi_regions_lock(void)
{
    if (!mpyi_tls.forking) {
        (void)pthread_mutex_lock(&list_lock);
    }
}

void
mpyi_regions_unlock(void)
{
    if (!mpyi_tls.forking) {
        (void)pthread_mutex_unlock(&list_lock);
    }
}

mpy_region *
mpyi_regions_first(void)
{
    return all;
}

static void
list_add(mpy_region **head, mpy_region *region)
{
    region->prev = NULL;
    region->next = *head;
    if (*head != NULL) {
        (*head)->prev = region;
    }
    *head = region;
}

static void
list_remove(mpy_region **head, mpy_region *region)
{
    if (region->prev != NULL) {
        region->prev->next = region->next;
    } else {
        *head = region->next;
    }
    if (region->next != NULL) {
        region->next->prev = region->prev;
    }
}

/* ---- structs ----------------------------------------------------------------------------------
 */

static mpy_region *
take_struct(struct mpyi_space *space)
{
    mpyi_regions_lock();
    mpy_region *region = unused;
    if (region != NULL) {
        unused = region->next;
        unused_count--;
    }
    mpyi_regions_unlock();
    if (region != NULL) {
        region->heap.space = space;
        return region;
    }
    region = mpyi_os_map(sizeof *region, MPY_POOL_SIZE);
    if (region != NULL) {
        mpyi_heap_init(&region->heap, space, MPY_KIND_REGION);
        mpyi_region_marks_init(region);
        mpyi_leak_root_add(region, sizeof *region);
    }
    return region;
}

/* For a region that is empty and in no list. */
static void
give_struct(mpy_region *region)
{
    region->live = 0;
    mpyi_regions_lock();
    int keep = unused_count < CACHED;
    if (keep) {
        region->next = unused;
        unused = region;
        unused_count++;
    }
    mpyi_regions_unlock();
    if (!keep) {
        (void)pthread_mutex_destroy(&region->marks.lock);
        mpyi_leak_root_remove(region, sizeof *region);
        mpyi_os_release(region, sizeof *region);
    }
}

/* ---- life -------------------------------------------------------------------------------------
 */

mpy_region *
mpy_region_new(mpy_runtime *rt)
{
    struct mpyi_spaces spaces;
    mpy_region *region = NULL;
    if (mpyi_spaces_of(rt, &spaces) < 0) {
        return NULL;
    }
    struct mpyi_rtheap *runtime = spaces.heap;
    struct mpyi_fault *fault = runtime != NULL ? &runtime->fault : NULL;
    if (!mpyi_fault_hit(fault, sizeof *region)) {
        region = take_struct(spaces.space[0]);
    }
    if (region == NULL) {
        mpyi_status_set(MPY_E_NOMEM);
        if (runtime != NULL) {
            mpyi_hook_raise_no_memory();
        }
        return NULL;
    }
    region->runtime = runtime;
    region->large.next = &region->large;
    region->large.prev = &region->large;
    region->marks.serial = 0;
    region->live = 1;
    if (runtime != NULL) {
        list_add(&runtime->regions, region);
        return region;
    }
    mpyi_regions_lock();
    list_add(&all, region);
    mpyi_regions_unlock();
    return region;
}

/* Tells the trace hook of a block that is about to go. Those with records are told of with their
   records. */
static void
trace_gone(const mpy_region *region, void *p, size_t size)
{
    if ((region->heap.modes & MPYI_MODE_TRACE) != 0 && mpyi_checked_at(&region->marks, p) == NULL) {
        mpyi_hook_trace(MPYI_TRACE_FREE, MPY_KIND_REGION, p, size);
    }
}

static void
pool_gone(const mpy_region *region, struct mpyi_pool *pool)
{
    unsigned size_class = pool->size_class;
    size_t size = mpyi_class_size(size_class);
    for (unsigned w = 0; w < mpyi_pool_words(size_class); w++) {
        uint64_t bits =
            ~*mpyi_pool_word(region->heap.space, pool, w) & mpyi_pool_word_mask(size_class, w);
        for (; bits != 0; bits &= bits - 1) {
            char *p = pool->address + (w * 64 + mpyi_ctz64(bits)) * size;
            trace_gone(region, p, size);
            mpyi_block_put(region->heap.space, p, size);
        }
    }
}

/* Looks at every block that is about to go, for who wants to know: the trace hook, Valgrind. */
static void
tell_all(const mpy_region *region)
{
    const struct mpyi_heap *heap = &region->heap;
    for (unsigned c = 0; c <= MPY_CLASS_COUNT; c++) {
        for (uint32_t i = heap->partial[c]; i != MPYI_NO_POOL; i = heap->space->pools[i].next) {
            pool_gone(region, &heap->space->pools[i]);
        }
    }
    for (struct mpyi_region_large *b = region->large.next; b != &region->large; b = b->next) {
        trace_gone(region, b + 1, b->size);
    }
}

void
mpyi_region_drop(mpy_region *region, uint32_t keep, const void *site)
{
    struct mpyi_heap *heap = &region->heap;
    if (heap->closed && ((heap->modes & MPYI_MODE_TRACE) != 0 || mpyi_under_valgrind())) {
        tell_all(region);
    }
    mpyi_region_marks_end(region, site);
    mpyi_heap_drop_magazines(heap);
    mpyi_heap_drop_pools(heap, keep);
    struct mpyi_region_large *block = region->large.next;
    while (block != &region->large) {
        struct mpyi_region_large *next = block->next;
        mpyi_region_large_give(region, block);
        block = next;
    }
    region->large.next = &region->large;
    region->large.prev = &region->large;
    region->large_blocks = 0;
    region->large_bytes = 0;
}

int
mpyi_region_usable(const mpy_region *region)
{
    mpy_status status = MPY_OK;
    if (region == NULL) {
        status = MPY_E_INVAL;
    } else if (MPY_UNLIKELY(!region->live)) {
        mpyi_fatal("region %p: used after it was destroyed", (const void *)region);
    } else if (MPY_UNLIKELY(region->heap.dead)) {
        status = MPY_E_FORKED;
    } else if (region->runtime != NULL && region->runtime != mpyi_rtheap_current()) {
        status = MPY_E_NOT_ATTACHED;
    }
    if (status == MPY_OK) {
        return 0;
    }
    mpyi_status_set(status);
    return -1;
}

void
mpy_region_clear(mpy_region *region)
{
    if (mpyi_region_usable(region) < 0) {
        return;
    }
    mpyi_region_enter(region);
    mpyi_region_drop(region, MPYI_EMPTIES, __builtin_return_address(0));
    mpyi_region_leave(region);
}

void
mpy_region_destroy(mpy_region *region)
{
    if (region == NULL || mpyi_region_usable(region) < 0) {
        return;
    }
    mpyi_region_enter(region);
    mpyi_region_drop(region, 0, __builtin_return_address(0));
    if (region->runtime != NULL) {
        list_remove(&region->runtime->regions, region);
    } else {
        mpyi_regions_lock();
        list_remove(&all, region);
        mpyi_regions_unlock();
    }
    mpyi_region_leave(region);
    give_struct(region);
}

void
mpyi_region_release(mpy_region *region)
{
    if (atomic_load_explicit(&region->heap.busy, memory_order_relaxed) == 0) {
        mpyi_region_enter(region);
        mpyi_heap_release_empties(&region->heap);
        mpyi_region_leave(region);
    }
}

void
mpyi_region_drop_runtime(struct mpyi_rtheap *runtime)
{
    while (runtime->regions != NULL) {
        mpy_region *region = runtime->regions;
        mpyi_region_drop(region, 0, NULL);
        list_remove(&runtime->regions, region);
        give_struct(region);
    }
}

/* Locked by alloc/fork.c. Other threads' regions are consistent unless a slow path was at work. */
void
mpyi_regions_after_fork(void)
{
    for (mpy_region *region = all; region != NULL; region = region->next) {
        region->heap.dead |= atomic_load_explicit(&region->heap.busy, memory_order_relaxed) != 0;
    }
}

/* ---- figures ----------------------------------------------------------------------------------
 */

/* Other threads go on meanwhile, as in alloc/stats.c. */
MPYI_NO_TSAN void
mpyi_regions_cached(uint64_t cached[MPYI_CLASS_SLOTS])
{
    mpyi_regions_lock();
    for (const mpy_region *region = all; region != NULL; region = region->next) {
        for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
            cached[c] += mpyi_bin_count(&region->heap.pub.bins[c], c);
        }
    }
    mpyi_regions_unlock();
}

int
mpy_region_stats_get(mpy_region *region, mpy_region_stats *out)
{
    mpy_region_stats stats = {.size = sizeof stats, .version = 1};
    if (out == NULL) {
        mpyi_status_set(MPY_E_INVAL);
        return -1;
    }
    if (mpyi_region_usable(region) < 0) {
        return -1;
    }
    mpyi_region_enter(region);
    const struct mpyi_heap *heap = &region->heap;
    for (unsigned c = 0; c <= MPY_CLASS_COUNT; c++) {
        for (uint32_t i = heap->partial[c]; i != MPYI_NO_POOL; i = heap->space->pools[i].next) {
            const struct mpyi_pool *pool = &heap->space->pools[i];
            stats.pools++;
            unsigned used = mpyi_pool_used(pool);
            stats.blocks += used;
            stats.bytes += used * mpyi_class_size(pool->size_class);
        }
        size_t cached = mpyi_bin_count(&heap->pub.bins[c], c);
        stats.blocks -= cached;
        stats.bytes -= cached * mpyi_class_size(c);
    }
    stats.pools += heap->empty_count;
    stats.large_blocks = region->large_blocks;
    stats.large_bytes = region->large_bytes;
    mpyi_region_leave(region);
    return mpyi_struct_out(out, &stats, sizeof stats);
}

/* ---- validator --------------------------------------------------------------------------------
 */

static int
check_large(const mpy_region *region)
{
    uint64_t blocks = 0;
    uint64_t bytes = 0;
    const struct mpyi_region_large *head = &region->large;
    for (const struct mpyi_region_large *b = head->next; b != head; b = b->next) {
        if (b->region != region || b->next->prev != b || b->prev->next != b) {
            mpyi_report("region %p: large block %p: broken prefix", (const void *)region,
                        (const void *)(b + 1));
            return -1;
        }
        blocks++;
        bytes += b->size;
    }
    if (blocks != region->large_blocks || bytes != region->large_bytes) {
        mpyi_report("region %p: its large blocks do not add up", (const void *)region);
        return -1;
    }
    return 0;
}

/* The FULL pools are all in the list, and only they. */
static int
check_full(const mpy_region *region)
{
    const struct mpyi_heap *heap = &region->heap;
    const struct mpyi_pool *pools = heap->space->pools;
    uint32_t count = mpyi_space_pool_count(heap->space);
    uint32_t full = 0;
    uint32_t previous = MPYI_NO_POOL;
    for (uint32_t i = 0; i < count; i++) {
        full += __atomic_load_n(&pools[i].owner, __ATOMIC_RELAXED) == heap &&
                pools[i].state == MPY_POOL_FULL;
    }
    uint32_t i = heap->partial[0];
    for (; i != MPYI_NO_POOL && full > 0; i = pools[i].next, full--) {
        if (pools[i].owner != heap || pools[i].state != MPY_POOL_FULL ||
            pools[i].prev != previous) {
            break;
        }
        previous = i;
    }
    if (i != MPYI_NO_POOL || full != 0) {
        mpyi_report("region %p: broken list of full pools", (const void *)region);
        return -1;
    }
    return 0;
}

int
mpy_region_check(mpy_region *region)
{
    if (mpyi_region_usable(region) < 0) {
        return -1;
    }
    mpyi_region_enter(region);
    int result = mpyi_heap_check(&region->heap);
    if (result == 0) {
        const struct mpyi_asker asker = {region->runtime, &region->heap, NULL, 0};
        result = check_full(region) < 0 || check_large(region) < 0 ||
                         mpyi_checked_verify_marks(&asker) < 0
                     ? -1
                     : 0;
    }
    mpyi_region_leave(region);
    if (result < 0) {
        mpyi_status_set(MPY_E_CORRUPT);
    }
    return result;
}
