/* SPDX-License-Identifier: MIT */
/*
 * types/strwriter.h - growing UTF-8 text, for reprs and formatting inside the library.
 *
 *     struct mpy_strwriter w;
 *     mpyi_writer_init(&w, t);
 *     if (mpyi_writer_text(&w, "[") < 0 || ...) {
 *         mpyi_writer_discard(&w);
 *         return NULL;
 *     }
 *     return mpyi_writer_finish(&w);
 *
 * The text starts in the writer itself and moves to an array of the runtime's heap when it outgrows
 * that; the capacity doubles. The writer counts characters as it goes, so finishing is one copy.
 *
 * Invariants: length <= capacity; chars characters in length bytes, all valid UTF-8.
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_STRWRITER_H
#define MPY_TYPES_STRWRITER_H

#include "types/str.h"

#define MPYI_WRITER_INLINE 192

struct mpy_strwriter {
    struct mpyi_thread *t;
    char *data; /* `space`, or an owned array */
    size_t length, capacity, chars;
    char space[MPYI_WRITER_INLINE];
};

static inline void
mpyi_writer_init(struct mpy_strwriter *w, struct mpyi_thread *t)
{
    w->t = t;
    w->data = w->space;
    w->length = w->chars = 0;
    w->capacity = MPYI_WRITER_INLINE;
}

/* Room for n more bytes. int0: MemoryError, OverflowError. The text is unchanged on failure. */
MPY_NODISCARD int
mpyi_writer_grow(struct mpy_strwriter *w, size_t n);

static inline int
mpyi_writer_reserve(struct mpy_strwriter *w, size_t n)
{
    return MPY_LIKELY(w->capacity - w->length >= n) ? 0 : mpyi_writer_grow(w, n);
}

/* Appends n bytes of valid UTF-8 with that many characters. int0. */
static inline int
mpyi_writer_valid(struct mpy_strwriter *w, const char *utf8, size_t n, size_t chars)
{
    if (mpyi_writer_reserve(w, n) < 0) {
        return -1;
    }
    if (n != 0) {
        memcpy(w->data + w->length, utf8, n);
    }
    w->length += n;
    w->chars += chars;
    return 0;
}

/* Appends ASCII. int0. */
static inline int
mpyi_writer_ascii(struct mpy_strwriter *w, const char *ascii, size_t n)
{
    return mpyi_writer_valid(w, ascii, n, n);
}

/* Appends a NUL-terminated ASCII text. int0. */
static inline int
mpyi_writer_text(struct mpy_strwriter *w, const char *ascii)
{
    return mpyi_writer_ascii(w, ascii, strlen(ascii));
}

/* Appends a str. int0. */
static inline int
mpyi_writer_str(struct mpy_strwriter *w, const struct mpyi_str *s)
{
    return mpyi_writer_valid(w, mpyi_str_data(s), mpyi_str_size(s), mpyi_str_chars(s));
}

/* Appends a character; the code point is valid. int0. */
MPY_NODISCARD int
mpyi_writer_char(struct mpy_strwriter *w, uint32_t code);

/* Appends n bytes of UTF-8 after checking them; `function` names the caller. int0. */
MPY_NODISCARD int
mpyi_writer_utf8(struct mpy_strwriter *w, const char *function, const char *utf8, size_t n);

/* Appends repr(o) / str(o). Runs user code. int0. */
MPY_NODISCARD int
mpyi_writer_repr(struct mpy_strwriter *w, mpy_object *o);
MPY_NODISCARD int
mpyi_writer_object(struct mpy_strwriter *w, mpy_object *o);

/* The text as a str; the writer's memory is gone, on failure too. */
MPY_NODISCARD mpy_object *
mpyi_writer_finish(struct mpy_strwriter *w);

void
mpyi_writer_discard(struct mpy_strwriter *w);

#endif /* MPY_TYPES_STRWRITER_H */
