/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_iter.c - iterators over every kind of source, sources that change, iterators and
 * sequences of host types.
 */
#include "support/api_world.h"

#include "minipy/debug.h"

#include "types/iter.h"

static void
expect_next(mpy_object *it, mpy_object *expected)
{
    mpy_object *item;
    assert_int_equal(api_done(mpy_iter_next(it, &item)), 1);
    assert_int_equal(mpy_object_compare_bool(item, expected, MPY_EQ), 1);
    mpy_decref(item);
}

static void
expect_int(mpy_object *it, int64_t value)
{
    expect_next(it, mpy_int_from_i64(value));
}

static void
expect_end(mpy_object *it)
{
    for (int i = 0; i < 2; i++) {
        mpy_object *item = MPY_NONE;
        assert_int_equal(mpy_iter_next(it, &item), 0);
        assert_null(item);
        assert_int_equal(mpy_err_occurred(), 0);
    }
}

static mpy_object *
list_of(int64_t n)
{
    mpy_object *list = api_good(mpy_list_new(0));
    for (int64_t i = 0; i < n; i++) {
        api_done(mpy_list_append(list, mpy_int_from_i64(i)));
    }
    return list;
}

static void
test_list(void **state)
{
    mpy_object *list = list_of(3);
    mpy_object *it = api_good(mpy_iter_get(list));
    (void)state;
    assert_int_equal(mpy_iter_check(it), 1);
    assert_int_equal(mpy_iter_check(list), 0);
    assert_ptr_equal(api_good(mpy_iter_get(it)), it);
    mpy_decref(it);
    for (int64_t i = 0; i < 3; i++) {
        expect_int(it, i);
    }
    api_done(mpy_list_append(list, mpy_int_from_i64(3)));
    expect_int(it, 3); /* appended before the end was seen */
    expect_end(it);
    assert_int_equal(mpy_refcount(list), 1);
    api_done(mpy_list_append(list, MPY_NONE));
    expect_end(it); /* the end is final */
    mpy_decref(it);
    it = api_good(mpy_iter_get(list));
    expect_int(it, 0);
    api_done(mpy_list_clear(list));
    expect_end(it);
    mpy_decref(it);
    mpy_decref(list);
}

static void
test_constant_sources(void **state)
{
    mpy_object *list = list_of(3);
    mpy_object *tuple = api_good(mpy_list_as_tuple(list));
    mpy_object *bytes = api_good(mpy_bytes_from_data("\x00\x7f\xff", 3));
    mpy_object *it;
    (void)state;
    it = api_good(mpy_iter_get(tuple));
    for (int64_t i = 0; i < 3; i++) {
        expect_int(it, i);
    }
    expect_end(it);
    mpy_decref(it);
    it = api_good(mpy_iter_get(bytes));
    expect_int(it, 0);
    expect_int(it, 127);
    expect_int(it, 255);
    expect_end(it);
    mpy_decref(it);
    mpy_decref(list);
    mpy_decref(tuple);
    mpy_decref(bytes);
}

static void
test_str(void **state)
{
    static const char *const characters[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                             "z"};
    mpy_object *text = api_good(mpy_str_from_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"));
    mpy_object *it = api_good(mpy_iter_get(text));
    (void)state;
    for (int i = 0; i < 5; i++) {
        mpy_object *character = api_good(mpy_str_from_utf8(characters[i]));
        expect_next(it, character);
        mpy_decref(character);
    }
    expect_end(it);
    mpy_decref(it);
    mpy_decref(text);
    text = api_good(mpy_str_from_utf8(""));
    it = api_good(mpy_iter_get(text));
    expect_end(it);
    mpy_decref(it);
    mpy_decref(text);
}

static mpy_object *
dict_of(int64_t n)
{
    mpy_object *dict = api_good(mpy_dict_new(0));
    for (int64_t i = 0; i < n; i++) {
        api_done(mpy_dict_set(dict, mpy_int_from_i64(i), MPY_NONE));
    }
    return dict;
}

static void
test_dict(void **state)
{
    mpy_object *dict = dict_of(4);
    mpy_object *it = api_good(mpy_iter_get(dict));
    mpy_object *item = MPY_NONE;
    (void)state;
    expect_int(it, 0);
    api_done(mpy_dict_set(dict, mpy_int_from_i64(1), MPY_TRUE)); /* a value: allowed */
    expect_int(it, 1);
    api_done(mpy_dict_del(dict, mpy_int_from_i64(3)));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mpy_iter_next(it, &item), -1);
        assert_null(item);
        api_expect_error(MPY_EXC_RUNTIME_ERROR);
    }
    mpy_decref(it);
    it = api_good(mpy_iter_get(dict));
    expect_int(it, 0);
    api_done(mpy_dict_del(dict, mpy_int_from_i64(0)));
    api_done(mpy_dict_set(dict, mpy_int_from_i64(5), MPY_TRUE)); /* the same length, other keys */
    assert_int_equal(mpy_iter_next(it, &item), -1);
    api_expect_error(MPY_EXC_RUNTIME_ERROR);
    mpy_decref(it);
    it = api_good(mpy_iter_get(dict));
    expect_int(it, 1);
    expect_int(it, 2);
    expect_int(it, 5);
    expect_end(it);
    api_done(mpy_dict_clear(dict));
    expect_end(it);
    mpy_decref(it);
    mpy_decref(dict);
}

/* ---- host types ----------------------------------------------------------------------------- */

struct counter {
    int64_t next, stop, fail_at;
};

static struct counter *
counter_of(mpy_object *o)
{
    mpy_object *type = api_good(mpy_object_type(o));
    void *data;
    api_done(mpy_type_data(o, type, &data));
    mpy_decref(type);
    return data;
}

static int
counter_next(mpy_object *self, mpy_object **out)
{
    struct counter *c = counter_of(self);
    if (c->next == c->fail_at) {
        mpy_err_set_code(MPY_EXC_VALUE_ERROR, "counter");
        return -1;
    }
    if (c->next >= c->stop) {
        return 0;
    }
    *out = mpy_int_from_i64(c->next++);
    return 1;
}

static mpy_object *
bad_iter(mpy_object *self)
{
    (void)self;
    return api_good(mpy_list_new(0));
}

/* A sequence: get_item alone. */
static mpy_object *
counter_item(mpy_object *self, mpy_object *key)
{
    struct counter *c = counter_of(self);
    int64_t i;
    api_done(mpy_int_as_i64(key, &i));
    if (i == c->fail_at) {
        mpy_err_set_code(MPY_EXC_VALUE_ERROR, "counter");
        return NULL;
    }
    if (i >= c->stop) {
        mpy_err_set_code(i % 2 == 0 ? MPY_EXC_INDEX_ERROR : MPY_EXC_STOP_ITERATION, "end");
        return NULL;
    }
    return mpy_int_from_i64(100 + i);
}

static const mpy_type_spec counter_spec = {.size = sizeof(mpy_type_spec),
                                           .version = 1,
                                           .name = "t.Counter",
                                           .data_size = sizeof(struct counter),
                                           .next = counter_next};
static const mpy_type_spec sequence_spec = {.size = sizeof(mpy_type_spec),
                                            .version = 1,
                                            .name = "t.Sequence",
                                            .data_size = sizeof(struct counter),
                                            .get_item = counter_item};
static const mpy_type_spec bad_spec = {
    .size = sizeof(mpy_type_spec), .version = 1, .name = "t.Bad", .data_size = 8, .iter = bad_iter};

static mpy_object *
instance(const mpy_type_spec *spec, int64_t stop, int64_t fail_at)
{
    mpy_object *type = api_good(mpy_type_from_spec(spec, NULL));
    mpy_object *o = api_good(mpy_type_new_instance(type));
    mpy_decref(type);
    if (spec->data_size == sizeof(struct counter)) {
        counter_of(o)->stop = stop;
        counter_of(o)->fail_at = fail_at;
    }
    return o;
}

static void
test_host_iterator(void **state)
{
    mpy_object *counter = instance(&counter_spec, 2, -1);
    mpy_object *item = MPY_NONE;
    (void)state;
    assert_int_equal(mpy_iter_check(counter), 1);
    assert_ptr_equal(api_good(mpy_iter_get(counter)), counter);
    mpy_decref(counter);
    expect_int(counter, 0);
    expect_int(counter, 1);
    expect_end(counter);
    counter_of(counter)->fail_at = 2;
    assert_int_equal(mpy_iter_next(counter, &item), -1);
    assert_null(item);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    mpy_decref(counter);
}

static void
test_host_sequence(void **state)
{
    (void)state;
    for (int64_t n = 0; n < 4; n++) {
        mpy_object *sequence = instance(&sequence_spec, n, -1);
        mpy_object *it = api_good(mpy_iter_get(sequence));
        for (int64_t i = 0; i < n; i++) {
            expect_int(it, 100 + i);
        }
        expect_end(it);
        mpy_decref(it);
        counter_of(sequence)->fail_at = 1;
        if (n > 1) {
            mpy_object *item = MPY_NONE;
            it = api_good(mpy_iter_get(sequence));
            expect_int(it, 100);
            assert_int_equal(mpy_iter_next(it, &item), -1);
            assert_null(item);
            api_expect_error(MPY_EXC_VALUE_ERROR);
            counter_of(sequence)->fail_at = -1;
            expect_int(it, 101); /* an error is not the end */
            mpy_decref(it);
        }
        mpy_decref(sequence);
    }
}

static void
test_not_iterable(void **state)
{
    mpy_object *bad = instance(&bad_spec, 0, 0);
    mpy_object *item = MPY_NONE;
    (void)state;
    assert_null(mpy_iter_get(bad));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_null(mpy_iter_get(mpy_int_from_i64(1)));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_null(mpy_iter_get(MPY_NONE));
    api_expect_error(MPY_EXC_TYPE_ERROR);
    assert_int_equal(mpy_iter_next(bad, &item), -1);
    assert_null(item);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(bad);
}

/* ---- mpy_iter_each -------------------------------------------------------------------------- */

struct sum {
    int64_t total, stop_at, fail_at;
    mpy_object *clear;
};

static int
add(void *data, mpy_object *item)
{
    struct sum *sum = data;
    int64_t value;
    api_done(mpy_int_as_i64(item, &value));
    if (value == sum->stop_at) {
        return 1;
    }
    if (value == sum->fail_at) {
        mpy_err_set_code(MPY_EXC_VALUE_ERROR, "sum");
        return -1;
    }
    sum->total += value;
    if (sum->clear != NULL) {
        api_done(mpy_list_clear(sum->clear));
    }
    return 0;
}

static void
test_each(void **state)
{
    mpy_object *list = list_of(10);
    mpy_object *sources[5];
    (void)state;
    sources[0] = list;
    sources[1] = api_good(mpy_list_as_tuple(list));
    sources[2] = api_good(mpy_iter_range(0, 10, 1));
    sources[3] = dict_of(10);
    sources[4] = instance(&counter_spec, 10, -1);
    for (int i = 0; i < 5; i++) {
        struct sum sum = {0, -1, -1, NULL};
        assert_int_equal(mpy_iter_each(sources[i], add, &sum), 0);
        assert_int_equal(sum.total, 45);
    }
    for (int i = 0; i < 4; i++) {
        struct sum sum = {0, 3, -1, NULL};
        assert_int_equal(mpy_iter_each(sources[i], add, &sum), 1);
        assert_int_equal(sum.total, 3);
        sum.total = 0;
        sum.stop_at = -1;
        sum.fail_at = 4;
        assert_int_equal(mpy_iter_each(sources[i], add, &sum), -1);
        api_expect_error(MPY_EXC_VALUE_ERROR);
        assert_int_equal(sum.total, 6);
    }
    {
        struct sum sum = {0, -1, -1, list};
        assert_int_equal(mpy_iter_each(list, add, &sum), 0);
        assert_int_equal(sum.total, 0);
        assert_int_equal(mpy_iter_each(MPY_NONE, add, &sum), -1);
        api_expect_error(MPY_EXC_TYPE_ERROR);
    }
    for (int i = 0; i < 5; i++) {
        mpy_decref(sources[i]);
    }
}

/* An iterator in a cycle with its source is collected. */
static void
test_cycle(void **state)
{
    struct api_world *world = *state;
    ptrdiff_t before = api_blocks(world);
    mpy_object *list = list_of(1);
    mpy_object *it = api_good(mpy_iter_get(list));
    api_done(mpy_list_append(list, it));
    mpy_decref(it);
    mpy_decref(list);
    assert_int_equal(api_blocks(world), before);
}

static void
test_no_memory(void **state)
{
    struct api_world *world = *state;
    mpy_object *list = list_of(1);
    mpy_object *text = api_good(mpy_str_from_utf8("\xe2\x82\xac"));
    mpy_object *it = api_good(mpy_iter_get(text));
    mpy_object *item = MPY_NONE;
    assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_AFTER, 1), 0);
    assert_null(mpy_iter_get(list));
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_int_equal(mpy_iter_next(it, &item), -1);
    assert_null(item);
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_null(mpy_iter_range(0, 1, 1));
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
    expect_next(it, text);
    mpy_decref(it);
    mpy_decref(text);
    mpy_decref(list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_list, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_constant_sources, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_str, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_dict, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_host_iterator, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_host_sequence, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_not_iterable, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_each, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_cycle, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
