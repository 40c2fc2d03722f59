/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_dict_each.c - visits of a dict: what is lent stays alive whatever the callback
 * does to the dict.
 *
 * Keys and values are host keys which only the dict refers to, so a reference that is not secured
 * is freed memory. Callbacks look at what they were lent after the change.
 */
#include "support/api_world.h"
#include "support/host_key.h"
#include "support/workers.h"

#include <semaphore.h>

#include "types/dict_table.h"

struct visitor {
    mpy_object *dict;
    void (*act)(struct visitor *v, mpy_object *key); /* NULL: nothing */
    int act_at;                                      /* at this entry, or -1: at every one */
    int stop_at;                                     /* returns `result` there; -1: never */
    int result;
    int seen;
    int nested;
};

/* A dict of n entries, host key to host key. */
static mpy_object *
host_dict(int n)
{
    mpy_object *d = api_good(mpy_dict_new(0));
    for (int i = 0; i < n; i++) {
        mpy_object *key = host_key(i, i), *value = host_key(100 + i, i);
        api_done(mpy_dict_set(d, key, value));
        mpy_decref(key);
        mpy_decref(value);
    }
    return d;
}

static int
visit(void *data, mpy_object *key, mpy_object *value)
{
    struct visitor *v = data;
    int at = v->seen++;
    mpy_object *equal = host_key(at, at);
    if (v->act != NULL && (v->act_at == -1 || v->act_at == at)) {
        v->act(v, key);
    }
    assert_int_equal(api_done(mpy_object_compare_bool(key, equal, MPY_EQ)), 1);
    assert_int_equal(api_done(mpy_object_compare_bool(value, equal, MPY_EQ)), 0);
    mpy_decref(equal);
    if (at == v->stop_at) {
        if (v->result < 0) {
            mpy_err_set_code(MPY_EXC_VALUE_ERROR, "wanted");
        }
        return v->result;
    }
    return 0;
}

/* Visits the dict, which has n entries. */
static int
run(mpy_object *dict, struct visitor *v)
{
    v->dict = dict;
    v->seen = 0;
    return mpy_dict_each(dict, visit, v);
}

static void
test_plain(void **state)
{
    struct visitor v = {.stop_at = -1};
    mpy_object *d;
    (void)state;
    host_keys_open();
    d = host_dict(0);
    assert_int_equal(run(d, &v), 0);
    assert_int_equal(v.seen, 0);
    mpy_decref(d);
    d = host_dict(20);
    assert_int_equal(run(d, &v), 0);
    assert_int_equal(v.seen, 20);
    v = (struct visitor){.stop_at = 7, .result = 5};
    assert_int_equal(run(d, &v), 1);
    assert_int_equal(v.seen, 8);
    v.result = -1;
    assert_int_equal(run(d, &v), -1);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_null(mpyi_current()->rt->dict_visits);
    assert_int_equal(mpyi_dict(d)->state & MPYI_DICT_VISITED, 0);
    assert_int_equal(mpy_dict_each(d, NULL, NULL), -1);
    api_expect_error(MPY_EXC_API);
    mpy_decref(d);
    host_keys_close();
}

static int
count_ints(void *data, mpy_object *key, mpy_object *value)
{
    int64_t k, v;
    api_done(mpy_int_as_i64(key, &k));
    api_done(mpy_int_as_i64(value, &v));
    assert_true(v == 10 * k && k % 2 == 1);
    ++*(int *)data;
    return 0;
}

static void
test_skips_deleted(void **state)
{
    mpy_object *d = api_good(mpy_dict_new(0));
    int n = 0;
    (void)state;
    for (int i = 0; i < 40; i++) {
        api_done(mpy_dict_set(d, mpy_int_from_i64(i), mpy_int_from_i64(10 * i)));
    }
    for (int i = 0; i < 40; i += 2) {
        api_done(mpy_dict_del(d, mpy_int_from_i64(i)));
    }
    assert_int_equal(mpy_dict_each(d, count_ints, &n), 0);
    assert_int_equal(n, 20);
    mpy_decref(d);
}

/* ---- changes from inside ---- */

static void
replace_value(struct visitor *v, mpy_object *key)
{
    api_done(mpy_dict_set(v->dict, key, MPY_NONE));
    assert_int_equal(api_done(mpy_dict_contains(v->dict, key)), 1);
}

static void
delete_key(struct visitor *v, mpy_object *key)
{
    api_done(mpy_dict_del(v->dict, key));
}

static void
pop_key(struct visitor *v, mpy_object *key)
{
    assert_int_equal(mpy_dict_pop(v->dict, key, NULL), 1);
}

static void
clear_all(struct visitor *v, mpy_object *key)
{
    (void)key;
    api_done(mpy_dict_clear(v->dict));
    api_done(mpy_gc_collect(2, NULL));
}

/* Enough for several tables; then everything goes. */
static void
grow_and_clear(struct visitor *v, mpy_object *key)
{
    for (int i = 0; i < 1000; i++) {
        api_done(mpy_dict_set(v->dict, mpy_int_from_i64(i), MPY_NONE));
    }
    clear_all(v, key);
}

static void
visit_again(struct visitor *v, mpy_object *key)
{
    struct visitor inner = {
        .act = v->nested < 3 ? visit_again : delete_key, .act_at = v->nested, .stop_at = v->nested};
    (void)key;
    inner.nested = v->nested + 1;
    inner.result = 1;
    assert_int_equal(run(v->dict, &inner), 1);
}

static void
test_values_replaced(void **state)
{
    struct visitor v = {.act = replace_value, .act_at = -1, .stop_at = -1};
    mpy_object *d;
    (void)state;
    host_keys_open();
    d = host_dict(20);
    assert_int_equal(run(d, &v), 0);
    assert_int_equal(v.seen, 20);
    assert_int_equal(host_keys.finalized, 40); /* 20 values, and what visit() compared with */
    mpy_decref(d);
    host_keys_close();
}

/* The value is replaced, and then another visit of the dict begins and ends. */
static void
replace_and_visit_again(struct visitor *v, mpy_object *key)
{
    struct visitor inner = {.act = replace_value, .act_at = -1, .stop_at = -1};
    replace_value(v, key);
    assert_int_equal(run(v->dict, &inner), 0);
}

static void
test_secured_by_an_inner_visit(void **state)
{
    static void (*const acts[])(struct visitor *, mpy_object *) = {replace_and_visit_again,
                                                                   replace_value};
    (void)state;
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        struct visitor v = {.act = acts[i], .act_at = 2, .stop_at = -1};
        mpy_object *d;
        host_keys_open();
        d = host_dict(5);
        assert_int_equal(run(d, &v), 0);
        assert_int_equal(v.seen, 5);
        mpy_decref(d);
        host_keys_close();
    }
}

static void
test_keys_taken_out(void **state)
{
    static void (*const acts[])(struct visitor *, mpy_object *) = {delete_key, pop_key, clear_all,
                                                                   grow_and_clear, visit_again};
    (void)state;
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        struct visitor v = {.act = acts[i], .act_at = 4, .stop_at = -1};
        mpy_object *d;
        host_keys_open();
        d = host_dict(10);
        assert_int_equal(run(d, &v), -1); /* keys went, and it was to go on */
        assert_int_equal(v.seen, 5);
        api_expect_error(MPY_EXC_RUNTIME_ERROR);
        mpy_decref(d);
        d = host_dict(10);
        v.stop_at = 4;
        v.result = 1;
        assert_int_equal(run(d, &v), 1); /* it was not */
        assert_null(mpyi_current()->rt->dict_visits);
        mpy_decref(d);
        host_keys_close();
    }
}

/* The short way of mpy_dict_set(): strs that know their hash. */
static int
replace_str(void *data, mpy_object *key, mpy_object *value)
{
    mpy_object *dict = data, *text = api_good(mpy_str_from_utf8("old value, long enough"));
    api_done(mpy_dict_set(dict, key, MPY_NONE));
    assert_int_equal(api_done(mpy_object_compare_bool(value, text, MPY_EQ)), 1);
    mpy_decref(text);
    return 0;
}

static void
test_str_values_replaced(void **state)
{
    mpy_object *d = api_good(mpy_dict_new(0));
    (void)state;
    for (int i = 0; i < 30; i++) {
        mpy_object *key = api_good(mpy_str_format("key %d", i));
        mpy_object *value = api_good(mpy_str_from_utf8("old value, long enough"));
        api_done(mpy_dict_set(d, key, value));
        mpy_decref(key);
        mpy_decref(value);
    }
    assert_int_equal(mpy_dict_each(d, replace_str, d), 0);
    mpy_decref(d);
}

/* The dict's last reference outside the visit goes while it is visited. */
static int
drop_dict(void *data, mpy_object *key, mpy_object *value)
{
    mpy_clear((mpy_object **)data);
    assert_true(mpy_str_check(key) && mpy_str_check(value));
    return 0;
}

static void
test_dict_dropped(void **state)
{
    struct api_world *world = *state;
    mpy_object *d = api_good(mpy_dict_new(0)), *x = api_make(world, API_STR);
    api_done(mpy_dict_set(d, x, x));
    assert_int_equal(mpy_dict_each(d, drop_dict, &d), 0);
    mpy_decref(x);
}

/* ---- visits of two threads that overlap: the first to begin is the first to end ---- */

static struct {
    mpy_view *view;
    mpy_object *dict;
    sem_t second_began, first_ended;
} overlap;

static void
wait_without_lock(sem_t *sem)
{
    mpy_thread_token *saved = mpy_gil_release();
    (void)sem_wait(sem);
    mpy_gil_acquire(saved);
}

static int
second_visit(void *data, mpy_object *key, mpy_object *value)
{
    (void)data;
    (void)sem_post(&overlap.second_began);
    wait_without_lock(&overlap.first_ended);
    WORKER_CHECK(mpy_dict_clear(overlap.dict) == 0);
    WORKER_CHECK(mpy_str_check(key) && mpy_str_check(value));
    return 1;
}

static void *
second_thread(void *arg)
{
    mpy_thread_token *token;
    (void)arg;
    WORKER_CHECK(mpy_thread_attach(overlap.view, &token) == MPY_OK);
    WORKER_CHECK(mpy_dict_each(overlap.dict, second_visit, NULL) == 1);
    mpy_thread_detach(token);
    return NULL;
}

static int
first_visit(void *data, mpy_object *key, mpy_object *value)
{
    workers_add(data, second_thread, NULL);
    wait_without_lock(&overlap.second_began);
    assert_true(mpy_str_check(key) && mpy_str_check(value));
    return 1;
}

static void
test_two_threads(void **state)
{
    struct workers w = {.count = 0};
    mpy_object *x = api_good(mpy_str_from_utf8("only the dict has it"));
    (void)state;
    overlap.view = mpy_view_of(mpy_runtime_current());
    overlap.dict = api_good(mpy_dict_new(0));
    (void)sem_init(&overlap.second_began, 0, 0);
    (void)sem_init(&overlap.first_ended, 0, 0);
    api_done(mpy_dict_set(overlap.dict, x, x));
    mpy_decref(x);
    assert_int_equal(mpy_dict_each(overlap.dict, first_visit, &w), 1);
    (void)sem_post(&overlap.first_ended);
    mpy_thread_token *saved = mpy_gil_release();
    workers_join(&w);
    mpy_gil_acquire(saved);
    assert_null(mpyi_current()->rt->dict_visits);
    mpy_decref(overlap.dict);
    mpy_view_close(overlap.view);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_skips_deleted, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_values_replaced, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_str_values_replaced, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_keys_taken_out, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_secured_by_an_inner_visit, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_dict_dropped, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_two_threads, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
