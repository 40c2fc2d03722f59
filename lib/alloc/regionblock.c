/* SPDX-License-Identifier: MIT */
/*
 * alloc/regionblock.c - blocks of a region: allocated and freed one by one.
 *
 *   malloc   small: pop the bin, else refill from the region's pools
 *            large: mem's or the runtime's large path, with a prefix that puts it in the ring
 *   free     the pool's owner has to be this region, or the prefix has to name it; then push
 *
 * The look at the owner costs one cache line a free. It is what lets a region reject every block
 * that is not its own; mpy_region_free_sized() saves it for those who know the size.
 *
 * Large blocks come from mem's large path, through the calling thread's cache, or from the
 * runtime's. A request that fails asks for relief (alloc/pressure.h) with the region left: what it
 * asks may free blocks of this very region.
 *
 * Lock: whoever uses the region.
 */
#include "alloc/region.h"

#include "alloc/backend.h"
#include "alloc/checked.h"
#include "alloc/memheap.h"
#include "alloc/poison.h"
#include "alloc/pressure.h"
#include "alloc/rtlarge.h"
#include "base/hooks.h"
#include "base/status.h"

#include <string.h>

#define NOINLINE __attribute__((noinline))
#define PREFIX   sizeof(struct mpyi_region_large)

/* As in alloc/mem.c: the call site, asked for where it is needed. */
#define CALLER     __builtin_return_address(0)
#define SITE(site) ((site) != NULL ? (site) : CALLER)

static int
is_pooled(size_t n)
{
    return !MPYI_BYPASS && n <= MPY_SMALL_MAX;
}

static void
trace(const mpy_region *region, int event, void *p, size_t n)
{
    if (MPY_UNLIKELY((region->heap.modes & MPYI_MODE_TRACE) != 0) && p != NULL) {
        mpyi_hook_trace(event, MPY_KIND_REGION, p, n);
    }
}

/* ---- large blocks -----------------------------------------------------------------------------
 */

static void *
link_large(mpy_region *region, struct mpyi_region_large *block, size_t size)
{
    block->region = region;
    block->size = size;
    block->next = region->large.next;
    block->prev = &region->large;
    block->next->prev = block;
    region->large.next = block;
    region->large_blocks++;
    region->large_bytes += size;
    return block + 1;
}

static void
unlink_large(mpy_region *region, struct mpyi_region_large *block)
{
    block->next->prev = block->prev;
    block->prev->next = block->next;
    region->large_blocks--;
    region->large_bytes -= block->size;
}

/* From mem's large path, through the calling thread's heap; or from the runtime's. */
static void *
large_alloc(mpy_region *region, size_t n, int zero)
{
    if (n > MPYI_SIZE_LIMIT - PREFIX) {
        return NULL;
    }
    if (region->runtime != NULL) {
        void *p = mpyi_rtlarge_alloc(region->runtime, PREFIX + n, MPYI_LARGE_REGION);
        if (p == NULL) {
            return NULL;
        }
        p = link_large(region, p, mpyi_rtlarge_size(p) - PREFIX);
        return zero ? memset(p, 0, n) : p;
    }
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap == NULL) {
        return NULL;
    }
    struct mpyi_region_large *block =
        zero ? mpyi_large_calloc(heap, PREFIX + n) : mpyi_large_malloc(heap, PREFIX + n);
    mpyi_mem_leave(heap);
    return block != NULL ? link_large(region, block, mpyi_backend_usable(block) - PREFIX) : NULL;
}

static void *
system_realloc(mpy_region *region, struct mpyi_region_large *block, size_t n)
{
    if (region->runtime != NULL) {
        return mpyi_rtlarge_realloc(region->runtime, block, n);
    }
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap == NULL) {
        return NULL;
    }
    void *fresh = mpyi_large_realloc(heap, block, n);
    mpyi_mem_leave(heap);
    return fresh;
}

static void *
large_realloc(mpy_region *region, void *p, size_t n)
{
    struct mpyi_region_large *block = (struct mpyi_region_large *)p - 1;
    if (n > MPYI_SIZE_LIMIT - PREFIX) {
        return NULL;
    }
    size_t old = block->size;
    unlink_large(region, block);
    struct mpyi_region_large *fresh = system_realloc(region, block, PREFIX + n);
    if (fresh == NULL) {
        (void)link_large(region, block, old);
        return NULL;
    }
    size_t whole = region->runtime != NULL ? mpyi_rtlarge_size(fresh) : mpyi_backend_usable(fresh);
    return link_large(region, fresh, whole - PREFIX);
}

void
mpyi_region_large_give(mpy_region *region, struct mpyi_region_large *block)
{
    block->region = NULL; /* a second free of it is named, as long as malloc leaves it alone */
    if (region->runtime != NULL) {
        mpyi_rtlarge_free(region->runtime, block);
        return;
    }
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap == NULL) {
        mpyi_large_free_lone(&mpyi_mem_usage, block);
        return;
    }
    mpyi_large_free(heap, block);
    mpyi_mem_leave(heap);
}

/* ---- allocation -------------------------------------------------------------------------------
 */

static void *
small_alloc(struct mpyi_heap *heap, size_t n)
{
    unsigned size_class = mpy_priv_mem_class(n);
    if (MPY_LIKELY(!heap->closed)) {
        return mpyi_heap_malloc(heap, size_class);
    }
    void *p = mpyi_heap_take(heap, size_class);
    if (p != NULL) {
        mpyi_block_taken(heap->space, p, n);
    }
    return p;
}

static void *
plain_alloc(mpy_region *region, size_t n, int zero)
{
    if (!is_pooled(n)) {
        return large_alloc(region, n, zero);
    }
    void *p = small_alloc(&region->heap, n);
    return p != NULL && zero ? memset(p, 0, n) : p;
}

static struct mpyi_asker
asker_of(mpy_region *region, const void *site)
{
    return (struct mpyi_asker){region->runtime, &region->heap, site, 0};
}

/* Checks are on, or blocks with records are left. The region is entered. */
static int
checked(const mpy_region *region)
{
    return (region->heap.modes & MPYI_MODE_CHECK) != 0;
}

/* 1: this request has to fail on demand. */
static int
fails(const mpy_region *region, size_t n)
{
    struct mpyi_rtheap *runtime = region->runtime;
    return MPY_UNLIKELY(region->heap.closed) &&
           mpyi_fault_hit(runtime != NULL ? &runtime->fault : NULL, n);
}

/* One try. */
static void *
attempt(mpy_region *region, size_t n, int zero, const void *site)
{
    size_t bytes = n + (n == 0);
    void *p = NULL;
    mpyi_region_enter(region);
    if (!fails(region, bytes)) {
        const struct mpyi_asker asker = asker_of(region, site);
        p = checked(region) ? mpyi_checked_malloc(&asker, 0, n, zero)
                            : plain_alloc(region, bytes, zero);
    }
    trace(region, MPYI_TRACE_ALLOC, p, bytes);
    mpyi_region_leave(region);
    return p;
}

/* The region's own pools without blocks; 1 when there were any. A runtime sees to all its regions.
   The process cannot: other threads may be at work in theirs. */
static int
release_own(mpy_region *region)
{
    uint64_t before = mpyi_usage_now(&mpyi_mem_usage);
    mpyi_region_release(region);
    return mpyi_usage_now(&mpyi_mem_usage) < before;
}

#define BEFORE_ALL (-1) /* of the steps of mpyi_pressure_relieve() */

static int
relieve(mpy_region *region, int *step, size_t n)
{
    if (mpyi_tls.injected) {
        return 0;
    }
    int first = *step == BEFORE_ALL;
    *step += first;
    if (region->runtime != NULL) {
        return mpyi_pressure_relieve_runtime(region->runtime, step, n);
    }
    if (first && release_own(region)) {
        return 1;
    }
    int freed = mpyi_pressure_relieve(step, n);
    (void)release_own(region); /* what the host freed may wait there */
    return freed;
}

static void
notice(const mpy_region *region)
{
    mpyi_pressure_begin();
    if (region->runtime != NULL) {
        mpyi_pressure_notice_runtime(region->runtime);
    }
}

static void *
no_memory(const mpy_region *region)
{
    mpyi_status_set(MPY_E_NOMEM);
    if (region->runtime != NULL) {
        mpyi_hook_raise_no_memory();
    }
    return NULL;
}

static NOINLINE void *
alloc_slow(mpy_region *region, size_t n, int zero, const void *site)
{
    if (mpyi_region_usable(region) < 0) {
        return NULL;
    }
    notice(region);
    int step = BEFORE_ALL;
    void *p;
    do {
        p = attempt(region, n, zero, site);
    } while (MPY_UNLIKELY(p == NULL) && relieve(region, &step, n + (n == 0)));
    return p != NULL ? p : no_memory(region);
}

static inline __attribute__((always_inline)) void *
malloc_from(mpy_region *region, size_t n, const void *site)
{
    if (MPY_LIKELY(n - 1 < MPY_SMALL_MAX) && MPY_LIKELY(region != NULL) &&
        MPY_LIKELY(region->runtime == NULL)) {
        void *p = mpy_priv_bin_pop(&region->heap.pub.bins[mpy_priv_mem_class(n)]);
        if (MPY_LIKELY(p != NULL)) {
            return p;
        }
    }
    return alloc_slow(region, n, 0, SITE(site));
}

MPYI_HOT void *
mpy_region_malloc(mpy_region *region, size_t n)
{
    return malloc_from(region, n, NULL);
}

void *
mpy_region_calloc(mpy_region *region, size_t nelem, size_t elsize)
{
    size_t n;
    if (!mpyi_mul_size(nelem, elsize, &n)) {
        n = SIZE_MAX;
    }
    if (!is_pooled(n)) {
        return alloc_slow(region, n, 1, CALLER);
    }
    void *p = malloc_from(region, n, NULL);
    return p != NULL ? memset(p, 0, n) : NULL;
}

/* ---- free -------------------------------------------------------------------------------------
 */

static _Noreturn void
not_ours(const mpy_region *region, const void *p)
{
    mpyi_fatal("free of %p: no block of region %p starts there", p, (const void *)region);
}

/* The class of a pooled block of this region; 0 for any other address. */
static unsigned
pooled_class(const mpy_region *region, const void *p)
{
    const struct mpyi_space *space = region->heap.space;
    uint32_t index = mpyi_space_find(space, p);
    if (MPY_UNLIKELY(index == MPYI_NO_POOL) ||
        MPY_UNLIKELY(space->pools[index].owner != &region->heap)) {
        return 0;
    }
    return space->classes[index];
}

/* The same, with 0 for a large one of it; ends the process for any other address. */
static unsigned
class_of(const mpy_region *region, const void *p)
{
    unsigned size_class = pooled_class(region, p);
    if (size_class != 0) {
        return size_class;
    }
    if (mpyi_space_find(region->heap.space, p) != MPYI_NO_POOL || (uintptr_t)p % 16 != 0 ||
        ((const struct mpyi_region_large *)p - 1)->region != region) {
        not_ours(region, p);
    }
    return 0;
}

static void
free_large(mpy_region *region, void *p)
{
    struct mpyi_region_large *block = (struct mpyi_region_large *)p - 1;
    unlink_large(region, block);
    mpyi_region_large_give(region, block);
}

/* Into the bitmap. */
static void
free_pooled(mpy_region *region, unsigned size_class, void *p)
{
    if (!mpyi_heap_is_allocated(&region->heap, p)) {
        not_ours(region, p);
    }
    mpyi_block_put(region->heap.space, p, mpyi_class_size(size_class));
    mpyi_heap_put(&region->heap, &p, 1);
}

static void
check_size(const mpy_region *region, const void *p, size_t n)
{
    n += n == 0;
    if (class_of(region, p) != (is_pooled(n) ? mpy_priv_mem_class(n) : 0)) {
        mpyi_fatal("free of %p: its size is not %zu", p, n);
    }
}

void
mpyi_region_plain_free(struct mpyi_heap *heap, void *p, size_t n)
{
    mpy_region *region = mpyi_region_of(heap);
    unsigned size_class = class_of(region, p);
    if (n != MPYI_SIZE_UNKNOWN) {
        check_size(region, p, n);
    }
    if (size_class == 0) {
        free_large(region, p);
    } else if (heap->closed) {
        free_pooled(region, size_class, p);
    } else {
        mpyi_heap_free(heap, size_class, p);
    }
}

/* What the magazine has no room for, large blocks, and wrong addresses. */
static NOINLINE void
free_slow(mpy_region *region, void *p, size_t n, const void *site)
{
    mpyi_region_enter(region);
    trace(region, MPYI_TRACE_FREE, p, 0);
    if (checked(region)) {
        const struct mpyi_asker asker = asker_of(region, site);
        mpyi_checked_free(&asker, p, n);
    } else {
        mpyi_region_plain_free(&region->heap, p, n);
    }
    mpyi_region_leave(region);
}

static inline __attribute__((always_inline)) void
free_from(mpy_region *region, void *p, const void *site)
{
    unsigned size_class = pooled_class(region, p);
    if (MPY_UNLIKELY(size_class == 0) ||
        MPY_UNLIKELY(!mpy_priv_bin_push(&region->heap.pub.bins[size_class], p))) {
        free_slow(region, p, MPYI_SIZE_UNKNOWN, SITE(site));
    }
}

MPYI_HOT void
mpy_region_free(mpy_region *region, void *p)
{
    if (p == NULL || MPY_UNLIKELY(mpyi_region_usable(region) < 0)) {
        return;
    }
    free_from(region, p, NULL);
}

MPYI_HOT void
mpy_region_free_sized(mpy_region *region, void *p, size_t n)
{
    if (MPY_LIKELY(n - 1 < MPY_SMALL_MAX) && MPY_LIKELY(p != NULL && region != NULL) &&
        MPY_LIKELY(region->runtime == NULL) &&
        MPY_LIKELY(mpy_priv_bin_push(&region->heap.pub.bins[mpy_priv_mem_class(n)], p))) {
        return;
    }
    if (p == NULL || mpyi_region_usable(region) < 0) {
        return;
    }
    if (MPY_UNLIKELY(region->heap.closed)) {
        free_slow(region, p, n, CALLER);
        return;
    }
    check_size(region, p, n);
    free_from(region, p, CALLER);
}

/* ---- below the checked layer ------------------------------------------------------------------
 */

void *
mpyi_region_plain_malloc(struct mpyi_heap *heap, size_t n, int zero)
{
    return plain_alloc(mpyi_region_of(heap), n, zero);
}

size_t
mpyi_region_plain_usable(struct mpyi_heap *heap, const void *p)
{
    unsigned size_class = class_of(mpyi_region_of(heap), p);
    if (size_class == 0) {
        return ((const struct mpyi_region_large *)p - 1)->size;
    }
    /* The caller may use all of it now. */
    mpyi_unpoison(p, mpyi_class_size(size_class));
    return mpyi_class_size(size_class);
}

int
mpyi_region_owns_large(struct mpyi_heap *heap, const void *p)
{
    const struct mpyi_region_large *head = &mpyi_region_of(heap)->large;
    const struct mpyi_region_large *block = head->next;
    while (block != head && (const void *)(block + 1) != p) {
        block = block->next;
    }
    return block != head;
}

/* ---- size -------------------------------------------------------------------------------------
 */

static size_t
usable(mpy_region *region, const void *p, const void *site)
{
    if (MPY_LIKELY(!region->heap.closed)) {
        return mpyi_region_plain_usable(&region->heap, p);
    }
    const struct mpyi_asker asker = asker_of(region, site);
    mpyi_region_enter(region);
    size_t n = checked(region) ? mpyi_checked_usable(&asker, p)
                               : mpyi_region_plain_usable(&region->heap, p);
    mpyi_region_leave(region);
    return n;
}

size_t
mpy_region_usable_size(mpy_region *region, const void *p)
{
    if (p == NULL || mpyi_region_usable(region) < 0) {
        return 0;
    }
    return usable(region, p, CALLER);
}

/* One try. */
static void *
attempt_resize(mpy_region *region, void *p, size_t n)
{
    mpyi_region_enter(region);
    void *fresh = fails(region, n) ? NULL : large_realloc(region, p, n);
    if (fresh != NULL) {
        trace(region, MPYI_TRACE_FREE, p, 0);
        trace(region, MPYI_TRACE_ALLOC, fresh, n);
    }
    mpyi_region_leave(region);
    return fresh;
}

/* Between two large sizes: the system may extend the block where it is. */
static void *
resize_large(mpy_region *region, void *p, size_t n)
{
    int step = BEFORE_ALL;
    void *fresh;
    notice(region);
    do {
        fresh = attempt_resize(region, p, n);
    } while (MPY_UNLIKELY(fresh == NULL) && relieve(region, &step, n));
    return fresh != NULL ? fresh : no_memory(region);
}

/* Only within its class: a sized free has to find the class by the last size. */
static int
stays(unsigned size_class, size_t n)
{
    return size_class != 0 && is_pooled(n) && mpy_priv_mem_class(n) == size_class;
}

void *
mpy_region_realloc(mpy_region *region, void *p, size_t n)
{
    if (p == NULL) {
        return malloc_from(region, n, NULL);
    }
    if (mpyi_region_usable(region) < 0) {
        return NULL;
    }
    if (MPY_LIKELY((region->heap.modes & MPYI_MODE_CHECK) == 0)) {
        size_t bytes = n + (n == 0);
        unsigned size_class = class_of(region, p);
        if (size_class == 0 && !is_pooled(bytes)) {
            return resize_large(region, p, bytes);
        }
        if (!region->heap.closed && stays(size_class, bytes)) {
            return p;
        }
    }
    size_t old = usable(region, p, CALLER);
    void *fresh = malloc_from(region, n, NULL);
    if (fresh == NULL) {
        return NULL;
    }
    memcpy(fresh, p, old < n ? old : n);
    free_from(region, p, NULL);
    return fresh;
}
