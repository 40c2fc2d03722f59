/* SPDX-License-Identifier: MIT */
/*
 * types/dict_short.c - mpy_dict_get, _set, _del and _contains: the functions of dicts with a short
 * way (types/short.h).
 *
 * It is for a str that knows its hash, and in get and set for an immediate int, settled by the
 * first look (types/dict_table.h). Look-ups wait for the cache, and the processor works at as many
 * of them at a time as fit into it: so what counts is how few instructions there are, and what get
 * and set usually run has no stack frame.
 *
 * Lock: the runtime's.
 */
#include "types/dict_args.h"
#include "types/dict_table.h"
#include "types/short.h"

/* Not NULL, and of exactly this type: a compare with an address, where the flag of the type that
   mpy_dict_check() tests is one more load. */
static inline int
is_a(const mpy_object *o, const struct mpyi_type *type)
{
    return MPY_LIKELY(o != NULL) && MPY_LIKELY(mpy_priv_is_heap(o)) &&
           MPY_LIKELY(mpyi_head(o)->type == &type->head);
}

/* The short way applies to these arguments. Neither type can be subclassed. */
static inline int
is_short(const struct mpyi_thread *t, const mpy_object *dict, const mpy_object *key)
{
    return MPY_LIKELY(t != NULL) && MPY_LIKELY(is_a(dict, &mpyi_dict_type)) &&
           MPY_LIKELY(is_a(key, &mpyi_str_type)) && MPY_LIKELY(mpyi_str_of(key)->hash != 0);
}

static inline uint64_t
spread_of_int(const mpy_object *key)
{
    return mpyi_dict_spread((uint64_t)mpyi_hash_i64(mpyi_int_value(key)));
}

/* ---- get ------------------------------------------------------------------------------------ */

static MPYI_LONG_WAY int
get_the_long_way(mpy_object *dict, mpy_object *key, mpy_object **out)
{
    struct mpyi_thread *t = mpyi_enter2("mpy_dict_get", dict, key);
    if (t == NULL || out == NULL) {
        return mpyi_dict_bad_out(t, "mpy_dict_get", out);
    }
    *out = NULL;
    if (mpyi_dict_check_args("mpy_dict_get", dict, key, "key") < 0) {
        return -1;
    }
    return mpyi_dict_result(mpyi_dict_get(t, dict, key, out), "mpy_dict_get", key);
}

/* The short way for an immediate int: the first look settles it in a table without keys of host
   types, unless a float or a bool may equal it. */
static MPYI_HOT MPYI_LONG_WAY int
get_int(mpy_object *dict, mpy_object *key, mpy_object **out)
{
    if (MPY_LIKELY(out != NULL) && MPY_LIKELY(mpyi_entry() != NULL) &&
        MPY_LIKELY(mpyi_is_int_immediate(key)) && MPY_LIKELY(is_a(dict, &mpyi_dict_type)) &&
        MPY_LIKELY(mpyi_dict_kind(mpyi_dict(dict)) != MPYI_DICT_GENERAL)) {
        struct mpyi_dict_place place;
        switch (mpyi_dict_first_look(mpyi_dict(dict), key, spread_of_int(key), &place)) {
        case MPYI_DICT_HIT:
            if (MPY_LIKELY(mpyi_take_reference(place.entry->value))) {
                *out = place.entry->value;
                return 1;
            }
            break;
        case MPYI_DICT_MISS:
            *out = NULL;
            return 0;
        default:
            break;
        }
    }
    return get_the_long_way(dict, key, out);
}

/* For a str that the first look did not settle; `entry` is a candidate, or NULL. */
static MPYI_LONG_WAY int
get_by_search(struct mpyi_dict *d, mpy_object *key, mpy_object **out,
              const struct mpyi_dict_entry *entry)
{
    const struct mpyi_str *wanted = mpyi_str_of(key);
    struct mpyi_dict_place place;
    int found;
    if (MPY_LIKELY(entry != NULL)) {
        const struct mpyi_str *stored = mpyi_str_of(entry->key);
        if ((MPY_LIKELY(mpyi_dict_kind(d) == MPYI_DICT_STR) || mpyi_is_str(entry->key)) &&
            stored->hash == wanted->hash && MPY_LIKELY(mpyi_str_equal(stored, wanted))) {
            *out = mpy_newref(entry->value);
            return 1;
        }
    }
    found = mpyi_dict_search_str(d, mpyi_str_of(key), wanted->hash, &place);
    if (MPY_UNLIKELY(mpyi_dict_kind(d) == MPYI_DICT_GENERAL) && found == 0) {
        return mpyi_dict_get(mpyi_current(), (mpy_object *)d, key, out);
    }
    *out = found > 0 ? mpy_newref(place.entry->value) : NULL;
    return found;
}

/* The same for texts of 8 to 16 bytes that are usually equal, neither of them interned: as it calls
   nothing it has no frame to make, and more of the next look-up fits into the processor. */
static MPYI_HOT MPYI_LONG_WAY int
get_candidate(struct mpyi_dict *d, mpy_object *key, mpy_object **out,
              const struct mpyi_dict_entry *entry)
{
    const struct mpyi_str *wanted = mpyi_str_of(key);
    const struct mpyi_str *stored = mpyi_str_of(entry->key);
    size_t n = mpyi_str_size(wanted);
    if (MPY_LIKELY(mpyi_dict_kind(d) == MPYI_DICT_STR) &&
        MPY_LIKELY(stored->word == wanted->word) && MPY_LIKELY(n - 8 <= 8) &&
        MPY_LIKELY(!mpyi_str_is_interned(wanted)) &&
        MPY_LIKELY(mpyi_bytes_equal(mpyi_str_data(stored), mpyi_str_data(wanted), n))) {
        mpy_object *value = entry->value;
        if (MPY_LIKELY(mpyi_take_reference(value))) {
            *out = value;
            return 1;
        }
    }
    return get_by_search(d, key, out, entry);
}

MPYI_HOT int
mpy_dict_get(mpy_object *dict, mpy_object *key, mpy_object **out)
{
    if (MPY_LIKELY(out != NULL) && is_short(mpyi_entry(), dict, key)) {
        struct mpyi_dict *d = mpyi_dict(dict);
        struct mpyi_dict_place place;
        int found = mpyi_dict_first_look(d, key, mpyi_str_of(key)->hash, &place);
        if (MPY_LIKELY(found == MPYI_DICT_HIT)) {
            mpy_object *value = place.entry->value;
            if (MPY_LIKELY(mpyi_take_reference(value))) {
                *out = value;
                return 1;
            }
        } else if (found == MPYI_DICT_MISS && MPY_LIKELY(mpyi_dict_kind(d) != MPYI_DICT_GENERAL)) {
            *out = NULL;
            return 0;
        } else if (MPY_LIKELY(place.entry != NULL)) {
            return get_candidate(d, key, out, place.entry);
        }
        return get_by_search(d, key, out, place.entry);
    }
    return get_int(dict, key, out);
}

/* ---- set ------------------------------------------------------------------------------------ */

static MPYI_LONG_WAY int
set_the_long_way(mpy_object *dict, mpy_object *key, mpy_object *value)
{
    struct mpyi_thread *t = mpyi_enter3("mpy_dict_set", dict, key, value);
    if (t == NULL || mpyi_dict_check_args("mpy_dict_set", dict, key, "key") < 0) {
        return -1;
    }
    if (value == NULL) {
        (void)mpyi_err_argument("mpy_dict_set", "value", "object", NULL);
        return -1;
    }
    return mpyi_dict_result(mpyi_dict_set(t, dict, key, value), "mpy_dict_set", key);
}

/* As get_int(). */
static MPYI_HOT MPYI_LONG_WAY int
set_int(mpy_object *dict, mpy_object *key, mpy_object *value)
{
    if (MPY_LIKELY(value != NULL) && MPY_LIKELY(mpyi_entry() != NULL) &&
        MPY_LIKELY(mpyi_is_int_immediate(key)) && MPY_LIKELY(is_a(dict, &mpyi_dict_type)) &&
        MPY_LIKELY(mpyi_dict_kind(mpyi_dict(dict)) == MPYI_DICT_SIMPLE)) {
        struct mpyi_dict *d = mpyi_dict(dict);
        struct mpyi_dict_place place;
        uint64_t spread = spread_of_int(key);
        if (mpyi_dict_first_look(d, key, spread, &place) == MPYI_DICT_MISS &&
            MPY_LIKELY(!mpyi_dict_is_full(d)) && MPY_LIKELY(mpyi_take_reference(value))) {
            mpyi_dict_put(d, mpyi_dict_log2(d), key, value, spread, place.group);
            return 0;
        }
    }
    return set_the_long_way(dict, key, value);
}

/* Adds a str that knows its hash to a table that keeps none, without a call: 1, else 0, and nothing
   was done. log2: what mpyi_dict_put() takes. */
static inline __attribute__((always_inline)) int
add_short(struct mpyi_dict *d, unsigned log2, mpy_object *key, mpy_object *value, uint8_t *group)
{
    if (MPY_UNLIKELY(mpyi_dict_is_full(d)) ||
        MPY_UNLIKELY(mpyi_head(key)->refcnt >= MPY_PRIV_REFCNT_SPECIAL - 2) ||
        MPY_UNLIKELY(!mpyi_take_reference(value))) {
        return 0;
    }
    mpyi_head(key)->refcnt++; /* which may be the value's, too */
    mpyi_dict_put(d, log2, key, value, mpyi_str_of(key)->hash, group);
    return 1;
}

/* In a large table. */
static MPYI_HOT MPYI_LONG_WAY int
add_str_large(struct mpyi_dict *d, mpy_object *key, mpy_object *value, uint8_t *group)
{
    unsigned log2 = mpyi_dict_log2(d);
    if (MPY_LIKELY(log2 > 8) && MPY_LIKELY(log2 <= 24) && add_short(d, 9, key, value, group)) {
        return 0;
    }
    return mpyi_dict_add(mpyi_entry(), d, key, value, mpyi_str_of(key)->hash, group);
}

static int
add_first_str(struct mpyi_dict *d, mpy_object *key, mpy_object *value);

/* In any. */
static MPYI_HOT MPYI_LONG_WAY int
add_str(struct mpyi_dict *d, mpy_object *key, mpy_object *value, uint8_t *group)
{
    unsigned log2 = mpyi_dict_log2(d);
    if (MPY_LIKELY(log2 <= 4) && add_short(d, 3, key, value, group)) {
        return 0;
    }
    return log2 == 0 ? add_first_str(d, key, value) : add_str_large(d, key, value, group);
}

/* The same without a table. */
static MPYI_HOT MPYI_LONG_WAY int
add_first_str(struct mpyi_dict *d, mpy_object *key, mpy_object *value)
{
    return mpyi_dict_first_table(mpyi_entry(), d, MPYI_DICT_STR) < 0
               ? -1
               : add_str(d, key, value, mpyi_dict_group(d->entries, 3, 0));
}

MPYI_HOT int
mpy_dict_set(mpy_object *dict, mpy_object *key, mpy_object *value)
{
    if (MPY_LIKELY(value != NULL) && is_short(mpyi_entry(), dict, key)) {
        struct mpyi_dict *d = mpyi_dict(dict);
        struct mpyi_dict_place place;
        uint64_t hash = mpyi_str_of(key)->hash;
        int found = mpyi_dict_first_look(d, key, hash, &place);
        if (found == MPYI_DICT_MISS && MPY_LIKELY(mpyi_dict_kind(d) != MPYI_DICT_GENERAL)) {
            return add_str(d, key, value, place.group);
        }
        if (found == MPYI_DICT_HIT && MPY_LIKELY((d->state & MPYI_DICT_VISITED) == 0) &&
            MPY_LIKELY(mpyi_take_reference(value))) {
            mpy_object *old = place.entry->value;
            place.entry->value = value;
            mpy_decref(old);
            return 0;
        }
        return set_the_long_way(dict, key, value);
    }
    return set_int(dict, key, value);
}

/* ---- del and contains ----------------------------------------------------------------------- */

static MPYI_LONG_WAY int
delete_the_long_way(mpy_object *dict, mpy_object *key)
{
    struct mpyi_thread *t = mpyi_enter2("mpy_dict_del", dict, key);
    int found;
    if (t == NULL || mpyi_dict_check_args("mpy_dict_del", dict, key, "key") < 0) {
        return -1;
    }
    found = mpyi_dict_result(mpyi_dict_pop(t, dict, key, NULL), "mpy_dict_del", key);
    if (found == 0) {
        mpyi_dict_key_error(key);
    }
    return found > 0 ? 0 : -1;
}

MPYI_HOT int
mpy_dict_del(mpy_object *dict, mpy_object *key)
{
    if (is_short(mpyi_entry(), dict, key)) {
        struct mpyi_dict *d = mpyi_dict(dict);
        struct mpyi_dict_place place;
        if (mpyi_dict_first_look(d, key, mpyi_str_of(key)->hash, &place) == MPYI_DICT_HIT) {
            mpy_object *value = place.entry->value;
            mpyi_dict_take(d, place);
            mpy_decref(value);
            mpy_decref(key); /* the dict's reference: it was the same object */
            return 0;
        }
    }
    return delete_the_long_way(dict, key);
}

static MPYI_LONG_WAY int
contains_the_long_way(mpy_object *dict, mpy_object *key)
{
    struct mpyi_thread *t = mpyi_enter2("mpy_dict_contains", dict, key);
    if (t == NULL || mpyi_dict_check_args("mpy_dict_contains", dict, key, "key") < 0) {
        return -1;
    }
    return mpyi_dict_result(mpyi_dict_contains(t, dict, key), "mpy_dict_contains", key);
}

MPYI_HOT int
mpy_dict_contains(mpy_object *dict, mpy_object *key)
{
    if (is_short(mpyi_entry(), dict, key)) {
        const struct mpyi_dict *d = mpyi_dict(dict);
        struct mpyi_dict_place place;
        int found = mpyi_dict_first_look(d, key, mpyi_str_of(key)->hash, &place);
        if (found == MPYI_DICT_HIT ||
            (found == MPYI_DICT_MISS && MPY_LIKELY(mpyi_dict_kind(d) != MPYI_DICT_GENERAL))) {
            return found;
        }
    }
    return contains_the_long_way(dict, key);
}
