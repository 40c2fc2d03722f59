/* SPDX-License-Identifier: MIT */
/*
 * test_raw.c - the raw domain: this library's rules on the system's allocator.
 */
#include "alloc_test.h"

#include "minipy/mem.h"

static void
sizes_at_the_edge(void **state)
{
    (void)state;
    static const size_t too_much[] = {SIZE_MAX, SIZE_MAX - 1, (size_t)PTRDIFF_MAX + 1};
    for (size_t i = 0; i < sizeof too_much / sizeof too_much[0]; i++) {
        volatile size_t n = too_much[i];
        mpyi_status_set(MPY_OK);
        assert_null(mpy_raw_malloc(n));
        assert_null(mpy_raw_calloc(n, 1));
        assert_null(mpy_raw_calloc(1, n));
        assert_null(mpy_raw_calloc(n, 2));
        assert_null(mpy_raw_realloc(NULL, n));
        assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
    }
}

static void
zero_bytes_give_a_unique_pointer(void **state)
{
    (void)state;
    void *a = mpy_raw_malloc(0);
    void *b = mpy_raw_malloc(0);
    void *c = mpy_raw_calloc(0, 7);
    assert_true(a != NULL && b != NULL && c != NULL && a != b && b != c && a != c);
    void *d = mpy_raw_realloc(a, 0); /* never a free */
    assert_non_null(d);
    mpy_raw_free(d);
    mpy_raw_free(b);
    mpy_raw_free_sized(c, 0);
    mpy_raw_free(NULL);
    mpy_raw_free_sized(NULL, 8);
}

static void
contents_and_alignment(void **state)
{
    (void)state;
    for (size_t n = 1; n < 5000; n = n * 3 / 2 + 1) {
        char *p = mpy_raw_calloc(n, 3);
        assert_int_equal((uintptr_t)p % (3 * n >= 16 ? 16 : 8), 0);
        for (size_t i = 0; i < 3 * n; i++) {
            assert_int_equal(p[i], 0);
            p[i] = (char)i;
        }
        p = mpy_raw_realloc(p, 10 * n);
        for (size_t i = 0; i < 3 * n; i++) {
            assert_int_equal(p[i], (char)i);
        }
        mpy_raw_free(p);
    }
}

static void
a_failing_realloc_changes_nothing(void **state)
{
    (void)state;
    char *p = mpy_raw_malloc(10);
    memcpy(p, "123456789", 10);
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_NTH, 1), 0);
    assert_null(mpy_raw_realloc(p, 100));
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0), 0);
    assert_string_equal(p, "123456789");
    mpy_raw_free(p);
}

/* A limit below what is in use: what makes it less still works. */
static void
blocks_shrink_above_the_limit(void **state)
{
    (void)state;
    for (size_t n = 200; n < 200000; n *= 3) {
        char *p = mpy_raw_malloc(n);
        memset(p, 'x', n);
        uint64_t used = mpy_mem_used();
        mpy_mem_set_limit(1);
        assert_null(mpy_raw_realloc(p, 10 * n));
        p = mpy_raw_realloc(p, n / 4);
        assert_non_null(p);
        assert_true(mpy_mem_used() < used);
        mpy_mem_set_limit(0);
        for (size_t i = 0; i < n / 4; i++) {
            assert_int_equal(p[i], 'x');
        }
        mpy_raw_free(p);
    }
}

static int events[2];

static void
on_trace(int event, int kind, void *block, size_t n)
{
    (void)block;
    (void)n;
    assert_int_equal(kind, -1);
    events[event]++;
}

static void
tracing_sees_the_raw_domain(void **state)
{
    (void)state;
    MPYI_HOOK_SET(trace, on_trace);
    mpyi_modes_set(MPYI_MODE_TRACE, 1);
    void *p = mpy_raw_malloc(10);
    p = mpy_raw_realloc(p, 20);
    mpy_raw_free(p);
    mpy_raw_free(NULL);
    mpyi_modes_set(MPYI_MODE_TRACE, 0);
    MPYI_HOOK_SET(trace, NULL);
    assert_int_equal(events[MPYI_TRACE_ALLOC], 2);
    assert_int_equal(events[MPYI_TRACE_FREE], 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_at_the_edge),
        cmocka_unit_test(zero_bytes_give_a_unique_pointer),
        cmocka_unit_test(contents_and_alignment),
        cmocka_unit_test(a_failing_realloc_changes_nothing),
        cmocka_unit_test(blocks_shrink_above_the_limit),
        cmocka_unit_test(tracing_sees_the_raw_domain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
