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

/* What `entries` points behind while there is no table: a group without keys. */
static const struct {
    uint8_t group[MPYI_GROUP];
    struct mpyi_dict_entry none;
} no_table = {{MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY,
               MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY,
               MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY, MPYI_SLOT_EMPTY,
               MPYI_SLOT_EMPTY},
              {NULL, NULL}};

/* ---- geometry
 * ------------------------------------------------------------------------------------ */

static inline size_t
control_bytes(unsigned log2)
{
    return log2 <= 4 ? MPYI_GROUP : (size_t)1 << log2;
}

static inline size_t
index_bytes(unsigned log2)
{
    return log2 <= 4 ? 0 : log2 <= 8 ? (size_t)1 << log2 : (size_t)(log2 <= 16 ? 2 : 4) << log2;
}

/* Bytes of the block below `entries`. */
static inline size_t
bytes_below(unsigned log2, unsigned kind)
{
    size_t hashes = kind == MPYI_DICT_GENERAL ? 8 * mpyi_dict_room(log2) : 0;
    return control_bytes(log2) + index_bytes(log2) + hashes;
}

static inline size_t
table_bytes(unsigned log2, unsigned kind)
{
    return log2 == 0
               ? 0
               : bytes_below(log2, kind) + mpyi_dict_room(log2) * sizeof(struct mpyi_dict_entry);
}

/* The kept hash of entry i of a GENERAL table. */
static inline uint64_t *
kept_hash(struct mpyi_dict_entry *entries, unsigned log2, size_t i)
{
    uint8_t *top = (uint8_t *)entries - control_bytes(log2) - index_bytes(log2);
    return (uint64_t *)(void *)top - 1 - i;
}

static inline void
set_index(struct mpyi_dict_entry *entries, unsigned log2, size_t slot, size_t value)
{
    uint8_t *top = (uint8_t *)entries - ((size_t)1 << log2);
    if (log2 <= 8) {
        (top - 1)[-(ptrdiff_t)slot] = (uint8_t)value;
    } else if (log2 <= 16) {
        ((uint16_t *)(void *)top - 1)[-(ptrdiff_t)slot] = (uint16_t)value;
    } else {
        ((uint32_t *)(void *)top - 1)[-(ptrdiff_t)slot] = (uint32_t)value;
    }
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

static inline uint64_t
make_state(unsigned log2, unsigned kind, uint64_t version)
{
    return version << 16 | kind << 8 | log2;
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

/* ---- searches without user code
 * ---------------------------------------------------------------------- */

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
search(const struct mpyi_dict *d, const struct wanted *w, match_fn match,
       struct mpyi_dict_place *place)
{
    struct mpyi_dict_entry *entries = d->entries;
    uint64_t spread = mpyi_dict_spread(w->hash);
    unsigned log2 = mpyi_dict_log2(d);
    size_t mask = mpyi_dict_group_mask(d);
    size_t g = (size_t)spread & mask;
    size_t step = 0;
    for (;;) {
        const uint8_t *group = mpyi_dict_group(entries, g);
        uint32_t hits;
        if (log2 > 16) {
            size_t line = (((size_t)1 << log2) + ((g + 1) * MPYI_GROUP * sizeof(uint32_t)));
            __builtin_prefetch((const char *)entries - line);
        }
        hits = mpyi_group_match(group, mpyi_dict_tag(spread));
        while (hits != 0) {
            unsigned slot = (unsigned)__builtin_ctz(hits);
            size_t i = mpyi_dict_index(entries, log2, g, slot);
            if (MPY_LIKELY(match(w, entries[i].key))) {
                place->group = g;
                place->slot = slot;
                place->entry = (uint32_t)i;
                return MPYI_DICT_HIT;
            }
            hits &= hits - 1;
        }
        if (MPY_LIKELY(mpyi_group_match(group, MPYI_SLOT_EMPTY) != 0)) {
            place->group = g;
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
    return search(d, &w, match_str, place);
}

int
mpyi_dict_search_bytes(const struct mpyi_dict *d, const char *utf8, size_t n, uint64_t hash,
                       struct mpyi_dict_place *place)
{
    struct wanted w = {NULL, utf8, n, hash, mpyi_dict_kind(d)};
    return search(d, &w, match_bytes, place);
}

int
mpyi_dict_search_simple(const struct mpyi_dict *d, mpy_object *key, uint64_t hash,
                        struct mpyi_dict_place *place)
{
    struct wanted w = {key, NULL, 0, hash, mpyi_dict_kind(d)};
    return search(d, &w, match_simple, place);
}

/* ---- the search that may run user code
 * ---------------------------------------------------------------- */

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
            struct mpyi_dict_place *place)
{
    uint64_t spread = mpyi_dict_spread(hash);
    size_t mask = mpyi_dict_group_mask(d);
    size_t g = (size_t)spread & mask;
    size_t step = 0;
    for (;;) {
        const uint8_t *group = mpyi_dict_group(d->entries, g);
        uint32_t hits = mpyi_group_match(group, mpyi_dict_tag(spread));
        for (; hits != 0; hits &= hits - 1) {
            unsigned slot = (unsigned)__builtin_ctz(hits);
            size_t i = mpyi_dict_index(d->entries, mpyi_dict_log2(d), g, slot);
            int equal;
            if (d->entries[i].key != key && hash_of_entry(d, i) != hash) {
                continue;
            }
            equal = compare_keys(t, d, d->entries[i].key, key);
            if (equal != 0) {
                place->group = g;
                place->slot = slot;
                place->entry = (uint32_t)i;
                return equal;
            }
        }
        if (mpyi_group_match(group, MPYI_SLOT_EMPTY) != 0) {
            place->group = g;
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
    int found;
    do {
        found = search_pass(t, d, key, hash, place);
    } while (found == CHANGED);
    return found;
}

/* ---- placing and rebuilding
 * ---------------------------------------------------------------------------- */

/* A table whose slots are all EMPTY; NULL with MemoryError. */
static struct mpyi_dict_entry *
new_table(struct mpyi_thread *t, unsigned log2, unsigned kind)
{
    size_t below = bytes_below(log2, kind);
    char *block;
    if (log2 > MPYI_DICT_LOG2_MAX) {
        return (struct mpyi_dict_entry *)mpyi_err_no_memory();
    }
    block = (char *)mpyi_array_alloc(t->heap, table_bytes(log2, kind));
    if (MPY_UNLIKELY(block == NULL)) {
        return (struct mpyi_dict_entry *)mpyi_err_no_memory();
    }
    memset(block + below - control_bytes(log2), (int)MPYI_SLOT_EMPTY, control_bytes(log2));
    return (struct mpyi_dict_entry *)(void *)(block + below);
}

void
mpyi_dict_free_table(struct mpyi_thread *t, struct mpyi_dict_entry *entries, uint64_t state)
{
    unsigned log2 = (unsigned)state & 0xFFu;
    unsigned kind = (unsigned)(state >> 8) & 0xFFu;
    if (log2 != 0) {
        mpyi_array_free(t->heap, (char *)entries - bytes_below(log2, kind),
                        table_bytes(log2, kind));
    }
}

/* Gives entry i a slot in a table without DELETED slots that does not hold its key. */
static inline void
place_entry(struct mpyi_dict_entry *entries, unsigned log2, uint64_t spread, size_t i)
{
    size_t mask = (((size_t)1 << log2) - 1) / MPYI_GROUP;
    size_t g = (size_t)spread & mask;
    size_t step = 0;
    uint8_t *group;
    uint32_t free_slots;
    if (log2 <= 4) {
        mpyi_dict_group(entries, 0)[i] = mpyi_dict_tag(spread);
        return;
    }
    for (;;) {
        group = mpyi_dict_group(entries, g);
        free_slots = mpyi_group_free(group);
        if (MPY_LIKELY(free_slots != 0)) {
            break;
        }
        step++;
        g = (g + step) & mask;
    }
    group[__builtin_ctz(free_slots)] = mpyi_dict_tag(spread);
    set_index(entries, log2, g * MPYI_GROUP + (unsigned)__builtin_ctz(free_slots), i);
}

/* Fetches the lines that place_entry() will touch. */
static inline void
prefetch_place(struct mpyi_dict_entry *entries, unsigned log2, uint64_t spread)
{
    size_t g = (size_t)spread & (((size_t)1 << log2) - 1) / MPYI_GROUP;
    if (log2 > 12) {
        const char *top = (const char *)entries - ((size_t)1 << log2);
        __builtin_prefetch(mpyi_dict_group(entries, g), 1);
        __builtin_prefetch(top - (g + 1) * MPYI_GROUP * (log2 <= 16 ? 2 : 4), 1);
    }
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
                spread[i] = mpyi_dict_spread(*kept_hash(entries, log2, e));
            } else {
                if (kind == MPYI_DICT_STR && e + BATCH < n) {
                    __builtin_prefetch(entries[e + BATCH].key);
                }
                spread[i] = mpyi_dict_spread(mpyi_dict_hash_simple(entries[e].key));
            }
            prefetch_place(entries, log2, spread[i]);
        }
        for (i = 0; i < m; i++) {
            place_entry(entries, log2, spread[i], from + i);
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
    int in_place = log2 == mpyi_dict_log2(d) &&
                   (kind == MPYI_DICT_GENERAL) == (mpyi_dict_kind(d) == MPYI_DICT_GENERAL);
    size_t n;
    if (!in_place) {
        entries = new_table(t, log2, kind);
        if (entries == NULL) {
            return -1;
        }
    } else {
        memset((uint8_t *)entries - control_bytes(log2), (int)MPYI_SLOT_EMPTY, control_bytes(log2));
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
    d->state = make_state(log2, kind, (old_state >> 16) + 1);
    return 0;
}

/* Room for one more entry, and the kind for its key. int0. */
static __attribute__((noinline)) int
make_room(struct mpyi_thread *t, struct mpyi_dict *d, unsigned kind)
{
    unsigned log2 = mpyi_dict_log2(d);
    unsigned old_kind = mpyi_dict_kind(d);
    kind = kind > old_kind ? kind : old_kind;
    if (mpyi_dict_used(d) == mpyi_dict_room(log2)) {
        log2 = log2_for((size_t)d->live + d->live / 2 + 1);
    } else if (kind != MPYI_DICT_GENERAL) {
        d->state = make_state(log2, kind, d->state >> 16);
        return 0;
    }
    return rebuild(t, d, log2, kind);
}

/* ---- changes
 * --------------------------------------------------------------------------------------------- */

int
mpyi_dict_add(struct mpyi_thread *t, struct mpyi_dict *d, mpy_object *key, mpy_object *value,
              uint64_t hash, const struct mpyi_dict_place *place)
{
    uint64_t spread = mpyi_dict_spread(hash);
    unsigned kind = mpyi_dict_kind_of_key(key);
    struct mpyi_dict_entry *entries;
    unsigned log2;
    size_t used;
    size_t g = place->group;
    if (MPY_UNLIKELY(d->refs == 2 * mpyi_dict_room(mpyi_dict_log2(d)) ||
                     kind > mpyi_dict_kind(d))) {
        size_t step = 0;
        size_t mask;
        if (make_room(t, d, kind) < 0) {
            return -1;
        }
        mask = mpyi_dict_group_mask(d);
        g = (size_t)spread & mask;
        while (mpyi_group_free(mpyi_dict_group(d->entries, g)) == 0) {
            step++;
            g = (g + step) & mask;
        }
    }
    entries = d->entries;
    log2 = mpyi_dict_log2(d);
    used = mpyi_dict_used(d);
    if (log2 <= 4) {
        mpyi_dict_group(entries, 0)[used] = mpyi_dict_tag(spread);
    } else {
        uint8_t *group = mpyi_dict_group(entries, g);
        unsigned slot = (unsigned)__builtin_ctz(mpyi_group_free(group));
        group[slot] = mpyi_dict_tag(spread);
        set_index(entries, log2, g * MPYI_GROUP + slot, used);
    }
    if (MPY_UNLIKELY(mpyi_dict_kind(d) == MPYI_DICT_GENERAL)) {
        *kept_hash(entries, log2, used) = hash;
    }
    mpy_incref(key);
    mpy_incref(value);
    entries[used].key = key;
    entries[used].value = value;
    d->refs += 2;
    d->live++;
    d->state += MPYI_DICT_VERSION_ONE;
    return 0;
}

void
mpyi_dict_take(struct mpyi_dict *d, const struct mpyi_dict_place *place)
{
    struct mpyi_dict_entry *entries = d->entries;
    uint8_t *group = mpyi_dict_group(entries, place->group);
    size_t i = place->entry;
    size_t used = mpyi_dict_used(d);
    int emptied = mpyi_group_match(group, MPYI_SLOT_EMPTY) != 0;
    group[place->slot] = emptied ? (uint8_t)MPYI_SLOT_EMPTY : (uint8_t)MPYI_SLOT_DELETED;
    entries[i].key = NULL;
    entries[i].value = NULL;
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
    struct mpyi_dict_entry *entries;
    size_t n, i;
    MPY_ASSERT(mpyi_dict_log2(d) == 0);
    if (source->live == 0) {
        return 0;
    }
    entries = new_table(t, log2, kind);
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
    d->state = make_state(log2, kind, (d->state >> 16) + 1);
    return 0;
}

void
mpyi_dict_reset(struct mpyi_dict *d, uint64_t version)
{
    d->refs = 0;
    d->entries = (struct mpyi_dict_entry *)(uintptr_t)&no_table.none;
    d->live = 0;
    d->first = 0;
    d->state = make_state(0, MPYI_DICT_STR, version);
}

size_t
mpyi_dict_table_bytes(const struct mpyi_dict *d)
{
    return table_bytes(mpyi_dict_log2(d), mpyi_dict_kind(d));
}

/* ---- the validator
 * ---------------------------------------------------------------------------------------- */

/* The entry is reachable from its hash through groups without EMPTY slots. */
static int
entry_is_reachable(const struct mpyi_dict *d, size_t i)
{
    uint64_t spread = mpyi_dict_spread(hash_of_entry(d, i));
    size_t mask = mpyi_dict_group_mask(d);
    size_t g = (size_t)spread & mask;
    size_t step;
    for (step = 1; step <= mask + 1; step++) {
        const uint8_t *group = mpyi_dict_group(d->entries, g);
        uint32_t hits = mpyi_group_match(group, mpyi_dict_tag(spread));
        for (; hits != 0; hits &= hits - 1) {
            if (mpyi_dict_index(d->entries, mpyi_dict_log2(d), g, (unsigned)__builtin_ctz(hits)) ==
                i) {
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
    for (g = 0; g <= mpyi_dict_group_mask(d); g++) {
        const uint8_t *group = mpyi_dict_group(d->entries, g);
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
