/* SPDX-License-Identifier: MIT */
/*
 * alloc/visit.c - calling somebody back for every arena, pool or block.
 *
 * The magazines the caller may touch are flushed first, so that their blocks show as free. What is
 * handed to the visitor is a copy; no lock is held while it runs. Addresses given by a caller are
 * looked up, never trusted.
 *
 * Lock: a runtime's lock for its memory; none for the process, whose other threads go on.
 */
#include "alloc/checked.h"
#include "alloc/memheap.h"
#include "alloc/region.h"
#include "alloc/spaces.h"
#include "base/hooks.h"

/* The space and pool index of an address. */
static struct mpyi_space *
find(const struct mpyi_spaces *spaces, const void *p, uint32_t *index)
{
    for (unsigned i = 0; i < spaces->count; i++) {
        *index = mpyi_space_find(spaces->space[i], p);
        if (*index != MPYI_NO_POOL) {
            return spaces->space[i];
        }
    }
    return NULL;
}

static int
visit_arenas_of(struct mpyi_space *space, mpy_arena_visit_fn fn, void *data)
{
    uint32_t count = __atomic_load_n(&space->arena_count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++) {
        mpyi_space_lock(space);
        const struct mpyi_arena *arena = &space->arenas[i];
        const mpy_arena_info info = {
            .size = sizeof info,
            .version = 1,
            .address = arena->address,
            .pools_free = arena->free_count,
            .dirty = arena->bucket == MPYI_ARENA_POOLS,
        };
        mpyi_space_unlock(space);
        if (info.address == NULL) {
            continue; /* a host has it back */
        }
        if (fn(data, &info) != 0) {
            return 1;
        }
    }
    return 0;
}

int
mpy_mem_visit_arenas(mpy_runtime *rt, mpy_arena_visit_fn fn, void *data)
{
    struct mpyi_spaces spaces;
    if (fn == NULL) {
        return mpyi_invalid();
    }
    if (mpyi_spaces_of(rt, &spaces) < 0) {
        return -1;
    }
    mpyi_spaces_flush(&spaces);
    for (unsigned i = 0; i < spaces.count; i++) {
        if (visit_arenas_of(spaces.space[i], fn, data) != 0) {
            return 1;
        }
    }
    return 0;
}

static MPYI_NO_TSAN mpy_pool_info
describe_pool(const struct mpyi_space *space, uint32_t index)
{
    const struct mpyi_pool *pool = &space->pools[index];
    const struct mpyi_arena *arena = &space->arenas[index / MPYI_ARENA_POOLS];
    mpy_pool_info info = {
        .size = sizeof info,
        .version = 1,
        .address = arena->address + (size_t)(index % MPYI_ARENA_POOLS) * MPY_POOL_SIZE,
        .state = mpyi_state_of(pool->state, pool->due),
    };
    unsigned size_class = pool->size_class;
    if (pool->state >= MPY_POOL_USED && size_class - 1u < MPY_CLASS_COUNT) {
        info.kind = pool->kind;
        info.block_size = (uint32_t)mpyi_class_size(size_class);
        info.capacity = mpyi_class_capacity[size_class];
        info.allocated = mpyi_used_of(pool->state, pool->due, size_class);
        info.untouched = (uint32_t)mpyi_class_capacity[size_class] - pool->virgin;
    }
    return info;
}

int
mpy_mem_visit_pools(mpy_runtime *rt, const void *arena, mpy_pool_visit_fn fn, void *data)
{
    struct mpyi_spaces spaces;
    uint32_t index;
    if (fn == NULL) {
        return mpyi_invalid();
    }
    if (mpyi_spaces_of(rt, &spaces) < 0) {
        return -1;
    }
    struct mpyi_space *space = find(&spaces, arena, &index);
    if (space == NULL || ((uintptr_t)arena & (MPY_ARENA_SIZE - 1)) != 0) {
        return mpyi_invalid();
    }
    mpyi_spaces_flush(&spaces);
    for (uint32_t i = 0; i < MPYI_ARENA_POOLS; i++) {
        mpy_pool_info info = describe_pool(space, index + i);
        if (fn(data, &info) != 0) {
            return 1;
        }
    }
    return 0;
}

static MPYI_NO_TSAN uint32_t
block_state(struct mpyi_space *space, uint32_t index, unsigned block)
{
    struct mpyi_pool *pool = &space->pools[index];
    if (block >= pool->virgin) {
        return MPY_BLOCK_UNTOUCHED;
    }
    uint64_t word = *mpyi_pool_word(space, pool, block >> 6);
    return (word >> (block & 63) & 1) != 0 ? MPY_BLOCK_FREE : MPY_BLOCK_ALLOCATED;
}

int
mpy_mem_visit_blocks(mpy_runtime *rt, const void *pool, mpy_block_visit_fn fn, void *data)
{
    struct mpyi_spaces spaces;
    uint32_t index;
    if (fn == NULL) {
        return mpyi_invalid();
    }
    if (mpyi_spaces_of(rt, &spaces) < 0) {
        return -1;
    }
    struct mpyi_space *space = find(&spaces, pool, &index);
    if (space == NULL || mpyi_pool_offset(pool) != 0) {
        return mpyi_invalid();
    }
    mpyi_spaces_flush(&spaces);
    mpy_pool_info info = describe_pool(space, index);
    for (uint32_t i = 0; i < info.capacity; i++) {
        const char *block = (const char *)info.address + (size_t)i * info.block_size;
        if (fn(data, block, info.block_size, block_state(space, index, i)) != 0) {
            return 1;
        }
    }
    return 0;
}

static int
describe_block(struct mpyi_rtheap *heap, struct mpyi_space *space, uint32_t index, const void *p,
               mpy_block_info *out)
{
    struct mpyi_origin origin;
    mpy_pool_info pool = describe_pool(space, index);
    if (pool.block_size == 0) {
        return 0;
    }
    unsigned block = mpyi_block_index(pool.block_size / 8, mpyi_pool_offset(p));
    if (block >= pool.capacity) {
        return 0;
    }
    mpy_block_info info = {
        .block = (const char *)pool.address + (size_t)block * pool.block_size,
        .pool = pool.address,
        .arena = space->arenas[index / MPYI_ARENA_POOLS].address,
        .block_size = pool.block_size,
        .state = block_state(space, index, block),
        .kind = pool.kind,
    };
    if (info.state == MPY_BLOCK_ALLOCATED &&
        (info.kind == MPY_KIND_REGION
             ? mpyi_region_origin(&space->pools[index], info.block, &origin)
             : mpyi_checked_origin(mpyi_marks_of(heap), info.block, &origin))) {
        info.requested = origin.requested;
        info.serial = origin.serial;
        info.site = origin.site;
    }
    return mpyi_struct_out(out, &info, sizeof info) < 0 ? 0 : 1;
}

/* A large block, which no pool contains: known only while there are records. */
static int
describe_large(const void *p, mpy_block_info *out)
{
    struct mpyi_mark mark;
    if (!mpyi_checked_around(NULL, p, &mark) || mark.state != MPYI_MARK_LIVE) {
        return 0;
    }
    mpy_block_info info = {
        .block = mark.p - mark.front,
        .block_size = mark.total <= UINT32_MAX ? (uint32_t)mark.total : UINT32_MAX,
        .state = MPY_BLOCK_ALLOCATED,
        .kind = mark.kind,
        .requested = mark.n,
        .serial = mark.serial,
        .site = mark.alloc_site,
    };
    return mpyi_struct_out(out, &info, sizeof info) < 0 ? 0 : 1;
}

int
mpy_mem_block_info(const void *p, mpy_block_info *out)
{
    struct mpyi_spaces process;
    uint32_t index;
    if (out == NULL) {
        return mpyi_invalid();
    }
    if (mpyi_spaces_of(NULL, &process) == 0 && find(&process, p, &index) != NULL) {
        mpyi_spaces_flush(&process);
        return describe_block(NULL, &mpyi_mem_space, index, p, out);
    }
    struct mpyi_rtheap *heap = mpyi_rtheap_current();
    if (heap == NULL) {
        return describe_large(p, out);
    }
    const struct mpyi_spaces own = {{&heap->obj_space, &heap->gc_space}, 2, heap, &heap->usage};
    struct mpyi_space *space = find(&own, p, &index);
    if (space == NULL) {
        return describe_large(p, out);
    }
    mpyi_spaces_flush(&own);
    return describe_block(heap, space, index, p, out);
}
