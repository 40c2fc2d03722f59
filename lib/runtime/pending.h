/* SPDX-License-Identifier: MIT */
/*
 * runtime/pending.h - a ring of calls that any thread, or a signal handler, may ask for.
 *
 * Bounded queue after D. Vyukov: each slot has a sequence number that says whose turn it is.
 *
 *   slot i, lap k:   seq == i + k*N        free for the producer that gets ticket i + k*N
 *                    seq == i + k*N + 1    filled, for the consumer
 *
 * A producer takes a ticket with one compare-and-swap, fills the slot and publishes it. It never
 * waits for another one, so it may interrupt another producer at any instruction. There is one
 * consumer at a time: the holder of the runtime's lock.
 *
 * Lock: none for adding; the runtime's for taking.
 */
#ifndef MPY_RUNTIME_PENDING_H
#define MPY_RUNTIME_PENDING_H

#include "minipy/thread.h"

#include <stdbool.h>
#include <stdint.h>

#define MPYI_PENDING_MAX 256u

struct mpyi_pending_slot {
    uint64_t seq; /* atomic */
    mpy_pending_fn fn;
    void *arg;
};

struct mpyi_pending_ring {
    uint64_t tail;    /* next ticket; atomic */
    uint64_t head;    /* next to run; written under the lock, atomic */
    uint32_t closed;  /* atomic */
    uint32_t running; /* a thread runs calls now */
    struct mpyi_pending_slot slots[MPYI_PENDING_MAX];
};

void
mpyi_pending_init(struct mpyi_pending_ring *ring);

/* False: the ring is full. Async-signal-safe. */
bool
mpyi_pending_push(struct mpyi_pending_ring *ring, mpy_pending_fn fn, void *arg);

/* False: empty, or the next call is still being filled in. */
bool
mpyi_pending_pop(struct mpyi_pending_ring *ring, mpy_pending_fn *fn, void **arg);

static inline bool
mpyi_pending_is_empty(const struct mpyi_pending_ring *ring)
{
    return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) ==
           __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
}

struct mpyi_thread;

/* Runs the calls that were waiting when it began, in order. -1: one failed; the rest still waits.
   Does nothing while a call is running. (U) */
int
mpyi_pending_run(struct mpyi_thread *t);

#endif /* MPY_RUNTIME_PENDING_H */
