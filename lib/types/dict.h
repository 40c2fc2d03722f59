/* SPDX-License-Identifier: MIT */
/*
 * types/dict.h - the dict object, for the library itself. The table is in types/dict_table.h.
 *
 * Two families:
 *
 *   mpyi_dict_find_str ...  str keys only, borrowed results, cannot fail and run no user code while
 *                           the dict has str keys only (MPYI_DICT_STR): what attributes, classes
 *                           and keyword arguments need
 *   mpyi_dict_get ...       any key, as the public functions, without their argument checks
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_DICT_H
#define MPY_TYPES_DICT_H

#include "minipy/dict.h"

#include "gc/gc.h"

/* One entry of the dense array; both NULL: deleted. */
struct mpyi_dict_entry {
    mpy_object *key;
    mpy_object *value;
};

/*
 * refs     references in the entry array: 2 * entries used, deleted ones included
 * entries  the entry array; what a look-up needs lies right below it (types/dict_table.h). While
 *          there is no table it points behind a static group without keys.
 * live     entries that are not deleted: the length
 * first    no live entry lies before this index
 * state    bits 0..7 68 - log2 of the slots, 8..9 MPYI_DICT_* kind, 10..11 padding of the block in
 *          units of 16 bytes, 12 MPYI_DICT_VISITED, 13 MPYI_DICT_LARGE, 16.. version: changes
 *          whenever a key is added or removed or the table moves
 */
struct mpyi_dict {
    struct mpy_priv_header head;
    size_t refs;
    struct mpyi_dict_entry *entries;
    uint32_t live;
    uint32_t first;
    uint64_t state;
};

MPY_STATIC_ASSERT(sizeof(struct mpyi_dict) == 48, "an empty dict is 48 bytes");

/* In `state`: mpy_dict_each() lends an entry to a callback. Whoever takes a key or value out of the
   dict, or moves its entries, calls mpyi_dict_secure() first. */
#define MPYI_DICT_VISITED ((uint64_t)1 << 12)

/* In `state`: indices have 3 bytes; what a look-up asks first, in one instruction. */
#define MPYI_DICT_LARGE ((uint64_t)1 << 13)

/* What is known of the keys; only grows, until the dict is cleared. */
#define MPYI_DICT_STR 0 /* all are str */
#define MPYI_DICT_SIMPLE                                                                           \
    1                       /* str, int, float, bool, constants: hashing and equality run no code  \
                             */
#define MPYI_DICT_GENERAL 2 /* anything: the table keeps their hashes */

static inline struct mpyi_dict *
mpyi_dict(const mpy_object *o)
{
    MPY_ASSERT(mpy_dict_check(o));
    return (struct mpyi_dict *)(uintptr_t)o;
}

static inline size_t
mpyi_dict_length(const mpy_object *o)
{
    return mpyi_dict(o)->live;
}

static inline unsigned
mpyi_dict_kind(const struct mpyi_dict *d)
{
    return (unsigned)(d->state >> 8) & 3u;
}

static inline uint64_t
mpyi_dict_version(const struct mpyi_dict *d)
{
    return d->state >> 16;
}

/* An empty, tracked dict with room for `reserve` entries. No safe point. */
MPY_NODISCARD mpy_object *
mpyi_dict_new(struct mpyi_thread *t, size_t reserve);

/* ---- str keys, no user code, no errors: the dict's kind must be MPYI_DICT_STR -------------------
 */

/* The value of a str key, borrowed; NULL: not there. */
mpy_object *
mpyi_dict_find_str(const mpy_object *o, mpy_object *key);

/* The same by n bytes of UTF-8 and their mpyi_hash_bytes(). */
mpy_object *
mpyi_dict_find_bytes(const mpy_object *o, const char *utf8, size_t n, uint64_t hash);

/* ---- any key -------------------------------------------------------------------------------- */

/* found; *out is a new reference. (U) */
MPY_NODISCARD int
mpyi_dict_get(struct mpyi_thread *t, mpy_object *o, mpy_object *key, mpy_object **out);

/* int0. Key and value get new references. (U) */
MPY_NODISCARD int
mpyi_dict_set(struct mpyi_thread *t, mpy_object *o, mpy_object *key, mpy_object *value);

/* found: removes the key; *out, unless out is NULL, is the value. (U) */
MPY_NODISCARD int
mpyi_dict_pop(struct mpyi_thread *t, mpy_object *o, mpy_object *key, mpy_object **out);

/* bool. (U) */
MPY_NODISCARD int
mpyi_dict_contains(struct mpyi_thread *t, mpy_object *o, mpy_object *key);

/* The entry at or after *position, borrowed; moves *position behind it. NULL at the end. Start with
   0. For walks during which nobody adds or removes keys. */
const struct mpyi_dict_entry *
mpyi_dict_walk(const mpy_object *o, size_t *position);

/* Drops every entry and the table; the dict is empty before the first reference goes. (U) */
void
mpyi_dict_clear(struct mpyi_thread *t, struct mpyi_dict *d);

/* Gives the visits of d references of their own to what they have lent, and takes the VISITED bit
   away. Changes nothing else, runs no code. */
void
mpyi_dict_secure(struct mpyi_dict *d) __attribute__((cold));

/* KeyError with the key as its argument. */
void
mpyi_dict_key_error(mpy_object *key) __attribute__((cold));

/* Slots of the type that types/dict_iter.c holds. */
mpy_object *
mpyi_dict_slot_repr(mpy_object *o);
mpy_object *
mpyi_dict_slot_compare(mpy_object *a, mpy_object *b, int op);

#endif /* MPY_TYPES_DICT_H */
