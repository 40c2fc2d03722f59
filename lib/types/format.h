/* SPDX-License-Identifier: MIT */
/*
 * types/format.h - printf-like formatting with objects.
 *
 * One parser reads the conversions; numbers are written by hand, so neither the locale nor the
 * current FILE machinery plays a part. Text conversions: width counts characters; the precision of
 * %s counts bytes, as in C, and cuts at a character; that of %O, %R and %T counts characters.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_TYPES_FORMAT_H
#define MPY_TYPES_FORMAT_H

#include "types/strwriter.h"

#include <stdarg.h>

/* Allow %O and %R, which may run user code. */
#define MPYI_FORMAT_OBJECTS 1u

/* Appends formatted text; `function` names the caller in errors. int0: ValueError for an unknown
   conversion, and what %O and %R raise. On failure the writer holds a part of the text. */
MPY_NODISCARD int
mpyi_format_write(struct mpy_strwriter *w, const char *function, unsigned flags, const char *fmt,
                  va_list args);

/* The formatted text as a str. */
MPY_NODISCARD mpy_object *
mpyi_str_format(struct mpyi_thread *t, const char *function, const char *fmt, ...);

/* Formats into a buffer of `size` bytes (>= 1), cut at a character and NUL-terminated; the number
   of bytes written. No %O and %R, allocates nothing and cannot fail: an unknown conversion is
   copied as it stands, invalid UTF-8 becomes '?'. For messages of errors. */
size_t
mpyi_format_buffer(char *buffer, size_t size, const char *fmt, va_list args);

#endif /* MPY_TYPES_FORMAT_H */
