/* SPDX-License-Identifier: MIT */
/*
 * alloc/checked.c - marks around blocks, and the quarantine; see alloc/checked.h.
 *
 * A free marks the record FREED before it looks at the fences, under the lock: of two threads that
 * free the same block one is told. The quarantine is a queue, bounded in bytes
 * (MINIPY_QUARANTINE_BYTES); without that check its bound is 0, and a block passes straight
 * through. It is emptied when the plain layer has no memory.
 *
 * Switching checks off leaves records behind. The domain's magazines stay closed until the last of
 * them is gone: a free that does not come here would push an address inside a block.
 *
 * Lock: see the header; never held while the plain layer is called.
 */
#include "alloc/checked.h"

#include "alloc/memheap.h"
#include "alloc/poison.h"
#include "alloc/region.h"
#include "base/callsite.h"
#include "base/options.h"

#include "minipy/object.h"

#include <string.h>

#define FRONT_MAX ((size_t)1 << 20)

struct mpyi_marks mpyi_mem_marks = {.shared = 1, .lock = PTHREAD_MUTEX_INITIALIZER};
_Atomic int mpyi_mem_unmarked = 1;

static int
is_region(const struct mpyi_asker *asker)
{
    return asker->heap != NULL && asker->heap->kind == MPY_KIND_REGION;
}

static struct mpyi_marks *
marks_of(const struct mpyi_asker *asker)
{
    return is_region(asker) ? mpyi_region_marks(asker->heap) : mpyi_marks_of(asker->runtime);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* First byte of [p, p + n) that is not `byte`, or NULL. */
static const char *
first_other(const char *p, size_t n, unsigned byte)
{
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)p[i] != byte) {
            return p + i;
        }
    }
    return NULL;
}

static char *
base_of(const struct mpyi_mark *mark)
{
    return mark->p - mark->front;
}

static const char *
end_of(const struct mpyi_mark *mark)
{
    return base_of(mark) + mark->total;
}

static void
write_marks(struct mpyi_mark *mark, uint32_t checks, int zero)
{
    char *base = base_of(mark);
    mpyi_unpoison(base, mark->total);
    if (mark->fenced) {
        memset(base, (int)MPYI_FENCE_BYTE, mark->front);
        memset(mark->p + mark->n, (int)MPYI_FENCE_BYTE, (size_t)(end_of(mark) - mark->p) - mark->n);
    }
    if (zero) {
        memset(mark->p, 0, mark->n);
    } else if ((checks & MPY_CHECK_POISON_FREED) != 0) {
        memset(mark->p, (int)MPYI_FRESH_BYTE, mark->n);
    }
    mpyi_poison(base, mark->total);
    mpyi_unpoison(mark->p, mark->n);
    if (!zero) {
        mpyi_make_undefined(mark->p, mark->n);
    }
}

/* Nobody may touch a block in quarantine, except that the collector reads the head of every cell
   that a bitmap has as allocated: it stays readable, and says that nothing is tracked there, as
   dead bytes do, too. */
static void
hide_dead(const struct mpyi_mark *mark)
{
    mpyi_poison(base_of(mark), mark->total);
    if (mark->kind == MPY_KIND_GC) {
        struct mpy_priv_header *head = (struct mpy_priv_header *)(void *)mark->p;
        mpyi_unpoison(head, sizeof *head);
        if (!mark->filled) {
            head->gcword = 0;
        }
    }
}

/* Looks at the fences of a block, which is left readable as a whole; -1 after a report. */
static int
check_fences(const struct mpyi_asker *asker, const struct mpyi_mark *mark, int fatal)
{
    const char *base = base_of(mark);
    const char *end = mark->p + mark->n;
    if (!mark->fenced) {
        return 0;
    }
    const char *bad = first_other(base, mark->front, MPYI_FENCE_BYTE);
    if (bad != NULL) {
        mpyi_checked_block_fault(asker, MPYI_UNDERFLOW, bad, mark, fatal);
        return -1;
    }
    bad = first_other(end, (size_t)(end_of(mark) - end), MPYI_FENCE_BYTE);
    if (bad != NULL) {
        mpyi_checked_block_fault(asker, MPYI_OVERFLOW, bad, mark, fatal);
        return -1;
    }
    return 0;
}

/* The same for a block in quarantine. */
static int
check_dead(const struct mpyi_asker *asker, const struct mpyi_mark *mark, int fatal)
{
    if (mark->filled) {
        const char *bad = first_other(mark->p, mark->n, MPYI_DEAD_BYTE);
        if (bad != NULL) {
            mpyi_checked_block_fault(asker, MPYI_WRITE_AFTER_FREE, bad, mark, fatal);
            return -1;
        }
    }
    return check_fences(asker, mark, fatal);
}

/* ---- allocation ------------------------------------------------------------------------------ */

static void *
plain_malloc(const struct mpyi_asker *asker, size_t alignment, size_t n, int zero)
{
    n += n == 0;
    if (is_region(asker)) {
        return mpyi_region_plain_malloc(asker->heap, n, zero);
    }
    if (asker->runtime != NULL) {
        return mpyi_obj_plain_malloc(asker->runtime, asker->heap, n);
    }
    if (alignment != 0) {
        return mpyi_mem_plain_aligned(asker->heap, alignment, n);
    }
    return zero ? mpyi_mem_plain_calloc(asker->heap, n) : mpyi_mem_plain_malloc(asker->heap, n);
}

/* Whether a request made now gets a record. */
static int
marks_wanted(const struct mpyi_asker *asker, uint32_t checks)
{
    return (checks & MPYI_CHECK_MARKS) != 0 &&
           (asker->runtime != NULL || is_region(asker) || atomic_load(&mpyi_open_heaps) == 0);
}

static struct mpyi_mark *
new_mark(struct mpyi_marks *marks)
{
    mpyi_marks_lock(marks);
    struct mpyi_mark *mark = mpyi_marks_new(marks);
    mpyi_marks_unlock(marks);
    return mark;
}

/* What the block has besides the caller's bytes; 0: it would be too large. */
static size_t
lay_out(struct mpyi_mark *mark, const struct mpyi_asker *asker, uint32_t checks, size_t alignment,
        size_t n)
{
    mark->n = n;
    mark->kind = asker->heap->kind;
    mark->alloc_site = mpyi_host_site(asker->site);
    mark->fenced = (checks & MPY_CHECK_RED_ZONES) != 0;
    if (!mark->fenced) {
        return n + (n == 0);
    }
    if (mark->kind != MPY_KIND_GC && alignment <= FRONT_MAX) {
        mark->front = (uint32_t)(alignment > MPYI_FENCE ? alignment : MPYI_FENCE);
    }
    size_t around = mark->front + MPYI_FENCE;
    return n <= MPYI_SIZE_LIMIT - around ? n + around : 0;
}

void *
mpyi_checked_malloc(const struct mpyi_asker *asker, size_t alignment, size_t n, int zero)
{
    uint32_t checks = mpyi_checks_get(asker->runtime);
    if (!marks_wanted(asker, checks)) {
        return plain_malloc(asker, alignment, n, zero);
    }
    struct mpyi_marks *marks = marks_of(asker);
    struct mpyi_mark *mark = new_mark(marks);
    if (mark == NULL) {
        return NULL;
    }
    size_t total = lay_out(mark, asker, checks, alignment, n);
    char *base = total != 0 ? plain_malloc(asker, alignment, total, 0) : NULL;
    if (base == NULL && total != 0 && mpyi_checked_flush(asker, 0) > 0) {
        base = plain_malloc(asker, alignment, total, 0);
    }
    if (base != NULL) {
        uint32_t index = mpyi_space_find(asker->heap->space, base);
        mark->p = base + mark->front;
        mark->total =
            index == MPYI_NO_POOL ? total : mpyi_class_size(asker->heap->space->classes[index]);
        write_marks(mark, checks, zero);
        if (asker->runtime != NULL && !is_region(asker)) {
            asker->runtime->modes |= MPYI_MODE_CHECK;
        }
    }
    mpyi_marks_lock(marks);
    if (base != NULL) {
        mpyi_marks_insert(marks, mark);
    } else {
        mpyi_marks_drop(marks, mark);
    }
    mpyi_marks_unlock(marks);
    return base != NULL ? base + mark->front : NULL;
}

/* ---- free ------------------------------------------------------------------------------------ */

static void
plain_free(const struct mpyi_asker *asker, unsigned kind, void *base)
{
    struct mpyi_rtheap *runtime = asker->runtime;
    if (is_region(asker)) {
        mpyi_region_plain_free(asker->heap, base, MPYI_SIZE_UNKNOWN);
        return;
    }
    if (runtime == NULL) {
        mpyi_mem_plain_free(asker->heap, base, MPYI_SIZE_UNKNOWN);
        return;
    }
    struct mpyi_heap *heap = kind == MPY_KIND_RAW    ? &runtime->raw
                             : kind == MPY_KIND_ATOM ? &runtime->atom
                                                     : &runtime->gc;
    mpyi_obj_plain_free(runtime, heap, base, MPYI_SIZE_UNKNOWN);
}

/* Opens the magazines again when the last record is gone and nobody wants new ones. */
static void
all_gone(const struct mpyi_asker *asker)
{
    struct mpyi_rtheap *runtime = asker->runtime;
    if (is_region(asker)) {
        return; /* it opens by itself, see mpyi_region_enter() */
    }
    if (runtime != NULL) {
        runtime->modes &= ~MPYI_MODE_CHECK;
    } else {
        mpyi_modes_drop(MPYI_MODE_CHECK);
    }
}

size_t
mpyi_checked_flush(const struct mpyi_asker *asker, size_t keep)
{
    struct mpyi_marks *marks = marks_of(asker);
    size_t bytes = 0;
    for (;;) {
        mpyi_marks_lock(marks);
        struct mpyi_mark *mark = marks->queued_bytes > keep ? mpyi_marks_dequeue(marks) : NULL;
        mpyi_marks_unlock(marks);
        if (mark == NULL) {
            return bytes;
        }
        char *base = base_of(mark);
        unsigned kind = mark->kind;
        mpyi_unpoison(base, mark->total);
        (void)check_dead(asker, mark, 1);
        bytes += mark->total;
        mpyi_marks_lock(marks);
        mpyi_marks_remove(marks, mark);
        int last = marks->count == 0 && mpyi_checks_get(asker->runtime) == 0;
        mpyi_marks_unlock(marks);
        plain_free(asker, kind, base);
        if (last) {
            all_gone(asker);
        }
    }
}

/* 1 when n may be what was asked for. Of an object its type knows the size, up to its size class.
 */
static int
size_fits(const struct mpyi_mark *mark, size_t n)
{
    if (n == MPYI_SIZE_UNKNOWN || n == mark->n) {
        return 1;
    }
    if (mark->kind == MPY_KIND_MEM || mark->kind == MPY_KIND_RAW || mark->kind == MPY_KIND_REGION) {
        return 0;
    }
    return mpyi_round_up(n, 8) == mpyi_round_up(mark->n, 8);
}

/* The block at p goes from LIVE to FREED; NULL when it has no record. */
static struct mpyi_mark *
claim(const struct mpyi_asker *asker, const void *p, size_t n)
{
    struct mpyi_marks *marks = marks_of(asker);
    enum mpyi_block_fault fault = MPYI_DOUBLE_FREE;
    const void *site = mpyi_host_site(asker->site);
    struct mpyi_mark copy;
    mpyi_marks_lock(marks);
    struct mpyi_mark *mark = mpyi_marks_find(marks, p);
    if (mark == NULL ||
        (mark->state == MPYI_MARK_LIVE && mark->kind == asker->heap->kind && size_fits(mark, n))) {
        if (mark != NULL) {
            mark->state = MPYI_MARK_FREED;
            mark->free_site = site;
        }
        mpyi_marks_unlock(marks);
        return mark;
    }
    if (mark->state == MPYI_MARK_LIVE) {
        fault = mark->kind != asker->heap->kind ? MPYI_WRONG_KIND : MPYI_WRONG_SIZE;
    }
    copy = *mark;
    mpyi_marks_unlock(marks);
    struct mpyi_asker told = *asker;
    told.n = n;
    mpyi_checked_block_fault(&told, fault, p, &copy, 1);
    return NULL;
}

static void
bury(const struct mpyi_asker *asker, struct mpyi_mark *mark)
{
    struct mpyi_marks *marks = marks_of(asker);
    uint32_t checks = mpyi_checks_get(asker->runtime);
    mpyi_unpoison(base_of(mark), mark->total);
    (void)check_fences(asker, mark, 1);
    if ((checks & MPY_CHECK_POISON_FREED) != 0) {
        memset(mark->p, (int)MPYI_DEAD_BYTE, mark->n);
    }
    mark->filled = (checks & MPY_CHECK_POISON_FREED) != 0;
    hide_dead(mark);
    mpyi_marks_lock(marks);
    mpyi_marks_enqueue(marks, mark);
    mpyi_marks_unlock(marks);
    size_t keep = (checks & MPY_CHECK_QUARANTINE) != 0 ? mpyi_options_get()->quarantine_bytes : 0;
    (void)mpyi_checked_flush(asker, keep);
}

/* ---- blocks without a record ----------------------------------------------------------------- */

/* 1 when a record's block, and not a caller's, starts at p. */
static int
is_base(struct mpyi_marks *marks, const char *p)
{
    int found = 0;
    mpyi_marks_lock(marks);
    for (size_t front = MPYI_FENCE; front <= MPY_POOL_SIZE && !found; front *= 2) {
        const struct mpyi_mark *mark = mpyi_marks_find(marks, (const void *)((uintptr_t)p + front));
        found = mark != NULL && mark->front == front;
    }
    mpyi_marks_unlock(marks);
    return found;
}

/* 1 when p may be a block that was made without a record. */
static int
may_be_unmarked(const struct mpyi_asker *asker, const void *p)
{
    struct mpyi_space *space = asker->heap->space;
    uint32_t index = mpyi_space_find(space, p);
    if (is_base(marks_of(asker), p)) {
        return 0;
    }
    if (index != MPYI_NO_POOL) {
        return mpyi_heap_is_allocated(asker->heap, p) &&
               ((asker->runtime == NULL && !is_region(asker)) ||
                space->pools[index].owner == asker->heap);
    }
    if (is_region(asker)) {
        return mpyi_region_owns_large(asker->heap, p);
    }
    if (asker->runtime != NULL) {
        return asker->heap->kind != MPY_KIND_GC && mpyi_rtheap_owns(asker->runtime, p) &&
               mpyi_space_find(&asker->runtime->gc_space, p) == MPYI_NO_POOL;
    }
    if (atomic_load_explicit(&mpyi_mem_unmarked, memory_order_relaxed) == 0 ||
        ((uintptr_t)p & 15) != 0 || mpyi_checked_not_malloced(p)) {
        return 0;
    }
    struct mpyi_rtheap *current = mpyi_rtheap_current();
    mpyi_marks_lock(&mpyi_mem_marks);
    struct mpyi_mark ignored;
    int inside = mpyi_marks_around(&mpyi_mem_marks, p) != NULL;
    mpyi_marks_unlock(&mpyi_mem_marks);
    return !inside && !mpyi_regions_around(current, p, &ignored) &&
           (current == NULL || !mpyi_rtheap_owns(current, p));
}

void
mpyi_checked_free(const struct mpyi_asker *asker, void *p, size_t n)
{
    struct mpyi_mark *mark = claim(asker, p, n);
    if (mark != NULL) {
        bury(asker, mark);
        return;
    }
    if (!may_be_unmarked(asker, p)) {
        mpyi_checked_bad_pointer(asker, p);
    }
    if (is_region(asker)) {
        mpyi_region_plain_free(asker->heap, p, n);
    } else if (asker->runtime != NULL) {
        mpyi_obj_plain_free(asker->runtime, asker->heap, p, n);
    } else {
        mpyi_mem_plain_free(asker->heap, p, n);
    }
}

void
mpyi_checked_free_bulk(const struct mpyi_asker *asker, const struct mpyi_pool *pool,
                       uint64_t dead[2])
{
    size_t size = mpyi_class_size(pool->size_class);
    char *first = pool->address;
    for (unsigned w = 0; w < 2; w++) {
        for (uint64_t bits = dead[w]; bits != 0; bits &= bits - 1) {
            unsigned bit = mpyi_ctz64(bits);
            struct mpyi_mark *mark = claim(asker, first + (w * 64 + bit) * size, MPYI_SIZE_UNKNOWN);
            if (mark != NULL) {
                dead[w] &= ~(UINT64_C(1) << bit);
                bury(asker, mark);
            }
        }
    }
}

/* ---- looking --------------------------------------------------------------------------------- */

size_t
mpyi_checked_usable(const struct mpyi_asker *asker, const void *p)
{
    struct mpyi_marks *marks = marks_of(asker);
    struct mpyi_mark copy;
    mpyi_marks_lock(marks);
    const struct mpyi_mark *mark = mpyi_marks_find(marks, p);
    if (mark != NULL) {
        copy = *mark;
    }
    mpyi_marks_unlock(marks);
    if (mark == NULL) {
        if (!may_be_unmarked(asker, p)) {
            mpyi_checked_bad_pointer(asker, p);
        }
        if (is_region(asker)) {
            return mpyi_region_plain_usable(asker->heap, p);
        }
        return asker->runtime != NULL ? mpyi_obj_plain_usable(asker->runtime, p)
                                      : mpyi_mem_plain_usable(p);
    }
    if (copy.state != MPYI_MARK_LIVE || copy.kind != asker->heap->kind) {
        mpyi_checked_block_fault(
            asker, copy.state != MPYI_MARK_LIVE ? MPYI_USE_OF_FREED : MPYI_WRONG_KIND, p, &copy, 1);
    }
    return copy.n;
}

const struct mpyi_mark *
mpyi_checked_at(const struct mpyi_marks *marks, const void *base)
{
    for (size_t front = 0; marks->count != 0 && front < MPY_SMALL_MAX;
         front = front != 0 ? 2 * front : MPYI_FENCE) {
        const struct mpyi_mark *mark = mpyi_marks_find(marks, (const char *)base + front);
        if (mark != NULL && mark->front == front) {
            return mark;
        }
    }
    return NULL;
}

void *
mpyi_checked_seen(struct mpyi_rtheap *runtime, void *base, size_t *size)
{
    const struct mpyi_mark *mark = mpyi_checked_at(&runtime->marks, base);
    if (mark == NULL) {
        return base;
    }
    *size = mpyi_round_up(mark->n + (mark->n == 0), 8);
    return mark->state == MPYI_MARK_LIVE ? mark->p : NULL;
}

int
mpyi_checked_origin(struct mpyi_marks *marks, const void *base, struct mpyi_origin *out)
{
    mpyi_marks_lock(marks);
    const struct mpyi_mark *mark = mpyi_checked_at(marks, base);
    int known = mark != NULL && mark->state == MPYI_MARK_LIVE;
    if (known) {
        *out = (struct mpyi_origin){mark->n, mark->serial, mark->alloc_site};
    }
    mpyi_marks_unlock(marks);
    return known;
}

static int
verify_mark(void *data, const struct mpyi_mark *mark)
{
    const struct mpyi_asker *asker = data;
    int dead = mark->state == MPYI_MARK_FREED;
    mpyi_unpoison(base_of(mark), mark->total);
    int result = dead ? check_dead(asker, mark, 0) : check_fences(asker, mark, 0);
    if (dead) {
        hide_dead(mark);
        return result;
    }
    mpyi_poison(base_of(mark), mark->total);
    mpyi_unpoison(mark->p, mark->n);
    return result;
}

int
mpyi_checked_verify_marks(const struct mpyi_asker *asker)
{
    struct mpyi_asker copy = *asker;
    struct mpyi_marks *marks = marks_of(asker);
    mpyi_marks_lock(marks);
    int result = mpyi_marks_each(marks, verify_mark, &copy);
    mpyi_marks_unlock(marks);
    return result;
}

int
mpyi_checked_verify(struct mpyi_rtheap *runtime)
{
    return mpyi_checked_verify_marks(&(struct mpyi_asker){runtime, NULL, NULL, 0});
}
