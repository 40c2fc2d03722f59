/* SPDX-License-Identifier: MIT */
/*
 * api/test_wrong_calls.c - every function, called wrongly.
 *
 * The tables of support/api_calls.h hold a valid call of every function. Here each is made with one
 * argument replaced: by NULL, by a value of every type it does not take; and once from a thread
 * that is not attached. The function has to fail with the error its header announces, name itself
 * in the text, clear what it returns through pointers, and leave everything as it was: reference
 * counts, contents, and the number of blocks of memory.
 *
 * Faults are counted and printed, so that one run shows all of them. The last test reads the
 * headers and fails when a function is missing from the tables.
 */
#include "support/api_calls.h"
#include "support/api_headers.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARGS 4

/* What a call may not change. */
struct before {
    size_t counts[MAX_ARGS];
    char *reprs[MAX_ARGS];
    ptrdiff_t blocks, mem_blocks;
};

static unsigned faults;

static void
fault(const struct api_call *call, const char *how, const char *what)
{
    faults++;
    print_error("%s with %s: %s\n", call->name, how, what);
}

static void
look_before(struct before *b, struct api_world *world, mpy_object *const *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        b->reprs[i] = v[i] != NULL ? api_repr(v[i]) : NULL;
        b->counts[i] = v[i] != NULL ? mpy_refcount(v[i]) : 0;
    }
    b->blocks = mpy_mem_allocated_blocks(world->rt);
    b->mem_blocks = mpy_mem_allocated_blocks(NULL);
}

static void
compare_after(struct before *b, struct api_world *world, mpy_object *const *v, size_t n,
              const struct api_call *call, const char *how)
{
    char text[200];
    ptrdiff_t blocks = mpy_mem_allocated_blocks(world->rt) - b->blocks;
    ptrdiff_t mem_blocks = mpy_mem_allocated_blocks(NULL) - b->mem_blocks;

    if (blocks != 0 || mem_blocks != 0) {
        (void)snprintf(text, sizeof text, "blocks changed by %td, those of mem by %td", blocks,
                       mem_blocks);
        fault(call, how, text);
    }
    for (size_t i = 0; i < n; i++) {
        char *repr = v[i] != NULL ? api_repr(v[i]) : NULL;
        if (v[i] != NULL && mpy_refcount(v[i]) != b->counts[i]) {
            (void)snprintf(text, sizeof text, "references to argument %zu: %zu before, %zu after",
                           i, b->counts[i], mpy_refcount(v[i]));
            fault(call, how, text);
        }
        if (repr != NULL && strcmp(repr, b->reprs[i]) != 0) {
            (void)snprintf(text, sizeof text, "argument %zu was %.60s, is %.60s", i, b->reprs[i],
                           repr);
            fault(call, how, text);
        }
        free(repr);
        free(b->reprs[i]);
    }
}

/* The error has the code, its text names the function, and says what the header promises. */
static void
check_error(const struct api_call *call, const struct api_arg *arg, const char *how, int code,
            const char *got_type)
{
    char text[MPY_ERR_TEXT_MAX + 1], wanted[MPY_ERR_TEXT_MAX + 1], line[4 * MPY_ERR_TEXT_MAX];
    int got = api_take_error(text, sizeof text);

    if (got != code) {
        (void)snprintf(line, sizeof line, "error %d instead of %d: %s", got, code, text);
        fault(call, how, line);
        return;
    }
    (void)snprintf(wanted, sizeof wanted, "%s(): ", call->name);
    if (strncmp(text, wanted, strlen(wanted)) != 0) {
        (void)snprintf(line, sizeof line, "the text does not name the function: %s", text);
        fault(call, how, line);
    }
    if (arg->expected != NULL) {
        (void)snprintf(wanted, sizeof wanted, "%s(): argument '%s': expected %s, got %s",
                       call->name, arg->name, arg->expected, got_type);
        if (strcmp(text, wanted) != 0) {
            (void)snprintf(line, sizeof line, "text '%s', not '%s'", text, wanted);
            fault(call, how, line);
        }
    } else if (strcmp(got_type, "NULL") == 0 && strstr(text, "NULL") == NULL) {
        (void)snprintf(line, sizeof line, "the text does not mention NULL: %s", text);
        fault(call, how, line);
    }
}

/* One call that has to fail. v[at] is the wrong argument. */
static void
call_wrongly(struct api_world *world, const struct api_call *call, mpy_object **v, size_t at,
             int code, const char *got_type)
{
    struct before before;
    char how[100];
    size_t n = api_arg_count(call);
    int result;

    (void)snprintf(how, sizeof how, "argument '%s' (%zu) %s", call->args[at].name, at, got_type);
    for (int turn = 0; turn < 2; turn++) {
        look_before(&before, world, v, n);
        result = call->call(v);
        if (result != API_FAILED) {
            fault(call, how, result == API_OK ? "did not fail" : "left something in an out");
            (void)api_take_error(NULL, 0);
        } else if (turn == 0) {
            /* Caches fill on the way: only the second call may not need memory. */
            check_error(call, &call->args[at], how, code, got_type);
            before.blocks = mpy_mem_allocated_blocks(world->rt);
            before.mem_blocks = mpy_mem_allocated_blocks(NULL);
        }
        mpy_err_clear();
        compare_after(&before, world, v, n, call, how);
        if (result == API_OK) {
            return; /* the arguments are not what they were */
        }
    }
}

static void
each_argument(struct api_world *world, const struct api_call *call,
              void (*with)(struct api_world *world, const struct api_call *call, size_t at))
{
    for (size_t at = 0; at < api_arg_count(call); at++) {
        with(world, call, at);
    }
}

static void
with_null(struct api_world *world, const struct api_call *call, size_t at)
{
    mpy_object *v[MAX_ARGS], *kept;
    if (call->args[at].null_ok) {
        return;
    }
    api_make_args(world, call, v);
    kept = v[at];
    v[at] = NULL;
    call_wrongly(world, call, v, at, MPY_EXC_SYSTEM_ERROR, "NULL");
    v[at] = kept;
    api_drop_args(call, v);
}

static void
with_wrong_types(struct api_world *world, const struct api_call *call, size_t at)
{
    for (int kind = 0; kind < API_BASIC; kind++) {
        mpy_object *v[MAX_ARGS];
        if ((call->args[at].accepts & API_BIT(kind)) != 0) {
            continue;
        }
        api_make_args(world, call, v);
        mpy_decref(v[at]);
        v[at] = api_make(world, kind);
        call_wrongly(world, call, v, at, MPY_EXC_TYPE_ERROR, api_kind_name(kind));
        api_drop_args(call, v);
    }
}

static void
each_call(struct api_world *world,
          void (*with)(struct api_world *world, const struct api_call *call, size_t at))
{
    faults = 0;
    for (size_t i = 0; api_tables[i] != NULL; i++) {
        for (const struct api_call *call = api_tables[i]; call->name != NULL; call++) {
            each_argument(world, call, with);
        }
    }
    assert_int_equal(faults, 0);
}

static void
test_null(void **state)
{
    each_call(*state, with_null);
}

static void
test_wrong_types(void **state)
{
    each_call(*state, with_wrong_types);
}

/* The calls themselves are valid: otherwise the tests above would show nothing. mpy_type_data wants
   arguments that belong together, which the tables have. */
static void
test_valid(void **state)
{
    faults = 0;
    for (size_t i = 0; api_tables[i] != NULL; i++) {
        for (const struct api_call *call = api_tables[i]; call->name != NULL; call++) {
            mpy_object *v[MAX_ARGS];
            char text[MPY_ERR_TEXT_MAX + 1];
            int result;
            api_make_args(*state, call, v);
            result = call->call(v);
            if (result != API_OK || mpy_err_occurred()) {
                (void)api_take_error(text, sizeof text);
                fault(call, "valid arguments", result == API_UNCLEAR ? "unclear result" : text);
            }
            api_drop_args(call, v);
        }
    }
    assert_int_equal(faults, 0);
}

/* ---- without a runtime ---------------------------------------------------------------------- */

struct stranger {
    const struct api_call *call;
    mpy_object *v[MAX_ARGS];
    int result, error, code;
    mpy_status status;
};

static void *
run_stranger(void *data)
{
    struct stranger *s = data;
    s->result = s->call->call(s->v);
    s->status = mpy_status_last();
    s->error = mpy_err_occurred();
    s->code = mpy_err_code();
    mpy_err_clear();
    return NULL;
}

static void
test_not_attached(void **state)
{
    faults = 0;
    for (size_t i = 0; api_tables[i] != NULL; i++) {
        for (const struct api_call *call = api_tables[i]; call->name != NULL; call++) {
            struct stranger s = {.call = call};
            struct before before;
            pthread_t thread;
            size_t n = api_arg_count(call);

            api_make_args(*state, call, s.v);
            look_before(&before, *state, s.v, n);
            assert_int_equal(pthread_create(&thread, NULL, run_stranger, &s), 0);
            assert_int_equal(pthread_join(thread, NULL), 0);
            if (s.result == API_UNCLEAR) {
                fault(call, "no runtime", "left something in an out");
            } else if (s.result == API_OK && (call->flags & API_ANYWHERE) == 0) {
                fault(call, "no runtime", "did not fail");
            } else if (s.result == API_FAILED && s.status != MPY_E_NOT_ATTACHED) {
                fault(call, "no runtime", mpy_status_text(s.status));
            }
            if (s.error != 0 || s.code != 0) {
                fault(call, "no runtime", "the thread has an error indicator");
            }
            compare_after(&before, *state, s.v, n, call, "no runtime");
            api_drop_args(call, s.v);
        }
    }
    assert_int_equal(faults, 0);
}

/* ---- the indicator: functions of err.h that never raise ------------------------------------- */

static void *
ask_indicator(void *data)
{
    int *answers = data;
    answers[0] = mpy_err_occurred();
    answers[1] = mpy_err_code();
    mpy_err_clear();
    answers[2] = mpy_err_take() != NULL;
    answers[3] = mpy_err_matches_code(MPY_EXC_VALUE_ERROR);
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "text");
    answers[4] = mpy_err_occurred();
    answers[5] = mpy_err_no_memory() != NULL;
    answers[6] = mpy_err_format_code(MPY_EXC_VALUE_ERROR, "%d", 1) != NULL;
    mpy_err_unraisable("test");
    answers[7] = mpy_err_occurred();
    return NULL;
}

static void
test_indicator_without_runtime(void **state)
{
    int answers[8];
    pthread_t thread;

    (void)state;
    memset(answers, 1, sizeof answers);
    assert_int_equal(pthread_create(&thread, NULL, ask_indicator, answers), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        assert_int_equal(answers[i], 0);
    }
}

/* Asking with senseless arguments answers no, and leaves the error that is set alone. */
static void
test_indicator_asked_wrongly(void **state)
{
    mpy_object *number = mpy_int_from_i64(1);
    mpy_object *type = api_make(*state, API_EXC_TYPE);
    mpy_object *list_type = api_make(*state, API_TYPE);

    mpy_err_set_code(MPY_EXC_KEY_ERROR, "kept");
    assert_true(mpy_err_matches(NULL) <= 0);
    assert_int_equal(mpy_err_code(), MPY_EXC_KEY_ERROR);
    assert_true(mpy_err_matches(number) <= 0);
    assert_true(mpy_err_matches(list_type) <= 0);
    assert_int_equal(mpy_err_matches(type), 0);
    assert_int_equal(mpy_err_matches_code(0), 0);
    assert_int_equal(mpy_err_matches_code(MPY_EXC_COUNT), 0);
    assert_true(mpy_err_given_matches(NULL, type) <= 0);
    assert_true(mpy_err_given_matches(number, type) <= 0);
    assert_true(mpy_err_given_matches(type, NULL) <= 0);
    assert_int_equal(mpy_err_given_matches(type, type), 1);
    assert_int_equal(mpy_err_code(), MPY_EXC_KEY_ERROR);
    mpy_err_clear();
    mpy_err_clear();
    assert_null(mpy_err_take());
    mpy_err_unraisable("nothing is set");
    mpy_err_set_code(0, "text");
    api_expect_error(MPY_EXC_SYSTEM_ERROR);
    mpy_err_set_code(MPY_EXC_COUNT, "text");
    api_expect_error(MPY_EXC_SYSTEM_ERROR);
    mpy_err_set_code(-1, "text");
    api_expect_error(MPY_EXC_SYSTEM_ERROR);
    mpy_decref(type);
    mpy_decref(list_type);
}

/* ---- nothing forgotten ---------------------------------------------------------------------- */

/* Functions that cannot be called wrongly, or whose wrong calls have a test above. */
static const char *const elsewhere[] = {
    "mpy_incref",           "mpy_decref",           "mpy_is",
    "mpy_is_none",          "mpy_xincref",          "mpy_xdecref",
    "mpy_newref",           "mpy_xnewref",          "mpy_clear",
    "mpy_assign",           "mpy_incref_many",      "mpy_decref_many",
    "mpy_refcount",         "mpy_object_id",        "mpy_int_check",
    "mpy_float_check",      "mpy_bool_check",       "mpy_str_check",
    "mpy_bytes_check",      "mpy_list_check",       "mpy_tuple_check",
    "mpy_dict_check",       "mpy_type_check",       "mpy_err_occurred",
    "mpy_err_code",         "mpy_err_set_code",     "mpy_err_format_code",
    "mpy_err_no_memory",    "mpy_err_clear",        "mpy_err_matches",
    "mpy_err_take",         "mpy_err_matches_code", "mpy_err_unraisable",
    "mpy_err_given_matches"};

static int
is_elsewhere(const char *name)
{
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        if (strcmp(elsewhere[i], name) == 0) {
            return 1;
        }
    }
    return 0;
}

static void
look_up(void *data, const char *header, const char *function)
{
    (void)data;
    if (api_find_call(function) == NULL && !is_elsewhere(function)) {
        faults++;
        print_error("%s: %s is in no table\n", header, function);
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
        cmocka_unit_test_setup_teardown(test_valid, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_null, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_wrong_types, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_not_attached, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_indicator_without_runtime, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_indicator_asked_wrongly, api_setup, api_teardown),
        cmocka_unit_test(test_nothing_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
