/* SPDX-License-Identifier: MIT */
/*
 * unit/gc/test_referrers.c - who refers to an object and to whom it refers, through every layout.
 */
#include "support/internal/fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int
has(mpy_object *list, mpy_object *o)
{
    for (size_t i = 0; i < fake_width(list); i++) {
        if (fake_get(list, i) == o) {
            return 1;
        }
    }
    return 0;
}

static void
test_every_layout(void **state)
{
    static const struct mpyi_type *const types[] = {&fake_node,   &fake_tuple,      &fake_list,
                                                    &fake_shaped, &fake_shaped_far, &fake_custom};
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        mpy_object *target = fake_new(&fake_node, 1, 0);
        mpy_object *other = fake_new(&fake_node, 2, 0);
        mpy_object *o = fake_new(types[k], 3, 4);
        mpy_object *list;
        fake_set(o, 1, target);
        fake_set(o, 0, (mpy_object *)((uintptr_t)other | 1));
        list = mpy_gc_get_referrers(target);
        assert_int_equal(fake_width(list), 1);
        assert_ptr_equal(fake_get(list, 0), o);
        mpy_decref(list);
        list = mpy_gc_get_referrers(other);
        assert_int_equal(fake_width(list), 0);
        mpy_decref(list);
        list = mpy_gc_get_referents(o);
        assert_true(has(list, target));
        assert_true(has(list, (mpy_object *)((uintptr_t)other | 1)));
        mpy_decref(list);
        assert_int_equal(mpyi_head(target)->refcnt, 2);
        assert_int_equal(mpyi_head(o)->refcnt, 1);
        mpy_decref(o);
        mpy_decref(other);
        mpy_decref(target);
    }
    fake_runtime_free(fake);
}

static void
test_types(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *type = fake_type(1);
    mpy_object *o = fake_instance(type, 2);
    mpy_object *list = mpy_gc_get_referrers(type);
    (void)state;
    assert_int_equal(fake_width(list), 1);
    assert_true(has(list, o));
    mpy_decref(list);
    list = mpy_gc_get_referents(o);
    assert_true(has(list, type));
    mpy_decref(list);
    mpy_decref(o);
    mpy_decref(type);
    fake_runtime_free(fake);
}

static void
test_atoms_and_immediates(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *atom = fake_new(&fake_atom, 1, 0);
    mpy_object *o = fake_new(&fake_node, 2, 0);
    mpy_object *list;
    (void)state;
    fake_set(o, 0, atom);
    fake_set(o, 1, MPY_NONE);
    list = mpy_gc_get_referrers(atom);
    assert_true(has(list, o));
    mpy_decref(list);
    list = mpy_gc_get_referrers(MPY_NONE);
    assert_true(has(list, o));
    mpy_decref(list);
    list = mpy_gc_get_referents(atom);
    assert_int_equal(fake_width(list), 0);
    mpy_decref(list);
    list = mpy_gc_get_referents(MPY_NONE);
    assert_int_equal(fake_width(list), 0);
    mpy_decref(list);
    mpy_decref(atom);
    mpy_decref(o);
    fake_runtime_free(fake);
}

static int
inside(void *data, mpy_object *o)
{
    (void)data;
    assert_null(mpy_gc_get_referrers(o));
    assert_int_equal(fake_thread()->error.code, MPY_EXC_RUNTIME_ERROR);
    mpyi_err_clear(fake_thread());
    return 1;
}

static void
test_failures(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o = fake_new(&fake_node, 1, 0);
    (void)state;
    assert_null(mpy_gc_get_referrers(NULL));
    assert_int_equal(fake->thread.error.code, MPY_EXC_API);
    assert_null(mpy_gc_get_referents(NULL));
    assert_int_equal(fake->thread.error.code, MPY_EXC_API);
    mpyi_err_clear(&fake->thread);
    assert_int_equal(mpyi_fault_set(&fake->rt.heap->fault, MPY_FAIL_NTH, 1), 0);
    assert_null(mpy_gc_get_referrers(o));
    assert_int_equal(fake->thread.error.code, MPY_EXC_MEMORY_ERROR);
    assert_int_equal(mpyi_fault_set(&fake->rt.heap->fault, MPY_FAIL_OFF, 0), 0);
    mpyi_err_clear(&fake->thread);
    assert_int_equal(mpy_gc_visit_objects(2, inside, NULL), 1);
    mpy_priv_tls.thread = NULL;
    assert_null(mpy_gc_get_referrers(o));
    assert_null(mpy_gc_get_referents(o));
    mpy_priv_tls.thread = &fake->thread;
    mpy_decref(o);
    fake_runtime_free(fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_layout),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_atoms_and_immediates),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
