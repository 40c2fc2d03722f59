/* SPDX-License-Identifier: MIT */
/*
 * api/test_gc.c - the collector through the public headers, with the real types.
 *
 * Cycles of every container are found by every generation; hosts' types with and without callbacks,
 * their finalizers, instances and the types themselves; figures, visits, referrers.
 */
#include "minipy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int finalized, released;
static mpy_object *rescued;

static int
setup(void **state)
{
    mpy_runtime *rt;
    finalized = 0;
    released = 0;
    rescued = NULL;
    if (mpy_runtime_new(NULL, &rt) != MPY_OK) {
        return -1;
    }
    (void)mpy_gc_disable();
    *state = rt;
    return 0;
}

/* Nothing may be left. */
static int
teardown(void **state)
{
    mpy_leak_report report;
    memset(&report, 0, sizeof report);
    report.size = sizeof report;
    if (mpy_runtime_free(*state, &report) != MPY_OK || report.objects != 0) {
        print_error("%s", report.text);
        return -1;
    }
    return 0;
}

static mpy_gc_result
collect(int generation)
{
    mpy_gc_result result;
    memset(&result, 0, sizeof result);
    result.size = sizeof result;
    assert_int_equal(mpy_gc_collect(generation, &result), 0);
    return result;
}

/* ---- cycles ------------------------------------------------------------------------------------
 */

static mpy_object *
list_cycle(void)
{
    mpy_object *list = mpy_list_new(0);
    assert_int_equal(mpy_list_append(list, list), 0);
    return list;
}

static mpy_object *
tuple_cycle(void)
{
    mpy_object *list = mpy_list_new(0);
    mpy_object *tuple = mpy_tuple_pack(2, list, MPY_NONE);
    assert_int_equal(mpy_list_append(list, tuple), 0);
    mpy_decref(list);
    return tuple;
}

static mpy_object *
dict_cycle(void)
{
    mpy_object *dict = mpy_dict_new(0);
    for (int i = 0; i < 100; i++) {
        mpy_object *key = mpy_int_from_i64(i);
        assert_int_equal(mpy_dict_set(dict, key, i == 50 ? dict : MPY_TRUE), 0);
        mpy_decref(key);
    }
    assert_int_equal(mpy_dict_set_utf8(dict, "self", dict), 0);
    return dict;
}

static mpy_object *
iterator_cycle(void)
{
    mpy_object *list = mpy_list_new(0);
    mpy_object *iterator = mpy_iter_get(list);
    assert_int_equal(mpy_list_append(list, iterator), 0);
    mpy_decref(iterator);
    return list;
}

static void
test_cycles_of_containers(void **state)
{
    static mpy_object *(*const make[])(void) = {list_cycle, tuple_cycle, dict_cycle,
                                                iterator_cycle};
    static const uint64_t objects[] = {1, 2, 1, 2};
    (void)state;
    for (int generation = 0; generation < 3; generation++) {
        for (size_t k = 0; k < sizeof make / sizeof *make; k++) {
            mpy_object *o = make[k]();
            assert_int_equal(collect(0).collected, 0);
            mpy_decref(o);
            assert_int_equal(collect(0).collected, 0);
            assert_int_equal(collect(generation == 0 ? 1 : generation).collected, objects[k]);
            mpy_decref(make[k]());
            assert_int_equal(collect(generation).collected, objects[k]);
        }
    }
}

/* Ints whose bits are addresses of live containers. */
static void
test_lookalikes(void **state)
{
    mpy_object *list = mpy_list_new(0);
    mpy_object *liar = mpy_list_new(0);
    (void)state;
    for (int i = 0; i < 3; i++) {
        mpy_object *n = mpy_int_from_i64((int64_t)((uintptr_t)list >> 1) + i);
        assert_int_equal(mpy_list_append(liar, n), 0);
        mpy_decref(n);
    }
    assert_int_equal(mpy_list_append(list, liar), 0);
    mpy_decref(liar);
    for (int generation = 0; generation < 3; generation++) {
        assert_int_equal(collect(generation).collected, 0);
        assert_int_equal(mpy_list_length(list), 1);
    }
    mpy_decref(list);
}

static void
test_automatic(void **state)
{
    mpy_gc_stats stats = {.size = sizeof stats};
    (void)state;
    (void)mpy_gc_enable();
    for (int i = 0; i < 30000; i++) {
        mpy_decref(list_cycle());
    }
    (void)mpy_gc_disable();
    assert_int_equal(mpy_gc_get_stats(0, &stats), 0);
    assert_true(stats.collections > 5);
    assert_true(stats.collected > 10000);
    assert_true(stats.tracked < 10000);
}

/* ---- hosts' types -------------------------------------------------------------------------------
 */

struct node {
    mpy_object *next;   /* managed by the library */
    mpy_object *hidden; /* known to the callbacks only */
};

static void
count_finalizer(mpy_object *self)
{
    (void)self;
    finalized++;
}

static void
rescue(mpy_object *self)
{
    finalized++;
    rescued = mpy_newref(self);
}

static void
collect_in_finalizer(mpy_object *self)
{
    (void)self;
    finalized++;
    mpy_decref(list_cycle());
    assert_int_equal(collect(2).collected, 1);
}

static void
count_release(void *data)
{
    (void)data;
    released++;
}

static int
node_traverse(void *data, mpy_visit_fn visit, void *arg)
{
    return visit(((struct node *)data)->hidden, arg);
}

static void
node_clear(void *data)
{
    mpy_clear(&((struct node *)data)->hidden);
}

static mpy_object *
make_type(void (*finalize)(mpy_object *), int callbacks)
{
    mpy_type_spec spec;
    mpy_object *type;
    memset(&spec, 0, sizeof spec);
    spec.size = sizeof spec;
    spec.version = 1;
    spec.name = "test.Node";
    spec.data_size = sizeof(struct node);
    spec.ref_count = 1;
    spec.finalize = finalize;
    spec.release = count_release;
    spec.traverse = callbacks ? node_traverse : NULL;
    spec.clear = callbacks ? node_clear : NULL;
    type = mpy_type_from_spec(&spec, NULL);
    assert_non_null(type);
    return type;
}

static struct node *
node_of(mpy_object *o)
{
    mpy_object *type = mpy_object_type(o);
    void *data = NULL;
    assert_int_equal(mpy_type_data(o, type, &data), 0);
    mpy_decref(type);
    return data;
}

/* A ring of n instances; with callbacks every second reference is a hidden one. */
static mpy_object *
make_ring(mpy_object *type, int n, int callbacks)
{
    mpy_object *first = mpy_type_new_instance(type);
    mpy_object *last = mpy_newref(first);
    for (int i = 1; i <= n; i++) {
        mpy_object *o = i == n ? mpy_newref(first) : mpy_type_new_instance(type);
        struct node *node = node_of(last);
        mpy_assign(callbacks && i % 2 ? &node->hidden : &node->next, o);
        mpy_decref(last);
        last = o;
    }
    mpy_decref(last);
    return first;
}

static void
test_instances(void **state)
{
    (void)state;
    for (int generation = 0; generation < 3; generation++) {
        for (int callbacks = 0; callbacks < 2; callbacks++) {
            mpy_object *type = make_type(count_finalizer, callbacks);
            mpy_object *ring = make_ring(type, 100, callbacks);
            mpy_gc_result result;
            finalized = 0;
            released = 0;
            assert_int_equal(collect(generation).collected, 0);
            mpy_decref(ring);
            assert_int_equal(finalized, 0);
            result = collect(2);
            assert_int_equal(result.collected, 100);
            assert_int_equal(result.finalized, 100);
            assert_int_equal(finalized, 100);
            assert_int_equal(released, 100);
            mpy_decref(make_ring(type, 100, callbacks));
            assert_int_equal(collect(generation).collected, 100);
            assert_int_equal(released, 200);
            mpy_decref(type);
        }
    }
}

static void
test_resurrection(void **state)
{
    mpy_object *type = make_type(rescue, 0);
    (void)state;
    mpy_decref(make_ring(type, 1, 0));
    assert_int_equal(collect(2).resurrected, 1);
    assert_int_equal(finalized, 1);
    assert_int_equal(released, 0);
    assert_int_equal(mpy_gc_is_finalized(rescued), 1);
    mpy_decref(rescued);
    assert_int_equal(collect(2).collected, 1);
    assert_int_equal(finalized, 1);
    assert_int_equal(released, 1);
    mpy_decref(type);
}

static void
test_collection_in_a_finalizer(void **state)
{
    mpy_object *type = make_type(collect_in_finalizer, 1);
    (void)state;
    mpy_decref(make_ring(type, 10, 1));
    assert_int_equal(collect(2).collected, 10);
    assert_int_equal(finalized, 10);
    mpy_decref(type);
}

/* A type that only its own class attributes and its instances keep alive. */
static void
test_types_are_collected(void **state)
{
    (void)state;
    for (int callbacks = 0; callbacks < 2; callbacks++) {
        mpy_object *type = make_type(NULL, callbacks);
        mpy_object *o = make_ring(type, 3, callbacks);
        released = 0;
        assert_int_equal(mpy_object_set_attr_utf8(type, "own", type), 0);
        assert_int_equal(mpy_object_set_attr_utf8(type, "one", o), 0);
        mpy_decref(o);
        assert_int_equal(collect(2).collected, 0);
        mpy_decref(type);
        assert_true(collect(2).collected >= 4);
        assert_int_equal(released, 3);
    }
}

/* The last thing that kept the type was an instance that nothing refers to. */
static void
test_type_dies_with_its_last_instance(void **state)
{
    mpy_object *type = make_type(NULL, 0);
    mpy_object *o = mpy_type_new_instance(type);
    (void)state;
    assert_int_equal(mpy_object_set_attr_utf8(type, "own", type), 0);
    mpy_decref(type);
    assert_int_equal(collect(2).collected, 0);
    mpy_decref(o);
    assert_true(collect(2).collected >= 1);
}

/* ---- questions
 * ----------------------------------------------------------------------------------- */

static int
find(void *data, mpy_object *o)
{
    return o == data;
}

static void
test_visits_and_referrers(void **state)
{
    mpy_object *list = mpy_list_new(0);
    mpy_object *child = mpy_list_new(0);
    mpy_object *found;
    (void)state;
    assert_int_equal(mpy_list_append(list, child), 0);
    assert_int_equal(mpy_gc_visit_objects(0, find, list), 1);
    assert_int_equal(mpy_gc_visit_objects(1, find, list), 0);
    assert_int_equal(mpy_gc_visit_objects(2, find, list), 1);
    found = mpy_gc_get_referrers(child);
    assert_int_equal(mpy_list_length(found), 1);
    mpy_decref(found);
    found = mpy_gc_get_referents(list);
    assert_int_equal(mpy_list_length(found), 1);
    mpy_decref(found);
    assert_int_equal(mpy_gc_is_tracked(list), 1);
    assert_int_equal(mpy_gc_is_tracked(MPY_TRUE), 0);
    mpy_decref(child);
    mpy_decref(list);
}

static mpy_object *
return_self(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)argv;
    (void)nargs;
    (void)kwnames;
    return mpy_newref(self);
}

/* Does to every dict that is shown what must not happen to that of a type. */
static size_t
spoil_dicts(mpy_object *list)
{
    size_t dicts = 0;
    for (size_t i = 0; i < (size_t)mpy_list_length(list); i++) {
        mpy_object *o = mpy_list_get(list, (ptrdiff_t)i);
        if (mpy_dict_check(o)) {
            dicts++;
            assert_int_equal(mpy_dict_clear(o), 0);
        }
        mpy_decref(o);
    }
    mpy_decref(list);
    return dicts;
}

static int
count_dict(void *data, mpy_object *o)
{
    *(size_t *)data += mpy_dict_check(o) != 0;
    return 0;
}

static size_t
visible_dicts(void)
{
    size_t dicts = 0;
    for (int generation = 0; generation < 3; generation++) {
        assert_int_equal(mpy_gc_visit_objects(generation, count_dict, &dicts), 0);
    }
    return dicts;
}

static int
refers_to(mpy_object *o, mpy_object *other)
{
    mpy_object *list = mpy_gc_get_referents(o);
    int found = mpy_object_contains(list, other);
    mpy_decref(list);
    return found;
}

/* A host that got hold of a type's dict could empty it below the attribute cache, or fill it with
   keys that are no strs. */
static void
test_dicts_of_types_stay_inside(void **state)
{
    static const mpy_func_spec methods[] = {{.name = "me", .fn = return_self}, {.name = NULL}};
    const mpy_type_spec spec = {
        .size = sizeof spec, .version = 1, .name = "test.Inner", .methods = methods};
    size_t before = visible_dicts();
    mpy_object *type = mpy_type_from_spec(&spec, NULL);
    mpy_object *name = mpy_str_intern("value");
    mpy_object *method_name = mpy_str_intern("me");
    mpy_object *value = mpy_list_new(0);
    mpy_object *o = mpy_call_noargs(type);
    (void)state;
    assert_int_equal(mpy_object_set_attr(type, name, value), 0);
    /* Through every generation: it must not be forgotten what the dict is. */
    for (int generation = 0; generation < 4; generation++) {
        mpy_object *method = mpy_object_get_attr(type, method_name);
        mpy_object *found;
        assert_non_null(method);
        assert_true(refers_to(type, name) && refers_to(type, value));
        assert_true(refers_to(type, method_name) && refers_to(type, method));
        found = mpy_gc_get_referrers(value);
        assert_int_equal(mpy_list_length(found), 1);
        mpy_decref(found);
        found = mpy_gc_get_referrers(method);
        assert_int_equal(mpy_object_contains(found, type), 1);
        mpy_decref(found);
        mpy_decref(method);
        assert_int_equal(spoil_dicts(mpy_gc_get_referents(type)), 0);
        assert_int_equal(spoil_dicts(mpy_gc_get_referrers(value)), 0);
        assert_int_equal(visible_dicts(), before);
        found = mpy_call_method_utf8(o, "me", NULL, 0);
        assert_ptr_equal(found, o);
        mpy_decref(found);
        (void)collect(generation < 2 ? generation : 2);
    }
    mpy_decref(o);
    mpy_decref(value);
    mpy_decref(method_name);
    mpy_decref(name);
    mpy_decref(type);
}

static void
test_thresholds(void **state)
{
    int64_t n = 0;
    (void)state;
    assert_int_equal(mpy_gc_set_threshold(0, 500), 0);
    assert_int_equal(mpy_gc_get_threshold(0, &n), 0);
    assert_int_equal(n, 500);
    assert_int_equal(mpy_gc_set_threshold(0, 0), -1);
    assert_int_equal(mpy_err_code(), MPY_EXC_VALUE_ERROR);
    mpy_err_clear();
    assert_int_equal(mpy_gc_collect(7, NULL), -1);
    assert_int_equal(mpy_err_code(), MPY_EXC_VALUE_ERROR);
    mpy_err_clear();
}

/* A limit on memory is met by collecting, not by an error, as long as there is garbage. */
static void
test_limit_collects(void **state)
{
    (void)state;
    assert_int_equal(mpy_runtime_set_limit(*state, MPY_LIMIT_BYTES, 4 << 20), 0);
    for (int i = 0; i < 200000; i++) {
        mpy_object *list = list_cycle();
        assert_non_null(list);
        mpy_decref(list);
    }
    assert_int_equal(mpy_err_occurred(), 0);
    assert_int_equal(mpy_runtime_set_limit(*state, MPY_LIMIT_BYTES, 0), 0);
}

static void
expect_no_object(const char *function)
{
    char text[100];
    const char *utf8 = NULL;
    mpy_object *error = mpy_err_take();
    mpy_object *message = mpy_err_message(error);
    (void)snprintf(text, sizeof text, "%s(): argument 'o': expected object, got NULL", function);
    assert_int_equal(mpy_str_as_utf8(message, &utf8, NULL), 0);
    assert_string_equal(utf8, text);
    mpy_decref(message);
    mpy_decref(error);
}

static void
test_null_is_named(void **state)
{
    (void)state;
    assert_int_equal(mpy_gc_is_tracked(NULL), -1);
    expect_no_object("mpy_gc_is_tracked");
    assert_null(mpy_gc_get_referrers(NULL));
    expect_no_object("mpy_gc_get_referrers");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_null_is_named),
        TEST(test_cycles_of_containers),
        TEST(test_lookalikes),
        TEST(test_automatic),
        TEST(test_instances),
        TEST(test_resurrection),
        TEST(test_collection_in_a_finalizer),
        TEST(test_types_are_collected),
        TEST(test_type_dies_with_its_last_instance),
        TEST(test_visits_and_referrers),
        TEST(test_dicts_of_types_stay_inside),
        TEST(test_thresholds),
        TEST(test_limit_collects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
