/* SPDX-License-Identifier: MIT */
/*
 * alloc/usage.h - what the process or a runtime has taken, and the limit that it never passes.
 *
 * A limit that is compared first and counted later holds for one thread only: two that look at the
 * same moment both see room. So bytes are counted in one word, `taken`, by one atomic step that
 * fails where they do not fit, and only then asked of the system:
 *
 *   mpyi_usage_take(n)   0: refused, nothing changed
 *     the memory         refused, or smaller than n: mpyi_usage_give(the difference)
 *                        larger: take the difference, or give memory and bytes back
 *   ...
 *   the memory goes back to the system, then mpyi_usage_give()
 *
 *   taken >= pools that belong to heaps + large blocks + raw blocks, at every moment
 *   taken <= limit, unless it was above when the limit was set; then it does not grow
 *
 * Heaps of threads take large blocks' bytes in advance (alloc/large.h), so `taken` may be more than
 * what is in use. The other words are for statistics, and are changed afterwards.
 *
 * Lock: none; everything is atomic. Of a runtime's usage the writer has the runtime's lock.
 */
#ifndef MPY_ALLOC_USAGE_H
#define MPY_ALLOC_USAGE_H

#include <stdatomic.h>
#include <stdint.h>

struct mpyi_usage {
    _Atomic uint64_t taken;       /* pools of heaps, large blocks; of the process also raw blocks */
    _Atomic uint64_t limit;       /* for `taken`; UINT64_MAX: none */
    _Atomic uint64_t soft;        /* the same, for the pressure callback alone */
    _Atomic uint64_t taken_peak;  /* most of `taken` while there is a limit */
    _Atomic uint64_t arena_bytes; /* arenas with memory behind them */
    _Atomic uint64_t pool_bytes;  /* pools that belong to heaps */
    _Atomic uint64_t large_bytes;
    _Atomic uint64_t large_blocks;
    _Atomic uint64_t peak; /* most arena_bytes + large_bytes */
};

/* Counts n bytes that are about to be taken: 1, or 0 when they do not fit the limit. */
int
mpyi_usage_take(struct mpyi_usage *usage, uint64_t n);

/* For bytes that went back, or were not needed. */
static inline void
mpyi_usage_give(struct mpyi_usage *usage, uint64_t n)
{
    atomic_fetch_sub_explicit(&usage->taken, n, memory_order_relaxed);
}

/* Bytes as the limit counts them. */
static inline uint64_t
mpyi_usage_now(const struct mpyi_usage *usage)
{
    return atomic_load_explicit(&usage->taken, memory_order_relaxed);
}

/* 1 when n more bytes would fit: enough for who has the only lock, too little for others. */
int
mpyi_usage_fits(const struct mpyi_usage *usage, uint64_t n);

/* 1 when somebody looks at `taken`, so that nothing may be counted in advance. */
static inline int
mpyi_usage_is_watched(const struct mpyi_usage *usage)
{
    return (atomic_load_explicit(&usage->limit, memory_order_relaxed) &
            atomic_load_explicit(&usage->soft, memory_order_relaxed)) != UINT64_MAX;
}

/* Sets the limit (UINT64_MAX: none). What was taken before stays; what is taken from now on fits
   it. */
void
mpyi_usage_set_limit(struct mpyi_usage *usage, uint64_t limit);

/* Notes a new peak of arenas and large blocks. */
void
mpyi_usage_peak(struct mpyi_usage *usage);

#endif /* MPY_ALLOC_USAGE_H */
