/* SPDX-License-Identifier: MIT */
/*
 * types/tuple.c - the tuple: created complete, then constant.
 *
 * The collector need not know a tuple that can never be part of a cycle. Elements outside the
 * runtime's GC space (immediates, atoms) cannot lead back to it, nor can a finished tuple that is
 * itself untracked for that reason: so whole trees of tuples of numbers stay untracked. Anything
 * else in GC space counts as trackable, whether it is tracked at the moment or not.
 *
 * The hash mixes those of the elements like the lanes of xxHash64 (as CPython does since 3.8).
 *
 * Lock: the runtime's.
 */
#include "types/tuple.h"

#include "base/bits.h"
#include "types/iter.h"
#include "types/list.h"
#include "types/number.h"
#include "types/protocol.h"
#include "types/short.h"
#include "types/strwriter.h"

#include <stdarg.h>

const struct mpyi_tuple mpyi_tuple_empty = {{0xFFFFFFFFu, 0, &mpyi_tuple_type.head}, 0, {{NULL}}};

/* ---- life ----------------------------------------------------------------------------------- */

static inline size_t
cell_size(size_t n)
{
    return n > MPYI_TUPLE_INLINE_MAX || n < 2 ? sizeof(struct mpyi_tuple)
                                              : offsetof(struct mpyi_tuple, u) + 8 * n;
}

static __attribute__((noinline)) mpy_object *
alloc_large(struct mpyi_thread *t, size_t n)
{
    struct mpyi_tuple *tuple;
    mpy_object **array;
    if (n > MPYI_TUPLE_MAX) {
        return (mpy_object *)mpyi_err_no_memory();
    }
    tuple = (struct mpyi_tuple *)mpyi_gc_new(t, &mpyi_tuple_type, sizeof *tuple);
    if (tuple == NULL) {
        return NULL;
    }
    array = (mpy_object **)mpyi_array_alloc(t->heap, n * sizeof *array);
    if (array == NULL) {
        mpyi_gc_free(t, (mpy_object *)tuple, sizeof *tuple);
        return (mpy_object *)mpyi_err_no_memory();
    }
    tuple->count = n;
    tuple->u.array = array;
    return (mpy_object *)tuple;
}

static inline mpy_object *
alloc(struct mpyi_thread *t, size_t n)
{
    struct mpyi_tuple *tuple;
    if (MPY_UNLIKELY(n > MPYI_TUPLE_INLINE_MAX)) {
        return alloc_large(t, n);
    }
    tuple = (struct mpyi_tuple *)mpyi_gc_new(t, &mpyi_tuple_type, cell_size(n));
    if (MPY_LIKELY(tuple != NULL)) {
        tuple->count = n;
    }
    return (mpy_object *)tuple;
}

mpy_object *
mpyi_tuple_alloc(struct mpyi_thread *t, size_t n)
{
    MPY_ASSERT(n != 0);
    return alloc(t, n);
}

static inline void
discard(struct mpyi_thread *t, mpy_object *o)
{
    struct mpyi_tuple *tuple = mpyi_tuple(o);
    size_t n = tuple->count;
    if (MPY_UNLIKELY(n > MPYI_TUPLE_INLINE_MAX)) {
        mpyi_array_free(t->heap, tuple->u.array, n * sizeof *tuple->u.array);
    }
    mpyi_gc_free(t, o, cell_size(n));
}

void
mpyi_tuple_discard(struct mpyi_thread *t, mpy_object *o)
{
    discard(t, o);
}

/* What lies outside the GC space cannot be tracked: one compare that rejects NULL and all
   immediates, too. */
static inline int
in_gc_space(uint64_t base, uint64_t span, const mpy_object *o)
{
    uint64_t offset = (uint64_t)(uintptr_t)o - base;
    return (offset >> 3 | offset << 61) < span >> 3;
}

/* o can be tracked, now or later. */
static inline int
may_be_tracked(uint64_t base, uint64_t span, const mpy_object *o)
{
    return in_gc_space(base, span, o) && ((mpyi_head(o)->type->flags & MPY_TF_TUPLE) == 0 ||
                                          (mpyi_head(o)->gcword & MPY_PRIV_GC_TRACKED) != 0);
}

static inline uint64_t
space_base(const struct mpyi_thread *t)
{
    return (uint64_t)(uintptr_t)t->heap->gc_space.base;
}

int
mpyi_object_may_be_tracked(struct mpyi_thread *t, const mpy_object *o)
{
    return may_be_tracked(space_base(t), t->heap->gc_space.span, o);
}

static int
any_may_be_tracked(const struct mpyi_thread *t, mpy_object *const *items, size_t n)
{
    const uint64_t base = space_base(t);
    const uint64_t span = t->heap->gc_space.span;
    size_t i = 0;
    while (i < n && !may_be_tracked(base, span, items[i])) {
        i++;
    }
    return i < n;
}

void
mpyi_tuple_finish(struct mpyi_thread *t, mpy_object *o)
{
    if (any_may_be_tracked(t, mpyi_tuple_items(o), mpyi_tuple_count(o))) {
        mpyi_gc_track(t, o);
    }
}

/* tuple_dealloc() when only the first n items are left. */
static MPYI_HOT MPYI_LONG_WAY void
dealloc_the_long_way(struct mpyi_thread *t, mpy_object *o, size_t n)
{
    mpyi_items_drop(t, mpyi_tuple_items(o), n);
    discard(t, o);
}

static MPYI_HOT void
tuple_dealloc(struct mpyi_thread *t, mpy_object *o)
{
    size_t n = mpyi_tuple_count(o);
    size_t left = n;
    if (MPY_LIKELY(n <= MPYI_TUPLE_INLINE_MAX) &&
        MPY_LIKELY((left = mpyi_items_drop_short(mpyi_tuple_items(o), n)) == 0)) {
        mpyi_gc_free(t, o, cell_size(n));
    } else {
        dealloc_the_long_way(t, o, left);
    }
}

static size_t
tuple_extra_size(const mpy_object *o)
{
    size_t n = mpyi_tuple_count(o);
    return n > MPYI_TUPLE_INLINE_MAX ? n * sizeof(mpy_object *) : 0;
}

static void
tuple_free_extra(struct mpyi_thread *t, mpy_object *o)
{
    if (mpyi_tuple_count(o) > MPYI_TUPLE_INLINE_MAX) {
        mpyi_array_free(t->heap, mpyi_tuple(o)->u.array, tuple_extra_size(o));
    }
}

/* ---- making --------------------------------------------------------------------------------- */

/* fill() for a first item that says nothing, or when only the first `left` items are missing. As a
   rule no item is in the GC space then, or the first is. */
static MPYI_HOT MPYI_LONG_WAY mpy_object *
fill_the_long_way(struct mpyi_thread *t, mpy_object *o, mpy_object *const *items, size_t left)
{
    mpy_object **to = mpyi_tuple_items(o);
    const size_t n = mpyi_tuple_count(o);
    const uint64_t base = space_base(t);
    const uint64_t span = t->heap->gc_space.span;
    int inside = left != n;
    size_t i;
    for (i = 0; i < left; i++) {
        mpy_object *item = items[i];
        if (mpy_priv_is_heap(item)) {
            if (MPY_UNLIKELY(item == NULL)) {
                discard(t, o);
                mpy_decref_many(items, i);
                mpy_decref_many(items + left, n - left);
                return (mpy_object *)mpyi_err_argument("mpy_tuple_from_array", "items",
                                                       "array of objects", NULL);
            }
            inside |= in_gc_space(base, span, item);
            mpy_incref(item);
        }
        to[i] = item;
    }
    if (inside && any_may_be_tracked(t, items, n)) {
        mpyi_gc_track(t, o);
    }
    return o;
}

/* Copies n items into a tuple, each with a reference, and tracks it if it has to be. If one is
   NULL, the tuple is gone, with the error of mpy_tuple_from_array(). */
static inline __attribute__((always_inline)) mpy_object *
fill(struct mpyi_thread *t, mpy_object *o, mpy_object *const *items, size_t n)
{
    size_t left = n;
    if (may_be_tracked(space_base(t), t->heap->gc_space.span, items[0])) {
        left = mpyi_items_fill_short(mpyi_tuple_items(o), items, n);
        if (MPY_LIKELY(left == 0) && MPY_LIKELY(mpyi_gc_track_short(t, o))) {
            return o;
        }
    }
    return fill_the_long_way(t, o, items, left);
}

mpy_object *
mpyi_tuple_from(struct mpyi_thread *t, mpy_object *const *items, size_t n)
{
    mpy_object *o;
    if (n == 0) {
        return mpyi_tuple_new_empty();
    }
    o = alloc(t, n);
    return MPY_LIKELY(o != NULL) ? fill(t, o, items, n) : NULL;
}

mpy_object *
mpyi_tuple_from_owned(struct mpyi_thread *t, mpy_object *const *items, size_t n)
{
    mpy_object *o;
    mpy_object **to;
    size_t i;
    if (n == 0) {
        return mpyi_tuple_new_empty();
    }
    o = mpyi_tuple_alloc(t, n);
    if (MPY_UNLIKELY(o == NULL)) {
        mpy_decref_many(items, n);
        return NULL;
    }
    to = mpyi_tuple_items(o);
    for (i = 0; i < n; i++) {
        mpyi_gc_stored(items[i]);
        to[i] = items[i];
    }
    mpyi_tuple_finish(t, o);
    return o;
}

mpy_object *
mpyi_tuple_pair(struct mpyi_thread *t, mpy_object *a, mpy_object *b)
{
    mpy_object *items[2] = {a, b};
    return mpyi_tuple_from(t, items, 2);
}

mpy_object *
mpyi_tuple_slice(struct mpyi_thread *t, mpy_object *o, size_t from, size_t to)
{
    MPY_ASSERT(from <= to && to <= mpyi_tuple_count(o));
    if (from == 0 && to == mpyi_tuple_count(o)) {
        return mpy_newref(o);
    }
    return mpyi_tuple_from(t, mpyi_tuple_items(o) + from, to - from);
}

/* ---- the public functions ------------------------------------------------------------------- */

static MPYI_LONG_WAY mpy_object *
from_array_the_long_way(mpy_object *const *items, size_t n)
{
    struct mpyi_thread *t = mpyi_enter_items("mpy_tuple_from_array", NULL, items, n);
    if (t == NULL) {
        return NULL;
    }
    if (n == 0) {
        return mpyi_tuple_new_empty();
    }
    if (items == NULL) {
        return (mpy_object *)mpyi_err_argument("mpy_tuple_from_array", "items", "array", NULL);
    }
    mpyi_safe_point(t);
    return mpyi_tuple_from(t, items, n);
}

MPYI_HOT mpy_object *
mpy_tuple_from_array(mpy_object *const *items, size_t n)
{
    struct mpyi_thread *t = mpyi_entry();
    if (MPY_LIKELY(t != NULL) && MPY_LIKELY(n - 1 < MPYI_TUPLE_INLINE_MAX) &&
        MPY_LIKELY(items != NULL) && MPY_LIKELY(!mpyi_gc_is_due(t))) {
        mpy_object *o = mpyi_gc_new_short(t, &mpyi_tuple_type, cell_size(n));
        if (MPY_LIKELY(o != NULL)) {
            mpyi_tuple(o)->count = n;
            return fill(t, o, items, n);
        }
    }
    return from_array_the_long_way(items, n);
}

/* mpyi_enter_slow() for mpy_tuple_pack(): of its arguments the first few are looked at. */
static __attribute__((cold, noinline)) struct mpyi_thread *
enter_pack_slow(size_t n, va_list args)
{
    mpy_object *few[16];
    size_t count = 0;
    while (count < n && count < sizeof few / sizeof few[0] &&
           (few[count] = va_arg(args, mpy_object *)) != NULL) {
        count++;
    }
    return mpyi_enter_items("mpy_tuple_pack", NULL, few, count);
}

mpy_object *
mpy_tuple_pack(size_t n, ...)
{
    struct mpyi_thread *t = mpyi_entry();
    mpy_object *o;
    mpy_object **items;
    va_list args;
    size_t i;
    if (MPY_UNLIKELY(t == NULL)) {
        va_start(args, n);
        t = enter_pack_slow(n, args);
        va_end(args);
        if (t == NULL) {
            return NULL;
        }
    }
    if (n == 0) {
        return mpyi_tuple_new_empty();
    }
    mpyi_safe_point(t);
    o = mpyi_tuple_alloc(t, n);
    if (o == NULL) {
        return NULL;
    }
    items = mpyi_tuple_items(o);
    va_start(args, n);
    for (i = 0; i < n; i++) {
        items[i] = va_arg(args, mpy_object *);
        if (MPY_UNLIKELY(items[i] == NULL)) {
            break;
        }
    }
    va_end(args);
    if (MPY_UNLIKELY(i < n)) {
        mpyi_tuple_discard(t, o);
        return (mpy_object *)mpyi_err_argument(__func__, "...", "object", NULL);
    }
    mpy_incref_many(items, n);
    mpyi_tuple_finish(t, o);
    return o;
}

static inline int
check_tuple(const char *function, const mpy_object *o)
{
    if (MPY_LIKELY(mpy_tuple_check(o))) {
        return 0;
    }
    (void)mpyi_err_argument(function, "tuple", "tuple", o);
    return -1;
}

ptrdiff_t
mpy_tuple_length(mpy_object *o)
{
    if (mpyi_enter1(__func__, o) == NULL || check_tuple(__func__, o) < 0) {
        return -1;
    }
    return (ptrdiff_t)mpyi_tuple_count(o);
}

static MPYI_LONG_WAY mpy_object *
get_the_long_way(mpy_object *o, ptrdiff_t i)
{
    if (mpyi_enter1("mpy_tuple_get", o) == NULL || check_tuple("mpy_tuple_get", o) < 0) {
        return NULL;
    }
    if ((size_t)i >= mpyi_tuple_count(o)) {
        return (mpy_object *)mpyi_err_format(
            MPY_EXC_INDEX_ERROR, "mpy_tuple_get(): tuple index out of range: %td of %zu", i,
            mpyi_tuple_count(o));
    }
    return mpy_newref(mpyi_tuple_items(o)[i]);
}

MPYI_HOT mpy_object *
mpy_tuple_get(mpy_object *o, ptrdiff_t i)
{
    if (MPY_LIKELY(mpyi_entry() != NULL) && MPY_LIKELY(mpy_tuple_check(o)) &&
        MPY_LIKELY((size_t)i < mpyi_tuple_count(o))) {
        mpy_object *item = mpyi_tuple_items(o)[i];
        if (MPY_LIKELY(mpyi_take_reference(item))) {
            return item;
        }
    }
    return get_the_long_way(o, i);
}

/* ---- the type ------------------------------------------------------------------------------- */

static int
write_tuple(struct mpy_strwriter *w, mpy_object *o)
{
    mpy_object **items = mpyi_tuple_items(o);
    size_t n = mpyi_tuple_count(o);
    return mpyi_sequence_write(w, &items, &n, "(", n == 1 ? ",)" : ")");
}

static mpy_object *
slot_repr(mpy_object *o)
{
    return mpyi_repr_container(o, "(...)", write_tuple);
}

#define PRIME_1 UINT64_C(11400714785074694791)
#define PRIME_2 UINT64_C(14029467366897019727)
#define PRIME_5 UINT64_C(2870177450012600261)

static inline uint64_t
hash_lane(uint64_t hash, int64_t lane)
{
    hash += (uint64_t)lane * PRIME_2;
    return (hash << 31 | hash >> 33) * PRIME_1;
}

static inline int64_t
hash_end(uint64_t hash, size_t n)
{
    hash += n ^ (PRIME_5 ^ UINT64_C(3527539));
    return hash == UINT64_MAX ? 1546275796 : (int64_t)hash;
}

int64_t
mpyi_tuple_hash_lanes(const int64_t *lanes, size_t n)
{
    uint64_t hash = PRIME_5;
    size_t i;
    for (i = 0; i < n; i++) {
        hash = hash_lane(hash, lanes[i]);
    }
    return hash_end(hash, n);
}

static int
slot_hash(mpy_object *o, int64_t *out)
{
    struct mpyi_thread *t = mpyi_current();
    mpy_object *const *items = mpyi_tuple_items(o);
    size_t n = mpyi_tuple_count(o);
    uint64_t hash = PRIME_5;
    size_t i;
    for (i = 0; i < n; i++) {
        int64_t lane;
        if (mpyi_hash(t, items[i], &lane) < 0) {
            *out = 0;
            return -1;
        }
        hash = hash_lane(hash, lane);
    }
    *out = hash_end(hash, n);
    return 0;
}

static mpy_object *
slot_compare(mpy_object *a, mpy_object *b, int op)
{
    mpy_object **x, **y;
    size_t nx, ny;
    if (!mpy_tuple_check(a) || !mpy_tuple_check(b)) {
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
    x = mpyi_tuple_items(a);
    y = mpyi_tuple_items(b);
    nx = mpyi_tuple_count(a);
    ny = mpyi_tuple_count(b);
    return mpyi_sequence_compare(mpyi_current(), &x, &nx, &y, &ny, op);
}

static int
slot_is_true(mpy_object *o)
{
    return mpyi_tuple_count(o) != 0;
}

static ptrdiff_t
slot_length(mpy_object *o)
{
    return (ptrdiff_t)mpyi_tuple_count(o);
}

static mpy_object *
slot_get_item(mpy_object *o, mpy_object *key)
{
    size_t i;
    if (mpyi_index_of_key("mpy_object_get_item", "tuple", key, mpyi_tuple_count(o), &i) < 0) {
        return NULL;
    }
    return mpy_newref(mpyi_tuple_items(o)[i]);
}

static int
slot_contains(mpy_object *o, mpy_object *value)
{
    mpy_object **items = mpyi_tuple_items(o);
    size_t n = mpyi_tuple_count(o);
    return mpyi_sequence_contains(mpyi_current(), &items, &n, value);
}

static mpy_object *
slot_add(mpy_object *a, mpy_object *b)
{
    struct mpyi_thread *t = mpyi_current();
    mpy_object *sum;
    size_t x, y;
    if (!mpy_tuple_check(a) || !mpy_tuple_check(b)) {
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
    x = mpyi_tuple_count(a);
    y = mpyi_tuple_count(b);
    if (x == 0 || y == 0) {
        return mpy_newref(x == 0 ? b : a);
    }
    mpyi_safe_point(t);
    sum = mpyi_tuple_alloc(t, x + y);
    if (sum != NULL) {
        mpyi_items_copy(mpyi_tuple_items(sum), mpyi_tuple_items(a), x);
        mpyi_items_copy(mpyi_tuple_items(sum) + x, mpyi_tuple_items(b), y);
        mpyi_tuple_finish(t, sum);
    }
    return sum;
}

static mpy_object *
slot_multiply(mpy_object *a, mpy_object *b)
{
    struct mpyi_thread *t = mpyi_current();
    mpy_object *tuple, *product;
    size_t times = 0;
    size_t n, count, i;
    if (!(mpy_tuple_check(a) && mpyi_repeat_count(b, &times)) &&
        !(mpy_tuple_check(b) && mpyi_repeat_count(a, &times))) {
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
    tuple = mpy_tuple_check(a) ? a : b;
    n = mpyi_tuple_count(tuple);
    if (!mpyi_mul_size(n, times, &count)) {
        return (mpy_object *)mpyi_err_no_memory();
    }
    if (count == n) {
        return mpy_newref(tuple);
    }
    if (count == 0) {
        return mpyi_tuple_new_empty();
    }
    mpyi_safe_point(t);
    product = mpyi_tuple_alloc(t, count);
    if (product != NULL) {
        for (i = 0; i < count; i += n) {
            mpyi_items_copy(mpyi_tuple_items(product) + i, mpyi_tuple_items(tuple), n);
        }
        mpyi_tuple_finish(t, product);
    }
    return product;
}

const struct mpyi_type mpyi_tuple_type = {
    .head = MPYI_STATIC_HEAD(MPY_TF_TUPLE),
    .layout = MPYI_LAYOUT_VAR,
    .id = MPY_TYPE_ID_TUPLE,
    .ref_offset = offsetof(struct mpyi_tuple, u),
    .count_offset = offsetof(struct mpyi_tuple, count),
    .inline_max = MPYI_TUPLE_INLINE_MAX,
    .name = "tuple",
    .qualname = "tuple",
    .base = &mpyi_object_type,
    .dealloc = tuple_dealloc,
    .extra_size = tuple_extra_size,
    .free_extra = tuple_free_extra,
    .slots =
        {
            .repr = slot_repr,
            .hash = slot_hash,
            .compare = slot_compare,
            .is_true = slot_is_true,
            .length = slot_length,
            .get_item = slot_get_item,
            .contains = slot_contains,
            .iter = mpyi_iter_of_tuple,
            .add = slot_add,
            .multiply = slot_multiply,
        },
};
