/* SPDX-License-Identifier: MIT */
/*
 * api/test_ownership.c - who owns what, function by function.
 *
 * The three sentences of minipy/object.h: what is returned is a new reference, what is passed is
 * borrowed, nothing is stolen. The cases of support/api_own.h state every count after every step.
 * Each runs twice to fill caches, then several times more, and may not leave a single block behind.
 *
 * The last two tests walk the tables of support/api_calls.h: no call that changes nothing may
 * change a count; and every function of the headers is named by a case or known to deal in no
 * references.
 */
#include "support/api_calls.h"
#include "support/api_headers.h"
#include "support/api_own.h"

#include <string.h>

#define RUNS 5

static const struct own_case *const parts[] = {api_own_values, api_own_containers, api_own_calls,
                                               NULL};

static void
run_case(struct api_world *w, const struct own_case *c)
{
    ptrdiff_t blocks, mem;
    c->run(w);
    c->run(w);
    blocks = api_blocks(w);
    mem = mpy_mem_allocated_blocks(NULL);
    for (int run = 0; run < RUNS; run++) {
        c->run(w);
    }
    if (api_blocks(w) != blocks || mpy_mem_allocated_blocks(NULL) != mem) {
        fail_msg("%.40s...: %td blocks left over, %td of mem", c->functions, api_blocks(w) - blocks,
                 mpy_mem_allocated_blocks(NULL) - mem);
    }
}

static void
test_cases(void **state)
{
    for (size_t i = 0; parts[i] != NULL; i++) {
        for (const struct own_case *c = parts[i]; c->run != NULL; c++) {
            run_case(*state, c);
        }
    }
}

/* ---- every call of the tables --------------------------------------------------------------- */

#define MAX_ARGS 4

static unsigned faults;

static void
call_keeps_counts(struct api_world *w, const struct api_call *call)
{
    mpy_object *v[MAX_ARGS];
    size_t n = api_arg_count(call), before[MAX_ARGS];

    api_make_args(w, call, v);
    for (size_t i = 0; i < n; i++) {
        before[i] = mpy_refcount(v[i]);
    }
    if (call->call(v) != API_OK) {
        faults++;
        print_error("%s: failed\n", call->name);
        mpy_err_clear();
    }
    for (size_t i = 0; i < n && (call->flags & API_CHANGES) == 0; i++) {
        if (mpy_refcount(v[i]) != before[i]) {
            faults++;
            print_error("%s: references to argument '%s': %zu before, %zu after\n", call->name,
                        call->args[i].name, before[i], mpy_refcount(v[i]));
        }
    }
    api_drop_args(call, v);
}

static void
test_borrowed(void **state)
{
    struct api_world *w = *state;
    faults = 0;
    for (size_t i = 0; api_tables[i] != NULL; i++) {
        for (const struct api_call *call = api_tables[i]; call->name != NULL; call++) {
            ptrdiff_t blocks;
            call_keeps_counts(w, call);
            blocks = api_blocks(w);
            call_keeps_counts(w, call);
            call_keeps_counts(w, call);
            if (api_blocks(w) != blocks) {
                faults++;
                print_error("%s: %td blocks left over\n", call->name, api_blocks(w) - blocks);
            }
        }
    }
    assert_int_equal(faults, 0);
}

/* ---- nothing forgotten ---------------------------------------------------------------------- */

/* Functions that neither take nor give references, or only look at a value. */
static const char no_references[] =
    " mpy_object_id mpy_is_none mpy_int_check mpy_float_check mpy_bool_check mpy_int_as_i64 "
    "mpy_int_as_u64 mpy_int_as_double mpy_str_check mpy_hash_bytes mpy_bytes_check mpy_list_check "
    "mpy_tuple_check mpy_dict_check mpy_type_check mpy_err_occurred mpy_err_code "
    "mpy_err_matches_code mpy_err_unraisable mpy_gc_enable mpy_gc_disable mpy_gc_is_enabled "
    "mpy_gc_set_threshold mpy_gc_get_threshold mpy_gc_get_stats mpy_gc_visit_objects ";

static int
names(const char *list, const char *function)
{
    size_t n = strlen(function);
    for (const char *at = strstr(list, function); at != NULL; at = strstr(at + 1, function)) {
        if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0')) {
            return 1;
        }
    }
    return 0;
}

static void
look_up(void *data, const char *header, const char *function)
{
    (void)data;
    for (size_t i = 0; parts[i] != NULL; i++) {
        for (const struct own_case *c = parts[i]; c->run != NULL; c++) {
            if (names(c->functions, function)) {
                return;
            }
        }
    }
    if (!names(no_references, function)) {
        faults++;
        print_error("%s: no case names %s\n", header, function);
    }
}

static void
test_nothing_forgotten(void **state)
{
    (void)state;
    faults = 0;
    assert_true(api_each_function(MPY_TEST_SOURCE_DIR, look_up, NULL) > 150);
    assert_int_equal(faults, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cases, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_borrowed, api_setup, api_teardown),
        cmocka_unit_test(test_nothing_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
