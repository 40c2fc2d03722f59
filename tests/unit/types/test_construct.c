/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_construct.c - calling types, built-in ones and those of hosts.
 */
#include "types/type.h"
#include "unit/types/sweep.h"

#include <stdlib.h>
#include <string.h>

/* repr(type(*argv)), or the name of the error. */
static void
expect(int id, mpy_object *const *argv, size_t n, const char *text)
{
    mpy_object *type = api_good(mpy_type_builtin(id));
    mpy_object *o = mpy_call(type, argv, n, NULL);
    char *repr;
    if (o == NULL) {
        mpy_object *exc = mpy_err_take();
        assert_non_null(exc);
        assert_string_equal(mpyi_type_name_of(exc), text);
        mpy_decref(exc);
        return;
    }
    repr = api_repr(o);
    assert_string_equal(repr, text);
    free(repr);
    mpy_decref(o);
}

static void
test_builtin(void **state)
{
    mpy_object *tuple = api_make(*state, API_TUPLE);
    mpy_object *list = api_make(*state, API_LIST);
    mpy_object *dict = api_make(*state, API_DICT);
    mpy_object *str = api_make(*state, API_STR);
    mpy_object *v[3] = {mpy_int_from_i64(1), mpy_int_from_i64(9), mpy_int_from_i64(2)};
    expect(MPY_TYPE_ID_LIST, NULL, 0, "[]");
    expect(MPY_TYPE_ID_LIST, &tuple, 1, "[1, 2, 3]");
    expect(MPY_TYPE_ID_LIST, v, 1, "TypeError");
    expect(MPY_TYPE_ID_TUPLE, NULL, 0, "()");
    expect(MPY_TYPE_ID_TUPLE, &list, 1, "(1, 2, 3)");
    expect(MPY_TYPE_ID_TUPLE, &tuple, 1, "(1, 2, 3)");
    expect(MPY_TYPE_ID_TUPLE, v, 1, "TypeError");
    expect(MPY_TYPE_ID_DICT, NULL, 0, "{}");
    expect(MPY_TYPE_ID_DICT, &dict, 1, "{'a': 1}");
    expect(MPY_TYPE_ID_DICT, &list, 1, "TypeError");
    expect(MPY_TYPE_ID_STR, NULL, 0, "''");
    expect(MPY_TYPE_ID_STR, &list, 1, "'[1, 2, 3]'");
    expect(MPY_TYPE_ID_INT, NULL, 0, "0");
    expect(MPY_TYPE_ID_INT, &str, 1, "12");
    expect(MPY_TYPE_ID_INT, &list, 1, "TypeError");
    expect(MPY_TYPE_ID_FLOAT, NULL, 0, "0.0");
    expect(MPY_TYPE_ID_FLOAT, &str, 1, "12.0");
    expect(MPY_TYPE_ID_BOOL, NULL, 0, "False");
    expect(MPY_TYPE_ID_BOOL, &list, 1, "True");
    expect(MPY_TYPE_ID_TYPE, &list, 1, "<class 'list'>");
    expect(MPY_TYPE_ID_TYPE, NULL, 0, "TypeError");
    expect(MPY_TYPE_ID_RANGE, v + 1, 1, "range(0, 9)");
    expect(MPY_TYPE_ID_RANGE, v, 2, "range(1, 9)");
    expect(MPY_TYPE_ID_RANGE, v, 3, "range(1, 9, 2)");
    expect(MPY_TYPE_ID_RANGE, &list, 1, "TypeError");
    expect(MPY_TYPE_ID_RANGE, NULL, 0, "TypeError");
    expect(MPY_TYPE_ID_LIST, v, 2, "TypeError");
    expect(MPY_TYPE_ID_NONE, NULL, 0, "TypeError");
    expect(MPY_TYPE_ID_OBJECT, NULL, 0, "TypeError");
    expect(MPY_TYPE_ID_FUNCTION, NULL, 0, "TypeError");
    mpy_decref(tuple);
    mpy_decref(list);
    mpy_decref(dict);
    mpy_decref(str);
}

static int init_mode;
static unsigned released;

static int
init(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)kwnames;
    if (init_mode == 1) {
        mpy_err_set_code(MPY_EXC_VALUE_ERROR, "no");
        return -1;
    }
    if (init_mode == 2) {
        return -1;
    }
    return nargs == 0 ? 0 : mpy_object_set_attr_utf8(self, "first", argv[0]);
}

static void
release(void *data)
{
    (void)data;
    released++;
}

static void
test_init(void **state)
{
    const mpy_type_spec spec = {.size = sizeof spec,
                                .version = 1,
                                .name = "t.Init",
                                .flags = MPY_TYPE_ATTRS,
                                .data_size = 8,
                                .init = init,
                                .release = release};
    struct api_world *world = *state;
    mpy_object *type = api_good(mpy_type_from_spec(&spec, NULL));
    mpy_object *v = MPY_TRUE;
    mpy_object *o, *got;
    mpy_object *name = api_make(world, API_KEY);
    mpy_object *names = api_good(mpy_tuple_pack(1, name));
    init_mode = 0;
    o = api_good(mpy_call(type, &v, 1, NULL));
    got = api_good(mpy_object_get_attr_utf8(o, "first"));
    assert_ptr_equal(got, MPY_TRUE);
    mpy_decref(o);
    released = 0;
    init_mode = 1;
    assert_null(mpy_call_noargs(type));
    api_expect_error(MPY_EXC_VALUE_ERROR);
    init_mode = 2;
    assert_null(mpy_call_noargs(type));
    api_expect_error(MPY_EXC_SYSTEM_ERROR);
    assert_int_equal(released, 2);
    assert_int_equal(mpyi_heap_type(mpyi_type(type))->live, 0);
    mpy_decref(type);

    /* Without init there are no arguments. */
    assert_null(mpy_call(world->plain_type, &v, 1, NULL));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_null(mpy_call(world->plain_type, &v, 0, names));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    type = api_good(mpy_type_builtin(MPY_TYPE_ID_LIST));
    assert_null(mpy_call(type, &v, 0, names));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(type);
    mpy_decref(names);
    mpy_decref(name);
}

static int
build(struct api_world *world, void *data)
{
    mpy_object *type = mpy_type_builtin(MPY_TYPE_ID_TUPLE);
    mpy_object *list = data;
    mpy_object *tuple = mpy_call(type, &list, 1, NULL);
    (void)world;
    mpy_xdecref(tuple);
    return tuple != NULL;
}

static void
test_no_memory(void **state)
{
    mpy_object *list = api_make(*state, API_LIST);
    assert_true(sweep(*state, build, list) >= 2);
    mpy_decref(list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_builtin, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_init, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
