/* SPDX-License-Identifier: MIT */
/*
 * preload/sys_mmap.c - large blocks without glibc: a mapping for each.
 *
 * glibc's allocator stays reachable under __libc_malloc and so on; other C libraries have no second
 * name for theirs. There a block above 512 bytes is a mapping of its own, with its size in front.
 * Blocks of up to 1 MiB are mapped seldom, since the cache above (alloc/large.c) keeps them.
 *
 *   base                                 block                                  base + total
 *   +-- alignment, if more than 64 --+---+--------------------------------------+
 *                                    head (64 bytes)
 *
 * block == base + 64 unless a larger alignment was asked for; usable bytes reach to base + total.
 *
 * Lock: none; the kernel's.
 */
#include "alloc/sys.h"

#if MPY_PRELOAD_MMAP || !defined(__GLIBC__)

#include "alloc/os.h"
#include "base/assert.h"
#include "base/bits.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define HEAD_BYTES 64u
#define HEAD_MAGIC UINT64_C(0x6d696e6970796d6d)

struct head {
    uint64_t magic;
    char *base;
    size_t total;
    uint64_t reserved[5];
};
_Static_assert(sizeof(struct head) == HEAD_BYTES, "blocks stay aligned to a cache line");

static struct head *
head_of(void *p)
{
    struct head *head = (struct head *)(void *)((char *)p - HEAD_BYTES);
    if (head->magic != HEAD_MAGIC) {
        mpyi_fatal("free of %p: not a block of this allocator", p);
    }
    return head;
}

static void *
place(char *base, size_t total, char *block)
{
    struct head *head = (struct head *)(void *)(block - HEAD_BYTES);
    head->magic = HEAD_MAGIC;
    head->base = base;
    head->total = total;
    return block;
}

void *
mpyi_sys_aligned(size_t alignment, size_t n)
{
    size_t slack = alignment > HEAD_BYTES ? alignment : 0;
    size_t total;
    if (!mpyi_add_size(n, HEAD_BYTES + slack, &total) ||
        !mpyi_add_size(total, mpyi_os_page_size() - 1, &total)) {
        return NULL;
    }
    total = mpyi_round_down(total, mpyi_os_page_size());
    char *base = mpyi_os_map(total, mpyi_os_page_size());
    if (base == NULL) {
        return NULL;
    }
    char *block = base + HEAD_BYTES;
    if (slack != 0) {
        block += -(uintptr_t)block & (alignment - 1);
    }
    return place(base, total, block);
}

void *
mpyi_sys_malloc(size_t n)
{
    return mpyi_sys_aligned(HEAD_BYTES, n);
}

/* Fresh mappings are zero. */
void *
mpyi_sys_calloc(size_t n)
{
    return mpyi_sys_aligned(HEAD_BYTES, n);
}

void
mpyi_sys_free(void *p)
{
    struct head *head = head_of(p);
    mpyi_os_release(head->base, head->total);
}

size_t
mpyi_sys_usable(void *p)
{
    struct head *head = head_of(p);
    return head->total - (size_t)((char *)p - head->base);
}

/* The kernel moves page tables, not bytes. */
void *
mpyi_sys_realloc(void *p, size_t n)
{
    struct head *head = head_of(p);
    size_t offset = (size_t)((char *)p - head->base);
    size_t total;
    if (!mpyi_add_size(n, offset + mpyi_os_page_size() - 1, &total)) {
        return NULL;
    }
    total = mpyi_round_down(total, mpyi_os_page_size());
    char *base = mremap(head->base, head->total, total, MREMAP_MAYMOVE);
    return base != MAP_FAILED ? place(base, total, base + offset) : NULL;
}

#endif
