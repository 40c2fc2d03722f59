/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_twins_object.c - the exported twins, reached by their symbols and not inlined.
 */
#define mpy_incref     inline_incref
#define mpy_decref     inline_decref
#define mpy_xincref    inline_xincref
#define mpy_xdecref    inline_xdecref
#define mpy_newref     inline_newref
#define mpy_xnewref    inline_xnewref
#define mpy_clear      inline_clear
#define mpy_assign     inline_assign
#define mpy_is         inline_is
#define mpy_is_none    inline_is_none
#define mpy_type_check inline_type_check
#include "support/api_world.h"
#undef mpy_incref
#undef mpy_decref
#undef mpy_xincref
#undef mpy_xdecref
#undef mpy_newref
#undef mpy_xnewref
#undef mpy_clear
#undef mpy_assign
#undef mpy_is
#undef mpy_is_none
#undef mpy_type_check

/* The public names, as a binding of another language sees them. */
void
mpy_incref(mpy_object *o);
void
mpy_decref(mpy_object *o);
void
mpy_xincref(mpy_object *o);
void
mpy_xdecref(mpy_object *o);
mpy_object *
mpy_newref(mpy_object *o);
mpy_object *
mpy_xnewref(mpy_object *o);
void
mpy_clear(mpy_object **slot);
void
mpy_assign(mpy_object **slot, mpy_object *value);
int
mpy_is(const mpy_object *a, const mpy_object *b);
int
mpy_is_none(const mpy_object *o);
int
mpy_type_check(const mpy_object *o);

static void
test_counting(void **state)
{
    mpy_object *o = api_make(*state, API_LIST);
    mpy_object *slot = NULL;
    mpy_incref(o);
    assert_int_equal(mpy_refcount(o), 2);
    mpy_xincref(o);
    mpy_xincref(NULL);
    assert_ptr_equal(mpy_newref(o), o);
    assert_ptr_equal(mpy_xnewref(o), o);
    assert_null(mpy_xnewref(NULL));
    assert_int_equal(mpy_refcount(o), 5);
    mpy_decref(o);
    mpy_xdecref(o);
    mpy_xdecref(NULL);
    mpy_decref(o);
    assert_int_equal(mpy_refcount(o), 2);
    mpy_assign(&slot, o);
    assert_ptr_equal(slot, o);
    assert_int_equal(mpy_refcount(o), 3);
    mpy_clear(&slot);
    assert_null(slot);
    mpy_clear(&slot);
    mpy_decref(o);
    assert_int_equal(mpy_refcount(o), 1);
    mpy_decref(o);
    mpy_incref(MPY_NONE);
    mpy_decref(MPY_NONE);
}

static void
test_tests(void **state)
{
    struct api_world *world = *state;
    assert_int_equal(mpy_is(MPY_NONE, MPY_NONE), 1);
    assert_int_equal(mpy_is(MPY_NONE, MPY_TRUE), 0);
    assert_int_equal(mpy_is_none(MPY_NONE), 1);
    assert_int_equal(mpy_is_none(MPY_FALSE), 0);
    assert_int_equal(mpy_type_check(world->plain_type), 1);
    assert_int_equal(mpy_type_check(MPY_NONE), 0);
    assert_int_equal(mpy_type_check(NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counting, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_tests, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
