/* SPDX-License-Identifier: MIT */
/*
 * runtime/park.h - futex(2) rebuilt from POSIX mutexes and condition variables.
 *
 * Words hash into a fixed table of buckets; sleepers of a bucket share one condition variable, so a
 * wake-up may wake strangers, whose loops put them back to sleep. Slower than a futex and as
 * correct. See runtime/futex.h for the contract.
 */
#ifndef MPY_RUNTIME_PARK_H
#define MPY_RUNTIME_PARK_H

#include <stdbool.h>
#include <stdint.h>

bool
mpyi_park_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns);

/* Wakes every sleeper of the word's bucket. */
void
mpyi_park_wake(uint32_t *word);

/* In a fork's child: nobody sleeps here any more. */
void
mpyi_park_after_fork(void);

/* One turn of a loop that waits for another processor. */
static inline void
mpyi_cpu_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

#endif /* MPY_RUNTIME_PARK_H */
