/* test: long */
/* SPDX-License-Identifier: MIT */
/*
 * stress/test_dict_model.c - random operations on a dict against a model that cannot be wrong.
 *
 * The model has a cell for each possible key: its value, and its neighbours in order of insertion.
 * Keys are made anew for every operation, so that identity never helps: strs, numbers (equal ones
 * of different types), tuples, and objects of a host type with colliding hashes. A phase decides
 * which of them occur and how many keys there are, so every kind and size of table is met, and
 * tables change their kind on the way. Every so often the whole dict is compared with the model, in
 * order, and its table validated.
 */
#include "support/host_key.h"
#include "support/scale.h"

#include "types/dict_table.h"

#define KEYS 5000
#define END  KEYS /* ends the list; its next is the oldest key, its prev the newest */

struct model {
    int64_t value[KEYS];
    int present[KEYS + 1];
    int next[KEYS + 1], prev[KEYS + 1];
    int length;
};

static struct model model;
static uint64_t seed;

static uint32_t
random_below(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)((seed >> 32) * n >> 32);
}

static void
model_clear(void)
{
    for (int i = 0; i < KEYS; i++) {
        model.present[i] = 0;
    }
    model.next[END] = model.prev[END] = END;
    model.length = 0;
}

static void
model_set(int key, int64_t value)
{
    model.value[key] = value;
    if (!model.present[key]) {
        int last = model.prev[END];
        model.present[key] = 1;
        model.next[last] = key;
        model.prev[key] = last;
        model.next[key] = END;
        model.prev[END] = key;
        model.length++;
    }
}

static void
model_remove(int key)
{
    model.present[key] = 0;
    model.next[model.prev[key]] = model.next[key];
    model.prev[model.next[key]] = model.prev[key];
    model.length--;
}

/* What keys a phase has. */
#define PHASE_STR     0
#define PHASE_NUMBERS 1
#define PHASE_MIXED   2
#define PHASE_ALL     3

/* A new object for a key. Equal keys are made in several ways. */
static mpy_object *
make_key(int phase, int key)
{
    static const int kinds[4][4] = {{0, 0, 0, 0}, {1, 1, 2, 1}, {0, 1, 2, 0}, {0, 1, 3, 4}};
    switch (kinds[phase][key % 4]) {
    case 0:
        return api_good(mpy_str_format(key % 8 < 4 ? "k%d" : "a long key with the number %d", key));
    case 1:
        return key == 0 && random_below(2) ? mpy_bool_from_int(0)
               : random_below(2)           ? mpy_int_from_i64((int64_t)key << 20)
                                           : mpy_float_from_double((double)key * (1 << 20));
    case 2:
        return api_good(mpy_float_from_double((double)key / 1024 + 1e-3));
    case 3:
        return api_good(mpy_tuple_pack(2, mpy_int_from_i64(key % 16), mpy_int_from_i64(key)));
    default:
        return host_key(key, key % 64);
    }
}

static void
expect_number(mpy_object *value, int key)
{
    assert_ptr_equal(value, mpy_int_from_i64(model.value[key]));
}

/* A key below `keys` that is one of the first `kinds` kinds of a phase. */
static int
random_key(int keys, int kinds)
{
    int key = (int)random_below((uint32_t)keys);
    return key - key % 4 + key % 4 % kinds;
}

/* One random operation on one key. */
static void
step(mpy_object *dict, int phase, int keys, int kinds)
{
    int key = random_key(keys, kinds);
    int64_t value = (int64_t)random_below(1u << 30);
    mpy_object *k = make_key(phase, key);
    mpy_object *v = mpy_int_from_i64(value);
    mpy_object *out = NULL;
    uint32_t what = random_below(100);
    int there = model.present[key];
    if (what < 35) {
        api_done(mpy_dict_set(dict, k, v));
        model_set(key, value);
    } else if (what < 55) {
        assert_int_equal(mpy_dict_get(dict, k, &out), there);
        if (there) {
            expect_number(out, key);
        }
    } else if (what < 65) {
        assert_int_equal(mpy_dict_contains(dict, k), there);
    } else if (what < 75) {
        assert_int_equal(mpy_dict_set_default(dict, k, v, &out), there);
        model_set(key, there ? model.value[key] : value);
        expect_number(out, key);
    } else if (what < 88) {
        assert_int_equal(mpy_dict_pop(dict, k, &out), there);
        if (there) {
            expect_number(out, key);
            model_remove(key);
        }
    } else {
        assert_int_equal(mpy_dict_del(dict, k), there ? 0 : -1);
        if (there) {
            model_remove(key);
        } else {
            api_expect_error(MPY_EXC_KEY_ERROR);
        }
    }
    mpy_decref(k);
}

/* Removes the oldest keys and adds new ones, as a queue or a cache does. */
static void
queue_steps(mpy_object *dict, int phase, int keys, int kinds)
{
    for (int i = 0; i < 50 && model.length != 0; i++) {
        mpy_dict_cursor cursor = MPY_DICT_START;
        mpy_object *key;
        int oldest = model.next[END];
        int fresh = random_key(keys, kinds);
        assert_int_equal(mpy_dict_next(dict, &cursor, &key, NULL), 1);
        api_done(mpy_dict_del(dict, key));
        mpy_decref(key);
        model_remove(oldest);
        key = make_key(phase, fresh);
        api_done(mpy_dict_set(dict, key, mpy_int_from_i64(i)));
        mpy_decref(key);
        model_set(fresh, i);
    }
}

/* The whole dict is the model, in order; so are its lists and its copy. */
static void
compare_all(mpy_object *dict)
{
    mpy_dict_cursor cursor = MPY_DICT_START;
    mpy_object *copy = api_good(mpy_dict_copy(dict));
    mpy_object *values = api_good(mpy_dict_values(dict));
    mpy_object *value;
    int key = model.next[END];
    ptrdiff_t i = 0;
    assert_int_equal(mpyi_dict_check(mpyi_dict(dict)), 0);
    assert_int_equal(mpyi_dict_check(mpyi_dict(copy)), 0);
    assert_int_equal(mpy_dict_length(dict), model.length);
    assert_int_equal(mpy_object_compare_bool(dict, copy, MPY_EQ), 1);
    while (api_done(mpy_dict_next(dict, &cursor, NULL, &value)) > 0) {
        expect_number(value, key);
        value = api_good(mpy_list_get(values, i++));
        expect_number(value, key);
        key = model.next[key];
    }
    assert_int_equal(key, END);
    assert_int_equal(i, model.length);
    mpy_decref(values);
    mpy_decref(copy);
}

static void
run(int phase, int keys, unsigned long steps)
{
    mpy_object *dict = api_good(mpy_dict_new(0));
    model_clear();
    for (unsigned long i = 0; i < steps; i++) {
        int kinds = phase != PHASE_ALL ? 4 : i < steps / 5 ? 1 : i < steps / 2 ? 2 : 4;
        step(dict, phase, keys, kinds);
        if (random_below((uint32_t)keys * 8) == 0) {
            compare_all(dict);
            queue_steps(dict, phase, keys, kinds);
        }
        if (random_below((uint32_t)keys * 40) == 0) {
            api_done(mpy_dict_clear(dict));
            model_clear();
        }
    }
    compare_all(dict);
    mpy_decref(dict);
}

static void
test_model(void **state)
{
    static const int sizes[] = {6, 12, 40, 400, KEYS};
    unsigned long steps = test_scaled(200000) / 20;
    (void)state;
    host_keys_open();
    for (int phase = PHASE_STR; phase <= PHASE_ALL; phase++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            seed = 0x9E3779B97F4A7C15u + (uint64_t)phase * 100 + s;
            run(phase, sizes[s], steps);
        }
    }
    host_keys_close();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_model, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
