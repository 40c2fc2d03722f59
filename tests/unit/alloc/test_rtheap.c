/* SPDX-License-Identifier: MIT */
/*
 * test_rtheap.c - a runtime's memory: life, limits, walks, trim; two runtimes side by side.
 */
#include "alloc_test.h"
#include "host_test.h"

#include <stdio.h>

static void
an_empty_heap_is_valid_and_goes(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct mpyi_rtheap *heap = mpyi_rtheap_new(NULL);
        assert_non_null(heap);
        assert_int_equal(mpyi_rtheap_check(heap), 0);
        assert_int_equal(mpyi_rtheap_bytes(heap), 0);
        assert_non_null(heap->gc_space.base);
        mpyi_rtheap_free(heap);
    }
}

static void
everything_is_dropped_whole(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        struct mpyi_rtheap *heap = mpyi_rtheap_new(NULL);
        for (size_t n = 1; n < 5000; n += 13) {
            assert_non_null(mpyi_atom_alloc(heap, n));
            assert_non_null(mpyi_array_alloc(heap, n));
            if (n >= MPYI_CELL_MIN && n <= MPYI_CELL_MAX) {
                assert_non_null(mpyi_cell_alloc(heap, n));
            }
        }
        assert_int_equal(mpyi_rtheap_check(heap), 0);
        mpyi_rtheap_free(heap); /* the leak checker sees what is left of large blocks */
    }
}

static void
enter_and_leave(void **state)
{
    (void)state;
    assert_null(mpyi_rtheap_current());
    struct mpyi_rtheap *a = mpyi_rtheap_new(NULL);
    struct mpyi_rtheap *b = mpyi_rtheap_new(NULL);
    mpyi_rtheap_enter(a);
    assert_ptr_equal(mpyi_rtheap_current(), a);
    mpyi_rtheap_enter(b);
    assert_ptr_equal(mpyi_rtheap_current(), b);
    mpyi_rtheap_free(a);
    assert_ptr_equal(mpyi_rtheap_current(), b);
    mpyi_rtheap_free(b);
    assert_null(mpyi_rtheap_current());
    mpyi_rtheap_leave();
}

/* Bytes mapped or reserved by the process. */
static uint64_t
address_space(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu", &pages), 1);
    assert_int_equal(fclose(file), 0);
    return (uint64_t)pages * mpyi_os_page_size();
}

static void
failing_construction_leaves_nothing(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 40; n++) {
        uint64_t before = address_space();
        mpyi_os_fail_after(n);
        struct mpyi_rtheap *heap = mpyi_rtheap_new(NULL);
        mpyi_os_fail_after(0);
        assert_true(heap != NULL || address_space() < before + (64 << 20));
        if (heap != NULL) {
            mpyi_rtheap_free(heap);
        } else {
            assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
        }
    }
}

/* Arrays and atoms of any size are the host's blocks, cells are not. */
static void
a_host_has_the_blocks(void **state)
{
    (void)state;
    struct test_host host = {.live = 0};
    const mpy_allocator allocator = test_host_allocator(&host, 0);
    const struct mpyi_rtheap_options options = {.host = &allocator};
    struct mpyi_rtheap *heap = mpyi_rtheap_new(&options);
    assert_non_null(heap);
    void *array = mpyi_array_alloc(heap, 48);
    assert_int_equal(host.live, 1);
    void *atom = mpyi_atom_alloc(heap, 48);
    assert_int_equal(host.live, 2);
    void *cell = mpyi_cell_alloc(heap, 48);
    assert_int_equal(host.live, 2);
    mpyi_cell_free(heap, cell, 48);
    mpyi_atom_free(heap, atom, 48);
    assert_int_equal(host.live, 1);
    mpyi_array_free(heap, array, 48);
    assert_int_equal(host.live, 0);
    array = mpyi_array_alloc(heap, 4000);
    mpyi_array_free(heap, array, 4000);
    assert_int_equal(host.live, 0); /* nothing of it is kept */
    mpyi_rtheap_free(heap);
}

static void
the_limit_is_exact_and_recovers(void **state)
{
    (void)state;
    const struct mpyi_rtheap_options options = {.limit = 100 * MPY_POOL_SIZE};
    struct mpyi_rtheap *heap = mpyi_rtheap_new(&options);
    size_t cells = 0;
    while (mpyi_cell_alloc(heap, 64) != NULL) {
        cells++;
    }
    assert_int_equal(cells, 100 * 64);
    assert_int_equal(mpyi_rtheap_bytes(heap), 100 * MPY_POOL_SIZE);
    assert_null(mpyi_array_alloc(heap, 11000));
    assert_null(mpyi_atom_alloc(heap, 24));
    mpyi_rtheap_set_limit(heap, 100 * MPY_POOL_SIZE + 20000);
    void *p = mpyi_array_alloc(heap, 11000);
    assert_non_null(p);
    assert_null(mpyi_array_alloc(heap, 11000));
    mpyi_array_free(heap, p, 11000);
    p = mpyi_array_alloc(heap, 11000);
    assert_non_null(p);
    mpyi_rtheap_set_limit(heap, 0);
    assert_non_null(mpyi_array_alloc(heap, 100000));
    assert_int_equal(mpyi_rtheap_check(heap), 0);
    mpyi_rtheap_free(heap);
}

static struct mpyi_rtheap *pressed_heap;
static void *ballast[64];
static int presses;

static int
on_pressure(struct mpyi_rtheap *heap, size_t n)
{
    assert_ptr_equal(heap, pressed_heap);
    assert_true(n > 0);
    presses++;
    assert_int_equal(mpyi_rtheap_check(heap), 0);
    assert_null(mpyi_array_alloc(heap, 200000)); /* does not come here again */
    int freed = 0;
    for (int i = 0; i < 64; i++) {
        freed |= ballast[i] != NULL;
        mpyi_array_free(heap, ballast[i], 512);
        ballast[i] = NULL;
    }
    return freed;
}

static void
pressure_is_asked_once_before_failing(void **state)
{
    (void)state;
    const struct mpyi_rtheap_options options = {.limit = 64 * 1024};
    pressed_heap = mpyi_rtheap_new(&options);
    MPYI_HOOK_SET(memory_pressure, on_pressure);
    for (int i = 0; i < 64; i++) {
        ballast[i] = mpyi_array_alloc(pressed_heap, 512);
        assert_non_null(ballast[i]);
    }
    assert_int_equal(presses, 0);
    for (int i = 0; i < 56; i++) { /* fills the rest, then what the hook frees */
        (void)mpyi_array_alloc(pressed_heap, 512);
    }
    for (int i = 0; i < 16; i++) {
        assert_non_null(mpyi_array_alloc(pressed_heap, 512));
    }
    assert_int_equal(presses, 1);
    assert_null(mpyi_array_alloc(pressed_heap, 100000));
    assert_int_equal(presses, 2);
    assert_int_equal(mpyi_rtheap_check(pressed_heap), 0);
    MPYI_HOOK_SET(memory_pressure, NULL);
    mpyi_rtheap_free(pressed_heap);
}

struct tally {
    size_t blocks, bytes, pools;
};

static int
count_block(void *data, void *block, size_t size)
{
    struct tally *tally = data;
    assert_non_null(block);
    tally->blocks++;
    tally->bytes += size;
    return 0;
}

static int
count_pool(void *data, struct mpyi_pool *pool, uint32_t index)
{
    struct tally *tally = data;
    assert_true(pool->size_class != 0);
    assert_true(index != MPYI_NO_POOL);
    tally->pools++;
    return tally->pools == 3 ? 77 : 0;
}

static void
walks_see_every_block_of_their_kind(void **state)
{
    (void)state;
    struct mpyi_rtheap *heap = mpyi_rtheap_new(NULL);
    for (int i = 0; i < 1000; i++) {
        (void)mpyi_cell_alloc(heap, 48);
        void *dead = mpyi_cell_alloc(heap, 56);
        mpyi_cell_free(heap, dead, 56);
    }
    for (size_t n = 8; n <= 2000; n += 8) {
        (void)mpyi_atom_alloc(heap, n);
    }
    void *gone = mpyi_atom_alloc(heap, 3000);
    mpyi_atom_free(heap, gone, 3000);
    (void)mpyi_array_alloc(heap, 100);
    (void)mpyi_array_alloc(heap, 1000);
    struct tally tally = {0, 0, 0};
    assert_int_equal(mpyi_rtheap_each_block(heap, MPY_KIND_GC, count_block, &tally), 0);
    assert_int_equal(tally.blocks, 1000);
    assert_int_equal(tally.bytes, 48000);
    tally = (struct tally){0, 0, 0};
    assert_int_equal(mpyi_rtheap_each_block(heap, MPY_KIND_ATOM, count_block, &tally), 0);
    assert_int_equal(tally.blocks, 250);
    tally = (struct tally){0, 0, 0};
    assert_int_equal(mpyi_rtheap_each_block(heap, MPY_KIND_RAW, count_block, &tally), 0);
    assert_int_equal(tally.blocks, 2);
    assert_int_equal(mpyi_rtheap_each_block(heap, MPY_KIND_MEM, count_block, &tally), 0);
    assert_int_equal(mpyi_rtheap_each_pool(heap, MPY_KIND_GC, count_pool, &tally), 77);
    mpyi_rtheap_free(heap);
}

static void
ownership_is_told(void **state)
{
    (void)state;
    struct mpyi_rtheap *a = mpyi_rtheap_new(NULL);
    struct mpyi_rtheap *b = mpyi_rtheap_new(NULL);
    void *blocks[] = {mpyi_atom_alloc(a, 30), mpyi_cell_alloc(a, 32), mpyi_array_alloc(a, 8),
                      mpyi_array_alloc(a, 8000), mpyi_atom_alloc(a, 800)};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        assert_true(mpyi_rtheap_owns(a, blocks[i]));
        assert_false(mpyi_rtheap_owns(b, blocks[i]));
    }
    int local;
    assert_false(mpyi_rtheap_owns(a, &local));
    assert_false(mpyi_rtheap_owns(a, NULL));
    mpyi_rtheap_free(a);
    mpyi_rtheap_free(b);
}

static void
trim_gives_memory_back(void **state)
{
    (void)state;
    struct mpyi_rtheap *heap = mpyi_rtheap_new(NULL);
    enum { N = 40000 };
    void **cells = malloc(N * sizeof *cells);
    for (int i = 0; i < N; i++) {
        cells[i] = mpyi_cell_alloc(heap, 128);
    }
    for (int i = 0; i < N; i++) {
        mpyi_cell_free(heap, cells[i], 128);
    }
    void *p = mpyi_array_alloc(heap, 5000);
    mpyi_array_free(heap, p, 5000);
    assert_true(mpyi_rtheap_trim(heap, 0) >= 4000000);
    assert_int_equal(mpyi_rtheap_bytes(heap), 0);
    assert_int_equal(heap->usage.arena_bytes, 0);
    assert_int_equal(mpyi_large_cache_blocks(&heap->cache), 0);
    assert_int_equal(mpyi_rtheap_check(heap), 0);
    mpyi_rtheap_decay(heap);
    free(cells);
    mpyi_rtheap_free(heap);
}

/* Each takes a part of what is left, so the last leaves something, too. */
static void
many_under_a_limit(void)
{
    rlim_t most = (rlim_t)1 << 46;
    struct rlimit limit = {most, RLIM_INFINITY};
    CHILD_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    rlim_t used = most - mpyi_os_address_left();
    limit.rlim_cur = used + ((rlim_t)4 << 30);
    CHILD_CHECK(used > 0 && setrlimit(RLIMIT_AS, &limit) == 0);
    size_t left = mpyi_os_address_left();
    CHILD_CHECK(left <= (size_t)4 << 30);
    const size_t all = left;
    struct mpyi_rtheap *heaps[6];
    for (int i = 0; i < 6; i++) {
        heaps[i] = mpyi_rtheap_new(NULL);
        CHILD_CHECK(heaps[i] != NULL);
        CHILD_CHECK(mpyi_cell_alloc(heaps[i], 100) != NULL);
        CHILD_CHECK(mpyi_array_alloc(heaps[i], 100) != NULL);
        CHILD_CHECK(mpyi_os_address_left() >= left / 2);
        left = mpyi_os_address_left();
    }
    CHILD_CHECK(mpyi_array_alloc(heaps[0], (size_t)64 << 20) != NULL);
    for (int i = 0; i < 6; i++) {
        mpyi_rtheap_free(heaps[i]);
    }
    const size_t kept = (size_t)(MPY_LARGE_JEMALLOC ? 128 : 4) << 20; /* it gives nothing back */
    CHILD_CHECK(mpyi_os_address_left() >= all - kept);
}

static void
several_live_under_ulimit_v(void **state)
{
    (void)state;
    if (MPYI_ASAN || MPYI_TSAN) {
        return; /* they need more address space than the limit */
    }
    test_child_succeeds(many_under_a_limit);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_heap_is_valid_and_goes),
        cmocka_unit_test(everything_is_dropped_whole),
        cmocka_unit_test(enter_and_leave),
        cmocka_unit_test(failing_construction_leaves_nothing),
        cmocka_unit_test(a_host_has_the_blocks),
        cmocka_unit_test(the_limit_is_exact_and_recovers),
        cmocka_unit_test(pressure_is_asked_once_before_failing),
        cmocka_unit_test(walks_see_every_block_of_their_kind),
        cmocka_unit_test(ownership_is_told),
        cmocka_unit_test(trim_gives_memory_back),
        cmocka_unit_test(several_live_under_ulimit_v),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
