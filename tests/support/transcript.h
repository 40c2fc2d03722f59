/* SPDX-License-Identifier: MIT */
/*
 * support/transcript.h - reading what CPython did (api/data/), and failing every allocation once.
 *
 * A transcript is a text file: one case a line, fields separated by tabs. Text in a field is
 * percent-encoded; "%" alone is the empty text.
 */
#ifndef MPY_TEST_SUPPORT_TRANSCRIPT_H
#define MPY_TEST_SUPPORT_TRANSCRIPT_H

#include "minipy.h"

#include <stddef.h>

#define TRANSCRIPT_FIELDS 8

struct transcript_line {
    const char *name; /* of the file */
    int number;
    size_t count;
    const char *fields[TRANSCRIPT_FIELDS];
};

/* Calls fn for every line of api/data/<name>. The number of lines; fails the test when the file
   cannot be read. */
typedef void (*transcript_fn)(void *data, const struct transcript_line *line);

size_t
transcript_each(const char *name, transcript_fn fn, void *data);

/* Fails the test, naming the line and what was got instead of its last field. */
void
transcript_wrong(const struct transcript_line *line, const char *got);

/* Bytes of an encoded text of n bytes; out has room for n. Their number. */
size_t
transcript_decode(const char *field, size_t n, char *out);

/* A str / bytes of a field. */
mpy_object *
transcript_str(const char *field);
mpy_object *
transcript_bytes(const char *field);

/* MPY_EXC_* of a field "!ValueError", or 0 when it is no exception. */
int
transcript_error(const char *field);

/* Calls fn with the first allocation of the runtime failing, then with the second, and so on until
   it succeeds: 0. fn returns -1 with MemoryError set when it failed. The number of failures; fails
   the test on another error, and when the heap is not in order. */
size_t
inject_each(mpy_runtime *rt, int (*fn)(void *data), void *data);

#endif /* MPY_TEST_SUPPORT_TRANSCRIPT_H */
