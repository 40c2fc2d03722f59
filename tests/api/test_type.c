/* SPDX-License-Identifier: MIT */
/*
 * api/test_type.c - types made by hosts: specs that are refused, inheritance, every slot, data and
 * references, life callbacks.
 */
#include "support/api_world.h"

#include <stdlib.h>
#include <string.h>

static mpy_type_spec
basic(const char *name)
{
    mpy_type_spec s = {.size = sizeof s, .version = 1, .name = name, .flags = MPY_TYPE_BASE};
    return s;
}

static int
traverse(void *data, mpy_visit_fn visit, void *arg)
{
    return visit(*(mpy_object **)data, arg);
}

static mpy_object *
native(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self;
    (void)argv;
    (void)nargs;
    (void)kwnames;
    return MPY_NONE;
}

static void
refused(const mpy_type_spec *spec, mpy_object *base, int code)
{
    char text[MPY_ERR_TEXT_MAX + 1];
    assert_null(mpy_type_from_spec(spec, base));
    assert_int_equal(api_take_error(text, sizeof text), code);
    assert_non_null(strstr(text, "mpy_type_from_spec()"));
}

static void
test_bad_specs(void **state)
{
    const mpy_member_spec bad_index[] = {{"m", 2, 0}, {NULL, 0, 0}};
    const mpy_func_spec bad_method[] = {{.name = "m"}, {.name = NULL}};
    mpy_type_spec s[9];
    (void)state;
    for (int i = 0; i < 9; i++) {
        s[i] = basic("t.Bad");
        s[i].data_size = 16;
        s[i].ref_count = 2;
    }
    s[0].version = 2;
    s[1].size = 8;
    s[2].name = "";
    s[3].flags = 0x100;
    s[4].data_size = 15;
    s[5].traverse = traverse;
    s[6].members = bad_index;
    s[7].methods = bad_method;
    s[8].data_size = SIZE_MAX;
    for (int i = 0; i < 9; i++) {
        refused(&s[i], NULL, MPY_EXC_VALUE_ERROR);
    }
    s[0] = basic(NULL);
    refused(&s[0], NULL, MPY_EXC_VALUE_ERROR);
    s[0] = basic("bad \xFF name");
    assert_null(mpy_type_from_spec(&s[0], NULL));
    assert_int_equal(mpy_err_matches_code(MPY_EXC_VALUE_ERROR), 1);
    mpy_err_clear();
    refused(NULL, NULL, MPY_EXC_API);
    s[0] = basic("t.Fine");
    refused(&s[0], MPY_NONE, MPY_EXC_TYPE_ERROR);
    refused(&s[0], api_good(mpy_type_builtin(MPY_TYPE_ID_LIST)), MPY_EXC_TYPE_ERROR);
}

static void
test_bad_bases(void **state)
{
    mpy_type_spec final = basic("t.Final"), bytes = basic("t.Bytes"), refs = basic("t.Refs");
    mpy_object *f, *b;
    (void)state;
    final.flags = 0;
    bytes.data_size = 24;
    bytes.ref_count = 1;
    refs.data_size = 8;
    refs.ref_count = 1;
    f = api_good(mpy_type_from_spec(&final, NULL));
    b = api_good(mpy_type_from_spec(&bytes, NULL));
    refused(&refs, f, MPY_EXC_TYPE_ERROR);
    refused(&refs, b, MPY_EXC_TYPE_ERROR); /* its plain bytes would lie between references */
    mpy_decref(f);
    mpy_decref(b);
}

static void
test_names_and_subtypes(void **state)
{
    mpy_type_spec a = basic("pkg.mod.Name"), b = basic("Bare");
    mpy_object *ta = api_good(mpy_type_from_spec(&a, NULL));
    mpy_object *tb = api_good(mpy_type_from_spec(&b, ta));
    mpy_object *name = api_good(mpy_type_name(ta));
    mpy_object *qualname = api_good(mpy_type_qualname(ta));
    mpy_object *bare = api_good(mpy_type_qualname(tb));
    (void)state;
    assert_int_equal(mpy_str_equal_utf8(name, "Name", 4), 1);
    assert_int_equal(mpy_str_equal_utf8(qualname, "pkg.mod.Name", 12), 1);
    assert_int_equal(mpy_str_equal_utf8(bare, "Bare", 4), 1);
    assert_int_equal(mpy_type_is_subtype(tb, ta), 1);
    assert_int_equal(mpy_type_is_subtype(ta, tb), 0);
    assert_int_equal(mpy_type_is_subtype(ta, MPY_NONE), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_true(mpy_type_check(ta));
    assert_false(mpy_type_check(name));
    mpy_decref(name);
    mpy_decref(qualname);
    mpy_decref(bare);
    mpy_decref(tb);
    mpy_decref(ta);
}

/* ---- data
 * ---------------------------------------------------------------------------------------- */

struct pair {
    mpy_object *left, *right;
    int64_t sum;
};

struct triple {
    double weight;
    char tag[9];
};

static void
test_data_of_both(void **state)
{
    mpy_type_spec base = basic("t.Pair"), below = basic("t.Triple");
    mpy_object *tb, *tt, *o, *list = api_make(*state, API_LIST);
    void *p;
    struct pair *pair;
    struct triple *triple;
    base.ref_count = 2;
    base.data_size = sizeof(struct pair);
    below.data_size = sizeof(struct triple);
    tb = api_good(mpy_type_from_spec(&base, NULL));
    tt = api_good(mpy_type_from_spec(&below, tb));
    o = api_good(mpy_type_new_instance(tt));
    api_done(mpy_type_data(o, tb, &p));
    pair = p;
    api_done(mpy_type_data(o, tt, &p));
    triple = p;
    assert_null(pair->left);
    assert_int_equal(pair->sum, 0);
    pair->sum = -1;
    memset(triple, 0xAA, sizeof *triple);
    mpy_assign(&pair->left, list);
    mpy_assign(&pair->right, o);
    assert_int_equal(pair->sum, -1);
    assert_int_equal(mpy_type_data(list, tb, &p), -1);
    assert_null(p);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_int_equal(mpy_type_data(list, api_good(mpy_object_type(list)), &p), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(o);
    api_done(mpy_gc_collect(2, NULL)); /* the cycle */
    assert_int_equal(mpy_refcount(list), 1);
    mpy_decref(tt);
    mpy_decref(tb);
    mpy_decref(list);
}

static void
test_members(void **state)
{
    const mpy_member_spec members[] = {
        {"left", 0, 0}, {"right", 1, MPY_MEMBER_READONLY}, {NULL, 0, 0}};
    mpy_type_spec base = basic("t.Pair"), below = basic("t.Below");
    mpy_object *tb, *tt, *o, *got;
    void *p;
    (void)state;
    base.ref_count = 2;
    base.data_size = sizeof(struct pair);
    base.members = members;
    below.flags = MPY_TYPE_ATTRS; /* a word for attributes moves the data */
    tb = api_good(mpy_type_from_spec(&base, NULL));
    tt = api_good(mpy_type_from_spec(&below, tb));
    o = api_good(mpy_call_noargs(tt));
    assert_null(mpy_object_get_attr_utf8(o, "left"));
    api_expect_error(MPY_EXC_ATTRIBUTE_ERROR);
    api_done(mpy_object_set_attr_utf8(o, "left", MPY_TRUE));
    got = api_good(mpy_object_get_attr_utf8(o, "left"));
    assert_ptr_equal(got, MPY_TRUE);
    api_done(mpy_type_data(o, tb, &p));
    assert_ptr_equal(((struct pair *)p)->left, MPY_TRUE);
    assert_int_equal(mpy_object_set_attr_utf8(o, "right", MPY_TRUE), -1);
    api_expect_error(MPY_EXC_ATTRIBUTE_ERROR);
    ((struct pair *)p)->right = MPY_FALSE;
    assert_ptr_equal(api_good(mpy_object_get_attr_utf8(o, "right")), MPY_FALSE);
    api_done(mpy_object_set_attr_utf8(o, "other", MPY_NONE));
    mpy_decref(o);
    mpy_decref(tt);
    mpy_decref(tb);
}

/* ---- every slot reaches its operation
 * -------------------------------------------------------------- */

static const char *last_slot;

static mpy_object *
text(mpy_object *self)
{
    (void)self;
    last_slot = "text";
    return mpy_str_from_utf8("text");
}

static int
hash(mpy_object *self, int64_t *out)
{
    (void)self;
    *out = 77;
    return 0;
}

static mpy_object *
compare(mpy_object *a, mpy_object *b, int op)
{
    (void)a;
    (void)b;
    return mpy_bool_from_int(op == MPY_LE);
}

static int
is_false(mpy_object *self)
{
    (void)self;
    return 0;
}

static mpy_object *
iter(mpy_object *self)
{
    return mpy_newref(self);
}

static int
next(mpy_object *self, mpy_object **out)
{
    (void)self;
    *out = NULL;
    last_slot = "next";
    return 0;
}

#define BINARY(name)                                                                               \
    static mpy_object *op_##name(mpy_object *a, mpy_object *b)                                     \
    {                                                                                              \
        (void)a;                                                                                   \
        (void)b;                                                                                   \
        last_slot = #name;                                                                         \
        return MPY_NONE;                                                                           \
    }
BINARY(add)
BINARY(subtract)
BINARY(multiply)
BINARY(true_divide)
BINARY(floor_divide)
BINARY(remainder)

static mpy_object *
op_negative(mpy_object *a)
{
    (void)a;
    last_slot = "negative";
    return MPY_NONE;
}

static void
check_arithmetic(mpy_object *o)
{
    mpy_object *(*const operations[])(mpy_object *, mpy_object *) = {
        mpy_number_add,         mpy_number_subtract,     mpy_number_multiply,
        mpy_number_true_divide, mpy_number_floor_divide, mpy_number_remainder};
    const char *const names[] = {"add",         "subtract",     "multiply",
                                 "true_divide", "floor_divide", "remainder"};
    for (int i = 0; i < 6; i++) {
        last_slot = "";
        assert_ptr_equal(api_good(operations[i](o, MPY_TRUE)), MPY_NONE);
        assert_string_equal(last_slot, names[i]);
        last_slot = "";
        assert_ptr_equal(api_good(operations[i](MPY_TRUE, o)), MPY_NONE);
        assert_string_equal(last_slot, names[i]);
    }
    assert_ptr_equal(api_good(mpy_number_negative(o)), MPY_NONE);
    assert_string_equal(last_slot, "negative");
}

/* On the type that has them and, inherited, on one below it. */
static void
test_slots(void **state)
{
    mpy_type_spec s = basic("t.Slots"), empty = basic("t.Below");
    mpy_object *type, *below, *o, *it;
    (void)state;
    s.repr = s.str = text;
    s.hash = hash;
    s.compare = compare;
    s.is_true = is_false;
    s.iter = iter;
    s.next = next;
    s.add = op_add;
    s.subtract = op_subtract;
    s.multiply = op_multiply;
    s.true_divide = op_true_divide;
    s.floor_divide = op_floor_divide;
    s.remainder = op_remainder;
    s.negative = op_negative;
    type = api_good(mpy_type_from_spec(&s, NULL));
    below = api_good(mpy_type_from_spec(&empty, type));
    for (int i = 0; i < 2; i++) {
        int64_t h;
        char *repr;
        o = api_good(mpy_call_noargs(i == 0 ? type : below));
        repr = api_repr(o);
        assert_string_equal(repr, "text");
        free(repr);
        api_done(mpy_object_hash(o, &h));
        assert_int_equal(h, 77);
        assert_int_equal(mpy_object_compare_bool(o, MPY_TRUE, MPY_LE), 1);
        assert_int_equal(mpy_object_compare_bool(MPY_TRUE, o, MPY_GE), 1);
        assert_int_equal(mpy_object_compare_bool(o, MPY_TRUE, MPY_EQ), 0);
        assert_int_equal(mpy_object_is_true(o), 0);
        it = api_good(mpy_iter_get(o));
        assert_ptr_equal(it, o);
        assert_int_equal(mpy_iter_check(o), 1);
        mpy_decref(it);
        assert_int_equal(mpy_iter_next(o, &it), 0);
        assert_string_equal(last_slot, "next");
        check_arithmetic(o);
        mpy_decref(o);
    }
    mpy_decref(below);
    mpy_decref(type);
}

/* ---- life
 * ------------------------------------------------------------------------------------------- */

static char journal[100];

static int
init(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self;
    (void)argv;
    (void)nargs;
    (void)kwnames;
    strcat(journal, "i");
    return 0;
}

static void
finalize(mpy_object *self)
{
    (void)self;
    strcat(journal, "f");
}

static void
release(void *data)
{
    (void)data;
    strcat(journal, "r");
}

static void
test_life(void **state)
{
    mpy_type_spec s = basic("t.Life");
    mpy_object *type, *o;
    (void)state;
    s.data_size = 8;
    s.init = init;
    s.finalize = finalize;
    s.release = release;
    type = api_good(mpy_type_from_spec(&s, NULL));
    journal[0] = '\0';
    o = api_good(mpy_call_noargs(type));
    mpy_decref(o);
    assert_string_equal(journal, "ifr");
    o = api_good(mpy_type_new_instance(type));
    mpy_decref(o);
    assert_string_equal(journal, "ifrfr");
    mpy_decref(type);
    assert_null(mpy_type_new_instance(api_good(mpy_type_builtin(MPY_TYPE_ID_LIST))));
    api_expect_error(MPY_EXC_TYPE_ERROR);
}

/* A spec of a later version is longer; one of an earlier, shorter. */
static void
test_sizes_of_specs(void **state)
{
    struct {
        mpy_type_spec spec;
        char more[32];
    } longer;
    mpy_type_spec shorter = basic("t.Short");
    mpy_object *a, *b;
    (void)state;
    memset(&longer, 0xFF, sizeof longer);
    longer.spec = basic("t.Long");
    longer.spec.size = sizeof longer;
    a = api_good(mpy_type_from_spec(&longer.spec, NULL));
    memset((char *)&shorter + offsetof(mpy_type_spec, init), 0xFF,
           sizeof shorter - offsetof(mpy_type_spec, init));
    shorter.size = offsetof(mpy_type_spec, init);
    b = api_good(mpy_type_from_spec(&shorter, NULL));
    mpy_decref(api_good(mpy_call_noargs(b)));
    mpy_decref(a);
    mpy_decref(b);
}

static void
test_methods(void **state)
{
    const mpy_func_spec methods[] = {{.name = "m", .fn = native}, {.name = NULL}};
    mpy_type_spec s = basic("t.M"), empty = basic("t.N");
    mpy_object *type, *below, *o;
    (void)state;
    s.methods = methods;
    type = api_good(mpy_type_from_spec(&s, NULL));
    below = api_good(mpy_type_from_spec(&empty, type));
    o = api_good(mpy_call_noargs(below));
    assert_ptr_equal(api_good(mpy_call_method_utf8(o, "m", NULL, 0)), MPY_NONE);
    mpy_decref(o);
    mpy_decref(below);
    mpy_decref(type);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bad_specs, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_bad_bases, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_names_and_subtypes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_data_of_both, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_members, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_slots, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_life, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_sizes_of_specs, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_methods, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
