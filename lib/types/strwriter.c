/* SPDX-License-Identifier: MIT */
/*
 * types/strwriter.c - growing UTF-8 text.
 *
 * Why a copy at the end: a str is one atom of the exact size, and atoms cannot grow in place. The
 * text itself grows by doubling in an array of the runtime's heap, which the large-block cache
 * serves; short text never leaves the writer.
 *
 * The writer of the API is an array of the same heap holding the same struct.
 *
 * Invariants: see types/strwriter.h. Lock: the runtime's.
 */
#include "types/strwriter.h"

#include "types/format.h"
#include "types/utf8.h"

int
mpyi_writer_grow(struct mpy_strwriter *w, size_t n)
{
    struct mpyi_rtheap *heap = w->t->heap;
    int is_inline = w->data == w->space;
    size_t need, capacity;
    char *data;
    if (!mpyi_add_size(w->length, n, &need) || need > MPYI_STR_MAX) {
        (void)mpyi_err_no_memory();
        return -1;
    }
    capacity = w->capacity * 2 > need ? w->capacity * 2 : need;
    capacity = mpyi_array_good_size(capacity);
    data =
        mpyi_array_realloc(heap, is_inline ? NULL : w->data, is_inline ? 0 : w->capacity, capacity);
    if (data == NULL) {
        (void)mpyi_err_no_memory();
        return -1;
    }
    if (is_inline) {
        memcpy(data, w->space, w->length);
    }
    w->data = data;
    w->capacity = capacity;
    return 0;
}

int
mpyi_writer_char(struct mpy_strwriter *w, uint32_t code)
{
    char utf8[4];
    size_t n = mpyi_utf8_encode(code, utf8);
    return mpyi_writer_valid(w, utf8, n, 1);
}

int
mpyi_writer_utf8(struct mpy_strwriter *w, const char *function, const char *utf8, size_t n)
{
    size_t bad = 0, chars;
    if (n > MPYI_STR_MAX) {
        (void)mpyi_err_no_memory();
        return -1;
    }
    chars = mpyi_utf8_check(utf8, n, &bad);
    if (chars == SIZE_MAX) {
        (void)mpyi_err_format(MPY_EXC_VALUE_ERROR, "%s(): invalid UTF-8: byte 0x%02x at %zu",
                              function, (unsigned)(unsigned char)utf8[bad], bad);
        return -1;
    }
    return mpyi_writer_valid(w, utf8, n, chars);
}

/* Appends `text`, the result of str or repr, and releases it. */
static int
write_owned(struct mpy_strwriter *w, mpy_object *text)
{
    int result;
    if (text == NULL) {
        return -1;
    }
    result = mpyi_writer_str(w, mpyi_str_of(text));
    mpy_decref(text);
    return result;
}

int
mpyi_writer_repr(struct mpy_strwriter *w, mpy_object *o)
{
    return write_owned(w, mpy_object_repr(o));
}

int
mpyi_writer_object(struct mpy_strwriter *w, mpy_object *o)
{
    return mpyi_is_str(o) ? mpyi_writer_str(w, mpyi_str_of(o)) : write_owned(w, mpy_object_str(o));
}

void
mpyi_writer_discard(struct mpy_strwriter *w)
{
    if (w->data != w->space) {
        mpyi_array_free(w->t->heap, w->data, w->capacity);
        w->data = w->space;
        w->capacity = MPYI_WRITER_INLINE;
    }
    w->length = w->chars = 0;
}

mpy_object *
mpyi_writer_finish(struct mpy_strwriter *w)
{
    mpy_object *text = mpyi_str_new_valid(w->t, w->data, w->length, w->chars);
    mpyi_writer_discard(w);
    return text;
}

/* ---- the API --------------------------------------------------------------------------------- */

/* Undoes what was appended after a part of it failed. */
static int
keep_or_undo(struct mpy_strwriter *w, int result, size_t length, size_t chars)
{
    if (result < 0) {
        w->length = length;
        w->chars = chars;
    }
    return result;
}

/* 1 when a thread is attached and w is a writer, else 0 with an error. o: what is to be written.
   The writer may change threads between calls. */
static int
may_write(const char *function, struct mpy_strwriter *w, const mpy_object *o)
{
    struct mpyi_thread *t = mpyi_enter1(function, o);
    if (t == NULL) {
        return 0;
    }
    if (w == NULL) {
        (void)mpyi_err_argument(function, "w", "strwriter", NULL);
        return 0;
    }
    w->t = t;
    return 1;
}

mpy_strwriter *
mpy_strwriter_new(size_t hint_bytes)
{
    struct mpyi_thread *t = mpyi_enter(__func__);
    struct mpy_strwriter *w;
    if (t == NULL) {
        return NULL;
    }
    w = mpyi_array_alloc(t->heap, sizeof *w);
    if (w == NULL) {
        return mpyi_err_no_memory();
    }
    mpyi_writer_init(w, t);
    if (mpyi_writer_reserve(w, hint_bytes) < 0) {
        mpyi_array_free(t->heap, w, sizeof *w);
        return NULL;
    }
    return w;
}

int
mpy_strwriter_utf8(mpy_strwriter *w, const char *utf8, size_t n)
{
    if (!may_write(__func__, w, NULL)) {
        return -1;
    }
    if (utf8 == NULL && n != 0) {
        (void)mpyi_err_argument(__func__, "utf8", "text", NULL);
        return -1;
    }
    return mpyi_writer_utf8(w, __func__, utf8, n);
}

int
mpy_strwriter_char(mpy_strwriter *w, uint32_t code_point)
{
    if (!may_write(__func__, w, NULL)) {
        return -1;
    }
    if (!mpyi_code_is_valid(code_point)) {
        (void)mpyi_err_format(MPY_EXC_VALUE_ERROR, "%s(): code point 0x%x is not valid", __func__,
                              (unsigned)code_point);
        return -1;
    }
    return mpyi_writer_char(w, code_point);
}

int
mpy_strwriter_str(mpy_strwriter *w, mpy_object *s)
{
    if (!may_write(__func__, w, s)) {
        return -1;
    }
    if (s == NULL) {
        (void)mpyi_err_argument(__func__, "s", "object", NULL);
        return -1;
    }
    return mpyi_writer_object(w, s);
}

int
mpy_strwriter_repr(mpy_strwriter *w, mpy_object *o)
{
    if (!may_write(__func__, w, o)) {
        return -1;
    }
    if (o == NULL) {
        (void)mpyi_err_argument(__func__, "o", "object", NULL);
        return -1;
    }
    return mpyi_writer_repr(w, o);
}

int
mpy_strwriter_format(mpy_strwriter *w, const char *fmt, ...)
{
    size_t length, chars;
    va_list args;
    int result;
    if (!may_write(__func__, w, NULL)) {
        return -1;
    }
    if (fmt == NULL) {
        (void)mpyi_err_argument(__func__, "fmt", "text", NULL);
        return -1;
    }
    length = w->length;
    chars = w->chars;
    va_start(args, fmt);
    result = mpyi_format_write(w, __func__, MPYI_FORMAT_OBJECTS, fmt, args);
    va_end(args);
    return keep_or_undo(w, result, length, chars);
}

mpy_object *
mpy_strwriter_finish(mpy_strwriter *w)
{
    mpy_object *text;
    struct mpyi_thread *t;
    if (!may_write(__func__, w, NULL)) {
        return NULL;
    }
    t = w->t;
    text = mpyi_writer_finish(w);
    mpyi_array_free(t->heap, w, sizeof *w);
    return text;
}

void
mpy_strwriter_discard(mpy_strwriter *w)
{
    struct mpyi_thread *t;
    if (w == NULL || (t = mpyi_enter_any(__func__)) == NULL) {
        return;
    }
    w->t = t;
    mpyi_writer_discard(w);
    mpyi_array_free(t->heap, w, sizeof *w);
}
