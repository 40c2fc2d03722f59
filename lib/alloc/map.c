/* SPDX-License-Identifier: MIT */
/*
 * alloc/map.c - from an address to its arena where no range could be reserved.
 *
 * A radix tree of two levels over the number of the 256 KiB unit an address lies in:
 *
 *   address   | 47..33: root (32768 leaves) | 32..18: leaf (32768 arenas) | 17..0 inside |
 *
 * The root is one mapping of 256 KiB of which only touched pages cost memory; a leaf (128 KiB)
 * covers 8 GiB of addresses. Entries hold the arena's number plus one, 0 for "none", so that fresh
 * memory is a valid empty table.
 *
 * Lock: writers hold the space's lock. Readers take none: an entry is set before any block of its
 * arena is handed out, and cleared only when none is left (a host takes its arena back).
 */
#include "alloc/os.h"
#include "alloc/space.h"

#define ROOT_BITS    15
#define LEAF_BITS    15
#define ADDRESS_BITS (ROOT_BITS + LEAF_BITS + MPYI_ARENA_SHIFT)

struct leaf {
    _Atomic uint32_t arena[1u << LEAF_BITS];
};

struct mpyi_map {
    _Atomic(struct leaf *) leaves[1u << ROOT_BITS];
};

struct mpyi_map *
mpyi_map_new(void)
{
    return mpyi_os_map(sizeof(struct mpyi_map), MPY_POOL_SIZE);
}

void
mpyi_map_free(struct mpyi_map *map)
{
    for (size_t i = 0; i < 1u << ROOT_BITS; i++) {
        struct leaf *leaf = atomic_load_explicit(&map->leaves[i], memory_order_relaxed);
        if (leaf != NULL) {
            mpyi_os_release(leaf, sizeof *leaf);
        }
    }
    mpyi_os_release(map, sizeof *map);
}

int
mpyi_map_set(struct mpyi_map *map, const void *address, uint32_t arena)
{
    uintptr_t unit = (uintptr_t)address >> MPYI_ARENA_SHIFT;
    if (unit >> (ROOT_BITS + LEAF_BITS) != 0) {
        return -1;
    }
    _Atomic(struct leaf *) *slot = &map->leaves[unit >> LEAF_BITS];
    struct leaf *leaf = atomic_load_explicit(slot, memory_order_relaxed);
    if (leaf == NULL) {
        leaf = mpyi_os_map(sizeof *leaf, MPY_POOL_SIZE);
        if (leaf == NULL) {
            return -1;
        }
        atomic_store_explicit(slot, leaf, memory_order_release);
    }
    atomic_store_explicit(&leaf->arena[unit & ((1u << LEAF_BITS) - 1)], arena + 1,
                          memory_order_release);
    return 0;
}

void
mpyi_map_clear(struct mpyi_map *map, const void *address)
{
    uintptr_t unit = (uintptr_t)address >> MPYI_ARENA_SHIFT;
    struct leaf *leaf = atomic_load_explicit(&map->leaves[unit >> LEAF_BITS], memory_order_relaxed);
    atomic_store_explicit(&leaf->arena[unit & ((1u << LEAF_BITS) - 1)], 0, memory_order_release);
}

uint32_t
mpyi_map_get(const struct mpyi_map *map, const void *address)
{
    uintptr_t unit = (uintptr_t)address >> MPYI_ARENA_SHIFT;
    if (map == NULL || unit >> (ADDRESS_BITS - MPYI_ARENA_SHIFT) != 0) {
        return MPYI_NO_ARENA;
    }
    const struct leaf *leaf =
        atomic_load_explicit(&map->leaves[unit >> LEAF_BITS], memory_order_acquire);
    if (leaf == NULL) {
        return MPYI_NO_ARENA;
    }
    uint32_t entry =
        atomic_load_explicit(&leaf->arena[unit & ((1u << LEAF_BITS) - 1)], memory_order_acquire);
    return entry - 1;
}
