/* SPDX-License-Identifier: MIT */
/*
 * support/api_headers.c - see support/api_headers.h. A function is declared with its name at the
 * start of a line, and nothing else is.
 */
#include "support/api_headers.h"

#include "support/api_world.h"

#include <stdio.h>
#include <string.h>

static unsigned
scan(const char *tests, const char *header,
     void (*fn)(void *data, const char *header, const char *function), void *data)
{
    char path[4096], line[1024];
    unsigned seen = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/../include/minipy/%s", tests, header);
    file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyz_0123456789");
        if (strncmp(line, "mpy_", 4) != 0 || strncmp(line, "mpy_priv_", 9) == 0 || line[n] != '(') {
            continue;
        }
        line[n] = '\0';
        seen++;
        fn(data, header, line);
    }
    (void)fclose(file);
    return seen;
}

unsigned
api_each_function(const char *tests,
                  void (*fn)(void *data, const char *header, const char *function), void *data)
{
    static const char *const headers[] = {"object.h", "number.h", "str.h",  "bytes.h",
                                          "list.h",   "tuple.h",  "dict.h", "iter.h",
                                          "call.h",   "err.h",    "type.h", "gc.h"};
    unsigned seen = 0;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        seen += scan(tests, headers[i], fn, data);
    }
    return seen;
}
