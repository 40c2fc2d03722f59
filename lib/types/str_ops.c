/* SPDX-License-Identifier: MIT */
/*
 * types/str_ops.c - searching, splitting, joining and replacing.
 *
 * Searching works on bytes: no character of UTF-8 is found inside another one, so memmem()
 * (two-way, linear) gives characters, and only offsets that leave this file are turned into
 * indices.
 *
 * Backwards there is no memmem(): the last occurrence is found by a rolling hash over the bytes
 * (Rabin-Karp), which is linear whatever the text looks like, up to collisions that memcmp() sorts
 * out.
 *
 * What is built has its size computed first where that is one pass (replace), else it grows in a
 * writer (join).
 *
 * Lock: the runtime's. Only mpy_str_join() may run user code, through its iterable.
 */
#include "types/str.h"

#include "minipy/list.h"
#include "types/iter.h"
#include "types/strwriter.h"
#include "types/utf8.h"

/* 1 when s is a str, else 0 with TypeError. */
static int
is_text(const char *function, const char *argument, const mpy_object *s)
{
    if (MPY_LIKELY(mpyi_is_str(s))) {
        return 1;
    }
    (void)mpyi_err_argument(function, argument, "str", s);
    return 0;
}

/* ---- searching ------------------------------------------------------------------------------- */

/* Hash of n bytes as digits of a number modulo 2^64, and the weight of the first one. */
static uint64_t
rolling_hash(const unsigned char *bytes, size_t n, uint64_t base, uint64_t *weight)
{
    uint64_t hash = 0, w = 1;
    size_t i;
    for (i = n; i-- > 0;) {
        hash = hash * base + bytes[i];
        w = i != 0 ? w * base : w;
    }
    *weight = w;
    return hash;
}

/* Last occurrence of n bytes at `what` in size bytes at `in`; n >= 1. */
static const char *
find_last(const char *in, size_t size, const char *what, size_t n)
{
    const unsigned char *text = (const unsigned char *)in;
    uint64_t base, weight, wanted, hash;
    size_t at;
    if (n > size) {
        return NULL;
    }
    if (n == 1) {
        return memrchr(in, what[0], size);
    }
    /* Part of the secret, made odd: nobody can write a text whose hashes all collide. */
    memcpy(&base, mpyi_hash_secret + 128, sizeof base);
    base |= 1;
    wanted = rolling_hash((const unsigned char *)what, n, base, &weight);
    at = size - n;
    hash = rolling_hash(text + at, n, base, &weight);
    for (;; at--) {
        if (hash == wanted && memcmp(in + at, what, n) == 0) {
            return in + at;
        }
        if (at == 0) {
            return NULL;
        }
        hash = (hash - text[at + n - 1] * weight) * base + text[at - 1];
    }
}

/* Index of the character that begins at byte `at`. */
static size_t
char_index(const struct mpyi_str *s, size_t at)
{
    return mpyi_str_is_ascii(s) ? at : mpyi_utf8_count(mpyi_str_data(s), at);
}

static ptrdiff_t
clamped(ptrdiff_t i, size_t length)
{
    return i < 0 ? 0 : (size_t)i > length ? (ptrdiff_t)length : i;
}

int
mpy_str_find(mpy_object *s, mpy_object *sub, ptrdiff_t from, ptrdiff_t to, int dir, int64_t *out)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, s, sub);
    const struct mpyi_str *needle;
    struct mpyi_str *text;
    const char *data, *hit;
    size_t begin, end, n;
    *out = -1;
    if (t == NULL || !is_text(__func__, "s", s) || !is_text(__func__, "sub", sub)) {
        return -1;
    }
    text = mpyi_str_of(s);
    needle = mpyi_str_of(sub);
    n = mpyi_str_size(needle);
    if (from > (ptrdiff_t)mpyi_str_chars(text)) {
        return 0;
    }
    from = clamped(from, mpyi_str_chars(text));
    to = clamped(to, mpyi_str_chars(text));
    if (to < from) {
        return 0;
    }
    if (n == 0) {
        *out = dir >= 0 ? from : to;
        return 1;
    }
    data = mpyi_str_data(text);
    begin = mpyi_str_offset(t, text, (size_t)from);
    end = mpyi_str_offset(t, text, (size_t)to);
    hit = dir >= 0 ? memmem(data + begin, end - begin, mpyi_str_data(needle), n)
                   : find_last(data + begin, end - begin, mpyi_str_data(needle), n);
    if (hit == NULL) {
        return 0;
    }
    *out = (int64_t)char_index(text, (size_t)(hit - data));
    return 1;
}

int
mpyi_str_contains(const struct mpyi_str *s, const struct mpyi_str *sub)
{
    return memmem(mpyi_str_data(s), mpyi_str_size(s), mpyi_str_data(sub), mpyi_str_size(sub)) !=
           NULL;
}

int
mpy_str_contains(mpy_object *s, mpy_object *sub)
{
    if (mpyi_enter2(__func__, s, sub) == NULL || !is_text(__func__, "s", s) ||
        !is_text(__func__, "sub", sub)) {
        return -1;
    }
    return mpyi_str_contains(mpyi_str_of(s), mpyi_str_of(sub));
}

/* ---- splitting ------------------------------------------------------------------------------- */

/* Appends bytes begin..end of s to the list. int0. */
static int
append_part(struct mpyi_thread *t, mpy_object *list, struct mpyi_str *s, size_t begin, size_t end)
{
    const char *at = mpyi_str_data(s) + begin;
    size_t n = end - begin, chars = n;
    mpy_object *part;
    int result;
    if (!mpyi_str_is_ascii(s)) {
        chars = mpyi_utf8_count(at, n);
    }
    part = n == mpyi_str_size(s) ? mpy_newref(mpyi_str_object(s))
                                 : mpyi_str_new_valid(t, at, n, chars);
    if (part == NULL) {
        return -1;
    }
    result = mpy_list_append(list, part);
    mpy_decref(part);
    return result;
}

static int
split_at(struct mpyi_thread *t, mpy_object *list, struct mpyi_str *s, const struct mpyi_str *sep,
         size_t cuts)
{
    const char *data = mpyi_str_data(s), *hit;
    size_t n = mpyi_str_size(s), begin = 0;
    for (; cuts > 0; cuts--) {
        hit = memmem(data + begin, n - begin, mpyi_str_data(sep), mpyi_str_size(sep));
        if (hit == NULL) {
            break;
        }
        if (append_part(t, list, s, begin, (size_t)(hit - data)) < 0) {
            return -1;
        }
        begin = (size_t)(hit - data) + mpyi_str_size(sep);
    }
    return append_part(t, list, s, begin, n);
}

/* Offset of the first character from `at` on that is a blank, or is none (blank 0). */
static size_t
skip(const struct mpyi_str *s, size_t at, int blank)
{
    const char *data = mpyi_str_data(s);
    size_t n = mpyi_str_size(s), width;
    while (at < n && mpyi_code_is_blank(mpyi_utf8_decode(data + at, &width)) != blank) {
        at += width;
    }
    return at;
}

static int
split_at_blanks(struct mpyi_thread *t, mpy_object *list, struct mpyi_str *s, size_t cuts)
{
    size_t n = mpyi_str_size(s), begin = skip(s, 0, 0), end;
    for (; begin < n && cuts > 0; cuts--) {
        end = skip(s, begin, 1);
        if (append_part(t, list, s, begin, end) < 0) {
            return -1;
        }
        begin = skip(s, end, 0);
    }
    /* As in Python, the rest keeps the blanks at its end. */
    return begin < n ? append_part(t, list, s, begin, n) : 0;
}

mpy_object *
mpy_str_split(mpy_object *s, mpy_object *sep, ptrdiff_t max)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, s, sep);
    size_t cuts = max < 0 ? SIZE_MAX : (size_t)max;
    mpy_object *list;
    int result;
    if (t == NULL || !is_text(__func__, "s", s) ||
        (sep != NULL && !is_text(__func__, "sep", sep))) {
        return NULL;
    }
    if (sep != NULL && mpyi_str_size(mpyi_str_of(sep)) == 0) {
        return mpyi_err_format(MPY_EXC_VALUE_ERROR, "%s(): argument 'sep': empty", __func__);
    }
    list = mpy_list_new(0);
    if (list == NULL) {
        return NULL;
    }
    result = sep != NULL ? split_at(t, list, mpyi_str_of(s), mpyi_str_of(sep), cuts)
                         : split_at_blanks(t, list, mpyi_str_of(s), cuts);
    if (result < 0) {
        mpy_decref(list);
        return NULL;
    }
    return list;
}

/* ---- joining --------------------------------------------------------------------------------- */

struct joined {
    struct mpy_strwriter w;
    const struct mpyi_str *sep; /* NULL: nothing */
    size_t count;
};

static int
join_item(void *data, mpy_object *item)
{
    struct joined *j = data;
    if (!mpyi_is_str(item)) {
        (void)mpyi_err_format(MPY_EXC_TYPE_ERROR,
                              "mpy_str_join(): argument 'iterable': item %zu: expected str, got %s",
                              j->count, mpyi_type_name_of(item));
        return -1;
    }
    if (j->count++ != 0 && j->sep != NULL && mpyi_writer_str(&j->w, j->sep) < 0) {
        return -1;
    }
    return mpyi_writer_str(&j->w, mpyi_str_of(item));
}

mpy_object *
mpy_str_join(mpy_object *sep, mpy_object *iterable)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, sep, iterable);
    struct joined j;
    if (t == NULL || (sep != NULL && !is_text(__func__, "sep", sep))) {
        return NULL;
    }
    if (!mpyi_is_iterable(iterable)) {
        return mpyi_err_argument(__func__, "iterable", "iterable", iterable);
    }
    mpyi_writer_init(&j.w, t);
    j.sep = sep != NULL ? mpyi_str_of(sep) : NULL;
    j.count = 0;
    if (mpy_iter_each(iterable, join_item, &j) < 0) {
        mpyi_writer_discard(&j.w);
        return NULL;
    }
    return mpyi_writer_finish(&j.w);
}

/* ---- replacing ------------------------------------------------------------------------------- */

static size_t
count_occurrences(const struct mpyi_str *s, const struct mpyi_str *sub, size_t max)
{
    const char *at = mpyi_str_data(s), *hit;
    size_t left = mpyi_str_size(s), count = 0;
    while (count < max &&
           (hit = memmem(at, left, mpyi_str_data(sub), mpyi_str_size(sub))) != NULL) {
        left -= (size_t)(hit - at) + mpyi_str_size(sub);
        at = hit + mpyi_str_size(sub);
        count++;
    }
    return count;
}

/* Fills `out` with s where the first `count` occurrences of `from` are `to`. An empty `from` occurs
   before each character and at the end. */
static void
fill_replaced(char *out, const struct mpyi_str *s, const struct mpyi_str *from,
              const struct mpyi_str *to, size_t count)
{
    const char *at = mpyi_str_data(s), *end = at + mpyi_str_size(s), *hit;
    size_t piece;
    for (; count > 0; count--) {
        hit = at;
        if (mpyi_str_size(from) != 0) {
            hit = memmem(at, (size_t)(end - at), mpyi_str_data(from), mpyi_str_size(from));
            MPY_ASSERT(hit != NULL);
        }
        piece = (size_t)(hit - at);
        memcpy(out, at, piece);
        memcpy(out + piece, mpyi_str_data(to), mpyi_str_size(to));
        out += piece + mpyi_str_size(to);
        at = hit + mpyi_str_size(from);
        if (mpyi_str_size(from) == 0 && at < end) {
            piece = mpyi_utf8_width(*at);
            memcpy(out, at, piece);
            out += piece;
            at += piece;
        }
    }
    memcpy(out, at, (size_t)(end - at));
}

/* old - count * gone + count * added; false: overflow. The first two terms do not wrap. */
static bool
resized(size_t old, size_t count, size_t gone, size_t added, size_t *out)
{
    size_t more;
    return mpyi_mul_size(count, added, &more) && mpyi_add_size(old - count * gone, more, out);
}

mpy_object *
mpy_str_replace(mpy_object *s, mpy_object *from, mpy_object *to, ptrdiff_t max)
{
    struct mpyi_thread *t = mpyi_enter3(__func__, s, from, to);
    struct mpyi_str *text, *old, *new, *result;
    size_t most = max < 0 ? SIZE_MAX : (size_t)max, count, n, chars;
    if (t == NULL || !is_text(__func__, "s", s) || !is_text(__func__, "from", from) ||
        !is_text(__func__, "to", to)) {
        return NULL;
    }
    text = mpyi_str_of(s);
    old = mpyi_str_of(from);
    new = mpyi_str_of(to);
    if (mpyi_str_size(old) == 0) {
        count = mpyi_str_chars(text) + 1 < most ? mpyi_str_chars(text) + 1 : most;
    } else {
        count = count_occurrences(text, old, most);
    }
    if (count == 0 || mpyi_str_equal(old, new)) {
        return mpy_newref(s);
    }
    if (!resized(mpyi_str_size(text), count, mpyi_str_size(old), mpyi_str_size(new), &n) ||
        !resized(mpyi_str_chars(text), count, mpyi_str_chars(old), mpyi_str_chars(new), &chars)) {
        return mpyi_err_no_memory();
    }
    if (n == 0) {
        return mpyi_str_object(mpyi_str_empty());
    }
    result = mpyi_str_alloc(t, n, chars);
    if (result == NULL) {
        return NULL;
    }
    fill_replaced(mpyi_str_data(result), text, old, new, count);
    return mpyi_str_object(result);
}
