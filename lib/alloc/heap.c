/* SPDX-License-Identifier: MIT */
/*
 * alloc/heap.c - making a heap, opening and closing its magazines, emptying them.
 *
 * The slots of all magazines stand one after the other in heap->slots, two arrays each, as long as
 * the class's limit. The mem domain uses every second class only; the slots of the others are never
 * touched and cost address space. alloc/bin.h says what an open and a closed one look like.
 *
 * Lock: the heap's.
 */
#include "alloc/heap.h"

static void
open_bins(struct mpyi_heap *heap)
{
    void **slot = heap->slots;
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        mpyi_bin_open(&heap->pub.bins[c], c, slot);
        slot += 2 * mpyi_class_magazine[c];
    }
    MPY_ASSERT(slot <= heap->slots + MPYI_MAGAZINE_SLOTS);
}

static void
close_bins(struct mpyi_heap *heap)
{
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        heap->pub.bins[c] = (struct mpy_priv_bin){NULL, NULL, NULL, NULL};
    }
}

void
mpyi_heap_init(struct mpyi_heap *heap, struct mpyi_space *space, int kind)
{
    heap->space = space;
    heap->kind = (uint8_t)kind;
    for (unsigned c = 0; c <= MPY_CLASS_COUNT; c++) {
        heap->partial[c] = MPYI_NO_POOL;
        heap->runs[c] = MPYI_NO_POOL;
    }
    heap->closed = 1; /* zeroed bins are */
    heap->modes = MPYI_MODE_STALE;
    mpyi_heap_sync(heap, 0);
}

void
mpyi_heap_flush(struct mpyi_heap *heap)
{
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        mpyi_heap_flush_bin(heap, c, mpyi_bin_count(&heap->pub.bins[c], c));
    }
    mpyi_heap_send_open(heap);
    mpyi_heap_drain(heap);
}

/* Opens the magazines. Those of the mem domain are counted before the modes are read again, as
   checks are switched on before the count is read: one of both sees the other. */
static void
open_heap(struct mpyi_heap *heap)
{
    if (heap->kind == MPY_KIND_MEM) {
        atomic_fetch_add(&mpyi_open_heaps, 1);
        if ((atomic_load(&mpyi_modes) & MPYI_MODE_CHECK) != 0) {
            atomic_fetch_sub(&mpyi_open_heaps, 1);
            heap->modes = MPYI_MODE_STALE;
            return;
        }
    }
    open_bins(heap);
    heap->closed = 0;
}

static void
close_heap(struct mpyi_heap *heap)
{
    close_bins(heap);
    heap->closed = 1;
    if (heap->kind == MPY_KIND_MEM) {
        atomic_fetch_sub(&mpyi_open_heaps, 1);
    }
}

void
mpyi_heap_set_closed(struct mpyi_heap *heap, int closed)
{
    if (heap->closed == (closed != 0)) {
        return;
    }
    if (closed) {
        mpyi_heap_flush(heap);
        close_heap(heap);
    } else {
        open_heap(heap);
    }
    mpyi_large_cache_set_closed(&heap->large, heap->closed);
}

void
mpyi_heap_apply_modes(struct mpyi_heap *heap, uint32_t modes)
{
    heap->modes = modes;
    mpyi_heap_set_closed(heap, modes != 0);
}

void
mpyi_heap_park(struct mpyi_heap *heap)
{
    mpyi_heap_set_closed(heap, 1);
    heap->modes = MPYI_MODE_STALE;
}

void
mpyi_heap_rest(struct mpyi_heap *heap)
{
    MPY_ASSERT(!heap->closed && heap->kind == MPY_KIND_MEM);
    (void)heap;
    atomic_fetch_sub(&mpyi_open_heaps, 1);
}

/* Counted before the modes are read, as in open_heap(). */
void
mpyi_heap_resume(struct mpyi_heap *heap)
{
    atomic_fetch_add(&mpyi_open_heaps, 1);
    if ((atomic_load(&mpyi_modes) & MPYI_MODE_CHECK) != 0) {
        heap->modes = MPYI_MODE_STALE;
    }
}

void
mpyi_heap_abandon(struct mpyi_heap *heap)
{
    if (!heap->closed) {
        mpyi_heap_drop_magazines(heap);
        mpyi_large_cache_set_closed(&heap->large, 1);
        close_heap(heap);
    } /* one that was closed has nothing on its way: each free is sent at once */
    heap->modes = MPYI_MODE_STALE;
}

void
mpyi_heap_drop_magazines(struct mpyi_heap *heap)
{
    if (!heap->closed) {
        open_bins(heap); /* all anew: after a fork() one may have been turning */
    }
    for (unsigned i = 0; i < MPYI_OUTBOXES; i++) {
        heap->out[i] = (struct mpyi_outbox){NULL, NULL};
    }
    mpyi_large_cache_forget(&heap->large);
}

size_t
mpyi_heap_cached_blocks(const struct mpyi_heap *heap)
{
    size_t n = 0;
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        n += mpyi_bin_count(&heap->pub.bins[c], c);
    }
    return n;
}
