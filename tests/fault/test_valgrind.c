/* SPDX-License-Identifier: MIT */
/* test: timeout=300 */
/* Memcheck sees wrong reads and writes in pools at once, in builds that announce blocks to
 * Valgrind. */
#include "support/cm.h"

#include "alloc/poison.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Output of a program of the gallery under memcheck; its exit code. */
static int
run(const char *checks, const char *program, const char *arguments, char *output, size_t size)
{
    char command[2048];
    (void)snprintf(command, sizeof command,
                   "MINIPY_CHECKS=%s valgrind -q --error-exitcode=99 %s/%s %s 2>&1", checks,
                   MPY_TEST_HELPER_DIR, program, arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t got = fread(output, 1, size - 1, pipe);
    output[got] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
have_valgrind(void)
{
    return MPYI_VALGRIND && system("valgrind --version >/dev/null 2>&1") == 0;
}

static const struct {
    const char *checks, *program, *arguments, *text;
} cases[] = {
    {"0", "overflow", "mem 24", "Invalid write of size 1"},
    {"0", "overflow", "obj 33", "Invalid write of size 1"},
    {"0", "read_past", "mem 24", "Invalid read of size 1"},
    {"0", "read_past", "atom 33", "Invalid read of size 1"},
    {"0", "read_after_free", "mem 512", "inside a block of size 512 free'd"},
    {"0", "read_after_free", "obj 8", "inside a block of size 8 free'd"},
    {"0", "read_after_free", "cell 40", "inside a block of size 40 free'd"},
    {"15", "read_past", "mem 512", "Invalid read of size 1"},
    {"15", "read_past", "cell 496", "Invalid read of size 1"},
    {"0", "write_after_free", "mem 24", "inside a block of size 24 free'd"},
    {"0", "write_after_free", "cell 40", "inside a block of size 40 free'd"},
    {"0", "write_after_free", "region 24", "inside a block of size 24 free'd"},
    {"0", "write_cleared", "region 40", "inside a block of size 40 free'd"},
    {"15", "overflow", "region 16", "Invalid write of size 1"},
    {"15", "underflow_cleared", "region 512", "Invalid write of size 1"},
    {"15", "overflow", "mem 16", "Invalid write of size 1"},
    {"15", "overflow", "cell 40", "Invalid write of size 1"},
    {"15", "overflow", "mem 512", "Invalid write of size 1"},
    {"15", "overflow", "obj 5000", "Invalid write of size 1"},
    {"15", "underflow", "mem 16", "Invalid write of size 1"},
    {"15", "underflow", "atom 48", "Invalid write of size 1"},
    {"15", "write_after_free", "obj 504", "Invalid write of size 1"},
};

static void
accesses_are_seen_at_once(void **state)
{
    (void)state;
    static char output[65536];
    for (size_t i = 0; have_valgrind() && i < sizeof cases / sizeof cases[0]; i++) {
        int code =
            run(cases[i].checks, cases[i].program, cases[i].arguments, output, sizeof output);
        if (code == 0 || strstr(output, cases[i].text) == NULL) {
            fail_msg("%s %s: %d\n%s", cases[i].program, cases[i].arguments, code, output);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(accesses_are_seen_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
