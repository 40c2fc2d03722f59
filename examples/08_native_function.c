/* SPDX-License-Identifier: MIT */
/*
 * 08_native_function.c - a C function as an object: called with an array of arguments.
 */
#include <minipy.h>

#include <stdio.h>
#include <stdlib.h>

/* hypot2(a, b) = a * a + b * b, for any numbers. */
static mpy_object *
hypot2(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    MPY_AUTO mpy_object *a = mpy_number_multiply(argv[0], argv[0]);
    MPY_AUTO mpy_object *b = mpy_number_multiply(argv[1], argv[1]);
    (void)self;
    (void)nargs; /* the spec says: exactly two */
    (void)kwnames;
    return a != NULL && b != NULL ? mpy_number_add(a, b) : NULL;
}

static const mpy_func_spec hypot2_spec = {
    .name = "hypot2",
    .fn = hypot2,
    .min_args = 2,
    .max_args = 2,
    .doc = "hypot2(a, b): the square of the hypotenuse",
};

static int
run(void)
{
    MPY_AUTO mpy_object *function = mpy_func_new(&hypot2_spec, NULL);
    mpy_object *args[2] = {mpy_int_from_i64(3), mpy_float_from_double(0.5)};
    MPY_AUTO mpy_object *result = NULL;
    MPY_AUTO mpy_object *text = NULL;
    const char *utf8;
    if (function == NULL || args[0] == NULL || args[1] == NULL) {
        return -1;
    }
    result = mpy_call(function, args, 2, NULL);
    mpy_decref_many(args, 2);
    text = result != NULL ? mpy_object_str(result) : NULL;
    if (text == NULL || mpy_str_as_utf8(text, &utf8, NULL) < 0) {
        return -1;
    }
    printf("hypot2(3, 0.5) = %s\n", utf8);
    return 0;
}

int
main(void)
{
    mpy_runtime *rt;
    int result;
    if (mpy_runtime_new(NULL, &rt) != MPY_OK) {
        return EXIT_FAILURE;
    }
    result = run();
    return mpy_runtime_free(rt, NULL) == MPY_OK && result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
