/* SPDX-License-Identifier: MIT */
/* test: long */
/*
 * stress/test_alloc_random.c - random operations of the mem domain, the obj domain, a runtime's
 * heap and a region against a model, with the validator in between. The long run makes 100 million
 * of them.
 *
 * The model is a table of live blocks with their size and a pattern that fills them. Each operation
 * looks at the whole pattern of the block it meets, so overlapping blocks, lost bytes of a realloc
 * and memory given away twice are seen. Phases grow, shrink, change the mix of sizes, trim, switch
 * magazines between open and closed, let allocations fail, run into a limit, and exchange blocks
 * with another thread. At the end of some the region is cleared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alloc/os.h"
#include "alloc/rtheap.h"
#include "minipy/debug.h"
#include "minipy/region.h"
#include "support/scale.h"
#include "support/workers.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { LIVE = 4000, SLOTS = 256, OPERATIONS = 200000 };

/* How a block was allocated. */
enum { API_MEM, API_OBJ, API_ARRAY, API_ATOM, API_CELL, API_REGION, APIS };

struct block {
    unsigned char *p;
    size_t n;
    int api;
    int aligned; /* not for a sized free */
    unsigned char seed;
};

/* Blocks on their way from one thread to another. */
struct channel {
    struct block slots[SLOTS];
    _Atomic uint64_t head, tail;
};

static struct {
    struct block live[LIVE];
    struct mpyi_rtheap *heap;
    mpy_region *region;
    uint64_t random;
    uint64_t refused;
    size_t largest;
    int may_fail;
    int partner; /* the other thread runs */
} world;

static struct channel out, in;
static _Atomic int stop;
static uint64_t operations; /* of all phases, those that did something */

static uint64_t
random_of(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t
next_random(void)
{
    return random_of(&world.random);
}

static void
fill(const struct block *block, size_t from)
{
    for (size_t i = from; i < block->n; i++) {
        block->p[i] = (unsigned char)(block->seed + i * 31);
    }
}

/* Index of the first wrong byte, n when there is none. */
static size_t
compare(const struct block *block, size_t n)
{
    size_t i = 0;
    while (i < n && block->p[i] == (unsigned char)(block->seed + i * 31)) {
        i++;
    }
    return i;
}

static void
verify(const struct block *block, size_t n)
{
    size_t same = compare(block, n);
    if (same < n) {
        fail_msg("byte %zu of a block of %zu (api %d) changed", same, block->n, block->api);
    }
}

static size_t
random_size(void)
{
    uint64_t r = next_random();
    switch (r % 8) {
    case 0:
        return r >> 8 & 15;
    case 1:
        return (r >> 8) % world.largest;
    case 2:
        return 480 + (r >> 8) % 64;
    default:
        return 1 + (r >> 8) % 200;
    }
}

/* ---- one operation ----------------------------------------------------------------------------
 */

static void *
zeroed(void *(*allocator)(size_t, size_t), size_t n)
{
    static const unsigned char zeros[256];
    size_t elements = n % 4 == 0 ? 4 : 1;
    unsigned char *p = allocator(elements, n / elements);
    for (size_t i = 0; p != NULL && i < n; i += sizeof zeros) {
        size_t rest = n - i < sizeof zeros ? n - i : sizeof zeros;
        assert_memory_equal(p + i, zeros, rest);
    }
    return p;
}

static void *
allocate_mem(struct block *block, uint64_t r)
{
    if (r % 8 == 0) {
        size_t alignment = (size_t)1 << (r >> 8) % 13;
        block->aligned = 1;
        void *p = mpy_mem_aligned_alloc(alignment, block->n);
        assert_int_equal((uintptr_t)p % alignment, 0);
        return p;
    }
    void *p = r % 8 == 1 ? zeroed(mpy_mem_calloc, block->n) : mpy_mem_malloc(block->n);
    assert_int_equal((uintptr_t)p % (block->n >= 16 ? 16 : 8), 0);
    return p;
}

static void *
region_calloc(size_t nelem, size_t elsize)
{
    return mpy_region_calloc(world.region, nelem, elsize);
}

static void *
allocate(struct block *block)
{
    uint64_t r = next_random();
    switch (block->api) {
    case API_OBJ:
        return r % 4 == 0 ? zeroed(mpy_obj_calloc, block->n) : mpy_obj_malloc(block->n);
    case API_ARRAY:
        return mpyi_array_alloc(world.heap, block->n);
    case API_ATOM:
        block->n += block->n == 0;
        return mpyi_atom_alloc(world.heap, block->n);
    case API_CELL:
        block->n = MPYI_CELL_MIN + block->n % (MPYI_CELL_MAX - MPYI_CELL_MIN + 1);
        return mpyi_cell_alloc(world.heap, block->n);
    case API_REGION:
        return r % 4 == 0 ? zeroed(region_calloc, block->n)
                          : mpy_region_malloc(world.region, block->n);
    default:
        return allocate_mem(block, r);
    }
}

static void
free_mem(struct block *block, uint64_t r)
{
    if (block->aligned || r % 2) {
        mpy_mem_free(block->p);
    } else {
        mpy_mem_free_sized(block->p, block->n);
    }
}

/* 1 when the other thread takes it. */
static int
hand_over(const struct block *block)
{
    uint64_t head = atomic_load_explicit(&out.head, memory_order_relaxed);
    if (atomic_load_explicit(&out.tail, memory_order_acquire) + SLOTS == head) {
        return 0;
    }
    out.slots[head % SLOTS] = *block;
    atomic_store_explicit(&out.head, head + 1, memory_order_release);
    return 1;
}

/* 1 when the other thread had one. */
static int
receive(struct channel *channel, struct block *block)
{
    uint64_t tail = atomic_load_explicit(&channel->tail, memory_order_relaxed);
    if (atomic_load_explicit(&channel->head, memory_order_acquire) == tail) {
        return 0;
    }
    *block = channel->slots[tail % SLOTS];
    atomic_store_explicit(&channel->tail, tail + 1, memory_order_release);
    return 1;
}

static void
drop(struct block *block)
{
    uint64_t r = next_random();
    operations++;
    verify(block, block->n);
    switch (block->api) {
    case API_OBJ:
        if (r % 2) {
            mpy_obj_free(block->p);
        } else {
            mpy_obj_free_sized(block->p, block->n);
        }
        break;
    case API_ARRAY:
        mpyi_array_free(world.heap, block->p, block->n);
        break;
    case API_ATOM:
        mpyi_atom_free(world.heap, block->p, block->n);
        break;
    case API_CELL:
        mpyi_cell_free(world.heap, block->p, block->n);
        break;
    case API_REGION:
        if (r % 2) {
            mpy_region_free(world.region, block->p);
        } else {
            mpy_region_free_sized(world.region, block->p, block->n);
        }
        break;
    default:
        if (!world.partner || r % 3 == 0 || !hand_over(block)) {
            free_mem(block, r);
        }
    }
    block->p = NULL;
}

static void
create(struct block *block)
{
    operations++;
    if (world.partner && next_random() % 8 == 0 && receive(&in, block)) {
        verify(block, block->n);
        return;
    }
    *block = (struct block){NULL, random_size(), (int)(next_random() % APIS), 0,
                            (unsigned char)next_random()};
    block->p = allocate(block);
    if (block->p == NULL) {
        assert_true(world.may_fail);
        world.refused++;
        return;
    }
    fill(block, 0);
}

static size_t
usable(const struct block *block)
{
    return block->api == API_REGION ? mpy_region_usable_size(world.region, block->p)
                                    : mpy_mem_usable_size(block->p);
}

static unsigned char *
reallocate(const struct block *block, size_t n)
{
    switch (block->api) {
    case API_OBJ:
        return mpy_obj_realloc(block->p, n);
    case API_ARRAY:
        return mpyi_array_realloc(world.heap, block->p, block->n, n);
    case API_REGION:
        return mpy_region_realloc(world.region, block->p, n);
    default:
        return mpy_mem_realloc(block->p, n);
    }
}

static void
resize(struct block *block)
{
    if (block->api == API_ATOM || block->api == API_CELL) {
        return;
    }
    operations++;
    size_t n = random_size();
    size_t kept = block->n < n ? block->n : n;
    if ((block->api == API_MEM || block->api == API_REGION) && next_random() % 4 == 0) {
        /* All of it may be used, and what is there moves along. */
        struct block whole = *block;
        whole.n = usable(block);
        assert_true(whole.n >= block->n);
        fill(&whole, block->n);
        kept = whole.n < n ? whole.n : n;
    }
    unsigned char *p = reallocate(block, n);
    if (p == NULL) {
        assert_true(world.may_fail);
        world.refused++;
        return;
    }
    block->p = p;
    block->aligned = 0;
    verify(block, kept);
    block->n = n;
    fill(block, kept < n ? kept : n);
}

/* Bulk free, as the collector does it: every third cell of one pool. */
static void
free_in_bulk(void)
{
    mpyi_heap_flush(&world.heap->gc);
    uint64_t dead[2] = {0, 0};
    uint32_t chosen = MPYI_NO_POOL;
    for (size_t i = 0; i < LIVE; i++) {
        struct block *block = &world.live[i];
        if (block->p == NULL || block->api != API_CELL) {
            continue;
        }
        uint32_t pool = mpyi_space_index(&world.heap->gc_space, block->p);
        if (chosen == MPYI_NO_POOL && next_random() % 50 == 0) {
            chosen = pool;
        }
        if (pool == chosen && next_random() % 3 != 0) {
            unsigned number =
                mpyi_block_index(world.heap->gc_space.classes[pool], mpyi_pool_offset(block->p));
            verify(block, block->n);
            operations++;
            dead[number / 64] |= UINT64_C(1) << (number % 64);
            block->p = NULL;
        }
    }
    if (chosen != MPYI_NO_POOL) {
        mpyi_cell_free_bulk(world.heap, chosen, dead);
    }
}

/* All blocks of the region end at once. */
static void
clear_region(void)
{
    for (size_t i = 0; i < LIVE; i++) {
        struct block *block = &world.live[i];
        if (block->p != NULL && block->api == API_REGION) {
            verify(block, block->n);
            operations++;
            block->p = NULL;
        }
    }
    mpy_region_clear(world.region);
}

static void
check(void)
{
    assert_int_equal(mpyi_rtheap_check(world.heap), 0);
    assert_int_equal(mpy_region_check(world.region), 0);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

static void
phase(uint64_t steps, unsigned grow_of_8)
{
    for (uint64_t i = 0; i < steps; i++) {
        struct block *block = &world.live[next_random() % LIVE];
        unsigned choice = next_random() % 8;
        if (block->p == NULL) {
            if (choice < grow_of_8) {
                create(block);
            }
        } else if (choice < 2) {
            resize(block);
        } else if (choice >= grow_of_8) {
            drop(block);
        } else {
            drop(block);
            create(block);
        }
    }
    free_in_bulk();
    if (next_random() % 4 == 0) {
        clear_region();
    }
    check();
}

static void
drop_all(void)
{
    for (size_t i = 0; i < LIVE; i++) {
        if (world.live[i].p != NULL) {
            drop(&world.live[i]);
        }
    }
    check();
}

static int
setup(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    world.random = UINT64_C(0x9e3779b97f4a7c15);
    world.largest = 5000;
    world.heap = mpyi_rtheap_new(NULL);
    world.region = mpy_region_new(NULL);
    if (world.heap != NULL) {
        mpyi_rtheap_enter(world.heap);
    }
    return world.heap == NULL || world.region == NULL;
}

static int
teardown(void **state)
{
    (void)state;
    drop_all();
    mpy_region_destroy(world.region);
    uint64_t left = mpyi_rtheap_trim(world.heap, 0) > 0 ? mpyi_rtheap_bytes(world.heap) : 0;
    mpyi_rtheap_leave();
    mpyi_rtheap_free(world.heap);
    return left != 0;
}

static void
growing_and_shrinking(void **state)
{
    (void)state;
    for (unsigned long i = 0; i < test_scaled(2); i++) {
        phase(20000, 7);
        phase(20000, 4);
        phase(20000, 2);
        world.largest = i % 3 == 0 ? 100000 : 3000;
    }
}

static void
trimming_in_between(void **state)
{
    (void)state;
    for (unsigned long i = 0; i < test_scaled(10); i++) {
        phase(3000, 5);
        size_t released;
        assert_int_equal(mpy_mem_trim(NULL, i % 3 * MPY_ARENA_SIZE, &released), 0);
        (void)mpyi_rtheap_trim(world.heap, i % 2 * MPY_ARENA_SIZE);
        check();
    }
}

static void
opening_and_closing(void **state)
{
    (void)state;
    for (unsigned long i = 0; i < test_scaled(10); i++) {
        mpyi_modes_set(MPYI_MODE_CHECK, i % 2 == 0);
        mpyi_rtheap_modes_set(world.heap, MPYI_MODE_CHECK, i % 3 == 0);
        phase(3000, 5);
    }
    mpyi_modes_set(MPYI_MODE_CHECK, 0);
    mpyi_rtheap_modes_set(world.heap, MPYI_MODE_CHECK, 0);
}

static void
failing_at_random(void **state)
{
    (void)state;
    world.may_fail = 1;
    for (unsigned long i = 0; i < test_scaled(5); i++) {
        assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_RANDOM, i), 0);
        phase(4000, 5);
        mpyi_os_fail_after(1 + i % 7);
        phase(4000, 6);
        mpyi_os_fail_after(0);
        assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0), 0);
        mpyi_os_fail_after(1 + i % 7);
        phase(4000, 6);
        mpyi_os_fail_after(0);
    }
    assert_true(world.refused > 100);
}

static void
against_a_limit(void **state)
{
    (void)state;
    world.may_fail = 1;
    for (unsigned long i = 0; i < test_scaled(5); i++) {
        mpyi_rtheap_set_limit(world.heap, 200000 + i % 4 * 100000);
        phase(6000, 7);
        if (i > 0) {
            continue;
        }
        assert_true(world.refused > 0);
    }
    mpyi_rtheap_set_limit(world.heap, 0);
}

/* ---- another thread ---------------------------------------------------------------------------
 */

/* Frees what it gets, after a look at it, and offers blocks of its own. */
static void *
partner(void *data)
{
    uint64_t state = UINT64_C(0x2545f4914f6cdd1d);
    struct block block;
    (void)data;
    while (!atomic_load_explicit(&stop, memory_order_acquire)) {
        int idle = 1;
        while (receive(&out, &block)) {
            WORKER_CHECK(compare(&block, block.n) == block.n);
            free_mem(&block, random_of(&state));
            idle = 0;
        }
        uint64_t head = atomic_load_explicit(&in.head, memory_order_relaxed);
        if (atomic_load_explicit(&in.tail, memory_order_acquire) + SLOTS > head) {
            uint64_t r = random_of(&state);
            block = (struct block){NULL, (size_t)(r % 700), API_MEM, 0, (unsigned char)(r >> 32)};
            block.p = mpy_mem_malloc(block.n);
            WORKER_CHECK(block.p != NULL);
            fill(&block, 0);
            in.slots[head % SLOTS] = block;
            atomic_store_explicit(&in.head, head + 1, memory_order_release);
            idle = 0;
        }
        if (idle) {
            (void)sched_yield();
        }
    }
    return NULL;
}

static void
exchanging_blocks_with_a_thread(void **state)
{
    (void)state;
    pthread_t thread;
    struct block block;
    for (unsigned long i = 0; i < test_scaled(4); i++) {
        atomic_store(&stop, 0);
        assert_int_equal(pthread_create(&thread, NULL, partner, NULL), 0);
        world.partner = 1;
        phase(10000, 5);
        world.partner = 0;
        atomic_store(&stop, 1);
        assert_int_equal(pthread_join(thread, NULL), 0);
        while (receive(&out, &block) || receive(&in, &block)) {
            drop(&block);
        }
        assert_int_equal(mpy_mem_trim(NULL, i % 2 * MPY_ARENA_SIZE, NULL), 0);
        check();
    }
}

static void
enough_was_done(void **state)
{
    (void)state;
    print_message("%llu operations\n", (unsigned long long)operations);
    assert_true(operations >= test_scaled(OPERATIONS));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(growing_and_shrinking),
        CASE(trimming_in_between),
        CASE(opening_and_closing),
        CASE(failing_at_random),
        CASE(against_a_limit),
        CASE(exchanging_blocks_with_a_thread),
        cmocka_unit_test(enough_was_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
