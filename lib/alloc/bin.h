/* SPDX-License-Identifier: MIT */
/*
 * alloc/bin.h - a magazine ("bin") beyond the pop and push that hosts inline (minipy/mem.h).
 *
 * A bin has two arrays of `limit` slots each (mpyi_class_magazine). malloc pops the one, free
 * pushes on the other, and when malloc finds its own empty and eight or more in free's, they change
 * places:
 *
 *             lo                top                hi - limit        put               hi
 *             | blocks          |                  | blocks          |                 |
 *             oldest .. newest -^                  oldest .. newest -^
 *             malloc takes these, from the top     free adds to these
 *
 * Two, because a free learns late where it writes (the class of the block has to be looked up), and
 * a malloc that might read the same word would have to wait: 7.6 ns a pair of random sizes with one
 * array, 6.2 with two. What is in malloc's array is older than what is in free's, but where sizes
 * are known at once, in a runtime's heaps and in inlined frees of a constant size: there nothing
 * waits, and a free goes back onto malloc's array while that holds 1 to 31 blocks
 * (mpy_priv_bin_push_near), so that the same few blocks stay in use.
 *
 *   open     lo <= top <= lo + limit, hi - limit <= put <= hi
 *   closed   all four NULL
 *
 * Lock: the heap's, but for mpyi_bin_count().
 */
#ifndef MPY_ALLOC_BIN_H
#define MPY_ALLOC_BIN_H

#include "alloc/size.h"
#include "base/assert.h"

/* An open bin without blocks over 2 * limit slots. */
static inline void
mpyi_bin_open(struct mpy_priv_bin *bin, unsigned size_class, void **slots)
{
    unsigned limit = mpyi_class_magazine[size_class];
    *bin = (struct mpy_priv_bin){slots, slots, slots + limit, slots + 2 * limit};
}

/* First slot of free's array. The bin is open. */
static inline void **
mpyi_bin_freed(const struct mpy_priv_bin *bin, unsigned size_class)
{
    return bin->hi - mpyi_class_magazine[size_class];
}

/* The arrays of an open bin change places. */
static inline void
mpyi_bin_turn(struct mpy_priv_bin *bin, unsigned size_class)
{
    void **freed = mpyi_bin_freed(bin, size_class);
    void **taken = bin->lo;
    bin->hi = taken + mpyi_class_magazine[size_class];
    bin->lo = freed;
    void **end = bin->put;
    bin->put = bin->top;
    bin->top = end;
}

/* With a handful of blocks the next turn would be due at once: a program that goes up and down by a
   block or two would turn at each call, so the slow path had better refill. */
#define MPYI_TURN_LEAST 8

/* A block of free's array, which becomes malloc's, where that has none; NULL when the bin is closed
   or free's array has fewer than `least` blocks. */
static inline void *
mpyi_bin_turn_pop(struct mpy_priv_bin *bin, unsigned size_class, ptrdiff_t least)
{
    if (MPY_UNLIKELY(bin->hi == NULL) || bin->put - mpyi_bin_freed(bin, size_class) < least) {
        return NULL;
    }
    mpyi_bin_turn(bin, size_class);
    return mpy_priv_bin_pop(bin);
}

/* A block of either array; NULL when the bin is closed, or has none or next to none. */
static inline void *
mpyi_bin_take(struct mpy_priv_bin *bin, unsigned size_class)
{
    void *p = mpy_priv_bin_pop(bin);
    return p != NULL ? p : mpyi_bin_turn_pop(bin, size_class, MPYI_TURN_LEAST);
}

/* Blocks in the bin. Of what another thread changes meanwhile it makes a number that is possible.
 */
static inline MPYI_NO_TSAN size_t
mpyi_bin_count(const struct mpy_priv_bin *bin, unsigned size_class)
{
    size_t limit = mpyi_class_magazine[size_class];
    if (bin->hi == NULL) {
        return 0;
    }
    size_t older = ((uintptr_t)bin->top - (uintptr_t)bin->lo) / sizeof(void *);
    size_t newer = limit - ((uintptr_t)bin->hi - (uintptr_t)bin->put) / sizeof(void *);
    return (older <= limit ? older : 0) + (newer <= limit ? newer : 0);
}

#endif /* MPY_ALLOC_BIN_H */
