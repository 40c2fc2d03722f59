/* SPDX-License-Identifier: MIT */
/*
 * minipy/str.h - immutable text, stored as UTF-8.
 *
 * Lengths and indices count characters (code points); byte counts are said to be bytes. Text that
 * is ASCII is indexed in O(1); longer text gets a sparse index when it is first needed. Invalid
 * UTF-8 raises ValueError (UnicodeDecodeError in CPython); surrogates are invalid; NUL characters
 * are allowed in the *_n forms.
 *
 * Results, ownership and threads: see minipy/object.h. Nothing here runs user code, unless it says
 * so: (U).
 */
#ifndef MPY_STR_H
#define MPY_STR_H

#include "minipy/object.h"

#include <stdarg.h>

MPY_EXTERN_C_BEGIN

/* 1 for a str, else 0; NULL is not one. Cannot fail. */
MPY_INLINE int
mpy_str_check(const mpy_object *o)
{
    return mpy_priv_has_flag(o, MPY_TF_STR);
}

/* A str of a NUL-terminated text / of n bytes. O(n). */
MPY_NODISCARD MPY_API mpy_object *
mpy_str_from_utf8(const char *utf8);
MPY_NODISCARD MPY_API mpy_object *
mpy_str_from_utf8_n(const char *utf8, size_t n);

/* printf-like: %d %i %u %x %X %o %c %s %p %%, with the sizes hh h l ll z j t and with width,
   precision and flags as in C, and %O (str of an object), %R (repr), %T (name of its type). %c
   takes a code point. Width counts characters; the precision of %s counts bytes, that of %O, %R and
   %T characters. ValueError: unknown conversion, invalid UTF-8 in %s. (U) through %O and %R. */
MPY_NODISCARD MPY_API mpy_object *
mpy_str_format(const char *fmt, ...);
MPY_NODISCARD MPY_API mpy_object *
mpy_str_vformat(const char *fmt, va_list args);

/* The one str of this runtime with that text: equal interned strings are identical. O(n). */
MPY_NODISCARD MPY_API mpy_object *
mpy_str_intern(const char *utf8);

/* int0: the bytes of the text, NUL-terminated; *n, unless NULL, gets their number. O(1). */
MPY_NODISCARD MPY_API int
mpy_str_as_utf8(mpy_object *s, const char **out, size_t *n);

/* size: number of characters. O(1) for ASCII, else O(n) once. */
MPY_NODISCARD MPY_API ptrdiff_t
mpy_str_length(mpy_object *s);

/* Characters from..to (exclusive), both clamped to the length. */
MPY_NODISCARD MPY_API mpy_object *
mpy_str_substring(mpy_object *s, ptrdiff_t from, ptrdiff_t to);

MPY_NODISCARD MPY_API mpy_object *
mpy_str_concat(mpy_object *a, mpy_object *b);

/* The strs of an iterable with sep (NULL: nothing) between them. TypeError: an item is no str. (U)
   through the iterable. */
MPY_NODISCARD MPY_API mpy_object *
mpy_str_join(mpy_object *sep, mpy_object *iterable);

/* List of the parts between sep (NULL: runs of blanks), at most max cuts (negative: all). */
MPY_NODISCARD MPY_API mpy_object *
mpy_str_split(mpy_object *s, mpy_object *sep, ptrdiff_t max);

/* At most max (negative: all) occurrences of `from` replaced by `to`. */
MPY_NODISCARD MPY_API mpy_object *
mpy_str_replace(mpy_object *s, mpy_object *from, mpy_object *to, ptrdiff_t max);

/* found: index of the first (dir >= 0) or last (dir < 0) occurrence within from..to, both clamped
   to 0..length; `from` beyond the length finds nothing, not even "". *out is -1 unless found.
   O(length). */
MPY_NODISCARD MPY_API int
mpy_str_find(mpy_object *s, mpy_object *sub, ptrdiff_t from, ptrdiff_t to, int dir, int64_t *out);

/* bool. */
MPY_NODISCARD MPY_API int
mpy_str_contains(mpy_object *s, mpy_object *sub);

/* bool: the text is exactly these n bytes. */
MPY_NODISCARD MPY_API int
mpy_str_equal_utf8(mpy_object *s, const char *utf8, size_t n);

/* Builds a str piece by piece. A writer is not an object: finish or discard it exactly once. */
typedef struct mpy_strwriter mpy_strwriter;

MPY_NODISCARD MPY_API mpy_strwriter *
mpy_strwriter_new(size_t hint_bytes);
MPY_NODISCARD MPY_API int
mpy_strwriter_utf8(mpy_strwriter *w, const char *utf8, size_t n);
MPY_NODISCARD MPY_API int
mpy_strwriter_char(mpy_strwriter *w, uint32_t code_point);
MPY_NODISCARD MPY_API int
mpy_strwriter_str(mpy_strwriter *w, mpy_object *s); /* str(s) (U) */
MPY_NODISCARD MPY_API int
mpy_strwriter_repr(mpy_strwriter *w, mpy_object *o); /* repr(o) (U) */
MPY_NODISCARD MPY_API int
mpy_strwriter_format(mpy_strwriter *w, const char *fmt, ...);

/* The str; the writer is gone, on failure too. */
MPY_NODISCARD MPY_API mpy_object *
mpy_strwriter_finish(mpy_strwriter *w);
MPY_API void
mpy_strwriter_discard(mpy_strwriter *w); /* NULL is allowed */

/* The library's hash of n bytes: XXH3 with the process' random secret. Never 0. Any thread. */
MPY_API uint64_t
mpy_hash_bytes(const void *bytes, size_t n);

MPY_EXTERN_C_END

#endif /* MPY_STR_H */
