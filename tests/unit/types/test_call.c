/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_call.c - argument counts, self, results that contradict the error, checkpoints.
 */
#include "types/call.h"

#include "types/attr.h"
#include "types/type.h"
#include "unit/types/sweep.h"

#include <string.h>

/* What the last call got. */
static struct {
    mpy_object *self;
    size_t nargs;
    mpy_object *first;
    size_t nkw;
    unsigned calls;
} got;

static mpy_object *
note(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    got.self = self;
    got.nargs = nargs;
    got.first = nargs != 0 ? argv[0] : NULL;
    got.nkw = kwnames != NULL ? (size_t)mpy_tuple_length(kwnames) : 0;
    got.calls++;
    return MPY_NONE;
}

static mpy_object *
return_null(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)note(self, argv, nargs, kwnames);
    return NULL;
}

static mpy_object *
return_with_error(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "left behind");
    return note(self, argv, nargs, kwnames);
}

static mpy_object *
function_of(mpy_native_fn fn, int32_t min, int32_t max, uint32_t flags)
{
    const mpy_func_spec spec = {
        .name = "f", .fn = fn, .min_args = min, .max_args = max, .flags = flags};
    return api_good(mpy_func_new(&spec, NULL));
}

static void
expect_text(const char *text)
{
    char message[MPY_ERR_TEXT_MAX + 1];
    (void)api_take_error(message, sizeof message);
    assert_string_equal(message, text);
}

static void
test_counts(void **state)
{
    mpy_object *v[4] = {MPY_TRUE, MPY_TRUE, MPY_TRUE, MPY_TRUE};
    mpy_object *two = function_of(note, 2, 2, 0);
    mpy_object *some = function_of(note, 1, 3, 0);
    mpy_object *any = function_of(note, 1, MPY_ARGS_ANY, 0);
    (void)state;
    for (size_t n = 0; n <= 4; n++) {
        assert_int_equal(mpy_call(two, v, n, NULL) != NULL, n == 2);
        mpy_err_clear();
        assert_int_equal(mpy_call(some, v, n, NULL) != NULL, n >= 1 && n <= 3);
        mpy_err_clear();
        assert_int_equal(mpy_call(any, v, n, NULL) != NULL, n >= 1);
        mpy_err_clear();
    }
    assert_null(mpy_call(two, v, 3, NULL));
    expect_text("f() takes 2 positional arguments but 3 were given");
    assert_null(mpy_call(some, v, 4, NULL));
    expect_text("f() takes at most 3 positional arguments but 4 were given");
    assert_null(mpy_call_noargs(some));
    expect_text("f() takes at least 1 positional argument but 0 were given");
    assert_null(mpy_call(two, v, 1, NULL));
    expect_text("f() takes 2 positional arguments but 1 was given");
    mpy_decref(two);
    mpy_decref(some);
    mpy_decref(any);
}

static void
test_keywords(void **state)
{
    mpy_object *v[2] = {MPY_TRUE, MPY_FALSE};
    mpy_object *plain = function_of(note, 0, 1, 0);
    mpy_object *keyword = function_of(note, 0, 1, MPY_FUNC_KEYWORDS);
    mpy_object *name = api_good(mpy_str_from_utf8("k"));
    mpy_object *names = api_good(mpy_tuple_pack(1, name));
    mpy_object *none = api_good(mpy_tuple_from_array(NULL, 0));
    mpy_object *wrong = api_good(mpy_tuple_pack(1, MPY_NONE));
    (void)state;
    assert_non_null(mpy_call(keyword, v, 1, names));
    assert_int_equal(got.nargs, 1);
    assert_int_equal(got.nkw, 1);
    assert_non_null(mpy_call(plain, v, 1, none));
    assert_null(mpy_call(plain, v, 1, names));
    expect_text("f() takes no keyword arguments");
    assert_null(mpy_call(keyword, v, 1, wrong));
    expect_text("mpy_call(): argument 'kwnames': expected tuple of str, got NoneType");
    assert_null(mpy_call(keyword, v, 1, name));
    expect_text("mpy_call(): argument 'kwnames': expected tuple, got str");
    assert_null(mpy_call(keyword, NULL, 1, NULL));
    api_expect_error(MPY_EXC_API);
    assert_null(mpy_call(keyword, NULL, 0, names));
    expect_text("mpy_call(): argument 'argv': expected array of objects, got NULL");
    assert_non_null(mpy_call(keyword, NULL, 0, none));
    mpy_decref(plain);
    mpy_decref(keyword);
    mpy_decref(name);
    mpy_decref(names);
    mpy_decref(none);
    mpy_decref(wrong);
}

/* NULL is returned exactly when an error is set, whatever the function did. */
static void
test_results(void **state)
{
    mpy_object *bad = function_of(return_null, 0, 0, 0);
    mpy_object *left = function_of(return_with_error, 0, 0, 0);
    (void)state;
    assert_null(mpy_call_noargs(bad));
    api_expect_error(MPY_EXC_SYSTEM_ERROR);
    assert_null(mpy_call_noargs(left));
    expect_text("left behind");
    mpy_decref(bad);
    mpy_decref(left);
}

/* ---- methods
 * ------------------------------------------------------------------------------------------ */

static const mpy_func_spec methods[] = {{.name = "m", .fn = note, .min_args = 1, .max_args = 1},
                                        {.name = NULL}};

static mpy_object *
make_type(const char *name)
{
    const mpy_type_spec spec = {.size = sizeof spec,
                                .version = 1,
                                .name = name,
                                .flags = MPY_TYPE_ATTRS,
                                .methods = methods};
    return api_good(mpy_type_from_spec(&spec, NULL));
}

static void
test_method_calls(void **state)
{
    mpy_object *type = make_type("t.A");
    mpy_object *o = api_good(mpy_call_noargs(type));
    mpy_object *name = api_good(mpy_str_intern("m"));
    mpy_object *plain = function_of(note, 0, 2, 0);
    mpy_object *v[2] = {o, MPY_TRUE};
    (void)state;
    for (int i = 0; i < 2; i++) { /* slow, then from the cache */
        memset(&got, 0, sizeof got);
        assert_non_null(mpy_call_method(name, v, 2, NULL));
        assert_ptr_equal(got.self, o);
        assert_int_equal(got.nargs, 1);
        assert_ptr_equal(got.first, MPY_TRUE);
        assert_non_null(mpy_call_method_utf8(o, "m", v + 1, 1));
        assert_int_equal(got.calls, 2);
    }
    assert_null(mpy_call_method(name, v, 1, NULL));
    expect_text("m() takes 1 positional argument but 0 were given");

    /* An attribute of the instance is no method: called without self. */
    api_done(mpy_object_set_attr(o, name, plain));
    assert_non_null(mpy_call_method(name, v, 2, NULL));
    assert_null(got.self);
    assert_int_equal(got.nargs, 1);
    assert_null(mpy_call_method_utf8(o, "n", NULL, 0));
    expect_text("mpy_call_method_utf8(): 'A' object has no attribute 'n'");
    assert_null(mpy_call_method_utf8(MPY_NONE, "n", NULL, 0));
    expect_text("mpy_call_method_utf8(): 'NoneType' object has no attribute 'n'");
    char message[MPY_ERR_TEXT_MAX + 1];
    assert_null(mpy_call_method_utf8(o, "\xff", NULL, 0));
    (void)api_take_error(message, sizeof message);
    assert_non_null(strstr(message, "mpy_call_method_utf8()"));
    assert_null(mpy_call_method(name, v, 0, NULL));
    api_expect_error(MPY_EXC_API);
    mpy_decref(plain);
    mpy_decref(name);
    mpy_decref(o);
    mpy_decref(type);
}

/* A method reaches only instances of its own type, however it gets elsewhere. */
static void
test_owner(void **state)
{
    mpy_object *a = make_type("t.A");
    mpy_object *b = make_type("t.B");
    mpy_object *oa = api_good(mpy_call_noargs(a));
    mpy_object *ob = api_good(mpy_call_noargs(b));
    mpy_object *m = api_good(mpy_object_get_attr_utf8(a, "m"));
    mpy_object *v[2] = {oa, MPY_TRUE};
    (void)state;
    assert_non_null(mpy_call(m, v, 2, NULL));
    assert_ptr_equal(got.self, oa);
    v[0] = ob;
    assert_null(mpy_call(m, v, 2, NULL));
    expect_text("m(): argument 'self': expected an instance of its type, got B");
    v[0] = MPY_NONE;
    assert_null(mpy_call(m, v, 2, NULL));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_null(mpy_call_noargs(m));
    expect_text("m() needs an argument: self");
    api_done(mpy_object_set_attr_utf8(b, "stolen", m));
    v[0] = ob;
    for (int i = 0; i < 2; i++) {
        assert_null(mpy_call_method_utf8(ob, "stolen", v + 1, 1));
        api_expect_error(MPY_EXC_TYPE_ERROR);
    }
    mpy_decref(oa);
    mpy_decref(a);
    assert_null(mpy_call(m, v, 2, NULL)); /* its type is gone */
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(ob);
    mpy_decref(m);
    mpy_decref(b);
}

/* The class loses the method while it runs. */
static mpy_object *
delete_myself(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    mpy_object *name = api_good(mpy_str_intern("gone"));
    mpy_object *type = api_good(mpy_object_type(self));
    api_done(mpy_object_del_attr(type, name));
    mpy_decref(type);
    mpy_decref(name);
    return note(self, argv, nargs, kwnames);
}

static void
test_method_goes(void **state)
{
    mpy_object *type = make_type("t.A");
    mpy_object *o = api_good(mpy_call_noargs(type));
    mpy_object *f;
    (void)state;
    for (int i = 0; i < 3; i++) {
        f = function_of(delete_myself, 0, 0, 0);
        api_done(mpy_object_set_attr_utf8(type, "gone", f));
        mpy_decref(f);
        assert_non_null(mpy_call_method_utf8(o, "gone", NULL, 0));
        assert_null(mpy_call_method_utf8(o, "gone", NULL, 0));
        api_expect_error(MPY_EXC_ATTRIBUTE_ERROR);
    }
    mpy_decref(o);
    mpy_decref(type);
}

/* ---- checkpoints and depth
 * ------------------------------------------------------------------------------ */

static int
fail_pending(void *arg)
{
    (void)arg;
    mpy_err_set_code(MPY_EXC_KEYBOARD_INTERRUPT, "stop");
    return -1;
}

static void
test_checkpoint(void **state)
{
    struct api_world *world = *state;
    mpy_object *f = function_of(note, 0, 0, 0);
    mpy_object *type = make_type("t.A");
    mpy_object *o = api_good(mpy_call_noargs(type));
    mpy_object *one = MPY_TRUE;
    assert_non_null(mpy_call_method_utf8(o, "m", &one, 1)); /* now it is cached */
    got.calls = 0;
    assert_int_equal(mpy_pending_add(world->rt, fail_pending, NULL), 0);
    assert_null(mpy_call_noargs(f));
    api_expect_error(MPY_EXC_KEYBOARD_INTERRUPT);
    assert_int_equal(mpy_pending_add(world->rt, fail_pending, NULL), 0);
    assert_null(mpy_call_method_utf8(o, "m", &one, 1));
    api_expect_error(MPY_EXC_KEYBOARD_INTERRUPT);
    assert_int_equal(got.calls, 0);
    assert_non_null(mpy_call_noargs(f));
    mpy_decref(f);
    mpy_decref(o);
    mpy_decref(type);
}

static mpy_object *
call_again(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)note(self, argv, nargs, kwnames);
    return mpy_call(argv[0], argv, 1, NULL);
}

static void
test_depth(void **state)
{
    mpy_object *f = function_of(call_again, 1, 1, 0);
    struct mpyi_thread *t = mpyi_current();
    (void)state;
    got.calls = 0;
    assert_null(mpy_call(f, &f, 1, NULL));
    api_expect_error(MPY_EXC_RECURSION_ERROR);
    assert_int_equal(got.calls, t->depth_limit);
    assert_int_equal(t->depth, 0);
    mpy_decref(f);
}

/* ---- other callables
 * -------------------------------------------------------------------------------------- */

static mpy_object *
call_slot(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self;
    (void)argv;
    (void)kwnames;
    return nargs == 0 ? NULL : mpy_int_from_i64((int64_t)nargs);
}

static void
test_slot(void **state)
{
    const mpy_type_spec spec = {
        .size = sizeof spec, .version = 1, .name = "t.Callable", .call = call_slot};
    mpy_object *type = api_good(mpy_type_from_spec(&spec, NULL));
    mpy_object *o = api_good(mpy_call_noargs(type));
    mpy_object *v[2] = {MPY_NONE, MPY_NONE};
    (void)state;
    assert_int_equal(mpy_call_check(o), 1);
    assert_int_equal(mpy_call_check(MPY_NONE), 0);
    assert_ptr_equal(mpy_call(o, v, 2, NULL), mpy_int_from_i64(2));
    assert_null(mpy_call_noargs(o));
    api_expect_error(MPY_EXC_SYSTEM_ERROR);
    assert_null(mpy_call_noargs(MPY_NONE));
    expect_text("mpy_call_noargs(): 'NoneType' object is not callable");
    mpy_decref(o);
    mpy_decref(type);
}

static int
many_arguments(struct api_world *world, void *data)
{
    mpy_object *v[20];
    (void)world;
    for (int i = 0; i < 20; i++) {
        v[i] = MPY_NONE;
    }
    return mpy_call_method_utf8(data, "append_all", v, 20) != NULL;
}

static void
test_no_memory(void **state)
{
    mpy_object *type = make_type("t.A");
    mpy_object *o = api_good(mpy_call_noargs(type));
    mpy_object *f = function_of(note, 0, MPY_ARGS_ANY, 0);
    mpy_object *name = api_good(mpy_str_intern("append_all"));
    api_done(mpy_object_set_attr(o, name, f));
    got.nargs = 0;
    (void)sweep(*state, many_arguments, o);
    assert_int_equal(got.nargs, 20);
    mpy_decref(name);
    mpy_decref(f);
    mpy_decref(o);
    mpy_decref(type);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counts, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_keywords, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_results, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_method_calls, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_owner, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_method_goes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_checkpoint, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_depth, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_slot, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
