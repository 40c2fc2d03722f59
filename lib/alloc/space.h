/* SPDX-License-Identifier: MIT */
/*
 * alloc/space.h - arenas and pools: where blocks live, and how an address leads to its pool.
 *
 *   space   +--------------------------------------+-----------+---------+--------+-------------+
 *           | arena 0 | arena 1 | ...   (data)     | pools[]   | classes | arenas | upper       |
 *           +--------------------------------------+-----------+---------+--------+-------------+
 *             256 KiB each                           64 B/pool   1 B/pool  64 B     32 B/pool
 *   arena   64 pools of 4 KiB; pool n of arena a has the index 64 * a + n
 *   pool    blocks of one size class, from its first byte to its last; nothing but blocks inside
 *
 * Everything known about a pool stands outside of it: a header in each pool would fall on the same
 * few cache sets (23 ns per look-up over 640 MB; the byte table: 0.7), and an overrun could
 * destroy it.
 *
 * Range mode: one reservation holds all, as drawn; an arena is committed when first needed.
 *   address -> pool index   (p - base) >> 12, valid when p - base < span
 * Map mode (where no range can be reserved, or a host supplies arenas): arenas are mapped one by
 * one, a two-level table leads from an address to its arena. base is NULL and span 0, everything
 * else is the same.
 *
 * Range mode with huge pages: memory comes 2 MiB at a time; see alloc/space.c.
 *
 * Invariants
 *   classes[i] != 0            iff pool i belongs to a heap and holds blocks
 *   arena.free bit n           iff pool 64 * a + n is UNUSED
 *   popcount(arena.free)       == arena.free_count, the number of the bucket the arena is in
 *   mpyi_pool_used() + population of its free bitmap == capacity, for pools that hold blocks
 *
 * Lock: the mem space is shared by all threads, its own lock guards arenas and buckets; a pool's
 * descriptor belongs to the heap that owns it. Spaces of a runtime need that runtime's lock.
 */
#ifndef MPY_ALLOC_SPACE_H
#define MPY_ALLOC_SPACE_H

#include "alloc/size.h"
#include "alloc/usage.h"
#include "base/bits.h"
#include "base/tls.h"

#include "minipy/memstat.h"

#include <pthread.h>
#include <stdatomic.h>

struct mpyi_heap;
struct mpyi_map;

#define MPYI_NO_POOL  UINT32_MAX
#define MPYI_NO_ARENA UINT32_MAX

/* A set bit in `bits` is a free block. Pools of class 1 (512 blocks) have the bits of their upper
   half in space.upper; every other class fits. */
struct mpyi_pool {
    uint64_t bits[4];
    struct mpyi_heap *owner; /* NULL: UNUSED */
    char *address;           /* first block */
    uint32_t next, prev;     /* in the owner's list of partial pools; MPYI_NO_POOL ends it */
    uint16_t due;            /* blocks that come back until it is looked at: mpyi_pool_used() */
    uint16_t virgin;         /* blocks from this number on were never handed out */
    uint8_t size_class;
    uint8_t state; /* MPY_POOL_* */
    uint8_t kind;  /* MPY_KIND_* */
};
_Static_assert(sizeof(struct mpyi_pool) == 64, "one cache line a pool");

/* 64 bytes, so that the table grows in whole pages together with the others. */
struct mpyi_arena {
    uint64_t free;  /* bit n: pool n is UNUSED */
    uint64_t dirty; /* bit n: memory stands behind pool n */
    char *address;
    uint64_t touched_ms; /* when a pool last came back */
    uint32_t next, prev; /* in its bucket; MPYI_NO_ARENA ends the list */
    uint32_t free_count;
    uint32_t bucket; /* 1..64: list of that many free pools; MPYI_BUCKET_* otherwise */
    uint64_t reserved[2];
};
_Static_assert(sizeof(struct mpyi_arena) == 64, "arena entries");

#define MPYI_BUCKET_NONE  0  /* no pool is free: in no list */
#define MPYI_BUCKET_CLEAN 65 /* all pools free, no memory behind them */
#define MPYI_BUCKETS      66

struct mpyi_space {
    /* Read by every free; written once. */
    char *base;
    size_t span; /* bytes reserved for arenas; 0: not initialised, or map mode */
    uint8_t *classes;
    struct mpyi_pool *pools;

    size_t used; /* bytes of arenas ever committed: pool indices are below used >> 12 */
    struct mpyi_arena *arenas;
    uint64_t (*upper)[4];
    struct mpyi_map *map; /* NULL in range mode */
    struct mpyi_usage *usage;
    size_t table_span; /* bytes of arenas that the tables can describe */

    uint32_t arena_count;  /* arenas ever committed */
    uint32_t table_arenas; /* arenas whose table entries are committed */
    uint32_t kept;         /* arenas in bucket 64: empty and dirty */
    uint32_t keep_max;     /* most of them */
    uint64_t decay_ms;
    uint64_t decay_next_ms; /* this and the next are read without the lock, and written relaxed */
    uint64_t dirty_free;    /* free pools with memory behind them, those of kept arenas included */
    uint32_t decay_cursor;  /* arena that the search for such pools goes on with */
    uint64_t bucket_mask;   /* bit n - 1: bucket n (1..64) is not empty */
    uint32_t heads[MPYI_BUCKETS];
    uint32_t oldest_kept; /* tail of bucket 64 */

    uint64_t arenas_created;  /* times an arena got memory */
    uint64_t arenas_released; /* times an arena was purged */
    uint64_t pools_out;       /* pools that belong to heaps */

    void *reservation;
    size_t reservation_bytes;
    mpy_arena_allocator host; /* who supplies the arenas; host.alloc NULL: the system */
    int huge;                 /* range mode: memory comes 2 MiB at a time, in huge pages at best */
    int shared;               /* take the lock */
    pthread_mutex_t lock;
};

struct mpyi_space_config {
    size_t span;     /* bytes to try to reserve for arenas */
    size_t span_min; /* halving ends here */
    int map_allowed; /* below that: use the map (else: fail) */
    int map_forced;
    int huge;
    int shared;
    struct mpyi_usage *usage;
    const mpy_arena_allocator *host; /* NULL: the system supplies the arenas */
};

/* The space of the mem domain. */
extern struct mpyi_space mpyi_mem_space;

/* Reserves and prepares an empty space out of zeroed memory. 0, or -1 with nothing reserved. */
int
mpyi_space_init(struct mpyi_space *space, const struct mpyi_space_config *config);

/* Drops everything: every block in it is gone. */
void
mpyi_space_destroy(struct mpyi_space *space);

/* Extends the tables and the data by one arena; its number, or MPYI_NO_ARENA. Lock held. */
uint32_t
mpyi_space_commit_arena(struct mpyi_space *space);

/* 1: arenas lie in one piece of a host's memory, which stays as long as the space. */
static inline int
mpyi_space_is_fixed(const struct mpyi_space *space)
{
    return space->host.alloc != NULL && space->map == NULL;
}

/* Gives the memory of an arena without blocks back: to the system, or the host; bytes. Lock held.
 */
size_t
mpyi_space_empty_arena(struct mpyi_space *space, uint32_t number);

/* Makes a clean arena usable again. 0, or -1. Lock held. */
int
mpyi_space_renew_arena(struct mpyi_space *space, uint32_t number);

/* Makes the upper bits of the pool usable (class 1 only). 0, or -1. */
int
mpyi_space_need_upper(struct mpyi_space *space, uint32_t pool_index);

/* ---- arena.c --------------------------------------------------------------------------------- */

/* Takes up to n pools of one arena, in the order of their addresses; how many, 0 when the system or
   the limit refuses. Without `near` (MPYI_NO_POOL) they come from the fullest arena, and a new one
   is committed if there is none. With it they are to continue a run that ends before that pool: n
   pools from there on if they are free, else from where 64 KiB are, as far as the memory left over
   between runs stays bounded. Their descriptors have an address and no owner. */
size_t
mpyi_space_get_pools(struct mpyi_space *space, uint32_t *indices, size_t n, uint32_t near);

/* Gives pools back. Their classes are 0 and their descriptors UNUSED already. */
void
mpyi_space_put_pools(struct mpyi_space *space, const uint32_t *indices, size_t n);

/* Purges empty arenas until keep_bytes of them are left, and the empty pools of all others; bytes
   given back. */
size_t
mpyi_space_trim(struct mpyi_space *space, size_t keep_bytes);

/* Purges kept arenas, and free pools of other arenas, that have been idle for the decay time. */
void
mpyi_space_decay(struct mpyi_space *space);

/* Changes how many bytes of empty arenas are kept, and purges what is above that. */
void
mpyi_space_set_keep(struct mpyi_space *space, size_t keep_bytes);

/* ---- map.c ----------------------------------------------------------------------------------- */

struct mpyi_map *
mpyi_map_new(void);

void
mpyi_map_free(struct mpyi_map *map);

/* Enters the arena at this address (a multiple of its size). 0, or -1 when out of memory. */
int
mpyi_map_set(struct mpyi_map *map, const void *address, uint32_t arena);

/* Takes the arena out: its addresses belong to somebody else from now on. */
void
mpyi_map_clear(struct mpyi_map *map, const void *address);

/* The arena that contains the address, or MPYI_NO_ARENA. Any thread, no lock. */
uint32_t
mpyi_map_get(const struct mpyi_map *map, const void *address);

/* ---- inline ---------------------------------------------------------------------------------- */

static inline void
mpyi_space_lock(struct mpyi_space *space)
{
    if (space->shared && !mpyi_tls.forking) {
        (void)pthread_mutex_lock(&space->lock);
    }
}

static inline void
mpyi_space_unlock(struct mpyi_space *space)
{
    if (space->shared && !mpyi_tls.forking) {
        (void)pthread_mutex_unlock(&space->lock);
    }
}

/* Pool index of an address known to lie in a pool of this space. */
static inline uint32_t
mpyi_space_index(const struct mpyi_space *space, const void *p)
{
    size_t offset = (uintptr_t)p - (uintptr_t)space->base;
    if (MPY_LIKELY(offset < space->span)) {
        return (uint32_t)(offset >> MPYI_POOL_SHIFT);
    }
    return mpyi_map_get(space->map, p) * MPYI_ARENA_POOLS +
           (uint32_t)(((uintptr_t)p & (MPY_ARENA_SIZE - 1)) >> MPYI_POOL_SHIFT);
}

/* Pool index of any address; MPYI_NO_POOL when it lies in no arena of this space. */
uint32_t
mpyi_space_find(const struct mpyi_space *space, const void *p);

/* Pools that the tables describe; other threads may add some meanwhile. */
static inline uint32_t
mpyi_space_pool_count(const struct mpyi_space *space)
{
    return (uint32_t)(__atomic_load_n(&space->used, __ATOMIC_ACQUIRE) >> MPYI_POOL_SHIFT);
}

/* Words of a pool's free bitmap: w is 0..7, above 3 for class 1 only. */
static inline uint64_t *
mpyi_pool_word(struct mpyi_space *space, struct mpyi_pool *pool, unsigned w)
{
    if (MPY_LIKELY(w < 4)) {
        return &pool->bits[w];
    }
    return &space->upper[pool - space->pools][w - 4];
}

/* Blocks handed out, those in magazines included. A USED pool is due when none is left out; a FULL
   one with the first block that comes back, and what comes back after that is counted below 0. Of
   what another thread changes meanwhile it makes something between 0 and the capacity. */
static inline unsigned
mpyi_used_of(unsigned state, unsigned due, unsigned size_class)
{
    unsigned capacity = mpyi_class_capacity[size_class];
    unsigned used = state == MPY_POOL_FULL ? (uint16_t)(capacity - 1u + due) : due;
    return used < capacity ? used : capacity;
}

/* MPY_POOL_*: a pool that is still filed as FULL but has free blocks counts as USED. */
static inline unsigned
mpyi_state_of(unsigned state, unsigned due)
{
    return state == MPY_POOL_FULL && due != 1 ? MPY_POOL_USED : state;
}

static inline unsigned
mpyi_pool_used(const struct mpyi_pool *pool)
{
    return mpyi_used_of(pool->state, pool->due, pool->size_class);
}

static inline unsigned
mpyi_pool_words(unsigned size_class)
{
    return (mpyi_class_capacity[size_class] + 63u) / 64u;
}

/* Bits of word w that stand for blocks of a pool of that class. */
static inline uint64_t
mpyi_pool_word_mask(unsigned size_class, unsigned w)
{
    unsigned capacity = mpyi_class_capacity[size_class];
    return capacity <= 64 * w ? 0 : mpyi_low_bits(capacity - 64 * w);
}

#endif /* MPY_ALLOC_SPACE_H */
