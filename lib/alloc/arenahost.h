/* SPDX-License-Identifier: MIT */
/*
 * alloc/arenahost.h - arenas that a host supplies.
 *
 *   mem        for the process, before its first allocation: mpy_mem_set_arena_allocator()
 *   runtimes   mpy_config_set_arena_allocator(), before the runtime is made
 *
 * The space keeps a copy (alloc/space.h), so nothing changes under it.
 *
 * Lock: one of its own, a leaf.
 */
#ifndef MPY_ALLOC_ARENAHOST_H
#define MPY_ALLOC_ARENAHOST_H

#include "minipy/mem.h"

/* Copies what a host gave. 0; -1 when it is NULL, too small or lacks a function. */
int
mpyi_arena_allocator_read(const mpy_arena_allocator *from, mpy_arena_allocator *to);

/* The mem space is about to be made: from now on nothing can be set. 1 and *out filled when a host
   supplies its arenas, 0 when the system does. */
int
mpyi_arena_host_freeze(mpy_arena_allocator *out);

#endif /* MPY_ALLOC_ARENAHOST_H */
