/* SPDX-License-Identifier: MIT */
/*
 * test_bin.c - magazines: two arrays that change places, and their count.
 */
#include "alloc_test.h"

#include "alloc/bin.h"

#define CLASS 8u

struct fixture {
    struct mpy_priv_bin bin;
    void *slots[2 * 64];
    char blocks[2 * 64];
};

static void
open_bin(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    mpyi_bin_open(&f->bin, CLASS, f->slots);
}

static void
an_open_bin_has_room_and_no_blocks(void **state)
{
    (void)state;
    struct fixture f;
    open_bin(&f);
    assert_int_equal(mpyi_bin_count(&f.bin, CLASS), 0);
    assert_null(mpyi_bin_take(&f.bin, CLASS));
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(mpy_priv_bin_push(&f.bin, &f.blocks[i]), 1);
        assert_int_equal(mpyi_bin_count(&f.bin, CLASS), i + 1);
    }
    assert_int_equal(mpy_priv_bin_push(&f.bin, &f.blocks[64]), 0);
    assert_null(mpy_priv_bin_pop(&f.bin));
}

/* What was freed last comes first, once the arrays have changed places; frees go on meanwhile. */
static void
a_turn_hands_out_what_was_freed(void **state)
{
    (void)state;
    struct fixture f;
    open_bin(&f);
    for (unsigned i = 0; i < MPYI_TURN_LEAST; i++) {
        assert_null(mpyi_bin_take(&f.bin, CLASS)); /* too few for a turn */
        assert_int_equal(mpy_priv_bin_push(&f.bin, &f.blocks[i]), 1);
    }
    assert_ptr_equal(mpyi_bin_take(&f.bin, CLASS), &f.blocks[MPYI_TURN_LEAST - 1]);
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(mpy_priv_bin_push(&f.bin, &f.blocks[64 + i]), 1);
    }
    assert_int_equal(mpy_priv_bin_push(&f.bin, &f.blocks[63]), 0);
    assert_int_equal(mpyi_bin_count(&f.bin, CLASS), 64 + MPYI_TURN_LEAST - 1);
    for (unsigned i = MPYI_TURN_LEAST - 1; i-- > 0;) {
        assert_ptr_equal(mpyi_bin_take(&f.bin, CLASS), &f.blocks[i]);
    }
    for (unsigned i = 64; i-- > 0;) {
        assert_ptr_equal(mpyi_bin_take(&f.bin, CLASS), &f.blocks[64 + i]);
    }
    assert_null(mpyi_bin_take(&f.bin, CLASS));
    assert_int_equal(mpyi_bin_count(&f.bin, CLASS), 0);
}

/* Without memory for more, the last few are taken. */
static void
the_last_block_goes_round_for_ever(void **state)
{
    (void)state;
    struct fixture f;
    open_bin(&f);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(mpy_priv_bin_push(&f.bin, &f.blocks[0]), 1);
        assert_null(mpyi_bin_take(&f.bin, CLASS));
        assert_ptr_equal(mpyi_bin_turn_pop(&f.bin, CLASS, 1), &f.blocks[0]);
        assert_null(mpyi_bin_turn_pop(&f.bin, CLASS, 1));
        assert_int_equal(mpyi_bin_count(&f.bin, CLASS), 0);
    }
}

/* Onto malloc's own array while it has blocks and room, else where other frees go. */
static void
what_is_freed_near_comes_next(void **state)
{
    (void)state;
    struct fixture f;
    open_bin(&f);
    assert_int_equal(mpy_priv_bin_push_near(&f.bin, &f.blocks[0]), 1);
    assert_null(mpy_priv_bin_pop(&f.bin));
    assert_int_equal(mpy_priv_bin_push_near(&f.bin, &f.blocks[1]), 1);
    assert_ptr_equal(mpyi_bin_turn_pop(&f.bin, CLASS, 1), &f.blocks[1]);
    assert_int_equal(mpy_priv_bin_push_near(&f.bin, &f.blocks[1]), 1);
    assert_ptr_equal(mpy_priv_bin_pop(&f.bin), &f.blocks[1]);
    for (unsigned i = 1; i < 32 + 64; i++) {
        assert_int_equal(mpy_priv_bin_push_near(&f.bin, &f.blocks[i]), 1);
        assert_int_equal(f.bin.top - f.bin.lo, i < 32 ? i + 1 : 32);
        assert_int_equal(mpyi_bin_count(&f.bin, CLASS), i + 1);
    }
    assert_int_equal(mpy_priv_bin_push_near(&f.bin, &f.blocks[96]), 0);
}

static void
a_closed_bin_has_neither(void **state)
{
    (void)state;
    struct mpy_priv_bin bin = {NULL, NULL, NULL, NULL};
    assert_null(mpyi_bin_take(&bin, CLASS));
    assert_int_equal(mpy_priv_bin_push(&bin, &bin), 0);
    assert_int_equal(mpy_priv_bin_push_near(&bin, &bin), 0);
    assert_int_equal(mpyi_bin_count(&bin, CLASS), 0);
}

/* Words of different moments, as another thread may read them. */
static void
impossible_words_count_as_nothing(void **state)
{
    (void)state;
    struct fixture f;
    open_bin(&f);
    void **slots = f.slots;
    f.bin = (struct mpy_priv_bin){slots, slots + 64, slots + 128, slots + 64};
    assert_int_equal(mpyi_bin_count(&f.bin, CLASS), 0);
    f.bin = (struct mpy_priv_bin){slots + 70, slots, slots, slots + 128};
    assert_int_equal(mpyi_bin_count(&f.bin, CLASS), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_bin_has_room_and_no_blocks),
        cmocka_unit_test(a_turn_hands_out_what_was_freed),
        cmocka_unit_test(the_last_block_goes_round_for_ever),
        cmocka_unit_test(what_is_freed_near_comes_next),
        cmocka_unit_test(a_closed_bin_has_neither),
        cmocka_unit_test(impossible_words_count_as_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
