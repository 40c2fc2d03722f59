/* SPDX-License-Identifier: MIT */
/*
 * objects_calls.c - attributes, calls, errors, weak references.
 *
 *   attr_get, attr_set     an attribute of an instance with three, by interned name
 *   attr_get_utf8          the same by C string
 *   attr_missing           asking for an attribute that is not there, no error wanted
 *   call0, call1, call2    a native function with so many arguments
 *   call_method            a native method without arguments, found by name
 *   raise_clear            setting an error from a C string, and clearing it
 *   weakref                creating a weak reference, getting the object, dropping it
 */
#include "objects/objects.h"
#include "peers/peer.h"

static peer_obj instance;

static void
setup_instance(void)
{
    instance = peer_instance(peer.instance_type);
    for (size_t i = 0; i < 3; i++) {
        peer_attr_set(instance, peer.names[i], peer.shared);
    }
}

static void
drop_instance(void)
{
    peer_decref(instance);
}

static double
body_attr_get(size_t n)
{
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        peer_decref(peer_attr_get(instance, peer.names[1]));
    }
    return worker_now_ns() - start;
}

static double
body_attr_set(size_t n)
{
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        peer_attr_set(instance, peer.names[1], peer.shared);
    }
    return worker_now_ns() - start;
}

static double
body_attr_get_utf8(size_t n)
{
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        peer_decref(peer_attr_get_utf8(instance, "beta"));
    }
    return worker_now_ns() - start;
}

static double
body_attr_missing(size_t n)
{
    size_t found = 0;
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        found += (size_t)peer_attr_probe(instance, peer.missing);
    }
    WORKER_KEEP(found);
    return worker_now_ns() - start;
}

static double
time_calls(size_t n, size_t arguments)
{
    peer_obj args[3] = {NULL, peer.one, peer.shared};
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        peer_decref(peer_call(peer.functions[arguments], args + 1, arguments));
    }
    return worker_now_ns() - start;
}

static double
body_call0(size_t n)
{
    return time_calls(n, 0);
}

static double
body_call1(size_t n)
{
    return time_calls(n, 1);
}

static double
body_call2(size_t n)
{
    return time_calls(n, 2);
}

static double
body_call_method(size_t n)
{
    peer_obj args[2] = {NULL, peer.shared};
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        peer_decref(peer_call_method(peer.method, args + 1, 1));
    }
    return worker_now_ns() - start;
}

static double
body_raise_clear(size_t n)
{
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        peer_raise_and_clear();
    }
    return worker_now_ns() - start;
}

#if PEER_HAS_WEAKREFS
static double
body_weakref(size_t n)
{
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        peer_weakref_round(instance);
    }
    return worker_now_ns() - start;
}
#endif

void
objects_calls_run(void)
{
    static const struct worker_row rows[] = {
        {"attr_get", 3000000, body_attr_get, setup_instance, drop_instance},
        {"attr_set", 3000000, body_attr_set, setup_instance, drop_instance},
        {"attr_get_utf8", 1000000, body_attr_get_utf8, setup_instance, drop_instance},
        {"attr_missing", 250000, body_attr_missing, setup_instance, drop_instance},
        {"call0", 5000000, body_call0, NULL, NULL},
        {"call1", 5000000, body_call1, NULL, NULL},
        {"call2", 5000000, body_call2, NULL, NULL},
        {"call_method", 3000000, body_call_method, NULL, NULL},
        {"raise_clear", 1000000, body_raise_clear, NULL, NULL},
#if PEER_HAS_WEAKREFS
        {"weakref", 2000000, body_weakref, setup_instance, drop_instance},
#endif
    };
    worker_run_rows(rows, sizeof rows / sizeof rows[0]);
}
