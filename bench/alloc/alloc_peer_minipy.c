/* SPDX-License-Identifier: MIT */
/*
 * alloc_peer_minipy.c - the mem domain of libminipy, through its exported functions as every other
 * peer. No runtime is needed.
 */
#define MPY_NO_INLINE
#include <minipy/mem.h>

#include "alloc/alloc_inline_minipy.h"
#include "alloc/alloc_peer.h"
#include "worker.h"

static void
trim(void)
{
    size_t released;
    if (mpy_mem_trim(NULL, 0, &released) != 0) {
        worker_fail("cannot trim");
    }
}

struct alloc_peer
alloc_peer_start(void)
{
    struct alloc_peer peer = {.take = mpy_mem_malloc, .give = mpy_mem_free, .trim = trim};
    peer.suffix = "";
    peer.extra_rows = alloc_inline_rows;
    peer.take_aligned = mpy_mem_aligned_alloc;
    peer.threads = true;
    return peer;
}
