/* SPDX-License-Identifier: MIT */
/*
 * alloc/arenahost.c - who supplies the arenas of the mem domain, see alloc/arenahost.h.
 *
 *   open --set--> open --first allocation--> frozen
 *
 * Frozen, because blocks lie in what was supplied, and because the choice between a range and the
 * map is made once.
 *
 * Lock: `lock`.
 */
#include "alloc/arenahost.h"

#include "alloc/os.h"
#include "alloc/spaces.h"
#include "base/status.h"

#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static mpy_arena_allocator current; /* alloc NULL: the system */
static int frozen;

static void *
system_alloc(void *ctx, size_t size, size_t alignment)
{
    (void)ctx;
    return mpyi_is_pow2(alignment) ? mpyi_os_map(size, alignment) : NULL;
}

static void
system_free(void *ctx, void *p, size_t size)
{
    (void)ctx;
    mpyi_os_release(p, size);
}

static const mpy_arena_allocator the_system = {
    .size = sizeof(mpy_arena_allocator),
    .version = 1,
    .alloc = system_alloc,
    .free = system_free,
};

int
mpyi_arena_allocator_read(const mpy_arena_allocator *from, mpy_arena_allocator *to)
{
    memset(to, 0, sizeof *to);
    if (from == NULL || from->size < sizeof *to) {
        return -1;
    }
    *to = *from;
    to->size = sizeof *to;
    to->version = 1;
    return to->alloc != NULL && to->free != NULL ? 0 : -1;
}

int
mpyi_arena_host_freeze(mpy_arena_allocator *out)
{
    (void)pthread_mutex_lock(&lock);
    frozen = 1;
    *out = current;
    (void)pthread_mutex_unlock(&lock);
    return out->alloc != NULL;
}

int
mpy_mem_set_arena_allocator(const mpy_arena_allocator *arenas)
{
    mpy_arena_allocator wanted;
    if (mpyi_arena_allocator_read(arenas, &wanted) < 0) {
        mpyi_status_set(MPY_E_INVAL);
        return -1;
    }
    if (wanted.alloc == system_alloc) {
        memset(&wanted, 0, sizeof wanted);
    }
    (void)pthread_mutex_lock(&lock);
    int done = !frozen;
    if (done) {
        current = wanted;
    }
    (void)pthread_mutex_unlock(&lock);
    if (!done) {
        mpyi_status_set(MPY_E_BUSY);
        return -1;
    }
    return 0;
}

int
mpy_mem_get_arena_allocator(mpy_arena_allocator *out)
{
    if (out == NULL) {
        mpyi_status_set(MPY_E_INVAL);
        return -1;
    }
    (void)pthread_mutex_lock(&lock);
    mpy_arena_allocator copy = current.alloc != NULL ? current : the_system;
    (void)pthread_mutex_unlock(&lock);
    return mpyi_struct_out(out, &copy, sizeof copy);
}
