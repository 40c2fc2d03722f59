/* SPDX-License-Identifier: MIT */
/* test: long */
/*
 * threads/test_alloc_handoff.c - blocks of the mem domain that one thread allocates and another
 * frees: a producer and a consumer, many threads that swap blocks, threads that come and go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/features.h"
#include "minipy/debug.h"
#include "minipy/mem.h"
#include "minipy/memstat.h"
#include "support/scale.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

static uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int
all_home(void)
{
    mpy_mem_stats stats = {.size = sizeof stats};
    return mpy_mem_trim(NULL, 0, NULL) == 0 && mpy_debug_check_heap(NULL) == 0 &&
           mpy_mem_stats_get(NULL, &stats) == 0 && stats.blocks_allocated == 0 &&
           stats.large_blocks == 0;
}

/* ---- producer and consumer ------------------------------------------------------------------- */

enum { RING = 1024 };

static struct {
    _Atomic uint64_t head, tail;
    void *blocks[RING];
    uint64_t total;
    size_t size; /* 0: mixed */
} ring;

static size_t
size_of_block(uint64_t i)
{
    return ring.size != 0 ? ring.size : 1 + (size_t)(i * 7919 % 1500);
}

static void *
consume(void *data)
{
    uint64_t *wrong = data;
    for (uint64_t i = 0; i < ring.total; i++) {
        while (atomic_load_explicit(&ring.head, memory_order_acquire) == i) {
            sched_yield();
        }
        unsigned char *p = ring.blocks[i % RING];
        *wrong += *p != (i & 255);
        if (i % 2) {
            mpy_mem_free(p);
        } else {
            mpy_mem_free_sized(p, size_of_block(i));
        }
        atomic_store_explicit(&ring.tail, i + 1, memory_order_release);
    }
    return NULL;
}

static void
hand_off(uint64_t total, size_t size)
{
    ring.head = ring.tail = 0;
    ring.total = total;
    ring.size = size;
    uint64_t wrong = 0;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, consume, &wrong), 0);
    for (uint64_t i = 0; i < total; i++) {
        while (i - atomic_load_explicit(&ring.tail, memory_order_acquire) >= RING) {
            sched_yield();
        }
        unsigned char *p = mpy_mem_malloc(size_of_block(i));
        assert_non_null(p);
        *p = (unsigned char)i;
        ring.blocks[i % RING] = p;
        atomic_store_explicit(&ring.head, i + 1, memory_order_release);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(wrong, 0);
    assert_true(all_home());
}

static void
producer_and_consumer(void **state)
{
    (void)state;
    hand_off(test_scaled(20000), 64);
    hand_off(test_scaled(10000), 512);
    hand_off(test_scaled(10000), 0);
}

/* ---- swapping -------------------------------------------------------------------------------- */

enum { THREADS = 4, SLOTS = 2000 };

static _Atomic(uint64_t *) slots[SLOTS];

struct swapper {
    uint64_t seed, rounds, wrong;
};

static void *
swap(void *data)
{
    struct swapper *swapper = data;
    uint64_t random = swapper->seed;
    for (uint64_t i = 0; i < swapper->rounds; i++) {
        size_t words = 2 + next_random(&random) % 70;
        uint64_t *fresh = mpy_mem_malloc(words * 8);
        if (fresh == NULL) {
            swapper->wrong++;
            continue;
        }
        fresh[0] = words;
        fresh[words - 1] = words == 1 ? words : words ^ UINT64_C(0x5555);
        uint64_t *old = atomic_exchange(&slots[next_random(&random) % SLOTS], fresh);
        if (old != NULL) {
            swapper->wrong += old[old[0] - 1] != (old[0] ^ UINT64_C(0x5555));
            mpy_mem_free(old);
        }
    }
    return NULL;
}

static void
run_swappers(uint64_t rounds, int generation)
{
    pthread_t threads[THREADS];
    struct swapper swappers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        swappers[i] = (struct swapper){(uint64_t)(generation * THREADS + i + 1) * 7919, rounds, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, swap, &swappers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(swappers[i].wrong, 0);
    }
}

static void
clear_slots(void)
{
    for (size_t i = 0; i < SLOTS; i++) {
        mpy_mem_free(atomic_exchange(&slots[i], NULL));
    }
}

static void
threads_swap_blocks(void **state)
{
    (void)state;
    run_swappers(test_scaled(10000), 0);
    clear_slots();
    assert_true(all_home());
}

/* 10,000 threads at full scale: heaps are handed on, memory does not grow. */
static void
threads_come_and_go(void **state)
{
    (void)state;
    unsigned long generations = test_scaled(20 / THREADS);
    uint64_t peak = 0;
    for (unsigned long g = 0; g < generations; g++) {
        run_swappers(300, (int)g + 1);
        mpy_mem_stats stats = {.size = sizeof stats};
        assert_int_equal(mpy_mem_stats_get(NULL, &stats), 0);
        assert_true(stats.heaps <= THREADS + 1);
        if (g == generations / 5) {
            peak = stats.peak_bytes;
        }
        if (g > generations / 5) {
            assert_true(stats.peak_bytes <= 2 * peak + (4u << 20));
        }
    }
    clear_slots();
    assert_true(all_home());
}

/* Statistics, checks and trimming beside working threads. */
static _Atomic int watching;

static void *
watch(void *data)
{
    uint64_t *seen = data;
    while (atomic_load(&watching)) {
        mpy_mem_stats stats = {.size = sizeof stats};
        *seen += mpy_mem_stats_get(NULL, &stats) == 0;
        *seen += mpy_debug_check_heap(NULL) == 0;
        *seen += mpy_mem_trim(NULL, 0, NULL) == 0;
    }
    return NULL;
}

static void
watching_does_not_disturb(void **state)
{
    (void)state;
    uint64_t seen = 0;
    pthread_t thread;
    atomic_store(&watching, 1);
    assert_int_equal(pthread_create(&thread, NULL, watch, &seen), 0);
    run_swappers(test_scaled(5000), 99);
    atomic_store(&watching, 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(seen % 3, 0);
    clear_slots();
    assert_true(all_home());
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(producer_and_consumer),
        cmocka_unit_test(threads_swap_blocks),
        cmocka_unit_test(threads_come_and_go),
        cmocka_unit_test(watching_does_not_disturb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
