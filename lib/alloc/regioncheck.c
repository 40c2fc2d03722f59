/* SPDX-License-Identifier: MIT */
/*
 * alloc/regioncheck.c - checked mode in regions: their records, and what is looked at last.
 *
 * Blocks of a region get what those of mem get (alloc/checked.h), in records of the region's own:
 * they go all at once with its blocks. A region is closed as long as it has records, so that every
 * free comes past them.
 *
 *   free                     the block's record; quarantine of the region
 *   clear, destroy, end of   every record: fences of what is alive, dead bytes of what waits. Then
 *   its runtime              all are forgotten
 *   end of the process       the same for regions that are still there
 *
 * Lock: that of the region's records. Who has the region changes them; messages about addresses,
 * which may be those of another thread's region, and the end of the process only look.
 */
#include "alloc/region.h"

#include "alloc/checked.h"
#include "alloc/poison.h"
#include "base/hooks.h"

#include <stdlib.h>

void
mpyi_region_marks_init(mpy_region *region)
{
    region->marks.shared = 1;
    (void)pthread_mutex_init(&region->marks.lock, NULL);
}

struct mpyi_marks *
mpyi_region_marks(struct mpyi_heap *heap)
{
    return &mpyi_region_of(heap)->marks;
}

/* ---- looking at all of them --------------------------------------------------------------------
 */

struct search {
    const void *p;
    struct mpyi_mark *out;
};

/* Looks in one region for the record around an address. */
static int
look_around(mpy_region *region, const struct search *search)
{
    if (region->heap.dead) {
        return 0;
    }
    mpyi_marks_lock(&region->marks);
    const struct mpyi_mark *mark = mpyi_marks_around(&region->marks, search->p);
    if (mark != NULL) {
        *search->out = *mark;
    }
    mpyi_marks_unlock(&region->marks);
    return mark != NULL;
}

int
mpyi_regions_around(const struct mpyi_rtheap *runtime, const void *p, struct mpyi_mark *out)
{
    const struct search search = {p, out};
    int found = 0;
    mpyi_regions_lock();
    for (mpy_region *r = mpyi_regions_first(); r != NULL && !found; r = r->next) {
        found = look_around(r, &search);
    }
    mpyi_regions_unlock();
    for (mpy_region *r = runtime != NULL ? runtime->regions : NULL; r != NULL && !found;
         r = r->next) {
        found = look_around(r, &search);
    }
    return found;
}

static size_t
queued_in(mpy_region *region)
{
    mpyi_marks_lock(&region->marks);
    size_t count = region->marks.queued_count;
    mpyi_marks_unlock(&region->marks);
    return count;
}

size_t
mpyi_regions_queued(const struct mpyi_rtheap *runtime)
{
    size_t count = 0;
    if (runtime != NULL) {
        for (mpy_region *r = runtime->regions; r != NULL; r = r->next) {
            count += queued_in(r);
        }
        return count;
    }
    mpyi_regions_lock();
    for (mpy_region *r = mpyi_regions_first(); r != NULL; r = r->next) {
        count += r->heap.dead ? 0 : queued_in(r);
    }
    mpyi_regions_unlock();
    return count;
}

int
mpyi_regions_verify(void)
{
    int result = 0;
    mpyi_regions_lock();
    for (mpy_region *r = mpyi_regions_first(); r != NULL && result == 0; r = r->next) {
        if (!r->heap.dead) {
            result = mpyi_checked_verify_marks(&(struct mpyi_asker){r->runtime, &r->heap, NULL, 0});
        }
    }
    mpyi_regions_unlock();
    return result;
}

int
mpyi_region_origin(const struct mpyi_pool *pool, const void *base, struct mpyi_origin *out)
{
    int known = 0;
    mpyi_regions_lock(); /* the region of a pool that has an owner stays */
    struct mpyi_heap *owner = __atomic_load_n(&pool->owner, __ATOMIC_RELAXED);
    if (owner != NULL && owner->kind == MPY_KIND_REGION && !owner->dead) {
        known = mpyi_checked_origin(mpyi_region_marks(owner), base, out);
    }
    mpyi_regions_unlock();
    return known;
}

/* ---- the end of the blocks ---------------------------------------------------------------------
 */

/* The whole block may be touched again: by whoever gets its memory next. */
static int
release_mark(void *data, const struct mpyi_mark *mark)
{
    const mpy_region *region = data;
    if (mark->state == MPYI_MARK_LIVE && (region->heap.modes & MPYI_MODE_TRACE) != 0) {
        mpyi_hook_trace(MPYI_TRACE_FREE, MPY_KIND_REGION, mark->p, mark->n);
    }
    mpyi_unpoison(mark->p - mark->front, mark->total);
    return 0;
}

void
mpyi_region_marks_end(mpy_region *region, const void *site)
{
    const struct mpyi_asker asker = {region->runtime, &region->heap, site, 0};
    if (MPY_LIKELY(region->marks.count == 0)) {
        return;
    }
    if (mpyi_checked_verify_marks(&asker) < 0) {
        abort();
    }
    mpyi_marks_lock(&region->marks);
    (void)mpyi_marks_each(&region->marks, release_mark, region);
    mpyi_marks_destroy(&region->marks);
    mpyi_marks_unlock(&region->marks);
}
