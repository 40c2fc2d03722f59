/* SPDX-License-Identifier: MIT */
/*
 * minipy/dict.h - a hash table that keeps the order of insertion.
 *
 * Keys must be hashable: TypeError otherwise. Replacing a value keeps the key's place. Operations
 * on one key are O(1) on average, whatever the keys: the hash of text is keyed with a random
 * secret. A call is atomic under the lock unless keys of host types run code (U: their hash and
 * equality, and finalizers of what is dropped, always after the dict is in its new state). Such
 * code may change the dict: the operation then starts over.
 *
 * Results, ownership and threads: see minipy/object.h.
 */
#ifndef MPY_DICT_H
#define MPY_DICT_H

#include "minipy/object.h"

MPY_EXTERN_C_BEGIN

/* 1 for a dict, else 0; NULL is not one. Cannot fail. */
MPY_INLINE int
mpy_dict_check(const mpy_object *o)
{
    return mpy_priv_has_flag(o, MPY_TF_DICT);
}

/* An empty dict with room for `reserve` entries. */
MPY_NODISCARD MPY_API mpy_object *
mpy_dict_new(size_t reserve);

/* size. O(1). */
MPY_NODISCARD MPY_API ptrdiff_t
mpy_dict_length(mpy_object *dict);

/* found. A missing key raises nothing. */
MPY_NODISCARD MPY_API int
mpy_dict_get(mpy_object *dict, mpy_object *key, mpy_object **out);
MPY_NODISCARD MPY_API int
mpy_dict_get_utf8(mpy_object *dict, const char *key, mpy_object **out);

MPY_NODISCARD MPY_API int
mpy_dict_set(mpy_object *dict, mpy_object *key, mpy_object *value);
MPY_NODISCARD MPY_API int
mpy_dict_set_utf8(mpy_object *dict, const char *key, mpy_object *value);

/* 1: the key was there, *out is its value; 0: it was not, `value` was stored and *out is `value`;
   -1. out may be NULL. */
MPY_NODISCARD MPY_API int
mpy_dict_set_default(mpy_object *dict, mpy_object *key, mpy_object *value, mpy_object **out);

/* int0: KeyError when the key is missing. */
MPY_NODISCARD MPY_API int
mpy_dict_del(mpy_object *dict, mpy_object *key);

/* found: removes the key; *out, unless out is NULL, gets the value. */
MPY_NODISCARD MPY_API int
mpy_dict_pop(mpy_object *dict, mpy_object *key, mpy_object **out);

/* bool. */
MPY_NODISCARD MPY_API int
mpy_dict_contains(mpy_object *dict, mpy_object *key);

/* Position of a walk; start with MPY_DICT_START. */
typedef struct mpy_dict_cursor {
    size_t position;
    uint64_t version;
} mpy_dict_cursor;
#define MPY_DICT_START                                                                             \
    {                                                                                              \
        0, 0                                                                                       \
    }

/* found: the next entry in order of insertion; either out may be NULL. Values may be replaced on
   the way; RuntimeError when keys were added or removed. O(1). */
MPY_NODISCARD MPY_API int
mpy_dict_next(mpy_object *dict, mpy_dict_cursor *cursor, mpy_object **key, mpy_object **value);

/* Called with a borrowed key and value; 0 to go on, 1 to stop, -1 with an error set. */
typedef int (*mpy_dict_visit_fn)(void *data, mpy_object *key, mpy_object *value);

/* int0: calls fn for every entry, in order of insertion. 1 when fn stopped. What fn may do and what
   it may not, as with mpy_dict_next(). The fastest way to go through a dict: no reference is taken
   unless fn changes the dict. O(length). (U) */
MPY_NODISCARD MPY_API int
mpy_dict_each(mpy_object *dict, mpy_dict_visit_fn fn, void *data);

/* Lists, in order of insertion; items are 2-tuples. */
MPY_NODISCARD MPY_API mpy_object *
mpy_dict_keys(mpy_object *dict);
MPY_NODISCARD MPY_API mpy_object *
mpy_dict_values(mpy_object *dict);
MPY_NODISCARD MPY_API mpy_object *
mpy_dict_items(mpy_object *dict);

MPY_NODISCARD MPY_API mpy_object *
mpy_dict_copy(mpy_object *dict);

/* Sets every entry of `other`, a dict. On failure those set so far stay. */
MPY_NODISCARD MPY_API int
mpy_dict_update(mpy_object *dict, mpy_object *other);

MPY_NODISCARD MPY_API int
mpy_dict_clear(mpy_object *dict);

MPY_EXTERN_C_END

#endif /* MPY_DICT_H */
