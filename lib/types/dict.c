/* SPDX-License-Identifier: MIT */
/*
 * types/dict.c - access to a dict by key. Its life and its type are in types/dict_type.c.
 *
 * Every access is a search (types/dict_table.h) and then a change that runs no user code, so it is
 * one step to everybody else. find() picks the search: keys whose hash and equality run no code,
 * strs above all, take the short ones; everything else goes through mpyi_dict_search_any(). A str
 * in a GENERAL table tries the short one first: only a key of a host's type could still be equal.
 *
 * References are dropped last, when the dict is in its new state.
 *
 * C strings are hashed and compared as bytes; a str is made only to be stored, or to be compared
 * with keys of host types.
 *
 * Lock: the runtime's.
 */
#include "types/dict_args.h"
#include "types/dict_table.h"

#include "types/intern.h"
#include "types/protocol.h"

/* ---- finding a key -------------------------------------------------------------------------- */

/* Any key that is no str: 1, 0, -1. *hash is set unless the result is -1. */
static __attribute__((noinline)) int
find_other(struct mpyi_thread *t, struct mpyi_dict *d, mpy_object *key, uint64_t *hash,
           struct mpyi_dict_place *place)
{
    int64_t value;
    if (mpyi_dict_kind_of_key(key) == MPYI_DICT_SIMPLE) {
        *hash = mpyi_dict_hash_simple(key);
        if (mpyi_dict_kind(d) != MPYI_DICT_GENERAL) {
            return mpyi_dict_search_simple(d, key, *hash, place);
        }
    } else {
        if (mpyi_hash(t, key, &value) < 0) {
            return -1;
        }
        *hash = (uint64_t)value;
    }
    return mpyi_dict_search_any(t, d, key, *hash, place);
}

/* A str that the first look did not settle. */
static inline int
find_str(struct mpyi_thread *t, struct mpyi_dict *d, mpy_object *key, uint64_t hash,
         struct mpyi_dict_place *place)
{
    if (mpyi_dict_search_str(d, mpyi_str_of(key), hash, place)) {
        return 1;
    }
    return MPY_LIKELY(mpyi_dict_kind(d) != MPYI_DICT_GENERAL)
               ? 0
               : mpyi_dict_search_any(t, d, key, hash, place);
}

/* 1: found, at *place; 0: not there, place->group is for mpyi_dict_add(); -1. *hash is the key's.
   (U) */
static int
find(struct mpyi_thread *t, struct mpyi_dict *d, mpy_object *key, uint64_t *hash,
     struct mpyi_dict_place *place)
{
    int found;
    if (MPY_UNLIKELY(!mpyi_is_str(key))) {
        return find_other(t, d, key, hash, place);
    }
    *hash = mpyi_str_hash(mpyi_str_of(key));
    found = mpyi_dict_first_look(d, key, *hash, place);
    if (found == MPYI_DICT_UNSURE || MPY_UNLIKELY(mpyi_dict_kind(d) == MPYI_DICT_GENERAL)) {
        return find_str(t, d, key, *hash, place);
    }
    return found;
}

/* The same for a C string. */
static inline int
find_utf8(struct mpyi_thread *t, const char *function, struct mpyi_dict *d, const char *utf8,
          struct mpyi_dict_place *place)
{
    size_t n = strlen(utf8);
    uint64_t hash = mpyi_hash_bytes(utf8, n);
    mpy_object *key;
    int found = mpyi_dict_search_bytes(d, utf8, n, hash, place);
    if (found || MPY_LIKELY(mpyi_dict_kind(d) != MPYI_DICT_GENERAL)) {
        return found;
    }
    key = mpyi_str_new(t, function, utf8, n);
    if (key == NULL) {
        return -1;
    }
    found = mpyi_dict_search_any(t, d, key, hash, place);
    mpy_decref(key);
    return found;
}

/* ---- access --------------------------------------------------------------------------------- */

int
mpyi_dict_get(struct mpyi_thread *t, mpy_object *o, mpy_object *key, mpy_object **out)
{
    struct mpyi_dict *d = mpyi_dict(o);
    struct mpyi_dict_place place;
    uint64_t hash;
    int found = find(t, d, key, &hash, &place);
    *out = found > 0 ? mpy_newref(place.entry->value) : NULL;
    return found;
}

/* Stores a value in an entry that was found. */
static inline void
replace(struct mpyi_dict *d, const struct mpyi_dict_place *place, mpy_object *value)
{
    mpy_object **slot = &place->entry->value;
    mpy_object *old = *slot;
    if (MPY_UNLIKELY((d->state & MPYI_DICT_VISITED) != 0)) {
        mpyi_dict_secure(d);
    }
    mpy_incref(value);
    *slot = value;
    mpy_decref(old);
}

int
mpyi_dict_set(struct mpyi_thread *t, mpy_object *o, mpy_object *key, mpy_object *value)
{
    struct mpyi_dict *d = mpyi_dict(o);
    struct mpyi_dict_place place;
    uint64_t hash;
    int found = find(t, d, key, &hash, &place);
    if (found < 0) {
        return -1;
    }
    if (found == 0) {
        return mpyi_dict_add(t, d, key, value, hash, place.group);
    }
    replace(d, &place, value);
    return 0;
}

int
mpyi_dict_pop(struct mpyi_thread *t, mpy_object *o, mpy_object *key, mpy_object **out)
{
    struct mpyi_dict *d = mpyi_dict(o);
    struct mpyi_dict_place place;
    struct mpyi_dict_entry entry;
    uint64_t hash;
    int found = find(t, d, key, &hash, &place);
    if (out != NULL) {
        *out = NULL;
    }
    if (found <= 0) {
        return found;
    }
    entry = *place.entry;
    mpyi_dict_take(d, place);
    if (out != NULL) {
        *out = entry.value;
    } else {
        mpy_decref(entry.value);
    }
    mpy_decref(entry.key);
    return 1;
}

int
mpyi_dict_contains(struct mpyi_thread *t, mpy_object *o, mpy_object *key)
{
    struct mpyi_dict_place place;
    uint64_t hash;
    return find(t, mpyi_dict(o), key, &hash, &place);
}

mpy_object *
mpyi_dict_find_str(const mpy_object *o, mpy_object *key)
{
    struct mpyi_dict *d = mpyi_dict(o);
    struct mpyi_dict_place place;
    struct mpyi_str *s = mpyi_str_of(key);
    MPY_ASSERT(mpyi_dict_kind(d) == MPYI_DICT_STR);
    switch (mpyi_dict_first_look(d, key, mpyi_str_hash(s), &place)) {
    case MPYI_DICT_HIT:
        return place.entry->value;
    case MPYI_DICT_MISS:
        return NULL;
    default:
        return mpyi_dict_search_str(d, s, mpyi_str_hash(s), &place) ? place.entry->value : NULL;
    }
}

mpy_object *
mpyi_dict_find_bytes(const mpy_object *o, const char *utf8, size_t n, uint64_t hash)
{
    struct mpyi_dict *d = mpyi_dict(o);
    struct mpyi_dict_place place;
    MPY_ASSERT(mpyi_dict_kind(d) == MPYI_DICT_STR);
    return mpyi_dict_search_bytes(d, utf8, n, hash, &place) ? place.entry->value : NULL;
}

/* ---- the public functions ------------------------------------------------------------------- */

static inline int
check_text(const char *function, const mpy_object *dict, const char *utf8)
{
    if (MPY_UNLIKELY(!mpy_dict_check(dict))) {
        (void)mpyi_err_argument(function, "dict", "dict", dict);
        return -1;
    }
    if (MPY_UNLIKELY(utf8 == NULL)) {
        (void)mpyi_err_argument(function, "key", "text", NULL);
        return -1;
    }
    return 0;
}

ptrdiff_t
mpy_dict_length(mpy_object *dict)
{
    if (mpyi_enter1(__func__, dict) == NULL) {
        return -1;
    }
    if (!mpy_dict_check(dict)) {
        (void)mpyi_err_argument(__func__, "dict", "dict", dict);
        return -1;
    }
    return (ptrdiff_t)mpyi_dict_length(dict);
}

int
mpy_dict_get_utf8(mpy_object *dict, const char *key, mpy_object **out)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, dict);
    struct mpyi_dict_place place;
    int found;
    if (MPY_UNLIKELY(t == NULL) || MPY_UNLIKELY(out == NULL)) {
        return mpyi_dict_bad_out(t, __func__, out);
    }
    *out = NULL;
    if (check_text(__func__, dict, key) < 0) {
        return -1;
    }
    found = find_utf8(t, __func__, mpyi_dict(dict), key, &place);
    if (found > 0) {
        *out = mpy_newref(place.entry->value);
        return 1;
    }
    return found < 0 ? -1 : mpyi_str_check_utf8(__func__, key, strlen(key));
}

/* The str for a new key. Where the text is interned already, that one: names are shared between
   dicts, and look-ups by the interned name find the key itself. Texts nobody has interned are data
   more often than names, and stay out of the table. */
static mpy_object *
key_of_utf8(struct mpyi_thread *t, const char *function, const char *utf8)
{
    size_t n = strlen(utf8);
    struct mpyi_str *interned = mpyi_intern_find(t, utf8, n);
    return interned != NULL ? mpy_newref(mpyi_str_object(interned))
                            : mpyi_str_new(t, function, utf8, n);
}

int
mpy_dict_set_utf8(mpy_object *dict, const char *key, mpy_object *value)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, dict, value);
    struct mpyi_dict_place place;
    mpy_object *str;
    int result;
    if (MPY_UNLIKELY(t == NULL) || check_text(__func__, dict, key) < 0) {
        return -1;
    }
    if (MPY_UNLIKELY(value == NULL)) {
        (void)mpyi_err_argument(__func__, "value", "object", NULL);
        return -1;
    }
    result = find_utf8(t, __func__, mpyi_dict(dict), key, &place);
    if (result != 0) {
        if (result > 0) {
            replace(mpyi_dict(dict), &place, value);
        }
        return result > 0 ? 0 : -1;
    }
    str = key_of_utf8(t, __func__, key);
    if (str == NULL) {
        return -1;
    }
    result = mpyi_dict_set(t, dict, str, value);
    mpy_decref(str);
    return result;
}

int
mpy_dict_set_default(mpy_object *dict, mpy_object *key, mpy_object *value, mpy_object **out)
{
    struct mpyi_thread *t = mpyi_enter3(__func__, dict, key, value);
    struct mpyi_dict_place place;
    uint64_t hash;
    int found = -1;
    if (out != NULL) {
        *out = NULL;
    }
    if (t == NULL || mpyi_dict_check_args(__func__, dict, key, "key") < 0) {
        return -1;
    }
    if (value == NULL) {
        (void)mpyi_err_argument(__func__, "value", "object", NULL);
        return -1;
    }
    found = mpyi_dict_result(find(t, mpyi_dict(dict), key, &hash, &place), __func__, key);
    if (found > 0) {
        value = place.entry->value;
    } else if (found < 0 || mpyi_dict_add(t, mpyi_dict(dict), key, value, hash, place.group) < 0) {
        return -1;
    }
    if (out != NULL) {
        *out = mpy_newref(value);
    }
    return found;
}

int
mpy_dict_pop(mpy_object *dict, mpy_object *key, mpy_object **out)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, dict, key);
    if (out != NULL) {
        *out = NULL;
    }
    if (MPY_UNLIKELY(t == NULL) || mpyi_dict_check_args(__func__, dict, key, "key") < 0) {
        return -1;
    }
    return mpyi_dict_result(mpyi_dict_pop(t, dict, key, out), __func__, key);
}

mpy_object *
mpy_dict_copy(mpy_object *dict)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, dict);
    mpy_object *copy;
    if (t == NULL || mpyi_dict_check_args(__func__, dict, dict, "dict") < 0) {
        return NULL;
    }
    mpyi_safe_point(t);
    copy = mpyi_dict_new(t, 0);
    if (copy != NULL && mpyi_dict_copy_table(t, mpyi_dict(copy), mpyi_dict(dict)) < 0) {
        mpy_decref(copy);
        return NULL;
    }
    return copy;
}

int
mpy_dict_update(mpy_object *dict, mpy_object *other)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, dict, other);
    const struct mpyi_dict *from;
    uint64_t version;
    size_t i;
    if (t == NULL || mpyi_dict_check_args(__func__, dict, dict, "dict") < 0) {
        return -1;
    }
    if (!mpy_dict_check(other)) {
        (void)mpyi_err_argument(__func__, "other", "dict", other);
        return -1;
    }
    if (dict == other) {
        return 0;
    }
    if (mpyi_dict_log2(mpyi_dict(dict)) == 0) {
        return mpyi_dict_copy_table(t, mpyi_dict(dict), mpyi_dict(other));
    }
    from = mpyi_dict(other);
    version = mpyi_dict_version(from);
    for (i = from->first; i < mpyi_dict_used(from); i++) {
        struct mpyi_dict_entry e = from->entries[i];
        int result;
        if (e.key == NULL) {
            continue;
        }
        mpy_incref(e.key);
        mpy_incref(e.value);
        result = mpyi_dict_set(t, dict, e.key, e.value);
        mpy_decref(e.key);
        mpy_decref(e.value);
        if (result < 0) {
            return -1;
        }
        if (version != mpyi_dict_version(from)) {
            (void)mpyi_err_format(MPY_EXC_RUNTIME_ERROR, "%s(): other changed during update",
                                  __func__);
            return -1;
        }
    }
    return 0;
}

int
mpy_dict_clear(mpy_object *dict)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, dict);
    if (t == NULL || mpyi_dict_check_args(__func__, dict, dict, "dict") < 0) {
        return -1;
    }
    mpyi_dict_clear(t, mpyi_dict(dict));
    return 0;
}
