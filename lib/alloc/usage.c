/* SPDX-License-Identifier: MIT */
/*
 * alloc/usage.c - taking bytes under a limit; see alloc/usage.h.
 *
 * Under a limit `taken` grows by compare-and-swap, so that it never shows more than the limit, not
 * even while a request is being refused: one that cannot succeed takes no room from others. Without
 * one an addition is enough. The limit is read again after the step, in the total order of both, so
 * a limit that was set meanwhile is either seen here, or was set when these bytes were counted.
 *
 * Lock: none.
 */
#include "alloc/usage.h"

#include "minipy/base.h"

static void
raise_to(_Atomic uint64_t *word, uint64_t now)
{
    uint64_t peak = atomic_load_explicit(word, memory_order_relaxed);
    while (now > peak && !atomic_compare_exchange_weak_explicit(
                             word, &peak, now, memory_order_relaxed, memory_order_relaxed)) {
    }
}

int
mpyi_usage_take(struct mpyi_usage *usage, uint64_t n)
{
    uint64_t limit = atomic_load_explicit(&usage->limit, memory_order_relaxed);
    uint64_t now;
    if (n == 0) {
        return 1; /* a block may shrink, also above a limit that was set too late for it */
    }
    if (MPY_LIKELY(limit == UINT64_MAX)) {
        now = atomic_fetch_add(&usage->taken, n) + n;
    } else {
        uint64_t before = atomic_load_explicit(&usage->taken, memory_order_relaxed);
        do {
            if (before > limit || n > limit - before) {
                return 0;
            }
            now = before + n;
        } while (!atomic_compare_exchange_weak(&usage->taken, &before, now));
    }
    if (MPY_UNLIKELY(now > atomic_load(&usage->limit))) {
        mpyi_usage_give(usage, n);
        return 0;
    }
    if (limit != UINT64_MAX) {
        raise_to(&usage->taken_peak, now);
    }
    return 1;
}

int
mpyi_usage_fits(const struct mpyi_usage *usage, uint64_t n)
{
    uint64_t limit = atomic_load_explicit(&usage->limit, memory_order_relaxed);
    uint64_t now = mpyi_usage_now(usage);
    return now <= limit && n <= limit - now;
}

void
mpyi_usage_set_limit(struct mpyi_usage *usage, uint64_t limit)
{
    atomic_store(&usage->limit, limit);
    atomic_store_explicit(&usage->taken_peak, mpyi_usage_now(usage), memory_order_relaxed);
}

/* Threads add what they took and gave back in batches, so large_bytes may be below 0 for a while.
 */
void
mpyi_usage_peak(struct mpyi_usage *usage)
{
    int64_t now = (int64_t)(atomic_load_explicit(&usage->arena_bytes, memory_order_relaxed) +
                            atomic_load_explicit(&usage->large_bytes, memory_order_relaxed));
    if (now > 0) {
        raise_to(&usage->peak, (uint64_t)now);
    }
}
