/* SPDX-License-Identifier: MIT */
/*
 * alloc/spaces.h - what the `rt` argument of memstat.h and mpy_mem_trim() stands for.
 *
 *   NULL       the process: the mem space, the heaps of all threads
 *   a runtime  its two spaces and three heaps; its lock is held
 */
#ifndef MPY_ALLOC_SPACES_H
#define MPY_ALLOC_SPACES_H

#include "alloc/rtheap.h"

struct mpyi_spaces {
    struct mpyi_space *space[2];
    unsigned count;
    struct mpyi_rtheap *heap; /* NULL: the process */
    struct mpyi_usage *usage;
};

/* Sets MPY_E_INVAL; -1. */
int
mpyi_invalid(void);

/* 0, or -1 with MPY_E_INVAL when rt is not usable by the caller. */
int
mpyi_spaces_of(mpy_runtime *rt, struct mpyi_spaces *out);

/* Puts the magazines that the caller may touch back into bitmaps. */
void
mpyi_spaces_flush(const struct mpyi_spaces *spaces);

/* Copies a filled struct to the caller's, whose `size` says how much of it he knows; zeroes what
   he knows and we do not. Size 0: all of version 1, and `size` and `version` say so then. 0, or -1
   with MPY_E_INVAL: `out` is NULL, or its size too small. */
int
mpyi_struct_out(void *out, void *filled, uint32_t filled_size);

#endif /* MPY_ALLOC_SPACES_H */
