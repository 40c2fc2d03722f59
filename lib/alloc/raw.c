/* SPDX-License-Identifier: MIT */
/*
 * alloc/raw.c - the raw domain: the system's allocator with this library's rules.
 *
 * A request of 0 bytes gives a unique pointer, a product that overflows or a size above
 * PTRDIFF_MAX fails, a failure leaves MPY_E_NOMEM. Failure injection and tracing see every call.
 *
 * Lock: none.
 */
#include "alloc/fault.h"
#include "alloc/mode.h"
#include "alloc/size.h"
#include "alloc/sys.h"
#include "base/bits.h"
#include "base/hooks.h"
#include "base/status.h"

#define RAW_KIND (-1)

static int
refused(size_t n)
{
    if (n <= MPYI_SIZE_LIMIT && !mpyi_fault_hit(NULL, n)) {
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
    return refused(n) ? NULL : finish(mpyi_sys_malloc(n), n);
}

void *
mpy_raw_calloc(size_t nelem, size_t elsize)
{
    size_t n;
    if (!mpyi_mul_size(nelem, elsize, &n)) {
        n = SIZE_MAX;
    }
    n += n == 0;
    return refused(n) ? NULL : finish(mpyi_sys_calloc(n), n);
}

void *
mpy_raw_realloc(void *p, size_t n)
{
    n += n == 0;
    if (refused(n)) {
        return NULL;
    }
    trace_free(p);
    void *fresh = mpyi_sys_realloc(p, n);
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
    trace_free(p);
    mpyi_sys_free(p);
}

void
mpy_raw_free_sized(void *p, size_t n)
{
    (void)n;
    mpy_raw_free(p);
}
