/* SPDX-License-Identifier: MIT */
/*
 * test_backend.c - large requests' back end: every form of request, and sizes read from headers.
 */
#include "alloc_test.h"

#include "alloc/backend.h"

static void
every_form_of_request(void **state)
{
    (void)state;
    for (size_t n = 513; n < 3000000; n += n / 5) {
        unsigned char *p = mpyi_backend_malloc(n);
        assert_non_null(p);
        assert_true(mpyi_backend_usable(p) >= n);
        memset(p, 7, mpyi_backend_usable(p));
        p = mpyi_backend_realloc(p, 2 * n);
        assert_non_null(p);
        assert_true(mpyi_backend_usable(p) >= 2 * n);
        assert_true(p[0] == 7 && p[n - 1] == 7);
        mpyi_backend_free(p);
        p = mpyi_backend_calloc(n);
        assert_non_null(p);
        for (size_t i = 0; i < n; i += 97) {
            assert_int_equal(p[i], 0);
        }
        mpyi_backend_free(p);
        for (size_t alignment = 16; alignment <= 65536; alignment *= 8) {
            p = mpyi_backend_aligned(alignment, n);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % alignment, 0);
            assert_true(mpyi_backend_usable(p) >= n);
            mpyi_backend_free(p);
        }
    }
}

/* Whether or not headers are read, the answer is the same. */
static void
headers_say_what_malloc_says(void **state)
{
    (void)state;
    assert_int_equal(mpyi_mem_start(), 0);
    int headers = mpyi_backend_headers;
    for (size_t n = 513; n < 3000000; n += n / 9) {
        void *p = mpyi_backend_malloc(n);
        void *q = mpyi_backend_aligned(4096, n);
        size_t size_p = mpyi_backend_usable(p);
        size_t size_q = mpyi_backend_usable(q);
        mpyi_backend_headers = 0;
        assert_int_equal(mpyi_backend_usable(p), size_p);
        assert_int_equal(mpyi_backend_usable(q), size_q);
        mpyi_backend_headers = headers;
        mpyi_backend_free(q);
        mpyi_backend_free(p);
    }
}

static void
no_headers_under_valgrind(void **state)
{
    (void)state;
    int headers = mpyi_backend_headers;
    const char *preloaded = getenv("LD_PRELOAD");
    char *before = preloaded != NULL ? strdup(preloaded) : NULL;
    assert_int_equal(setenv("LD_PRELOAD", "/usr/libexec/valgrind/vgpreload_core-amd64-linux.so", 1),
                     0);
    mpyi_backend_start();
    assert_int_equal(mpyi_backend_headers, 0);
    assert_int_equal(before != NULL ? setenv("LD_PRELOAD", before, 1) : unsetenv("LD_PRELOAD"), 0);
    mpyi_backend_start();
    assert_int_equal(mpyi_backend_headers, headers);
    free(before);
}

/* What is asked for by the size of a bin comes back to this very bin. */
static void
blocks_fit_the_bins(void **state)
{
    (void)state;
    for (size_t n = 513; n <= MPYI_LARGE_CACHED_MAX; n += 31) {
        void *p = mpyi_backend_malloc(mpyi_large_good_size(n));
        size_t size = mpyi_backend_usable(p);
        assert_true(mpyi_large_is_kept(size));
        assert_int_equal(mpyi_large_bin_floor(size), mpyi_large_bin_ceil(n));
        mpyi_backend_free(p);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_request),
        cmocka_unit_test(headers_say_what_malloc_says),
        cmocka_unit_test(no_headers_under_valgrind),
        cmocka_unit_test(blocks_fit_the_bins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
