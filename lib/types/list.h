/* SPDX-License-Identifier: MIT */
/*
 * types/list.h - the list object, for the library itself.
 *
 *     struct mpyi_list            items
 *     +--------+-------+------+   +-----+-----+-----+----- - - -+
 *     | header | count | items+-->|  0  |  1  | ... | free room |
 *     |        |   capacity   |   +-----+-----+-----+----- - - -+
 *     +--------+--------------+    0 <= count <= capacity; items is NULL when capacity is 0
 *
 * The array is a raw block of the runtime (mpyi_array_*) of exactly 8 * capacity requested bytes.
 * items[0..count) are strong references, never NULL; the rest is indeterminate.
 *
 * Code that may run user code (equality, iterators, drops) must read count and items again
 * afterwards.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_LIST_H
#define MPY_TYPES_LIST_H

#include "minipy/list.h"

#include "gc/gc.h"
#include "types/short.h"

struct mpy_strwriter;

struct mpyi_list {
    struct mpy_priv_header head;
    size_t count;
    mpy_object **items;
    size_t capacity;
};

MPY_STATIC_ASSERT(sizeof(struct mpyi_list) == 40, "an empty list is 40 bytes");

/* Elements a list can have: the array's size must fit ptrdiff_t. */
#define MPYI_LIST_MAX ((size_t)PTRDIFF_MAX / sizeof(mpy_object *))

static inline struct mpyi_list *
mpyi_list(const mpy_object *o)
{
    MPY_ASSERT(mpy_list_check(o));
    return (struct mpyi_list *)(uintptr_t)o;
}

static inline mpy_object *
mpyi_list_object(struct mpyi_list *list)
{
    return (mpy_object *)list;
}

/* An empty, tracked list with room for `reserve` elements; NULL with an error. No safe point: the
   public functions are that. */
MPY_NODISCARD mpy_object *
mpyi_list_new(struct mpyi_thread *t, size_t reserve);

/* A list of n elements, none of them NULL, each of which gets a new reference. */
MPY_NODISCARD mpy_object *
mpyi_list_from(struct mpyi_thread *t, mpy_object *const *items, size_t n);

/* Makes room for at least `extra` more elements. int0. */
MPY_NODISCARD int
mpyi_list_grow(struct mpyi_thread *t, struct mpyi_list *list, size_t extra);

/* Appends; the list gets a new reference. int0. */
MPY_NODISCARD static inline int
mpyi_list_append(struct mpyi_thread *t, mpy_object *o, mpy_object *value)
{
    struct mpyi_list *list = mpyi_list(o);
    size_t n = list->count;
    if (MPY_UNLIKELY(n == list->capacity) && mpyi_list_grow(t, list, 1) < 0) {
        return -1;
    }
    mpy_incref(value);
    list->items[n] = value;
    list->count = n + 1;
    return 0;
}

/* Appends and takes over the caller's reference, on failure too. int0. */
MPY_NODISCARD static inline int
mpyi_list_push(struct mpyi_thread *t, mpy_object *o, mpy_object *owned)
{
    struct mpyi_list *list = mpyi_list(o);
    size_t n = list->count;
    if (MPY_UNLIKELY(n == list->capacity) && mpyi_list_grow(t, list, 1) < 0) {
        mpy_decref(owned);
        return -1;
    }
    mpyi_gc_stored(owned);
    list->items[n] = owned;
    list->count = n + 1;
    return 0;
}

/* Removes the last element, which must exist, and hands its reference over. */
static inline mpy_object *
mpyi_list_pop_last(mpy_object *o)
{
    struct mpyi_list *list = mpyi_list(o);
    MPY_ASSERT(list->count > 0);
    return list->items[--list->count];
}

/* Appends what an iterable gives; the public mpy_list_extend() without its checks. int0. */
MPY_NODISCARD int
mpyi_list_extend(struct mpyi_thread *t, mpy_object *o, mpy_object *iterable);

/* Elements from..to, 0 <= from <= to <= count, as a new list. */
MPY_NODISCARD mpy_object *
mpyi_list_slice(struct mpyi_thread *t, const struct mpyi_list *list, size_t from, size_t to);

/* Drops every element and the array; the list is empty before the first reference goes. (U) */
void
mpyi_list_clear(struct mpyi_thread *t, struct mpyi_list *list);

/* The index an object key means in a sequence of n elements, negative ones counted from the end.
   int0: TypeError not an int, IndexError `function(): type index out of range`. */
MPY_NODISCARD int
mpyi_index_of_key(const char *function, const char *type, mpy_object *key, size_t n, size_t *out);

/* The repr of a container: what `write` writes, or `nested` inside the repr of the same container.
 */
mpy_object *
mpyi_repr_container(mpy_object *o, const char *nested,
                    int (*write)(struct mpy_strwriter *w, mpy_object *o));

/* Order of the sequences a[0..*na) and b[0..*nb): the answer of `a op b`; sizes and items are read
   again after each comparison of elements, so they may change. (U) */
mpy_object *
mpyi_sequence_compare(struct mpyi_thread *t, mpy_object **const *a, const size_t *na,
                      mpy_object **const *b, const size_t *nb, int op);

/* bool: an element of the sequence equals `value`; read as by mpyi_sequence_compare(). (U) */
int
mpyi_sequence_contains(struct mpyi_thread *t, mpy_object **const *items, const size_t *n,
                       mpy_object *value);

/* Writes "open", the reprs of the elements with ", " between them, and "close". int0. (U) */
int
mpyi_sequence_write(struct mpy_strwriter *w, mpy_object **const *items, const size_t *n,
                    const char *open, const char *close);

/* Copies items[0..count), each with a new reference, up to the first that is NULL; their number. */
static inline size_t
mpyi_items_fill(mpy_object **to, mpy_object *const *items, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++) {
        mpy_object *item = items[i];
        if (mpy_priv_is_heap(item)) {
            if (MPY_UNLIKELY(item == NULL)) {
                break;
            }
            mpy_incref(item);
        }
        to[i] = item;
    }
    return i;
}

/* The same from the last to the first, up to one that is NULL or whose count takes a call; how many
   are left. */
static inline size_t
mpyi_items_fill_short(mpy_object **to, mpy_object *const *items, size_t count)
{
    while (count != 0) {
        mpy_object *item = items[count - 1];
        if (MPY_UNLIKELY(item == NULL) || MPY_UNLIKELY(!mpyi_take_reference(item))) {
            break;
        }
        to[count - 1] = item;
        count--;
    }
    return count;
}

/* Copies items[0..count), each with a new reference; none is NULL. */
static inline void
mpyi_items_copy(mpy_object **to, mpy_object *const *items, size_t count)
{
    (void)mpyi_items_fill(to, items, count);
}

/* Drops items[0..count) from the last to the first, as long as that is no more than counting; how
   many are left. */
static inline size_t
mpyi_items_drop_short(mpy_object *const *items, size_t count)
{
    while (count != 0) {
        mpy_object *item = items[count - 1];
        if (mpy_priv_is_heap(item)) {
            struct mpy_priv_header *head = mpyi_head(item);
            if (MPY_UNLIKELY((int32_t)((head->refcnt - 2) | head->gcword) < 0)) {
                break;
            }
            head->refcnt--;
        }
        count--;
    }
    return count;
}

/* Drops items[0..count) from inside a dealloc or empty function. */
static inline void
mpyi_items_drop(struct mpyi_thread *t, mpy_object *const *items, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++) {
        mpyi_drop(t, items[i]);
    }
}

/* Slots of the type; types/list_ops.c. */
mpy_object *
mpyi_list_slot_repr(mpy_object *o);
mpy_object *
mpyi_list_slot_compare(mpy_object *a, mpy_object *b, int op);
int
mpyi_list_slot_contains(mpy_object *o, mpy_object *value);
mpy_object *
mpyi_list_slot_add(mpy_object *a, mpy_object *b);
mpy_object *
mpyi_list_slot_multiply(mpy_object *a, mpy_object *b);

#endif /* MPY_TYPES_LIST_H */
