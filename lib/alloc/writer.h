/* SPDX-License-Identifier: MIT */
/*
 * alloc/writer.h - text on its way to a caller's write function, in pieces of up to 2 KiB.
 *
 * A picture of a heap has a hundred thousand short pieces; here they are put together, on the
 * caller's stack, so that nothing is allocated. Numbers are whole: printf's fractions depend on the
 * host's locale and would break JSON and SVG.
 *
 *   failed   the function asked to stop: nothing is sent any more, mpyi_writer_end() says -1
 *
 * Lock: none.
 */
#ifndef MPY_ALLOC_WRITER_H
#define MPY_ALLOC_WRITER_H

#include "minipy/base.h"

#define MPYI_WRITER_BYTES 2048u

struct mpyi_writer {
    mpy_write_fn write;
    void *data;
    size_t used;
    int failed;
    char bytes[MPYI_WRITER_BYTES];
};

void
mpyi_writer_begin(struct mpyi_writer *out, mpy_write_fn write, void *data);

/* Sends what is left. 0, or -1 when the function stopped. */
MPY_NODISCARD int
mpyi_writer_end(struct mpyi_writer *out);

/* As printf; a piece has at most 512 bytes, what is longer is cut. */
void
mpyi_writer_print(struct mpyi_writer *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif /* MPY_ALLOC_WRITER_H */
