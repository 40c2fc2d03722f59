/* SPDX-License-Identifier: MIT */
/*
 * alloc/pressure.c - the callbacks that may free memory before a request fails, and the public
 * functions of the process's limit; see alloc/pressure.h and alloc/usage.h.
 *
 * What counts against the limit of the process: pools that belong to heaps of threads and regions
 * (cached empty ones included), large blocks of mem and regions (cached ones included), raw blocks.
 * It is looked at on slow paths only, when a pool or a large block is wanted: a magazine still
 * gives what it has.
 *
 * Several threads may be refused memory at once, and each asks: a thread that had to wait for
 * another's callback could wait for itself. In one thread the callback is not nested
 * (mpyi_tls.in_pressure).
 *
 * Lock: process_lock for the process's callback and its data, so that both are read together.
 */
#include "alloc/pressure.h"

#include "alloc/memheap.h"
#include "alloc/region.h"
#include "alloc/rtheap.h"
#include "alloc/spaces.h"
#include "base/hooks.h"
#include "base/status.h"

static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mpyi_pressure process;

void
mpyi_pressure_lock(void)
{
    if (!mpyi_tls.forking) {
        (void)pthread_mutex_lock(&process_lock);
    }
}

void
mpyi_pressure_unlock(void)
{
    if (!mpyi_tls.forking) {
        (void)pthread_mutex_unlock(&process_lock);
    }
}

static uint64_t
load(_Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* Calls the host; 1 when it says that it freed something. */
static int
call(const struct mpyi_pressure *pressure, mpy_runtime *rt, struct mpyi_usage *usage, size_t n)
{
    uint64_t limit = load(&usage->limit);
    const mpy_pressure info = {
        .size = sizeof info,
        .version = 1,
        .rt = rt,
        .requested = n,
        .used = mpyi_usage_now(usage),
        .limit = limit == UINT64_MAX ? 0 : limit,
    };
    return pressure->fn(pressure->data, &info) != 0;
}

/* ---- the process ------------------------------------------------------------------------------
 */

static int
ask_host(size_t n)
{
    mpyi_pressure_lock();
    struct mpyi_pressure pressure = process;
    mpyi_pressure_unlock();
    if (pressure.fn == NULL || mpyi_tls.in_pressure) {
        return 0;
    }
    mpyi_tls.in_pressure = 1;
    int freed = call(&pressure, NULL, &mpyi_mem_usage, n);
    mpyi_tls.in_pressure = 0;
    return freed;
}

/* Empties what the calling thread keeps for later, and what ended threads left. 1 when that was
   anything. */
static int
release_caches(void)
{
    if (mpy_priv_tls.mem == &mpyi_null_heap) {
        return 0;
    }
    uint64_t before = mpyi_usage_now(&mpyi_mem_usage);
    (void)mpyi_mem_cool_orphans(UINT32_MAX);
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap == NULL) {
        return 0;
    }
    mpyi_heap_release_empties(heap);
    size_t bytes = mpyi_large_cache_clear(&heap->large);
    mpyi_large_settle(&heap->large);
    mpyi_mem_leave(heap);
    mpyi_mem_trim_orphans();
    bytes += mpyi_space_trim(&mpyi_mem_space, 0);
    return bytes > 0 || mpyi_usage_now(&mpyi_mem_usage) < before;
}

int
mpyi_pressure_relieve(int *step, size_t n)
{
    while (n <= MPYI_SIZE_LIMIT && *step < 2 && !mpyi_tls.injected) {
        if ((*step)++ == 0) {
            if (release_caches()) {
                return 1;
            }
        } else if (ask_host(n)) {
            (void)release_caches(); /* what the host freed may wait there */
            return 1;
        }
    }
    return 0;
}

void
mpyi_pressure_notice_slow(void)
{
    int over = mpyi_usage_now(&mpyi_mem_usage) > load(&mpyi_mem_usage.soft);
    mpyi_pressure_lock();
    int news = over && !process.passed;
    process.passed = (uint32_t)over;
    mpyi_pressure_unlock();
    if (news) {
        (void)ask_host(0);
    }
}

/* ---- a runtime --------------------------------------------------------------------------------
 */

static int
ask_host_of(struct mpyi_rtheap *runtime, size_t n)
{
    struct mpyi_pressure pressure = runtime->pressure;
    if (pressure.fn == NULL || runtime->in_pressure) {
        return 0;
    }
    runtime->in_pressure = 1;
    int freed = call(&pressure, runtime->runtime, &runtime->usage, n);
    runtime->in_pressure = 0;
    return freed;
}

/* Gives back what waits in caches; 1 when that was anything. */
static int
release_caches_of(struct mpyi_rtheap *runtime)
{
    uint64_t before = mpyi_rtheap_bytes(runtime);
    mpyi_heap_release_empties(&runtime->raw);
    mpyi_heap_release_empties(&runtime->atom);
    mpyi_heap_release_empties(&runtime->gc);
    for (mpy_region *region = runtime->regions; region != NULL; region = region->next) {
        mpyi_region_release(region);
    }
    size_t cached = mpyi_large_cache_clear(&runtime->cache);
    return cached > 0 || mpyi_rtheap_bytes(runtime) < before;
}

/* A collection that runs no code of the host. It may allocate: not inside itself. */
static int
collect(struct mpyi_rtheap *runtime, size_t n)
{
    if (runtime->under_pressure) {
        return 0;
    }
    runtime->under_pressure = 1;
    int freed = mpyi_hook_memory_pressure(runtime, n) != 0;
    freed |= release_caches_of(runtime);
    runtime->under_pressure = 0;
    return freed;
}

int
mpyi_pressure_relieve_runtime(struct mpyi_rtheap *runtime, int *step, size_t n)
{
    while (n <= MPYI_SIZE_LIMIT && *step < 3 && !runtime->under_pressure) {
        int now = (*step)++;
        if (now == 2) {
            int freed = ask_host_of(runtime, n);
            (void)(freed && release_caches_of(runtime));
            return freed;
        }
        if (now == 0 ? release_caches_of(runtime) : collect(runtime, n)) {
            return 1;
        }
    }
    return 0;
}

void
mpyi_pressure_notice_runtime(struct mpyi_rtheap *runtime)
{
    uint64_t soft = load(&runtime->usage.soft);
    if (MPY_LIKELY(soft == UINT64_MAX)) {
        return;
    }
    uint32_t over = mpyi_usage_now(&runtime->usage) > soft;
    int news = over && !runtime->pressure.passed;
    runtime->pressure.passed = over;
    if (news) {
        (void)ask_host_of(runtime, 0);
    }
}

/* ---- public -----------------------------------------------------------------------------------
 */

/* Adds what the calling thread has not told yet, and takes off what ended threads have left. */
static void
settle_own(void)
{
    (void)mpyi_mem_cool_orphans(UINT32_MAX);
    if (mpy_priv_tls.mem != &mpyi_null_heap) {
        mpyi_large_settle(&mpyi_heap_of(mpy_priv_tls.mem)->large);
    }
}

void
mpy_mem_set_limit(uint64_t bytes)
{
    settle_own();
    mpyi_usage_set_limit(&mpyi_mem_usage, bytes != 0 ? bytes : UINT64_MAX);
}

uint64_t
mpy_mem_get_limit(void)
{
    uint64_t limit = load(&mpyi_mem_usage.limit);
    return limit == UINT64_MAX ? 0 : limit;
}

uint64_t
mpy_mem_used(void)
{
    settle_own();
    return mpyi_usage_now(&mpyi_mem_usage);
}

int
mpy_mem_on_pressure(mpy_runtime *rt, uint64_t soft_bytes, mpy_pressure_fn fn, void *data)
{
    const struct mpyi_pressure pressure = {fn, data, 0};
    uint64_t soft = fn != NULL && soft_bytes != 0 ? soft_bytes : UINT64_MAX;
    if (rt == NULL) {
        settle_own();
        mpyi_pressure_lock();
        process = pressure;
        atomic_store_explicit(&mpyi_mem_usage.soft, soft, memory_order_relaxed);
        mpyi_pressure_unlock();
        return 0;
    }
    struct mpyi_spaces spaces;
    if (mpyi_spaces_of(rt, &spaces) < 0) {
        return -1;
    }
    spaces.heap->pressure = pressure;
    atomic_store_explicit(&spaces.usage->soft, soft, memory_order_relaxed);
    return 0;
}
