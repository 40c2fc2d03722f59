/* SPDX-License-Identifier: MIT */
/* test: long */
/*
 * threads/test_alloc_limit.c - the limit of the process while several threads want more than it
 * allows: it is never passed, by one byte, whatever they ask for, and memory that is there is given
 * out.
 *
 * Three witnesses: the counter's own high-water mark, a thread that reads mpy_mem_used() all the
 * time, and the sum of what the threads hold, kept by themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alloc/pressure.h"
#include "minipy/debug.h"
#include "minipy/mem.h"
#include "minipy/region.h"
#include "support/scale.h"
#include "support/workers.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { THREADS = 4, SLOTS = 60, ROOM = 1 << 20 };

static _Atomic uint64_t held, held_peak;
static _Atomic uint64_t given, refused;
static _Atomic int stop;

static uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void
hold(size_t n)
{
    uint64_t now = atomic_fetch_add(&held, n) + n;
    uint64_t peak = held_peak;
    while (now > peak && !atomic_compare_exchange_weak(&held_peak, &peak, now)) {
    }
}

/* ---- threads that want memory ------------------------------------------------------------------
 */

struct slot {
    void *p;
    size_t n;
    int kind; /* 0: mem, 1: raw, 2: region */
};

static void *
get(struct slot *slot, mpy_region *region)
{
    switch (slot->kind) {
    case 0:
        return slot->n % 8 == 0 ? mpy_mem_aligned_alloc(64, slot->n) : mpy_mem_malloc(slot->n);
    case 1:
        return slot->n % 2 ? mpy_raw_malloc(slot->n) : mpy_raw_calloc(1, slot->n);
    default:
        return region != NULL ? mpy_region_malloc(region, slot->n) : NULL;
    }
}

/* Of small blocks the limit counts the pools, which the threads do not know. */
static size_t
weight(const struct slot *slot)
{
    return slot->kind == 1 || slot->n > MPY_SMALL_MAX ? slot->n : 0;
}

static void
drop(struct slot *slot, mpy_region *region)
{
    if (slot->p == NULL) {
        return;
    }
    atomic_fetch_sub(&held, weight(slot));
    if (slot->kind == 0) {
        mpy_mem_free(slot->p);
    } else if (slot->kind == 1) {
        mpy_raw_free(slot->p);
    } else {
        mpy_region_free(region, slot->p);
    }
    slot->p = NULL;
}

static void
change(struct slot *slot, mpy_region *region, size_t n)
{
    atomic_fetch_sub(&held, weight(slot)); /* first: others may have what a smaller block leaves */
    void *p = slot->kind == 0   ? mpy_mem_realloc(slot->p, n)
              : slot->kind == 1 ? mpy_raw_realloc(slot->p, n)
                                : mpy_region_realloc(region, slot->p, n);
    if (p != NULL) {
        struct slot fresh = {p, n, slot->kind};
        hold(weight(&fresh));
        *slot = fresh;
    } else {
        hold(weight(slot));
        refused++;
    }
}

static size_t
random_size(uint64_t *random)
{
    static const size_t most[] = {64, 512, 600, 5000, 20000, 200000};
    return 1 + (size_t)(next_random(random) % most[next_random(random) % 6]);
}

static void *
want_memory(void *seed)
{
    struct slot slots[SLOTS];
    uint64_t random = (uintptr_t)seed * 77 + 1;
    mpy_region *region = mpy_region_new(NULL);
    unsigned long rounds = test_scale() < 100 ? test_scaled(20000) : 2000000; /* a minute or two */
    memset(slots, 0, sizeof slots);
    for (unsigned long i = 0; i < rounds && !stop; i++) {
        struct slot *slot = &slots[next_random(&random) % SLOTS];
        if (slot->p != NULL && next_random(&random) % 4 == 0) {
            change(slot, region, random_size(&random));
            continue;
        }
        drop(slot, region);
        slot->n = random_size(&random);
        slot->kind = (int)(next_random(&random) % 3);
        slot->p = get(slot, region);
        if (slot->p == NULL) {
            refused++;
            sched_yield();
            continue;
        }
        given++;
        hold(weight(slot));
        memset(slot->p, 1, slot->n < 64 ? slot->n : 64);
    }
    for (int i = 0; i < SLOTS; i++) {
        drop(&slots[i], region);
    }
    mpy_region_destroy(region);
    return NULL;
}

static int
prepare(void **state)
{
    (void)state;
    held = held_peak = given = refused = 0;
    stop = 0;
    mpy_mem_set_limit(0);
    return mpy_mem_trim(NULL, 0, NULL);
}

/* ---- the limit is there first ------------------------------------------------------------------
 */

static void *
watch(void *limit)
{
    while (!stop) {
        WORKER_CHECK(mpy_mem_used() <= *(const uint64_t *)limit);
        WORKER_CHECK(mpyi_mem_usage.taken_peak <= *(const uint64_t *)limit);
    }
    return NULL;
}

static void
nobody_passes_it(void **state)
{
    (void)state;
    struct workers workers = {.count = 0};
    struct workers watcher = {.count = 0};
    uint64_t start = mpy_mem_used();
    uint64_t limit = start + ROOM;
    mpy_mem_set_limit(limit);
    workers_add(&watcher, watch, &limit);
    for (uintptr_t i = 0; i < THREADS; i++) {
        workers_add(&workers, want_memory, (void *)(i + 1));
    }
    workers_join(&workers);
    stop = 1;
    workers_join(&watcher);
    assert_true(mpyi_mem_usage.taken_peak <= limit);
    assert_true(mpyi_mem_usage.taken_peak > start + ROOM * 3 / 4);
    assert_true(held_peak <= ROOM);
    assert_true(held_peak > ROOM / 2);
    assert_true(given > THREADS * 1000 && refused > THREADS * 100);
    mpy_mem_set_limit(0);
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    assert_true(mpy_mem_used() <= start); /* nothing stays on the books */
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

/* ---- a limit that is set while they run --------------------------------------------------------
 */

/* From now on usage does not grow above the limit: above, it falls; below, it stays. */
static void
holds_from_now_on(uint64_t limit)
{
    uint64_t before = UINT64_MAX;
    for (int i = 0; i < 3000; i++) {
        uint64_t now = mpy_mem_used();
        assert_true(now <= limit || now <= before);
        before = now;
    }
}

static void
it_holds_from_the_moment_it_is_set(void **state)
{
    (void)state;
    struct workers workers = {.count = 0};
    for (uintptr_t i = 0; i < THREADS; i++) {
        workers_add(&workers, want_memory, (void *)(i + 1));
    }
    for (int round = 0; round < 20; round++) {
        uint64_t limit = mpy_mem_used() + 100000;
        mpy_mem_set_limit(limit);
        holds_from_now_on(limit);
        mpy_mem_set_limit(0);
        sched_yield();
    }
    stop = 1;
    workers_join(&workers);
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_passes_it, prepare, prepare),
        cmocka_unit_test_setup_teardown(it_holds_from_the_moment_it_is_set, prepare, prepare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
