/* SPDX-License-Identifier: MIT */
/*
 * 03_objects.c - values and containers: who owns what, and what the calls return.
 *
 * Counts the words of a text with a dict and prints them in order of first appearance.
 */
#include <minipy.h>

#include <stdio.h>
#include <stdlib.h>

/* counts[word] += 1. 0, or -1 with an error set. */
static int
count(mpy_object *counts, mpy_object *word)
{
    MPY_AUTO mpy_object *old = NULL;
    MPY_AUTO mpy_object *one = mpy_int_from_i64(1);
    MPY_AUTO mpy_object *sum = NULL;
    int found = mpy_dict_get(counts, word, &old);
    if (found < 0 || one == NULL) {
        return -1;
    }
    sum = found ? mpy_number_add(old, one) : mpy_newref(one);
    return sum == NULL ? -1 : mpy_dict_set(counts, word, sum);
}

static int
run(void)
{
    MPY_AUTO mpy_object *text = mpy_str_from_utf8("the cat and the dog and the Überraschung");
    MPY_AUTO mpy_object *counts = mpy_dict_new(0);
    MPY_AUTO mpy_object *words = text != NULL ? mpy_str_split(text, NULL, -1) : NULL;
    MPY_AUTO mpy_object *shown = NULL;
    const char *utf8;
    if (counts == NULL || words == NULL) {
        return -1;
    }
    for (ptrdiff_t i = 0; i < mpy_list_length(words); i++) {
        MPY_AUTO mpy_object *word = mpy_list_get(words, i);
        if (word == NULL || count(counts, word) < 0) {
            return -1;
        }
    }
    shown = mpy_object_repr(counts);
    if (shown == NULL || mpy_str_as_utf8(shown, &utf8, NULL) < 0) {
        return -1;
    }
    printf("%s\n", utf8);
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
    if (mpy_runtime_free(rt, NULL) != MPY_OK || result < 0) {
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
