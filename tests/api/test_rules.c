/* SPDX-License-Identifier: MIT */
/*
 * api/test_rules.c - the rules between allocator, collector and types, seen from outside.
 *
 * Each test takes a rule of which one part of the library relies on another, and arranges the case
 * that breaks when it is not kept: ints that look like addresses, objects under construction while
 * a collection runs, containers larger than a cell, references the library does not know of. What
 * happens to objects is known from their callbacks (support/api_node.h). There is more in the other
 * files test_rules_*.c.
 */
#include "support/api_rules.h"

#include <stdlib.h>
#include <string.h>

/* [..., o] with itself in it: garbage as soon as it is dropped. */
static mpy_object *
cyclic_list(mpy_object *o)
{
    mpy_object *list = api_good(mpy_list_new(0));
    api_done(mpy_list_append(list, list));
    if (o != NULL) {
        api_done(mpy_list_append(list, o));
    }
    return list;
}

/* ---- ints and floats that look like addresses ----------------------------------------------- */

/* Every immediate with the bits of this address. */
static size_t
look_alikes(mpy_object *o, mpy_object **out)
{
    size_t n = 0;
    for (uintptr_t tag = 1; tag < 8; tag++) {
        mpy_object *alike = (mpy_object *)((uintptr_t)o | tag), *made = NULL;
        if ((tag & 1) != 0) {
            made = mpy_int_from_i64((int64_t)(uintptr_t)alike >> 1);
        } else if (tag == MPY_PRIV_TAG_DOUBLE) {
            made = mpy_float_from_double(mpy_priv_double_decode(alike));
        }
        if (made != NULL) {
            assert_ptr_equal(made, alike);
            out[n++] = made;
        }
    }
    assert_int_equal(n, 5);
    return n;
}

/* The victim's only reference is ours. Were a look-alike in garbage counted as a reference to it,
   it would be taken for garbage as well. */
static void
disturb(struct api_world *w, mpy_object *victim)
{
    mpy_object *alike[5], *keep[3], *garbage, *dict;
    size_t n = look_alikes(victim, alike);

    keep[0] = api_good(mpy_list_from_array(alike, n));
    keep[1] = api_good(mpy_tuple_from_array(alike, n));
    keep[2] = api_make(w, API_PLAIN);
    api_done(mpy_object_set_attr_utf8(keep[2], "attr", alike[0]));
    for (int round = 0; round < 3; round++) {
        garbage = cyclic_list(keep[round]);
        for (size_t i = 0; i < n; i++) {
            api_done(mpy_list_append(garbage, alike[i]));
        }
        dict = api_good(mpy_dict_new(0));
        api_done(mpy_dict_set(dict, alike[0], alike[1]));
        api_done(mpy_dict_set_utf8(dict, "me", dict));
        api_done(mpy_list_append(garbage, dict));
        mpy_decref(dict);
        mpy_decref(garbage);
        api_done(mpy_gc_collect(round, NULL));
        REFS(victim, 1);
    }
    rules_collect();
    rules_collect();
    mpy_decref_many(keep, 3);
}

static void
test_ints_like_addresses(void **state)
{
    struct api_world *w = *state;
    mpy_object *type = api_good(api_node_type(API_NODE_PLAIN));
    mpy_object *victims[3], *referrers;

    rules_fresh_log();
    victims[0] = rules_node(type, API_NODE_PLAIN, 0);
    victims[1] = api_good(mpy_list_new(0));
    api_done(mpy_list_append(victims[1], type));
    victims[2] = api_good(mpy_tuple_pack(1, victims[1]));
    for (size_t i = 0; i < 3; i++) {
        if (i == 1) {
            /* Only we may refer to it. */
            mpy_clear(&victims[2]);
        }
        if (victims[i] == NULL) {
            victims[i] = api_good(mpy_tuple_pack(1, type));
        }
        disturb(w, victims[i]);
        REFS(victims[i], 1);
        referrers = api_good(mpy_gc_get_referrers(victims[i]));
        assert_int_equal(mpy_list_length(referrers), 0);
        mpy_decref(referrers);
    }
    assert_int_equal(rules_log.releases, 0);
    assert_non_null(api_node_data(victims[0], type));
    mpy_decref_many(victims, 3);
    assert_int_equal(rules_log.releases, 1);
    mpy_decref(type);
}

/* ---- objects under construction ------------------------------------------------------------- */

/* init: stores what it is given, collects after every step, looks whether all is still there. */
static int
collecting_init(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    mpy_object *inner, *list = mpy_list_new(0);
    (void)kwnames;
    if (list == NULL || mpy_list_append(list, self) < 0) {
        mpy_xdecref(list);
        return -1;
    }
    for (size_t i = 0; i < nargs; i++) {
        inner = mpy_tuple_pack(2, argv[i], list);
        if (inner == NULL || mpy_gc_collect(2, NULL) < 0 || mpy_list_append(list, inner) < 0 ||
            mpy_gc_collect((int)(i % 3), NULL) < 0 || mpy_refcount(inner) != 2 ||
            mpy_list_length(list) != (ptrdiff_t)i + 2) {
            mpy_xdecref(inner);
            mpy_decref(list);
            return -1;
        }
        mpy_decref(inner);
    }
    if (mpy_object_set_attr_utf8(self, "list", list) < 0 || mpy_gc_collect(2, NULL) < 0) {
        mpy_decref(list);
        return -1;
    }
    mpy_decref(list);
    if (nargs > 3) {
        mpy_err_set_code(MPY_EXC_KEY_ERROR, "more than three");
        return -1;
    }
    return 0;
}

static const mpy_type_spec building_spec = {.size = sizeof(mpy_type_spec),
                                            .version = 1,
                                            .name = "t.Building",
                                            .flags = MPY_TYPE_ATTRS,
                                            .init = collecting_init};

static void
test_init_collects(void **state)
{
    struct api_world *w = *state;
    mpy_object *building = api_good(mpy_type_from_spec(&building_spec, NULL));
    mpy_object *node_type = api_good(api_node_type(API_NODE_PLAIN));
    mpy_object *argv[4], *o, *list;
    ptrdiff_t blocks = 0;

    for (int round = 0; round < 4; round++) {
        rules_fresh_log();
        for (int i = 0; i < 4; i++) {
            mpy_object *n = rules_node(node_type, API_NODE_PLAIN, i);
            argv[i] = cyclic_list(n);
            mpy_decref(n);
        }
        o = api_good(mpy_call(building, argv, 3, NULL));
        list = api_good(mpy_object_get_attr_utf8(o, "list"));
        assert_int_equal(mpy_list_length(list), 4);
        mpy_decref(list);
        assert_int_equal(rules_log.releases, 0);
        mpy_decref(o);
        assert_null(mpy_call(building, argv, 4, NULL));
        api_expect_error(MPY_EXC_KEY_ERROR);
        assert_int_equal(rules_log.releases, 0);
        mpy_decref_many(argv, 4);
        rules_collect();
        assert_int_equal(rules_log.releases, 4);
        if (round == 1) {
            blocks = api_blocks(w);
        }
    }
    assert_int_equal(api_blocks(w), blocks);
    mpy_decref(building);
    mpy_decref(node_type);
}

/* An iterator that collects, and gives a new cyclic list each time. */
struct feeder {
    int left;
    int as_str;
};

static int
feeder_next(mpy_object *self, mpy_object **out)
{
    mpy_object *type = mpy_object_type(self);
    void *data;
    struct feeder *f;
    int r = mpy_type_data(self, type, &data);
    mpy_decref(type);
    *out = NULL;
    if (r < 0 || mpy_gc_collect(2, NULL) < 0) {
        return -1;
    }
    f = data;
    if (f->left-- == 0) {
        return 0;
    }
    *out = f->as_str ? mpy_str_from_utf8("a text, not a short one") : cyclic_list(NULL);
    return *out != NULL && mpy_gc_collect(0, NULL) == 0 ? 1 : -1;
}

static const mpy_type_spec feeder_spec = {.size = sizeof(mpy_type_spec),
                                          .version = 1,
                                          .name = "t.Feeder",
                                          .data_size = sizeof(struct feeder),
                                          .next = feeder_next};

static mpy_object *
new_feeder(mpy_object *type, int n, int as_str)
{
    mpy_object *o = api_good(mpy_type_new_instance(type));
    void *data;
    api_done(mpy_type_data(o, type, &data));
    ((struct feeder *)data)->left = n;
    ((struct feeder *)data)->as_str = as_str;
    return o;
}

/* Lists and texts that are being built from an iterator while collections run. */
static void
test_iterator_collects(void **state)
{
    mpy_object *type = api_good(mpy_type_from_spec(&feeder_spec, NULL));
    mpy_object *feeder = new_feeder(type, 50, 0), *list = api_good(mpy_list_new(0)), *text, *sep;

    (void)state;
    api_done(mpy_list_extend(list, feeder));
    mpy_decref(feeder);
    assert_int_equal(mpy_list_length(list), 50);
    for (ptrdiff_t i = 0; i < 50; i++) {
        mpy_object *item = api_good(mpy_list_get(list, i));
        assert_int_equal(mpy_list_length(item), 1);
        REFS(item, 3);
        mpy_decref(item);
    }
    mpy_decref(list);
    assert_true(rules_collect().collected >= 50);
    feeder = new_feeder(type, 20, 1);
    sep = api_good(mpy_str_from_utf8(","));
    text = api_good(mpy_str_join(sep, feeder));
    assert_int_equal(mpy_str_length(text), 20 * 23 + 19);
    mpy_decref(text);
    mpy_decref(sep);
    mpy_decref(feeder);
    mpy_decref(type);
}

static unsigned hash_calls, compare_calls;

static int
key_hash(mpy_object *self, int64_t *out)
{
    (void)self;
    hash_calls++;
    *out = 5;
    return mpy_gc_collect(2, NULL);
}

static mpy_object *
key_compare(mpy_object *a, mpy_object *b, int op)
{
    compare_calls++;
    if (mpy_gc_collect(2, NULL) < 0) {
        return NULL;
    }
    return mpy_bool_from_int((op == MPY_EQ) == (a == b));
}

static const mpy_type_spec key_spec = {.size = sizeof(mpy_type_spec),
                                       .version = 1,
                                       .name = "t.Key",
                                       .flags = MPY_TYPE_ATTRS,
                                       .hash = key_hash,
                                       .compare = key_compare};

/* Keys whose hash and equality collect, in a dict that grows and is full of cycles. */
static void
test_keys_collect(void **state)
{
    mpy_object *type = api_good(mpy_type_from_spec(&key_spec, NULL)), *keys[40];
    mpy_object *dict = api_good(mpy_dict_new(0)), *out, *copy;

    (void)state;
    hash_calls = compare_calls = 0;
    for (int i = 0; i < 40; i++) {
        keys[i] = api_good(mpy_type_new_instance(type));
        api_done(mpy_object_set_attr_utf8(keys[i], "dict", dict));
        out = cyclic_list(keys[i]);
        api_done(mpy_dict_set(dict, keys[i], out));
        mpy_decref(out);
    }
    assert_true(hash_calls >= 40);
    assert_true(compare_calls >= 40);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(mpy_dict_get(dict, keys[i], &out), 1);
        assert_int_equal(mpy_list_length(out), 2);
        mpy_decref(out);
    }
    copy = api_good(mpy_dict_copy(dict));
    assert_int_equal(mpy_dict_length(copy), 40);
    for (int i = 0; i < 40; i += 2) {
        api_done(mpy_dict_del(dict, keys[i]));
    }
    assert_int_equal(mpy_dict_length(dict), 20);
    mpy_decref_many(keys, 40);
    mpy_decref(dict);
    mpy_decref(copy);
    mpy_decref(type);
    assert_true(rules_collect().collected >= 80);
}

/* ---- larger than a cell --------------------------------------------------------------------- */

/* The number of objects o refers to, as the collector sees it, its type aside. */
static ptrdiff_t
referents(mpy_object *o)
{
    mpy_object *list = api_good(mpy_gc_get_referents(o));
    ptrdiff_t n = 0;
    for (ptrdiff_t i = 0; i < mpy_list_length(list); i++) {
        mpy_object *item = api_good(mpy_list_get(list, i));
        n += !mpy_type_check(item);
        mpy_decref(item);
    }
    mpy_decref(list);
    return n;
}

/* A list of n nodes with ids from 0. */
static mpy_object *
list_of_nodes(mpy_object *type, int n)
{
    mpy_object *list = api_good(mpy_list_new((size_t)n));
    for (int i = 0; i < n; i++) {
        mpy_object *o = rules_node(type, API_NODE_PLAIN, i);
        api_done(mpy_list_append(list, o));
        mpy_decref(o);
    }
    return list;
}

static void
each_once(int n)
{
    for (int i = 0; i < n; i++) {
        assert_int_equal(rules_log.released[i], 1);
    }
    assert_int_equal(rules_log.releases, n);
    assert_int_equal(rules_log.faults, 0);
}

static void
test_large_tuple(void **state)
{
    mpy_object *type = api_good(api_node_type(API_NODE_PLAIN)), *list, *tuple, *cycle;

    (void)state;
    for (int by_collection = 0; by_collection < 2; by_collection++) {
        rules_fresh_log();
        list = list_of_nodes(type, 1000);
        tuple = api_good(mpy_list_as_tuple(list));
        mpy_decref(list);
        assert_int_equal(mpy_tuple_length(tuple), 1000);
        assert_int_equal(referents(tuple), 1000);
        assert_true(mpy_object_sizeof(tuple) >= 8000);
        cycle = api_good(mpy_tuple_get(tuple, 500));
        if (by_collection) {
            rules_set_ref(cycle, type, 0, tuple);
        }
        mpy_decref(cycle);
        rules_collect();
        assert_int_equal(rules_log.releases, 0);
        mpy_decref(tuple);
        assert_int_equal(rules_log.releases, by_collection ? 0 : 1000);
        assert_true(rules_collect().collected >= (by_collection ? 1001u : 0u));
        each_once(1000);
    }
    mpy_decref(type);
}

static void
set_many_attrs(mpy_object *o, mpy_object *type, int n)
{
    for (int i = 0; i < n; i++) {
        mpy_object *name = api_good(mpy_str_format("a%d", i)), *value = rules_node(type, 0, i);
        api_done(mpy_object_set_attr(o, name, value));
        mpy_decref(name);
        mpy_decref(value);
    }
}

static void
test_large_instance(void **state)
{
    struct api_world *w = *state;
    mpy_object *type = api_good(api_node_type(API_NODE_PLAIN)), *o, *value;

    for (int by_collection = 0; by_collection < 2; by_collection++) {
        rules_fresh_log();
        o = api_good(mpy_type_new_instance(w->plain_type));
        set_many_attrs(o, type, 200);
        assert_true(referents(o) >= 1); /* 200 values, or what holds them */
        value = api_good(mpy_object_get_attr_utf8(o, "a137"));
        assert_int_equal(api_node_data(value, type)->id, 137);
        if (by_collection) {
            rules_set_ref(value, type, 3, o);
        }
        mpy_decref(value);
        rules_collect();
        assert_int_equal(rules_log.releases, 0);
        mpy_decref(o);
        assert_int_equal(rules_log.releases, by_collection ? 0 : 200);
        rules_collect();
        each_once(200);
    }
    mpy_decref(type);
}

static void
test_large_data(void **state)
{
    mpy_object *type = api_good(api_node_type(API_NODE_PLAIN));
    mpy_object *big = api_good(api_node_type(API_NODE_BIG | API_NODE_FINALIZE)), *o;
    struct api_big_node *data;

    (void)state;
    for (int by_collection = 0; by_collection < 2; by_collection++) {
        rules_fresh_log();
        o = api_good(api_node_new(big, API_NODE_BIG, &rules_log, 100));
        data = api_big_data(o, big);
        assert_non_null(data);
        assert_int_equal(referents(o), 0);
        for (int i = 0; i < API_BIG_REFS; i++) {
            assert_null(data->refs[i]);
            data->refs[i] = rules_node(type, API_NODE_PLAIN, i);
        }
        for (size_t i = 0; i < sizeof data->rest; i++) {
            assert_int_equal(data->rest[i], 0);
            data->rest[i] = 1;
        }
        if (by_collection) {
            rules_set_ref(data->refs[99], type, 0, o);
        }
        assert_int_equal(referents(o), API_BIG_REFS);
        rules_collect();
        assert_ptr_equal(api_big_data(o, big), data);
        assert_int_equal(rules_log.releases, 0);
        mpy_decref(o);
        assert_int_equal(rules_log.releases, by_collection ? 0 : 101);
        rules_collect();
        each_once(101);
        assert_int_equal(rules_log.finalizers, 1);
    }
    mpy_decref(type);
    mpy_decref(big);
}

/* ---- references the library does not know of ------------------------------------------------ */

static void
test_traverse(void **state)
{
    struct api_world *w = *state;
    unsigned kind = API_NODE_TRAVERSE | API_NODE_FINALIZE;
    mpy_object *type = api_good(api_node_type(kind)), *plain = api_make(w, API_PLAIN);
    mpy_object *a, *b, *c;

    rules_fresh_log();
    a = rules_node(type, kind, 0);
    b = rules_node(type, kind, 1);
    c = rules_node(type, kind, 2);
    /* a -> b (unknown), b -> plain (known), plain -> a: a cycle with all sorts of references. */
    api_done(api_node_add_extra(api_node_data(a, type), b));
    rules_set_ref(b, type, 2, plain);
    api_done(mpy_object_set_attr_utf8(plain, "attr", a));
    api_done(api_node_add_extra(api_node_data(b, type), c));
    api_done(api_node_add_extra(api_node_data(b, type), MPY_TRUE));
    assert_int_equal(referents(a), 1);
    assert_in_range(referents(b), 2, 3);
    rules_collect();
    REFS(a, 2);
    mpy_decref(a);
    mpy_decref(plain);
    rules_collect();
    assert_int_equal(rules_log.releases, 0); /* b is ours */
    mpy_decref(b);
    assert_int_equal(rules_log.releases, 0);
    assert_true(rules_collect().collected >= 3);
    assert_int_equal(rules_log.released[0], 1);
    assert_int_equal(rules_log.released[1], 1);
    assert_int_equal(rules_log.released[2], 0);
    REFS(c, 1);
    /* Without a collection. */
    a = rules_node(type, kind, 3);
    api_done(api_node_add_extra(api_node_data(a, type), c));
    mpy_decref(c);
    mpy_decref(a);
    each_once(4);
    assert_int_equal(rules_log.finalizers, 4);
    mpy_decref(type);
}

/* Garbage of which one object has such references: the rest may not be freed under its callbacks.
 */
static void
test_traverse_among_others(void **state)
{
    mpy_object *type = api_good(api_node_type(API_NODE_TRAVERSE));
    mpy_object *simple = api_good(api_node_type(API_NODE_PLAIN)), *list, *o;

    (void)state;
    rules_fresh_log();
    list = list_of_nodes(simple, 300);
    for (int i = 0; i < 300; i++) {
        mpy_object *item = api_good(mpy_list_get(list, i));
        rules_set_ref(item, simple, 1, list);
        mpy_decref(item);
    }
    for (int i = 300; i < 310; i++) {
        o = rules_node(type, API_NODE_TRAVERSE, i);
        api_done(api_node_add_extra(api_node_data(o, type), list));
        api_done(api_node_add_extra(api_node_data(o, type), o));
        api_done(mpy_list_insert(list, 5, o));
        mpy_decref(o);
    }
    rules_collect();
    assert_int_equal(rules_log.releases, 0);
    mpy_decref(list);
    rules_collect();
    each_once(310);
    mpy_decref(type);
    mpy_decref(simple);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ints_like_addresses, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_init_collects, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_iterator_collects, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_keys_collect, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_large_tuple, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_large_instance, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_large_data, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_traverse, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_traverse_among_others, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
