/* SPDX-License-Identifier: MIT */
/*
 * api/test_rules_losses.c - references lost in every way, types and their instances, unfinished
 * calls.
 *
 * A full collection looks at what lost a reference since the last one. So every way to lose one has
 * to be noticed: here an old cycle loses the last reference from outside in each of them. An
 * instance is a reference to its type that nobody counts. And a call on a container has finished
 * its change before it drops what it held, as finalizers can see.
 */
#include "support/api_rules.h"

#include <string.h>

static void
each_once(int n)
{
    for (int i = 0; i < n; i++) {
        assert_int_equal(rules_log.released[i], 1);
    }
    assert_int_equal(rules_log.releases, n);
    assert_int_equal(rules_log.faults, 0);
}

/* ---- references lost in every way ----------------------------------------------------------- */

struct loss {
    const char *how;
    void (*hold)(mpy_object *holder, mpy_object *o);
    void (*lose)(mpy_object *holder);
    int kind; /* API_* of the holder */
};

static void
hold_list(mpy_object *holder, mpy_object *o)
{
    api_done(mpy_list_append(holder, o));
}

static void
lose_by_pop(mpy_object *holder)
{
    mpy_decref(api_good(mpy_list_pop(holder, -1)));
}

static void
lose_by_clear(mpy_object *holder)
{
    api_done(mpy_list_clear(holder));
}

static void
lose_by_set(mpy_object *holder)
{
    api_done(mpy_list_set(holder, mpy_list_length(holder) - 1, MPY_NONE));
}

static void
lose_by_del_item(mpy_object *holder)
{
    api_done(mpy_object_del_item(holder, mpy_int_from_i64(-1)));
}

static void
hold_dict(mpy_object *holder, mpy_object *o)
{
    api_done(mpy_dict_set_utf8(holder, "o", o));
}

static void
lose_by_dict_set(mpy_object *holder)
{
    api_done(mpy_dict_set_utf8(holder, "o", MPY_NONE));
}

static void
lose_by_dict_pop(mpy_object *holder)
{
    mpy_object *key = api_good(mpy_str_from_utf8("o"));
    assert_int_equal(mpy_dict_pop(holder, key, NULL), 1);
    mpy_decref(key);
}

static void
lose_by_dict_pop_out(mpy_object *holder)
{
    mpy_object *key = api_good(mpy_str_from_utf8("o")), *out;
    assert_int_equal(mpy_dict_pop(holder, key, &out), 1);
    mpy_decref(key);
    mpy_decref(out);
}

static void
lose_by_dict_clear(mpy_object *holder)
{
    api_done(mpy_dict_clear(holder));
}

static void
hold_attr(mpy_object *holder, mpy_object *o)
{
    api_done(mpy_object_set_attr_utf8(holder, "o", o));
}

static void
lose_by_set_attr(mpy_object *holder)
{
    api_done(mpy_object_set_attr_utf8(holder, "o", MPY_NONE));
}

static void
lose_by_del_attr(mpy_object *holder)
{
    mpy_object *name = api_good(mpy_str_from_utf8("o"));
    api_done(mpy_object_del_attr(holder, name));
    mpy_decref(name);
}

static void
hold_data(mpy_object *holder, mpy_object *o)
{
    api_done(mpy_object_set_attr_utf8(holder, "first", o));
}

static void
lose_by_member(mpy_object *holder)
{
    api_done(mpy_object_set_attr_utf8(holder, "first", MPY_NONE));
}

static const struct loss losses[] = {
    {"list pop", hold_list, lose_by_pop, API_LIST},
    {"list clear", hold_list, lose_by_clear, API_LIST},
    {"list set", hold_list, lose_by_set, API_LIST},
    {"list del", hold_list, lose_by_del_item, API_LIST},
    {"dict set", hold_dict, lose_by_dict_set, API_DICT},
    {"dict pop", hold_dict, lose_by_dict_pop, API_DICT},
    {"dict pop out", hold_dict, lose_by_dict_pop_out, API_DICT},
    {"dict clear", hold_dict, lose_by_dict_clear, API_DICT},
    {"attribute set", hold_attr, lose_by_set_attr, API_PLAIN},
    {"attribute del", hold_attr, lose_by_del_attr, API_PLAIN},
    {"member set", hold_data, lose_by_member, API_DATA},
    {"death of a list", hold_list, NULL, API_LIST},
    {"death of a dict", hold_dict, NULL, API_DICT},
    {"death of an instance", hold_attr, NULL, API_PLAIN},
    {"death of a data instance", hold_data, NULL, API_DATA},
};

/* A cycle that is old and known to be alive loses the last reference from outside: the next full
   collection has to find it, whichever way the reference went. */
static void
lose(struct api_world *w, mpy_object *type, const struct loss *loss, int collections)
{
    mpy_object *holder = api_make(w, loss->kind), *a = rules_node(type, 0, 0),
               *b = rules_node(type, 0, 1);

    rules_fresh_log();
    rules_set_ref(a, type, 0, b);
    rules_set_ref(b, type, 0, a);
    loss->hold(holder, a);
    mpy_decref(a);
    mpy_decref(b);
    for (int i = 0; i < collections; i++) {
        rules_collect();
    }
    assert_int_equal(rules_log.releases, 0);
    if (loss->lose != NULL) {
        loss->lose(holder);
    } else {
        mpy_clear(&holder);
    }
    assert_int_equal(rules_log.releases, 0);
    rules_collect();
    if (rules_log.releases != 2) {
        fail_msg("%s, after %d collections: %u of 2 objects found", loss->how, collections,
                 rules_log.releases);
    }
    mpy_xdecref(holder);
}

static void
test_lost_references(void **state)
{
    mpy_object *type = api_good(api_node_type(API_NODE_PLAIN));
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        for (int collections = 0; collections < 5; collections++) {
            lose(*state, type, &losses[i], collections);
        }
    }
    mpy_decref(type);
}

/* The same through a reference of C, taken and given back inline, and through a chain: the object
   that loses its reference is not in the cycle itself. */
static void
test_lost_far_away(void **state)
{
    mpy_object *type = api_good(api_node_type(API_NODE_PLAIN)), *chain[50];

    (void)state;
    for (int collections = 0; collections < 4; collections++) {
        rules_fresh_log();
        for (int i = 0; i < 50; i++) {
            chain[i] = rules_node(type, 0, i);
            if (i > 0) {
                rules_set_ref(chain[i - 1], type, 0, chain[i]);
            }
        }
        rules_set_ref(chain[49], type, 1, chain[25]);
        rules_set_ref(chain[25], type, 1, chain[0]);
        for (int i = 1; i < 50; i++) {
            mpy_decref(chain[i]);
        }
        for (int i = 0; i < collections; i++) {
            rules_collect();
        }
        mpy_incref(chain[0]);
        mpy_decref(chain[0]);
        rules_collect();
        assert_int_equal(rules_log.releases, 0);
        mpy_decref(chain[0]);
        rules_collect();
        each_once(50);
    }
    mpy_decref(type);
}

/* A tuple that was left alone because its items could not be in a cycle, until they were. */
static void
test_untracked_in_a_cycle(void **state)
{
    mpy_object *type = api_good(api_node_type(API_NODE_PLAIN)), *dict, *tuple, *n, *outer;

    (void)state;
    for (int empty_first = 0; empty_first < 2; empty_first++) {
        rules_fresh_log();
        dict = api_good(mpy_dict_new(0));
        n = rules_node(type, 0, 0);
        if (!empty_first) {
            api_done(mpy_dict_set_utf8(dict, "i", mpy_int_from_i64(1)));
        }
        tuple = api_good(mpy_tuple_pack(2, dict, mpy_int_from_i64(5)));
        outer = api_good(mpy_tuple_pack(1, tuple));
        rules_collect();
        rules_collect();
        api_done(mpy_dict_set_utf8(dict, "t", outer));
        api_done(mpy_dict_set_utf8(dict, "n", n));
        mpy_decref(n);
        mpy_decref(tuple);
        mpy_decref(outer);
        rules_collect();
        assert_int_equal(rules_log.releases, 0);
        mpy_decref(dict);
        rules_collect();
        each_once(1);
    }
    mpy_decref(type);
}

/* ---- types ---------------------------------------------------------------------------------- */

static void
test_instances_keep_their_type(void **state)
{
    struct api_world *w = *state;
    ptrdiff_t blocks = 0;

    for (int round = 0; round < 3; round++) {
        mpy_object *type = api_good(api_node_type(API_NODE_FINALIZE)), *o[100], *again, *name;
        rules_fresh_log();
        REFS(type, 1);
        for (int i = 0; i < 100; i++) {
            o[i] = rules_node(type, 0, i);
        }
        REFS(type, 1);
        mpy_decref_many(o, 50);
        REFS(type, 1);
        mpy_decref(type);
        rules_collect();
        again = api_good(mpy_object_type(o[99]));
        assert_ptr_equal(again, type);
        name = api_good(mpy_type_name(again));
        assert_int_equal(mpy_str_equal_utf8(name, "Node", 4), 1);
        mpy_decref(name);
        mpy_decref(again);
        assert_int_equal(mpy_object_is_instance(o[60], again), 1);
        mpy_decref_many(o + 50, 49);
        rules_collect();
        assert_non_null(api_node_data(o[99], type));
        mpy_decref(o[99]);
        each_once(100);
        assert_int_equal(rules_log.finalizers, 100);
        if (round == 1) {
            blocks = api_blocks(w);
        }
    }
    assert_int_equal(api_blocks(w), blocks);
}

/* type -> its attributes -> instance -> (no count, but) type. */
static void
test_type_in_a_cycle(void **state)
{
    struct api_world *w = *state;
    ptrdiff_t blocks = 0;

    for (int round = 0; round < 6; round++) {
        unsigned kind = round % 2 == 0 ? API_NODE_PLAIN : API_NODE_TRAVERSE | API_NODE_FINALIZE;
        mpy_object *type = api_good(api_node_type(kind)), *o, *kept = NULL;
        rules_fresh_log();
        for (int i = 0; i < 5; i++) {
            o = rules_node(type, kind, i);
            rules_set_ref(o, type, 0, type);
            api_done(mpy_object_set_attr_utf8(type, i == 0 ? "zero" : i == 1 ? "one" : "more", o));
            if (i == 3 && round >= 2) {
                kept = mpy_newref(o);
            }
            mpy_decref(o);
        }
        rules_collect();
        assert_int_equal(rules_log.releases, kept != NULL ? 1 : 2);
        mpy_decref(type);
        rules_collect();
        if (kept != NULL) {
            assert_int_equal(rules_log.releases, 1);
            assert_non_null(api_node_data(kept, type));
            mpy_clear(&kept);
            rules_collect();
        }
        rules_collect();
        each_once(5);
        if (round == 3) {
            blocks = api_blocks(w);
        }
    }
    assert_int_equal(api_blocks(w), blocks);
}

static unsigned base_finalized, base_released;

static void
base_finalize(mpy_object *self)
{
    base_finalized += mpy_refcount(self) > 0;
}

static void
base_release(void *data)
{
    base_released += *(const uint64_t *)data == API_NODE_GUARD;
}

static const mpy_type_spec base_spec = {.size = sizeof(mpy_type_spec),
                                        .version = 1,
                                        .name = "t.Base",
                                        .flags = MPY_TYPE_BASE,
                                        .data_size = 8,
                                        .finalize = base_finalize,
                                        .release = base_release};
static const mpy_type_spec below_spec = {.size = sizeof(mpy_type_spec),
                                         .version = 1,
                                         .name = "t.Below",
                                         .flags = MPY_TYPE_BASE | MPY_TYPE_ATTRS};

/* A base lives as long as types below it, and their instances. */
static void
test_bases(void **state)
{
    struct api_world *w = *state;
    ptrdiff_t blocks = 0;

    for (unsigned round = 0; round < 4; round++) {
        mpy_object *type[20], *o;
        void *data;
        type[0] = api_good(mpy_type_from_spec(&base_spec, NULL));
        for (int i = 1; i < 20; i++) {
            type[i] = api_good(mpy_type_from_spec(&below_spec, type[i - 1]));
        }
        o = api_good(mpy_type_new_instance(type[19]));
        api_done(mpy_type_data(o, type[0], &data));
        *(uint64_t *)data = API_NODE_GUARD;
        if (round % 2 == 1) {
            api_done(mpy_object_set_attr_utf8(o, "me", o));
        }
        mpy_decref_many(type, 20);
        rules_collect();
        assert_int_equal(base_finalized, round);
        assert_int_equal(mpy_object_is_instance(o, type[0]), 1);
        mpy_decref(o);
        rules_collect();
        assert_int_equal(base_finalized, round + 1);
        assert_int_equal(base_released, round + 1);
        if (round == 1) {
            blocks = api_blocks(w);
        }
    }
    assert_int_equal(api_blocks(w), blocks);
}

/* ---- a call on a container is atomic -------------------------------------------------------- */

/* What a finalizer sees of the container its object was dropped from. */
static mpy_object *watched;
static ptrdiff_t seen_length;

static void
watching_finalize(mpy_object *self)
{
    (void)self;
    seen_length = mpy_object_length(watched);
    if (mpy_list_check(watched)) {
        /* And may change it. */
        if (mpy_list_append(watched, MPY_NONE) < 0) {
            seen_length = -2;
        }
    } else if (mpy_dict_set_utf8(watched, "late", MPY_NONE) < 0) {
        seen_length = -2;
    }
}

static const mpy_type_spec watching_spec = {.size = sizeof(mpy_type_spec),
                                            .version = 1,
                                            .name = "t.Watching",
                                            .flags = MPY_TYPE_ATTRS,
                                            .finalize = watching_finalize};

/* Holder with one watching object and `others` more values; lose() drops the watching one. */
static void
watch(struct api_world *w, mpy_object *type, const struct loss *loss, ptrdiff_t expected)
{
    mpy_object *o = api_good(mpy_type_new_instance(type));
    watched = api_make(w, loss->kind);
    loss->hold(watched, o);
    mpy_decref(o);
    seen_length = -3;
    loss->lose(watched);
    if (seen_length != expected) {
        fail_msg("%s: the finalizer saw %td elements, not %td", loss->how, seen_length, expected);
    }
    assert_int_equal(mpy_object_length(watched), expected + 1);
    mpy_clear(&watched);
}

static void
test_finished_before_dropping(void **state)
{
    static const ptrdiff_t expected[] = {3, 0, 4, 3, 2, 1, 1, 0};
    mpy_object *type = api_good(mpy_type_from_spec(&watching_spec, NULL));
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        watch(*state, type, &losses[i], expected[i]);
    }
    mpy_decref(type);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lost_references, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_lost_far_away, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_untracked_in_a_cycle, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_instances_keep_their_type, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_type_in_a_cycle, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_bases, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_finished_before_dropping, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
