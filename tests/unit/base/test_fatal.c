/* SPDX-License-Identifier: MIT */
/*
 * test_fatal.c - fatal texts reach the handler or stderr, and end the process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/assert.h"
#include "minipy/debug.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs fn in a child; its wait status, and what it wrote to stderr. */
static int
in_child(void (*fn)(void), char *text, size_t size)
{
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(pipe_ends[1], STDERR_FILENO);
        fn();
        _exit(0);
    }
    close(pipe_ends[1]);
    size_t n = 0;
    ssize_t got;
    while (n < size - 1 && (got = read(pipe_ends[0], text + n, size - 1 - n)) > 0) {
        n += (size_t)got;
    }
    text[n] = '\0';
    close(pipe_ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void
die(void)
{
    mpyi_fatal("block %d of %s", 7, "pool");
}

static void
fatal_writes_and_aborts(void **state)
{
    (void)state;
    char text[4096];
    int status = in_child(die, text, sizeof text);
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
die_handled(void)
{
    static char data[] = "leave";
    mpy_debug_set_fatal_handler(on_fatal, data);
    mpyi_fatal("x%dy", 1);
}

static void
die_although_handled(void)
{
    static char data[] = "stay";
    mpy_debug_set_fatal_handler(on_fatal, data);
    mpyi_fatal("x%dy", 2);
}

static void
handler_gets_the_text(void **state)
{
    (void)state;
    char text[4096];
    int status = in_child(die_handled, text, sizeof text);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_string_equal(text, "leave|x1y");
    status = in_child(die_although_handled, text, sizeof text);
    assert_true(WIFSIGNALED(status));
    assert_string_equal(text, "stay|x2y");
}

static void
report_only(void)
{
    mpyi_report("%s", "seen");
}

static void
report_does_not_abort(void **state)
{
    (void)state;
    char text[4096];
    int status = in_child(report_only, text, sizeof text);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_string_equal(text, "libminipy: seen\n");
}

static void
die_long(void)
{
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
    int status = in_child(die_long, text, sizeof text);
    assert_true(WIFSIGNALED(status));
    assert_in_range(strlen(text), 1000, 1100);
}

static void
assert_false_condition(void)
{
    mpyi_assert_failed("file.c", 12, "a == b");
}

static void
assertions_name_their_place(void **state)
{
    (void)state;
    char text[4096];
    int status = in_child(assert_false_condition, text, sizeof text);
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
