/* SPDX-License-Identifier: MIT */
/*
 * alloc/rtheap.h - the memory of one runtime, as the layers above use it.
 *
 *   raw    mpy_obj_* and the item arrays of containers      obj_space   any size
 *   atom   objects that cannot take part in a cycle         obj_space   any size
 *   gc     objects the collector knows ("cells")            gc_space    32..496 bytes
 *
 * Blocks of up to 512 bytes live in pools (alloc/space.h, alloc/heap.h), spaced by 8. Larger ones
 * are blocks of malloc with a 32-byte prefix, all in one list, so that a runtime that ends can drop
 * whatever is left; GC cells are always pooled. Nothing here raises: a failing function returns
 * NULL and changes nothing. Before it fails, the memory_pressure hook and then the host's callback
 * are asked once to free something, at a point where every structure is consistent.
 *
 * The limit counts pools that belong to the runtime's heaps plus its large blocks.
 *
 * Lock: every function needs the runtime's lock; none takes a lock itself. The contents of a fresh
 * block are indeterminate, and no function here reads or writes a block's memory.
 */
#ifndef MPY_ALLOC_RTHEAP_H
#define MPY_ALLOC_RTHEAP_H

#include "alloc/checked_marks.h"
#include "alloc/fault.h"
#include "alloc/heap.h"
#include "alloc/pressure.h"
#include "base/tls.h"

#define MPYI_CELL_MIN 32u
#define MPYI_CELL_MAX 496u

/* In front of every block above MPY_SMALL_MAX of a runtime. */
struct mpyi_large {
    size_t size; /* usable bytes, a multiple of 16, plus MPYI_LARGE_* */
    struct mpyi_rtheap *heap;
    struct mpyi_large *next, *prev; /* ring through rtheap.large */
};
_Static_assert(sizeof(struct mpyi_large) == 32, "keeps malloc's alignment");

#define MPYI_LARGE_ATOM   ((size_t)1)
#define MPYI_LARGE_REGION ((size_t)2)
#define MPYI_LARGE_FLAGS  (MPYI_LARGE_ATOM | MPYI_LARGE_REGION)

/* Zero in any field: the default. */
struct mpyi_rtheap_options {
    mpy_runtime *runtime;
    size_t obj_reserve;                /* bytes of address space for raw and atom */
    size_t gc_reserve;                 /* the same for GC cells */
    uint64_t limit;                    /* bytes of pools and large blocks; 0: none */
    const mpy_allocator *host;         /* for raw and atom, copied; NULL: our own */
    const mpy_arena_allocator *arenas; /* copied; NULL: the system's */
};

struct mpyi_rtheap {
    struct mpyi_heap raw; /* first: mpy_priv_tls.obj points at it */
    struct mpyi_heap atom;
    struct mpyi_heap gc;
    struct mpyi_space obj_space;
    struct mpyi_space gc_space; /* always in range mode: base and used never lie */
    struct mpyi_usage usage;
    struct mpyi_large large; /* head of the ring; its size is 0 */
    struct mpyi_large_cache cache;
    struct mpyi_fault fault;
    uint32_t modes;          /* MPYI_MODE_* of this runtime alone */
    uint32_t checks;         /* MPY_CHECK_* of this runtime alone */
    uint32_t under_pressure; /* the memory_pressure hook is running */
    struct mpyi_marks marks; /* of checked blocks */
    uint32_t in_pressure;    /* the host's callback is running */
    mpy_runtime *runtime;
    mpy_allocator host;         /* malloc NULL: none */
    struct mpy_region *regions; /* live ones of this runtime, see alloc/region.h */
    struct mpyi_pressure pressure;
};

/* ---- life ------------------------------------------------------------------------------------ */

/* An empty heap; NULL with MPY_E_NOMEM in mpy_status_last(). `options` may be NULL. */
struct mpyi_rtheap *
mpyi_rtheap_new(const struct mpyi_rtheap_options *options);

/* Drops everything whole, blocks that are still allocated too. The calling thread may be in it. */
void
mpyi_rtheap_free(struct mpyi_rtheap *heap);

/* Makes it the heap of the calling thread's mpy_obj_*; leave() makes that the null heap again. */
void
mpyi_rtheap_enter(struct mpyi_rtheap *heap);

void
mpyi_rtheap_leave(void);

/* The heap entered by the calling thread, or NULL. */
static inline struct mpyi_rtheap *
mpyi_rtheap_current(void)
{
    struct mpy_priv_heap *pub = mpy_priv_tls.obj;
    return pub == &mpyi_null_heap ? NULL : (struct mpyi_rtheap *)(void *)pub;
}

/* Bytes of pools plus large blocks, as the limit counts them. */
uint64_t
mpyi_rtheap_bytes(const struct mpyi_rtheap *heap);

/* UINT64_MAX or 0: no limit. A limit below what is in use makes the next slow path fail. */
void
mpyi_rtheap_set_limit(struct mpyi_rtheap *heap, uint64_t limit);

/* Empties magazines and caches, gives memory back until keep_bytes of empty arenas are left; bytes
   given back. */
size_t
mpyi_rtheap_trim(struct mpyi_rtheap *heap, size_t keep_bytes);

/* Purges what is older than the decay time; for when the lock is released. Cheap when there is
   nothing to do. */
void
mpyi_rtheap_decay(struct mpyi_rtheap *heap);

/* Whole-heap validator: 0, or -1 after a report of the first violation. */
int
mpyi_rtheap_check(struct mpyi_rtheap *heap);

/* ---- atoms ----------------------------------------------------------------------------------- */

void *
mpyi_atom_alloc_slow(struct mpyi_rtheap *heap, size_t n);

void
mpyi_atom_free_slow(struct mpyi_rtheap *heap, void *p, size_t n);

/* n bytes for an object that cannot take part in a cycle; n >= 1. */
static inline void *
mpyi_atom_alloc(struct mpyi_rtheap *heap, size_t n)
{
    if (MPY_LIKELY(n - 1 < MPY_SMALL_MAX)) {
        void *p = mpy_priv_bin_pop(&heap->atom.pub.bins[(n + 7) >> 3]);
        if (MPY_LIKELY(p != NULL)) {
            return p;
        }
    }
    return mpyi_atom_alloc_slow(heap, n);
}

/* n is the size that was requested. */
static inline void
mpyi_atom_free(struct mpyi_rtheap *heap, void *p, size_t n)
{
    if (MPY_LIKELY(n - 1 < MPY_SMALL_MAX) &&
        MPY_LIKELY(mpy_priv_bin_push_near(&heap->atom.pub.bins[(n + 7) >> 3], p))) {
        return;
    }
    mpyi_atom_free_slow(heap, p, n);
}

/* ---- GC cells -------------------------------------------------------------------------------- */

void *
mpyi_cell_alloc_slow(struct mpyi_rtheap *heap, size_t n);

void
mpyi_cell_free_slow(struct mpyi_rtheap *heap, void *p, size_t n);

/* n bytes, MPYI_CELL_MIN..MPYI_CELL_MAX, inside gc_space. */
static inline void *
mpyi_cell_alloc(struct mpyi_rtheap *heap, size_t n)
{
    MPY_ASSERT(n >= MPYI_CELL_MIN && n <= MPYI_CELL_MAX);
    void *p = mpy_priv_bin_pop(&heap->gc.pub.bins[(n + 7) >> 3]);
    if (MPY_LIKELY(p != NULL)) {
        return p;
    }
    return mpyi_cell_alloc_slow(heap, n);
}

static inline void
mpyi_cell_free(struct mpyi_rtheap *heap, void *p, size_t n)
{
    MPY_ASSERT(n >= MPYI_CELL_MIN && n <= MPYI_CELL_MAX);
    if (MPY_LIKELY(mpy_priv_bin_push_near(&heap->gc.pub.bins[(n + 7) >> 3], p))) {
        return;
    }
    mpyi_cell_free_slow(heap, p, n);
}

/* Frees the blocks of one pool of gc_space whose bits are set in dead[0..1] (bit i: block i),
   straight in its bitmap, and releases the pool when nothing is left. No block of them may be in a
   magazine: flush first. */
void
mpyi_cell_free_bulk(struct mpyi_rtheap *heap, uint32_t pool_index, const uint64_t dead[2]);

/* ---- item arrays ----------------------------------------------------------------------------- */

/* Out-of-line memory of containers, any size; n 0 gives a unique pointer. */
void *
mpyi_array_alloc(struct mpyi_rtheap *heap, size_t n);

/* Changes an array of old_n requested bytes to n, keeping the smaller of both. p NULL: alloc. NULL:
   p is unchanged. */
void *
mpyi_array_realloc(struct mpyi_rtheap *heap, void *p, size_t old_n, size_t n);

/* n is the size that was last requested; p may be NULL. */
void
mpyi_array_free(struct mpyi_rtheap *heap, void *p, size_t n);

/* What a growing container should ask for when it needs n bytes: it costs as much as n. */
static inline size_t
mpyi_array_good_size(size_t n)
{
    return n <= MPY_SMALL_MAX ? mpyi_round_up(n + (n == 0), 8) : mpyi_large_good_size(n);
}

/* ---- for the collector and for statistics -----------------------------------------------------
 */

/* out[w] gets the blocks 64*w.. of the pool that are handed out. Cells have at most 128 blocks a
   pool: two words. Exact after mpyi_heap_flush(); before, blocks in magazines count as handed
   out. */
static inline void
mpyi_pool_allocated_bits(const struct mpyi_pool *pool, uint64_t out[2])
{
    out[0] = ~pool->bits[0] & mpyi_pool_word_mask(pool->size_class, 0);
    out[1] = ~pool->bits[1] & mpyi_pool_word_mask(pool->size_class, 1);
}

/* Pools of gc_space have indices below this; their classes[] entry is 0 when they hold no cells. */
static inline uint32_t
mpyi_gc_pool_count(const struct mpyi_rtheap *heap)
{
    return (uint32_t)(heap->gc_space.used >> MPYI_POOL_SHIFT);
}

/* Calls fn for every pool of a kind (MPY_KIND_RAW, ATOM, GC) that holds blocks, in order of pool
   indices. fn returns 0 to go on; its other result ends the walk and is returned. fn may free
   blocks, but not allocate. */
typedef int (*mpyi_pool_fn)(void *data, struct mpyi_pool *pool, uint32_t pool_index);

int
mpyi_rtheap_each_pool(struct mpyi_rtheap *heap, int kind, mpyi_pool_fn fn, void *data);

/* Calls fn for every block of a kind that is handed out, pooled or large; magazines are flushed
   first. `size` is the block's. */
typedef int (*mpyi_block_fn)(void *data, void *block, size_t size);

int
mpyi_rtheap_each_block(struct mpyi_rtheap *heap, int kind, mpyi_block_fn fn, void *data);

/* True when p lies in a pool or large block list of this heap: linear in large blocks, for checks
   only. */
int
mpyi_rtheap_owns(const struct mpyi_rtheap *heap, const void *p);

#endif /* MPY_ALLOC_RTHEAP_H */
