/* SPDX-License-Identifier: MIT */
/*
 * test_fatal.c - fatal texts reach the handler or stderr, and end the process.
 */
#include "support/child.h"
#include "support/cm.h"

#include "base/assert.h"
#include "minipy/debug.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
die(const void *data)
{
    (void)data;
    mpyi_fatal("block %d of %s", 7, "pool");
}

static void
fatal_writes_and_aborts(void **state)
{
    (void)state;
    char text[4096];
    int status = child_run(die, NULL, text, sizeof text);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_string_equal(text, "libminipy: block 7 of pool\n");
}

static void
on_fatal(void *data, const char *text)
{
    dprintf(STDERR_FILENO, "%s|%s", (const char *)data, text);
    if (strcmp(data, "leave") == 0) {
        _exit(3);
    }
}

static void
die_handled(const void *data)
{
    static char mode[] = "leave";
    (void)data;
    mpy_debug_set_fatal_handler(on_fatal, mode);
    mpyi_fatal("x%dy", 1);
}

static void
die_although_handled(const void *data)
{
    static char mode[] = "stay";
    (void)data;
    mpy_debug_set_fatal_handler(on_fatal, mode);
    mpyi_fatal("x%dy", 2);
}

static void
handler_gets_the_text(void **state)
{
    (void)state;
    char text[4096];
    int status = child_run(die_handled, NULL, text, sizeof text);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_string_equal(text, "leave|x1y");
    status = child_run(die_although_handled, NULL, text, sizeof text);
    assert_true(WIFSIGNALED(status));
    assert_string_equal(text, "stay|x2y");
}

static void
report_only(const void *data)
{
    (void)data;
    mpyi_report("%s", "seen");
}

static void
report_does_not_abort(void **state)
{
    (void)state;
    char text[4096];
    int status = child_run(report_only, NULL, text, sizeof text);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_string_equal(text, "libminipy: seen\n");
}

static void
die_long(const void *data)
{
    (void)data;
    char text[5000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    mpyi_fatal("%s", text);
}

static void
long_texts_are_cut(void **state)
{
    (void)state;
    char text[8192];
    int status = child_run(die_long, NULL, text, sizeof text);
    assert_true(WIFSIGNALED(status));
    assert_in_range(strlen(text), 1000, 1100);
}

static void
assert_false_condition(const void *data)
{
    (void)data;
    mpyi_assert_failed("file.c", 12, "a == b");
}

static void
assertions_name_their_place(void **state)
{
    (void)state;
    char text[4096];
    int status = child_run(assert_false_condition, NULL, text, sizeof text);
    assert_true(WIFSIGNALED(status));
    assert_string_equal(text, "libminipy: file.c:12: assertion failed: a == b\n");
}

static int evaluated;

static int
count(void)
{
    evaluated++;
    return 1;
}

static void
grades_follow_the_debug_level(void **state)
{
    (void)state;
    evaluated = 0;
    MPY_ASSERT(count());
    MPY_ASSERT_SLOW(count());
    MPY_CHECK_HEAP(count());
    assert_int_equal(evaluated, MPY_DEBUG > 3 ? 3 : MPY_DEBUG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fatal_writes_and_aborts),
        cmocka_unit_test(handler_gets_the_text),
        cmocka_unit_test(report_does_not_abort),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(assertions_name_their_place),
        cmocka_unit_test(grades_follow_the_debug_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
