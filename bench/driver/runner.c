/* SPDX-License-Identifier: MIT */
/*
 * runner.c - worker processes: start, read rows from a pipe, end after a time limit.
 *
 * The preloaded library is set in the child's environment alone, so the driver itself never runs
 * under a peer's allocator.
 */
#include "driver/runner.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH_BYTES   4096
#define OUTPUT_BYTES 65536

const char *
runner_absent(const struct runner_options *options, const struct program *program, char *buffer,
              size_t size)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", options->directory, program->worker);
    if (access(path, X_OK) != 0) {
        (void)snprintf(buffer, size, "%s is not built", program->worker);
        return buffer;
    }
    if (program->preload == NULL) {
        return NULL;
    }
    if (program->preload[0] == '\0') {
        return "its library was not found when the benchmarks were configured";
    }
    if (access(program->preload, R_OK) != 0) {
        (void)snprintf(buffer, size, "%s cannot be read", program->preload);
        return buffer;
    }
    return NULL;
}

_Noreturn static void
become_worker(const struct runner_options *options, const struct program *program, int output)
{
    char path[PATH_BYTES];
    char round[24];
    char *arguments[8];
    int n = 0;
    (void)snprintf(path, sizeof path, "%s/%s", options->directory, program->worker);
    arguments[n++] = path;
    if (options->quick) {
        arguments[n++] = strdup("--quick");
    }
    if (options->filter != NULL) {
        arguments[n++] = strdup("--filter");
        arguments[n++] = strdup(options->filter);
    }
    (void)snprintf(round, sizeof round, "%zu", options->round);
    arguments[n++] = strdup("--round");
    arguments[n++] = round;
    if (program->part[0] != '\0') {
        arguments[n++] = strdup(program->part);
    }
    arguments[n] = NULL;
    if (program->preload != NULL && setenv("LD_PRELOAD", program->preload, 1) != 0) {
        _exit(127);
    }
    if (dup2(output, STDOUT_FILENO) >= 0) {
        (void)execv(path, arguments);
    }
    _exit(127);
}

static double
seconds_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Reads all of `fd` into text, NUL-terminated. 0 at its end; -1 on an error or past the limit. */
static int
read_all(int fd, char *text, size_t size, double deadline)
{
    size_t used = 0;
    for (;;) {
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        double left = deadline - seconds_now();
        if (left <= 0 || used + 1 >= size) {
            return -1;
        }
        int ready = poll(&waiting, 1, (int)(left * 1000) + 1);
        if (ready < 0 && errno != EINTR) {
            return -1;
        }
        if (ready <= 0) {
            continue;
        }
        ssize_t got = read(fd, text + used, size - 1 - used);
        if (got < 0 && errno != EINTR) {
            return -1;
        }
        if (got == 0) {
            text[used] = '\0';
            return 0;
        }
        used += got > 0 ? (size_t)got : 0;
    }
}

/* "row TAB value TAB unit", the line end already cut off. */
static int
parse_row(char *line, runner_row_fn row, void *data)
{
    char *value = strchr(line, '\t');
    char *unit = value == NULL ? NULL : strchr(value + 1, '\t');
    char *end;
    if (unit == NULL) {
        return -1;
    }
    *value++ = '\0';
    *unit++ = '\0';
    errno = 0;
    double number = strtod(value, &end);
    if (errno != 0 || end == value || *end != '\0' || !isfinite(number)) {
        return -1;
    }
    return row(data, line, number, unit);
}

static int
parse_rows(char *text, runner_row_fn row, void *data)
{
    char *rest = text;
    char *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (*line != '\0' && parse_row(line, row, data) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
complain(const struct program *program, const char *what)
{
    (void)fprintf(stderr, "minipy-bench: %s of %s (%s %s): %s\n", program->subject,
                  catalog_peer_name(program->peer), program->worker, program->part, what);
    return -1;
}

int
runner_run(const struct runner_options *options, const struct program *program, runner_row_fn row,
           void *data)
{
    static char text[OUTPUT_BYTES];
    int ends[2];
    int status = 0;
    if (pipe(ends) != 0) {
        return complain(program, "cannot make a pipe");
    }
    (void)fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return complain(program, "cannot start a process");
    }
    if (child == 0) {
        (void)close(ends[0]);
        become_worker(options, program, ends[1]);
    }
    (void)close(ends[1]);
    int complete = read_all(ends[0], text, sizeof text, seconds_now() + options->timeout_seconds);
    (void)close(ends[0]);
    if (complete != 0) {
        (void)kill(child, SIGKILL);
    }
    (void)waitpid(child, &status, 0);
    if (complete != 0) {
        return complain(program, "took too long, or its output cannot be read");
    }
    if (WIFSIGNALED(status)) {
        return complain(program, strsignal(WTERMSIG(status)));
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return complain(program, "failed");
    }
    if (parse_rows(text, row, data) != 0) {
        return complain(program, "printed something that is not a row");
    }
    return 0;
}
