/* SPDX-License-Identifier: MIT */
/*
 * alloc/pressure.h - what happens before a request fails for want of memory, and near a soft limit.
 *
 *   request fails -> the library's own caches are emptied, retry
 *                 -> (a runtime:) garbage is collected, retry
 *                 -> the host's callback is asked, retry
 *                 -> the request fails
 *
 * Each step is taken once a request, and the next one only if it freed nothing or the retry failed.
 * Injected failures take none: they have to fail.
 *
 * The callback runs where every structure is consistent and with no lock of the allocator held, so
 * it may free anything. It is not entered again by what it does itself.
 *
 * Lock: that of a runtime for its pressure; the process's has one of its own, a leaf, which is not
 * held while the callback runs.
 */
#ifndef MPY_ALLOC_PRESSURE_H
#define MPY_ALLOC_PRESSURE_H

#include "alloc/space.h"
#include "base/tls.h"

/* A host's callback. Its soft limit stands in mpyi_usage. */
struct mpyi_pressure {
    mpy_pressure_fn fn;
    void *data;
    uint32_t passed; /* the soft limit was passed and reported; cleared below it */
};

/* ---- the process: mem, raw, regions ---------------------------------------------------------- */

/* After a request of n bytes failed; *step is 0 at the first failure. 1: try again. The calling
   thread is in no slow path of mem or of a region. */
int
mpyi_pressure_relieve(int *step, size_t n);

void
mpyi_pressure_notice_slow(void);

extern struct mpyi_usage mpyi_mem_usage;

/* At the beginning of a request that takes a slow path: reports that the soft limit was passed. */
static inline void
mpyi_pressure_begin(void)
{
    mpyi_tls.injected = 0;
    if (MPY_UNLIKELY(atomic_load_explicit(&mpyi_mem_usage.soft, memory_order_relaxed) !=
                     UINT64_MAX)) {
        mpyi_pressure_notice_slow();
    }
}

/* Around fork(). */
void
mpyi_pressure_lock(void);

void
mpyi_pressure_unlock(void);

/* ---- a runtime ------------------------------------------------------------------------------- */

struct mpyi_rtheap;

/* The same two functions for one runtime. */
int
mpyi_pressure_relieve_runtime(struct mpyi_rtheap *runtime, int *step, size_t n);

void
mpyi_pressure_notice_runtime(struct mpyi_rtheap *runtime);

#endif /* MPY_ALLOC_PRESSURE_H */
