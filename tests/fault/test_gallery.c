/* SPDX-License-Identifier: MIT */
/* test: timeout=300 */
/*
 * Every fault x every size class x every domain: found, and named in full.
 *
 * The programs run with MINIPY_CHECKS=15, and some with closed magazines alone. With
 * AddressSanitizer a wrong write ends the program at once, by its report; the other faults are
 * named by the library in every build.
 */
#include "support/child.h"
#include "support/cm.h"
#include "support/scale.h"

#include "alloc/checked.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEM    1u
#define OBJ    2u
#define ATOM   4u
#define CELL   8u
#define REGION 16u
#define ALL    31u

enum { CELLS = 3, DOMAINS = 5 };

static const char *const domain_names[DOMAINS] = {"mem", "obj", "atom", "cell", "region"};

enum { BLOCK = 1, FREED = 2, WRITE = 4, ZERO = 8 };

struct fault {
    const char *program;
    const char *name, *next; /* in the message */
    unsigned domains;
    /* BLOCK: the message describes a block; FREED: it says where that was freed; WRITE: it begins
       with the block's address, and with AddressSanitizer that one's report comes first; ZERO: a
       block of 0 bytes will do. */
    unsigned has;
};

#define NEXT_INSIDE "free the address that the allocation returned"
#define NEXT_KEPT   "somebody kept a pointer past the free"
#define NEXT_PAST   "look for a write past the block's end, given where it was allocated"
#define NEXT_BEFORE "look for a write before the block's start"
#define NEXT_DOMAIN "free the block with "
#define NEXT_NOT    "free only what an allocation returned"
#define PAST        "overflow: the byte 1 past its end was written"
#define BEFORE      "underflow: the byte 1 before its start was written"

/* clang-format off */
static const struct fault faults[] = {
    {"double_free", "double free", "one of the two frees is wrong", ALL, BLOCK | FREED | ZERO},
    {"interior_free", "interior pointer", NEXT_INSIDE, ALL, BLOCK},
    {"fence_free", "interior pointer", NEXT_INSIDE, MEM | OBJ | ATOM | REGION, BLOCK | ZERO},
    {"unaligned_free", "unaligned pointer", NEXT_INSIDE, ALL, BLOCK | ZERO},
    {"stack_free", "stack pointer", NEXT_NOT, ALL, ZERO},
    {"static_free", "static pointer", NEXT_NOT, ALL, ZERO},
    {"foreign_free", "foreign pointer", "free it with the allocator it came from", ALL, ZERO},
    {"overflow", PAST, NEXT_PAST, ALL, BLOCK | WRITE | ZERO},
    {"underflow", BEFORE, NEXT_BEFORE, MEM | OBJ | ATOM | REGION, BLOCK | WRITE | ZERO},
    {"write_after_free", "write after free", NEXT_KEPT, ALL, BLOCK | FREED | WRITE},
    {"overflow_freed", PAST, NEXT_PAST, ALL, BLOCK | FREED | WRITE | ZERO},
    {"wrong_size", "wrong size", "give the size that was last requested", MEM | OBJ | ATOM | REGION, BLOCK},
    {"wrong_domain", "wrong domain", NEXT_DOMAIN, ALL, BLOCK | ZERO},
    {"realloc_freed", "use after free", NEXT_KEPT, MEM | OBJ | REGION, BLOCK | FREED | ZERO},
    {"wrong_region", "wrong domain", NEXT_DOMAIN, REGION, BLOCK | ZERO},
    {"mem_in_region", "wrong domain", NEXT_DOMAIN, REGION, BLOCK | ZERO},
    {"overflow_kept", PAST, NEXT_PAST, ALL, BLOCK | WRITE | ZERO},
    {"underflow_cleared", BEFORE, NEXT_BEFORE, REGION, BLOCK | WRITE | ZERO},
    {"write_cleared", "write after free", NEXT_KEPT, REGION, BLOCK | FREED | WRITE},
};
/* clang-format on */

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
    const char *closed = MPYI_SECURE ? "0" : "1";
    (void)setenv(of->checks, strcmp(of->checks, "MINIPY_CHECKS") == 0 ? "15" : closed, 1);
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

/* An address that the program told. */
static uintptr_t
told(const char *what, const char *program, const char *domain, size_t n)
{
    const char *last = NULL;
    for (const char *at = output; (at = strstr(at, what)) != NULL; at++) {
        last = at;
    }
    if (last == NULL) {
        fail_msg("%s %s %zu: no \"%s\" in:\n%s", program, domain, n, what, output);
    }
    return (uintptr_t)strtoull(last + strlen(what), NULL, 16);
}

/* The size class and pool of a checked block, or "large". */
static const char *
pool_text(const char *domain, size_t n, uintptr_t p)
{
    static char text[96];
    int cell = domain[0] == 'c', mem = domain[0] == 'm' || domain[0] == 'r';
    size_t total = n + (cell ? MPYI_FENCE : 2 * MPYI_FENCE);
    size_t rounded = mpyi_round_up(total, mem ? 16 : 8);
    if (rounded > MPY_SMALL_MAX || (MPYI_BYPASS && !cell)) {
        return ", large\n";
    }
    (void)snprintf(text, sizeof text, ", size class %zu, pool 0x%zx\n", rounded,
                   (size_t)(p & ~(uintptr_t)(MPY_POOL_SIZE - 1)));
    return text;
}

static void
expect_block(const struct fault *fault, const char *domain, size_t n)
{
    uintptr_t block = told("gallery: block ", fault->program, domain, n);
    char text[96];
    (void)snprintf(text, sizeof text, "\n  block: %zu bytes at 0x%zx of ", n, (size_t)block);
    says(text, fault->program, domain, n);
    says(pool_text(domain, n, block), fault->program, domain, n);
    says(", serial ", fault->program, domain, n);
    says("\n  allocated at 0x", fault->program, domain, n);
    if ((fault->has & FREED) != 0) {
        says("\n  freed at 0x", fault->program, domain, n);
    }
    if (domain[0] == 'm' || domain[0] == 'o' || domain[0] == 'r') {
        (void)snprintf(text, sizeof text, "(%s+0x", fault->program);
        says(text, fault->program, domain, n);
    }
}

static void
expect(const struct fault *fault, const char *domain, size_t n)
{
    int status = run("MINIPY_CHECKS", fault->program, domain, n);
    if (MPYI_ASAN && (fault->has & WRITE) != 0) {
        assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        says("AddressSanitizer", fault->program, domain, n);
        return;
    }
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) {
        fail_msg("%s %s %zu: status %x:\n%s", fault->program, domain, n, (unsigned)status, output);
    }
    char text[128];
    int at_block = (fault->has & WRITE) != 0 || strcmp(fault->program, "realloc_freed") == 0;
    const char *whose = at_block ? "gallery: block " : "gallery: fault at ";
    (void)snprintf(text, sizeof text, "libminipy: %s 0x%zx: %s", at_block ? "block" : "free of",
                   (size_t)told(whose, fault->program, domain, n), fault->name);
    says(text, fault->program, domain, n);
    (void)snprintf(text, sizeof text, "\n  next: %s", fault->next);
    says(text, fault->program, domain, n);
    if ((fault->has & WRITE) == 0) {
        says("\n  found at 0x", fault->program, domain, n);
    }
    if ((fault->has & BLOCK) != 0) {
        expect_block(fault, domain, n);
    }
}

static void
every_size(const struct fault *fault, unsigned domain)
{
    /* A class in sixteen in the quick run, in turn; every one in others, and in secure builds. */
    static size_t turn;
    size_t step = test_scale() > 1 || MPYI_SECURE ? 1 : 16;
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
        expect(fault, name, 1);
        expect(fault, name, 513);
        expect(fault, name, 100000);
        if ((fault->has & ZERO) != 0) {
            expect(fault, name, 0);
        }
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

/* ---- without checked mode ---------------------------------------------------------------------
 */

static void
expect_free(const char *program, const char *domain, size_t n, const char *name)
{
    int status = run("MINIPY_CLOSED", program, domain, n);
    char text[128];
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) {
        fail_msg("%s %s %zu: status %x:\n%s", program, domain, n, (unsigned)status, output);
    }
    (void)snprintf(text, sizeof text, "libminipy: free of 0x%zx: %s",
                   (size_t)told("gallery: fault at ", program, domain, n), name);
    says(text, program, domain, n);
}

/* Closed magazines alone look at bitmaps, in every class. Secure builds have them whatever the
   environment says. */
static void
bitmaps_name_frees(void **state)
{
    (void)state;
    static size_t turn;
    size_t step = test_scale() > 1 || MPYI_SECURE ? 1 : 16;
    for (unsigned domain = 0; domain < DOMAINS && !MPYI_BYPASS; domain++) {
        const char *name = domain_names[domain];
        const char *none = name[0] == 'r' ? "no block of region 0x" : "no allocated block starts";
        size_t low = domain == CELLS ? MPYI_CELL_MIN / 8 : 1;
        size_t high = domain == CELLS ? MPYI_CELL_MAX / 8 : MPY_CLASS_COUNT;
        for (size_t c = low + turn++ % step; c <= high; c += step) {
            expect_free("double_free", name, 8 * c, none);
            expect_free("unaligned_free", name, 8 * c, none);
            if (c > 1) { /* 8 bytes on is another block */
                expect_free("interior_free", name, 8 * c, none);
            }
            if (domain != CELLS && c % 2 == 0) { /* mem has a class for 16 bytes */
                expect_free("wrong_size", name, 8 * c, "its size is not ");
            }
        }
    }
}

/* In secure builds a runtime and a region look at large blocks' links, and at the addresses that
   are in no arena, before they follow them. Of mem they are malloc's to judge. */
static void
links_name_frees(void **state)
{
    (void)state;
    static const char *const programs[] = {"stack_free", "static_free", "foreign_free"};
    static const size_t sizes[] = {24, 1000, 100000};
    if (!MPYI_SECURE) {
        return; /* others follow the links, for speed */
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t k = 0; k < sizeof programs / sizeof programs[0]; k++) {
            expect_free(programs[k], "obj", sizes[i], "no block of this runtime starts there");
            expect_free(programs[k], "region", sizes[i], "no block of region 0x");
        }
        if (sizes[i] > MPY_SMALL_MAX) {
            expect_free("double_free", "obj", sizes[i], "no block of this runtime starts there");
            expect_free("interior_free", "obj", sizes[i], "no block of this runtime starts there");
            expect_free("double_free", "region", sizes[i], "no block of region 0x");
            expect_free("interior_free", "region", sizes[i], "no block of region 0x");
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_is_named),
        cmocka_unit_test(bitmaps_name_frees),
        cmocka_unit_test(links_name_frees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
