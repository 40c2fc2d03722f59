/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_attr_cache.c - entries, generations, what keys may be cached.
 */
#include "types/attr_cache.h"

#include "types/type.h"
#include "unit/types/sweep.h"

static mpy_object *
get_seven(mpy_object *self, mpy_object *name)
{
    (void)self;
    (void)name;
    return mpy_int_from_i64(7);
}

static void
test_hit_and_generation(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_attr_cache *cache = t->rt->attr_cache;
    mpy_object *name = api_good(mpy_str_intern("some_name"));
    size_t before = mpy_refcount(name);
    int key = 0;
    struct mpyi_attr_entry e = {.kind = MPYI_ATTR_CLASS, .payload = &key};
    (void)state;
    assert_null(mpyi_attr_cache_hit(cache, &key, name));
    mpyi_attr_cache_store(t, &key, name, e);
    assert_int_equal(mpy_refcount(name), before + 1);
    assert_ptr_equal(mpyi_attr_cache_hit(cache, &key, name)->payload, &key);
    assert_null(mpyi_attr_cache_hit(cache, (char *)&key + 1, name));
    mpyi_attr_cache_store(t, &key, name, e);
    assert_int_equal(mpy_refcount(name), before + 1);
    mpyi_attr_cache_invalidate(t);
    assert_null(mpyi_attr_cache_hit(cache, &key, name));
    assert_int_equal(mpy_refcount(name), before + 1);
    mpyi_attr_cache_clear(t);
    assert_int_equal(mpy_refcount(name), before);
    mpy_decref(name);
}

/* The number of generations is finite: at the end everything is forgotten. */
static void
test_wrap(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_attr_cache *cache = t->rt->attr_cache;
    mpy_object *name = api_good(mpy_str_intern("some_name"));
    int key = 0;
    struct mpyi_attr_entry e = {.kind = MPYI_ATTR_CLASS};
    (void)state;
    mpyi_attr_cache_clear(t);
    cache->generation = UINT32_MAX;
    mpyi_attr_cache_store(t, &key, name, e);
    mpyi_attr_cache_invalidate(t);
    assert_int_equal(cache->generation, 1);
    assert_null(mpyi_attr_cache_at(cache, &key, name)->name);
    mpy_decref(name);
}

static void
test_lookup(void **state)
{
    struct api_world *world = *state;
    struct mpyi_thread *t = mpyi_current();
    mpy_object *attr = api_good(mpy_str_intern("attr"));
    mpy_object *first = api_good(mpy_str_intern("first"));
    mpy_object *poke = api_good(mpy_str_intern("poke"));
    mpy_object *plain = api_make(world, API_PLAIN);
    mpy_object *data = api_make(world, API_DATA);
    struct mpyi_attr_entry e;
    for (int round = 0; round < 2; round++) { /* computed, then cached */
        e = mpyi_attr_lookup(t, plain, mpyi_type_of(plain), attr);
        assert_true(e.kind == MPYI_ATTR_INLINE || e.kind == MPYI_ATTR_ARRAY);
        assert_int_equal(e.slot, 0);
        e = mpyi_attr_lookup(t, plain, mpyi_type_of(plain), poke);
        assert_int_equal(e.kind, MPYI_ATTR_MISSING);
        e = mpyi_attr_lookup(t, data, mpyi_type_of(data), first);
        assert_int_equal(e.kind, MPYI_ATTR_REF);
        assert_int_equal(mpyi_attr_ref(&e), 0);
        e = mpyi_attr_lookup(t, data, mpyi_type_of(data), poke);
        assert_int_equal(e.kind, MPYI_ATTR_METHOD);
        e = mpyi_attr_lookup_class(t, &mpyi_list_type, poke);
        assert_int_equal(e.kind, MPYI_ATTR_MISSING);
    }
    /* Each right after its look-up: where the addresses will have it, two share an entry. */
    (void)mpyi_attr_lookup(t, plain, mpyi_type_of(plain), attr);
    assert_non_null(mpyi_attr_cache_hit(t->rt->attr_cache, mpyi_shape_of(plain), attr));
    (void)mpyi_attr_lookup(t, data, mpyi_type_of(data), poke);
    assert_non_null(mpyi_attr_cache_hit(t->rt->attr_cache, mpyi_type_of(data), poke));
    mpy_decref(attr);
    mpy_decref(first);
    mpy_decref(poke);
    mpy_decref(plain);
    mpy_decref(data);
}

/* A type with a get_attr slot is no key: asking the type object must not answer for instances. */
static void
test_own_slot(void **state)
{
    const mpy_type_spec spec = {
        .size = sizeof spec, .version = 1, .name = "t.Seven", .get_attr = get_seven};
    struct mpyi_thread *t = mpyi_current();
    mpy_object *type = api_good(mpy_type_from_spec(&spec, NULL));
    mpy_object *o = api_good(mpy_call_noargs(type));
    mpy_object *name = api_good(mpy_str_intern("klass"));
    mpy_object *got;
    (void)state;
    api_done(mpy_object_set_attr(type, name, MPY_TRUE));
    got = api_good(mpy_object_get_attr(type, name));
    assert_ptr_equal(got, MPY_TRUE);
    assert_null(mpyi_attr_cache_hit(t->rt->attr_cache, type, name));
    assert_ptr_equal(api_good(mpy_object_get_attr(o, name)), mpy_int_from_i64(7));
    mpy_decref(o);
    mpy_decref(name);
    mpy_decref(type);
}

static int
create(struct api_world *world, void *data)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_attr_cache *kept = t->rt->attr_cache;
    int done;
    (void)world;
    (void)data;
    t->rt->attr_cache = NULL;
    mpyi_attr_cache_invalidate(t);
    done = mpyi_attr_cache_create(t) == 0;
    mpyi_attr_cache_destroy(t);
    assert_null(t->rt->attr_cache);
    mpyi_attr_cache_destroy(t);
    t->rt->attr_cache = kept;
    return done;
}

static void
test_life(void **state)
{
    assert_int_equal(sweep(*state, create, NULL), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hit_and_generation, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_wrap, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_lookup, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_own_slot, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_life, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
