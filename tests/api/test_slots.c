/* SPDX-License-Identifier: MIT */
/*
 * api/test_slots.c - slots of host types that break their contract, or call without end.
 *
 * Every slot of the type reports failure and sets no error: whoever made the call must still find
 * a reason, which names the function and the slot. Then slots that call themselves: RecursionError
 * before the C stack is gone, whatever the slot.
 */
#include "support/api_world.h"

#include <string.h>

static int again; /* the slots call what called them, instead of failing */

static mpy_object *
no_repr(mpy_object *self)
{
    return again ? mpy_object_repr(self) : NULL;
}

static mpy_object *
no_str(mpy_object *self)
{
    return again ? mpy_object_str(self) : NULL;
}

static int
no_hash(mpy_object *self, int64_t *out)
{
    return again ? mpy_object_hash(self, out) : -7;
}

static mpy_object *
no_answer(mpy_object *a, mpy_object *b, int op)
{
    return again ? mpy_object_compare(a, b, op) : NULL;
}

static int
no_truth(mpy_object *self)
{
    return again ? mpy_object_is_true(self) : -1;
}

static mpy_object *
no_attr(mpy_object *self, mpy_object *name)
{
    return again ? mpy_object_get_attr(self, name) : NULL;
}

static int
no_set_attr(mpy_object *self, mpy_object *name, mpy_object *value)
{
    return again ? mpy_object_set_attr(self, name, value) : -1;
}

static ptrdiff_t
no_length(mpy_object *self)
{
    return again ? mpy_object_length(self) : PTRDIFF_MIN;
}

static mpy_object *
no_item(mpy_object *self, mpy_object *key)
{
    return again ? mpy_object_get_item(self, key) : NULL;
}

static int
no_set_item(mpy_object *self, mpy_object *key, mpy_object *value)
{
    return again ? mpy_object_set_item(self, key, value) : -1;
}

static int
no_contains(mpy_object *self, mpy_object *value)
{
    return again ? mpy_object_contains(self, value) : -1;
}

static mpy_object *
no_sum(mpy_object *a, mpy_object *b)
{
    return again ? mpy_number_add(a, b) : NULL;
}

static mpy_object *
no_product(mpy_object *a, mpy_object *b)
{
    return again ? mpy_number_multiply(a, b) : NULL;
}

static mpy_object *
no_negative(mpy_object *a)
{
    return again ? mpy_number_negative(a) : NULL;
}

static const mpy_type_spec bad_spec = {
    .size = sizeof(mpy_type_spec),
    .version = 1,
    .name = "slots.Bad",
    .data_size = 8,
    .repr = no_repr,
    .str = no_str,
    .hash = no_hash,
    .compare = no_answer,
    .is_true = no_truth,
    .get_attr = no_attr,
    .set_attr = no_set_attr,
    .length = no_length,
    .get_item = no_item,
    .set_item = no_set_item,
    .contains = no_contains,
    .add = no_sum,
    .multiply = no_product,
    .negative = no_negative,
};

/* The error that is set is of that code and has that text, or, with NULL, any; it is cleared. */
static void
expect_error(int code, const char *text)
{
    mpy_object *exc, *message;
    assert_int_equal(mpy_err_code(), code);
    exc = api_good(mpy_err_take());
    message = api_good(mpy_err_message(exc));
    if (text != NULL) {
        const char *got;
        api_done(mpy_str_as_utf8(message, &got, NULL));
        assert_string_equal(got, text);
    }
    mpy_decref(message);
    mpy_decref(exc);
}

/* Every call; each has to fail. */
static void
call_all(mpy_object *o, int code, const char *const *texts)
{
    mpy_object *key = api_good(mpy_str_intern("key")), *out;
    mpy_object *list = api_good(mpy_list_from_array(&o, 1));
    int64_t hash;
#define FAILS(what)                                                                                \
    do {                                                                                           \
        assert_true(what);                                                                         \
        expect_error(code, texts != NULL ? *texts++ : NULL);                                       \
    } while (0)
    FAILS(mpy_object_repr(o) == NULL);
    FAILS(mpy_object_repr(list) == NULL);
    FAILS(mpy_object_str(o) == NULL);
    FAILS(mpy_object_hash(o, &hash) == -1);
    FAILS(mpy_object_compare(o, list, MPY_LT) == NULL);
    FAILS(mpy_object_compare_bool(list, o, MPY_EQ) == -1);
    FAILS(mpy_object_is_true(o) == -1);
    FAILS(mpy_object_get_attr(o, key) == NULL);
    FAILS(mpy_object_find_attr(o, key, &out) == -1 && out == NULL);
    FAILS(mpy_object_set_attr(o, key, key) == -1);
    FAILS(mpy_object_length(o) == -1);
    FAILS(mpy_object_get_item(o, key) == NULL);
    FAILS(mpy_object_set_item(o, key, key) == -1);
    FAILS(mpy_object_contains(o, key) == -1);
    FAILS(mpy_number_add(o, key) == NULL);
    FAILS(mpy_number_multiply(key, o) == NULL);
    FAILS(mpy_number_negative(o) == NULL);
#undef FAILS
    mpy_decref(list);
    mpy_decref(key);
}

static void
test_failure_without_error(void **state)
{
    static const char *const texts[] = {
        "mpy_object_repr(): repr of 'Bad' failed without an error",
        "mpy_object_repr(): repr of 'Bad' failed without an error",
        "mpy_object_str(): str of 'Bad' failed without an error",
        "mpy_object_hash(): hash of 'Bad' failed without an error",
        "mpy_object_compare(): compare of 'Bad' failed without an error",
        "mpy_object_compare_bool(): compare of 'Bad' failed without an error",
        "mpy_object_is_true(): is_true of 'Bad' failed without an error",
        "mpy_object_get_attr(): get_attr of 'Bad' failed without an error",
        "mpy_object_get_attr(): get_attr of 'Bad' failed without an error",
        "mpy_object_set_attr(): set_attr of 'Bad' failed without an error",
        "mpy_object_length(): length of 'Bad' failed without an error",
        "mpy_object_get_item(): get_item of 'Bad' failed without an error",
        "mpy_object_set_item(): set_item of 'Bad' failed without an error",
        "mpy_object_contains(): contains of 'Bad' failed without an error",
        "mpy_number_add(): add of 'Bad' failed without an error",
        "mpy_number_multiply(): multiply of 'Bad' failed without an error",
        "mpy_number_negative(): negative of 'Bad' failed without an error",
    };
    mpy_object *type = api_good(mpy_type_from_spec(&bad_spec, NULL));
    mpy_object *o = api_good(mpy_type_new_instance(type));
    (void)state;
    again = 0;
    call_all(o, MPY_EXC_SYSTEM_ERROR, texts);
    mpy_decref(o);
    mpy_decref(type);
}

/* What `next` says and what it gives contradict each other. */
static int said;
static int gives;

static int
next_of(mpy_object *self, mpy_object **out)
{
    *out = gives ? mpy_newref(self) : NULL;
    return said;
}

static mpy_object *
no_iterator(mpy_object *self)
{
    (void)self;
    return NULL;
}

static int
count_item(void *data, mpy_object *item)
{
    (void)data;
    (void)item;
    return 0;
}

static void
test_iterators(void **state)
{
    static const char text[] = "mpy_iter_next(): next of 'Iterator' failed without an error";
    mpy_type_spec spec = {
        .size = sizeof spec, .version = 1, .name = "slots.Iterator", .next = next_of};
    mpy_type_spec no_iter_spec = {
        .size = sizeof spec, .version = 1, .name = "slots.NoIterator", .iter = no_iterator};
    mpy_object *type = api_good(mpy_type_from_spec(&spec, NULL));
    mpy_object *it = api_good(mpy_type_new_instance(type)), *out, *o;
    mpy_object *list = api_good(mpy_list_new(0));
    (void)state;
    said = 1;
    gives = 0;
    assert_int_equal(mpy_iter_next(it, &out), -1);
    expect_error(MPY_EXC_SYSTEM_ERROR, text);
    assert_int_equal(mpy_iter_each(it, count_item, NULL), -1);
    expect_error(MPY_EXC_SYSTEM_ERROR, text);
    assert_int_equal(mpy_list_extend(list, it), -1);
    expect_error(MPY_EXC_SYSTEM_ERROR, text);
    assert_int_equal(mpy_object_contains(it, list), -1);
    expect_error(MPY_EXC_SYSTEM_ERROR, text);
    said = 0;
    gives = 1;
    assert_int_equal(mpy_iter_next(it, &out), 0);
    assert_null(out);
    said = -1;
    assert_int_equal(mpy_iter_next(it, &out), -1);
    assert_null(out);
    expect_error(MPY_EXC_SYSTEM_ERROR, text);
    assert_int_equal(mpy_refcount(it), 1);
    mpy_decref(it);
    mpy_decref(type);
    type = api_good(mpy_type_from_spec(&no_iter_spec, NULL));
    o = api_good(mpy_type_new_instance(type));
    assert_null(mpy_iter_get(o));
    expect_error(MPY_EXC_SYSTEM_ERROR,
                 "mpy_iter_get(): iter of 'NoIterator' failed without an error");
    mpy_decref(o);
    mpy_decref(type);
    mpy_decref(list);
}

static void
test_endless_recursion(void **state)
{
    mpy_object *type = api_good(mpy_type_from_spec(&bad_spec, NULL));
    mpy_object *o = api_good(mpy_type_new_instance(type));
    (void)state;
    again = 1;
    call_all(o, MPY_EXC_RECURSION_ERROR, NULL);
    mpy_decref(o);
    mpy_decref(type);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_failure_without_error, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_iterators, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_endless_recursion, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
