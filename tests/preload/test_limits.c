/* SPDX-License-Identifier: MIT */
/*
 * test_limits.c - short of memory from the start: `ulimit -v`, and a system without transparent
 * huge pages. The limit holds for a whole program, so this one starts itself again under it.
 */
#include "preload_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define MIB ((size_t)1 << 20)

struct link {
    struct link *next;
};

/* Takes blocks of n bytes until there are no more, frees them, and does it again: the second time
   it must get as many, but for an eighth. */
static int
exhaust(size_t n)
{
    size_t counts[2] = {0, 0};
    for (int round = 0; round < 2; round++) {
        struct link *all = NULL;
        struct link *p;
        errno = 0;
        while ((p = malloc(n)) != NULL) {
            p->next = all;
            all = p;
            counts[round]++;
        }
        if (errno != ENOMEM) {
            return 1;
        }
        while ((p = all) != NULL) {
            all = p->next;
            free(p);
        }
    }
    return counts[0] < 10 || counts[1] < counts[0] - counts[0] / 8 ? 2 : 0;
}

static int
has_room(void)
{
    void *p = malloc(2560 * MIB);
    free(p);
    return p == NULL;
}

static void
run_self(void (*prepare)(size_t), size_t value, const char *self, const char *what)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char *arguments[] = {strdup(self), strdup(what), NULL};
        prepare(value);
        (void)execv(self, arguments);
        _exit(99);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void
limit_address_space(size_t bytes)
{
    const struct rlimit limit = {bytes, bytes};
    if (setrlimit(RLIMIT_AS, &limit) != 0) {
        _exit(98);
    }
}

/* Sizes of blocks, one to a process: address space that held small blocks stays theirs. */
static const char *const sizes[] = {"64", "500", "3000", "100000"};

static void
works_under_ulimit_v(void **state)
{
    size_t step = test_scale() > 1 ? 1 : 2; /* the quick run takes every second size */
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i += step) {
        run_self(limit_address_space, 32 * MIB, *state, sizes[i]);
        if (step == 1) {
            run_self(limit_address_space, 200 * MIB, *state, sizes[i]);
        }
    }
}

/* A range that fits below the limit must leave room for everything else. */
static void
leaves_room_for_others(void **state)
{
    run_self(limit_address_space, 6144 * MIB, *state, "room");
}

static void
without_huge_pages(size_t unused)
{
    (void)unused;
    limit_address_space(48 * MIB);
    if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0) {
        _exit(97);
    }
}

static void
works_without_huge_pages(void **state)
{
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i += 2) {
        run_self(without_huge_pages, 0, *state, sizes[i]);
    }
}

int
main(int argc, char **argv)
{
    static char self[4096];
    if (argc > 1) {
        return strcmp(argv[1], "room") == 0 ? has_room() : exhaust(strtoul(argv[1], NULL, 10));
    }
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(works_under_ulimit_v, self),
        cmocka_unit_test_prestate(leaves_room_for_others, self),
        cmocka_unit_test_prestate(works_without_huge_pages, self),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
