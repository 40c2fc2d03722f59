/* SPDX-License-Identifier: MIT */
/*
 * peer_cpython.h - the vocabulary of peer.h on the C API of CPython 3.11, embedded.
 *
 * Macros of the API (Py_INCREF, PyTuple_SET_ITEM on a fresh tuple) are used where an extension
 * module would use them.
 */
#ifndef BENCH_PEER_CPYTHON_H
#define BENCH_PEER_CPYTHON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define PEER_LABEL "cpython"

typedef PyObject *peer_obj;

/* Exported by CPython 3.11, though not documented: the hash of a str's bytes. */
extern Py_hash_t
_Py_HashBytes(const void *bytes, Py_ssize_t n);

static inline void
peer_incref(peer_obj o)
{
    Py_INCREF(o);
}

static inline void
peer_decref(peer_obj o)
{
    Py_DECREF(o);
}

static inline peer_obj
peer_none(void)
{
    return Py_NewRef(Py_None);
}

static inline peer_obj
peer_int(int64_t value)
{
    return PyLong_FromLong((long)value);
}

static inline int64_t
peer_int_value(peer_obj o)
{
    return PyLong_AsLong(o);
}

static inline peer_obj
peer_float(double value)
{
    return PyFloat_FromDouble(value);
}

static inline peer_obj
peer_str(const char *text, size_t n)
{
    return PyUnicode_FromStringAndSize(text, (Py_ssize_t)n);
}

static inline peer_obj
peer_list_new(void)
{
    return PyList_New(0);
}

static inline peer_obj
peer_list_of(peer_obj *items, size_t n)
{
    peer_obj list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; i < n; i++) {
        PyList_SET_ITEM(list, (Py_ssize_t)i, Py_NewRef(items[i]));
    }
    return list;
}

static inline void
peer_list_append(peer_obj list, peer_obj item)
{
    peer_must(PyList_Append(list, item));
}

static inline peer_obj
peer_list_get(peer_obj list, size_t i)
{
    return Py_NewRef(PyList_GetItem(list, (Py_ssize_t)i));
}

static inline peer_obj
peer_tuple_of(peer_obj *items, size_t n)
{
    peer_obj tuple = PyTuple_New((Py_ssize_t)n);
    for (size_t i = 0; i < n; i++) {
        PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, Py_NewRef(items[i]));
    }
    return tuple;
}

static inline peer_obj
peer_dict_new(void)
{
    return PyDict_New();
}

static inline void
peer_dict_set(peer_obj dict, peer_obj key, peer_obj value)
{
    peer_must(PyDict_SetItem(dict, key, value));
}

/* 1 when the key is there; its value is looked at as the API offers it: borrowed. */
static inline int
peer_dict_probe(peer_obj dict, peer_obj key)
{
    return PyDict_GetItemWithError(dict, key) != NULL;
}

static inline int
peer_dict_probe_utf8(peer_obj dict, const char *key)
{
    return PyDict_GetItemString(dict, key) != NULL;
}

static inline void
peer_dict_delete(peer_obj dict, peer_obj key)
{
    peer_must(PyDict_DelItem(dict, key));
}

/* Walks over all entries, looking at key and value. */
static inline size_t
peer_dict_entries(peer_obj dict)
{
    Py_ssize_t position = 0;
    size_t entries = 0;
    peer_obj key;
    peer_obj value;
    while (PyDict_Next(dict, &position, &key, &value)) {
        WORKER_KEEP(key);
        WORKER_KEEP(value);
        entries++;
    }
    return entries;
}

static inline size_t
peer_dict_entries_by_next(peer_obj dict)
{
    return peer_dict_entries(dict);
}

static inline peer_obj
peer_iterate(peer_obj o)
{
    return PyObject_GetIter(o);
}

/* The next element, or NULL at the end. */
static inline peer_obj
peer_iter_next(peer_obj iterator)
{
    return PyIter_Next(iterator);
}

static inline int64_t
peer_hash(peer_obj o)
{
    return PyObject_Hash(o);
}

static inline uint64_t
peer_hash_bytes(const void *bytes, size_t n)
{
    return (uint64_t)_Py_HashBytes(bytes, (Py_ssize_t)n);
}

static inline peer_obj
peer_intern(const char *text)
{
    return PyUnicode_InternFromString(text);
}

/* A new instance of `type`, made by calling it. */
static inline peer_obj
peer_instance(peer_obj type)
{
    return PyObject_CallNoArgs(type);
}

static inline void
peer_attr_set(peer_obj o, peer_obj name, peer_obj value)
{
    peer_must(PyObject_SetAttr(o, name, value));
}

static inline peer_obj
peer_attr_get(peer_obj o, peer_obj name)
{
    return PyObject_GetAttr(o, name);
}

static inline peer_obj
peer_attr_get_utf8(peer_obj o, const char *name)
{
    return PyObject_GetAttrString(o, name);
}

/* 1 when the attribute is there. 3.11 has no public call that does not raise. */
static inline int
peer_attr_probe(peer_obj o, peer_obj name)
{
    peer_obj value = PyObject_GetAttr(o, name);
    if (value == NULL) {
        PyErr_Clear();
        return 0;
    }
    Py_DECREF(value);
    return 1;
}

/* args[-1] must be a slot that the callee may use for a moment. */
static inline peer_obj
peer_call(peer_obj callable, peer_obj *args, size_t n)
{
    return PyObject_Vectorcall(callable, args, n | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

/* args[0] is the object; args[-1] as above. */
static inline peer_obj
peer_call_method(peer_obj name, peer_obj *args, size_t n)
{
    return PyObject_VectorcallMethod(name, args, n | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

static inline void
peer_raise_and_clear(void)
{
    PyErr_SetString(PyExc_ValueError, "bad value");
    PyErr_Clear();
}

#define PEER_HAS_WEAKREFS 1

/* Creates a weak reference, gets the object through it, drops both. */
static inline void
peer_weakref_round(peer_obj o)
{
    peer_obj reference = PyWeakref_NewRef(o, NULL);
    peer_obj target = Py_NewRef(PyWeakref_GetObject(reference));
    Py_DECREF(target);
    Py_DECREF(reference);
}

static inline void
peer_gc_enable(void)
{
    (void)PyGC_Enable();
}

static inline void
peer_gc_disable(void)
{
    (void)PyGC_Disable();
}

/* Collects generation 0, 1 or 2; returns the number of objects freed. */
size_t
peer_gc_collect(int generation);

/* A collectable object with three references, all unset: a C struct with traverse and clear. */
#define PEER_NODE_REFS 3

struct peer_node_object {
    PyObject_HEAD PyObject *refs[PEER_NODE_REFS];
};

extern PyTypeObject peer_node_type;

static inline peer_obj
peer_node(void)
{
    struct peer_node_object *node = PyObject_GC_New(struct peer_node_object, &peer_node_type);
    for (int i = 0; i < PEER_NODE_REFS; i++) {
        node->refs[i] = NULL;
    }
    PyObject_GC_Track((PyObject *)node);
    return (PyObject *)node;
}

/* Sets a reference that is unset. */
static inline void
peer_node_set(peer_obj node, int i, peer_obj value)
{
    ((struct peer_node_object *)node)->refs[i] = Py_NewRef(value);
}

typedef PyThreadState *peer_saved;
typedef PyGILState_STATE peer_token;

static inline peer_saved
peer_lock_release(void)
{
    return PyEval_SaveThread();
}

static inline void
peer_lock_acquire(peer_saved saved)
{
    PyEval_RestoreThread(saved);
}

static inline peer_token
peer_attach(void)
{
    return PyGILState_Ensure();
}

static inline void
peer_detach(peer_token token)
{
    PyGILState_Release(token);
}

/* Computes for so many seconds, giving others a chance as the peer does; returns the work done. */
double
peer_compute(double seconds);

#define PEER_HAS_RUNTIMES 0

#endif /* BENCH_PEER_CPYTHON_H */
