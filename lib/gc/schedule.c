/* SPDX-License-Identifier: MIT */
/*
 * gc/schedule.c - when to collect what.
 *
 *   young_limit objects in young[0], net --> generation 0 is due
 *     every threshold[1]-th time         --> generation 1
 *   old_count grown by threshold[2] %    --> generation 2
 *
 * Young: the limit is threshold[0] plus a part of the heap's size, so that a large heap, which
 * usually grows by large steps, is not interrupted for each of them. Due means that
 * MPYI_BREAK_GC is raised; the collection runs at the next safe point, and until then the vector
 * may fill up to its capacity. Full then, it is promoted: inside one call of the library nothing is
 * ever collected.
 *
 * A heap that grows gains nothing from young collections: after FRUITLESS of them in a row freed
 * next to nothing, the next ones are replaced by promotion, 2, 4 .. SKIP_MAX times, until one frees
 * something again. What was promoted unseen is a candidate for the next full collection.
 *
 * Full: in proportion to the live heap, which keeps the cost per object constant however large
 * the heap gets (CPython's rule of thirds before 3.12, Issue 4074 of its tracker, has the same
 * aim).
 *
 * Invariant: base_limit <= young_limit <= young[0].capacity.
 * Lock: the runtime's.
 */
#include "gc/internal.h"

#include "base/options.h"

#include <stdlib.h>

#define DEFAULT_YOUNG  2000u
#define DEFAULT_MIDDLE 10u
#define DEFAULT_GROWTH 75u

#define YOUNG_MIN  16
#define YOUNG_MAX  1000000
#define MIDDLE_MIN 1
#define MIDDLE_MAX 1000000
#define GROWTH_MIN 10
#define GROWTH_MAX 1000

/* The limit gets one more for so many old objects, up to so many times the threshold. */
#define OLD_PER_YOUNG 256u
#define SCALE_MAX     8u

/* Young collections worth less than one in so many objects are fruitless. */
#define FRUIT     64u
#define FRUITLESS 3u
#define SKIP_MIN  2u
#define SKIP_MAX  16u

/* Growth below so many young collections' worth is no reason for a full one. */
#define FULL_MIN 20u

static uint64_t
environment_number(const char *name, uint64_t low, uint64_t high, uint64_t otherwise)
{
    const char *text = secure_getenv(name);
    uint64_t n;
    return text != NULL && mpyi_option_parse(text, low, high, &n) == 0 ? n : otherwise;
}

/* Fits young[0] to the threshold and the size of the heap; where it cannot grow, the limit is what
   there is. */
static void
fit_limit(struct mpyi_gc *gc)
{
    struct mpyi_gc_schedule *s = &gc->state->schedule;
    uint64_t limit = s->threshold[0];
    uint64_t most = limit * SCALE_MAX;
    limit += gc->old_count / OLD_PER_YOUNG;
    if (limit > most) {
        limit = most;
    }
    /* A failure leaves the old capacity. */
    (void)mpyi_gc_young_reserve(gc, 0, limit * 2);
    if (limit > gc->young[0].capacity) {
        limit = gc->young[0].capacity;
    }
    s->base_limit = (uint32_t)limit;
    gc->young_limit = s->base_limit;
}

void
mpyi_gc_schedule_init(struct mpyi_gc *gc)
{
    struct mpyi_gc_schedule *s = &gc->state->schedule;
    s->threshold[0] =
        (uint32_t)environment_number("MINIPY_GC_THRESHOLD", YOUNG_MIN, YOUNG_MAX, DEFAULT_YOUNG);
    s->threshold[1] = DEFAULT_MIDDLE;
    s->threshold[2] = DEFAULT_GROWTH;
    s->stress = (uint32_t)environment_number("MINIPY_GC_STRESS", 0, UINT32_MAX, 0);
    s->backoff = SKIP_MIN;
    gc->enabled = 1;
    fit_limit(gc);
    if (s->stress != 0) {
        mpyi_breaker_set(gc->state->rt, MPYI_BREAK_GC);
    }
}

int
mpyi_gc_set_threshold(struct mpyi_gc *gc, int generation, int64_t n)
{
    static const int64_t lowest[3] = {YOUNG_MIN, MIDDLE_MIN, GROWTH_MIN};
    static const int64_t highest[3] = {YOUNG_MAX, MIDDLE_MAX, GROWTH_MAX};
    struct mpyi_gc_schedule *s = &gc->state->schedule;
    if (generation < 0 || generation > 2 || n < lowest[generation] || n > highest[generation]) {
        return -1;
    }
    if (generation == 0) {
        if (mpyi_gc_young_reserve(gc, 0, (size_t)n * 2) < 0) {
            return -2;
        }
        s->threshold[0] = (uint32_t)n;
        fit_limit(gc);
    } else {
        s->threshold[generation] = (uint32_t)n;
    }
    return 0;
}

static void
ask(struct mpyi_gc *gc, uint32_t due)
{
    gc->state->schedule.due |= due;
    mpyi_breaker_set(gc->state->rt, MPYI_BREAK_GC);
}

/* The heap has grown enough since the last full collection. */
static int
full_is_due(const struct mpyi_gc *gc)
{
    const struct mpyi_gc_schedule *s = &gc->state->schedule;
    uint64_t least = (uint64_t)s->threshold[0] * FULL_MIN;
    uint64_t growth = s->live * s->threshold[2] / 100;
    return gc->old_count > s->live + (growth > least ? growth : least);
}

void
mpyi_gc_schedule_full(struct mpyi_gc *gc)
{
    struct mpyi_gc_schedule *s = &gc->state->schedule;
    int may_ask = gc->enabled && gc->state->phase != MPYI_GC_CRITICAL;
    if (may_ask && s->skip == 0 && gc->young_limit < gc->young[0].capacity) {
        gc->young_limit = gc->young[0].capacity;
        ask(gc, MPYI_GC_DUE_YOUNG);
        return;
    }
    if (s->skip > 0) {
        s->skip--;
    }
    mpyi_gc_promote(gc, 0);
    gc->young_limit = s->base_limit;
    s->due &= ~MPYI_GC_DUE_YOUNG;
    if (may_ask && full_is_due(gc)) {
        ask(gc, MPYI_GC_DUE_FULL);
    }
}

static void
judge_young(struct mpyi_gc_schedule *s, const struct mpyi_gc_run *run)
{
    if (run->collected >= run->examined / FRUIT + 1) {
        s->fruitless = 0;
        s->backoff = SKIP_MIN;
        return;
    }
    s->fruitless++;
    if (s->fruitless >= FRUITLESS) {
        s->skip = s->backoff;
        s->backoff = s->backoff < SKIP_MAX ? s->backoff * 2 : SKIP_MAX;
    }
}

void
mpyi_gc_schedule_done(struct mpyi_gc *gc, int generation, const struct mpyi_gc_run *run)
{
    struct mpyi_gc_schedule *s = &gc->state->schedule;
    if (generation == 0) {
        s->young_runs++;
    } else {
        s->young_runs = 0;
    }
    if (generation == 2) {
        s->live = gc->old_count;
    } else {
        judge_young(s, run);
    }
    fit_limit(gc);
    if (gc->enabled && full_is_due(gc)) {
        ask(gc, MPYI_GC_DUE_FULL);
    }
}

int
mpyi_gc_schedule_take(struct mpyi_gc *gc)
{
    struct mpyi_gc_schedule *s = &gc->state->schedule;
    uint32_t due = s->due;
    s->due = 0;
    if (s->stress != 0 && ++s->stress_count >= s->stress) {
        s->stress_count = 0;
        return 2;
    }
    if ((due & MPYI_GC_DUE_FULL) != 0) {
        return 2;
    }
    if ((due & MPYI_GC_DUE_YOUNG) != 0) {
        return s->young_runs >= s->threshold[1] ? 1 : 0;
    }
    return -1;
}
