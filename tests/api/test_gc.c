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

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_cycles_of_containers),
        TEST(test_lookalikes),
        TEST(test_automatic),
        TEST(test_instances),
        TEST(test_resurrection),
        TEST(test_collection_in_a_finalizer),
        TEST(test_types_are_collected),
        TEST(test_type_dies_with_its_last_instance),
        TEST(test_visits_and_referrers),
        TEST(test_thresholds),
        TEST(test_limit_collects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
