/* SPDX-License-Identifier: MIT */
/*
 * runtime/pending.c - pending calls, see runtime/pending.h for the ring.
 *
 * Order of a push: fill, publish (release), raise MPYI_BREAK_PENDING. Order of a run: lower the
 * flag, then look. A call that is published after the look has its flag raised after it was
 * lowered, so none is forgotten; a flag without a call costs one look.
 *
 * A signal handler that interrupts a producer leaves a hole: tickets after the unfinished slot are
 * published, but the consumer stops in front of it. The interrupted producer raises the flag when
 * it has finished, and the consumer comes back then.
 *
 * Lock: the runtime's for running; none for adding.
 */
#include "runtime/pending.h"

#include "runtime/runtime.h"

void
mpyi_pending_init(struct mpyi_pending_ring *ring)
{
    ring->tail = 0;
    ring->head = 0;
    ring->closed = 0;
    ring->running = 0;
    for (uint64_t i = 0; i < MPYI_PENDING_MAX; i++) {
        ring->slots[i].seq = i;
    }
}

bool
mpyi_pending_push(struct mpyi_pending_ring *ring, mpy_pending_fn fn, void *arg)
{
    uint64_t ticket = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);
    for (;;) {
        struct mpyi_pending_slot *slot = &ring->slots[ticket % MPYI_PENDING_MAX];
        uint64_t seq = __atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE);
        if (seq == ticket) {
            if (__atomic_compare_exchange_n(&ring->tail, &ticket, ticket + 1, true,
                                            __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
                slot->fn = fn;
                slot->arg = arg;
                __atomic_store_n(&slot->seq, ticket + 1, __ATOMIC_RELEASE);
                return true;
            }
        } else if (seq < ticket) {
            return false; /* the slot still holds the call of one lap ago */
        } else {
            ticket = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);
        }
    }
}

bool
mpyi_pending_pop(struct mpyi_pending_ring *ring, mpy_pending_fn *fn, void **arg)
{
    uint64_t ticket = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
    struct mpyi_pending_slot *slot = &ring->slots[ticket % MPYI_PENDING_MAX];
    if (__atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE) != ticket + 1) {
        return false;
    }
    *fn = slot->fn;
    *arg = slot->arg;
    __atomic_store_n(&slot->seq, ticket + MPYI_PENDING_MAX, __ATOMIC_RELEASE);
    __atomic_store_n(&ring->head, ticket + 1, __ATOMIC_RELEASE);
    return true;
}

int
mpyi_pending_run(struct mpyi_thread *t)
{
    struct mpyi_pending_ring *ring = &mpyi_rt_of(t->rt)->pending;
    mpyi_breaker_clear(t->rt, MPYI_BREAK_PENDING);
    if (ring->running) {
        return 0; /* the one that runs looks again when it has finished */
    }
    int rc = 0;
    uint64_t end = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    ring->running = 1;
    mpy_pending_fn fn;
    void *arg;
    while (rc == 0 && ring->head != end && mpyi_pending_pop(ring, &fn, &arg)) {
        t->depth++; /* it is a call that needs the runtime */
        rc = fn(arg) == 0 ? 0 : -1;
        t->depth--;
    }
    if (rc < 0 && !mpyi_err_occurred(t)) {
        mpyi_err_set(MPY_EXC_SYSTEM_ERROR,
                     "mpy_checkpoint(): a pending call failed without setting an error");
    }
    ring->running = 0;
    struct mpyi_pending_slot *next = &ring->slots[ring->head % MPYI_PENDING_MAX];
    if (__atomic_load_n(&next->seq, __ATOMIC_ACQUIRE) == ring->head + 1) {
        mpyi_breaker_set(t->rt, MPYI_BREAK_PENDING);
    }
    return rc;
}

int
mpy_pending_add(mpy_runtime *rt, mpy_pending_fn fn, void *arg)
{
    if (rt == NULL || fn == NULL) {
        mpyi_status_set(MPY_E_INVAL);
        return -1;
    }
    struct mpyi_rt *full = mpyi_rt_of(rt);
    if (__atomic_load_n(&full->pending.closed, __ATOMIC_ACQUIRE)) {
        mpyi_status_set(MPY_E_FINALIZING);
        return -1;
    }
    if (!mpyi_pending_push(&full->pending, fn, arg)) {
        mpyi_status_set(MPY_E_BUSY);
        return -1;
    }
    mpyi_breaker_set(rt, MPYI_BREAK_PENDING);
    return 0;
}
