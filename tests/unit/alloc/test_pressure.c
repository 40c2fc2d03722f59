/* SPDX-License-Identifier: MIT */
/* test: labels=+threads */
/*
 * test_pressure.c - limits and pressure callbacks, of the process and of a runtime's heap.
 */
#include "alloc_test.h"

#include "alloc/backend.h"
#include "alloc/region.h"

#include <pthread.h>

/* What a host can spare: blocks it may free when it is asked. */
struct host {
    void *spare[200];
    int count;
    _Atomic int calls, soft_calls;
    int answer;
    int allocates;
    uint64_t raise; /* a new limit */
    mpy_runtime *rt;
    uint64_t requested;
};

static int
on_pressure(void *data, const mpy_pressure *pressure)
{
    struct host *host = data;
    assert_int_equal(pressure->size, sizeof *pressure);
    assert_int_equal(pressure->version, 1);
    assert_ptr_equal(pressure->rt, host->rt);
    if (pressure->requested == 0) {
        host->soft_calls++;
        return 0;
    }
    host->calls++;
    host->requested = pressure->requested;
    assert_true(pressure->limit != 0);
    if (host->allocates) {
        assert_null(mpy_mem_malloc(pressure->limit)); /* and is not called again */
    }
    while (host->count > 0) {
        mpy_mem_free(host->spare[--host->count]);
    }
    if (host->raise != 0) {
        mpy_mem_set_limit(host->raise);
    }
    return host->answer;
}

static void
stock(struct host *host)
{
    for (host->count = 0; host->count < 200; host->count++) {
        host->spare[host->count] = mpy_mem_malloc(host->count % 2 ? 400 : 3000);
        assert_non_null(host->spare[host->count]);
    }
}

static int
reset(void **state)
{
    (void)state;
    mpy_mem_set_limit(0);
    assert_int_equal(mpy_mem_on_pressure(NULL, 0, NULL, NULL), 0);
    mpy_mem_free(mpy_mem_malloc(3000));
    return mpy_mem_trim(NULL, 0, NULL);
}

static void
listen(struct host *host, uint64_t soft)
{
    assert_int_equal(mpy_mem_on_pressure(NULL, soft, on_pressure, host), 0);
}

static void
without_a_limit(void **state)
{
    (void)state;
    assert_int_equal(mpy_mem_get_limit(), 0);
    mpy_mem_set_limit(12345);
    assert_int_equal(mpy_mem_get_limit(), 12345);
    mpy_mem_set_limit(0);
    assert_int_equal(mpy_mem_get_limit(), 0);
    uint64_t before = mpy_mem_used();
    void *p = mpy_mem_malloc(2 << 20); /* more than is kept */
    assert_true(mpy_mem_used() >= before + (2 << 20));
    mpy_mem_free(p);
    assert_int_equal(mpy_mem_used(), before);
}

static void
a_hard_limit(void **state)
{
    (void)state;
    enum { ROOM = 1 << 20 };
    mpy_mem_set_limit(mpy_mem_used() + ROOM);
    void **chain = NULL;
    size_t got = 0;
    for (int kind = 0; kind < 3; kind++) { /* small, large, raw */
        size_t n = kind == 0 ? 128 : 2000;
        for (void **p;; chain = p, got += n) {
            p = kind == 2 ? mpy_raw_malloc(n) : mpy_mem_malloc(n);
            if (p == NULL) {
                break;
            }
            assert_true(kind != 2);
            *p = chain;
        }
        assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
        assert_true(mpy_mem_used() <= mpy_mem_get_limit());
    }
    assert_in_range(got, ROOM * 3 / 4, ROOM);
    assert_null(mpy_mem_calloc(1, 3000));
    assert_null(mpy_mem_aligned_alloc(4096, 3000));
    assert_null(mpy_raw_calloc(10, 1000));
    assert_null(mpy_mem_realloc(chain, 100000)); /* unchanged: the chain still holds */
    size_t back = 0;
    while (chain != NULL) {
        void *next = *chain;
        mpy_mem_free(chain);
        chain = next;
        back++;
    }
    assert_true(back > 300);
    void *p = mpy_mem_malloc(ROOM / 2); /* what is cached makes room */
    assert_non_null(p);
    mpy_mem_free(p);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

/* Room for the growth, but not for all that realloc() might give: a fresh block is tried. */
static void
near_the_limit_a_block_grows(void **state)
{
    (void)state;
    unsigned char *p = mpy_mem_malloc(80000);
    assert_non_null(p);
    memset(p, 7, 80000);
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    size_t old = mpy_mem_usable_size(p);
    size_t good = mpyi_backend_good(mpyi_large_good_size(100000));
    uint64_t others = mpy_mem_used() - old;
    mpy_mem_set_limit(others + good + 64);
    p = mpy_mem_realloc(p, 100000);
    assert_non_null(p);
    assert_true(p[0] == 7 && p[79999] == 7);
    assert_int_equal(mpy_mem_used(), others + mpy_mem_usable_size(p));
    mpy_mem_set_limit(0);
    mpy_mem_free(p);
}

/* What waits in the cache of large blocks makes room, whatever its size is. */
static void
cached_large_blocks_make_room(void **state)
{
    (void)state;
    void *p[3];
    for (int i = 0; i < 3; i++) {
        p[i] = mpy_mem_malloc(300000);
        assert_non_null(p[i]);
    }
    mpy_mem_set_limit(mpy_mem_used());
    for (int i = 0; i < 3; i++) {
        mpy_mem_free(p[i]);
    }
    p[0] = mpy_mem_malloc(800000);
    assert_non_null(p[0]);
    mpy_mem_free(p[0]);
}

static void
a_limit_below_what_is_used(void **state)
{
    (void)state;
    void *p = mpy_mem_malloc(100000);
    mpy_mem_set_limit(1);
    assert_null(mpy_mem_malloc(2000));
    assert_null(mpy_raw_malloc(1));
    mpy_mem_free(p);
    assert_null(mpy_mem_malloc(2000));
}

static void
the_host_frees_and_the_request_succeeds(void **state)
{
    (void)state;
    static const size_t sizes[] = {300, 20000};
    for (int i = 0; i < 2; i++) {
        struct host host = {.answer = 1, .allocates = 1};
        stock(&host);
        assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
        void *other = mpy_mem_malloc(64); /* a pool that is no 300's */
        listen(&host, 0);
        mpy_mem_set_limit(mpy_mem_used());
        void *p = NULL;
        void *kept[100];
        int n = 0;
        for (; n < 100 && host.calls == 0; n++) { /* pools that are there may still have room */
            p = kept[n] = mpy_mem_malloc(sizes[i]);
        }
        assert_non_null(p);
        assert_int_equal(host.calls, 1);
        assert_true(host.requested >= sizes[i]);
        assert_int_equal(host.count, 0);
        while (n > 0) {
            mpy_mem_free(kept[--n]);
        }
        mpy_mem_free(other);
        mpy_mem_set_limit(0);
    }
}

static void *left[2000];

static void *
leave_blocks(void *data)
{
    (void)data;
    for (int i = 0; i < 2000; i++) {
        left[i] = mpy_mem_malloc(512);
    }
    return NULL;
}

/* Blocks of a thread that has ended were freed since: nobody looks after them but who is short. */
static void
what_ended_threads_left_is_found(void **state)
{
    (void)state;
    pthread_t thread;
    if (MPYI_BYPASS) {
        return;
    }
    assert_int_equal(pthread_create(&thread, NULL, leave_blocks, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    mpy_mem_set_limit(mpy_mem_used() + 100000);
    for (int i = 0; i < 2000; i++) {
        assert_non_null(left[i]);
        mpy_mem_free(left[i]);
    }
    void *p = mpy_mem_malloc(800000);
    assert_non_null(p);
    mpy_mem_free(p);
}

static void
the_host_raises_the_limit(void **state)
{
    (void)state;
    struct host host = {.answer = 1};
    listen(&host, 0);
    mpy_mem_set_limit(mpy_mem_used() + 1000);
    host.raise = mpy_mem_used() + 100000;
    void *p = mpy_mem_realloc(mpy_mem_malloc(600), 50000);
    assert_non_null(p);
    assert_int_equal(host.calls, 1);
    void *q = mpy_raw_realloc(NULL, 40000);
    assert_non_null(q);
    host.raise = mpy_mem_used() + 200000;
    q = mpy_raw_realloc(q, 100000);
    assert_non_null(q);
    assert_int_equal(host.calls, 2);
    host.raise = mpy_mem_used() + 400000;
    void *r = mpy_mem_calloc(1, 150000);
    assert_non_null(r);
    assert_int_equal(host.calls, 3);
    mpy_raw_free(q);
    mpy_mem_free(r);
    mpy_mem_free(p);
}

static void
the_host_cannot_help(void **state)
{
    (void)state;
    struct host host = {.answer = 0};
    listen(&host, 0);
    mpy_mem_set_limit(mpy_mem_used() + 1000);
    assert_null(mpy_mem_malloc(50000));
    assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
    assert_int_equal(host.calls, 1);
    host.answer = 1; /* says so, and has freed nothing: tried again once */
    assert_null(mpy_mem_malloc(50000));
    assert_int_equal(host.calls, 2);
    assert_null(mpy_raw_malloc(50000));
    assert_null(mpy_raw_calloc(5, 10000));
    assert_int_equal(host.calls, 4);
    /* no limit helps against these, and nobody is asked */
    assert_null(mpy_mem_malloc(SIZE_MAX));
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_EVERY, 1), 0);
    assert_null(mpy_mem_malloc(50000));
    assert_null(mpy_mem_malloc(5));
    assert_null(mpy_raw_malloc(5));
    uint64_t failed;
    assert_int_equal(mpy_debug_fail_count(NULL, &failed), 3);
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0), 0);
    assert_int_equal(host.calls, 4);
}

static void
a_soft_limit(void **state)
{
    (void)state;
    struct host host = {.answer = 0};
    uint64_t start = mpy_mem_used();
    listen(&host, start + 6000000);
    for (int round = 1; round <= 3; round++) {
        void *p[10];
        for (int i = 0; i < 10; i++) {
            p[i] = mpy_mem_malloc(2000000); /* more than is kept */
            assert_non_null(p[i]);
        }
        assert_int_equal(host.soft_calls, round); /* once for each time it is passed */
        for (int i = 0; i < 10; i++) {
            mpy_mem_free(p[i]);
        }
        mpy_mem_free(mpy_mem_malloc(2000000)); /* a slow path sees that it is over */
    }
    assert_int_equal(host.calls, 0);
}

/* ---- threads ----------------------------------------------------------------------------------
 */

static void *
against_the_limit(void *unused)
{
    void *p[50] = {NULL};
    uint64_t random = (uintptr_t)&p | 1;
    for (int i = 0; i < 20000; i++) {
        size_t k = test_random(&random) % 50;
        mpy_mem_free(p[k]);
        p[k] = mpy_mem_malloc(test_random(&random) % 5000);
    }
    for (int i = 0; i < 50; i++) {
        mpy_mem_free(p[i]);
    }
    return unused;
}

static int
no_help(void *data, const mpy_pressure *pressure)
{
    struct host *host = data;
    host->calls += pressure->requested != 0;
    host->soft_calls += pressure->requested == 0;
    return 0;
}

static void
several_threads(void **state)
{
    (void)state;
    struct host host = {.answer = 0};
    uint64_t start = mpy_mem_used();
    assert_int_equal(mpy_mem_on_pressure(NULL, start + 50000, no_help, &host), 0);
    mpy_mem_set_limit(start + 80000); /* less than one thread alone asks for */
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, against_the_limit, NULL), 0);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_true(host.calls > 0 && host.soft_calls > 0);
    mpy_mem_set_limit(0);
    assert_int_equal(mpy_mem_trim(NULL, 0, NULL), 0);
    assert_true(mpy_mem_used() <= start + 65536);
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

/* ---- a runtime --------------------------------------------------------------------------------
 */

static struct mpyi_rtheap *rt_heap;
static char order[16];

static struct mpyi_rtheap *
heap_of(mpy_runtime *rt)
{
    return (void *)rt == (void *)rt_heap ? rt_heap : NULL;
}

static int
collected(struct mpyi_rtheap *heap, size_t n)
{
    (void)strcat(order, "c");
    assert_null(mpyi_array_alloc(heap, n + (1 << 20))); /* nobody is asked, not even in there */
    return 0;
}

static void *kept_for_rt[100];

static int
rt_pressure(void *data, const mpy_pressure *pressure)
{
    (void)strcat(order, pressure->requested != 0 ? "h" : "s");
    assert_ptr_equal(pressure->rt, data);
    assert_null(mpyi_array_alloc(rt_heap, (size_t)pressure->limit)); /* collects, does not ask */
    int freed = 0;
    for (int i = 0; i < 100; i++) {
        freed |= kept_for_rt[i] != NULL;
        mpyi_array_free(rt_heap, kept_for_rt[i], 400);
        kept_for_rt[i] = NULL;
    }
    return freed;
}

static void
of_a_runtime(void **state)
{
    (void)state;
    mpy_runtime *rt;
    rt_heap = mpyi_rtheap_new(NULL);
    assert_non_null(rt_heap);
    rt = (mpy_runtime *)(void *)rt_heap;
    rt_heap->runtime = rt;
    assert_int_equal(mpy_mem_on_pressure(rt, 0, rt_pressure, rt), -1); /* nobody's yet */
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    MPYI_HOOK_SET(runtime_heap, heap_of);
    MPYI_HOOK_SET(memory_pressure, collected);
    mpyi_rtheap_enter(rt_heap);
    assert_int_equal(mpy_mem_on_pressure(rt, 0, rt_pressure, rt), 0);
    for (int i = 0; i < 100; i++) {
        kept_for_rt[i] = mpyi_array_alloc(rt_heap, 400);
    }
    (void)mpyi_rtheap_trim(rt_heap, 0);
    mpyi_rtheap_set_limit(rt_heap, mpyi_rtheap_bytes(rt_heap) + 1000);
    void *p = mpyi_array_alloc(rt_heap, 20000);
    assert_non_null(p);
    assert_string_equal(order, "chc"); /* garbage first; inside, garbage only */
    order[0] = '\0';
    assert_null(mpyi_array_alloc(rt_heap, 40000));
    assert_string_equal(order, "chc");
    mpyi_array_free(rt_heap, p, 20000);
    /* soft */
    mpyi_rtheap_set_limit(rt_heap, 1 << 20);
    assert_int_equal(mpy_mem_on_pressure(rt, mpyi_rtheap_bytes(rt_heap) + 50000, rt_pressure, rt),
                     0);
    order[0] = '\0';
    void *q[10];
    for (int i = 0; i < 10; i++) {
        q[i] = mpyi_array_alloc(rt_heap, 20000);
    }
    assert_string_equal(order, "sc");
    for (int i = 0; i < 10; i++) {
        mpyi_array_free(rt_heap, q[i], 20000);
    }
    /* failures on demand are final, in its regions as well */
    order[0] = '\0';
    mpy_region *region = mpy_region_new(rt);
    assert_non_null(region);
    assert_int_equal(mpy_debug_fail_alloc(rt, MPY_FAIL_AFTER, 1), 0);
    assert_null(mpyi_array_alloc(rt_heap, 40));
    assert_null(mpy_region_malloc(region, 40));
    assert_null(mpy_region_malloc(region, 4000));
    assert_int_equal(mpy_debug_fail_alloc(rt, MPY_FAIL_OFF, 0), 0);
    assert_string_equal(order, "");
    assert_int_equal(mpy_mem_on_pressure(rt, 0, NULL, NULL), 0);
    /* what one of its regions keeps makes room for a block of another, or of none */
    for (int i = 0; i < 2; i++) {
        void *block;
        for (int k = 0; k < 1000; k++) {
            block = mpy_region_malloc(region, 128);
            assert_non_null(block);
        }
        mpy_region_clear(region);
        (void)mpyi_rtheap_trim(rt_heap, 0);
        mpyi_rtheap_set_limit(rt_heap, mpyi_rtheap_bytes(rt_heap));
        mpy_region *other = mpy_region_new(rt);
        block = i == 0 ? mpy_region_malloc(other, 60000) : mpyi_array_alloc(rt_heap, 60000);
        assert_non_null(block);
        mpy_region_destroy(other);
        mpyi_array_free(rt_heap, i == 0 ? NULL : block, 60000);
        mpyi_rtheap_set_limit(rt_heap, 1 << 20);
        assert_string_equal(order, "");
    }
    /* a region that is at work is left alone */
    region->heap.busy = 1;
    mpyi_rtheap_set_limit(rt_heap, 1 << 19);
    assert_null(mpyi_array_alloc(rt_heap, 600000));
    region->heap.busy = 0;
    mpyi_rtheap_set_limit(rt_heap, 0);
    mpy_region_destroy(region);
    /* as do pools without cells, or without atoms */
    for (int i = 0; i < 2; i++) {
        void *small[500];
        for (int k = 0; k < 500; k++) {
            small[k] = i == 0 ? mpyi_cell_alloc(rt_heap, 200) : mpyi_atom_alloc(rt_heap, 200);
            assert_non_null(small[k]);
        }
        (void)mpyi_rtheap_trim(rt_heap, 0);
        mpyi_rtheap_set_limit(rt_heap, mpyi_rtheap_bytes(rt_heap));
        for (int k = 0; k < 500; k++) {
            (void)(i == 0 ? mpyi_cell_free(rt_heap, small[k], 200)
                          : mpyi_atom_free(rt_heap, small[k], 200));
        }
        void *block = mpyi_array_alloc(rt_heap, 90000);
        assert_non_null(block);
        mpyi_array_free(rt_heap, block, 90000);
        mpyi_rtheap_set_limit(rt_heap, 0);
    }
    assert_int_equal(mpyi_rtheap_check(rt_heap), 0);
    mpyi_rtheap_free(rt_heap);
    rt_heap = NULL;
    MPYI_HOOK_SET(runtime_heap, NULL);
    MPYI_HOOK_SET(memory_pressure, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_limit, reset, reset),
        cmocka_unit_test_setup_teardown(a_hard_limit, reset, reset),
        cmocka_unit_test_setup_teardown(near_the_limit_a_block_grows, reset, reset),
        cmocka_unit_test_setup_teardown(cached_large_blocks_make_room, reset, reset),
        cmocka_unit_test_setup_teardown(a_limit_below_what_is_used, reset, reset),
        cmocka_unit_test_setup_teardown(the_host_frees_and_the_request_succeeds, reset, reset),
        cmocka_unit_test_setup_teardown(what_ended_threads_left_is_found, reset, reset),
        cmocka_unit_test_setup_teardown(the_host_raises_the_limit, reset, reset),
        cmocka_unit_test_setup_teardown(the_host_cannot_help, reset, reset),
        cmocka_unit_test_setup_teardown(a_soft_limit, reset, reset),
        cmocka_unit_test_setup_teardown(several_threads, reset, reset),
        cmocka_unit_test(of_a_runtime),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
