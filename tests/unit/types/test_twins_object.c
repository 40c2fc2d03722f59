/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_twins_object.c - the exported twins, reached by their symbols and not inlined.
 */
#include "support/api_world.h"

/* The public names, as a binding of another language sees them. */
extern void
twin_incref(mpy_object *o) __asm__("mpy_incref");
extern void
twin_decref(mpy_object *o) __asm__("mpy_decref");
extern void
twin_xincref(mpy_object *o) __asm__("mpy_xincref");
extern void
twin_xdecref(mpy_object *o) __asm__("mpy_xdecref");
extern mpy_object *
twin_newref(mpy_object *o) __asm__("mpy_newref");
extern mpy_object *
twin_xnewref(mpy_object *o) __asm__("mpy_xnewref");
extern void
twin_clear(mpy_object **slot) __asm__("mpy_clear");
extern void
twin_assign(mpy_object **slot, mpy_object *value) __asm__("mpy_assign");
extern int
twin_is(const mpy_object *a, const mpy_object *b) __asm__("mpy_is");
extern int
twin_is_none(const mpy_object *o) __asm__("mpy_is_none");
extern int
twin_type_check(const mpy_object *o) __asm__("mpy_type_check");

static void
test_counting(void **state)
{
    mpy_object *o = api_make(*state, API_LIST);
    mpy_object *slot = NULL;
    twin_incref(o);
    assert_int_equal(mpy_refcount(o), 2);
    twin_xincref(o);
    twin_xincref(NULL);
    assert_ptr_equal(twin_newref(o), o);
    assert_ptr_equal(twin_xnewref(o), o);
    assert_null(twin_xnewref(NULL));
    assert_int_equal(mpy_refcount(o), 5);
    twin_decref(o);
    twin_xdecref(o);
    twin_xdecref(NULL);
    twin_decref(o);
    assert_int_equal(mpy_refcount(o), 2);
    twin_assign(&slot, o);
    assert_ptr_equal(slot, o);
    assert_int_equal(mpy_refcount(o), 3);
    twin_clear(&slot);
    assert_null(slot);
    twin_clear(&slot);
    twin_decref(o);
    assert_int_equal(mpy_refcount(o), 1);
    twin_decref(o);
    twin_incref(MPY_NONE);
    twin_decref(MPY_NONE);
}

static void
test_tests(void **state)
{
    struct api_world *world = *state;
    assert_int_equal(twin_is(MPY_NONE, MPY_NONE), 1);
    assert_int_equal(twin_is(MPY_NONE, MPY_TRUE), 0);
    assert_int_equal(twin_is_none(MPY_NONE), 1);
    assert_int_equal(twin_is_none(MPY_FALSE), 0);
    assert_int_equal(twin_type_check(world->plain_type), 1);
    assert_int_equal(twin_type_check(MPY_NONE), 0);
    assert_int_equal(twin_type_check(NULL), 0);
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
