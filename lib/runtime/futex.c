/* SPDX-License-Identifier: MIT */
/*
 * runtime/futex.c - futex(2), or the portable version, and the small mutex built on it.
 *
 * The mutex is the three-state one of Drepper, "Futexes Are Tricky" (2011): a thread that has slept
 * takes it as 2, so the next unlock wakes one sleeper more than needed at worst, and never too few.
 * It spins a little first: what it protects takes some dozen instructions.
 *
 * Lock: none.
 */
#include "runtime/futex.h"

#include "runtime/park.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S    INT64_C(1000000000)
#define GUARD_SPINS 64

static bool use_park = MPYI_FUTEX_PARK;

void
mpyi_futex_use_park(bool on)
{
    __atomic_store_n(&use_park, on || MPYI_FUTEX_PARK, __ATOMIC_RELAXED);
}

int64_t
mpyi_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

bool
mpyi_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns)
{
    if (__atomic_load_n(&use_park, __ATOMIC_RELAXED)) {
        return mpyi_park_wait(word, expected, timeout_ns);
    }
    struct timespec limit = {(time_t)(timeout_ns / NS_PER_S), (long)(timeout_ns % NS_PER_S)};
    int saved = errno;
    long rc = syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout_ns < 0 ? NULL : &limit,
                      NULL, 0);
    bool timed_out = rc != 0 && errno == ETIMEDOUT;
    errno = saved;
    return !timed_out;
}

void
mpyi_futex_wake(uint32_t *word, int n)
{
    if (__atomic_load_n(&use_park, __ATOMIC_RELAXED)) {
        mpyi_park_wake(word);
        return;
    }
    int saved = errno; /* the word may be unmapped by now: EFAULT means nobody sleeps there */
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
    errno = saved;
}

void
mpyi_guard_lock_slow(uint32_t *guard)
{
    for (int i = 0; i < GUARD_SPINS; i++) {
        uint32_t unlocked = 0;
        if (__atomic_load_n(guard, __ATOMIC_RELAXED) == 0 &&
            __atomic_compare_exchange_n(guard, &unlocked, 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
            return;
        }
        mpyi_cpu_relax();
    }
    while (__atomic_exchange_n(guard, 2, __ATOMIC_ACQUIRE) != 0) {
        mpyi_futex_wait(guard, 2, -1);
    }
}
