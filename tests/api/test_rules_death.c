/* SPDX-License-Identifier: MIT */
/*
 * api/test_rules_death.c - the callbacks at death, and counts at their limits.
 *
 * finalize is called once, with everything intact, whoever finds the object dead: the last decref,
 * a collection, the end of the runtime. It may bring the object back, raise, allocate, collect.
 * release is called once, last of all, with the host's data. An error that is set while objects die
 * stays.
 */
#include "support/api_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KINDS 4
static const unsigned kinds[KINDS] = {API_NODE_FINALIZE, API_NODE_FINALIZE | API_NODE_TRAVERSE,
                                      API_NODE_FINALIZE | API_NODE_ATTRS,
                                      API_NODE_FINALIZE | API_NODE_TRAVERSE | API_NODE_ATTRS};

/* n nodes, each referring to the next, the last to the first; returns the first. Some of the
   references are unknown to the library where the kind allows it. */
static mpy_object *
ring(mpy_object *type, unsigned kind, int n)
{
    mpy_object *first = rules_node(type, kind, 0), *last = mpy_newref(first);
    for (int i = 1; i <= n; i++) {
        mpy_object *next = i < n ? rules_node(type, kind, i) : mpy_newref(first);
        struct api_node *data = api_node_data(last, type);
        if ((kind & API_NODE_TRAVERSE) != 0 && i % 2 == 0) {
            api_done(api_node_add_extra(data, next));
        } else {
            mpy_assign(&data->refs[i % API_NODE_REFS], next);
        }
        mpy_decref(last);
        last = next;
    }
    mpy_decref(last);
    return first;
}

static void
each_once(int n)
{
    assert_int_equal(rules_log.faults, 0);
    for (int i = 0; i < n; i++) {
        assert_int_equal(rules_log.finalized[i], 1);
        assert_int_equal(rules_log.released[i], 1);
    }
    assert_int_equal(rules_log.finalizers, n);
    assert_int_equal(rules_log.releases, n);
}

/* ---- once, everything intact ---------------------------------------------------------------- */

static void
test_by_collection(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        mpy_object *type = api_good(api_node_type(kinds[k])), *first;
        for (int n = 1; n < 1000; n = n * 3 + 1) {
            mpy_gc_result result;
            rules_fresh_log();
            first = ring(type, kinds[k], n);
            rules_collect();
            assert_int_equal(rules_log.finalizers, 0);
            mpy_decref(first);
            assert_int_equal(rules_log.finalizers, 0);
            result = rules_collect();
            assert_int_equal(result.finalized, n);
            assert_int_equal(result.collected, n);
            assert_int_equal(result.resurrected, 0);
            each_once(n);
        }
        mpy_decref(type);
    }
}

/* A chain dies by reference counts alone; each finalizer may look at all the rest. */
static void
test_by_count(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        mpy_object *type = api_good(api_node_type(kinds[k])), *first = NULL;
        rules_fresh_log();
        for (int i = 0; i < 1000; i++) {
            mpy_object *o = rules_node(type, kinds[k], i);
            api_node_data(o, type)->refs[i % API_NODE_REFS] = first;
            first = o;
        }
        mpy_decref(first);
        each_once(1000);
        mpy_decref(type);
    }
}

/* Finalizers that collect: the garbage they are called for is in the middle of being freed. */
static void
test_collecting(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        mpy_object *type = api_good(api_node_type(kinds[k])), *a, *b;
        rules_fresh_log();
        rules_log.collect = 1;
        a = ring(type, kinds[k], 20);
        mpy_decref(a);
        rules_collect();
        each_once(20);
        rules_fresh_log();
        rules_log.collect = 1;
        b = NULL;
        for (int i = 0; i < 100; i++) {
            a = rules_node(type, kinds[k], i);
            api_node_data(a, type)->refs[0] = b;
            b = a;
        }
        mpy_decref(b);
        each_once(100);
        mpy_decref(type);
    }
}

/* ---- resurrection --------------------------------------------------------------------------- */

static void
test_resurrected_by_count(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        mpy_object *type = api_good(api_node_type(kinds[k])), *o, *held = api_good(mpy_list_new(0));
        mpy_object *saved;
        rules_fresh_log();
        rules_log.rescued = saved = api_good(mpy_list_new(0));
        o = rules_node(type, kinds[k], 0);
        mpy_assign(&api_node_data(o, type)->refs[0], held);
        assert_int_equal(mpy_gc_is_finalized(o), 0);
        mpy_decref(o);
        assert_int_equal(mpy_list_length(saved), 1);
        o = api_good(mpy_list_get(saved, 0));
        REFS(o, 2);
        REFS(held, 2);
        assert_int_equal(mpy_gc_is_finalized(o), 1);
        assert_int_equal(mpy_gc_is_tracked(o), 1);
        assert_int_equal(rules_log.releases, 0);
        rules_collect();
        assert_ptr_equal(api_node_data(o, type)->refs[0], held);
        mpy_decref(o);
        api_done(mpy_list_clear(saved));
        REFS(held, 1);
        each_once(1);
        /* Brought back into a cycle: the collector finds it, and asks no second time. */
        o = rules_node(type, kinds[k], 1);
        mpy_assign(&api_node_data(o, type)->refs[1], saved);
        mpy_decref(o);
        assert_int_equal(mpy_list_length(saved), 1);
        mpy_decref(saved);
        rules_collect();
        each_once(2);
        mpy_decref(held);
        mpy_decref(type);
    }
}

static void
test_resurrected_by_collection(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        mpy_object *type = api_good(api_node_type(kinds[k])), *first, *saved, *o;
        mpy_gc_result result;
        rules_fresh_log();
        rules_log.rescued = saved = api_good(mpy_list_new(0));
        rules_log.rescue_from = 7; /* of 10: three, and through them all */
        first = ring(type, kinds[k], 10);
        mpy_decref(first);
        result = rules_collect();
        assert_int_equal(result.finalized, 10);
        assert_int_equal(result.collected, 0);
        assert_true(result.resurrected > 0);
        assert_int_equal(mpy_list_length(saved), 3);
        assert_int_equal(rules_log.releases, 0);
        assert_int_equal(rules_log.faults, 0);
        for (int i = 0; i < 3; i++) {
            rules_collect();
        }
        assert_int_equal(rules_log.releases, 0);
        o = api_good(mpy_list_get(saved, 0));
        assert_int_equal(mpy_gc_is_finalized(o), 1);
        mpy_decref(o);
        mpy_decref(saved);
        rules_log.rescued = NULL;
        result = rules_collect();
        assert_int_equal(result.finalized, 0);
        each_once(10);
        mpy_decref(type);
    }
}

/* Of two groups of garbage one is brought back: the other dies in the same collection, or in the
   next one at the latest. */
static void
test_other_garbage(void **state)
{
    mpy_object *type = api_good(api_node_type(API_NODE_FINALIZE)), *a, *b, *saved;

    (void)state;
    rules_fresh_log();
    rules_log.rescued = saved = api_good(mpy_list_new(0));
    rules_log.rescue_from = 100;
    a = ring(type, API_NODE_FINALIZE, 5);
    b = rules_node(type, API_NODE_FINALIZE, 100);
    mpy_assign(&api_node_data(b, type)->refs[0], b);
    mpy_assign(&api_node_data(a, type)->refs[3], b);
    mpy_decref(a);
    mpy_decref(b);
    rules_collect();
    rules_collect();
    for (int i = 0; i < 5; i++) {
        assert_int_equal(rules_log.released[i], 1);
    }
    assert_int_equal(rules_log.released[100], 0);
    assert_int_equal(mpy_list_length(saved), 1);
    mpy_decref(saved);
    rules_log.rescued = NULL;
    rules_collect();
    assert_int_equal(rules_log.released[100], 1);
    assert_int_equal(rules_log.finalizers, 6);
    mpy_decref(type);
}

/* ---- errors --------------------------------------------------------------------------------- */

struct sink {
    char text[4096];
    size_t n;
};

static int
sink_write(void *data, const char *bytes, size_t n)
{
    struct sink *sink = data;
    if (sink->n + n < sizeof sink->text) {
        memcpy(sink->text + sink->n, bytes, n);
        sink->n += n;
    }
    return 0;
}

/* A finalizer that raises is reported where the configuration says; what was set stays set. */
static void
test_raising(void **state)
{
    static struct sink sink;
    mpy_config *config = mpy_config_new();
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    mpy_runtime *rt;
    mpy_object *type, *o;

    (void)state;
    assert_non_null(config);
    mpy_config_set_error_fn(config, sink_write, &sink);
    assert_int_equal(mpy_runtime_new(config, &rt), MPY_OK);
    mpy_config_free(config);
    type = api_good(api_node_type(API_NODE_FINALIZE));
    rules_fresh_log();
    rules_log.raise = 1;
    o = rules_node(type, API_NODE_FINALIZE, 0);
    mpy_decref(o);
    assert_int_equal(mpy_err_occurred(), 0);
    assert_true(sink.n > 0);
    assert_non_null(strstr(sink.text, "KeyError"));
    assert_non_null(strstr(sink.text, "raised by a finalizer"));
    sink.n = 0;
    o = rules_node(type, API_NODE_FINALIZE, 1);
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "was there before");
    mpy_decref(o);
    assert_int_equal(mpy_err_code(), MPY_EXC_VALUE_ERROR);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_true(sink.n > 0);
    sink.n = 0;
    rules_fresh_log();
    rules_log.raise = 1;
    mpy_decref(ring(type, API_NODE_FINALIZE, 3));
    rules_collect();
    assert_int_equal(mpy_err_occurred(), 0);
    assert_true(sink.n > 0);
    each_once(3);
    mpy_decref(type);
    assert_int_equal(mpy_runtime_free(rt, &report), MPY_OK);
    assert_int_equal(report.objects, 0);
}

/* Objects die while an error is set, without any finalizer raising. */
static void
test_error_stays(void **state)
{
    mpy_object *type = api_good(api_node_type(API_NODE_FINALIZE)), *o, *list;
    char text[100];

    (void)state;
    rules_fresh_log();
    o = rules_node(type, API_NODE_FINALIZE, 0);
    list = api_good(mpy_list_from_array(&o, 1));
    mpy_decref(o);
    mpy_err_set_code(MPY_EXC_INDEX_ERROR, "the first");
    mpy_decref(list);
    assert_int_equal(rules_log.releases, 1);
    assert_int_equal(api_take_error(text, sizeof text), MPY_EXC_INDEX_ERROR);
    assert_string_equal(text, "the first");
    mpy_decref(type);
}

/* ---- the end of the runtime ----------------------------------------------------------------- */

static void
test_end_of_runtime(void **state)
{
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    mpy_runtime *rt;
    mpy_object *type, *leaked;

    (void)state;
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    type = api_good(api_node_type(API_NODE_FINALIZE));
    rules_fresh_log();
    mpy_decref(ring(type, API_NODE_FINALIZE, 5));
    leaked = rules_node(type, API_NODE_FINALIZE, 5);
    (void)leaked; /* nobody gives this one back */
    mpy_decref(type);
    assert_int_equal(rules_log.releases, 0);
    assert_int_equal(mpy_runtime_free(rt, &report), MPY_OK);
    assert_int_equal(report.objects, 1);
    assert_non_null(strstr(report.text, "Node"));
    assert_int_equal(rules_log.faults, 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(rules_log.finalized[i], 1);
        assert_int_equal(rules_log.released[i], 1);
    }
    assert_int_equal(rules_log.released[5], 1); /* release hooks run for what is left, too */
}

/* ---- counts at their limits ----------------------------------------------------------------- */

/* 2^31 references: the count is saturated, and the object lives for ever after. */
static void
test_saturation(void **state)
{
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    mpy_runtime *rt;

    (void)state;
    for (int way = 0; way < 3; way++) {
        mpy_object *list, *x;
        assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
        list = api_good(mpy_list_new(0));
        x = mpy_float_from_double(1e300);
        api_done(mpy_list_append(list, x));
        mpy_decref(x);
        mpy_priv_head(list)->refcnt = 0x7FFFFFFEu;
        REFS(list, 0x7FFFFFFE);
        mpy_incref(list);
        mpy_decref(list);
        mpy_incref(list);
        REFS(list, 0x7FFFFFFF);
        mpy_incref(list); /* one more than can be counted */
        if (way == 0) {
            mpy_incref(list);
        } else if (way == 1) {
            mpy_decref(list);
        } else {
            for (int i = 0; i < 70000; i++) {
                mpy_incref(list);
            }
        }
        REFS(list, MPY_PRIV_REFCNT_IMMORTAL);
        for (int i = 0; i < 1000; i++) {
            mpy_decref(list);
        }
        REFS(list, MPY_PRIV_REFCNT_IMMORTAL);
        rules_collect();
        assert_int_equal(mpy_list_length(list), 1);
        api_done(mpy_list_append(list, list));
        rules_collect();
        rules_collect();
        assert_int_equal(mpy_list_length(list), 2);
        assert_int_equal(mpy_debug_check_heap(rt), 0);
        assert_int_equal(mpy_runtime_free(rt, &report), MPY_OK);
    }
}

/* An object that a saturated one refers to lives as well. */
static void
test_saturated_in_a_cycle(void **state)
{
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    mpy_runtime *rt;
    mpy_object *type, *first;

    (void)state;
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    type = api_good(api_node_type(API_NODE_FINALIZE));
    rules_fresh_log();
    first = ring(type, API_NODE_FINALIZE, 10);
    mpy_priv_head(first)->refcnt = 0x7FFFFFFFu;
    mpy_incref(first);
    mpy_incref(first);
    mpy_decref(type);
    for (int i = 0; i < 3; i++) {
        mpy_decref(first);
        rules_collect();
    }
    assert_int_equal(rules_log.finalizers, 0);
    assert_int_equal(rules_log.releases, 0);
    assert_int_equal(mpy_runtime_free(rt, &report), MPY_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_by_collection, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_by_count, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_collecting, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_resurrected_by_count, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_resurrected_by_collection, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_other_garbage, api_setup, api_teardown),
        cmocka_unit_test(test_raising),
        cmocka_unit_test_setup_teardown(test_error_stays, api_setup, api_teardown),
        cmocka_unit_test(test_end_of_runtime),
        cmocka_unit_test(test_saturation),
        cmocka_unit_test(test_saturated_in_a_cycle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
