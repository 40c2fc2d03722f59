/* test: long */
/* SPDX-License-Identifier: MIT */
/*
 * stress/test_list_model.c - random operations on a list against an array of numbers.
 *
 * Every function of the list takes part, with indices inside, at and beyond the ends. Elements are
 * ints and, every fourth, a str made for the purpose, so that lost and doubled references show in
 * the leak check at the end and under the sanitizers.
 */
#include "support/api_world.h"
#include "support/scale.h"

#include "types/list.h"

#define MOST 3000

static int64_t model[2 * MOST + 64];
static ptrdiff_t length;
static uint64_t seed;

static uint32_t
random_below(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)((seed >> 32) * n >> 32);
}

/* The object that stands for a number. */
static mpy_object *
make(int64_t number)
{
    return number % 4 != 0 ? mpy_int_from_i64(number)
                           : api_good(mpy_str_format("%lld", (long long)number));
}

static void
expect(mpy_object *o, int64_t number)
{
    mpy_object *wanted = make(number);
    if (mpy_object_compare_bool(o, wanted, MPY_EQ) != 1) {
        fail_msg("an element is not %lld", (long long)number);
    }
    mpy_decref(wanted);
}

static void
expect_owned(mpy_object *o, int64_t number)
{
    expect(api_good(o), number);
    mpy_decref(o);
}

static void
model_insert(ptrdiff_t at, int64_t number)
{
    for (ptrdiff_t i = length++; i > at; i--) {
        model[i] = model[i - 1];
    }
    model[at] = number;
}

static void
model_remove(ptrdiff_t at)
{
    length--;
    for (ptrdiff_t i = at; i < length; i++) {
        model[i] = model[i + 1];
    }
}

/* An index from a little before to a little behind the list. */
static ptrdiff_t
any_index(void)
{
    return (ptrdiff_t)random_below((uint32_t)length + 6) - 3;
}

static ptrdiff_t
clamp(ptrdiff_t i)
{
    return i < 0 ? 0 : i > length ? length : i;
}

static void
compare_all(mpy_object *list)
{
    mpy_object *it = api_good(mpy_iter_get(list));
    mpy_object *item;
    ptrdiff_t i = 0;
    while (api_done(mpy_iter_next(it, &item)) > 0) {
        expect_owned(item, model[i++]);
    }
    mpy_decref(it);
    assert_int_equal(i, length);
    assert_int_equal(mpy_list_length(list), length);
    assert_true(mpyi_list(list)->count <= mpyi_list(list)->capacity);
}

/* Operations on one element. */
static void
step_element(mpy_object *list, uint32_t what)
{
    int64_t number = (int64_t)random_below(1000);
    mpy_object *o = make(number);
    ptrdiff_t i = any_index();
    int inside = i >= 0 && i < length;
    switch (what) {
    case 0:
    case 1:
    case 2:
        api_done(mpy_list_append(list, o));
        model[length++] = number;
        break;
    case 3:
        api_done(mpy_list_insert(list, i, o));
        model_insert(clamp(i), number);
        break;
    case 4:
        assert_int_equal(mpy_list_set(list, i, o), inside ? 0 : -1);
        if (inside) {
            model[i] = number;
        }
        break;
    case 5:
        if (inside) {
            expect_owned(mpy_list_get(list, i), model[i]);
        } else {
            assert_null(mpy_list_get(list, i));
        }
        break;
    case 6:
        i = random_below(2) ? -1 : i;
        if (inside || (i == -1 && length != 0)) {
            expect_owned(mpy_list_pop(list, i), model[i == -1 ? length - 1 : i]);
            model_remove(i == -1 ? length - 1 : i);
        } else {
            assert_null(mpy_list_pop(list, i));
        }
        break;
    default:
        i = i < 0 ? i + length : i;
        inside = i >= 0 && i < length;
        assert_int_equal(mpy_object_del_item(list, mpy_int_from_i64(inside ? i - length : length)),
                         inside ? 0 : -1);
        if (inside) {
            model_remove(i);
        }
        break;
    }
    (void)api_take_error(NULL, 0);
    mpy_decref(o);
}

/* A slice of the list, compared with the model's, and put to the end. */
static void
step_slice(mpy_object *list)
{
    ptrdiff_t a = any_index();
    ptrdiff_t b = any_index();
    ptrdiff_t from = clamp(a);
    ptrdiff_t to = clamp(b) < from ? from : clamp(b);
    mpy_object *slice = api_good(mpy_list_get_slice(list, a, b));
    mpy_object *tuple = api_good(mpy_list_as_tuple(slice));
    assert_int_equal(mpy_list_length(slice), to - from);
    for (ptrdiff_t i = from; i < to; i++) {
        expect_owned(mpy_tuple_get(tuple, i - from), model[i]);
    }
    if (length + to - from <= MOST) {
        api_done(mpy_list_extend(list, random_below(2) ? slice : tuple));
        for (ptrdiff_t i = from; i < to; i++) {
            model[length++] = model[i];
        }
    }
    mpy_decref(tuple);
    mpy_decref(slice);
}

/* Operations on the whole list. The list may be another object afterwards. */
static mpy_object *
step_whole(mpy_object *list)
{
    mpy_object *other = NULL;
    switch (random_below(5)) {
    case 0:
        api_done(mpy_list_reverse(list));
        for (ptrdiff_t i = 0; i < length / 2; i++) {
            int64_t swap = model[i];
            model[i] = model[length - 1 - i];
            model[length - 1 - i] = swap;
        }
        break;
    case 1:
        if (length <= MOST / 2) {
            other = api_good(mpy_number_multiply(list, mpy_int_from_i64(2)));
        }
        break;
    case 2:
        if (length <= MOST / 2) {
            other = api_good(mpy_number_add(list, list));
        }
        break;
    case 3:
        if (length <= MOST / 2) {
            api_done(mpy_list_extend(list, list));
            for (ptrdiff_t i = 0, n = length; i < n; i++) {
                model[length++] = model[i];
            }
        }
        break;
    default:
        if (random_below(4) == 0) {
            api_done(mpy_list_clear(list));
            length = 0;
        }
        break;
    }
    if (other == NULL) {
        return list;
    }
    for (ptrdiff_t i = 0, n = length; i < n; i++) {
        model[length++] = model[i];
    }
    mpy_decref(list);
    return other;
}

static void
test_model(void **state)
{
    unsigned long steps = test_scaled(200000);
    mpy_object *list = api_good(mpy_list_new(0));
    (void)state;
    seed = 0x9E3779B97F4A7C15u;
    length = 0;
    for (unsigned long i = 0; i < steps; i++) {
        uint32_t what = random_below(1000);
        if (what < 985) {
            /* Growing and shrinking by turns. */
            uint32_t op = random_below(8);
            step_element(list, i / 5000 % 2 != 0 && op < 3 ? 6 : length < MOST ? op : 6);
        } else if (what < 995) {
            step_slice(list);
        } else {
            list = step_whole(list);
        }
        if (random_below(2000) == 0) {
            compare_all(list);
        }
    }
    compare_all(list);
    mpy_decref(list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_model, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
