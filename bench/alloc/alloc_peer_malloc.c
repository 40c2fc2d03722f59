/* SPDX-License-Identifier: MIT */
/*
 * alloc_peer_malloc.c - malloc and free of the process: glibc's, or those of the library that the
 * driver preloads. Each of these has a call of its own to give memory back; which one is there
 * tells which allocator this is.
 */
#include "alloc/alloc_peer.h"
#include "worker.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* Code addresses come out of dlsym as data pointers; this is POSIX's way to convert. */
static bool
find_function(const char *name, void *function)
{
    void *address = dlsym(RTLD_DEFAULT, name);
    memcpy(function, &address, sizeof address);
    return address != NULL;
}

static void
trim(void)
{
    void (*mimalloc)(bool force);
    int (*jemalloc)(const char *, void *, size_t *, void *, size_t);
    void (*tcmalloc)(void);
    if (find_function("mi_collect", &mimalloc)) {
        mimalloc(true);
    } else if (find_function("mallctl", &jemalloc)) {
        (void)jemalloc("thread.tcache.flush", NULL, NULL, NULL, 0);
        (void)jemalloc("arena.4096.purge", NULL, NULL, NULL, 0); /* 4096: all arenas */
    } else if (find_function("MallocExtension_ReleaseFreeMemory", &tcmalloc)) {
        tcmalloc();
    } else {
        (void)malloc_trim(0);
    }
}

struct alloc_peer
alloc_peer_start(void)
{
    struct alloc_peer peer = {.take = malloc, .give = free, .trim = trim, .suffix = ""};
    peer.take_aligned = aligned_alloc;
    peer.threads = true;
    return peer;
}
