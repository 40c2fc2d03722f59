/* SPDX-License-Identifier: MIT */
/*
 * unit/types/sweep.h - runs a piece of code with its first allocation failing, then its second, and
 * so on, until it gets through.
 *
 * The piece returns 1 when it succeeded, 0 when it failed with an error set. A failure has to be a
 * MemoryError and to leave as many blocks as there were.
 */
#ifndef MPY_UNIT_TYPES_SWEEP_H
#define MPY_UNIT_TYPES_SWEEP_H

#include "support/api_world.h"

#include "minipy/debug.h"
#include "minipy/memstat.h"

typedef int (*sweep_fn)(struct api_world *world, void *data);

static inline unsigned
sweep(struct api_world *world, sweep_fn fn, void *data)
{
    for (unsigned n = 1; n < 1000; n++) {
        uint64_t failed = 0;
        int done;
        ptrdiff_t blocks = mpy_mem_allocated_blocks(world->rt);
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_NTH, n), 0);
        done = fn(world, data);
        (void)mpy_debug_fail_count(world->rt, &failed);
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
        if (done) {
            assert_int_equal(mpy_err_occurred(), 0);
            if (failed == 0) {
                return n - 1;
            }
            continue; /* got through without that block */
        }
        assert_true(failed != 0);
        assert_int_equal(mpy_err_code(), MPY_EXC_MEMORY_ERROR);
        mpy_err_clear();
        assert_int_equal(mpy_mem_allocated_blocks(world->rt), blocks);
    }
    fail_msg("does not get through");
    return 0;
}

#endif /* MPY_UNIT_TYPES_SWEEP_H */
