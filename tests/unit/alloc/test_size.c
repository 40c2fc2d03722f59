/* SPDX-License-Identifier: MIT */
/*
 * test_size.c - size classes: every size, every offset, the tables against their formulas.
 */
#include "alloc_test.h"

static void
every_request_gets_the_smallest_class(void **state)
{
    (void)state;
    for (size_t n = 1; n <= MPY_SMALL_MAX; n++) {
        size_t obj = mpyi_class_size(mpy_priv_obj_class(n));
        assert_true(obj >= n && obj < n + 8);
        size_t mem = mpyi_class_size(mpy_priv_mem_class(n));
        assert_true(mem >= n);
        if (n <= 8) {
            assert_int_equal(mem, 8);
        } else {
            assert_int_equal(mem, (n + 15) / 16 * 16);
        }
    }
}

static void
tables_follow_their_formulas(void **state)
{
    (void)state;
    size_t slots = 0;
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        unsigned capacity = MPY_POOL_SIZE / (8 * c);
        assert_int_equal(mpyi_class_capacity[c], capacity);
        unsigned magazine = capacity > 64 ? 64 : capacity < 32 ? 32 : capacity;
        assert_int_equal(mpyi_class_magazine[c], magazine);
        slots += 2 * magazine;
        unsigned bits = 0;
        for (unsigned w = 0; w < 4; w++) {
            bits += mpyi_popcount64(mpyi_class_bits[c][w]);
            assert_true(mpyi_class_bits[c][w] == mpyi_pool_word_mask(c, w));
        }
        assert_int_equal(bits, capacity > 256 ? 256 : capacity);
    }
    assert_int_equal(slots, MPYI_MAGAZINE_SLOTS);
    assert_int_equal(mpyi_class_capacity[0], 0);
}

static void
every_offset_gives_its_block(void **state)
{
    (void)state;
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        for (unsigned offset = 0; offset < MPY_POOL_SIZE; offset++) {
            assert_int_equal(mpyi_block_index(c, offset), offset / (8 * c));
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_gets_the_smallest_class),
        cmocka_unit_test(tables_follow_their_formulas),
        cmocka_unit_test(every_offset_gives_its_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
