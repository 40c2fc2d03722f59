/* SPDX-License-Identifier: MIT */
/*
 * base/options.c - reading the MINIPY_* environment variables once.
 *
 * The table is made from MPYI_OPTIONS, so an option's name, default, range and text stand in one
 * place. Numbers are parsed here and not by strtoull: that one accepts signs, blanks and locales.
 *
 * Invariant: after the first mpyi_options_get() the values never change.
 * Lock: pthread_once.
 */
#include "base/options.h"

#include "base/bits.h"

#include <pthread.h>
#include <stdlib.h>

struct option {
    const char *name;
    const char *text;
    size_t offset;
    uint64_t dflt, low, high;
};

static const struct option table[] = {
#define OPTION_ROW(field, name, dflt, low, high, text)                                             \
    {name, text, offsetof(struct mpyi_options, field), dflt, low, high},
    MPYI_OPTIONS(OPTION_ROW)
#undef OPTION_ROW
};

#define OPTION_COUNT (sizeof table / sizeof table[0])

static struct mpyi_options options;
static pthread_once_t options_once = PTHREAD_ONCE_INIT;

static uint64_t *
value_of(const struct option *option)
{
    return (uint64_t *)(void *)((char *)&options + option->offset);
}

static int
digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* Shift for a suffix; -1 when it is none. */
static int
suffix_shift(const char *suffix)
{
    if (suffix[0] == '\0') {
        return 0;
    }
    if (suffix[1] != '\0') {
        return -1;
    }
    switch (suffix[0] | 0x20) {
    case 'k':
        return 10;
    case 'm':
        return 20;
    case 'g':
        return 30;
    default:
        return -1;
    }
}

int
mpyi_option_parse(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
    int base = 10;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    uint64_t value = 0;
    const char *start = text;
    for (; digit_of(*text) < base; text++) {
        size_t product;
        if (!mpyi_mul_size(value, (size_t)base, &product) ||
            !mpyi_add_size(product, (size_t)digit_of(*text), &product)) {
            return -1;
        }
        value = product;
    }
    int shift = suffix_shift(text);
    if (text == start || shift < 0 || value > UINT64_MAX >> shift) {
        return -1;
    }
    value <<= shift;
    if (value < low || value > high) {
        return -1;
    }
    *out = value;
    return 0;
}

static void
read_environment(void)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &table[i];
        uint64_t *value = value_of(option);
        const char *text = secure_getenv(option->name);
        if (text == NULL || mpyi_option_parse(text, option->low, option->high, value) < 0) {
            *value = option->dflt;
        }
    }
}

const struct mpyi_options *
mpyi_options_get(void)
{
    (void)pthread_once(&options_once, read_environment);
    return &options;
}

int
mpyi_option_doc(size_t index, struct mpyi_option_doc *out)
{
    if (index >= OPTION_COUNT) {
        return -1;
    }
    (void)mpyi_options_get();
    const struct option *option = &table[index];
    *out = (struct mpyi_option_doc){option->name, option->text, *value_of(option), option->low,
                                    option->high};
    return 0;
}
