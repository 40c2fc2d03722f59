/* SPDX-License-Identifier: MIT */
/*
 * unit/gc/test_quiet.c - collecting without user code: what is freed, what is spared, and that it
 * comes back.
 */
#include "support/internal/fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/hooks.h"

static int calls;

static void
count_call(mpy_object *o)
{
    (void)o;
    calls++;
}

static mpy_object *
self_cycle(const struct mpyi_type *type, uint32_t id)
{
    mpy_object *o = fake_new(type, id, 4);
    fake_set(o, 1, o);
    return o;
}

static void
test_plain_garbage_goes(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    mpy_decref(self_cycle(&fake_node, 1));
    mpy_decref(self_cycle(&fake_list, 2));
    assert_int_equal(mpyi_gc_collect_quietly(&fake->thread), 2);
    assert_int_equal(fake_dead[1] + fake_dead[2], 2);
    assert_int_equal(mpyi_gc_collect_quietly(&fake->thread), 0);
    fake_runtime_free(fake);
}

/* before --> special --> after, and others that only hang together with these. */
static void
test_what_is_connected_with_finalizers_stays(void **state)
{
    static const struct mpyi_type *const specials[] = {&fake_final, &fake_custom};
    struct fake_runtime *fake = fake_runtime_new();
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        mpy_object *o[6];
        memset(fake_dead, 0, 16);
        calls = 0;
        fake_on_finalize = count_call;
        for (uint32_t i = 0; i < 6; i++) {
            o[i] = self_cycle(i == 2 ? specials[k] : &fake_node, i);
        }
        fake_set(o[0], 0, o[2]); /* refers to it */
        fake_set(o[2], 0, o[1]); /* is referred to by it */
        fake_set(o[3], 0, o[1]); /* refers to what it refers to */
        fake_set(o[0], 2, o[4]); /* is referred to by what refers to it */
        for (uint32_t i = 0; i < 6; i++) {
            mpy_decref(o[i]);
        }
        assert_int_equal(mpyi_gc_collect_quietly(&fake->thread), 1);
        assert_int_equal(calls, 0);
        for (uint32_t i = 0; i < 6; i++) {
            assert_int_equal(fake_dead[i], i == 5);
        }
        assert_int_equal(mpyi_gc_check(fake->rt.gc, NULL, MPYI_GC_CHECK_RESTING), 0);
        assert_int_equal(mpyi_gc_collect_quietly(&fake->thread), 0);
        assert_int_equal(fake_collect(2), 5);
        assert_int_equal(calls, k == 0);
        assert_int_equal(mpyi_gc_tracked(fake->rt.gc), 0);
    }
    fake_runtime_free(fake);
}

/* A type needs care, and an instance refers to its type. */
static void
test_instances_stay_with_their_type(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *type = fake_type(1);
    mpy_object *o = fake_instance(type, 2);
    (void)state;
    memset(fake_dead, 0, 8);
    fake_set(o, 0, o);
    mpy_decref(o);
    mpy_decref(type);
    assert_int_equal(mpyi_gc_collect_quietly(&fake->thread), 0);
    assert_int_equal(fake_dead[1] + fake_dead[2], 0);
    assert_int_equal(fake_collect(2), 2);
    assert_int_equal(fake_dead[1] + fake_dead[2], 2);
    fake_runtime_free(fake);
}

/* A chain that is found backwards, one object a sweep: beyond the bound everything stays. */
static void
test_entangled_garbage_stays(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *o[100];
    (void)state;
    fake_on_finalize = count_call;
    for (uint32_t i = 0; i < 100; i++) {
        o[i] = self_cycle(i == 99 ? &fake_final : &fake_node, i);
    }
    /* Lower addresses refer to higher ones, or the other way round: one of the two is slow. */
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 99; i++) {
            fake_set(o[round ? 99 - i : i], 0, o[round ? 98 - i : i + 1]);
        }
        if (round == 0) {
            mpyi_gc_collect_quietly(&fake->thread);
            for (uint32_t i = 0; i < 99; i++) {
                fake_set(o[i], 0, NULL);
            }
        }
    }
    for (uint32_t i = 0; i < 100; i++) {
        mpy_decref(o[i]);
    }
    assert_int_equal(mpyi_gc_collect_quietly(&fake->thread), 0);
    assert_int_equal(fake_collect(2), 100);
    fake_runtime_free(fake);
}

/* Deaths that would run a finalizer wait for the next safe point. */
static void
test_finalizers_wait_for_a_safe_point(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    mpy_object *acyclic = fake_new(&fake_acyclic, 1, 0);
    mpy_object *o = self_cycle(&fake_node, 2);
    (void)state;
    calls = 0;
    fake_on_finalize = count_call;
    fake_set(o, 0, acyclic);
    mpy_decref(acyclic);
    mpy_decref(o);
    assert_int_equal(mpyi_gc_collect_quietly(&fake->thread), 1);
    assert_int_equal(calls, 0);
    assert_int_equal(fake_dead[1], 0);
    assert_int_equal(mpyi_breaker(&fake->rt), MPYI_BREAK_GC);
    mpyi_safe_point(&fake->thread);
    assert_int_equal(calls, 1);
    assert_int_equal(fake_dead[1], 1);
    fake_runtime_free(fake);
}

/* The heap asks by itself, and the allocation succeeds after all. */
static void
test_memory_pressure(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    uint64_t bytes;
    uint32_t made = 0;
    (void)state;
    fake->rt.gc->enabled = 0;
    bytes = mpyi_rtheap_bytes(fake->rt.heap);
    mpyi_rtheap_set_limit(fake->rt.heap, bytes + 400 * 1024);
    for (; made < 30000; made++) {
        mpy_decref(self_cycle(&fake_node, 3));
    }
    assert_true(fake->rt.gc->state->total[2].collected > 10000);
    mpyi_rtheap_set_limit(fake->rt.heap, 0);
    (void)fake_collect(2);
    assert_int_equal(mpyi_gc_tracked(fake->rt.gc), 0);
    assert_int_equal(mpyi_hook_memory_pressure(fake->rt.heap, 1), 0);
    mpy_priv_tls.thread = NULL;
    assert_int_equal(mpyi_hook_memory_pressure(fake->rt.heap, 1), 0);
    mpy_priv_tls.thread = &fake->thread;
    fake_runtime_free(fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_garbage_goes),
        cmocka_unit_test(test_what_is_connected_with_finalizers_stays),
        cmocka_unit_test(test_instances_stay_with_their_type),
        cmocka_unit_test(test_entangled_garbage_stays),
        cmocka_unit_test(test_finalizers_wait_for_a_safe_point),
        cmocka_unit_test(test_memory_pressure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
