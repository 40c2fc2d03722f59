/* SPDX-License-Identifier: MIT */
/*
 * preload/info.c - what glibc offers beside allocating: trimming, tuning, figures; and start-up.
 *
 * Blocks above 512 bytes are glibc's own (alloc/sys.h), so calls that trim or tune reach glibc's
 * functions as well, which are found as the next definition after this library's. They are looked
 * up at the call: dlsym() allocates, which must not happen inside an allocation.
 *
 * With MINIPY_MALLOC_STATS=1 a process writes its figures to stderr when it exits, through a
 * descriptor of its own: coreutils close theirs before that.
 *
 * Lock: none of its own; statistics take those of the mem domain.
 */
#include "preload/preload.h"

#include "alloc/memheap.h"
#include "base/options.h"

#include "minipy/memstat.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

void *
mpyi_next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* Handlers that others register with pthread_atfork() before ours run while our locks are held, and
   may allocate; the earlier ours are registered, the fewer those are. */
void
mpyi_preload_start(void)
{
    static _Atomic int started;
    if (MPY_UNLIKELY(atomic_load_explicit(&started, memory_order_relaxed) == 0) &&
        mpy_priv_tls.mem != &mpyi_null_heap) {
        atomic_store_explicit(&started, 1, memory_order_relaxed);
        mpyi_fork_install();
    }
}

/* Block size when p lies in a pool; 0 when it does not. For tests: whether it is there at all says
   that the library is in use. */
MPY_API size_t
mpy_priv_preload_block(const void *p);

size_t
mpy_priv_preload_block(const void *p)
{
    mpy_block_info info = {.size = sizeof info};
    return mpy_mem_block_info(p, &info) == 1 ? info.block_size : 0;
}

/* ---- trimming and tuning --------------------------------------------------------------------- */

int
mpyi_export_trim(size_t pad) MPYI_EXPORT("malloc_trim");
int
mpyi_export_mallopt(int parameter, int value) MPYI_EXPORT("mallopt");

/* 1 when memory went back to the system, as glibc says it. */
int
mpyi_export_trim(size_t pad)
{
    size_t released = 0;
    int own = mpy_mem_trim(NULL, pad, &released) == 0 && released > 0;
    int (*next)(size_t) = NULL;
    *(void **)&next = mpyi_next("malloc_trim");
    return (next != NULL && next(pad) != 0) || own;
}

/* Everything glibc lets one set concerns blocks that are glibc's here. */
int
mpyi_export_mallopt(int parameter, int value)
{
    int (*next)(int, int) = NULL;
    *(void **)&next = mpyi_next("mallopt");
    return next != NULL ? next(parameter, value) : 0;
}

/* ---- figures --------------------------------------------------------------------------------- */

/* Fields of glibc's struct; those that describe glibc's own structures are 0. */
struct figures {
    size_t arena;    /* bytes of arenas */
    size_t hblks;    /* large blocks */
    size_t hblkhd;   /* bytes in them */
    size_t uordblks; /* bytes in use */
    size_t fordblks; /* bytes of arenas that are free */
    size_t usmblks;  /* most arenas + large blocks */
};

static struct figures
figures_get(void)
{
    mpy_mem_stats stats = {.size = sizeof stats};
    struct figures figures;
    memset(&figures, 0, sizeof figures);
    if (mpy_mem_stats_get(NULL, &stats) == 0) {
        figures = (struct figures){
            .arena = stats.arena_bytes,
            .hblks = stats.large_blocks,
            .hblkhd = stats.large_bytes,
            .uordblks = stats.bytes_allocated + stats.large_bytes,
            .fordblks = stats.arena_bytes - stats.bytes_allocated,
            .usmblks = stats.peak_bytes,
        };
    }
    return figures;
}

static int
clamp(size_t n)
{
    return n < INT_MAX ? (int)n : INT_MAX;
}

#if defined(__GLIBC__)
struct mallinfo
mpyi_export_mallinfo(void) MPYI_EXPORT("mallinfo");

struct mallinfo
mpyi_export_mallinfo(void)
{
    struct figures from = figures_get();
    struct mallinfo info;
    memset(&info, 0, sizeof info);
    info.arena = clamp(from.arena);
    info.hblks = clamp(from.hblks);
    info.hblkhd = clamp(from.hblkhd);
    info.usmblks = clamp(from.usmblks);
    info.uordblks = clamp(from.uordblks);
    info.fordblks = clamp(from.fordblks);
    return info;
}
#endif

/* struct mallinfo2 of glibc 2.33 and later, written out so that older headers will do. */
struct mpyi_mallinfo2 {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

struct mpyi_mallinfo2
mpyi_export_mallinfo2(void) MPYI_EXPORT("mallinfo2");

struct mpyi_mallinfo2
mpyi_export_mallinfo2(void)
{
    struct figures from = figures_get();
    return (struct mpyi_mallinfo2){
        .arena = from.arena,
        .hblks = from.hblks,
        .hblkhd = from.hblkhd,
        .usmblks = from.usmblks,
        .uordblks = from.uordblks,
        .fordblks = from.fordblks,
    };
}

static int
write_to(void *data, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t done = write(*(const int *)data, text, n);
        if (done <= 0) {
            return -1;
        }
        text += done;
        n -= (size_t)done;
    }
    return 0;
}

static void
write_stats(int fd)
{
    static const char head[] = "libminipy-malloc\n";
    if (write_to(&fd, head, sizeof head - 1) == 0) {
        (void)!mpy_mem_dump_stats(NULL, write_to, &fd);
    }
}

void
mpyi_export_stats(void) MPYI_EXPORT("malloc_stats");

void
mpyi_export_stats(void)
{
    write_stats(STDERR_FILENO);
}

static int stats_fd = -1;

__attribute__((constructor)) static void
loaded(void)
{
    if (mpyi_options_get()->malloc_stats != 0) {
        stats_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
    }
}

__attribute__((destructor)) static void
unloaded(void)
{
    if (stats_fd >= 0) {
        write_stats(stats_fd);
    }
}
