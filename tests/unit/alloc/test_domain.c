/* SPDX-License-Identifier: MIT */
/*
 * test_domain.c - installing allocators: what is accepted when, what is kept, and the raw domain
 * under them.
 */
#include "host_test.h"

#include "alloc/domain.h"

static struct test_host host;

static void
what_is_refused(void **state)
{
    (void)state;
    mpy_allocator a = test_host_allocator(&host, 0);
    mpy_allocator bad;
    assert_int_equal(mpy_mem_set_allocator(MPY_DOMAIN_RAW, NULL), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    static const int domains[] = {-1, MPY_DOMAIN_OBJ, 3, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++) {
        assert_int_equal(mpy_mem_set_allocator(domains[i], &a), -1);
        assert_int_equal(mpy_mem_get_allocator(domains[i], &bad), -1);
        assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    }
    for (int i = 0; i < 5; i++) {
        bad = a;
        switch (i) {
        case 0:
            bad.malloc = NULL;
            break;
        case 1:
            bad.calloc = NULL;
            break;
        case 2:
            bad.realloc = NULL;
            break;
        case 3:
            bad.free = NULL;
            break;
        default:
            bad.size = offsetof(mpy_allocator, free);
            break;
        }
        assert_int_equal(mpy_mem_set_allocator(MPY_DOMAIN_MEM, &bad), -1);
        assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    }
    assert_null(mpyi_domain_host(MPY_DOMAIN_MEM));
    assert_int_equal(mpy_mem_get_allocator(MPY_DOMAIN_RAW, NULL), -1);
    bad.size = 8;
    assert_int_equal(mpy_mem_get_allocator(MPY_DOMAIN_RAW, &bad), -1);
}

/* An older host knows fewer functions, a newer one more. */
static void
sizes_of_other_versions(void **state)
{
    (void)state;
    struct {
        mpy_allocator known;
        void *unknown;
    } newer = {test_host_allocator(&host, 0), &host};
    newer.known.size = sizeof newer;
    mpy_allocator copy;
    assert_int_equal(mpyi_allocator_read(&newer.known, &copy), 0);
    assert_int_equal(copy.size, sizeof copy);
    newer.known.size = offsetof(mpy_allocator, free_sized);
    assert_int_equal(mpyi_allocator_read(&newer.known, &copy), 0);
    assert_true(copy.free_sized == NULL && copy.aligned_alloc == NULL && copy.usable_size == NULL);
    newer.known.size = sizeof newer;
    newer.unknown = &host;
    assert_int_equal(mpy_mem_get_allocator(MPY_DOMAIN_RAW, &newer.known), 0);
    assert_null(newer.unknown);
}

static void
raw_under_a_replacement(void)
{
    mpy_allocator a = test_host_allocator(&host, 0);
    CHILD_CHECK(mpy_mem_set_allocator(MPY_DOMAIN_RAW, &a) == 0);
    uint64_t used = mpy_mem_used();
    char *p = mpy_raw_malloc(0);
    char *q = mpy_raw_calloc(10, 10);
    CHILD_CHECK(p != NULL && q != NULL && host.live == 2);
    p = mpy_raw_realloc(p, 5000);
    CHILD_CHECK(p != NULL && host.live == 2);
    char *r = mpy_raw_realloc(NULL, 10);
    CHILD_CHECK(r == NULL || host.live == 3);
    CHILD_CHECK(mpy_mem_used() == used);
    host.fail_after = 1;
    CHILD_CHECK(mpy_raw_malloc(10) == NULL && mpy_status_last() == MPY_E_NOMEM);
    CHILD_CHECK(mpy_raw_calloc(1, 10) == NULL && mpy_raw_realloc(q, 1000) == NULL);
    host.fail_after = 0;
    mpy_raw_free(p);
    mpy_raw_free_sized(q, 100);
    mpy_raw_free(r);
    CHILD_CHECK(host.sized == 1 && host.live == 0);
    long calls = host.calls;
    mpy_raw_free(NULL);
    mpy_raw_free_sized(NULL, 3);
    CHILD_CHECK(mpy_raw_malloc(SIZE_MAX) == NULL && mpy_raw_calloc(SIZE_MAX, 2) == NULL);
    CHILD_CHECK(host.calls == calls);
    CHILD_CHECK(mpy_debug_fail_alloc(NULL, MPY_FAIL_AFTER, 1) == 0);
    CHILD_CHECK(mpy_raw_malloc(10) == NULL && host.calls == calls);
    CHILD_CHECK(mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0) == 0);
    mpy_allocator now;
    now.size = sizeof now;
    CHILD_CHECK(mpy_mem_get_allocator(MPY_DOMAIN_RAW, &now) == 0 && now.ctx == &host);
    CHILD_CHECK(now.malloc == a.malloc);
    /* its blocks may be alive: nobody else may come who does not know them */
    a.ctx = &now;
    CHILD_CHECK(mpy_mem_set_allocator(MPY_DOMAIN_RAW, &a) == -1);
    CHILD_CHECK(mpy_status_last() == MPY_E_BUSY);
}

static void
raw_under_a_wrapper(void)
{
    char *old = mpy_raw_malloc(100);
    memset(old, 7, 100);
    host.previous.size = sizeof host.previous;
    CHILD_CHECK(mpy_mem_get_allocator(MPY_DOMAIN_RAW, &host.previous) == 0);
    host.previous.aligned_alloc = NULL; /* raw has none */
    mpy_allocator a = test_host_allocator(&host, 0);
    CHILD_CHECK(mpy_mem_set_allocator(MPY_DOMAIN_RAW, &a) == -1);
    CHILD_CHECK(mpy_status_last() == MPY_E_BUSY);
    a.flags = MPY_ALLOCATOR_COMPATIBLE;
    CHILD_CHECK(mpy_mem_set_allocator(MPY_DOMAIN_RAW, &a) == 0);
    uint64_t used = mpy_mem_used();
    void *p = mpy_raw_malloc(1000);
    CHILD_CHECK(p != NULL && host.calls == 1 && mpy_mem_used() >= used + 1000);
    old = mpy_raw_realloc(old, 200);
    CHILD_CHECK(old != NULL && old[99] == 7);
    /* the limit lies in the default */
    mpy_mem_set_limit(mpy_mem_used() + 100);
    CHILD_CHECK(mpy_raw_malloc(101) == NULL && mpy_status_last() == MPY_E_NOMEM);
    CHILD_CHECK(mpy_raw_realloc(old, 2000) == NULL && mpy_raw_calloc(1, 101) == NULL);
    mpy_mem_set_limit(0);
    host.previous.flags = MPY_ALLOCATOR_COMPATIBLE;
    CHILD_CHECK(mpy_mem_set_allocator(MPY_DOMAIN_RAW, &host.previous) == 0);
    CHILD_CHECK(mpyi_domain_host(MPY_DOMAIN_RAW) == NULL);
    long calls = host.calls;
    mpy_raw_free(p);
    mpy_raw_free(old);
    CHILD_CHECK(host.calls == calls);
}

/* Each distinct one is kept once, however often it comes. */
static void
many_installations(void)
{
    enum { DISTINCT = 200 };
    static struct test_host hosts[DISTINCT];
    const mpy_allocator *first[DISTINCT];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < DISTINCT; i++) {
            mpy_allocator a = test_host_allocator(&hosts[i], MPY_ALLOCATOR_COMPATIBLE);
            CHILD_CHECK(mpy_mem_set_allocator(MPY_DOMAIN_RAW, &a) == 0);
            const mpy_allocator *now = mpyi_domain_host(MPY_DOMAIN_RAW);
            CHILD_CHECK(now->ctx == &hosts[i]);
            CHILD_CHECK(round == 0 || now == first[i]);
            first[i] = now;
        }
    }
    mpyi_os_fail_after(1);
    mpy_allocator a = test_host_allocator(&host, MPY_ALLOCATOR_COMPATIBLE);
    int refused = 0;
    for (uintptr_t i = 1; i < 100 && !refused; i++) {
        a.ctx = (void *)i;
        refused = mpy_mem_set_allocator(MPY_DOMAIN_RAW, &a) != 0;
    }
    CHILD_CHECK(refused && mpy_status_last() == MPY_E_NOMEM);
    mpyi_os_fail_after(0);
}

static void
the_raw_domain(void **state)
{
    (void)state;
    test_child_succeeds(raw_under_a_replacement);
    test_child_succeeds(raw_under_a_wrapper);
    test_child_succeeds(many_installations);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(sizes_of_other_versions),
        cmocka_unit_test(the_raw_domain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
