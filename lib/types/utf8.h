/* SPDX-License-Identifier: MIT */
/*
 * types/utf8.h - checking, counting and walking UTF-8. Pure functions: no lock, no allocation.
 *
 * Valid means Unicode's table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF. ASCII
 * runs are skipped 8 bytes at a time.
 */
#ifndef MPY_TYPES_UTF8_H
#define MPY_TYPES_UTF8_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MPYI_UTF8_HIGH UINT64_C(0x8080808080808080)
#define MPYI_CODE_MAX  0x10FFFFu

/* Number of characters in n bytes, or SIZE_MAX when they are not valid; *bad, unless NULL, then
   gets the offset of the first byte that is wrong. */
size_t
mpyi_utf8_check(const char *utf8, size_t n, size_t *bad);

/* Number of characters in n valid bytes. */
size_t
mpyi_utf8_count(const char *utf8, size_t n);

/* Byte offset of character `index` in n valid bytes; n when there are fewer. */
size_t
mpyi_utf8_offset(const char *utf8, size_t n, size_t index);

/* All n bytes are below 0x80. */
int
mpyi_utf8_is_ascii(const char *utf8, size_t n);

/* Decodes the character at the start of valid UTF-8; *n gets its bytes (1..4). */
uint32_t
mpyi_utf8_decode(const char *utf8, size_t *n);

/* Writes a valid code point; its bytes (1..4). */
size_t
mpyi_utf8_encode(uint32_t code, char out[4]);

/* Largest size <= n at which valid UTF-8 may be cut. */
size_t
mpyi_utf8_cut(const char *utf8, size_t n);

/* White space as str.split() and int() see it. */
int
mpyi_code_is_blank(uint32_t code);

/* CPython's str.isprintable() for one character. */
int
mpyi_code_is_printable(uint32_t code);

static inline int
mpyi_code_is_valid(uint32_t code)
{
    return code <= MPYI_CODE_MAX && (code < 0xD800 || code > 0xDFFF);
}

/* Bytes of a character by its first byte, which is valid. */
static inline size_t
mpyi_utf8_width(char first)
{
    unsigned char c = (unsigned char)first;
    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

#endif /* MPY_TYPES_UTF8_H */
