/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_type.c - layouts chosen for specs, life of a type and its instances, memory.
 */
#include "types/type.h"

#include "types/attr.h"
#include "types/exc.h"
#include "types/instance.h"
#include "types/protocol.h"
#include "unit/types/sweep.h"

#include <string.h>

static int
traverse(void *data, mpy_visit_fn visit, void *arg)
{
    (void)data;
    (void)visit;
    (void)arg;
    return 0;
}

static void
clear(void *data)
{
    (void)data;
}

static mpy_type_spec
spec_of(uint32_t flags, uint32_t refs, size_t size)
{
    mpy_type_spec s = {.size = sizeof s,
                       .version = 1,
                       .name = "t.Type",
                       .flags = flags,
                       .ref_count = refs,
                       .data_size = size};
    return s;
}

static void
expect_layout(const mpy_type_spec *spec, mpy_object *base, uint8_t layout, uint32_t offset,
              uint32_t refs, uint32_t size)
{
    mpy_object *type = api_good(mpy_type_from_spec(spec, base));
    const struct mpyi_type *t = mpyi_type(type);
    mpy_object *o = api_good(mpy_call_noargs(type));
    assert_int_equal(t->layout, layout);
    assert_int_equal(t->ref_offset, offset);
    assert_int_equal(t->ref_count, refs);
    assert_int_equal(t->instance_size, size);
    assert_int_equal(mpyi_heap_type(t)->live, 1);
    mpy_decref(o);
    assert_int_equal(mpyi_heap_type(t)->live, 0);
    mpy_decref(type);
}

static void
test_layouts(void **state)
{
    mpy_type_spec plain = spec_of(MPY_TYPE_ATTRS | MPY_TYPE_BASE, 0, 0);
    mpy_type_spec bare = spec_of(0, 0, 0);
    mpy_type_spec data = spec_of(MPY_TYPE_BASE, 2, 20);
    mpy_type_spec both = spec_of(MPY_TYPE_ATTRS, 2, 16);
    mpy_type_spec edge = spec_of(0, 1, 480);
    mpy_type_spec large = spec_of(0, 1, 481);
    mpy_type_spec custom = spec_of(0, 1, 24);
    mpy_type_spec large_custom = spec_of(MPY_TYPE_ATTRS, 3, 500);
    mpy_object *base = api_good(mpy_type_from_spec(&plain, NULL));
    (void)state;
    custom.traverse = large_custom.traverse = traverse;
    custom.clear = large_custom.clear = clear;
    expect_layout(&plain, NULL, MPYI_LAYOUT_SHAPED, 24, 0, 0);
    expect_layout(&bare, NULL, MPYI_LAYOUT_FIXED, 16, 0, 32);
    expect_layout(&data, NULL, MPYI_LAYOUT_FIXED, 16, 2, 40);
    expect_layout(&both, NULL, MPYI_LAYOUT_FIXED, 16, 3, 40);
    expect_layout(&edge, NULL, MPYI_LAYOUT_FIXED, 16, 1, 496);
    expect_layout(&large, NULL, MPYI_LAYOUT_INDIRECT, 24, 1, 32);
    expect_layout(&custom, NULL, MPYI_LAYOUT_CUSTOM, 16, 1, 40);
    expect_layout(&large_custom, NULL, MPYI_LAYOUT_CUSTOM, 24, 4, 32);
    expect_layout(&bare, base, MPYI_LAYOUT_SHAPED, 24, 0, 0);
    expect_layout(&data, base, MPYI_LAYOUT_FIXED, 16, 3, 48);
    expect_layout(&data, mpyi_type_object(&mpyi_exc_types[MPY_EXC_KEY_ERROR]), MPYI_LAYOUT_FIXED,
                  16, 4, 56);
    mpy_decref(base);
}

/* A type lives as long as its last instance, whoever goes first. */
static void
test_type_goes_last(void **state)
{
    mpy_type_spec spec = spec_of(MPY_TYPE_ATTRS, 0, 0);
    struct mpyi_thread *t = mpyi_current();
    mpy_object *type = api_good(mpy_type_from_spec(&spec, NULL));
    mpy_object *a = api_good(mpy_call_noargs(type));
    mpy_object *b = api_good(mpy_call_noargs(type));
    mpy_object *again;
    uint32_t generation;
    (void)state;
    assert_int_equal(mpy_refcount(type), 1);
    mpy_decref(type);
    assert_int_equal(mpy_refcount(type), 0);
    assert_int_equal(mpy_gc_is_tracked(type), 1);
    api_done(mpy_gc_collect(2, NULL));
    api_done(mpy_object_set_attr_utf8(a, "x", b)); /* everything still works */
    again = api_good(mpy_object_type(a));          /* it has a reference again */
    assert_int_equal(mpy_refcount(again), 1);
    mpy_decref(again);
    generation = t->rt->attr_cache->generation;
    mpy_decref(b);
    assert_int_equal(t->rt->attr_cache->generation, generation);
    mpy_decref(a);
    assert_int_not_equal(t->rt->attr_cache->generation, generation);
}

/* Type and instances in one teardown, in both orders. */
static void
test_die_together(void **state)
{
    mpy_type_spec spec = spec_of(0, 0, 0);
    (void)state;
    for (int order = 0; order < 2; order++) {
        mpy_object *type = api_good(mpy_type_from_spec(&spec, NULL));
        mpy_object *o = api_good(mpy_call_noargs(type));
        mpy_object *pair = order == 0 ? api_good(mpy_tuple_pack(2, type, o))
                                      : api_good(mpy_tuple_pack(2, o, type));
        mpy_decref(o);
        mpy_decref(type);
        mpy_decref(pair);
    }
}

/* A cycle through the class: type -> dict -> instance -> (not counted) type. */
static void
test_cycle_with_type(void **state)
{
    mpy_type_spec spec = spec_of(MPY_TYPE_ATTRS, 0, 0);
    mpy_object *type = api_good(mpy_type_from_spec(&spec, NULL));
    mpy_object *o = api_good(mpy_call_noargs(type));
    mpy_gc_result r = {.size = sizeof r, .version = 1};
    (void)state;
    api_done(mpy_object_set_attr_utf8(type, "instance", o));
    api_done(mpy_object_set_attr_utf8(o, "type", type));
    mpy_decref(o);
    api_done(mpy_gc_collect(2, &r));
    assert_int_equal(r.collected, 0);
    mpy_decref(type);
    api_done(mpy_gc_collect(2, &r));
    assert_true(r.collected >= 2);
}

static int released;

static void
count_release(void *data)
{
    (void)data;
    released++;
}

/* Instances with callbacks are let go one by one, in the order of their addresses, and so are their
   types: whoever goes first, all die. */
static void
test_slow_cycle_with_types(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    mpy_type_spec spec = spec_of(MPY_TYPE_ATTRS | MPY_TYPE_BASE, 0, 8);
    mpy_gc_result r = {.size = sizeof r, .version = 1};
    mpy_object *types[2], *o;
    size_t before = 0;
    (void)state;
    spec.traverse = traverse;
    spec.clear = clear;
    spec.release = count_release;
    released = 0;
    types[0] = api_good(mpy_type_from_spec(&spec, NULL));
    types[1] = api_good(mpy_type_from_spec(&spec, types[0]));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        o = api_good(mpy_call_noargs(types[i % 2]));
        api_done(mpy_object_set_attr_utf8(o, "type", types[(i + 1) % 2]));
        api_done(mpy_object_set_attr_utf8(types[0], names[i], o));
        before += (uintptr_t)types[i % 2] < (uintptr_t)o;
        mpy_decref(o);
    }
    assert_true(before > 0); /* a type comes first */
    mpy_decref(types[0]);
    api_done(mpy_gc_collect(2, &r));
    assert_int_equal(r.collected, 0);
    mpy_decref(types[1]);
    api_done(mpy_gc_collect(2, &r));
    assert_true(r.collected >= 2 + sizeof names / sizeof *names);
    assert_int_equal(released, 3 * 1 + 3 * 2); /* each part of each instance */
    api_done(mpy_gc_collect(2, &r));
    assert_int_equal(r.collected, 0);
}

static void
test_base_is_kept(void **state)
{
    mpy_type_spec spec = spec_of(MPY_TYPE_BASE, 1, 8);
    mpy_object *base = api_good(mpy_type_from_spec(&spec, NULL));
    mpy_object *type = api_good(mpy_type_from_spec(&spec, base));
    (void)state;
    assert_int_equal(mpy_refcount(base), 2);
    mpy_decref(base);
    assert_ptr_equal(mpyi_type(type)->base, base);
    assert_int_equal(mpyi_heap_type(mpyi_type(type))->part_offset, 8);
    assert_int_equal(mpyi_heap_type(mpyi_type(type))->data_refs, 2);
    mpy_decref(type);
}

/* Equality of one's own without a hash of one's own: unhashable, also below. */
static int
same_hash(mpy_object *self, int64_t *out)
{
    (void)self;
    *out = 5;
    return 0;
}

static mpy_object *
equal(mpy_object *a, mpy_object *b, int op)
{
    (void)a;
    (void)b;
    return op == MPY_EQ ? MPY_TRUE : MPY_FALSE;
}

static void
test_slots_are_inherited(void **state)
{
    mpy_type_spec spec = spec_of(MPY_TYPE_BASE, 0, 0);
    mpy_type_spec empty = spec_of(0, 0, 0);
    mpy_object *hashed, *compared, *below;
    (void)state;
    spec.hash = same_hash;
    hashed = api_good(mpy_type_from_spec(&spec, NULL));
    below = api_good(mpy_type_from_spec(&empty, hashed));
    assert_ptr_equal(mpyi_type(below)->slots.hash, same_hash);
    mpy_decref(below);
    spec.hash = NULL;
    spec.compare = equal;
    compared = api_good(mpy_type_from_spec(&spec, hashed));
    below = api_good(mpy_type_from_spec(&empty, compared));
    assert_ptr_equal(mpyi_type(compared)->slots.hash, mpyi_hash_unhashable);
    assert_ptr_equal(mpyi_type(below)->slots.hash, mpyi_hash_unhashable);
    assert_ptr_equal(mpyi_type(below)->slots.compare, equal);
    mpy_decref(below);
    mpy_decref(compared);
    mpy_decref(hashed);
}

static mpy_object *
nothing(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self;
    (void)argv;
    (void)nargs;
    (void)kwnames;
    return MPY_NONE;
}

static int
make_and_drop(struct api_world *world, void *data)
{
    mpy_object *type = mpy_type_from_spec(data, world->plain_type);
    mpy_xdecref(type);
    return type != NULL;
}

static void
test_no_memory(void **state)
{
    const mpy_func_spec methods[] = {{.name = "one", .fn = nothing},
                                     {.name = "two", .fn = nothing},
                                     {.name = "three", .fn = nothing},
                                     {.name = NULL}};
    const mpy_member_spec members[] = {{"four", 0, 0}, {NULL, 0, 0}};
    mpy_type_spec spec = spec_of(0, 1, 8);
    mpy_object *names[4];
    spec.methods = methods;
    spec.members = members;
    for (int i = 0; i < 4; i++) { /* the names stay interned anyway */
        names[i] = api_good(mpy_str_intern(i < 3 ? methods[i].name : members[0].name));
    }
    assert_true(sweep(*state, make_and_drop, &spec) > 7);
    mpy_decref_many(names, 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_layouts, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_type_goes_last, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_die_together, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_cycle_with_type, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_slow_cycle_with_types, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_base_is_kept, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_slots_are_inherited, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
