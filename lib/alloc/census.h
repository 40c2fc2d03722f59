/* SPDX-License-Identifier: MIT */
/*
 * alloc/census.h - what a walk over all pool descriptors and magazines found.
 *
 *   allocated(class)    = used - cached
 *   free(class)         = pools * capacity - allocated - untouched
 *
 * Lock: as alloc/stats.c, which takes the census.
 */
#ifndef MPY_ALLOC_CENSUS_H
#define MPY_ALLOC_CENSUS_H

#include "alloc/spaces.h"

struct mpyi_class_sums {
    uint64_t pools, used, untouched, cached;
    uint64_t by_fill[4]; /* pools by their share of used blocks: up to 1/4, 1/2, 3/4, above */
};

struct mpyi_census {
    uint64_t states[MPY_POOL_FULL + 1];
    struct mpyi_class_sums classes[MPYI_CLASS_SLOTS];
    uint64_t heaps;
    int64_t large_bytes, large_blocks; /* not yet in the books of the process */
};

/* Fills both; 0, or -1 with MPY_E_INVAL. */
int
mpyi_census_take(mpy_runtime *rt, struct mpyi_census *census, mpy_mem_stats *stats);

/* The public figures of one class. */
void
mpyi_census_class(const struct mpyi_census *census, unsigned size_class, mpy_class_stats *stats);

#endif /* MPY_ALLOC_CENSUS_H */
