/* SPDX-License-Identifier: MIT */
/*
 * types/intern.h - the table of interned strs of a runtime: one str for each text.
 *
 * Open addressing with linear probing over {hash, str}, at most 1/2 full. It starts out holding the
 * static strs, so those are found first. Each entry is a strong reference; when the table is full,
 * entries nobody else refers to are dropped before it grows (mpyi_intern_purge()). So an interned
 * str may be freed at a purge once the last other reference is gone: a cache keyed by the address
 * of an interned str holds a reference, or is emptied when `purges` has changed.
 *
 * Invariants: used <= capacity / 2; every entry has INTERNED set and its hash computed; no two
 * entries have equal text; an entry is reachable from hash & mask without crossing an empty slot.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_INTERN_H
#define MPY_TYPES_INTERN_H

#include "types/str.h"

struct mpyi_intern_entry {
    uint64_t hash;
    struct mpyi_str *str; /* NULL: empty */
};

struct mpyi_intern {
    struct mpyi_intern_entry *entries;
    size_t mask; /* capacity - 1 */
    size_t used;
    size_t purges; /* times strs were dropped */
};

/* Sets t->rt->intern to a table holding the static strs. int0: MemoryError. */
MPY_NODISCARD int
mpyi_intern_create(struct mpyi_thread *t);

/* Drops all entries and the table; t->rt->intern is NULL then. The strs may live on. */
void
mpyi_intern_destroy(struct mpyi_thread *t);

/* Drops entries that only the table refers to; their number. */
size_t
mpyi_intern_purge(struct mpyi_thread *t);

/* The interned str of n bytes: a new reference. NULL: MemoryError, or ValueError (invalid UTF-8).
 */
MPY_NODISCARD mpy_object *
mpyi_intern_utf8(struct mpyi_thread *t, const char *utf8, size_t n);

/* The same on behalf of the public function that texts of errors name. */
MPY_NODISCARD mpy_object *
mpyi_intern_text(struct mpyi_thread *t, const char *function, const char *utf8, size_t n);

/* The interned str equal to `str` (str itself if the text is new): a new reference. */
MPY_NODISCARD mpy_object *
mpyi_intern_str(struct mpyi_thread *t, struct mpyi_str *str);

/* The interned str of n bytes with that hash, or NULL without an error when there is none;
   borrowed. hash: mpyi_hash_bytes(utf8, n). */
static inline struct mpyi_str *
mpyi_intern_find_hashed(const struct mpyi_intern *in, const char *utf8, size_t n, uint64_t hash)
{
    const struct mpyi_intern_entry *e;
    size_t i;
    for (i = (size_t)hash & in->mask; (e = &in->entries[i])->str != NULL; i = (i + 1) & in->mask) {
        if (e->hash == hash && MPY_LIKELY(mpyi_str_equal_bytes(e->str, utf8, n))) {
            return e->str;
        }
    }
    return NULL;
}

static inline struct mpyi_str *
mpyi_intern_find(struct mpyi_thread *t, const char *utf8, size_t n)
{
    return mpyi_intern_find_hashed(t->rt->intern, utf8, n, mpyi_hash_bytes(utf8, n));
}

/* 0, or -1 after a report of a violated invariant. */
int
mpyi_intern_check(const struct mpyi_intern *in);

#endif /* MPY_TYPES_INTERN_H */
