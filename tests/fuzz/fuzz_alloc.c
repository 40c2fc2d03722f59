/* SPDX-License-Identifier: MIT */
/*
 * fuzz/fuzz_alloc.c - the allocator under a stream of operations.
 *
 * Each operation is a byte, with a few bytes of arguments. They work on 64 slots, whose blocks are
 * filled with a pattern that is compared before every change, and on a stack of small blocks that
 * grows and shrinks in bursts, so that a short input can empty pools and arenas. A second thread
 * does what it is told and nothing else, so blocks cross between heaps and yet every run of an
 * input is the same. At the end everything is freed, and nothing may be left on the books.
 */
#include "fuzz.h"

#include "alloc/rtheap.h"
#include "minipy/debug.h"
#include "minipy/memstat.h"

#include <pthread.h>
#include <string.h>

enum { SLOTS = 64, BURST = 4096, CROSSINGS = 48, CHECKS = 24 };

struct block {
    unsigned char *p;
    size_t n;
    unsigned char seed;
    uint8_t obj; /* of the obj domain */
    uint8_t aligned;
};

static struct world {
    struct block slots[SLOTS];
    struct block burst[BURST];
    size_t burst_count;
    struct mpyi_rtheap *heap;
    int faults;  /* allocations may fail */
    int limited; /* those of the runtime's heap */
    unsigned crossings, checks;
} w;

/* ---- the second thread ------------------------------------------------------------------------
 */

#define TASK_NONE   0
#define TASK_MALLOC 1
#define TASK_FREE   2
#define TASK_TRIM   3

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int started, task;
    void *p;
    size_t n;
} helper = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, TASK_NONE, NULL, 0};

static void *
help(void *unused)
{
    (void)unused;
    (void)pthread_mutex_lock(&helper.lock);
    for (;;) {
        while (helper.task == TASK_NONE) {
            (void)pthread_cond_wait(&helper.changed, &helper.lock);
        }
        if (helper.task == TASK_MALLOC) {
            helper.p = mpy_mem_malloc(helper.n);
        } else if (helper.task == TASK_FREE) {
            mpy_mem_free(helper.p);
        } else {
            FUZZ_CHECK(mpy_mem_trim(NULL, 0, NULL) == 0);
            FUZZ_CHECK(mpy_debug_check_heap(NULL) == 0);
        }
        helper.task = TASK_NONE;
        (void)pthread_cond_broadcast(&helper.changed);
    }
    return NULL;
}

static void *
ask(int task, void *p, size_t n)
{
    (void)pthread_mutex_lock(&helper.lock);
    if (!helper.started) {
        pthread_t thread;
        FUZZ_CHECK(pthread_create(&thread, NULL, help, NULL) == 0);
        (void)pthread_detach(thread);
        helper.started = 1;
    }
    helper.task = task;
    helper.p = p;
    helper.n = n;
    (void)pthread_cond_broadcast(&helper.changed);
    while (helper.task != TASK_NONE) {
        (void)pthread_cond_wait(&helper.changed, &helper.lock);
    }
    void *result = helper.p;
    (void)pthread_mutex_unlock(&helper.lock);
    return result;
}

/* ---- the model --------------------------------------------------------------------------------
 */

static unsigned char
pattern(const struct block *block, size_t i)
{
    return (unsigned char)(block->seed + i * 7);
}

static void
fill(struct block *block, size_t from)
{
    for (size_t i = from; i < block->n; i++) {
        block->p[i] = pattern(block, i);
    }
}

static void
verify(const struct block *block, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        FUZZ_CHECK(block->p[i] == pattern(block, i));
    }
}

/* 0..63, 0..504 in steps of 8, around the largest class, or up to 64 KiB. */
static size_t
read_size(struct fuzz_reader *in)
{
    unsigned b = fuzz_byte(in);
    size_t low = b & 63;
    switch (b >> 6) {
    case 0:
        return low;
    case 1:
        return low * 8;
    case 2:
        return 480 + low;
    default:
        return low << 10 | (size_t)fuzz_byte(in) << 2;
    }
}

/* Enters a fresh block; NULL only when failures are on. */
static void
born(struct block *block, void *p, size_t n, int obj)
{
    FUZZ_CHECK(p != NULL || w.faults || (obj && w.limited));
    if (p != NULL) {
        *block = (struct block){p, n, (unsigned char)(n * 13 + 5), (uint8_t)obj, 0};
        FUZZ_CHECK((uintptr_t)p % (n >= 16 && !obj ? 16 : 8) == 0);
        fill(block, 0);
    }
}

static void
drop(struct block *block, int sized)
{
    if (block->p == NULL) {
        return;
    }
    verify(block, block->n);
    if (block->obj && sized) {
        mpy_obj_free_sized(block->p, block->n);
    } else if (block->obj) {
        mpy_obj_free(block->p);
    } else if (sized && !block->aligned) {
        mpy_mem_free_sized(block->p, block->n);
    } else {
        mpy_mem_free(block->p);
    }
    block->p = NULL;
}

static void
allocate(struct block *block, size_t n, int obj, int zero)
{
    drop(block, 0);
    void *p;
    if (zero) {
        p = obj ? mpy_obj_calloc(1, n) : mpy_mem_calloc(n, 1);
        for (size_t i = 0; p != NULL && i < n; i++) {
            FUZZ_CHECK(((unsigned char *)p)[i] == 0);
        }
    } else {
        p = obj ? mpy_obj_malloc(n) : mpy_mem_malloc(n);
    }
    born(block, p, n, obj);
}

static void
allocate_aligned(struct block *block, size_t n, size_t alignment)
{
    drop(block, 0);
    void *p = mpy_mem_aligned_alloc(alignment, n);
    FUZZ_CHECK((uintptr_t)p % alignment == 0);
    born(block, p, n, 0);
    block->aligned = 1;
}

static void
resize(struct block *block, size_t n)
{
    int obj = block->p != NULL && block->obj;
    size_t kept = block->p == NULL ? 0 : block->n < n ? block->n : n;
    void *p = obj ? mpy_obj_realloc(block->p, n) : mpy_mem_realloc(block->p, n);
    if (p == NULL) {
        FUZZ_CHECK(w.faults || (obj && w.limited));
        return;
    }
    if (kept == 0) {
        born(block, p, n, obj);
        return;
    }
    block->p = p;
    block->aligned = 0;
    verify(block, kept);
    block->n = n;
    fill(block, kept);
}

/* What the library says about a block of mem, from an address inside it. */
static void
look_at(struct block *block, unsigned where)
{
    mpy_block_info info = {.size = sizeof info, .version = 1};
    if (block->p == NULL) {
        return;
    }
    size_t usable = block->obj ? block->n : mpy_mem_usable_size(block->p);
    FUZZ_CHECK(usable >= block->n);
    if (mpy_mem_block_info(block->p + (block->n > 0 ? where % block->n : 0), &info) == 1) {
        FUZZ_CHECK(info.block == block->p && info.block_size >= block->n);
        FUZZ_CHECK(info.state == MPY_BLOCK_ALLOCATED);
    }
}

/* ---- bursts -----------------------------------------------------------------------------------
 */

static void
burst_up(size_t n, unsigned count, int obj)
{
    for (unsigned i = 0; i < count && w.burst_count < BURST; i++) {
        struct block *block = &w.burst[w.burst_count];
        block->p = NULL;
        allocate(block, n, obj, 0);
        w.burst_count += block->p != NULL;
    }
}

/* The last first, or from the bottom, which leaves the newest. */
static void
burst_down(unsigned count, int from_bottom, int sized)
{
    size_t n = count < w.burst_count ? count : w.burst_count;
    for (size_t i = 0; i < n; i++) {
        drop(&w.burst[from_bottom ? i : w.burst_count - 1 - i], sized);
    }
    w.burst_count -= n;
    if (from_bottom) {
        memmove(w.burst, w.burst + n, w.burst_count * sizeof w.burst[0]);
    }
}

/* Every other one. */
static void
burst_thin(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < w.burst_count; i++) {
        if (i % 2 == 0) {
            w.burst[kept++] = w.burst[i];
        } else {
            drop(&w.burst[i], i % 3 == 0);
        }
    }
    w.burst_count = kept;
}

/* ---- operations -------------------------------------------------------------------------------
 */

static void
check(void)
{
    FUZZ_CHECK(mpy_debug_check_heap(NULL) == 0);
    FUZZ_CHECK(mpyi_rtheap_check(w.heap) == 0);
}

static void
set_faults(unsigned mode, unsigned n)
{
    w.faults = mode % 6 != MPY_FAIL_OFF;
    FUZZ_CHECK(mpy_debug_fail_alloc(NULL, (int)(mode % 6), n + 1u) == 0);
}

static void
cross(struct block *block, size_t n, int give)
{
    if (w.crossings++ >= CROSSINGS) {
        return;
    }
    if (!give) {
        drop(block, 0);
        born(block, ask(TASK_MALLOC, NULL, n), n, 0);
    } else if (block->p != NULL && !block->obj) {
        verify(block, block->n);
        (void)ask(TASK_FREE, block->p, 0);
        block->p = NULL;
    }
}

/* Rare and slow things. */
static void
manage(struct fuzz_reader *in)
{
    unsigned what = fuzz_byte(in);
    if (w.checks++ >= CHECKS) {
        return;
    }
    switch (what % 8) {
    case 0:
        check();
        break;
    case 1:
        FUZZ_CHECK(mpy_mem_trim(NULL, (what >> 3) * (size_t)MPY_ARENA_SIZE / 4, NULL) == 0);
        break;
    case 2:
        (void)mpyi_rtheap_trim(w.heap, (what >> 3) * (size_t)MPY_ARENA_SIZE / 4);
        break;
    case 3:
        set_faults(what >> 3, fuzz_byte(in));
        break;
    case 4:
        set_faults(MPY_FAIL_OFF, 0);
        break;
    case 5:
        mpyi_modes_set(MPYI_MODE_CHECK, what >> 3 & 1);
        break;
    case 6:
        mpyi_rtheap_modes_set(w.heap, MPYI_MODE_CHECK, what >> 3 & 1);
        break;
    default:
        mpyi_rtheap_set_limit(w.heap, (what >> 3) * UINT64_C(65536));
        w.limited = what >> 3 != 0;
    }
}

static void
step(struct fuzz_reader *in)
{
    unsigned op = fuzz_byte(in);
    int flag = (op & 0x80) != 0;
    int obj = (op & 0x40) != 0;
    struct block *block = &w.slots[op >> 1 & 0x18];
    if ((op & 15) < 10) {
        block = &w.slots[fuzz_byte(in) % SLOTS];
    }
    switch (op & 15) {
    case 0:
    case 1:
        allocate(block, read_size(in), obj, flag);
        break;
    case 2:
        drop(block, flag);
        break;
    case 3:
    case 4:
        resize(block, read_size(in));
        break;
    case 5:
        allocate_aligned(block, read_size(in), (size_t)1 << (op >> 4) % 13);
        break;
    case 6:
        look_at(block, fuzz_byte(in));
        break;
    case 7:
    case 8:
        cross(block, flag ? 0 : read_size(in), flag);
        break;
    case 10:
    case 11:
        burst_up(read_size(in) % 600, fuzz_byte(in), obj);
        break;
    case 12:
        burst_down(fuzz_byte(in) * 4u, flag, obj);
        break;
    case 13:
        burst_thin();
        break;
    default:
        manage(in);
    }
}

static void
finish(void)
{
    mpy_mem_stats stats = {.size = sizeof stats, .version = 1};
    set_faults(MPY_FAIL_OFF, 0);
    mpyi_modes_set(MPYI_MODE_CHECK, 0);
    for (size_t i = 0; i < SLOTS; i++) {
        drop(&w.slots[i], i % 2 == 0);
    }
    burst_down(BURST, 1, 1);
    if (w.crossings > 0) {
        /* Sends home what came from the other thread; that sends back what came from here. */
        FUZZ_CHECK(mpy_mem_trim(NULL, 0, NULL) == 0);
        (void)ask(TASK_TRIM, NULL, 0);
    }
    check();
    FUZZ_CHECK(mpyi_rtheap_trim(w.heap, 0) == 0 || mpyi_rtheap_bytes(w.heap) == 0);
    mpyi_rtheap_free(w.heap);
    FUZZ_CHECK(mpy_mem_trim(NULL, 0, NULL) == 0);
    FUZZ_CHECK(mpy_mem_stats_get(NULL, &stats) == 0);
    FUZZ_CHECK(stats.blocks_allocated == 0 && stats.large_blocks == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mpyi_rtheap_options options = {.obj_reserve = 1u << 26,
                                                       .gc_reserve = 1u << 26};
    struct fuzz_reader in = {data, size};
    memset(&w, 0, sizeof w);
    w.heap = mpyi_rtheap_new(&options);
    FUZZ_CHECK(w.heap != NULL);
    mpyi_rtheap_enter(w.heap);
    while (in.left > 0) {
        step(&in);
    }
    finish();
    return 0;
}
