/* SPDX-License-Identifier: MIT */
/*
 * alloc/domain.c - installing and reading the allocators of the raw and mem domains.
 *
 * The rule for blocks that are alive: whoever is installed frees them. So a replacement may come
 * only before the domain's first allocation; afterwards only an allocator whose host promises
 * (MPY_ALLOCATOR_COMPATIBLE) that it can free what is alive: a wrapper that passes every call on to
 * the previous one, or that previous one itself.
 *
 *   own --set, unused domain or compatible--> host's --set--> another host's, or own again
 *
 * Lock: `lock` for installing. Readers take the published pointer; what it points to never changes.
 */
#include "alloc/domain.h"

#include "alloc/memheap.h"
#include "alloc/mode.h"
#include "alloc/os.h"
#include "alloc/poison.h"
#include "alloc/spaces.h"
#include "base/status.h"
#include "base/tls.h"

#include <string.h>

#define PAGE_BYTES 4096u

struct mpyi_domain mpyi_domains[MPYI_DOMAINS];

/* Allocators that were ever installed: a chain of pages. */
struct page {
    struct page *next;
    size_t count;
    mpy_allocator entries[(PAGE_BYTES - 2 * sizeof(void *)) / sizeof(mpy_allocator)];
};
_Static_assert(sizeof(struct page) <= PAGE_BYTES, "one page");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct page *pages;

void
mpyi_domain_lock(void)
{
    if (!mpyi_tls.forking) {
        (void)pthread_mutex_lock(&lock);
    }
}

void
mpyi_domain_unlock(void)
{
    if (!mpyi_tls.forking) {
        (void)pthread_mutex_unlock(&lock);
    }
}

int
mpyi_allocator_read(const mpy_allocator *from, mpy_allocator *to)
{
    memset(to, 0, sizeof *to);
    if (from == NULL || from->size < offsetof(mpy_allocator, free_sized)) {
        return -1;
    }
    memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
    to->size = sizeof *to;
    to->version = 1;
    if (to->malloc == NULL || to->calloc == NULL || to->realloc == NULL || to->free == NULL) {
        return -1;
    }
    return 0;
}

/* An entry equal to `a`, new if need be; NULL when out of memory. Lock held. */
static const mpy_allocator *
kept(const mpy_allocator *a)
{
    for (struct page *page = pages; page != NULL; page = page->next) {
        for (size_t i = 0; i < page->count; i++) {
            if (memcmp(&page->entries[i], a, sizeof *a) == 0) {
                return &page->entries[i];
            }
        }
    }
    if (pages == NULL || pages->count == sizeof pages->entries / sizeof pages->entries[0]) {
        struct page *page = mpyi_os_map(PAGE_BYTES, PAGE_BYTES);
        if (page == NULL) {
            return NULL;
        }
        mpyi_leak_root_add(page, PAGE_BYTES); /* contexts may be known here only */
        page->next = pages;
        pages = page;
    }
    mpy_allocator *entry = &pages->entries[pages->count++];
    *entry = *a;
    return entry;
}

static const mpy_allocator *
own(int domain)
{
    return domain == MPY_DOMAIN_RAW ? &mpyi_raw_default : &mpyi_mem_default;
}

static int
is_own(int domain, const mpy_allocator *a)
{
    return a->malloc == own(domain)->malloc && a->free == own(domain)->free;
}

/* MPY_OK, or why not; lock held. */
static mpy_status
install(int domain, const mpy_allocator *a)
{
    struct mpyi_domain *d = &mpyi_domains[domain];
    const mpy_allocator *entry = NULL;
    if (atomic_load_explicit(&d->used, memory_order_relaxed) != 0 &&
        (a->flags & MPY_ALLOCATOR_COMPATIBLE) == 0) {
        return MPY_E_BUSY;
    }
    if (!is_own(domain, a)) {
        entry = kept(a);
        if (entry == NULL) {
            return MPY_E_NOMEM;
        }
    }
    atomic_store_explicit(&d->host, entry, memory_order_release);
    return MPY_OK;
}

int
mpy_mem_set_allocator(int domain, const mpy_allocator *allocator)
{
    mpy_allocator a;
    if (domain < 0 || domain >= MPYI_DOMAINS || mpyi_allocator_read(allocator, &a) < 0) {
        mpyi_status_set(MPY_E_INVAL);
        return -1;
    }
    mpyi_domain_lock();
    mpy_status status = install(domain, &a);
    int hosted = mpyi_domain_host(MPY_DOMAIN_MEM) != NULL;
    mpyi_domain_unlock();
    if (status != MPY_OK) {
        mpyi_status_set(status);
        return -1;
    }
    if (domain == MPY_DOMAIN_MEM) {
        mpyi_modes_set(MPYI_MODE_HOST, hosted);
    }
    return 0;
}

int
mpy_mem_get_allocator(int domain, mpy_allocator *out)
{
    if (domain < 0 || domain >= MPYI_DOMAINS || out == NULL) {
        mpyi_status_set(MPY_E_INVAL);
        return -1;
    }
    const mpy_allocator *host = mpyi_domain_host(domain);
    mpy_allocator copy = host != NULL ? *host : *own(domain);
    return mpyi_struct_out(out, &copy, sizeof copy);
}
