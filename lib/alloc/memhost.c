/* SPDX-License-Identifier: MIT */
/*
 * alloc/memhost.c - the plain layer of the mem domain: a host's allocator, or our own.
 *
 *   mpyi_mem_plain_x   host installed? -> host's function
 *                      else            -> mpyi_mem_own_x (alloc/closed.c): pools and large blocks
 *
 * A host that wraps calls the previous allocator: mpyi_mem_default, whose functions are the own
 * ones with the calling thread's heap around them. They then run inside the host's function, inside
 * a slow path of the same heap, which is consistent there; its busy mark is put back as it was.
 *
 * Lock: the heap's.
 */
#include "alloc/backend.h"
#include "alloc/closed.h"
#include "alloc/domain.h"
#include "alloc/memheap.h"
#include "base/bits.h"

static const mpy_allocator *
host(void)
{
    return mpyi_domain_host(MPY_DOMAIN_MEM);
}

/* ---- the plain layer --------------------------------------------------------------------------
 */

void *
mpyi_mem_plain_malloc(struct mpyi_heap *heap, size_t n)
{
    const mpy_allocator *a = host();
    if (MPY_LIKELY(a == NULL)) {
        return mpyi_mem_own_malloc(heap, n);
    }
    return n <= MPYI_SIZE_LIMIT ? a->malloc(a->ctx, n) : NULL;
}

void *
mpyi_mem_plain_calloc(struct mpyi_heap *heap, size_t n)
{
    const mpy_allocator *a = host();
    if (MPY_LIKELY(a == NULL)) {
        return mpyi_mem_own_calloc(heap, n);
    }
    return n <= MPYI_SIZE_LIMIT ? a->calloc(a->ctx, 1, n) : NULL;
}

void *
mpyi_mem_plain_aligned(struct mpyi_heap *heap, size_t alignment, size_t n)
{
    const mpy_allocator *a = host();
    if (MPY_LIKELY(a == NULL)) {
        return mpyi_mem_own_aligned(heap, alignment, n);
    }
    if (a->aligned_alloc != NULL) {
        return a->aligned_alloc(a->ctx, alignment < 8 ? 8 : alignment, n);
    }
    return alignment <= 16 ? a->malloc(a->ctx, mpyi_round_up(n, alignment)) : NULL;
}

void *
mpyi_mem_plain_realloc(struct mpyi_heap *heap, void *p, size_t n)
{
    const mpy_allocator *a = host();
    if (MPY_LIKELY(a == NULL)) {
        return mpyi_mem_own_realloc(heap, p, n);
    }
    return n <= MPYI_SIZE_LIMIT ? a->realloc(a->ctx, p, n) : NULL;
}

void
mpyi_mem_plain_free(struct mpyi_heap *heap, void *p, size_t n)
{
    const mpy_allocator *a = host();
    if (MPY_LIKELY(a == NULL)) {
        mpyi_mem_own_free(heap, p, n);
    } else if (n != MPYI_SIZE_UNKNOWN && a->free_sized != NULL) {
        a->free_sized(a->ctx, p, n + (n == 0));
    } else {
        a->free(a->ctx, p);
    }
}

size_t
mpyi_mem_plain_usable(const void *p)
{
    const mpy_allocator *a = host();
    if (MPY_LIKELY(a == NULL)) {
        return mpyi_mem_own_usable(p);
    }
    return a->usable_size != NULL ? a->usable_size(a->ctx, p) : 0;
}

/* ---- our own, for hosts that chain ------------------------------------------------------------
 */

static void
own_lone_free(void *p)
{
    if (mpyi_space_find(&mpyi_mem_space, p) != MPYI_NO_POOL) {
        mpyi_heap_send_lone(&mpyi_mem_space, p);
    } else {
        mpyi_large_free_lone(&mpyi_mem_usage, p);
    }
}

void
mpyi_mem_lone_free(void *p)
{
    const mpy_allocator *a = host();
    if (a != NULL) {
        a->free(a->ctx, p);
    } else {
        own_lone_free(p);
    }
}

/* The calling thread's heap, whatever it is in the middle of. */
static struct mpyi_heap *
enter(uint32_t *busy)
{
    struct mpy_priv_heap *pub = mpy_priv_tls.mem;
    *busy = pub != &mpyi_null_heap
                ? atomic_load_explicit(&mpyi_heap_of(pub)->busy, memory_order_relaxed)
                : 0;
    return mpyi_mem_enter();
}

static void
leave(struct mpyi_heap *heap, uint32_t busy)
{
    mpyi_mem_leave(heap);
    if (busy) {
        atomic_store_explicit(&heap->busy, busy, memory_order_relaxed);
    }
}

static void *
default_malloc(void *ctx, size_t n)
{
    uint32_t busy = 0;
    struct mpyi_heap *heap = n <= MPYI_SIZE_LIMIT ? enter(&busy) : NULL;
    (void)ctx;
    if (heap == NULL) {
        return NULL;
    }
    void *p = mpyi_mem_own_malloc(heap, n + (n == 0));
    leave(heap, busy);
    return p;
}

static void *
default_calloc(void *ctx, size_t nelem, size_t elsize)
{
    uint32_t busy = 0;
    size_t n;
    (void)ctx;
    if (!mpyi_mul_size(nelem, elsize, &n) || n > MPYI_SIZE_LIMIT) {
        return NULL;
    }
    struct mpyi_heap *heap = enter(&busy);
    if (heap == NULL) {
        return NULL;
    }
    void *p = mpyi_mem_own_calloc(heap, n + (n == 0));
    leave(heap, busy);
    return p;
}

static void *
default_aligned(void *ctx, size_t alignment, size_t n)
{
    uint32_t busy = 0;
    (void)ctx;
    if (!mpyi_is_pow2(alignment) || alignment > MPYI_SIZE_LIMIT || n > MPYI_SIZE_LIMIT) {
        return NULL;
    }
    struct mpyi_heap *heap = enter(&busy);
    if (heap == NULL) {
        return NULL;
    }
    void *p = mpyi_mem_own_aligned(heap, alignment, n + (n == 0));
    leave(heap, busy);
    return p;
}

static void *
default_realloc(void *ctx, void *p, size_t n)
{
    uint32_t busy = 0;
    if (p == NULL) {
        return default_malloc(ctx, n);
    }
    struct mpyi_heap *heap = n <= MPYI_SIZE_LIMIT ? enter(&busy) : NULL;
    if (heap == NULL) {
        return NULL;
    }
    void *fresh = mpyi_mem_own_realloc(heap, p, n + (n == 0));
    leave(heap, busy);
    return fresh;
}

static void
default_free_sized(void *ctx, void *p, size_t n)
{
    uint32_t busy = 0;
    (void)ctx;
    if (p == NULL) {
        return;
    }
    struct mpyi_heap *heap = enter(&busy);
    if (heap == NULL) {
        own_lone_free(p);
        return;
    }
    mpyi_mem_own_free(heap, p, n);
    leave(heap, busy);
}

static void
default_free(void *ctx, void *p)
{
    default_free_sized(ctx, p, MPYI_SIZE_UNKNOWN);
}

static size_t
default_usable(void *ctx, const void *p)
{
    (void)ctx;
    return p != NULL ? mpyi_mem_own_usable(p) : 0;
}

const mpy_allocator mpyi_mem_default = {
    .size = sizeof(mpy_allocator),
    .version = 1,
    .malloc = default_malloc,
    .calloc = default_calloc,
    .realloc = default_realloc,
    .free = default_free,
    .free_sized = default_free_sized,
    .aligned_alloc = default_aligned,
    .usable_size = default_usable,
};
