/* SPDX-License-Identifier: MIT */
/*
 * types/str.c - the type str: creation, access, slots.
 *
 * Creating a short str is the hot path. The bytes are copied and looked at in one pass, 16 at a
 * time, into a block that assumes ASCII; only if a high bit turned up, the block goes back and the
 * text is checked properly. Text above MPYI_STR_FUSED bytes is checked first, so that it is never
 * copied twice.
 *
 * Indexing text that is not ASCII walks words of 8 bytes; from MPYI_STR_INDEXED bytes on, an index
 * of every 64th character is built when it is first wanted. Without memory for it, the walk is
 * long, but nothing fails.
 *
 * Order of code points is order of bytes: that is a property of UTF-8.
 *
 * Invariants: see types/str.h. Lock: the runtime's.
 */
#include "types/str.h"

#include "types/intern.h"
#include "types/iter.h"
#include "types/number.h"
#include "types/utf8.h"

#define MPYI_STR_FUSED   512u
#define MPYI_STR_INDEXED 512u
#define INDEX_STEP       64u

typedef uint64_t pair __attribute__((vector_size(16)));

/* Copies n bytes; the result has a high bit set in some byte if one of them is not ASCII. */
static inline uint64_t
copy_and_look(char *to, const char *from, size_t n)
{
    uint64_t head, last;
    uint32_t head4, last4;
    if (n >= 16) {
        pair seen = {0, 0}, piece;
        size_t at;
        for (at = 0; n - at > 16; at += 16) {
            memcpy(&piece, from + at, 16);
            memcpy(to + at, &piece, 16);
            seen |= piece;
        }
        memcpy(&piece, from + n - 16, 16);
        memcpy(to + n - 16, &piece, 16);
        seen |= piece;
        return seen[0] | seen[1];
    }
    if (n >= 8) {
        memcpy(&head, from, 8);
        memcpy(&last, from + n - 8, 8);
        memcpy(to, &head, 8);
        memcpy(to + n - 8, &last, 8);
        return head | last;
    }
    if (n >= 4) {
        memcpy(&head4, from, 4);
        memcpy(&last4, from + n - 4, 4);
        memcpy(to, &head4, 4);
        memcpy(to + n - 4, &last4, 4);
        return head4 | last4;
    }
    to[0] = from[0];
    to[n >> 1] = from[n >> 1];
    to[n - 1] = from[n - 1];
    return (unsigned char)(from[0] | from[n >> 1] | from[n - 1]);
}

/* Memory of a str of n bytes. */
static inline size_t
ascii_bytes(size_t n)
{
    return sizeof(struct mpyi_str) + 1 + n;
}

static inline size_t
tailed_bytes(size_t n)
{
    return ((sizeof(struct mpyi_str) + n + 8) & ~(size_t)7) + sizeof(struct mpyi_str_tail);
}

static inline struct mpyi_str *
alloc_ascii(struct mpyi_thread *t, size_t n)
{
    struct mpyi_str *s = mpyi_str_of(mpyi_atom_new(t, &mpyi_str_type, ascii_bytes(n)));
    if (MPY_LIKELY(s != NULL)) {
        s->hash = 0;
        s->word = n << MPYI_STR_SHIFT | MPYI_STR_ASCII;
        mpyi_str_data(s)[n] = 0;
    }
    return s;
}

struct mpyi_str *
mpyi_str_alloc(struct mpyi_thread *t, size_t n, size_t chars)
{
    struct mpyi_str *s;
    if (MPY_UNLIKELY(n > MPYI_STR_MAX)) {
        return mpyi_err_no_memory();
    }
    if (n == chars) {
        return alloc_ascii(t, n);
    }
    s = mpyi_str_of(mpyi_atom_new(t, &mpyi_str_type, tailed_bytes(n)));
    if (s != NULL) {
        s->hash = 0;
        s->word = n << MPYI_STR_SHIFT;
        mpyi_str_data(s)[n] = 0;
        mpyi_str_tail(s)->chars = chars;
        mpyi_str_tail(s)->index = NULL;
    }
    return s;
}

static void
str_dealloc(struct mpyi_thread *t, mpy_object *o)
{
    struct mpyi_str *s = mpyi_str_of(o);
    size_t n = mpyi_str_size(s);
    if (MPY_LIKELY(mpyi_str_is_ascii(s))) {
        mpyi_atom_free(t->heap, s, ascii_bytes(n));
        return;
    }
    mpyi_str_type.free_extra(t, o);
    mpyi_atom_free(t->heap, s, tailed_bytes(n));
}

static size_t
check_utf8(const char *function, const char *utf8, size_t n)
{
    size_t bad = 0;
    size_t chars = mpyi_utf8_check(utf8, n, &bad);
    if (chars == SIZE_MAX) {
        (void)mpyi_err_format(MPY_EXC_VALUE_ERROR, "%s(): invalid UTF-8: byte 0x%02x at %zu",
                              function, (unsigned)(unsigned char)utf8[bad], bad);
    }
    return chars;
}

int
mpyi_str_check_utf8(const char *function, const char *utf8, size_t n)
{
    return check_utf8(function, utf8, n) == SIZE_MAX ? -1 : 0;
}

static __attribute__((noinline)) mpy_object *
new_checked(struct mpyi_thread *t, const char *function, const char *utf8, size_t n)
{
    size_t chars;
    if (n > MPYI_STR_MAX) {
        return mpyi_err_no_memory();
    }
    chars = check_utf8(function, utf8, n);
    return chars != SIZE_MAX ? mpyi_str_new_valid(t, utf8, n, chars) : NULL;
}

static inline mpy_object *
new_str(struct mpyi_thread *t, const char *function, const char *utf8, size_t n)
{
    struct mpyi_str *s;
    if (MPY_UNLIKELY(n - 2 > MPYI_STR_FUSED - 2)) {
        if (n == 0) {
            return mpyi_str_object(mpyi_str_empty());
        }
        return n == 1 && (utf8[0] & 0x80) == 0
                   ? mpyi_str_object(mpyi_str_ascii_char((unsigned char)utf8[0]))
                   : new_checked(t, function, utf8, n);
    }
    s = alloc_ascii(t, n);
    if (MPY_UNLIKELY(s == NULL)) {
        return NULL;
    }
    if (MPY_UNLIKELY((copy_and_look(mpyi_str_data(s), utf8, n) & MPYI_UTF8_HIGH) != 0)) {
        mpyi_atom_free(t->heap, s, ascii_bytes(n));
        return new_checked(t, function, utf8, n);
    }
    return mpyi_str_object(s);
}

mpy_object *
mpyi_str_new(struct mpyi_thread *t, const char *function, const char *utf8, size_t n)
{
    return new_str(t, function, utf8, n);
}

mpy_object *
mpyi_str_new_valid(struct mpyi_thread *t, const char *utf8, size_t n, size_t chars)
{
    struct mpyi_str *s;
    if (n == 0) {
        return mpyi_str_object(mpyi_str_empty());
    }
    if (n == 1) {
        return mpyi_str_object(mpyi_str_ascii_char((unsigned char)utf8[0]));
    }
    s = mpyi_str_alloc(t, n, chars);
    if (s == NULL) {
        return NULL;
    }
    memcpy(mpyi_str_data(s), utf8, n);
    return mpyi_str_object(s);
}

mpy_object *
mpyi_str_from_code(struct mpyi_thread *t, uint32_t code)
{
    char utf8[4];
    size_t n = mpyi_utf8_encode(code, utf8);
    return mpyi_str_new_valid(t, utf8, n, 1);
}

uint64_t
mpyi_str_hash_slow(struct mpyi_str *s)
{
    return s->hash = mpyi_hash_bytes(mpyi_str_data(s), mpyi_str_size(s));
}

int
mpyi_str_order(const struct mpyi_str *a, const struct mpyi_str *b)
{
    size_t na = mpyi_str_size(a), nb = mpyi_str_size(b);
    int order = memcmp(mpyi_str_data(a), mpyi_str_data(b), na < nb ? na : nb);
    return order != 0 ? order : (na > nb) - (na < nb);
}

/* ---- characters ------------------------------------------------------------------------------ */

static size_t
index_bytes(size_t chars)
{
    return chars / INDEX_STEP * sizeof(size_t);
}

/* Builds the index unless memory is out. */
static void
build_index(struct mpyi_thread *t, const struct mpyi_str *s)
{
    struct mpyi_str_tail *tail = mpyi_str_tail(s);
    const char *data = mpyi_str_data(s);
    size_t n = mpyi_str_size(s), at = 0, i;
    size_t *index = mpyi_array_alloc(t->heap, index_bytes(tail->chars));
    if (index == NULL) {
        return;
    }
    for (i = 0; i < tail->chars / INDEX_STEP; i++) {
        at += mpyi_utf8_offset(data + at, n - at, INDEX_STEP);
        index[i] = at;
    }
    tail->index = index;
}

size_t
mpyi_str_offset(struct mpyi_thread *t, struct mpyi_str *s, size_t index)
{
    const char *data = mpyi_str_data(s);
    struct mpyi_str_tail *tail;
    size_t n = mpyi_str_size(s), at = 0;
    if (mpyi_str_is_ascii(s)) {
        return index;
    }
    tail = mpyi_str_tail(s);
    if (index == tail->chars) {
        return n;
    }
    if (n >= MPYI_STR_INDEXED && index >= INDEX_STEP) {
        if (tail->index == NULL) {
            build_index(t, s);
        }
        if (tail->index != NULL) {
            at = tail->index[index / INDEX_STEP - 1];
            index %= INDEX_STEP;
        }
    }
    return at + mpyi_utf8_offset(data + at, n - at, index);
}

mpy_object *
mpyi_str_slice(struct mpyi_thread *t, struct mpyi_str *s, size_t from, size_t to)
{
    size_t begin, end;
    if (from == 0 && to == mpyi_str_chars(s)) {
        return mpy_newref(mpyi_str_object(s));
    }
    begin = mpyi_str_offset(t, s, from);
    end = mpyi_str_offset(t, s, to);
    return mpyi_str_new_valid(t, mpyi_str_data(s) + begin, end - begin, to - from);
}

static void
str_free_extra(struct mpyi_thread *t, mpy_object *o)
{
    const struct mpyi_str *s = mpyi_str_of(o);
    struct mpyi_str_tail *tail;
    if (!mpyi_str_is_ascii(s)) {
        tail = mpyi_str_tail(s);
        if (tail->index != NULL) {
            mpyi_array_free(t->heap, tail->index, index_bytes(tail->chars));
            tail->index = NULL;
        }
    }
}

/* All of it: atoms of varying size count themselves as extra. */
static size_t
str_extra_size(const mpy_object *o)
{
    const struct mpyi_str *s = mpyi_str_of(o);
    size_t n = mpyi_str_size(s);
    if (mpyi_str_is_ascii(s)) {
        return mpyi_round_up(ascii_bytes(n), 8);
    }
    return tailed_bytes(n) +
           (mpyi_str_tail(s)->index != NULL ? index_bytes(mpyi_str_tail(s)->chars) : 0);
}

/* ---- slots ----------------------------------------------------------------------------------- */

static mpy_object *
str_str(mpy_object *self)
{
    return mpy_newref(self);
}

static int
str_hash(mpy_object *self, int64_t *out)
{
    *out = (int64_t)mpyi_str_hash(mpyi_str_of(self));
    return 0;
}

static mpy_object *
str_compare(mpy_object *a, mpy_object *b, int op)
{
    if (!mpyi_is_str(a) || !mpyi_is_str(b)) {
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
    if (op == MPY_EQ || op == MPY_NE) {
        return mpyi_bool_object(mpyi_str_equal(mpyi_str_of(a), mpyi_str_of(b)) == (op == MPY_EQ));
    }
    return mpyi_bool_object(mpyi_order_answers(mpyi_str_order(mpyi_str_of(a), mpyi_str_of(b)), op));
}

static int
str_is_true(mpy_object *self)
{
    return mpyi_str_size(mpyi_str_of(self)) != 0;
}

static ptrdiff_t
str_length(mpy_object *self)
{
    return (ptrdiff_t)mpyi_str_chars(mpyi_str_of(self));
}

static mpy_object *
str_get_item(mpy_object *self, mpy_object *key)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_str *s = mpyi_str_of(self);
    int64_t length = (int64_t)mpyi_str_chars(s);
    int64_t index;
    size_t width;
    if (!mpyi_int_get(key, &index)) {
        return mpyi_err_argument("mpy_object_get_item", "key", "int", key);
    }
    index += index < 0 ? length : 0;
    if (index < 0 || index >= length) {
        return mpyi_err_set(MPY_EXC_INDEX_ERROR, "mpy_object_get_item(): str index out of range");
    }
    if (mpyi_str_is_ascii(s)) {
        return mpyi_str_object(mpyi_str_ascii_char((unsigned char)mpyi_str_data(s)[index]));
    }
    return mpyi_str_from_code(
        t, mpyi_utf8_decode(mpyi_str_data(s) + mpyi_str_offset(t, s, (size_t)index), &width));
}

static int
str_contains(mpy_object *self, mpy_object *value)
{
    if (!mpyi_is_str(value)) {
        (void)mpyi_err_argument("mpy_object_contains", "value", "str", value);
        return -1;
    }
    return mpyi_str_contains(mpyi_str_of(self), mpyi_str_of(value));
}

static mpy_object *
concat(struct mpyi_thread *t, struct mpyi_str *a, struct mpyi_str *b)
{
    size_t na = mpyi_str_size(a), nb = mpyi_str_size(b);
    struct mpyi_str *s;
    if (na == 0 || nb == 0) {
        return mpy_newref(mpyi_str_object(na == 0 ? b : a));
    }
    s = mpyi_str_alloc(t, na + nb, mpyi_str_chars(a) + mpyi_str_chars(b));
    if (s == NULL) {
        return NULL;
    }
    memcpy(mpyi_str_data(s), mpyi_str_data(a), na);
    memcpy(mpyi_str_data(s) + na, mpyi_str_data(b), nb);
    return mpyi_str_object(s);
}

static mpy_object *
str_add(mpy_object *a, mpy_object *b)
{
    if (!mpyi_is_str(a) || !mpyi_is_str(b)) {
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
    return concat(mpyi_current(), mpyi_str_of(a), mpyi_str_of(b));
}

/* Fills n bytes of `to` with copies of its first `unit` bytes; n is a multiple of unit. */
static void
fill_repeated(char *to, size_t unit, size_t n)
{
    size_t done = unit;
    while (done < n) {
        size_t more = done <= n - done ? done : n - done;
        memcpy(to + done, to, more);
        done += more;
    }
}

static mpy_object *
str_multiply(mpy_object *a, mpy_object *b)
{
    mpy_object *text = mpyi_is_str(a) ? a : b;
    struct mpyi_str *s = mpyi_str_of(text), *result;
    size_t count, n;
    if (!mpyi_repeat_count(text == a ? b : a, &count)) {
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
    if (count == 0 || mpyi_str_size(s) == 0) {
        return mpyi_str_object(mpyi_str_empty());
    }
    if (count == 1) {
        return mpy_newref(text);
    }
    if (!mpyi_mul_size(mpyi_str_size(s), count, &n)) {
        return mpyi_err_no_memory();
    }
    result = mpyi_str_alloc(mpyi_current(), n, mpyi_str_chars(s) * count);
    if (result == NULL) {
        return NULL;
    }
    memcpy(mpyi_str_data(result), mpyi_str_data(s), mpyi_str_size(s));
    fill_repeated(mpyi_str_data(result), mpyi_str_size(s), n);
    return mpyi_str_object(result);
}

const struct mpyi_type mpyi_str_type = {
    .head = MPYI_STATIC_HEAD(MPY_TF_STR),
    .traits = MPYI_TRAIT_ACYCLIC,
    .layout = MPYI_LAYOUT_ATOM,
    .id = MPY_TYPE_ID_STR,
    .name = "str",
    .qualname = "str",
    .base = &mpyi_object_type,
    .dealloc = str_dealloc,
    .extra_size = str_extra_size,
    .free_extra = str_free_extra,
    .slots = {.repr = mpyi_str_repr,
              .str = str_str,
              .hash = str_hash,
              .compare = str_compare,
              .is_true = str_is_true,
              .length = str_length,
              .get_item = str_get_item,
              .contains = str_contains,
              .iter = mpyi_iter_of_str,
              .add = str_add,
              .multiply = str_multiply},
};

/* ---- the API --------------------------------------------------------------------------------- */

mpy_object *
mpy_str_from_utf8(const char *utf8)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    if (MPY_UNLIKELY(t == NULL)) {
        return NULL;
    }
    if (MPY_UNLIKELY(utf8 == NULL)) {
        return mpyi_err_argument(__func__, "utf8", "text", NULL);
    }
    return new_str(t, __func__, utf8, strlen(utf8));
}

mpy_object *
mpy_str_from_utf8_n(const char *utf8, size_t n)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    if (MPY_UNLIKELY(t == NULL)) {
        return NULL;
    }
    if (MPY_UNLIKELY(utf8 == NULL && n != 0)) {
        return mpyi_err_argument(__func__, "utf8", "text", NULL);
    }
    return new_str(t, __func__, utf8, n);
}

/* 1 when s is a str, else 0 with TypeError. */
static inline int
is_text(const char *function, const char *argument, const mpy_object *s)
{
    if (MPY_LIKELY(mpyi_is_str(s))) {
        return 1;
    }
    (void)mpyi_err_argument(function, argument, "str", s);
    return 0;
}

int
mpy_str_as_utf8(mpy_object *s, const char **out, size_t *n)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, s);
    *out = NULL;
    if (n != NULL) {
        *n = 0;
    }
    if (t == NULL || !is_text(__func__, "s", s)) {
        return -1;
    }
    *out = mpyi_str_data(mpyi_str_of(s));
    if (n != NULL) {
        *n = mpyi_str_size(mpyi_str_of(s));
    }
    return 0;
}

ptrdiff_t
mpy_str_length(mpy_object *s)
{
    if (mpyi_enter1(__func__, s) == NULL || !is_text(__func__, "s", s)) {
        return -1;
    }
    return str_length(s);
}

mpy_object *
mpy_str_substring(mpy_object *s, ptrdiff_t from, ptrdiff_t to)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, s);
    ptrdiff_t length;
    if (t == NULL || !is_text(__func__, "s", s)) {
        return NULL;
    }
    length = str_length(s);
    from = from < 0 ? 0 : from > length ? length : from;
    to = to < from ? from : to > length ? length : to;
    return mpyi_str_slice(t, mpyi_str_of(s), (size_t)from, (size_t)to);
}

mpy_object *
mpy_str_concat(mpy_object *a, mpy_object *b)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, a, b);
    if (t == NULL || !is_text(__func__, "a", a) || !is_text(__func__, "b", b)) {
        return NULL;
    }
    return concat(t, mpyi_str_of(a), mpyi_str_of(b));
}

int
mpy_str_equal_utf8(mpy_object *s, const char *utf8, size_t n)
{
    if (mpyi_enter1(__func__, s) == NULL || !is_text(__func__, "s", s)) {
        return -1;
    }
    if (utf8 == NULL && n != 0) {
        (void)mpyi_err_argument(__func__, "utf8", "text", NULL);
        return -1;
    }
    return mpyi_str_equal_bytes(mpyi_str_of(s), utf8, n);
}
