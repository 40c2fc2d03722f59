/* SPDX-License-Identifier: MIT */
/* test: long */
/*
 * stress/test_alloc_random.c - random operations of the mem domain and of a runtime's heap against
 * a model, with the validator in between.
 *
 * The model is a table of live blocks with their size and a pattern that fills them. Each operation
 * looks at the whole pattern of the block it meets, so overlapping blocks, lost bytes of a realloc
 * and memory given away twice are seen. Phases grow, shrink, change the mix of sizes, trim, switch
 * magazines between open and closed, let allocations fail, and run into a limit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alloc/os.h"
#include "alloc/rtheap.h"
#include "minipy/debug.h"
#include "support/scale.h"

#include <stdlib.h>
#include <string.h>

enum { LIVE = 4000 };

struct block {
    unsigned char *p;
    size_t n;
    int kind;    /* MPY_KIND_* */
    int aligned; /* not for a sized free */
    unsigned char seed;
};

static struct {
    struct block live[LIVE];
    struct mpyi_rtheap *heap;
    uint64_t random;
    uint64_t refused;
    size_t largest;
    int may_fail;
} world;

static uint64_t
next_random(void)
{
    world.random ^= world.random << 13;
    world.random ^= world.random >> 7;
    world.random ^= world.random << 17;
    return world.random;
}

static void
fill(const struct block *block, size_t from)
{
    for (size_t i = from; i < block->n; i++) {
        block->p[i] = (unsigned char)(block->seed + i * 31);
    }
}

static void
verify(const struct block *block, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (block->p[i] != (unsigned char)(block->seed + i * 31)) {
            fail_msg("byte %zu of a block of %zu (kind %d) changed", i, block->n, block->kind);
        }
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

static void *
allocate(struct block *block)
{
    switch (block->kind) {
    case MPY_KIND_RAW:
        return mpyi_array_alloc(world.heap, block->n);
    case MPY_KIND_ATOM:
        block->n += block->n == 0;
        return mpyi_atom_alloc(world.heap, block->n);
    case MPY_KIND_GC:
        block->n = MPYI_CELL_MIN + block->n % (MPYI_CELL_MAX - MPYI_CELL_MIN + 1);
        return mpyi_cell_alloc(world.heap, block->n);
    default:
        block->aligned = next_random() % 8 == 0;
        return block->aligned ? mpy_mem_aligned_alloc(64, block->n) : mpy_mem_malloc(block->n);
    }
}

static void
drop(struct block *block)
{
    verify(block, block->n);
    switch (block->kind) {
    case MPY_KIND_RAW:
        mpyi_array_free(world.heap, block->p, block->n);
        break;
    case MPY_KIND_ATOM:
        mpyi_atom_free(world.heap, block->p, block->n);
        break;
    case MPY_KIND_GC:
        mpyi_cell_free(world.heap, block->p, block->n);
        break;
    default:
        if (block->aligned || next_random() % 2) {
            mpy_mem_free(block->p);
        } else {
            mpy_mem_free_sized(block->p, block->n);
        }
    }
    block->p = NULL;
}

static void
create(struct block *block)
{
    *block = (struct block){NULL, random_size(), (int)(next_random() % 4), 0,
                            (unsigned char)next_random()};
    block->p = allocate(block);
    if (block->p == NULL) {
        assert_true(world.may_fail);
        world.refused++;
        return;
    }
    fill(block, 0);
}

static void
resize(struct block *block)
{
    if (block->kind != MPY_KIND_MEM && block->kind != MPY_KIND_RAW) {
        return;
    }
    size_t n = random_size();
    unsigned char *p = block->kind == MPY_KIND_RAW
                           ? mpyi_array_realloc(world.heap, block->p, block->n, n)
                           : mpy_mem_realloc(block->p, n);
    if (p == NULL) {
        assert_true(world.may_fail);
        world.refused++;
        return;
    }
    block->p = p;
    block->aligned = 0;
    size_t kept = block->n < n ? block->n : n;
    verify(block, kept);
    block->n = n;
    fill(block, kept);
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
        if (block->p == NULL || block->kind != MPY_KIND_GC) {
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
            dead[number / 64] |= UINT64_C(1) << (number % 64);
            block->p = NULL;
        }
    }
    if (chosen != MPYI_NO_POOL) {
        mpyi_cell_free_bulk(world.heap, chosen, dead);
    }
}

static void
check(void)
{
    assert_int_equal(mpyi_rtheap_check(world.heap), 0);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

static void
phase(uint64_t operations, unsigned grow_of_8)
{
    for (uint64_t i = 0; i < operations; i++) {
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
    return world.heap == NULL;
}

static int
teardown(void **state)
{
    (void)state;
    drop_all();
    uint64_t left = mpyi_rtheap_trim(world.heap, 0) > 0 ? mpyi_rtheap_bytes(world.heap) : 0;
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(growing_and_shrinking), CASE(trimming_in_between), CASE(opening_and_closing),
        CASE(failing_at_random),     CASE(against_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
