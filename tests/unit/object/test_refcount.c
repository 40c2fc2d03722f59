/* SPDX-License-Identifier: MIT */
/*
 * unit/object/test_refcount.c - counts at their limits, dead objects, many references at once.
 *
 * What is fatal leaves through the handler with a long jump.
 */
#include "support/api_world.h"

#include "minipy/debug.h"

#include "object/object.h"

#include <string.h>

static jmp_buf escape;
static char last_text[300];
static int jump;

static void
handler(void *data, const char *text)
{
    (void)data;
    strncpy(last_text, text, sizeof last_text - 1);
    if (jump) {
        longjmp(escape, 1);
    }
}

/* 1 when the call ended in the fatal handler. */
static int
is_fatal(void (*call)(mpy_object *), mpy_object *o)
{
    volatile int fatal = 0;
    last_text[0] = '\0';
    mpy_debug_set_fatal_handler(handler, NULL);
    jump = 1;
    if (setjmp(escape) == 0) {
        call(o);
    } else {
        fatal = 1;
    }
    jump = 0;
    mpy_debug_set_fatal_handler(NULL, NULL);
    return fatal;
}

static void
do_incref(mpy_object *o)
{
    mpy_incref(o);
}

static void
do_decref(mpy_object *o)
{
    mpy_decref(o);
}

static void
test_saturation(void **state)
{
    mpy_object *o = api_make(*state, API_LIST);
    mpyi_head(o)->refcnt = 0x7FFFFFFEu;
    mpy_incref(o);
    assert_int_equal(mpyi_head(o)->refcnt, 0x7FFFFFFFu);
    mpy_debug_set_fatal_handler(handler, NULL);
    mpy_incref(o);
    mpy_debug_set_fatal_handler(NULL, NULL);
    assert_non_null(strstr(last_text, "type list overflowed"));
    assert_int_equal(mpy_refcount(o), 0xC0000000u);
    last_text[0] = '\0';
    mpy_incref(o);
    mpy_decref(o);
    assert_string_equal(last_text, "");

    mpyi_head(o)->refcnt = 0x80000002u;
    mpy_debug_set_fatal_handler(handler, NULL);
    mpy_decref(o);
    mpy_debug_set_fatal_handler(NULL, NULL);
    assert_non_null(strstr(last_text, "type list overflowed"));
    /* The end of what counts as overflow. */
    mpyi_head(o)->refcnt = 0x8000FFFFu;
    mpy_debug_set_fatal_handler(handler, NULL);
    mpy_decref(o);
    mpy_debug_set_fatal_handler(NULL, NULL);
    assert_int_equal(mpy_refcount(o), 0xC0000000u);
    mpyi_head(o)->refcnt = 0x80010000u;
    assert_true(is_fatal(do_decref, o));
    assert_non_null(strstr(last_text, "'list' is dead"));
    mpyi_head(o)->refcnt = 0x80010000u;
    assert_true(is_fatal(do_incref, o));
    assert_non_null(strstr(last_text, "'list' is dead"));
    mpyi_head(o)->refcnt = 1;
    mpy_decref(o);
}

/* What an idle object loses makes it a candidate; the last reference is its end all the same. */
static void
test_idle(void **state)
{
    mpy_object *o = api_make(*state, API_LIST);
    mpy_incref(o);
    mpy_incref(o);
    mpyi_head(o)->gcword |= MPY_PRIV_GC_IDLE;
    mpy_decref(o);
    assert_int_equal(mpyi_head(o)->refcnt, 2);
    assert_int_equal(mpyi_head(o)->gcword & MPY_PRIV_GC_IDLE, 0);
    mpyi_head(o)->gcword |= MPY_PRIV_GC_IDLE;
    mpy_decref(o);
    assert_int_equal(mpyi_head(o)->refcnt, 1);
    mpyi_head(o)->gcword |= MPY_PRIV_GC_IDLE;
    mpy_decref(o);
}

static void
test_underflow(void **state)
{
    mpy_object *o = api_make(*state, API_TUPLE);
    mpyi_head(o)->refcnt = 0;
    assert_true(is_fatal(do_decref, o));
    assert_non_null(strstr(last_text, "'tuple' fell below 0"));
    mpyi_head(o)->refcnt = 1;
    mpy_decref(o);
}

static void
test_dead(void **state)
{
    mpy_object *o = api_make(*state, API_DICT);
    struct mpy_priv_header kept = *mpyi_head(o);
    mpyi_head(o)->refcnt = MPY_PRIV_REFCNT_DEAD;
    assert_true(is_fatal(do_incref, o));
    assert_non_null(strstr(last_text, "mpy_incref"));
    assert_non_null(strstr(last_text, "'dict' is dead"));
    assert_true(is_fatal(do_decref, o));
    assert_non_null(strstr(last_text, "mpy_decref"));
    /* The type can be anything, too. */
    mpyi_head(o)->type = (const struct mpy_priv_type_head *)(uintptr_t)0xDBDBDBDBDBDBDBD8u;
    assert_true(is_fatal(do_decref, o));
    assert_non_null(strstr(last_text, "'unknown type'"));
    mpyi_head(o)->type = (const struct mpy_priv_type_head *)(const void *)last_text;
    assert_true(is_fatal(do_decref, o));
    assert_non_null(strstr(last_text, "'unknown type'"));
    *mpyi_head(o) = kept;
    mpy_decref(o);
}

static void
test_many(void **state)
{
    mpy_object *o = api_make(*state, API_LIST);
    mpy_object *v[] = {o, NULL, MPY_NONE, o, mpy_int_from_i64(3)};
    mpy_incref_many(v, 5);
    assert_int_equal(mpy_refcount(o), 3);
    mpy_decref_many(v, 5);
    assert_int_equal(mpy_refcount(o), 1);
    mpy_decref_many(v, 0);
    mpy_decref(o);
}

static void
test_count_and_id(void **state)
{
    mpy_object *a = api_make(*state, API_LIST);
    mpy_object *b = api_make(*state, API_LIST);
    mpy_object *type = api_make(*state, API_TYPE);
    assert_int_equal(mpy_refcount(NULL), 0);
    assert_int_equal(mpy_refcount(a), 1);
    assert_int_equal(mpy_refcount(MPY_NONE), 0xC0000000u);
    assert_int_equal(mpy_refcount(type), 0xC0000000u);
    assert_true(mpy_object_id(a) != mpy_object_id(b));
    assert_true(mpy_object_id(a) == mpy_object_id(a));
    mpy_decref(a);
    mpy_decref(b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_saturation, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_idle, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_underflow, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_dead, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_many, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_count_and_id, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
