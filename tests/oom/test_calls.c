/* SPDX-License-Identifier: MIT */
/*
 * Out of memory in every call of support/api_calls.h: a valid call of each function that deals with
 * objects, swept by itself. A call that fails leaves its arguments as they were, by text and by
 * number of references.
 *
 * tests/oom/test_coverage.c takes the functions that are reached here from the same tables.
 */
#include "support/internal/oom.h"

#include "support/api_calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARGS 4

struct one_call {
    const struct api_call *call;
    struct api_world world;
    mpy_object *v[MAX_ARGS];
    char *reprs[MAX_ARGS];
    size_t counts[MAX_ARGS];
};

static struct one_call one;

static int
prepare(void **state)
{
    api_world_open(&one.world);
    api_make_args(&one.world, one.call, one.v);
    for (size_t i = 0; i < api_arg_count(one.call); i++) {
        one.reprs[i] = api_repr(one.v[i]);
        one.counts[i] = mpy_refcount(one.v[i]);
    }
    *state = &one;
    return 0;
}

static int
run(void *state)
{
    struct one_call *c = state;
    switch (c->call->call(c->v)) {
    case API_OK:
        return OOM_OK;
    case API_FAILED:
        return OOM_FAILED;
    default:
        return oom_complain(__FILE__, __LINE__, "left something in an out");
    }
}

static int
verify(void *state, int result)
{
    struct one_call *c = state;
    int rc = 0;
    if (result != OOM_FAILED) {
        return 0;
    }
    for (size_t i = 0; i < api_arg_count(c->call); i++) {
        char *repr = api_repr(c->v[i]);
        if (strcmp(repr, c->reprs[i]) != 0) {
            print_error("argument %zu was %.80s, is %.80s\n", i, c->reprs[i], repr);
            rc = -1;
        }
        if (mpy_refcount(c->v[i]) != c->counts[i]) {
            print_error("references to argument %zu: %zu before, %zu after\n", i, c->counts[i],
                        mpy_refcount(c->v[i]));
            rc = -1;
        }
        free(repr);
    }
    return rc;
}

static int
finish(void *state)
{
    struct one_call *c = state;
    for (size_t i = 0; i < api_arg_count(c->call); i++) {
        free(c->reprs[i]);
    }
    api_drop_args(c->call, c->v);
    return api_world_close(&c->world);
}

static void
test_calls(void **state)
{
    (void)state;
    unsigned failed = 0;
    unsigned calls = 0;
    for (size_t i = 0; api_tables[i] != NULL; i++) {
        for (const struct api_call *call = api_tables[i]; call->name != NULL; call++, calls++) {
            const struct oom_scenario scenario = {.name = call->name,
                                                  .run = run,
                                                  .prepare = prepare,
                                                  .verify = verify,
                                                  .finish = finish,
                                                  .flags = OOM_OWN_RUNTIME | OOM_ONCE};
            one.call = call;
            failed += oom_try(&scenario) != 0;
        }
    }
    print_message("%u calls, %llu points\n", calls, (unsigned long long)oom_points());
    assert_int_equal(failed, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_calls)};
    return cmocka_run_group_tests_name("out of memory: calls", tests, NULL, NULL);
}
