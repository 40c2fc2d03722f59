/* SPDX-License-Identifier: MIT */
/*
 * Messages about an object's blocks name the host's code: the function of the program that made the
 * object, and the one that dropped it, whatever lies between them and the allocator.
 *
 * fault/object_site.c has these functions. It is linked with the shared library; the other programs
 * of the gallery have the static one, where a site is the immediate caller's.
 */
#include "support/child.h"
#include "support/cm.h"

#include "base/features.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char output[16384];

struct object_case {
    const char *what;
    int index;
};

static void
become_object_site(const void *data)
{
    const struct object_case *of = data;
    char number[16];
    (void)snprintf(number, sizeof number, "%d", of->index);
    (void)setenv("MINIPY_CHECKS", "15", 1);
    (void)dup2(STDERR_FILENO, STDOUT_FILENO);
    (void)execl(MPY_TEST_HELPER_DIR "/object_site", "object_site", of->what, number, (char *)NULL);
    _exit(127);
}

/* What object_site says, in `output`; its wait status. */
static int
run(const char *what, int index)
{
    const struct object_case of = {what, index};
    return child_run(become_object_site, &of, output, sizeof output);
}

/* The line that begins so names the function. */
static void
names(const char *begin, const char *function, const char *what, int index)
{
    const char *line = strstr(output, begin);
    const char *end = line != NULL ? strchr(line + 1, '\n') : NULL;
    const char *name = line != NULL ? strstr(line, function) : NULL;
    if (end == NULL || name == NULL || name > end) {
        fail_msg("%s, block %d: no \"%s ... %s\" in:\n%s", what, index, begin + 1, function,
                 output);
    }
}

static void
objects_name_the_hosts_code(void **state)
{
    static const struct {
        const char *what;
        int blocks; /* at least */
    } cases[] = {
        {"str", 1},      {"tuple", 1}, {"list", 2}, /* and its storage */
        {"dict", 2},                                /* and its table */
        {"instance", 1},                            /* its values are inside */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int index = 0;
        for (;; index++) {
            int status = run(cases[i].what, index);
            if (WIFEXITED(status) && WEXITSTATUS(status) == 3) {
                break;
            }
            if (MPYI_ASAN) { /* has its own report of the write */
                assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
                continue;
            }
            if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) {
                fail_msg("%s, block %d: status %x:\n%s", cases[i].what, index, (unsigned)status,
                         output);
            }
            names("overflow: ", "the byte 1 past its end", cases[i].what, index);
            names("\n  allocated at ", "(make_object+0x", cases[i].what, index);
            names("\n  found at ", "(drop_object+0x", cases[i].what, index);
        }
        assert_true(MPYI_BYPASS || index >= cases[i].blocks);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_name_the_hosts_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
