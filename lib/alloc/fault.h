/* SPDX-License-Identifier: MIT */
/*
 * alloc/fault.h - failures on demand: mpy_debug_fail_alloc() for the process and for a runtime.
 *
 * A fault source counts requests from 1 and decides which of them fail. While one is switched on,
 * magazines are closed, so every request of the mem and obj domains, of objects and of arrays
 * passes here once; the raw domain always asks.
 *
 * Lock: none, all words are atomic. With several threads the numbering is their interleaving.
 */
#ifndef MPY_ALLOC_FAULT_H
#define MPY_ALLOC_FAULT_H

#include "minipy/debug.h"

#include <stdatomic.h>

struct mpyi_fault {
    _Atomic int mode; /* MPY_FAIL_* */
    _Atomic uint64_t n;
    _Atomic uint64_t counted;
    _Atomic uint64_t failed;
};

/* The source for the whole process. */
extern struct mpyi_fault mpyi_fault_process;

/* Switches a source; 0, or -1 on a bad mode. */
int
mpyi_fault_set(struct mpyi_fault *fault, int mode, uint64_t n);

/* Counts one request of `bytes`; 1 when it has to fail. */
int
mpyi_fault_count(struct mpyi_fault *fault, size_t bytes);

/* One request against the process and, unless NULL, a runtime's source. */
static inline int
mpyi_fault_hit(struct mpyi_fault *runtime, size_t bytes)
{
    int hit = 0;
    if (atomic_load_explicit(&mpyi_fault_process.mode, memory_order_relaxed) != MPY_FAIL_OFF) {
        hit = mpyi_fault_count(&mpyi_fault_process, bytes);
    }
    if (runtime != NULL &&
        atomic_load_explicit(&runtime->mode, memory_order_relaxed) != MPY_FAIL_OFF) {
        hit |= mpyi_fault_count(runtime, bytes);
    }
    return hit;
}

#endif /* MPY_ALLOC_FAULT_H */
