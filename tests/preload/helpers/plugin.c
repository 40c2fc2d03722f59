/* SPDX-License-Identifier: MIT */
/*
 * plugin.c - a library to load and unload: it allocates in its constructor, in thread-local storage
 * that the C library has to allocate, and gives a block to its host.
 */
#include <stdlib.h>
#include <string.h>

void *
plugin_give(size_t n);

static char *own;
static __thread char local[3000];

__attribute__((constructor)) static void
load(void)
{
    own = calloc(1, 5000);
}

__attribute__((destructor)) static void
unload(void)
{
    free(own);
}

void *
plugin_give(size_t n)
{
    local[n % sizeof local]++;
    void *p = own != NULL ? malloc(n) : NULL;
    return p != NULL ? memset(p, local[n % sizeof local], n) : NULL;
}
