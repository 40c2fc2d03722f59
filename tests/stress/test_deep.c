/* SPDX-License-Identifier: MIT */
/* test: timeout=600 long */
/*
 * stress/test_deep.c - chains as long as memory allows, on a stack of 64 KiB.
 *
 * 10,000,000 levels in the long run: lists, tuples, instances with attributes, instances with data.
 * A chain dies from its end when its last reference goes, and is found by a collection when it is
 * closed to a ring, which passes through the collector's bounded stack more often than fits it.
 * Nothing may recurse, and the frames of the library have to fit what is left of the stack.
 */
#include "support/api_deep.h"
#include "support/cm.h"
#include "support/scale.h"

#include "minipy.h"

#define DEPTH 20000u /* 10,000,000 in the long run */

static mpy_object *data_type;

static mpy_object *
wrap_data(mpy_object *inner)
{
    mpy_object *o = mpy_type_new_instance(data_type);
    void *data;
    if (o != NULL && mpy_type_data(o, data_type, &data) == 0) {
        mpy_assign((mpy_object **)data, inner);
    }
    return o;
}

static const char *
collect(deep_wrap_fn wrap)
{
    mpy_gc_result result = {.size = sizeof result, .version = 1};
    mpy_object *innermost = mpy_list_new(0);
    mpy_object *o = deep_build(wrap, test_scaled(DEPTH), innermost);
    if (o == NULL || mpy_list_append(innermost, o) < 0) {
        return "not built";
    }
    mpy_decref(innermost);
    if (mpy_gc_collect(2, &result) < 0 || result.collected != 0) {
        return "collected while it was alive";
    }
    mpy_decref(o);
    if (mpy_gc_collect(2, &result) < 0 || result.collected != test_scaled(DEPTH) + 1) {
        return "not collected as a whole";
    }
    return NULL;
}

static const char *
die_and_collect(void *data)
{
    deep_wrap_fn wrap = *(deep_wrap_fn *)data;
    const char *fault = deep_die(wrap, test_scaled(DEPTH));
    return fault != NULL ? fault : collect(wrap);
}

static void
run(deep_wrap_fn wrap)
{
    static const mpy_type_spec plain = {
        .size = sizeof plain, .version = 1, .name = "deep.Plain", .flags = MPY_TYPE_ATTRS};
    static const mpy_type_spec data = {.size = sizeof data,
                                       .version = 1,
                                       .name = "deep.Data",
                                       .ref_count = 3,
                                       .data_size = 3 * sizeof(mpy_object *)};
    const char *fault;
    mpy_runtime *rt;
    assert_int_equal(mpy_runtime_new(NULL, &rt), MPY_OK);
    deep_plain_type = mpy_type_from_spec(&plain, NULL);
    data_type = mpy_type_from_spec(&data, NULL);
    assert_true(deep_plain_type != NULL && data_type != NULL);
    fault = deep_on_small_stack(rt, die_and_collect, &wrap);
    if (fault != NULL) {
        fail_msg("%s", fault);
    }
    mpy_clear(&deep_plain_type);
    mpy_clear(&data_type);
    assert_int_equal(mpy_runtime_free(rt, NULL), MPY_OK);
}

static void
test_lists(void **state)
{
    (void)state;
    run(deep_wrap_list);
}

static void
test_tuples(void **state)
{
    (void)state;
    run(deep_wrap_tuple);
}

static void
test_instances(void **state)
{
    (void)state;
    run(deep_wrap_plain);
}

static void
test_data(void **state)
{
    (void)state;
    run(wrap_data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_tuples),
        cmocka_unit_test(test_instances),
        cmocka_unit_test(test_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
