/* SPDX-License-Identifier: MIT */
/*
 * support/transcript.c - see support/transcript.h.
 */
#include "support/transcript.h"

#include "support/api_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INJECTIONS_MAX 1000u

static const struct {
    const char *name;
    int code;
} errors[] = {
    {"!ValueError", MPY_EXC_VALUE_ERROR},       {"!TypeError", MPY_EXC_TYPE_ERROR},
    {"!IndexError", MPY_EXC_INDEX_ERROR},       {"!ZeroDivisionError", MPY_EXC_ZERO_DIVISION_ERROR},
    {"!OverflowError", MPY_EXC_OVERFLOW_ERROR}, {"!KeyError", MPY_EXC_KEY_ERROR},
};

size_t
transcript_each(const char *name, transcript_fn fn, void *data)
{
    struct transcript_line line = {.name = name};
    char path[1024], *text = NULL;
    size_t room = 0;
    FILE *file;
    snprintf(path, sizeof path, "%s/api/data/%s", MPY_TEST_SOURCE_DIR, name);
    file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("%s: cannot be opened", path);
    }
    while (getline(&text, &room, file) > 0) {
        char *at = text, *field;
        text[strcspn(text, "\n")] = 0;
        line.number++;
        for (line.count = 0; (field = strsep(&at, "\t")) != NULL; line.count++) {
            assert_true(line.count < TRANSCRIPT_FIELDS);
            line.fields[line.count] = field;
        }
        fn(data, &line);
    }
    free(text);
    fclose(file);
    return (size_t)line.number;
}

void
transcript_wrong(const struct transcript_line *line, const char *got)
{
    fail_msg("%s:%d: %s(%s, %s): expected %s, got %s", line->name, line->number, line->fields[0],
             line->fields[1], line->count > 3 ? line->fields[2] : "", line->fields[line->count - 1],
             got);
}

static unsigned
hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'A') + 10;
}

size_t
transcript_decode(const char *field, size_t n, char *out)
{
    size_t at, written = 0;
    if (n == 1 && field[0] == '%') {
        return 0;
    }
    for (at = 0; at < n; at++) {
        if (field[at] == '%') {
            out[written++] = (char)(hex_digit(field[at + 1]) << 4 | hex_digit(field[at + 2]));
            at += 2;
        } else {
            out[written++] = field[at];
        }
    }
    return written;
}

mpy_object *
transcript_str(const char *field)
{
    char *room = malloc(strlen(field) + 1);
    mpy_object *text = mpy_str_from_utf8_n(room, transcript_decode(field, strlen(field), room));
    free(room);
    return api_good(text);
}

mpy_object *
transcript_bytes(const char *field)
{
    char *room = malloc(strlen(field) + 1);
    mpy_object *bytes = mpy_bytes_from_data(room, transcript_decode(field, strlen(field), room));
    free(room);
    return api_good(bytes);
}

int
transcript_error(const char *field)
{
    size_t i;
    for (i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (strcmp(field, errors[i].name) == 0) {
            return errors[i].code;
        }
    }
    return 0;
}

size_t
inject_each(mpy_runtime *rt, int (*fn)(void *data), void *data)
{
    uint64_t failed = 0;
    size_t n;
    int result = -1;
    for (n = 1; n <= INJECTIONS_MAX; n++) {
        assert_int_equal(mpy_debug_fail_alloc(rt, MPY_FAIL_NTH, n), 0);
        result = fn(data);
        (void)mpy_debug_fail_count(rt, &failed);
        assert_int_equal(mpy_debug_fail_alloc(rt, MPY_FAIL_OFF, 0), 0);
        assert_int_equal(mpy_debug_check_heap(rt), 0);
        if (result < 0) {
            api_expect_error(MPY_EXC_MEMORY_ERROR);
        }
        if (failed == 0) {
            break;
        }
    }
    assert_int_equal(result, 0);
    return n - 1;
}
