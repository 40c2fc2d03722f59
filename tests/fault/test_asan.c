/* SPDX-License-Identifier: MIT */
/* test: timeout=300 */
/*
 * AddressSanitizer's builds see wrong reads and writes in pools at once, in every size class.
 *
 * Without checked mode the bytes behind a block are poisoned up to the end of its class; a block
 * that fills its class has a neighbour there, and that is why the sizes here are one less. With
 * checked mode there are red zones: fault/test_gallery.c. In builds that bypass pools, blocks of a
 * runtime and of regions are rounded up to 16 bytes, and AddressSanitizer watches what is behind.
 */
#include "support/child.h"
#include "support/cm.h"
#include "support/scale.h"

#include "alloc/rtheap.h"
#include "base/features.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char output[16384];

struct asan_case {
    const char *program, *domain;
    size_t n;
};

static void
become_program(const void *data)
{
    const struct asan_case *of = data;
    char path[1024], size[32];
    (void)snprintf(path, sizeof path, "%s/%s", MPY_TEST_HELPER_DIR, of->program);
    (void)snprintf(size, sizeof size, "%zu", of->n);
    (void)setenv("MINIPY_CHECKS", "0", 1);
    (void)execl(path, of->program, of->domain, size, (char *)NULL);
    _exit(127);
}

static void
expect(const char *program, const char *domain, size_t n, const char *access)
{
    const struct asan_case of = {program, domain, n};
    int status = child_run(become_program, &of, output, sizeof output);
    if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
        strstr(output, "ERROR: AddressSanitizer") == NULL || strstr(output, access) == NULL) {
        fail_msg("%s %s %zu: status %x:\n%s", program, domain, n, (unsigned)status, output);
    }
}

static void
accesses_are_seen_at_once(void **state)
{
    static const char *const domains[] = {"mem", "obj", "atom", "cell", "region"};
    size_t step = test_scale() > 1 ? 1 : 16;
    (void)state;
    for (size_t d = 0; MPYI_ASAN && d < sizeof domains / sizeof domains[0]; d++) {
        int cell = domains[d][0] == 'c';
        size_t low = cell ? MPYI_CELL_MIN / 8 : 0;
        size_t high = cell ? MPYI_CELL_MAX / 8 : MPY_CLASS_COUNT;
        for (size_t c = low + 1 + d % step; c <= high; c += step) {
            size_t n = MPYI_BYPASS && !cell ? (c + 1) / 2 * 16 : 8 * c - 1;
            expect("overflow", domains[d], n, "WRITE of size 1");
            expect("read_past", domains[d], n, "READ of size 1");
            expect("write_after_free", domains[d], 8 * c, "WRITE of size 1");
            expect("read_after_free", domains[d], 8 * c, "READ of size 1");
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(accesses_are_seen_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
