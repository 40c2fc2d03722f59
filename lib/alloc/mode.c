/* SPDX-License-Identifier: MIT */
/*
 * alloc/mode.c - switching the modes of alloc/mode.h.
 *
 * Secure builds, and those with AddressSanitizer or without pools, start with MPYI_MODE_CLOSED and
 * never lose it. MINIPY_CLOSED=1 adds it when the mem domain starts (alloc/memheap.c).
 *
 * Checks are kept as a mask beside the modes, of the process and of each runtime. The mode
 * MPYI_MODE_CHECK is on while any of them is, or while records of checked blocks are left.
 *
 * Lock: none; a heap other than the caller's follows at its next slow path.
 */
#include "alloc/mode.h"

#include "alloc/checked.h"
#include "alloc/memheap.h"
#include "alloc/poison.h"
#include "alloc/region.h"
#include "base/hooks.h"
#include "base/options.h"
#include "base/status.h"

#include <stdlib.h>

#if MPYI_ASAN || MPYI_BYPASS || MPYI_SECURE
#define ALWAYS MPYI_MODE_CLOSED
#else
#define ALWAYS 0u
#endif

_Atomic uint32_t mpyi_modes = ALWAYS;
_Atomic uint32_t mpyi_checks;
_Atomic size_t mpyi_open_heaps;

static void
sync_runtime(struct mpyi_rtheap *heap)
{
    mpyi_heap_sync(&heap->raw, heap->modes);
    mpyi_heap_sync(&heap->atom, heap->modes);
    mpyi_heap_sync(&heap->gc, heap->modes);
}

void
mpyi_modes_drop(uint32_t modes)
{
    atomic_fetch_and_explicit(&mpyi_modes, ~modes | ALWAYS, memory_order_relaxed);
}

void
mpyi_modes_set(uint32_t modes, int on)
{
    if (on) {
        /* Before whoever makes marks reads mpyi_open_heaps: see mpyi_heap_set_closed(). */
        atomic_fetch_or(&mpyi_modes, modes);
    } else {
        mpyi_modes_drop(modes);
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

/* ---- checks ----------------------------------------------------------------------------------
 */

/* Empties a quarantine; 1 when no record is left. */
static int
marks_end(const struct mpyi_asker *asker)
{
    struct mpyi_marks *marks = mpyi_marks_of(asker->runtime);
    (void)mpyi_checked_flush(asker, 0);
    mpyi_marks_lock(marks);
    size_t count = marks->count;
    mpyi_marks_unlock(marks);
    return count == 0;
}

static void
set_process(uint32_t mask)
{
    atomic_store(&mpyi_checks, mask);
    if (mask != 0) {
        if ((mask & MPYI_CHECK_MARKS) == 0) {
            atomic_store(&mpyi_mem_unmarked, 1);
        }
        mpyi_modes_set(MPYI_MODE_CHECK, 1);
        return;
    }
    atomic_store(&mpyi_mem_unmarked, 1);
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap == NULL) {
        return;
    }
    int end = marks_end(&(struct mpyi_asker){NULL, heap, NULL, 0});
    mpyi_mem_leave(heap);
    if (end) {
        mpyi_modes_set(MPYI_MODE_CHECK, 0);
    }
}

static void
set_runtime(struct mpyi_rtheap *heap, uint32_t mask)
{
    heap->checks = mask;
    int on =
        mpyi_checks_get(heap) != 0 || !marks_end(&(struct mpyi_asker){heap, &heap->raw, NULL, 0});
    mpyi_rtheap_modes_set(heap, MPYI_MODE_CHECK, on);
}

int
mpy_debug_set_checks(mpy_runtime *rt, uint32_t mask)
{
    struct mpyi_rtheap *heap = rt != NULL ? mpyi_hook_runtime_heap(rt) : NULL;
    if ((mask & ~MPY_CHECK_ALL) != 0 || (rt != NULL && heap == NULL)) {
        mpyi_status_set(MPY_E_INVAL);
        return -1;
    }
    if (heap != NULL) {
        set_runtime(heap, mask);
        mpyi_hook_checks_changed();
        return 0;
    }
    if (mask != 0 && mpyi_mem_start() < 0) {
        mpyi_status_set(MPY_E_NOMEM);
        return -1;
    }
    set_process(mask);
    mpyi_hook_checks_changed();
    return 0;
}

void
mpyi_checks_start(void)
{
    uint32_t mask = (uint32_t)mpyi_options_get()->checks;
    if (mpyi_options_get()->closed == MPYI_CLOSED_AUTO && mpyi_under_valgrind()) {
        mpyi_modes_set(MPYI_MODE_CLOSED, 1);
    }
    if (mask == 0 || atomic_load(&mpyi_checks) != 0) {
        return;
    }
    if ((mask & MPYI_CHECK_MARKS) != 0) {
        atomic_store(&mpyi_mem_unmarked, 0);
    }
    atomic_store(&mpyi_checks, mask);
    mpyi_modes_set(MPYI_MODE_CHECK, 1);
}

/* What nobody freed, and what waits in quarantine, is looked at last when the process ends. */
__attribute__((destructor)) static void
unloaded(void)
{
    if (atomic_load(&mpyi_checks) != 0 &&
        (mpyi_checked_verify(NULL) < 0 || mpyi_regions_verify() < 0)) {
        abort();
    }
}
