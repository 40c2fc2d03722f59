/* SPDX-License-Identifier: MIT */
/*
 * alloc/mode.c - switching the modes of alloc/mode.h.
 *
 * Builds with AddressSanitizer or without pools start with MPYI_MODE_CLOSED and never lose it.
 * MINIPY_CLOSED=1 adds it when the mem domain starts (alloc/memheap.c).
 *
 * Lock: none; a heap other than the caller's follows at its next slow path.
 */
#include "alloc/mode.h"

#include "alloc/rtheap.h"

#if MPYI_ASAN || MPYI_BYPASS
#define ALWAYS MPYI_MODE_CLOSED
#else
#define ALWAYS 0u
#endif

_Atomic uint32_t mpyi_modes = ALWAYS;

static void
sync_runtime(struct mpyi_rtheap *heap)
{
    mpyi_heap_sync(&heap->raw, heap->modes);
    mpyi_heap_sync(&heap->atom, heap->modes);
    mpyi_heap_sync(&heap->gc, heap->modes);
}

void
mpyi_modes_set(uint32_t modes, int on)
{
    if (on) {
        atomic_fetch_or_explicit(&mpyi_modes, modes, memory_order_relaxed);
    } else {
        atomic_fetch_and_explicit(&mpyi_modes, ~modes | ALWAYS, memory_order_relaxed);
    }
    struct mpyi_rtheap *runtime = mpyi_rtheap_current();
    if (runtime != NULL) {
        sync_runtime(runtime);
    }
    if (mpy_priv_tls.mem != &mpyi_null_heap) {
        struct mpyi_heap *heap = mpyi_heap_of(mpy_priv_tls.mem);
        atomic_store_explicit(&heap->busy, 1, memory_order_relaxed);
        mpyi_heap_sync(heap, 0);
        atomic_store_explicit(&heap->busy, 0, memory_order_relaxed);
    }
}

void
mpyi_rtheap_modes_set(struct mpyi_rtheap *heap, uint32_t modes, int on)
{
    heap->modes = on ? heap->modes | modes : heap->modes & ~modes;
    sync_runtime(heap);
}
