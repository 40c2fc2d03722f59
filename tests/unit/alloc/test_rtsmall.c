/* SPDX-License-Identifier: MIT */
/*
 * test_rtsmall.c - atoms, cells and arrays: every size, bulk free, a random run against a model.
 */
#include "alloc_test.h"

static struct mpyi_rtheap *heap;

static int
setup(void **state)
{
    (void)state;
    heap = mpyi_rtheap_new(NULL);
    return heap == NULL;
}

static int
teardown(void **state)
{
    (void)state;
    int result = mpyi_rtheap_check(heap);
    mpyi_rtheap_free(heap);
    return result;
}

static void
every_size(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 700; n++) {
        char *a = mpyi_atom_alloc(heap, n);
        size_t good = mpyi_array_good_size(n);
        char *b = mpyi_array_alloc(heap, good);
        memset(a, 1, n);
        memset(b, 2, good);
        assert_int_equal((uintptr_t)a % 8, 0);
        assert_true(good >= n);
        if (n >= MPYI_CELL_MIN && n <= MPYI_CELL_MAX) {
            char *c = mpyi_cell_alloc(heap, n);
            memset(c, 3, n);
            assert_true((size_t)(c - heap->gc_space.base) < heap->gc_space.used);
            assert_int_equal((uintptr_t)c % 8, 0);
            mpyi_cell_free(heap, c, n);
        }
        mpyi_atom_free(heap, a, n);
        mpyi_array_free(heap, b, good);
    }
    char *p = mpyi_array_alloc(heap, 0);
    assert_non_null(p);
    mpyi_array_free(heap, p, 0);
    mpyi_array_free(heap, NULL, 5);
}

static void
sizes_at_the_edge(void **state)
{
    (void)state;
    static const size_t sizes[] = {PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1, SIZE_MAX - 7, SIZE_MAX};
    char *p = mpyi_array_alloc(heap, 10);
    char *q = mpyi_array_alloc(heap, 1000);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        volatile size_t n = sizes[i];
        assert_null(mpyi_atom_alloc(heap, n));
        assert_null(mpyi_array_alloc(heap, n));
        assert_null(mpyi_cell_alloc_slow(heap, n));
        assert_null(mpyi_array_realloc(heap, p, 10, n));
        assert_null(mpyi_array_realloc(heap, q, 1000, n));
        assert_null(mpyi_array_realloc(heap, NULL, 0, n));
    }
    assert_null(mpyi_cell_alloc_slow(heap, MPYI_CELL_MAX + 1));
}

static void
arrays_grow_and_shrink(void **state)
{
    (void)state;
    size_t old = 0;
    unsigned char *p = NULL;
    for (int i = 0; i < 60; i++) {
        size_t n = i < 30 ? old + old / 3 + 5 : old - old / 4;
        p = mpyi_array_realloc(heap, p, old, n);
        assert_non_null(p);
        size_t kept = old < n ? old : n;
        for (size_t k = 0; k < kept; k += 1 + kept / 50) {
            assert_int_equal(p[k], k & 255);
        }
        for (size_t k = 0; k < n; k++) {
            p[k] = (unsigned char)k;
        }
        old = n;
    }
    mpyi_array_free(heap, p, old);
}

static void
bulk_free_releases_dead_pools(void **state)
{
    (void)state;
    char *cells[64];
    for (int i = 0; i < 64; i++) {
        cells[i] = mpyi_cell_alloc(heap, 64);
    }
    mpyi_heap_flush(&heap->gc);
    uint32_t index = mpyi_space_index(&heap->gc_space, cells[0]);
    struct mpyi_pool *pool = &heap->gc_space.pools[index];
    uint64_t allocated[2];
    mpyi_pool_allocated_bits(pool, allocated);
    assert_true(allocated[0] == UINT64_MAX && allocated[1] == 0);
    const uint64_t some[2] = {UINT64_C(0xff00ff), 0};
    mpyi_cell_free_bulk(heap, index, some);
    assert_int_equal(mpyi_pool_used(pool), 48);
    assert_int_equal(pool->state, MPY_POOL_USED);
    assert_int_equal(mpyi_rtheap_check(heap), 0);
    const uint64_t none[2] = {0, 0};
    mpyi_cell_free_bulk(heap, index, none);
    const uint64_t rest[2] = {~UINT64_C(0xff00ff), 0};
    mpyi_cell_free_bulk(heap, index, rest);
    assert_int_equal(pool->state, MPY_POOL_EMPTY);
    assert_int_equal(heap->gc_space.classes[index], 0);
    assert_int_equal(mpyi_rtheap_check(heap), 0);
    assert_true(mpyi_gc_pool_count(heap) >= 1);
}

static void
bulk_free_of_the_smallest_cells(void **state)
{
    (void)state;
    test_need_ordered_blocks();
    char *first = mpyi_cell_alloc(heap, 32);
    for (int i = 1; i < 128; i++) {
        (void)mpyi_cell_alloc(heap, 32);
    }
    mpyi_heap_flush(&heap->gc);
    const uint64_t upper[2] = {0, UINT64_MAX};
    uint32_t index = mpyi_space_index(&heap->gc_space, first);
    mpyi_cell_free_bulk(heap, index, upper);
    assert_int_equal(mpyi_pool_used(&heap->gc_space.pools[index]), 64);
    char *p = mpyi_cell_alloc(heap, 32);
    assert_true(p >= first + 64 * 32 && p < first + 128 * 32);
}

static int traced_frees;

static void
on_trace(int event, int kind, void *block, size_t n)
{
    (void)block;
    traced_frees += event == MPYI_TRACE_FREE && kind == MPY_KIND_GC && n == 64;
}

static void
bulk_frees_are_traced(void **state)
{
    (void)state;
    MPYI_HOOK_SET(trace, on_trace);
    mpyi_rtheap_modes_set(heap, MPYI_MODE_TRACE, 1);
    char *first = mpyi_cell_alloc(heap, 64);
    (void)mpyi_cell_alloc(heap, 64);
    const uint64_t dead[2] = {3, 0};
    mpyi_cell_free_bulk(heap, mpyi_space_index(&heap->gc_space, first), dead);
    assert_int_equal(traced_frees, 2);
    mpyi_rtheap_modes_set(heap, MPYI_MODE_TRACE, 0);
    MPYI_HOOK_SET(trace, NULL);
}

static void
random_run_against_a_model(void **state)
{
    (void)state;
    enum { LIVE = 2000 };
    static struct {
        unsigned char *p;
        size_t n;
        int kind;
    } live[LIVE];
    memset(live, 0, sizeof live);
    uint64_t random = 77;
    for (int i = 0; i < 60000; i++) {
        size_t slot = test_random(&random) % LIVE;
        unsigned char *p = live[slot].p;
        if (p != NULL) {
            assert_int_equal(p[0], slot & 255);
            assert_int_equal(p[live[slot].n - 1], slot & 255);
            if (live[slot].kind == 0) {
                mpyi_atom_free(heap, p, live[slot].n);
            } else if (live[slot].kind == 1) {
                mpyi_cell_free(heap, p, live[slot].n);
            } else {
                mpyi_array_free(heap, p, live[slot].n);
            }
        }
        size_t n = 32 + test_random(&random) % 465;
        int kind = (int)(test_random(&random) % 3);
        if (kind != 1 && i % 10 == 0) {
            n *= 5;
        }
        p = kind == 0   ? mpyi_atom_alloc(heap, n)
            : kind == 1 ? mpyi_cell_alloc(heap, n)
                        : mpyi_array_alloc(heap, n);
        assert_non_null(p);
        memset(p, (int)(slot & 255), n);
        live[slot].p = p;
        live[slot].n = n;
        live[slot].kind = kind;
        if (i % 5000 == 0) {
            assert_int_equal(mpyi_rtheap_check(heap), 0);
        }
    }
}

static size_t wrong_n;

static void
free_with_a_wrong_size(void)
{
    struct mpyi_rtheap *own = mpyi_rtheap_new(NULL);
    mpyi_rtheap_modes_set(own, MPYI_MODE_CHECK, 1);
    void *p = mpyi_atom_alloc(own, 40);
    mpyi_atom_free(own, p, wrong_n);
}

static void
wrong_sizes_are_named_when_closed(void **state)
{
    (void)state;
    if (MPYI_BYPASS) {
        return; /* this build has nothing of the kind */
    }
    wrong_n = 48;
    test_dies(free_with_a_wrong_size);
    wrong_n = 32;
    test_dies(free_with_a_wrong_size);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_size),
        CASE(sizes_at_the_edge),
        CASE(arrays_grow_and_shrink),
        CASE(bulk_free_releases_dead_pools),
        CASE(bulk_free_of_the_smallest_cells),
        CASE(bulk_frees_are_traced),
        CASE(random_run_against_a_model),
        CASE(wrong_sizes_are_named_when_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
