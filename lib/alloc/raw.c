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
 * The books (usage.raw_bytes) hold what the system says a block has; they are exact always, so that
 * a limit can be set at any time. A host's blocks are its own to count.
 *
 * Lock: none.
 */
#include "alloc/domain.h"
#include "alloc/fault.h"
#include "alloc/mode.h"
#include "alloc/pressure.h"
#include "alloc/size.h"
#include "alloc/sys.h"
#include "base/bits.h"
#include "base/hooks.h"
#include "base/status.h"

#define RAW_KIND (-1)

/* ---- the default -----------------------------------------------------------------------------
 */

static void
book(size_t bytes)
{
    atomic_fetch_add_explicit(&mpyi_mem_usage.raw_bytes, bytes, memory_order_relaxed);
}

static void *
booked(void *p)
{
    if (p != NULL) {
        book(mpyi_sys_usable(p));
    }
    return p;
}

static int
fits(size_t n)
{
    return mpyi_usage_fits(&mpyi_mem_usage, n);
}

static void *
plain_malloc(void *ctx, size_t n)
{
    (void)ctx;
    return fits(n) ? booked(mpyi_sys_malloc(n)) : NULL;
}

static void *
plain_calloc(void *ctx, size_t nelem, size_t elsize)
{
    size_t n;
    (void)ctx;
    return mpyi_mul_size(nelem, elsize, &n) && fits(n) ? booked(mpyi_sys_calloc(n)) : NULL;
}

static void
plain_free(void *ctx, void *p)
{
    (void)ctx;
    if (p != NULL) {
        book(0 - mpyi_sys_usable(p));
        mpyi_sys_free(p);
    }
}

static void *
plain_realloc(void *ctx, void *p, size_t n)
{
    if (p == NULL) {
        return plain_malloc(ctx, n);
    }
    size_t old = mpyi_sys_usable(p);
    if (n > old && !fits(n - old)) {
        return NULL;
    }
    void *fresh = mpyi_sys_realloc(p, n);
    if (fresh != NULL) {
        book(mpyi_sys_usable(fresh) - old);
    }
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
