/* SPDX-License-Identifier: MIT */
/*
 * The leak report: primary leaks only, counted by type, with the memory they are; blocks; release
 * hooks of what was leaked.
 */
#include "support/cm.h"

#include "minipy/call.h"
#include "minipy/debug.h"
#include "minipy/dict.h"
#include "minipy/err.h"
#include "minipy/list.h"
#include "minipy/str.h"
#include "minipy/thread.h"
#include "minipy/tuple.h"
#include "minipy/type.h"

#include <stdio.h>
#include <string.h>

static mpy_runtime *rt;
static int released;

static int
setup(void **state)
{
    (void)state;
    released = 0;
    return mpy_runtime_new(NULL, &rt) == MPY_OK ? 0 : -1;
}

static mpy_object *
text(int i)
{
    char buffer[64];
    (void)snprintf(buffer, sizeof buffer, "a text that nobody interned %d", i);
    mpy_object *s = mpy_str_from_utf8(buffer);
    assert_non_null(s);
    return s;
}

static void
end(mpy_leak_report *report)
{
    assert_int_equal(mpy_runtime_free(rt, report), MPY_OK);
    assert_int_equal(report->text[sizeof report->text - 1], 0);
}

/* A list that was leaked with a thousand strs in it is one leak. */
static void
test_primary_only(void **state)
{
    (void)state;
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    mpy_object *list = mpy_list_new(0);
    assert_non_null(list);
    for (int i = 0; i < 1000; i++) {
        mpy_object *s = text(i);
        assert_int_equal(mpy_list_append(list, s), 0);
        mpy_decref(s);
    }
    end(&report);
    assert_int_equal(report.objects, 1);
    assert_in_range(report.bytes, 8000, 16000); /* with its array */
    assert_int_equal(report.blocks, 0);
    assert_non_null(strstr(report.text, "list: 1 object, "));
    assert_null(strstr(report.text, "str"));
}

static void
test_by_number(void **state)
{
    (void)state;
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    mpy_object *dict = mpy_dict_new(0);
    assert_non_null(dict);
    mpy_object *held = text(0);
    mpy_incref(held); /* twice held: by the list inside and by a forgotten reference */
    mpy_object *list = mpy_list_new(0);
    assert_int_equal(mpy_list_append(list, held), 0);
    mpy_decref(held);
    for (int i = 1; i < 5; i++) {
        (void)text(i);
    }
    end(&report);
    assert_int_equal(report.objects, 7);
    const char *strs = strstr(report.text, "str: 5 objects, ");
    assert_non_null(strs);
    assert_ptr_equal(strs, report.text);
    assert_non_null(strstr(report.text, "dict: 1 object, "));
    assert_non_null(strstr(report.text, "list: 1 object, "));
}

/* A cycle that one reference from outside keeps alive: only the object it goes to. */
static void
test_cycle(void **state)
{
    (void)state;
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    mpy_object *a = mpy_list_new(0);
    mpy_object *b = mpy_list_new(0);
    assert_int_equal(mpy_list_append(a, b), 0);
    assert_int_equal(mpy_list_append(b, a), 0);
    mpy_decref(b);
    end(&report);
    assert_int_equal(report.objects, 1);
}

static void
test_blocks(void **state)
{
    (void)state;
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    assert_non_null(mpy_obj_malloc(24));
    assert_non_null(mpy_obj_malloc(100000));
    void *freed = mpy_obj_malloc(24);
    mpy_obj_free(freed);
    assert_non_null(mpy_list_new(0));
    end(&report);
    assert_int_equal(report.blocks, 2);
    assert_int_equal(report.objects, 1);
}

static void
release(void *data)
{
    released += *(int *)data;
}

static void
test_host_types(void **state)
{
    (void)state;
    static const mpy_type_spec spec = {.size = sizeof spec,
                                       .version = 1,
                                       .name = "t.Kept",
                                       .flags = MPY_TYPE_ATTRS,
                                       .data_size = 8,
                                       .release = release};
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    mpy_object *type = mpy_type_from_spec(&spec, NULL);
    assert_non_null(type);
    for (int i = 0; i < 3; i++) {
        mpy_object *o = mpy_call_noargs(type);
        assert_non_null(o);
        void *data;
        assert_int_equal(mpy_type_data(o, type, &data), 0);
        *(int *)data = 1 << i;
        mpy_object *value = text(i);
        assert_int_equal(mpy_object_set_attr_utf8(o, "value", value), 0);
        mpy_decref(value);
    }
    mpy_decref(type);
    end(&report);
    assert_int_equal(report.objects, 3);
    assert_non_null(strstr(report.text, "Kept: 3 objects, "));
    assert_null(strstr(report.text, "str"));
    assert_int_equal(report.blocks, 0);
    assert_int_equal(released, 7); /* each release hook once */
}

/* Without memory for the analysis everything that survived is reported. */
static void
test_no_memory(void **state)
{
    (void)state;
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    mpy_object *list = mpy_list_new(0);
    mpy_object *s = text(1);
    assert_int_equal(mpy_list_append(list, s), 0);
    mpy_decref(s);
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_AFTER, 1), 0);
    mpy_status status = mpy_runtime_free(rt, &report);
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0), 0);
    assert_int_equal(status, MPY_OK);
    assert_int_equal(report.objects, 2);
}

static void
test_without_report(void **state)
{
    (void)state;
    (void)text(1);
    assert_non_null(mpy_list_new(0));
    assert_int_equal(mpy_runtime_free(rt, NULL), MPY_OK);
}

/* More types than fit into the text, and than the tally has room for. */
static void
test_many_types(void **state)
{
    (void)state;
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    for (int i = 0; i < 100; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "t.Type%02d", i);
        const mpy_type_spec spec = {.size = sizeof spec, .version = 1, .name = name};
        mpy_object *type = mpy_type_from_spec(&spec, NULL);
        assert_non_null(type);
        assert_non_null(mpy_call_noargs(type));
        mpy_decref(type);
    }
    end(&report);
    assert_int_equal(report.objects, 100);
    size_t n = strlen(report.text);
    assert_in_range(n, 900, sizeof report.text - 1);
    assert_int_equal(report.text[n - 1], '\n'); /* whole lines */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_primary_only, setup),
        cmocka_unit_test_setup(test_by_number, setup),
        cmocka_unit_test_setup(test_cycle, setup),
        cmocka_unit_test_setup(test_blocks, setup),
        cmocka_unit_test_setup(test_host_types, setup),
        cmocka_unit_test_setup(test_no_memory, setup),
        cmocka_unit_test_setup(test_without_report, setup),
        cmocka_unit_test_setup(test_many_types, setup),
    };
    return cmocka_run_group_tests_name("leaks", tests, NULL, NULL);
}
