/* SPDX-License-Identifier: MIT */
/*
 * minipy/memstat.h - where memory is: statistics, and visits of arenas, pools and blocks.
 *
 * In every function `rt` NULL means the process (the mem domain), else a runtime: its lock must be
 * held by the caller. Counts are exact for closed magazines; otherwise blocks that wait in a
 * magazine count as free. With rt NULL other threads may allocate meanwhile: the figures are then
 * a snapshot arena by arena, each figure valid, their sum approximate. Of each other thread, the
 * block above MPY_SMALL_MAX that it freed last may still be in large_bytes.
 *
 * Structs are filled up to the `size` the caller sets; unknown tail bytes are zeroed.
 */
#ifndef MPY_MEMSTAT_H
#define MPY_MEMSTAT_H

#include "minipy/mem.h"

MPY_EXTERN_C_BEGIN

/* States of a pool and of a block. A pool that is empty belongs to a heap but holds no block;
   unused pools belong to nobody. Untouched blocks were never handed out. */
#define MPY_POOL_UNUSED     0
#define MPY_POOL_EMPTY      1
#define MPY_POOL_USED       2
#define MPY_POOL_FULL       3
#define MPY_BLOCK_UNTOUCHED 0
#define MPY_BLOCK_FREE      1
#define MPY_BLOCK_ALLOCATED 2

/* What the blocks of a pool are for. */
#define MPY_KIND_MEM    0 /* mpy_mem_* */
#define MPY_KIND_RAW    1 /* mpy_obj_* and the arrays of containers */
#define MPY_KIND_ATOM   2 /* objects that cannot take part in a cycle */
#define MPY_KIND_GC     3 /* objects the collector knows */
#define MPY_KIND_REGION 4 /* mpy_region_* */

typedef struct mpy_mem_stats {
    uint32_t size, version;   /* sizeof(mpy_mem_stats), 1 */
    uint64_t arenas;          /* arenas with memory behind them */
    uint64_t arena_bytes;     /* arenas * MPY_ARENA_SIZE */
    uint64_t arenas_created;  /* since the start */
    uint64_t arenas_released; /* times an arena went back to the system */
    uint64_t pools_unused;    /* in these arenas: pools nobody owns */
    uint64_t pools_empty;
    uint64_t pools_used;
    uint64_t pools_full;
    uint64_t blocks_allocated; /* blocks handed out */
    uint64_t bytes_allocated;  /* their sizes, rounded to their classes */
    uint64_t large_blocks;     /* requests above MPY_SMALL_MAX that are alive */
    uint64_t large_bytes;
    uint64_t heaps;          /* heaps of threads (process) or of the runtime */
    uint64_t reserved_bytes; /* address space reserved; 0 when the map is in use */
    uint64_t peak_bytes;     /* most arena_bytes + large_bytes seen */
} mpy_mem_stats;

typedef struct mpy_class_stats {
    uint32_t size, version; /* sizeof(mpy_class_stats), 1 */
    uint32_t block_size;    /* bytes */
    uint32_t blocks_per_pool;
    uint64_t pools;
    uint64_t blocks_allocated;
    uint64_t blocks_free;      /* were in use once */
    uint64_t blocks_untouched; /* never handed out */
    uint64_t pools_needed; /* fewest that could hold the allocated blocks; the rest of `pools` is
                              fragmentation */
    uint64_t pools_by_fill[4]; /* pools with up to 1/4, 1/2, 3/4 and more of their blocks in use;
                                  blocks that wait in a magazine count as in use here */
} mpy_class_stats;

typedef struct mpy_arena_info {
    uint32_t size, version; /* sizeof(mpy_arena_info), 1 */
    const void *address;
    uint32_t pools_free; /* of 64 */
    uint32_t dirty;      /* 1 when memory stands behind it although all pools are free */
} mpy_arena_info;

typedef struct mpy_pool_info {
    uint32_t size, version; /* sizeof(mpy_pool_info), 1 */
    const void *address;
    uint32_t state;      /* MPY_POOL_* */
    uint32_t kind;       /* MPY_KIND_* */
    uint32_t block_size; /* 0 for unused pools */
    uint32_t capacity;   /* blocks */
    uint32_t allocated;
    uint32_t untouched;
} mpy_pool_info;

typedef struct mpy_block_info {
    uint32_t size, version; /* sizeof(mpy_block_info), 1 */
    const void *block;      /* start of the block */
    const void *pool;
    const void *arena;
    uint32_t block_size;
    uint32_t state; /* MPY_BLOCK_* */
    uint32_t kind;  /* MPY_KIND_* */
    /* Who allocated it, while a check that keeps records is on; else 0 and NULL. */
    uint64_t requested; /* bytes asked for */
    uint64_t serial;    /* number of the allocation, from 1 */
    const void *site;   /* the host's code that led to it: the innermost return address outside of
                           the shared library; with the static one, of whoever called the allocator */
} mpy_block_info;

/* Visitors return 0 to go on; anything else stops the visit, which then returns 1. */
typedef int (*mpy_arena_visit_fn)(void *data, const mpy_arena_info *arena);
typedef int (*mpy_pool_visit_fn)(void *data, const mpy_pool_info *pool);
typedef int (*mpy_block_visit_fn)(void *data, const void *block, uint32_t block_size,
                                  uint32_t state);

/* Set out->size before (0: version 1; then it is filled, too). 0, or -1 (MPY_E_INVAL) when rt is
   not usable, `out` is NULL or out->size is too small. */
MPY_NODISCARD MPY_API int
mpy_mem_stats_get(mpy_runtime *rt, mpy_mem_stats *out);

/* The same for one size class, 1..MPY_CLASS_COUNT; blocks of `class * 8` bytes. */
MPY_NODISCARD MPY_API int
mpy_mem_class_stats(mpy_runtime *rt, int size_class, mpy_class_stats *out);

/* Number of blocks handed out; -1 on a bad rt. */
MPY_API ptrdiff_t
mpy_mem_allocated_blocks(mpy_runtime *rt);

/* Most bytes of arenas plus large blocks since the start or the last reset; -1 on a bad rt. `reset`
   not 0: the peak is from then on what is in use now. Any thread; O(1). */
MPY_API int64_t
mpy_mem_peak(mpy_runtime *rt, int reset);

/* A table of the statistics as text, with one line for each size class in use: how full its pools
   are, and how many pools could be spared if its blocks lay side by side. 0, or -1 when `write`
   stopped, or when rt is not usable or `write` is NULL (MPY_E_INVAL). Allocates nothing; `write`
   may not call back. */
MPY_NODISCARD MPY_API int
mpy_mem_dump_stats(mpy_runtime *rt, mpy_write_fn write, void *data);

/* The same as one JSON object: every field of mpy_mem_stats under its name, and "classes", an array
   of objects with the fields of mpy_class_stats for each class in use. "version" is that of the
   structs; fields may be added without changing it. Otherwise as mpy_mem_dump_stats(). */
MPY_NODISCARD MPY_API int
mpy_mem_dump_json(mpy_runtime *rt, mpy_write_fn write, void *data);

/* The heap as a picture (SVG): up to 2 MiB of pools in use every block, coloured by its state; up
   to 128 MiB every pool, coloured by how full it is; beyond, every arena. Below that, what the size
   classes hold. The caller's magazines are flushed first; what else waits in a magazine shows as
   allocated. The same heap gives the same bytes. Results and rules as mpy_mem_dump_stats(). */
MPY_NODISCARD MPY_API int
mpy_mem_dump_map(mpy_runtime *rt, mpy_write_fn write, void *data);

/* Calls fn for every arena / pool of the arena at this address / block of the pool at this
   address. The visitor may not allocate from the domain it visits. 0 complete, 1 stopped, -1
   (MPY_E_INVAL) when rt is not usable, nothing of the kind is at the address, or fn is NULL. */
MPY_NODISCARD MPY_API int
mpy_mem_visit_arenas(mpy_runtime *rt, mpy_arena_visit_fn fn, void *data);

MPY_NODISCARD MPY_API int
mpy_mem_visit_pools(mpy_runtime *rt, const void *arena, mpy_pool_visit_fn fn, void *data);

MPY_NODISCARD MPY_API int
mpy_mem_visit_blocks(mpy_runtime *rt, const void *pool, mpy_block_visit_fn fn, void *data);

/* Which block contains this address, and, when that is recorded, who allocated it? 1 found, 0 when
   no pool of the mem domain or of the current runtime contains it, or out->size is too small (then
   *out is unchanged; 0 is version 1), -1 (MPY_E_INVAL) when `out` is NULL. Large blocks are found
   while a check that keeps records is on; they have no pool and no arena. Any thread for mem; the
   lock for a runtime's blocks. O(1) without records. */
MPY_NODISCARD MPY_API int
mpy_mem_block_info(const void *p, mpy_block_info *out);

MPY_EXTERN_C_END

#endif /* MPY_MEMSTAT_H */
