/* SPDX-License-Identifier: MIT */
/*
 * test_sites.c - messages about a block name the places of the program, not of the library.
 *
 * Each way to get a block, and each to give it back, in a child of its own with every check on: the
 * block is freed twice, so the message tells where it was allocated, freed and found.
 */
#include "preload_test.h"

#include "support/child.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef void *(*new_fn)(size_t n);
typedef void *(*new_aligned_fn)(size_t n, size_t alignment);
typedef void (*delete_fn)(void *p);

static void
find(const char *mangled, void *fn)
{
    void *found = dlsym(RTLD_DEFAULT, mangled);
    assert_non_null(found);
    memcpy(fn, &found, sizeof found);
}

/* Messages name these functions, which the program exports. */
#define NAMED __attribute__((noinline))

void *
take(int way);
void
give(int way, void *p);

/* The block stays in a variable, so that no call is the last instruction. */
NAMED void *
take(int way)
{
    void *volatile p = NULL;
    void *placed;
    new_fn plain;
    new_aligned_fn aligned;
    switch (way) {
    case 0:
        p = malloc(40);
        break;
    case 1:
        p = calloc(4, 10);
        break;
    case 2:
        p = realloc(NULL, 40);
        break;
    case 3:
        p = realloc(malloc(400), 40);
        break;
    case 4:
        p = aligned_alloc(64, 128);
        break;
    case 5:
        p = posix_memalign(&placed, 64, 128) == 0 ? placed : NULL;
        break;
    case 6:
        p = memalign(64, 128);
        break;
    case 7:
        find("_Znwm", &plain);
        p = plain(40);
        break;
    case 8:
        find("_ZnwmSt11align_val_t", &aligned);
        p = aligned(40, 64);
        break;
    case 9:
        p = malloc(5000);
        break;
    default:
        break;
    }
    return p;
}

NAMED void
give(int way, void *p)
{
    void *volatile kept = p;
    delete_fn plain;
    switch (way % 3) {
    case 0:
        free(p);
        break;
    case 1:
        (void)!realloc(p, 0);
        break;
    default:
        find("_ZdlPv", &plain);
        plain(p);
        break;
    }
    (void)kept; /* the last instruction is no call */
}

static int
twice(int way)
{
    const struct rlimit no_core = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    void *volatile p = take(way);
    if (p == NULL) {
        return 1;
    }
    give(way, p);
    free(p); /* another place: one that did both is told once */
    return 0;
}

static void
become_way(const void *way)
{
    (void)setenv("MINIPY_CHECKS", "15", 1);
    (void)execl("/proc/self/exe", "preload_test_sites", (const char *)way, (char *)NULL);
    _exit(127);
}

/* What the child says, as text. */
static void
run_child(const char *way, char *text, size_t room)
{
    int status = child_run(become_way, way, text, room);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void
places_are_the_programs(void **state)
{
    static const char *const parts[] = {"allocated at ", "freed at ", "found at "};
    static const char *const functions[] = {"(take+0x", "(give+0x", "preload_test_sites+0x"};
    char text[2000];
    (void)state;
    for (int way = 0; way < 10; way++) {
        const char number[] = {(char)('0' + way), '\0'};
        run_child(number, text, sizeof text);
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            char *line = strstr(text, parts[i]);
            char *end = line != NULL ? strchr(line, '\n') : NULL;
            if (end == NULL) {
                fail_msg("way %d: no '%s' in: %s", way, parts[i], text);
            }
            *end = '\0';
            if (strstr(line, functions[i]) == NULL) {
                fail_msg("way %d: %s", way, line);
            }
            *end = '\n';
        }
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_the_programs),
    };
    if (argc == 2) {
        return twice(argv[1][0] - '0');
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
