/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_constant.c - the constants, and the tables of types by number.
 */
#include "object/object.h"
#include "types/exc.h"
#include "unit/types/sweep.h"

#include <stdlib.h>

static void
test_constants(void **state)
{
    const char *const texts[] = {"None", "False", "True", "NotImplemented", "Ellipsis"};
    const char *const types[] = {"NoneType", "bool", "bool", "NotImplementedType", "ellipsis"};
    (void)state;
    for (int id = MPY_CONST_NONE; id <= MPY_CONST_ELLIPSIS; id++) {
        mpy_object *o = api_good(mpy_constant(id));
        char *repr = api_repr(o);
        int64_t hash, again;
        assert_string_equal(repr, texts[id]);
        free(repr);
        assert_string_equal(mpyi_type_name_of(o), types[id]);
        api_done(mpy_object_hash(o, &hash));
        api_done(mpy_object_hash(o, &again));
        assert_true(hash == again);
    }
    assert_ptr_equal(api_good(mpy_constant(MPY_CONST_NONE)), MPY_NONE);
    assert_null(mpy_constant(5));
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_null(mpy_constant(-1));
    api_expect_error(MPY_EXC_VALUE_ERROR);
}

static void
test_bool_is_int(void **state)
{
    int64_t hash;
    (void)state;
    api_done(mpy_object_hash(MPY_TRUE, &hash));
    assert_int_equal(hash, 1);
    assert_int_equal(mpy_object_compare_bool(MPY_TRUE, mpy_int_from_i64(1), MPY_EQ), 1);
    assert_ptr_equal(mpy_number_add(MPY_TRUE, MPY_TRUE), mpy_int_from_i64(2));
    assert_ptr_equal(mpy_number_negative(MPY_TRUE), mpy_int_from_i64(-1));
    assert_int_equal(mpy_object_is_true(MPY_FALSE), 0);
}

/* What every built-in type has to say about itself. */
static void
check_type(const struct mpyi_type *type)
{
    assert_ptr_equal(type->head.head.type, &mpyi_type_type);
    assert_int_equal(mpy_refcount(mpyi_type_object(type)), 0xC0000000u);
    assert_non_null(type->name);
    assert_non_null(type->qualname);
    assert_true(type->base != NULL || type == &mpyi_object_type);
    assert_true(mpyi_type_is_subtype(type, &mpyi_object_type));
    assert_int_equal(type->traits & MPYI_TRAIT_HEAP, 0);
    assert_null(type->refs[0]);
    assert_null(type->refs[1]);
}

static void
test_types(void **state)
{
    (void)state;
    for (int id = 0; id < MPY_TYPE_ID_COUNT; id++) {
        mpy_object *type = api_good(mpy_type_builtin(id));
        assert_int_equal(((const struct mpyi_type *)type)->id, id);
        check_type((const struct mpyi_type *)type);
    }
    for (int code = 1; code < MPY_EXC_COUNT; code++) {
        assert_int_equal(mpyi_exc_types[code].exc_code, code);
        check_type(&mpyi_exc_types[code]);
    }
    assert_null(mpy_type_builtin(MPY_TYPE_ID_COUNT));
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_null(mpy_type_builtin(-1));
    api_expect_error(MPY_EXC_VALUE_ERROR);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_constants, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_bool_is_int, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_types, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
