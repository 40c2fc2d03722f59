/* SPDX-License-Identifier: MIT */
/*
 * support/child.h - runs a function in a child process, and hands over what it wrote to stderr.
 */
#ifndef MPY_TEST_SUPPORT_CHILD_H
#define MPY_TEST_SUPPORT_CHILD_H

#include "support/cm.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child's wait status; `text` gets what it wrote, cut to size - 1 bytes, and a NUL. A body that
   returns ends the child with 0; one that was to become another program ends with _exit(127). */
static inline int
child_run(void (*body)(const void *data), const void *data, char *text, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        body(data);
        _exit(0);
    }
    (void)close(ends[1]);
    size_t got = 0;
    char part[512];
    for (ssize_t n; (n = read(ends[0], part, sizeof part)) > 0;) { /* to the end: no SIGPIPE */
        size_t room = size - 1 - got;
        size_t kept = (size_t)n < room ? (size_t)n : room;
        memcpy(text + got, part, kept);
        got += kept;
    }
    text[got] = '\0';
    (void)close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

#endif /* MPY_TEST_SUPPORT_CHILD_H */
