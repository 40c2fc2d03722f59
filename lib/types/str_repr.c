/* SPDX-License-Identifier: MIT */
/*
 * types/str_repr.c - repr of a str, as CPython writes it.
 *
 * Single quotes, unless the text has some and no double ones. The quote and the backslash are
 * escaped; so is what is not printable: \t, \n, \r, then \xhh, \uhhhh or \Uhhhhhhhh, whichever
 * is the shortest that holds the code point. Runs of plain characters are copied in one piece.
 *
 * Lock: the runtime's.
 */
#include "types/str.h"

#include "types/strwriter.h"
#include "types/utf8.h"

/* Appends one character the way repr shows it. */
static int
write_escaped(struct mpy_strwriter *w, uint32_t code, char quote)
{
    static const char digits[] = "0123456789abcdef";
    char text[10] = {'\\', 0, 0, 0, 0, 0, 0, 0, 0, 0};
    size_t n = 2, width;
    if (code == '\\' || code == (unsigned char)quote) {
        text[1] = (char)code;
    } else if (code == '\t' || code == '\n' || code == '\r') {
        text[1] = code == '\t' ? 't' : code == '\n' ? 'n' : 'r';
    } else {
        text[1] = code < 0x100 ? 'x' : code < 0x10000 ? 'u' : 'U';
        for (width = code < 0x100 ? 2 : code < 0x10000 ? 4 : 8; width > 0; width--) {
            text[n++] = digits[code >> 4 * (width - 1) & 15];
        }
    }
    return mpyi_writer_ascii(w, text, n);
}

static int
write_repr(struct mpy_strwriter *w, const struct mpyi_str *s)
{
    const char *data = mpyi_str_data(s);
    size_t n = mpyi_str_size(s), at = 0, plain = 0, chars = 0, width;
    char quote = memchr(data, '\'', n) != NULL && memchr(data, '"', n) == NULL ? '"' : '\'';
    if (mpyi_writer_ascii(w, &quote, 1) < 0) {
        return -1;
    }
    for (; at < n; at += width) {
        uint32_t code = mpyi_utf8_decode(data + at, &width);
        if (code != '\\' && code != (unsigned char)quote && mpyi_code_is_printable(code)) {
            chars++;
            continue;
        }
        if (mpyi_writer_valid(w, data + plain, at - plain, chars) < 0 ||
            write_escaped(w, code, quote) < 0) {
            return -1;
        }
        plain = at + width;
        chars = 0;
    }
    if (mpyi_writer_valid(w, data + plain, n - plain, chars) < 0) {
        return -1;
    }
    return mpyi_writer_ascii(w, &quote, 1);
}

mpy_object *
mpyi_str_repr(mpy_object *self)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpy_strwriter w;
    mpyi_writer_init(&w, t);
    if (write_repr(&w, mpyi_str_of(self)) < 0) {
        mpyi_writer_discard(&w);
        return NULL;
    }
    return mpyi_writer_finish(&w);
}
