/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_dict_table.c - groups, geometry and the invariants of the table under every kind
 * of change.
 */
#include "support/api_world.h"
#include "support/host_key.h"

#include "minipy/debug.h"

#include <string.h>

#include "types/dict_table.h"

static struct mpyi_dict *
new_dict(size_t reserve)
{
    return mpyi_dict(api_good(mpyi_dict_new(mpyi_current(), reserve)));
}

static mpy_object *
object(struct mpyi_dict *d)
{
    return (mpy_object *)d;
}

static void
set_int(struct mpyi_dict *d, int64_t key, int64_t value)
{
    api_done(
        mpyi_dict_set(mpyi_current(), object(d), mpy_int_from_i64(key), mpy_int_from_i64(value)));
}

static int64_t
get_int(struct mpyi_dict *d, int64_t key)
{
    mpy_object *value;
    int64_t out;
    if (api_done(mpyi_dict_get(mpyi_current(), object(d), mpy_int_from_i64(key), &value)) == 0) {
        return -1;
    }
    api_done(mpy_int_as_i64(value, &out));
    mpy_decref(value);
    return out;
}

static int
pop_int(struct mpyi_dict *d, int64_t key)
{
    return mpyi_dict_pop(mpyi_current(), object(d), mpy_int_from_i64(key), NULL);
}

static void
set_str(struct mpyi_dict *d, const char *prefix, int i)
{
    mpy_object *key = api_good(mpy_str_format("%s%d", prefix, i));
    api_done(mpyi_dict_set(mpyi_current(), object(d), key, mpy_int_from_i64(i)));
    mpy_decref(key);
}

/* Both implementations against a loop over the bytes. */
static void
test_groups(void **state)
{
    uint64_t seed = 88172645463325252u;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        uint8_t group[MPYI_GROUP];
        static const uint8_t bytes[] = {0x80, 0xFE, 0x00, 0x7F, 0x01, 0x81, 0x55};
        uint8_t wanted = bytes[round % 7];
        uint32_t match = 0;
        uint32_t unused = 0;
        for (unsigned i = 0; i < MPYI_GROUP; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            group[i] = seed % 3 == 0 ? bytes[seed / 3 % 7] : (uint8_t)(seed >> 40 & 0x7F);
            match |= (uint32_t)(group[i] == wanted) << i;
            unused |= (uint32_t)(group[i] >= 0x80) << i;
        }
        assert_int_equal(mpyi_group_match(group, wanted), match);
        assert_int_equal(mpyi_swar_match(group, wanted), match);
        assert_int_equal(mpyi_group_free(group), unused);
        assert_int_equal(mpyi_swar_free(group), unused);
    }
}

/* Indices of every width, in neighbouring slots and groups. */
static void
test_indices(void **state)
{
    static const unsigned log2s[] = {5, 8, 9, 24, 25, 32};
    static uint8_t block[3 * 128 + 64];
    struct mpyi_dict_entry *entries = (void *)(block + 3 * 128);
    (void)state;
    for (size_t i = 0; i < sizeof log2s / sizeof *log2s; i++) {
        unsigned log2 = log2s[i];
        size_t last = mpyi_dict_room(log2) - 1;
        for (size_t g = 0; g < 2; g++) {
            memset(mpyi_dict_group(entries, log2, g), 0x55, MPYI_GROUP);
            for (unsigned s = 0; s < MPYI_GROUP; s++) {
                mpyi_dict_set_index(mpyi_dict_group(entries, log2, g), log2, s,
                                    (last - s) / (g + 1));
            }
        }
        for (size_t g = 0; g < 2; g++) {
            const uint8_t *group = mpyi_dict_group(entries, log2, g);
            assert_int_equal(mpyi_group_match(group, 0x55), 0xFFFF);
            for (unsigned s = 0; s < MPYI_GROUP; s++) {
                assert_int_equal(mpyi_dict_index(group, log2, s), (last - s) / (g + 1));
            }
        }
    }
}

static void
test_geometry(void **state)
{
    struct mpyi_dict *d = new_dict(0);
    (void)state;
    assert_int_equal(mpyi_dict_room(0), 0);
    assert_int_equal(mpyi_dict_room(3), 8);
    assert_int_equal(mpyi_dict_room(4), 14);
    assert_int_equal(mpyi_dict_room(5), 28);
    assert_int_equal(mpyi_dict_room(32), 3758096384u);
    assert_int_equal(mpy_object_sizeof(object(d)), 48);
    assert_int_equal(mpyi_dict_check(d), 0);
    for (int i = 0; i < 8; i++) {
        set_str(d, "key", i);
    }
    assert_true(mpy_object_sizeof(object(d)) <= 200);
    assert_int_equal(mpyi_dict_log2(d), 3);
    set_str(d, "key", 8);
    assert_int_equal(mpyi_dict_log2(d), 4);
    mpy_decref(object(d));
}

/* Each width of index, entries found after each growth. */
static void
test_growth(void **state)
{
    static const int sizes[] = {1, 8, 9, 14, 15, 28, 29, 224, 225, 1000, 57344, 57345, 100000};
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct mpyi_dict *d = new_dict(0);
        struct mpyi_dict *reserved = new_dict((size_t)sizes[s]);
        uint64_t log2 = mpyi_dict_log2(reserved);
        for (int i = 0; i < sizes[s]; i++) {
            set_int(d, (int64_t)i << 40, i);
            set_int(reserved, -i, i);
        }
        assert_int_equal(mpyi_dict_log2(reserved), log2);
        assert_int_equal(d->live, sizes[s]);
        assert_int_equal(mpyi_dict_check(d), 0);
        assert_int_equal(mpyi_dict_check(reserved), 0);
        for (int i = 0; i < sizes[s]; i++) {
            assert_int_equal(get_int(d, (int64_t)i << 40), i);
            assert_int_equal(get_int(reserved, -i), i);
        }
        assert_int_equal(get_int(d, 1), -1);
        mpy_decref(object(d));
        mpy_decref(object(reserved));
    }
}

/* Whatever pattern keys have, groups fill evenly and control bytes differ: a look-up passes few
   groups and few candidates. */
static void
test_spread(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift <= 49; shift++) {
        struct mpyi_dict *d = new_dict(0);
        size_t tags[128] = {0};
        size_t mask, full = 0;
        for (int64_t i = 0; i < 5000; i++) {
            set_int(d, (int64_t)((uint64_t)i << shift), i);
        }
        mask = mpyi_dict_group_mask(mpyi_dict_log2(d));
        for (size_t g = 0; g <= mask; g++) {
            const uint8_t *group = mpyi_dict_group(d->entries, mpyi_dict_log2(d), g);
            full += mpyi_group_match(group, MPYI_SLOT_EMPTY) == 0;
            for (unsigned s = 0; s < MPYI_GROUP; s++) {
                tags[group[s] & 0x7F] += group[s] < 0x80;
            }
        }
        /* 5000 of 8192 slots: 10 of 16 on average, a tag 39 times. */
        assert_true(full < mask / 5);
        for (int tag = 0; tag < 128; tag++) {
            assert_true(tags[tag] < 39 * 4);
        }
        mpy_decref(object(d));
    }
}

/* First in, first out: entries at the front are skipped at once, and the table stays small. */
static void
test_fifo(void **state)
{
    struct mpyi_dict *d = new_dict(0);
    int64_t next = 0;
    (void)state;
    for (; next < 1000; next++) {
        set_int(d, next, next);
    }
    for (int64_t i = 0; i < 20000; i++, next++) {
        size_t position = 0;
        const struct mpyi_dict_entry *e = mpyi_dict_walk(object(d), &position);
        assert_ptr_equal(e->key, mpy_int_from_i64(i));
        assert_true(position - 1 == d->first);
        assert_int_equal(pop_int(d, i), 1);
        set_int(d, next, next);
    }
    assert_int_equal(d->live, 1000);
    assert_true(mpyi_dict_room(mpyi_dict_log2(d)) <= 2048);
    assert_int_equal(mpyi_dict_check(d), 0);
    mpy_decref(object(d));
}

/* Emptying a large dict from the front takes no time worth mentioning: quadratic would be minutes.
 */
static void
test_drain(void **state)
{
    struct mpyi_dict *d = new_dict(0);
    (void)state;
    for (int64_t i = 0; i < 400000; i++) {
        set_int(d, i, i);
    }
    for (int64_t i = 0; i < 400000; i++) {
        size_t position = 0;
        assert_ptr_equal(mpyi_dict_walk(object(d), &position)->key, mpy_int_from_i64(i));
        assert_int_equal(pop_int(d, i), 1);
    }
    assert_int_equal(d->live, 0);
    assert_int_equal(mpyi_dict_check(d), 0);
    mpy_decref(object(d));
}

/* Last in, first out of one key does not make the table grow. */
static void
test_lifo(void **state)
{
    struct mpyi_dict *d = new_dict(0);
    uint64_t log2;
    (void)state;
    for (int64_t i = 0; i < 100; i++) {
        set_int(d, i, i);
    }
    log2 = mpyi_dict_log2(d);
    for (int64_t i = 0; i < 10000; i++) {
        set_int(d, 1000 + i, i);
        assert_int_equal(pop_int(d, 1000 + i), 1);
    }
    assert_int_equal(mpyi_dict_log2(d), log2);
    assert_int_equal(d->live, 100);
    assert_int_equal(mpyi_dict_check(d), 0);
    mpy_decref(object(d));
}

/* A table full of deleted entries is compacted where it is, which needs no memory; one that is
   nearly empty shrinks. */
static void
test_compaction(void **state)
{
    struct mpyi_dict *d = new_dict(0);
    struct mpyi_dict_entry *entries;
    (void)state;
    for (int64_t i = 0; i < 448; i++) {
        set_int(d, i, i);
    }
    assert_int_equal(mpyi_dict_log2(d), 9);
    for (int64_t i = 0; i < 448; i += 2) {
        assert_int_equal(pop_int(d, i), 1);
    }
    entries = d->entries;
    assert_int_equal(mpy_debug_fail_alloc(mpy_runtime_current(), MPY_FAIL_AFTER, 1), 0);
    set_int(d, 1000, 1000);
    assert_int_equal(mpy_debug_fail_alloc(mpy_runtime_current(), MPY_FAIL_OFF, 0), 0);
    assert_ptr_equal(entries, d->entries);
    assert_int_equal(mpyi_dict_used(d), d->live);
    assert_int_equal(mpyi_dict_check(d), 0);
    for (int64_t i = 0; i < 448; i++) {
        assert_int_equal(get_int(d, i), i % 2 == 0 ? -1 : i);
        if (i % 2 != 0 && i > 5) {
            assert_int_equal(pop_int(d, i), 1);
        }
    }
    for (int64_t i = 2000; mpyi_dict_log2(d) == 9 && i < 3000; i++) {
        set_int(d, i, i);
        assert_int_equal(pop_int(d, i - 1), i == 2000 ? 0 : 1);
    }
    assert_true(mpyi_dict_log2(d) <= 4);
    assert_int_equal(mpyi_dict_check(d), 0);
    mpy_decref(object(d));
}

/* STR -> SIMPLE -> GENERAL as keys come in; every key is found in each. */
static void
test_kinds(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_dict *d = new_dict(0);
    mpy_object *tuple = api_good(mpy_tuple_pack(2, mpy_int_from_i64(1), MPY_NONE));
    mpy_object *boxed = api_good(mpy_float_from_double(1e300));
    mpy_object *value;
    (void)state;
    for (int i = 0; i < 100; i++) {
        set_str(d, "k", i);
    }
    assert_int_equal(mpyi_dict_kind(d), MPYI_DICT_STR);
    api_done(mpyi_dict_set(t, object(d), MPY_NONE, MPY_TRUE));
    assert_int_equal(mpyi_dict_kind(d), MPYI_DICT_SIMPLE);
    api_done(mpyi_dict_set(t, object(d), boxed, MPY_TRUE));
    assert_int_equal(mpyi_dict_kind(d), MPYI_DICT_SIMPLE);
    set_int(d, 1, 11);
    assert_int_equal(mpyi_dict_contains(t, object(d), MPY_TRUE), 1);
    assert_int_equal(mpyi_dict_contains(t, object(d), tuple), 0);
    api_done(mpyi_dict_set(t, object(d), tuple, MPY_TRUE));
    assert_int_equal(mpyi_dict_kind(d), MPYI_DICT_GENERAL);
    assert_int_equal(mpyi_dict_check(d), 0);
    for (int i = 100; i < 1000; i++) {
        set_str(d, "k", i);
    }
    assert_int_equal(mpyi_dict_check(d), 0);
    for (int i = 0; i < 1000; i++) {
        mpy_object *key = api_good(mpy_str_format("k%d", i));
        assert_int_equal(mpyi_dict_get(t, object(d), key, &value), 1);
        assert_ptr_equal(value, mpy_int_from_i64(i));
        assert_int_equal(mpyi_dict_pop(t, object(d), key, NULL), 1);
        assert_int_equal(mpyi_dict_contains(t, object(d), key), 0);
        mpy_decref(key);
    }
    assert_int_equal(mpyi_dict_check(d), 0);
    assert_int_equal(mpyi_dict_contains(t, object(d), tuple), 1);
    assert_int_equal(mpyi_dict_contains(t, object(d), boxed), 1);
    assert_int_equal(mpyi_dict_contains(t, object(d), MPY_NONE), 1);
    assert_int_equal(get_int(d, 1), 11);
    mpyi_dict_clear(t, d);
    assert_int_equal(mpyi_dict_kind(d), MPYI_DICT_STR);
    assert_int_equal(mpyi_dict_check(d), 0);
    mpy_decref(object(d));
    mpy_decref(tuple);
    mpy_decref(boxed);
}

/* Copies of tables without and with deleted entries. */
static void
test_copy(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_dict *d = new_dict(0);
    struct mpyi_dict *copy = new_dict(0);
    (void)state;
    api_done(mpyi_dict_copy_table(t, copy, d));
    assert_int_equal(copy->live, 0);
    for (int i = 0; i < 500; i++) {
        set_str(d, "k", i);
    }
    api_done(mpyi_dict_copy_table(t, copy, d));
    assert_int_equal(copy->live, 500);
    assert_int_equal(mpyi_dict_check(copy), 0);
    mpyi_dict_clear(t, copy);
    for (int64_t i = 0; i < 500; i++) {
        set_int(d, i, i);
    }
    for (int64_t i = 0; i < 499; i++) {
        assert_int_equal(pop_int(d, i), 1);
    }
    api_done(mpyi_dict_copy_table(t, copy, d));
    assert_int_equal(copy->live, 501);
    assert_int_equal(get_int(copy, 499), 499);
    assert_int_equal(mpyi_dict_check(copy), 0);
    assert_int_equal(mpyi_dict_check(d), 0);
    mpy_decref(object(copy));
    mpy_decref(object(d));
}

/* When there is no memory the dict stays as it was. */
static void
test_no_memory(void **state)
{
    struct mpyi_thread *t = mpyi_current();
    struct mpyi_dict *d = new_dict(0);
    (void)state;
    for (int64_t i = 0; i < 56; i++) {
        set_int(d, i, i);
    }
    assert_int_equal(mpy_debug_fail_alloc(mpy_runtime_current(), MPY_FAIL_AFTER, 1), 0);
    assert_int_equal(mpyi_dict_set(t, object(d), mpy_int_from_i64(56), MPY_NONE), -1);
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_int_equal(mpyi_dict_reserve(t, d, 1000), -1);
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_int_equal(mpy_debug_fail_alloc(mpy_runtime_current(), MPY_FAIL_OFF, 0), 0);
    assert_int_equal(d->live, 56);
    assert_int_equal(mpyi_dict_check(d), 0);
    assert_int_equal(mpyi_dict_reserve(t, d, SIZE_MAX / 2), -1);
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_int_equal(get_int(d, 55), 55);
    mpy_decref(object(d));
}

static void
silent(void *data, const char *text)
{
    (void)data;
    (void)text;
}

/* The validator sees what is wrong. */
static void
test_check_fails(void **state)
{
    struct mpyi_dict *d = new_dict(0);
    uint8_t *group;
    uint8_t byte;
    unsigned slot = 0;
    (void)state;
    for (int64_t i = 0; i < 100; i++) {
        set_int(d, i, i);
    }
    mpy_debug_set_fatal_handler(silent, NULL);
    group = mpyi_dict_group(d->entries, mpyi_dict_log2(d), 1);
    while (group[slot] == MPYI_SLOT_EMPTY) {
        slot++;
    }
    byte = group[slot];
    group[slot] = (uint8_t)((byte + 1) & 0x7F);
    assert_int_equal(mpyi_dict_check(d), -1);
    group[slot] = byte;
    assert_int_equal(mpyi_dict_check(d), 0);
    d->live--;
    assert_int_equal(mpyi_dict_check(d), -1);
    d->live++;
    d->first = 1;
    assert_int_equal(mpyi_dict_check(d), -1);
    d->first = 0;
    d->refs--;
    assert_int_equal(mpyi_dict_check(d), -1);
    d->refs++;
    assert_int_equal(mpyi_dict_check(d), 0);
    mpy_debug_set_fatal_handler(NULL, NULL);
    mpy_decref(object(d));
}

/* Growing a table of host keys does not ask them for their hash again. */
static void
test_general_keeps_hashes(void **state)
{
    struct mpyi_dict *d = new_dict(0);
    mpy_object *keys[300];
    (void)state;
    host_keys_open();
    for (int i = 0; i < 300; i++) {
        keys[i] = host_key(i, i % 7 == 0 ? 1234567 : i);
        api_done(mpyi_dict_set(mpyi_current(), object(d), keys[i], MPY_NONE));
    }
    assert_int_equal(host_keys.hashes, 300);
    assert_int_equal(mpyi_dict_check(d), 0);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(mpyi_dict_contains(mpyi_current(), object(d), keys[i]), 1);
    }
    for (int i = 0; i < 300; i++) {
        assert_int_equal(mpyi_dict_pop(mpyi_current(), object(d), keys[i], NULL), 1);
        mpy_decref(keys[i]);
    }
    assert_int_equal(host_keys.finalized, 300);
    assert_int_equal(mpyi_dict_check(d), 0);
    mpy_decref(object(d));
    host_keys_close();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_indices),
        cmocka_unit_test_setup_teardown(test_geometry, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_growth, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_spread, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_fifo, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_drain, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_lifo, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_compaction, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_kinds, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_copy, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_check_fails, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_general_keeps_hashes, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
