/* SPDX-License-Identifier: MIT */
/*
 * test_family.c - the malloc family, as a program sees it: alignment, sizes, errors, errno.
 *
 * Sizes and pointers pass through volatile variables where the compiler would otherwise answer
 * itself. The same program runs in every way the library can be set up; see CMakeLists.txt.
 */
#include "preload_test.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define ERRNO_MARK 4711
#define HUGE_SIZES (size_t) PTRDIFF_MAX + 1, SIZE_MAX - 4096, SIZE_MAX - 1, SIZE_MAX

static const size_t sizes[] = {0,     1,     7,     8,      9,      15,     16,   17,
                               24,    31,    48,    100,    128,    255,    511,  512,
                               513,   600,   1000,  1024,   4095,   4096,   4097, 9000,
                               65535, 65536, 65537, 131072, 200000, 1 << 20};
#define SIZE_COUNT (sizeof sizes / sizeof sizes[0])

static void
fill(void *p, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++) {
        ((unsigned char *)p)[i] = (unsigned char)(i * 31 + seed);
    }
}

static void
check(const void *p, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(((const unsigned char *)p)[i], (unsigned char)(i * 31 + seed));
    }
}

static void
small_blocks_come_from_pools(void **state)
{
    (void)state;
    void *small = malloc(100);
    void *large = malloc(5000);
    assert_int_equal(preload_block(small), 112);
    assert_int_equal(preload_block(large), 0);
    free(small);
    free(large);
}

/* 16 bytes from a request of 9 bytes on (no object of up to 8 bytes needs more than 8), from every
   way to allocate. */
static void
blocks_are_aligned(void **state)
{
    (void)state;
    void *live[SIZE_COUNT][4];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < SIZE_COUNT; i++) {
            volatile size_t n = sizes[i];
            live[i][0] = malloc(n);
            live[i][1] = calloc(1, n);
            live[i][2] = realloc(NULL, n);
            live[i][3] = realloc(malloc(40), n + 1);
            for (int k = 0; k < 4; k++) {
                assert_non_null(live[i][k]);
                size_t asked = n + (k == 3);
                assert_int_equal((uintptr_t)live[i][k] % (asked > 8 ? 16 : 8), 0);
                assert_true(malloc_usable_size(live[i][k]) >= asked);
            }
        }
        for (size_t i = 0; i < SIZE_COUNT; i++) {
            for (int k = 0; k < 4; k++) {
                free(live[i][k]);
            }
        }
    }
}

/* Programs keep data up to malloc_usable_size(): realloc has to move all of it. */
static void
realloc_keeps_usable_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        for (size_t k = 0; k < SIZE_COUNT; k++) {
            volatile size_t n = sizes[i];
            char *p = malloc(n);
            size_t usable = malloc_usable_size(p);
            fill(p, usable, (unsigned)i);
            volatile size_t m = sizes[k] + (sizes[k] == 0);
            char *q = realloc(p, m);
            assert_non_null(q);
            check(q, usable < m ? usable : m, (unsigned)i);
            assert_true(malloc_usable_size(q) >= m);
            free(q);
        }
    }
    assert_int_equal(malloc_usable_size(NULL), 0);
}

static void
realloc_to_nothing_frees(void **state)
{
    (void)state;
    volatile size_t zero = 0;
    errno = ERRNO_MARK;
    assert_null(realloc(malloc(10), zero));
    assert_null(realloc(malloc(100000), zero));
    void *p = realloc(NULL, zero);
    assert_non_null(p);
    free(p);
    assert_int_equal(errno, ERRNO_MARK);
    void *a = malloc(zero);
    void *b = malloc(zero);
    assert_true(a != NULL && b != NULL && a != b);
    free(a);
    free(b);
}

static void
calloc_gives_zeroes(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < SIZE_COUNT; i++) {
            size_t n = sizes[i];
            unsigned char *p = malloc(n);
            memset(p, 0xff, malloc_usable_size(p));
            free(p);
            volatile size_t count = n;
            p = calloc(count, 1);
            assert_non_null(p);
            for (size_t k = 0; k < n; k++) {
                assert_int_equal(p[k], 0);
            }
            free(p);
        }
    }
}

/* ---- errors ---------------------------------------------------------------------------------- */

#define ASSERT_NOMEM(expression)                                                                   \
    do {                                                                                           \
        errno = 0;                                                                                 \
        assert_null(expression);                                                                   \
        assert_int_equal(errno, ENOMEM);                                                           \
    } while (0)

static void
huge_requests_fail(void **state)
{
    (void)state;
    static const size_t huge[] = {HUGE_SIZES};
    for (size_t i = 0; i < sizeof huge / sizeof huge[0]; i++) {
        volatile size_t n = huge[i];
        ASSERT_NOMEM(malloc(n));
        ASSERT_NOMEM(calloc(1, n));
        ASSERT_NOMEM(calloc(n, 1));
        ASSERT_NOMEM(aligned_alloc(64, n));
        ASSERT_NOMEM(memalign(64, n));
        ASSERT_NOMEM(valloc(n));
        ASSERT_NOMEM(pvalloc(n));
        void *volatile block = malloc(40);
        fill(block, 40, 1);
        ASSERT_NOMEM(realloc(block, n));
        ASSERT_NOMEM(reallocarray(block, 1, n));
        check(block, 40, 1);
        free(block);
        void *p = &p;
        errno = ERRNO_MARK;
        assert_int_equal(posix_memalign(&p, 64, n), ENOMEM);
        assert_ptr_equal(p, &p);
        assert_int_equal(errno, ERRNO_MARK);
    }
}

static void
products_may_not_overflow(void **state)
{
    (void)state;
    volatile size_t half = SIZE_MAX / 2 + 1;
    volatile size_t root = (size_t)1 << 32;
    void *volatile p = malloc(24);
    ASSERT_NOMEM(calloc(half, 2));
    ASSERT_NOMEM(calloc(2, half));
    ASSERT_NOMEM(calloc(root, root));
    ASSERT_NOMEM(calloc(root + 1, root));
    ASSERT_NOMEM(reallocarray(p, half, 2));
    ASSERT_NOMEM(reallocarray(p, root, root));
    ASSERT_NOMEM(reallocarray(NULL, root, root));
    p = reallocarray(p, 30, 10);
    assert_true(malloc_usable_size(p) >= 300);
    free(p);
}

static void
wrong_alignments_are_refused(void **state)
{
    (void)state;
    static const size_t wrong[] = {0, 1, 2, 3, 4, 5, 7, 9, 12, 24, 48, 100, 4097, SIZE_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        volatile size_t alignment = wrong[i];
        void *p = &p;
        errno = ERRNO_MARK;
        assert_int_equal(posix_memalign(&p, alignment, 64), EINVAL);
        assert_ptr_equal(p, &p);
        assert_int_equal(errno, ERRNO_MARK);
        if ((alignment & (alignment - 1)) != 0 || alignment == 0) {
            errno = 0;
            assert_null(aligned_alloc(alignment, 64));
            assert_int_equal(errno, EINVAL);
        }
    }
    /* memalign() rounds up, until there is no power of two left. */
    volatile size_t odd = 48;
    void *p = memalign(odd, 10);
    assert_int_equal((uintptr_t)p % 64, 0);
    free(p);
    odd = SIZE_MAX;
    errno = 0;
    assert_null(memalign(odd, 10));
    assert_int_equal(errno, EINVAL);
    odd = SIZE_MAX / 2 + 1; /* the largest power of two */
    ASSERT_NOMEM(memalign(odd, 10));
    ASSERT_NOMEM(aligned_alloc(odd, 10));
}

/* free() in all its ways leaves errno alone, an allocation that works, too. */
static void
errno_is_kept(void **state)
{
    (void)state;
    enum { BLOCKS = 3000 };
    static void *blocks[BLOCKS];
    errno = ERRNO_MARK;
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < BLOCKS; i++) {
            blocks[i] = malloc((i * 37) % 900 + (i % 100 == 0 ? 300000 : 0));
            assert_int_equal(errno, ERRNO_MARK);
        }
        for (size_t i = 0; i < BLOCKS; i++) {
            free(blocks[i]);
            assert_int_equal(errno, ERRNO_MARK);
        }
        free(NULL);
    }
    assert_int_equal(malloc_trim(0) & ~1, 0);
    errno = ERRNO_MARK;
    free(realloc(malloc(100), 100000));
    free(calloc(1000, 100));
    free(aligned_alloc(4096, 8192));
    assert_int_equal(errno, ERRNO_MARK);
}

/* ---- alignments ------------------------------------------------------------------------------ */

static void
every_alignment_is_served(void **state)
{
    (void)state;
    for (size_t alignment = 8; alignment <= (size_t)1 << 21; alignment *= 2) {
        static const size_t amounts[] = {0, 1, 8, 24, 100, 512, 513, 5000, 70000};
        for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
            void *p[4];
            assert_int_equal(posix_memalign(&p[0], alignment, amounts[i]), 0);
            p[1] = aligned_alloc(alignment, amounts[i]);
            p[2] = memalign(alignment, amounts[i]);
            p[3] = memalign(alignment - 1, amounts[i]);
            for (int k = 0; k < 4; k++) {
                assert_non_null(p[k]);
                assert_int_equal((uintptr_t)p[k] % alignment, 0);
                assert_true(malloc_usable_size(p[k]) >= amounts[i]);
                fill(p[k], amounts[i], (unsigned)k);
            }
            for (int k = 0; k < 4; k++) {
                p[k] = realloc(p[k], amounts[i] + 1000);
                check(p[k], amounts[i], (unsigned)k);
                free(p[k]);
            }
        }
    }
}

static void
pages(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *p = valloc(10);
    void *q = pvalloc(page + 1);
    void *r = pvalloc(0);
    assert_int_equal((uintptr_t)p % page, 0);
    assert_int_equal((uintptr_t)q % page, 0);
    assert_true(malloc_usable_size(q) >= 2 * page);
    assert_true(malloc_usable_size(r) >= page);
    free(p);
    free(q);
    free(r);
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* Not in this system's headers: found as programs of newer systems find them. */
static void
sized_frees_of_c23(void **state)
{
    (void)state;
    void (*free_sized)(void *, size_t) = NULL;
    void (*free_aligned_sized)(void *, size_t, size_t) = NULL;
    void (*cfree)(void *) = NULL;
    *(void **)&free_sized = dlsym(RTLD_DEFAULT, "free_sized");
    *(void **)&free_aligned_sized = dlsym(RTLD_DEFAULT, "free_aligned_sized");
    *(void **)&cfree = dlsym(RTLD_DEFAULT, "cfree");
    assert_true(free_sized != NULL && free_aligned_sized != NULL && cfree != NULL);
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        free_sized(malloc(sizes[i]), sizes[i]);
        free_sized(malloc(sizes[i]), sizes[i] + 1000); /* wrong, and forgiven */
        free_aligned_sized(aligned_alloc(64, sizes[i]), 64, sizes[i]);
        cfree(malloc(sizes[i]));
    }
    free_sized(NULL, 10);
    free_aligned_sized(NULL, 64, 10);
}

static void
figures_follow(void **state)
{
    (void)state;
    enum { BLOCKS = 10000 };
    static void *blocks[BLOCKS];
    struct mallinfo2 before = mallinfo2();
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(200);
    }
    void *large = malloc(1 << 20);
    struct mallinfo2 after = mallinfo2();
    assert_true(after.uordblks >= before.uordblks + BLOCKS * 208 + (1 << 20) - 100000);
    assert_true(after.arena >= after.fordblks && after.hblkhd >= 1 << 20 && after.hblks >= 1);
    for (size_t i = 0; i < BLOCKS; i++) {
        free(blocks[i]);
    }
    free(large);
    (void)malloc_trim(0);
    struct mallinfo2 trimmed = mallinfo2();
    assert_true(trimmed.uordblks < before.uordblks + 300000);
    assert_true(trimmed.arena <= before.arena + (1 << 20));
    assert_int_equal(mallopt(M_MMAP_THRESHOLD, 1 << 20), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_blocks_come_from_pools),
        cmocka_unit_test(blocks_are_aligned),
        cmocka_unit_test(realloc_keeps_usable_bytes),
        cmocka_unit_test(realloc_to_nothing_frees),
        cmocka_unit_test(calloc_gives_zeroes),
        cmocka_unit_test(huge_requests_fail),
        cmocka_unit_test(products_may_not_overflow),
        cmocka_unit_test(wrong_alignments_are_refused),
        cmocka_unit_test(errno_is_kept),
        cmocka_unit_test(every_alignment_is_served),
        cmocka_unit_test(pages),
        cmocka_unit_test(sized_frees_of_c23),
        cmocka_unit_test(figures_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
