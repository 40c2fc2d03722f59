/* SPDX-License-Identifier: MIT */
/* test: timeout=300 */
/*
 * Every fault x every size class x every domain: found, and named in full.
 *
 * The programs run with MINIPY_CHECKS=15. With AddressSanitizer a wrong write ends the program at
 * once, by its report; the other faults are named by the library in every build.
 */
#include "support/child.h"
#include "support/cm.h"
#include "support/scale.h"

#include "alloc/checked.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define MEM    1u
#define OBJ    2u
#define ATOM   4u
#define CELL   8u
#define REGION 16u
#define ALL    31u

enum { CELLS = 3, DOMAINS = 5 };

static const char *const domain_names[DOMAINS] = {"mem", "obj", "atom", "cell", "region"};

struct fault {
    const char *program;
    const char *name; /* in the message */
    unsigned domains;
    int block; /* the message has a block's description */
    int write; /* AddressSanitizer's to report, where it is built in */
};

static const struct fault faults[] = {
    {"double_free", "double free", ALL, 1, 0},
    {"interior_free", "interior pointer", ALL, 1, 0},
    {"fence_free", "interior pointer", MEM | OBJ | ATOM | REGION, 1, 0},
    {"unaligned_free", "unaligned pointer", ALL, 1, 0},
    {"stack_free", "stack pointer", ALL, 0, 0},
    {"static_free", "static pointer", ALL, 0, 0},
    {"foreign_free", "foreign pointer", ALL, 0, 0},
    {"overflow", "overflow: the byte 1 past its end was written", ALL, 1, 1},
    {"underflow", "underflow: the byte 1 before its start was written", MEM | OBJ | ATOM | REGION,
     1, 1},
    {"write_after_free", "write after free", ALL, 1, 1},
    {"overflow_freed", "overflow: the byte 1 past its end was written", ALL, 1, 1},
    {"wrong_size", "wrong size", MEM | OBJ | ATOM | REGION, 1, 0},
    {"wrong_domain", "wrong domain", ALL, 1, 0},
    {"realloc_freed", "use after free", MEM | OBJ | REGION, 1, 0},
    {"wrong_region", "wrong domain", REGION, 1, 0},
    {"mem_in_region", "wrong domain", REGION, 1, 0},
    {"overflow_kept", "overflow: the byte 1 past its end was written", ALL, 1, 1},
    {"underflow_cleared", "underflow: the byte 1 before its start was written", REGION, 1, 1},
    {"write_cleared", "write after free", REGION, 1, 1},
};

static char output[16384];

struct gallery_case {
    const char *checks, *program, *domain;
    size_t n;
};

static void
become_program(const void *data)
{
    const struct gallery_case *of = data;
    char path[1024], size[32];
    (void)snprintf(path, sizeof path, "%s/%s", MPY_TEST_HELPER_DIR, of->program);
    (void)snprintf(size, sizeof size, "%zu", of->n);
    (void)setenv(of->checks, strcmp(of->checks, "MINIPY_CHECKS") == 0 ? "15" : "1", 1);
    (void)execl(path, of->program, of->domain, size, (char *)NULL);
    _exit(127);
}

/* Runs a program of the gallery; its wait status, and in `output` what it wrote to stderr. */
static int
run(const char *checks, const char *program, const char *domain, size_t n)
{
    const struct gallery_case of = {checks, program, domain, n};
    return child_run(become_program, &of, output, sizeof output);
}

static void
says(const char *part, const char *program, const char *domain, size_t n)
{
    if (strstr(output, part) == NULL) {
        fail_msg("%s %s %zu: no \"%s\" in:\n%s", program, domain, n, part, output);
    }
}

/* The size class of a checked block, or "large". */
static const char *
class_text(const char *domain, size_t n)
{
    static char text[64];
    int cell = domain[0] == 'c', mem = domain[0] == 'm' || domain[0] == 'r';
    size_t total = n + (cell ? MPYI_FENCE : 2 * MPYI_FENCE);
    size_t rounded = mpyi_round_up(total, mem ? 16 : 8);
    if (rounded > MPY_SMALL_MAX || (MPYI_BYPASS && !cell)) {
        return ", large";
    }
    (void)snprintf(text, sizeof text, "size class %zu, pool 0x", rounded);
    return text;
}

static void
expect(const struct fault *fault, const char *domain, size_t n)
{
    int status = run("MINIPY_CHECKS", fault->program, domain, n);
    if (MPYI_ASAN && fault->write) {
        assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        says("AddressSanitizer", fault->program, domain, n);
        return;
    }
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) {
        fail_msg("%s %s %zu: status %x:\n%s", fault->program, domain, n, (unsigned)status, output);
    }
    says(fault->name, fault->program, domain, n);
    says("\n  next: ", fault->program, domain, n);
    if (!fault->write) {
        says("\n  found at 0x", fault->program, domain, n);
    }
    if (fault->block) {
        char block[64];
        (void)snprintf(block, sizeof block, "\n  block: %zu bytes at 0x", n);
        says(block, fault->program, domain, n);
        says(class_text(domain, n), fault->program, domain, n);
        says(", serial ", fault->program, domain, n);
        says("\n  allocated at 0x", fault->program, domain, n);
        if (domain[0] == 'm' || domain[0] == 'o' || domain[0] == 'r') {
            char site[64];
            (void)snprintf(site, sizeof site, "(%s+0x", fault->program);
            says(site, fault->program, domain, n);
        }
    }
}

static void
every_size(const struct fault *fault, unsigned domain)
{
    /* A class a program in the quick run, in turn; every one in others. */
    static size_t turn;
    size_t step = test_scale() > 1 ? 1 : 16;
    const char *name = domain_names[domain];
    size_t low = domain == CELLS ? MPYI_CELL_MIN / 8 : 1;
    size_t high = domain == CELLS ? MPYI_CELL_MAX / 8 : MPY_CLASS_COUNT;
    for (size_t c = low + turn++ % step; c <= high; c += step) {
        expect(fault, name, 8 * c);
        if (c > low) {
            expect(fault, name, 8 * c - c % 8); /* of cells there are none smaller than the least */
        }
    }
    if (domain != CELLS) {
        expect(fault, name, 513);
        expect(fault, name, 100000);
    }
}

static void
every_fault_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        for (unsigned domain = 0; domain < DOMAINS; domain++) {
            if ((faults[i].domains & 1u << domain) != 0) {
                every_size(&faults[i], domain);
            }
        }
    }
}

/* Closed magazines alone, as secure builds always have them, look at bitmaps. */
static void
bitmaps_name_frees(void **state)
{
    (void)state;
    static const char *const programs[] = {"double_free", "interior_free", "unaligned_free"};
    if (MPYI_BYPASS) {
        return; /* malloc has the blocks */
    }
    for (size_t n = 16; n <= MPY_SMALL_MAX; n += 62) {
        for (size_t i = 0; i < 3; i++) {
            int status = run("MINIPY_CLOSED", programs[i], "mem", n);
            assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
            says("free of 0x", programs[i], "mem", n);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_is_named),
        cmocka_unit_test(bitmaps_name_frees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
