/* SPDX-License-Identifier: MIT */
/*
 * alloc/domain.h - allocators that a host puts in the place of a domain's own.
 *
 *   raw, mem   for the process: mpy_mem_set_allocator()
 *   obj        for a runtime: mpy_config_set_allocator(); its heap knows it (alloc/rtheap.h)
 *
 * Where they are called: raw always asks here. mem asks in its plain layer (alloc/closed.h), below
 * failures on demand, tracing and marks, which therefore work on a host's blocks, too. An installed
 * mem allocator closes the magazines (MPYI_MODE_HOST), so every inlined call gets there.
 *
 * An installed allocator stays readable for ever: another thread may be about to call it. Each
 * distinct one costs its size, once.
 *
 * Lock: one of its own for changes; reading takes none.
 */
#ifndef MPY_ALLOC_DOMAIN_H
#define MPY_ALLOC_DOMAIN_H

#include "minipy/mem.h"

#include <stdatomic.h>

#define MPYI_DOMAINS 2 /* those of the process */

struct mpyi_domain {
    _Atomic(const mpy_allocator *) host; /* NULL: the library's own */
    _Atomic uint32_t used;               /* something was allocated */
};

extern struct mpyi_domain mpyi_domains[MPYI_DOMAINS];

/* The library's own, as a host gets them. */
extern const mpy_allocator mpyi_raw_default, mpyi_mem_default;

/* The host's allocator for a domain of the process, or NULL. */
static inline const mpy_allocator *
mpyi_domain_host(int domain)
{
    return atomic_load_explicit(&mpyi_domains[domain].host, memory_order_acquire);
}

/* From now on only an allocator that can free what is alive may be installed. */
static inline void
mpyi_domain_mark_used(int domain)
{
    _Atomic uint32_t *used = &mpyi_domains[domain].used;
    if (atomic_load_explicit(used, memory_order_relaxed) == 0) {
        atomic_store_explicit(used, 1, memory_order_relaxed);
    }
}

/* Copies what a host gave: as much as its `size` says, zeroes behind. 0; -1 with MPY_E_INVAL when
   it is NULL or lacks a function it must have. */
int
mpyi_allocator_read(const mpy_allocator *from, mpy_allocator *to);

/* Around fork(). */
void
mpyi_domain_lock(void);

void
mpyi_domain_unlock(void);

#endif /* MPY_ALLOC_DOMAIN_H */
