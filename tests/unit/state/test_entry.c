/* SPDX-License-Identifier: MIT */
/*
 * unit/state/test_entry.c - when public functions are looked at, and what the looking does.
 *
 * What is fatal is in tests/api/test_misuse.c.
 */
#include "support/api_world.h"

#include "minipy/debug.h"

#include "alloc/rtheap.h"
#include "state/state.h"

static void
test_follows_the_checks(void **state)
{
    static const uint32_t masks[] = {MPY_CHECK_ERROR_SET, MPY_CHECK_OWNER, MPY_CHECK_ALL};
    struct api_world *w = *state;
    struct mpyi_thread *t = mpyi_current();
    assert_ptr_equal(mpyi_entry(), t);
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        mpy_runtime *scopes[] = {NULL, w->rt};
        for (size_t k = 0; k < 2; k++) {
            assert_int_equal(mpy_debug_set_checks(scopes[k], masks[i]), 0);
            assert_null(mpyi_entry());
            assert_ptr_equal(mpyi_current(), t);
            assert_ptr_equal(mpyi_enter("f"), t);
            assert_ptr_equal(mpyi_enter_any("f"), t);
            assert_int_equal(mpy_debug_set_checks(scopes[k], 0), 0);
            assert_ptr_equal(mpyi_entry(), t);
        }
    }
    /* Those of blocks and of the lock do not need it. */
    assert_int_equal(mpy_debug_set_checks(NULL, MPY_CHECK_LOCK_HELD | MPY_CHECK_RED_ZONES), 0);
    assert_ptr_equal(mpyi_entry(), t);
    assert_int_equal(mpy_debug_set_checks(NULL, 0), 0);
}

static void
test_follows_the_lock(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    (void)state;
    mpy_thread_token *token = mpy_gil_release();
    assert_null(mpyi_entry());
    assert_null(mpyi_enter_any("f"));
    assert_int_equal(mpy_status_last(), MPY_E_NOT_ATTACHED);
    mpy_gil_acquire(token);
    assert_ptr_equal(mpyi_entry(), t);
    assert_int_equal(mpy_debug_set_checks(NULL, MPY_CHECK_OWNER), 0);
    token = mpy_gil_release();
    assert_null(mpyi_enter("f"));
    mpy_gil_acquire(token);
    assert_null(mpyi_entry());
    assert_ptr_equal(mpyi_enter("f"), t);
    assert_int_equal(mpy_debug_set_checks(NULL, 0), 0);
}

/* Objects of every sort, made with checks and before them: all are the runtime's own. */
static void
test_own_objects(void **state)
{
    struct api_world *w = *state;
    mpy_object *v[2 * API_KINDS + 4];
    size_t n = 0;
    static char large[100000];
    for (size_t i = 0; i + 1 < sizeof large; i++) {
        large[i] = 'x';
    }
    for (int checked = 0; checked < 2; checked++) {
        for (int kind = 0; kind < API_KINDS; kind++) {
            v[n++] = api_make(w, kind);
        }
        v[n++] = api_good(mpy_str_from_utf8(large));
        v[n++] = api_good(mpy_int_from_i64(checked));
        assert_int_equal(mpy_debug_set_checks(NULL, MPY_CHECK_ALL), 0);
    }
    for (size_t i = 0; i < n; i++) {
        assert_non_null(mpyi_enter3("f", v[i], v[n - 1 - i], NULL));
        assert_non_null(mpyi_enter_any2("f", v[i], NULL));
    }
    assert_non_null(mpyi_enter_items("f", v[0], v, n));
    assert_non_null(mpyi_enter_items("f", NULL, NULL, 5));
    assert_non_null(mpyi_enter_items("f", NULL, v, SIZE_MAX));
    mpy_decref_many(v, n);
    assert_int_equal(mpy_debug_set_checks(NULL, 0), 0);
}

/* The error remembers who set it, and takes that along. */
static void
test_error_site(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_error saved;
    (void)state;
    assert_int_equal(mpy_debug_set_checks(NULL, MPY_CHECK_ERROR_SET), 0);
    mpyi_err_set(MPY_EXC_VALUE_ERROR, "text");
    const void *site = t->error.site;
    assert_non_null(site);
    mpyi_err_save(t, &saved);
    mpyi_err_set(MPY_EXC_KEY_ERROR, "another");
    mpyi_err_load(t, &saved);
    assert_ptr_equal(t->error.site, site);
    mpyi_err_clear(t);
    assert_int_equal(mpy_debug_set_checks(NULL, 0), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_follows_the_checks, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_follows_the_lock, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_own_objects, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_error_site, api_setup, api_teardown),
    };
    return cmocka_run_group_tests_name("entry", tests, NULL, NULL);
}
