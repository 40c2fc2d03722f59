/* SPDX-License-Identifier: MIT */
/*
 * types/dict_table.h - the hash table behind a dict.
 *
 * One block holds all of a table. `entries` points into it, everything else lies below:
 *
 *     +--------------+-----------------------------+------------------------------------+
 *     | kept hashes  |  ... | group 1 | group 0    |  entry 0 | 1 | 2 | ... | U - 1     |
 *     | 8 * U        |                             |  {key, value}                      |
 *     +--------------+-----------------------------+------------------------------------+
 *       GENERAL only                               ^ entries, in order of insertion
 *
 *     group   16 control bytes, then 16 indices of entries, one of each for a slot
 *
 *   S  slots, a power of two >= 8          8..16    32..256   512..2^24   more
 *   bytes of an index                      none     1         3           4
 *   bytes of a group                       16       32        64          128
 *   U  entries there is room for           8 of 8 slots, else 7/8 S
 *
 * A control byte (as in Abseil's tables) is EMPTY, DELETED, or 7 bits of the key's spread hash. A
 * look-up compares the 16 bytes of a group at once, goes to the entries whose 7 bits agree, and
 * ends at the first group with an EMPTY byte. Groups are probed in triangular steps. A group of a
 * large table is one cache line, so that finding the entry costs one miss. Where there is one group
 * only, slot n is entry n. A walk reads the dense entries only.
 *
 * No hash is kept for keys whose hash is cheap and runs no code: strs cache theirs, numbers are
 * their own. GENERAL tables keep the hash of each entry: growing must not run user code.
 *
 * What indexes the table is the spread hash. The hash of a str is keyed and random in every bit: it
 * is used as it is. All others are mixed with a secret first (mpyi_dict_spread): hashes of numbers
 * are not keyed and follow each other, and a host's hash may be anything. So a str and a host's
 * object that equals it, with the same hash, would have different places: a key of a host's type is
 * looked for in both, and so is a str in a GENERAL table.
 *
 * Deleting clears the entry, and makes its slot EMPTY if its group has an EMPTY slot (then no probe
 * ever went past this group), else DELETED. When the entries are used up the table is rebuilt for
 * 1.5 times the live ones: it grows, stays (compacted in place, no allocation) or shrinks.
 *
 * Invariants: slots not EMPTY <= entries used <= U < S (S > 8), so there is always a group with an
 * EMPTY slot; live <= used; entries before `first` are deleted; each live entry is reachable from
 * its hash; kinds only grow.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_DICT_TABLE_H
#define MPY_TYPES_DICT_TABLE_H

#include "base/bits.h"
#include "types/dict.h"
#include "types/hash.h"
#include "types/number.h"
#include "types/str.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define MPYI_SLOT_EMPTY    0x80u
#define MPYI_SLOT_DELETED  0xFEu
#define MPYI_GROUP         16u
#define MPYI_DICT_LOG2_MAX 32u

/* The state of a dict has this minus log2 of the slots: the distance by which a spread hash is
   shifted to get the group, where there are several. */
#define MPYI_DICT_TOP 68u

#define MPYI_DICT_VERSION_ONE ((uint64_t)1 << 16)

/* ---- groups of control bytes: bit n of a result is for byte n ------------------------------- */

/* Portable: two words at a time. Exact; used where there is no SSE2, and to test the other. */
static inline uint32_t
mpyi_swar_high_bits(uint64_t x)
{
    return (uint32_t)(((x >> 7 & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080)) >>
                      56);
}

static inline uint32_t
mpyi_swar_match(const uint8_t *group, uint8_t byte)
{
    const uint64_t low7 = UINT64_C(0x7F7F7F7F7F7F7F7F);
    uint64_t pattern = UINT64_C(0x0101010101010101) * byte;
    uint64_t x, y;
    __builtin_memcpy(&x, group, 8);
    __builtin_memcpy(&y, group + 8, 8);
    x ^= pattern;
    y ^= pattern;
    x = ~(((x & low7) + low7) | x | low7);
    y = ~(((y & low7) + low7) | y | low7);
    return mpyi_swar_high_bits(x) | mpyi_swar_high_bits(y) << 8;
}

static inline uint32_t
mpyi_swar_free(const uint8_t *group)
{
    uint64_t x, y;
    __builtin_memcpy(&x, group, 8);
    __builtin_memcpy(&y, group + 8, 8);
    return mpyi_swar_high_bits(x) | mpyi_swar_high_bits(y) << 8;
}

/* Slots that hold `byte`. */
static inline uint32_t
mpyi_group_match(const uint8_t *group, uint8_t byte)
{
#if defined(__SSE2__)
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)group);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)byte)));
#else
    return mpyi_swar_match(group, byte);
#endif
}

/* Slots that are EMPTY or DELETED. */
static inline uint32_t
mpyi_group_free(const uint8_t *group)
{
#if defined(__SSE2__)
    return (uint32_t)_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)group));
#else
    return mpyi_swar_free(group);
#endif
}

/* ---- hashes --------------------------------------------------------------------------------- */

__extension__ typedef unsigned __int128 mpyi_u128;

/* What indexes the table for keys that are no strs: the top bits choose the group, the low 7 are
   the control byte. Folding the product makes it depend on every bit of the hash; but the top bits
   of a product of neighbouring numbers can be crowded for unlucky secrets, so they are spread once
   more. The hash of a str is what indexes the table as it is. */
static inline uint64_t
mpyi_dict_spread(uint64_t hash)
{
    uint64_t k0, k1;
    mpyi_u128 product;
    __builtin_memcpy(&k0, mpyi_hash_secret + 80, sizeof k0);
    __builtin_memcpy(&k1, mpyi_hash_secret + 88, sizeof k1);
    product = (mpyi_u128)(hash ^ k0) * (k1 | 1);
    hash = ((uint64_t)product ^ (uint64_t)(product >> 64)) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 32;
}

static inline uint8_t
mpyi_dict_tag(uint64_t spread)
{
    return (uint8_t)(spread & 0x7F);
}

/* Hash of a number or constant; out of line for all but ints. */
uint64_t
mpyi_dict_hash_simple_slow(mpy_object *key);

/* Hash of a key of the kinds STR and SIMPLE. */
static inline uint64_t
mpyi_dict_hash_simple(mpy_object *key)
{
    if (mpyi_is_int_immediate(key)) {
        return (uint64_t)mpyi_hash_i64(mpyi_int_value(key));
    }
    if (mpyi_is_str(key)) {
        return mpyi_str_hash(mpyi_str_of(key));
    }
    return mpyi_dict_hash_simple_slow(key);
}

/* The MPYI_DICT_* kind that a table with this key needs. */
static inline unsigned
mpyi_dict_kind_of_key(const mpy_object *key)
{
    if (!mpy_priv_is_heap(key)) {
        return MPYI_DICT_SIMPLE;
    }
    if (MPY_LIKELY((mpyi_head(key)->type->flags & MPY_TF_STR) != 0)) {
        return MPYI_DICT_STR;
    }
    return (mpyi_head(key)->type->flags & (MPY_TF_FLOAT | MPY_TF_INT)) != 0 ? MPYI_DICT_SIMPLE
                                                                            : MPYI_DICT_GENERAL;
}

/* ---- geometry ------------------------------------------------------------------------------- */

static inline unsigned
mpyi_dict_log2_of(uint64_t state)
{
    return MPYI_DICT_TOP - ((unsigned)state & 0xFFu);
}

static inline unsigned
mpyi_dict_log2(const struct mpyi_dict *d)
{
    return mpyi_dict_log2_of(d->state);
}

/* What `entries` points behind while there is no table: a group without keys. */
struct mpyi_dict_no_table {
    uint8_t group[MPYI_GROUP];
    struct mpyi_dict_entry none;
};
extern const struct mpyi_dict_no_table mpyi_dict_no_table;

/* Entries a table of 2^log2 slots has room for; log2 0: no table. */
static inline size_t
mpyi_dict_room(unsigned log2)
{
    return log2 >= 4 ? ((size_t)1 << log2) - ((size_t)1 << (log2 - 3)) : log2 == 0 ? 0 : 8;
}

static inline size_t
mpyi_dict_used(const struct mpyi_dict *d)
{
    return d->refs / 2;
}

/* All entries are used; a dict without a table is full. */
static inline int
mpyi_dict_is_full(const struct mpyi_dict *d)
{
    return d->refs == 2 * mpyi_dict_room(mpyi_dict_log2(d));
}

/* Groups - 1 in a table of 2^log2 slots. */
static inline size_t
mpyi_dict_group_mask(unsigned log2)
{
    return (((size_t)1 << log2) - 1) / MPYI_GROUP;
}

/* Bytes of the block of a table of 8 slots that keeps no hashes. */
#define MPYI_DICT_FIRST_BYTES (MPYI_GROUP + 8 * sizeof(struct mpyi_dict_entry))

/* The group where the search for a key begins. */
static inline size_t
mpyi_dict_home(unsigned log2, uint64_t spread)
{
    return log2 <= 4 ? 0 : (size_t)(spread >> (MPYI_DICT_TOP - log2));
}

/* log2 of the bytes of a group. */
static inline unsigned
mpyi_dict_group_shift(unsigned log2)
{
    return 4u + (log2 > 4) + (log2 > 8) + (log2 > 24);
}

/* Group g: its control bytes, behind them the indices. */
static inline uint8_t *
mpyi_dict_group(struct mpyi_dict_entry *entries, unsigned log2, size_t g)
{
    return (uint8_t *)entries - ((g + 1) << mpyi_dict_group_shift(log2));
}

/* The entry that a slot of the group stands for. */
static inline size_t
mpyi_dict_index(const uint8_t *group, unsigned log2, unsigned slot)
{
    uint32_t word;
    if (log2 <= 4) {
        return slot;
    }
    if (log2 <= 8) {
        return group[MPYI_GROUP + slot];
    }
    if (MPY_LIKELY(log2 <= 24)) {
        /* Up to one byte behind the group: in the block all the same. */
        __builtin_memcpy(&word, group + MPYI_GROUP + 3 * slot, sizeof word);
        return word & 0xFFFFFF;
    }
    __builtin_memcpy(&word, group + MPYI_GROUP + 4 * slot, sizeof word);
    return word;
}

static inline void
mpyi_dict_set_index(uint8_t *group, unsigned log2, unsigned slot, size_t entry)
{
    uint32_t word = (uint32_t)entry;
    if (log2 <= 4) {
        MPY_ASSERT(slot == entry);
    } else if (log2 <= 8) {
        group[MPYI_GROUP + slot] = (uint8_t)entry;
    } else if (MPY_LIKELY(log2 <= 24)) {
        __builtin_memcpy(group + MPYI_GROUP + 3 * slot, &word, 3);
    } else {
        __builtin_memcpy(group + MPYI_GROUP + 4 * slot, &word, 4);
    }
}

/* Where a search ended. */
struct mpyi_dict_place {
    uint8_t *group;                /* hit: of the slot; miss: the first one with an EMPTY slot */
    struct mpyi_dict_entry *entry; /* hit: what the slot stands for */
    uint32_t slot;                 /* hit: within the group */
};

#define MPYI_DICT_HIT  1
#define MPYI_DICT_MISS 0

/* ---- the first look of a search ------------------------------------------------------------- */

#define MPYI_DICT_UNSURE 2

/* In one group whose indices have that many bytes (0, 1 or 3, a constant). */
static inline __attribute__((always_inline)) int
mpyi_dict_look_in(struct mpyi_dict_entry *entries, uint8_t *group, unsigned width,
                  const mpy_object *key, uint64_t spread, struct mpyi_dict_place *place)
{
    uint32_t hits = mpyi_group_match(group, mpyi_dict_tag(spread));
    place->group = group;
    if (hits == 0) {
        place->entry = NULL;
        return MPY_LIKELY(mpyi_group_match(group, MPYI_SLOT_EMPTY) != 0) ? MPYI_DICT_MISS
                                                                         : MPYI_DICT_UNSURE;
    }
    do {
        unsigned slot = (unsigned)__builtin_ctz(hits);
        place->slot = slot;
        place->entry = &entries[mpyi_dict_index(group, width == 3 ? 9 : width == 1 ? 5 : 4, slot)];
        if (MPY_LIKELY(place->entry->key == key)) {
            return MPYI_DICT_HIT;
        }
        hits &= hits - 1;
    } while (MPY_UNLIKELY(hits != 0));
    return MPYI_DICT_UNSURE;
}

/* For the keys that mpyi_dict_search_str() takes: HIT when the first group has the key itself, MISS
   when it has no candidate and an EMPTY slot. Most look-ups end here, without a call. UNSURE:
   search; place->entry is the last candidate, or NULL. */
static inline __attribute__((always_inline)) int
mpyi_dict_first_look(const struct mpyi_dict *d, const mpy_object *key, uint64_t spread,
                     struct mpyi_dict_place *place)
{
    struct mpyi_dict_entry *entries = d->entries;
    uint8_t *bottom = (uint8_t *)entries;
    unsigned top = (unsigned)d->state;
    if ((d->state & MPYI_DICT_LARGE) != 0) { /* log2 9..24 */
        bottom -= (spread >> ((top - 6) & 63)) & ~(uint64_t)63;
        return mpyi_dict_look_in(entries, bottom - 64, 3, key, spread, place);
    }
    top &= 0xFFu;
    if (top >= 64) { /* log2 0..4 */
        return mpyi_dict_look_in(entries, bottom - 16, 0, key, spread, place);
    }
    if (top < MPYI_DICT_TOP - 24) {
        place->entry = NULL;
        return MPYI_DICT_UNSURE;
    }
    bottom -= (spread >> ((top - 5) & 63)) & ~(uint64_t)31; /* log2 5..8 */
    return mpyi_dict_look_in(entries, bottom - 32, 1, key, spread, place);
}

/* ---- searches that run no code: 1 hit, 0 miss ----------------------------------------------- */

/* A str in a table of kind STR or SIMPLE. hash: mpyi_str_hash(key). */
int
mpyi_dict_search_str(const struct mpyi_dict *d, struct mpyi_str *key, uint64_t hash,
                     struct mpyi_dict_place *place);

/* n bytes in a table of kind STR or SIMPLE. */
int
mpyi_dict_search_bytes(const struct mpyi_dict *d, const char *utf8, size_t n, uint64_t hash,
                       struct mpyi_dict_place *place);

/* A number or constant in a table of kind SIMPLE. */
int
mpyi_dict_search_simple(const struct mpyi_dict *d, mpy_object *key, uint64_t hash,
                        struct mpyi_dict_place *place);

/* ---- search that may run code --------------------------------------------------------------- */

/* Any key in any table. 1, 0, or -1 with an error set. When user code changed the keys the search
   starts over, so the place is right on return. (U) */
MPY_NODISCARD int
mpyi_dict_search_any(struct mpyi_thread *t, struct mpyi_dict *d, mpy_object *key, uint64_t hash,
                     struct mpyi_dict_place *place);

/* ---- changes; they run no code -------------------------------------------------------------- */

/* Adds an entry that a search has just missed in `group`; key and value get new references. hash:
   the key's. int0: MemoryError, the dict is unchanged. */
MPY_NODISCARD int
mpyi_dict_add(struct mpyi_thread *t, struct mpyi_dict *d, mpy_object *key, mpy_object *value,
              uint64_t hash, uint8_t *group);

/* The smallest table for a dict that has none, and keys whose hashes are not kept. int0. */
MPY_NODISCARD int
mpyi_dict_first_table(struct mpyi_thread *t, struct mpyi_dict *d, unsigned kind);

/* Gives entry i, which is new, a slot of a group that is not full. */
static inline void
mpyi_dict_place_entry(uint8_t *group, unsigned log2, uint64_t spread, size_t i)
{
    unsigned slot = log2 <= 4 ? (unsigned)i : (unsigned)__builtin_ctz(mpyi_group_free(group));
    group[slot] = mpyi_dict_tag(spread);
    mpyi_dict_set_index(group, log2, slot, i);
}

/* The entry behind the last one, in a table that has room for it. The references are the dict's.
   log2: of the slots; any up to 4 will do where there is one group. */
static inline void
mpyi_dict_put(struct mpyi_dict *d, unsigned log2, mpy_object *key, mpy_object *value,
              uint64_t spread, uint8_t *group)
{
    size_t used = mpyi_dict_used(d);
    struct mpyi_dict_entry *entry = &d->entries[used];
    mpyi_dict_place_entry(group, log2, spread, used);
    entry->key = key;
    entry->value = value;
    d->refs += 2;
    d->live++;
    d->state += MPYI_DICT_VERSION_ONE;
}

/* Takes the entry of a hit out of the table; its two references go to the caller. */
static inline void
mpyi_dict_take(struct mpyi_dict *d, struct mpyi_dict_place place)
{
    struct mpyi_dict_entry *entries = d->entries;
    size_t i = (size_t)(place.entry - entries);
    size_t used = mpyi_dict_used(d);
    int emptied = mpyi_group_match(place.group, MPYI_SLOT_EMPTY) != 0;
    if (MPY_UNLIKELY((d->state & MPYI_DICT_VISITED) != 0)) {
        mpyi_dict_secure(d);
    }
    place.group[place.slot] = emptied ? (uint8_t)MPYI_SLOT_EMPTY : (uint8_t)MPYI_SLOT_DELETED;
    place.entry->key = NULL;
    place.entry->value = NULL;
    d->live--;
    d->state += MPYI_DICT_VERSION_ONE;
    if (i + 1 == used && emptied) {
        used--;
        d->refs -= 2;
    }
    if (i == d->first) {
        size_t first = i;
        while (first < used && entries[first].key == NULL) {
            first++;
        }
        d->first = (uint32_t)first;
    }
}

/* Makes room for n entries in all. int0. */
MPY_NODISCARD int
mpyi_dict_reserve(struct mpyi_thread *t, struct mpyi_dict *d, size_t n);

/* Makes an empty dict without a table a copy of the table of `source`, with new references. int0.
 */
MPY_NODISCARD int
mpyi_dict_copy_table(struct mpyi_thread *t, struct mpyi_dict *d, const struct mpyi_dict *source);

/* Turns d into a dict without a table, without touching what it had, which no visit may have lent.
 */
static inline void
mpyi_dict_reset(struct mpyi_dict *d, uint64_t version)
{
    d->refs = 0;
    d->entries = (struct mpyi_dict_entry *)(uintptr_t)&mpyi_dict_no_table.none;
    d->live = 0;
    d->first = 0;
    d->state = version << 16 | MPYI_DICT_TOP;
}

/* Frees a table that d does not point to any more; state: what d had with it. */
void
mpyi_dict_free_block(struct mpyi_thread *t, struct mpyi_dict_entry *entries, uint64_t state);

static inline void
mpyi_dict_free_table(struct mpyi_thread *t, struct mpyi_dict_entry *entries, uint64_t state)
{
    if ((state & 0x2FF) == MPYI_DICT_TOP - 3) {
        mpyi_array_free(t->heap, (char *)entries - MPYI_GROUP, MPYI_DICT_FIRST_BYTES);
    } else if ((state & 0xFF) != MPYI_DICT_TOP) {
        mpyi_dict_free_block(t, entries, state);
    }
}

/* Bytes of the table. */
size_t
mpyi_dict_table_bytes(const struct mpyi_dict *d);

/* 0, or -1 after a report of the first violated invariant. For tests and the heap check. */
int
mpyi_dict_check(const struct mpyi_dict *d);

#endif /* MPY_TYPES_DICT_TABLE_H */
