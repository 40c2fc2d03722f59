/* SPDX-License-Identifier: MIT */
/*
 * unit/alloc/svg_test.h - gives a picture to support/check_svg.py.
 */
#ifndef MPY_TEST_UNIT_SVG_TEST_H
#define MPY_TEST_UNIT_SVG_TEST_H

#include "report_test.h"

#include <stdio.h>

/* 0 when the picture is in order; `expected`: areas as the script takes them. */
static inline int
svg_check(const char *svg, const char *expected)
{
    char name[] = "/tmp/minipy_svg_XXXXXX";
    char command[1024];
    int file = mkstemp(name);
    assert_true(file >= 0);
    assert_int_equal(write(file, svg, strlen(svg)), strlen(svg));
    assert_int_equal(close(file), 0);
    (void)snprintf(command, sizeof command, "python3 '%s/support/check_svg.py' %s %s",
                   MPY_TEST_SOURCE_DIR, name, expected);
    int result = system(command);
    (void)unlink(name);
    return result;
}

/* How often `what` occurs. */
static inline size_t
svg_count(const char *svg, const char *what)
{
    size_t n = 0;
    for (const char *at = strstr(svg, what); at != NULL; at = strstr(at + 1, what)) {
        n++;
    }
    return n;
}

#endif /* MPY_TEST_UNIT_SVG_TEST_H */
