/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_twins_container.c - the exported twins of the type tests of lists, tuples and
 * dicts agree with the inline functions.
 */
#include "support/api_world.h"

extern int
list_twin(const mpy_object *o) __asm__("mpy_list_check");
extern int
tuple_twin(const mpy_object *o) __asm__("mpy_tuple_check");
extern int
dict_twin(const mpy_object *o) __asm__("mpy_dict_check");

static void
test_twins(void **state)
{
    for (int kind = 0; kind < API_BASIC; kind++) {
        mpy_object *o = api_make(*state, kind);
        assert_int_equal(list_twin(o), kind == API_LIST);
        assert_int_equal(tuple_twin(o), kind == API_TUPLE);
        assert_int_equal(dict_twin(o), kind == API_DICT);
        assert_int_equal(list_twin(o), mpy_list_check(o));
        assert_int_equal(tuple_twin(o), mpy_tuple_check(o));
        assert_int_equal(dict_twin(o), mpy_dict_check(o));
        mpy_decref(o);
    }
    assert_int_equal(list_twin(NULL), 0);
    assert_int_equal(tuple_twin(NULL), 0);
    assert_int_equal(dict_twin(NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_twins, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
