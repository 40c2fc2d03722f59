/* SPDX-License-Identifier: MIT */
/*
 * Out of memory in mem.h, memstat.h, debug.h and base.h: the allocator itself.
 */
#include "support/internal/oom.h"

#include <string.h>

static int
raw(void *unused)
{
    int result = OOM_FAILED;
    char *p = NULL, *q = NULL, *r = NULL;
    (void)unused;
    p = mpy_raw_malloc(100);
    OOM_NEED(p != NULL);
    memset(p, 7, 100);
    q = mpy_raw_calloc(10, 10);
    OOM_NEED(q != NULL);
    OOM_CHECK(q[0] == 0 && q[99] == 0);
    r = mpy_raw_realloc(p, 5000);
    if (r == NULL) {
        OOM_CHECK(p[0] == 7 && p[99] == 7);
        goto out;
    }
    p = r;
    OOM_CHECK(p[99] == 7);
    OOM_CHECK(mpy_raw_calloc(SIZE_MAX, 2) == NULL);
    result = OOM_OK;
out:
    mpy_raw_free(p);
    mpy_raw_free_sized(q, 100);
    return result;
}

static int
mem(void *unused)
{
    int result = OOM_FAILED;
    void *p[40] = {NULL};
    char *text = NULL, *grown = NULL;
    (void)unused;
    for (size_t i = 0; i < 40; i++) {
        p[i] = mpy_mem_malloc(i * i * 3);
        OOM_NEED(p[i] != NULL);
        OOM_CHECK(mpy_mem_usable_size(p[i]) >= i * i * 3);
    }
    text = mpy_mem_strndup("twelve bytes and more", 12);
    OOM_NEED(text != NULL);
    for (size_t n = 20; n < 3000; n += 300) {
        grown = mpy_mem_realloc(text, n);
        if (grown == NULL) {
            OOM_CHECK(memcmp(text, "twelve bytes", 12) == 0);
            goto out;
        }
        text = grown;
    }
    OOM_CHECK(memcmp(text, "twelve bytes", 12) == 0);
    mpy_mem_free(text);
    text = mpy_mem_calloc(7, 9);
    OOM_NEED(text != NULL);
    OOM_CHECK(text[62] == 0);
    mpy_mem_free_sized(text, 63);
    text = mpy_mem_aligned_alloc(64, 200);
    OOM_NEED(text != NULL);
    OOM_CHECK((uintptr_t)text % 64 == 0);
    result = OOM_OK;
out:
    mpy_mem_free(text);
    for (size_t i = 0; i < 40; i++) {
        mpy_mem_free(p[i]);
    }
    return result;
}

static int
obj(void *unused)
{
    int result = OOM_FAILED;
    char *p[40] = {NULL};
    (void)unused;
    for (size_t i = 0; i < 40; i++) {
        p[i] = i % 2 == 0 ? mpy_obj_malloc(i * i * 2) : mpy_obj_calloc(i, i);
        OOM_NEED(p[i] != NULL);
    }
    for (size_t i = 0; i < 40; i++) {
        char *q = mpy_obj_realloc(p[i], i * 40);
        OOM_NEED(q != NULL);
        p[i] = q;
    }
    mpy_obj_free_sized(p[39], (size_t)39 * 40);
    p[39] = NULL;
    result = OOM_OK;
out:
    for (size_t i = 0; i < 40; i++) {
        mpy_obj_free(p[i]);
    }
    return result;
}

static int
ignore_arena(void *data, const mpy_arena_info *arena)
{
    *(const void **)data = arena->address;
    return 0;
}

static int
ignore_pool(void *data, const mpy_pool_info *pool)
{
    if (pool->state == MPY_POOL_USED) {
        *(const void **)data = pool->address;
    }
    return 0;
}

static int
ignore_block(void *data, const void *block, uint32_t size, uint32_t state)
{
    (void)data, (void)block, (void)size, (void)state;
    return 0;
}

static int
ignore_text(void *data, const char *bytes, size_t n)
{
    (void)data, (void)bytes, (void)n;
    return 0;
}

/* Statistics allocate nothing: they work when nothing else does. */
static int
insight(void *unused)
{
    int result = OOM_FAILED;
    mpy_runtime *rts[2] = {NULL, mpy_runtime_current()};
    mpy_mem_stats stats = {.size = sizeof stats, .version = 1};
    mpy_class_stats class_stats = {.size = sizeof class_stats, .version = 1};
    mpy_block_info info = {.size = sizeof info, .version = 1};
    uint64_t failed;
    void *p = mpy_obj_malloc(40);
    (void)unused;
    OOM_NEED(p != NULL);
    for (int i = 0; i < 2; i++) {
        const void *arena = NULL, *pool = NULL;
        OOM_CHECK(mpy_mem_stats_get(rts[i], &stats) == 0);
        OOM_CHECK(mpy_mem_class_stats(rts[i], 5, &class_stats) == 0);
        OOM_CHECK(mpy_mem_allocated_blocks(rts[i]) >= 0);
        OOM_CHECK(mpy_mem_dump_stats(rts[i], ignore_text, NULL) == 0);
        OOM_CHECK(mpy_mem_dump_json(rts[i], ignore_text, NULL) == 0);
        OOM_CHECK(mpy_mem_dump_map(rts[i], ignore_text, NULL) == 0);
        OOM_CHECK(mpy_mem_peak(rts[i], i) >= 0);
        OOM_CHECK(mpy_mem_visit_arenas(rts[i], ignore_arena, &arena) == 0);
        if (arena != NULL) {
            OOM_CHECK(mpy_mem_visit_pools(rts[i], arena, ignore_pool, &pool) == 0);
        }
        if (pool != NULL) {
            OOM_CHECK(mpy_mem_visit_blocks(rts[i], pool, ignore_block, NULL) == 0);
        }
        OOM_CHECK(mpy_debug_check_heap(rts[i]) == 0);
        OOM_CHECK(mpy_mem_trim(rts[i], 0, NULL) == 0);
        OOM_CHECK(mpy_mem_set_keep(rts[i], 1 << 20) == 0);
    }
    OOM_CHECK(mpy_mem_block_info(p, &info) >= 0);
    OOM_CHECK(mpy_debug_fail_count(NULL, &failed) >= 0);
    for (uint32_t mask = MPY_CHECK_ALL + 1; mask-- > 0;) {
        OOM_CHECK(mpy_debug_set_checks(mpy_runtime_current(), mask) == 0);
        void *fresh = mpy_obj_realloc(p, 100 + 100 * (size_t)mask);
        p = fresh != NULL ? fresh : p;
        mpy_err_clear();
    }
    OOM_CHECK(mpy_debug_fail_alloc(mpy_runtime_current(), MPY_FAIL_OFF, 0) == 0);
    mpy_debug_set_fatal_handler(NULL, NULL);
    OOM_CHECK(mpy_version_string() != NULL && mpy_version_hex() == MPY_LIB_VERSION_HEX);
    OOM_CHECK(mpy_build_info() != NULL && mpy_feature("no such") == 0);
    OOM_CHECK(mpy_abi_check(MPY_ABI_VERSION) == 0);
    OOM_CHECK(mpy_status_text(mpy_status_last()) != NULL);
    result = OOM_OK;
out:
    mpy_obj_free(p);
    return result;
}

static const struct oom_scenario scenarios[] = {
    {.name = "raw",
     .reaches = "mpy_raw_malloc mpy_raw_calloc mpy_raw_realloc mpy_raw_free mpy_raw_free_sized",
     .run = raw,
     .flags = OOM_NO_RUNTIME},
    {.name = "mem",
     .reaches = "mpy_mem_malloc mpy_mem_usable_size mpy_mem_strndup mpy_mem_realloc mpy_mem_free "
                "mpy_mem_calloc mpy_mem_free_sized mpy_mem_aligned_alloc",
     .run = mem,
     .flags = OOM_NO_RUNTIME},
    {.name = "obj",
     .reaches = "mpy_obj_malloc mpy_obj_calloc mpy_obj_realloc mpy_obj_free_sized mpy_obj_free",
     .run = obj},
    {.name = "insight",
     .reaches = "mpy_mem_stats_get mpy_mem_class_stats mpy_mem_allocated_blocks mpy_mem_dump_stats "
                "mpy_mem_dump_json mpy_mem_dump_map mpy_mem_peak "
                "mpy_mem_visit_arenas mpy_mem_visit_pools mpy_mem_visit_blocks mpy_mem_block_info "
                "mpy_mem_trim mpy_mem_set_keep mpy_debug_check_heap mpy_debug_set_checks "
                "mpy_debug_fail_count "
                "mpy_debug_fail_alloc "
                "mpy_debug_set_fatal_handler mpy_version_string mpy_version_hex mpy_build_info "
                "mpy_feature mpy_abi_check mpy_status_text mpy_status_last",
     .run = insight},
    {.name = NULL},
};

int
main(void)
{
    return oom_main("out of memory: allocator", scenarios);
}
