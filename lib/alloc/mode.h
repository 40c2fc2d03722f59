/* SPDX-License-Identifier: MIT */
/*
 * alloc/mode.h - reasons to keep magazines closed.
 *
 * A closed magazine (top == lo, put == hi) sends every inlined call out of line, with its true
 * size; there live failure injection, tracing and poisoning. Open magazines have no hooks at all.
 * Each heap remembers the modes it has seen and follows a change at its next slow path; a closed
 * heap takes a slow path every time, so switching off works at once.
 *
 * Lock: none; the word is atomic. Changes also apply at once to the calling thread's heaps.
 */
#ifndef MPY_ALLOC_MODE_H
#define MPY_ALLOC_MODE_H

#include "base/features.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define MPYI_MODE_FAULT  1u  /* mpy_debug_fail_alloc() is on */
#define MPYI_MODE_TRACE  2u  /* the trace hook wants every allocation and free */
#define MPYI_MODE_CHECK  4u  /* the checked layer looks at every request (alloc/checked.h) */
#define MPYI_MODE_CLOSED 8u  /* this build, or MINIPY_CLOSED=1 */
#define MPYI_MODE_HOST   32u /* a host's allocator has the blocks; process: those of mem */

/* No mode: a heap that notes this follows at its next slow path, whatever the modes are. */
#define MPYI_MODE_STALE UINT32_MAX

/* Modes of the whole process. */
extern _Atomic uint32_t mpyi_modes;

/* MPY_CHECK_* of the whole process (minipy/debug.h). */
extern _Atomic uint32_t mpyi_checks;

/* Heaps of the mem domain whose magazines are open, and which have a thread. */
extern _Atomic size_t mpyi_open_heaps;

static inline uint32_t
mpyi_modes_get(void)
{
    return atomic_load_explicit(&mpyi_modes, memory_order_relaxed);
}

/* Switches modes of the process on or off; the calling thread's heaps follow at once. */
void
mpyi_modes_set(uint32_t modes, int on);

/* Switches modes off; heaps follow at their next slow path, the caller's too. */
void
mpyi_modes_drop(uint32_t modes);

/* Reads MINIPY_CHECKS. To be called before the first block exists. */
void
mpyi_checks_start(void);

/* mpyi_modes_set() for one runtime alone; its lock is held. */
struct mpyi_rtheap;

void
mpyi_rtheap_modes_set(struct mpyi_rtheap *heap, uint32_t modes, int on);

#endif /* MPY_ALLOC_MODE_H */
