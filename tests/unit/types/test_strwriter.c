/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_strwriter.c - growth out of the inline space, character counts, failures.
 */
#include "support/api_world.h"
#include "support/transcript.h"

#include "types/strwriter.h"

#define EURO "\xE2\x82\xAC"

static void
test_grows(void **state)
{
    struct mpy_strwriter w;
    size_t i, n = 0;
    mpy_object *o;
    (void)state;
    mpyi_writer_init(&w, mpyi_current());
    assert_ptr_equal(w.data, w.space);
    for (i = 0; i < 3000; i++) {
        assert_int_equal(mpyi_writer_text(&w, "abc"), 0);
        assert_int_equal(mpyi_writer_char(&w, i % 2 != 0 ? 0x20AC : 'x'), 0);
        n += i % 2 != 0 ? 6 : 4;
        assert_int_equal(w.length, n);
        assert_int_equal(w.chars, 4 * (i + 1));
        assert_true(w.capacity >= w.length);
    }
    assert_ptr_not_equal(w.data, w.space);
    o = api_good(mpyi_writer_finish(&w));
    assert_ptr_equal(w.data, w.space);
    assert_int_equal(mpyi_str_size(mpyi_str_of(o)), n);
    assert_int_equal(mpyi_str_chars(mpyi_str_of(o)), 12000);
    assert_memory_equal(mpyi_str_data(mpyi_str_of(o)), "abcxabc" EURO "abcx", 14);
    mpy_decref(o);
}

static void
test_empty(void **state)
{
    struct mpy_strwriter w;
    (void)state;
    mpyi_writer_init(&w, mpyi_current());
    assert_ptr_equal(mpyi_writer_finish(&w), mpyi_str_object(mpyi_str_empty()));
}

static void
test_objects(void **state)
{
    struct mpy_strwriter w;
    mpy_object *s = api_good(mpy_str_from_utf8("a'" EURO)), *o;
    (void)state;
    mpyi_writer_init(&w, mpyi_current());
    assert_int_equal(mpyi_writer_object(&w, s), 0);
    assert_int_equal(mpyi_writer_repr(&w, s), 0);
    assert_int_equal(mpyi_writer_object(&w, MPY_NONE), 0);
    o = api_good(mpyi_writer_finish(&w));
    assert_string_equal(mpyi_str_data(mpyi_str_of(o)), "a'" EURO "\"a'" EURO "\"None");
    mpy_decref(o);
    mpy_decref(s);
}

/* A failure leaves the text as it was. */
static void
test_failures(void **state)
{
    struct api_world *world = *state;
    struct mpy_strwriter w;
    char many[300];
    mpy_object *o;
    memset(many, 'm', sizeof many);
    mpyi_writer_init(&w, mpyi_current());
    assert_int_equal(mpyi_writer_text(&w, "kept"), 0);
    assert_int_equal(mpyi_writer_utf8(&w, "test", "x\xFF", 2), -1);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpyi_writer_grow(&w, SIZE_MAX), -1);
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_int_equal(mpyi_writer_grow(&w, MPYI_STR_MAX), -1);
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_AFTER, 1), 0);
    assert_int_equal(mpyi_writer_ascii(&w, many, sizeof many), -1);
    assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_int_equal(w.length, 4);
    assert_int_equal(mpyi_writer_ascii(&w, many, sizeof many), 0);
    o = api_good(mpyi_writer_finish(&w));
    assert_int_equal(mpy_str_length(o), 304);
    mpy_decref(o);
}

static int
write_much(void *data)
{
    struct mpy_strwriter w;
    mpy_object *o;
    int i;
    (void)data;
    mpyi_writer_init(&w, mpyi_current());
    for (i = 0; i < 200; i++) {
        if (mpyi_writer_text(&w, "text and more text") < 0) {
            mpyi_writer_discard(&w);
            return -1;
        }
    }
    o = mpyi_writer_finish(&w);
    mpy_xdecref(o);
    return o != NULL ? 0 : -1;
}

static void
test_out_of_memory(void **state)
{
    struct api_world *world = *state;
    assert_true(inject_each(world->rt, write_much, NULL) >= 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_grows, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_empty, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_objects, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_failures, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_out_of_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
