/* SPDX-License-Identifier: MIT */
/* test: long */
/*
 * stress/test_api_soup.c - random sequences of valid calls over a pool of objects of every type.
 *
 * Each step takes up to three objects from the pool, whatever they are, makes one call with them,
 * and puts what it gets back into the pool: containers end up in each other, in instances, in
 * types, in exceptions, in iterators. Objects of one host type are mischievous: their hash,
 * comparison, truth, iteration and finalizer make a step of their own, in the middle of whatever
 * the library is doing. Collections of all generations are steps, too, and the automatic ones are
 * frequent.
 *
 * What must hold: a call fails if and only if an error is set; it is never a SystemError (the calls
 * are valid) or a MemoryError (there is memory); the heap is in order, looked at every CHECK steps;
 * in the end everything can be dropped and nothing is left. A round has its seed; MINIPY_TEST_SEED
 * runs one alone.
 *
 * repr, comparison and hash of an object with many paths through it take as long as there are
 * paths: they are asked of light objects only.
 */
#include "support/api_soup.h"
#include "support/scale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 20000u /* 10,000,000 in the long run */
#define ROUND 2000u  /* steps with one seed */
#define CHECK 250u

static uint64_t seed_now;

/* Finalizers are called once, so this ends: what they put into the pool goes in the next turn. */
static void
empty_the_pool(void)
{
    int left;
    do {
        for (unsigned i = 0; i < POOL; i++) {
            mpy_clear(&soup.pool[i]);
        }
        api_done(mpy_gc_collect(2, NULL));
        left = 0;
        for (unsigned i = 0; i < POOL; i++) {
            left += soup.pool[i] != NULL;
        }
    } while (left > 0);
    soup.nested = 0;
    (void)mpy_gc_enable();
}

static int
swallow(void *data, const char *bytes, size_t n)
{
    (void)data;
    (void)bytes;
    (void)n;
    return 0;
}

/* A round has a runtime of its own: what it leaves over is its own fault. */
static void
run_round(uint64_t seed, struct api_world *world)
{
    seed_now = seed;
    soup.random.state = seed;
    soup.world = world;
    soup.node_type = api_good(api_node_type(API_NODE_FINALIZE));
    soup.traverse_type = api_good(api_node_type(API_NODE_FINALIZE | API_NODE_TRAVERSE));
    soup.mischief_type = api_good(mpy_type_from_spec(&soup_mischief_spec, NULL));
    soup.error_type = api_good(mpy_exc_type(MPY_EXC_EXCEPTION));
    memset(&soup.log, 0, sizeof soup.log);
    soup.log.one_id = 1;
    api_done(mpy_gc_set_threshold(0, 16 + (int64_t)soup_draw(100)));
    for (unsigned i = 0; i < POOL / 2; i++) {
        mpy_object *o = api_make(world, (int)soup_draw(API_BASIC));
        soup_put(o);
        mpy_decref(o);
    }
    for (unsigned i = 0; i < ROUND; i++) {
        soup_step();
        if (i % CHECK == 0) {
            assert_int_equal(mpy_debug_check_heap(world->rt), 0);
        }
    }
    /* Types hold objects, too, as their attributes. No more mischief from here on. */
    soup.nested = 100;
    mpy_clear(&soup.node_type);
    mpy_clear(&soup.traverse_type);
    mpy_clear(&soup.mischief_type);
    mpy_clear(&soup.error_type);
    mpy_clear(&world->plain_type);
    mpy_clear(&world->data_type);
    empty_the_pool();
    assert_int_equal(soup.log.faults, 0);
}

/* A world whose runtime keeps what finalizers raise to itself. */
static void
open_quietly(struct api_world *world)
{
    mpy_config *config = mpy_config_new();
    memset(world, 0, sizeof *world);
    assert_non_null(config);
    mpy_config_set_error_fn(config, swallow, NULL);
    assert_int_equal(mpy_runtime_new(config, &world->rt), MPY_OK);
    mpy_config_free(config);
    world->plain_type = api_good(api_world_plain_type());
    world->data_type = api_good(api_world_data_type());
}

static void
test_soup(void **state)
{
    uint64_t asked = api_random_asked(), rounds = test_scaled(STEPS) / ROUND;
    struct api_world world;

    (void)state;
    soup.steps = soup.errors = 0;
    for (uint64_t i = 1; i <= rounds; i++) {
        open_quietly(&world);
        run_round(asked != 0 ? asked : i, &world);
        if (api_world_close(&world) < 0) {
            fail_msg("something was left over");
        }
        if (asked != 0) {
            break;
        }
    }
    seed_now = 0;
    /* Most calls do what they are asked for. */
    assert_true(soup.errors * 2 < soup.steps);
}

static int
teardown(void **state)
{
    (void)state;
    if (seed_now != 0) {
        print_error("the round's seed: MINIPY_TEST_SEED=%llu\n", (unsigned long long)seed_now);
    }
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_soup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
