/* SPDX-License-Identifier: MIT */
/*
 * types/dict_table.c - searching, adding, taking out and rebuilding. The layout of a table and the
 * reasons for it are in types/dict_table.h.
 *
 * Searches. One loop (`search`), made three times with the comparison inlined: for a str, for the
 * bytes of a C string, for a number. They run no user code. mpyi_dict_search_any() is the loop that
 * may: it holds the key it compares, and after each comparison asks the dict's version whether keys
 * came or went; if so it starts over, as CPython does.
 *
 * Rebuilding places the live entries in batches: first all hashes of a batch are fetched (strs of
 * the next one being prefetched meanwhile) and the lines of their groups prefetched, then all are
 * placed. Large tables are bound by memory latency, and so these misses overlap.
 *
 * A change allocates first and then cannot fail: every public operation is all or nothing.
 *
 * Lock: the runtime's.
 */
#include "types/dict_table.h"

#include "types/protocol.h"

#define BATCH 16u

const struct mpyi_dict_no_table mpyi_dict_no_table = {
    {MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY,
     MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY,
     MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY,
     MPYI_SLOT_EMPTY},
    {NULL, NULL}};

/* ---- geometry ------------------------------------------------------------------------------- */

/* What has to be known of a table besides where it is: the low 16 bits of a dict's state. */
#define SHAPE_KIND(shape)    ((unsigned)((shape) >> 8) & 3u)
#define SHAPE_PADDING(shape) ((size_t)((shape) >> 10 & 3u) * 16)

static inline unsigned
make_shape(unsigned log2, unsigned kind, size_t padding)
{
    unsigned large = log2 > 8 && log2 <= 24 ? (unsigned)MPYI_DICT_LARGE : 0;
    return (MPYI_DICT_TOP - log2) | kind << 8 | (unsigned)(padding / 16) << 10 | large;
}

static inline size_t
groups_bytes(unsigned log2)
{
    return (mpyi_dict_group_mask(log2) + 1) << mpyi_dict_group_shift(log2);
}

/* Bytes of the block below `entries`, without padding. */
static inline size_t
bytes_below(unsigned log2, unsigned kind)
{
    return groups_bytes(log2) + (kind == MPYI_DICT_GENERAL ? 8 * mpyi_dict_room(log2) : 0);
}

/* Bytes of the block. Where a group is a cache line or more, some are to align it. */
static inline size_t
table_bytes(unsigned log2, unsigned kind)
{
    return log2 == 0 ? 0
                     : bytes_below(log2, kind) + (log2 > 8 ? 48 : 0) +
                           mpyi_dict_room(log2) * sizeof(struct mpyi_dict_entry);
}

/* The kept hash of entry i of a GENERAL table. */
static inline uint64_t *
kept_hash(struct mpyi_dict_entry *entries, unsigned log2, size_t i)
{
    return (uint64_t *)(void *)((uint8_t *)entries - groups_bytes(log2)) - 1 - i;
}

/* Smallest table for n entries; above MPYI_DICT_LOG2_MAX when there is none. */
static unsigned
log2_for(size_t n)
{
    unsigned log2 = 3;
    while (log2 <= MPYI_DICT_LOG2_MAX && mpyi_dict_room(log2) < n) {
        log2++;
    }
    return log2;
}

uint64_t
mpyi_dict_hash_simple_slow(mpy_object *key)
{
    int64_t hash = 0;
    if (mpyi_type_of(key)->slots.hash != NULL) {
        (void)mpyi_type_of(key)->slots.hash(key, &hash);
    } else {
        hash = mpyi_hash_identity(key); /* None and the other constants */
    }
    return (uint64_t)hash;
}

static inline uint64_t
spread_of(const mpy_object *key, uint64_t hash)
{
    return mpyi_is_str(key) ? hash : mpyi_dict_spread(hash);
}

/* ---- searches without user code ------------------------------------------------------------- */

struct wanted {
    mpy_object *key;
    const char *utf8;
    size_t n;
    uint64_t hash;
    unsigned kind;
};

typedef int (*match_fn)(const struct wanted *w, mpy_object *stored);

static inline __attribute__((always_inline)) int
match_str(const struct wanted *w, mpy_object *stored)
{
    const struct mpyi_str *s = mpyi_str_of(stored);
    if (stored == w->key) {
        return 1;
    }
    if (MPY_UNLIKELY(w->kind != MPYI_DICT_STR) && !mpyi_is_str(stored)) {
        return 0;
    }
    return s->hash == w->hash && mpyi_str_equal(s, mpyi_str_of(w->key));
}

static inline __attribute__((always_inline)) int
match_bytes(const struct wanted *w, mpy_object *stored)
{
    const struct mpyi_str *s = mpyi_str_of(stored);
    if (MPY_UNLIKELY(w->kind != MPYI_DICT_STR) && !mpyi_is_str(stored)) {
        return 0;
    }
    return s->hash == w->hash && mpyi_str_equal_bytes(s, w->utf8, w->n);
}

static inline __attribute__((always_inline)) int
match_simple(const struct wanted *w, mpy_object *stored)
{
    if (stored == w->key) {
        return 1;
    }
    if (mpyi_is_int_immediate(stored) && mpyi_is_int_immediate(w->key)) {
        return 0;
    }
    return mpyi_number_compare(stored, w->key, MPY_EQ) == 1;
}

static inline __attribute__((always_inline)) int
search(const struct mpyi_dict *d, const struct wanted *w, match_fn match, uint64_t spread,
       struct mpyi_dict_place *place)
{
    struct mpyi_dict_entry *entries = d->entries;
    unsigned log2 = mpyi_dict_log2(d);
    size_t mask = mpyi_dict_group_mask(log2);
    size_t g = mpyi_dict_home(log2, spread);
    size_t step = 0;
    for (;;) {
        uint8_t *group = mpyi_dict_group(entries, log2, g);
        uint32_t hits = mpyi_group_match(group, mpyi_dict_tag(spread));
        while (hits != 0) {
            unsigned slot = (unsigned)__builtin_ctz(hits);
            size_t i = mpyi_dict_index(group, log2, slot);
            if (MPY_LIKELY(match(w, entries[i].key))) {
                place->group = group;
                place->slot = slot;
                place->entry = &entries[i];
                return MPYI_DICT_HIT;
            }
            hits &= hits - 1;
        }
        if (MPY_LIKELY(mpyi_group_match(group, MPYI_SLOT_EMPTY) != 0)) {
            place->group = group;
            return MPYI_DICT_MISS;
        }
        step++;
        g = (g + step) & mask;
    }
}

int
mpyi_dict_search_str(const struct mpyi_dict *d, struct mpyi_str *key, uint64_t hash,
                     struct mpyi_dict_place *place)
{
    struct wanted w = {mpyi_str_object(key), NULL, 0, hash, mpyi_dict_kind(d)};
    return search(d, &w, match_str, hash, place);
}

int
mpyi_dict_search_bytes(const struct mpyi_dict *d, const char *utf8, size_t n, uint64_t hash,
                       struct mpyi_dict_place *place)
{
    struct wanted w = {NULL, utf8, n, hash, mpyi_dict_kind(d)};
    return search(d, &w, match_bytes, hash, place);
}

int
mpyi_dict_search_simple(const struct mpyi_dict *d, mpy_object *key, uint64_t hash,
                        struct mpyi_dict_place *place)
{
    struct wanted w = {key, NULL, 0, hash, mpyi_dict_kind(d)};
    return search(d, &w, match_simple, mpyi_dict_spread(hash), place);
}

/* ---- the search that may run user code ------------------------------------------------------ */

#define CHANGED 2

static uint64_t
hash_of_entry(const struct mpyi_dict *d, size_t i)
{
    return mpyi_dict_kind(d) == MPYI_DICT_GENERAL ? *kept_hash(d->entries, mpyi_dict_log2(d), i)
                                                  : mpyi_dict_hash_simple(d->entries[i].key);
}

/* stored == key: 1, 0, -1; CHANGED: keys came or went meanwhile. */
static int
compare_keys(struct mpyi_thread *t, struct mpyi_dict *d, mpy_object *stored, mpy_object *key)
{
    uint64_t version;
    int equal;
    if (stored == key) {
        return 1;
    }
    if (mpyi_is_str(stored) && mpyi_is_str(key)) {
        return mpyi_str_equal(mpyi_str_of(stored), mpyi_str_of(key));
    }
    version = mpyi_dict_version(d);
    mpy_incref(stored);
    equal = mpyi_compare_bool(t, stored, key, MPY_EQ);
    mpy_decref(stored);
    return equal < 0 || version == mpyi_dict_version(d) ? equal : CHANGED;
}

/* One pass of mpyi_dict_search_any(). */
static int
search_pass(struct mpyi_thread *t, struct mpyi_dict *d, mpy_object *key, uint64_t hash,
            uint64_t spread, struct mpyi_dict_place *place)
{
    size_t mask = mpyi_dict_group_mask(mpyi_dict_log2(d));
    size_t g = mpyi_dict_home(mpyi_dict_log2(d), spread);
    size_t step = 0;
    for (;;) {
        uint8_t *group = mpyi_dict_group(d->entries, mpyi_dict_log2(d), g);
        uint32_t hits = mpyi_group_match(group, mpyi_dict_tag(spread));
        for (; hits != 0; hits &= hits - 1) {
            unsigned slot = (unsigned)__builtin_ctz(hits);
            size_t i = mpyi_dict_index(group, mpyi_dict_log2(d), slot);
            int equal;
            if (d->entries[i].key != key && hash_of_entry(d, i) != hash) {
                continue;
            }
            equal = compare_keys(t, d, d->entries[i].key, key);
            if (equal != 0) {
                place->group = group;
                place->slot = slot;
                place->entry = &d->entries[i];
                return equal;
            }
        }
        if (mpyi_group_match(group, MPYI_SLOT_EMPTY) != 0) {
            place->group = group;
            return MPYI_DICT_MISS;
        }
        step++;
        g = (g + step) & mask;
    }
}

int
mpyi_dict_search_any(struct mpyi_thread *t, struct mpyi_dict *d, mpy_object *key, uint64_t hash,
                     struct mpyi_dict_place *place)
{
    uint64_t spread = mpyi_dict_spread(hash);
    int is_str = mpyi_is_str(key);
    int both = is_str || (mpyi_type_of(key)->traits & MPYI_TRAIT_HEAP) != 0;
    int found;
    do {
        /* Where keys of the other sort would be, then where this one is. */
        found = both ? search_pass(t, d, key, hash, is_str ? spread : hash, place) : MPYI_DICT_MISS;
        if (found == MPYI_DICT_MISS) {
            found = search_pass(t, d, key, hash, is_str ? hash : spread, place);
        }
    } while (found == CHANGED);
    return found;
}

/* ---- placing and rebuilding ----------------------------------------------------------------- */

static void
empty_groups(struct mpyi_dict_entry *entries, unsigned log2)
{
    size_t groups = mpyi_dict_group_mask(log2) + 1;
    size_t g;
    for (g = 0; g < groups; g++) {
        memset(mpyi_dict_group(entries, log2, g), (int)MPYI_SLOT_EMPTY, MPYI_GROUP);
    }
}

/* A table whose slots are all EMPTY; NULL with MemoryError. */
static struct mpyi_dict_entry *
new_table(struct mpyi_thread *t, unsigned log2, unsigned kind, unsigned *shape)
{
    size_t below = bytes_below(log2, kind);
    size_t padding = 0;
    struct mpyi_dict_entry *entries;
    char *block;
    if (log2 > MPYI_DICT_LOG2_MAX) {
        return (struct mpyi_dict_entry *)mpyi_err_no_memory();
    }
    block = (char *)mpyi_array_alloc(t->heap, table_bytes(log2, kind));
    if (MPY_UNLIKELY(block == NULL)) {
        return (struct mpyi_dict_entry *)mpyi_err_no_memory();
    }
    if (log2 > 8) {
        padding = (0 - (uintptr_t)(block + below)) & 48;
    }
    entries = (struct mpyi_dict_entry *)(void *)(block + padding + below);
    empty_groups(entries, log2);
    *shape = make_shape(log2, kind, padding);
    return entries;
}

void
mpyi_dict_free_block(struct mpyi_thread *t, struct mpyi_dict_entry *entries, uint64_t state)
{
    unsigned log2 = mpyi_dict_log2_of(state);
    unsigned kind = SHAPE_KIND(state);
    mpyi_array_free(t->heap, (char *)entries - bytes_below(log2, kind) - SHAPE_PADDING(state),
                    table_bytes(log2, kind));
}

/* The first group from g on, along the probe, with a slot that is not full. */
static inline uint8_t *
free_group(struct mpyi_dict_entry *entries, unsigned log2, uint64_t spread)
{
    size_t mask = mpyi_dict_group_mask(log2);
    size_t g = mpyi_dict_home(log2, spread);
    size_t step = 0;
    uint8_t *group = mpyi_dict_group(entries, log2, g);
    while (MPY_UNLIKELY(mpyi_group_free(group) == 0)) {
        step++;
        g = (g + step) & mask;
        group = mpyi_dict_group(entries, log2, g);
    }
    return group;
}

/* Gives slots to entries 0..n-1 of an all EMPTY table; none of them is deleted. */
static void
place_all(struct mpyi_dict_entry *entries, unsigned log2, unsigned kind, size_t n)
{
    size_t from;
    for (from = 0; from < n; from += BATCH) {
        uint64_t spread[BATCH];
        size_t m = n - from < BATCH ? n - from : BATCH;
        size_t i;
        for (i = 0; i < m; i++) {
            size_t e = from + i;
            if (kind == MPYI_DICT_GENERAL) {
                spread[i] = spread_of(entries[e].key, *kept_hash(entries, log2, e));
            } else {
                if (kind == MPYI_DICT_STR && e + BATCH < n) {
                    __builtin_prefetch(entries[e + BATCH].key);
                }
                spread[i] = spread_of(entries[e].key, mpyi_dict_hash_simple(entries[e].key));
            }
            __builtin_prefetch(mpyi_dict_group(entries, log2, mpyi_dict_home(log2, spread[i])), 1);
        }
        for (i = 0; i < m; i++) {
            mpyi_dict_place_entry(free_group(entries, log2, spread[i]), log2, spread[i], from + i);
        }
    }
}

/* Copies the live entries of d, with their hashes in a GENERAL table, to the front of `to`, which
   may be d's own entries. Their number. */
static size_t
gather(const struct mpyi_dict *d, struct mpyi_dict_entry *to, unsigned to_log2, unsigned to_kind)
{
    const struct mpyi_dict_entry *from = d->entries;
    size_t used = mpyi_dict_used(d);
    size_t n = 0;
    size_t i;
    if (to_kind != MPYI_DICT_GENERAL && d->live == used && to != from) {
        memcpy(to, from, used * sizeof *to);
        return used;
    }
    for (i = d->first; i < used; i++) {
        if (from[i].key != NULL) {
            if (to_kind == MPYI_DICT_GENERAL) {
                *kept_hash(to, to_log2, n) = hash_of_entry(d, i);
            }
            to[n] = from[i];
            n++;
        }
    }
    return n;
}

/* Rebuilds the table with 2^log2 slots. int0; never fails when size and kind stay. */
static int
rebuild(struct mpyi_thread *t, struct mpyi_dict *d, unsigned log2, unsigned kind)
{
    struct mpyi_dict_entry *entries = d->entries;
    uint64_t old_state = d->state;
    unsigned shape = make_shape(log2, kind, SHAPE_PADDING(old_state));
    int in_place = log2 == mpyi_dict_log2(d) &&
                   (kind == MPYI_DICT_GENERAL) == (mpyi_dict_kind(d) == MPYI_DICT_GENERAL);
    size_t n;
    if ((old_state & MPYI_DICT_VISITED) != 0) {
        mpyi_dict_secure(d);
    }
    if (!in_place) {
        entries = new_table(t, log2, kind, &shape);
        if (entries == NULL) {
            return -1;
        }
    } else {
        empty_groups(entries, log2);
    }
    n = gather(d, entries, log2, kind);
    MPY_ASSERT(n == d->live);
    place_all(entries, log2, kind, n);
    if (!in_place) {
        mpyi_dict_free_table(t, d->entries, old_state);
    }
    d->entries = entries;
    d->refs = 2 * n;
    d->first = 0;
    d->state = ((old_state >> 16) + 1) << 16 | shape;
    return 0;
}

int
mpyi_dict_first_table(struct mpyi_thread *t, struct mpyi_dict *d, unsigned kind)
{
    char *block = (char *)mpyi_array_alloc(t->heap, MPYI_DICT_FIRST_BYTES);
    MPY_ASSERT(mpyi_dict_log2(d) == 0 && kind != MPYI_DICT_GENERAL);
    MPY_ASSERT((d->state & MPYI_DICT_VISITED) == 0); /* nothing can be lent */
    if (MPY_UNLIKELY(block == NULL)) {
        (void)mpyi_err_no_memory();
        return -1;
    }
    memset(block, (int)MPYI_SLOT_EMPTY, MPYI_GROUP);
    d->entries = (struct mpyi_dict_entry *)(void *)(block + MPYI_GROUP);
    d->state = ((d->state >> 16) + 1) << 16 | make_shape(3, kind, 0);
    return 0;
}

/* Room for one more entry, and the kind for its key. int0. */
static int
make_room(struct mpyi_thread *t, struct mpyi_dict *d, unsigned kind)
{
    unsigned log2 = mpyi_dict_log2(d);
    unsigned old_kind = mpyi_dict_kind(d);
    kind = kind > old_kind ? kind : old_kind;
    if (log2 == 0 && kind != MPYI_DICT_GENERAL) {
        return mpyi_dict_first_table(t, d, kind);
    }
    if (mpyi_dict_used(d) == mpyi_dict_room(log2)) {
        log2 = log2_for((size_t)d->live + d->live / 2 + 1);
    } else if (kind != MPYI_DICT_GENERAL) {
        d->state = (d->state & ~(uint64_t)0x300) | kind << 8;
        return 0;
    }
    return rebuild(t, d, log2, kind);
}

/* ---- changes -------------------------------------------------------------------------------- */

/* Adds an entry in a group that is not full to a table that has room for it. */
static inline void
put(struct mpyi_dict *d, mpy_object *key, mpy_object *value, uint64_t hash, uint8_t *group,
    uint64_t spread)
{
    if (MPY_UNLIKELY(mpyi_dict_kind(d) == MPYI_DICT_GENERAL)) {
        *kept_hash(d->entries, mpyi_dict_log2(d), mpyi_dict_used(d)) = hash;
    }
    mpyi_dict_put(d, mpyi_dict_log2(d), key, value, spread, group);
    mpy_incref(key);
    mpy_incref(value);
}

static __attribute__((noinline)) int
add_with_room(struct mpyi_thread *t, struct mpyi_dict *d, mpy_object *key, mpy_object *value,
              uint64_t hash, unsigned kind)
{
    uint64_t spread = spread_of(key, hash);
    if (make_room(t, d, kind) < 0) {
        return -1;
    }
    put(d, key, value, hash, free_group(d->entries, mpyi_dict_log2(d), spread), spread);
    return 0;
}

int
mpyi_dict_add(struct mpyi_thread *t, struct mpyi_dict *d, mpy_object *key, mpy_object *value,
              uint64_t hash, uint8_t *group)
{
    unsigned kind = mpyi_dict_kind_of_key(key);
    if (MPY_UNLIKELY(mpyi_dict_is_full(d) || kind > mpyi_dict_kind(d))) {
        return add_with_room(t, d, key, value, hash, kind);
    }
    put(d, key, value, hash, group, kind == MPYI_DICT_STR ? hash : mpyi_dict_spread(hash));
    return 0;
}

int
mpyi_dict_reserve(struct mpyi_thread *t, struct mpyi_dict *d, size_t n)
{
    size_t spare = mpyi_dict_room(mpyi_dict_log2(d)) - mpyi_dict_used(d);
    if (n <= d->live || n - d->live <= spare) {
        return 0;
    }
    return rebuild(t, d, log2_for(n), mpyi_dict_kind(d));
}

int
mpyi_dict_copy_table(struct mpyi_thread *t, struct mpyi_dict *d, const struct mpyi_dict *source)
{
    unsigned kind = mpyi_dict_kind(source);
    unsigned log2 = log2_for(source->live);
    unsigned shape;
    struct mpyi_dict_entry *entries;
    size_t n, i;
    MPY_ASSERT(mpyi_dict_log2(d) == 0);
    if (source->live == 0) {
        return 0;
    }
    entries = new_table(t, log2, kind, &shape);
    if (entries == NULL) {
        return -1;
    }
    if (source->live == mpyi_dict_used(source) && log2 == mpyi_dict_log2(source)) {
        size_t below = bytes_below(log2, kind);
        n = source->live;
        memcpy((char *)entries - below, (const char *)source->entries - below,
               below + n * sizeof *entries);
    } else {
        n = gather(source, entries, log2, kind);
        place_all(entries, log2, kind, n);
    }
    for (i = 0; i < n; i++) {
        mpy_incref(entries[i].key);
        mpy_incref(entries[i].value);
    }
    d->entries = entries;
    d->refs = 2 * n;
    d->live = (uint32_t)n;
    d->first = 0;
    d->state = ((d->state >> 16) + 1) << 16 | shape;
    return 0;
}

size_t
mpyi_dict_table_bytes(const struct mpyi_dict *d)
{
    return table_bytes(mpyi_dict_log2(d), mpyi_dict_kind(d));
}

/* ---- the validator -------------------------------------------------------------------------- */

/* The entry is reachable from its hash through groups without EMPTY slots. */
static int
entry_is_reachable(const struct mpyi_dict *d, size_t i)
{
    uint64_t spread = spread_of(d->entries[i].key, hash_of_entry(d, i));
    unsigned log2 = mpyi_dict_log2(d);
    size_t mask = mpyi_dict_group_mask(log2);
    size_t g = mpyi_dict_home(log2, spread);
    size_t step;
    for (step = 1; step <= mask + 1; step++) {
        const uint8_t *group = mpyi_dict_group(d->entries, log2, g);
        uint32_t hits = mpyi_group_match(group, mpyi_dict_tag(spread));
        for (; hits != 0; hits &= hits - 1) {
            if (mpyi_dict_index(group, log2, (unsigned)__builtin_ctz(hits)) == i) {
                return 1;
            }
        }
        if (mpyi_group_match(group, MPYI_SLOT_EMPTY) != 0) {
            return 0;
        }
        g = (g + step) & mask;
    }
    return 0;
}

/* Slots that hold a key, and slots that are not EMPTY. */
static void
count_slots(const struct mpyi_dict *d, size_t *full, size_t *taken)
{
    size_t g;
    *full = *taken = 0;
    for (g = 0; g <= mpyi_dict_group_mask(mpyi_dict_log2(d)); g++) {
        const uint8_t *group = mpyi_dict_group(d->entries, mpyi_dict_log2(d), g);
        *full += MPYI_GROUP - (size_t)__builtin_popcount(mpyi_group_free(group));
        *taken += MPYI_GROUP - (size_t)__builtin_popcount(mpyi_group_match(group, MPYI_SLOT_EMPTY));
    }
}

int
mpyi_dict_check(const struct mpyi_dict *d)
{
    size_t used = mpyi_dict_used(d);
    size_t live = 0;
    size_t full, taken, i;
    if (d->refs % 2 != 0 || used > mpyi_dict_room(mpyi_dict_log2(d)) || d->first > used ||
        mpyi_dict_kind(d) > MPYI_DICT_GENERAL) {
        mpyi_report("dict: %zu references, first %u, state %llx", d->refs, d->first,
                    (unsigned long long)d->state);
        return -1;
    }
    for (i = 0; i < used; i++) {
        const struct mpyi_dict_entry *e = &d->entries[i];
        live += e->key != NULL;
        if ((e->key == NULL) != (e->value == NULL) || (e->key != NULL && i < d->first)) {
            mpyi_report("dict: entry %zu is half deleted, or before the first one", i);
            return -1;
        }
        if (e->key != NULL &&
            (mpyi_dict_kind_of_key(e->key) > mpyi_dict_kind(d) || !entry_is_reachable(d, i))) {
            mpyi_report("dict: entry %zu of %zu cannot be found by its hash", i, used);
            return -1;
        }
    }
    count_slots(d, &full, &taken);
    if (live != d->live || full != live || taken > used) {
        mpyi_report("dict: %u live, counted %zu, %zu full slots, %zu taken, %zu used", d->live,
                    live, full, taken, used);
        return -1;
    }
    return 0;
}
