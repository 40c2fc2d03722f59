/* SPDX-License-Identifier: MIT */
/* test: labels=+threads */
/*
 * test_memhost.c - the mem domain with a host's allocator: replaced before first use, wrapped
 * later, from several threads, with failures. Every case has a process of its own.
 */
#include "host_test.h"

#include "alloc/domain.h"

#include <pthread.h>

static struct test_host host;

static void
install(uint32_t flags)
{
    mpy_allocator a = test_host_allocator(&host, flags);
    CHILD_CHECK(mpy_mem_set_allocator(MPY_DOMAIN_MEM, &a) == 0);
}

static void
wrap(void)
{
    host.previous.size = sizeof host.previous;
    CHILD_CHECK(mpy_mem_get_allocator(MPY_DOMAIN_MEM, &host.previous) == 0);
    install(MPY_ALLOCATOR_COMPATIBLE);
}

static void
unwrap(void)
{
    host.previous.flags = MPY_ALLOCATOR_COMPATIBLE;
    CHILD_CHECK(mpy_mem_set_allocator(MPY_DOMAIN_MEM, &host.previous) == 0);
}

/* All functions, sizes on both sides of every border; contents are kept. */
static void
exercise(void)
{
    static unsigned char *blocks[400];
    for (size_t i = 0; i < 400; i++) {
        size_t n = i * 3;
        blocks[i] = i % 5 == 0   ? mpy_mem_calloc(n, 1)
                    : i % 7 == 0 ? mpy_mem_aligned_alloc(64, n)
                                 : mpy_mem_malloc(n);
        CHILD_CHECK(blocks[i] != NULL);
        CHILD_CHECK((uintptr_t)blocks[i] % (i % 5 != 0 && i % 7 == 0 ? 64 : 8) == 0);
        CHILD_CHECK(mpy_mem_usable_size(blocks[i]) >= n);
        memset(blocks[i], (int)i & 255, n);
    }
    for (size_t i = 1; i < 400; i++) {
        if (i % 3 == 0) {
            blocks[i] = mpy_mem_realloc(blocks[i], i * 5);
            CHILD_CHECK(blocks[i] != NULL);
        }
        CHILD_CHECK(blocks[i][0] == (i & 255) && blocks[i][i * 3 - 1] == (i & 255));
    }
    for (size_t i = 0; i < 400; i++) {
        if (i % 2 == 0 && i % 7 != 0) {
            mpy_mem_free_sized(blocks[i], i % 3 == 0 ? i * 5 : i * 3);
        } else {
            mpy_mem_free(blocks[i]);
        }
    }
    char *text = mpy_mem_strndup("text", 9);
    CHILD_CHECK(text != NULL && strcmp(text, "text") == 0);
    mpy_mem_free(text);
    mpy_mem_free(NULL);
    mpy_mem_free_sized(NULL, 9);
}

static void
replaced_before_first_use(void)
{
    uint64_t pools = atomic_load(&mpyi_mem_usage.pool_bytes);
    install(0);
    exercise();
    CHILD_CHECK(host.calls > 800 && host.live == 0 && host.sized > 50);
    CHILD_CHECK(atomic_load(&mpyi_mem_usage.pool_bytes) == pools); /* nothing of ours */
    mpy_allocator other = test_host_allocator(NULL, 0);
    CHILD_CHECK(mpy_mem_set_allocator(MPY_DOMAIN_MEM, &other) == -1);
    CHILD_CHECK(mpy_status_last() == MPY_E_BUSY);
}

static void
wrapped_while_blocks_live(void)
{
    char *small = mpy_mem_malloc(40);
    char *big = mpy_mem_malloc(4000);
    memset(small, 1, 40);
    memset(big, 2, 4000);
    mpy_allocator rude = test_host_allocator(&host, 0);
    CHILD_CHECK(mpy_mem_set_allocator(MPY_DOMAIN_MEM, &rude) == -1);
    CHILD_CHECK(mpy_status_last() == MPY_E_BUSY);
    wrap();
    exercise();
    CHILD_CHECK(host.calls > 800 && host.live == 0);
    small = mpy_mem_realloc(small, 4000);
    big = mpy_mem_realloc(big, 40);
    CHILD_CHECK(small[39] == 1 && big[39] == 2);
    void *theirs = mpy_mem_malloc(64);
    unwrap();
    long calls = host.calls;
    exercise();
    mpy_mem_free(small);
    mpy_mem_free(big);
    mpy_mem_free(theirs);
    CHILD_CHECK(host.calls == calls);
    CHILD_CHECK(mpy_debug_check_heap(NULL) == 0);
    if (!MPYI_ASAN && !MPYI_BYPASS && !MPYI_SECURE) {
        CHILD_CHECK(!mpyi_heap_of(mpy_priv_tls.mem)->closed); /* magazines are open again */
    }
}

static void
functions_that_may_be_missing(void)
{
    mpy_allocator a = test_host_allocator(&host, 0);
    a.free_sized = NULL;
    a.aligned_alloc = NULL;
    a.usable_size = NULL;
    CHILD_CHECK(mpy_mem_set_allocator(MPY_DOMAIN_MEM, &a) == 0);
    void *p = mpy_mem_aligned_alloc(16, 100);
    CHILD_CHECK(p != NULL && (uintptr_t)p % 16 == 0);
    CHILD_CHECK(mpy_mem_usable_size(p) == 0);
    CHILD_CHECK(mpy_mem_aligned_alloc(32, 100) == NULL && mpy_status_last() == MPY_E_NOMEM);
    mpy_mem_free_sized(p, 100);
    CHILD_CHECK(host.live == 0);
}

static void
failures(void)
{
    install(0);
    char *p = mpy_mem_malloc(100);
    memset(p, 3, 100);
    host.fail_after = 1;
    CHILD_CHECK(mpy_mem_malloc(10) == NULL && mpy_status_last() == MPY_E_NOMEM);
    CHILD_CHECK(mpy_mem_malloc(1000) == NULL && mpy_mem_calloc(3, 3) == NULL);
    CHILD_CHECK(mpy_mem_realloc(p, 50) == NULL && mpy_mem_strndup("x", 1) == NULL);
    host.fail_after = 0;
    CHILD_CHECK(p[99] == 3);
    long calls = host.calls;
    CHILD_CHECK(mpy_debug_fail_alloc(NULL, MPY_FAIL_AFTER, 1) == 0);
    CHILD_CHECK(mpy_mem_malloc(10) == NULL && mpy_mem_realloc(p, 500) == NULL);
    CHILD_CHECK(mpy_mem_malloc(SIZE_MAX) == NULL && mpy_mem_calloc(SIZE_MAX, 3) == NULL);
    CHILD_CHECK(host.calls == calls);
    CHILD_CHECK(mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0) == 0);
    CHILD_CHECK(mpy_mem_malloc(SIZE_MAX) == NULL && host.calls == calls);
    mpy_mem_free(p);
}

/* ---- threads ----------------------------------------------------------------------------------
 */

static void *
churn(void *unused)
{
    unsigned char *blocks[64] = {NULL};
    uint64_t random = (uintptr_t)&blocks | 1;
    for (int i = 0; i < 20000; i++) {
        unsigned char **slot = &blocks[test_random(&random) % 64];
        if (*slot != NULL) {
            CHILD_CHECK(**slot == 0xa5);
            mpy_mem_free(*slot);
        }
        *slot = mpy_mem_malloc(1 + test_random(&random) % 700);
        CHILD_CHECK(*slot != NULL);
        **slot = 0xa5;
    }
    for (int i = 0; i < 64; i++) {
        mpy_mem_free(blocks[i]);
    }
    return unused;
}

/* Wrapped and unwrapped while others work; with compatible allocators nothing can go wrong. */
static void
threads_at_work(void)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        CHILD_CHECK(pthread_create(&threads[i], NULL, churn, NULL) == 0);
    }
    host.previous.size = sizeof host.previous;
    CHILD_CHECK(mpy_mem_get_allocator(MPY_DOMAIN_MEM, &host.previous) == 0);
    mpy_allocator back = host.previous;
    back.flags = MPY_ALLOCATOR_COMPATIBLE;
    mpy_allocator a = test_host_allocator(&host, MPY_ALLOCATOR_COMPATIBLE);
    a.free_sized = NULL; /* it counts without an atomic */
    for (int i = 0; i < 10; i++) {
        CHILD_CHECK(mpy_mem_set_allocator(MPY_DOMAIN_MEM, i % 2 ? &back : &a) == 0);
        (void)churn(NULL);
    }
    for (int i = 0; i < 3; i++) {
        CHILD_CHECK(pthread_join(threads[i], NULL) == 0);
    }
    CHILD_CHECK(host.calls > 1000);
    CHILD_CHECK(mpy_debug_check_heap(NULL) == 0);
}

static void
every_case(void **state)
{
    (void)state;
    test_child_succeeds(replaced_before_first_use);
    test_child_succeeds(wrapped_while_blocks_live);
    test_child_succeeds(functions_that_may_be_missing);
    test_child_succeeds(failures);
    test_child_succeeds(threads_at_work);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_case)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
