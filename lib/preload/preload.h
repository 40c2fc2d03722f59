/* SPDX-License-Identifier: MIT */
/*
 * preload/preload.h - what the files of libminipy-malloc.so share.
 *
 * Exported functions have C names of their own here and get the name the program knows (malloc,
 * _Znwm) as an assembler label: the compiler then attaches none of its knowledge of malloc to
 * them, and mangled names need no special compiler.
 *
 *   MPYI_EXPORT(name)   visible, preemptible: a program's own definition wins
 *
 * Lock: none.
 */
#ifndef MPY_PRELOAD_PRELOAD_H
#define MPY_PRELOAD_PRELOAD_H

#include "alloc/bin.h"
#include "alloc/memsite.h"
#include "alloc/space.h"
#include "base/features.h"

#include "minipy/mem.h"

#include <stddef.h>

#define MPYI_EXPORT(name) __asm__(name) __attribute__((visibility("default")))
#define MPYI_INNER        __attribute__((visibility("hidden")))
#define MPYI_SLOW         __attribute__((noinline))

/* The call site that messages shall name: where the exported function returns to that this stands
   in or is inlined into. Asked for on slow paths only. A form of new or delete that calls another,
   which a program may have replaced, ends with that call: the other's return address is the
   program's then, in an optimised build. */
#define MPYI_CALLER __builtin_return_address(0)

/* ---- malloc.c -------------------------------------------------------------------------------- */

/* What is left of malloc() when the fast path has no block; sets errno. */
void *
mpyi_malloc_other(size_t n, const void *site) MPYI_INNER;

/* malloc() itself, for calls that no other definition may catch. */
static inline __attribute__((always_inline)) void *
mpyi_malloc(size_t n)
{
    if (MPY_LIKELY(n - 9 < MPY_SMALL_MAX - 8)) {
        void *p = mpy_priv_bin_pop(&mpy_priv_tls.mem->bins[((n + 15) >> 4) * 2]);
        if (MPY_LIKELY(p != NULL)) {
            return p;
        }
    }
    return mpyi_malloc_other(n, MPYI_CALLER);
}

/* What is left of free() when the fast path has no room, or p is no small block; errno stays. */
void
mpyi_free_other(void *p, const void *site) MPYI_INNER;

/* free() itself. */
static inline __attribute__((always_inline)) void
mpyi_free(void *p)
{
    size_t span = __atomic_load_n(&mpyi_mem_space.span, __ATOMIC_ACQUIRE);
    char *base = __atomic_load_n(&mpyi_mem_space.base, __ATOMIC_RELAXED);
    size_t offset = (uintptr_t)p - (uintptr_t)base;
    if (MPY_LIKELY(offset < span)) {
        unsigned size_class = mpyi_mem_space.classes[offset >> MPYI_POOL_SHIFT];
        if (MPY_LIKELY(mpy_priv_bin_push(&mpy_priv_tls.mem->bins[size_class], p))) {
            return;
        }
    }
    if (p != NULL) {
        mpyi_free_other(p, MPYI_CALLER);
    }
}

/* What malloc, aligned_alloc and the operators do when they fail: ENOMEM. On success errno is put
   back to `kept`, whatever the system calls on the way left there. */
void *
mpyi_errno_done(void *p, int kept) MPYI_INNER;

/* ---- aligned_family.c ------------------------------------------------------------------------ */

/* NULL with errno EINVAL (not a power of two) or ENOMEM. */
void *
mpyi_aligned(size_t alignment, size_t n, const void *site) MPYI_INNER;

/* ---- new.c ----------------------------------------------------------------------------------- */

/* An operator new of the C++ runtime that is loaded, whatever its scope, by mangled name; NULL when
   there is none. */
void *
mpyi_cxx_runtime(const char *mangled) MPYI_INNER;

/* ---- info.c ---------------------------------------------------------------------------------- */

/* The next definition of a function after this library's: glibc's own; NULL when there is none. */
void *
mpyi_next(const char *name) MPYI_INNER;

/* To be called on slow paths that may be a thread's first: registers what fork() needs, once. */
void
mpyi_preload_start(void) MPYI_INNER;

#endif /* MPY_PRELOAD_PRELOAD_H */
