/* SPDX-License-Identifier: MIT */
/*
 * gc/side.c - the tables a full collection writes into instead of into objects.
 *
 * Objects have no room for a second count, and writing to them would copy every page of a forked
 * child. So a pass keeps, for each granule of 32 bytes of the GC space in use:
 *
 *   count    1 byte    white    1 bit    notes   1 byte a pool (128 granules)
 *   low      1 byte    pending  1 bit    high      4 bytes, only where an object has 256 references
 *   list     8 bytes for every 16th granule
 *
 * about 2.8 bytes for 32, of which a pass over candidates touches little and a full pass touches
 * what is behind live pools. When the pass ends the memory goes back to the system but for the
 * first few MiB, whose page faults would cost small heaps more than clearing them.
 *
 * The tables are one reservation of address space, made when the first full collection runs and
 * made anew when the GC space has outgrown it. What is needed of it is committed before a pass
 * begins, and stays so: after acquire() nothing in a pass can run out of memory, save the high
 * table, whose absence makes objects pass for reachable.
 *
 *   between passes: every table is zero from its start to `committed`
 *
 * Lock: the runtime's.
 */
#include "gc/internal.h"

#include "alloc/os.h"

#include <string.h>

/* Granules of an arena: tables grow by whole pages then (8 KiB, 1 KiB of bits ..). */
#define STEP           ((size_t)MPY_ARENA_SIZE >> MPYI_GC_GRANULE_SHIFT)
#define FIRST_CAPACITY (STEP * 64)
#define LIST_EXTRA     ((size_t)1024)

/* What stays behind of the tables that every pass writes: 4.25 MiB at most, that of a heap of 64.
 */
#define KEPT_GRANULES ((size_t)2 << 20)

/* Tables in the order of the reservation. */
enum table { COUNT, LOW, WHITE, PENDING, NOTES, LIST, HIGH, TABLES };

/* Bytes of a table that describes n granules. */
static size_t
table_bytes(int table, size_t n)
{
    size_t bytes = 0;
    switch ((enum table)table) {
    case COUNT:
    case LOW:
        bytes = n;
        break;
    case WHITE:
    case PENDING:
        bytes = n / 8;
        break;
    case NOTES:
        bytes = n / MPYI_GC_POOL_GRANULES;
        break;
    case LIST:
        bytes = (n / 16 + LIST_EXTRA) * sizeof(mpy_object *);
        break;
    case HIGH:
        bytes = n * sizeof(uint32_t);
        break;
    case TABLES:
    default:
        break;
    }
    return mpyi_round_up(bytes, mpyi_os_page_size());
}

/* Where a table begins in a reservation for n granules; of TABLES: its size. */
static size_t
table_offset(int table, size_t n)
{
    size_t offset = 0;
    for (int i = 0; i < table; i++) {
        offset += table_bytes(i, n);
    }
    return offset;
}

void
mpyi_gc_side_destroy(struct mpyi_gc_side *side)
{
    static const struct mpyi_gc_side none;
    if (side->block != NULL) {
        mpyi_os_release(side->block, side->block_bytes);
    }
    *side = none;
}

static int
reserve(struct mpyi_gc_side *side, size_t granules)
{
    size_t capacity = FIRST_CAPACITY;
    size_t bytes;
    char *block;
    while (capacity < granules) {
        capacity *= 2;
    }
    bytes = table_offset(TABLES, capacity);
    block = mpyi_os_reserve(bytes, mpyi_os_page_size());
    if (block == NULL && capacity > granules) {
        capacity = granules;
        bytes = table_offset(TABLES, capacity);
        block = mpyi_os_reserve(bytes, mpyi_os_page_size());
    }
    if (block == NULL) {
        return -1;
    }
    mpyi_gc_side_destroy(side);
    side->block = block;
    side->block_bytes = bytes;
    side->capacity = capacity;
    side->count = (uint8_t *)block;
    side->low = (uint8_t *)block + table_offset(LOW, capacity);
    side->white = (uint64_t *)(void *)(block + table_offset(WHITE, capacity));
    side->pending = (uint64_t *)(void *)(block + table_offset(PENDING, capacity));
    side->notes = (uint8_t *)block + table_offset(NOTES, capacity);
    side->list = (mpy_object **)(void *)(block + table_offset(LIST, capacity));
    side->high = (uint32_t *)(void *)(block + table_offset(HIGH, capacity));
    return 0;
}

static int
commit(struct mpyi_gc_side *side, size_t granules)
{
    for (int i = 0; i < HIGH; i++) {
        char *table = side->block + table_offset(i, side->capacity);
        size_t have = side->committed == 0 ? 0 : table_bytes(i, side->committed);
        size_t want = table_bytes(i, granules);
        if (want > have && mpyi_os_commit(table + have, want - have) < 0) {
            return -1;
        }
    }
    side->committed = granules;
    side->list_max = granules / 16 + LIST_EXTRA;
    return 0;
}

int
mpyi_gc_side_acquire(struct mpyi_gc_state *state)
{
    struct mpyi_gc_side *side = &state->side;
    size_t granules = mpyi_round_up(state->heap->gc_space.used >> MPYI_GC_GRANULE_SHIFT, STEP);
    MPY_ASSERT(side->in_use == 0);
    if (granules > side->committed) {
        if (mpyi_fault_hit(&state->heap->fault, granules)) {
            return -1;
        }
        if ((granules > side->capacity && reserve(side, granules) < 0) ||
            commit(side, granules) < 0) {
            return -1;
        }
    }
    side->in_use = granules;
    return 0;
}

/* Gives back memory, which is zero afterwards. Locked memory stays, and is written instead. */
static void
zero_and_give_back(char *start, size_t n)
{
    if (n > 0 && mpyi_os_purge(start, n) < n) {
        memset(start, 0, n);
    }
}

void
mpyi_gc_side_release(struct mpyi_gc_state *state)
{
    struct mpyi_gc_side *side = &state->side;
    for (int i = 0; i < HIGH && side->in_use > 0; i++) {
        char *start = side->block + table_offset(i, side->capacity);
        size_t used = table_bytes(i, side->in_use);
        /* The others are seldom written. */
        size_t kept = i != PENDING && i != LIST ? table_bytes(i, KEPT_GRANULES) : 0;
        kept = kept < used ? kept : used;
        memset(start, 0, kept);
        zero_and_give_back(start + kept, used - kept);
    }
    if (side->high_committed > 0) {
        zero_and_give_back((char *)side->high, table_bytes(HIGH, side->high_committed));
    }
    side->in_use = 0;
}

void
mpyi_gc_side_trim(struct mpyi_gc_state *state)
{
    struct mpyi_gc_side *side = &state->side;
    for (int i = 0; i < HIGH && side->in_use == 0 && side->committed > 0; i++) {
        (void)mpyi_os_purge(side->block + table_offset(i, side->capacity),
                            table_bytes(i, side->committed));
    }
}

void
mpyi_gc_side_keep(struct mpyi_gc_state *state)
{
    state->side.in_use = 0;
}

void
mpyi_gc_side_carry(struct mpyi_gc_pass *pass, size_t granule)
{
    struct mpyi_gc_side *side = &pass->state->side;
    if (side->high_committed < side->in_use) {
        size_t have = side->high_committed == 0 ? 0 : table_bytes(HIGH, side->high_committed);
        size_t want = table_bytes(HIGH, side->in_use);
        if (want > have && mpyi_os_commit((char *)side->high + have, want - have) < 0) {
            pass->state->look_at_all = 1;
            return;
        }
        side->high_committed = side->in_use;
    }
    side->high[granule]++;
    pass->any_high = 1;
}

uint64_t
mpyi_gc_side_counted(const struct mpyi_gc_pass *pass, size_t granule)
{
    const struct mpyi_gc_side *side = &pass->state->side;
    uint64_t high = granule < side->high_committed ? side->high[granule] : 0;
    return high * 256 + pass->count[granule];
}

void
mpyi_gc_pass_begin(struct mpyi_gc_pass *pass, struct mpyi_thread *t)
{
    struct mpyi_gc_state *state = t->gc->state;
    const struct mpyi_space *space = &state->heap->gc_space;
    const struct mpyi_gc_pass fresh = {
        .t = t,
        .gc = t->gc,
        .state = state,
        .space = space,
        .base = (uintptr_t)space->base,
        .limit = space->used >> 3,
        .count = state->side.count,
        .low = state->side.low,
        .white = state->side.white,
        .pending = state->side.pending,
    };
    *pass = fresh;
}
