/* SPDX-License-Identifier: MIT */
/*
 * alloc/space.c - reserving a space, and growing it arena by arena.
 *
 * Range mode tries config.span and halves it on refusal down to config.span_min. Valgrind refuses
 * 64 GiB; under `ulimit -v` a range may take half of what is left. Below that the map takes over:
 * the same tables, for as many arenas as the address limit allows, and arenas mapped one by one.
 *
 * Where a host supplies arenas, the map leads to them one by one; empty ones go back to the host
 * and keep their number. A space that has to be a range (map_allowed 0) asks the host for one piece
 * and keeps it.
 *
 * Where huge pages are wanted, a range is a multiple of them, and its memory is asked for one huge
 * page at a time. What of it no arena uses yet is resident all the same.
 *
 * Tables grow in steps of whole OS pages in each table: 64 arenas with 4 KiB pages. A step costs
 * address space and three mprotect() calls; memory is touched entry by entry. The table of upper
 * bits is committed only where a pool of 8-byte blocks appears.
 *
 * Invariants: arena_count <= table_arenas <= table_span / MPY_ARENA_SIZE; used == arena_count *
 * MPY_ARENA_SIZE; a failing commit changes none of these, so it can be tried again.
 *
 * Lock: init and destroy none (nobody else knows the space), the rest the space's.
 */
#include "alloc/space.h"

#include "alloc/decay.h"
#include "alloc/os.h"
#include "alloc/poison.h"
#include "base/options.h"

#include <string.h>

struct mpyi_space mpyi_mem_space;

struct layout {
    size_t data, pools, classes, arenas, upper; /* bytes of each part, in this order */
};

/* The usual one of x86-64 and of arm64 with pages of 4 KiB; the span of a range is a multiple. */
#define HUGE_PAGE ((size_t)2 << 20)

#define UPPER_BYTES (sizeof(uint64_t) * 4)
#define UPPER_STEP  ((size_t)65536) /* committed at once: bits for 8 MiB of pools */

static size_t
step_arenas(void)
{
    return mpyi_os_page_size() / sizeof(struct mpyi_arena);
}

/* Parts for tables that describe `span` bytes of arenas; all multiples of the page size. */
static struct layout
layout_for(size_t span, int with_data)
{
    size_t pools = span >> MPYI_POOL_SHIFT;
    size_t page = mpyi_os_page_size();
    return (struct layout){
        .data = with_data ? span : 0,
        .pools = mpyi_round_up(pools * sizeof(struct mpyi_pool), page),
        .classes = mpyi_round_up(pools, page),
        .arenas = mpyi_round_up(pools / MPYI_ARENA_POOLS * sizeof(struct mpyi_arena), page),
        .upper = mpyi_round_up(pools * UPPER_BYTES, page),
    };
}

static int
reserve(struct mpyi_space *space, size_t span, int with_data)
{
    struct layout part = layout_for(span, with_data);
    size_t total = part.data + part.pools + part.classes + part.arenas + part.upper;
    char *at = mpyi_os_reserve(total, space->huge ? HUGE_PAGE : MPY_ARENA_SIZE);
    if (at == NULL) {
        return -1;
    }
    space->reservation = at;
    space->reservation_bytes = total;
    space->table_span = span;
    space->pools = (struct mpyi_pool *)(void *)(at + part.data);
    space->classes = (uint8_t *)at + part.data + part.pools;
    space->arenas = (struct mpyi_arena *)(void *)(space->classes + part.classes);
    space->upper = (uint64_t(*)[4])(void *)((char *)space->arenas + part.arenas);
    if (with_data) {
        /* A first free in another thread may look already: it trusts base once it sees span. */
        __atomic_store_n(&space->base, at, __ATOMIC_RELAXED);
        __atomic_store_n(&space->span, span, __ATOMIC_RELEASE);
    }
    return 0;
}

static int
reserve_range(struct mpyi_space *space, const struct mpyi_space_config *config)
{
    if (config->map_forced) {
        return -1;
    }
    size_t step = step_arenas() * MPY_ARENA_SIZE;
    size_t left = mpyi_os_address_left();
    for (size_t span = config->span; span >= config->span_min && span >= step; span /= 2) {
        /* Under `ulimit -v`, half of what is left stays for everybody else. */
        if (span <= left / 2 && reserve(space, mpyi_round_down(span, step), 1) == 0) {
            return 0;
        }
    }
    return -1;
}

/* One piece of a host's memory for all arenas; tables are ours. */
static int
take_host_range(struct mpyi_space *space, const struct mpyi_space_config *config)
{
    size_t step = step_arenas() * MPY_ARENA_SIZE;
    size_t span = mpyi_round_up(config->span, step);
    for (; span >= config->span_min && span >= step; span = mpyi_round_down(span / 2, step)) {
        char *at = space->host.alloc(space->host.ctx, span, MPY_ARENA_SIZE);
        if (at == NULL) {
            continue;
        }
        if (((uintptr_t)at & (MPY_ARENA_SIZE - 1)) == 0 && reserve(space, span, 0) == 0) {
            space->base = at;
            space->span = span;
            return 0;
        }
        space->host.free(space->host.ctx, at, span);
        return -1;
    }
    return -1;
}

static int
reserve_map(struct mpyi_space *space, const struct mpyi_space_config *config)
{
    if (!config->map_allowed) {
        return -1;
    }
    size_t step = step_arenas() * MPY_ARENA_SIZE;
    size_t span = mpyi_os_address_limit();
    if (span > config->span) {
        span = config->span;
    }
    struct mpyi_map *map = mpyi_map_new();
    if (map == NULL) {
        return -1;
    }
    for (span = mpyi_round_down(span + step - 1, step); span >= step; span = span / 2) {
        span = mpyi_round_down(span, step);
        if (reserve(space, span, 0) == 0) {
            space->map = map;
            return 0;
        }
    }
    mpyi_map_free(map);
    return -1;
}

int
mpyi_space_init(struct mpyi_space *space, const struct mpyi_space_config *config)
{
    for (int i = 0; i < MPYI_BUCKETS; i++) {
        space->heads[i] = MPYI_NO_ARENA;
    }
    space->oldest_kept = MPYI_NO_ARENA;
    space->usage = config->usage;
    space->huge = config->huge && config->host == NULL;
    space->shared = config->shared;
    space->keep_max = (uint32_t)(mpyi_keep_bytes() >> MPYI_ARENA_SHIFT);
    space->decay_ms = mpyi_options_get()->decay_ms;
    (void)pthread_mutex_init(&space->lock, NULL);
    if (config->host != NULL) {
        space->host = *config->host;
        return config->map_allowed ? reserve_map(space, config) : take_host_range(space, config);
    }
    if (reserve_range(space, config) < 0 && reserve_map(space, config) < 0) {
        return -1;
    }
    mpyi_space_announce(space);
    return 0;
}

/* An arena's memory goes to whom it came from; map mode. */
static void
release_memory(struct mpyi_space *space, char *address)
{
    if (space->host.alloc != NULL) {
        space->host.free(space->host.ctx, address, MPY_ARENA_SIZE);
    } else {
        mpyi_os_release(address, MPY_ARENA_SIZE);
    }
}

void
mpyi_space_destroy(struct mpyi_space *space)
{
    if (space->reservation == NULL) {
        return;
    }
    mpyi_space_retract(space);
    for (uint32_t i = 0; i < space->arena_count; i++) {
        char *address = space->arenas[i].address;
        if (address == NULL) {
            continue; /* the host has it back */
        }
        mpyi_unpoison(address, MPY_ARENA_SIZE);
        mpyi_leak_root_remove(address, MPY_ARENA_SIZE);
        if (space->map != NULL) {
            release_memory(space, address);
        }
    }
    if (mpyi_space_is_fixed(space)) {
        space->host.free(space->host.ctx, space->base, space->span);
    }
    mpyi_os_release(space->reservation, space->reservation_bytes);
    if (space->map != NULL) {
        mpyi_map_free(space->map);
    }
    (void)pthread_mutex_destroy(&space->lock);
    memset(space, 0, sizeof *space);
}

/* Makes the table entries of the next arenas usable. */
static int
grow_tables(struct mpyi_space *space)
{
    size_t step = step_arenas();
    size_t first = space->table_arenas;
    if (first + step > space->table_span >> MPYI_ARENA_SHIFT) {
        return -1;
    }
    size_t pool = first * MPYI_ARENA_POOLS;
    size_t pools = step * MPYI_ARENA_POOLS;
    if (mpyi_os_commit(&space->pools[pool], pools * sizeof(struct mpyi_pool)) < 0 ||
        mpyi_os_commit(&space->classes[pool], pools) < 0 ||
        mpyi_os_commit(&space->arenas[first], step * sizeof(struct mpyi_arena)) < 0) {
        return -1;
    }
    space->table_arenas += (uint32_t)step;
    return 0;
}

/* An arena for map mode, or NULL. */
static char *
take_memory(struct mpyi_space *space)
{
    if (space->host.alloc == NULL) {
        return mpyi_os_map(MPY_ARENA_SIZE, MPY_ARENA_SIZE);
    }
    char *address = space->host.alloc(space->host.ctx, MPY_ARENA_SIZE, MPY_ARENA_SIZE);
    if (address != NULL && ((uintptr_t)address & (MPY_ARENA_SIZE - 1)) != 0) {
        release_memory(space, address);
        return NULL;
    }
    return address;
}

/* Makes an arena of a range usable. The first of those in a huge page brings in the others. */
static int
commit_in_range(const struct mpyi_space *space, char *address)
{
    if (!space->huge) {
        return mpyi_os_commit(address, MPY_ARENA_SIZE);
    }
    if (((uintptr_t)address & (HUGE_PAGE - 1)) != 0) {
        return 0;
    }
    if (mpyi_os_commit(address, HUGE_PAGE) < 0) {
        return -1;
    }
    mpyi_os_prefer_huge(address, HUGE_PAGE);
    return 0;
}

/* Memory for the arena of this number, or NULL. */
static char *
arena_memory(struct mpyi_space *space, uint32_t number)
{
    if (space->map == NULL) {
        char *address = space->base + ((size_t)number << MPYI_ARENA_SHIFT);
        if (mpyi_space_is_fixed(space)) {
            return address;
        }
        return commit_in_range(space, address) < 0 ? NULL : address;
    }
    char *address = take_memory(space);
    if (address != NULL && mpyi_map_set(space->map, address, number) < 0) {
        release_memory(space, address);
        return NULL;
    }
    return address;
}

static void
announce(const char *address)
{
    mpyi_poison(address, MPY_ARENA_SIZE);
    mpyi_leak_root_add(address, MPY_ARENA_SIZE);
}

uint32_t
mpyi_space_commit_arena(struct mpyi_space *space)
{
    uint32_t number = space->arena_count;
    if (number == space->table_arenas && grow_tables(space) < 0) {
        return MPYI_NO_ARENA;
    }
    char *address = arena_memory(space, number);
    if (address == NULL) {
        return MPYI_NO_ARENA;
    }
    announce(address);
    struct mpyi_arena *arena = &space->arenas[number];
    arena->address = address;
    arena->free = ~UINT64_C(0);
    arena->dirty = 0;
    if (space->huge && space->map == NULL) { /* with its first page it has all */
        arena->dirty = ~UINT64_C(0);
        arena->touched_ms = mpyi_os_now_ms();
        __atomic_store_n(&space->dirty_free, space->dirty_free + MPYI_ARENA_POOLS,
                         __ATOMIC_RELAXED);
    }
    arena->free_count = MPYI_ARENA_POOLS;
    arena->bucket = MPYI_BUCKET_NONE;
    __atomic_store_n(&space->arena_count, number + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&space->used, (size_t)(number + 1) << MPYI_ARENA_SHIFT, __ATOMIC_RELEASE);
    return number;
}

size_t
mpyi_space_empty_arena(struct mpyi_space *space, uint32_t number)
{
    struct mpyi_arena *arena = &space->arenas[number];
    if (space->host.alloc == NULL) {
        return mpyi_os_purge(arena->address, MPY_ARENA_SIZE);
    }
    if (mpyi_space_is_fixed(space)) {
        return 0;
    }
    char *address = arena->address;
    arena->address = NULL;
    mpyi_map_clear(space->map, address);
    mpyi_unpoison(address, MPY_ARENA_SIZE);
    mpyi_leak_root_remove(address, MPY_ARENA_SIZE);
    release_memory(space, address);
    return MPY_ARENA_SIZE;
}

int
mpyi_space_renew_arena(struct mpyi_space *space, uint32_t number)
{
    struct mpyi_arena *arena = &space->arenas[number];
    if (arena->address != NULL) {
        return 0;
    }
    char *address = arena_memory(space, number);
    if (address == NULL) {
        return -1;
    }
    announce(address);
    arena->address = address;
    return 0;
}

int
mpyi_space_need_upper(struct mpyi_space *space, uint32_t pool_index)
{
    size_t offset = mpyi_round_down(pool_index * UPPER_BYTES, UPPER_STEP);
    return mpyi_os_commit((char *)space->upper + offset, UPPER_STEP);
}

uint32_t
mpyi_space_find(const struct mpyi_space *space, const void *p)
{
    if (space->map != NULL) {
        uint32_t arena = mpyi_map_get(space->map, p);
        if (arena == MPYI_NO_ARENA) {
            return MPYI_NO_POOL;
        }
        return arena * MPYI_ARENA_POOLS +
               (uint32_t)(((uintptr_t)p & (MPY_ARENA_SIZE - 1)) >> MPYI_POOL_SHIFT);
    }
    size_t offset = (uintptr_t)p - (uintptr_t)space->base;
    if (space->reservation == NULL || offset >= __atomic_load_n(&space->used, __ATOMIC_ACQUIRE)) {
        return MPYI_NO_POOL;
    }
    return (uint32_t)(offset >> MPYI_POOL_SHIFT);
}
