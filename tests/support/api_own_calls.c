/* SPDX-License-Identifier: MIT */
/*
 * support/api_own_calls.c - who owns what: call.h, err.h, type.h and gc.h.
 */
#include "support/api_own.h"

#include <errno.h>

/* ---- call.h --------------------------------------------------------------------------------- */

static size_t seen_refs[4];

/* Gives its first argument back, and writes down the counts it sees. */
static mpy_object *
give_first(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    seen_refs[0] = self != NULL ? mpy_refcount(self) : 0;
    seen_refs[1] = nargs > 0 ? mpy_refcount(argv[0]) : 0;
    seen_refs[2] = kwnames != NULL ? mpy_refcount(kwnames) : 0;
    return nargs > 0 ? mpy_newref(argv[0]) : MPY_NONE;
}

static const mpy_func_spec first_spec = {
    .name = "first", .fn = give_first, .max_args = MPY_ARGS_ANY, .flags = MPY_FUNC_KEYWORDS};

static void
own_call(struct api_world *w)
{
    mpy_object *self = fresh(), *x = fresh(), *f = api_good(mpy_func_new(&first_spec, self));
    mpy_object *name = api_good(mpy_str_from_utf8("a_keyword")), *argv[2] = {x, self};
    mpy_object *names = api_good(mpy_tuple_pack(1, name)), *r, *args, *kwargs;

    (void)w;
    REFS(f, 1);
    REFS(self, 2);
    r = api_good(mpy_call(f, argv, 1, NULL));
    assert_ptr_equal(r, x);
    REFS(x, 2);
    assert_int_equal(seen_refs[0], 2);
    assert_int_equal(seen_refs[1], 1);
    mpy_decref(r);
    r = api_good(mpy_call(f, argv, 1, names));
    assert_int_equal(seen_refs[2], 1);
    mpy_decref(r);
    assert_ptr_equal(api_good(mpy_call_noargs(f)), MPY_NONE);
    args = api_good(mpy_tuple_pack(1, x));
    kwargs = api_good(mpy_dict_new(0));
    api_done(mpy_dict_set(kwargs, name, self));
    r = api_good(mpy_call_tuple(f, args, kwargs));
    assert_ptr_equal(r, x);
    REFS(x, 3);
    mpy_decref(r);
    REFS(self, 3);
    assert_int_equal(mpy_call_check(f), 1);
    mpy_decref(args);
    mpy_decref(kwargs);
    REFS(x, 1);
    REFS(names, 1);
    mpy_decref(names);
    REFS(name, 1);
    REFS(f, 1);
    mpy_decref(f);
    REFS(self, 1);
    api_done(mpy_recursion_enter("test"));
    mpy_recursion_leave();
    mpy_decref(self);
    mpy_decref(x);
    mpy_decref(name);
}

static const mpy_func_spec give_methods[] = {
    {.name = "give", .fn = give_first, .max_args = MPY_ARGS_ANY, .flags = MPY_FUNC_KEYWORDS},
    {.name = NULL}};

static int
init_first(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)kwnames;
    seen_refs[3] = nargs > 0 ? mpy_refcount(argv[0]) : 0;
    return nargs > 0 ? mpy_object_set_attr_utf8(self, "kept", argv[0]) : 0;
}

static const mpy_type_spec give_spec = {.size = sizeof(mpy_type_spec),
                                        .version = 1,
                                        .name = "t.Give",
                                        .flags = MPY_TYPE_ATTRS | MPY_TYPE_BASE,
                                        .methods = give_methods,
                                        .init = init_first};

static void
own_method(struct api_world *w)
{
    mpy_object *type = api_good(mpy_type_from_spec(&give_spec, NULL)), *o, *method, *r, *name;
    mpy_object *x = fresh(), *argv[2];
    size_t type_refs = mpy_refcount(type);

    (void)w;
    assert_int_equal(type_refs, 1);
    o = api_good(mpy_call(type, &x, 1, NULL));
    REFS(o, 1);
    REFS(type, 1);
    REFS(x, 2);
    assert_int_equal(seen_refs[3], 1);
    name = api_good(mpy_str_from_utf8("give"));
    argv[0] = o;
    argv[1] = x;
    r = api_good(mpy_call_method(name, argv, 2, NULL));
    assert_ptr_equal(r, x);
    REFS(x, 3);
    assert_int_equal(seen_refs[0], 1);
    assert_int_equal(seen_refs[1], 2);
    mpy_decref(r);
    r = api_good(mpy_call_method_utf8(o, "give", &x, 1));
    assert_ptr_equal(r, x);
    mpy_decref(r);
    method = api_good(mpy_object_get_attr(o, name));
    REFS(method, 1);
    REFS(o, 2);
    r = api_good(mpy_call(method, &x, 1, NULL));
    REFS(x, 3);
    mpy_decref(r);
    mpy_decref(method);
    REFS(o, 1);
    mpy_decref(o);
    REFS(x, 1);
    mpy_decref(x);
    mpy_decref(name);
    REFS(type, 1);
    mpy_decref(type);
}

/* ---- err.h ---------------------------------------------------------------------------------- */

static int
write_nothing(void *data, const char *bytes, size_t n)
{
    (void)data;
    return n != 0 && bytes == NULL;
}

static void
own_err(struct api_world *w)
{
    mpy_object *value = fresh(), *exc, *args, *cause, *again;
    mpy_object *type = api_good(mpy_err_new_type("t.Error", NULL, NULL));
    size_t type_refs = mpy_refcount(type);

    (void)w;
    assert_int_equal(type_refs, 1);
    mpy_err_set_object(type, value);
    REFS(value, 2);
    mpy_err_clear();
    REFS(value, 1);
    REFS(type, type_refs);
    mpy_err_set(type, "text");
    mpy_err_set(type, "another text");
    assert_int_equal(mpy_err_matches(type), 1);
    mpy_err_clear();
    REFS(type, type_refs);
    mpy_err_set_object(type, value);
    exc = mpy_err_take();
    assert_non_null(exc);
    assert_int_equal(mpy_err_occurred(), 0);
    REFS(exc, 1);
    REFS(value, 2);
    args = api_good(mpy_exc_get_args(exc));
    assert_int_equal(mpy_tuple_length(args), 1);
    mpy_decref(args);
    REFS(value, 2);
    mpy_err_restore(exc);
    REFS(exc, 2);
    again = mpy_err_take();
    assert_ptr_equal(again, exc);
    REFS(exc, 2);
    mpy_decref(again);
    mpy_err_set_object(type, exc);
    REFS(exc, 2);
    mpy_err_restore(NULL);
    assert_int_equal(mpy_err_occurred(), 0);
    REFS(exc, 1);
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "the cause");
    cause = mpy_err_take();
    api_done(mpy_exc_set_cause(exc, cause));
    REFS(cause, 2);
    again = api_good(mpy_exc_get_cause(exc));
    assert_ptr_equal(again, cause);
    REFS(cause, 3);
    mpy_decref(again);
    api_done(mpy_err_display(exc, write_nothing, NULL));
    api_done(mpy_exc_set_cause(exc, NULL));
    REFS(cause, 1);
    assert_null(mpy_exc_get_cause(exc));
    api_done(mpy_exc_set_cause(exc, cause));
    assert_int_equal(mpy_err_given_matches(exc, type), 1);
    REFS(exc, 1);
    mpy_decref(exc);
    REFS(cause, 1);
    REFS(value, 1);
    REFS(type, type_refs);
    mpy_decref(cause);
    mpy_decref(value);
    mpy_decref(type);
}

static void
own_err_texts(struct api_world *w)
{
    mpy_object *type = api_good(mpy_exc_type(MPY_EXC_OS_ERROR)), *exc;

    (void)w;
    REFS(type, MPY_PRIV_REFCNT_IMMORTAL);
    mpy_err_format(type, "%d of %s", 7, "them");
    exc = mpy_err_take();
    REFS(exc, 1);
    mpy_decref(api_good(mpy_err_message(exc)));
    REFS(exc, 1);
    mpy_decref(exc);
    errno = ENOENT;
    mpy_err_from_errno(NULL, "file");
    assert_int_equal(mpy_err_code(), MPY_EXC_OS_ERROR);
    mpy_err_no_memory();
    exc = mpy_err_take();
    assert_non_null(exc);
    mpy_decref(exc);
    mpy_err_format_code(MPY_EXC_KEY_ERROR, "%s", "text");
    mpy_err_clear();
}

/* ---- type.h, gc.h --------------------------------------------------------------------------- */

static void
own_type(struct api_world *w)
{
    size_t base_refs = mpy_refcount(w->plain_type);
    mpy_object *type = api_good(mpy_type_from_spec(&give_spec, w->plain_type)), *o, *r;

    REFS(type, 1);
    REFS(w->plain_type, base_refs + 1);
    mpy_decref(api_good(mpy_type_name(type)));
    mpy_decref(api_good(mpy_type_qualname(type)));
    assert_int_equal(mpy_type_is_subtype(type, w->plain_type), 1);
    assert_int_equal(mpy_object_is_subclass(type, w->plain_type), 1);
    o = api_good(mpy_type_new_instance(type));
    REFS(o, 1);
    REFS(type, 1);
    r = api_good(mpy_object_type(o));
    REFS(type, 2);
    mpy_decref(r);
    mpy_decref(o);
    REFS(type, 1);
    mpy_decref(type);
    REFS(w->plain_type, base_refs);
    r = api_good(mpy_type_builtin(MPY_TYPE_ID_DICT));
    REFS(r, MPY_PRIV_REFCNT_IMMORTAL);
}

static void
own_gc(struct api_world *w)
{
    mpy_object *x = fresh(), *list = api_good(mpy_list_from_array(&x, 1)), *r;

    (void)w;
    r = api_good(mpy_gc_get_referents(list));
    REFS(r, 1);
    assert_int_equal(mpy_list_length(r), 1);
    REFS(x, 3);
    mpy_decref(r);
    r = api_good(mpy_gc_get_referrers(x));
    REFS(r, 1);
    assert_int_equal(mpy_list_length(r), 1);
    REFS(list, 2);
    mpy_decref(r);
    api_done(mpy_gc_is_tracked(x));
    api_done(mpy_gc_is_finalized(x));
    api_done(mpy_gc_collect(2, NULL));
    REFS(x, 2);
    REFS(list, 1);
    mpy_decref(list);
    mpy_decref(x);
}

const struct own_case api_own_calls[] = {
    {own_call, "mpy_func_new mpy_call mpy_call_noargs mpy_call_tuple mpy_call_check "
               "mpy_recursion_enter mpy_recursion_leave"},
    {own_method, "mpy_call mpy_call_method mpy_call_method_utf8"},
    {own_err, "mpy_err_set mpy_err_set_object mpy_err_clear mpy_err_matches mpy_err_given_matches "
              "mpy_err_take mpy_err_restore mpy_err_new_type mpy_err_display mpy_exc_get_cause "
              "mpy_exc_set_cause mpy_exc_get_args mpy_err_set_code"},
    {own_err_texts, "mpy_exc_type mpy_err_format mpy_err_message mpy_err_from_errno "
                    "mpy_err_no_memory mpy_err_format_code"},
    {own_type, "mpy_type_from_spec mpy_type_builtin mpy_type_name mpy_type_qualname "
               "mpy_type_is_subtype mpy_type_new_instance mpy_object_is_subclass"},
    {own_gc, "mpy_gc_get_referents mpy_gc_get_referrers mpy_gc_is_tracked mpy_gc_is_finalized "
             "mpy_gc_collect"},
    {NULL, NULL}};
