/* SPDX-License-Identifier: MIT */
/*
 * alloc/poison.h - telling AddressSanitizer which bytes of a pool may be touched.
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

#if MPYI_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

static inline void
mpyi_poison(const volatile void *p, size_t n)
{
#if MPYI_ASAN
    __asan_poison_memory_region(p, n);
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
#else
    (void)p;
    (void)n;
#endif
}

/* The bytes may be written, but not yet read. */
static inline void
mpyi_make_undefined(const volatile void *p, size_t n)
{
    (void)p;
    (void)n;
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
