/* SPDX-License-Identifier: MIT */
/* test: long */
/*
 * oom/test_sweep.c - every scenario, and every call of support/api_calls.h, while allocations fail.
 *
 *   oom_sweep               runs all of them
 *   oom_sweep PATTERN       those whose name matches (cmocka's * and ?)
 *   oom_sweep --list        prints "scenario: function function ..." a line
 *
 * ../meta/check_oom_coverage.py reads the list: an exported function that no scenario reaches is a
 * failure.
 */
#include "sweep.h"

#include "support/api_calls.h"

#include <stdio.h>
#include <string.h>

#define MAX_TESTS 1024

static const struct oom_scenario *const groups[] = {oom_memory_scenarios, oom_container_scenarios,
                                                    oom_text_scenarios,   oom_object_scenarios,
                                                    oom_error_scenarios,  oom_runtime_scenarios};

static struct CMUnitTest tests[MAX_TESTS];
static char names[MAX_TESTS][64];
static size_t count;

static void
add(const char *name, const char *prefix, CMUnitTestFunction fn, const void *what)
{
    if (count == MAX_TESTS) {
        (void)fprintf(stderr, "more than %d scenarios\n", MAX_TESTS);
        exit(1);
    }
    (void)snprintf(names[count], sizeof names[count], "%s%s", prefix, name);
    tests[count].name = names[count];
    tests[count].test_func = fn;
    tests[count].initial_state = (void *)(uintptr_t)what;
    count++;
}

static void
collect(void)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        for (const struct oom_scenario *s = groups[i]; s->name != NULL; s++) {
            add(s->name, "", oom_sweep, s);
        }
    }
    for (size_t i = 0; api_tables[i] != NULL; i++) {
        for (const struct api_call *call = api_tables[i]; call->name != NULL; call++) {
            add(call->name, "call_", oom_sweep_call, call);
        }
    }
}

static void
list(void)
{
    for (size_t i = 0; i < count; i++) {
        if (tests[i].test_func == oom_sweep) {
            const struct oom_scenario *s = tests[i].initial_state;
            printf("%s: %s\n", s->name, s->functions);
        }
    }
}

int
main(int argc, char **argv)
{
    int failed;

    collect();
    if (argc > 1 && strcmp(argv[1], "--list") == 0) {
        list();
        return 0;
    }
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    failed = _cmocka_run_group_tests("oom_sweep", tests, count, NULL, NULL);
    printf("%lu points of failure in %zu scenarios\n", oom_points(), count);
    if (argc == 1 && oom_points() < 2000) {
        (void)fprintf(stderr, "that is too few: are failures injected at all?\n");
        return 1;
    }
    return failed;
}
