/* SPDX-License-Identifier: MIT */
/*
 * test_fault.c - failures on demand: each mode, in each domain, counted once a request.
 */
#include "alloc_test.h"

#include "minipy/debug.h"

/* 100 requests; bit i of out[i / 64]: request i + 1 failed. */
static uint64_t
pattern(int mode, uint64_t n, uint64_t out[2])
{
    struct mpyi_fault fault = {0};
    assert_int_equal(mpyi_fault_set(&fault, mode, n), 0);
    out[0] = out[1] = 0;
    for (size_t i = 0; i < 100; i++) {
        if (mpyi_fault_count(&fault, i)) {
            out[i / 64] |= UINT64_C(1) << (i % 64);
        }
    }
    assert_int_equal(fault.counted, mode == MPY_FAIL_OFF ? 0 : 100);
    assert_int_equal(fault.failed, mpyi_popcount64(out[0]) + mpyi_popcount64(out[1]));
    return fault.failed;
}

static void
modes_choose_their_requests(void **state)
{
    (void)state;
    uint64_t got[2];
    uint64_t again[2];
    assert_int_equal(pattern(MPY_FAIL_OFF, 1, got), 0);
    assert_int_equal(pattern(MPY_FAIL_NTH, 7, got), 1);
    assert_true(got[0] == UINT64_C(1) << 6);
    assert_int_equal(pattern(MPY_FAIL_NTH, 0, got), 0);
    assert_int_equal(pattern(MPY_FAIL_AFTER, 91, got), 10);
    assert_true(got[1] == UINT64_C(0x3ff) << 26);
    assert_int_equal(pattern(MPY_FAIL_EVERY, 10, got), 10);
    assert_int_equal(pattern(MPY_FAIL_EVERY, 1, got), 100);
    assert_int_equal(pattern(MPY_FAIL_SIZE_ABOVE, 59, got), 40);
    assert_in_range(pattern(MPY_FAIL_RANDOM, 1, got), 1, 20);
    (void)pattern(MPY_FAIL_RANDOM, 1, again);
    assert_memory_equal(got, again, sizeof got);
    (void)pattern(MPY_FAIL_RANDOM, 2, again);
    assert_memory_not_equal(got, again, sizeof got);
}

static void
random_is_about_one_in_16(void **state)
{
    (void)state;
    struct mpyi_fault fault = {0};
    assert_int_equal(mpyi_fault_set(&fault, MPY_FAIL_RANDOM, 99), 0);
    for (int i = 0; i < 160000; i++) {
        (void)mpyi_fault_count(&fault, 1);
    }
    assert_in_range(fault.failed, 9500, 10500);
}

static void
bad_modes_are_refused(void **state)
{
    (void)state;
    int word;
    assert_int_equal(mpy_debug_fail_alloc(NULL, -1, 1), -1);
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_RANDOM + 1, 1), -1);
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_EVERY, 0), -1);
    assert_int_equal(mpy_debug_fail_alloc((mpy_runtime *)(void *)&word, MPY_FAIL_OFF, 0), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    uint64_t failed = 5;
    assert_int_equal(mpy_debug_fail_count((mpy_runtime *)(void *)&word, &failed), -1);
    assert_int_equal(failed, 0);
}

/* Every function that can fail, once; how many returned NULL. */
static int
use_everything(void)
{
    int failures = 0;
    void *blocks[16];
    size_t n = 0;
    blocks[n++] = mpy_mem_malloc(40);
    blocks[n++] = mpy_mem_malloc(5000);
    blocks[n++] = mpy_mem_calloc(3, 10);
    blocks[n++] = mpy_mem_calloc(3, 1000);
    blocks[n++] = mpy_mem_aligned_alloc(64, 100);
    blocks[n++] = mpy_mem_aligned_alloc(4096, 100);
    blocks[n++] = mpy_mem_strndup("abc", 2);
    for (size_t i = 0; i < n; i++) {
        failures += blocks[i] == NULL;
    }
    for (size_t i = 0; i < 2; i++) {
        size_t old = mpy_mem_usable_size(blocks[i]);
        void *moved = mpy_mem_realloc(blocks[i], 10 * old + 2000);
        failures += moved == NULL;
        blocks[i] = moved != NULL ? moved : blocks[i];
    }
    for (size_t i = 0; i < n; i++) {
        mpy_mem_free(blocks[i]);
    }
    blocks[0] = mpy_raw_malloc(10);
    blocks[1] = mpy_raw_calloc(2, 10);
    void *moved = mpy_raw_realloc(blocks[0], 100);
    failures += (blocks[0] == NULL) + (blocks[1] == NULL) + (moved == NULL);
    mpy_raw_free(moved != NULL ? moved : blocks[0]);
    mpy_raw_free_sized(blocks[1], 20);
    return failures;
}

static void
every_request_counts_once(void **state)
{
    (void)state;
    assert_int_equal(use_everything(), 0);
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_NTH, UINT64_MAX), 0);
    assert_int_equal(use_everything(), 0);
    ptrdiff_t total = mpy_debug_fail_count(NULL, NULL);
    assert_int_equal(total, 12);
    for (ptrdiff_t i = 1; i <= total; i++) {
        assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_NTH, (uint64_t)i), 0);
        assert_int_equal(use_everything(), 1);
        uint64_t failed;
        (void)mpy_debug_fail_count(NULL, &failed);
        assert_int_equal(failed, 1);
        assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
        assert_int_equal(mpy_debug_check_heap(NULL), 0);
        assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_AFTER, (uint64_t)i), 0);
        assert_true(use_everything() >= 1);
    }
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0), 0);
    assert_int_equal(use_everything(), 0);
    assert_int_equal(mpy_debug_fail_count(NULL, NULL), 0);
}

static struct mpyi_rtheap *runtime_heap;
static int raised;

static struct mpyi_rtheap *
find_heap(mpy_runtime *rt)
{
    return (void *)rt == (void *)&runtime_heap ? runtime_heap : NULL;
}

static void
on_raise(void)
{
    raised++;
}

static void
a_runtime_fails_alone(void **state)
{
    (void)state;
    mpy_runtime *rt = (mpy_runtime *)(void *)&runtime_heap;
    MPYI_HOOK_SET(runtime_heap, find_heap);
    MPYI_HOOK_SET(raise_no_memory, on_raise);
    runtime_heap = mpyi_rtheap_new(NULL);
    struct mpyi_rtheap *other = mpyi_rtheap_new(NULL);
    mpyi_rtheap_enter(runtime_heap);
    assert_int_equal(mpy_debug_fail_alloc(rt, MPY_FAIL_AFTER, 3), 0);
    void *a = mpyi_atom_alloc(runtime_heap, 24);
    void *c = mpyi_cell_alloc(runtime_heap, 40);
    assert_non_null(a);
    assert_non_null(c);
    assert_null(mpyi_atom_alloc(runtime_heap, 24));
    assert_null(mpyi_atom_alloc(runtime_heap, 2400));
    assert_null(mpyi_cell_alloc(runtime_heap, 40));
    assert_null(mpyi_array_alloc(runtime_heap, 40));
    assert_null(mpyi_array_alloc(runtime_heap, 4000));
    assert_int_equal(raised, 0);
    assert_null(mpy_obj_malloc(24));
    assert_null(mpy_obj_calloc(100, 100));
    assert_null(mpy_obj_realloc(NULL, 100));
    assert_int_equal(raised, 3);
    uint64_t failed;
    assert_int_equal(mpy_debug_fail_count(rt, &failed), 10);
    assert_int_equal(failed, 8);
    void *m = mpy_mem_malloc(10);
    assert_non_null(m);
    mpy_mem_free(m);
    m = mpyi_atom_alloc(other, 24);
    assert_non_null(m);
    assert_int_equal(mpy_debug_fail_alloc(rt, MPY_FAIL_OFF, 0), 0);
    assert_non_null(mpy_obj_malloc(24));
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_EVERY, 1), 0);
    assert_null(mpy_obj_malloc(24)); /* the process's source counts for runtimes, too */
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0), 0);
    assert_int_equal(mpyi_rtheap_check(runtime_heap), 0);
    mpyi_rtheap_free(runtime_heap);
    mpyi_rtheap_free(other);
    MPYI_HOOK_SET(runtime_heap, NULL);
    MPYI_HOOK_SET(raise_no_memory, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_choose_their_requests), cmocka_unit_test(random_is_about_one_in_16),
        cmocka_unit_test(bad_modes_are_refused),       cmocka_unit_test(every_request_counts_once),
        cmocka_unit_test(a_runtime_fails_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
