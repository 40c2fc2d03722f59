/* SPDX-License-Identifier: MIT */
/*
 * alloc/checked_marks.h - the records of checked blocks: what was asked for, where, and what
 * became of it.
 *
 * Records stand outside of the blocks, so no write past a block's end can destroy what the message
 * about it needs. They are found by the address the caller has: a chained hash table over records
 * from chunks of their own. A block without a record was allocated while checks were off; that is
 * how both kinds live side by side.
 *
 *   table   buckets[hash(p)] -> mark -> mark        grows when there are two marks a bucket
 *   LIVE    the caller has it
 *   FREED   in quarantine: queue.first (oldest) .. queue.last, linked by `queued`
 *
 * Invariants: count == LIVE + FREED marks; queued_bytes == sum of `total` over the queue, and
 * queued_count its length.
 *
 * Lock: of the mem domain's marks the one inside, which ranks last; a runtime's need that
 * runtime's lock.
 */
#ifndef MPY_ALLOC_CHECKED_MARKS_H
#define MPY_ALLOC_CHECKED_MARKS_H

#include "base/tls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define MPYI_MARK_LIVE  1
#define MPYI_MARK_FREED 2

struct mpyi_mark {
    char *p;         /* the caller's address; the block starts at p - front */
    size_t n;        /* bytes asked for */
    size_t total;    /* bytes of the block, fences included */
    uint64_t serial; /* allocations of the domain are numbered from 1 */
    const void *alloc_site, *free_site;
    struct mpyi_mark *next;   /* in its bucket, or in the list of unused ones */
    struct mpyi_mark *queued; /* the next younger one in quarantine */
    uint32_t front;           /* bytes of the fence before p */
    uint8_t kind;             /* MPY_KIND_* */
    uint8_t state;            /* MPYI_MARK_* */
    uint8_t fenced;           /* it has fences */
    uint8_t filled;           /* FREED: filled with dead bytes */
};

struct mpyi_marks_chunk;

/* All zero but for `lock`: empty. */
struct mpyi_marks {
    struct mpyi_mark **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t count;
    struct mpyi_mark *unused;
    struct mpyi_marks_chunk *chunks;
    struct {
        struct mpyi_mark *first, *last;
    } queue;
    size_t queued_bytes, queued_count;
    uint64_t serial;
    int shared; /* take the lock */
    pthread_mutex_t lock;
};

static inline void
mpyi_marks_lock(struct mpyi_marks *marks)
{
    if (marks->shared && !mpyi_tls.forking) {
        (void)pthread_mutex_lock(&marks->lock);
    }
}

static inline void
mpyi_marks_unlock(struct mpyi_marks *marks)
{
    if (marks->shared && !mpyi_tls.forking) {
        (void)pthread_mutex_unlock(&marks->lock);
    }
}

/* All functions: lock held. */

/* An unused record, its serial set; NULL when out of memory. */
struct mpyi_mark *
mpyi_marks_new(struct mpyi_marks *marks);

/* Gives back a record that is not in the table. */
void
mpyi_marks_drop(struct mpyi_marks *marks, struct mpyi_mark *mark);

/* Enters a record whose p is set. */
void
mpyi_marks_insert(struct mpyi_marks *marks, struct mpyi_mark *mark);

/* The record for exactly this address, or NULL. */
struct mpyi_mark *
mpyi_marks_find(const struct mpyi_marks *marks, const void *p);

/* The record whose block, fences included, contains the address, or NULL. Linear: for messages. */
struct mpyi_mark *
mpyi_marks_around(const struct mpyi_marks *marks, const void *p);

/* Takes a record out of the table and gives it back. */
void
mpyi_marks_remove(struct mpyi_marks *marks, struct mpyi_mark *mark);

/* The end of the quarantine. */
void
mpyi_marks_enqueue(struct mpyi_marks *marks, struct mpyi_mark *mark);

/* Its oldest record, taken out of the queue but not of the table; NULL when it is empty. */
struct mpyi_mark *
mpyi_marks_dequeue(struct mpyi_marks *marks);

/* Calls fn for every record; its first result that is not 0 ends the walk and is returned. */
typedef int (*mpyi_mark_fn)(void *data, const struct mpyi_mark *mark);

int
mpyi_marks_each(const struct mpyi_marks *marks, mpyi_mark_fn fn, void *data);

/* Forgets everything and gives the memory back. */
void
mpyi_marks_destroy(struct mpyi_marks *marks);

#endif /* MPY_ALLOC_CHECKED_MARKS_H */
