/* SPDX-License-Identifier: MIT */
/*
 * unit/state/test_error.c - the indicator: texts, cutting, what it owns, saving and loading.
 */
#include "support/api_world.h"

#include "state/state.h"

#include <string.h>

static unsigned drops;

static void
count_drop(mpy_object *o)
{
    (void)o;
    drops++;
}

static void
test_set_and_clear(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    (void)state;
    assert_int_equal(mpyi_err_occurred(t), 0);
    assert_null(mpyi_err_set(MPY_EXC_VALUE_ERROR, "first"));
    assert_int_equal(t->error.code, MPY_EXC_VALUE_ERROR);
    assert_string_equal(t->error.text, "first");
    assert_int_equal(t->error.length, 5);
    assert_null(mpyi_err_format(MPY_EXC_KEY_ERROR, "%d of %s", 2, "them"));
    assert_int_equal(t->error.code, MPY_EXC_KEY_ERROR);
    assert_string_equal(t->error.text, "2 of them");
    mpyi_err_clear(t);
    assert_int_equal(mpyi_err_occurred(t), 0);
}

static void
test_cut(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    char text[MPY_ERR_TEXT_MAX + 100];
    (void)state;
    assert_int_equal(mpyi_err_cut("abc", 3, 5), 3);
    assert_int_equal(mpyi_err_cut("abc", 3, 2), 2);
    assert_int_equal(mpyi_err_cut("a\xC3\xA9", 3, 2), 1);
    assert_int_equal(mpyi_err_cut("\xF0\x9F\x98\x80z", 5, 3), 0);
    assert_int_equal(mpyi_err_cut("\xF0\x9F\x98\x80z", 5, 4), 4);
    assert_int_equal(mpyi_err_cut("ab", 2, 0), 0);

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    (void)mpyi_err_set(MPY_EXC_VALUE_ERROR, text);
    assert_int_equal(t->error.length, MPY_ERR_TEXT_MAX);
    memcpy(text + MPY_ERR_TEXT_MAX - 1, "\xC3\xA9", 2);
    (void)mpyi_err_set(MPY_EXC_VALUE_ERROR, text);
    assert_int_equal(t->error.length, MPY_ERR_TEXT_MAX - 1);
    assert_int_equal(strlen(t->error.text), MPY_ERR_TEXT_MAX - 1);
    (void)mpyi_err_format(MPY_EXC_VALUE_ERROR, "%s", text);
    assert_int_equal(t->error.length, MPY_ERR_TEXT_MAX - 1);
    mpyi_err_clear(t);
}

static void
test_owned(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_error saved;
    (void)state;
    drops = 0;
    mpyi_err_put(t, MPY_EXC_KEY_ERROR, MPY_NONE, MPY_TRUE, count_drop, "", 0);
    mpyi_err_put(t, MPY_EXC_KEY_ERROR, NULL, MPY_TRUE, count_drop, "two", 3);
    assert_int_equal(drops, 2);
    assert_string_equal(t->error.text, "two");
    assert_ptr_equal(t->error.value, MPY_TRUE);

    mpyi_err_save(t, &saved);
    assert_int_equal(mpyi_err_occurred(t), 0);
    assert_null(t->error.value);
    assert_true(t->error.drop == NULL);
    (void)mpyi_err_set(MPY_EXC_TYPE_ERROR, "between");
    mpyi_err_load(t, &saved);
    assert_int_equal(saved.code, 0);
    assert_int_equal(t->error.code, MPY_EXC_KEY_ERROR);
    assert_ptr_equal(t->error.value, MPY_TRUE);
    assert_string_equal(t->error.text, "two");

    (void)mpyi_err_set(MPY_EXC_TYPE_ERROR, "text alone");
    assert_int_equal(drops, 3);
    assert_null(t->error.value);
    assert_string_equal(t->error.text, "text alone");
    mpyi_err_put(t, MPY_EXC_KEY_ERROR, MPY_NONE, NULL, count_drop, "", 0);
    mpyi_err_clear(t);
    assert_int_equal(drops, 4);
    assert_null(t->error.type);
    assert_true(t->error.drop == NULL);
}

/* Saving nothing and loading it leaves no error. */
static void
test_save_nothing(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_error saved;
    (void)state;
    mpyi_err_save(t, &saved);
    (void)mpyi_err_no_memory();
    assert_int_equal(t->error.code, MPY_EXC_MEMORY_ERROR);
    mpyi_err_load(t, &saved);
    assert_int_equal(mpyi_err_occurred(t), 0);
}

static void
test_not_attached(void **state)
{
    mpy_thread_token *token = mpy_gil_release();
    (void)state;
    assert_null(mpyi_err_set(MPY_EXC_VALUE_ERROR, "nobody sees it"));
    assert_int_equal(mpy_status_last(), MPY_E_NOT_ATTACHED);
    assert_null(mpyi_err_no_memory());
    assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
    mpy_gil_acquire(token);
    assert_int_equal(mpy_err_occurred(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_set_and_clear, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_cut, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_owned, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_save_nothing, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_not_attached, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
