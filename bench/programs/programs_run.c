/* SPDX-License-Identifier: MIT */
/*
 * programs_run.c - starting programs and waiting for them, see programs.h.
 */
#include "programs/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker.h"

extern char **environ;

static char folder[32];

void
programs_enter(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/minipy-bench-XXXXXX");
    if (mkdtemp(folder) == NULL || chdir(folder) != 0 || setenv("HOME", folder, 1) != 0) {
        worker_fail("cannot make a folder below /tmp");
    }
}

static int
remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

void
programs_leave(void)
{
    if (chdir("/") != 0 || nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0) {
        worker_fail("cannot remove the folder below /tmp");
    }
}

static void
path_of(char *path, size_t size, const char *name)
{
    (void)snprintf(path, size, "/usr/bin/%s", name);
}

bool
programs_have(const char *name)
{
    char path[256];
    path_of(path, sizeof path, name);
    if (access(path, X_OK) == 0) {
        return true;
    }
    (void)fprintf(stderr, "bench worker: %s is not installed; its rows are left out\n", path);
    return false;
}

void
programs_write(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        worker_fail("cannot write a file below /tmp");
    }
}

pid_t
programs_start(const char *const *arguments, const char *input)
{
    char path[256];
    char *copies[PROGRAMS_ARGUMENTS + 1] = {NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    path_of(path, sizeof path, arguments[0]);
    for (size_t i = 0; i < PROGRAMS_ARGUMENTS && arguments[i] != NULL; i++) {
        copies[i] = strdup(arguments[i]);
    }
    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_addopen(&actions, 0, input != NULL ? input : "/dev/null", O_RDONLY,
                                         0) != 0 ||
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0) != 0 ||
        posix_spawn(&pid, path, &actions, NULL, copies, environ) != 0) {
        worker_fail("cannot start a program");
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    for (size_t i = 0; copies[i] != NULL; i++) {
        free(copies[i]);
    }
    return pid;
}

static double
ms_of(const struct timeval *time)
{
    return (double)time->tv_sec * 1e3 + (double)time->tv_usec / 1e3;
}

struct programs_cost
programs_wait(pid_t pid, const char *name)
{
    struct rusage usage;
    int status;
    if (wait4(pid, &status, 0, &usage) != pid || status != 0) {
        char text[256];
        (void)snprintf(text, sizeof text, "%s failed (status 0x%x)", name, (unsigned)status);
        worker_fail(text);
    }
    return (struct programs_cost){.ms = ms_of(&usage.ru_utime) + ms_of(&usage.ru_stime),
                                  .peak_bytes = (double)usage.ru_maxrss * 1024.0};
}

struct programs_cost
programs_run(const char *const *arguments, const char *input)
{
    return programs_wait(programs_start(arguments, input), arguments[0]);
}

void
programs_emit(const char *name, struct programs_cost cost)
{
    char row[64];
    worker_emit(name, cost.ms, "ms");
    (void)snprintf(row, sizeof row, "%s_rss", name);
    worker_emit(row, cost.peak_bytes / (1024.0 * 1024.0), "MiB");
}
