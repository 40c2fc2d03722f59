/* SPDX-License-Identifier: MIT */
/*
 * alloc/rtheap.c - making, dropping and inspecting the memory of a runtime.
 *
 * The struct and the entries of its cache are one mapping (5 MiB, of which only used parts are
 * touched): no allocator is needed to make it, and it disappears in one step.
 *
 * gc_space has to be a range: the collector tells its own cells by comparing an address with base
 * and span. It starts at MINIPY_RESERVE_BYTES / 4, at most a quarter of the address space that is
 * left, and is halved down to 64 MiB. A host that supplies arenas is asked for one piece of 64 MiB,
 * or as much as it was configured to. obj_space may fall back to the map.
 *
 * Invariants: heap.raw.pub is the first member, so mpy_priv_tls.obj is the rtheap; every large
 * block is in the ring and has prefix->heap == heap; usage.large_bytes is the sum of the ring.
 *
 * Lock: the runtime's.
 */
#include "alloc/rtheap.h"

#include "alloc/check.h"
#include "alloc/checked.h"
#include "alloc/os.h"
#include "alloc/poison.h"
#include "alloc/region.h"
#include "alloc/rtlarge.h"
#include "base/options.h"
#include "base/status.h"

#include <stdlib.h>

_Static_assert(offsetof(struct mpyi_rtheap, raw) == 0, "mpy_priv_tls.obj is the rtheap");
_Static_assert(offsetof(struct mpyi_heap, pub) == 0, "hosts hold pointers to it");

#define MAPPED (sizeof(struct mpyi_rtheap) + MPYI_LARGE_ENTRY_BYTES)

#define GIB         (UINT64_C(1) << 30)
#define GC_SPAN_MIN (UINT64_C(1) << 26)
/* What a host that supplies arenas is asked for: real memory, not address space. */
#define GC_SPAN_HOST (UINT64_C(1) << 26)

static int
init_obj_space(struct mpyi_rtheap *heap, const struct mpyi_rtheap_options *wanted)
{
    const struct mpyi_options *options = mpyi_options_get();
    size_t span = wanted->obj_reserve != 0 ? wanted->obj_reserve : options->reserve_bytes;
    const struct mpyi_space_config config = {
        .span = span,
        .span_min = span < 4 * GIB ? span : 4 * GIB,
        .map_allowed = 1,
        .map_forced = options->no_reserve != 0,
        .huge = options->huge_pages != 0,
        .usage = &heap->usage,
        .host = wanted->arenas,
    };
    return mpyi_space_init(&heap->obj_space, &config);
}

static int
init_gc_space(struct mpyi_rtheap *heap, const struct mpyi_rtheap_options *wanted)
{
    size_t span = wanted->arenas != NULL ? GC_SPAN_HOST : mpyi_options_get()->reserve_bytes / 4;
    if (wanted->gc_reserve != 0) {
        /* the tables grow in such steps */
        span = mpyi_round_up(wanted->gc_reserve,
                             mpyi_os_page_size() / sizeof(struct mpyi_arena) * MPY_ARENA_SIZE);
    }
    size_t quarter = mpyi_os_address_left() / 4;
    if (span > quarter) {
        span = quarter;
    }
    const struct mpyi_space_config config = {
        .span = span,
        .span_min = span < GC_SPAN_MIN ? span : GC_SPAN_MIN,
        .huge = mpyi_options_get()->huge_pages != 0,
        .usage = &heap->usage,
        .host = wanted->arenas,
    };
    return mpyi_space_init(&heap->gc_space, &config);
}

struct mpyi_rtheap *
mpyi_rtheap_new(const struct mpyi_rtheap_options *options)
{
    static const struct mpyi_rtheap_options defaults;
    if (options == NULL) {
        options = &defaults;
    }
    struct mpyi_rtheap *heap = mpyi_os_map(MAPPED, MPY_POOL_SIZE);
    if (heap == NULL) {
        mpyi_status_set(MPY_E_NOMEM);
        return NULL;
    }
    if (mpyi_options_get()->closed == 1) {
        mpyi_modes_set(MPYI_MODE_CLOSED, 1);
    }
    mpyi_checks_start();
    mpyi_rtheap_set_limit(heap, options->limit);
    atomic_store_explicit(&heap->usage.soft, UINT64_MAX, memory_order_relaxed);
    if (init_obj_space(heap, options) < 0 || init_gc_space(heap, options) < 0) {
        goto fail;
    }
    mpyi_heap_init(&heap->raw, &heap->obj_space, MPY_KIND_RAW);
    mpyi_heap_init(&heap->atom, &heap->obj_space, MPY_KIND_ATOM);
    mpyi_heap_init(&heap->gc, &heap->gc_space, MPY_KIND_GC);
    if (options->host != NULL) {
        heap->host = *options->host;
        heap->raw.hosted = 1;
        heap->atom.hosted = 1;
        mpyi_heap_sync(&heap->raw, 0);
        mpyi_heap_sync(&heap->atom, 0);
    }
    heap->large.next = &heap->large;
    heap->large.prev = &heap->large;
    mpyi_large_cache_init(&heap->cache, heap + 1, mpyi_options_get()->large_cache_bytes, NULL);
    heap->raw.kept_large = &heap->cache;
    heap->runtime = options->runtime;
    mpyi_leak_root_add(heap, MAPPED);
    return heap;

fail:
    mpyi_space_destroy(&heap->obj_space);
    mpyi_os_release(heap, MAPPED);
    mpyi_status_set(MPY_E_NOMEM);
    return NULL;
}

void
mpyi_rtheap_free(struct mpyi_rtheap *heap)
{
    if (mpyi_rtheap_current() == heap) {
        mpyi_rtheap_leave();
    }
    if (heap->marks.count != 0 && mpyi_checked_verify(heap) < 0) {
        abort();
    }
    mpyi_marks_destroy(&heap->marks);
    mpyi_region_drop_runtime(heap);
    mpyi_rtlarge_free_all(heap);
    mpyi_space_destroy(&heap->obj_space);
    mpyi_space_destroy(&heap->gc_space);
    mpyi_leak_root_remove(heap, MAPPED);
    mpyi_os_release(heap, MAPPED);
}

void
mpyi_rtheap_enter(struct mpyi_rtheap *heap)
{
    mpy_priv_tls.obj = &heap->raw.pub;
}

void
mpyi_rtheap_leave(void)
{
    mpy_priv_tls.obj = &mpyi_null_heap;
}

uint64_t
mpyi_rtheap_bytes(const struct mpyi_rtheap *heap)
{
    return mpyi_usage_now(&heap->usage);
}

void
mpyi_rtheap_set_limit(struct mpyi_rtheap *heap, uint64_t limit)
{
    mpyi_usage_set_limit(&heap->usage, limit != 0 ? limit : UINT64_MAX);
}

size_t
mpyi_rtheap_trim(struct mpyi_rtheap *heap, size_t keep_bytes)
{
    (void)mpyi_checked_flush(&(struct mpyi_asker){heap, &heap->raw, NULL, 0}, 0);
    size_t bytes = mpyi_large_cache_clear(&heap->cache);
    mpyi_heap_release_empties(&heap->raw);
    mpyi_heap_release_empties(&heap->atom);
    mpyi_heap_release_empties(&heap->gc);
    bytes += mpyi_space_trim(&heap->obj_space, keep_bytes);
    bytes += mpyi_space_trim(&heap->gc_space, keep_bytes);
    return bytes;
}

void
mpyi_rtheap_decay(struct mpyi_rtheap *heap)
{
    mpyi_space_decay(&heap->obj_space);
    mpyi_space_decay(&heap->gc_space);
}

static struct mpyi_heap *
heap_of_kind(struct mpyi_rtheap *heap, int kind)
{
    switch (kind) {
    case MPY_KIND_RAW:
        return &heap->raw;
    case MPY_KIND_ATOM:
        return &heap->atom;
    case MPY_KIND_GC:
        return &heap->gc;
    default:
        return NULL;
    }
}

int
mpyi_rtheap_each_pool(struct mpyi_rtheap *heap, int kind, mpyi_pool_fn fn, void *data)
{
    struct mpyi_heap *of_kind = heap_of_kind(heap, kind);
    if (of_kind == NULL) {
        return 0;
    }
    struct mpyi_space *space = of_kind->space;
    uint32_t count = (uint32_t)(space->used >> MPYI_POOL_SHIFT);
    for (uint32_t i = 0; i < count; i++) {
        struct mpyi_pool *pool = &space->pools[i];
        if (space->classes[i] == 0 || pool->owner != of_kind) {
            continue;
        }
        int result = fn(data, pool, i);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

struct block_walk {
    struct mpyi_rtheap *heap;
    struct mpyi_space *space;
    mpyi_block_fn fn;
    void *data;
};

/* Blocks with marks look as their callers see them; those in quarantine are passed over. */
static int
show(const struct block_walk *walk, void *block, size_t size)
{
    void *seen = mpyi_checked_seen(walk->heap, block, &size);
    return seen != NULL ? walk->fn(walk->data, seen, size) : 0;
}

static int
walk_pool(void *data, struct mpyi_pool *pool, uint32_t pool_index)
{
    struct block_walk *walk = data;
    (void)pool_index;
    unsigned size_class = pool->size_class;
    size_t size = mpyi_class_size(size_class);
    for (unsigned w = 0; w < mpyi_pool_words(size_class); w++) {
        uint64_t bits = ~*mpyi_pool_word(walk->space, pool, w) & mpyi_pool_word_mask(size_class, w);
        for (; bits != 0; bits &= bits - 1) {
            int result = show(walk, pool->address + (w * 64 + mpyi_ctz64(bits)) * size, size);
            if (result != 0) {
                return result;
            }
        }
    }
    return 0;
}

static int
walk_large(const struct block_walk *walk, size_t flag)
{
    struct mpyi_large *next;
    struct mpyi_large *head = &walk->heap->large;
    for (struct mpyi_large *block = head->next; block != head; block = next) {
        next = block->next;
        if ((block->size & MPYI_LARGE_FLAGS) != flag) {
            continue;
        }
        int result = show(walk, block + 1, block->size & ~MPYI_LARGE_FLAGS);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

int
mpyi_rtheap_each_block(struct mpyi_rtheap *heap, int kind, mpyi_block_fn fn, void *data)
{
    struct mpyi_heap *of_kind = heap_of_kind(heap, kind);
    if (of_kind == NULL) {
        return 0;
    }
    mpyi_heap_flush(of_kind);
    struct block_walk walk = {heap, of_kind->space, fn, data};
    int result = mpyi_rtheap_each_pool(heap, kind, walk_pool, &walk);
    if (result != 0 || kind == MPY_KIND_GC) {
        return result;
    }
    return walk_large(&walk, kind == MPY_KIND_ATOM ? MPYI_LARGE_ATOM : 0);
}

int
mpyi_rtheap_owns(const struct mpyi_rtheap *heap, const void *p)
{
    if (mpyi_space_find(&heap->obj_space, p) != MPYI_NO_POOL ||
        mpyi_space_find(&heap->gc_space, p) != MPYI_NO_POOL) {
        return 1;
    }
    const struct mpyi_large *block = heap->large.next;
    while (block != &heap->large && block + 1 != p) {
        block = block->next;
    }
    return block != &heap->large;
}

int
mpyi_rtheap_check(struct mpyi_rtheap *heap)
{
    if (mpyi_space_check(&heap->obj_space) < 0 || mpyi_space_check(&heap->gc_space) < 0 ||
        mpyi_heap_check(&heap->raw) < 0 || mpyi_heap_check(&heap->atom) < 0 ||
        mpyi_heap_check(&heap->gc) < 0 || mpyi_checked_verify(heap) < 0) {
        return -1;
    }
    return mpyi_rtlarge_check(heap);
}
