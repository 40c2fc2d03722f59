/* SPDX-License-Identifier: MIT */
/*
 * threads/test_alloc_reports.c - statistics, visits, pictures and checks of the process while other
 * threads allocate and free: each report is whole, whatever happens meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "minipy/debug.h"
#include "minipy/memstat.h"
#include "minipy/region.h"
#include "support/scale.h"
#include "support/workers.h"

#include <stdatomic.h>
#include <string.h>

enum { CHURNERS = 3, LIVE = 3000 };

static _Atomic int stop;

static void *
churn(void *data)
{
    void *blocks[LIVE] = {NULL};
    uint64_t random = (uint64_t)(uintptr_t)data * UINT64_C(0x9e3779b97f4a7c15) + 1;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        size_t i = random % LIVE;
        mpy_mem_free(blocks[i]);
        blocks[i] = random >> 32 & 1 ? mpy_mem_malloc((random >> 40) % 600) : NULL;
    }
    for (size_t i = 0; i < LIVE; i++) {
        mpy_mem_free(blocks[i]);
    }
    return NULL;
}

struct sink {
    char first[8], last[8];
    size_t length;
};

static int
take(void *data, const char *bytes, size_t n)
{
    struct sink *sink = data;
    if (sink->length == 0) {
        memcpy(sink->first, bytes, n < sizeof sink->first ? n : sizeof sink->first);
    }
    sink->length += n;
    size_t fresh = n < sizeof sink->last ? n : sizeof sink->last; /* the last piece may be short */
    memmove(sink->last, sink->last + fresh, sizeof sink->last - fresh);
    memcpy(sink->last + sizeof sink->last - fresh, bytes + n - fresh, fresh);
    return 0;
}

static int
on_block(void *data, const void *block, uint32_t block_size, uint32_t state)
{
    (void)block;
    (void)block_size;
    return state > MPY_BLOCK_ALLOCATED ? 1 : ++*(size_t *)data == SIZE_MAX;
}

static int
on_pool(void *data, const mpy_pool_info *pool)
{
    return pool->state >= MPY_POOL_USED &&
           mpy_mem_visit_blocks(NULL, pool->address, on_block, data) != 0;
}

static int
on_arena(void *data, const mpy_arena_info *arena)
{
    return arena->pools_free > 64 || mpy_mem_visit_pools(NULL, arena->address, on_pool, data) != 0;
}

static void
reports_are_whole(void **state)
{
    (void)state;
    pthread_t threads[CHURNERS];
    for (size_t i = 0; i < CHURNERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)), 0);
    }
    for (unsigned long i = 0; i < test_scaled(10); i++) {
        struct sink svg = {"", "", 0}, json = {"", "", 0}, text = {"", "", 0};
        size_t blocks = 0;
        assert_int_equal(mpy_mem_dump_map(NULL, take, &svg), 0);
        assert_memory_equal(svg.first, "<svg xml", 8);
        assert_memory_equal(svg.last, "\n</svg>\n", 8);
        assert_int_equal(mpy_mem_dump_json(NULL, take, &json), 0);
        assert_memory_equal(json.first, "{\"versio", 8);
        assert_memory_equal(json.last + 5, "]}\n", 3);
        assert_int_equal(mpy_mem_dump_stats(NULL, take, &text), 0);
        assert_int_equal(mpy_mem_visit_arenas(NULL, on_arena, &blocks), 0);
    }
    atomic_store(&stop, 1);
    for (size_t i = 0; i < CHURNERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

/* ---- arenas are added meanwhile ----------------------------------------------------------------
 */

enum { GROWN = 12000 };

static _Atomic int growing;

static void *
grow(void *data)
{
    static void *blocks[CHURNERS][GROWN]; /* 6 MB each: arenas that nobody had yet */
    void **mine = blocks[(size_t)data - 1];
    for (size_t i = 0; i < GROWN; i++) {
        mine[i] = mpy_mem_malloc(MPY_SMALL_MAX);
        WORKER_CHECK(mine[i] != NULL);
        if (i % 512 == 0) {
            worker_sleep_us(300);
        }
    }
    atomic_fetch_sub(&growing, 1);
    for (size_t i = 0; i < GROWN; i++) {
        mpy_mem_free(mine[i]);
    }
    return NULL;
}

static void
checks_beside_growing_threads(void **state)
{
    (void)state;
    pthread_t threads[CHURNERS];
    mpy_region *region = mpy_region_new(NULL);
    assert_non_null(region);
    assert_non_null(mpy_region_malloc(region, 100));
    atomic_store(&growing, CHURNERS);
    for (size_t i = 0; i < CHURNERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, grow, (void *)(i + 1)), 0);
    }
    do {
        assert_int_equal(mpy_debug_check_heap(NULL), 0);
        assert_int_equal(mpy_region_check(region), 0);
    } while (atomic_load(&growing) > 0);
    for (size_t i = 0; i < CHURNERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    mpy_region_destroy(region);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_are_whole),
        cmocka_unit_test(checks_beside_growing_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
