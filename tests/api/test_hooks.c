/* SPDX-License-Identifier: MIT */
/*
 * test_hooks.c - a host's allocator and arenas under a runtime, its limit and pressure callback,
 * and a mem domain that is wrapped while the program runs.
 */
#include "support/cm.h"

#include "minipy.h"

#include <stdlib.h>
#include <string.h>

struct host {
    long live, calls;
    long arenas;
    size_t arena_bytes;
    long fail_after;
};

static void *
host_malloc(void *ctx, size_t n)
{
    struct host *host = ctx;
    host->calls++;
    void *p = host->fail_after != 0 && host->calls >= host->fail_after ? NULL : malloc(n);
    host->live += p != NULL;
    return p;
}

static void *
host_calloc(void *ctx, size_t nelem, size_t elsize)
{
    void *p = host_malloc(ctx, nelem * elsize);
    return p != NULL ? memset(p, 0, nelem * elsize) : NULL;
}

static void *
host_realloc(void *ctx, void *p, size_t n)
{
    struct host *host = ctx;
    host->calls++;
    return host->fail_after != 0 && host->calls >= host->fail_after ? NULL : realloc(p, n);
}

static void
host_free(void *ctx, void *p)
{
    struct host *host = ctx;
    host->live--;
    free(p);
}

static mpy_allocator
allocator_of(struct host *host)
{
    mpy_allocator a = {.size = sizeof a, .version = 1, .ctx = host};
    a.malloc = host_malloc;
    a.calloc = host_calloc;
    a.realloc = host_realloc;
    a.free = host_free;
    return a;
}

static void *
host_arena(void *ctx, size_t size, size_t alignment)
{
    struct host *host = ctx;
    void *p = NULL;
    if (posix_memalign(&p, alignment, size) != 0) {
        return NULL;
    }
    host->arenas++;
    host->arena_bytes += size;
    return p;
}

static void
host_arena_free(void *ctx, void *p, size_t size)
{
    struct host *host = ctx;
    host->arenas--;
    host->arena_bytes -= size;
    free(p);
}

static mpy_arena_allocator
arenas_of(struct host *host)
{
    mpy_arena_allocator a = {.size = sizeof a, .version = 1, .ctx = host};
    a.alloc = host_arena;
    a.free = host_arena_free;
    return a;
}

/* A program's worth of objects: atoms, arrays, cells, a cycle. 0, or -1 with an error. */
static int
use_objects(void)
{
    int result = -1;
    mpy_object *dict = mpy_dict_new(0);
    mpy_object *list = mpy_list_new(0);
    if (dict == NULL || list == NULL) {
        goto out;
    }
    for (int64_t i = 0; i < 3000; i++) {
        mpy_object *key = mpy_str_format("key %lld of a dict", (long long)i);
        mpy_object *value = key != NULL ? mpy_tuple_from_array(&key, 1) : NULL;
        int done = value != NULL && mpy_dict_set(dict, key, value) == 0 &&
                   mpy_list_append(list, value) == 0;
        mpy_xdecref(key);
        mpy_xdecref(value);
        if (!done) {
            goto out;
        }
    }
    if (mpy_list_append(list, dict) < 0 || mpy_dict_set_utf8(dict, "list", list) < 0) {
        goto out;
    }
    result = 0;
out:
    mpy_xdecref(dict);
    mpy_xdecref(list);
    return result;
}

static void
a_runtime_on_a_host(void **state)
{
    (void)state;
    struct host host = {0};
    mpy_allocator allocator = allocator_of(&host);
    mpy_arena_allocator arenas = arenas_of(&host);
    mpy_config *config = mpy_config_new();
    mpy_runtime *rt = NULL;
    assert_non_null(config);
    assert_int_equal(mpy_config_set_allocator(config, MPY_DOMAIN_OBJ, &allocator), 0);
    assert_int_equal(mpy_config_set_arena_allocator(config, &arenas), 0);
    assert_int_equal(mpy_config_set_int(config, "gc.range_bytes", 1 << 25), 0);
    assert_int_equal(mpy_runtime_new(config, &rt), MPY_OK);
    assert_int_equal(host.arena_bytes, 1 << 25);
    assert_int_equal(use_objects(), 0);
    assert_true(host.live > 3000 && host.calls > 3000); /* the cycle is still there */
    void *p = mpy_obj_malloc(100);
    void *q = mpy_obj_calloc(100, 100);
    assert_true(p != NULL && q != NULL);
    p = mpy_obj_realloc(p, 1000);
    assert_non_null(p);
    mpy_obj_free(p);
    mpy_obj_free_sized(q, 10000);
    mpy_region *region = mpy_region_new(rt); /* pools of its own, the host's arenas */
    assert_non_null(mpy_region_malloc(region, 100));
    assert_non_null(mpy_region_malloc(region, 1000));
    long live = host.live;
    assert_true(mpy_gc_collect(2, NULL) >= 0);
    assert_true(host.live < live - 3000);
    assert_int_equal(mpy_debug_check_heap(rt), 0);
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    assert_non_null(mpy_obj_malloc(50)); /* freed with the runtime */
    assert_int_equal(mpy_runtime_free(rt, &report), MPY_OK);
    assert_int_equal(report.blocks, 1);
    assert_int_equal(host.live, 0);
    assert_int_equal(host.arenas, 0);
    mpy_config_free(config);
}

/* Whatever fails first, it is a MemoryError, and everything goes back. */
static void
a_host_without_memory(void **state)
{
    (void)state;
    for (long n = 1; n < 4000; n += n < 200 ? 1 : 97) {
        struct host host = {.fail_after = n};
        mpy_allocator allocator = allocator_of(&host);
        mpy_config *config = mpy_config_new();
        mpy_runtime *rt = NULL;
        assert_non_null(config);
        assert_int_equal(mpy_config_set_allocator(config, MPY_DOMAIN_OBJ, &allocator), 0);
        mpy_status status = mpy_runtime_new(config, &rt);
        mpy_config_free(config);
        if (status != MPY_OK) {
            assert_int_equal(status, MPY_E_NOMEM);
            assert_null(rt);
            assert_int_equal(host.live, 0);
            continue;
        }
        if (use_objects() < 0) {
            assert_true(mpy_err_matches_code(MPY_EXC_MEMORY_ERROR));
            mpy_err_clear();
        }
        assert_int_equal(mpy_debug_check_heap(rt), 0);
        assert_int_equal(mpy_runtime_free(rt, NULL), MPY_OK);
        assert_int_equal(host.live, 0);
    }
}

static void
wrong_settings(void **state)
{
    (void)state;
    struct host host = {0};
    mpy_allocator allocator = allocator_of(&host);
    mpy_arena_allocator arenas = arenas_of(&host);
    mpy_config *config = mpy_config_new();
    assert_int_equal(mpy_config_set_allocator(NULL, MPY_DOMAIN_OBJ, &allocator), -1);
    assert_int_equal(mpy_config_set_allocator(config, MPY_DOMAIN_MEM, &allocator), -1);
    assert_int_equal(mpy_config_set_allocator(config, MPY_DOMAIN_RAW, NULL), -1);
    assert_int_equal(mpy_config_set_allocator(config, 7, &allocator), -1);
    allocator.free = NULL;
    assert_int_equal(mpy_config_set_allocator(config, MPY_DOMAIN_OBJ, &allocator), -1);
    assert_int_equal(mpy_config_set_arena_allocator(NULL, &arenas), -1);
    arenas.free = NULL;
    assert_int_equal(mpy_config_set_arena_allocator(config, &arenas), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    assert_int_equal(mpy_config_set_allocator(config, MPY_DOMAIN_OBJ, NULL), 0);
    assert_int_equal(mpy_config_set_arena_allocator(config, NULL), 0);
    mpy_runtime *rt = NULL;
    assert_int_equal(mpy_runtime_new(config, &rt), MPY_OK);
    assert_int_equal(use_objects(), 0);
    assert_int_equal(mpy_runtime_free(rt, NULL), MPY_OK);
    assert_int_equal(host.calls, 0);
    mpy_config_free(config);
}

/* ---- the process ------------------------------------------------------------------------------
 */

static mpy_allocator before;
static long wrapped_calls;

static void *
wrap_malloc(void *ctx, size_t n)
{
    (void)ctx;
    wrapped_calls++;
    return before.malloc(before.ctx, n);
}

static void
wrap_free(void *ctx, void *p)
{
    (void)ctx;
    wrapped_calls++;
    before.free(before.ctx, p);
}

/* Inlined requests, too, reach a wrapper, and no longer after it is gone. */
static void
mem_wrapped_at_any_time(void **state)
{
    (void)state;
    void *early = mpy_mem_malloc(32);
    before.size = sizeof before;
    assert_int_equal(mpy_mem_get_allocator(MPY_DOMAIN_MEM, &before), 0);
    mpy_allocator wrapper = before;
    wrapper.flags = MPY_ALLOCATOR_COMPATIBLE;
    wrapper.malloc = wrap_malloc;
    wrapper.free = wrap_free;
    wrapper.free_sized = NULL;
    assert_int_equal(mpy_mem_set_allocator(MPY_DOMAIN_MEM, &wrapper), 0);
    for (int i = 0; i < 10; i++) {
        mpy_mem_free_sized(mpy_mem_malloc(32), 32);
    }
    assert_int_equal(wrapped_calls, 20);
    mpy_mem_free(early);
    assert_int_equal(wrapped_calls, 21);
    void *late = mpy_mem_malloc(48);
    before.flags = MPY_ALLOCATOR_COMPATIBLE;
    assert_int_equal(mpy_mem_set_allocator(MPY_DOMAIN_MEM, &before), 0);
    mpy_mem_free(late);
    for (int i = 0; i < 10; i++) {
        mpy_mem_free_sized(mpy_mem_malloc(32), 32);
    }
    assert_int_equal(wrapped_calls, 22);
    /* a replacement comes too late */
    struct host host = {0};
    mpy_allocator replacement = allocator_of(&host);
    assert_int_equal(mpy_mem_set_allocator(MPY_DOMAIN_MEM, &replacement), -1);
    assert_int_equal(mpy_status_last(), MPY_E_BUSY);
    mpy_arena_allocator arenas = arenas_of(&host);
    assert_int_equal(mpy_mem_set_arena_allocator(&arenas), -1);
    assert_int_equal(mpy_status_last(), MPY_E_BUSY);
    arenas.size = sizeof arenas;
    assert_int_equal(mpy_mem_get_arena_allocator(&arenas), 0);
    void *arena = arenas.alloc(arenas.ctx, MPY_ARENA_SIZE, MPY_ARENA_SIZE);
    assert_non_null(arena);
    memset(arena, 1, MPY_ARENA_SIZE);
    arenas.free(arenas.ctx, arena, MPY_ARENA_SIZE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_runtime_on_a_host),
        cmocka_unit_test(a_host_without_memory),
        cmocka_unit_test(wrong_settings),
        cmocka_unit_test(mem_wrapped_at_any_time),
    };
    return cmocka_run_group_tests_name("hooks of the host", tests, NULL, NULL);
}
