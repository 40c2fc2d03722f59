/* SPDX-License-Identifier: MIT */
/*
 * test_visit.c - arenas, pools and blocks as visitors see them; which block an address is in.
 */
#include "alloc_test.h"

#include "minipy/memstat.h"

static int
last_arena(void *data, const mpy_arena_info *arena)
{
    assert_int_equal(arena->size, sizeof *arena);
    assert_int_equal((uintptr_t)arena->address % MPY_ARENA_SIZE, 0);
    assert_true(arena->pools_free <= 64);
    ++*(size_t *)data;
    return 0;
}

struct pools {
    size_t count, of_64;
    const void *found;
    uint32_t states[4];
};

static int
on_pool(void *data, const mpy_pool_info *pool)
{
    struct pools *pools = data;
    pools->count++;
    pools->states[pool->state]++;
    if (pool->block_size == 64) {
        pools->of_64++;
        pools->found = pool->address;
        assert_int_equal(pool->capacity, 64);
        assert_int_equal(pool->kind, MPY_KIND_MEM);
        assert_int_equal(pool->allocated, 30);
    }
    return 0;
}

struct blocks {
    size_t count;
    uint32_t states[3];
};

static int
on_block(void *data, const void *block, uint32_t block_size, uint32_t block_state)
{
    struct blocks *blocks = data;
    assert_int_equal(block_size, 64);
    assert_int_equal(mpyi_pool_offset(block), blocks->count * 64);
    blocks->count++;
    blocks->states[block_state]++;
    return 0;
}

static int
stop(void *data, const mpy_arena_info *arena)
{
    (void)data;
    (void)arena;
    return 5;
}

static int
stop_pool(void *data, const mpy_pool_info *pool)
{
    (void)pool;
    return ++*(int *)data == 2;
}

static int
stop_block(void *data, const void *block, uint32_t block_size, uint32_t block_state)
{
    (void)block;
    (void)block_size;
    (void)block_state;
    return ++*(int *)data == 2;
}

static void
from_arenas_down_to_blocks(void **state)
{
    (void)state;
    if (MPYI_BYPASS) {
        return; /* this build has nothing of the kind */
    }
    char *p[40];
    for (int i = 0; i < 40; i++) {
        p[i] = mpy_mem_malloc(64);
    }
    for (int i = 0; i < 10; i++) {
        mpy_mem_free(p[i]);
    }
    size_t arenas = 0;
    assert_int_equal(mpy_mem_visit_arenas(NULL, last_arena, &arenas), 0);
    assert_int_equal(arenas, 1);
    const void *arena = p[20] - ((uintptr_t)p[20] & (MPY_ARENA_SIZE - 1));
    struct pools pools = {0, 0, NULL, {0, 0, 0, 0}};
    assert_int_equal(mpy_mem_visit_pools(NULL, arena, on_pool, &pools), 0);
    assert_int_equal(pools.count, 64);
    assert_int_equal(pools.of_64, 1);
    assert_int_equal(pools.states[MPY_POOL_USED], 1);
    struct blocks blocks = {0, {0, 0, 0}};
    assert_int_equal(mpy_mem_visit_blocks(NULL, pools.found, on_block, &blocks), 0);
    assert_int_equal(blocks.count, 64);
    assert_int_equal(blocks.states[MPY_BLOCK_ALLOCATED], 30);
    assert_true(blocks.states[MPY_BLOCK_FREE] >= 10);
    assert_int_equal(blocks.states[MPY_BLOCK_UNTOUCHED] + blocks.states[MPY_BLOCK_FREE], 34);

    int calls = 0;
    assert_int_equal(mpy_mem_visit_arenas(NULL, stop, NULL), 1);
    assert_int_equal(mpy_mem_visit_pools(NULL, arena, stop_pool, &calls), 1);
    calls = 0;
    assert_int_equal(mpy_mem_visit_blocks(NULL, pools.found, stop_block, &calls), 1);
    assert_int_equal(mpy_mem_visit_pools(NULL, p[20] + 1, on_pool, &pools), -1);
    assert_int_equal(mpy_mem_visit_pools(NULL, &calls, on_pool, &pools), -1);
    assert_int_equal(mpy_mem_visit_pools(NULL, NULL, on_pool, &pools), -1);
    assert_int_equal(mpy_mem_visit_blocks(NULL, &calls, on_block, &blocks), -1);
    assert_int_equal(mpy_mem_visit_blocks(NULL, (const char *)pools.found + 8, on_block, &blocks),
                     -1);
    for (int i = 10; i < 40; i++) {
        mpy_mem_free(p[i]);
    }
}

static int
on_small_block(void *data, const void *block, uint32_t block_size, uint32_t block_state)
{
    struct blocks *blocks = data;
    (void)block;
    assert_int_equal(block_size, 16);
    blocks->states[block_state]++;
    return 0;
}

static void
untouched_blocks_are_told_from_free_ones(void **state)
{
    (void)state;
    test_need_open_magazines();
    char *p = mpy_mem_malloc(16); /* a refill takes 64 of 256 */
    struct blocks blocks = {0, {0, 0, 0}};
    assert_int_equal(mpy_mem_visit_blocks(NULL, p - mpyi_pool_offset(p), on_small_block, &blocks),
                     0);
    assert_int_equal(blocks.states[MPY_BLOCK_ALLOCATED], 1);
    assert_int_equal(blocks.states[MPY_BLOCK_FREE], 63);
    assert_int_equal(blocks.states[MPY_BLOCK_UNTOUCHED], 192);
    mpy_mem_free(p);
}

static void
addresses_lead_to_blocks(void **state)
{
    (void)state;
    if (MPYI_BYPASS) {
        return; /* this build has nothing of the kind */
    }
    char *p = mpy_mem_malloc(100); /* 112 bytes, 36 a pool, 64 bytes of tail */
    mpy_block_info info = {.size = sizeof info, .version = 1};
    for (int i = 0; i < 112; i++) {
        assert_int_equal(mpy_mem_block_info(p + i, &info), 1);
        assert_ptr_equal(info.block, p);
        assert_int_equal(info.block_size, 112);
        assert_int_equal(info.state, MPY_BLOCK_ALLOCATED);
        assert_int_equal(info.kind, MPY_KIND_MEM);
        assert_ptr_equal(info.pool, p - mpyi_pool_offset(p));
    }
    const char *pool = info.pool;
    assert_int_equal(mpy_mem_block_info(pool + MPY_POOL_SIZE - 64, &info), 0);
    assert_int_equal(mpy_mem_block_info(pool + MPY_POOL_SIZE - 65, &info), 1);
    assert_int_not_equal(info.state, MPY_BLOCK_ALLOCATED);
    mpy_mem_free(p);
    assert_int_equal(mpy_mem_block_info(p, &info), 1);
    assert_int_equal(info.state, MPY_BLOCK_FREE);
    int local;
    assert_int_equal(mpy_mem_block_info(&local, &info), 0);
    assert_int_equal(mpy_mem_block_info(NULL, &info), 0);
    void *large = mpy_mem_malloc(5000);
    assert_int_equal(mpy_mem_block_info(large, &info), 0);
    mpy_mem_free(large);
}

static void
checked_blocks_say_who_allocated_them(void **state)
{
    (void)state;
    if (MPYI_BYPASS) {
        return; /* no pools, nothing to look up */
    }
    assert_int_equal(mpy_debug_set_checks(NULL, MPY_CHECK_RED_ZONES | MPY_CHECK_QUARANTINE), 0);
    char *p = mpy_mem_malloc(99);
    mpy_block_info info = {.size = sizeof info};
    assert_int_equal(mpy_mem_block_info(p + 50, &info), 1);
    assert_int_equal(info.requested, 99);
    assert_true(info.serial != 0);
    assert_non_null(info.site);
    mpy_mem_free(p);
    assert_int_equal(mpy_mem_block_info(p, &info), 1); /* in quarantine: nobody's */
    assert_int_equal(info.requested + info.serial, 0);
    for (size_t alignment = 32; alignment <= 128; alignment *= 2) {
        char *aligned = mpy_mem_aligned_alloc(alignment, 60);
        assert_int_equal(mpy_mem_block_info(aligned + 59, &info), 1);
        assert_int_equal(info.requested, 60);
        mpy_mem_free(aligned);
    }
    assert_int_equal(mpy_debug_set_checks(NULL, 0), 0);
}

static void
checked_large_blocks_say_it_too(void **state)
{
    (void)state;
    assert_int_equal(mpy_debug_set_checks(NULL, MPY_CHECK_RED_ZONES | MPY_CHECK_QUARANTINE), 0);
    char *p = mpy_mem_malloc(5000);
    mpy_block_info info = {.size = sizeof info};
    assert_int_equal(mpy_mem_block_info(p + 4999, &info), 1);
    assert_true((const char *)info.block <= p && (const char *)info.block + 64 >= p);
    assert_int_equal(info.requested, 5000);
    assert_true(info.serial != 0 && info.block_size >= 5000);
    assert_true(info.site != NULL && info.pool == NULL && info.arena == NULL);
    assert_int_equal(info.state, MPY_BLOCK_ALLOCATED);
    assert_int_equal(info.kind, MPY_KIND_MEM);
    assert_int_equal(mpy_mem_block_info(p + 5000 + 64, &info), 0);
    mpy_mem_free(p);
    assert_int_equal(mpy_mem_block_info(p, &info), 0); /* in quarantine */
    assert_int_equal(mpy_debug_set_checks(NULL, 0), 0);
}

static void
blocks_without_a_record_are_nobodys(void **state)
{
    (void)state;
    if (MPYI_BYPASS) {
        return; /* no pools, nothing to look up */
    }
    char *q = mpy_mem_malloc(99);
    mpy_block_info info = {.size = sizeof info};
    assert_int_equal(mpy_mem_block_info(q, &info), 1);
    assert_int_equal(info.requested + info.serial, 0);
    assert_null(info.site);
    mpy_mem_free(q);
    info = (mpy_block_info){.size = 4};
    assert_int_equal(mpy_mem_block_info(q, &info), 0);
    info = (mpy_block_info){.size = 0};
    assert_int_equal(mpy_mem_block_info(q, &info), 1);
    assert_true(info.size == sizeof info && info.version == 1 && info.block_size == 112);
}

static void
nobody_to_tell(void **state)
{
    (void)state;
    size_t arenas = 0;
    void *p = mpy_mem_malloc(100);
    const char *pool = (const char *)((uintptr_t)p & ~(uintptr_t)(MPY_POOL_SIZE - 1));
    const char *arena = (const char *)((uintptr_t)p & ~(uintptr_t)(MPY_ARENA_SIZE - 1));
    assert_int_equal(mpy_mem_visit_arenas(NULL, NULL, &arenas), -1);
    assert_int_equal(mpy_mem_visit_pools(NULL, arena, NULL, &arenas), -1);
    assert_int_equal(mpy_mem_visit_blocks(NULL, pool, NULL, &arenas), -1);
    mpyi_status_set(MPY_OK);
    assert_int_equal(mpy_mem_block_info(p, NULL), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    mpy_mem_free(p);
}

static struct mpyi_rtheap *runtime_heap;

static struct mpyi_rtheap *
find_heap(mpy_runtime *rt)
{
    return (void *)rt == (void *)&runtime_heap ? runtime_heap : NULL;
}

static void
a_runtime_is_visited(void **state)
{
    (void)state;
    mpy_runtime *rt = (mpy_runtime *)(void *)&runtime_heap;
    size_t arenas = 0;
    assert_int_equal(mpy_mem_visit_arenas(rt, last_arena, &arenas), -1);
    MPYI_HOOK_SET(runtime_heap, find_heap);
    runtime_heap = mpyi_rtheap_new(NULL);
    char *cell = mpyi_cell_alloc(runtime_heap, 48);
    mpy_block_info info = {.size = sizeof info};
    assert_int_equal(mpy_mem_block_info(cell + 20, &info), 0); /* not entered */
    mpyi_rtheap_enter(runtime_heap);
    assert_int_equal(mpy_mem_block_info(cell + 20, &info), 1);
    assert_ptr_equal(info.block, cell);
    assert_int_equal(info.kind, MPY_KIND_GC);
    (void)mpyi_atom_alloc(runtime_heap, 8);
    assert_int_equal(mpy_mem_visit_arenas(rt, last_arena, &arenas), 0);
    assert_int_equal(arenas, MPYI_BYPASS ? 1 : 2);
    mpyi_rtheap_free(runtime_heap);
    MPYI_HOOK_SET(runtime_heap, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_arenas_down_to_blocks),
        cmocka_unit_test(untouched_blocks_are_told_from_free_ones),
        cmocka_unit_test(addresses_lead_to_blocks),
        cmocka_unit_test(checked_blocks_say_who_allocated_them),
        cmocka_unit_test(checked_large_blocks_say_it_too),
        cmocka_unit_test(blocks_without_a_record_are_nobodys),
        cmocka_unit_test(nobody_to_tell),
        cmocka_unit_test(a_runtime_is_visited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
