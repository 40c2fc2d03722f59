/* SPDX-License-Identifier: MIT */
/*
 * unit/gc/test_garbage.c - finalizers once, resurrection, callbacks, and shortage of memory between
 * them.
 */
#include "support/internal/fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "alloc/os.h"

static mpy_object *
self_cycle(const struct mpyi_type *type, uint32_t id)
{
    mpy_object *o = fake_new(type, id, 4);
    fake_set(o, 1, o);
    return o;
}

static int calls;
static mpy_object *saved;

static void
count_call(mpy_object *o)
{
    (void)o;
    calls++;
}

static void
save_self(mpy_object *o)
{
    calls++;
    saved = o;
    mpy_incref(o);
}

static void
raise_error(mpy_object *o)
{
    (void)o;
    calls++;
    (void)mpyi_err_set(MPY_EXC_VALUE_ERROR, "finalizer");
}

static void
test_finalizers_run_once(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc_run run = {0};
    mpy_object *a = fake_new(&fake_final, 1, 0);
    mpy_object *b = fake_new(&fake_final, 2, 0);
    (void)state;
    calls = 0;
    fake_on_finalize = count_call;
    fake_set(a, 0, b);
    fake_set(b, 0, a);
    mpy_decref(a);
    mpy_decref(b);
    assert_int_equal(mpyi_gc_collect(&fake->thread, 2, &run), 0);
    assert_int_equal(calls, 2);
    assert_int_equal(run.finalized, 2);
    assert_int_equal(run.collected, 2);
    assert_int_equal(run.resurrected, 0);
    assert_int_equal(fake_dead[1] + fake_dead[2], 2);
    fake_runtime_free(fake);
}

/* What is resurrected, and what it reaches, lives; the rest of the same garbage dies. */
static void
test_resurrection(void **state)
{
    static const struct mpyi_type *const types[] = {&fake_node, &fake_custom};
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct mpyi_gc_run run = {0};
        mpy_object *o = self_cycle(&fake_final, 1);
        mpy_object *child = self_cycle(types[k], 2);
        mpy_object *other = self_cycle(types[k], 3);
        memset(fake_dead, 0, 8);
        calls = 0;
        fake_on_finalize = save_self;
        fake_set(o, 0, child);
        fake_set(other, 0, o);
        mpy_decref(child);
        mpy_decref(other);
        mpy_decref(o);
        assert_int_equal(mpyi_gc_collect(&fake->thread, 2, &run), 0);
        assert_int_equal(mpyi_gc_check(fake->rt.gc, NULL, MPYI_GC_CHECK_RESTING), 0);
        assert_int_equal(calls, 1);
        assert_int_equal(run.collected, 1);
        assert_int_equal(run.resurrected, 2);
        assert_ptr_equal(saved, o);
        assert_int_equal(fake_dead[1] + fake_dead[2], 0);
        assert_int_equal(fake_dead[3], 1);
        assert_int_equal(mpyi_head(o)->refcnt, 2);
        assert_int_equal(mpyi_head(child)->refcnt, 2);
        assert_int_equal((mpyi_head(o)->gcword | mpyi_head(child)->gcword) & MPY_PRIV_GC_IDLE, 0);
        mpy_decref(saved);
        assert_int_equal(fake_collect(2), 2);
        assert_int_equal(calls, 1);
        assert_int_equal(fake_dead[1] + fake_dead[2], 2);
    }
    fake_runtime_free(fake);
}

static void
test_errors_of_finalizers_and_of_the_caller(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc_run run = {0};
    (void)state;
    calls = 0;
    fake_on_finalize = raise_error;
    mpy_decref(self_cycle(&fake_final, 1));
    (void)mpyi_err_set(MPY_EXC_KEY_ERROR, "the caller's own");
    assert_int_equal(mpyi_gc_collect(&fake->thread, 2, &run), 0);
    assert_int_equal(calls, 1);
    assert_int_equal(fake_unraisable, 1);
    assert_int_equal(fake->thread.error.code, MPY_EXC_KEY_ERROR);
    assert_string_equal(fake->thread.error.text, "the caller's own");
    mpyi_err_clear(&fake->thread);
    fake_runtime_free(fake);
}

static int depth;

static void
collect_inside(mpy_object *o)
{
    calls++;
    assert_int_equal(fake_thread()->gc->state->phase, MPYI_GC_FINALIZING);
    if (depth < 5) {
        depth++;
        fake_set(o, 0, NULL);
        mpy_decref(self_cycle(&fake_node, 50));
        mpy_decref(self_cycle(&fake_final, 51));
        for (int generation = 0; generation < 3; generation++) {
            (void)fake_collect(generation);
        }
        depth--;
    }
}

static void
test_collections_inside_finalizers(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o = self_cycle(&fake_final, 1);
    mpy_object *custom = self_cycle(&fake_custom, 2);
    (void)state;
    calls = 0;
    fake_on_finalize = collect_inside;
    fake_set(o, 2, custom);
    fake_set(custom, 0, o);
    mpy_decref(custom);
    mpy_decref(o);
    assert_int_equal(fake_collect(2), 2);
    assert_true(calls >= 6);
    assert_int_equal(fake_dead[1] + fake_dead[2], 2);
    assert_int_equal(fake->rt.gc->state->phase, MPYI_GC_RESTING);
    assert_int_equal(fake->rt.gc->state->nested, 0);
    (void)fake_collect(2);
    assert_int_equal(mpyi_gc_tracked(fake->rt.gc), 0);
    fake_runtime_free(fake);
}

/* Callbacks and tuples in one cycle: the tuples have no way to be emptied. */
static void
test_callbacks_among_tuples(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *tuple = self_cycle(&fake_tuple, 1);
    mpy_object *custom = self_cycle(&fake_custom, 2);
    mpy_object *list = self_cycle(&fake_list, 3);
    mpy_object *held = fake_new(&fake_node, 4, 0);
    (void)state;
    fake_set(tuple, 0, custom);
    fake_set(tuple, 2, list);
    fake_set(tuple, 3, held);
    fake_set(custom, 0, tuple);
    mpy_decref(tuple);
    mpy_decref(custom);
    mpy_decref(list);
    assert_int_equal(fake_collect(2), 3);
    assert_int_equal(fake_dead[1] + fake_dead[2] + fake_dead[3], 3);
    assert_int_equal(mpyi_head(held)->refcnt, 1);
    mpy_decref(held);
    fake_runtime_free(fake);
}

/* A type that cannot be emptied but knows references: cycles through others can still be broken. */
static void
test_callbacks_without_clear(void **state)
{
    struct mpyi_type stubborn = fake_custom;
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o;
    mpy_object *list = self_cycle(&fake_list, 1);
    mpy_object *tuple = self_cycle(&fake_tuple, 2);
    (void)state;
    stubborn.empty = NULL;
    o = fake_new(&fake_custom, 3, 0);
    mpyi_head(o)->type = &stubborn.head;
    mpyi_refs_of(o, &stubborn).items[1] = list;
    mpyi_gc_stored(list);
    fake_set(list, 0, o);
    fake_set(list, 2, tuple);
    fake_set(tuple, 0, o);
    mpy_decref(o);
    mpy_decref(tuple);
    /* The list is emptied, the tuple freed in bulk, and then nothing refers to o. */
    assert_int_equal(fake_collect(2), 3);
    assert_int_equal(fake_dead[1] + fake_dead[2] + fake_dead[3], 3);

    /* In a cycle with itself it cannot be freed, nor with more references than a byte counts. */
    for (uint32_t references = 0; references <= 300; references += 300) {
        memset(fake_dead, 0, 8);
        o = fake_new(&fake_custom, 3, 0);
        mpyi_head(o)->type = &stubborn.head;
        fake_set(o, 1, o);
        tuple = references == 0 ? self_cycle(&fake_tuple, 2) : fake_new(&fake_tuple, 2, references);
        for (uint32_t i = 0; i < references; i++) {
            fake_set(tuple, i, o);
        }
        fake_set(o, 0, tuple);
        mpy_decref(tuple);
        mpy_decref(o);
        (void)fake_collect(2);
        assert_int_equal(fake_dead[2] + fake_dead[3], 0);
        mpyi_head(o)->type = &fake_custom.head;
        (void)fake_collect(2);
        assert_int_equal(fake_dead[2] + fake_dead[3], 2);
    }
    fake_runtime_free(fake);
}

static void
test_types_die_after_their_instances(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *type = fake_type(1);
    mpy_object *list = fake_new(&fake_list, 2, 40);
    (void)state;
    fake_set(type, 1, list);
    for (uint32_t i = 0; i < 40; i++) {
        mpy_object *o = fake_instance(type, 3 + i);
        fake_set(list, i, o);
        fake_set(o, 0, type);
        mpy_decref(o);
    }
    mpy_decref(list);
    assert_int_equal(fake_collect(2), 0);
    mpy_decref(type);
    assert_int_equal(fake_collect(2), 42);
    for (uint32_t i = 1; i < 43; i++) {
        assert_int_equal(fake_dead[i], 1);
    }
    assert_int_equal(mpyi_gc_tracked(fake->rt.gc), 0);
    fake_runtime_free(fake);
}

static uint64_t fail_at;

static void
fail_from_here(mpy_object *o)
{
    (void)o;
    calls++;
    mpyi_gc_side_destroy(&fake_thread()->gc->state->side);
    mpyi_os_fail_after(fail_at);
}

/* Memory for the list, or for counting it anew, is refused: the garbage stays for the next time. */
static void
test_no_memory(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc_run run = {0};
    (void)state;
    calls = 0;
    fake_on_finalize = count_call;
    assert_int_equal(fake_collect(2), 0);
    mpy_decref(self_cycle(&fake_final, 1));
    mpy_decref(self_cycle(&fake_node, 2));
    assert_int_equal(mpyi_gc_side_acquire(fake->rt.gc->state), 0);
    mpyi_gc_side_release(fake->rt.gc->state);
    assert_int_equal(mpyi_fault_set(&fake->rt.heap->fault, MPY_FAIL_AFTER, 1), 0);
    assert_int_equal(mpyi_gc_collect(&fake->thread, 2, &run), 0);
    assert_int_equal(mpyi_fault_set(&fake->rt.heap->fault, MPY_FAIL_OFF, 0), 0);
    assert_int_equal(run.no_memory, 1);
    assert_int_equal(run.collected, 1);
    assert_int_equal(calls, 0);
    assert_int_equal(fake_dead[1], 0);
    for (fail_at = 1; fail_at < 4; fail_at++) {
        mpy_decref(self_cycle(&fake_final, 3));
        fake_on_finalize = fail_from_here;
        memset(&run, 0, sizeof run);
        assert_int_equal(mpyi_gc_collect(&fake->thread, 2, &run), 0);
        mpyi_os_fail_after(0);
        assert_int_equal(run.no_memory, 1);
        assert_int_equal(run.collected, 0);
        fake_on_finalize = count_call;
        (void)fake_collect(2);
        assert_int_equal(mpyi_gc_tracked(fake->rt.gc), 0);
    }
    fake_runtime_free(fake);
}

static void
test_inspection_and_list(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *items[3];
    mpy_object **list;
    struct mpyi_gc_pass pass;
    (void)state;
    items[0] = fake_new(&fake_node, 1, 0);
    items[1] = fake_new(&fake_final, 2, 0);
    items[2] = fake_new(&fake_custom, 3, 0);
    for (uint32_t n = 1; n <= 3; n++) {
        static const uint32_t kinds[] = {0, MPYI_GC_HAS_FINALIZER,
                                         MPYI_GC_HAS_FINALIZER | MPYI_GC_HAS_SLOW};
        assert_int_equal(mpyi_gc_side_acquire(fake->rt.gc->state), 0);
        mpyi_gc_pass_begin(&pass, &fake->thread);
        mpyi_gc_count_list(&pass, items, n);
        assert_int_equal(mpyi_gc_inspect(&pass), kinds[n - 1]);
        list = mpyi_gc_white_list(&pass, n);
        for (uint32_t i = 0; i < n; i++) { /* in the order of blocks, which may be any */
            uint32_t times = 0;
            for (uint32_t k = 0; k < n; k++) {
                times += list[k] == items[i];
            }
            assert_int_equal(times, 1);
        }
        mpy_raw_free(list);
        mpyi_gc_side_release(fake->rt.gc->state);
    }
    for (uint32_t i = 0; i < 3; i++) {
        mpy_decref(items[i]);
    }
    fake_runtime_free(fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finalizers_run_once),
        cmocka_unit_test(test_resurrection),
        cmocka_unit_test(test_errors_of_finalizers_and_of_the_caller),
        cmocka_unit_test(test_collections_inside_finalizers),
        cmocka_unit_test(test_callbacks_among_tuples),
        cmocka_unit_test(test_callbacks_without_clear),
        cmocka_unit_test(test_types_die_after_their_instances),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_inspection_and_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
