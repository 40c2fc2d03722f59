/* SPDX-License-Identifier: MIT */
/*
 * minipy/runtime.h as a host sees it: many runtimes, one after the other and nested, limits, the
 * leak report, the error function, structs of other sizes.
 */
#include "support/cm.h"

#include "minipy.h"

#include <stdio.h>
#include <string.h>

static void
expect_clean_end(mpy_runtime *rt)
{
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    assert_int_equal(mpy_runtime_free(rt, &report), MPY_OK);
    assert_string_equal(report.text, "");
    assert_int_equal(report.objects + report.blocks + report.bytes, 0);
}

/* Uses a little of everything, so that ending it has something to do. */
static void
use(void)
{
    mpy_object *list = mpy_list_new(0);
    mpy_object *dict = mpy_dict_new(0);
    assert_non_null(list);
    assert_non_null(dict);
    for (int i = 0; i < 100; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "name%d", i);
        mpy_object *key = mpy_str_intern(name);
        assert_non_null(key);
        assert_int_equal(mpy_dict_set(dict, key, list), 0);
        assert_int_equal(mpy_list_append(list, key), 0);
        mpy_decref(key);
    }
    assert_int_equal(mpy_list_append(list, dict), 0); /* a cycle */
    mpy_decref(list);
    mpy_decref(dict);
}

static void
test_one_after_the_other(void **state)
{
    (void)state;
    int64_t last = 0;
    for (int i = 0; i < 50; i++) {
        mpy_runtime *rt;
        assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
        assert_true(mpy_runtime_id(rt) > last);
        last = mpy_runtime_id(rt);
        use();
        expect_clean_end(rt);
    }
    assert_null(mpy_runtime_current());
}

static void
test_nested(void **state)
{
    (void)state;
    mpy_runtime *rts[10];
    for (int i = 0; i < 10; i++) {
        assert_int_equal(mpy_runtime_new(NULL, &rts[i]), MPY_OK);
        assert_ptr_equal(mpy_runtime_current(), rts[i]);
        use();
    }
    for (int i = 9; i >= 0; i--) {
        assert_ptr_equal(mpy_runtime_current(), rts[i]);
        use();
        expect_clean_end(rts[i]);
    }
    assert_null(mpy_runtime_current());
}

static void
test_report(void **state)
{
    (void)state;
    mpy_runtime *rt;
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    mpy_object *list = mpy_list_new(0);
    mpy_object *text = mpy_str_from_utf8("a text of some length, in a list that was forgotten");
    assert_int_equal(mpy_list_append(list, text), 0);
    mpy_decref(text);
    assert_non_null(mpy_obj_malloc(100));
    assert_int_equal(mpy_runtime_free(rt, &report), MPY_OK);
    assert_int_equal(report.objects, 1);
    assert_int_equal(report.blocks, 1);
    assert_true(report.bytes >= 40);
    assert_int_equal(strncmp(report.text, "list: 1 object, ", 16), 0);
}

/* Hosts that know a longer or a shorter struct. */
static void
test_sizes_of_structs(void **state)
{
    (void)state;
    mpy_runtime *rt;
    struct {
        mpy_leak_report report;
        uint64_t later[4];
    } newer;
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    memset(&newer, 0xff, sizeof newer);
    newer.report.size = 16;
    assert_int_equal(mpy_runtime_free(rt, &newer.report), MPY_E_INVAL);
    assert_ptr_equal(mpy_runtime_current(), rt); /* nothing happened */
    newer.report.size = sizeof newer;
    assert_int_equal(mpy_runtime_free(rt, &newer.report), MPY_OK);
    assert_int_equal(newer.report.size, sizeof newer.report);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(newer.later[i], 0);
    }
}

static int
keep(void *data, const char *bytes, size_t n)
{
    char *text = data;
    size_t used = strlen(text);
    if (n > 500 - used) {
        n = 500 - used;
    }
    memcpy(text + used, bytes, n);
    text[used + n] = '\0';
    return 0;
}

static void
test_error_function(void **state)
{
    (void)state;
    mpy_runtime *rt;
    char text[512] = "";
    mpy_config *config = mpy_config_new();
    assert_non_null(config);
    mpy_config_set_error_fn(config, keep, text);
    assert_int_equal(mpy_runtime_new(config, &rt), MPY_OK);
    mpy_config_free(config);
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "nobody handles this");
    mpy_err_unraisable("a test");
    assert_non_null(strstr(text, "nobody handles this"));
    assert_non_null(strstr(text, "a test"));
    expect_clean_end(rt);
}

/* An error that is set when the runtime ends is dropped. */
static void
test_end_with_an_error(void **state)
{
    (void)state;
    mpy_runtime *rt;
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    mpy_object *list = mpy_list_new(0);
    mpy_object *type = mpy_exc_type(MPY_EXC_KEY_ERROR);
    mpy_err_set_object(type, list);
    mpy_decref(type);
    mpy_decref(list);
    expect_clean_end(rt);
    assert_int_equal(mpy_err_occurred(), 0);
}

static int ended;

static void
ends(mpy_object *self)
{
    (void)self;
    ended++;
    assert_int_equal(mpy_runtime_is_finalizing(mpy_runtime_current()), 1);
}

static void
test_finalizers_at_the_end(void **state)
{
    (void)state;
    static const mpy_type_spec spec = {.size = sizeof spec,
                                       .version = 1,
                                       .name = "t.Last",
                                       .flags = MPY_TYPE_ATTRS,
                                       .finalize = ends};
    mpy_runtime *rt;
    ended = 0;
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    assert_int_equal(mpy_runtime_is_finalizing(rt), 0);
    mpy_object *type = mpy_type_from_spec(&spec, NULL);
    mpy_object *o = mpy_call_noargs(type);
    assert_non_null(o);
    assert_int_equal(mpy_object_set_attr_utf8(o, "me", o), 0);
    mpy_decref(o);
    mpy_decref(type);
    expect_clean_end(rt);
    assert_int_equal(ended, 1);
}

/* Whoever ignores the failure reads 0, not what was there. */
static void
test_out_is_always_written(void **state)
{
    mpy_config *config = mpy_config_new();
    mpy_runtime *rt;
    int64_t value = 7;
    (void)state;
    assert_non_null(config);
    assert_int_equal(mpy_config_get_int(config, "no.such", &value), -1);
    assert_int_equal(value, 0);
    mpy_config_free(config);
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    value = 7;
    assert_int_equal(mpy_runtime_get_limit(rt, 9, &value), -1);
    assert_int_equal(value, 0);
    mpy_err_clear();
    value = 7;
    assert_int_equal(mpy_runtime_get_limit(NULL, MPY_LIMIT_BYTES, &value), -1);
    assert_int_equal(value, 0);
    mpy_err_clear();
    expect_clean_end(rt);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_sizes_of_structs),
        cmocka_unit_test(test_error_function),
        cmocka_unit_test(test_end_with_an_error),
        cmocka_unit_test(test_finalizers_at_the_end),
        cmocka_unit_test(test_out_is_always_written),
    };
    return cmocka_run_group_tests_name("runtime", tests, NULL, NULL);
}
