/* SPDX-License-Identifier: MIT */
/*
 * runtime/futex.h - sleeping on a 32-bit word until another thread changes it.
 *
 * The pattern of every use:
 *
 *     sleeper                                     waker
 *     while (atomic load of *word == expected)    atomic store of another value to *word
 *         mpyi_futex_wait(word, expected, -1)     mpyi_futex_wake(word, 1)
 *
 * A sleeper may wake for no reason: the loop is not optional. A waker may call wake after the
 * sleeper has seen the store and its word is gone; wake never touches the word.
 *
 * On Linux this is futex(2), private to the process. The portable version in runtime/park.h takes
 * its place in builds with MPYI_FUTEX_PARK=1, and at run time for tests.
 */
#ifndef MPY_RUNTIME_FUTEX_H
#define MPY_RUNTIME_FUTEX_H

#include <stdbool.h>
#include <stdint.h>

#ifndef MPYI_FUTEX_PARK
#define MPYI_FUTEX_PARK 0
#endif

/* Sleeps while *word == expected, for timeout_ns at most; a negative timeout means for ever. False
   when the time is up, true otherwise. */
bool
mpyi_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns);

/* Wakes up to n sleepers of the word. */
void
mpyi_futex_wake(uint32_t *word, int n);

/* true: from now on the portable version. Only while nobody sleeps. */
void
mpyi_futex_use_park(bool on);

/* Nanoseconds of the monotonic clock. */
int64_t
mpyi_now_ns(void);

/* ---- a mutex for a few instructions: 0 free, 1 taken, 2 taken and somebody sleeps -------------
 */

void
mpyi_guard_lock_slow(uint32_t *guard);

static inline void
mpyi_guard_lock(uint32_t *guard)
{
    uint32_t unlocked = 0;
    if (!__atomic_compare_exchange_n(guard, &unlocked, 1, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED)) {
        mpyi_guard_lock_slow(guard);
    }
}

static inline void
mpyi_guard_unlock(uint32_t *guard)
{
    if (__atomic_exchange_n(guard, 0, __ATOMIC_RELEASE) == 2) {
        mpyi_futex_wake(guard, 1);
    }
}

#endif /* MPY_RUNTIME_FUTEX_H */
