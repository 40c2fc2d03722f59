/* SPDX-License-Identifier: MIT */
/*
 * test_tls.c - a thread starts with closed null heaps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/tls.h"

#include <pthread.h>

static void *
inspect(void *data)
{
    int *good = data;
    *good = mpy_priv_tls.mem == &mpyi_null_heap && mpy_priv_tls.obj == &mpyi_null_heap &&
            mpy_priv_tls.thread == NULL && mpyi_tls.last_status == MPY_OK && mpyi_tls.exits == 0;
    return NULL;
}

static void
every_thread_starts_without_heaps(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        int good = 0;
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, inspect, &good), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(good);
    }
}

static void
null_heap_is_closed(void **state)
{
    (void)state;
    int word;
    for (unsigned c = 0; c <= MPY_CLASS_COUNT; c++) {
        struct mpy_priv_bin *bin = &mpyi_null_heap.bins[c];
        assert_null(mpy_priv_bin_pop(bin));
        assert_int_equal(mpy_priv_bin_push(bin, &word), 0);
        assert_null(bin->top);
        assert_null(bin->lo);
        assert_null(bin->put);
        assert_null(bin->hi);
    }
}

static void
layout_is_the_frozen_one(void **state)
{
    (void)state;
    assert_int_equal(offsetof(struct mpy_priv_bin, top), 0);
    assert_int_equal(offsetof(struct mpy_priv_bin, lo), 8);
    assert_int_equal(offsetof(struct mpy_priv_bin, put), 16);
    assert_int_equal(offsetof(struct mpy_priv_bin, hi), 24);
    assert_int_equal(sizeof(struct mpy_priv_bin), 32);
    assert_int_equal(sizeof(struct mpy_priv_heap), 32 * 65);
    assert_int_equal(offsetof(struct mpy_priv_tls, mem), 0);
    assert_int_equal(offsetof(struct mpy_priv_tls, obj), 8);
    assert_int_equal(offsetof(struct mpy_priv_tls, thread), 16);
    assert_true(sizeof(struct mpy_priv_tls) + sizeof(struct mpyi_tls) <= 256);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_thread_starts_without_heaps),
        cmocka_unit_test(null_heap_is_closed),
        cmocka_unit_test(layout_is_the_frozen_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
