/* SPDX-License-Identifier: MIT */
/*
 * test_arenahost.c - arenas of a host: for mem, for a runtime's heap; given back; refused; crooked.
 */
#include "host_test.h"

#include "alloc/arenahost.h"
#include "alloc/region.h"

static struct test_arenas arenas;

static void
install(void)
{
    arenas.left = -1;
    mpy_arena_allocator a = test_arena_allocator(&arenas);
    CHILD_CHECK(mpy_mem_set_arena_allocator(&a) == 0);
}

static void
fill_and_free(size_t count)
{
    static void *blocks[40000];
    for (size_t i = 0; i < count; i++) {
        blocks[i] = mpy_mem_malloc(100 + i % 300);
        CHILD_CHECK(blocks[i] != NULL);
        memset(blocks[i], 1, 100);
    }
    CHILD_CHECK(mpy_debug_check_heap(NULL) == 0);
    for (size_t i = 0; i < count; i++) {
        mpy_mem_free(blocks[i]);
    }
}

static void
for_mem(void)
{
    install();
    for (int round = 0; round < 3; round++) {
        fill_and_free(40000);
        CHILD_CHECK(MPYI_BYPASS || arenas.allocs > 30);
        CHILD_CHECK(mpy_mem_trim(NULL, 0, NULL) == 0);
        /* all went back, and is asked for again */
        CHILD_CHECK(arenas.bytes <= MPY_ARENA_SIZE);
        CHILD_CHECK(mpy_debug_check_heap(NULL) == 0);
    }
    CHILD_CHECK(MPYI_BYPASS || arenas.frees > 90);
    mpy_arena_allocator a = test_arena_allocator(&arenas);
    CHILD_CHECK(mpy_mem_set_arena_allocator(&a) == -1);
    CHILD_CHECK(mpy_status_last() == MPY_E_BUSY);
    mpy_region *region = mpy_region_new(NULL);
    void *p = mpy_region_malloc(region, 64);
    CHILD_CHECK(p != NULL && (MPYI_BYPASS || arenas.bytes >= MPY_ARENA_SIZE));
    mpy_region_destroy(region);
}

static int
count_arenas(void *data, const mpy_arena_info *info)
{
    CHILD_CHECK(info->address != NULL);
    ++*(int *)data;
    return 0;
}

static void
visits_see_what_is_there(void)
{
    int count = 0;
    install();
    fill_and_free(40000);
    CHILD_CHECK(mpy_mem_trim(NULL, 0, NULL) == 0);
    CHILD_CHECK(mpy_mem_visit_arenas(NULL, count_arenas, &count) == 0);
    CHILD_CHECK(count <= 1);
}

/* Few arenas: requests fail cleanly, also when an arena that went back is refused later. */
static void
few_arenas(void)
{
    install();
    arenas.left = 3;
    size_t got = 0;
    void **chain = NULL;
    for (int round = 0; round < 2; round++) {
        void **p;
        while ((p = mpy_mem_malloc(256)) != NULL) {
            *p = chain;
            chain = p;
            got++;
        }
        CHILD_CHECK(mpy_status_last() == MPY_E_NOMEM);
        CHILD_CHECK(got > 2000 && got <= 3 * 1024);
        CHILD_CHECK(mpy_debug_check_heap(NULL) == 0);
        for (; chain != NULL; got--) {
            p = *chain;
            mpy_mem_free(chain);
            chain = p;
        }
        CHILD_CHECK(mpy_mem_trim(NULL, 0, NULL) == 0);
        arenas.left = 3;
    }
    arenas.left = 0;
    CHILD_CHECK(mpy_mem_trim(NULL, 0, NULL) == 0);
    for (int i = 0; i < 100; i++) {
        if (mpy_mem_malloc(256) == NULL) {
            return;
        }
    }
    CHILD_CHECK(arenas.bytes > 0); /* one arena may have stayed */
}

static void
crooked_arenas(void)
{
    arenas.crooked = 1;
    install();
    CHILD_CHECK(mpy_mem_malloc(64) == NULL && mpy_status_last() == MPY_E_NOMEM);
    CHILD_CHECK(arenas.allocs > 0 && arenas.bytes == 0);
    CHILD_CHECK(mpy_mem_malloc(6400) != NULL);
}

/* A host that adds to what is there. */
static mpy_arena_allocator previous;
static int chained;

static void *
chain_alloc(void *ctx, size_t size, size_t alignment)
{
    (void)ctx;
    chained++;
    return previous.alloc(previous.ctx, size, alignment);
}

static void
chain_free(void *ctx, void *p, size_t size)
{
    (void)ctx;
    previous.free(previous.ctx, p, size);
}

static void
chained_to_the_system(void)
{
    previous.size = sizeof previous;
    CHILD_CHECK(mpy_mem_get_arena_allocator(&previous) == 0);
    mpy_arena_allocator a = {.size = sizeof a, .version = 1};
    a.alloc = chain_alloc;
    a.free = chain_free;
    CHILD_CHECK(mpy_mem_set_arena_allocator(&a) == 0);
    CHILD_CHECK(mpy_mem_get_arena_allocator(&a) == 0 && a.alloc == chain_alloc);
    fill_and_free(40000);
    CHILD_CHECK(MPYI_BYPASS || chained > 30);
    CHILD_CHECK(mpy_mem_trim(NULL, 0, NULL) == 0);
}

static void
back_to_the_system(void)
{
    previous.size = sizeof previous;
    CHILD_CHECK(mpy_mem_get_arena_allocator(&previous) == 0);
    install();
    CHILD_CHECK(mpy_mem_set_arena_allocator(&previous) == 0);
    fill_and_free(100);
    CHILD_CHECK(arenas.allocs == 0);
    CHILD_CHECK(MPYI_BYPASS || mpyi_mem_space.host.alloc == NULL);
}

static void
what_is_refused(void **state)
{
    (void)state;
    mpy_arena_allocator a = test_arena_allocator(&arenas);
    assert_int_equal(mpy_mem_set_arena_allocator(NULL), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    a.alloc = NULL;
    assert_int_equal(mpy_mem_set_arena_allocator(&a), -1);
    a = test_arena_allocator(&arenas);
    a.free = NULL;
    assert_int_equal(mpy_mem_set_arena_allocator(&a), -1);
    a = test_arena_allocator(&arenas);
    a.size = 16;
    assert_int_equal(mpy_mem_set_arena_allocator(&a), -1);
    assert_int_equal(mpy_mem_get_arena_allocator(NULL), -1);
    a.size = 4;
    assert_int_equal(mpy_mem_get_arena_allocator(&a), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
}

static void
for_the_process(void **state)
{
    (void)state;
    assert_null(mpyi_mem_space.reservation);
    test_child_succeeds(for_mem);
    test_child_succeeds(visits_see_what_is_there);
    if (!MPYI_BYPASS) {
        test_child_succeeds(few_arenas);
        test_child_succeeds(crooked_arenas);
    }
    test_child_succeeds(chained_to_the_system);
    test_child_succeeds(back_to_the_system);
}

/* ---- a runtime's heap -------------------------------------------------------------------------
 */

static void
for_a_runtime(void **state)
{
    (void)state;
    struct test_arenas own = {.left = -1};
    mpy_arena_allocator a = test_arena_allocator(&own);
    const struct mpyi_rtheap_options options = {.arenas = &a, .gc_reserve = 1 << 24};
    struct mpyi_rtheap *heap = mpyi_rtheap_new(&options);
    assert_non_null(heap);
    assert_int_equal(own.bytes, 1 << 24);
    mpyi_rtheap_enter(heap);
    void *cells[2000], *atoms[2000];
    for (int i = 0; i < 2000; i++) {
        cells[i] = mpyi_cell_alloc(heap, 400);
        atoms[i] = mpyi_atom_alloc(heap, 400);
        assert_true(cells[i] != NULL && atoms[i] != NULL);
        assert_true(mpyi_space_find(&heap->gc_space, cells[i]) != MPYI_NO_POOL);
    }
    assert_int_equal(mpyi_rtheap_check(heap), 0);
    assert_true(MPYI_BYPASS || own.allocs >= 4);
    for (int i = 0; i < 2000; i++) {
        mpyi_cell_free(heap, cells[i], 400);
        mpyi_atom_free(heap, atoms[i], 400);
    }
    (void)mpyi_rtheap_trim(heap, 0);
    assert_true(own.bytes <= (1 << 24) + MPY_ARENA_SIZE);
    assert_int_equal(mpyi_rtheap_check(heap), 0);
    size_t cell_count = 0;
    while (mpyi_cell_alloc(heap, 496) != NULL) { /* to the end of the range */
        cell_count++;
    }
    assert_int_equal(cell_count, (1 << 24) / MPY_POOL_SIZE * 8);
    mpyi_rtheap_free(heap);
    assert_int_equal(own.bytes, 0);
    assert_int_equal(own.allocs, own.frees);
    for (long left = 0; left < 1; left++) {
        own.left = left; /* no range */
        assert_null(mpyi_rtheap_new(&options));
        assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
        assert_int_equal(own.bytes, 0);
    }
    own.left = -1;
    own.crooked = 1;
    assert_null(mpyi_rtheap_new(&options));
    assert_int_equal(own.bytes, 0);
}

/* A host with less than it is asked for gives what it has. */
static void *
small_alloc(void *ctx, size_t size, size_t alignment)
{
    return size > (size_t)1 << 25 ? NULL : test_arena_alloc(ctx, size, alignment);
}

static void
a_smaller_range(void **state)
{
    (void)state;
    struct test_arenas own = {.left = -1};
    mpy_arena_allocator a = test_arena_allocator(&own);
    a.alloc = small_alloc;
    const struct mpyi_rtheap_options options = {.arenas = &a, .gc_reserve = 1 << 25};
    struct mpyi_rtheap *heap = mpyi_rtheap_new(&options);
    assert_non_null(heap);
    assert_int_equal(heap->gc_space.span, 1 << 25);
    mpyi_rtheap_free(heap);
    assert_int_equal(own.bytes, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(for_the_process),
        cmocka_unit_test(for_a_runtime),
        cmocka_unit_test(a_smaller_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
