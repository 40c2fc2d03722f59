/* SPDX-License-Identifier: MIT */
/*
 * types/utf8.c - checking, counting and walking UTF-8.
 *
 * The checker skips ASCII in words of 8 bytes and takes the rest character by character: the second
 * byte of a sequence has a range that depends on the first (Unicode 15, table 3-7), the others are
 * 80..BF. That range is what rules out overlong forms, surrogates and code points above U+10FFFF,
 * so nothing is decoded.
 *
 * Counting and seeking look at words, too: a byte continues a character when its top bits are 10,
 * and the number of such bytes in a word is one multiplication.
 *
 * Printability follows CPython's: everything but the categories Cc, Cf, Cs, Co, Cn, Zl, Zp and Zs,
 * and the space itself. Categories come from utf8proc.
 *
 * Lock: none.
 */
#include "types/utf8.h"

#include "minipy/base.h"

#include <utf8proc.h>

static uint64_t
load64(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* Bytes of the word that continue a character (10xxxxxx). */
static size_t
count_continuations(uint64_t word)
{
    uint64_t ones = (word >> 7 & ~word >> 6) & UINT64_C(0x0101010101010101);
    return (size_t)(ones * UINT64_C(0x0101010101010101) >> 56);
}

/* Bytes of the valid multi-byte sequence at p, of which `left` bytes may be read; 0: not valid. */
static size_t
sequence_width(const unsigned char *p, size_t left)
{
    unsigned char low = 0x80, high = 0xBF;
    size_t width, i;
    if (p[0] < 0xC2 || p[0] > 0xF4) {
        return 0;
    }
    width = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (left < width) {
        return 0;
    }
    switch (p[0]) {
    case 0xE0:
        low = 0xA0; /* below: overlong */
        break;
    case 0xED:
        high = 0x9F; /* above: surrogates */
        break;
    case 0xF0:
        low = 0x90; /* below: overlong */
        break;
    case 0xF4:
        high = 0x8F; /* above: beyond U+10FFFF */
        break;
    default:
        break;
    }
    if (p[1] < low || p[1] > high) {
        return 0;
    }
    for (i = 2; i < width; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return width;
}

size_t
mpyi_utf8_check(const char *utf8, size_t n, size_t *bad)
{
    size_t at = 0, chars = 0;
    while (at < n) {
        size_t width;
        if (n - at >= 8 && (load64(utf8 + at) & MPYI_UTF8_HIGH) == 0) {
            at += 8;
            chars += 8;
            continue;
        }
        width = 1;
        if ((utf8[at] & 0x80) != 0) {
            width = sequence_width((const unsigned char *)utf8 + at, n - at);
            if (width == 0) {
                if (bad != NULL) {
                    *bad = at;
                }
                return SIZE_MAX;
            }
        }
        at += width;
        chars++;
    }
    return chars;
}

size_t
mpyi_utf8_count(const char *utf8, size_t n)
{
    size_t at, continuations = 0;
    for (at = 0; n - at >= 8; at += 8) {
        continuations += count_continuations(load64(utf8 + at));
    }
    for (; at < n; at++) {
        continuations += (utf8[at] & 0xC0) == 0x80;
    }
    return n - continuations;
}

size_t
mpyi_utf8_offset(const char *utf8, size_t n, size_t index)
{
    size_t at = 0;
    /* Words whose characters all begin at or before the one that is sought. */
    while (n - at >= 8) {
        size_t begins = 8 - count_continuations(load64(utf8 + at));
        if (begins > index) {
            break;
        }
        index -= begins;
        at += 8;
    }
    for (; at < n; at++) {
        if ((utf8[at] & 0xC0) != 0x80 && index-- == 0) {
            return at;
        }
    }
    return n;
}

int
mpyi_utf8_is_ascii(const char *utf8, size_t n)
{
    uint64_t seen = 0;
    size_t at;
    if (n >= 8) {
        for (at = 0; n - at > 8; at += 8) {
            seen |= load64(utf8 + at);
        }
        seen |= load64(utf8 + n - 8);
        return (seen & MPYI_UTF8_HIGH) == 0;
    }
    for (at = 0; at < n; at++) {
        seen |= (unsigned char)utf8[at];
    }
    return seen < 0x80;
}

uint32_t
mpyi_utf8_decode(const char *utf8, size_t *n)
{
    const unsigned char *p = (const unsigned char *)utf8;
    *n = mpyi_utf8_width(utf8[0]);
    switch (*n) {
    case 1:
        return p[0];
    case 2:
        return (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
    case 3:
        return (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    default:
        return (p[0] & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
    }
}

size_t
mpyi_utf8_encode(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

size_t
mpyi_utf8_cut(const char *utf8, size_t n)
{
    size_t begin = n, width;
    while (begin > 0 && n - begin < 4) {
        begin--;
        if ((utf8[begin] & 0xC0) != 0x80) {
            width = mpyi_utf8_width(utf8[begin]);
            return begin + width <= n ? n : begin;
        }
    }
    return n;
}

int
mpyi_code_is_blank(uint32_t code)
{
    if (code < 0x80) {
        return code == ' ' || (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x1F);
    }
    return code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
           code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

int
mpyi_code_is_printable(uint32_t code)
{
    if (code < 0x80) {
        return code >= 0x20 && code != 0x7F;
    }
    switch (utf8proc_category((utf8proc_int32_t)code)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
        return 0;
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
    default:
        return 1;
    }
}
