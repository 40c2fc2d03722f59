/* SPDX-License-Identifier: MIT */
/* The checked layer from inside: right programs are left alone, checks go on and off, memory ends.
 */
#include "unit/alloc/alloc_test.h"

#include "alloc/checked.h"

#include "minipy/object.h"

#include <pthread.h>

static struct mpyi_rtheap *runtime;

static struct mpyi_rtheap *
the_heap(mpy_runtime *rt)
{
    return (void *)rt == (void *)runtime ? runtime : NULL;
}

static mpy_runtime *
the_runtime(void)
{
    return (mpy_runtime *)(void *)runtime;
}

static int
open_runtime(void **state)
{
    (void)state;
    runtime = mpyi_rtheap_new(NULL);
    MPYI_HOOK_SET(runtime_heap, the_heap);
    mpyi_rtheap_enter(runtime);
    return runtime == NULL;
}

static int
close_runtime(void **state)
{
    (void)state;
    mpyi_rtheap_free(runtime);
    return 0;
}

static size_t
records(struct mpyi_rtheap *rt)
{
    return mpyi_marks_of(rt)->count;
}

/* Every size and every function, with what the functions promise. */
static void
use_mem(int marked)
{
    for (size_t n = 0; n < 700; n += 3) {
        char *p = mpy_mem_malloc(n);
        char *zeroed = mpy_mem_calloc(n, 1);
        char *aligned = mpy_mem_aligned_alloc(64, n);
        assert_true(n < 16 || (uintptr_t)p % 16 == 0);
        assert_int_equal((uintptr_t)aligned % 64, 0);
        size_t usable = mpy_mem_usable_size(p);
        assert_true(usable == n || (usable > n && !marked));
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(zeroed[i], 0);
        }
        memset(p, 'x', n);
        p = mpy_mem_realloc(p, n + 100);
        assert_true(n == 0 || (p[0] == 'x' && p[n - 1] == 'x'));
        mpy_mem_free_sized(p, n + 100);
        mpy_mem_free_sized(zeroed, n);
        mpy_mem_free(aligned);
    }
}

static void
use_runtime(void)
{
    for (size_t n = 0; n <= 520; n++) {
        char *p = mpy_obj_malloc(n);
        mpy_obj_free_sized(mpy_obj_realloc(NULL, n), n);
        p = mpy_obj_realloc(p, 520 - n);
        mpy_obj_free_sized(p, 520 - n);
    }
    for (size_t n = 32; n <= 496; n += 8) {
        char *p = mpy_obj_malloc(n);
        void *atom = mpyi_atom_alloc(runtime, n);
        void *cell = mpyi_cell_alloc(runtime, n);
        memset(p, 'x', n);
        p = mpy_obj_realloc(p, 3 * n);
        assert_int_equal(p[n - 1], 'x');
        mpy_obj_free_sized(p, 3 * n);
        mpyi_atom_free(runtime, atom, n);
        mpyi_cell_free(runtime, cell, n);
    }
}

static void
every_mask_leaves_right_programs_alone(void **state)
{
    (void)state;
    for (uint32_t mask = 0; mask <= MPY_CHECK_ALL; mask++) {
        assert_int_equal(mpy_debug_set_checks(NULL, mask), 0);
        use_mem((mask & MPYI_CHECK_MARKS) != 0);
        use_runtime();
        assert_int_equal(mpy_debug_check_heap(NULL), 0);
        assert_int_equal(mpyi_rtheap_check(runtime), 0);
    }
    assert_int_equal(mpy_debug_set_checks(NULL, 0), 0);
    assert_int_equal(mpy_debug_set_checks(the_runtime(), 0), 0);
    assert_int_equal(records(NULL) + records(runtime), 0);
}

/* Blocks of both kinds live side by side, and the magazines open when the last record is gone. */
static void
switched_on_and_off_in_the_middle(void **state)
{
    (void)state;
    uint32_t modes = mpyi_modes_get();
    void *old[64], *marked[64];
    for (size_t i = 0; i < 64; i++) {
        old[i] = mpy_mem_malloc(i * 12);
    }
    assert_int_equal(mpy_debug_set_checks(NULL, MPY_CHECK_ALL), 0);
    for (size_t i = 0; i < 64; i++) {
        marked[i] = mpy_mem_malloc(i * 12);
    }
    assert_int_equal(records(NULL), 64);
    for (size_t i = 0; i < 64; i += 2) {
        old[i] = mpy_mem_realloc(old[i], 600);
        mpy_mem_free(old[i + 1]);
    }
    assert_int_equal(mpy_debug_set_checks(NULL, 0), 0);
    assert_true((mpyi_modes_get() & MPYI_MODE_CHECK) != 0);
    for (size_t i = 0; i < 64; i++) {
        mpy_mem_free(marked[i]);
    }
    for (size_t i = 0; i < 64; i += 2) {
        mpy_mem_free(old[i]);
    }
    assert_int_equal(records(NULL), 0);
    assert_int_equal(mpyi_modes_get(), modes);
}

static void
a_runtime_alone_is_checked(void **state)
{
    (void)state;
    assert_int_equal(mpy_debug_set_checks(the_runtime(), MPY_CHECK_RED_ZONES), 0);
    void *p = mpy_obj_malloc(24);
    void *q = mpy_mem_malloc(24);
    assert_int_equal(records(runtime), 1);
    assert_int_equal(records(NULL), 0);
    mpy_mem_free(q);
    assert_int_equal(mpy_debug_set_checks(the_runtime(), 0), 0);
    mpy_obj_free(p);
    assert_int_equal(records(runtime), 0);
    void *again = mpy_obj_malloc(24);
    mpy_obj_free(again);
    assert_int_equal(runtime->modes & MPYI_MODE_CHECK, 0);
}

/* The quarantine is bounded, counts as free, and is emptied by a trim. */
static void
the_quarantine_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(mpy_debug_set_checks(NULL, MPY_CHECK_ALL), 0);
    ptrdiff_t blocks = mpy_mem_allocated_blocks(NULL);
    for (size_t i = 0; i < 100; i++) {
        mpy_mem_free(mpy_mem_malloc(50000));
        assert_true(mpyi_mem_marks.queued_bytes <= 1u << 20);
    }
    assert_true(mpyi_mem_marks.queued_bytes > 900000);
    assert_int_equal(mpy_mem_allocated_blocks(NULL), blocks);
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    assert_int_equal(mpyi_mem_marks.queued_bytes, 0);
    assert_int_equal(mpy_debug_set_checks(NULL, 0), 0);
}

static int
see(void *data, void *block, size_t size)
{
    (void)size;
    *(size_t *)data += block != NULL;
    memset(block, 'y', 40);
    return 0;
}

/* Walkers see what callers see, and nothing of the quarantine. */
static void
walkers_see_callers_blocks(void **state)
{
    (void)state;
    static const int kinds[] = {MPY_KIND_RAW, MPY_KIND_ATOM, MPY_KIND_GC};
    void *plain = mpyi_atom_alloc(runtime, 40);
    assert_int_equal(mpy_debug_set_checks(NULL, MPY_CHECK_ALL), 0);
    char *p[3] = {mpy_obj_malloc(40), mpyi_atom_alloc(runtime, 40), mpyi_cell_alloc(runtime, 40)};
    void *large = mpyi_atom_alloc(runtime, 4000);
    void *dead = mpyi_atom_alloc(runtime, 40);
    mpyi_atom_free(runtime, dead, 40);
    size_t seen = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mpyi_rtheap_each_block(runtime, kinds[i], see, &seen), 0);
        assert_int_equal(p[i][0], 'y');
    }
    assert_int_equal(seen, 5);
    mpy_obj_free(p[0]);
    mpyi_atom_free(runtime, p[1], 40);
    mpyi_atom_free(runtime, large, 4000);
    mpyi_atom_free(runtime, plain, 40);
    uint32_t index = mpyi_space_index(&runtime->gc_space, p[2]);
    struct mpyi_pool *pool = &runtime->gc_space.pools[index];
    uint64_t dead_bits[2];
    mpyi_pool_allocated_bits(pool, dead_bits);
    size_t queued = runtime->marks.queued_count;
    uint64_t mine[2] = {0, 0};
    unsigned block = mpyi_block_index(pool->size_class, mpyi_pool_offset(p[2]));
    mine[block >> 6] = UINT64_C(1) << (block & 63);
    mpyi_cell_free_bulk(runtime, index, mine);
    assert_int_equal(runtime->marks.queued_count, queued + 1);
    assert_int_equal(mpy_debug_set_checks(NULL, 0), 0);
    assert_int_equal(mpyi_rtheap_trim(runtime, 0) > 0, 1);
    assert_int_equal(records(runtime), 0);
}

/* The collector looks at the head of every allocated cell: that of one in quarantine can be read,
   and is not tracked. Also after the validator looked at it. */
static void
heads_of_cells_in_quarantine_are_readable(void **state)
{
    (void)state;
    static const uint32_t masks[] = {MPY_CHECK_QUARANTINE, MPY_CHECK_ALL};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mpy_debug_set_checks(the_runtime(), masks[i]), 0);
        struct mpy_priv_header *head = mpyi_cell_alloc(runtime, 40);
        *head = (struct mpy_priv_header){.refcnt = 1, .gcword = MPY_PRIV_GC_TRACKED};
        const volatile struct mpy_priv_header *dead = head;
        mpyi_cell_free(runtime, head, 40);
        assert_int_equal(runtime->marks.queued_count, 1);
        assert_int_equal(dead->gcword & MPY_PRIV_GC_TRACKED, 0);
        assert_int_equal(mpyi_rtheap_check(runtime), 0);
        assert_int_equal(mpyi_checked_verify(runtime), 0);
        assert_int_equal(dead->gcword & MPY_PRIV_GC_TRACKED, 0);
        (void)mpyi_rtheap_trim(runtime, 0);
        assert_int_equal(mpy_debug_set_checks(the_runtime(), 0), 0);
    }
    assert_int_equal(records(runtime), 0);
}

/* No memory for the table of records: a clean failure, at each mapping in turn. */
static void
no_memory(void **state)
{
    (void)state;
    mpyi_marks_destroy(&mpyi_mem_marks);
    assert_int_equal(mpy_debug_set_checks(NULL, MPY_CHECK_ALL), 0);
    for (uint64_t n = 1; n <= 2; n++) {
        mpyi_os_fail_after(n);
        assert_null(mpy_mem_malloc(40));
        assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
        assert_null(mpy_mem_calloc(1, 40));
        mpyi_os_fail_after(0);
        void *p = mpy_mem_malloc(40);
        assert_non_null(p);
        mpy_mem_free(p);
        assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
        mpyi_marks_destroy(&mpyi_mem_marks);
    }
    assert_null(mpy_mem_malloc(PTRDIFF_MAX));
    assert_null(mpy_mem_malloc((size_t)PTRDIFF_MAX - 20));
    assert_null(mpy_mem_aligned_alloc(64, (size_t)PTRDIFF_MAX - 20));
    assert_int_equal(mpy_debug_set_checks(NULL, 0), 0);
}

/* Blocks that wait in quarantine are given up for a request that would fail. */
static void
the_quarantine_serves_in_need(void **state)
{
    (void)state;
    assert_int_equal(mpy_debug_set_checks(the_runtime(), MPY_CHECK_ALL), 0);
    void *p = mpy_obj_malloc(200000);
    mpy_obj_free(p);
    assert_true(runtime->marks.queued_bytes >= 200000);
    mpyi_rtheap_set_limit(runtime, mpyi_rtheap_bytes(runtime) + 10000);
    p = mpy_obj_malloc(150000);
    assert_non_null(p);
    mpyi_rtheap_set_limit(runtime, 0);
    mpy_obj_free(p);
    assert_int_equal(mpy_debug_set_checks(the_runtime(), 0), 0);
}

static void *
churn(void *data)
{
    void **theirs = data;
    for (size_t i = 0; i < 2000; i++) {
        void *p = mpy_mem_malloc(i % 600);
        mpy_mem_free_sized(p, i % 600);
    }
    for (size_t i = 0; i < 100; i++) {
        mpy_mem_free(theirs[i]);
    }
    return NULL;
}

/* While other threads have open magazines nobody makes marks; once they closed, everybody does. */
static void
threads_follow(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        void *mine[100];
        pthread_t thread;
        for (size_t i = 0; i < 100; i++) {
            mine[i] = mpy_mem_malloc(i);
        }
        assert_int_equal(pthread_create(&thread, NULL, churn, mine), 0);
        assert_int_equal(mpy_debug_set_checks(NULL, MPY_CHECK_ALL), 0);
        use_mem(0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        void *p = mpy_mem_malloc(10);
        assert_true(records(NULL) > 0);
        mpy_mem_free(p);
        assert_int_equal(mpy_debug_set_checks(NULL, 0), 0);
        assert_int_equal(mpy_debug_check_heap(NULL), 0);
    }
}

static void
wrong_calls(void **state)
{
    (void)state;
    assert_int_equal(mpy_debug_set_checks(NULL, MPY_CHECK_ALL + 1), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    assert_int_equal(mpy_debug_set_checks((mpy_runtime *)(void *)&runtime, 1), -1);
    assert_int_equal(mpyi_checks_get(NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mask_leaves_right_programs_alone),
        cmocka_unit_test(switched_on_and_off_in_the_middle),
        cmocka_unit_test(a_runtime_alone_is_checked),
        cmocka_unit_test(the_quarantine_is_bounded),
        cmocka_unit_test(walkers_see_callers_blocks),
        cmocka_unit_test(heads_of_cells_in_quarantine_are_readable),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(the_quarantine_serves_in_need),
        cmocka_unit_test(threads_follow),
        cmocka_unit_test(wrong_calls),
    };
    return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}
