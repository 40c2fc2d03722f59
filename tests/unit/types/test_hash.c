/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_hash.c - the secret, the hash of bytes and the numeric hash.
 */
#include "support/cm.h"

#include "types/hash.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
test_is_made_once(void **state)
{
    uint8_t before[MPYI_HASH_SECRET_SIZE];
    (void)state;
    mpyi_hash_init();
    memcpy(before, mpyi_hash_secret, sizeof before);
    mpyi_hash_init();
    assert_memory_equal(before, mpyi_hash_secret, sizeof before);
}

static void
test_secret_is_not_trivial(void **state)
{
    size_t i, zeros = 0;
    (void)state;
    mpyi_hash_init();
    for (i = 0; i < MPYI_HASH_SECRET_SIZE; i++) {
        zeros += mpyi_hash_secret[i] == 0;
    }
    assert_true(zeros < 20);
}

static void
test_seed_decides(void **state)
{
    uint8_t a[MPYI_HASH_SECRET_SIZE], b[MPYI_HASH_SECRET_SIZE];
    (void)state;
    mpyi_hash_secret_from_seed(a, 7);
    mpyi_hash_secret_from_seed(b, 7);
    assert_memory_equal(a, b, sizeof a);
    mpyi_hash_secret_from_seed(b, 8);
    assert_memory_not_equal(a, b, 64);
    assert_memory_not_equal(a + 128, b + 128, 64);
}

static void
test_every_byte_counts(void **state)
{
    char text[300];
    size_t n, at;
    (void)state;
    memset(text, 'a', sizeof text);
    for (n = 1; n < sizeof text; n += n < 40 ? 1 : 13) {
        uint64_t hash = mpy_hash_bytes(text, n);
        assert_true(hash != 0 && hash == mpyi_hash_bytes(text, n));
        assert_true(hash != mpy_hash_bytes(text, n - 1));
        for (at = 0; at < n; at++) {
            text[at] ^= 1;
            assert_true(hash != mpy_hash_bytes(text, n));
            text[at] ^= 1;
        }
    }
}

static void
test_numbers_agree(void **state)
{
    static const int64_t values[] = {
        0, 1, -1, -2, 2, 1000, (INT64_C(1) << 53), -(INT64_C(1) << 53)};
    size_t i;
    (void)state;
    for (i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_true(mpyi_hash_i64(values[i]) == mpyi_hash_double((double)values[i]));
    }
    assert_true(mpyi_hash_i64(-1) == -2);
    assert_true(mpyi_hash_i64((INT64_C(1) << 61) - 1) == 0);
    assert_true(mpyi_hash_i64((INT64_C(1) << 61)) == 1);
    assert_true(mpyi_hash_i64(-(INT64_C(1) << 62)) == -2);
    assert_true(mpyi_hash_double(0.5) == INT64_C(1) << 60);
    assert_true(mpyi_hash_double(-0.0) == 0);
    assert_true(mpyi_hash_double(HUGE_VAL) == 314159 && mpyi_hash_double(-HUGE_VAL) == -314159);
}

/* Consecutive numbers land in different slots of a small table, whichever bits it takes. */
static void
test_mix_spreads(void **state)
{
    unsigned low[64] = {0}, high[64] = {0};
    uint64_t i;
    (void)state;
    mpyi_hash_init();
    for (i = 0; i < 6400; i++) {
        uint64_t mixed = mpyi_hash_mix(i << 32);
        low[mixed & 63]++;
        high[mixed >> 58]++;
    }
    for (i = 0; i < 64; i++) {
        assert_in_range(low[i], 30, 300);
        assert_in_range(high[i], 30, 300);
    }
}

/* What this program, run with that environment, prints with the argument "print". */
static uint64_t
hash_in_process(const char *environment)
{
    char self[1024], command[1200], line[64];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    FILE *out;
    assert_true(n > 0);
    self[n] = 0;
    snprintf(command, sizeof command, "%s '%s' print", environment, self);
    out = popen(command, "r");
    assert_non_null(out);
    assert_non_null(fgets(line, sizeof line, out));
    assert_int_equal(pclose(out), 0);
    return strtoull(line, NULL, 16);
}

static void
test_environment_decides(void **state)
{
    uint64_t seven = hash_in_process("MINIPY_HASHSEED=7");
    (void)state;
    assert_true(seven == hash_in_process("MINIPY_HASHSEED=7"));
    assert_true(seven != hash_in_process("MINIPY_HASHSEED=8"));
    assert_true(hash_in_process("MINIPY_HASHSEED=0") == hash_in_process("MINIPY_HASHSEED=0"));
    assert_true(hash_in_process("env -u MINIPY_HASHSEED") !=
                hash_in_process("env -u MINIPY_HASHSEED"));
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_environment_decides),   cmocka_unit_test(test_is_made_once),
        cmocka_unit_test(test_secret_is_not_trivial), cmocka_unit_test(test_seed_decides),
        cmocka_unit_test(test_every_byte_counts),     cmocka_unit_test(test_numbers_agree),
        cmocka_unit_test(test_mix_spreads),
    };
    if (argc == 2 && strcmp(argv[1], "print") == 0) {
        return printf("%llx\n", (unsigned long long)mpy_hash_bytes("some text", 9)) < 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
