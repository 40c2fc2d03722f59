/* SPDX-License-Identifier: MIT */
/*
 * unit/gc/test_gc_check.c - the validator finds what it says it finds.
 */
#include "support/internal/fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static char report[1024];

static void
keep_report(void *data, const char *text)
{
    (void)data;
    (void)strncat(report, text, sizeof report - strlen(report) - 1);
}

static void
assert_found(const struct mpyi_gc_pass *pass, int moment, const char *text)
{
    report[0] = '\0';
    assert_int_equal(mpyi_gc_check(fake_thread()->gc, pass, moment), -1);
    assert_non_null(strstr(report, text));
}

static void
test_vectors(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc *gc = fake->rt.gc;
    mpy_object *a = fake_new(&fake_node, 1, 0);
    mpy_object *b = fake_new(&fake_node, 2, 0);
    uint32_t word = mpyi_head(a)->gcword;
    (void)state;
    assert_int_equal(mpyi_gc_check(gc, NULL, MPYI_GC_CHECK_RESTING), 0);
    mpyi_head(a)->gcword = word + 1;
    assert_found(NULL, MPYI_GC_CHECK_RESTING, "names another place");
    mpyi_head(a)->gcword = word | MPYI_GC_GEN(1);
    assert_found(NULL, MPYI_GC_CHECK_RESTING, "type 'node'");
    mpyi_head(a)->gcword = word;
    gc->young_map[mpyi_gc_page(a)] = 0;
    assert_found(NULL, MPYI_GC_CHECK_RESTING, "not in the map");
    gc->young_map[mpyi_gc_page(a)] = 1;
    gc->young[0].holes++;
    assert_found(NULL, MPYI_GC_CHECK_RESTING, "holes");
    gc->young[0].holes--;
    gc->young[0].count--;
    assert_found(NULL, MPYI_GC_CHECK_RESTING, "not in its vector");
    gc->young[0].count++;
    gc->young[1].count = gc->young[1].capacity + 1;
    assert_found(NULL, MPYI_GC_CHECK_RESTING, "entries");
    gc->young[1].count = 0;
    assert_int_equal(mpyi_gc_check(gc, NULL, MPYI_GC_CHECK_RESTING), 0);
    mpy_decref(a);
    mpy_decref(b);
    fake_runtime_free(fake);
}

static void
test_old_objects(void **state)
{
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc *gc = fake->rt.gc;
    mpy_object *a = fake_new(&fake_node, 1, 0);
    uint32_t word;
    (void)state;
    (void)fake_collect(2);
    word = mpyi_head(a)->gcword;
    mpyi_head(a)->gcword = word & ~MPY_PRIV_GC_IDLE;
    assert_found(NULL, MPYI_GC_CHECK_RESTING, "without a card");
    mpyi_head(a)->gcword = word | MPYI_GC_GARBAGE;
    assert_found(NULL, MPYI_GC_CHECK_RESTING, "marked as garbage");
    mpyi_head(a)->gcword = word;
    gc->old_count++;
    assert_found(NULL, MPYI_GC_CHECK_RESTING, "generation 2");
    gc->old_count--;
    mpy_decref(a);
    fake_runtime_free(fake);
}

static void
test_passes(void **state)
{
    static const struct mpyi_type *const types[] = {&fake_node, &fake_custom};
    struct fake_runtime *fake = fake_runtime_new();
    struct mpyi_gc_pass pass;
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        mpy_object *child = fake_new(&fake_node, 1, 0);
        mpy_object *o = fake_new(types[k], 2, 0);
        size_t granule;
        fake_set(o, 1, child);
        fake_set(o, 0, child);
        assert_int_equal(mpyi_gc_side_acquire(fake->rt.gc->state), 0);
        mpyi_heap_flush(&fake->rt.heap->gc);
        mpyi_gc_pass_begin(&pass, &fake->thread);
        mpyi_gc_count_all(&pass);
        assert_int_equal(mpyi_gc_check(fake->rt.gc, &pass, MPYI_GC_CHECK_COUNTED), 0);
        mpyi_head(child)->refcnt -= 2;
        assert_found(&pass, MPYI_GC_CHECK_COUNTED, "more often");
        mpyi_head(child)->refcnt += 2;
        mpyi_gc_mark(&pass);
        assert_int_equal(mpyi_gc_check(fake->rt.gc, &pass, MPYI_GC_CHECK_MARKED), 0);
        granule = mpyi_gc_granule(&pass, child);
        pass.white[granule >> 6] |= UINT64_C(1) << (granule & 63);
        assert_found(&pass, MPYI_GC_CHECK_MARKED, "refers to an object that is not");
        pass.pending[granule >> 6] = 1;
        assert_found(&pass, MPYI_GC_CHECK_MARKED, "still to be scanned");
        mpyi_gc_side_release(fake->rt.gc->state);
        mpy_decref(o);
        mpy_decref(child);
    }
    fake_runtime_free(fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_old_objects),
        cmocka_unit_test(test_passes),
    };
    mpy_debug_set_fatal_handler(keep_report, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
