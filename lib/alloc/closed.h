/* SPDX-License-Identifier: MIT */
/*
 * alloc/closed.h - where requests go while magazines are closed.
 *
 *   public function -> slow path, heap entered and up to date
 *     -> mpyi_*_closed_*   failure injection, tracing
 *       -> checked layer   marks around the block, when checks are on
 *         -> mpyi_*_plain_*   the block itself: a host's, or
 *           -> mpyi_mem_own_*   pools, or large
 *
 * and frees the same way. The plain layer knows nothing of the ones above it: no failure on demand,
 * no tracing, no marks, no error reporting but NULL. Its blocks come from bitmaps and go there,
 * which is right while magazines are open, too.
 *
 * `site` is the return address of the public function, for messages; NULL: not known. Under the
 * preload library it is that of malloc() and its like (alloc/memsite.h). Of objects and arrays it
 * lies inside the library; the checked layer goes on from there to the host (base/callsite.h).
 *
 * Lock: the heap's. A heap of the mem domain is between mpyi_mem_enter() and mpyi_mem_leave().
 */
#ifndef MPY_ALLOC_CLOSED_H
#define MPY_ALLOC_CLOSED_H

#include "alloc/rtheap.h"

/* In place of a size: the caller of a free does not know it. */
#define MPYI_SIZE_UNKNOWN SIZE_MAX

/* ---- mem: closed requests -------------------------------------------------------------------- */

void *
mpyi_mem_closed_malloc(struct mpyi_heap *heap, size_t n, const void *site);

void *
mpyi_mem_closed_calloc(struct mpyi_heap *heap, size_t n, const void *site);

void *
mpyi_mem_closed_aligned(struct mpyi_heap *heap, size_t alignment, size_t n, const void *site);

/* p is a block; on failure it is unchanged. */
void *
mpyi_mem_closed_realloc(struct mpyi_heap *heap, void *p, size_t n, const void *site);

/* n is the size that was last requested, or MPYI_SIZE_UNKNOWN; a wrong free is fatal. */
void
mpyi_mem_closed_free(struct mpyi_heap *heap, void *p, size_t n, const void *site);

/* Bytes that may be used in the block. */
size_t
mpyi_mem_closed_usable(struct mpyi_heap *heap, const void *p, const void *site);

/* ---- mem: the plain layer -------------------------------------------------------------------- */

/* n bytes, n >= 1, aligned as the public function says; NULL when out of memory. */
void *
mpyi_mem_plain_malloc(struct mpyi_heap *heap, size_t n);

void *
mpyi_mem_plain_calloc(struct mpyi_heap *heap, size_t n);

/* alignment: a power of two, any; alignment and n at most MPYI_SIZE_LIMIT. */
void *
mpyi_mem_plain_aligned(struct mpyi_heap *heap, size_t alignment, size_t n);

void *
mpyi_mem_plain_realloc(struct mpyi_heap *heap, void *p, size_t n);

/* n as for mpyi_mem_closed_free(). */
void
mpyi_mem_plain_free(struct mpyi_heap *heap, void *p, size_t n);

/* Bytes that may be used in the block; they may be touched from now on. 0: a host's, who does not
   say. */
size_t
mpyi_mem_plain_usable(const void *p);

/* A free by a thread for which no heap can be had. */
void
mpyi_mem_lone_free(void *p);

/* ---- mem: the same without a host ------------------------------------------------------------ */

void *
mpyi_mem_own_malloc(struct mpyi_heap *heap, size_t n);

void *
mpyi_mem_own_calloc(struct mpyi_heap *heap, size_t n);

void *
mpyi_mem_own_aligned(struct mpyi_heap *heap, size_t alignment, size_t n);

void *
mpyi_mem_own_realloc(struct mpyi_heap *heap, void *p, size_t n);

void
mpyi_mem_own_free(struct mpyi_heap *heap, void *p, size_t n);

size_t
mpyi_mem_own_usable(const void *p);

/* ---- a runtime's raw, atom and gc heaps -------------------------------------------------------
 */

/* 1 when requests of n bytes live in pools of this heap, 0 when they are large blocks. */
static inline int
mpyi_obj_is_pooled(const struct mpyi_heap *heap, size_t n)
{
    return n <= MPY_SMALL_MAX && !heap->hosted && !(MPYI_BYPASS && heap->kind != MPY_KIND_GC);
}

/* One attempt, without asking anybody to free something; failure injection was asked before. */
void *
mpyi_obj_closed_malloc(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, size_t n,
                       const void *site);

/* n is the size that was requested, or MPYI_SIZE_UNKNOWN; a wrong free is fatal. */
void
mpyi_obj_closed_free(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, void *p, size_t n,
                     const void *site);

/* Bytes that may be used in a block of the raw heap. */
size_t
mpyi_obj_closed_usable(struct mpyi_rtheap *runtime, const void *p, const void *site);

void *
mpyi_obj_plain_malloc(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, size_t n);

void
mpyi_obj_plain_free(struct mpyi_rtheap *runtime, struct mpyi_heap *heap, void *p, size_t n);

size_t
mpyi_obj_plain_usable(const struct mpyi_rtheap *runtime, const void *p);

#endif /* MPY_ALLOC_CLOSED_H */
