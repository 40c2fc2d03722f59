/* SPDX-License-Identifier: MIT */
/*
 * peer.h - the vocabulary in which the workloads of objects, gc and lock are written.
 *
 * One source of a workload serves every peer: it is compiled once for each, with BENCH_PEER_MINIPY
 * or BENCH_PEER_CPYTHON defined, and calls only what is declared here. What is short and hot is
 * static inline in peer_minipy.h and peer_cpython.h and maps to one call of the peer's public API;
 * starting the peer and making types is in peer_minipy.c and peer_cpython.c.
 *
 * peer_obj is a reference. Functions return new references and borrow their arguments, on either
 * peer; where CPython's API lends instead (a dict look-up), the function says so and neither side
 * pays for what it does not need. peer_must(status) ends the worker when a call failed.
 *
 *   objects      peer_incref peer_decref peer_none
 *                peer_int peer_int_value peer_float peer_str
 *                peer_list_new peer_list_of peer_list_append peer_list_get
 *                peer_tuple_of
 *                peer_dict_new peer_dict_set peer_dict_probe peer_dict_probe_utf8 peer_dict_delete
 *                peer_dict_entries peer_dict_entries_by_next peer_iterate peer_iter_next
 *   hashing      peer_hash peer_hash_bytes peer_intern
 *   attributes   peer_instance peer_attr_set peer_attr_get peer_attr_get_utf8 peer_attr_probe
 *   calls        peer_call peer_call_method peer_raise_and_clear peer_weakref_round
 *   collector    peer_gc_enable peer_gc_disable peer_gc_collect peer_node peer_node_set
 *   lock         peer_lock_release peer_lock_acquire peer_attach peer_detach peer_compute
 *                peer_runtime_begin peer_runtime_end
 *
 * PEER_HAS_WEAKREFS and PEER_HAS_RUNTIMES say whether the peer has these at all.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stddef.h>
#include <stdint.h>

#include "worker.h"

/* A call of the peer that returns -1 has failed: nothing after it would be a measurement. */
static inline void
peer_must(int status)
{
    if (__builtin_expect(status < 0, 0)) {
        worker_fail("a call of the peer failed");
    }
}

#if defined(BENCH_PEER_MINIPY)
#include "peers/peer_minipy.h"
#elif defined(BENCH_PEER_CPYTHON)
#include "peers/peer_cpython.h"
#else
#error "define BENCH_PEER_MINIPY or BENCH_PEER_CPYTHON"
#endif

#define PEER_NAMES 8

/* Objects every workload uses; made by peer_start() and never released. */
struct peer_fixtures {
    peer_obj shared;            /* the element put into containers: counted, not collectable */
    peer_obj one;               /* the int 1 */
    peer_obj names[PEER_NAMES]; /* interned: alpha, beta, gamma, delta, ... */
    peer_obj missing;           /* interned name that no instance has */
    peer_obj method;            /* interned name of a native method of `shared` */
    peer_obj functions[3];      /* native functions of 0, 1 and 2 arguments */
    peer_obj instance_type;     /* a class whose instances take any attribute */
};
extern struct peer_fixtures peer;

/* Starts the peer, the calling thread attached and holding its lock. */
void
peer_start(void);

#endif /* BENCH_PEER_H */
