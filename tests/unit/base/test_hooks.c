/* SPDX-License-Identifier: MIT */
/*
 * test_hooks.c - unset hooks do nothing, set ones are called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hooks.h"

static int raised, pressed, flushed, traced, checked, changed;
static char heap_word, runtime_word;

static struct mpyi_rtheap *
a_heap(void)
{
    return (struct mpyi_rtheap *)(void *)&heap_word;
}

static mpy_runtime *
a_runtime(void)
{
    return (mpy_runtime *)(void *)&runtime_word;
}

static void
unset_hooks_are_harmless(void **state)
{
    (void)state;
    mpyi_hooks = (struct mpyi_hooks){0};
    mpyi_hook_raise_no_memory();
    mpyi_hook_flush_runtime(a_runtime());
    mpyi_hook_trace(MPYI_TRACE_ALLOC, MPY_CLASS_COUNT, NULL, 1);
    mpyi_hook_checks_changed();
    assert_null(mpyi_hook_innermost());
    assert_int_equal(mpyi_hook_memory_pressure(a_heap(), 1), 0);
    assert_int_equal(mpyi_hook_check_runtime(a_runtime()), 0);
    assert_null(mpyi_hook_runtime_heap(a_runtime()));
}

static void
on_raise(void)
{
    raised++;
}

static int
on_pressure(struct mpyi_rtheap *heap, size_t n)
{
    pressed += heap == a_heap() && n == 5;
    return 1;
}

static void
on_flush(mpy_runtime *rt)
{
    flushed += rt == a_runtime();
}

static struct mpyi_rtheap *
on_heap(mpy_runtime *rt)
{
    return rt == a_runtime() ? a_heap() : NULL;
}

static int
on_check(mpy_runtime *rt)
{
    checked += rt == a_runtime();
    return -1;
}

static struct mpyi_thread *
on_innermost(void)
{
    return (struct mpyi_thread *)(void *)&changed;
}

static void
on_checks_changed(void)
{
    changed++;
}

static void
on_trace(int event, int kind, void *block, size_t n)
{
    traced += event == MPYI_TRACE_FREE && kind == 2 && block == &traced && n == 9;
}

static void
set_hooks_get_their_arguments(void **state)
{
    (void)state;
    MPYI_HOOK_SET(raise_no_memory, on_raise);
    MPYI_HOOK_SET(memory_pressure, on_pressure);
    MPYI_HOOK_SET(flush_runtime, on_flush);
    MPYI_HOOK_SET(runtime_heap, on_heap);
    MPYI_HOOK_SET(trace, on_trace);
    MPYI_HOOK_SET(check_runtime, on_check);
    MPYI_HOOK_SET(checks_changed, on_checks_changed);
    MPYI_HOOK_SET(innermost, on_innermost);
    assert_ptr_equal(mpyi_hook_innermost(), &changed);
    mpyi_hook_checks_changed();
    mpyi_hook_raise_no_memory();
    mpyi_hook_flush_runtime(a_runtime());
    mpyi_hook_trace(MPYI_TRACE_FREE, 2, &traced, 9);
    assert_int_equal(mpyi_hook_memory_pressure(a_heap(), 5), 1);
    assert_ptr_equal(mpyi_hook_runtime_heap(a_runtime()), a_heap());
    assert_int_equal(mpyi_hook_check_runtime(a_runtime()), -1);
    assert_int_equal(raised + pressed + flushed + traced + checked + changed, 6);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unset_hooks_are_harmless),
        cmocka_unit_test(set_hooks_get_their_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
