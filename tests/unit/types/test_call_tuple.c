/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_call_tuple.c - arguments from tuple and dict; brackets around the host's
 * recursion.
 */
#include "types/call.h"
#include "unit/types/sweep.h"

#include <string.h>

static mpy_object *the_kwargs;

/* Gives [positional..., (name, value)...] and empties the dict it was called with. */
static mpy_object *
collect(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    mpy_object *list = mpy_list_from_array(argv, nargs);
    ptrdiff_t nkw = kwnames != NULL ? mpy_tuple_length(kwnames) : 0;
    (void)self;
    if (list != NULL && the_kwargs != NULL) {
        api_done(mpy_dict_clear(the_kwargs));
    }
    for (ptrdiff_t i = 0; i < nkw && list != NULL; i++) {
        mpy_object *name = mpy_tuple_get(kwnames, i);
        mpy_object *pair = mpy_tuple_pack(2, name, argv[nargs + (size_t)i]);
        mpy_decref(name);
        if (pair == NULL || mpy_list_append(list, pair) < 0) {
            mpy_clear(&list);
        }
        mpy_xdecref(pair);
    }
    return list;
}

static const mpy_func_spec spec = {
    .name = "collect", .fn = collect, .max_args = MPY_ARGS_ANY, .flags = MPY_FUNC_KEYWORDS};

static void
expect_repr(mpy_object *o, const char *text)
{
    mpy_object *repr = api_good(mpy_object_repr(o));
    assert_int_equal(mpy_str_equal_utf8(repr, text, strlen(text)), 1);
    mpy_decref(repr);
    mpy_decref(o);
}

static void
test_calls(void **state)
{
    mpy_object *f = api_good(mpy_func_new(&spec, NULL));
    mpy_object *args = api_make(*state, API_TUPLE);
    mpy_object *none = api_make(*state, API_NO_TUPLE);
    mpy_object *kwargs = api_make(*state, API_NO_DICT);
    mpy_object *value = api_good(mpy_str_from_utf8("only the dict has this"));
    the_kwargs = NULL;
    expect_repr(api_good(mpy_call_tuple(f, args, NULL)), "[1, 2, 3]");
    expect_repr(api_good(mpy_call_tuple(f, args, kwargs)), "[1, 2, 3]");
    expect_repr(api_good(mpy_call_tuple(f, none, NULL)), "[]");
    api_done(mpy_dict_set_utf8(kwargs, "a", value));
    api_done(mpy_dict_set_utf8(kwargs, "b", MPY_NONE));
    mpy_decref(value);
    the_kwargs = kwargs;
    expect_repr(api_good(mpy_call_tuple(f, args, kwargs)),
                "[1, 2, 3, ('a', 'only the dict has this'), ('b', None)]");
    assert_int_equal(mpy_dict_length(kwargs), 0);
    the_kwargs = NULL;

    api_done(mpy_dict_set_utf8(kwargs, "a", MPY_NONE));
    api_done(mpy_dict_set(kwargs, mpy_int_from_i64(1), MPY_NONE));
    assert_null(mpy_call_tuple(f, args, kwargs));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_null(mpy_call_tuple(MPY_NONE, none, NULL));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(kwargs);
    mpy_decref(none);
    mpy_decref(args);
    mpy_decref(f);
}

static void
test_recursion(void **state)
{
    struct api_world *world = *state;
    char text[100];
    unsigned n = 0;
    api_done(mpy_runtime_set_limit(world->rt, MPY_LIMIT_STACK_DEPTH, 50));
    while (mpy_recursion_enter("parser") == 0) {
        n++;
    }
    assert_int_equal(n, 50);
    assert_int_equal(api_take_error(text, sizeof text), MPY_EXC_RECURSION_ERROR);
    assert_string_equal(text, "parser(): nested deeper than 50");
    while (n-- > 0) {
        mpy_recursion_leave();
    }
    mpy_recursion_leave(); /* one too many does no harm */
    assert_int_equal(mpy_recursion_enter(NULL), 0);
    mpy_recursion_leave();
}

struct call {
    mpy_object *f, *args, *kwargs;
};

static int
call(struct api_world *world, void *data)
{
    struct call *c = data;
    mpy_object *result = mpy_call_tuple(c->f, c->args, c->kwargs);
    (void)world;
    mpy_xdecref(result);
    return result != NULL;
}

static void
test_no_memory(void **state)
{
    struct call c = {api_good(mpy_func_new(&spec, NULL)), api_make(*state, API_TUPLE),
                     api_make(*state, API_DICT)};
    the_kwargs = NULL;
    assert_true(sweep(*state, call, &c) >= 4);
    assert_int_equal(mpy_dict_length(c.kwargs), 1);
    mpy_decref(c.f);
    mpy_decref(c.args);
    mpy_decref(c.kwargs);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_calls, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_recursion, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
