/* SPDX-License-Identifier: MIT */
/*
 * types/list.c - the list: its life, access by index, and its type. What works on whole lists is in
 * types/list_ops.c.
 *
 * Growth: an append that finds no room takes a quarter more (an eighth from 64 Ki elements on) and
 * uses the whole block it gets, so n appends cost O(n), and a large list wastes little. An array of
 * which less than a quarter is used is given back by half.
 *
 * The list is in its new state before a reference is dropped: what runs then may use the list.
 *
 * Lock: the runtime's.
 */
#include "types/list.h"

#include "base/bits.h"
#include "types/iter.h"
#include "types/number.h"
#include "types/protocol.h"
#include "types/short.h"
#include "types/tuple.h"

#define SHRINK_ABOVE 32u
#define SHORT_MAX    (MPY_SMALL_MAX / sizeof(mpy_object *)) /* elements of an array in a pool */

/* ---- life ----------------------------------------------------------------------------------- */

/* Elements that fit into the block a request for n gets. n <= MPYI_LIST_MAX. */
static inline size_t
good_capacity(size_t n)
{
    return mpyi_array_good_size(n * sizeof(mpy_object *)) / sizeof(mpy_object *);
}

/* Gives the array back without a call; 0 when that cannot be done. */
static inline int
free_array_short(struct mpyi_thread *t, mpy_object **items, size_t capacity)
{
    size_t bytes = capacity * sizeof *items;
    return capacity == 0 ||
           (MPY_LIKELY(bytes <= MPY_SMALL_MAX) &&
            MPY_LIKELY(mpy_priv_bin_push_near(&t->heap->raw.pub.bins[bytes >> 3], items)));
}

static inline void
free_array(struct mpyi_thread *t, mpy_object **items, size_t capacity)
{
    if (!free_array_short(t, items, capacity)) {
        mpyi_array_free(t->heap, items, capacity * sizeof *items);
    }
}

static void
list_free_extra(struct mpyi_thread *t, mpy_object *o)
{
    free_array(t, mpyi_list(o)->items, mpyi_list(o)->capacity);
}

/* An untracked list with an array of up to SHORT_MAX elements (0: none), if it takes no call; else
   NULL without an error. The count is left to the caller. */
static inline struct mpyi_list *
new_list_short(struct mpyi_thread *t, size_t capacity)
{
    struct mpy_priv_bin *bin = &t->heap->raw.pub.bins[capacity];
    mpy_object **array = NULL;
    struct mpyi_list *list;
    if (capacity != 0 && MPY_UNLIKELY((array = (mpy_object **)mpy_priv_bin_pop(bin)) == NULL)) {
        return NULL;
    }
    list = (struct mpyi_list *)mpyi_gc_new_short(t, &mpyi_list_type, sizeof *list);
    if (MPY_UNLIKELY(list == NULL)) {
        if (array != NULL) {
            bin->top++; /* the array still lies there */
        }
        return NULL;
    }
    list->items = array;
    list->capacity = capacity;
    return list;
}

static __attribute__((noinline)) struct mpyi_list *
new_list_slow(struct mpyi_thread *t, size_t capacity)
{
    struct mpyi_list *list =
        (struct mpyi_list *)mpyi_gc_new(t, &mpyi_list_type, sizeof(struct mpyi_list));
    if (list == NULL) {
        return NULL;
    }
    list->items = NULL;
    list->capacity = capacity;
    if (capacity != 0) {
        list->items = (mpy_object **)mpyi_array_alloc(t->heap, capacity * sizeof(mpy_object *));
        if (list->items == NULL) {
            mpyi_gc_free(t, (mpy_object *)list, sizeof *list);
            return (struct mpyi_list *)mpyi_err_no_memory();
        }
    }
    return list;
}

/* An untracked, empty list with an array of `capacity` elements (0: none). */
static inline struct mpyi_list *
new_list(struct mpyi_thread *t, size_t capacity)
{
    struct mpyi_list *list = capacity <= SHORT_MAX ? new_list_short(t, capacity) : NULL;
    if (MPY_UNLIKELY(list == NULL)) {
        list = new_list_slow(t, capacity);
    }
    if (MPY_LIKELY(list != NULL)) {
        list->count = 0;
    }
    return list;
}

mpy_object *
mpyi_list_new(struct mpyi_thread *t, size_t reserve)
{
    struct mpyi_list *list;
    if (MPY_UNLIKELY(reserve > MPYI_LIST_MAX / 2)) {
        return (mpy_object *)mpyi_err_no_memory();
    }
    list = new_list(t, reserve != 0 ? good_capacity(reserve) : 0);
    if (MPY_LIKELY(list != NULL)) {
        mpyi_gc_track(t, (mpy_object *)list);
    }
    return (mpy_object *)list;
}

/* Fills a fresh list with n items, of which only the first `left` are missing, and tracks it. NULL,
   and the list is gone, if one of them is NULL. */
static mpy_object *
fill(struct mpyi_thread *t, struct mpyi_list *list, mpy_object *const *items, size_t left, size_t n)
{
    size_t done = mpyi_items_fill(list->items, items, left);
    if (MPY_UNLIKELY(done < left)) {
        mpy_decref_many(items, done);
        mpy_decref_many(items + left, n - left);
        list_free_extra(t, (mpy_object *)list);
        mpyi_gc_free(t, (mpy_object *)list, sizeof *list);
        return NULL;
    }
    list->count = n;
    mpyi_gc_track(t, (mpy_object *)list);
    return (mpy_object *)list;
}

/* An untracked list with room for n elements, 1 or more. NULL with MemoryError. */
static struct mpyi_list *
new_list_for(struct mpyi_thread *t, size_t n)
{
    if (MPY_UNLIKELY(n > MPYI_LIST_MAX / 2)) {
        return (struct mpyi_list *)mpyi_err_no_memory();
    }
    return new_list(t, good_capacity(n));
}

mpy_object *
mpyi_list_from(struct mpyi_thread *t, mpy_object *const *items, size_t n)
{
    struct mpyi_list *list;
    if (n == 0) {
        return mpyi_list_new(t, 0);
    }
    list = new_list_for(t, n);
    return list != NULL ? fill(t, list, items, n, n) : NULL;
}

mpy_object *
mpyi_list_slice(struct mpyi_thread *t, const struct mpyi_list *list, size_t from, size_t to)
{
    MPY_ASSERT(from <= to && to <= list->count);
    return from == to ? mpyi_list_new(t, 0) : mpyi_list_from(t, list->items + from, to - from);
}

/* list_dealloc() when only the first n items are left. */
static MPYI_HOT MPYI_LONG_WAY void
dealloc_the_long_way(struct mpyi_thread *t, mpy_object *o, size_t n)
{
    struct mpyi_list *list = mpyi_list(o);
    mpyi_items_drop(t, list->items, n);
    free_array(t, list->items, list->capacity);
    mpyi_gc_free(t, o, sizeof *list);
}

static MPYI_HOT void
list_dealloc(struct mpyi_thread *t, mpy_object *o)
{
    struct mpyi_list *list = mpyi_list(o);
    size_t left = mpyi_items_drop_short(list->items, list->count);
    if (MPY_LIKELY(left == 0) && MPY_LIKELY(free_array_short(t, list->items, list->capacity))) {
        mpyi_gc_free(t, o, sizeof *list);
    } else {
        dealloc_the_long_way(t, o, left);
    }
}

static void
list_empty(struct mpyi_thread *t, mpy_object *o)
{
    struct mpyi_list *list = mpyi_list(o);
    struct mpyi_list old = *list;
    list->count = 0;
    list->items = NULL;
    list->capacity = 0;
    mpyi_items_drop(t, old.items, old.count);
    free_array(t, old.items, old.capacity);
}

static size_t
list_extra_size(const mpy_object *o)
{
    return mpyi_list(o)->capacity * sizeof(mpy_object *);
}

void
mpyi_list_clear(struct mpyi_thread *t, struct mpyi_list *list)
{
    struct mpyi_list old = *list;
    list->count = 0;
    list->items = NULL;
    list->capacity = 0;
    mpy_decref_many(old.items, old.count);
    free_array(t, old.items, old.capacity);
}

/* ---- size ----------------------------------------------------------------------------------- */

/* Moves the array to one of `capacity` elements. int0. */
static int
set_capacity(struct mpyi_thread *t, struct mpyi_list *list, size_t capacity)
{
    size_t old = list->capacity * sizeof *list->items;
    void *items = mpyi_array_realloc(t->heap, list->items, old, capacity * sizeof *list->items);
    if (MPY_UNLIKELY(items == NULL)) {
        return -1;
    }
    list->items = (mpy_object **)items;
    list->capacity = capacity;
    return 0;
}

int
mpyi_list_grow(struct mpyi_thread *t, struct mpyi_list *list, size_t extra)
{
    size_t n = list->count;
    size_t wanted;
    if (list->capacity - n >= extra) {
        return 0;
    }
    if (!mpyi_add_size(n, extra, &wanted) || wanted > MPYI_LIST_MAX / 2) {
        (void)mpyi_err_no_memory();
        return -1;
    }
    if (extra <= n || extra == 1) {
        wanted = (wanted + (n >> (n < 65536 ? 2 : 3)) + 6) & ~(size_t)3;
    }
    if (set_capacity(t, list, good_capacity(wanted)) < 0) {
        (void)mpyi_err_no_memory();
        return -1;
    }
    return 0;
}

/* Less than a quarter is in use: gives half of it back, if that works. */
static __attribute__((noinline, cold)) void
shrink(struct mpyi_thread *t, struct mpyi_list *list)
{
    (void)set_capacity(t, list, good_capacity(list->capacity / 2));
}

static inline void
maybe_shrink(struct mpyi_thread *t, struct mpyi_list *list)
{
    if (MPY_UNLIKELY(list->capacity > SHRINK_ABOVE && list->count < list->capacity / 4)) {
        shrink(t, list);
    }
}

/* Takes the element at i out; its reference goes to the caller. */
static inline mpy_object *
take(struct mpyi_thread *t, struct mpyi_list *list, size_t i)
{
    mpy_object *o = list->items[i];
    size_t behind = list->count - i - 1;
    if (behind != 0) {
        __builtin_memmove(list->items + i, list->items + i + 1, behind * sizeof *list->items);
    }
    list->count--;
    maybe_shrink(t, list);
    return o;
}

/* ---- the public functions ------------------------------------------------------------------- */

static inline struct mpyi_list *
check_list(const char *function, const mpy_object *o)
{
    if (MPY_LIKELY(mpy_list_check(o))) {
        return mpyi_list(o);
    }
    return (struct mpyi_list *)mpyi_err_argument(function, "list", "list", o);
}

static __attribute__((cold, noinline)) int
index_error(const char *function, ptrdiff_t i, size_t n)
{
    (void)mpyi_err_format(MPY_EXC_INDEX_ERROR, "%s(): list index out of range: %td of %zu",
                          function, i, n);
    return -1;
}

static MPYI_LONG_WAY mpy_object *
new_the_long_way(size_t reserve)
{
    struct mpyi_thread *t = mpyi_enter("mpy_list_new");
    if (t == NULL) {
        return NULL;
    }
    mpyi_safe_point(t);
    return mpyi_list_new(t, reserve);
}

MPYI_HOT mpy_object *
mpy_list_new(size_t reserve)
{
    struct mpyi_thread *t = mpyi_entry();
    if (MPY_LIKELY(t != NULL) && MPY_LIKELY(reserve <= SHORT_MAX) &&
        MPY_LIKELY(!mpyi_gc_is_due(t))) {
        struct mpyi_list *list = new_list_short(t, reserve);
        if (MPY_LIKELY(list != NULL)) {
            list->count = 0;
            mpyi_gc_track(t, (mpy_object *)list);
            return (mpy_object *)list;
        }
    }
    return new_the_long_way(reserve);
}

/* fill() for mpy_list_from_array(). */
static MPYI_LONG_WAY mpy_object *
fill_the_long_way(struct mpyi_thread *t, struct mpyi_list *list, mpy_object *const *items,
                  size_t left, size_t n)
{
    mpy_object *o = fill(t, list, items, left, n);
    return o != NULL ? o
                     : (mpy_object *)mpyi_err_argument("mpy_list_from_array", "items",
                                                       "array of objects", NULL);
}

static MPYI_LONG_WAY mpy_object *
from_array_the_long_way(mpy_object *const *items, size_t n)
{
    struct mpyi_thread *t = mpyi_enter_items("mpy_list_from_array", NULL, items, n);
    struct mpyi_list *list;
    if (t == NULL) {
        return NULL;
    }
    if (n != 0 && items == NULL) {
        return (mpy_object *)mpyi_err_argument("mpy_list_from_array", "items", "array", NULL);
    }
    mpyi_safe_point(t);
    if (n == 0) {
        return mpyi_list_new(t, 0);
    }
    list = new_list_for(t, n);
    return list != NULL ? fill_the_long_way(t, list, items, n, n) : NULL;
}

MPYI_HOT mpy_object *
mpy_list_from_array(mpy_object *const *items, size_t n)
{
    struct mpyi_thread *t = mpyi_entry();
    if (MPY_LIKELY(t != NULL) && MPY_LIKELY(n - 1 < SHORT_MAX) && MPY_LIKELY(items != NULL) &&
        MPY_LIKELY(!mpyi_gc_is_due(t))) {
        struct mpyi_list *list = new_list_short(t, n);
        if (MPY_LIKELY(list != NULL)) {
            size_t left = mpyi_items_fill_short(list->items, items, n);
            list->count = n;
            if (MPY_LIKELY(left == 0) && MPY_LIKELY(mpyi_gc_track_short(t, (mpy_object *)list))) {
                return (mpy_object *)list;
            }
            return fill_the_long_way(t, list, items, left, n);
        }
    }
    return from_array_the_long_way(items, n);
}

ptrdiff_t
mpy_list_length(mpy_object *o)
{
    struct mpyi_list *list;
    if (mpyi_enter1(__func__, o) == NULL || (list = check_list(__func__, o)) == NULL) {
        return -1;
    }
    return (ptrdiff_t)list->count;
}

static MPYI_LONG_WAY mpy_object *
get_the_long_way(mpy_object *o, ptrdiff_t i)
{
    struct mpyi_list *list;
    if (mpyi_enter1("mpy_list_get", o) == NULL || (list = check_list("mpy_list_get", o)) == NULL) {
        return NULL;
    }
    if ((size_t)i >= list->count) {
        (void)index_error("mpy_list_get", i, list->count);
        return NULL;
    }
    return mpy_newref(list->items[i]);
}

MPYI_HOT mpy_object *
mpy_list_get(mpy_object *o, ptrdiff_t i)
{
    if (MPY_LIKELY(mpyi_entry() != NULL) && MPY_LIKELY(mpy_list_check(o)) &&
        MPY_LIKELY((size_t)i < mpyi_list(o)->count)) {
        mpy_object *item = mpyi_list(o)->items[i];
        if (MPY_LIKELY(mpyi_take_reference(item))) {
            return item;
        }
    }
    return get_the_long_way(o, i);
}

ptrdiff_t
mpy_list_copy_out(mpy_object *o, ptrdiff_t from, size_t n, mpy_object **out)
{
    struct mpyi_list *list;
    if (mpyi_enter1(__func__, o) == NULL || (list = check_list(__func__, o)) == NULL) {
        return -1;
    }
    if (from < 0) {
        return index_error(__func__, from, list->count);
    }
    if (n != 0 && out == NULL) {
        (void)mpyi_err_argument(__func__, "out", "array", NULL);
        return -1;
    }
    if ((size_t)from >= list->count) {
        return 0;
    }
    n = n < list->count - (size_t)from ? n : list->count - (size_t)from;
    mpyi_items_copy(out, list->items + from, n);
    return (ptrdiff_t)n;
}

int
mpy_list_set(mpy_object *o, ptrdiff_t i, mpy_object *value)
{
    struct mpyi_list *list;
    if (MPY_UNLIKELY(mpyi_enter2(__func__, o, value) == NULL) ||
        MPY_UNLIKELY((list = check_list(__func__, o)) == NULL)) {
        return -1;
    }
    if (value == NULL) {
        (void)mpyi_err_argument(__func__, "value", "object", NULL);
        return -1;
    }
    if (MPY_UNLIKELY((size_t)i >= list->count)) {
        return index_error(__func__, i, list->count);
    }
    mpy_assign(&list->items[i], value);
    return 0;
}

int
mpy_list_insert(mpy_object *o, ptrdiff_t i, mpy_object *value)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, o, value);
    struct mpyi_list *list;
    size_t at;
    if (t == NULL || (list = check_list(__func__, o)) == NULL) {
        return -1;
    }
    if (value == NULL) {
        (void)mpyi_err_argument(__func__, "value", "object", NULL);
        return -1;
    }
    if (mpyi_list_grow(t, list, 1) < 0) {
        return -1;
    }
    at = i < 0 ? 0 : (size_t)i < list->count ? (size_t)i : list->count;
    __builtin_memmove(list->items + at + 1, list->items + at,
                      (list->count - at) * sizeof *list->items);
    mpy_incref(value);
    list->items[at] = value;
    list->count++;
    return 0;
}

static MPYI_LONG_WAY int
append_the_long_way(mpy_object *o, mpy_object *value)
{
    struct mpyi_thread *t = mpyi_enter2("mpy_list_append", o, value);
    if (t == NULL || check_list("mpy_list_append", o) == NULL) {
        return -1;
    }
    if (value == NULL) {
        (void)mpyi_err_argument("mpy_list_append", "value", "object", NULL);
        return -1;
    }
    return mpyi_list_append(t, o, value);
}

MPYI_HOT int
mpy_list_append(mpy_object *o, mpy_object *value)
{
    if (MPY_LIKELY(mpyi_entry() != NULL) && MPY_LIKELY(mpy_list_check(o)) &&
        MPY_LIKELY(value != NULL)) {
        struct mpyi_list *list = mpyi_list(o);
        size_t n = list->count;
        if (MPY_LIKELY(n != list->capacity) && MPY_LIKELY(mpyi_take_reference(value))) {
            list->items[n] = value;
            list->count = n + 1;
            return 0;
        }
    }
    return append_the_long_way(o, value);
}

mpy_object *
mpy_list_pop(mpy_object *o, ptrdiff_t i)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, o);
    struct mpyi_list *list;
    size_t at;
    if (t == NULL || (list = check_list(__func__, o)) == NULL) {
        return NULL;
    }
    at = i == -1 ? list->count - 1 : (size_t)i;
    if (MPY_UNLIKELY(at >= list->count)) {
        (void)index_error(__func__, i, list->count);
        return NULL;
    }
    return take(t, list, at);
}

static inline size_t
clamp(ptrdiff_t i, size_t n)
{
    return i < 0 ? 0 : (size_t)i < n ? (size_t)i : n;
}

mpy_object *
mpy_list_get_slice(mpy_object *o, ptrdiff_t from, ptrdiff_t to)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, o);
    struct mpyi_list *list;
    size_t begin, end;
    if (t == NULL || (list = check_list(__func__, o)) == NULL) {
        return NULL;
    }
    mpyi_safe_point(t);
    begin = clamp(from, list->count);
    end = clamp(to, list->count);
    return mpyi_list_slice(t, list, begin, end < begin ? begin : end);
}

int
mpy_list_clear(mpy_object *o)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, o);
    struct mpyi_list *list;
    if (t == NULL || (list = check_list(__func__, o)) == NULL) {
        return -1;
    }
    mpyi_list_clear(t, list);
    return 0;
}

mpy_object *
mpy_list_as_tuple(mpy_object *o)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, o);
    struct mpyi_list *list;
    if (t == NULL || (list = check_list(__func__, o)) == NULL) {
        return NULL;
    }
    mpyi_safe_point(t);
    return mpyi_tuple_from(t, list->items, list->count);
}

/* ---- the type ------------------------------------------------------------------------------- */

int
mpyi_index_of_key(const char *function, const char *type, mpy_object *key, size_t n, size_t *out)
{
    int64_t i;
    size_t at;
    if (!mpyi_int_get(key, &i)) {
        (void)mpyi_err_argument(function, "key", "int", key);
        return -1;
    }
    at = (size_t)i + (i < 0 ? n : 0);
    if (MPY_UNLIKELY(at >= n)) {
        (void)mpyi_err_format(MPY_EXC_INDEX_ERROR, "%s(): %s index out of range", function, type);
        return -1;
    }
    *out = at;
    return 0;
}

static ptrdiff_t
slot_length(mpy_object *o)
{
    return (ptrdiff_t)mpyi_list(o)->count;
}

static int
slot_is_true(mpy_object *o)
{
    return mpyi_list(o)->count != 0;
}

static mpy_object *
slot_get_item(mpy_object *o, mpy_object *key)
{
    struct mpyi_list *list = mpyi_list(o);
    size_t i;
    if (mpyi_index_of_key("mpy_object_get_item", "list", key, list->count, &i) < 0) {
        return NULL;
    }
    return mpy_newref(list->items[i]);
}

static int
slot_set_item(mpy_object *o, mpy_object *key, mpy_object *value)
{
    struct mpyi_list *list = mpyi_list(o);
    const char *function = value != NULL ? "mpy_object_set_item" : "mpy_object_del_item";
    size_t i;
    if (mpyi_index_of_key(function, "list", key, list->count, &i) < 0) {
        return -1;
    }
    if (value != NULL) {
        mpy_assign(&list->items[i], value);
    } else {
        mpy_decref(take(mpyi_current(), list, i));
    }
    return 0;
}

const struct mpyi_type mpyi_list_type = {
    .head = MPYI_STATIC_HEAD(MPY_TF_LIST),
    .layout = MPYI_LAYOUT_INDIRECT,
    .id = MPY_TYPE_ID_LIST,
    .ref_offset = offsetof(struct mpyi_list, items),
    .count_offset = offsetof(struct mpyi_list, count),
    .instance_size = sizeof(struct mpyi_list),
    .name = "list",
    .qualname = "list",
    .base = &mpyi_object_type,
    .dealloc = list_dealloc,
    .empty = list_empty,
    .extra_size = list_extra_size,
    .free_extra = list_free_extra,
    .slots =
        {
            .repr = mpyi_list_slot_repr,
            .hash = mpyi_hash_unhashable,
            .compare = mpyi_list_slot_compare,
            .is_true = slot_is_true,
            .length = slot_length,
            .get_item = slot_get_item,
            .set_item = slot_set_item,
            .contains = mpyi_list_slot_contains,
            .iter = mpyi_iter_of_list,
            .add = mpyi_list_slot_add,
            .multiply = mpyi_list_slot_multiply,
        },
};
