/* SPDX-License-Identifier: MIT */
/*
 * unit/gc/test_gc_life.c - making and ending a collector, and failures while it is made.
 */
#include "support/internal/fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "alloc/os.h"

static void
test_create_and_destroy(void **state)
{
    struct mpy_runtime rt = {0};
    struct mpyi_gc *gc;
    (void)state;
    rt.heap = mpyi_rtheap_new(NULL);
    assert_non_null(rt.heap);
    gc = mpyi_gc_create(&rt, rt.heap);
    assert_non_null(gc);
    assert_int_equal((uintptr_t)gc % 64, 0);
    assert_int_equal(gc->enabled, 1);
    assert_int_equal(gc->young_limit, 2000);
    assert_true(gc->young[0].capacity >= 4000);
    assert_int_equal(gc->state->phase, MPYI_GC_RESTING);
    assert_int_equal(mpyi_gc_check(gc, NULL, MPYI_GC_CHECK_RESTING), 0);
    mpyi_gc_destroy(gc);
    mpyi_gc_destroy(NULL);
    mpyi_rtheap_free(rt.heap);
}

static void
test_failures(void **state)
{
    struct mpy_runtime rt = {0};
    (void)state;
    rt.heap = mpyi_rtheap_new(NULL);
    assert_non_null(rt.heap);
    for (uint64_t n = 1; n <= 2; n++) {
        assert_int_equal(mpyi_fault_set(&rt.heap->fault, MPY_FAIL_NTH, n), 0);
        assert_null(mpyi_gc_create(&rt, rt.heap));
        assert_int_equal(mpyi_fault_set(&rt.heap->fault, MPY_FAIL_OFF, 0), 0);
    }
    mpyi_os_fail_after(1);
    assert_null(mpyi_gc_create(&rt, rt.heap));
    mpyi_os_fail_after(0);
    mpyi_rtheap_free(rt.heap);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_and_destroy),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
