/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_instance.c - layouts of instances, callbacks in their order, values that move.
 */
#include "types/instance.h"

#include "types/dict.h"
#include "types/type.h"
#include "unit/types/sweep.h"

#include <stdio.h>
#include <string.h>

static char journal[200];

static void
note(const char *what)
{
    (void)strncat(journal, what, sizeof journal - strlen(journal) - 1);
}

/* ---- data
 * ---------------------------------------------------------------------------------------- */

#define BIG 1000

struct part {
    mpy_object *ref;
    char name[8];
};

/* References outside the first ref_count words. */
struct custom {
    char name[8];
    mpy_object *hidden;
};

static void
part_release(void *data)
{
    note("release ");
    note(((struct part *)data)->name);
    note(";");
}

static int
custom_traverse(void *data, mpy_visit_fn visit, void *arg)
{
    struct custom *c = data;
    return c->hidden != NULL ? visit(c->hidden, arg) : 0;
}

static void
custom_clear(void *data)
{
    struct custom *c = data;
    note("clear ");
    note(c->name);
    note(";");
    mpy_clear(&c->hidden);
}

static void
custom_release(void *data)
{
    note("release ");
    note(((struct custom *)data)->name);
    note(";");
}

static mpy_object *
make_type(const char *name, mpy_object *base, uint32_t refs, size_t size, uint32_t flags,
          int custom)
{
    mpy_type_spec spec = {.size = sizeof spec,
                          .version = 1,
                          .name = name,
                          .flags = flags | MPY_TYPE_BASE,
                          .ref_count = refs,
                          .data_size = size};
    spec.release = custom ? custom_release : part_release;
    spec.traverse = custom ? custom_traverse : NULL;
    spec.clear = custom ? custom_clear : NULL;
    return api_good(mpy_type_from_spec(&spec, base));
}

static void *
data_of(mpy_object *o, mpy_object *type)
{
    void *data;
    api_done(mpy_type_data(o, type, &data));
    return data;
}

static void
test_parts(void **state)
{
    mpy_object *list = api_make(*state, API_LIST);
    mpy_object *base = make_type("t.Base", NULL, 1, sizeof(struct part), 0, 0);
    mpy_object *derived = make_type("t.Derived", base, 0, sizeof(struct custom), 0, 1);
    mpy_object *o = api_good(mpy_type_new_instance(derived));
    struct part *p = data_of(o, base);
    struct custom *c = data_of(o, derived);
    assert_ptr_equal((char *)p + sizeof *p, c);
    assert_int_equal(mpyi_type(derived)->layout, MPYI_LAYOUT_CUSTOM);
    assert_int_equal(mpyi_refs_of(o, mpyi_type(derived)).count, 1);
    assert_null(p->ref);
    assert_null(c->hidden);
    mpy_assign(&p->ref, list);
    mpy_assign(&c->hidden, list);
    strcpy(p->name, "p");
    strcpy(c->name, "c");
    journal[0] = '\0';
    mpy_decref(o);
    assert_string_equal(journal, "clear c;release c;release p;");
    assert_int_equal(mpy_refcount(list), 1);
    mpy_decref(derived);
    mpy_decref(base);
    mpy_decref(list);
}

/* The same with data behind a pointer, and a dict for attributes in front. */
static void
test_large(void **state)
{
    mpy_object *list = api_make(*state, API_LIST);
    mpy_object *name = api_good(mpy_str_intern("attr"));
    mpy_object *type = make_type("t.Large", NULL, 1, BIG, MPY_TYPE_ATTRS, 0);
    mpy_object *o = api_good(mpy_type_new_instance(type));
    struct part *p = data_of(o, type);
    assert_int_equal(mpyi_type(type)->layout, MPYI_LAYOUT_INDIRECT);
    assert_int_equal(mpyi_type(type)->instance_size, MPYI_LARGE_CELL);
    assert_int_equal(mpy_object_sizeof(o), MPYI_LARGE_CELL + 8 + BIG);
    assert_int_equal(mpyi_refs_of(o, mpyi_type(type)).count, 2);
    for (size_t i = 0; i < BIG; i++) {
        assert_int_equal(((char *)p)[i], 0);
    }
    mpy_assign(&p->ref, list);
    api_done(mpy_object_set_attr(o, name, list));
    assert_ptr_equal(mpyi_refs_of(o, mpyi_type(type)).items[1], list);
    assert_int_equal(mpy_refcount(list), 3);
    memset((char *)p + 8, 'x', BIG - 8);
    p->name[7] = '\0';
    mpy_decref(o);
    assert_int_equal(mpy_refcount(list), 1);
    mpy_decref(type);
    mpy_decref(name);
    mpy_decref(list);
}

static void
test_large_custom(void **state)
{
    mpy_object *list = api_make(*state, API_LIST);
    mpy_object *base = make_type("t.Base", NULL, 1, sizeof(struct part), 0, 0);
    mpy_object *type = make_type("t.Large", base, 0, BIG, 0, 1);
    mpy_object *o = api_good(mpy_type_new_instance(type));
    struct part *p = data_of(o, base);
    struct custom *c = data_of(o, type);
    mpy_assign(&p->ref, list);
    mpy_assign(&c->hidden, o); /* a cycle only the callback knows */
    assert_int_equal(mpyi_refs_of(o, mpyi_type(type)).count, 1);
    assert_ptr_equal(mpyi_refs_of(o, mpyi_type(type)).items[0], list);
    journal[0] = '\0';
    mpy_decref(o);
    assert_string_equal(journal, "");
    api_done(mpy_gc_collect(2, NULL));
    assert_string_equal(journal, "clear ;clear ;release ;release ;");
    assert_int_equal(mpy_refcount(list), 1);
    mpy_decref(type);
    mpy_decref(base);
    mpy_decref(list);
}

static int
count_visits(mpy_object *o, void *arg)
{
    (void)o;
    return ++*(int *)arg == 2;
}

static void
test_traverse(void **state)
{
    mpy_object *base = make_type("t.Base", NULL, 0, sizeof(struct custom), 0, 1);
    mpy_object *type = make_type("t.Derived", base, 0, sizeof(struct custom), 0, 1);
    mpy_object *o = api_good(mpy_type_new_instance(type));
    int visits = 0;
    (void)state;
    assert_int_equal(mpyi_custom_traverse(o, mpyi_type(type), count_visits, &visits), 0);
    mpy_assign(&((struct custom *)data_of(o, base))->hidden, MPY_NONE);
    mpy_assign(&((struct custom *)data_of(o, type))->hidden, MPY_NONE);
    assert_int_equal(mpyi_custom_traverse(o, mpyi_type(type), count_visits, &visits), 1);
    assert_int_equal(visits, 2);
    mpy_decref(o);
    mpy_decref(type);
    mpy_decref(base);
}

static void
test_acyclic(void **state)
{
    mpy_object *type = make_type("t.Acyclic", NULL, 1, sizeof(struct part), MPY_TYPE_ACYCLIC, 0);
    mpy_object *o = api_good(mpy_type_new_instance(type));
    (void)state;
    assert_int_equal(mpy_gc_is_tracked(o), 0);
    mpy_assign(&((struct part *)data_of(o, type))->ref, MPY_TRUE);
    mpy_decref(o);
    mpy_decref(type);
}

/* ---- attributes
 * ---------------------------------------------------------------------------------- */

static mpy_object *
name_of(int i)
{
    char text[16];
    (void)snprintf(text, sizeof text, "a%d", i);
    return api_good(mpy_str_intern(text));
}

static void
set_number(mpy_object *o, int i, int value)
{
    mpy_object *name = name_of(i);
    api_done(mpy_object_set_attr(o, name, mpy_int_from_i64(value)));
    mpy_decref(name);
}

static void
expect_number(mpy_object *o, int i, int value)
{
    mpy_object *name = name_of(i);
    mpy_object *got = api_good(mpy_object_get_attr(o, name));
    assert_ptr_equal(got, mpy_int_from_i64(value));
    mpy_decref(name);
}

/* From the cell to an array that grows, and on to a dict. */
static void
test_growth(void **state)
{
    struct api_world *world = *state;
    mpy_object *o = api_good(mpy_call_noargs(world->plain_type));
    for (int n = 0; n < 200; n++) {
        set_number(o, n, n * 7);
        for (int i = 0; i <= n; i++) {
            expect_number(o, i, i * 7);
        }
        assert_int_equal(mpyi_shape_of(o)->is_dict, n >= 128);
    }
    set_number(o, 5, -1);
    expect_number(o, 5, -1);
    mpy_decref(o);
}

/* The third instance has as many words as those before it needed. */
static void
test_learnt_size(void **state)
{
    struct api_world *world = *state;
    for (int round = 0; round < 3; round++) {
        mpy_object *o = api_good(mpy_call_noargs(world->plain_type));
        for (int i = 0; i < 3; i++) {
            set_number(o, i, i);
        }
        if (round == 2) {
            assert_int_equal(mpy_object_sizeof(o), 48);
            assert_int_equal(mpyi_shape_of(o)->head.inline_max, 3);
        }
        mpy_decref(o);
    }
}

static void
test_use_dict(void **state)
{
    struct api_world *world = *state;
    mpy_object *list = api_make(world, API_LIST);
    mpy_object *o = api_good(mpy_call_noargs(world->plain_type));
    mpy_object *gone = name_of(1);
    set_number(o, 0, 10);
    set_number(o, 1, 11);
    set_number(o, 2, 12);
    api_done(mpy_object_set_attr_utf8(o, "list", list));
    api_done(mpy_object_del_attr(o, gone));
    assert_int_equal(mpyi_instance_use_dict(mpyi_current(), o), 0);
    assert_int_equal(mpyi_shape_of(o)->is_dict, 1);
    assert_int_equal(mpy_refcount(list), 2);
    expect_number(o, 0, 10);
    expect_number(o, 2, 12);
    assert_int_equal(mpy_object_has_attr(o, gone), 0);
    assert_int_equal(mpyi_dict_length(*mpyi_instance_dict(o, mpyi_type_of(o))), 3);
    mpy_decref(o);
    assert_int_equal(mpy_refcount(list), 1);
    mpy_decref(list);
    mpy_decref(gone);
}

/* What the collector does to break a cycle: the instance stays usable. */
static void
test_empty(void **state)
{
    struct api_world *world = *state;
    mpy_object *o = api_good(mpy_call_noargs(world->plain_type));
    mpy_object *name = name_of(0);
    mpy_object *value;
    for (int i = 0; i < 6; i++) {
        set_number(o, i, i);
    }
    mpyi_instance_empty(mpyi_current(), o);
    assert_int_equal(mpy_object_find_attr(o, name, &value), 0);
    set_number(o, 0, 4);
    expect_number(o, 0, 4);
    assert_int_equal(mpyi_instance_use_dict(mpyi_current(), o), 0);
    mpyi_instance_empty(mpyi_current(), o);
    assert_int_equal(mpy_object_find_attr(o, name, &value), 0);
    set_number(o, 0, 5);
    expect_number(o, 0, 5);
    mpy_decref(name);
    mpy_decref(o);
}

/* Garbage freed in bulk gives back arrays, hooks and the count of instances. */
static void
test_bulk(void **state)
{
    struct api_world *world = *state;
    mpy_object *large = make_type("t.Large", NULL, 1, BIG, 0, 0);
    mpy_object *o = api_good(mpy_call_noargs(world->plain_type));
    mpy_object *l = api_good(mpy_type_new_instance(large));
    for (int i = 0; i < 20; i++) {
        set_number(o, i, i);
    }
    api_done(mpy_object_set_attr_utf8(o, "other", l));
    mpy_assign(&((struct part *)data_of(l, large))->ref, o);
    mpy_decref(o);
    mpy_decref(l);
    journal[0] = '\0';
    api_done(mpy_gc_collect(2, NULL));
    assert_string_equal(journal, "release ;");
    assert_int_equal(mpyi_heap_type(mpyi_type(large))->live, 0);
    assert_int_equal(mpyi_heap_type(mpyi_type(world->plain_type))->live, 0);
    mpy_decref(large);
}

/* ---- memory
 * --------------------------------------------------------------------------------------- */

static int
new_large(struct api_world *world, void *type)
{
    mpy_object *o = mpy_type_new_instance(type);
    (void)world;
    mpy_xdecref(o);
    return o != NULL;
}

/* Attributes one after the other; the array and the shapes may be refused. */
static int
add_attributes(struct api_world *world, void *data)
{
    mpy_object *type = data;
    mpy_object *o = mpy_call_noargs(type);
    int done = o != NULL;
    (void)world;
    for (int i = 0; i < 6 && done; i++) {
        static const char *const names[] = {"a0", "a1", "a2", "a3", "a4", "a5"};
        done = mpy_object_set_attr_utf8(o, names[i], MPY_TRUE) == 0;
    }
    done = done && mpyi_instance_use_dict(mpyi_current(), o) == 0;
    mpy_xdecref(o);
    return done;
}

static void
test_no_memory(void **state)
{
    struct api_world *world = *state;
    mpy_object *type = make_type("t.Large", NULL, 1, BIG, 0, 0);
    assert_int_equal(sweep(world, new_large, type), 2);
    mpy_decref(type);
}

/* Shapes made before a failure stay with the type, so blocks are not counted here. */
static void
test_no_memory_for_attributes(void **state)
{
    struct api_world *world = *state;
    unsigned n = 0;
    int done = 0;
    while (!done) {
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_NTH, ++n), 0);
        done = add_attributes(world, world->plain_type);
        if (!done) {
            assert_int_equal(mpy_err_code(), MPY_EXC_MEMORY_ERROR);
            mpy_err_clear();
        }
        assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
        assert_int_equal(mpy_debug_check_heap(world->rt), 0);
    }
    assert_in_range(n, 3, 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parts, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_large, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_large_custom, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_traverse, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_acyclic, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_growth, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_learnt_size, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_use_dict, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_empty, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_bulk, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory_for_attributes, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
