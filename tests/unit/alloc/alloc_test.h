/* SPDX-License-Identifier: MIT */
/*
 * unit/alloc/alloc_test.h - what the tests of lib/alloc share: a space and a heap of their own, a
 * runtime heap, and children that are expected to die.
 */
#ifndef MPY_TEST_UNIT_ALLOC_TEST_H
#define MPY_TEST_UNIT_ALLOC_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alloc/check.h"
#include "alloc/memheap.h"
#include "alloc/os.h"
#include "alloc/poison.h"
#include "alloc/pool.h"
#include "alloc/rtheap.h"
#include "alloc/rtlarge.h"
#include "base/hooks.h"
#include "base/status.h"
#include "support/child.h"

#include <stdlib.h>
#include <string.h>

#define TEST_GIB (UINT64_C(1) << 30)

/* A private space, not shared, in range mode, with huge pages or without, or with the map. */
struct test_space {
    struct mpyi_usage usage;
    struct mpyi_space space;
};

enum { TEST_RANGE = 0, TEST_MAP = 1, TEST_HUGE = 2 };

static inline int
test_space_open(struct test_space *test, size_t span, int mode)
{
    memset(test, 0, sizeof *test);
    test->usage.limit = UINT64_MAX;
    const struct mpyi_space_config config = {
        .span = span,
        .span_min = span,
        .map_allowed = mode == TEST_MAP,
        .map_forced = mode == TEST_MAP,
        .huge = mode == TEST_HUGE,
        .usage = &test->usage,
    };
    return mpyi_space_init(&test->space, &config);
}

/* A heap of a given kind in a space of its own. */
struct test_heap {
    struct test_space in;
    struct mpyi_heap *heap;
};

static inline void
test_heap_open(struct test_heap *test, int kind, int map)
{
    assert_int_equal(test_space_open(&test->in, TEST_GIB, map), 0);
    test->heap = mpyi_os_map(sizeof *test->heap, MPY_POOL_SIZE);
    assert_non_null(test->heap);
    mpyi_heap_init(test->heap, &test->in.space, kind);
}

static inline void
test_heap_close(struct test_heap *test)
{
    mpyi_heap_drop_spares(test->heap);
    mpyi_os_release(test->heap, sizeof *test->heap);
    mpyi_space_destroy(&test->in.space);
}

static inline void
test_heap_valid(struct test_heap *test)
{
    assert_int_equal(mpyi_space_check(&test->in.space), 0);
    assert_int_equal(mpyi_heap_check(test->heap), 0);
}

/* One block of a class, the way the slow paths get one. */
static inline void *
test_heap_alloc(struct mpyi_heap *heap, unsigned size_class)
{
    void *p = heap->closed ? mpyi_heap_take(heap, size_class) : mpyi_heap_malloc(heap, size_class);
    if (p != NULL) {
        mpyi_unpoison(p, mpyi_class_size(size_class));
    }
    return p;
}

static inline void
test_heap_free(struct mpyi_heap *heap, unsigned size_class, void *p)
{
    mpyi_poison(p, mpyi_class_size(size_class));
    if (heap->closed) {
        mpyi_heap_put(heap, &p, 1);
    } else if (!mpy_priv_bin_push(&heap->pub.bins[size_class], p)) {
        mpyi_heap_free(heap, size_class, p);
    }
}

/* Some cases are about open magazines, which this build or run may not have: then there is nothing
   to test, and the case ends. (cmocka's skip() is kept for tools that are missing.) */
#define test_need_open_magazines()                                                                 \
    do {                                                                                           \
        if (mpyi_modes_get() != 0) {                                                               \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/* The same for cases about which block comes next: secure builds hand them out in random order. */
#define test_need_ordered_blocks()                                                                 \
    do {                                                                                           \
        if (MPYI_SECURE) {                                                                         \
            return;                                                                                \
        }                                                                                          \
    } while (0)

static inline uint64_t
test_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline void
test_child_body(const void *fn)
{
    (*(void (*const *)(void))fn)();
}

/* The wait status of a child process that runs fn. What it writes to stderr is dropped. */
static inline int
test_in_child(void (*fn)(void))
{
    char text[2];
    return child_run(test_child_body, &fn, text, sizeof text);
}

static inline void
test_dies(void (*fn)(void))
{
    int status = test_in_child(fn);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* fn says by _exit(0) or by returning that all is well. */
static inline void
test_child_succeeds(void (*fn)(void))
{
    int status = test_in_child(fn);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* For use in children, where cmocka's assertions would not be seen. */
#define CHILD_CHECK(cond)                                                                          \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            _exit(__LINE__ & 127 ? __LINE__ & 127 : 1);                                            \
        }                                                                                          \
    } while (0)

#endif /* MPY_TEST_UNIT_ALLOC_TEST_H */
