/* SPDX-License-Identifier: MIT */
/*
 * test_arena.c - handing out pools: fullest arena first, keeping, purging, decay, limits.
 */
#include "alloc_test.h"

enum { ARENAS = 4, POOLS = ARENAS * 64 };

struct fixture {
    struct test_space test;
    uint32_t pools[POOLS];
};

static struct fixture fixture;

static uint32_t
get_pool(struct mpyi_space *space)
{
    uint32_t index;
    return mpyi_space_get_pools(space, &index, 1, MPYI_NO_POOL) == 1 ? index : MPYI_NO_POOL;
}

static void
take_all(struct mpyi_space *space)
{
    for (uint32_t i = 0; i < POOLS; i++) {
        fixture.pools[i] = get_pool(space);
        assert_int_equal(fixture.pools[i], i);
        assert_ptr_equal(space->pools[i].address,
                         space->arenas[i / 64].address + (size_t)(i % 64) * MPY_POOL_SIZE);
    }
}

static void
put_range(struct mpyi_space *space, uint32_t from, uint32_t to)
{
    mpyi_space_put_pools(space, fixture.pools + from, to - from);
}

static int
setup(void **state)
{
    (void)state;
    return test_space_open(&fixture.test, TEST_GIB, 0);
}

static int
teardown(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    int result = mpyi_space_check(space);
    if (fixture.test.usage.taken != space->pools_out * MPY_POOL_SIZE) {
        print_error("%llu bytes are on the books of %llu pools\n",
                    (unsigned long long)fixture.test.usage.taken,
                    (unsigned long long)space->pools_out);
        result = -1;
    }
    mpyi_space_destroy(space);
    return result;
}

static void
the_fullest_arena_comes_first(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    take_all(space);
    put_range(space, 0, 10);    /* arena 0: 10 free */
    put_range(space, 64, 67);   /* arena 1: 3 free */
    put_range(space, 128, 190); /* arena 2: 62 free */
    assert_int_equal(mpyi_space_check(space), 0);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(get_pool(space), 64 + i);
    }
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(get_pool(space), i);
    }
    assert_int_equal(get_pool(space), 128);
    assert_int_equal(space->arena_count, ARENAS);
}

static void
several_pools_come_from_one_arena(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    uint32_t got[100];
    assert_int_equal(mpyi_space_get_pools(space, got, 60, MPYI_NO_POOL), 60);
    assert_int_equal(mpyi_space_get_pools(space, got, 60, MPYI_NO_POOL), 4);
    assert_int_equal(got[3], 63);
    assert_int_equal(mpyi_space_get_pools(space, got, 100, MPYI_NO_POOL), 64);
    fixture.test.usage.limit = 130 * MPY_POOL_SIZE;
    assert_int_equal(mpyi_space_get_pools(space, got, 4, MPYI_NO_POOL), 2);
    assert_int_equal(mpyi_space_get_pools(space, got, 4, MPYI_NO_POOL), 0);
}

/* Four pools of a run that is to go on at `near`; the first of them. */
static uint32_t
get_run(struct mpyi_space *space, uint32_t near)
{
    uint32_t got[4];
    assert_int_equal(mpyi_space_get_pools(space, got, 4, near), 4);
    for (uint32_t i = 1; i < 4; i++) {
        assert_int_equal(got[i], got[0] + i);
    }
    return got[0];
}

static void
a_run_goes_on_or_begins_where_there_is_room(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    assert_int_equal(get_run(space, MPYI_NO_POOL), 0);
    assert_int_equal(get_run(space, 4), 4);
    assert_int_equal(get_run(space, 4), 16); /* taken: at the next 64 KiB that are free */
    assert_int_equal(get_run(space, 5), 32);
    assert_int_equal(get_run(space, 7), 48);
    assert_int_equal(get_run(space, 0), 64); /* in a new arena */
    assert_int_equal(get_run(space, 20), 20);
    assert_int_equal(get_run(space, 8), 8);
    assert_int_equal(get_run(space, 61), 80); /* not over an arena's end */
    assert_int_equal(get_run(space, 1u << 30), 96);
    assert_int_equal(space->arena_count, 2);
    assert_int_equal(space->pools_out, 40);
}

/* What waits to be used again comes before memory that was never touched. */
static void
runs_use_what_was_touched(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    take_all(space);
    for (uint32_t i = 0; i < POOLS; i++) {
        if (i % 16 != 0) {
            put_range(space, i, i + 1);
        }
    }
    assert_int_equal(get_run(space, 5), 5); /* touched ones, where it goes on */
    while (space->dirty_free > 64 + space->pools_out / 16) {
        uint32_t got[4];
        size_t n = mpyi_space_get_pools(space, got, 4, 0);
        assert_true(n > 0 && got[n - 1] < POOLS);
    }
    assert_int_equal(space->arena_count, ARENAS);
    assert_int_equal(get_run(space, 0), POOLS); /* few are left */
}

static void
a_run_begins_in_a_new_arena(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    take_all(space);
    assert_int_equal(get_run(space, 5), POOLS); /* at its first pool, wherever the run was */
}

static void
a_run_takes_the_only_room(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    take_all(space);
    put_range(space, 16, 32); /* nothing else of its arena */
    assert_int_equal(get_run(space, 0), 16);
}

/* Arenas that came and went are no address space that lies between runs. */
static void
runs_go_on_after_many_arenas(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    for (int i = 0; i < 10; i++) {
        take_all(space);
        put_range(space, 0, POOLS);
        assert_int_equal(mpyi_space_trim(space, 0), ARENAS * MPY_ARENA_SIZE);
    }
    uint32_t first = get_run(space, MPYI_NO_POOL);
    assert_int_equal(get_run(space, first), first + 16);
}

/* Without memory for an arena a run takes what there is, and only then fails. */
static void
a_run_without_memory(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(get_run(space, 0), 16 * i);
    }
    mpyi_os_fail_after(1);
    for (uint32_t i = 0; i < 12; i++) {
        assert_true(get_run(space, 0) < 64);
    }
    uint32_t got[4];
    assert_int_equal(mpyi_space_get_pools(space, got, 4, 0), 0);
    mpyi_os_fail_after(0);
    assert_int_equal(get_run(space, 0), 64);
    assert_int_equal(space->pools_out, 68);
}

static void
address_space_between_runs_is_bounded(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    for (uint32_t i = 0; i < 4000; i++) {
        uint32_t got;
        assert_int_equal(mpyi_space_get_pools(space, &got, 1, 0), 1);
        uint64_t between = (uint64_t)space->arena_count * 64 - space->pools_out;
        assert_true(between <= space->pools_out / 8 + 17 * 64);
    }
    assert_true(space->arena_count > 4000 / 64 + 8); /* runs have room to go on */
}

static void
books_follow(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    take_all(space);
    assert_int_equal(fixture.test.usage.arena_bytes, ARENAS * MPY_ARENA_SIZE);
    assert_int_equal(fixture.test.usage.pool_bytes, POOLS * MPY_POOL_SIZE);
    put_range(space, 0, POOLS);
    assert_int_equal(fixture.test.usage.pool_bytes, 0);
    assert_int_equal(fixture.test.usage.arena_bytes, ARENAS * MPY_ARENA_SIZE);
    assert_int_equal(space->kept, ARENAS);
    assert_int_equal(mpyi_space_trim(space, 0), ARENAS * MPY_ARENA_SIZE);
    assert_int_equal(fixture.test.usage.arena_bytes, 0);
    assert_int_equal(space->arenas_released, ARENAS);
    assert_int_equal(fixture.test.usage.peak, ARENAS * MPY_ARENA_SIZE);
    (void)get_pool(space);
    assert_int_equal(space->arenas_created, ARENAS + 1);
    assert_int_equal(space->arena_count, ARENAS);
}

static void
few_empty_arenas_are_kept(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    space->keep_max = 2;
    take_all(space);
    put_range(space, 0, POOLS);
    assert_int_equal(space->kept, 2);
    assert_int_equal(space->arenas_released, 2);
    assert_int_equal(mpyi_space_check(space), 0);
    assert_int_equal(mpyi_space_trim(space, MPY_ARENA_SIZE), MPY_ARENA_SIZE);
    assert_int_equal(space->kept, 1);
}

static void
old_empty_arenas_decay(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    space->decay_ms = 20;
    take_all(space);
    put_range(space, 0, 128);
    mpyi_space_decay(space);
    assert_int_equal(space->kept, 2);
    usleep(60000);
    put_range(space, 128, 192); /* young */
    mpyi_space_decay(space);
    assert_int_equal(space->kept, 1);
    assert_int_equal(space->heads[MPYI_ARENA_POOLS], 2);
}

/* One look purges so many; the next one follows soon, not after a part of the decay time. */
static void
decay_goes_on_soon(void **state)
{
    (void)state;
    enum { MANY = 140 };
    struct mpyi_space *space = &fixture.test.space;
    static uint32_t pools[MANY * 64];
    space->keep_max = MANY;
    for (size_t i = 0; i < MANY * 64; i++) {
        pools[i] = get_pool(space);
    }
    mpyi_space_put_pools(space, pools, MANY * 64);
    assert_int_equal(space->kept, MANY);
    space->decay_ms = 100000;
    for (uint32_t i = 0; i < MANY; i++) {
        space->arenas[i].touched_ms = mpyi_os_now_ms() - 200000;
    }
    for (uint32_t left = MANY; left > 0;) {
        space->decay_next_ms = 0;
        mpyi_space_decay(space);
        assert_true(space->kept < left);
        left = space->kept;
        uint64_t wait = space->decay_next_ms - mpyi_os_now_ms();
        assert_true(left == 0 || wait < 1000 || wait > UINT64_MAX / 2);
    }
}

static void
kept_arenas_are_used_before_clean_ones(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    take_all(space);
    put_range(space, 0, POOLS);
    (void)mpyi_space_trim(space, 2 * MPY_ARENA_SIZE);
    uint32_t kept = space->heads[MPYI_ARENA_POOLS];
    assert_int_equal(get_pool(space) / 64, kept);
}

static void
trim_purges_free_pools_of_used_arenas(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    take_all(space);
    mpyi_unpoison(space->arenas[0].address, MPY_ARENA_SIZE);
    memset(space->arenas[0].address, 1, MPY_ARENA_SIZE);
    put_range(space, 3, 7);
    put_range(space, 60, 64);
    assert_int_equal(mpyi_space_trim(space, 0), 8 * MPY_POOL_SIZE);
    assert_int_equal(mpyi_space_trim(space, 0), 0);
    const char *arena = space->arenas[0].address;
    assert_int_equal(arena[2 * MPY_POOL_SIZE], 1);
    assert_int_equal(arena[3 * MPY_POOL_SIZE], 0);
    assert_int_equal(arena[7 * MPY_POOL_SIZE - 1], 0);
    assert_int_equal(arena[7 * MPY_POOL_SIZE], 1);
    assert_int_equal(arena[MPY_ARENA_SIZE - 1], 0);
}

static void
the_limit_counts_pools(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    fixture.test.usage.limit = 3 * MPY_POOL_SIZE;
    for (uint32_t i = 0; i < 3; i++) {
        fixture.pools[i] = get_pool(space);
        assert_int_not_equal(fixture.pools[i], MPYI_NO_POOL);
    }
    assert_int_equal(get_pool(space), MPYI_NO_POOL);
    put_range(space, 0, 1);
    assert_int_not_equal(get_pool(space), MPYI_NO_POOL);
    assert_int_equal(mpyi_usage_fits(&fixture.test.usage, 1), 0);
    assert_int_equal(mpyi_usage_fits(&fixture.test.usage, 0), 1);
    fixture.test.usage.limit = 0;
    assert_int_equal(mpyi_usage_fits(&fixture.test.usage, 0), 0);
}

static void
no_memory_is_survived(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    mpyi_os_fail_after(1);
    assert_int_equal(get_pool(space), MPYI_NO_POOL);
    mpyi_os_fail_after(0);
    assert_int_equal(mpyi_space_check(space), 0);
    assert_int_equal(fixture.test.usage.arena_bytes, 0);
    take_all(space);
    mpyi_os_fail_after(1);
    assert_int_equal(get_pool(space), MPYI_NO_POOL);
    mpyi_os_fail_after(0);
    assert_int_equal(get_pool(space), POOLS);
}

static void
random_takes_and_puts(void **state)
{
    (void)state;
    struct mpyi_space *space = &fixture.test.space;
    space->keep_max = 1;
    uint64_t random = 42;
    uint32_t held[POOLS];
    size_t count = 0;
    for (int i = 0; i < 20000; i++) {
        if (count < POOLS && test_random(&random) % 5 < 3 - (unsigned)(i / 5000 % 2)) {
            uint32_t near = i % 2 == 0 ? MPYI_NO_POOL : (uint32_t)(test_random(&random) % 2000);
            assert_int_equal(mpyi_space_get_pools(space, &held[count], 1, near), 1);
            count++;
        } else if (count > 0) {
            size_t victim = test_random(&random) % count;
            mpyi_space_put_pools(space, &held[victim], 1);
            held[victim] = held[--count];
        }
        if (i % 500 == 0) {
            assert_int_equal(mpyi_space_check(space), 0);
        }
    }
    assert_int_equal(space->pools_out, count);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_fullest_arena_comes_first),
        CASE(several_pools_come_from_one_arena),
        CASE(a_run_goes_on_or_begins_where_there_is_room),
        CASE(runs_use_what_was_touched),
        CASE(a_run_begins_in_a_new_arena),
        CASE(a_run_takes_the_only_room),
        CASE(runs_go_on_after_many_arenas),
        CASE(a_run_without_memory),
        CASE(address_space_between_runs_is_bounded),
        CASE(books_follow),
        CASE(few_empty_arenas_are_kept),
        CASE(old_empty_arenas_decay),
        CASE(decay_goes_on_soon),
        CASE(kept_arenas_are_used_before_clean_ones),
        CASE(trim_purges_free_pools_of_used_arenas),
        CASE(the_limit_counts_pools),
        CASE(no_memory_is_survived),
        CASE(random_takes_and_puts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
