/* SPDX-License-Identifier: MIT */
/*
 * alloc/checked.h - the checked layer between closed requests and the plain layer.
 *
 *   base            p                         p + n
 *    | fence, 16 B  | n bytes of the caller   | fence: 16 bytes and the rounding |
 *    +--------------+-------------------------+----------------------------------+
 *      FENCE          FRESH, or zero; DEAD      FENCE
 *                     once it is freed
 *
 * Cells of the collector have no fence in front: it finds objects at the start of a block. Their
 * heads stay readable in quarantine, and are not tracked there.
 *
 *   request    record made (alloc/checked_marks.h), block taken, fences and fresh bytes written
 *   free       record found LIVE, size right, fences whole; dead bytes; into the quarantine
 *   eviction   the oldest block of a quarantine that is over its bound: dead bytes whole; the
 *              block goes back to the plain layer, its record away
 *
 * What is found broken is fatal, with the fault's name, the block, its call sites and what to do.
 * A block without a record was made while checks were off, and is checked as far as bitmaps tell.
 *
 * Blocks of the mem domain get marks only when no heap of it has open magazines: an inlined free
 * of another thread would not notice that it has to come here.
 *
 * Lock: the heap's, and inside it that of the mem domain's records.
 */
#ifndef MPY_ALLOC_CHECKED_H
#define MPY_ALLOC_CHECKED_H

#include "alloc/closed.h"

#include "minipy/debug.h"

#define MPYI_FENCE_BYTE 0xFBu
#define MPYI_FRESH_BYTE 0xBEu /* as a reference count: dead; as a gcword: not tracked */
#define MPYI_DEAD_BYTE  0xADu /* the same */
#define MPYI_FENCE      16u

/* Checks that need records. */
#define MPYI_CHECK_MARKS (MPY_CHECK_RED_ZONES | MPY_CHECK_POISON_FREED | MPY_CHECK_QUARANTINE)

/* Who asks: a heap, its runtime (NULL: the mem domain, or a region of the process), and from
   where. */
struct mpyi_asker {
    struct mpyi_rtheap *runtime;
    struct mpyi_heap *heap;
    const void *site;
    size_t n; /* for a message about it: the size that was given */
};

/* Records of the mem domain. */
extern struct mpyi_marks mpyi_mem_marks;

/* 1: blocks of the mem domain above 512 bytes may exist without a record, so an unknown address may
   be one. */
extern _Atomic int mpyi_mem_unmarked;

static inline struct mpyi_marks *
mpyi_marks_of(struct mpyi_rtheap *runtime)
{
    return runtime != NULL ? &runtime->marks : &mpyi_mem_marks;
}

/* MPY_CHECK_* in force for a runtime, or the mem domain (NULL). */
static inline uint32_t
mpyi_checks_get(const struct mpyi_rtheap *runtime)
{
    uint32_t checks = atomic_load_explicit(&mpyi_checks, memory_order_relaxed);
    return runtime != NULL ? checks | runtime->checks : checks;
}

/* ---- checked.c ------------------------------------------------------------------------------- */

/* n may be 0. alignment 0: the domain's. NULL when out of memory. */
void *
mpyi_checked_malloc(const struct mpyi_asker *asker, size_t alignment, size_t n, int zero);

/* n as for mpyi_mem_closed_free(). */
void
mpyi_checked_free(const struct mpyi_asker *asker, void *p, size_t n);

/* Bytes that may be used in the block at p; fatal when there is none. */
size_t
mpyi_checked_usable(const struct mpyi_asker *asker, const void *p);

/* Empties the quarantine down to `keep` bytes; bytes that went back to the plain layer. */
size_t
mpyi_checked_flush(const struct mpyi_asker *asker, size_t keep);

/* Frees the cells of one pool that have a record, and clears their bits in `dead`. */
void
mpyi_checked_free_bulk(const struct mpyi_asker *asker, const struct mpyi_pool *pool,
                       uint64_t dead[2]);

/* What a walker of blocks shall see of the block at `base`: its caller's address and size; NULL
   when it is in quarantine. */
void *
mpyi_checked_seen(struct mpyi_rtheap *runtime, void *base, size_t *size);

/* What is known about the allocation of a block. */
struct mpyi_origin {
    size_t requested;
    uint64_t serial;
    const void *site;
};

/* Who allocated the block at `base`; 0: there is no record, or it is in quarantine. */
int
mpyi_checked_origin(struct mpyi_marks *marks, const void *base, struct mpyi_origin *out);

/* The record of the pooled block at `base`, whatever is in front of the caller's bytes; NULL. */
const struct mpyi_mark *
mpyi_checked_at(const struct mpyi_marks *marks, const void *base);

/* Fences and dead bytes of all records: 0, or -1 after a report of the first fault. */
int
mpyi_checked_verify(struct mpyi_rtheap *runtime);

/* The same for the records of whoever asks: a region, too. */
int
mpyi_checked_verify_marks(const struct mpyi_asker *asker);

/* ---- checked_report.c ------------------------------------------------------------------------ */

/* Faults that concern a block with a record. */
enum mpyi_block_fault {
    MPYI_DOUBLE_FREE,
    MPYI_WRONG_SIZE,
    MPYI_WRONG_KIND,
    MPYI_OVERFLOW,
    MPYI_UNDERFLOW,
    MPYI_WRITE_AFTER_FREE,
    MPYI_USE_OF_FREED,
};

/* Writes the message about a block and gives it to the handler of fatal errors. `p` is the address
   where it shows, `mark` the record, or a copy of it. fatal 0: returns. */
void
mpyi_checked_block_fault(const struct mpyi_asker *asker, enum mpyi_block_fault fault, const void *p,
                         const struct mpyi_mark *mark, int fatal);

/* The same for an address that no live block starts at. Finds out what it is. */
_Noreturn void
mpyi_checked_bad_pointer(const struct mpyi_asker *asker, const void *p);

/* The same for a call that the host may not make: `call` as it shall be named, what is wrong, what
   to do; `site` is a return address. */
_Noreturn void
mpyi_checked_misuse(const char *call, const char *what, const char *next, const void *site)
    __attribute__((cold));

/* A call site as messages show it; empty when it is not known. */
void
mpyi_checked_site_text(char *out, size_t room, const void *site);

/* To be called where a thread without the lock is refused: fatal when MPY_CHECK_LOCK_HELD is on. */
static inline void
mpyi_check_lock_held(const char *call, const void *site)
{
    if ((mpyi_checks_get(NULL) & MPY_CHECK_LOCK_HELD) != 0) {
        mpyi_checked_misuse(call,
                            "the calling thread is not attached to a runtime, or has released its "
                            "lock",
                            "mpy_thread_attach(), or mpy_gil_acquire(), comes before the call",
                            site);
    }
}

/* A copy of the record around an address, of the mem domain, of a region, or of the runtime, NULL
   for the current one; 0: there is none. */
int
mpyi_checked_around(struct mpyi_rtheap *runtime, const void *p, struct mpyi_mark *out);

/* 1 when the address lies on a stack or in a loaded program or library: malloc never returns such
   a one. */
int
mpyi_checked_not_malloced(const void *p);

#endif /* MPY_ALLOC_CHECKED_H */
