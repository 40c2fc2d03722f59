/* SPDX-License-Identifier: MIT */
/*
 * Out of memory in region.h, and the limits and hooks of mem.h.
 */
#include "support/internal/oom.h"

#include <string.h>

static int
use_region(mpy_runtime *rt)
{
    int result = OOM_FAILED;
    mpy_region_stats stats = {.size = sizeof stats, .version = 1};
    mpy_region *region = mpy_region_new(rt);
    OOM_NEED(region != NULL);
    for (size_t i = 0; i < 40; i++) {
        char *p = mpy_region_malloc(region, i * i * 3);
        OOM_NEED(p != NULL);
        memset(p, 1, i * i * 3);
        if (i % 3 == 0) {
            mpy_region_free(region, p);
        }
    }
    char *text = mpy_region_calloc(region, 30, 30);
    OOM_NEED(text != NULL);
    OOM_CHECK(text[0] == 0 && text[899] == 0);
    text[0] = 'x';
    for (size_t n = 300; n < 4000; n += 700) {
        char *grown = mpy_region_realloc(region, text, n);
        OOM_CHECK(mpy_region_check(region) == 0);
        if (grown == NULL) {
            OOM_CHECK(text[0] == 'x' && mpy_region_usable_size(region, text) >= 300);
            goto out;
        }
        text = grown;
        OOM_CHECK(text[0] == 'x' && mpy_region_usable_size(region, text) >= n);
    }
    mpy_region_free_sized(region, text, 3800);
    OOM_CHECK(mpy_region_stats_get(region, &stats) == 0);
    mpy_region_clear(region);
    OOM_NEED(mpy_region_malloc(region, 100) != NULL);
    result = OOM_OK;
out:
    mpy_region_destroy(region);
    return result;
}

static int
of_process(void *unused)
{
    (void)unused;
    return use_region(NULL);
}

static int
of_runtime(void *unused)
{
    (void)unused;
    return use_region(mpy_runtime_current());
}

/* Failures on demand never ask the host. */
static int
never_called(void *data, const mpy_pressure *pressure)
{
    (void)pressure;
    *(int *)data = 1;
    return 0;
}

static int
limits(void *unused)
{
    int result = OOM_FAILED;
    int called = 0;
    (void)unused;
    mpy_mem_set_limit(UINT64_C(1) << 40);
    OOM_CHECK(mpy_mem_get_limit() == UINT64_C(1) << 40);
    OOM_CHECK(mpy_mem_on_pressure(NULL, 0, never_called, &called) == 0);
    uint64_t before = mpy_mem_used();
    void *p = mpy_mem_malloc(1000);
    void *q = mpy_raw_malloc(2000);
    int got = p != NULL && q != NULL;
    OOM_CHECK(!got || mpy_mem_used() > before);
    mpy_raw_free(q);
    mpy_mem_free(p);
    OOM_CHECK(!called);
    OOM_NEED(got);
    result = OOM_OK;
out:
    mpy_mem_set_limit(0);
    return mpy_mem_on_pressure(NULL, 0, NULL, NULL) == 0 ? result : OOM_BROKEN;
}

static mpy_allocator host_own[2];

static void
host_free_raw(void *ctx, void *p)
{
    host_own[MPY_DOMAIN_RAW].free(ctx, p);
}

static void
host_free_mem(void *ctx, void *p)
{
    host_own[MPY_DOMAIN_MEM].free(ctx, p);
}

static int
wrapped(int domain)
{
    int result = OOM_FAILED;
    void *p = NULL;
    mpy_allocator own = {.size = sizeof own, .version = 1};
    OOM_CHECK(mpy_mem_get_allocator(domain, &own) == 0);
    own.flags = MPY_ALLOCATOR_COMPATIBLE;
    mpy_allocator wrapper = own; /* a host's, as far as the library can tell: another `free` */
    wrapper.free = domain == MPY_DOMAIN_RAW ? host_free_raw : host_free_mem;
    host_own[domain] = own;
    OOM_CHECK(mpy_mem_set_allocator(domain, &wrapper) == 0);
    p = domain == MPY_DOMAIN_RAW ? mpy_raw_malloc(100) : mpy_mem_malloc(100);
    OOM_NEED(p != NULL);
    void *q = domain == MPY_DOMAIN_RAW ? mpy_raw_realloc(p, 1000) : mpy_mem_realloc(p, 1000);
    OOM_NEED(q != NULL);
    p = q;
    result = OOM_OK;
out:
    if (domain == MPY_DOMAIN_RAW) {
        mpy_raw_free(p);
    } else {
        mpy_mem_free(p);
    }
    return mpy_mem_set_allocator(domain, &own) == 0 ? result : OOM_BROKEN;
}

static int
wrapped_raw(void *unused)
{
    (void)unused;
    return wrapped(MPY_DOMAIN_RAW);
}

static int
wrapped_mem(void *unused)
{
    (void)unused;
    return wrapped(MPY_DOMAIN_MEM);
}

static int
swallow(void *data, const char *bytes, size_t n)
{
    (void)data, (void)bytes, (void)n;
    return 0;
}

/* A runtime on a host's blocks and arenas: those of the system, counted. */
static int
hosted_runtime(void *unused)
{
    int result = OOM_FAILED;
    mpy_runtime *rt = NULL;
    mpy_arena_allocator arenas = {.size = sizeof arenas, .version = 1};
    mpy_allocator raw = {.size = sizeof raw, .version = 1};
    mpy_config *config = mpy_config_new();
    (void)unused;
    OOM_NEED(config != NULL);
    OOM_CHECK(mpy_mem_get_arena_allocator(&arenas) == 0);
    OOM_CHECK(mpy_mem_get_allocator(MPY_DOMAIN_RAW, &raw) == 0);
    OOM_CHECK(mpy_mem_set_arena_allocator(&arenas) == -1); /* too late for mem */
    OOM_CHECK(mpy_config_set_allocator(config, MPY_DOMAIN_OBJ, &raw) == 0);
    OOM_CHECK(mpy_config_set_arena_allocator(config, &arenas) == 0);
    mpy_config_set_error_fn(config, swallow, NULL);
    mpy_status status = mpy_runtime_new(config, &rt);
    OOM_CHECK(status == MPY_OK || (status == MPY_E_NOMEM && rt == NULL));
    OOM_NEED(status == MPY_OK);
    for (size_t i = 0; i < 20; i++) {
        void *p = mpy_obj_malloc(i * 50); /* never freed: the runtime does */
        OOM_NEED(p != NULL);
        p = mpy_obj_realloc(p, i * 100);
        OOM_NEED(p != NULL);
    }
    OOM_CHECK(mpy_debug_check_heap(rt) == 0);
    result = OOM_OK;
out:
    if (rt != NULL) {
        mpy_err_clear();
        if (result == OOM_FAILED && mpy_status_last() != MPY_E_NOMEM) {
            result = OOM_BROKEN;
        }
        if (mpy_runtime_free(rt, NULL) != MPY_OK) {
            result = OOM_BROKEN;
        }
    }
    mpy_config_free(config);
    return result;
}

static const struct oom_scenario scenarios[] = {
    {.name = "region",
     .reaches = "mpy_region_new mpy_region_malloc mpy_region_calloc mpy_region_realloc "
                "mpy_region_free mpy_region_free_sized mpy_region_usable_size mpy_region_stats_get "
                "mpy_region_check mpy_region_clear mpy_region_destroy",
     .run = of_process,
     .flags = OOM_NO_RUNTIME},
    {.name = "region of a runtime", .reaches = "mpy_region_new", .run = of_runtime},
    {.name = "limits",
     .reaches = "mpy_mem_set_limit mpy_mem_get_limit mpy_mem_used mpy_mem_on_pressure",
     .run = limits,
     .flags = OOM_NO_RUNTIME},
    {.name = "wrapped raw",
     .reaches = "mpy_mem_set_allocator mpy_mem_get_allocator",
     .run = wrapped_raw,
     .flags = OOM_NO_RUNTIME},
    {.name = "wrapped mem",
     .reaches = "mpy_mem_set_allocator",
     .run = wrapped_mem,
     .flags = OOM_NO_RUNTIME},
    {.name = "a runtime on a host",
     .reaches = "mpy_config_set_allocator mpy_config_set_arena_allocator "
                "mpy_mem_set_arena_allocator mpy_mem_get_arena_allocator",
     .run = hosted_runtime,
     .flags = OOM_NO_RUNTIME},
    {.name = NULL},
};

int
main(void)
{
    return oom_main("out of memory: regions and hooks", scenarios);
}
