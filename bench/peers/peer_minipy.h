/* SPDX-License-Identifier: MIT */
/*
 * peer_minipy.h - the vocabulary of peer.h on libminipy's public headers, as a host compiles them.
 */
#ifndef BENCH_PEER_MINIPY_H
#define BENCH_PEER_MINIPY_H

#include <minipy/call.h>
#include <minipy/dict.h>
#include <minipy/err.h>
#include <minipy/gc.h>
#include <minipy/iter.h>
#include <minipy/list.h>
#include <minipy/number.h>
#include <minipy/str.h>
#include <minipy/thread.h>
#include <minipy/tuple.h>
#include <minipy/type.h>
#if __has_include(<minipy/weakref.h>)
#include <minipy/weakref.h>
#endif

#define PEER_LABEL "minipy"

typedef mpy_object *peer_obj;

static inline void
peer_incref(peer_obj o)
{
    mpy_incref(o);
}

static inline void
peer_decref(peer_obj o)
{
    mpy_decref(o);
}

static inline peer_obj
peer_none(void)
{
    return MPY_NONE;
}

static inline peer_obj
peer_int(int64_t value)
{
    return mpy_int_from_i64(value);
}

static inline int64_t
peer_int_value(peer_obj o)
{
    int64_t value;
    peer_must(mpy_int_as_i64(o, &value));
    return value;
}

static inline peer_obj
peer_float(double value)
{
    return mpy_float_from_double(value);
}

static inline peer_obj
peer_str(const char *text, size_t n)
{
    return mpy_str_from_utf8_n(text, n);
}

static inline peer_obj
peer_list_new(void)
{
    return mpy_list_new(0);
}

static inline peer_obj
peer_list_of(peer_obj *items, size_t n)
{
    return mpy_list_from_array(items, n);
}

static inline void
peer_list_append(peer_obj list, peer_obj item)
{
    peer_must(mpy_list_append(list, item));
}

static inline peer_obj
peer_list_get(peer_obj list, size_t i)
{
    return mpy_list_get(list, (ptrdiff_t)i);
}

static inline peer_obj
peer_tuple_of(peer_obj *items, size_t n)
{
    return mpy_tuple_from_array(items, n);
}

static inline peer_obj
peer_dict_new(void)
{
    return mpy_dict_new(0);
}

static inline void
peer_dict_set(peer_obj dict, peer_obj key, peer_obj value)
{
    peer_must(mpy_dict_set(dict, key, value));
}

/* 1 when the key is there; its value is looked at as the API offers it: a reference to release. */
static inline int
peer_dict_probe(peer_obj dict, peer_obj key)
{
    peer_obj value;
    int found = mpy_dict_get(dict, key, &value);
    if (found > 0) {
        mpy_decref(value);
    }
    return found;
}

static inline int
peer_dict_probe_utf8(peer_obj dict, const char *key)
{
    peer_obj value;
    int found = mpy_dict_get_utf8(dict, key, &value);
    if (found > 0) {
        mpy_decref(value);
    }
    return found;
}

static inline void
peer_dict_delete(peer_obj dict, peer_obj key)
{
    peer_must(mpy_dict_del(dict, key));
}

/* Looks at key and value, counts the entry. */
static inline int
peer_see_entry(void *entries, peer_obj key, peer_obj value)
{
    WORKER_KEEP(key);
    WORKER_KEEP(value);
    ++*(size_t *)entries;
    return 0;
}

/* Walks over all entries, looking at key and value, which are borrowed. */
static inline size_t
peer_dict_entries(peer_obj dict)
{
    size_t entries = 0;
    peer_must(mpy_dict_each(dict, peer_see_entry, &entries));
    return entries;
}

/* The same with a call for each entry; the API gives references then. */
static inline size_t
peer_dict_entries_by_next(peer_obj dict)
{
    mpy_dict_cursor cursor = MPY_DICT_START;
    size_t entries = 0;
    peer_obj key;
    peer_obj value;
    while (mpy_dict_next(dict, &cursor, &key, &value) > 0) {
        WORKER_KEEP(key);
        WORKER_KEEP(value);
        mpy_decref(key);
        mpy_decref(value);
        entries++;
    }
    return entries;
}

static inline peer_obj
peer_iterate(peer_obj o)
{
    return mpy_iter_get(o);
}

/* The next element, or NULL at the end. */
static inline peer_obj
peer_iter_next(peer_obj iterator)
{
    peer_obj item;
    peer_must(mpy_iter_next(iterator, &item));
    return item;
}

static inline int64_t
peer_hash(peer_obj o)
{
    int64_t hash;
    peer_must(mpy_object_hash(o, &hash));
    return hash;
}

static inline uint64_t
peer_hash_bytes(const void *bytes, size_t n)
{
    return mpy_hash_bytes(bytes, n);
}

static inline peer_obj
peer_intern(const char *text)
{
    return mpy_str_intern(text);
}

/* A new instance of `type`, made by calling it. */
static inline peer_obj
peer_instance(peer_obj type)
{
    return mpy_call_noargs(type);
}

static inline void
peer_attr_set(peer_obj o, peer_obj name, peer_obj value)
{
    peer_must(mpy_object_set_attr(o, name, value));
}

static inline peer_obj
peer_attr_get(peer_obj o, peer_obj name)
{
    return mpy_object_get_attr(o, name);
}

static inline peer_obj
peer_attr_get_utf8(peer_obj o, const char *name)
{
    return mpy_object_get_attr_utf8(o, name);
}

/* 1 when the attribute is there; nothing is raised when it is not. */
static inline int
peer_attr_probe(peer_obj o, peer_obj name)
{
    peer_obj value;
    int found = mpy_object_find_attr(o, name, &value);
    if (found > 0) {
        mpy_decref(value);
    }
    return found;
}

static inline peer_obj
peer_call(peer_obj callable, peer_obj *args, size_t n)
{
    return mpy_call(callable, args, n, NULL);
}

/* args[0] is the object. */
static inline peer_obj
peer_call_method(peer_obj name, peer_obj *args, size_t n)
{
    return mpy_call_method(name, args, n, NULL);
}

extern peer_obj peer_value_error;

static inline void
peer_raise_and_clear(void)
{
    mpy_err_set(peer_value_error, "bad value");
    mpy_err_clear();
}

#if __has_include(<minipy/weakref.h>)
#define PEER_HAS_WEAKREFS 1

/* Creates a weak reference, gets the object through it, drops both. */
static inline void
peer_weakref_round(peer_obj o)
{
    peer_obj reference = mpy_weakref_new(o, NULL);
    peer_obj target;
    peer_must(mpy_weakref_get(reference, &target));
    mpy_decref(target);
    mpy_decref(reference);
}
#else
#define PEER_HAS_WEAKREFS 0
#endif

static inline void
peer_gc_enable(void)
{
    peer_must(mpy_gc_enable());
}

static inline void
peer_gc_disable(void)
{
    peer_must(mpy_gc_disable());
}

/* Collects generation 0, 1 or 2; returns the number of objects freed. */
static inline size_t
peer_gc_collect(int generation)
{
    mpy_gc_result result = {.size = sizeof result, .version = 1};
    peer_must(mpy_gc_collect(generation, &result));
    return (size_t)result.collected;
}

/* A collectable object with three references, all unset: host data the library traverses. */
#define PEER_NODE_REFS 3

extern peer_obj peer_node_type;

static inline peer_obj
peer_node(void)
{
    return mpy_type_new_instance(peer_node_type);
}

/* Sets a reference that is unset. */
static inline void
peer_node_set(peer_obj node, int i, peer_obj value)
{
    void *data;
    peer_must(mpy_type_data(node, peer_node_type, &data));
    mpy_assign((mpy_object **)data + i, value);
}

typedef mpy_thread_token *peer_saved;
typedef mpy_thread_token *peer_token;

extern mpy_view *peer_view;

static inline peer_saved
peer_lock_release(void)
{
    return mpy_gil_release();
}

static inline void
peer_lock_acquire(peer_saved saved)
{
    mpy_gil_acquire(saved);
}

static inline peer_token
peer_attach(void)
{
    peer_token token;
    peer_must(mpy_thread_attach(peer_view, &token));
    return token;
}

static inline void
peer_detach(peer_token token)
{
    mpy_thread_detach(token);
}

/* Computes for so many seconds, giving others a chance as the peer does; returns the work done. */
double
peer_compute(double seconds);

#define PEER_HAS_RUNTIMES 1

/* A second runtime, the calling thread attached to it, and its end. */
struct peer_runtime;
struct peer_runtime *
peer_runtime_begin(void);
void
peer_runtime_end(struct peer_runtime *runtime);

#endif /* BENCH_PEER_MINIPY_H */
