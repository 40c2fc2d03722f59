/* SPDX-License-Identifier: MIT */
/*
 * alloc/poison.h - telling AddressSanitizer and Valgrind which bytes of a pool may be touched.
 *
 * A pool's memory is poisoned but for the bytes that were asked for in allocated blocks: untouched
 * and free blocks, rounding and the tail of a pool all are. In other builds everything is empty.
 *
 * Arenas are declared as roots to the leak checker: it does not look into mmap()ed memory, and
 * would report malloc blocks that only pooled blocks point at.
 */
#ifndef MPY_ALLOC_POISON_H
#define MPY_ALLOC_POISON_H

#include "base/features.h"

#include <stddef.h>

#if MPYI_VALGRIND
#include <valgrind/memcheck.h>
#endif

#if MPYI_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

static inline void
mpyi_poison(const volatile void *p, size_t n)
{
#if MPYI_ASAN
    __asan_poison_memory_region(p, n);
#elif MPYI_VALGRIND
    (void)VALGRIND_MAKE_MEM_NOACCESS(p, n);
#else
    (void)p;
    (void)n;
#endif
}

static inline void
mpyi_unpoison(const volatile void *p, size_t n)
{
#if MPYI_ASAN
    __asan_unpoison_memory_region(p, n);
#elif MPYI_VALGRIND
    (void)VALGRIND_MAKE_MEM_DEFINED(p, n);
#else
    (void)p;
    (void)n;
#endif
}

/* The bytes may be written, but not yet read. */
static inline void
mpyi_make_undefined(const volatile void *p, size_t n)
{
#if MPYI_VALGRIND
    (void)VALGRIND_MAKE_MEM_UNDEFINED(p, n);
#else
    (void)p;
    (void)n;
#endif
}

/* A space is a pool of Valgrind's: blocks in it are known, with the stacks that made and freed
 * them.
 */
static inline void
mpyi_space_announce(const void *space)
{
#if MPYI_VALGRIND
    VALGRIND_CREATE_MEMPOOL(space, 0, 0);
#else
    (void)space;
#endif
}

static inline void
mpyi_space_retract(const void *space)
{
#if MPYI_VALGRIND
    VALGRIND_DESTROY_MEMPOOL(space);
#else
    (void)space;
#endif
}

/* A block was taken from a bitmap, n bytes of it for the caller. */
static inline void
mpyi_block_taken(const void *space, const volatile void *p, size_t n)
{
    mpyi_unpoison(p, n);
#if MPYI_VALGRIND
    VALGRIND_MEMPOOL_ALLOC(space, p, n);
#else
    (void)space;
#endif
}

/* A block of `size` bytes goes back to a bitmap. */
static inline void
mpyi_block_put(const void *space, const volatile void *p, size_t size)
{
#if MPYI_VALGRIND
    VALGRIND_MEMPOOL_FREE(space, p);
#else
    (void)space;
#endif
    mpyi_poison(p, size);
}

/* 1 in a program that Valgrind runs: magazines stay closed then. */
static inline int
mpyi_under_valgrind(void)
{
#if MPYI_VALGRIND
    return RUNNING_ON_VALGRIND != 0;
#else
    return 0;
#endif
}

static inline void
mpyi_leak_root_add(const void *p, size_t n)
{
#if MPYI_ASAN
    __lsan_register_root_region(p, n);
#else
    (void)p;
    (void)n;
#endif
}

static inline void
mpyi_leak_root_remove(const void *p, size_t n)
{
#if MPYI_ASAN
    __lsan_unregister_root_region(p, n);
#else
    (void)p;
    (void)n;
#endif
}

#endif /* MPY_ALLOC_POISON_H */
