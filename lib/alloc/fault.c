/* SPDX-License-Identifier: MIT */
/*
 * alloc/fault.c - which requests fail on demand, see alloc/fault.h.
 *
 * Setting a mode resets both counters. Counting goes on while the mode is MPY_FAIL_OFF only in the
 * sense that nothing is counted: an open magazine could not be.
 *
 * The random mode hashes the request's number with the seed (splitmix64), so a run can be repeated
 * exactly; one request in 16 fails.
 *
 * Lock: none.
 */
#include "alloc/fault.h"

#include "alloc/mode.h"
#include "alloc/rtheap.h"
#include "base/hooks.h"
#include "base/status.h"
#include "base/tls.h"

struct mpyi_fault mpyi_fault_process;

static uint64_t
mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

int
mpyi_fault_set(struct mpyi_fault *fault, int mode, uint64_t n)
{
    if (mode < MPY_FAIL_OFF || mode > MPY_FAIL_RANDOM || (mode == MPY_FAIL_EVERY && n == 0)) {
        return -1;
    }
    atomic_store_explicit(&fault->mode, MPY_FAIL_OFF, memory_order_relaxed);
    atomic_store_explicit(&fault->n, n, memory_order_relaxed);
    atomic_store_explicit(&fault->counted, 0, memory_order_relaxed);
    atomic_store_explicit(&fault->failed, 0, memory_order_relaxed);
    atomic_store_explicit(&fault->mode, mode, memory_order_release);
    return 0;
}

static int
decide(int mode, uint64_t n, uint64_t number, size_t bytes)
{
    switch (mode) {
    case MPY_FAIL_NTH:
        return number == n;
    case MPY_FAIL_AFTER:
        return number >= n;
    case MPY_FAIL_EVERY:
        return number % n == 0;
    case MPY_FAIL_SIZE_ABOVE:
        return bytes > n;
    case MPY_FAIL_RANDOM:
        return mix(number ^ mix(n)) % 16 == 0;
    default:
        return 0;
    }
}

int
mpyi_fault_count(struct mpyi_fault *fault, size_t bytes)
{
    int mode = atomic_load_explicit(&fault->mode, memory_order_acquire);
    if (mode == MPY_FAIL_OFF) {
        return 0;
    }
    uint64_t number = atomic_fetch_add_explicit(&fault->counted, 1, memory_order_relaxed) + 1;
    uint64_t n = atomic_load_explicit(&fault->n, memory_order_relaxed);
    if (!decide(mode, n, number, bytes)) {
        return 0;
    }
    atomic_fetch_add_explicit(&fault->failed, 1, memory_order_relaxed);
    mpyi_tls.injected = 1;
    return 1;
}

/* The source for rt; NULL when it is a runtime the caller may not touch. */
static struct mpyi_fault *
source_of(mpy_runtime *rt, struct mpyi_rtheap **heap)
{
    *heap = NULL;
    if (rt == NULL) {
        return &mpyi_fault_process;
    }
    *heap = mpyi_hook_runtime_heap(rt);
    return *heap != NULL ? &(*heap)->fault : NULL;
}

int
mpy_debug_fail_alloc(mpy_runtime *rt, int mode, uint64_t n)
{
    struct mpyi_rtheap *heap;
    struct mpyi_fault *fault = source_of(rt, &heap);
    if (fault == NULL || mpyi_fault_set(fault, mode, n) < 0) {
        mpyi_status_set(MPY_E_INVAL);
        return -1;
    }
    if (heap != NULL) {
        mpyi_rtheap_modes_set(heap, MPYI_MODE_FAULT, mode != MPY_FAIL_OFF);
    } else {
        mpyi_modes_set(MPYI_MODE_FAULT, mode != MPY_FAIL_OFF);
    }
    return 0;
}

ptrdiff_t
mpy_debug_fail_count(mpy_runtime *rt, uint64_t *failed)
{
    struct mpyi_rtheap *heap;
    struct mpyi_fault *fault = source_of(rt, &heap);
    if (failed != NULL) {
        *failed = 0;
    }
    if (fault == NULL) {
        mpyi_status_set(MPY_E_INVAL);
        return -1;
    }
    if (failed != NULL) {
        *failed = atomic_load_explicit(&fault->failed, memory_order_relaxed);
    }
    return (ptrdiff_t)atomic_load_explicit(&fault->counted, memory_order_relaxed);
}
