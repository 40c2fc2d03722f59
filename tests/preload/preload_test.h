/* SPDX-License-Identifier: MIT */
/*
 * preload_test.h - what the tests share that run under libminipy-malloc.so.
 *
 * They are ordinary programs: no header of the library, only the C library's. One private name that
 * the library exports says that it is there, and whose block an address is.
 */
#ifndef PRELOAD_TEST_H
#define PRELOAD_TEST_H

#include "support/cm.h"
#include "support/scale.h"

#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

/* Block size when p lies in a pool, 0 when it is a large block. Fails where the library is not
   loaded. */
static inline size_t
preload_block(const void *p)
{
    size_t (*block)(const void *) = NULL;
    *(void **)&block = dlsym(RTLD_DEFAULT, "mpy_priv_preload_block");
    if (block == NULL) {
        fail_msg("libminipy-malloc.so is not preloaded");
    }
    return block(p);
}

/* Resident bytes of this process. */
static inline size_t
preload_rss(void)
{
    unsigned long size = 0;
    unsigned long resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &size, &resident), 2);
    (void)fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

#endif
