/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_shape.c - the tree of shapes: sharing, searching, limits, learning, memory.
 */
#include "types/shape.h"

#include "types/intern.h"
#include "unit/types/sweep.h"

#include <stdio.h>

static mpy_object *
name_of(unsigned i)
{
    char text[16];
    (void)snprintf(text, sizeof text, "n%u", i);
    return api_good(mpy_str_intern(text));
}

/* The shape with names 0..n-1 below root. */
static struct mpyi_shape *
grow(struct mpyi_thread *t, struct mpyi_shape *shape, unsigned n)
{
    for (unsigned i = shape->head.count; i < n; i++) {
        mpy_object *name = name_of(i);
        assert_int_equal(mpyi_shape_add(t, shape, name, &shape), 1);
        mpy_decref(name);
    }
    return shape;
}

static void
test_tree(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_shapes *family = mpyi_shapes_new(t);
    struct mpyi_shape *root = mpyi_shapes_root(t, family);
    struct mpyi_shape *a, *ab, *b, *again;
    mpy_object *x = name_of(0), *y = name_of(1);
    (void)state;
    assert_int_equal(root->head.count, 0);
    assert_int_equal(root->slots, 1);
    assert_ptr_equal(mpyi_shapes_root(t, family), root);
    assert_int_equal(mpyi_shape_add(t, root, x, &a), 1);
    assert_int_equal(mpyi_shape_add(t, a, y, &ab), 1);
    assert_int_equal(mpyi_shape_add(t, root, y, &b), 1);
    assert_int_equal(mpyi_shape_add(t, root, x, &again), 1);
    assert_ptr_equal(again, a);
    assert_int_equal(family->count, 4);
    assert_int_equal(a->head.inline_max, 1);
    assert_int_equal(ab->head.inline_max, 0);
    assert_int_equal(mpyi_shape_find(t, ab, x), 0);
    assert_int_equal(mpyi_shape_find(t, ab, y), 1);
    assert_int_equal(mpyi_shape_find(t, b, x), MPYI_SHAPE_NONE);
    assert_int_equal(mpyi_shape_find(t, root, x), MPYI_SHAPE_NONE);
    assert_ptr_equal(mpyi_shape_name(ab, 0), x);
    assert_ptr_equal(mpyi_shape_name(ab, 1), y);
    mpyi_shapes_free(t, family);
    mpyi_shapes_free(t, NULL);
    mpy_decref(x);
    mpy_decref(y);
}

/* With a table and, where memory for it is out, without. */
static void
test_many_names(void **state)
{
    struct api_world *world = *state;
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_shapes *family = mpyi_shapes_new(t);
    struct mpyi_shape *shape = grow(t, mpyi_shapes_root(t, family), MPYI_SHAPE_COUNT_MAX);
    struct mpyi_shape *more;
    mpy_object *other = name_of(1000);
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 0) {
            assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_AFTER, 1), 0);
            assert_int_equal(mpyi_shape_find(t, shape, other), MPYI_SHAPE_NONE);
            assert_null(shape->table);
            assert_int_equal(mpy_debug_fail_alloc(world->rt, MPY_FAIL_OFF, 0), 0);
        }
        for (unsigned i = 0; i < MPYI_SHAPE_COUNT_MAX; i++) {
            mpy_object *name = name_of(i);
            assert_int_equal(mpyi_shape_find(t, shape, name), i);
            assert_ptr_equal(mpyi_shape_name(shape, i), name);
            mpy_decref(name);
        }
        assert_int_equal(mpyi_shape_find(t, shape, other), MPYI_SHAPE_NONE);
        assert_non_null(shape->table);
    }
    assert_int_equal(mpyi_shape_add(t, shape, other, &more), 0);
    assert_int_equal(mpy_err_occurred(), 0);
    mpyi_shapes_free(t, family);
    mpy_decref(other);
}

static void
test_too_many_shapes(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_shapes *family = mpyi_shapes_new(t);
    struct mpyi_shape *root = mpyi_shapes_root(t, family);
    struct mpyi_shape *child;
    mpy_object *first = name_of(0);
    (void)state;
    assert_int_equal(mpyi_shape_add(t, root, first, &child), 1);
    family->count = MPYI_SHAPES_MAX;
    assert_int_equal(mpyi_shape_add(t, root, first, &child), 1);
    assert_int_equal(mpyi_shape_add(t, child, first, &child), 0);
    mpyi_shapes_free(t, family);
    mpy_decref(first);
}

static void
test_dict_shapes(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_shapes *family = mpyi_shapes_new(t);
    struct mpyi_shape *one = mpyi_shape_dict(t, family, 1);
    struct mpyi_shape *three = mpyi_shape_dict(t, family, 3);
    (void)state;
    assert_ptr_not_equal(one, three);
    assert_ptr_equal(mpyi_shape_dict(t, family, 1), one);
    assert_int_equal(one->is_dict, 1);
    assert_int_equal(three->head.count, 1);
    assert_int_equal(three->head.inline_max, 3);
    mpyi_shapes_free(t, family);
}

static void
test_learning(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_shapes *family = mpyi_shapes_new(t);
    struct mpyi_shape *root = mpyi_shapes_root(t, family);
    (void)state;
    mpyi_shapes_learn(family, 3, 100);
    assert_int_equal(family->preferred, 3);
    assert_null(family->root);
    assert_ptr_not_equal(mpyi_shapes_root(t, family), root);
    mpyi_shapes_learn(family, 2, 100);
    assert_int_equal(family->preferred, 3);
    mpyi_shapes_learn(family, 20, 1000); /* rare: one in a thousand */
    assert_int_equal(family->preferred, 3);
    for (int i = 0; i < 200; i++) {
        mpyi_shapes_learn(family, 20, 1000);
    }
    assert_int_equal(family->preferred, 20);
    mpyi_shapes_learn(family, MPYI_SHAPE_SLOTS_MAX + 1, 0);
    assert_int_equal(family->preferred, 20);
    mpyi_shapes_free(t, family);
}

static void
test_sizes(void **state)
{
    (void)state;
    assert_int_equal(mpyi_shaped_size(1), MPYI_CELL_MIN);
    assert_int_equal(mpyi_shaped_size(3), 48);
    assert_int_equal(mpyi_shaped_size(MPYI_SHAPE_SLOTS_MAX), MPYI_CELL_MAX);
    assert_int_equal(mpyi_shape_capacity(1), 4);
    assert_int_equal(mpyi_shape_capacity(4), 4);
    assert_int_equal(mpyi_shape_capacity(5), 8);
    assert_int_equal(mpyi_shape_capacity(128), 128);
}

static int
build(struct api_world *world, void *data)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_shapes *family = mpyi_shapes_new(t);
    struct mpyi_shape *root = family != NULL ? mpyi_shapes_root(t, family) : NULL;
    struct mpyi_shape *child = NULL;
    int done = root != NULL && mpyi_shape_add(t, root, data, &child) == 1 &&
               mpyi_shape_dict(t, family, 2) != NULL;
    (void)world;
    mpyi_shapes_free(t, family);
    return done;
}

static void
test_no_memory(void **state)
{
    mpy_object *name = name_of(0);
    assert_int_equal(sweep(*state, build, name), 4);
    mpy_decref(name);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tree, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_many_names, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_too_many_shapes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_dict_shapes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_learning, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_sizes, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
