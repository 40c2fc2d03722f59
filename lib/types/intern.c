/* SPDX-License-Identifier: MIT */
/*
 * types/intern.c - static strs, and the table of interned strs of a runtime.
 *
 * Static strs register themselves: MPYI_STATIC_STR puts their addresses into a section of their
 * own, which the linker joins and delimits with __start_ and __stop_ symbols. mpyi_strings_init()
 * walks it once, hashes every text and picks one str of each. That one gets INTERNED; a second one
 * with the same text stays an ordinary, equal str. The empty str and
 * those of one character come first.
 *
 * A runtime's table is one array probed linearly: an intern hit reads one or two cache lines, and
 * the hash kept in the entry rejects others without touching their str. Removal happens only in a
 * purge, which builds the table anew, so there are no tombstones.
 *
 * Invariants: see types/intern.h. The list of static strs is constant after mpyi_strings_init().
 * Lock: the runtime's; mpyi_strings_init() runs under pthread_once().
 */
#include "types/intern.h"

#include <pthread.h>

#define STATIC_MAX 1024u
#define TABLE_MIN  256u

/* Of the linker: the static strs in the order they were linked. */
extern struct mpyi_str *const __start_mpyi_strs[] __attribute__((visibility("hidden")));
extern struct mpyi_str *const __stop_mpyi_strs[] __attribute__((visibility("hidden")));

/* The strs of one ASCII character. */
static struct {
    struct mpyi_str str;
    char data[8];
} ascii_chars[128];

MPYI_STATIC_STR(empty, "");

static struct mpyi_str *distinct[STATIC_MAX];
static size_t distinct_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---- static strs ----------------------------------------------------------------------------- */

struct mpyi_str *
mpyi_str_empty(void)
{
    return empty;
}

struct mpyi_str *
mpyi_str_ascii_char(unsigned code)
{
    return &ascii_chars[code].str;
}

/* Makes s the one static str with its text, unless there is one or the list is full. slots is a
   table of indices into `distinct`, plus 1. */
static void
add_static(uint16_t slots[2 * STATIC_MAX], struct mpyi_str *s)
{
    uint64_t hash = mpyi_str_hash(s);
    size_t i = (size_t)hash & (2 * STATIC_MAX - 1);
    MPY_ASSERT(mpyi_str_is_ascii(s));
    for (; slots[i] != 0; i = (i + 1) & (2 * STATIC_MAX - 1)) {
        if (mpyi_str_equal(distinct[slots[i] - 1], s)) {
            return;
        }
    }
    if (distinct_count < STATIC_MAX) {
        distinct[distinct_count++] = s;
        slots[i] = (uint16_t)distinct_count;
        s->word |= MPYI_STR_INTERNED;
    }
}

static void
init_strings(void)
{
    static uint16_t slots[2 * STATIC_MAX];
    struct mpyi_str *const *at;
    unsigned i;
    mpyi_hash_init();
    add_static(slots, empty);
    for (i = 0; i < 128; i++) {
        struct mpyi_str *s = &ascii_chars[i].str;
        s->head.refcnt = 0xFFFFFFFFu;
        s->head.gcword = 0;
        s->head.type = &mpyi_str_type.head;
        s->word = (size_t)1 << MPYI_STR_SHIFT | MPYI_STR_ASCII | MPYI_STR_STATIC;
        ascii_chars[i].data[0] = (char)i;
        add_static(slots, s);
    }
    for (at = __start_mpyi_strs; at != __stop_mpyi_strs; at++) {
        add_static(slots, *at);
    }
}

void
mpyi_strings_init(void)
{
    (void)pthread_once(&once, init_strings);
}

struct mpyi_str *const *
mpyi_static_strs(size_t *n)
{
    *n = distinct_count;
    return distinct;
}

/* ---- the table ------------------------------------------------------------------------------- */

static size_t
table_bytes(size_t capacity)
{
    return capacity * sizeof(struct mpyi_intern_entry);
}

/* The smallest capacity that holds n entries and at least as many new ones, 1/2 full. */
static size_t
capacity_for(size_t n)
{
    size_t capacity = TABLE_MIN;
    while (capacity / 4 < n) {
        capacity *= 2;
    }
    return capacity;
}

/* The text is not in the table, and there is room. */
static void
insert_new(struct mpyi_intern *in, uint64_t hash, struct mpyi_str *s)
{
    size_t i = (size_t)hash & in->mask;
    while (in->entries[i].str != NULL) {
        i = (i + 1) & in->mask;
    }
    in->entries[i].hash = hash;
    in->entries[i].str = s;
    in->used++;
}

/* Only the table refers to it. */
static int
is_unused(const struct mpyi_str *s)
{
    return s->head.refcnt == 1;
}

static size_t
count_unused(const struct mpyi_intern *in)
{
    size_t i, n = 0;
    for (i = 0; i <= in->mask; i++) {
        n += in->entries[i].str != NULL && is_unused(in->entries[i].str);
    }
    return n;
}

/* Moves the entries to a table of that capacity; those nobody uses are dropped. int0: -1 when
   memory is out (without an error), nothing has changed then. */
static int
rebuild(struct mpyi_thread *t, struct mpyi_intern *in, size_t capacity)
{
    struct mpyi_intern old;
    size_t i;
    struct mpyi_intern_entry *entries = mpyi_array_alloc(t->heap, table_bytes(capacity));
    if (entries == NULL) {
        return -1;
    }
    old = *in; /* not before: an allocation under pressure may purge */
    memset(entries, 0, table_bytes(capacity));
    in->entries = entries;
    in->mask = capacity - 1;
    in->used = 0;
    for (i = 0; i <= old.mask; i++) {
        struct mpyi_str *s = old.entries[i].str;
        if (s == NULL) {
            continue;
        }
        if (is_unused(s)) {
            s->word &= ~MPYI_STR_INTERNED;
            mpy_decref(mpyi_str_object(s));
        } else {
            insert_new(in, old.entries[i].hash, s);
        }
    }
    in->purges += in->used != old.used;
    mpyi_array_free(t->heap, old.entries, table_bytes(old.mask + 1));
    return 0;
}

/* Room for one more entry. int0: MemoryError. */
static int
make_room(struct mpyi_thread *t, struct mpyi_intern *in)
{
    if (MPY_LIKELY(in->used < (in->mask + 1) / 2)) {
        return 0;
    }
    if (rebuild(t, in, capacity_for(in->used - count_unused(in) + 1)) < 0) {
        (void)mpyi_err_no_memory();
        return -1;
    }
    return 0;
}

int
mpyi_intern_create(struct mpyi_thread *t)
{
    size_t n, i, capacity;
    struct mpyi_str *const *statics;
    struct mpyi_intern *in;
    mpyi_strings_init();
    statics = mpyi_static_strs(&n);
    capacity = capacity_for(n);
    in = mpyi_array_alloc(t->heap, sizeof *in);
    if (in != NULL) {
        in->entries = mpyi_array_alloc(t->heap, table_bytes(capacity));
        if (in->entries == NULL) {
            mpyi_array_free(t->heap, in, sizeof *in);
            in = NULL;
        }
    }
    if (in == NULL) {
        (void)mpyi_err_no_memory();
        return -1;
    }
    memset(in->entries, 0, table_bytes(capacity));
    in->mask = capacity - 1;
    in->used = in->purges = 0;
    for (i = 0; i < n; i++) {
        insert_new(in, statics[i]->hash, statics[i]);
    }
    t->rt->intern = in;
    return 0;
}

void
mpyi_intern_destroy(struct mpyi_thread *t)
{
    struct mpyi_intern *in = t->rt->intern;
    size_t i;
    if (in == NULL) {
        return;
    }
    t->rt->intern = NULL;
    for (i = 0; i <= in->mask; i++) {
        struct mpyi_str *s = in->entries[i].str;
        if (s != NULL && (s->word & MPYI_STR_STATIC) == 0) {
            s->word &= ~MPYI_STR_INTERNED;
            mpy_decref(mpyi_str_object(s));
        }
    }
    mpyi_array_free(t->heap, in->entries, table_bytes(in->mask + 1));
    mpyi_array_free(t->heap, in, sizeof *in);
}

size_t
mpyi_intern_purge(struct mpyi_thread *t)
{
    struct mpyi_intern *in = t->rt->intern;
    size_t unused = count_unused(in), before = in->used;
    if (unused == 0 || rebuild(t, in, capacity_for(before - unused)) < 0) {
        return 0;
    }
    return before - in->used;
}

/* Adds s, whose text is new; s gets one more reference. int0: MemoryError. */
static int
add(struct mpyi_thread *t, uint64_t hash, struct mpyi_str *s)
{
    struct mpyi_intern *in = t->rt->intern;
    if (make_room(t, in) < 0) {
        return -1;
    }
    mpy_incref(mpyi_str_object(s));
    s->word |= MPYI_STR_INTERNED;
    s->hash = hash;
    insert_new(in, hash, s);
    return 0;
}

static __attribute__((noinline)) mpy_object *
add_utf8(struct mpyi_thread *t, const char *function, const char *utf8, size_t n, uint64_t hash)
{
    mpy_object *o = mpyi_str_new(t, function, utf8, n);
    if (o == NULL) {
        return NULL;
    }
    if (add(t, hash, mpyi_str_of(o)) < 0) {
        mpy_decref(o);
        return NULL;
    }
    return o;
}

mpy_object *
mpyi_intern_text(struct mpyi_thread *t, const char *function, const char *utf8, size_t n)
{
    uint64_t hash = mpyi_hash_bytes(utf8, n);
    struct mpyi_str *s = mpyi_intern_find_hashed(t->rt->intern, utf8, n, hash);
    return MPY_LIKELY(s != NULL) ? mpy_newref(mpyi_str_object(s))
                                 : add_utf8(t, function, utf8, n, hash);
}

mpy_object *
mpyi_intern_utf8(struct mpyi_thread *t, const char *utf8, size_t n)
{
    return mpyi_intern_text(t, "mpy_str_intern", utf8, n);
}

mpy_object *
mpyi_intern_str(struct mpyi_thread *t, struct mpyi_str *str)
{
    struct mpyi_str *s = str;
    uint64_t hash;
    if (!mpyi_str_is_interned(str)) {
        hash = mpyi_str_hash(str);
        s = mpyi_intern_find_hashed(t->rt->intern, mpyi_str_data(str), mpyi_str_size(str), hash);
        if (s == NULL && (str->word & MPYI_STR_STATIC) != 0) {
            return add_utf8(t, "mpy_str_intern", mpyi_str_data(str), mpyi_str_size(str), hash);
        }
        if (s == NULL) {
            s = str;
            if (add(t, hash, s) < 0) {
                return NULL;
            }
        }
    }
    return mpy_newref(mpyi_str_object(s));
}

/* ---- checks and the API ---------------------------------------------------------------------- */

static int
violated(const char *rule, size_t at)
{
    mpyi_report("intern table: %s at entry %zu", rule, at);
    return -1;
}

int
mpyi_intern_check(const struct mpyi_intern *in)
{
    size_t i, used = 0;
    for (i = 0; i <= in->mask; i++) {
        const struct mpyi_intern_entry *e = &in->entries[i];
        const struct mpyi_str *s = e->str;
        if (s == NULL) {
            continue;
        }
        used++;
        if (!mpyi_str_is_interned(s)) {
            return violated("a str without the flag", i);
        }
        if (s->hash != e->hash || mpyi_hash_bytes(mpyi_str_data(s), mpyi_str_size(s)) != e->hash) {
            return violated("a wrong hash", i);
        }
        if (mpyi_intern_find_hashed(in, mpyi_str_data(s), mpyi_str_size(s), e->hash) != s) {
            return violated("a text that is there twice, or cannot be reached", i);
        }
    }
    if (used != in->used || used > (in->mask + 1) / 2) {
        return violated("a wrong number of entries", used);
    }
    return 0;
}

mpy_object *
mpy_str_intern(const char *utf8)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    if (MPY_UNLIKELY(t == NULL)) {
        return NULL;
    }
    if (MPY_UNLIKELY(utf8 == NULL)) {
        return mpyi_err_argument(__func__, "utf8", "text", NULL);
    }
    return mpyi_intern_utf8(t, utf8, strlen(utf8));
}
