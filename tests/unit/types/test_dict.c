/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_dict.c - access by key inside the library: borrowed look-ups, keys of host types
 * that change the dict under a search, memory.
 */
#include "support/api_world.h"
#include "support/host_key.h"

#include "minipy/debug.h"

#include "types/dict_table.h"
#include "types/intern.h"

#define HASH 77

struct scene {
    mpy_object *dict;
    mpy_object *keys[8];
    int rounds;
};

static void
scene_open(struct scene *s)
{
    host_keys_open();
    s->dict = api_good(mpy_dict_new(0));
    s->rounds = 0;
    for (int i = 0; i < 8; i++) {
        s->keys[i] = host_key(i, HASH);
    }
    host_keys.data = s;
}

static void
scene_close(struct scene *s)
{
    assert_int_equal(mpyi_dict_check(mpyi_dict(s->dict)), 0);
    for (int i = 0; i < 8; i++) {
        mpy_decref(s->keys[i]);
    }
    mpy_decref(s->dict);
    host_keys_close();
}

static void
put(struct scene *s, int key)
{
    api_done(mpy_dict_set(s->dict, s->keys[key], mpy_int_from_i64(key)));
}

static void
test_find_str(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    mpy_object *d = api_good(mpyi_dict_new(t, 0));
    mpy_object *key = api_good(mpy_str_from_utf8("name"));
    mpy_object *same = api_good(mpy_str_from_utf8("name"));
    mpy_object *other = api_good(mpy_str_from_utf8("other"));
    (void)state;
    assert_null(mpyi_dict_find_str(d, key));
    assert_null(mpyi_dict_find_bytes(d, "name", 4, mpyi_hash_bytes("name", 4)));
    api_done(mpyi_dict_set(t, d, key, MPY_TRUE));
    assert_ptr_equal(mpyi_dict_find_str(d, key), MPY_TRUE);
    assert_ptr_equal(mpyi_dict_find_str(d, same), MPY_TRUE);
    assert_null(mpyi_dict_find_str(d, other));
    assert_ptr_equal(mpyi_dict_find_bytes(d, "name", 4, mpyi_hash_bytes("name", 4)), MPY_TRUE);
    assert_null(mpyi_dict_find_bytes(d, "nam", 3, mpyi_hash_bytes("nam", 3)));
    mpy_decref(d);
    mpy_decref(key);
    mpy_decref(same);
    mpy_decref(other);
}

static void
test_references(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    mpy_object *d = api_good(mpyi_dict_new(t, 0));
    mpy_object *key = api_good(mpy_str_from_utf8("a key that is on the heap"));
    mpy_object *value = api_good(mpy_list_new(0));
    mpy_object *got;
    (void)state;
    api_done(mpyi_dict_set(t, d, key, value));
    assert_int_equal(mpy_refcount(key), 2);
    assert_int_equal(mpy_refcount(value), 2);
    api_done(mpyi_dict_set(t, d, key, value));
    assert_int_equal(mpy_refcount(key), 2);
    assert_int_equal(mpy_refcount(value), 2);
    assert_int_equal(mpyi_dict_get(t, d, key, &got), 1);
    assert_int_equal(mpy_refcount(value), 3);
    mpy_decref(got);
    assert_int_equal(mpyi_dict_pop(t, d, key, &got), 1);
    assert_ptr_equal(got, value);
    assert_int_equal(mpy_refcount(key), 1);
    assert_int_equal(mpy_refcount(value), 2);
    mpy_decref(got);
    api_done(mpyi_dict_set(t, d, key, value));
    mpyi_dict_clear(t, mpyi_dict(d));
    assert_int_equal(mpy_refcount(key), 1);
    api_done(mpyi_dict_set(t, d, key, value));
    mpy_decref(d);
    assert_int_equal(mpy_refcount(key), 1);
    assert_int_equal(mpy_refcount(value), 1);
    mpy_decref(key);
    mpy_decref(value);
}

/* ---- user code that changes the dict -------------------------------------------------------- */

static void
clear_it(void *data)
{
    struct scene *s = data;
    api_done(mpy_dict_clear(s->dict));
}

static void
add_another(void *data)
{
    struct scene *s = data;
    put(s, 5);
    s->rounds++;
}

static void
remove_first(void *data)
{
    struct scene *s = data;
    assert_int_equal(mpy_dict_pop(s->dict, s->keys[0], NULL), 1);
}

/* Removes what is being looked for while the search is at another key. */
static void
remove_wanted(void *data)
{
    struct scene *s = data;
    assert_int_equal(mpy_dict_pop(s->dict, s->keys[1], NULL), 1);
}

static void
grow_it(void *data)
{
    struct scene *s = data;
    for (int i = 0; i < 200; i++) {
        api_done(mpy_dict_set(s->dict, mpy_int_from_i64(i), MPY_NONE));
    }
}

static void
test_change_during_lookup(void **state)
{
    struct scene s;
    mpy_object *value;
    (void)state;
    scene_open(&s);
    put(&s, 0);
    put(&s, 1);

    host_keys.on_compare = add_another;
    assert_int_equal(mpy_dict_get(s.dict, s.keys[1], &value), 1);
    assert_ptr_equal(value, mpy_int_from_i64(1));
    assert_int_equal(s.rounds, 1);

    host_keys.on_compare = grow_it;
    assert_int_equal(mpy_dict_get(s.dict, s.keys[1], &value), 1);
    assert_ptr_equal(value, mpy_int_from_i64(1));

    /* A table of one group is searched in order of insertion: key 0 is compared first. */
    api_done(mpy_dict_clear(s.dict));
    put(&s, 0);
    put(&s, 1);
    host_keys.on_compare = remove_first;
    assert_int_equal(mpy_dict_get(s.dict, s.keys[1], &value), 1);
    assert_int_equal(mpy_dict_length(s.dict), 1);

    api_done(mpy_dict_clear(s.dict));
    put(&s, 0);
    put(&s, 1);
    host_keys.on_compare = remove_wanted;
    assert_int_equal(mpy_dict_get(s.dict, s.keys[1], &value), 0);
    assert_null(value);

    host_keys.on_compare = clear_it;
    assert_int_equal(mpy_dict_contains(s.dict, s.keys[2]), 0);
    assert_int_equal(mpy_dict_length(s.dict), 0);
    scene_close(&s);
}

static void
test_change_during_set(void **state)
{
    struct scene s;
    (void)state;
    scene_open(&s);
    put(&s, 0);
    host_keys.on_compare = clear_it;
    put(&s, 1);
    assert_int_equal(mpy_dict_length(s.dict), 1);
    host_keys.on_compare = add_another;
    put(&s, 2);
    assert_int_equal(mpy_dict_length(s.dict), 3);
    host_keys.on_hash = add_another;
    put(&s, 2);
    assert_int_equal(mpy_dict_length(s.dict), 3);
    host_keys.on_compare = clear_it;
    assert_int_equal(mpy_dict_pop(s.dict, s.keys[3], NULL), 0);
    scene_close(&s);
}

/* The stored key dies during its own comparison if the dict is all that holds it. */
static void
test_key_dies_while_compared(void **state)
{
    struct scene s;
    (void)state;
    scene_open(&s);
    put(&s, 0);
    mpy_decref(s.keys[0]);
    s.keys[0] = host_key(100, 100);
    host_keys.on_compare = clear_it;
    assert_int_equal(mpy_dict_contains(s.dict, s.keys[1]), 0);
    assert_int_equal(host_keys.finalized, 1);
    scene_close(&s);
}

static void
test_errors_of_keys(void **state)
{
    struct scene s;
    mpy_object *value = MPY_NONE;
    mpy_object *list;
    (void)state;
    scene_open(&s);
    put(&s, 0);
    host_keys.fail_hash = 1;
    assert_int_equal(mpy_dict_get(s.dict, s.keys[0], &value), -1);
    assert_null(value);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_dict_set(s.dict, s.keys[1], MPY_NONE), -1);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    host_keys.fail_hash = 0;
    host_keys.fail_compare = 1;
    assert_int_equal(mpy_dict_set(s.dict, s.keys[1], MPY_NONE), -1);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_dict_pop(s.dict, s.keys[1], &value), -1);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    assert_int_equal(mpy_dict_set_default(s.dict, s.keys[1], MPY_NONE, &value), -1);
    api_expect_error(MPY_EXC_VALUE_ERROR);
    host_keys.fail_compare = 0;
    list = api_good(mpy_list_new(0));
    assert_int_equal(mpy_dict_contains(s.dict, list), -1);
    api_expect_error(MPY_EXC_TYPE_ERROR);
    mpy_decref(list);
    assert_int_equal(mpy_dict_length(s.dict), 1);
    scene_close(&s);
}

/* A host key with the hash of a str and an equality that does not know strs: both live in the dict,
   and C strings find the str. */
static void
test_str_beside_host_keys(void **state)
{
    struct scene s;
    mpy_object *text = api_good(mpy_str_from_utf8("text"));
    mpy_object *value, *key;
    int64_t hash;
    (void)state;
    scene_open(&s);
    api_done(mpy_object_hash(text, &hash));
    key = host_key(1, hash);
    api_done(mpy_dict_set(s.dict, key, MPY_TRUE));
    assert_int_equal(mpy_dict_get_utf8(s.dict, "text", &value), 0);
    assert_true(host_keys.compares > 0);
    api_done(mpy_dict_set_utf8(s.dict, "text", MPY_FALSE));
    assert_int_equal(mpy_dict_length(s.dict), 2);
    assert_int_equal(mpy_dict_get(s.dict, text, &value), 1);
    assert_ptr_equal(value, MPY_FALSE);
    assert_int_equal(mpy_dict_get_utf8(s.dict, "text", &value), 1);
    assert_ptr_equal(value, MPY_FALSE);
    assert_int_equal(mpy_dict_get(s.dict, key, &value), 1);
    assert_ptr_equal(value, MPY_TRUE);
    api_done(mpy_dict_set_utf8(s.dict, "text", MPY_NONE));
    assert_int_equal(mpy_dict_length(s.dict), 2);
    mpy_decref(key);
    mpy_decref(text);
    scene_close(&s);
}

/* ---- a host's text that equals a str
 * ------------------------------------------------------------- */

static mpy_object *text_type;

static mpy_object *
text_of(mpy_object *o)
{
    void *data;
    api_done(mpy_type_data(o, text_type, &data));
    return *(mpy_object **)data;
}

static int
text_hash(mpy_object *self, int64_t *out)
{
    return mpy_object_hash(text_of(self), out);
}

static mpy_object *
text_compare(mpy_object *a, mpy_object *b, int op)
{
    if (mpy_object_is_instance(b, text_type) == 1) {
        b = text_of(b);
    }
    return mpy_object_compare(text_of(a), b, op);
}

static const mpy_type_spec text_spec = {.size = sizeof(mpy_type_spec),
                                        .version = 1,
                                        .name = "t.Text",
                                        .ref_count = 1,
                                        .data_size = sizeof(mpy_object *),
                                        .hash = text_hash,
                                        .compare = text_compare};

static mpy_object *
make_text(mpy_object *str)
{
    mpy_object *o = api_good(mpy_type_new_instance(text_type));
    void *data;
    api_done(mpy_type_data(o, text_type, &data));
    mpy_assign(data, str);
    return o;
}

/* Objects of a host's type that equal strs and hash like them are the same keys, in dicts of every
   size, whichever came first. */
static void
test_host_text_equals_str(void **state)
{
    mpy_object *value;
    (void)state;
    text_type = api_good(mpy_type_from_spec(&text_spec, NULL));
    for (int size = 1; size <= 2000; size = size * 3 + 1) {
        mpy_object *strs = api_good(mpy_dict_new(0));
        mpy_object *texts = api_good(mpy_dict_new(0));
        for (int i = 0; i < size; i++) {
            mpy_object *str = api_good(mpy_str_format("text %d", i));
            mpy_object *text = make_text(str);
            api_done(mpy_dict_set(strs, str, mpy_int_from_i64(i)));
            api_done(mpy_dict_set(texts, text, mpy_int_from_i64(i)));
            mpy_decref(text);
            mpy_decref(str);
        }
        for (int i = 0; i < size; i++) {
            mpy_object *str = api_good(mpy_str_format("text %d", i));
            mpy_object *text = make_text(str);
            const char *utf8;
            api_done(mpy_str_as_utf8(str, &utf8, NULL));
            assert_int_equal(mpy_dict_get(strs, text, &value), 1);
            assert_ptr_equal(value, mpy_int_from_i64(i));
            assert_int_equal(mpy_dict_get(texts, str, &value), 1);
            assert_ptr_equal(value, mpy_int_from_i64(i));
            assert_int_equal(mpy_dict_get_utf8(texts, utf8, &value), 1);
            assert_ptr_equal(value, mpy_int_from_i64(i));
            api_done(mpy_dict_set(strs, text, MPY_NONE));
            api_done(mpy_dict_set(texts, str, MPY_NONE));
            mpy_decref(text);
            mpy_decref(str);
        }
        assert_int_equal(mpy_dict_length(strs), size);
        assert_int_equal(mpy_dict_length(texts), size);
        assert_int_equal(mpy_object_compare_bool(strs, texts, MPY_EQ), 1);
        mpy_decref(strs);
        mpy_decref(texts);
    }
    mpy_clear(&text_type);
}

/* Each allocation of a scenario fails once: an error, nothing leaked, the dict whole. */
static void
test_no_memory(void **state)
{
    struct api_world *world = *state;
    mpy_object *key = api_good(mpy_tuple_pack(1, mpy_int_from_i64(1)));
    for (uint64_t n = 1;; n++) {
        mpy_object *d, *copy = NULL;
        uint64_t failed;
        int ok = 1;
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_NTH, n), 0);
        d = mpy_dict_new(0);
        for (int i = 0; d != NULL && ok && i < 40; i++) {
            ok = mpy_dict_set(d, mpy_int_from_i64(i), MPY_NONE) == 0;
        }
        ok = ok && d != NULL && mpy_dict_set(d, key, MPY_NONE) == 0 &&
             mpy_dict_set_utf8(d, "text", MPY_TRUE) == 0 && (copy = mpy_dict_copy(d)) != NULL;
        (void)mpy_debug_fail_count(world->rt, &failed);
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
        if (d != NULL) {
            assert_int_equal(mpyi_dict_check(mpyi_dict(d)), 0);
        }
        assert_int_equal(ok, failed == 0);
        if (!ok) {
            api_expect_error(MPY_EXC_MEMORY_ERROR);
        }
        mpy_xdecref(d);
        mpy_xdecref(copy);
        if (failed == 0) {
            assert_true(n > 8);
            break;
        }
    }
    mpy_decref(key);
}

/* A key set by text is the interned str where there is one, and a str of its own elsewhere. */
static void
test_set_utf8_takes_interned(void **state)
{
    mpy_object *d = api_good(mpy_dict_new(0)), *name = api_good(mpy_str_intern("a name in use"));
    mpy_object *first, *second;
    mpy_dict_cursor cursor = MPY_DICT_START;
    (void)state;
    api_done(mpy_dict_set_utf8(d, "a name in use", MPY_NONE));
    api_done(mpy_dict_set_utf8(d, "a text nobody interned", MPY_NONE));
    assert_int_equal(mpy_dict_next(d, &cursor, &first, NULL), 1);
    assert_int_equal(mpy_dict_next(d, &cursor, &second, NULL), 1);
    assert_ptr_equal(first, name);
    assert_null(mpyi_intern_find(mpyi_current(), "a text nobody interned", 22));
    mpy_decref(first);
    mpy_decref(second);
    mpy_decref(name);
    mpy_decref(d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_set_utf8_takes_interned, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_find_str, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_references, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_change_during_lookup, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_change_during_set, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_key_dies_while_compared, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_errors_of_keys, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_str_beside_host_keys, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_host_text_equals_str, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
