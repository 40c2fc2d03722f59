/* SPDX-License-Identifier: MIT */
/*
 * gc/gc_life.c - making the collector of a runtime, and ending it.
 *
 * One mapping holds the struct that tracking looks at, the state behind it, and the two maps by
 * page; of these 2 MiB only the pages in use ever get memory.
 *
 *   +-------------+---------------+----------------------+----------------------+
 *   | mpyi_gc     | mpyi_gc_state | young_map, 1 MiB     | cards, 1 MiB         |
 *   +-------------+---------------+----------------------+----------------------+
 *
 * The vectors are blocks of the raw domain: they must not come out of the heap whose pressure
 * the collector is asked to relieve.
 *
 * Lock: the runtime's.
 */
#include "gc/internal.h"

#include "alloc/os.h"
#include "alloc/poison.h"
#include "base/hooks.h"

struct block {
    _Alignas(64) struct mpyi_gc gc;
    _Alignas(64) struct mpyi_gc_state state;
};

/* Bytes in front of the maps. */
static size_t
head_bytes(void)
{
    return mpyi_round_up(sizeof(struct block), mpyi_os_page_size());
}

/* The hook for memory pressure: 1 when something was freed. */
static int
relieve(struct mpyi_rtheap *heap, size_t bytes)
{
    struct mpyi_thread *t = mpyi_current();
    (void)bytes;
    return t != NULL && t->heap == heap && t->gc != NULL && mpyi_gc_collect_quietly(t) > 0;
}

struct mpyi_gc *
mpyi_gc_create(mpy_runtime *rt, struct mpyi_rtheap *heap)
{
    size_t bytes = head_bytes() + 2 * MPYI_GC_MAP_BYTES;
    struct block *block = NULL;
    struct mpyi_gc *gc;
    if (!mpyi_fault_hit(&heap->fault, bytes)) {
        block = mpyi_os_map(bytes, mpyi_os_page_size());
    }
    if (block == NULL) {
        return NULL;
    }
    mpyi_leak_root_add(block, sizeof *block);
    gc = &block->gc;
    gc->state = &block->state;
    gc->young_map = (uint8_t *)block + head_bytes();
    gc->cards = gc->young_map + MPYI_GC_MAP_BYTES;
    gc->state->rt = rt;
    gc->state->heap = heap;
    mpyi_gc_schedule_init(gc);
    if (gc->young[0].capacity == 0) {
        mpyi_gc_destroy(gc);
        return NULL;
    }
    MPYI_HOOK_SET(memory_pressure, relieve);
    return gc;
}

void
mpyi_gc_destroy(struct mpyi_gc *gc)
{
    struct block *block = (struct block *)(void *)gc;
    if (gc == NULL) {
        return;
    }
    mpyi_gc_side_destroy(&gc->state->side);
    mpy_raw_free(gc->state->scratch.refs);
    mpy_raw_free(gc->state->scratch.stack);
    mpy_raw_free(gc->young[0].items);
    mpy_raw_free(gc->young[1].items);
    mpyi_leak_root_remove(block, sizeof *block);
    mpyi_os_release(block, head_bytes() + 2 * MPYI_GC_MAP_BYTES);
}
