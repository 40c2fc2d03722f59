/* SPDX-License-Identifier: MIT */
/*
 * unit/object/test_typeof.c - types of values, subtypes, the text of argument errors.
 */
#include "support/api_world.h"

#include "object/object.h"

static void
test_immediates(void **state)
{
    (void)state;
    assert_ptr_equal(mpyi_type_of(mpy_int_from_i64(-1)), &mpyi_int_type);
    assert_ptr_equal(mpyi_type_of(mpy_int_from_i64(MPY_INT_MAX)), &mpyi_int_type);
    assert_ptr_equal(mpyi_type_of(mpy_float_from_double(2.5)), &mpyi_float_type);
    assert_ptr_equal(mpyi_type_of(MPY_NONE), &mpyi_none_type);
    assert_ptr_equal(mpyi_type_of(MPY_TRUE), &mpyi_bool_type);
    assert_ptr_equal(mpyi_type_of(MPY_FALSE), &mpyi_bool_type);
    assert_ptr_equal(mpyi_type_of(mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED)),
                     &mpyi_not_implemented_type);
    assert_ptr_equal(mpyi_type_of(mpy_priv_const(MPY_CONST_ELLIPSIS)), &mpyi_ellipsis_type);
}

static void
test_subtypes(void **state)
{
    (void)state;
    assert_true(mpyi_type_is_subtype(&mpyi_bool_type, &mpyi_int_type));
    assert_true(mpyi_type_is_subtype(&mpyi_bool_type, &mpyi_object_type));
    assert_true(mpyi_type_is_subtype(&mpyi_int_type, &mpyi_int_type));
    assert_false(mpyi_type_is_subtype(&mpyi_int_type, &mpyi_bool_type));
    assert_false(mpyi_type_is_subtype(&mpyi_list_type, &mpyi_tuple_type));
}

static void
test_names_and_errors(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    (void)state;
    assert_string_equal(mpyi_type_name_of(MPY_NONE), "NoneType");
    assert_string_equal(mpyi_type_name_of(NULL), "NULL");
    assert_null(mpyi_err_argument("f", "x", "list", MPY_TRUE));
    assert_string_equal(t->error.text, "f(): argument 'x': expected list, got bool");
    assert_int_equal(t->error.code, MPY_EXC_TYPE_ERROR);
    assert_null(mpyi_err_argument("f", "x", "list", NULL));
    assert_string_equal(t->error.text, "f(): argument 'x': expected list, got NULL");
    assert_int_equal(t->error.code, MPY_EXC_API);
    mpyi_err_clear(t);
}

static void
test_refs(void **state)
{
    struct api_world *world = *state;
    mpy_object *list = api_make(world, API_LIST);
    mpy_object *tuple = api_make(world, API_TUPLE);
    mpy_object *plain = api_make(world, API_PLAIN);
    mpy_object *type = api_make(world, API_TYPE);
    assert_int_equal(mpyi_refs_of(list, mpyi_type_of(list)).count, 3);
    assert_int_equal(mpyi_refs_of(tuple, mpyi_type_of(tuple)).count, 3);
    assert_int_equal(mpyi_refs_of(plain, mpyi_type_of(plain)).count, 1);
    assert_int_equal(mpyi_refs_of(type, mpyi_type_of(type)).count, 2);
    assert_null(mpyi_refs_of(type, mpyi_type_of(type)).items[0]);
    assert_ptr_equal(mpyi_refs_of(list, mpyi_type_of(list)).items[1], mpy_int_from_i64(2));
    assert_ptr_equal(mpyi_refs_of(plain, mpyi_type_of(plain)).items[0], mpy_int_from_i64(1));
    mpy_decref(list);
    mpy_decref(tuple);
    mpy_decref(plain);
    mpy_decref(type);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_immediates, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_subtypes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_names_and_errors, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_refs, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
