/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_compare.c - which operand is asked first, what happens when nobody knows, depth.
 */
#include "types/protocol.h"
#include "unit/types/sweep.h"

#include <string.h>

static char journal[64];
static mpy_object *answer;

static mpy_object *
compare_slot(mpy_object *a, mpy_object *b, int op)
{
    (void)b;
    (void)strcat(journal, mpyi_type_name_of(a));
    (void)strcat(journal, (const char *const[]){"<", "<=", "==", "!=", ">", ">="}[op]);
    return answer != NULL ? mpy_newref(answer) : NULL;
}

static mpy_object *
other_slot(mpy_object *a, mpy_object *b, int op)
{
    return compare_slot(a, b, op);
}

static mpy_object *
make(const char *name, mpy_object *base, mpy_object *(*compare)(mpy_object *, mpy_object *, int))
{
    const mpy_type_spec spec = {.size = sizeof spec,
                                .version = 1,
                                .name = name,
                                .flags = MPY_TYPE_BASE,
                                .compare = compare};
    return api_good(mpy_type_from_spec(&spec, base));
}

static void
test_order_of_asking(void **state)
{
    mpy_object *ta = make("A", NULL, compare_slot);
    mpy_object *tb = make("B", NULL, compare_slot);
    mpy_object *tc = make("C", ta, other_slot);
    mpy_object *a = api_good(mpy_call_noargs(ta));
    mpy_object *b = api_good(mpy_call_noargs(tb));
    mpy_object *c = api_good(mpy_call_noargs(tc));
    (void)state;
    answer = mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);

    journal[0] = '\0';
    assert_ptr_equal(mpy_object_compare(a, b, MPY_EQ), MPY_FALSE);
    assert_string_equal(journal, "A==B==");
    journal[0] = '\0';
    assert_ptr_equal(mpy_object_compare(a, b, MPY_NE), MPY_TRUE);
    assert_string_equal(journal, "A!=B!=");
    journal[0] = '\0';
    assert_null(mpy_object_compare(a, b, MPY_LE));
    assert_string_equal(journal, "A<=B>=");
    assert_string_equal(
        mpyi_current()->error.text,
        "mpy_object_compare(): '<=' not supported between instances of 'A' and 'B'");
    mpy_err_clear();
    journal[0] = '\0'; /* the subtype on the right is asked first, and only once */
    assert_int_equal(mpy_object_compare_bool(a, c, MPY_LT), -1);
    assert_string_equal(journal, "C>A<");
    api_expect_error(MPY_EXC_TYPE_ERROR);
    journal[0] = '\0';
    assert_int_equal(mpy_object_compare_bool(a, mpy_int_from_i64(1), MPY_EQ), 0);
    assert_string_equal(journal, "A==");

    answer = mpy_int_from_i64(5);
    assert_ptr_equal(mpy_object_compare(a, b, MPY_GT), mpy_int_from_i64(5));
    assert_int_equal(mpy_object_compare_bool(a, b, MPY_GT), 1);
    answer = mpy_int_from_i64(0);
    assert_int_equal(mpy_object_compare_bool(a, b, MPY_GT), 0);
    mpy_decref(a);
    mpy_decref(b);
    mpy_decref(c);
    mpy_decref(tc);
    mpy_decref(ta);
    mpy_decref(tb);
}

static void
test_identity(void **state)
{
    mpy_object *t = make("A", NULL, compare_slot);
    mpy_object *a = api_good(mpy_call_noargs(t));
    (void)state;
    journal[0] = '\0';
    assert_int_equal(mpy_object_compare_bool(a, a, MPY_EQ), 1);
    assert_int_equal(mpy_object_compare_bool(a, a, MPY_NE), 0);
    assert_string_equal(journal, "");
    answer = MPY_FALSE;
    assert_int_equal(mpy_object_compare_bool(a, a, MPY_LE), 0);
    assert_ptr_equal(mpy_object_compare(a, a, MPY_EQ), MPY_FALSE);
    assert_string_equal(journal, "A<=A==");
    assert_int_equal(mpy_object_compare_bool(MPY_NONE, MPY_NONE, MPY_LT), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(a);
    mpy_decref(t);
}

static void
test_ints(void **state)
{
    const int64_t values[] = {MPY_INT_MIN, -1, 0, 1, MPY_INT_MAX};
    (void)state;
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 5; k++) {
            mpy_object *a = mpy_int_from_i64(values[i]), *b = mpy_int_from_i64(values[k]);
            assert_int_equal(mpy_object_compare_bool(a, b, MPY_LT), i < k);
            assert_int_equal(mpy_object_compare_bool(a, b, MPY_LE), i <= k);
            assert_int_equal(mpy_object_compare_bool(a, b, MPY_EQ), i == k);
            assert_int_equal(mpy_object_compare_bool(a, b, MPY_NE), i != k);
            assert_int_equal(mpy_object_compare_bool(a, b, MPY_GT), i > k);
            assert_int_equal(mpy_object_compare_bool(a, b, MPY_GE), i >= k);
        }
    }
    assert_null(mpy_object_compare(MPY_TRUE, MPY_TRUE, 6));
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_null(mpy_object_compare(MPY_TRUE, MPY_TRUE, -1));
    api_expect_error(MPY_EXC_VALUE_ERROR);
}

/* Two towers of lists, equal all the way up: RecursionError, and the depth is as before. */
static void
test_deep(void **state)
{
    mpy_object *tower[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        tower[i] = api_good(mpy_list_new(0));
        for (int n = 0; n < 100000; n++) {
            mpy_object *outer = api_good(mpy_list_from_array(&tower[i], 1));
            mpy_decref(tower[i]);
            tower[i] = outer;
        }
    }
    assert_int_equal(mpy_object_compare_bool(tower[0], tower[1], MPY_EQ), -1);
    api_expect_error(MPY_EXC_RECURSION_ERROR);
    assert_null(mpy_object_compare(tower[0], tower[1], MPY_LT));
    api_expect_error(MPY_EXC_RECURSION_ERROR);
    assert_int_equal(mpyi_current()->depth, 0);
    mpy_decref(tower[0]);
    mpy_decref(tower[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order_of_asking, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_identity, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_ints, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_deep, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
