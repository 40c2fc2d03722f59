/* SPDX-License-Identifier: MIT */
/*
 * alloc/rtlarge.c - large blocks of a runtime.
 *
 *   malloc's block ->  +------+------+------+------+---------------------+
 *                      | size | heap | next | prev | bytes of the caller |
 *                      +------+------+------+------+---------------------+
 *
 * The ring lets a runtime that ends free what is left; the sizes make its limit exact. Freed
 * blocks wait in the runtime's bounded cache (alloc/large.h), out of the ring and not counted, and
 * go back to malloc when the system refuses memory.
 *
 * Without malloc_usable_size() the size in the prefix is what was asked for, rounded to 16; so
 * what the caller may use is known to the checkers, too.
 *
 * Lock: the runtime's.
 */
#include "alloc/rtlarge.h"

#include "alloc/backend.h"

#include <string.h>

#define PREFIX sizeof(struct mpyi_large)

static struct mpyi_large *
prefix_of(const void *p)
{
    return (struct mpyi_large *)(void *)(uintptr_t)p - 1;
}

static size_t
size_of(const struct mpyi_large *block)
{
    return block->size & ~MPYI_LARGE_FLAGS;
}

/* A plain addition: the runtime's lock is held by whoever writes. */
static void
add(_Atomic uint64_t *word, uint64_t delta)
{
    uint64_t now = atomic_load_explicit(word, memory_order_relaxed);
    atomic_store_explicit(word, now + delta, memory_order_relaxed);
}

static void
link_block(struct mpyi_rtheap *heap, struct mpyi_large *block, size_t size, size_t flag)
{
    block->size = size | flag;
    block->heap = heap;
    block->next = heap->large.next;
    block->prev = &heap->large;
    block->next->prev = block;
    heap->large.next = block;
    add(&heap->usage.taken, size);
    add(&heap->usage.large_bytes, size);
    add(&heap->usage.large_blocks, 1);
}

static void
unlink_block(struct mpyi_rtheap *heap, struct mpyi_large *block)
{
    block->next->prev = block->prev;
    block->prev->next = block->next;
    add(&heap->usage.taken, 0 - (uint64_t)size_of(block));
    add(&heap->usage.large_bytes, 0 - (uint64_t)size_of(block));
    add(&heap->usage.large_blocks, 0 - UINT64_C(1));
}

/* What is no block of this runtime must not be taken out of the ring: its bytes would say which two
   words to write, and what. */
static void
look_at(const struct mpyi_rtheap *heap, const struct mpyi_large *block)
{
    if ((MPY_DEBUG >= 1 || MPYI_SECURE) &&
        (block->heap != heap || block->next->prev != block || block->prev->next != block)) {
        mpyi_fatal("free of %p: no block of this runtime starts there", (const void *)(block + 1));
    }
}

/* n rounded to what a block of it really gets; 0 when it cannot be had. */
static size_t
rounded(const struct mpyi_rtheap *heap, size_t n)
{
    if (n > MPYI_SIZE_LIMIT - PREFIX - 16) {
        return 0;
    }
    if (n > MPY_SMALL_MAX && !heap->raw.closed && heap->cache.limit != 0) {
        n = mpyi_large_good_size(n);
    }
    return mpyi_round_up(n, 16);
}

/* ---- the system, or the host of this runtime ------------------------------------------------- */

static void *
system_malloc(struct mpyi_rtheap *heap, size_t n)
{
    const mpy_allocator *host = &heap->host;
    return host->malloc != NULL ? host->malloc(host->ctx, n) : mpyi_backend_malloc(n);
}

static void *
system_realloc(struct mpyi_rtheap *heap, void *p, size_t n)
{
    const mpy_allocator *host = &heap->host;
    return host->malloc != NULL ? host->realloc(host->ctx, p, n) : mpyi_backend_realloc(p, n);
}

static void
system_free(struct mpyi_rtheap *heap, struct mpyi_large *block)
{
    const mpy_allocator *host = &heap->host;
    if (host->malloc == NULL) {
        mpyi_backend_free(block);
    } else if (host->free_sized != NULL) {
        host->free_sized(host->ctx, block, PREFIX + size_of(block));
    } else {
        host->free(host->ctx, block);
    }
}

/* ---- blocks ---------------------------------------------------------------------------------- */

size_t
mpyi_rtlarge_size(const void *p)
{
    return size_of(prefix_of(p));
}

static struct mpyi_large *
take_from_system(struct mpyi_rtheap *heap, size_t size)
{
    struct mpyi_large *block = system_malloc(heap, PREFIX + size);
    if (block == NULL && mpyi_large_cache_clear(&heap->cache) > 0) {
        block = system_malloc(heap, PREFIX + size);
    }
    return block;
}

void *
mpyi_rtlarge_alloc(struct mpyi_rtheap *heap, size_t n, size_t flag)
{
    size_t size = rounded(heap, n);
    if (size == 0 || !mpyi_usage_fits(&heap->usage, size)) {
        return NULL;
    }
    size_t found = size;
    struct mpyi_large *block = mpyi_large_cache_pop(&heap->cache, size, &found);
    if (block != NULL && !mpyi_usage_fits(&heap->usage, found)) {
        mpyi_backend_free(block);
        block = NULL;
    }
    if (block == NULL) {
        found = size;
        block = take_from_system(heap, size);
        if (block == NULL) {
            return NULL;
        }
    }
    link_block(heap, block, found, flag);
    mpyi_usage_peak(&heap->usage);
    return block + 1;
}

void
mpyi_rtlarge_free(struct mpyi_rtheap *heap, void *p)
{
    struct mpyi_large *block = prefix_of(p);
    look_at(heap, block);
    unlink_block(heap, block);
    block->heap = NULL;
    if (heap->raw.closed || !mpyi_large_cache_push(&heap->cache, block, size_of(block))) {
        system_free(heap, block);
    }
}

/* Moves to a block of another size through the system, which may extend in place. */
static void *
resize(struct mpyi_rtheap *heap, struct mpyi_large *block, size_t size)
{
    size_t flag = block->size & MPYI_LARGE_FLAGS;
    size_t old = size_of(block);
    look_at(heap, block);
    unlink_block(heap, block);
    struct mpyi_large *fresh = system_realloc(heap, block, PREFIX + size);
    if (fresh == NULL) {
        link_block(heap, block, old, flag);
        return NULL;
    }
    link_block(heap, fresh, size, flag);
    mpyi_usage_peak(&heap->usage);
    return fresh + 1;
}

void *
mpyi_rtlarge_realloc(struct mpyi_rtheap *heap, void *p, size_t n)
{
    struct mpyi_large *block = prefix_of(p);
    size_t size = rounded(heap, n);
    size_t old = size_of(block);
    if (size == 0) {
        return NULL;
    }
    if (size <= old && size >= old / 2 && !heap->raw.closed) {
        return p;
    }
    void *fresh = NULL;
    if (size <= MPYI_LARGE_COPIED_MAX && !heap->raw.closed) {
        fresh = mpyi_rtlarge_alloc(heap, n, block->size & MPYI_LARGE_FLAGS);
    }
    if (fresh == NULL) { /* near the limit there may be no room for both at once */
        return size > old && !mpyi_usage_fits(&heap->usage, size - old) ? NULL
                                                                        : resize(heap, block, size);
    }
    memcpy(fresh, p, old < n ? old : n);
    mpyi_rtlarge_free(heap, p);
    return fresh;
}

void
mpyi_rtlarge_free_all(struct mpyi_rtheap *heap)
{
    struct mpyi_large *block = heap->large.next;
    while (block != NULL && block != &heap->large) {
        struct mpyi_large *next = block->next;
        system_free(heap, block);
        block = next;
    }
    heap->large.next = &heap->large;
    heap->large.prev = &heap->large;
    (void)mpyi_large_cache_clear(&heap->cache);
}

int
mpyi_rtlarge_check(const struct mpyi_rtheap *heap)
{
    uint64_t bytes = 0;
    uint64_t blocks = 0;
    for (const struct mpyi_large *b = heap->large.next; b != &heap->large; b = b->next) {
        if (b->heap != heap || b->next->prev != b || b->prev->next != b || size_of(b) % 16 != 0) {
            mpyi_report("large block %p: broken prefix", (const void *)(b + 1));
            return -1;
        }
        bytes += size_of(b);
        blocks++;
    }
    if (bytes != atomic_load_explicit(&heap->usage.large_bytes, memory_order_relaxed) ||
        blocks != atomic_load_explicit(&heap->usage.large_blocks, memory_order_relaxed)) {
        mpyi_report("runtime heap %p: its large blocks do not add up", (const void *)heap);
        return -1;
    }
    return 0;
}
