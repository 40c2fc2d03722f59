/* SPDX-License-Identifier: MIT */
/*
 * cliff/flood.c - dicts whose keys were chosen to collide, for check_flood.py, which runs this
 * under callgrind and compares the instructions with those of random keys.
 *
 *   bytes/chosen   32 bytes; the first 8 are the first word of XXH3's published secret. XXH3
 *                  multiplies (word ^ secret word) by its neighbour, so the neighbour no longer
 *                  matters: all of them have one 64-bit hash, which this program asserts
 *   int/chosen     multiples of 2^40: equal in the lower bits
 *   int/row        0, 1, 2, ...
 *
 * Source of the first: the short-key mixing of XXH3 as published, xxhash.h.
 */
#define XXH_INLINE_ALL
#include <minipy.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/callgrind.h>
#include <xxhash.h>

enum { KEYS = 100000, BYTES = 32 };

static void
must(int good)
{
    if (!good) {
        (void)fputs("flood: a call failed\n", stderr);
        exit(EXIT_FAILURE);
    }
}

static uint64_t
next_random(void)
{
    static uint64_t x = UINT64_C(0x9e3779b97f4a7c15);
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}

static mpy_object *
bytes_random(uint64_t i)
{
    uint64_t words[BYTES / 8];
    (void)i;
    for (size_t k = 0; k < BYTES / 8; k++) {
        words[k] = next_random();
    }
    return mpy_bytes_from_data(words, sizeof words);
}

static mpy_object *
bytes_chosen(uint64_t i)
{
    static XXH64_hash_t first;
    unsigned char data[BYTES] = {0};
    memcpy(data, XXH3_kSecret, 8);
    memcpy(data + 8, &i, sizeof i);
    XXH64_hash_t hash = XXH3_64bits(data, sizeof data);
    if (i == 0) {
        first = hash;
    }
    must(hash == first);
    return mpy_bytes_from_data(data, sizeof data);
}

static mpy_object *
int_random(uint64_t i)
{
    (void)i;
    return mpy_int_from_i64((int64_t)(next_random() >> 3));
}

static mpy_object *
int_chosen(uint64_t i)
{
    return mpy_int_from_i64((int64_t)(i << 40));
}

static mpy_object *
int_row(uint64_t i)
{
    return mpy_int_from_i64((int64_t)i);
}

static void
dump(const char *name, const char *operation)
{
    char label[96];
    (void)snprintf(label, sizeof label, "%s/%s", name, operation);
    CALLGRIND_DUMP_STATS_AT(label);
    printf("%s %d\n", label, KEYS);
}

/* Inserts all keys, looks each up, deletes each. */
static void
measure(const char *name, mpy_object *(*make)(uint64_t))
{
    static mpy_object *keys[KEYS];
    for (uint64_t i = 0; i < KEYS; i++) {
        keys[i] = make(i);
        must(keys[i] != NULL);
    }
    mpy_object *dict = mpy_dict_new(0);
    must(dict != NULL);
    CALLGRIND_ZERO_STATS;
    for (size_t i = 0; i < KEYS; i++) {
        must(mpy_dict_set(dict, keys[i], MPY_NONE) == 0);
    }
    dump(name, "insert");
    CALLGRIND_ZERO_STATS;
    for (size_t i = 0; i < KEYS; i++) {
        mpy_object *value;
        must(mpy_dict_get(dict, keys[i], &value) == 1);
        mpy_decref(value);
    }
    dump(name, "hit");
    CALLGRIND_ZERO_STATS;
    for (size_t i = 0; i < KEYS; i++) {
        must(mpy_dict_del(dict, keys[i]) == 0);
    }
    dump(name, "delete");
    mpy_decref(dict);
    mpy_decref_many(keys, KEYS);
}

int
main(void)
{
    mpy_runtime *runtime;
    must(mpy_runtime_new(NULL, &runtime) == 0);
    CALLGRIND_START_INSTRUMENTATION;
    measure("bytes/random", bytes_random);
    measure("bytes/chosen", bytes_chosen);
    measure("int/random", int_random);
    measure("int/chosen", int_chosen);
    measure("int/row", int_row);
    must(mpy_runtime_free(runtime, NULL) == MPY_OK);
    return EXIT_SUCCESS;
}
