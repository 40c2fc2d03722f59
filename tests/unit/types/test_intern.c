/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_intern.c - the table: identity, growth, purges, static strs, failures.
 */
#include "support/api_world.h"
#include "support/transcript.h"

#include <stdio.h>
#include <stdlib.h>

#include "types/intern.h"

static struct mpyi_intern *
table(void)
{
    return mpyi_current()->rt->intern;
}

static mpy_object *
intern_number(unsigned i)
{
    char text[32];
    int n = snprintf(text, sizeof text, "name number %u", i);
    return api_good(mpyi_intern_utf8(mpyi_current(), text, (size_t)n));
}

static void
test_static_strs_are_there(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    size_t n, i;
    struct mpyi_str *const *all = mpyi_static_strs(&n);
    (void)state;
    assert_in_range(n, 129, 1023); /* at 1024 the list is full: some would not be in it */
    for (i = 0; i < n; i++) {
        struct mpyi_str *s = all[i];
        assert_true(mpyi_str_is_interned(s) && s->hash != 0 && (s->word & MPYI_STR_STATIC) != 0);
        assert_ptr_equal(mpyi_intern_find(t, mpyi_str_data(s), mpyi_str_size(s)), s);
        assert_ptr_equal(mpyi_intern_str(t, s), mpyi_str_object(s));
    }
    assert_int_equal(mpyi_intern_check(table()), 0);
}

MPYI_STATIC_STR(one_text, "the same text twice");
MPYI_STATIC_STR(other_text, "the same text twice");

static void
test_one_of_each_text(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    (void)state;
    assert_int_equal(mpyi_str_is_interned(one_text) + mpyi_str_is_interned(other_text), 1);
    assert_true(mpyi_str_equal(one_text, other_text));
    assert_ptr_equal(mpyi_intern_str(t, one_text), mpyi_intern_str(t, other_text));
}

static void
test_identity(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    mpy_object *plain = api_good(mpyi_str_new(t, "test", "some name", 9)), *a, *b, *c;
    mpy_object *twin = api_good(mpyi_str_new(t, "test", "some name", 9));
    (void)state;
    assert_null(mpyi_intern_find(t, "some name", 9));
    a = api_good(mpyi_intern_str(t, mpyi_str_of(plain)));
    assert_ptr_equal(a, plain);
    b = api_good(mpyi_intern_str(t, mpyi_str_of(twin)));
    assert_ptr_equal(b, plain);
    assert_false(mpyi_str_is_interned(mpyi_str_of(twin)));
    c = api_good(mpyi_intern_utf8(t, "some name", 9));
    assert_ptr_equal(c, plain);
    assert_ptr_equal(mpyi_intern_find(t, "some name", 9), mpyi_str_of(plain));
    assert_int_equal(mpyi_intern_check(table()), 0);
    mpy_decref(a);
    mpy_decref(b);
    mpy_decref(c);
    mpy_decref(plain);
    mpy_decref(twin);
}

/* Names in use survive growth; those nobody holds do not make the table grow for ever. */
static void
test_growth_and_purge(void **state)
{
    enum { KEPT = 3000 };
    mpy_object **kept = malloc(KEPT * sizeof *kept), *o;
    size_t capacity, purges = table()->purges;
    unsigned i;
    (void)state;
    for (i = 0; i < KEPT; i++) {
        kept[i] = intern_number(i);
    }
    capacity = table()->mask + 1;
    for (i = KEPT; i < 20 * KEPT; i++) {
        mpy_decref(intern_number(i));
    }
    assert_int_equal(mpyi_intern_check(table()), 0);
    assert_true(table()->purges > purges);
    assert_true(table()->mask + 1 <= 4 * capacity);
    for (i = 0; i < KEPT; i++) {
        o = intern_number(i);
        assert_ptr_equal(o, kept[i]);
        mpy_decref(o);
        mpy_decref(kept[i]);
    }
    assert_true(mpyi_intern_purge(mpyi_current()) >= KEPT);
    assert_int_equal(mpyi_intern_check(table()), 0);
    assert_null(mpyi_intern_find(mpyi_current(), "name number 7", 13));
    assert_int_equal(mpyi_intern_purge(mpyi_current()), 0);
    free(kept);
}

static void
test_check_finds_faults(void **state)
{
    struct mpyi_intern broken = *table();
    mpy_object *o = intern_number(1);
    (void)state;
    broken = *table();
    broken.used++;
    assert_int_equal(mpyi_intern_check(&broken), -1);
    mpyi_str_of(o)->word &= ~MPYI_STR_INTERNED;
    assert_int_equal(mpyi_intern_check(table()), -1);
    mpyi_str_of(o)->word |= MPYI_STR_INTERNED;
    mpyi_str_of(o)->hash++;
    assert_int_equal(mpyi_intern_check(table()), -1);
    mpyi_str_of(o)->hash--;
    assert_int_equal(mpyi_intern_check(table()), 0);
    mpy_decref(o);
}

static int
fill_table(void *data)
{
    struct mpyi_intern *in = table();
    unsigned *next = data;
    (void)mpyi_intern_purge(mpyi_current());
    for (size_t room = (in->mask + 1) / 2 - in->used + 1; room > 0; room--) {
        char text[40];
        int n = snprintf(text, sizeof text, "filler %u", (*next)++);
        mpy_object *o = mpyi_intern_utf8(mpyi_current(), text, (size_t)n);
        if (o == NULL) {
            assert_int_equal(mpyi_intern_check(in), 0);
            return -1;
        }
        mpy_decref(o);
    }
    return 0;
}

static void
test_out_of_memory(void **state)
{
    struct api_world *world = *state;
    unsigned next = 0;
    assert_true(inject_each(world->rt, fill_table, &next) > 100);
    assert_int_equal(mpyi_intern_check(table()), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_static_strs_are_there, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_one_of_each_text, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_identity, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_growth_and_purge, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_check_finds_faults, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_out_of_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
