/* SPDX-License-Identifier: MIT */
/*
 * alloc/writer.c - pieces of text, put together and sent; see alloc/writer.h.
 *
 * Invariant: used <= MPYI_WRITER_BYTES; a piece is sent whole or not at all.
 *
 * Lock: none.
 */
#include "alloc/writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PIECE 512u

void
mpyi_writer_begin(struct mpyi_writer *out, mpy_write_fn write, void *data)
{
    out->write = write;
    out->data = data;
    out->used = 0;
    out->failed = 0;
}

static void
send(struct mpyi_writer *out)
{
    if (out->used > 0 && !out->failed) {
        out->failed = out->write(out->data, out->bytes, out->used) != 0;
    }
    out->used = 0;
}

int
mpyi_writer_end(struct mpyi_writer *out)
{
    send(out);
    return out->failed ? -1 : 0;
}

void
mpyi_writer_print(struct mpyi_writer *out, const char *format, ...)
{
    char piece[PIECE];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    if (n <= 0) {
        return;
    }
    size_t length = (size_t)n < sizeof piece ? (size_t)n : sizeof piece - 1;
    if (length > sizeof out->bytes - out->used) {
        send(out);
    }
    memcpy(out->bytes + out->used, piece, length);
    out->used += length;
}
