/* SPDX-License-Identifier: MIT */
/*
 * alloc/os.c - pages of the operating system, see alloc/os.h.
 *
 * Reservations are PROT_NONE: read-write ones count against RLIMIT_DATA and are filled by
 * mlockall(). Committing is one mprotect() (0.3 us for an arena), purging MADV_DONTNEED: the
 * memory leaves RSS at once, which MADV_FREE does not promise.
 *
 * Alignment: the kernel aligns to pages only, so a larger alignment maps more and cuts the ends.
 *
 * Place: the kernel maps one thing below the other, programs' libraries as well. A reservation of
 * 64 GiB among them would lie between those that were there before and those that are loaded later,
 * and processors are slower at calls that cross a multiple of a large power of two (2^37 on Zen 4:
 * 2.05 ns instead of 1.23). So a large one is asked for 32 TiB below this library, which keeps the
 * randomness of its address; where that is taken, or no address, the kernel chooses as always.
 *
 * Failures on demand (mpyi_os_fail_after) count every request for address space or memory, so that
 * tests reach each error path behind it.
 */
#include "alloc/os.h"

#include "base/assert.h"
#include "base/bits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint64_t fail_countdown; /* 0: off; 1: this call and all later ones fail */

void
mpyi_os_fail_after(uint64_t n)
{
    atomic_store_explicit(&fail_countdown, n, memory_order_relaxed);
}

static int
fail_now(void)
{
    uint64_t left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    if (MPY_LIKELY(left == 0)) {
        return 0;
    }
    if (left == 1) {
        return 1;
    }
    atomic_fetch_sub_explicit(&fail_countdown, 1, memory_order_relaxed);
    return 0;
}

size_t
mpyi_os_page_size(void)
{
    static _Atomic size_t cached;
    size_t size = atomic_load_explicit(&cached, memory_order_relaxed);
    if (size == 0) {
        long answer = sysconf(_SC_PAGESIZE);
        size = answer > 0 ? (size_t)answer : 4096;
        atomic_store_explicit(&cached, size, memory_order_relaxed);
    }
    return size;
}

#define LARGE ((size_t)1 << 30)
#define APART ((uint64_t)1 << 45) /* 32 TiB */
#define ROUND ((uint64_t)1 << 43) /* after so many bytes, places are tried again */

/* Where n bytes that are reserved had better lie, one below the other; NULL: anywhere. */
static void *
place_for(size_t n, size_t align)
{
    static _Atomic uint64_t placed;
    uint64_t here = (uintptr_t)&fail_countdown & ~(uint64_t)(mpyi_os_page_size() - 1);
    if (n < LARGE || n > ROUND || align > ROUND || here < APART + 3 * ROUND) {
        return NULL;
    }
    uint64_t before = atomic_fetch_add_explicit(&placed, n + align, memory_order_relaxed);
    return (void *)(uintptr_t)(here - APART - before % ROUND - (n + align));
}

static void *
map_aligned(void *place, size_t n, size_t align, int protection, int flags)
{
    size_t page = mpyi_os_page_size();
    size_t slack = align > page ? align - page : 0;
    size_t total;
    if (fail_now() || !mpyi_add_size(n, slack, &total)) {
        return NULL;
    }
    char *raw = mmap(place, total, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (raw == MAP_FAILED) {
        return NULL;
    }
    char *p = raw + (-(uintptr_t)raw & (align - 1));
    size_t head = (size_t)(p - raw);
    if (head > 0) {
        (void)munmap(raw, head);
    }
    if (slack > head) {
        (void)munmap(p + n, slack - head);
    }
    return p;
}

void *
mpyi_os_reserve(size_t n, size_t align)
{
    return map_aligned(place_for(n, align), n, align, PROT_NONE, MAP_NORESERVE);
}

int
mpyi_os_commit(void *p, size_t n)
{
    if (fail_now()) {
        return -1;
    }
    return mprotect(p, n, PROT_READ | PROT_WRITE);
}

void
mpyi_os_prefer_huge(void *p, size_t n)
{
    int before = errno;
    (void)madvise(p, n, MADV_HUGEPAGE);
    errno = before; /* a kernel without them says so */
}

void *
mpyi_os_map(size_t n, size_t align)
{
    return map_aligned(NULL, mpyi_round_up(n, mpyi_os_page_size()), align, PROT_READ | PROT_WRITE,
                       0);
}

size_t
mpyi_os_purge(void *p, size_t n)
{
    size_t page = mpyi_os_page_size();
    uintptr_t from = mpyi_round_up((uintptr_t)p, page);
    uintptr_t to = mpyi_round_down((uintptr_t)p + n, page);
    if (from >= to) {
        return 0;
    }
    char *start = (char *)p + (from - (uintptr_t)p);
    return madvise(start, to - from, MADV_DONTNEED) == 0 ? to - from : 0;
}

void
mpyi_os_release(void *p, size_t n)
{
    (void)munmap(p, mpyi_round_up(n, mpyi_os_page_size()));
}

uint64_t
mpyi_os_now_ms(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC_COARSE, &now) != 0) {
        return 0;
    }
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

size_t
mpyi_os_address_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return SIZE_MAX;
    }
    return (size_t)limit.rlim_cur;
}

/* Pages of address space, the first number in /proc/self/statm; 0: unknown. System calls as such:
   open() and read() may be somebody else's, who allocates, and a thread could be cancelled there.
 */
static size_t
pages_in_use(void)
{
    char text[32] = "";
    size_t pages = 0;
    int before = errno;
    long file = syscall(SYS_openat, AT_FDCWD, "/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        long n = syscall(SYS_read, file, text, sizeof text);
        for (long i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++) {
            pages = pages * 10 + (size_t)(text[i] - '0');
        }
        (void)syscall(SYS_close, file);
    }
    errno = before;
    return pages;
}

size_t
mpyi_os_address_left(void)
{
    size_t limit = mpyi_os_address_limit();
    size_t used;
    if (limit == SIZE_MAX || !mpyi_mul_size(pages_in_use(), mpyi_os_page_size(), &used)) {
        return limit;
    }
    return used < limit ? limit - used : 0;
}
