/* SPDX-License-Identifier: MIT */
/*
 * api/test_semantics.c - the same answers as CPython's.
 *
 * api/data/semantics.txt holds some 17,000 operations with what CPython 3.11 answered; it is made
 * by api/data/record_semantics.py, which says how a line reads. Here every line's arguments are
 * built from their literals, the operation is done through the public interface, and the repr of
 * the result or the name of the exception is compared. Each line's memory has to be back when it is
 * done.
 *
 * Differences are printed, at most MAX_PRINTED of them, and counted by operation.
 */
#include "support/api_literal.h"
#include "support/api_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARGS    4
#define MAX_PRINTED 60
#define MIN_LINES   10000

typedef mpy_object *(*operation_fn)(mpy_object *const *v);

struct operation {
    const char *name;
    operation_fn run;
    size_t nargs;
    unsigned done, differences;
};

/* ---- numbers and comparisons ---------------------------------------------------------------- */

#define OPERATION(name, expr)                                                                      \
    static mpy_object *do_##name(mpy_object *const *v)                                             \
    {                                                                                              \
        return expr;                                                                               \
    }

/* The bool of a yes, no or failed. */
static mpy_object *
truth(int answer)
{
    return answer < 0 ? NULL : mpy_bool_from_int(answer);
}

/* The int of a size that may be -1 for failed. */
static mpy_object *
size(ptrdiff_t answer)
{
    return answer < 0 ? NULL : mpy_int_from_i64(answer);
}

OPERATION(add, mpy_number_add(v[0], v[1]))
OPERATION(sub, mpy_number_subtract(v[0], v[1]))
OPERATION(mul, mpy_number_multiply(v[0], v[1]))
OPERATION(truediv, mpy_number_true_divide(v[0], v[1]))
OPERATION(floordiv, mpy_number_floor_divide(v[0], v[1]))
OPERATION(mod, mpy_number_remainder(v[0], v[1]))
OPERATION(neg, mpy_number_negative(v[0]))
OPERATION(abs, mpy_number_absolute(v[0]))
OPERATION(int, mpy_number_to_int(v[0]))
OPERATION(float, mpy_number_to_float(v[0]))
OPERATION(lt, mpy_object_compare(v[0], v[1], MPY_LT))
OPERATION(le, mpy_object_compare(v[0], v[1], MPY_LE))
OPERATION(eq, mpy_object_compare(v[0], v[1], MPY_EQ))
OPERATION(ne, mpy_object_compare(v[0], v[1], MPY_NE))
OPERATION(gt, mpy_object_compare(v[0], v[1], MPY_GT))
OPERATION(ge, mpy_object_compare(v[0], v[1], MPY_GE))
OPERATION(bool, truth(mpy_object_is_true(v[0])))
OPERATION(len, size(mpy_object_length(v[0])))
OPERATION(repr, mpy_object_repr(v[0]))
OPERATION(str, mpy_object_str(v[0]))

static mpy_object *
do_intparse(mpy_object *const *v)
{
    const char *utf8;
    int64_t base;
    if (mpy_str_as_utf8(v[0], &utf8, NULL) < 0 || mpy_int_as_i64(v[1], &base) < 0) {
        return NULL;
    }
    return mpy_int_from_str(utf8, (int)base);
}

static mpy_object *
do_hash(mpy_object *const *v)
{
    int64_t hash;
    return mpy_object_hash(v[0], &hash) < 0 ? NULL : mpy_int_from_i64(hash);
}

static mpy_object *
do_hasheq(mpy_object *const *v)
{
    int64_t a, b;
    if (mpy_object_hash(v[0], &a) < 0 || mpy_object_hash(v[1], &b) < 0) {
        return NULL;
    }
    return mpy_bool_from_int(a == b);
}

static mpy_object *
do_type(mpy_object *const *v)
{
    mpy_object *type = mpy_object_type(v[0]);
    mpy_object *name = type != NULL ? mpy_type_name(type) : NULL;
    mpy_xdecref(type);
    return name;
}

/* ---- items and containers ------------------------------------------------------------------- */

/* The changed object, or NULL. */
static mpy_object *
changed(int answer, mpy_object *o)
{
    return answer < 0 ? NULL : mpy_newref(o);
}

/* (result, o), or NULL. The result is given up. */
static mpy_object *
result_and(mpy_object *result, mpy_object *o)
{
    mpy_object *pair;
    if (result == NULL) {
        return NULL;
    }
    pair = mpy_tuple_pack(2, result, o);
    mpy_decref(result);
    return pair;
}

/* (value,) or (), of a three-way look-up. */
static mpy_object *
found(int answer, mpy_object *value)
{
    mpy_object *o;
    if (answer < 0) {
        return NULL;
    }
    o = mpy_tuple_from_array(&value, answer == 0 ? 0 : 1);
    mpy_xdecref(value);
    return o;
}

static ptrdiff_t
index_of(mpy_object *o)
{
    int64_t i = 0;
    api_done(mpy_int_as_i64(o, &i));
    return (ptrdiff_t)i;
}

OPERATION(getitem, mpy_object_get_item(v[0], v[1]))
OPERATION(setitem, changed(mpy_object_set_item(v[0], v[1], v[2]), v[0]))
OPERATION(delitem, changed(mpy_object_del_item(v[0], v[1]), v[0]))
OPERATION(contains, truth(mpy_object_contains(v[0], v[1])))
OPERATION(insert, changed(mpy_list_insert(v[0], index_of(v[1]), v[2]), v[0]))
OPERATION(append, changed(mpy_list_append(v[0], v[1]), v[0]))
OPERATION(extend, changed(mpy_list_extend(v[0], v[1]), v[0]))
OPERATION(reverse, changed(mpy_list_reverse(v[0]), v[0]))
OPERATION(pop, result_and(mpy_list_pop(v[0], index_of(v[1])), v[0]))
OPERATION(update, changed(mpy_dict_update(v[0], v[1]), v[0]))
OPERATION(keys, mpy_dict_keys(v[0]))
OPERATION(values, mpy_dict_values(v[0]))
OPERATION(items, mpy_dict_items(v[0]))

static mpy_object *
do_slice(mpy_object *const *v)
{
    ptrdiff_t from = index_of(v[1]), to = index_of(v[2]);
    return mpy_str_check(v[0]) ? mpy_str_substring(v[0], from, to)
                               : mpy_list_get_slice(v[0], from, to);
}

static int
append_item(void *list, mpy_object *item)
{
    return mpy_list_append(list, item);
}

static mpy_object *
do_list(mpy_object *const *v)
{
    mpy_object *list = mpy_list_new(0);
    if (list != NULL && mpy_iter_each(v[0], append_item, list) < 0) {
        mpy_clear(&list);
    }
    return list;
}

static mpy_object *
do_tuple(mpy_object *const *v)
{
    mpy_object *list = mpy_list_new(0), *tuple = NULL;
    if (list != NULL && mpy_list_extend(list, v[0]) == 0) {
        tuple = mpy_list_as_tuple(list);
    }
    mpy_xdecref(list);
    return tuple;
}

static mpy_object *
do_dget(mpy_object *const *v)
{
    mpy_object *value = NULL;
    int answer = mpy_dict_get(v[0], v[1], &value);
    return found(answer, value);
}

static mpy_object *
do_dpop(mpy_object *const *v)
{
    mpy_object *value = NULL;
    int answer = mpy_dict_pop(v[0], v[1], &value);
    return result_and(found(answer, value), v[0]);
}

static mpy_object *
do_dsetdefault(mpy_object *const *v)
{
    mpy_object *value = NULL;
    return mpy_dict_set_default(v[0], v[1], v[2], &value) < 0 ? NULL : result_and(value, v[0]);
}

/* ---- text ----------------------------------------------------------------------------------- */

static mpy_object *
find(mpy_object *const *v, int direction)
{
    int64_t at = -1;
    int answer = mpy_str_find(v[0], v[1], index_of(v[2]), index_of(v[3]), direction, &at);
    return answer < 0 ? NULL : answer == 0 ? MPY_NONE : mpy_int_from_i64(at);
}

OPERATION(find, find(v, 1))
OPERATION(rfind, find(v, -1))
OPERATION(split, mpy_str_split(v[0], v[1] == MPY_NONE ? NULL : v[1], index_of(v[2])))
OPERATION(replace, mpy_str_replace(v[0], v[1], v[2], index_of(v[3])))
OPERATION(join, mpy_str_join(v[0], v[1]))

/* ---- the transcript ------------------------------------------------------------------------- */

#define ROW(name, nargs)                                                                           \
    {                                                                                              \
#name, do_##name, nargs, 0, 0                                                              \
    }

static struct operation operations[] = {
    ROW(add, 2),    ROW(sub, 2),      ROW(mul, 2),        ROW(truediv, 2), ROW(floordiv, 2),
    ROW(mod, 2),    ROW(neg, 1),      ROW(abs, 1),        ROW(int, 1),     ROW(float, 1),
    ROW(lt, 2),     ROW(le, 2),       ROW(eq, 2),         ROW(ne, 2),      ROW(gt, 2),
    ROW(ge, 2),     ROW(bool, 1),     ROW(len, 1),        ROW(repr, 1),    ROW(str, 1),
    ROW(hash, 1),   ROW(hasheq, 2),   ROW(type, 1),       ROW(getitem, 2), ROW(setitem, 3),
    ROW(slice, 3),  ROW(contains, 2), ROW(delitem, 2),    ROW(insert, 3),  ROW(append, 2),
    ROW(extend, 2), ROW(reverse, 1),  ROW(intparse, 2),   ROW(pop, 2),     ROW(update, 2),
    ROW(keys, 1),   ROW(values, 1),   ROW(items, 1),      ROW(list, 1),    ROW(tuple, 1),
    ROW(dget, 2),   ROW(dpop, 2),     ROW(find, 4),       ROW(rfind, 4),   ROW(split, 3),
    ROW(join, 2),   ROW(replace, 4),  ROW(dsetdefault, 3)};

#define OPERATIONS (sizeof operations / sizeof operations[0])

static struct operation *
find_operation(const char *name)
{
    for (size_t i = 0; i < OPERATIONS; i++) {
        if (strcmp(operations[i].name, name) == 0) {
            return &operations[i];
        }
    }
    fail_msg("unknown operation '%s'", name);
    return NULL;
}

/* "!Name" of the error that is set, which is cleared. */
static void
name_error(char *out, size_t n)
{
    mpy_object *exc = mpy_err_take(), *type, *name;
    const char *utf8;

    assert_non_null(exc);
    type = api_good(mpy_object_type(exc));
    name = api_good(mpy_type_name(type));
    api_done(mpy_str_as_utf8(name, &utf8, NULL));
    (void)snprintf(out, n, "!%s", utf8);
    mpy_decref(name);
    mpy_decref(type);
    mpy_decref(exc);
}

/* What the operation answers, as the transcript writes it. */
static void
evaluate(const struct operation *op, char **sources, char *out, size_t n)
{
    mpy_object *v[MAX_ARGS], *result;
    for (size_t i = 0; i < op->nargs; i++) {
        v[i] = api_literal(sources[i]);
        if (v[i] == NULL) {
            fail_msg("%s: no literal: %s", op->name, sources[i]);
        }
    }
    result = op->run(v);
    if ((result == NULL) != mpy_err_occurred()) {
        fail_msg("%s(%s, ...): result %p, error %d", op->name, sources[0], (void *)result,
                 mpy_err_code());
    }
    if (result == NULL) {
        name_error(out, n);
    } else {
        char *repr = api_repr(result);
        (void)snprintf(out, n, "%s", repr);
        free(repr);
        mpy_decref(result);
    }
    mpy_decref_many(v, op->nargs);
}

static unsigned differences;

/* One line: operation, arguments, =>, result. `line` is cut into its fields. */
static void
compare_line(char *line, unsigned number)
{
    char *fields[MAX_ARGS + 3], answer[8192], *at = line;
    size_t n = 0;
    struct operation *op;

    while (n < MAX_ARGS + 3 && (fields[n] = strsep(&at, "\t")) != NULL) {
        n++;
    }
    assert_null(at);
    op = find_operation(fields[0]);
    if (n != op->nargs + 3 || strcmp(fields[n - 2], "=>") != 0) {
        fail_msg("line %u is malformed", number);
    }
    evaluate(op, fields + 1, answer, sizeof answer);
    op->done++;
    if (strcmp(answer, fields[n - 1]) != 0) {
        op->differences++;
        if (differences++ < MAX_PRINTED) {
            print_error("line %u: %s(%s%s%s%s%s) = %s, not %s\n", number, op->name, fields[1],
                        op->nargs > 1 ? ", " : "", op->nargs > 1 ? fields[2] : "",
                        op->nargs > 2 ? ", " : "", op->nargs > 2 ? fields[3] : "", answer,
                        fields[n - 1]);
        }
    }
}

static void
test_transcript(void **state)
{
    static char line[16384];
    struct api_world *w = *state;
    unsigned number = 0;
    ptrdiff_t blocks = api_blocks(w);
    FILE *file = fopen(MPY_TEST_SOURCE_DIR "/api/data/semantics.txt", "r");

    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        number++;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '#') {
            compare_line(line, number);
        }
    }
    (void)fclose(file);
    for (size_t i = 0; i < OPERATIONS; i++) {
        if (operations[i].differences != 0 || operations[i].done == 0) {
            print_error("%s: %u lines, %u differ\n", operations[i].name, operations[i].done,
                        operations[i].differences);
            differences += operations[i].done == 0;
        }
    }
    assert_true(number > MIN_LINES);
    assert_int_equal(differences, 0);
    assert_in_range(api_blocks(w), blocks, blocks + 8); /* caches of the first use */
}

/* The comparison itself: a wrong transcript is noticed. */
static void
test_notices(void **state)
{
    char wrong_result[] = "add\t1\t2\t=>\t4", wrong_type[] = "add\t1\t2\t=>\t3.0";
    char no_error[] = "floordiv\t1\t0\t=>\t0", other_error[] = "getitem\t[]\t0\t=>\t!KeyError";

    (void)state;
    differences = MAX_PRINTED; /* quietly */
    compare_line(wrong_result, 1);
    compare_line(wrong_type, 2);
    compare_line(no_error, 3);
    compare_line(other_error, 4);
    assert_int_equal(differences, MAX_PRINTED + 4);
    differences = 0;
    for (size_t i = 0; i < OPERATIONS; i++) {
        operations[i].done = operations[i].differences = 0;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_notices, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_transcript, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
