/* SPDX-License-Identifier: MIT */
/*
 * Birth and end of a runtime: settings, every allocation of the birth failing, who may end it, what
 * runs at the end.
 */
#include "support/cm.h"

#include "minipy/call.h"
#include "minipy/debug.h"
#include "minipy/err.h"
#include "minipy/gc.h"
#include "minipy/list.h"
#include "minipy/type.h"

#include "gc/internal.h"
#include "runtime/runtime.h"
#include "types/intern.h"

#include <string.h>

static void
end_cleanly(mpy_runtime *rt)
{
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    assert_int_equal(mpy_runtime_free(rt, &report), MPY_OK);
    assert_int_equal(report.size, sizeof report);
    assert_int_equal(report.version, 1);
    assert_string_equal(report.text, "");
    assert_int_equal(report.objects, 0);
    assert_int_equal(report.bytes, 0);
    assert_int_equal(report.blocks, 0);
}

static void
test_birth(void **state)
{
    (void)state;
    mpy_runtime *rt;
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    assert_ptr_equal(mpy_runtime_current(), rt);
    assert_int_equal(mpy_gil_held(), 1);
    assert_non_null(rt->intern);
    assert_non_null(rt->attr_cache);
    assert_non_null(rt->memory_error);
    assert_int_equal(mpy_err_code(), 0);
    assert_int_equal(mpy_debug_check_heap(rt), 0);
    assert_int_equal(mpy_runtime_is_finalizing(rt), 0);
    assert_true(mpy_runtime_id(rt) > 0);
    end_cleanly(rt);
    assert_null(mpy_runtime_current());
    assert_null(mpy_thread_current());
    assert_int_equal(mpy_runtime_new(NULL, NULL), MPY_E_INVAL);
    assert_int_equal(mpy_runtime_id(NULL), 0);
    assert_int_equal(mpy_runtime_is_finalizing(NULL), 0);
}

static char report[1024];

static void
keep_report(void *data, const char *text)
{
    (void)data;
    (void)strncat(report, text, sizeof report - strlen(report) - 1);
}

static void
assert_corrupt(mpy_runtime *rt, const char *text)
{
    report[0] = '\0';
    assert_int_equal(mpy_debug_check_heap(rt), -1);
    assert_int_equal(mpy_status_last(), MPY_E_CORRUPT);
    assert_non_null(strstr(report, text));
}

static int
check_in_visit(void *data, mpy_object *o)
{
    (void)o;
    return mpy_debug_check_heap(data) != 0;
}

/* The check of a runtime's heap finds what is wrong in the layers above the allocator. */
static void
test_check_reaches_all_layers(void **state)
{
    (void)state;
    mpy_runtime *rt;
    mpy_object *list;
    uint64_t hash;
    size_t i = 0;
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    list = mpy_list_new(0);
    assert_int_equal(mpy_debug_check_heap(rt), 0);
    mpy_debug_set_fatal_handler(keep_report, NULL);

    rt->gc->young[0].holes++;
    assert_corrupt(rt, "collector: generation 0");
    rt->gc->young[0].holes--;
    rt->gc->old_count++;
    assert_corrupt(rt, "collector: ");
    rt->gc->old_count--;
    while (rt->intern->entries[i].str == NULL) {
        i++;
    }
    hash = rt->intern->entries[i].hash++;
    assert_corrupt(rt, "intern table: a wrong hash");
    rt->intern->entries[i].hash = hash;
    rt->intern->used++;
    assert_corrupt(rt, "intern table: a wrong number");
    rt->intern->used--;

    mpy_debug_set_fatal_handler(NULL, NULL);
    assert_int_equal(mpy_debug_check_heap(rt), 0);
    assert_int_equal(mpy_gc_visit_objects(0, check_in_visit, rt), 0);
    mpy_decref(list);
    end_cleanly(rt);
}

static void
test_settings(void **state)
{
    (void)state;
    mpy_runtime *rt;
    int64_t value;
    mpy_config *config = mpy_config_new();
    assert_non_null(config);
    assert_int_equal(mpy_config_set_int(config, "gc.enabled", 0), 0);
    assert_int_equal(mpy_config_set_int(config, "gc.threshold0", 500), 0);
    assert_int_equal(mpy_config_set_int(config, "gc.threshold1", 7), 0);
    assert_int_equal(mpy_config_set_int(config, "gc.threshold2", 40), 0);
    assert_int_equal(mpy_config_set_int(config, "gil.switch_interval_ns", 123456), 0);
    assert_int_equal(mpy_config_set_int(config, "limit.bytes", 32 << 20), 0);
    assert_int_equal(mpy_config_set_int(config, "limit.depth", 77), 0);
    assert_int_equal(mpy_runtime_new(config, &rt), MPY_OK);
    mpy_config_free(config);
    assert_int_equal(mpy_gc_is_enabled(), 0);
    static const int64_t thresholds[3] = {500, 7, 40};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mpy_gc_get_threshold(i, &value), 0);
        assert_int_equal(value, thresholds[i]);
    }
    assert_int_equal(mpyi_rt_of(rt)->view->lock.interval, 123456);
    assert_int_equal(mpy_runtime_get_limit(rt, MPY_LIMIT_BYTES, &value), 0);
    assert_int_equal(value, 32 << 20);
    assert_int_equal(mpy_runtime_get_limit(rt, MPY_LIMIT_STACK_DEPTH, &value), 0);
    assert_int_equal(value, 77);
    assert_int_equal(mpyi_current()->depth_limit, 77);
    end_cleanly(rt);
}

/* A limit that the first objects do not fit into. */
static void
test_tiny_limit(void **state)
{
    (void)state;
    mpy_runtime *rt = (mpy_runtime *)&rt;
    mpy_config *config = mpy_config_new();
    assert_non_null(config);
    assert_int_equal(mpy_config_set_int(config, "limit.bytes", 1), 0);
    assert_int_equal(mpy_runtime_new(config, &rt), MPY_E_NOMEM);
    assert_null(rt);
    mpy_config_free(config);
}

static void
fail_birth(int mode)
{
    mpy_runtime *outer, *rt;
    uint64_t n;
    assert_int_equal(mpy_runtime_new(NULL, &outer), MPY_OK);
    for (n = 1; n < 1000; n++) {
        rt = (mpy_runtime *)&rt;
        mpy_raw_free(mpyi_rt_tls.spare);
        mpyi_rt_tls.spare = NULL;
        assert_int_equal(mpy_debug_fail_alloc(NULL, mode, n), 0);
        mpy_status status = mpy_runtime_new(NULL, &rt);
        uint64_t failed;
        (void)mpy_debug_fail_count(NULL, &failed);
        assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0), 0);
        if (status == MPY_OK) {
            end_cleanly(rt);
            if (failed == 0) {
                break;
            }
        } else {
            assert_int_equal(status, MPY_E_NOMEM);
            assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
            assert_null(rt);
        }
        assert_ptr_equal(mpy_runtime_current(), outer); /* has its lock back */
        assert_int_equal(mpy_err_code(), 0);
    }
    assert_in_range(n, 5, 999);
    end_cleanly(outer);
}

static void
test_birth_fails_once(void **state)
{
    (void)state;
    fail_birth(MPY_FAIL_NTH);
}

static void
test_birth_fails_on(void **state)
{
    (void)state;
    fail_birth(MPY_FAIL_AFTER);
}

static mpy_status status_inside;
static mpy_runtime *rt_inside;

static mpy_object *
tries_to_end(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self, (void)argv, (void)nargs, (void)kwnames;
    status_inside = mpy_runtime_free(rt_inside, NULL);
    return MPY_NONE;
}

static void
test_who_may_end_it(void **state)
{
    (void)state;
    mpy_runtime *a, *b;
    mpy_thread_token *token;
    assert_int_equal(mpy_runtime_free(NULL, NULL), MPY_E_INVAL);
    assert_int_equal(mpy_runtime_new(NULL, &a), MPY_OK);
    mpy_view *view = mpy_view_of(a);
    assert_int_equal(mpy_runtime_new(NULL, &b), MPY_OK);
    assert_int_equal(mpy_runtime_free(a, NULL), MPY_E_NOT_ATTACHED); /* not the innermost */
    end_cleanly(b);
    token = mpy_gil_release();
    assert_int_equal(mpy_runtime_free(a, NULL), MPY_E_NOT_ATTACHED);
    mpy_gil_acquire(token);
    assert_int_equal(mpy_thread_attach(view, &token), MPY_OK);
    assert_int_equal(mpy_runtime_free(a, NULL), MPY_E_BUSY); /* the outer one goes on */
    mpy_thread_detach(token);
    assert_int_equal(mpy_recursion_enter("here"), 0);
    assert_int_equal(mpy_runtime_free(a, NULL), MPY_E_BUSY);
    mpy_recursion_leave();
    static const mpy_func_spec spec = {.name = "tries", .fn = tries_to_end};
    mpy_object *fn = mpy_func_new(&spec, NULL);
    assert_non_null(fn);
    rt_inside = a;
    mpy_object *result = mpy_call_noargs(fn);
    assert_true(result == MPY_NONE);
    assert_int_equal(status_inside, MPY_E_BUSY);
    mpy_decref(fn);
    mpy_view_close(view);
    end_cleanly(a);
}

static void
tries_to_end_it(mpy_object *self)
{
    (void)self;
    status_inside = mpy_runtime_free(rt_inside, NULL);
}

/* Neither from the finalizer of an object that dies, nor from one that a collection calls. */
static void
test_end_from_a_finalizer(void **state)
{
    (void)state;
    static const mpy_type_spec spec = {.size = sizeof spec,
                                       .version = 1,
                                       .name = "t.Suicidal",
                                       .flags = MPY_TYPE_ATTRS,
                                       .finalize = tries_to_end_it};
    assert_int_equal(mpy_runtime_new(NULL, &rt_inside), MPY_OK);
    mpy_object *type = mpy_type_from_spec(&spec, NULL);
    for (int in_a_cycle = 0; in_a_cycle < 2; in_a_cycle++) {
        mpy_object *o = mpy_call_noargs(type);
        assert_non_null(o);
        assert_int_equal(in_a_cycle ? mpy_object_set_attr_utf8(o, "me", o) : 0, 0);
        status_inside = MPY_OK;
        mpy_decref(o);
        assert_int_equal(mpy_gc_collect(2, NULL), 0);
        assert_int_equal(status_inside, MPY_E_BUSY);
    }
    mpy_decref(type);
    end_cleanly(rt_inside);
}

static int finalizers;
static int releases;

static void
finalizer(mpy_object *self)
{
    (void)self;
    finalizers++;
    /* What a finalizer may do at the end of a runtime. */
    mpy_runtime *rt = mpy_runtime_current();
    if (mpy_runtime_is_finalizing(rt)) {
        status_inside = mpy_runtime_free(rt, NULL);
        mpy_thread_token *saved = mpy_gil_release();
        mpy_gil_acquire(saved);
        assert_int_equal(mpy_gil_held(), 1);
        mpy_object *list = mpy_list_new(0);
        assert_non_null(list);
        assert_int_equal(mpy_list_append(list, list), 0); /* new garbage */
        mpy_decref(list);
    }
}

static void
releaser(void *data)
{
    (void)data;
    releases++;
}

static void
test_end_collects(void **state)
{
    (void)state;
    static const mpy_type_spec spec = {.size = sizeof spec,
                                       .version = 1,
                                       .name = "t.Node",
                                       .flags = MPY_TYPE_ATTRS,
                                       .data_size = 8,
                                       .finalize = finalizer,
                                       .release = releaser};
    mpy_runtime *rt;
    finalizers = 0;
    releases = 0;
    status_inside = MPY_OK;
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    (void)mpy_gc_disable();
    mpy_object *type = mpy_type_from_spec(&spec, NULL);
    assert_non_null(type);
    mpy_object *node = mpy_call_noargs(type);
    assert_non_null(node);
    assert_int_equal(mpy_object_set_attr_utf8(node, "self", node), 0);
    mpy_decref(node);
    mpy_decref(type);
    assert_int_equal(finalizers, 0);
    end_cleanly(rt);
    assert_int_equal(finalizers, 1);
    assert_int_equal(releases, 1);
    assert_int_equal(status_inside, MPY_E_BUSY);
}

static void
test_user_data(void **state)
{
    (void)state;
    mpy_runtime *rt;
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    assert_null(mpy_runtime_get_user_data(rt));
    mpy_runtime_set_user_data(rt, &rt);
    assert_ptr_equal(mpy_runtime_get_user_data(rt), &rt);
    mpy_runtime_set_user_data(NULL, &rt);
    assert_null(mpy_runtime_get_user_data(NULL));
    end_cleanly(rt);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_birth),
        cmocka_unit_test(test_check_reaches_all_layers),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_tiny_limit),
        cmocka_unit_test(test_birth_fails_once),
        cmocka_unit_test(test_birth_fails_on),
        cmocka_unit_test(test_who_may_end_it),
        cmocka_unit_test(test_end_collects),
        cmocka_unit_test(test_user_data),
        cmocka_unit_test(test_end_from_a_finalizer),
    };
    return cmocka_run_group_tests_name("runtime", tests, NULL, NULL);
}
