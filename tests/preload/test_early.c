/* SPDX-License-Identifier: MIT */
/* preload: helper=early */
/*
 * test_early.c - threads, forks and handlers of fork() before main(), see helpers/early.c.
 */
#include "preload_test.h"

#include <stdlib.h>

int
early_finish(void);

static void
constructors_may_allocate_and_fork(void **state)
{
    (void)state;
    assert_int_equal(early_finish(), 0);
    void *p = malloc(48);
    assert_int_equal(preload_block(p), 48);
    free(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constructors_may_allocate_and_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
