/* SPDX-License-Identifier: MIT */
/*
 * alloc/raw.c - the raw domain: the system's allocator with this library's rules.
 *
 *   mpy_raw_*   sizes, failures on demand, tracing, status
 *     -> the host's allocator, or mpyi_raw_default: the limit and the books, then the system
 *
 * A request of 0 bytes gives a unique pointer, a product that overflows or a size above
 * PTRDIFF_MAX fails, a failure leaves MPY_E_NOMEM. Failure injection and tracing see every call.
 *
 * What counts against the limit of the process is what the system says a block has: it is counted
 * before the block is taken (alloc/usage.h), and always, so that a limit can be set at any time. A
 * host's blocks are its own to count.
 *
 * Lock: none.
 */
#include "alloc/backend.h"
#include "alloc/domain.h"
#include "alloc/fault.h"
#include "alloc/mode.h"
#include "alloc/pressure.h"
#include "alloc/size.h"
#include "base/bits.h"
#include "base/hooks.h"
#include "base/status.h"

#include <string.h>

#define RAW_KIND (-1)

/* ---- the default -----------------------------------------------------------------------------
 */

/* The block p of n bytes, for which `taken` bytes were counted; 0 when the difference between them
   and what it has does not fit the limit. */
static int
counted(void *p, size_t taken)
{
    size_t size = mpyi_sys_usable(p);
    if (size > taken) {
        return mpyi_usage_take(&mpyi_mem_usage, size - taken);
    }
    if (size < taken) {
        mpyi_usage_give(&mpyi_mem_usage, taken - size);
    }
    return 1;
}

static void *
plain_alloc(size_t n, int zero)
{
    size_t taken = mpyi_sys_good(n);
    if (n > MPYI_SIZE_LIMIT || !mpyi_usage_take(&mpyi_mem_usage, taken)) {
        return NULL;
    }
    void *p = zero ? mpyi_sys_calloc(n) : mpyi_sys_malloc(n);
    if (p != NULL && counted(p, taken)) {
        return p;
    }
    mpyi_sys_free(p);
    mpyi_usage_give(&mpyi_mem_usage, taken);
    return NULL;
}

static void *
plain_malloc(void *ctx, size_t n)
{
    (void)ctx;
    return plain_alloc(n, 0);
}

static void *
plain_calloc(void *ctx, size_t nelem, size_t elsize)
{
    size_t n;
    (void)ctx;
    return mpyi_mul_size(nelem, elsize, &n) ? plain_alloc(n, 1) : NULL;
}

static void
plain_free(void *ctx, void *p)
{
    (void)ctx;
    if (p != NULL) {
        size_t size = mpyi_sys_usable(p);
        mpyi_sys_free(p);
        mpyi_usage_give(&mpyi_mem_usage, size);
    }
}

/* Near the limit, where there is room for the growth but not for all that realloc() might give:
   the fresh block can still be given back when it turns out to be too large. */
static void *
move(void *p, size_t old, size_t n)
{
    size_t good = mpyi_sys_good(n);
    size_t more = good > old ? good - old : 0;
    if (!mpyi_usage_take(&mpyi_mem_usage, more)) {
        return NULL;
    }
    void *fresh = mpyi_sys_malloc(n);
    if (fresh != NULL && counted(fresh, old + more)) {
        memcpy(fresh, p, old < n ? old : n);
        mpyi_sys_free(p);
        return fresh;
    }
    mpyi_sys_free(fresh);
    mpyi_usage_give(&mpyi_mem_usage, more);
    return NULL;
}

static void *
plain_realloc(void *ctx, void *p, size_t n)
{
    if (p == NULL) {
        return plain_malloc(ctx, n);
    }
    if (n > MPYI_SIZE_LIMIT) {
        return NULL;
    }
    size_t old = mpyi_sys_usable(p);
    size_t most = mpyi_malloc_most(n);
    size_t more = most > old ? most - old : 0;
    if (!mpyi_usage_take(&mpyi_mem_usage, more)) {
        return move(p, old, n);
    }
    void *fresh = mpyi_sys_realloc(p, n);
    if (fresh == NULL) {
        mpyi_usage_give(&mpyi_mem_usage, more);
        return NULL;
    }
    mpyi_usage_give(&mpyi_mem_usage, old + more - mpyi_sys_usable(fresh));
    return fresh;
}

static size_t
plain_usable(void *ctx, const void *p)
{
    (void)ctx;
    return mpyi_sys_usable((void *)(uintptr_t)p);
}

const mpy_allocator mpyi_raw_default = {
    .size = sizeof(mpy_allocator),
    .version = 1,
    .malloc = plain_malloc,
    .calloc = plain_calloc,
    .realloc = plain_realloc,
    .free = plain_free,
    .usable_size = plain_usable,
};

/* ---- the domain ------------------------------------------------------------------------------
 */

static const mpy_allocator *
allocator(void)
{
    const mpy_allocator *host = mpyi_domain_host(MPY_DOMAIN_RAW);
    return host != NULL ? host : &mpyi_raw_default;
}

static int
refused(size_t n)
{
    mpyi_domain_mark_used(MPY_DOMAIN_RAW);
    if (n <= MPYI_SIZE_LIMIT && !mpyi_fault_hit(NULL, n)) {
        mpyi_pressure_begin();
        return 0;
    }
    mpyi_status_set(MPY_E_NOMEM);
    return 1;
}

static void *
finish(void *p, size_t n)
{
    if (p == NULL) {
        mpyi_status_set(MPY_E_NOMEM);
    } else if ((mpyi_modes_get() & MPYI_MODE_TRACE) != 0) {
        mpyi_hook_trace(MPYI_TRACE_ALLOC, RAW_KIND, p, n);
    }
    return p;
}

static void
trace_free(void *p)
{
    if (p != NULL && (mpyi_modes_get() & MPYI_MODE_TRACE) != 0) {
        mpyi_hook_trace(MPYI_TRACE_FREE, RAW_KIND, p, 0);
    }
}

void *
mpy_raw_malloc(size_t n)
{
    n += n == 0;
    if (refused(n)) {
        return NULL;
    }
    int step = 0;
    void *p;
    do {
        const mpy_allocator *a = allocator();
        p = a->malloc(a->ctx, n);
    } while (MPY_UNLIKELY(p == NULL) && mpyi_pressure_relieve(&step, n));
    return finish(p, n);
}

void *
mpy_raw_calloc(size_t nelem, size_t elsize)
{
    size_t n;
    if (!mpyi_mul_size(nelem, elsize, &n)) {
        n = SIZE_MAX;
    }
    n += n == 0;
    if (refused(n)) {
        return NULL;
    }
    int step = 0;
    void *p;
    do {
        const mpy_allocator *a = allocator();
        p = a->calloc(a->ctx, 1, n);
    } while (MPY_UNLIKELY(p == NULL) && mpyi_pressure_relieve(&step, n));
    return finish(p, n);
}

void *
mpy_raw_realloc(void *p, size_t n)
{
    n += n == 0;
    if (refused(n)) {
        return NULL;
    }
    trace_free(p);
    int step = 0;
    void *fresh;
    do {
        const mpy_allocator *a = allocator();
        fresh = a->realloc(a->ctx, p, n);
    } while (MPY_UNLIKELY(fresh == NULL) && mpyi_pressure_relieve(&step, n));
    if (fresh == NULL && p != NULL) {
        (void)finish(p, n); /* the old block lives on */
        mpyi_status_set(MPY_E_NOMEM);
        return NULL;
    }
    return finish(fresh, n);
}

void
mpy_raw_free(void *p)
{
    if (p == NULL) {
        return;
    }
    trace_free(p);
    const mpy_allocator *a = allocator();
    a->free(a->ctx, p);
}

void
mpy_raw_free_sized(void *p, size_t n)
{
    if (p == NULL) {
        return;
    }
    trace_free(p);
    const mpy_allocator *a = allocator();
    if (a->free_sized != NULL) {
        a->free_sized(a->ctx, p, n + (n == 0));
    } else {
        a->free(a->ctx, p);
    }
}
