/* SPDX-License-Identifier: MIT */
/*
 * test_check.c - the validator finds every kind of damage it is there for.
 */
#include "alloc_test.h"

static char report[512];

static void
on_report(void *data, const char *text)
{
    (void)data;
    strncpy(report, text, sizeof report - 1);
}

/* A heap with pools of all states, and magazines. */
static void
prepare(struct test_heap *test)
{
    test_heap_open(test, MPY_KIND_RAW, 0);
    void *blocks[300];
    for (int i = 0; i < 300; i++) {
        blocks[i] = test_heap_alloc(test->heap, 8);
    }
    for (int i = 64; i < 192; i++) {
        test_heap_free(test->heap, 8, blocks[i]);
    }
    mpyi_heap_flush(test->heap);
    (void)test_heap_alloc(test->heap, 8);
    (void)test_heap_alloc(test->heap, 64);
    (void)test_heap_alloc(test->heap, 2);
    test_heap_valid(test);
}

typedef void (*damage_fn)(struct test_heap *test);

static struct mpyi_pool *
pool_in_state(struct test_heap *test, int state)
{
    struct mpyi_space *space = &test->in.space;
    for (size_t i = 0; i < space->used >> MPYI_POOL_SHIFT; i++) {
        if (space->pools[i].state == state) {
            return &space->pools[i];
        }
    }
    fail_msg("no pool in state %d", state);
    return NULL;
}

static void
damage_bit(struct test_heap *test)
{
    pool_in_state(test, MPY_POOL_FULL)->bits[0] |= 4;
}
static void
damage_used(struct test_heap *test)
{
    pool_in_state(test, MPY_POOL_USED)->due++;
}
static void
damage_notes(struct test_heap *test)
{
    struct mpyi_pool *pool = pool_in_state(test, MPY_POOL_FULL); /* as if a block had come back */
    pool->bits[0] |= 4;
    pool->due--;
}
static void
damage_note_count(struct test_heap *test)
{
    test->heap->changed_count = MPYI_CHANGED;
}
static void
damage_virgin(struct test_heap *test)
{
    pool_in_state(test, MPY_POOL_FULL)->virgin = 3;
}
static void
damage_state(struct test_heap *test)
{
    pool_in_state(test, MPY_POOL_FULL)->state = MPY_POOL_USED;
}
static void
damage_class(struct test_heap *test)
{
    pool_in_state(test, MPY_POOL_FULL)->size_class = 9;
}
static void
damage_kind(struct test_heap *test)
{
    pool_in_state(test, MPY_POOL_USED)->kind = MPY_KIND_GC;
}
static void
damage_address(struct test_heap *test)
{
    pool_in_state(test, MPY_POOL_USED)->address += MPY_POOL_SIZE;
}
static void
damage_links(struct test_heap *test)
{
    pool_in_state(test, MPY_POOL_USED)->prev = 3;
}
static void
damage_partial(struct test_heap *test)
{
    test->heap->partial[2] = MPYI_NO_POOL;
}
static void
damage_unused(struct test_heap *test)
{
    pool_in_state(test, MPY_POOL_UNUSED)->owner = test->heap;
}
static void
damage_mask(struct test_heap *test)
{
    test->in.space.arenas[0].free ^= UINT64_C(1) << 63;
}
static void
damage_bucket(struct test_heap *test)
{
    test->in.space.bucket_mask = 0;
}
static void
damage_kept(struct test_heap *test)
{
    test->in.space.kept++;
}
static void
damage_out(struct test_heap *test)
{
    test->in.space.pools_out--;
}
static void
damage_empties(struct test_heap *test)
{
    test->heap->empty_count++;
    test->heap->empties[test->heap->empty_count - 1] = 0;
}
static void
damage_pool_count(struct test_heap *test)
{
    test->heap->pool_count++;
}
static struct mpyi_pool *
unused_pool(struct test_heap *test)
{
    struct mpyi_pool *pool = test->in.space.pools;
    while (pool->owner != NULL) {
        pool++;
    }
    return pool;
}
static void
damage_changed(struct test_heap *test)
{
    test->heap->changed[test->heap->changed_count++] = unused_pool(test);
}
static void
damage_idle(struct test_heap *test)
{
    test->heap->idle[test->heap->idle_count++] = unused_pool(test);
}
static void
damage_meant(struct test_heap *test)
{
    assert_true(test->heap->empty_count > 0);
    test->heap->meant[0] = MPY_CLASS_COUNT + 1;
}
static void
damage_double_entry(struct test_heap *test)
{
    struct mpy_priv_bin *bin = &test->heap->pub.bins[8];
    *bin->top++ = bin->lo[0];
}
static void
damage_free_entry(struct test_heap *test)
{
    void **lo = test->heap->pub.bins[8].lo;
    struct mpyi_pool *pool = &test->in.space.pools[mpyi_space_index(&test->in.space, lo[0])];
    unsigned block = mpyi_block_index(8, mpyi_pool_offset(lo[0]));
    if (pool->state == MPY_POOL_FULL) {
        damage_double_entry(test);
        return;
    }
    pool->bits[block >> 6] |= UINT64_C(1) << (block & 63);
    pool->due--;
}
static void
damage_wrong_class_entry(struct test_heap *test)
{
    *test->heap->pub.bins[9].top++ = test->heap->pub.bins[8].lo[0];
}
static void
damage_top(struct test_heap *test)
{
    test->heap->pub.bins[8].top = test->heap->pub.bins[8].lo + mpyi_class_magazine[8] + 1;
}
static void
damage_put(struct test_heap *test)
{
    test->heap->pub.bins[8].put = test->heap->pub.bins[8].hi + 1;
}
static void
damage_both_arrays(struct test_heap *test)
{
    struct mpy_priv_bin *bin = &test->heap->pub.bins[8];
    *bin->put++ = bin->lo[0];
}
static void
damage_arrays_that_are_one(struct test_heap *test)
{
    struct mpy_priv_bin *bin = &test->heap->pub.bins[8];
    bin->put = bin->lo;
    bin->hi = bin->lo + mpyi_class_magazine[8];
}

static void
every_damage_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        damage_fn fn;
        int open_only;
    } rows[] = {
        {"bit", damage_bit, 0},
        {"used", damage_used, 0},
        {"notes", damage_notes, 0},
        {"note count", damage_note_count, 0},
        {"virgin", damage_virgin, 0},
        {"state", damage_state, 0},
        {"class", damage_class, 0},
        {"kind", damage_kind, 0},
        {"address", damage_address, 0},
        {"links", damage_links, 0},
        {"partial", damage_partial, 0},
        {"unused", damage_unused, 0},
        {"mask", damage_mask, 0},
        {"bucket", damage_bucket, 0},
        {"kept", damage_kept, 0},
        {"out", damage_out, 0},
        {"empties", damage_empties, 0},
        {"pool count", damage_pool_count, 0},
        {"changed", damage_changed, 0},
        {"idle", damage_idle, 0},
        {"meant", damage_meant, 0},
        {"double entry", damage_double_entry, 1},
        {"free entry", damage_free_entry, 1},
        {"wrong class entry", damage_wrong_class_entry, 1},
        {"top", damage_top, 1},
        {"put", damage_put, 1},
        {"both arrays", damage_both_arrays, 1},
        {"arrays that are one", damage_arrays_that_are_one, 1},
    };
    mpy_debug_set_fatal_handler(on_report, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct test_heap test;
        prepare(&test);
        if (rows[i].open_only && test.heap->closed) {
            test_heap_close(&test);
            continue;
        }
        report[0] = '\0';
        rows[i].fn(&test);
        int found = mpyi_space_check(&test.in.space) < 0 || mpyi_heap_check(test.heap) < 0;
        if (!found || strncmp(report, "heap check: ", 12) != 0) {
            fail_msg("damage of %s was not found", rows[i].name);
        }
        test_heap_close(&test);
    }
    mpy_debug_set_fatal_handler(NULL, NULL);
}

static void
the_process_can_be_checked(void **state)
{
    (void)state;
    void *p = mpy_mem_malloc(40);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
    mpy_mem_free(p);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
    int word;
    assert_int_equal(mpy_debug_check_heap((mpy_runtime *)(void *)&word), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
}

static struct mpyi_rtheap *runtime_heap;

static struct mpyi_rtheap *
find_heap(mpy_runtime *rt)
{
    return (void *)rt == (void *)&runtime_heap ? runtime_heap : NULL;
}

static void
a_runtime_can_be_checked(void **state)
{
    (void)state;
    mpy_runtime *rt = (mpy_runtime *)(void *)&runtime_heap;
    MPYI_HOOK_SET(runtime_heap, find_heap);
    runtime_heap = mpyi_rtheap_new(NULL);
    void *p = mpyi_array_alloc(runtime_heap, 1000);
    (void)mpyi_atom_alloc(runtime_heap, 24);
    (void)mpyi_cell_alloc(runtime_heap, 40);
    assert_int_equal(mpy_debug_check_heap(rt), 0);
    mpy_debug_set_fatal_handler(on_report, NULL);
    ((struct mpyi_large *)p - 1)->heap = NULL;
    assert_int_equal(mpy_debug_check_heap(rt), -1);
    assert_int_equal(mpy_status_last(), MPY_E_CORRUPT);
    mpy_debug_set_fatal_handler(NULL, NULL);
    mpyi_rtheap_free(runtime_heap);
    MPYI_HOOK_SET(runtime_heap, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_damage_is_found),
        cmocka_unit_test(the_process_can_be_checked),
        cmocka_unit_test(a_runtime_can_be_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
