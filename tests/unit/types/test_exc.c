/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_exc.c - the tree of exceptions, exception objects, types below them.
 */
#include "types/exc.h"

#include "types/tuple.h"
#include "types/type.h"
#include "unit/types/sweep.h"

#include <stdlib.h>
#include <string.h>

static void
test_tree(void **state)
{
    const int bases[MPY_EXC_COUNT] = {[MPY_EXC_EXCEPTION] = MPY_EXC_BASE_EXCEPTION,
                                      [MPY_EXC_OVERFLOW_ERROR] = MPY_EXC_ARITHMETIC_ERROR,
                                      [MPY_EXC_ZERO_DIVISION_ERROR] = MPY_EXC_ARITHMETIC_ERROR,
                                      [MPY_EXC_INDEX_ERROR] = MPY_EXC_LOOKUP_ERROR,
                                      [MPY_EXC_KEY_ERROR] = MPY_EXC_LOOKUP_ERROR,
                                      [MPY_EXC_TIMEOUT_ERROR] = MPY_EXC_OS_ERROR,
                                      [MPY_EXC_NOT_IMPLEMENTED_ERROR] = MPY_EXC_RUNTIME_ERROR,
                                      [MPY_EXC_RECURSION_ERROR] = MPY_EXC_RUNTIME_ERROR,
                                      [MPY_EXC_UNICODE_ERROR] = MPY_EXC_VALUE_ERROR,
                                      [MPY_EXC_KEYBOARD_INTERRUPT] = MPY_EXC_BASE_EXCEPTION};
    (void)state;
    for (int code = 2; code < MPY_EXC_COUNT; code++) {
        int base = bases[code] != 0 ? bases[code] : MPY_EXC_EXCEPTION;
        assert_ptr_equal(mpyi_exc_types[code].base, &mpyi_exc_types[base]);
        assert_ptr_equal(api_good(mpy_exc_type(code)), &mpyi_exc_types[code]);
    }
    assert_null(mpy_exc_type(0));
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_null(mpy_exc_type(MPY_EXC_COUNT));
    api_expect_error(MPY_EXC_VALUE_ERROR);
}

static void
expect_texts(mpy_object *exc, const char *str, const char *repr)
{
    mpy_object *message = api_good(mpy_err_message(exc));
    char *got = api_repr(exc);
    assert_int_equal(mpy_str_equal_utf8(message, str, strlen(str)), 1);
    assert_string_equal(got, repr);
    free(got);
    mpy_decref(message);
    mpy_decref(exc);
}

static void
test_texts(void **state)
{
    mpy_object *text = api_good(mpy_str_from_utf8("it's"));
    mpy_object *v[2] = {text, mpy_int_from_i64(2)};
    mpy_object *value = api_good(mpy_exc_type(MPY_EXC_VALUE_ERROR));
    mpy_object *key = api_good(mpy_exc_type(MPY_EXC_KEY_ERROR));
    (void)state;
    expect_texts(api_good(mpy_call(value, v, 0, NULL)), "", "ValueError()");
    expect_texts(api_good(mpy_call(value, v, 1, NULL)), "it's", "ValueError(\"it's\")");
    expect_texts(api_good(mpy_call(value, v, 2, NULL)), "(\"it's\", 2)", "ValueError(\"it's\", 2)");
    expect_texts(api_good(mpy_call(key, v, 1, NULL)), "\"it's\"", "KeyError(\"it's\")");
    expect_texts(api_good(mpy_type_new_instance(value)), "", "ValueError()");
    mpy_decref(text);
}

static void
test_args_and_cause(void **state)
{
    mpy_object *a = api_make(*state, API_EXCEPTION);
    mpy_object *b = api_make(*state, API_EXCEPTION);
    mpy_object *args = api_good(mpy_exc_get_args(a));
    mpy_object *cause;
    assert_int_equal(mpy_tuple_length(args), 1);
    mpy_decref(args);
    assert_null(mpy_exc_get_cause(a));
    assert_int_equal(mpy_err_occurred(), 0);
    api_done(mpy_exc_set_cause(a, b));
    assert_int_equal(mpy_refcount(b), 2);
    cause = mpy_exc_get_cause(a);
    assert_ptr_equal(cause, b);
    mpy_decref(cause);
    api_done(mpy_exc_set_cause(b, a)); /* a ring is garbage for the collector */
    assert_int_equal(mpy_exc_set_cause(a, MPY_TRUE), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    api_done(mpy_exc_set_cause(a, NULL));
    api_done(mpy_exc_set_cause(a, b));
    mpy_decref(a);
    mpy_decref(b);
}

struct info {
    mpy_object *where;
    int64_t line;
};

/* Types of hosts below exceptions: with attributes, and with data. */
static void
test_host_types(void **state)
{
    const mpy_type_spec spec = {.size = sizeof spec,
                                .version = 1,
                                .name = "t.DataError",
                                .ref_count = 1,
                                .data_size = sizeof(struct info)};
    mpy_object *key = api_good(mpy_exc_type(MPY_EXC_KEY_ERROR));
    mpy_object *named = api_good(mpy_err_new_type("t.NamedError", "doc", key));
    mpy_object *plain = api_good(mpy_err_new_type("PlainError", NULL, NULL));
    mpy_object *data = api_good(mpy_type_from_spec(&spec, named));
    mpy_object *list = api_make(*state, API_LIST);
    mpy_object *o = api_good(mpy_call(data, &list, 1, NULL));
    void *p;
    assert_int_equal(mpyi_type(data)->exc_code, MPY_EXC_KEY_ERROR);
    assert_int_equal(mpyi_type(plain)->exc_code, MPY_EXC_EXCEPTION);
    api_done(mpy_type_data(o, data, &p));
    assert_null(((struct info *)p)->where);
    mpy_assign(&((struct info *)p)->where, list);
    ((struct info *)p)->line = 7;
    api_done(mpy_object_set_attr_utf8(o, "note", list));
    assert_int_equal(mpy_refcount(list), 4 - 1 + 1);
    assert_ptr_equal(mpyi_tuple_items(mpyi_exc_args(o))[0], list);
    assert_ptr_equal(mpyi_exc_refs(o)[MPYI_EXC_CAUSE], NULL);
    expect_texts(o, "[1, 2, 3]", "DataError([1, 2, 3])");
    assert_int_equal(mpy_refcount(list), 1);
    mpy_decref(list);
    mpy_decref(data);
    mpy_decref(named);
    mpy_decref(plain);
    assert_null(mpy_err_new_type("t.X", NULL, mpyi_type_object(&mpyi_list_type)));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_null(mpy_err_new_type(NULL, NULL, NULL));
    api_expect_error(MPY_EXC_API);
}

static void
test_memory_error(void **state)
{
    mpy_object *exc = mpyi_exc_new_memory_error(mpyi_current());
    (void)state;
    expect_texts(api_good(exc), "out of memory", "MemoryError('out of memory')");
}

static int
make(struct api_world *world, void *data)
{
    mpy_object *exc = mpyi_exc_new_memory_error(mpyi_current());
    mpy_object *other = NULL;
    (void)world;
    if (exc != NULL) {
        other = mpy_call(mpyi_type_object(&mpyi_exc_types[MPY_EXC_VALUE_ERROR]),
                         (mpy_object *const *)&data, 1, NULL);
    }
    mpy_xdecref(exc);
    mpy_xdecref(other);
    return other != NULL;
}

static void
test_no_memory(void **state)
{
    assert_int_equal(sweep(*state, make, MPY_NONE), 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tree, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_texts, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_args_and_cause, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_host_types, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_memory_error, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
