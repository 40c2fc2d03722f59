/* SPDX-License-Identifier: MIT */
/*
 * base/tls.h - the library's thread-local words.
 *
 * mpy_priv_tls (minipy/mem.h) is what inlined hosts read: exported, frozen. mpyi_tls is the
 * library's own and may change freely. Both are initial-exec: one fs-relative load on x86-64. They
 * must stay small: a library loaded by dlopen() lives off glibc's static TLS surplus (about 1.6
 * KB).
 *
 * mpyi_null_heap is closed for ever (all zero). A thread without a heap of a domain points at it:
 * the fast paths need no test for "no heap yet" or "not attached".
 */
#ifndef MPY_BASE_TLS_H
#define MPY_BASE_TLS_H

#include "minipy/mem.h"

struct mpyi_tls {
    mpy_status last_status; /* of the last call that failed without an error indicator */
    uint32_t exits;         /* times the thread's exit handler has run; see alloc/memheap.c */
    uint32_t forking;       /* this thread holds all locks of the mem domain; see alloc/fork.c */
    uint16_t in_pressure;   /* the process's pressure callback is running */
    uint16_t injected;      /* the last failure was one on demand: nobody is asked for relief */
};

extern __thread struct mpyi_tls mpyi_tls __attribute__((tls_model("initial-exec")));

extern struct mpy_priv_heap mpyi_null_heap;

#endif /* MPY_BASE_TLS_H */
