/* SPDX-License-Identifier: MIT */
/*
 * support/scale.h - how much work a test does.
 *
 * The environment's MINIPY_TEST_SCALE says it: 1 (the default) for the quick run, 10 for continuous
 * integration, 500 for the full counts of the long run. A test multiplies its smallest useful count
 * by it: full count = 500 * smallest.
 */
#ifndef MPY_TEST_SUPPORT_SCALE_H
#define MPY_TEST_SUPPORT_SCALE_H

#include <stdlib.h>

/* test_scale() - the factor, 1..10000. */
static inline unsigned long
test_scale(void)
{
    const char *text = getenv("MINIPY_TEST_SCALE");
    unsigned long scale = text != NULL ? strtoul(text, NULL, 10) : 1;

    return scale < 1 ? 1 : scale > 10000 ? 10000 : scale;
}

/* test_scaled(n) - `n` at scale 1, `500 * n` in the long run. */
static inline unsigned long
test_scaled(unsigned long n)
{
    return n * test_scale();
}

#endif
