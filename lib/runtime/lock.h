/* SPDX-License-Identifier: MIT */
/*
 * runtime/lock.h - the lock of a runtime ("GIL"): one word, and queues for those who wait.
 *
 * The word
 *   0                 free; the queues are empty
 *   HELD              held, nobody waits
 *   HELD | WAITERS    held, at least one thread is queued
 *   HELD | CLOSED     nobody will ever get it again: the runtime ended, or died in a fork
 *
 * Taking a free lock is one compare-and-swap 0 -> HELD, giving it back with nobody waiting another,
 * HELD -> 0. Everything else happens under `guard`. A lock that somebody waits for is never free:
 * its holder passes it to a waiter (the word stays HELD), so a thread that releases and asks again
 * at once cannot snatch it back.
 *
 *        acquire                    release / yield at a checkpoint
 *   free ------> HELD ---------------------------------------------> free
 *                 |  ^                nobody waits
 *      a thread   |  | the last waiter
 *      queues up  v  | is given the lock
 *           HELD|WAITERS ---> stays so while the lock goes from holder to waiter
 *
 * Two queues, both first come, first served
 *   urgent   came from outside: back from a blocking call, or attaching. They raise
 *            MPYI_BREAK_LOCK at once and are served first.
 *   turn     gave the lock up at a checkpoint and compute on. The first whose interval passes
 *            without a change of turn has expired, and raises MPYI_BREAK_LOCK. The next turn has an
 *            interval as well, whoever else had expired meanwhile.
 * A holder that makes way for an urgent thread goes to the head of the turn queue (its turn is not
 * over); one whose successor in the turn queue has expired goes to the tail. While somebody has
 * expired, at most LOCK_STREAK urgent threads in a row go first: nobody starves.
 */
#ifndef MPY_RUNTIME_LOCK_H
#define MPY_RUNTIME_LOCK_H

#include "minipy/base.h"

#include <stdbool.h>
#include <stdint.h>

#define MPYI_LOCK_HELD    1u
#define MPYI_LOCK_WAITERS 2u
#define MPYI_LOCK_CLOSED  4u

#define MPYI_SWITCH_INTERVAL_DEFAULT INT64_C(5000000)
#define MPYI_SWITCH_INTERVAL_MIN     INT64_C(1000)
#define MPYI_SWITCH_INTERVAL_MAX     INT64_C(10000000000)

/* A thread in a queue; lives on that thread's stack. */
struct mpyi_waiter {
    struct mpyi_waiter *next, *prev;
    uint32_t state; /* WAITER_*; atomic, slept on */
    bool queued;    /* still in a queue; an owner leaves it before its state says so */
    bool expired;   /* turn queue: the interval is over */
    bool resumes;   /* turn queue: its turn is not over yet */
    uint64_t turn;  /* lock->turns when it last looked */
    uint64_t round; /* lock->rounds when it expired */
};

struct mpyi_waiter_queue {
    struct mpyi_waiter *first, *last;
};

struct mpyi_lock {
    uint32_t word;  /* atomic */
    uint32_t guard; /* protects everything below but the atomics */
    struct mpyi_waiter_queue urgent, turn;
    uint32_t *breaker; /* the runtime's; NULL once closed. Bit MPYI_BREAK_LOCK is written here only:
                          set exactly while `urgent` is not empty or `expired` > 0 */
    uint32_t expired;  /* members of `turn` that have expired */
    uint32_t streak;   /* urgent threads served in a row while somebody had expired */
    mpy_status closed; /* why: MPY_E_FINALIZING or MPY_E_FORKED */
    uint64_t turns;    /* changes of turn */
    uint64_t rounds;   /* times that all members of `turn` ceased to be expired */
    int64_t interval;  /* ns; atomic */
    /* statistics; atomic */
    uint64_t waits, hand_offs, waiting;
};

void
mpyi_lock_init(struct mpyi_lock *lock, uint32_t *breaker, int64_t interval);

/* MPY_OK with the lock held; or why it is closed. */
MPY_NODISCARD mpy_status
mpyi_lock_acquire_slow(struct mpyi_lock *lock);

void
mpyi_lock_release_slow(struct mpyi_lock *lock);

/* By the holder, at a checkpoint: lets others in if somebody wants the lock, and has it again on
   return. False when nobody wanted it. */
bool
mpyi_lock_yield(struct mpyi_lock *lock);

/* By the holder: nobody gets the lock from now on; those who wait fail with `why`. */
void
mpyi_lock_close(struct mpyi_lock *lock, mpy_status why);

/* In a fork's child, the guard held since before the fork: only this thread is left. `mine`: it
   holds the lock. Closes the lock if another thread held it; false then. Frees the guard. */
bool
mpyi_lock_after_fork(struct mpyi_lock *lock, bool mine);

MPY_NODISCARD static inline mpy_status
mpyi_lock_acquire(struct mpyi_lock *lock)
{
    uint32_t unlocked = 0;
    if (MPY_LIKELY(__atomic_compare_exchange_n(&lock->word, &unlocked, MPYI_LOCK_HELD, false,
                                               __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))) {
        return MPY_OK;
    }
    return mpyi_lock_acquire_slow(lock);
}

static inline void
mpyi_lock_release(struct mpyi_lock *lock)
{
    uint32_t held = MPYI_LOCK_HELD;
    if (MPY_UNLIKELY(!__atomic_compare_exchange_n(&lock->word, &held, 0, false, __ATOMIC_RELEASE,
                                                  __ATOMIC_RELAXED))) {
        mpyi_lock_release_slow(lock);
    }
}

#endif /* MPY_RUNTIME_LOCK_H */
