/* SPDX-License-Identifier: MIT */
/*
 * test_remote.c - blocks on their way home: messages, several owners, no memory for messages.
 */
#include "alloc_test.h"

struct pair {
    struct test_heap owner;
    struct mpyi_heap *other;
};

static void
open_pair(struct pair *pair)
{
    test_heap_open(&pair->owner, MPY_KIND_MEM, 0);
    pair->other = mpyi_os_map(sizeof *pair->other, MPY_POOL_SIZE);
    assert_non_null(pair->other);
    mpyi_heap_init(pair->other, &pair->owner.in.space, MPY_KIND_MEM);
}

static void
close_pair(struct pair *pair)
{
    mpyi_heap_drop_spares(pair->other);
    mpyi_os_release(pair->other, sizeof *pair->other);
    test_heap_close(&pair->owner);
}

static uint64_t
blocks_in_use(const struct mpyi_space *space)
{
    uint64_t n = 0;
    for (size_t i = 0; i < space->used >> MPYI_POOL_SHIFT; i++) {
        n += mpyi_pool_used(&space->pools[i]);
    }
    return n;
}

static void
full_messages_travel_at_once(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    struct mpyi_heap *owner = pair.owner.heap;
    void *blocks[MPYI_MESSAGE_BLOCKS + 1];
    for (int i = 0; i < MPYI_MESSAGE_BLOCKS + 1; i++) {
        blocks[i] = mpyi_heap_take(owner, 4);
    }
    mpyi_heap_put(pair.other, blocks, MPYI_MESSAGE_BLOCKS - 1);
    assert_int_equal(owner->remote, 0);
    mpyi_heap_put(pair.other, blocks + MPYI_MESSAGE_BLOCKS - 1, 2);
    assert_int_not_equal(owner->remote, 0);
    mpyi_heap_drain(owner);
    assert_int_equal(blocks_in_use(owner->space), 1); /* in an open message */
    mpyi_heap_send_open(pair.other);
    mpyi_heap_drain(owner);
    assert_int_equal(blocks_in_use(owner->space), 0);
    test_heap_valid(&pair.owner);
    close_pair(&pair);
}

static void
a_refill_drains(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    void *p = mpyi_heap_take(pair.owner.heap, 4);
    void *q = mpyi_heap_take(pair.owner.heap, 8);
    mpyi_heap_put(pair.other, &p, 1);
    mpyi_heap_send_open(pair.other);
    (void)q;
    (void)mpyi_heap_take(pair.owner.heap, 9); /* any class */
    assert_int_equal(pair.owner.heap->remote, 0);
    assert_int_equal(blocks_in_use(&pair.owner.in.space), 2);
    if (!pair.owner.heap->closed) { /* of a magazine as well */
        mpyi_heap_put(pair.other, &q, 1);
        mpyi_heap_send_open(pair.other);
        assert_int_not_equal(pair.owner.heap->remote, 0);
        (void)mpyi_heap_refill(pair.owner.heap, 10);
        assert_int_equal(pair.owner.heap->remote, 0);
    }
    close_pair(&pair);
}

static void
blocks_of_many_owners(void **state)
{
    (void)state;
    enum { OWNERS = 9, EACH = 200 };
    struct pair pair;
    open_pair(&pair);
    struct mpyi_heap *owners[OWNERS];
    static void *blocks[OWNERS * EACH];
    for (int i = 0; i < OWNERS; i++) {
        owners[i] = mpyi_os_map(sizeof *owners[i], MPY_POOL_SIZE);
        mpyi_heap_init(owners[i], &pair.owner.in.space, MPY_KIND_MEM);
        for (int j = 0; j < EACH; j++) {
            blocks[j * OWNERS + i] = mpyi_heap_take(owners[i], 4);
        }
    }
    mpyi_heap_put(pair.other, blocks, OWNERS * EACH);
    mpyi_heap_flush(pair.other);
    for (int i = 0; i < OWNERS; i++) {
        mpyi_heap_flush(owners[i]);
        mpyi_heap_drop_spares(owners[i]);
        assert_int_equal(mpyi_heap_check(owners[i]), 0);
    }
    assert_int_equal(blocks_in_use(&pair.owner.in.space), 0);
    for (int i = 0; i < OWNERS; i++) {
        mpyi_os_release(owners[i], sizeof *owners[i]);
    }
    close_pair(&pair);
}

/* An owner that never looks: messages run out, and blocks are chained through themselves. */
static void
free_never_fails(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    enum { N = 62 * 4096 + 30000 };
    void **blocks = malloc(N * sizeof *blocks);
    for (int i = 0; i < N; i++) {
        blocks[i] = mpyi_heap_take(pair.owner.heap, 1 + (unsigned)i % 3);
    }
    mpyi_heap_put(pair.other, blocks, N);
    mpyi_heap_send_open(pair.other);
    uint32_t chained = 0;
    for (uintptr_t e = pair.owner.heap->remote; e != 0 && (e & 1) != 0; chained++) {
        e = *(uintptr_t *)(e - 1);
    }
    assert_in_range(chained, 10000, 30100);
    mpyi_heap_drain(pair.owner.heap);
    assert_int_equal(blocks_in_use(&pair.owner.in.space), 0);
    assert_in_range(pair.owner.heap->spare_count, 1, 64); /* the others are everybody's */
    test_heap_valid(&pair.owner);
    free(blocks);
    close_pair(&pair);
}

static void
no_memory_for_messages(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    void *blocks[100];
    for (int i = 0; i < 100; i++) {
        blocks[i] = mpyi_heap_take(pair.owner.heap, 1);
    }
    mpyi_os_fail_after(1);
    mpyi_heap_put(pair.other, blocks, 100); /* through messages of the process, or chained */
    mpyi_heap_send_open(pair.other);
    mpyi_heap_send_lone(&pair.owner.in.space, mpyi_heap_take(pair.owner.heap, 1));
    mpyi_os_fail_after(0);
    mpyi_heap_drain(pair.owner.heap);
    assert_int_equal(blocks_in_use(&pair.owner.in.space), 0);
    test_heap_valid(&pair.owner);
    close_pair(&pair);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_memory_for_messages), cmocka_unit_test(full_messages_travel_at_once),
        cmocka_unit_test(a_refill_drains),        cmocka_unit_test(blocks_of_many_owners),
        cmocka_unit_test(free_never_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
