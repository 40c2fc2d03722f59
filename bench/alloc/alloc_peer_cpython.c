/* SPDX-License-Identifier: MIT */
/*
 * alloc_peer_cpython.c - the object allocator of CPython, which needs its lock held: one thread
 * only, and no call to give memory back.
 */
#include <Python.h>

#include "alloc/alloc_peer.h"

struct alloc_peer
alloc_peer_start(void)
{
    struct alloc_peer peer = {.take = PyObject_Malloc, .give = PyObject_Free, .suffix = ""};
    Py_InitializeEx(0);
    return peer;
}
