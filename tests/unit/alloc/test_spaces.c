/* SPDX-License-Identifier: MIT */
/*
 * test_spaces.c - what rt stands for; structs that callers size; trimming the process.
 */
#include "alloc_test.h"

#include "alloc/spaces.h"

#include <pthread.h>

static void
null_is_the_process(void **state)
{
    (void)state;
    struct mpyi_spaces spaces;
    assert_int_equal(mpyi_spaces_of(NULL, &spaces), 0);
    assert_int_equal(spaces.count, 1);
    assert_ptr_equal(spaces.space[0], &mpyi_mem_space);
    assert_null(spaces.heap);
    mpyi_spaces_flush(&spaces);
}

static struct mpyi_rtheap *runtime_heap;

static struct mpyi_rtheap *
find_heap(mpy_runtime *rt)
{
    return (void *)rt == (void *)&runtime_heap ? runtime_heap : NULL;
}

static void
a_runtime_has_two_spaces(void **state)
{
    (void)state;
    mpy_runtime *rt = (mpy_runtime *)(void *)&runtime_heap;
    struct mpyi_spaces spaces;
    assert_int_equal(mpyi_spaces_of(rt, &spaces), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    assert_int_equal(mpy_mem_trim(rt, 0, NULL), -1);
    MPYI_HOOK_SET(runtime_heap, find_heap);
    runtime_heap = mpyi_rtheap_new(NULL);
    assert_int_equal(mpyi_spaces_of(rt, &spaces), 0);
    assert_int_equal(spaces.count, 2);
    assert_ptr_equal(spaces.heap, runtime_heap);
    void *p = mpyi_atom_alloc(runtime_heap, 48);
    mpyi_atom_free(runtime_heap, p, 48);
    p = mpyi_cell_alloc(runtime_heap, 48);
    mpyi_cell_free(runtime_heap, p, 48);
    p = mpyi_array_alloc(runtime_heap, 48);
    mpyi_array_free(runtime_heap, p, 48);
    mpyi_spaces_flush(&spaces);
    assert_int_equal(mpyi_heap_cached_blocks(&runtime_heap->raw), 0);
    assert_int_equal(mpyi_heap_cached_blocks(&runtime_heap->atom), 0);
    assert_int_equal(mpyi_heap_cached_blocks(&runtime_heap->gc), 0);
    size_t released;
    assert_int_equal(mpy_mem_trim(rt, 0, &released), 0);
    assert_true(MPYI_BYPASS || released >= MPY_ARENA_SIZE);
    mpyi_rtheap_free(runtime_heap);
    MPYI_HOOK_SET(runtime_heap, NULL);
}

struct out {
    uint32_t size, version;
    uint64_t a, b, c;
};

static void
structs_are_cut_or_zeroed(void **state)
{
    (void)state;
    struct out filled = {0, 0, 1, 2, 3};
    struct out out = {16, 5, 9, 9, 9};
    assert_int_equal(mpyi_struct_out(&out, &filled, sizeof filled), 0);
    assert_true(out.size == 16 && out.version == 5 && out.a == 1 && out.b == 9 && out.c == 9);
    out = (struct out){sizeof out, 5, 9, 9, 9};
    assert_int_equal(mpyi_struct_out(&out, &filled, 24), 0);
    assert_true(out.size == sizeof out && out.a == 1 && out.b == 2 && out.c == 0);
    out.size = 8;
    assert_int_equal(mpyi_struct_out(&out, &filled, sizeof filled), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    assert_int_equal(mpyi_struct_out(NULL, &filled, sizeof filled), -1);
    out = (struct out){0, 0, 9, 9, 9};
    assert_int_equal(mpyi_struct_out(&out, &filled, sizeof filled), 0);
    assert_true(out.size == sizeof out && out.version == 1 && out.a == 1 && out.c == 3);
}

static void
trim_returns_what_is_free(void **state)
{
    (void)state;
    if (MPYI_BYPASS) {
        return; /* this build has nothing of the kind */
    }
    enum { N = 20000 };
    void **blocks = malloc(N * sizeof *blocks);
    for (int i = 0; i < N; i++) {
        blocks[i] = mpy_mem_malloc(256);
        memset(blocks[i], 1, 256);
    }
    for (int i = 0; i < N; i++) {
        mpy_mem_free(blocks[i]);
    }
    size_t released;
    assert_int_equal(mpy_mem_trim(NULL, 0, &released), 0);
    assert_true(released >= 4u << 20);
    assert_int_equal(mpyi_mem_usage.arena_bytes, 0);
    assert_int_equal(mpy_mem_trim(NULL, 0, &released), 0);
    assert_int_equal(released, 0);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
    free(blocks);
}

static void *
one_block(void *data)
{
    *(void **)data = mpy_mem_malloc(40);
    return NULL;
}

/* Messages to other heaps that this one keeps for later. */
static void
trim_returns_messages(void **state)
{
    (void)state;
    pthread_t thread;
    void *p = NULL;
    if (mpyi_modes_get() != 0) {
        return;
    }
    struct mpyi_heap *heap = mpyi_mem_enter(); /* the thread makes one of its own */
    mpyi_mem_leave(heap);
    assert_int_equal(pthread_create(&thread, NULL, one_block, &p), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    mpy_mem_free(p);
    mpyi_heap_flush(heap);
    assert_int_not_equal(heap->spare_count, 0);
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    assert_int_equal(heap->spare_count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_is_the_process),       cmocka_unit_test(a_runtime_has_two_spaces),
        cmocka_unit_test(structs_are_cut_or_zeroed), cmocka_unit_test(trim_returns_what_is_free),
        cmocka_unit_test(trim_returns_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
