/* SPDX-License-Identifier: MIT */
/*
 * gc/collect.c - one collection from beginning to end, and the occasions for one.
 *
 *   mpy_gc_collect()          explicit, any generation, also from within a finalizer
 *   mpyi_gc_run_due()         at safe points, when the schedule asked for it; never inside another
 *   mpyi_gc_collect_quietly() when memory is short, inside an allocation; runs no code of the host
 *
 * A collection is CRITICAL from its first count to the last freed cell, except while finalizers
 * and the like run: then it is FINALIZING, holds references to what it still has to free, and
 * another explicit or quiet one may begin and end. Nothing begins in a critical stretch.
 *
 * Totals of an outer collection include the time of those inside it.
 *
 * Invariant: phase == RESTING  <=>  nested == 0.
 * Lock: the runtime's, from beginning to end: it is never released between counting and freeing.
 */
#include "gc/internal.h"

#include "base/hooks.h"

#include <time.h>

/* Tables that a pass over candidates used are cleaned by hand up to so many objects. */
#define CLEAN_BY_HAND 4096

/* One object in so many is much garbage. */
#define MUCH 8u

static uint64_t
now_ns(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        return 0;
    }
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* The tables are as if there had been no pass. `listed`: what count_candidates() said. */
static void
end_pass(struct mpyi_gc_pass *pass, int64_t listed)
{
    if (listed >= 0 && listed <= CLEAN_BY_HAND) {
        mpyi_gc_candidates_clean(pass, (size_t)listed);
        mpyi_gc_side_keep(pass->state);
    } else {
        mpyi_gc_side_release(pass->state);
    }
}

/* Frees what is white. */
static void
free_garbage(struct mpyi_gc_pass *pass, int64_t listed, uint64_t n, int quiet,
             struct mpyi_gc_run *run)
{
    uint32_t kinds = pass->any_special ? mpyi_gc_inspect(pass) : 0;
    mpy_object **list = NULL;
    if (kinds != 0 && !quiet) {
        list = mpyi_gc_white_list(pass, n);
        run->no_memory |= list == NULL;
    }
    if (list != NULL) {
        end_pass(pass, listed);
        mpyi_gc_dispose(pass->t, list, n, kinds, run);
        return;
    }
    if (kinds != 0) {
        mpyi_gc_spare_special(pass);
    }
    run->collected += mpyi_gc_free_white(pass);
    end_pass(pass, listed);
}

static int
collect_full(struct mpyi_thread *t, int quiet, struct mpyi_gc_run *run)
{
    struct mpyi_gc_state *state = t->gc->state;
    struct mpyi_gc_pass pass;
    int64_t listed = -1;
    uint64_t garbage;
    uint32_t look_at_all;
    if (mpyi_gc_side_acquire(state) < 0) {
        run->no_memory = 1;
        return -1;
    }
    state->phase = MPYI_GC_CRITICAL;
    MPY_CHECK_HEAP(mpyi_gc_check(t->gc, NULL, MPYI_GC_CHECK_RESTING) == 0);
    mpyi_heap_flush(&state->heap->gc);
    mpyi_gc_pass_begin(&pass, t);
    look_at_all = state->look_at_all;
    state->look_at_all = 0;
    if (!look_at_all) {
        listed = mpyi_gc_count_candidates(&pass);
    }
    if (listed < 0) {
        mpyi_gc_count_all(&pass);
    }
    MPY_CHECK_HEAP(mpyi_gc_check(t->gc, &pass, MPYI_GC_CHECK_COUNTED) == 0);
    mpyi_gc_mark(&pass);
    MPY_CHECK_HEAP(mpyi_gc_check(t->gc, &pass, MPYI_GC_CHECK_MARKED) == 0);
    mpyi_gc_promote(t->gc, MPY_PRIV_GC_IDLE);
    run->examined += pass.examined;
    garbage = mpyi_gc_count_white(&pass);
    if (listed < 0) {
        state->expect_garbage = garbage > pass.examined / MUCH;
    }
    if (garbage > 0) {
        free_garbage(&pass, listed, garbage, quiet, run);
    } else {
        end_pass(&pass, listed);
    }
    return 0;
}

static void
add_to_total(struct mpyi_gc_total *total, const struct mpyi_gc_run *run, uint64_t ns)
{
    total->collections++;
    total->collected += run->collected;
    total->examined += run->examined;
    total->total_ns += ns;
    if (ns > total->longest_ns) {
        total->longest_ns = ns;
    }
}

static int
collect(struct mpyi_thread *t, int generation, int quiet, struct mpyi_gc_run *run)
{
    struct mpyi_gc *gc = t->gc;
    struct mpyi_gc_state *state = gc->state;
    uint32_t phase = state->phase;
    uint64_t begin = now_ns();
    int result = 0;
    state->nested++;
    if (generation == 2) {
        result = collect_full(t, quiet, run);
    } else {
        mpyi_gc_collect_young(t, generation, run);
    }
    if (!quiet) {
        state->phase = MPYI_GC_FINALIZING;
        mpyi_gc_bury(t);
    }
    state->nested--;
    state->phase = phase;
    if (result == 0) {
        run->duration_ns = now_ns() - begin;
        add_to_total(&state->total[generation], run, run->duration_ns);
        mpyi_gc_schedule_done(gc, generation, run);
    }
    if (state->schedule.due != 0 || state->postponed != NULL || t->dying != NULL) {
        mpyi_breaker_set(state->rt, MPYI_BREAK_GC);
    }
    return result;
}

int
mpyi_gc_collect(struct mpyi_thread *t, int generation, struct mpyi_gc_run *run)
{
    struct mpyi_error saved;
    int had_error = mpyi_err_occurred(t);
    int result;
    if (had_error) {
        mpyi_err_save(t, &saved);
    }
    result = collect(t, generation, 0, run);
    if (had_error) {
        mpyi_err_load(t, &saved);
    }
    return result;
}

void
mpyi_gc_run_due(struct mpyi_thread *t)
{
    struct mpyi_gc *gc = t->gc;
    struct mpyi_gc_state *state = gc->state;
    struct mpyi_gc_run run = {0};
    int generation;
    mpyi_breaker_clear(state->rt, MPYI_BREAK_GC);
    if (state->phase != MPYI_GC_RESTING) {
        /* The collection that is running raises the flag again when it ends. */
        return;
    }
    mpyi_gc_bury(t);
    generation = mpyi_gc_schedule_take(gc);
    if (generation >= 0 && gc->enabled) {
        (void)mpyi_gc_collect(t, generation, &run);
    }
    if (state->schedule.stress != 0) {
        mpyi_breaker_set(state->rt, MPYI_BREAK_GC);
    }
}

size_t
mpyi_gc_collect_quietly(struct mpyi_thread *t)
{
    struct mpyi_gc_run run = {0};
    if (t->gc->state->phase == MPYI_GC_CRITICAL) {
        return 0;
    }
    (void)collect(t, 2, 1, &run);
    return (size_t)run.collected;
}

int
mpyi_gc_each(struct mpyi_gc *gc, int (*fn)(void *data, mpy_object *o), void *data)
{
    struct mpyi_rtheap *heap = gc->state->heap;
    size_t pools;
    mpyi_heap_flush(&heap->gc);
    pools = mpyi_gc_pool_count(heap);
    for (size_t i = 0; i < pools; i++) {
        unsigned size_class = heap->gc_space.classes[i];
        char *first = heap->gc_space.base + (i << MPYI_POOL_SHIFT);
        uint64_t allocated[2];
        if (size_class == 0) {
            continue;
        }
        mpyi_pool_allocated_bits(&heap->gc_space.pools[i], allocated);
        for (unsigned w = 0; w < 2; w++) {
            for (uint64_t left = allocated[w]; left != 0; left &= left - 1) {
                size_t block = w * 64 + mpyi_ctz64(left);
                mpy_object *o = (mpy_object *)(void *)(first + block * mpyi_class_size(size_class));
                int result;
                if ((mpyi_head(o)->gcword & MPY_PRIV_GC_TRACKED) == 0) {
                    continue;
                }
                result = fn(data, o);
                if (result != 0) {
                    return result;
                }
            }
        }
    }
    return 0;
}
