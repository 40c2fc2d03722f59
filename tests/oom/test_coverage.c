/* SPDX-License-Identifier: MIT */
/*
 * No public function is forgotten: each one that a header declares is reached by a scenario of this
 * folder, or by a call of support/api_calls.h, which test_calls.c sweeps.
 *
 * A scenario names the functions it reaches in `reaches`. Here every file of the folder is read: a
 * name in a string literal counts if the file also calls the function.
 */
#include "support/cm.h"

#include "support/api_calls.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 2000

struct names {
    char *all[NAMES_MAX];
    size_t count;
};

static int
has(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->all[i], name) == 0) {
            return 1;
        }
    }
    return 0;
}

static void
add(struct names *names, const char *name, size_t n)
{
    char *copy = strndup(name, n);
    assert_non_null(copy);
    if (has(names, copy)) {
        free(copy);
        return;
    }
    assert_true(names->count < NAMES_MAX);
    names->all[names->count++] = copy;
}

static void
drop(struct names *names)
{
    while (names->count > 0) {
        free(names->all[--names->count]);
    }
}

static size_t
name_length(const char *text)
{
    size_t n = 0;
    while (islower((unsigned char)text[n]) || isdigit((unsigned char)text[n]) || text[n] == '_') {
        n++;
    }
    return n;
}

static char *
read_file(const char *folder, const char *file)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    long size = ftell(f);
    assert_true(size >= 0);
    rewind(f);
    char *text = calloc((size_t)size + 1, 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, f), (size_t)size);
    (void)fclose(f);
    return text;
}

/* Calls fn for every file of a folder whose name ends so; their number. */
static unsigned
each_file(const char *folder, const char *end, void (*fn)(const char *text, void *data), void *data)
{
    unsigned seen = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        size_t n = strlen(entry->d_name);
        if (n > strlen(end) && strcmp(entry->d_name + n - strlen(end), end) == 0) {
            char *text = read_file(folder, entry->d_name);
            fn(text, data);
            free(text);
            seen++;
        }
    }
    (void)closedir(dir);
    return seen;
}

/* A declaration or an inline definition: the name stands at the start of a line. */
static void
take_declared(const char *text, void *data)
{
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        size_t n = name_length(line);
        if (strncmp(line, "mpy_", 4) == 0 && strncmp(line, "mpy_priv_", 9) != 0 && line[n] == '(') {
            add(data, line, n);
        }
    }
}

/* Names within string literals, and names that are called. */
static void
take_reached(const char *text, void *data)
{
    struct names claimed = {.count = 0}, called = {.count = 0};
    int quoted = 0;
    for (const char *p = text; *p != '\0'; p++) {
        quoted ^= *p == '"' && (p == text || p[-1] != '\\');
        if (strncmp(p, "mpy_", 4) == 0 &&
            (p == text || (!isalnum((unsigned char)p[-1]) && p[-1] != '_'))) {
            size_t n = name_length(p);
            if (p[n - 1] == '_') {
                /* a prefix, as in this file */
            } else if (quoted) {
                add(&claimed, p, n);
            } else if (p[n] == '(') {
                add(&called, p, n);
            }
            p += n - 1;
        }
    }
    for (size_t i = 0; i < claimed.count; i++) {
        if (!has(&called, claimed.all[i])) {
            print_error("%s: a scenario claims to reach it, but its file does not call it\n",
                        claimed.all[i]);
            fail();
        }
        add(data, claimed.all[i], strlen(claimed.all[i]));
    }
    drop(&claimed);
    drop(&called);
}

static void
test_every_function(void **state)
{
    (void)state;
    static struct names declared, reached;
    unsigned missing = 0;
    assert_true(
        each_file(MPY_TEST_SOURCE_DIR "/../include/minipy", ".h", take_declared, &declared) > 10);
    assert_true(declared.count > 250);
    assert_true(each_file(MPY_TEST_SOURCE_DIR "/oom", ".c", take_reached, &reached) > 5);
    for (size_t i = 0; api_tables[i] != NULL; i++) {
        for (const struct api_call *call = api_tables[i]; call->name != NULL; call++) {
            add(&reached, call->name, strlen(call->name));
        }
    }
    for (size_t i = 0; i < declared.count; i++) {
        if (!has(&reached, declared.all[i])) {
            print_error("%s: no scenario reaches it\n", declared.all[i]);
            missing++;
        }
    }
    for (size_t i = 0; i < reached.count; i++) {
        if (!has(&declared, reached.all[i])) {
            print_error("%s: no header declares it\n", reached.all[i]);
            missing++;
        }
    }
    print_message("%zu functions\n", declared.count);
    drop(&declared);
    drop(&reached);
    assert_int_equal(missing, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_function)};
    return cmocka_run_group_tests_name("out of memory: coverage", tests, NULL, NULL);
}
