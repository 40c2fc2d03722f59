/* SPDX-License-Identifier: MIT */
/*
 * test_status.c - texts of status codes, and the last status is the thread's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/status.h"

#include <pthread.h>

static void
every_code_has_its_own_text(void **state)
{
    (void)state;
    for (mpy_status a = MPY_OK; a >= MPY_E_ERROR_SET; a--) {
        assert_non_null(mpy_status_text(a));
        assert_string_not_equal(mpy_status_text(a), "unknown status");
        for (mpy_status b = MPY_OK; b > a; b--) {
            assert_string_not_equal(mpy_status_text(a), mpy_status_text(b));
        }
    }
}

static void
unknown_codes_are_named_so(void **state)
{
    (void)state;
    const mpy_status unknown[] = {1, 77, INT32_MAX, MPY_E_ERROR_SET - 1, -1000, INT32_MIN};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_string_equal(mpy_status_text(unknown[i]), "unknown status");
    }
}

static void *
other_thread(void *data)
{
    mpy_status *seen = data;
    seen[0] = mpy_status_last();
    mpyi_status_set(MPY_E_BUSY);
    seen[1] = mpy_status_last();
    return NULL;
}

static void
last_status_belongs_to_the_thread(void **state)
{
    (void)state;
    assert_int_equal(mpy_status_last(), MPY_OK);
    mpyi_status_set(MPY_E_NOMEM);
    mpy_status seen[2];
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, other_thread, seen), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(seen[0], MPY_OK);
    assert_int_equal(seen[1], MPY_E_BUSY);
    assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_own_text),
        cmocka_unit_test(unknown_codes_are_named_so),
        cmocka_unit_test(last_status_belongs_to_the_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
