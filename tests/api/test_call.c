/* SPDX-License-Identifier: MIT */
/*
 * api/test_call.c - functions, methods and types called by a host.
 */
#include "support/api_world.h"

#include <string.h>

/* Returns (self or None, *args, *(name, value)). */
static mpy_object *
echo(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    mpy_object *list = mpy_list_new(0);
    ptrdiff_t nkw = kwnames != NULL ? mpy_tuple_length(kwnames) : 0;
    mpy_object *tuple = NULL;
    if (list == NULL || mpy_list_append(list, self != NULL ? self : MPY_NONE) < 0) {
        goto fail;
    }
    for (size_t i = 0; i < nargs; i++) {
        if (mpy_list_append(list, argv[i]) < 0) {
            goto fail;
        }
    }
    for (ptrdiff_t i = 0; i < nkw; i++) {
        mpy_object *name = mpy_tuple_get(kwnames, i);
        int done = name != NULL && mpy_list_append(list, name) == 0 &&
                   mpy_list_append(list, argv[nargs + (size_t)i]) == 0;
        mpy_xdecref(name);
        if (!done) {
            goto fail;
        }
    }
    tuple = mpy_list_as_tuple(list);
fail:
    mpy_xdecref(list);
    return tuple;
}

static const mpy_func_spec echo_spec = {
    .name = "echo", .fn = echo, .max_args = MPY_ARGS_ANY, .flags = MPY_FUNC_KEYWORDS};

static void
expect(mpy_object *o, const char *text)
{
    mpy_object *repr = api_good(mpy_object_repr(api_good(o)));
    const char *got;
    api_done(mpy_str_as_utf8(repr, &got, NULL));
    assert_string_equal(got, text);
    mpy_decref(repr);
    mpy_decref(o);
}

static void
test_conventions(void **state)
{
    mpy_object *free_function = api_good(mpy_func_new(&echo_spec, NULL));
    mpy_object *bound = api_good(mpy_func_new(&echo_spec, MPY_TRUE));
    mpy_object *name = api_make(*state, API_KEY);
    mpy_object *names = api_good(mpy_tuple_pack(1, name));
    mpy_object *args = api_make(*state, API_TUPLE);
    mpy_object *kwargs = api_make(*state, API_DICT);
    mpy_object *v[2] = {mpy_int_from_i64(5), mpy_int_from_i64(6)};
    expect(mpy_call(free_function, v, 2, NULL), "(None, 5, 6)");
    expect(mpy_call(free_function, v, 1, names), "(None, 5, 'a', 6)");
    expect(mpy_call(bound, NULL, 0, NULL), "(True,)");
    expect(mpy_call_noargs(bound), "(True,)");
    expect(mpy_call_tuple(bound, args, NULL), "(True, 1, 2, 3)");
    expect(mpy_call_tuple(bound, args, kwargs), "(True, 1, 2, 3, 'a', 1)");
    mpy_decref(free_function);
    mpy_decref(bound);
    mpy_decref(name);
    mpy_decref(names);
    mpy_decref(args);
    mpy_decref(kwargs);
}

static void
test_methods(void **state)
{
    mpy_object *o = api_make(*state, API_PLAIN);
    mpy_object *type = api_good(mpy_object_type(o));
    mpy_object *f = api_good(mpy_func_new(&echo_spec, NULL));
    mpy_object *g = api_good(mpy_func_new(&echo_spec, MPY_FALSE));
    mpy_object *name = api_good(mpy_str_intern("f"));
    mpy_object *v[2] = {o, mpy_int_from_i64(6)};
    mpy_object *result;
    api_done(mpy_object_set_attr(type, name, f));
    api_done(mpy_object_set_attr_utf8(type, "g", g));
    result = api_good(mpy_call_method(name, v, 2, NULL));
    v[1] = mpy_int_from_i64(6);
    assert_ptr_equal(mpy_tuple_get(result, 0), o);
    mpy_decref(o); /* the reference mpy_tuple_get() made */
    mpy_decref(result);
    /* A function that is bound already stays as it is. */
    expect(mpy_call_method_utf8(o, "g", v + 1, 1), "(False, 6)");
    api_done(mpy_object_del_attr(type, name));
    assert_null(mpy_call_method(name, v, 2, NULL));
    api_expect_error(MPY_EXC_ATTRIBUTE_ERROR);
    mpy_decref(name);
    mpy_decref(f);
    mpy_decref(g);
    mpy_decref(type);
    mpy_decref(o);
}

static void
test_errors_pass_through(void **state)
{
    mpy_object *type = api_make(*state, API_EXC_TYPE);
    mpy_object *exc = api_good(mpy_call_noargs(type));
    assert_int_equal(mpy_call_check(type), 1);
    assert_int_equal(mpy_call_check(exc), 0);
    assert_null(mpy_call_noargs(exc));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(exc);
    mpy_decref(type);
}

static void
test_recursion_brackets(void **state)
{
    struct api_world *world = *state;
    api_done(mpy_runtime_set_limit(world->rt, MPY_LIMIT_STACK_DEPTH, 10));
    for (int i = 0; i < 10; i++) {
        assert_int_equal(mpy_recursion_enter("host"), 0);
    }
    assert_int_equal(mpy_recursion_enter("host"), -1);
    assert_int_equal(mpy_err_matches_code(MPY_EXC_RECURSION_ERROR), 1);
    mpy_err_clear();
    for (int i = 0; i < 10; i++) {
        mpy_recursion_leave();
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_conventions, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_methods, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_errors_pass_through, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_recursion_brackets, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
