/* SPDX-License-Identifier: MIT */
/*
 * fuzz/fuzz.h - what a fuzz target consists of, and how it reads its input.
 *
 * A target is one file fuzz_x.c that defines LLVMFuzzerTestOneInput(). It is linked twice: with
 * libFuzzer, which searches for inputs that reach new code (preset fuzz), and with replay.c, which
 * runs those of corpus/x in every build. The same input must do the same every time.
 */
#ifndef MPY_TEST_FUZZ_H
#define MPY_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What has to hold; the fuzzer keeps the input of a run that aborts. */
#define FUZZ_CHECK(cond)                                                                           \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                       \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The rest of the input; zeros follow it. */
struct fuzz_reader {
    const uint8_t *at;
    size_t left;
};

static inline unsigned
fuzz_byte(struct fuzz_reader *in)
{
    if (in->left == 0) {
        return 0;
    }
    in->left--;
    return *in->at++;
}

#endif /* MPY_TEST_FUZZ_H */
