/* SPDX-License-Identifier: MIT */
/*
 * types/str.h - what the library knows of a str.
 *
 *      0        16       24       32
 *     +--------+--------+--------+-----------------------+-----+---------------------------+
 *     | header | hash   | word   | UTF-8 bytes, then NUL | pad | struct mpyi_str_tail      |
 *     +--------+--------+--------+-----------------------+-----+---------------------------+
 *                         length << 3 | flags                    only when not ASCII
 *
 * A str is one atom: immutable but for its hash, computed on first use (0: not yet), its flag
 * INTERNED and the index of its tail. ASCII text of n bytes takes 33 + n bytes: 48, 72 and 240 for
 * n = 8, 32 and 200.
 *
 * Invariants: the bytes are valid UTF-8 without surrogates; ASCII is set if and only if all are
 * below 0x80; the byte after the last one is 0; tail.chars is the number of characters. Two strs
 * with INTERNED of the same runtime have equal text only if they are the same str.
 *
 * Static strs (MPYI_STATIC_STR) are immortal, ASCII, shared by all runtimes, and constant once
 * mpyi_strings_init() has hashed them; every intern table starts out holding them.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_STR_H
#define MPY_TYPES_STR_H

#include "minipy/str.h"

#include "object/object.h"
#include "types/hash.h"

#include <string.h>

#define MPYI_STR_ASCII    ((size_t)1)
#define MPYI_STR_INTERNED ((size_t)2)
#define MPYI_STR_STATIC   ((size_t)4)
#define MPYI_STR_SHIFT    3

/* Longest text in bytes: sizes computed from it cannot overflow. */
#define MPYI_STR_MAX (((size_t)PTRDIFF_MAX >> 4) - 64)

struct mpyi_str {
    struct mpy_priv_header head;
    uint64_t hash;
    size_t word;
};
MPY_STATIC_ASSERT(sizeof(struct mpyi_str) == 32, "a str of 8 bytes takes 48");

/* Behind the NUL of text that is not ASCII, at the next multiple of 8. */
struct mpyi_str_tail {
    size_t chars;
    size_t *index; /* owned: byte offsets of characters 64, 128, ...; NULL until wanted */
};

/* Defines `name` as a static str: `static struct mpyi_str *const name`. The text is ASCII. */
#define MPYI_STATIC_STR(name, text) MPYI_STATIC_STR_OF(static, name, text)

/* The same with external linkage; declare it as `extern struct mpyi_str *const name;`. */
#define MPYI_GLOBAL_STR(name, text) MPYI_STATIC_STR_OF(, name, text)

#define MPYI_STATIC_STR_OF(linkage, name, text)                                                    \
    static struct {                                                                                \
        struct mpyi_str str;                                                                       \
        char data[sizeof(text)];                                                                   \
    } name##_storage = {{{0xFFFFFFFFu, 0, &mpyi_str_type.head},                                    \
                         0,                                                                        \
                         (sizeof(text) - 1) << MPYI_STR_SHIFT | MPYI_STR_ASCII | MPYI_STR_STATIC}, \
                        text};                                                                     \
    static struct mpyi_str *const name##_entry __attribute__((used, section("mpyi_strs"))) =       \
        &name##_storage.str;                                                                       \
    linkage struct mpyi_str *const name __attribute__((unused)) = &name##_storage.str

/* Hashes the static strs and makes the process' secret. Once before the first runtime; harmless
   again. Any thread. */
void
mpyi_strings_init(void);

/* Static strs, distinct by text, in no order; *n gets their number. After mpyi_strings_init(). */
struct mpyi_str *const *
mpyi_static_strs(size_t *n);

/* Empty and one-character strs, static. code is 0..127. */
struct mpyi_str *
mpyi_str_empty(void);
struct mpyi_str *
mpyi_str_ascii_char(unsigned code);

static inline int
mpyi_is_str(const mpy_object *o)
{
    return mpy_str_check(o);
}

static inline struct mpyi_str *
mpyi_str_of(const mpy_object *o)
{
    return (struct mpyi_str *)(uintptr_t)o;
}

static inline mpy_object *
mpyi_str_object(const struct mpyi_str *s)
{
    return (mpy_object *)(uintptr_t)s;
}

/* Bytes of the text, without the NUL. */
static inline size_t
mpyi_str_size(const struct mpyi_str *s)
{
    return s->word >> MPYI_STR_SHIFT;
}

static inline char *
mpyi_str_data(const struct mpyi_str *s)
{
    return (char *)(uintptr_t)(s + 1);
}

static inline int
mpyi_str_is_ascii(const struct mpyi_str *s)
{
    return (s->word & MPYI_STR_ASCII) != 0;
}

static inline int
mpyi_str_is_interned(const struct mpyi_str *s)
{
    return (s->word & MPYI_STR_INTERNED) != 0;
}

static inline struct mpyi_str_tail *
mpyi_str_tail(const struct mpyi_str *s)
{
    size_t at = (sizeof *s + mpyi_str_size(s) + 8) & ~(size_t)7;
    return (struct mpyi_str_tail *)(void *)((char *)(uintptr_t)s + at);
}

/* Number of characters. O(1). */
static inline size_t
mpyi_str_chars(const struct mpyi_str *s)
{
    return mpyi_str_is_ascii(s) ? mpyi_str_size(s) : mpyi_str_tail(s)->chars;
}

/* ---- hash and equality: the hot paths of dicts --------------------------------------------- */

uint64_t
mpyi_str_hash_slow(struct mpyi_str *s);

/* Never 0. mpyi_hash_bytes() of the text: look-ups by C string use the same. */
static inline uint64_t
mpyi_str_hash(struct mpyi_str *s)
{
    uint64_t hash = s->hash;
    return MPY_LIKELY(hash != 0) ? hash : mpyi_str_hash_slow(s);
}

/* The n bytes at a and b are equal: short texts without a call. */
static inline int
mpyi_bytes_equal(const char *a, const char *b, size_t n)
{
    uint64_t x, y, u, v;
    if (MPY_UNLIKELY(n > 16)) {
        return memcmp(a, b, n) == 0;
    }
    if (n >= 8) {
        memcpy(&x, a, 8);
        memcpy(&y, b, 8);
        memcpy(&u, a + n - 8, 8);
        memcpy(&v, b + n - 8, 8);
        return ((x ^ y) | (u ^ v)) == 0;
    }
    if (n >= 4) {
        uint32_t p, q, r, s;
        memcpy(&p, a, 4);
        memcpy(&q, b, 4);
        memcpy(&r, a + n - 4, 4);
        memcpy(&s, b + n - 4, 4);
        return ((p ^ q) | (r ^ s)) == 0;
    }
    return n == 0 || (a[0] == b[0] && a[n >> 1] == b[n >> 1] && a[n - 1] == b[n - 1]);
}

/* The texts are equal. Does not look at the hashes: a table compares them first. */
static inline int
mpyi_str_equal(const struct mpyi_str *a, const struct mpyi_str *b)
{
    if (a == b) {
        return 1;
    }
    if (mpyi_str_size(a) != mpyi_str_size(b) || (a->word & b->word & MPYI_STR_INTERNED) != 0) {
        return 0;
    }
    return mpyi_bytes_equal(mpyi_str_data(a), mpyi_str_data(b), mpyi_str_size(a));
}

/* The text is exactly these n bytes. */
static inline int
mpyi_str_equal_bytes(const struct mpyi_str *s, const char *bytes, size_t n)
{
    return mpyi_str_size(s) == n && mpyi_bytes_equal(mpyi_str_data(s), bytes, n);
}

/* < 0, 0, > 0: order of code points. */
int
mpyi_str_order(const struct mpyi_str *a, const struct mpyi_str *b);

/* sub occurs in s. */
int
mpyi_str_contains(const struct mpyi_str *s, const struct mpyi_str *sub);

/* ---- creation ------------------------------------------------------------------------------ */

/* A str with room for n bytes holding `chars` characters (n == chars: ASCII), to be filled with
   valid UTF-8 at mpyi_str_data(); the NUL is there. n >= 1. NULL with MemoryError. */
struct mpyi_str *
mpyi_str_alloc(struct mpyi_thread *t, size_t n, size_t chars);

/* int0: n bytes are UTF-8. For texts that are looked up without becoming a str: no object has an
   invalid one, but asking for it is a mistake all the same. */
int
mpyi_str_check_utf8(const char *function, const char *utf8, size_t n);

/* A str of n bytes; `function` names the caller in "invalid UTF-8". */
mpy_object *
mpyi_str_new(struct mpyi_thread *t, const char *function, const char *utf8, size_t n);

/* The same for bytes known to be valid, `chars` characters long. */
mpy_object *
mpyi_str_new_valid(struct mpyi_thread *t, const char *utf8, size_t n, size_t chars);

/* A str of one character. code is a valid code point. */
mpy_object *
mpyi_str_from_code(struct mpyi_thread *t, uint32_t code);

/* Characters from..to of s, 0 <= from <= to <= length. */
mpy_object *
mpyi_str_slice(struct mpyi_thread *t, struct mpyi_str *s, size_t from, size_t to);

/* ASCII: index; else the byte offset of the character at index, index <= length. Builds the index
   of long text. */
size_t
mpyi_str_offset(struct mpyi_thread *t, struct mpyi_str *s, size_t index);

mpy_object *
mpyi_str_repr(mpy_object *self);

#endif /* MPY_TYPES_STR_H */
