/* SPDX-License-Identifier: MIT */
/*
 * runtime/lock.c - the slow half of a runtime's lock, see runtime/lock.h for its states and rules.
 *
 * Why direct hand-off and two queues: with a lock that is free between holders, a computing thread
 * takes it back long before a woken thread gets to run, and a thread that does I/O waits a whole
 * interval for every byte (the convoy effect). Here the waiter owns the lock from the moment the
 * holder lets go, and threads that come back from blocking do not wait for an interval at all.
 * Request flag and interval follow CPython's GIL (A. Pitrou, 2009); the queues do not.
 *
 * Invariants, whenever the guard is free
 *   (word & WAITERS) == (urgent or turn is not empty)
 *   breaker & BREAK_LOCK  ==  (urgent is not empty or expired > 0)
 *   a waiter is in a queue (`queued`) until it is granted or refused; its state follows
 *
 * A granted waiter may return at once, and its struct is gone: the granter keeps nothing of it but
 * the address to wake, which is never read.
 *
 * Lock: this is it. The guard is innermost: nothing is called while it is held.
 */
#include "runtime/lock.h"

#include "base/assert.h"
#include "runtime/futex.h"
#include "runtime/park.h"
#include "state/state.h"

#include <string.h>
#include <unistd.h>

#define WAITER_QUEUED  0u
#define WAITER_GRANTED 1u
#define WAITER_REFUSED 2u

#define LOCK_STREAK 8u

/* Looks before it sleeps: a holder that computes passes a checkpoint every microsecond or so, and a
   system call and a wake-up cost ten. */
#define LOCK_SPINS 128

void
mpyi_lock_init(struct mpyi_lock *lock, uint32_t *breaker, int64_t interval)
{
    memset(lock, 0, sizeof *lock);
    lock->breaker = breaker;
    lock->interval = interval;
}

/* ---- queues; all of this under the guard ------------------------------------------------------
 */

static void
queue_append(struct mpyi_waiter_queue *queue, struct mpyi_waiter *w)
{
    w->next = NULL;
    w->prev = queue->last;
    if (queue->last != NULL) {
        queue->last->next = w;
    } else {
        queue->first = w;
    }
    queue->last = w;
    w->queued = true;
}

static void
queue_prepend(struct mpyi_waiter_queue *queue, struct mpyi_waiter *w)
{
    w->prev = NULL;
    w->next = queue->first;
    if (queue->first != NULL) {
        queue->first->prev = w;
    } else {
        queue->last = w;
    }
    queue->first = w;
    w->queued = true;
}

static struct mpyi_waiter *
queue_pop(struct mpyi_waiter_queue *queue)
{
    struct mpyi_waiter *w = queue->first;
    queue->first = w->next;
    if (w->next != NULL) {
        w->next->prev = NULL;
    } else {
        queue->last = NULL;
    }
    w->queued = false;
    return w;
}

/* Brings the runtime's breaker in line with the queues. */
static void
update_breaker(struct mpyi_lock *lock)
{
    if (lock->urgent.first != NULL || lock->expired > 0) {
        __atomic_fetch_or(lock->breaker, MPYI_BREAK_LOCK, __ATOMIC_RELEASE);
    } else {
        __atomic_fetch_and(lock->breaker, ~MPYI_BREAK_LOCK, __ATOMIC_RELEASE);
    }
}

/* Takes the next owner out of its queue; NULL when nobody waits. */
static struct mpyi_waiter *
next_owner(struct mpyi_lock *lock)
{
    bool turn_is_due = lock->expired > 0 && lock->streak >= LOCK_STREAK;
    if (lock->urgent.first != NULL && !turn_is_due) {
        lock->streak = lock->expired > 0 ? lock->streak + 1 : 0;
        return queue_pop(&lock->urgent);
    }
    if (lock->turn.first == NULL) {
        return NULL;
    }
    struct mpyi_waiter *w = queue_pop(&lock->turn);
    lock->expired -= w->expired && w->round == lock->rounds;
    lock->streak = 0;
    lock->turns += !w->resumes;
    return w;
}

/* The lock is w's from here on; the guard is free. */
static void
grant(struct mpyi_waiter *w)
{
    uint32_t *state = &w->state;
    __atomic_store_n(state, WAITER_GRANTED, __ATOMIC_RELEASE);
    mpyi_futex_wake(state, 1);
}

/* ---- waiting -----------------------------------------------------------------------------------
 */

/* Spinning pays only when the holder can run at the same time. */
static bool
may_spin(void)
{
    static int processors; /* 0: not asked yet; asking twice does no harm */
    int n = __atomic_load_n(&processors, __ATOMIC_RELAXED);
    if (MPY_UNLIKELY(n == 0)) {
        n = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1;
        __atomic_store_n(&processors, n, __ATOMIC_RELAXED);
    }
    return n > 1;
}

static uint32_t
look_for_a_while(struct mpyi_waiter *w)
{
    uint32_t state = WAITER_QUEUED;
    for (int i = 0; i < LOCK_SPINS && may_spin(); i++) {
        state = __atomic_load_n(&w->state, __ATOMIC_ACQUIRE);
        if (state != WAITER_QUEUED) {
            break;
        }
        mpyi_cpu_relax();
    }
    return state;
}

/* The interval is over for a member of the turn queue. */
static void
interval_passed(struct mpyi_lock *lock, struct mpyi_waiter *w)
{
    mpyi_guard_lock(&lock->guard);
    if (w->queued) {
        if (w->turn != lock->turns) {
            w->turn = lock->turns; /* another one's turn began meanwhile: it has an interval, too */
        } else if (!w->expired) {
            w->expired = true;
            w->round = lock->rounds;
            lock->expired++;
            update_breaker(lock);
        }
    }
    mpyi_guard_unlock(&lock->guard);
}

/* Until the lock is w's or closed. */
static mpy_status
wait_in_queue(struct mpyi_lock *lock, struct mpyi_waiter *w, bool urgent)
{
    uint32_t state = look_for_a_while(w);
    bool timed = !urgent;
    while (state == WAITER_QUEUED) {
        int64_t timeout = timed ? __atomic_load_n(&lock->interval, __ATOMIC_RELAXED) : -1;
        if (!mpyi_futex_wait(&w->state, WAITER_QUEUED, timeout)) {
            interval_passed(lock, w);
            timed = !w->expired;
        }
        state = __atomic_load_n(&w->state, __ATOMIC_ACQUIRE);
    }
    __atomic_fetch_sub(&lock->waiting, 1, __ATOMIC_RELAXED);
    return state == WAITER_GRANTED ? MPY_OK : lock->closed;
}

/* Under the guard. Takes the lock if it is free, announces a waiter otherwise; false then. */
static bool
take_or_announce(struct mpyi_lock *lock)
{
    uint32_t word = __atomic_load_n(&lock->word, __ATOMIC_RELAXED);
    for (;;) {
        uint32_t want = (word & MPYI_LOCK_HELD) == 0 ? MPYI_LOCK_HELD : word | MPYI_LOCK_WAITERS;
        if (__atomic_compare_exchange_n(&lock->word, &word, want, true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
            return (want & MPYI_LOCK_WAITERS) == 0;
        }
    }
}

mpy_status
mpyi_lock_acquire_slow(struct mpyi_lock *lock)
{
    struct mpyi_waiter self;
    memset(&self, 0, sizeof self);
    mpyi_guard_lock(&lock->guard);
    if (lock->closed != MPY_OK) {
        mpy_status why = lock->closed;
        mpyi_guard_unlock(&lock->guard);
        return why;
    }
    if (take_or_announce(lock)) {
        mpyi_guard_unlock(&lock->guard);
        return MPY_OK;
    }
    queue_append(&lock->urgent, &self);
    update_breaker(lock);
    __atomic_fetch_add(&lock->waits, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&lock->waiting, 1, __ATOMIC_RELAXED);
    mpyi_guard_unlock(&lock->guard);
    return wait_in_queue(lock, &self, true);
}

/* ---- letting go ---------------------------------------------------------------------------------
 */

/* Under the guard: with the queues empty, the word says so again. */
static void
update_word(struct mpyi_lock *lock)
{
    if (lock->urgent.first == NULL && lock->turn.first == NULL) {
        __atomic_store_n(&lock->word, MPYI_LOCK_HELD, __ATOMIC_RELAXED);
    }
}

void
mpyi_lock_release_slow(struct mpyi_lock *lock)
{
    mpyi_guard_lock(&lock->guard);
    struct mpyi_waiter *next = lock->closed == MPY_OK ? next_owner(lock) : NULL;
    if (next != NULL) {
        update_word(lock);
        update_breaker(lock);
    } else if (lock->closed == MPY_OK) {
        __atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
    }
    mpyi_guard_unlock(&lock->guard);
    if (next != NULL) {
        grant(next);
    }
}

bool
mpyi_lock_yield(struct mpyi_lock *lock)
{
    struct mpyi_waiter self;
    memset(&self, 0, sizeof self);
    mpyi_guard_lock(&lock->guard);
    if (lock->urgent.first == NULL && lock->expired == 0) {
        mpyi_guard_unlock(&lock->guard);
        return false;
    }
    self.resumes = lock->expired == 0;
    uint64_t turns = lock->turns;
    struct mpyi_waiter *next = next_owner(lock);
    if (lock->turns != turns) {
        /* The new turn is not cut short by those that waited for the end of the last one. They need
           not look again: this thread, behind them, sees to the end of the new one. */
        lock->expired = 0;
        lock->rounds++;
    }
    if (self.resumes) {
        queue_prepend(&lock->turn, &self);
    } else {
        queue_append(&lock->turn, &self);
    }
    self.turn = lock->turns;
    update_breaker(lock);
    __atomic_fetch_add(&lock->hand_offs, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&lock->waits, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&lock->waiting, 1, __ATOMIC_RELAXED);
    mpyi_guard_unlock(&lock->guard);
    grant(next);
    mpy_status status = wait_in_queue(lock, &self, false);
    MPY_ASSERT(status == MPY_OK); /* closing needs the lock, and nobody else attached */
    (void)status;
    return true;
}

void
mpyi_lock_close(struct mpyi_lock *lock, mpy_status why)
{
    mpyi_guard_lock(&lock->guard);
    struct mpyi_waiter *refused = lock->urgent.first;
    MPY_ASSERT(lock->turn.first == NULL);
    lock->urgent.first = NULL;
    lock->urgent.last = NULL;
    lock->closed = why;
    update_breaker(lock);
    lock->breaker = NULL;
    __atomic_store_n(&lock->word, MPYI_LOCK_HELD | MPYI_LOCK_CLOSED, __ATOMIC_RELAXED);
    mpyi_guard_unlock(&lock->guard);
    while (refused != NULL) {
        struct mpyi_waiter *next = refused->next;
        uint32_t *state = &refused->state;
        __atomic_store_n(state, WAITER_REFUSED, __ATOMIC_RELEASE);
        mpyi_futex_wake(state, 1);
        refused = next;
    }
}

bool
mpyi_lock_after_fork(struct mpyi_lock *lock, bool mine)
{
    uint32_t word = __atomic_load_n(&lock->word, __ATOMIC_RELAXED);
    bool usable = lock->closed == MPY_OK && (mine || (word & MPYI_LOCK_HELD) == 0);
    memset(&lock->urgent, 0, sizeof lock->urgent);
    memset(&lock->turn, 0, sizeof lock->turn);
    lock->expired = 0;
    lock->streak = 0;
    __atomic_store_n(&lock->waiting, 0, __ATOMIC_RELAXED);
    if (usable) {
        update_breaker(lock);
        word = mine ? MPYI_LOCK_HELD : 0;
    } else {
        if (lock->closed == MPY_OK) {
            lock->closed = MPY_E_FORKED;
        }
        lock->breaker = NULL;
        word = MPYI_LOCK_HELD | MPYI_LOCK_CLOSED;
    }
    __atomic_store_n(&lock->word, word, __ATOMIC_RELAXED);
    __atomic_store_n(&lock->guard, 0, __ATOMIC_RELAXED);
    return usable;
}
