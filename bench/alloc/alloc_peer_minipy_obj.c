/* SPDX-License-Identifier: MIT */
/*
 * alloc_peer_minipy_obj.c - the obj domain of libminipy: the heap of a runtime, whose lock this
 * thread holds. For the memory rows: 8-byte spacing where the mem domain has 16.
 */
#define MPY_NO_INLINE
#include <minipy/runtime.h>

#include "alloc/alloc_peer.h"
#include "worker.h"

static mpy_runtime *runtime;

static void
trim(void)
{
    size_t released;
    if (mpy_mem_trim(runtime, 0, &released) != 0) {
        worker_fail("cannot trim the runtime");
    }
}

struct alloc_peer
alloc_peer_start(void)
{
    struct alloc_peer peer = {.take = mpy_obj_malloc, .give = mpy_obj_free, .trim = trim};
    peer.suffix = "_obj";
    if (mpy_runtime_new(NULL, &runtime) != MPY_OK) {
        worker_fail("cannot make a runtime");
    }
    return peer;
}
