/* SPDX-License-Identifier: MIT */
/*
 * test_obj.c - the obj domain: the current runtime's heap, or a clean failure.
 */
#include "alloc_test.h"

#include "minipy/mem.h"

static struct mpyi_rtheap *heap;
static int raised;

static void
on_raise(void)
{
    raised++;
}

static int
setup(void **state)
{
    (void)state;
    heap = mpyi_rtheap_new(NULL);
    mpyi_rtheap_enter(heap);
    raised = 0;
    MPYI_HOOK_SET(raise_no_memory, on_raise);
    return heap == NULL;
}

static int
teardown(void **state)
{
    (void)state;
    int result = mpyi_rtheap_check(heap);
    mpyi_rtheap_free(heap);
    MPYI_HOOK_SET(raise_no_memory, NULL);
    return result;
}

static void
every_size(void **state)
{
    (void)state;
    for (size_t n = 0; n < 1000; n++) {
        unsigned char *p = mpy_obj_malloc(n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 8, 0);
        memset(p, 1, n);
        p = mpy_obj_realloc(p, n + 100);
        assert_true(n == 0 || p[n - 1] == 1);
        memset(p, 2, n + 100);
        p = mpy_obj_realloc(p, n / 2);
        assert_true(n < 2 || p[n / 2 - 1] == 2);
        if (n % 2) {
            mpy_obj_free(p);
        } else {
            mpy_obj_free_sized(p, n / 2);
        }
    }
    mpy_obj_free(NULL);
    mpy_obj_free_sized(NULL, 24);
    mpy_obj_free_sized(NULL, 2400);
    assert_int_equal(raised, 0);
}

static void
spacing_is_eight_bytes(void **state)
{
    (void)state;
    if (MPYI_BYPASS) {
        return; /* this build has nothing of the kind */
    }
    void *p = mpy_obj_malloc(24);
    mpy_block_info info = {.size = sizeof info};
    assert_int_equal(mpy_mem_block_info(p, &info), 1);
    assert_int_equal(info.block_size, 24);
    assert_int_equal(info.kind, MPY_KIND_RAW);
    mpy_obj_free_sized(p, 24);
}

static void
calloc_zeroes_and_checks(void **state)
{
    (void)state;
    for (size_t n = 1; n < 900; n += 17) {
        unsigned char *p = mpy_obj_malloc(n);
        memset(p, 7, n);
        mpy_obj_free(p);
        p = mpy_obj_calloc(1, n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(p[i], 0);
        }
        mpy_obj_free(p);
    }
    volatile size_t huge = SIZE_MAX;
    assert_null(mpy_obj_calloc(huge, 2));
    assert_int_equal(raised, 1);
}

static void
failures_raise_once(void **state)
{
    (void)state;
    static const size_t sizes[] = {PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1, SIZE_MAX};
    void *p = mpy_obj_malloc(40);
    for (size_t i = 0; i < 3; i++) {
        volatile size_t n = sizes[i];
        assert_null(mpy_obj_malloc(n));
        assert_null(mpy_obj_realloc(p, n));
        assert_null(mpy_obj_realloc(NULL, n));
        assert_null(mpy_obj_calloc(1, n));
    }
    assert_int_equal(raised, 12);
    mpy_obj_free(p);
}

static void
without_a_runtime_it_fails_cleanly(void **state)
{
    (void)state;
    void *p = mpy_obj_malloc(40);
    mpyi_rtheap_leave();
    assert_null(mpy_obj_malloc(40));
    assert_int_equal(mpy_status_last(), MPY_E_NOT_ATTACHED);
    mpyi_status_set(MPY_OK);
    assert_null(mpy_obj_malloc(4000));
    assert_null(mpy_obj_calloc(4, 10));
    assert_null(mpy_obj_realloc(NULL, 10));
    assert_null(mpy_obj_realloc(p, 10));
    assert_int_equal(mpy_status_last(), MPY_E_NOT_ATTACHED);
    mpy_obj_free(NULL);
    if (MPY_DEBUG == 0) {
        mpyi_status_set(MPY_OK);
        mpy_obj_free(p); /* leaks until the runtime ends */
        mpy_obj_free_sized(p, 40);
        assert_int_equal(mpy_status_last(), MPY_E_NOT_ATTACHED);
    }
    assert_int_equal(raised, 0);
    mpyi_rtheap_enter(heap);
}

static void
inlined_constants_use_the_current_heap(void **state)
{
    (void)state;
    struct mpyi_rtheap *other = mpyi_rtheap_new(NULL);
    void *a = mpy_obj_malloc(40);
    mpyi_rtheap_enter(other);
    void *b = mpy_obj_malloc(40);
    assert_true(mpyi_rtheap_owns(heap, a) && !mpyi_rtheap_owns(other, a));
    assert_true(mpyi_rtheap_owns(other, b) && !mpyi_rtheap_owns(heap, b));
    mpy_obj_free_sized(b, 40);
    mpyi_rtheap_enter(heap);
    mpy_obj_free_sized(a, 40);
    assert_int_equal(mpyi_rtheap_check(other), 0);
    mpyi_rtheap_free(other);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_size),
        CASE(spacing_is_eight_bytes),
        CASE(calloc_zeroes_and_checks),
        CASE(failures_raise_once),
        CASE(without_a_runtime_it_fails_cleanly),
        CASE(inlined_constants_use_the_current_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
