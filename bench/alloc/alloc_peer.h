/* SPDX-License-Identifier: MIT */
/*
 * alloc_peer.h - what a peer of the allocator benchmark provides.
 *
 * The workloads (alloc_rows.c, _threads.c, _server.c, _timeline.c, _memory.c) are compiled once.
 * They reach the allocator through two function pointers, so that every peer pays the same indirect
 * call. Each worker program links them with one alloc_peer_*.c:
 *
 *     alloc_peer_malloc.c       malloc and free of the process: glibc, or what is preloaded
 *     alloc_peer_minipy.c       mpy_mem_*, plus rows that use the inline functions of the header
 *     alloc_peer_minipy_obj.c   mpy_obj_*, for the memory figures of that domain
 *     alloc_peer_cpython.c      PyObject_Malloc and PyObject_Free
 */
#ifndef BENCH_ALLOC_PEER_H
#define BENCH_ALLOC_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct alloc_peer {
    void *(*take)(size_t n);
    void (*give)(void *p);
    void *(*take_aligned)(size_t alignment, size_t n); /* NULL: the peer cannot */
    void (*trim)(void);       /* gives free memory back to the system; NULL: the peer cannot */
    void (*extra_rows)(void); /* rows of this peer alone; NULL: none */
    const char *suffix;       /* appended to the names of memory rows */
    bool threads;             /* may be called from several threads at once */
};

/* Starts the peer and says how to call it. Defined by each alloc_peer_*.c. */
struct alloc_peer
alloc_peer_start(void);

/* The peer's functions, set by main before any row runs. */
extern void *(*alloc_take)(size_t n);
extern void (*alloc_give)(void *p);

/* Operations of the rows that measure one block alone: shared with the inline rows. */
#define ALLOC_PAIRS 2000000

/* Blocks of a request, in the rows about requests. */
#define ALLOC_REQUEST ((size_t)1000)

/* Every block is written to once: an allocator whose blocks are cold pays for it here. */
static inline void
alloc_touch(void *p)
{
    *(volatile uint64_t *)p = (uint64_t)(uintptr_t)p;
}

/* Groups of rows. */
void
alloc_rows_run(void);
void
alloc_threads_run(void);
void
alloc_aligned_run(const struct alloc_peer *peer);
void
alloc_server_run(void);
void
alloc_timeline_run(void);
void
alloc_memory_run(const struct alloc_peer *peer);

/* Sizes of the blocks of a dynamic language, 16..512 bytes: size number `pick` % 1024. */
void
alloc_histogram_init(void);
size_t
alloc_histogram_size(uint64_t pick);

#endif /* BENCH_ALLOC_PEER_H */
