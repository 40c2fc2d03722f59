/* SPDX-License-Identifier: MIT */
/*
 * runtime/mutex.c - mpy_mutex: a lock for the host's own data that gets along with the runtime's.
 *
 *   0 unlocked    1 locked    2 locked, and a thread sleeps or is about to
 *
 * The three-state mutex of Drepper, "Futexes Are Tricky" (2011). A thread that has to wait lets go
 * of the runtime's lock first: the owner of the mutex may need that lock to go on. Uncontended it
 * is one compare-and-swap, and the runtime's lock is not touched.
 *
 * The runtime's lock is taken back only after the mutex was had, so a thread may own the mutex and
 * wait for the runtime; nobody waits for the mutex while holding the runtime. No cycle.
 *
 * Lock: none needed.
 */
#include "runtime/futex.h"
#include "runtime/park.h"
#include "runtime/runtime.h"

#define UNLOCKED  0u
#define LOCKED    1u
#define CONTENDED 2u

static __attribute__((cold)) void
lock_slow(uint32_t *word)
{
    mpy_thread_token *saved = mpy_gil_release();
    while (__atomic_exchange_n(word, CONTENDED, __ATOMIC_ACQUIRE) != UNLOCKED) {
        (void)mpyi_futex_wait(word, CONTENDED, -1);
    }
    mpy_gil_acquire(saved);
}

void
mpy_mutex_lock(mpy_mutex *mutex)
{
    if (mutex == NULL) {
        mpyi_misuse(MPY_E_INVAL, __func__, "argument 'mutex': expected a mutex, got NULL");
        return;
    }
    uint32_t expected = UNLOCKED;
    if (!__atomic_compare_exchange_n(&mutex->word, &expected, LOCKED, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED)) {
        lock_slow(&mutex->word);
    }
}

void
mpy_mutex_unlock(mpy_mutex *mutex)
{
    if (mutex == NULL) {
        mpyi_misuse(MPY_E_INVAL, __func__, "argument 'mutex': expected a mutex, got NULL");
        return;
    }
    uint32_t was = __atomic_exchange_n(&mutex->word, UNLOCKED, __ATOMIC_RELEASE);
    if (was == CONTENDED) {
        mpyi_futex_wake(&mutex->word, 1);
    } else if (MPY_UNLIKELY(was == UNLOCKED)) {
        mpyi_misuse(MPY_E_INVAL, __func__, "the mutex is not locked");
    }
}
