/* SPDX-License-Identifier: MIT */
/*
 * 04_errors.c - failing, asking why, and going on.
 */
#include <minipy.h>

#include <stdio.h>
#include <stdlib.h>

static int
print(void *data, const char *bytes, size_t n)
{
    (void)data;
    return fwrite(bytes, 1, n, stdout) == n ? 0 : -1;
}

/* Parses a number, with a default for text that is none. NULL with an error set: anything else. */
static mpy_object *
parse_or(const char *text, int64_t otherwise)
{
    mpy_object *number = mpy_int_from_str(text, 10);
    if (number == NULL && mpy_err_matches_code(MPY_EXC_VALUE_ERROR)) {
        mpy_err_clear();
        number = mpy_int_from_i64(otherwise);
    }
    return number;
}

static int
run(void)
{
    MPY_AUTO mpy_object *good = parse_or("42", 0);
    MPY_AUTO mpy_object *bad = parse_or("forty-two", -1);
    MPY_AUTO mpy_object *zero = mpy_int_from_i64(0);
    MPY_AUTO mpy_object *exc = NULL;
    int64_t a, b;
    if (good == NULL || bad == NULL || mpy_int_as_i64(good, &a) < 0 ||
        mpy_int_as_i64(bad, &b) < 0) {
        return -1;
    }
    printf("\"42\" is %lld, \"forty-two\" becomes %lld\n", (long long)a, (long long)b);

    if (mpy_number_floor_divide(good, zero) == NULL) {
        exc = mpy_err_take(); /* the indicator is clear again; the exception is ours */
        return exc != NULL ? mpy_err_display(exc, print, NULL) : -1;
    }
    return -1;
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
