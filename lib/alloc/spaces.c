/* SPDX-License-Identifier: MIT */
/*
 * alloc/spaces.c - the process or a runtime, whichever `rt` says; see alloc/spaces.h. And
 * mpy_mem_trim(), which needs nothing else.
 *
 * Public structs begin with { uint32_t size, version } set by the caller; a library that knows more
 * fields fills fewer, one that knows fewer zeroes the rest. Size 0 is that of version 1.
 */
#include "alloc/spaces.h"

#include "alloc/checked.h"
#include "alloc/memheap.h"
#include "base/hooks.h"
#include "base/status.h"

#include <string.h>

#define STRUCT_HEAD (2 * sizeof(uint32_t))

int
mpyi_invalid(void)
{
    mpyi_status_set(MPY_E_INVAL);
    return -1;
}

int
mpyi_spaces_of(mpy_runtime *rt, struct mpyi_spaces *out)
{
    if (rt == NULL) {
        if (mpyi_mem_start() < 0) {
            mpyi_status_set(MPY_E_NOMEM);
            return -1;
        }
        mpyi_mem_sort();
        *out = (struct mpyi_spaces){{&mpyi_mem_space, NULL}, 1, NULL, &mpyi_mem_usage};
        return 0;
    }
    struct mpyi_rtheap *heap = mpyi_hook_runtime_heap(rt);
    if (heap == NULL) {
        mpyi_status_set(MPY_E_INVAL);
        return -1;
    }
    *out = (struct mpyi_spaces){{&heap->obj_space, &heap->gc_space}, 2, heap, &heap->usage};
    return 0;
}

void
mpyi_spaces_flush(const struct mpyi_spaces *spaces)
{
    if (spaces->heap != NULL) {
        mpyi_heap_flush(&spaces->heap->raw);
        mpyi_heap_flush(&spaces->heap->atom);
        mpyi_heap_flush(&spaces->heap->gc);
        return;
    }
    (void)mpyi_mem_cool_orphans(UINT32_MAX);
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap != NULL) {
        mpyi_heap_flush(heap);
        mpyi_mem_leave(heap);
    }
}

int
mpyi_struct_out(void *out, void *filled, uint32_t filled_size)
{
    uint32_t head[2];
    if (out == NULL) {
        return mpyi_invalid();
    }
    memcpy(head, out, sizeof head);
    if (head[0] == 0) {
        head[0] = filled_size;
        head[1] = 1;
        memcpy(out, head, sizeof head);
    }
    uint32_t size = head[0];
    if (size <= STRUCT_HEAD) {
        return mpyi_invalid();
    }
    uint32_t known = size < filled_size ? size : filled_size;
    memcpy((char *)out + STRUCT_HEAD, (char *)filled + STRUCT_HEAD, known - STRUCT_HEAD);
    if (size > known) {
        memset((char *)out + known, 0, size - known);
    }
    return 0;
}

static size_t
trim_process(size_t keep_bytes)
{
    size_t bytes = mpyi_mem_cool_orphans(UINT32_MAX);
    struct mpyi_heap *heap = mpyi_mem_enter();
    if (heap != NULL) {
        (void)mpyi_checked_flush(&(struct mpyi_asker){NULL, heap, NULL, 0}, 0);
        mpyi_heap_release_empties(heap);
        mpyi_heap_drop_spares(heap);
        bytes += mpyi_large_cache_clear(&heap->large);
        mpyi_large_settle(&heap->large);
        mpyi_mem_leave(heap);
    }
    mpyi_mem_trim_orphans();
    return bytes + mpyi_space_trim(&mpyi_mem_space, keep_bytes);
}

int
mpy_mem_trim(mpy_runtime *rt, size_t keep_bytes, size_t *released)
{
    struct mpyi_spaces spaces;
    if (released != NULL) {
        *released = 0;
    }
    if (mpyi_spaces_of(rt, &spaces) < 0) {
        return -1;
    }
    size_t bytes =
        spaces.heap != NULL ? mpyi_rtheap_trim(spaces.heap, keep_bytes) : trim_process(keep_bytes);
    if (released != NULL) {
        *released = bytes;
    }
    return 0;
}
