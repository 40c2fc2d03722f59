/* SPDX-License-Identifier: MIT */
/* The closed path of the domains: what the layers of alloc/closed.h do, and in which order. */
#include "unit/alloc/alloc_test.h"

#include "alloc/closed.h"

#include <pthread.h>

static struct mpyi_rtheap *runtime;

static int
open_runtime(void **state)
{
    (void)state;
    runtime = mpyi_rtheap_new(NULL);
    mpyi_modes_set(MPYI_MODE_TRACE, 1);
    return runtime == NULL;
}

static int
close_runtime(void **state)
{
    (void)state;
    mpyi_modes_set(MPYI_MODE_TRACE, 0);
    mpyi_rtheap_free(runtime);
    return 0;
}

static void
plain_blocks_of_mem(void **state)
{
    (void)state;
    struct mpyi_heap *heap = mpyi_mem_enter();
    static const size_t sizes[] = {1, 8, 9, 16, 100, 512, 513, 70000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t n = sizes[i];
        char *p = mpyi_mem_plain_malloc(heap, n);
        char *zeroed = mpyi_mem_plain_calloc(heap, n);
        char *aligned = mpyi_mem_plain_aligned(heap, 256, n);
        assert_true(mpyi_mem_plain_usable(p) >= n && mpyi_mem_plain_usable(zeroed) >= n);
        assert_int_equal(zeroed[0] | zeroed[n - 1], 0);
        assert_int_equal((uintptr_t)aligned % 256, 0);
        memset(p, 'x', n);
        p = mpyi_mem_plain_realloc(heap, p, n + 600);
        assert_int_equal(p[n - 1], 'x');
        mpyi_mem_plain_free(heap, p, n + 600);
        mpyi_mem_plain_free(heap, zeroed, n);
        mpyi_mem_plain_free(heap, aligned, MPYI_SIZE_UNKNOWN);
    }
    mpyi_mem_leave(heap);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

static void
plain_blocks_of_a_runtime(void **state)
{
    (void)state;
    struct mpyi_heap *const heaps[] = {&runtime->raw, &runtime->atom, &runtime->gc};
    for (size_t i = 0; i < 3; i++) {
        for (size_t n = MPYI_CELL_MIN; n <= MPYI_CELL_MAX; n += 8) {
            void *p = mpyi_obj_plain_malloc(runtime, heaps[i], n);
            assert_true(mpyi_rtheap_owns(runtime, p));
            mpyi_obj_plain_free(runtime, heaps[i], p, n);
        }
    }
    char *p = mpyi_obj_plain_malloc(runtime, &runtime->raw, 5000);
    assert_true(mpyi_obj_plain_usable(runtime, p) >= 5000);
    mpyi_obj_plain_free(runtime, &runtime->raw, p, MPYI_SIZE_UNKNOWN);
    assert_int_equal(mpyi_rtheap_check(runtime), 0);
}

struct event {
    int event, kind;
    void *block;
    size_t n;
};

static struct event events[8];
static size_t event_count;

static void
note(int event, int kind, void *block, size_t n)
{
    if (event_count < 8) {
        events[event_count++] = (struct event){event, kind, block, n};
    }
}

static void
faults_come_before_traces(void **state)
{
    (void)state;
    struct mpyi_heap *heap = mpyi_mem_enter();
    MPYI_HOOK_SET(trace, note);
    event_count = 0;
    assert_int_equal(mpyi_fault_set(&mpyi_fault_process, MPY_FAIL_AFTER, 1), 0);
    assert_null(mpyi_mem_closed_malloc(heap, 10, NULL));
    assert_null(mpyi_mem_closed_calloc(heap, 10, NULL));
    assert_null(mpyi_mem_closed_aligned(heap, 64, 10, NULL));
    assert_int_equal(mpyi_fault_set(&mpyi_fault_process, MPY_FAIL_NTH, 2), 0);
    void *p = mpyi_mem_closed_malloc(heap, 0, NULL);
    assert_null(mpyi_mem_closed_realloc(heap, p, 10, NULL));
    assert_int_equal(mpyi_fault_set(&mpyi_fault_process, MPY_FAIL_OFF, 0), 0);
    assert_true(mpyi_mem_closed_usable(heap, p, NULL) >= 1);
    mpyi_mem_closed_free(heap, p, 0, NULL);
    MPYI_HOOK_SET(trace, NULL);
    mpyi_mem_leave(heap);
    assert_int_equal(event_count, 2);
    assert_int_equal(events[0].event, MPYI_TRACE_ALLOC);
    assert_int_equal(events[1].event, MPYI_TRACE_FREE);
    assert_ptr_equal(events[0].block, p);
    assert_ptr_equal(events[1].block, p);
}

static void
a_realloc_that_fails_is_traced_as_none(void **state)
{
    (void)state;
    struct mpyi_heap *heap = mpyi_mem_enter();
    void *p = mpyi_mem_closed_malloc(heap, 40, NULL);
    void *q = mpyi_mem_closed_malloc(heap, 4000, NULL);
    size_t size[2] = {mpyi_mem_closed_usable(heap, p, NULL), mpyi_mem_closed_usable(heap, q, NULL)};
    MPYI_HOOK_SET(trace, note);
    event_count = 0;
    assert_null(mpyi_mem_closed_realloc(heap, p, PTRDIFF_MAX, NULL));
    assert_null(mpyi_mem_closed_realloc(heap, q, PTRDIFF_MAX, NULL));
    MPYI_HOOK_SET(trace, NULL);
    assert_int_equal(event_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(events[i].event, i % 2 == 0 ? MPYI_TRACE_FREE : MPYI_TRACE_ALLOC);
        assert_ptr_equal(events[i].block, i < 2 ? p : q);
        assert_int_equal(events[i].n, i % 2 == 0 ? 0 : size[i / 2]);
    }
    mpyi_mem_closed_free(heap, p, MPYI_SIZE_UNKNOWN, NULL);
    mpyi_mem_closed_free(heap, q, MPYI_SIZE_UNKNOWN, NULL);
    mpyi_mem_leave(heap);
}

static void *
one_block(void *data)
{
    struct mpyi_heap *heap = mpyi_mem_enter();
    *(void **)data = mpyi_mem_own_malloc(heap, 40);
    mpyi_mem_leave(heap);
    return NULL;
}

/* Nothing of a closed heap waits on its way to another. */
static void
frees_are_sent_at_once(void **state)
{
    (void)state;
    pthread_t thread;
    void *p = NULL;
    if (MPYI_BYPASS) {
        return;
    }
    struct mpyi_heap *heap = mpyi_mem_enter(); /* the thread makes one of its own */
    assert_int_equal(pthread_create(&thread, NULL, one_block, &p), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    struct mpyi_pool *pool = &mpyi_mem_space.pools[mpyi_space_index(&mpyi_mem_space, p)];
    struct mpyi_heap *owner = pool->owner;
    assert_ptr_not_equal(owner, heap);
    mpyi_mem_own_free(heap, p, 40);
    assert_int_not_equal(owner->remote, 0);
    for (unsigned i = 0; i < MPYI_OUTBOXES; i++) {
        assert_null(heap->out[i].owner);
    }
    mpyi_mem_leave(heap);
}

static void
a_runtime_traces_its_kinds(void **state)
{
    (void)state;
    MPYI_HOOK_SET(trace, note);
    event_count = 0;
    mpyi_heap_sync(&runtime->atom, runtime->modes);
    void *p = mpyi_obj_closed_malloc(runtime, &runtime->atom, 40, NULL);
    mpyi_obj_closed_free(runtime, &runtime->atom, p, 40, NULL);
    MPYI_HOOK_SET(trace, NULL);
    assert_int_equal(event_count, 2);
    assert_int_equal(events[0].kind, MPY_KIND_ATOM);
    assert_int_equal(events[1].n, 40);
    p = mpyi_obj_closed_malloc(runtime, &runtime->raw, 40, NULL);
    assert_true(mpyi_obj_closed_usable(runtime, p, NULL) >= 40);
    mpyi_obj_closed_free(runtime, &runtime->raw, p, MPYI_SIZE_UNKNOWN, NULL);
}

/* A heap's closed path is left alone while it is open: requests of all kinds still work. */
static void
special_requests_of_open_heaps(void **state)
{
    (void)state;
    mpyi_modes_set(MPYI_MODE_TRACE, 0);
    char *zeroed = mpy_mem_calloc(1, 3000);
    char *aligned = mpy_mem_aligned_alloc(1024, 3000);
    assert_int_equal(zeroed[0] | zeroed[2999], 0);
    assert_int_equal((uintptr_t)aligned % 1024, 0);
    mpy_mem_free_sized(zeroed, 3000);
    mpy_mem_free(aligned);
    mpyi_modes_set(MPYI_MODE_TRACE, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_blocks_of_mem),
        cmocka_unit_test(plain_blocks_of_a_runtime),
        cmocka_unit_test(faults_come_before_traces),
        cmocka_unit_test(a_realloc_that_fails_is_traced_as_none),
        cmocka_unit_test(frees_are_sent_at_once),
        cmocka_unit_test(a_runtime_traces_its_kinds),
        cmocka_unit_test(special_requests_of_open_heaps),
    };
    return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}
