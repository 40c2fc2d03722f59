/* SPDX-License-Identifier: MIT */
/*
 * types/bytes.c - the type bytes.
 *
 * One atom with the bytes inside. Elements are ints; order is that of unsigned bytes; the repr is
 * CPython's: b'...' with \t, \n, \r and \xhh for everything that is not printable ASCII, double
 * quotes only when there are single ones and no double ones inside.
 *
 * Invariant: the byte after the last one is 0.
 * Lock: the runtime's.
 */
#include "types/bytes.h"

#include "types/iter.h"
#include "types/number.h"
#include "types/str.h"
#include "types/strwriter.h"

/* b'': immortal. Its first word of data is its terminator. */
static struct {
    struct mpyi_bytes bytes;
    uint64_t data;
} empty = {{{0xFFFFFFFFu, 0, &mpyi_bytes_type.head}, 0, 0}, 0};

static inline size_t
bytes_size(size_t n)
{
    return sizeof(struct mpyi_bytes) + 1 + n;
}

struct mpyi_bytes *
mpyi_bytes_alloc(struct mpyi_thread *t, size_t n)
{
    struct mpyi_bytes *b;
    if (n > MPYI_BYTES_MAX) {
        return mpyi_err_no_memory();
    }
    b = mpyi_bytes_of(mpyi_atom_new(t, &mpyi_bytes_type, bytes_size(n)));
    if (b != NULL) {
        b->hash = 0;
        b->size = n;
        mpyi_bytes_data(b)[n] = 0;
    }
    return b;
}

mpy_object *
mpyi_bytes_new(struct mpyi_thread *t, const void *data, size_t n)
{
    struct mpyi_bytes *b;
    if (n == 0) {
        return mpyi_bytes_object(&empty.bytes);
    }
    b = mpyi_bytes_alloc(t, n);
    if (b == NULL) {
        return NULL;
    }
    memcpy(mpyi_bytes_data(b), data, n);
    return mpyi_bytes_object(b);
}

/* ---- slots ----------------------------------------------------------------------------------- */

static void
bytes_dealloc(struct mpyi_thread *t, mpy_object *o)
{
    mpyi_atom_free(t->heap, o, bytes_size(mpyi_bytes_of(o)->size));
}

/* All of it: atoms of varying size count themselves as extra. */
static size_t
bytes_extra_size(const mpy_object *o)
{
    return mpyi_round_up(bytes_size(mpyi_bytes_of(o)->size), 8);
}

static int
write_byte(struct mpy_strwriter *w, uint8_t c, char quote)
{
    static const char digits[] = "0123456789abcdef";
    char text[4] = {'\\', 0, 0, 0};
    if (c == '\\' || c == (uint8_t)quote) {
        text[1] = (char)c;
        return mpyi_writer_ascii(w, text, 2);
    }
    if (c == '\t' || c == '\n' || c == '\r') {
        text[1] = c == '\t' ? 't' : c == '\n' ? 'n' : 'r';
        return mpyi_writer_ascii(w, text, 2);
    }
    if (c < 0x20 || c >= 0x7F) {
        text[1] = 'x';
        text[2] = digits[c >> 4];
        text[3] = digits[c & 15];
        return mpyi_writer_ascii(w, text, 4);
    }
    text[0] = (char)c;
    return mpyi_writer_ascii(w, text, 1);
}

static int
write_repr(struct mpy_strwriter *w, const struct mpyi_bytes *b)
{
    const uint8_t *data = mpyi_bytes_data(b);
    char quote =
        memchr(data, '\'', b->size) != NULL && memchr(data, '"', b->size) == NULL ? '"' : '\'';
    size_t i;
    if (mpyi_writer_ascii(w, "b", 1) < 0 || mpyi_writer_ascii(w, &quote, 1) < 0) {
        return -1;
    }
    for (i = 0; i < b->size; i++) {
        if (write_byte(w, data[i], quote) < 0) {
            return -1;
        }
    }
    return mpyi_writer_ascii(w, &quote, 1);
}

static mpy_object *
bytes_repr(mpy_object *self)
{
    struct mpy_strwriter w;
    mpyi_writer_init(&w, mpyi_current());
    if (write_repr(&w, mpyi_bytes_of(self)) < 0) {
        mpyi_writer_discard(&w);
        return NULL;
    }
    return mpyi_writer_finish(&w);
}

static int
bytes_hash(mpy_object *self, int64_t *out)
{
    struct mpyi_bytes *b = mpyi_bytes_of(self);
    uint64_t hash = b->hash;
    if (hash == 0) {
        hash = mpyi_hash_bytes(mpyi_bytes_data(b), b->size);
        if (b != &empty.bytes) {
            b->hash = hash;
        }
    }
    *out = (int64_t)hash;
    return 0;
}

static mpy_object *
bytes_compare(mpy_object *left, mpy_object *right, int op)
{
    const struct mpyi_bytes *a = mpyi_bytes_of(left), *b = mpyi_bytes_of(right);
    int order;
    if (!mpy_bytes_check(left) || !mpy_bytes_check(right)) {
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
    order = memcmp(mpyi_bytes_data(a), mpyi_bytes_data(b), a->size < b->size ? a->size : b->size);
    if (order == 0) {
        order = (a->size > b->size) - (a->size < b->size);
    }
    return mpyi_bool_object(mpyi_order_answers(order, op));
}

static int
bytes_is_true(mpy_object *self)
{
    return mpyi_bytes_of(self)->size != 0;
}

static ptrdiff_t
bytes_length(mpy_object *self)
{
    return (ptrdiff_t)mpyi_bytes_of(self)->size;
}

static mpy_object *
bytes_get_item(mpy_object *self, mpy_object *key)
{
    const struct mpyi_bytes *b = mpyi_bytes_of(self);
    int64_t index;
    if (!mpyi_int_get(key, &index)) {
        return mpyi_err_argument("mpy_object_get_item", "key", "int", key);
    }
    index += index < 0 ? (int64_t)b->size : 0;
    if (index < 0 || index >= (int64_t)b->size) {
        return mpyi_err_set(MPY_EXC_INDEX_ERROR, "mpy_object_get_item(): bytes index out of range");
    }
    return mpyi_int_new("mpy_object_get_item", mpyi_bytes_data(b)[index]);
}

/* A byte (an int of 0..255) or a run of bytes is in it. */
static int
bytes_contains(mpy_object *self, mpy_object *value)
{
    const struct mpyi_bytes *b = mpyi_bytes_of(self), *sub;
    int64_t byte;
    if (mpyi_int_get(value, &byte)) {
        if (byte < 0 || byte > 255) {
            (void)mpyi_err_set(MPY_EXC_VALUE_ERROR,
                               "mpy_object_contains(): argument 'value': a byte is 0..255");
            return -1;
        }
        return memchr(mpyi_bytes_data(b), (int)byte, b->size) != NULL;
    }
    if (!mpy_bytes_check(value)) {
        (void)mpyi_err_argument("mpy_object_contains", "value", "int or bytes", value);
        return -1;
    }
    sub = mpyi_bytes_of(value);
    return memmem(mpyi_bytes_data(b), b->size, mpyi_bytes_data(sub), sub->size) != NULL;
}

static mpy_object *
concat(struct mpyi_thread *t, const struct mpyi_bytes *a, const struct mpyi_bytes *b)
{
    struct mpyi_bytes *result;
    if (a->size == 0 || b->size == 0) {
        return mpy_newref(mpyi_bytes_object(a->size == 0 ? b : a));
    }
    result = mpyi_bytes_alloc(t, a->size + b->size);
    if (result == NULL) {
        return NULL;
    }
    memcpy(mpyi_bytes_data(result), mpyi_bytes_data(a), a->size);
    memcpy(mpyi_bytes_data(result) + a->size, mpyi_bytes_data(b), b->size);
    return mpyi_bytes_object(result);
}

static mpy_object *
bytes_add(mpy_object *a, mpy_object *b)
{
    if (!mpy_bytes_check(a) || !mpy_bytes_check(b)) {
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
    return concat(mpyi_current(), mpyi_bytes_of(a), mpyi_bytes_of(b));
}

static mpy_object *
bytes_multiply(mpy_object *a, mpy_object *b)
{
    mpy_object *source = mpy_bytes_check(a) ? a : b;
    const struct mpyi_bytes *unit = mpyi_bytes_of(source);
    struct mpyi_bytes *result;
    size_t count, n, done;
    if (!mpyi_repeat_count(source == a ? b : a, &count)) {
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
    if (count == 0 || unit->size == 0) {
        return mpyi_bytes_object(&empty.bytes);
    }
    if (count == 1) {
        return mpy_newref(source);
    }
    if (!mpyi_mul_size(unit->size, count, &n)) {
        return mpyi_err_no_memory();
    }
    result = mpyi_bytes_alloc(mpyi_current(), n);
    if (result == NULL) {
        return NULL;
    }
    memcpy(mpyi_bytes_data(result), mpyi_bytes_data(unit), unit->size);
    for (done = unit->size; done < n;) {
        size_t more = done <= n - done ? done : n - done;
        memcpy(mpyi_bytes_data(result) + done, mpyi_bytes_data(result), more);
        done += more;
    }
    return mpyi_bytes_object(result);
}

const struct mpyi_type mpyi_bytes_type = {
    .head = MPYI_STATIC_HEAD(MPY_TF_BYTES),
    .traits = MPYI_TRAIT_ACYCLIC,
    .layout = MPYI_LAYOUT_ATOM,
    .id = MPY_TYPE_ID_BYTES,
    .name = "bytes",
    .qualname = "bytes",
    .base = &mpyi_object_type,
    .dealloc = bytes_dealloc,
    .extra_size = bytes_extra_size,
    .slots = {.repr = bytes_repr,
              .hash = bytes_hash,
              .compare = bytes_compare,
              .is_true = bytes_is_true,
              .length = bytes_length,
              .get_item = bytes_get_item,
              .contains = bytes_contains,
              .iter = mpyi_iter_of_bytes,
              .add = bytes_add,
              .multiply = bytes_multiply},
};

/* ---- the API --------------------------------------------------------------------------------- */

mpy_object *
mpy_bytes_from_data(const void *data, size_t n)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    if (t == NULL) {
        return NULL;
    }
    if (data == NULL && n != 0) {
        return mpyi_err_argument(__func__, "data", "bytes", NULL);
    }
    return mpyi_bytes_new(t, data, n);
}

int
mpy_bytes_view(mpy_object *o, const uint8_t **out, size_t *n)
{
    *out = NULL;
    *n = 0;
    if (mpyi_enter1(__func__, o) == NULL) {
        return -1;
    }
    if (!mpy_bytes_check(o)) {
        (void)mpyi_err_argument(__func__, "o", "bytes", o);
        return -1;
    }
    *out = mpyi_bytes_data(mpyi_bytes_of(o));
    *n = mpyi_bytes_of(o)->size;
    return 0;
}

mpy_object *
mpy_bytes_concat(mpy_object *a, mpy_object *b)
{
    struct mpyi_thread *t = mpyi_enter2(__func__, a, b);
    if (t == NULL) {
        return NULL;
    }
    if (!mpy_bytes_check(a)) {
        return mpyi_err_argument(__func__, "a", "bytes", a);
    }
    if (!mpy_bytes_check(b)) {
        return mpyi_err_argument(__func__, "b", "bytes", b);
    }
    return concat(t, mpyi_bytes_of(a), mpyi_bytes_of(b));
}
