/* SPDX-License-Identifier: MIT */
/*
 * alloc/heap.h - a heap: array magazines in front of bitmap pools.
 *
 * A heap belongs to a thread (mem domain) or to a runtime. Its first member is what inlined hosts
 * know: one magazine ("bin") of block addresses a size class.
 *
 *   malloc   pops one array of the bin
 *            nothing there: turn, free's array and its own change places
 *            both empty:    refill, out of the bitmaps of partial pools, else of an empty pool,
 *                           else of a new one
 *   free     pushes on the other array
 *            no room:       flush, what malloc has left into bitmaps, grouped by pool; then turn
 *
 * Blocks in a magazine count as used in their pool's bitmap. Blocks of another thread's heap get
 * into magazines like any other; the flush sends them home in messages (alloc/remote.c).
 *
 * Pool states, and what moves a pool between them
 *   UNUSED -> USED    taken from the space, first refill from it
 *   USED   -> FULL    the last free bit was taken; leaves the partial list
 *   FULL   -> USED    a block came back; enters the partial list at its head, with others later
 *   USED   -> EMPTY   the last block came back, the class has another partial pool, and enough
 *                     such pools have come together: into the heap's cache, which keeps no class
 *   USED   -> UNUSED  the same, and there is no room in the cache
 *   EMPTY  -> USED    taken by a refill, of any class
 *   EMPTY  -> UNUSED  decay, or the heap was trimmed
 *
 * Lock: the owner's. `remote` is the only word that other threads write.
 */
#ifndef MPY_ALLOC_HEAP_H
#define MPY_ALLOC_HEAP_H

#include "alloc/bin.h"
#include "alloc/large.h"
#include "alloc/mode.h"
#include "alloc/space.h"
#include "base/assert.h"

#define MPYI_EMPTIES        32
#define MPYI_CHANGED        32 /* pools that are looked at together, see alloc/pool.c */
#define MPYI_IDLE           16
#define MPYI_PUT_MOST       64 /* blocks that are put back in one go */
#define MPYI_OUTBOXES       4
#define MPYI_MESSAGE_BLOCKS 62

/* Freed blocks on their way to the heap that owns them. */
struct mpyi_message {
    struct mpyi_message *next;
    uint32_t count;
    uint32_t reserved;
    void *blocks[MPYI_MESSAGE_BLOCKS];
};
_Static_assert(sizeof(struct mpyi_message) == 512, "messages");

/* A message being filled. */
struct mpyi_outbox {
    struct mpyi_heap *owner;
    struct mpyi_message *message;
};

struct mpyi_heap {
    struct mpy_priv_heap pub; /* first: hosts hold pointers to it */
    struct mpyi_space *space;
    uint8_t kind;   /* MPY_KIND_* */
    uint8_t closed; /* every bin is */
    uint8_t orphan; /* its thread is gone */
    uint8_t hosted; /* a host's allocator has the blocks, as large ones; see alloc/rtlarge.c */
    uint8_t dead;   /* left behind by fork() in the middle of a change: never touched again */
    uint32_t modes; /* MPYI_MODE_* in force when it was last brought up to date */
    _Atomic uint32_t busy; /* a slow path is changing it; for fork() */
    uint32_t pool_count;   /* its own, of any state */
    uint32_t empty_count;
    uint64_t random; /* secure builds: state of the generator; 0: not seeded yet */
    uint32_t empties[MPYI_EMPTIES];
    uint32_t changed_count;
    uint32_t idle_count;
    struct mpyi_pool *changed[MPYI_CHANGED + MPYI_PUT_MOST];
    struct mpyi_pool *idle[MPYI_IDLE + MPYI_CHANGED + MPYI_PUT_MOST];
    uint32_t partial[MPYI_CLASS_SLOTS]; /* first partial pool of each class, or MPYI_NO_POOL */
    struct mpyi_outbox out[MPYI_OUTBOXES];
    struct mpyi_message *spare; /* messages to fill */
    uint32_t spare_count;
    struct mpyi_heap *next_heap; /* all heaps of the process */
    struct mpyi_heap *next_orphan;
    struct mpyi_large_cache *kept_large; /* blocks that decay with this heap; NULL: none */
    uint64_t decay_next_ms;
    uint32_t ticks;                  /* slow paths since the clock was looked at */
    uint8_t meant[MPYI_EMPTIES];     /* class whose run the empty pool continues; 0: for any */
    uint32_t runs[MPYI_CLASS_SLOTS]; /* pool after the last one fetched for the class, or
                                        MPYI_NO_POOL: none was */
    struct mpyi_large_cache large;
    _Alignas(64) _Atomic uintptr_t remote; /* messages and chained blocks, see alloc/remote.c */
    _Alignas(64) void *slots[MPYI_MAGAZINE_SLOTS];
};

static inline struct mpyi_heap *
mpyi_heap_of(struct mpy_priv_heap *pub)
{
    return (struct mpyi_heap *)(void *)pub;
}

/* ---- heap.c ---------------------------------------------------------------------------------- */

/* Makes an empty heap out of zeroed memory. */
void
mpyi_heap_init(struct mpyi_heap *heap, struct mpyi_space *space, int kind);

/* Puts all magazines back into bitmaps, sends open messages, takes in remote frees. */
void
mpyi_heap_flush(struct mpyi_heap *heap);

/* Flush, and gives the cached empty pools back to the space. */
void
mpyi_heap_release_empties(struct mpyi_heap *heap);

/* Gives half of the cached empty pools, those that have waited longest, back to the space. */
void
mpyi_heap_halve_empties(struct mpyi_heap *heap);

/* Closes the magazines, or opens them. */
void
mpyi_heap_set_closed(struct mpyi_heap *heap, int closed);

/* Applies changed modes: closes or opens the magazines. */
void
mpyi_heap_apply_modes(struct mpyi_heap *heap, uint32_t modes);

/* 1 when its blocks come from a host's allocator. */
static inline int
mpyi_heap_is_hosted(const struct mpyi_heap *heap)
{
    return heap->hosted || (heap->kind == MPY_KIND_MEM && (mpyi_modes_get() & MPYI_MODE_HOST) != 0);
}

/* To be called on every slow path: brings the heap up to date with the modes in force; `own` are
   those of its runtime. */
static inline void
mpyi_heap_sync(struct mpyi_heap *heap, uint32_t own)
{
    uint32_t modes = (mpyi_modes_get() & ~MPYI_MODE_HOST) | own;
    if (MPY_UNLIKELY(mpyi_heap_is_hosted(heap))) {
        modes |= MPYI_MODE_HOST;
    }
    if (MPY_UNLIKELY(modes != heap->modes)) {
        mpyi_heap_apply_modes(heap, modes);
    }
}

/* For a heap that loses its thread: closed until mpyi_heap_sync() of the next one. */
void
mpyi_heap_park(struct mpyi_heap *heap);

/* For an open heap that loses its thread and stays as it is: not among mpyi_open_heaps until
   mpyi_heap_resume(); the next slow path brings it up to date. */
void
mpyi_heap_rest(struct mpyi_heap *heap);

void
mpyi_heap_resume(struct mpyi_heap *heap);

/* As mpyi_heap_park() after a fork(), where nothing can be flushed: what is in the magazines and on
   its way to others is forgotten, and stays allocated. */
void
mpyi_heap_abandon(struct mpyi_heap *heap);

/* Forgets what is in the magazines and on its way to others; the blocks stay allocated. */
void
mpyi_heap_drop_magazines(struct mpyi_heap *heap);

/* Blocks in magazines. */
size_t
mpyi_heap_cached_blocks(const struct mpyi_heap *heap);

/* ---- refill.c, flush.c ----------------------------------------------------------------------- */

/* One block of a class whose bin is empty, leaving others in malloc's array, most often as many as
   it has room for; NULL when out of memory. */
void *
mpyi_heap_refill(struct mpyi_heap *heap, unsigned size_class);

/* One block of an open heap: out of the bin, or after a refill; NULL when out of memory. */
static inline void *
mpyi_heap_malloc(struct mpyi_heap *heap, unsigned size_class)
{
    void *p = mpyi_bin_take(&heap->pub.bins[size_class], size_class);
    return p != NULL ? p : mpyi_heap_refill(heap, size_class);
}

/* One block straight from a bitmap: for closed magazines. */
void *
mpyi_heap_take(struct mpyi_heap *heap, unsigned size_class);

/* Frees into the bin of an open heap; where free's array is full, malloc's is emptied into bitmaps,
   and both change places. */
void
mpyi_heap_free(struct mpyi_heap *heap, unsigned size_class, void *p);

/* 1 when an allocated block of this heap's space starts at p. Exact for the heap's own pools; for
   another thread's only the start is checked. */
int
mpyi_heap_is_allocated(const struct mpyi_heap *heap, const void *p);

/* Moves the oldest n blocks of a bin into bitmaps; it has as many. */
void
mpyi_heap_flush_bin(struct mpyi_heap *heap, unsigned size_class, size_t n);

/* The same for blocks of one class. */
void
mpyi_heap_put_class(struct mpyi_heap *heap, unsigned size_class, void *const *blocks, size_t n);

/* Frees n blocks of any pools of the space straight into bitmaps, or sends them home. Blocks of the
   same pool should stand together. */
void
mpyi_heap_put(struct mpyi_heap *heap, void *const *blocks, size_t n);

/* ---- remote.c -------------------------------------------------------------------------------- */

/* Hands a block to the heap that owns its pool. Never fails. */
void
mpyi_heap_send(struct mpyi_heap *heap, struct mpyi_heap *owner, void *p);

/* Sends one open message. */
void
mpyi_heap_send_box(struct mpyi_outbox *box);

/* For a thread that has no heap: hands the block over without a message. */
void
mpyi_heap_send_lone(struct mpyi_space *space, void *p);

/* Sends every open message. */
void
mpyi_heap_send_open(struct mpyi_heap *heap);

/* Takes in what other threads have freed. */
void
mpyi_heap_drain(struct mpyi_heap *heap);

/* Gives unused messages back to the process. */
void
mpyi_heap_drop_spares(struct mpyi_heap *heap);

void
mpyi_remote_lock(void);

void
mpyi_remote_unlock(void);

#endif /* MPY_ALLOC_HEAP_H */
